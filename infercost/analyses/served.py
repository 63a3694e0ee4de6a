"""A service as it runs for a day: the fleet that keeps its level, what it misses, its verdict, and what to change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.prices import says_price
from infercost.analyses.remarks import bounded
from infercost.analyses.worth import LEAST, lighter, narrower, option, weights_of_8_bits
from infercost.fleet.cost import device_seconds, floor_of, month_usd, most_users, paid_devices, row_of
from infercost.fleet.day import Day, Fleet, day_of, serves, wait, worst_first_token
from infercost.fleet.service import LIMITS, Service, curve_within, following, largest, staying
from infercost.numeric import floor
from infercost.parts.accelerator import called
from infercost.parts.preset import counted
from infercost.parts.traffic import DAY
from infercost.report import Row
from infercost.scenario.replicas import ALL_TAKEN, TRACED
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

Rows = Sequence[Mapping[str, Any]]

#: Limits of the batch that are a wish, where the others are what the machine and its engine can do.
WISHES = ("latency", "first token")
#: Memory that holds fewer sequences beside the weights holds few.
FEW_HELD = 8
#: Above this share of an hour's requests most wait.
MOST = 0.5
#: The share of what replicas can take from which on one more is worth a word.
NEARLY_FULL = 0.9
#: Shares that are closer than this are one to a reader.
ALIKE = 0.001
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
        yield f"a token takes {took} in the slowest hour and may take {limit}"
    if fleet.max_ttft < inf and (first := worst_first_token(fleet, day)) > fleet.max_ttft * (1 + CLOSE):
        took = show(first, "s") if first < inf else "ever longer"
        yield f"a first token takes {took}, its mean wait included, and may take {show(fleet.max_ttft, 's')}"
    if fleet.fixed and fleet.waiting < 1 and day.replicas < run.needed:
        chance, _ = wait(fleet, day.users, day.replicas, max(fleet.hours))
        yield f"{show(chance, 'share')} wait for a slot in the busiest hour and {show(fleet.waiting, 'share')} may"


def service_verdict(
    scenario: Scenario,
    run: Run,
    row: dict[str, Any],
    hours: Rows,
    missed: tuple[str, ...],
    *,
    priced: bool,
) -> str:
    """The replicas that a load takes and what they cost; not a month's money where it was said before (``priced``)."""
    service, day, tokens = run.service, run.day, scenario.question.get("tokens_per_month")
    rack, users, needed = service.running.rack, _users_words(scenario, run), many(run.needed, "replica")
    load = users if tokens is None else f"{show(tokens, 'param')} tokens a month"
    single, whose = load == users and day.users == 1, "" if load == users else f" The tokens are those of {users}."
    devices = f"{many(day.replicas, 'replica')} of {counted(rack.devices, called(rack.part))}"
    if not day.stable:
        return f"{load} {'does' if single else 'do'} not fit {devices}: {needed} would do.{whose}"
    if missed:
        misses = f"{'misses' if single else 'miss'} the service level: {', and '.join(missed)}"
        return f"{load} on {devices} {misses}.{f' {needed} would keep it.' if run.is_kept else ''}{whose}"
    price = ""
    if row["usd_per_million_tokens"] and says_price(scenario):
        price = _price_of_tokens(run, row, priced=priced)
        if load == users:
            price = _price_of_users(run, row, priced=priced, traced=_is_traced(scenario))
        price += _saved_words(run, priced=priced)
    used = _used_words(day, row["utilization"], hours)
    full = f"a replica is full at {many(service.fleet.slots, 'sequence')}: {LIMITS[service.binds]}"
    need = f"{_verb(scenario, single=single)} {bounded(service.running)}{devices}{_kept_words(scenario, run)}"
    return f"{load} {need}{price}; {used}, and {full}.{whose}"


def _verb(scenario: Scenario, *, single: bool) -> str:
    """What a load does with its replicas: it fills or has those that were given, and needs those that were found."""
    if any(item.key == "users" and item.origin == ALL_TAKEN for item in scenario.inputs):
        return "fills" if single else "fill"
    given = scenario.question.get("replicas") is not None
    return ("has" if single else "have") if given else ("needs" if single else "need")


def _used_words(day: Day, utilization: float | None, hours: Rows) -> str:
    """A user's tokens a second and the arithmetic that is used, by hours where these differ."""
    speed = show(formulas.cost.tokens_per_s_per_user(step_time=day.slowest.tpot), "")
    user, used = f"a user gets {speed} tokens/s", f"{show(utilization, 'share')} of the arithmetic is used"
    if not hours:
        return f"{user}, {used}"
    quiet, *_, busy = (show(hour["utilization"], "share") for hour in sorted(hours, key=lambda hour: hour["load"]))
    whole = f"{show(utilization, 'share')} over {'the day' if len(hours) == DAY else 'all hours'}"
    used = f"{busy} of the arithmetic is used in the busiest hour, {quiet} in the emptiest, {whole}"
    return f"{user} in the slowest hour, {used}"


def _users_words(scenario: Scenario, run: Run) -> str:
    """The users of a service, or the requests of a trace that are taken as theirs."""
    if _is_traced(scenario):
        return f"{many(run.day.users * (run.service.demand.messages or 0.0), 'request')} a day, as in the trace,"
    return many(run.day.users, "daily user")


