"""Pictures of an answer: below its text in the terminal, or in a file of their own."""

import os
import sys

from infercost.cli.place import is_terminal, width
from infercost.errors import BadValue
from infercost.render.plot import ending_of, to_lines, to_picture
from infercost.report import Report

#: The picture that shows the work too.
PAGE = ".html"


def check_plot(plot: str, form: str, output: str | None, exports: bool) -> None:
    """Refuse a picture that no place is for, before anything is computed for it.

    Raises:
        BadValue: no picture ends so, the form has no place for one, or the answer goes to the same file.
    """
    if exports:
        raise BadValue("--all has no picture", "leave --all out: the frontier has one")
    if not plot and form in ("json", "csv"):
        raise BadValue(f"{form} has no place for a picture", "give it a file of its own: --plot out.svg")
    if plot:
        ending_of(plot)
    if plot and output is not None and os.path.realpath(output) == os.path.realpath(plot):
        raise BadValue(f"--output and --plot both write {plot}", "give each a file of its own")


def file_of(report: Report, plot: str) -> bytes:
    """What a picture's file holds; nothing where the pictures are for the terminal."""
    return to_picture(report, ending_of(plot)) if plot else b""


def text_of(report: Report, form: str, output: str | None) -> str:
    """The pictures as text, in ASCII where a reader's place has no more."""
    text = to_lines(report) if output is not None else to_lines(report, width(), _is_ascii())
    return f"```text\n{text}```\n" if form == "markdown" else text


def _is_ascii() -> bool:
    """Whether standard output, or the terminal behind it, shows nothing beyond ASCII."""
    from infercost.render.plot.terminal import LETTERS

    if is_terminal() and os.environ.get("TERM") in ("dumb", "linux"):
        return True
    try:
        LETTERS.encode((sys.stdout and sys.stdout.encoding) or "utf-8")
    except UnicodeEncodeError:
        return True
    return False
