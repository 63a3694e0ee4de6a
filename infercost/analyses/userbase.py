"""From sequences being decoded at once to the daily users of a service, and back to accelerators."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.remarks import ONE_QUEUE, null_notes, price_rows, service_null_reason, step_notes
from infercost.errors import BadValue
from infercost.fleet.cost import most_users, row_of
from infercost.fleet.curve import curve_of
from infercost.fleet.day import Day, Fleet, Hour, day_of, wait
from infercost.fleet.service import LIMITS, Service, largest, reworked_service, use_of
from infercost.formulas.formula import about
from infercost.numeric import floor, last_that
from infercost.parts.traffic import DAY
from infercost.replica.step import critical_batch, reworked
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import Habits, Scenario
from infercost.units import digits, many, show

#: What people ask for, whatever serves them, and the part of it that is no count of them.
OF_USERS = ("users", "people_online", "minutes_per_day", "decoding_share")
HABITS = OF_USERS[2:]
#: Results that follow from what serves.
SUPPLIED = ("gpus", "usd_per_month")
#: The note's guess of what a service that is consistent all day may need.
MILLION = 1e6
#: More users than there are people.
EVERYBODY = 1e11


def answer(scenario: Scenario) -> Report:
    """Daily users for a concurrency, or the concurrency of daily users, and the accelerators for either."""
    if scenario.habits is None:
        return _of_a_service(scenario)
    habits = scenario.habits
    mean, users = _both_ways(scenario, habits)
    rows = _rows(mean, users, habits, scenario)
    if scenario.rack and not scenario.rack.plan.fits:
        return _unfit(scenario, rows, {row.key for row in rows} - {*SUPPLIED})
    return Report(
        command="userbase",
        verdict=_verdict(scenario, mean, users, habits),
        inputs=scenario.inputs,
        results=rows,
        advice=_advice(habits),
        notes=(*_notes(users), *scenario.notes),
        work=lambda: _shown_habits(scenario, habits),
    )


def _shown_habits(scenario: Scenario, habits: Habits) -> None:
    """What a person works out: the rack and the batch that fills it, where there is one, and the users."""
    if scenario.rack:
        critical_batch(reworked(scenario.running))
    _rows(*_both_ways(scenario, habits), habits, scenario)


def _unfit(scenario: Scenario, rows: Iterable[Row], keys: Collection[str]) -> Report:
    """What does not fit, with what was asked of the users: of a full service nothing but their habits."""
    from infercost.analyses.fit import unfit  # loads what nobody needs where all is well

    asked = scenario.users is not None or scenario.question.get("concurrent") is not None
    return unfit(scenario, rows, keys if asked else HABITS)


def _rows(mean: float, users: float, habits: Habits, scenario: Scenario) -> tuple[Row, ...]:
    online = formulas.users.people_online(users=users, minutes_per_day=habits.minutes)
    peak = formulas.users.peak_concurrent(concurrent_users=mean, peak_to_mean=habits.peak)
    at_trough = formulas.users.users_at_trough(users=users, trough_to_mean=habits.trough)
    lowest = formulas.users.trough_concurrent(concurrent_users=mean, trough_to_mean=habits.trough)
    return (
        Row("concurrent_users", mean, "one slot of a batch each"),
        Row("people_online", online, "reading and thinking included"),
        Row("minutes_per_day", habits.minutes),
        Row("decoding_share", habits.decoding_share),
        Row("users", users, "mean over the day"),
        Row("users_at_trough", at_trough, f"at trough/mean {habits.trough:g}"),
        _million_row(users),
        Row("mean_concurrent", mean),
        Row("peak_concurrent", peak, f"at peak/mean {habits.peak:g}"),
        Row("trough_concurrent", lowest),
        *_supply_rows(scenario, peak),
    )


def _both_ways(scenario: Scenario, habits: Habits) -> tuple[float, float]:
    """Mean concurrency, and daily users."""
    shape = {"minutes_per_day": habits.minutes, "decoding_share": habits.decoding_share}
    if scenario.concurrent is None:
        users = float(scenario.users or 0.0)
        return formulas.users.concurrent_users(users=users, **shape), users
    return scenario.concurrent, formulas.users.users(concurrent_users=scenario.concurrent, **shape)


def _supply_rows(scenario: Scenario, peak: float) -> tuple[Row, ...]:
    rack, slots = scenario.rack, formulas.users.slots_for_peak(peak_concurrent=peak)
    if rack is None:
        return (
            Row("slots", slots, "busiest hour"),
            Row("gpus", None, "needs --gpu and --params"),
            Row("usd_per_month", None, "needs --gpu, --params and --price", shown=False),
        )
    replicas = formulas.users.replicas(slots=slots, batch=scenario.batch)
    devices = replicas * rack.devices
    month = scenario.price and formulas.cost.usd_per_month(price=scenario.price, devices=devices)
    return (
        Row("slots", slots, "busiest hour"),
        Row("gpus", devices, f"{replicas} x {rack.devices}, {many(scenario.batch, 'sequence')} each"),
        Row("usd_per_month", month, "paid every hour" if month else "needs --price"),
    )


def _million_row(users: float) -> Row:
    million = formulas.users.trough_for_users(users=users, target_users=MILLION) if users <= MILLION else None
    return Row(
        "trough_to_mean_for_million_users", million, "the note's 'approach 1M'" if million else "already above 1M"
    )


def _verdict(scenario: Scenario, mean: float, users: float, habits: Habits) -> str:
    per_day = f"{many(habits.minutes, 'minute')} a day"
    if scenario.users is not None:
        keep = "keeps" if users == 1 else "keep"
        return f"{many(users, 'daily user')} at {per_day} {keep} {many(mean, 'sequence')} being decoded at once."
    take = "takes" if mean == 1 else "take"
    text = f"{many(mean, 'sequence')} being decoded at once {take} {many(users, 'daily user')} at {per_day}"
    if habits.trough == 1:
        return f"{text}."
    at_trough = formulas.users.users_at_trough(users=users, trough_to_mean=habits.trough)
    return f"{text}, or {digits(at_trough)} to fill the emptiest hour too."


def _advice(habits: Habits) -> tuple[str, ...]:
    if habits.decoding_share == 1:
        return ("people read and think: --decoding-share 18% counts only the minutes in which tokens are decoded",)
    return ()


def _notes(users: float) -> list[Note]:
    notes = [
        Note(
            "concurrency",
            "concurrency counts sequences being decoded; people with the app open are that / decoding share",
        )
    ]
    if users < MILLION:
        notes.append(
            Note(
                "approach-1m",
                f"{many(users, 'daily user')} would be 1,000,000 if the emptiest hour had {users / MILLION:.3g} of the "
                "mean load (or the same margin for users who stay away)",
            )
        )
    return notes


#: Limits of the batch that are a wish, where the others are what the machine and its engine can do.
WISHED = ("latency", "first token")
#: A time so little above its limit keeps it.
CLOSE = 1e-6


class Run(NamedTuple):
    """A service as it runs for a day, the fleet that would keep its level, and what is missed of that in words."""

    service: Service
    day: Day
    level: Fleet
    missed: tuple[str, ...]

    @property
    def needed(self) -> int:
        """Replicas that keep the service level in the busiest hour."""
        return self.level.replicas(self.day.users, max(self.level.hours))

    def capacity(self, replicas: int) -> int:
        """The most users for whom so many replicas keep the service level."""
        return int(floor(most_users(self.level, replicas)))


def run_of(service: Service, users: float) -> Run:
    """The service on as many replicas as its level needs, or on as many as were asked for."""
    level = service.fleet._replace(fixed=0)
    if not service.fleet.fixed or service.missed:
        return Run(service, day_of(service.fleet, users), level, ())
    service, day = _as_it_runs(service, users)
    run = Run(service, day, level, ())
    return run._replace(missed=tuple(_missed(run))) if day.stable else run


def _as_it_runs(service: Service, users: float) -> tuple[Service, Day]:
    """The service and its day: where so few replicas cannot keep to a latency, batches grow past it if they can."""
    day = day_of(service.fleet, users)
    limits = {name: limit for name, limit in service.limits.items() if name not in WISHED}
    if day.stable or limits == service.limits:
        return service, day
    most = largest(limits)
    curve = curve_of(service.running.replica, most, service.request, service.context, service.demand.decoded)
    grown = service._replace(fleet=service.fleet._replace(curve=curve, slots=most), limits=limits)
    late = day_of(grown.fleet, users)
    return (grown, late) if late.stable else (service, day)


def _missed(run: Run) -> Iterator[str]:
    """What users see against what was asked for, of every limit that is not kept."""
    service, day = run.service, run.day
    first = max(service.fleet.curve.ttft(hour.batch) for hour in day.hours)
    seen = {
        "a token takes": (day.slowest.itl, service.level.max_tpot),
        "a first token takes": (first, service.level.max_ttft),
    }
    for words, (time, limit) in seen.items():
        if limit is not None and time > limit * (1 + CLOSE):
            yield f"{words} {show(time, 's')} in the slowest hour and may take {show(limit, 's')}"
    fleet = service.fleet
    if fleet.waiting < 1 and day.replicas < run.needed:
        chance, _ = wait(fleet, day.users, day.replicas, max(fleet.hours))
        yield f"{show(chance, 'share')} wait for a slot in the busiest hour and {show(fleet.waiting, 'share')} may"


def _of_a_service(scenario: Scenario) -> Report:
    """Replicas for a user base at a service level, what they cost, and what holds them back.

    Raises:
        BadValue: a concurrency that so many replicas have no room for.
    """
    run = run_of(scenario.service, _users(scenario))
    service, day = run.service, run.day
    row = row_of(service, day)
    series, results = _by_hour(service, day, row), _results(run, row)
    if not scenario.rack.plan.fits:
        return _unfit(scenario, results, OF_USERS)
    return Report(
        command="userbase",
        verdict=service.missed + _service_verdict(run, row),
        inputs=scenario.inputs,
        results=tuple(results),
        series=series,
        advice=tuple(_service_advice(run)),
        notes=(
            *step_notes(service.running),
            *_service_notes(service, day),
            *_null_notes(results, series.rows if series else ()),
            *scenario.notes,
        ),
        met=day.stable and not (service.missed or run.missed),
        work=lambda: _shown_work(service, day.users),
    )


def _shown_work(service: Service, users: float) -> None:
    """What a person works out: the rack, one user, a day of all of them, what its tokens cost."""
    service = reworked_service(service)
    demand = service.demand
    with about("one user"):
        use_of(minutes=demand.minutes, decoding_share=demand.decoding_share or 1.0, messages_per_day=demand.messages)
    row_of(service, day_of(service.fleet, users))


def _users(scenario: Scenario) -> float:
    """Daily users: as asked, or so many that the concurrency that was asked for decodes on average.

    Raises:
        BadValue: a concurrency that so many replicas have no room for.
    """
    if scenario.users is not None:
        return float(scenario.users)
    wanted, fleet = float(scenario.concurrent or 0.0), scenario.service.fleet
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


#: What an hour without requests has, though nobody uses it.
UNUSED = ("concurrent_users", "utilization", "busy_share", "tokens_per_s", "memory_bandwidth_utilization")


def _hour_row(service: Service, hour: Hour, whole: dict[str, Any]) -> dict[str, Any]:
    """An hour with the keys of the whole day; without requests its replicas stand idle, and a token has no price."""
    if hour.mean:
        return row_of(service, Day(whole["users"], (hour,), (1,), (hour,)))
    machines = {"replicas": hour.replicas, "gpus": hour.replicas * service.running.rack.devices}
    same = {key: whole[key] for key in ("name", "users")}
    return {**dict.fromkeys(whole), **same, **dict.fromkeys(UNUSED, 0.0), **machines, "stable": True}


def _null_notes(results: Iterable[Row], hours: Sequence[Mapping[str, Any]]) -> list[Note]:
    """Why a key has no value: nothing was given for it, or nobody comes in some hour."""
    whole = [{row.key: row.value for row in results}, *(row for row in hours if row["tokens_per_s"])]
    never = {key for row in whole for key, value in row.items() if value is None}
    idle = "an hour has no requests"
    return null_notes([*whole, *hours], lambda key: service_null_reason(key) if key in never else idle)


def _by_hour(service: Service, day: Day, whole: dict[str, Any]) -> Series | None:
    """Hour by hour, of a longer trace for people the day of the busiest; nothing where all hours are alike."""
    if len(set(service.fleet.hours)) == 1:
        return None
    rows = []
    for number, (load, hour) in enumerate(zip(service.fleet.hours, day.hours, strict=True)):
        one = _hour_row(service, hour, whole)
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
    online = formulas.users.people_online(users=day.users, minutes_per_day=demand.minutes) if demand.minutes else None
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
        Row("gpus", row["gpus"], f"{service.running.rack.devices} a replica"),
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
    devices = day.replicas_paid * service.running.rack.devices
    month = formulas.cost.usd_per_month(price=service.price, devices=devices) if service.price else None
    served = 1.0 if day.stable else day.served(service.fleet.use)
    return [
        Row("usd_per_hour", month and month / formulas.cost.HOURS_PER_MONTH, "mean over the day"),
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


def _service_verdict(run: Run, row: dict[str, Any]) -> str:
    service, day = run.service, run.day
    devices = f"{many(day.replicas, 'replica')} of {service.running.rack.devices} x {service.running.rack.part.name}"
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


def _service_advice(run: Run) -> list[str]:
    """What one more replica, or a longer time between tokens, would buy."""
    service, day = run.service, run.day
    now, more = (run.capacity(day.replicas + extra) for extra in (0, 1))
    advice = [
        f"one more replica of {many(service.running.rack.devices, 'device')} would take {many(more, 'user')} in all, "
        f"{show(more / now - 1, 'share')} more than these can"
    ]
    if service.binds in WISHED:
        rest = min(limit for name, limit in service.limits.items() if name not in WISHED)
        held = f"{LIMITS[service.binds]} than {many(service.fleet.slots, 'sequence')} a replica"
        advice.append(f"{held}: a longer one would let it grow to {show(rest)}")
    if not service.fleet.follows and service.fleet.hours_paid > 1:
        advice.append("--scale-down lets replicas go in quiet hours")
    return advice


def _service_notes(service: Service, day: Day) -> list[Note]:
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
