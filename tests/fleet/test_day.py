"""An hour of a fleet whose numbers are round: what just fills it is held, and a little more is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infercost.fleet.curve import Curve, curve_of
from infercost.fleet.day import Fleet, Use, day_of, wait, worst_waits

#: A replica of at most two sequences, a second a token at any batch; a request decodes ten tokens.
CURVE = Curve(batches=(1.0, 2.0), steps=(1.0, 1.0), itls=(1.0, 1.0), ttfts=(0.0, 0.0), decoded=10.0, prompted=False)


def fleet(**more: object) -> Fleet:
    """One replica; a user asks once in fifty seconds, so ten of them keep both sequences busy."""
    return Fleet(CURVE, slots=2.0, use=Use(rate=0.02), hours=(1.0,), fixed=1)._replace(**more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("users", "stable"),
    [(1.0, True), (9.9, True), (10.0, True), (10 * (1 + 1e-12), True), (10.1, False), (30.0, False)],
)
def test_requests_that_just_fill_a_replica_are_served(users: float, stable: bool) -> None:
    day = day_of(fleet(), users)
    assert day.stable is stable
    assert day.tokens_per_s == pytest.approx(min(0.2 * users, 2.0))
    assert day.kinds[0].mean == pytest.approx(min(0.2 * users, 2.0))


@pytest.mark.parametrize(("users", "stable"), [(4.9, True), (5.0, True), (5.1, False), (10.0, False)])
def test_steps_twice_as_long_serve_half_as_many(users: float, stable: bool) -> None:
    day = day_of(fleet(curve=CURVE._replace(steps=(2.0, 2.0), itls=(2.0, 2.0))), users)
    assert day.stable is stable
    assert day.tokens_per_s == pytest.approx(min(0.2 * users, 1.0))


def test_while_one_request_in_five_decodes_it_is_alone_or_with_another() -> None:
    """A mean of 0.2 sequences under random arrivals: something decodes 1 - e^-0.2 of the time, 1.103 together."""
    hour = day_of(fleet(slots=50.0, curve=CURVE._replace(batches=(1.0, 50.0))), 1.0).kinds[0]
    assert hour.mean == pytest.approx(0.2, rel=1e-6)
    assert hour.busy == pytest.approx(0.18127, rel=1e-4)
    assert hour.batch == pytest.approx(1.10333, rel=1e-4)


@pytest.mark.parametrize(("users", "stable"), [(1.0, True), (2.0, True), (2 * (1 + 1e-12), True), (2.1, False)])
def test_streams_that_just_fill_a_replica_are_served(users: float, stable: bool) -> None:
    day = day_of(fleet(use=Use(decoding=1.0)), users)
    assert day.stable is stable
    assert day.concurrent == pytest.approx(min(users, 2.0))


def test_where_every_slot_is_taken_all_wait_without_end() -> None:
    assert wait(fleet(), 10.0, 1, 1.0) == (1.0, None)
    assert wait(fleet(), 11.0, 1, 1.0) == (1.0, None)


@pytest.mark.parametrize(("users", "replicas"), [(5.0, 1), (10.0, 1), (20.0, 2), (21.0, 3)])
def test_without_a_limit_on_waits_as_many_replicas_as_hold_the_load_are_enough(users: float, replicas: int) -> None:
    endless = fleet(curve=CURVE._replace(prompted=True), fixed=0, waiting=1.0)
    assert day_of(endless, users).hours[0].replicas == replicas


def test_the_wait_for_one_of_two_slots() -> None:
    """Erlang's second formula for two slots and a load of one: a third wait, on average for half of ten seconds each
    time: 1/3 x 10 s / (2 - 1)."""
    chance, seconds = wait(fleet(), 5.0, 1, 1.0)
    assert chance == pytest.approx(1 / 3)
    assert seconds == pytest.approx(10 / 3)


@given(
    users=st.floats(1, 1e5),
    slots=st.floats(1.0, 400.0),
    burstiness=st.floats(1, 8),
    may=st.sampled_from([0.001, 0.01, 0.1, 0.5]),
    follows=st.booleans(),
)
def test_no_more_wait_than_may(users: float, slots: float, burstiness: float, may: float, *, follows: bool) -> None:
    """Where the slots are staffed to a share that may wait, the share that is said never exceeds it in any hour."""
    staffed = fleet(
        curve=CURVE._replace(batches=(1.0, 400.0)), slots=slots, fixed=0, hours=(0.2, 0.8, 2.0), follows=follows,
        waiting=may, peakedness=(1 + burstiness**2) / 2,
    )  # fmt: skip
    day = day_of(staffed, users)
    waits = worst_waits(staffed, day)
    assert waits.chance <= may
    for hour, load in zip(day.hours, staffed.hours, strict=True):
        chance, seconds = wait(staffed, users, hour.replicas, load)
        assert chance <= waits.chance
        assert seconds is not None
        assert waits.seconds is not None
        assert seconds <= waits.seconds


def test_the_worst_hour_where_replicas_come_and_go() -> None:
    """Two slots a replica and one waiting in three allowed: a load of 1 has 2 slots and a third waits; one of 4 has 6.

    Erlang's sums for 4 erlangs: of 5 slots 0.5541 wait, of 6 slots 0.2848.
    """
    staffed = fleet(fixed=0, hours=(0.4, 1.6), follows=True, waiting=0.3334)
    day = day_of(staffed, 12.5)
    assert [hour.replicas for hour in day.hours] == [1, 3]
    waits = worst_waits(staffed, day)
    assert waits.chance == pytest.approx(1 / 3)
    assert waits.seconds == pytest.approx(10 / 3)
    assert wait(staffed, 12.5, 3, 1.6)[0] == pytest.approx(0.2848, abs=1e-4)


def test_an_hour_without_requests_serves_none() -> None:
    day = day_of(fleet(hours=(0.0, 2.0)), 2.0)
    assert day.tokens_per_s == pytest.approx(0.4)
    assert min(hour.tokens_per_s for hour in day.hours) == pytest.approx(0.0, abs=1e-9)
    assert day.stable


def test_a_curve_begins_with_a_batch_of_one() -> None:
    from infercost.scenario.read import ask
    from infercost.scenario.resolve import resolve

    for stages in (1, 2, 4):
        asked = {"gpu": f"h100:{stages}", "model": "llama-3.1-8b", "batch": 1, "tp": 1, "pp": stages}
        replica = resolve(ask("utilization", asked)).running.replica
        batches = curve_of(replica, 64.0, None, 1000.0).batches
        assert (batches[0], batches[-1]) == (1.0, 64.0)
        if stages > 1:  # then whole parts of a batch, all alike
            assert batches[:stages] == tuple(range(1, stages + 1))
            assert all(batch % stages == 0 for batch in batches[stages:])
