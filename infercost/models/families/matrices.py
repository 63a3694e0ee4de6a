"""The names of a layer's matrices in checkpoints, and the size of each.

Lists of modules that a quantization skips name single matrices, so each is known by every name that checkpoints and
engines use for it, its fused ones too.
"""

from collections.abc import Callable
from typing import NamedTuple

from infercost.models.families.config import Config
from infercost.models.model import Attention, Layer

#: A matrix by the ends of its names, and its parameters.
Matrix = tuple[tuple[str, ...], float]
_FUSED = ("qkv_proj", "query_key_value", "Wqkv", "wqkv", "W_pack", "c_attn")
_QUERY, _KEY, _VALUE = ("q_proj", *_FUSED), ("k_proj", *_FUSED), ("v_proj", *_FUSED)
_OUT = ("o_proj", "out_proj", "dense", "c_proj", "wo")
_GATE = ("gate_proj", "gate_up_proj", "w1", "input_linear", "w1w3")
_UP = ("up_proj", "gate_up_proj", "w3", "input_linear", "fc1", "c_fc", "dense_h_to_4h", "fc_in")
_DOWN = ("down_proj", "w2", "output_linear", "fc2", "c_proj", "dense_4h_to_h", "fc_out")


def _cached(config: Config, attention: Attention) -> list[Matrix]:
    return (_latent if attention.latent else _grouped)(config, attention)


def _grouped(config: Config, attention: Attention) -> list[Matrix]:
    """Grouped-query attention; queries hold their output gate too, and keys and values may be another layer's."""
    hidden = config.need("hidden")
    query = hidden * attention.heads * attention.head_dim
    out = hidden * attention.heads * attention.v_head_dim
    state = _mamba2(config, attention) if attention.state else []
    left = attention.split - out - sum(size for _, size in state)
    key = min(hidden * attention.kv_heads * attention.head_dim, left - query)
    value = min(hidden * attention.kv_heads * attention.v_head_dim, left - query - key)
    index = [(("index_q_proj", "index_k_proj", "indexer"), float(attention.copied))] if attention.copied else []
    return [(_QUERY, left - key - value), (_KEY, key), (_VALUE, value), (_OUT, out), *state, *index]


def _latent(config: Config, attention: Attention) -> list[Matrix]:
    """Down-projections, up-projections and output; Kimi Linear has a gate besides."""
    hidden, heads = config.need("hidden"), attention.heads
    query_rank, kv_rank = config.count("q_lora_rank"), config.number("kv_lora_rank")
    rope, width = config.number("qk_rope_head_dim"), attention.v_head_dim
    names: list[Matrix] = [
        (("q_b_proj",) if query_rank else ("q_proj",), (query_rank or hidden) * heads * attention.head_dim),
        (("kv_a_proj_with_mqa", "fused_qkv_a_proj"), hidden * (kv_rank + rope)),
        (("kv_b_proj",), kv_rank * heads * (attention.head_dim - rope + width)),
        (("o_proj",), heads * width * hidden),
    ]
    if query_rank:
        names.append((("q_a_proj", "fused_qkv_a_proj"), hidden * query_rank))
    if config.raw("mla_use_output_gate"):
        names.append((("g_proj",), hidden * heads * width))
    if narrow := attention.index_cache:
        index_heads = attention.index_flops // (2 * narrow)
        sizes = {"wq_b": query_rank * index_heads * narrow, "wk": hidden * narrow, "weights_proj": hidden * index_heads}
        names += [((f"indexer.{name}",), size) for name, size in sizes.items()]
    return names


def _deepseek_v4(config: Config, attention: Attention) -> list[Matrix]:
    """Compressor and indexer are one matrix here, which no list takes apart."""
    hidden, width, out = config.need("hidden"), attention.head_dim, config.number("o_lora_rank")
    rank, inner = config.number("q_lora_rank"), attention.heads * attention.head_dim
    names: list[Matrix] = [
        (("wq_a", "q_a_proj"), hidden * rank),
        (("wq_b", "q_b_proj"), rank * inner),
        (("wkv", "kv_proj"), hidden * width),
        (("wo_a", "o_a_proj"), inner * out),
        (("wo_b", "o_b_proj"), config.number("o_groups") * out * hidden),
    ]
    rest = attention.split + attention.copied - sum(size for _, size in names)
    return [*names, (("compressor", "indexer"), rest)]


