"""A user base and a service level to replicas, devices, money and idle time; and a concurrency back to users."""

from typing import Any

from infercost.analyses.remarks import step_notes
from infercost.analyses.service.cost import price_rows, row_of
from infercost.analyses.service.level import WISHED, Run, run_of
from infercost.analyses.service.provision import LIMITS, ONE_QUEUE, Service, nulls, read_service
from infercost.analyses.unfit import OF_USERS, unfit
from infercost.derivation import not_recording
from infercost.engine import economics, serving
from infercost.errors import BadValue, Missing
from infercost.numeric import last_that
from infercost.question import Asked
from infercost.report import Note, Report, Row, Series
from infercost.service.fleet import Day, Fleet, Hour, day_of, wait
from infercost.traffic import DAY
from infercost.units import many, show

#: More users than there are people.
EVERYBODY = 1e11


def answer_service(asked: Asked) -> Report:
    """Replicas for a user base at a service level, what they cost, and what holds them back.

    Raises:
        Missing: neither users nor a concurrency.
        BadValue: the shape of the day said twice, or a batch, which is an answer here.
    """
    for name in ("trough_to_mean", "peak_to_mean", "batch"):
        if name in asked.given:
            raise BadValue(f"--{name.replace('_', '-')} is an answer here", "leave it out: --traffic shapes the day")
    if "gpu" not in asked.given:
        raise Missing("a service needs --gpu and a model", "for example --gpu h100:4 --model llama-3.1-70b")
    planned = read_service(asked)
    planned = planned._replace(fleet=planned.fleet._replace(fixed=_fixed(asked)))
    run = run_of(asked, planned, _users(asked, planned.fleet))
    service, day = run.service, run.day
    row = row_of(service, day)
    with not_recording():
        series = _by_hour(service, day)
    results = _results(run, row)
    if not service.case.fits:
        return unfit(asked, service.case, results, OF_USERS if "users" in asked.given else OF_USERS[2:])
    return Report(
        command="userbase",
        verdict=service.missed + _verdict(run, row),
        inputs=tuple(asked.inputs),
        results=tuple(results),
        series=series,
        advice=tuple(_advice(run)),
        notes=(
            *step_notes(service.case, service.inputs),
            *_notes(service, day),
            *nulls(results, series.rows if series else ()),
            *asked.notes,
        ),
        met=day.stable and not (service.missed or run.missed),
    )


def _fixed(asked: Asked) -> int:
    """How many replicas there are, 0 where the load says so.

    Raises:
        BadValue: so many replicas that yet come and go.
    """
    if asked.get("replicas") and asked.get("scale_down"):
        raise BadValue("--replicas and --scale-down both say how many run", "give one of them")
    return int(asked.take("replicas") or 0)


def _users(asked: Asked, fleet: Fleet) -> float:
    """Daily users: as asked, or so many that the concurrency that was asked for decodes on average.

    Raises:
        Missing: neither of them.
        BadValue: a concurrency that so many replicas have no room for.
    """
    if "users" in asked.given:
        return float(asked.take("users"))
    if "concurrent" not in asked.given:
        raise Missing("a service needs --users or --concurrent", "for example --users 100k")
    wanted = float(asked.take("concurrent"))
    with not_recording():
        users = last_that(lambda users: day_of(fleet, users).concurrent <= wanted, 0.0, EVERYBODY)
    if users == EVERYBODY:
        raise BadValue(f"--concurrent {show(wanted)}: nobody has so many users", "give fewer, or more --replicas")
    return users


def _results(run: Run, row: dict[str, Any]) -> list[Row]:
    return [
        *_people_rows(run.service, run.day),
        *_fleet_rows(run, row),
        *_time_rows(run.service, run.day, row),
        *_money_rows(run, row),
    ]


