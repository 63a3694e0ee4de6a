"""What 1% more of each input does to the answer: elasticities, the largest first."""

from collections.abc import Iterable, Iterator, Sequence
from math import log
from typing import Any, NamedTuple

from infercost.analyses.many import LAYOUT, Answer, Values, at_point, outcomes_of, refuse_side_by_side, values_of
from infercost.analyses.remarks import null_notes
from infercost.analyses.sweep import headline
from infercost.errors import Missing
from infercost.parts.accelerator import MEMORY_BASES, RATES, SECTIONS
from infercost.parts.files import reading_once
from infercost.parts.stack import LAWS, law
from infercost.quantities import KEYS, Key
from infercost.report import Input, Note, Report, Row, Series
from infercost.scenario.options import options_of
from infercost.scenario.read import NO_INPUTS, Question, is_number, kind_of
from infercost.scenario.scenario import Scenario
from infercost.units import Kind, many, show

ORIGIN = "--sensitivity"
#: The share by which an input is changed, up and down; more where whole numbers would hide the effect.
STEP, MOST_STEP = 0.01, 0.1
#: A whole result below the first hides an effect of 1%; a largest batch must move by the second to show one.
WHOLE_ENOUGH, BATCHES = 10_000, 5
#: Elasticities below this are not shown.
LEAST = 0.005
#: Elasticities to both sides that are further apart, for one or as a share, are those of a knee.
KNEE = 0.1
#: Inputs that a note names.
NAMED = 4
#: Digits of an elasticity; beyond these are differences of floats.
DIGITS = 6
#: Keys so long leave room for one more column.
LONG = 26
#: The code of a note on one side, the change that was measured, and the end at which an input stands.
_ENDS = (("only-more", "increase", "minimum"), ("only-less", "decrease", "maximum"))
#: Kernels of each section of an architecture, and their figures, in words.
_KERNELS = {"products": "{} matrix products", "experts": "{} experts", "attention": "attention {}"}
_ROWS = {"decode": "in decoding", "prompt": "over prompts", "latent": "over latents"}
_REACHED = {"memory": "the share of the bandwidth in {}", "compute": "the share of the peak in {}"}
_NAMES = {"usable": "the share of memory to plan with"}
FLOPS = tuple(f"flops_{rate}" for rate in RATES)


class Change(NamedTuple):
    """An input decreased and increased by a share, with the results at its value, below and above it.

    On a side without an answer the input and its results stay as they are.
    """

    item: Input
    share: float
    low: float
    high: float
    base: Values
    below: Values
    above: Values

    def elasticity(self, figure: str) -> float | None:
        """The elasticity of a figure over the sides on which it has a value; None where a result has no logarithm."""
        (below, low), (above, high) = self.ends(figure)
        return _slope(below, above, low, high)

    def ends(self, figure: str) -> tuple[tuple[Any, float], tuple[Any, float]]:
        """A figure and its input below and above; those in the middle where it has no value there."""
        sides = ((self.below.get(figure), self.low), (self.above.get(figure), self.high))
        low, high = (side if side[0] is not None else (self.base[figure], self.item.value) for side in sides)
        return low, high

    def matters(self, figures: Iterable[str]) -> bool:
        """Whether the elasticity of any of the figures is large enough to be shown."""
        return any(abs(self.elasticity(figure) or 0.0) >= LEAST for figure in figures)

    def knee(self, figure: str) -> tuple[float, float] | None:
        """The elasticities to a decrease and to an increase where they differ; larger steps blur that."""
        value, ((below, low), (above, high)) = self.item.value, self.ends(figure)
        if self.share > STEP or value in (low, high):
            return None
        less = _slope(below, self.base[figure], low, value) or 0.0
        more = _slope(self.base[figure], above, value, high) or 0.0
        return (less, more) if abs(more - less) > KNEE * max(1.0, abs(less), abs(more)) else None


def _slope(below: Any, above: Any, low: float, high: float) -> float | None:
    """The slope between two points in logarithms; None where a result has no logarithm."""
    if not below or not above or low == high:
        return None
    return round(log(above / below) / log(high / low), DIGITS) + 0.0


