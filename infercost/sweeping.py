"""One question at many points: which options and figures vary, over which values, and the question at each point."""

from collections.abc import Iterable, Mapping
from itertools import product
from math import prod
from typing import Any, NamedTuple

from infercost.commands import MANY
from infercost.errors import BadValue, UnknownName, closest
from infercost.formats import Format
from infercost.glossary import TERMS
from infercost.keys import KEYS, Key
from infercost.option import Option
from infercost.options import SECOND_NAMES
from infercost.question import Asked, Given, figure_kind
from infercost.ranges import FORMS, MOST_POINTS, parse_range
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


def read_axes(asked: Asked) -> tuple[Axis, ...]:
    """What ``--sweep`` varies, in the order given.

    Raises:
        UnknownName: a key that is no option of the command and no figure of a preset.
        BadValue: no KEY=RANGE, values that the key's parser refuses, a key that is given twice, too many points.
    """
    axes = tuple(_axis(asked, text) for text in asked.get("sweep"))
    for axis in axes:
        _check(asked, axis, [each.key for each in axes].count(axis.key))
    if (points := prod(len(axis.values) for axis in axes)) > MOST_POINTS:
        raise BadValue(f"--sweep: {points:,} points are asked for", f"at most {MOST_POINTS:,} are answered")
    return axes


def points_of(axes: Iterable[Axis]) -> list[Point]:
    """Every combination of the values, the first axis varying slowest."""
    axes = tuple(axes)
    keys = [axis.key for axis in axes]
    return [dict(zip(keys, values, strict=True)) for values in product(*(axis.values for axis in axes))]


def at_point(asked: Asked, point: Point, origin: str) -> Asked:
    """The question with some options and figures at these values, given last, so that they win."""
    changed = dict.fromkeys(MANY, Given(None, origin))
    sets = [f"{key}={value!r}" for key, value in point.items() if "." in key]
    if sets:
        changed["set"] = Given((*(asked.get("set") or ()), *sets), origin)
    for key, value in point.items():
        if "." not in key:
            repeats = asked.command.named[key].repeat
            changed[key] = Given((value,) if repeats else value, origin)
    return asked.again(changed)


def key_of(asked: Asked, name: str) -> Key:
    """What a table calls an option or a figure, and its unit."""
    words = name.rpartition(".")[2].replace("_", " ")
    if "." in name:
        return Key(name.replace("_", " "), kind_of(asked, name).unit, words)  # type: ignore[union-attr]
    kind = kind_of(asked, name)
    unit = TERMS[name].unit if name in TERMS else KEYS[name].unit if name in KEYS else kind.unit if kind else ""
    return Key(words, "" if unit in ("token", "1/s") else unit, words)


def kind_of(asked: Asked, name: str) -> Kind | None:
    """The kind of quantity of an option or a figure; None for words."""
    scope, dot, figure = name.partition(".")
    return figure_kind(scope, figure, "--sweep") if dot else asked.command.named[name].kind


def _axis(asked: Asked, text: str) -> Axis:
    written, equals, values = text.partition("=")
    key = written.strip().lstrip("-").replace("-", "_")
    key = SECOND_NAMES.get(key, key)
    if not (equals and key):
        raise BadValue(f"--sweep: {text!r} is no KEY=RANGE", f"write it as --sweep context=1k:128k; {FORMS}")
    name = f"--sweep {written.strip()}"
    if "." not in key:
        _known(asked, key)
    if (kind := kind_of(asked, key)) is not None:
        return Axis(key, parse_range(kind, values, name))
    return Axis(key, _words(asked.command.named[key], values, name))


def _known(asked: Asked, key: str) -> None:
    known = [name for name in asked.command.named if name not in NO_INPUTS]
    if key not in known:
        hint = f"{closest(key, known)}keys: {', '.join(known)}, or a --set key such as gpu.memory_bandwidth"
        raise UnknownName(f"--sweep: {asked.command.name} has no option {key!r} to vary", hint)


def _words(option: Option, text: str, name: str) -> tuple[Any, ...]:
    """A list of words, as they are or as the option's parser reads them: names, formats, rules."""
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise BadValue(f"{name}: {text!r} has an empty value", f"write a list: {name}=first,second")
    return tuple(dict.fromkeys(option.parse(word, name) for word in words))


def _check(asked: Asked, axis: Axis, times: int) -> None:
    """Refuse a key that is said twice; what the command line sweeps wins over a scenario's single value."""
    flag = f"--set {axis.key}" if "." in axis.key else f"--{axis.key.replace('_', '-')}"
    if times > 1:
        raise BadValue(f"--sweep varies {axis.key} twice", "join the values: 1k:8k,64k")
    given = asked.given.get("set" if "." in axis.key else axis.key)
    if given is None or (given.origin.startswith("scenario") and given.origin != asked.given["sweep"].origin):
        return
    if "." not in axis.key or any(_same(text, axis.key) for text in given.value):
        raise BadValue(f"{flag} and --sweep {axis.key} both say what it is", "give one of them")


def _same(text: str, key: str) -> bool:
    return text.partition("=")[0].strip().replace("-", "_") == key


def plain(value: Any) -> Any:
    """A value as JSON has it: a format by its name."""
    return value.name if isinstance(value, Format) else value
