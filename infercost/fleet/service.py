"""A service on replicas of one deployment: the largest batch that each limit allows, and the fleet for its users."""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.fleet.day import PATIENCE, Curve, Fleet, Use, best_of_day, curve_of
from infercost.formulas.formula import solved
from infercost.formulas.queueing import peakedness
from infercost.numeric import ceiling
from infercost.parts.traffic import Shape
from infercost.quantities import KEYS
from infercost.replica.serving import Request, fullest
from infercost.replica.step import Running, full_batch, reworked
from infercost.units import show

#: What holds the batch of a replica back, in words.
LIMITS = {
    "arithmetic": "arithmetic takes as long as reads",
    "memory": "memory holds no more",
    "engine": "the engine's limit",
    "chunk": "prompts fill the chunks",
    "latency": "the time between tokens allows no more",
    "first token": "the time to the first token allows no more",
    "cost": "a larger one makes a token dearer",
}

#: The hours of a replica that are paid where its electricity alone is.
BUSY = "busy hours"


class Demand(NamedTuple):
    """How much of a service one user is, when, and how tidily requests arrive.

    ``decoded`` are the tokens of a message that are decoded one by one, 0 where users are minutes of streams.
    """

    use: Use
    shape: Shape
    burstiness: float
    minutes: float | None = None
    decoding_share: float | None = None
    decoded: float = 0.0
    messages: float | None = None


class Level(NamedTuple):
    """How well users are to be served: limits on latency and on waiting, and how many replicas there may be.

    ``waiting`` is the share of requests that may wait for a slot (1: no headroom is kept), ``follows`` whether replicas
    come and go with the load, ``replicas`` a fixed count of them or 0, ``sequences`` the most that an engine runs.
    """

    max_tpot: float | None = None
    max_ttft: float | None = None
    waiting: float = 1.0
    follows: bool = False
    replicas: int = 0
    sequences: float | None = None


class Service(NamedTuple):
    """One service on one part: ``limits`` are largest batches by what allows no more, ``price`` USD a device-hour.

    ``missed`` is the start of a verdict on a limit that not even one user meets, with the least possible;
    ``electric`` is whether the price is electricity alone, which is paid while a replica works.
    """

    running: Running
    request: Request | None
    demand: Demand
    level: Level
    fleet: Fleet
    limits: Mapping[str, float]
    price: float | None
    missed: str = ""
    electric: bool = False

    @property
    def context(self) -> float:
        """Tokens that a sequence holds on average while it decodes."""
        return self.request.context if self.request else self.running.rack.plan.context

    @property
    def paid_hours(self) -> str:
        """The hours of a replica that are paid: of electricity alone those in which it works."""
        return BUSY if self.electric else "every hour"

    @property
    def binds(self) -> str:
        """Which limit holds the batch back."""
        if self.fleet.slots < largest(self.limits):
            return "cost"
        return min(self.limits, key=lambda name: self.limits[name])


def use_of(
    *, minutes: float | None = None, decoding_share: float | None = None, messages_per_day: float | None = None
) -> Use:
    """How much of a service one daily user is: minutes of streams, all of which decode unless said, or messages."""
    if messages_per_day is not None:
        return Use(rate=formulas.users.user_request_rate(messages_per_day=messages_per_day))
    if minutes is None:
        return Use()
    return Use(decoding=formulas.users.user_concurrent(minutes_per_day=minutes, decoding_share=decoding_share or 1.0))


def provision(running: Running, request: Request | None, demand: Demand, level: Level, price: float | None) -> Service:
    """The service of a demand at a level, each of its replicas at the largest batch that all limits allow."""
    limits = batch_limits(running, request, level)
    late, missed = _latencies(curve_within(running, request, demand, limits), level)
    limits |= late
    curve = curve_within(running, request, demand, limits).cheapest()
    fleet = Fleet(
        curve=curve,
        slots=min(curve.most, largest(limits)),
        use=demand.use,
        hours=demand.shape.hours,
        follows=level.follows,
        waiting=level.waiting,
        peakedness=max(peakedness(burstiness=demand.burstiness), 1.0),
        fixed=level.replicas,
    )
    return Service(running, request, demand, level, best_of_day(fleet), limits, price, missed)


