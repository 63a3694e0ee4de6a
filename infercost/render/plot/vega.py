"""A Vega-Lite 5 specification, values and all: to be drawn, restyled or read back by other tools."""

import json
import re
from typing import Any

from infercost.render.plot.drawing import (
    COLOURS,
    DASHES,
    LIMIT_COLOUR,
    LIMIT_DASHES,
    Scale,
    axis_text,
    bar_scale,
    scales,
)
from infercost.report import Axis, Bars, Chart, Line, Picture, Report

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
#: The lines of an object of a key and plain values, as it is indented.
_A_VALUE = re.compile(r'\{(?:\s+"\w+": (?:"(?:[^"\\\n]|\\.)*"|[^\s"{}\[\]]+)(?:,|(?=\s+\})))+\s+\}')
_BREAK = re.compile(r"\n\s*")
#: How Vega writes a tick, by unit.
_FORMATS = {"share": ".3~%", "USD": "$.3~s"}


def render(report: Report, ending: str) -> bytes:
    """The pictures one below the other, as a JSON document with a line for each value."""
    document = {
        "$schema": SCHEMA,
        "description": report.verdict,
        "vconcat": [_view(picture) for picture in report.charts],
    }
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    return (_A_VALUE.sub(lambda value: _BREAK.sub(" ", value[0]), text) + "\n").encode()


def _view(picture: Picture) -> dict[str, Any]:
    return _chart(picture) if isinstance(picture, Chart) else _bars(picture)


def _chart(chart: Chart) -> dict[str, Any]:
    across, up = scales(chart)
    tips = [{"field": "line"}, _tip("x", chart.x), _tip("y", chart.y), {"field": "label"}]
    encoding = {"x": _axis("x", across), "y": _axis("y", up), "tooltip": tips}
    layers: list[dict[str, Any]] = [
        {"mark": "line", "transform": [{"filter": "!datum.points"}], "encoding": _looks(chart, "color", "strokeDash")}
    ]
    if any(line.points for line in chart.lines):
        mark = {"type": "point", "filled": True, "size": 120, "shape": "triangle-up", "opacity": 1}
        layers.append({"mark": mark, "transform": [{"filter": "datum.points"}], "encoding": _looks(chart, "color")})
    if any(line.said for line in chart.lines):
        text = {"type": "text", "align": "left", "dx": 8, "dy": 12}
        where = {"text": {"field": "label"}}
        layers.append({"mark": text, "transform": [{"filter": "datum.said"}], "encoding": where})
    return {
        "title": chart.title,
        "width": 560,
        "height": 320,
        "data": {"values": [value for line in chart.lines for value in _values(line)]},
        "encoding": encoding,
        "layer": layers,
    }


def _looks(chart: Chart, *channels: str) -> dict[str, Any]:
    """What tells the lines apart: colour and dashes, grey dots where a line is a limit."""
    names = [line.name for line in chart.lines]
    looks = [
        (LIMIT_COLOUR, LIMIT_DASHES) if line.limit else (COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)])
        for number, line in enumerate(chart.lines)
    ]
    ranges = {"color": [colour for colour, _ in looks], "strokeDash": [[*dashes] or [1, 0] for _, dashes in looks]}
    legend = {"symbolType": "stroke", "symbolSize": 400, "orient": "bottom", "columns": 2, "labelLimit": 300}
    return {
        channel: {
            "field": "line",
            "type": "nominal",
            "title": None,
            "legend": legend,
            "scale": {"domain": names, "range": ranges[channel]},
        }
        for channel in channels
    }


def _values(line: Line) -> list[dict[str, Any]]:
    """A row a value; ``points`` where it stands alone, ``said`` where its label is written beside it."""
    return [
        {"line": line.name, "x": x, "y": y}
        | ({"label": label} if label else {})
        | ({"points": True} if line.points else {})
        | ({"said": True} if (x, y, label) in line.said else {})
        for x, y, label in line.values
    ]


def _axis(field: str, scale: Scale) -> dict[str, Any]:
    axis = scale.axis
    return {
        "field": field,
        "type": "quantitative",
        "title": _title(axis),
        "scale": {"type": "log" if axis.log else "linear", "domain": [scale.low, scale.high]},
        "axis": {"format": _FORMATS.get(axis.unit, "~s"), "tickCount": 6, "grid": False},
    }


def _tip(field: str, axis: Axis) -> dict[str, Any]:
    return {"field": field, "title": _title(axis), "format": _FORMATS.get(axis.unit, ".4~s")}


def _title(axis: Axis) -> str:
    """What an axis measures, with its unit, which Vega's ticks do not say."""
    return f"{axis.label}, {axis.unit}" if axis.unit not in ("", "share", "USD") else axis_text(axis)


def _bars(bars: Bars) -> dict[str, Any]:
    values: list[dict[str, Any]] = []
    for bar in bars.bars:
        mark = {} if bar.mark is None else {"mark": bar.mark}
        values.append({"name": bar.name, "value": bar.value, "from": bar.start, "to": bar.start + bar.value, **mark})
    x = _axis("from", bar_scale(bars))
    name = {"field": "name", "type": "nominal", "title": None, "sort": None}
    tip = [{"field": "name"}, {"field": "value", "title": _title(bars.axis), "format": ".4~s"}]
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "color": COLOURS[0]},
            "encoding": {"y": name, "x": x, "x2": {"field": "to"}, "tooltip": tip},
        }
    ]
    if bars.marked:
        layer.append(
            {
                "mark": {"type": "tick", "color": "black", "thickness": 2},
                "encoding": {"y": name, "x": {"field": "mark", "type": "quantitative"}},
            }
        )
    if bars.limit:
        layer.append({"mark": "rule", "encoding": {"x": {"datum": bars.limit[1]}}})
    title = {"text": bars.title, **({"subtitle": bars.line_said} if bars.line_said else {})}
    return {"title": title, "width": 560, "data": {"values": values}, "layer": layer}
