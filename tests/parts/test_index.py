"""The index of shipped presets says what their files say, and a list finds a word in it."""

import csv
import re
from io import StringIO
from pathlib import Path

import pytest

from infercost.parts import catalog
from tests.conftest import Run
from tools.index import INDEX, index


def test_the_index_is_that_of_the_files() -> None:
    assert (catalog.shipped() / INDEX).read_text() == index(), "python tools/index.py writes it again"


def test_a_word_finds_names_titles_and_aliases(run: Run) -> None:
    rows = run("presets", "list", "Qwen3", "--json").json["rows"]
    assert {"qwen3-8b", "qwen3-235b-a22b-fp8", "deepseek-r1-distill-qwen-32b"} <= {row["name"] for row in rows}
    assert {row["family"] for row in rows} == {"models"}
    row, *cards = run("presets", "list", "geforce", "rtx", "4090", "--json").json["rows"]
    assert row["name"] == "rtx-4090"
    assert all(card["title"].endswith(", not checked by hand") for card in cards)
    wrong = run("presets", "list", "qwenn3")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean qwen3" in wrong.err


def test_json_and_csv_of_a_list_have_the_main_figures(run: Run) -> None:
    """The H100 by its data sheet and RunPod's rent, Llama 3.1 8B by its card; the V100 has fp16."""
    rows = {row["name"]: row for row in run("presets", "list", "--json").json["rows"]}
    part = {"memory_bytes": 80e9, "memory_bandwidth_bytes_per_s": 3.35e12, "rate": "bf16", "peak_flops_per_s": 989.4e12}
    assert rows["h100-sxm"].items() >= {**part, "usd_per_gpu_hour": 3.49, "price_date": "2026-09"}.items()
    assert (rows["v100-sxm2-32gb"]["rate"], rows["v100-sxm2-32gb"]["usd_per_gpu_hour"]) == ("fp16", None)
    assert (rows["human-brain"]["rate"], rows["human-brain"]["peak_flops_per_s"]) == (None, None)
    model = rows["llama-3.1-8b"]
    assert (model["total_params"], model["active_params"], model["layers"]) == (8_030_261_248, 7_504_924_672, 32)
    assert (round(rows["qwen3-235b-a22b"]["total_params"] / 1e9), rows["qwen3-235b-a22b"]["layers"]) == (235, 94)
    assert not {"total_params", "memory_bytes"} & {*rows["ideal"]}
    line = next(csv.DictReader(StringIO(run("presets", "list", "h100-sxm", "--csv").out)))
    assert (float(line["memory_bytes"]), line["price_date"]) == (80e9, "2026-09")
    assert "989" not in run("presets", "list", "h100-sxm").out


def test_a_preset_of_ones_own_has_the_figures_of_a_shipped_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("accelerators/t4", "models/llama-3.1-8b"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.yaml").write_text((catalog.shipped() / f"{name}.yaml").read_text())
    shipped = run("presets", "list", "--json").json["rows"]
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    assert run("presets", "list", "--json").json["rows"] == shipped


def test_several_families_have_heads(run: Run) -> None:
    said = run("presets", "list", "nvidia").out
    assert "\n  accelerators, " in said
    assert "\n  models, " in said
    assert "accelerators, " not in run("presets", "list", "accelerators").out


def test_presets_of_ones_own_are_listed_from_their_files(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "accelerators").mkdir()
    text = (catalog.shipped() / "accelerators/t4.yaml").read_text()
    (tmp_path / "accelerators/t4.yaml").write_text(text.replace("NVIDIA", "Our own", 1))
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    (row,) = (row for row in run("presets", "list", "accelerators", "--json").json["rows"] if row["name"] == "t4")
    assert row["title"].startswith("Our own")


def test_a_word_that_an_alias_has_is_shown_with_it(run: Run) -> None:
    said = run("presets", "list", "qwen3.6").out
    assert said.startswith("2 presets with 'qwen3.6' in a name, title or alias.")
    assert "Qwen3.5 27B, also Qwen/Qwen3.6-27B" in said
    assert run("presets", "list", "mi355x").out.startswith("1 preset with 'mi355x' in a name or title.")


def test_cards_below_the_presets_are_listed_for_a_word(run: Run) -> None:
    said = run("presets", "list", "4070").out
    assert said.startswith("1 preset and 8 cards that nobody checked by hand with '4070' in a name or title.")
    assert re.search(r"rtx-4070 +2023-04  GeForce RTX 4070, not checked by hand", said)
    assert "not checked by hand" not in run("presets", "list").out


@pytest.mark.parametrize(
    ("word", "found", "left_out"),
    [
        ("embedding", {"bge-m3", "bge-small-en-v1.5", "qwen3-embedding-8b"}, {"bge-reranker-v2-m3", "qwen3-8b"}),
        ("embedder", {"bge-large-en-v1.5", "qwen3-embedding-0.6b"}, {"qwen3-reranker-8b"}),
        ("reranker", {"bge-reranker-v2-m3", "qwen3-reranker-4b"}, {"bge-m3"}),
        ("encoders", {"bge-m3", "bge-reranker-v2-m3", "modernbert-base"}, {"qwen3-embedding-8b", "t5"}),
    ],
)
def test_models_that_decode_nothing_are_found_by_what_they_are(
    word: str, found: set[str], left_out: set[str], run: Run
) -> None:
    """By their cards: BGE's are encoders that embed or rank, Qwen3's embedders are decoders."""
    names = {row["name"] for row in run("presets", "list", word, "--json").json["rows"]}
    assert found <= names
    assert not left_out & names
