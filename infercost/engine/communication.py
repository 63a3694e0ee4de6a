"""Collectives of tensor parallelism: what a step sends, and how long that takes."""

from infercost.derivation import formula

RING = "Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms (2009)"
MEGATRON = "Shoeybi et al., Megatron-LM, arXiv 1909.08053"


@formula(source=MEGATRON)
def activation_message(*, batch: float, hidden_size: float, activation_bytes: float) -> float:
    """Bytes of one all-reduce: the layer's output for every sequence of the batch."""
    return batch * hidden_size * activation_bytes


@formula(source=RING)
def ring_all_reduce_time(
    *, message_bytes: float, devices: float, link_bandwidth: float, link_share: float, hop_latency: float
) -> float:
    """Seconds of a ring all-reduce: each rank sends and receives the message almost twice, in 2(n-1) hops."""
    return 2 * (devices - 1) / devices * message_bytes / (link_bandwidth * link_share) + 2 * (devices - 1) * hop_latency


@formula(source=RING)
def scattered_message(*, message_bytes: float, domain: float) -> float:
    """Bytes that each rank of a node reduces across nodes after the reduce-scatter inside the node."""
    return message_bytes / domain


@formula(source=MEGATRON)
def communication_time(*, layers: float, collectives_per_layer: float, all_reduce_time: float) -> float:
    """Seconds of all collectives in one step."""
    return layers * collectives_per_layer * all_reduce_time
