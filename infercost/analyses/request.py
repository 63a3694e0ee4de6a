"""A request on a replica: its prompt, its first token, its whole time, and the load at which all balance."""

from typing import Any, NamedTuple

from infercost import formulas
from infercost.errors import BadValue, Missing
from infercost.parts.stack import law
from infercost.replica.layout import rank_cache_bytes
from infercost.replica.serving import (
    LEAST_OUTPUT,
    Request,
    Served,
    decode_time,
    first_token,
    prefill_time,
    prompt_along,
    serve_rate,
)
from infercost.scenario.read import Asked
from infercost.scenario.scenario import Case, StepInputs

#: Sequences that an engine runs at once when nobody says how many.
USUAL_MOST = 256
_PROMPT = ("prefix_share", "chunk_tokens")
_LOADED = ("request_rate", "max_sequences", "disaggregated")


class Asking(NamedTuple):
    """What is asked beside the step: a request, its load, whether prompts are apart, and a draft."""

    request: Request | None = None
    rate: float | None = None
    most: float = USUAL_MOST
    apart: bool = False


def read_asking(asked: Asked, case: Case) -> Asking:
    """What is asked beside the step: a request, the rate at which such requests come, and what goes with either.

    Raises:
        BadValue: two options that disagree.
    """
    request = read_request(asked, case, _LOADED)
    if request is None:
        return Asking()
    _check_rate(asked, request)
    rate = asked.take("request_rate") if "request_rate" in asked.given else None
    held = case.plan.max_sequences
    most = float(asked.take("max_sequences", USUAL_MOST, "what engines start with")) if rate is not None else USUAL_MOST
    return Asking(request, rate, most if held is None else min(most, held), bool(asked.get("disaggregated")))


def read_request(asked: Asked, case: Case, also: tuple[str, ...] = ()) -> Request | None:
    """The request that was asked about, None where no length was given; ``also`` are options that need one too.

    Raises:
        Missing: a part of it without the lengths, or of a bare count, which has no layers to attend with.
    """
    given = [name for name in ("input_tokens", "output_tokens") if name in asked.given]
    stray = [name for name in (*_PROMPT, *also) if name in asked.given]
    if not given and not stray:
        return None
    if case.model.is_bare:
        raise Missing(f"{(given + stray)[0]} needs --model: a bare count has no layers", "--model llama-3.1-70b")
    if len(given) < 2:
        raise Missing("a request needs both lengths", "give --input-tokens and --output-tokens")
    request = Request(
        float(asked.take("input_tokens")),
        float(asked.take("output_tokens")),
        asked.take("prefix_share", 0.0, "no prompt is cached") if "prefix_share" in asked.given else 0.0,
        asked.take("chunk_tokens") if "chunk_tokens" in asked.given else None,
    )
    _check(asked, case, request)
    return request


def _check(asked: Asked, case: Case, request: Request) -> None:
    """Refuse a request that the model was not made for, that no law here answers, or that has another context.

    Raises:
        BadValue: one of these.
    """
    longest = case.model.max_context
    if longest and request.input_tokens + request.output_tokens > longest:
        tokens = f"{request.input_tokens:,.0f} + {request.output_tokens:,.0f} tokens"
        raise BadValue(f"a request of {tokens} is longer than the model was made for", f"its config says {longest:,}")
    if (name := law(case.profile)) != "roofline":
        raise BadValue(f"profile {case.profile.name} answers a step, not a request", f"the law {name} has no prompts")
    if "context" in asked.given:
        raise BadValue("--context and the lengths of a request disagree", "give one: the context follows from them")


def _check_rate(asked: Asked, request: Request) -> None:
    """Refuse what does not go with a rate of requests, or goes with nothing else.

    Raises:
        BadValue: two options that disagree, or requests that decode nothing.
    """
    if "request_rate" not in asked.given:
        if "max_sequences" in asked.given:
            raise BadValue("--max-sequences bounds what a rate leads to", "give --request-rate, or the --batch itself")
        return
    if "batch" in asked.given:
        raise BadValue("--request-rate and --batch disagree", "give one: the batch follows from the rate")
    if "draft_tokens" in asked.given:
        raise BadValue("a draft under a request rate is not modelled", "give the --batch instead of the rate")
    if request.output_tokens < LEAST_OUTPUT:
        raise BadValue("a rate of requests that decode nothing has no batch", "give at least --output-tokens 2")


