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
        # mlx-community/Meta-Llama-3.1-8B-Instruct-4bit is 4.52 GB: 64 weights share 32 bits, the tables too
        ("llama-3.1-8b", "mlx-4bit", 4.52e9, 2e-3),
        ("llama-3.1-8b", "MLX 8bit", 8.03e9 * 8.5 / 8, 2e-3),
        # by hand: 6.98e9 linear weights with a scale of 8 bits for 32 of them, or 24 bits for 128; 1.05e9 at 16
        ("llama-3.1-8b", "mxfp8", 6.98e9 * 8.25 / 8 + 2.101e9, 1e-3),
        ("llama-3.1-8b", "gptq-int8", 6.98e9 * 8.1875 / 8 + 2.101e9, 1e-3),
        # the same linear weights in ternary blocks of llama.cpp, the head in q6_k and the table in q4_k
        ("llama-3.1-8b", "tq1_0", (6.98e9 * 1.6875 + 0.5253e9 * (6.5625 + 4.5)) / 8, 1e-3),
        *[("llama-3.1-8b", name, 9.081e9, 1e-3) for name in ("fp8-dynamic", "bnb-8bit", "w8a8_int8", "fp8_block")],
        *[("llama-3.1-8b", name, 5.728e9, 1e-3) for name in ("awq_marlin", "gptq_marlin", "w4a8", "int4-awq")],
        # by hand: 6.98e9 linear weights in groups of 32, 64 and 128 with a scale of 16 bits and a zero point of 3 or 4;
        # HQQ's class in transformers has groups of 64 and a zero point of 16 bits
        *[
            ("llama-3.1-8b", name, 6.98e9 * (4 + 20 / 32) / 8 + 2.101e9, 1e-3)
            for name in ("awq-g32", "GPTQ-INT4-g32", "gptq-4bit-32g", "w4a16-g32")
        ],
        ("llama-3.1-8b", "int4-g64", 6.98e9 * (4 + 20 / 64) / 8 + 2.101e9, 1e-3),
        *[
            ("llama-3.1-8b", name, 6.98e9 * (3 + 19 / 128) / 8 + 2.101e9, 1e-3)
            for name in ("int3", "gptq-3bit", "w3a16")
        ],
        *[("llama-3.1-8b", name, 6.98e9 * (4 + 32 / 64) / 8 + 2.101e9, 1e-3) for name in ("hqq", "hqq-4bit")],
        *[("llama-3.1-8b", name, 9.081e9, 1e-3) for name in ("eetq", "int8wo", "fp8_e4m3fn")],
        *[("llama-3.1-8b", name, 6.028e9, 1e-3) for name in ("modelopt_fp4", "nvfp4_awq", "bnb-nf4")],
        # 3.69 GB and 4.78 GB of bartowski/Meta-Llama-3.1-8B-Instruct-GGUF: head and table in q8_0
        ("llama-3.1-8b", "Q2_K_L", 3.69e9, 3e-3),
        ("llama-3.1-8b", "Q3_K_XL", 4.78e9, 3e-3),
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
        ("llama-3.3-70b", "fp8_inc", 163_840),
        ("llama-3.3-70b", "mxfp8", 168_960),
        ("qwen2.5-14b", "q4", 48 * 8 * 128 * 2 * 18 / 32),
        # vLLM 0.33: 4 of 32 layers in 16 bits, the others in 196, 134, 118 and 102 bytes a token and head of 128
        ("llama-3.1-8b", "turboquant_k8v4", 28 * 8 * 196 + 4 * 4096),
        ("llama-3.1-8b", "turboquant_4bit_nc", 28 * 8 * 134 + 4 * 4096),
        ("llama-3.1-8b", "turboquant_k3v4_nc", 28 * 8 * 118 + 4 * 4096),
        ("llama-3.1-8b", "turboquant_3bit_nc", 28 * 8 * 102 + 4 * 4096),
        # the same of a model with states, whose 16 attending layers are all packed, in heads of 256
        ("qwen3.5-27b", "turboquant_4bit_nc", 16 * 4 * 262),
        # a scale of 32 bits a key and a value
        ("llama-3.1-8b", "int8_per_token_head", 32 * 8 * 264),
        ("llama-3.1-8b", "int4_per_token_head", 32 * 8 * 136),
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


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("UD-Q4_K_XL", "q4_k_m"),
        ("ud-q2_k_xl", "q2_k"),
        ("UD-IQ2_M", "iq2_m"),
        ("UD-Q8_K_XL", "q8_0"),
        ("Q6_K_XL", "q6_k"),
    ],
)
def test_files_of_a_mix_of_their_own_are_asked_for(name: str, near: str) -> None:
    with pytest.raises(BadValue, match="tensor by tensor") as refused:
        parse_weights(name)
    assert "--model FILE.gguf" in refused.value.hint
    assert refused.value.hint.endswith(near)


@pytest.mark.parametrize("name", ["aqlm", "vptq", "exl3", "torchao", "compressed-tensors", "quark", "w4afp8", "bitnet"])
def test_methods_whose_bits_a_checkpoint_says_ask_for_it(name: str) -> None:
    with pytest.raises(BadValue, match="bits of its own") as refused:
        parse_weights(name)
    assert "config.json" in refused.value.hint


@pytest.mark.parametrize("name", ["w", "int", "g32", "awq-g1", "int9", "h"])
def test_no_group_and_no_bits_are_no_format(name: str) -> None:
    with pytest.raises(BadValue, match="no format"):
        parse_weights(name)


def test_a_packed_cache_is_of_heads(run: Run) -> None:
    """Latents have no heads to pack; the command of vLLM names the cache as its option does."""
    said = run("fit", "--gpu", "b200:8", "--model", "deepseek-v3.2", "--kv-dtype", "turboquant_4bit_nc")
    assert said.code == 2
    assert "caches latents" in said.err
    said = run("fit", "--gpu", "b200:8", "--model", "deepseek-v3.2", "--kv-dtype", "nvfp4")
    assert "--kv-cache-dtype nvfp4_ds_mla" in said.out
    said = run("fit", "--gpu", "b200", "--model", "llama-3.1-8b", "--kv-dtype", "nvfp4")
    assert "--kv-cache-dtype nvfp4" in said.out
    said = run("fit", "--gpu", "mi300x", "--model", "llama-3.1-8b", "--kv-dtype", "nvfp4")
    assert "--kv-cache-dtype" not in said.out
