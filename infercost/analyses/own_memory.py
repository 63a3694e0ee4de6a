"""A model's own memory, wherever it stands: rows of its weights, the kind of its cache, its checkpoint's bytes."""

from infercost.models import counting
from infercost.models.find import Checkpoint
from infercost.models.model import Model
from infercost.report import Note, Row
from infercost.units import many, show

#: Norms and headers that a config does not name stay below this share of a checkpoint.
ROUNDING = 0.01


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


def cache_kind(model: Model) -> str:
    """What the cache per token is made of: KV heads, latents, or a state that does not grow."""
    growing = [layer for layer in model.layers if layer.attention.grows and not layer.attention.window]
    growing = growing or [layer for layer in model.layers if layer.attention.grows]
    if not growing:
        return "a state or windows that do not grow"
    attention = max((layer.attention for layer in growing), key=lambda each: each.cache)
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
