"""A replica's curve read off between its points, by hand."""

from itertools import pairwise

import pytest

from infercost.fleet.day import LEAST, POINTS, Curve, Fleet, Use, _batches, mean_decoding

CURVE = Curve((1.0, 2.0, 4.0), (1.0, 2.0, 3.0), (1.0, 4.0, 7.0), (10.0, 20.0, 50.0), decoded=10.0, prompted=True)


def test_between_two_points_a_curve_is_straight() -> None:
    assert [CURVE.step(batch=batch) for batch in (1.0, 1.5, 2.0, 3.0, 4.0)] == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert [CURVE.itl(batch=batch) for batch in (1.0, 1.5, 2.0, 3.0, 4.0)] == [1.0, 2.5, 4.0, 5.5, 7.0]
    assert [CURVE.ttft(batch) for batch in (1.0, 1.75, 3.5)] == [10.0, 17.5, 42.5]


def test_the_share_of_prompts_is_what_they_add() -> None:
    assert CURVE.prompt_share(1.0) == 0.0
    assert CURVE.prompt_share(2.0) == pytest.approx(1 - 2 / 4)
    assert CURVE.prompt_share(4.0) == pytest.approx(1 - 3 / 7)


def test_a_users_gaps_leave_out_its_own_prompt() -> None:
    """Of B prompts in the time of a request one is its own: the others add (B - 1) / B of what all add."""
    assert CURVE.gaps == pytest.approx((1.0, 2 + 2 / 2, 3 + 4 * 3 / 4))


@pytest.mark.parametrize(("limit", "batch"), [(0.9, 0.0), (1.0, 1.0), (2.5, 1.5), (4.0, 2.0), (5.5, 3.0), (9.0, 4.0)])
def test_the_largest_batch_within_a_limit(limit: float, batch: float) -> None:
    assert CURVE.batch_within(CURVE.itls, limit) == pytest.approx(batch)


def test_where_every_batch_takes_as_long_as_it_may_the_largest_is_within() -> None:
    assert CURVE.batch_within((2.0, 2.0, 2.0), 2.0) == 4.0


def test_past_its_last_point_a_curve_goes_on_as_before_it() -> None:
    """A mean batch may lie a rounding above the most."""
    assert CURVE.step(batch=4.2) == pytest.approx(3.1)
    assert CURVE.itl(batch=4.0 * (1 + 1e-12)) == pytest.approx(7.0)


@pytest.mark.parametrize("most", [1.5, 64.0, 1e5])
def test_batches_rise_evenly_in_ratio(most: float) -> None:
    batches = _batches(most, 1)
    assert (len(batches), batches[0], batches[-1]) == (POINTS, 1.0, most)
    ratio = most ** (1 / (POINTS - 1))
    assert [after / batch for batch, after in pairwise(batches)] == pytest.approx([ratio] * (POINTS - 1))


@pytest.mark.parametrize(
    ("most", "stages", "batches"),
    [
        (12.0, 4, (1, 2, 3, 4, 8, 12)),
        (10.0, 4, (1, 2, 3, 4, 8, 10)),
        (9.5, 3, (1, 2, 3, 6, 9, 9.5)),
        (2.5, 4, (1, 2, 2.5)),
        (1.0, 1, (1, 1 + LEAST)),
        (1.0, 4, (1, 1 + LEAST)),
    ],
)
def test_stages_work_on_whole_parts_of_a_batch(most: float, stages: int, batches: tuple[float, ...]) -> None:
    """Batches smaller than the stages are worked out each; one sequence alone has a curve of two points."""
    assert _batches(most, stages) == batches
    assert len(set(batches)) == len(batches)


@pytest.mark.parametrize(
    ("itls", "kept"),
    [
        ((1.0, 1.0, 1.4, 2.2), 3),  # 1, 0.5, 0.467, 0.55 a token
        ((1.0, 1.0, 1.6, 2.2), 2),
        ((1.0, 3.0, 4.0, 5.0), 2),  # a lone sequence is cheapest: a curve has two points
        ((1.0, 1.0, 1.5, 2.0), 4),  # as cheap from two on: the largest
        ((1.0, 1.0, 1.5 * (1 + 0.5e-9), 3.0), 3),  # half a billionth dearer is rounding
        ((1.0, 1.0, 1.5 * (1 + 1.5e-9), 3.0), 2),
    ],
)
def test_a_curve_ends_at_its_cheapest_batch(itls: tuple[float, ...], kept: int) -> None:
    batches, others = (1.0, 2.0, 3.0, 4.0), (5.0, 6.0, 7.0, 8.0)
    cheapest = Curve(batches, others, itls, others, 1.0, prompted=False).cheapest()
    assert cheapest[:4] == (batches[:kept], others[:kept], itls[:kept], others[:kept])
    assert cheapest.most == batches[kept - 1]


