"""A request on a replica: its prompt, its first token, its whole time, and the load at which all balance."""

from typing import Any, NamedTuple

from infercost import counting
from infercost.case import Case
from infercost.derivation import not_recording
from infercost.efficiency import law
from infercost.engine import requests, roofline
from infercost.errors import BadValue, Missing
from infercost.question import Asked
from infercost.report import Note
from infercost.sharding import Layout, rank_cache_bytes, valid_widths
from infercost.stepping import StepInputs
from infercost.timing.replica import (
    LEAST_OUTPUT,
    Replica,
    Request,
    Served,
    decode_time,
    first_token,
    prefill_time,
    prompt_along,
    serve_rate,
)
from infercost.timing.work import work_of
from infercost.units import show

#: Sequences that an engine runs at once when nobody says how many.
USUAL_MOST = 256
_PROMPT = ("prefix_share", "chunk_tokens", "request_rate", "max_sequences", "disaggregated")


class Draft(NamedTuple):
    """A draft that proposes tokens: how many, how likely each is accepted, and the seconds of one."""

    tokens: int
    acceptance: float
    time: float


class Asking(NamedTuple):
    """What is asked beside the step: a request, its load, whether prompts are apart, and a draft."""

    request: Request | None = None
    rate: float | None = None
    most: float = USUAL_MOST
    apart: bool = False


def read_request(asked: Asked, case: Case) -> Asking:
    """The request that was asked about, nothing where no length was given.

    Raises:
        Missing: a part of it without the lengths, or of a bare count, which has no layers to attend with.
    """
    given = [name for name in ("input_tokens", "output_tokens") if name in asked.given]
    stray = [name for name in _PROMPT if name in asked.given]
    if not given and not stray:
        return Asking()
    if case.model is None:
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
    rate = asked.take("request_rate") if "request_rate" in asked.given else None
    held = case.plan.max_sequences if case.plan else None
    most = float(asked.take("max_sequences", USUAL_MOST, "what engines start with")) if rate is not None else USUAL_MOST
    return Asking(request, rate, most if held is None else min(most, held), bool(asked.get("disaggregated")))


def _check(asked: Asked, case: Case, request: Request) -> None:
    """Refuse what cannot be asked together.

    Raises:
        BadValue: two options that disagree, a request too long, or one that no law here answers.
    """
    longest = case.model.max_context if case.model else 0
    if longest and request.input_tokens + request.output_tokens > longest:
        tokens = f"{request.input_tokens:,.0f} + {request.output_tokens:,.0f} tokens"
        raise BadValue(f"a request of {tokens} is longer than the model was made for", f"its config says {longest:,}")
    if (name := law(case.profile)) != "roofline":
        raise BadValue(f"profile {case.profile.name} answers a step, not a request", f"the law {name} has no prompts")
    if "context" in asked.given:
        raise BadValue("--context and the lengths of a request disagree", "give one: the context follows from them")
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


def read_draft(asked: Asked, case: Case, inputs: StepInputs, batch: float) -> Draft | None:
    """The draft that was asked for, its time that of a step of its own model or a share of the target's.

    Raises:
        Missing: draft tokens without acceptance or cost.
        BadValue: an acceptance of one, which no draft has.
    """
    names = ("draft_tokens", "acceptance", "draft_model", "draft_cost")
    given = [name for name in names if name in asked.given]
    if not given:
        return None
    tokens = int(asked.need("draft_tokens", "--draft-tokens 4"))
    acceptance = float(asked.need("acceptance", "--acceptance 0.8"))
    if acceptance >= 1:
        raise BadValue("--acceptance 1: no draft is always right", "give the share that is accepted, below 1")
    if "draft_model" in given and "draft_cost" in given:
        raise BadValue("--draft-model and --draft-cost are two ways to say one thing", "give one of them")
    if not {"draft_model", "draft_cost"} & {*given}:
        raise Missing("a draft needs a model or a cost", "give --draft-model NAME or --draft-cost 0.05")
    if "draft_cost" in given:
        share = float(asked.take("draft_cost"))
        with not_recording():
            return Draft(tokens, acceptance, share * decode_time(inputs.replica, batch, case.context))
    from infercost.models import find_model  # the families that read a model are wanted here alone

    model = find_model(str(asked.take("draft_model"))).model
    weights = show(sum(counting.weight_bytes_by_part(model).values()), "B")
    asked.notes.append(Note("draft", f"the draft's weights, {weights} in all, are not counted in what fits"))
    width = max(tp for tp in valid_widths(model) if case.width % tp == 0 and tp <= case.width)
    drafting = Replica(work_of(model, Layout(width)), inputs.speeds)
    with not_recording():
        return Draft(tokens, acceptance, decode_time(drafting, batch, case.context))


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
        "request_time_s": requests.request_time(ttft=first, output_tokens=request.output_tokens, tpot=tpot),
    }
    if served:
        if not asking.apart:
            found["utilization"] = _with_prompts(case, inputs, request, served)
        found |= {"itl_s": served.itl, "in_flight": served.in_flight, "stable": served.stable}
    if asking.apart:
        ratio = requests.prefill_per_decode(
            prefill_time=prefill, batch=batch, step_time=tpot, output_tokens=request.output_tokens
        )
        found |= {"prefill_per_decode": ratio, "cache_transfer_time_s": _transfer(case, inputs, request)}
    return found


def _with_prompts(case: Case, inputs: StepInputs, request: Request, served: Served) -> float:
    """Share of the arithmetic that decoding and the prompts that ride along use."""
    work = inputs.work
    prompt = work.whole_prompt_flops(request.new, request.cached)
    used = roofline.utilization(
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
    return requests.ttft(
        prefill_time=prefill + sent,
        waiting_time=inputs.replica.steps_waited * served.itl if served else 0.0,
        request_overhead=inputs.replica.request_overhead,
    )


def _transfer(case: Case, inputs: StepInputs, request: Request) -> float:
    """Seconds to send the cache of one prompt over the network, each device its part.

    Raises:
        Missing: nothing is known of the part's network.
    """
    assert case.plan is not None
    held = rank_cache_bytes(case.plan.model, case.plan.layout, request.input_tokens) * case.devices
    return requests.cache_transfer_time(
        cache_per_sequence=held,
        devices=case.devices,
        link_bandwidth=case.part.value("network_bandwidth"),
        link_share=inputs.speeds.link_share,
    )
