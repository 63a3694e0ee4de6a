"""How many accelerators hold a model, and what is left beside the weights."""

import re
import shlex
from collections.abc import Collection, Iterable

from infercost import formulas
from infercost.models import counting
from infercost.models.find import Found, with_format
from infercost.models.model import Model, Quantization
from infercost.parts.accelerator import MEMORY_BASES
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.replica.layout import Layout, rank_growth_bytes
from infercost.replica.memory import Plan
from infercost.report import Note, Report, Row
from infercost.scenario.options import COMMANDS
from infercost.scenario.read import Asked
from infercost.scenario.scenario import (
    Asking,
    Case,
    asked_widths,
    case_notes,
    choose,
    least,
    misfit,
    read_asking,
    read_case,
    refuse_served,
)
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


def unfit(asked: Asked, case: Case, results: Iterable[Row], kept: Collection[str]) -> Report:
    """The results without a value but for those that are kept, since devices that cannot run cost nothing a token."""
    rows = [row if row.key in kept else Row(row.key, None, "the model does not fit", shown=False) for row in results]
    return Report(
        command=asked.command.name,
        verdict=misfit(case).strip(),
        inputs=tuple(asked.inputs),
        results=tuple(rows),
        advice=what_fits(asked, case),
        notes=(*case_notes(case), *asked.notes),
        met=False,
    )


def what_fits(asked: Asked, case: Case) -> tuple[str, ...]:
    """Single changes that make it fit, as ``infercost fit`` says them."""
    if case.model.is_bare:
        return (f"ask for --gpus {case.gpus_for_weights}, or store the weights in fewer bytes (--dtype)",)
    from infercost.scenario.scenario import choose, read_asking

    inner = Asked(COMMANDS["fit"], origin=asked.origin)
    inner.given = asked.given
    asking, counted = read_asking(inner)
    return advice(inner, asking, choose(inner, asking, counted))


#: A context or a batch that shrinks to less than this share is another question.
LEAST_SHARE = 1 / 8
#: Sequences that vLLM runs at once when nothing is said.
USUAL_SEQUENCES = 256
#: How vLLM is told to hold an unquantized checkpoint.
WEIGHTS = {
    "fp32": "--dtype float32",
    "bf16": "--dtype bfloat16",
    "fp16": "--dtype float16",
    "fp8": "--quantization fp8",
}


def advice(asked: Asked, asking: Asking, chosen: Plan) -> tuple[str, ...]:
    """Single changes that make a plan fit, the least first."""
    return tuple(_changes(asked, asking, chosen)) or (
        "no single change makes it fit: combine fewer bits with more devices",
    )


def _changes(asked: Asked, asking: Asking, chosen: Plan) -> list[str]:
    found, model = [], asking.model
    more = (least(asking, by_experts=True) if asked_widths(asked).ep > 1 else None) or least(asking)
    if more is not None:
        found.append(_devices(asked, more.layout))
    for name in ("fp8", "int4"):
        smaller = with_format(model, name, FORMATS[name].bytes_per_value * 8)
        fewer = counting.weight_bytes_by_part(smaller) != counting.weight_bytes_by_part(model)
        if fewer and asking.plan(chosen.layout, smaller).fits:
            found.append(f"weights in {name} (--dtype {name})")
            break
    if model.kv_bits > 8 and asking.plan(chosen.layout, model._replace(kv_bits=8)).fits:
        found.append("KV cache in fp8 (--kv-dtype fp8)")
    requested = "input_tokens" in asked.given  # its context follows from its lengths
    if not requested and (longest := chosen.longest_context) and longest >= LEAST_SHARE * chosen.context:
        found.append(f"a context of {longest:,} (--context {longest})")
    if (most := chosen.max_sequences) and most >= LEAST_SHARE * chosen.batch:
        found.append(f"a batch of {most:,} (--batch {most})")
    return found


def _devices(asked: Asked, more: Layout) -> str:
    """The devices and the layout that fit, as the flags that replace those that were given."""
    devices, given = more.devices, asked.get("gpu")
    part = given.name if isinstance(given, Preset) else re.sub(r":\d+$", "", given)
    flags = [f"--gpus {devices}" if "gpus" in asked.given else f"--gpu {shlex.quote(f'{part}:{devices}')}"]
    asked_for = asked_widths(asked)._asdict()
    if any(asked_for.values()):
        flags += [f"--{key} {new}" for key, new in more._asdict().items() if asked_for[key] or new > 1]
    return f"{devices} devices ({' '.join(flags)})"


