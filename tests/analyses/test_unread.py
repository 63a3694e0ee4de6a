"""What ``--set`` changes is said to be asked, and one that changes nothing that it does not."""

import pytest

import infercost
from tests.conftest import Run

ONE = ("utilization", "--model", "llama-3.1-8b", "--gpu", "h100")
SAID = "changes nothing here: the answer is the same without it"


def unread(notes: list[dict[str, str]]) -> list[str]:
    return [note["text"] for note in notes if note["code"] == "unread"]


@pytest.mark.parametrize(
    ("asked", "text", "key", "value"),
    [
        (ONE, "efficiency.compute_share_16=60%", "efficiency.compute_share_16", 0.6),
        (ONE, "gpu.flops_fp4=9PFLOP/s", "gpu.flops_fp4", 9e15),
        (ONE, "gpu.link=pcie", "gpu.link", "pcie"),
        ((*ONE, "--price", "2"), "gpu.rent_neocloud=9", "gpu.rent_neocloud", 9.0),
        ((*ONE, "--sweep", "batch=1,2"), "gpu.flops-fp4=9PFLOP/s", "gpu.flops_fp4", 9e15),
        (("compare", "h100", "b200"), "gpu.flops_fp4=9PFLOP/s", "gpu.flops_fp4", 9e15),
        (("fit", *ONE[1:]), "gpu.memory_bandwidth=5TB/s", "gpu.memory_bandwidth", 5e12),
    ],
)
def test_what_changes_nothing_is_said(asked: tuple[str, ...], text: str, key: str, value: object, run: Run) -> None:
    plain, other = run(*asked, "--json").json, run(*asked, "--set", text, "--json")
    said = other.json
    assert (other.code, unread(said["notes"])) == (0, [f"--set {text} {SAID}"])
    assert [said.get(key) for key in ("verdict", "results", "rows")] == [
        plain.get(key) for key in ("verdict", "results", "rows")
    ]
    assert said["inputs"][key] == value
    words = " ".join(run(*asked, "--set", text).out.split())
    assert f" {key.replace('_', ' ')} " in words.partition("Assumed")[0]


@pytest.mark.parametrize("text", ["gpu.power=500W", "gpu.memory_bandwidth=5TB/s", "efficiency.step_overhead=1ms"])
def test_what_changes_something_is_asked_alone(text: str, run: Run) -> None:
    plain, said = run(*ONE, "--json").json, run(*ONE, "--set", text, "--json").json
    assert said["results"] != plain["results"]
    assert unread(said["notes"]) == []
    assert text.partition("=")[0] in said["inputs"]


def test_of_several_those_are_named_that_change_nothing(run: Run) -> None:
    sets = ("--set", "gpu.power=500W", "--set", "gpu.flops_fp4=9PFLOP/s", "--set", "gpu.memory_bandwidth=5TB/s")
    said = run(*ONE, *sets, "--json").json
    assert unread(said["notes"]) == [f"--set gpu.flops_fp4=9PFLOP/s {SAID}"]
    assert said["asked"]["set"] == [*sets[1::2]]
    assert said["results"]["joules_per_token"] == pytest.approx(500 / said["results"]["tokens_per_s"])
    assert "h100-sxm as changed" in said["verdict"]


def test_python_says_it_too() -> None:
    answer = infercost.utilization(model="llama-3.1-8b", gpu="h100", set=["gpu.flops_fp4=9PFLOP/s"], steps=True)
    assert [note.text for note in answer.notes if note.code == "unread"] == [f"--set gpu.flops_fp4=9PFLOP/s {SAID}"]
    assert answer.steps
    assert answer.asked["set"] == ["gpu.flops_fp4=9PFLOP/s"]
