"""One step over batch sizes: where the knee is, and what a lone user pays against a full batch."""

from math import ceil
from typing import Any

from infercost import formulas
from infercost.analyses import remarks, worth
from infercost.analyses.fit import misfits, more_room
from infercost.analyses.hosts import (
    at_batch,
    decoding_paid,
    holds,
    host_notes_of_batches,
    known,
    memory_words,
    no_knee,
)
from infercost.analyses.many import at_point
from infercost.analyses.prices import with_own
from infercost.analyses.remarks import with_bands
from infercost.analyses.step import of_all, of_prompts, of_request, shown_share, step_results, token_seconds
from infercost.analyses.utilization import OF_STEP, first_token, undecoded
from infercost.errors import InfercostError
from infercost.models import counting
from infercost.parts.accelerator import joins
from infercost.replica.memory import Rack
from infercost.replica.serving import paid_rate, prompts_gap
from infercost.replica.step import Running, critical_batch, full_batch, pace_of, reworked, tpot_of
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import COMPARED, Scenario
from infercost.units import many, show

Rows = tuple[dict[str, Any], ...]

#: Times the critical batch from which a knee needs a word why it is so far above.
PAST = 1.25
#: Which of its columns have prompts.
_PROMPTS = Note(
    "prompts", "paid tok/s and USD/M are with the prompts of a batch that stays full; tok/s/user between them"
)


def answer(scenario: Scenario) -> Report:
    """A row a batch, the critical batch, and the ratio of a lone user's cost to that of the largest batch that fits.

    Raises:
        Missing: a figure of the accelerator that the answer needs.
    """
    running, given, rack = scenario.running, scenario.batches, scenario.rack
    full = None if holds(rack) or scenario.load.reads else full_batch(running)
    batches = tuple(batch for batch in given if _is_held(rack, batch)) or given[:1]
    every = _rows(scenario, given)
    rows = every[: len(batches)]  # batches rise
    knee = next((index for index, row in enumerate(rows) if full is not None and row["batch"] >= full), None)
    priced = rack.plan.fits and "cost_ratio" not in undecoded(scenario)
    ratio = _lone_user_ratio(scenario, batches[-1]) if priced else None
    cut = (most := _ends(scenario)) and many(most, "sequence")
    verdict, advice = _said(scenario, full, ratio, rows)
    report = Report(
        command="sweep-batch",
        verdict=verdict + memory_words(at_batch(rack, ceil(batches[-1]))),
        inputs=scenario.inputs,
        results=_results(scenario, rows, knee, full, ratio),
        series=Series(_columns(scenario, rows), every, bar="utilization", marked=knee),
        advice=advice,
        notes=(
            *remarks.step_notes(running),
            *([Note("memory-limit", f"memory holds {cut}: larger batches do not fit")] if cut else ()),
            *([_PROMPTS] if _pays_prompts(scenario) else ()),
            *host_notes_of_batches(rack),
            *_null_notes(scenario, rows, every),
            *scenario.notes,
        ),
        met=rack.plan.fits,
        work=lambda: _shown_work(scenario, batches),
    )
    return with_own(of_all(with_bands(report, rack), scenario), scenario)


def _is_held(rack: Rack, batch: float) -> bool:
    return rack.plan.max_sequences is None or batch <= rack.plan.max_sequences


def _fits(rack: Rack, batch: float) -> bool:
    return rack.plan.fits and _is_held(rack, batch)


def _ends(scenario: Scenario) -> int | None:
    """The sequences that memory holds where larger batches were asked for; None where none were, or none fits."""
    rack = scenario.rack
    return None if _is_held(rack, scenario.batches[-1]) or not rack.plan.fits else rack.plan.max_sequences


def _said(scenario: Scenario, full: int | None, ratio: float | None, rows: Rows) -> tuple[str, tuple[str, ...]]:
    """The verdict and what to change; of what does not fit what would make it fit."""
    if not scenario.rack.plan.fits:
        return misfits(scenario)
    if scenario.load.reads:
        held = (
            f" on the {place} that the largest takes" if (place := _place(scenario.rack)) else _layout_words(scenario)
        )
        alike = f"Nothing is decoded, so that all batches are alike{held}"
        return f"{alike}. {first_token(scenario, rows[0])}", ()
    cut = _ends(scenario)
    end = f" Memory ends the batch at {cut:,}." if cut and cut > 1 else ""
    return _verdict(scenario, full, ratio, rows) + end, _advice(scenario, rows, full)


