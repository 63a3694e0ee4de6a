"""Replicas over the hours of a day: as many as the load needs, how full they are, and what leaves them; their curve."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import exp, inf, log
from typing import Any, NamedTuple

from infercost import formulas
from infercost.formulas.formula import LITTLE, solved
from infercost.formulas.users import erlang_c, free_slots, mean_wait, service_time, slots_for, slots_of_replicas
from infercost.numeric import ceiling, last_that, zero_of
from infercost.parts.files import lately
from infercost.replica.serving import Request, first_token_met, ride_of, serve_batch, tpot_met
from infercost.replica.step import Replica, decode_time

#: Batches that are worked out; between two of them, a few percent apart, times are nearly straight lines.
POINTS = 200
LEAST = 1e-12
#: Costs that differ by a smaller share differ by rounding alone.
ROUNDING = 1e-9
BETWEEN = "between batches of which each was worked out"


class Curve(NamedTuple):
    """Seconds at rising batches: of a step alone, between tokens with prompts riding along, to the first token.

    ``decoded`` is how many tokens of a request are decoded one by one, 0 where there are no requests but streams;
    ``prompted`` whether one token of each comes with its prompt.
    """

    batches: tuple[float, ...]
    steps: tuple[float, ...]
    itls: tuple[float, ...]
    ttfts: tuple[float, ...]
    decoded: float
    prompted: bool

    @property
    def most(self) -> float:
        """The largest batch."""
        return self.batches[-1]

    @solved("shared_step", equation=f"ITL(B), {BETWEEN}", source="linear interpolation")
    def itl(self, *, batch: float) -> float:
        """Seconds between the tokens of a slot at a batch, all prompts riding along."""
        return self._read(self.itls, batch)

    @solved("step_time", equation=f"t(B), {BETWEEN}", source="linear interpolation")
    def step(self, *, batch: float) -> float:
        """Seconds of a step without prompts at a batch."""
        return self._read(self.steps, batch)

    def ttft(self, batch: float) -> float:
        """Seconds to the first token at a batch, no queue before it."""
        return self._read(self.ttfts, batch)

    def prompt_share(self, batch: float) -> float:
        """Share of the time that prompts take at a batch."""
        return 1 - self.step(batch=batch) / self.itl(batch=batch)

    @property
    def gaps(self) -> tuple[float, ...]:
        """Seconds between a user's tokens at each batch that stays full, prompts of the others riding along."""
        each = zip(self.batches, self.steps, self.itls, strict=True)
        return tuple(tpot_met(step, itl - step, batch) for batch, step, itl in each)

    @property
    def tops(self) -> tuple[float, ...]:
        """Batches past which a larger one makes fewer tokens, those of the largest batch apart."""
        rates = [batch / itl for batch, itl in zip(self.batches, self.itls, strict=True)]
        rising = [after > rate * (1 - ROUNDING) for rate, after in pairwise(rates)]
        turns = zip(self.batches[1:], rising, rising[1:], strict=False)
        return tuple(batch for batch, before, after in turns if before and not after)

    def batch_within(self, times: tuple[float, ...], limit: float) -> float:
        """The largest batch at which rising times are within a limit; 0 where none is."""
        if times[0] > limit:
            return 0.0
        return last_that(lambda batch: self._read(times, batch) <= limit, 1.0, self.most)

    def cheapest(self) -> "Curve":
        """The same up to its cheapest batch: a larger one may cost more, where it fills no whole part of each stage."""
        least = min(itl / batch for itl, batch in zip(self.itls, self.batches, strict=True))
        last = max(at for at, batch in enumerate(self.batches) if self.itls[at] / batch <= least * (1 + ROUNDING))
        end = max(last, 1) + 1
        return self._replace(
            batches=self.batches[:end], steps=self.steps[:end], itls=self.itls[:end], ttfts=self.ttfts[:end]
        )

    def times_at_price(self, times: float) -> tuple[float, float]:
        """Seconds between tokens and to the first at the least batch whose tokens cost so many times the least."""
        costs = [itl / batch for itl, batch in zip(self.itls, self.batches, strict=True)]
        at = next(index for index, cost in enumerate(costs) if cost <= times * min(costs))
        return self.gaps[at], self.ttfts[at]

    def _read(self, times: tuple[float, ...], batch: float) -> float:
        right = bisect_left(self.batches, batch, 1, len(self.batches) - 1)
        low, high = self.batches[right - 1], self.batches[right]
        return times[right - 1] + (times[right] - times[right - 1]) * (batch - low) / (high - low)