def _unnamed(config: Config, attention: Attention) -> list[Matrix]:
    """One matrix in the place of attention, or attention whose matrices nobody lists singly."""
    return [(("linear_attn", "in_proj"), attention.split + attention.copied)]


def _gated_delta(config: Config, attention: Attention) -> list[Matrix]:
    hidden, heads = config.need("hidden"), attention.heads
    values = heads * config.number("linear_value_head_dim")
    keys = config.number("linear_num_key_heads") * config.number("linear_key_head_dim")
    return [
        (("in_proj_qkv", "in_proj_qkvz"), hidden * (2 * keys + values)),
        (("in_proj_z", "in_proj_qkvz"), hidden * values),
        (("in_proj_b", "in_proj_ba"), hidden * heads),
        (("in_proj_a", "in_proj_ba"), hidden * heads),
        (("out_proj",), values * hidden),
    ]


def _kimi_delta(config: Config, attention: Attention) -> list[Matrix]:
    settings, hidden = config.section("linear_attn_config"), config.need("hidden")
    width = settings.number("head_dim")
    channels = attention.heads * width
    sizes = {f"{name}_proj": hidden * channels for name in "qkvo"}
    sizes |= {"b_proj": hidden * attention.heads, "f_a_proj": hidden * width, "f_b_proj": width * channels}
    if settings.raw("use_full_rank_gate"):
        sizes |= {"g_proj": hidden * channels}
    else:
        sizes |= {"g_a_proj": hidden * width, "g_b_proj": width * channels}
    return [((name,), size) for name, size in sizes.items()]


def _mamba2(config: Config, attention: Attention) -> list[Matrix]:
    """An input and an output matrix, by the keys of whichever family."""
    states = ("mamba_d_state", "ssm_state_size", "state_size")
    state = next(config.number(key) for key in states if config.raw(key) is not None)
    hidden, inner = config.need("hidden"), attention.state // state
    heads = attention.heads if not attention.kv_heads else config.number("mamba_n_heads")
    groups = config.number("n_groups" if config.raw("n_groups") is not None else "mamba_n_groups")
    return [(("in_proj",), hidden * (2 * inner + 2 * groups * state + heads)), (("out_proj",), hidden * inner)]


def _zamba2(config: Config, attention: Attention) -> list[Matrix]:
    """The shared block is one matrix here: lists name it in one of its layers alone."""
    hidden, inner = config.need("hidden"), config.need("ssm_expand") * config.need("hidden")
    heads = config.number("n_mamba_heads", 0) or inner // config.number("mamba_headdim")
    into = hidden * (2 * inner + 2 * config.number("mamba_ngroups") * config.need("ssm_state") + heads)
    rest = attention.split - into - hidden * inner
    block: list[Matrix] = [(("shared_transformer", "linear"), rest)] if rest else []
    return [(("in_proj",), into), (("out_proj",), hidden * inner), *block]


def _mamba1(config: Config, attention: Attention) -> list[Matrix]:
    hidden, state = config.need("hidden"), config.need("ssm_state")
    inner = attention.state // state
    rank = (attention.split - 3 * hidden * inner - 2 * state * inner) // (2 * inner)
    sizes = {"in_proj": 2 * hidden * inner, "x_proj": inner * (rank + 2 * state), "dt_proj": rank * inner}
    return [*(((name,), size) for name, size in sizes.items()), (("out_proj",), hidden * inner)]


def _in_parts(**parts: int) -> Callable[[Config, Attention], list[Matrix]]:
    """Matrices whose sizes are in the ratio of these whole numbers."""
    whole = sum(parts.values())
    return lambda _, attention: [((name,), attention.split * share / whole) for name, share in parts.items()]


