"""Layers of Zamba 2: Mamba-2, and now and then a transformer block whose weights several layers share."""

from infercost import formulas
from infercost.errors import BadFile, Missing
from infercost.models.families import attention, dense
from infercost.models.families.config import Config, Made, kind_of
from infercost.models.families.mixtures import granite_shared, qwen_ffn
from infercost.models.model import Attention

_NEMOTRON_WORDS = {
    "M": "mamba",
    "*": "attention",
    "E": "moe",
    "-": "mlp",
    "linear_attention": "mamba",
    "full_attention": "attention",
}


def gated_delta(config: Config, i: int) -> Made:
    """Qwen3-Next and 3.5: every fourth layer attends, with an output gate on the queries; the others keep a state."""
    every = config.number("full_attention_interval")
    listed = config.raw("layer_types")
    recurrent = config.at("layer_types", i) == "linear_attention" if listed else bool((i + 1) % max(every, 1))
    if recurrent:
        return attention.gated_delta(config), qwen_ffn(config, i)
    made = attention.grouped(config)
    gate = config.need("hidden") * made.heads * made.head_dim
    return made._replace(split=made.split + gate), qwen_ffn(config, i)


def granite_hybrid(config: Config, i: int) -> Made:
    """Mamba-2 where ``layer_types`` names it, and everywhere without; a shared part beside the experts."""
    attends, ffn = granite_shared(config, i)
    if config.raw("layer_types") is not None and kind_of(config, i, lambda _: False) != "recurrent":
        return attends, ffn
    inner = config.number("mamba_expand") * config.need("hidden")
    return _mamba2(config, inner), ffn


def _mamba2(config: Config, inner: int) -> Attention:
    """Mamba-2 so wide, by the keys of Granite and Falcon-H1."""
    heads = config.number("mamba_n_heads")
    return attention.mamba2(
        config,
        heads=heads,
        width=inner // max(heads, 1),
        groups=config.number("mamba_n_groups"),
        state=config.number("mamba_d_state"),
        kernel=config.number("mamba_d_conv"),
    )


def falcon_h1(config: Config, i: int) -> Made:
    """Attention and Mamba-2 side by side in every layer."""
    made = attention.grouped(config)
    inner = config.count("mamba_d_ssm") or config.number("mamba_expand") * config.need("hidden")
    beside = _mamba2(config, inner)
    norm = 0 if config.raw("mamba_rms_norm") else inner
    return (
        made._replace(
            split=made.split + beside.split,
            small=made.small + beside.small - norm,
            state=beside.state,
            conv=beside.conv,
        ),
        dense.dense(config),
    )


