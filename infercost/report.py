"""What an analysis returns: a frozen result that every form prints and none computes on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, dataclass_transform

from infercost.quantities import CONSTANTS, KEYS, TERMS, Key

if TYPE_CHECKING:  # few answers have either
    from infercost.formulas.recorder import Step
    from infercost.picture import Picture


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
    ``shown`` are the rows for people, fewer than those for scripts, ``keys`` the names of options as columns, ``sheet``
    the rows of a CSV where these are others.
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
    sheet: tuple[Mapping[str, Any], ...] = ()

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


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Frozen:
    """Fields by keyword, set once: a frozen dataclass whose methods no start has to compile."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: change {name} by replace()")

    def replace(self, **fields: Any) -> Self:
        """The same with other values of some fields."""
        return type(self)(**{**self.__dict__, **fields})


class Report(Frozen):
    """A whole answer: verdict first, then the numbers, then what to change.

    ``follow`` is the command to run next, ``replay`` those that reproduce rows, by the name of their kind. Only the
    command line writes ``file`` and ``export``. ``work`` evaluates the chosen point again for its ``steps``, or several
    by name. ``met`` is false where the model does not fit or a limit cannot be met (exit code 3). ``bands`` are
    intervals of results: eight of ten measured runs of their kind lie inside. ``whole`` is what ``parts`` are shares
    of where they overlap, else their sum. ``asked`` are the options that were given. ``figures`` reads what sources
    have beside the inputs, where these are asked for.
    """

    command: str
    verdict: str
    inputs: tuple[Input, ...]
    results: tuple[Row, ...] = ()
    series: Series | None = None
    parts: tuple[tuple[str, float, str], ...] = ()
    whole: float | None = None
    advice: tuple[str, ...] = ()
    follow: str = ""
    replay: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()
    work: Callable[[], object] | Mapping[str, Callable[[], object]] | None = None
    steps: "tuple[Step, ...]" = ()
    met: bool = True
    file: File | None = None
    export: Export | None = None
    charts: "tuple[Picture, ...]" = ()
    bands: Mapping[str, tuple[float, float]] = MappingProxyType({})
    asked: Mapping[str, Any] = MappingProxyType({})
    figures: Callable[[], tuple[Input, ...]] = tuple

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

    @property
    def sources(self) -> tuple[Input, ...]:
        """Each input, each figure of what is listed, and each constant of a step."""
        names = {name for step in self.steps for name in step.inputs}
        constants = ((name, one.of or name, one) for name, one in CONSTANTS.items() if (one.of or name) in names)
        listed = (Input(name, one.value, TERMS[of].unit, "constant", one.source) for name, of, one in constants)
        return (*self.inputs, *self.figures(), *listed)

    @property
    def values(self) -> dict[str, Any]:
        """Every result by its JSON key."""
        return {row.key: row.value for row in self.results}
