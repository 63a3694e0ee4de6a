"""Repositories of files in formats of llama.cpp or MLX: the model that they are of, in the format that is named."""

import pytest

import infercost
from infercost.errors import BadFile, UnknownName
from infercost.models import counting, find
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
        ("google/gemma-3-27b-it-qat-q4_0-gguf", "gemma-3-27b", "q4_0", 18 * 8 / 32),
        ("Llama-3.3-70B-Instruct-Q6_K.gguf", "llama-3.3-70b", "q6_k", 210 * 8 / 256),
        ("Qwen3-30B-A3B-Q8_0-00001-of-00003.gguf", "qwen3-30b-a3b", "q8_0", 34 * 8 / 32),
        ("Qwen_Qwen3-8B-Q8_0.gguf", "qwen3-8b", "q8_0", 34 * 8 / 32),
        ("Llama-3.3-70B-Instruct.i1-Q6_K.gguf", "llama-3.3-70b", "q6_k", 210 * 8 / 256),
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
        ("unsloth/Qwen3.5-27B-GGUF:UD-IQ2_XXS", "--model qwen3.5-27b --dtype iq2_xxs; "),
        ("unsloth/Qwen3.5-27B-GGUF:UD-Q4_K_XL", "q4_k_m is the plain format near it"),
        ("Qwen3.5-27B-UD-Q4_K_XL.gguf", "--model qwen3.5-27b --dtype q4_k_m; "),
        ("unsloth/Qwen3.5-27B-GGUF:Q4_K_Z", "like it are q4_k_s, q4_k_m, "),
        ("models/Qwen3.5-27B-Q4_K_M.gguf", "its name alone, to count by it: --model Qwen3.5-27B-Q4_K_M.gguf"),
        ("Foo-9000B-Q4_K_M.gguf", "give a readable GGUF file"),
        ("qwen3-8b.gguf", "give a readable GGUF file"),
        ("acme/Foo-9000B-GGUF:Q4_K_M", "give a file of it: --model FILE.gguf"),
        ("mlx-community/Foo-9000B-4bit", "its config.json"),
    ],
)
def test_what_no_preset_or_format_is_has_a_hint(text: str, hint: str, run: Run) -> None:
    said = run("fit", "--gpu", "rtx-5090", "--model", text)
    assert (said.code, said.out) == (2, "")
    assert hint in said.err
    assert "docs/" not in said.err  # an installed package has none


def test_a_file_that_is_not_here_is_counted_by_its_name(run: Run) -> None:
    said = run("fit", "--gpu", "dgx-spark", "--model", "Llama-3.3-70B-Instruct-Q4_K_M.gguf", "--json")
    by_name = run("fit", "--gpu", "dgx-spark", "--model", "llama-3.3-70b", "--dtype", "q4_k_m", "--json")
    assert said.code == 0
    assert said.json["results"] == by_name.json["results"]
    here = "no file Llama-3.3-70B-Instruct-Q4_K_M.gguf is here: it is counted by its name"
    assert {"code": "file", "text": here} in said.json["notes"]


