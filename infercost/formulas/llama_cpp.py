"""The law of llama.cpp: reads and arithmetic of its kernels, its cache as it lies in memory, launches of its layers."""

from collections.abc import Sequence

from infercost.formulas.formula import formula, total
from infercost.numeric import ceiling, maximum, minimum, root

RUNS = "fitted on runs of llama.cpp on 15 parts, 2023 to 2026"
VECTORS = "ggml-org/llama.cpp, ggml-cuda/mmvq.cuh and ggml-metal: kernels of single rows multiply up to so many"
MATRICES = "ggml-org/llama.cpp pull request 27441: a matrix kernel takes as long for a few rows as for all of a tile"
GROUPED = "ggml-org/llama.cpp pull requests 18958 and 26977: tokens are sorted by experts, each in whole tiles"
CELLS = "ggml-org/llama.cpp, src/llama-kv-cache.cpp and llama-kv-cache-iswa.cpp"


# rates
@formula(source=RUNS)
def vector_flops(*, vector_share: float, shader_flops: float) -> float:
    """Arithmetic rate of the kernels that multiply few rows, in FLOP/s."""
    return vector_share * shader_flops


@formula(source=RUNS)
def matrix_flops(*, compute_share: float, format_peak: float) -> float:
    """Arithmetic rate of the kernels that multiply many rows, in FLOP/s."""
    return compute_share * format_peak


@formula(source=RUNS)
def weights_bandwidth(*, memory_share: float, memory_bandwidth: float) -> float:
    """Bandwidth that reads of weights and caches reach, in B/s."""
    return memory_share * memory_bandwidth


@formula(source=RUNS)
def prompt_attention_rate(*, attention_share: float, attention_peak_flops: float) -> float:
    """Arithmetic rate of prompts' attention, in FLOP/s."""
    return attention_share * attention_peak_flops


# dense products: those of all layers as one, those of the head as another
@formula(source="sum over layers")
def layer_products(*, layers_of_kind: Sequence[float], layer_matrices: Sequence[float]) -> float:
    """Parameters that multiply for every token, in all layers."""
    return total(layers_of_kind, layer_matrices)


@formula(source="sum over layers")
def layer_reads(
    *, layers_of_kind: Sequence[float], layer_matrices: Sequence[float], bytes_per_param: Sequence[float]
) -> float:
    """Bytes of the matrices that multiply for every token, in all layers."""
    return total(layers_of_kind, layer_matrices, bytes_per_param)


@formula(source="scales included")
def head_reads(*, head_params: float, head_bytes_per_param: float) -> float:
    """Bytes of the output head, or of the input table that serves as one."""
    return head_params * head_bytes_per_param


@formula(source=VECTORS)
def vector_time(*, flops_per_param: float, dense_matrices: float, rows: float, vector_flops: float) -> float:
    """Seconds of the arithmetic of few rows."""
    return flops_per_param * dense_matrices * rows / vector_flops


@formula(source=MATRICES)
def tile_time(
    *, flops_per_param: float, dense_matrices: float, rows: float, matrix_rows: float, matrix_flops: float
) -> float:
    """Seconds of the arithmetic of many rows, or of as many as cost the same."""
    return flops_per_param * dense_matrices * maximum(rows, matrix_rows) / matrix_flops


@formula(source="llama.cpp chooses the faster of both kernels")
def few_rows_time(*, vector_time: float, tile_time: float) -> float:
    """Seconds of the arithmetic of few rows, never more than a matrix kernel takes."""
    return minimum(vector_time, tile_time)


@formula(source="each weight is read once for all rows")
def reads_time(*, weights_read: float, weights_bandwidth: float) -> float:
    """Seconds to read weights."""
    return weights_read / weights_bandwidth


@formula(source=RUNS)
def overlapped_time(*, arithmetic_time: float, reads_time: float) -> float:
    """Seconds of products: arithmetic and reads overlap but not wholly."""
    return root(arithmetic_time**2 + reads_time**2)


