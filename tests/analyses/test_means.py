"""Times under a load are means, and an answer says so."""

import pytest

from tests.conftest import Run

ONE = ("--model", "llama-3.1-70b", "--gpu", "h100:4", "--isl", "2000", "--osl", "500")
SAID = "times are means: p95 and p99 are not modelled"
LIMIT = "times are means, which --max-ttft is held against: p95 and p99 are not modelled"
#: A frontier has no load but a full batch, whose slots are never waited for.
FULL = f"{SAID}; --max-ttft is held beside a full batch, the wait for a slot is in infercost userbase"


def means(run: Run, *asked: str) -> list[str]:
    return [note["text"] for note in run(*asked, "--json").json["notes"] if note["code"] == "means"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("utilization", *ONE, "--request-rate", "3.4"), SAID),
        (("utilization", *ONE, "--request-rate", "30"), SAID),
        (("utilization", *ONE, "--sweep", "request-rate=1,2"), SAID),
        (("userbase", *ONE, "--request-rate", "3.4", "--max-ttft", "1s", "--replicas", "1"), LIMIT),
        (("userbase", *ONE, "--users", "1000"), SAID),
        (("compare", "h100", "h200", "--model", "llama-3.1-70b", *ONE[4:], "--request-rate", "1"), SAID),
        (("frontier", *ONE, "--max-ttft", "1s"), FULL),
    ],
)
def test_a_load_or_a_limit_has_means(asked: tuple[str, ...], said: str, run: Run) -> None:
    assert means(run, *asked) == [said]


@pytest.mark.parametrize(
    "asked", [("utilization", *ONE, "--batch", "8"), ("userbase", "--concurrent", "1000"), ("fit", *ONE[:4])]
)
def test_what_has_no_load_says_nothing_of_means(asked: tuple[str, ...], run: Run) -> None:
    assert means(run, *asked) == []
