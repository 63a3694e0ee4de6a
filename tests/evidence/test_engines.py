"""The engine of a run, its profile by release or year, and what its release or the run set."""

import pytest

from infercost.evidence.predict import Measured, engine_name, stack_of

ROW = Measured("x", "me", "", "llama-3.1-8b", "h100-sxm", "decode_ms_per_token", 1.0)


@pytest.mark.parametrize(
    ("framework", "year", "profile"),
    [
        ("vllm 0.10.2", 2025, "vllm"),
        ("vLLM early 2026", 2026, "vllm"),
        ("vLLM", 2024, "vllm-2024"),
        ("vLLM", None, "vllm"),
        ("TensorRT-LLM 0.6.1", 2023, "tensorrt-llm-2023"),
        ("TensorRT-LLM 0.17", 2025, "tensorrt-llm-2024"),
        ("TensorRT-LLM", 2024, "tensorrt-llm-2024"),
        ("TensorRT-LLM 1.2.0rc2.post2", 2026, "tensorrt-llm"),
        ("trtllm 1.0.0rc3", 2026, "tensorrt-llm"),
        ("SGLang 0.5.9", 2026, "sglang@0.5.9"),
        ("SGLang nightly", 2026, "sglang"),
        ("an engine of ours", 2026, "realistic"),
    ],
)
def test_a_release_decides_then_the_year(framework: str, year: int | None, profile: str) -> None:
    assert stack_of(ROW._replace(framework=framework, year=year), "NVIDIA").name == profile


@pytest.mark.parametrize(
    ("framework", "name"),
    [("vllm 0.10.2", "vLLM"), ("TensorRT-LLM (PyTorch backend)", "TensorRT-LLM"), ("LMDeploy 0.1.0", "LMDeploy")],
)
def test_an_engine_without_its_release(framework: str, name: str) -> None:
    assert engine_name(framework) == name


@pytest.mark.parametrize(
    ("framework", "kernel"),
    [("vllm 0.10.2", "marlin"), ("vLLM 0.11.0", "marlin"), ("vllm 0.11.1", ""), ("vllm", ""), ("SGLang 0.5.9", "")],
)
def test_releases_with_kernels_of_their_own(framework: str, kernel: str) -> None:
    assert ROW._replace(framework=framework).settings.get("experts_kernel", "") == kernel


def test_what_a_run_set_goes_first() -> None:
    row = ROW._replace(framework="vllm 0.10.2", experts_kernel="flashinfer", captured_tokens=0.0)
    assert row.settings == {"experts_kernel": "flashinfer", "captured_tokens": 0.0}


@pytest.mark.parametrize(
    ("more", "profile"),
    [
        ({}, "sglang"),
        ({"flags": "tuned"}, "sglang-tuned"),
        ({"notes": "lengths 0.8 to 1 of the nominal"}, "sglang-tuned"),
        ({"notes": "PD disaggregation, DP attention, DeepEP, two-batch overlap"}, "sglang-tuned"),
        ({"notes": "DeepEP", "flags": "default"}, "sglang"),
    ],
)
def test_runs_with_flags_for_speed(more: dict[str, str], profile: str) -> None:
    assert stack_of(ROW._replace(framework="SGLang", **more), "NVIDIA").name == profile


@pytest.mark.parametrize(
    ("more", "protocol"),
    [
        ({"batch": 4.0}, "batch"),
        ({}, "full"),
        ({"batch": 4.0, "notes": "closed-loop"}, "closed"),
        ({"batch": 4.0, "kind": "closed"}, "closed"),
        ({"batch": 4.0, "kind": "pool"}, "pool"),
        ({"request_rate": 2.0}, "rate"),
        ({"kind": "peak", "requests": 500}, "peak"),
    ],
)
def test_how_sequences_came_together(more: dict[str, object], protocol: str) -> None:
    assert ROW._replace(**more).protocol == protocol
