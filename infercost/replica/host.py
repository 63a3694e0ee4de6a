"""A model in two memories: what stays on the cards, and what lies in the memory of their host."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from infercost import formulas
from infercost.models import counting
from infercost.models.model import Attention, Ffn, Layer, Model
from infercost.parts.preset import Preset
from infercost.quantities import CONSTANTS
from infercost.replica.layout import Layout, rank_cache_bytes, rank_weight_bytes
from infercost.replica.work import Load, Work, reused_params, routed_params, work_of

#: Share of a host's memory to plan with.
USABLE = CONSTANTS["host_usable"].value
_NO_ATTENTION, _NO_FFN = Attention("none"), Ffn("none")


class Host(NamedTuple):
    """A host and what is asked to lie in it: a word of ``OFFLOADS``, of so many layers, or of all where that is 0.

    Without a word it holds as much as is needed: experts first, then whole layers.
    """

    preset: Preset
    offload: str = ""
    layers: int = 0

    @property
    def memory(self) -> float:
        """Bytes of its memory."""
        return self.preset.value("memory")

    @property
    def link(self) -> float:
        """B/s, one direction, between it and one card."""
        return self.preset.value("link_bandwidth")

    def ways(self, model: Model) -> Iterator["Offload"]:
        """What may lie in it, the least first."""
        sparse, depth = sparse_layers(model), model.depth
        if self.offload == "experts":
            yield Offload(experts=min(self.layers or sparse, sparse))
        elif self.offload == "layers":
            yield Offload(layers=min(self.layers or depth, depth))
        elif self.offload == "kv":
            yield Offload(cache=True)
        else:
            yield from (Offload(experts=count) for count in range(sparse + 1))
            yield from (Offload(experts=sparse, layers=count) for count in range(1, depth + 1))


class Offload(NamedTuple):
    """What lies in a host: the experts of so many sparse layers, so many whole layers, the cache of all layers."""

    experts: int = 0
    layers: int = 0
    cache: bool = False


class Split(NamedTuple):
    """A model in two: ``near`` stays on the cards, ``far`` are the layers, or parts of layers, in the host."""

    offload: Offload
    near: Model
    far: Model

    @property
    def host_layers(self) -> int:
        """Layers that the host works on, or holds a part of."""
        return self.far.depth

    @property
    def far_weights(self) -> float:
        """Bytes of weights in the host."""
        return rank_weight_bytes(self.far, Layout()) if self.far.layers else 0.0

    def far_cache(self, context: float) -> float:
        """Bytes of one sequence's cache in the host."""
        return rank_cache_bytes(self.far, Layout(), context) if self.far.layers else 0.0


def sparse_layers(model: Model) -> int:
    """Layers with routed experts."""
    return sum(layer.times for layer in model.layers if layer.ffn.experts)


def split(model: Model, offload: Offload) -> Split:
    """A model with some of it in a host; layers of several kinds go there in proportion.

    A layer in the host leaves an empty one on the cards, so that both count the same layers.
    """
    near, far = [], []
    whole = _shared_out(offload.layers, [layer.times for layer in model.layers])
    left = [layer.times - gone for layer, gone in zip(model.layers, whole, strict=True)]
    routed = [count if layer.ffn.experts else 0 for layer, count in zip(model.layers, left, strict=True)]
    experts = _shared_out(min(offload.experts, sum(routed)), routed)
    for layer, gone, sparse, count in zip(model.layers, whole, experts, left, strict=True):
        near += [layer._replace(times=count - sparse), _without_experts(layer)._replace(times=sparse)]
        near.append(Layer(gone, _NO_ATTENTION, _NO_FFN))
        far += [layer._replace(times=gone), Layer(sparse, _NO_ATTENTION, _experts_alone(layer.ffn))]
    if offload.cache:
        far += [Layer(layer.times, _cache_alone(layer.attention), _NO_FFN) for layer in near if layer.attention.cache]
        near = [layer._replace(attention=_without_cache(layer.attention)) for layer in near]
    nothing = model._replace(embedding=0, head=0, small=0, lookup=0, vision_params=0, mtp_params=0)
    there = offload._replace(experts=sum(experts))
    return Split(there, model._replace(layers=_there(near)), nothing._replace(layers=_there(far)))


