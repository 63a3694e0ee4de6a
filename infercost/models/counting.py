"""What an architecture holds, reads, keeps and computes: the engine's formulas summed over its layers."""

from collections.abc import Callable

from infercost import formulas
from infercost.models.model import Attention, Ffn, Layer, Model

#: One multiply and one add for each parameter and token.
FLOPS_PER_PARAM = 2
#: Decay, rank-one update and read-out of a state, two operations each.
STATE_FLOPS = 6
#: Parts of the weights, in the order that a table shows them.
PARTS = ("embedding", "attention", "ffn", "experts", "shared", "router", "head", "norms")


def _over(model: Model, of_layer: Callable[[Layer], float]) -> float:
    return sum(layer.times * of_layer(layer) for layer in model.layers)


def params_by_part(model: Model) -> dict[str, int]:
    """Parameters of the language model by part; vision towers and prediction layers are apart."""
    counts = {
        "embedding": model.embedding + model.lookup,
        "attention": _over(model, lambda layer: layer.attention.split + layer.attention.copied),
        "ffn": _over(model, lambda layer: layer.ffn.dense),
        "experts": _over(model, lambda layer: layer.ffn.experts * layer.ffn.expert),
        "shared": _over(model, lambda layer: layer.ffn.shared),
        "router": _over(model, lambda layer: layer.ffn.router),
        "head": model.head,
        "norms": model.small + _over(model, lambda layer: layer.small + layer.attention.small + _small(layer.ffn)),
    }
    return {part: round(counts[part]) for part in PARTS}


def _small(ffn: Ffn) -> int:
    return ffn.small + ffn.experts * ffn.expert_small


def total_params(model: Model) -> int:
    """Parameters of the language model."""
    return sum(params_by_part(model).values())


def active_params(model: Model) -> int:
    """Parameters that multiply for one token: all but idle experts and an input table that is only looked up.

    A tied table is the output head too, and multiplies; what several layers share multiplies in each of them.
    """
    idle = _over(model, lambda layer: _idle(layer.ffn) - layer.ffn.reused)
    return total_params(model) - round(idle) - _looked_up(model)


def _looked_up(model: Model) -> int:
    """Parameters of tables of which a token reads a row: the input table too, unless it is the output head."""
    return model.lookup + (model.embedding if model.head else 0)


def _idle(ffn: Ffn) -> int:
    return (ffn.experts - ffn.active) * (ffn.expert + ffn.expert_small)


def weight_bytes_by_part(model: Model) -> dict[str, float]:
    """Bytes of the language model's weights by part, scales of quantized parts included."""
    return {part: count * model.quantization.of(part) / 8 for part, count in params_by_part(model).items()}


def weight_bytes(model: Model) -> float:
    """Bytes of all weights that an engine loads: the language model's, and its vision tower's unquantized."""
    return sum(weight_bytes_by_part(model).values()) + model.vision_params * model.quantization.of("norms") / 8


def cache_bytes(model: Model, context: float) -> float:
    """Bytes of KV cache and state that one sequence of so many tokens holds, before tensor parallelism copies any."""
    return _over(model, lambda layer: layer_cache_bytes(model, layer.attention, context))


def layer_cache_bytes(model: Model, attention: Attention, context: float) -> float:
    """The same of one layer: cached entries (a window of them, or a compressed past), indexer keys, state."""
    entries = _entries(attention, context)
    indexed = context / attention.compress * attention.index_cache
    cached = (entries * attention.cache + indexed) * model.kv_bits / 8
    return cached + attention.state * model.state_bits / 8 + attention.conv * 16 / 8


def _entries(attention: Attention, context: float) -> float:
    """Cache entries of one layer: a compressed layer keeps a raw window beside its compressed past."""
    if attention.compress > 1:
        raw = formulas.layer.cached_entries(context=context, window=attention.window, compress=1)
        return raw + context / attention.compress
    window = attention.window or context
    return formulas.layer.cached_entries(context=context, window=window, compress=1)


