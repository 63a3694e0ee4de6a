"""What an architecture holds, reads, keeps and computes: the formulas of one layer summed over all of them."""

from collections.abc import Callable
from typing import NamedTuple

from infercost import formulas
from infercost.models.model import Attention, Ffn, Layer, Model
from infercost.parts.formats import NVFP4
from infercost.quantities import CONSTANTS

FLOPS_PER_PARAM = CONSTANTS["flops_per_param"].value
STATE_FLOPS = CONSTANTS["state_flops"].value
CONV_BYTES = CONSTANTS["conv_element_bytes"].value
#: Bits of a cache whose entries may be packed.
EIGHT_BITS = 8
#: Parts of the weights, in the order that a table shows them.
PARTS = ("embedding", "attention", "ffn", "experts", "shared", "router", "head", "norms")


def _over(model: Model, of_layer: Callable[[Layer], float]) -> float:
    return sum(layer.times * of_layer(layer) for layer in model.layers)


def times(model: Model) -> tuple[int, ...]:
    """How many layers there are of each kind."""
    return tuple(layer.times for layer in model.layers)


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
        "norms": model.small + _over(model, lambda layer: small(layer) + layer.ffn.experts * layer.ffn.expert_small),
    }
    return {part: round(counts[part]) for part in PARTS}


def small(layer: Layer) -> int:
    """Norms and biases of one layer, those of its routed experts apart."""
    return layer.small + layer.attention.small + layer.ffn.small


def figures(model: Model) -> dict[str, int]:
    """What is outside the layers, by its name in JSON."""
    return {
        "hidden_size": model.hidden_size,
        "vocab_size": model.vocab_size,
        "multiplied_head_params": model.head or model.embedding,
        "final_norm_params": model.small,
    }


def layer_figures(model: Model, layer: Layer) -> dict[str, float]:
    """What one layer of a kind holds, keeps and computes, by its name in JSON."""
    return {**_attention_figures(model, layer), **_ffn_figures(layer.ffn)}


def _attention_figures(model: Model, layer: Layer) -> dict[str, float]:
    attention = layer.attention
    return {
        "query_heads": attention.heads,
        "kv_heads": attention.kv_heads,
        "head_dim": attention.head_dim,
        "v_head_dim": attention.v_head_dim,
        "attention_params": attention.split,
        "kv_params": kv_params(model, attention),
        "copied_params": attention.copied,
        "norm_params": small(layer),
        "kv_elements": attention.cache,
        "packed_entry_bytes": packed_bytes(model, attention) or attention.packed,
        "index_elements": attention.index_cache,
        "borrowed_elements": attention.borrowed,
        "window": attention.window,
        "compress": attention.compress,
        "attended": attention.attended,
        "attention_flops": attention.decode_flops,
        "prefill_attention_flops": attention.prefill_flops,
        "index_flops": attention.index_flops,
        "query_rank": attention.query_rank,
        "state_elements": attention.state,
        "conv_elements": attention.conv,
    }


def _ffn_figures(ffn: Ffn) -> dict[str, float]:
    return {
        "ffn_width": ffn.width,
        "ffn_params": ffn.dense,
        "shared_params": ffn.shared,
        "router_params": ffn.router,
        "reused_params": ffn.reused,
        "experts": ffn.experts,
        "active_experts": ffn.active,
        "expert_groups": ffn.groups,
        "token_groups": ffn.token_groups,
        "expert_params": ffn.expert,
        "expert_input": ffn.expert_input,
        "expert_norm_params": ffn.expert_small,
        "params_per_expert": ffn.expert + ffn.expert_small,
    }


def total_params(model: Model) -> int:
    """Parameters of the language model."""
    return sum(params_by_part(model).values())


def active_params(model: Model) -> int:
    """Parameters that multiply for one token: all but idle experts and an input table that is only looked up.

    A tied table is the output head too, and multiplies; what several layers share multiplies in each of them.
    """
    idle = _over(model, lambda layer: _idle(layer.ffn) - layer.ffn.reused)
    looked_up = model.lookup + (model.embedding if model.head else 0)
    return total_params(model) - round(idle) - looked_up


def _idle(ffn: Ffn) -> int:
    return (ffn.experts - ffn.active) * (ffn.expert + ffn.expert_small)


class Stored(NamedTuple):
    """Parameters of some parts, and the bytes that store one parameter of each."""

    params: tuple[float, ...]
    bytes: tuple[float, ...]


