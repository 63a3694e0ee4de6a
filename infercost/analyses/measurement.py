"""What a measured throughput is: shares of the arithmetic and of the bandwidth, of an estimate and of the bound."""

from collections.abc import Iterator
from functools import partial
from math import ceil, inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.hosts import holds
from infercost.analyses.many import at_point
from infercost.analyses.remarks import PILED, gives_length, kind, why_null
from infercost.analyses.step import (
    reads_alone,
    step_pace,
    step_results,
    use_of_prompts,
    use_with_prompts,
)
from infercost.errors import BadValue, InfercostError
from infercost.evidence.predict import ROUNDING
from infercost.parts.accelerator import called
from infercost.parts.bands import is_local
from infercost.parts.preset import counted
from infercost.replica.layout import Layout
from infercost.replica.serving import best_prompt_time, best_step, full_prefill_time, paid_rate, prompts_gap
from infercost.replica.step import Pace, Replica, bytes_of_step, drafted_tpot, pace_of, times_of
from infercost.replica.work import work_of
from infercost.report import Report, Row
from infercost.scenario.options import flag
from infercost.scenario.scenario import Load, Scenario
from infercost.scenario.usual import LENGTHS
from infercost.units import digits, many, show

KEYS = (
    "measured_utilization",
    "measured_memory_bandwidth_utilization",
    "measured_over_estimate",
    "measured_over_bound",
    "measured_bytes_per_s",
)
#: The tokens/s that an MFU is.
RATE = "measured_tokens_per_s"
#: What a million of them cost.
PRICE = "measured_usd_per_million_tokens"
_OF_MEMORY = ("measured_memory_bandwidth_utilization", "measured_bytes_per_s")
#: Why a share or a ratio has no value where the others have one.
_NO_STEPS = "nothing is decoded, and what prompts read is not counted"
_PROMPTS, _ARRIVALS = "what prompts read between steps is not counted", "arrivals set the rate, no step does"
#: What says, for all devices, in which layout something was measured.
_WIDTHS = ("tp", "pp", "dp", "ep")
#: The share of the bound that is close to it.
CLOSE = 0.9
#: What a batch takes the place of.
_OF_SLOTS = ("concurrency", "num_prompts")
_ASK_BATCH = "How many sequences decoded at once? Give --batch or --concurrency"
#: Tokens of a short context, as people measure one user with, and the origin of an answer at it.
SHORT, ORIGIN = 512, "a short context"
#: The start of a verdict on what no stack reaches.
_IMPOSSIBLE = "Not possible"


class Against(NamedTuple):
    """What a measurement is held against: tokens/s of the same work, its shares, and tokens/s that no stack beats.

    ``least`` is the share of the bandwidth that its steps alone use, where prompts read more between them. ``key`` is
    what the rate is called in a report, ``batch`` what a replica decodes at once.
    """

    rate: float
    utilization: float | None
    bandwidth: float | None
    bound: float | None
    least: float | None = None
    key: str = "tokens_per_s"
    batch: float = 1.0


def with_measured(report: Report, scenario: Scenario, results: dict[str, Any], pace: Pace | None = None) -> Report:
    """The report with what the measured tokens/s are, first in its verdict, by the results of one replica."""
    if not is_met(scenario, results):
        return _unmet(report, scenario)
    scenario, against = held_against(scenario, results, pace)
    found = found_of(scenario, against)
    said, over = _verdict(scenario, against, found, _place(report, against, found)), found["measured_over_bound"] or 0.0
    refuted = said.startswith(_IMPOSSIBLE) and not scenario.is_row
    return report.replace(
        verdict=f"{said}{_price_words(scenario, against, over)} {report.verdict}",
        results=(*report.results, *_rows(scenario, against, found), *_price_rows(scenario, over)),
        advice=tuple(_at_twice(scenario, found)),  # nothing else: nobody asked to change the estimate
        met=report.met and not refuted,
    )


