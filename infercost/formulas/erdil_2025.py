"""The step law of Erdil's later paper, as its notebook computes it, quirks included."""

from infercost.formulas.formula import formula
from infercost.numeric import log2

LATER = "Erdil, Inference economics of language models, arXiv 2506.04645, notebook at 589a102"


@formula(source=LATER)
def later_active_params(
    *,
    layers: int,
    grouped_query_params: int,
    experts: int,
    sparsity: int,
    ffn_params: int,
    vocab_size: int,
    hidden_size: int,
) -> float:
    """Parameters that he multiplies for one token: both tables, though the input table is only looked up."""
    return layers * (grouped_query_params + experts * ffn_params / sparsity) + 2 * vocab_size * hidden_size


@formula(source=LATER)
def cache_bytes(*, layers: int, cache_elements: int, cache_element_bytes: float, context: float) -> float:
    """Bytes of one sequence's cache in all layers, split over any number of devices without a copy."""
    return layers * cache_elements * cache_element_bytes * context


@formula(source=LATER)
def head_bytes(*, vocab_size: int, hidden_size: int, bytes_per_param: float) -> float:
    """Bytes of the output head, read whole; what it puts out is not counted."""
    return vocab_size * hidden_size * bytes_per_param


@formula(source=LATER)
def later_flops_per_token(
    *, later_active_params: float, heads: int, head_dim: int, layers: int, context: float
) -> float:
    """Operations for one token and its attention over the context; tokens of one step do not see each other."""
    return 2 * later_active_params + 4 * heads * head_dim * layers * context


@formula(source=LATER)
def attention_activations(
    *,
    tokens: float,
    hidden_size: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    activation_bytes: float,
    column_parts: float,
    row_parts: float,
) -> float:
    """Bytes of activations that one layer's attention moves; queries, keys and values count one byte, his oversight."""
    return tokens * (
        2 * activation_bytes * column_parts * hidden_size
        + row_parts * head_dim * (heads + 2 * kv_heads + activation_bytes * heads)
    )


@formula(source=LATER)
def ffn_activations(
    *,
    tokens: float,
    sparsity: int,
    hidden_size: int,
    ffn_width: int,
    activation_bytes: float,
    column_parts: float,
    row_parts: float,
) -> float:
    """Bytes of activations that one matrix of one expert moves for an even share of the tokens."""
    return tokens / sparsity * activation_bytes * (column_parts * hidden_size + row_parts * ffn_width)


@formula(source=LATER)
def ffn_traffic(
    *,
    experts_hit: float,
    matrices: int,
    hidden_size: int,
    ffn_width: int,
    bytes_per_param: float,
    ffn_activations: float,
) -> float:
    """Bytes moved for one layer's feed-forward part; idle experts take their share of the activations with them."""
    return experts_hit * matrices * (hidden_size * ffn_width * bytes_per_param + ffn_activations)


@formula(source=LATER)
def layer_traffic(
    *, grouped_query_params: int, bytes_per_param: float, attention_activations: float, ffn_traffic: float
) -> float:
    """Bytes moved for one layer and one part of the batch, without its cache."""
    return grouped_query_params * bytes_per_param + attention_activations + ffn_traffic


@formula(source=LATER)
def later_bytes_read(
    *, stages: int, layers: int, layer_traffic: float, head_bytes: float, cache_bytes: float, batch: float
) -> float:
    """Bytes that all devices move in a step: weights again for each part of the batch, the cache once."""
    return stages * (layers * layer_traffic + head_bytes) + cache_bytes * batch


@formula(source=LATER)
def reduced_message(*, tokens: float, reduced_width: float, activation_bytes: float, parallel_reduces: float) -> float:
    """Bytes of one collective: so many values of every token, shared by the collectives beside it."""
    return tokens * reduced_width * activation_bytes / parallel_reduces


@formula(source=LATER)
def protocol_latency(
    *, passes: int, group: float, group_nodes: float, rank_latency: float, node_latency: float, base_latency: float
) -> float:
    """Seconds before a collective's data counts: a chain inside each node, a tree across them."""
    return passes * ((group / group_nodes - 1) * rank_latency + log2(group_nodes) * node_latency) + base_latency


@formula(source=LATER)
def collective_transfer_time(
    *,
    passes: int,
    message_bytes: float,
    group: float,
    protocol_share: float,
    group_nodes: float,
    link_bandwidth: float,
    network_bandwidth: float,
) -> float:
    """Seconds of a collective's data, inside nodes and then across them; a hand-over always goes across."""
    return (
        passes
        * message_bytes
        / (group * protocol_share)
        * ((group - group_nodes) / link_bandwidth + (group_nodes - 1) / network_bandwidth)
    )


@formula(source=LATER)
def later_communication_time(
    *, layers: int, layer_reduce_time: float, stages: int, stage_hand_over_time: float
) -> float:
    """Seconds of all collectives in a step: every layer for one part of the batch, and the ways between stages."""
    return layers * layer_reduce_time + (stages - 1) * stage_hand_over_time


@formula(source=LATER)
def launch_time(*, layers: int, serial_matmuls: int, kernel_launch: float) -> float:
    """Seconds to launch the matrix multiplications of a step that wait for each other."""
    return layers * serial_matmuls * kernel_launch
