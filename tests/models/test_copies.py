"""Repositories of files in formats of llama.cpp or MLX: the model that they are of, in the format that is named."""

import pytest

import infercost
from infercost.models import counting
from infercost.models.find import find_model
from tests.conftest import Run


@pytest.mark.parametrize(
    ("text", "model", "format", "bits"),
    [  # of 256 weights q4_k takes 144 B, q5_k 176, q6_k 210; of three matrices one is half in q6_k in the medium mixes
        ("unsloth/Qwen3.5-27B-GGUF:Q5_K_M", "qwen3.5-27b", "q5_k_m", (2 * 5.5 + (5.5 + 6.5625) / 2) / 3),
        ("hf.co/unsloth/Qwen3.5-27B-GGUF:q5_k_m", "qwen3.5-27b", "q5_k_m", (2 * 5.5 + (5.5 + 6.5625) / 2) / 3),
        ("unsloth/Qwen3.5-27B-GGUF", "qwen3.5-27b", "q4_k_m", (2 * 4.5 + (4.5 + 6.5625) / 2) / 3),
        ("hf.co/bartowski/Qwen_Qwen3-32B-GGUF", "qwen3-32b", "q4_k_m", (2 * 4.5 + (4.5 + 6.5625) / 2) / 3),
        ("https://huggingface.co/bartowski/Qwen_Qwen3-32B-GGUF:Q6_K", "qwen3-32b", "q6_k", 210 * 8 / 256),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q8_0", "llama-3.1-8b", "q8_0", 34 * 8 / 32),
        ("hf.co/Qwen/Qwen3-32B", "qwen3-32b", "bf16", 16),
        ("mlx-community/Qwen3-32B-4bit", "qwen3-32b", "mlx-4bit", 4 + 32 / 64),
        ("lmstudio-community/Qwen3-32B-MLX-8bit", "qwen3-32b", "mlx-8bit", 8 + 32 / 64),
        ("ggml-org/gpt-oss-20b-GGUF", "gpt-oss-20b", "mxfp4", 4.25),
        ("unsloth/gpt-oss-20b-GGUF:F16", "gpt-oss-20b", "mxfp4", 4.25),
    ],
)
def test_a_repository_of_files_is_its_model_in_their_format(text: str, model: str, format: str, bits: float) -> None:
    found = find_model(text).model
    assert (found.name, found.quantization.name) == (model, format)
    assert min(found.quantization.of(part) for part in ("ffn", "experts")) == pytest.approx(bits, rel=0.005)
    assert counting.total_params(found) == counting.total_params(find_model(model).model)


def test_it_is_what_the_format_asked_apart_is() -> None:
    one = infercost.fit(gpu="rtx-5090", model="unsloth/Qwen3.5-27B-GGUF:Q5_K_M")
    other = infercost.fit(gpu="rtx-5090", model="qwen3.5-27b", dtype="q5_k_m")
    assert (one.verdict, one.values) == (other.verdict, other.values)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("unsloth/Qwen3.5-27B-GGUF:UD-IQ2_XXS", "did you mean iq2_xxs? "),
        ("unsloth/Qwen3.5-27B-GGUF:UD-Q4_K_XL", "--model qwen3.5-27b --dtype"),
        ("acme/Foo-9000B-GGUF:Q4_K_M", "give a file of it: --model FILE.gguf"),
        ("mlx-community/Foo-9000B-4bit", "its config.json"),
    ],
)
def test_what_no_preset_or_format_is_has_a_hint(text: str, hint: str, run: Run) -> None:
    said = run("fit", "--gpu", "rtx-5090", "--model", text)
    assert (said.code, said.out) == (2, "")
    assert hint in said.err
