"""Counts by the hour: a CSV with a column ``requests`` or ``count``, one row an hour in order."""

from collections.abc import Iterator

from infercost.errors import BadFile
from infercost.fleet.traces.rows import moment
from infercost.fleet.traces.source import Sheet, number
from infercost.fleet.traces.tally import HOUR, MOST_HOURS, Trace

COUNTS = ({"requests"}, {"count"})
#: Columns that may stand beside the count; of these only ``hour`` is read, to see that none is missing.
BESIDE = {"hour", "day"}


def is_hourly(header: list[str]) -> bool:
    """Whether the columns are those of hourly counts and no others."""
    return set(header) - BESIDE in COUNTS


def read_hourly(sheet: Sheet, path: str) -> Trace:
    """Counts as they stand; a figure that hours cannot tell is None.

    Raises:
        BadFile: a bad number, an hour out of order, no row, more than ten years of rows, or nothing but zeros.
    """
    hours: list[float] = []
    for count in _counts(sheet):
        hours.append(count)
        if len(hours) > MOST_HOURS:
            raise BadFile(f"{sheet.where}: more than ten years of hours", "give one row an hour")
    if not hours:
        raise BadFile(f"trace {path}: holds no hour", "give one row an hour")
    if not any(hours):
        raise BadFile(f"trace {path}: every hour has 0 requests", "give a trace with a request in it")
    return Trace(tuple(hours), round(sum(hours)), None, None, None, None, float(HOUR * len(hours)))


def _counts(sheet: Sheet) -> Iterator[float]:
    before: int | None = None
    (counted,) = set(sheet.header) - BESIDE
    for cells in sheet.rows():
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(sheet.header):
            raise BadFile(f"{sheet.where}: {len(cells)} cells for {len(sheet.header)} columns", "mend it")
        row = dict(zip(sheet.header, map(str.strip, cells), strict=True))
        if "hour" in row:
            before = _hour(row["hour"], before, sheet.where)
        yield number(row[counted], f"{sheet.where}, column {counted}")


def _hour(cell: str, before: int | None, where: str) -> int:
    """The number of an hour, from any start or of a date and time, which must follow the one before it."""
    try:
        hour = int(cell) if cell.isdecimal() else int(moment(cell) // HOUR)
    except (ValueError, OverflowError) as error:
        what = f"{where}, column hour: {cell[:40]!r} is no hour"
        raise BadFile(what, "write 0 to 23, or a date and time such as 2024-05-10 13:00") from error
    next_day = before in (23, 24) and hour == before - 23
    if before is not None and hour != before + 1 and not next_day:
        raise BadFile(
            f"{where}, column hour: {cell} does not follow the hour before it",
            "give one row an hour in order, with 0 for an hour without requests",
        )
    return hour
