"""Parameters, cache and arithmetic of one layer, from its dimensions."""

from infercost.formulas.formula import formula
from infercost.numeric import maximum, minimum

BOOK = "Austin et al., How to Scale Your Model (2025), transformers chapter"
DEEPSEEK = "DeepSeek-V2, arXiv 2405.04434, multi-head latent attention"
KIPPLY = "kipply, Transformer inference arithmetic (2022)"


@formula(source=BOOK)
def grouped_query_params(*, hidden_size: int, heads: int, kv_heads: int, head_dim: int, v_head_dim: int) -> int:
    """Parameters of the query, key, value and output matrices of one layer."""
    return hidden_size * (heads * head_dim + kv_heads * (head_dim + v_head_dim)) + heads * v_head_dim * hidden_size


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


@formula(source="a window keeps the last positions only; a compressed cache one entry for several positions")
def cached_entries(*, context: float, window: float, compress: float) -> float:
    """Cache entries that a sequence holds in a layer that keeps at most a window."""
    return minimum(context, window) / compress


@formula(source="derived: norms, residual sums, rotation and gating read and write 16-bit values once each")
def activation_traffic(*, hidden_size: float, head_elements: float, ffn_elements: float, ranks: float) -> float:
    """Bytes that one token's activations move outside the matrices of one layer, on one rank."""
    return 2 * (8 * hidden_size + (2 * head_elements + ffn_elements) / ranks)


@formula(source="triangle below the diagonal after a cached past, capped by a window: sum of min(c + i, W)")
def attended_pairs(*, tokens: float, cached: float, window: float) -> float:
    """Pairs of a prompt's tokens and the positions that they attend, themselves included on average."""
    return tokens * window - maximum(0, window - cached) ** 2 / 2 + maximum(0, window - cached - tokens) ** 2 / 2
