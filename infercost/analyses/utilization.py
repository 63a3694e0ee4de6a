"""One step: what binds it, how well the arithmetic is used, and what a token costs."""

from typing import Any

from infercost.analyses.step import full_batch, step_results
from infercost.case import Case, case_notes, misfit, read_case
from infercost.efficiency import is_ideal
from infercost.question import Asked
from infercost.report import Note, Report, Row
from infercost.speeds import spread
from infercost.stepping import StepInputs, read_step_inputs
from infercost.units import show

OVERLAP_WORDS = {
    "full": "everything overlaps",
    "operator": "arithmetic and reads overlap, collectives wait",
    "none": "nothing overlaps",
}
#: What shortens the reading of a cache.
WAYS = "shorten the context, or store the cache in fewer bits (--kv-dtype)"
#: Why a result of a step may have no value, by JSON key.
NULL_REASONS = {
    "communication_time_s": "needs --layers and --hidden-size",
    "usd_per_million_tokens": "needs --price",
    "joules_per_token": "no power is known",
    **dict.fromkeys(("prefill_time_s", "ttft_s", "request_time_s"), "prefill is not modelled yet"),
}


def answer(asked: Asked) -> Report:
    """The times, the utilization and the cost of one decoding step.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_case``.
    """
    case = read_case(asked)
    batch = int(asked.take("batch", 1))
    inputs = read_step_inputs(asked, case)
    results = step_results(case, inputs, batch)
    return Report(
        command="utilization",
        verdict=misfit(case) + _verdict(case, inputs, results),
        inputs=tuple(asked.inputs),
        results=_rows(case, inputs, results),
        parts=_time_parts(results),
        advice=_advice(case, inputs, results),
        notes=(*step_notes(case, inputs), *asked.notes),
        met=case.fits,
    )


def _rows(case: Case, inputs: StepInputs, results: dict[str, Any]) -> tuple[Row, ...]:
    rate = inputs.rate
    remarks = {
        "gpus": "as given" if case.devices_given else "least that fits" if case.plan else "least that hold the weights",
        "weight_bytes": weights_remark(case),
        "compute_time_s": f"at {show(rate.fact.value, 'FLOP/s')} a device ({rate.name})",
        "memory_time_s": _memory_remark(case),
        "communication_time_s": _communication_remark(case, inputs),
        "step_time_s": f"{kind(case, inputs)}: {OVERLAP_WORDS[inputs.overlap]}",
        "critical_batch": critical_remark(case),
        "usd_per_million_tokens": "accelerators always busy",
        "joules_per_token": "rated power; no host, no cooling",
    }
    hidden = {"bound", "batch", "prefill_time_s", "ttft_s", "request_time_s"}
    if results["step_time_s"] == results["bound_step_time_s"]:
        hidden.add("bound_step_time_s")
    if not results["overhead_time_s"]:
        hidden.add("overhead_time_s")
    reasons = {key: NULL_REASONS[key] for key, value in results.items() if value is None}
    return tuple(
        Row(key, value, {**remarks, **reasons}.get(key, ""), key not in hidden) for key, value in results.items()
    )


def critical_remark(case: Case) -> str:
    """What the critical batch balances: a bare count has nothing but weights to read."""
    return f"arithmetic takes as long as {'weight ' if case.model else ''}reads"


def weights_remark(case: Case) -> str:
    """How the weights are stored."""
    if case.model:
        return case.model.quantization.name
    return f"{case.format.name}, {case.format.bytes_per_value:g} B a parameter"


def kind(case: Case, inputs: StepInputs) -> str:
    """``bound`` where no stack can be faster, else ``estimate``: a profile's shares, less than full overlap, ..."""
    is_least = is_ideal(case.profile) and inputs.overlap == "full"
    return "bound" if is_least and not case.is_sparse and not _stands_in(case, inputs) else "estimate"


def _stands_in(case: Case, inputs: StepInputs) -> bool:
    """Whether a vector rate stands in for a matrix rate that nobody published."""
    return inputs.rate.name == "fp32" and case.format.name != "fp32"


def _memory_remark(case: Case) -> str:
    one = case.part.value("memory_bandwidth")
    total = f", {show(one * case.width, 'B/s')} in all" if case.width > 1 else ""
    return f"at {show(one, 'B/s')} a device{total}"


def _communication_remark(case: Case, inputs: StepInputs) -> str:
    inside, nodes = spread(case.plan.layout.tp if case.plan else case.width, inputs.speeds)
    if nodes > 1:
        return f"ring all-reduces over {nodes} nodes of {inside}"
    return f"ring all-reduces over {inside} devices" if inside > 1 else "one device: nothing is sent"