def _unmet(report: Report, scenario: Scenario) -> Report:
    """The report where nothing runs as asked; of what does not fit, what its bound would be with memory enough."""
    fits = scenario.rack.plan.fits
    why = PILED if fits else "the model does not fit"
    keys = KEYS if scenario.measured_mfu is None else (RATE, *KEYS)
    rows = {key: Row(key, None, why, shown=False) for key in keys}
    if fits:
        return report.replace(results=(*report.results, *rows.values()))
    said, elsewhere = _refuted(scenario) if scenario.measured else (f"{_IMPOSSIBLE} with these inputs: ", False)
    if elsewhere:
        said = f"{said.removesuffix(': ')}. Give --isl and --osl, or --context. "
    elif (bound := _bound_unheld(scenario)) and (measured := scenario.measured):
        over = formulas.step.measured_over_bound(measured_tokens_per_s=measured, bound_tokens_per_s=bound)
        bound, measured = scenario.copies * bound, scenario.copies * measured
        what = f"{show(bound, '')} {_unit(scenario)}"
        rows["measured_over_bound"] = Row("measured_over_bound", over, f"of {what}, if it fitted", shown=False)
        start = "Even if it did" if over > 1 + ROUNDING else "If it did"
        one = " at the assumed batch 1 (give --batch or --concurrency)" if _assumes_one(scenario) else ""
        said += f"the model does not fit. {start}, {show(measured, '')} would be {_share(over)} the bound of "
        said += f"{what}{one}. "
    else:
        said = f"{said.removesuffix(': ')}. "
    results = (*report.results, *rows.values())
    return report.replace(verdict=said + report.verdict, results=results, met=report.met or elsewhere)


def _bound_unheld(scenario: Scenario) -> float | None:
    """Tokens a second that no stack beats on these devices with memory enough; None of what runs no steps."""
    load = scenario.load
    if reads_alone(scenario) or holds(scenario.rack) or scenario.rack.model.prefill_only:
        return None
    most = max(load.most, load.concurrent or 1.0)
    return _bound(scenario._replace(load=load._replace(most=most)), scenario.batch)


def _place(report: Report, against: Against, found: dict[str, float | None]) -> str:
    """Where a measurement lies in the estimate's interval, which has eight in ten runs; empty without an interval."""
    values, times = report.values, found["measured_over_estimate"]
    if (ends := report.bands.get(against.key)) is None or times is None or not values[against.key]:
        return ""
    low, high = (end / values[against.key] for end in ends)
    if low <= times <= high:
        return ", within the range of eight in ten measured runs,"
    return f", {'slower' if times < low else 'faster'} than nine of ten measured runs of this kind,"


def is_met(scenario: Scenario, results: dict[str, Any]) -> bool:
    """Whether there is a rate to hold a measurement against: the model fits, and its load does not pile up."""
    return scenario.rack.plan.fits and results.get("stable") is not False


def held_against(scenario: Scenario, results: dict[str, Any], pace: Pace | None = None) -> tuple[Scenario, Against]:
    """The scenario with the tokens/s of its claim, and what they are held against: decoding, of no given request."""
    load = scenario.load
    if pace and load.concurrent and load.request and not (gives_length(scenario) or reads_alone(scenario)):
        batch = max(min(load.concurrent, load.most), 1.0)
        scenario = scenario._replace(batch=batch, load=Load(load.request, most=load.most, apart=load.apart))
        pace = pace_of(scenario.running, batch, scenario.draft)
        results = step_results(scenario, batch, pace, bracketed=False)
    scenario = claimed(scenario, results, pace)
    return scenario, against_of(scenario, results, pace)


