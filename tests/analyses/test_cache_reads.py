"""Reads of a named model: a cache is nobody's to share, copies are read too, and pipeline stages take turns.

Llama 3.1 70B by hand: 80 layers, 8 KV heads of 128, bf16: 4096 x 80 = 327,680 B a token; its matrices and head hold
70.553706496e9 - 1.050673152e9 parameters. DeepSeek V3: 61 layers of 576 latent elements, bf16: 70,272 B a token.
H100: 3.35e12 B/s, 989.4e12 FLOP/s; H200: 4.8e12 B/s.
"""

import re

import pytest

import infercost
from infercost.evidence.predict import Measured, stack_of
from infercost.parts.catalog import load, on_part

READ_70B = (70_553_706_496 - 1_050_673_152) * 2


def ask(model: str, gpu: str, **options: object) -> infercost.Report:
    return infercost.utilization(gpu=gpu, model=model, efficiency="ideal", **options)


def test_pipeline_stages_take_turns() -> None:
    """One user passes every stage: the step is that of one device that reads it all."""
    report = ask("llama-3.1-70b", "h100:8", tp=1, pp=8, context=4096)
    assert report["memory_time_s"] == pytest.approx((READ_70B + 4096 * 327_680) / 3.35e12, rel=1e-3)
    assert report["memory_bandwidth_utilization"] == pytest.approx(1 / 8)


def test_a_full_pipeline_reads_the_weights_once_a_part() -> None:
    report = ask("llama-3.1-70b", "h100:8", tp=1, pp=8, context=4096, batch=32)
    assert report["memory_time_s"] == pytest.approx((READ_70B + 4 * 4096 * 327_680) / 3.35e12, rel=1e-3)
    assert report["memory_bandwidth_utilization"] == pytest.approx(1)


def test_kv_heads_are_copied_past_their_number() -> None:
    """16 ranks hold 8 KV heads twice over: each reads one head of every token."""
    report = ask("llama-3.1-70b", "h100:16", tp=16, pp=1, context=131072, batch=8)
    cache = 8 * 131072 * 80 * 2 * 128 * 2
    projections = 80 * 8192 * 8 * 128 * 2 * 2
    assert report["memory_time_s"] == pytest.approx(((READ_70B + projections) / 16 + cache) / 3.35e12, rel=1e-3)


def test_latents_are_read_by_every_rank() -> None:
    one, many = (ask("deepseek-v3", "h200:8", tp=8, context=4096 * n, batch=32)["memory_time_s"] for n in (1, 2))
    assert many - one == pytest.approx(32 * 4096 * 70_272 / 4.8e12, rel=1e-6)


def test_a_cache_that_takes_longer_to_read_than_to_use_never_fills_the_arithmetic() -> None:
    """Mixtral at 4096: 537 MB a sequence over 6.7 TB/s is 80 us; 27.6 GFLOP over 1979 TFLOP/s is 14 us."""
    report = infercost.sweep_batch(gpu="h100:2", model="mixtral-8x7b", context=4096)
    assert report["knee_batch"] is None
    assert report.verdict.startswith("No batch that fits fills the arithmetic at 4,096 tokens")


def test_the_batch_that_fills_the_arithmetic_pays_for_its_cache() -> None:
    """70B, 4 devices, 1024 tokens: 141.7 GFLOP x B / F = (139.0 GB + 0.3355 GB x B) / W at B = 964."""
    flops = 2 * (70_553_706_496 - 1_050_673_152) + 80 * 4 * 64 * 128 * 1024
    batch = READ_70B / 3.35e12 / (flops / 989.4e12 - 1024 * 327_680 / 3.35e12)
    report = ask("llama-3.1-70b", "h100:4", tp=4, context=1024)
    found = re.search(r"full at batch ([\d,]+)", " ".join(report.advice))
    assert found
    assert int(found[1].replace(",", "")) == pytest.approx(batch, rel=2e-3)
    assert batch == pytest.approx(964, abs=1)


