"""What users cost on replicas of round numbers: two sequences each, a second a token, ten users fill one."""

from functools import cache
from math import inf
from types import SimpleNamespace
from typing import cast

import pytest

from infercost.fleet import cost
from infercost.fleet.cost import Level, Service, largest, reworked_service
from infercost.fleet.day import Curve, Day, Fleet, Use, day_of, first_count
from infercost.formulas.recorder import recording
from infercost.scenario.read import ask
from infercost.scenario.resolve import resolve
from tests.fleet.test_day import CURVE, fleet


@cache
def some_service() -> Service:
    asked = {"gpu": "h100:2", "model": "llama-3.1-8b", "tp": 2, "input_tokens": 1000, "output_tokens": 200}
    service = resolve(ask("economies", {**asked, "messages_per_day": 8})).service
    assert service is not None
    return service


def service(fleet: Fleet) -> Service:
    """Such replicas on two devices each."""
    return some_service()._replace(fleet=fleet)


def seconds(fleet: Fleet, users: float) -> float:
    return cost.device_seconds(service(fleet), day_of(fleet, users))


MANY = fleet(fixed=0)


def test_a_token_takes_its_share_of_what_is_paid_or_of_what_is_busy() -> None:
    """Five users ask for a token a second: it takes a second of both devices, or of the 63.2% in which any decodes."""
    one = fleet()
    assert seconds(one, 5.0) == pytest.approx(2.0)
    assert cost.device_seconds(service(one), day_of(one, 5.0), busy=True) == pytest.approx(2 * 0.63212, rel=1e-4)
    assert seconds(one._replace(fixed=3), 5.0) == pytest.approx(6.0)


def test_a_full_replica_decodes_two_tokens_a_second_and_none_with_prompts() -> None:
    assert cost.full_seconds(service(MANY)) == pytest.approx(1.0)
    # 199 of a request's 200 tokens are decoded, one comes with its prompt
    prompted = MANY._replace(curve=CURVE._replace(prompted=True))
    assert cost.full_seconds(service(prompted)) == pytest.approx(199 / 200)


def test_the_most_users_of_so_many_replicas() -> None:
    for replicas in (1, 2, 7):
        assert cost.most_users(MANY, replicas) == pytest.approx(10 * replicas)
    # the busiest hour has twice the mean
    assert cost.most_users(MANY._replace(hours=(0.0, 2.0)), 3) == pytest.approx(15)
    # a user of half an hour's slots: not even one fits with room for chance, and one is the least that is asked
    assert cost.most_users(MANY._replace(hours=(40.0,)), 1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("limit", "first", "good"),
    [
        (10.0, 1, 1),  # a lone user takes 10 device-seconds a token: 2 / 0.2
        (9.9, 2, 2),
        (2.0, 5, 5),  # 5 users: 2 / 1; a little more than 10 users of 2 replicas: a little less than 4 / 2
        (1.2, 9, 42),  # 2 / (0.2 x 8.33); from 40 to 50 users 5 replicas: 10 / (0.2 x 41.7), then 12 / 10
        (1.04, 10, 241),  # k + 1 replicas for 10 k users: (k + 1) / k is 1.04 at 25 of them, for which 24.04 pay
    ],
)
def test_users_within_a_limit_first_and_for_good(limit: float, first: int, good: int) -> None:
    known = service(MANY)
    assert cost.users_within(known, limit) == first
    assert cost.users_for_good(known, limit, first) == good
    assert seconds(MANY, first) <= limit * (1 + 1e-9)
    assert all(seconds(MANY, each) <= limit * (1 + 1e-9) for each in range(good, good + 100))
    if good > 1:
        assert seconds(MANY, good - 1) > limit or good == first == 1 or seconds(MANY, good - 0.999) > limit