def against_of(scenario: Scenario, results: dict[str, Any], pace: Pace | None = None) -> Against:
    """The estimate and the bound of the work that is measured: prompts among it where they ride along, or alone."""
    if reads_alone(scenario) or pace is None:
        return _of_prompts(scenario, results)
    running, load, batch, key = scenario.running, scenario.load, results["batch"], "tokens_per_s"
    rate, used, reads = (results[key] for key in ("tokens_per_s", "utilization", "memory_bandwidth_utilization"))
    if is_prompted(scenario):
        reads = None
        if not load.is_steady and load.request:
            key = "tokens_per_s_all_in"
            rate, step = results[key], pace.tpot + prompts_gap(running.replica, batch, load.request)
            served = formulas.request.served_rate(
                busy_share=1, batch=batch, decoded_tokens=load.request.decoded, shared_step=step
            )
            used = use_with_prompts(running, load.request, batch, served, step)
    reads = None if holds(running.rack) else reads
    return Against(rate, used, reads, _bound(scenario, batch), _least(scenario), key, batch)


def claimed(scenario: Scenario, results: dict[str, Any], pace: Pace | None = None) -> Scenario:
    """The scenario with the tokens/s of a replica at the MFU that was measured; unchanged without one.

    Raises:
        BadValue: no MFU of the estimate is known that it could be held against.
    """
    if scenario.measured_mfu is None:
        return scenario
    against, running = against_of(scenario, results, pace), scenario.running
    if not against.utilization:
        what = f"--measured-mfu: no MFU of {running.rack.part.name} is known here"
        raise BadValue(what, "give the tokens/s: --measured-tokens-per-s")
    peak = {"devices": running.rack.devices, "peak_flops": running.rate.fact.value}
    flops = formulas.step.counted_flops(utilization=against.utilization, tokens_per_s=against.rate, **peak)
    rate = formulas.step.tokens_per_s_of_mfu(measured_mfu=scenario.measured_mfu, counted_flops=flops, **peak)
    return scenario._replace(measured=rate)


def _of_prompts(scenario: Scenario, results: dict[str, Any]) -> Against:
    """Tokens a second of prompts, cached ones among them, that keep a replica busy, and of texts as many together."""
    running, request, rack = scenario.running, scenario.load.request, scenario.rack
    assert request is not None
    if rack.model.prefill_only:
        times = [(scenario.batch, results[key]) for key in ("step_time_s", "bound_step_time_s")]
    else:
        bare, copies = _bare(scenario)
        times = [(1.0, full_prefill_time(running.replica, request)), (1 / copies, best_prompt_time(bare, request))]
    each, bound = (formulas.cost.texts_per_s(batch=many, prefill_time=time) for many, time in times)
    used = use_of_prompts(running, request, each)
    read = partial(formulas.cost.input_tokens_per_s, input_tokens=request.input_tokens)
    return Against(read(texts_per_s=each), used, None, read(texts_per_s=bound), key="input_tokens_per_s")


def _least(scenario: Scenario) -> float | None:
    """The share of the bandwidth that the steps of a measurement use at least; None where no number of them is known.

    No more decode at once than are in flight or run; arrivals set no such number, and a draft's steps yield several.
    """
    running, load, request = scenario.running, scenario.load, scenario.load.request
    measured, steps_known = scenario.measured, load.rate is None and not scenario.draft
    if request is None or measured is None or not (steps_known and is_prompted(scenario)):
        return None
    batch = max(min(load.concurrent, load.most), 1.0) if load.concurrent else scenario.batch
    rack, formula = running.rack, formulas.step
    steps = formula.least_steps_per_s(
        measured_tokens_per_s=measured,
        decoded_tokens=request.decoded,
        output_tokens=request.output_tokens,
        batch=batch,
    )
    return formula.least_bandwidth_utilization(
        step_bytes=bytes_of_step(running.replica, batch, rack.plan.context),
        least_steps_per_s=steps,
        devices=rack.devices,
        memory_bandwidth=rack.part.value("memory_bandwidth"),
    )


def is_prompted(scenario: Scenario) -> bool:
    """Whether prompts ride along with the steps that are measured."""
    load = scenario.load
    return bool(load.request) and not (_between_tokens(scenario) or load.apart or holds(scenario.rack))


