"""A service: the replicas that a day of users needs, and what a token costs on them."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import ceil, inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.fleet.day import (
    EACH,
    PATIENCE,
    Curve,
    Day,
    Fleet,
    Hour,
    Use,
    best_of_day,
    curve_of,
    day_of,
    enough,
    first_count,
    reworked_day,
)
from infercost.formulas.formula import solved
from infercost.formulas.users import peakedness
from infercost.numeric import CLOSE, ceiling, last_that
from infercost.parts.files import lately
from infercost.parts.preset import Shape
from infercost.quantities import CONSTANTS, KEYS
from infercost.replica.serving import Request, fullest, lone_ttft
from infercost.replica.step import Running, bytes_of_step, full_batch, reworked
from infercost.units import ApiPrice, show

#: Whether the cost of so many users exceeds a limit.
Exceeds = Callable[[float], bool]
#: Prices of a million tokens.
BILL = tuple(f"usd_per_million_tokens{end}" for end in ("", "_decode", "_busy", "_output", "_input", "_blended"))
#: Replicas of a service with so many users that one more changes nothing.
ENDLESS = CONSTANTS["endless_replicas"].value
#: More users than there are people.
EVERYBODY = 1e11
#: A load so little above what replicas hold needs one more.
JUST_ABOVE = 1e-9


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


def floor_of(service: Service, again: Day | None = None) -> Day:
    """The day of a service with so many users that a further one makes no token cheaper, or that day worked again."""
    fleet = service.fleet._replace(waiting=1.0)
    users = formulas.users.endless_users(endless_replicas=ENDLESS, users_a_replica=fleet.users_a_replica)
    return reworked_day(fleet, again) if again else day_of(fleet, users)


def device_seconds(service: Service, day: Day, *, busy: bool = False) -> float:
    """Seconds of a device for each token: of all hours that are paid, or of those in which anything decodes.

    Electricity alone is paid in those.
    """
    shared = {"devices": service.running.rack.devices, "tokens_per_s": day.tokens_per_s}
    if busy or service.electric:
        return formulas.cost.busy_device_seconds(replicas_busy=day.replicas_busy, **shared)
    return formulas.cost.paid_device_seconds(replicas_paid=day.replicas_paid, **shared)


def paid_devices(service: Service, day: Day) -> float:
    """Devices that are paid for, mean over the day: of electricity alone those that work."""
    replicas = day.replicas_busy if service.electric else day.replicas_paid
    return formulas.cost.paid_devices(replicas_paid=replicas, devices=service.running.rack.devices)


def full_seconds(service: Service) -> float:
    """Seconds of a device for each token of a replica that is always full."""
    curve, most = service.fleet.curve, service.fleet.slots
    itl = curve.itl(batch=most)
    if service.request and curve.prompted:
        decoded = service.request.decoded
        tokens = formulas.cost.full_tokens_per_s(most_batch=most, shared_step=itl, decoded_tokens=decoded)
    else:
        tokens = formulas.cost.tokens_per_s(batch=most, step_time=itl)
    return formulas.cost.device_seconds_per_token(devices=service.running.rack.devices, tokens_per_s=tokens)


def row_of(service: Service, day: Day) -> dict[str, Any]:
    """Everything that a number of users answers, by JSON key."""
    paid, busy = device_seconds(service, day), device_seconds(service, day, busy=True)
    used, reads = _utilization(service, day), _reads(service, day)
    return {
        "name": service.running.rack.part.name,
        "users": day.users,
        "concurrent_users": day.concurrent,
        "batch": day.batch,
        "replicas": day.replicas,
        "gpus": day.replicas * service.running.rack.devices,
        "utilization": used,
        "busy_share": day.replicas_busy / day.replicas_paid,
        "tokens_per_s": day.tokens_per_s,
        "tokens_per_s_per_user": formulas.cost.tokens_per_s_per_user(step_time=day.tpot),
        "tpot_s": day.tpot,
        "ttft_s": service.fleet.curve.ttft(day.slowest.batch) if service.request else None,
        "memory_bandwidth_utilization": reads,
        "joules_per_token": _energy(service, day),
        "device_seconds_per_token": paid,
        "stable": day.stable,
        **_bill(service, day, paid, busy),
    }


def in_flight_of(service: Service, day: Day) -> float | None:
    """Requests between their arrival and their last token, mean over the day, no wait for a slot counted."""
    if service.request is None:
        return None
    first, tokens = service.fleet.curve.ttft(day.batch), service.request.output_tokens
    whole = formulas.request.request_time(ttft=first, output_tokens=tokens, tpot=day.tpot)
    return formulas.request.in_flight(request_rate=day.requests_per_s, time_in_system=whole)


def month_tokens(service: Service, day: Day) -> float:
    """Tokens that go in and come out in a month of such days."""
    read, request = 0.0, service.request
    if request and day.tokens_per_s:
        rates = {"request_rate": day.requests_per_s, "tokens_per_s": day.tokens_per_s}
        read = formulas.cost.read_per_token(input_tokens=request.input_tokens, **rates)
    return formulas.cost.tokens_per_month(tokens_per_s=day.tokens_per_s, read_per_token=read)


def of_month(service: Service, tokens: float) -> tuple[float, Service]:
    """Daily users who have so many tokens in and out in a month, and the service as those tokens load it.

    They follow from their messages, or else are the fewest whose minutes, on the replicas that these need, make as many
    tokens: then each sends the messages that have just the tokens that were asked.
    """
    demand, request = service.demand, service.request
    read, written = (request.input_tokens, request.output_tokens) if request else (0.0, demand.decoded or 1.0)
    lengths = {"tokens_per_month": tokens, "input_tokens": read, "output_tokens": written}
    if demand.minutes is None:
        return formulas.cost.users_of_tokens(messages_per_day=demand.messages or 0.0, **lengths), service
    use = use_of(minutes=demand.minutes, decoding_share=demand.decoding_share)
    streams = service.fleet._replace(use=use, fixed=0, patience=PATIENCE)
    users = _users_of_streams(service._replace(fleet=streams), tokens)
    if users < 1:  # fewer than one of them has
        return users, service
    return users, of_messages(service, formulas.cost.messages_of_tokens(users=users, **lengths))


def messages_of(request: Request, users: float, tokens: float) -> float:
    """Messages a day of each of so many users who have so many tokens in and out in a month."""
    lengths = {"input_tokens": request.input_tokens, "output_tokens": request.output_tokens}
    return formulas.cost.messages_of_tokens(tokens_per_month=tokens, users=users, **lengths)


def of_messages(service: Service, messages: float) -> Service:
    """A service whose users send so many messages a day, in place of minutes; streams count each token as one."""
    decoded = service.fleet.curve.decoded or 1.0
    demand = service.demand._replace(use=use_of(messages_per_day=messages), messages=messages, decoded=decoded)
    curve = service.fleet.curve._replace(decoded=decoded)
    return service._replace(demand=demand, fleet=service.fleet._replace(use=demand.use, curve=curve))


def users_averaging(service: Service, concurrent: float) -> float:
    """Daily users who have so many sequences at once, mean over the day; ``EVERYBODY`` where nobody has so many.

    Those of minutes follow from them, to the last one, where their replicas hold all of them; of those who send
    messages it is they whose load the fewest replicas hold, before one more speeds all of them up.
    """
    fleet, demand, most = service.fleet, service.demand, EVERYBODY
    if demand.minutes is not None and not fleet.use.rate:
        habits = {"minutes_per_day": demand.minutes, "decoding_share": demand.decoding_share or 1.0}
        users = formulas.users.users(concurrent_users=concurrent, **habits)
        if abs(day_of(fleet, users).concurrent - concurrent) <= JUST_ABOVE * concurrent:
            return users
    elif not (fleet.fixed or fleet.follows) and fleet.waiting >= 1:
        held = first_count(lambda count: _averaged(fleet, count) >= concurrent * (1 - CLOSE), 0, ENDLESS)
        most = most_users(fleet, held[1]) if held else EVERYBODY
    return last_that(lambda users: day_of(fleet, users).concurrent <= concurrent, 0.0, most)


def _averaged(fleet: Fleet, replicas: int) -> float:
    """Sequences at once, mean over the day, of as many users as so many replicas take."""
    return day_of(fleet, most_users(fleet, replicas)).concurrent


@solved("users_of_tokens", equation="no fewer than T_m tokens in and out in a month", source="tokens of their minutes")
def _users_of_streams(service: Service, tokens: float) -> float:
    fewer = last_that(lambda users: month_tokens(service, day_of(service.fleet, users)) < tokens, 0.0, EVERYBODY)
    return float(ceiling(fewer)) if fewer >= 1 else fewer


def month_usd(service: Service, day: Day) -> float | None:
    """USD a month for the replicas that are paid."""
    if not service.price:
        return None
    return formulas.cost.usd_per_month(price=service.price, devices=paid_devices(service, day))


def _bill(service: Service, day: Day, paid: float, busy: float) -> dict[str, float | None]:
    """USD for a million tokens: all for those that come out, then apart by the time that prompts and decoding take."""
    bill: dict[str, float | None] = dict.fromkeys(BILL)
    money, request, price = formulas.cost, service.request, service.price
    if price is None:
        return bill
    usd = money.usd_per_million_paid(price=price, paid_device_seconds=paid)
    shared = {"usd_per_million_tokens": usd, "prompt_share": day.prompt_share}
    bill["usd_per_million_tokens"] = usd
    working = money.usd_per_million_tokens_busy(price=price, busy_device_seconds=busy)
    bill["usd_per_million_tokens_busy"] = bill["usd_per_million_tokens_decode"] = working
    if first := day.requests_per_s if service.fleet.curve.prompted else 0.0:
        decode = money.usd_per_million_tokens_decode(
            usd_per_million_tokens_busy=working,
            prompt_share=day.prompt_share,
            tokens_per_s=day.tokens_per_s,
            first_tokens=first,
        )
        bill["usd_per_million_tokens_decode"] = min(decode, usd)
    bill["usd_per_million_tokens_output"] = money.usd_per_million_tokens_output(**shared)
    if request:
        rates = {"request_rate": day.requests_per_s, "tokens_per_s": day.tokens_per_s}
        read = money.read_per_token(input_tokens=request.input_tokens, **rates)
        blended = money.usd_per_million_tokens_blended(usd_per_million_tokens=usd, read_per_token=read)
        bill["usd_per_million_tokens_input"] = money.usd_per_million_tokens_input(**shared, read_per_token=read)
        bill["usd_per_million_tokens_blended"] = blended
    return bill


def _utilization(service: Service, day: Day) -> float:
    """Share of the arithmetic of every hour that is paid for which the tokens and their prompts use."""
    work, request = service.running.work, service.request
    flops = formulas.cost.service_flops(
        flops_per_token=work.flops_per_token(),
        attention_flops_per_token=work.attention_flops(service.context),
        tokens_per_s=day.tokens_per_s,
        first_tokens=day.requests_per_s if service.fleet.curve.prompted else 0.0,
        prompt_flops=work.whole_prompt_flops(request.new, request.cached) if request else 0.0,
        request_rate=day.requests_per_s,
    )
    used = formulas.cost.service_utilization(
        service_flops=flops,
        replicas_paid=day.replicas_paid,
        devices=service.running.rack.devices,
        peak_flops=service.running.rate.fact.value,
    )
    return min(used, 1.0)  # the last bit of a float


def _reads(service: Service, day: Day) -> float:
    """Share of the bandwidth of every hour that is paid for which decoding uses; prompts reuse what is read."""
    rack, (busiest, *others) = service.running.rack, day.kinds
    each = _bytes_of_each(_bytes_of(service, busiest), lambda: [_bytes_of(service, hour) for hour in others])
    read = formulas.cost.day_bytes(hours_alike=day.alike, bytes_of_hour=each, hours=len(day.hours))
    used = formulas.cost.service_bandwidth_utilization(
        day_bytes=read,
        replicas_paid=day.replicas_paid,
        devices=rack.devices,
        memory_bandwidth=rack.part.value("memory_bandwidth"),
    )
    return min(used, 1.0)  # the last bit of a float


def _bytes_of(service: Service, hour: Hour) -> float:
    """Bytes that all replicas read in a second of one hour."""
    return formulas.cost.hour_bytes(
        busy_share=hour.busy,
        replicas=hour.replicas,
        step_bytes=bytes_of_step(service.running.replica, hour.batch, service.context),
        shared_step=hour.itl,
    )


@solved("bytes_of_hour", equation="R_h", source=EACH)
def _bytes_of_each(busiest: float, others: Callable[[], list[float]]) -> list[float]:
    return [busiest, *others()]


def _energy(service: Service, day: Day) -> float | None:
    """Joules for each token: all devices that run, at their rated power; no host and no cooling."""
    if (power := service.running.rack.part.facts.get("power")) is None:
        return None
    devices = day.replicas_paid * service.running.rack.devices
    return formulas.cost.joules_per_token(power=power.value, devices=devices, tokens_per_s=day.tokens_per_s)


@lately
def users_within(service: Service, limit: float) -> int | None:
    """The least users at which a token costs no more device-seconds than a limit; None where no number does.

    Where replicas come and go with headroom for chance it is a number at which cost comes below, maybe not the least.
    """
    return _first_users(service.fleet, _exceeding(service, limit))


def _first_users(fleet: Fleet, exceeds: Exceeds) -> int | None:
    """The least users whose cost does not exceed a limit; None where no number's does."""
    if not exceeds(1.0):
        return 1
    low = 0
    while counts := first_count(lambda count: not exceeds(most_users(fleet, count)), low, ENDLESS):
        for least, most in pairwise(_edges(fleet, *counts)):
            # the next whole user may need one more replica, which costs more again
            if not exceeds(most) and not exceeds(users := ceil(last_that(exceeds, least, most, whole=True))):
                return users
        low = counts[1]
    return None


