"""What an analysis returns: a frozen result that every form prints and none computes on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from infercost.quantities import CONSTANTS, KEYS, TERMS, Key
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


class Row(NamedTuple):
    """One result: its key in JSON, its value in base units, a short remark beside it.

    ``shown`` is false for what JSON needs and a reader of the table does not.
    """

    key: str
    value: Any
    remark: str = ""
    shown: bool = True

    @property
    def label(self) -> str:
        """What people call it."""
        return KEYS[self.key].label

    @property
    def unit(self) -> str:
        """Its base unit."""
        return KEYS[self.key].unit


class Input(NamedTuple):
    """One input as it was understood, and where it comes from."""

    key: str
    value: Any
    unit: str
    origin: str
    source: str = ""
    date: str = ""
    weak: str = ""

    @property
    def assumed(self) -> bool:
        """Whether nobody gave it."""
        return self.origin.startswith("assumed")


class Series(NamedTuple):
    """Rows of the same keys: a sweep, a comparison, a list.

    ``columns`` is what a table shows, ``bar`` the value beside a bar that draws it as ``scale`` says: a ``share``, its
    ``size`` against the largest, or its ``log`` between the least and the largest; ``marked`` the row it points at,
    ``ratios`` what the second of two rows is of the first, ``one_unit`` whether a column keeps one unit that its head
    names, ``shown`` the rows for people where those for scripts are too many, and ``keys`` what its own columns are
    called: options, which may be swept.
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
        """What a column is called, and its unit."""
        return self.keys.get(name) or KEYS[name]


class Note(NamedTuple):
    """Something to know about the answer: a code for scripts, a sentence for people."""

    code: str
    text: str


class File(NamedTuple):
    """A file that an answer consists of, beside what it says: where it was asked to go, and its text."""

    path: str
    text: str


class Export(NamedTuple):
    """A table too long to hold: its rows, and its columns chunk by chunk, arrays or one value for a whole chunk."""

    rows: int
    chunks: Callable[[], Iterable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Report:
    """A whole answer: verdict first, then the numbers, then what to change.

    ``follow`` is a command that follows from it, for the user to paste; ``replay`` those that ask rows again, by
    what they are of.
    ``file`` is what the command line writes where the answer is a file, and nobody else does; ``export`` likewise.
    ``work`` evaluates the point that was chosen once more, for who wants its ``steps``.
    ``charts`` are what to draw of it, where a picture was asked for.
    ``met`` is false when the answer is that it does not fit or cannot be met (exit code 3).
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
    work: Callable[[], object] | None = None
    steps: tuple[Any, ...] = ()
    met: bool = True
    file: File | None = None
    export: Export | None = None
    charts: "tuple[Picture, ...]" = ()

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
        """Where each input is from, and each constant of a step."""
        names = {name for step in self.steps for name in step.inputs}
        constants = ((name, constant) for name, constant in CONSTANTS.items() if name in names)
        return self.inputs + tuple(
            Input(name, constant.value, TERMS[name].unit, "constant", constant.source) for name, constant in constants
        )

    @property
    def values(self) -> dict[str, Any]:
        """Every result by its JSON key."""
        return {row.key: row.value for row in self.results}
