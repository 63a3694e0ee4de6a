"""One step: arithmetic, memory traffic and what devices exchange, what overlaps, how well the hardware is used."""

from collections.abc import Sequence

from infercost.formulas.formula import LATER, NOTE, formula, total, total_over
from infercost.numeric import log2, logarithm, maximum, minimum, root

BOOK = "Austin et al., How to Scale Your Model (2025), roofline chapter"
WILLIAMS = "Williams, Waterman, Patterson: Roofline, an insightful visual performance model, CACM 52(4), 2009"


RING = "Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms (2009)"
TIMINGS = "fitted on kernel timings of ten parts, aiconfigurator-core 0.12.0 (NVIDIA)"
FORWARDED = "DeepSeek-V3 Technical Report, arXiv 2412.19437, 3.2.2, and DeepEP's normal kernels"
MEGATRON = "Shoeybi et al., Megatron-LM, arXiv 1909.08053"


@formula(source="derived: matrices of several formats take their times one after another")
def mixed_peak_flops(*, multiplied_params: Sequence[float], format_peak_flops: Sequence[float]) -> float:
    """Arithmetic rate of one accelerator for matrices of several formats, each at its own rate."""
    return total(multiplied_params) / total_over(multiplied_params, format_peak_flops)


@formula(
    source="derived: the output head is multiplied for fewer tokens than the other matrices, in a format of its own"
)
def pass_peak_flops(
    *,
    matrix_params: float,
    routed_params: float,
    body_peak_flops: float,
    head_params: float,
    head_share: float,
    head_peak_flops: float,
) -> float:
    """Arithmetic rate of one accelerator for the matrices of a pass with tokens that need no output head."""
    return (matrix_params + routed_params + head_params * head_share) / (
        (matrix_params + routed_params) / body_peak_flops + head_params * head_share / head_peak_flops
    )


@formula(source="what a token multiplies with, apart by how many tokens need it")
def matrix_params(*, active_params: float, head_params: float, routed_params: float) -> float:
    """Parameters that every token multiplies with: neither output head nor routed experts."""
    return active_params - head_params - routed_params


@formula(source="sum over layers with routed experts")
def routed_params(
    *, layers_of_kind: Sequence[float], active_experts: Sequence[float], params_per_expert: Sequence[float]
) -> float:
    """Parameters of the routed experts that one token uses."""
    return total(layers_of_kind, active_experts, params_per_expert)


@formula(source=NOTE)
def flops_per_token(
    *,
    flops_per_param: float,
    matrix_params: float,
    routed_params: float,
    hottest_rank: float,
    head_params: float,
    head_share: float,
) -> float:
    """Operations of the matrices for one token: each parameter multiplies once and adds once."""
    return flops_per_param * (matrix_params + routed_params * hottest_rank + head_params * head_share)


@formula(source="experts are everybody's, the rest of a prompt is its own data parallel group's")
def flops_of_own_group(
    *,
    flops_per_token: float,
    flops_per_param: float,
    matrix_params: float,
    idle_groups: float,
    prompt_tokens: float,
    tokens: float,
) -> float:
    """Operations of the matrices for one token of the group that works on prompts while others have none."""
    return flops_per_token + flops_per_param * matrix_params * (idle_groups - 1) * prompt_tokens / tokens


@formula(source="a prompt is one group's")
def idle_groups(*, groups: float, prompts: float) -> float:
    """Data parallel groups for each that a pass gives a prompt."""
    return groups / minimum(groups, maximum(prompts, 1))


@formula(source="sum over layers")
def attention_flops_per_token(*, layers_of_kind: Sequence[float], layer_attention_flops: Sequence[float]) -> float:
    """Operations of one token's attention over its context in all layers."""
    return total(layers_of_kind, layer_attention_flops)


@formula(source="sum over layers")
def prompt_attention_flops(*, layers_of_kind: Sequence[float], layer_prompt_flops: Sequence[float]) -> float:
    """Operations of the attention of a prompt's tokens in all layers."""
    return total(layers_of_kind, layer_prompt_flops)


@formula(source="every matrix for each token, the head for the last one only, attention by pairs of tokens")
def prompt_flops(*, flops_per_token: float, tokens: float, prompt_attention_flops: float) -> float:
    """Operations of a prompt's tokens."""
    return flops_per_token * tokens + prompt_attention_flops


@formula(source="of each step, the share of a prompt that rides along with it")
def flops_with_prompts(
    *, flops_per_token: float, prompt_flops: float, request_rate: float, shared_step: float, batch: float
) -> float:
    """Operations of the matrices for one decoded token, and of its share of the prompts."""
    return flops_per_token + prompt_flops * request_rate * shared_step / batch