def _is_traced(scenario: Scenario) -> bool:
    """Whether the users are the requests of a trace."""
    return any(item.key == "users" and item.origin.startswith(TRACED) for item in scenario.inputs)


def _kept_words(scenario: Scenario, run: Run) -> str:
    """How many requests come where users are the answer, and how few wait, if that was assumed too; else nothing."""
    given = {item.key: item for item in scenario.inputs}
    if "users" not in given or scenario.service.fleet.waiting >= 1 or given["users"].origin != ALL_TAKEN:
        return ""
    limit, requests = given["max_wait_probability"], ""
    if scenario.service.request is not None:
        busy = max(run.day.hours, key=lambda hour: hour.requests_per_s * hour.replicas)
        requests = f", {show(busy.requests_per_s * busy.replicas)} requests/s in the busiest hour"
    assumed = " (assumed)" if limit.assumed else ""
    return f"{requests}, no more than {show(limit.value, 'share')} waiting for a slot{assumed},"


def _price_of_users(run: Run, row: dict[str, Any], *, priced: bool, traced: bool) -> str:
    """What a token that comes out costs, and a month of all and of each user."""
    month, users, cost = month_usd(run.service, run.day) or 0.0, run.day.users, row["usd_per_million_tokens"]
    each = "" if users == 1 or traced else f" ({show(month / users, 'USD')} a user)"
    paid = "" if priced else f", {show(month, 'USD')} a month{each}"
    return f" at {show(cost, 'USD')} a million {'output tokens' if run.service.request else 'tokens'}{paid}"


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


def holds_few(service: Service) -> bool:
    """Whether memory holds so few sequences beside the weights that hardly any share a read of these."""
    return service.binds == "memory" and service.fleet.slots < FEW_HELD


def fewer_bits(scenario: Scenario) -> Iterator[str]:
    """Weights and a cache of eight bits where memory holds few sequences: how many then, and what a token saves."""
    service, ways = scenario.service, list[str]()
    if not holds_few(service):
        return
    found = (
        (f"weights in 8 bits (--dtype {weights_of_8_bits(scenario)})", lighter(scenario)),
        (f"a cache in 8 bits ({option(scenario)})", narrower(scenario)),
    )
    for what, other in found:
        if other is None or other.service.missed or other.service.fleet.slots <= service.fleet.slots:
            continue
        floors = [device_seconds(each, floor_of(each)) for each in (service, other.service)]
        if (saved := 1 - floors[1] / floors[0]) >= LEAST:
            devices = other.rack.devices
            on = "" if devices == scenario.rack.devices else f" on {many(devices, 'device')}"
            held = many(other.service.fleet.slots, "sequence")
            ways.append(
                f"{what} {'leave' if 'weights' in what else 'leaves'} room for {held}{on}, and a full replica's "
                f"token costs {show(saved, 'share')} less"
            )
    if ways:
        yield "; or ".join(ways)


def service_advice(scenario: Scenario, run: Run) -> Iterator[str]:
    """What fewer bits, one more replica, a longer time between tokens, or fewer replicas in quiet hours would buy."""
    service, fleet = run.service, run.service.fleet
    if not run.day.stable:
        yield f"--replicas {run.needed}, or leave --replicas out"
    yield from fewer_bits(scenario)
    if not run.day.stable:
        return
    now, more = (run.capacity(run.day.replicas + extra) for extra in (0, 1))
    if run.day.users >= now * NEARLY_FULL:
        replica = f"one more replica of {many(service.running.rack.devices, 'device')}"
        yield f"{replica} would take {many(more, 'user')} in all, {show(more / now - 1, 'share')} more than these can"
    if service.binds in WISHES:
        next_limit = min(limit for name, limit in service.limits.items() if name not in WISHES)
        longer = f"a longer {'--max-tpot' if service.binds == 'latency' else '--max-ttft'}"
        yield f"{longer} would let a replica grow from {many(fleet.slots, 'sequence')} to {show(next_limit)}"
    if (saved := _saved_by_following(run)) and saved[0] >= LEAST:
        yield f"--scale-down lets replicas go in quiet hours: {show(saved[0], 'share')} less to pay{_a_token(*saved)}"


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
    other = staying(run.service)
    day = day_of(other.fleet, run.day.users)
    saved = _saved(other, day, run.day)
    _, quiet = min(zip(other.fleet.hours, day.hours, strict=True), key=itemgetter(0))
    used = row_of(other, Day(day.users, (quiet,), (1,), (quiet,)))["utilization"] if quiet.mean else 0.0
    less = f"less{' a month' if priced else ''} than replicas that stay"
    return f", {show(saved[0], 'share')} {less}, used {show(used, 'share')} in the emptiest hour{_a_token(*saved)}"


def _a_token(bill: float, token: float) -> str:
    """The share of a token's price that is saved, where it is not that of the bill: fuller batches decode fewer."""
    if abs(bill - token) < ALIKE:
        return ""
    return f" ({show(abs(token), 'share')} {'less' if token > 0 else 'more'} a token: fewer come out)"
