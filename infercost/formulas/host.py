"""A model in two memories: what fits into that of a host, and how long a pass takes that reads from it."""

from collections.abc import Sequence

from infercost.formulas.formula import formula, total
from infercost.numeric import floor, minimum

REPORTS = "fitted on 17 reports of experts in host memory from 13 sources"
LINK = "vLLM: weights in host memory come over the link in every pass"


@formula(source="assumption: the rest is the operating system's; gpt-oss-120b swaps in 64 GiB")
def host_room(*, host_memory: float, host_usable: float) -> float:
    """Bytes of a host's memory that weights and caches may take."""
    return host_memory * host_usable


@formula(source="room less what is asked for; negative when it does not fit")
def host_left(*, host_room: float, far_weights: float, batch: float, far_cache: float) -> float:
    """Bytes of a host's room that weights and caches leave."""
    return host_room - far_weights - batch * far_cache


@formula(source="the inverse of the room that a host has")
def host_needed(*, far_weights: float, batch: float, far_cache: float, host_usable: float) -> float:
    """Bytes of memory that a host needs for what is to lie in it."""
    return (far_weights + batch * far_cache) / host_usable


@formula(source="whole sequences")
def host_sequences(*, host_room: float, far_weights: float, far_cache: float) -> int:
    """Sequences whose cache a host holds beside the weights in it."""
    return floor((host_room - far_weights) / far_cache)


@formula(source="both memories must hold a sequence")
def sequences_in_both(*, sequences_that_fit: float, host_sequences: float) -> float:
    """Sequences that fit on the cards and in the host."""
    return minimum(sequences_that_fit, host_sequences)


@formula(source=REPORTS + ": card and host work in turn")
def host_step(*, step_time: float, far_time: float) -> float:
    """Seconds of a pass that continues in the host for the layers that it holds."""
    return step_time + far_time


@formula(source=LINK + ", as fast as the narrower end of each link and the host's memory let them")
def sent_bandwidth(*, devices: float, card_link: float, board_link: float, host_nominal: float) -> float:
    """B/s at which a host sends to all accelerators, each over its own link, all out of one memory."""
    return minimum(devices * minimum(card_link, board_link), host_nominal)


@formula(source=LINK)
def link_time(*, far_weights: float, sequences: float, far_cache: float, sent_bandwidth: float) -> float:
    """Seconds to bring what lies in the host to all accelerators."""
    return (far_weights + sequences * far_cache) / sent_bandwidth


@formula(source="what ranks split, and what each of them holds")
def params_of_layer(*, split_params: Sequence[float], copied_params: Sequence[float]) -> float:
    """Parameters of one layer, routed experts apart."""
    return total(split_params) + total(copied_params)


@formula(source="sum over the layers in the host, of routed experts those that a token uses")
def params_in_host(
    *, layers_of_kind: Sequence[float], params_of_layer: Sequence[float], reused_params: float, routed_params: float
) -> float:
    """Parameters in the host that multiply for one token."""
    return total(layers_of_kind, params_of_layer) + reused_params + routed_params


@formula(source="the rest of the model")
def params_on_cards(*, active_params: float, params_in_host: float) -> float:
    """Parameters on the cards that multiply for one token."""
    return active_params - params_in_host


@formula(source="a lower bound: bytes over the memory's nominal bandwidth")
def host_read_time(*, bytes_read: float, cache_read: float, host_nominal: float) -> float:
    """Seconds in which a host reads at least what a pass needs of its memory."""
    return (bytes_read + cache_read) / host_nominal


@formula(source="sum of both")
def sent_time(*, collectives_time: float, link_time: float) -> float:
    """Seconds that accelerators wait for each other and for the host."""
    return collectives_time + link_time
