"""What an analysis returns: a frozen result that every form prints and none computes on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from infercost.quantities import CONSTANTS, KEYS, TERMS, Key
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


class Row(NamedTuple):
    """One result: its key in JSON, its value in base units, a remark; not ``shown`` where only scripts need it."""

    key: str
    value: Any
    remark: str = ""
    shown: bool = True

    @property
    def label(self) -> str:
        """The name for people."""
        return KEYS[self.key].label

    @property
    def unit(self) -> str:
        """The base unit."""
        return KEYS[self.key].unit


class Input(NamedTuple):
    """One input as it was read, and where it comes from."""

    key: str
    value: Any
    unit: str
    origin: str
    source: str = ""
    date: str = ""
    weak: str = ""

    @property
    def assumed(self) -> bool:
        """Whether it is a default of ours."""
        return self.origin.startswith("assumed")


class Series(NamedTuple):
    """Rows of the same keys: a sweep, a comparison, a list.

    ``columns`` are those of a table, ``bar`` the key that has bars beside it, drawn as ``scale`` says: a ``share``, a
    ``size`` against the largest, or the ``log`` between least and largest. ``marked`` is the row to point at,
    ``ratios`` the second of two rows over the first, ``one_unit`` whether a column has one unit, in its head.
    ``shown`` are the rows for people, fewer than those for scripts, ``keys`` the names of options as columns.
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    bar: str = ""
    marked: int | None = None
    ratios: Mapping[str, float] = MappingProxyType({})
    one_unit: bool = False
    shown: tuple[Mapping[str, Any], ...] = ()
    scale: str = "share"
    keys: Mapping[str, Key] = MappingProxyType({})

    def key(self, name: str) -> Key:
        """The names and the unit of a column."""
        return self.keys.get(name) or KEYS[name]


class Note(NamedTuple):
    """A remark on the answer: a code for scripts, a sentence for people."""

    code: str
    text: str


class File(NamedTuple):
    """A file that is part of the answer: its path from the options, and its text."""

    path: str
    text: str


class Export(NamedTuple):
    """A table too long to hold: its rows, and its columns chunk by chunk, arrays or one value for a whole chunk."""

    rows: int
    chunks: Callable[[], Iterable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Report:
    """A whole answer: verdict first, then the numbers, then what to change.

    ``follow`` is the command to run next, ``replay`` those that reproduce rows, by the name of their kind. Only the
    command line writes ``file`` and ``export``. ``work`` evaluates the chosen point again for its ``steps``, or several
    by name. ``met`` is false where the model does not fit or a limit cannot be met (exit code 3).
    """

    command: str
    verdict: str
    inputs: tuple[Input, ...]
    results: tuple[Row, ...] = ()
    series: Series | None = None
    parts: tuple[tuple[str, float, str], ...] = ()
    advice: tuple[str, ...] = ()
    follow: str = ""
    replay: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()
    work: Callable[[], object] | Mapping[str, Callable[[], object]] | None = None
    steps: tuple[Any, ...] = ()
    met: bool = True
    file: File | None = None
    export: Export | None = None
    charts: tuple[Picture, ...] = ()

    def __getitem__(self, key: str) -> Any:
        """The value of a result by its JSON key.

        Raises:
            KeyError: the answer has no such result.
        """
        return self.values[key]

    def __contains__(self, key: object) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __str__(self) -> str:
        return self.verdict

    @property
    def sources(self) -> tuple[Input, ...]:
        """Each input, and each constant of a step."""
        names = {name for step in self.steps for name in step.inputs}
        constants = ((name, constant) for name, constant in CONSTANTS.items() if name in names)
        return self.inputs + tuple(
            Input(name, constant.value, TERMS[name].unit, "constant", constant.source) for name, constant in constants
        )

    @property
    def values(self) -> dict[str, Any]:
        """Every result by its JSON key."""
        return {row.key: row.value for row in self.results}
