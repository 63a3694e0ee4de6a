"""Layers of Zamba 2: Mamba-2, and now and then a transformer block whose weights several layers share."""

from infercost.engine import architecture
from infercost.errors import BadFile, Missing
from infercost.families import attention, feedforward
from infercost.families.config import Config
from infercost.families.pattern import Made
from infercost.model import Attention

#: The layers of the class default, Zamba2-2.7B, that have a block besides.
_USUAL = (6, 12, 18, 24, 30, 36, 42, 47, 51)


def zamba2(config: Config, i: int) -> Made:
    """The first ``num_mem_blocks`` of the shared blocks hold weights; those after them use one of these again."""
    with_block = _with_block(config)
    state = _state_space(config)
    if i not in with_block:
        return state, feedforward.none()
    hidden, inner = config.need("hidden"), config.opt("width", 4 * config.need("hidden"))
    block = _block_attention(config)
    linear, norms = hidden * hidden, 3 * hidden
    rank = config.number("adapter_rank", config.number("lora_rank", 128))
    fed, adapter = 3 * hidden * inner, hidden * rank + 2 * rank * inner
    ffn = feedforward.none()._replace(
        kind="gated", width=inner, dense=fed + adapter, small=norms + _bias(config, inner)
    )
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


def _state_space(config: Config) -> Attention:
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
    flops = architecture.attention_flops(heads=heads, head_dim=width, v_head_dim=width)
    return Attention(
        kind="full",
        heads=heads,
        kv_heads=kv_heads,
        head_dim=width,
        v_head_dim=width,
        split=2 * hidden * width * (heads + 2 * kv_heads) + heads * width * hidden,
        cache=architecture.cache_elements(kv_heads=kv_heads, head_dim=width, v_head_dim=width),
        decode_flops=flops,
        prefill_flops=flops,
    )
