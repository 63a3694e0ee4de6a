"""How many users a month's money serves: as many whole replicas as it pays for, every hour of an average month."""

import re

import pytest

import infercost
from infercost.errors import InfercostError

ASKED = {"gpu": "h100:2", "model": "llama-3.1-8b", "price": 2}
#: Weights of 70.6 GB, which one device of 80 GB holds without room for a cache beside an engine.
FREE = {"gpu": "h100", "model": "llama-3.3-70b", "dtype": "fp8", "price": 3.49}


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


@pytest.mark.parametrize(("budget", "devices"), [(5100, 2), (10_000, 2), (10_200, 4), (21_000, 4)])
def test_a_budget_chooses_among_the_replicas_that_it_pays_for(budget: int, devices: int) -> None:
    """At $3.49 an hour two H100s are $5,095.40 a month, the four whose full tokens cost least $10,190.80."""
    said = infercost.userbase(**FREE, budget=budget)
    assert said["gpus"] / said["replicas"] == devices
    assert said["usd_per_month"] == pytest.approx(said["gpus"] * 3.49 * 730)
    assert said["usd_per_month"] <= budget


@pytest.mark.parametrize(
    ("more", "devices", "hint"),
    [
        ({}, 2, "no smaller one holds the model"),
        ({"gpus": 4}, 4, r"the smallest that holds the model, of 2 devices, is \$5,095"),
        ({"tp": 4}, 4, r"of 2 devices, is \$5,095"),
    ],
)
def test_a_budget_that_pays_for_no_replica_names_the_least(more: dict, devices: int, hint: str) -> None:
    with pytest.raises(InfercostError, match=f"a replica of {devices} devices is") as error:
        infercost.userbase(**FREE, budget=5000, **more)
    assert re.search(hint, error.value.hint)
