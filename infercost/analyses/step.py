"""What a step and a request answer at a batch, by JSON key: times, what binds, utilization, throughput, cost."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from infercost import formulas
from infercost.analyses.hosts import holds
from infercost.analyses.prices import says_price
from infercost.analyses.remarks import IN_TURN, Bands, bands_at, gives_length, idle_words
from infercost.models import counting
from infercost.numeric import is_nothing, known_share, maximum, minimum
from infercost.parts.bands import sets_of
from infercost.parts.stack import law
from infercost.replica import serving
from infercost.replica.layout import Layout, rank_cache_bytes
from infercost.replica.memory import Rack
from infercost.replica.serving import LEAST_OUTPUT, Request, Served, full_prefill_time, serve_closed
from infercost.replica.step import (
    Pace,
    Running,
    bound_times,
    bytes_of_step,
    critical_batch,
    decode_time,
    pace_of,
    part_of,
    step_time,
    tpot_of,
)
from infercost.replica.work import Parts
from infercost.report import Note, Report, Row
from infercost.scenario.scenario import FOR_ONE, Load, Scenario
from infercost.scenario.usual import kind_of_price
from infercost.units import lasting, many, show

#: Seconds of a step: the bound that no stack beats, and this stack with everything overlapping or nothing.
BRACKET = ("bound_step_time_s", "full_overlap_step_time_s", "no_overlap_step_time_s")
#: Tokens of prompts for each that comes out above which a verdict has both.
OUTWEIGH = 10
#: What all replicas have together; what is not listed is of each.
OF_ALL = (
    *("gpus", "batch", "knee_batch", "max_batch", "max_sequences", "kv_pool_tokens"),
    *("in_flight", "tokens_per_s", "tokens_per_s_all_in", "texts_per_s", "input_tokens_per_s"),
    *("most_requests_per_s", "requests_at_once"),
    "cache_transfer_bytes_per_s",
    "shortfall_bytes",
)

#: A share of the time between tokens above which prompts are what takes it.
MOST = 0.5
#: The start of a verdict on what all replicas together cannot keep up with.
OVERLOADED = "Overloaded: "


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
        results["tokens_per_s_per_gpu"] = _rate_with_prefill(scenario, results)
    elif load.request and not (served or holds(running.rack)):
        results |= _with_prompts(running, load.request, batch, pace, results["ttft_s"])
    return results | bill(scenario, results, pace, served)


def of_caches(scenario: Scenario, batch: float, pace: Pace) -> dict[str, float | None]:
    """The share of the caches in the bytes that a step reads, and what faster attention gains at most.

    Nothing of a draft's steps or beside a host, no gain where kernels overlap.
    """
    running, context = scenario.running, scenario.rack.plan.context
    work, parts, bounds = running.work, pace.times.parts, running.bounds
    if not work.attending or scenario.draft or holds(scenario.rack):
        return {}
    if scenario.load.reads or not batch:
        return {"cache_bytes_share": None, "attention_gain_bound": None}
    part = part_of(running.replica, batch)
    read = work.cache_read(part, context)
    step = formulas.memory.step_bytes(bytes_read=work.bytes_read(part), cache_read=read)
    share = formulas.memory.cache_bytes_share(cache_read=read, step_bytes=step)
    if running.overlap not in ("operator", *IN_TURN) or law(running.rack.setup.stack) == "erdil-2025":
        return {"cache_bytes_share": share, "attention_gain_bound": None}
    least = formulas.step.least_attention_time(
        cache_read=read,
        memory_bandwidth=bounds.memory_bandwidth,
        attention_flops_per_token=work.attention_flops(context),
        sequences=part,
        attention_peak_flops=bounds.attention_flops,
        devices=work.ranks,
    )
    gain = formulas.step.attention_gain_bound(
        step_time=pace.step, attention_time=attention_time(running, parts), least_attention_time=least
    )
    return {"cache_bytes_share": share, "attention_gain_bound": gain}


def attention_time(running: Running, parts: Parts) -> float:
    """Seconds of attention in a step whose operators wait for each other."""
    both = parts.attention_compute, parts.attention_memory
    return max(both) if running.overlap == "operator" else sum(both)


def attention_remark(scenario: Scenario, results: dict[str, Any]) -> str:
    """The share of a step that attention takes, and how much of it is left at the chip's peaks."""
    if not (gain := results.get("attention_gain_bound")):
        return ""
    times = pace_of(scenario.running, results["batch"]).times
    share = attention_time(scenario.running, times.parts) / times.step
    return f"{show(share, 'share')} of a step is attention, {show(share - 1 + 1 / gain, 'share')} at the chip's peaks"


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


