"""What a quantization scheme comes to: rules that give modules their bits."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import translate
from math import inf
from typing import Any, NamedTuple

from infercost.errors import BadFile

#: How a composite model calls its language model, before the names that a plain one has.
_WRAPPED = re.compile(r"^(language_model\.|model\.language_model\.(?=(layers|embed_tokens)))")


class Pattern(NamedTuple):
    """What names modules: how to match one, or without that a name that stands whole in the module's."""

    text: str
    match: Callable[[str], bool] | None = None


class Settings:
    """Keys of a quantization block; a missing key and null are the same."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self.data = data
        self.where = where

    def get(self, key: str, default: Any = None) -> Any:
        """A value as it stands."""
        return default if self.data.get(key) is None else self.data[key]

    def refused(self, key: str, must: str) -> BadFile:
        """The refusal of a key's value, or of its absence."""
        value = self.get(key)
        what = f"has no {key}" if value is None else f"{key} is {repr(value)[:40]}"
        return BadFile(f"{self.where}: {what}", f"{key} must be {must}")

    def bits(self, key: str, default: float | None = None) -> float:
        """Bits of one value.

        Raises:
            BadFile: none, and no default; or no number from 1 to 32.
        """
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 32:
            raise self.refused(key, "a number of bits, 1 to 32")
        return float(value)

    def group(self, default: int | None = None, key: str = "group_size") -> float:
        """How many values share a scale; infinity where a row or the whole matrix does.

        Raises:
            BadFile: neither a whole number above zero nor -1.
        """
        value = self.get(key, default)
        if value is None or value == -1:
            return inf
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 1 or value % 1:
            raise self.refused(key, "a whole number of values that share a scale")
        return float(value)

    def block(self, key: str) -> float:
        """How many values are in a block of rows by columns; infinity where there are no blocks.

        Raises:
            BadFile: no two whole numbers above zero.
        """
        value = self.get(key)
        if value is None:
            return inf
        sizes = value if isinstance(value, list) else []
        if len(sizes) != 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise self.refused(key, "two whole numbers, as in [128, 128]")
        return float(sizes[0] * sizes[1])

    def part(self, key: str) -> "Settings":
        """A block inside this one.

        Raises:
            BadFile: there is none, or it is no object.
        """
        if not isinstance(self.get(key), dict):
            raise self.refused(key, "an object")
        return Settings(self.data[key], f"{self.where}: {key}")

    def parts(self, key: str) -> dict[str, "Settings"]:
        """The blocks by name inside a block that may be missing.

        Raises:
            BadFile: something else stands there.
        """
        if self.get(key) is None:
            return {}
        inside = self.part(key)
        return {name: inside.part(name) for name, value in inside.data.items() if value is not None}

    def texts(self, key: str) -> list[str]:
        """A list of names, which may be missing or a single name.

        Raises:
            BadFile: something else stands there.
        """
        value = self.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self.refused(key, "a list of names")
        return value

    def names(self, key: str, text: str) -> Pattern:
        """What names modules in a key's value: a regular expression, a glob, a name or a part of one.

        Raises:
            BadFile: a broken regular expression.
        """
        if text.startswith("re:"):
            try:
                compiled = re.compile(text.removeprefix("re:"))
            except (re.error, OverflowError, RecursionError) as error:
                what = f"{self.where}: {key} holds {text[:40]!r}, no regular expression"
                raise BadFile(what, f"mend {key}: {error}") from error
            return Pattern(text, lambda name: bool(compiled.match(name) or compiled.match(f"language_model.{name}")))
        plain = _WRAPPED.sub(lambda found: "" if found[0] == "language_model." else "model.", text)
        return Pattern(plain, _glob(plain) if "*" in plain else None)


def _glob(text: str) -> Callable[[str], bool]:
    """How to match a glob that may begin anywhere and takes in what is inside; the usual ones at the speed of text."""
    core = text.strip("*")
    if set(core) & set("*?["):
        compiled = re.compile(f"{translate(f'*{text}')}|{translate(f'*{text}.*')}")
        return lambda name: bool(compiled.match(name))
    return (
        (lambda name: core in name) if text.endswith("*") else (lambda name: name.endswith(core) or f"{core}." in name)
    )


