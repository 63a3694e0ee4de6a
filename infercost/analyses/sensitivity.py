"""What 1% more of each input does to the answer: elasticities, the largest first."""

from collections.abc import Iterable, Mapping
from math import log
from typing import Any

from infercost.analyses.headline import headline, values_of
from infercost.analyses.moved import ORIGIN, Moved, figures_beside, moves_of, numbers_of
from infercost.analyses.sensitivity_verdict import LEAST, Sides, verdict
from infercost.analyses.sweep import ask_point, refuse_side_by_side
from infercost.derivation import not_recording
from infercost.keys import Key
from infercost.question import Asked
from infercost.readers.once import reading_once
from infercost.report import Note, Report, Row, Series
from infercost.sweeping import NO_INPUTS
from infercost.units import show

#: The share by which an input is changed, up and down.
STEP = 0.01
#: An answer that is whole moves by less than it must be seen to where it is smaller; so does a largest batch.
WHOLE_ENOUGH, BATCHES = 10_000, 5
MOST_STEP = 0.1
#: Digits beyond these are those of a difference of floats.
DIGITS = 6
#: Inputs that cannot be asked beside what they follow from.
FOLLOWING = ("context",)
#: Keys so long leave room for one more column.
LONG = 26


def answer(asked: Asked) -> Report:
    """A row a numeric input with the elasticity of each main figure: d ln(answer) / d ln(input), over all sides it has.

    Raises:
        InfercostError: the question itself cannot be answered.
    """
    refuse_side_by_side(asked)
    with reading_once(), not_recording():
        inner, report = ask_point(asked, {}, ORIGIN)
        base = values_of(inner, report)
        answers = _answers(asked, base)
        said, share = numbers_of(asked, report), _step(base)
        moved = moves_of(asked, report, (*said, *figures_beside(asked, report)), share)
    idle = [each.item.key for each in moved if each.low == each.high]
    rows = _sorted([_row(each, base, answers) for each in moved if each.low < each.high], answers[0])
    rows = [row for row in rows if _matters(row, _elasticities(row)) or any(item.key == row["key"] for item in said)]
    zeros = [item.key for item in said if not item.value]
    sides = {each.item.key: _sides(each, base, answers[0], share == STEP) for each in moved}
    notes = [note for note in report.notes if note.code != "null"]
    return Report(
        command=asked.command.name,
        verdict=verdict(rows, answers[0], sides, report.met),
        inputs=tuple(item for item in report.inputs if item.key not in NO_INPUTS),
        results=tuple(Row(key, base[key]) for key in answers),
        series=_series(rows, answers),
        notes=(*notes, *_own_notes(rows, zeros, idle, share), *_one_sided(rows, sides), *_turns(sides), *asked.notes),
        met=report.met,
    )


def _answers(asked: Asked, base: Mapping[str, Any]) -> list[str]:
    """The main figures that have a value and can be seen to move."""
    head = headline(asked)
    main = next(key for key in head.mains if base.get(key))
    found = [main, *(key for key in head.answers if base.get(key) and key != main)]
    return [key for key in found if not isinstance(base[key], int) or base[key] >= WHOLE_ENOUGH]


def _step(base: Mapping[str, Any]) -> float:
    """The share of a change: more than usual where the largest batch, a whole number, would else not move."""
    batch = base.get("batch_limit")
    return min(max(STEP, BATCHES / batch), MOST_STEP) if batch else STEP


def _row(moved: Moved, base: Mapping[str, Any], answers: list[str]) -> dict[str, Any]:
    """One input, and the elasticity of each answer; from one side where the other has no answer."""
    value, below, above = moved.item.value, moved.below or base, moved.above or base
    return {
        "key": moved.item.key,
        "value": value,
        "unit": moved.item.unit,
        "shown": show(value, "" if moved.item.unit == "token" else moved.item.unit),
        "low": moved.low,
        "high": moved.high,
        **{f"elasticity_{key}": _elasticity(below.get(key), above.get(key), moved.low, moved.high) for key in answers},
    }


