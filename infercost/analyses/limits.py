"""A limit on what a token costs, of an answer that has kept all others: met or not, first in its verdict."""

from collections.abc import Callable

from infercost.errors import Missing
from infercost.report import Report
from infercost.scenario.scenario import Scenario
from infercost.units import show

#: What a million tokens cost in the answers of a command, that which was asked about before others.
_COSTS = {
    "utilization": ("usd_per_million_tokens", "usd_per_million_tokens_input"),
    "userbase": ("usd_per_million_tokens",),
    "economies": ("usd_per_million_tokens_at_load", "floor_usd_per_million_tokens"),
    "frontier": ("least_usd_per_million_tokens",),
}


def within(answer: Callable[[Scenario], Report], scenario: Scenario) -> Report:
    """The answer, with a No where a token costs more than ``--max-cost``.

    Raises:
        Missing: no cost is known to hold against it.
    """
    report, limit = answer(scenario), scenario.question.get("max_cost")
    if limit is None or not report.met:
        return report
    costs = (report.values.get(key) for key in _COSTS[report.command])
    if (cost := next((each for each in costs if each is not None), None)) is None:
        raise Missing("--max-cost: no cost of a token is known here", "name one --gpu, and its --price 2.10")
    if cost <= limit:
        return report
    no = f"No: a million tokens cost {show(cost, 'USD')}, and may cost {show(limit, 'USD')}. "
    return report.replace(verdict=no + report.verdict.removeprefix("Yes: "), met=False)
