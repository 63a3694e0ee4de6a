"""Accelerators side by side, from presets alone: balance, time to drain memory, critical batch, growth by year."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import combinations
from math import ceil, inf, isclose, log2
from statistics import median
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses import utilization
from infercost.analyses.many import Outcome, at_point, outcomes_of
from infercost.analyses.prices import kinds_of_prices, of_parts
from infercost.analyses.remarks import NAMED, ends_in, few_names, leaders, ratio_words, ratios_of
from infercost.errors import InfercostError
from infercost.formulas import trend as law
from infercost.models.counting import FLOPS_PER_PARAM
from infercost.models.gguf import has_file
from infercost.parts.accelerator import (
    BASES,
    MEMORY_BASES,
    Rate,
    common_memory,
    find_rate,
    is_binary,
    is_of_a_desktop,
    is_owned,
    joins,
    over_pcie,
)
from infercost.parts.formats import FORMATS, WEIGHTS, Format
from infercost.parts.formats import USUAL_FILE as USUAL
from infercost.parts.preset import Preset, counted
from infercost.report import Input, Note, Report, Row, Series
from infercost.scenario.options import Prices
from infercost.scenario.read import Question, beside
from infercost.scenario.scenario import COMPARED, Scenario
from infercost.scenario.search import SERVERS
from infercost.scenario.usual import MIXED, rent_key
from infercost.units import many, show

COLUMNS = (
    "flops_per_byte", "drain_time_s", "critical_batch", "flops_per_joule", "memory_bytes",
    "memory_bandwidth_bytes_per_s",
)  # fmt: skip
MODEL_COLUMNS = (
    "name", "gpus", "bound_step_time_s", "step_time_s", "tokens_per_s_per_user", "tokens_per_s_per_gpu",
)  # fmt: skip
#: Where a prompt is given: the time to the first token in the place of the bound, or all that there is to rank.
PROMPT_COLUMNS = ("name", "gpus", "ttft_s", *MODEL_COLUMNS[3:])
#: Where some do not hold the model: room for why.
WHY_COLUMNS = ("name", "gpus", "tokens_per_s_per_user", "tokens_per_s_per_gpu")
#: The last column of a table with a price, and without one.
PRICED, UNPRICED = "usd_per_million_tokens", "joules_per_token"
#: Figures of a row that come from the answer of ``utilization``.
_OF_STEP = (
    *MODEL_COLUMNS[1:],
    PRICED,
    f"{PRICED}_decode",
    UNPRICED,
    "bound",
    "utilization",
    "memory_bandwidth_utilization",
)
#: The widths of the layout that a row stands on, null where nothing is split, and its profile of an engine.
_WIDTHS, _ENGINE = ("tp", "pp", "ep"), "efficiency"
#: What a row has beside these where a prompt is given.
_OF_PROMPT = ("ttft_s", "request_time_s")
#: Desktop cards that a machine has at most: a server has slots for so many.
MOST_CARDS = 8
_USER, _DEVICE, _BANDWIDTH = "tokens_per_s_per_user", "tokens_per_s_per_gpu", "memory_bandwidth_bytes_per_s"
#: Options for the step on each accelerator.
MODEL_OPTIONS = (
    *("model", "params", "active_params", "batch", "dp", "context", "rope_scaling"),
    *("input_tokens", "output_tokens", "prefix_share", "shared_prefix"),
    *("chunk_tokens", "dtype", "kv_dtype", "efficiency", "usable", "ubatch", *Prices.__annotations__, "set"),
)
#: Figures that two accelerators have a ratio of.
_OF_TWO = (*COLUMNS, "peak_flops_per_s", "power_w")


#: What the heads of a table of parts stand for.
HEADS = Note(
    "heads",
    "FLOP/B is arithmetic in the time that a byte is read, drain the time to read all of memory once, B* the critical "
    "batch: the sequences at which arithmetic takes as long as reading the weights",
)


#: Figures of a part whose growth is fitted, by the start of their keys.
FIGURES = ("flops", "memory_bandwidth", "memory", "flops_per_byte", "drain_time")
#: Classes of parts by their kind; GPUs are of three.
_CLASSES = {"tpu": "TPUs", "accelerator": "other accelerators", "soc": "SoCs", "superchip": "data-centre GPUs"}
#: The class that the note asks about.
DATA_CENTRE = "data-centre GPUs"
#: Parts of the smallest fit, and how many standard errors a trend is away from none.
LEAST, SURE = 4, 2.0
#: A slope below this is none: its doubling time has no value.
FLAT = 1e-9


class Fit(NamedTuple):
    """The growth of a figure over a class: doublings a year and their error, and the time of one."""

    slope: float
    slope_error: float
    years: float | None
    years_error: float | None
    middle: float = 0.0
    level: float = 1.0

    def at(self, year: float) -> float:
        """The figure on the line in a year, from its level in the middle."""
        return float(self.level * 2 ** (self.slope * (year - self.middle)))

    @property
    def is_sure(self) -> bool:
        """Whether the slope is far enough from nothing."""
        return abs(self.slope) > SURE * self.slope_error


class Dated(NamedTuple):
    """A part with its year of release and its figures."""

    part: Preset
    year: float
    figures: Mapping[str, float]


def answer(scenario: Scenario) -> Report:
    """A row an accelerator, which of them does a job for the least money, or how fast classes of them grow.

    Raises:
        InfercostError: no accelerator can run the model.
    """
    if scenario.question.get("trend"):
        return answer_trend(scenario)
    if scenario.job:
        from infercost.analyses import which  # few comparisons are about a job

        return which.answer(scenario, {name: figures_of() for name, figures_of in _asked(scenario)[1]})
    return _side_by_side(scenario)


def _side_by_side(scenario: Scenario) -> Report:
    """A row an accelerator, with the bound and the estimate of a step where a model is given; ratios of two."""
    question = scenario.question
    basis, asked = _asked(scenario)
    rows = figures = tuple(figures_of() for _, figures_of in asked)
    columns, advice, ratios = tuple[str, ...](), tuple[str, ...](), dict[str, float]()
    if modelled := bool({"model", "params"} & {*question.given}):
        steps, scenario = _steps_on(scenario)
        advice = tuple(_fewer_bits(scenario, steps))
        rows = tuple({**row, **step} for row, step in zip(figures, steps, strict=True))
        lacking, counted = _not_held(scenario, rows), _counted(scenario, rows)
        columns = _model_columns(scenario, rows := _in_order(question, rows))
        verdict = lacking + _model_verdict(scenario, rows) + (least := _cheapest_of_many(question, rows))
        verdict += _ends(scenario, rows) + counted + _engines(rows)
        verdict += (kinds_of_prices(scenario) if least else of_parts(question)) if PRICED in columns else ""
    elif question.get("all"):
        columns, verdict = ("name", "released", *COLUMNS), _trend_verdict(scenario, rows)
    else:
        ratios = ratios_of(rows, _OF_TWO) if len(rows) == 2 else {}
        columns = ("name", *COLUMNS, *(("peak_flops_per_s", "rate", "power_w") if ratios else ()))
        verdict = _verdict(rows, scenario.format)
    return Report(
        command="compare",
        verdict=verdict,
        inputs=scenario.inputs,
        results=tuple(leaders([row for row in rows if row.get("fits")])),
        series=Series(columns, rows, ratios=ratios, one_unit=True),
        advice=advice,
        notes=(*_notes(figures, basis, is_of_steps=modelled), *_unchecked(scenario), *scenario.notes),
        met=all(row.get("fits") is None for row in rows) or any(row.get("fits") for row in rows),
        work=dict(asked),
    )


def _model_columns(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> tuple[str, ...]:
    """The columns of steps on several parts, with why where one that was named has none."""
    cost = PRICED if all(row[PRICED] for row in rows if row["fits"]) else UNPRICED
    missed = any(row["why_not"] for row in rows) and not scenario.question.get("all")
    columns = PROMPT_COLUMNS if _has_prompt(scenario.question) else MODEL_COLUMNS
    kept = WHY_COLUMNS if columns is MODEL_COLUMNS else ("name", "gpus", "ttft_s", _USER)
    return (*kept, cost, "why_not") if missed else (*columns, cost)


def _has_prompt(question: Question) -> bool:
    """Whether the prompt of a request was given."""
    return question.get("input_tokens") is not None


def _unchecked(scenario: Scenario) -> Iterator[Note]:
    """Which parts are cards whose figures nobody checked by hand."""
    if names := ", ".join(part.name for part, _ in scenario.parts if "unchecked" in part.labels):
        yield Note("unchecked", f"not checked by hand, arithmetic derived: {names}; presets show NAME says whence")


def _asked(scenario: Scenario) -> tuple[str, list[tuple[str, Callable[[], dict[str, Any]]]]]:
    """The basis on which memories are counted, and what gives the figures of each accelerator by its name."""
    parts = [part for part, _ in scenario.parts]
    basis, keys = common_memory(parts)
    return basis, [
        (part.name, partial(_figures, part, scenario.format, key, basis)) for part, key in zip(parts, keys, strict=True)
    ]


def _steps_on(scenario: Scenario) -> tuple[list[dict[str, Any]], Scenario]:
    """One step of the model on each accelerator, None where it cannot run, and the scenario with inputs and notes."""
    question = _of_a_step(scenario)
    keys = (*_OF_STEP, *(_OF_PROMPT if _has_prompt(question) else ()))
    points = [{"gpu": part, "gpus": count or (None if joins(part) else 1)} for part, count in scenario.parts]
    outcomes = outcomes_of(utilization.answer, question, points, COMPARED)
    if (problem := outcomes[-1].error) and not any(each.report for each in outcomes):
        raise problem
    rows, inputs, notes = [], list(scenario.inputs), list(scenario.notes)
    whose, left = dict[Note, list[str]](), dict[str, list[str]]()
    for (accelerator, _), each in zip(scenario.parts, outcomes, strict=True):
        if each.report is None:
            why = each.error.what.removeprefix(f"{accelerator.name} ") if each.error else ""
            left.setdefault(why, []).append(accelerator.name)
            rows.append(dict.fromkeys((*keys, *_WIDTHS, _ENGINE, "fits", "shortfall_bytes")) | {"why_not": why})
            continue
        report = each.report
        for note in report.notes:
            if note.code in ("bound", "estimate", "price"):
                whose.setdefault(note, []).append(accelerator.name)
        inputs = beside(inputs, (item for item in report.inputs if item.key in MODEL_OPTIONS))
        rows.append(_row_of(report, keys))
    notes += _layout_note(scenario, rows)
    notes += (Note("left-out", f"{', '.join(names)}: {why}") for why, names in left.items())
    notes += _whole(scenario, whose)
    return rows, _with_replicas(scenario._replace(inputs=tuple(inputs), notes=tuple(notes)), outcomes)


def _row_of(report: Report, keys: Sequence[str]) -> dict[str, Any]:
    """The figures of a step, and what devices that do not hold the model are short by, in the words of ``fit``."""
    short, devices = report["shortfall_bytes"], report["gpus"] // (report.values.get("dp") or 1)
    why = f"short by {show(short / devices, 'B')}{' a device' if devices > 1 else ''}"
    row = {key: report.values.get(key) for key in keys}
    inputs = {item.key: item.value for item in report.inputs}
    row |= {key: inputs.get(key) for key in (*_WIDTHS, _ENGINE)}
    row |= {"fits": report.met, "shortfall_bytes": short, "why_not": None if report.met else why}
    bands = {key: band for key, band in report.bands.items() if key in keys}
    return row | ({"bands": bands} if bands else {})


def _of_a_step(scenario: Scenario) -> Question:
    """The question about one step, of no accelerator yet."""
    given = {name: each for name, each in scenario.question.given.items() if name in MODEL_OPTIONS}
    return scenario.question._replace(command="utilization", given=given, words=(), notes=())


def _fewer_bits(scenario: Scenario, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The format of files that owners of cards run, where it takes fewer of them than what the model is stored in."""
    taken = [row["gpus"] or inf for row in rows]
    if "dtype" in scenario.question.given or "params" in scenario.question.given or max(taken) == 1:
        return
    if any(count is not None or not is_owned(part) for part, count in scenario.parts):
        return
    fewer = []
    for part, _ in scenario.parts:
        try:
            trial = at_point(_of_a_step(scenario), {"gpu": part, "dtype": WEIGHTS[USUAL]}, COMPARED)
        except InfercostError:  # another engine was asked for, or no file holds such a model
            return
        if not trial.rack.plan.fits or not has_file(trial.rack.model):
            return
        fewer.append((trial.rack.devices * trial.copies, part.name))
    if sum(count for count, _ in fewer) < sum(taken):
        yield f"--dtype {USUAL} takes {', '.join(f'{counted(count, name)}' for count, name in fewer)}"