def _rate_with_prefill(scenario: Scenario, results: dict[str, Any]) -> float:
    """Tokens a second of a device, of those that read prompts too."""
    return formulas.cost.served_tokens_per_s_per_gpu(
        tokens_per_s=results["tokens_per_s"],
        devices=scenario.running.rack.devices,
        prefill_paid=prefill_paid(scenario, results["prefill_per_decode"]),
    )


def is_counted_whole(scenario: Scenario) -> bool:
    """Whether replicas that read prompts are paid whole: those of a load or a job, not the parts of a full service."""
    return scenario.load.rate is not None or scenario.requests is not None


def prefill_paid(scenario: Scenario, ratio: float) -> float:
    """Replicas that are paid to read prompts for each that decodes, of so many full of prompts."""
    if not is_counted_whole(scenario):
        return ratio
    return formulas.request.prefill_paid(prefill_per_decode=ratio, replicas=scenario.copies)


def _with_prompts(running: Running, request: Request, batch: float, pace: Pace, ttft: float) -> dict[str, float]:
    """What a user and all of them get of a full batch with whose steps its prompts ride along."""
    gap = serving.prompts_gap(running.replica, batch, request)
    itl = serving.tpot_met(pace.tpot, gap, batch)
    return {
        "itl_s": itl,
        "request_time_s": formulas.request.request_time(ttft=ttft, output_tokens=request.output_tokens, tpot=itl),
        "tokens_per_s_all_in": _paid_rate(running, request, batch, pace.tpot, gap),
    }


def prompts_share(results: dict[str, Any]) -> float:
    """The share of the time between a user's tokens that the prompts of others take."""
    plain, gap = results["step_time_s" if "in_flight" in results else "tpot_s"], results.get("itl_s")
    return 1 - plain / gap if gap and plain else 0.0


def token_time(scenario: Scenario) -> float:
    """Seconds between a user's tokens, the prompts of others among them where these ride along."""
    running, load, batch = scenario.running, scenario.load, scenario.batch
    if load.is_steady:
        return step_pace(scenario)[1].tpot
    step = pace_of(running, batch, scenario.draft).tpot
    if load.request is None or load.apart:
        return step
    return serving.tpot_met(step, serving.prompts_gap(running.replica, batch, load.request), batch)


def _paid_rate(running: Running, request: Request, batch: float, tpot: float, gap: float) -> float:
    """Tokens a second that leave a full batch, prompts paid; of prompts without a gap where nothing is decoded."""
    if request.output_tokens < LEAST_OUTPUT:
        return formulas.cost.texts_per_s(batch=1, prefill_time=full_prefill_time(running.replica, request))
    return serving.paid_rate(request, batch, tpot, gap)


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
    """What a draft takes and is worth: its time in a step, tokens that a step yields, and a token's time without it."""
    draft = scenario.draft
    if draft is None:
        return {}
    plain = tpot_of(scenario.running, batch)
    own = maximum(pace.step - pace.times.step, 0)
    each = formulas.request.speculative_tokens(draft_tokens=draft.tokens, acceptance=draft.acceptance)
    worth = {"plain_tpot_s": plain, "draft_speedup": plain / pace.tpot}
    return {"draft_passes_time_s": own, "accept_length": each, **worth}


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
        whole = prefill_paid(scenario, results["prefill_per_decode"])
        paid = formulas.cost.served_cost(cost=paid, prefill_paid=whole, slots=batch, concurrent_users=batch)
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
        rate = batch / pace.tpot if load.apart else _paid_rate(running, request, batch, pace.tpot, gap)
    if not load.apart:
        return 1 / rate
    return (1 + prefill_paid(scenario, prefill_per_decode(running, request, batch, pace.tpot, served))) / rate


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
        results["cache_transfer_bytes_per_s"] = _transfer_rate(running, request, batch, tpot, load.rate)
    return results


