"""What a sensitivity says in a sentence: what counts most, and what a little more or less of it does."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from infercost.analyses.headline import WORDS
from infercost.hardware import MEMORY_BASES
from infercost.keys import KEYS
from infercost.units import show

Rows = Iterable[Mapping[str, Any]]
#: Elasticities below this are not shown.
LEAST = 0.005
#: Where the elasticities of both sides are further apart, for one or as a share, a figure stands at a turn.
TURN = 0.1


class Sides(NamedTuple):
    """The elasticity of the main figure to a little less and to a little more of an input; None where none can be.

    ``told_apart`` is whether the figure moves smoothly enough for the two to be compared.
    """

    less: float | None
    more: float | None
    told_apart: bool = True

    @property
    def turn(self) -> bool:
        """Whether a little more does another thing than a little less."""
        if self.less is None or self.more is None or not self.told_apart:
            return False
        return abs(self.more - self.less) > TURN * max(1.0, abs(self.less), abs(self.more))


def verdict(rows: Rows, main: str, sides: Mapping[str, Sides], met: bool) -> str:
    """What of the device counts most, and what of the rest; money is left out, which only scales."""
    name = WORDS.get(main) or KEYS[main].label
    told = [row for row in rows if not row["unit"].startswith("USD") and abs(row[f"elasticity_{main}"] or 0.0) >= LEAST]
    device = next((row for row in told if row["key"].startswith("gpu.")), None)
    rest = next((row for row in told if not row["key"].startswith("gpu.")), None)
    start = "" if met else "As asked it does not fit or cannot be met. "
    first = (
        f"Of the device, {_does(device, main, name, sides)}." if device else f"No figure of the device moves {name}."
    )
    second = f" Of the rest, {_does(rest, main, 'it' if device else name, sides)}." if rest else ""
    return start + first + second


def _does(row: Mapping[str, Any], main: str, name: str, sides: Mapping[str, Sides]) -> str:
    key, change = row["key"], row[f"elasticity_{main}"]
    less, more, _ = sides[key]
    if sides[key].turn and less is not None and more is not None:
        does = f"1% more {_changes(more, name)}, 1% less {_changes(-less, 'it')}"
    else:
        does = f"1% less {_changes(-change, name)}" if more is None else f"1% more {_changes(change, name)}"
    return f"{_plainly(key)} counts most: {does}"


def _changes(percent: float, name: str) -> str:
    if abs(percent) < LEAST:
        return f"leaves {name} as it is"
    return f"{'raises' if percent > 0 else 'lowers'} {name} by {show(abs(percent) / 100, 'share')}"


def _plainly(key: str) -> str:
    """A figure as a sentence calls it."""
    figure = key.rpartition(".")[2]
    if figure.startswith("flops_"):
        return f"{figure.removeprefix('flops_')} arithmetic"
    return "memory" if figure in MEMORY_BASES else figure.replace("_", " ")
