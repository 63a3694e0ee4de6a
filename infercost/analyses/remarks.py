"""What a reader should know of a step: what kind of answer it is, what it leaves out, what to change first."""

from typing import Any

from infercost.analyses.step import full_batch
from infercost.parts.stack import is_ideal, law
from infercost.report import Note
from infercost.scenario.scenario import Case, StepInputs, case_notes

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
    **dict.fromkeys(("prefill_time_s", "ttft_s", "request_time_s"), "needs --input-tokens and --output-tokens"),
}


def critical_remark(case: Case) -> str:
    """What the critical batch balances: a bare count has nothing but weights to read."""
    return f"arithmetic takes as long as {'' if case.model.is_bare else 'weight '}reads"


def weights_remark(case: Case) -> str:
    """How the weights are stored."""
    stored = case.model.quantization.name
    return f"{stored}, {case.format.bytes_per_value:g} B a parameter" if case.model.is_bare else stored


def kind(case: Case, inputs: StepInputs) -> str:
    """``bound`` where no stack can be faster, else ``estimate``: a profile's shares, less than full overlap, ..."""
    is_least = is_ideal(case.profile) and inputs.overlap == "full"
    return "bound" if is_least and not case.model.is_sparse and not _stands_in(case, inputs) else "estimate"


def _stands_in(case: Case, inputs: StepInputs) -> bool:
    """Whether a vector rate stands in for a matrix rate that nobody published."""
    return inputs.rate.name == "fp32" and case.format.name != "fp32"


def advice(case: Case, inputs: StepInputs, results: dict[str, Any]) -> tuple[str, ...]:
    """What to change first, by what binds."""
    if not case.fits:
        if case.model.is_bare:
            return (f"the weights do not fit on {case.devices}: ask for --gpus {case.gpus_for_weights}",)
        return ("see infercost fit for what would make it fit",)
    if results["bound"] == "memory":
        return (_more_users(case, inputs),)
    if results["bound"] == "compute":
        return ("past the critical batch more users hardly make a token cheaper: add accelerators",)
    if results["bound"] == "communication":
        return ("the links bind: use fewer devices a replica, or faster links",)
    return ("launches bind: batch more users, since a step hardly grows with them",)


def _more_users(case: Case, inputs: StepInputs) -> str:
    """What a larger batch brings while reads bind: the weights are shared, each sequence's cache is not."""
    start = "batch more users: each weight read serves all of them"
    at = full_batch(case, inputs)
    if at is None:
        return (
            f"{start}, but {case.context:,.0f} tokens of cache a user take longer to read than to compute with: {WAYS}"
        )
    full = "the arithmetic is full" if inputs.overlap == "full" else "arithmetic takes as long as the reads"
    most = case.plan.max_sequences
    if most is not None and most < at:
        return f"{start}; memory holds {most:,}, and {full} at batch {at:,}: add devices, {WAYS}"
    return f"{start}, and {full} at batch {at:,}"


def step_notes(case: Case, inputs: StepInputs) -> list[Note]:
    """What a step leaves out or assumes, and figures not to lean on."""
    part = case.part
    notes = case_notes(case)
    what = kind(case, inputs)
    notes.append(Note(what, _left_out(case, what)))
    notes += _rate_notes(case, inputs)
    if case.model.is_sparse:
        law = (
            "parameters evenly, N (1 - (1 - active/N)^batch)"
            if case.model.is_bare
            else "experts evenly, E (1 - (1 - k/E)^batch)"
        )
        notes.append(Note("coverage", f"the bytes read assume that a batch hits {law}"))
    if case.devices > 1 and inputs.work.hidden_size:
        notes.append(_layout_note(case))
    if part.labels.get("note_8bit") and case.format.name in ("8bit", "fp8", "int8"):
        notes.append(Note("see-also", part.labels["note_8bit"]))
    used = [inputs.rate.key, "memory_bandwidth", "power", *(["link_bandwidth"] if inputs.work.hidden_size else [])]
    weak = {key: part.facts[key].weak for key in used if key in part.facts and part.facts[key].weak}
    notes += [Note("weak-figure", f"{part.name} {key} is weak: {why}") for key, why in weak.items()]
    return notes


def _left_out(case: Case, what: str) -> str:
    """What a bound leaves out; of an estimate how far it is off, where that was measured."""
    if known := case.profile.labels.get("error"):
        nearer = case.profile.labels.get("nearer", "")
        advice = f"; nearer to engines of today: --efficiency {nearer.replace(', ', ' or ')}" if nearer else ""
        again = "; infercost validate runs them again" if case.profile.labels.get("frameworks") or nearer else ""
        return f"an estimate by profile {case.profile.name}: {known}{again}{advice}"
    if law(case.profile) != "roofline":
        even = "which divides everything evenly: it may beat the bound of a real layout"
        return f"an estimate by the law of profile {case.profile.name}, {even}"
    if not is_ideal(case.profile):
        return f"an estimate by profile {case.profile.name}, whose error nobody has noted"
    article = "a bound" if what == "bound" else "an estimate"
    left_out = "KV cache, activations" if case.model.is_bare else "activation traffic"
    return f"{article}: {left_out}, kernel launches and link latency are left out"


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
    if case.plan.layout.dp > 1:
        text = f"{case.plan.layout.dp} groups attend for themselves; experts get tokens in 8 bits and return 16"
    if case.stages > 1:
        text = f"{case.stages} pipeline stages of {case.width} take turns on parts of the batch"
    if domain and case.width > domain.value and "network_bandwidth" not in case.part.facts:
        text += f"; no network figure is known, so the link inside a node of {domain.value:g} is used for all"
    return Note("layout", text)
