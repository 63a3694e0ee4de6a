"""The load that a service was asked to serve: its users, tokens, slots and waits, each against a sum by hand."""

from math import ceil
from typing import Any

import pytest

import infercost

OSS: dict[str, Any] = {
    "gpu": "h100",
    "model": "gpt-oss-20b",
    "messages_per_day": 20,
    "input_tokens": 3000,
    "output_tokens": 400,
}


@pytest.mark.parametrize(("users", "slots"), [(1200, 1), (5000, 2), (60_000, None)])
def test_slots_are_the_sequences_of_the_busiest_hour_rounded_up(users: int, slots: int | None) -> None:
    """1,200 users send 0.2778 requests/s that hold a slot for 1.43 s: 0.4 at once; 5,000 users 1.94."""
    report = infercost.userbase(**OSS, users=users)
    assert report["slots"] == ceil(report["peak_concurrent"])
    assert slots in (report["slots"], None)


@pytest.mark.parametrize("users", [1200, 60_000])
def test_requests_in_flight_by_littles_law(users: int) -> None:
    """Each of 20 messages a day is there until its first token, and 399 times a user's time between tokens more."""
    report = infercost.userbase(**OSS, users=users)
    there = report["ttft_s"] + 399 * report["tpot_s"]
    assert report["in_flight"] == pytest.approx(users * 20 / 86_400 * there, rel=1e-9)


@pytest.mark.parametrize(
    "more", [{}, {"api_price": "0.9/0.9"}, {"max_wait_probability": "1%"}, {"workload": "chat", "minutes_per_day": 10}]
)
def test_replicas_are_counted_whatever_else_is_asked(more: dict[str, Any]) -> None:
    report = infercost.userbase(gpu="h100:4", model="llama-3.1-70b", users=55_599, **more)
    assert report["gpus"] == 4 * report["replicas"]


def test_replicas_without_a_part_are_unknown() -> None:
    report = infercost.userbase(users=55_599)
    assert (report["replicas"], report["gpus"]) == (None, None)


def test_nobody_is_told_to_add_a_replica_to_one_that_stands_empty() -> None:
    """A replica takes some 65,000 such users: 1,200 leave it empty, 60,000 nearly fill it."""
    assert infercost.userbase(**OSS, users=1200).advice == ()
    assert infercost.userbase(**OSS, users=60_000).advice[0].startswith("one more replica of 1 device would take")
