"""A huge table as a stream of chunks, to CSV, JSON lines or Parquet: the same bytes every time, in flat memory."""

import os
from collections.abc import Callable, Iterable, Iterator

from infercost.errors import BadValue
from infercost.render.export import parquet, text
from infercost.render.export.text import Chunk, held, length
from infercost.writing import replacing, signals_wait, write_output

_FORMS = {
    ".csv": text.write_csv,
    ".jsonl": text.write_json_lines,
    ".ndjson": text.write_json_lines,
    ".parquet": parquet.write,
}


def write(chunks: Iterable[Chunk], path: str | None, *, progress: Callable[[int], None] | None = None) -> int:
    """Write a table whole, or leave the file that was there; returns its rows.

    The ending of the name chooses the form; None or ``-`` is CSV on standard output, as it comes. ``progress`` is told
    the rows so far. A chunk of no rows gives an empty table its columns; without any chunk it has none.

    Raises:
        BadValue: a name that ends in no form.
        Missing: Parquet without pyarrow.
        BadFile: the place cannot be written.
        BrokenPipeError: nobody reads standard output any more.
        ValueError: chunks whose columns differ, or an infinity.
    """
    rows = 0

    def counted(between: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
        nonlocal rows
        for chunk in held(chunks):
            yield chunk
            rows += length(chunk)
            if progress:
                progress(rows)
            between()

    if path is None or path == "-":
        for lines in text.csv_lines(counted()):
            write_output(lines)
        return rows
    check(path)
    with signals_wait() as end_if_asked, replacing(path) as file:
        _FORMS[_ending(path)](counted(end_if_asked), file)
    return rows


def check(path: str) -> None:
    """Refuse a file that cannot become an export before anything is computed for it.

    Raises:
        BadValue: its name ends in no form.
        Missing: it is Parquet, and pyarrow is not there.
    """
    ending = _ending(path)
    if ending not in _FORMS:
        what = f"no export ends in {ending!r}" if ending else "no ending names the form"
        raise BadValue(f"--output {path}: {what}", "end it in .csv, .jsonl (.ndjson) or .parquet")
    if ending == ".parquet":
        parquet.pyarrow()


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()
