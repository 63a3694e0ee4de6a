"""A picture as text: lines of braille told apart by their marks, or letters where the output has no more than ASCII."""

from textwrap import wrap

from infercost.chart import Bars, Chart, Line, Picture
from infercost.render.layout import bar
from infercost.render.plot.canvas import Canvas
from infercost.render.plot.scale import Scale, axis_text, bar_scale, scales
from infercost.units import show

HEIGHT = 16
#: Marks of the lines, and columns between two marks of one line.
MARKS, ASCII_MARKS = "●■▲◆○□△◇", "*ox+#@%&"
APART = 12
#: What draws the frame, and what a bar may not pass.
FRAME, ASCII_FRAME = "│─└┤┬", "|-+++"
#: Everything here that an output must be able to show.
LETTERS = f"{MARKS}{FRAME}⣿█▏"


def render(picture: Picture, width: int = 80, ascii: bool = False) -> str:
    """The picture in so many columns, a line of text each row."""
    lines = _chart(picture, width, ascii) if isinstance(picture, Chart) else _bars(picture, width, ascii)
    return "\n".join(line.rstrip() for line in (*wrap(picture.title, width), "", *lines)) + "\n"


def _chart(chart: Chart, width: int, ascii: bool) -> list[str]:
    across, up = scales(chart)
    ticks = {round((1 - up.place(value)) * (HEIGHT - 1)): text for value, text in up.ticks(8)}
    margin = max(map(len, ticks.values())) + 2
    canvas = Canvas(width - margin - 4, HEIGHT, ascii)
    for number, line in enumerate(chart.lines):
        _draw(canvas, line, (across, up), number, len(chart.lines))
    for x, y, label in (value for line in chart.lines for value in line.said):
        canvas.write_beside(*canvas.cell(across.place(x), up.place(y)), label)
    side, _, _, notch, _ = tuple(ASCII_FRAME if ascii else FRAME)
    rows = [
        f"{ticks.get(row, '').rjust(margin)} {notch if row in ticks else side}{text}"
        for row, text in enumerate(canvas.rows())
    ]
    lines = [f"  {axis_text(chart.y)}", *rows, *_floor(across, canvas.width, margin + 1, ascii)]
    return lines if len(chart.lines) == 1 else [*lines, "", *_legend(chart, width, ascii)]


def _draw(canvas: Canvas, line: Line, axes: tuple[Scale, Scale], number: int, lines: int) -> None:
    """One line, with a mark every few columns where there are others, or points."""
    across, up = axes
    mark = (ASCII_MARKS if canvas.ascii else MARKS)[number % len(MARKS)]
    places = [(across.place(x), up.place(y)) for x, y, _ in line.values]
    if line.points:
        for place in places:
            canvas.write(*canvas.cell(*place), mark)
        return
    canvas.line(places, "." if line.limit else mark, every=3 if line.limit else 1)
    if lines > 1 and not canvas.ascii and not line.limit:
        _mark(canvas, places, mark, number)


def _mark(canvas: Canvas, places: list[tuple[float, float]], mark: str, number: int) -> None:
    """The line's mark on it every few columns, those of each line at columns of their own."""
    columns = [(*canvas.cell(x, y), x, y) for x, y in places]
    for column in range(2 + number * 3, canvas.width, APART):
        before = [place for place in columns if place[0] <= column]
        after = [place for place in columns if place[0] >= column]
        if before and after:
            (_, _, left, low), (_, _, right, high) = before[-1], after[0]
            x = (column + 0.5) / canvas.width
            share = (x - left) / (right - left) if right > left else 0.0
            canvas.write(column, canvas.cell(x, low + (high - low) * min(max(share, 0.0), 1.0))[1], mark)


def _floor(scale: Scale, width: int, margin: int, ascii: bool) -> list[str]:
    """The horizontal axis: a line with its notches, their values, and what it measures."""
    _, dash, corner, _, notch = tuple(ASCII_FRAME if ascii else FRAME)
    line, numbers = [dash] * width, [" "] * (margin + width + 4)
    for value, text in scale.ticks(max(width // 9, 2)):
        column = min(round(scale.place(value) * (width - 1)), width - 1)
        line[column] = notch
        start = max(margin + 1 + column - len(text) // 2, 0)
        if not "".join(numbers[max(start - 1, 0) : start + len(text) + 1]).strip():
            numbers[start : start + len(text)] = text
    label = axis_text(scale.axis)
    return [
        " " * margin + corner + "".join(line),
        "".join(numbers),
        " " * (margin + 1) + label.rjust(width),
    ]


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
        drawn = " " * start + _block(scale.place(each.start + each.value) - start / room, room, ascii)
        mark = column if each.mark is None else round(scale.place(each.mark) * room)
        if mark is not None:
            drawn = drawn.ljust(mark + 1)
            drawn = drawn[:mark] + (side if drawn[mark] == " " else drawn[mark]) + drawn[mark + 1 :]
        lines.append(f"  {each.name[:names].ljust(names)}  {show(each.value, bars.axis.unit).rjust(values)}  {drawn}")
    if bars.limit is not None and column is not None:
        said = f"{bars.limit[0]} {show(bars.limit[1], bars.axis.unit)} {side}"
        lines.append(said.rjust(max(names + values + 7 + column, len(said))))
    return [*lines, *([f"  {side} {bars.marked}"] if bars.marked else [])]


def _block(share: float, width: int, ascii: bool) -> str:
    blocks = bar(max(share, 0.0), width)
    return "#" * len(blocks) if ascii else blocks
