"""One decoding step of a case at a batch: the times, what binds, and what a token costs."""

from typing import Any, NamedTuple

from infercost import formulas
from infercost.formulas.formula import not_recording
from infercost.numeric import ceiling, maximum, name_of_largest
from infercost.parts.stack import law
from infercost.replica.serving import Replica, bytes_of_step, step_parts
from infercost.replica.step import Parts, step_time
from infercost.scenario.scenario import Case, StepInputs

#: No service decodes so many sequences in one step.
LARGEST_BATCH = 2**24


class Times(NamedTuple):
    """Seconds of one step and of its parts."""

    parts: Parts
    step: float

    @property
    def bound(self) -> str:
        """The part that takes longest."""
        sent = self.parts.communication
        return name_of_largest(
            {
                "memory": self.parts.memory,
                "compute": self.parts.compute,
                "communication": 0.0 if sent is None else sent,
                "latency": self.parts.overhead,
            }
        )


class Pace(NamedTuple):
    """How a batch goes on: its passes, the seconds of a whole step, and those of one token of one sequence.

    ``tokens_per_s`` is what leaves a server, first tokens included; None where each step yields the batch's.
    """

    times: Times
    step: float
    tpot: float
    tokens_per_s: float | None = None


def step_times(case: Case, inputs: StepInputs, batch: float, tokens: int = 1, *, ideal: bool = False) -> Times:
    """The times of one step at a batch, so many tokens each, under the case's profile or, for the bound, under none."""
    replica = Replica(inputs.work, inputs.bounds if ideal else inputs.speeds)
    if not ideal and law(case.profile) != "roofline":
        from infercost.replica import erdil_2025

        parts = erdil_2025.step_parts(case.model, case.part, case.profile, case.devices, batch, case.context, tokens)
    else:
        parts = step_parts(replica, batch, case.context, tokens)
    return Times(parts, step_time(parts, replica.speeds.overlap))


def plain_pace(case: Case, inputs: StepInputs, batch: float) -> Pace:
    """Each step yields one token of each sequence."""
    times = step_times(case, inputs, batch)
    return Pace(times, times.step, times.step)


def flops_per_token(case: Case, inputs: StepInputs) -> float:
    """Operations for one token: every active parameter, and a named model's attention over its context."""
    return inputs.work.flops_per_token() + inputs.work.attention_flops(case.context)


def critical_batch(case: Case, inputs: StepInputs) -> float:
    """Batch at which the matrices' arithmetic takes as long as reading all of them, under the case's profile."""
    return formulas.step.critical_batch(
        peak_flops=inputs.rate.fact.value,
        compute_share=case.profile.value("compute_share"),
        weight_bytes=case.weight_bytes,
        memory_bandwidth=case.part.value("memory_bandwidth"),
        memory_share=case.profile.value("memory_share"),
        flops_per_token=inputs.work.flops_per_token(),
    )


def full_batch(case: Case, inputs: StepInputs) -> int | None:
    """Least batch whose arithmetic takes as long as its reads, caches included; None if none does."""
    if not inputs.work.attending:
        return int(max(1, ceiling(critical_batch(case, inputs))))
    with not_recording():
        low, high = 0, 1
        while not _is_full(case, inputs, high):
            if high >= LARGEST_BATCH:
                return None
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _is_full(case, inputs, middle) else (middle, high)
    return high


def _is_full(case: Case, inputs: StepInputs, batch: int) -> bool:
    parts = step_times(case, inputs, batch).parts
    return bool(parts.compute >= parts.memory)


def step_results(case: Case, inputs: StepInputs, batch: float, pace: Pace | None = None) -> dict[str, Any]:
    """Everything a step answers, by JSON key."""
    pace = pace or plain_pace(case, inputs, batch)
    times = pace.times
    with not_recording():
        bound = step_times(case, inputs, batch, ideal=True).step
    return {
        "gpus": case.devices,
        "batch": batch,
        "weight_bytes": case.weight_bytes,
        "flops_per_token": flops_per_token(case, inputs),
        "compute_time_s": times.parts.compute,
        "memory_time_s": times.parts.memory,
        "communication_time_s": times.parts.communication,
        "overhead_time_s": times.parts.overhead,
        "step_time_s": pace.step,
        "tpot_s": pace.tpot,
        "bound_step_time_s": bound,
        **_bracket(pace),
        "bound": times.bound,
        **_use(case, inputs, batch, pace),
        **_rates(case, inputs, batch, pace),
        "prefill_time_s": None,
        "ttft_s": None,
        "request_time_s": None,
    }


def _bracket(pace: Pace) -> dict[str, float]:
    """Seconds of the step if everything overlapped and if nothing did; what a draft adds waits in both."""
    with not_recording():
        times = {rule: step_time(pace.times.parts, rule) for rule in ("full", "none")}
    waits = pace.step - pace.times.step
    return {"full_overlap_step_time_s": times["full"] + waits, "no_overlap_step_time_s": times["none"] + waits}


def _use(case: Case, inputs: StepInputs, batch: float, pace: Pace) -> dict[str, float]:
    """How well a step uses the devices, and where more users would stop helping."""
    peak, bandwidth = inputs.rate.fact.value, case.part.value("memory_bandwidth")
    return {
        "utilization": formulas.step.utilization(
            flops_per_token=flops_per_token(case, inputs),
            batch=batch,
            devices=case.devices,
            peak_flops=peak,
            step_time=pace.tpot,
        ),
        "memory_bandwidth_utilization": formulas.step.memory_bandwidth_utilization(
            bytes_read=bytes_of_step(inputs.replica, batch, case.context),
            devices=case.devices,
            memory_bandwidth=bandwidth,
            step_time=maximum(pace.step, pace.tpot),
        ),
        "critical_batch": critical_batch(case, inputs),
        "flops_per_byte": formulas.step.flops_per_byte(peak_flops=peak, memory_bandwidth=bandwidth),
    }


def _rates(case: Case, inputs: StepInputs, batch: float, pace: Pace) -> dict[str, float | None]:
    """Tokens a second, and what one costs in money and energy."""
    rate = pace.tokens_per_s
    if rate is None:
        rate = formulas.cost.tokens_per_s(batch=batch, step_time=pace.tpot)
    price, power = inputs.price, case.part.facts.get("power")
    return {
        "tokens_per_s": rate,
        "tokens_per_s_per_user": formulas.cost.tokens_per_s_per_user(step_time=pace.tpot),
        "tokens_per_s_per_gpu": formulas.cost.tokens_per_s_per_gpu(tokens_per_s=rate, devices=case.devices),
        "usd_per_million_tokens": formulas.cost.usd_per_million_tokens(
            price=price, devices=case.devices, tokens_per_s=rate
        )
        if price
        else None,
        "joules_per_token": formulas.cost.joules_per_token(power=power.value, devices=case.devices, tokens_per_s=rate)
        if power
        else None,
    }