def curve_within(running: Running, request: Request | None, demand: Demand, limits: Mapping[str, float]) -> Curve:
    """The curve up to the largest batch within all limits."""
    return curve_of(running.replica, largest(limits), request, running.rack.plan.context, demand.decoded)


def batch_limits(running: Running, request: Request | None, level: Level) -> dict[str, float]:
    """The largest batch that arithmetic, memory, the engine and its chunks allow; BadValue for chunks too small.

    Arithmetic ends what a larger batch saves only where it overlaps the reads: kernels and operators take turns.
    """
    limits: dict[str, float] = {}
    if running.replica.timing is None and (full := full_batch(running)) is not None:
        limits["arithmetic"] = full
    if (held := running.rack.plan.max_sequences) is not None:
        limits["memory"] = held
    if request and (chunk := request.chunk_tokens):
        if (carried := fullest(running.replica, request)) < 1:
            least, what = ceiling(chunk / carried), "a prompt takes more steps than its answer"
            raise BadValue(f"--chunk-tokens {chunk:g}: {what}", f"give at least {least:,}")
        limits["chunk"] = carried
    if level.sequences is not None:
        limits["engine"] = level.sequences
    return limits


def _latencies(curve: Curve, level: Level) -> tuple[dict[str, float], str]:
    """The largest batch within each limit on latency that some batch exceeds, and what not even one user meets."""
    limits, missed = {}, ""
    asked = (
        ("latency", "max_tpot", curve.gaps, level.max_tpot),
        ("first token", "max_ttft", curve.ttfts, level.max_ttft),
    )
    for name, option, times, limit in asked:
        if limit is not None and (within := curve.batch_within(times, limit)) < curve.most:
            limits[name] = within
            if within < 1:
                least = f"one user alone takes {show(times[0], 's')}, the least possible"
                missed += f"Cannot meet a {KEYS[option].label} of {show(limit, 's')}: {least}. "
    return limits, missed


def queued(service: Service, *, closed: bool = False) -> Service:
    """The service with the ends of its waits: an hour, and the limit on a first token where an empty one keeps it.

    Where it is ``closed`` so many sequences are there as were asked and no others come: one in a slot never waits.
    """
    limit = inf if service.missed else service.level.max_ttft or inf
    patience = inf if closed else PATIENCE
    return service._replace(fleet=service.fleet._replace(patience=patience, max_ttft=limit, closed=closed))


def reworked_service(service: Service) -> Service:
    """The same service, its replica and one user worked out again: what ``--steps`` shows of it before its day."""
    _taken(service.fleet.slots)
    if service.request:
        _ = service.request.decoded
    running, demand = reworked(service.running), service.demand
    use_of(minutes=demand.minutes, decoding_share=demand.decoding_share, messages_per_day=demand.messages)
    return service._replace(running=running)


def following(service: Service) -> Service:
    """The same service with replicas that come and go with the load."""
    slots = min(service.fleet.curve.most, largest(service.limits))
    return service._replace(fleet=service.fleet._replace(follows=True, slots=slots))


def staying(service: Service) -> Service:
    """The same service with the replicas of its busiest hour in all others too."""
    return service._replace(fleet=best_of_day(service.fleet._replace(follows=False)))


@solved("most_batch", equation="the cheapest that memory, arithmetic, the engine and each limit allow", source="limits")
def _taken(slots: float) -> float:
    """The batch of a full replica, as a person finds it."""
    return slots


def largest(limits: Mapping[str, float]) -> float:
    """The largest batch that all limits allow: whole sequences, where it is not a mean that chunks carry."""
    return max(1.0, min(limit if name == "chunk" else float(int(limit)) for name, limit in limits.items()))
