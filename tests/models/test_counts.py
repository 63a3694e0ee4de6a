"""Every model of the published configs, to the last parameter and the last byte of cache."""

import csv
from typing import Any

import pytest

from infercost.models import counting
from infercost.models.families.table import read_model
from infercost.models.find import find_model, read_preset, typed
from infercost.models.model import Model
from infercost.parts import catalog
from infercost.parts.files import read_mapping
from tests.conftest import ROOT

#: Parameter counts equal those of transformers 5.23 built from the same configs (router biases included), cache and
#: arithmetic are sums of published dimensions; see facts of each preset for where its config was read.
COUNTS = list(csv.DictReader((ROOT / "tests/data/model_counts.csv").read_text().splitlines()))
#: Its config lists a prediction layer of attention and experts that the table leaves out.
WITH_PREDICTION = {"nemotron-3-ultra-550b-a55b"}


def preset(name: str) -> Model:
    return find_model(name).model


@pytest.mark.parametrize("row", COUNTS, ids=lambda row: row["name"])
def test_parameters_to_the_last_one(row: dict[str, str]) -> None:
    model = preset(row["name"])
    assert counting.total_params(model) == int(row["total_params"])
    assert model.vision_params == int(row["vision_params"])
    if row["name"] not in WITH_PREDICTION:
        assert model.mtp_params == int(row["mtp_params"])


@pytest.mark.parametrize("row", [row for row in COUNTS if row["cache_growth_bytes"]], ids=lambda row: row["name"])
def test_cache_and_arithmetic(row: dict[str, str]) -> None:
    model = preset(row["name"])._replace(kv_bits=16)
    assert counting.growing_cache_bytes(model) == int(row["cache_growth_bytes"])
    windows = {layer.attention.window for layer in model.layers if layer.attention.window}
    capped = sum(layer.times * layer.attention.cache * 2 for layer in model.layers if layer.attention.window)
    assert capped == int(row["window_cache_bytes"])
    assert windows == ({int(row["window"])} if row["window"] else set())
    assert sum(layer.times * layer.attention.state for layer in model.layers) == int(row["state_elements"])
    assert 2 * counting.active_params(model) / 1e9 == pytest.approx(float(row["matrix_gflops"]), abs=0.051)


#: Parameters that files of the hub hold, in llmfit 1.1.17's catalogue of them (2026-10): of the text (t), its towers
#: (v) and prediction layers (p), and besides, by hand, what no answer counts. Where that is empty, within 1%.
STORED = list(csv.DictReader((ROOT / "tests/data/hub_counts.csv").read_text().splitlines()))


@pytest.mark.parametrize("row", STORED, ids=lambda row: row["hub_id"])
def test_parameters_are_those_of_the_hub_s_files(row: dict[str, str]) -> None:
    found = find_model(row["hub_id"])
    assert found.hub_id == row["hub_id"] == find_model(row["hub_id"].partition("/")[2]).hub_id
    model = found.model
    parts = {
        "t": counting.total_params(model),
        "v": model.vision_params,
        "p": model.mtp_params,
        "3p": 3 * model.mtp_params,
    }
    counted = sum(parts[part] for part in row["parts"].split("+"))
    if row["besides"]:
        assert counted + int(row["besides"]) == int(row["stored"])
    else:
        assert counted == pytest.approx(int(row["stored"]), rel=0.01)


PRESETS = catalog.names("models")


def test_at_least_45_models_ship() -> None:
    assert len(PRESETS) >= 45


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_read_and_near_what_its_publisher_says(name: str) -> None:
    path = str(catalog.shipped() / "models" / f"{name}.yaml")
    model, data = read_preset(path, name)
    total = counting.total_params(model)
    again = sum(layer.times * layer.ffn.reused for layer in model.layers)  # by a layer that runs twice
    assert 0 < counting.active_params(model) <= total + again
    claim = data.get("published", {}).get("total")
    if claim:
        published = float(claim.rstrip("BMT").replace(",", "")) * {"B": 1e9, "M": 1e6, "T": 1e12}.get(claim[-1], 1)
        assert abs(total / published - 1) < 0.01 or "note" in data, f"{total:,} against {claim} and no word why"


def test_no_model_is_dated_by_the_day_its_count_was_read() -> None:
    for name in PRESETS:
        data = read_preset(str(catalog.shipped() / "models" / f"{name}.yaml"), name)[1]
        published = data.get("published", {})
        out, paper = published.get("date", ""), published.get("weights") == "none"  # a shape is as old as its paper
        said, read = out < data["source"]["date"] or paper or "dated" in published, data["source"]["date"]
        assert said, f"{name}: published {out}, read {read}: say in published.dated how the month is known"


def test_no_two_models_claim_a_name() -> None:
    claimed: dict[str, str] = {}
    for name in PRESETS:
        names = {name, *(alias for alias, owner in catalog.aliases("models").items() if owner == name)}
        for plain in {catalog.plain(each) for each in names}:
            assert claimed.setdefault(plain, name) == name, plain


@pytest.mark.parametrize("name", ["llama-3.1-70b", "deepseek-v3", "gemma-3-27b", "qwen3-next-80b-a3b", "gpt-oss-120b"])
def test_a_model_written_to_a_preset_and_read_back_is_the_same(name: str, tmp_path: Any) -> None:
    import yaml

    data = read_mapping(str(catalog.shipped() / "models" / f"{name}.yaml"), "preset")
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**data, "config": typed(data["config"])}))
    assert read_preset(str(path), name)[0] == preset(name)
    assert read_model(typed(data["config"]), name, "test") == preset(name)
