"""What prompts on devices of their own would make of a point of the frontier, where they ride along with its steps."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import partial
from math import ceil, inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.frontier.search import Point, batches_of, candidates, flags_of
from infercost.analyses.step import prefill_per_decode, token_seconds
from infercost.errors import InfercostError
from infercost.replica.layout import Layout, most_experts
from infercost.replica.step import pace_of
from infercost.scenario.scenario import Scenario
from infercost.units import show


class Apart(NamedTuple):
    """A layout whose prompts are read elsewhere: its largest batch in time, and what its tokens cost with these.

    ``whole`` are the seconds of a device for a token where the replicas that read prompts for one that decodes are
    whole ones, ``device_seconds`` where others share them.
    """

    candidate: Scenario
    batch: int
    tpot: float
    device_seconds: float
    whole: float


def apart_words(point: Point, row: Mapping[str, Any]) -> str:
    """The cheapest such layout at the speed of a row or a higher one, where it costs less by more than the row's error.

    It does with whole replicas for prompts. Empty for a load, whose devices are counted.
    """
    goal, request = point.candidate.goal, point.candidate.load.request
    least = row.get("bands", {}).get("device_seconds_per_token", (None,))[0]
    if request is None or goal.concurrent or goal.is_of_rate or goal.max_ttft < inf or row["itl_s"] is None:
        return ""
    found = min(_in_time(point.candidate, row["itl_s"]), key=lambda one: one.whole, default=None)
    if found is None or found.whole >= (least or row["device_seconds_per_token"]):
        return ""
    speed = show(formulas.cost.tokens_per_s_per_user(step_time=found.tpot))
    cost, price = f"{show(found.device_seconds, 's')} of a device a token", point.candidate.price
    if price:
        usd = formulas.cost.usd_per_million_tokens(price=price, devices=1, tokens_per_s=1 / found.device_seconds)
        cost = f"{show(usd, 'USD')} a million output tokens"
    flags = f"utilization --disaggregated {flags_of(found.candidate, found.batch)}"
    name = point.candidate.search.setup.part.name
    return f" Prompts on {name} of their own would make it {cost} at {speed} tokens/s ({flags})."


def _in_time(space: Scenario, tpot: float) -> Iterator[Apart]:
    """Each layout at its largest batch whose tokens come in time, its prompts on replicas in the same layout."""
    for candidate in (*candidates(space)[0], *_spread(space)):
        one = candidate._replace(load=candidate.load._replace(apart=True))
        try:
            batches = batches_of(one)
            at = bisect_right(batches, tpot, key=partial(_tpot, one))
        except InfercostError:  # no network: such a layout has no time
            continue
        if at:
            yield _apart(one, batches[at - 1])


def _spread(space: Scenario) -> Iterator[Scenario]:
    """The layout that spreads experts over all of a given count, unevenly where that does not divide them."""
    setup, devices = space.search.setup, space.search.devices
    if devices is None or any(space.search.widths) or not 1 < devices <= most_experts(setup.model):
        return
    plan = setup.plan(Layout(1, 1, devices))
    if plan.max_sequences:
        running = space.running.on(plan)
        yield space._replace(rack=running.rack, running=running)


def _apart(one: Scenario, batch: int) -> Apart:
    assert one.load.request is not None
    tpot, seconds = _tpot(one, batch), token_seconds(one, batch) * one.rack.devices
    ratio = prefill_per_decode(one.running, one.load.request, batch, tpot)
    return Apart(one, batch, tpot, seconds, seconds * (1 + ceil(ratio)) / (1 + ratio))


def _tpot(candidate: Scenario, batch: int) -> float:
    return pace_of(candidate.running, batch, candidate.draft).tpot