@pytest.mark.parametrize(
    ("tag", "total", "hub_id"),
    [  # parameters as the publishers round them; the distills are of Qwen2.5 and Llama 3, the 8B of Qwen3
        ("deepseek-r1:1.5b", 1.78e9, "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"),
        ("deepseek-r1:7b", 7.62e9, "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"),
        ("deepseek-r1:8b", 8.19e9, "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"),
        ("deepseek-r1:latest", 8.19e9, "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"),
        ("deepseek-r1:8b-llama-distill", 8.03e9, "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"),
        ("deepseek-r1:14b", 14.8e9, "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B"),
        ("deepseek-r1:32b", 32.8e9, "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
        ("deepseek-r1:70b", 70.6e9, "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"),
        ("deepseek-r1:671b", 671e9, "deepseek-ai/DeepSeek-R1"),
        ("deepseek-v3.1:671b", 671e9, "deepseek-ai/DeepSeek-V3.1"),
        ("deepseek-coder-v2:16b", 15.7e9, "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct"),
        ("deepseek-coder-v2:236b", 236e9, "deepseek-ai/DeepSeek-Coder-V2-Instruct"),
        ("gpt-oss:latest", 20.9e9, "openai/gpt-oss-20b"),
        ("gpt-oss:120b", 117e9, "openai/gpt-oss-120b"),
        ("qwen3:30b", 30.5e9, "Qwen/Qwen3-30B-A3B"),
        ("qwen3:235b", 235e9, "Qwen/Qwen3-235B-A22B"),
        ("qwen3-coder:30b", 30.5e9, "Qwen/Qwen3-Coder-30B-A3B-Instruct"),
        ("llama4:16x17b", 109e9, "meta-llama/Llama-4-Scout-17B-16E-Instruct"),
        ("llama4:maverick", 400e9, "meta-llama/Llama-4-Maverick-17B-128E-Instruct"),
        ("phi4-mini:3.8b", 3.84e9, "microsoft/Phi-4-mini-instruct"),
        ("phi3:14b", 14e9, "microsoft/Phi-3-medium-4k-instruct"),
        ("glm-4.6:latest", 355e9, "zai-org/GLM-4.6"),
        ("mistral-small3.2:24b", 24e9, "mistralai/Mistral-Small-3.2-24B-Instruct-2506"),
    ],
)
def test_a_tag_of_ollama_is_the_model_that_it_runs(tag: str, total: float, hub_id: str) -> None:
    found = find_model(tag)
    assert (counting.total_params(found.model), found.hub_id) == (pytest.approx(total, rel=0.02), hub_id)


@pytest.mark.parametrize(
    ("tag", "size", "format"),
    [  # bytes of the library's files, where Ollama's API or its list of models gives them: the last two in GB
        ("qwen2.5:7b", 4_683_087_332, "q4_k_m"),  # open-webui/open-webui pull request 12860
        ("qwen2.5:3b", 1_929_912_432, "q4_k_m"),
        ("llama3.3:70b", 42_520_413_916, "q4_k_m"),  # microsoft/foundry-dev-tools issue 159
        ("deepseek-r1:70b", 42_520_397_704, "q4_k_m"),
        ("llama3.2:1b", 1.22 * 2**30, "q8_0"),  # ollama/ollama issue 12887
        ("gemma2:9b", 5.4e9, "q4_0"),
        ("llama3:8b", 4.7e9, "q4_0"),
    ],
)
def test_a_tag_of_ollama_is_the_file_that_it_pulls(tag: str, size: float, format: str) -> None:
    found = infercost.fit(gpu="rtx-5090", model=tag)
    dtype = next(item for item in found.inputs if item.key == "dtype")
    assert (dtype.value, dtype.origin) == (format, "assumed: as Ollama's tag")
    assert found["weight_bytes"] == pytest.approx(size, rel=0.01)


@pytest.mark.parametrize(
    ("tag", "format"),
    [
        ("qwen3-coder:30b", "q4_k_m"),
        ("gemma3:27b", "q4_k_m"),
        ("qwen3.6:35b-a3b", "q4_k_m"),
        ("ollama.com/library/qwen3:8b", "q4_k_m"),
        ("gpt-oss:20b", "mxfp4"),
        ("llama3.1:8b-instruct-q8_0", "q8_0"),
        ("deepseek-r1:14b-qwen-distill-q4_K_M", "q4_k_m"),
        ("gemma3:27b-it-qat", "q4_0"),
        ("qwen3:8b-fp16", "f16"),
    ],
)
@pytest.mark.parametrize("gpu", ["rtx-5090:4", "h100:4", "m4-max", "mi300x"])
def test_a_tag_of_ollama_runs_under_llama_cpp_on_every_part(tag: str, format: str, gpu: str) -> None:
    inputs = {item.key: item.value for item in infercost.fit(gpu=gpu, model=tag).inputs}
    assert inputs["dtype"] == format
    assert str(inputs["efficiency"]).startswith("llama.cpp")


@pytest.mark.parametrize("name", ["qwen3:8b", "qwen3:8b-q4_K_M", "Qwen/Qwen3-8B-GGUF", "Qwen/Qwen3-8B-GGUF:Q4_K_M"])
@pytest.mark.parametrize("dtype", ["q8_0", "bf16", "fp8"])
def test_a_format_that_was_asked_wins_over_a_name(name: str, dtype: str) -> None:
    asked = infercost.fit(gpu="rtx-4090", model=name, dtype=dtype, efficiency="realistic" if dtype == "fp8" else None)
    plain = infercost.fit(
        gpu="rtx-4090", model="qwen3-8b", dtype=dtype, efficiency=asked.to_dict()["inputs"]["efficiency"]
    )
    assert asked["weight_bytes"] == plain["weight_bytes"]
    assert asked.to_dict()["inputs"]["dtype"] == dtype


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("deepseek-r1:9b", "b? "),
        ("ollama.com/library/qwen3", "qwen3-4b, qwen3-8b, "),
        ("devstral:24b", "did you mean devstral-small-2-24b? "),
        ("Qwen3-32B-AWQ", "--model qwen3-32b --dtype awq"),
        ("Llama-3.3-70B-Instruct-NVFP4", "--model llama-3.3-70b --dtype nvfp4"),
    ],
)
def test_a_hint_keeps_the_size_that_was_asked(name: str, hint: str) -> None:
    with pytest.raises(UnknownName) as error:
        find_model(name)
    assert hint in error.value.hint


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, _: str) -> str:
        raise BadFile(f"model {name}: {find._HUB_REASONS['LocalEntryNotFoundError']}", "give its config.json")

    monkeypatch.setattr(find, "_fetch", fetch)