def _transfer_rate(running: Running, request: Request, batch: float, tpot: float, rate: float | None) -> float:
    """Bytes a second of the caches of a replica's prompts: by the rate that is asked, or by a batch that stays full."""
    if rate is None:
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
    elif request.chunk_tokens and not running.replica.timing and batch > 1:  # else engines cut prompts anyway
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


def is_of_one(scenario: Scenario, results: dict[str, Any]) -> bool:
    """Whether one user is asked about, or one request, whose time stands before the use of the hardware."""
    return results["batch"] <= 1 and scenario.load.rate is None


def one_holds(scenario: Scenario) -> str:
    """What batch one device holds, where nobody counted them and a batch that was given takes several; else nothing."""
    rack, given = scenario.rack, scenario.question.get("batch") is not None
    if not given or scenario.is_row or rack.given or rack.devices * scenario.copies == 1:
        return ""
    most = rack.setup.plan(Layout(1, 1, 1)).max_sequences or 0
    return f"one holds batch {most:,.0f}" if 1 <= most < scenario.batch * scenario.copies else ""


def reads_at_peak(running: Running) -> bool:
    """Whether no kernel of prompts was measured, and these are taken at the peak: a CPU's under llama.cpp."""
    in_turn = running.replica.in_turn
    return in_turn is not None and in_turn.engine.kernels == "cpu"


# What one request takes of money and of energy, how many of them devices sustain, and what these read.


def of_request(scenario: Scenario, results: dict[str, Any]) -> dict[str, float | None]:
    """USD and Wh of a request with its prompt, and what all of them read; of a bare count of what it decodes alone."""
    request = scenario.load.request
    tokens = request.output_tokens if request else decoded_alone(scenario)
    if tokens is None:
        return {}
    paid, usd = results["usd_per_million_tokens"], None
    if paid is not None:
        usd = formulas.cost.usd_per_request(usd_per_million_tokens=paid, output_tokens=tokens)
    energy = _energy(scenario, results, tokens)
    found = {"usd_per_request": usd, "wh_per_request": energy}
    if energy is not None and _prices_power(scenario):
        joules = formulas.cost.joules_per_output_token(request_energy=energy, output_tokens=tokens)
        found["joules_per_output_token"] = joules
    if request is None:
        return found
    read = {"input_tokens_per_s": _read(scenario, results, request)}
    return read | found | _job_of_tokens(scenario, results, request)


def decoded_alone(scenario: Scenario) -> float | None:
    """The tokens that a request of a bare count decodes, whose prompt nobody can count; None where nobody asked."""
    tokens = None if scenario.load.request else scenario.question.get("output_tokens")
    return None if tokens is None else float(tokens)


def _job_of_tokens(scenario: Scenario, results: dict[str, Any], request: Request) -> dict[str, float | None]:
    """What a job takes by the tokens that come out; nothing where none was asked for."""
    if scenario.requests is None:
        return {}
    out = results.get("tokens_per_s_all_in", results["tokens_per_s"])
    rate = formulas.cost.requests_answered(tokens_per_s=out, output_tokens=request.output_tokens)
    ratio = results.get("prefill_per_decode")
    paid = prefill_paid(scenario, ratio) if ratio else 0.0
    return job_results(scenario, rate, results["request_time_s"] or 0.0, paid)


def job_results(scenario: Scenario, rate: float, least: float, reading: float = 0.0) -> dict[str, float | None]:
    """Seconds and USD of a job at so many requests a second of one replica, with those paid for ``reading`` apart.

    ``least`` is the time of one request.
    """
    if scenario.requests is None:
        return {}
    copies, usd = scenario.copies, None
    time = formulas.cost.job_time(
        job_requests=scenario.requests, replicas=copies, requests_answered=rate, request_time=least
    )
    if scenario.price:
        paid = copies * (1 + reading)
        hour = formulas.cost.usd_per_hour(price=scenario.price, replicas=paid, devices=scenario.running.rack.devices)
        usd = formulas.cost.job_usd(usd_per_hour=hour, job_time=time)
    return {"job_time_s": time, "job_usd": usd}


def job_remarks() -> dict[str, str]:
    """What stands beside the money of a job."""
    return {"job_usd": "every accelerator paid until its end"}


