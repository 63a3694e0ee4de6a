"""What a named model needs: weights as really sharded, KV cache, reserves, and what would make it fit."""

from infercost import counting
from infercost.engine import memory
from infercost.formats import FORMATS
from infercost.hardware import MEMORY_BASES
from infercost.model import Model
from infercost.models import with_format
from infercost.plan import Plan
from infercost.question import Asked
from infercost.report import Note, Report, Row
from infercost.served import Asking, choose, least, read_asking
from infercost.sharding import Layout, rank_growth_bytes
from infercost.units import show

#: Memory that engines take outside the share they plan with.
OUTSIDE = 4 * 2**30


def answer(asked: Asked) -> Report:
    """Whether the model, its cache and the engine's reserves fit, with the margin and what to change.

    Raises:
        InfercostError: a model, a part or an option that cannot be used.
    """
    asking, counted = read_asking(asked)
    chosen = choose(asked, asking, counted)
    return Report(
        command="fit",
        verdict=_verdict(asking, chosen),
        inputs=tuple(asked.inputs),
        results=_rows(asking, chosen),
        parts=_parts(chosen),
        advice=_advice(asking, chosen),
        follow=serve_command(asking, chosen) if chosen.fits else "",
        notes=(*_notes(asking, chosen), *asked.notes),
        met=chosen.fits,
    )


def _rows(asking: Asking, chosen: Plan) -> tuple[Row, ...]:
    model, layout = asking.model, chosen.layout
    active = asking.found.published.get("active")
    weights = _weight_rows(model, chosen, f"publisher says {active}" if active else "multiplied for one token")
    return (*_device_rows(asking, chosen), *weights, *_cache_rows(model, chosen, layout))


def _device_rows(asking: Asking, chosen: Plan) -> tuple[Row, ...]:
    devices, domain = chosen.layout.devices, asking.part.facts.get("link_domain")
    total = sum(counting.weight_bytes_by_part(asking.model).values())
    alone = memory.gpus_for_weights(weight_bytes=total, device_memory=chosen.device_memory, usable=asking.usable)
    nodes = memory.nodes(devices=devices, domain=domain.value) if domain else None
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
    """Expert parallelism in words: over how many ranks, in how many groups that serve sequences of their own."""
    return f", ep {layout.ep} of {layout.dp} x tp" if layout.ep > 1 else ""


def _weight_rows(model: Model, chosen: Plan, active: str) -> tuple[Row, ...]:
    by_part = counting.weight_bytes_by_part(model)
    vision = model.vision_params * model.quantization.of("norms") / 8
    return (
        Row("total_params", counting.total_params(model), "the language model alone"),
        Row("active_params", counting.active_params(model), active),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, "not loaded by default", shown=bool(model.mtp_params)),
        Row("weight_bytes", sum(by_part.values()) + vision, model.quantization.name),
        Row("weight_bytes_per_gpu", chosen.weights, "fullest device, as really sharded"),
        Row("activation_bytes_per_gpu", chosen.activations, "the engine sets aside"),
        Row("engine_bytes_per_gpu", chosen.engine, "context, collectives, graphs"),
        Row("memory_per_gpu_bytes", chosen.device_memory, f"{show(chosen.usable, 'share')} of it planned with"),
        Row("kv_pool_bytes_per_gpu", max(chosen.pool, 0.0), "left for KV cache"),
    )


def _cache_rows(model: Model, chosen: Plan, layout: Layout) -> tuple[Row, ...]:
    grows = counting.growing_cache_bytes(model)
    one_token = rank_growth_bytes(model, layout)
    tokens = int(max(chosen.pool, 0.0) / one_token) * layout.dp if one_token else None
    longest = chosen.longest_context
    capped = longest is None or (model.max_context and longest > model.max_context)
    return (
        Row("kv_bytes_per_token", grows, _heads(model)),
        Row("kv_bytes_per_sequence", counting.cache_bytes(model, chosen.context), f"at {chosen.context:,.0f} tokens"),
        Row(
            "kv_pool_tokens",
            tokens,
            "no cache grows" if tokens is None else f"{show(one_token, 'B')} a token and device",
        ),
        Row("max_sequences", chosen.max_sequences, f"of {chosen.context:,.0f} tokens each"),
        Row("longest_context", model.max_context if capped else longest, f"for a batch of {chosen.batch:,}"),
        Row("shortfall_bytes", max(-chosen.left, 0.0) * layout.devices, "on all devices", shown=not chosen.fits),
    )


