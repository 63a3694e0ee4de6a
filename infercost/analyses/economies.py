"""Cost per token against the number of users: from one lone user to a full service, utilization an answer of load."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import exp, log
from typing import Any

from infercost import formulas, numeric
from infercost.analyses import own_or_api
from infercost.analyses.hosts import known, memory_words, unknown
from infercost.analyses.many import at_point
from infercost.analyses.prices import costs_of, margin_rows, margin_words, of_each, unlike_prices, weak_price, with_own
from infercost.analyses.remarks import (
    NAMED,
    ONE_QUEUE,
    bounded,
    count_flag,
    few_names,
    misfit,
    null_notes,
    on_devices,
    price_rows,
    room_rows,
    service_null_reason,
    step_notes,
    surest,
    unmet,
    with_bands,
    with_habits,
)
from infercost.analyses.worth import (
    LEAST,
    ORIGIN,
    READ,
    fewer_bits,
    holds_few,
    narrower,
    option,
    room_saving,
    step_at,
)
from infercost.errors import InfercostError
from infercost.fleet import cost
from infercost.fleet.cost import BUSY, LIMITS, Service, following, queued, reworked_service
from infercost.fleet.day import PATIENCE, Day, Fleet, day_of, reworked_day
from infercost.replica.step import times_of
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import LOADS, Scenario
from infercost.units import many, show

#: A part of the floor below this share of it comes of rounding, of floats or of the last of endless replicas.
DUST = 1e-5
_SHARED = Note("shared", "users come independently of each other; those who decode are spread evenly over the replicas")
_TO_THE_MEAN = Note("headroom", "replicas are filled to the mean: --max-wait-probability 1% keeps slots for chance")
_COLUMNS = ("users", "gpus", "batch", "utilization", "tokens_per_s_per_user")
NEARNESS = {"users_within_2x": 2.0, "users_within_10_percent": 1.1}

#: Users of a replica too few for a fifth of its load, and shares of its tokens at which one has a row.
FEW = 20
#: How much of the load that was asked about whole users may be off before it is said.
NEAR = 0.05
#: How much whole users may be off a share of the load and go by its name.
EXACT = 0.005
#: The price of a token at that load.
_AT_LOAD = "usd_per_million_tokens_at_load"
LOADED = {
    f"usd_per_million_tokens_{end}": share
    for end, share in {"fifth": 0.2, "two_fifths": 0.4, "four_fifths": 0.8}.items()
}


def answer(scenario: Scenario) -> Report:
    """A row a number of users, the floor of the cost, and how many users it takes to come near to it."""
    return _side_by_side(scenario) if scenario.each else with_own(_of_one(scenario), scenario)


def _of_one(scenario: Scenario) -> Report:
    """The answer about one accelerator."""
    service, even = scenario.service, own_or_api.answered(scenario)
    lone, floor = day_of(service.fleet, 1.0), cost.floor_of(service)
    if not scenario.rack.plan.fits:
        from infercost.analyses.fit import unfit  # loads what nobody needs where all is well

        return unfit(scenario, _results(scenario, lone, floor, even), ("gpus_per_replica",))
    results, work = (*_results(scenario, lone, floor, even), *room_rows(scenario.rack)), _works(scenario, lone, floor)
    if service.missed:
        return unmet(scenario, results, ("batch_limit", "gpus_per_replica", "fits", "shortfall_bytes"), work)
    values, parts = {row.key: row.value for row in results}, _floor_parts(service, floor)
    rows = curve(scenario)
    paid = ("usd_per_million_tokens", "usd_per_million_tokens_busy") if service.price else ("busy_share",)
    report = Report(
        command="economies",
        verdict=with_habits(_verdict(scenario, values, even), scenario.inputs),
        inputs=scenario.inputs,
        results=results,
        series=Series((*_COLUMNS, *paid), rows, bar="cost_ratio", scale="log"),
        parts=parts,
        advice=tuple(_advice(scenario, parts)),
        notes=(*_notes(scenario, even, [values, *rows]), *scenario.notes),
        work=work,
    )
    return with_bands(report, scenario.rack, "users")


def _notes(scenario: Scenario, even: own_or_api.BreakEven | None, rows: Iterable[Mapping[str, Any]]) -> Iterator[Note]:
    """What is assumed of a service, what else decides between own and API, and why a key of some row has no value."""
    yield from step_notes(scenario.service.running)
    yield from (_SHARED, _TO_THE_MEAN if scenario.service.fleet.waiting >= 1 else ONE_QUEUE)
    yield from own_or_api.remarks(scenario, even)
    yield from null_notes(rows, lambda key: unknown(key, scenario.rack) or service_null_reason(key))


def curve(scenario: Scenario) -> tuple[dict[str, Any], ...]:
    """The rows of an answer without the rest of it, which takes longer: of each accelerator that holds the model."""
    return tuple(row for each in scenario.each or (scenario,) if each.rack.plan.fits for row in _rows(scenario, each))


def _rows(scenario: Scenario, each: Scenario) -> list[dict[str, Any]]:
    """A row a number of users, from one to the last, evenly in ratio."""
    points, last, service = scenario.points, float(scenario.users or 1.0), each.service
    users = (exp(log(last) * index / (points - 1)) for index in range(points - 1))
    counts = sorted({*map(round, users), int(last)})
    floor = cost.device_seconds(service, cost.floor_of(service))
    fleet = queued(service).fleet
    rows = [known(cost.row_of(service, day_of(fleet, count)), each.rack) for count in counts]
    return [{**row, "cost_ratio": row["device_seconds_per_token"] / floor} for row in rows]


def _results(scenario: Scenario, lone: Day, floor: Day, even: own_or_api.BreakEven | None) -> Iterator[Row]:
    service, fleet = scenario.service, scenario.service.fleet
    full, least = cost.full_seconds(service), cost.device_seconds(service, floor)
    busy, paid = _served_and_paid(service, lone)
    yield Row("lone_user_cost_ratio", busy / full, "while served, of a full batch")
    yield Row("lone_user_reserved_cost_ratio", paid / least, f"{service.paid_hours} paid, of the floor")
    yield Row("batch_limit", fleet.slots, f"on a replica: {LIMITS[service.binds]}")
    yield Row("gpus_per_replica", scenario.rack.devices, scenario.rack.part.name)
    yield (full_row := _capacity_row(fleet))
    yield from _load_rows(scenario, full_row.value, even)
    yield from (_nearness_row(scenario, key, times * least) for key, times in NEARNESS.items())
    yield Row("floor_usd_per_million_tokens", _usd(service, least), "with endless users")
    yield from price_rows(floor_row := cost.row_of(service, floor), "of the floor, ")
    if (request := service.request) is not None and (usd := _usd(service, least)) is not None:
        each = formulas.cost.usd_per_request(usd_per_million_tokens=usd, output_tokens=request.output_tokens)
        yield Row("usd_per_request", each, "of the floor, with its prompt")
    yield from margin_rows(scenario, {"": None, **costs_of(floor_row), **_costs_at_users(scenario)})
    yield Row("floor_device_seconds", least, "of a device for each token")
    yield from _rate_rows(service, floor)
    if fleet.waiting < 1:  # with endless users it vanishes
        last, busiest = float(scenario.users or 1.0), max(fleet.hours)
        headroom = 1 - fleet.offered(last, busiest) / fleet.slots_needed(last, busiest)
        yield Row("headroom_share", headroom, f"of the slots of {many(last, 'user')}, for chance")
    yield from own_or_api.result_rows(even)
    if even is not None:
        yield from own_or_api.capacity_rows(own_or_api.capacity_of(service, even), even)
    if (load := _asked_load(scenario)) is not None:
        yield from own_or_api.load_rows(service, load, even)
        yield Row("usd_per_month", cost.month_usd(service, load), f"your own service, {service.paid_hours} paid")


def _rate_rows(service: Service, floor: Day) -> Iterator[Row]:
    """Tokens a second of a user and of a replica with endless users, mean over the day."""
    each, mean = formulas.cost.tokens_per_s_per_user(step_time=floor.tpot), "mean over the day"
    replicas = floor.replicas_busy if service.electric else floor.replicas_paid
    yield Row("floor_tokens_per_s_per_user", each, mean)
    yield Row("floor_tokens_per_s", floor.tokens_per_s / replicas, f"of a replica, {mean}", shown=False)


def _costs_at_users(scenario: Scenario) -> dict[str, float | None]:
    """What a million tokens cost at the users that were given, by the end of a key; empty where none were."""
    service, asked = scenario.service, scenario.question.get("users")
    if asked is None:
        return {}
    return {"_at_users": None, **costs_of(cost.row_of(service, day_of(service.fleet, float(asked))), "_at_users")}


def _at_users(scenario: Scenario) -> float | None:
    """USD a million tokens at the users that were given."""
    service, asked = scenario.service, scenario.question.get("users")
    if asked is None:
        return None
    return _usd(service, cost.device_seconds(service, day_of(service.fleet, float(asked))))


def _asked_load(scenario: Scenario) -> Day | None:
    """The day of the tokens a month that were asked about, None where no number of them was."""
    asked = scenario.question.get("tokens_per_month") is not None and scenario.users
    return day_of(queued(scenario.service).fleet, float(scenario.users or 1.0)) if asked else None


def _first_words(scenario: Scenario, even: own_or_api.BreakEven | None) -> str:
    """What both cost at the load that was asked about, and where a service of one's own breaks even with an API."""
    service, load = scenario.service, _asked_load(scenario)
    words = (own_or_api.at_load(service, load, even) if load else "") or own_or_api.sentence(service, even)
    if scenario.question.get("load_share") is not None:  # which is asked about in place of full replicas
        return words
    return words + own_or_api.capacity_words(own_or_api.capacity_of(service, even), even)


