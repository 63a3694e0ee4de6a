"""Machines by the names that people give them, and cards that are not listed."""

import pytest

import infercost
from infercost.parts import catalog
from tests.conftest import Run


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Framework Desktop", "ryzen-ai-max-395"),
        ("GMKtec EVO-X2", "ryzen-ai-max-395"),
        ("ASUS Ascent GX10", "dgx-spark-gb10"),
        ("Dell Pro Max with GB10", "dgx-spark-gb10"),
        ("MacBook Pro 16 M4 Max 128", "apple-m4-max-128gb"),
        ("M4 Max 128", "apple-m4-max-128gb"),
    ],
)
def test_a_machine_of_one_chip_is_that_chip(text: str, part: str, run: Run) -> None:
    said = run("fit", "--gpu", text, "--model", "qwen3-8b", "--json")
    assert (said.code, said.json["inputs"]["gpu"]) == (0, part)


def test_the_preset_of_a_machine_is_shown(run: Run) -> None:
    assert run("presets", "show", "p5.48xlarge").out == run("presets", "show", "h100").out
    assert run("presets", "show", "Framework Desktop").out.startswith("ryzen-ai-max-395: ")


@pytest.mark.parametrize("name", ["gtx 970", "gtx 1050 ti", "radeon hd 7970"])
def test_no_hint_is_at_another_card(name: str, run: Run) -> None:
    said = run("fit", "--gpu", name, "--model", "qwen3-8b")
    assert said.code == 2
    assert "cards of before 2016 or with less than 6 GB are not listed" in said.err


def test_a_card_with_its_digits_mixed_up_is_hinted_at(run: Run) -> None:
    assert "did you mean rtx-4090? " in run("fit", "--gpu", "rtx-4009", "--model", "qwen3-8b").err


def test_parts_and_files_may_come_in_a_list() -> None:
    assert infercost.compare(["h100", "b200"]).verdict == infercost.compare("h100", "b200").verdict
    part = catalog.accelerator("h100")
    assert infercost.compare(part, "b200").verdict == infercost.compare([part, "b200"]).verdict
