"""A model in two memories: what is on the cards and what in the host add up to the whole, and each is what it says."""

import pytest

from infercost.models import counting
from infercost.models.find import find_model
from infercost.models.model import Model
from infercost.replica.layout import Layout, rank_cache_bytes, rank_weight_bytes
from infercost.replica.work import Offload, split

#: Dense; experts and latents with an indexer; layers with states beside attention; windows.
MODELS = ("llama-3.1-8b", "deepseek-v3.2", "qwen3-next-80b-a3b", "gemma-3-27b", "gpt-oss-120b")
WAYS = (
    Offload(),
    Offload(cache=True),
    Offload(layers=3),
    Offload(layers=1000),
    Offload(experts=5),
    Offload(experts=1000, layers=7),
)


def model_of(name: str) -> Model:
    return find_model(name).model


def weights(model: Model) -> float:
    return rank_weight_bytes(model, Layout()) if model.layers else 0.0


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_both_parts_are_the_whole(name: str, way: Offload) -> None:
    whole = model_of(name)
    way = way._replace(layers=min(way.layers, whole.depth))
    parts = split(whole, way)
    assert weights(parts.near) + parts.far_weights == pytest.approx(weights(whole))
    for context in (1, 1000):
        both = rank_cache_bytes(parts.near, Layout(), context) + parts.far_cache(context)
        assert both == pytest.approx(rank_cache_bytes(whole, Layout(), context), rel=1e-9)
    assert parts.near.depth == whole.depth
    figures = (parts.far.embedding, parts.far.head, parts.far.small, parts.far.lookup, parts.far.vision_params)
    assert figures == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("name", MODELS)
def test_a_cache_in_the_host_leaves_none_on_the_cards(name: str) -> None:
    """But for states, which do not grow with the context and stay."""
    whole = model_of(name)
    parts = split(whole, Offload(cache=True))
    near = [rank_cache_bytes(parts.near, Layout(), context) for context in (1, 5000)]
    assert near[0] == near[1]
    assert (near[0] == 0) == (name != "qwen3-next-80b-a3b")
    assert parts.far_weights == 0
    assert parts.host_layers == sum(layer.times for layer in whole.layers if layer.attention.cache)


def test_layers_go_in_proportion() -> None:
    """Gemma 3 27B: 62 layers, one in six attends everything; of 12 in the host two do, or one."""
    whole = model_of("gemma-3-27b")
    parts = split(whole, Offload(layers=12))
    assert parts.host_layers == 12
    full = sum(layer.times for layer in parts.far.layers if not layer.attention.window)
    assert full in (1, 2)
    assert sum(layer.times for layer in whole.layers if not layer.attention.window) == 10


def test_experts_in_the_host_are_those_of_so_many_layers() -> None:
    """GPT-OSS 120B: 36 layers of 128 experts."""
    whole = model_of("gpt-oss-120b")
    parts = split(whole, Offload(experts=9))
    (layer,) = {layer.ffn for layer in whole.layers}
    far = sum(each.times * each.ffn.experts * each.ffn.expert for each in parts.far.layers)
    near = sum(each.times * each.ffn.experts * each.ffn.expert for each in parts.near.layers)
    assert (far, near) == (9 * 128 * layer.expert, 27 * 128 * layer.expert)
    assert counting.params_by_part(parts.far)["attention"] == 0
    assert counting.params_by_part(parts.far)["router"] == 0
    assert split(whole, Offload(experts=1000)).offload.experts == 36


def test_dense_layers_have_no_experts_to_move() -> None:
    """DeepSeek V3: 58 of 61 layers have them."""
    parts = split(model_of("deepseek-v3"), Offload(experts=1000))
    assert (parts.offload.experts, parts.host_layers) == (58, 58)
    assert split(model_of("deepseek-v3"), Offload(experts=29)).host_layers == 29