def _served_and_paid(service: Service, day: Day) -> tuple[float, float]:
    """Seconds of a device for each token, busy hours only and every hour paid."""
    return cost.device_seconds(service, day, busy=True), cost.device_seconds(service, day)


def _reworked(scenario: Scenario) -> Service:
    """One user, and the tokens of a month that were asked, worked out again."""
    if (tokens := scenario.question.get("tokens_per_month")) is not None and scenario.service.demand.minutes:
        cost.of_month(scenario.service, tokens)
    return reworked_service(scenario.service)


def _works(scenario: Scenario, lone: Day, floor: Day) -> dict[str, Callable[[], object]]:
    """What a person works out: the rack and one user, a full replica, the floor, and a lone user beside them."""
    service, price = scenario.service, scenario.api_price
    more: dict[str, Callable[[], object]] = {}
    if (share := scenario.question.get("load_share")) is not None:
        day, _ = _at_share(scenario, share, _capacity_row(service.fleet).value)
        more["this load"] = lambda: _reworked_load(scenario, day)
    if price is not None:
        more["own or API"] = lambda: own_or_api.work(service, price)
    if scenario.question.get("margin") is not None:
        least = _usd(service, cost.device_seconds(service, floor))
        more["what is charged"] = lambda: [*margin_rows(scenario, {"": least, "_at_users": _at_users(scenario)})]
    return {
        "": lambda: _reworked(scenario),
        "a full replica": lambda: cost.full_seconds(service),
        "the floor": lambda: _usd(service, cost.device_seconds(service, cost.floor_of(service, floor))),
        "a lone user": lambda: _served_and_paid(service, reworked_day(service.fleet, lone)),
        **more,
    }


