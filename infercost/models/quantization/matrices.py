"""What modules of a layer are called, and the share of its part that each one holds.

Lists of modules that a quantization skips name single matrices, so each is known by every name that checkpoints and
engines use for it, its fused ones too.
"""

from collections.abc import Callable
from typing import NamedTuple

from infercost.models.families.config import Config
from infercost.models.families.table import ALIASES
from infercost.models.model import Attention, Layer


class Blocks(NamedTuple):
    """How a family calls a layer, the blocks inside it, and matrices that it does not call as Llama does."""

    layer: str = "model.layers"
    attention: tuple[str, ...] = ("self_attn",)
    ffn: tuple[str, ...] = ("mlp",)
    experts: tuple[str, ...] = ("mlp.experts",)
    shared: tuple[str, ...] = ("mlp.shared_experts", "mlp.shared_expert", "shared_mlp", "mlp.shared_mlp")
    own: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def of(self, part: str, layer: Layer) -> tuple[str, ...]:
        """The blocks of a part of a layer; layers that keep a state, or see an image, may call attention otherwise."""
        if part == "attention" and self.other and layer.attention.kind in ("recurrent", "image"):
            return self.other
        return tuple(getattr(self, part))


_SPARSE = Blocks(
    ffn=("block_sparse_moe",),
    experts=("block_sparse_moe.experts", "block_sparse_moe"),
    own=("w1", "w3", "w2"),
)
_GRANITE = _SPARSE._replace(ffn=("shared_mlp",), shared=("shared_mlp",), own=("input_linear", "output_linear"))
_FORWARD = Blocks(
    ffn=("feed_forward",),
    experts=("feed_forward.experts",),
    shared=("feed_forward.shared_expert",),
    other=("mamba", "conv"),
)
_DELTA = Blocks(other=("linear_attn",))
_MIXER = Blocks("backbone.layers", ("mixer",), ("mixer",), ("mixer.experts",), ("mixer.shared_experts", "mixer"))
_FALCON = Blocks(
    "transformer.h",
    ("self_attention", "attn"),
    own=("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"),
)
_GPT2 = Blocks("transformer.h", ("attn",), own=("c_attn", "c_proj", "c_fc"))
BLOCKS = {
    "mixtral": _SPARSE,
    "phimoe": _SPARSE,
    "minimax": _SPARSE,
    "minimax_m2": _SPARSE,
    "granitemoe": _GRANITE,
    "granitemoeshared": _GRANITE,
    "granitemoehybrid": _GRANITE._replace(other=("mamba",)),
    "zamba2": Blocks(attention=("mamba", "mamba_decoder.mamba"), ffn=("shared_transformer.feed_forward",)),
    "mllama": Blocks(other=("cross_attn",)),
    "phi3small": Blocks(own=("query_key_value", "dense", "up_proj")),
    "phi3": Blocks(own=("qkv_proj", "gate_up_proj")),
    "gpt_oss": Blocks(own=("q_proj", "k_proj", "v_proj", "gate_up_proj")),
    "llama4_text": _FORWARD,
    "jamba": _FORWARD,
    "lfm2": _FORWARD,
    "lfm2_moe": _FORWARD,
    "falcon_h1": _FORWARD._replace(attention=("self_attn", "mamba")),
    "qwen3_next": _DELTA,
    "qwen3_5": _DELTA,
    "qwen3_5_moe": _DELTA,
    "nemotron_h": _MIXER,
    "mamba": _MIXER,
    "mamba2": _MIXER,
    "deepseek_v4": Blocks("layers", ("attn",), ("ffn",), ("ffn.experts",), ("ffn.shared_experts",), ("w1", "w3", "w2")),
    "longcat_flash": Blocks(attention=("self_attn.0", "self_attn.1"), shared=("mlps.0", "mlps.1")),
    "gemma4": Blocks(experts=("experts", "moe"), shared=("mlp",)),
    "gpt2": _GPT2,
    "gptj": _GPT2._replace(own=("fc_in", "fc_out", "out_proj")),
    "gpt_bigcode": _GPT2,
    "falcon": _FALCON,
    "bloom": _FALCON,
    "gpt_neox": _FALCON._replace(layer="gpt_neox.layers", attention=("attention",)),
    "opt": Blocks("model.decoder.layers", ffn=("",), own=("out_proj", "fc1", "fc2")),
    "mpt": Blocks("transformer.blocks", ("attn",), ("ffn",), own=("Wqkv", "out_proj")),
    "dbrx": Blocks("transformer.blocks", ("norm_attn_norm.attn",), experts=("ffn.experts.mlp", "ffn.experts")),
}


