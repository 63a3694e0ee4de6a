"""From values to places along an axis, and the numbers that people read there."""

from math import ceil, floor, log10
from typing import NamedTuple

from infercost.chart import Axis, Bars, Chart
from infercost.units import show

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
