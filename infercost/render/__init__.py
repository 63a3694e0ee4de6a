"""One module a form; each knows Report and nothing of GPUs."""

from importlib import import_module

from infercost.errors import BadValue
from infercost.report import Report

FORMS = ("table", "plain", "json", "csv", "markdown")


def to_text(report: Report, form: str = "plain", width: int = 80, sources: bool = False) -> str:
    """A report as text in one of the forms, ``sources`` adding where each input is from.

    Raises:
        BadValue: a form that does not exist.
    """
    if form not in FORMS:
        raise BadValue(f"no form is called {form!r}", f"forms are {', '.join(FORMS)}")
    text: str = import_module(f"infercost.render.{form}").render(report, width, sources)
    return text
