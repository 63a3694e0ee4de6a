"""How accelerators reach each other, and what their collectives take with measured kernels."""

from collections.abc import Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple, Protocol

from infercost import formulas
from infercost.parts.accelerator import group_link
from infercost.quantities import CONSTANTS
from infercost.replica.chip import Chip
from infercost.replica.layout import Layout


class Routing(Protocol):
    """Experts of a token: ``active`` of them, in ``token_groups`` of ``groups``, 0 where they lie in any."""

    @property
    def active(self) -> int:
        """Experts of a token."""

    @property
    def groups(self) -> int:
        """Groups of experts."""

    @property
    def token_groups(self) -> int:
        """Groups that a token's experts lie in."""


#: Bytes of a value sent to an expert and back, on average.
EXCHANGED = CONSTANTS["exchange_bytes"].value


class Engine(NamedTuple):
    """What an engine adds to the kernels, in base units.

    ``captured_tokens`` is the largest pass with prompts that a graph holds, ``chunk_tokens`` the most tokens of prompts
    a pass takes of each data parallel group. ``row_traffic`` counts how often more than alone a routed row travels
    through memory in a pass with prompts, ``reduce_limit`` is the bandwidth at which its all-reduces stop, 0 for none.
    ``prompts`` is how prompts join: parts of them that fill each pass (``filled``), ``whole`` ones, or ``alone``, while
    nothing decodes. ``experts_kernel`` and ``products_kernel`` name kernels that are not the usual ones;
    ``unfused_launch_scale`` multiplies launch times where an engine does not fuse its kernels: on the architecture
    ``fused_on`` it fuses those of latents without an indexer, and of ``fused_families`` from ``fused_ranks`` on;
    ``unfused_experts`` are its kernels of experts elsewhere.
    ``cpu_launches`` is how often longer the host takes for launches outside a graph, 0 where ``eager_layer_time`` says
    it; ``captures_split`` whether graphs hold prompts of several groups or stages too.
    ``untuned_factor`` is how often longer products take without tables of tuned shapes in passes with prompts,
    ``untuned_decode_factor`` in all passes.
    ``compute_scale`` and ``bandwidth_scale`` multiply what all kernels of the chip reach.
    """

    launch_scale: float
    collective_latency: float
    exchange_latency: float
    forwarding_latency: float
    step_overhead: float
    sequence_overhead: float
    eager_layer_time: float
    captured_tokens: float
    chunk_tokens: float
    token_overhead: float
    row_traffic: float
    reduce_limit: float
    prompts: str
    experts_kernel: str = ""
    products_kernel: str = ""
    unfused_launch_scale: float = 1.0
    cpu_launches: float = 0.0
    captured_tokens_latent: float = inf
    captures_split: bool = True
    untuned_factor: float = 1.0
    untuned_decode_factor: float = 1.0
    fused_ranks: float = 0.0
    fused_families: tuple[str, ...] = ()
    fused_on: str = ""
    unfused_experts: str = ""
    compute_scale: float = 1.0
    bandwidth_scale: float = 1.0


class Exchanging(Routing, Protocol):
    """Experts that tokens are sent to."""

    @property
    def input(self) -> float:
        """Width of what they take in."""


class Way(NamedTuple):
    """What a message meets on its way: seconds to start, and for each rank it passes, B/s and the share reached."""

    start: float
    bandwidth: float
    share: float = 1.0
    hop: float = 0.0


class Exchange(NamedTuple):
    """An all-to-all between the experts' ranks: seconds to start, and each way's copies of a token and B/s."""

    start: float
    ways: tuple[tuple[float, float], ...]


