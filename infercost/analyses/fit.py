"""How many accelerators hold a model, what is left beside its weights, and what would make it fit."""

import re
import shlex
from collections.abc import Collection, Iterable

from infercost import formulas
from infercost.analyses.remarks import misfit, rack_notes
from infercost.models import counting
from infercost.models.find import Found, with_format
from infercost.models.model import Model, Quantization
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.replica.layout import Layout, rank_growth_bytes
from infercost.replica.memory import Plan
from infercost.replica.rack import Rack, recounted
from infercost.report import Note, Report, Row
from infercost.scenario.rack import least_plan
from infercost.scenario.scenario import USUAL_SEQUENCES, Scenario
from infercost.units import many, show

#: Norms that a config does not name, and headers, stay below this share.
NEAR = 0.01


def stored_notes(found: Found) -> list[Note]:
    """The bytes of the checkpoint when they are known, and why they are not those that were counted."""
    if found.stored_bytes is None:
        return []
    said = f"the checkpoint's tensors hold {show(found.stored_bytes, 'B')}"
    model = found.model
    language = sum(counting.weight_bytes_by_part(model).values())
    counted = counting.weight_bytes(model)
    more = found.stored_bytes / counted - 1
    if abs(more) <= NEAR:
        return [Note("checkpoint", said)]
    predicting = language / counting.total_params(model) * model.mtp_params
    side = "more" if more > 0 else "less"
    reason = _reason(found, more, near=abs(found.stored_bytes / (counted + predicting) - 1) <= NEAR)
    return [Note("checkpoint", f"{said}, {show(abs(more), 'share')} {side} than the weights counted here: {reason}")]


def _reason(found: Found, more: float, *, near: bool) -> str:
    """Likely, not known: a config does not list its checkpoint's tensors."""
    if more < 0:
        return "likely a file is missing, or a format or a tied table that its config does not tell"
    if near and found.model.mtp_params:
        return "likely its prediction layers, which are not loaded by default"
    if not found.model.vision_known:
        return "likely its vision tower, which is not counted"
    also = "prediction layers, " if found.model.mtp_params else ""
    return f"likely {also}padding, a stored tied table, or a format that its config does not tell"


#: A context or a batch that shrinks to less than this share is another question.
LEAST_SHARE = 1 / 8
#: How vLLM is told to hold an unquantized checkpoint.
WEIGHTS = {
    "fp32": "--dtype float32",
    "bf16": "--dtype bfloat16",
    "fp16": "--dtype float16",
    "fp8": "--quantization fp8",
}
#: Memory that engines take outside the share they plan with.
OUTSIDE = 4 * 2**30
#: The share that serving engines plan with when nothing else is said.
ENGINE_SHARE = 0.9
#: What a bare count cannot answer, by JSON key, and why.
NO_MODEL = "a bare parameter count does not say"
NEEDS_MODEL = (
    *("kv_bytes_per_token", "kv_bytes_per_sequence", "kv_pool_tokens", "max_sequences", "longest_context"),
    *("vision_params", "mtp_params"),
)


def answer(scenario: Scenario) -> Report:
    """Whether the weights, the engine's reserves and the cache fit, with the margin and what to change."""
    rack = scenario.rack
    command, why_not = serve(scenario) if rack.plan.fits else ("", "")
    unserved = (Note("no-command", f"no command to paste: {why_not}"),) if why_not else ()
    return Report(
        command="fit",
        verdict=_verdict(rack),
        inputs=scenario.inputs,
        results=_results(rack),
        parts=_parts(rack.plan),
        advice=_beside(rack) if rack.plan.fits else what_fits(scenario),
        follow=command,
        notes=(*_notes(rack), *_layout_notes(rack), *unserved, *scenario.notes),
        met=rack.plan.fits,
        work=lambda: _shown_work(rack),
    )


