"""Attention with other memory than keys and values: one narrow cache of all heads, or a state of fixed size."""

from typing import Any

from infercost import formulas
from infercost.errors import BadFile, Missing
from infercost.models.families import attention, ffn
from infercost.models.families.attention import grouped, head_dim_of, indexed, streamed
from infercost.models.families.config import Config, kind_of, window_of
from infercost.models.families.ffn import first_dense
from infercost.models.model import Attention, Ffn
from infercost.parts.formats import MXFP4

#: Keys of DeepSeek's indexer are fp8 with a 32-bit scale for 128 of them, whatever the cache is.
_INDEX_BITS = 8 + 32 / 128


#: The compression ratio whose windows overlap, carry two sets of weights and are searched by an indexer.
_OVERLAPPING = 4


#: Compression ratios of the kinds of layers in newer files, by their class defaults.
_COMPRESSION = {"compressed_sparse_attention": 4, "heavily_compressed_attention": 128}


_NEMOTRON_LETTERS = {"M": "mamba", "*": "attention", "E": "moe", "-": "mlp"}
_NEMOTRON_WORDS = {**_NEMOTRON_LETTERS, "linear_attention": "mamba", "full_attention": "attention"}


#: The layers with a block in the class default, Zamba2-2.7B.
_ZAMBA2_BLOCKS = (6, 12, 18, 24, 30, 36, 42, 47, 51)


def latent(config: Config, i: int) -> Attention:
    """Multi-head latent attention."""
    hidden, heads = config.need("hidden"), config.need("heads")
    query_rank, kv_rank = config.count("q_lora_rank"), config.number("kv_lora_rank")
    nope, rope = config.number("qk_nope_head_dim"), config.number("qk_rope_head_dim")
    v_head_dim = config.number("v_head_dim")
    entry: dict[str, Any] = {"kv_rank": kv_rank, "rope_dim": rope}
    widths: dict[str, Any] = {"nope_dim": nope, "v_head_dim": v_head_dim, "hidden_size": hidden, **entry}
    matrices = {
        "q_b_proj" if query_rank else "q_proj": (query_rank or hidden) * heads * (nope + rope),
        "kv_a_proj_with_mqa|fused_qkv_a_proj": hidden * (kv_rank + rope),
        "kv_b_proj": kv_rank * heads * nope,
        "kv_b_proj|v_b_proj": kv_rank * heads * v_head_dim,
        "o_proj": heads * v_head_dim * hidden,
        "q_a_proj|fused_qkv_a_proj": hidden * query_rank,
    }
    return Attention(
        kind="latent",
        heads=heads,
        kv_heads=1,
        head_dim=nope + rope,
        v_head_dim=v_head_dim,
        split=formulas.layer.latent_up_params(heads=heads, query_width=query_rank or hidden, **widths),
        copied=formulas.layer.latent_down_params(hidden_size=hidden, query_rank=query_rank, **entry),
        query_rank=query_rank,
        small=query_rank + kv_rank,
        cache=formulas.layer.latent_cache_elements(**entry),
        decode_flops=formulas.layer.absorbed_attention_flops(heads=heads, **entry),
        prefill_flops=formulas.layer.attention_flops(heads=heads, head_dim=nope + rope, v_head_dim=v_head_dim),
        latent=True,
        matrices=tuple(matrices.items()),
    )


def indexed_latent(config: Config, i: int) -> Attention:
    """Latent attention behind DeepSeek's sparse indexer, its own or that of an earlier layer."""
    base = latent(config, i)
    rank, rope = config.number("kv_lora_rank"), config.number("qk_rope_head_dim")
    eight = formulas.layer.packed_latent_bytes(kv_rank=rank, rope_dim=rope)
    four = formulas.layer.packed_four_bit_bytes(kv_rank=rank, rope_dim=rope)
    base = base._replace(packed=eight, packed_four=four)
    if not _has_indexer(config, i):
        return base
    hidden = config.need("hidden")
    rank = config.count("q_lora_rank") or hidden
    heads, width = config.number("index_n_heads"), config.number("index_head_dim")
    sizes = {"wq_b": rank * heads * width, "wk": hidden * width, "weights_proj": hidden * heads}
    matrices = {f"indexer.{name}": size for name, size in sizes.items()}
    attended = config.number("index_topk")
    return indexed(base, matrices, heads, width, attended=attended, small=2 * width, index_bits=_INDEX_BITS)


