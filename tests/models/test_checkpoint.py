"""A checkpoint's folder: its index, the headers of its files, and what stands there instead."""

import json
import os
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from infercost.errors import BadFile
from infercost.models.find import find_model
from tests.conftest import Run
from tests.models.test_config import checkpoint

INDEX = "model.safetensors.index.json"
#: 8,030,261,248 parameters of two bytes.
WHOLE = 16_060_522_496


def safetensors(path: Path, *sizes: int) -> Path:
    """A file that has a header only, of tensors of so many bytes."""
    ends = accumulate(sizes)
    tensors = {
        f"t{i}": {"data_offsets": [end - size, end]} for i, (end, size) in enumerate(zip(ends, sizes, strict=True))
    }
    return raw(path, {"__metadata__": {"format": "pt"}, **tensors})


def raw(path: Path, header: Any) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    return path


@pytest.mark.parametrize("index", [{"metadata": None}, {"weight_map": {}}, {"metadata": {}}], ids=str)
def test_an_index_without_a_sum_leaves_it_to_the_headers(index: dict[str, Any], tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    (folder / INDEX).write_text(json.dumps(index))
    assert find_model(str(folder)).stored_bytes is None
    safetensors(folder / "model-00001-of-00002.safetensors", 6, 10)
    safetensors(folder / "model-00002-of-00002.safetensors", 4)
    assert find_model(str(folder)).stored_bytes == 20
    assert find_model(str(folder / "model-00001-of-00002.safetensors")).stored_bytes == 20


@pytest.mark.parametrize("total", ["abc", -1, 0, True, [5]])
def test_a_sum_that_cannot_be_is_refused(total: Any, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": total}}))
    with pytest.raises(BadFile, match="total_size"):
        find_model(str(folder))


@pytest.mark.parametrize("text", ["[]", "{", '{"metadata": [1]}'])
def test_an_index_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    (folder / INDEX).write_text(text)
    with pytest.raises(BadFile, match=INDEX):
        find_model(str(folder))


@pytest.mark.parametrize(
    "header", [[1], {"a": []}, {"a": {}}, {"a": {"data_offsets": [4, 2]}}, {"a": {"data_offsets": ["x", 2]}}], ids=str
)
def test_a_header_that_is_none_is_refused(header: Any, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    raw(folder / "model.safetensors", header)
    with pytest.raises(BadFile, match="no safetensors file"):
        find_model(str(folder))


def test_a_single_file_of_weights_stands_for_its_folder(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    entry = find_model(str(safetensors(folder / "model.safetensors", 6)))
    assert (entry.model.name, entry.stored_bytes) == ("m", 6)
    with pytest.raises(BadFile, match="no such file"):
        find_model(str(folder / "other.safetensors"))


def test_weights_without_a_config_say_what_to_put_there(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "model.safetensors", 6)
    for place in (path, tmp_path):
        with pytest.raises(BadFile, match=r"holds no config\.json") as error:
            find_model(str(place))
        assert "put the checkpoint's config.json there" in error.value.hint


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "m.yaml", "m.gguf"])
def test_a_pipe_is_refused_at_once(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(BadFile, match="neither a regular file nor a folder"):
        find_model(str(tmp_path / name))


def test_pipes_in_a_folder_are_passed_by(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    for name in ("hf_quant_config.json", INDEX, "model.safetensors"):
        os.mkfifo(folder / name)
    assert find_model(str(folder)).stored_bytes is None


def test_a_config_that_is_too_large_is_told_what_it_should_be(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"a": "' + "x" * 11_000_000 + '"}')
    with pytest.raises(BadFile, match="larger than 10 MB") as error:
        find_model(str(path))
    assert error.value.hint == "give a config.json"


def test_the_index_of_a_thousand_experts_is_read(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    names = {f"model.layers.{i}.mlp.experts.0.down_proj.weight": "model-00001-of-00001" for i in range(160_000)}
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": WHOLE}, "weight_map": names}))
    assert (folder / INDEX).stat().st_size > 10_000_000
    assert find_model(str(folder)).stored_bytes == WHOLE


def remark(run: Run, folder: Path) -> str:
    """What the answer says of the checkpoint's size."""
    notes = run("fit", "--model", str(folder), "--gpu", "h100", "--json").json["notes"]
    return next(str(note["text"]) for note in notes if note["code"] == "checkpoint")


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (WHOLE, "the checkpoint's tensors hold 16.06 GB"),
        (WHOLE * 1.009, "hold 16.21 GB"),
        (WHOLE * 1.25, "25.0% more than the weights counted here: likely padding"),
        (WHOLE * 0.8, "20.0% less than the weights counted here: likely a file is missing"),
    ],
)
def test_a_checkpoint_of_another_size_is_remarked(stored: float, words: str, run: Run, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": int(stored)}}))
    text = remark(run, folder)
    assert words in text
    assert ("counted" in text) == (abs(stored / WHOLE - 1) > 0.01)


def test_quantized_tensors_without_their_formats_are_not_counted_in_16_bits(run: Run, tmp_path: Path) -> None:
    """ModelOpt keeps the formats beside the config: half the bytes, or a name, say that they are missing."""
    small, named = checkpoint(tmp_path / "m"), checkpoint(tmp_path / "Llama-3.1-8B-Instruct-NVFP4")
    (small / INDEX).write_text(json.dumps({"metadata": {"total_size": int(WHOLE / 2)}}))
    for folder, words in ((small, "its tensors hold 50% of what bf16 takes"), (named, "its name says NVFP4")):
        said = run("fit", "--model", str(folder), "--gpu", "h100")
        assert (said.code, words in said.err, "hf_quant_config.json" in said.err) == (2, True, True)
        assert run("fit", "--model", str(folder), "--gpu", "h100", "--dtype", "fp8").code == 0
        (folder / "hf_quant_config.json").write_text(json.dumps({"quantization": {"quant_algo": "FP8"}}))
        assert run("fit", "--model", str(folder), "--gpu", "h100", "--json").json["results"]["weight_bytes"] < WHOLE


def test_a_model_shown_and_fitted_has_the_same_weights_and_remarks(run: Run, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "m")
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1.2 * WHOLE}}))
    for name in ("gemma-3-27b", str(folder)):
        shown = run("presets", "show", name, "--json").json
        fitted = run("fit", "--model", name, "--gpu", "h100", "--json").json
        assert shown["results"]["weight_bytes"] == fitted["results"]["weight_bytes"]
        remarks = [[note for note in each["notes"] if note["code"] == "checkpoint"] for each in (shown, fitted)]
        assert remarks[0] == remarks[1]
        assert bool(remarks[0]) == (name == str(folder))


def test_prediction_layers_explain_what_is_more(run: Run, tmp_path: Path) -> None:
    """One layer like the last, a joining matrix of 2 x 4096 x 4096 and three norms, in two bytes each."""
    folder = checkpoint(tmp_path / "m", num_nextn_predict_layers=1)
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + 2 * 4096
    extra = 2 * (layer + 2 * 4096 * 4096 + 3 * 4096)
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": WHOLE + extra}}))
    assert "likely its prediction layers" in remark(run, folder)
