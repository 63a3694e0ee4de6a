"""Replicas over the hours of a day: as many as the load needs, how full they are, and what leaves them."""

from collections.abc import Iterator
from typing import NamedTuple

from infercost.fleet.curve import Curve
from infercost.formulas.queueing import erlang_c, mean_wait, slots_for
from infercost.numeric import ceiling


class Use(NamedTuple):
    """How much of the service one user is: sequences decoding, or requests a second, mean over the day; one of them."""

    decoding: float = 0.0
    rate: float = 0.0


class Fleet(NamedTuple):
    """Replicas alike, the load of each hour over the mean, and how many replicas there are for it.

    ``slots`` is the largest batch of a replica, ``follows`` whether replicas come and go with the load,
    ``waiting`` the share of requests that may wait for a slot (1: no headroom is kept for chance), ``fixed`` a count.
    """

    curve: Curve
    slots: float
    use: Use
    hours: tuple[float, ...]
    follows: bool = False
    waiting: float = 1.0
    peakedness: float = 1.0
    fixed: int = 0

    def offered(self, users: float, share: float) -> float:
        """Slots that so many users would keep busy in an hour, every replica full."""
        if self.use.rate:
            return users * self.use.rate * share * self.curve.decoded * self.curve.itl(self.slots)
        return users * self.use.decoding * share

    def slots_needed(self, users: float, share: float) -> int:
        """Slots for the load of an hour, with headroom so that few requests wait."""
        offered = self.offered(users, share)
        if self.waiting >= 1:
            return max(int(ceiling(offered)), 1)
        return slots_for(offered=offered, wait_probability=self.waiting, peakedness=self.peakedness)

    def replicas(self, users: float, share: float) -> int:
        """Replicas for the load of an hour, at least one."""
        slots = self.offered(users, share) if self.waiting >= 1 else self.slots_needed(users, share)
        return self.fixed or max(1, int(ceiling(slots / self.slots)))

    def counts(self, users: float) -> list[int]:
        """Replicas hour by hour: those of the busiest one, or as many as each needs."""
        if not self.follows:
            return [self.replicas(users, max(self.hours))] * len(self.hours)
        known = {share: self.replicas(users, share) for share in set(self.hours)}
        return [known[share] for share in self.hours]

    @property
    def users_a_replica(self) -> float:
        """Daily users whose busiest hour fills one replica, no headroom kept."""
        return self.slots / self.offered(1.0, max(self.hours))

    @property
    def hours_paid(self) -> float:
        """Replica-hours that are paid for each that is used by many users: the busiest hour over the mean, or one."""
        return 1.0 if self.follows else max(self.hours)


class Hour(NamedTuple):
    """One hour of a fleet: ``mean`` sequences decode on each replica, ``batch`` of them while any does."""

    replicas: int
    mean: float
    busy: float
    batch: float
    itl: float
    tokens_per_s: float
    requests_per_s: float
    prompt_share: float
    stable: bool


class Day(NamedTuple):
    """A day of a fleet: means over its hours, latencies as its tokens see them."""

    users: float
    hours: tuple[Hour, ...]

    def _sum(self, key: str) -> float:
        return float(sum(getattr(hour, key) * hour.replicas for hour in self.hours))

    @property
    def replicas(self) -> int:
        """Replicas in the busiest hour."""
        return max(hour.replicas for hour in self.hours)

    @property
    def replicas_paid(self) -> float:
        """Replicas that are paid for, mean over the day."""
        return sum(hour.replicas for hour in self.hours) / len(self.hours)

    @property
    def replicas_busy(self) -> float:
        """Replicas on which anything decodes, mean over the day."""
        return self._sum("busy") / len(self.hours)

    @property
    def concurrent(self) -> float:
        """Sequences that decode at once, mean over the day."""
        return self._sum("mean") / len(self.hours)

    @property
    def batch(self) -> float:
        """Sequences that a busy replica decodes together."""
        return self._sum("mean") / self._sum("busy")

    @property
    def tokens_per_s(self) -> float:
        """Tokens that leave the service, mean over the day."""
        return self._sum("tokens_per_s") / len(self.hours)

    @property
    def requests_per_s(self) -> float:
        """Requests that it answers, mean over the day."""
        return self._sum("requests_per_s") / len(self.hours)

    @property
    def itl(self) -> float:
        """Seconds between tokens, mean over all of them."""
        return self._sum("mean") / sum(hour.mean / hour.itl * hour.replicas for hour in self.hours)

    @property
    def slowest(self) -> Hour:
        """The hour in which tokens are slowest."""
        return max(self.hours, key=lambda hour: hour.itl)

    @property
    def prompt_share(self) -> float:
        """Share of the busy time that prompts take."""
        return sum(hour.prompt_share * hour.busy * hour.replicas for hour in self.hours) / self._sum("busy")

    def served(self, use: Use) -> float:
        """Share of what its users ask for that is served in the hour in which they ask."""
        done, asked = (self.requests_per_s, use.rate) if use.rate else (self.concurrent, use.decoding)
        return done / (self.users * asked)

    @property
    def stable(self) -> bool:
        """Whether the service keeps up in every hour."""
        return all(hour.stable for hour in self.hours)


def day_of(fleet: Fleet, users: float) -> Day:
    """The day of a fleet that so many users share."""
    return Day(users, tuple(_hours(fleet, users)))


def _hours(fleet: Fleet, users: float) -> Iterator[Hour]:
    known: dict[tuple[int, float], Hour] = {}
    for replicas, share in zip(fleet.counts(users), fleet.hours, strict=True):
        if (replicas, share) not in known:
            known[replicas, share] = _hour(fleet, users, replicas, share)
        yield known[replicas, share]


def _hour(fleet: Fleet, users: float, replicas: int, share: float) -> Hour:
    curve = fleet.curve
    if fleet.use.rate:
        rate = users * fleet.use.rate * share / replicas
        mean = min(curve.mean_decoding(rate), fleet.slots)
        busy = curve.busy(mean)
        stable = mean < curve.most or rate * curve.decoded * curve.itl(curve.most) <= curve.most * (1 + 1e-9)
    else:
        at_once = min(fleet.use.decoding * share, 1.0)
        mean = min(users * at_once / replicas, fleet.slots)
        stable = users * at_once / replicas <= fleet.slots * (1 + 1e-9)
        busy = max(1 - (1 - at_once) ** max(users / replicas, 1.0), mean / fleet.slots)
    batch = mean / busy if busy else 1.0
    itl = curve.itl(batch)
    requests = mean / (curve.decoded * itl) if curve.decoded else 0.0
    tokens = mean / itl + (requests if curve.prompted else 0.0)
    return Hour(replicas, mean, busy, batch, itl, tokens, requests, curve.prompt_share(batch), stable)


def wait(fleet: Fleet, users: float, replicas: int, share: float) -> tuple[float, float | None]:
    """Share of requests that wait for a slot in an hour, and the mean seconds of it: none where they only queue.

    Each is taken to hold its slot as long as on a full replica. Bursts fill so many slots at a time (Hayward).
    """
    slots, offered = int(replicas * fleet.slots), fleet.offered(users, share)
    if offered >= slots:
        return 1.0, None
    bursts = fleet.peakedness
    chance = erlang_c(offered=offered / bursts, slots=max(int(slots / bursts), 1))
    held = fleet.curve.decoded * fleet.curve.itl(fleet.slots)
    return chance, mean_wait(
        wait_probability=chance, service_time=held, free_slots=slots - offered, peakedness=fleet.peakedness
    )
