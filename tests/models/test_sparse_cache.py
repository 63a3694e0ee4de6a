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
        # the same at bf16: 1,152 B of latents, the index key stays fp8
        ("deepseek-v3.2", 16, 78_324),
        # unslothai/unsloth issue 4757: 18.9 GiB at 202,752 tokens are 78 layers of 1,284 B
        ("glm-5", 16, 100_152),
    ],
)
def test_latents_have_scales_and_index_keys_their_own_format(name: str, bits: float, growth: float) -> None:
    model = find_model(name).model._replace(kv_bits=bits)
    assert counting.growing_cache_bytes(model) == growth
    assert counting.cache_bytes(model, 1000) == pytest.approx(1000 * growth)


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
