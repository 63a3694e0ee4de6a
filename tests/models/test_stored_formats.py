"""Formats weigh what they weigh: a checkpoint's linear layers with their scales, its tables in 16 bits, its caches."""

import pytest

from infercost.errors import BadValue
from infercost.parts.accelerator import find_rate
from infercost.parts.formats import CACHES, PACKED, WEIGHTS, find_format, parse_cache, parse_weights
from infercost.parts.preset import Fact, Preset
from infercost.units import FLOPS
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
    assert all(name in weights.value.hint for name in ("bf16", "fp8", "int4", "nf4", "q4_k_m", "like it are q4_k_s, "))
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


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # MLX: a scale and a bias of 16 bits for 64 weights; OCP's blocks: 8 bits for 32; GPTQ: 16 and 8 for 128
        *((f"mlx-{bits}bit", bits + 0.5) for bits in (3, 4, 5, 6, 8)),
        ("mxfp6", 6.25),
        ("mxfp8", 8.25),
        ("gptq-int8", 8 + 24 / 128),
        # the type of most tensors, by the bytes of its block in ggml-common.h
        *(("q4_k_m", 8 * 144 / 256), ("q6_k", 8 * 210 / 256), ("q8_0", 8 * 34 / 32), ("q4_0", 8 * 18 / 32)),
        *(("q5_1", 8 * 24 / 32), ("iq4_xs", 8 * 136 / 256), ("q2_k", 8 * 84 / 256)),
    ],
)
def test_bits_of_a_weight_with_its_scales(name: str, bits: float) -> None:
    format = parse_weights(name)
    assert (8 * format.bytes_per_value, format.stored_bits) == (bits, bits)


def test_words_of_four_bits_are_stored_with_scales() -> None:
    """A bare count has values alone; linear layers have NVFP4's scale of 8 bits for 16, or 20 bits for 128."""
    assert {name: parse_weights(name).stored_bits for name in ("fp4", "4bit", "int4")} == {
        "fp4": 4.5, "4bit": 4.15625, "int4": 4.15625,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("fp32", {"fp32": "fp32", "bf16 fp8": None}),
        ("tf32", {"fp32 tf32": "tf32", "fp32": "fp32"}),
        ("bf16", {"bf16 fp16 fp32": "bf16", "fp16 fp32": "fp16", "fp32": "fp32", "fp8": None}),
        ("fp16", {"bf16 fp16 fp32": "fp16", "bf16 fp32": "bf16", "fp32": "fp32"}),
        ("fp8", {"fp8 int8 bf16": "fp8", "int8 bf16": "bf16", "fp32": "fp32"}),
        ("int8", {"fp8 int8 bf16": "int8", "fp8 bf16": "bf16"}),
        ("8bit", {"fp8 bf16": "fp8", "int8 bf16": "int8", "bf16": "bf16"}),
        ("fp6", {"fp6 fp8": "fp6", "fp8 bf16": "fp8", "bf16": "bf16"}),
        ("mxfp6", {"fp6 fp8": "fp6", "fp8 bf16": "fp8", "bf16": "bf16"}),
        *[(name, {"fp4 fp8 bf16": "fp4", "fp8 bf16": "bf16"}) for name in ("fp4", "nvfp4", "4bit")],
        *[(name, {"fp4 fp8 bf16": "fp8", "fp4 bf16": "bf16"}) for name in ("mxfp4", "mxfp8")],
        *[(name, {"fp4 int8 bf16": "bf16"}) for name in ("int4", "awq", "gptq", "nf4", "gptq-int8", "mlx-4bit")],
        *[(name, {"int8 bf16": "int8", "bf16": "bf16"}) for name in ("q8_0", "q6_k")],
        *[(name, {"int8 bf16": "bf16", "int8": "int8"}) for name in ("q5_1", "q4_k_m", "iq2_xs")],
    ],
)
def test_arithmetic_that_serves_a_format(name: str, served: dict[str, str | None]) -> None:
    """Floats of few bits have units of their own or are widened; integers of four bits are unpacked to 16."""
    for rates, found in served.items():
        facts = {f"flops_{rate}": Fact(1e12, FLOPS, "x", "2026") for rate in rates.split()}
        rate = find_rate(Preset("x", "accelerators", {}, facts, "x.yaml"), WEIGHTS[name])
        assert (rate.name if rate else None) == found, rates


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # 34 and 18 bytes of 32 values; 16 bits beside 8.5
        *(("q8_0/q4_0", (8.5 + 4.5) / 2), ("q4_0/q8_0", 6.5), ("F16/q8_0", 12.25), ("q8_0/q8_0", 8.5)),
        *(("q5_1", 6), ("q5_0", 5.5), ("q4_1", 5), ("iq4_nl", 4.5), ("q4", 4.5), ("bfloat16", 16), ("e4m3", 8)),
        # of heads of 128: 8 + 4, 4 + 4, 3 + 4 and 3 + 3 bits and 4 or 6 bytes beside; two scales of 32 bits
        ("turboquant_k8v4", 8 * 196 / 256),
        ("TurboQuant-4bit-nc", 8 * 134 / 256),
        ("turboquant_k3v4_nc", 8 * 118 / 256),
        ("turboquant_3bit_nc", 8 * 102 / 256),
        *((f"{kind}_per_token_head", 8 * 264 / 256) for kind in ("int8", "fp8")),
        ("int4_per_token_head", 8 * 136 / 256),
    ],
)
def test_bits_of_a_value_in_a_cache(name: str, bits: float) -> None:
    assert 8 * parse_cache(name).bytes_per_value == pytest.approx(bits, rel=1e-12)


def test_caches_of_a_scale_for_each_head_have_no_wide_ends() -> None:
    """vLLM keeps the first and last two layers of its turboquant caches in 16 bits, and none of the others."""
    assert {name for name, each in PACKED.items() if each.wide_ends} == {
        name for name in PACKED if name.startswith("turboquant")
    }


def test_two_formats_of_a_cache_are_of_llama_cpp() -> None:
    with pytest.raises(BadValue, match="no engine has keys and values as 'fp8/q8_0'"):
        parse_cache("fp8/q8_0")
    assert parse_cache("bf16/q8_0").name == "bf16/q8_0"


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # a scale of 16 bits and a zero point of as many bits as a value, for 32, 64 and 128 values; 16 of HQQ
        *(("int2", 2 + 18 / 128), ("int8-g32", 8 + 24 / 32), ("w5a16-g64", 5 + 21 / 64), ("awq-3bit-g64", 3 + 19 / 64)),
        *(("rtn-4bit", 4 + 20 / 128), ("autoround-2bit-g32", 2 + 18 / 32), ("uint3", 3 + 19 / 128)),
        *(("hqq-2bit", 2 + 32 / 64), ("hqq-3bit-g128", 3 + 32 / 128), ("hqq-g32", 4 + 32 / 32)),
        *(("gptq-4bit-8g", 4 + 20 / 8), ("awq-g4096", 4 + 20 / 4096)),
    ],
)
def test_bits_by_a_group(name: str, bits: float) -> None:
    assert parse_weights(name).stored_bits == pytest.approx(bits, rel=1e-12)


@pytest.mark.parametrize("name", ["awq-g7", "awq-g4097", "int1", "int9", "4096", "uint", "w-g32"])
def test_groups_and_bits_that_nothing_has(name: str) -> None:
    assert find_format(name) is None
