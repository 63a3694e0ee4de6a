"""A picture as text: lines of braille with marks of their own, or letters where the output has only ASCII."""

from collections.abc import Iterable
from itertools import pairwise
from textwrap import wrap

from infercost.picture import Bars, Chart, Line, Picture
from infercost.render.drawing import Scale, axis_text, bar_scale, scales
from infercost.render.layout import bar
from infercost.units import show

#: Bits of the dots in a cell of braille: its two columns, from the top down.
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800
ACROSS, DOWN = len(_BITS), len(_BITS[0])


class Canvas:
    """Cells to draw on; places are between 0 and 1, from the bottom left."""

    def __init__(self, width: int, height: int, ascii: bool) -> None:
        self.width, self.height, self.ascii = width, height, ascii
        self._dots: dict[tuple[int, int], tuple[int, str]] = {}
        self._letters: dict[tuple[int, int], str] = {}

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """The column and row of a place."""
        column, row = self._dot(x, y)
        return column // ACROSS, row // DOWN

    def line(self, places: Iterable[tuple[float, float]], glyph: str, every: int = 1) -> dict[int, int]:
        """Draw from place to place, one dot in ``every``, in ASCII ``glyph``; returns the row in each column."""
        dots = [self._dot(x, y) for x, y in places]
        path = [dots[0]]
        for (left, top), (right, bottom) in pairwise(dots):
            steps = max(abs(right - left), abs(bottom - top))
            path += [
                (left + round((right - left) * step / steps), top + round((bottom - top) * step / steps))
                for step in range(1, steps + 1)
            ]
        for column, row in path[::every]:
            cell = column // ACROSS, row // DOWN
            bits, _ = self._dots.get(cell, (0, ""))
            self._dots[cell] = bits | _BITS[column % ACROSS][row % DOWN], glyph
        return {column // ACROSS: row // DOWN for column, row in reversed(path)}

    def write(self, column: int, row: int, text: str) -> None:
        """Write a text from a cell to the right."""
        self._letters |= {(column + offset, row): letter for offset, letter in enumerate(text)}

    def write_beside(self, column: int, row: int, text: str) -> None:
        """Write a text beside a cell, if there is room without ink."""
        for down in (0, 1, -1, 2, -2):
            for start in (column + 2 + abs(down), column - 1 - abs(down) - len(text)):
                if self._is_free(start, row + down, len(text)):
                    self.write(start, row + down, text)
                    return

    def rows(self) -> list[str]:
        """The cells as lines of text."""
        return ["".join(self._shown(column, row) for column in range(self.width)) for row in range(self.height)]

    def _is_free(self, start: int, row: int, length: int) -> bool:
        """Whether a text would be inside, with no ink under or beside it."""
        if start < 0 or start + length > self.width or not 0 <= row < self.height:
            return False
        cells = {(column, row) for column in range(start - 1, start + length + 1)}
        return not cells & (self._letters.keys() | self._dots.keys())

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        across, down = self.width * ACROSS - 1, self.height * DOWN - 1
        return min(max(round(x * across), 0), across), min(max(round((1 - y) * down), 0), down)

    def _shown(self, column: int, row: int) -> str:
        if letter := self._letters.get((column, row)):
            return letter
        bits, glyph = self._dots.get((column, row), (0, " "))
        return glyph if self.ascii else chr(_BRAILLE + bits) if bits else " "


HEIGHT = 16
#: Marks of the lines, and columns between two marks of one line.
MARKS, ASCII_MARKS = "●■▲◆○□△◇", "*ox+#@%&"
APART = 12
#: The frame, and the bound of a bar.
FRAME, ASCII_FRAME = "│─└┤┬", "|-+++"
#: All that an output must be able to show.
LETTERS = f"{MARKS}{FRAME}⣿█▏"


def render(picture: Picture, width: int = 80, ascii: bool = False) -> str:
    """The picture as lines of text."""
    lines = _chart(picture, width, ascii) if isinstance(picture, Chart) else _bars(picture, width, ascii)
    return "\n".join(line.rstrip() for line in (*wrap(picture.title, width), "", *lines)) + "\n"


def _chart(chart: Chart, width: int, ascii: bool) -> list[str]:
    across, up = scales(chart)
    ticks = {round((1 - up.place(value)) * (HEIGHT - 1)): text for value, text in up.ticks(8)}
    margin = max(map(len, ticks.values())) + 2
    canvas = Canvas(width - margin - 4, HEIGHT, ascii)
    for number, line in enumerate(chart.lines):
        _draw(canvas, line, (across, up), number, len(chart.lines))
    for x, y, label in (value for line in chart.lines for value in line.captions):
        canvas.write_beside(*canvas.cell(across.place(x), up.place(y)), label)
    side, _, _, notch, _ = tuple(ASCII_FRAME if ascii else FRAME)
    rows = [
        f"{ticks.get(row, '').rjust(margin)} {notch if row in ticks else side}{text}"
        for row, text in enumerate(canvas.rows())
    ]
    lines = [f"  {axis_text(chart.y)}", *rows, *_floor(across, canvas.width, margin + 1, ascii)]
    return lines if len(chart.lines) == 1 else [*lines, "", *_legend(chart, width, ascii)]


def _draw(canvas: Canvas, line: Line, axes: tuple[Scale, Scale], number: int, lines: int) -> None:
    """One line, with its marks if there are others, or points."""
    across, up = axes
    mark = (ASCII_MARKS if canvas.ascii else MARKS)[number % len(MARKS)]
    places = [(across.place(x), up.place(y)) for x, y, _ in line.values]
    if line.points:
        for place in places:
            canvas.write(*canvas.cell(*place), mark)
        return
    path = canvas.line(places, "." if line.limit else mark, every=3 if line.limit else 1)
    if lines > 1 and not canvas.ascii and not line.limit:
        for column in range(2 + number * 3, canvas.width, APART):
            if column in path:
                canvas.write(column, path[column], mark)


def _floor(scale: Scale, width: int, margin: int, ascii: bool) -> list[str]:
    """The horizontal axis: a line with notches, their values, and its label."""
    _, dash, corner, _, notch = tuple(ASCII_FRAME if ascii else FRAME)
    line, numbers = [dash] * width, [" "] * (margin + width + 4)
    for value, text in scale.ticks(max(width // 9, 2)):
        column = min(round(scale.place(value) * (width - 1)), width - 1)
        line[column] = notch
        start = max(margin + 1 + column - len(text) // 2, 0)
        if not "".join(numbers[max(start - 1, 0) : start + len(text) + 1]).strip():
            numbers[start : start + len(text)] = text
    label = axis_text(scale.axis)
    return [" " * margin + corner + "".join(line), "".join(numbers), " " * (margin + 1) + label.rjust(width)]


def _legend(chart: Chart, width: int, ascii: bool) -> list[str]:
    marks, line = (ASCII_MARKS, "-") if ascii else (MARKS, "─")
    entries = []
    for number, each in enumerate(chart.lines):
        mark = marks[number % len(marks)]
        sign = "..." if each.limit else f" {mark} " if each.points else f"{line}{mark}{line}"
        entries.append(f"{sign} {each.name}")
    rows = [""]
    for entry in entries:
        if len(rows[-1]) + len(entry) + 5 > width:
            rows.append("")
        rows[-1] += ("   " if rows[-1] else "  ") + entry
    return rows


def _bars(bars: Bars, width: int, ascii: bool) -> list[str]:
    names = min(max(len(each.name) for each in bars.bars), width // 2)
    values = max(len(show(each.value, bars.axis.unit)) for each in bars.bars)
    room = width - names - values - 8
    scale = bar_scale(bars)
    side = (ASCII_FRAME if ascii else FRAME)[0]
    column = None if bars.limit is None else round(scale.place(bars.limit[1]) * room)
    lines = []
    for each in bars.bars:
        start = round(scale.place(each.start) * room)
        ink = bar(max(scale.place(each.start + each.value) - start / room, 0.0), room)
        row = " " * start + ("#" * len(ink) if ascii else ink)
        mark = column if each.mark is None else round(scale.place(each.mark) * room)
        if mark is not None and row[mark : mark + 1].strip() == "":
            row = row.ljust(mark)[:mark] + side + row[mark + 1 :]
        lines.append(f"  {each.name[:names].ljust(names)}  {show(each.value, bars.axis.unit).rjust(values)}  {row}")
    if bars.limit is not None and column is not None:
        text = f"{bars.limit[0]} {show(bars.limit[1], bars.axis.unit)} {side}"
        lines.append(text.rjust(names + values + 7 + column))
    return [*lines, *([f"  {side} {bars.marked}"] if bars.marked else [])]
