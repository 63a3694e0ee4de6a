"""Own or API: what an API bills for the same requests, from how many users a service of one's own pays, and how."""

from collections.abc import Iterable, Iterator
from math import inf
from shlex import quote
from typing import Any, NamedTuple

from infercost import formulas, numeric
from infercost.analyses.hosts import holds
from infercost.analyses.many import at_point
from infercost.analyses.prices import user_rows, user_words
from infercost.analyses.remarks import count_flag, on_devices, with_habits
from infercost.analyses.step import token_seconds
from infercost.analyses.worth import LEAST, ORIGIN, option, smaller_weights
from infercost.errors import InfercostError
from infercost.fleet import cost
from infercost.fleet.cost import Service, bill_of, floor_of, full_seconds
from infercost.fleet.day import PATIENCE, Day, Fleet, day_of, reworked_day
from infercost.parts.accelerator import called
from infercost.parts.formats import CACHES, WEIGHTS
from infercost.parts.preset import counted
from infercost.parts.stack import eight_bit_cache
from infercost.replica.layout import Layout, asking, every_layout
from infercost.replica.serving import Request
from infercost.report import Note, Report, Row
from infercost.scenario.options import options_of
from infercost.scenario.rack import engine_layouts, has_few_stages, open_widths
from infercost.scenario.read import Question
from infercost.scenario.scenario import LOADS, Scenario
from infercost.units import ApiPrice, many, show

NEEDS_PRICE = "needs --price"
#: What an API bills for a token from its cache against one that it reads, where nobody says: assumed.
CACHED = 0.1


class Elsewhere(NamedTuple):
    """How a service pays that does not as asked: in words, the flags that ask for it, its floor in USD.

    ``even`` is its break-even, ``speed`` tokens/s of a user at its floor; both None of what no users are asked about.
    """

    words: str
    flags: str
    floor: float
    even: "BreakEven | None" = None
    speed: float | None = None


class BreakEven(NamedTuple):
    """What an API bills for a million tokens that come out, their prompts too, and the least users whom it costs more.

    ``users`` is None where no number of them makes a service of one's own as cheap, or where its cost is unknown;
    ``good`` is the number from which on it stays so, ``last`` the most on as many replicas as ``users``, ``more`` how
    often a further replica lifts its cost above the bill and is filled before ``good``, ``again`` the users of it where
    that is once, ``hourly`` USD of a device-hour below which some number would. ``tokens`` go in and come out in a
    month, billed at ``usd``. ``other`` says where both break even by a price that was left out and changes that,
    ``remark`` the same at length; ``way`` is another layout, size or format whose floor is below the bill, where this
    one's is not.
    """

    api: str
    bill: float
    users: int | None = None
    good: int | None = None
    last: int | None = None
    more: int = 0
    again: tuple[int, int] | None = None
    floor: float | None = None
    tokens: float | None = None
    usd: float | None = None
    other: str = ""
    remark: str = ""
    hourly: float | None = None
    way: Elsewhere | None = None

    @property
    def ending(self) -> str:
        """After its floor where nothing makes it pay: the margin that is left and what would; by another price."""
        margin = show(margin_at(self.floor, self.bill), "share")
        return f", a gross margin of {margin} at that price{_hourly_words(self)}{self.other}"


class Capacity(NamedTuple):
    """Replicas on which ``even`` users break even, full of ``users``: USD a month of both, and the margin between.

    ``even_bill`` is what the API bills those who break even: by streams, users of a full replica make fewer tokens.
    ``tokens`` of a user go in and come out in a month when full, ``even_tokens`` at the break-even.
    """

    even: int
    users: int
    own: float
    bill: float
    margin: float
    even_bill: float
    tokens: float
    even_tokens: float

    @property
    def share(self) -> float:
        """The users who break even, of all."""
        return self.even / self.users

    @property
    def token_share(self) -> float:
        """The tokens of the users who break even, of those of all: a bill is in proportion to its tokens."""
        return self.even_bill / self.bill


#: Users who make so many times the tokens of those of a full replica are not the same to a bill.
FEWER = 1.1
#: A share of a bill below this is a rounding error of floats.
DUST = 1e-9


class Bill(NamedTuple):
    """A month of messages: what they cost in USD, one of them, a million tokens out, and how many send them.

    ``users`` is None where tokens a month were given and nothing of who sends them.
    """

    month: float
    million: float
    requests: float
    users: float | None


def _as_asked(scenario: Scenario) -> BreakEven | None:
    """The break-even with an API, and by a price that was left out; None without one.

    Not by what was left out for one of many rows, whose verdict nobody reads.
    """
    service, price = scenario.service, scenario.api_price
    point = break_even(service, price)
    if point is None or scenario.is_row:
        return point
    return _otherwise(service, price, point)


