"""A load that replicas do not keep up with, the least that would, and the devices that read prompts apart."""

from math import ceil
from typing import Any

from infercost.analyses.remarks import count_flag
from infercost.analyses.replicas import OVERLOADED
from infercost.analyses.worth import that_keep_up
from infercost.replica.serving import Served, full_prefill_time
from infercost.scenario.scenario import Scenario
from infercost.units import many, show


def overloaded(scenario: Scenario, served: Served, verdict: str) -> tuple[str, tuple[str, ...]]:
    """The verdict on a load that all replicas together cannot keep up with, and how many of them would."""
    copies, rack = scenario.copies, scenario.rack
    needed = that_keep_up(scenario, served)
    devices = needed * rack.devices
    counts, dp = count_flag(scenario.question, devices), scenario.question.given.get("dp")
    counts += f" --dp {needed}" if dp and not dp.origin.startswith("assumed") else ""
    rate = copies * (scenario.load.rate or 0.0)
    most, inside = f"{copies * served.rate:.3g}", f"{copies * served.batch:,.0f}"
    rates = f"{show(rate)} requests a second arrive and at most {most} are served, {inside} at once"
    if copies * served.rate >= rate:  # by number, but chance brings some together
        rates, inside = rates.rpartition(",")[0], f"{copies * scenario.load.most:,.0f}"
        rates += f": that close, more than the {inside} that run at once would be in flight"
    enough = f"{needed:,} replicas of {many(rack.devices, 'device')} ({devices:,} x {rack.part.name})"
    if scenario.load.apart and (request := scenario.load.request):
        prompts = rack.devices * ceil(rate * full_prefill_time(scenario.running.replica, request))
        whole = f"{prompts + devices:,} x {rack.part.name}"
        enough = f"{whole}, of which {prompts:,} read prompts and {devices:,} decode,"
    more = f"add replicas ({counts}), or shorten prompts and answers: no larger batch keeps up with this load"
    return f"{OVERLOADED}{rates}; {enough} would keep up. {verdict}", (more,)


def apart_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """The devices that read prompts where these have replicas of their own; nothing where a load is too large."""
    if not (ratio := results.get("prefill_per_decode")) or results.get("stable") is False:
        return ""
    copies, each = scenario.copies, scenario.rack.devices
    whole = ceil(ratio * copies)
    text = f" Prompts take {show(ratio, '')} replicas for each that decodes: {many(whole * each, 'device')} "
    text += f"{'reads' if whole * each == 1 else 'read'} prompts, {copies * each:,} decode"
    return f"{text}{', and the price pays the share of them that is used' if whole > ratio * copies else ''}."


def full_prompt(scenario: Scenario) -> str:
    """What a prompt takes of a replica that is full of them, beside how many such replicas there are."""
    request = scenario.load.request
    return f"full of prompts, {show(full_prefill_time(scenario.running.replica, request), 's')} each" if request else ""