def _shown_work(rack: Rack) -> None:
    """What a person works out: the weights and the devices that hold them, a device's memory, its cache, its pool."""
    plan, model = recounted(rack).plan, rack.model
    _nodes(rack)
    if model.is_bare:
        return
    counting.cache_bytes(model, plan.context)
    counting.growing_cache_bytes(model)
    rank_growth_bytes(model, plan.layout)
    _ = plan.left, plan.max_sequences, plan.longest_context


def unfit(scenario: Scenario, results: Iterable[Row], keys: Collection[str]) -> Report:
    """The results without a value but for some keys, since devices that cannot run cost nothing a token."""
    rack = scenario.rack
    rows = [row if row.key in keys else Row(row.key, None, "the model does not fit", shown=False) for row in results]
    return Report(
        command=scenario.command,
        verdict=misfit(rack).strip(),
        inputs=scenario.inputs,
        results=tuple(rows),
        advice=what_fits(scenario),
        notes=(*rack_notes(rack), *scenario.notes),
        met=False,
    )


def what_fits(scenario: Scenario) -> tuple[str, ...]:
    """Single changes that make it fit, the least first."""
    rack = scenario.rack
    if rack.model.is_bare:
        return (f"ask for --gpus {rack.gpus_for_weights}, or store the weights in fewer bytes (--dtype)",)
    none = "no single change makes it fit: combine fewer bits with more devices"
    return tuple(_changes(scenario)) or (none,)


def _changes(scenario: Scenario) -> list[str]:
    rack, setup, plan = scenario.rack, scenario.rack.setup, scenario.rack.plan
    changes, model = [], setup.model
    more = (least_plan(setup, by_experts=True) if rack.widths.ep > 1 else None) or least_plan(setup)
    if more is not None:
        changes.append(_devices(scenario, more.layout))
    for name in ("fp8", "int4"):
        smaller = with_format(model, name, FORMATS[name].bytes_per_value * 8)
        fewer = counting.weight_bytes_by_part(smaller) != counting.weight_bytes_by_part(model)
        if fewer and setup.plan(plan.layout, smaller).fits:
            changes.append(f"weights in {name} (--dtype {name})")
            break
    if model.kv_bits > 8 and setup.plan(plan.layout, model._replace(kv_bits=8)).fits:
        changes.append("KV cache in fp8 (--kv-dtype fp8)")
    requested = scenario.question.get("input_tokens") is not None  # its context follows from its lengths
    if not requested and (longest := plan.longest_context) and longest >= LEAST_SHARE * plan.context:
        changes.append(f"a context of {longest:,} (--context {longest})")
    if (most := plan.max_sequences) and most >= LEAST_SHARE * plan.batch:
        changes.append(f"a batch of {most:,} (--batch {most})")
    return changes


def _devices(scenario: Scenario, more: Layout) -> str:
    """The devices and the layout that fit, as the flags that replace those that were given."""
    question, widths = scenario.question, scenario.rack.widths
    devices, given = more.devices, question.get("gpu")
    given = given[0] if isinstance(given, tuple) else given
    part = given.name if isinstance(given, Preset) else re.sub(r":\d+$", "", given)
    flags = [f"--gpus {devices}" if question.get("gpus") else f"--gpu {shlex.quote(f'{part}:{devices}')}"]
    if any(widths):
        flags += [f"--{key} {new}" for key, new in more._asdict().items() if getattr(widths, key) or new > 1]
    return f"{devices} devices ({' '.join(flags)})"


