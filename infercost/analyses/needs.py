"""What a model needs of memory whatever holds it: its weights, its sequences, and the least card for both."""

from collections.abc import Iterator
from typing import Any

from infercost import formulas
from infercost.analyses.many import at_point
from infercost.errors import InfercostError
from infercost.models import counting
from infercost.models.find import Checkpoint
from infercost.models.model import Attention, Model
from infercost.parts import catalog
from infercost.parts.preset import Preset, counted
from infercost.report import Note, Report, Row
from infercost.scenario.scenario import Need, Scenario
from infercost.units import many, show

ORIGIN = "what holds it"
#: Where a card is sold that is looked for by its memory, and whose: most people run models on these.
SEGMENTS, VENDOR = ("desktop", "workstation"), "NVIDIA"
#: Cards of 6 and 8 GB that many people own; no preset is as small.
SMALL = ("rtx-2060", "rtx-4060")
#: The kind of a part that is a whole computer with its memory.
SHARED = "soc"
#: What serves many: devices of a server that most people know.
SERVER = "h100-sxm"
BEFORE = "before what an engine takes"
#: Binary units, the largest first, and fractions that have a name.
_BINARY = (2**20, "MiB"), (2**10, "KiB")
_FRACTIONS: dict[float, str] = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    6: "a sixth",
    7: "a seventh",
    8: "an eighth",
}
#: Norms and headers that a config does not name stay below this share of a checkpoint.
ROUNDING = 0.01


def answer(scenario: Scenario) -> Report:
    """Bytes of the weights, of the cache of a token, a sequence and the batch, and their sum."""
    need = scenario.need
    assert need is not None
    rows = _rows(need)
    values = {row.key: row.value for row in rows}
    cache = values["kv_bytes_of_batch"] or 0.0
    parts = ("weights", values["weight_bytes"], "B"), ("KV cache", cache, "B")
    return Report(
        command="fit",
        verdict=_verdict(scenario, need, values["weight_bytes"], cache),
        inputs=scenario.inputs,
        results=rows,
        parts=parts if cache else (),
        notes=(*_notes(need), *scenario.notes),
        work=lambda: _needed(need),
    )


def _weights(need: Need) -> float:
    if need.checkpoint:
        return counting.weight_bytes(need.model)
    of_param = need.model.quantization.default / 8
    return formulas.memory.weight_bytes(params=need.params, bytes_per_param=of_param)


def _needed(need: Need) -> tuple[float, float | None, float | None, float]:
    """Bytes of the weights, of one sequence's cache and of all sequences' (None of a bare count), and of all."""
    weights, held, each = _weights(need), None, None
    if need.model.has_cache:
        each = counting.cache_bytes(need.model, need.context)
        held = formulas.memory.batch_cache(batch=need.batch, sequence_cache=each)
        counting.growing_cache_bytes(need.model)
    return weights, each, held, formulas.memory.model_memory(weight_bytes=weights, batch_cache=held or 0.0)


def _rows(need: Need) -> tuple[Row, ...]:
    model, (weights, each, held, total) = need.model, _needed(need)
    of_weights = weight_rows(model, need.checkpoint, (need.params, need.active_params, weights))
    if not model.has_cache:
        reason = "it keeps no cache" if model.prefill_only else "a bare parameter count does not say"
        keys = ("kv_bytes_per_token", "kv_bytes_per_sequence", "kv_bytes_of_batch")
        of_cache = tuple(Row(key, None, reason, shown=False) for key in keys)
    else:
        kinds = filter(None, (cache_kind(model), cache_saved(model)))
        load = f"{need.batch:,} x {many(need.context, 'token')}"
        of_cache = (
            Row("kv_bytes_per_token", counting.growing_cache_bytes(model), "; ".join(kinds)),
            Row("kv_bytes_per_sequence", each, f"at {many(need.context, 'token')}"),
            Row("kv_bytes_of_batch", held, load, shown=need.batch > 1),
        )
    most = "" if model.max_context else "its config does not say"
    return (
        *of_weights,
        *of_cache,
        Row("memory_needed_bytes", total, f"all on one, {BEFORE}"),
        Row("longest_context", model.max_context or None, most or "what the model was made for", shown=not most),
    )


def _verdict(scenario: Scenario, need: Need, weights: float, cache: float) -> str:
    model, total = need.model, weights + cache
    stored = f"{model.called(model.quantization.words)} need{'s' if need.checkpoint else ''} {show(weights, 'B')}"
    its = "its" if need.checkpoint else "their"
    if not model.has_cache:
        beside = BEFORE if model.prefill_only else f"before a KV cache and {BEFORE.removeprefix('before ')}"
        return f"{stored} for {its} weights, {beside}.{_card_words(scenario)}"
    tokens = many(need.context, "token")
    load = f"a sequence of {tokens}" if need.batch == 1 else f"{need.batch:,} sequences of {tokens}"
    sizes = f"{stored} for {its} weights and {show(cache, 'B')} for {load}: {show(total, 'B')}, {BEFORE}"
    return f"{sizes}.{_card_words(scenario)}{_cache_words(model, need.context)}"


