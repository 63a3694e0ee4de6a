"""Run one command: read its options, ask its analysis, print the report in one form."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from infercost.api import answer
from infercost.errors import BadValue
from infercost.options import Command
from infercost.question import ask
from infercost.render import FORMS, to_text
from infercost.report import Export, Report
from infercost.units import choice
from infercost.writing import write_file, write_output

DOES_NOT_FIT = 3
_ENDINGS = {".json": "json", ".csv": "csv", ".md": "markdown"}
#: Forms that carry their notes themselves.
_WITH_NOTES = ("json", "markdown")


def run(command: Command, options: dict[str, Any]) -> int:
    """Answer one question and print it; returns the exit code.

    Raises:
        InfercostError: the question is wrong; nothing has been written.
    """
    output = None if "output" in command.options else options.pop("output")
    steps, sources = bool(options.pop("steps")), bool(options.pop("sources"))
    exports = "every" in command.options and bool(options.get("all"))
    form = _form(options, None if exports else output)
    words = options.pop("words", None) or ()
    asked = ask(
        command.name, {name: value for name, value in options.items() if value not in (None, [], False)}, words, "flag"
    )
    if form == "csv" and (steps or sources):
        raise BadValue("csv has no place for --steps and --sources", "ask for --json, or another form")
    with ExitStack() as shown:
        asked.progress = lambda path: _reading(path, shown)
        report = answer(asked, steps=steps)
    if report.file and report.file.path:
        write_file(report.file.path, report.file.text)
    if report.export:
        output = _export(report.export, output, form)
    if output is None:
        write_output(_text(report, form, sources))
    else:
        write_file(str(output), to_text(report, form, sources=sources))
    if form not in _WITH_NOTES and sys.stderr is not None:
        notes = (f"note: {note.text}\n" for note in report.notes if note.code != "null")
        print("".join(notes), end="", file=sys.stderr)
    return 0 if report.met else DOES_NOT_FIT


def _export(table: Export, output: str | None, form: str) -> str | None:
    """Write a long table to its file, or as CSV to standard output; returns where what is said about it goes.

    Raises:
        BadValue: no file, or one that no export can be.
    """
    from infercost.render.export import write

    if output is None and form != "csv":
        raise BadValue("--all is too long to show", "give --output FILE.parquet, .csv or .jsonl, or --csv for a pipe")
    with ExitStack() as shown:
        write(table.chunks(), output, progress=_progress("rows", table.rows, shown) if output else None)
    return None if output else os.devnull


def _reading(path: str, shown: ExitStack) -> Callable[[int], None] | None:
    """What shows how much of a file has been read; None where nobody would see it."""
    return _progress(os.path.basename(path), os.path.getsize(path), shown) if os.path.isfile(path) else None


def _progress(what: str, total: int, shown: ExitStack) -> Callable[[int], None] | None:
    """What shows on a terminal how far work has come; None where nobody would see it."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from infercost.render.progress import showing

    return shown.enter_context(showing(what, total))


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


def _text(report: Report, form: str, sources: bool) -> str:
    if form != "table":
        return to_text(report, form, _width(), sources)
    from infercost.render.table_form import render

    return render(report, _width(), sources, coloured=_is_coloured())


def _width() -> int:
    """Columns of the terminal or of ``COLUMNS``, 80 in a pipe; below 60 no table can be read."""
    from shutil import get_terminal_size

    return max(get_terminal_size((80, 24)).columns, 60)
