"""One step: what binds it, how well the arithmetic is used, and what a token costs."""

from typing import Any

from infercost.analyses.drafting import beside, pace_with, read_draft
from infercost.analyses.remarks import (
    NULL_REASONS,
    OVERLAP_WORDS,
    advice,
    critical_remark,
    kind,
    step_notes,
    weights_remark,
)
from infercost.analyses.request import Asking, read_asking, request_results, steady
from infercost.analyses.step import Pace, Times, step_results, step_times
from infercost.numeric import ceiling
from infercost.parts.stack import law
from infercost.replica.serving import Served
from infercost.replica.step import spread
from infercost.report import Report, Row
from infercost.scenario.read import Asked
from infercost.scenario.scenario import Case, StepInputs, misfit, read_case, read_step_inputs
from infercost.units import show


def answer(asked: Asked) -> Report:
    """The times, the utilization and the cost of one decoding step.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_case``.
    """
    case = read_case(asked)
    asking = read_asking(asked, case)
    given = 1 if asking.rate is not None else int(asked.take("batch", 1))
    inputs = read_step_inputs(asked, case)
    served = steady(inputs, asking)
    batch = served.batch if served else given
    if served and asking.request:
        times = step_times(case, inputs, max(batch, 1))
        pace = Pace(times, times.step, served.itl, served.rate * asking.request.output_tokens)
    else:
        draft = read_draft(asked)
        case = case._replace(plan=beside(case.plan, draft))
        pace = pace_with(case, inputs, draft, batch)
    results = step_results(case, inputs, batch, pace)
    results |= request_results(case, inputs, asking, batch, pace.tpot, served)
    return Report(
        command="utilization",
        verdict=misfit(case) + _overload(asking, served) + _verdict(case, inputs, results),
        inputs=tuple(asked.inputs),
        results=_rows(case, inputs, results),
        parts=_time_parts(pace.times, inputs, results),
        advice=_more_replicas(served) or advice(case, inputs, results),
        notes=(*step_notes(case, inputs), *asked.notes),
        met=case.fits and (served is None or served.stable),
    )


#: What JSON has and the table says elsewhere.
_ALWAYS_HIDDEN = {"bound", "batch", "tpot_s", "full_overlap_step_time_s", "no_overlap_step_time_s"}
_OF_REQUEST = ("prefill_time_s", "ttft_s", "request_time_s")


def _rows(case: Case, inputs: StepInputs, results: dict[str, Any]) -> tuple[Row, ...]:
    remarks = {
        "gpus": "as given"
        if case.devices_given
        else "least that hold the weights"
        if case.model.is_bare
        else "least that fits",
        "weight_bytes": weights_remark(case),
        "compute_time_s": _compute_remark(inputs),
        "memory_time_s": _memory_remark(case),
        "communication_time_s": _communication_remark(case, inputs),
        "step_time_s": f"{kind(case, inputs)}: {OVERLAP_WORDS[inputs.overlap]}{_between(inputs, results)}",
        "bound_step_time_s": "one plain step, without the draft" if results["tpot_s"] < results["step_time_s"] else "",
        "critical_batch": critical_remark(case),
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


def _compute_remark(inputs: StepInputs) -> str:
    rate, peak = inputs.rate, inputs.speeds.peak_flops
    mixed = " mixed with matrices in other formats" if peak < rate.fact.value * 0.999 else ""
    return f"at {show(peak, 'FLOP/s')} a device ({rate.name}{mixed})"


def _between(inputs: StepInputs, results: dict[str, Any]) -> str:
    """The bracket of an estimate: from everything overlapping to nothing."""
    if inputs.overlap == "full":
        return ""
    least, most = (show(results[f"{name}_overlap_step_time_s"], "s") for name in ("full", "no"))
    return f"; {least} if all did, {most} if nothing"


def _memory_remark(case: Case) -> str:
    one = case.part.value("memory_bandwidth")
    total = f", {show(one * case.width, 'B/s')} in all" if case.width > 1 else ""
    return f"at {show(one, 'B/s')} a device{total}"


def _communication_remark(case: Case, inputs: StepInputs) -> str:
    if (name := law(case.profile)) != "roofline":
        return f"by the law of {name}, in a layout of its own"
    if case.plan.layout.dp > 1:
        return f"tokens go to experts on {case.plan.layout.ep} ranks and back"
    if case.width == 1 and case.stages > 1:
        return "stages hand their output on"
    inside, nodes = spread(case.plan.layout.tp, inputs.speeds)
    if nodes > 1:
        return f"all-reduces over {nodes} nodes of {inside}"
    return f"all-reduces over {inside} devices" if inside > 1 else "one device: nothing is sent"


def _more_replicas(served: Served | None) -> tuple[str, ...]:
    if served is None or served.stable:
        return ()
    return ("add replicas, or shorten prompts and answers: no larger batch keeps up with this load",)


def _overload(asking: Asking, served: Served | None) -> str:
    """The start of a verdict on a load that one replica cannot keep up with, else nothing."""
    if served is None or served.stable or asking.rate is None:
        return ""
    replicas = ceiling(asking.rate / served.rate)
    return (
        f"Overloaded: {asking.rate:g} requests a second arrive and at most {served.rate:.3g} are served, "
        f"{served.batch:,.0f} at once; {replicas:,} replicas would keep up. "
    )


def _verdict(case: Case, inputs: StepInputs, results: dict[str, Any]) -> str:
    used, batch = show(results["utilization"], "share"), show(results["batch"], "")
    step = f"{show(results['step_time_s'], 's')} a step on {case.devices:,} x {case.part.name}"
    left_out = "" if results["communication_time_s"] is not None else ", communication left out"
    return (
        f"{results['bound'].capitalize()} binds: {used} of the arithmetic is used at batch {batch}. "
        f"{step}, {'at best' if kind(case, inputs) == 'bound' else 'an estimate'}{left_out}.{_of_request(results)}"
    )


def _of_request(results: dict[str, Any]) -> str:
    """The end of a verdict on a request: its first token, its others, and all of it."""
    if results["request_time_s"] is None:
        return ""
    first, each, whole = (show(results[key], "s") for key in ("ttft_s", "tpot_s", "request_time_s"))
    return f" A request takes {whole}: {first} to its first token, then {each} a token."


def _time_parts(times: Times, inputs: StepInputs, results: dict[str, Any]) -> tuple[tuple[str, float, str], ...]:
    """Where the time goes: what operators wait for in turn, or what overlaps."""
    if inputs.overlap == "operator":
        parts = times.parts.by_operator
        parts["draft"] = max(results["step_time_s"] - times.step, 0.0)
        return tuple((name, value, "s") for name, value in parts.items() if value > 1e-12)
    names = ("compute_time_s", "memory_time_s", "communication_time_s", "overhead_time_s")
    return tuple((name.removesuffix("_time_s"), results[name], "s") for name in names if results[name])
