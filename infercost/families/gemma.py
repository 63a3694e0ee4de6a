"""Layers of Gemma 3n and 4: inputs of their own, caches that earlier layers filled, global layers of another shape."""

from infercost.families import attention, feedforward
from infercost.families.config import Config
from infercost.families.pattern import Made, kind_of, window_of
from infercost.model import Attention


def gemma3n(config: Config, i: int) -> Made:
    """Four layers of five see a window; beside both parts stand a low-rank residual and streams that are mixed."""
    hidden, streams = config.need("hidden"), config.number("altup_num_inputs")
    made = attention.grouped(config, window_of(config, i, lambda n: bool((n + 1) % 5)))
    listed = isinstance(config.raw("intermediate_size"), list)
    width = config.whole(config.at("intermediate_size", i), "intermediate_size") if listed else config.need("width")
    ffn = feedforward.dense(config, width)
    low_rank = 2 * hidden * config.number("laurel_rank")
    mixing = streams**2 + streams**3 + streams * hidden + 2 * hidden
    beside = low_rank + hidden + mixing + _layer_input(config)
    return _without_cache(config, i, made), ffn._replace(small=ffn.small + beside)


def gemma4(config: Config, i: int) -> Made:
    """Global layers have wider heads and their own KV heads; experts stand beside a dense part."""
    hidden = config.need("hidden")
    made = _without_cache(config, i, _windowed_or_global(config, i))
    if config.raw("enable_moe_block"):
        extra = 3 * hidden + hidden + config.need("experts")
        ffn = feedforward.mixture(config, shared_width=config.need("width"), small=extra)
    else:
        doubled = bool(config.raw("use_double_wide_mlp")) and _is_shared(config, i)
        ffn = feedforward.dense(config, config.need("width") * (2 if doubled else 1))
    return made, ffn._replace(small=ffn.small + _layer_input(config))


def _windowed_or_global(config: Config, i: int) -> Attention:
    if kind_of(config, i, lambda n: bool((n + 1) % 6)) == "window":
        return attention.grouped(config, config.need("window"))
    kv_heads = config.number("num_global_key_value_heads", config.need("kv_heads"))
    width = config.number("global_head_dim", attention.head_dim_of(config))
    made = attention.grouped(config, kv_heads=kv_heads, head_dim=width)
    if config.raw("attention_k_eq_v"):  # values are the keys before rotation: no matrix of their own
        made = made._replace(split=made.split - config.need("hidden") * kv_heads * width)
    return made


def _is_shared(config: Config, i: int) -> bool:
    """Whether a layer takes keys and values of an earlier one, as the last ``num_kv_shared_layers`` do."""
    return i >= config.need("layers") - config.number("num_kv_shared_layers", 0)


def _without_cache(config: Config, i: int, made: Attention) -> Attention:
    """The same without keys, values and the keys' norm, where the layer takes another's."""
    if not _is_shared(config, i):
        return made
    left = config.need("hidden") * made.heads * (made.head_dim + made.v_head_dim)
    return made._replace(split=left, small=made.small - made.head_dim, cache=0, borrowed=made.cache)


def _layer_input(config: Config) -> int:
    """What lets an input of its own into a layer: two matrices and a norm; none where that input is no wide."""
    hidden, width = config.need("hidden"), config.count("hidden_size_per_layer_input")
    return (2 * hidden * width + hidden) if width else 0


def layer_tables(config: Config) -> int:
    """A second table, narrow, with a row of its own for each layer."""
    return config.number("vocab_size_per_layer_input") * _layer_inputs(config)


def layer_inputs(config: Config) -> int:
    """What makes layers' own inputs of the common one, and their norm."""
    width = config.count("hidden_size_per_layer_input")
    return config.need("hidden") * _layer_inputs(config) + width


def streams(config: Config) -> int:
    """The same, and what splits the input into parallel streams and joins them at the end."""
    return layer_inputs(config) + 2 * (config.number("altup_num_inputs") - 1) * config.need("hidden") ** 2


def _layer_inputs(config: Config) -> int:
    return config.need("layers") * config.count("hidden_size_per_layer_input")
