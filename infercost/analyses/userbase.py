"""From concurrent decodes to the daily users of a service, and back to accelerators."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses import own_or_api
from infercost.analyses.many import at_point
from infercost.analyses.prices import says_price, user_rows, user_words, with_own
from infercost.analyses.remarks import (
    ONE_QUEUE,
    PILED,
    bounded,
    gives_length,
    has_an_end,
    misfit,
    null_notes,
    price_rows,
    room_rows,
    service_null_reason,
    step_notes,
    unmet,
    with_bands,
    with_habits,
)
from infercost.analyses.worth import LEAST, ORIGIN, SLOW, USUAL_TPOT, fewer_bits
from infercost.errors import BadValue, InfercostError
from infercost.fleet.cost import (
    EVERYBODY,
    LIMITS,
    Service,
    curve_within,
    following,
    in_flight_of,
    largest,
    messages_of,
    month_usd,
    most_users,
    of_month,
    paid_devices,
    reworked_service,
    row_of,
    staying,
    users_at_price,
    users_averaging,
)
from infercost.fleet.day import (
    Day,
    Fleet,
    Hour,
    day_of,
    reworked_day,
    serves,
    staffed_wait,
    wait,
    worst_first_token,
    worst_waits,
)
from infercost.formulas.users import erlang_c, slots_for
from infercost.numeric import floor
from infercost.parts.accelerator import called
from infercost.parts.preset import DAY, counted
from infercost.replica.serving import Request, lone_ttft
from infercost.replica.step import critical_batch, reworked
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import ALL_TAKEN, TRACED, Habits, Scenario
from infercost.units import digits, many, show

#: The habits of users, and all that is known of users whatever serves them.
HABITS = ("minutes_per_day", "decoding_share")
OF_USERS = ("users", "people_online", *HABITS)
#: What is known where no replica meets a limit on latency: of users, and of one of them alone.
OF_LEAST = (*OF_USERS, "batch_limit", "tpot_s", "ttft_s", "fits", "shortfall_bytes")
#: Results that follow from what serves.
SUPPLIED = ("replicas", "gpus", "usd_per_month")
#: The note's guess of what a service that is consistent all day may need.
MILLION = 1e6
#: An emptiest hour below this share of the mean load is no day of a service.
LEAST_TROUGH = 0.01
#: What concurrency counts.
COUNTED = "concurrency counts sequences in the batch; people with the app open are that / decoding share"
#: What stands empty in a table where requests pile up, for all that has no value there.
HEADED = ("usd_per_million_tokens", "ttft_s")
#: What an hour without requests has, though nobody uses it.
UNUSED = ("concurrent_users", "utilization", "busy_share", "tokens_per_s", "memory_bandwidth_utilization")


Rows = Sequence[Mapping[str, Any]]

#: Limits of the batch that are a wish, where the others are what the machine and its engine can do.
WISHES = ("latency", "first token")
#: Above this share of an hour's requests most wait.
MOST = 0.5
#: The share of what replicas can take from which on one more is worth a word.
NEARLY_FULL = 0.9
#: A share of the arithmetic below this is no word of a verdict.
LEAST_USED = 0.01
#: Shares that are closer than this are one to a reader.
ALIKE = 0.001
#: The end of a load that is a rate of requests.
IN_BUSIEST = " in the busiest hour"
#: A time so little above its limit keeps it.
CLOSE = 1e-6


class Run(NamedTuple):
    """A service as it runs for a day, and the fleet that would keep its level."""

    service: Service
    day: Day
    level: Fleet

    @property
    def needed(self) -> int:
        """Replicas that keep the service level in the busiest hour."""
        return self.level.replicas(self.day.users, max(self.level.hours))

    @property
    def is_kept(self) -> bool:
        """Whether so many replicas keep every wait within its limit."""
        return not self.level.waits or serves(self.level, self.day.users, self.needed, max(self.level.hours))

    def capacity(self, replicas: int) -> float:
        """The most users for whom so many replicas keep the service level: whole ones, or those asked for of a part."""
        most, asked = most_users(self.level, replicas), self.day.users
        whole = int(floor(most))
        return asked if whole < asked <= most * (1 + CLOSE) else whole


def answer(scenario: Scenario) -> Report:
    """Daily users for a concurrency, or the concurrency of daily users, and the accelerators for either."""
    if scenario.rack is None and scenario.api_price is not None:
        from infercost.analyses import own_or_api  # of no accelerator: loads what a service does not need

        return own_or_api.answer(scenario)
    if scenario.habits is None:
        return with_own(_of_a_service(scenario), scenario)
    habits, rows = scenario.habits, _rows(scenario, scenario.habits)
    if scenario.rack and not scenario.rack.plan.fits:
        return _unfit(scenario, rows, {row.key for row in rows} - {*SUPPLIED})
    rows += room_rows(scenario.rack) if scenario.rack else ()
    values = {row.key: row.value for row in rows}
    advice = ["people read and think: --decoding-share 18% counts only the minutes in which tokens are decoded"]
    advice = advice if habits.decoding_share == 1 else []
    if scenario.rack and habits.peak > 1:
        advice.append(
            "--traffic one-region, or a file, in place of --peak-to-mean has the price of a token over the day"
        )
    return Report(
        command="userbase",
        verdict=_verdict(scenario, habits, values),
        inputs=scenario.inputs,
        results=rows,
        advice=tuple(advice),
        notes=(Note("concurrency", COUNTED), *scenario.notes),
        work=lambda: _shown_habits(scenario, habits),
    )


def _shown_habits(scenario: Scenario, habits: Habits) -> None:
    if scenario.rack:
        critical_batch(reworked(scenario.running))
    _rows(scenario, habits)


def _unfit(scenario: Scenario, rows: Iterable[Row], keys: Collection[str]) -> Report:
    """What does not fit, with what was asked of the users: nothing but habits where no number of them was given."""
    from infercost.analyses.fit import unfit  # loads what nobody needs where all is well

    counted = scenario.users is not None or scenario.question.get("concurrent") is not None
    report = unfit(scenario, rows, keys if counted else HABITS)
    bits = next((each for each in report.advice if each.startswith("weights in ")), "")
    said = f" in {bits.split()[2]}" in report.verdict if bits else True
    return _refused(scenario, report if said else report.replace(verdict=f"{report.verdict} It fits with {bits}."))


def _rows(scenario: Scenario, habits: Habits) -> tuple[Row, ...]:
    shape = {"minutes_per_day": habits.minutes, "decoding_share": habits.decoding_share}
    if scenario.concurrent is None:
        users = float(scenario.users or 0.0)
        mean = formulas.users.concurrent_users(users=users, **shape)
    else:
        mean = scenario.concurrent
        users = formulas.users.users(concurrent_users=mean, **shape)
    online = formulas.users.people_online(users=users, minutes_per_day=habits.minutes)
    peak = formulas.users.peak_concurrent(concurrent_users=mean, peak_to_mean=habits.peak)
    at_trough = formulas.users.users_at_trough(users=users, trough_to_mean=habits.trough)
    lowest = formulas.users.trough_concurrent(concurrent_users=mean, trough_to_mean=habits.trough)
    million = formulas.users.trough_for_users(users=users, target_users=MILLION) if users <= MILLION else None
    approach = "the note's 'approach 1M'" if million else "already above 1M"
    return (
        Row("concurrent_users", mean, "one slot of a batch each"),
        Row("people_online", online, "reading and thinking included"),
        Row("minutes_per_day", habits.minutes),
        Row("decoding_share", habits.decoding_share),
        Row("users", users, "mean over the day"),
        Row("users_at_trough", at_trough, f"at trough/mean {habits.trough:g}", shown=habits.trough != 1),
        Row("trough_to_mean_for_million_users", million, approach, shown=(million or 0.0) >= LEAST_TROUGH),
        Row("mean_concurrent", mean, shown=False),
        Row("peak_concurrent", peak, f"at peak/mean {habits.peak:g}", shown=habits.peak != 1),
        Row("trough_concurrent", lowest, shown=habits.trough != 1),
        *_slot_rows(habits, peak),
        *_supply_rows(scenario, peak),
    )


def _slot_rows(habits: Habits, peak: float) -> Iterator[Row]:
    if habits.waiting >= 1:
        yield Row("slots", formulas.users.slots_for_peak(peak_concurrent=peak), "busiest hour")
        return
    chance = {"offered": peak, "peakedness": habits.peakedness}
    slots = slots_for(**chance, wait_probability=habits.waiting)
    yield Row("slots", slots, _headroom_remark(habits.waiting, habits.peakedness))
    yield Row("wait_probability", erlang_c(**chance, slots=slots), "busiest hour, one queue for all; at most")


def _headroom_remark(waiting: float, peakedness: float) -> str:
    """What slots are provided for, where a share of requests may wait."""
    bursts = f", peakedness {peakedness:.3g}" if peakedness > 1 else ""
    return f"so that {show(waiting, 'share')} wait in the busiest hour{bursts}"


def _supply_rows(scenario: Scenario, peak: float) -> Iterator[Row]:
    rack = scenario.rack
    if rack is None:
        yield Row("replicas", None, "needs --gpu and --params", shown=False)
        yield Row("gpus", None, "needs --gpu and --params")
        yield Row("usd_per_month", None, "needs --gpu, --params and --price", shown=False)
        return
    slots = formulas.users.slots_for_peak(peak_concurrent=peak)
    replicas = formulas.users.replicas(slots=slots, batch=scenario.batch)
    devices = replicas * rack.devices
    month = scenario.price and formulas.cost.usd_per_month(price=scenario.price, devices=devices)
    yield Row("replicas", replicas, shown=False)
    yield Row("gpus", devices, f"{replicas} x {rack.devices}, {many(scenario.batch, 'sequence')} each")
    yield Row("usd_per_month", month, "paid every hour" if month else "needs --price")


def _verdict(scenario: Scenario, habits: Habits, values: Mapping[str, float]) -> str:
    mean, users = values["concurrent_users"], values["users"]
    decodes = many(mean, "concurrent decode")
    people = f"{many(users, 'daily user')} at {digits(habits.minutes)} min/day"
    supply = _supply_words(scenario, values)
    most = f" With {digits(values['slots'])} slots no more than {show(habits.waiting, 'share')} wait for one."
    kept = most if habits.waiting < 1 else ""
    if scenario.users is not None:
        return f"{people} {'averages' if users == 1 else 'average'} {decodes}{supply}.{kept}"
    text = f"{decodes} {'comes' if mean == 1 else 'come'} from {people}"
    more = "" if habits.trough == 1 else f", or {digits(values['users_at_trough'])} to fill the emptiest hour too"
    return f"{text}{more}{supply}.{kept}"


def _supply_words(scenario: Scenario, values: Mapping[str, float]) -> str:
    """The devices that serve them and what those cost, as an end of a verdict; nothing without hardware."""
    if scenario.rack is None:
        return ""
    month, name = values["usd_per_month"], called(scenario.rack.part)
    cost = f" for {show(month, 'USD')} a month" if month else ""
    return f": {counted(values['gpus'], name)} {'serves' if values['gpus'] == 1 else 'serve'} them{cost}"


def _of_a_service(scenario: Scenario) -> Report:
    """Replicas for a user base at a service level, what they cost, and what holds them back."""
    run, even = run_of(scenario.service, _users(scenario)), own_or_api.answered(scenario)
    service, day, missed = run.service, run.day, tuple(missed_limits(run))
    beside = own_or_api.against(service, day, even)
    hours = _hours(service, day, row := row_of(service, day))
    results = (*_people_rows(run), *_fleet_rows(run, row, said=day.stable and not missed), *_time_rows(run, row))
    results += (*_money_rows(run, row), *user_rows(scenario, month_usd(service, day), day.users))
    results += (*own_or_api.paying_rows(scenario), *_api_rows(scenario, run, even))
    results = results if day.stable else tuple(map(_of_pile, results))
    if not scenario.rack.plan.fits:
        return _unfit(scenario, results, OF_USERS)
    results, shown = (*results, *room_rows(scenario.rack)), _shown_service(scenario, service, day)
    if service.missed:
        return _refused(scenario, unmet(scenario, results, OF_LEAST, shown))
    waits, charged = wait_words(results, day.stable), user_words(scenario, results)
    nulls = (*own_or_api.remarks(scenario, even), *_null_notes(results, hours, day.stable))
    brief = bool(beside or scenario.question.get("purchase_price"))
    said = service_verdict(scenario, run, row, hours, missed, priced=bool(beside), brief=brief)
    said = (said.replace(" need ", " need at least ", 1) if waits else said) + waits
    report = Report(
        command="userbase",
        verdict=with_habits(_said(scenario, run, missed, charged + beside, said), scenario.inputs),
        inputs=scenario.inputs,
        results=results,
        series=_series(hours),
        advice=tuple(service_advice(scenario, run)),
        notes=(*_service_notes(service, day, said=bool(waits)), *nulls, *scenario.notes),
        met=day.stable and not missed,
        work=shown,
    )
    return with_bands(report, scenario.rack, "users")


def on_part(scenario: Scenario) -> tuple[dict[str, Any], str, Callable[[], None]]:
    """The numbers of a part that serves daily users, why it does not where it does not, and what ``--steps`` shows."""
    run = run_of(scenario.service, _users(scenario))
    service, day = run.service, run.day
    row, month = row_of(service, day), month_usd(service, day)
    numbers = row | {
        "usd_per_hour": month and month / formulas.cost.HOURS_PER_MONTH,
        "tokens_per_s_per_gpu": formulas.cost.tokens_per_s_per_gpu(tokens_per_s=day.tokens_per_s, devices=row["gpus"]),
        "bound": None,
    }
    late = _late_words(service) if service.missed else ""
    why = misfit(scenario.rack) or late or " and ".join(missed_limits(run)) or ("" if day.stable else PILED)
    return numbers, why.strip().rstrip("."), _shown_service(scenario, service, day)


def _late_words(service: Service) -> str:
    """What one user alone waits where a limit is missed: for each token or, where that limit is kept, for the first."""
    curve, limit = service.fleet.curve, service.level.max_tpot
    if limit is not None and curve.gaps[0] > limit:
        return f"at best {show(curve.gaps[0], 's')}"
    return f"first token at best {show(curve.ttfts[0], 's')}"


def _of_pile(row: Row) -> Row:
    """A result where requests pile up: nothing where it would mislead."""
    if has_an_end(row.key) or row.value is None:
        return row
    return row._replace(value=None, remark=PILED, shown=row.shown and row.key in HEADED)


def _shown_service(scenario: Scenario, service: Service, day: Day) -> Callable[[], None]:
    """What ``--steps`` shows: the service on its busiest day, who waits with the least slots, and with all of them."""
    fleet, worst = service.fleet, worst_waits(service.fleet, day).hours if service.request else ()

    def shown() -> None:
        if (tokens := scenario.question.get("tokens_per_month")) is not None:
            if scenario.question.get("users") is None:
                of_month(scenario.service, tokens)
            elif service.request:
                messages_of(service.request, day.users, tokens)
        again, kept = reworked_service(service), reworked_day(fleet, day)
        if fleet.waiting < 1:
            staffed_wait(fleet, day.users, max(fleet.hours))
        for _, load in worst:
            wait(fleet, day.users, fleet.replicas(day.users, load), load)
        row = row_of(again, kept)
        if again.request:
            _request_usd(row, again.request)
        _ = [*user_rows(scenario, month_usd(service, day), day.users)]
        if (price := scenario.question.get("seat_price")) is not None:
            users_at_price(scenario.service, price)
        if scenario.api_price is not None:
            own_or_api.work(scenario.service, scenario.api_price)

    return shown


def _users(scenario: Scenario) -> float:
    """Daily users: as given, or as many as average the concurrency that was given.

    Raises:
        BadValue: a concurrency that so many replicas have no room for.
    """
    if scenario.users is not None:
        return float(scenario.users)
    concurrent, service = float(scenario.concurrent or 0.0), scenario.service
    if (users := users_averaging(service, concurrent)) == EVERYBODY:
        raise BadValue(f"--concurrent {show(concurrent)}: nobody has so many users", "give fewer, or more --replicas")
    return users


def _hours(service: Service, day: Day, whole: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """A row an hour; none where all hours are alike, no price in one where requests pile up."""
    rows, loads = [], service.fleet.hours
    requests = _has_requests(service)
    for number, (load, hour) in enumerate(zip(loads, day.hours, strict=True) if len(set(loads)) > 1 else ()):
        own = {"hour": number, "load": load, "requests_per_s": hour.requests_per_s * hour.replicas * requests}
        row = _hour_row(service, hour, whole)
        rows.append({**{key: each if row["stable"] or has_an_end(key) else None for key, each in row.items()}, **own})
    return tuple(rows)


def _has_requests(service: Service) -> bool:
    """Whether users send requests: the tokens of their streams are none."""
    return service.request is not None or service.demand.minutes is None


def _hour_row(service: Service, hour: Hour, whole: dict[str, Any]) -> dict[str, Any]:
    """An hour with the keys of the whole day; without requests its replicas stand idle, and a token has no price."""
    if hour.mean:
        return row_of(service, Day(whole["users"], (hour,), (1,), (hour,)))
    machines = {"replicas": hour.replicas, "gpus": hour.replicas * service.running.rack.devices}
    same = {key: whole[key] for key in ("name", "users")}
    return {**dict.fromkeys(whole), **same, **dict.fromkeys(UNUSED, 0.0), **machines, "stable": True}


def _series(hours: tuple[dict[str, Any], ...]) -> Series | None:
    """Hour by hour; of a longer trace a table shows the day of the busiest hour."""
    if not hours:
        return None
    busiest = max(range(len(hours)), key=lambda number: hours[number]["load"]) // DAY * DAY
    columns = ("hour", "load", "replicas", "batch", "tpot_s", "tokens_per_s", "utilization")
    return Series(columns, hours, shown=hours[busiest : busiest + DAY] if len(hours) > DAY else ())


def _null_notes(results: Iterable[Row], hours: Sequence[Mapping[str, Any]], stable: bool) -> list[Note]:
    """Why a key has no value: requests pile up, nothing was given for it, or nobody comes in some hour."""
    whole = [{row.key: row.value for row in results}, *(row for row in hours if row["tokens_per_s"])]
    never = {key for row in whole for key, value in row.items() if value is None}

    def reason(key: str) -> str:
        if not stable and not has_an_end(key):
            return PILED
        if key == "mean_wait_s" and whole[0]["wait_probability"] is not None:
            return "no slot is free for chance: a queue has no end"
        return service_null_reason(key) if key in never else "an hour has no requests"

    return null_notes([*whole, *hours], reason)


def _at_load(run: Run, load: float) -> Hour:
    return run.day.hours[run.service.fleet.hours.index(load)]


def _people_rows(run: Run) -> Iterator[Row]:
    service, day, demand = run.service, run.day, run.service.demand
    low, high = min(service.fleet.hours), max(service.fleet.hours)
    quiet, busy = _at_load(run, low), _at_load(run, high)
    in_flight = in_flight_of(service, day)
    online, asked = None, ""
    if demand.minutes:
        online = formulas.users.people_online(users=day.users, minutes_per_day=demand.minutes)
        asked = f"at most: the tokens take {show(day.concurrent / online, 'share')}" if demand.messages else ""
    yield Row("users", day.users, "a day")
    yield Row("people_online", online, "app open, mean", shown=online is not None)
    yield Row("minutes_per_day", demand.minutes, shown=demand.minutes is not None)
    yield Row("decoding_share", demand.decoding_share, asked, shown=demand.minutes is not None)
    yield Row("in_flight", in_flight, "mean, from arrival on, no wait for a slot", shown=in_flight is not None)
    yield Row("concurrent_users", day.concurrent, shown=False)
    yield Row("mean_concurrent", day.concurrent, "sequences in a slot, mean over the day")
    yield Row("peak_concurrent", busy.mean * busy.replicas, f"at {high:.3g}x the mean load")
    yield Row("trough_concurrent", quiet.mean * quiet.replicas, f"at {low:.3g}x the mean load")
    if _has_requests(service):
        yield Row("peak_requests_per_s", busy.requests_per_s * busy.replicas, "on all replicas")
    yield Row("users_at_trough", day.users / low if low else None, shown=False)


def _slots_row(run: Run) -> Row:
    """Sequences of the busiest hour, or slots that let few of its requests wait, each held as when all are taken."""
    fleet, day, high = run.service.fleet, run.day, max(run.service.fleet.hours)
    if fleet.waiting < 1:
        remark = f"{_headroom_remark(fleet.waiting, fleet.peakedness)}, each held as on a full replica"
        return Row("slots", fleet.slots_needed(day.users, high), remark)
    busy, remark = _at_load(run, high), "busiest hour, no headroom for chance"
    if not busy.stable:
        return Row("slots", fleet.slots_needed(day.users, high), remark)
    return Row("slots", formulas.users.slots_for_peak(peak_concurrent=busy.mean * busy.replicas), remark)


def _fleet_rows(run: Run, row: dict[str, Any], *, said: bool) -> Iterator[Row]:
    """The replicas, how full they are, and what fills them; not a wish that the verdict has ``said``."""
    service, day, fleet = run.service, run.day, run.service.fleet
    yield _slots_row(run)
    reason = "" if said and service.binds in WISHES else f": {LIMITS[service.binds]}"
    yield Row("batch_limit", fleet.slots, f"on a replica{reason}")
    yield Row("replicas", day.replicas, "in the busiest hour" if fleet.follows else "")
    yield Row("gpus", row["gpus"], f"{service.running.rack.devices} a replica")
    yield Row("users_capacity", run.capacity(day.replicas), "these replicas can take")
    yield Row("batch", day.batch, "while busy")
    yield Row("utilization", row["utilization"], "of the arithmetic, every hour")
    yield Row("memory_bandwidth_utilization", row["memory_bandwidth_utilization"], "of the bandwidth, every hour")
    yield Row("idle_share", max(1 - row["busy_share"], 0.0), "of replica-hours with nobody there")
    unused = 1 - day.concurrent / (day.replicas_paid * fleet.slots)  # of full replicas a last bit below none
    yield Row("unused_share", max(unused, 0.0), "of slots, mean over the day")


def _time_rows(run: Run, row: dict[str, Any]) -> Iterator[Row]:
    day, fleet, has_requests = run.day, run.service.fleet, run.service.request is not None
    chance, waiting, _ = worst_waits(fleet, day) if has_requests else (None, None, ())
    hour = f"{'worst' if fleet.follows else 'busiest'} hour, one queue for all; at most"
    if chance == 0 and fleet.closed and fleet.waiting >= 1:
        hour = "each of those at once has a slot"
    yield Row("tpot_s", day.tpot, f"mean; {show(day.slowest.tpot, 's')} in the slowest hour")
    yield Row("ttft_s", row["ttft_s"], f"no wait for a slot, slowest hour{_idle_words(run, row)}", shown=has_requests)
    yield Row("wait_probability", chance, hour, shown=chance is not None)
    yield Row("mean_wait_s", waiting, "for a slot, mean over all; at most", shown=waiting is not None)
    yield Row("tokens_per_s", day.tokens_per_s, "mean over the day")


def _idle_words(run: Run, row: Mapping[str, Any]) -> str:
    """The time to a first token on an idle server, where most requests meet one and it is shorter; else nothing."""
    if (request := run.service.request) is None or run.day.slowest.busy >= MOST:
        return ""
    alone = lone_ttft(run.service.running.replica, request)
    return f"; most meet an idle server: {show(alone, 's')}" if alone < row["ttft_s"] * (1 - ALIKE) else ""


def _money_rows(run: Run, row: dict[str, Any]) -> Iterator[Row]:
    day, month = run.day, month_usd(run.service, run.day)
    yield Row("usd_per_hour", month and month / formulas.cost.HOURS_PER_MONTH, "mean over the day")
    yield Row("usd_per_month", month, f"{run.service.paid_hours} that replicas run")
    yield Row("usd_per_user_month", _user_usd(run.service, day))
    yield Row("usd_per_million_tokens", row["usd_per_million_tokens"], "all-in, per output token")
    if (request := run.service.request) is not None:
        lengths = f"{show(request.input_tokens)} tokens in, {show(request.output_tokens)} out"
        yield Row("usd_per_request", _request_usd(row, request), lengths)
    yield from price_rows(row)
    yield Row("joules_per_token", row["joules_per_token"], "rated power, idle hours included")
    yield Row("stable", day.stable, "" if day.stable else f"needs {many(run.needed, 'replica')}")
    needed = run.needed * run.service.running.rack.devices if run.is_kept else None
    yield Row("gpus_needed", needed, "at the service level", shown=False)


def _request_usd(row: Mapping[str, Any], request: Request) -> float | None:
    """USD for a request, every hour paid."""
    if (paid := row["usd_per_million_tokens"]) is None:
        return None
    return formulas.cost.usd_per_request(usd_per_million_tokens=paid, output_tokens=request.output_tokens)


def _user_usd(service: Service, day: Day) -> float | None:
    """USD a month for each user of a service."""
    month = month_usd(service, day)
    return month and month / day.users


def _api_rows(scenario: Scenario, run: Run, even: own_or_api.BreakEven | None) -> Iterator[Row]:
    """The tokens of a month and what an API bills for them, where either was asked about, or what replicas take."""
    if even is not None or scenario.question.get("tokens_per_month") is not None or _is_filled(scenario):
        yield from own_or_api.load_rows(run.service, run.day, even)
    yield from own_or_api.result_rows(even)


def _service_notes(service: Service, day: Day, *, said: bool) -> Iterator[Note]:
    yield from step_notes(service.running)
    if service.fleet.waiting >= 1 and not said:
        yield Note("headroom", "slots are filled to the mean: --max-wait-probability 1% keeps some for chance")
    elif service.fleet.waiting < 1 and day.replicas > 1:
        yield ONE_QUEUE
    if not day.stable:
        yield Note("unstable", "where an hour exceeds what replicas serve, requests pile up, and a token has no price")


# A service as it runs for a day: the fleet that keeps its level, what it misses, its verdict, and what to change.


def run_of(service: Service, users: float) -> Run:
    """The service on as many replicas as its level needs, or on as many as were asked for.

    Where so few cannot keep a latency, batches outgrow it if they can.
    """
    run = Run(service, day_of(service.fleet, users), service.fleet._replace(fixed=0))
    limits = {name: limit for name, limit in service.limits.items() if name not in WISHES}
    if not service.fleet.fixed or service.missed or run.day.stable or limits == service.limits:
        return run
    curve = curve_within(service.running, service.request, service.demand, limits).cheapest()
    slots = min(curve.most, largest(limits))
    grown = service._replace(fleet=service.fleet._replace(curve=curve, slots=slots), limits=limits)
    late = day_of(grown.fleet, users)
    return run._replace(service=grown, day=late) if late.stable else run


def missed_limits(run: Run) -> Iterator[str]:
    """What users see against what was asked for, of every limit that so many replicas do not keep."""
    fleet, day, level = run.service.fleet, run.day, run.service.level
    if run.service.missed or not day.stable:
        return
    if fleet.fixed and level.max_tpot is not None and day.slowest.tpot > level.max_tpot * (1 + CLOSE):
        took, limit = show(day.slowest.tpot, "s"), show(level.max_tpot, "s")
        yield f"{took} a token in the slowest hour (limit {limit})"
    if fleet.max_ttft < inf and (first := worst_first_token(fleet, day)) > fleet.max_ttft * (1 + CLOSE):
        took = show(first, "s") if first < inf else "ever longer"
        yield f"{took} to a first token on average, its wait included (limit {show(fleet.max_ttft, 's')})"
    if fleet.fixed and fleet.waiting < 1 and day.replicas < run.needed:
        chance, _ = wait(fleet, day.users, day.replicas, max(fleet.hours))
        yield f"{show(chance, 'share')} wait for a slot in the busiest hour (limit {show(fleet.waiting, 'share')})"


def _asks_whether(scenario: Scenario) -> bool:
    """Whether it was asked if so many replicas serve a load."""
    return scenario.question.get("replicas") is not None and not _is_filled(scenario)


def _refused(scenario: Scenario, late: Report) -> Report:
    """What nothing serves, with a No where it was asked whether so many replicas do."""
    whose = "it " if late.verdict.startswith("Does ") else ""
    no = f"No: {whose}{late.verdict[:1].lower()}{late.verdict[1:]}"
    return late.replace(verdict=no) if _asks_whether(scenario) else late


def _is_filled(scenario: Scenario) -> bool:
    """Whether the users are as many as so many replicas take."""
    return any(item.key == "users" and item.origin == ALL_TAKEN for item in scenario.inputs)


def _asks_requests(scenario: Scenario) -> bool:
    """Whether requests a second are what replicas fill: nobody spoke of users, their habits, or what they pay."""
    given = {item.key for item in scenario.inputs if not item.assumed}
    of_users = {"minutes_per_day", "decoding_share", "messages_per_day", "seat_price", "margin", "budget"}
    return _is_filled(scenario) and scenario.service.request is not None and not given & of_users


def _limits_words(run: Run) -> str:
    """The limits that users are to be served within, in words; empty where none was given."""
    fleet, tpot = run.service.fleet, run.service.level.max_tpot
    limits = [] if tpot is None else [f"a token within {show(tpot, 's')}"]
    limits += [f"a first token within {show(fleet.max_ttft, 's')}"] if fleet.max_ttft < inf else []
    limits += [f"waits within {show(fleet.waiting, 'share')}"] if fleet.waiting < 1 else []
    return " and ".join(filter(None, (", ".join(limits[:-1]), *limits[-1:])))


def _said(scenario: Scenario, run: Run, missed: tuple[str, ...], before: str, text: str) -> str:
    """The verdict, ``before`` it money: first Yes or No where that was asked, or the users at a usual speed."""
    first, last = _usable_words(scenario, run, missed)
    if not _asks_whether(scenario):
        return f"{first}{before}{text}{last}"
    after = f" {re.sub(': $|(?<=%): ', '. ', before)}".rstrip()
    if missed or not run.day.stable:
        return f"No: {text}{after}"
    if not _limits_words(run):
        return f"Yes: {text}{last}{after}"
    replicas, load = many(run.day.replicas, "replica"), _load_words(scenario, run, run.day.users)
    keep = f"{'keeps' if run.day.replicas == 1 else 'keep'} {_limits_words(run)} for {load}"
    text = text.replace(f"{load} have {replicas} of ", "It is " if run.day.replicas == 1 else "Each is ", 1)
    return f"Yes: {replicas} {keep}{_room_words(scenario, run)}. {before}{text}"


def _room_words(scenario: Scenario, run: Run) -> str:
    """For how large a load so many replicas would keep their limits, and how few are enough for this one."""
    most, more = run.capacity(run.day.replicas), []
    if run.day.users < most < EVERYBODY:
        who = "it" if run.day.replicas == 1 else "they"
        load = _load_words(scenario, run, most).removesuffix(" daily users").removesuffix(" in the busiest hour")
        more.append(f"{who} would for up to {load}")
    if run.needed < run.day.replicas:
        more.append(f"{many(run.needed, 'replica')} {'is' if run.needed == 1 else 'are'} enough")
    return f" ({'; '.join(more)})" if more else ""


def _free_words(scenario: Scenario, run: Run) -> str:
    """For how large a load so many replicas have room, where it is more than is there."""
    most = run.capacity(run.day.replicas)
    if not run.day.users < most < EVERYBODY:
        return ""
    load = _load_words(scenario, run, most).removesuffix(" daily users").removesuffix(" in the busiest hour")
    return f" (room for {load})"


def _rate_words(rate: float) -> str:
    return f"{show(rate)} requests/s{IN_BUSIEST}"


def _load_words(scenario: Scenario, run: Run, users: float) -> str:
    """So many users as the load was asked about: tokens a month, requests or users."""
    tokens = scenario.question.get("tokens_per_month")
    if tokens is not None:
        return f"{show(tokens * users / run.day.users, 'param')} tokens a month"
    rate = scenario.question.get("request_rate")
    return many(users, "daily user") if rate is None else _rate_words(rate * users / run.day.users)


def _usable_words(scenario: Scenario, run: Run, missed: tuple[str, ...]) -> tuple[str, str]:
    """What comes before and after a verdict on tokens slower than people read, where nobody limited their time."""
    service, day = run.service, run.day
    if scenario.is_row or service.level.max_tpot is not None or scenario.users is None or missed or not day.stable:
        return "", ""
    if formulas.cost.tokens_per_s_per_user(step_time=day.slowest.tpot) >= SLOW:
        return "", ""
    try:
        trial = _on_as_many(scenario, run, at_point(scenario.question, {"max_tpot": USUAL_TPOT}, ORIGIN))
    except InfercostError:
        return "", ""
    if trial.service.missed or not trial.rack.plan.fits:
        return "", ""
    other, flag = run_of(trial.service, _users(trial)), f"(--max-tpot {show(USUAL_TPOT, 's').replace(' ', '')})"
    speed, rack = f"{1 / USUAL_TPOT:.0f} tokens/s a user or more", trial.rack
    if not _is_filled(scenario):
        return "", f" {speed} {flag} would take {_devices_words(other.needed, rack.devices, called(rack.part))}."
    takes = _devices_words(other.day.replicas, rack.devices, called(rack.part))
    if _asks_requests(scenario):
        return "", f" At {speed} {flag} {_rate_words(_busiest_rate(other))} fill {takes}."
    users = many(other.day.users, "daily user")
    return f"At {speed} {flag} there is room on {takes} for {users}. Without --max-tpot ", ""


def _busiest_rate(run: Run) -> float:
    """Requests a second of the busiest hour, on all replicas."""
    return max(hour.requests_per_s * hour.replicas for hour in run.day.hours)


def _on_as_many(scenario: Scenario, run: Run, trial: Scenario) -> Scenario:
    """The trial on as many devices as users fill, where its replicas have others and so many make whole ones."""
    devices, each = run.day.replicas * scenario.rack.devices, trial.rack.devices
    given = scenario.question.get("budget") is not None or not _is_filled(scenario)
    if given or each == scenario.rack.devices or devices % each:
        return trial
    return at_point(scenario.question, {"max_tpot": USUAL_TPOT, "replicas": devices // each}, ORIGIN)


def _devices_words(replicas: int, each: int, name: str) -> str:
    """Replicas of so many devices, and the devices in all where both are several."""
    return f"{many(replicas, 'replica')} of {counted(each, name)}{_in_all(replicas, each)}"


def _in_all(replicas: int, each: int) -> str:
    return f" ({replicas * each:,} devices)" if replicas > 1 and each > 1 else ""


def service_verdict(
    scenario: Scenario,
    run: Run,
    row: dict[str, Any],
    hours: Rows,
    missed: tuple[str, ...],
    *,
    priced: bool,
    brief: bool = False,
) -> str:
    """The replicas that a load takes and what they cost; not a month's money where it was said before (``priced``).

    Beside an API or a purchase it is ``brief``: how much of the arithmetic is used, and what fills a replica, are rows.
    """
    service, day, tokens = run.service, run.day, scenario.question.get("tokens_per_month")
    rack, users, needed = service.running.rack, _users_words(scenario, run), many(run.needed, "replica")
    load, whose = _asked_load(scenario, users)
    single = load == users and day.users == 1
    devices = _devices_words(day.replicas, rack.devices, called(rack.part))
    whole = _in_all(run.needed, rack.devices)
    if not day.stable:
        return f"{load} {'does' if single else 'do'} not fit {devices}: {needed} would do{whole}.{whose}"
    if missed:
        misses = f"{'misses' if single else 'miss'} the service level: {', and '.join(missed)}"
        return f"{load} on {devices} {misses}.{f' {needed} would keep it{whole}.' if run.is_kept else ''}{whose}"
    price = ""
    if row["usd_per_million_tokens"] and says_price(scenario):
        price = _price_of_tokens(run, row, priced=priced)
        if tokens is None:
            price = _price_of_users(scenario, run, row, priced=priced)
        price += _saved_words(run, priced=priced)
    used = _used_words(day, row["utilization"], hours, brief=brief)
    full = f"a replica is full at {many(service.fleet.slots, 'sequence')}: {LIMITS[service.binds]}"
    verb = _verb(scenario, single=single)
    if _asks_whether(scenario) and not _limits_words(run):
        verb, devices = ("needs" if single else "need"), f"{run.needed:,} of your {devices}{_free_words(scenario, run)}"
        devices = devices.replace(") (", ", ")
    need = f"{verb} {bounded(service.running)}{devices}{_kept_words(scenario, run)}"
    need = need if price and not price.startswith(":") else need.removesuffix(",")
    if _asks_requests(scenario):
        load = _rate_words(_busiest_rate(run))
    full = "" if brief and not _limits_words(run) else f", and {full}"
    return f"{load} {need}{price}; {used}{_first_words(run)}{full}.{_set_words(run)}{whose}"


def _asked_load(scenario: Scenario, users: str) -> tuple[str, str]:
    """The load as it was asked about, and the ``users`` whose it is as the end of a verdict."""
    if (tokens := scenario.question.get("tokens_per_month")) is not None:
        return f"{show(tokens, 'param')} tokens a month", f" The tokens are those of {users}."
    if scenario.question.get("concurrent") is not None and not _asks_whether(scenario):
        return f"{many(scenario.concurrent or 0.0, 'sequence')} at once", f" They are those of {users}."
    return users, ""


def _first_words(run: Run) -> str:
    """The mean time to the first token in the slowest hour, its wait included, where a longest was given."""
    if run.service.fleet.max_ttft == inf or (first := worst_first_token(run.service.fleet, run.day)) == inf:
        return ""
    return f", a first token takes {show(first, 's')} on average"


def _set_words(run: Run) -> str:
    """What sets how many replicas there are, where they were found within a longest time to the first token."""
    fleet, users, high = run.service.fleet, run.day.users, max(run.service.fleet.hours)
    if fleet.max_ttft == inf or fleet.fixed or run.day.replicas == 1:
        return ""
    loads = {"The sequences of the busiest hour set": fleet.offered(users, high)}
    if fleet.waiting < 1:
        loads[f"Waits within {show(fleet.waiting, 'share')} set"] = fleet.slots_needed(users, high)
    enough = (f" {what}" for what, slots in loads.items() if slots > (run.day.replicas - 1) * fleet.slots)
    return f"{next(enough, ' The time to the first token sets')} the number of replicas."


def _verb(scenario: Scenario, *, single: bool) -> str:
    """What a load does with its replicas: it fills or has those that were given, and needs those that were found."""
    if _is_filled(scenario):
        return "fills" if single else "fill"
    given = scenario.question.get("replicas") is not None
    return ("has" if single else "have") if given else ("needs" if single else "need")


def _used_words(day: Day, utilization: float | None, hours: Rows, *, brief: bool) -> str:
    """A user's tokens a second and, where it is not ``brief``, the arithmetic used, by hours where these differ."""
    speed = show(formulas.cost.tokens_per_s_per_user(step_time=day.slowest.tpot), "")
    user, used = f"a user gets {speed} tokens/s", f"{show(utilization, 'share')} of the arithmetic is used"
    tiny = brief or max(utilization or 0.0, *(hour["utilization"] or 0.0 for hour in hours), 0.0) < LEAST_USED
    if not hours:
        return user if tiny else f"{user}, {used}"
    if tiny:
        return f"{user} in the slowest hour"
    quiet, *_, busy = (show(hour["utilization"], "share") for hour in sorted(hours, key=lambda hour: hour["load"]))
    whole = f"{show(utilization, 'share')} over {'the day' if len(hours) == DAY else 'all hours'}"
    used = f"{busy} of the arithmetic is used in the busiest hour, {quiet} in the emptiest, {whole}"
    return f"{user} in the slowest hour, {used}"


