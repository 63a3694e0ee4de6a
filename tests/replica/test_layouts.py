"""Layouts that an engine accepts, and what a rank holds under one, by hand."""

import pytest

from infercost.errors import BadValue
from infercost.models.find import find_model
from infercost.models.model import Model, Quantization
from infercost.replica.layout import (
    FREE,
    Layout,
    _listed,
    asking,
    check,
    every_layout,
    kv_copies,
    layouts,
    rank_cache_bytes,
    rank_growth_bytes,
    rank_weight_bytes,
    valid_widths,
)
from infercost.scenario.read import ask
from infercost.scenario.resolve import resolve


def test_every_layout_of_eight_devices_for_mixtral() -> None:
    """32 heads, 8 of KV, 8 experts and 32 layers: tensor ranks divide the heads, expert ranks the experts.

    Groups of tensor ranks share the experts evenly; stages are any number that the devices suffice for.
    """
    found = every_layout(find_model("mixtral-8x7b").model, 8)
    pairs = {(tp, ep) for tp in (1, 2, 4, 8) for ep in (1, 2, 4, 8) if ep == 1 or ep % tp == 0}
    expected = {(tp, pp, ep) for tp, ep in pairs for pp in range(1, 9) if max(tp, ep) * pp <= 8}
    assert {one[:3] for one in found} == expected
    assert len(found) == len(expected)
    order = [(one.devices, one.pp, one.ep) for one in found]
    assert order == sorted(order)


def test_widths_that_are_asked_for_are_kept() -> None:
    llama = find_model("llama-3.1-8b").model
    assert {one[:3] for one in every_layout(llama, 8, Layout(2, 0, 0))} == {(2, pp, 1) for pp in (1, 2, 3, 4)}
    assert {one[:3] for one in every_layout(llama, 8, Layout(0, 2, 0))} == {(tp, 2, 1) for tp in (1, 2, 4)}
    assert {one[:3] for one in every_layout(llama, 64, Layout(1, 0, 0))} == {(1, pp, 1) for pp in range(1, 33)}
    mixtral = find_model("mixtral-8x7b").model
    assert {one[:3] for one in every_layout(mixtral, 8, Layout(0, 1, 4))} == {(tp, 1, 4) for tp in (1, 2, 4)} | {
        (8, 1, 4)
    }


def test_tensor_ranks_divide_the_heads_or_copy_those_of_kv() -> None:
    """Llama 3.1 8B: 32 query heads over 8 of KV."""
    assert valid_widths(find_model("llama-3.1-8b").model) == [1, 2, 4, 8, 16, 32]


def stored(name: str, bits: dict[str, float] | None = None, block: int = 0) -> Model:
    """A model with so many bits of some parts, 16 of the others."""
    model = find_model(name).model
    return model._replace(quantization=Quantization("x", 16, bits or {}, block))


#: Llama 3.1 8B: keys and values of a layer, its matrices, its norms, and one of its two tables.
KV, LAYER, NORMS, TABLE = 2 * 4096 * 1024, 4096 * 6144 + 4096**2 + 3 * 4096 * 14336, 2 * 4096, 4096 * 128_256


@pytest.mark.parametrize(
    ("name", "layout", "asked"),
    [
        ("llama-3.1-8b", Layout(), {"tp": 1}),
        ("llama-3.1-8b", Layout(2), {"tp": 2}),
        ("llama-3.1-8b", Layout(1, 4), {"tp": 1, "pp": 4}),
        ("mixtral-8x7b", Layout(), {"tp": 1}),
        ("mixtral-8x7b", Layout(2), {"tp": 2, "ep": 1}),  # else experts are spread by choice
        ("mixtral-8x7b", Layout(1, 1, 8), {"tp": 1, "ep": 8}),
        ("mixtral-8x7b", Layout(2, 2, 4), {"tp": 2, "pp": 2, "ep": 4}),
    ],
)
def test_widths_that_ask_for_a_layout(name: str, layout: Layout, asked: dict[str, int]) -> None:
    assert asking(find_model(name).model, layout) == asked


