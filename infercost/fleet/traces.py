"""Traces of LLM traffic as load by the hour, read in one pass; the first line of a file tells its form."""

import csv
import gzip
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from io import BufferedReader, TextIOWrapper
from itertools import chain, islice
from math import inf, isfinite, sqrt
from typing import Any, NamedTuple

from infercost.errors import BadFile, reason
from infercost.parts.files import once

Progress = Callable[[int], None]
#: Time in seconds, input tokens, output tokens.
Request = tuple[float, float, float]

HOUR = 3600
#: Ten years: a longer trace has a time that is off.
MOST_HOURS = 87_600
#: Finer than the clock of any trace, in seconds.
FINEST = 1e-7
#: Lines between two reports of progress.
REPORT = 1 << 16
#: A line longer than this is of no form known here.
LONGEST_LINE = 1 << 20
#: Far above every count and time of a trace, in whatever unit.
LARGEST = 1e15
FORMS = (
    "give columns timestamp,input_tokens,output_tokens, or Azure's TIMESTAMP,ContextTokens,GeneratedTokens, or "
    "BurstGPT's Timestamp,Request tokens,Response tokens; Mooncake's JSON lines with timestamp, input_length and "
    "output_length; or hourly counts in a column requests or count, alone or beside hour and day"
)
_MEND = "mend the line, or take it out"
_BROKEN = (OSError, EOFError, zlib.error)


class Trace(NamedTuple):
    """The load of a trace.

    ``hours`` are the requests of each clock hour from first to last (UTC where the file has dates, else from the
    file's own zero). A first or last hour that the trace covers in part is scaled to a whole one, and left out when
    less than half of it is covered. A trace that lasts less than an hour has one entry, its rate. Being a sample of
    arrivals, a trace lasts one mean gap longer than the ``seconds`` from its first to its last request.

    The token means leave out requests without output tokens, which BurstGPT marks failures by; ``requests`` and
    ``hours`` count them. ``prefix_share`` is the share of prompt blocks that a boundless cache would have held.
    ``gap_cv`` is the standard deviation of the gaps between arrivals over their mean, 1 for Poisson arrivals; None
    for hourly counts, for fewer than three requests, and where rows are out of time order. Coarse time stamps, which
    many requests share, raise it.
    """

    hours: tuple[float, ...]
    requests: int
    input_tokens: float | None
    output_tokens: float | None
    prefix_share: float | None
    gap_cv: float | None
    seconds: float


@once
def read_trace(path: str, progress: Progress | None = None) -> Trace:
    """The load in a trace, gzipped or not, in memory that does not grow with it but for Mooncake's block ids.

    ``progress`` is called with the bytes of the file read so far, every 65,536 lines and at the end; never for a pipe.
    ``-`` is standard input.

    Raises:
        BadFile: unreadable, binary, of an unknown form, without a request, or a line of it that cannot be read.
    """
    return _of_standard_input() if path == "-" else _read(path, progress)


@cache
def _of_standard_input() -> Trace:
    """The trace on standard input, which can be read once, and questions ask for it several times."""
    return _read("-")


def _read(path: str, progress: Progress | None = None) -> Trace:
    with closing(_read_lines(path, progress)) as lines:
        first = next(lines, "")
        if not first:
            raise BadFile(f"trace {path}: is empty", "see whether it was written to its end")
        if first.lstrip().startswith("{") and _is_mooncake(first):
            blocks = _Blocks()
            trace = _tally(_read_json_lines(chain([first], lines), path, blocks), path)
            return trace._replace(prefix_share=blocks.hits / blocks.total if blocks.total else None)
        return _read_sheet(_Sheet(first, lines, path), path)


def _read_sheet(sheet: "_Sheet", path: str) -> Trace:
    header = sheet.header
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadFile(f"{sheet.where}: column {twice[0]!r} stands twice", "keep one of them")
    for columns in OF_REQUESTS:
        if set(columns) <= set(header):
            return _tally(_read_rows(sheet, columns), path)
    if set(header) - BESIDE in COUNTS:
        return _read_hourly(sheet, path)
    raise BadFile(f"{sheet.where}: {','.join(header)[:60]!r} is the first line of no trace known here", FORMS)


# The file: its lines, and the cells of a CSV with their place.


