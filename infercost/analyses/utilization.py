"""One step: what binds it, how well the arithmetic is used, and what a token costs."""

import re
from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, Any, TypeGuard

from infercost import formulas
from infercost.analyses.hosts import UNKNOWN, decoding_paid, holds, host_remark, known, time_words
from infercost.analyses.many import LAYOUT, at_point
from infercost.analyses.prices import says_price, with_own
from infercost.analyses.remarks import (
    ALL_PAID,
    IN_TURN,
    OF_RATE,
    TUNED,
    balance_remark,
    count_flag,
    count_remark,
    gain_remark,
    gain_words,
    gives_length,
    guesses,
    kind,
    of_peak,
    on_devices,
    overlap_words,
    room_rows,
    step_notes,
    step_times,
    sure,
    tuned_note,
    unserved,
    untuned_switch,
    why_null,
    with_bands,
    with_habits,
)
from infercost.analyses.step import (
    BRACKET,
    MOST,
    OVERLOADED,
    at_once,
    attention_remark,
    decoded_alone,
    device_rows,
    ends_late,
    energy_words,
    hourly_words,
    in_all,
    is_counted_whole,
    is_of_one,
    job_remarks,
    job_words,
    load_of,
    most_requests,
    of_all,
    of_caches,
    of_prompts,
    of_request,
    one_holds,
    prefill_paid,
    prompts_share,
    read_words,
    reads_at_peak,
    request_remarks,
    shown_share,
    shows_read,
    step_pace,
    step_results,
    taken_words,
    under_load,
    use_of_prompts,
)
from infercost.analyses.worth import LEAST, Enough, advice, flags_of, that_keep_up
from infercost.errors import InfercostError
from infercost.models import counting
from infercost.numeric import known_share
from infercost.parts.accelerator import called, has_endless_rate
from infercost.parts.bands import decode_kind, is_local
from infercost.parts.preset import counted
from infercost.parts.stack import law
from infercost.replica.chip import spread
from infercost.replica.layout import Layout
from infercost.replica.memory import Rack
from infercost.replica.serving import Served, full_prefill_time, prompt_bound, prompt_itl, prompts_gap, tpot_met
from infercost.replica.step import Pace, Running, pace_of, reworked
from infercost.report import Note, Report, Row
from infercost.scenario.scenario import FOR_ONE, Load, Scenario
from infercost.units import many, show

if TYPE_CHECKING:
    from infercost.replica.kernels import Timing


#: A share of the peak below which arithmetic that binds needs a word.
FAR_BELOW = 0.5
#: USD from which on one request has its price in the verdict, below it a million of them.
CENT = 0.01
#: Speeds that are closer than this share are one to a reader.
ALIKE = 0.01
#: What some results mean, whatever is asked.
_MEANINGS = {
    "flops_per_byte": "the ridge point",
    "arithmetic_intensity": "operations for each byte that a step reads",
    "joules_per_token": "rated power; no host, no cooling",
    "tokens_per_s_all_in": "of a batch that stays full",
}
#: What no step has that cannot run; what binds it and where it would be balanced are of the part.
OF_STEP = (
    *("compute_time_s", "memory_time_s", "communication_time_s", "overhead_time_s", "step_time_s", "bound_step_time_s"),
    *("tpot_s", "plain_tpot_s", "draft_speedup", "utilization", "memory_bandwidth_utilization", *BRACKET),
    *("arithmetic_intensity", "experts_hit_share", "cache_bytes_share", "attention_gain_bound"),
)
#: What is of steps without the prompts of others, where these ride along.
_BETWEEN = ("tokens_per_s", "tokens_per_s_per_user", "tokens_per_s_per_gpu")
#: What requests that decode nothing have none of.
_OF_DECODING = (
    *("tokens_per_s", "tokens_per_s_per_user", "tokens_per_s_per_gpu", *ALL_PAID, "itl_s"),
    *("usd_per_million_tokens_decode", "joules_per_token", "memory_bandwidth_utilization", "arithmetic_intensity"),
    *("compute_time_s", "memory_time_s", "communication_time_s", "overhead_time_s", "step_time_s", "tpot_s", *BRACKET),
    *("plain_tpot_s", "draft_speedup", "draft_passes_time_s", "tuned_step_time_s", "host_time_s", "experts_hit_share"),
    *("cache_bytes_share", "attention_gain_bound"),
)
#: Rows of a request that say nothing where they have no value.
_OF_REQUEST = ("prefill_time_s", "ttft_s", "request_time_s", "usd_per_request")
#: What JSON has and the table says elsewhere.
_HIDDEN = {
    "bound",
    "batch",
    "tpot_s",
    "host_bytes",
    "cache_bytes_share",
    "gpus_needed",
    *BRACKET[1:],
    *TUNED,
    *ALL_PAID[1:],
}
ORIGIN = "prompts between the steps"
AS_DEAR = 0.005  # costs that are closer than this share are one
#: The same load with prompts between the steps: its devices, USD a million output tokens, seconds between tokens.
INSTEAD = ("mixed_gpus", "mixed_usd_per_million_tokens", "mixed_itl_s")


def answer(scenario: Scenario) -> Report:
    """The times, the utilization and the cost of one decoding step.

    Raises:
        Missing: a figure of the accelerator that the answer needs.
    """
    if scenario.rack.model.prefill_only:
        from infercost.analyses import texts  # loads what nobody needs for a model that decodes

        return with_own(texts.answer(scenario), scenario)
    running, loaded = scenario.running, under_load(scenario)
    batch, pace, served = loaded or (scenario.batch, pace_of(running, scenario.batch, scenario.draft), None)
    rack, overloaded = running.rack, _is_overloaded(served)
    tuned = _tuned(scenario)
    results = decoding_paid(_known(scenario, batch, pace, served), rack)
    results |= {key: tuned and tuned[key.removeprefix("tuned_")] for key in TUNED} | instead(scenario, overloaded)
    results |= _experts(scenario, batch) | of_caches(scenario, batch, pace)
    needed = that_keep_up(scenario, served) if served and overloaded and rack.plan.fits else None
    verdict, advised = _said(scenario, results, served, needed)
    taken = _takes_apart(scenario, results)
    if served and scenario.load.rate is not None:
        results |= {"gpus_needed": taken or (needed and needed.devices)} | ({"stable": False} if taken else {})
    report = Report(
        command="utilization",
        verdict=with_habits(verdict, scenario.inputs),
        inputs=scenario.inputs,
        results=_that_run(rack, _rows(scenario, results, _unserved(scenario, served))) + room_rows(rack),
        parts=_time_parts(pace, running) if has_times(rack) and not scenario.load.reads else (),
        whole=pace.step if running.overlap == "full" else None,
        advice=advised,
        notes=_notes(scenario, batch, tuned),
        met=rack.plan.fits and not (overloaded or taken or ends_late(scenario, results)),
        work=lambda: _shown_work(scenario),
    )
    return _beside_api(with_own(_of_replicas(report, scenario, results, pace), scenario), scenario)


