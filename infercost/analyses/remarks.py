"""What a reader should know of a step: what kind of answer it is, what it leaves out, what to change first."""

from typing import Any

from infercost.parts.accelerator import MEMORY_BASES
from infercost.parts.stack import is_ideal, law
from infercost.replica.rack import Rack
from infercost.replica.step import Running, full_batch
from infercost.report import Note
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
    **dict.fromkeys(("prefill_time_s", "ttft_s", "request_time_s"), "needs --input-tokens and --output-tokens"),
}


def misfit(rack: Rack) -> str:
    """The start of a verdict on devices that do not hold the weights, else nothing."""
    if rack.plan.fits:
        return ""
    if rack.model.is_bare:
        held = f"{rack.devices:,} x {rack.part.name} cannot hold {show(rack.weight_bytes, 'B')}"
        return f"Does not fit: {held}; the least is {rack.gpus_for_weights:,}. "
    short = show(-rack.plan.left, "B")
    return f"Does not fit: {rack.plan.batch:,} x {rack.plan.context:,.0f} tokens are short by {short} a device. "


def rack_notes(rack: Rack) -> list[Note]:
    """Which memory was counted, and figures not to lean on."""
    part, key = rack.part, rack.setup.memory_key
    counted = part.facts[key].text or show(rack.plan.device_memory, "B")
    notes = [Note("memory-counted", f"memory is counted {MEMORY_BASES[key]}: {counted} a device")]
    if weak := part.facts[key].weak:
        notes.append(Note("weak-figure", f"{part.name} {key} is weak: {weak}"))
    return notes


def critical_remark(rack: Rack) -> str:
    """What the critical batch balances: a bare count has nothing but weights to read."""
    return f"arithmetic takes as long as {'' if rack.model.is_bare else 'weight '}reads"


def weights_remark(rack: Rack) -> str:
    """How the weights are stored."""
    stored = rack.model.quantization.name
    return f"{stored}, {rack.format.bytes_per_value:g} B a parameter" if rack.model.is_bare else stored


def kind(running: Running) -> str:
    """``bound`` where no stack can be faster, else ``estimate``: a profile's shares, less than full overlap, ..."""
    rack = running.rack
    is_least = is_ideal(rack.setup.stack) and running.speeds.overlap == "full"
    return "bound" if is_least and not rack.model.is_sparse and not _stands_in(running) else "estimate"


def _stands_in(running: Running) -> bool:
    """Whether a vector rate stands in for a matrix rate that nobody published."""
    return running.rate.name == "fp32" and running.rack.format.name != "fp32"


def advice(running: Running, results: dict[str, Any]) -> tuple[str, ...]:
    """What to change first, by what binds."""
    rack = running.rack
    if not rack.plan.fits:
        if rack.model.is_bare:
            return (f"the weights do not fit on {rack.devices}: ask for --gpus {rack.gpus_for_weights}",)
        return ("see infercost fit for what would make it fit",)
    if results["bound"] == "memory":
        return (_more_users(running),)
    if results["bound"] == "compute":
        return ("past the critical batch more users hardly make a token cheaper: add accelerators",)
    if results["bound"] == "communication":
        return ("the links bind: use fewer devices a replica, or faster links",)
    return ("launches bind: batch more users, since a step hardly grows with them",)


def _more_users(running: Running) -> str:
    """What a larger batch brings while reads bind: the weights are shared, each sequence's cache is not."""
    rack = running.rack
    start = "batch more users: each weight read serves all of them"
    at = full_batch(running)
    if at is None:
        cache = f"{rack.plan.context:,.0f} tokens of cache a user take longer to read than to compute with"
        return f"{start}, but {cache}: {WAYS}"
    full = "the arithmetic is full" if running.speeds.overlap == "full" else "arithmetic takes as long as the reads"
    most = rack.plan.max_sequences
    if most is not None and most < at:
        return f"{start}; memory holds {most:,}, and {full} at batch {at:,}: add devices, {WAYS}"
    return f"{start}, and {full} at batch {at:,}"


def step_notes(running: Running) -> list[Note]:
    """What a step leaves out or assumes, and figures not to lean on."""
    rack = running.rack
    part = rack.part
    notes = rack_notes(rack)
    what = kind(running)
    notes.append(Note(what, _left_out(rack, what)))
    notes += _rate_notes(running)
    if rack.model.is_sparse:
        law = (
            "parameters evenly, N (1 - (1 - active/N)^batch)"
            if rack.model.is_bare
            else "experts evenly, E (1 - (1 - k/E)^batch)"
        )
        notes.append(Note("coverage", f"the bytes read assume that a batch hits {law}"))
    if rack.devices > 1 and running.work.hidden_size:
        notes.append(_layout_note(rack))
    if part.labels.get("note_8bit") and rack.format.name in ("8bit", "fp8", "int8"):
        notes.append(Note("see-also", part.labels["note_8bit"]))
    used = [running.rate.key, "memory_bandwidth", "power", *(["link_bandwidth"] if running.work.hidden_size else [])]
    weak = {key: part.facts[key].weak for key in used if key in part.facts and part.facts[key].weak}
    notes += [Note("weak-figure", f"{part.name} {key} is weak: {why}") for key, why in weak.items()]
    return notes


def _left_out(rack: Rack, what: str) -> str:
    """What a bound leaves out; of an estimate how far it is off, where that was measured."""
    if known := rack.setup.stack.labels.get("error"):
        nearer = rack.setup.stack.labels.get("nearer", "")
        advice = f"; nearer to engines of today: --efficiency {nearer.replace(', ', ' or ')}" if nearer else ""
        again = "; infercost validate runs them again" if rack.setup.stack.labels.get("frameworks") or nearer else ""
        return f"an estimate by profile {rack.setup.stack.name}: {known}{again}{advice}"
    if law(rack.setup.stack) != "roofline":
        even = "which divides everything evenly: it may beat the bound of a real layout"
        return f"an estimate by the law of profile {rack.setup.stack.name}, {even}"
    if not is_ideal(rack.setup.stack):
        return f"an estimate by profile {rack.setup.stack.name}, whose error nobody has noted"
    article = "a bound" if what == "bound" else "an estimate"
    left_out = "KV cache, activations" if rack.model.is_bare else "activation traffic"
    return f"{article}: {left_out}, kernel launches and link latency are left out"


def _rate_notes(running: Running) -> list[Note]:
    """Arithmetic that runs in another format than the weights are stored in."""
    rack = running.rack
    rate, part = running.rate.name, rack.part.name
    if _stands_in(running):
        text = f"no matrix rate of {part} is known: its {rate} vector rate stands in, and real arithmetic may be faster"
        return [Note("stands-in", text)]
    served = {"8bit": ("fp8", "int8"), "4bit": ("fp4",)}.get(rack.format.name, (rack.format.name,))
    if rate in served:
        return []
    return [Note("arithmetic", f"{part} computes with {rack.format.name} weights at its {rate} rate")]


def _layout_note(rack: Rack) -> Note:
    domain = rack.part.facts.get("link_domain")
    text = f"tensor parallel over all {rack.width} devices is assumed"
    if rack.plan.layout.dp > 1:
        text = f"{rack.plan.layout.dp} groups attend for themselves; experts get tokens in 8 bits and return 16"
    if rack.plan.layout.pp > 1:
        text = f"{rack.plan.layout.pp} pipeline stages of {rack.width} take turns on parts of the batch"
    if domain and rack.width > domain.value and "network_bandwidth" not in rack.part.facts:
        text += f"; no network figure is known, so the link inside a node of {domain.value:g} is used for all"
    return Note("layout", text)