def _read_lines(path: str, progress: Progress | None = None) -> Generator[str, None, None]:
    """The lines of a text file; ``progress`` is called with the bytes of it, as stored, that have been read."""
    with _open(path) as stored, _decode(stored, path) as text:
        lines = _guard(text, path)
        if progress is None or not stored.seekable():
            yield from lines
            return
        for number, line in enumerate(lines, 1):
            if not number % REPORT:
                progress(stored.tell())
            yield line
        progress(stored.tell())


def _open(path: str) -> BufferedReader:
    """A file, or for ``-`` standard input, which stays open for whoever has it."""
    try:
        if path != "-":
            return open(path, "rb")
        if sys.stdin is None:
            raise OSError("standard input is closed")
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except (OSError, ValueError) as error:
        hint = "give the path of a readable CSV or JSON lines file"
        raise BadFile(f"trace {path}: {reason(error)}", hint) from error


def _decode(stored: BufferedReader, path: str) -> TextIOWrapper:
    """The text of a file, unpacked if need be; a byte that is no UTF-8 becomes a mark that no number holds."""
    try:
        packed = stored.peek(2)[:2] == b"\x1f\x8b"
        data: BufferedReader | gzip.GzipFile = gzip.GzipFile(fileobj=stored) if packed else stored
        binary = b"\0" in data.peek(1 << 12)
    except _BROKEN as error:
        raise _broken(error, path) from error
    if binary:
        raise BadFile(f"trace {path}: is binary, not text", "give a CSV or JSON lines file, gzipped or not")
    return TextIOWrapper(data, encoding="utf-8", errors="replace", newline="")


def _guard(text: TextIOWrapper, path: str) -> Iterator[str]:
    try:
        yield text.readline(LONGEST_LINE).removeprefix("\ufeff")
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise BadFile(f"trace {path}: a line is longer than {LONGEST_LINE // 1024} KiB", "mend the line breaks")
            yield line
    except _BROKEN as error:
        raise _broken(error, path) from error


def _broken(error: Exception, path: str) -> BadFile:
    return BadFile(f"trace {path}: {reason(error)}", "unpack it or download it again")


