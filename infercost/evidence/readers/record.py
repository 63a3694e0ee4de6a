"""What stands in a result file: its text, its records, and figures read with their place in every error."""

import csv
import json
import re
from collections.abc import Mapping
from io import StringIO
from typing import Any, NamedTuple, NoReturn

from infercost.errors import BadFile
from infercost.parts.yamlfile import read_text

#: Per-request arrays make large files; a larger one than this is something else.
LARGEST_FILE = 500_000_000
#: Far above every count and time of a benchmark, in whatever unit.
LARGEST = 1e18
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_AGAIN = "measure again, or take this result out"


class Record(NamedTuple):
    """A row of a CSV or a mapping of a JSON file: its place for messages, and its values by key.

    A value is None or empty where it is absent, null or blank. One that its method cannot take is a ``BadFile``.
    """

    where: str
    values: Mapping[str, Any]
    word: str = ""

    def at(self, key: str) -> str:
        """The place of a value, for messages."""
        return f"{self.where}, {self.word}{key}"

    def inside(self, *keys: str) -> "Record":
        """The mapping under some keys, empty where any of them is absent."""
        value: Any = self.values
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return Record(f"{self.where}, {', '.join(keys)}", value if isinstance(value, dict) else {})

    def text(self, key: str) -> str:
        """A text."""
        value = self.values.get(key)
        return "" if value is None else str(value).strip()

    def name(self, key: str) -> str:
        """A text that must be there."""
        return self.text(key) or self._lacks(key)

    def number(self, key: str) -> float | None:
        """A number from 0 to 1e18."""
        value = self.values.get(key)
        if value is None or (isinstance(value, str) and not (value := value.strip())):
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            what = f"{self.at(key)}: {repr(value)[:40]} where a number should stand"
            raise BadFile(what, "give the file as the tool wrote it")
        if value < 0:
            raise BadFile(f"{self.at(key)}: {str(value)[:20]} is below 0", _AGAIN)
        if not value <= LARGEST:
            raise BadFile(f"{self.at(key)}: {str(value)[:20]} is no measured number", _AGAIN)
        return float(value)

    def above_zero(self, key: str) -> float | None:
        """A number above 0."""
        if (value := self.number(key)) == 0:
            raise BadFile(f"{self.at(key)}: is 0", f"leave it empty where it is not known; else {_AGAIN}")
        return value

    def required(self, key: str) -> float:
        """A number above 0 that must be there."""
        return self.above_zero(key) or self._lacks(key)

    def whole(self, key: str) -> int | None:
        """A whole number of at least 1."""
        if (value := self.above_zero(key)) is None:
            return None
        if value != int(value):
            raise BadFile(f"{self.at(key)}: {value:g} is not whole", "give a whole number")
        return int(value)

    def seconds(self, key: str) -> float | None:
        """Seconds of a number of milliseconds."""
        return None if (value := self.number(key)) is None else value / 1000

    def _lacks(self, key: str) -> NoReturn:
        raise BadFile(f"{self.at(key)}: is empty", "fill it in, or take this result out")


def read_whole(path: str) -> str:
    """The text of a result file, or of standard input for ``-``, without a byte order mark.

    Raises:
        BadFile: missing, a directory, unreadable, empty, too large, or no UTF-8.
    """
    try:
        content = read_text(path, "results", LARGEST_FILE).removeprefix("\ufeff")
    except BadFile as error:
        hint = "give a JSON, JSON lines or CSV file of results"
        if "binary" in error.what:
            hint = "save it as UTF-8 text (PowerShell's > writes UTF-16)"
        raise BadFile(error.what, hint) from error
    if not content.strip():
        raise BadFile(f"results {path}: is empty", "see whether the benchmark ended, and give its output")
    return content


def header_of(content: str, path: str) -> list[str]:
    """The cells of a text's first line, as those of a CSV; none where it is not one.

    Raises:
        BadFile: a column twice.
    """
    try:
        header = [name.strip() for name in next(csv.reader(StringIO(content, newline="")), [])]
    except csv.Error:
        return []
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadFile(f"results {path}, line 1: column {twice[0]!r} stands twice", "keep one of them")
    return header


def parse_sheet(content: str, path: str) -> tuple[list[str], list[Record]]:
    """Columns and rows of a CSV, blank lines left out.

    Raises:
        BadFile: a row with more or fewer cells than columns, or broken quoting.
    """
    reader = csv.reader(StringIO(content, newline=""), strict=True)
    rows: list[Record] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        for cells in reader:
            where = f"results {path}, line {reader.line_num}"
            if len(cells) != len(header) and cells:
                raise BadFile(f"{where}: {len(cells)} cells for {len(header)} columns", "quote a cell that holds ','")
            if any(cell.strip() for cell in cells):
                rows.append(Record(where, dict(zip(header, cells, strict=True)), "column "))
    except csv.Error as error:
        raise BadFile(f"results {path}, line {reader.line_num}: {error}", "mend the CSV") from error
    return header, rows


def parse_json(content: str, where: str) -> list[tuple[str, Any]] | None:
    """Values of a JSON text and their places: one, the entries of a list, or one a line; None for another text.

    Raises:
        BadFile: begins as JSON and is broken.
    """
    if content.lstrip()[:1] not in ("{", "["):
        return None
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        first, *rest = content.strip().splitlines()
        if rest and _is_mapping(first):
            lines = enumerate(content.splitlines(), 1)
            return [
                (f"{where}, line {number}", _parse_line(line, where, number)) for number, line in lines if line.strip()
            ]
        raise _broken(error, where, getattr(error, "lineno", 1)) from error
    if isinstance(whole, list):
        return [(f"{where}, entry {number}", entry) for number, entry in enumerate(whole, 1)]
    return [(where, whole)]


def _is_mapping(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parse_line(line: str, where: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _broken(error, where, number) from error


def _broken(error: Exception, where: str, line: int) -> BadFile:
    if isinstance(error, RecursionError):
        return BadFile(f"{where}: is nested too deep", "give the file as the tool wrote it")
    problem = str(getattr(error, "msg", "cannot be read")).lower()
    return BadFile(f"{where}, line {line}: broken JSON, {problem}", "see whether the benchmark ended, or measure again")
