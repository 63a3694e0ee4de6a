"""How many accelerators hold a model, what is left beside its weights, and what would make it fit."""

import json
import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from math import ceil

from infercost import formulas
from infercost.analyses.hosts import host_rows, memory_words
from infercost.analyses.remarks import misfit, rack_notes
from infercost.models import counting
from infercost.models.find import Checkpoint, stored_in
from infercost.models.model import Model, Quantization, Rope
from infercost.parts.formats import WEIGHTS as STORED
from infercost.parts.formats import Format
from infercost.parts.preset import Preset
from infercost.parts.stack import reads_gguf, splits_layers
from infercost.replica.layout import Layout, rank_growth_bytes
from infercost.replica.memory import Plan
from infercost.replica.rack import Rack, recounted
from infercost.report import Note, Report, Row
from infercost.scenario.rack import least_plan
from infercost.scenario.scenario import USUAL_SEQUENCES, Scenario
from infercost.scenario.usual import SHARED
from infercost.units import many, show

#: Norms and headers that a config does not name stay below this share of a checkpoint.
ROUNDING = 0.01
#: A context or a batch below this share of the one asked for is another question.
LEAST_SHARE = 1 / 8
#: How vLLM is told to load an unquantized checkpoint.
WEIGHTS = {
    "fp32": "--dtype float32",
    "bf16": "--dtype bfloat16",
    "fp16": "--dtype float16",
    "fp8": "--quantization fp8",
}
#: Memory that engines take outside the share they plan with.
GIB = 2**30
OUTSIDE = 4 * GIB
#: The share that serving engines plan with by default.
ENGINE_SHARE = 0.9
#: Results that need a cache or a checkpoint: a bare count has neither.
NEEDS_MODEL = (
    *("kv_bytes_per_token", "kv_bytes_per_sequence", "kv_pool_tokens", "max_sequences", "longest_context"),
    *("vision_params", "mtp_params"),
)


def answer(scenario: Scenario) -> Report:
    """Whether the weights, the engine's reserves and the cache fit, with the margin and what to change."""
    rack, checkpoint, command = scenario.rack, scenario.rack.setup.checkpoint, ""
    notes = rack_notes(rack)
    if checkpoint:
        notes += [*_engine_notes(rack), *stored_notes(checkpoint), *_context_notes(rack), *_layout_notes(rack)]
        command, why_not = serve(scenario, checkpoint) if rack.plan.fits else ("", "")
        notes += [Note("no-command", f"no command to paste: {why_not}")] if why_not else []
    return Report(
        command="fit",
        verdict=(_verdict(rack) if rack.plan.fits else misfit(rack).strip()) + memory_words(rack),
        inputs=scenario.inputs,
        results=_results(rack),
        parts=_parts(rack.plan),
        advice=_room_advice(rack) if rack.plan.fits else what_fits(scenario),
        follow=command,
        notes=(*notes, *scenario.notes),
        met=rack.plan.fits,
        work=lambda: _shown_work(rack),
    )


def _shown_work(rack: Rack) -> None:
    plan, model = recounted(rack).plan, rack.model
    _nodes(rack)
    if not model.has_cache:
        return
    counting.cache_bytes(model, plan.context)
    counting.growing_cache_bytes(model)
    rank_growth_bytes(model, plan.layout)
    _ = plan.left, plan.max_sequences, plan.longest_context


def unfit(scenario: Scenario, results: Iterable[Row], keys: Collection[str]) -> Report:
    """The answer of another command on devices that cannot run: results without a value, some keys excepted."""
    rows = [row if row.key in keys else Row(row.key, None, "the model does not fit", shown=False) for row in results]
    return Report(
        command=scenario.question.command,
        verdict=misfit(scenario.rack).strip(),
        inputs=scenario.inputs,
        results=tuple(rows),
        advice=what_fits(scenario),
        notes=(*rack_notes(scenario.rack), *scenario.notes),
        met=False,
    )


def what_fits(scenario: Scenario) -> tuple[str, ...]:
    """Single changes that make it fit, the least first."""
    rack = scenario.rack
    if not rack.model.has_cache:
        return (f"ask for --gpus {rack.gpus_for_weights}, or store the weights in fewer bytes (--dtype)",)
    none = "no single change makes it fit: combine fewer bits with more devices"
    return tuple(_changes(scenario)) or (none,)


