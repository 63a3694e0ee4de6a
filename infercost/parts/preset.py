"""A preset: named figures, each with its source."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from infercost.errors import Missing
from infercost.units import Kind

#: How a part goes by the name of its rack.
_OF_A_RACK = re.compile(r"-nvl\d+$")


class Fact(NamedTuple):
    """One figure in base units and as the file has it, its source and date, and what makes it ``weak``.

    ``until`` are the values of earlier releases, each with the last that had it, in order.
    """

    value: float
    kind: Kind
    source: str
    date: str
    weak: str = ""
    others: str = ""
    text: str = ""
    until: tuple[tuple[str, float], ...] = ()


class Preset(NamedTuple):
    """One preset file: labels as text, figures as facts; ``own`` is one that was asked for by its path."""

    name: str
    family: str
    labels: Mapping[str, str]
    facts: Mapping[str, Fact]
    path: str
    own: bool = False

    @property
    def asked(self) -> str:
        """What asks for it once more: its name, or the path of a file of one's own."""
        return self.path if self.own else self.name

    @property
    def id(self) -> str:
        """What it is told from others by: its name, that of its file where it is one's own."""
        return Path(self.path).stem if self.own else self.name

    @property
    def title(self) -> str:
        """The name for people."""
        return self.labels.get("name", self.name)

    def fact(self, key: str) -> Fact:
        """The figure under a key; Missing where neither the preset nor ``--set`` has one."""
        if (fact := self.facts.get(key)) is None:
            scope = {"accelerators": "gpu", "hosts": "host"}.get(self.family, self.family)
            published = self.family in ("accelerators", "hosts")
            what = f"no {key.replace('_', ' ')} of {self.name} is known" if published else f"{self.name} has no {key}"
            raise Missing(what, f"give it with its unit: --set {scope}.{key}=...")
        return fact

    def value(self, key: str) -> float:
        """The figure under a key, in base units."""
        return self.fact(key).value

    def with_fact(self, key: str, fact: Fact) -> "Preset":
        """The same preset with one figure added or replaced."""
        return self._replace(facts={**self.facts, key: fact})


def counted(count: float | str, name: str) -> str:
    """So many of a part in a sentence, ``192 x gb200-nvl72 GPU`` where its name is that of a rack of them."""
    of_rack = " GPU" if _OF_A_RACK.search(name) else ""
    return f"{count if isinstance(count, str) else f'{count:,}'} x {name}{of_rack}"
