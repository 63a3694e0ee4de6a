"""What answers say of prices: own devices against a rent, weak rents, two bases, margins; limits on cost or time."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.many import Rows
from infercost.errors import Missing
from infercost.parts.accelerator import BASES, called, is_owned, is_sold_to_owners
from infercost.parts.formats import Format
from infercost.parts.preset import Fact, Preset, counted
from infercost.quantities import KEYS
from infercost.report import Note, Report, Row
from infercost.scenario.read import Axis, Question, plain, prices_of
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import (
    MIXED,
    OWN,
    USUAL_BASIS,
    electricity_price,
    kind_of_price,
    own_price,
    rent_key,
    times_usual,
    words_of,
)
from infercost.units import many, show

#: What ``--steps`` evaluates: one point, several by name, or nothing.
Work = Callable[[], object] | Mapping[str, Callable[[], object]] | None
#: What has a price of tokens, of hours or of months.
_PAID = "usd_per_"
#: What is said of several parts whose prices are not the presets' rents.
_OF_PARTS = {
    "electricity": " Prices are electricity alone, at rated power.",
    "owned": " Prices are of devices that are owned.",
}
_ELECTRICITY = "The price is electricity alone"

#: What is swept to save money by.
_SAVING = ("dtype", "kv_dtype", "api_price")
#: A smaller share of a price is none to a reader.
_NO_SAVING = 0.001
_TOKEN, _DECODE = "usd_per_million_tokens", "usd_per_million_tokens_decode"


class Own(NamedTuple):
    """USD an hour of a device of one's own and, where it was bought and its rent is known, of a rented one.

    ``words`` say whose rent that is, ``share`` of all hours is where both cost the same, ``months`` of all hours save
    what was paid for it: None where renting costs no more than its electricity. ``api_months`` of an API's bill for the
    same requests save what was paid for all devices, infinite where it is below their electricity, of a load ``when``.
    ``hours`` a day are those of use that were asked about, in which ``months`` count. ``dear`` says of a price that it
    looks like that of a machine of several.
    """

    price: float
    bought: bool
    rent: float | None = None
    words: str = ""
    share: float | None = None
    months: float | None = None
    api_months: float | None = None
    when: str = ""
    hours: float | None = None
    dear: str = ""


#: Tokens that go in and tokens that come out, by the end of a key.
_KINDS = ("_input", "_output")
#: What is charged for, by the end of its key, and what stands beside it.
_CHARGED = {
    "": "a million output tokens, all in",
    "_input": "at the floor, beside the next",
    "_output": "at the floor, beside that of input",
    "_at_users": "a million output tokens, all in",
    "_input_at_users": "with those users, beside the next",
    "_output_at_users": "with those users, beside that of input",
    "_at_load": "at that load",
    "_input_at_load": "at that load, beside the next",
    "_output_at_load": "at that load, beside that of input",
}


def own_of(scenario: Scenario) -> Own | None:
    """What an hour of a device of one's own costs, worked out from its inputs; None where it is rented."""
    if not (terms := _terms_of(scenario)):
        return None
    part = scenario.rack.part
    price = own_price(terms, part)
    own = Own(price, scenario.question.get("purchase_price") is not None, hours=scenario.question.get("hours_per_day"))
    if own.bought and (times := times_usual(part, paid := terms["purchase_price"])):
        own = own._replace(dear=f" at {show(paid, 'USD')} each, {show(times, 'x')} the price of one")
    if not own.bought or (rent := _rent_of(scenario)) is None:
        return own
    electricity, prices = electricity_price(terms, part), {"owned_price": own.price, "rent": rent[0]}
    saves, at_home = rent[0] > electricity, is_owned(part)
    if saves and at_home:
        share = formulas.cost.break_even_hours_at_home(electricity_price=electricity, **prices)
    else:
        share = formulas.cost.break_even_hours_share(**prices)
    own = own._replace(rent=rent[0], words=rent[1], share=share)
    shared = {"purchase_price": terms["purchase_price"], "rent": rent[0], "electricity_price": electricity}
    if own.hours is None:
        return own._replace(months=formulas.cost.payback_months(**shared)) if saves else own
    powered = _powered(own, scenario)
    if rent[0] * own.hours <= electricity * powered:
        return own
    months = formulas.cost.used_payback_months(**shared, hours_per_day=own.hours, powered_hours=powered)
    return own._replace(months=months)