def _users_words(scenario: Scenario, run: Run) -> str:
    """The users of a service, or the requests of a rate or of a trace that are taken as theirs."""
    if (rate := scenario.question.get("request_rate")) is not None:
        return _rate_words(rate)
    if _is_traced(scenario):
        return f"{many(run.day.users * (run.service.demand.messages or 0.0), 'request')} a day, as in the trace,"
    return many(run.day.users, "daily user")


def _is_of_requests(scenario: Scenario) -> bool:
    """Whether users stand for requests that were counted."""
    return _is_traced(scenario) or _is_of_a_rate(scenario)


def _is_of_a_rate(scenario: Scenario) -> bool:
    """Whether the load is so many requests a second."""
    return scenario.question.get("request_rate") is not None


def _is_traced(scenario: Scenario) -> bool:
    """Whether the users are the requests of a trace."""
    return any(item.key == "users" and item.origin.startswith(TRACED) for item in scenario.inputs)


def _kept_words(scenario: Scenario, run: Run) -> str:
    """How many requests come where users are the answer, and how few wait, if that was assumed too; else nothing."""
    given = {item.key: item for item in scenario.inputs}
    if "users" not in given or scenario.service.fleet.waiting >= 1 or given["users"].origin != ALL_TAKEN:
        return ""
    limit, requests = given["max_wait_probability"], ""
    if _asks_requests(scenario):
        requests = f", or {many(run.day.users, 'daily user')}"
    elif scenario.service.request is not None:
        requests = f", {_rate_words(_busiest_rate(run))}"
    assumed = " (assumed)" if limit.assumed else ""
    return f"{requests}, up to {show(limit.value, 'share')} waiting{assumed},"


