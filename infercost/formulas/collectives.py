"""Collectives of tensor and expert parallelism: what a step sends, and how long that takes, derived or measured."""

from infercost.formulas.formula import formula
from infercost.numeric import log2, maximum, minimum

RING = "Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms (2009)"
TIMINGS = "fitted on kernel timings of ten parts, aiconfigurator-core 0.12.0 (NVIDIA)"
FORWARDED = "DeepSeek-V3 Technical Report, arXiv 2412.19437, 3.2.2, and DeepEP's normal kernels"
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


@formula(source="Sanders, Speck and Träff, Two-tree algorithms for full bandwidth broadcast and reduction (2009)")
def tree_all_reduce_time(
    *, message_bytes: float, devices: float, link_bandwidth: float, link_share: float, hop_latency: float
) -> float:
    """Seconds of an all-reduce over a double tree: the message up and down, in 2 log2(n) hops."""
    return 2 * message_bytes / (link_bandwidth * link_share) + 2 * log2(devices) * hop_latency


@formula(source="NCCL documentation, NCCL_ALGO: the library takes the faster algorithm for each size")
def all_reduce_time(*, ring_all_reduce_time: float, tree_all_reduce_time: float, collective_latency: float) -> float:
    """Seconds of one all-reduce: the faster of ring and tree, and what starting a collective costs."""
    return minimum(ring_all_reduce_time, tree_all_reduce_time) + collective_latency


@formula(source="Rajbhandari et al., DeepSpeed-MoE, arXiv 2201.05596: tokens to their experts, results back")
def all_to_all_time(
    *, message_bytes: float, link_bandwidth: float, link_share: float, collective_latency: float
) -> float:
    """Seconds of an all-to-all inside a node, or over the network: each rank sends all that is not its own at once."""
    return message_bytes / (link_bandwidth * link_share) + collective_latency


@formula(source="Huang et al., GPipe, arXiv 1811.06965: a stage sends its output to the next")
def hand_over_time(
    *, message_bytes: float, stages: float, link_bandwidth: float, link_share: float, collective_latency: float
) -> float:
    """Seconds that a pass through all stages spends between them."""
    return (stages - 1) * (message_bytes / (link_bandwidth * link_share) + collective_latency)


@formula(source=MEGATRON)
def collectives(*, layers: float, exchanging_layers: float) -> float:
    """All-reduces of one pass: two a layer, but one where tokens go to experts on other groups and back."""
    return 2 * layers - exchanging_layers


@formula(source="Rajbhandari et al., DeepSpeed-MoE, arXiv 2201.05596: tokens to their experts, results back")
def exchanges(*, exchanging_layers: float) -> float:
    """All-to-alls of one pass: two for each layer whose experts are spread over data parallel groups."""
    return 2 * exchanging_layers


@formula(source="DeepSeek-V3 Technical Report, arXiv 2412.19437, 2.1.2: a token's experts lie in few groups of them")
def limited_places(*, nodes: float, expert_groups: float, token_groups: float) -> float:
    """Nodes that a token's experts may lie on: the groups of experts that it is limited to lie on so many."""
    return minimum(nodes, maximum(token_groups, nodes * token_groups / expert_groups))


@formula(source="of p places k even draws miss one with (1 - 1/p)^k")
def places_met(*, places: float, active_experts: float) -> float:
    """Distinct nodes or ranks that hold an expert of a token, on average."""
    return places * (1 - (1 - 1 / places) ** active_experts)


@formula(source=FORWARDED + ": a token goes once to each node, and there once to each rank, that holds its experts")
def forwarded_copies(*, places_met: float, peers: float) -> float:
    """Copies of a token that leave its node over the network, or a rank over the links of a node."""
    return places_met * (peers - 1) / peers


@formula(source="DeepEP, docs/legacy.md: low-latency kernels send a token to each of its experts")
def expert_copies(*, active_experts: float, peers: float) -> float:
    """Copies of a token that leave its rank, or its node, where each expert gets one."""
    return active_experts * (peers - 1) / peers


@formula(source="DeepSeek-V3 Technical Report, arXiv 2412.19437: tokens are dispatched in 8 bits and combined in 16")
def exchange_message(
    *,
    message_bytes: float,
    tensor_ranks: float,
    copies: float,
    dispatch_bits: float,
    combine_bits: float,
    wide_bits: float,
) -> float:
    """Bytes that one rank sends in a mean all-to-all: each of its tokens so many times."""
    return message_bytes / tensor_ranks * copies * (dispatch_bits + combine_bits) / (2 * wide_bits)