def job_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """The start of a verdict on a job: its time and money, and how many at once; empty where none was asked for."""
    if scenario.requests is None or results.get("job_time_s") is None:
        return ""
    load, copies, time, usd = scenario.load, scenario.copies, results["job_time_s"], results["job_usd"]
    what = many(scenario.requests, "text" if scenario.rack.model.prefill_only else "request")
    bands = _bands_of_job(scenario, results)
    long = f"{lasting(time)}{_ends(bands, 'job_time_s', partial(lasting, like=time))}"
    money = f" and {show(usd, 'USD')}{_ends(bands, 'job_usd', _usd)}" if usd is not None else ""
    if load.rate is not None:
        at = f"at {show(copies * load.rate, '')} a second"
    elif load.concurrent is not None:
        at = f"with {copies * load.concurrent:,.0f} in flight"
    elif scenario.load.reads:
        at = ""
    else:
        why = next((item.origin for item in scenario.inputs if item.key == "batch" and item.assumed), "")
        each = "" if copies == 1 else " on each"
        at = f"at batch {show(scenario.batch, '')}{each}{f' ({why})' if (why := why.partition(': ')[2]) else ''}"
    take, at = "takes" if scenario.requests == 1 else "take", at and f" {at}"
    no = f"No, not within {lasting(scenario.deadline or 0)}: " if ends_late(scenario, results) else ""
    return f"{no}{what} {take} {long}{money} on {place_of_all(scenario)}{at}. "


def ends_late(scenario: Scenario, results: dict[str, Any]) -> bool:
    """Whether a job ends after its deadline."""
    return (results.get("job_time_s") or 0.0) > (scenario.deadline or float("inf"))


def _bands_of_job(scenario: Scenario, results: dict[str, Any]) -> Bands:
    """The intervals of a job: those of the speed that it follows from; none of texts, of which no run is known."""
    rack, keys = scenario.rack, ("batch", "job_time_s", "job_usd")
    if rack.model.prefill_only or not sets_of(rack.setup.stack, rack.part):
        return {}
    return bands_at({key: results[key] for key in keys}, rack, load_of(scenario))


def _ends(bands: Bands, key: str, shown: Callable[[float], str]) -> str:
    """An interval behind its figure, a unit that both ends have said once; empty without one."""
    if key not in bands:
        return ""
    low, high = map(shown, bands[key])
    return f" ({low.removesuffix(high.lstrip('$0123456789.,'))} to {high})"


def _usd(value: float) -> str:
    return show(value, "USD")


def load_of(scenario: Scenario) -> str:
    """What sets the load, as intervals know it."""
    if scenario.load.reads and not holds(scenario.rack):
        return "prompts"
    steady = "slots" if scenario.load.is_steady else "batch"
    return steady if scenario.load.rate is None else "arrivals"


def _read(scenario: Scenario, results: dict[str, Any], request: Request) -> float:
    """Tokens a second of prompts, cached ones too, by the tokens that come out; of prompts alone without a gap."""
    if scenario.load.reads and holds(scenario.rack):
        rate = _paid_rate(scenario.running, request, 1, 0, 0)
    else:
        out = results.get("tokens_per_s_all_in", results["tokens_per_s"])
        rate = formulas.cost.requests_answered(tokens_per_s=out, output_tokens=request.output_tokens)
    return formulas.cost.input_tokens_per_s(texts_per_s=rate, input_tokens=request.input_tokens)


def of_prompts(scenario: Scenario) -> dict[str, Any]:
    """Of replicas that read prompts and nothing else: what binds these, and the operations and the MFU of them."""
    request = scenario.load.request
    if request is None or not scenario.load.reads:
        return {}
    rate = _paid_rate(scenario.running, request, 1, 0, 0)
    return {
        "bound": serving.prompt_bound(scenario.running.replica, request),
        "utilization": known_share(use_of_prompts(scenario.running, request, rate)),
        "prefill_flops": scenario.running.work.whole_prompt_flops(request.new, request.cached),
    }


def use_of_prompts(running: Running, request: Request, texts_per_s: float) -> float:
    """Utilization by prompts alone, so many a second."""
    return formulas.step.text_utilization(
        prompt_flops=running.work.whole_prompt_flops(request.new, request.cached),
        texts_per_s=texts_per_s,
        devices=running.rack.devices,
        peak_flops=running.rate.fact.value,
    )