def _changes(scenario: Scenario) -> Iterator[str]:
    rack, setup, plan = scenario.rack, scenario.rack.setup, scenario.rack.plan
    model = setup.model
    more = (least_plan(setup, by_experts=True) if rack.widths.ep > 1 else None) or least_plan(setup)
    if more is not None:
        yield _devices(scenario, more.layout)
    for name in ("q8_0", "q4_k_m") if reads_gguf(setup.stack) else ("fp8", "int4"):
        smaller = stored_in(model, STORED[name])
        fewer = counting.weight_bytes_by_part(smaller) != counting.weight_bytes_by_part(model)
        if fewer and setup.plan(plan.layout, smaller).fits:
            yield f"weights in {name} (--dtype {name})"
            break
    if model.kv_bits > 8 and setup.plan(plan.layout, model._replace(kv_bits=8)).fits:
        yield "KV cache in fp8 (--kv-dtype fp8)"
    of_request = scenario.question.get("input_tokens") is not None  # its context follows from its lengths
    if not of_request and (longest := plan.longest_context) and longest >= LEAST_SHARE * plan.context:
        yield f"a context of {longest:,} (--context {longest})"
    if (most := plan.max_sequences) and most >= LEAST_SHARE * plan.batch:
        yield f"a batch of {most:,} (--batch {most})"


def _devices(scenario: Scenario, layout: Layout) -> str:
    """The devices and the layout that fit, as the flags that replace those that were given."""
    question, widths, devices = scenario.question, scenario.rack.widths, layout.devices
    given = question.get("gpu")
    given = given[0] if isinstance(given, tuple) else given
    name = given.name if isinstance(given, Preset) else re.sub(r":\d+$", "", given)
    flags = [f"--gpus {devices}" if question.get("gpus") else f"--gpu {shlex.quote(f'{name}:{devices}')}"]
    if any(widths):
        flags += [f"--{key} {width}" for key, width in layout.widths.items() if getattr(widths, key) or width > 1]
    return f"{devices} devices ({' '.join(flags)})"


def serve(scenario: Scenario, checkpoint: Checkpoint) -> tuple[str, str]:
    """The command that runs it on the engine that was planned for, or why there is none."""
    rack = scenario.rack
    if reads_gguf(rack.setup.stack) or rack.model.quantization.is_gguf:
        return _serve_file(rack.plan, checkpoint)
    if "engine" not in rack.part.labels and rack.setup.stack.name == SHARED:
        return "", f"no engine of {rack.part.name} was measured"
    return _serve_checkpoint(scenario, checkpoint)


def _serve_file(plan: Plan, checkpoint: Checkpoint) -> tuple[str, str]:
    """The command of llama.cpp, whose server shares one context among its slots, or why there is none."""
    if not checkpoint.source.endswith(".gguf"):
        return "", f"llama.cpp loads GGUF files, and none of {checkpoint.title} was named"
    slots = [f"--parallel {plan.batch}"] if plan.batch > 1 else []
    whole = plan.split.offload.layers if plan.split else 0
    on_card = plan.model.depth - whole if whole else 999
    start = f"llama-server --model {shlex.quote(checkpoint.source)} --n-gpu-layers {on_card}"
    return " ".join([start, f"--ctx-size {plan.batch * plan.context:.0f}", *slots, *_in_host(plan)]), ""


def _in_host(plan: Plan) -> list[str]:
    """The flags of llama.cpp for what lies in a host beside whole layers."""
    if plan.split is None:
        return []
    offload = plan.split.offload
    experts = [f"--n-cpu-moe {offload.experts}"] if offload.experts else []
    return experts + (["--no-kv-offload"] if offload.cache else [])