def _sooner(scenario: Scenario, point: BreakEven) -> tuple[int, int] | None:
    """The fewest users that break even on replicas of other devices, and these, where they are fewer."""
    able = [each for each in scenario.others if not each.missed and each.running.rack.plan.fits]
    found = [(even.users, each.running.rack.devices) for each in able if (even := break_even(each, scenario.api_price))]
    least = min(((users, devices) for users, devices in found if users), default=None)
    is_other = least and least[0] < (point.users or inf) and least[1] != scenario.rack.devices
    return least if is_other else None


def break_even(service: Service, price: ApiPrice | None) -> BreakEven | None:
    """From how many users one's own service costs no more than an API for the same requests; None without an API."""
    if price is None:
        return None
    point = BreakEven(words_of(price, service.request), cost.bill_of(price, service.request))
    if service.price is None:
        return point
    service = cost.at_level(service)
    point = point._replace(floor=_usd(service, cost.device_seconds(service, cost.floor_of(service))))
    if (users := cost.users_at_bill(service, api_usd_per_million_tokens=point.bill)) is None:
        if service.electric or point.floor is None:
            return point
        return point._replace(
            hourly=(service.price or 0.0) * point.bill / point.floor
        )  # a token costs in proportion to an hour
    fleet, limit = service.fleet, point.bill / _usd(service, 1.0)
    good = cost.users_for_good(service, limit, users)
    tokens, billed = month_at(service, day_of(fleet, users), point.bill)
    point = point._replace(users=users, good=good, last=_last_on(fleet, users), tokens=tokens, usd=billed)
    if good is None or good == users:
        return point
    first, last = (fleet.replicas(each, max(fleet.hours)) for each in (users, good))
    if (more := max(last - first - 1, 0)) == 1:
        again = cost.users_again(service, limit, first + 1)
        point = point._replace(again=(again, _last_on(fleet, again)))
    return point._replace(more=more)


def _last_on(fleet: Fleet, users: int) -> int:
    """The most users whom the replicas of so many serve."""
    replicas = fleet.replicas(users, max(fleet.hours))
    full = min(cost.most_users(fleet._replace(patience=PATIENCE), replicas), replicas * fleet.users_a_replica)
    return max(numeric.floor(full), users)


def month_at(service: Service, day: Day, bill: float) -> tuple[float, float]:
    """Tokens that go in and come out in a month of such days, and what an API bills for them."""
    billed = formulas.cost.api_usd_per_month(api_usd_per_million_tokens=bill, tokens_per_s=day.tokens_per_s)
    return cost.month_tokens(service, day), billed


def _usd(service: Service, seconds: float) -> float:
    return formulas.cost.usd_per_million_paid(price=service.price or 0.0, paid_device_seconds=seconds)


def words_of(price: ApiPrice, request: Request | None) -> str:
    """An API by its prices, of a million tokens."""
    if price.input is None:
        return f"an API at {show(price.output, 'USD')} a million tokens out{' (no prompts billed)' if request else ''}"
    cached = "" if price.cached is None else f", {show(price.cached, 'USD')} cached"
    return f"an API at {show(price.input, 'USD')} a million tokens in{cached}, {show(price.output, 'USD')} out"


def result_rows(point: BreakEven | None) -> Iterator[Row]:
    """The bill and where both break even; nothing where no API was named."""
    if point is None:
        return
    why = _why_never(point) if point.users is None else stays(point.users, point.good)
    asked = f"{show(point.bill, 'USD')} a million"
    old = NEEDS_PRICE if point.floor is None else f"{_never(point)}: the floor is above {asked}"
    yield Row("api_usd_per_million_tokens", point.bill, "per output token, as --api-price bills the request")
    yield Row("break_even_users", point.users, why)
    yield Row("break_even_users_for_good", point.good, "so many and more", shown=False)
    yield Row("break_even_tokens_per_month", point.tokens, "in and out, of so many users", point.users is not None)
    yield Row("break_even_usd_per_month", point.usd, "what the API bills them", point.users is not None)
    below, hourly = "below it some number of users pays", point.hourly
    yield Row("break_even_usd_per_gpu_hour", hourly, below, hourly is not None)
    yield Row("users_at_api_price", point.users, f"own at {asked}" if point.users else old, shown=False)