def test_query_heads_that_read_apart_read_the_cache_again() -> None:
    """Llama 3.1 70B has 64 query heads over 8 KV heads: a quarter of the other seven read again, 2.75 times in all."""
    near, far = (
        ask("llama-3.1-70b", "h100:4", context=n, batch=8, set=["efficiency.cache_rereads=0.25"]) for n in (4096, 8192)
    )
    cache = 8 * 4096 * 327_680 / 4 / 3.35e12
    assert far["memory_time_s"] - near["memory_time_s"] == pytest.approx(2.75 * cache, rel=1e-6)


def test_latents_are_read_once_however_many_heads() -> None:
    """The kernels of latent attention serve all heads at once."""
    once, again = (ask("deepseek-v3", "h200:8", context=4096, set=[f"efficiency.cache_rereads={n}"]) for n in (0, 1))
    assert once["memory_time_s"] == again["memory_time_s"]


def test_geforce_cards_multiply_twice_as_fast_where_products_are_summed_in_16_bits() -> None:
    """RTX 4090: 165.2 TFLOP/s summed in 32 bits, 330.3 in 16, which llama.cpp does."""
    rates = {
        name: infercost.utilization(model="llama-3.1-8b", gpu="4090", efficiency=name, batch=1)
        for name in ("vllm", "llama.cpp")
    }
    assert rates["vllm"]["flops_per_byte"] == pytest.approx(165.2e12 / 1.008e12)
    assert rates["llama.cpp"]["flops_per_byte"] == pytest.approx(330.3e12 / 1.008e12)
    own = infercost.utilization(
        model="llama-3.1-8b", gpu="4090", efficiency="llama.cpp", batch=1, set=["gpu.flops_bf16=100TFLOP/s"]
    )
    assert own["flops_per_byte"] == pytest.approx(100e12 / 1.008e12)


def test_the_profile_of_llama_cpp_follows_the_part() -> None:
    row = Measured("x", "me", "llama.cpp", "llama-2-7b", "apple-m2-ultra", "decode_ms_per_token", 1.0)
    profile = stack_of(row, "Apple")
    names = ("apple-m2-ultra", "rtx-4090", "h100-sxm", "ryzen-ai-max-395", "arc-pro-b60", "tpu-v6e", "epyc-turin-2p")
    backends = ("metal", "cuda", "cuda-hbm", "hip", "vulkan", "vulkan", "cpu")
    assert [on_part(profile, load("accelerators", name)).name for name in names] == [
        f"llama.cpp-{backend}" for backend in backends
    ]


#: TFLOP/s of 16 bits summed in 16 bits and in 32, by NVIDIA's tables of both cards.
SUMS = [("rtx-5090", 419, 209.5), ("rtx-4090", 330.3, 165.2)]


@pytest.mark.parametrize(("part", "narrow", "wide"), SUMS)
def test_the_rate_of_sums_in_16_bits_goes_by_its_own_name(part: str, narrow: float, wide: float) -> None:
    report = infercost.utilization(gpu=part, model="llama-3.1-8b", dtype="bf16", efficiency="llama.cpp")
    inputs = {item.key: item.value for item in report.inputs}
    assert inputs["gpu.flops_fp16_accumulate"] == pytest.approx(narrow * 1e12)
    assert inputs.get("gpu.flops_bf16", wide * 1e12) == pytest.approx(wide * 1e12)
    row = next(row for row in report.results if row.key == "compute_time_s")
    assert "(fp16 with fp16 sums)" in row.remark
    used = report.values["utilization"] * narrow * 1e12 * report.values["step_time_s"]
    assert used == pytest.approx(report.values["flops_per_token"])


def test_a_rate_of_sums_in_32_bits_is_not_renamed() -> None:
    for part in ("rtx-a6000", "m4-max", "rtx-4090"):
        engine = "vllm" if part == "rtx-4090" else "llama.cpp"
        report = infercost.utilization(gpu=part, model="llama-3.1-8b", dtype="bf16", efficiency=engine)
        assert "gpu.flops_fp16_accumulate" not in {item.key for item in report.inputs}
        assert "summed" not in next(row.remark for row in report.results if row.key == "compute_time_s")
