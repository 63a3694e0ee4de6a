"""A Vega-Lite 5 specification, values and all: to be drawn, restyled or read back by other tools."""

import json
import re
from typing import Any

from infercost.chart import Axis, Bars, Chart, Line, Picture
from infercost.render.plot.scale import axis_text
from infercost.render.plot.style import COLOURS
from infercost.report import Report

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
        "config": {"range": {"category": list(COLOURS)}},
        "vconcat": [_view(picture) for picture in report.charts],
    }
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    return (_A_VALUE.sub(lambda value: _BREAK.sub(" ", value[0]), text) + "\n").encode()


def _view(picture: Picture) -> dict[str, Any]:
    return _chart(picture) if isinstance(picture, Chart) else _bars(picture)


def _chart(chart: Chart) -> dict[str, Any]:
    names = [line.name for line in chart.lines]
    series = {"field": "line", "type": "nominal", "title": None, "scale": {"domain": names}}
    encoding = {
        "x": _axis("x", chart.x),
        "y": _axis("y", chart.y),
        "color": series,
        "tooltip": [{"field": "line"}, _tip("x", chart.x), _tip("y", chart.y), {"field": "label"}],
    }
    layers: list[dict[str, Any]] = [
        {"mark": "line", "transform": [{"filter": "!datum.points"}], "encoding": {"strokeDash": series}}
    ]
    if any(line.points for line in chart.lines):
        mark = {"type": "point", "filled": True, "size": 120}
        layers.append({"mark": mark, "transform": [{"filter": "datum.points"}], "encoding": {"shape": series}})
    return {
        "title": chart.title,
        "width": 560,
        "height": 320,
        "data": {"values": [value for line in chart.lines for value in _values(line)]},
        "encoding": encoding,
        "layer": layers,
    }


def _values(line: Line) -> list[dict[str, Any]]:
    said = {"points": True} if line.points else {}
    return [
        {"line": line.name, "x": x, "y": y, **({"label": label} if label else {}), **said}
        for x, y, label in line.values
    ]


def _axis(field: str, axis: Axis) -> dict[str, Any]:
    scale = {"type": "log", "nice": False} if axis.log else {"type": "linear"}
    return {
        "field": field,
        "type": "quantitative",
        "title": _title(axis),
        "scale": scale,
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
    x = {**_axis("from", bars.axis), "axis": {"format": "~s", "grid": False}}
    name = {"field": "name", "type": "nominal", "title": None, "sort": None}
    tip = [{"field": "name"}, {"field": "value", "title": _title(bars.axis), "format": ".4~s"}]
    layer: list[dict[str, Any]] = [
        {"mark": "bar", "encoding": {"y": name, "x": x, "x2": {"field": "to"}, "tooltip": tip}}
    ]
    if bars.marked:
        layer.append({"mark": "tick", "encoding": {"y": name, "x": {"field": "mark", "type": "quantitative"}}})
    if bars.limit:
        layer.append({"mark": "rule", "encoding": {"x": {"datum": bars.limit[1]}}})
    title = {"text": bars.title, **({"subtitle": bars.line_said} if bars.line_said else {})}
    return {"title": title, "width": 560, "data": {"values": values}, "layer": layer}