#: A load so little above what replicas hold is held.
CLOSE = 1e-9
#: Seconds of the busiest hour: where those who wait would wait longer on average, requests pile up in it.
PATIENCE = 3600.0
#: How many times the replicas that hold a load are tried for its waits.
MOST_TIMES = 100


class Use(NamedTuple):
    """How much of the service one user is: sequences decoding, or requests a second, mean over the day; one of them."""

    decoding: float = 0.0
    rate: float = 0.0


class Fleet(NamedTuple):
    """Replicas alike, the load of each hour over the mean, and how many replicas there are for it.

    ``slots`` is the largest batch of a replica, ``follows`` whether replicas come and go with the load,
    ``waiting`` the share of requests that may wait for a slot (1: no headroom is kept for chance), ``fixed`` a count,
    ``patience`` the seconds that a mean wait may take, of those who wait, ``max_ttft`` those of a mean first token,
    its wait included. ``closed`` is whether so many streams are there as were asked, and no others come by chance.
    """

    curve: Curve
    slots: float
    use: Use
    hours: tuple[float, ...]
    follows: bool = False
    waiting: float = 1.0
    peakedness: float = 1.0
    fixed: int = 0
    patience: float = inf
    max_ttft: float = inf
    closed: bool = False

    def seats(self, offered: float, slots: float) -> bool:
        """Whether each of the streams that were asked about has a slot of its own, where none is kept for chance."""
        return self.closed and self.waiting >= 1 and offered <= slots * (1 + CLOSE)

    def offered(self, users: float, share: float) -> float:
        """Slots that so many users would keep busy in an hour, every replica full."""
        if not self.use.rate:
            return formulas.users.offered_streams(users=users, user_concurrent=self.use.decoding, hour_load=share)
        return formulas.users.offered_requests(
            users=users,
            user_request_rate=self.use.rate,
            hour_load=share,
            decoded_tokens=self.curve.decoded,
            shared_step=self.curve.itl(batch=self.slots),
        )

    def slots_needed(self, users: float, share: float) -> int:
        """Slots for the load of an hour, with headroom so that few requests wait."""
        offered = self.offered(users, share)
        if self.waiting >= 1:
            return max(int(ceiling(offered)), 1)
        return slots_for(offered=offered, wait_probability=self.waiting, peakedness=self.peakedness)

    def replicas(self, users: float, share: float) -> int:
        """Replicas for the load of an hour, at least one."""
        if self.fixed:
            return self.fixed
        slots = self.offered(users, share) if self.waiting >= 1 else self.slots_needed(users, share)
        least = max(1, int(formulas.users.replicas(slots=slots, batch=self.slots)))
        return _in_time(self, users, share, replicas=least) or least

    @property
    def waits(self) -> bool:
        """Whether its waits have an end: requests that queue for slots."""
        return self.curve.prompted and min(self.patience, self.max_ttft) < inf

    def counts(self, users: float) -> list[int]:
        """Replicas hour by hour: those of the busiest one, or as many as each needs."""
        if not self.follows:
            return [self.replicas(users, max(self.hours))] * len(self.hours)
        known = {share: self.replicas(users, share) for share in set(self.hours)}
        return [known[share] for share in self.hours]

    @property
    def users_a_replica(self) -> float:
        """Daily users whose busiest hour fills one replica, no headroom kept."""
        one = self.offered(1.0, max(self.hours))
        return formulas.users.users_a_replica(most_batch=self.slots, offered=one)


class Hour(NamedTuple):
    """One hour of a fleet: ``mean`` sequences decode on each replica, ``batch`` of them while any does.

    ``itl`` is the time between tokens of a slot, all prompts riding along, ``tpot`` that of a user, who waits for those
    of others.
    """

    replicas: int
    mean: float
    busy: float
    batch: float
    itl: float
    tpot: float
    decoded: float
    tokens_per_s: float
    requests_per_s: float
    prompt_share: float
    stable: bool


