"""What a picture shows: named lines, points and bars with their axes, in base units; every form draws the same."""

from typing import NamedTuple

from infercost.units import show


class Axis(NamedTuple):
    """What an axis measures, and the base unit of its values."""

    label: str
    unit: str = ""
    log: bool = True


class Line(NamedTuple):
    """Values along a line or, where ``points``, standing alone with what each is called.

    ``labels`` says more of each value than its two numbers, ``written`` of which values that stands in the picture too;
    ``limit`` marks what nothing can pass.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    labels: tuple[str, ...] = ()
    points: bool = False
    limit: bool = False
    written: tuple[int, ...] = ()

    @property
    def said(self) -> tuple[tuple[float, float, str], ...]:
        """The values whose labels are written beside them: all points, and of a line those that were chosen."""
        return self.values if self.points else tuple(self.values[index] for index in self.written)

    @property
    def values(self) -> tuple[tuple[float, float, str], ...]:
        """Each x, y and what is said of it."""
        labels = self.labels or ("",) * len(self.xs)
        return tuple(zip(self.xs, self.ys, labels, strict=True))


class Chart(NamedTuple):
    """Lines over two axes."""

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


class Bar(NamedTuple):
    """An amount that begins at ``start``; ``mark`` is what it cannot pass, where that is known."""

    name: str
    value: float
    start: float = 0.0
    mark: float | None = None


class Bars(NamedTuple):
    """Bars over one axis; ``limit`` is a line through all of them, ``marked`` what a mark on one stands for."""

    title: str
    axis: Axis
    bars: tuple[Bar, ...]
    limit: tuple[str, float] | None = None
    marked: str = ""

    @property
    def line_said(self) -> str:
        """What the line through the bars, or the mark on each, stands for; nothing where there is none."""
        if self.limit:
            return f"the line is {self.limit[0]}, {show(self.limit[1], self.axis.unit)}"
        return f"the mark is {self.marked}" if self.marked else ""

    @property
    def end(self) -> float:
        """The largest value that is drawn."""
        ends = [bar.start + bar.value for bar in self.bars] + [bar.mark for bar in self.bars if bar.mark is not None]
        return max([*ends, self.limit[1]] if self.limit else ends)


Picture = Chart | Bars