def serve(asked: Asked, asking: Asking, chosen: Plan) -> tuple[str, str]:
    """The vLLM command that runs a plan, to paste, else why there is none."""
    found, layout = asking.found, chosen.layout
    format, cache = asked.get("dtype"), asked.get("kv_dtype")
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
    flags += [f"--max-model-len {chosen.context:.0f}", f"--gpu-memory-utilization {chosen.usable:g}"]
    flags += [f"--max-num-seqs {chosen.per_rank}"] if chosen.per_rank > USUAL_SEQUENCES else []
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


#: Memory that engines take outside the share they plan with.
OUTSIDE = 4 * 2**30


def of_model(asked: Asked) -> Report:
    """Whether the model, its cache and the engine's reserves fit, with the margin and what to change.

    Raises:
        InfercostError: a model, a part or an option that cannot be used.
    """
    asking, counted = read_asking(asked)
    chosen = choose(asked, asking, counted)
    command, why_not = serve(asked, asking, chosen) if chosen.fits else ("", "")
    unserved = (Note("no-command", f"no command to paste: {why_not}"),) if why_not else ()
    return Report(
        command="fit",
        verdict=_model_verdict(asking, chosen),
        inputs=tuple(asked.inputs),
        results=_rows(asking, chosen),
        parts=_model_parts(chosen),
        advice=() if chosen.fits else advice(asked, asking, chosen),
        follow=command,
        notes=(*_notes(asking, chosen), *_layout_notes(asked, asking, chosen), *unserved, *asked.notes),
        met=chosen.fits,
    )


def _rows(asking: Asking, chosen: Plan) -> tuple[Row, ...]:
    model, layout = asking.model, chosen.layout
    active = asking.found.published.get("active")
    weights = _weight_rows(model, chosen, f"publisher says {active}" if active else "multiplied for one token")
    return (*_device_rows(asking, chosen), *weights, *_cache_rows(model, chosen, layout))


def _device_rows(asking: Asking, chosen: Plan) -> tuple[Row, ...]:
    devices, domain = chosen.layout.devices, asking.part.facts.get("link_domain")
    total = counting.weight_bytes(asking.model)
    alone = formulas.memory.gpus_for_weights(
        weight_bytes=total, device_memory=chosen.device_memory, usable=asking.usable
    )
    nodes = formulas.memory.nodes(devices=devices, domain=domain.value) if domain else None
    layout = chosen.layout
    return (
        Row("gpus_for_weights", alone, "split evenly, nothing else"),
        Row("gpus", devices, f"tp {layout.tp}, pp {layout.pp}{_groups(layout)}"),
        Row("tp", layout.tp, shown=False),
        Row("pp", layout.pp, shown=False),
        Row("ep", layout.ep, shown=False),
        Row("dp", layout.dp, shown=False),
        Row("nodes", nodes, f"of {domain.value:g} in a scale-up domain" if domain else "no domain known"),
        Row("fits", chosen.fits, "barely: under 5% of a device is left" if chosen.barely else ""),
    )


def _groups(layout: Layout) -> str:
    """Expert parallelism in words: its ranks, and the groups of them that serve sequences of their own."""
    return f", ep {layout.ep}, dp {layout.dp}" if layout.ep > 1 else ""


def _weight_rows(model: Model, chosen: Plan, active: str) -> tuple[Row, ...]:
    return (
        Row("total_params", counting.total_params(model), "the language model alone"),
        Row("active_params", counting.active_params(model), active),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, "not loaded by default", shown=bool(model.mtp_params)),
        Row("weight_bytes", counting.weight_bytes(model), model.quantization.name),
        Row("weight_bytes_per_gpu", chosen.weights, "fullest device, as really sharded"),
        Row("activation_bytes_per_gpu", chosen.activations, "the engine sets aside"),
        Row("engine_bytes_per_gpu", chosen.engine, "context, collectives, graphs"),
        Row("memory_per_gpu_bytes", chosen.device_memory, f"{show(chosen.usable, 'share')} of it planned with"),
        Row("kv_pool_bytes_per_gpu", max(chosen.pool, 0.0), _left(chosen)),
    )


def _left(chosen: Plan) -> str:
    """What is left is for, and how much of it is missing."""
    if chosen.fits:
        return "left for KV cache"
    if chosen.pool < 0:
        return f"{show(-chosen.pool, 'B')} short before any KV cache"
    return f"the KV cache asked for takes {show(chosen.cache, 'B')}"


