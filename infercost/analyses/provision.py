"""What a day of a service costs for each token, how well it uses its devices, and how many users bring that down."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.request import USUAL_MOST, read_request
from infercost.analyses.step import full_batch
from infercost.errors import BadValue, Missing
from infercost.fleet.curve import Curve, curve_of
from infercost.fleet.day import Day, Fleet, day_of
from infercost.formulas.formula import about
from infercost.formulas.queueing import peakedness
from infercost.numeric import ceiling, last_that
from infercost.parts.cache import lately
from infercost.parts.stack import law
from infercost.quantities import KEYS
from infercost.replica.serving import Request, bytes_of_step, fullest
from infercost.report import Note, Row
from infercost.scenario.demand import Demand, read_demand, read_traced
from infercost.scenario.prices import read_price
from infercost.scenario.read import Asked
from infercost.scenario.scenario import Case, StepInputs, read_case, read_step_inputs
from infercost.units import show

#: What holds the batch of a replica back, in words.
LIMITS = {
    "arithmetic": "arithmetic takes as long as reads",
    "memory": "memory holds no more",
    "engine": "the engine's limit",
    "chunk": "prompts fill the chunks",
    "latency": "the time between tokens allows no more",
    "first token": "the time to the first token allows no more",
}
#: Where a service level counts on one queue.
ONE_QUEUE = Note(
    "queue", "one queue is taken for all replicas: where each has its own, more requests wait than is said here"
)


class Service(NamedTuple):
    """One service on one part: ``limits`` are largest batches by what allows no more, ``price`` USD a device-hour.

    ``missed`` is the start of a verdict on a limit that not even one user meets, with the least possible.
    """

    case: Case
    inputs: StepInputs
    request: Request | None
    demand: Demand
    fleet: Fleet
    limits: dict[str, float]
    price: float | None
    missed: str = ""

    @property
    def context(self) -> float:
        """Tokens that a sequence holds on average while it decodes."""
        return self.request.context if self.request else self.case.context

    @property
    def binds(self) -> str:
        """Which limit holds the batch back."""
        return min(self.limits, key=lambda name: self.limits[name])


def read_service(asked: Asked) -> Service:
    """The service that was asked about.

    Raises:
        InfercostError: an option or a preset that cannot be used.
        BadValue: a profile that has no service.
    """
    traced = read_traced(asked)
    case = read_case(asked)
    inputs = read_step_inputs(asked, case)
    if law(case.profile) != "roofline":
        raise BadValue(f"profile {case.profile.name} answers a step, not a service", "name a profile without a law")
    if case.model.is_bare:
        _refuse_prompts(asked)
    request = None if case.model.is_bare else read_request(asked, case)
    demand = read_demand(asked, case, request, traced)
    curve, limits, missed = _largest(asked, case, inputs, request, demand)
    most = largest(limits)
    fleet = Fleet(
        curve=curve if curve.most == most else curve_of(inputs.replica, most, request, case.context, demand.decoded),
        slots=most,
        use=demand.use,
        hours=demand.shape.hours,
        follows=bool(asked.take("scale_down")),
        waiting=float(asked.take("max_wait_probability")) if "max_wait_probability" in asked.given else 1.0,
        peakedness=max(peakedness(burstiness=demand.burstiness), 1.0),
    )
    return Service(case, inputs, request, demand, fleet, limits, read_price(asked, case.part), missed)


def _largest(
    asked: Asked, case: Case, inputs: StepInputs, request: Request | None, demand: Demand
) -> tuple[Curve, dict[str, float], str]:
    """The replica at every batch, the largest one that each limit allows, and what not even one user meets."""
    limits: dict[str, float] = {}
    if (full := full_batch(case, inputs)) is not None:
        limits["arithmetic"] = full
    if case.plan.max_sequences is not None:
        limits["memory"] = case.plan.max_sequences
    if request and request.chunk_tokens:
        limits["chunk"] = _carried(inputs, request, request.chunk_tokens)
    if "max_sequences" in asked.given or not limits:
        limits["engine"] = float(asked.take("max_sequences", USUAL_MOST, "what engines start with"))
    most = max(1.0, min(limits.values()))
    curve = curve_of(inputs.replica, most, request, case.context, demand.decoded)
    missed = ""
    for name, option, times in (("latency", "max_tpot", curve.itls), ("first token", "max_ttft", curve.ttfts)):
        if option in asked.given:
            limit = float(asked.take(option))
            limits[name] = curve.batch_within(times, limit)
            if limits[name] < 1:
                least = f"one user alone takes {show(times[0], 's')}, the least possible"
                missed += f"Cannot meet a {KEYS[option].label} of {show(limit, 's')}: {least}. "
    return curve, limits, missed


def largest(limits: Mapping[str, float]) -> float:
    """The largest batch that all limits allow: whole sequences, where it is not a mean that chunks carry."""
    return max(1.0, min(limit if name == "chunk" else float(int(limit)) for name, limit in limits.items()))


def _carried(inputs: StepInputs, request: Request, chunk: float) -> float:
    """The largest batch whose prompts the chunks carry.

    Raises:
        BadValue: chunks so small that they carry less than the prompts of one sequence at a time.
    """
    if (carried := fullest(inputs.replica, request)) >= 1:
        return carried
    least = ceiling(chunk / carried)
    raise BadValue(f"--chunk-tokens {chunk:g}: a prompt takes more steps than its answer", f"give at least {least:,}")


def _refuse_prompts(asked: Asked) -> None:
    """Refuse what a bare count, which has no layers, cannot say of prompts.

    Raises:
        Missing: a prompt, or how it comes.
    """
    if stray := [name for name in ("input_tokens", "prefix_share", "chunk_tokens") if name in asked.given]:
        flag = f"--{stray[0].replace('_', '-')}"
        raise Missing(f"{flag} needs --model: a bare count has no layers", "for example --model llama-3.1-70b")


def nulls(results: Iterable[Row], rows: Iterable[Mapping[str, Any]] = ()) -> list[Note]:
    """A note for each key that has no value, with what would give it one."""
    empty = {row.key: None for row in results if row.value is None}
    empty |= {key: None for row in rows for key, value in row.items() if value is None}
    return [Note("null", f"{key} is null: {_reason(key)}") for key in empty]


def _reason(key: str) -> str:
    if key == "users_at_api_price":
        return "needs --price, or a price that is above the floor"
    if key.endswith(("_input", "_blended")):
        return "needs --price, and the lengths of requests"
    if "usd" in key:
        return "needs --price"
    if key == "joules_per_token":
        return "no power of the part is known"
    if key in ("users_within_2x", "users_within_10_percent", "users_at_trough"):
        return "no number of users does"
    if key in ("people_online", "minutes_per_day", "decoding_share"):
        return "--messages-per-day says how much a user asks for, not how long"
    return "streams of tokens have no requests: give --messages-per-day, --input-tokens and --output-tokens"


#: A bill in parts, and what is charged to each.
APART = {
    "input": "by the time that prompts take",
    "output": "by the time that decoding takes",
    "blended": "tokens in and out at one price",
}
#: Prices of a million tokens, by the end of their key, and what pays them.
BILL = {
    "": "output, every hour paid",
    "_busy": "output, busy hours only",
    "_output": "output, without its prompts",
    "_input": "input",
    "_blended": "input and output alike",
}
#: Replicas of a service with so many users that one more changes nothing.
ENDLESS = 1e6
#: A load so little above what replicas hold needs one more.
JUST_ABOVE = 1e-9


def floor_of(service: Service) -> Day:
    """The day of a service with so many users that a further one makes no token cheaper."""
    fleet = service.fleet._replace(waiting=1.0)
    return day_of(fleet, ENDLESS * fleet.users_a_replica)


def device_seconds(service: Service, day: Day, *, busy: bool = False) -> float:
    """Seconds of a device for each token: of all hours that are paid, or of those in which anything decodes."""
    replicas = day.replicas_busy if busy else day.replicas_paid
    return formulas.cost.device_seconds_per_token(
        devices=replicas * service.case.devices, tokens_per_s=day.tokens_per_s
    )


def full_seconds(service: Service) -> float:
    """Seconds of a device for each token of a replica that is always full."""
    curve, most = service.fleet.curve, service.fleet.slots
    first = 1 / curve.decoded if curve.prompted else 0.0
    tokens = most / curve.itl(most) * (1 + first)
    return formulas.cost.device_seconds_per_token(devices=service.case.devices, tokens_per_s=tokens)


def row_of(service: Service, day: Day) -> dict[str, Any]:
    """Everything that a number of users answers, by JSON key."""
    with about("every hour paid"):
        paid = device_seconds(service, day)
    with about("busy hours only"):
        busy = device_seconds(service, day, busy=True)
    with about("a mean second"):
        used, reads = _utilization(service, day), _reads(service, day)
    return {
        "name": service.case.part.name,
        "users": day.users,
        "concurrent_users": day.concurrent,
        "batch": day.batch,
        "replicas": day.replicas,
        "gpus": day.replicas * service.case.devices,
        "utilization": used,
        "busy_share": day.replicas_busy / day.replicas_paid,
        "tokens_per_s": day.tokens_per_s,
        "tokens_per_s_per_user": formulas.cost.tokens_per_s_per_user(step_time=day.itl),
        "tpot_s": day.itl,
        "ttft_s": service.fleet.curve.ttft(day.slowest.batch) if service.request else None,
        "memory_bandwidth_utilization": reads,
        "joules_per_token": _energy(service, day),
        "device_seconds_per_token": paid,
        "stable": day.stable,
        **_bill(service, day, paid, busy),
    }


def _bill(service: Service, day: Day, paid: float, busy: float) -> dict[str, float | None]:
    """USD for a million tokens: all for those that come out, then apart by the time that prompts and decoding take."""
    price, prompts = service.price, day.prompt_share
    if price is None:
        return {f"usd_per_million_tokens{key}": None for key in BILL}
    read = service.request.input_tokens * day.requests_per_s / day.tokens_per_s if service.request else 0.0
    seconds = {"": (paid, 1.0), "_busy": (busy, 1.0), "_output": (paid, 1 - prompts)}
    if read:
        seconds |= {"_input": (paid / read, prompts), "_blended": (paid / (1 + read), 1.0)}
    return {f"usd_per_million_tokens{key}": _priced(price, seconds.get(key), what) for key, what in BILL.items()}


def _priced(price: float, part: tuple[float, float] | None, what: str) -> float | None:
    """USD for a million tokens that take so many device-seconds and such a share of the time."""
    if part is None:
        return None
    with about(what):
        return formulas.cost.usd_per_million_of_share(price=price, device_seconds_per_token=part[0], share=part[1])


def price_rows(row: dict[str, Any], of: str = "") -> tuple[Row, ...]:
    """The parts of a bill: for tokens in, for those out, for both alike; people see them where there are prompts."""
    shown = row["usd_per_million_tokens_input"] is not None
    return tuple(
        Row(f"usd_per_million_tokens_{part}", row[f"usd_per_million_tokens_{part}"], of + remark, shown=shown)
        for part, remark in APART.items()
    )


def _utilization(service: Service, day: Day) -> float:
    """Share of the arithmetic of every hour that is paid for which the tokens and their prompts use."""
    work, request = service.inputs.work, service.request
    flops = (work.flops_per_token() + work.attention_flops(service.context)) * (day.tokens_per_s - _first(service, day))
    if request:
        flops += work.whole_prompt_flops(request.new, request.cached) * day.requests_per_s
    used = formulas.step.utilization(
        flops_per_token=flops,
        batch=1,
        devices=day.replicas_paid * service.case.devices,
        peak_flops=service.inputs.rate.fact.value,
        step_time=1,
    )
    return min(used, 1.0)  # the last bit of a float


def _reads(service: Service, day: Day) -> float:
    """Share of the bandwidth of every hour that is paid for which decoding uses; prompts reuse what is read."""
    case, replica = service.case, service.inputs.replica
    read = sum(
        hour.busy * hour.replicas * bytes_of_step(replica, hour.batch, service.context) / hour.itl for hour in day.hours
    ) / len(day.hours)
    used = formulas.step.memory_bandwidth_utilization(
        bytes_read=read,
        devices=day.replicas_paid * case.devices,
        memory_bandwidth=case.part.value("memory_bandwidth"),
        step_time=1,
    )
    return min(used, 1.0)  # the last bit of a float


def _energy(service: Service, day: Day) -> float | None:
    """Joules for each token: all devices that run, at their rated power; no host and no cooling."""
    if (power := service.case.part.facts.get("power")) is None:
        return None
    devices = day.replicas_paid * service.case.devices
    return formulas.cost.joules_per_token(power=power.value, devices=devices, tokens_per_s=day.tokens_per_s)


def _first(service: Service, day: Day) -> float:
    """Tokens a second that come with their prompts."""
    return day.requests_per_s if service.fleet.curve.prompted else 0.0


@lately
def users_within(service: Service, limit: float) -> int | None:
    """The least users at which a token costs no more device-seconds than a limit; None where no number does.

    Where replicas come and go with headroom for chance it is a number at which cost comes below, maybe not the least.
    """

    def cost(users: float) -> float:
        return device_seconds(service, day_of(service.fleet, users))

    if cost(1.0) <= limit:
        return 1
    low, high = 0, 1
    while cost(most_users(service.fleet, high)) > limit:
        low, high = high, 2 * high
        if high > ENDLESS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if cost(most_users(service.fleet, middle)) <= limit else (middle, high)
    ends = pairwise(_edges(service.fleet, low, high))
    least, most = next((least, most) for least, most in ends if cost(most) <= limit)
    return ceil(last_that(lambda users: cost(users) > limit, least, most))


def _edges(fleet: Fleet, low: int, high: int) -> list[float]:
    """Users between whom no further replica comes, from those of one count in the busiest hour to those of another.

    Where replicas come and go, each hour has its own count; with headroom for chance they take too long to find.
    """
    first, last = max(most_users(fleet, low), 1.0) if low else 1.0, most_users(fleet, high)
    if not fleet.follows or fleet.waiting < 1:
        return [first * (1 + JUST_ABOVE) if low else first, last]
    busiest, full = max(fleet.hours), [most_users(fleet, count) for count in range(1, high + 1)]
    edges = {users * busiest / share * (1 - JUST_ABOVE) for share in set(fleet.hours) if share for users in full}
    return [1.0, *sorted(edge for edge in edges if 1 < edge < last), last]


@lately
def users_for_good(service: Service, limit: float, first: int) -> int | None:
    """The least users from which on a token stays within a limit that so many first reach; None where that is unknown.

    Each further replica lifts the cost again, the less the more there are; where they come and go, every hour does.
    """
    fleet, busiest = service.fleet, max(service.fleet.hours)
    if fleet.follows:
        return None

    def cost(users: float) -> float:
        return device_seconds(service, day_of(fleet, users))

    def stays(replicas: int) -> bool:
        return cost(most_users(fleet, replicas) * (1 + JUST_ABOVE)) <= limit

    low = start = fleet.replicas(first, busiest)
    if stays(start):
        return first
    while not stays(high := 2 * low):
        low = high
        if high > ENDLESS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if stays(middle) else (middle, high)
    least, most = most_users(fleet, low) * (1 + JUST_ABOVE), most_users(fleet, high)
    return ceil(last_that(lambda users: cost(users) > limit, least, most))


def most_users(fleet: Fleet, replicas: int) -> float:
    """The most users that so many replicas provide for in the busiest hour."""
    busiest = max(fleet.hours)
    highest = max(replicas * fleet.users_a_replica, 1.0) * 2
    return last_that(lambda users: fleet.replicas(users, busiest) <= replicas, 1.0, highest)
