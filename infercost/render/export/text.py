"""CSV and JSON lines: a line is a template, made once, that only the columns of arrays fill in."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from math import inf
from typing import Any, BinaryIO

Chunk = Mapping[str, Any]


def is_array(column: Any) -> bool:
    """Whether a column has a value a row."""
    return getattr(column, "ndim", 0) == 1


def is_float(column: Any) -> bool:
    """Whether a column may hold fractions, and NaN for what is missing."""
    return column.dtype.kind == "f" if is_array(column) else isinstance(column, float)


def length(chunk: Chunk) -> int:
    """Its rows: one where every column is one value."""
    return next((len(column) for column in chunk.values() if is_array(column)), 1)


def held(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The chunks, each held against the first one's columns, its own length, and what all forms can write.

    Raises:
        ValueError: other columns, columns of two lengths, an infinity.
    """
    names: list[str] = []
    for chunk in chunks:
        names = names or list(chunk)
        if list(chunk) != names:
            raise ValueError(f"the columns are {', '.join(chunk)}, not {', '.join(names)} as in the first chunk")
        rows = length(chunk)
        for name, column in chunk.items():
            if is_array(column) and len(column) != rows:
                raise ValueError(f"{name} has {len(column)} rows, not {rows}")
            if is_float(column) and _is_infinite(column):
                raise ValueError(f"{name} holds an infinity")
        yield chunk


def _is_infinite(column: Any) -> bool:
    found = abs(column) == inf
    return bool(found.any() if is_array(column) else found)


def parts(chunk: Chunk, rows: int) -> Iterator[Chunk]:
    """The chunk cut every so many rows."""
    for start in range(0, length(chunk), rows):
        rows_of = slice(start, start + rows)
        yield {name: column[rows_of] if is_array(column) else column for name, column in chunk.items()}


Cell = Callable[[Any], str]

#: Rows made into text at once: so few that their numbers, as objects, stay in a processor's cache.
ROWS = 512


def write_csv(chunks: Iterable[Chunk], file: BinaryIO) -> None:
    """Write a header and a line a row."""
    for lines in csv_lines(chunks):
        file.write(lines.encode())


def write_json_lines(chunks: Iterable[Chunk], file: BinaryIO) -> None:
    """Write an object a row, on a line of its own; what is missing is null."""
    for chunk in chunks:
        keys = [f"{_json_cell(name)}:" for name in chunk]
        for lines in _lines(chunk, _json_cell, keys, "{%s}\n"):
            file.write(lines.encode())


def csv_lines(chunks: Iterable[Chunk]) -> Iterator[str]:
    """A header, then lines in blocks; what is missing is an empty cell."""
    for number, chunk in enumerate(chunks):
        if number == 0:
            yield ",".join(map(_csv_cell, chunk)) + "\n"
        yield from _lines(chunk, _csv_cell, [""] * len(chunk), "%s\n")


def _lines(chunk: Chunk, cell: Cell, before: list[str], around: str) -> Iterator[str]:
    """The chunk's rows as text, ``before`` each cell its key, in blocks."""
    for part in parts(chunk, ROWS):
        slots, columns = [], []
        for key, column in zip(before, part.values(), strict=True):
            slot, values = _filled(column, cell) if is_array(column) else (_literal(cell(column)), None)
            slots.append(_literal(key) + slot)
            if values is not None:
                columns.append(values)
        template = around % ",".join(slots)
        yield template * length(part) % tuple(chain.from_iterable(zip(*columns, strict=True)))


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _filled(column: Any, cell: Cell) -> tuple[str, Iterable[Any]]:
    """The place of an array in the template, and what goes there row by row."""
    values = column.tolist()
    if is_float(column) and (column != column).any():  # NaN alone differs from itself
        missing = cell(None)
        return "%s", [missing if value != value else repr(value) for value in values]
    if column.dtype.kind in "fiu":
        return "%r", values
    words = {value: cell(value) for value in set(values)}
    return "%s", map(words.__getitem__, values)


def _csv_cell(value: Any) -> str:
    """A number in full, a text in quotes where it needs them, nothing for what is missing."""
    if value is None or value != value:
        return ""
    text = _plain(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _json_cell(value: Any) -> str:
    if value is None or value != value:
        return "null"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str:
    """The shortest text that reads back as the same value, whether Python or NumPy made it."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)