def _shown_work(scenario: Scenario, batches: tuple[float, ...]) -> None:
    shown_share(scenario)
    again = scenario._replace(running=reworked(scenario.running))
    step_results(again, batches[0], pace_of(again.running, batches[0]), bracketed=False)
    of_prompts(again)
    if again.running.rack.plan.fits and not again.load.reads:
        _lone_user_ratio(again, batches[-1])


def _results(
    scenario: Scenario, rows: Rows, knee: int | None, full: int | None, ratio: float | None
) -> tuple[Row, ...]:
    running, undone = scenario.running, undecoded(scenario)
    plan, last = running.rack.plan, rows[-1]["batch"]
    knee_batch, remark = None if knee is None else rows[knee]["batch"], "marked >"
    if full and knee_batch and knee_batch > full:
        remark = f"the first of these past {full:,}, marked >"
    critical = None if holds(running.rack) else critical_batch(running)
    peak = critical and critical_batch(running, at_peak=True)
    balance = remarks.balance_remark(running)
    if full and critical and full > critical + 1:
        balance = f"of the weights alone{remarks.in_kernels(running)}; the knee counts all of a step"
    if knee is None:
        past = "past what memory holds" if full and not _is_held(running.rack, full) else "past this sweep"
        remark = undone.get("step_time_s") or no_knee(running.rack) or (past if full else "none at this context")
    of_one = undone.get("cost_ratio", f"what one of {last:,} pays for a token")
    of = f"of {many(plan.context, 'token')} each{', with this in the host' if holds(running.rack) else ''}"
    return (
        Row("gpus", running.rack.devices, remarks.count_remark(running.rack)),
        Row("critical_batch", critical, no_knee(running.rack) or balance),
        Row("peak_critical_batch", peak, no_knee(running.rack), bool(remarks.in_kernels(running))),
        Row("knee_batch", knee_batch, remark),
        Row("max_batch", plan.max_sequences, of if plan.cache else "no KV cache"),
        Row("lone_user_cost_ratio", ratio, of_one if plan.fits else "the model does not fit"),
        *remarks.room_rows(running.rack),
    )


def _columns(scenario: Scenario, rows: Rows) -> tuple[str, ...]:
    """What a table has room for: the price where there is one, the bound beside an estimate, the experts hit."""
    cost = "usd_per_million_tokens" if scenario.price else "cost_ratio"
    if scenario.load.reads:
        return ("batch", "ttft_s", "input_tokens_per_s", cost)
    bound = ("bound_step_time_s",) if any(row["bound_step_time_s"] != row["step_time_s"] for row in rows) else ()
    experts = ("experts_hit_share",) if "experts_hit_share" in rows[0] else ()
    ratio = ("cost_ratio",) if scenario.price and not experts and not bound else ()
    rate = "tokens_per_s_all_in" if _pays_prompts(scenario) else "tokens_per_s"
    return ("batch", "step_time_s", *bound, rate, "tokens_per_s_per_user", cost, *ratio, *experts)


def _rows(scenario: Scenario, batches: tuple[float, ...]) -> Rows:
    running, rack, model = scenario.running, scenario.rack, scenario.rack.model
    nothing = {batch: undecoded(scenario) | _nothing(rack, batch) for batch in batches}
    seconds = {batch: token_seconds(scenario, batch) for batch in batches if "cost_ratio" not in nothing[batch]}
    least = min(seconds.values(), default=0.0)
    rows: list[dict[str, Any]] = []
    for batch in batches:
        step = step_results(scenario, batch, pace_of(running, batch))
        row = decoding_paid(known(step | of_request(scenario, step) | of_prompts(scenario), rack), rack)
        row["cost_ratio"] = seconds[batch] / least if batch in seconds else None
        if model.is_sparse:
            row["experts_hit_share"] = counting.experts_hit_share(model, batch)
        row = {key: None if key in nothing[batch] else value for key, value in row.items()}
        rows.append(row | _layout(scenario) | {"fits": _fits(rack, batch)})
    return tuple(rows)


def _layout(scenario: Scenario) -> dict[str, int]:
    """The widths of all replicas, as ``fit`` has them."""
    layout = scenario.rack.plan.layout
    return {**layout.widths, "dp": scenario.copies * layout.dp}


def _nothing(rack: Rack, batch: float) -> dict[str, str]:
    """Why results of a row have no value where memory does not hold its batch, by JSON key."""
    if _fits(rack, batch):
        return {}
    keys = () if rack.model.is_bare else (*OF_STEP, "cost_ratio")
    why = "memory does not hold the batch" if rack.plan.fits else "the model does not fit"
    return dict.fromkeys((*remarks.OF_WHAT_FITS, *keys), why)


