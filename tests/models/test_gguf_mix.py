"""GGUF formats: sizes of published files, and the bits that llama.cpp publishes."""

import csv

import pytest

import infercost
from infercost.models import counting
from infercost.models.find import find_model
from infercost.models.gguf_mix import MIXES, TYPES, in_gguf
from infercost.parts import catalog
from infercost.parts.formats import GGUF
from tests.conftest import ROOT

FILES = list(csv.DictReader((ROOT / "tests/data/gguf_sizes.csv").read_text().splitlines()))
UNITS = {"GiB": 2**30, "GB": 1e9}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file['model']} {file['format']}")
def test_the_size_of_a_published_file(file: dict[str, str]) -> None:
    """Within the rounding of the figure and the tokenizer, which is not counted."""
    model = in_gguf(find_model(file["model"]).model, file["format"], file["head"])
    size = float(file["published_size"]) * UNITS[file["unit"]]
    assert counting.weight_bytes(model) == pytest.approx(size, rel=2e-3)


@pytest.mark.parametrize(("name", "bits"), [("iq2_xxs", 2.3824), ("q5_k_s", 5.5704), ("q8_0", 8.5008)])
def test_bits_of_llama_3_1_8b(name: str, bits: float) -> None:
    """ggml-org/llama.cpp at 007dbbf3, tools/quantize/README.md."""
    model = in_gguf(find_model("llama-3.1-8b").model, name)
    assert counting.weight_bytes(model) * 8 / counting.total_params(model) == pytest.approx(bits, abs=1e-4)


@pytest.mark.parametrize("name", catalog.names("models"))
def test_every_model_in_every_format(name: str) -> None:
    model = find_model(name).model
    for format in MIXES:
        bits = in_gguf(model, format).quantization.bits
        assert all(TYPES["iq2_xxs"][0] <= each <= TYPES["f32"][0] for each in bits.values())
    sizes = [counting.weight_bytes(in_gguf(model, format)) for format in ("q4_k_m", "q5_k_m", "q6_k", "q8_0", "f16")]
    assert sizes == sorted(sizes)


def test_the_names_of_formats_are_those_of_mixes() -> None:
    assert {*GGUF} == {*MIXES} - {"f16", "bf16", "mxfp4"}
    assert all(bits == TYPES[MIXES[name].base][0] for name, bits in GGUF.items())


def test_a_gguf_format_chooses_llama_cpp() -> None:
    report = infercost.fit(gpu="rtx-4090", model="llama-3.1-8b", dtype="Q4_K_M")
    inputs = {item.key: item.value for item in report.inputs}
    assert inputs["efficiency"] == "llama.cpp"
    assert report.values["weight_bytes"] == pytest.approx(4.894 / 8 * 8.03e9, rel=1e-3)