def _heads(model: Model) -> str:
    """What the cache per token is made of: KV heads, latents, or windows that stop growing."""
    attention = max((layer.attention for layer in model.layers), key=lambda each: each.cache)
    if attention.latent:
        return f"latents of {attention.cache}, {model.kv_bits:g} bits"
    return f"{attention.kv_heads} KV heads of {attention.head_dim}, {model.kv_bits:g} bits"


def _parts(chosen: Plan) -> tuple[tuple[str, float, str], ...]:
    if not chosen.fits:
        return ()
    return (
        ("weights", chosen.weights, "B"),
        ("activations, engine", chosen.activations + chosen.engine, "B"),
        ("KV cache asked for", chosen.cache, "B"),
        ("KV cache left", chosen.left, "B"),
        ("not planned with", chosen.device_memory * (1 - chosen.usable), "B"),
    )


def _verdict(asking: Asking, chosen: Plan) -> str:
    what = f"{asking.model.name} ({asking.model.quantization.name}) on {chosen.layout.devices} x {asking.part.name}"
    load = f"{chosen.batch:,} x {chosen.context:,.0f} tokens"
    if chosen.fits:
        word = "Barely fits" if chosen.barely else "Fits"
        most = chosen.max_sequences
        room = "" if most is None else f", room for {most:,} such sequences"
        return f"{word}: {what} with {load}, {show(chosen.left, 'B')} a device to spare{room}."
    return f"Does not fit: {what} with {load} is short by {show(-chosen.left, 'B')} a device."


def _advice(asking: Asking, chosen: Plan) -> tuple[str, ...]:
    if chosen.fits:
        return ()
    return tuple(_changes(asking, chosen)) or ("no single change makes it fit: combine fewer bits with more devices",)


def _changes(asking: Asking, chosen: Plan) -> list[str]:
    """Single changes that make it fit, the least first."""
    found, model = [], asking.model
    if (more := least(asking)) is not None:
        found.append(f"{more.layout.devices} devices (--gpus {more.layout.devices})")
    for name in ("fp8", "int4"):
        smaller = with_format(model, name, FORMATS[name].bytes_per_value * 8)
        fewer = counting.weight_bytes_by_part(smaller) != counting.weight_bytes_by_part(model)
        if fewer and asking.plan(chosen.layout, smaller).fits:
            found.append(f"weights in {name} (--dtype {name})")
            break
    if model.kv_bits > 8 and asking.plan(chosen.layout, model._replace(kv_bits=8)).fits:
        found.append("KV cache in fp8 (--kv-dtype fp8)")
    if longest := chosen.longest_context:
        found.append(f"a context of {longest:,} (--context {longest})")
    return found


def serve_command(asking: Asking, chosen: Plan) -> str:
    """The vLLM flags that follow from a plan, to paste."""
    layout = chosen.layout
    flags = [f"vllm serve {asking.found.hub_id or asking.model.name}"]
    flags += [f"--tensor-parallel-size {layout.tp}"] if layout.tp > 1 else []
    flags += [f"--pipeline-parallel-size {layout.pp}"] if layout.pp > 1 else []
    flags += [f"--data-parallel-size {layout.dp}"] if layout.dp > 1 else []
    flags += ["--enable-expert-parallel"] if layout.ep > 1 else []
    flags += [f"--max-model-len {chosen.context:.0f}", f"--gpu-memory-utilization {chosen.usable:g}"]
    flags += ["--kv-cache-dtype fp8"] if asking.model.kv_bits == 8 else []
    return " ".join(flags)


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
    if (stored := asking.found.stored_bytes) is not None:
        notes.append(Note("checkpoint", f"the checkpoint's tensors hold {show(stored, 'B')}"))
    return notes


def _is_hybrid(model: Model) -> bool:
    return any(
        layer.attention.window or layer.attention.state or layer.attention.compress > 1 for layer in model.layers
    )
