"""What holds the batch of a replica back: limits that bind, and limits that no batch exceeds."""

from types import SimpleNamespace
from typing import cast

import pytest

import infercost
from infercost.errors import BadValue
from infercost.fleet import cost
from infercost.fleet.cost import (
    Demand,
    Level,
    _latencies,
    batch_limits,
    following,
    provision,
    queued,
    reworked_service,
    use_of,
)
from infercost.fleet.day import Curve
from infercost.formulas.recorder import recording
from infercost.replica.step import Running
from tests.fleet.test_cost import MANY, some_service

#: A replica of up to 4 sequences, without prompts: 1 to 3 s a token, 10 to 50 s to the first.
CURVE = Curve((1.0, 2.0, 4.0), (1.0, 2.0, 3.0), (1.0, 2.0, 3.0), (10.0, 20.0, 50.0), decoded=0.0, prompted=False)


@pytest.mark.parametrize(
    ("level", "limits"),
    [
        (Level(), {}),
        (Level(max_tpot=1.0), {"latency": 1.0}),
        (Level(max_tpot=2.5), {"latency": 3.0}),
        (Level(max_tpot=3.0), {}),
        (Level(max_ttft=15.0), {"first token": 1.5}),
        (Level(max_tpot=2.5, max_ttft=35.0), {"latency": 3.0, "first token": 3.0}),
        (Level(max_tpot=9.0, max_ttft=50.0), {}),
    ],
)
def test_a_latency_limits_the_batch_where_some_batch_exceeds_it(level: Level, limits: dict[str, float]) -> None:
    found, missed = _latencies(CURVE, level)
    assert found == pytest.approx(limits)
    assert missed == ""


def test_a_latency_that_not_even_one_user_has() -> None:
    limits, missed = _latencies(CURVE, Level(max_tpot=0.9, max_ttft=9.0))
    assert limits == {"latency": 0.0, "first token": 0.0}
    least = "one user alone takes {} s, the least possible"
    assert least.format(1) in missed
    assert least.format(10) in missed


@pytest.mark.parametrize("chunk", [None, 64])
def test_a_limit_that_does_not_bind_changes_no_figure(chunk: int | None) -> None:
    """Ten seconds a token are never taken: chunks of 64 tokens still carry a mean of 12.7 sequences, not 12."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 1000, "output_tokens": 200, "messages_per_day": 8}
    asked |= {"users": 1_000_000} | ({"chunk_tokens": chunk} if chunk else {})
    free, held = infercost.userbase(**asked), infercost.userbase(**asked, max_tpot=10, max_ttft=1000)  # type: ignore[arg-type]
    assert held["batch_limit"] == free["batch_limit"]
    assert held["usd_per_million_tokens"] == free["usd_per_million_tokens"]


def test_waits_end_after_an_hour_or_where_the_first_token_is_late() -> None:
    known = some_service()._replace(missed="")
    asked = known._replace(level=known.level._replace(max_ttft=2.0))
    for each, max_ttft in ((known, float("inf")), (asked, 2.0), (asked._replace(missed="Cannot"), float("inf"))):
        fleet = queued(each).fleet
        assert (fleet.patience, fleet.max_ttft) == (3600.0, max_ttft)


def test_a_user_is_minutes_of_streams_or_messages() -> None:
    """144 minutes are a tenth of a day; 864 messages are one in a hundred seconds."""
    assert use_of() == (0.0, 0.0)
    assert use_of(minutes=144.0) == pytest.approx((0.1, 0.0))
    assert use_of(minutes=144.0, decoding_share=0.5) == pytest.approx((0.05, 0.0))
    assert use_of(messages_per_day=864.0) == pytest.approx((0.0, 0.01))


def test_chunks_carry_one_sequence_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    known = some_service()
    assert known.request is not None
    request = known.request._replace(chunk_tokens=64)
    monkeypatch.setattr(cost, "fullest", lambda *_: 1.0)
    assert batch_limits(known.running, request, Level())["chunk"] == 1.0
    monkeypatch.setattr(cost, "fullest", lambda *_: 0.5)
    with pytest.raises(BadValue) as error:
        batch_limits(known.running, request, Level())
    assert "128" in str(error.value.hint)


@pytest.mark.parametrize(("burstiness", "peakedness"), [(0.5, 1.0), (1.0, 1.0), (3.0, 5.0)])
def test_tidy_arrivals_are_taken_as_random(burstiness: float, peakedness: float) -> None:
    """(1 + 3 x 3) / 2 is 5; of evenly spaced ones no more than of random ones is promised."""
    known = some_service()
    made = provision(known.running, known.request, known.demand._replace(burstiness=burstiness), known.level, None)
    assert made.fleet.peakedness == peakedness


@pytest.mark.parametrize(
    ("slots", "limits", "binds"),
    [
        (12.0, {"arithmetic": 15.0, "memory": 12.7}, "memory"),
        (11.0, {"arithmetic": 15.0, "memory": 12.7}, "cost"),
        (5.0, {"memory": 5.9, "latency": 5.2}, "latency"),
    ],
)
def test_what_holds_a_batch_back(slots: float, limits: dict[str, float], binds: str) -> None:
    known = some_service()
    assert known._replace(limits=limits, fleet=known.fleet._replace(slots=slots)).binds == binds


@pytest.mark.parametrize(("memory", "slots"), [(12.0, 2.0), (1.5, 1.0)])
def test_replicas_that_come_and_go_fill_what_the_limits_allow(memory: float, slots: float) -> None:
    """A curve of two sequences."""
    fleet = following(some_service()._replace(fleet=MANY, limits={"memory": memory})).fleet
    assert (fleet.follows, fleet.slots) == (True, slots)


@pytest.mark.parametrize(
    ("timed", "full", "limits"), [(False, 170, {"arithmetic": 170}), (False, None, {}), (True, 170, {})]
)
def test_arithmetic_ends_a_batch_where_it_overlaps_reads(
    timed: bool, full: int | None, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "full_batch", lambda _: full)
    running = SimpleNamespace(
        replica=SimpleNamespace(timing=object() if timed else None),
        rack=SimpleNamespace(plan=SimpleNamespace(max_sequences=None)),
    )
    assert batch_limits(cast(Running, running), None, Level()) == limits


@pytest.mark.parametrize("asked", [True, False])
def test_the_work_of_a_service_shows_what_a_request_decodes(asked: bool) -> None:
    known = some_service()
    with recording() as calls:
        reworked_service(known if asked else known._replace(request=None))
    assert ("decoded_tokens" in [getattr(call.function, "__name__", "") for call in calls]) is asked


def test_a_user_does_nothing_unless_said() -> None:
    assert Demand(use_of(), some_service().demand.shape, 1.0)[3:] == (None, None, 0.0, None)


def test_a_first_token_that_is_late_names_that_of_an_idle_server_too() -> None:
    """A prompt alone, as a request of utilization has it, and beside the steps of the same user's last answer."""
    asked = {"gpu": "h100:4", "model": "llama-3.1-70b", "input_tokens": 8000, "output_tokens": 200}
    idle = infercost.utilization(**asked)["ttft_s"] * 1e3
    busy = infercost.utilization(**asked, concurrency=1)["ttft_s"] * 1e3
    said = infercost.userbase(**asked, request_rate=1, max_ttft=0.5).verdict
    assert f"without a pause takes {busy:.4g} ms, {idle:.4g} ms on an idle server. " in said