def sensitivity(question: Question, answer: Answer) -> Report:
    """A row a numeric input with the elasticity of each main figure, d ln(figure) / d ln(input), over both sides.

    The answer itself where it has no such figure: what does not fit does not move.

    Raises:
        InfercostError: the question itself cannot be answered.
    """
    refuse_side_by_side(question)
    with reading_once():
        scenario = at_point(question, {}, ORIGIN)
        report = answer(scenario)
        base = values_of(report)
        if not (figures := _figures(scenario, base)):
            return report
        unpriced = not any(KEYS[key].unit.startswith("USD") for key in figures)
        inputs = [item for item in _numeric_inputs(question, report) if not (unpriced and ".rent" in item.key)]
        items = [item for item in (*inputs, *_preset_figures(scenario)) if item.value]
        changes = [_change(scenario, answer, base, item) for item in items]
    main = figures[0]
    rows = _ranked(changes, {item.key for item in inputs}, figures)
    knees = ((each.item.key, each.knee(main)) for each in changes)
    at_knee = "{} is at a knee: {:.3g} below it, {:.3g} above"
    return Report(
        command=question.command,
        verdict=verdict(rows, main, report.met),
        inputs=tuple(item for item in report.inputs if item.key not in NO_INPUTS),
        results=tuple(Row(figure, base[figure]) for figure in figures),
        series=_series(rows, figures),
        notes=(
            *(note for note in report.notes if note.code not in ("null", *(("price",) if unpriced else ()))),
            *_notes(inputs, changes, rows, figures, _unit(scenario, "batch")),
            *_one_sided([each for each in rows if each.matters(figures)], main),
            *(Note("turn", at_knee.format(key, *slopes)) for key, slopes in knees if slopes),
            *question.notes,
        ),
        met=report.met,
    )


def _ranked(changes: list[Change], asked: set[str], figures: list[str]) -> list[Change]:
    """Inputs that were asked for or matter, the largest effect first."""
    rows = [each for each in changes if each.low < each.high and (each.item.key in asked or each.matters(figures))]
    effect = {each.item.key: round(abs(each.elasticity(figures[0]) or 0.0), 3) for each in rows}
    return sorted(rows, key=lambda each: (-effect[each.item.key], not each.item.key.startswith("gpu.")))


def _figures(scenario: Scenario, base: Values) -> list[str]:
    """The main figures that have a value and can be seen to move; none of a step of what does not fit."""
    if scenario.need:
        raise Missing("fit needs --gpu for --sensitivity", "for example --gpu h100")
    head = headline(scenario.question)
    if scenario.question.command == "utilization" and not scenario.rack.plan.fits:
        return []
    if (main := next((key for key in head.main if base.get(key)), None)) is None:
        return []
    figures = [main, *(key for key in head.figures if base.get(key) and key != main)]
    return [key for key in figures if not isinstance(base[key], int) or base[key] >= WHOLE_ENOUGH]


def _numeric_inputs(question: Question, report: Report) -> list[Input]:
    """The inputs that can change a little; a layout of several widths is held, and so are users where a table ends.

    So is the shape of a draft's head, which no ``--set`` changes.
    """
    layout = [item.key for item in report.inputs if item.key in LAYOUT]
    held = (*NO_INPUTS, *(layout if len(layout) > 1 else ()))
    held += ("users",) if question.get("users") is None else ()
    known = [item for item in report.inputs if "." in item.key or item.key in options_of(question.command)]
    changing = [item for item in known if not item.key.startswith("draft.")]
    return [item for item in changing if is_number(item.value) and item.key not in held]


def _preset_figures(scenario: Scenario) -> list[Input]:
    """Preset figures beside the inputs: rates for a second format, the network, constants of the profile's law."""
    part, stack = scenario.rack.setup.part, scenario.rack.setup.stack
    values = {item.key: item.value for item in scenario.inputs}
    summed = ("flops_bf16", "flops_fp16") if "flops_fp16_accumulate" in part.facts else ()
    computing = {f"flops_{item.value}" for item in scenario.inputs if item.key.endswith("dtype")}
    flops = sorted((key for key in part.facts if key in FLOPS and key not in summed), key=computing.__contains__)
    circuits = {part.value(key): key for key in flops}  # of equal rates, the one that computes
    rates = [key for value, key in circuits.items() if value not in values.values()]
    rates += [key for key in ("link_bandwidth", "network_bandwidth") if key in part.facts]
    figures = [("gpu", part, key) for key in rates]
    figures += [("efficiency", stack, key) for key in stack.facts if key in LAWS[law(stack)]]
    return [
        Input(f"{scope}.{key}", preset.value(key), preset.fact(key).kind.unit, f"preset {preset.name}")
        for scope, preset, key in figures
        if f"{scope}.{key}" not in values
    ]


