"""The names of a layer's matrices in checkpoints, and the size of each.

Lists of modules that a quantization skips name single matrices, so each is known by every name that checkpoints and
engines use for it, its fused ones too.
"""

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


def matrices_of_attention(hidden: int, attention: Attention) -> list[Matrix]:
    """The matrices that the layer names itself, and the rest as queries, keys, values and output.

    Queries hold their output gate too, and keys and values may be another layer's.
    """
    own: list[Matrix] = [(tuple(names.split("|")), size) for names, size in attention.matrices]
    left = attention.split + attention.copied - sum(size for _, size in own)
    if attention.latent or not left:
        return own
    query = hidden * attention.heads * attention.head_dim
    out = hidden * attention.heads * attention.v_head_dim
    left -= out
    key = min(hidden * attention.kv_heads * attention.head_dim, left - query)
    value = min(hidden * attention.kv_heads * attention.v_head_dim, left - query - key)
    return [(_QUERY, left - key - value), (_KEY, key), (_VALUE, value), (_OUT, out), *own]


class Names(NamedTuple):
    """How checkpoints of a family call a layer, the blocks inside it, and its matrices where Llama's differ.

    ``other`` are the blocks of layers that keep a state or see an image; ``own`` are the names that the family uses
    of those that a matrix may have.
    """

    layer: str = "model.layers"
    attention: tuple[str, ...] = ("self_attn",)
    ffn: tuple[str, ...] = ("mlp",)
    experts: tuple[str, ...] = ("mlp.experts",)
    shared: tuple[str, ...] = ("mlp.shared_experts", "mlp.shared_expert", "shared_mlp", "mlp.shared_mlp")
    own: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

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
            return matrices_of_attention(config.need("hidden"), attention)
        if ffn.kind == "linear":
            return [(("linear_mlp", "mlp"), whole)]
        projections = 2 * config.need("hidden") * config.opt("expert_input") if part == "shared" else 0
        ends = (_GATE, _UP, _DOWN) if config.defaults.get("gated", True) else (_UP, _DOWN)
        each: list[Matrix] = [(names, (whole - projections) / len(ends)) for names in ends]
        return [*each, (("fc1_latent_proj", "fc2_latent_proj"), projections)] if projections else each


# fmt: off
LLAMA = Names()
SPARSE_MOE = Names(
    ffn=("block_sparse_moe",), experts=("block_sparse_moe.experts", "block_sparse_moe"), own=("w1", "w3", "w2"),
)
GRANITE = SPARSE_MOE._replace(ffn=("shared_mlp",), shared=("shared_mlp",), own=("input_linear", "output_linear"))
GRANITE_HYBRID = GRANITE._replace(other=("mamba",))
FORWARD = Names(
    ffn=("feed_forward",), experts=("feed_forward.experts",), shared=("feed_forward.shared_expert",),
    other=("mamba", "conv"),
)
FALCON_H1 = FORWARD._replace(attention=("self_attn", "mamba"))
DELTA = Names(other=("linear_attn",))
MAMBA = Names(
    "backbone.layers", attention=("mixer",), ffn=("mixer",), experts=("mixer.experts",),
    shared=("mixer.shared_experts", "mixer"),
)
FALCON = Names(
    "transformer.h", ("self_attention", "attn"), own=("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"),
)
GPT2 = Names("transformer.h", ("attn",), own=("c_attn", "c_proj", "c_fc"))
ZAMBA2 = Names(
    attention=("mamba", "mamba_decoder.mamba"), ffn=("shared_transformer.feed_forward",),
)
BERT = Names("encoder.layer", ("attention.self", "attention.output", "attn"), ("intermediate", "output", "mlp"))
SEQ2SEQ = Names("model.decoder.layers", ffn=("",), own=("out_proj", "fc1", "fc2"))
T5 = Names("decoder.block", ("layer.0.SelfAttention", "layer.1"), ("layer.2.DenseReluDense",))
DEEPSEEK_V4 = Names(
    "layers", attention=("attn",), ffn=("ffn",), experts=("ffn.experts",), shared=("ffn.shared_experts",),
    own=("w1", "w3", "w2"),
)