@formula(source="sequences that decode, each so many tokens, and tokens of prompts")
def pass_tokens(*, sequences: float, tokens_each: float, prompt_tokens: float) -> float:
    """Tokens that one pass takes through the matrices."""
    return sequences * tokens_each + prompt_tokens


@formula(source="each decoded token needs the output head, and the last one of a prompt")
def pass_heads(*, sequences: float, tokens_each: float, prompts: float) -> float:
    """Tokens of one pass that need the output head."""
    return sequences * tokens_each + prompts


@formula(source="prompts alike")
def tokens_of_prompt(*, prompt_tokens: float, prompts: float) -> float:
    """Tokens of each of the prompts in one pass."""
    return prompt_tokens / prompts


@formula(source="definition of the share")
def head_share(*, pass_heads: float, tokens: float) -> float:
    """Share of a pass's tokens that need the output head."""
    return pass_heads / tokens


@formula(source="replicas share a load evenly: the mean where some have one more than others")
def replica_share(*, shared: float, replicas: float) -> float:
    """What one replica has of a batch, of requests in flight or of requests a second."""
    return shared / replicas


@formula(source="an even share of the data parallel groups' tokens")
def group_tokens(*, tokens: float, groups: float) -> float:
    """Tokens of a pass that one data parallel group works on."""
    return tokens / groups


@formula(source=NOTE)
def compute_time(
    *, flops_per_token: float, batch: float, devices: float, peak_flops: float, compute_share: float
) -> float:
    """Seconds of arithmetic in one step of a batch, split evenly over the devices."""
    return flops_per_token * batch / (devices * peak_flops * compute_share)


@formula(source=NOTE)
def memory_time(*, bytes_read: float, devices: float, memory_bandwidth: float, memory_share: float) -> float:
    """Seconds to read a step's bytes once, for any batch that shares the read."""
    return bytes_read / (devices * memory_bandwidth * memory_share)


@formula(source=BOOK)
def attention_compute_time(
    *,
    attention_flops_per_token: float,
    sequences: float,
    devices: float,
    attention_peak_flops: float,
    attention_share: float,
) -> float:
    """Seconds of the scores and weighted values of sequences that decode."""
    return attention_flops_per_token * sequences / (devices * attention_peak_flops * attention_share)


@formula(source=BOOK)
def prompt_attention_time(
    *,
    prompt_attention_flops: float,
    prompts: float,
    idle_groups: float,
    devices: float,
    attention_peak_flops: float,
    attention_share: float,
) -> float:
    """Seconds of the scores and weighted values of prompts, each on the ranks of its group."""
    return prompt_attention_flops * (prompts * idle_groups) / (devices * attention_peak_flops * attention_share)


@formula(source="sequences that decode and prompts, one after the other")
def mixed_attention_time(*, attention_compute_time: float, prompt_attention_time: float) -> float:
    """Seconds of the arithmetic of attention in a pass that decodes and works on prompts."""
    return attention_compute_time + prompt_attention_time


@formula(source="operations that texts need, over those that the devices could do meanwhile")
def text_utilization(*, prompt_flops: float, texts_per_s: float, devices: float, peak_flops: float) -> float:
    """Share of the peak arithmetic that is used where whole texts are read and nothing is decoded."""
    return prompt_flops * texts_per_s / (devices * peak_flops)


@formula(source=BOOK)
def cache_time(*, cache_read: float, devices: float, memory_bandwidth: float, cache_share: float) -> float:
    """Seconds to read a step's cache once."""
    return cache_read / (devices * memory_bandwidth * cache_share)


@formula(source="sum over layers")
def token_activations(*, layers_of_kind: Sequence[float], activation_traffic: Sequence[float]) -> float:
    """Bytes that one token's activations move outside the matrices of all layers, on one rank."""
    return total(layers_of_kind, activation_traffic)


@formula(source="activations that a stack's unfused kernels write and read back")
def activation_time(
    *,
    token_activations: float,
    tokens: float,
    traffic_share: float,
    memory_bandwidth: float,
    memory_share: float,
) -> float:
    """Seconds to move activations outside the matrices, each rank its own."""
    return token_activations * tokens * traffic_share / (memory_bandwidth * memory_share)