def test_users_who_stay_within_a_limit_are_asked_of_the_busiest_hour() -> None:
    """6.67 users fill a replica. A little above one a token takes 4 / 1.33, above two 6 / 2.67, above three 8 / 4.

    Those who are 20 stay within 2.3; of fewer it holds from 8.7 on, who make 1.74 tokens on two replicas.
    """
    known = service(MANY._replace(hours=(0.5, 1.5)))
    assert cost.users_for_good(known, 2.3, 20) == 20
    assert cost.users_for_good(known, 2.3, 1) == 9


@pytest.mark.parametrize("limit", [5.0, 2.5, 1.6, 1.3, 1.15, 1.06])
def test_users_within_a_limit_where_replicas_come_and_go(limit: float) -> None:
    """Of all whole numbers of users, tried one by one: at 6.25 users a token costs 1.6, at 7 more again."""
    following = MANY._replace(hours=(0.4, 1.0, 1.6), follows=True)
    least = next(users for users in range(1, 2000) if seconds(following, users) <= limit)
    assert cost.users_within(service(following), limit) == least
    assert cost.users_for_good(service(following), limit, least) is None


def test_no_number_of_users_makes_a_token_cheaper_than_a_full_replica() -> None:
    assert cost.users_within(service(MANY), 0.99) is None
    assert cost.users_for_good(service(MANY), 0.99, 1) is None


def test_headroom_for_chance_may_be_bought_by_more_users() -> None:
    """Of all whole numbers of users, tried one by one; ten replicas need less headroom each than one."""
    staffed = MANY._replace(waiting=0.1)
    least = next(users for users in range(1, 2000) if seconds(staffed, users) <= 1.4)
    assert cost.users_within(service(staffed), 1.4) == least


def test_the_busiest_of_a_day_and_the_rest_of_it() -> None:
    """Hours of 0.4 and of 1.6 times the mean: 12.5 users ask for 1 and for 4 tokens a second."""
    following = MANY._replace(hours=(0.4, 1.6, 0.4), follows=True)
    day = day_of(following, 12.5)
    assert (day.replicas, day.replicas_paid) == (2, pytest.approx(4 / 3))
    assert [hour.replicas for hour in day.hours] == [1, 2, 1]
    assert day.alike == (1, 2)
    assert day.tokens_per_s == pytest.approx((1 + 4 + 1) / 3)
    assert day.requests_per_s == pytest.approx((1 + 4 + 1) / 3 / 10)
    assert day.concurrent == pytest.approx(2.0)
    assert day.slowest in day.hours
    staying = day_of(following._replace(follows=False), 12.5)
    assert (staying.replicas, staying.replicas_paid) == (2, 2.0)
    # one hour in which 1 sequence on average decodes 63.2% of the time, shared by one replica or by two
    full, alone, apart = 1.0, 0.63212, 0.39347
    assert day.replicas_busy == pytest.approx((2 * full + 2 * alone) / 3, rel=1e-4)
    assert staying.replicas_busy == pytest.approx((2 * full + 4 * apart) / 3, rel=1e-4)
    assert day.batch == pytest.approx(day.concurrent / day.replicas_busy)


@pytest.mark.parametrize(
    ("follows", "low", "high", "edges"),
    [
        (False, 0, 1, [1, 6.25]),
        (False, 2, 3, [12.5, 18.75]),
        (True, 0, 1, [1, 6.25]),
        (True, 3, 5, [1, 6.25, 12.5, 18.75, 25, 31.25]),
        # an hour of a quarter of the load has its first replica full at 25 users, its second at 50
        (True, 5, 6, [1, 6.25, 12.5, 18.75, 25, 31.25, 37.5]),
    ],
)
def test_between_which_users_no_further_replica_comes(follows: bool, low: int, high: int, edges: list[float]) -> None:
    """Two slots hold 10 users of the mean hour, 6.25 of the busiest."""
    found = cost._edges(MANY._replace(hours=(0.0, 0.4, 1.6), follows=follows), low, high)
    assert sorted({round(edge, 6) for edge in found}) == edges
    assert found == sorted(found)