def _price_of_users(scenario: Scenario, run: Run, row: dict[str, Any], *, priced: bool) -> str:
    """What a token that comes out costs, a request whose length was given, a month of all and of each user.

    A month of replicas that users fill has how many tokens come out too.
    """
    month, users, cost = month_usd(run.service, run.day) or 0.0, run.day.users, row["usd_per_million_tokens"]
    request = run.service.request
    each = "" if users == 1 or _is_of_requests(scenario) else f" ({show(month / users, 'USD')} a user)"
    tokens = f" for {show(month / cost * MILLION, 'param')} of them" if _is_filled(scenario) else ""
    paid = "" if priced else f", {show(month, 'USD')} a month{tokens}{each}"
    one = f", {show(_request_usd(row, request), 'USD')} a request" if gives_length(scenario) and request else ""
    return f" at {show(cost, 'USD')} a million {'output tokens' if request else 'tokens'}{one}{paid}"


def _price_of_tokens(run: Run, row: dict[str, Any], *, priced: bool) -> str:
    """What a month costs, a token of all that were asked about, and one that comes out."""
    cost = row["usd_per_million_tokens"]
    month, request = "" if priced else f"{show(month_usd(run.service, run.day), 'USD')} a month, ", run.service.request
    if request is None:
        return f": {month}{show(cost, 'USD')} a million tokens"
    each = f"{show(request.input_tokens)} in and {show(request.output_tokens)} out a request"
    both = f"{show(row['usd_per_million_tokens_blended'], 'USD')} a million tokens in and out"
    return f": {month}{both} ({show(cost, 'USD')} a million output tokens, at {each})"