def _null_notes(scenario: Scenario, rows: Rows, every: Rows) -> list[Note]:
    """A note for each key without a value: where a row that fits has none either, that is why."""
    rack, undone = scenario.rack, undecoded(scenario)
    own = {key for row in rows for key, value in row.items() if value is None} if rack.plan.fits else set[str]()
    misfit = _nothing(rack, every[-1]["batch"])

    def why(key: str) -> str:
        return (key not in own and misfit.get(key)) or undone.get(key) or remarks.why_null(key, rack)

    return remarks.null_notes(every, why)


def _pays_prompts(scenario: Scenario) -> bool:
    """Whether the price of a token pays for prompts too: where a request is known, and the time of its prompt."""
    load = scenario.load
    return load.request is not None and not load.reads and not holds(scenario.rack)


def _lone_user_ratio(scenario: Scenario, batch: float) -> float:
    """What a lone user pays for a token against one of a batch, as the prices of both are counted."""
    running, request = scenario.running, scenario.load.request
    if scenario.load.reads:  # a prompt is the same in every batch
        return token_seconds(scenario, 1) / token_seconds(scenario, batch)
    alone, step = (tpot_of(running, size) for size in (1, batch))
    if request is None or not _pays_prompts(scenario):
        return formulas.cost.lone_user_cost_ratio(step_time_alone=alone, step_time=step, batch=batch)
    first, last = (
        paid_rate(request, size, time, prompts_gap(running.replica, size, request))
        for size, time in ((1, alone), (batch, step))
    )
    return formulas.cost.paid_cost_ratio(paid_tokens_per_s=last, paid_tokens_per_s_alone=first)


def _of_one(scenario: Scenario, row: dict[str, Any]) -> str:
    """That memory holds no batch, what its one sequence costs, and the devices that hold one."""
    rack, usd = scenario.rack, row.get("usd_per_million_tokens")
    cost = f" at {show(usd, 'USD')} a million tokens" if usd else ""
    certain = remarks.sure(scenario.running, 1).replace("an estimate", "estimate")
    more = "".join(f" {ways}." for ways in more_room(scenario))
    return (
        f"No batch above 1 fits: {rack.place} {'holds' if rack.devices == 1 else 'hold'} one sequence of "
        f"{many(rack.plan.context, 'token')}{cost} ({certain}), "
        f"{show(row['utilization'], 'share')} of the arithmetic in use.{more}"
    )


def _verdict(scenario: Scenario, full: int | None, ratio: float | None, rows: Rows) -> str:
    running = scenario.running
    if running.rack.plan.max_sequences == 1:
        return _of_one(scenario, rows[0])
    why = no_knee(running.rack)
    never = (
        f"no knee is known: {why}"
        if why
        else f"no batch that fits fills the arithmetic at {many(running.rack.plan.context, 'token')} of context"
        f"{_of_weights(running)}"
    )
    prompts = ", prompts paid" if _pays_prompts(scenario) else ""
    filled = "is full" if running.overlap == "full" else "takes as long as the reads"
    knee = f"the knee is at batch {full:,}, where the arithmetic {filled}{_of_peak(scenario, full)}" if full else never
    if full and not _is_held(running.rack, full):
        knee += f": no batch that fits reaches it, memory holds {running.rack.plan.max_sequences:,}"
    lone = (
        f"A lone user pays {show(ratio, 'x')} what a member of a batch of {rows[-1]['batch']:,} pays for a token"
        f"{prompts} ({_of_kind(running)})."
    )
    if start := _on_the_largest(scenario, rows):
        return f"{start}. {knee[0].upper()}{knee[1:]}. {lone}"
    knee = f"On {place} {knee}" if (place := _place(running.rack)) else f"{knee[0].upper()}{knee[1:]}"
    return f"{knee}. {lone} {_used(rows)}{_layout_words(scenario)}."


def _of_weights(running: Running) -> str:
    """Why no batch fills the arithmetic though the weights alone would: caches are read beside them."""
    if not running.work.attending:
        return ""
    return f": caches are read too (weights alone: {_critical_words(running)})"


def _critical_words(running: Running) -> str:
    """The critical batch, in the kernels and at the chip's peak where these differ."""
    words, kernels = f"batch {show(critical_batch(running))}", remarks.in_kernels(running)
    return words + (f"{kernels}, {show(critical_batch(running, at_peak=True))} at the chip's peak" if kernels else "")


