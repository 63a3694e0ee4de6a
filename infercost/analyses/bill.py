"""What an API bills: in a month with no accelerator of one's own, and for the tokens of a step beside their price."""

from typing import NamedTuple

from infercost import formulas
from infercost.analyses.hosts import holds
from infercost.analyses.margins import user_rows, user_words
from infercost.analyses.own_or_api import words_of
from infercost.fleet.cost import bill_of
from infercost.report import Report, Row
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

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


def answer(scenario: Scenario) -> Report:
    """The bill of an API, and what it would be without its cache."""
    bill, plain = _bill(scenario), _bill(_uncached(scenario))
    share = 1 - bill.month / plain.month
    saved = share if abs(share) > DUST else 0.0
    rows = _rows(scenario, bill, plain.month, saved)
    return Report(
        command="userbase",
        verdict=user_words(scenario, rows) + _verdict(scenario, bill, plain.month if saved > 0 else None, saved),
        inputs=scenario.inputs,
        results=rows,
        notes=scenario.notes,
        work={
            "": lambda: [*user_rows(scenario, _each(_bill(scenario)))],
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
    if users is not None:
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
        *user_rows(scenario, _each(bill)),
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
    own, billed = report.values.get("usd_per_million_tokens"), bill_of(price, request)
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
    return report.replace(verdict=words + report.verdict, results=(*report.results, *rows), work=work)


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