# routed experts
@formula(source="few tokens: each reads its own experts")
def own_experts_read(*, sparse_layers: float, tokens: float, active_experts: float, expert_weights: float) -> float:
    """Bytes of routed experts that few tokens read, layers alike together."""
    return sparse_layers * tokens * active_experts * expert_weights


@formula(source="few tokens: each multiplies with its own experts")
def own_experts_time(
    *,
    flops_per_param: float,
    sparse_layers: float,
    tokens: float,
    active_experts: float,
    expert_matrices: float,
    vector_flops: float,
) -> float:
    """Seconds of the arithmetic of few tokens' routed experts, layers alike together."""
    return flops_per_param * sparse_layers * tokens * active_experts * expert_matrices / vector_flops


@formula(source="many tokens: each expert that is chosen is read once")
def grouped_experts_read(*, sparse_layers: float, experts_hit: float, expert_weights: float) -> float:
    """Bytes of routed experts that many tokens read, layers alike together."""
    return sparse_layers * experts_hit * expert_weights


@formula(source=GROUPED)
def grouped_rows(*, tokens: float, active_experts: float, experts_hit: float, expert_tile: float) -> float:
    """Rows that the routed experts of one layer work on: of each expert half a tile is empty."""
    return tokens * active_experts + experts_hit * expert_tile / 2


@formula(source=GROUPED)
def grouped_experts_time(
    *,
    flops_per_param: float,
    sparse_layers: float,
    grouped_rows: float,
    expert_matrices: float,
    matrix_flops: float,
) -> float:
    """Seconds of the arithmetic of many tokens' routed experts, layers alike together."""
    return flops_per_param * sparse_layers * grouped_rows * expert_matrices / matrix_flops


@formula(source="two runs of 16-bit weights: no kernel takes several of their experts at once")
def single_experts_time(
    *,
    grouped_experts_time: float,
    sparse_layers: float,
    gated_matrices: float,
    experts_hit: float,
    expert_launch: float,
) -> float:
    """Seconds of the arithmetic of routed experts where each is multiplied alone."""
    return grouped_experts_time + sparse_layers * gated_matrices * experts_hit * expert_launch


# the cache
@formula(source=CELLS)
def rounded_context(*, context: float, cell_tokens: float) -> float:
    """Positions of a sequence that its attention reads: whole blocks of them."""
    return ceiling(maximum(context, 1) / cell_tokens) * cell_tokens


@formula(source=CELLS + ": a window's layers keep one ubatch beside the window, in whole blocks")
def window_cache(*, window: float, spare_tokens: float, cell_tokens: float) -> float:
    """Positions that the cache of a layer with a window has room for."""
    return ceiling((window + spare_tokens) / cell_tokens) * cell_tokens


@formula(source=CELLS + ": once a window's cache is full, all of it is read")
def window_cells(*, rounded_context: float, window_cache: float) -> float:
    """Positions that the attention of a layer with a window reads."""
    return minimum(rounded_context, window_cache)


@formula(source=CELLS)
def compressed_cells(*, rounded_context: float, compress: float) -> float:
    """Entries that the attention of a layer reads that compresses its past."""
    return rounded_context / compress


@formula(source="sum over layers")
def cells_read(
    *,
    layers_of_kind: Sequence[float],
    cells_of_layer: Sequence[float],
    elements_of_layer: Sequence[float],
    cache_element_bytes: float,
) -> float:
    """Bytes of one sequence's cache that a step reads, all layers."""
    return total(layers_of_kind, cells_of_layer, elements_of_layer) * cache_element_bytes


@formula(source="sum over layers; two operations for a score, two for a weighted value")
def cells_flops(
    *,
    attention_operations: float,
    layers_of_kind: Sequence[float],
    cells_of_layer: Sequence[float],
    heads_of_layer: Sequence[float],
    query_widths: Sequence[float],
) -> float:
    """Operations of one sequence's attention over its cache, all layers."""
    return attention_operations * total(layers_of_kind, cells_of_layer, heads_of_layer, query_widths)


