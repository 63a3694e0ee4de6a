"""An hour of a fleet whose numbers are round: what just fills it is held, and a little more is not."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infercost.fleet.day import (
    Curve,
    Fleet,
    Use,
    best_of_day,
    curve_of,
    day_of,
    enough,
    first_token,
    patient,
    reworked_day,
    serves,
    staffed_wait,
    wait,
    worst_waits,
)

#: A replica of at most two sequences, a second a token at any batch; a request decodes ten tokens.
CURVE = Curve(batches=(1.0, 2.0), steps=(1.0, 1.0), itls=(1.0, 1.0), ttfts=(0.0, 0.0), decoded=10.0, prompted=False)


def fleet(**more: object) -> Fleet:
    """One replica; a user asks once in fifty seconds, so ten of them keep both sequences busy."""
    return Fleet(CURVE, slots=2.0, use=Use(rate=0.02), hours=(1.0,), fixed=1)._replace(**more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("users", "stable"),
    [
        *((1.0, True), (9.9, True), (10.0, True), (10.1, False), (30.0, False)),
        *((10 * (1 + 0.5e-9), True), (10 * (1 + 1.5e-9), False)),  # half a billionth above is rounding
    ],
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


@pytest.mark.parametrize(
    ("users", "stable"), [(1.0, True), (2.0, True), (2 * (1 + 0.5e-9), True), (2 * (1 + 1.5e-9), False), (2.1, False)]
)
def test_streams_that_just_fill_a_replica_are_served(users: float, stable: bool) -> None:
    day = day_of(fleet(use=Use(decoding=1.0)), users)
    assert day.stable is stable
    assert day.concurrent == pytest.approx(min(users, 2.0))
    three = day_of(fleet(use=Use(decoding=1.0), fixed=3), 3 * users)
    assert three.stable is stable
    assert three.concurrent == pytest.approx(3 * min(users, 2.0))


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
        batches = curve_of(replica, 64.0, None, 1000.0, 0.0).batches
        assert (batches[0], batches[-1]) == (1.0, 64.0)
        if stages > 1:  # then whole parts of a batch, all alike
            assert batches[:stages] == tuple(range(1, stages + 1))
            assert all(batch % stages == 0 for batch in batches[stages:])


#: Requests that come with a prompt, so that their waits have an end.
PROMPTED = fleet(curve=CURVE._replace(prompted=True, ttfts=(0.5, 0.5)), fixed=0)


@pytest.mark.parametrize(
    ("prompted", "patience", "max_ttft", "waits"),
    [(True, 1.0, inf, True), (True, inf, 1.0, True), (True, inf, inf, False), (False, 1.0, 1.0, False)],
)
def test_whose_waits_have_an_end(prompted: bool, patience: float, max_ttft: float, waits: bool) -> None:
    asked = fleet(curve=CURVE._replace(prompted=prompted), patience=patience, max_ttft=max_ttft)
    assert asked.waits is waits


@pytest.mark.parametrize(
    ("patience", "replicas"),
    [(inf, 2), (10.0, 3), (5.0, 3), (4.9, 4), (1.0, 7), (0.99, 8), (0.1, 52), (0.0501, 102), (0.001, 2)],
)
def test_the_fewest_replicas_whose_waits_are_short(patience: float, replicas: int) -> None:
    """20 users fill 4 slots: with k replicas those who wait take 10 s / (2 k - 4). For 1 ms it took 5,002: too many."""
    assert PROMPTED._replace(patience=patience).replicas(20.0, 1.0) == replicas


def test_how_long_those_who_wait_wait() -> None:
    """Of two slots one is free: 10 s; where none is, for ever, and bursts of three times the variance take 30 s."""
    asked = [(patience, bursts) for bursts in (1.0, 3.0) for patience in (9.9, 10.0, 29.9, 30.0)]
    patients = [patient(PROMPTED._replace(patience=limit, peakedness=z), 5.0, 1, 1.0) for limit, z in asked]
    assert patients == [False, True, True, True, False, False, False, True]
    assert not patient(PROMPTED, 10.0, 1, 1.0)


def test_a_first_token_comes_after_its_wait() -> None:
    """Erlang's second formula: a load of 1 waits in a third of cases on 2 slots, in one of 49 on 4.

    One sequence on average is 1.58 while any decodes; of a first token that takes as long as the batch is above one.
    """
    rising = PROMPTED._replace(curve=PROMPTED.curve._replace(ttfts=(0.0, 1.0)))
    assert first_token(rising, 5.0, 1, 1.0) == pytest.approx(0.58198 + 10 / 3, rel=1e-5)
    assert first_token(PROMPTED, 5.0, 2, 1.0) == pytest.approx(0.5 + 10 / 49 / 3)
    assert first_token(PROMPTED, 10.0, 1, 1.0) == inf


@pytest.mark.parametrize(("limit", "replicas"), [(inf, 1), (3.84, 1), (3.83, 2), (0.569, 2), (0.567, 3), (0.4, 1)])
def test_the_fewest_replicas_that_keep_a_first_token(limit: float, replicas: int) -> None:
    """0.5 s and 10/3 s on one replica, 10/147 s on two; none keeps less than 0.5 s, and no more are taken for it."""
    asked = PROMPTED._replace(max_ttft=limit)
    assert asked.replicas(5.0, 1.0) == replicas
    if limit > 0.5:
        assert [serves(asked, 5.0, count, 1.0) for count in (replicas - 1, replicas)] == [False, True]


def test_how_many_replicas_are_enough() -> None:
    """20 users take two replicas, three where those who wait take no longer than 10 s; a fixed count is what it is."""
    counts = (1, 2, 3, 4)
    assert [enough(fleet(fixed=0), 20.0, count, 1.0) for count in counts] == [False, True, True, True]
    short = PROMPTED._replace(patience=10.0)
    assert [enough(short, 20.0, count, 1.0) for count in counts] == [False, False, True, True]
    assert [enough(PROMPTED._replace(fixed=3), 20.0, count, 1.0) for count in counts] == [False, False, True, True]


def test_who_waits_with_the_slots_that_a_load_needs() -> None:
    """Erlang's second formula: of 10 erlangs on 12 slots 44.9% wait, on 11 slots 68.2%."""
    assert staffed_wait(fleet(waiting=0.45), 50.0, 1.0) == pytest.approx(0.449, abs=5e-4)
    assert staffed_wait(fleet(waiting=0.7), 25.0, 2.0) == pytest.approx(0.682, abs=5e-4)