def test_eight_widths_are_named() -> None:
    assert _listed(range(1, 9)) == "1, 2, 3, 4, 5, 6, 7, 8"
    assert _listed(range(1, 10)) == "1, 2, 3, 4, 5, 6, 7, 8 ..."


def test_a_stage_has_a_layer_at_least() -> None:
    """32 layers on nodes of one device; of two devices in a node each stage takes both or one."""
    model = find_model("llama-3.1-8b").model
    assert layouts(model, 32, 1) == [Layout(1, 32)]
    assert layouts(model, 33, 1) == []
    assert layouts(model, 32, 2) == [Layout(2, 16), Layout(1, 32)]
    assert layouts(model, 34, 2) == [Layout(2, 17)]
    assert layouts(model, 3, 2) == [Layout(1, 3)]
    assert layouts(model, 2, 8, Layout(4, 0, 0)) == []


@pytest.mark.parametrize("tp", [1, 2, 8])
def test_ranks_split_matrices_and_tables_and_copy_norms(tp: int) -> None:
    expected = 2 * (32 * (LAYER / tp + NORMS) + 2 * TABLE / tp + 4096)
    assert rank_weight_bytes(stored("llama-3.1-8b"), Layout(tp)) == pytest.approx(expected)


def test_ranks_beyond_the_kv_heads_hold_them_twice() -> None:
    """Sixteen ranks: a second copy of all keys and values, in 8 bits as attention is."""
    layers = 32 * ((4096 * 6144 + 4096**2 + KV) / 16 + 2 * 3 * 4096 * 14336 / 16 + 2 * NORMS)
    expected = layers + 2 * (2 * TABLE / 16 + 4096)
    assert rank_weight_bytes(stored("llama-3.1-8b", {"attention": 8}), Layout(16)) == pytest.approx(expected)
    (attention,) = {layer.attention for layer in stored("llama-3.1-8b").layers}
    assert [kv_copies(attention, tp) for tp in (1, 8, 16, 32)] == [1, 1, 2, 4]


def test_the_fullest_stage_holds_most_layers_and_one_table() -> None:
    """Of 32 layers on three stages one has eleven; the head in 32 bits is larger than the table."""
    layers = 2 * 11 * (LAYER + NORMS)
    assert rank_weight_bytes(stored("llama-3.1-8b"), Layout(1, 3)) == pytest.approx(layers + 2 * (TABLE + 4096))
    wide = stored("llama-3.1-8b", {"head": 32})
    assert rank_weight_bytes(wide, Layout(1, 3)) == pytest.approx(layers + 4 * TABLE + 2 * 4096)


def test_a_table_that_is_the_head_too_is_held_once_on_one_stage_and_by_both_ends_of_several() -> None:
    """Llama 3.2 1B: 16 layers 2,048 wide."""
    tied, table = stored("llama-3.2-1b", {"embedding": 8}), 2048 * 128_256
    layer = 2 * (2 * 2048**2 + 2 * 2048 * 512 + 3 * 2048 * 8192 + 2 * 2048)
    assert rank_weight_bytes(tied, Layout()) == pytest.approx(16 * layer + table + 2 * 2048)
    assert rank_weight_bytes(tied, Layout(1, 2)) == pytest.approx(8 * layer + table + 2 * 2048)


#: Mixtral 8x7B: a layer's attention, one expert of eight, its router.
ATTENTION, EXPERT, ROUTER = 4096 * 6144 + 4096**2, 3 * 4096 * 14336, 4096 * 8


@pytest.mark.parametrize(
    ("layout", "experts", "tp"),
    [
        (Layout(), 8, 1),
        (Layout(2), 4, 2),  # a half of each
        (Layout(1, 1, 8), 1, 1),
        (Layout(1, 1, 3), 3, 1),  # the fullest of three ranks
        (Layout(2, 1, 2), 4, 2),
        (Layout(2, 1, 8), 1, 2),
        (Layout(8, 1, 4), 1, 8),  # halves of two
        (Layout(8, 1, 2), 1, 8),  # quarters of four
        (Layout(1, 1, 4, 2), 1, 1),  # halves of two beside whole attention
        (Layout(1, 1, 1, 4), 2, 1),
    ],
)
def test_experts_of_a_rank(layout: Layout, experts: float, tp: int) -> None:
    tables = 2 * 4096 * 32_000
    layer = ATTENTION / tp + ROUTER + 2 * 4096 + experts * EXPERT
    assert rank_weight_bytes(stored("mixtral-8x7b"), layout) == pytest.approx(2 * (32 * layer + tables / tp + 4096))