def reads_alone(scenario: Scenario) -> bool:
    """Whether nothing is decoded, and the tokens that are measured are those that are read."""
    request = scenario.load.request
    return request is not None and request.output_tokens < LEAST_OUTPUT


def _energy(scenario: Scenario, results: dict[str, Any], output_tokens: float) -> float | None:
    """Wh at the wall for a request, those that read prompts apart too; None where no power is known."""
    rack, power = scenario.running.rack, scenario.running.rack.part.facts.get("power")
    if power is None:
        return None
    energy = formulas.cost.request_energy(
        power=power.value,
        pue=pue_of(scenario),
        devices=rack.devices,
        output_tokens=output_tokens,
        tokens_per_s=results.get("tokens_per_s_all_in", results["tokens_per_s"]),
    )
    if not scenario.load.apart:
        return energy
    whole, batch = prefill_paid(scenario, results["prefill_per_decode"]), results["batch"]
    return formulas.cost.served_cost(cost=energy, prefill_paid=whole, slots=batch, concurrent_users=batch)


def pue_of(scenario: Scenario) -> float:
    """Power at the wall over that of the chips, as a price of one's own has it; 1 where none is paid."""
    return next((float(item.value) for item in scenario.inputs if item.key == "pue"), 1.0)


def _wall(scenario: Scenario) -> str:
    """The PUE in the energy of a request, and that a price of power brought it where nobody gave it."""
    item = next((item for item in scenario.inputs if item.key == "pue" and item.value != 1), None)
    return f", PUE {item.value:g}{', which comes with the price' if item.assumed else ''}" if item else ""


def device_rows(scenario: Scenario, results: dict[str, Any]) -> Iterator[Row]:
    """What all devices cost an hour, their rated power and its energy of a day; without those that nobody counts."""
    fact, rack = scenario.rack.part.facts.get("power"), scenario.rack
    devices = scenario.copies * rack.devices
    if (usd := _hour(scenario, results)) is not None:
        yield Row("usd_per_hour", usd, "all devices", devices > 1 and not hourly_words(scenario, results))
    if fact is None or scenario.load.apart or not rack.plan.fits:
        return
    watts = formulas.cost.rated_power(power=fact.value, pue=pue_of(scenario), devices=devices)
    energy = formulas.cost.energy_per_day(rated_power=watts)
    shown = scenario.load.is_steady or bool({"batch", "power_price"} & {*scenario.question.given})
    wall = f", PUE {pue:g}" if (pue := pue_of(scenario)) != 1 else ""
    yield Row("rated_power_w", watts, f"{show(energy, 'kWh')} a day always busy{wall}", shown)
    yield Row("kwh_per_day", energy, shown=False)


def _hour(scenario: Scenario, results: dict[str, Any]) -> float | None:
    """USD for an hour of all devices; None without a price, or where parts of replicas that read prompts are paid."""
    ratio, rack, apart = results.get("prefill_per_decode"), scenario.rack, scenario.load.apart
    if not scenario.price or not rack.plan.fits or (apart and not (ratio and is_counted_whole(scenario))):
        return None
    paid = scenario.copies * (1 + (prefill_paid(scenario, ratio) if apart and ratio else 0.0))
    return formulas.cost.usd_per_hour(price=scenario.price, replicas=paid, devices=rack.devices)


def hourly_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What all of several devices cost an hour, before the price of tokens; not of one's own or beside an API."""
    elsewhere = kind_of_price(scenario.question.given) in ("owned", "electricity") or scenario.api_price is not None
    usd = None if elsewhere or scenario.rack.devices * scenario.copies == 1 else _hour(scenario, results)
    return "" if usd is None else f"{show(usd, 'USD')} an hour, "


def most_requests(scenario: Scenario) -> tuple[Row, ...]:
    """Requests a second of full devices, where it was asked what a cached prefix does for them."""
    load, request, rack = scenario.load, scenario.load.decoding, scenario.rack
    given = any(scenario.question.get(name) is not None for name in ("prefix_share", "shared_prefix"))
    asked = given and not scenario.draft and not holds(rack)
    if request is None or not asked or not rack.plan.fits:
        return ()
    most = serve_closed(scenario.running.replica, load.most, request).rate
    return (Row("most_requests_per_s", most, f"{load.most * scenario.copies:,.0f} always in flight"),)


