"""What a step and a request answer at a batch, by JSON key: times, what binds, utilization, throughput, cost."""

from functools import partial
from typing import Any

from infercost import formulas
from infercost.analyses.hosts import holds
from infercost.models import counting
from infercost.numeric import is_nothing, known_share, maximum, minimum
from infercost.replica import serving
from infercost.replica.layout import rank_cache_bytes
from infercost.replica.serving import Request, Served
from infercost.replica.step import (
    Pace,
    Running,
    bound_times,
    bytes_of_step,
    critical_batch,
    decode_time,
    pace_of,
    step_time,
    tpot_of,
)
from infercost.scenario.scenario import Load, Scenario

#: Seconds of a step: the bound that no stack beats, and this stack with everything overlapping or nothing.
BRACKET = ("bound_step_time_s", "full_overlap_step_time_s", "no_overlap_step_time_s")


def step_results(
    scenario: Scenario, batch: float, pace: Pace, served: Served | None = None, *, bracketed: bool = True
) -> dict[str, Any]:
    """Everything that a step and a request answer; without its bracket where only the work of the step is shown."""
    running, load = scenario.running, scenario.load
    work, context, times = running.work, running.rack.plan.context, pace.times
    results: dict[str, Any] = {
        "gpus": running.rack.devices,
        "batch": batch,
        "weight_bytes": running.rack.weight_bytes,
        "flops_per_token": work.flops_per_token() + work.attention_flops(context),
        "compute_time_s": times.parts.compute,
        "memory_time_s": times.parts.memory,
        "communication_time_s": times.parts.communication,
        **_in_host(running, batch, times.parts.host),
        "overhead_time_s": times.parts.overhead,
        "step_time_s": pace.step,
        "tpot_s": pace.tpot,
        **dict.fromkeys(BRACKET),
        "bound": times.bound,
        **_use(running, batch, pace),
        **_rates(running, batch, pace, scenario.price, apart=load.apart),
        **dict.fromkeys(("prefill_time_s", "ttft_s", "request_time_s")),
    }
    if bracketed:
        results |= _bracket(running, batch, pace) | _draft_results(scenario, batch, pace)
    results |= request_results(running, load, batch, pace.tpot, served)
    if load.apart:
        results["tokens_per_s_per_gpu"] = _rate_with_prefill(running, results)
    elif load.request and not (served or holds(running.rack)):
        results |= _with_prompts(running, load.request, batch, pace)
    return results | bill(scenario, results, pace, served)


def step_pace(scenario: Scenario) -> tuple[float, Pace, Served | None]:
    """The batch that was asked for, or that a load leads to, and how it goes on."""
    return under_load(scenario) or (scenario.batch, pace_of(scenario.running, scenario.batch, scenario.draft), None)


def under_load(scenario: Scenario) -> tuple[float, Pace, Served] | None:
    """The batch of a steady load: a plain step, and the gap between tokens, prompts included; None without one.

    Where prefill has replicas of its own, the decoding ones get every prompt's cache. Memory may hold no request.
    """
    running, load, request = scenario.running, scenario.load, scenario.load.decoding
    if request is None or not load.is_steady or load.most < 1:
        return None
    if load.rate is None:
        served = serving.serve_closed(running.replica, load.concurrent or 1.0, request, load.most)
    else:
        served = serving.serve_rate(running.replica, load.rate, request, load.most)
    times = pace_of(running, max(served.batch, 1)).times
    rate = formulas.cost.served_tokens_per_s(request_rate=served.rate, output_tokens=request.output_tokens)
    return served.batch, Pace(times, times.step, served.itl, rate), served


def _rate_with_prefill(running: Running, results: dict[str, Any]) -> float:
    """Tokens a second of a device, of those that read prompts too."""
    return formulas.cost.served_tokens_per_s_per_gpu(
        tokens_per_s=results["tokens_per_s"],
        devices=running.rack.devices,
        prefill_per_decode=results["prefill_per_decode"],
    )