def wait_words(results: Iterable[Row], stable: bool) -> str:
    """That most requests of the worst hour wait for a slot, how long, and what keeps slots for them; else nothing."""
    values = {row.key: row.value for row in results}
    chance, waiting = values["wait_probability"], values["mean_wait_s"]
    if not stable or chance is None or chance <= MOST:
        return ""
    long = f", a mean of up to {show(waiting, 's')}" if waiting else ""
    most = f" In the worst hour up to {show(chance, 'share')} of requests wait for a slot{long}"
    return f"{most}: --max-wait-probability 1% provides for chance."


def service_advice(scenario: Scenario, run: Run) -> Iterator[str]:
    """What fewer bits, one more replica, a longer time between tokens, or fewer replicas in quiet hours would buy."""
    service, fleet = run.service, run.service.fleet
    budget = scenario.question.get("budget")
    if not run.day.stable:
        yield _within(run, scenario) if budget else f"--replicas {run.needed}, or leave --replicas out"
    yield from fewer_bits(scenario, _users_taken)
    if not run.day.stable:
        return
    now, more = (run.capacity(run.day.replicas + extra) for extra in (0, 1))
    if run.day.users >= now * NEARLY_FULL and not budget:  # which pays for as many as there are
        replica = f"one more replica of {many(service.running.rack.devices, 'device')}"
        load = _load_words(scenario, run, more) if _is_of_a_rate(scenario) else many(more, "user")
        took = f"{load.removesuffix(IN_BUSIEST)} in all, {show(more / now - 1, 'share')} more than these can"
        yield f"{replica} would take {took}"
    if service.binds in WISHES:
        next_limit = min(limit for name, limit in service.limits.items() if name not in WISHES)
        longer = f"a longer {'--max-tpot' if service.binds == 'latency' else '--max-ttft'}"
        yield f"{longer} would let a replica grow from {many(fleet.slots, 'sequence')} to {show(next_limit)}"
    if (saved := _saved_by_following(run)) and saved[0] >= LEAST:
        yield f"--scale-down lets replicas go in quiet hours: {show(saved[0], 'share')} less to pay{_a_token(*saved)}"


