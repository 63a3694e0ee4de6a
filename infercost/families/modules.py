"""What families call a layer and the blocks inside it, for lists that name modules."""

from typing import NamedTuple

from infercost.families.config import Config
from infercost.families.table import ALIASES
from infercost.model import Layer


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