class Links:
    """The collectives of a layout: inside a node over its links, across nodes over the network.

    ``experts`` are those that tokens are sent to.
    """

    def __init__(self, chip: Chip, engine: Engine, layout: Layout, experts: Sequence[Exchanging] = ()) -> None:
        self.chip, self.engine, self.layout, self.experts = chip, engine, layout, experts
        kind = chip.part.labels.get("link", "switch")
        self.shared, slow = kind == "host", kind in ("pcie", "host")
        self.start = chip.value("links_pcie_launch") if slow else engine.collective_latency
        self.hop = chip.value("links_pcie_hop" if slow else "links_ranks_hop")
        self.inside, self.nodes = self._spread(layout.tp)
        self.bandwidth = self._bandwidth(self.inside) if layout.tp > 1 else 0.0
        self.switch = chip.value("links_switch_launch") if chip.has("links_switch_launch") else 0.0
        self.limited = min(self.bandwidth, engine.reduce_limit or self.bandwidth)

    def _spread(self, ranks: int) -> tuple[int, int]:
        """Ranks inside a node, and nodes; one node where its size or the network is not known."""
        facts = self.chip.part.facts
        domain = int(facts["link_domain"].value) if "link_domain" in facts else 0
        if not domain or ranks <= domain or "network_bandwidth" not in facts:
            return ranks, 1
        return domain, formulas.memory.nodes(devices=ranks, domain=domain)

    def _bandwidth(self, ranks: int) -> float:
        """B/s that one of so many ranks sends inside a node."""
        chip = self.chip
        reached = formulas.collectives.link_reached(
            link_bandwidth=group_link(chip.part, self.layout.ranks), link_share=chip.value("links_reduce_share")
        )
        if not self.shared:
            return reached
        of_all = chip.value(f"links_host_{next((name for most, name in HOSTS if ranks <= most), 'eight')}")
        return min(reached, formulas.collectives.host_link(host_bandwidth=of_all, ranks=ranks))

    def reduce(self, message: float) -> float:
        """Seconds of one all-reduce: inside a node, or with NCCL over several, each NIC with its rank's part."""
        if self.nodes == 1:
            return self._inside(message)
        network = self._network
        return formulas.collectives.network_reduce_time(
            reduce_start=network.start,
            rank_time=network.hop,
            ranks=self.layout.tp,
            message_bytes=message,
            domain=self.inside,
            reduce_bandwidth=self.bandwidth,
            nodes=self.nodes,
            network_bandwidth=network.bandwidth,
        )

    @cached_property
    def _network(self) -> Way:
        chip = self.chip
        return Way(
            start=chip.value("links_network_launch"),
            bandwidth=chip.part.value("network_bandwidth"),
            hop=chip.value("links_network_hop"),
        )

    def _inside(self, message: float) -> float:
        ring = formulas.collectives.reduce_time(
            reduce_start=self.start,
            rank_time=self.hop,
            ranks=self.inside,
            message_bytes=message,
            reduce_bandwidth=self.limited,
        )
        if not self.switch:
            return ring
        switch = formulas.collectives.switch_reduce_time(
            switch_start=self.switch, message_bytes=message, reduce_bandwidth=self.bandwidth
        )
        return formulas.collectives.shortest_reduce_time(reduce_time=ring, switch_reduce_time=switch)

    def exchange(self, rows: float, prompts: bool = False) -> float:
        """Seconds of one phase of the all-to-all between the experts' ranks."""
        among = self._forwarded if prompts else self._direct
        times = [
            formulas.collectives.exchange_time(
                exchange_start=among.start,
                group_rows=rows,
                tensor_ranks=self.layout.tp,
                copies=copies,
                expert_input=max(each.input for each in self.experts),
                exchange_bytes=EXCHANGED,
                exchange_bandwidth=bandwidth,
            )
            for copies, bandwidth in among.ways
        ]
        if len(times) == 1:
            return times[0]
        return formulas.collectives.forwarded_exchange_time(near_exchange_time=times[0], far_exchange_time=times[1])

    @cached_property
    def _direct(self) -> Exchange:
        """As passes without prompts do: each expert gets a copy, which graphs can hold."""
        inside, nodes = self._spread(self.layout.ep * self.layout.expert_slices)
        copies = formulas.collectives.expert_copies(
            active_experts=self._routing.active, peers=nodes if nodes > 1 else inside
        )
        bandwidth = self.chip.part.value("network_bandwidth") if nodes > 1 else self._bandwidth(inside)
        return Exchange(self.engine.exchange_latency, ((copies, bandwidth),))

    @cached_property
    def _forwarded(self) -> Exchange:
        """As passes with prompts do over several nodes: each node gets a copy, and gives it to each rank."""
        ranks = self.layout.ep * self.layout.expert_slices
        inside, nodes = self._spread(ranks)
        if nodes == 1:
            return self._direct
        near = over_links(self._routing, ranks, inside), self._bandwidth(inside)
        far = over_network(self._routing, nodes), self.chip.part.value("network_bandwidth")
        return Exchange(self.engine.forwarding_latency, (near, far))

    @property
    def _routing(self) -> Exchanging:
        return max(self.experts, key=lambda each: each.active)

    def hand_over(self, message: float) -> float:
        """Seconds that stages spend on sending to the next: each rank sends its share of the activations."""
        layout, way = self.layout, self._to_next
        if layout.tp > 1:
            message = formulas.collectives.hand_over_message(message_bytes=message, tensor_ranks=layout.tp)
        return formulas.collectives.hand_over_time(
            message_bytes=message,
            stages=layout.pp,
            link_bandwidth=way.bandwidth,
            link_share=way.share,
            collective_latency=way.start,
        )

    @cached_property
    def _to_next(self) -> Way:
        """From a stage to the next: over the network where the replica spans nodes."""
        chip = self.chip
        _, nodes = self._spread(self.layout.devices)
        if nodes > 1:
            return Way(chip.value("links_network_launch"), chip.part.value("network_bandwidth"))
        return Way(self.start, group_link(chip.part, 2), chip.value("links_reduce_share"))


#: Names of what all ranks of a host have together, by their number.
HOSTS = ((2, "two"), (4, "four"))


# How often a token is sent to its experts on other ranks.


def over_network(routing: Routing, nodes: int) -> float:
    """Copies of a token that leave its node: one for each other node with its experts."""
    places: float = nodes
    if routing.groups:
        places = formulas.collectives.limited_places(
            nodes=nodes, expert_groups=routing.groups, token_groups=routing.token_groups
        )
    return _forwarded(routing, places, nodes)


def over_links(routing: Routing, ranks: int, inside: int) -> float:
    """Copies of a token that go from one rank of a node to another: one for each rank with its experts."""
    return _forwarded(routing, ranks, inside)


def _forwarded(routing: Routing, places: float, peers: int) -> float:
    met = formulas.collectives.places_met(places=places, active_experts=routing.active)
    return formulas.collectives.forwarded_copies(places_met=met, peers=peers)