class Day(NamedTuple):
    """A day of a fleet: means over its hours, latencies as its tokens see them; ``alike`` counts hours of each kind."""

    users: float
    hours: tuple[Hour, ...]
    alike: tuple[int, ...]
    kinds: tuple[Hour, ...]

    @property
    def _counts(self) -> dict[str, Any]:
        """The hours of each kind, and their replicas."""
        return {"hours_alike": self.alike, "replicas_of_hour": _replicas_of(self.kinds)}

    @property
    def replicas(self) -> int:
        """Replicas in the busiest hour."""
        return max(hour.replicas for hour in self.kinds)

    @property
    def replicas_paid(self) -> float:
        """Replicas that are paid for, mean over the day."""
        return formulas.users.replicas_paid(**self._counts, hours=len(self.hours))

    @property
    def replicas_busy(self) -> float:
        """Replicas on which anything decodes, mean over the day."""
        return formulas.users.replicas_busy(**self._counts, hour_busy_share=_busy_of(self.kinds), hours=len(self.hours))

    @property
    def concurrent(self) -> float:
        """Sequences that decode at once, mean over the day."""
        return formulas.users.day_concurrent(
            **self._counts, hour_decoding=_decoding_of(self.kinds), hours=len(self.hours)
        )

    @property
    def batch(self) -> float:
        """Sequences that a busy replica decodes together."""
        return self.concurrent / self.replicas_busy

    @property
    def tokens_per_s(self) -> float:
        """Tokens that leave the service, mean over the day."""
        return formulas.users.day_tokens_per_s(
            **self._counts, hour_tokens=_tokens_of(self.kinds), hours=len(self.hours)
        )

    @property
    def requests_per_s(self) -> float:
        """Requests that it answers, mean over the day."""
        return formulas.users.day_requests(
            **self._counts, hour_answered=_answered_of(self.kinds), hours=len(self.hours)
        )

    @property
    def tpot(self) -> float:
        """Seconds between a user's tokens, mean over all of them."""
        return formulas.users.day_itl(
            **self._counts, hour_tpots=_tpots_of(self.kinds), hour_steps=_steps_of(self.kinds)
        )

    @property
    def slowest(self) -> Hour:
        """The hour in which tokens are slowest."""
        return max(self.hours, key=lambda hour: hour.tpot)

    @property
    def prompt_share(self) -> float:
        """Share of the busy time that prompts take."""
        prompts, busy = _prompts_of(self.kinds), _busy_of(self.kinds)
        return formulas.users.day_prompt_share(**self._counts, hour_prompt_share=prompts, hour_busy_share=busy)

    @property
    def stable(self) -> bool:
        """Whether the service keeps up in every hour."""
        return all(hour.stable for hour in self.hours)


EACH = "as in the busiest hour, for each kind of hour"


def _of_each(quantity: str, equation: str) -> Callable[[Callable[[Sequence[Hour]], list[float]]], Callable[..., Any]]:
    """A figure of each kind of hour, of which ``--steps`` shows the busiest alone."""
    return solved(quantity, equation=equation, source=EACH)


_replicas_of = _of_each("replicas_of_hour", "G")(lambda kinds: [hour.replicas for hour in kinds])
_busy_of = _of_each("hour_busy_share", "b_t")(lambda kinds: [hour.busy for hour in kinds])
_decoding_of = _of_each("hour_decoding", "N_h")(lambda kinds: [hour.mean for hour in kinds])
_tokens_of = _of_each("hour_tokens", "r_h")(lambda kinds: [hour.tokens_per_s for hour in kinds])
_answered_of = _of_each("hour_answered", "λ_a")(lambda kinds: [hour.requests_per_s for hour in kinds])
_prompts_of = _of_each("hour_prompt_share", "s_pr")(lambda kinds: [hour.prompt_share for hour in kinds])
_tpots_of = _of_each("hour_tpots", "TPOT")(lambda kinds: [hour.tpot for hour in kinds])
_steps_of = _of_each("hour_steps", "v_h")(lambda kinds: [hour.decoded for hour in kinds])


