"""Run one command: read its options, ask its analysis, write the report in one form."""

import gc
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, NamedTuple

from infercost.errors import BadValue
from infercost.render import FORMS, ending_of, to_lines, to_picture, to_text
from infercost.render.writing import discard_output, harmless, write_error, write_file, write_output
from infercost.scenario.options import options_of
from infercost.units import choice

if TYPE_CHECKING:
    from infercost.report import Report

DOES_NOT_FIT = 3
#: What a shell reports for a program that a closed pipe ended.
CLOSED_PIPE = 141
#: The picture that shows the work too.
PAGE = ".html"
#: Endings of plain text.
TEXTS = ("", ".txt", ".log")
#: Columns of a pipe or a file, and the least that a table needs.
COLUMNS, LEAST_COLUMNS = 80, 60


class Output(NamedTuple):
    """How to write an answer, and where: ``table`` takes a long table, an empty ``plot`` is for the terminal."""

    form: str
    file: str | None
    table: str | None
    plot: str | None
    steps: bool
    sources: bool


def run(command: str, options: dict[str, Any]) -> int:
    """Answer one question and write it; returns the exit code.

    Raises:
        InfercostError: the question is wrong; nothing has been written.
    """
    from infercost.api import answered, asking, finished  # a page of help needs no more than names
    from infercost.parts.files import reading_once
    from infercost.report import Note
    from infercost.scenario.read import ask

    output = _output(command, options)
    words = options.pop("words", None) or ()
    given = {name: value for name, value in options.items() if value not in (None, [], False)}
    with ExitStack() as bars:
        with reading_once():
            question = ask(command, given, words, "flag")._replace(progress=_progress(bars))
            compute = asking(question, output.steps, output.plot is not None)
            gc.freeze()  # what is loaded so far stays
            gc.enable()
            report = answered(compute, question, output.steps, output.plot is not None)
        page = (output.plot or "").lower().endswith(PAGE) and not question.get("sweep")
        report = finished(report, question, output.steps or page, output.plot is not None)
    if output.plot is not None and not (report.charts or report.met):
        report = report.replace(notes=(*report.notes, Note("picture", "no picture: nothing that fits to draw")))
        output = output._replace(plot=None)
    picture = to_picture(report, ending_of(output.plot)) if output.plot else b""
    try:
        _write(report if output.steps else report.replace(steps=()), output, picture)
    except BrokenPipeError:
        discard_output()
        return CLOSED_PIPE
    return 0 if report.met else DOES_NOT_FIT


def _output(command: str, options: dict[str, Any]) -> Output:
    """How to write the answer, taken out of the options; BadValue for a form without a place for what it shall show."""
    path = None if "output" in options_of(command) else options.pop("output")
    long = command == "frontier" and bool(options.get("all"))
    file, table = (None, path) if long else (path, None)
    form, plot = _form(options, file), options.pop("plot", None)
    output = Output(form, file, table, plot, steps=bool(options.pop("steps")), sources=bool(options.pop("sources")))
    if form == "csv" and (output.steps or output.sources):
        raise BadValue("csv has no place for --steps and --sources", "ask for --json, or another form")
    if long and table is None and form != "csv":
        raise BadValue("--all is too long to show", "give --output FILE.parquet, .csv or .jsonl, or --csv for a pipe")
    if table is not None:
        from infercost.render.export import check

        check(table)
    if plot is not None and long:
        raise BadValue("--all has no picture", "leave --all out: the frontier has one")
    if plot is not None:
        _check_plot(output, plot)
    return output


def _form(options: dict[str, Any], file: str | None) -> str:
    """The form of the options, or what suits the answer's place."""
    forms = [name for name in ("json", "csv") if options.pop(name)]
    if (name := options.pop("format")) is not None:
        forms.append(choice(FORMS)(name, "--format"))
    if len(set(forms)) > 1:
        raise BadValue(f"two forms are asked for: {' and '.join(forms)}", "ask for one of them")
    if forms:
        return forms[0]
    if file is not None:
        return _form_of(file)
    return "table" if _is_terminal() or _colour_is_forced() else "plain"


