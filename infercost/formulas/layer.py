"""Parameters, cache and arithmetic of one layer, from its dimensions."""

from collections.abc import Sequence

from infercost.formulas.formula import formula, total
from infercost.numeric import ceiling, maximum, minimum

BOOK = "Austin et al., How to Scale Your Model (2025), transformers chapter"
DEEPSEEK = "DeepSeek-V2, arXiv 2405.04434, multi-head latent attention"
EAGLE = "EAGLE-3, arXiv 2503.01840; sgl-project/SpecForge, specforge/modeling/draft/llama3_eagle.py"
KIPPLY = "kipply, Transformer inference arithmetic (2022)"


@formula(source=BOOK)
def grouped_query_params(*, hidden_size: int, heads: int, kv_heads: int, head_dim: int, v_head_dim: int) -> int:
    """Parameters of the query, key, value and output matrices of one layer."""
    return hidden_size * (heads * head_dim + kv_heads * (head_dim + v_head_dim)) + heads * v_head_dim * hidden_size


@formula(source=EAGLE)
def fused_query_params(*, hidden_size: int, heads: int, kv_heads: int, head_dim: int) -> int:
    """Parameters of attention in an EAGLE-3 head: queries, keys and values of a token's embedding and features."""
    return 2 * hidden_size * (heads + 2 * kv_heads) * head_dim + heads * head_dim * hidden_size


@formula(source=EAGLE)
def fusion_params(*, features: int, hidden_size: int) -> int:
    """Parameters of the matrix in an EAGLE-3 head that joins the features of several layers of its model."""
    return features * hidden_size * hidden_size


@formula(source=EAGLE)
def fused_norm_params(*, hidden_size: int) -> int:
    """Parameters of the norms of an EAGLE-3 head: of embedding, features, feed-forward part and output."""
    return 4 * hidden_size


@formula(source=EAGLE)
def draft_head_params(*, vocab_size: int, hidden_size: int) -> int:
    """Parameters of the output matrix of an EAGLE-3 head, over the tokens that it may propose."""
    return vocab_size * hidden_size


@formula(source="DeepSeek-V3, arXiv 2412.19437, eq. 21: a state and an embedding, side by side, to the model's width")
def joined_copies(*, copied_params: int, hidden_size: int) -> int:
    """Parameters that every rank holds of a prediction module: those of its layer, and the matrix that joins."""
    return copied_params + 2 * hidden_size * hidden_size


@formula(source="DeepSeek-V3, arXiv 2412.19437: norms of state, embedding and output beside those of the layer")
def joined_norm_params(*, norm_params: int, hidden_size: int) -> int:
    """Parameters of norms of a prediction module."""
    return norm_params + 3 * hidden_size


@formula(source="derived: matrices and norms of its layer, those of the experts of a token, its output matrix")
def draft_active_params(*, draft_parts: Sequence[float], draft_part_params: Sequence[float]) -> float:
    """Parameters of a head that one token which it drafts uses."""
    return total(draft_parts, draft_part_params)


@formula(source=DEEPSEEK)
def latent_up_params(
    *, heads: int, query_width: int, nope_dim: int, rope_dim: int, kv_rank: int, v_head_dim: int, hidden_size: int
) -> int:
    """Parameters of the matrices of latent attention that are split by heads: up-projections and output."""
    return heads * (query_width * (nope_dim + rope_dim) + kv_rank * (nope_dim + v_head_dim) + v_head_dim * hidden_size)


@formula(source=DEEPSEEK)
def latent_down_params(*, hidden_size: int, query_rank: int, kv_rank: int, rope_dim: int) -> int:
    """Parameters of the down-projections of latent attention, which every rank copies."""
    return hidden_size * (query_rank + kv_rank + rope_dim)


@formula(source=BOOK)
def ffn_params(*, matrices: int, input_width: int, ffn_width: int) -> int:
    """Parameters of a feed-forward part: three matrices when it is gated, else two."""
    return matrices * input_width * ffn_width


@formula(source=KIPPLY)
def cache_elements(*, kv_heads: int, head_dim: int, v_head_dim: int) -> int:
    """Elements that one position leaves in one layer's KV cache: keys and values of its KV heads."""
    return kv_heads * (head_dim + v_head_dim)


@formula(source=DEEPSEEK)
def latent_cache_elements(*, kv_rank: int, rope_dim: int) -> int:
    """Elements that one position leaves in one layer's latent cache, stored once for all heads."""
    return kv_rank + rope_dim


@formula(source="derived: a count without layers' dimensions has layers alike")
def even_layer_params(*, params: float, layers: float) -> float:
    """Parameters of one layer when all are alike."""
    return params / layers


@formula(source="derived: a count without layers' dimensions has layers alike")
def even_expert_params(*, active_params: float, layers: float) -> float:
    """Parameters of the expert of one layer of which a token uses one, for a bare count of parameters."""
    return active_params / layers