def _powered(own: Own, scenario: Scenario) -> float:
    """Hours a day in which a device draws power: those of use at home, or where its electricity alone is paid."""
    return own.hours if own.hours and (is_owned(scenario.rack.part) or not own.bought) else 24.0


def _month_of_use(own: Own, scenario: Scenario, devices: float) -> tuple[float, float]:
    """USD of a month of use, and of its electricity."""
    electricity = electricity_price(_terms_of(scenario), scenario.rack.part)
    shared = {"electricity_price": electricity, "devices": devices}
    power = formulas.cost.used_electricity(**shared, powered_hours=_powered(own, scenario))
    return formulas.cost.used_usd_per_month(**shared, owned_price=own.price, used_electricity=power), power


def _terms_of(scenario: Scenario) -> dict[str, float]:
    """What a device of one's own costs, as given or assumed; nothing where it is rented."""
    terms = {item.key: item.value for item in scenario.inputs if item.key in OWN}
    each = prices_of(terms.get("purchase_price"))
    return terms | ({"purchase_price": each[scenario.rack.part.name]} if each else {})


def _price_of(scenario: Scenario) -> float | None:
    terms = _terms_of(scenario)
    return own_price(terms, scenario.rack.part) if terms else None


def _rent_of(scenario: Scenario) -> tuple[float, str] | None:
    """The rent that owning is held against and whose it is: given, else the preset's; None where none is known."""
    question, part = scenario.question, scenario.rack.part
    if isinstance(given := question.get("price"), float):
        return float(given), ""
    if (key := rent_key(part, question.get("price_basis") or USUAL_BASIS[0])) is None:
        return None
    fact = part.facts[key]
    return fact.value, f" ({words_of(key)}{_month(fact)})"


def _month(fact: Fact) -> str:
    return f" of {fact.date}" if fact.date else ", as set"


def with_own(report: Report, scenario: Scenario) -> Report:
    """The report with the price of a device of one's own, and against its rent where it was bought."""
    if not kind_of_price(scenario.question.given) or (own := own_of(scenario)) is None:
        return report
    when = " when full" if _of_load(report) else ""
    own = own._replace(api_months=_api_months(scenario, report, own), when=when)
    devices = report.values.get("gpus") if report.command == "utilization" else None
    used = _month_of_use(own, scenario, devices) if own.hours is not None and devices else None
    month = used[0] if used else formulas.cost.usd_per_month(price=own.price, devices=devices) if devices else 0.0
    said, first = _month_words(own, scenario, month), _is_first(scenario)
    said = "" if not _is_priced(report) else said.strip() if _ELECTRICITY in said else said + _sentence(own)
    if first and devices:
        own_ones = f"{counted(devices, called(scenario.rack.part))} of your own cost{'s' if devices == 1 else ''}"
        said = said.replace("It costs", own_ones, 1)
    parts = (said, report.verdict) if first else (report.verdict, said)
    return report.replace(
        verdict=" ".join(filter(None, parts)),
        results=(*report.results, *_rows(own, scenario), *_rows_of_use(own, used)),
        work=_after(partial(_shown_own, scenario, report), report.work),
    )


def _shown_own(scenario: Scenario, report: Report) -> None:
    """What ``--steps`` shows of a device of one's own: its price, and what its purchase is held against."""
    if own := own_of(scenario):
        _api_months(scenario, report, own)
        if own.hours is not None and (devices := report.values.get("gpus")):
            _month_of_use(own, scenario, devices)


def _of_load(report: Report) -> str:
    """The start of the keys of a month: of the load that was given, else of full replicas."""
    return "" if report.values.get("api_usd_per_month") else "full_"


def _api_months(scenario: Scenario, report: Report, own: Own) -> float | None:
    """Months in which an API's bill for a load of users pays for all devices; infinite where it never does."""
    billed, month = (report.values.get(f"{_of_load(report)}{key}") for key in ("api_usd_per_month", "usd_per_month"))
    if not (own.bought and billed and month):
        return None
    terms = _terms_of(scenario)
    electricity = electricity_price(terms, scenario.rack.part)
    devices = month / (own.price * formulas.cost.HOURS_PER_MONTH)
    if billed <= electricity * devices * formulas.cost.HOURS_PER_MONTH:
        return inf
    return formulas.cost.api_payback_months(
        purchase_price=terms["purchase_price"],
        devices=devices,
        api_usd_per_month=billed,
        electricity_price=electricity,
    )


