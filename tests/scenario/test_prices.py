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
    rent = infercost.accelerator("h100").fact("rent_neocloud")
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
    rent = infercost.accelerator("h100").value("rent_neocloud")
    step = infercost.utilization(model="llama-3.1-8b", gpu="h100:1")
    assert step["usd_per_million_tokens_decode"] == pytest.approx(rent / 3600 * step["tpot_s"] * 1e6)


@pytest.mark.parametrize(
    ("gpu", "basis", "key", "usd"),
    [
        ("h100", "neocloud", "rent_neocloud", 3.49),
        ("h100", "rental", "rent_rental", 2.00),
        ("mi355x", "owner", "rent_owner", 1.50),
        ("mi355x", "neocloud", "rent_neocloud", 2.59),
        ("l4", "owner", "rent", 0.80),
        ("a100", "rental", "rent_neocloud", 1.59),
        ("gb300", "rental", "rent_rental", 5.00),
        ("tpu-v5p", "rental", "rent_rental", 1.89),
        ("tpu-v5p", "neocloud", "rent", 4.20),
    ],
)
def test_a_basis_takes_its_rent_else_the_usual_one_else_the_listed(gpu: str, basis: str, key: str, usd: float) -> None:
    report = infercost.utilization(model="llama-3.1-8b", gpu=gpu, price_basis=basis)
    inputs = {item.key: item for item in report.inputs}
    assert inputs["price_basis"].value == basis
    assert inputs[f"gpu.{key}"].value == usd
    assert inputs[f"gpu.{key}"].date
    said = next(note.text for note in report.notes if note.code == "price")
    asked = key == f"rent_{basis}" or (key, basis) == ("rent", "neocloud")
    assert ("of it is known" in said) is not asked


def test_a_rent_that_is_set_is_taken_whatever_the_preset_has() -> None:
    step = infercost.utilization(model="llama-3.1-8b", gpu="h100:1", set="gpu.rent=36")
    assert step["usd_per_million_tokens_decode"] == pytest.approx(1e4 * step["tpot_s"])


@pytest.mark.parametrize("other", [("--price", "2"), ("--purchase-price", "20000")])
def test_a_basis_is_of_rents_alone(run: Run, other: tuple[str, str]) -> None:
    said = run("economies", *MODEL, "--price-basis", "rental", *other)
    assert (said.code, said.out) == (2, "")
    assert "give one of them" in said.err


@pytest.mark.parametrize(
    ("command", "parts", "options", "mixed"),
    [
        ("frontier", ("h100", "h200"), (), ""),
        ("frontier", ("h100", "mi300x"), (), ""),
        ("frontier", ("h100", "gb200"), (), "--price-basis rental is one for all"),
        ("frontier", ("h100", "gb200"), ("--price-basis", "rental"), ""),
        ("frontier", ("h100", "gb200"), ("--price", "2"), ""),
        ("frontier", ("l4", "t4"), (), ""),
        ("frontier", ("l4", "a10g"), (), "--price gives all the same"),
        ("economies", ("h100", "l4"), ("--points", "2"), "listed rent of 2026-05 (l4)"),
        ("compare", ("h100", "l4"), (), "listed rent of 2026-05 (l4)"),
    ],
)
def test_a_comparison_never_mixes_bases_in_silence(
    run: Run, command: str, parts: tuple[str, ...], options: tuple[str, ...], mixed: str
) -> None:
    gpus = [word for part in parts for word in ("--gpu", part)]
    few = ("--max-gpus", "1") if command == "frontier" else ()
    said = run(command, "--model", "llama-3.2-1b", *gpus, *few, *options, "--json").json
    notes = [note["text"] for note in said["notes"] if note["code"] == "price-bases"]
    assert ("not of one basis" in said["verdict"]) is bool(mixed)
    assert [mixed in text for text in notes] == [True] * bool(mixed)


@pytest.mark.parametrize("basis", ["neocloud", "rental", "owner"])
def test_rents_of_a_basis_are_of_few_months(basis: str) -> None:
    facts = [infercost.accelerator(name).facts.get(f"rent_{basis}") for name in infercost.accelerators()]
    months = sorted(int(fact.date[:4]) * 12 + int(fact.date[5:7]) for fact in facts if fact)
    assert len(months) >= 9
    assert months[-1] - months[0] <= 4


def test_a_price_of_machines_of_eight_is_marked_weak_in_a_comparison(run: Run) -> None:
    asked = ("compare", "--model", "llama-3.1-8b", "--gpu", "mi355x", "--gpu", "mi300x", "--concurrency", "8")
    weak = {row["name"]: row["weak"] for row in run(*asked, "--json").json["rows"]}
    assert weak == {"mi355x": ["rent_neocloud"], "mi300x": []}
    assert "mi355x ~" in run(*asked).out
