"""Waiting for a slot: Erlang's formulas, square-root staffing, and arrivals that come in bursts.

``offered`` is the load in erlangs: how many slots would be busy on average if there were always one free.
"""

from functools import lru_cache
from math import ceil, erf, exp, inf, pi, sqrt

from infercost.formulas.formula import formula, solved
from infercost.numeric import last_that

#: Terms of Erlang's sum below this share of it are left out.
NEGLIGIBLE = 1e-17
#: Above so many erlangs the square-root rule is as near as a slot in ten thousand, and the search for the slot is long.
MANY = 1e5
#: Beyond so many roots nobody waits.
MOST_HEADROOM = 40.0


@solved(
    "blocked_share",
    equation="1 / E_B = Σ_j N! / (N - j)! / a^j, a = a_q / z, N = slots / z",
    source="Erlang 1917, first formula; Hayward's peakedness; between whole N the parabola of Rapp 1964",
)
def erlang_b(*, offered: float, slots: float, peakedness: float = 1.0) -> float:
    """Share of arrivals that find every slot taken, where those are turned away (Erlang 1917, first formula).

    The terms that count are a few times the root of the slots, so a million of them are no effort.
    """
    offered, free = offered / peakedness, slots / peakedness
    if offered <= 0:
        return 0.0 if slots else 1.0
    total, term = 0.0, 1.0
    while free >= 1:
        total += term
        if term < NEGLIGIBLE * total or total == inf:
            return 1 / total
        term *= free / offered
        free -= 1
    return 1 / (total + term / _blocked_below_one(offered, free))


def _blocked_below_one(offered: float, slots: float) -> float:
    """Erlang's first formula for less than a slot: a parabola that goes on smoothly from one slot on (Rapp 1964)."""
    bend = 1 / ((1 + offered) ** 2 + offered)
    return 1 - slots * (offered + 2) * bend + slots**2 * bend / (1 + offered)


@formula(source="Erlang 1917, second formula")
def wait_probability(*, blocked_share: float, offered: float, slots: float) -> float:
    """Share of arrivals that wait for a slot, from the share that would be turned away."""
    return blocked_share / (1 - offered / slots * (1 - blocked_share))


def erlang_c(*, offered: float, slots: float, peakedness: float = 1.0) -> float:
    """Share of arrivals that wait, where they queue for a slot and may come in bursts; all where none leave.

    Of very many slots by the law of roots.
    """
    if offered >= slots:
        return 1.0
    if offered > MANY * peakedness:
        return waiting_share(headroom=headroom(offered=offered, slots=slots, peakedness=peakedness))
    blocked = erlang_b(offered=offered, slots=slots, peakedness=peakedness)
    return wait_probability(blocked_share=blocked, offered=offered, slots=slots)


@formula(source="square-root staffing turned round: Halfin, Whitt 1981, with Hayward's peakedness")
def headroom(*, offered: float, slots: float, peakedness: float) -> float:
    """Roots of the variance of a load that slots have beyond its mean."""
    return (slots - offered) / (peakedness * offered) ** 0.5


@solved(
    "wait_probability", equation="P_w = φ(β_q) / (φ(β_q) + β_q Φ(β_q)), φ the normal law", source="Halfin, Whitt 1981"
)
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


@formula(source="one pool of the slots of all replicas")
def slots_of_replicas(*, replicas: float, most_batch: float) -> float:
    """Slots of a pool of replicas."""
    return replicas * most_batch


@formula(source="slots that no request holds on average")
def free_slots(*, slots: float, offered: float) -> float:
    """Slots that a load leaves free on average."""
    return slots - offered


@formula(source="a token a step; as long as on a full replica")
def service_time(*, decoded_tokens: float, shared_step: float) -> float:
    """Seconds that a request holds its slot."""
    return decoded_tokens * shared_step


@formula(source="Allen, Cunneen 1978: Erlang's wait times the mean of both squared variations, exponential service")
def mean_wait(*, wait_probability: float, service_time: float, free_slots: float, peakedness: float) -> float:
    """Seconds that a request waits for a slot on average; ``free_slots`` is what the load leaves free."""
    return wait_probability * service_time / free_slots * peakedness


@solved("staffed_slots", equation="N_s is the least with which no more than P_w wait", source="Erlang 1917, Hayward")
def slots_for(*, offered: float, wait_probability: float, peakedness: float = 1.0) -> int:
    """The least slots with which no larger share of arrivals waits, by the very formula that tells who waits."""
    return _least_slots(offered, wait_probability, peakedness)


@lru_cache(maxsize=64)
def _headroom(wait_probability: float) -> float:
    return headroom_for(wait_probability=wait_probability)


@lru_cache(maxsize=1 << 14)
def _least_slots(offered: float, wait_probability: float, peakedness: float) -> int:
    """The least slots with which no larger share of arrivals waits: from those of the root, ever further, then between.

    With as many slots as the load, or fewer, all wait.
    """

    def enough(slots: int) -> bool:
        return erlang_c(offered=offered, slots=slots, peakedness=peakedness) <= wait_probability

    root = staffed_slots(offered=offered, headroom=_headroom(wait_probability), peakedness=peakedness)
    low, high, stride = int(offered), max(int(offered) + 1, ceil(root)), ceil(peakedness)
    while not enough(high):
        low, high, stride = high, high + stride, 2 * stride
    while high - stride > low:
        if not enough(high - stride):
            low = high - stride
            break
        high, stride = high - stride, 2 * stride
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