def _with_replicas(scenario: Scenario, outcomes: Sequence[Outcome]) -> Scenario:
    """The scenario with how many replicas of each part were chosen as a note, where an input would say it of all."""
    asked = [{item.key: item for item in each.report.inputs} for each in outcomes if each.report]
    if all("dp" not in one or not one["dp"].assumed for one in asked):
        return scenario
    kept = [item for item in scenario.inputs if item.key not in ("dp", "batch") or not item.assumed]
    counts = [f"{one['dp'].value if 'dp' in one else 1:,} of {one['gpu'].value}" for one in asked]
    note = Note("replicas", f"replicas that share the devices and the batch: {', '.join(counts)}")
    return scenario._replace(inputs=tuple(kept), notes=(*scenario.notes, note))


def _whole(scenario: Scenario, whose: dict[Note, list[str]]) -> Iterator[Note]:
    """The notes of parts after their names; of many prices what is not known as one, what is by its bases alone."""
    basis = scenario.question.get("price_basis") or next(iter(BASES))
    free = {part.name for part, _ in scenario.parts if rent_key(part, basis) is None}
    priced = [names[0] for note, names in whose.items() if note.code == "price" and names[0] not in free]
    unpriced = [names[0] for note, names in whose.items() if note.code == "price" and names[0] in free]
    hidden = unpriced if len(unpriced) > 1 else []
    if len(priced) > NAMED and any(note.code == MIXED for note in scenario.notes):
        hidden = [*hidden, *priced]
    for note, names in whose.items():
        if note.code != "price" or names[0] not in hidden:
            yield _of_parts(note, names, len(scenario.parts))
    if len(unpriced) > 1:
        yield Note("price", f"no price is known of {few_names(unpriced)}: costs need --price")