def paying_rows(scenario: Scenario) -> Iterator[Row]:
    """From how many users on what each pays a month pays for a service; empty unasked."""
    if (price := scenario.question.get("seat_price")) is None:
        return
    service = scenario.service
    if service.price is None or (first := cost.users_at_price(service, price)) is None:
        yield Row("paying_users", None, NEEDS_PRICE if service.price is None else "no number of them does")
        return
    good = cost.users_at_price_for_good(service, price, first)
    where = f"on replicas of {many(service.running.rack.devices, 'device')}"
    yield Row("paying_users", first, f"{stays(first, good)}, {where}")
    yield Row("paying_users_for_good", good, f"{where}: so many and more", shown=False)


def _why_never(point: BreakEven) -> str:
    if point.floor is None:
        return NEEDS_PRICE
    return f"{_never(point)}: the floor is {show(point.floor, 'USD')}"


def _never(point: BreakEven) -> str:
    return "not as asked" if point.way else "never"


def stays(first: int, good: int | None, word: str = "the first") -> str:
    """Whether a cost that so many users reach stays: a further replica may lift it again."""
    if good is None:
        return f"{word}; a further replica may lift the cost again"
    return "and with any more" if good == first else f"the first; from {good:,} on for good"


def sentence(service: Service, point: BreakEven | None) -> str:
    """From how many users one's own service costs no more, the first sentence of a verdict; empty without an API."""
    if point is None or point.floor is None:
        return ""
    rack = service.running.rack
    own = f"Your own service on {counted(rack.devices, called(rack.part))}"
    if point.users is None:
        if way := point.way:
            layout = f" in {rack.plan.layout.words}" if way.words.startswith("in ") else ""
            here = f"{counted(rack.devices, called(rack.part))}{layout}"
            pays = f"Your own service pays against {point.api} {_way_words(point, way)}"
            return f"{pays}. On {here} it does not: {show(point.floor, 'USD')}{point.other}. "
        floor = f"its floor is {show(point.floor, 'USD')} a million tokens out"
        return f"{own} never pays against {point.api}: {floor}{_bill_words(point)}{point.ending}. "
    minutes = service.demand.minutes
    each = "" if minutes is None else f"{minutes:g} minutes a day each, "
    billed = f", billed at {show(point.usd, 'USD')}" if point.good == point.users else ""  # else said of full ones
    month = f"{each}{_tokens(point.tokens)} a month{billed}"
    return f"{own} costs no more than {point.api} {_when(point, f' ({month})')}{point.other}. "


def capacity_of(service: Service, point: BreakEven | None) -> Capacity | None:
    """What the replicas of a break-even would serve if they were full; None where there is none."""
    if point is None or point.users is None:
        return None
    fleet = cost.at_level(service).fleet
    users = _last_on(fleet, point.users)
    day = day_of(fleet, users)
    own, (tokens, billed) = cost.month_usd(service, day) or 0.0, month_at(service, day, point.bill)
    each, even = tokens / users, (point.tokens or 0.0) / point.users
    return Capacity(point.users, users, own, billed, 1 - own / billed, point.usd or 0.0, each, even)


def capacity_rows(full: Capacity | None, point: BreakEven) -> Iterator[Row]:
    """The share of its capacity that a break-even is, and what is earned by an API's bill at all of it, or at a floor.

    At the floor where no users break even.
    """
    own, bill, margin = (full.own, full.bill, full.margin) if full else (None, None, margin_at(point.floor, point.bill))
    share, made = (full.share, full.token_share) if full else (None,) * 2
    users = many(full.users, "user") if full else ""
    yield Row("break_even_capacity_share", share, f"of {users}, the most that its replicas take", full is not None)
    yield Row("break_even_token_share", made, "of the tokens that those make", full is not None)
    yield Row("full_usd_per_month", own, f"your own service with {users}", full is not None)
    yield Row("full_api_usd_per_month", bill, "what the API bills them", full is not None)
    over = "of that bill, over your own cost" if full else "of the API's price, over the floor"
    yield Row("full_gross_margin", margin, over, margin is not None)


def capacity_words(full: Capacity | None, point: BreakEven | None) -> str:
    """The same as a sentence of a verdict, with its users where ``point`` says none; empty without a break-even."""
    if full is None or point is None:
        return ""
    users = (
        f", with {many(full.users, 'user')}"
        if point.good == point.users or point.again or point.last != full.users
        else ""
    )
    if full.even_tokens > FEWER * full.tokens:  # users are minutes, and slower ones make fewer tokens in these
        users = users or ", with users"
        users += f" of {_tokens(full.tokens)} each ({show(full.even_tokens, 'param')} at {full.even:,})"
    both = f"it costs {show(full.own, 'USD')} and the API bills {show(full.bill, 'USD')}"
    return f"Full{users}, {both} (gross margin {show(full.margin, 'share')}). "


