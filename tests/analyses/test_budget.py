"""How many users a month's money serves: as many whole replicas as it pays for, every hour of an average month."""

import pytest

import infercost
from infercost.errors import InfercostError

ASKED = {"gpu": "h100:2", "model": "llama-3.1-8b", "price": 2}


@pytest.mark.parametrize(("budget", "replicas"), [("2920", 1), ("5.9k", 2), ("$20k", 6)])
def test_a_budget_pays_for_whole_replicas(budget: str, replicas: int) -> None:
    """Two devices at $2 an hour are $2,920 a month of 730 hours."""
    said, same = infercost.userbase(**ASKED, budget=budget), infercost.userbase(**ASKED, replicas=replicas)
    assert said.verdict == same.verdict
    assert (said["replicas"], said["usd_per_month"]) == (replicas, replicas * 2920)
    assert said["users"] == same["users"]


def test_a_budget_is_refused_where_it_says_nothing() -> None:
    for options, words in (
        ({"budget": 2919}, r"a replica of 2 devices is \$2,920 a month"),
        ({"budget": "20k", "replicas": 2}, "--budget and --replicas"),
        ({"budget": "20k", "scale_down": True}, "--budget and --scale-down"),
    ):
        with pytest.raises(InfercostError, match=words):
            infercost.userbase(**ASKED, **options)