def _cache_rows(model: Model, chosen: Plan, layout: Layout) -> tuple[Row, ...]:
    grows = counting.growing_cache_bytes(model)
    one_token = rank_growth_bytes(model, layout)
    tokens = int(max(chosen.pool, 0.0) / one_token) * layout.dp if one_token else None
    longest = chosen.longest_context
    capped = longest is None or (model.max_context and longest > model.max_context)
    return (
        Row("kv_bytes_per_token", grows, _heads(model)),
        Row(
            "kv_bytes_per_sequence", counting.cache_bytes(model, chosen.context), f"at {many(chosen.context, 'token')}"
        ),
        Row(
            "kv_pool_tokens",
            tokens,
            "no cache grows" if tokens is None else f"{show(one_token, 'B')} a token and device",
        ),
        Row("max_sequences", chosen.max_sequences, f"of {many(chosen.context, 'token')} each"),
        Row(
            "longest_context",
            (model.max_context or None) if capped else longest,
            "what the model was made for" if capped and model.max_context else f"for a batch of {chosen.batch:,}",
        ),
        Row("shortfall_bytes", max(-chosen.left, 0.0) * layout.devices, "on all devices", shown=not chosen.fits),
    )


def _heads(model: Model) -> str:
    """What the cache per token is made of: KV heads, latents, or windows that stop growing."""
    attention = max((layer.attention for layer in model.layers), key=lambda each: each.cache)
    if attention.latent:
        return f"latents of {attention.cache}, {model.kv_bits:g} bits"
    if not attention.cache:
        return "a state that does not grow"
    return f"{many(attention.kv_heads, 'KV head')} of {attention.head_dim}, {model.kv_bits:g} bits"


def _model_parts(chosen: Plan) -> tuple[tuple[str, float, str], ...]:
    """What one device holds, or would have to."""
    return (
        ("weights", chosen.weights, "B"),
        ("activations, engine", chosen.activations + chosen.engine, "B"),
        ("KV cache asked for", chosen.cache, "B"),
        ("KV cache left", max(chosen.left, 0.0), "B"),
        ("not planned with", chosen.device_memory * (1 - chosen.usable), "B"),
    )


def _model_verdict(asking: Asking, chosen: Plan) -> str:
    what = f"{asking.model.name} ({asking.model.quantization.name}) on {chosen.layout.devices} x {asking.part.name}"
    load = f"{chosen.batch:,} x {many(chosen.context, 'token')}"
    if chosen.fits:
        word = "Barely fits" if chosen.barely else "Fits"
        most = chosen.max_sequences
        room = "" if most is None else f", room for {many(most, 'such sequence')}"
        return f"{word}: {what} with {load}, {show(chosen.left, 'B')} a device to spare{room}."
    return f"Does not fit: {what} with {load} is short by {show(-chosen.left, 'B')} a device."


def _notes(asking: Asking, chosen: Plan) -> list[Note]:
    part, model = asking.part, asking.model
    fact = part.facts[asking.memory_key]
    counted = fact.text or show(fact.value, "B")
    notes = [Note("memory-counted", f"memory is counted {MEMORY_BASES[asking.memory_key]}: {counted} a device")]
    engine = asking.profile.labels.get("engine")
    if engine:
        notes.append(Note("engine", f"reserves are those of {engine}; other versions differ by gigabytes"))
    if chosen.fits and (1 - chosen.usable) * chosen.device_memory < OUTSIDE:
        notes.append(
            Note(
                "headroom",
                "graphs and the sampler's warm-up need 2 to 4 GiB outside the planned share: two of 37 logged starts "
                "at 95% sized their cache and then died there",
            )
        )
    if _is_hybrid(model):
        notes.append(Note("hybrid", "an estimate: engines round up the pools of windowed and recurrent layers"))
    if not model.vision_known:
        notes.append(Note("vision", "its vision tower is not known and not counted"))
    if chosen.layout.pp > 1 and len(model.layers) > 1:
        notes.append(Note("stages", "stages are taken as alike, though the layers are not"))
    return notes + stored_notes(asking.found)


def _layout_notes(asked: Asked, asking: Asking, chosen: Plan) -> list[Note]:
    """What was chosen of the layout, and what is not known of how long a context may be."""
    notes, widths, layout = _context_notes(asking, chosen), asked_widths(asked), chosen.layout
    if widths.tp and not widths.pp and layout.pp > 1:
        text = f"the {layout.devices} devices were filled with {layout.pp} pipeline stages"
        notes.append(Note("layout", f"{text}; replicas of fewer devices, each with the whole model, are another way"))
    if chosen.fits and layout.devices > asking.domain:
        notes.append(Note("several-nodes", "on several nodes vLLM needs Ray, or its own flags for each node"))
    return notes


def _context_notes(asking: Asking, chosen: Plan) -> list[Note]:
    """What is not known of how long a context may be."""
    if asking.model.max_context:
        return []
    if chosen.longest_context is None:
        return [Note("no-growth", "its cache does not grow: memory sets no longest context, and its config names none")]
    return [Note("context-unknown", "its config names no longest context: memory may hold more than it was made for")]