def blocks(config: Config) -> Blocks:
    """How the family of a config calls its layers."""
    return BLOCKS.get(family(config), Blocks())


def family(config: Config) -> str:
    """The row of the table that describes a config, whatever its model type is called."""
    return ALIASES.get(config.family, config.family)


#: A matrix by the ends of its names, and its parameters.
Matrix = tuple[tuple[str, ...], float]


_FUSED = ("qkv_proj", "query_key_value", "Wqkv", "wqkv", "W_pack", "c_attn")
_QUERY, _KEY, _VALUE = ("q_proj", *_FUSED), ("k_proj", *_FUSED), ("v_proj", *_FUSED)
_OUT = ("o_proj", "out_proj", "dense", "c_proj", "wo")
_GATE = ("gate_proj", "gate_up_proj", "w1", "input_linear", "w1w3")
_UP = ("up_proj", "gate_up_proj", "w3", "input_linear", "fc1", "c_fc", "dense_h_to_4h", "fc_in")
_DOWN = ("down_proj", "w2", "output_linear", "fc2", "c_proj", "dense_4h_to_h", "fc_out")


def matrices(config: Config, part: str, layer: Layer) -> list[Matrix]:
    """The matrices of a part of a layer."""
    attention, ffn = layer.attention, layer.ffn
    if part == "attention":
        make = _attending if attention.kv_heads else _RECURRENT.get(family(config), _unnamed)
        return make(config, attention)
    whole = {"ffn": ffn.dense, "experts": ffn.experts * ffn.expert, "shared": ffn.shared}[part]
    if ffn.kind == "linear":
        return [(("linear_mlp", "mlp"), whole)]
    latent = 2 * config.need("hidden") * _latent_width(config) if part == "shared" else 0
    ends = (_GATE, _UP, _DOWN) if config.defaults.get("gated", True) else (_UP, _DOWN)
    each: list[Matrix] = [(names, (whole - latent) / len(ends)) for names in ends]
    return [*each, (("fc1_latent_proj", "fc2_latent_proj"), latent)] if latent else each


def _latent_width(config: Config) -> int:
    return config.number("moe_latent_size", 0) or config.number("routed_expert_hidden_size", 0)


def _attending(config: Config, attention: Attention) -> list[Matrix]:
    if family(config) == "zamba2":
        return _zamba2(config, attention)
    if attention.latent:
        return _raw_window(config, attention) if config.has("o_lora_rank") else _latent(config, attention)
    return _grouped(config, attention)


def _grouped(config: Config, attention: Attention) -> list[Matrix]:
    """Queries hold their output gate too; keys and values are missing where a layer takes another's."""
    hidden = config.need("hidden")
    query = hidden * attention.heads * attention.head_dim
    out = hidden * attention.heads * attention.v_head_dim
    beside = _mamba2(config, attention) if attention.state else []
    left = attention.split - out - sum(size for _, size in beside)
    key = min(hidden * attention.kv_heads * attention.head_dim, left - query)
    value = min(hidden * attention.kv_heads * attention.v_head_dim, left - query - key)
    index = [(("index_q_proj", "index_k_proj", "indexer"), float(attention.copied))] if attention.copied else []
    return [(_QUERY, left - key - value), (_KEY, key), (_VALUE, value), (_OUT, out), *beside, *index]


def _latent(config: Config, attention: Attention) -> list[Matrix]:
    """Down-projections, up-projections and output; Kimi Linear has a gate besides."""
    hidden, heads = config.need("hidden"), attention.heads
    query_rank, kv_rank = config.count("q_lora_rank"), config.number("kv_lora_rank")
    rope, width = config.number("qk_rope_head_dim"), attention.v_head_dim
    up = (query_rank or hidden) * heads * attention.head_dim
    made: list[Matrix] = [
        (("q_b_proj",) if query_rank else ("q_proj",), up),
        (("kv_a_proj_with_mqa", "fused_qkv_a_proj"), hidden * (kv_rank + rope)),
        (("kv_b_proj",), kv_rank * heads * (attention.head_dim - rope + width)),
        (("o_proj",), heads * width * hidden),
    ]
    if query_rank:
        made.append((("q_a_proj", "fused_qkv_a_proj"), hidden * query_rank))
    if config.raw("mla_use_output_gate"):
        made.append((("g_proj",), hidden * heads * width))
    return [*made, *_indexer(attention, query_rank, hidden)]


def _indexer(attention: Attention, query_rank: int, hidden: int) -> list[Matrix]:
    width = attention.index_cache
    heads = attention.index_flops // (2 * width) if width else 0
    sizes = {"wq_b": query_rank * heads * width, "wk": hidden * width, "weights_proj": hidden * heads}
    return [((f"indexer.{name}",), size) for name, size in sizes.items() if width]