def _between_tokens(scenario: Scenario) -> bool:
    """Whether a measured rate is that between tokens: llama.cpp prints it of one user, and nobody gave a request."""
    if scenario.load.request is None or scenario.load.is_steady or reads_alone(scenario):
        return False
    return not gives_length(scenario) or (scenario.batch == 1 and is_local(scenario.rack.setup.stack))


def _is_open(scenario: Scenario) -> bool:
    """Whether several devices may have been in any layout: nobody gave widths, and nothing lies in a host."""
    rack, given = scenario.rack, {item.key: item.value for item in scenario.inputs if not item.assumed}
    devices = rack.devices * scenario.copies + scenario.question.idle
    tp, pp, dp, ep = (given.get(width, 1) for width in _WIDTHS)
    placed = max(tp * dp, ep if "tp" in given else 1) * pp == devices
    return devices > 1 and bool(rack.model.family) and not (rack.plan.host or placed or rack.model.prefill_only)


def _bare(scenario: Scenario) -> tuple[Replica, int]:
    """The replica at the speeds that no stack beats and, of an open layout, all devices as one, for so many replicas.

    The one reads weights and caches once, from the memory of all, and sends nothing: no layout is faster.
    """
    running, copies = scenario.running, scenario.copies
    if not _is_open(scenario):
        return Replica(running.replica.work, running.bounds), 1
    devices = running.rack.devices * copies + scenario.question.idle
    work = work_of(running.rack.model, Layout())._replace(layout=Layout(devices), ranks=devices)
    return Replica(work, running.bounds._replace(link_bandwidth=0.0)), copies


def _bound(scenario: Scenario, batch: float) -> float | None:
    """Tokens a second of the same batch or of as many requests in flight that no stack beats; None for arrivals."""
    load, request = scenario.load, scenario.load.request
    if load.rate is not None:
        return None
    bare, copies = _bare(scenario)
    prompted = request is not None and not load.apart and (load.concurrent or is_prompted(scenario))
    batch = copies * (min(load.concurrent, load.most) if load.concurrent and request else batch)
    step = times_of(bare, batch, scenario.rack.plan.context).step
    if scenario.draft:
        _, step = drafted_tpot(scenario.draft, 0.0, step)
    if request is None or not (prompted or load.concurrent):
        return formulas.cost.tokens_per_s(batch=batch, step_time=step) / copies
    if not prompted:
        return paid_rate(request, batch, step, 0.0) / copies
    if batch <= 1:  # nothing decodes while its prompt is read
        return paid_rate(request, batch, step, prompts_gap(bare, batch, request)) / copies
    if load.concurrent:
        batch = formulas.request.most_decoding(
            concurrent_requests=batch, decoded_tokens=request.decoded, output_tokens=request.output_tokens
        )
    return paid_rate(request, batch, best_step(bare, batch, request, scenario.draft), 0.0) / copies


def _read_once(scenario: Scenario, batch: float, spent: float | None) -> float | None:
    """The share of the bandwidth that is spent or, where a layout would spend more than all, what any has to read."""
    if spent is None or spent <= 1 or not _is_open(scenario):
        return spent
    replica, context, (bare, copies) = scenario.running.replica, scenario.rack.plan.context, _bare(scenario)
    return spent * bytes_of_step(bare, batch * copies, context) / bytes_of_step(replica, batch, context) / copies


def found_of(scenario: Scenario, against: Against) -> dict[str, float | None]:
    """The shares and the ratios of the measurement, by JSON key."""
    rates = {"measured_tokens_per_s": scenario.measured or 0.0, "tokens_per_s": against.rate}
    measured, used, reads, bound = rates["measured_tokens_per_s"], against.utilization, against.bandwidth, against.bound
    share, moved = formulas.step.measured_utilization, formulas.step.measured_bandwidth_utilization
    beside = formulas.step.measured_over_bound
    rack, spent = scenario.rack, against.least if reads is None else moved(memory_bandwidth_utilization=reads, **rates)
    spent = _read_once(scenario, against.batch, spent)
    memory = {"devices": rack.devices * scenario.copies, "memory_bandwidth": rack.part.value("memory_bandwidth")}
    values = (
        None if used is None else share(utilization=used, **rates),
        spent,
        formulas.step.measured_over_estimate(**rates),
        None if bound is None else beside(measured_tokens_per_s=measured, bound_tokens_per_s=bound),
        None if spent is None else formulas.step.measured_bytes_per_s(measured_bandwidth_utilization=spent, **memory),
    )
    return dict(zip(KEYS, values, strict=True))