@pytest.mark.parametrize(
    ("layout", "token"),
    [
        (Layout(), 131_072),
        (Layout(2), 131_072 / 2),
        (Layout(16), 131_072 / 8),
        (Layout(1, 3), 131_072 * 11 / 32),
        (Layout(2, 2), 131_072 / 4),
    ],
)
def test_cache_of_a_rank(layout: Layout, token: float) -> None:
    llama = stored("llama-3.1-8b")
    assert rank_cache_bytes(llama, layout, 1000) == pytest.approx(1000 * token)
    assert rank_growth_bytes(llama, layout) == pytest.approx(token)


def test_linear_attention_is_split_as_it_is() -> None:
    """Three heads with a state and no KV heads of theirs: ranks share the state, whatever the width."""
    llama = stored("llama-3.1-8b")
    (layer,) = llama.layers
    linear = layer._replace(attention=layer.attention._replace(heads=3, kv_heads=0, cache=0, state=1000))
    assert valid_widths(llama._replace(layers=(layer, linear))) == [1, 2, 4, 8, 16, 32]


def test_latents_and_index_keys_are_every_ranks_own() -> None:
    """DeepSeek V3: 61 layers of 576 elements of 2 bytes."""
    for tp in (1, 8):
        assert rank_cache_bytes(stored("deepseek-v3"), Layout(tp), 1000) == 61 * 1000 * 576 * 2
        assert rank_growth_bytes(stored("deepseek-v3"), Layout(tp)) == 61 * 576 * 2


def test_windows_do_not_grow() -> None:
    """Gemma 3 27B: 52 of 62 layers have a window of 1,024; 16 KV heads of 128."""
    gemma, token = stored("gemma-3-27b"), 2 * 16 * 128 * 2
    for tp in (1, 4):
        assert rank_growth_bytes(gemma, Layout(tp)) == 10 * token / tp
        assert rank_cache_bytes(gemma, Layout(tp), 5000) == (10 * 5000 + 52 * 1024) * token / tp


@pytest.mark.parametrize(
    ("layout", "ranks", "devices", "dp", "slices", "flags"),
    [
        (Layout(), 1, 1, 1, 1, "--tp 1"),
        (Layout(4, 2), 4, 8, 1, 4, "--tp 4 --pp 2"),
        (Layout(8, 1, 4), 8, 8, 1, 2, "--tp 8 --ep 4"),
        (Layout(2, 3, 8), 8, 24, 4, 1, "--tp 2 --pp 3 --ep 8"),
        (Layout(1, 1, 4, 2), 8, 8, 8, 2, "--ep 4"),
    ],
)
def test_ranks_of_a_layout(layout: Layout, ranks: int, devices: int, dp: int, slices: int, flags: str) -> None:
    assert (layout.ranks, layout.devices, layout.dp, layout.expert_slices) == (ranks, devices, dp, slices)
    assert layout.flags == flags


@pytest.mark.parametrize(
    ("model", "layout", "said"),
    [
        ("llama-3.1-8b", Layout(3), "--tp 3 does not divide the heads"),
        ("llama-3.1-8b", Layout(1, 33), "--pp 33 is more than the 32 layers"),
        ("llama-3.1-8b", Layout(1, 1, 2), "has no experts"),
        ("mixtral-8x7b", Layout(1, 1, 9), "--ep 9 is more than the 8 experts"),
        ("mixtral-8x7b", Layout(4, 1, 6), "--ep 6 neither divides --tp 4 nor is a multiple of it"),
    ],
)
def test_layouts_that_no_engine_accepts(model: str, layout: Layout, said: str) -> None:
    with pytest.raises(BadValue, match=said):
        check(stored(model), layout)


