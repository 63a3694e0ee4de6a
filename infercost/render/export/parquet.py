"""Parquet: a text is stored once a row group, a number in full, what is missing as null."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import chain
from typing import Any, BinaryIO

from infercost.errors import Missing
from infercost.render.export.text import Chunk, is_array, is_float, length

#: Rows from which a row group is written; a larger chunk is one.
ROW_GROUP = 131_072


def pyarrow() -> Any:
    """The library that writes it.

    Raises:
        Missing: it is not installed.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        hint = "pip install 'infercost[export]', or write a .csv or .jsonl file"
        raise Missing("a Parquet file needs pyarrow", hint) from None
    return import_module("pyarrow")


def write(chunks: Iterable[Chunk], file: BinaryIO) -> None:
    """Write a table whose columns have the types of the first chunk's.

    Raises:
        ValueError: a column of a later chunk has another type.
    """
    arrow = pyarrow()
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
    rows = 0
    for batch in batches:
        pending.append(batch)
        rows += len(batch)
        if rows >= ROW_GROUP:
            yield arrow.Table.from_batches(pending).unify_dictionaries()
            pending, rows = [], 0
    if pending:
        yield arrow.Table.from_batches(pending).unify_dictionaries()


def _batch(arrow: Any, chunk: Chunk) -> Any:
    rows = length(chunk)
    columns = [
        _array(arrow, column) if is_array(column) else _constant(arrow, column, rows) for column in chunk.values()
    ]
    return arrow.RecordBatch.from_arrays(columns, list(chunk))


def _array(arrow: Any, column: Any) -> Any:
    if column.dtype.kind in "fiub":
        return arrow.array(column, from_pandas=is_float(column))
    return arrow.array(column, arrow.string()).dictionary_encode()


def _constant(arrow: Any, value: Any, rows: int) -> Any:
    """One value for all rows; a text takes no more than its index."""
    if value is None or isinstance(value, str):
        index = arrow.repeat(arrow.scalar(None if value is None else 0, arrow.int32()), rows)
        return arrow.DictionaryArray.from_arrays(index, arrow.array([value or ""], arrow.string()))
    kind = arrow.float64() if is_float(value) else None
    return arrow.repeat(arrow.scalar(None if value != value else value, kind), rows)
