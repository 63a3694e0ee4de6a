"""AMD Instinct: inner dimensions take time, block products may lack tuned shapes, MXFP4 computes in four bits."""

import pytest

from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.chip import Chip, Links
from infercost.replica.kernels import Timing, engine_of
from infercost.replica.layout import Layout
from infercost.replica.work import Load


def timing(model: str, part: str, profile: str = "vllm", layout: int | Layout = 1) -> Timing:
    accelerator = catalog.accelerator(part)
    chip = Chip(accelerator, catalog.load("architectures", accelerator.labels["architecture"]), OTHER)
    engine = engine_of(accelerator, complete(catalog.load("efficiency", profile)))
    return Timing(find_model(model).model, layout if isinstance(layout, Layout) else Layout(layout), chip, engine)


OTHER = catalog.load("architectures", "other")
DECODE, PROMPTS = Load(8, 8, 1024), Load(0, 0, 0, 1, 1024)


def test_mxfp4_computes_in_four_bits_on_cdna_4() -> None:
    """0.46 of 10,066 TFLOP/s, which 4.1 TFLOP/s a watt at 1,400 W do not cap; inputs of 4.5 bits, made from 16."""
    part = catalog.accelerator("mi355x")
    kernel = Chip(part, catalog.load("architectures", "cdna4"), OTHER).kernel("products", "mxfp4")
    assert kernel.flops == pytest.approx(0.46 * 10066e12, rel=1e-3)
    assert (kernel.row_bytes, kernel.quantize_bytes) == (0.5625, 2.5625)


def test_the_watts_cap_eight_bits_on_cdna_3() -> None:
    """1.33 TFLOP/s a watt at 750 W are 997.5 TFLOP/s; 0.48 of 2,615 would be 1,255."""
    chip = Chip(catalog.accelerator("mi300x"), catalog.load("architectures", "cdna3"), OTHER)
    assert chip.kernel("products", "fp8").flops == pytest.approx(997.5e12)


@pytest.mark.parametrize(
    ("profile", "decode", "prompt"),
    [("sglang@0.5.9", 3, 3), ("sglang", 1, 3), ("sglang-tuned@0.5.9", 3, 3), ("vllm", 1, 1)],
)
def test_builds_without_tuned_shapes(profile: str, decode: int, prompt: int) -> None:
    """Block products of an MI300X take three times as long in prompts, and in all passes to 0.5.9 (ROCm/aiter 3324)."""
    slow, fast = (timing("deepseek-v3", "mi300x", name, 8) for name in (profile, "vllm"))
    for used, plain, factor in ((slow.decoding, fast.decoding, decode), (slow.mixed, fast.mixed, prompt)):
        for (each, kernel), (_, tuned) in zip(used.products, plain.products, strict=True):
            by = factor if each.format == "fp8_block" else 1
            assert kernel.flops * by == pytest.approx(tuned.flops)
            assert kernel.bandwidth * by == pytest.approx(tuned.bandwidth)
            assert kernel.launch == tuned.launch
            assert kernel.inner == pytest.approx(tuned.inner * by)


def test_four_bit_parts_have_their_tables() -> None:
    slow, fast = (timing("deepseek-v3", "mi355x", name, 8) for name in ("sglang@0.5.9", "sglang-tuned"))
    assert slow.mixed.products == fast.mixed.products


def test_inner_dimensions_take_time_whatever_the_rows() -> None:
    """Llama 3.1 8B on one MI300X: 32 layers of 3 x 4,096 + 14,336 inputs at 0.5 us for 1,000."""
    passes = timing("llama-3.1-8b", "mi300x", "vllm", 1)
    inputs = 32 * (4096 + 4096 + 4096 + 14336)  # queries, keys and values; output; gate and up; down
    assert passes.decoding.inner_time == pytest.approx(0.5e-6 * inputs / 1000)
    assert passes.mixed.inner_time == passes.decoding.inner_time
    nvidia = timing("llama-3.1-8b", "h100", "vllm", 1)
    assert nvidia.decoding.inner_time == 0
    assert nvidia.pass_of(Load(1, 100)).added == ([], [])


def test_the_walk_is_no_launch() -> None:
    """The launches of Llama 3.1 8B by hand, at 0.93: 4 products, attention and 14 us a layer, and the head."""
    spent = timing("llama-3.1-8b", "mi355x").pass_of(DECODE).spent
    assert spent[-1] == pytest.approx(0.93 * (32 * (4 * 3.7 + 13 + 14) + 3.7) * 1e-6)


