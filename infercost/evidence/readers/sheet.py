"""A CSV as rows of text, each with its line, and cells read as figures."""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import NamedTuple

from infercost.errors import BadFile
from infercost.evidence.readers.run import number, text
from infercost.parts.yamlfile import read_text

#: Per-request arrays make large files; a larger one than this is something else.
LARGEST_FILE = 500_000_000
_FORM = "save it as UTF-8 text (PowerShell's > writes UTF-16)"


def read_whole(path: str) -> str:
    """The text of a result file, or of standard input for ``-``; a byte order mark is left out.

    Raises:
        BadFile: missing, a directory, unreadable, empty, too large, or no UTF-8.
    """
    try:
        content = read_text(path, "results", LARGEST_FILE).removeprefix("\ufeff")
    except BadFile as error:
        binary = "binary" in error.what
        raise BadFile(error.what, _FORM if binary else "give a JSON, JSON lines or CSV file of results") from error
    if not content.strip():
        raise BadFile(f"results {path}: is empty", "see whether the benchmark ended, and give what it wrote")
    return content


class Line(NamedTuple):
    """One row of a sheet: its cells by column, and ``where`` it stands."""

    where: str
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """A cell as text, empty where blank."""
        return text(self.cells, column)

    def number(self, column: str) -> float | None:
        """A cell as a number of at least 0, None where blank.

        Raises:
            BadFile: no number, a negative or one that is not finite.
        """
        cell = self.text(column)
        return number(cell, f"{self.where}, column {column}") if cell else None

    def above_zero(self, column: str) -> float | None:
        """A cell as a number above 0, None where blank.

        Raises:
            BadFile: see ``number``, or 0.
        """
        if (value := self.number(column)) == 0:
            raise BadFile(f"{self.where}, column {column}: is 0", "leave the cell empty where it is not known")
        return value

    def whole(self, column: str) -> int | None:
        """A cell as a whole number of at least 1, None where blank.

        Raises:
            BadFile: see ``above_zero``, or not whole.
        """
        if (value := self.above_zero(column)) is None:
            return None
        if value != int(value):
            raise BadFile(f"{self.where}, column {column}: {value:g} is not whole", "give a whole number")
        return int(value)

    def required(self, column: str) -> float:
        """A cell that must hold a number above 0.

        Raises:
            BadFile: blank, or see ``above_zero``.
        """
        if (value := self.above_zero(column)) is None:
            raise BadFile(f"{self.where}, column {column}: is empty", "fill it in, or take the row out")
        return value

    def name(self, column: str) -> str:
        """A cell that must hold a text.

        Raises:
            BadFile: blank.
        """
        if not (cell := self.text(column)):
            raise BadFile(f"{self.where}, column {column}: is empty", "fill it in, or take the row out")
        return cell


def parse_sheet(content: str, path: str) -> tuple[list[str], list[Line]]:
    """Columns and rows of a CSV; blank lines are left out.

    Raises:
        BadFile: a column twice, a row with more or fewer cells than columns, or broken quoting.
    """
    reader = csv.reader(StringIO(content, newline=""), strict=True)
    lines: list[Line] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if twice := sorted({name for name in header if header.count(name) > 1}):
            raise BadFile(f"results {path}, line 1: column {twice[0]!r} stands twice", "keep one of them")
        for cells in reader:
            where = f"results {path}, line {reader.line_num}"
            if len(cells) != len(header) and cells:
                raise BadFile(f"{where}: {len(cells)} cells for {len(header)} columns", "quote a cell that holds ','")
            if any(cell.strip() for cell in cells):
                lines.append(Line(where, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise BadFile(f"results {path}, line {reader.line_num}: {error}", "mend the CSV") from error
    return header, lines


def require(header: Iterable[str], columns: Iterable[str], path: str) -> None:
    """Nothing, when all columns are there.

    Raises:
        BadFile: some are not.
    """
    if absent := [column for column in columns if column not in set(header)]:
        raise BadFile(f"results {path}, line 1: no column {', '.join(absent)}", "add the columns; cells may be empty")
