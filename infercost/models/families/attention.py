"""Attention of layer i, from a config: its parameters, what it leaves in the KV cache, its operations.

Every function takes the config and the number of the layer, so that a row of the table can name any of them.
"""

from collections.abc import Callable
from typing import Any

from infercost import formulas
from infercost.errors import Missing
from infercost.models.families.config import Config, kind_of, window_of
from infercost.models.model import Attention

Attends = Callable[[Config, int], Attention]


def head_dim_of(config: Config) -> int:
    """Width of a head: its own key, or the hidden size over the heads."""
    return config.need("head_dim", config.need("hidden") // config.need("heads"))


def grouped(
    config: Config,
    i: int,
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
    hidden, keys = config.need("hidden"), kv_heads * head_dim
    biases = (heads * head_dim + keys + kv_heads * v_head_dim) * config.flag("qkv_bias", "attention_bias")
    biases += hidden * config.flag("o_bias", "attention_bias")
    # norms of queries and keys: a vector of one head's width each, or of all heads'
    norm = config.defaults.get("qk_norm", "") if config.flag("has_qk_norm", default=True) else ""
    norms = {"": 0, "head": 2 * head_dim, "all": heads * head_dim + keys}[norm]
    flops = formulas.layer.attention_flops(heads=heads, head_dim=head_dim, v_head_dim=v_head_dim)
    return Attention(
        kind="window" if window else "full",
        **dims,
        split=formulas.layer.grouped_query_params(hidden_size=hidden, **dims),
        small=small + biases + norms + heads * config.flag("sinks"),
        cache=formulas.layer.cache_elements(kv_heads=kv_heads, head_dim=head_dim, v_head_dim=v_head_dim),
        window=window,
        decode_flops=flops,
        prefill_flops=flops,
    )


def windows(usual: Callable[[Config, int], bool]) -> Attends:
    """A window on the layers that ``layer_types`` names, or without that on the family's usual ones."""
    return lambda config, i: grouped(config, i, window_of(config, i, usual=usual(config, i)))


windowed = windows(lambda *_: True)
even_windowed = windows(lambda _, i: i % 2 == 0)
early_windowed = windows(lambda config, i: i % 2 == 0 and i < config.number("max_window_layers"))
late_windowed = windows(lambda config, i: i >= config.number("max_window_layers"))


def full_every(n: int) -> Attends:
    """Every n-th layer sees all, the others a window; ``sliding_window_pattern`` may say n, or ``LLLG`` for 4."""

    def usual(config: Config, i: int) -> bool:
        keys = ("sliding_window_pattern", "_sliding_window_pattern", "global_attn_every_n_layers")
        pattern = next((config.raw(key) for key in keys if config.raw(key) is not None), n)
        step = len(pattern) if isinstance(pattern, str) else config.whole(pattern, "sliding_window_pattern")
        return bool((i + 1) % max(step, 1))

    return windows(usual)


def if_switched_on(attend: Attends) -> Attends:
    """Windows only where ``use_sliding_window`` says so."""
    return lambda config, i: (attend if config.raw("use_sliding_window") else grouped)(config, i)


def gated(attend: Attends, *, per_head: bool = False) -> Attends:
    """With an output gate as wide as the queries, or of one number a head."""

    def attention(config: Config, i: int) -> Attention:
        base = attend(config, i)
        width = base.heads * (1 if per_head else base.head_dim)
        gate = config.need("hidden") * width
        return base._replace(split=base.split + gate, matrices=(*base.matrices, ("gate_proj|g_proj", gate)))

    return attention


def beam(config: Config, i: int) -> Attention:
    """One layer of six and the last see all, the others a window; an output gate with a bias a head."""
    usual = bool((i + 1) % 6) and i < config.need("layers") - 1
    base = gated(windows(lambda *_: usual))(config, i)
    return base._replace(small=base.small + base.heads)


def bitnet(config: Config, i: int) -> Attention:
    """With a norm before the way out."""
    base = grouped(config, i)
    return base._replace(small=base.small + base.heads * base.v_head_dim)


def persimmon(config: Config, i: int) -> Attention:
    """Norms with biases of the queries and keys of a head."""
    base = grouped(config, i)
    return base._replace(small=base.small + 4 * base.head_dim * bool(config.raw("qk_layernorm", True)))


def voxtral_realtime(config: Config, i: int) -> Attention:
    """A window on every layer, and a narrow pair of matrices that set a norm by the delay."""
    base = windowed(config, i)
    return base._replace(small=base.small + 2 * 32 * config.need("hidden"))


def laguna(config: Config, i: int) -> Attention:
    """Windows where ``layer_types`` says so; a count of heads for each layer, and a gate for each head or element."""
    listed = config.raw("num_attention_heads_per_layer") is not None
    heads = config.whole(config.at("num_attention_heads_per_layer", i), "heads") if listed else 0
    per_head = config.raw("gating") in (True, "per-head")

    def attend(config: Config, i: int) -> Attention:
        return grouped(config, i, window_of(config, i, usual=False), heads=heads)

    return (gated(attend, per_head=per_head) if config.raw("gating") else attend)(config, i)


def step3(config: Config, i: int) -> Attention:
    """Windows where ``layer_types`` says so, with heads of their own; a gate for each head."""
    window, other = window_of(config, i, usual=False), config.section("attention_other_setting")
    inner = config.number("num_sliding_attention_heads", other.need("heads"))
    return gated(lambda config, i: grouped(config, i, window, heads=inner if window else 0), per_head=True)(config, i)


def multi_matrix(config: Config, i: int) -> Attention:
    """Step3: one KV head, and queries through a narrow vector that a second matrix widens."""
    hidden, base = config.need("hidden"), grouped(config, i, kv_heads=1)
    rank, inner = config.number("share_q_dim", base.head_dim), base.heads * base.head_dim
    copied = {"qkv_proj": hidden * (rank + 2 * base.head_dim)}
    split = {"wq": rank * inner, "o_proj": inner * hidden}
    return base._replace(
        query_rank=rank,
        split=sum(split.values()),
        copied=sum(copied.values()),
        small=base.small + rank,
        matrices=(*copied.items(), *split.items()),
    )


def looped(config: Config, i: int) -> Attention:
    """Grouped-query attention in a stack that runs ``num_loops`` times: later rounds reuse its matrices."""
    base = grouped(config, i)
    return base if i < config.need("layers") else base._replace(split=0, small=0)


def k2_horizon(config: Config, i: int) -> Attention:
    """Grouped-query attention, with an output gate where ``attention_gate_func`` names one.

    Raises:
        Missing: values by experts, whose sizes are not published in the config.
    """
    if config.number("mova_num_experts", 0):
        what = f"{config.where}: its values come from {config.raw('mova_num_experts')} experts (MoVA)"
        raise Missing(what, "their sizes are not known here: the dense and plainly sparse sizes of K2-Horizon are")
    return (gated(grouped) if config.raw("attention_gate_func") else grouped)(config, i)


def inkling(config: Config, i: int) -> Attention:
    """Windows with heads of their own, relative positions by a matrix, and four short convolutions a layer."""
    local = config.raw("local_layer_ids")
    usual = i in local if isinstance(local, list) else bool((i + 1) % 6)
    is_window = kind_of(config, i, "window" if usual else "full") == "window"
    names = ("num_attention_heads", "num_key_value_heads", "head_dim")
    heads, kv_heads, width = (config.number(f"swa_{name}" if is_window else name) for name in names)
    hidden, relative, kernel = config.need("hidden"), config.number("d_rel"), config.number("sconv_kernel_size")
    extent = config.need("window") if is_window else config.number("rel_extent")
    convolved = 2 * kv_heads * width + 2 * hidden
    small = relative * extent + convolved * kernel
    sizes: dict[str, Any] = {"heads": heads, "kv_heads": kv_heads, "head_dim": width, "small": small}
    base = grouped(config, i, config.need("window") if is_window else 0, **sizes)
    matrix = hidden * heads * relative
    matrices = (*base.matrices, ("r_proj", matrix))
    return base._replace(split=base.split + matrix, conv=convolved * (kernel - 1), matrices=matrices)


def streamed(config: Config, base: Attention) -> Attention:
    """With the weights that mix residual streams before and after both parts of a layer."""
    streams = config.number("hc_mult")
    mixers = (2 + streams) * streams
    small = base.small + 2 * (mixers * streams * config.need("hidden") + mixers + 3)
    return base._replace(small=small, streams=streams)


def bidirectional(attend: Attends) -> Attends:
    """Of an encoder: every token sees all, before and after it, at once; nothing is cached, and nothing decoded."""

    def attention(config: Config, i: int) -> Attention:
        base = attend(config, i)
        whole = 1 if base.window else 2  # causal attention has half of the pairs
        return base._replace(kind="encoder", cache=0, decode_flops=0, prefill_flops=whole * base.prefill_flops)

    return attention


encoder = bidirectional(grouped)


def modernbert(config: Config, i: int) -> Attention:
    """One layer of ``global_attn_every_n_layers`` sees all; the first has no norm of its own."""
    usual = "window" if i % max(config.number("global_attn_every_n_layers"), 1) else "full"
    window = config.number("local_attention") if kind_of(config, i, usual) == "window" else 0
    base = bidirectional(lambda config, i: grouped(config, i, window))(config, i)
    return base._replace(small=base.small - (0 if i else config.need("hidden")))


def falcon(config: Config, i: int) -> Attention:
    """One KV head unless the decoder is the new one; its layers have one norm or two."""
    new = bool(config.raw("new_decoder_architecture"))
    base = grouped(config, i, kv_heads=config.need("kv_heads")) if new else multi_query(config, i)
    norms = config.number("num_ln_in_parallel_attn", 2 if new else 1) if config.raw("parallel_attn", True) else 2
    return base._replace(small=base.small + 2 * norms * config.need("hidden"))


def multi_query(config: Config, i: int) -> Attention:
    """All heads share one KV head unless ``multi_query`` says otherwise."""
    return grouped(config, i, kv_heads=1 if config.raw("multi_query", True) else config.need("heads"))


def chatglm(config: Config, i: int) -> Attention:
    """KV heads that ``multi_query_group_num`` counts, where ``multi_query_attention`` says so."""
    shared = config.raw("multi_query_attention")
    return grouped(config, i, kv_heads=config.number("multi_query_group_num") if shared else config.need("heads"))


def nemotron_nas(config: Config, i: int) -> Attention:
    """Blocks from an architecture search: their own KV groups, none at all, or one matrix instead."""
    block, hidden = config.at("block_configs", i)["attention"], config.need("hidden")
    if block.get("no_op"):
        return Attention(kind="none")
    if block.get("replace_with_linear"):
        whole = hidden * hidden
        return Attention(kind="none", split=whole, small=hidden, matrices=(("linear_attn|in_proj", whole),))
    return grouped(config, i, kv_heads=config.need("heads") // int(block["n_heads_in_group"]), small=hidden)


def mllama(config: Config, i: int) -> Attention:
    """Some layers attend to the image alone: they cache no text, and two gates scale what they add."""
    base = grouped(config, i)
    if i not in config.raw("cross_attention_layers"):
        return base
    small = base.small + 2 * base.head_dim + 2
    return base._replace(kind="image", cache=0, decode_flops=0, prefill_flops=0, small=small)


def phi3_small(config: Config, i: int) -> Attention:
    """Sparse blocks on all layers but every n-th: the cache is whole, and counted as read whole."""
    base = grouped(config, i)
    sparse = (i + 1) % max(config.number("dense_attention_every_n_layers"), 1)
    return base._replace(kind="blocks" if sparse else base.kind)


def dbrx(config: Config, i: int) -> Attention:
    """Keys in a section ``attn_config``."""
    return grouped(config.section("attn_config"), i)


def minimax_m3(config: Config, i: int) -> Attention:
    """Grouped-query attention behind a block indexer on most layers, by ``layer_types`` or keys of a section."""
    base, sparse = grouped(config, i), config.section("sparse_attention_config")
    if listed := config.raw("layer_types") is not None:
        is_sparse = config.at("layer_types", i) in ("minimax_m3_sparse", "sparse_attention")
    else:
        is_sparse = bool(sparse.raw("use_sparse_attention") and sparse.at("sparse_attention_freq", i))
    if not is_sparse:
        return base
    names = ("index_n_heads", "index_head_dim", "index_topk_blocks", "index_block_size")
    if not listed:
        names = ("sparse_num_index_heads", "sparse_index_dim", "sparse_topk_blocks", "sparse_block_size")
    heads, width, blocks, block = (sparse.number(name) for name in names)
    matrices = {"index_q_proj|index_k_proj|indexer": config.need("hidden") * width * (heads + 1)}
    return indexed(base, matrices, heads, width, attended=blocks * block, small=2 * width, index_bits=16)


def indexed(
    base: Attention,
    matrices: dict[str, int],
    heads: int,
    width: int,
    *,
    attended: int,
    small: int,
    index_bits: float = 0,
) -> Attention:
    """Attention to those entries that an indexer with heads of its own chooses."""
    return base._replace(
        kind="sparse" if base.kind == "full" else f"sparse {base.kind}",
        copied=base.copied + sum(matrices.values()),
        small=base.small + small,
        index_cache=width,
        index_bits=index_bits,
        attended=attended,
        index_flops=2 * heads * width,
        matrices=(*base.matrices, *matrices.items()),
    )


def mimo_v2(config: Config, i: int) -> Attention:
    """Window layers have their own KV heads and a sink for each head; keys are wider than values.

    Newer files name them in ``layer_types``: they have twice the KV heads of the others, and all else like them.
    """
    is_newer = config.raw("hybrid_layer_pattern") is None and config.raw("layer_types") is not None
    v_head_dim = config.number("v_head_dim")
    if not (kind_of(config, i, "full") == "window" if is_newer else config.at("hybrid_layer_pattern", i)):
        return grouped(config, i, v_head_dim=v_head_dim)
    heads = config.number("swa_num_attention_heads", config.need("heads"))
    if is_newer:
        kv_heads = 2 * config.need("kv_heads")
        return grouped(config, i, config.need("window"), kv_heads=kv_heads, v_head_dim=v_head_dim, small=heads)
    return grouped(
        config,
        i,
        config.need("window"),
        heads=heads,
        kv_heads=config.number("swa_num_key_value_heads"),
        head_dim=config.number("swa_head_dim"),
        v_head_dim=config.number("swa_v_head_dim"),
        small=heads * bool(config.raw("add_swa_attention_sink_bias")),
    )


def hunyuan(config: Config, i: int) -> Attention:
    """Every second layer reuses the keys and values of the one before it."""
    base = grouped(config, i)
    return _borrowing(config, base) if config.raw("use_cla") and i % config.number("cla_share_factor") else base


def _borrowing(config: Config, base: Attention) -> Attention:
    """The layer without keys, values and the keys' norm, which takes another's."""
    split = config.need("hidden") * base.heads * (base.head_dim + base.v_head_dim)
    norm = base.head_dim * config.flag("has_qk_norm", default=True)
    return base._replace(split=split, small=base.small - norm, cache=0, borrowed=base.cache)


def llama4(config: Config, i: int) -> Attention:
    """Three layers of four see a chunk."""
    is_chunk = bool(config.at("no_rope_layers", i)) if config.raw("no_rope_layers") else bool((i + 1) % 4)
    return grouped(config, i, config.number("attention_chunk_size", 8192) if is_chunk else 0)


def gemma3n(config: Config, i: int) -> Attention:
    """Four layers of five see a window; the last ones take the cache of an earlier layer."""
    base = grouped(config, i, window_of(config, i, usual=bool((i + 1) % 5)))
    return _borrowing(config, base) if shares_cache(config, i) else base


def gemma4(config: Config, i: int) -> Attention:
    """Five layers of six see a window; the others have wider heads and their own KV heads."""
    if kind_of(config, i, "window" if (i + 1) % 6 else "full") == "window":
        base = grouped(config, i, config.need("window"))
    else:
        kv_heads = config.number("num_global_key_value_heads", config.need("kv_heads"))
        width = config.number("global_head_dim", head_dim_of(config))
        base = grouped(config, i, kv_heads=kv_heads, head_dim=width)
        if config.raw("attention_k_eq_v"):  # values are the keys before rotation: no matrix of their own
            base = base._replace(split=base.split - config.need("hidden") * kv_heads * width)
    return _borrowing(config, base) if shares_cache(config, i) else base


def shares_cache(config: Config, i: int) -> bool:
    """Whether a layer takes keys and values of an earlier one, as the last ``num_kv_shared_layers`` do."""
    return i >= config.need("layers") - config.number("num_kv_shared_layers", 0)