class _Sheet:
    """A CSV read row by row, with the place of the last row."""

    def __init__(self, first: str, lines: Iterator[str], path: str) -> None:
        self._path = path
        self._reader = csv.reader(chain([first], lines), strict=True)
        self.header = [name.strip().lower() for name in next(self.rows(), [])]

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row not read yet."""
        try:
            yield from self._reader
        except csv.Error as error:
            raise BadFile(f"{self.where}: {error}", "mend the CSV") from error

    @property
    def where(self) -> str:
        """File and line of the last row read."""
        return f"trace {self._path}, line {self._reader.line_num}"

    def row(self, cells: list[str]) -> dict[str, str]:
        """The cells of a row by column, without the blanks around them."""
        if len(cells) != len(self.header):
            raise BadFile(f"{self.where}: {len(cells)} cells for {len(self.header)} columns", _MEND)
        return dict(zip(self.header, map(str.strip, cells), strict=True))


def _number(cell: object, where: str) -> float:
    """A cell as a number of at least 0."""
    try:
        value = float(cell) if isinstance(cell, (str, int, float)) and not isinstance(cell, bool) else None
    except (ValueError, OverflowError):
        value = None
    if value is None:
        shown = repr(cell)[:40] if cell or cell == 0 else "nothing"
        raise BadFile(f"{where}: {shown} where a number should stand", _MEND)
    if not isfinite(value) or not 0 <= value <= LARGEST:
        raise BadFile(f"{where}: {str(cell)[:20]} is out of range", _MEND)
    return value


# One CSV row a request, its times in seconds or as dates.

#: Columns of time, input and output tokens, in lower case: in words of this tool, of Azure and of BurstGPT.
OF_REQUESTS = (
    ("timestamp", "input_tokens", "output_tokens"),
    ("timestamp", "contexttokens", "generatedtokens"),
    ("timestamp", "request tokens", "response tokens"),
)
_ORIGIN = datetime(2020, 1, 1)
_ORIGIN_UTC = _ORIGIN.replace(tzinfo=UTC)


def _moment(text: str) -> float:
    """Seconds from 2020 to a date and time in ISO 8601, UTC where it names no zone; digits below 1 us are cut off."""
    time = datetime.fromisoformat(text)
    return (time - (_ORIGIN_UTC if time.tzinfo else _ORIGIN)).total_seconds()


def _seconds(text: str) -> float:
    """Seconds given as such."""
    value = float(text)
    if not -LARGEST < value < LARGEST:
        raise ValueError
    return value


_CLOCKS: dict[Callable[[str], float], str] = {
    _seconds: "seconds such as 118.0",
    _moment: "a date and time such as 2023-11-16 18:17:03.9799600",
}


def _clock(cell: str) -> Callable[[str], float]:
    """How the times of a file are written, by its first."""
    try:
        _seconds(cell)
    except ValueError:
        return _moment
    return _seconds


def _read_rows(sheet: _Sheet, columns: tuple[str, str, str]) -> Iterator[Request]:
    """The requests of a CSV; blank lines are left out."""
    at, read, written = map(sheet.header.index, columns)
    rows, width = sheet.rows(), len(sheet.header)
    first = next((cells for cells in rows if any(cell.strip() for cell in cells)), [])
    time = _clock(first[at] if at < len(first) else "")
    for cells in chain([first] if first else [], rows):
        try:
            request = time(cells[at]), int(cells[read]), int(cells[written])
        except (ValueError, IndexError, OverflowError):
            if any(cell.strip() for cell in cells):
                yield _careful(cells, sheet, columns, time)
            continue
        if len(cells) != width or not (0 <= request[1] <= LARGEST and 0 <= request[2] <= LARGEST):
            _careful(cells, sheet, columns, time)
        yield request


def _careful(cells: list[str], sheet: _Sheet, columns: tuple[str, str, str], clock: Callable[[str], float]) -> Request:
    """A row that the short way could not read, or which cell of it is wrong."""
    row = sheet.row(cells)
    when, *counts = columns
    try:
        time = clock(row[when])
    except (ValueError, OverflowError) as error:
        what = f"{sheet.where}, column {when}: {row[when][:40]!r} is no time"
        raise BadFile(what, f"write it as {_CLOCKS[clock]}, as all others") from error
    read, written = (_number(row[name], f"{sheet.where}, column {name}") for name in counts)
    return time, read, written


# Counts by the hour: a CSV with a column ``requests`` or ``count``, one row an hour in order.

COUNTS = ({"requests"}, {"count"})
#: Columns that may stand beside the count; of these only ``hour`` is read, to see that none is missing.
BESIDE = {"hour", "day"}


def _read_hourly(sheet: _Sheet, path: str) -> Trace:
    """Counts as they stand; figures that hours cannot tell are None."""
    hours = tuple(islice(_counts(sheet), MOST_HOURS + 1))
    if len(hours) > MOST_HOURS:
        raise BadFile(f"{sheet.where}: more than ten years of hours", "give one row an hour")
    if not hours:
        raise BadFile(f"trace {path}: holds no hour", "give one row an hour")
    if not any(hours):
        raise BadFile(f"trace {path}: every hour has 0 requests", "give a trace with a request in it")
    return Trace(hours, round(sum(hours)), None, None, None, None, float(HOUR * len(hours)))


def _counts(sheet: _Sheet) -> Iterator[float]:
    before: int | None = None
    (counted,) = set(sheet.header) - BESIDE
    for cells in sheet.rows():
        if any(cell.strip() for cell in cells):
            row = sheet.row(cells)
            if "hour" in row:
                before = _hour(row["hour"], before, f"{sheet.where}, column hour")
            yield _number(row[counted], f"{sheet.where}, column {counted}")


def _hour(cell: str, before: int | None, where: str) -> int:
    """The number of an hour, from any start or of a date and time, which must follow the one before it."""
    try:
        hour = int(cell) if cell.isdecimal() else int(_moment(cell) // HOUR)
    except (ValueError, OverflowError) as error:
        hint = "write 0 to 23, or a date and time such as 2024-05-10 13:00"
        raise BadFile(f"{where}: {cell[:40]!r} is no hour", hint) from error
    next_day = before in (23, 24) and hour == before - 23
    if before is not None and hour != before + 1 and not next_day:
        hint = "give one row an hour in order, with 0 for an hour without requests"
        raise BadFile(f"{where}: {cell} does not follow the hour before it", hint)
    return hour


# Mooncake's JSON lines, with times in milliseconds and the ids of the blocks that a prompt is made of.

KEYS = {"timestamp", "input_length", "output_length"}
#: Bailian's traces have the same keys and this one, and their times are in seconds.
BAILIAN = "chat_id"


class _Blocks:
    """Hits of prompt blocks (of 512 tokens in the published traces) in a cache that forgets nothing.

    The set of ids seen is all that grows with a trace.
    """

    def __init__(self) -> None:
        self.hits = self.total = 0
        self._seen: set[Any] = set()

    def add(self, ids: list[Any]) -> None:
        """One prompt: a block is a hit when it and all blocks before it have been seen in earlier prompts."""
        seen = self._seen
        self.hits += next((place for place, block in enumerate(ids) if block not in seen), len(ids))
        self.total += len(ids)
        seen.update(ids)


def _is_mooncake(first: str) -> bool:
    """Whether the first line is a request in Mooncake's form."""
    try:
        entry = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and set(entry) >= KEYS and BAILIAN not in entry