def says_floor(point: BreakEven | None) -> bool:
    """Whether the first words on a break-even name the floor: that of a service that never pays."""
    return point is not None and point.floor is not None and point.users is None


def _when(point: BreakEven, month: str = "") -> str:
    """From how many users on one's own service costs no more for good, and between which numbers of them before."""
    if point.good == point.users:
        return f"from {many(point.users or 0, 'user')} on{month}"
    start = f"for good from {point.good:,} users, before that from {point.users:,}" if point.good else ""
    start = start or f"from {many(point.users or 0, 'user')}"
    again = f" and {point.again[0]:,} to {point.again[1]:,}" if point.again else ""
    more = f" and in {point.more:,} more spans" if point.more > 1 else ""
    return f"{start}{month} to {point.last:,}{again} (replicas full){more}"


def _tokens(count: float | None) -> str:
    return f"{show(count, 'param')} tokens"


def remarks(scenario: Scenario, point: BreakEven | None) -> Iterator[Note]:
    """What decides by a price that was left out, at length, and on how many devices fewer users break even."""
    if point and point.remark:
        yield Note("api-price", point.remark)
    if point and point.users and not scenario.is_row and (sooner := _sooner(scenario, point)):
        users, devices = sooner
        text = f"on replicas of {many(devices, 'device')} {many(users, 'user')} break even"
        yield Note("sooner", f"{text}: {count_flag(scenario.question, devices)}")


def _otherwise(service: Service, price: ApiPrice | None, point: BreakEven) -> BreakEven:
    """The break-even with that by a price that was left out: that of cached tokens, or of all that goes in."""
    request = service.request
    if price is None or request is None or service.price is None:
        return point
    if price.input is None:
        other = price._replace(input=price.output)
        why = f"at {show(price.output, 'USD')} for tokens in and out alike"
        where = f"if tokens in are billed {show(price.output, 'USD')} too"
    elif price.cached is None and request.prefix_share > 0:
        other = price._replace(cached=CACHED * price.input)
        share = show(request.prefix_share, "share")
        why = (
            f"your own cache has {share} of the input, which the API is taken to bill in full; at a tenth of that for "
            f"cached tokens (assumed, --api-price {price.input:g}/{price.output:g}/{CACHED * price.input:g})"
        )
        where = "where the API bills cached tokens at a tenth"
    else:
        return point
    even = break_even(service, other)
    ends = "it does not pay"
    if even and even.users:
        ends = f"it pays {_when(even)}"
    changed = even is not None and (even.users, even.good) != (point.users, point.good)
    return point._replace(other=f"; {where}, {ends}" if changed else "", remark=f"{why} {ends}")


def at_load(service: Service, day: Day, point: BreakEven | None) -> str:
    """What both cost in a month of a load, and where they break even: first in a verdict; empty without a price."""
    if (own := cost.month_usd(service, day)) is None:
        return ""
    rack, tokens = service.running.rack, cost.month_tokens(service, day)
    users = f"{many(day.users, 'user')} of {_tokens(tokens / day.users)} each"
    start = f"At {_tokens(tokens)} a month, those of {users}, your own service on "
    start += counted(rack.devices, called(rack.part))
    if point is None:
        return f"{start} costs {show(own, 'USD')}. "
    bill = f"{point.api} bills {show(month_at(service, day, point.bill)[1], 'USD')}"
    return f"{start} costs {show(own, 'USD')}, {bill}. Yours {_ends(point)}. "


def _ends(point: BreakEven, whose: str = "its floor") -> str:
    """From how many users one's own service costs no more, or that it never pays, and ``whose`` floor says so."""
    if point.users is not None:
        return f"costs no more {_when(point, f' ({_tokens(point.tokens)} a month)')}{point.other}"
    if point.way:
        here = f"as laid out here it does not: {whose} is {show(point.floor, 'USD')}"
        return f"pays {_way_words(point, point.way)}; {here}{point.other}"
    floor = f"{whose} is {show(point.floor, 'USD')} a million tokens out"
    return f"never pays: {floor}{_bill_words(point)}{point.ending}"


def _way_words(point: BreakEven, way: Elsewhere) -> str:
    """How a service pays that does not as asked, from how many users on, and its floor beside the API's bill."""
    when = f" {_when(way.even)}" if way.even else ""
    floor = f"its floor is {show(way.floor, 'USD')} a million tokens out{_bill_words(point)}"
    return f"{way.words} ({way.flags}){when}: {floor}"


