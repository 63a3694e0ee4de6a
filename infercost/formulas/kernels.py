"""The law of measured kernels: what each kind of kernel takes on a chip, and what an engine adds to a pass."""

from collections.abc import Sequence

from infercost.formulas.formula import formula, total
from infercost.formulas.step import TIMINGS
from infercost.numeric import logarithm, maximum, minimum, root

RUNS = "fitted on engine runs of InferenceX (SemiAnalysis), aiconfigurator-core 0.12.0"


# what a chip reaches
@formula(source="sustained rates of kernels of 5 ms and more in the same timings: a chip's power limit, not its peak")
def sustained_flops(*, flops_per_watt: float, power: float) -> float:
    """Arithmetic rate that the power limit of one accelerator sustains, in FLOP/s."""
    return flops_per_watt * power


@formula(source=TIMINGS)
def short_run_flops(*, kernel_share: float, format_peak: float) -> float:
    """Arithmetic rate that a kernel reaches in a short run, in FLOP/s."""
    return kernel_share * format_peak


@formula(source="derived: a kernel is as fast as it can be, or as its power limit lets it be")
def kernel_flops(*, short_run_flops: float, sustained_flops: float) -> float:
    """Arithmetic rate of a kernel, in FLOP/s."""
    return minimum(short_run_flops, sustained_flops)


@formula(source=TIMINGS)
def kernel_bandwidth(*, memory_bandwidth: float, bandwidth_share: float) -> float:
    """Bandwidth that a kernel reaches, in B/s."""
    return memory_bandwidth * bandwidth_share


@formula(source="derived: a factor that one's own runs determine")
def scaled_flops(*, kernel_flops: float, compute_scale: float) -> float:
    """Arithmetic rate of a kernel where all of them are faster or slower than measured alone, in FLOP/s."""
    return kernel_flops * compute_scale


@formula(source="derived: a factor that one's own runs determine")
def scaled_bandwidth(*, kernel_bandwidth: float, bandwidth_scale: float) -> float:
    """Bandwidth of a kernel where all of them are faster or slower than measured alone, in B/s."""
    return kernel_bandwidth * bandwidth_scale


@formula(source="definition: rate over peak")
def kernel_reach(*, kernel_flops: float, format_peak: float) -> float:
    """Share of the peak that the largest dense products reach, their power limit included."""
    return kernel_flops / format_peak


# tokens of a pass
@formula(source="an even share of the decoded tokens, and the prompts of one group")
def busiest_tokens(*, decoded: float, groups: float, prompt_tokens: float, prompt_groups: float) -> float:
    """Tokens of a pass that the busiest data parallel group works on; of its output head, rows."""
    return decoded / groups + prompt_tokens / prompt_groups


@formula(source="data parallel groups take even shares")
def group_share(*, of_all_groups: float, groups: float) -> float:
    """Sequences, tokens or prompts of a pass that one data parallel group works on."""
    return of_all_groups / groups


@formula(source="a prompt is one group's")
def prompt_groups(*, groups: float, prompts: float) -> float:
    """Data parallel groups that work on the prompts of a pass."""
    return minimum(groups, maximum(prompts, 1))


# what a pass asks of one rank
RANKS = "Shoeybi et al., Megatron-LM, arXiv 1909.08053: ranks split matrices by heads and columns"
SHAPES = "derived: sides of the matrices"


@formula(source="sum over layers")
def layers_alike(*, layers_of_kind: Sequence[float]) -> float:
    """Layers that start the same kernels."""
    return total(layers_of_kind)


@formula(source=RANKS)
def rank_attention_matrices(
    *, attention_matrices: float, kv_copies: float, kv_params: float, tensor_ranks: float, copied_matrices: float
) -> float:
    """Attention matrices of one layer on one rank."""
    return (attention_matrices + (kv_copies - 1) * kv_params) / tensor_ranks + copied_matrices


@formula(source=RANKS)
def rank_matrices(*, part_matrices: float, tensor_ranks: float) -> float:
    """Matrices of one part of a layer, or of the output head, on one rank."""
    return part_matrices / tensor_ranks


@formula(source=RANKS)
def layer_kv_heads(*, kv_heads: float, kv_copies: float, tensor_ranks: float) -> float:
    """KV heads of one layer on one rank."""
    return kv_heads * kv_copies / tensor_ranks


@formula(source="derived: a gated part has three matrices of the same size")
def inner_width(*, part_matrices: float, gated_matrices: float, input_width: float) -> float:
    """Width inside a feed-forward part whose configuration does not give it."""
    return part_matrices / (gated_matrices * input_width)