def bill_of(price: ApiPrice, request: Request | None) -> float:
    """USD that an API bills for a million tokens that come out, with the prompts of a request where it bills them."""
    if price.input is None or request is None:
        return price.output
    each = formulas.cost.api_usd_per_request(
        input_tokens=request.input_tokens,
        prefix_share=request.cached_share,
        output_tokens=request.output_tokens,
        api_price_input=price.input,
        api_price_cached=price.input if price.cached is None else price.cached,
        api_price=price.output,
    )
    return formulas.cost.api_usd_per_million_tokens(api_usd_per_request=each, output_tokens=request.output_tokens)


def at_level(service: Service) -> Service:
    """The service on as many replicas as its level needs, however long its queues."""
    return service._replace(fleet=service.fleet._replace(fixed=0, patience=inf, max_ttft=inf))


@solved("users_of_tokens", equation="$_M is no more than $_api, for the first time", source="both cost the same")
def users_at_bill(service: Service, *, api_usd_per_million_tokens: float) -> int | None:
    """The least users at which a service that has a price costs no more than an API bills."""
    price = formulas.cost.usd_per_million_paid(price=service.price or 0.0, paid_device_seconds=1.0)
    return users_within(service, api_usd_per_million_tokens / price)


def users_at_price(service: Service, price: float) -> int | None:
    """The least users who pay for themselves at a price a month; None where no number does.

    Of replicas that were given, those who pay for all of them, where these have room for so many.
    """
    if not (fixed := service.fleet.fixed):
        return _paying_users(service, seat_price=price)
    users = ceiling((month_usd(service, day_of(service.fleet, 1.0)) or 0.0) / price)
    return users if users <= most_users(at_level(service).fleet, fixed) else None