def says_price(scenario: Scenario) -> bool:
    """Whether a verdict has a price: nobody who has a part at home pays its rent, unless a price is asked about."""
    given = scenario.question.given
    asked = kind_of_price(given) or {"price", "price_basis", "api_price"} & {*given}
    is_set = any(str(each).strip().startswith("gpu.rent") for each in scenario.question.get("set") or ())
    return bool(asked) or is_set or not is_sold_to_owners(scenario.rack.part)


def _is_priced(report: Report) -> bool:
    """Whether any result, or a figure of the first row, is a price."""
    first = report.series.rows[0] if report.series and report.series.rows else {}
    return any(_PAID in key and value is not None for key, value in {**first, **report.values}.items())


def _rows(own: Own, scenario: Scenario) -> Iterator[Row]:
    power = f"electricity {'' if own.bought else 'alone '}at its rated {show(scenario.rack.part.value('power'), 'W')}"
    yield Row("usd_per_gpu_hour", own.price, f"owned, {power}" if own.bought else power)
    if own.share is not None:
        yield Row("rent_usd_per_gpu_hour", own.rent, own.words.strip(" ()") or "as given")
        of = "of all hours in use" + (", power drawn in those" if is_owned(scenario.rack.part) else "")
        yield Row("break_even_hours_share", own.share, of if own.share < 1 else "renting is always cheaper")
    if own.months is not None:
        used = "always in use" if own.hours is None else _used(own.hours)
        yield Row("payback_months", own.months, f"{used}, no interest")
    if own.api_months is not None and own.api_months < inf:
        yield Row("api_payback_months", own.api_months, f"its bill for the same{own.when}, no interest")


def _used(hours: float) -> str:
    """How long a machine is used, in words."""
    return f"used {'1 hour' if hours == 1 else f'{show(hours)} hours'} a day"


def _rows_of_use(own: Own, used: tuple[float, float] | None) -> Iterator[Row]:
    """What a month of use costs, where hours were asked about."""
    if used is not None and own.hours is not None:
        yield Row("usd_per_month", used[0], _used(own.hours))
        yield Row("electricity_usd_per_month", used[1], "of it")


def _is_first(scenario: Scenario) -> bool:
    """Whether a rent was given beside the price of one's own devices, so that a step is asked whether to buy them."""
    question = scenario.question
    return question.command == "utilization" and {"price", "purchase_price"} <= {*question.given}


def _month_words(own: Own, scenario: Scenario, month: float) -> str:
    """A month of all devices, busy and idle, and its years against those of a rent; empty where no count is known.

    In a data centre power is drawn around the clock, at home in use alone.
    """
    if not month:
        return ""
    if own.hours is not None:
        return f"{_used(own.hours).capitalize()} it costs {show(month, 'USD')} a month. "
    terms = _terms_of(scenario)
    if not own.bought:
        return f"{_ELECTRICITY}: {show(month, 'USD')} a month if always busy. "
    idle = month * (1 - electricity_price(terms, scenario.rack.part) / own.price)
    words = f"if always busy, {show(idle, 'USD')} idle" if is_owned(scenario.rack.part) else "busy or idle"
    if own.rent is not None:
        years, whole = terms["years"], month * 12 * terms["years"]
        rented = show(whole * own.rent / own.price, "USD")
        words += f": {show(whole, 'USD')} in {many(years, 'year')}, rented around the clock {rented}"
    return f"It costs {show(month, 'USD')} a month {words}. "


def _sentence(own: Own, of: str = "") -> str:
    """What owning costs against renting, or that a price is of electricity alone."""
    if not own.bought:
        return f"{_ELECTRICITY}."
    owned = f"Owned{own.dear}, a device-hour{of} costs {show(own.price, 'USD')}"
    if own.api_months is not None:
        never = own.api_months == inf
        pays = (
            "never pays back, its electricity costs more" if never else f"pays back in {many(own.api_months, 'month')}"
        )
        return f"{owned}; against the API's bill what was bought {pays}{own.when}."
    if own.rent is None or own.share is None:
        return f"{owned}; no rent of it is known: --price."
    cheaper = f"owning is cheaper if used over {show(own.share, 'share')} of the hours"
    if own.months:
        when = "if always used" if own.hours is None else f"{_used(own.hours)}"
        cheaper += f", and pays back in {many(own.months, 'month')} {when}"
    elif own.hours is not None:
        cheaper += f", and never pays back {_used(own.hours)}"
    if own.share >= 1:
        cheaper = "renting is cheaper even if always used"
    return f"{owned}; rented {show(own.rent, 'USD')}{own.words}: {cheaper}."


