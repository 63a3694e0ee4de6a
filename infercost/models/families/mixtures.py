"""Layers of Gemma 3n and 4: inputs of their own, caches that earlier layers filled, global layers of another shape."""

from infercost.models.families import attention, dense
from infercost.models.families.config import Config, Made, all_but_every, kind_of, window_of
from infercost.models.model import Attention, Ffn


def every_expert(config: Config, i: int) -> Made:
    """Experts in every layer."""
    return attention.grouped(config, window_of(config, i, lambda _: True)), dense.mixture(config)


def sparse_steps(config: Config, i: int) -> Made:
    """Qwen: experts in every ``decoder_sparse_step``-th layer that ``mlp_only_layers`` does not name."""
    window = window_of(config, i, lambda _: True) if config.raw("use_sliding_window") else 0
    return attention.grouped(config, window), qwen_ffn(config, i)


def qwen2(config: Config, i: int) -> Made:
    """The same, with a window on even layers below ``max_window_layers`` where ``use_sliding_window`` says so."""
    last = config.number("max_window_layers")
    window = window_of(config, i, lambda n: n % 2 == 0 and n < last) if config.raw("use_sliding_window") else 0
    return attention.grouped(config, window), qwen_ffn(config, i)


def qwen_ffn(config: Config, i: int) -> Ffn:
    """Experts by Qwen's steps, with a gated shared expert where the config has one."""
    step, dense_ones = config.number("decoder_sparse_step", 1), config.raw("mlp_only_layers", [])
    if config.get("experts") is None or i in dense_ones or (i + 1) % step:
        return dense.dense(config)
    shared = config.number("shared_expert_intermediate_size", 0)
    return dense.mixture(config, shared_width=shared, small=config.need("hidden") * bool(shared))


def dbrx(config: Config, i: int) -> Made:
    """Keys nested in ``attn_config`` and ``ffn_config``."""
    seen, fed = config.section("attn_config"), config.section("ffn_config")
    return attention.grouped(seen), dense.mixture(fed, width=fed.number("ffn_hidden_size", 0) or fed.need("width"))


def gpt_oss(config: Config, i: int) -> Made:
    """Every other layer sees a window; a sink a head, biases on everything, the experts included."""
    made = attention.grouped(config, window_of(config, i, lambda n: n % 2 == 0))
    ffn = dense.mixture(config)
    biases = 2 * ffn.width + config.need("hidden")
    sinks = made.small + made.heads
    return made._replace(small=sinks), ffn._replace(expert_small=biases, small=ffn.small + ffn.experts)


def first_dense(config: Config, i: int) -> Ffn:
    """Experts where a list of layers says so, else from ``first_k_dense_replace`` on."""
    listed = next((key for key in ("moe_layer_freq", "is_moe_layer") if isinstance(config.raw(key), list)), None)
    if config.raw("mlp_layer_types") is not None:
        has_experts = config.at("mlp_layer_types", i) == "sparse"
    elif listed:
        has_experts = bool(config.at(listed, i))
    else:
        step = max(config.number("moe_layer_freq", 1), 1)
        has_experts = i >= config.count("first_k_dense_replace") and i % step == 0
    none_at_all = config.has("experts") and config.get("experts") is None
    if none_at_all or not has_experts:
        return dense.dense(config, config.number("dense_intermediate_size", config.need("width")))
    return dense.mixture(config)


def deepseek(config: Config, i: int) -> Made:
    """Latent attention; the first layers dense, then experts."""
    return attention.latent(config), first_dense(config, i)


def deepseek_sparse(config: Config, i: int) -> Made:
    """Latent attention behind a sparse indexer, or behind what the last layer that has one found."""
    return attention.latent(config, indexed=_has_indexer(config, i)), first_dense(config, i)


def _has_indexer(config: Config, i: int) -> bool:
    """Whether layer i has an indexer: as listed, by letters, or one in ``index_topk_freq`` after the first ones."""
    for key, words in (("indexer_types", ("full",)), ("index_topk_pattern", ("F", "full"))):
        if config.raw(key) is not None:
            return config.at(key, i) in words
    every, first = max(config.number("index_topk_freq", 1), 1), config.number("index_skip_topk_offset", 2)
    return not max(i - first + 1, 0) % every


def first_layers_dense(config: Config, i: int) -> Made:
    """Grouped-query attention; the first layers dense, then experts."""
    return attention.grouped(config), first_dense(config, i)


def dots(config: Config, i: int) -> Made:
    """The same, with a window from ``max_window_layers`` on."""
    first = config.number("max_window_layers")
    return attention.grouped(config, window_of(config, i, lambda n: n >= first)), first_dense(config, i)


def exaone(config: Config, i: int) -> Made:
    """The same, every fourth layer full, the others with a window."""
    return attention.grouped(config, all_but_every(config, i)), first_dense(config, i)


def minimax_m3(config: Config, i: int) -> Made:
    """Grouped-query attention with a block indexer on most layers; the first layers dense."""
    sparse, hidden = config.section("sparse_attention_config"), config.need("hidden")
    made, ffn = attention.grouped(config), first_dense(config, i)
    if not sparse.raw("use_sparse_attention") or not sparse.at("sparse_attention_freq", i):
        return made, ffn
    heads, width = sparse.number("sparse_num_index_heads"), sparse.number("sparse_index_dim")
    return (
        made._replace(
            kind="sparse",
            copied=hidden * width * (heads + 1),
            small=made.small + 2 * width,
            index_cache=width,
            attended=sparse.number("sparse_topk_blocks") * sparse.number("sparse_block_size"),
            index_flops=2 * heads * width,
        ),
        ffn,
    )