def serve(scenario: Scenario) -> tuple[str, str]:
    """The vLLM command that runs it, to paste, else why there is none; neither of a bare count."""
    found, plan = scenario.rack.setup.found, scenario.rack.plan
    if found is None:
        return "", ""
    layout, format, cache = plan.layout, scenario.question.get("dtype"), scenario.question.get("kv_dtype")
    weights = _weights(format, found.model.quantization)
    kept = _cache(cache, format, found.model.kv_bits)
    if not found.hub_id:
        return "", f"no hub id or folder is known to hold weights of {found.title}"
    if found.model.quantization.name.startswith(("mlx", "exl2")):
        return "", f"vLLM does not load {found.model.quantization.name}"
    if weights is None:
        return "", f"vLLM loads {format.name} only from a checkpoint that is quantized so"
    if kept is None:
        return "", f"vLLM has no KV cache in {cache.name}"
    flags = [f"vllm serve {shlex.quote(found.hub_id)}"]
    flags += [f"--tensor-parallel-size {layout.tp}"] if layout.tp > 1 else []
    flags += [f"--pipeline-parallel-size {layout.pp}"] if layout.pp > 1 else []
    flags += [f"--data-parallel-size {layout.dp}"] if layout.dp > 1 else []
    flags += ["--enable-expert-parallel"] if layout.ep > 1 else []
    flags += [f"--max-model-len {plan.context:.0f}", f"--gpu-memory-utilization {plan.usable:g}"]
    flags += [f"--max-num-seqs {plan.per_rank}"] if plan.per_rank > USUAL_SEQUENCES else []
    return " ".join([*flags, *filter(None, (weights, kept))]), ""


def _weights(format: Format | None, own: Quantization) -> str | None:
    """The flag that makes vLLM hold weights so; None where it can not from this checkpoint."""
    if own.name == "fp32":
        return WEIGHTS.get(format.name if format else "bf16")
    if format is None or format.name == own.name:
        return ""
    return None if own.bits else WEIGHTS.get(format.name)


def _cache(format: Format | None, weights: Format | None, own_bits: float) -> str | None:
    """The flag that makes vLLM keep a cache so, by itself in the weights' 16 or 32 bits; None where it has none."""
    name = format.name if format else "fp8" if own_bits == 8 else ""
    if name in ("fp8", "8bit"):
        return "--kv-cache-dtype fp8"
    wide = weights is not None and weights.name == "fp32"
    if not name or (name == "fp32" and wide) or (name in ("bf16", "fp16") and not wide and own_bits > 8):
        return ""
    return "--kv-cache-dtype bfloat16" if name == "bf16" else None


def _results(rack: Rack) -> tuple[Row, ...]:
    rows = (*_device_rows(rack), *_weight_rows(rack), *_memory_rows(rack), *_cache_rows(rack))
    if not rack.model.is_bare:
        return rows
    return tuple(Row(row.key, None, NO_MODEL, shown=False) if row.key in NEEDS_MODEL else row for row in rows)


def _device_rows(rack: Rack) -> tuple[Row, ...]:
    layout, domain = rack.plan.layout, rack.part.facts.get("link_domain")
    return (
        Row("gpus_for_weights", rack.gpus_for_weights, _at_engine_share(rack)),
        Row("gpus", layout.devices, _how_many(rack)),
        *(Row(key, getattr(layout, key), shown=False) for key in ("tp", "pp", "ep", "dp")),
        Row("nodes", _nodes(rack), f"of {domain.value:g} in a scale-up domain" if domain else "no domain known"),
        Row("fits", rack.plan.fits, "barely: under 5% of a device is left" if _is_barely(rack) else ""),
    )


def _nodes(rack: Rack) -> int | None:
    domain = rack.part.facts.get("link_domain")
    return formulas.memory.nodes(devices=rack.devices, domain=domain.value) if domain else None


def _is_barely(rack: Rack) -> bool:
    return rack.plan.barely and rack.setup.found is not None


def _how_many(rack: Rack) -> str:
    """A layout in words; of expert parallelism its ranks, and the groups that serve sequences of their own."""
    layout = rack.plan.layout
    if rack.setup.found is None:
        return "as given" if rack.given else "the least"
    groups = f", ep {layout.ep}, dp {layout.dp}" if layout.ep > 1 else ""
    return f"tp {layout.tp}, pp {layout.pp}{groups}"


def _at_engine_share(rack: Rack) -> str:
    """What the weights alone would take; where all of the memory is planned with, at an engine's share of it too."""
    usable = rack.setup.usable
    if usable <= ENGINE_SHARE:
        return "split evenly, nothing else"
    least = formulas.memory.gpus_for_weights(
        weight_bytes=rack.weight_bytes, device_memory=rack.plan.device_memory, usable=ENGINE_SHARE
    )
    return f"{least} where 90% may be planned with"


