"""Run one command: read its options, ask its analysis, print the report in one form."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from infercost.api import answer
from infercost.cli.write import write_file, write_output
from infercost.errors import BadValue
from infercost.options import Command
from infercost.question import ask
from infercost.render import FORMS, to_text
from infercost.report import Report
from infercost.units import choice

DOES_NOT_FIT = 3
_ENDINGS = {".json": "json", ".csv": "csv", ".md": "markdown"}
#: Forms that carry their notes themselves.
_WITH_NOTES = ("json", "markdown")
#: The picture that shows the work too.
PAGE = ".html"


def run(command: Command, options: dict[str, Any]) -> int:
    """Answer one question and print it; returns the exit code.

    Raises:
        InfercostError: the question is wrong; nothing has been written.
    """
    output = None if "output" in command.options else options.pop("output")
    steps, sources = bool(options.pop("steps")), bool(options.pop("sources"))
    form, plot = _form(options, output), options.pop("plot", None)
    ending = _ending(plot, form, output)
    words = options.pop("words", None) or ()
    asked = ask(
        command.name, {name: value for name, value in options.items() if value not in (None, [], False)}, words, "flag"
    )
    if form == "csv" and (steps or sources):
        raise BadValue("csv has no place for --steps and --sources", "ask for --json, or another form")
    with ExitStack() as shown:
        asked.progress = lambda path: _progress(path, shown)
        report = answer(asked, steps=steps or ending == PAGE, charts=plot is not None)
    picture = _picture(report, ending) if plot else b""
    report = report if steps else replace(report, steps=())
    text = _text(report, form, sources, output)
    if plot == "":
        text = f"{text.rstrip()}\n\n{_drawn(report, form, output)}"
    if report.file and report.file.path:
        write_file(report.file.path, report.file.text)
    if plot:
        write_file(plot, picture, "--plot")
    if output is None:
        write_output(text)
    else:
        write_file(str(output), text)
    if form not in _WITH_NOTES and sys.stderr is not None:
        notes = (f"note: {note.text}\n" for note in report.notes if note.code != "null")
        print("".join(notes), end="", file=sys.stderr)
    return 0 if report.met else DOES_NOT_FIT


def _progress(path: str, shown: ExitStack) -> Callable[[int], None] | None:
    """What shows on a terminal how much of a file has been read; None where nobody would see it."""
    if sys.stderr is None or not sys.stderr.isatty() or not os.path.isfile(path):
        return None
    from infercost.render.progress import reading

    return shown.enter_context(reading(path))


def _form(options: dict[str, Any], output: str | None) -> str:
    """The form that was asked for, or what suits the place it goes to."""
    asked = [name for name in ("json", "csv") if options.pop(name)]
    named = options.pop("format")
    if named is not None:
        asked.append(choice(FORMS)(named, "--format"))
    if len(set(asked)) > 1:
        raise BadValue(f"two forms are asked for: {' and '.join(asked)}", "ask for one of them")
    if asked:
        return asked[0]
    if output is not None:
        return _ENDINGS.get(os.path.splitext(output)[1].lower(), "plain")
    return "table" if _is_terminal() or _colour_is_forced() else "plain"


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _colour_is_forced() -> bool:
    return os.environ.get("FORCE_COLOR", "") not in ("", "0") and not os.environ.get("NO_COLOR")


def _is_coloured() -> bool:
    return (_is_terminal() or _colour_is_forced()) and not os.environ.get("NO_COLOR")


def _text(report: Report, form: str, sources: bool, output: str | None) -> str:
    if output is not None:
        return to_text(report, form, sources=sources)
    if form != "table":
        return to_text(report, form, _width(), sources)
    from infercost.render.table_form import render

    return render(report, _width(), sources, coloured=_is_coloured())


def _width() -> int:
    """Columns of the terminal or of ``COLUMNS``, 80 in a pipe; below 60 no table can be read."""
    from shutil import get_terminal_size

    return max(get_terminal_size((80, 24)).columns, 60)


def _ending(plot: str | None, form: str, output: str | None) -> str | None:
    """The ending of a picture's file; None where none is asked for, or one in the terminal.

    Raises:
        BadValue: no picture ends so, the form has no place for one, or the answer goes to the same file.
    """
    if plot:
        from infercost.render.plot import ending_of

        if output is not None and os.path.realpath(output) == os.path.realpath(plot):
            raise BadValue(f"--output and --plot both write {plot}", "give each a file of its own")
        return ending_of(plot)
    if plot is not None and form in ("json", "csv"):
        raise BadValue(f"{form} has no place for a picture", "give it a file of its own: --plot out.svg")
    return None


def _picture(report: Report, ending: str | None) -> bytes:
    from infercost.render.plot import to_picture

    return to_picture(report, str(ending))


def _drawn(report: Report, form: str, output: str | None) -> str:
    """The pictures below the text, in ASCII where a reader's place has no more."""
    from infercost.render.plot import to_lines

    text = to_lines(report) if output is not None else to_lines(report, _width(), _is_ascii())
    return f"```text\n{text}```\n" if form == "markdown" else text


def _is_ascii() -> bool:
    """Whether standard output, or the terminal behind it, shows nothing beyond ASCII."""
    from infercost.render.plot.terminal import LETTERS

    if _is_terminal() and os.environ.get("TERM") in ("dumb", "linux"):
        return True
    try:
        LETTERS.encode((sys.stdout and sys.stdout.encoding) or "utf-8")
    except UnicodeEncodeError:
        return True
    return False