def mimo_v2(config: Config, i: int) -> Made:
    """Window layers have their own KV heads and a sink a head; keys are wider than values."""
    if not config.at("hybrid_layer_pattern", i):
        made = attention.grouped(config, v_head_dim=config.number("v_head_dim"))
        return made, first_dense(config, i)
    heads = config.number("swa_num_attention_heads")
    made = attention.grouped(
        config,
        config.need("window"),
        heads=heads,
        kv_heads=config.number("swa_num_key_value_heads"),
        head_dim=config.number("swa_head_dim"),
        v_head_dim=config.number("swa_v_head_dim"),
        small=heads * bool(config.raw("add_swa_attention_sink_bias")),
    )
    return made, first_dense(config, i)


def hunyuan(config: Config, i: int) -> Made:
    """Every second layer reuses the keys and values of the one before it."""
    made = attention.grouped(config)
    norms = 2 * made.head_dim * bool(config.raw("use_qk_norm"))
    made = made._replace(small=made.small + norms)
    if config.raw("use_cla") and i % config.number("cla_share_factor"):
        keys_and_values = config.need("hidden") * made.kv_heads * 2 * made.head_dim
        made = made._replace(
            split=made.split - keys_and_values, cache=0, borrowed=made.cache, small=made.small - norms // 2
        )
    return made, dense.mixture(config, width=config.need("width"))


def ernie(config: Config, i: int) -> Made:
    """Experts between ``moe_layer_start_index`` and ``moe_layer_end_index``."""
    start, end = config.number("moe_layer_start_index", 0), config.raw("moe_layer_end_index", -1)
    last = config.need("layers") - 1 if end == -1 else config.number("moe_layer_end_index")
    has_experts = start <= i <= last and (i + 1) % config.number("moe_layer_interval", 1) == 0
    return attention.grouped(config), dense.mixture(config) if has_experts else dense.dense(config)


def llama4(config: Config, i: int) -> Made:
    """Three layers of four see a chunk; experts every ``interleave_moe_layer_step``, one shared expert always."""
    is_chunk = bool(config.at("no_rope_layers", i)) if config.raw("no_rope_layers") else bool((i + 1) % 4)
    made = attention.grouped(config, config.number("attention_chunk_size", 8192) if is_chunk else 0)
    if (i + 1) % config.number("interleave_moe_layer_step", 1):
        return made, dense.dense(config, config.number("intermediate_size_mlp"))
    return made, dense.mixture(config, width=config.need("width"), shared_width=config.need("width"))


def hunyuan_v1(config: Config, i: int) -> Made:
    """Experts in every layer beside one shared; numbers of experts may be a list with one entry a layer."""
    listed = [key for key in ("moe_topk", "num_experts", "num_shared_expert") if isinstance(config.raw(key), list)]
    layer = Config({**config.inner, **{key: config.at(key, i) for key in listed}}, config.where)
    layer.defaults = config.defaults
    return attention.grouped(layer), dense.mixture(layer, width=layer.need("width"), shared_width=layer.need("width"))


def granite_shared(config: Config, i: int) -> Made:
    """A shared part beside the experts, or alone where there are none."""
    shared = config.number("shared_intermediate_size")
    if config.get("experts") in (0, None):
        return attention.grouped(config), dense.dense(config, shared)
    return attention.grouped(config), dense.mixture(config, width=config.need("width"), shared_width=shared)


def longcat(config: Config, i: int) -> Made:
    """Two latent attentions and two dense parts a layer, and experts, some of which pass a token on as it is."""
    made, hidden = attention.latent(config), config.need("hidden")
    idle, ffn = config.number("zero_expert_num"), dense.mixture(config)
    both = ("split", "copied", "small", "cache", "decode_flops", "prefill_flops")
    share = ffn.experts / (ffn.experts + idle)
    return made._replace(**{part: 2 * getattr(made, part) for part in both}), ffn._replace(
        active=round(ffn.active * share),
        shared=2 * dense.dense(config).dense,
        router=hidden * (ffn.experts + idle),
        small=ffn.small + ffn.experts + idle,
    )


def gemma3n(config: Config, i: int) -> Made:
    """Four layers of five see a window; beside both parts stand a low-rank residual and streams that are mixed."""
    hidden, streams = config.need("hidden"), config.number("altup_num_inputs")
    made = attention.grouped(config, window_of(config, i, lambda n: bool((n + 1) % 5)))
    listed = isinstance(config.raw("intermediate_size"), list)
    width = config.whole(config.at("intermediate_size", i), "intermediate_size") if listed else config.need("width")
    ffn = dense.dense(config, width)
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
        ffn = dense.mixture(config, shared_width=config.need("width"), small=extra)
    else:
        doubled = bool(config.raw("use_double_wide_mlp")) and _is_shared(config, i)
        ffn = dense.dense(config, config.need("width") * (2 if doubled else 1))
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
