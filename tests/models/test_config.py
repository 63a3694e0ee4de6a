"""A config that says too little, or nothing we know, is refused by name; its oddities are survived."""

import json
from pathlib import Path
from typing import Any

import pytest

from infercost.errors import BadFile, InfercostError, Missing
from infercost.models import counting
from infercost.models.families.config import parse_json
from infercost.models.families.table import read_model
from infercost.models.find import find_model

LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
}


def read(**changes: Any) -> Any:
    data = {key: value for key, value in {**LLAMA, **changes}.items() if value is not ...}
    return read_model(data, "test", "model test")


def test_the_smallest_config() -> None:
    assert counting.total_params(read()) == 8_030_261_248


@pytest.mark.parametrize(
    "key", ["hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "vocab_size"]
)
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(Missing) as error:
        read(**{key: ...})
    assert key in error.value.what


def test_missing_kv_heads_are_all_heads_or_the_class_default() -> None:
    assert read(num_key_value_heads=...).layers[0].attention.kv_heads == 32
    assert read(model_type="mistral", num_key_value_heads=...).layers[0].attention.kv_heads == 8


def test_an_unknown_family_is_refused_with_the_nearest() -> None:
    with pytest.raises(Missing, match="'llamma' is not known") as error:
        read(model_type="llamma")
    assert "did you mean llama" in error.value.hint


def test_a_config_without_a_model_type_is_refused() -> None:
    with pytest.raises(Missing, match="model test: has no model_type"):
        read(model_type=...)


def test_keys_of_windows_do_not_matter_where_windows_are_off() -> None:
    assert read(model_type="qwen2", max_window_layers=None, use_sliding_window=False).layers[0].attention.window == 0
    with pytest.raises(Missing, match="max_window_layers"):
        read(model_type="qwen2", max_window_layers=None, use_sliding_window=True)


@pytest.mark.parametrize("value", ["many", -1, 1.5, True, [32]])
def test_a_value_that_cannot_be_is_refused(value: Any) -> None:
    with pytest.raises(BadFile, match="num_hidden_layers"):
        read(num_hidden_layers=value)


@pytest.mark.parametrize(
    "change",
    [
        {"num_hidden_layers": 2_000_000_000},
        {"num_hidden_layers": 0},
        {"hidden_size": 10**30},
        {"layer_types": ["full_attention", 7]},
        {"layer_types": 5},
        {"text_config": [1]},
        {"rope_scaling": "linear", "num_attention_heads": {}},
        {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": [1]}},
        {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {}}},
        {"quantization_config": {"quant_method": "gptq", "bits": "four"}},
        {"quantization_config": [8]},
    ],
    ids=str,
)
def test_a_hostile_config_is_refused_at_once_or_read(change: dict[str, Any]) -> None:
    """Never a traceback, never an hour: a refusal that names the file, or a model whose layers are all there."""
    try:
        model = read(**change)
    except InfercostError as error:
        assert "test" in error.what  # noqa: PT017
    else:
        assert counting.total_params(model) == 8_030_261_248


def test_the_minimal_gemma_stands_on_its_class_defaults() -> None:
    """The published file of gemma-3-4b gives hidden size, width and layers only."""
    config = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34, "model_type": "gemma3_text"}
    model = read_model({"model_type": "gemma3", "text_config": {**config, "sliding_window": 1024}}, "g", "model g")
    assert counting.total_params(model) == 3_880_263_168
    assert model.max_context == 131072


def test_head_width_is_not_hidden_over_heads_where_the_config_says_otherwise() -> None:
    assert read(head_dim=256).layers[0].attention.head_dim == 256


def test_infinity_is_survived() -> None:
    assert parse_json('{"time_step_limit": [0.0, Infinity], "x": NaN}', "test")["time_step_limit"][0] == 0


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"a": ' * 100_000, "[" * 100_000])
def test_what_is_no_config_is_refused(text: str) -> None:
    with pytest.raises(BadFile):
        parse_json(text, "test")


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"a": "' + "x" * 11_000_000 + '"}')
    with pytest.raises(BadFile, match="larger than"):
        find_model(str(path))


def checkpoint(folder: Path, **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**LLAMA, **more}))
    return folder