def _with_prompts(running: Running, request: Request, batch: float, pace: Pace) -> dict[str, float]:
    """What a user and all of them get of a full batch with whose steps its prompts ride along."""
    gap = serving.prompts_gap(running.replica, batch, request)
    return {
        "itl_s": serving.tpot_met(pace.tpot, gap, batch),
        "tokens_per_s_all_in": serving.paid_rate(request, batch, pace.tpot, gap),
    }


def _in_host(running: Running, batch: float, spent: float) -> dict[str, float]:
    """What lies in a host, and its time in a step; nothing without one."""
    plan = running.rack.plan
    if is_nothing(spent):
        return {}
    return {"host_bytes": plan.far_weights + batch * plan.far_cache, "host_time_s": spent}


def _bracket(running: Running, batch: float, pace: Pace) -> dict[str, float]:
    """The times between which a step lies; what a draft adds never overlaps."""
    draft = pace.step - pace.times.step
    full, none = (step_time(pace.times.parts, overlap) + draft for overlap in ("full", "none"))
    return dict(zip(BRACKET, (bound_times(running, batch).step, full, none), strict=True))


def _draft_results(scenario: Scenario, batch: float, pace: Pace) -> dict[str, float]:
    """What a draft takes and is worth: its time in a step, and a token of a sequence without it."""
    if scenario.draft is None:
        return {}
    plain = tpot_of(scenario.running, batch)
    own = maximum(pace.step - pace.times.step, 0)
    return {"draft_passes_time_s": own, "plain_tpot_s": plain, "draft_speedup": plain / pace.tpot}


def _use(running: Running, batch: float, pace: Pace) -> dict[str, float | None]:
    """How well a step uses the devices, and the batch from which more users stop helping.

    A law may beat the bound, one that divides evenly or counts no arithmetic: there it has no such share.
    """
    rack, peak = running.rack, running.rate.fact.value
    bandwidth, context = rack.part.value("memory_bandwidth"), rack.plan.context
    shares: dict[str, Any] = {
        "utilization": formulas.step.utilization(
            flops_per_token=running.work.flops_per_token(),
            attention_flops_per_token=running.work.attention_flops(context),
            batch=batch,
            devices=rack.devices,
            peak_flops=peak,
            step_time=pace.tpot,
        ),
        "memory_bandwidth_utilization": formulas.step.memory_bandwidth_utilization(
            step_bytes=_bytes_read(running, batch, pace),
            devices=rack.devices,
            memory_bandwidth=bandwidth,
            step_time=maximum(pace.step, pace.tpot),
        ),
    }
    ridge = formulas.step.flops_per_byte(peak_flops=peak, memory_bandwidth=bandwidth)
    return {
        **{key: known_share(share) for key, share in shares.items()},  # a law may beat the bound
        "critical_batch": critical_batch(running),
        "flops_per_byte": ridge,
        "arithmetic_intensity": formulas.step.arithmetic_intensity(flops_per_byte=ridge, **shares),
    }


def _bytes_read(running: Running, batch: float, pace: Pace) -> float:
    """Bytes that a step reads: with a draft those of each of its tokens too."""
    context = running.rack.plan.context
    read = bytes_of_step(running.replica, batch, context)
    if pace.draft is None:
        return read
    replica, tokens = pace.draft
    return formulas.memory.drafted_bytes(
        step_bytes=read, draft_tokens=tokens, draft_bytes=bytes_of_step(replica, batch, context)
    )


