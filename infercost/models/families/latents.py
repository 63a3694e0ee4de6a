"""Latent attention: all heads share one narrow cache, behind indexers, in windows, compressed, or of other layers."""

from typing import Any

from infercost import formulas
from infercost.models.families.attention import grouped, head_dim_of, indexed, streamed
from infercost.models.families.config import Config, kind_of
from infercost.models.families.ffn import first_dense
from infercost.models.model import Attention
from infercost.parts.formats import MXFP4


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


#: Keys of DeepSeek's indexer are fp8 with a 32-bit scale for 128 of them, whatever the cache is.
_INDEX_BITS = 8 + 32 / 128


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


#: The compression ratio whose windows overlap, carry two sets of weights and are searched by an indexer.
_OVERLAPPING = 4


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


#: Compression ratios of the kinds of layers in newer files, by their class defaults.
_COMPRESSION = {"compressed_sparse_attention": 4, "heavily_compressed_attention": 128}


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