def _sides(moved: Moved, base: Mapping[str, Any], main: str, told_apart: bool) -> Sides:
    """What a little less and a little more of an input do to the main figure, which whole numbers blur."""
    value, here = moved.item.value, base[main]
    less = _elasticity((moved.below or base).get(main), here, moved.low, value) or 0.0
    more = _elasticity(here, (moved.above or base).get(main), value, moved.high) or 0.0
    return Sides(None if moved.low == value else less, None if moved.high == value else more, told_apart)


def _elasticity(below: Any, above: Any, low: float, high: float) -> float | None:
    """The slope between two points in logarithms; None where an answer has no logarithm."""
    if not below or not above or low == high:
        return None
    return round(log(above / below) / log(high / low), DIGITS) + 0.0


def _elasticities(row: Mapping[str, Any]) -> list[str]:
    """The keys of all elasticities of a row."""
    return [key for key in row if key.startswith("elasticity_")]


def _matters(row: Mapping[str, Any], keys: Iterable[str]) -> bool:
    """Whether any of these elasticities of an input is large enough to be shown."""
    return any(abs(row[key] or 0.0) >= LEAST for key in keys)


def _sorted(rows: list[dict[str, Any]], main: str) -> list[dict[str, Any]]:
    """The largest first."""
    sizes = {row["key"]: abs(row[f"elasticity_{main}"] or 0.0) for row in rows}
    return sorted(rows, key=lambda row: (-round(sizes[row["key"]], 3), not row["key"].startswith("gpu.")))


def _series(rows: list[dict[str, Any]], answers: list[str]) -> Series:
    main, *others = (f"elasticity_{key}" for key in answers[:3])
    if any(len(row["key"]) > LONG and _matters(row, (main,)) for row in rows):
        others = others[:1]
    shown = tuple(row for row in rows if _matters(row, (main, *others)))
    heads = {"key": Key("input", "", "input")}
    return Series(("key", "shown", *others), tuple(rows), main, scale="size", shown=shown, keys=heads)


def _own_notes(rows: list[dict[str, Any]], zeros: list[str], idle: list[str], share: float) -> list[Note]:
    """What hardly matters, what is zero, what follows from something else, and how much was changed."""
    hardly = [row["key"] for row in rows if not _matters(row, _elasticities(row))]
    hardly, zeros, idle = (sorted(keys, key=lambda key: "." in key) for keys in (hardly, zeros, idle))
    follows = [key for key in idle if key in FOLLOWING]
    idle = [key for key in idle if key not in FOLLOWING]
    said = (
        ("elasticity", "1% more of an input changes each figure by so many percent; the layout is held"),
        ("hardly-matters", f"hardly matter, below {LEAST:g}: {', '.join(hardly)}" if hardly else ""),
        ("zero", f"zero, which has no elasticity: {', '.join(zeros)}" if zeros else ""),
        ("follows", f"not varied, as the lengths of a request say it: {', '.join(follows)}" if follows else ""),
        ("not-varied", f"not varied, no value beside it can be asked: {', '.join(idle)}" if idle else ""),
        (
            "step",
            f"each input is changed by {show(share, 'share')}: less would not move the largest batch, which is whole"
            if share > STEP
            else "",
        ),
    )
    empty = dict.fromkeys(key for row in rows for key, value in row.items() if value is None)
    nulls = [Note("null", f"{key} is null: nothing is left of the figure beside it") for key in empty]
    return [*(Note(code, text) for code, text in said if text), *nulls]


def _one_sided(rows: list[dict[str, Any]], sides: Mapping[str, Sides]) -> list[Note]:
    """Inputs that stand at an end of what can be asked: their elasticity is that of the one side there is."""
    down, up = (
        [row["key"] for row in rows if sides[row["key"]][side] is None and _matters(row, _elasticities(row))]
        for side in (1, 0)
    )
    said = (("only-less", "less, as no more", down), ("only-more", "more, as no less", up))
    return [
        Note(code, f"the elasticity is that of {side} can be asked: {', '.join(keys)}")
        for code, side, keys in said
        if keys
    ]


def _turns(sides: Mapping[str, Sides]) -> list[Note]:
    """Inputs at a turn of the main figure: a little more does another thing than a little less."""
    return [
        Note("turn", f"{key} stands at a turn: {each.less:.3g} below it, {each.more:.3g} above")
        for key, each in sides.items()
        if each.turn
    ]