def day_of(fleet: Fleet, users: float) -> Day:
    """The day of a fleet that so many users share, the busiest of its kinds of hours first."""
    asked = [*zip(fleet.counts(users), fleet.hours, strict=True)]
    busiest = max(asked, key=lambda each: each[1])
    alike = Counter([busiest, *asked])
    alike[busiest] -= 1
    known = {kind: _kept(fleet, users, _hour(fleet, users, *kind), kind) for kind in alike}
    return Day(users, tuple(known[each] for each in asked), (*alike.values(),), (*known.values(),))


def _kept(fleet: Fleet, users: float, hour: Hour, kind: tuple[int, float]) -> Hour:
    """The hour, not stable where those who wait for a slot wait longer than they may."""
    late = fleet.waits and kind[1] > 0 and not patient(fleet, users, *kind)
    return hour._replace(stable=False) if late else hour


def reworked_day(fleet: Fleet, day: Day) -> Day:
    """The same day, its busiest hour worked out again: what ``--steps`` shows of it."""
    load = max(fleet.hours)
    busiest = _hour(fleet, day.users, fleet.replicas(day.users, load), load)
    return day._replace(kinds=(busiest, *day.kinds[1:]))


def best_of_day(fleet: Fleet) -> Fleet:
    """The same fleet, each replica full at the load of the busiest hour at which a day of streams makes most tokens.

    Where steps with prompts leap, as past the last batch that an engine captured, the largest batch may be the best of
    the busiest hour and bring the hours beside it past the leap.
    """
    if not fleet.curve.tops or fleet.use.rate or fleet.follows or fleet.fixed:
        return fleet
    busiest = max(fleet.hours)
    one = fleet.offered(1.0, busiest)

    def tokens(slots: float) -> float:
        return day_of(fleet._replace(slots=slots, fixed=1), slots / one).tokens_per_s

    def batch(slots: float, load: float) -> float:
        mean, busy, _ = _streaming(fleet, slots / one, 1, load)
        return formulas.request.busy_batch(mean_decoding=mean, busy_share=busy)

    def turn(load: float, top: float) -> float:
        return zero_of(lambda slots: top - batch(slots, load), CLOSE, top * busiest / load)

    turns = [turn(load, top) for top in fleet.curve.tops for load in {*fleet.hours} - {0.0}]
    return fleet._replace(slots=max((fleet.slots, *(slots for slots in turns if slots < fleet.slots)), key=tokens))


def _hour(fleet: Fleet, users: float, replicas: int, share: float) -> Hour:
    curve = fleet.curve
    decoding = _decoding if fleet.use.rate else _streaming
    mean, busy, stable = decoding(fleet, users, replicas, share)
    batch = formulas.request.busy_batch(mean_decoding=mean, busy_share=busy) if busy else 1.0
    itl = curve.itl(batch=batch)
    requests = 0.0
    if curve.decoded:
        requests = formulas.users.hour_requests(mean_decoding=mean, decoded_tokens=curve.decoded, shared_step=itl)
    decoded = formulas.users.hour_decoded(mean_decoding=mean, shared_step=itl)
    tokens = formulas.users.hour_tokens_per_s(hour_decoded=decoded, first_tokens=requests if curve.prompted else 0.0)
    step = curve.step(batch=batch)
    # kernels of many rows may take a prompt and its batch sooner than the batch alone: then prompts cost nothing
    prompts = max(formulas.users.prompt_time_share(step_time=step, shared_step=itl), 0.0)
    tpot = tpot_met(step, formulas.request.prompts_gap(shared_step=itl, step_time=step), fleet.slots, busy)
    return Hour(replicas, mean, busy, batch, itl, tpot, decoded, tokens, requests, prompts, stable)


def _decoding(fleet: Fleet, users: float, replicas: int, share: float) -> tuple[float, float, bool]:
    """Sequences that decode on a replica in an hour of requests, how long any does, and whether it keeps up."""
    curve = fleet.curve
    rate = formulas.users.hour_request_rate(
        users=users, user_request_rate=fleet.use.rate, hour_load=share, replicas=replicas
    )
    mean = formulas.users.held_decoding(mean_decoding=mean_decoding(curve, request_rate=rate), most_batch=fleet.slots)
    stable = mean < curve.most or rate * curve.decoded * curve.itl(batch=curve.most) <= curve.most * (1 + CLOSE)
    return mean, formulas.users.full_busy_share(mean_decoding=mean, most_batch=curve.most), stable


