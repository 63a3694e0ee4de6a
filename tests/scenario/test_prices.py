"""One rule for what an hour costs: given, owned, or the preset's dated rent, said once."""

import pytest

import infercost
from tests.conftest import Run

MODEL = ("--model", "llama-3.1-8b", "--gpu", "h100:1")
COMMANDS = {
    "utilization": MODEL,
    "sweep-batch": (*MODEL, "--batch", "1,8"),
    "userbase": ("--users", "1000", *MODEL),
    "economies": (*MODEL, "--points", "2"),
    "frontier": ("--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "1"),
    "compare": ("h100:1", "h200:1", "--model", "llama-3.1-8b"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_the_rent_of_the_preset_and_says_so_once(run: Run, command: str) -> None:
    rent = infercost.accelerator("h100").fact("rent")
    said = run(command, *COMMANDS[command], "--json").json
    notes = [note["text"] for note in said["notes"] if note["code"] == "price" and rent.date in note["text"]]
    assert len([text for text in notes if f"${rent.value:g}" in text]) == 1
    assert "needs --price" not in str(said)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_price_that_is_given_is_taken_instead(run: Run, command: str) -> None:
    said = run(command, *COMMANDS[command], "--price", "2", "--json").json
    assert said["inputs"]["price"] == 2
    assert not any("gpu.rent" in key for key in said["inputs"])
    assert [note for note in said["notes"] if note["code"] == "price"] == []


def test_a_part_without_a_rent_has_no_price_and_says_what_would_give_one(run: Run) -> None:
    said = run("utilization", "--gpu", "h100-note", "--params", "70B", "--json").json
    assert said["results"]["usd_per_million_tokens"] is None
    assert [note["text"] for note in said["notes"] if note["code"] == "price"] == [
        "no price of h100-note is known: costs need --price"
    ]


def test_the_price_of_a_step_is_that_of_the_rent() -> None:
    rent = infercost.accelerator("h100").value("rent")
    step = infercost.utilization(model="llama-3.1-8b", gpu="h100:1")
    assert step["usd_per_million_tokens_decode"] == pytest.approx(rent / 3600 * step["tpot_s"] * 1e6)
