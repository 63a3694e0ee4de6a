"""A request on a replica: its prompt, its first token, its whole time, and the load at which all balance."""

from typing import Any

from infercost import formulas
from infercost.replica.layout import rank_cache_bytes
from infercost.replica.serving import (
    Request,
    Served,
    first_token,
    prefill_time,
    prompt_along,
    serve_rate,
    wait_for_step,
)
from infercost.replica.step import Running, decode_time
from infercost.scenario.scenario import Load


def steady(running: Running, load: Load) -> Served | None:
    """The steady state of a request rate, None where a batch was given or memory holds no request.

    Where prompts have replicas of their own, those that decode find every prompt cached.
    """
    if load.request is None or load.rate is None or load.most < 1:
        return None
    request = load.request._replace(prefix_share=1.0, chunk_tokens=None) if load.apart else load.request
    return serve_rate(running.replica, load.rate, request, load.most)


def request_results(running: Running, load: Load, batch: float, tpot: float, served: Served | None) -> dict[str, Any]:
    """The times of one request, by JSON key, and how prompts and decoding share replicas where they are apart."""
    request = load.request
    if request is None:
        return {}
    prefill = prefill_time(running.replica, 1, request)
    first = _first(running, load, batch, prefill, served)
    found: dict[str, Any] = {
        "prefill_time_s": prefill,
        "ttft_s": first,
        "request_time_s": formulas.request.request_time(ttft=first, output_tokens=request.output_tokens, tpot=tpot),
    }
    if served:
        if not load.apart:
            found["utilization"] = _with_prompts(running, request, served)
        found |= {"itl_s": served.itl, "in_flight": served.in_flight, "stable": served.stable}
    if load.apart:
        ratio = formulas.request.prefill_per_decode(
            prefill_time=prefill, batch=batch, step_time=tpot, output_tokens=request.output_tokens
        )
        found |= {"prefill_per_decode": ratio, "cache_transfer_time_s": _transfer(running, request)}
    return found


def _with_prompts(running: Running, request: Request, served: Served) -> float:
    """Share of the arithmetic that decoding and the prompts that ride along use."""
    rack = running.rack
    work = running.work
    used = formulas.step.utilization(
        flops_per_token=formulas.step.flops_with_prompts(
            flops_per_token=work.flops_per_token(),
            prompt_flops=work.whole_prompt_flops(request.new, request.cached),
            request_rate=served.rate,
            shared_step=served.itl,
            batch=served.batch,
        ),
        attention_flops_per_token=work.attention_flops(rack.plan.context),
        batch=served.batch,
        devices=rack.devices,
        peak_flops=running.rate.fact.value,
        step_time=served.itl,
    )
    return min(used, 1.0)  # the last bit of a float


def _first(running: Running, load: Load, batch: float, prefill: float, served: Served | None) -> float:
    """Seconds to the first token: alone, riding along in chunks, sent over from another replica, or in a queue."""
    assert load.request is not None
    if served and not load.apart:
        return served.ttft
    if load.request.chunk_tokens and not load.apart:
        prompt = prompt_along(running.replica, batch, load.request)
        return first_token(running.replica, prompt, decode_time(running.replica, batch, running.rack.plan.context))
    if load.apart:
        sent = _transfer(running, load.request)
        prefill = formulas.request.sent_prefill_time(prefill_time=prefill, cache_transfer_time=sent)
    return formulas.request.ttft(
        prefill_time=prefill,
        waiting_time=wait_for_step(running.replica, served.itl) if served else 0.0,
        request_overhead=running.replica.request_overhead,
    )


def _transfer(running: Running, request: Request) -> float:
    """Seconds to send the cache of one prompt over the network, each device its part.

    Raises:
        Missing: nothing is known of the part's network.
    """
    rack = running.rack
    held = rank_cache_bytes(rack.plan.model, rack.plan.layout, request.input_tokens)
    return formulas.request.cache_transfer_time(
        cache_on_all=formulas.request.cache_on_all(cache_per_sequence=held, devices=rack.devices),
        devices=rack.devices,
        link_bandwidth=rack.part.value("network_bandwidth"),
        link_share=running.speeds.link_share,
    )