def test_edges_of_an_hour_that_fills_between_those_of_the_busiest() -> None:
    """Hours of 1.5 and 1 times the mean: full at 6.67, 13.3, 20 users, and at 10 and 20."""
    found = cost._edges(MANY._replace(hours=(1.0, 1.5, 0.5), follows=True), 2, 3)
    assert sorted({round(edge, 4) for edge in found}) == [1, 6.6667, 10, 13.3333, 20]


@pytest.mark.parametrize(
    ("busiest", "more"), [(7.0, {}), (2.0, {"curve": CURVE._replace(prompted=True), "patience": 7.0})]
)
def test_at_an_edge_no_further_replica_has_come(busiest: float, more: dict[str, object]) -> None:
    """A hair before it each hour has as many replicas, a hair after it one has more; one lies below two users."""
    following = MANY._replace(hours=(0.9, 1.3, busiest), follows=True, **more)  # type: ignore[arg-type]
    edges = cost._edges(following, 4, 5)
    assert 1 < edges[1] < 2
    for edge in edges[1:]:
        before, at, after = (following.counts(edge * share) for share in (1 - 1e-7, 1, 1 + 1e-7))
        assert before == at
        assert sum(after) > sum(at)


@pytest.mark.parametrize(("low", "first"), [(0, 1), (0, 2), (0, 7), (3, 4), (3, 6), (3, 7), (5, 64), (1, 1000)])
def test_the_first_count_above_another(low: int, first: int) -> None:
    """Where it holds below too, the next is the first; what holds for no count is given up."""
    assert first_count(lambda count: count >= first, low, 2000.0) == (first - 1, first)
    assert first_count(lambda _: True, low, 2000.0) == (low, low + 1)
    assert first_count(lambda _: False, low, 2000.0) is None


@pytest.mark.parametrize(("most", "found"), [(8.0, (7, 8)), (7.9, None)])
def test_a_search_for_a_count_ends(most: float, found: tuple[int, int] | None) -> None:
    """1, 2, 4 and 8 are tried from none on."""
    assert first_count(lambda count: count >= 8, 0, most) == found


def test_no_edges_are_looked_for_where_headroom_is_kept() -> None:
    assert len(cost._edges(MANY._replace(hours=(0.4, 1.6), follows=True, waiting=0.1), 2, 3)) == 2


def test_a_cost_equal_to_its_limit_does_not_exceed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "device_seconds", lambda _, day: day)
    monkeypatch.setattr(cost, "day_of", lambda _, users: users)
    assert [cost._exceeding(some_service(), 2.0)(users) for users in (1.9, 2.0, 2.1)] == [False, False, True]


