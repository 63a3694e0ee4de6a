"""The mixes of llama-quantize, against files that others published and against its own rules, worked by hand."""

from pathlib import Path
from statistics import median
from typing import Any

import pytest

import infercost
from infercost.errors import BadValue
from infercost.evidence.predict import Measured, stored_as
from infercost.models import counting
from infercost.models.families.table import read_model
from infercost.models.find import find_model
from infercost.models.gguf import as_file_of, as_gguf, gguf_mix, with_head
from infercost.models.model import Model
from infercost.parts.formats import MIXES, TYPES, parse_format, parse_formats, parse_weights
from tests.conftest import Run
from tests.models.test_config import LLAMA
from tests.models.test_gguf import write
from tools.gguf_sizes import bits, sizes

DATA = Path(__file__).parents[1] / "data"
#: The formats that --dtype takes by name, all of them.
NAMES = [
    "q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "q4_0", "q4_1", "q4_k_s", "q4_k_m", "q5_0", "q5_1", "q5_k_s", "q5_k_m",
    "q6_k", "q8_0", "iq2_xxs", "iq2_xs", "iq2_s", "iq2_m", "iq3_xxs", "iq3_xs", "iq3_s", "iq3_m", "iq4_xs", "iq4_nl",
    "f16", "bf16", "mxfp4",
]  # fmt: skip
#: Bits of a type, from ggml-common.h.
Q3, Q4, Q5, Q6, Q8 = 3.4375, 4.5, 5.5, 6.5625, 8.5


def model(**keys: Any) -> Model:
    """A Llama of 32 layers, 4096 wide, with eight KV heads, and other keys of a config."""
    base = {**LLAMA, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32}
    heads = {"num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": False}
    return read_model({**base, **heads, **keys}, "test", "model test")


def test_published_sizes() -> None:
    errors = [abs(check.error) for check in sizes(DATA / "gguf_sizes.csv")]
    assert len(errors) == 21
    assert median(errors) < 0.001
    assert max(errors) < 0.002


def test_published_sizes_to_the_byte() -> None:
    """llama-bench prints the bytes of all tensors: two kinds of attention, shared experts, values by tensor."""
    file = as_gguf(find_model("qwen3.5-35b-a3b").model, "q4_k_m")
    assert counting.weight_bytes(file) == 21155768832


def test_published_bits() -> None:
    """llama.cpp's own table for Llama 3.1 8B, to its last digit."""
    checks = bits()
    assert len(checks) == 23
    assert all(abs(check.predicted - check.published) < 6e-5 for check in checks)


@pytest.mark.parametrize("name", NAMES)
def test_every_format_has_a_name(name: str) -> None:
    assert name in MIXES
    for written in (name, name.upper(), name.replace("_", "-")):
        assert parse_weights(written).name == {"f16": "fp16"}.get(name, name)


def test_formats_of_files_are_of_weights_alone() -> None:
    with pytest.raises(BadValue, match="no format 'q4_k_m'"):
        parse_format("q4_k_m")
    with pytest.raises(BadValue, match="no format 'q4_k_x'") as error:
        parse_weights("q4_k_x")
    assert "did you mean q4_k_s?" in (error.value.hint or "")
    assert [each.name for each in parse_formats("Q4_K_M,fp8")] == ["q4_k_m", "fp8"]


def test_values_and_down_projections_by_layer() -> None:
    """q4_k_m of 32 layers: the first and last four, and every third between, 16 in all, in q6_k."""
    of = gguf_mix(model(), "q4_k_m").of
    queries, values = 4096 * 4096, 1024 * 4096
    assert of("attention") == pytest.approx(
        (2 * queries * Q4 + values * (Q4 + (Q4 + Q6) / 2)) / (2 * queries + 2 * values)
    )
    assert of("ffn") == pytest.approx((2 * Q4 + (Q4 + Q6) / 2) / 3)
    assert (of("head"), of("embedding"), of("norms")) == (Q6, Q4, 32)


def test_a_tied_table_is_the_head() -> None:
    tied = model(tie_word_embeddings=True)
    assert gguf_mix(tied, "q4_k_m").of("embedding") == Q6
    assert gguf_mix(tied, "iq2_xxs").of("embedding") == Q5
    assert gguf_mix(model(), "iq2_xxs").of("embedding") == 2.625
    assert with_head(as_gguf(tied, "q4_0"), "q8_0").quantization.of("embedding") == Q8
    changed = with_head(as_gguf(model(), "q4_0"), "q8_0").quantization
    assert (changed.of("head"), changed.of("embedding")) == (Q8, Q4)


