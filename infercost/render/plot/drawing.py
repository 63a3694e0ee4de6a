"""A picture as SVG for a page: shapes that carry their values, so that they can be pointed at and read back."""

from collections.abc import Iterator
from html import escape
from itertools import pairwise, product
from math import ceil, floor, hypot, log10
from typing import NamedTuple

from infercost.report import Axis, Bars, Chart, Line, Picture
from infercost.units import show

#: Okabe and Ito, Color universal design (2008), without its yellow, which vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Lengths of ink and gap in points, one a line; nothing is an unbroken line.
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 3), (2, 2), (9, 2, 2, 2), (5, 1), (1, 1), (12, 3))
#: What is drawn for what cannot be passed.
LIMIT_COLOUR, LIMIT_DASHES = "#555555", (1.5, 2.5)
#: Words of matplotlib for the marks of the lines.
MARKERS = "os^DvPX"


#: What is left free at either end of an axis, as a share of it.
MARGIN = 0.03
_COUNTS = {1e12: "T", 1e9: "B", 1e6: "M", 1e3: "k"}


class Scale(NamedTuple):
    """The ends of an axis."""

    axis: Axis
    low: float
    high: float

    def place(self, value: float) -> float:
        """Where a value is between the ends, 0 to 1."""
        low, high, value = (log10(each) if self.axis.log else each for each in (self.low, self.high, value))
        return (value - low) / (high - low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Round values inside the ends, no more than so many, each as people write it."""
        choices = [*(_decades(self.low, self.high) if self.axis.log else ()), *_steps(self.low, self.high)]
        values = next(each for each in choices if len(each) <= most)
        return [(value, tick_text(value, self.axis.unit)) for value in values]


def scales(chart: Chart) -> tuple[Scale, Scale]:
    """The scales of a chart's two axes."""
    xs, ys = ([value for line in chart.lines for value in getattr(line, key)] for key in ("xs", "ys"))
    return _scale(chart.x, xs), _scale(chart.y, ys)


def bar_scale(bars: Bars) -> Scale:
    """The scale of bars, from nothing."""
    return Scale(bars.axis, 0.0, bars.end)


def axis_text(axis: Axis) -> str:
    """What stands beside an axis: what it measures, and in which unit where its ticks do not say."""
    says_itself = axis.unit in ("", "share", "USD", "s", "B", "B/s", "FLOP/s", "x")
    return axis.label if says_itself else f"{axis.label}, {axis.unit}"


def tick_text(value: float, unit: str) -> str:
    """A round value in few characters: ``10k``, ``$0.1``, ``0.01%``, ``1 PFLOP/s``."""
    if unit == "share":
        return f"{value * 100:.6g}%"
    if unit in ("s", "B", "B/s", "FLOP/s"):
        return show(value, unit)
    factor = next((factor for factor in _COUNTS if abs(value) >= factor), 1.0)
    text = f"{value / factor:.6g}{_COUNTS.get(factor, '')}"
    return f"${text}" if unit == "USD" else f"{text}x" if unit == "x" else text


def _scale(axis: Axis, values: list[float]) -> Scale:
    low, high = min(values), max(values)
    if axis.log:
        room = max((high / low) ** MARGIN, 1.05)
        return Scale(axis, low / room, high * room)
    room = (high - low or abs(high) or 1.0) * MARGIN
    return Scale(axis, low - room, high + room)


def _decades(low: float, high: float) -> list[list[float]]:
    """Tens with twos and fives between, tens alone, every second ten, ...; each only where two of them fit."""
    first, last = floor(log10(low)), ceil(log10(high))
    powers = range(first, last + 1)
    fine = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    coarse = [[10.0**power for power in powers if power % step == 0] for step in range(1, last - first + 2)]
    inside = [[value for value in values if low <= value <= high] for values in (fine, *coarse)]
    return [values for values in inside if len(values) > 1]


def _steps(low: float, high: float) -> list[list[float]]:
    """Even steps of 1, 2 or 5, from many to few."""
    size = 10.0 ** floor(log10((high - low) / 50))
    sizes = [size * 10**power * factor for power in range(4) for factor in (1, 2, 5)]
    return [[round(step * n, 12) for n in range(ceil(low / step), floor(high / step) + 1)] for step in sizes]


#: Width of a letter and height of a line, as shares of a chart's inside, and the gap to what they label.
LETTER, LINE_HEIGHT, GAP = 0.0115, 0.045, 0.012
#: Places along a line that a label keeps clear of, over the whole width.
STEPS = 150


class Label(NamedTuple):
    """A text and its bottom left corner, 0 to 1 from the bottom left of the chart's inside."""

    text: str
    left: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a place is under the text."""
        return self.left <= x <= self.left + LETTER * len(self.text) and self.bottom <= y <= self.bottom + LINE_HEIGHT

    def meets(self, other: "Label") -> bool:
        """Whether two texts overlap."""
        apart = LETTER * len(self.text if self.left <= other.left else other.text)
        return abs(self.left - other.left) < apart and abs(self.bottom - other.bottom) < LINE_HEIGHT


def labels(chart: Chart) -> list[Label]:
    """A place for each label that is to be written; none for those that find no room."""
    axes = scales(chart)
    drawn, found = list(_drawn(chart, axes)), list[Label]()
    for x, y, text in (value for line in chart.lines for value in line.said):
        places = _around(axes[0].place(x), axes[1].place(y), text)
        free = (label for label in places if not any(label.holds(*place) for place in drawn))
        if label := next((label for label in free if not any(map(label.meets, found))), None):
            found.append(label)
    return found


def _around(x: float, y: float, text: str) -> Iterator[Label]:
    """Places beside a point that lie inside, the nearest first."""
    for far, (right, up) in product((1, 2), ((1, -1), (-1, 1), (1, 1), (-1, -1))):
        left = x + GAP * far if right > 0 else x - GAP * far - LETTER * len(text)
        bottom = y + GAP * far if up > 0 else y - GAP * far - LINE_HEIGHT
        if left >= 0 and left + LETTER * len(text) <= 1 and bottom >= 0 and bottom + LINE_HEIGHT <= 1:
            yield Label(text, left, bottom)


def _drawn(chart: Chart, axes: tuple[Scale, Scale]) -> Iterator[tuple[float, float]]:
    """Places that lines and points cover."""
    for line in chart.lines:
        places = [(axes[0].place(x), axes[1].place(y)) for x, y, _ in line.values]
        yield from places
        for (left, low), (right, high) in pairwise(() if line.points else places):
            steps = int(hypot(right - left, high - low) * STEPS)
            for step in range(steps):
                yield left + (right - left) * step / steps, low + (high - low) * step / steps


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 92, 20, 30, 56
INSIDE = HEIGHT - BOTTOM - TOP - 12
LEGEND, BAR = 20, 30
#: Numbers along an axis at most.
TICKS = 10
#: Marks of a line, and values that are all marked.
MARKS, FEW = 7, 20
#: Shapes around nothing, in the order of the lines: circle, square, triangle, diamond, triangle down.
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
    "M-4-4h8v8h-8z",
    "M0-5l5 9h-10z",
    "M0-5l5 5l-5 5l-5-5z",
    "M0 5l5-9h-10z",
)


def draw(picture: Picture) -> str:
    """One ``svg`` element."""
    inside, height = _chart(picture) if isinstance(picture, Chart) else _bars(picture)
    title = escape(picture.title)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">\n'
        f'<text x="0" y="16" class="title">{title}</text>\n{inside}<path class="ring" d="M0 0"/>\n</svg>'
    )


def _chart(chart: Chart) -> tuple[str, int]:
    across, up = scales(chart)
    shapes = [_frame(across, up)]
    for number, line in enumerate(chart.lines):
        places = [(_x(across, x), _y(up, y)) for x, y, _ in line.values]
        shapes += [_stroke(line, places, number), _values(chart, line, places)]
    for label in labels(chart):
        left, bottom = LEFT + label.left * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - label.bottom * INSIDE
        shapes.append(f'<text x="{left:.1f}" y="{bottom - 4:.1f}">{escape(label.text)}</text>\n')
    shapes += [_legend(line, number) for number, line in enumerate(chart.lines)]
    return "".join(shapes), HEIGHT + LEGEND * len(chart.lines)


def _x(scale: Scale, value: float, left: float = LEFT) -> float:
    return left + scale.place(value) * (WIDTH - left - RIGHT)


def _y(scale: Scale, value: float) -> float:
    return HEIGHT - BOTTOM - scale.place(value) * INSIDE


def _frame(across: Scale, up: Scale) -> str:
    """Both axes with their ticks and what they measure."""
    floor = HEIGHT - BOTTOM
    ticks = [
        f'<path class="axis" d="M{LEFT - 5} {_y(up, value):.1f}h5"/>'
        f'<text x="{LEFT - 9}" y="{_y(up, value) + 4:.1f}" text-anchor="end">{escape(text)}</text>\n'
        for value, text in up.ticks(TICKS)
    ]
    return (
        f'<path class="axis" d="M{LEFT} {TOP + 12}V{floor}H{WIDTH - RIGHT}"/>\n{"".join(ticks)}'
        f'{_floor(across, LEFT, floor)}<text x="0" y="{TOP + 4}">{escape(axis_text(up.axis))}</text>\n'
    )


def _floor(scale: Scale, left: float, floor: float) -> str:
    ticks = [
        f'<path class="axis" d="M{_x(scale, value, left):.1f} {floor}v5"/>'
        f'<text x="{_x(scale, value, left):.1f}" y="{floor + 20}" text-anchor="middle">{escape(text)}</text>\n'
        for value, text in scale.ticks(TICKS)
    ]
    label = escape(axis_text(scale.axis))
    return f'{"".join(ticks)}<text x="{WIDTH - RIGHT}" y="{floor + 42}" text-anchor="end">{label}</text>\n'


def _stroke(line: Line, places: list[tuple[float, float]], number: int) -> str:
    """The line and its marks, or the points alone."""
    if line.points:
        return "".join(_mark(x, y, number, 1.5) for x, y in places)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    stroke = f'<polyline points="{path}" {_style(line, number)}/>\n'
    if line.limit:
        return stroke
    step = len(places) // MARKS if len(places) > FEW else 1
    return stroke + "".join(_mark(x, y, number) for x, y in places[number * 2 % step :: step])


def _style(line: Line, number: int) -> str:
    colour, dashes = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    if line.limit:
        colour, dashes = LIMIT_COLOUR, LIMIT_DASHES
    broken = f' stroke-dasharray="{" ".join(f"{2 * each:g}" for each in dashes)}"' if dashes else ""
    return f'class="line" stroke="{colour}"{broken}'


def _mark(x: float, y: float, number: int, size: float = 1.0) -> str:
    shape, colour = SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)]
    return f'<path transform="translate({x:.1f} {y:.1f}) scale({size:g})" d="{shape}" fill="{colour}"/>\n'


def _values(chart: Chart, line: Line, places: list[tuple[float, float]]) -> str:
    """A place to point at for each value, with the value in full."""
    found = []
    for (x, y, label), (left, top) in zip(line.values, places, strict=True):
        said = f"{line.name}: {show(y, chart.y.unit)} at {show(x, chart.x.unit)}{f', {label}' if label else ''}"
        found.append(
            f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" class="value" data-line="{escape(line.name)}" '
            f'data-x="{x!r}" data-y="{y!r}"><title>{escape(said)}</title></circle>\n'
        )
    return "".join(found)


def _legend(line: Line, number: int) -> str:
    top = HEIGHT + number * LEGEND - 2
    sign = "" if line.points else f'<path d="M{LEFT} {top}h44" {_style(line, number)}/>'
    mark = "" if line.limit else _mark(LEFT + 22, top, number)
    return f'{sign}{mark}<text x="{LEFT + 54}" y="{top + 4}">{escape(line.name)}</text>\n'


def _bars(bars: Bars) -> tuple[str, int]:
    scale, unit = bar_scale(bars), bars.axis.unit
    names = [f"{bar.name}  {show(bar.value, unit)}" for bar in bars.bars]
    left = max(map(len, names)) * 7.2 + 12
    floor = TOP + 16 + BAR * len(bars.bars)
    shapes = [f'<text x="0" y="{TOP + 4}">{escape(bars.line_said)}</text>\n']
    for number, (bar, name) in enumerate(zip(bars.bars, names, strict=True)):
        top, start, end = TOP + 18 + BAR * number, _x(scale, bar.start, left), _x(scale, bar.start + bar.value, left)
        shapes.append(
            f'<text x="{left - 8:.1f}" y="{top + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{start:.1f}" y="{top}" width="{max(end - start, 0.5):.1f}" height="{BAR - 8}" '
            f'fill="{COLOURS[0]}" class="value" data-line="{escape(bar.name)}" data-y="{bar.value!r}">'
            f"<title>{escape(name)}</title></rect>\n"
        )
        if bar.mark is not None:
            shapes.append(f'<path class="limit" d="M{_x(scale, bar.mark, left):.1f} {top - 2}v{BAR - 4}"/>\n')
    if bars.limit:
        shapes.append(f'<path class="limit" d="M{_x(scale, bars.limit[1], left):.1f} {TOP + 12}V{floor}"/>\n')
    shapes += [f'<path class="axis" d="M{left:.1f} {TOP + 12}V{floor}H{WIDTH - RIGHT}"/>\n', _floor(scale, left, floor)]
    return "".join(shapes), floor + BOTTOM