def _weight_rows(rack: Rack) -> tuple[Row, ...]:
    model, found = rack.model, rack.setup.found
    published = found.published.get("active") if found else None
    active = f"publisher says {published}" if published else "multiplied for one token"
    stored = "" if found else f", {rack.format.bytes_per_value:g} B a parameter"
    return (
        Row("total_params", rack.params, "the language model alone" if found else ""),
        Row("active_params", rack.active_params, active, shown=bool(found) or rack.active_params < rack.params),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, "not loaded by default", shown=bool(model.mtp_params)),
        Row("weight_bytes", rack.weight_bytes, f"{model.quantization.name}{stored}"),
    )


def _memory_rows(rack: Rack) -> tuple[Row, ...]:
    plan = rack.plan
    return (
        Row("weight_bytes_per_gpu", plan.weights, "fullest device, as really sharded"),
        Row("activation_bytes_per_gpu", plan.activations, "the engine sets aside", shown=bool(plan.activations)),
        Row("engine_bytes_per_gpu", plan.engine, "context, collectives, graphs", shown=bool(plan.engine)),
        Row("memory_per_gpu_bytes", plan.device_memory, f"{show(plan.usable, 'share')} of it planned with"),
        Row("kv_pool_bytes_per_gpu", max(plan.pool, 0.0), _left(plan)),
    )


def _left(plan: Plan) -> str:
    """What is left is for, and how much of it is missing."""
    if plan.fits:
        return "left for KV cache"
    if plan.pool < 0:
        return f"{show(-plan.pool, 'B')} short before any KV cache"
    return f"the KV cache asked for takes {show(plan.cache, 'B')}"


def _cache_rows(rack: Rack) -> tuple[Row, ...]:
    model, plan = rack.model, rack.plan
    one_token = rank_growth_bytes(model, plan.layout)
    tokens = int(max(plan.pool, 0.0) / one_token) * plan.layout.dp if one_token else None
    sequence, longest = f"at {many(plan.context, 'token')}", plan.longest_context
    made_for = longest is None or bool(model.max_context and longest > model.max_context)
    limit = "what the model was made for" if made_for and model.max_context else f"for a batch of {plan.batch:,}"
    growth = "no cache grows" if tokens is None else f"{show(one_token, 'B')} a token and device"
    return (
        Row("kv_bytes_per_token", counting.growing_cache_bytes(model), _heads(model)),
        Row("kv_bytes_per_sequence", counting.cache_bytes(model, plan.context), sequence),
        Row("kv_pool_tokens", tokens, growth),
        Row("max_sequences", plan.max_sequences, f"of {many(plan.context, 'token')} each"),
        Row("longest_context", (model.max_context or None) if made_for else longest, limit),
        Row("shortfall_bytes", max(-plan.left, 0.0) * rack.devices, "on all devices", shown=not plan.fits),
    )


def _heads(model: Model) -> str:
    """What the cache per token is made of: KV heads, latents, or windows that stop growing."""
    attention = max((layer.attention for layer in model.layers), key=lambda each: each.cache)
    if attention.latent:
        return f"latents of {attention.cache}, {model.kv_bits:g} bits"
    if not attention.cache:
        return "a state that does not grow"
    return f"{many(attention.kv_heads, 'KV head')} of {attention.head_dim}, {model.kv_bits:g} bits"


def _parts(plan: Plan) -> tuple[tuple[str, float, str], ...]:
    """What one device holds, or would have to."""
    parts = {
        "weights": plan.weights,
        "activations, engine": plan.activations + plan.engine,
        "KV cache asked for": plan.cache,
        "KV cache left": max(plan.left, 0.0),
        "not planned with": plan.device_memory * (1 - plan.usable),
    }
    return tuple((name, value, "B") for name, value in parts.items() if value)