def _reworked_load(scenario: Scenario, day: Day) -> None:
    """A replica at the load that was asked about, worked out again: its token, its month, an API's bill for it."""
    service, price = scenario.service, scenario.api_price
    day = reworked_day(queued(service).fleet, day)
    token = _usd(service, cost.device_seconds(service, day))
    if token is not None and (margin := scenario.question.get("margin")) is not None:
        formulas.cost.charged_usd(cost=token, margin=margin)
    cost.month_usd(service, day)
    if price is not None:
        own_or_api.month_at(service, day, cost.bill_of(price, service.request))


def _nearness_row(scenario: Scenario, key: str, limit: float) -> Row:
    """The least users whose token costs no more than a limit, and whether more may bring it above again."""
    service = scenario.service
    if (first := cost.users_within(service, limit)) is None:
        return Row(key, None, "no number of users is")
    if scenario.is_row:  # nobody reads its remarks, and this one takes as long as its value
        return Row(key, first)
    word = "the first" if service.fleet.waiting >= 1 else "reached"
    return Row(key, first, own_or_api.stays(first, cost.users_for_good(service, limit, first), word))


def _capacity_row(fleet: Fleet) -> Row:
    """Whole users that one replica takes, its headroom left free."""
    full = numeric.floor(fleet.users_a_replica)
    if fleet.waiting >= 1:
        most = cost.most_users(fleet._replace(patience=PATIENCE), 1)
        return Row("users_per_replica", min(numeric.floor(most), full), "in the busiest hour")
    remark = f"of one alone, with headroom; {full:,} with every slot taken"
    return Row("users_per_replica", int(cost.most_users(fleet, 1)), remark)