def layer_cache_bytes_read(model: Model, attention: Attention, context: float) -> float:
    """Bytes of one sequence's cache in one layer that a step reads: what sparse attention attends, and index keys."""
    indexed = context / attention.compress * attention.index_cache
    cached = _attended(attention, context) * (attention.cache + attention.borrowed) + indexed
    return cached * model.kv_bits / 8 + attention.state * model.state_bits / 8


def _attended(attention: Attention, context: float) -> float:
    """Cache entries that one query attends."""
    entries = _entries(attention, context)
    if not attention.attended:
        return entries
    return min(entries, attention.attended + (attention.window if attention.compress > 1 else 0))


def growing_cache_bytes(model: Model) -> float:
    """Bytes that each further token of a long sequence adds to its cache: windows and states no longer grow."""
    return _over(model, lambda layer: growth(layer.attention)) * model.kv_bits / 8


def growth(attention: Attention) -> float:
    """Elements that each further token of a long sequence adds to one layer's cache."""
    if attention.compress > 1:
        return (attention.cache + attention.index_cache) / attention.compress
    return (0 if attention.window else attention.cache) + attention.index_cache


def decode_attention_flops(model: Model, context: float) -> float:
    """Operations of one token's attention over a context, all layers, windows and sparse indexers included."""
    return _over(model, lambda layer: attended_flops(layer.attention, context))


def attended_flops(attention: Attention, context: float) -> float:
    """Operations of one token's attention over a context in one layer."""
    entries = _attended(attention, context)
    indexing = attention.index_flops * context / attention.compress
    return entries * attention.decode_flops + indexing + STATE_FLOPS * attention.state


def prefill_attention_flops(model: Model, tokens: float) -> float:
    """Operations of attention over a prompt, causal: the triangle below the diagonal, capped by windows."""
    return _over(model, lambda layer: prompt_flops(layer.attention, tokens, 0))


def prefill_flops(model: Model, tokens: float) -> float:
    """Operations of a whole prompt: every matrix for each token, the head for the last one only, causal attention."""
    head = model.head or model.embedding
    return 2 * (active_params(model) - head) * tokens + 2 * head + prefill_attention_flops(model, tokens)


def prompt_flops(attention: Attention, tokens: float, cached: float) -> float:
    """Operations of the attention of a prompt's tokens in one layer, after so many that are cached already."""

    def pairs(window: float) -> float:
        return formulas.layer.attended_pairs(tokens=tokens, cached=cached, window=window or cached + tokens)

    if attention.compress > 1:
        past = pairs(attention.attended * attention.compress) / attention.compress
        attended = pairs(attention.window) + past if attention.window else past
    else:
        attended = pairs(min(filter(None, (attention.window, attention.attended)), default=0))
    indexing = attention.index_flops * pairs(0) / attention.compress
    return attended * attention.prefill_flops + indexing + STATE_FLOPS * attention.state * tokens


def bytes_read(model: Model, tokens: float) -> float:
    """Bytes of weights that one step of so many tokens reads: distinct experts hit, no table that is looked up."""
    by_part = weight_bytes_by_part(model)
    looked_up = _looked_up(model) * model.quantization.of("embedding") / 8
    shared = sum(by_part.values()) - by_part["experts"] - looked_up
    hit = _over(model, lambda layer: experts_hit(layer, tokens) * layer.ffn.expert)
    again = _over(model, lambda layer: layer.ffn.reused)
    return shared + (hit * model.quantization.of("experts") + again * model.quantization.of("ffn")) / 8


def experts_hit(layer: Layer, tokens: float) -> float:
    """Distinct experts of one layer that a step of so many tokens uses."""
    ffn = layer.ffn
    if not ffn.experts:
        return 0
    return formulas.layer.experts_hit(experts=ffn.experts, active_experts=ffn.active, tokens=tokens)


def experts_hit_share(model: Model, tokens: float) -> float | None:
    """Share of the routed experts that a step of so many tokens uses; None for a model without any."""
    held = _over(model, lambda layer: layer.ffn.experts * layer.ffn.expert)
    return _over(model, lambda layer: experts_hit(layer, tokens) * layer.ffn.expert) / held if held else None
