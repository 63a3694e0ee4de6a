"""A preset: named figures, each with its source; the load of each hour that a traffic preset has."""

import re
from collections.abc import Mapping
from math import fsum
from pathlib import Path
from typing import Any, NamedTuple

from infercost.errors import BadFile, BadValue, Missing
from infercost.units import MULTIPLE, Kind, parse

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


#: ``burstiness`` is the coefficient of variation of the gaps between arrivals, 1 for a Poisson process.
DAY_FIGURES = {"burstiness": MULTIPLE}
#: ``hours`` are text, with their source in labels beside them.
DAY_LABELS = ("name", "aliases", "hours", "note")
#: Hours of a day, and of a week from Monday on.
DAY, WEEK = 24, 168
_HOURS_FORM = (
    "write it as hours: {values: [24 numbers, or 168 from Monday 0h on], source: KEY}, "
    "and sources: {KEY: {title: ..., date: 2026-01}}"
)


class Shape(NamedTuple):
    """The load of each hour over the mean load, and the burstiness if known."""

    name: str
    hours: tuple[float, ...]
    burstiness: float | None

    @property
    def peak(self) -> float:
        """The load of the busiest hour over the mean."""
        return max(self.hours)

    @property
    def trough(self) -> float:
        """The load of the emptiest hour over the mean."""
        return min(self.hours)


def shape_of(preset: Preset) -> Shape:
    """The shape of a traffic preset."""
    bursts = preset.facts.get("burstiness")
    return Shape(preset.name, hours_of(preset), bursts.value if bursts else None)


def hours_of(preset: Preset) -> tuple[float, ...]:
    """The load of each hour of a traffic preset over their mean."""
    loads = [float(load) for load in preset.labels["hours"].split(", ")]
    mean = fsum(loads) / len(loads)
    return tuple(load / mean for load in loads)


def read_loads(entry: Any, where: str) -> tuple[float, ...]:
    """The loads under ``hours`` in a preset's file, in any unit; BadFile if not 24 or 168, or without a source."""
    if not isinstance(entry, dict) or set(entry) != {"values", "source"} or not isinstance(entry["values"], list):
        raise BadFile(f"{where} is no list of loads with a source", _HOURS_FORM)
    if (count := len(entry["values"])) not in (DAY, WEEK):
        raise BadFile(f"{where} has {count} values", _HOURS_FORM)
    try:
        loads = tuple(float(parse(MULTIPLE, str(value), where)) for value in entry["values"])
    except BadValue as error:
        raise BadFile(error.what, error.hint) from error
    if not any(loads):
        raise BadFile(f"{where} is zero throughout", "give the hours with load a positive number")
    return loads