@pytest.mark.parametrize(
    ("format", "width", "ffn"),
    [("q6_k", 2880, Q8), ("q4_k_s", 2880, 5.5 + (6 - 5.5) / 24), ("q2_k", 2880, Q4), ("iq4_xs", 2880, 4.5 + 1.5 / 24)],
)
def test_rows_that_are_no_whole_blocks_fall_back(format: str, width: int, ffn: float) -> None:
    """Rows of 2880 are 11.25 blocks of 256: q4_k to q5_0, q5_k (an eighth of down) to q5_1, q2_k and q3_k to q4_0."""
    of = gguf_mix(
        model(hidden_size=width, intermediate_size=width, num_attention_heads=45, num_key_value_heads=45), format
    ).of
    assert of("ffn") == pytest.approx(ffn)
    assert of("head") == Q8


def test_rows_of_no_block_at_all_stay_in_16_bits() -> None:
    odd = model(intermediate_size=14336 + 8)
    assert gguf_mix(odd, "q8_0").of("ffn") == pytest.approx((2 * Q8 + 16) / 3)
    assert gguf_mix(odd, "q4_k_s").of("ffn") == pytest.approx((2 * Q4 + 16) / 3)


def test_values_of_a_70b_have_five_bits_at_least() -> None:
    big = model(hidden_size=8192, num_hidden_layers=80, num_attention_heads=64)
    queries, values = 8192 * 8192, 1024 * 8192
    assert gguf_mix(big, "q3_k_s").of("attention") == pytest.approx(
        (2 * queries * Q3 + values * (Q3 + Q5)) / (2 * queries + 2 * values)
    )
    alike = model(hidden_size=8192, num_hidden_layers=80, num_attention_heads=64, num_key_value_heads=64)
    assert gguf_mix(alike, "q3_k_s").of("attention") == Q3


MIXTRAL = {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2}


@pytest.mark.parametrize(
    ("format", "base", "output", "values"),
    [("q4_k_s", Q4, Q5, Q8), ("q6_k", Q6, Q6, Q8), ("q3_k_l", Q3, Q3, Q8), ("iq2_xxs", 2.0625, Q5, Q4)],
)
def test_eight_experts(format: str, base: float, output: float, values: float) -> None:
    of = gguf_mix(model(**MIXTRAL), format).of
    queries, keys = 4096 * 4096, 1024 * 4096
    assert of("attention") == pytest.approx((queries * (base + output) + 2 * keys * values) / (2 * queries + 2 * keys))
    assert of("router") == 32


def test_mxfp4_is_of_experts() -> None:
    of = gguf_mix(model(**MIXTRAL), "mxfp4").of
    assert (of("experts"), of("attention"), of("head"), of("embedding")) == (4.25, Q8, Q8, Q8)
    assert gguf_mix(model(), "mxfp4").of("ffn") == Q8


def test_falcon_of_2023_has_columns_of_its_own() -> None:
    """60 layers: queries, keys and values are one tensor, q6_k in half of the layers; a down column of three types."""
    falcon = find_model("falcon-40b").model
    of = gguf_mix(falcon, "q4_k_m").of
    more = {*range(7), *range(9, 52, 3), *range(52, 60)}
    down = sum(Q6 if i < 3 else Q5 if i in more else Q4 for i in range(60)) / 60
    assert of("ffn") == pytest.approx((Q4 + down) / 2)
    assert of("embedding") == Q8
    attention = sum(9216 * (Q6 if i in more else Q4) + 8192 * Q4 for i in range(60)) / 60 / (9216 + 8192)
    assert of("attention") == pytest.approx(attention)


def test_latents_and_the_leading_dense_layers() -> None:
    """DeepSeek-V2-Lite: keys of 128 from latents fall back to q5_0; its one dense layer is the first, all in q6_k."""
    lite = find_model("deepseek-v2-lite").model
    of = gguf_mix(lite, "q4_k_m").of
    heads, d, rank = 16, 2048, 512
    sizes = {
        "q": d * heads * 192,
        "kv_a": d * (rank + 64),
        "k_b": rank * heads * 128,
        "v_b": rank * heads * 128,
        "o": d * d,
    }
    stored = sum(size * (5.5 if name == "k_b" else Q4) for name, size in sizes.items())
    assert of("attention") == pytest.approx(stored / sum(sizes.values()))
    assert of("ffn") == pytest.approx((2 * Q4 + Q8) / 3)  # rows of 10944: q6_k falls back, q4_k in gate and up does not