@formula(source=BOOK)
def full_overlap_step(
    *,
    compute_time: float,
    attention_compute_time: float,
    memory_time: float,
    cache_time: float,
    activation_time: float,
    communication_time: float,
    overhead_time: float,
) -> float:
    """Seconds of a step in which arithmetic, reads and collectives all overlap: the least that is possible."""
    return (
        maximum(compute_time + attention_compute_time, memory_time + cache_time + activation_time, communication_time)
        + overhead_time
    )


@formula(source=BOOK)
def matrix_time(*, compute_time: float, memory_time: float, activation_time: float) -> float:
    """Seconds of the matrices, their arithmetic or their reads, and of moving activations between them."""
    return maximum(compute_time, memory_time) + activation_time


@formula(source=BOOK)
def attention_time(*, attention_compute_time: float, cache_time: float) -> float:
    """Seconds of attention: its arithmetic or the cache's reads, whichever takes longer."""
    return maximum(attention_compute_time, cache_time)


@formula(source=WILLIAMS)
def least_attention_time(
    *,
    cache_read: float,
    memory_bandwidth: float,
    attention_flops_per_token: float,
    sequences: float,
    attention_peak_flops: float,
    devices: float,
) -> float:
    """Seconds of attention at the peaks of its devices, which no kernel is faster than."""
    return maximum(
        cache_read / (devices * memory_bandwidth),
        attention_flops_per_token * sequences / (devices * attention_peak_flops),
    )


@formula(source="Amdahl, Validity of the single processor approach, AFIPS 1967: all but attention stays as it is")
def attention_gain_bound(*, step_time: float, attention_time: float, least_attention_time: float) -> float:
    """How many times as fast a step is at most with faster kernels of attention."""
    return step_time / (step_time - attention_time + least_attention_time)


@formula(source=LATER)
def operator_overlap_step(
    *, matrix_time: float, attention_time: float, communication_time: float, overhead_time: float
) -> float:
    """Seconds of a step in which arithmetic overlaps reads inside an operator, and operators wait for each other."""
    return matrix_time + attention_time + communication_time + overhead_time


@formula(source=BOOK)
def operator_time(*, compute_time: float, memory_time: float) -> float:
    """Seconds of operators of one kind: their arithmetic or their reads, whichever takes longer."""
    return maximum(compute_time, memory_time)


@formula(source="Yuan et al., LLM Inference Unveiled, arXiv 2402.16363: operators are launched one after another")
def kernel_overhead(
    *,
    layers: float,
    sparse_layers: float,
    kernels_per_layer: float,
    kernels_per_sparse_layer: float,
    kernel_time: float,
) -> float:
    """Seconds that a pass spends on starting and draining its kernels, whatever they work on."""
    return ((layers - sparse_layers) * kernels_per_layer + sparse_layers * kernels_per_sparse_layer) * kernel_time


@formula(source="derived: hottest of e ranks when tokens choose experts at random, Gaussian tail sqrt(2 ln e)")
def hottest_rank(*, tokens: float, active_experts: float, ranks: float, expert_imbalance: float) -> float:
    """How many times the mean load the rank with the most popular experts has."""
    return 1 + expert_imbalance * root(2 * logarithm(ranks) * ranks / (tokens * active_experts))


@formula(source="a pass waits for its scheduler once, and for each sequence's token once")
def overhead_time(*, kernel_overhead: float, step_overhead: float, sequences: float, sequence_overhead: float) -> float:
    """Seconds of a pass that neither arithmetic nor memory nor links account for."""
    return kernel_overhead + step_overhead + sequences * sequence_overhead


@formula(source=BOOK)
def no_overlap_step(
    *,
    compute_time: float,
    attention_compute_time: float,
    memory_time: float,
    cache_time: float,
    activation_time: float,
    communication_time: float,
    overhead_time: float,
) -> float:
    """Seconds of a step in which nothing overlaps: at most three times the full overlap."""
    return (
        (compute_time + attention_compute_time)
        + (memory_time + cache_time + activation_time)
        + communication_time
        + overhead_time
    )


@formula(source=NOTE)
def utilization(
    *,
    flops_per_token: float,
    attention_flops_per_token: float,
    batch: float,
    devices: float,
    peak_flops: float,
    step_time: float,
) -> float:
    """Share of the devices' peak arithmetic that a step uses."""
    return (flops_per_token + attention_flops_per_token) * batch / (devices * peak_flops) / step_time


@formula(source="Databricks, LLM inference performance engineering (2023): model bandwidth utilization")
def memory_bandwidth_utilization(
    *, step_bytes: float, devices: float, memory_bandwidth: float, step_time: float
) -> float:
    """Share of the devices' memory bandwidth that a step uses."""
    return step_bytes / (devices * memory_bandwidth) / step_time


