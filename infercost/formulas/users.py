"""From sequences being decoded to the people who use a service, and back; how many wait."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, erf, exp, inf, pi, sqrt

from infercost.formulas.formula import LITTLE, NOTE, formula, gone, solved, total
from infercost.numeric import ceiling, last_that, maximum, minimum

#: Terms of Erlang's sum below this share of it are left out.
NEGLIGIBLE = 1e-17
#: Above so many erlangs the square-root rule is as near as a slot in ten thousand, and the search for the slot is long.
MANY = 1e5
#: Beyond so many roots nobody waits.
MOST_HEADROOM = 40.0


@formula(source=NOTE)
def users(*, concurrent_users: float, minutes_per_day: float, decoding_share: float) -> float:
    """Daily users whose minutes, spread evenly over the day, keep this many sequences being decoded."""
    return concurrent_users * 1440 / (minutes_per_day * decoding_share)


@formula(source=LITTLE)
def concurrent_users(*, users: float, minutes_per_day: float, decoding_share: float) -> float:
    """Sequences being decoded at once, mean over the day, for this many daily users."""
    return users * minutes_per_day * decoding_share / 1440


@formula(source=LITTLE)
def user_concurrent(*, minutes_per_day: float, decoding_share: float) -> float:
    """Sequences of one user being decoded at once, mean over the day."""
    return minutes_per_day * decoding_share / 1440


@formula(source="messages spread over the day")
def user_request_rate(*, messages_per_day: float) -> float:
    """Requests a second of one user, mean over the day."""
    return messages_per_day / 86400


@formula(source=LITTLE)
def people_online(*, users: float, minutes_per_day: float) -> float:
    """People with the app open at once, mean over the day."""
    return users * minutes_per_day / 1440


@formula(source="the emptiest hour holds the trough's share of the mean")
def users_at_trough(*, users: float, trough_to_mean: float) -> float:
    """Daily users who keep the concurrency even in the emptiest hour."""
    return users / trough_to_mean


@formula(source="definition of trough over mean")
def trough_concurrent(*, concurrent_users: float, trough_to_mean: float) -> float:
    """Sequences being decoded in the emptiest hour."""
    return concurrent_users * trough_to_mean


@formula(source="definition of peak over mean")
def peak_concurrent(*, concurrent_users: float, peak_to_mean: float) -> float:
    """Sequences being decoded in the busiest hour."""
    return concurrent_users * peak_to_mean


@formula(source="the trough over mean that makes users_at_trough equal the target")
def trough_for_users(*, users: float, target_users: float) -> float:
    """Trough over mean at which the target is what keeps the emptiest hour full."""
    return users / target_users


@formula(source="whole sequences of the busiest hour")
def slots_for_peak(*, peak_concurrent: float) -> int:
    """Sequences to provide for."""
    return ceiling(peak_concurrent)


@formula(source=LITTLE)
def offered_requests(
    *, users: float, user_request_rate: float, hour_load: float, decoded_tokens: float, shared_step: float
) -> float:
    """Slots that the requests of an hour would keep busy, every replica full."""
    return users * user_request_rate * hour_load * decoded_tokens * shared_step


@formula(source="minutes of streams, spread by the hours' loads")
def offered_streams(*, users: float, user_concurrent: float, hour_load: float) -> float:
    """Slots that the streams of an hour keep busy."""
    return users * user_concurrent * hour_load


@formula(source="slots of one replica over those that one user keeps busy")
def users_a_replica(*, most_batch: float, offered: float) -> float:
    """Daily users whose busiest hour fills one replica; ``offered`` is the load of one user."""
    return most_batch / offered


@formula(source="so many replicas that one more changes nothing")
def endless_users(*, endless_replicas: float, users_a_replica: float) -> float:
    """Daily users of a service that is as cheap as it gets."""
    return endless_replicas * users_a_replica


@formula(source="replicas share evenly, the last may have fewer")
def replica_sequences(*, concurrent_users: float, replicas: float) -> float:
    """Sequences in flight on one replica, at least one."""
    return maximum(ceiling(concurrent_users / replicas), 1)


@formula(source="requests of an hour, shared evenly by the replicas")
def hour_request_rate(*, users: float, user_request_rate: float, hour_load: float, replicas: float) -> float:
    """Requests a second on one replica in one hour."""
    return users * user_request_rate * hour_load / replicas


@formula(source="a replica decodes no more than its largest batch")
def held_decoding(*, mean_decoding: float, most_batch: float) -> float:
    """Sequences that decode on one replica, mean over an hour, none beyond its slots."""
    return minimum(mean_decoding, most_batch)


@formula(
    source="an M/G/infinity queue is empty e^-N of the time; a replica is busy at least as long as it takes when full"
)
def full_busy_share(*, mean_decoding: float, most_batch: float) -> float:
    """Share of an hour in which anything decodes on a replica."""
    return max(gone(mean_decoding), mean_decoding / most_batch)


@formula(source="minutes of streams, at most all of an hour")
def at_once(*, user_concurrent: float, hour_load: float) -> float:
    """Sequences of one user that decode at once in one hour."""
    return minimum(user_concurrent * hour_load, 1.0)


@formula(source=LITTLE)
def stream_decoding(*, users: float, at_once: float, replicas: float, most_batch: float) -> float:
    """Sequences that decode on one replica in one hour, where users are minutes of streams."""
    return minimum(users * at_once / replicas, most_batch)


@formula(
    source="users stream independently of each other: all pause together (1 - q)^U of the time; one at least decodes"
)
def stream_busy_share(
    *, at_once: float, users: float, replicas: float, mean_decoding: float, most_batch: float
) -> float:
    """Share of an hour in which anything decodes on a replica, where users are minutes of streams."""
    return minimum(
        maximum(1 - (1 - at_once) ** maximum(users / replicas, 1.0), mean_decoding / most_batch), mean_decoding
    )


@formula(source=LITTLE)
def hour_requests(*, mean_decoding: float, decoded_tokens: float, shared_step: float) -> float:
    """Requests a second that one replica answers in one hour."""
    return mean_decoding / (decoded_tokens * shared_step)


@formula(source="each sequence gets a token a step, and each request one with its prompt")
def hour_tokens_per_s(*, hour_decoded: float, first_tokens: float) -> float:
    """Tokens that leave one replica in a second of one hour."""
    return hour_decoded + first_tokens


@formula(source=LITTLE)
def hour_decoded(*, mean_decoding: float, shared_step: float) -> float:
    """Tokens that one replica decodes in a second of one hour."""
    return mean_decoding / shared_step


@formula(source="what a step takes longer with prompts than without")
def prompt_time_share(*, step_time: float, shared_step: float) -> float:
    """Share of the time that prompts take."""
    return 1 - step_time / shared_step


@formula(source="mean over the hours of a day")
def replicas_paid(*, hours_alike: Sequence[float], replicas_of_hour: Sequence[float], hours: float) -> float:
    """Replicas that are paid for, mean over the day."""
    return total(hours_alike, replicas_of_hour) / hours


@formula(source="mean over the hours of a day")
def replicas_busy(
    *,
    hours_alike: Sequence[float],
    hour_busy_share: Sequence[float],
    replicas_of_hour: Sequence[float],
    hours: float,
) -> float:
    """Replicas on which anything decodes, mean over the day."""
    return total(hours_alike, hour_busy_share, replicas_of_hour) / hours


@formula(source="mean over the hours of a day")
def day_concurrent(
    *, hours_alike: Sequence[float], hour_decoding: Sequence[float], replicas_of_hour: Sequence[float], hours: float
) -> float:
    """Sequences that decode at once, mean over the day."""
    return total(hours_alike, hour_decoding, replicas_of_hour) / hours


@formula(source="mean over the hours of a day")
def day_tokens_per_s(
    *, hours_alike: Sequence[float], hour_tokens: Sequence[float], replicas_of_hour: Sequence[float], hours: float
) -> float:
    """Tokens that leave all replicas in a second, mean over the day."""
    return total(hours_alike, hour_tokens, replicas_of_hour) / hours


@formula(source="mean over the hours of a day")
def day_requests(
    *, hours_alike: Sequence[float], hour_answered: Sequence[float], replicas_of_hour: Sequence[float], hours: float
) -> float:
    """Requests that all replicas answer in a second, mean over the day."""
    return total(hours_alike, hour_answered, replicas_of_hour) / hours


@formula(source="mean over all tokens of a day")
def day_itl(
    *,
    hours_alike: Sequence[float],
    hour_tpots: Sequence[float],
    hour_steps: Sequence[float],
    replicas_of_hour: Sequence[float],
) -> float:
    """Seconds between a user's tokens, mean over all tokens of a day."""
    return total(hours_alike, hour_tpots, hour_steps, replicas_of_hour) / total(
        hours_alike, hour_steps, replicas_of_hour
    )


@formula(source="mean over the busy time of a day")
def day_prompt_share(
    *,
    hours_alike: Sequence[float],
    hour_prompt_share: Sequence[float],
    hour_busy_share: Sequence[float],
    replicas_of_hour: Sequence[float],
) -> float:
    """Share of the busy time that prompts take."""
    return total(hours_alike, hour_prompt_share, hour_busy_share, replicas_of_hour) / total(
        hours_alike, hour_busy_share, replicas_of_hour
    )


@formula(source="whole replicas, each decoding its batch")
def replicas(*, slots: float, batch: float) -> int:
    """Copies of the model that decode all slots, each a batch of them."""
    return ceiling(slots / batch)


# Waiting for a slot: Erlang's formulas, square-root staffing, and arrivals that come in bursts.
#
# ``offered`` is the load in erlangs: how many slots would be busy on average if there were always one free.


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
