"""Layers of families with experts behind a router."""

from infercost.families import attention, feedforward
from infercost.families.config import Config
from infercost.families.pattern import Made, kind_of
from infercost.model import Ffn


def every_expert(config: Config, i: int) -> Made:
    """Experts in every layer; a window that reaches the whole context is none."""
    window = config.opt("window")
    window = window if window < config.number("max_position_embeddings", window + 1) else 0
    return attention.grouped(config, window), feedforward.mixture(config)


def sparse_steps(config: Config, i: int) -> Made:
    """Qwen: experts in every ``decoder_sparse_step``-th layer that ``mlp_only_layers`` does not name."""
    return attention.grouped(config), qwen_ffn(config, i)


def qwen_ffn(config: Config, i: int) -> Ffn:
    """Experts by Qwen's steps, with a gated shared expert where the config has one."""
    step, dense_ones = config.number("decoder_sparse_step", 1), config.raw("mlp_only_layers", [])
    if config.get("experts") is None or i in dense_ones or (i + 1) % step:
        return feedforward.dense(config)
    shared = config.number("shared_expert_intermediate_size", 0)
    return feedforward.mixture(config, shared_width=shared, small=config.need("hidden") * bool(shared))


def gemma4(config: Config, i: int) -> Made:
    """Global layers have wider heads and their own KV heads; experts stand beside a dense part."""
    hidden, is_window = config.need("hidden"), kind_of(config, i, lambda n: bool((n + 1) % 6)) == "window"
    if is_window:
        made = attention.grouped(config, config.need("window"))
    else:
        kv_heads = config.number("num_global_key_value_heads", config.need("kv_heads"))
        width = config.number("global_head_dim", attention.head_dim_of(config))
        made = attention.grouped(config, kv_heads=kv_heads, head_dim=width)
        if config.raw("attention_k_eq_v"):  # values are the keys before rotation: no matrix of their own
            made = made._replace(split=made.split - hidden * kv_heads * width)
    if not config.raw("enable_moe_block"):
        return made, feedforward.dense(config)
    extra = 3 * hidden + hidden + config.need("experts")
    return made, feedforward.mixture(config, shared_width=config.need("width"), small=extra)


def dbrx(config: Config, i: int) -> Made:
    """Keys nested in ``attn_config`` and ``ffn_config``."""
    seen, fed = config.section("attn_config"), config.section("ffn_config")
    return attention.grouped(seen), feedforward.mixture(
        fed, width=fed.number("ffn_hidden_size", 0) or fed.need("width")
    )


def gpt_oss(config: Config, i: int) -> Made:
    """Every other layer sees a window; a sink a head, biases on everything, the experts included."""
    window = config.need("window") if kind_of(config, i, lambda n: n % 2 == 0) == "window" else 0
    made = attention.grouped(config, window)
    ffn = feedforward.mixture(config)
    biases = 2 * ffn.width + config.need("hidden")
    sinks = made.small + made.heads
    return made._replace(small=sinks), ffn._replace(expert_small=biases, small=ffn.small + ffn.experts)


def first_dense(config: Config, i: int) -> Ffn:
    """Experts from ``first_k_dense_replace`` on, where ``moe_layer_freq`` says so."""
    every = config.raw("moe_layer_freq", 1)
    if isinstance(every, list):
        has_experts = bool(config.at("moe_layer_freq", i))
    else:
        step = max(config.number("moe_layer_freq", 1), 1)
        has_experts = i >= config.number("first_k_dense_replace", 0) and i % step == 0
    if config.get("experts") is None or not has_experts:
        return feedforward.dense(config, config.number("dense_intermediate_size", config.need("width")))
    return feedforward.mixture(config)


def deepseek(config: Config, i: int) -> Made:
    """Latent attention; the first layers dense, then experts."""
    return attention.latent(config), first_dense(config, i)


def deepseek_sparse(config: Config, i: int) -> Made:
    """Latent attention behind a sparse indexer."""
    indexed = config.raw("indexer_types") is None or config.at("indexer_types", i) == "full"
    return attention.latent(config, indexed=indexed), first_dense(config, i)


def glm4(config: Config, i: int) -> Made:
    """Biases on queries, keys and values where the config says so; norms of each head in the large one."""
    made = attention.grouped(config)
    biases = (made.heads + 2 * made.kv_heads) * made.head_dim * bool(config.raw("attention_bias"))
    norms = 2 * made.head_dim * bool(config.raw("use_qk_norm"))
    return made._replace(small=made.small + biases + norms), first_dense(config, i)


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
        made = made._replace(split=made.split - keys_and_values, cache=0, small=made.small - norms // 2)
    return made, feedforward.mixture(config, width=config.need("width"))


def ernie(config: Config, i: int) -> Made:
    """Experts between ``moe_layer_start_index`` and ``moe_layer_end_index``."""
    start, end = config.number("moe_layer_start_index", 0), config.raw("moe_layer_end_index", -1)
    last = config.need("layers") - 1 if end == -1 else config.number("moe_layer_end_index")
    has_experts = start <= i <= last and (i + 1) % config.number("moe_layer_interval", 1) == 0
    return attention.grouped(config), feedforward.mixture(config) if has_experts else feedforward.dense(config)


def llama4(config: Config, i: int) -> Made:
    """Three layers of four see a chunk; experts every ``interleave_moe_layer_step``, one shared expert always."""
    is_chunk = bool(config.at("no_rope_layers", i)) if config.raw("no_rope_layers") else bool((i + 1) % 4)
    made = attention.grouped(config, config.number("attention_chunk_size", 8192) if is_chunk else 0)
    if (i + 1) % config.number("interleave_moe_layer_step", 1):
        return made, feedforward.dense(config, config.number("intermediate_size_mlp"))
    return made, feedforward.mixture(config, width=config.need("width"), shared_width=config.need("width"))