def _serve_checkpoint(scenario: Scenario, checkpoint: Checkpoint) -> tuple[str, str]:
    """The command of vLLM, or why there is none."""
    plan, format, cache = scenario.rack.plan, scenario.question.get("dtype"), scenario.question.get("kv_dtype")
    layout, stored, model = plan.layout, checkpoint.model.quantization, scenario.rack.model
    weights_flag = _weights_flag(format, stored)
    cache_flag = _cache_flag(cache, format, checkpoint.model.kv_bits)
    if not checkpoint.hub_id:
        return "", f"no hub id or folder is known to hold weights of {checkpoint.title}"
    if stored.name.startswith(("mlx", "exl2")):
        return "", f"vLLM does not load {stored.name}"
    if weights_flag is None:
        return "", f"vLLM loads {format.name} only from a checkpoint that is quantized so"
    if cache_flag is None:
        return "", f"vLLM has no KV cache in {cache.name}"
    if plan.far_cache:
        return "", "vLLM has no flag for a cache that is read in the host"
    if model.rope and model.family.endswith("_text"):
        return "", "the parameters of YaRN go into the text part of its config: its card says which"
    if layout.ep not in (1, layout.tp * layout.dp):
        return "", f"vLLM spreads experts over all {layout.tp * layout.dp} ranks of a stage, not over {layout.ep}"
    widths = {"tensor": layout.tp, "pipeline": layout.pp, "data": layout.dp}
    flags = [f"vllm serve {shlex.quote(checkpoint.hub_id)}"]
    flags += [f"--{axis}-parallel-size {width}" for axis, width in widths.items() if width > 1]
    flags += ["--enable-expert-parallel"] if layout.ep > 1 else []
    flags += [f"--max-model-len {plan.context:.0f}", f"--gpu-memory-utilization {plan.usable:g}"]
    flags += [_rope_flag(model.rope)] if model.rope else []
    flags += [f"--max-num-seqs {plan.per_rank}"] if plan.per_rank > USUAL_SEQUENCES else []
    flags += [f"--cpu-offload-gb {ceil(plan.far_weights / layout.devices / GIB)}"] if plan.far_weights else []
    return " ".join([*flags, *filter(None, (weights_flag, cache_flag))]), ""


def _rope_flag(rope: Rope) -> str:
    """The flag that stretches positions."""
    settings = {"rope_type": "yarn", "factor": rope.factor, "original_max_position_embeddings": rope.original}
    return f"--hf-overrides {shlex.quote(json.dumps({'rope_scaling': settings}))}"


def _weights_flag(format: Format | None, stored: Quantization) -> str | None:
    """The flag that makes vLLM hold weights in a format; None where it cannot from this checkpoint."""
    if stored.name == "fp32":
        return WEIGHTS.get(format.name if format else "bf16")
    if format is None or format.name == stored.name:
        return ""
    return None if stored.bits else WEIGHTS.get(format.name)


def _cache_flag(format: Format | None, weights: Format | None, stored_bits: float) -> str | None:
    """The flag that makes vLLM keep a cache in a format, empty where it does so by itself; None where it cannot."""
    name = format.name if format else "fp8" if stored_bits == 8 else ""
    if name in ("fp8", "8bit"):
        return "--kv-cache-dtype fp8"
    wide = weights is not None and weights.name == "fp32"
    if not name or (name == "fp32" and wide) or (name in ("bf16", "fp16") and not wide and stored_bits > 8):
        return ""
    return "--kv-cache-dtype bfloat16" if name == "bf16" else None


def _results(rack: Rack) -> tuple[Row, ...]:
    rows = (*_device_rows(rack), *_weight_rows(rack), *_memory_rows(rack.plan), *host_rows(rack), *_cache_rows(rack))
    if rack.model.has_cache:
        return rows
    reason = "a bare parameter count does not say"
    return tuple(Row(row.key, None, reason, shown=False) if row.key in NEEDS_MODEL else row for row in rows)


def _device_rows(rack: Rack) -> tuple[Row, ...]:
    plan, layout, domain = rack.plan, rack.plan.layout, rack.part.facts.get("link_domain")
    experts = f", ep {layout.ep}, dp {layout.dp}" if layout.ep > 1 else ""
    return (
        Row("gpus_for_weights", rack.gpus_for_weights, _at_engine_share(rack)),
        Row("gpus", layout.devices, f"tp {layout.tp}, pp {layout.pp}{experts}"),
        *(Row(key, getattr(layout, key), shown=False) for key in ("tp", "pp", "ep", "dp")),
        Row("nodes", _nodes(rack), f"of {domain.value:g} in a scale-up domain" if domain else "no domain known"),
        Row("fits", plan.fits, "barely: under 5% of a device is left" if plan.barely else ""),
    )


def _nodes(rack: Rack) -> int | None:
    domain = rack.part.facts.get("link_domain")
    return formulas.memory.nodes(devices=rack.devices, domain=domain.value) if domain else None


