"""What a report looks like: curves are worked out again at more points, everything else is drawn as it was answered."""

from importlib import import_module

from infercost.chart import Picture
from infercost.errors import BadValue
from infercost.question import Asked
from infercost.report import Report

#: The module and the function that draw the answer of each command.
DRAWN = {
    "fit": ("bars", "memory_charts"),
    "utilization": ("step", "roofline_charts"),
    "sweep-batch": ("step", "sweep_charts"),
    "economies": ("service", "economies_charts"),
    "frontier": ("service", "frontier_charts"),
    "compare": ("bars", "compare_charts"),
}


def charts(asked: Asked, report: Report) -> tuple[Picture, ...]:
    """The pictures of an answer, from the question and the report.

    Raises:
        BadValue: a command whose answers have no picture.
    """
    if asked.get("sweep"):
        from infercost.analyses.pictures.swept import swept_charts

        return swept_charts(asked, report)
    if report.command not in DRAWN:
        raise BadValue(f"answers of {report.command} have no picture", f"there are some of {', '.join(DRAWN)}")
    module, name = DRAWN[report.command]
    drawn: tuple[Picture, ...] = getattr(import_module(f"{__name__}.{module}"), name)(asked, report)
    return drawn
