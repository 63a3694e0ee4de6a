"""One decoding step of a case at a batch: the times, what binds, and what a token costs."""

from typing import Any, NamedTuple

from infercost import counting
from infercost.case import FLOPS_PER_PARAM, Case, StepInputs
from infercost.derivation import not_recording
from infercost.engine import communication, economics, memory, roofline
from infercost.numeric import ceiling
from infercost.sharding import rank_bytes_read

#: All-reduces in a layer of tensor parallelism: one after attention, one after the feed-forward part.
COLLECTIVES_PER_LAYER = 2
#: No service decodes so many sequences in one step.
LARGEST_BATCH = 2**24
_STEP_TIMES = {
    "full": roofline.full_overlap_step,
    "operator": roofline.operator_overlap_step,
    "none": roofline.no_overlap_step,
}


class Times(NamedTuple):
    """Seconds of the parts of one step; ``communication`` is None when it is left out."""

    compute: float
    memory: float
    communication: float | None
    overhead: float
    step: float

    @property
    def bound(self) -> str:
        """The part that takes longest."""
        parts = {"memory": self.memory, "compute": self.compute, "communication": self.communication or 0.0}
        return max(parts, key=lambda name: parts[name])


def step_times(case: Case, inputs: StepInputs, batch: int, *, ideal: bool = False) -> Times:
    """The times of one step at a batch, under the case's profile or, for the bound, under none.

    Pipeline stages take turns on equal parts of the batch, so a step lasts as long as one part takes through them all.
    """
    shares = {key: 1.0 if ideal else case.profile.value(key) for key in ("compute_share", "memory_share")}
    part = part_of(case, batch)
    compute = roofline.compute_time(
        flops_per_token=flops_per_token(case),
        batch=part,
        devices=case.width,
        peak_flops=inputs.rate.fact.value,
        compute_share=shares["compute_share"],
    )
    reading = roofline.memory_time(
        bytes_read=bytes_read(case, part, least=ideal),
        devices=case.width,
        memory_bandwidth=case.part.value("memory_bandwidth"),
        memory_share=shares["memory_share"],
    )
    sending = _communication_time(case, inputs, part, ideal)
    overhead = 0.0 if ideal else case.profile.value("step_overhead")
    step = _STEP_TIMES["full" if ideal else inputs.overlap](
        compute_time=compute, memory_time=reading, communication_time=sending or 0.0, overhead_time=overhead
    )
    return Times(compute, reading, sending, overhead, step)


def part_of(case: Case, batch: int) -> int:
    """Sequences that a pipeline stage works on at a time."""
    return ceiling(batch / case.stages) if case.stages > 1 else batch


def flops_per_token(case: Case) -> float:
    """Operations for one token: every active parameter, and a named model's attention over its context."""
    matrices = _matrix_flops(case)
    return matrices + (counting.decode_attention_flops(case.model, case.context) if case.model else 0)


def _matrix_flops(case: Case) -> float:
    return roofline.flops_per_token(active_params=case.active_params, flops_per_param=FLOPS_PER_PARAM)


def bytes_read(case: Case, batch: int, *, least: bool = False) -> float:
    """Bytes that all layers read for a batch: weights, and a model's cache; ``least`` if all chose the same experts."""
    tokens = 1 if least else batch
    if case.plan is None:
        return memory.bytes_read(weight_bytes=case.weight_bytes, active_share=case.active_share, batch=tokens)
    return case.width * rank_bytes_read(case.plan.model, case.plan.layout, batch, tokens, case.context)


def _communication_time(case: Case, inputs: StepInputs, batch: int, ideal: bool) -> float | None:
    """Two ring all-reduces a layer over the devices that share it, inside nodes first, then across them."""
    if case.width == 1:
        return 0.0
    if inputs.layers is None or inputs.hidden_size is None:
        return None
    part, profile = case.part, case.profile
    message = communication.activation_message(
        batch=batch, hidden_size=inputs.hidden_size, activation_bytes=inputs.activation_bytes
    )
    share, latency = (1.0, 0.0) if ideal else (profile.value("link_share"), profile.value("hop_latency"))
    inside, nodes = spread(case)
    all_reduce = communication.ring_all_reduce_time(
        message_bytes=message,
        devices=inside,
        link_bandwidth=part.value("link_bandwidth"),
        link_share=share,
        hop_latency=latency,
    )
    if nodes > 1:
        all_reduce += communication.ring_all_reduce_time(
            message_bytes=communication.scattered_message(message_bytes=message, domain=inside),
            devices=nodes,
            link_bandwidth=part.value("network_bandwidth"),
            link_share=share,
            hop_latency=latency,
        )
    return communication.communication_time(
        layers=inputs.layers, collectives_per_layer=COLLECTIVES_PER_LAYER, all_reduce_time=all_reduce
    )