@pytest.mark.parametrize(
    ("profile", "decoding", "prompting"),
    [
        ("sglang", 1, 3),
        ("sglang-tuned", 1, 3),
        ("sglang@0.5.9", 3, 3),
        ("sglang-tuned@0.5.8", 3, 3),
        ("sglang@0.5.10", 1, 3),
        ("vllm", 1, 1),
        ("realistic", 1, 1),
    ],
)
def test_blocks_without_tuned_kernels(profile: str, decoding: float, prompting: float) -> None:
    """SGLang on MI300X (ROCm/aiter#1930, #3324): dense products times 3, at most once; head and launches as ever."""
    slow = timing("qwen3-32b-fp8", "mi300x", profile)
    quick = slow.with_tuned_shapes() or slow
    for load, factor in ((DECODE, decoding), (PROMPTS, prompting)):
        one, other = slow.pass_of(load), quick.pass_of(load)
        assert one.overlapping[0] == pytest.approx(tuple(factor * each for each in other.overlapping[0]))
        assert one.added[1] == pytest.approx([factor * each for each in other.added[1]])
        assert (one.overlapping[-1], one.spent[1:]) == (other.overlapping[-1], other.spent[1:])


def test_experts_without_tuned_kernels() -> None:
    slow = timing("deepseek-v3", "mi325x", "sglang@0.5.9", Layout(8))
    quick = slow.with_tuned_shapes()
    assert quick is not None
    assert quick.with_tuned_shapes() is None
    one, other = slow.pass_of(DECODE), quick.pass_of(DECODE)
    assert one.added[0] == pytest.approx([3 * each for each in other.added[0]])
    router = next(number for number, each in enumerate(slow.sums.products) if each.format == "bf16")
    assert one.overlapping[router] == other.overlapping[router]


@pytest.mark.parametrize(
    ("model", "part"), [("deepseek-v3", "mi355x"), ("deepseek-v3", "h200"), ("llama-3.1-70b", "mi300x")]
)
def test_other_chips_and_formats_are_tuned(model: str, part: str) -> None:
    assert timing(model, part, "sglang@0.5.8", Layout(8)).with_tuned_shapes() is None


@pytest.mark.parametrize(
    ("layout", "bandwidth"),
    [
        (Layout(2), 36.48e9),
        (Layout(4), 109.44e9),
        (Layout(8), 255.36e9),
        (Layout(4, 2), 109.44e9),
        (Layout(4, 1, 8), 255.36e9),
    ],
)
def test_a_mesh_is_no_switch(layout: Layout, bandwidth: float) -> None:
    """MI300X by hand: 64 GB/s to each other rank of the layer, of which all-reduces reach 0.57."""
    there = timing("llama-3.1-8b", "mi300x", layout=layout)
    assert Links(there.chip, there.engine, layout).bandwidth == pytest.approx(bandwidth)


def test_experts_of_all_ranks_have_all_links() -> None:
    """MI300X, attention of eight groups: tokens go to experts on all others."""
    there = timing("deepseek-v3", "mi300x", layout=Layout(1, 1, 8))
    links = Links(there.chip, there.engine, there.sums.layout, there.sums.routed)
    assert links._direct.ways[0][1] == pytest.approx(255.36e9)


@pytest.mark.parametrize(
    ("part", "kind", "format", "launch", "flops", "row_bytes", "quantize_bytes"),
    [
        ("mi355x", "experts", "mxfp4", 35e-6, 0.33 * 10066e12, 0.5625, 2.5625),
        ("mi300x", "products", "mxfp4", 12e-6, 750 * 0.87e12, 2, 0),
        ("mi300x", "experts", "nvfp4", 43e-6, 0.39 * 1307.4e12, 2, 0),
        ("mi355x", "products", "int8", 6.3e-6, 0.31 * 5033e12, 1, 3),
        ("b200", "experts", "mxfp4", 49e-6, 1000 * 2.3e12, 1, 0),
    ],
)
def test_what_multiplies_a_format(
    part: str, kind: str, format: str, launch: float, flops: float, row_bytes: float, quantize_bytes: float
) -> None:
    """CDNA 4 multiplies MXFP4 in 4 bits on both sides, CDNA 3 in 16; the watts of MI300X cap its products."""
    kernel = timing("llama-3.1-8b", part).chip.kernel(kind, format)
    assert (kernel.launch, kernel.row_bytes, kernel.quantize_bytes) == (launch, row_bytes, quantize_bytes)
    assert kernel.flops == pytest.approx(flops, rel=1e-3)
