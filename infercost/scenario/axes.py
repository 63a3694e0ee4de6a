"""What ``--sweep`` varies: options, or figures of presets, and the values that each takes in turn."""

from collections.abc import Iterable, Mapping
from itertools import product
from math import prod
from typing import Any, NamedTuple

from infercost.errors import BadValue, UnknownName, closest
from infercost.parts.formats import Format
from infercost.quantities import COUNTED, Key
from infercost.scenario.options import MANY, SECOND_NAMES, Option, flag, options_of
from infercost.scenario.ranges import FORMS, MOST_POINTS, parse_range
from infercost.scenario.read import Question, figure_kind
from infercost.units import Kind

#: Options that are no input of an answer.
NO_INPUTS = (*MANY, "set", "points")
Point = Mapping[str, Any]


class Axis(NamedTuple):
    """An option, or a figure of a preset such as ``gpu.memory_bandwidth``, and the values that it takes in turn."""

    key: str
    values: tuple[Any, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether its values are numbers, which can rise and fall."""
        return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in self.values)


def read_axes(question: Question) -> tuple[Axis, ...]:
    """What ``--sweep`` varies, in the order given.

    Raises:
        UnknownName: a key that is no option of the command and no figure of a preset.
        BadValue: no KEY=RANGE, values that the key's parser refuses, a key that is given twice, too many points.
    """
    axes = tuple(_axis(question, text) for text in question.get("sweep"))
    for axis in axes:
        _check(question, axis, [each.key for each in axes].count(axis.key))
    if (points := prod(len(axis.values) for axis in axes)) > MOST_POINTS:
        raise BadValue(f"--sweep: {points:,} points are asked for", f"at most {MOST_POINTS:,} are answered")
    return axes


def points_of(axes: Iterable[Axis]) -> list[Point]:
    """Every combination of the values, the first axis varying slowest."""
    axes = tuple(axes)
    keys = [axis.key for axis in axes]
    return [dict(zip(keys, values, strict=True)) for values in product(*(axis.values for axis in axes))]


def key_of(command: str, name: str) -> Key:
    """What a table calls an option or a figure, and its unit."""
    words = name.rpartition(".")[2].replace("_", " ")
    kind = kind_of(command, name)
    if "." in name:
        return Key(name.replace("_", " "), kind.unit if kind else "", words)
    unit = options_of(command)[name].unit
    return Key(words, "" if unit in COUNTED else unit, words)


def kind_of(command: str, name: str) -> Kind | None:
    """The kind of quantity of an option or a figure; None for words."""
    scope, dot, figure = name.partition(".")
    return figure_kind(scope, figure, "--sweep") if dot else options_of(command)[name].kind


def plain(value: Any) -> Any:
    """A value as JSON has it: a format by its name."""
    return value.name if isinstance(value, Format) else value


def _axis(question: Question, text: str) -> Axis:
    written, equals, values = text.partition("=")
    key = written.strip().lstrip("-").replace("-", "_")
    key = SECOND_NAMES.get(key, key)
    if not (equals and key):
        raise BadValue(f"--sweep: {text!r} is no KEY=RANGE", f"write it as --sweep context=1k:128k; {FORMS}")
    name = f"--sweep {written.strip()}"
    if "." not in key:
        _check_known(question.command, key)
    if (kind := kind_of(question.command, key)) is not None:
        return Axis(key, parse_range(kind, values, name))
    return Axis(key, _words(options_of(question.command)[key], values, name))


def _check_known(command: str, key: str) -> None:
    known = [name for name in options_of(command) if name not in NO_INPUTS]
    if key not in known:
        hint = f"{closest(key, known)}keys: {', '.join(known)}, or a --set key such as gpu.memory_bandwidth"
        raise UnknownName(f"--sweep: {command} has no option {key!r} to vary", hint)


def _words(option: Option, text: str, name: str) -> tuple[Any, ...]:
    """A list of words, as they are or as the option's parser reads them: names, formats, rules."""
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise BadValue(f"{name}: {text!r} has an empty value", f"write a list: {name}=first,second")
    return tuple(dict.fromkeys(option.parse(word, name) for word in words))


def _check(question: Question, axis: Axis, times: int) -> None:
    """Refuse a key that is given twice; what the command line sweeps wins over a scenario's single value."""
    name = f"--set {axis.key}" if "." in axis.key else flag(axis.key)
    if times > 1:
        raise BadValue(f"--sweep varies {axis.key} twice", "join the values: 1k:8k,64k")
    given = question.given.get("set" if "." in axis.key else axis.key)
    if given is None or (given.origin.startswith("scenario") and given.origin != question.given["sweep"].origin):
        return
    if "." not in axis.key or any(_same(text, axis.key) for text in given.value):
        raise BadValue(f"{name} and --sweep {axis.key} both say what it is", "give one of them")


def _same(text: str, key: str) -> bool:
    return text.partition("=")[0].strip().replace("-", "_") == key