def _there(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    return tuple(layer for layer in layers if layer.times)


def _shared_out(count: int, of_kind: Sequence[int]) -> list[int]:
    """So many layers, taken from each kind in proportion."""
    total, seen, taken = sum(of_kind), 0, 0
    parts = []
    for times in of_kind:
        seen += times
        upto = count * seen // total if total else 0
        parts.append(upto - taken)
        taken = upto
    return parts


def _without_experts(layer: Layer) -> Layer:
    """A layer whose routed experts are elsewhere; its router and shared experts stay."""
    return layer._replace(ffn=layer.ffn._replace(experts=0, active=0, expert=0, expert_small=0))


def _experts_alone(ffn: Ffn) -> Ffn:
    """The routed experts of a layer."""
    return ffn._replace(dense=0, shared=0, router=0, small=0, reused=0)


def _without_cache(attention: Attention) -> Attention:
    return attention._replace(cache=0, index_cache=0, borrowed=0)


def _cache_alone(attention: Attention) -> Attention:
    return attention._replace(split=0, copied=0, small=0, state=0, conv=0, query_rank=0, matrices=())


class Link(NamedTuple):
    """The way from a host to so many cards: B/s of a card's own link to it, if known, of the host's, of its memory."""

    devices: int
    card: float | None
    host: float
    memory: float

    @property
    def bandwidth(self) -> float:
        """B/s to all cards together."""
        return formulas.memory.sent_bandwidth(
            devices=self.devices, card_link=self.card or self.host, board_link=self.host, host_nominal=self.memory
        )

    @property
    def narrowest(self) -> str:
        """What limits it: the host's ``memory``, the ``card``'s link or the ``host``'s."""
        each = min(self.card or self.host, self.host)
        if self.memory < self.devices * each:
            return "memory"
        return "card" if self.card and self.card < self.host else "host"


def link_of(host: Host, part: Preset, devices: int) -> Link:
    """The way from a host to so many cards, whose links to each other may be others than those to the host."""
    fact = part.facts.get(card_link_key(part))
    return Link(devices, fact.value if fact else None, host.link, host.preset.value("memory_bandwidth"))


def card_link_key(part: Preset) -> str:
    """The figure of a part's own link to its host: the one between cards where that goes over PCIe."""
    shared = part.labels.get("link") in ("pcie", "host") and "host_link_bandwidth" not in part.facts
    return "link_bandwidth" if shared else "host_link_bandwidth"


class Over(NamedTuple):
    """What comes over a link in every pass: bytes of weights, and of one sequence's cache."""

    weights: float
    cache: float
    link: Link

    def time(self, load: Load) -> float:
        """Seconds for a pass of a load."""
        return formulas.memory.link_time(
            far_weights=self.weights,
            sequences=load.sequences,
            far_cache=self.cache,
            sent_bandwidth=self.link.bandwidth,
        )


class Read(NamedTuple):
    """What a host reads in every pass at its memory's nominal bandwidth, while the cards do their ``near`` work.

    No engine is faster, whether it computes there or sends: what goes over a link is read out of that memory too.
    """

    work: Work
    near: Work
    bandwidth: float

    def time(self, load: Load) -> float:
        """Seconds for a pass of a load."""
        return formulas.memory.host_read_time(
            bytes_read=self.work.bytes_read(load.tokens),
            cache_read=self.work.cache_read(load.sequences, load.context) if self.work.attending else 0.0,
            host_nominal=self.bandwidth,
        )


def read_of(parts: Split, layout: Layout, host: Host) -> Read:
    """What a host and the cards read of a model in two."""
    there = _params_in_host(parts.far)
    here = formulas.memory.params_on_cards(
        active_params=counting.active_params(parts.near) + there, params_in_host=there
    )
    far, near = work_of(parts.far, Layout(), there), work_of(parts.near, layout, here)
    return Read(far, near, host.preset.value("memory_bandwidth"))


def _params_in_host(far: Model) -> float:
    """Parameters of the layers in a host that multiply for one token."""
    parts = ((counting.split_part(far, layer), counting.copied_part(far, layer)) for layer in far.layers)
    return formulas.memory.params_in_host(
        layers_of_kind=counting.times(far),
        params_of_layer=[
            formulas.memory.params_of_layer(split_params=split.params, copied_params=copied.params)
            for split, copied in parts
        ],
        reused_params=reused_params(far),
        routed_params=routed_params(far),
    )


def held_memory(host: Host) -> float:
    """Bytes of a host's memory that may be planned with."""
    return formulas.memory.host_room(host_memory=host.memory, host_usable=USABLE)
