"""Limits that an answer is held against once it is made: what a token costs or a month, how long a step's takes."""

from collections.abc import Callable, Iterator

from infercost import formulas
from infercost.errors import Missing
from infercost.report import Report
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

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