def _within(run: Run, scenario: Scenario) -> str:
    """The budget that pays for as many replicas as users take, and the users for whom those that it pays for do."""
    month = (month_usd(run.service, run.day) or 0.0) / run.day.replicas * run.needed
    fewer = "" if scenario.instead else f", or {show(run.capacity(run.day.replicas))} users"
    return f"{show(month, 'USD')} a month (--budget) for all of them{fewer}"


def _users_taken(scenario: Scenario) -> str:
    """How many users replicas take that they fill, and the tokens a second of each; nothing of others."""
    if not _is_filled(scenario):
        return ""
    day = run_of(scenario.service, _users(scenario)).day
    return f" ({many(day.users, 'user')} at {show(row_of(scenario.service, day)['tokens_per_s_per_user'])} tokens/s)"


def _saved_by_following(run: Run) -> tuple[float, float] | None:
    """Shares of the bill and of a token's price that users save on replicas that come and go, not on so many as asked.

    None where no hour differs from others, or where replicas that come and go would not keep up.
    """
    fleet = run.service.fleet
    if fleet.follows or fleet.fixed or len(set(fleet.hours)) == 1:
        return None
    day = day_of(following(run.service).fleet, run.day.users)
    return _saved(run.service, run.day, day) if day.stable else None


def _saved(service: Service, stay: Day, follow: Day) -> tuple[float, float]:
    """Shares of the bill and of the price of a token that replicas save where they come and go."""
    bill = paid_devices(service, follow) / paid_devices(service, stay)
    return 1 - bill, 1 - bill * stay.tokens_per_s / follow.tokens_per_s


def _saved_words(run: Run, *, priced: bool) -> str:
    """What replicas that come and go save against those that stay, behind what they cost; nothing for others."""
    fleet = run.service.fleet
    if not fleet.follows or len(set(fleet.hours)) == 1:
        return ""
    if run.day.replicas == 1:
        return ", and one replica cannot scale down: nothing is saved"
    other = staying(run.service)
    day = day_of(other.fleet, run.day.users)
    saved = _saved(other, day, run.day)
    less = f"less{' a month' if priced else ''} than replicas that stay"
    return f", {show(saved[0], 'share')} {less}{_a_token(*saved)}"


def _a_token(bill: float, token: float) -> str:
    """The share of a token's price that is saved, where it is not that of the bill: fuller batches decode fewer."""
    if abs(bill - token) < ALIKE:
        return ""
    return f" ({show(abs(token), 'share')} {'less' if token > 0 else 'more'} a token: fewer come out)"