def _is_hybrid(model: Model) -> bool:
    return any(
        layer.attention.window or layer.attention.state or layer.attention.compress > 1 for layer in model.layers
    )


#: The share that serving engines plan with when nothing else is said.
ENGINE_SHARE = 0.9
#: What a bare count cannot answer, by JSON key, and why.
NO_MODEL = "a bare parameter count does not say"
NEEDS_MODEL = (
    "kv_bytes_per_token",
    "kv_bytes_per_sequence",
    "kv_pool_tokens",
    "max_sequences",
    "vision_params",
    "mtp_params",
)


def answer(asked: Asked) -> Report:
    """The least accelerators that hold the weights, or whether the given ones do.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_case``.
    """
    if "model" in asked.given:
        return of_model(asked)
    refuse_served(asked)
    case = read_case(asked)
    left = formulas.memory.memory_left(
        device_memory=case.device_memory,
        usable=case.usable,
        weight_bytes=case.weight_bytes,
        devices=case.devices,
    )
    return Report(
        command="fit",
        verdict=_verdict(case, left),
        inputs=tuple(asked.inputs),
        results=_results(case, left),
        parts=_parts(case, left),
        advice=_advice(case, left),
        notes=(*case_notes(case), *asked.notes),
        met=case.fits,
    )


def _results(case: Case, left: float) -> tuple[Row, ...]:
    domain = case.part.facts.get("link_domain")
    rows = [
        Row("gpus_for_weights", case.gpus_for_weights, _at_engine_share(case)),
        Row("gpus", case.devices, "as given" if case.devices_given else "the least"),
        Row("nodes", _nodes(case), f"of {domain.value:g} in a scale-up domain" if domain else "no domain known"),
        Row("fits", case.fits),
        Row("total_params", case.params),
        Row("active_params", case.active_params, shown=case.active_share < 1),
        Row("weight_bytes", case.weight_bytes, f"{case.format.name}, {case.format.bytes_per_value:g} B a parameter"),
        Row(
            "weight_bytes_per_gpu",
            formulas.memory.weight_bytes_per_gpu(weight_bytes=case.weight_bytes, devices=case.devices),
            "split evenly",
        ),
        Row("memory_per_gpu_bytes", case.device_memory, f"counted {MEMORY_BASES[case.memory_key]}"),
        Row("kv_pool_bytes_per_gpu", max(left, 0.0), "for KV cache and the engine"),
        Row("shortfall_bytes", max(-left, 0.0) * case.devices, "on all devices together", shown=not case.fits),
    ]
    return (*rows, *(Row(key, None, NO_MODEL, shown=False) for key in NEEDS_MODEL))


def _nodes(case: Case) -> int | None:
    domain = case.part.facts.get("link_domain")
    return formulas.memory.nodes(devices=case.devices, domain=domain.value) if domain else None


def _at_engine_share(case: Case) -> str:
    if case.usable <= ENGINE_SHARE:
        return f"at a usable share of {show(case.usable, 'share')}"
    least = formulas.memory.gpus_for_weights(
        weight_bytes=case.weight_bytes, device_memory=case.device_memory, usable=ENGINE_SHARE
    )
    return f"{least} where 90% may be planned with"


def _verdict(case: Case, left: float) -> str:
    weights, name = show(case.weight_bytes, "B"), case.part.name
    if not case.fits:
        short = show(-left * case.devices, "B")
        return (
            f"Does not fit: {weights} of weights on {case.devices:,} x {name} is short by {short}; "
            f"the least is {case.gpus_for_weights:,}."
        )
    beside = f"{show(left, 'B')} a device is left" if left > 0 else "nothing is left beside them"
    plural = "" if case.devices == 1 else "s"
    holds = "holds" if case.devices == 1 else "hold"
    return f"{case.devices:,} accelerator{plural} ({name}) {holds} {weights} of weights; {beside}."


def _parts(case: Case, left: float) -> tuple[tuple[str, float, str], ...]:
    if not case.fits:
        return ()
    per_device = case.weight_bytes / case.devices
    reserve = case.device_memory * (1 - case.usable)
    return (("weights", per_device, "B"), ("not planned with", reserve, "B"), ("left", max(left, 0.0), "B"))


def _advice(case: Case, left: float) -> tuple[str, ...]:
    if not case.fits:
        return (f"ask for --gpus {case.gpus_for_weights}, or store the weights in fewer bytes (--dtype)",)
    if case.usable > ENGINE_SHARE and left < (1 - ENGINE_SHARE) * case.device_memory:
        return ("KV cache and activations need room too: plan with --usable 90%",)
    return ()
