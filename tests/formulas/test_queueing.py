"""Erlang's formulas against published values: a recurrence, a 40-digit sum and pyworkforce 0.5.1 agree on them."""

from math import exp, log1p, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infercost.formulas.users import erlang_b, erlang_c, headroom_for, slots_for, waiting_share

#: Offered load, servers, share that waits.
WAITING = [
    (1, 2, 1 / 3), (2, 3, 4 / 9), (2.5, 5, 0.130371), (4.5, 6, 0.421652), (6, 10, 0.101299), (8, 10, 0.409180),
    (10, 11, 0.682118), (10, 12, 0.449388), (20, 22, 0.567915), (20, 25, 0.209103), (50, 55, 0.384547),
    (100, 110, 0.237008), (100, 120, 0.033196), (1000, 1032, 0.223063),
]  # fmt: skip
BLOCKED = [
    (10, 10, 0.214582), (10, 12, 0.119739), (5, 10, 0.018385), (20, 30, 0.008457), (100, 117, 0.009790), (2, 3, 4 / 19),
]  # fmt: skip


@pytest.mark.parametrize(("offered", "slots", "expected"), WAITING)
def test_the_share_that_waits(offered: float, slots: int, expected: float) -> None:
    assert erlang_c(offered=offered, slots=slots) == pytest.approx(expected, abs=6e-7)


@pytest.mark.parametrize(("offered", "slots", "expected"), BLOCKED)
def test_the_share_that_is_turned_away(offered: float, slots: int, expected: float) -> None:
    assert erlang_b(offered=offered, slots=slots) == pytest.approx(expected, abs=6e-7)