def test_a_vision_tower_is_a_file_of_its_own() -> None:
    gemma = find_model("gemma-3-27b").model
    assert gemma.vision_params
    assert counting.weight_bytes(as_gguf(gemma, "q8_0")) == sum(
        counting.weight_bytes_by_part(as_gguf(gemma, "q8_0")).values()
    )


def test_types_fall_back_to_types() -> None:
    assert all(not kind.fallback or TYPES[kind.fallback].block == 32 for kind in TYPES.values())


# Rows of measurements


@pytest.mark.parametrize(
    ("row", "gib"),
    [
        ({"model": "gemma-3-4b", "weight_dtype": "q4_0", "head_dtype": "q8_0"}, 2.35),
        ({"model": "gpt-oss-20b", "weight_dtype": "mxfp4"}, 11.27),
        ({"model": "gpt-oss-20b"}, 11.27),
        ({"model": "qwen3-coder-30b-a3b", "weight_dtype": "Q8_0"}, 30.25),
        ({"model": "llama-3.1-8b", "weight_dtype": "fp16"}, 14.96),
        ({"model": "llama-3.1-8b", "weight_dtype": "bf16"}, 14.96),
    ],
)
def test_runs_of_llama_cpp_hold_a_published_file(row: dict[str, str], gib: float) -> None:
    stored = stored_as(find_model(row["model"]).model, measured("llama.cpp b7941", **row))
    assert counting.weight_bytes(stored) == pytest.approx(gib * 2**30, rel=2e-3)


@pytest.mark.parametrize(
    ("format", "bits"),
    [("mxfp4", 4.25), ("int4", 4 + 20 / 128), ("awq-int4", 4 + 20 / 128), ("nvfp4", 4.5), ("fp8", 8)],
)
def test_runs_of_other_engines_are_as_they_were(format: str, bits: float) -> None:
    of = stored_as(find_model("llama-3.1-8b").model, measured("vllm 0.19", weight_dtype=format)).quantization.of
    assert (of("ffn"), of("attention"), of("head"), of("norms")) == (bits, bits, 16, 16)


def test_a_head_of_no_type_is_refused() -> None:
    with pytest.raises(BadValue, match="head_dtype q9_0 is no type of tensor"):
        stored_as(find_model("gemma-3-4b").model, measured("llama.cpp", weight_dtype="q4_0", head_dtype="q9_0"))


def measured(framework: str, **row: str) -> Measured:
    """A run of one user."""
    model = row.pop("model", "llama-3.1-8b")
    return Measured("a", "lab", framework, model, "rtx-4090", "itl", 0.01, batch=1, **row)  # type: ignore[arg-type]


# What the commands say


def said(report: Any, code: str) -> str:
    return next((note.text for note in report.notes if note.code == code), "")


def taken(report: Any, key: str) -> Any:
    return next(item.value for item in report.inputs if item.key == key)


def test_a_format_of_files_chooses_the_engine() -> None:
    report = infercost.fit(gpu="h100", model="llama-3.1-8b", dtype="q4_k_m")
    assert taken(report, "efficiency") == "llama.cpp"
    assert said(report, "efficiency") == "q4_k_m is a format of GGUF files: llama.cpp, which reads them, is assumed"
    assert report["weight_bytes"] == pytest.approx(8030261248 * 4.8944 / 8, rel=1e-5)


@pytest.mark.parametrize("dtype", ["f16", "bf16", "mxfp4"])
def test_formats_of_all_engines_choose_none(dtype: str) -> None:
    assert taken(infercost.fit(gpu="h100", model="llama-3.1-8b", dtype=dtype), "efficiency") == "vllm"


@pytest.mark.parametrize("engine", ["vllm", "sglang", "tensorrt-llm", "realistic", "lmdeploy"])
def test_other_engines_read_no_such_files(engine: str, run: Run) -> None:
    asked = ("fit", "--gpu", "h100", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--efficiency", engine)
    result = run(*asked)
    assert result.code == 2
    assert "llama.cpp" in result.err
    assert "q4_k_m" in result.err


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        ("int4", "q4_k_m"),
        ("awq", "q4_k_m"),
        ("gptq", "q4_k_m"),
        ("4bit", "q4_k_m"),
        ("fp8", "q8_0"),
        ("int8", "q8_0"),
        ("8bit", "q8_0"),
    ],
)
def test_formats_of_other_engines_stand_for_those_of_files(dtype: str, stored: str) -> None:
    asked: dict[str, Any] = {"gpu": "h100", "model": "llama-3.1-8b", "efficiency": "llama.cpp"}
    report = infercost.fit(dtype=dtype, **asked)
    assert f"{stored} stands for it" in said(report, "stand-in")
    assert report["weight_bytes"] == infercost.fit(dtype=stored, **asked)["weight_bytes"]