def _bill_words(point: BreakEven) -> str:
    """What the API bills for a token that comes out, with its prompt, where its price does not say so."""
    bill = show(point.bill, "USD")
    return "" if f" {bill} a million tokens out" in point.api else f", the API bills {bill}"


def _hourly_words(point: BreakEven) -> str:
    """The device-hour at which a service that never pays would."""
    return "" if point.hourly is None else f" (below {show(point.hourly, 'USD')} a device-hour it would)"


def margin_at(paid: float | None, bill: float) -> float | None:
    """The gross margin on what costs so much, sold at an API's bill."""
    return None if paid is None else 1 - paid / bill


def against(service: Service, day: Day, point: BreakEven | None) -> str:
    """What one's own service costs in a month, what an API bills for it, where they break even; empty without both."""
    if point is None or not day.stable or (own := cost.month_usd(service, day)) is None:
        return ""
    billed = month_at(service, day, point.bill)[1]
    made = margin_at(own, billed) or 0.0
    margin = f" ({show(made, 'share')} gross margin at that price)" if made > 0 else ""
    costs = f"Your own service costs {show(own, 'USD')} a month, {point.api} {show(billed, 'USD')} for the same{margin}"
    return f"{costs}; yours {_ends(point, 'the floor of these replicas')}. "


def load_rows(service: Service, day: Day, point: BreakEven | None) -> Iterator[Row]:
    """Tokens of a month of a load, and what an API bills for them."""
    yield Row("tokens_per_month", cost.month_tokens(service, day), "in and out")
    if point is not None:
        billed = month_at(service, day, point.bill)[1]
        yield Row("api_usd_per_month", billed, "for the same requests")
        margin = margin_at(cost.month_usd(service, day), billed)
        yield Row("api_gross_margin", margin, "of that bill, over your own cost", margin is not None)


def side_by_side(services: Iterable[Service], price: ApiPrice) -> list[str]:
    """The same of several services, those that never pay last; nothing where one has no price."""
    pairs = ((each.running.rack.part.name, break_even(each, price)) for each in services)
    points = {name: each for name, each in pairs if each}
    if not points or any(each.floor is None for each in points.values()):
        return []
    when = [f"with {many(each.users, 'user')} on {name}" for name, each in points.items() if each.users is not None]
    never = " or ".join(name for name, each in points.items() if each.users is None)
    api = next(iter(points.values())).api
    costs = [f"Your own service costs no more than {api} {' and '.join(when)}."] if when else []
    return [*costs, *([f"Against {'it' if when else api} your own service on {never} does not pay."] if never else [])]


def work(service: Service, price: ApiPrice) -> None:
    """What ``--steps`` shows: the bill of a request, and what it and one's own service cost alike."""
    service, bill = cost.at_level(service), cost.bill_of(price, service.request)
    if service.price and (users := cost.users_at_bill(service, api_usd_per_million_tokens=bill)) is not None:
        day = reworked_day(service.fleet, day_of(service.fleet, users))
        _usd(service, cost.device_seconds(service, day))
        month_at(service, day, bill)


# What an API bills: in a month with no accelerator of one's own, and for the tokens of a step beside their price.


def answer(scenario: Scenario) -> Report:
    """The bill of an API, and what it would be without its cache."""
    bill, plain = _bill(scenario), _bill(_uncached(scenario))
    share = 1 - bill.month / plain.month
    saved = share if abs(share) > DUST else 0.0
    rows = _rows(scenario, bill, plain.month, saved)
    said = user_words(scenario, rows) + _verdict(scenario, bill, plain.month if saved > 0 else None, saved)
    return Report(
        command="userbase",
        verdict=with_habits(said, scenario.inputs),
        inputs=scenario.inputs,
        results=rows,
        notes=scenario.notes,
        work={
            "": lambda: [*user_rows(scenario, (again := _bill(scenario)).month, again.users)],
            **({"without its cache": lambda: _bill(_uncached(scenario))} if saved else {}),
        },
    )


def _uncached(scenario: Scenario) -> Scenario:
    """The same messages with nothing of their prompts in a cache."""
    request = scenario.load.request
    return scenario._replace(load=scenario.load._replace(request=request and request._replace(prefix_share=0.0)))


