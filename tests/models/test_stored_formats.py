"""Formats weigh what they weigh: a checkpoint's linear layers with their scales, its tables in 16 bits, its caches."""

import pytest

from infercost.errors import BadValue
from infercost.parts.formats import CACHES, parse_cache, parse_weights
from tests.conftest import Run

FIT = ("fit", "--gpu", "b200:8", "--json", "--model")


@pytest.mark.parametrize(
    ("model", "format", "size", "within"),
    [
        # 68.45e9 linear weights at 4.25 bits (OCP MX) and 2.10e9 of table and head at 16
        ("llama-3.3-70b", "mxfp4", 40.568e9, 1e-3),
        ("llama-3.3-70b", "nvfp4", 42.707e9, 1e-3),
        # the published AWQ and GPTQ files of Llama 3.1 70B, group 128: 39.8 GB
        *[("llama-3.1-70b", name, 39.77e9, 1e-3) for name in ("awq", "gptq", "int4", "4bit", "w4a16", "AWQ-INT4")],
        # by hand: 6.98e9 linear weights at 4 bits with a 32-bit scale for 64, 1.05e9 at 16
        ("llama-3.1-8b", "nf4", 6.028e9, 1e-3),
        ("llama-3.1-8b", "bnb-4bit", 6.028e9, 1e-3),
        # a checkpoint that is stored so keeps the bits that its config says
        ("qwen2.5-72b-awq", "awq", 41.6e9, 2e-3),
        ("qwen3-235b-a22b-nvfp4", "nvfp4", 134.1e9, 1e-3),
    ],
)
def test_weights(model: str, format: str, size: float, within: float, run: Run) -> None:
    results = run(*FIT, model, "--dtype", format).json["results"]
    assert results["weight_bytes"] == pytest.approx(size, rel=within)


@pytest.mark.parametrize(
    ("model", "format", "growth"),
    [
        # ollama issue 7965: q4_0 holds 32 values in 18 bytes; 48 layers x 8 heads x 128 x 2
        ("qwen2.5-14b", "q4_0", 48 * 8 * 128 * 2 * 18 / 32),
        ("qwen2.5-14b", "Q8_0", 48 * 8 * 128 * 2 * 34 / 32),
        # vllm issue 49011: 16 values and an 8-bit scale
        ("llama-3.3-70b", "nvfp4", 92_160),
        ("llama-3.3-70b", "fp4", 92_160),
        ("llama-3.3-70b", "fp8", 163_840),
    ],
)
def test_caches(model: str, format: str, growth: float, run: Run) -> None:
    said = run(*FIT, model, "--kv-dtype", format).json
    assert said["results"]["kv_bytes_per_token"] == growth
    assert said["inputs"]["efficiency"] == ("llama.cpp" if format.lower().startswith("q") else "vllm")


def test_a_cache_of_llama_cpp_is_refused_under_other_engines(run: Run) -> None:
    said = run("fit", "--gpu", "h100", "--model", "llama-3.1-8b", "--kv-dtype", "q8_0", "--efficiency", "vllm")
    assert (said.code, "llama.cpp alone has" in said.err) == (2, True)


def test_hints_list_what_is_accepted() -> None:
    with pytest.raises(BadValue) as weights:
        parse_weights("q4_k_x")
    assert all(
        name in (weights.value.hint or "") for name in ("bf16", "fp8", "int4", "nf4", "q4_k_m", "docs/models.md")
    )
    with pytest.raises(BadValue, match="kv_dtype: no format 'awq'") as caches:
        parse_cache("awq")
    assert all(name in (caches.value.hint or "") for name in (*CACHES, "q4_0", "nvfp4"))


def test_a_bare_count_has_no_groups_but_those_of_a_named_layout(run: Run) -> None:
    """The note's words count values alone; a layout of blocks has its scales."""
    sizes = {
        name: run("fit", "--gpu", "h100", "--params", "8e9", "--dtype", name, "--json").json["results"]["weight_bytes"]
        for name in ("int4", "fp4", "4bit", "nvfp4", "mxfp4", "awq")
    }
    assert sizes == {"int4": 4e9, "fp4": 4e9, "4bit": 4e9, "nvfp4": 4.5e9, "mxfp4": 4.25e9, "awq": 4.15625e9}