def test_a_checkpoint_of_experts_in_mxfp4_is_the_published_file() -> None:
    """gpt-oss-20b of ggml-org: 11.27 GiB, experts as in the checkpoint and the rest in q8_0."""
    report = infercost.fit(gpu="apple-m3-max", model="gpt-oss-20b", efficiency="llama.cpp-metal")
    assert report["weight_bytes"] == pytest.approx(11.27 * 2**30, rel=1e-3)


def test_mxfp4_of_a_dense_model_is_said() -> None:
    report = infercost.fit(gpu="h100", model="llama-3.1-8b", dtype="mxfp4", efficiency="llama.cpp")
    assert said(report, "stand-in") == "llama.cpp has mxfp4 for experts alone: a model without any is in q8_0"
    assert report["weight_bytes"] == pytest.approx(8030261248 * 8.5008 / 8, rel=1e-5)


def test_a_file_may_be_asked_about_under_any_engine(tmp_path: Path) -> None:
    """Some engines read such files too; none is refused that nobody asked to quantize."""
    path = write(tmp_path / "tiny.gguf")
    assert infercost.fit(gpu="h100", model=path, context=64, efficiency="vllm")["fits"]


def test_a_bare_count_has_no_tensors() -> None:
    report = infercost.fit(gpu="h100", params="70B", dtype="q4_k_m")
    assert report["weight_bytes"] == 70e9 * 4.5 / 8
    assert "4.5 bits of q4_k" in said(report, "dtype")


def test_a_file_keeps_its_own_tensors(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf")
    asked: dict[str, Any] = {"gpu": "h100", "model": path, "context": 64}
    report = infercost.fit(dtype="q4_k_m", **asked)
    assert report["weight_bytes"] == infercost.fit(**asked)["weight_bytes"]
    assert "types of the file" in said(report, "dtype")


def test_a_step_reads_the_head_at_its_own_width() -> None:
    """At the bound a step reads all but the untied table: by hand from the parts of Llama 3.1 8B in q4_k_m."""
    report = infercost.utilization(gpu="h100", model="llama-3.1-8b", dtype="q4_k_m", efficiency="ideal", context=1)
    layers = 32 * (4096 * 4096 * 2 * Q4 + 1024 * 4096 * (Q4 + (Q4 + Q6) / 2) + 4096 * 14336 * (2 * Q4 + (Q4 + Q6) / 2))
    read = (layers + 128256 * 4096 * Q6 + 65 * 4096 * 32) / 8
    assert report["memory_time_s"] == pytest.approx((read + 131072) / 3.35e12, rel=1e-6)


def test_completion_knows_the_formats() -> None:
    from infercost.cli.options import COMPLETERS

    assert "q4_k_m" in COMPLETERS["dtype"]("q4")
    assert {"fp16", "fp8", "f16"} <= set(COMPLETERS["dtype"]("f"))
    assert COMPLETERS["kv_dtype"]("q") == ["q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]


def test_json_names_the_format(run: Run) -> None:
    result = run("utilization", "--gpu", "m3-max", "--model", "llama-3.1-8b", "--dtype", "Q4-K-M", "--json")
    assert result.json["inputs"]["dtype"] == "q4_k_m"


@pytest.mark.parametrize(
    ("label", "format"), [("q4_k_m", "q4_k_m"), ("q8_0", "q4_0"), ("fp16", "q4_0"), ("", "q4_0"), ("ud", "q4_0")]
)
def test_a_file_is_as_large_as_it_is(label: str, format: str) -> None:
    """4.6 bits a weight in the mean, in the format of the label or, where that is another size, in the nearest."""
    model = as_file_of(find_model("llama-3.1-8b").model, 4.6, label)
    assert counting.weight_bytes(model) == pytest.approx(4.6 / 8 * 8_030_261_248)
    assert model.quantization.name == format
    assert model.quantization.of("norms") == 32