def _card_words(scenario: Scenario) -> str:
    """The least card that holds it beside its engine, else devices of a server, and for one user the least computer.

    Empty for rows, and where none of them does.
    """
    need = scenario.need
    if scenario.is_row or need is None or need.checkpoint is None:
        return ""
    if part := next(_that_hold(scenario, _cards()), None):
        return f" A card of {show(part.value('memory'), 'B')} holds it ({part.id})."
    held, own = on(scenario, {"gpu": SERVER}), ""
    if need.batch == 1 and (part := next(_that_hold(scenario, _computers()), None)):
        kind = "Mac" if part.labels.get("vendor") == "Apple" else "computer"
        own = f" of {show(part.value('memory'), 'B')} ({part.id})"
        own = f", or a {kind}{own}" if held else f" A {kind}{own} holds it"
    server = f" {counted(held.copies * held.rack.devices, SERVER)} hold it" if held else ""
    return f"{server}{own}." if server or own else ""


def _cards() -> list[Preset]:
    """Cards that people have in a computer of their own."""
    parts = [catalog.load("accelerators", name) for name in (*catalog.names("accelerators"), *SMALL)]
    return [part for part in parts if part.labels.get("segment") in SEGMENTS and part.labels.get("vendor") == VENDOR]


def _computers() -> list[Preset]:
    """Computers whose memory a chip's processor and its GPU share, in all their sizes."""
    names = (*catalog.names("accelerators"), *catalog.variants("accelerators"))
    return [part for name in names if (part := catalog.load("accelerators", name)).labels.get("kind") == SHARED]


def _that_hold(scenario: Scenario, parts: list[Preset]) -> Iterator[Preset]:
    """Parts one of which holds it, one of each size, the least first, as ``fit --gpu`` counts them."""
    sizes = {part.value("memory"): part for part in reversed(parts)}
    return (sizes[size] for size in sorted(sizes) if on(scenario, {"gpu": sizes[size].id, "gpus": 1}))


def on(scenario: Scenario, devices: dict[str, Any]) -> Scenario | None:
    """The same question on devices that hold it; None where these do not."""
    try:
        held = at_point(scenario.question, devices, ORIGIN)
    except InfercostError:
        return None
    return held if held.rack.plan.fits else None


def _notes(need: Need) -> Iterator[Note]:
    yield Note("engine", "activations, graphs and buffers of an engine come on top: with --gpu they are counted")
    if need.checkpoint is None:
        return
    yield from stored_notes(need.checkpoint)
    if not need.model.vision_known:
        yield Note("vision", "a tower for images or sound is not known and not counted")


# A model's own memory, wherever it stands: rows of its weights, the kind of its cache, its checkpoint's bytes.


def weight_rows(
    model: Model, checkpoint: Checkpoint | None, counts: tuple[float, float, float], loads_head: bool = False
) -> tuple[Row, ...]:
    """Parameters and bytes of the weights; ``counts`` are all parameters, those of a token, and the bytes."""
    params, active_params, weight_bytes = counts
    published = checkpoint.published.get("active") if checkpoint else None
    beside = model.vision_params or model.mtp_params
    active = f"publisher says {published}" if published else "multiplied for one token"
    mtp = "" if loads_head else "not loaded by default"
    return (
        Row("total_params", params, "the language model alone" if beside else ""),
        Row("active_params", active_params, active, shown=active_params < params),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, mtp, shown=bool(model.mtp_params)),
        Row("weight_bytes", weight_bytes, model.quantization.label),
    )


def token_cache(model: Model) -> str:
    """Bytes that a token adds to a cache, in binary units too where these are whole."""
    held = counting.growing_cache_bytes(model)
    binary = next((f" ({held / size:g} {name})" for size, name in _BINARY if held >= size and not held % size), "")
    return f"{show(held, 'B')}{binary} of KV cache"


def cache_remark(model: Model) -> str:
    """What the cache per token is made of, and its share of what all heads would keep."""
    return "; ".join(filter(None, (cache_kind(model), _share_of_heads(model))))


def cache_saved(model: Model) -> str:
    """How much less grouped heads or latents keep than all heads would; empty where these do."""
    if not (times := _times_heads(model)) or (attention := _growing(model)) is None:
        return ""
    if attention.latent:
        return f"{times:.3g} times less than keys and values of its {attention.heads:,} heads"
    return f"{_fraction(times)} of what {attention.heads:,} heads would keep"


