"""The EAGLE-3 head of a model: one layer of its width that reads three layers' features and proposes tokens."""

from typing import Any, NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.models.model import Attention, Ffn, Layer, Model, Quantization
from infercost.parts.drafts import SHAPE, TITLES, method

#: Matrices of a feed-forward part with a gate, which a head has whatever its model's has.
GATED = 3


class Shape(NamedTuple):
    """Dimensions of a head, and which of them are assumed rather than those of a config, for people; else empty."""

    heads: int
    kv_heads: int
    head_dim: int
    ffn_width: int
    vocab_size: int
    features: int
    assumed: str = ""


def shape_of(model: Model) -> Shape:
    """The dimensions of a model's head: a published one's where that is known, else those of the model's last layers.

    Raises:
        BadValue: a model that decodes nothing, or whose layers have no attention to take them from.
    """
    if model.prefill_only:
        raise BadValue(f"{model.name} has no layers for an EAGLE-3 head to read", "leave --draft out")
    preset = method("eagle3").shaped(model.name)
    vocab_size, features = int(preset.value("vocab_size")), int(preset.value("features"))
    if SHAPE[0] in preset.facts:
        heads, kv_heads, head_dim, ffn_width = (int(preset.value(key)) for key in SHAPE)
        return Shape(heads, kv_heads, head_dim, ffn_width, vocab_size, features)
    kinds = [layer.attention for layer in model.layers if layer.attention.kv_heads and layer.attention.cache]
    own = [attention for attention in kinds if not (attention.latent or attention.state)]
    if not own:
        instead = "--draft mtp for its own head, " if model.mtp else ""
        hint = f"give {instead}--draft-model NAME, or --draft-cost 0.05"
        raise BadValue(f"no EAGLE-3 head of {model.name} is known, and its attention says nothing of one", hint)
    attention = next((each for each in own if each.kind == "full"), own[-1])
    width, assumed = _width(model)
    return Shape(attention.heads, attention.kv_heads, attention.head_dim, width, vocab_size, features, assumed)


def _width(model: Model) -> tuple[int, str]:
    """The width inside the feed-forward part: the model's, or of one with experts that of those which a token uses."""
    parts = [layer.ffn for layer in model.layers if layer.ffn.kind != "none"]
    if sparse := [ffn for ffn in parts if ffn.experts]:
        ffn = sparse[-1]
        width = ffn.active * ffn.width
        return width, f"a feed-forward part of {width:,}, as wide as the {ffn.active} experts of a token"
    return max(ffn.width for ffn in parts), ""


def head_of(model: Model, shape: Shape) -> Model:
    """The head as a model of its own, in 16 bits, that looks tokens up in its model's table."""
    hidden, width = model.hidden_size, shape.ffn_width
    inner = formulas.layer.ffn_params(matrices=GATED, input_width=hidden, ffn_width=width)
    return Model(
        name=f"{model.name} ({TITLES['eagle3']})",
        family="llama",
        hidden_size=hidden,
        vocab_size=shape.vocab_size,
        layers=(Layer(1, _attention(hidden, shape), Ffn("gated", width=width, dense=inner)),),
        embedding=0,
        head=formulas.layer.draft_head_params(vocab_size=shape.vocab_size, hidden_size=hidden),
        small=0,
        max_context=model.max_context,
        quantization=Quantization("bf16", 16, {}),
        kv_bits=model.kv_bits,
        order=(0,),
    )


def _attention(hidden: int, shape: Shape) -> Attention:
    """Attention of embedding and features side by side, and the matrix that joins features, whole on every rank."""
    heads: dict[str, Any] = {"heads": shape.heads, "kv_heads": shape.kv_heads, "head_dim": shape.head_dim}
    width = {"head_dim": shape.head_dim, "v_head_dim": shape.head_dim}
    fusion = formulas.layer.fusion_params(features=shape.features, hidden_size=hidden)
    flops = formulas.layer.attention_flops(heads=shape.heads, **width)
    return Attention(
        "full",
        **heads,
        v_head_dim=shape.head_dim,
        split=formulas.layer.fused_query_params(hidden_size=hidden, **heads),
        copied=fusion,
        small=formulas.layer.fused_norm_params(hidden_size=hidden),
        cache=formulas.layer.cache_elements(kv_heads=shape.kv_heads, **width),
        decode_flops=flops,
        prefill_flops=flops,
        matrices=(("fc", fusion),),
    )
