"""What an API bills for the messages of users, read where no accelerator of one's own is named."""

from infercost.errors import BadValue, Missing
from infercost.parts import catalog
from infercost.replica.serving import Request
from infercost.scenario.options import flag
from infercost.scenario.prices import read_api_price
from infercost.scenario.read import Question, Reading
from infercost.scenario.scenario import Load, Scenario, frozen
from infercost.scenario.usual import ASSUMED, LENGTHS

#: What a bill follows from.
TAKEN = (
    *("api_price", "margin", "users", "messages_per_day", "tokens_per_month", "workload", "model"),
    *("input_tokens", "output_tokens", "prefix_share"),
)
#: Who says how much people use a service by the clock, which an API does not bill.
_BY_TIME = ("minutes_per_day", "decoding_share", "concurrent")


def read_bill(reading: Reading) -> Scenario:
    """The messages that an API bills: of users, or of so many tokens a month.

    Raises:
        BadValue: two ways to say how many, or use by the clock.
        Missing: what needs an accelerator, or nobody who sends messages.
    """
    _refuse_others(reading.question)
    reading.take("model")  # a name for the reader: a bill follows from its tokens
    request = _read_request(reading)
    users, tokens = reading.take("users"), reading.take("tokens_per_month")
    if users is not None and tokens is not None:
        raise BadValue("--tokens-per-month and --users both say how large the load is", "give one of them")
    if users is None and tokens is None:
        raise Missing("an API's bill needs --users or --tokens-per-month", "for example --users 100k")
    if users is not None:
        reading.need("messages_per_day", "--messages-per-day 8, or --workload chat")
    else:
        reading.take("messages_per_day")
    if reading.take("margin") is not None and users is None and "messages_per_day" not in reading.given:
        raise Missing("--margin is of what a user costs a month", "give --users, or --messages-per-day")
    price = read_api_price(reading, request)
    if price and price.input is not None and price.cached is None and request.prefix_share:
        all_in = "the API is taken to bill cached tokens like others"
        reading.note("api-price", f"{all_in}: --api-price IN/OUT/CACHED has a price of theirs")
    return frozen(reading, users=users, load=Load(request), api_price=price)


def _refuse_others(question: Question) -> None:
    """Refuse what a bill does not follow from; not what a workload says of other questions."""
    given = [name for name, each in question.given.items() if not each.origin.startswith("workload ")]
    if by_time := [flag(name) for name in _BY_TIME if name in given]:
        raise BadValue(f"{by_time[0]}: an API bills tokens, not minutes", "give --users and --messages-per-day")
    if stray := [flag(name) for name in given if name not in TAKEN]:
        raise Missing(f"userbase needs --gpu for {', '.join(stray)}", "leave it out for what an API alone bills")


def _read_request(reading: Reading) -> Request:
    """The tokens of a message, those of a usual request where nobody says how long it is."""
    usual = catalog.load("workloads", ASSUMED)
    prompt, answer = (float(reading.take(name, usual.value(name), "a usual request")) for name in LENGTHS)
    return Request(prompt, answer, reading.take("prefix_share") or 0.0)
