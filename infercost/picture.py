"""What a picture shows, lines or bars, with its values in base units; the forms of pictures draw it."""

from typing import NamedTuple

from infercost.units import show


class Axis(NamedTuple):
    """The quantity along an axis, and the base unit of its values."""

    label: str
    unit: str = ""
    log: bool = True


class Line(NamedTuple):
    """Values along a line or, with ``points``, single ones.

    ``labels`` describe the values; those of ``written`` (indices), and all of points, stand in the picture. ``limit``
    marks a bound that nothing can pass.
    """

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    labels: tuple[str, ...] = ()
    points: bool = False
    limit: bool = False
    written: tuple[int, ...] = ()

    @property
    def values(self) -> tuple[tuple[float, float, str], ...]:
        """Each x, y and label."""
        labels = self.labels or ("",) * len(self.xs)
        return tuple(zip(self.xs, self.ys, labels, strict=True))

    @property
    def captions(self) -> tuple[tuple[float, float, str], ...]:
        """The values whose labels stand in the picture."""
        return self.values if self.points else tuple(self.values[index] for index in self.written)


class Chart(NamedTuple):
    """Lines over two axes."""

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


class Bar(NamedTuple):
    """An amount from ``start`` on, with ``mark`` its bound where it is known."""

    name: str
    value: float
    start: float = 0.0
    mark: float | None = None


class Bars(NamedTuple):
    """Bars over one axis; ``limit`` is a line through all of them, ``marked`` the meaning of a bar's mark."""

    title: str
    axis: Axis
    bars: tuple[Bar, ...]
    limit: tuple[str, float] | None = None
    marked: str = ""

    @property
    def legend(self) -> str:
        """The meaning of the line through the bars, or of the mark on each."""
        if self.limit:
            return f"the line is {self.limit[0]}, {show(self.limit[1], self.axis.unit)}"
        return f"the mark is {self.marked}" if self.marked else ""

    @property
    def end(self) -> float:
        """The largest value in the picture."""
        marks = [bar.mark for bar in self.bars if bar.mark is not None]
        limits = [self.limit[1]] if self.limit else []
        return max([*(bar.start + bar.value for bar in self.bars), *marks, *limits])


Picture = Chart | Bars