@formula(source=SHAPES)
def attention_inputs(*, hidden_size: float, heads: float, tensor_ranks: float, v_head_dim: float) -> float:
    """Values that go into the two products around one layer's attention: its input, and the heads' values."""
    return hidden_size + heads / tensor_ranks * v_head_dim


@formula(source=SHAPES)
def attention_outputs(
    *,
    heads: float,
    tensor_ranks: float,
    head_dim: float,
    layer_kv_heads: float,
    v_head_dim: float,
    hidden_size: float,
) -> float:
    """Values that come out of the two products around one layer's attention: queries, keys, values, its output."""
    return heads / tensor_ranks * head_dim + layer_kv_heads * (head_dim + v_head_dim) + hidden_size


@formula(source=SHAPES)
def latent_inputs(
    *, hidden_size: float, query_rank: float, heads: float, tensor_ranks: float, v_head_dim: float
) -> float:
    """Values that go into the products around one layer's latent attention, absorbed: three of them work by heads."""
    return hidden_size + query_rank + 3 * heads / tensor_ranks * v_head_dim


@formula(source=SHAPES)
def latent_outputs(
    *,
    query_rank: float,
    cache_elements: float,
    heads: float,
    tensor_ranks: float,
    head_dim: float,
    v_head_dim: float,
    hidden_size: float,
) -> float:
    """Values that come out of the products around one layer's latent attention."""
    return query_rank + cache_elements + heads / tensor_ranks * (head_dim + 2 * v_head_dim) + hidden_size


@formula(source=SHAPES)
def linear_inputs(*, hidden_size: float, tensor_ranks: float) -> float:
    """Values that go into the products around one layer's linear attention."""
    return hidden_size + hidden_size / tensor_ranks


@formula(source=SHAPES)
def linear_outputs(*, attention_matrices: float, hidden_size: float, tensor_ranks: float) -> float:
    """Values that come out of the products around one layer's linear attention."""
    return attention_matrices / (hidden_size * tensor_ranks) + hidden_size


@formula(source=SHAPES)
def ffn_inputs(*, hidden_size: float, ffn_width: float, tensor_ranks: float) -> float:
    """Values that go into the two products of a feed-forward part: gate and up are one."""
    return hidden_size + ffn_width / tensor_ranks


@formula(source=SHAPES)
def ffn_outputs(*, ffn_width: float, tensor_ranks: float, hidden_size: float) -> float:
    """Values that come out of the two products of a feed-forward part: gate and up, and its output."""
    return 2 * ffn_width / tensor_ranks + hidden_size


@formula(source=RANKS)
def head_outputs(*, vocab_size: float, tensor_ranks: float) -> float:
    """Logits of one row on one rank."""
    return vocab_size / tensor_ranks


@formula(source="sum over layers and their parts")
def product_params(*, layers_of_kind: Sequence[float], rank_matrices: Sequence[float]) -> float:
    """Parameters of dense products in one format, on one rank."""
    return total(layers_of_kind, rank_matrices)


@formula(source="sum over layers and their parts, scales included")
def product_weights(
    *, layers_of_kind: Sequence[float], rank_matrices: Sequence[float], bytes_per_param: Sequence[float]
) -> float:
    """Bytes of dense products in one format, on one rank."""
    return total(layers_of_kind, rank_matrices, bytes_per_param)


@formula(source="sum over layers and their parts")
def product_inputs(*, layers_of_kind: Sequence[float], part_inputs: Sequence[float]) -> float:
    """Values of one row that go into dense products in one format, on one rank."""
    return total(layers_of_kind, part_inputs)


@formula(source="sum over layers and their parts")
def product_outputs(*, layers_of_kind: Sequence[float], part_outputs: Sequence[float]) -> float:
    """Values of one row that come out of dense products in one format, on one rank."""
    return total(layers_of_kind, part_outputs)


@formula(source="sum over layers and their parts")
def product_launches(*, layers_of_kind: Sequence[float], part_products: Sequence[float]) -> float:
    """Dense products in one format of a pass."""
    return total(layers_of_kind, part_products)


@formula(source=RANKS)
def rank_expert_params(*, expert_matrices: float, slice_ranks: float) -> float:
    """Parameters of one routed expert's part on its rank."""
    return expert_matrices / slice_ranks


@formula(source=RANKS)
def rank_expert_weights(*, expert_weights: float, slice_ranks: float) -> float:
    """Bytes of one routed expert's part on its rank."""
    return expert_weights / slice_ranks


@formula(source=RANKS)
def expert_width(*, expert_inner: float, slice_ranks: float) -> float:
    """Inner width of one routed expert's part on its rank."""
    return expert_inner / slice_ranks


