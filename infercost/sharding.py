"""What one accelerator holds of a model under a parallel layout, as engines really split it."""

from typing import NamedTuple

from infercost.counting import experts_hit, growth, layer_cache_bytes, layer_cache_bytes_read
from infercost.errors import BadValue
from infercost.model import Attention, Layer, Model


class Layout(NamedTuple):
    """Tensor, pipeline and expert parallel widths; experts are split over ``ep`` ranks, or by ``tp`` when it is 1."""

    tp: int = 1
    pp: int = 1
    ep: int = 1

    @property
    def devices(self) -> int:
        """Accelerators of one replica: expert parallelism reuses those of tensor parallelism."""
        return max(self.tp, self.ep) * self.pp


def valid_widths(model: Model, most: int = 64) -> list[int]:
    """Tensor parallel widths that divide every layer's heads, and share or copy its KV heads evenly."""
    return [tp for tp in range(1, most + 1) if not _odd_heads(model, tp)]


def _odd_heads(model: Model, tp: int) -> bool:
    return any(
        attention.heads % tp or (not attention.latent and attention.kv_heads % tp and tp % attention.kv_heads)
        for attention in {layer.attention for layer in model.layers}
        if attention.heads and attention.kv_heads
    )


def check(model: Model, layout: Layout) -> None:
    """Refuse a layout that no engine accepts.

    Raises:
        BadValue: heads that do not divide, more stages than layers, more expert ranks than experts.
    """
    if _odd_heads(model, layout.tp):
        widths = ", ".join(map(str, valid_widths(model)))
        raise BadValue(f"--tp {layout.tp} does not divide the heads of {model.name}", f"valid widths: {widths}")
    if layout.pp > model.depth:
        raise BadValue(f"--pp {layout.pp} is more than the {model.depth} layers", f"use at most --pp {model.depth}")
    most = max(layer.ffn.experts for layer in model.layers)
    if layout.ep > max(most, 1):
        raise BadValue(
            f"--ep {layout.ep} is more than the {most} experts of {model.name}", f"use at most --ep {max(most, 1)}"
        )


def _kv_copies(attention: Attention, tp: int) -> float:
    """How often a rank's share of the KV heads exceeds an even split: copies, once ranks outnumber heads."""
    if attention.latent:
        return tp
    return max(1, -(-attention.kv_heads // tp)) * tp / attention.kv_heads if attention.kv_heads else 1


def rank_weight_bytes(model: Model, layout: Layout) -> float:
    """Bytes of weights on the fullest rank: the first stage holds the input table, the last the head."""
    layers = sum(layer.times * _layer_bytes(model, layer, layout, layer.ffn.experts) for layer in model.layers)
    stage_layers = -(-model.depth // layout.pp)
    stage = layers * stage_layers / model.depth
    bits = model.quantization.of
    table = model.embedding * bits("embedding") / 8 / layout.tp
    head = (
        (model.head or (model.embedding if layout.pp > 1 else 0))
        * bits("head" if model.head else "embedding")
        / 8
        / layout.tp
    )
    ends = table + head if layout.pp == 1 else max(table, head)
    return stage + ends + model.small * bits("norms") / 8 + model.vision_params * bits("norms") / 8 / layout.tp


def rank_bytes_read(model: Model, layout: Layout, batch: float, experts_of: float, context: float) -> float:
    """Bytes that the ranks of all stages, one of each, read for a batch: no table that is looked up, experts hit."""
    bits = model.quantization.of
    head = (model.head or model.embedding) * bits("head" if model.head else "embedding") / 8 / layout.tp
    layers = sum(
        layer.times
        * (
            _layer_bytes(model, layer, layout, experts_hit(layer, experts_of))
            + batch
            * layer_cache_bytes_read(model, layer.attention, context)
            * _kv_copies(layer.attention, layout.tp)
            / layout.tp
        )
        for layer in model.layers
    )
    return layers + head + model.small * bits("norms") / 8


def _layer_bytes(model: Model, layer: Layer, layout: Layout, experts: float) -> float:
    """Bytes of one layer on one rank, with all its experts or those that a batch hits."""
    attention, ffn, bits = layer.attention, layer.ffn, model.quantization.of
    per_expert_rank = max(layout.ep, layout.tp)
    held = {
        "attention": _attention_on_rank(model, attention, layout.tp) + attention.copied,
        "ffn": ffn.dense / layout.tp,
        "shared": ffn.shared / layout.tp,
        "experts": experts * ffn.expert / per_expert_rank,
        "router": ffn.router,
        "norms": layer.small + attention.small + ffn.small + ffn.experts * ffn.expert_small / per_expert_rank,
    }
    return sum(count * bits(part) / 8 for part, count in held.items())


def _attention_on_rank(model: Model, attention: Attention, tp: int) -> float:
    """Parameters of the split matrices on one rank; keys and values are copied where ranks outnumber KV heads."""
    if attention.latent or not attention.kv_heads:
        return attention.split / tp
    kv = model.hidden_size * attention.kv_heads * (attention.head_dim + attention.v_head_dim)
    kv = min(kv, attention.split)
    return (attention.split - kv + kv * _kv_copies(attention, tp)) / tp


def rank_growth_bytes(model: Model, layout: Layout) -> float:
    """Bytes that each further token of a long sequence takes on the fullest rank."""
    layers = sum(
        layer.times * growth(layer.attention) * _kv_copies(layer.attention, layout.tp) for layer in model.layers
    )
    return layers * model.kv_bits / 8 / layout.tp * -(-model.depth // layout.pp) / model.depth


def rank_cache_bytes(model: Model, layout: Layout, context: float) -> float:
    """Bytes of one sequence's cache on the fullest rank; latents and surplus KV heads are copied."""
    layers = sum(
        layer.times * layer_cache_bytes(model, layer.attention, context) * _kv_copies(layer.attention, layout.tp)
        for layer in model.layers
    )
    return layers / layout.tp * -(-model.depth // layout.pp) / model.depth
