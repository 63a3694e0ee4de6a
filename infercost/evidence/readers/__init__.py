"""What people's benchmark tools write, as measurements; the tool is told from the content of the file."""

from pathlib import Path
from typing import NamedTuple

from infercost.errors import BadFile, Missing
from infercost.evidence.measured import Measured
from infercost.evidence.readers.documents import opened, parse, tool_of
from infercost.evidence.readers.run import Document, Entry, Run, Skipped, Workload
from infercost.evidence.readers.sheet import parse_sheet, read_whole
from infercost.evidence.readers.table import is_table, read_lines

__all__ = ["Results", "Run", "Workload", "read_file", "read_results"]


class Results(NamedTuple):
    """What a file holds: measurements, and ``(id, why)`` of every result that cannot be used."""

    measured: list[Measured]
    skipped: list[Skipped]


def read_results(
    path: str,
    *,
    model: str,
    accelerator: str,
    devices: int | None = None,
    tp: int | None = None,
    pp: int | None = None,
    ep: int | None = None,
    workload: Workload | None = None,
) -> list[Measured]:
    """The measurements of a benchmark's result file, latencies in seconds; ``read_file`` also tells what was left out.

    Raises:
        BadFile: unreadable, broken, of an unknown tool, or a figure is no number.
        Missing: no result of the file can be used, for want of a load, of lengths or of a finished request.
    """
    return read_file(Run(path, model, accelerator, devices, tp, pp, ep, workload or Workload())).measured


def read_file(run: Run) -> Results:
    """The measurements of a benchmark's result file, latencies in seconds, and what cannot be used of it.

    A table of ours names model and accelerator itself.

    Raises:
        BadFile: unreadable, broken, of an unknown tool, or a figure is no number.
        Missing: no result of the file can be used.
    """
    content, where = read_whole(run.path), f"results {run.path}"
    if (entries := parse(content, where)) is None:
        header, lines = parse_sheet(content, run.path)
        if is_table(header):
            return _checked(Results(*read_lines(header, lines, run.path)), where)
        tool_of(dict.fromkeys(header), f"{where}, line 1")
        documents: list[tuple[str, Document]] = [(line.where, dict(line.cells)) for line in lines]
    else:
        documents = opened(entries)
    return _checked(_read_all(documents, run), where)


def _read_all(documents: list[tuple[str, Document]], run: Run) -> Results:
    """Every result read; one that lacks a figure is left out with the reason, unless all do."""
    results, lacking = Results([], []), None
    stem = "stdin" if run.path == "-" else Path(run.path).stem
    for number, (where, document) in enumerate(documents, 1):
        entry = Entry(run, where, f"{stem}-{number}")
        try:
            measured, skipped = tool_of(document, where).read(document, entry)
        except Missing as error:
            lacking = lacking or error
            measured, skipped = [], [(entry.id, f"{error.what}; {error.hint}")]
        results.measured.extend(measured)
        results.skipped.extend(skipped)
    if lacking and not results.measured:
        raise lacking
    return results


def _checked(results: Results, where: str) -> Results:
    if results.measured:
        return results
    if results.skipped:
        name, why = results.skipped[0]
        raise Missing(f"{where}: no row can be used; {name}: {why}", "give a file with a row that can")
    raise BadFile(f"{where}: holds no result", "see whether the benchmark ended, and give what it wrote")
