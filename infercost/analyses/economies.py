"""Cost per token against the number of users: from one lone user to a full service, utilization an answer of load."""

from math import exp, log
from typing import Any

from infercost import numeric
from infercost.analyses.economies_parts import side_by_side
from infercost.analyses.provision import LIMITS, Service, nulls, read_service
from infercost.analyses.remarks import step_notes
from infercost.analyses.service_cost import device_seconds, floor_of, price_rows, row_of, users_within
from infercost.case import misfit
from infercost.derivation import about, not_recording
from infercost.engine import economics
from infercost.question import Asked, Given
from infercost.report import Note, Report, Row, Series
from infercost.service.fleet import Day, day_of
from infercost.timing.replica import step_parts
from infercost.units import many, show

#: User counts of a sweep, and full replicas at its end, where nobody says otherwise.
POINTS, REPLICAS = 16, 4
#: A part of the floor below this share of it comes of rounding, of floats or of the last of endless replicas.
DUST = 1e-5
NEARNESS = {"users_within_2x": 2.0, "users_within_10_percent": 1.1}


def answer(asked: Asked) -> Report:
    """A row a number of users, the floor of the cost, and how many users it takes to come near to it.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_service``.
    """
    services = _services(asked)
    last = _last(asked, services)
    rows = tuple(row for service in services for row in _rows(asked, service, last))
    if len(services) > 1:
        return side_by_side(asked, services, rows)
    service = services[0]
    floor = floor_of(service)
    results = _results(asked, service, floor, last)
    return Report(
        command="economies",
        verdict=misfit(service.case) + service.missed + _verdict(service, results),
        inputs=tuple(asked.inputs),
        results=tuple(results),
        series=Series(_columns(service), rows, bar="cost_ratio", scale="log"),
        parts=_floor_parts(service, floor),
        advice=_advice(service),
        notes=(*step_notes(service.case, service.inputs), *_notes(service), *nulls(results, rows), *asked.notes),
        met=service.case.fits and not service.missed,
    )


def curve(asked: Asked) -> tuple[dict[str, Any], ...]:
    """The rows of an answer without the rest of it, which takes longer than they do.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_service``.
    """
    services = _services(asked)
    last = _last(asked, services)
    return tuple(row for service in services for row in _rows(asked, service, last))


def _services(asked: Asked) -> list[Service]:
    """The service on each of the parts that are asked for."""
    parts = asked.get("gpu") or ()
    return [_on(asked, part) for part in parts] if isinstance(parts, tuple) and len(parts) > 1 else [_alone(asked)]


def _alone(asked: Asked) -> Service:
    if isinstance(parts := asked.get("gpu"), tuple):
        asked.given["gpu"] = Given(parts[0], asked.given["gpu"].origin)
    return read_service(asked)


def _on(asked: Asked, part: Any) -> Service:
    """The service on one of several parts: inputs that differ by part are told apart by its name."""
    inner = asked.again({"gpu": Given(part, asked.given["gpu"].origin)})
    service = read_service(inner)
    known = {item.key for item in asked.inputs}
    asked.inputs += [item for item in inner.inputs if item.key not in known]
    asked.notes += [note for note in inner.notes if note not in asked.notes]
    return service


def _last(asked: Asked, services: list[Service]) -> float:
    """The largest number of users: as asked, or so many that several replicas are full."""
    several = max(max(int(REPLICAS * service.fleet.users_a_replica), 2) for service in services)
    return float(asked.take("users", several, f"{REPLICAS} full replicas"))


def _rows(asked: Asked, service: Service, last: float) -> list[dict[str, Any]]:
    points = int(asked.take("points", POINTS, "from one user to the last, evenly in ratio"))
    users = (exp(log(last) * index / (points - 1)) for index in range(points - 1))
    counts = sorted({*map(round, users), int(last)})
    with not_recording():
        floor = device_seconds(service, floor_of(service))
        rows = [row_of(service, day_of(service.fleet, count)) for count in counts]
    return [{**row, "cost_ratio": row["device_seconds_per_token"] / floor} for row in rows]


def _results(asked: Asked, service: Service, floor: Day, last: float) -> list[Row]:
    with about("a replica that is always full"):
        full = full_seconds(service)
    with about("the floor"):
        least = device_seconds(service, floor)
        cost = _usd(service, least)
    with not_recording():
        lone = day_of(service.fleet, 1.0)
        near = {
            key: users_within(service.fleet, service.case.devices, times * least) for key, times in NEARNESS.items()
        }
        prices = price_rows(row_of(service, floor), "of the floor, ")
    with about("a lone user, while served"):
        served = device_seconds(service, lone, busy=True)
    with about("a lone user, every hour paid"):
        paid = device_seconds(service, lone)
    fleet = service.fleet
    return [
        Row("lone_user_cost_ratio", served / full, "while served, of a full batch"),
        Row("lone_user_reserved_cost_ratio", paid / least, "every hour paid, of the floor"),
        Row("batch_limit", fleet.slots, f"on a replica: {LIMITS[service.binds]}"),
        Row("gpus_per_replica", service.case.devices, service.case.part.name),
        Row("users_per_replica", numeric.floor(fleet.users_a_replica), "in the busiest hour"),
        Row("users_within_2x", near["users_within_2x"], "least whose token costs twice the floor"),
        Row("users_within_10_percent", near["users_within_10_percent"], _headroom(service)),
        Row("floor_usd_per_million_tokens", cost, "with endless users"),
        *prices,
        Row("floor_device_seconds", least, "of a device for each token"),
        *_headroom_row(service, last),
        *_against(asked, service),
    ]