def _rows(scenario: Scenario, against: Against, found: dict[str, float | None]) -> Iterator[Row]:
    prompted, copies = is_prompted(scenario), scenario.copies
    remarks = dict.fromkeys(KEYS, "")
    alone = reads_alone(scenario)
    remarks["measured_utilization"] = "prompts alone" if alone else "prompts counted" if prompted else ""
    remarks |= dict.fromkeys(_OF_MEMORY, "decoding alone: prompts read more" if prompted else "")
    unit = _unit(scenario)
    remarks["measured_over_estimate"] = f"of {show(copies * against.rate, '')} {unit}"
    remarks["measured_over_bound"] = f"of {show(copies * (against.bound or 0.0), '')} {unit}"
    hidden = {"measured_over_estimate"} if kind(scenario.running) == "bound" else set()
    if scenario.measured_mfu is not None:
        yield Row(RATE, copies * (scenario.measured or 0.0), f"{unit} at the MFU that was given")
    for key, value in found.items():
        remark = _why_null(scenario, key) if value is None else remarks[key]
        yield Row(key, value, remark, value is not None and key not in hidden)


def _paid(scenario: Scenario, over: float) -> float | None:
    """USD for a million tokens at the rate that was measured; None above the bound, and where others read prompts."""
    price, measured = scenario.price, scenario.measured
    if not (price and measured) or over > 1 + ROUNDING or scenario.load.apart:
        return None
    devices = scenario.rack.devices
    return formulas.cost.measured_usd_per_million_tokens(price=price, devices=devices, measured_tokens_per_s=measured)


def shown_claim(scenario: Scenario, results: dict[str, Any], pace: Pace | None = None) -> None:
    """What ``--steps`` shows of a measurement: its shares and ratios, and its price."""
    scenario, against = held_against(scenario, results, pace)
    _paid(scenario, found_of(scenario, against)["measured_over_bound"] or 0.0)


def _price_rows(scenario: Scenario, over: float) -> Iterator[Row]:
    """What a million tokens cost at the measured rate, where there is a price."""
    if scenario.price:
        usd = _paid(scenario, over)
        why = "no stack reaches it" if over > 1 + ROUNDING else "prompts have replicas of their own"
        remark = f"{_unit(scenario).removesuffix('/s')}, {'prompts paid' if is_prompted(scenario) else 'no prompts'}"
        yield Row(PRICE, usd, why if usd is None else remark, usd is not None)


def _price_words(scenario: Scenario, against: Against, over: float) -> str:
    """What a million tokens cost as measured and as estimated, where a price was given; the API's words have it too."""
    if "price" not in scenario.question.given or (usd := _paid(scenario, over)) is None:
        return ""
    if scenario.api_price is not None and is_paid_alike(scenario):
        return ""
    estimate = formulas.cost.usd_per_million_tokens(
        price=scenario.price or 0.0, devices=scenario.rack.devices, tokens_per_s=against.rate
    )
    tokens, of = (
        _unit(scenario).removesuffix("/s"),
        "at the bound" if kind(scenario.running) == "bound" else "by the estimate",
    )
    return f" A million {tokens} cost {show(usd, 'USD')} as measured, {show(estimate, 'USD')} {of}."


def is_paid_alike(scenario: Scenario) -> bool:
    """Whether the tokens that were measured pay for what an API bills: their prompts too where a request is known."""
    return not reads_alone(scenario) and (scenario.load.request is None or is_prompted(scenario))


