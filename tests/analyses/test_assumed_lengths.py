"""Lengths of messages that nobody gave are named in a verdict that counts messages: they move it tenfold."""

from typing import Any

import pytest

import infercost
from infercost.errors import Misasked
from tests.conftest import Run

ASSUMED = "7,680 tokens in and 1,024 out assumed"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("userbase", "--users", "1M", "--messages-per-day", "5"), f"1,000,000 daily users ({ASSUMED}) need "),
        (
            ("userbase", "--users", "1M", "--messages-per-day", "5", "--isl", "500"),
            "1,000,000 daily users (1,024 tokens out assumed) need ",
        ),
        (("economies", "--messages-per-day", "5"), f" users ({ASSUMED}) come within twice the floor"),
        (("utilization", "--request-rate", "2"), f"2 requests a second ({ASSUMED}) arrive "),
        (("utilization", "--request-rate", "1"), f"a million output tokens ({ASSUMED}): "),
    ],
)
def test_assumed_lengths_of_messages_stand_in_the_verdict(run: Run, asked: tuple[str, ...], said: str) -> None:
    assert said in run(*asked, "--gpu", "h100", "--model", "llama-3.1-8b", "--json").json["verdict"]


def test_an_apis_bill_names_them_once(run: Run) -> None:
    asked = ("userbase", "--users", "1M", "--messages-per-day", "5", "--model", "llama-3.1-8b", "--api-price", "1/2")
    assert run(*asked, "--json").json["verdict"].count(ASSUMED) == 1


@pytest.mark.parametrize("given", [("--isl", "500", "--osl", "150"), ("--workload", "chat")])
def test_lengths_that_were_given_do_not(run: Run, given: tuple[str, ...]) -> None:
    asked = ("userbase", "--users", "1M", "--messages-per-day", "5", "--gpu", "h100", "--model", "llama-3.1-8b")
    assert "assumed" not in run(*asked, *given, "--json").json["verdict"]


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("utilization", {"gpu": "h100:4", "concurrency": 8}),
        ("utilization", {"gpu": "h100:4", "prefix_share": 0.5}),
        ("frontier", {"gpu": "h100", "max_ttft": 2, "max_gpus": 8}),
        ("compare", {"gpu": ["h100", "h200"], "max_tpot": 0.05}),
    ],
)
def test_what_is_of_requests_assumes_one_that_holds_the_context_half_way(command: str, options: dict[str, Any]) -> None:
    report = getattr(infercost, command)(model="llama-3.1-70b", context=8000, **options)
    assumed = {item.key: item.value for item in report.inputs if item.assumed}
    assert (assumed["input_tokens"], assumed["output_tokens"]) == (7500, 1000)


def test_a_question_that_no_part_can_answer_is_no_part_s_fault() -> None:
    """Of all parts each would have refused it, and the answer would be that none serves."""
    asked = {"model": "llama-3.1-8b", "max_tpot": 0.05}
    for wrong, said in (
        ({"context": 8000, "input_tokens": 100}, "both lengths"),
        ({"input_tokens": 131_000, "output_tokens": 100}, "longer than the model was made for"),
        ({"context": 500_000}, "more than llama-3.1-8b was made for"),
    ):
        with pytest.raises(Misasked, match=said):
            infercost.compare(**asked, **wrong)