def full_seconds(service: Service) -> float:
    """Seconds of a device for each token of a replica that is always full."""
    curve, most = service.fleet.curve, service.fleet.slots
    first = 1 / curve.decoded if curve.prompted else 0.0
    tokens = most / curve.itl(most) * (1 + first)
    return economics.device_seconds_per_token(devices=service.case.devices, tokens_per_s=tokens)


def _headroom_row(service: Service, users: float) -> tuple[Row, ...]:
    """What is kept for chance at the last number of users, where any is; with endless users it vanishes."""
    fleet, busiest = service.fleet, max(service.fleet.hours)
    if fleet.waiting >= 1:
        return ()
    kept = 1 - fleet.offered(users, busiest) / fleet.slots_needed(users, busiest)
    return (Row("headroom_share", kept, f"of the slots of {many(users, 'user')} kept for chance"),)


def _usd(service: Service, seconds: float) -> float | None:
    if service.price is None:
        return None
    return economics.usd_per_million_of_share(price=service.price, device_seconds=seconds, share=1.0)


def _headroom(service: Service) -> str:
    return "queue headroom counted" if service.fleet.waiting < 1 else "no headroom for chance"


def _against(asked: Asked, service: Service) -> tuple[Row, ...]:
    """The least users whose own service is no dearer than an API's price for its output."""
    if "api_price" not in asked.given:
        return ()
    asking = float(asked.take("api_price"))
    if service.price is None:
        return (Row("users_at_api_price", None, "needs --price"),)
    with not_recording():
        users = users_within(service.fleet, service.case.devices, asking / _usd_of_second(service))
    asked_for = f"{show(asking, 'USD')} a million"
    said = f"own at {asked_for}" if users else f"never: the floor is above {asked_for}"
    return (Row("users_at_api_price", users, said),)


def _usd_of_second(service: Service) -> float:
    return _usd(service, 1.0) or 1.0


def _floor_parts(service: Service, floor: Day) -> tuple[tuple[str, float, str], ...]:
    """What the floor is made of: the parts of a full step, prompts, hours that stand idle."""
    fleet = service.fleet
    with not_recording():
        least, full = device_seconds(service, floor), full_seconds(service)
        unit, scale = ("USD", _usd_of_second(service)) if service.price else ("s", 1.0)
        parts = step_parts(service.inputs.replica, fleet.slots, service.context).by_operator
    step = sum(parts.values())
    prompts = fleet.curve.prompt_share(fleet.slots)
    shares = {name: full * (1 - prompts) * value / step for name, value in parts.items()}
    shares |= {"prompts": full * prompts, "idle hours": max(least - full, 0.0)}
    return tuple((name, seconds * scale, unit) for name, seconds in shares.items() if seconds > DUST * least)


def _columns(service: Service) -> tuple[str, ...]:
    cost = ("usd_per_million_tokens", "usd_per_million_tokens_busy") if service.price else ("busy_share",)
    return ("users", "gpus", "batch", "utilization", "tokens_per_s_per_user", *cost)


def _verdict(service: Service, results: list[Row]) -> str:
    found = {row.key: row.value for row in results}
    cost = found["floor_usd_per_million_tokens"]
    floor = f"the floor of {show(cost, 'USD')} a million tokens" if cost else "the floor"
    near = found["users_within_2x"]
    text = (
        f"A lone user costs {show(found['lone_user_cost_ratio'], 'x')} as much a token as one of many while served, "
        f"{show(found['lone_user_reserved_cost_ratio'], 'x')} with every hour paid"
    )
    come = "comes" if near == 1 else "come"
    reach = f"{many(near, 'user')} {come} within twice {floor}" if near else f"no users come within twice {floor}"
    replica = f"a replica of {many(service.case.devices, 'device')}"
    return f"{text}. {reach}; {replica} takes {show(found['users_per_replica'])}."


def _advice(service: Service) -> tuple[str, ...]:
    advice = []
    idle = service.fleet.hours_paid
    if idle > 1:
        advice.append(
            f"hours off the peak stand idle in part: --scale-down would save up to {show(1 - 1 / idle, 'share')}"
        )
    if service.binds == "memory":
        advice.append("memory holds the batch back: --kv-dtype fp8 or more devices a replica let more share each read")
    if service.binds in ("latency", "first token"):
        advice.append("the limit on latency holds the batch back: a longer one, or faster memory, makes tokens cheaper")
    return tuple(advice)


def _notes(service: Service) -> list[Note]:
    notes = [Note("shared", "users come independently of each other, and replicas share them evenly")]
    if service.fleet.waiting >= 1:
        notes.append(
            Note("headroom", "replicas are filled to the mean: --max-wait-probability 1% keeps slots for chance")
        )
    return notes
