"""Slices of a GPU (NVIDIA MIG): shares of the memory and of the arithmetic of the whole part."""

import re
from typing import Any, NamedTuple

from infercost.errors import UnknownName
from infercost.units import Kind, parse

#: ``3g.40gb`` behind a part's name, with or without the word, as drivers, Kubernetes and people write it.
_WRITTEN = re.compile(r"(?P<part>.*?)[\s_-]*(?:\bmig)?[\s_-]*(?P<compute>[1-7])g\.(?P<memory>\d+)gb(?:\+[\w.]+)?", re.I)
#: Eighths of the memory that a profile of so many sevenths of the arithmetic has; of parts of four, quarters.
_EIGHTHS = {1: (1, 2), 2: (2,), 3: (4,), 4: (4,), 7: (8,)}
_QUARTERS = {1: (1,), 2: (2,), 4: (4,)}
#: Parts that are cut in four, and those that are cut at all, by how their names begin.
_OF_FOUR = ("a30", "rtx-pro-5000", "rtx-pro-6000")
_CUT = ("a100", "a800", "h100", "h800", "h200", "h20", "gh200", "b100", "b200", "b300", "gb200", "gb300", *_OF_FOUR)
#: The size in a profile's name is rounded, and of what a driver reports.
_ROUNDING = 0.12
_SCALES = {"B": (1e9, "G"), "B/s": (1e9, "G"), "FLOP/s": (1e12, "T")}
SOURCE = {"title": "docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html", "date": "2026"}
_WEAK = "a share of the whole part; the multiprocessors of a slice are a few more or fewer"


class Slice(NamedTuple):
    """A profile: the part as written, its share of the arithmetic in slices, and its memory in GB."""

    part: str
    compute: int
    memory: int

    @property
    def name(self) -> str:
        """As NVIDIA writes it: ``3g.40gb``."""
        return f"{self.compute}g.{self.memory}gb"


def read(name: str) -> Slice | None:
    """The slice that a name means, None for a whole part; the part is empty where a name says none."""
    found = _WRITTEN.fullmatch(name.strip())
    return Slice(found["part"].strip(" -_"), int(found["compute"]), int(found["memory"])) if found else None


def cut(data: dict[str, Any], part: str, asked: Slice, kinds: dict[str, Kind]) -> dict[str, Any]:
    """The data of a part's preset as a slice of it has them; links and prices are of the whole part.

    Raises:
        UnknownName: a part that is not cut, or not so.
    """
    if not part.startswith(_CUT):
        raise UnknownName(f"{part} is not cut into slices", "name the whole part")
    whole, shares = (4, _QUARTERS) if part.startswith(_OF_FOUR) else (8, _EIGHTHS)
    memory = parse(kinds["memory"], str(data["memory"]["value"]), "memory") / 1e9
    sizes = {(compute, eighths): memory * eighths / whole for compute in shares for eighths in shares[compute]}
    fitting = [
        eighths
        for (compute, eighths), size in sizes.items()
        if compute == asked.compute and abs(asked.memory / size - 1) <= _ROUNDING
    ]
    if not fitting:
        known = ", ".join(f"{compute}g.{size:.0f}gb" for (compute, _), size in sizes.items())
        raise UnknownName(f"{part} is not cut into {asked.name}", f"slices of it are about {known}")
    arithmetic, rest = asked.compute / (7 if whole == 8 else 4), fitting[0] / whole
    kept = {key: entry for key, entry in data.items() if key not in kinds and key not in ("variants", "aliases")}
    figures = {
        key: _share(entry, kinds[key], arithmetic if key.startswith("flops_") else rest)
        for key, entry in data.items()
        if key.startswith("flops_") or key in ("memory", "memory_reported", "memory_bandwidth", "power")
    }
    sources = {**data["sources"], "MIG": SOURCE}
    return {**kept, **figures, "name": f"{data['name']}, MIG {asked.name}", "sources": sources}


def _share(entry: dict[str, Any], kind: Kind, share: float) -> dict[str, Any]:
    scale, letter = _SCALES.get(kind.unit, (1.0, ""))
    value = parse(kind, str(entry["value"]), "a figure") * share / scale
    return {"value": f"{value:.6g} {letter}{kind.unit}", "source": "MIG", "weak": _WEAK}