@formula(source=FORWARDED + ": network and links are busy at once")
def forwarded_exchange_time(*, near_exchange_time: float, far_exchange_time: float) -> float:
    """Seconds of an all-to-all over several nodes: over their links or over the network, whichever takes longer."""
    return maximum(near_exchange_time, far_exchange_time)


@formula(source="each rank of a stage sends its share of the activations")
def hand_over_message(*, message_bytes: float, tensor_ranks: float) -> float:
    """Bytes that one rank sends to the next stage."""
    return message_bytes / tensor_ranks


@formula(source="inside each node, then across nodes on the part that each rank is left with")
def two_level_all_reduce_time(*, all_reduce_time: float, network_all_reduce_time: float) -> float:
    """Seconds of one all-reduce over several nodes."""
    return all_reduce_time + network_all_reduce_time


@formula(source=RING)
def scattered_message(*, message_bytes: float, domain: float) -> float:
    """Bytes that each rank of a node reduces across nodes after the reduce-scatter inside the node."""
    return message_bytes / domain


@formula(source=MEGATRON)
def communication_time(
    *, collectives: float, all_reduce_time: float, exchanges: float, all_to_all_time: float, hand_over_time: float
) -> float:
    """Seconds of all collectives in one pass: all-reduces, experts' exchanges, sends between stages."""
    return collectives * all_reduce_time + exchanges * all_to_all_time + hand_over_time


# measured kernels
@formula(source=TIMINGS)
def link_reached(*, link_bandwidth: float, link_share: float) -> float:
    """Bandwidth of a link that a collective reaches, in B/s."""
    return link_bandwidth * link_share


@formula(source=TIMINGS + ": the ranks of a host without links share its memory's way")
def host_link(*, host_bandwidth: float, ranks: float) -> float:
    """Bandwidth that each rank of a host has where all share one, in B/s."""
    return host_bandwidth / ranks


@formula(source=TIMINGS)
def reduce_time(
    *, reduce_start: float, rank_time: float, ranks: float, message_bytes: float, reduce_bandwidth: float
) -> float:
    """Seconds of one all-reduce in which every rank takes part in turn."""
    return reduce_start + rank_time * (ranks - 1) + 2 * (ranks - 1) / ranks * message_bytes / reduce_bandwidth


@formula(source=TIMINGS + ": NCCL's start and hops; inside each node, then across nodes on the part of each rank")
def network_reduce_time(
    *,
    reduce_start: float,
    rank_time: float,
    ranks: float,
    message_bytes: float,
    domain: float,
    reduce_bandwidth: float,
    nodes: float,
    network_bandwidth: float,
) -> float:
    """Seconds of one all-reduce over several nodes."""
    return (
        reduce_start
        + rank_time * (ranks - 1)
        + 2 * (domain - 1) / domain * message_bytes / reduce_bandwidth
        + 2 * (nodes - 1) / nodes * (message_bytes / domain) / network_bandwidth
    )


@formula(source="vllm-project/vllm pull request 42324: large all-reduces are summed in the switch of Hopper nodes")
def switch_reduce_time(*, switch_start: float, message_bytes: float, reduce_bandwidth: float) -> float:
    """Seconds of one all-reduce that the switch sums."""
    return switch_start + message_bytes / reduce_bandwidth


@formula(source="the library takes the faster way for each size")
def shortest_reduce_time(*, reduce_time: float, switch_reduce_time: float) -> float:
    """Seconds of one all-reduce by the faster way."""
    return minimum(reduce_time, switch_reduce_time)


@formula(source=TIMINGS + "; tokens go out in 8 bits and come back in 16")
def exchange_time(
    *,
    exchange_start: float,
    group_rows: float,
    tensor_ranks: float,
    copies: float,
    expert_input: float,
    exchange_bytes: float,
    exchange_bandwidth: float,
) -> float:
    """Seconds of one phase of an all-to-all between experts' ranks."""
    return (
        exchange_start
        + group_rows / tensor_ranks * copies * expert_input * exchange_bytes / exchange_bandwidth
    )  # fmt: skip


@formula(
    source="vllm-project/vllm pull request 31493, sgl-project/sglang pull request 14416: squares of the ranks summed"
)
def normed_communication_time(
    *, communication_time: float, normed_layers: float, reduce_start: float, rank_time: float, ranks: float
) -> float:
    """Seconds of all collectives where queries and keys are normalized over the heads of all ranks."""
    return communication_time + normed_layers * (reduce_start + rank_time * (ranks - 1))