def _bill(scenario: Scenario) -> Bill:
    """What an API bills for a month: the messages of users, or of so many tokens."""
    request, price = scenario.load.request, scenario.api_price
    assert request is not None
    assert price is not None
    asked, messages = scenario.question.get("tokens_per_month"), scenario.question.get("messages_per_day")
    lengths = {"input_tokens": request.input_tokens, "output_tokens": request.output_tokens}
    users = scenario.users
    if asked is not None and messages is not None:
        users = formulas.cost.users_of_tokens(tokens_per_month=asked, messages_per_day=messages, **lengths)
    if users is not None and messages is not None:
        requests = formulas.cost.requests_per_month(users=users, messages_per_day=messages)
    else:
        requests = formulas.cost.requests_of_tokens(tokens_per_month=asked, **lengths)
    million = bill_of(price, request)
    month = formulas.cost.api_usd_of_requests(
        api_usd_per_million_tokens=million, output_tokens=request.output_tokens, requests_per_month=requests
    )
    return Bill(month, million, requests, users)


def _each(bill: Bill) -> float | None:
    """USD of a month's bill for each user; None where nothing is known of them."""
    return bill.users and bill.month / bill.users


def _rows(scenario: Scenario, bill: Bill, plain: float, saved: float) -> tuple[Row, ...]:
    request, users = scenario.load.request, bill.users
    assert request is not None
    tokens = bill.requests * (request.input_tokens + request.output_tokens)
    return (
        Row("users", users, "a day", users is not None),
        Row("requests_per_month", bill.requests, "of 730 hours"),
        Row("tokens_per_month", tokens, "in and out"),
        Row("api_usd_per_month", bill.month, "all of them"),
        Row("api_usd_per_user_month", _each(bill), shown=users is not None),
        *user_rows(scenario, bill.month, bill.users),
        Row("api_usd_per_request", bill.month / bill.requests),
        Row("api_usd_per_million_tokens", bill.million, "per output token, as --api-price bills the request"),
        Row("api_uncached_usd_per_month", plain, "every prompt billed as new", saved != 0),
        Row("api_cache_saved_share", saved, "of that bill", saved != 0),
    )


def _verdict(scenario: Scenario, bill: Bill, plain: float | None, saved: float) -> str:
    request, price = scenario.load.request, scenario.api_price
    assert request is not None
    assert price is not None
    cache = f"; {show(plain, 'USD')} without its cache, which saves {show(saved, 'share')}" if plain else ""
    each = ""
    if bill.users is not None and bill.users != 1:
        each = f"{show(bill.month / bill.users, 'USD')} for each of {many(bill.users, 'daily user')}, "
    is_cached = request.prefix_share and price.cached is not None
    cached = f" ({show(request.prefix_share, 'share')} cached)" if is_cached else ""
    message = f"{show(request.input_tokens)} tokens in{cached} and {show(request.output_tokens)} out"
    return (
        f"{show(bill.month, 'USD')} a month is the bill of {words_of(price, request)}{cache}. That is {each}"
        f"{show(bill.month / bill.requests, 'USD')} a request and {show(bill.million, 'USD')} a million output tokens: "
        f"{many(bill.requests, 'request')} of {message}."
    )


def with_api(report: Report, scenario: Scenario) -> Report:
    """The report with what an API bills for the same tokens and their prompts, first where their own price is known."""
    price, request, shown = scenario.api_price, scenario.load.request, report.work
    assert price is not None
    measured = _as_measured(report, scenario)
    own, billed = measured or report.values.get("usd_per_million_tokens"), bill_of(price, request)
    alike = own is not None and not holds(scenario.rack)  # beside a host no prompts are paid
    remark = f"per output token, as --api-price bills {'the request' if request else 'it'}"
    unknown = "needs --price" if scenario.price is None else "the devices do not serve this"
    why = "for the same tokens" if alike else unknown if own is None else "beside a host no prompts are paid"
    rows = (
        Row("api_usd_per_million_tokens", billed, remark),
        Row("own_over_api_cost", own / billed if own is not None and alike else None, why, alike),
    )
    work = (lambda: (shown(), bill_of(price, request))) if callable(shown) else shown
    words = "" if own is None else _beside_words(scenario, own, billed)
    if measured and words:
        words = words.replace(
            " here", f" as measured ({show(report.values['usd_per_million_tokens'], 'USD')} estimated)", 1
        )
    return report.replace(verdict=words + report.verdict, results=(*report.results, *rows), work=work)


def _as_measured(report: Report, scenario: Scenario) -> float | None:
    """USD for a million tokens at a measured rate that pays for what an API bills; None without one."""
    usd: float | None = report.values.get("measured_usd_per_million_tokens")
    if usd is None:
        return None
    from infercost.analyses.measurement import is_paid_alike  # loads what nobody needs without one

    return usd if is_paid_alike(scenario) else None