def _verdict(rack: Rack) -> str:
    model, plan = rack.model, rack.plan
    if model.is_bare:
        return _verdict_of_weights(rack)
    what = f"{model.name} ({model.quantization.name}) on {rack.devices} x {rack.part.name}"
    load = f"{plan.batch:,} x {many(plan.context, 'token')}"
    if not plan.fits:
        return f"Does not fit: {what} with {load} is short by {show(-plan.left, 'B')} a device."
    word, most = "Barely fits" if plan.barely else "Fits", plan.max_sequences
    room = "" if most is None else f", room for {many(most, 'such sequence')}"
    return f"{word}: {what} with {load}, {show(plan.left, 'B')} a device to spare{room}."


def _verdict_of_weights(rack: Rack) -> str:
    """Whether the devices hold a bare count's weights."""
    weights, left = show(rack.weight_bytes, "B"), rack.plan.left
    if left < 0:
        short = show(-left * rack.devices, "B")
        where = f"{weights} of weights on {rack.devices:,} x {rack.part.name}"
        return f"Does not fit: {where} is short by {short}; the least is {rack.gpus_for_weights:,}."
    beside = f"{show(left, 'B')} a device is left" if left > 0 else "nothing is left beside them"
    one = rack.devices == 1
    accelerators = f"{rack.devices:,} accelerator{'' if one else 's'} ({rack.part.name})"
    return f"{accelerators} {'holds' if one else 'hold'} {weights} of weights; {beside}."


def _beside(rack: Rack) -> tuple[str, ...]:
    """What else needs room, where a bare count leaves hardly any."""
    tight = rack.plan.left < (1 - ENGINE_SHARE) * rack.plan.device_memory
    if rack.setup.found is None and rack.setup.usable > ENGINE_SHARE and tight:
        return ("KV cache and activations need room too: plan with --usable 90%",)
    return ()


def _notes(rack: Rack) -> list[Note]:
    found, plan, model = rack.setup.found, rack.plan, rack.model
    notes = rack_notes(rack)
    if found is None:
        return notes
    if engine := rack.setup.stack.labels.get("engine"):
        notes.append(Note("engine", f"reserves are those of {engine}; other versions differ by gigabytes"))
    if plan.fits and (1 - plan.usable) * plan.device_memory < OUTSIDE:
        starts = "two of 37 logged starts at 95% sized their cache and then died there"
        text = f"graphs and the sampler's warm-up need 2 to 4 GiB outside the planned share: {starts}"
        notes.append(Note("headroom", text))
    if _is_hybrid(model):
        notes.append(Note("hybrid", "an estimate: engines round up the pools of windowed and recurrent layers"))
    if not model.vision_known:
        notes.append(Note("vision", "its vision tower is not known and not counted"))
    if plan.layout.pp > 1 and len(model.layers) > 1:
        notes.append(Note("stages", "stages are taken as alike, though the layers are not"))
    return notes + stored_notes(found)


def _layout_notes(rack: Rack) -> list[Note]:
    """What was chosen of the layout, and what is not known of how long a context may be."""
    if rack.setup.found is None:
        return []
    notes, widths, layout = _context_notes(rack), rack.widths, rack.plan.layout
    if widths.tp and not widths.pp and layout.pp > 1:
        text = f"the {layout.devices} devices were filled with {layout.pp} pipeline stages"
        notes.append(Note("layout", f"{text}; replicas of fewer devices, each with the whole model, are another way"))
    if rack.plan.fits and layout.devices > rack.setup.domain:
        notes.append(Note("several-nodes", "on several nodes vLLM needs Ray, or its own flags for each node"))
    return notes


def _context_notes(rack: Rack) -> list[Note]:
    """What is not known of how long a context may be."""
    if rack.model.max_context:
        return []
    if rack.plan.longest_context is None:
        return [Note("no-growth", "its cache does not grow: memory sets no longest context, and its config names none")]
    return [Note("context-unknown", "its config names no longest context: memory may hold more than it was made for")]


def _is_hybrid(model: Model) -> bool:
    return any(
        layer.attention.window or layer.attention.state or layer.attention.compress > 1 for layer in model.layers
    )
