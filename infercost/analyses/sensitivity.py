"""What 1% more of each input does to the answer: elasticities, the largest first."""

from collections.abc import Iterable, Mapping
from math import log
from typing import Any, NamedTuple

from infercost.analyses.many import LAYOUT, Answer, at_point, refuse_side_by_side, values_of
from infercost.analyses.sweep import headline
from infercost.errors import InfercostError
from infercost.parts.accelerator import MEMORY_BASES, RATES
from infercost.parts.cache import reading_once
from infercost.parts.preset import Preset
from infercost.parts.stack import LAWS, law
from infercost.quantities import KEYS, Key
from infercost.report import Input, Note, Report, Row, Series
from infercost.scenario.axes import NO_INPUTS, kind_of
from infercost.scenario.options import options_of
from infercost.scenario.read import Question
from infercost.scenario.scenario import Scenario
from infercost.units import Kind, show

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
    name = KEYS[main].phrase
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


#: Figures whose answers count whole things.
COUNTED = ("users",)
ORIGIN = "--sensitivity"
FLOPS = tuple(f"flops_{rate}" for rate in RATES)
LINKS = ("link_bandwidth", "network_bandwidth")


class Moved(NamedTuple):
    """An input at a lower and at a higher value, each with the answer's values; None where it has no answer."""

    item: Input
    low: float
    high: float
    below: Mapping[str, Any] | None
    above: Mapping[str, Any] | None


def numbers_of(question: Question, report: Report) -> list[Input]:
    """The inputs that are numbers and can change a little; how far a table of users goes is none."""
    layout = LAYOUT if question.get("model") is not None else ()
    ends = () if question.get("users") is not None else ("users",)
    return [
        item
        for item in report.inputs
        if isinstance(item.value, (int, float)) and not isinstance(item.value, bool)
        if "." in item.key or item.key in options_of(question.command)
        if item.key not in (*NO_INPUTS, *layout, *ends)
    ]


def figures_beside(scenario: Scenario) -> list[Input]:
    """Figures that no input says: rates of the part for a second format or the network, constants of a paper's law."""
    part, stack = scenario.rack.setup.part, scenario.rack.setup.stack
    known = {item.key: item.value for item in scenario.inputs}
    summed = ("flops_bf16", "flops_fp16") if "flops_fp16_accumulate" in part.facts else ()
    computing = {f"flops_{item.value}" for item in scenario.inputs if item.key.endswith("dtype")}
    flops = sorted((key for key in part.facts if key in FLOPS and key not in summed), key=computing.__contains__)
    circuits = {part.value(key): key for key in flops}  # of rates that are the same, the one that computes
    rates = [key for value, key in circuits.items() if value not in known.values()]
    rates += [key for key in LINKS if key in part.facts]
    laws = [key for key in stack.facts if key in LAWS[law(stack)]]
    figures = [("gpu", part, key) for key in rates] + [("efficiency", stack, key) for key in laws]
    return [
        Input(f"{scope}.{key}", preset.value(key), preset.fact(key).kind.unit, f"preset {preset.name}")
        for scope, preset, key in figures
        if f"{scope}.{key}" not in known
    ]


def _alike(part: Preset, item: Input) -> list[str]:
    """The rates that the part has the same figure for: the same circuits."""
    if not item.key.startswith("gpu.flops_"):
        return []
    alike = [f"gpu.{key}" for key, fact in part.facts.items() if key in FLOPS and fact.value == item.value]
    return [key for key in alike if key != item.key]


def moves_of(scenario: Scenario, answer: Answer, items: Iterable[Input], share: float) -> list[Moved]:
    """Each of the inputs that is not zero, changed by a share on both sides while the layout is kept."""
    layout = {item.key: item.value for item in scenario.inputs if item.key in LAYOUT}
    return [_move(scenario, answer, item, layout, share) for item in items if item.value]


def _move(scenario: Scenario, answer: Answer, item: Input, layout: Mapping[str, Any], share: float) -> Moved:
    """An input a little changed, with those that move with it."""
    question = scenario.question
    low, high = _around(item, kind_of(question.command, item.key), share)
    keys = (item.key, *_alike(scenario.rack.setup.part, item))

    def at(value: float) -> Mapping[str, Any] | None:
        try:
            point = at_point(question, {**layout, **dict.fromkeys(keys, value)}, ORIGIN)
            return values_of(question, answer(point))
        except InfercostError:
            return None

    below, above = at(low), at(high)
    return Moved(item, item.value if below is None else low, item.value if above is None else high, below, above)


def _around(item: Input, kind: Kind | None, share: float) -> tuple[float, float]:
    """A value a little lower and a little higher: the next whole ones where it is whole, none out of its range."""
    value = item.value
    if (kind and kind.whole) or item.key in COUNTED:
        step = max(1, round(value * share))
        low, high = value - step, value + step
    else:
        low, high = value * (1 - share), value * (1 + share)
    if kind:
        low, high = max(low, kind.least), min(high, kind.most)
    return low if low > 0 else value, high


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


def sensitivity(question: Question, answer: Answer) -> Report:
    """A row a numeric input with the elasticity of each main figure: d ln(answer) / d ln(input), over all sides it has.

    Raises:
        InfercostError: the question itself cannot be answered.
    """
    refuse_side_by_side(question)
    with reading_once():
        scenario = at_point(question, {}, ORIGIN)
        report = answer(scenario)
        base = values_of(question, report)
        main = _answers(question, base)
        numbers, share = numbers_of(question, report), _step(base)
        moved = moves_of(scenario, answer, (*numbers, *figures_beside(scenario)), share)
    return _report(question, report, _Moves(main, base, numbers, moved, share))


class _Moves(NamedTuple):
    """How the main figures move: their values, the inputs that were noted, and each input a little changed."""

    answers: list[str]
    base: Mapping[str, Any]
    numbers: list[Input]
    moved: list[Moved]
    share: float


def _report(question: Question, report: Report, moves: _Moves) -> Report:
    answers, base, said, moved, share = moves
    idle = [each.item.key for each in moved if each.low == each.high]
    rows = _sorted([_row(each, base, answers) for each in moved if each.low < each.high], answers[0])
    rows = [row for row in rows if _matters(row, _elasticities(row)) or any(item.key == row["key"] for item in said)]
    zeros = [item.key for item in said if not item.value]
    sides = {each.item.key: _sides(each, base, answers[0], share == STEP) for each in moved}
    notes = [note for note in report.notes if note.code != "null"]
    return Report(
        command=question.command,
        verdict=verdict(rows, answers[0], sides, report.met),
        inputs=tuple(item for item in report.inputs if item.key not in NO_INPUTS),
        results=tuple(Row(key, base[key]) for key in answers),
        series=_series(rows, answers),
        notes=(
            *notes,
            *_own_notes(rows, zeros, idle, share),
            *_one_sided(rows, sides),
            *_turns(sides),
            *question.notes,
        ),
        met=report.met,
    )


def _answers(question: Question, base: Mapping[str, Any]) -> list[str]:
    """The main figures that have a value and can be seen to move."""
    head = headline(question)
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