def of_each(scenario: Scenario) -> str:
    """The end of a verdict on several parts: of each, what owning costs against renting."""
    owned = [(each, own) for each in scenario.each if (own := own_of(each)) and own.bought]
    if not owned:
        return of_parts(scenario.question)
    return "".join(f" {_sentence(own, f' of {each.rack.part.name}')}" for each, own in owned)


def kinds_of_prices(scenario: Scenario) -> str:
    """The end of a verdict on several parts: that their rents are not of one basis, or their prices of one's own."""
    return unlike_prices(scenario.notes) + of_parts(scenario.question)


def of_parts(question: Question) -> str:
    """The end of a verdict on several parts whose prices are of one's own devices; empty where they are not."""
    return _OF_PARTS.get(kind_of_price(question.given), "")


def with_price(work: Work, scenario: Scenario) -> Work:
    """What ``--steps`` shows with the price of a device of one's own first."""
    return _after(partial(_price_of, scenario), work)


def _after(first: Callable[[], object], work: Work) -> Work:
    """Work after other work: of several by name before the first."""
    if work is None or callable(work):
        return work and (lambda: (first(), work()))
    (name, shown), *others = work.items()
    return {name: lambda: (first(), shown()), **dict(others)}


def weak_price(question: Question, parts: Iterable[Preset]) -> str:
    """Whose rent is not to lean on among parts that win by it, and why, as an end of a sentence; empty without one."""
    if kind_of_price(question.given):
        return ""
    basis, whys = question.get("price_basis") or USUAL_BASIS[0], dict[str, str]()
    for part in parts:
        if (key := rent_key(part, basis)) and part.facts[key].weak:
            whys[part.name] = why_weak(part.facts[key])
    return "".join(f" The price of {name} is uncertain: {why}." for name, why in whys.items())


def why_weak(fact: Fact) -> str:
    """Why a figure is not to lean on, in short."""
    return re.split("[;:]", fact.weak)[0]


def unlike_prices(notes: Iterable[Note]) -> str:
    """The end of a verdict on parts whose prices are not of one basis, which a note lists; else nothing."""
    return " Not all prices are rents of one kind: see the note." if any(note.code == MIXED for note in notes) else ""


class Winner(NamedTuple):
    """Who wins by one kind of rent among so many parts that have it, and what a million of its tokens cost."""

    kind: str
    parts: int
    name: str
    usd: float


def by_basis(parts: Mapping[str, Preset], best: Iterable[Mapping[str, Any]]) -> list[Winner]:
    """Who wins among the parts with a rent of each kind; costs go with the rent."""
    winners = list[Winner]()
    for basis, words in BASES.items():
        rents = {row["name"]: parts[row["name"]].facts.get(f"rent_{basis}") for row in best}
        costs = [
            (row["usd_per_million_tokens"] * rent.value / row["usd_per_gpu_hour"], row["name"])
            for row in best
            if (rent := rents[row["name"]])
        ]
        if len(costs) > 1:
            cost, name = min(costs)
            winners.append(Winner(words, len(costs), name, cost))
    return winners


# What is charged for a token, or a user a month, so that a service keeps a gross margin.


def costs_of(row: Mapping[str, Any], end: str = "") -> dict[str, float]:
    """What a million tokens of a row cost, all in and each kind apart where known, by the end of a key and ``end``."""
    costs = {f"{kind}{end}": row.get(f"usd_per_million_tokens{kind}") for kind in ("", *_KINDS)}
    return {key: usd for key, usd in costs.items() if usd is not None}


def margin_rows(scenario: Scenario, costs: Mapping[str, float | None]) -> Iterator[Row]:
    """What is charged for what tokens cost, by the end of the key: all in and both kinds apart; empty unasked."""
    if (margin := scenario.question.get("margin")) is None:
        return
    for end, cost in costs.items():
        charged = None if cost is None else formulas.cost.charged_usd(cost=cost, margin=margin)
        yield Row(f"charged_usd_per_million_tokens{end}", charged, _CHARGED[end] if cost else "needs --price")