def _read_json_lines(lines: Iterable[str], path: str, blocks: _Blocks) -> Iterator[Request]:
    """The requests of a trace, times in seconds; their blocks go to ``blocks``."""
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"trace {path}, line {line_number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadFile(f"{where}: broken JSON", _MEND) from error
        if not isinstance(entry, dict):
            raise BadFile(f"{where}: is no JSON object", _MEND)
        time, read, written = (
            _number(entry.get(key), f"{where}, {key}") for key in ("timestamp", "input_length", "output_length")
        )
        try:
            if isinstance(ids := entry.get("hash_ids"), list):
                blocks.add(ids)
            elif ids is not None:
                raise TypeError
        except TypeError as error:
            raise BadFile(f"{where}, hash_ids: is no list of ids", _MEND) from error
        yield time / 1000, read, written


# Sums over the requests, which do not grow with their number.


class _Sums(NamedTuple):
    """Counts, sums and extremes, and the mean and squared deviation of the gaps (Welford)."""

    hours: Mapping[float, int]
    requests: int
    first: float
    last: float
    answered: int
    input: float
    output: float
    gap_mean: float
    gap_squares: float
    ordered: bool


def _tally(requests: Iterable[Request], path: str) -> Trace:
    """The load of requests in whatever order, in one pass."""
    sums = _add(requests)
    seconds = sums.last - sums.first
    if not sums.requests:
        raise BadFile(f"trace {path}: holds no request", "see whether it was written to its end")
    if seconds < FINEST:
        raise BadFile(
            f"trace {path}: all its requests ({sums.requests:,}) came at one time, which gives no rate",
            "give a longer trace, or hourly counts",
        )
    if seconds > MOST_HOURS * HOUR:
        years = seconds / HOUR / 8760
        raise BadFile(f"trace {path}: {years:,.0f} years lie between its first and last time", "mend the times")
    varies = sums.ordered and sums.requests >= 3
    return Trace(
        hours=_hourly(sums),
        requests=sums.requests,
        input_tokens=sums.input / sums.answered if sums.answered else None,
        output_tokens=sums.output / sums.answered if sums.answered else None,
        prefix_share=None,
        gap_cv=sqrt(sums.gap_squares / (sums.requests - 1)) / sums.gap_mean if varies else None,
        seconds=seconds,
    )


def _add(requests: Iterable[Request]) -> _Sums:
    """The sums of all requests, in local names: this loop is most of the time that a trace takes."""
    count, answered, read, written, mean, squares = -1, 0, 0.0, 0.0, 0.0, 0.0
    first, last, before, ordered = inf, -inf, 0.0, True
    hours: defaultdict[float, int] = defaultdict(int)
    for time, input, output in requests:
        count += 1
        hours[time // HOUR] += 1
        if count:
            gap = time - before
            off = gap - mean
            mean += off / count
            squares += off * (gap - mean)
            if gap < 0:
                ordered = False
        before = time
        if time > last:
            last = time
        if time < first:
            first = time
        if output:
            answered += 1
            read += input
            written += output
    return _Sums(hours, count + 1, first, last, answered, read, written, mean, squares, ordered)


def _hourly(sums: _Sums) -> tuple[float, ...]:
    """Requests of each clock hour from the first to the last time, by the rules that ``Trace`` gives."""
    first, last = sums.first, sums.last
    end = last + (last - first) / (sums.requests - 1)
    rate = sums.requests * HOUR / (end - first)
    if end - first < HOUR:
        return (rate,)
    hours = []
    for hour in range(int(first // HOUR), int(last // HOUR) + 1):
        covered = (min(end, (hour + 1) * HOUR) - max(first, hour * HOUR)) / HOUR
        if covered >= 0.5:
            hours.append(sums.hours.get(hour, 0) / covered)
    return tuple(hours) or (rate,)
