"""AMD Instinct: inner dimensions take time, block products may lack tuned shapes, MXFP4 computes in four bits."""

import pytest

import infercost
from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.chip import Chip
from infercost.replica.kernels import Timing, engine_of
from infercost.replica.layout import Layout
from infercost.replica.work import Load


def timing(model: str, part: str, profile: str, ranks: int) -> Timing:
    accelerator = catalog.accelerator(part)
    chip = Chip(accelerator, catalog.load("architectures", accelerator.labels["architecture"]), OTHER)
    engine = engine_of(accelerator, complete(catalog.load("efficiency", profile)))
    return Timing(find_model(model).model, Layout(ranks), chip, engine)


OTHER = catalog.load("architectures", "other")


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


def test_the_answer_says_the_build_and_the_tuned_time() -> None:
    asked = {"gpu": "mi300x:8", "model": "deepseek-v3", "batch": 8, "tp": 8, "efficiency": "sglang@0.5.9"}
    report = infercost.utilization(**asked)
    tuned = infercost.utilization(
        **asked,
        set=[f"efficiency.{key}=1" for key in ("untuned_factor", "untuned_decode_factor", "unfused_launch_scale")],
    )
    note = next(note.text for note in report.notes if note.code == "tuned")
    assert f"{tuned.values['tpot_s'] * 1e3:.4g} ms a token" in note
    assert report.values["tpot_s"] > 1.3 * tuned.values["tpot_s"]