@formula(source="derived: each matrix of an expert has its two widths as sides")
def matrices_of_expert(*, expert_matrices: float, expert_inner: float, expert_input: float) -> float:
    """Matrices of one routed expert: three when it is gated, else two."""
    return expert_matrices / (expert_inner * expert_input)


@formula(source="sum over layers")
def rank_kv_heads(*, layers_of_kind: Sequence[float], layer_kv_heads: Sequence[float]) -> float:
    """KV heads of all layers on one rank."""
    return total(layers_of_kind, layer_kv_heads)


@formula(source="sum over layers; tensor parallel ranks split the heads")
def rank_state_elements(
    *, layers_of_kind: Sequence[float], state_elements: Sequence[float], tensor_ranks: float
) -> float:
    """Elements of one sequence's states in all layers on one rank."""
    return total(layers_of_kind, state_elements) / tensor_ranks


@formula(source=SHAPES)
def layer_prompt_elements(*, head_dim: float, heads: float, tensor_ranks: float, layer_kv_heads: float) -> float:
    """Values of one token of a prompt in one layer's attention: queries, keys and values."""
    return head_dim * (heads / tensor_ranks + 2 * layer_kv_heads)


@formula(source=SHAPES + "; prompts expand latents to keys and values of every head")
def latent_prompt_elements(*, head_dim: float, heads: float, tensor_ranks: float) -> float:
    """Values of one token of a prompt in one layer's attention over latents."""
    return head_dim * 3 * heads / tensor_ranks


@formula(source="sum over layers")
def prompt_elements(*, layers_of_kind: Sequence[float], layer_prompt_elements: Sequence[float]) -> float:
    """Values of one token of a prompt in attention, all layers, on one rank."""
    return total(layers_of_kind, layer_prompt_elements)


@formula(source="sum over layers")
def norms_of_layers(*, layers_of_kind: Sequence[float], norms_of_layer: Sequence[float]) -> float:
    """Parameters of norms and biases of all layers."""
    return total(layers_of_kind, norms_of_layer)


# dense products
@formula(source=TIMINGS)
def product_flops_time(
    *, flops_per_param: float, group_rows: float, product_params: float, kernel_flops: float
) -> float:
    """Seconds of the arithmetic of a pass's dense products in one format, on one rank."""
    return flops_per_param * group_rows * product_params / kernel_flops


@formula(source=TIMINGS)
def product_bytes_time(
    *,
    product_weights: float,
    group_rows: float,
    row_bytes: float,
    product_inputs: float,
    wide_bytes: float,
    product_outputs: float,
    kernel_bandwidth: float,
) -> float:
    """Seconds to move the weights, inputs and outputs of a pass's dense products in one format, on one rank."""
    return (
        product_weights + group_rows * (row_bytes * product_inputs + wide_bytes * product_outputs)
    ) / kernel_bandwidth


@formula(source=TIMINGS)
def quantize_time(*, quantize_bytes: float, group_rows: float, product_inputs: float, kernel_bandwidth: float) -> float:
    """Seconds to quantize the inputs of a pass's dense products in one format, on one rank."""
    return quantize_bytes * group_rows * product_inputs / kernel_bandwidth


@formula(source=TIMINGS)
def products_time(*, product_flops_time: float, product_bytes_time: float) -> float:
    """Seconds of a pass's dense products in one format: arithmetic and traffic overlap but not wholly."""
    return root(product_flops_time**2 + product_bytes_time**2)


@formula(source="fitted on ROCm/aiter e4048607a535, aiter/configs: with few rows tiles walk all of the inner dimension")
def inner_time(*, inner_times: Sequence[float], product_inputs: Sequence[float]) -> float:
    """Seconds that products take for the length of their inner dimensions, whatever their rows."""
    return total(inner_times, product_inputs) / 1000


@formula(source="ROCm/aiter issue 3324: products without a table of tuned shapes")
def untuned_flops(*, kernel_flops: float, untuned_factor: float) -> float:
    """FLOP/s that kernels reach without tuned shapes."""
    return kernel_flops / untuned_factor


@formula(source="ROCm/aiter issue 3324: products without a table of tuned shapes")
def untuned_bandwidth(*, kernel_bandwidth: float, untuned_factor: float) -> float:
    """B/s that kernels reach without tuned shapes."""
    return kernel_bandwidth / untuned_factor


@formula(source="ROCm/aiter issue 3324: products without a table of tuned shapes")
def untuned_inner(*, inner: float, untuned_factor: float) -> float:
    """Seconds for 1,000 of the inner dimension without tuned shapes."""
    return inner * untuned_factor