def _why_null(scenario: Scenario, key: str) -> str:
    if key == "measured_over_bound":
        return _ARRIVALS
    if key in _OF_MEMORY and reads_alone(scenario):
        return _NO_STEPS
    if key in _OF_MEMORY and is_prompted(scenario):
        return _PROMPTS
    return why_null("memory_bandwidth_utilization" if key in _OF_MEMORY else "utilization", scenario.rack)


def _verdict(scenario: Scenario, against: Against, found: dict[str, float | None], place: str) -> str:
    """The measurement as shares of the hardware, then against the estimate, with its place, and the bound."""
    copies, unit, shares = scenario.copies, _unit(scenario), list(_shares(scenario, found))
    used, _, times, share, _ = found.values()
    rate = f"{show(copies * against.rate, '')} {unit}"
    number, lies, any_layout = digits(times or 0.0, 3), "", " in any layout" if _is_open(scenario) else ""
    if scenario.load.rate is not None:
        beside = f"all of the {rate} that arrive" if number == "1" else f"{number} times the {rate} that arrive"
    elif kind(scenario.running) == "bound":
        beside = f"{_share(share)} the bound of {show(copies * (against.bound or 0.0), '')} {unit}{any_layout}"
    else:
        beside = f"as estimated ({rate})" if number == "1" else f"{number} times the estimate of {rate}"
        lies = place if number != "1" and (share or 0.0) <= 1 + ROUNDING else ""
        beside += f"{lies} and {_share(share)} the bound{any_layout}"
    false, elsewhere = _refuted(scenario) if share and share > 1 + ROUNDING else ("", False)
    measured = (
        f"{show(copies * (scenario.measured or 0.0), '')} {unit} {'measured ' * (scenario.measured_mfu is None)}is"
    )
    assumed = ""
    if false and not elsewhere and _assumes_one(scenario):
        if (used or 0.0) <= 1 and not is_local(scenario.rack.setup.stack):
            false, measured = f"{_ASK_BATCH}: ", f"{measured}, at the assumed batch 1,"
            if scenario.measured_mfu is not None:  # who asks how many tokens/s an MFU is gets these first
                false, assumed = "", f" {_ASK_BATCH}."
        else:
            assumed = " Batch 1 is assumed: --batch or --concurrency says how many there were."
    beside += "" if false or assumed else _how_close(share)
    comma = (". That is " if lies else ", ") * bool(shares)
    return f"{false}{measured} {' and '.join(shares)}{comma}{beside}.{assumed}"


def _shares(scenario: Scenario, found: dict[str, float | None]) -> Iterator[str]:
    """The shares of the arithmetic and of the bandwidth that a measurement is, those that are known."""
    of = f", {counted}" if (counted := _counted(scenario)) else ""
    used, reads, _, _, moved = found.values()
    if used is not None:
        yield f"{_share(used)} the arithmetic (MFU{of})"
    if reads is None:
        return
    least, alone = ("at least ", ", decoding alone") if is_prompted(scenario) else ("", "")
    lone = scenario.batch == scenario.copies == 1 and not scenario.load.is_steady
    alone = (f", {show(moved, 'B/s')}" if lone else alone) + _as_devices(scenario, reads, moved)
    yield f"{least}{_share(reads)} the bandwidth (MBU{alone})"


def _assumes_one(scenario: Scenario) -> bool:
    """Whether one sequence decodes because nobody said how many."""
    given = any(scenario.question.get(name) is not None for name in ("batch", "concurrency", "request_rate"))
    return not given and scenario.batch == 1 and not reads_alone(scenario)


def _as_devices(scenario: Scenario, reads: float, moved: float | None) -> str:
    """How many devices have the bandwidth that a measurement would take, where those that there are have less."""
    if reads <= 1 or moved is None:
        return ""
    devices = ceil(moved / scenario.rack.part.value("memory_bandwidth"))
    return f", that of {counted(devices, called(scenario.rack.part))}"


def _how_close(share: float | None) -> str:
    """That a measurement within the bound is possible, and where it is close to it."""
    if share is None:
        return ""
    return ": possible, but close to it" if share >= CLOSE else ": possible"


