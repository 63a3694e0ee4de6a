"""The forms of an answer and the kinds of picture, a module each: they know a report, and nothing of GPUs."""

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from infercost.errors import BadValue
from infercost.render.writing import harmless

if TYPE_CHECKING:
    from infercost.report import Report


class Form(NamedTuple):
    """A form of an answer: the ending of its files, and whether it has a place for pictures and for notes."""

    ending: str = ""
    pictures: bool = True
    notes: bool = False


#: Each form, in the module of its name.
FORMS = {
    "table": Form(),
    "plain": Form(),
    "json": Form(".json", pictures=False, notes=True),
    "csv": Form(".csv", pictures=False),
    "markdown": Form(".md", notes=True),
}
#: The module of each kind of picture, by the ending of its file.
ENDINGS = {".png": "matplotlib", ".svg": "matplotlib", ".html": "html", ".vl.json": "vega"}


def to_text(report: "Report", form: str = "plain", width: int = 80, sources: bool = False) -> str:
    """A report as text in one of the forms, with ``sources`` the source of each input; BadValue for no such form.

    Names and notes are whatever a file of somebody else's says: nothing in the text acts on a terminal.
    """
    if form not in FORMS:
        raise BadValue(f"no form is called {form!r}", f"forms are {', '.join(FORMS)}")
    text: str = import_module(f"infercost.render.{form}").render(report, width, sources)
    return harmless(text)


def ending_of(path: str) -> str:
    """The ending of a picture's file; BadValue where no picture ends so."""
    for ending in ENDINGS:
        if path.lower().endswith(ending):
            return ending
    hint = f"end it in {', '.join(ENDINGS)}; for one in the terminal write --plot last, or before another option"
    raise BadValue(f"--plot {path}: no picture ends so", hint)


def to_picture(report: "Report", ending: str) -> bytes:
    """The pictures of a report as a file of one of the endings; Missing where its library is not here."""
    _check_drawable(report)
    picture: bytes = import_module(f"infercost.render.{ENDINGS[ending]}").render(report, ending)
    return picture


def to_lines(report: "Report", width: int = 80, ascii: bool = False) -> str:
    """The pictures of a report as lines of text."""
    from infercost.render.terminal import render

    _check_drawable(report)
    return harmless("\n".join(render(picture, width, ascii) for picture in report.charts))


def _check_drawable(report: "Report") -> None:
    """BadValue where a report has nothing to draw."""
    if not report.charts:
        raise BadValue(f"this answer of {report.command} has no picture", "leave out --plot")