# routed experts
@formula(source="derived: hottest of e ranks when tokens choose experts at random, Gaussian tail sqrt(2 ln e)")
def hottest_expert_rank(*, expert_ranks: float, tokens: float, active_experts: float) -> float:
    """How many times the mean load the rank with the most popular experts has, at most all of it."""
    return minimum(1 + root(2 * logarithm(expert_ranks) * expert_ranks / (tokens * active_experts)), expert_ranks)


@formula(source="each token goes to all its experts, which are spread over the ranks")
def expert_rows(*, tokens: float, active_experts: float, expert_ranks: float, hottest_expert_rank: float) -> float:
    """Rows that the routed experts of one layer work on, on the busiest rank."""
    return tokens * active_experts / expert_ranks * hottest_expert_rank


@formula(source="each rank reads those of its experts that any token chose; one token chooses so many at least")
def experts_read(*, experts_hit: float, active_experts: float, experts: float, expert_ranks: float) -> float:
    """Routed experts of one layer that one rank reads."""
    return maximum(experts_hit, minimum(active_experts, experts)) / expert_ranks


@formula(source=TIMINGS)
def expert_flops_time(
    *,
    flops_per_param: float,
    sparse_layers: float,
    expert_rows: float,
    rank_expert_params: float,
    kernel_flops: float,
) -> float:
    """Seconds of the arithmetic of the routed experts of all layers alike, on one rank."""
    return flops_per_param * sparse_layers * expert_rows * rank_expert_params / kernel_flops


@formula(source=TIMINGS)
def expert_row_bytes(
    *,
    expert_input: float,
    row_bytes: float,
    wide_rows: float,
    row_traffic: float,
    expert_width: float,
    matrices_of_expert: float,
) -> float:
    """Bytes that one row of the routed experts moves between their kernels."""
    return expert_input * (row_bytes + wide_rows + 2 * row_traffic) + expert_width * (
        wide_rows * (matrices_of_expert - 1) + 2 * row_bytes
    )


@formula(source=TIMINGS)
def expert_bytes_time(
    *,
    sparse_layers: float,
    rank_expert_weights: float,
    experts_read: float,
    expert_rows: float,
    expert_row_bytes: float,
    token_bytes: float,
    tokens: float,
    expert_input: float,
    kernel_bandwidth: float,
) -> float:
    """Seconds to move weights, rows and tokens of the routed experts of all layers alike, on one rank."""
    return (
        sparse_layers
        * (rank_expert_weights * experts_read + expert_rows * expert_row_bytes + token_bytes * tokens * expert_input)
        / kernel_bandwidth
    )


# attention
@formula(source=TIMINGS)
def decode_attention_time(
    *,
    group_sequences: float,
    rank_sequence_read: float,
    kernel_bandwidth: float,
    head_time: float,
    rank_kv_heads: float,
    multiprocessors: float,
) -> float:
    """Seconds of decoding attention in all layers: reads of the cache, or a block's time for each KV head."""
    return root(
        (group_sequences * rank_sequence_read / kernel_bandwidth) ** 2
        + (head_time * group_sequences * rank_kv_heads / multiprocessors) ** 2
    )


@formula(source=TIMINGS)
def latent_flops_time(*, group_sequences: float, rank_attention_flops: float, kernel_flops: float) -> float:
    """Seconds of the arithmetic of decoding attention over latents, which adds to their reads."""
    return group_sequences * rank_attention_flops / kernel_flops


@formula(source=TIMINGS)
def latent_reads_time(*, group_sequences: float, rank_sequence_read: float, kernel_bandwidth: float) -> float:
    """Seconds to read the latents of decoding sequences in all layers."""
    return group_sequences * rank_sequence_read / kernel_bandwidth


@formula(source=TIMINGS + ": a state is read and written in 32 bits")
def state_time(
    *, group_sequences: float, state_traffic: float, rank_state_elements: float, kernel_bandwidth: float
) -> float:
    """Seconds to read and write the states of decoding sequences in all layers of linear attention."""
    return group_sequences * state_traffic * rank_state_elements / kernel_bandwidth


@formula(source=TIMINGS)
def prompt_flops_time(
    *, group_prompt_tokens: float, tokens_of_prompt: float, rank_prompt_flops: float, kernel_flops: float
) -> float:
    """Seconds of the scores and weighted values of the prompts of a pass, on one rank."""
    return group_prompt_tokens / tokens_of_prompt * rank_prompt_flops / kernel_flops


@formula(source=TIMINGS)
def prompt_bytes_time(
    *, group_prompt_tokens: float, prompt_traffic: float, prompt_elements: float, kernel_bandwidth: float
) -> float:
    """Seconds to move queries, keys, values and outputs of the prompts of a pass, on one rank."""
    return group_prompt_tokens * prompt_traffic * prompt_elements / kernel_bandwidth


