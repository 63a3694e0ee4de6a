"""What pictures have in common: the question asked again, what a report says of itself, a line over rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infercost.chart import Axis, Line
from infercost.question import Asked, Given
from infercost.report import Report

Rows = Sequence[Mapping[str, Any]]


def changed(asked: Asked, **given: Any) -> Asked:
    """The same question with some options changed."""
    again = Asked(asked.command, asked.words, asked.origin)
    again.given = asked.given | {name: Given(value, "picture") for name, value in given.items()}
    return again


def kind_of(report: Report) -> str:
    """``bound`` where the report says so of all of it, else ``estimate``."""
    said = {note.code for note in report.notes} & {"bound", "estimate"}
    return "bound" if said == {"bound"} else "estimate"


def rows_of(report: Report) -> Rows:
    """The rows of a report that has some."""
    return report.series.rows if report.series else ()


def article(kind: str) -> str:
    """The word with its article."""
    return f"{'an' if kind == 'estimate' else 'a'} {kind}"


def value_of(report: Report, key: str) -> Any:
    """An input of the report as it was understood, or None."""
    return next((item.value for item in report.inputs if item.key == key), None)


def devices_of(report: Report) -> str:
    """How many of which device: ``4 x h100-sxm``."""
    return f"{report['gpus']:,} x {value_of(report, 'gpu')}"


def peak_of(report: Report) -> float:
    """The rate of one device that utilization is a share of."""
    return float(next(item.value for item in report.inputs if item.key.startswith("gpu.flops_")))


def cost_axis(priced: bool) -> Axis:
    """What a token costs: money where there is a price, else the time of a device."""
    return Axis("USD per million tokens", "USD") if priced else Axis("device time for each token", "s")


def line_over(rows: Rows, x: str, name: str, y: Callable[[Mapping[str, Any]], float]) -> Line:
    """A line over rows: a key across, a value of each row up."""
    return Line(name, tuple(float(row[x]) for row in rows), tuple(y(row) for row in rows))