def _notes(scenario: Scenario, batch: float, tuned: dict[str, Any] | None) -> tuple[Note, ...]:
    """The notes on a step and its kernels, and those of the question."""
    regime = decode_kind(batch, local=is_local(scenario.rack.setup.stack)) if scenario.load.rate is None else "served"
    of_step = step_notes(scenario.running, (regime,), _only_batch(scenario, batch))
    return (*of_step, *_tuning_notes(scenario, tuned), *scenario.notes)


def _of_replicas(report: Report, scenario: Scenario, results: dict[str, Any], pace: Pace) -> Report:
    """The report with its intervals, of all replicas, and with what was measured of them."""
    report = of_all(with_bands(report, scenario.rack, load_of(scenario)), scenario)
    if not scenario.is_claimed:
        return report
    from infercost.analyses.measurement import with_measured  # loads what nobody needs without one

    return with_measured(report, scenario, results, pace)


def _beside_api(report: Report, scenario: Scenario) -> Report:
    """The report beside what an API bills, where one was named."""
    if scenario.api_price is None:
        return report
    from infercost.analyses.own_or_api import with_api  # loads what nobody needs without one

    return with_api(report, scenario)


def _said(
    scenario: Scenario, results: dict[str, Any], served: Served | None, needed: Enough | None
) -> tuple[str, tuple[str, ...]]:
    """The verdict, and what would make it faster or cheaper, keep up with a load, or fit."""
    if not scenario.rack.plan.fits:
        from infercost.analyses.fit import misfits  # loads what nobody needs where all is well

        return misfits(scenario)
    if served and needed:
        sent = _sent(scenario, results) if scenario.load.apart else ""
        return _overloaded(scenario, served, needed, _verdict(scenario, scenario.running, results), sent)
    more = () if scenario.load.reads or scenario.is_claimed else advice(scenario, results)
    if taken := _takes_apart(scenario, results):
        more = (f"take {many(taken, 'device')} ({count_flag(scenario.question, taken)})",)
    changes = (*_no_draft(results), *more)
    return _verdict(scenario, scenario.running, results), changes


def _experts(scenario: Scenario, batch: float) -> dict[str, float | None]:
    """The share of the routed experts that a step reads, each token that a draft proposes among its tokens."""
    model = scenario.rack.model
    if not model.is_sparse:
        return {}
    tokens = _tokens_of_step(scenario, batch)
    return {"experts_hit_share": None if scenario.load.reads else counting.experts_hit_share(model, tokens)}


def _bytes_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """How the bytes of a step divide between weights and caches, where a batch or a context was given."""
    share, given, model = results.get("cache_bytes_share"), scenario.question.given, scenario.rack.plan.cache_model
    if not share or scenario.is_claimed or not ("batch" in given or "context" in given):
        return ""
    grows = any(layer.attention.cache for layer in model.layers)
    what = ("cache and states" if grows else "states") if model.is_recurrent else "KV cache"
    return f"{show(1 - share, 'share')} of bytes weights, {show(share, 'share')} {what}"


def _tokens_of_step(scenario: Scenario, batch: float) -> float:
    return max(batch, 1.0) * (1 + (scenario.draft.tokens if scenario.draft else 0))


def _experts_remark(scenario: Scenario, batch: float) -> str:
    """How many routed experts of a layer a step reads; nothing where no count is that of every layer."""
    layers = [layer for layer in scenario.rack.model.layers if layer.ffn.experts]
    if len({(layer.ffn.experts, layer.ffn.active) for layer in layers}) != 1 or layers[0].ffn.experts % 1:
        return ""
    hit = counting.experts_hit(layers[0], _tokens_of_step(scenario, batch))
    return f"about {hit:.0f} of {layers[0].ffn.experts:,.0f}"


def _is_overloaded(served: Served | None) -> TypeGuard[Served]:
    return served is not None and not served.stable


def _known(
    scenario: Scenario, batch: float, pace: Pace, served: Served | None = None, *, bracketed: bool = True
) -> dict[str, Any]:
    """What a step answers, None where a host, a model that does not fit, or a queue without end leave no value."""
    rack = scenario.running.rack
    results = step_results(scenario, batch, pace, served, bracketed=bracketed)
    results |= of_request(scenario, results) | of_prompts(scenario) | _all_in(results) | _stall(scenario, results)
    results = known(results, rack)
    nothing = _unserved(scenario, served) | dict.fromkeys(OF_RATE if has_endless_rate(rack.part) else ())
    return {key: None if key in nothing else value for key, value in results.items()}


def _all_in(results: dict[str, Any]) -> dict[str, float]:
    """Tokens a second of a user and of a device with the prompts of a batch that stays full; nothing without any."""
    if (rate := results.get("tokens_per_s_all_in")) is None:
        return {}
    return {
        "tokens_per_s_per_user_all_in": formulas.cost.tokens_per_s_per_user(step_time=results["itl_s"]),
        "tokens_per_s_per_gpu_all_in": formulas.cost.tokens_per_s_per_gpu(tokens_per_s=rate, devices=results["gpus"]),
    }


def _stall(scenario: Scenario, results: dict[str, Any]) -> dict[str, float]:
    """The longest that two tokens of a batch lie apart: with a chunk of another's prompt between; nothing without."""
    request, batch = scenario.load.request, results["batch"]
    if request is None or batch <= 1 or "prompt_itl_s" in results or results.get("tokens_per_s_all_in") is None:
        return {}
    return {"prompt_itl_s": prompt_itl(scenario.running.replica, batch, request)} if request.output_tokens > 1 else {}