def _by_hour(service: Service, day: Day) -> Series | None:
    """Hour by hour, of a longer trace for people the day of the busiest; nothing where all hours are alike."""
    if len(set(service.fleet.hours)) == 1:
        return None
    rows = []
    for number, (load, hour) in enumerate(zip(service.fleet.hours, day.hours, strict=True)):
        one = row_of(service, Day(day.users, (hour,)))
        rows.append({**one, "hour": number, "load": load, "requests_per_s": hour.requests_per_s * hour.replicas})
    columns = ("hour", "load", "replicas", "batch", "tpot_s", "tokens_per_s", "utilization")
    busiest = max(range(len(rows)), key=lambda number: rows[number]["load"]) // DAY * DAY
    return Series(columns, tuple(rows), shown=tuple(rows[busiest : busiest + DAY]) if len(rows) > DAY else ())


def _ends(service: Service, day: Day) -> list[tuple[float, Hour]]:
    """The emptiest and the busiest hour, each with its load over the mean."""
    hours = list(zip(service.fleet.hours, day.hours, strict=True))
    return [min(hours, key=lambda pair: pair[0]), max(hours, key=lambda pair: pair[0])]


def _people_rows(service: Service, day: Day) -> list[Row]:
    demand, ((low, quiet), (high, busy)) = service.demand, _ends(service, day)
    online = serving.people_online(users=day.users, minutes_per_day=demand.minutes) if demand.minutes else None
    return [
        Row("users", day.users, "a day"),
        Row("people_online", online, "app open, mean", shown=online is not None),
        Row("minutes_per_day", demand.minutes, shown=demand.minutes is not None),
        Row("decoding_share", demand.decoding_share, shown=demand.minutes is not None),
        Row("in_flight", _in_flight(service, day), "mean, prompts included", shown=service.request is not None),
        Row("concurrent_users", day.concurrent, shown=False),
        Row("mean_concurrent", day.concurrent, "sequences, mean over the day"),
        Row("peak_concurrent", busy.mean * busy.replicas, f"at {high:.3g}x the mean load"),
        Row("trough_concurrent", quiet.mean * quiet.replicas, f"at {low:.3g}x the mean load"),
        Row("users_at_trough", day.users / low if low else None, shown=False),
    ]


def _fleet_rows(run: Run, row: dict[str, Any]) -> list[Row]:
    service, day, fleet = run.service, run.day, run.service.fleet
    return [
        Row("slots", fleet.slots_needed(day.users, max(fleet.hours)), _slots_remark(service)),
        Row("batch_limit", fleet.slots, f"on a replica: {LIMITS[service.binds]}"),
        Row("replicas", day.replicas, "in the busiest hour" if fleet.follows else ""),
        Row("gpus", row["gpus"], f"{service.case.devices} a replica"),
        Row("users_capacity", run.capacity(day.replicas), "these replicas can take"),
        Row("batch", day.batch, "while busy"),
        Row("utilization", row["utilization"], "of the arithmetic, every hour"),
        Row("memory_bandwidth_utilization", row["memory_bandwidth_utilization"], "of the bandwidth, every hour"),
        Row("idle_share", max(1 - row["busy_share"], 0.0), "of replica-hours with nobody there"),
        Row("unused_share", 1 - day.concurrent / (day.replicas_paid * fleet.slots), "of slots, mean over the day"),
    ]


def _time_rows(service: Service, day: Day, row: dict[str, Any]) -> list[Row]:
    fleet, (_, (high, busy)) = service.fleet, _ends(service, day)
    chance, waited = wait(fleet, day.users, busy.replicas, high) if service.request else (None, None)
    return [
        Row("tpot_s", day.itl, f"mean; {show(day.slowest.itl, 's')} in the slowest hour"),
        Row(
            "ttft_s",
            row["ttft_s"],
            "no wait for a slot, slowest hour",
            shown=service.request is not None,
        ),
        Row("wait_probability", chance, "busiest hour, one queue for all; at most", shown=chance is not None),
        Row("mean_wait_s", waited, "for a slot, mean over all; at most", shown=waited is not None),
        Row("tokens_per_s", day.tokens_per_s, "mean over the day"),
    ]


