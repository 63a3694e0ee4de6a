"""What a step answers at a batch: the times, what binds, how well it is used, what a token costs."""

from typing import Any, NamedTuple

from infercost import formulas
from infercost.numeric import maximum
from infercost.replica.serving import bytes_of_step
from infercost.replica.step import Pace, Running, critical_batch, step_time, step_times


def flops_per_token(running: Running) -> float:
    """Operations for one token: every active parameter, and attention over its context."""
    return running.work.flops_per_token() + running.work.attention_flops(running.rack.plan.context)


class Ends(NamedTuple):
    """Seconds of a step that no stack can beat, and of this one if everything overlapped and if nothing did."""

    bound: float
    full_overlap: float
    no_overlap: float


def ends_of(running: Running, batch: float, pace: Pace) -> Ends:
    """Where the time of a step lies; what a draft adds waits whatever overlaps."""
    waits = pace.step - pace.times.step
    full, none = (step_time(pace.times.parts, rule) + waits for rule in ("full", "none"))
    return Ends(step_times(running, batch, ideal=True).step, full, none)


def step_results(running: Running, batch: float, pace: Pace, ends: Ends, price: float | None) -> dict[str, Any]:
    """Everything a step answers, by JSON key."""
    times = pace.times
    return {
        "gpus": running.rack.devices,
        "batch": batch,
        "weight_bytes": running.rack.weight_bytes,
        "flops_per_token": flops_per_token(running),
        "compute_time_s": times.parts.compute,
        "memory_time_s": times.parts.memory,
        "communication_time_s": times.parts.communication,
        "overhead_time_s": times.parts.overhead,
        "step_time_s": pace.step,
        "tpot_s": pace.tpot,
        "bound_step_time_s": ends.bound,
        "full_overlap_step_time_s": ends.full_overlap,
        "no_overlap_step_time_s": ends.no_overlap,
        "bound": times.bound,
        **_use(running, batch, pace),
        **_rates(running, batch, pace, price),
        "prefill_time_s": None,
        "ttft_s": None,
        "request_time_s": None,
    }


def _use(running: Running, batch: float, pace: Pace) -> dict[str, float]:
    """How well a step uses the devices, and where more users would stop helping."""
    rack, peak = running.rack, running.rate.fact.value
    bandwidth = rack.part.value("memory_bandwidth")
    return {
        "utilization": formulas.step.utilization(
            flops_per_token=running.work.flops_per_token(),
            attention_flops_per_token=running.work.attention_flops(rack.plan.context),
            batch=batch,
            devices=rack.devices,
            peak_flops=peak,
            step_time=pace.tpot,
        ),
        "memory_bandwidth_utilization": formulas.step.memory_bandwidth_utilization(
            step_bytes=bytes_of_step(running.replica, batch, rack.plan.context),
            devices=rack.devices,
            memory_bandwidth=bandwidth,
            step_time=maximum(pace.step, pace.tpot),
        ),
        "critical_batch": critical_batch(running),
        "flops_per_byte": formulas.step.flops_per_byte(peak_flops=peak, memory_bandwidth=bandwidth),
    }


def _rates(running: Running, batch: float, pace: Pace, price: float | None) -> dict[str, float | None]:
    """Tokens a second, and what one costs in money and energy."""
    devices, power = running.rack.devices, running.rack.part.facts.get("power")
    rate = pace.tokens_per_s
    if rate is None:
        rate = formulas.cost.tokens_per_s(batch=batch, step_time=pace.tpot)
    usd = joules = None
    if price:
        usd = formulas.cost.usd_per_million_tokens(price=price, devices=devices, tokens_per_s=rate)
    if power:
        joules = formulas.cost.joules_per_token(power=power.value, devices=devices, tokens_per_s=rate)
    return {
        "tokens_per_s": rate,
        "tokens_per_s_per_user": formulas.cost.tokens_per_s_per_user(step_time=pace.tpot),
        "tokens_per_s_per_gpu": formulas.cost.tokens_per_s_per_gpu(tokens_per_s=rate, devices=devices),
        "usd_per_million_tokens": usd,
        "joules_per_token": joules,
    }