def _has_indexer(config: Config, i: int) -> bool:
    """Whether layer i has an indexer: by a list of words, of letters, or one layer in ``index_topk_freq``."""
    for key, words in (("indexer_types", ("full",)), ("index_topk_pattern", ("F", "full"))):
        if config.raw(key) is not None:
            return config.at(key, i) in words
    every, first = max(config.number("index_topk_freq", 1), 1), config.number("index_skip_topk_offset", 2)
    return not max(i - first + 1, 0) % every


def _gated_latent(config: Config, base: Attention) -> Attention:
    gate = config.need("hidden") * base.heads
    small = base.small + config.number("qk_rope_head_dim")
    return base._replace(split=base.split + gate, small=small, matrices=(*base.matrices, ("g_proj", gate)))


def dots3(config: Config, i: int) -> Attention:
    """Latent attention with a gate a head: behind an indexer, or in a window with heads and ranks of its own."""
    if kind_of(config, i, "full" if i < 2 or i % 4 == 1 else "window") != "window":
        return _gated_latent(config, indexed_latent(config, i))
    names = ("num_attention_heads", "q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "v_head_dim")
    own = {name: config.number(f"swa_{name}") for name in names}
    own["qk_rope_head_dim"] = config.number("swa_head_dim") - own["qk_nope_head_dim"]
    inner = config.having(own)
    return _gated_latent(inner, latent(inner, i)._replace(kind="window", window=config.need("window")))


def pooled_latent(config: Config, i: int) -> Attention:
    """Latent attention behind an indexer that scores means of ``index_kpool`` positions."""
    base = indexed_latent(config, i)
    if not base.index_cache:
        return base
    width, pool = config.number("index_head_dim"), max(config.number("index_kpool"), 1)
    gate, small = config.need("hidden") * width, base.small + pool * width
    matrices = (*base.matrices, ("indexer.index_kpool_compress_gate", gate))
    flops = base.index_flops // pool
    return base._replace(copied=base.copied + gate, small=small, index_flops=flops, matrices=matrices)


def longcat(config: Config, i: int) -> Attention:
    """Two latent attentions a layer."""
    base = latent(config, i)
    both = ("split", "copied", "small", "cache", "decode_flops", "prefill_flops")
    return base._replace(**{part: 2 * getattr(base, part) for part in both})


def deepseek_v4(config: Config, i: int) -> Attention:
    """One shared key-value vector an entry, a raw window, and a past compressed by ``compress_ratios`` (0: none)."""
    hidden, width = config.need("hidden"), head_dim_of(config)
    ratio = _compression(config, i)
    rope = config.number("qk_rope_head_dim", 64)
    base = _raw_window(config, i, width)
    base = base._replace(packed=formulas.layer.packed_vector_bytes(head_dim=width, rope_dim=rope))
    if not ratio:
        return base
    sets = 2 if ratio == _OVERLAPPING else 1
    compressor = 2 * hidden * sets * width
    base = base._replace(
        kind="compressed",
        copied=base.copied + compressor,
        small=base.small + ratio * sets * width + width,
        compress=ratio,
        matrices=(*base.matrices, ("compressor|indexer", compressor)),
    )
    if ratio != _OVERLAPPING:
        return base
    heads, narrow, rank = config.number("index_n_heads"), config.number("index_head_dim"), config.number("q_lora_rank")
    matrices = {"compressor|indexer": 4 * hidden * narrow + rank * heads * narrow + hidden * heads}
    small, attended = _OVERLAPPING * 2 * narrow + narrow, config.number("index_topk")
    return indexed(base, matrices, heads, narrow, attended=attended, small=small, index_bits=_INDEX_BITS)


def _compression(config: Config, i: int) -> int:
    """The compression ratio of layer i, which newer files give by its kind in ``layer_types``."""
    if config.raw("compress_ratios") is not None or config.raw("layer_types") is None:
        return config.whole(config.at("compress_ratios", i), "compress_ratios")
    rates, word = config.raw("compress_rates") or {}, config.at("layer_types", i)
    return config.whole(rates.get(word, _COMPRESSION.get(word, 0)), "compress_rates")


def deepseek_v41(config: Config, i: int) -> Attention:
    """A raw window, and an indexed past that ``kv_source_layer_ids`` keep and the layers after each of them read.

    Layers of ``index_source_layer_ids`` choose its entries, the others take theirs; those without keys of their own
    search a pool of fixed size, which is not counted. Index keys are MXFP4, whatever the cache is. Two layers of
    ``engram_layer_ids`` let a table of n-grams in.
    """
    hidden, width = config.need("hidden"), head_dim_of(config)
    ratio = config.whole(config.at("compress_ratios", i), "compress_ratios")
    base = _raw_window(config, i, width)
    if i in (config.raw("engram_layer_ids") or ()):
        streams, rows = config.number("hc_mult"), config.number("engram_n_heads") * config.number("engram_head_dim")
        wkv = rows * (config.number("engram_max_ngram_size") - 1) * hidden * (streams + 1)
        matrices = (*base.matrices, ("engram.wkv", wkv))
        base = base._replace(copied=base.copied + wkv, small=base.small + 2 * streams * hidden, matrices=matrices)
    if not ratio:
        return base
    base = base._replace(kind="indexed", attended=config.number("index_topk"), compress=ratio)
    heads, narrow, rank = config.number("index_n_heads"), config.number("index_head_dim"), config.number("q_lora_rank")
    keeps, searches = (i in (config.raw(f"{what}_source_layer_ids") or ()) for what in ("kv", "index"))
    queries = (rank * heads * narrow + hidden * heads) if searches else 0
    keys = width * narrow if keeps else 0
    pooled = hidden * width * (2 if ratio > 1 else 1) if keeps else 0
    more = {"indexer": queries + keys, "compressor": pooled}
    base = base._replace(
        copied=base.copied + sum(more.values()),
        matrices=(*base.matrices, *((name, size) for name, size in more.items() if size)),
        borrows=not keeps,
    )
    if not keeps:
        return base
    return base._replace(
        small=base.small + narrow + width, index_cache=narrow, index_bits=MXFP4, index_flops=2 * heads * narrow
    )


def _raw_window(config: Config, i: int, width: int) -> Attention:
    """A window over uncompressed entries, and the weights that mix residual streams before and after a layer's parts.

    All heads share one KV head, whose keys and values are one vector.
    """
    base = grouped(config, i, config.need("window"), kv_heads=1, head_dim=width)
    hidden, rank = config.need("hidden"), config.number("q_lora_rank")
    groups, out_rank, inner = config.number("o_groups"), config.number("o_lora_rank"), base.heads * width
    copied = {"wq_a|q_a_proj": hidden * rank, "wkv|kv_proj": hidden * width}
    split = {"wq_b|q_b_proj": rank * inner, "wo_a|o_a_proj": inner * out_rank}
    split["wo_b|o_b_proj"] = groups * out_rank * hidden
    shared = base._replace(
        query_rank=rank,
        split=sum(split.values()),
        copied=sum(copied.values()),
        small=rank + width + base.heads,
        cache=width,
        latent=True,
        matrices=(*copied.items(), *split.items()),
    )
    return streamed(config, shared)


def gated(config: Config, base: Attention, name: str = "gate_proj") -> Attention:
    """With an output gate as wide as the values of all heads."""
    gate = config.need("hidden") * base.heads * base.v_head_dim
    return base._replace(split=base.split + gate, matrices=(*base.matrices, (name, gate)))


def hy_v4(config: Config, i: int) -> Attention:
    """Hunyuan 4: behind an indexer on the first layer and every fourth from the second on, a gate, a sink a head.

    Two mixers of residual streams stand before and after each part of a layer.
    """
    base, streams = gated(config, indexed_latent(config, i)), config.number("hc_mult")
    mixer = 2 * streams * (streams * config.need("hidden") + 1) + 2
    return base._replace(small=base.small + base.heads + 2 * mixer, streams=streams)


def mistral_large4(config: Config, i: int) -> Attention:
    """Mistral Large 4: an indexer that scales its scores, every fourth layer without positions, caches of others."""
    every, where = max(config.number("no_rope_layer_interval", 4), 1), "no_rope_layers"
    has_positions = bool(config.at(where, i)) if config.raw(where) is not None else bool((i + 1) % every)
    nope, rope = config.number("qk_nope_head_dim"), config.number("qk_rope_head_dim")
    own = {} if has_positions else {"qk_nope_head_dim": nope + rope, "qk_rope_head_dim": 0}
    base = indexed_latent(config.having(own), i)
    small = base.small + 2 * base.heads
    if base.index_cache:
        small += 2 * config.need("hidden") + 2 * config.number("index_n_heads")
    if config.raw("kv_source_layers") is None or config.at("kv_source_layers", i) == i:
        return base._replace(small=small)
    down = config.need("hidden") * base.cache
    matrices = tuple(each for each in base.matrices if not each[0].startswith("kv_a_proj"))
    small -= config.number("kv_lora_rank")
    return base._replace(
        copied=base.copied - down, small=small, cache=0, borrowed=base.cache, packed=0, packed_four=0, matrices=matrices
    )


def axk2(config: Config, i: int) -> Attention:
    """A.X K2: queries and their gate from a vector twice as wide as the query's rank; norms with a narrow gate."""
    base, rank = indexed_latent(config, i), config.number("q_lora_rank")
    plain = rank * base.heads * base.head_dim
    both = 2 * rank * base.heads * (base.head_dim + base.v_head_dim)
    rest = tuple(each for each in base.matrices if each[0] != "q_b_proj")
    gates = 1 + bool(first_dense(config, i).experts)
    small = base.small + gates * 2 * config.number("gated_norm_rank", 16) * config.need("hidden")
    matrices = (("q_gate_proj", both), *rest)
    return base._replace(split=base.split - plain + both, small=small, matrices=matrices)


def deepseek_v2(config: Config, i: int) -> Attention:
    """Latent attention, or that of Llama where ``use_mla`` is off, as in DeepSeek-OCR."""
    if config.raw("use_mla", True):
        return latent(config, i)
    return grouped(config, i, head_dim=config.need("hidden") // config.need("heads"))


# Layers that keep a state of fixed size, and which layers do so in families that mix them with attention.


def _recurrent(matrices: dict[str, int], **counts: Any) -> Attention:
    """A layer with a state, whose matrices tensor parallelism splits."""
    return Attention("recurrent", split=sum(matrices.values()), matrices=tuple(matrices.items()), **counts)


def _decaying(matrices: dict[str, int], heads: int, width: int, kernel: int) -> Attention:
    """A state with a decay for each channel, behind three short convolutions of such a kernel."""
    channels = heads * width
    return _recurrent(
        matrices,
        heads=heads,
        small=3 * channels * kernel + channels + heads + width,
        state=heads * width * width,
        conv=3 * channels * (kernel - 1),
    )


def gated_delta(config: Config, i: int) -> Attention:
    """Qwen3-Next and 3.5: every fourth layer attends, with an output gate; the others are a gated delta net."""
    hidden, every = config.need("hidden"), max(config.number("full_attention_interval"), 1)
    if kind_of(config, i, "recurrent" if (i + 1) % every else "full") != "recurrent":
        base = attention.grouped(config, i)
        return base._replace(split=base.split + hidden * base.heads * base.head_dim)
    return _delta_net(config)


def _delta_net(config: Config) -> Attention:
    """A gated delta net: queries and keys of some heads, values and gates of more, one convolution over them."""
    hidden = config.need("hidden")
    key_heads, value_heads = config.number("linear_num_key_heads"), config.number("linear_num_value_heads")
    key_width, value_width = config.number("linear_key_head_dim"), config.number("linear_value_head_dim")
    kernel = config.number("linear_conv_kernel_dim")
    keys, values = key_heads * key_width, value_heads * value_width
    matrices = {
        "in_proj_qkv|in_proj_qkvz": hidden * (2 * keys + values),
        "in_proj_z|in_proj_qkvz": hidden * values,
        "in_proj_b|in_proj_ba": hidden * value_heads,
        "in_proj_a|in_proj_ba": hidden * value_heads,
        "out_proj": values * hidden,
    }
    return _recurrent(
        matrices,
        heads=value_heads,
        small=(2 * keys + values) * kernel + 2 * value_heads + value_width,
        state=value_heads * key_width * value_width,
        conv=(2 * keys + values) * (kernel - 1),
    )


def lara(config: Config, i: int) -> Attention:
    """A gated delta net, or attention without a gate, some of it in a window."""
    if kind_of(config, i, ("recurrent", "window", "recurrent", "full", "window")[i % 5]) == "recurrent":
        return _delta_net(config)
    return attention.grouped(config, i, window_of(config, i, usual=i % 5 in (1, 4)))


def olmo_hybrid(config: Config, i: int) -> Attention:
    """A gated delta net of three parts of four, as wide as the config or its class says, and Llama's attention."""
    if kind_of(config, i, "full" if i % 4 == 3 else "recurrent") != "recurrent":
        return attention.grouped(config, i)
    width = config.number("linear_key_head_dim", 3 * config.need("hidden") // (4 * config.need("heads")))
    own = {
        "linear_key_head_dim": width,
        "linear_value_head_dim": config.number("linear_value_head_dim", 2 * width),
        "linear_num_key_heads": config.number("linear_num_key_heads", config.need("heads")),
        "linear_num_value_heads": config.number("linear_num_value_heads", config.need("heads")),
    }
    return _delta_net(config.having(own))


def lfm3(config: Config, i: int) -> Attention:
    """Short convolutions, and attention with a gate a head on every second layer, half of it in a window."""
    usual = "full" if i % 4 == 2 else "window" if i % 4 == 0 and i else "recurrent"
    if kind_of(config, i, usual) == "recurrent":
        return _short_conv(config)
    gate = config.need("heads") * config.need("hidden") * bool(config.raw("use_attention_gate", True))
    base = attention.grouped(config, i, window_of(config, i, usual=usual == "window"))
    return base._replace(split=base.split + gate, matrices=(*base.matrices, ("g_proj", gate)))


def plamo2(config: Config, i: int) -> Attention:
    """Mamba-2 whose inputs are projected after its convolution, and attention on one layer of ``mamba_step``."""
    step, depth = max(config.number("mamba_step"), 1), config.need("layers")
    if i == depth - 1 if depth <= step // 2 else i % step == step // 2:
        return attention.grouped(config, i)
    hidden, heads, state = config.need("hidden"), config.number("mamba_num_heads"), config.need("ssm_state")
    inner, rank, kernel = heads * config.need("head_dim"), max(64, hidden // 16), config.need("ssm_kernel")
    matrices = {"in_proj": 2 * hidden * inner, "bcdt_proj": inner * (rank + 2 * state), "dt_proj": rank * heads}
    return _recurrent(
        {**matrices, "out_proj": inner * hidden},
        heads=heads,
        small=inner * kernel + 3 * heads + rank + 2 * state,
        state=inner * state,
        conv=inner * (kernel - 1),
    )


def zaya(config: Config, i: int) -> Attention:
    """Attention whose queries and keys pass two short convolutions, and half of whose values come a token late."""
    base = attention.grouped(config, i, window_of(config, i, usual=False))
    channels, first, second = (
        (base.heads + base.kv_heads) * base.head_dim,
        *map(config.number, ("cca_time0", "cca_time1")),
    )
    small = channels * (first + 1) + channels * (base.head_dim * second + 1) + base.kv_heads
    late = base.kv_heads * base.v_head_dim // 2
    return base._replace(small=base.small + small, conv=channels * (first + second - 2) + late)


def glm5_next(config: Config, i: int) -> Attention:
    """Kimi delta attention, and latent attention behind an indexer on every fourth layer; residual streams."""
    if kind_of(config, i, "full" if i % 4 == 3 else "recurrent") != "recurrent":
        return attention.streamed(config, pooled_latent(config, i))
    return attention.streamed(config, _kimi_delta(config))


def qwen4_exp(config: Config, i: int) -> Attention:
    """As Qwen3.5 with an indexer over means of keys, residual streams, and tables of n-grams on some layers."""
    hidden, streams, rank = config.need("hidden"), config.number("hc_count"), config.number("hc_lowrank")
    base, wide = gated_delta(config, i), streams * hidden
    mixing = {"hyper_connection": 4 * wide * rank + 2 * wide * streams}
    small = base.small + 2 * wide
    if base.kind != "recurrent" and (heads := config.number("indexer_n_heads", 0)):
        width, ratio = config.number("indexer_head_dim"), max(config.number("indexer_compress_ratio"), 1)
        indexer = {"indexer.index_qk_proj": hidden * (heads + 1) * width}
        attended = config.number("indexer_budget")
        base = attention.indexed(base, indexer, heads, width, attended=attended, small=2 * width, index_bits=16)
        base, small = base._replace(index_flops=base.index_flops // ratio), small + 2 * width
    if i + 1 in (config.raw("ple_layer_ids") or ()):
        inputs, kernel = config.number("ple_embed_dim", hidden), config.number("ple_conv_kernel_size")
        mixing["ple"] = inputs * (wide + hidden)
        small += 3 * wide + wide * kernel
        base = base._replace(conv=base.conv + wide * (kernel - 1) * config.number("ngram_size"))
    matrices = (*base.matrices, *mixing.items())
    return base._replace(copied=base.copied + sum(mixing.values()), small=small, streams=streams, matrices=matrices)


def kimi_linear(config: Config, i: int) -> Attention:
    """Latent attention where ``layer_types`` says so or ``full_attn_layers`` counts a layer, else Kimi delta attention.

    The latter has a full-rank output gate if the config says so.
    """
    settings, hidden = config.section("linear_attn_config"), config.need("hidden")
    if kind_of(config, i, "full" if i + 1 in settings.raw("full_attn_layers", []) else "recurrent") != "recurrent":
        base = latent(config, i)
        gate = hidden * base.heads * base.v_head_dim * bool(config.raw("mla_use_output_gate"))
        return base._replace(split=base.split + gate, matrices=(*base.matrices, ("g_proj", gate)))
    return _kimi_delta(config)


def _kimi_delta(config: Config) -> Attention:
    """Kimi delta attention: a decay for each channel, three short convolutions, an output gate."""
    settings, hidden = config.section("linear_attn_config"), config.need("hidden")
    heads = settings.number("num_heads", config.raw("linear_num_heads"))
    # the section of a file has its own head_dim, beside that of attention
    width = _own(config, "head_dim") or config.number("linear_head_dim")
    kernel = settings.number("short_conv_kernel_size", config.raw("linear_conv_kernel_dim"))
    channels = heads * width
    matrices = {f"{name}_proj": hidden * channels for name in "qkvo"} | {"b_proj": hidden * heads}
    matrices |= {"f_a_proj": hidden * width, "f_b_proj": width * channels}
    low_rank = {"g_a_proj": hidden * width, "g_b_proj": width * channels}
    matrices |= {"g_proj": hidden * channels} if settings.raw("use_full_rank_gate") else low_rank
    return _decaying(matrices, heads, width, kernel)


def _own(config: Config, key: str) -> int:
    """A number of ``linear_attn_config`` itself, 0 where it has none."""
    inside = config.raw("linear_attn_config")
    return config.whole(inside[key], key) if isinstance(inside, dict) and key in inside else 0


def bailing(config: Config, i: int) -> Attention:
    """Every ``layer_group_size``-th layer has latent attention, with a gate for each head; the others keep a state.

    That is of Kimi delta attention with full-rank gates or, in files with ``group_norm_size``, of lightning attention.
    """
    hidden, every = config.need("hidden"), max(config.number("layer_group_size"), 1)
    is_lightning = config.raw("group_norm_size") is not None
    if kind_of(config, i, "recurrent" if (i + 1) % every else "full") != "recurrent":
        return latent(config, i) if is_lightning else _latent_with_gate(config, i)
    heads, width = config.need("heads"), config.number("linear_head_dim", config.number("head_dim"))
    channels = heads * width
    if is_lightning:
        matrices = {"query_key_value": 3 * hidden * channels, "g_proj": hidden * channels, "dense": channels * hidden}
        norms = channels + 2 * width * bool(config.raw("use_qk_norm"))
        return _recurrent(matrices, heads=heads, small=norms, state=heads * width * width)
    kernel = config.number("short_conv_kernel_size")
    matrices = {f"{name}_proj": hidden * channels for name in "qkvofg"} | {"b_proj": hidden * heads}
    return _decaying(matrices, heads, width, kernel)


def _latent_with_gate(config: Config, i: int) -> Attention:
    base = latent(config, i)
    gate = config.need("hidden") * base.heads
    return base._replace(split=base.split + gate, matrices=(*base.matrices, ("g_proj", gate)))


def minimax(config: Config, i: int) -> Attention:
    """Lightning attention, and full attention where ``layer_types`` or a 1 in ``attn_type_list`` says so.

    The former is linear, with an output gate and a state of ``head x head`` for each head.
    """
    if config.raw("attn_type_list") is not None:
        attends = bool(config.at("attn_type_list", i))
    else:
        attends = kind_of(config, i, "recurrent" if i % 2 else "full") != "recurrent"
    if attends:
        return attention.grouped(config, i)
    heads, width = config.need("heads"), attention.head_dim_of(config)
    each = config.need("hidden") * heads * width
    matrices = {"qkv_proj": 3 * each, "output_gate": each, "out_proj": each}
    return _recurrent(matrices, heads=heads, small=heads * width, state=heads * width * width)


def lfm2(config: Config, i: int) -> Attention:
    """Attention where ``layer_types`` or ``full_attn_idxs`` says so, else a gated convolution over a few positions."""
    usual = "full" if i in config.raw("full_attn_idxs", range(i + 1)) else "recurrent"
    return _short_conv(config) if kind_of(config, i, usual) == "recurrent" else attention.grouped(config, i)


def _short_conv(config: Config) -> Attention:
    """A gated convolution over a few positions."""
    hidden, kernel, bias = config.need("hidden"), config.number("conv_L_cache"), config.flag("conv_bias", "conv_bias")
    matrices = {"in_proj": 3 * hidden * hidden, "out_proj": hidden * hidden}
    return _recurrent(matrices, small=hidden * kernel + 5 * hidden * bias, conv=hidden * (kernel - 1))


def jamba(config: Config, i: int) -> Attention:
    """Attention in one layer of ``attn_layer_period``, else Mamba with norms inside."""
    attends = i % config.number("attn_layer_period") == config.number("attn_layer_offset")
    return attention.grouped(config, i) if attends else mamba1(config, i, normed=True)


def mamba1(config: Config, i: int, *, normed: bool = False) -> Attention:
    """Mamba: a state of ``inner x state`` a sequence."""
    hidden, state = config.need("hidden"), config.need("ssm_state")
    inner, kernel = config.need("ssm_expand") * hidden, config.need("ssm_kernel")
    inner = inner if normed else config.opt("width", inner)
    rank = -(-hidden // 16) if config.get("ssm_rank", "auto") == "auto" else config.need("ssm_rank")
    matrices = {"in_proj": 2 * hidden * inner, "x_proj": inner * (rank + 2 * state), "dt_proj": rank * inner}
    return _recurrent(
        {**matrices, "out_proj": hidden * inner},
        small=inner * (kernel + 1) + inner + inner * state + inner + (rank + 2 * state) * normed,
        state=inner * state,
        conv=inner * (kernel - 1),
    )


def _mamba2(config: Config, heads: int, inner: int) -> Attention:
    """Mamba-2: a state of ``heads x width x state`` a sequence, heads as wide as ``inner`` allows."""
    hidden, state, kernel = config.need("hidden"), config.need("ssm_state"), config.need("ssm_kernel")
    inner = heads * (inner // max(heads, 1))
    channels = inner + 2 * config.need("ssm_groups") * state
    bias = bool(config.raw("use_conv_bias", config.raw("mamba_conv_bias", True)))
    return _recurrent(
        {"in_proj": hidden * (inner + channels + heads), "out_proj": hidden * inner},
        heads=heads,
        small=channels * (kernel + bias) + 3 * heads + inner,
        state=inner * state,
        conv=channels * (kernel - 1),
    )


def mamba2(config: Config, i: int) -> Attention:
    """Mamba-2 alone."""
    heads = config.number("num_heads")
    return _mamba2(config, heads, heads * config.number("head_dim"))


def granite_hybrid(config: Config, i: int) -> Attention:
    """Mamba-2 where ``layer_types`` names it, and everywhere without."""
    if kind_of(config, i, "recurrent") != "recurrent":
        return attention.grouped(config, i)
    return _mamba2(config, config.number("mamba_n_heads"), config.number("mamba_expand") * config.need("hidden"))


def recurrent_gemma(config: Config, i: int) -> Attention:
    """A gated linear recurrence whose gates are blocks, and windowed attention on every third layer."""
    kinds = config.raw("block_types", ("recurrent", "recurrent", "attention"))
    if kinds[i % len(kinds)] == "attention":
        return attention.grouped(config, i, config.number("attention_window_size", 2048))
    hidden, kernel = config.need("hidden"), config.number("conv1d_width", 4)
    width, heads = config.number("lru_width", hidden), config.need("heads")
    gates = {f"{name}_gate_weight": width * width // heads for name in ("input", "recurrent")}
    return _recurrent(
        {"linear_x": hidden * width, "linear_y": hidden * width, "linear_out": width * hidden, **gates},
        heads=heads,
        small=2 * width + hidden + width * (kernel + 1) + 3 * width,
        state=width,
        conv=width * (kernel - 1),
    )


def bamba(config: Config, i: int) -> Attention:
    """Attention on the layers that ``attn_layer_indices`` or ``layer_types`` names, else Mamba-2."""
    usual = "full" if i in (config.raw("attn_layer_indices") or ()) else "recurrent"
    if kind_of(config, i, usual) != "recurrent":
        return attention.grouped(config, i)
    return _mamba2(config, config.number("mamba_n_heads"), config.number("mamba_expand") * config.need("hidden"))


def falcon_h1(config: Config, i: int) -> Attention:
    """Attention and Mamba-2 side by side in every layer."""
    base = attention.grouped(config, i)
    inner = config.count("mamba_d_ssm") or config.number("mamba_expand") * config.need("hidden")
    state = _mamba2(config, config.number("mamba_n_heads"), inner)
    small = base.small + state.small - (0 if config.raw("mamba_rms_norm") else inner)
    split, matrices = base.split + state.split, state.matrices
    return base._replace(split=split, small=small, state=state.state, conv=state.conv, matrices=matrices)


def _nemotron_word(config: Config, i: int) -> str:
    """What layer i is: mamba, attention, moe or mlp."""
    word = str(config.at("layers_block_type" if config.raw("layers_block_type") else "hybrid_override_pattern", i))
    word = _NEMOTRON_WORDS.get(word, word)
    if word not in _NEMOTRON_WORDS.values():
        raise BadFile(f"{config.where}: layer {i} is {word[:40]!r}", "known are mamba, attention, moe and mlp")
    return word


def nemotron(config: Config, i: int) -> Attention:
    """One thing a layer: Mamba-2, attention, or neither."""
    word = _nemotron_word(config, i)
    if word == "mamba":
        heads = config.number("mamba_num_heads")
        return _mamba2(config, heads, heads * config.number("mamba_head_dim"))
    return attention.grouped(config, i) if word == "attention" else Attention(kind="none")


def nemotron_ffn(config: Config, i: int) -> Ffn:
    """One thing a layer: experts, a plain feed-forward part, or neither."""
    word = _nemotron_word(config, i)
    if word != "moe":
        return (ffn.dense if word == "mlp" else ffn.none)(config, i)
    shared = config.number("moe_shared_expert_intermediate_size", 0) * config.number("n_shared_experts", 1)
    return ffn.experts(config, i, shared_width=shared)


def _zamba2_blocks(config: Config) -> list[int]:
    """The layers with a transformer block, in order."""
    if (words := config.raw("layers_block_type")) is not None:
        if odd := [word for word in words if word not in ("mamba", "linear_attention", "hybrid")]:
            raise BadFile(f"{config.where}: layers_block_type holds {str(odd[0])[:40]!r}", "known are mamba and hybrid")
        return [i for i, word in enumerate(words) if word == "hybrid"]
    if config.raw("hybrid_layer_ids") is None and config.need("layers") != 54:
        raise Missing(f"{config.where}: has no layers_block_type", "add the key: which layers are hybrid")
    return list(config.raw("hybrid_layer_ids", _ZAMBA2_BLOCKS))


def _reuses_block(config: Config, i: int) -> bool:
    """Whether the block of layer i is one of the first ``num_mem_blocks`` again, which alone hold weights."""
    return _zamba2_blocks(config).index(i) >= config.number("num_mem_blocks")


def zamba2(config: Config, i: int) -> Attention:
    """Mamba-2, and now and then a transformer block whose weights several layers share."""
    state = _zamba2_state(config)
    if i not in _zamba2_blocks(config):
        return state
    hidden, block = config.need("hidden"), _zamba2_attention(config, i)
    adapted = config.raw("use_shared_attention_adapter", config.raw("use_shared_attention_lora"))
    own = hidden * hidden + 12 * hidden * config.need("adapter_rank", 128) * bool(adapted)
    shared = own + (0 if _reuses_block(config, i) else block.split)
    matrices = (*state.matrices, ("shared_transformer|linear", shared))
    split = state.split + shared
    return block._replace(split=split, small=state.small, state=state.state, conv=state.conv, matrices=matrices)


def zamba2_ffn(config: Config, i: int) -> Ffn:
    """The feed-forward part of a shared block, and an adapter of the layer's own."""
    if i not in _zamba2_blocks(config):
        return ffn.none(config, i)
    hidden, inner = config.need("hidden"), config.opt("width", 4 * config.need("hidden"))
    rank, block = config.need("adapter_rank", 128), 3 * hidden * inner
    adapter = hidden * rank + 2 * rank * inner
    if _reuses_block(config, i):
        return Ffn("gated", width=inner, dense=adapter, reused=_zamba2_attention(config, i).split + block)
    biases = (2 * inner + hidden) * bool(config.raw("add_bias_linear"))
    return Ffn("gated", width=inner, dense=block + adapter, small=3 * hidden + biases)


def _zamba2_state(config: Config) -> Attention:
    hidden, width = config.need("hidden"), config.number("mamba_headdim", 0)
    inner = config.need("ssm_expand") * hidden
    base = _mamba2(config, config.number("n_mamba_heads", inner // width if width else None), inner)
    biases = (base.split // hidden - inner + hidden) * bool(config.raw("add_bias_linear"))
    return base._replace(small=base.small + biases)


def _zamba2_attention(config: Config, i: int) -> Attention:
    """Attention over the layer's input and the model's side by side: queries, keys and values have twice the rows."""
    hidden = config.need("hidden")
    base = attention.grouped(config, i, head_dim=2 * hidden // config.need("heads"))
    return base._replace(split=base.split + hidden * base.head_dim * (base.heads + 2 * base.kv_heads))
