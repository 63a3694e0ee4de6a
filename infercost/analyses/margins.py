"""What is charged for a token, or a user a month, so that a service keeps a gross margin."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infercost import formulas
from infercost.report import Row
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

#: What is charged for, by the end of its key, and what stands beside it.
_CHARGED = {
    "": "a million output tokens, all in",
    "_input": "at the floor, beside the next",
    "_output": "at the floor, beside that of input",
    "_at_users": "a million output tokens, all in",
}


def margin_rows(scenario: Scenario, floor: Mapping[str, float | None], at_users: float | None) -> Iterator[Row]:
    """What is charged at the floor, for both kinds of tokens apart, and at the users that were given; empty unasked.

    ``floor`` has what tokens cost there, by the end of the key.
    """
    if (margin := scenario.question.get("margin")) is None:
        return
    costs = {**floor, **({"_at_users": at_users} if scenario.question.get("users") is not None else {})}
    for end, cost in costs.items():
        charged = None if cost is None else formulas.cost.charged_usd(cost=cost, margin=margin)
        yield Row(f"charged_usd_per_million_tokens{end}", charged, _CHARGED[end] if cost else "needs --price")


def margin_words(scenario: Scenario, values: Mapping[str, Any]) -> str:
    """What to charge for the margin that was asked for, as the start of a verdict; empty unasked."""
    margin, charged = scenario.question.get("margin"), values.get("charged_usd_per_million_tokens")
    if margin is None or charged is None:
        return ""
    read, written, served = (
        values.get(f"charged_usd_per_million_tokens{end}") for end in ("_input", "_output", "_at_users")
    )
    apart = "" if read is None else f", or {show(read, 'USD')} in and {show(written, 'USD')} out"
    tokens = f"a million {'output tokens' if scenario.service.request else 'tokens'}"
    tokens += " all in" if apart else ""
    least = f"{show(charged, 'USD')} {tokens} at the floor"
    if served is not None:
        users = many(scenario.question.get("users"), "user")
        least = f"{show(served, 'USD')} {tokens} at {users}, {show(charged, 'USD')} at the floor"
    return f"A gross margin of {show(margin, 'share')} takes a price of {least}{apart}. "


def user_rows(scenario: Scenario, cost: float | None) -> Iterator[Row]:
    """What is charged a user a month, who costs so much; empty unasked."""
    if (margin := scenario.question.get("margin")) is None:
        return
    charged = None if cost is None else formulas.cost.charged_usd(cost=cost, margin=margin)
    yield Row("charged_usd_per_user_month", charged, f"leaves {show(margin, 'share')} of it")


def user_words(scenario: Scenario, rows: Iterable[Row]) -> str:
    """What to charge a user a month for the margin that was asked for, as the start of a verdict; empty unasked."""
    charged = next((row.value for row in rows if row.key == "charged_usd_per_user_month"), None)
    if charged is None:
        return ""
    margin = show(scenario.question.get("margin"), "share")
    return f"{show(charged, 'USD')} a user a month leaves a gross margin of {margin}: "
