"""What one accelerator holds of a model under a parallel layout, as engines really split it."""

from collections.abc import Sequence
from typing import NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.models.counting import (
    copied_part,
    expert_part,
    growth,
    index_cache_bytes,
    index_growth,
    kv_params,
    layer_cache_bytes,
    layer_cache_bytes_read,
    split_part,
    times,
)
from infercost.models.model import Attention, Ffn, Layer, Model


class Layout(NamedTuple):
    """Tensor, pipeline and expert parallel widths: experts are spread over ``ep`` ranks, or groups of ranks.

    ``slices`` is how many ranks share each expert, 0 for the usual: all ``tp`` where experts are not spread, else those
    that ``tp`` has beyond ``ep``. With more slices attention is data parallel over experts that are tensor parallel.
    """

    tp: int = 1
    pp: int = 1
    ep: int = 1
    slices: int = 0

    @property
    def expert_slices(self) -> int:
        """Ranks that share each expert."""
        return self.slices or max(self.tp // self.ep, 1)

    @property
    def devices(self) -> int:
        """Accelerators of one replica: expert parallelism reuses those of tensor parallelism."""
        return self.ranks * self.pp

    @property
    def ranks(self) -> int:
        """Accelerators that work on a layer together."""
        return max(self.tp, self.ep * self.expert_slices)

    @property
    def dp(self) -> int:
        """Groups of ``tp`` ranks that hold attention and serve sequences of their own."""
        return self.ranks // self.tp

    @property
    def widths(self) -> dict[str, int]:
        """The widths that have an option, by its name."""
        return {"tp": self.tp, "pp": self.pp, "ep": self.ep}

    @property
    def words(self) -> str:
        """It as a person says it: ``tp 4 pp 2``."""
        return " ".join(f"{name} {width}" for name, width in self.widths.items() if width > 1) or "one device"

    @property
    def flags(self) -> str:
        """The options that ask for it; a width of 1 goes without saying."""
        return " ".join(f"--{name} {width}" for name, width in self.widths.items() if width > 1) or "--tp 1"


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
    most = max((attention.heads for attention in _headed(model)), default=domain)  # a node may be of thousands
    widths = range(1, min(devices, domain, most) + 1)
    ordered = [asked.tp] if asked.tp else widths if asked.ep > 1 else reversed(widths)
    made = (Layout(tp, devices // max(tp, asked.ep), asked.ep or 1) for tp in ordered)
    return [
        layout
        for layout in made
        if layout.devices == devices
        and layout.pp <= model.depth
        and asked.pp in (0, layout.pp)
        and not _refusal(model, layout)
    ]


def every_layout(model: Model, most: int, asked: Layout = FREE) -> list[Layout]:
    """Layouts of up to so many devices that an engine accepts, fewest devices and stages first.

    Widths of ``asked`` that are not 0 are kept; of the others, expert ranks hold equal numbers of experts.
    """
    experts = most_experts(model)
    eps = [asked.ep] if asked.ep else [1, *(ep for ep in range(2, experts + 1) if experts % ep == 0)]
    tps = [asked.tp] if asked.tp else [tp for tp in range(1, most + 1) if not _odd_heads(model, tp)]
    flat = [
        one
        for one in (Layout(tp, 1, ep) for tp in tps for ep in eps if asked.ep or ep == 1 or ep % tp == 0)
        if one.devices <= most and not _refusal(model, one)
    ]
    first, last = asked.pp or 1, min(asked.pp or model.depth, model.depth)
    made = (one._replace(pp=pp) for one in flat for pp in range(first, min(last, most // one.devices) + 1))
    return sorted(made, key=lambda one: (one.devices, one.pp, one.ep))


def _headed(model: Model) -> set[Attention]:
    """Every kind of attention whose heads tensor parallel ranks share."""
    return {layer.attention for layer in model.layers if layer.attention.heads and layer.attention.kv_heads}


def _odd_heads(model: Model, tp: int) -> bool:
    return any(
        attention.heads % tp or (not attention.latent and attention.kv_heads % tp and tp % attention.kv_heads)
        for attention in _headed(model)
    )


def _odd_block(model: Model, layout: Layout) -> int:
    """A width of matrices that a rank's share would cut inside a block of scales; 0 where there is none."""
    tp, block, quantized = layout.tp, model.quantization.block, model.quantization.bits
    if max(tp, layout.expert_slices) == 1 or not block:
        return 0
    widths = {
        (width, slices)
        for ffn in (layer.ffn for layer in model.layers)
        for part, width, slices in (
            ("ffn", ffn.width if ffn.dense else 0, tp),
            ("experts", ffn.width if ffn.experts else 0, layout.expert_slices),
            ("shared", ffn.shared * ffn.width // ffn.expert if ffn.expert else 0, tp),
        )
        if quantized.get(part, 16) < 16
    }
    return next((width for width, slices in sorted(widths) if width / slices % block), 0)


def most_experts(model: Model) -> int:
    """Routed experts of the layer that has most."""
    return max(layer.ffn.experts for layer in model.layers)


def asking(model: Model, layout: Layout) -> dict[str, int]:
    """The widths that a question must give to be answered in this layout: experts are spread by choice unless told."""
    spread = layout.tp > 1 and most_experts(model) > 1
    return {
        name: width for name, width in layout.widths.items() if width > 1 or name == "tp" or (name == "ep" and spread)
    }


def check(model: Model, layout: Layout) -> None:
    """Refuse a layout that no engine accepts.

    Raises:
        BadValue: heads or blocks that do not divide, more stages than layers, expert ranks that do not go up.
    """
    if refusal := _refusal(model, layout):
        raise BadValue(*refusal)


def _refusal(model: Model, layout: Layout) -> tuple[str, str] | None:
    """Why no engine accepts a layout, and what would do; None for one that is accepted."""
    tp, pp, ep, _ = layout
    if _odd_heads(model, tp):
        return f"--tp {tp} does not divide the heads of {model.name}", f"valid widths: {_listed(valid_widths(model))}"
    if pp > model.depth:
        return f"--pp {pp} is more than the {model.depth} layers", f"use at most --pp {model.depth}"
    most = max(most_experts(model), 1)
    if ep > most == 1:
        return f"--ep {ep}: {model.name} has no experts", "leave --ep out"
    if ep > most:
        return f"--ep {ep} is more than the {most} experts of {model.name}", f"use at most --ep {most}"
    if ep % tp and tp % ep:
        multiples = [one for one in range(2, most + 1) if not one % tp or not tp % one]
        divisors = [one for one in valid_widths(model) if ep % one == 0]
        wider = f"--tp {tp} with --ep {_listed(multiples)}; " if multiples else ""
        what = f"--ep {ep} neither divides --tp {tp} nor is a multiple of it"
        return what, f"valid layouts: {wider}--ep {ep} with --tp {_listed(divisors)}"
    if width := _odd_block(model, layout):
        whole = "" if _odd_block(model, Layout(tp, pp, tp)) or tp > most else f", or whole experts: --tp {tp} --ep {tp}"
        what = f"--tp {tp} cuts matrices of {width:,} columns inside a block of {model.quantization.block}"
        return what, f"valid widths: {_listed(valid_widths(model))}{whole}"
    return None


def _listed(widths: Sequence[int]) -> str:
    return ", ".join(map(str, widths[:8])) + (" ..." if len(widths) > 8 else "")


def kv_copies(attention: Attention, tp: int) -> float:
    """How often all ranks together hold a layer's KV heads: copies, once ranks outnumber heads."""
    if attention.latent:
        return tp
    return formulas.layer.kv_copies(kv_heads=attention.kv_heads, tensor_ranks=tp) if attention.kv_heads else 1


def rank_weight_bytes(model: Model, layout: Layout) -> float:
    """Bytes of weights on the fullest rank: the first stage holds the input table, the last the head."""
    layers = formulas.memory.all_layer_weights(
        layers_of_kind=times(model), layer_weights=[_layer_bytes(model, layer, layout) for layer in model.layers]
    )
    if layout.pp > 1:
        layers = formulas.memory.stage_weights(
            all_layer_weights=layers, stage_layers=_stage_layers(model, layout), layers=model.depth
        )
    ends = formulas.memory.table_weights if layout.pp == 1 else formulas.memory.end_stage_weights
    bits = model.quantization.of
    return formulas.memory.rank_weights(
        stage_weights=layers,
        table_weights=ends(
            table_params=model.embedding + model.lookup,
            table_bytes_per_param=bits("embedding") / 8,
            head_params=model.head or (model.embedding if layout.pp > 1 else 0),
            head_bytes_per_param=head_bits(model) / 8,
            tensor_ranks=layout.tp,
        ),
        norm_params=model.small,
        vision_params=model.vision_params,
        tensor_ranks=layout.tp,
        norm_bytes_per_param=bits("norms") / 8,
    )


def head_bits(model: Model) -> float:
    """Bits of one parameter of the output head, which may be the input table."""
    return model.quantization.of("head" if model.head else "embedding")


def _stage_layers(model: Model, layout: Layout) -> float:
    return formulas.memory.stage_layers(layers=model.depth, stages=layout.pp)


def _layer_bytes(model: Model, layer: Layer, layout: Layout) -> float:
    """Bytes of one layer on the fullest rank: whole experts, slices, or slices of some."""
    dense, ffn = layer_dense_bytes(model, layer, layout), layer.ffn
    if not ffn.experts:
        return dense
    experts: float = ffn.experts
    if layout.ep > 1:
        experts = formulas.memory.experts_on_rank(experts=experts, expert_ranks=layout.ep)
    if layout.expert_slices > 1:
        experts = formulas.memory.expert_slices(experts=experts, tensor_ranks=layout.expert_slices)
    return formulas.memory.layer_weights(
        layer_dense_weights=dense, experts_on_rank=experts, expert_weights=expert_bytes(model, ffn)
    )


def layer_dense_bytes(model: Model, layer: Layer, layout: Layout) -> float:
    """Bytes of one layer on one rank, routed experts apart."""
    split, copied = split_part(model, layer), copied_part(model, layer)
    copies = 1 if layer.attention.latent else kv_copies(layer.attention, layout.tp)
    return formulas.memory.layer_dense_weights(
        split_weights=formulas.layer.split_weights(split_params=split.params, bytes_per_param=split.bytes),
        kv_weights=_kv_bytes(model, layer.attention) if copies > 1 else 0,
        kv_copies=copies,
        tensor_ranks=layout.tp,
        copied_weights=formulas.layer.copied_weights(copied_params=copied.params, bytes_per_param=copied.bytes),
    )


def expert_bytes(model: Model, ffn: Ffn) -> float:
    """Bytes of one routed expert of one layer."""
    each = expert_part(model, ffn)
    return formulas.layer.expert_weights(expert_params=each.params, bytes_per_param=each.bytes)


def _kv_bytes(model: Model, attention: Attention) -> float:
    """Bytes of the key and value matrices of one layer."""
    return formulas.memory.kv_weights(
        kv_params=kv_params(model, attention), kv_bytes_per_param=model.quantization.of("attention") / 8
    )


def rank_growth_bytes(model: Model, layout: Layout) -> float:
    """Bytes that each further token of a long sequence takes on the fullest rank."""
    token = formulas.memory.rank_token_cache(
        layers_of_kind=times(model),
        rank_growing_cache=[_rank_growth(model, layer.attention, layout.tp) for layer in model.layers],
    )
    if layout.pp == 1:
        return token
    return formulas.memory.stage_token_cache(
        rank_token_cache=token, stage_layers=_stage_layers(model, layout), layers=model.depth
    )


def _rank_growth(model: Model, attention: Attention, tp: int) -> float:
    grown = growth(model, attention)
    if tp == 1 or not grown:
        return grown
    return formulas.memory.rank_growing_cache(
        growing_cache=grown,
        index_growth=0 if attention.latent else index_growth(model, attention),
        kv_copies=kv_copies(attention, tp),
        tensor_ranks=tp,
    )


def rank_cache_read(
    model: Model, attention: Attention, tp: int, context: float, *, copies: float, reads: float = 1
) -> float:
    """Bytes of one sequence's cache in one layer that one rank reads in a step, its entries so many times."""
    read = layer_cache_bytes_read(model, attention, context)
    if tp == 1 and reads == 1:
        return read
    if attention.index_cache and not attention.latent:
        return formulas.layer.rank_indexed_read(
            layer_cache_read=read,
            index_cache=index_cache_bytes(model, attention, context),
            kv_copies=copies,
            tensor_ranks=tp,
            cache_reads=reads,
        )
    return formulas.layer.rank_cache_read(layer_cache_read=read, kv_copies=copies, tensor_ranks=tp, cache_reads=reads)


def rank_cache_bytes(model: Model, layout: Layout, context: float) -> float:
    """Bytes of one sequence's cache on the fullest rank; latents and surplus KV heads are copied."""
    held = formulas.memory.cache_per_sequence(
        layers_of_kind=times(model),
        rank_layer_cache=[rank_layer_cache(model, layer.attention, layout, context) for layer in model.layers],
    )
    if layout.pp == 1:
        return held
    return formulas.memory.stage_cache(
        cache_per_sequence=held, stage_layers=_stage_layers(model, layout), layers=model.depth
    )


def rank_layer_cache(model: Model, attention: Attention, layout: Layout, context: float) -> float:
    """Bytes of one sequence's cache in one layer on one rank."""
    cache = layer_cache_bytes(model, attention, context)
    if layout.tp == 1:
        return cache
    if attention.index_cache and not attention.latent:
        return formulas.memory.rank_indexed_cache(
            layer_cache=cache,
            index_cache=index_cache_bytes(model, attention, context),
            kv_copies=kv_copies(attention, layout.tp),
            tensor_ranks=layout.tp,
        )
    return formulas.memory.rank_layer_cache(
        layer_cache=cache, kv_copies=kv_copies(attention, layout.tp), tensor_ranks=layout.tp
    )