def test_an_hour_without_requests_keeps_every_wait() -> None:
    """Nobody waits in it, though one who did would for 5 s; in the other 10 s / (2 - 0.4)."""
    hours = (0.0, 1.0)
    for patience, kept in ((4.0, [True, False]), (6.3, [True, True])):
        day = day_of(PROMPTED._replace(fixed=1, hours=hours, patience=patience), 2.0)
        assert [hour.stable for hour in day.hours] == kept
        assert day.stable is all(kept)


def test_the_worst_hour_is_the_busiest_unless_replicas_come_and_go() -> None:
    """Loads of 0.4 and 1.6 on two slots, of which a^2 / (2 + a) wait by Erlang's second formula, for 10 s / (2 - a)."""
    staying = fleet(hours=(0.0, 1.6, 0.4))
    waits = worst_waits(staying, day_of(staying, 5.0))
    assert waits.hours == ((1, 1.6), (1, 1.6))
    assert waits.chance == pytest.approx(1.6**2 / 3.6)
    assert waits.seconds == pytest.approx(1.6**2 / 3.6 * 10 / 0.4)
    full = fleet(hours=(0.4, 4.0), follows=True)
    assert worst_waits(full, day_of(full, 5.0)) == (1.0, None, ((1, 4.0), (1, 4.0)))


def test_the_busiest_hour_worked_again_is_the_same() -> None:
    following = fleet(fixed=0, hours=(0.4, 1.6, 0.8), follows=True)
    day = day_of(following, 12.5)
    assert reworked_day(following, day) == day


def test_prompts_that_shorten_a_step_take_no_time() -> None:
    day = day_of(fleet(curve=CURVE._replace(itls=(0.8, 0.8), prompted=True)), 5.0)
    assert day.prompt_share == 0.0


def test_a_day_of_streams_keeps_its_quiet_hours_before_a_leap() -> None:
    """2 tokens a second at a batch of 2, 1 at 3, 2 again at 8; nine hours of 0.3 of the load of the tenth.

    Of 8 streams the quiet hours have 2.4, past the leap: 1.33 tokens a second. A replica of U users decodes 0.03 U in
    them, 2 at a time while any decodes: 0.03 U = 2 (1 - 0.97^U), U = 53.66, who are 5.37 streams in the busiest.
    """
    curve = Curve((1.0, 2.0, 3.0, 8.0), (1.0,) * 4, (1.0, 1.0, 3.0, 4.0), (0.0,) * 4, decoded=0.0, prompted=False)
    streams = Fleet(curve, slots=8.0, use=Use(decoding=0.1), hours=(*(0.3,) * 9, 1.0))
    assert best_of_day(streams).slots == pytest.approx(5.366426)
    assert best_of_day(streams._replace(hours=(1.0,))).slots == 8.0
    for fixed in ({"follows": True}, {"fixed": 2}, {"use": Use(rate=0.1), "curve": curve._replace(decoded=1.0)}):
        assert best_of_day(streams._replace(**fixed)).slots == 8.0  # type: ignore[arg-type]
