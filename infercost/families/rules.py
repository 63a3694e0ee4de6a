"""What a quantization scheme comes to: rules that give modules their bits."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from infercost.families.settings import Pattern

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