@formula(source="derived: a token that uses one of N / N_a experts uses N_a of N parameters")
def even_experts(*, params: float, active_params: float) -> float:
    """Experts of a layer of which a token uses one, for a bare count of parameters."""
    return params / active_params


STORED = "bytes of each matrix in the format that stores it, scales included"


@formula(source=STORED)
def split_weights(*, split_params: Sequence[float], bytes_per_param: Sequence[float]) -> float:
    """Bytes of the matrices of one layer that tensor parallel ranks split."""
    return total(split_params, bytes_per_param)


@formula(source=STORED)
def copied_weights(*, copied_params: Sequence[float], bytes_per_param: Sequence[float]) -> float:
    """Bytes of one layer that every rank holds: routers, down-projections, norms and biases."""
    return total(copied_params, bytes_per_param)


@formula(source=STORED)
def expert_weights(*, expert_params: Sequence[float], bytes_per_param: Sequence[float]) -> float:
    """Bytes of one routed expert of one layer."""
    return total(expert_params, bytes_per_param)


@formula(
    source="Shoeybi et al., Megatron-LM, arXiv 1909.08053: a KV head is whole on a rank, copied where ranks are more"
)
def kv_copies(*, kv_heads: int, tensor_ranks: int) -> float:
    """Times that a layer's KV heads are held by all ranks together."""
    return ceiling(kv_heads / tensor_ranks) * tensor_ranks / kv_heads


@formula(source=BOOK)
def attention_flops(*, heads: int, head_dim: int, v_head_dim: int) -> int:
    """Operations per query and position of context in one layer: scores and weighted values."""
    return 2 * heads * (head_dim + v_head_dim)


@formula(source=DEEPSEEK)
def absorbed_attention_flops(*, heads: int, kv_rank: int, rope_dim: int) -> int:
    """Operations per query and position of context when latents are attended without expanding them (decode)."""
    return 2 * heads * (2 * kv_rank + rope_dim)


@formula(source="expected distinct experts under uniform, independent routing: E (1 - (1 - k/E)^T)")
def experts_hit(*, experts: float, active_experts: float, tokens: float) -> float:
    """Distinct experts of one layer that a step's tokens use."""
    return experts * (1 - (1 - active_experts / experts) ** tokens)


@formula(source="a window keeps the last positions only")
def cached_entries(*, context: float, window: float) -> float:
    """Cache entries that a sequence holds in a layer that keeps at most a window."""
    return minimum(context, window)


@formula(source="DeepSeek-V4: a raw window, and one entry for several positions of all the past")
def compressed_entries(*, context: float, window: float, compress: float) -> float:
    """Cache entries that a sequence holds in a layer that compresses its past."""
    return minimum(context, window) + context / compress


@formula(source="DeepSeek-V3.2, sparse attention: a query attends the entries that its indexer picks, and a raw window")
def attended_entries(*, cached_entries: float, attended: float, window: float) -> float:
    """Cache entries that one query attends in a layer of sparse attention."""
    return minimum(cached_entries, attended + window)


@formula(source=KIPPLY)
def layer_cache(
    *,
    cached_entries: float,
    cache_elements: float,
    context: float,
    compress: float,
    index_elements: float,
    cache_element_bytes: float,
    index_element_bytes: float,
    state_elements: float,
    state_element_bytes: float,
    conv_elements: float,
    conv_element_bytes: float,
) -> float:
    """Bytes that one sequence keeps in one layer: keys and values, an indexer's keys, a state, a convolution's."""
    return (
        cached_entries * cache_elements * cache_element_bytes
        + context / compress * index_elements * index_element_bytes
        + state_elements * state_element_bytes
        + conv_elements * conv_element_bytes
    )


@formula(source=KIPPLY)
def layer_cache_read(
    *,
    attended_entries: float,
    cache_elements: float,
    borrowed_elements: float,
    context: float,
    compress: float,
    index_elements: float,
    cache_element_bytes: float,
    index_element_bytes: float,
    state_elements: float,
    state_element_bytes: float,
) -> float:
    """Bytes of one sequence's cache in one layer that a step reads: entries it attends, index keys, a state."""
    return (
        attended_entries * (cache_elements + borrowed_elements) * cache_element_bytes
        + context / compress * index_elements * index_element_bytes
        + state_elements * state_element_bytes
    )


@formula(source="sgl-project/sglang issue 11309 and vLLM's fp8_ds_mla: 512 fp8 values, 4 scales, 64 rotated in bf16")
def packed_latent_bytes(*, kv_rank: int, rope_dim: int) -> int:
    """Bytes of one entry of an 8-bit latent cache of sparse attention, with its scales and rotated keys."""
    return kv_rank + 4 * ceiling(kv_rank / 128) + 2 * rope_dim