def stored(model: Model, **counts: float) -> Stored:
    """Parts that are there, each in the format of the checkpoint."""
    there = {part: count for part, count in counts.items() if count}
    return Stored(tuple(there.values()), tuple(model.quantization.of(part) / 8 for part in there))


def split_part(model: Model, layer: Layer) -> Stored:
    """What tensor parallel ranks split of one layer."""
    return stored(model, attention=layer.attention.split, ffn=layer.ffn.dense, shared=layer.ffn.shared)


def copied_part(model: Model, layer: Layer) -> Stored:
    """What every rank holds of one layer."""
    return stored(model, attention=layer.attention.copied, router=layer.ffn.router, norms=small(layer))


def expert_part(model: Model, ffn: Ffn) -> Stored:
    """One routed expert of one layer."""
    return stored(model, experts=ffn.expert, norms=ffn.expert_small)


def kv_params(model: Model, attention: Attention) -> int:
    """Key and value matrices of one layer; none where it takes another's keys and values, or keeps latents."""
    if attention.latent:
        return 0
    width = attention.head_dim + attention.v_head_dim
    others = model.hidden_size * attention.heads * width
    return min(model.hidden_size * attention.kv_heads * width, max(attention.split - others, 0))


def weight_bytes_by_part(model: Model) -> dict[str, float]:
    """Bytes of the language model's weights by part, scales of quantized parts included."""
    return {part: count * model.quantization.of(part) / 8 for part, count in params_by_part(model).items()}


def weight_bytes(model: Model) -> float:
    """Bytes of all weights that an engine loads: the language model's, and its vision tower's unquantized."""
    language, tower = stored(model, **params_by_part(model)), stored(model, norms=model.vision_params)
    return formulas.memory.loaded_weights(
        part_params=language.params + tower.params, bytes_per_param=language.bytes + tower.bytes
    )


def cache_bytes(model: Model, context: float) -> float:
    """Bytes of KV cache and state that one sequence of so many tokens holds, before tensor parallelism copies any."""
    held = [layer_cache_bytes(model, layer.attention, context) for layer in model.layers]
    return formulas.memory.sequence_cache(layers_of_kind=times(model), layer_cache=held)


def layer_cache_bytes(model: Model, attention: Attention, context: float) -> float:
    """The same of one layer: cached entries (a window of them, or a compressed past), indexer keys, state."""
    return formulas.layer.layer_cache(
        cached_entries=_entries(attention, context),
        cache_elements=attention.cache,
        context=context,
        compress=attention.compress,
        index_elements=attention.index_cache,
        cache_element_bytes=element_bytes(model, attention),
        index_element_bytes=index_element_bytes(model, attention),
        state_elements=attention.state,
        state_element_bytes=model.state_bits / 8,
        conv_elements=attention.conv,
        conv_element_bytes=CONV_BYTES,
    )


def _entries(attention: Attention, context: float) -> float:
    """Cache entries of one layer: one that compresses its past keeps it beside a raw window, unless it borrows it."""
    if attention.has_past and not attention.borrows:
        return formulas.layer.compressed_entries(context=context, window=attention.window, compress=attention.compress)
    if not attention.window:
        return context
    return formulas.layer.cached_entries(context=context, window=attention.window)


def layer_cache_bytes_read(model: Model, attention: Attention, context: float) -> float:
    """Bytes of one sequence's cache in one layer that a step reads: what sparse attention attends, and index keys."""
    return formulas.layer.layer_cache_read(
        attended_entries=_attended(attention, context),
        cache_elements=attention.cache,
        borrowed_elements=attention.borrowed,
        context=context,
        compress=attention.compress,
        index_elements=attention.index_cache,
        cache_element_bytes=element_bytes(model, attention),
        index_element_bytes=index_element_bytes(model, attention),
        state_elements=attention.state,
        state_element_bytes=model.state_bits / 8,
    )


def element_bytes(model: Model, attention: Attention) -> float:
    """Bytes of one element of a layer's cache: packed entries of 8 and 4 bits have scales, and a part in more bits."""
    if attention.cache and (packed := packed_bytes(model, attention)):  # it may lie in a host
        return formulas.layer.packed_element_bytes(packed_entry_bytes=packed, cache_elements=attention.cache)
    return model.kv_bits / 8


def packed_bytes(model: Model, attention: Attention) -> int:
    """Bytes of one entry of a layer's cache where its format packs them, else 0."""
    return {EIGHT_BITS: attention.packed, NVFP4: attention.packed_four}.get(model.kv_bits, 0)