class Names(NamedTuple):
    """How checkpoints of a family call a layer, the blocks inside it, and its matrices where Llama's differ.

    ``other`` are the blocks of layers that keep a state or see an image; ``own`` are the names that the family uses
    of those that a matrix may have. ``cached`` and ``recurrent`` list the matrices of layers with and without a cache.
    """

    layer: str = "model.layers"
    attention: tuple[str, ...] = ("self_attn",)
    ffn: tuple[str, ...] = ("mlp",)
    experts: tuple[str, ...] = ("mlp.experts",)
    shared: tuple[str, ...] = ("mlp.shared_experts", "mlp.shared_expert", "shared_mlp", "mlp.shared_mlp")
    own: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    cached: Callable[[Config, Attention], list[Matrix]] = _cached
    recurrent: Callable[[Config, Attention], list[Matrix]] = _unnamed

    def blocks(self, part: str, i: int, layer: Layer) -> list[str]:
        """The full names of the blocks that may hold a part of layer i."""
        is_other = part == "attention" and self.other and layer.attention.kind in ("recurrent", "image")
        blocks = self.other if is_other else getattr(self, part)
        return [f"{self.layer}.{i}.{block}".removesuffix(".") for block in blocks]

    def matrices(self, config: Config, part: str, layer: Layer) -> list[Matrix]:
        """The matrices of a part of a layer: ``attention``, ``ffn``, ``experts`` (of all of them) or ``shared``."""
        attention, ffn = layer.attention, layer.ffn
        sizes = {"ffn": ffn.dense, "experts": ffn.experts * ffn.expert, "shared": ffn.shared}
        whole = sizes.get(part, attention.split + attention.copied)
        if not whole:
            return []
        if part == "attention":
            return (self.cached if attention.kv_heads else self.recurrent)(config, attention)
        if ffn.kind == "linear":
            return [(("linear_mlp", "mlp"), whole)]
        narrow = config.number("moe_latent_size", 0) or config.number("routed_expert_hidden_size", 0)
        projections = 2 * config.need("hidden") * narrow if part == "shared" else 0
        ends = (_GATE, _UP, _DOWN) if config.defaults.get("gated", True) else (_UP, _DOWN)
        each: list[Matrix] = [(names, (whole - projections) / len(ends)) for names in ends]
        return [*each, (("fc1_latent_proj", "fc2_latent_proj"), projections)] if projections else each


# fmt: off
LLAMA = Names()
SPARSE_MOE = Names(
    ffn=("block_sparse_moe",), experts=("block_sparse_moe.experts", "block_sparse_moe"), own=("w1", "w3", "w2"),
)
LIGHTNING = SPARSE_MOE._replace(recurrent=_in_parts(qkv_proj=3, output_gate=1, out_proj=1))
GRANITE = SPARSE_MOE._replace(ffn=("shared_mlp",), shared=("shared_mlp",), own=("input_linear", "output_linear"))
GRANITE_HYBRID = GRANITE._replace(other=("mamba",), recurrent=_mamba2)
FORWARD = Names(
    ffn=("feed_forward",), experts=("feed_forward.experts",), shared=("feed_forward.shared_expert",),
    other=("mamba", "conv"),
)
JAMBA = FORWARD._replace(recurrent=_mamba1)
CONVOLUTION = FORWARD._replace(recurrent=_in_parts(in_proj=3, out_proj=1))
FALCON_H1 = FORWARD._replace(attention=("self_attn", "mamba"))
DELTA = Names(other=("linear_attn",), recurrent=_gated_delta)
KIMI_LINEAR = Names(recurrent=_kimi_delta)
MAMBA2 = Names(
    "backbone.layers", attention=("mixer",), ffn=("mixer",), experts=("mixer.experts",),
    shared=("mixer.shared_experts", "mixer"), recurrent=_mamba2,
)
MAMBA1 = MAMBA2._replace(recurrent=_mamba1)
FALCON = Names(
    "transformer.h", ("self_attention", "attn"), own=("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"),
)
GPT2 = Names("transformer.h", ("attn",), own=("c_attn", "c_proj", "c_fc"))
ZAMBA2 = Names(
    attention=("mamba", "mamba_decoder.mamba"), ffn=("shared_transformer.feed_forward",),
    cached=_zamba2, recurrent=_zamba2,
)
DEEPSEEK_V4 = Names(
    "layers", attention=("attn",), ffn=("ffn",), experts=("ffn.experts",), shared=("ffn.shared_experts",),
    own=("w1", "w3", "w2"), cached=_deepseek_v4,
)