def _at_engine_share(rack: Rack) -> str:
    if rack.setup.usable <= ENGINE_SHARE:
        return "split evenly, nothing else"
    least = formulas.memory.gpus_for_weights(
        weight_bytes=rack.weight_bytes, device_memory=rack.plan.device_memory, usable=ENGINE_SHARE
    )
    return f"{least} where 90% may be planned with"


def _weight_rows(rack: Rack) -> tuple[Row, ...]:
    model, checkpoint = rack.model, rack.setup.checkpoint
    published = checkpoint.published.get("active") if checkpoint else None
    beside = model.vision_params or model.mtp_params
    active = f"publisher says {published}" if published else "multiplied for one token"
    return (
        Row("total_params", rack.params, "the language model alone" if beside else ""),
        Row("active_params", rack.active_params, active, shown=rack.active_params < rack.params),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, "not loaded by default", shown=bool(model.mtp_params)),
        Row("weight_bytes", rack.weight_bytes, model.quantization.label),
    )


def _memory_rows(plan: Plan) -> tuple[Row, ...]:
    use = "left for KV cache"
    if plan.pool < 0:
        use = f"{show(-plan.pool, 'B')} short before any KV cache"
    elif not plan.fits:
        use = f"the KV cache asked for takes {show(plan.cache, 'B')}"
    return (
        Row("weight_bytes_per_gpu", plan.weights, "fullest device, as really sharded"),
        Row("activation_bytes_per_gpu", plan.activations, "the engine sets aside", shown=bool(plan.activations)),
        Row("engine_bytes_per_gpu", plan.engine, "context, collectives, graphs", shown=bool(plan.engine)),
        Row("memory_per_gpu_bytes", plan.device_memory, f"{show(plan.usable, 'share')} of it planned with"),
        Row("kv_pool_bytes_per_gpu", max(plan.pool, 0.0), use),
    )


def _cache_rows(rack: Rack) -> tuple[Row, ...]:
    model, plan = rack.model, rack.plan
    growth = rank_growth_bytes(model, plan.layout)
    tokens = int(max(plan.pool, 0.0) / growth) * plan.layout.dp if growth else None
    longest, most = plan.longest_context, model.max_context
    made_for = longest is None or bool(most and longest > most)
    own = "what YaRN stretches its positions to" if model.rope else "what the model was made for"
    limit = own if made_for and most else f"for a batch of {plan.batch:,}"
    return (
        Row("kv_bytes_per_token", counting.growing_cache_bytes(model), _cache_kind(model)),
        Row("kv_bytes_per_sequence", counting.cache_bytes(model, plan.context), f"at {many(plan.context, 'token')}"),
        Row("kv_pool_tokens", tokens, f"{show(growth, 'B')} a token and device" if growth else "no cache grows"),
        Row("max_sequences", plan.max_sequences, f"of {many(plan.context, 'token')} each"),
        Row("longest_context", (most or None) if made_for else longest, limit),
        Row("shortfall_bytes", max(-plan.left, 0.0) * rack.devices, "on all devices", shown=not plan.fits),
    )


def _cache_kind(model: Model) -> str:
    """What the cache per token is made of: KV heads, latents, or a state that does not grow."""
    attention = max((layer.attention for layer in model.layers), key=lambda each: each.cache)
    if attention.latent:
        return f"latents of {attention.cache}, {model.kv_bits:g} bits"
    if not attention.cache:
        return "a state that does not grow"
    return f"{many(attention.kv_heads, 'KV head')} of {attention.head_dim}, {model.kv_bits:g} bits"


def _parts(plan: Plan) -> tuple[tuple[str, float, str], ...]:
    parts = {
        "weights": plan.weights,
        "activations, engine": plan.activations + plan.engine,
        "KV cache asked for": plan.cache,
        "KV cache left": max(plan.left, 0.0),
        "not planned with": plan.device_memory * (1 - plan.usable),
    }
    return tuple((name, size, "B") for name, size in parts.items() if size)


