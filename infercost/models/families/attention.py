"""Attention of one layer, from a config: what it weighs, what it leaves in the cache, what it computes."""

from typing import Any

from infercost import formulas
from infercost.models.families.config import Config
from infercost.models.model import Attention


def head_dim_of(config: Config) -> int:
    """Width of a head: its own key, or the hidden size over the heads."""
    told = config.get("head_dim")
    return config.need("head_dim", config.need("hidden") // config.need("heads") if told is None else None)


def grouped(
    config: Config,
    window: int = 0,
    *,
    heads: int = 0,
    kv_heads: int = 0,
    head_dim: int = 0,
    v_head_dim: int = 0,
    small: int = 0,
) -> Attention:
    """Grouped-query attention (multi-head when every head has its own keys, multi-query when all share one)."""
    heads = heads or config.need("heads")
    kv_heads = kv_heads or config.need("kv_heads", heads)
    head_dim = head_dim or head_dim_of(config)
    v_head_dim = v_head_dim or head_dim
    dims: dict[str, Any] = {"heads": heads, "kv_heads": kv_heads, "head_dim": head_dim, "v_head_dim": v_head_dim}
    flops = formulas.layer.attention_flops(heads=heads, head_dim=head_dim, v_head_dim=v_head_dim)
    return Attention(
        kind="window" if window else "full",
        **dims,
        split=formulas.layer.grouped_query_params(hidden_size=config.need("hidden"), **dims),
        small=small
        + _biases(config, heads, kv_heads, head_dim, v_head_dim)
        + _head_norms(config, heads, kv_heads, head_dim),
        cache=formulas.layer.cache_elements(kv_heads=kv_heads, head_dim=head_dim, v_head_dim=v_head_dim),
        window=window,
        decode_flops=flops,
        prefill_flops=flops,
    )


def _biases(config: Config, heads: int, kv_heads: int, head_dim: int, v_head_dim: int) -> int:
    into = heads * head_dim + kv_heads * (head_dim + v_head_dim)
    out = config.need("hidden")
    return into * config.flag("qkv_bias", "attention_bias") + out * config.flag("o_bias", "attention_bias")


def _head_norms(config: Config, heads: int, kv_heads: int, head_dim: int) -> int:
    """Norms of queries and keys: one vector a head width, or one over all heads."""
    kind = config.defaults.get("qk_norm", "") if config.flag("has_qk_norm", default=True) else ""
    return {"": 0, "head": 2 * head_dim, "all": (heads + kv_heads) * head_dim}[kind]


def latent(config: Config, *, indexed: bool = False) -> Attention:
    """Multi-head latent attention, with DeepSeek's sparse indexer where the family has one."""
    hidden, heads = config.need("hidden"), config.need("heads")
    query_rank, kv_rank = config.count("q_lora_rank"), config.number("kv_lora_rank")
    nope, rope = config.number("qk_nope_head_dim"), config.number("qk_rope_head_dim")
    v_head_dim = config.number("v_head_dim")
    split = formulas.layer.latent_up_params(
        heads=heads,
        query_width=query_rank or hidden,
        nope_dim=nope,
        rope_dim=rope,
        kv_rank=kv_rank,
        v_head_dim=v_head_dim,
        hidden_size=hidden,
    )
    base = Attention(
        kind="latent",
        heads=heads,
        kv_heads=1,
        head_dim=nope + rope,
        v_head_dim=v_head_dim,
        split=split,
        copied=formulas.layer.latent_down_params(
            hidden_size=hidden, query_rank=query_rank, kv_rank=kv_rank, rope_dim=rope
        ),
        small=query_rank + kv_rank,
        cache=formulas.layer.latent_cache_elements(kv_rank=kv_rank, rope_dim=rope),
        decode_flops=formulas.layer.absorbed_attention_flops(heads=heads, kv_rank=kv_rank, rope_dim=rope),
        prefill_flops=formulas.layer.attention_flops(heads=heads, head_dim=nope + rope, v_head_dim=v_head_dim),
        latent=True,
    )
    return _with_indexer(config, base, hidden, query_rank) if indexed else base


def _with_indexer(config: Config, base: Attention, hidden: int, query_rank: int) -> Attention:
    heads, width = config.number("index_n_heads"), config.number("index_head_dim")
    return base._replace(
        kind="sparse latent",
        copied=base.copied + query_rank * heads * width + hidden * width + hidden * heads,
        small=base.small + 2 * width,
        index_cache=width,
        attended=config.number("index_topk"),
        index_flops=2 * heads * width,
    )


def compressed(config: Config, ratio: int) -> Attention:
    """DeepSeek-V4: one shared key-value vector an entry, a raw window, and a compressed past (ratio 0: none)."""
    hidden, width = config.need("hidden"), head_dim_of(config)
    base = _raw_window(config, hidden, width)
    if not ratio:
        return base
    sets = 2 if ratio == _OVERLAPPING else 1
    base = base._replace(
        kind="compressed",
        copied=base.copied + 2 * hidden * sets * width,
        small=base.small + ratio * sets * width + width,
        compress=ratio,
    )
    return _with_compressed_indexer(config, base, hidden) if ratio == _OVERLAPPING else base


#: The compression whose windows overlap, carry two sets of weights and are searched by an indexer.
_OVERLAPPING = 4


def _raw_window(config: Config, hidden: int, width: int) -> Attention:
    heads, rank = config.need("heads"), config.number("q_lora_rank")
    groups, out_rank = config.number("o_groups"), config.number("o_lora_rank")
    flops = formulas.layer.attention_flops(heads=heads, head_dim=width, v_head_dim=width)
    return Attention(
        kind="window",
        heads=heads,
        kv_heads=1,
        head_dim=width,
        v_head_dim=width,
        split=rank * heads * width + heads * width * out_rank + groups * out_rank * hidden,
        copied=hidden * (rank + width),
        small=rank + width + heads,
        cache=width,
        window=config.need("window"),
        decode_flops=flops,
        prefill_flops=flops,
        latent=True,
    )


def _with_compressed_indexer(config: Config, base: Attention, hidden: int) -> Attention:
    heads, width, rank = config.number("index_n_heads"), config.number("index_head_dim"), config.number("q_lora_rank")
    return base._replace(
        kind="sparse compressed",
        copied=base.copied + 4 * hidden * width + rank * heads * width + hidden * heads,
        small=base.small + _OVERLAPPING * 2 * width + width,
        index_cache=width,
        attended=config.number("index_topk"),
        index_flops=2 * heads * width,
    )


def gated_delta(config: Config) -> Attention:
    """Gated delta net of Qwen3-Next and 3.5: a fixed state instead of a cache."""
    hidden = config.need("hidden")
    key_heads, value_heads = config.number("linear_num_key_heads"), config.number("linear_num_value_heads")
    key_width, value_width = config.number("linear_key_head_dim"), config.number("linear_value_head_dim")
    kernel = config.number("linear_conv_kernel_dim")
    keys, values = key_heads * key_width, value_heads * value_width
    return Attention(
        kind="recurrent",
        heads=value_heads,
        split=hidden * (2 * keys + 2 * values + 2 * value_heads) + values * hidden,
        small=(2 * keys + values) * kernel + 2 * value_heads + value_width,
        state=value_heads * key_width * value_width,
        conv=(2 * keys + values) * (kernel - 1),
    )


def kimi_delta(config: Config) -> Attention:
    """Kimi delta attention: per-channel decay, three short convolutions, a full-rank output gate where asked."""
    settings = config.section("linear_attn_config")
    hidden, heads, width = config.need("hidden"), settings.number("num_heads"), settings.number("head_dim")
    kernel, channels = settings.number("short_conv_kernel_size"), heads * width
    low_rank = hidden * width + width * channels
    gate = hidden * channels if settings.raw("use_full_rank_gate") else low_rank
    return Attention(
        kind="recurrent",
        heads=heads,
        split=4 * hidden * channels + hidden * heads + low_rank + gate,
        small=3 * channels * kernel + channels + heads + width,
        state=heads * width * width,
        conv=3 * channels * (kernel - 1),
    )


def mamba2(config: Config, *, heads: int, width: int, groups: int, state: int, kernel: int) -> Attention:
    """Mamba-2: a state of ``heads x width x state`` a sequence."""
    hidden, inner = config.need("hidden"), heads * width
    channels = inner + 2 * groups * state
    bias = bool(config.raw("use_conv_bias", config.raw("mamba_conv_bias", True)))
    return Attention(
        kind="recurrent",
        heads=heads,
        split=hidden * (2 * inner + 2 * groups * state + heads) + inner * hidden,
        small=channels * (kernel + bias) + 3 * heads + inner,
        state=inner * state,
        conv=channels * (kernel - 1),
    )


def mamba1(config: Config, *, normed: bool = False) -> Attention:
    """Mamba: a state of ``inner x state`` a sequence; in Jamba with norms inside."""
    hidden, state = config.need("hidden"), config.need("ssm_state")
    inner, kernel = config.need("ssm_expand") * hidden, config.need("ssm_kernel")
    rank = -(-hidden // 16) if config.get("ssm_rank", "auto") == "auto" else config.need("ssm_rank")
    return Attention(
        kind="recurrent",
        split=hidden * 2 * inner + inner * (rank + 2 * state) + rank * inner + inner * hidden,
        small=inner * (kernel + 1) + inner + inner * state + inner + (rank + 2 * state) * normed,
        state=inner * state,
        conv=inner * (kernel - 1),
    )


def short_conv(config: Config) -> Attention:
    """LFM2: a gated convolution over the last few positions."""
    hidden, kernel, bias = config.need("hidden"), config.number("conv_L_cache"), config.flag("conv_bias", "conv_bias")
    return Attention(
        kind="recurrent",
        split=4 * hidden * hidden,
        small=hidden * kernel + 5 * hidden * bias,
        conv=hidden * (kernel - 1),
    )


def lightning(config: Config) -> Attention:
    """MiniMax: linear attention with an output gate, a state of ``head x head`` for each head."""
    heads, width = config.need("heads"), head_dim_of(config)
    return Attention(
        kind="recurrent",
        heads=heads,
        split=5 * config.need("hidden") * heads * width,
        small=heads * width,
        state=heads * width * width,
    )
