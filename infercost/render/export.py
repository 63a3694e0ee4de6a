"""A huge table as a stream of chunks, to CSV, JSON lines or Parquet: the same bytes every time, in flat memory.

A line of text is a template, made once, that only the columns of arrays fill in. Parquet stores a text once a row
group, a number in full, a missing value as null.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from itertools import chain
from math import inf
from typing import Any, BinaryIO

from infercost.errors import BadValue, Missing, extra
from infercost.render.csv import as_text
from infercost.render.writing import harmless, replacing, signals_wait, write_output

#: Columns by name: each an array with a value a row, or one value for all rows.
Chunk = Mapping[str, Any]
Cell = Callable[[Any], str]

#: Rows formatted together: so few that their numbers, as objects, stay in a processor's cache.
ROWS = 512
#: Rows of a Parquet row group at least; a larger chunk is one group.
ROW_GROUP = 131_072


def write(chunks: Iterable[Chunk], path: str | None, *, progress: Callable[[int], None] | None = None) -> int:
    """Write a table whole, or leave the old file; returns its rows.

    The ending of the name chooses the form; None or ``-`` is CSV on standard output, chunk by chunk. ``progress``
    receives the rows so far. A chunk of no rows gives an empty table its columns; without any chunk it has none.

    Raises:
        BadValue: an ending of no form.
        Missing: Parquet without pyarrow.
        BadFile: the place cannot be written.
        BrokenPipeError: nobody reads standard output any more.
        ValueError: chunks whose columns differ, or an infinity.
    """
    rows = 0

    def counted(between: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
        nonlocal rows
        for chunk in _checked(chunks):
            yield chunk
            rows += _length(chunk)
            if progress:
                progress(rows)
            between()

    if path is None or path == "-":
        for lines in _csv_lines(counted()):
            write_output(lines)
        return rows
    check(path)
    with signals_wait() as end_if_asked, replacing(path) as file:
        if (ending := _ending(path)) == PARQUET:
            _write_parquet(counted(end_if_asked), file)
        else:
            file.writelines(lines.encode() for lines in LINES[ending](counted(end_if_asked)))
    return rows


def check(path: str) -> None:
    """Reject a file that cannot become an export, before any computing: of another form, or Parquet without pyarrow."""
    if (ending := _ending(path)) == PARQUET:
        _pyarrow()
    elif ending not in LINES:
        what = f"no export ends in {ending!r}" if ending else "no ending names the form"
        raise BadValue(f"--output {path}: {what}", "end it in .csv, .jsonl (.ndjson) or .parquet")


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _is_array(column: Any) -> bool:
    return getattr(column, "ndim", 0) == 1


def _is_float(column: Any) -> bool:
    """Whether a column may hold fractions, and NaN for a missing value."""
    return column.dtype.kind == "f" if _is_array(column) else isinstance(column, float)


def _length(chunk: Chunk) -> int:
    """Rows of a chunk: one where every column is one value."""
    return next((len(column) for column in chunk.values() if _is_array(column)), 1)


def _checked(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The chunks, each with the first one's columns, of one length, and finite.

    Raises:
        ValueError: other columns, columns of two lengths, an infinity.
    """
    names: list[str] = []
    for chunk in chunks:
        names = names or list(chunk)
        if list(chunk) != names:
            raise ValueError(f"the columns are {', '.join(chunk)}, not {', '.join(names)} as in the first chunk")
        rows = _length(chunk)
        for name, column in chunk.items():
            if _is_array(column) and len(column) != rows:
                raise ValueError(f"{name} has {len(column)} rows, not {rows}")
            infinite: Any = _is_float(column) and abs(column) == inf
            if infinite.any() if _is_array(infinite) else infinite:
                raise ValueError(f"{name} holds an infinity")
        yield chunk


def _csv_lines(chunks: Iterable[Chunk]) -> Iterator[str]:
    """A header, then lines in blocks; a missing value is an empty cell."""
    for number, chunk in enumerate(chunks):
        if number == 0:
            yield ",".join(map(_csv_cell, chunk)) + "\n"
        yield from _lines(chunk, _csv_cell, [""] * len(chunk), "%s\n")


def _json_lines(chunks: Iterable[Chunk]) -> Iterator[str]:
    """An object a row, each on its own line; a missing value is null."""
    for chunk in chunks:
        yield from _lines(chunk, _json_cell, [f"{_json_cell(name)}:" for name in chunk], "{%s}\n")