def margin_words(scenario: Scenario, values: Mapping[str, Any]) -> str:
    """What to charge for the margin that was asked for, as the start of a verdict; empty unasked.

    Of users or a load that were asked about it is the price there, all in and apart, and the floor's all in.
    """
    margin, least = scenario.question.get("margin"), values.get("charged_usd_per_million_tokens")
    if margin is None or least is None:
        return ""
    places = {"_at_load": "that load", "_at_users": many(scenario.question.get("users") or 0, "user"), "": "the floor"}
    end = next(end for end in places if values.get(f"charged_usd_per_million_tokens{end}") is not None)
    price, read, written = (values.get(f"charged_usd_per_million_tokens{kind}{end}") for kind in ("", *_KINDS))
    tokens = f"a million {'output tokens' if scenario.service.request else 'tokens'}{'' if read is None else ' all in'}"
    apart = "" if read is None else f", or {show(read, 'USD')} in and {show(written, 'USD')} out"
    floor = f"{';' if apart else ','} {show(least, 'USD')} at the floor" if end else ""
    paid = f"{show(price, 'USD')} {tokens} at {places[end]}{apart}{floor}"
    return f"A gross margin of {show(margin, 'share')} takes a price of {paid}. "


def user_rows(scenario: Scenario, month: float | None, users: float | None) -> Iterator[Row]:
    """What is charged each of so many users who cost so much a month, and what a price leaves; empty unasked."""
    margin, price = (scenario.question.get(name) for name in ("margin", "seat_price"))
    charged, left, money = None, None, formulas.cost
    if margin is not None:
        if month is not None and users:
            charged = money.charged_usd(cost=month / users, margin=margin)
        yield Row("charged_usd_per_user_month", charged, f"leaves {show(margin, 'share')} of it")
    if price is not None:
        if month is not None and users:
            left = money.gross_margin(usd_per_month=month, users=users, seat_price=price)
        yield Row("gross_margin", left, f"of {show(price, 'USD')} a user a month")


def user_words(scenario: Scenario, rows: Iterable[Row]) -> str:
    """What to charge a user a month for a margin, or the margin that a price leaves: the start of a verdict, if asked.

    The price comes first where both were asked about.
    """
    values = {row.key: row.value for row in rows}
    charged, left = (values.get(key) for key in ("charged_usd_per_user_month", "gross_margin"))
    if left is None and charged is None:
        return ""
    if left is None:
        margin = show(scenario.question.get("margin"), "share")
        return f"{show(charged, 'USD')} a user a month leaves a gross margin of {margin}: "
    price, margin = float(scenario.question.get("seat_price")), f"gross margin of {show(left, 'share')}"
    made = f"leaves a {margin}" if left >= 0 else f"loses {show(-left * price, 'USD')} on each, a {margin}"
    return f"{show(price, 'USD')} a user a month {made}{_pays_words(values)}: "


def _pays_words(values: Mapping[str, Any]) -> str:
    """From how many users on a price pays, and from how many for good; empty of an API, which bills each alike."""
    if "paying_users" not in values:
        return ""
    if (first := values["paying_users"]) is None:
        return ", and pays with no number of users"
    good = values["paying_users_for_good"]
    later = f" ({good:,} for good)" if good and good != first else ""
    return f", and pays from {many(first, 'user')} on{later}"


# What a format, or an API, saves of the price of the first in a sweep, and why a smaller format saves nothing.


def own_words(axes: tuple[Axis, ...], row: Mapping[str, Any]) -> str:
    """What a service of one's own costs in a month beside APIs that are swept alone; empty for other sweeps."""
    own = row.get("usd_per_month")
    if [axis.key for axis in axes] != ["api_price"] or not own or "api_usd_per_month" not in row:
        return ""
    return f"Your own service costs {show(own, 'USD')} a month. "


def savings(axis: Axis, figures: Sequence[str], rows: Rows) -> str:
    """What each saves of the first one's price, as a sentence; empty without a price, or where nothing differs."""
    prices = [key for key in figures if KEYS[key].unit == "USD"]
    if axis.key not in _SAVING or not prices:
        return ""
    known = [row for row in rows if row[prices[0]]]
    if len(known) < 2:
        return ""
    words = list(_saved_of_each(axis, prices[0], known))
    why = _why_dearer(axis, known) if prices[0] == _TOKEN else ""
    return f" {', '.join(words)}{why}." if words else ""


def _saved_of_each(axis: Axis, figure: str, rows: Rows) -> Iterator[str]:
    first, *others = rows
    name, what = axis.text(first), "bill" if figure.startswith("api") else "price"
    less, more = f" of {name}'s {what}", f" than {name}"
    for row in others:
        share = 1 - row[figure] / first[figure]
        if abs(share) < _NO_SAVING:
            continue
        of = less if share > 0 else more
        verb = f"saves {show(share, 'share')}" if share > 0 else f"costs {show(-share, 'share')} more"
        less = more = ""  # the first is named once
        yield f"{axis.text(row)} {verb}{of}"