def _at_twice(scenario: Scenario, found: dict[str, float | None]) -> Iterator[str]:
    """What twice a batch that was given gives, where the estimate of it is as far off; no more than any stack does."""
    batch, times, share = scenario.question.get("batch"), found["measured_over_estimate"], found["measured_over_bound"]
    asked = "batch" in scenario.question.given and not (
        scenario.is_row or reads_alone(scenario) or scenario.measured_mfu
    )
    if not asked or not (times and share) or share > 1 + ROUNDING or kind(scenario.running) == "bound":
        return
    twice = {"batch": 2 * batch, "measured_tokens_per_s": None}
    try:
        other = at_point(scenario.question, twice, "twice the batch")
        size, pace, served = step_pace(other)
        results = step_results(other, size, pace, served, bracketed=False)
        if not is_met(other, results):
            return
        against = against_of(other, results, pace)
    except InfercostError:
        return
    rate, unit = other.copies * against.rate, _unit(scenario)
    most = min(times * rate, other.copies * (against.bound or inf))
    text = f"--batch {twice['batch']:,} (leave the measurement out) is estimated at {show(rate, '')} {unit}"
    yield f"{text}: {digits(times, 3)} times that, as here, are {show(most, '')}. infercost calibrate fits two runs"


def _refuted(scenario: Scenario) -> tuple[str, bool]:
    """That no stack reaches a measurement; where nobody gave the context, whether one does at a short one."""
    context, request = scenario.rack.plan.context, scenario.load.request
    given = gives_length(scenario) or "context" in scenario.question.given
    if context <= SHORT or request is None or given or scenario.is_row:
        return f"{_IMPOSSIBLE} with these inputs: ", False
    short: dict[str, Any] = {"context": SHORT}
    if users := scenario.question.get("concurrency"):
        short = {"batch": users} | short
    elif scenario.load.is_steady:
        short = dict.fromkeys(LENGTHS, SHORT * 2 // 3)
    try:
        other = at_point(scenario.question, dict.fromkeys(_OF_SLOTS) | short, ORIGIN)
        batch, pace, served = step_pace(other)
        results = step_results(other, batch, pace, served, bracketed=False)
        if not is_met(other, results):
            return f"{_IMPOSSIBLE} with these inputs: ", False
        other, against = held_against(other, results, pace)
    except InfercostError:
        return f"{_IMPOSSIBLE} with these inputs: ", False
    share, what = found_of(other, against)["measured_over_bound"], f"the assumed {many(context, 'token')} of context"
    if not share or share > 1 + ROUNDING:
        return f"{_IMPOSSIBLE} at {what}, nor at {SHORT:,}: ", False
    flags = " ".join(f"{flag(name)} {show(value, '')}" for name, value in short.items())
    return f"Possible only below {what}; at {SHORT:,} it is {_share(share)} the bound ({flags}): ", True


def _unit(scenario: Scenario) -> str:
    return "input tokens/s" if reads_alone(scenario) else "tokens/s"


def _counted(scenario: Scenario) -> str:
    """Whether prompts are counted, how long they are where nobody said, and what is cached where nothing else is."""
    request = scenario.load.request
    if request and reads_alone(scenario):
        return f"{show(request.prefix_share, 'share')} of them cached" if request.prefix_share else "prompts alone"
    if not is_prompted(scenario):
        return "between tokens" if _between_tokens(scenario) and gives_length(scenario) else ""
    lengths = [item for item in scenario.inputs if item.key in LENGTHS and item.assumed]
    assumed = " and ".join(
        f"{many(item.value, 'token')} {way}" for item, way in zip(lengths, ("in", "out"), strict=False)
    )
    return f"prompts counted, {assumed} assumed" if len(lengths) == 2 else "prompts counted"


def _share(value: float | None) -> str:
    """A share before what it is of: ``57.1% of``, ``395x``."""
    text = show(value, "share")
    return text if text.endswith("x") else f"{text} of"
