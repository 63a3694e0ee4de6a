"""What a named model needs: weights as really sharded, KV cache, reserves, and what would make it fit."""

from infercost import counting
from infercost.analyses.fit_next import advice, serve
from infercost.analyses.stored import stored_notes
from infercost.engine import memory
from infercost.hardware import MEMORY_BASES
from infercost.model import Model
from infercost.plan import Plan
from infercost.question import Asked
from infercost.report import Note, Report, Row
from infercost.served import Asking, asked_widths, choose, read_asking
from infercost.sharding import Layout, rank_growth_bytes
from infercost.units import many, show

#: Memory that engines take outside the share they plan with.
OUTSIDE = 4 * 2**30


def answer(asked: Asked) -> Report:
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
        verdict=_verdict(asking, chosen),
        inputs=tuple(asked.inputs),
        results=_rows(asking, chosen),
        parts=_parts(chosen),
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


def _parts(chosen: Plan) -> tuple[tuple[str, float, str], ...]:
    """What one device holds, or would have to."""
    return (
        ("weights", chosen.weights, "B"),
        ("activations, engine", chosen.activations + chosen.engine, "B"),
        ("KV cache asked for", chosen.cache, "B"),
        ("KV cache left", max(chosen.left, 0.0), "B"),
        ("not planned with", chosen.device_memory * (1 - chosen.usable), "B"),
    )


def _verdict(asking: Asking, chosen: Plan) -> str:
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