def _layout_words(scenario: Scenario) -> str:
    """The layout of all rows where there are several devices, and the one that the smallest batch alone would have."""
    rack, batch = scenario.rack, round(scenario.batches[0] * scenario.copies)
    if rack.devices == 1 or scenario.is_row:
        return ""
    held = ", which holds the largest" if "batch" in scenario.question.given else ""
    words = "" if _place(rack) else f", all in {rack.plan.layout.words}"
    try:
        question = scenario.question._replace(command="utilization")
        alone = at_point(question, {"batch": batch}, COMPARED)
    except InfercostError:  # what one batch is not asked
        return words
    if (alone.rack.plan.layout, alone.copies) == (rack.plan.layout, scenario.copies):
        return words
    copies = "" if alone.copies == 1 else f"{alone.copies:,} replicas of "
    return f"{words}{held} (utilization --batch {batch:,} takes {copies}{alone.rack.plan.layout.words})"


def _least(scenario: Scenario) -> Scenario | None:
    """The smallest batch on the fewest devices that hold it; None where they are no fewer than those of all rows."""
    first = round(scenario.batches[0] * scenario.copies)
    try:
        alone = at_point(scenario.question, {"batch": (first,)}, COMPARED)
    except InfercostError:  # what one batch is not asked
        return None
    fewer = alone.copies * alone.rack.devices < scenario.copies * scenario.rack.devices
    return alone if fewer and alone.rack.plan.fits else None


def _on_the_largest(scenario: Scenario, rows: Rows) -> str:
    """That devices which nobody counted are those that the largest batch takes, and what fewer of them answer."""
    if not (place := _place(scenario.rack)) or scenario.is_row or (fewer := _least(scenario)) is None:
        return ""
    first, plan = rows[0], fewer.rack.plan
    (one,), least = _rows(fewer, fewer.batches), fewer.rack.devices * fewer.copies
    usd, here = (row.get("usd_per_million_tokens") for row in (one, first))
    flags = remarks.count_flag(scenario.question, least) + (f" ({plan.layout.words})" if least > 1 else "")
    batches = f"batches to {fewer.copies * plan.max_sequences:,}" if plan.max_sequences else "smaller batches"
    cost = f": batch {first['batch']:,} costs {show(usd, 'USD')} a million tokens there, " if usd and here else ""
    cost += f"{show(here, 'USD')} here" if cost else ""
    return f"All rows are on the {place} that batch {rows[-1]['batch']:,} takes; {flags} holds {batches}{cost}"


def _of_peak(scenario: Scenario, full: int) -> str:
    """Why a knee lies above the critical batch, where no context was asked for to read."""
    running, given = scenario.running, scenario.question.given
    if "context" not in given or running.rack.plan.context > 1 or full < PAST * critical_batch(running):
        return ""
    return f" of all a step moves (of the weights alone: {_critical_words(running)})"


def _place(rack: Rack) -> str:
    """The devices that nobody counted, and their layout, where one of several was chosen."""
    if rack.given or rack.devices == 1:
        return ""
    return f"{rack.place} ({rack.plan.layout.words})"


def _of_kind(running: Running) -> str:
    """What a ratio of two costs rests on: of two bounds it is none."""
    return remarks.sure(running).replace("an estimate", "estimate").replace("at best", "bounds")


def _used(rows: Rows) -> str:
    """The utilization from the smallest batch to the largest, and the share of the experts that these read."""
    low, high = (show(rows[index]["utilization"], "share") for index in (0, -1))
    few, most = (show(rows[index].get("experts_hit_share"), "share") for index in (0, -1))
    experts = f", the experts that a step reads from {few} to {most}" if few != most else ""
    if low == high:
        return f"Utilization is {low}{'' if len(rows) == 1 else ' throughout'}"
    return f"Utilization goes from {low} to {high}{experts}"


def _advice(scenario: Scenario, rows: Rows, full: int | None) -> tuple[str, ...]:
    running, largest = scenario.running, rows[-1]["batch"]
    most = running.rack.plan.max_sequences
    if holds(running.rack):
        return worth.advice(scenario, {**rows[-1], "batch": largest})
    if full is None:
        return tuple(worth.less_cache(scenario, largest))
    if largest >= full:
        return ()
    if most is not None and most < full:
        more = worth.less_room(scenario, largest)
        ways = "; or ".join(filter(None, ("add devices" if joins(running.rack.part) else "", more)))
        return (f"memory ends the batch before the arithmetic is full{ways and f': {ways}'}",)
    return (f"the knee lies past this sweep: ask for --batch 1:{2 ** full.bit_length()}",)