def _change(scenario: Scenario, answer: Answer, base: Values, item: Input) -> Change:
    """An input changed on both sides in the same layout; equal arithmetic rates are one circuit and change together."""
    question, batch = scenario.question, base.get("batch_limit")
    share = min(max(STEP, BATCHES / batch), MOST_STEP) if batch else STEP
    low, high = _around(item, kind_of(question.command, item.key), share, _unit(scenario, item.key))
    layout = {each.key: each.value for each in scenario.inputs if each.key in LAYOUT}
    rates = scenario.rack.setup.part.facts.items() if item.key.startswith("gpu.flops_") else ()
    keys = (item.key, *(f"gpu.{key}" for key, fact in rates if key in FLOPS and fact.value == item.value))
    points = [{**layout, **dict.fromkeys(keys, value)} for value in (low, high)]
    below, above = outcomes_of(answer, question, points, ORIGIN)
    low, high = low if below.report else item.value, high if above.report else item.value
    return Change(item, share, low, high, base, below.values or base, above.values or base)


def _unit(scenario: Scenario, key: str) -> int:
    """By how much a whole input changes at least: sequences by one of each stage, group and replica."""
    if key not in ("batch", "concurrency"):
        return 1
    layout = scenario.rack.plan.layout
    return layout.pp * layout.dp * scenario.copies


def _around(item: Input, kind: Kind | None, share: float, unit: int = 1) -> tuple[float, float]:
    """A value a little lower and a little higher: whole where it must be, in units, and within its range."""
    value = item.value
    if (kind and kind.whole) or item.key == "users":
        step = unit * max(1, round(value * share / unit))
        low, high = value - step, value + step
    else:
        low, high = value * (1 - share), value * (1 + share)
    if kind:
        low, high = max(low, kind.least), min(high, kind.most)
    return low if low > 0 else value, high


def _series(changes: Sequence[Change], figures: list[str]) -> Series:
    rows = []
    for each in changes:
        key, value, unit = each.item[:3]
        row = {"key": key, "value": value, "unit": unit, "shown": show(value, "" if unit == "token" else unit)}
        row |= {"low": each.low, "high": each.high}
        rows.append(row | {f"elasticity_{figure}": each.elasticity(figure) for figure in figures})
    long = any(len(each.item.key) > LONG and each.matters(figures[:1]) for each in changes)
    visible = figures[: 2 if long else 3]
    shown = tuple(row for each, row in zip(changes, rows, strict=True) if each.matters(visible))
    main, *others = (f"elasticity_{figure}" for figure in visible)
    heads = {"key": Key("input", "", "1% more of")}
    return Series(("key", "shown", *others), tuple(rows), main, scale="size", shown=shown, keys=heads)


def verdict(changes: Sequence[Change], main: str, met: bool) -> str:
    """The device figure and the other input that count most; money, which only scales, is left out."""
    physical = [each for each in changes if each.matters([main]) and not each.item.unit.startswith("USD")]
    device = next((each for each in physical if each.item.key.startswith("gpu.")), None)
    other = next((each for each in physical if not each.item.key.startswith("gpu.")), None)
    phrase = KEYS[main].phrase
    text = "" if met else "It does not fit or misses its target. "
    text += f"Of the device, {_effect(device, main, phrase)}." if device else f"No device figure moves {phrase}."
    return text + (f" Of the rest, {_effect(other, main, 'it' if device else phrase)}." if other else "")


def _effect(change: Change, main: str, phrase: str) -> str:
    both = change.elasticity(main) or 0.0
    if knee := change.knee(main):
        effect = f"1% more {_percent(knee[1], phrase)}, 1% less {_percent(-knee[0], 'it')}"
    elif change.ends(main)[1][1] == change.item.value:
        effect = f"1% less {_percent(-both, phrase)}"
    else:
        effect = f"1% more {_percent(both, phrase)}"
    return f"{in_words(change.item.key)} counts most: {effect}"


