"""The axes of ``--sweep``: options or figures of presets, and the values that each takes in turn."""

from collections.abc import Iterable, Mapping
from itertools import product
from math import prod
from typing import Any, NamedTuple

from infercost.errors import BadValue, UnknownName, closest, nearest
from infercost.parts.formats import Format
from infercost.quantities import COUNTED, Key
from infercost.scenario.options import MANY, SECOND_NAMES, flag, options_of
from infercost.scenario.ranges import FORMS, MOST_POINTS, parse_range
from infercost.scenario.read import Question, figure_kind
from infercost.units import Kind, many, show

#: Options that are no input of an answer.
NO_INPUTS = (*MANY, "set", "points")
#: Options whose names say what they are, but for a second format beside another.
NAMES = ("gpu", "model", "dtype", "kv_dtype", "efficiency", "price_basis")
#: The word before a place where it is not ``at``, and what some options count.
LEADS = {
    **dict.fromkeys(("gpu", "gpus"), "on"),
    **dict.fromkeys(("dtype", "kv_dtype"), "in"),
    "price_basis": "by",
    **dict.fromkeys(("model", "efficiency", "users", "tp", "pp", "ep", "dp"), "with"),
}
_OF = {"gpus": "device", "users": "user"}
#: A value for each axis.
Point = Mapping[str, Any]


class Axis(NamedTuple):
    """An option, or a figure of a preset such as ``gpu.memory_bandwidth``, its values in order, and its column."""

    key: str
    values: tuple[Any, ...]
    column: Key

    @property
    def is_numeric(self) -> bool:
        """Whether its values can rise and fall."""
        return all(map(is_number, self.values))

    def text(self, row: Mapping[str, Any]) -> str:
        """Its value in a row as people write it."""
        return show(plain(row[self.key]), self.column.unit)

    def name(self, row: Mapping[str, Any], *, alone: bool = True) -> str:
        """Its value in a row beside what it is of, unless it is a name that says so."""
        text = self.text(row)
        return text if self.key in NAMES and (alone or self.key != "kv_dtype") else f"{self.column.head} {text}"


def in_words(axes: Iterable[Axis], row: Mapping[str, Any]) -> str:
    """The place of a row in words: ``h100:8, batch 64``; of a list one may say nothing of its own."""
    axes = tuple(axes)
    words = (axis.name(row, alone=len(axes) == 1) for axis in axes if row[axis.key] is not None)
    return ", ".join(words) or "without these"


def at_words(axes: Iterable[Axis], row: Mapping[str, Any]) -> str:
    """The place of a row behind its word: ``at batch 64``, ``on 4 devices``, ``in fp8``."""
    if not (said := [axis for axis in axes if row[axis.key] is not None]):
        return in_words((), row)
    key, (first, *others) = said[0].key, [axis.name(row, alone=len(said) == 1) for axis in said]
    first = many(row[key], _OF[key]) if key in _OF else first
    return ", ".join((f"{LEADS.get(key, 'at')} {first}", *others))


def is_number(value: Any) -> bool:
    """Whether a value is a number; a switch is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def read_axes(question: Question) -> tuple[Axis, ...]:
    """The axes of ``--sweep``, in the order given; BadValue for a key that is given twice, and for too many points."""
    axes = tuple(_axis(question, text) for text in question.get("sweep"))
    keys = [axis.key for axis in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise BadValue(f"--sweep varies {key} twice", "join its values: 1k:8k,64k")
        _refuse_given(question, key)
    if (points := prod(len(axis.values) for axis in axes)) > MOST_POINTS:
        raise BadValue(f"--sweep: {points:,} points are too many", f"ask for at most {MOST_POINTS:,}")
    return axes


def read_cases(question: Question) -> tuple[tuple[Axis, ...], list[Point]]:
    """What the questions of a list differ in as axes, and each of them as a point, None where it says nothing."""
    keys = dict.fromkeys(key for case in question.cases for key in case)
    points: list[Point] = [{key: case[key].value if key in case else None for key in keys} for case in question.cases]
    values = {key: tuple(dict.fromkeys(each[key] for each in points)) for key in keys}
    options = options_of(question.command)
    return tuple(Axis(key, values[key], _column(key, options[key].unit)) for key in keys), points


def points_of(axes: tuple[Axis, ...]) -> list[Point]:
    """Every combination of the values, the first axis varying slowest."""
    keys = [axis.key for axis in axes]
    return [dict(zip(keys, values, strict=True)) for values in product(*(axis.values for axis in axes))]


def kind_of(command: str, name: str) -> Kind | None:
    """The kind of quantity of an option or a figure; None for words."""
    scope, dot, figure = name.partition(".")
    return figure_kind(scope, figure, "--sweep") if dot else options_of(command)[name].kind


def plain(value: Any) -> Any:
    """A value as JSON has it: a format by its name, several texts as one."""
    if type(value) is tuple:
        return ", ".join(map(str, value))
    return value.name if isinstance(value, Format) else value


def _axis(question: Question, text: str) -> Axis:
    written, equals, values = text.partition("=")
    key = written.strip().lstrip("-").replace("-", "_")
    key = SECOND_NAMES.get(key, key)
    if not (equals and key):
        raise BadValue(f"--sweep: {text!r} is not KEY=RANGE", f"write it as --sweep context=1k:128k; {FORMS}")
    name, options = f"--sweep {written.strip()}", options_of(question.command)
    known = [option for option in options if option not in NO_INPUTS]
    if "." not in key and key not in known:
        hint = f"{closest(key, known)}keys: {nearest(key, known)}, or a --set key such as gpu.memory_bandwidth"
        raise UnknownName(f"--sweep: {question.command} has no option {key!r} to vary", hint)
    kind = kind_of(question.command, key)
    unit = kind.unit if kind and "." in key else options[key].unit
    column = _column(key, unit)
    if kind and not (key == "api_price" and "/" in values):  # several prices of an API are no one number
        return Axis(key, parse_range(kind, values, name), column)
    words = [word.strip() for word in values.split(",")]
    if not all(words):
        raise BadValue(f"{name}: {values!r} has an empty value", f"write a list: {name}=first,second")
    return Axis(key, tuple(dict.fromkeys(options[key].parse(word, name) for word in words)), column)


def _column(key: str, unit: str) -> Key:
    return Key(key.replace("_", " "), "" if unit in COUNTED else unit, key.rpartition(".")[2].replace("_", " "))


def _refuse_given(question: Question, key: str) -> None:
    """Refuse a key that is given too; a scenario file's value yields to a sweep of the command line."""
    is_figure = "." in key
    given = question.given.get("set" if is_figure else key)
    if given is None or (given.origin.startswith("scenario") and given.origin != question.given["sweep"].origin):
        return
    if not is_figure or key in (text.partition("=")[0].strip().replace("-", "_") for text in given.value):
        name = f"--set {key}" if is_figure else flag(key)
        raise BadValue(f"{name} and --sweep {key} set the same value", "give one of them")
