"""A Vega-Lite 5 specification, values and all: for other tools to draw, restyle or read back."""

import json
import re
from typing import Any

from infercost.picture import Axis, Bars, Chart, Line
from infercost.render.drawing import COLOURS, Scale, axis_text, bar_scale, scales, style
from infercost.render.writing import harmless
from infercost.report import Report

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
#: The lines of an object of a key and plain values, as it is indented.
_A_VALUE = re.compile(r'\{(?:\s+"\w+": (?:"(?:[^"\\\n]|\\.)*"|[^\s"{}\[\]]+)(?:,|(?=\s+\})))+\s+\}')
_BREAK = re.compile(r"\n\s*")
#: Vega's format of a tick, by unit.
_FORMATS = {"share": ".3~%", "USD": "$.3~s", "year": "d"}

Spec = dict[str, Any]


def render(report: Report, ending: str) -> bytes:
    """The pictures one below the other, as a JSON document with a line for each value."""
    views = [_chart(picture) if isinstance(picture, Chart) else _bars(picture) for picture in report.charts]
    document = {"$schema": SCHEMA, "description": report.verdict, "vconcat": views}
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    return harmless(_A_VALUE.sub(lambda value: _BREAK.sub(" ", value[0]), text) + "\n").encode()


def _chart(chart: Chart) -> Spec:
    across, up = scales(chart)
    tips = [{"field": "line"}, _tip("x", chart.x), _tip("y", chart.y), {"field": "label"}]
    layers = [_layer("line", "!datum.points", _looks(chart, "color", "strokeDash"))]
    if any(line.points for line in chart.lines):
        mark = {"type": "point", "filled": True, "size": 120, "shape": "triangle-up", "opacity": 1}
        layers.append(_layer(mark, "datum.points", _looks(chart, "color")))
    if any(line.captions for line in chart.lines):
        mark = {"type": "text", "align": "left", "dx": 8, "dy": 12}
        layers.append(_layer(mark, "datum.said", {"text": {"field": "label"}}))
    return {
        "title": chart.title,
        "width": 560,
        "height": 320,
        "data": {"values": [value for line in chart.lines for value in _values(line)]},
        "encoding": {"x": _axis("x", across), "y": _axis("y", up), "tooltip": tips},
        "layer": layers,
    }


def _layer(mark: Spec | str, values: str, encoding: Spec) -> Spec:
    """Marks on those values for which an expression holds."""
    return {"mark": mark, "transform": [{"filter": values}], "encoding": encoding}


def _looks(chart: Chart, *channels: str) -> Spec:
    """The colours and dashes that tell the lines apart."""
    styles = [style(line, number) for number, line in enumerate(chart.lines)]
    ranges = {"color": [colour for colour, _ in styles], "strokeDash": [[*dashes] or [1, 0] for _, dashes in styles]}
    names = [line.name for line in chart.lines]
    legend = {"symbolType": "stroke", "symbolSize": 400, "orient": "bottom", "columns": 2, "labelLimit": 300}
    field = {"field": "line", "type": "nominal", "title": None, "legend": legend}
    return {channel: {**field, "scale": {"domain": names, "range": ranges[channel]}} for channel in channels}


def _values(line: Line) -> list[Spec]:
    """A row a value; ``points`` where it stands alone, ``said`` where its label stands beside it."""
    return [
        {"line": line.name, "x": x, "y": y}
        | ({"label": label} if label else {})
        | ({"points": True} if line.points else {})
        | ({"said": True} if (x, y, label) in line.captions else {})
        for x, y, label in line.values
    ]


def _axis(field: str, scale: Scale) -> Spec:
    axis = scale.axis
    return {
        "field": field,
        "type": "quantitative",
        "title": _title(axis),
        "scale": {"type": "log" if axis.log else "linear", "domain": [scale.low, scale.high]},
        "axis": {"format": _FORMATS.get(axis.unit, "~s"), "tickCount": 6, "grid": False},
    }


def _tip(field: str, axis: Axis) -> Spec:
    return {"field": field, "title": _title(axis), "format": _FORMATS.get(axis.unit, ".4~s")}


def _title(axis: Axis) -> str:
    """The label of an axis, with its unit, which Vega's ticks leave out."""
    return f"{axis.label}, {axis.unit}" if axis.unit not in ("", "year", "share", "USD") else axis_text(axis)


def _bars(bars: Bars) -> Spec:
    values = [
        {"name": bar.name, "value": bar.value, "from": bar.start, "to": bar.start + bar.value}
        | ({} if bar.mark is None else {"mark": bar.mark})
        for bar in bars.bars
    ]
    name = {"field": "name", "type": "nominal", "title": None, "sort": None}
    tip = [{"field": "name"}, {"field": "value", "title": _title(bars.axis), "format": ".4~s"}]
    ends = {"y": name, "x": _axis("from", bar_scale(bars)), "x2": {"field": "to"}}
    layer: list[Spec] = [{"mark": {"type": "bar", "color": COLOURS[0]}, "encoding": {**ends, "tooltip": tip}}]
    if bars.marked:
        tick = {"type": "tick", "color": "black", "thickness": 2}
        layer.append({"mark": tick, "encoding": {"y": name, "x": {"field": "mark", "type": "quantitative"}}})
    if bars.limit:
        layer.append({"mark": "rule", "encoding": {"x": {"datum": bars.limit[1]}}})
    title = {"text": bars.title, **({"subtitle": bars.legend} if bars.legend else {})}
    return {"title": title, "width": 560, "data": {"values": values}, "layer": layer}