def _beside_words(scenario: Scenario, own: float, billed: float) -> str:
    """Which of both costs less for a million tokens that come out, and by how much, where both are of prompts too."""
    price, request = scenario.api_price, scenario.load.request
    assert price is not None
    api = f"{words_of(price, request)} bills {show(billed, 'USD')}"
    if holds(scenario.rack):
        return f"{show(own, 'USD')} a million tokens here, prompts left out; {api} for them with their prompts. "
    tokens = "output tokens here, prompts paid" if request else "tokens here"
    less, more = sorted((own, billed))
    cheaper = f"{'yours' if own < billed else 'the API'} is {show(1 - less / more, 'share')} cheaper"
    ends = "both cost the same" if own == billed else cheaper
    return f"{show(own, 'USD')} a million {tokens}; {api} for them: {ends}. "


#: The share of a full replica's time that prompts take, from which on replicas of their own are looked at.
MOST_PROMPTS = 0.2
#: Said of a layout in more stages than runs that were measured.
_UNMEASURED = ", of which no run was measured"


class Way(NamedTuple):
    """A change of the question: its words in a sentence, the flags that ask for it, the values that differ."""

    words: str
    flags: str
    change: dict[str, Any]
    unmeasured: bool = False


def answered(scenario: Scenario) -> BreakEven | None:
    """The break-even with an API; where no users reach it, what would make the service pay, if anything does."""
    point = _as_asked(scenario)
    if point is None or point.floor is None or point.users is not None or scenario.is_row:
        return point
    if not scenario.rack.plan.fits or scenario.service.missed:
        return point
    for ways in (_layouts(scenario), _sizes(scenario), _bits(scenario)):
        if found := _best(scenario, ways):
            return point._replace(way=found)
    if (other := apart(scenario)) and (floor := other.share * point.floor) < point.bill:
        words = "with prompts on replicas of their own"
        return point._replace(way=Elsewhere(words, "utilization --disaggregated", floor))
    return point


def _best(scenario: Scenario, ways: Iterable[Way]) -> Elsewhere | None:
    """The way with the lowest floor of those that pay, measured ones first; None if none does."""
    tried = [(way, found) for way in ways if (found := _even(scenario, way))]
    return min(tried, key=lambda each: (each[0].unmeasured, each[1].floor))[1] if tried else None


def _even(scenario: Scenario, way: Way) -> Elsewhere | None:
    """How the question pays with a change; None where that cannot be, be served, or pay."""
    loads = dict.fromkeys(LOADS) if scenario.question.command == "economies" else {}
    try:
        other = at_point(scenario.question, {**loads, **way.change}, ORIGIN)
        able = other.rack.plan.fits and not other.service.missed
        even = break_even(other.service, scenario.api_price) if able else None
        if even is None or even.floor is None or even.users is None:
            return None
        speed = formulas.cost.tokens_per_s_per_user(step_time=floor_of(other.service).tpot)
    except InfercostError:
        return None
    words = f"{way.words}{_UNMEASURED if way.unmeasured else ''}"
    return Elsewhere(words, way.flags, even.floor, even, speed)


def _layouts(scenario: Scenario) -> Iterator[Way]:
    """The other layouts of the same devices."""
    rack, question = scenario.rack, scenario.question
    devices = {} if rack.given else on_devices(question, rack.devices)
    for layout in every_layout(rack.model, rack.devices, open_widths(rack.setup)):
        if layout.devices == rack.devices and layout != rack.plan.layout:
            flags = " ".join(f"--{name} {width}" for name, width in asking(rack.model, layout).items())
            flags = flags if rack.given else f"{count_flag(question, rack.devices)} {flags}"
            yield Way(f"in {layout.words}", flags, {**devices, **layout.widths}, not has_few_stages(rack.setup, layout))


