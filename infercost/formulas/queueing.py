"""Waiting for a slot: Erlang's formulas, square-root staffing, and arrivals that come in bursts.

``offered`` is the load in erlangs: how many slots would be busy on average if there were always one free.
"""

from functools import lru_cache
from math import ceil, erf, exp, floor, isinf, pi, sqrt

from infercost.formulas.formula import formula, solved
from infercost.numeric import last_that

#: Terms of Erlang's sum below this share of it are left out.
NEGLIGIBLE = 1e-17
#: Above so many erlangs the square-root rule is as near as a slot in ten thousand, and the search for the slot is long.
MANY = 1e5
#: Beyond so many roots nobody waits.
MOST_HEADROOM = 40.0


def erlang_b(*, offered: float, slots: int) -> float:
    """Share of arrivals that find every slot taken, where those are turned away (Erlang 1917, first formula).

    One over it is the sum of slots! / (slots - j)! / offered^j over j: the terms that count are a few times the root of
    the slots, so a million of them are no effort.
    """
    if offered <= 0:
        return 0.0 if slots else 1.0
    total = term = 1.0
    for free in range(slots, 0, -1):
        term *= free / offered
        total += term
        if term < NEGLIGIBLE * total or isinf(total):
            break
    return 1 / total


@solved(
    "wait_probability", equation="P_w = E_B / (1 - a_q / slots × (1 - E_B)), E_B Erlang's first", source="Erlang 1917"
)
def erlang_c(*, offered: float, slots: int) -> float:
    """Share of arrivals that wait, where they queue for a slot (Erlang 1917, second formula); all where none leave."""
    return 1.0 if offered >= slots else _waits(offered, slots, erlang_b(offered=offered, slots=slots))


def _waits(offered: float, slots: int, blocked: float) -> float:
    """The share of arrivals that wait, from the share that would be turned away."""
    return blocked / (1 - offered / slots * (1 - blocked))


def waiting_share(*, headroom: float) -> float:
    """Share of arrivals that wait with ``offered + headroom sqrt(offered)`` slots (Halfin, Whitt 1981)."""
    below = (1 + erf(headroom / sqrt(2))) / 2
    density = exp(-headroom * headroom / 2) / sqrt(2 * pi)
    return density / (density + headroom * below)


def headroom_for(*, wait_probability: float) -> float:
    """Roots of the offered load to add so that no larger share of arrivals waits: the Halfin-Whitt law inverted."""
    return last_that(lambda headroom: waiting_share(headroom=headroom) > wait_probability, 0.0, MOST_HEADROOM)


@formula(source="Whitt, peakedness of arrivals: renewal gaps of a coefficient of variation, long exponential service")
def peakedness(*, burstiness: float) -> float:
    """Variance over mean of the slots that bursty arrivals would hold if there were always one free."""
    return (1 + burstiness**2) / 2


@formula(source="square-root staffing: Halfin, Whitt 1981, with Hayward's peakedness")
def staffed_slots(*, offered: float, headroom: float, peakedness: float) -> float:
    """Slots that a load needs so that few arrivals wait: its mean, and some roots of its variance."""
    return offered + headroom * (peakedness * offered) ** 0.5


@formula(source="Allen, Cunneen 1978: Erlang's wait times the mean of both squared variations, exponential service")
def mean_wait(*, wait_probability: float, service_time: float, free_slots: float, peakedness: float) -> float:
    """Seconds that a request waits for a slot on average; ``free_slots`` is what the load leaves free."""
    return wait_probability * service_time / free_slots * peakedness


@solved("staffed_slots", equation="N_s is the least with which no more than P_w wait", source="Erlang 1917, Hayward")
def slots_for(*, offered: float, wait_probability: float, peakedness: float = 1.0) -> int:
    """The least slots with which no larger share of arrivals waits: exact, or by the root where they are bursty."""
    root = staffed_slots(offered=offered, headroom=_headroom(wait_probability), peakedness=max(peakedness, 1.0))
    if offered > MANY:
        return ceil(root)
    slots = _least_slots(offered, wait_probability)
    return max(slots, ceil(root)) if peakedness > 1 else slots


@lru_cache(maxsize=64)
def _headroom(wait_probability: float) -> float:
    return headroom_for(wait_probability=wait_probability)


@lru_cache(maxsize=1 << 14)
def _least_slots(offered: float, wait_probability: float) -> int:
    """The least slots with which no larger share of arrivals waits, exactly: one of Erlang's sums, then step by step.

    A slot more or less turns the share that is turned away into the next one's (Erlang's recursion).
    """
    least = floor(offered) + 1  # with as many as the load, all wait
    slots = max(least, floor(offered + _headroom(wait_probability) * sqrt(offered)))
    blocked = erlang_b(offered=offered, slots=slots)
    while slots > least:
        fewer = slots * blocked / (offered * (1 - blocked))
        if _waits(offered, slots - 1, fewer) > wait_probability:
            break
        slots, blocked = slots - 1, fewer
    while _waits(offered, slots, blocked) > wait_probability:
        slots += 1
        blocked = offered * blocked / (slots + offered * blocked)
    return slots