def _at_share(scenario: Scenario, share: float, full: int) -> tuple[Day, float]:
    """The day of one replica that makes a share of the tokens of a full one, and the share that its users make.

    Where users are minutes, fewer are served faster and make more tokens each.
    """
    fleet = queued(scenario.service).fleet
    whole = day_of(fleet, full).tokens_per_s
    most = share * whole * (1 + DUST)
    last = numeric.last_that(lambda count: day_of(fleet, count).tokens_per_s <= most, 1.0, full, whole=True)
    day = day_of(fleet, max(numeric.floor(last), 1))
    return day, day.tokens_per_s / whole


def _share_row(scenario: Scenario, key: str, load: tuple[Day, float], even: own_or_api.BreakEven | None) -> Row:
    """What a token costs at a share of the load, beside it what would be earned at an API's price."""
    day, made = load
    found = known(cost.row_of(scenario.service, day), scenario.rack)
    paid, used = found["usd_per_million_tokens"], found["utilization"]
    mfu = "" if used is None else f", {show(used, 'share')} of the arithmetic"
    margin = even and own_or_api.margin_at(paid, even.bill)
    mfu += "" if margin is None else f", gross margin {show(margin, 'share')} at the API's price"
    users = many(numeric.floor(day.users), "user")
    return Row(key, paid, f"{users}, {show(made, 'share')} of its full tokens/s{mfu}", paid is not None)


def _load_rows(scenario: Scenario, full: int, even: own_or_api.BreakEven | None) -> Iterator[Row]:
    """What a token costs at shares of the load; at one that was asked about a month too, and what an API leaves."""
    for key, share in LOADED.items():
        yield _share_row(scenario, key, _at_share(scenario, share, full), even)
    if (asked := scenario.question.get("load_share")) is None:
        return
    load = day, _ = _at_share(scenario, asked, full)
    month, token = cost.month_usd(scenario.service, day), _share_row(scenario, _AT_LOAD, load, even)
    yield token
    yield from margin_rows(scenario, {"_at_load": None, **costs_of(cost.row_of(scenario.service, day), "_at_load")})
    yield Row("load_usd_per_month", month, f"one replica, {scenario.service.paid_hours} paid", month is not None)
    if even is not None:
        billed = own_or_api.month_at(scenario.service, day, even.bill)[1]
        left = None if month is None else billed - month
        yield Row("load_api_usd_per_month", billed, "what the API bills for its tokens")
        yield Row("load_left_usd_per_month", left, "of that bill, over your own cost", month is not None)
        margin = own_or_api.margin_at(month, billed)
        yield Row("load_gross_margin", margin, "the same, of that bill", margin is not None)