@formula(source="tensor parallel ranks split the heads")
def rank_flops(*, flops_of_all: float, tensor_ranks: float) -> float:
    """Operations of attention on one rank."""
    return flops_of_all / tensor_ranks


# between products
@formula(source="derived: norms, residual sums, rotation and gating move each token's activations, norms their vectors")
def elements_time(
    *,
    group_rows: float,
    rank_activations: float,
    kernel_bandwidth: float,
    wide_bytes: float,
    norms_of_layers: float,
    memory_bandwidth: float,
) -> float:
    """Seconds of a pass's elementwise work in all layers, on one rank."""
    return group_rows * rank_activations / kernel_bandwidth + wide_bytes * norms_of_layers / memory_bandwidth


@formula(
    source="DeepSeek-V4: a part's streams are read and mixed to its input, then read and written with its output, "
    "twice a layer"
)
def layer_stream_traffic(*, residual_streams: float, hidden_size: float) -> float:
    """Bytes that mixing the residual streams of one token moves in one layer, in 16 bits."""
    return 2 * 2 * (3 * residual_streams + 2) * hidden_size


@formula(source="sum over layers")
def stream_traffic(*, layers_of_kind: Sequence[float], layer_stream_traffic: Sequence[float]) -> float:
    """Bytes that mixing the residual streams of one token moves in all layers."""
    return total(layers_of_kind, layer_stream_traffic)


@formula(source=TIMINGS)
def streamed_elements_time(
    *, elements_time: float, group_rows: float, stream_traffic: float, kernel_bandwidth: float
) -> float:
    """Seconds of a pass's elementwise work where several residual streams are mixed, on each rank."""
    return elements_time + group_rows * stream_traffic / kernel_bandwidth


# what an engine adds
@formula(source=TIMINGS + "; " + RUNS)
def launches_time(*, launch_scale: float, launches: Sequence[float], launch_times: Sequence[float]) -> float:
    """Seconds that a pass spends on starting and draining its kernels, whatever they work on."""
    return launch_scale * total(launches, launch_times)


@formula(
    source="sgl-project/sglang cookbook runs: norms, all-reduces and experts that are not fused launch more kernels"
)
def unfused_scale(*, launch_scale: float, unfused_launch_scale: float) -> float:
    """Factor on the kernels' launch times in an engine that does not fuse them."""
    return launch_scale * unfused_launch_scale


@formula(source="sgl-project/sglang: outside a graph the host starts each kernel, and takes longer than a graph")
def processor_launches(*, cpu_launches: float, launches_time: float) -> float:
    """Seconds in which the host launches the kernels of a pass that no graph was captured for, by what they are."""
    return cpu_launches * launches_time


@formula(source=RUNS)
def processor_time(*, eager_layer_time: float, layers: float) -> float:
    """Seconds in which the host launches the kernels of a pass that no graph was captured for."""
    return eager_layer_time * layers


@formula(source="host and accelerator work at once: the host only adds what it takes longer")
def processor_wait(*, processor_time: float, kernels_time: float) -> float:
    """Seconds that the accelerator waits for a host that launches its kernels one by one."""
    return maximum(processor_time - kernels_time, 0)


@formula(source=RUNS)
def host_time(*, step_overhead: float, sequence_overhead: float, head_rows: float) -> float:
    """Seconds of the engine's host in a pass: once, and once a sequence."""
    return step_overhead + sequence_overhead * head_rows


@formula(
    source="derived: dense products, inputs that are quantized, experts' arithmetic and traffic, one after another"
)
def all_products_time(*, product_times: Sequence[float]) -> float:
    """Seconds of all products of a pass, experts among them."""
    return total(product_times)


@formula(source="derived: decoding sequences and prompts, arithmetic and traffic, one after another")
def all_attention_time(*, attention_times: Sequence[float]) -> float:
    """Seconds of all attention of a pass."""
    return total(attention_times)


@formula(source="kernels of one pass run one after another")
def kernels_time(
    *,
    all_products_time: float,
    all_attention_time: float,
    elements_time: float,
    communication_time: float,
    launches_time: float,
) -> float:
    """Seconds that a pass keeps the accelerator busy."""
    return all_products_time + all_attention_time + elements_time + communication_time + launches_time


@formula(source="the engine's host works between passes, and launches what no graph holds")
def kernels_step(*, kernels_time: float, processor_wait: float, host_time: float) -> float:
    """Seconds of one pass."""
    return kernels_time + processor_wait + host_time