@formula(source="the work of a token is the same, however fast")
def measured_utilization(*, utilization: float, measured_tokens_per_s: float, tokens_per_s: float) -> float:
    """Share of the peak arithmetic that measured tokens use, by that of an estimate of so many tokens a second."""
    return utilization * measured_tokens_per_s / tokens_per_s


@formula(source="definition of the utilization, the other way round")
def counted_flops(*, utilization: float, devices: float, peak_flops: float, tokens_per_s: float) -> float:
    """Operations for each token that a rate counts, those of prompts that it pays for among them."""
    return utilization * devices * peak_flops / tokens_per_s


@formula(source="Chowdhery et al., PaLM (2022), appendix B: model FLOPs utilization")
def tokens_per_s_of_mfu(*, measured_mfu: float, devices: float, peak_flops: float, counted_flops: float) -> float:
    """Tokens a second that use a share of the devices' peak arithmetic."""
    return measured_mfu * devices * peak_flops / counted_flops


@formula(source="the bytes of a token are the same in a batch of as many")
def measured_bandwidth_utilization(
    *, memory_bandwidth_utilization: float, measured_tokens_per_s: float, tokens_per_s: float
) -> float:
    """Share of the memory bandwidth that measured tokens use, by that of an estimate of so many tokens a second."""
    return memory_bandwidth_utilization * measured_tokens_per_s / tokens_per_s


@formula(source="a step yields one token of each sequence that runs; the first of a request comes with its prompt")
def least_steps_per_s(
    *, measured_tokens_per_s: float, decoded_tokens: float, output_tokens: float, batch: float
) -> float:
    """Steps a second that measured tokens take at least, where no more than a batch runs at once."""
    return measured_tokens_per_s * decoded_tokens / output_tokens / batch


@formula(source="the steps of a rate alone, what prompts read left out")
def least_bandwidth_utilization(
    *, step_bytes: float, least_steps_per_s: float, devices: float, memory_bandwidth: float
) -> float:
    """Share of the memory bandwidth that measured tokens use at least, by the bytes of their steps."""
    return step_bytes * least_steps_per_s / (devices * memory_bandwidth)


@formula(source="definition of the share, the other way round")
def measured_bytes_per_s(*, measured_bandwidth_utilization: float, devices: float, memory_bandwidth: float) -> float:
    """Bytes a second that measured tokens have the memory of all devices read."""
    return measured_bandwidth_utilization * devices * memory_bandwidth


@formula(source="definition of the ratio")
def measured_over_estimate(*, measured_tokens_per_s: float, tokens_per_s: float) -> float:
    """Measured tokens a second over those of an estimate, or of a load that brings as many."""
    return measured_tokens_per_s / tokens_per_s


@formula(source="definition of the ratio: above one no stack is so fast")
def measured_over_bound(*, measured_tokens_per_s: float, bound_tokens_per_s: float) -> float:
    """Measured tokens a second over those that no stack beats."""
    return measured_tokens_per_s / bound_tokens_per_s


@formula(source=BOOK)
def critical_batch(
    *,
    peak_flops: float,
    compute_share: float,
    bytes_read: float,
    memory_bandwidth: float,
    memory_share: float,
    flops_per_token: float,
) -> float:
    """Batch at which arithmetic takes as long as reading the weights of a step once, every expert among them."""
    return peak_flops * compute_share * bytes_read / (memory_bandwidth * memory_share * flops_per_token)


@formula(source=NOTE)
def flops_per_byte(*, peak_flops: float, memory_bandwidth: float) -> float:
    """Operations that an accelerator does in the time it reads one byte: its balance."""
    return peak_flops / memory_bandwidth


@formula(source=WILLIAMS)
def arithmetic_intensity(*, flops_per_byte: float, utilization: float, memory_bandwidth_utilization: float) -> float:
    """Operations for each byte that a step reads, from the shares of the arithmetic and of the bandwidth it uses."""
    return flops_per_byte * utilization / memory_bandwidth_utilization


@formula(source=WILLIAMS)
def attainable_flops(*, peak_flops: float, memory_bandwidth: float, arithmetic_intensity: float) -> float:
    """Operations per second of one accelerator at most, for work that does so many for each byte."""
    return minimum(peak_flops, memory_bandwidth * arithmetic_intensity)


@formula(source="operations per second over joules per second")
def flops_per_joule(*, peak_flops: float, power: float) -> float:
    """Operations that an accelerator does for one joule at its peak."""
    return peak_flops / power


# Collectives of tensor and expert parallelism: what a step sends, and how long that takes, derived or measured.


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
