"""Lengths of messages that nobody gave are named in a verdict that counts messages: they move it tenfold."""

import pytest

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