@pytest.mark.parametrize(
    ("folder", "more", "name"),
    [
        ("q60", {}, "q60"),
        ("Llama-3.1-8B", {}, "Llama-3.1-8B"),
        ("q60", {"_name_or_path": "meta-llama/Llama-3.1-8B"}, "Llama-3.1-8B"),
        ("Llama-3.1-8B", {"_name_or_path": "/data/ckpt/my-tune/"}, "my-tune"),
        ("q60", {"_name_or_path": ""}, "q60"),
        ("q60", {"_name_or_path": "../\u001b[31mred"}, "q60"),
        ("q60", {"_name_or_path": ["a"]}, "q60"),
        ("Downloads", {}, "config.json"),
        ("0" * 40, {}, "config.json"),
    ],
)
def test_a_config_is_called_as_it_says(tmp_path: Path, folder: str, more: dict[str, Any], name: str) -> None:
    """Else after its folder, unless that is one where people put whatever they load."""
    assert find_model(str(checkpoint(tmp_path / folder, **more) / "config.json")).model.name == name


@pytest.mark.parametrize(("folder", "name"), [("w", "config.json"), ("Llama-3.1-8B-tuned", "Llama-3.1-8B-tuned")])
def test_a_config_of_here_is_not_called_after_a_folder_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str
) -> None:
    monkeypatch.chdir(checkpoint(tmp_path / folder))
    assert find_model("./config.json").model.name == name
    assert find_model(str(tmp_path / folder / "config.json")).model.name == folder


def test_a_file_a_folder_and_an_index(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "my-llama")
    assert find_model(str(folder / "config.json")).model.name == "my-llama"
    assert find_model(str(folder)).model.name == "my-llama"
    assert find_model(str(folder)).stored_bytes is None
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 16060522496}, "weight_map": {}}))
    assert find_model(str(index)).stored_bytes == 16060522496
    assert find_model(str(folder)).stored_bytes == 16060522496


def test_shards_are_measured_by_their_headers(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    header = json.dumps({"__metadata__": {}, "a": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    (folder / "model-1.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert find_model(str(folder)).stored_bytes == 6
    (folder / "model-1.safetensors").write_bytes(b"\x03\0\0\0\0\0\0\0abc")
    with pytest.raises(BadFile, match="no safetensors"):
        find_model(str(folder))


def test_a_sidecar_is_read(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    (folder / "hf_quant_config.json").write_text(
        json.dumps(
            {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}}
        )
    )
    model = find_model(str(folder)).model
    assert (model.kv_bits, model.quantization.of("attention"), model.quantization.of("head")) == (8, 8, 16)


@pytest.mark.parametrize(
    ("settings", "attention", "experts", "head"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 16384, 8 + 32 / 16384, 16),
        ({"quant_method": "mxfp4"}, 16, 4.25, 16),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head", "*self_attn*"]}, 16, 4.5, 16),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["*mlp.gate"]}, 4.5, 4.5, 4.5),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, 4 + 20 / 128, 4 + 20 / 128, 16),
        ({"quant_method": "awq", "bits": 4, "group_size": 64}, 4 + 20 / 64, 4 + 20 / 64, 16),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, 4.5, 4.5, 16),
        ({"group_size": 64, "bits": 4}, 4.5, 4.5, 4.5),
        ({"quant_method": "exl2", "bits": 6.0, "head_bits": 6}, 6, 6, 6),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 32}}},
                "ignore": ["re:.*self_attn.*", "lm_head"],
            },
            16,
            4.5,
            16,
        ),
    ],
)
def test_effective_bits_with_their_scales(
    settings: dict[str, Any], attention: float, experts: float, head: float
) -> None:
    """A 32-bit scale a block of 128x128, an 8-bit one per 32 or 16 values, a 16-bit scale and a zero a group."""
    quantization = read(quantization_config=settings).quantization
    assert quantization.of("attention") == pytest.approx(attention)
    assert quantization.of("experts") == pytest.approx(experts)
    assert quantization.of("head") == pytest.approx(head)


def test_an_unknown_quantization_is_refused() -> None:
    with pytest.raises(Missing, match="'quip' is not known"):
        read(quantization_config={"quant_method": "quip"})


def test_weights_alone_are_not_guessed_from(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"config\.json"):
        find_model(str(tmp_path))
    with pytest.raises(BadFile):
        find_model("model.gguf")


def test_all_that_nearly_every_config_has_is_missed_at_once() -> None:
    with pytest.raises(Missing) as error:
        read_model({"model_type": "llama", "num_attention_heads": 32}, "mine", "config.json")
    assert "has no num_hidden_layers" in error.value.what
    assert error.value.hint.endswith("add the key, and likely hidden_size, intermediate_size, vocab_size")