@given(st.floats(0.01, 300), st.integers(1, 300))
def test_the_sum_is_the_textbook_recurrence(offered: float, slots: int) -> None:
    """B(0) = 1; B(i) = a B(i-1) / (i + a B(i-1))."""
    blocked = 1.0
    for i in range(1, slots + 1):
        blocked = offered * blocked / (i + offered * blocked)
    assert erlang_b(offered=offered, slots=slots) == pytest.approx(blocked, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("offered", [0.2, 1.0, 7.5])
def test_less_than_a_slot_lies_on_the_parabola_that_goes_on_smoothly(offered: float) -> None:
    """Rapp 1964: 1 of no slot, a / (1 + a) of one, and there as steep as the recurrence goes on; three points tell it.

    Its published coefficients: C1 = -(a + 2) / ((1 + a)² + a), C2 = 1 / (1 + a) / ((1 + a)² + a).
    """
    hair, one = 1e-5, offered / (1 + offered)
    before, after = (erlang_b(offered=offered, slots=1 + each) for each in (-hair, hair))
    assert erlang_b(offered=offered, slots=hair) == pytest.approx(1.0, abs=1e-4)
    assert erlang_b(offered=offered, slots=1) == pytest.approx(one)
    assert (one - before) / hair == pytest.approx((after - one) / hair, rel=1e-3)
    below = (1 + offered) ** 2 + offered
    half = 1 - 0.5 * (offered + 2) / below + 0.25 / (1 + offered) / below
    assert erlang_b(offered=offered, slots=0.5) == pytest.approx(half)


def test_nobody_is_turned_away_where_nobody_comes() -> None:
    assert (erlang_b(offered=0.0, slots=3), erlang_b(offered=0.0, slots=0)) == (0.0, 1.0)


@pytest.mark.parametrize(("headroom", "expected"), [(0.5, 0.505), (1, 0.22336127479826076), (2, 0.027)])
def test_a_million_servers_follow_the_law_of_roots(headroom: float, expected: float) -> None:
    """Halfin and Whitt 1981: with a + headroom sqrt(a) servers the share that waits depends on the headroom alone."""
    assert waiting_share(headroom=headroom) == pytest.approx(expected, rel=0.02)
    offered = 1_000_000 - headroom * sqrt(1_000_000)
    assert erlang_c(offered=offered, slots=1_000_000) == pytest.approx(waiting_share(headroom=headroom), rel=5e-3)


@pytest.mark.parametrize(("share", "roots"), [(0.5, 0.506), (0.2, 1.062), (0.1, 1.420), (0.05, 1.740), (0.01, 2.375)])
def test_the_headroom_for_a_share(share: float, roots: float) -> None:
    assert headroom_for(wait_probability=share) == pytest.approx(roots, abs=6e-4)


@pytest.mark.parametrize(("offered", "slots"), [(10, 19), (100, 125), (1000, 1077), (10_000, 10_239)])
def test_slots_so_that_one_in_a_hundred_waits(offered: float, slots: int) -> None:
    assert slots_for(offered=offered, wait_probability=0.01) == slots


@pytest.mark.parametrize(("peakedness", "slots"), [(1, 1077), (4, 1151), (16, 1301)])
def test_bursts_need_more_slots(peakedness: float, slots: int) -> None:
    """The square-root rule, a lower bound, gives these; Erlang's sum a hundredth and a half more at most."""
    assert slots <= slots_for(offered=1000, wait_probability=0.01, peakedness=peakedness) <= 1.015 * slots


def blocked_by_integral(offered: float, slots: float) -> float:
    """Erlang's first formula of any number of slots: 1 / E_B = a times the integral of e^-at (1 + t)^N (Simpson)."""
    end = max(slots / offered - 1, 0) + (60 + 12 * sqrt(slots)) / offered
    each = end / 20_000
    parts = [exp(-offered * i * each + slots * log1p(i * each)) for i in range(20_001)]
    return 3 / offered / each / (parts[0] + parts[-1] + 4 * sum(parts[1:-1:2]) + 2 * sum(parts[2:-1:2]))


@pytest.mark.parametrize(("offered", "peakedness"), [(1000, 4), (1000, 16), (100, 5), (20, 5), (243.8, 13)])
def test_slots_of_bursts_by_the_integral(offered: float, peakedness: float) -> None:
    slots = slots_for(offered=offered, wait_probability=0.01, peakedness=peakedness)
    for count, enough in ((slots, True), (slots - 1, False)):
        blocked = blocked_by_integral(offered / peakedness, count / peakedness)
        assert (blocked / (1 - offered / count * (1 - blocked)) <= 0.01) is enough


@pytest.mark.parametrize(("offered", "slots"), [(2, 3.3), (5, 2.5), (50, 60.7), (700, 720.5)])
def test_parts_of_slots_by_the_integral(offered: float, slots: float) -> None:
    expected = blocked_by_integral(offered, slots)
    assert erlang_b(offered=offered, slots=slots) == pytest.approx(expected, rel=1e-3)


@given(st.floats(0.01, 1e7), st.floats(1e-4, 0.9), st.floats(1, 50))
def test_who_waits_on_the_slots_that_are_staffed_is_no_more_than_may(
    offered: float, share: float, peakedness: float
) -> None:
    slots = slots_for(offered=offered, wait_probability=share, peakedness=peakedness)
    assert erlang_c(offered=offered, slots=slots, peakedness=peakedness) <= share
    assert erlang_c(offered=offered, slots=slots - 1, peakedness=peakedness) > share


@pytest.mark.parametrize(
    ("slots", "loads"),
    [(16, (0.747, 0.674, 0.614, 0.506)), (64, (0.870, 0.830, 0.795, 0.728)), (256, (0.934, 0.913, 0.894, 0.858))],
)
def test_the_highest_load_of_a_pool(slots: int, loads: tuple[float, ...]) -> None:
    for load, share in zip(loads, (0.2, 0.1, 0.05, 0.01), strict=True):
        assert slots_for(offered=(load - 6e-4) * slots, wait_probability=share) <= slots
        assert slots_for(offered=(load + 6e-4) * slots, wait_probability=share) > slots


@given(st.floats(0.1, 5000), st.sampled_from([0.5, 0.1, 0.01]), st.floats(1, 20))
def test_the_slots_are_enough_and_one_less_is_not(offered: float, share: float, peakedness: float) -> None:
    slots = slots_for(offered=offered, wait_probability=share)
    assert erlang_c(offered=offered, slots=slots) <= share < erlang_c(offered=offered, slots=slots - 1)
    assert slots_for(offered=offered, wait_probability=share, peakedness=peakedness) >= slots


@given(st.floats(0.1, 200), st.integers(1, 200))
def test_more_slots_never_make_more_wait(offered: float, slots: int) -> None:
    assert erlang_c(offered=offered, slots=slots + 1) <= erlang_c(offered=offered, slots=slots)
