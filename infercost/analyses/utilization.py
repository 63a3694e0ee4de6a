"""One step: what binds it, how well the arithmetic is used, and what a token costs."""

from typing import Any

from infercost import formulas
from infercost.analyses.remarks import (
    NULL_REASONS,
    OVERLAP_WORDS,
    advice,
    critical_remark,
    kind,
    misfit,
    step_notes,
    weights_remark,
)
from infercost.analyses.request import request_results, steady
from infercost.analyses.step import Ends, ends_of, step_results
from infercost.numeric import ceiling
from infercost.parts.stack import law
from infercost.replica.memory import share_memory
from infercost.replica.rack import Rack
from infercost.replica.serving import Served
from infercost.replica.speeds import spread
from infercost.replica.step import Pace, Running, Times, pace_of, reworked, step_times
from infercost.report import Report, Row
from infercost.scenario.scenario import Load, Scenario
from infercost.units import show


def answer(scenario: Scenario) -> Report:
    """The times, the utilization and the cost of one decoding step.

    Raises:
        Missing: a figure of the accelerator that the answer needs.
    """
    running = scenario.running
    served = steady(running, scenario.load)
    batch = served.batch if served else scenario.batch
    pace = _pace(scenario, batch, served)
    ends = ends_of(running, batch, pace)
    results = _results(scenario, batch, served, ends)
    rack = running.rack._replace(plan=share_memory(running.rack.plan, scenario.draft and scenario.draft.model))
    running = running._replace(rack=rack)
    return Report(
        command="utilization",
        verdict=misfit(rack) + _overload(scenario.load, served) + _verdict(running, results),
        inputs=scenario.inputs,
        results=_rows(running, results),
        parts=_time_parts(pace.times, running, results),
        advice=_more_replicas(served) or advice(running, results),
        notes=(*step_notes(running), *scenario.notes),
        met=rack.plan.fits and (served is None or served.stable),
        work=lambda: _shown_work(scenario, ends),
    )


def _shown_work(scenario: Scenario, ends: Ends) -> None:
    """What a person works out: the rack, the work of a pass, the step, and its request."""
    again = scenario._replace(running=reworked(scenario.running))
    served = steady(again.running, again.load)
    _results(again, served.batch if served else again.batch, served, ends)


def _pace(scenario: Scenario, batch: float, served: Served | None) -> Pace:
    """How the batch goes on: with a draft where there is one; of a server the gap between tokens, prompts included."""
    if served is None or scenario.load.request is None:
        return pace_of(scenario.running, batch, scenario.draft)
    times = step_times(scenario.running, max(batch, 1))
    rate = formulas.cost.served_tokens_per_s(
        request_rate=served.rate, output_tokens=scenario.load.request.output_tokens
    )
    return Pace(times, times.step, served.itl, rate)


def _results(scenario: Scenario, batch: float, served: Served | None, ends: Ends) -> dict[str, Any]:
    """Everything that the step and its request answer, by JSON key."""
    pace = _pace(scenario, batch, served)
    results = step_results(scenario.running, batch, pace, ends, scenario.price)
    return results | request_results(scenario.running, scenario.load, batch, pace.tpot, served)


#: What JSON has and the table says elsewhere.
_ALWAYS_HIDDEN = {"bound", "batch", "tpot_s", "full_overlap_step_time_s", "no_overlap_step_time_s"}
_OF_REQUEST = ("prefill_time_s", "ttft_s", "request_time_s")


def _rows(running: Running, results: dict[str, Any]) -> tuple[Row, ...]:
    rack = running.rack
    remarks = {
        "gpus": "as given"
        if rack.given
        else "least that hold the weights"
        if rack.model.is_bare
        else "least that fits",
        "weight_bytes": weights_remark(rack),
        "compute_time_s": _compute_remark(running),
        "memory_time_s": _memory_remark(rack),
        "communication_time_s": _communication_remark(running),
        "step_time_s": f"{kind(running)}: {OVERLAP_WORDS[running.speeds.overlap]}{_between(running, results)}",
        "bound_step_time_s": "one plain step, without the draft" if results["tpot_s"] < results["step_time_s"] else "",
        "critical_batch": critical_remark(rack),
        "usd_per_million_tokens": "accelerators always busy",
        "joules_per_token": "rated power; no host, no cooling",
    }
    hidden = _ALWAYS_HIDDEN | {key for key in _OF_REQUEST if results[key] is None}
    if results["tpot_s"] != results["step_time_s"]:
        hidden -= {"batch", "tpot_s"}
    if results["step_time_s"] == results["bound_step_time_s"]:
        hidden.add("bound_step_time_s")
    if not results["overhead_time_s"]:
        hidden.add("overhead_time_s")
    reasons = {key: NULL_REASONS[key] for key, value in results.items() if value is None}
    return tuple(
        Row(key, value, {**remarks, **reasons}.get(key, ""), key not in hidden) for key, value in results.items()
    )


