"""CSV and JSON lines: a line is a template, made once, that only the columns of arrays fill in."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from infercost.render.export.chunk import Chunk, is_array, is_float, length, parts

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
