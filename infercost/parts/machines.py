"""Machines that people name instead of the accelerators in them: cloud instances, and servers of one maker."""

import re
from functools import cache
from itertools import product
from typing import NamedTuple

from infercost.parts.yamlfile import read_mapping

#: What consoles and SDKs put before a name, and the size of an instance in words.
_BEFORE = re.compile(r"^(ml\.|standard[_\s-]|nvidia\s|tpu[-_](?=v\d))")
_SIZE = re.compile(r"xlarge\b")
_BRACES = re.compile(r"\{([^}]*)\}")
_NOISE = re.compile(r"[\s_-]+")


class Machine(NamedTuple):
    """A machine: its name, the accelerator in it, how many it has, and where that is written."""

    name: str
    part: str
    number: int
    source: str


def find(path: str, name: str) -> Machine | None:
    """The machine that a name means, None for no machine; ``path`` is the file of machines."""
    return read(path).get(_key(name))


@cache
def read(path: str) -> dict[str, Machine]:
    """The file of machines, read once: each by what its name is for comparison."""
    data = read_mapping(path, "machines")
    known = {}
    for line in str(data["machines"]).splitlines():
        names, part, count, key = line.strip().rsplit(maxsplit=3)
        source = data["sources"][key]
        for name in _each(names):
            known[_key(name)] = Machine(name, part, int(count), f"{source['title']}, {source['date']}")
    return known


def _each(names: str) -> list[str]:
    """The names that a line stands for: ``p5{e,en}.48xlarge`` for two."""
    choices = [part.split(",") if place % 2 else [part] for place, part in enumerate(_BRACES.split(names))]
    return ["".join(parts) for parts in product(*choices)]


def _key(name: str) -> str:
    """A name for comparison: a dot and digits count, blanks and dashes do not."""
    return _NOISE.sub("", _SIZE.sub("xl", _BEFORE.sub("", name.strip().lower())))