@pytest.mark.parametrize(("users", "share"), [(0.4, None), (1.0, None), (50.0, 0.5)])
def test_minutes_become_the_messages_that_have_the_tokens(
    users: float, share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token a message where nothing else is said; fewer than one user stays a stream. A user streams all the day."""
    seen = []
    monkeypatch.setattr(cost, "_users_of_streams", lambda service, _: seen.append(service.fleet) or users)
    known = some_service()
    demand = known.demand._replace(minutes=1440.0, decoding_share=share, decoded=0.0)
    fleet = known.fleet._replace(fixed=5, curve=CURVE._replace(decoded=0.0))
    streams = known._replace(request=None, demand=demand, fleet=fleet)
    found, loaded = cost.of_month(streams, 365 / 12 * 100)  # a hundred tokens a day
    assert found == users
    assert seen == [fleet._replace(use=Use(decoding=share or 1.0), fixed=0, patience=3600.0)]
    if users < 1:
        assert loaded == streams
        return
    assert loaded.demand.messages == pytest.approx(100 / users)
    assert loaded.fleet.use == loaded.demand.use == (0.0, pytest.approx(100 / users / 86400))
    assert (loaded.demand.decoded, loaded.fleet.curve.decoded) == (1.0, 1.0)


def test_what_a_number_of_users_answers() -> None:
    """Five users on three replicas of two H100 (700 W) at $3.60 an hour: a token a second, of 0.1 requests."""
    known = service(fleet(fixed=3))._replace(price=3.6)
    assert known.request is not None
    row = cost.row_of(known, day_of(known.fleet, 5.0))
    expected = {
        "users": 5.0, "concurrent_users": 1.0, "batch": 1 / 3 / 0.28347, "replicas": 3, "gpus": 6,
        "busy_share": 0.28347, "tokens_per_s": 1.0, "tokens_per_s_per_user": 1.0, "tpot_s": 1.0, "ttft_s": 0.0,
        "joules_per_token": 6 * 700, "device_seconds_per_token": 6.0, "stable": True,
        # six devices of a tenth of a cent a second
        "usd_per_million_tokens": 6000, "usd_per_million_tokens_output": 6000,
        "usd_per_million_tokens_busy": 6000 * 0.28347, "usd_per_million_tokens_decode": 6000 * 0.28347,
        "usd_per_million_tokens_input": 0,
        # each second 100 tokens come in beside the one that goes out
        "usd_per_million_tokens_blended": 6000 / 101,
    }  # fmt: skip
    assert {key: row[key] for key in expected} == pytest.approx(expected, rel=1e-4)


def test_what_prompts_cost() -> None:
    """A step of 1 s takes 1.25 s with prompts: a fifth of the money goes to them; one token in nine comes with one."""
    curve = Curve((1.0, 2.0), (1.0, 1.0), (1.25, 1.25), (0.5, 0.5), decoded=8.0, prompted=True)
    known = service(fleet(curve=curve))._replace(price=3.6)
    row = cost.row_of(known, day_of(known.fleet, 5.0))
    whole = 2 * 0.001 / 0.9 * 1e6  # 0.1 requests a second of 9 tokens
    expected = {
        "usd_per_million_tokens": whole,
        "usd_per_million_tokens_output": 0.8 * whole,
        "usd_per_million_tokens_input": 0.2 * whole * 0.9 / 100,
        "usd_per_million_tokens_blended": whole * 0.9 / 100.9,
        "ttft_s": 0.5,
        "tokens_per_s": 0.9,
    }
    assert {key: row[key] for key in expected} == pytest.approx(expected)
    unpriced = cost.row_of(known._replace(price=None), day_of(known.fleet, 5.0))
    assert [unpriced[key] for key in cost.BILL] == [None] * 6


def test_an_hour_in_which_nobody_streams_is_empty() -> None:
    """A step takes 1 s at a batch of one and 3 s at two: where nothing decodes a token would take 1 s."""
    curve = Curve((1.0, 2.0), (1.0, 3.0), (1.0, 3.0), (0.0, 0.0), decoded=0.0, prompted=False)
    day = day_of(fleet(curve=curve, use=Use(decoding=0.5), hours=(0.0, 2.0)), 1.0)
    empty, full = day.hours
    assert (empty.mean, empty.busy, empty.batch, empty.itl) == (0.0, 0.0, 1.0, 1.0)
    assert (empty.tokens_per_s, empty.requests_per_s, empty.stable) == (0.0, 0.0, True)
    assert (full.mean, full.busy, full.batch, full.itl, full.tokens_per_s) == (1.0, 1.0, 1.0, 1.0, 1.0)


def test_a_service_is_held_to_nothing_unless_asked() -> None:
    assert Level() == (None, None, 1.0, False, 0, None)
    one = Fleet(CURVE, 2.0, Use(), (1.0,))
    assert one[4:] == (False, 1.0, 1.0, 0, inf, inf, False)
    assert Use() == (0.0, 0.0)


@pytest.mark.parametrize(("given", "used"), [(0.25, 0.25), (None, 1.0)])
def test_the_work_of_a_service_shows_what_a_user_is(given: float | None, used: float) -> None:
    """Ten minutes a day, of which so much decodes: 10 x 0.25 / 1440 sequences."""
    known = some_service()
    demand = known.demand._replace(minutes=10.0, decoding_share=given, messages=None)
    with recording() as calls:
        reworked_service(known._replace(demand=demand))
    (call,) = [call for call in calls if getattr(call.function, "__name__", "") == "user_concurrent"]
    assert call.inputs == {"minutes_per_day": 10.0, "decoding_share": used}
    assert call.value == pytest.approx(10 * used / 1440)


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ({"memory": 12.7}, 12.0),
        ({"memory": 0.4}, 1.0),
        ({"memory": 12.7, "chunk": 5.5}, 5.5),
        ({"memory": 3.9, "chunk": 5.5}, 3.0),
        ({"chunk": 0.5}, 1.0),
    ],
)
def test_a_batch_is_of_whole_sequences_but_for_what_chunks_carry(limits: dict[str, float], most: float) -> None:
    assert largest(limits) == most


def test_prompts_take_what_steps_with_them_take_longer() -> None:
    """A step takes 1 s, with prompts 1.25 s: a fifth of the time; each hour weighs by the time that anything runs."""
    curve = Curve((1.0, 2.0), (1.0, 1.0), (1.25, 1.25), (0.5, 0.7), decoded=8.0, prompted=True)
    day = day_of(fleet(curve=curve, hours=(1.0, 0.0)), 5.0)
    assert day.prompt_share == pytest.approx(0.2)
    assert day.kinds[0].itl == pytest.approx(1.25)
    # of two slots one is another's: a user waits for half of the prompts
    assert day.tpot == pytest.approx(1.125)
    # 0.1 requests a second in one of two hours, each of 8 tokens and one with its prompt
    assert day.requests_per_s == pytest.approx(0.05)
    assert day.tokens_per_s == pytest.approx(0.45)


@pytest.mark.parametrize(("prompted", "used"), [(True, (45 * 12 + 5 * 100) / 8000), (False, 50 * 12 / 8000)])
def test_first_tokens_are_the_work_of_prompts(prompted: bool, used: float) -> None:
    """50 tokens a second of 12 operations, or 45 beside five first ones and prompts of 100; 2 x 4 parts of 1,000."""
    work = SimpleNamespace(
        flops_per_token=lambda: 10.0, attention_flops=lambda _: 2.0, whole_prompt_flops=lambda *_: 100.0
    )
    running = SimpleNamespace(
        work=work, rack=SimpleNamespace(devices=4), rate=SimpleNamespace(fact=SimpleNamespace(value=1000.0))
    )
    service = SimpleNamespace(
        running=running,
        request=SimpleNamespace(new=8, cached=0) if prompted else None,
        fleet=SimpleNamespace(curve=SimpleNamespace(prompted=prompted)),
        context=100.0,
    )
    day = SimpleNamespace(tokens_per_s=50.0, requests_per_s=5.0, replicas_paid=2.0)
    assert cost._utilization(cast(Service, service), cast(Day, day)) == pytest.approx(used)


def test_a_share_that_rounding_lifts_above_one_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices that do all their arithmetic and read all the time, but for the last bits."""
    monkeypatch.setattr(cost.formulas.cost, "service_utilization", lambda **_: 1 + 1e-12)
    monkeypatch.setattr(cost.formulas.cost, "service_bandwidth_utilization", lambda **_: 1 + 1e-12)
    day = day_of(fleet(), 5.0)
    assert cost._utilization(some_service(), day) == cost._reads(some_service(), day) == 1.0


def test_a_month_without_a_token_reads_none() -> None:
    day = cast(Day, SimpleNamespace(tokens_per_s=0.0, requests_per_s=0.0))
    assert cost.month_tokens(some_service(), day) == 0.0


@pytest.mark.parametrize(("tokens", "users"), [(400.0, 0.4), (1500.0, 2), (2500.0, 3), (2000.1, 3)])
def test_users_of_tokens_are_whole_from_one_on(tokens: float, users: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each makes a thousand tokens a month."""
    monkeypatch.setattr(cost, "day_of", lambda _, users: users)
    monkeypatch.setattr(cost, "month_tokens", lambda _, users: 1000 * users)
    assert cost._users_of_streams(some_service(), tokens) == pytest.approx(users)