def _lines(chunk: Chunk, cell: Cell, before: list[str], around: str) -> Iterator[str]:
    """The rows as text in blocks, with ``before`` each cell its key."""
    for start in range(0, _length(chunk), ROWS):
        slots, columns = [], []
        for key, column in zip(before, chunk.values(), strict=True):
            if _is_array(column):
                slot, values = _filled(column[start : start + ROWS], cell)
                columns.append(values)
            else:
                slot = _literal(cell(column))
            slots.append(_literal(key) + slot)
        rows = list(zip(*columns, strict=True)) if columns else [()]
        template = around % ",".join(slots)
        yield template * len(rows) % tuple(chain.from_iterable(rows))


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _filled(column: Any, cell: Cell) -> tuple[str, Iterable[Any]]:
    """The place of an array in the template, and its values row by row."""
    values = column.tolist()
    if _is_float(column) and (column != column).any():  # NaN alone differs from itself
        missing = cell(None)
        return "%s", [missing if value != value else repr(value) for value in values]
    if column.dtype.kind in "fiu":
        return "%r", values
    words = {value: cell(value) for value in set(values)}
    return "%s", map(words.__getitem__, values)


def _csv_cell(value: Any) -> str:
    """A number in full, a text in quotes where it needs them, nothing for a missing value."""
    if value is None or value != value:
        return ""
    text = harmless(as_text(value)) if isinstance(value, str) else _json_cell(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _json_cell(value: Any) -> str:
    """The shortest text that reads back as the same value, of Python or NumPy; null for a missing value."""
    value = value.item() if hasattr(value, "item") else value
    return "null" if value is None or value != value else harmless(json.dumps(value, ensure_ascii=False))


def _pyarrow() -> Any:
    """The library that writes Parquet; Missing where it is not installed."""
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        hint = f"{extra('export')}, or write a .csv or .jsonl file"
        raise Missing("a Parquet file needs pyarrow", hint) from None
    return import_module("pyarrow")


def _write_parquet(chunks: Iterable[Chunk], file: BinaryIO) -> None:
    """Columns with the types of the first chunk's; ValueError for a later column of another type."""
    arrow = _pyarrow()
    groups = _groups(arrow, (_batch(arrow, chunk) for chunk in chunks))
    first = next(groups, arrow.table({}))
    settings = {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [field.name for field in first.schema if not arrow.types.is_floating(field.type)],
        "store_schema": False,  # a dictionary is how a text is stored, not what a reader shall see
    }
    with arrow.parquet.ParquetWriter(file, first.schema, **settings) as writer:
        for group in chain([first], groups):
            writer.write_table(group)


def _groups(arrow: Any, batches: Iterable[Any]) -> Iterator[Any]:
    """Tables of at least ``ROW_GROUP`` rows; the last one is smaller."""
    pending: list[Any] = []
    for batch in batches:
        pending.append(batch)
        if sum(map(len, pending)) >= ROW_GROUP:
            yield arrow.Table.from_batches(pending).unify_dictionaries()
            pending = []
    if pending:
        yield arrow.Table.from_batches(pending).unify_dictionaries()


def _batch(arrow: Any, chunk: Chunk) -> Any:
    rows = _length(chunk)
    columns = [_array(arrow, each) if _is_array(each) else _constant(arrow, each, rows) for each in chunk.values()]
    return arrow.RecordBatch.from_arrays(columns, list(chunk))


def _array(arrow: Any, column: Any) -> Any:
    if column.dtype.kind in "fiub":
        return arrow.array(column, from_pandas=_is_float(column))
    return arrow.array([value and harmless(value) for value in column], arrow.string()).dictionary_encode()


def _constant(arrow: Any, value: Any, rows: int) -> Any:
    """One value for all rows; a text takes no more than its index."""
    if value is None or isinstance(value, str):
        index = arrow.repeat(arrow.scalar(None if value is None else 0, arrow.int32()), rows)
        return arrow.DictionaryArray.from_arrays(index, arrow.array([harmless(value or "")], arrow.string()))
    kind = arrow.float64() if _is_float(value) else None
    return arrow.repeat(arrow.scalar(None if value != value else value, kind), rows)


#: Endings of the forms that are lines of text, and of the one that is not.
LINES, PARQUET = {".csv": _csv_lines, ".jsonl": _json_lines, ".ndjson": _json_lines}, ".parquet"
