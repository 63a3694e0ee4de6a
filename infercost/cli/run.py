"""Run one command: read its options, ask its analysis, print the report in one form."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

from infercost.api import Answer, asking, check_shown, finished
from infercost.cli.terminal import colour_is_forced, is_coloured, is_terminal, width
from infercost.errors import BadValue
from infercost.render import FORMS, to_text
from infercost.report import Export, Report
from infercost.scenario.options import options_of
from infercost.scenario.read import Question, ask
from infercost.units import choice
from infercost.writing import discard_output, write_file, write_output

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
        from infercost.render.plot import ending_of

        ending_of(plot)
    if plot and output is not None and os.path.realpath(output) == os.path.realpath(plot):
        raise BadValue(f"--output and --plot both write {plot}", "give each a file of its own")


def file_of(report: Report, plot: str) -> bytes:
    """What a picture's file holds; nothing where the pictures are for the terminal."""
    if not plot:
        return b""
    from infercost.render.plot import ending_of, to_picture

    return to_picture(report, ending_of(plot))


def text_of(report: Report, form: str, output: str | None) -> str:
    """The pictures as text, in ASCII where a reader's place has no more."""
    from infercost.render.plot import to_lines

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


DOES_NOT_FIT = 3
#: What a shell reports for a program that a closed pipe ended.
CLOSED_PIPE = 141
_ENDINGS = {".json": "json", ".csv": "csv", ".md": "markdown"}
#: Forms that carry their notes themselves.
_WITH_NOTES = ("json", "markdown")


class Wanted(NamedTuple):
    """How an answer is wanted: its form and file, its work and sources, and a picture's file, empty for the terminal.

    ``exports`` is whether the file is for a long table.
    """

    form: str
    output: str | None
    steps: bool
    sources: bool
    plot: str | None
    exports: bool


def run(command: str, answer: Answer, options: dict[str, Any]) -> int:
    """Answer one question and print it; returns the exit code.

    Raises:
        InfercostError: the question is wrong; nothing has been written.
    """
    wanted = _wanted(command, options)
    words = options.pop("words", None) or ()
    given = {name: value for name, value in options.items() if value not in (None, [], False)}
    with ExitStack() as shown:
        question = ask(command, given, words, "flag")._replace(progress=_shows(shown))
        with_work = _with_work(question, wanted)
        check_shown(question, wanted.steps, wanted.plot is not None)
        report = asking(question, answer)()
        report = finished(report, question, with_work, wanted.plot is not None)
    picture = file_of(report, wanted.plot) if wanted.plot else b""
    try:
        _put(report if wanted.steps else replace(report, steps=()), wanted, picture)
    except BrokenPipeError:
        discard_output()
        return CLOSED_PIPE
    return 0 if report.met else DOES_NOT_FIT


def _with_work(question: Question, wanted: Wanted) -> bool:
    """Whether the work of the answer is wanted: a page shows it too, of one answer."""
    page = bool(wanted.plot) and str(wanted.plot).lower().endswith(PAGE) and not question.get("sweep")
    return wanted.steps or page


def _put(report: Report, wanted: Wanted, picture: bytes) -> None:
    """Write the answer, its files and its notes where they go."""
    text = _text(report, wanted)
    if report.export:
        text = _export(report.export, wanted, text)
    if report.file and report.file.path:
        write_file(report.file.path, report.file.text)
    if wanted.plot:
        write_file(wanted.plot, picture, "--plot")
    if wanted.output is None or report.export:
        write_output(text)
    else:
        write_file(wanted.output, text)
    if wanted.form not in _WITH_NOTES and sys.stderr is not None:
        notes = (f"note: {note.text}\n" for note in report.notes if note.code != "null")
        print("".join(notes), end="", file=sys.stderr)


def _wanted(command: str, options: dict[str, Any]) -> Wanted:
    """How the answer is wanted, taken out of the options.

    Raises:
        BadValue: a form that has no place for what is asked of it, or two things for one file.
    """
    output = None if "output" in options_of(command) else options.pop("output")
    exports = command == "frontier" and bool(options.get("all"))
    steps, sources = bool(options.pop("steps")), bool(options.pop("sources"))
    form = _form(options, None if exports else output)
    wanted = Wanted(form, output, steps, sources, options.pop("plot", None), exports)
    if form == "csv" and (steps or sources):
        raise BadValue("csv has no place for --steps and --sources", "ask for --json, or another form")
    if exports and output is None and form != "csv":
        raise BadValue("--all is too long to show", "give --output FILE.parquet, .csv or .jsonl, or --csv for a pipe")
    if exports and output is not None:
        from infercost.render.export import check

        check(output)
    if wanted.plot is not None:
        check_plot(wanted.plot, form, output, exports)
    return wanted


def _shows(shown: ExitStack) -> Callable[[str, int], Callable[[int], None] | None]:
    """What shows how far a long read has come, or how many points are done."""
    return lambda what, total: _progress(what, total, shown) if total else _reading(what, shown)


def _export(table: Export, wanted: Wanted, text: str) -> str:
    """Write a long table to its file, or as CSV to standard output; returns what is left to say there."""
    from infercost.render.export import write

    with ExitStack() as shown:
        progress = _progress("rows", table.rows, shown) if wanted.output else None
        write(table.chunks(), wanted.output, progress=progress)
    return text if wanted.output else ""


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
    return "table" if is_terminal() or colour_is_forced() else "plain"


def _text(report: Report, wanted: Wanted) -> str:
    """The report in its form, and below it the pictures where they are for the terminal."""
    text = _report_text(report, wanted)
    if wanted.plot != "":
        return text

    return f"{text.rstrip()}\n\n{text_of(report, wanted.form, wanted.output)}"


def _report_text(report: Report, wanted: Wanted) -> str:
    if wanted.output is not None and not wanted.exports:
        return to_text(report, wanted.form, sources=wanted.sources)
    if wanted.form != "table":
        return to_text(report, wanted.form, width(), wanted.sources)
    from infercost.render.table import render

    return render(report, width(), wanted.sources, coloured=is_coloured())
