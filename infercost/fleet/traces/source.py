"""The lines of a trace file, gzipped or not, one at a time, and a CSV's cells with where they stand."""

import csv
import gzip
import zlib
from collections.abc import Callable, Generator, Iterator
from io import BufferedReader, TextIOWrapper
from itertools import chain
from math import isfinite

from infercost.errors import BadFile

Progress = Callable[[int], None]

#: How many lines lie between two reports of progress.
REPORT = 1 << 16
#: A first line longer than this is of no form known here.
LONGEST_LINE = 1 << 20
#: Far above every count and time of a trace, in whatever unit.
LARGEST = 1e15
_GZIP = b"\x1f\x8b"
_BROKEN = (OSError, EOFError, zlib.error)


def read_lines(path: str, progress: Progress | None = None) -> Generator[str, None, None]:
    """The lines of a text file; ``progress`` is told how many bytes of it, as stored, have been read.

    Raises:
        BadFile: missing, a folder, unreadable, binary, or gzip that is broken.
    """
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
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        raise BadFile(
            f"trace {path}: {_reason(error)}", "give the path of a readable CSV or JSON lines file"
        ) from error


def _decode(stored: BufferedReader, path: str) -> TextIOWrapper:
    """The text of a file, unpacked if need be; a byte that is no UTF-8 becomes a mark that no number holds."""
    try:
        packed = stored.peek(2)[:2] == _GZIP
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
        yield from text
    except _BROKEN as error:
        raise _broken(error, path) from error


def _broken(error: Exception, path: str) -> BadFile:
    return BadFile(f"trace {path}: {_reason(error)}", "unpack it or download it again")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower().rstrip(".")


class Sheet:
    """A CSV read row by row, which knows where it stands."""

    def __init__(self, first: str, lines: Iterator[str], path: str) -> None:
        self._path = path
        self._reader = csv.reader(chain([first], lines), strict=True)
        self.header = [name.strip().lower() for name in next(self.rows(), [])]

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row not read yet.

        Raises:
            BadFile: broken quoting.
        """
        try:
            yield from self._reader
        except csv.Error as error:
            raise BadFile(f"{self.where}: {error}", "mend the CSV") from error

    @property
    def where(self) -> str:
        """File and line of the last row read."""
        return f"trace {self._path}, line {self._reader.line_num}"


def number(cell: object, where: str) -> float:
    """A cell as a number of at least 0.

    Raises:
        BadFile: no number, a negative one, or one that is not finite or above 1e15.
    """
    try:
        value = float(cell) if isinstance(cell, (str, int, float)) and not isinstance(cell, bool) else None
    except (ValueError, OverflowError):
        value = None
    if value is None:
        shown = repr(cell)[:40] if cell or cell == 0 else "nothing"
        raise BadFile(f"{where}: {shown} where a number should stand", "mend the line, or take it out")
    if not isfinite(value) or not 0 <= value <= LARGEST:
        raise BadFile(f"{where}: {str(cell)[:20]} is out of range", "mend the line, or take it out")
    return value