@solved(
    "paying_users", equation="$_month is no more than U_pay × $_seat, for the first time", source="no loss, no gain"
)
def _paying_users(service: Service, *, seat_price: float) -> int | None:
    return _first_users(service.fleet, _losing(service, seat_price))


@lately
def users_at_price_for_good(service: Service, price: float, first: int) -> int | None:
    """The least users from which on all pay for themselves at a price that so many first do; None where unknown."""
    return first if service.fleet.fixed else _last_users(service.fleet, _losing(service, price), first)


def _losing(service: Service, price: float) -> Exceeds:
    """Whether so many users cost more a month than they pay."""
    return lambda users: (month_usd(service, day_of(service.fleet, users)) or 0.0) > price * users


def _exceeding(service: Service, limit: float) -> Exceeds:
    """Whether a token of a service for so many users costs more device-seconds than a limit."""
    return lambda users: device_seconds(service, day_of(service.fleet, users)) > limit


def _edges(fleet: Fleet, low: int, high: int) -> list[float]:
    """Users between whom no further replica comes, from those of one count in the busiest hour to those of another.

    Where replicas come and go, each hour has its own count; with headroom for chance they take too long to find.
    """
    last = most_users(fleet, high)
    if not fleet.follows or fleet.waiting < 1:
        return [most_users(fleet, low), last]
    busiest, full = max(fleet.hours), [most_users(fleet, count) for count in range(1, high)]
    edges = {users * busiest / share * (1 - JUST_ABOVE) for share in set(fleet.hours) if share for users in full}
    return [1.0, *sorted(edge for edge in edges if 1 < edge < last), last]


