"""Cost per token against the number of users: from one lone user to a full service, utilization an answer of load."""

from math import exp, log
from typing import Any

from infercost import numeric
from infercost.analyses.remarks import step_notes
from infercost.analyses.service.compared import side_by_side
from infercost.analyses.service.cost import (
    device_seconds,
    floor_of,
    full_seconds,
    most_users,
    price_rows,
    row_of,
    users_for_good,
    users_within,
)
from infercost.analyses.service.provision import LIMITS, Service, nulls, read_service
from infercost.analyses.service.words import advice, columns, notes, verdict
from infercost.analyses.unfit import unfit
from infercost.derivation import about, not_recording
from infercost.engine import economics
from infercost.question import Asked, Given
from infercost.report import Report, Row, Series
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
    if not (fitting := [service for service in services if service.case.fits]):
        return _none_fits(asked, services)
    last = _last(asked, fitting)
    rows = tuple(row for service in fitting for row in _rows(asked, service, last))
    if len(services) > 1:
        return side_by_side(asked, services, rows)
    service = services[0]
    floor = floor_of(service)
    results, parts = _results(asked, service, floor, last), _floor_parts(service, floor)
    return Report(
        command="economies",
        verdict=service.missed + verdict(service, results),
        inputs=tuple(asked.inputs),
        results=tuple(results),
        series=Series(columns(service), rows, bar="cost_ratio", scale="log"),
        parts=parts,
        advice=advice(service, parts),
        notes=(*step_notes(service.case, service.inputs), *notes(service), *nulls(results, rows), *asked.notes),
        met=not service.missed,
    )


def curve(asked: Asked) -> tuple[dict[str, Any], ...]:
    """The rows of an answer without the rest of it, which takes longer than they do.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``read_service``.
    """
    services = [service for service in _services(asked) if service.case.fits]
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


def _none_fits(asked: Asked, services: list[Service]) -> Report:
    """Nothing is priced on devices that do not hold the model; of one part the answer says what would."""
    service = services[0]
    if len(services) == 1:
        with not_recording():
            results = _results(asked, service, floor_of(service), 1.0)
        return unfit(asked, service.case, results, ("gpus_per_replica",))
    return side_by_side(asked, services, ())


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
        near = [_near(service, key, times * least) for key, times in NEARNESS.items()]
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
        _of_a_replica(service),
        *near,
        Row("floor_usd_per_million_tokens", cost, "with endless users"),
        *prices,
        Row("floor_device_seconds", least, "of a device for each token"),
        *_headroom_row(service, last),
        *_against(asked, service),
    ]


def _near(service: Service, key: str, limit: float) -> Row:
    """The least users whose token costs no more than a limit, and whether any more may bring it above again."""
    if (first := users_within(service, limit)) is None:
        return Row(key, None, "no number of users is")
    good = users_for_good(service, limit, first)
    if good is None:
        reached = "the first" if service.fleet.waiting >= 1 else "reached"
        return Row(key, first, f"{reached}; a further replica may lift the cost again")
    return Row(key, first, "and with any more" if good == first else f"the first; from {good:,} on for good")


def _of_a_replica(service: Service) -> Row:
    """Whole users that one replica takes, its headroom kept."""
    fleet = service.fleet
    full = numeric.floor(fleet.users_a_replica)
    if fleet.waiting >= 1:
        return Row("users_per_replica", full, "in the busiest hour")
    kept = int(most_users(fleet, 1))
    return Row("users_per_replica", kept, f"of one alone, headroom kept; {full:,} with every slot taken")


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


def _against(asked: Asked, service: Service) -> tuple[Row, ...]:
    """The least users whose own service is no dearer than an API's price for its output."""
    if "api_price" not in asked.given:
        return ()
    asking = float(asked.take("api_price"))
    if service.price is None:
        return (Row("users_at_api_price", None, "needs --price"),)
    with not_recording():
        users = users_within(service, asking / _usd_of_second(service))
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