def _unserved(scenario: Scenario, served: Served | None) -> dict[str, str]:
    """Why results have no value where a model does not fit, requests pile up or decode nothing, by JSON key."""
    return undecoded(scenario) | unserved(scenario.rack, overloaded=_is_overloaded(served))


def undecoded(scenario: Scenario) -> dict[str, str]:
    """Why results have no value where a request decodes nothing, by JSON key."""
    nothing = dict.fromkeys(_OF_DECODING, "nothing is decoded") if scenario.load.reads else {}
    if nothing and holds(scenario.rack):
        unknown = ("bound", "utilization", "usd_per_million_tokens", "cost_ratio")
        nothing |= dict.fromkeys(unknown, UNKNOWN["prefill_time_s"])
    return nothing


def has_times(rack: Rack) -> bool:
    """Whether a step can run, or is arithmetic alone."""
    return rack.plan.fits or rack.model.is_bare


def _that_run(rack: Rack, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows, without times and shares of a step where a model does not fit; a bare count keeps the note's bound."""
    if has_times(rack):
        return rows
    gone = Row("", None, "the model does not fit", False)
    return tuple(gone._replace(key=row.key) if row.key in OF_STEP else row for row in rows)


def _no_draft(results: dict[str, Any]) -> tuple[str, ...]:
    """Advice where a draft slows down."""
    worth = results.get("draft_speedup") or 1.0
    return (f"leave the draft out: a token takes {show(1 - worth, 'share')} less",) if 1 - worth >= LEAST else ()


def _tuned(scenario: Scenario) -> dict[str, Any] | None:
    """What the flags of published benchmarks, or else tuned kernels, would give; None where they change nothing."""
    timing = scenario.running.replica.kernels
    tuned = timing and (timing.tuned() or timing.with_tuned_shapes())
    return _under(scenario, tuned) if tuned else None


def _tuning_notes(scenario: Scenario, tuned: dict[str, Any] | None) -> Iterator[Note]:
    """What flags or kernels that an engine does not start with would give, of what fits."""
    timing = scenario.running.replica.kernels
    if timing is None or not has_times(scenario.rack):
        return
    if tuned is not None and timing.unfused != 1:
        yield tuned_note(scenario.running, tuned)
    if other := timing.with_tuned_shapes():
        yield from _untuned_notes(scenario, timing, other)


def _untuned_notes(scenario: Scenario, timing: "Timing", tuned: "Timing") -> Iterator[Note]:
    """What a build with tuned kernels for all shapes would give, where an engine's own lacks some."""
    this, other = (step_times(_under(scenario, each)) for each in (timing, tuned))
    if this != other:
        yield Note("untuned", f"default build: {this}; with tuned kernels ({untuned_switch(timing)}): {other}")


def _under(scenario: Scenario, timing: "Timing") -> dict[str, Any]:
    """The results with other kernels or launches."""
    running = scenario.running
    other = scenario._replace(running=running._replace(replica=running.replica._replace(timing=timing)))
    return _known(other, *step_pace(other), bracketed=False)


def _shown_work(scenario: Scenario) -> None:
    shown_share(scenario)
    again = scenario._replace(running=reworked(scenario.running))
    batch, pace, served = step_pace(again)
    results = step_results(again, batch, pace, served, bracketed=False)
    of_caches(again, batch, pace)
    of_request(again, results)
    of_prompts(again)
    _ = [*device_rows(again, results)]
    if scenario.is_claimed:
        from infercost.analyses import measurement

        if measurement.is_met(scenario, results):
            measurement.shown_claim(again, results, pace)


def _rows(scenario: Scenario, results: dict[str, Any], why_not: dict[str, str]) -> tuple[Row, ...]:
    running, remarks = scenario.running, _remarks(scenario, results)
    reasons = {key: why_not.get(key) or why_null(key, running.rack) for key in _nothing(results)}
    remarks |= reasons
    hidden = _hidden(results, why_not) | (set() if scenario.load.request else {"ttft_s"})
    asks = "context" in scenario.question.given and scenario.draft is None and not scenario.is_claimed
    hidden |= set() if asks or _asks_for_step(scenario) else {"arithmetic_intensity"}
    hidden |= set() if asks else {"attention_gain_bound"}
    hidden |= set() if shows_read(scenario) else {"input_tokens_per_s"}
    rows = (Row(key, value, remarks.get(key, ""), key not in hidden) for key, value in results.items())
    return (*rows, *device_rows(scenario, results), *most_requests(scenario), *at_once(scenario))


def _asks_for_step(scenario: Scenario) -> bool:
    """Whether somebody asks what a batch, or no context, and no load, draft or measurement, makes of a step."""
    given = scenario.question.given
    asked = "batch" in given or ("context" in given and not given["context"].value)
    return asked and scenario.draft is None and not scenario.is_claimed


def _nothing(results: dict[str, Any]) -> list[str]:
    return [key for key, value in results.items() if value is None]


def _hidden(results: dict[str, Any], why_not: dict[str, str]) -> set[str]:
    """Rows that say nothing more: equal ones, zeros, and what was not asked for."""
    hidden = _HIDDEN | {key for key in _OF_REQUEST if results.get(key) is None}
    hidden |= {*why_not} & {*_nothing(results)}
    hidden -= {key for key in ("usd_per_million_tokens", "ttft_s", "tokens_per_s") if key in why_not}
    if results["tpot_s"] != results["step_time_s"]:
        hidden -= {"batch", "tpot_s"}
    if results["step_time_s"] == results["bound_step_time_s"]:
        hidden.add("bound_step_time_s")
    if not results["overhead_time_s"]:
        hidden.add("overhead_time_s")
    if results.get("itl_s") == results["tpot_s"]:
        hidden.add("itl_s")
    if results["usd_per_million_tokens"] == results["usd_per_million_tokens_decode"]:
        hidden.add("usd_per_million_tokens_decode")
    return hidden


def _remarks(scenario: Scenario, results: dict[str, Any]) -> dict[str, str]:
    """What stands beside each number."""
    running = scenario.running
    rack, rate, peak = running.rack, running.rate, running.speeds.peak_flops
    mixed = " mixed with matrices in other formats" if abs(peak / rate.fact.value - 1) > 0.001 else ""
    bandwidth = rack.part.value("memory_bandwidth")
    total = f", {show(bandwidth * rack.width, 'B/s')} in all" if rack.width > 1 else ""
    certain = kind(running, _only_batch(scenario, results["batch"]))
    return {
        "gpus": count_remark(rack) if not (apart := scenario.question.apart) else f"decode; {apart:,} for prompts",
        "weight_bytes": rack.model.quantization.label,
        "compute_time_s": f"{of_peak(running, 'compute')} {show(peak, 'FLOP/s')} a device ({rate.words}{mixed})",
        "memory_time_s": f"{of_peak(running, 'memory')} {show(bandwidth, 'B/s')} a device{total}",
        "communication_time_s": _communication_remark(running),
        "host_time_s": host_remark(running),
        "step_time_s": f"{certain}: {overlap_words(running)}{_bracket_remark(running, results)}",
        "bound_step_time_s": _bound_remark(running, results),
        "critical_batch": balance_remark(running),
        **_MEANINGS,
        "stable": _waiting_remark(scenario),
        "experts_hit_share": (hit := _experts_remark(scenario, results["batch"])) and f"{hit} a layer",
        "attention_gain_bound": attention_remark(scenario, results),
        **job_remarks(),
        **(dict.fromkeys(_BETWEEN, "between prompts") if _met(results) else {}),
        **request_remarks(scenario),
        **_price_remarks(Load() if holds(rack) else scenario.load),
        **({"tokens_per_s_all_in": "one request after another"} if results["batch"] <= 1 else {}),
        **(_draft_remarks(rack, results) if scenario.draft else {}),
        **_prompt_remarks(scenario, results),
        **(_apart_remarks(scenario, results) if scenario.load.apart else {}),
    }


def _prompt_remarks(scenario: Scenario, results: dict[str, Any]) -> dict[str, str]:
    """What binds a prompt alone and its share of the arithmetic; what the share is of where prompts alone are read."""
    running, request, time = scenario.running, scenario.load.request, results["prefill_time_s"]
    if request is None or not time or has_endless_rate(running.rack.part):
        return {}
    share = use_of_prompts(running, request, formulas.cost.texts_per_s(batch=1, prefill_time=time))
    used = f", {show(share, 'share')} of the arithmetic" if known_share(share) is not None else ""
    alone = {"utilization": "prompts alone", "prefill_flops": "new tokens"} if scenario.load.reads else {}
    return {"prefill_time_s": f"{prompt_bound(running.replica, request)} binds{used}", **alone}


def _draft_remarks(rack: Rack, results: dict[str, Any]) -> dict[str, str]:
    return {
        "plain_tpot_s": "the same batch, no draft",
        "draft_speedup": gain_remark(rack, results["draft_speedup"] or 0.0),
    }


def _only_batch(scenario: Scenario, batch: float) -> float | None:
    """The batch of an answer that has a step of one batch alone, no prompts, and no experts of a draft's tokens."""
    experts = scenario.draft is not None and scenario.rack.model.is_sparse
    return batch if scenario.load.request is None and not experts else None


def _bound_remark(running: Running, results: dict[str, Any]) -> str:
    drafted = (results["tpot_s"] or 0.0) < (results["step_time_s"] or 0.0)  # a prompt alone has neither
    guess = guesses(running, results["batch"])
    remarks = ["one plain step, without the draft"] if drafted else []
    remarks += [f"if its arithmetic is no faster than its {running.rate.name} vector rate"] if guess else []
    return "; ".join(remarks)


def _price_remarks(load: Load) -> dict[str, str]:
    """What a price pays for: decoding alone, prompts, the hours of a load."""
    busy = "accelerators always busy"
    if load.is_steady:
        busy = "idle time at this load paid too" if load.rate is not None else "at this load"
    paid = "with their prompts, " if load.request else ""
    remarks = {"usd_per_million_tokens": f"{paid}{busy}", "usd_per_million_tokens_decode": "prompts left out"}
    if load.request and not (load.is_steady or load.request.chunk_tokens):
        remarks["ttft_s"] = "on an idle server"
    return remarks


def _bracket_remark(running: Running, results: dict[str, Any]) -> str:
    if running.overlap in ("full", *IN_TURN):
        return ""
    least, most = (show(results[f"{name}_overlap_step_time_s"], "s") for name in ("full", "no"))
    return f"; {least} if all did, {most} if nothing"


def _communication_remark(running: Running) -> str:
    rack, layout = running.rack, running.rack.plan.layout
    if (name := law(rack.setup.stack)) == "erdil-2025":
        return f"by the law of {name}, in a layout of its own"
    if layout.dp > 1:
        return f"tokens go to experts on {layout.ep} ranks and back"
    if rack.width == 1 and layout.pp > 1:
        return "stages hand their output on"
    inside, nodes = spread(layout.tp, running.speeds)
    if nodes > 1:
        return f"all-reduces over {nodes} nodes of {inside}"
    return f"all-reduces over {inside} devices" if inside > 1 else "one device: nothing is sent"


def _overloaded(
    scenario: Scenario, served: Served, needed: Enough, verdict: str, sent: str
) -> tuple[str, tuple[str, ...]]:
    """The verdict on a load that all replicas together cannot keep up with, how many would, and what these send."""
    copies, rack = scenario.copies, scenario.rack
    rate = copies * (scenario.load.rate or 0.0)
    most, inside = f"{copies * served.rate:.3g}", f"{copies * served.batch:,.0f}"
    arrive = f"{many(rate, 'request')} a second {'arrives' if rate == 1 else 'arrive'}"
    rates = f"{arrive} and at most {most} are served, {inside} at once"
    if copies * served.rate >= rate:  # by number, but chance brings some together
        rates, inside = rates.rpartition(",")[0], f"{copies * scenario.load.most:,.0f}"
        rates += f": that close, more than the {inside} that run at once would be in flight"
    each, whole = needed.layout.devices, counted(needed.devices, called(rack.part))
    enough = f"{many(needed.copies, 'replica')} of {many(each, 'device')} ({whole})"
    if scenario.load.apart:
        parts = f"{each * needed.apart:,} read prompts, {each * needed.copies:,} decode, {sent}"
        enough = f"{whole}{f' as replicas of {each}' if each > 1 else ''} ({parts})"
    take = (
        "add replicas"
        if each == rack.devices
        else f"take {many(needed.copies + needed.apart, 'replica')} of {each} devices"
    )
    flags = "" if scenario.is_row else f" ({flags_of(scenario.question, needed)})"  # nobody reads its advice
    if needed.apart and str(needed.devices) not in re.findall(r"\d+", flags):  # widths are of replicas that decode
        flags += f" beside {many(each * needed.apart, 'device')} for prompts"
    more = f"{take}{flags}, or shorten prompts and answers: no larger batch keeps up with this load"
    return f"{OVERLOADED}{rates}; {enough} would keep up. {verdict}", (more,)


def _apart_remarks(scenario: Scenario, results: dict[str, Any]) -> dict[str, str]:
    """What a prompt takes of a replica full of them, how many are paid, and whose caches are sent."""
    request, ratio = scenario.load.request, results["prefill_per_decode"]
    if request is None or ratio is None:
        return {}
    paid = "the price counts parts"
    if is_counted_whole(scenario):
        paid = f"{scenario.copies * prefill_paid(scenario, ratio):,.0f} paid"
    full = f"full of prompts, {show(full_prefill_time(scenario.running.replica, request), 's')} each"
    return {"prefill_per_decode": f"{full}; {paid}", "cache_transfer_bytes_per_s": _sent_remark(scenario, results)}


def first_token(scenario: Scenario, results: dict[str, Any]) -> str:
    """The verdict on requests whose only token comes with the prompt."""
    rack, request, usd = scenario.rack, scenario.load.request, results["usd_per_million_tokens"]
    assert request is not None
    named = f"{rack.model.called(rack.model.quantization.words)} on {rack.place}{_one_is_short(rack)}"
    if holds(rack):
        return f"{_sentence(UNKNOWN['prefill_time_s'])}: no time of a prompt of {request.input_tokens:,.0f}, {named}."
    time, prompt, copies = show(results["ttft_s"], "s"), f"a prompt of {request.input_tokens:,.0f}", scenario.copies
    each = f"{'Each' if scenario.requests else f'{copies:,} replicas, each'} reads {prompt} in {time}"
    asked = f"{time} to the first and only token of {prompt}" if copies == 1 else each
    says = usd is not None and says_price(scenario) and not scenario.requests
    price = f" {_of_texts(usd)}." if says else ""
    where = "" if copies == 1 else f" {in_all(scenario)}"
    rate = show(copies * results["input_tokens_per_s"], "")
    share, endless = results["utilization"], has_endless_rate(scenario.rack.part)  # of prompts without a gap
    used = "" if share is None or endless else f", {show(share, 'share')} of the arithmetic (MFU)"
    read = "" if _is_measured(scenario, results) else f" Prompts without a gap are {rate} input tokens/s{where}{used}."
    start = f"{job_words(scenario, results)}{asked}, {named}, {sure(scenario.running)}"
    binds = "" if endless else f"{results['bound']} binds, "
    return f"{start}: {binds}{show(results['prefill_flops'], 'FLOP')} a prompt.{read}{price}"


def _one_is_short(rack: Rack) -> str:
    """That one device does not hold it, where nobody counted them and it takes several."""
    if rack.given or rack.devices == 1 or rack.setup.plan(Layout(1, 1, 1)).fits:
        return ""
    return " (one does not hold it)"


def _of_texts(usd: float) -> str:
    """What requests of one token cost, by the price of a million: one of them where that is a cent or more."""
    one = formulas.cost.usd_per_request(usd_per_million_tokens=usd, output_tokens=1)
    return (
        f"Such a request costs {show(one, 'USD')}"
        if one >= CENT
        else f"A million such requests cost {show(usd, 'USD')}"
    )


def _verdict(scenario: Scenario, running: Running, results: dict[str, Any]) -> str:
    if scenario.load.reads:
        return first_token(scenario, results)
    left_out = "" if results["communication_time_s"] is not None else ", communication left out"
    no = _too_few(scenario, results)
    if job := job_words(scenario, results):
        said = no or _is_measured(scenario, results)
        behind = "" if said else f" {_in_line(scenario)}{_of_job(scenario, results)}{left_out}."
        return f"{no}{job.strip()}{behind}{apart_words(scenario, results)}"
    if no:
        return f"{no}{_on_more(scenario, results)}{apart_words(scenario, results)}"
    request, is_alone = _request_words(scenario, results), is_of_one(scenario, results)
    text = f"{_start_words(scenario, results, request if is_alone else '')}{left_out}"
    if _is_measured(scenario, results):
        binds = "" if time_words(running, results, scenario.draft) else _binds(scenario, results)
        text = f"{_step_words(scenario, results)}{left_out}{binds}"
    text += f".{apart_words(scenario, results)}"
    energy = "" if request else energy_words(scenario, results)
    return text + (_decoded_words(scenario, results) or energy) + ("" if is_alone else request)


def _request_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What a request takes, and how long it is to its first token, as a sentence; empty where none has a time."""
    if results["request_time_s"] is None or _is_measured(scenario, results):
        return ""
    ttft, tpot, whole = (show(seconds, "s") for seconds in _request_times(results))
    later = ", its only one" if scenario.load.request and scenario.load.request.output_tokens == 1 else ""
    between = later or f", then {tpot} a token{_chunk_words(scenario, results)}"
    whole += taken_words(scenario, results)
    takes = "A request takes" if scenario.load.rate is None else "On average a request takes"
    least = "at least " if reads_at_peak(scenario.running) else ""
    if is_of_one(scenario, results) and (request := scenario.load.request) and not gives_length(scenario):
        takes = f"A request of {request.input_tokens:,.0f} tokens in and {request.output_tokens:,.0f} out takes"
    return f" {takes} {least}{whole}: {least}{ttft} to its first token{_idle_words(scenario)}{between}."


def _start_words(scenario: Scenario, results: dict[str, Any], request: str) -> str:
    """The rates of a step, a request's time, how much of the hardware a step uses, and its time."""
    running, where = scenario.running, "" if scenario.copies == 1 else " on each"
    start = time_words(running, results, scenario.draft)
    use = f"{_use_words(scenario, results)}{where}{'' if start else _binds(scenario, results)}."
    rates, rack = _rate_words(scenario, results), running.rack
    if rates[:1].isdigit() and has_endless_rate(rack.part):
        rates = f"At most {rates}"
    if rates and not rack.model.is_bare:  # who runs a model asks for its speed, the note for the use of a chip
        text = f"{rates}.{request} {start}{_sentence(use)}" if start or request else f"{rates}: {use}"
    else:
        text = f"{start}{_sentence(use)}{f' {rates}.' if rates else ''}{request}"
    return f"{_in_line(scenario)}{text} {_step_words(scenario, results)}"


def _is_measured(scenario: Scenario, results: dict[str, Any]) -> bool:
    """Whether the verdict starts with a measurement beside the rate of its estimate: its other rates are rows."""
    known = not has_endless_rate(scenario.rack.part)  # or else what stands in for it is to be said
    return scenario.measured is not None and known and results.get("stable") is not False


def _idle_words(scenario: Scenario) -> str:
    """That the first token of a batch is that of a prompt with nothing beside it, as one meets an idle server."""
    load = scenario.load
    alone = load.is_steady or load.apart or (load.request and load.request.chunk_tokens)
    return " on an idle server" if scenario.batch * scenario.copies > 1 and not alone else ""


def _of_job(scenario: Scenario, results: dict[str, Any]) -> str:
    """Behind the time and the money of a job: the tokens of all, what they cost and what binds; what a draft gains."""
    running, rack, usd = scenario.running, scenario.rack, results["usd_per_million_tokens"]
    total = scenario.copies * results.get("tokens_per_s_all_in", results["tokens_per_s"])
    price = f", at {show(usd, 'USD')} a million output tokens" if usd is not None and _says_rate(scenario) else ""
    who = rack.model.called(rack.model.quantization.words)
    more = f"{price}{read_words(scenario, results)}, {sure(running)}"
    text = f"{show(total, '')} tokens/s in all with {who}{more}"
    if start := time_words(running, results, scenario.draft):
        return start + text
    drafted = "" if results.get("draft_speedup") is None else f". {_step_words(scenario, results)}"
    return f"{text}{_binds(scenario, results)}{drafted}"


def _on_more(scenario: Scenario, results: dict[str, Any]) -> str:
    """What a user gets on the devices that a rate takes, where fewer were given."""
    ttft, tpot, _ = (show(seconds, "s") for seconds in _request_times(results))
    model = scenario.rack.model
    who = f"{model.called(model.quantization.words)} makes {_rate_words(scenario, results)}"
    return f"On these {who}: {ttft} to the first token, then {tpot} a token, {sure(scenario.running)}."


def _decoded_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What the tokens that a request of a bare count decodes take of energy and money; nothing where nobody asked."""
    if (tokens := decoded_alone(scenario)) is None:
        return ""
    energy, usd = results["wh_per_request"], results["usd_per_request"]
    takes = [] if energy is None else [show(energy, "Wh")]
    takes += [show(usd, "USD")] if usd is not None and says_price(scenario) else []
    return f" {many(tokens, 'output token')} take{'s' if tokens == 1 else ''} {' and '.join(takes)}." if takes else ""


def _request_times(results: dict[str, Any]) -> tuple[float, float, float]:
    """Seconds to a request's first token, of each later one and of all, the prompts of others among them."""
    return results["ttft_s"], results["itl_s" if _met(results) else "tpot_s"], results["request_time_s"]


def _use_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """The shares of the arithmetic and, of an estimate, of the bandwidth that are used, and the batch."""
    share, reads, batch = results["utilization"], results["memory_bandwidth_utilization"], show(results["batch"], "")
    used = "more than all" if share is None else show(share, "share")
    if has_endless_rate(scenario.rack.part):
        return f"the bound of memory alone at batch {batch}, as no dense rate of {scenario.rack.part.name} is known"
    at = f"{'between prompts ' if _met(results) else ''}at batch {batch}"
    if reads is None or kind(scenario.running, _only_batch(scenario, results["batch"])) == "bound":
        return f"{used} of the arithmetic is used (MFU) {at}"
    return f"{used} of the arithmetic (MFU) and {show(reads, 'share')} of the bandwidth (MBU) are used {at}"


def _chunk_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """How long two tokens lie apart with a chunk between them, where its size was asked about."""
    gap, request = results.get("prompt_itl_s"), scenario.load.request
    if gap is None or request is None or scenario.question.get("chunk_tokens") is None:
        return ""
    alone = request._replace(chunk_tokens=request.input_tokens)
    whole = prompt_itl(scenario.running.replica, max(results["batch"], 1.0), alone)
    beside = f", {show(whole, 's')} if all of it were" if whole > gap else ""
    return f": {show(gap, 's')} when a chunk of another's prompt is read in between{beside}"


def _met(results: dict[str, Any]) -> str:
    """A user's tokens a second with the prompts of others between them; empty where none or nothing of them is seen."""
    if results.get("tokens_per_s_all_in") is None:
        return ""
    met = show(results["tokens_per_s_per_user_all_in"], "")
    return met if met != show(results["tokens_per_s_per_user"], "") else ""


def _takes_apart(scenario: Scenario, results: dict[str, Any]) -> int:
    """The devices that a rate takes, those for prompts too, where fewer were given; 0 where they suffice.

    Widths that were given are those of the replicas that decode, beside which others read.
    """
    ratio, rack = results.get("prefill_per_decode"), scenario.rack
    if not ratio or scenario.load.rate is None or not rack.given or results.get("stable") is False:
        return 0
    given = scenario.question.given
    if any(name in given and not given[name].origin.startswith("assumed") for name in LAYOUT[1:]):
        return 0
    reading = ceil(ratio * scenario.copies) * rack.devices
    return scenario.copies * rack.devices + reading if reading > scenario.question.apart else 0


def _too_few(scenario: Scenario, results: dict[str, Any]) -> str:
    """That devices which were given do not take a rate, where they decode alone and prompts take further ones."""
    if not (taken := _takes_apart(scenario, results)):
        return ""
    decoding, rate = scenario.copies * scenario.rack.devices, scenario.copies * (scenario.load.rate or 0.0)
    given = decoding + scenario.question.apart
    verb = "does" if given == 1 else "do"
    text = f"No: {many(given, 'device')} {verb} not take {show(rate)} requests/s; apart it takes {taken:,}, "
    return f"{text}{decoding:,} to decode and {taken - decoding:,} for prompts. "


def _in_line(scenario: Scenario) -> str:
    """How many of the requests in flight run, where not all do."""
    load = scenario.load
    if load.concurrent is None or not 1 <= load.most < load.concurrent:
        return ""
    run, all_of_them = (scenario.copies * each for each in (load.most, load.concurrent))
    return f"{run:,.0f} of {many(all_of_them, 'request')} run at once, the others wait. "


def _waiting_remark(scenario: Scenario) -> str:
    """How many of the requests in flight wait for others, where a load without end is kept up with all the same."""
    waiting = scenario.copies * ((scenario.load.concurrent or 0.0) - scenario.load.most)
    return f"each of those in flight is answered; {waiting:,.0f} wait" if _in_line(scenario) and waiting else ""


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _binds(scenario: Scenario, results: dict[str, Any]) -> str:
    """What binds a step, and what its links take; of arithmetic that binds far below its peak, why it can."""
    running = scenario.running
    if has_endless_rate(running.rack.part):
        return ""
    ridge = ""
    if results["bound"] == "memory":
        ridge = f" ({words})" if (words := "; ".join(_memory_words(scenario, results))) else ""
    far = results["bound"] == "compute" and (results["utilization"] or 1.0) < FAR_BELOW
    slow = ", in kernels that stay far below the chip's peak" if far else ""
    start = "; "
    if (prompts := prompts_share(results)) > MOST:
        start, ridge = f". Prompts take {show(prompts, 'share')} of the time; between them ", ""
    sent = (results["communication_time_s"] or 0.0) / results["step_time_s"] if running.overlap != "full" else 0.0
    takes = "" if results["bound"] == "communication" else "communication takes "
    links = f", {takes}{show(sent, 'share')} of a step" if sent >= LEAST else ""
    return f"{start}{results['bound']} binds{ridge}{slow}{links}"


def _memory_words(scenario: Scenario, results: dict[str, Any]) -> Iterator[str]:
    """What the bytes of a step are that memory binds, operations for each if no request is told, experts it reads."""
    of_bytes, done = _bytes_words(scenario, results), results["arithmetic_intensity"]
    if of_bytes:
        yield of_bytes
    if not (done and _asks_for_step(scenario)):
        return
    if not (of_bytes and scenario.load.request):
        yield f"{show(done)} FLOP a byte, ridge at {show(results['flops_per_byte'])}"
    if results["batch"] > 1 and (hit := _experts_remark(scenario, results["batch"])):
        yield f"{hit} experts are read"


def _rate_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """Tokens a second of a user and of all, and what a million of them cost; empty where they have no value.

    Where prompts ride along with a batch that stays full, they are those that the price is of.
    """
    each, rate, usd = (results[key] for key in ("tokens_per_s_per_user", "tokens_per_s", "usd_per_million_tokens"))
    if each is None or rate is None:
        return ""
    is_said = usd is not None and _says_rate(scenario)
    hourly = hourly_words(scenario, results)
    price = f", at {hourly}{show(usd, 'USD')} a million {_priced_tokens(scenario)}" if is_said else ""
    paid = results.get("tokens_per_s_all_in")
    if results["batch"] == scenario.copies == 1:
        whole = " for one user" if is_local(scenario.rack.setup.stack) else ""
        differs = paid is not None and abs(paid / each - 1) >= ALIKE
        if text := next((note.text for note in scenario.notes if note.code == FOR_ONE), ""):
            lone = f"{show(paid, '')} tokens/s over the whole request" if differs else f"{show(each, '')} tokens/s"
            return f"{text} {lone}{price}"
        prompted = f", {show(paid, '')} over the whole request" if differs else ""
        return f"{show(each, '')} tokens/s{whole}{prompted}{price}"
    speed, decoding = f"{show(each, '')} tokens/s a user", " after the first token"
    if met := _met(results):
        speed = f"{met} tokens/s a user{decoding}"
    elif paid is not None or scenario.load.is_steady:
        speed += decoding
    total = scenario.copies * (rate if paid is None else paid)
    price += read_words(scenario, results)
    return f"{speed}, {show(total, '')} {in_all(scenario)}{_node_words(scenario, results, total)}{price}"


def _says_rate(scenario: Scenario) -> bool:
    """Whether the price of tokens stands beside their rate: not where it stands before all, against an API's."""
    return says_price(scenario) and scenario.api_price is None


def _node_words(scenario: Scenario, results: dict[str, Any], total: float) -> str:
    """The tokens a second of one node where a replica lies on several; those that read prompts apart count too."""
    devices, domain = scenario.rack.devices, scenario.rack.part.facts.get("link_domain")
    if domain is None or devices <= domain.value:
        return ""
    ratio = results.get("prefill_per_decode")
    serving = scenario.copies * devices * (1 + (prefill_paid(scenario, ratio) if ratio else 0.0))
    return f" ({show(total * domain.value / serving, '')} a node of {show(domain.value)})"


def _priced_tokens(scenario: Scenario) -> str:
    """The tokens that a price is of: those that come out, where prompts go in."""
    return "output tokens" if scenario.load.request and not holds(scenario.rack) else "tokens"


def _step_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """The time of a step; with a draft of a token, and without it."""
    running = scenario.running
    rack = running.rack
    what = "" if rack.model.is_bare else f"of {rack.model.called(rack.model.quantization.words)} "
    where = f"{what}on {rack.place}{_of_all_words(scenario)}"
    words = sure(running, _only_batch(scenario, results["batch"]))
    if (stages := rack.plan.layout.pp) > 1:
        words = words.replace("at best", f"at best in {stages} stages")
    if (worth := results.get("draft_speedup")) is None:
        plain = results["step_time_s"]
        if plain and (results.get("itl_s") or 0.0) > (1 + LEAST) * plain:
            where = f"without prompts, {where.removeprefix('of ')}"
        return f"{show(plain, 's')} a step {where}, {words}"
    tpot, plain = (show(results[key], "s") for key in ("tpot_s", "plain_tpot_s"))
    each = f"{show(results['accept_length'], '')} a step"
    both = "both " if words != "an estimate" else ""  # what two bounds differ by is no estimate
    gain = gain_words(rack, worth) + _user_gain(scenario, results)
    return f"A token {where} takes {tpot} with the draft ({each}) and {plain} without, {both}{words}: {gain}"


def _of_all_words(scenario: Scenario) -> str:
    """Behind the devices of one of several replicas of more than one: how many all of them have."""
    held = one_holds(scenario)
    if scenario.copies == 1 or scenario.rack.devices == 1 or scenario.question.idle:
        return f" ({held})" if held else ""
    return f" each ({scenario.copies * scenario.rack.devices:,} devices{held and f'; {held}'})"


def _user_gain(scenario: Scenario, results: dict[str, Any]) -> str:
    """What a user gets with and without a draft where the prompts of others lie between their tokens."""
    if not (met := _met(results)) or (request := scenario.load.request) is None:
        return ""
    replica, batch = scenario.running.replica, results["batch"]
    plain = tpot_met(results["plain_tpot_s"], prompts_gap(replica, batch, request), batch)
    without = show(formulas.cost.tokens_per_s_per_user(step_time=plain), "")
    return f". With prompts between, a user gets {met} tokens/s, {without} without the draft"


def _time_parts(pace: Pace, running: Running) -> tuple[tuple[str, float, str], ...]:
    """Where the time goes: what operators wait for in turn, or what overlaps."""
    times, parts = pace.times, pace.times.parts
    if running.overlap in ("operator", *IN_TURN):
        waits = {**times.by_operator, "draft": max(pace.step - times.step, 0.0)}
        return tuple((name, value, "s") for name, value in waits.items() if value > 1e-12)
    compute = () if has_endless_rate(running.rack.part) else ("compute",)
    names = (*compute, "memory", "communication", "host", "overhead")
    return tuple((name, value, "s") for name in names if (value := getattr(parts, name)))


# Prompts on replicas of their own: how many these are, and what the same load costs with prompts between the steps.


def apart_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """The devices that read prompts where these have replicas of their own; nothing where a load is too large."""
    if not (ratio := results.get("prefill_per_decode")) or results.get("stable") is False:
        return ""
    each, needed = scenario.rack.devices, ratio * scenario.copies
    whole = ceil(needed)
    used = f"{whole * each:,}" if is_counted_whole(scenario) else show(needed * each, "")
    replicas = many(whole, "device") if each == 1 else f"{many(whole, 'replica')} of {each:,}"
    share = f", {show(needed / whole, 'share')} used" if whole > needed else ""
    counts = "rates a device count" if results["usd_per_million_tokens"] is None else "the price counts"
    more = f"{used} device{'' if used == '1' else 's'} more"
    if apart := scenario.question.apart:  # the count that was given is of all
        every = scenario.copies * each + apart
        more = f"{used} of the {every:,} devices" if whole * each <= apart else more
    sent = f", and send {_sent(scenario, results)}" if scenario.load.rate is not None else ""
    beside = f" Prompts take {more} ({replicas}{share}), which {counts} in{sent}."
    return beside + _instead_words(scenario, results)


def _sent(scenario: Scenario, results: dict[str, Any]) -> str:
    """What the caches of all prompts are a second."""
    return f"{show(scenario.copies * results['cache_transfer_bytes_per_s'], 'B/s')} of caches"


def _sent_remark(scenario: Scenario, results: dict[str, Any]) -> str:
    """Of how many requests the caches are that are sent, where fewer are served than asked."""
    load, request, copies = scenario.load, scenario.load.request, scenario.copies
    if load.rate is None or request is None or results.get("stable") is not False:
        return ""
    served = formulas.cost.requests_answered(tokens_per_s=results["tokens_per_s"], output_tokens=request.output_tokens)
    rate = show(copies * results["cache_transfer_bytes_per_s"] * served / load.rate, "B/s")
    return f"of all that arrive; {rate} of the {copies * served:.3g} served"


def _instead_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What prompts between the steps cost instead, and which is cheaper."""
    devices, usd, gap = (results.get(key) for key in INSTEAD)
    paid = results["usd_per_million_tokens"]
    if devices is None or usd is None or paid is None:
        return ""
    saved, copies, ratio = _against(paid / usd), scenario.copies, results["prefill_per_decode"]
    counted_in, whole = copies * prefill_paid(scenario, ratio), ceil(copies * ratio)
    if (full := _against(paid / usd * (copies + whole) / (copies + counted_in))) != saved:
        reading = whole * scenario.rack.devices
        of_all = "the one for prompts" if reading == 1 else f"all {reading:,} for prompts"
        saved += f", {full} with {of_all} paid"
    other = f"{counted(devices, called(scenario.rack.part))} cost {show(usd, 'USD')}, {show(gap, 's')} a token"
    return f" Without --disaggregated {other}: apart costs {saved}."


def _against(ratio: float) -> str:
    """A cost as a share less or more than what it is held against."""
    share = show(abs(ratio - 1), "share")
    return "as much" if abs(ratio - 1) < AS_DEAR else f"{share} {'less' if ratio < 1 else 'more'}"


def instead(scenario: Scenario, overloaded: bool) -> dict[str, Any]:
    """The same load or batch with prompts between the steps, on as many replicas as keep up; nothing where none do.

    Nor where they are between the steps already, or a row of many has no verdict.
    """
    if not scenario.load.apart or overloaded or scenario.is_row or not scenario.rack.plan.fits:
        return {}
    given = scenario.question.given
    chosen = [name for name in LAYOUT if name in given and given[name].origin.startswith("assumed")]
    chosen += LAYOUT[1:] if scenario.load.rate is not None else []  # widths of replicas that decode alone
    question = scenario.question.changed(dict.fromkeys(chosen), ORIGIN)
    if reading := question.apart:
        all_of_them = on_devices(question, scenario.copies * scenario.rack.devices + reading)
        question = question.changed(all_of_them, ORIGIN)._replace(apart=0)
    try:
        other = at_point(question, {"disaggregated": False}, ORIGIN)
        batch, pace, served = step_pace(other)
        if served and not served.stable:
            enough = that_keep_up(other, served)
            other = at_point(question, {**on_devices(question, enough.devices), "disaggregated": False}, ORIGIN)
            batch, pace, served = step_pace(other)
    except InfercostError:
        return {}
    if not other.rack.plan.fits or (served and not served.stable):
        return {}
    results = step_results(other, batch, pace, served, bracketed=False)
    found = (other.copies * other.rack.devices, results["usd_per_million_tokens"], results["itl_s"])
    return dict(zip(INSTEAD, found, strict=True))