def at_once(scenario: Scenario) -> tuple[Row, ...]:
    """Requests that run at once of those that are always in flight; the others wait."""
    load = scenario.load
    if load.concurrent is None:
        return ()
    if not scenario.rack.plan.fits:
        return (Row("requests_at_once", None, "the model does not fit", False),)
    return (Row("requests_at_once", min(load.most, load.concurrent), shown=False),)


def request_remarks(scenario: Scenario) -> dict[str, str]:
    """What stands beside the money and the energy of a request."""
    wall = _wall(scenario)
    of = "with its prompt" if scenario.load.request else "its prompt left out"
    return {
        "usd_per_request": of,
        **dict.fromkeys(("wh_per_request", "joules_per_output_token"), f"{of}{wall}"),
        "input_tokens_per_s": _read_remark(scenario),
    }


def _read_remark(scenario: Scenario) -> str:
    """What input tokens are counted: how many of them a cache has."""
    request = scenario.load.request
    cached = request and request.cached / request.input_tokens
    return f"all of prompts, {show(cached, 'share')} of them cached" if cached else "of prompts, none cached"


def read_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What prompts bring in, where there are many times as many tokens of them as come out; else nothing."""
    read, request = results.get("input_tokens_per_s"), scenario.load.request
    if not (read and request and shows_read(scenario)) or request.input_tokens <= OUTWEIGH * request.output_tokens:
        return ""
    cached = f" ({show(request.prefix_share, 'share')} cached)" if request.prefix_share else ""
    return f", beside {show(scenario.copies * read, '')} input tokens/s{cached}"


def shows_read(scenario: Scenario) -> bool:
    """Whether anybody asks what prompts bring in: requests under a load, a batch of given lengths, prompts alone."""
    load, many_at_once = scenario.load, scenario.batch > 1 or scenario.copies > 1
    return load.is_steady or reads_alone(scenario) or (many_at_once and gives_length(scenario))


def taken_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What a request takes beside its time: energy and money where its length was given, energy where it was priced."""
    energy, usd, asked = results.get("wh_per_request"), results.get("usd_per_request"), gives_length(scenario)
    taken, joules = [], results.get("joules_per_output_token")
    if energy is not None and (asked or _prices_power(scenario)):
        within = [f"PUE {pue:g}"] if (pue := pue_of(scenario)) != 1 else []
        within += [f"{show(joules, 'J')} an output token"] if joules is not None else []
        taken.append(show(energy, "Wh") + (f" ({', '.join(within)})" if within else ""))
    if usd is not None and asked and says_price(scenario):
        taken.append(show(usd, "USD"))
    return f", {' and '.join(taken)}" if len(taken) > 1 else "".join(f" and {each}" for each in taken)


