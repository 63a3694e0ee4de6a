"""Traces with one CSV row a request: Azure's LLM inference traces and BurstGPT's."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from infercost.errors import BadFile
from infercost.fleet.traces.source import LARGEST, Sheet, number
from infercost.fleet.traces.tally import Request

_ORIGIN = datetime(2020, 1, 1)
_ORIGIN_UTC = _ORIGIN.replace(tzinfo=UTC)


def moment(text: str) -> float:
    """Seconds from 2020 to a date and time in ISO 8601, UTC where it names no zone; digits below 1 us are cut off."""
    time = datetime.fromisoformat(text)
    return (time - (_ORIGIN_UTC if time.tzinfo else _ORIGIN)).total_seconds()


def seconds(text: str) -> float:
    """Seconds given as such."""
    value = float(text)
    if not -LARGEST < value < LARGEST:
        raise ValueError
    return value


class Form(NamedTuple):
    """The columns of time, input and output tokens, in lower case, and how the time is written."""

    columns: tuple[str, str, str]
    time: Callable[[str], float]
    example: str


AZURE = Form(("timestamp", "contexttokens", "generatedtokens"), moment, "2023-11-16 18:17:03.9799600")
BURSTGPT = Form(("timestamp", "request tokens", "response tokens"), seconds, "seconds such as 118.0")


def read_rows(sheet: Sheet, form: Form) -> Iterator[Request]:
    """The requests of a CSV; blank lines are left out.

    Raises:
        BadFile: a time or number that is none, or a row with more or fewer cells than columns.
    """
    at, read, written = (sheet.header.index(name) for name in form.columns)
    time, width = form.time, len(sheet.header)
    for cells in sheet.rows():
        try:
            request = time(cells[at]), int(cells[read]), int(cells[written])
        except (ValueError, IndexError, OverflowError):
            if any(cell.strip() for cell in cells):
                yield _careful(cells, sheet, form)
            continue
        if len(cells) != width or not (0 <= request[1] <= LARGEST and 0 <= request[2] <= LARGEST):
            _careful(cells, sheet, form)
        yield request


def _careful(cells: list[str], sheet: Sheet, form: Form) -> Request:
    """A row that the short way could not read, or which cell of it is wrong."""
    if len(cells) != len(sheet.header):
        raise BadFile(f"{sheet.where}: {len(cells)} cells for {len(sheet.header)} columns", "mend it, or take it out")
    row = dict(zip(sheet.header, cells, strict=True))
    when, read, written = form.columns
    try:
        time = form.time(row[when].strip())
    except (ValueError, OverflowError) as error:
        what = f"{sheet.where}, column {when}: {row[when][:40]!r} is no time"
        raise BadFile(what, f"write it as {form.example}") from error
    tokens = [number(row[name].strip(), f"{sheet.where}, column {name}") for name in (read, written)]
    return time, tokens[0], tokens[1]