@pytest.mark.parametrize(
    ("rates", "tops"),
    [
        ((1, 2, 3, 4), ()),
        ((1, 2, 1.5, 3), (2.0,)),
        ((1, 2, 2, 3), ()),  # as many tokens are no fewer
        ((1, 2, 2, 1), (4.0,)),
        ((2, 1, 1.5, 1), (4.0,)),  # a curve does not begin with a top
    ],
)
def test_batches_past_which_a_larger_one_makes_fewer_tokens(rates: tuple[float, ...], tops: tuple[float, ...]) -> None:
    batches, others = (1.0, 2.0, 4.0, 8.0), (1.0,) * 4
    itls = tuple(batch / rate for batch, rate in zip(batches, rates, strict=True))
    assert Curve(batches, others, itls, others, 1.0, prompted=False).tops == tops


def test_sequences_that_decode_by_littles_law() -> None:
    """Steps of a second: half a request a second of ten tokens makes five; a curve of four ends at four."""
    flat = Curve((1.0, 40.0), (1.0, 1.0), (1.0, 1.0), (0.0, 0.0), decoded=10.0, prompted=False)
    assert mean_decoding(flat, request_rate=0.5) == pytest.approx(5.0)
    assert mean_decoding(flat, request_rate=0.001) == pytest.approx(0.01)
    assert mean_decoding(flat._replace(batches=(1.0, 4.0)), request_rate=0.5) == pytest.approx(4.0)
    # steps as long as the batch while many decode, 10 x rate x B = B: any rate below a tenth has its batch below all
    rising = Curve((1.0, 100.0), (1.0, 1.0), (1.0, 10.9), (0.0, 0.0), decoded=10.0, prompted=False)
    # the step at B is 0.9 + B / 10, and 20 sequences are always busy: 10 r (0.9 + 2) = 20
    assert mean_decoding(rising, request_rate=20 / 29) == pytest.approx(20.0)


def fleet(**more: object) -> Fleet:
    one = Curve((1.0, 8.0), (1.0, 1.0), (1.0, 1.0), (0.0, 0.0), decoded=10.0, prompted=False)
    return Fleet(one, slots=8.0, use=Use(rate=0.02), hours=(1.0,))._replace(**more)  # type: ignore[arg-type]


def test_slots_and_replicas_of_an_hour() -> None:
    """A user keeps 0.2 of a slot busy: 0.02 requests a second of ten seconds each."""
    assert fleet().offered(30.0, 2.0) == pytest.approx(12.0)
    assert [fleet().slots_needed(users, 1.0) for users in (1.0, 5.0, 6.0, 41.0)] == [1, 1, 2, 9]
    assert [fleet().replicas(users, 1.0) for users in (1.0, 40.0, 41.0, 80.5)] == [1, 1, 2, 3]
    assert fleet(fixed=5).replicas(1.0, 1.0) == 5
    # 2.2 slots on a replica that carries 2.5 in the mean: none is rounded up where nobody need find one free
    assert fleet(slots=2.5).replicas(11.0, 1.0) == 1
    assert fleet(use=Use(decoding=0.5)).offered(30.0, 2.0) == pytest.approx(30.0)


def test_slots_for_chance() -> None:
    """Erlang's second formula: of 10 erlangs on 12 slots 44.9% wait, on 11 slots 68.2%; on 19 less than 1%."""
    assert fleet(waiting=0.45).slots_needed(50.0, 1.0) == 12
    assert fleet(waiting=0.01).slots_needed(50.0, 1.0) == 19
    assert fleet(waiting=0.01).replicas(50.0, 1.0) == 3


def test_replicas_of_every_hour() -> None:
    hours = (0.0, 0.5, 1.0, 2.5)
    assert fleet(hours=hours).counts(40.0) == [3, 3, 3, 3]
    assert fleet(hours=hours, follows=True).counts(40.0) == [1, 1, 1, 3]
    assert fleet(hours=hours).users_a_replica == pytest.approx(16.0)