def energy_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What a token takes of energy, where power is priced and no request has its own."""
    joules = results.get("joules_per_token")
    if joules is None or not _prices_power(scenario) or scenario.is_claimed:
        return ""
    return f" A token takes {show(joules, 'J')} at rated power, host and cooling left out."


def _prices_power(scenario: Scenario) -> bool:
    """Whether anybody asks what energy costs, and so how much there is of it."""
    return scenario.question.get("power_price") is not None


# The answer of one replica as that of all that share a load.


def of_all(report: Report, scenario: Scenario) -> Report:
    """The report with what all replicas have together, for one unchanged but for devices that are idle."""
    copies, rack = scenario.copies, scenario.rack
    if said := [note for note in report.notes if note.code == FOR_ONE]:
        notes = tuple(note for note in report.notes if note not in said)
        verdict = report.verdict if said[0].text in report.verdict else f"{report.verdict} {said[0].text}"
        report = report.replace(verdict=verdict, notes=notes)
    if idle := scenario.question.idle:
        used = copies * rack.devices
        report = report.replace(results=tuple(_beside_idle(row, used, idle) for row in report.results))
    if copies == 1:
        return report
    text = f"{copies:,} replicas share devices, sequences and load; times, memory and the rest are of each"
    command = [Note("replicas", f"start the command on each of {copies:,}, behind a router")] if report.follow else []
    series = report.series
    if series:
        series = series._replace(rows=tuple(_values(row, copies) for row in series.rows))
    return report.replace(
        series=series,
        verdict=report.verdict if in_all(scenario) in report.verdict else _of_each(report.verdict, _words(scenario)),
        results=tuple(_row(row, copies, rack) for row in report.results),
        bands=_bands(report.bands or {}, copies),
        notes=(Note("replicas", text), *command, *report.notes),
    )


def _words(scenario: Scenario) -> str:
    """The replicas, and on how many of the devices where not all that were given have a part."""
    copies, idle, used = scenario.copies, scenario.question.idle, scenario.copies * scenario.rack.devices
    return f"{copies:,} replicas" + (f" ({used:,} of {used + idle:,} devices)" if idle else "")


def in_all(scenario: Scenario) -> str:
    """Behind what is of all replicas together: of one ``in all``, of several how many these are."""
    return "in all" if scenario.copies == 1 else f"on {_words(scenario)}"


def place_of_all(scenario: Scenario) -> str:
    """The devices of one replica, or those of several, in a verdict on what these do together."""
    return scenario.rack.place if scenario.copies == 1 else f"{_words(scenario)} of {scenario.rack.place}"


def _beside_idle(row: Row, used: int, idle: int) -> Row:
    """A count of devices, or a price, beside which some that were given are idle."""
    if row.key == "gpus":
        layout = f"{row.remark}; " if row.remark.startswith("tp ") else ""
        return row._replace(remark=f"{layout}{idle_words(used, idle)}")
    paid = row.key.startswith(("usd_per_million_tokens", "usd_per_hour")) and row.value is not None
    return row._replace(remark=f"{row.remark}; of the {used:,} in use") if paid else row


def _of_each(verdict: str, replicas: str) -> str:
    """The verdict on one replica as that on each of several: ``Fits as 2 replicas, each: ...``."""
    start, _, rest = verdict.partition(": ")
    if start in ("Fits", "Barely fits", "Does not fit"):
        return f"{start} as {replicas}, each: {rest}"
    if verdict.startswith(OVERLOADED):
        load, _, rest = verdict.partition(". ")
        return f"{load}. {replicas}, each: {rest}"
    return f"{replicas}, each: {verdict[:1].lower()}{verdict[1:]}"


def shown_share(scenario: Scenario) -> None:
    """Work out what one replica has of the batch or of the load; nothing where there is only one."""
    load, copies = scenario.load, scenario.copies
    if copies == 1:
        return
    shares = scenario.batches[:1] or (load.rate or load.concurrent or scenario.batch,)
    shares += (load.run,) if load.concurrent else ()
    for share in shares:
        formulas.step.replica_share(shared=share * copies, replicas=copies)


def _row(row: Row, copies: int, rack: Rack) -> Row:
    """A result of all replicas, and which kind of them the devices are."""
    if row.key == "nodes" and row.value is not None:
        return row._replace(value=_nodes(rack, copies))
    if row.key == "dp":
        return row._replace(value=copies * rack.plan.layout.dp)
    if row.key == "gpus" and row.remark.startswith("tp "):
        row = row._replace(remark=f"{copies:,} replicas, each {row.remark}")
    return row._replace(value=_of_all(row.key, row.value, copies))


def _values(row: Mapping[str, Any], copies: int) -> dict[str, Any]:
    """A row of a table with what all replicas have together."""
    values = {key: _of_all(key, value, copies) for key, value in row.items()}
    return values | ({"bands": _bands(row["bands"], copies)} if "bands" in row else {})


def _nodes(rack: Rack, copies: int) -> int:
    """Nodes of all replicas: small ones share a node, and none is cut by its end."""
    domain = rack.setup.domain
    in_node = max(domain // rack.devices, 1)
    return -(-copies // in_node) * -(-rack.devices // domain)


def _of_all(key: str, value: Any, copies: int) -> Any:
    if key not in OF_ALL or value is None:
        return value
    total, whole = value * copies, round(value * copies)
    return whole if key.endswith("batch") and abs(total - whole) < 1e-6 else total  # the last bits of a share


def _bands(bands: Mapping[str, tuple[float, float]], copies: int) -> dict[str, tuple[float, float]]:
    return {key: (low * copies, high * copies) if key in OF_ALL else (low, high) for key, (low, high) in bands.items()}