def lfm2(config: Config, i: int) -> Made:
    """Short convolutions, and attention where ``layer_types`` or ``full_attn_idxs`` says so."""
    width = config.number("block_ff_dim", 0) or config.need("width")
    if config.raw("block_auto_adjust_ff_dim", True):
        width = int(2 * width / 3)
        if (share := config.raw("block_ffn_dim_multiplier", 1.0)) is not None:
            multiple = config.number("block_multiple_of", 256)
            width = -(-int(share * width) // multiple) * multiple
    return _conv_or_attention(config, i), dense.dense(config, width)


def lfm2_moe(config: Config, i: int) -> Made:
    """The same, with experts after the first dense layers."""
    is_dense = i < config.number("num_dense_layers")
    return _conv_or_attention(config, i), dense.dense(config) if is_dense else dense.mixture(config)


def _conv_or_attention(config: Config, i: int) -> Attention:
    if config.raw("layer_types") is not None:
        attends = kind_of(config, i, lambda _: False) != "recurrent"
    else:
        attends = i in config.raw("full_attn_idxs", range(i + 1))
    return attention.grouped(config) if attends else attention.short_conv(config)


def minimax(config: Config, i: int) -> Made:
    """Lightning attention, and full attention where ``layer_types`` or a 1 in ``attn_type_list`` says so."""
    if config.raw("attn_type_list") is not None:
        attends = bool(config.at("attn_type_list", i))
    elif config.raw("layer_types") is not None:
        attends = kind_of(config, i, lambda _: False) != "recurrent"
    else:
        attends = i % 2 == 0
    return attention.grouped(config) if attends else attention.lightning(config), dense.mixture(config)


def mamba(config: Config, i: int) -> Made:
    """Mamba alone."""
    return attention.mamba1(config), dense.none()


def jamba(config: Config, i: int) -> Made:
    """Attention once in ``attn_layer_period`` layers, experts once in ``expert_layer_period``."""
    attends = i % config.number("attn_layer_period") == config.number("attn_layer_offset")
    has_experts = i % config.number("expert_layer_period") == config.number("expert_layer_offset")
    ffn = dense.mixture(config) if has_experts else dense.dense(config)
    return (attention.grouped(config) if attends else attention.mamba1(config, normed=True)), ffn


def mamba2(config: Config, i: int) -> Made:
    """Mamba-2 alone."""
    return _state_space(config, "num_heads", "head_dim", "state_size")


def _state_space(config: Config, heads: str, width: str, state: str) -> Made:
    """A Mamba-2 layer without a feed-forward part, by what a family calls its heads, their width and its state."""
    made = attention.mamba2(
        config,
        heads=config.number(heads),
        width=config.number(width),
        groups=config.number("n_groups"),
        state=config.number(state),
        kernel=config.number("conv_kernel"),
    )
    return made, dense.none()


def nemotron(config: Config, i: int) -> Made:
    """One thing a layer: Mamba-2, attention, experts or a plain feed-forward part."""
    if config.raw("layers_block_type"):
        what = str(config.at("layers_block_type", i))
    else:
        what = str(config.at("hybrid_override_pattern", i))
    what = _NEMOTRON_WORDS.get(what, what)
    if what == "mamba":
        return _state_space(config, "mamba_num_heads", "mamba_head_dim", "ssm_state_size")
    if what == "attention":
        return attention.grouped(config), dense.none()
    none = Attention(kind="none")
    if what == "mlp":
        return none, dense.dense(config)
    if what != "moe":
        raise BadFile(f"{config.where}: layer {i} is {what[:40]!r}", "known are mamba, attention, moe and mlp")
    latent = config.number("moe_latent_size", 0)
    shared = config.number("moe_shared_expert_intermediate_size", 0) * config.number("n_shared_experts", 1)
    return none, dense.mixture(config, shared_width=shared, latent=latent)


def deepseek_v4(config: Config, i: int) -> Made:
    """Compressed attention by ``compress_ratios``; experts in every layer; four residual streams mixed twice."""
    hidden, streams = config.need("hidden"), config.number("hc_mult")
    ratio = int(config.at("compress_ratios", i))
    mixed = (2 + streams) * streams
    mixing = 2 * (mixed * streams * hidden + mixed + 3)
    made = attention.compressed(config, ratio)
    ffn = dense.mixture(config)
    if i < config.number("num_hash_layers", 0):  # experts by a fixed table of tokens: no bias
        ffn = ffn._replace(small=ffn.small - ffn.experts)
    return made._replace(small=made.small + mixing), ffn


def streams_head(config: Config) -> int:
    """DeepSeek-V4: what joins the residual streams before the last norm."""
    streams = config.number("hc_mult")
    return streams * streams * config.need("hidden") + streams + 1


def kimi_linear(config: Config, i: int) -> Made:
    """Kimi delta attention, and latent attention on the layers that ``full_attn_layers`` counts from one."""
    hidden, full = config.need("hidden"), config.section("linear_attn_config").raw("full_attn_layers", [])
    latent_width = config.number("routed_expert_hidden_size", 0)
    if i < config.number("first_k_dense_replace", 0):
        ffn = dense.dense(config)
    else:
        ffn = dense.mixture(config, latent=latent_width)
    if i + 1 not in full:
        return attention.kimi_delta(config), ffn
    made = attention.latent(config)
    gate = hidden * made.heads * made.v_head_dim * bool(config.raw("mla_use_output_gate"))
    return made._replace(split=made.split + gate), ffn


#: The layers of the class default, Zamba2-2.7B, that have a block besides.
_USUAL = (6, 12, 18, 24, 30, 36, 42, 47, 51)


def zamba2(config: Config, i: int) -> Made:
    """The first ``num_mem_blocks`` of the shared blocks hold weights; those after them use one of these again."""
    with_block = _with_block(config)
    state = _grouped_state_space(config)
    if i not in with_block:
        return state, dense.none()
    hidden, inner = config.need("hidden"), config.opt("width", 4 * config.need("hidden"))
    block = _block_attention(config)
    linear, norms = hidden * hidden, 3 * hidden
    rank = config.number("adapter_rank", config.number("lora_rank", 128))
    fed, adapter = 3 * hidden * inner, hidden * rank + 2 * rank * inner
    ffn = dense.none()._replace(kind="gated", width=inner, dense=fed + adapter, small=norms + _bias(config, inner))
    adapted = config.raw("use_shared_attention_adapter", config.raw("use_shared_attention_lora"))
    beside = 12 * hidden * rank * bool(adapted)
    made = block._replace(state=state.state, conv=state.conv, small=state.small)
    if with_block.index(i) < config.number("num_mem_blocks"):
        return made._replace(split=state.split + linear + beside + block.split), ffn
    again = ffn._replace(dense=adapter, small=0, reused=block.split + fed)
    return made._replace(split=state.split + linear + beside), again


def _with_block(config: Config) -> list[int]:
    """The layers that have a block, in order."""
    if config.raw("layers_block_type") is not None:
        words = config.raw("layers_block_type")
        if odd := [word for word in words if word not in ("mamba", "linear_attention", "hybrid")]:
            raise BadFile(f"{config.where}: layers_block_type holds {str(odd[0])[:40]!r}", "known are mamba and hybrid")
        return [i for i, word in enumerate(words) if word == "hybrid"]
    if config.raw("hybrid_layer_ids") is None and config.need("layers") != 54:
        raise Missing(f"{config.where}: has no layers_block_type", "add the key: which layers are hybrid")
    return list(config.raw("hybrid_layer_ids", _USUAL))


def _grouped_state_space(config: Config) -> Attention:
    inner, width = config.need("ssm_expand") * config.need("hidden"), config.number("mamba_headdim", 0)
    heads = config.number("n_mamba_heads", inner // width if width else None)
    made = attention.mamba2(
        config,
        heads=heads,
        width=inner // max(heads, 1),
        groups=config.number("mamba_ngroups"),
        state=config.need("ssm_state"),
        kernel=config.need("ssm_kernel"),
    )
    projected = made.split // config.need("hidden") - inner
    biases = (projected + config.need("hidden")) * bool(config.raw("add_bias_linear"))
    return made._replace(small=made.small + biases)


def _bias(config: Config, inner: int) -> int:
    return (2 * inner + config.need("hidden")) * bool(config.raw("add_bias_linear"))


def _block_attention(config: Config) -> Attention:
    """Attention over the layer's input and the model's side by side, so its matrices are twice as wide on that side."""
    hidden, heads = config.need("hidden"), config.need("heads")
    kv_heads, width = config.need("kv_heads", heads), 2 * hidden // heads
    flops = formulas.layer.attention_flops(heads=heads, head_dim=width, v_head_dim=width)
    return Attention(
        kind="full",
        heads=heads,
        kv_heads=kv_heads,
        head_dim=width,
        v_head_dim=width,
        split=2 * hidden * width * (heads + 2 * kv_heads) + heads * width * hidden,
        cache=formulas.layer.cache_elements(kv_heads=kv_heads, head_dim=width, v_head_dim=width),
        decode_flops=flops,
        prefill_flops=flops,
    )