def _times_heads(model: Model) -> float:
    """How many times as much a token would take if each head kept keys and values; 0 where each does."""
    attention = _growing(model)
    if attention is None or attention.has_past:
        return 0.0
    if not (attention.latent or attention.index_cache):
        times = attention.heads / attention.kv_heads
    else:
        elements = attention.heads * (attention.head_dim + (attention.v_head_dim or attention.head_dim))
        times = elements * model.kv_bits / 8 / counting.growth(model, attention)
    return times if times > 1 else 0.0


def _share_of_heads(model: Model) -> str:
    """The share of what all heads would keep: ``an eighth of 64 heads'``; empty where it is all."""
    times, attention = _times_heads(model), _growing(model)
    return f"{_fraction(times)} of {attention.heads:,} heads'" if times and attention else ""


def _fraction(times: float) -> str:
    return _FRACTIONS.get(times) or f"1/{times:.3g}"


def _cache_words(model: Model, context: int) -> str:
    """What a token takes, its share of all heads', and a sequence without its windows; empty for what keeps none."""
    token = ", ".join(filter(None, (f"a token takes {token_cache(model)}", _share_of_heads(model))))
    token = token if counting.growing_cache_bytes(model) else ""
    more = f"{_times_windows(model, context):.3g}"
    windows = f"without windows a sequence takes {more}x as much" if more != "1" else ""
    words = "; ".join(filter(None, (token, windows)))
    return f" {words[0].upper()}{words[1:]}." if words else ""


def states_layers(model: Model) -> int:
    """Layers that keep a state of one size in place of a cache."""
    return sum(layer.times for layer in model.layers if layer.attention.state)


def states_kept(model: Model) -> str:
    """In how many layers a token is kept, behind its bytes, and what others keep of a sequence at any context."""
    kept = sum(layer.times for layer in model.layers if layer.attention.grows)
    state = f"{show(counting.cache_bytes(model, 0), 'B')} a sequence"
    if not kept:
        return f"; no layer keeps a cache, {states_layers(model):,} a state of {state}"
    return f" in {kept:,} of its {many(model.depth, 'layer')}; {states_layers(model):,} keep a state instead, {state}"


def windows_saved(model: Model, context: int) -> str:
    """How much less a sequence keeps than if every layer with a window attended all of it; empty without windows."""
    times = _times_windows(model, context)
    return f"{times:.3g} times less at {many(context, 'token')} than without windows" if times > 1 else ""


def _times_windows(model: Model, context: int) -> float:
    """How many times as much a sequence would take if every layer with a window attended all of it; 1 without any."""
    layers = [layer for layer in model.layers if layer.attention.window and not layer.attention.has_past]
    unlimited = [layer._replace(attention=layer.attention._replace(window=0)) for layer in layers]
    kept, all_of = (counting.cache_bytes(model._replace(layers=tuple(each)), context) for each in (layers, unlimited))
    return 1 + (all_of - kept) / counting.cache_bytes(model, context) if layers else 1.0


def _growing(model: Model) -> Attention | None:
    """The attention whose cache grows the most with each token; None where none does."""
    growing = [layer for layer in model.layers if layer.attention.grows and not layer.attention.window]
    growing = growing or [layer for layer in model.layers if layer.attention.grows]
    return max((layer.attention for layer in growing), key=lambda each: each.cache, default=None)


def cache_kind(model: Model) -> str:
    """What the cache per token is made of: KV heads, latents, or a state that does not grow."""
    if (attention := _growing(model)) is None:
        return "a state or windows that do not grow"
    kind = f"{many(attention.kv_heads, 'KV head')} of {attention.head_dim}, {model.kv_bits:g} bits"
    if attention.latent:
        kind = f"latents of {attention.cache}, {model.kv_bits:g} bits"
        if packed := counting.packed_bytes(model, attention):
            kind = f"latents in {packed} B"
    index = [layer for layer in model.layers if layer.attention.index_cache]
    if index:
        size = counting.index_element_bytes(model, index[0].attention) * index[0].attention.index_cache
        kind += f", index keys in {size:g} B"
    windowed = sum(layer.times for layer in model.layers if layer.attention.window and not layer.attention.grows)
    if not windowed:
        return kind
    return f"{model.depth - windowed} of {model.depth} layers, once windows are full: {kind}"


def stored_notes(checkpoint: Checkpoint) -> list[Note]:
    """The bytes of the checkpoint where they are known, and why they are not those that were counted."""
    stored, model = checkpoint.stored_bytes, checkpoint.model
    if checkpoint.unsaid:
        return [Note("formats", f"counted in {model.quantization.name}, though {checkpoint.unsaid}")]
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
        return "likely a tower for images or sound, which is not counted"
    also = "prediction layers, " if model.mtp_params else ""
    return f"likely {also}padding, a stored tied table, or a format that its config does not tell"
