"""Two of a kind side by side: their figures, and those of the second over the first in words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infercost.quantities import KEYS
from infercost.report import Note, Report, Series
from infercost.units import show

#: Down to here a figure is so much less than another, below a fraction of it.
HALF = 0.5


def ratios_of(rows: Sequence[Mapping[str, Any]], keys: Iterable[str]) -> dict[str, float]:
    """Each figure of the second of two rows over that of the first, where both have it."""
    first, second = rows
    return {key: second[key] / first[key] for key in keys if first[key] and second[key]}


def ratio_words(ratio: float, word: str) -> str:
    """What the second has of a figure of the first: ``1.766x the memory``."""
    if ratio >= 1:
        return f"{show(ratio, 'x')} the {word}"
    return f"{show(1 - ratio, 'share')} less {word}" if ratio > HALF else f"1/{show(1 / ratio)} of the {word}"


def side_by_side(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], words: Mapping[str, str], notes: Iterable[Note]
) -> Report:
    """Two presets as columns: the verdict has the ratios of what ``words`` names, with both figures."""
    first, second = rows
    ratios = ratios_of(rows, [key for key in columns if not isinstance(first[key], str)])
    said = [_said(ratios[key], word, second[key], first[key], key) for key, word in words.items() if key in ratios]
    has = f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else "".join(said) or "no figure that both have"
    return Report(
        command="presets",
        verdict=f"Beside {first['name']}, {second['name']} has {has}.",
        inputs=(),
        series=Series(("name", *columns), tuple(rows), ratios=ratios),
        notes=(*notes, Note("sources", "infercost presets show NAME has the sources of one")),
    )


def _said(ratio: float, word: str, second: float, first: float, key: str) -> str:
    """A ratio and the figures that it is of."""
    unit = KEYS[key].unit or "param"
    times = show(ratio, "x") if ratio > HALF else f"1/{show(1 / ratio)} of"
    return f"{times} the {word} ({show(second, unit)} to {show(first, unit)})"