@formula(source="fitted on runs before flash attention was the default")
def older_cells_read(*, cells_read: float, older_cache: float) -> float:
    """Bytes of one sequence's cache that a step of older builds reads."""
    return cells_read * older_cache


@formula(source="sequences are read one after another")
def cells_read_time(*, sequences: float, cells_read: float, weights_bandwidth: float) -> float:
    """Seconds to read the caches of all sequences."""
    return sequences * cells_read / weights_bandwidth


@formula(source=RUNS)
def cells_flops_time(*, decoded: float, cells_flops: float, vector_flops: float) -> float:
    """Seconds of the arithmetic of decoding attention, beside its reads."""
    return decoded * cells_flops / vector_flops


@formula(source="sum over layers")
def states_held(*, layers_of_kind: Sequence[float], state_elements: Sequence[float]) -> float:
    """Elements of one sequence's states, all layers."""
    return total(layers_of_kind, state_elements)


@formula(source="ggml-org/llama.cpp: a state is kept in 32 bits")
def states_time(*, sequences: float, state_traffic: float, states_held: float, weights_bandwidth: float) -> float:
    """Seconds to read and write the states of all sequences."""
    return sequences * state_traffic * states_held / weights_bandwidth


# prompts
@formula(source=RUNS)
def prompts_attention_time(
    *, prompt_tokens: float, tokens_of_prompt: float, prompt_attention_flops: float, prompt_attention_rate: float
) -> float:
    """Seconds of the attention of a pass's part of its prompts."""
    return prompt_tokens / tokens_of_prompt * prompt_attention_flops / prompt_attention_rate


@formula(source="llama.cpp computes the head for the last token of each prompt, and of each part of one")
def head_rows_of_pass(*, decoded: float, prompts: float) -> float:
    """Rows of a pass that need the output head."""
    return decoded + maximum(prompts, 1)


# between products
@formula(source="all parts are counted as gated")
def dense_width(*, dense_params: float, shared_params: float, gated_matrices: float, hidden_size: float) -> float:
    """Width inside the feed-forward parts of one layer that every token passes."""
    return (dense_params + shared_params) / (gated_matrices * hidden_size)


@formula(source=RUNS + ": norms, rotations, activations and residuals each read and write")
def layer_elements(*, hidden_size: float, ffn_width: float, active_experts: float, expert_width: float) -> float:
    """Values that one token's elementwise work in one layer moves."""
    return 20 * hidden_size + 5 * ffn_width + active_experts * (3 * hidden_size + 5 * expert_width)


@formula(source="sum over layers")
def token_elements(*, layers_of_kind: Sequence[float], layer_elements: Sequence[float]) -> float:
    """Values that one token's elementwise work moves, all layers."""
    return total(layers_of_kind, layer_elements)


@formula(source=RUNS)
def token_elements_time(*, rows: float, element_bytes: float, token_elements: float, weights_bandwidth: float) -> float:
    """Seconds of elementwise work between the products of a pass."""
    return rows * element_bytes * token_elements / weights_bandwidth


@formula(source=RUNS)
def layers_launch_time(*, layer_launch: float, layers: float, sparse_launches: float, sparse_layers: float) -> float:
    """Seconds to start the kernels of all layers, more of them where there are experts."""
    return layer_launch * (layers + sparse_launches * sparse_layers)


@formula(source="fitted on runs before CUDA graphs")
def older_launch_time(*, layers_launch_time: float, older_launches: float) -> float:
    """Seconds to start the kernels of all layers in older builds."""
    return layers_launch_time * older_launches


@formula(source="llama.cpp runs one operator after another")
def operators_step(
    *, all_products_time: float, all_attention_time: float, elements_time: float, launches_time: float
) -> float:
    """Seconds of one pass."""
    return all_products_time + all_attention_time + elements_time + launches_time