def in_words(key: str) -> str:
    """An input as a person says it: ``the share of the bandwidth in bf16 matrix products``."""
    scope, _, name = key.rpartition(".")
    section, _, rest = name.partition("_")
    if scope == "chip" and section in _KERNELS:
        row = max((each for each in SECTIONS[section] if rest.startswith(f"{each}_")), key=len, default="")
        start, _, _ = rest.removeprefix(f"{row}_").partition("_")
        kernels = _KERNELS[section].format((_ROWS.get(row) or row).replace("_", " "))
        return _REACHED.get(start, "the launch time of {}").format(kernels)
    if name.startswith("flops_"):
        return f"{name.removeprefix('flops_')} arithmetic"
    return "memory" if name in MEMORY_BASES else _NAMES.get(name) or name.replace("_", " ")


def _percent(percent: float, phrase: str) -> str:
    if abs(percent) < LEAST:
        return f"leaves {phrase} as it is"
    return f"{'raises' if percent > 0 else 'lowers'} {phrase} by {show(abs(percent) / 100, 'share')}"


def _notes(
    inputs: list[Input], changes: list[Change], rows: list[Change], figures: list[str], unit: int
) -> Iterator[Note]:
    """What an elasticity is, the inputs that do not matter or were not varied, and a larger change."""
    idle = [each.item.key for each in changes if each.low == each.high]
    implied = [key for key in idle if key == "context"]  # it may follow from the request, and cannot be given beside it
    small = [each.item.key for each in rows if not each.matters(figures)]
    lists = (
        ("zero", "zero, so not varied", [item.key for item in inputs if not item.value]),
        ("follows", "not varied, set by the lengths of a request", implied),
        ("not-varied", "not varied, no value beside it is allowed", [key for key in idle if key not in implied]),
    )
    yield Note(
        "elasticity",
        f"an elasticity is the change in % for each 1% more of an input, in the same layout{_by(changes, unit)}",
    )
    if small:
        inputs_of = f"{many(len(small), 'input')} with an elasticity below {LEAST:g}"
        yield Note("hardly-matters", f"{inputs_of} stand in the rows of --json and --csv alone")
    for code, text, keys in lists:
        if keys:
            yield Note(code, f"{text}: {_named(sorted(keys, key=lambda key: '.' in key))}")
    elasticities = ({f"elasticity_{figure}": each.elasticity(figure) for figure in figures} for each in rows)
    yield from null_notes(elasticities, lambda _: "the figure is zero at a value beside")


def _named(keys: list[str]) -> str:
    """A few inputs, and how many more there are: an answer has all of them."""
    more = len(keys) - NAMED
    return ", ".join(keys) if more <= 1 else f"{', '.join(keys[:NAMED])} and {more} others (inputs of --json)"


def _by(changes: list[Change], unit: int) -> str:
    """By how much inputs were changed for it: whole ones by one at least, all by more where a batch would not move."""
    share = max((each.share for each in changes), default=STEP)
    why = " (less would not move the largest batch)" if share > STEP else ""
    of_stages = f", a batch by {unit}: one of each stage, group and replica" if unit > 1 else ""
    least, most = f"{show(share, 'share')} less", f"{show(share, 'share')} more"
    return f": measured from {least} to {most}{why}, whole numbers by 1 at least{of_stages}"


def _one_sided(rows: list[Change], main: str) -> Iterator[Note]:
    """Inputs at an end of their range, which have an elasticity to one side alone."""
    for side, (code, change, end) in enumerate(_ENDS):
        keys = [each.item.key for each in rows if each.item.value == (each.low, each.high)[side]]
        verb = "is at its" if len(keys) == 1 else "are at their"
        if keys:
            yield Note(code, f"{', '.join(keys)} {verb} {end}: only the {change} was measured")
        ends = [
            each.item.key for each in rows if each.item.key not in keys and each.item.value == each.ends(main)[side][1]
        ]
        if ends:
            yield Note(code, f"{', '.join(ends)}: only the {change} was measured, the other way has no value")