def test_layouts_at_the_ends_of_what_is_accepted() -> None:
    check(stored("llama-3.1-8b"), Layout(32, 32))
    for layout in (Layout(1, 1, 8), Layout(8, 1, 4), Layout(2, 1, 8), Layout(8, 1, 8)):
        check(stored("mixtral-8x7b"), layout)


def test_what_would_do_is_said() -> None:
    with pytest.raises(BadValue) as error:
        check(stored("mixtral-8x7b"), Layout(4, 1, 6))
    assert error.value.hint == "valid layouts: --tp 4 with --ep 2, 4, 8; --ep 6 with --tp 1, 2"
    with pytest.raises(BadValue) as error:
        check(stored("llama-3.1-8b"), Layout(64))
    assert error.value.hint == "valid widths: 1, 2, 4, 8, 16, 32"


def test_a_block_of_scales_is_not_cut() -> None:
    """Matrices of 14,336 columns in blocks of 1,024: fourteen blocks, two ranks have seven each."""
    llama, mixtral = (stored(name, {"ffn": 8, "experts": 8}, 1024) for name in ("llama-3.1-8b", "mixtral-8x7b"))
    assert valid_widths(llama) == [1, 2]
    check(llama, Layout(2))
    with pytest.raises(BadValue, match="--tp 4 cuts matrices of 14,336 columns inside a block of 1024"):
        check(llama, Layout(4))
    with pytest.raises(BadValue, match="cuts matrices") as error:
        check(mixtral, Layout(4))
    assert error.value.hint == "valid widths: 1, 2, or whole experts: --tp 4 --ep 4"
    check(mixtral, Layout(4, 1, 4))
    check(stored("llama-3.1-8b", {"ffn": 16}, 1024), Layout(4))
    with pytest.raises(BadValue, match="--tp 2 cuts"):
        check(stored("llama-3.1-8b", {"ffn": 8}, 2048), Layout(2))
    check(stored("llama-3.1-8b", {"ffn": 8}, 3000), Layout())  # one rank cuts nothing
    shared = stored("deepseek-v3", {"shared": 8}, 1024)  # 2,048 columns: two ranks, a block each
    check(shared, Layout(2))
    with pytest.raises(BadValue, match="cuts matrices of 2,048 columns"):
        check(shared, Layout(4))


@pytest.mark.parametrize(("part", "domain"), [("gb200-nvl72:1", 72), ("h100:1", 8), ("l40s:1", 8)])
def test_ranks_that_a_node_has(part: str, domain: int) -> None:
    """Eight where nobody says."""
    assert resolve(ask("utilization", {"gpu": part, "model": "llama-3.2-1b"})).rack.setup.domain == domain


def test_layouts_of_so_many_devices() -> None:
    """The widest tensor parallelism inside a node first; under expert parallelism the narrowest."""
    llama, mixtral = stored("llama-3.1-8b"), stored("mixtral-8x7b")
    assert layouts(llama, 8, 8) == [Layout(8), Layout(4, 2), Layout(2, 4), Layout(1, 8)]
    assert layouts(llama, 8, 4) == [Layout(4, 2), Layout(2, 4), Layout(1, 8)]
    assert layouts(llama, 64, 72) == [Layout(32, 2), Layout(16, 4), Layout(8, 8), Layout(4, 16), Layout(2, 32)]
    assert layouts(llama, 8, 8, Layout(2, 0, 0)) == [Layout(2, 4)]
    assert layouts(llama, 8, 8, Layout(0, 2, 0)) == [Layout(4, 2)]
    assert layouts(llama, 6, 8, FREE) == [Layout(2, 3), Layout(1, 6)]
    assert layouts(mixtral, 4, 8, Layout(0, 0, 2)) == [Layout(1, 2, 2), Layout(2, 2, 2), Layout(4, 1, 2)]
    wide = layouts(mixtral, 8, 8, Layout(0, 0, 8))
    assert wide == [Layout(1, 1, 8), Layout(2, 1, 8), Layout(4, 1, 8), Layout(8, 1, 8)]
