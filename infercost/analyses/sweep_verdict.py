"""What a sweep says in a sentence: how the main figures go as its inputs do."""

from collections.abc import Mapping, Sequence
from typing import Any

from infercost.analyses.headline import WORDS, Headline
from infercost.keys import KEYS
from infercost.question import Asked
from infercost.sweeping import Axis, Point, key_of, plain
from infercost.units import many, show

Rows = Sequence[Mapping[str, Any]]
#: How many figures are told.
TOLD = 2


def verdict(asked: Asked, axes: tuple[Axis, ...], head: Headline, rows: Rows) -> str:
    """How many points do not fit, keep up or have an answer, then how the main figures go over the others."""
    able = able_of(rows)
    moving = told_of(axes, head, able)
    start = _unable(rows)
    if not moving:
        known = _known(axes, head, able)
        stays = f"{_words(known[0])} stays at {_shown(known[0], able[0])}"
        alone = f"At {_place(asked, axes, able[0])} {_words(known[0])} is {_shown(known[0], able[0])}"
        return f"{start}{alone if len(able) == 1 else f'Over {len(able):,} points {stays}'}."
    if len(axes) > 1 or not axes[0].is_numeric:
        spans = "; ".join(_spans(asked, axes, key, able) for key in moving)
        return f"{start}Over {many(len(able), 'point')} {spans}."
    goes = " and ".join(_goes(asked, axes[0], key, able) for key in moving)
    name, ends = axes[0].key, [_value(asked, axes[0].key, row[axes[0].key]) for row in (able[0], able[-1])]
    return f"{start}With {key_of(asked, name).head} from {ends[0]} to {ends[1]}, {goes}."


def able_of(rows: Rows) -> list[Mapping[str, Any]]:
    """The points that fit and keep up; where none does, those that have an answer."""
    able = [row for row in rows if row["fits"] and row.get("stable") is not False]
    return able or [row for row in rows if row["fits"] is not None]


def told_of(axes: tuple[Axis, ...], head: Headline, able: Rows) -> list[str]:
    """The main figures that differ from point to point."""
    return [key for key in _known(axes, head, able) if len({row[key] for row in able}) > 1][:TOLD]


def _known(axes: tuple[Axis, ...], head: Headline, able: Rows) -> list[str]:
    known = [next((key for key in keys if any(row.get(key) is not None for row in able)), "") for keys in head.told]
    return [key for key in known if key and key not in [axis.key for axis in axes]] or ["fits"]


def in_words(asked: Asked, point: Point) -> str:
    """A point in words: ``context 128,000, batch 64``."""
    return ", ".join(f"{key_of(asked, key).head} {_value(asked, key, value)}" for key, value in point.items())


def _place(asked: Asked, axes: tuple[Axis, ...], row: Mapping[str, Any]) -> str:
    return in_words(asked, {axis.key: row[axis.key] for axis in axes})


def _unable(rows: Rows) -> str:
    """How many points are no good, by what is wrong with them."""
    counts = (
        (sum(row["fits"] is False for row in rows), "does not fit", "do not fit"),
        (sum(row.get("stable") is False for row in rows), "does not keep up", "do not keep up"),
        (sum(row["fits"] is None for row in rows), "has no answer", "have no answer"),
    )
    return "".join(f"{n} of {many(len(rows), 'point')} {one if n == 1 else all}. " for n, one, all in counts if n)


def _goes(asked: Asked, axis: Axis, key: str, rows: Rows) -> str:
    """How a figure goes from the first point to the last, and where it lies beyond both."""
    known = [row for row in rows if row[key] is not None]
    first, last = known[0][key], known[-1][key]
    word = "rises" if last > first else "falls" if last < first else "comes back"
    low, high = sorted((first, last))
    times = f" ({show(high / low, 'x')})" if low > 0 and high > low else ""
    text = f"{_words(key)} {word} from {_shown(key, known[0])} to {_shown(key, known[-1])}{times}"
    least, most = _ends(key, known)
    for name, row in (("least", least), ("most", most)):
        if row[key] not in (first, last):
            text += f", {name} {_shown(key, row)} at {_place(asked, (axis,), row)}"
    return text


def _spans(asked: Asked, axes: tuple[Axis, ...], key: str, rows: Rows) -> str:
    """Between which points a figure lies."""
    said = [
        f"{_shown(key, row)} ({_place(asked, axes, row)})"
        for row in _ends(key, [row for row in rows if row[key] is not None])
    ]
    return f"{_words(key)} goes from {said[0]} to {said[1]}"


def _ends(key: str, rows: Rows) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The first row with the least of a figure, and the first with the most."""
    return min(rows, key=lambda row: row[key]), max(rows, key=lambda row: row[key])


def _words(key: str) -> str:
    return WORDS.get(key) or KEYS[key].label


def _shown(key: str, row: Mapping[str, Any]) -> str:
    return show(row[key], KEYS[key].unit)


def _value(asked: Asked, key: str, value: Any) -> str:
    return show(plain(value), key_of(asked, key).unit)