def _of_parts(note: Note, names: list[str], parts: int) -> Note:
    """A note after the accelerators that it is of, where it is not of all and does not name them."""
    alone = len(names) < parts and note.code != "price"
    return note._replace(text=f"{', '.join(names)}: {note.text}") if alone else note


def _beyond_a_machine(rows: Iterable[Mapping[str, Any]], scenario: Scenario) -> str:
    """A caution on desktop cards in numbers that no machine has."""
    desktops = {part.name for part, _ in scenario.parts if part.labels.get("segment") == "desktop"}
    many_of = [row for row in rows if row["fits"] and row["name"] in desktops and row["gpus"] > MOST_CARDS]
    cards = few_names(counted(row["gpus"], row["name"]) for row in many_of)
    return f" No machine has {cards}: desktop cards are at most {MOST_CARDS} in one." if cards else ""


def _model_verdict(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> str:
    """The fastest accelerator for one user, or each of a batch, and the one with the most tokens a device."""
    able = [row for row in rows if row["fits"]]
    if not able:
        return "The model fits none of these."
    given = {item.key: item.value for item in scenario.inputs}
    batch, between = given.get("batch", 1), " between prompts" if "input_tokens" in given else ""
    who, rate = ("one user", "tokens/s") if batch == 1 else (f"a user at batch {batch:,}", f"tokens/s{between}")
    if scenario.question.get("output_tokens") == 1 and all(row.get("ttft_s") for row in able):
        return _first_token(able)
    fast, *others = sorted(able, key=lambda row: -row[_USER])
    dense = max(able, key=lambda row: row[_DEVICE])
    bound = f"(bound {show(1 / fast['bound_step_time_s'])})"
    if isclose(fast[_USER] * fast["bound_step_time_s"], 1):
        bound = "at best"
    place = counted(fast["gpus"], fast["name"])
    if not others:
        text = f"{who[0].upper()}{who[1:]} gets {show(fast[_USER])} {rate} {bound} on {place}{_layout_words(fast)}"
        return f"{text}, {show(fast[_DEVICE])} a device."
    text = f"{place} is fastest for {who}, {show(fast[_USER])} {rate} {bound}"
    text += _beside_second(fast, others) + _if_near(fast, others[0])
    text += _in_prompts(able, fast)
    if dense[_DEVICE] == fast[_DEVICE] == fast[_USER]:
        return f"{text}."
    names = [row["name"] for row in able]
    densest = counted(dense["gpus"], dense["name"]) if names.count(dense["name"]) > 1 else dense["name"]
    if dense is fast:
        return f"{text}; it has the most tokens/s a device too, {show(dense[_DEVICE])}{_a_device(dense, able)}."
    most = f"{show(dense[_DEVICE])} tokens/s{_a_device(dense, able)}"
    return f"{text}; {densest} has the highest throughput per device, {most}."


def _ends(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> str:
    """What lies beyond one machine, and which parts are left out, as sentences."""
    return _beyond_a_machine(rows, scenario) + _missed(scenario, rows)


def _cheapest_of_many(question: Question, rows: Sequence[Mapping[str, Any]]) -> str:
    """The part whose tokens cost least under the usual load of many, where lengths but no batch were given."""
    able, asked = [row for row in rows if row["fits"]], question.given
    reads, lengths = question.get("output_tokens") == 1, {"input_tokens", "output_tokens"}
    if len(able) < 2 or reads or not lengths & {*asked} or {"params", "batch"} & {*asked}:
        return ""
    from infercost.analyses import which  # few comparisons name the cheapest too

    try:
        job = at_point(question, {"sort": "cost"}, COMPARED)
    except InfercostError:  # counts that were given are no answer to a job
        return ""
    report = which.answer(job, {})
    able = [row for row in (report.series.rows if report.series else ()) if not row["why_not"]]
    if len(able) < 2 or job.job is None:  # beside a part without a price none is cheapest
        return ""
    first = able[0]
    usd = f"{show(first[PRICED], 'USD')} a million output tokens"
    assumed = ", at an assumed price" if any(key.startswith("rent") for key in first.get("weak") or ()) else ""
    users = f"{ceil(job.job.concurrent):,} users at once (--concurrency)"
    return f" Cheapest with {users} is {_placed(first)}, {usd}{assumed}."


def _layout_words(row: Mapping[str, Any]) -> str:
    """The layout of several devices, which is not the one that serves most when full."""
    widths = {key: row[key] for key in _WIDTHS if (row.get(key) or 1) > 1}
    return f" in {' '.join(f'{key} {width}' for key, width in widths.items())}" if widths else ""


def _layout_note(scenario: Scenario, rows: Iterable[Mapping[str, Any]]) -> Iterator[Note]:
    """The layouts of several parts, where these are split."""
    steps = zip(scenario.parts, rows, strict=True)
    placed = [f"{part.name}{words.removeprefix(' in')}" for (part, _), row in steps if (words := _layout_words(row))]
    if len(placed) > 1:
        yield Note("layout", f"in what is fastest for a user at this batch, not when full: {few_names(placed)}")


def _first_token(able: Sequence[dict[str, Any]]) -> str:
    """The first to the first token, where it is the only one that is asked for, and the second."""
    first, *others = sorted(able, key=lambda row: float(row["ttft_s"]))
    place, takes = counted(first["gpus"], first["name"]), show(first["ttft_s"], "s")
    if not others:
        return f"The first token takes {takes} on {place}."
    times = show(others[0]["ttft_s"] / first["ttft_s"], "x")
    return f"{place} is first to the first token, {takes}: {times} as fast as {_placed(others[0])}."


def _placed(row: Mapping[str, Any]) -> str:
    return counted(row["gpus"], row["name"])


def _in_prompts(able: Sequence[dict[str, Any]], fast: dict[str, Any]) -> str:
    """The first to the first token, and where it is not the fastest after it, how long a request takes on both."""
    if not all(row.get("ttft_s") for row in able):
        return ""
    first, second = sorted(able, key=lambda row: float(row["ttft_s"]))[:2]
    who = "it" if first is fast else _placed(first) if first["gpus"] != fast["gpus"] else first["name"]
    times = show(second["ttft_s"] / first["ttft_s"], "x")
    text = f"; in prompts {who} is first{' too' if first is fast else ''}: {show(first['ttft_s'], 's')} to the first "
    text += f"token, {times} as fast{'' if len(able) == 2 else f' as {_placed(second)}'}"
    if first is fast or not all(row["request_time_s"] for row in (first, fast)):
        return text
    whole = (f"{show(row['request_time_s'], 's')} on {row['name']}" for row in (first, fast))
    return f"{text}; a request takes {', '.join(whole)}"


def _a_device(dense: dict[str, Any], able: Sequence[dict[str, Any]]) -> str:
    """How many times as many tokens a device as the only other has, where the counts of devices differ."""
    others = [row for row in able if row is not dense]
    if len(others) != 1 or others[0]["gpus"] == dense["gpus"]:
        return ""
    second = others[0]
    return f", {show(dense[_DEVICE] / second[_DEVICE], 'x')} the {show(second[_DEVICE])} of {second['name']}"


def _missed(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> str:
    """The parts that were named and have no numbers, each with why; of many how many they are."""
    missed = [row for row in rows if row["why_not"]]
    if len(missed) > NAMED or (missed and scenario.question.get("all")):
        return f" {many(len(missed), 'part')} of {len(rows)} left out: --json says why."
    held = (f"{counted(row['gpus'], row['name'])} does not hold it, {row['why_not']}" for row in missed if row["gpus"])
    asked = (f"{row['name']} is left out: {row['why_not']}" for row in missed if not row["gpus"])
    return "".join(f" {each}." for each in (*held, *asked))


def _beside_second(fast: dict[str, Any], others: Sequence[dict[str, Any]]) -> str:
    """How many times as fast as the only other it is, and the ratio of bandwidths where these bind; or the second."""
    second = others[0]
    if len(others) > 1:
        return f", second {counted(second['gpus'], second['name'])}, {show(second[_USER])}"
    counts = {fast["gpus"], second["gpus"]}
    times, other = show(fast[_USER] / second[_USER], "x"), _placed(second)
    text = f", as fast as {other}" if times == "1x" else f", {times} the {show(second[_USER])} of {other}"
    if len(counts) > 1 or fast["name"] == second["name"] or {fast["bound"], second["bound"]} != {"memory"}:
        return text
    bandwidth = fast[_BANDWIDTH] / second[_BANDWIDTH]
    return f"{text} with {show(bandwidth, 'x')} its bandwidth" if times != "1x" else text


def _if_near(fast: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """That each of two estimates lies in the interval of the other, so that their order is open; bounds have none."""
    own, other = (ends_in(row, _USER) or (inf, inf) for row in (fast, second))
    near = own[0] <= second[_USER] and fast[_USER] <= other[1] < inf and show(fast[_USER] / second[_USER], "x") != "1x"
    return ", within the error of these estimates" if near else ""


def _counted(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> str:
    """Counts that are more than help a user."""
    said = dict[str, None]()
    for (part, count), row in zip(scenario.parts, rows, strict=True):
        gpus = row["gpus"] if row["fits"] else None
        if gpus and count is not None and count > gpus:
            said[f" One user is no faster on all {counted(count, part.name)} than on {gpus}."] = None
    return "".join(said)


def _in_order(question: Question, rows: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """Each part on so many devices once, by speed where that was asked for: a load would make it a job."""
    once = tuple({(row["name"], row["gpus"]): row for row in reversed(rows)}.values())[::-1]
    if not question.get("sort"):
        return once
    return tuple(sorted(once, key=lambda row: -(row[_USER] or 0) if row["fits"] else 1))


def _not_held(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> str:
    """Of which parts one does not hold the model, beside counts or one of others, as the start of a verdict."""
    gpus = {part.name: row["gpus"] for (part, count), row in zip(scenario.parts, rows, strict=True) if count is None}
    few = {name: count for name, count in gpus.items() if (count or 1) > 1}
    counted_ones = any(count for _, count in scenario.parts)
    if not counted_ones and (len(few) > NAMED or 1 not in gpus.values()):
        return ""
    return "".join(f"One {name} does not hold the model: {count} do. " for name, count in few.items())


def _engines(rows: tuple[dict[str, Any], ...]) -> str:
    """The engine of each of a few parts, where they are not one, as the end of a verdict: layouts are its own."""
    whose = dict[str, list[str]]()
    for row in rows:
        if row["fits"]:  # backends of one engine, as llama.cpp-metal, are one
            whose.setdefault(row[_ENGINE].partition("-")[0], []).append(row["name"])
    if len(whose) < 2 or len(rows) > NAMED:
        return ""
    each = (f"{name} on {few_names(sorted({*names}))}" for name, names in sorted(whose.items()))
    return f" Engines differ: {', '.join(each)}."


def _figures(part: Preset, format: Format, key: str, basis: str) -> dict[str, Any]:
    rate = find_rate(part, format)
    bandwidth = part.value("memory_bandwidth")
    power, memory = part.facts.get("power"), _memory(part, key, basis)
    peak = rate.fact.value if rate else None
    return {
        "name": part.name,
        "released": part.labels.get("released"),
        "rate": rate.name if rate else None,
        "peak_flops_per_s": peak,
        "flops_per_byte": peak and formulas.step.flops_per_byte(peak_flops=peak, memory_bandwidth=bandwidth),
        "drain_time_s": memory and formulas.memory.drain_time(device_memory=memory, memory_bandwidth=bandwidth),
        "critical_batch": peak and _critical_batch(peak, bandwidth, format),
        "flops_per_joule": peak and power and formulas.step.flops_per_joule(peak_flops=peak, power=power.value),
        "memory_bytes": memory,
        "memory_bandwidth_bytes_per_s": bandwidth,
        "power_w": power and power.value,
        "weak": _weak(part, rate, key),
    }


def _memory(part: Preset, key: str, basis: str) -> float | None:
    """The bytes of one figure of memory; as sold a GiB counts as a GB."""
    if (fact := part.facts.get(key)) is None:
        return None
    sold = basis == MEMORY_BASES["memory"] and is_binary(fact.value)
    return formulas.memory.sold_memory(binary_memory=fact.value) if sold else fact.value


def _weak(part: Preset, rate: Rate | None, memory: str) -> list[str]:
    """Weak figures of a row; a vector rate that stands in for a matrix rate is one."""
    used = (memory, "memory_bandwidth", "power", rate.key if rate else "")
    weak = [key for key in used if key in part.facts and part.facts[key].weak]
    return [*weak, "no matrix rate"] if rate and rate.name == "fp32" and not weak else weak


def _critical_batch(peak: float, bandwidth: float, format: Format) -> float:
    """The critical batch of any dense model, per parameter: the model cancels."""
    return formulas.step.critical_batch(
        peak_flops=peak,
        compute_share=1,
        bytes_read=format.bytes_per_value,
        memory_bandwidth=bandwidth,
        memory_share=1,
        flops_per_token=FLOPS_PER_PARAM,
    )


def _verdict(rows: tuple[dict[str, Any], ...], format: Format) -> str:
    known = [row for row in rows if row["flops_per_byte"]]
    if not known:
        return f"No dense rate is known for {', '.join(row['name'] for row in rows)} ({format.name})."
    balances = ", ".join(f"{row['name']} {show(row['flops_per_byte'])}" for row in known)
    balance = f"FLOP in the time that a byte is read ({format.name}): {balances}."
    if len(rows) == 1:
        return f"{balance[:-1]}; its arithmetic is full at batch {show(known[0]['critical_batch'])}."
    if len(rows) != 2:
        return balance
    second = rows[1]
    words = {"memory_bytes": "memory", "memory_bandwidth_bytes_per_s": "bandwidth", "power_w": "power"}
    ratios = ", ".join(
        ratio_words(ratio, words[key]) for key, ratio in ratios_of(rows, _OF_TWO).items() if key in words
    )
    full = f"{second['name']}'s arithmetic is full at batch {show(second['critical_batch'])}; "
    return f"{balance} {full if second['critical_batch'] else ''}it has {ratios}."


def _trend_verdict(scenario: Scenario, rows: tuple[dict[str, Any], ...]) -> str:
    pairs = [(part, row) for (part, _), row in zip(scenario.parts, rows, strict=True) if _is_server(part)]
    same = yearly_growth([(year_of(part), row["flops_per_byte"]) for part, row in pairs])
    best = yearly_growth([(year_of(part), _best_balance(part)) for part, _ in pairs])
    drain = yearly_growth([(year_of(part), row["drain_time_s"]) for part, row in pairs])
    answer = "is not" if best >= 0 else "is"
    return (
        f"FLOP per byte has a median trend of {same:+.0%} a year at {scenario.format.name} and of {best:+.0%} at each "
        f"part's fastest format, over {len(pairs)} parts with a scale-up link, so the imbalance {answer} being "
        f"engineered away; the time to drain memory has {drain:+.0%}. --trend says how sure that is."
    )


def _best_balance(part: Preset) -> float | None:
    rates = [fact.value for key, fact in part.facts.items() if key.startswith("flops_")]
    return max(rates) / part.value("memory_bandwidth") if rates else None


def yearly_growth(points: list[tuple[float, float | None]]) -> float:
    """Growth per year: the median slope of the logarithm over all pairs of dates (Theil 1950, Sen 1968)."""
    known = [(year, log2(value)) for year, value in points if value]
    slopes = [
        (later - earlier) / (last - first)
        for (first, earlier), (last, later) in combinations(sorted(known), 2)
        if last > first
    ]
    return float(2 ** median(slopes) - 1) if slopes else 0.0


def _is_server(part: Preset) -> bool:
    """Whether a part was sold, with a date, to be linked to its like."""
    return part.labels.get("kind") in SERVERS and "released" in part.labels and "link_domain" in part.facts


def _notes(rows: tuple[dict[str, Any], ...], basis: str, *, is_of_steps: bool) -> Iterator[Note]:
    if not is_of_steps:
        yield HEADS
    if basis and not is_of_steps and any(row["memory_bytes"] for row in rows):
        yield Note("memory-counted", f"memory, and the time to drain it, is counted {basis}, in GB of 1e9 bytes")
    if any(row["weak"] for row in rows):
        yield Note("weak-figure", "~ marks a part with an uncertain figure among these: presets show NAME says which")
    by_rate: dict[str | None, list[str]] = {}
    for row in rows:
        by_rate.setdefault(row["rate"], []).append(row["name"])
    if len(by_rate) > 1:
        each = ", ".join(f"{rate} on {', '.join(names)}" for rate, names in by_rate.items() if rate)
        each = each if len(rows) <= NAMED else "see rate in JSON"
        yield Note("rates", f"parts compute at the fastest format that serves these weights: {each}")
    for key in rows[0]:
        if names := ", ".join(row["name"] for row in rows if row[key] is None):
            yield Note("null", f"{key} is null for {names}: no figure is known")
    if any(row["name"] == "human-brain" for row in rows):
        brain = (
            "the brain's bandwidth is derived, not measured: one pass over 100 TB at 2 FLOP a synapse for 3e15 "
            "FLOP/s; its 23 W is the note's 700 W / 30, with the usual 20 W an H100 draws 35x"
        )
        yield Note("brain", brain)


# Is it being engineered away? How fast arithmetic, bandwidth and memory grow, and their ratios, by class of part.


def answer_trend(scenario: Scenario) -> Report:
    """A row a class of parts, with the time in which each figure doubles, and what that says of the imbalance."""
    classes = classes_of(scenario)
    fitted = {name: {key: fit(parts, key) for key in FIGURES} for name, parts in classes.items() if len(parts) >= LEAST}
    main = DATA_CENTRE if DATA_CENTRE in fitted else next(iter(fitted), "")
    rows = tuple(_row(name, classes[name], fits) for name, fits in fitted.items())
    return Report(
        command="compare",
        verdict=_growth_verdict(scenario, main, classes.get(main, []), fitted.get(main, {})),
        inputs=(*scenario.inputs, *(_inputs(classes[main]) if main else ())),
        results=tuple(_results(fitted.get(main, {}), main)),
        series=_series(rows),
        notes=(*_growth_notes(classes, fitted), *scenario.notes),
        met=bool(fitted),
        work=(lambda: _shown_work(scenario, main)) if main else None,
    )


def _series(rows: tuple[dict[str, Any], ...]) -> Series | None:
    columns = ("name", "parts_fitted", *map(_key, FIGURES))
    return Series(columns, rows, shown=tuple(map(_shown, rows))) if rows else None


def _shown_work(scenario: Scenario, name: str) -> None:
    """The fits of a class's arithmetic, bandwidth and balance, once more from its figures."""
    of = tuple(each for each in scenario.parts if class_of(each[0]) == name)
    parts = classes_of(scenario._replace(parts=of))[name]
    for key in ("flops", "memory_bandwidth", "flops_per_byte"):
        fit(parts, key)


def classes_of(scenario: Scenario) -> dict[str, list[Dated]]:
    """The parts that have a date and all figures, by class, the oldest first."""
    classes: dict[str, list[Dated]] = {}
    for part, _ in scenario.parts:
        rate = find_rate(part, scenario.format)
        known = rate and rate.name != "fp32" and {"memory", "memory_bandwidth"} <= {*part.facts}
        if not known or rate is None or "released" not in part.labels or (name := class_of(part)) is None:
            continue
        flops, bandwidth, memory = rate.fact.value, part.value("memory_bandwidth"), part.value("memory")
        balance = formulas.step.flops_per_byte(peak_flops=flops, memory_bandwidth=bandwidth)
        drain = formulas.memory.drain_time(device_memory=memory, memory_bandwidth=bandwidth)
        values = dict(zip(FIGURES, (flops, bandwidth, memory, balance, drain), strict=True))
        classes.setdefault(name, []).append(Dated(part, year_of(part), values))
    return {
        name: sorted(parts, key=lambda each: (each.year, each.part.name))
        for name, parts in sorted(classes.items(), key=_first)
    }


def _first(item: tuple[str, list[Dated]]) -> tuple[bool, str]:
    return item[0] != DATA_CENTRE, item[0]


def class_of(part: Preset) -> str | None:
    """The class of a part; None for what is no accelerator."""
    kind = part.labels.get("kind", "")
    if kind != "gpu":
        return _CLASSES.get(kind)
    return "desktop cards" if is_of_a_desktop(part) else "inference cards" if over_pcie(part) else DATA_CENTRE


def year_of(part: Preset) -> float:
    """The date of a part's release as a year; the middle of what is not known of it."""
    year, *rest = map(int, part.labels["released"].split("-"))
    if not rest:
        return year + 0.5
    day = date(year, rest[0], rest[1] if len(rest) > 1 else 15)
    return year + (day - date(year, 1, 1)).days / (date(year + 1, 1, 1) - date(year, 1, 1)).days


def fit(parts: Sequence[Dated], key: str) -> Fit:
    """The straight line of a figure's doublings over the years of its parts, by least squares."""
    first, count = parts[0], float(len(parts))
    years = [law.years_since(release_year=each.year, first_year=first.year) for each in parts]
    logs = [law.doublings(part_figure=each.figures[key], first_figure=first.figures[key]) for each in parts]
    middle = law.mean_years(years_of_parts=years, parts_fitted=count)
    mean = law.mean_doublings(doublings_of_parts=logs, parts_fitted=count)
    spread = law.years_spread(years_of_parts=years, parts_fitted=count, mean_years=middle)
    scatter = law.doublings_spread(doublings_of_parts=logs, parts_fitted=count, mean_doublings=mean)
    joint = law.joint_spread(
        years_of_parts=years, doublings_of_parts=logs, parts_fitted=count, mean_years=middle, mean_doublings=mean
    )
    slope = law.doublings_a_year(joint_spread=joint, years_spread=spread)
    error = law.doublings_a_year_error(
        doublings_spread=scatter, doublings_a_year=slope, joint_spread=joint, years_spread=spread, parts_fitted=count
    )
    through = first.year + middle, first.figures[key] * 2**mean
    if abs(slope) < FLAT:
        return Fit(slope, error, None, None, *through)
    doubled = law.doubling_years(doublings_a_year=slope)
    doubled_error = law.doubling_years_error(doublings_a_year=slope, doublings_a_year_error=error)
    return Fit(slope, error, doubled, doubled_error, *through)


def _key(figure: str) -> str:
    return f"{figure}_doubling_years"


def _row(name: str, parts: Sequence[Dated], fits: Mapping[str, Fit]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "parts_fitted": len(parts)}
    for figure, found in fits.items():
        row |= {_key(figure): found.years, f"{_key(figure)}_error": found.years_error}
    return row


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for people: each time with its error."""
    cells = {_key(figure): _with_error(row[_key(figure)], row[f"{_key(figure)}_error"]) for figure in FIGURES}
    return {**row, **cells}


def _with_error(years: float | None, error: float | None) -> str:
    if years is None or error is None:
        return "-"
    if abs(years) < SURE * error:
        return "no trend"
    return f"{years:.2g} ± {error:.1g}"


def _results(fits: Mapping[str, Fit], main: str) -> Iterator[Row]:
    for figure, found in fits.items():
        words = f"± {show(found.years_error, most=2)}" if found.years_error is not None else "does not grow"
        sure = main if found.is_sure else f"{main}: no trend beyond its error"
        yield Row(_key(figure), found.years, f"{words}, {sure}")
        yield Row(f"{_key(figure)}_error", found.years_error, shown=False)


def _growth_verdict(scenario: Scenario, main: str, parts: Sequence[Dated], fits: Mapping[str, Fit]) -> str:
    if not fits:
        return f"No class has {LEAST} parts with a release date and all figures: no trend can be fitted."
    span = f"{many(len(parts), 'part')} of {parts[0].year:.0f} to {parts[-1].year:.0f}"
    ratio, flops, bandwidth = (fits[key] for key in ("flops_per_byte", "flops", "memory_bandwidth"))
    text = (
        f"FLOP per byte {_change(ratio)} in {main} ({span}): FLOP/s in {scenario.format.name} double every "
        f"{_years(flops)}, memory bandwidth every {_years(bandwidth)}, so {_so(ratio)}."
    )
    if scenario.question.get("dtype") is not None:
        return text
    eight = classes_of(scenario._replace(format=FORMATS["8bit"])).get(main, [])
    return f"{text} In 8 bits FLOP per byte {_change(fit(eight, 'flops_per_byte'))}." if len(eight) >= LEAST else text


def _change(found: Fit) -> str:
    """How a ratio changed a year, with one standard error of it."""
    growth, error = 2**found.slope - 1, 2**found.slope_error - 1
    return f"{'grew' if growth >= 0 else 'fell'} {abs(growth):.0%} a year (± {error:.0%})"


def _so(ratio: Fit) -> str:
    """Whether the imbalance is being engineered away, as far as its growth and the error of that tell."""
    if ratio.is_sure:
        grows = ratio.slope > 0
        return f"the imbalance {'grows: it is not' if grows else 'shrinks: it is'} being engineered away"
    ends = (2 ** (ratio.slope + side * SURE * ratio.slope_error) - 1 for side in (-1, 1))
    low, high = (f"{end:+.0%}".replace("-0%", "0%") for end in ends)
    return f"nothing shows that the imbalance is being engineered away: two standard errors span {low} to {high}"


def _years(found: Fit) -> str:
    if found.years is None or found.years_error is None:
        return "endless years"
    return f"{abs(found.years):.2g} years (± {found.years_error:.1g})"


def _inputs(parts: Sequence[Dated]) -> Iterator[Input]:
    """The dates of the class that the verdict is about."""
    yield Input("parts_fitted", len(parts), "", "presets with a release date and all figures")
    for part, year, _ in parts:
        source = part.labels["released_source"], part.labels["released_date"]
        yield Input(f"{part.name}.released", year, "", f"preset {part.name}", *source)


def _growth_notes(classes: Mapping[str, Sequence[Dated]], fitted: Mapping[str, Mapping[str, Fit]]) -> Iterator[Note]:
    yield Note(
        "trend", "least squares of the logarithm over release dates, one standard error; every part counts alike"
    )
    if few := ", ".join(f"{name} ({len(parts)})" for name, parts in classes.items() if name not in fitted):
        yield Note("left-out", f"fewer than {LEAST} parts: {few}")
    empty = [_key(key) for fits in fitted.values() for key, found in fits.items() if found.years is None]
    if empty:
        yield Note("null", f"{', '.join(dict.fromkeys(empty))}, and its error, is null where a figure does not grow")