def _load_words(scenario: Scenario, values: Mapping[str, Any]) -> str:
    """The price of a token at the load that was asked about, and what an API's price leaves; empty unasked."""
    if (paid := values.get(_AT_LOAD)) is None:
        return ""
    share = scenario.question.get("load_share")
    day, made = _at_share(scenario, share, values["users_per_replica"])
    users = many(numeric.floor(day.users), "user")
    made_by = "" if abs(made / share - 1) < NEAR else f" ({users} of {values['users_per_replica']:,}: {made:.1%})"
    tokens = f"a million {'output tokens' if scenario.service.request else 'tokens'}"
    start = f"At {show(share, 'share')} load{made_by} {tokens} cost {show(paid, 'USD')}"
    replica = f"a replica of {many(scenario.rack.devices, 'device')}"
    month = show(values["load_usd_per_month"], "USD")
    if (billed := values.get("load_api_usd_per_month")) is None:
        return f"{start}; {replica} costs {month} a month. "
    left, margin = (values[f"load_{key}"] for key in ("left_usd_per_month", "gross_margin"))
    ends = f"{'leaves' if left >= 0 else 'loses'} {show(abs(left), 'USD')}, a gross margin of {show(margin, 'share')}"
    return f"{start}; {replica} takes in {show(billed, 'USD')} a month at the API's price, costs {month} and {ends}. "


def _usd(service: Service, seconds: float) -> float | None:
    if service.price is None:
        return None
    return formulas.cost.usd_per_million_paid(price=service.price, paid_device_seconds=seconds)


def _floor_parts(service: Service, floor: Day) -> tuple[tuple[str, float, str], ...]:
    """What the floor is made of: the parts of a full step, prompts, hours that stand idle or share steps less."""
    fleet = service.fleet
    least, full = cost.device_seconds(service, floor), cost.full_seconds(service)
    unit, scale = ("USD", _usd(service, 1.0) or 1.0) if service.price else ("s", 1.0)
    parts = times_of(service.running.replica, fleet.slots, service.context).by_operator
    step, prompts = sum(parts.values()), fleet.curve.prompt_share(fleet.slots)
    shares = {name: full * (1 - prompts) * time / step for name, time in parts.items()}
    idle = "emptier hours" if service.paid_hours == BUSY else "idle hours"
    shares |= {"prompts": full * prompts, idle: max(least - full, 0.0)}
    return tuple((name, seconds * scale, unit) for name, seconds in shares.items() if seconds > DUST * least)


def _verdict(scenario: Scenario, values: Mapping[str, Any], even: own_or_api.BreakEven | None) -> str:
    """The price at the users that were asked and its floor, who comes near to it, and what a lone user pays."""
    service, users = scenario.service, values["users_within_2x"]
    if even is not None:
        return _verdict_beside_api(scenario, values, even)
    busy, paid = (show(values[f"lone_user_{key}cost_ratio"], "x") for key in ("", "reserved_"))
    busy = "as much as" if busy == "1x" else busy
    reach = f"{many(users, 'user')} {'comes' if users == 1 else 'come'}" if users else "No users come"
    near = f", {nearer:,.0f} within 10%" if users and (nearer := values["users_within_10_percent"]) else ""
    only = "" if service.paid_hours == BUSY else " if only busy time is paid"
    speed = _speed_words(values["floor_tokens_per_s_per_user"])
    price = f"{_first_words(scenario, even)}{_price_words(scenario, values, said=False)}"
    start = f"{_load_words(scenario, values)}{margin_words(scenario, values)}"
    if certain := bounded(service.running).rstrip():
        speed += "" if price else f", {certain}"
        price = price and f"{price.removesuffix('. ')}, {certain}. "
    lone = f"A lone user pays {paid} the floor, {busy} a full batch{only}. "
    if scenario.question.get("load_share") is not None:  # which is asked about in place of one user
        lone = ""
    return (
        f"{start}{price}{reach} within twice the floor{near}; {speed}. {_room_words(service)}{lone}"
        f"{_capacity_words(scenario, values)}{memory_words(scenario.rack)}"
    )


def _room_words(service: Service) -> str:
    """Why a floor is high where memory holds few sequences: hardly any share a read of the weights."""
    if not holds_few(service):
        return ""
    held = many(service.fleet.slots, "sequence")
    return f"Beside the weights a replica's cache has room for {held} only. "