def steady(inputs: StepInputs, asking: Asking) -> Served | None:
    """The steady state of a request rate, None where a batch was given or memory holds no request.

    Where prompts have replicas of their own, those that decode find every prompt cached.
    """
    if asking.request is None or asking.rate is None or asking.most < 1:
        return None
    request = asking.request._replace(prefix_share=1.0, chunk_tokens=None) if asking.apart else asking.request
    return serve_rate(inputs.replica, asking.rate, request, asking.most)


def request_results(
    case: Case, inputs: StepInputs, asking: Asking, batch: float, tpot: float, served: Served | None
) -> dict[str, Any]:
    """The times of one request, by JSON key, and how prompts and decoding share replicas where they are apart."""
    request = asking.request
    if request is None:
        return {}
    prefill = prefill_time(inputs.replica, 1, request)
    first = _first(case, inputs, asking, batch, prefill, served)
    found: dict[str, Any] = {
        "prefill_time_s": prefill,
        "ttft_s": first,
        "request_time_s": formulas.request.request_time(ttft=first, output_tokens=request.output_tokens, tpot=tpot),
    }
    if served:
        if not asking.apart:
            found["utilization"] = _with_prompts(case, inputs, request, served)
        found |= {"itl_s": served.itl, "in_flight": served.in_flight, "stable": served.stable}
    if asking.apart:
        ratio = formulas.request.prefill_per_decode(
            prefill_time=prefill, batch=batch, step_time=tpot, output_tokens=request.output_tokens
        )
        found |= {"prefill_per_decode": ratio, "cache_transfer_time_s": _transfer(case, inputs, request)}
    return found


def _with_prompts(case: Case, inputs: StepInputs, request: Request, served: Served) -> float:
    """Share of the arithmetic that decoding and the prompts that ride along use."""
    work = inputs.work
    prompt = work.whole_prompt_flops(request.new, request.cached)
    used = formulas.step.utilization(
        flops_per_token=work.flops_per_token()
        + work.attention_flops(case.context)
        + prompt * served.rate * served.itl / served.batch,
        batch=served.batch,
        devices=case.devices,
        peak_flops=inputs.rate.fact.value,
        step_time=served.itl,
    )
    return min(used, 1.0)  # the last bit of a float


def _first(
    case: Case, inputs: StepInputs, asking: Asking, batch: float, prefill: float, served: Served | None
) -> float:
    """Seconds to the first token: alone, riding along in chunks, sent over from another replica, or in a queue."""
    assert asking.request is not None
    if served and not asking.apart:
        return served.ttft
    if asking.request.chunk_tokens and not asking.apart:
        prompt = prompt_along(inputs.replica, batch, asking.request)
        return first_token(inputs.replica, prompt, decode_time(inputs.replica, batch, case.context))
    sent = _transfer(case, inputs, asking.request) if asking.apart else 0.0
    return formulas.request.ttft(
        prefill_time=prefill + sent,
        waiting_time=inputs.replica.steps_waited * served.itl if served else 0.0,
        request_overhead=inputs.replica.request_overhead,
    )


def _transfer(case: Case, inputs: StepInputs, request: Request) -> float:
    """Seconds to send the cache of one prompt over the network, each device its part.

    Raises:
        Missing: nothing is known of the part's network.
    """
    held = rank_cache_bytes(case.plan.model, case.plan.layout, request.input_tokens) * case.devices
    return formulas.request.cache_transfer_time(
        cache_per_sequence=held,
        devices=case.devices,
        link_bandwidth=case.part.value("network_bandwidth"),
        link_share=inputs.speeds.link_share,
    )