def _rates(running: Running, batch: float, pace: Pace, price: float | None, *, apart: bool) -> dict[str, float | None]:
    """Rates, prices and energy of tokens; not the rate of a device where others read its prompts ``apart``."""
    devices, power = running.rack.devices, running.rack.part.facts.get("power")
    rate = pace.tokens_per_s
    if rate is None:
        rate = formulas.cost.tokens_per_s(batch=batch, step_time=pace.tpot)
    shared = {"devices": devices, "tokens_per_s": rate}
    usd = formulas.cost.usd_per_million_tokens(price=price, **shared) if price else None
    joules = formulas.cost.joules_per_token(power=power.value, **shared) if power else None
    return {
        "tokens_per_s": rate,
        "tokens_per_s_per_user": formulas.cost.tokens_per_s_per_user(step_time=pace.tpot),
        "tokens_per_s_per_gpu": None if apart else formulas.cost.tokens_per_s_per_gpu(**shared),
        "usd_per_million_tokens": usd,
        "usd_per_million_tokens_decode": usd,
        "joules_per_token": joules,
    }


def bill(scenario: Scenario, results: dict[str, Any], pace: Pace, served: Served | None = None) -> dict[str, float]:
    """USD for a million tokens with their prompts paid, and without; nothing where no price or no request is known.

    Prompts ride along with the steps of the batch or, where they have replicas of their own, those are paid too.
    """
    running, load, price, batch = scenario.running, scenario.load, scenario.price, results["batch"]
    if not price or load.request is None:
        return {}
    usd = partial(formulas.cost.usd_per_million_tokens, price=price, devices=running.rack.devices)
    rate = pace.tokens_per_s
    if rate is None:
        rate = formulas.cost.tokens_per_s(batch=batch, step_time=pace.tpot)
    paid, decode = usd(tokens_per_s=results.get("tokens_per_s_all_in", rate)), usd(tokens_per_s=rate)
    if served:  # at least one sequence decodes while any does, however long none does
        decode = usd(tokens_per_s=formulas.cost.tokens_per_s(batch=maximum(batch, 1), step_time=pace.times.step))
    if load.apart:
        ratio = results["prefill_per_decode"]
        paid = formulas.cost.served_cost(cost=paid, prefill_per_decode=ratio, slots=batch, concurrent_users=batch)
    # a first token comes with its prompt, which may be shorter than a step
    return {"usd_per_million_tokens": paid, "usd_per_million_tokens_decode": minimum(decode, paid)}


def token_seconds(scenario: Scenario, batch: float) -> float:
    """Seconds of a replica for each token at some batch, all paid that the price pays for: prompts and idle time."""
    running, load, replica = scenario.running, scenario.load, scenario.running.replica
    request, pace = load.request, pace_of(running, batch, scenario.draft)
    if request is None or holds(running.rack):
        return pace.tpot / batch
    decoding, served = load.decoding or request, None
    if load.is_steady:
        if load.rate is not None:
            served = serving.served_at(replica, batch, decoding, load.most)
        else:
            inside = max(min(load.concurrent or 1.0, load.most), batch)
            served = serving.serve_batch(replica, max(batch, 1.0), decoding, min(batch, 1.0), inside)
        rate = served.rate * request.output_tokens
    else:
        gap = 0.0 if load.apart else serving.prompts_gap(replica, batch, request)
        rate = batch / pace.tpot if load.apart else serving.paid_rate(request, batch, pace.tpot, gap)
    return (1 + (prefill_per_decode(running, request, batch, pace.tpot, served) if load.apart else 0.0)) / rate


def prefill_per_decode(
    running: Running, request: Request, batch: float, tpot: float, served: Served | None = None
) -> float:
    """Replicas full of prompts for each that decodes: by the rate of a load, or by a batch that stays full."""
    full = serving.full_prefill_time(running.replica, request)
    if served:
        return formulas.request.prefill_of_load(full_prefill_time=full, request_rate=served.rate)
    return formulas.request.prefill_per_decode(
        full_prefill_time=full,
        batch=batch,
        step_time=tpot,
        output_tokens=request.output_tokens,
    )


