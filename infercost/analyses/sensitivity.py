"""What 1% more of each input does to the answer: elasticities, the largest first."""

from collections.abc import Iterable, Mapping
from math import log
from typing import Any

from infercost.analyses.headline import WORDS, headline, values_of
from infercost.analyses.moved import ORIGIN, Moved, figures_beside, moves_of, numbers_of
from infercost.analyses.sweep import ask_point, refuse_side_by_side
from infercost.derivation import not_recording
from infercost.hardware import MEMORY_BASES
from infercost.keys import KEYS, Key
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
#: Elasticities below this are not shown; digits beyond these are those of a difference of floats.
LEAST, DIGITS = 0.005, 6
#: Where the elasticities of both sides are further apart, for one or as a share, a figure stands at a turn.
TURN = 0.1
#: Keys so long leave room for one more column.
LONG = 26


def answer(asked: Asked) -> Report:
    """A row a numeric input with the elasticity of each main figure: d ln(answer) / d ln(input), both sides taken.

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
    rows = [row for row in rows if _matters(row) or any(item.key == row["key"] for item in said)]
    zeros = [item.key for item in said if not item.value]
    turns = _turns(moved, base, answers[0]) if share == STEP else []
    notes = [note for note in report.notes if note.code != "null"]
    return Report(
        command=asked.command.name,
        verdict=_verdict(report, rows, answers[0]),
        inputs=tuple(item for item in report.inputs if item.key not in NO_INPUTS),
        results=tuple(Row(key, base[key]) for key in answers),
        series=_series(rows, answers),
        notes=(*notes, *_own_notes(rows, zeros, idle, share), *turns, *asked.notes),
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


def _elasticity(below: Any, above: Any, low: float, high: float) -> float | None:
    """The slope between two points in logarithms; None where an answer has no logarithm."""
    if not below or not above or low == high:
        return None
    return round(log(above / below) / log(high / low), DIGITS) + 0.0


def _matters(row: Mapping[str, Any], keys: Iterable[str] = ()) -> bool:
    """Whether an input moves any of some figures, or any at all."""
    keys = keys or [key for key in row if key.startswith("elasticity_")]
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


def _verdict(report: Report, rows: list[dict[str, Any]], main: str) -> str:
    """What of the device counts most, and what of the rest; money is left out, which only scales."""
    name = WORDS.get(main) or KEYS[main].label
    told = [row for row in rows if not row["unit"].startswith("USD") and abs(row[f"elasticity_{main}"] or 0.0) >= LEAST]
    device = next((row for row in told if row["key"].startswith("gpu.")), None)
    rest = next((row for row in told if not row["key"].startswith("gpu.")), None)
    start = "" if report.met else "As asked it does not fit or cannot be met. "
    first = f"Of the device, {_does(device, main, name)}." if device else f"No figure of the device moves {name}."
    second = f" Of the rest, {_does(rest, main, 'it' if device else name)}." if rest else ""
    return start + first + second


def _does(row: Mapping[str, Any], main: str, name: str) -> str:
    change = row[f"elasticity_{main}"]
    verb = "raises" if change > 0 else "lowers"
    return f"{_plainly(row['key'])} counts most: 1% more {verb} {name} by {show(abs(change) / 100, 'share')}"


def _plainly(key: str) -> str:
    """A figure as a sentence calls it."""
    figure = key.rpartition(".")[2]
    if figure.startswith("flops_"):
        return f"{figure.removeprefix('flops_')} arithmetic"
    return "memory" if figure in MEMORY_BASES else figure.replace("_", " ")


def _own_notes(rows: list[dict[str, Any]], zeros: list[str], idle: list[str], share: float) -> list[Note]:
    """What hardly matters, what is zero, what follows from something else, and how much was changed."""
    hardly = [row["key"] for row in rows if not _matters(row)]
    hardly, zeros, idle = (sorted(keys, key=lambda key: "." in key) for keys in (hardly, zeros, idle))
    said = (
        ("elasticity", "1% more of an input changes each figure by so many percent; the layout is held"),
        ("hardly-matters", f"hardly matter, below {LEAST:g}: {', '.join(hardly)}" if hardly else ""),
        ("zero", f"zero, which has no elasticity: {', '.join(zeros)}" if zeros else ""),
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


def _turns(moved: list[Moved], base: Mapping[str, Any], main: str) -> list[Note]:
    """Inputs at a turn of the main figure: a little more does another thing than a little less."""
    notes = []
    for each in moved:
        if each.below and each.above and each.low < each.item.value < each.high:
            down = _elasticity(each.below.get(main), base[main], each.low, each.item.value) or 0.0
            up = _elasticity(base[main], each.above.get(main), each.item.value, each.high) or 0.0
            if abs(up - down) > TURN * max(1.0, abs(down), abs(up)):
                notes.append(Note("turn", f"{each.item.key} stands at a turn: {down:.3g} below it, {up:.3g} above"))
    return notes