def _compute_remark(running: Running) -> str:
    rate, peak = running.rate, running.speeds.peak_flops
    mixed = " mixed with matrices in other formats" if peak < rate.fact.value * 0.999 else ""
    return f"at {show(peak, 'FLOP/s')} a device ({rate.name}{mixed})"


def _between(running: Running, results: dict[str, Any]) -> str:
    """The bracket of an estimate: from everything overlapping to nothing."""
    if running.speeds.overlap == "full":
        return ""
    least, most = (show(results[f"{name}_overlap_step_time_s"], "s") for name in ("full", "no"))
    return f"; {least} if all did, {most} if nothing"


def _memory_remark(rack: Rack) -> str:
    one = rack.part.value("memory_bandwidth")
    total = f", {show(one * rack.width, 'B/s')} in all" if rack.width > 1 else ""
    return f"at {show(one, 'B/s')} a device{total}"


def _communication_remark(running: Running) -> str:
    rack = running.rack
    if (name := law(rack.setup.stack)) != "roofline":
        return f"by the law of {name}, in a layout of its own"
    if rack.plan.layout.dp > 1:
        return f"tokens go to experts on {rack.plan.layout.ep} ranks and back"
    if rack.width == 1 and rack.plan.layout.pp > 1:
        return "stages hand their output on"
    inside, nodes = spread(rack.plan.layout.tp, running.speeds)
    if nodes > 1:
        return f"all-reduces over {nodes} nodes of {inside}"
    return f"all-reduces over {inside} devices" if inside > 1 else "one device: nothing is sent"


def _more_replicas(served: Served | None) -> tuple[str, ...]:
    if served is None or served.stable:
        return ()
    return ("add replicas, or shorten prompts and answers: no larger batch keeps up with this load",)


def _overload(load: Load, served: Served | None) -> str:
    """The start of a verdict on a load that one replica cannot keep up with, else nothing."""
    if served is None or served.stable or load.rate is None:
        return ""
    replicas = ceiling(load.rate / served.rate)
    return (
        f"Overloaded: {load.rate:g} requests a second arrive and at most {served.rate:.3g} are served, "
        f"{served.batch:,.0f} at once; {replicas:,} replicas would keep up. "
    )


def _verdict(running: Running, results: dict[str, Any]) -> str:
    rack = running.rack
    used, batch = show(results["utilization"], "share"), show(results["batch"], "")
    step = f"{show(results['step_time_s'], 's')} a step on {rack.devices:,} x {rack.part.name}"
    left_out = "" if results["communication_time_s"] is not None else ", communication left out"
    return (
        f"{results['bound'].capitalize()} binds: {used} of the arithmetic is used at batch {batch}. "
        f"{step}, {'at best' if kind(running) == 'bound' else 'an estimate'}{left_out}.{_of_request(results)}"
    )


def _of_request(results: dict[str, Any]) -> str:
    """The end of a verdict on a request: its first token, its others, and all of it."""
    if results["request_time_s"] is None:
        return ""
    first, each, whole = (show(results[key], "s") for key in ("ttft_s", "tpot_s", "request_time_s"))
    return f" A request takes {whole}: {first} to its first token, then {each} a token."


def _time_parts(times: Times, running: Running, results: dict[str, Any]) -> tuple[tuple[str, float, str], ...]:
    """Where the time goes: what operators wait for in turn, or what overlaps."""
    if running.speeds.overlap == "operator":
        parts = times.parts.by_operator
        parts["draft"] = max(results["step_time_s"] - times.step, 0.0)
        return tuple((name, value, "s") for name, value in parts.items() if value > 1e-12)
    names = ("compute_time_s", "memory_time_s", "communication_time_s", "overhead_time_s")
    return tuple((name.removesuffix("_time_s"), results[name], "s") for name in names if results[name])
