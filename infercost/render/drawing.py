"""What all pictures share: scales and their ticks, colours and dashes, and places for labels."""

from collections.abc import Iterator
from itertools import pairwise, product
from math import ceil, floor, hypot, log10
from typing import NamedTuple

from infercost.picture import Axis, Bars, Chart, Line
from infercost.units import show

#: Okabe and Ito, Color universal design (2008), without its yellow, which vanishes on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Lengths of ink and gap in points, one a line; nothing is an unbroken line.
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 3), (2, 2), (9, 2, 2, 2), (5, 1), (1, 1), (12, 3))
#: Colour and dashes of a bound.
LIMIT = "#555555", (1.5, 2.5)
#: Ticks of an axis at most, and values of a line that all have a mark.
TICKS, FEW = 10, 20
#: Free space at either end of an axis, as a share of it.
MARGIN = 0.03
#: Width of a letter and height of a line, as shares of a chart's inside, and the gap to what they label.
LETTER, LINE_HEIGHT, GAP = 0.0115, 0.045, 0.012
#: Places along a line that a label keeps clear of, over the whole width.
STEPS = 150
_COUNTS = {1e12: "T", 1e9: "B", 1e6: "M", 1e3: "k"}


def style(line: Line, number: int) -> tuple[str, tuple[float, ...]]:
    """Colour and dashes of a chart's line of a number."""
    return LIMIT if line.limit else (COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)])


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
        """Round values between the ends and their text, at most so many."""
        choices = [*(_decades(self.low, self.high) if self.axis.log else ()), *_steps(self.low, self.high)]
        values = next(each for each in choices if len(each) <= most)
        return [(value, tick_text(value, self.axis.unit)) for value in values]


def scales(chart: Chart) -> tuple[Scale, Scale]:
    """The scales of a chart's two axes."""
    xs, ys = ([value for line in chart.lines for value in getattr(line, key)] for key in ("xs", "ys"))
    return _scale(chart.x, xs), _scale(chart.y, ys)


def bar_scale(bars: Bars) -> Scale:
    """The scale of bars, from zero."""
    return Scale(bars.axis, 0.0, bars.end)


def axis_text(axis: Axis) -> str:
    """The label of an axis, with its unit unless the ticks have it."""
    in_ticks = axis.unit in ("", "year", "share", "USD", "s", "B", "B/s", "FLOP/s", "x")
    return axis.label if in_ticks else f"{axis.label}, {axis.unit}"


def tick_text(value: float, unit: str) -> str:
    """A round value in few characters: ``10k``, ``$0.1``, ``0.01%``, ``1 PFLOP/s``."""
    if unit == "share":
        return f"{value * 100:.6g}%"
    if unit in ("s", "B", "B/s", "FLOP/s"):
        return show(value, unit)
    if unit == "year":
        return f"{value:g}"
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


class Label(NamedTuple):
    """A text and its bottom left corner, 0 to 1 from the bottom left of the chart's inside; what it says is of a line.

    ``colour`` is that of its line, empty in a chart of one.
    """

    text: str
    left: float
    bottom: float
    colour: str = ""

    def holds(self, x: float, y: float) -> bool:
        """Whether a place is under the text."""
        return self.left <= x <= self.left + LETTER * len(self.text) and self.bottom <= y <= self.bottom + LINE_HEIGHT

    def meets(self, other: "Label") -> bool:
        """Whether two texts overlap."""
        apart = LETTER * len(self.text if self.left <= other.left else other.text)
        return abs(self.left - other.left) < apart and abs(self.bottom - other.bottom) < LINE_HEIGHT


def labels(chart: Chart) -> list[Label]:
    """A place for each caption of a chart, except those that find no room."""
    axes = scales(chart)
    ink, placed = list(_ink(chart, axes)), list[Label]()
    several = len(chart.lines) > 1
    captions = ((style(line, number)[0], *each) for number, line in enumerate(chart.lines) for each in line.captions)
    for colour, x, y, text in captions:
        places = _around(axes[0].place(x), axes[1].place(y), text)
        free = (label for label in places if not any(label.holds(*place) for place in ink))
        if label := next((label for label in free if not any(map(label.meets, placed))), None):
            placed.append(label._replace(colour=colour if several else ""))
    return placed


def _around(x: float, y: float, text: str) -> Iterator[Label]:
    """Places beside a point that lie inside, the nearest first."""
    for far, (right, up) in product((1, 2), ((1, -1), (-1, 1), (1, 1), (-1, -1))):
        left = x + GAP * far if right > 0 else x - GAP * far - LETTER * len(text)
        bottom = y + GAP * far if up > 0 else y - GAP * far - LINE_HEIGHT
        if left >= 0 and left + LETTER * len(text) <= 1 and bottom >= 0 and bottom + LINE_HEIGHT <= 1:
            yield Label(text, left, bottom)


def _ink(chart: Chart, axes: tuple[Scale, Scale]) -> Iterator[tuple[float, float]]:
    """Places under lines and points."""
    for line in chart.lines:
        places = [(axes[0].place(x), axes[1].place(y)) for x, y, _ in line.values]
        yield from places
        for (left, low), (right, high) in pairwise(() if line.points else places):
            steps = int(hypot(right - left, high - low) * STEPS)
            for step in range(steps):
                yield left + (right - left) * step / steps, low + (high - low) * step / steps