def index_element_bytes(model: Model, attention: Attention) -> float:
    """Bytes of one element of an indexer's keys."""
    return (attention.index_bits or model.kv_bits) / 8


def _attended(attention: Attention, context: float) -> float:
    """Cache entries that one query attends."""
    entries = _entries(attention._replace(borrows=False), context)
    if not attention.attended:
        return entries
    window = attention.window if attention.has_past else 0
    return formulas.layer.attended_entries(cached_entries=entries, attended=attention.attended, window=window)


def growing_cache_bytes(model: Model) -> float:
    """Bytes that each further token of a long sequence adds to its cache: windows and states no longer grow."""
    return formulas.memory.token_cache(
        layers_of_kind=times(model),
        growing_cache=[growth(model, layer.attention) for layer in model.layers],
    )


def growth(model: Model, attention: Attention) -> float:
    """Bytes that each further token of a long sequence adds to one layer's cache."""
    grows = attention.cache if attention.grows else 0
    if not grows and not attention.index_cache:
        return 0
    return formulas.memory.growing_cache(
        cache_elements=grows,
        cache_element_bytes=element_bytes(model, attention),
        index_elements=attention.index_cache,
        index_element_bytes=index_element_bytes(model, attention),
        compress=attention.compress,
    )


def index_growth(model: Model, attention: Attention) -> float:
    """Bytes of the growth of one layer's cache that are an indexer's keys."""
    return index_cache_bytes(model, attention, 1)


def index_cache_bytes(model: Model, attention: Attention, context: float) -> float:
    """Bytes of an indexer's keys of one sequence in one layer."""
    if not attention.index_cache:
        return 0
    return formulas.layer.index_cache(
        context=context,
        compress=attention.compress,
        index_elements=attention.index_cache,
        index_element_bytes=index_element_bytes(model, attention),
    )


def decode_attention_flops(model: Model, context: float) -> float:
    """Operations of one token's attention over a context, all layers, windows and sparse indexers included."""
    return _over(model, lambda layer: attended_flops(layer.attention, context))


def attended_flops(attention: Attention, context: float) -> float:
    """Operations of one token's attention over a context in one layer."""
    return formulas.layer.layer_attention_flops(
        attended_entries=_attended(attention, context),
        attention_flops=attention.decode_flops,
        context=context,
        compress=attention.compress,
        index_flops=attention.index_flops,
        state_flops=STATE_FLOPS,
        state_elements=attention.state,
    )


def prefill_flops(model: Model, tokens: float) -> float:
    """Operations of a whole prompt: every matrix for each token, the head for the last one only, attention by pairs."""
    head = model.head or model.embedding
    matrices = FLOPS_PER_PARAM * (active_params(model) - head)
    attention = _over(model, lambda layer: prompt_flops(layer.attention, tokens, 0))
    return matrices * tokens + FLOPS_PER_PARAM * head + attention


def prompt_flops(attention: Attention, tokens: float, cached: float) -> float:
    """Operations of the attention of a prompt's tokens in one layer, after so many that are cached already."""
    return formulas.layer.layer_prompt_flops(
        attended_pairs=_pairs(attention, tokens, cached),
        attention_flops=attention.prefill_flops,
        causal_pairs=_causal(tokens, cached, 0) if attention.index_flops else 0,
        compress=attention.compress,
        index_flops=attention.index_flops,
        state_flops=STATE_FLOPS,
        state_elements=attention.state,
        tokens=tokens,
    )


def _pairs(attention: Attention, tokens: float, cached: float) -> float:
    """Pairs of a prompt's tokens and the entries that they attend in one layer."""
    window, attended, compress = attention.window, attention.attended, attention.compress
    if not attention.prefill_flops:
        return 0
    if not attention.has_past:
        return _causal(tokens, cached, min(filter(None, (window, attended)), default=0))
    return formulas.layer.compressed_pairs(
        window_pairs=_causal(tokens, cached, window) if window else 0,
        past_pairs=_causal(tokens, cached, attended * compress),
        compress=compress,
    )


def _causal(tokens: float, cached: float, window: float) -> float:
    """Pairs of tokens and positions before them, at most a window of them where there is one."""
    if not window:
        return formulas.layer.causal_pairs(tokens=tokens, cached=cached)
    return formulas.layer.attended_pairs(tokens=tokens, cached=cached, window=window)


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
