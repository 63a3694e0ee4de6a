"""A report's pictures: as text for a terminal, or as a file whose ending says what it is."""

from importlib import import_module

from infercost.errors import BadValue
from infercost.report import Report

#: The module that makes each kind of file.
ENDINGS = {".png": "matplotlib", ".svg": "matplotlib", ".html": "html", ".vl.json": "vega"}


def ending_of(path: str) -> str:
    """The ending of a picture's file.

    Raises:
        BadValue: one that no picture has.
    """
    found = next((ending for ending in ENDINGS if path.lower().endswith(ending)), None)
    if found is None:
        hint = f"end it in {', '.join(ENDINGS)}; for one in the terminal write --plot last, or before another option"
        raise BadValue(f"--plot {path}: no picture ends so", hint)
    return found


def to_picture(report: Report, ending: str) -> bytes:
    """The pictures of a report that has charts, as a file of one of the endings.

    Raises:
        BadValue: the report has nothing to draw.
        Missing: a library that draws it is not installed.
    """
    check_drawable(report)
    made: bytes = import_module(f"infercost.render.plot.{ENDINGS[ending]}").render(report, ending)
    return made


def to_lines(report: Report, width: int = 80, ascii: bool = False) -> str:
    """The pictures of a report that has charts, as lines of text.

    Raises:
        BadValue: the report has nothing to draw.
    """
    from infercost.render.plot.terminal import render

    check_drawable(report)
    return "\n".join(render(picture, width, ascii) for picture in report.charts)


def check_drawable(report: Report) -> None:
    """Refuse a report without charts.

    Raises:
        BadValue: it has none.
    """
    if not report.charts:
        raise BadValue(f"this answer of {report.command} has no picture", "leave out --plot")