#: Parts that a scheme quantizes unless it names exceptions; tables, gates and norms stay as they were.
MATRICES = ("attention", "ffn", "experts", "shared")
LINEAR = (*MATRICES, "head")


class Rule(NamedTuple):
    """Bits of the modules that ``names`` knows, or of whole parts; None are the bits of what nothing quantizes."""

    bits: float | None
    parts: tuple[str, ...] = MATRICES
    names: Pattern | None = None


class Scheme(NamedTuple):
    """What a scheme is called, and its rules, of which the first that fits a module holds.

    ``whole`` says that the rules name every module that they change, so that lists of exceptions add nothing.
    """

    name: str
    rules: tuple[Rule, ...]
    whole: bool = False


#: A layer and one of its experts in a plain name; and what may tell experts apart in a pattern, digits in general not.
_EXPERT = re.compile(r"(?:(?:^|\.)(\d+)\.)?(?:[a-z_]+\.)*experts\.(\d+)(?=\.|$)")
_ANY_DIGIT = re.compile(r"\[0-9\]|\\d|w\d|w\[")
_WORD = re.compile(r"[A-Za-z]\w+")
_TELLING = re.compile(r"expert.*[\d\[{]")


class Rulebook:
    """Rules in order, with plain names at hand, so that thousands of them cost no more than a few."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.plain: dict[str, int] = {}
        self.whole = [(i, each) for i, each in enumerate(rules) if each.names is None]
        self.matched = [(i, each.names.match) for i, each in enumerate(rules) if each.names and each.names.match]
        texts = [each.names.text for each in rules if each.names and each.names.match]
        self.ends = {word for text in texts for word in _WORD.findall(text)}
        self.tells_experts = any(_TELLING.search(_ANY_DIGIT.sub("", text)) for text in texts)
        self.told: dict[str, set[int]] = {}
        for position, rule in enumerate(rules):
            if rule.names is not None and rule.names.match is None:
                self._add(rule.names.text, position)
        self.lengths = {text.count(".") + 1 for text in self.plain}
        self.last = {text.rpartition(".")[2] for text in self.plain}
        self.found = {"": len(rules)}

    def _add(self, text: str, position: int) -> None:
        self.plain.setdefault(text, position)
        if found := _EXPERT.search(text):
            self.told.setdefault(found[1] or "", set()).add(int(found[2]))

    def experts(self, layer: int, count: int) -> dict[int, int]:
        """Experts of a layer that rules may tell from others, and one that stands for so many of the rest."""
        if self.tells_experts:
            return dict.fromkeys(range(count), 1)
        named = {one for one in self.told.get(str(layer), set()) | self.told.get("", set()) if one < count}
        rest = next((one for one in range(count) if one not in named), None)
        return {**dict.fromkeys(named, 1), **({rest: count - len(named)} if rest is not None else {})}

    def telling(self, ends: Sequence[str], own: Sequence[str]) -> list[str]:
        """Of the names of a matrix its own and those that rules write out: a pattern may fit others by accident."""
        return [*own, *(end for end in ends if end not in own and (end in self.last or end in self.ends))]

    def bits(self, part: str, modules: Iterable[str], base: float) -> float:
        """Bits of a module that goes by several names: those of the first rule that fits it."""
        none = len(self.rules)
        first = min((self._first(module) for module in modules), default=none)
        first = next((i for i, rule in self.whole if i < first and part in rule.parts), first)
        told = self.rules[first].bits if first < none else None
        return base if told is None else told

    def _first(self, module: str) -> int:
        """The first rule that names a module, or how many rules there are."""
        first = self._plainly(module)
        return next((i for i, match in self.matched if i < first and match(module)), first)

    def _plainly(self, module: str) -> int:
        """The same of plain names: those that end where the module's does, and those of what it is inside."""
        if (known := self.found.get(module)) is not None:
            return known
        inside, _, end = module.rpartition(".")
        first = self._plainly(inside)
        if end in self.last:
            words = module.split(".")
            ending = (".".join(words[-length:]) for length in self.lengths if length <= len(words))
            first = min([first, *(self.plain.get(name, first) for name in ending)])
        self.found[module] = first
        return first