def request_results(
    running: Running, load: Load, batch: float, tpot: float, served: Served | None = None
) -> dict[str, Any]:
    """The times of one request, nothing without one; where prefill has replicas of its own, how many it takes."""
    if (request := load.request) is None:
        return {}
    prefill = serving.prefill_time(running.replica, 1, request)
    ttft = _ttft(running, load, request, batch, prefill, served)
    results: dict[str, Any] = {
        "prefill_time_s": prefill,
        "ttft_s": ttft,
        "request_time_s": formulas.request.request_time(ttft=ttft, output_tokens=request.output_tokens, tpot=tpot),
    }
    if served:
        if not load.apart:
            used = use_with_prompts(running, request, served.batch, served.rate, served.itl)
            results["utilization"] = min(used, 1.0)  # the last bit of a float
            results["prompt_itl_s"] = serving.prompt_itl(running.replica, max(batch, 1.0), request)
        results |= {"itl_s": served.itl, "in_flight": served.in_flight, "stable": served.stable}
        if load.concurrent:
            first = serving.all_at_once(running.replica, load.concurrent, request, served, load.run, load.most)
            results["ttft_all_at_once_s"] = first
    if load.apart:
        ratio = prefill_per_decode(running, request, batch, tpot, served)
        results |= {"prefill_per_decode": ratio, "cache_transfer_time_s": _transfer_time(running, request)}
        results["cache_transfer_bytes_per_s"] = _transfer_rate(running, request, batch, tpot, served)
    return results


def _transfer_rate(running: Running, request: Request, batch: float, tpot: float, served: Served | None) -> float:
    """Bytes a second of the caches of a replica's prompts: by the rate of a load, or by a batch that stays full."""
    if served:
        rate = served.rate
    else:
        rate = formulas.request.served_rate(
            busy_share=1, batch=batch, decoded_tokens=request.output_tokens, shared_step=tpot
        )
    cache = counting.cache_bytes(running.rack.plan.model, request.input_tokens)
    return formulas.request.cache_transfer_rate(request_rate=rate, prompt_cache=cache)


def use_with_prompts(running: Running, request: Request, batch: float, rate: float, itl: float) -> float:
    """Utilization by decoding and by the prompts that share its steps, of so many requests a second."""
    rack, work = running.rack, running.work
    return formulas.step.utilization(
        flops_per_token=formulas.step.flops_with_prompts(
            flops_per_token=work.flops_per_token(),
            prompt_flops=work.whole_prompt_flops(request.new, request.cached),
            request_rate=rate,
            shared_step=itl,
            batch=batch,
        ),
        attention_flops_per_token=work.attention_flops(rack.plan.context),
        batch=batch,
        devices=rack.devices,
        peak_flops=running.rate.fact.value,
        step_time=itl,
    )


def _ttft(running: Running, load: Load, request: Request, batch: float, prefill: float, served: Served | None) -> float:
    """Seconds to the first token: in a queue, in chunks among decode steps, or alone, its cache sent over if apart."""
    if load.apart:
        transfer = _transfer_time(running, request)
        prefill = formulas.request.sent_prefill_time(prefill_time=prefill, cache_transfer_time=transfer)
    elif served:
        return served.ttft
    elif request.chunk_tokens and not running.replica.timing:  # else engines cut prompts anyway
        prompt = serving.prompt_along(running.replica, batch, request)
        gap = decode_time(running.replica, batch, running.rack.plan.context)
        return serving.first_token(running.replica, request, prompt, gap)
    return formulas.request.ttft(
        prefill_time=prefill,
        waiting_time=serving.wait_for_step(running.replica, served.itl) if served else 0.0,
        request_overhead=serving.start_of(running.replica, request),
    )


def _transfer_time(running: Running, request: Request) -> float:
    """Seconds to send the cache of one prompt over the network, each device its share.

    Raises:
        Missing: the network bandwidth of the accelerator.
    """
    rack = running.rack
    cache = rank_cache_bytes(rack.plan.model, rack.plan.layout, request.input_tokens)
    return formulas.request.cache_transfer_time(
        cache_on_all=formulas.request.cache_on_all(cache_per_sequence=cache, devices=rack.devices),
        devices=rack.devices,
        link_bandwidth=rack.part.value("network_bandwidth"),
        link_share=running.speeds.link_share,
    )