def _verdict(rack: Rack) -> str:
    model, plan, left = rack.model, rack.plan, show(rack.plan.left, "B")
    if not plan.cache:
        weights, single = show(rack.weight_bytes, "B"), rack.devices == 1
        devices = f"{many(rack.devices, 'accelerator')} ({rack.part.name}) {'holds' if single else 'hold'}"
        return f"{devices} {weights} of weights; {f'{left} a device is' if plan.left else 'nothing is'} left."
    load = f"{plan.batch:,} x {many(plan.context, 'token')}"
    where = f"{model.name} ({model.quantization.name}) on {rack.devices} x {rack.part.name} with {load}"
    room = "" if plan.max_sequences is None else f", room for {many(plan.max_sequences, 'such sequence')}"
    return f"{'Barely fits' if plan.barely else 'Fits'}: {where}, {left} a device to spare{room}."


def _room_advice(rack: Rack) -> tuple[str, ...]:
    plan = rack.plan
    tight = plan.left < (1 - ENGINE_SHARE) * plan.device_memory
    if tight and plan.usable > ENGINE_SHARE and not plan.cache:
        return ("KV cache and activations need room too: plan with --usable 90%",)
    return ()


def _engine_notes(rack: Rack) -> Iterator[Note]:
    plan, model = rack.plan, rack.model
    if engine := rack.setup.stack.labels.get("engine"):
        yield Note("engine", f"reserves are those of {engine}; other versions differ by gigabytes")
    captures = not splits_layers(rack.setup.stack)
    if captures and plan.fits and (1 - plan.usable) * plan.device_memory < OUTSIDE:
        starts = "two of 37 logged starts at 95% sized their cache and then died there"
        text = f"graphs and the sampler's warm-up need 2 to 4 GiB outside the planned share: {starts}"
        yield Note("headroom", text)
    attentions = [layer.attention for layer in model.layers]
    if any(attention.window or attention.state or attention.compress > 1 for attention in attentions):
        yield Note("hybrid", "an estimate: engines round up the pools of windowed and recurrent layers")
    if not model.vision_known:
        yield Note("vision", "its vision tower is not known and not counted")
    if plan.layout.pp > 1 and len(model.layers) > 1:
        yield Note("stages", "stages are taken as alike, though the layers are not")


def stored_notes(checkpoint: Checkpoint) -> list[Note]:
    """The bytes of the checkpoint where they are known, and why they are not those that were counted."""
    stored, model = checkpoint.stored_bytes, checkpoint.model
    if stored is None:
        return []
    text = f"the checkpoint's tensors hold {show(stored, 'B')}"
    counted, language = counting.weight_bytes(model), sum(counting.weight_bytes_by_part(model).values())
    excess = stored / counted - 1
    if abs(excess) <= ROUNDING:
        return [Note("checkpoint", text)]
    prediction = language / counting.total_params(model) * model.mtp_params
    side = "more" if excess > 0 else "less"
    reason = _reason(model, excess, with_prediction=abs(stored / (counted + prediction) - 1) <= ROUNDING)
    return [Note("checkpoint", f"{text}, {show(abs(excess), 'share')} {side} than the weights counted here: {reason}")]


def _reason(model: Model, excess: float, *, with_prediction: bool) -> str:
    """A likely reason: a config does not list the tensors of its checkpoint."""
    if excess < 0:
        return "likely a file is missing, or a format or a tied table that its config does not tell"
    if with_prediction and model.mtp_params:
        return "likely its prediction layers, which are not loaded by default"
    if not model.vision_known:
        return "likely its vision tower, which is not counted"
    also = "prediction layers, " if model.mtp_params else ""
    return f"likely {also}padding, a stored tied table, or a format that its config does not tell"


def _context_notes(rack: Rack) -> Iterator[Note]:
    if rack.model.max_context:
        return
    if rack.plan.longest_context is None:
        yield Note("no-growth", "its cache does not grow: memory sets no longest context, and its config names none")
    else:
        yield Note("context-unknown", "its config names no longest context: memory may hold more than it was made for")


def _layout_notes(rack: Rack) -> Iterator[Note]:
    widths, layout = rack.widths, rack.plan.layout
    if widths.tp and not widths.pp and layout.pp > 1:
        text = f"the {layout.devices} devices were filled with {layout.pp} pipeline stages"
        yield Note("layout", f"{text}; replicas of fewer devices, each with the whole model, are another way")
    if rack.plan.fits and layout.devices > rack.setup.domain:
        yield Note("several-nodes", "on several nodes vLLM needs Ray, or its own flags for each node")