def _verdict_beside_api(scenario: Scenario, values: Mapping[str, Any], even: own_or_api.BreakEven) -> str:
    """Own against API, how full the replicas are where they break even, the price and its floor, a user's speed."""
    price = _price_words(scenario, values, said=own_or_api.says_floor(even))
    certain = bounded(scenario.service.running).rstrip()
    rate = even.way.speed if even.way else values["floor_tokens_per_s_per_user"]
    speed = (
        "" if rate is None else f"{_speed_words(rate, 'that' if even.way else 'the')}{f', {certain}' * bool(certain)}"
    )
    last = (
        f"{price.removesuffix('. ')}; {speed}. "
        if price and speed
        else price or f"{speed[:1].upper()}{speed[1:]}. " * bool(speed)
    )
    if even.users is None and not even.way:
        last += _capacity_words(scenario, values)
    last += _room_words(scenario.service)
    start = f"{_load_words(scenario, values)}{margin_words(scenario, values)}"
    text = f"{start}{_first_words(scenario, even)}{last}".rstrip()
    return f"{text}{memory_words(scenario.rack)}"


def _speed_words(rate: float, which: str = "the") -> str:
    """What a user gets at a floor, and that it is slower than people read."""
    slow = ", slower than anybody reads" if rate < READ else ""
    return f"at {which} floor a user gets {show(rate)} tokens/s{slow}"


def _capacity_words(scenario: Scenario, values: Mapping[str, Any]) -> str:
    """The most users of a replica, and what a token costs where it makes only a share of its tokens."""
    full, devices = values["users_per_replica"], many(scenario.rack.devices, "device")
    costs = {share: cost for key, share in LOADED.items() if (cost := values.get(key)) is not None}
    if values.get(_AT_LOAD) is not None or values.get("usd_per_month") is not None:  # said first
        costs = {}
    said = (
        (f"{share:.0%}" if abs(made / share - 1) < EXACT else show(made, "share"), usd)
        for share, made, usd in ((share, _at_share(scenario, share, full)[1], usd) for share, usd in costs.items())
    )
    first, *others = (f"at {share}{{}} {show(usd, 'USD')}" for share, usd in said) if costs else ("",)
    loads = f"; {', '.join((first.format(' load a million cost'), *(each.format('') for each in others)))}"
    told = costs and full >= FEW  # one of fewer is more than a share of them
    users = many(full, "user" if values.get("usd_per_month") is None else "such user")  # of a load in tokens
    return f"One replica of {devices} serves up to {users}{loads if told else ''}."


def _price_words(scenario: Scenario, values: Mapping[str, Any], *, said: bool) -> str:
    """The price at the users that were asked about, and the floor where it was not ``said``; empty without a price."""
    service, asked = scenario.service, scenario.question.get("users")
    if (floor := values["floor_usd_per_million_tokens"]) is None:
        return ""
    read, written = (values.get(f"usd_per_million_tokens_{way}") for way in ("input", "output"))
    apart = (
        ""
        if read is None or scenario.question.get("margin") or scenario.api_price
        else f", or {show(read, 'USD')} in and {show(written, 'USD')} out"
    )
    tokens = f"a million {'output tokens' if service.request else 'tokens'}"
    tokens += " all in" if apart and not said else ""
    if asked is None:
        return "" if said else f"The floor is {show(floor, 'USD')} {tokens}{apart}. "
    usd = _at_users(scenario)
    least = "" if said else f", floor {show(floor, 'USD')}{apart}"
    verb = "" if scenario.question.get("margin") is None else "The cost is "
    return f"{verb}{show(usd, 'USD')} {tokens} at {many(asked, 'user')}{least}. "