@pytest.mark.usefixtures("no_hub")
@pytest.mark.parametrize(
    ("text", "model", "format", "bits"),
    [
        ("Qwen/Qwen3-32B-AWQ", "qwen3-32b", "awq", 4 + 20 / 128),  # a scale of 16 bits and a zero of 4 for 128 weights
        ("Qwen/Qwen3.6-27B-FP8", "qwen3.5-27b", "fp8", 8),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "qwen3-235b-a22b-2507", "fp8", 8),
        ("nvidia/Llama-3.3-70B-Instruct-FP4", "llama-3.3-70b", "nvfp4", 4 + 8 / 16),  # a scale of 8 bits for 16 weights
    ],
)
def test_a_known_model_in_another_format_needs_no_hub(
    text: str, model: str, format: str, bits: float, run: Run
) -> None:
    found = find_model(text).model
    assert (found.name, found.quantization.name) == (model, format)
    assert min(found.quantization.of(part) for part in ("ffn", "experts")) == pytest.approx(bits, rel=0.02)
    said = run("fit", "--gpu", "h200:8", "--model", text, "--json")
    assert said.json["engine_command"].startswith(f"vllm serve {text} ")


@pytest.mark.usefixtures("no_hub")
@pytest.mark.parametrize("text", ["acme/Foo-9000B-FP8", "acme/Qwen3-FP8"])
def test_an_unknown_model_in_a_format_still_asks_the_hub(text: str) -> None:
    with pytest.raises(BadFile, match="the hub cannot be reached"):
        find_model(text)


@pytest.mark.parametrize(
    ("asked", "called"),
    [
        ("zai-org/GLM-4.6", "glm-4.6 (same shape as glm-4.7)"),
        ("MiniMaxAI/MiniMax-M2", "minimax-m2 (same shape as minimax-m2.5)"),
        ("qwen3.6-27b", "qwen3.6-27b (same shape as qwen3.5-27b)"),
        ("deepseek-r1", "deepseek-r1 (same shape as deepseek-v3)"),
        ("deepseek-v3.1", "deepseek-v3.1 (same shape as deepseek-v3)"),
        ("mistral-small-3.2", "mistral-small-3.2 (same shape as mistral-small-3.1-24b)"),
        ("unsloth/GLM-4.6-GGUF", "glm-4.6 (same shape as glm-4.7)"),
        # another spelling, or another training of the same model, is no stand-in
        ("dsv3", "deepseek-v3"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen3-30b-a3b-2507"),
        ("tiiuae/Falcon3-10B-Instruct", "falcon-3-10b"),
        ("qwen3:30b", "qwen3-30b-a3b"),
    ],
)
def test_a_model_that_stands_in_for_another_is_announced(asked: str, called: str, run: Run) -> None:
    """In verdicts; the shape is the preset's, and so is its name."""
    assert run("presets", "show", asked, "--json").json["verdict"].startswith(f"{called}: ")
    name, _, shape = called.partition(" (")
    for gpu, command in (("h200:16", "fit"), ("h200:16", "utilization"), ("t4:1", "fit")):
        said = run(command, "--gpu", gpu, "--model", asked, "--json").json
        words = said["verdict"].partition(f"{name} (")[2].partition(")")[0]
        format, *size, of = [*words.split(", "), *([] if shape else [""])]
        assert (format, of) == (said["inputs"]["dtype"], shape.removesuffix(")"))
        fits_or_not = command == "fit" or "Does not fit" in said["verdict"]
        assert size == ([f"{said['results']['weight_bytes'] / 1e9:.4g} GB"] if fits_or_not else [])
        assert said["inputs"]["model"] == asked