def _why_dearer(axis: Axis, rows: Rows) -> str:
    """Of the smaller format that costs most beside a larger one, the part of the price that is the larger there."""
    sizes = {plain(each): each.stored_bits for each in axis.values if isinstance(each, Format)}
    pairs = [
        (small[_TOKEN] / large[_TOKEN], small, large)
        for small in rows
        for large in rows
        if sizes.get(small[axis.key], 0) < sizes.get(large[axis.key], 0) and _DECODE in small
    ]
    times, small, large = max(pairs, key=lambda pair: pair[0], default=(0.0, {}, {}))
    if times < 1 + _NO_SAVING:
        return ""
    parts = {"prompts": [row[_TOKEN] - row[_DECODE] for row in (small, large)]}
    parts["decoding"] = [row[_DECODE] for row in (small, large)]
    name, (mine, theirs) = max(parts.items(), key=lambda part: part[1][0] - part[1][1])
    names = axis.text(small), axis.text(large)
    verb = "cost" if name == "prompts" else "costs"
    return f"; {name} {verb} {show(mine, 'USD')} in {names[0]}, {show(theirs, 'USD')} in {names[1]}"


#: What a million tokens cost in the answers of a command, that which was asked about before others.
_COSTS = {
    "utilization": ("usd_per_million_tokens", "usd_per_million_tokens_input"),
    "userbase": ("usd_per_million_tokens",),
    "economies": ("usd_per_million_tokens_at_load", "floor_usd_per_million_tokens"),
    "frontier": ("least_usd_per_million_tokens",),
}


def within(answer: Callable[[Scenario], Report], scenario: Scenario) -> Report:
    """The answer behind a Yes or a No: whether a token costs too much, a replica a month, or a step takes too long.

    Raises:
        Missing: no cost, or no time, is known to hold against it.
    """
    report = answer(scenario)
    dear = [*_too_large(scenario)]
    held = [*_time_held(report, scenario), *_cost_held(report, scenario)] if report.met else []
    missed = [*dear, *(text for text, kept in held if not kept)]
    verdict = report.verdict.removeprefix("Yes: ")
    if missed:
        advice = (*scenario.instead, *report.advice)
        return report.replace(verdict=f"No: {' and '.join(missed)}. {verdict}", advice=advice, met=False)
    if not held or report.command == "frontier":  # which says it itself
        return report
    return report.replace(verdict=f"Yes: {' and '.join(text for text, _ in held)}. {verdict}")


def _too_large(scenario: Scenario) -> Iterator[str]:
    """What a replica costs a month, where a budget pays for none."""
    if scenario.instead and scenario.rack.plan.fits:
        month = formulas.cost.usd_per_month(price=scenario.service.price or 0.0, devices=scenario.rack.devices)
        budget = scenario.question.get("budget")
        devices = many(scenario.rack.devices, "device")
        yield f"a replica of {devices} is {show(month, 'USD')} a month (limit {show(budget, 'USD')})"


def _cost_held(report: Report, scenario: Scenario) -> Iterator[tuple[str, bool]]:
    """What a token costs beside the most that it may, and whether it keeps to it."""
    if (limit := scenario.question.get("max_cost")) is None:
        return
    if (cost := _first(report, _COSTS[report.command])) is None:
        raise Missing("--max-cost: no cost of a token is known here", "name one --gpu, and its --price 2.10")
    read = report.values.get("usd_per_million_tokens") is None and report.command == "utilization"
    tokens = "input tokens" if read else "output tokens"
    yield f"{show(cost, 'USD')} a million {tokens} (limit {show(limit, 'USD')})", cost <= limit


def _time_held(report: Report, scenario: Scenario) -> Iterator[tuple[str, bool]]:
    """What a token of a step takes, prompts of others between, beside the longest, and whether it keeps to it."""
    limit = scenario.question.get("max_tpot")
    if limit is None or report.command != "utilization":
        return
    if (time := _first(report, ("itl_s", "tpot_s"))) is None:
        raise Missing("--max-tpot: no time between tokens is known here", "name a model that decodes")
    yield f"{show(time, 's')} a token (limit {show(limit, 's')})", time <= limit


def _first(report: Report, keys: tuple[str, ...]) -> float | None:
    """The first of some results that is known."""
    return next((value for key in keys if (value := report.values.get(key)) is not None), None)