def _advice(scenario: Scenario, parts: tuple[tuple[str, float, str], ...]) -> Iterator[str]:
    """What would make tokens cheaper: the largest part of the floor, idle hours, what limits the batch."""
    service, sizes = scenario.service, {name: size for name, size, _ in parts}
    if sizes and max(sizes, key=lambda name: sizes[name]) == "prompts":
        share = show(sizes["prompts"] / sum(sizes.values()), "share")
        yield f"prompts are {share} of the floor: a larger --prefix-share of them in a cache makes tokens cheaper"
    if other := own_or_api.apart(scenario):
        cheaper = show(1 - other.share, "share")
        yield f"prompts on replicas of their own make a full replica's token {cheaper} cheaper: {other.command}"
    if (saved := _idle_share(service)) >= LEAST:
        idle = "decode smaller batches" if service.paid_hours == BUSY else "stand idle in part"
        yield f"hours off the peak {idle}: --scale-down takes {show(saved, 'share')} off the floor"
    fewer = [*_size_advice(scenario)]
    yield from _batch_advice(scenario, more="" if fewer else "take more devices a replica")
    yield from fewer


def _size_advice(scenario: Scenario) -> Iterator[str]:
    """The replica of another size with the lowest floor, where it is much lower than that of these devices."""
    question, devices = scenario.question, scenario.rack.devices
    if scenario.is_row:
        return
    without = dict.fromkeys((*LOADS, "api_price"))
    best, floor = devices, (1 - LEAST) * cost.device_seconds(scenario.service, cost.floor_of(scenario.service))
    for size in _other_sizes(scenario):
        try:
            trial = at_point(question, {**on_devices(question, size), **without}, ORIGIN).service
        except InfercostError:
            continue
        least = cost.device_seconds(trial, cost.floor_of(trial))
        if trial.running.rack.plan.fits and not trial.missed and least <= floor:
            best, floor = size, least
    if best != devices:
        usd = _usd(scenario.service, floor)
        lower = f"{show(floor, 's')} of a device a token" if usd is None else show(usd, "USD")
        yield f"a replica of {many(best, 'device')} has a floor of {lower}: {count_flag(question, best)}"


def _other_sizes(scenario: Scenario) -> Iterator[int]:
    """Half of a count that was given, and half of that; twice one that was chosen, where memory ends its batch."""
    devices = scenario.rack.devices
    if not scenario.rack.given:
        yield from (2 * devices,) if scenario.service.binds == "memory" else ()
        return
    while devices % 2 == 0:
        devices //= 2
        yield devices


def _idle_share(service: Service) -> float:
    """What replicas that come and go with the load would save of the floor."""
    every, some = (cost.device_seconds(each, cost.floor_of(each)) for each in (service, following(service)))
    return 1 - some / every


def _batch_advice(scenario: Scenario, more: str) -> Iterator[str]:
    """What a larger batch would save of the floor, where memory or a latency ends it; prompts stay as they are.

    ``more`` says to take more devices a replica, where no other count is advised.
    """
    service = scenario.service
    running, slots, context = service.running, service.fleet.slots, service.context
    decoding = 1 - service.fleet.curve.prompt_share(slots)
    if found := list(fewer_bits(scenario)):
        yield from found
        if more:
            yield "more devices a replica leave more room for sequences"
    elif service.binds == "memory":
        ways = []
        if other := narrower(scenario):
            saved = 1 - cost.device_seconds(other.service, cost.floor_of(other.service)) / cost.device_seconds(
                service, cost.floor_of(service)
            )
            fewer = f"a cache in 8 bits ({option(scenario)})"
            ways += [f"{fewer} makes the floor {show(saved, 'share')} lower"] if saved >= LEAST else []
        elif (saved := decoding * room_saving(running, slots, context)) >= LEAST:
            ways.append(f"with half the context twice as many share each read, for {show(saved, 'share')} less a token")
        if ways:
            yield f"memory caps the batch: {'; or '.join([*ways, *([more] if more else [])])}"
    elif service.binds in ("latency", "first token"):
        larger = min(
            2 * slots, *(most for name, most in service.limits.items() if name not in ("latency", "first token"))
        )
        saved = decoding * (1 - step_at(running, larger, context) / larger / (step_at(running, slots, context) / slots))
        if saved >= LEAST:
            longer = f"at batch {show(larger)} a token costs {show(saved, 'share')} less"
            yield f"the latency limit caps the batch: with a longer one, or faster memory, {longer}"


