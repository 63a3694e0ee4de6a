"""Caches of sparse attention, as engines store them: entries with their scales, and the keys of the indexer."""

import pytest

from infercost.models import counting
from infercost.models.find import find_model
from infercost.replica.layout import Layout, rank_cache_bytes, rank_growth_bytes


@pytest.mark.parametrize(
    ("name", "bits", "growth"),
    [
        # sgl-project/sglang issue 11309, a log of 8 x B200: 61 layers of 656 + 132 B
        ("deepseek-v3.2", 8, 48_068),
        # vLLM 0.33, nvfp4_ds_mla: 352 B
        ("deepseek-v3.2", 4.5, 61 * (352 + 132)),
        # the same at bf16: 1,152 B of latents, the index key stays fp8
        ("deepseek-v3.2", 16, 78_324),
        # unslothai/unsloth issue 4757: 18.9 GiB at 202,752 tokens are 78 layers of 1,284 B
        ("glm-5", 16, 100_152),
        # vLLM 0.33, flashmla_sparse.py: 584 B an entry, and a key of 132 B; 21 layers have one of both for 4 positions,
        # 20 an entry for 128
        ("deepseek-v4-flash", 8, 21 * (584 + 132) / 4 + 20 * 584 / 128),
        ("deepseek-v4-flash", 16, 21 * (1024 + 132) / 4 + 20 * 1024 / 128),
    ],
)
def test_latents_have_scales_and_index_keys_their_own_format(name: str, bits: float, growth: float) -> None:
    model = find_model(name).model._replace(kv_bits=bits)
    assert counting.growing_cache_bytes(model) == growth
    windows = counting.cache_bytes(model, 1000) - 1000 * growth
    assert windows == pytest.approx(43 * 128 * (584 if bits == 8 else 1024) if "v4" in name else 0, abs=1e-3)


def test_index_keys_of_blocks_stay_in_16_bits_and_whole_on_every_rank() -> None:
    # vllm-project/recipes, MiniMax-M3: fp8 gives 1.5 times the tokens, not twice as many, under tensor parallelism
    model, eight = find_model("minimax-m3").model, Layout(8)
    wide, narrow = (rank_growth_bytes(model._replace(kv_bits=bits), eight) for bits in (16, 8))
    assert wide / narrow == pytest.approx(1.5, abs=0.02)
    # by hand: 60 layers of 4 KV heads of 128 for keys and values, two copies of each on 8 ranks, 57 with index keys
    assert wide == 60 * 4 * 128 * 2 * 2 * 2 / 8 + 57 * 128 * 2
    assert rank_cache_bytes(model, eight, 1000) == pytest.approx(1000 * wide)


def test_a_step_reads_what_the_cache_stores() -> None:
    # 2,048 attended entries of 656 B, and 4,096 index keys of 132 B
    model = find_model("deepseek-v3.2").model._replace(kv_bits=8)
    read = [counting.layer_cache_bytes_read(model, layer.attention, 4096) for layer in model.layers]
    assert read == pytest.approx([2048 * 656 + 4096 * 132] * len(read))


#: DeepSeek-V4-Flash: 64 heads of 512 over one vector an entry, four operations a pair of elements; an indexer's 16,384.
PAIR, INDEX = 4 * 64 * 512, 2 * 64 * 128


@pytest.mark.parametrize(
    ("kind", "context", "entries", "searched"),
    [
        ("window", 10_000, 128, 0),
        ("window", 100, 100, 0),
        ("compressed", 12_800, 128 + 100, 0),  # an entry for 128 positions beside a raw window
        ("sparse compressed", 1_000, 128 + 250, 250),  # one for four, all of them while they are fewer than 512
        ("sparse compressed", 10_000, 128 + 512, 2_500),
    ],
)
def test_a_query_attends_a_window_beside_the_compressed_past(
    kind: str, context: int, entries: float, searched: float
) -> None:
    model = find_model("deepseek-v4-flash").model
    attention = next(layer.attention for layer in model.layers if layer.attention.kind == kind)
    assert counting.attended_flops(attention, context) == entries * PAIR + searched * INDEX
    index = 132 if searched else 0
    read = counting.layer_cache_bytes_read(model, attention, context)
    assert read == pytest.approx(entries * 584 + searched * index)


def test_a_query_without_a_window_attends_what_its_indexer_picks() -> None:
    """DeepSeek V3.2: 2,048 of 10,000 latents, 128 heads of 576 and 512; 64 heads of 128 search all."""
    attention = find_model("deepseek-v3.2").model.layers[0].attention
    assert counting.attended_flops(attention, 10_000) == 2048 * 2 * 128 * (576 + 512) + 10_000 * 2 * 64 * 128


@pytest.mark.parametrize(
    ("kind", "tokens", "cached", "pairs", "searched"),
    [
        ("window", 1000, 0, 1000 * 128 - 128**2 / 2, 0),
        ("window", 1000, 300, 1000 * 128, 0),
        ("compressed", 1000, 0, 1000 * 128 - 128**2 / 2 + 1000**2 / 2 / 128, 0),
        ("compressed", 1000, 300, 1000 * 128 + (1000**2 / 2 + 300 * 1000) / 128, 0),
        ("sparse compressed", 1000, 300, 1000 * 128 + (1000**2 / 2 + 300 * 1000) / 4, (1000**2 / 2 + 300 * 1000) / 4),
        # 512 entries stand for 2,048 positions: no more are attended, and all are searched
        ("sparse compressed", 5000, 0, 5000 * 128 - 128**2 / 2 + (5000 * 2048 - 2048**2 / 2) / 4, 5000**2 / 2 / 4),
    ],
)
def test_pairs_of_a_prompt(kind: str, tokens: int, cached: int, pairs: float, searched: float) -> None:
    """Half of the square of what is new, and all that was before; at most a window, and the entries of the past."""
    model = find_model("deepseek-v4-flash").model
    attention = next(layer.attention for layer in model.layers if layer.attention.kind == kind)
    expected = pairs * PAIR + searched * INDEX
    assert counting.prompt_flops(attention, tokens, cached) == pytest.approx(expected, rel=1e-12)
    if kind == "compressed":
        past = (tokens**2 / 2 + tokens * cached) / 128
        assert counting.prompt_flops(attention._replace(window=0), tokens, cached) == pytest.approx(past * PAIR)


def test_matrices_of_deepseek_v4() -> None:
    """64 heads of 512 over a query of 1,024; the output in eight groups of 1,024, 4,096 wide."""
    attention = find_model("deepseek-v4-flash").model.layers[0].attention
    assert attention.split == 1024 * 64 * 512 + 64 * 512 * 1024 + 8 * 1024 * 4096
    assert attention.copied == 4096 * 1024 + 4096 * 512
    assert dict(attention.matrices)["wo_b|o_b_proj"] == 8 * 1024 * 4096