@formula(source="vLLM 0.33 flashmla_sparse.py, nvfp4_ds_mla: 512 values of 4 bits, a scale for 16, 64 rotated in fp8")
def packed_four_bit_bytes(*, kv_rank: int, rope_dim: int) -> int:
    """Bytes of one entry of a 4-bit latent cache of sparse attention, with its scales and rotated keys."""
    return ceiling(kv_rank / 2) + ceiling(kv_rank / 16) + rope_dim


@formula(
    source="vLLM 0.33 flashmla_sparse.py, DeepSeek-V4: 448 fp8 values, 64 rotated in bf16, 7 scales and a byte to pad"
)
def packed_vector_bytes(*, head_dim: int, rope_dim: int) -> int:
    """Bytes of one entry of DeepSeek-V4's 8-bit cache, a vector of keys and values, with its scales."""
    return head_dim - rope_dim + 2 * rope_dim + ceiling((head_dim - rope_dim) / 64) + 1


@formula(source="the layout of packed entries: values, their scales, rotated keys in more bits")
def packed_element_bytes(*, packed_entry_bytes: float, cache_elements: float) -> float:
    """Bytes of one element of a cache whose entries have a layout of their own."""
    return packed_entry_bytes / cache_elements


@formula(source="DeepSeek-V3.2, sparse attention: a key a position, for one cache entry or several")
def index_cache(*, context: float, compress: float, index_elements: float, index_element_bytes: float) -> float:
    """Bytes of an indexer's keys that one sequence keeps in one layer."""
    return context / compress * index_elements * index_element_bytes


@formula(source=KIPPLY)
def rank_cache_read(*, layer_cache_read: float, kv_copies: float, tensor_ranks: float, cache_reads: float) -> float:
    """Bytes of one sequence's cache in one layer that one rank reads."""
    return layer_cache_read * kv_copies / tensor_ranks * cache_reads


@formula(source="vLLM and SGLang: index keys are of all heads, so that no rank can do without them")
def rank_indexed_read(
    *, layer_cache_read: float, index_cache: float, kv_copies: float, tensor_ranks: float, cache_reads: float
) -> float:
    """Bytes of one sequence's cache in one layer that one rank reads, an indexer's keys whole."""
    return (layer_cache_read - index_cache) * kv_copies / tensor_ranks * cache_reads + index_cache


@formula(source=BOOK)
def layer_attention_flops(
    *,
    attended_entries: float,
    attention_flops: float,
    context: float,
    compress: float,
    index_flops: float,
    state_flops: float,
    state_elements: float,
) -> float:
    """Operations of one token's attention over its context in one layer."""
    return attended_entries * attention_flops + index_flops * context / compress + state_flops * state_elements


@formula(source=BOOK)
def layer_prompt_flops(
    *,
    attended_pairs: float,
    attention_flops: float,
    causal_pairs: float,
    compress: float,
    index_flops: float,
    state_flops: float,
    state_elements: float,
    tokens: float,
) -> float:
    """Operations of the attention of a prompt's tokens in one layer."""
    return (
        attended_pairs * attention_flops + index_flops * causal_pairs / compress + state_flops * state_elements * tokens
    )


@formula(source="derived: norms, residual sums, rotation and gating read and write 16-bit values once each")
def activation_traffic(*, hidden_size: float, head_elements: float, ffn_elements: float, ranks: float) -> float:
    """Bytes that one token's activations move outside the matrices of one layer, on one rank."""
    return 2 * (8 * hidden_size + (2 * head_elements + ffn_elements) / ranks)


@formula(source="triangle below the diagonal after a cached past: sum of c + i")
def causal_pairs(*, tokens: float, cached: float) -> float:
    """Pairs of a prompt's tokens and all positions before them, themselves included on average."""
    return tokens * (cached + tokens) - tokens**2 / 2


@formula(source="derived: queries, keys and values of one token")
def head_elements(*, heads: int, head_dim: int, cache_elements: int) -> int:
    """Elements of queries and cache that one token makes in one layer."""
    return heads * head_dim + cache_elements


@formula(source="derived: a matrix of the feed-forward part has one row or column for each inner element")
def ffn_elements(
    *, dense_params: float, shared_params: float, active_experts: float, expert_matrices: float, hidden_size: float
) -> float:
    """Inner elements of the feed-forward part of one token and layer."""
    return (dense_params + shared_params + active_experts * expert_matrices) / hidden_size


@formula(source="DeepSeek-V4: a raw window, and one entry for several positions of all the past")
def compressed_pairs(*, window_pairs: float, past_pairs: float, compress: float) -> float:
    """Pairs of a prompt's tokens and the entries that they attend in a layer that compresses its past."""
    return window_pairs + past_pairs / compress


@formula(source="triangle below the diagonal after a cached past, capped by a window: sum of min(c + i, W)")
def attended_pairs(*, tokens: float, cached: float, window: float) -> float:
    """Pairs of a prompt's tokens and the positions that they attend, themselves included on average."""
    return tokens * window - maximum(0, window - cached) ** 2 / 2 + maximum(0, window - cached - tokens) ** 2 / 2