def _money_rows(run: Run, row: dict[str, Any]) -> list[Row]:
    service, day = run.service, run.day
    devices = day.replicas_paid * service.case.devices
    month = economics.usd_per_month(price=service.price, devices=devices) if service.price else None
    served = 1.0 if day.stable else day.served(service.fleet.use)
    return [
        Row("usd_per_hour", month and month / economics.HOURS_PER_MONTH, "mean over the day"),
        Row("usd_per_month", month, "every hour that replicas run"),
        Row("usd_per_user_month", month and month / (day.users * served), "" if day.stable else "who is served"),
        Row("usd_per_million_tokens", row["usd_per_million_tokens"], "of output, everything charged to it"),
        *price_rows(row),
        Row("joules_per_token", row["joules_per_token"], "rated power, idle hours included"),
        Row("stable", day.stable, "" if day.stable else f"needs {many(run.needed, 'replica')}"),
    ]


def _slots_remark(service: Service) -> str:
    if service.fleet.waiting >= 1:
        return "busiest hour, no headroom for chance"
    bursts = f", peakedness {service.fleet.peakedness:.3g}" if service.fleet.peakedness > 1 else ""
    return f"so that {show(service.fleet.waiting, 'share')} wait in the busiest hour{bursts}"


def _in_flight(service: Service, day: Day) -> float | None:
    if service.request is None:
        return None
    return day.concurrent + day.requests_per_s * service.fleet.curve.ttft(day.batch)


def _verdict(run: Run, row: dict[str, Any]) -> str:
    service, day = run.service, run.day
    devices = f"{many(day.replicas, 'replica')} of {service.case.devices} x {service.case.part.name}"
    users, one = many(day.users, "daily user"), day.users == 1
    if not day.stable:
        return f"{users} {'does' if one else 'do'} not fit {devices}: {many(run.needed, 'replica')} would do."
    if run.missed:
        level = f"miss{'es' if one else ''} the service level: {', and '.join(run.missed)}"
        return f"{users} on {devices} {level}. {many(run.needed, 'replica')} would keep it."
    cost = row["usd_per_million_tokens"]
    priced = f" at {show(cost, 'USD')} a million tokens" if cost else ""
    used = f"{show(row['utilization'], 'share')} of the arithmetic is used"
    full = f"a replica is full at {many(service.fleet.slots, 'sequence')}: {LIMITS[service.binds]}"
    return f"{users} {'takes' if one else 'take'} {devices}{priced}; {used}, and {full}."


def _advice(run: Run) -> list[str]:
    """What one more replica, or a longer time between tokens, would buy."""
    service, day = run.service, run.day
    now, more = (run.capacity(day.replicas + extra) for extra in (0, 1))
    advice = [
        f"one more replica of {many(service.case.devices, 'device')} would take {many(more, 'user')} in all, "
        f"{show(more / now - 1, 'share')} more than these can"
    ]
    if service.binds in WISHED:
        rest = min(limit for name, limit in service.limits.items() if name not in WISHED)
        held = f"{LIMITS[service.binds]} than {many(service.fleet.slots, 'sequence')} a replica"
        advice.append(f"{held}: a longer one would let it grow to {show(rest)}")
    if not service.fleet.follows and service.fleet.hours_paid > 1:
        advice.append("--scale-down lets replicas go in quiet hours")
    return advice


def _notes(service: Service, day: Day) -> list[Note]:
    notes = []
    if service.fleet.waiting >= 1:
        notes.append(Note("headroom", "slots are filled to the mean: --max-wait-probability 1% keeps some for chance"))
    elif day.replicas > 1:
        notes.append(ONE_QUEUE)
    if not day.stable:
        notes.append(
            Note(
                "unstable",
                "where the load of an hour exceeds what replicas serve, requests pile up; costs are of those served",
            )
        )
    return notes
