"""A chunk of a table: from a column's name to a NumPy array, or to the one value that all its rows have.

NaN is a number that is missing, None a text that is. All chunks of a table have the same columns in the same order.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any

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
