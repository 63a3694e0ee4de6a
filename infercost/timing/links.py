"""What the ranks of a replica send each other in one pass, and how long that takes."""

from infercost.engine import communication
from infercost.timing.speeds import Speeds, spread
from infercost.timing.work import Work


def communication_time(work: Work, speeds: Speeds, tokens: float) -> float | None:
    """Seconds of all collectives: nothing on one device, None where layers or width are not known."""
    if work.layout.devices == 1:
        return 0.0
    if work.layers is None or work.hidden_size is None:
        return None
    layout = work.layout
    message = communication.activation_message(
        batch=tokens / layout.dp, hidden_size=work.hidden_size, activation_bytes=speeds.activation_bytes
    )
    exchanging = work.sparse_layers if layout.dp > 1 else 0
    reduced = 2 * work.layers - exchanging if layout.tp > 1 else 0
    return communication.communication_time(
        collectives=reduced,
        all_reduce_time=_all_reduce(speeds, message, layout.tp) if reduced else 0.0,
        exchanges=2 * exchanging,
        all_to_all_time=_exchange(work, speeds, message) if exchanging else 0.0,
        hand_over_time=_hand_over(work, speeds, message) if layout.pp > 1 else 0.0,
    )


def _all_reduce(speeds: Speeds, message: float, ranks: int) -> float:
    """Seconds of one all-reduce, inside nodes first, then across them on the part that each rank is left with."""
    inside, nodes = spread(ranks, speeds)
    total = _one_all_reduce(speeds, message, inside, speeds.link_bandwidth, speeds.collective_latency)
    if nodes > 1:
        part = communication.scattered_message(message_bytes=message, domain=inside)
        total += _one_all_reduce(speeds, part, nodes, speeds.network_bandwidth, speeds.network_latency)
    return total


def _one_all_reduce(speeds: Speeds, message: float, ranks: int, bandwidth: float, latency: float) -> float:
    asked = {
        "message_bytes": message,
        "devices": ranks,
        "link_bandwidth": bandwidth,
        "link_share": speeds.link_share,
        "hop_latency": speeds.hop_latency,
    }
    return communication.all_reduce_time(
        ring_all_reduce_time=communication.ring_all_reduce_time(**asked),
        tree_all_reduce_time=communication.tree_all_reduce_time(**asked),
        collective_latency=latency,
    )


def _exchange(work: Work, speeds: Speeds, message: float) -> float:
    """Seconds of one all-to-all: each rank's tokens go to all their experts, 8 bits out and 16 back, mean of both."""
    inside, nodes = spread(work.layout.ep, speeds)
    sent = message / work.layout.tp * max(each.active for each in work.experts) * 0.75
    return communication.all_to_all_time(
        message_bytes=sent,
        devices=nodes if nodes > 1 else inside,
        link_bandwidth=speeds.network_bandwidth if nodes > 1 else speeds.link_bandwidth,
        link_share=speeds.link_share,
        collective_latency=speeds.network_latency if nodes > 1 else speeds.collective_latency,
    )


def _hand_over(work: Work, speeds: Speeds, message: float) -> float:
    """Seconds that stages spend on sending to the next: each rank sends its share of the activations."""
    _, nodes = spread(work.layout.devices, speeds)
    return communication.hand_over_time(
        message_bytes=message / work.layout.tp,
        stages=work.layout.pp,
        link_bandwidth=speeds.network_bandwidth if nodes > 1 else speeds.link_bandwidth,
        link_share=speeds.link_share,
        collective_latency=speeds.network_latency if nodes > 1 else speeds.collective_latency,
    )
