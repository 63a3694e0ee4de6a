"""What one accelerator holds of a model under a parallel layout, as engines really split it."""

from collections.abc import Sequence
from typing import NamedTuple

from infercost.errors import BadValue
from infercost.models.counting import growth, layer_cache_bytes
from infercost.models.model import Attention, Ffn, Layer, Model


class Layout(NamedTuple):
    """Tensor, pipeline and expert parallel widths; experts are split over ``ep`` ranks, or by ``tp`` when it is 1."""

    tp: int = 1
    pp: int = 1
    ep: int = 1

    @property
    def devices(self) -> int:
        """Accelerators of one replica: expert parallelism reuses those of tensor parallelism."""
        return max(self.tp, self.ep) * self.pp

    @property
    def dp(self) -> int:
        """Groups of ``tp`` ranks that hold attention and serve sequences of their own, under expert parallelism."""
        return max(1, self.ep // self.tp)

    @property
    def flags(self) -> str:
        """The options that ask for it; a width of 1 goes without saying."""
        return " ".join(f"--{name} {width}" for name, width in self._asdict().items() if width > 1) or "--tp 1"


#: Every width is free to choose.
FREE = Layout(0, 0, 0)


def valid_widths(model: Model, most: int = 64) -> list[int]:
    """Tensor parallel widths that divide every layer's heads and blocks, and share or copy its KV heads evenly."""
    return [tp for tp in range(1, most + 1) if not _odd_heads(model, tp) and not _odd_block(model, Layout(tp))]


def layouts(model: Model, devices: int, domain: int, asked: Layout = FREE) -> list[Layout]:
    """Layouts of so many devices that an engine accepts, the widest tensor parallelism inside a node first.

    Widths of ``asked`` that are not 0 are kept. Under expert parallelism the narrowest comes first: each further
    rank would copy latents that a group of its own need not hold.
    """
    widths = range(1, min(devices, domain) + 1)
    ordered = [asked.tp] if asked.tp else widths if asked.ep > 1 else reversed(widths)
    made = (Layout(tp, devices // max(tp, asked.ep), asked.ep or 1) for tp in ordered)
    return [
        layout
        for layout in made
        if layout.devices == devices and asked.pp in (0, layout.pp) and not _refusal(model, layout)
    ]


def every_layout(model: Model, most: int, asked: Layout = FREE) -> list[Layout]:
    """Layouts of up to so many devices that an engine accepts, fewest devices and stages first.

    Widths of ``asked`` that are not 0 are kept; of the others, expert ranks hold equal numbers of experts.
    """
    experts = most_experts(model)
    eps = [asked.ep] if asked.ep else [1, *(ep for ep in range(2, experts + 1) if experts % ep == 0)]
    tps = [asked.tp] if asked.tp else [tp for tp in range(1, most + 1) if not _odd_heads(model, tp)]
    pairs = [(tp, ep) for tp in tps for ep in eps if max(tp, ep) <= most and not _refusal(model, Layout(tp, 1, ep))]
    stages = range(asked.pp or 1, (asked.pp or model.depth) + 1)
    made = (Layout(tp, pp, ep) for tp, ep in pairs for pp in stages if pp <= model.depth)
    return sorted((one for one in made if one.devices <= most), key=lambda one: (one.devices, one.pp, one.ep))


def _odd_heads(model: Model, tp: int) -> bool:
    return any(
        attention.heads % tp or (not attention.latent and attention.kv_heads % tp and tp % attention.kv_heads)
        for attention in {layer.attention for layer in model.layers}
        if attention.heads and attention.kv_heads
    )


def _odd_block(model: Model, layout: Layout) -> int:
    """A width of matrices that a rank's share would cut inside a block of scales; 0 where there is none."""
    tp, block, quantized = layout.tp, model.quantization.block, model.quantization.bits
    if tp == 1 or not block:
        return 0
    widths = {
        width
        for ffn in (layer.ffn for layer in model.layers)
        for part, width in (
            ("ffn", ffn.width if ffn.dense else 0),
            ("experts", ffn.width if ffn.experts and layout.ep == 1 else 0),
            ("shared", ffn.shared * ffn.width // ffn.expert if ffn.expert else 0),
        )
        if quantized.get(part, 16) < 16
    }
    return next((width for width in sorted(widths) if width / tp % block), 0)


def most_experts(model: Model) -> int:
    """Routed experts of the layer that has most."""
    return max(layer.ffn.experts for layer in model.layers)


def check(model: Model, layout: Layout) -> None:
    """Refuse a layout that no engine accepts.

    Raises:
        BadValue: heads or blocks that do not divide, more stages than layers, expert ranks that do not go up.
    """
    if refusal := _refusal(model, layout):
        raise BadValue(*refusal)


def _refusal(model: Model, layout: Layout) -> tuple[str, str] | None:
    """Why no engine accepts a layout, and what would do; None for one that is accepted."""
    tp, pp, ep = layout
    if _odd_heads(model, tp):
        return f"--tp {tp} does not divide the heads of {model.name}", f"valid widths: {_listed(valid_widths(model))}"
    if pp > model.depth:
        return f"--pp {pp} is more than the {model.depth} layers", f"use at most --pp {model.depth}"
    most = max(most_experts(model), 1)
    if ep > most == 1:
        return f"--ep {ep}: {model.name} has no experts", "leave --ep out"
    if ep > most:
        return f"--ep {ep} is more than the {most} experts of {model.name}", f"use at most --ep {most}"
    if ep > 1 and ep % tp:
        multiples, divisors = range(tp, most + 1, tp), [one for one in valid_widths(model) if ep % one == 0]
        wider = f"--tp {tp} with --ep {_listed(multiples)}; " if multiples else ""
        what = f"--ep {ep} is no multiple of --tp {tp}, and an expert group is whole tensor parallel groups"
        return what, f"valid layouts: {wider}--ep {ep} with --tp {_listed(divisors)}"
    if width := _odd_block(model, layout):
        whole = "" if _odd_block(model, Layout(tp, pp, tp)) or tp > most else f", or whole experts: --tp {tp} --ep {tp}"
        what = f"--tp {tp} cuts matrices of {width:,} columns inside a block of {model.quantization.block}"
        return what, f"valid widths: {_listed(valid_widths(model))}{whole}"
    return None


def _listed(widths: Sequence[int], most: int = 8) -> str:
    return ", ".join(map(str, widths[:most])) + (" ..." if len(widths) > most else "")


def kv_copies(attention: Attention, tp: int) -> float:
    """How often a rank's share of the KV heads exceeds an even split: copies, once ranks outnumber heads."""
    if attention.latent:
        return tp
    return max(1, -(-attention.kv_heads // tp)) * tp / attention.kv_heads if attention.kv_heads else 1


def rank_weight_bytes(model: Model, layout: Layout) -> float:
    """Bytes of weights on the fullest rank: the first stage holds the input table, the last the head."""
    layers = sum(
        layer.times * layer_bytes(model, layer, layout, _held_experts(layer.ffn, layout)) for layer in model.layers
    )
    stage_layers = -(-model.depth // layout.pp)
    stage = layers * stage_layers / model.depth
    bits = model.quantization.of
    table = (model.embedding + model.lookup) * bits("embedding") / 8 / layout.tp
    head = (
        (model.head or (model.embedding if layout.pp > 1 else 0))
        * bits("head" if model.head else "embedding")
        / 8
        / layout.tp
    )
    ends = table + head if layout.pp == 1 else max(table, head)
    return stage + ends + model.small * bits("norms") / 8 + model.vision_params * bits("norms") / 8 / layout.tp


def layer_bytes(model: Model, layer: Layer, layout: Layout, experts: float) -> float:
    """Bytes of one layer on one rank, with so many of its experts."""
    attention, ffn, bits = layer.attention, layer.ffn, model.quantization.of
    held = {
        "attention": _attention_on_rank(model, attention, layout.tp) + attention.copied,
        "ffn": ffn.dense / layout.tp,
        "shared": ffn.shared / layout.tp,
        "experts": experts * ffn.expert,
        "router": ffn.router,
        "norms": layer.small + attention.small + ffn.small + experts * ffn.expert_small,
    }
    return sum(count * bits(part) / 8 for part, count in held.items())


def _held_experts(ffn: Ffn, layout: Layout) -> float:
    """Experts of one layer on the fullest rank: whole ones under expert parallelism, slices of all under tensor's."""
    return -(-ffn.experts // layout.ep) if layout.ep > 1 else ffn.experts / layout.tp


def _attention_on_rank(model: Model, attention: Attention, tp: int) -> float:
    """Parameters of the split matrices on one rank; keys and values are copied where ranks outnumber KV heads."""
    if attention.latent or not attention.kv_heads:
        return attention.split / tp
    kv = model.hidden_size * attention.kv_heads * (attention.head_dim + attention.v_head_dim)
    others = model.hidden_size * attention.heads * (attention.head_dim + attention.v_head_dim)
    kv = min(kv, max(attention.split - others, 0))  # none where a layer takes another's keys and values
    return (attention.split - kv + kv * kv_copies(attention, tp)) / tp


def rank_growth_bytes(model: Model, layout: Layout) -> float:
    """Bytes that each further token of a long sequence takes on the fullest rank."""
    layers = sum(
        layer.times * growth(layer.attention) * kv_copies(layer.attention, layout.tp) for layer in model.layers
    )
    return layers * model.kv_bits / 8 / layout.tp * -(-model.depth // layout.pp) / model.depth


def rank_cache_bytes(model: Model, layout: Layout, context: float) -> float:
    """Bytes of one sequence's cache on the fullest rank; latents and surplus KV heads are copied."""
    layers = sum(
        layer.times * layer_cache_bytes(model, layer.attention, context) * kv_copies(layer.attention, layout.tp)
        for layer in model.layers
    )
    return layers / layout.tp * -(-model.depth // layout.pp) / model.depth