def _side_by_side(scenario: Scenario) -> Report:
    """The rows of every accelerator that holds the model, by name; none where no accelerator does."""
    rows, services = curve(scenario), [each.service for each in scenario.each]
    parts = [each.rack.part for each in scenario.each]
    names, asked = (tuple(getattr(part, key) for part in parts) for key in ("name", "asked"))
    why_not = [misfit(service.running.rack) or service.missed for service in services]
    missed = [f"{name}: {why.strip()}" for name, why in zip(names, why_not, strict=True) if why]
    key = "usd_per_million_tokens" if all(service.price for service in services) else "device_seconds_per_token"
    columns = ("name", "users", "gpus", "batch", "utilization", key)
    kinds = [note for each in services for note in step_notes(each.running) if note.code in ("bound", "estimate")]
    return Report(
        command="economies",
        verdict=with_habits(" ".join([*missed, *_compared(scenario, services, rows, key)]), scenario.inputs)
        + _prices(scenario, services),
        inputs=tuple(item._replace(value=asked) if item.key == "gpu" else item for item in scenario.inputs),
        series=Series(columns, rows, bar="cost_ratio", scale="log") if rows else None,
        advice=() if rows else ("infercost fit says for each accelerator what would make it fit",),
        notes=(
            min(kinds, key=lambda note: note.code == "bound"),  # a bound only if all are
            *scenario.notes,
            *null_notes(rows, service_null_reason),
        ),
        met=not missed,
    )


def _compared(scenario: Scenario, services: list[Service], rows: tuple[dict[str, Any], ...], key: str) -> Iterator[str]:
    """From how many users each costs no more than an API, the floors, and who is cheapest."""
    yield from (*_api_sentences(scenario), *_floors(services, key), *_cheapest(services, rows, key))


def _prices(scenario: Scenario, services: list[Service]) -> str:
    """The end of a verdict on parts, one of which is cheapest: weak prices, and of which kinds they are."""
    parts = [each.running.rack.part for each in services]
    return weak_price(scenario.question, parts) + unlike_prices(scenario.notes) + of_each(scenario)


def _api_sentences(scenario: Scenario) -> list[str]:
    """From how many users on each service that serves as was asked costs no more than an API."""
    if (price := scenario.api_price) is None:
        return []
    able = [each for each in scenario.each if each.rack.plan.fits and not each.service.missed]
    return own_or_api.side_by_side((each.service for each in able), price)


def _floors(services: list[Service], key: str) -> Iterator[str]:
    """What a token costs with endless users on each that serves as was asked, the cheapest first; of one it is said."""
    able = [each for each in services if each.running.rack.plan.fits and not each.missed]
    if len(able) < 2:
        return
    seconds = {each.running.rack.part.name: (each, cost.device_seconds(each, cost.floor_of(each))) for each in able}
    priced = key == "usd_per_million_tokens"
    floors = {name: _usd(each, least) if priced else least for name, (each, least) in seconds.items()}
    first, *others = sorted(floors, key=lambda name: floors[name] or 0.0)
    shown = {name: show(floor, "USD" if priced else "s") for name, floor in floors.items()}
    words = f"a million {'output ' * bool(able[0].request)}tokens" if priced else "of a device a token"
    certain = surest(each.running for each in able)
    sure = "" if certain == "an estimate" else f", {certain}"
    rest = few_names((f"{shown[name]} on {name}" for name in others), NAMED)
    yield f"The floor is lowest on {first}, {shown[first]} {words}{sure}; {rest}."


def _cheapest(services: list[Service], rows: tuple[dict[str, Any], ...], key: str) -> list[str]:
    """The cheapest for one user and for the last number of them, of those that serve as was asked if any does."""
    able = {each.running.rack.part.name for each in services if each.running.rack.plan.fits and not each.missed}
    serving = [row for row in rows if row["name"] in able] or rows
    if not serving:
        return []

    def cheapest(users: float) -> str:
        return str(min((row for row in serving if row["users"] == users), key=lambda row: float(row[key]))["name"])

    few, most = cheapest(rows[0]["users"]), cheapest(rows[-1]["users"])
    also = " and" if few == most else f", {most}"
    return [f"{few} is cheapest for one user{also} for {many(rows[-1]['users'], 'user')}."]
