"""One step over batch sizes: where the knee is, and what a lone user pays against a full batch."""

from typing import Any

from infercost import formulas
from infercost.analyses.remarks import NULL_REASONS, WAYS, critical_remark, kind, step_notes
from infercost.analyses.step import critical_batch, full_batch, step_results, step_times
from infercost.formulas.formula import not_recording
from infercost.models import counting
from infercost.report import Note, Report, Row, Series
from infercost.scenario.ranges import parse_batches
from infercost.scenario.read import Asked
from infercost.scenario.scenario import Case, StepInputs, misfit, read_case, read_step_inputs
from infercost.units import show


def answer(asked: Asked) -> Report:
    """A row a batch, the critical batch, and the ratio of a lone user's cost to that of a full batch.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_case``.
    """
    case = read_case(asked)
    inputs = read_step_inputs(asked, case)
    critical, full = critical_batch(case, inputs), full_batch(case, inputs)
    most = case.plan.max_sequences
    asked_for = asked.take("batch", _default_batches(critical, most), "powers of two past the critical batch")
    batches = tuple(batch for batch in asked_for if most is None or batch <= most) or asked_for[:1]
    rows = _rows(case, inputs, batches)
    knee = next((index for index, row in enumerate(rows) if full is not None and row["batch"] >= full), None)
    ratio = _lone_user_ratio(case, inputs, batches[-1])
    return Report(
        command="sweep-batch",
        verdict=misfit(case) + _verdict(case, kind(case, inputs), full, ratio, rows),
        inputs=tuple(asked.inputs),
        results=_results(case, critical, full, rows, knee, ratio),
        series=Series(_columns(case, inputs), rows, bar="utilization", marked=knee),
        advice=_advice(full, batches[-1], most),
        notes=(*step_notes(case, inputs), *_cut(asked_for, batches, most), *_nulls(rows[0]), *asked.notes),
        met=case.fits,
    )


def _results(
    case: Case, critical: float, full: int | None, rows: tuple[dict[str, Any], ...], knee: int | None, ratio: float
) -> tuple[Row, ...]:
    last = rows[-1]["batch"]
    held = "no KV cache in a bare count" if case.model.is_bare else f"of {case.context:,.0f} tokens each"
    return (
        Row("gpus", case.devices, "as given" if case.devices_given else "least that fits"),
        Row("critical_batch", critical, critical_remark(case)),
        Row(
            "knee_batch",
            None if knee is None else rows[knee]["batch"],
            "marked >" if knee is not None else "past this sweep" if full else "none at this context",
        ),
        Row("max_batch", case.plan.max_sequences, held),
        Row("lone_user_cost_ratio", ratio, f"what one of {last:,} pays for a token"),
    )


def _columns(case: Case, inputs: StepInputs) -> tuple[str, ...]:
    """What a table has room for: the price where there is one, the experts where a model has some."""
    cost = "usd_per_million_tokens" if inputs.price else "cost_ratio"
    estimated = not case.model.is_bare and kind(case, inputs) == "estimate"
    experts = ("experts_hit_share",) if case.model.is_sparse and not case.model.is_bare else ()
    both = ("cost_ratio",) if inputs.price and not experts and not estimated else ()
    bound = ("bound_step_time_s",) if estimated else ()
    return ("batch", "step_time_s", *bound, "tokens_per_s", "tokens_per_s_per_user", cost, *both, *experts)


def _cut(asked_for: tuple[int, ...], batches: tuple[int, ...], most: int | None) -> list[Note]:
    if batches == asked_for:
        return []
    return [Note("memory-limit", f"memory holds {most:,} sequences: larger batches are left out")]


def _default_batches(critical: float, most: int | None) -> tuple[int, ...]:
    last = max(2, 2 ** int(2 * critical).bit_length())
    return parse_batches(f"1:{max(1, last if most is None else min(last, most))}")


def _rows(case: Case, inputs: StepInputs, batches: tuple[int, ...]) -> tuple[dict[str, Any], ...]:
    rows = [step_results(case, inputs, batches[0])]
    with not_recording():
        rows += [step_results(case, inputs, batch) for batch in batches[1:]]
    cheapest = min(row["step_time_s"] / row["batch"] for row in rows)
    return tuple(
        {
            **row,
            "cost_ratio": row["step_time_s"] / row["batch"] / cheapest,
            **_experts(case, row["batch"]),
        }
        for row in rows
    )


def _experts(case: Case, batch: int) -> dict[str, float]:
    share = None if case.model.is_bare else counting.experts_hit_share(case.model, batch)
    return {} if share is None else {"experts_hit_share": share}


def _lone_user_ratio(case: Case, inputs: StepInputs, batch: int) -> float:
    with not_recording():
        alone, together = step_times(case, inputs, 1).step, step_times(case, inputs, batch).step
    return formulas.cost.lone_user_cost_ratio(step_time_alone=alone, step_time=together, batch=batch)


def _nulls(row: dict[str, Any]) -> list[Note]:
    return [Note("null", f"{key} is null: {NULL_REASONS[key]}") for key, value in row.items() if value is None]


def _verdict(case: Case, kind_of_answer: str, full: int | None, ratio: float, rows: tuple[dict[str, Any], ...]) -> str:
    low, high = (show(rows[index]["utilization"], "share") for index in (0, -1))
    knee = f"the knee is at batch {full:,}" if full else f"at {case.context:,.0f} tokens the arithmetic is never full"
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