def _raw_window(config: Config, attention: Attention) -> list[Matrix]:
    """DeepSeek-V4: what compresses and searches the past is one matrix here, which no list takes apart."""
    hidden, width, out = config.need("hidden"), attention.head_dim, config.number("o_lora_rank")
    rank, inner = config.number("q_lora_rank"), attention.heads * attention.head_dim
    made: list[Matrix] = [
        (("wq_a", "q_a_proj"), hidden * rank),
        (("wq_b", "q_b_proj"), rank * inner),
        (("wkv", "kv_proj"), hidden * width),
        (("wo_a", "o_a_proj"), inner * out),
        (("wo_b", "o_b_proj"), config.number("o_groups") * out * hidden),
    ]
    rest = attention.split + attention.copied - sum(size for _, size in made)
    return [*made, (("compressor", "indexer"), rest)]


def _unnamed(config: Config, attention: Attention) -> list[Matrix]:
    """One matrix in the place of attention, or attention of a kind whose matrices nobody lists singly."""
    return [(("linear_attn", "in_proj"), attention.split + attention.copied)]


def _delta(config: Config, attention: Attention) -> list[Matrix]:
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
    full = bool(settings.raw("use_full_rank_gate"))
    gate: list[Matrix] = [(("g_a_proj",), hidden * width), (("g_b_proj",), width * channels)]
    return [
        *(((f"{name}_proj",), hidden * channels) for name in "qkvo"),
        (("b_proj",), hidden * attention.heads),
        (("f_a_proj",), hidden * width),
        (("f_b_proj",), width * channels),
        *([(("g_proj",), float(hidden * channels))] if full else gate),
    ]


def _mamba2(config: Config, attention: Attention) -> list[Matrix]:
    """An input and an output matrix, whichever families' keys say how wide."""
    states = ("mamba_d_state", "ssm_state_size", "state_size")
    state = next(config.number(key) for key in states if config.raw(key) is not None)
    hidden, inner = config.need("hidden"), attention.state // state
    heads = attention.heads if not attention.kv_heads else config.number("mamba_n_heads")
    groups = config.number("n_groups" if config.raw("n_groups") is not None else "mamba_n_groups")
    return [
        (("in_proj",), hidden * (2 * inner + 2 * groups * state + heads)),
        (("out_proj",), hidden * inner),
    ]


def _zamba2(config: Config, attention: Attention) -> list[Matrix]:
    """What is beside the state space is one matrix here: lists name a shared block in one of its layers alone."""
    hidden, inner = config.need("hidden"), config.need("ssm_expand") * config.need("hidden")
    heads = config.number("n_mamba_heads", 0) or inner // config.number("mamba_headdim")
    into = hidden * (2 * inner + 2 * config.number("mamba_ngroups") * config.need("ssm_state") + heads)
    rest = attention.split - into - hidden * inner
    made: list[Matrix] = [(("in_proj",), into), (("out_proj",), hidden * inner)]
    return [*made, (("shared_transformer", "linear"), rest)] if rest else made


def _mamba1(config: Config, attention: Attention) -> list[Matrix]:
    hidden, state = config.need("hidden"), config.need("ssm_state")
    inner = attention.state // state
    rank = (attention.split - 3 * hidden * inner - 2 * state * inner) // (2 * inner)
    sizes = {"in_proj": 2 * hidden * inner, "x_proj": inner * (rank + 2 * state), "dt_proj": rank * inner}
    return [*(((name,), size) for name, size in sizes.items()), (("out_proj",), hidden * inner)]


def _parted(**parts: int) -> Callable[[Config, Attention], list[Matrix]]:
    """Matrices whose sizes are as these whole numbers."""
    return lambda _, attention: [
        ((name,), attention.split * share / sum(parts.values())) for name, share in parts.items()
    ]


_RECURRENT: dict[str, Callable[[Config, Attention], list[Matrix]]] = {
    **dict.fromkeys(("qwen3_next", "qwen3_5", "qwen3_5_moe"), _delta),
    **dict.fromkeys(("granitemoehybrid", "nemotron_h", "mamba2"), _mamba2),
    **dict.fromkeys(("jamba", "mamba"), _mamba1),
    **dict.fromkeys(("lfm2", "lfm2_moe"), _parted(in_proj=3, out_proj=1)),
    "minimax": _parted(qkv_proj=3, output_gate=1, out_proj=1),
    "kimi_linear": _kimi_delta,
    "zamba2": _zamba2,
}