def _verdict(case: Case, inputs: StepInputs, results: dict[str, Any]) -> str:
    used = show(results["utilization"], "share")
    step = f"{show(results['step_time_s'], 's')} a step on {case.devices:,} x {case.part.name}"
    left_out = "" if results["communication_time_s"] is not None else ", communication left out"
    return (
        f"{results['bound'].capitalize()} binds: {used} of the arithmetic is used at batch {results['batch']:,}. "
        f"{step}, {'at best' if kind(case, inputs) == 'bound' else 'an estimate'}{left_out}."
    )


def _time_parts(results: dict[str, Any]) -> tuple[tuple[str, float, str], ...]:
    names = ("compute_time_s", "memory_time_s", "communication_time_s", "overhead_time_s")
    return tuple((name.removesuffix("_time_s"), results[name], "s") for name in names if results[name])


def _advice(case: Case, inputs: StepInputs, results: dict[str, Any]) -> tuple[str, ...]:
    if not case.fits:
        if case.plan:
            return ("see infercost fit for what would make it fit",)
        return (f"the weights do not fit on {case.devices}: ask for --gpus {case.gpus_for_weights}",)
    if results["bound"] == "memory":
        return (_more_users(case, inputs),)
    if results["bound"] == "compute":
        return ("past the critical batch more users hardly make a token cheaper: add accelerators",)
    if results["bound"] == "communication":
        return ("the links bind: use fewer devices a replica, or faster links",)
    return ()


def _more_users(case: Case, inputs: StepInputs) -> str:
    """What a larger batch brings while reads bind: the weights are shared, each sequence's cache is not."""
    start = "batch more users: each weight read serves all of them"
    at = full_batch(case, inputs)
    if at is None:
        return (
            f"{start}, but {case.context:,.0f} tokens of cache a user take longer to read than to compute with: {WAYS}"
        )
    full = "the arithmetic is full" if inputs.overlap == "full" else "arithmetic takes as long as the reads"
    most = case.plan.max_sequences if case.plan else None
    if most is not None and most < at:
        return f"{start}; memory holds {most:,}, and {full} at batch {at:,}: add devices, {WAYS}"
    return f"{start}, and {full} at batch {at:,}"


def step_notes(case: Case, inputs: StepInputs) -> list[Note]:
    """What a step leaves out or assumes, and figures not to lean on."""
    part = case.part
    notes = case_notes(case)
    what = kind(case, inputs)
    article = "a bound" if what == "bound" else "an estimate"
    left_out = "activation traffic" if case.model else "KV cache, activations"
    notes.append(Note(what, f"{article}: {left_out}, kernel launches and link latency are left out"))
    notes += _rate_notes(case, inputs)
    if case.is_sparse:
        law = (
            "experts evenly, E (1 - (1 - k/E)^batch)"
            if case.model
            else "parameters evenly, N (1 - (1 - active/N)^batch)"
        )
        notes.append(Note("coverage", f"the bytes read assume that a batch hits {law}"))
    if case.devices > 1 and inputs.work.layers:
        notes.append(_layout_note(case))
    if part.labels.get("note_8bit") and case.format.name in ("8bit", "fp8", "int8"):
        notes.append(Note("see-also", part.labels["note_8bit"]))
    used = [inputs.rate.key, "memory_bandwidth", "power", *(["link_bandwidth"] if inputs.work.layers else [])]
    weak = {key: part.facts[key].weak for key in used if key in part.facts and part.facts[key].weak}
    notes += [Note("weak-figure", f"{part.name} {key} is weak: {why}") for key, why in weak.items()]
    return notes


def _rate_notes(case: Case, inputs: StepInputs) -> list[Note]:
    """Arithmetic that runs in another format than the weights are stored in."""
    rate, part = inputs.rate.name, case.part.name
    if _stands_in(case, inputs):
        text = f"no matrix rate of {part} is known: its {rate} vector rate stands in, and real arithmetic may be faster"
        return [Note("stands-in", text)]
    served = {"8bit": ("fp8", "int8"), "4bit": ("fp4",)}.get(case.format.name, (case.format.name,))
    if rate in served:
        return []
    return [Note("arithmetic", f"{part} computes with {case.format.name} weights at its {rate} rate")]


def _layout_note(case: Case) -> Note:
    domain = case.part.facts.get("link_domain")
    text = f"tensor parallel over all {case.width} devices is assumed"
    if case.plan and case.plan.layout.dp > 1:
        text = f"{case.plan.layout.dp} groups attend for themselves; experts' exchange is counted as an all-reduce"
    if case.stages > 1:
        text = f"{case.stages} pipeline stages of {case.width} take turns on parts of the batch; sends are left out"
    if domain and case.width > domain.value and "network_bandwidth" not in case.part.facts:
        text += f"; no network figure is known, so the link inside a node of {domain.value:g} is used for all"
    return Note("layout", text)
