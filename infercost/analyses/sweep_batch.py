"""One step over batch sizes: where the knee is, and what a lone user pays against a full batch."""

from typing import Any

from infercost import formulas
from infercost.analyses.remarks import NULL_REASONS, WAYS, critical_remark, kind, misfit, step_notes
from infercost.analyses.step import Ends, ends_of, step_results
from infercost.models import counting
from infercost.replica.rack import Rack
from infercost.replica.step import Running, critical_batch, full_batch, pace_of, reworked, step_times
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import Scenario
from infercost.units import show


def answer(scenario: Scenario) -> Report:
    """A row a batch, the critical batch, and the ratio of a lone user's cost to that of a full batch.

    Raises:
        Missing: a figure of the accelerator that the answer needs.
    """
    running, asked_for = scenario.running, scenario.batches
    rack, full = running.rack, full_batch(running)
    most = rack.plan.max_sequences
    batches = tuple(batch for batch in asked_for if most is None or batch <= most) or asked_for[:1]
    rows = _rows(scenario, batches)
    knee = next((index for index, row in enumerate(rows) if full is not None and row["batch"] >= full), None)
    ratio = _lone_user_ratio(running, batches[-1])
    first = ends_of(running, batches[0], pace_of(running, batches[0]))
    return Report(
        command="sweep-batch",
        verdict=misfit(rack) + _verdict(rack, kind(running), full, ratio, rows),
        inputs=scenario.inputs,
        results=_results(rack, critical_batch(running), full, rows, knee, ratio),
        series=Series(_columns(scenario), rows, bar="utilization", marked=knee),
        advice=_advice(full, batches[-1], most),
        notes=(*step_notes(running), *_cut(asked_for, batches, most), *_nulls(rows[0]), *scenario.notes),
        met=rack.plan.fits,
        work=lambda: _shown_work(scenario, batches, first),
    )


def _shown_work(scenario: Scenario, batches: tuple[int, ...], first: Ends) -> None:
    """What a person works out: the rack, the work of a pass, the first row, and what a lone user pays."""
    again = scenario._replace(running=reworked(scenario.running))
    _row(again, batches[0], first)
    _lone_user_ratio(again.running, batches[-1])


def _results(
    rack: Rack, critical: float, full: int | None, rows: tuple[dict[str, Any], ...], knee: int | None, ratio: float
) -> tuple[Row, ...]:
    last = rows[-1]["batch"]
    held = "no KV cache in a bare count" if rack.model.is_bare else f"of {rack.plan.context:,.0f} tokens each"
    return (
        Row("gpus", rack.devices, "as given" if rack.given else "least that fits"),
        Row("critical_batch", critical, critical_remark(rack)),
        Row(
            "knee_batch",
            None if knee is None else rows[knee]["batch"],
            "marked >" if knee is not None else "past this sweep" if full else "none at this context",
        ),
        Row("max_batch", rack.plan.max_sequences, held),
        Row("lone_user_cost_ratio", ratio, f"what one of {last:,} pays for a token"),
    )


def _columns(scenario: Scenario) -> tuple[str, ...]:
    """What a table has room for: the price where there is one, the experts where a model has some."""
    running, rack = scenario.running, scenario.running.rack
    cost = "usd_per_million_tokens" if scenario.price else "cost_ratio"
    estimated = not rack.model.is_bare and kind(running) == "estimate"
    experts = ("experts_hit_share",) if rack.model.is_sparse and not rack.model.is_bare else ()
    both = ("cost_ratio",) if scenario.price and not experts and not estimated else ()
    bound = ("bound_step_time_s",) if estimated else ()
    return ("batch", "step_time_s", *bound, "tokens_per_s", "tokens_per_s_per_user", cost, *both, *experts)


def _cut(asked_for: tuple[int, ...], batches: tuple[int, ...], most: int | None) -> list[Note]:
    if batches == asked_for:
        return []
    return [Note("memory-limit", f"memory holds {most:,} sequences: larger batches are left out")]


def _rows(scenario: Scenario, batches: tuple[int, ...]) -> tuple[dict[str, Any], ...]:
    rows = [_row(scenario, batch) for batch in batches]
    cheapest = min(row["step_time_s"] / row["batch"] for row in rows)
    return tuple(
        {
            **row,
            "cost_ratio": row["step_time_s"] / row["batch"] / cheapest,
            **_experts(scenario.running.rack, row["batch"]),
        }
        for row in rows
    )


def _row(scenario: Scenario, batch: int, ends: Ends | None = None) -> dict[str, Any]:
    running = scenario.running
    pace = pace_of(running, batch)
    return step_results(running, batch, pace, ends or ends_of(running, batch, pace), scenario.price)


def _experts(rack: Rack, batch: int) -> dict[str, float]:
    share = None if rack.model.is_bare else counting.experts_hit_share(rack.model, batch)
    return {} if share is None else {"experts_hit_share": share}


def _lone_user_ratio(running: Running, batch: int) -> float:
    return formulas.cost.lone_user_cost_ratio(
        step_time_alone=step_times(running, 1).step, step_time=step_times(running, batch).step, batch=batch
    )


def _nulls(row: dict[str, Any]) -> list[Note]:
    return [Note("null", f"{key} is null: {NULL_REASONS[key]}") for key, value in row.items() if value is None]


def _verdict(rack: Rack, kind_of_answer: str, full: int | None, ratio: float, rows: tuple[dict[str, Any], ...]) -> str:
    low, high = (show(rows[index]["utilization"], "share") for index in (0, -1))
    knee = (
        f"the knee is at batch {full:,}" if full else f"at {rack.plan.context:,.0f} tokens the arithmetic is never full"
    )
    return (
        f"A lone user pays {show(ratio, 'x')} what a member of a batch of {rows[-1]['batch']:,} pays for a token "
        f"({kind_of_answer}). Utilization goes from {low} to {high}; {knee}."
    )


def _advice(full: int | None, largest: int, most: int | None) -> tuple[str, ...]:
    if full is None:
        return (f"each user's cache takes longer to read than to compute with: {WAYS}",)
    if largest >= full:
        return ()
    if most is not None and most < full:
        return (f"memory ends the batch before the arithmetic is full: add devices, {WAYS}",)
    return (f"the knee lies past this sweep: ask for --batch 1:{2 ** full.bit_length()}",)