def _form_of(file: str) -> str:
    """The form that a file's ending names; BadValue for an ending that promises what no form holds."""
    endings = {form.ending: name for name, form in FORMS.items() if form.ending} | dict.fromkeys(TEXTS, "plain")
    ending = os.path.splitext(file)[1].lower()
    if ending not in endings:
        known = ", ".join(sorted(filter(None, endings)))
        raise BadValue(f"--output {file}: no form ends so", f"end it in {known}, or name its form: --format plain")
    return endings[ending]


def _check_plot(output: Output, plot: str) -> None:
    """Reject a picture without a place, before any computing."""
    if not plot and not FORMS[output.form].pictures:
        raise BadValue(f"{output.form} has no place for a picture", "give it a file of its own: --plot out.svg")
    if plot:
        ending_of(plot)
    if plot and output.file is not None and os.path.realpath(output.file) == os.path.realpath(plot):
        raise BadValue(f"--output and --plot both write {plot}", "give each a file of its own")


def _write(report: "Report", output: Output, picture: bytes) -> None:
    """Write the answer, its files and its notes where they go."""
    text = _text(report, output)
    if report.export:
        from infercost.render.export import write

        with ExitStack() as bars:
            progress = _progress(bars)("rows", report.export.rows) if output.table else None
            write(report.export.chunks(), output.table, progress=progress)
        text = text if output.table else ""
    if report.file and report.file.path:
        write_file(report.file.path, report.file.text)
    if output.plot:
        write_file(output.plot, picture, "--plot")
    if output.file is None:
        write_output(text)
    else:
        write_file(output.file, text)
    if not FORMS[output.form].notes:
        from infercost.render.plain import remarks

        write_error(remarks(report, _columns(output), output.sources, inputs=output.form == "csv"))


def columns() -> int:
    """The width of the terminal, or that of a pipe."""
    return max(get_terminal_size((COLUMNS, 24)).columns, LEAST_COLUMNS)


def _columns(output: Output) -> int:
    """The width of an answer: the terminal's, or that of a pipe or a file."""
    return COLUMNS if output.file else columns()


def _text(report: "Report", output: Output) -> str:
    """The report in its form, above its pictures where these are for the terminal."""
    columns = _columns(output)
    if output.form == "table" and output.file is None:
        from infercost.render.table import render

        coloured = (_is_terminal() or _colour_is_forced()) and not os.environ.get("NO_COLOR")
        text = render(report, columns, output.sources, coloured)
    else:
        text = to_text(report, output.form, columns, output.sources)
    if output.plot != "":
        return text
    pictures = to_lines(report, columns, ascii=output.file is None and _is_ascii())
    return f"{text.rstrip()}\n\n" + (f"```text\n{pictures}```\n" if output.form == "markdown" else pictures)


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _colour_is_forced() -> bool:
    return os.environ.get("FORCE_COLOR", "") not in ("", "0") and not os.environ.get("NO_COLOR")


def _is_ascii() -> bool:
    """Whether standard output, or the terminal behind it, shows nothing beyond ASCII."""
    from infercost.render.terminal import LETTERS

    if _is_terminal() and os.environ.get("TERM") in ("dumb", "linux"):
        return True
    try:
        LETTERS.encode((sys.stdout and sys.stdout.encoding) or "utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _progress(bars: ExitStack) -> Callable[[str, int], Callable[[int], None] | None]:
    """What draws the progress of points or rows, or of reading a file (no total), for a terminal only."""

    def start(what: str, total: int) -> Callable[[int], None] | None:
        if sys.stderr is None or not sys.stderr.isatty() or (not total and not os.path.isfile(what)):
            return None
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress

        bar = bars.enter_context(Progress(console=Console(stderr=True), transient=True))
        name = escape(harmless(what if total else os.path.basename(what)))
        task = bar.add_task(name, total=total or os.path.getsize(what))
        return lambda done: bar.update(task, completed=done)

    return start
