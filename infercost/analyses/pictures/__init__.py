"""What a report looks like: a curve is asked for again at more points, everything else is drawn as it was answered."""

from collections.abc import Callable

from infercost.analyses.pictures.bars import compare_charts, memory_chart
from infercost.analyses.pictures.service import economies_chart, frontier_charts
from infercost.analyses.pictures.step import roofline_chart, sweep_charts
from infercost.chart import Picture
from infercost.question import Asked
from infercost.report import Report

_ANSWERED: dict[str, Callable[[Report], tuple[Picture, ...]]] = {
    "fit": memory_chart,
    "utilization": roofline_chart,
    "frontier": frontier_charts,
    "compare": compare_charts,
}
_ASKED_AGAIN: dict[str, Callable[[Asked, Report], tuple[Picture, ...]]] = {
    "sweep-batch": sweep_charts,
    "economies": economies_chart,
}


def charts(asked: Asked, report: Report) -> tuple[Picture, ...]:
    """The pictures of an answer, from the question and the report; a command without any has none.

    Raises:
        InfercostError: a curve cannot be worked out where the answer could.
    """
    if again := _ASKED_AGAIN.get(report.command):
        return again(asked, report)
    draw = _ANSWERED.get(report.command)
    return draw(report) if draw else ()
