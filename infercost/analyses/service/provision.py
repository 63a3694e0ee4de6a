"""A service made ready: its replica and the largest batch of it, its users' demand, and what an hour costs."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from infercost.analyses.request import USUAL_MOST, read_request
from infercost.analyses.step import full_batch
from infercost.case import Case, read_case
from infercost.efficiency import law
from infercost.engine.queueing import peakedness
from infercost.errors import BadValue, Missing
from infercost.keys import KEYS
from infercost.numeric import ceiling
from infercost.question import Asked
from infercost.report import Note, Row
from infercost.service.curve import Curve, curve_of
from infercost.service.demand import Demand, read_demand, read_traced
from infercost.service.fleet import Fleet
from infercost.service.prices import read_price
from infercost.stepping import StepInputs, read_step_inputs
from infercost.timing.replica import Request, fullest
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
    if case.model is None:
        _refuse_prompts(asked)
    request = read_request(asked, case) if case.model else None
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
    if case.plan and case.plan.max_sequences is not None:
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