def _sizes(scenario: Scenario) -> Iterator[Way]:
    """Replicas of half the devices and so on; where nobody counted them of up to a node, or of twice as many."""
    rack, question = scenario.rack, scenario.question
    most = rack.devices if rack.given else max(rack.setup.domain, 2 * rack.devices)
    sizes = {2**power for power in range(most.bit_length())} | {each.running.rack.devices for each in scenario.others}
    sizes |= {rack.devices // 2**power for power in range(rack.devices.bit_length()) if rack.devices % 2**power == 0}
    for size in sorted(sizes - {rack.devices}):
        words = f"on replicas of {many(size, 'device')}"
        yield Way(words, count_flag(question, size), on_devices(question, size))


def _bits(scenario: Scenario) -> Iterator[Way]:
    """A cache in 8 bits, weights in 8 bits, and both."""
    rack = scenario.rack
    cache, (_, dtype) = CACHES[eight_bit_cache(rack.setup.stack)], smaller_weights(scenario)[0]
    narrow, light = {"kv_dtype": cache}, {"dtype": WEIGHTS[dtype]}
    flag = f"--dtype {dtype}"
    if fewer := rack.model.kv_bits > cache.bytes_per_value * 8:
        yield Way("with a cache in 8 bits", option(scenario), narrow)
    if "dtype" not in scenario.question.given:
        yield Way("with weights in 8 bits", flag, light)
        if fewer:
            yield Way("with weights and cache in 8 bits", f"{flag} {option(scenario)}", {**light, **narrow})


# Prompts on replicas of their own, of which utilization and frontier answer, and a service of users does not.


class Apart(NamedTuple):
    """A full replica whose prompts others read: what its tokens cost of those with prompts between, and the command."""

    share: float
    command: str


def apart(scenario: Scenario) -> Apart | None:
    """The cheapest layout of the same devices with prompts on replicas of their own; None where none is cheaper.

    Within a limit on latency, or in widths that were given, it is the replica as it stands.
    """
    service, rack = scenario.service, scenario.rack
    if scenario.is_row or service.request is None or not service.fleet.curve.prompted or holds(rack):
        return None
    if service.fleet.curve.prompt_share(service.fleet.slots) < MOST_PROMPTS:
        return None
    try:
        found = min(_decoding(scenario), key=lambda each: each[0], default=None)
    except InfercostError:
        return None
    full = full_seconds(service)
    if found is None or found[0] > (1 - LEAST) * full:
        return None
    seconds, layout, batch = found
    return Apart(seconds / full, _command(scenario, layout, batch))


def _decoding(scenario: Scenario) -> Iterator[tuple[float, Layout, int]]:
    """Seconds of a device for each token, prompts paid, of layouts that decode alone, with their batches."""
    service, rack, question = scenario.service, scenario.rack, scenario.question
    one = at_point(_of_a_step(question), {**_told(scenario, rack.plan.layout, 1), "disaggregated": True}, ORIGIN)
    limited = service.level.max_tpot is not None or service.level.max_ttft is not None
    kept = limited or any(
        name in question.given and not question.given[name].origin.startswith("assumed") for name in ("tp", "pp", "ep")
    )
    for layout in [rack.plan.layout] if kept else engine_layouts(rack.setup, rack.devices):
        plan = rack.setup.plan(layout)
        held = service.fleet.slots if kept else min(plan.max_sequences or 0, service.level.sequences or inf)
        if not plan.fits or not 1 <= held < inf:
            continue
        try:
            running = one.running.on(plan)
            seconds = token_seconds(one._replace(rack=running.rack, running=running), int(held)) * rack.devices
        except InfercostError:  # no link: such a layout has no time
            continue
        yield seconds, layout, int(held)


def _of_a_step(question: Question) -> Question:
    """The question as one of utilization, without what belongs to users, to devices or to an API."""
    own, out = options_of("utilization"), {"gpu", "gpus", "tp", "pp", "ep", "api_price", "workload", "max_sequences"}
    given = {name: each for name, each in question.given.items() if name in own and name not in out}
    return question._replace(command="utilization", given=given)


def _told(scenario: Scenario, layout: Layout, batch: int) -> dict[str, Any]:
    """What the step of a full replica is asked with beside what was given."""
    request, devices = scenario.service.request, on_devices(scenario.question, layout.devices)
    assert request is not None
    lengths = {"input_tokens": request.input_tokens, "output_tokens": request.output_tokens}
    cached = {"prefix_share": request.prefix_share} if request.prefix_share and not request.shared else {}
    return {**devices, **asking(scenario.rack.model, layout), **lengths, **cached, "batch": batch}


def _command(scenario: Scenario, layout: Layout, batch: int) -> str:
    """The command that answers of such a replica."""
    short, question = {"input_tokens": "isl", "output_tokens": "osl"}, _of_a_step(scenario.question)
    told = {"model": "", **{name: each.value for name, each in question.given.items()}}
    told |= {"gpu": f"{scenario.rack.part.asked}:{layout.devices}"}
    told |= {name: each for name, each in _told(scenario, layout, batch).items() if name not in ("gpu", "gpus")}
    words = [
        f"--{short.get(name, name).replace('_', '-')} {quote(_text_of(each))}"
        for name, value in told.items()
        for each in (value if isinstance(value, tuple) else (value,))
    ]
    return f"infercost utilization {' '.join(words)} --disaggregated"


def _text_of(value: Any) -> str:
    """A value as an option takes it."""
    return str(getattr(value, "name", None) or (f"{value:.10g}" if isinstance(value, float) else value))