def _streaming(fleet: Fleet, users: float, replicas: int, share: float) -> tuple[float, float, bool]:
    """The same in an hour of streams."""
    at_once = formulas.users.at_once(user_concurrent=fleet.use.decoding, hour_load=share)
    mean = formulas.users.stream_decoding(users=users, at_once=at_once, replicas=replicas, most_batch=fleet.slots)
    busy = formulas.users.stream_busy_share(
        at_once=at_once, users=users, replicas=replicas, mean_decoding=mean, most_batch=fleet.slots
    )
    return mean, busy, users * at_once / replicas <= fleet.slots * (1 + CLOSE)


def wait(fleet: Fleet, users: float, replicas: int, share: float) -> tuple[float, float | None]:
    """Share of requests that wait for a slot in an hour, and the mean seconds of it: none where they only queue.

    Each is taken to hold its slot as long as on a full replica. Bursts fill so many slots at a time (Hayward). Of a
    closed loop of no more streams than slots none waits.
    """
    slots = slots_of_replicas(replicas=replicas, most_batch=fleet.slots)
    offered = fleet.offered(users, share)
    if fleet.seats(offered, slots):
        return 0.0, 0.0
    if offered >= slots:
        return 1.0, None
    chance = erlang_c(offered=offered, slots=slots, peakedness=fleet.peakedness)
    return chance, _mean_wait(fleet, slots, offered, chance)


def _mean_wait(fleet: Fleet, slots: float, offered: float, chance: float) -> float:
    """Mean seconds that a request waits for a slot, of which each is taken as long as on a full replica."""
    held = service_time(decoded_tokens=fleet.curve.decoded, shared_step=fleet.curve.itl(batch=fleet.slots))
    free = free_slots(slots=slots, offered=offered)
    return mean_wait(wait_probability=chance, service_time=held, free_slots=free, peakedness=fleet.peakedness)


def patient(fleet: Fleet, users: float, replicas: int, share: float) -> bool:
    """Whether those who wait for a slot in an hour wait no longer than they may."""
    slots, offered = slots_of_replicas(replicas=replicas, most_batch=fleet.slots), fleet.offered(users, share)
    if fleet.seats(offered, slots) or offered >= slots:
        return fleet.seats(offered, slots)
    return _mean_wait(fleet, slots, offered, 1.0) <= fleet.patience


def first_token(fleet: Fleet, users: float, replicas: int, share: float) -> float:
    """Mean seconds to the first token in an hour, the wait for a slot included; endless where requests only queue."""
    _, waiting = wait(fleet, users, replicas, share)
    if waiting is None:
        return inf
    return fleet.curve.ttft(_hour(fleet, users, replicas, share).batch) + waiting


def worst_first_token(fleet: Fleet, day: Day) -> float:
    """The longest mean time to the first token of an hour, its wait for a slot included."""
    kinds = {(hour.replicas, load) for hour, load in zip(day.hours, fleet.hours, strict=True) if load}
    return max(first_token(fleet, day.users, *kind) for kind in kinds)


def serves(fleet: Fleet, users: float, replicas: int, share: float) -> bool:
    """Whether so many replicas that hold the load of an hour keep its waits within their limits."""
    if not patient(fleet, users, replicas, share):
        return False
    return fleet.max_ttft == inf or first_token(fleet, users, replicas, share) <= fleet.max_ttft


@solved("replicas", equation="the fewest with which waits for a slot keep their limits", source="Erlang 1917, Hayward")
def _in_time(fleet: Fleet, users: float, share: float, *, replicas: int) -> int | None:
    """The fewest replicas, no fewer than hold the load, whose waits keep their limits; None where those do, or none."""
    if not fleet.waits or serves(fleet, users, replicas, share):
        return None
    counts = first_count(lambda count: serves(fleet, users, count, share), replicas, MOST_TIMES * replicas)
    return counts and counts[1]