def spread(case: Case) -> tuple[int, int]:
    """Devices inside a node that share a collective, and nodes; one flat ring where the network is not known."""
    domain = case.part.facts.get("link_domain")
    if domain is None or case.width <= domain.value or "network_bandwidth" not in case.part.facts:
        return case.width, 1
    return int(domain.value), memory.nodes(devices=case.width, domain=domain.value)


def critical_batch(case: Case, inputs: StepInputs) -> float:
    """Batch at which the matrices' arithmetic takes as long as reading all of them, under the case's profile."""
    return roofline.critical_batch(
        peak_flops=inputs.rate.fact.value,
        compute_share=case.profile.value("compute_share"),
        weight_bytes=case.weight_bytes,
        memory_bandwidth=case.part.value("memory_bandwidth"),
        memory_share=case.profile.value("memory_share"),
        flops_per_token=_matrix_flops(case),
    )


def full_batch(case: Case, inputs: StepInputs) -> int | None:
    """Least batch whose arithmetic takes as long as its reads, a named model's cache included; None if none does."""
    if case.model is None:
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
    times = step_times(case, inputs, batch)
    return bool(times.compute >= times.memory)


def step_results(case: Case, inputs: StepInputs, batch: int) -> dict[str, Any]:
    """Everything a step answers, by JSON key."""
    times = step_times(case, inputs, batch)
    return {
        "gpus": case.devices,
        "batch": batch,
        "weight_bytes": case.weight_bytes,
        "flops_per_token": flops_per_token(case),
        "compute_time_s": times.compute,
        "memory_time_s": times.memory,
        "communication_time_s": times.communication,
        "overhead_time_s": times.overhead,
        "step_time_s": times.step,
        "bound_step_time_s": step_times(case, inputs, batch, ideal=True).step,
        "bound": times.bound,
        **_use(case, inputs, batch, times.step),
        **_rates(case, inputs, batch, times.step),
        "prefill_time_s": None,
        "ttft_s": None,
        "request_time_s": None,
    }


def _use(case: Case, inputs: StepInputs, batch: int, step: float) -> dict[str, float]:
    """How well a step uses the devices, and where more users would stop helping."""
    peak, bandwidth = inputs.rate.fact.value, case.part.value("memory_bandwidth")
    part = part_of(case, batch)
    read = bytes_read(case, part) * (batch / part)
    return {
        "utilization": roofline.utilization(
            flops_per_token=flops_per_token(case),
            batch=batch,
            devices=case.devices,
            peak_flops=peak,
            step_time=step,
        ),
        "memory_bandwidth_utilization": roofline.memory_bandwidth_utilization(
            bytes_read=read, devices=case.devices, memory_bandwidth=bandwidth, step_time=step
        ),
        "critical_batch": critical_batch(case, inputs),
        "flops_per_byte": roofline.flops_per_byte(peak_flops=peak, memory_bandwidth=bandwidth),
    }


def _rates(case: Case, inputs: StepInputs, batch: int, step: float) -> dict[str, float | None]:
    """Tokens a second, and what one costs in money and energy."""
    rate = economics.tokens_per_s(batch=batch, step_time=step)
    price, power = inputs.price, case.part.facts.get("power")
    return {
        "tokens_per_s": rate,
        "tokens_per_s_per_user": economics.tokens_per_s_per_user(step_time=step),
        "tokens_per_s_per_gpu": economics.tokens_per_s_per_gpu(tokens_per_s=rate, devices=case.devices),
        "usd_per_million_tokens": economics.usd_per_million_tokens(price=price, devices=case.devices, tokens_per_s=rate)
        if price
        else None,
        "joules_per_token": economics.joules_per_token(power=power.value, devices=case.devices, tokens_per_s=rate)
        if power
        else None,
    }