@lately
def users_for_good(service: Service, limit: float, first: int) -> int | None:
    """The least users from which on a token stays within a limit that so many first reach; None where that is unknown.

    Each further replica lifts the cost again, the less the more there are; where they come and go, every hour does.
    """
    return _last_users(service.fleet, _exceeding(service, limit), first)


def _last_users(fleet: Fleet, exceeds: Exceeds, first: int) -> int | None:
    """The least users from which on no number's cost exceeds a limit that so many first keep; None where unknown."""
    if fleet.follows:
        return None

    def stays(replicas: int) -> bool:
        return not exceeds(most_users(fleet, replicas) * (1 + JUST_ABOVE))

    start = fleet.replicas(first, max(fleet.hours))
    if stays(start):
        return first
    if (counts := first_count(stays, start, ENDLESS)) is None:
        return None
    fewest, most = (most_users(fleet, count) for count in counts)
    return ceil(last_that(exceeds, fewest, most, whole=True))


def users_again(service: Service, limit: float, replicas: int) -> int:
    """The least users on so many replicas, on whom a token stays within a limit that fewer on as many exceed."""
    fewest, most = (most_users(service.fleet, count) for count in (replicas - 1, replicas))
    return ceil(last_that(_exceeding(service, limit), fewest * (1 + JUST_ABOVE), most, whole=True))


def most_users(fleet: Fleet, replicas: int) -> float:
    """The most users that so many replicas provide for in the busiest hour."""
    busiest = max(fleet.hours)
    full = max(replicas * fleet.users_a_replica, 1.0)
    return last_that(lambda users: enough(fleet, users, replicas, busiest), 1.0, full)


# A service on replicas of one deployment: the largest batch that each limit allows, and the fleet for its users.


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
    alone = lone_ttft(running.replica, request) if request and level.max_ttft is not None else inf
    late, missed = _latencies(curve_within(running, request, demand, limits), level, alone)
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


def _latencies(curve: Curve, level: Level, alone: float = inf) -> tuple[dict[str, float], str]:
    """The largest batch within each limit on latency that some batch exceeds, and what not even one user meets.

    ``alone`` are the seconds to a first token on an idle server, where no step is under way and none to wait for.
    """
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
                if name == "first token" and alone < times[0]:
                    idle = f"{show(alone, 's')} on an idle server"
                    least = f"one user who asks without a pause takes {show(times[0], 's')}, {idle}"
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