def first_count(holds: Callable[[int], bool], low: int, most: float) -> tuple[int, int] | None:
    """A count and the next, the first above ``low`` for which a condition holds; None past ``most``."""
    high = low + 1
    while not holds(high):
        low, high = high, 2 * high
        if high > most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low, high


def enough(fleet: Fleet, users: float, replicas: int, share: float) -> bool:
    """Whether so many replicas are as many as the load of an hour needs."""
    if fleet.fixed:
        return fleet.fixed <= replicas
    alone = fleet._replace(patience=inf, max_ttft=inf)
    if alone.replicas(users, share) > replicas:
        return False
    return not fleet.waits or serves(fleet, users, replicas, share)


def staffed_wait(fleet: Fleet, users: float, share: float) -> float:
    """Share of requests that wait for a slot in an hour with the very slots that its load needs, and no more."""
    slots, offered = fleet.slots_needed(users, share), fleet.offered(users, share)
    return erlang_c(offered=offered, slots=slots, peakedness=fleet.peakedness)


class Waits(NamedTuple):
    """The largest share that waits in any hour, and the longest mean wait of one; None where they only queue.

    ``hours`` are those that have them: their replicas and loads.
    """

    chance: float
    seconds: float | None
    hours: tuple[tuple[int, float], ...]


def worst_waits(fleet: Fleet, day: Day) -> Waits:
    """Who waits in the worst hour of a day, which need not be the busiest where replicas come and go."""
    kinds = {(hour.replicas, load) for hour, load in zip(day.hours, fleet.hours, strict=True) if load}
    if not fleet.follows:
        kinds = {max(kinds, key=lambda kind: kind[1])}
    waits = {kind: wait(fleet, day.users, *kind) for kind in kinds}
    likely = max(kinds, key=lambda kind: waits[kind][0])
    longest = max(kinds, key=lambda kind: inf if (seconds := waits[kind][1]) is None else seconds)
    return Waits(waits[likely][0], waits[longest][1], (likely, longest))


# One replica at every batch: what a user sees, worked out once and read off for any load.


@solved("mean_decoding", equation="N_d = λ × O_d × ITL(N_d / b_t)", source=LITTLE)
def mean_decoding(curve: Curve, *, request_rate: float) -> float:
    """Sequences that decode on average where so many requests arrive a second, by Little's law."""
    most, held = curve.most, request_rate * curve.decoded
    busy_share = formulas.users.full_busy_share

    def excess(mean: float) -> float:
        return held * curve.itl(batch=mean / busy_share(mean_decoding=mean, most_batch=most)) - mean

    return zero_of(excess, LEAST, most)


def _batches(most: float, stages: int) -> tuple[float, ...]:
    """Rising batches from one to the most, evenly in ratio; stages work on whole parts of a batch, all alike."""
    if most <= 1:
        return 1.0, 1.0 + LEAST
    even = [exp(log(most) * index / (POINTS - 1)) for index in range(POINTS - 1)]
    if stages > 1:
        few = map(float, range(1, min(stages, int(most)) + 1))
        whole = {batch // stages * stages for batch in (*even, most)} - {0.0}
        return tuple(sorted({*few, *whole, float(most)}))
    return (*even, float(most))


@lately
def curve_of(replica: Replica, most: float, request: Request | None, context: float, decoded: float) -> Curve:
    """The curve of a replica up to a batch, for requests or for streams of tokens at a context."""
    batches = _batches(most, replica.work.layout.pp)
    steps = tuple(decode_time(replica, batch, request.context if request else context) for batch in batches)
    if request is None:
        return Curve(batches, steps, steps, steps, decoded, prompted=False)
    itls, firsts = zip(*(_joined(replica, *each, request) for each in zip(batches, steps, strict=True)), strict=True)
    return Curve(batches, steps, itls, firsts, request.decoded, prompted=True)


def _joined(replica: Replica, batch: float, step: float, request: Request) -> tuple[float, float]:
    """Seconds between tokens and to a first one of a batch that prompts join, whose step takes so long without them."""
    ride = ride_of(replica, batch, request, step) if replica.timing else None
    return serve_batch(replica, batch, request, ride=ride).itl, first_token_met(replica, batch, request, ride)
