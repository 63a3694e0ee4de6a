"""A traffic preset: the load of each hour of a day or a week, and the burstiness of arrivals."""

from math import fsum
from typing import Any, NamedTuple

from infercost.errors import BadFile, BadValue
from infercost.parts.preset import Preset
from infercost.units import MULTIPLE, parse

#: ``burstiness`` is the coefficient of variation of the gaps between arrivals, 1 for a Poisson process.
FIGURES = {"burstiness": MULTIPLE}
#: ``hours`` are text, with their source in labels beside them.
LABELS = ("name", "aliases", "hours", "note")
#: Hours of a day, and of a week from Monday on.
DAY, WEEK = 24, 168
_FORM = (
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
        raise BadFile(f"{where} is no list of loads with a source", _FORM)
    if (count := len(entry["values"])) not in (DAY, WEEK):
        raise BadFile(f"{where} has {count} values", _FORM)
    try:
        loads = tuple(float(parse(MULTIPLE, str(value), where)) for value in entry["values"])
    except BadValue as error:
        raise BadFile(error.what, error.hint) from error
    if not any(loads):
        raise BadFile(f"{where} is zero throughout", "give the hours with load a positive number")
    return loads
