"""The arithmetic rate of a model whose matrices are stored in several formats: each computes at its own."""

from typing import NamedTuple

from infercost import formulas
from infercost.models import counting
from infercost.models.model import Attention, Layer, Model, arithmetic_format, format_of_bits
from infercost.parts.accelerator import find_rate, rate_for
from infercost.parts.preset import Preset
from infercost.replica.layout import Layout, kv_copies, layer_bytes


class Experts(NamedTuple):
    """All layers whose routed experts are alike: bytes of one expert of each, and operations of one token's."""

    experts: int
    active: int
    bytes: float
    flops: float


class Attending(NamedTuple):
    """Layers whose attention is alike, the share of one layer's cache that a rank reads, and the query heads a KV head.

    ``queries`` is one where nothing is shared, and for latents, whose kernels were made for all heads at once.
    """

    attention: Attention
    layers: int
    share: float
    queries: float


class Work(NamedTuple):
    """Sums over the layers of a model under a layout; a bare count has no attention, and may have no width.

    ``bytes`` are read whatever the batch, ``activation_bytes`` by one token on one rank.
    """

    model: Model
    ranks: int
    layout: Layout
    layers: int
    sparse_layers: int
    hidden_size: int
    bytes: float
    flops: float
    head_flops: float = 0.0
    experts: tuple[Experts, ...] = ()
    attending: tuple[Attending, ...] = ()
    activation_bytes: float = 0.0

    def bytes_read(self, tokens: float) -> float:
        """Bytes of weights that all ranks read for so many tokens: distinct experts are hit, the rest is read whole."""
        return self.bytes + sum(each.bytes * hit(each, tokens) for each in self.experts)

    def cache_read(self, sequences: float, context: float, rereads: float = 0.0) -> float:
        """Bytes of cache that all ranks read for so many sequences of all groups.

        ``rereads`` is the share of a group's query heads that read their KV head again rather than with the first.
        """
        one = sum(
            each.layers
            * each.share
            * counting.layer_cache_bytes_read(self.model, each.attention, context)
            * (formulas.memory.cache_reads(queries=each.queries, cache_rereads=rereads) if rereads else 1)
            for each in self.attending
        )
        return one * self.ranks * (-(-sequences // self.layout.dp) if self.layout.dp > 1 else sequences)

    def flops_per_token(self, heads: float = 1.0, hottest: float = 1.0) -> float:
        """Operations of the matrices per token, all ranks: ``heads`` is the share of tokens that need the output head.

        ``hottest`` is how many times the mean load the rank with the most popular experts has.
        """
        return self.flops + sum(each.flops for each in self.experts) * hottest + self.head_flops * heads

    def attention_flops(self, context: float) -> float:
        """Operations of one token's attention over its context, all layers."""
        return sum(each.layers * counting.attended_flops(each.attention, context) for each in self.attending)

    def prompt_flops(self, tokens: float, cached: float) -> float:
        """Operations of the attention of a prompt's tokens after so many that are cached, all layers."""
        return sum(each.layers * counting.prompt_flops(each.attention, tokens, cached) for each in self.attending)

    def whole_prompt_flops(self, tokens: float, cached: float) -> float:
        """Operations of a prompt's tokens after so many that are cached: matrices, the head once, attention."""
        return self.flops_per_token(1 / tokens) * tokens + self.prompt_flops(tokens, cached)


def hit(experts: Experts, tokens: float) -> float:
    """Distinct experts of a layer that so many tokens use."""
    return formulas.layer.experts_hit(experts=experts.experts, active_experts=experts.active, tokens=tokens)


def work_of(model: Model, layout: Layout) -> Work:
    """The work of a model under a layout."""
    bits = model.quantization.of
    head, ranks = model.head or model.embedding, layout.devices // layout.pp
    head_bytes = head * bits("head" if model.head else "embedding") / 8 / layout.tp
    layers = sum(layer.times * layer_bytes(model, layer, layout, 0) for layer in model.layers)
    again = sum(layer.times * layer.ffn.reused for layer in model.layers) * bits("ffn") / 8 / layout.tp
    experts = _experts(model)
    flops = formulas.step.flops_per_token(
        active_params=counting.active_params(model) - head, flops_per_param=counting.FLOPS_PER_PARAM
    )
    return Work(
        model=model,
        ranks=ranks,
        layout=layout,
        layers=model.depth,
        sparse_layers=sum(layer.times for layer in model.layers if layer.ffn.experts),
        hidden_size=model.hidden_size,
        bytes=(layers + again + head_bytes + model.small * bits("norms") / 8) * ranks,
        flops=flops - sum(each.flops for each in experts),
        head_flops=counting.FLOPS_PER_PARAM * head,
        experts=experts,
        attending=_attending(model, layout),
        activation_bytes=sum(layer.times * _activations(model, layer, layout) for layer in model.layers),
    )


def _experts(model: Model) -> tuple[Experts, ...]:
    """Experts by how many there are and how many a token uses."""
    bits = model.quantization.of
    kinds: dict[tuple[int, int], tuple[float, float]] = {}
    for layer in model.layers:
        ffn = layer.ffn
        if ffn.experts:
            size, flops = kinds.get((ffn.experts, ffn.active), (0.0, 0.0))
            small = ffn.expert_small * bits("norms") / 8
            size += layer.times * (ffn.expert * bits("experts") / 8 + small)
            flops += layer.times * counting.FLOPS_PER_PARAM * ffn.active * (ffn.expert + ffn.expert_small)
            kinds[ffn.experts, ffn.active] = size, flops
    return tuple(Experts(*kind, *sums) for kind, sums in kinds.items())


def _attending(model: Model, layout: Layout) -> tuple[Attending, ...]:
    """Attention by kind: layers that only differ in their feed-forward part are one."""
    times: dict[Attention, int] = {}
    for layer in model.layers:
        times[layer.attention] = times.get(layer.attention, 0) + layer.times
    return tuple(
        Attending(kind, count, copies / layout.tp, _queries(kind, copies))
        for kind, count in times.items()
        if kind.heads or kind.cache or kind.state
        for copies in [kv_copies(kind, layout.tp)]
    )


def _queries(attention: Attention, copies: float) -> float:
    """Query heads of a rank that share a KV head."""
    return 1 if attention.latent or not attention.kv_heads else attention.heads / (attention.kv_heads * copies)


def _activations(model: Model, layer: Layer, layout: Layout) -> float:
    """Bytes that one token's activations move outside the matrices of one layer, on one rank of its group."""
    if not model.hidden_size:
        return 0.0
    attention, ffn = layer.attention, layer.ffn
    inside = ffn.dense + ffn.shared + ffn.active * ffn.expert
    return formulas.layer.activation_traffic(
        hidden_size=model.hidden_size,
        head_elements=attention.heads * attention.head_dim + attention.cache,
        ffn_elements=inside / model.hidden_size,
        ranks=layout.tp,
    )


def matrix_rate(model: Model, part: Preset) -> float:
    """Operations per second of one token's matrices: the mean of their formats' rates, weighed by time.

    Raises:
        Missing: the part has no rate for the model's main format.
    """
    main = rate_for(part, arithmetic_format(model.quantization)).fact.value
    counts = _multiplied(model)
    if len(counts) == 1:
        return main
    flops, seconds = 0.0, 0.0
    for name, count in counts.items():
        rate = find_rate(part, format_of_bits(model.quantization, model.quantization.of(name)))
        flops += count
        seconds += count / (rate.fact.value if rate else main)
    return flops / seconds


def _multiplied(model: Model) -> dict[str, float]:
    """Parameters that one token multiplies with, by part of the weights."""
    whole = counting.params_by_part(model)
    counts: dict[str, float] = {name: whole[name] for name in ("attention", "ffn", "shared", "router")}
    counts["experts"] = sum(layer.times * layer.ffn.active * layer.ffn.expert for layer in model.layers)
    counts["head" if model.head else "embedding"] = model.head or model.embedding
    return {name: count for name, count in counts.items() if count}
