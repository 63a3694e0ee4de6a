"""Prompts on replicas of their own: how many these are, and what the same load costs with prompts between the steps."""

from math import ceil
from typing import Any

from infercost.analyses.many import LAYOUT, at_point
from infercost.analyses.remarks import on_devices
from infercost.analyses.step import step_pace, step_results
from infercost.analyses.worth import that_keep_up
from infercost.errors import InfercostError
from infercost.parts.accelerator import called
from infercost.parts.preset import counted
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

ORIGIN = "prompts between the steps"
#: Costs that are closer than this share are one.
ALIKE = 0.005
#: The same load with prompts between the steps: its devices, USD a million output tokens, seconds between tokens.
INSTEAD = ("mixed_gpus", "mixed_usd_per_million_tokens", "mixed_itl_s")


def apart_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """The devices that read prompts where these have replicas of their own; nothing where a load is too large."""
    if not (ratio := results.get("prefill_per_decode")) or results.get("stable") is False:
        return ""
    each, needed = scenario.rack.devices, ratio * scenario.copies
    decoding, whole, used = scenario.copies * each, ceil(needed), show(needed * each, "")
    replicas = many(whole, "device") if each == 1 else f"{many(whole, 'replica')} of {each:,}"
    share = f", {show(needed / whole, 'share')} used" if whole > needed else ""
    sent = show(scenario.copies * results["cache_transfer_bytes_per_s"], "B/s")
    rates = "rates a device" if results["usd_per_million_tokens"] is None else "rates a device and the price"
    start = f" Beside {many(decoding, 'device')} that {'decodes' if decoding == 1 else 'decode'}, {used}"
    beside = f"{start} read prompts ({replicas}{share}) and send {sent} of caches; {rates} count both."
    return beside + _instead_words(scenario, results)


def _instead_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What prompts between the steps cost instead, and which is cheaper."""
    devices, usd, gap = (results.get(key) for key in INSTEAD)
    paid, needed = results["usd_per_million_tokens"], results["prefill_per_decode"] * scenario.copies
    if devices is None or usd is None or paid is None:
        return ""
    saved, whole = _against(paid / usd), ceil(needed)
    if (full := _against(paid / usd * (scenario.copies + whole) / (scenario.copies + needed))) != saved:
        saved += f", {full} with {many(whole, 'whole replica')} for prompts"
    takes = f"take {counted(devices, called(scenario.rack.part))}, {show(usd, 'USD')} and {show(gap, 's')} a token"
    return f" Prompts between the steps instead {takes}: apart is {saved}."


def _against(ratio: float) -> str:
    """A cost as a share less or more than what it is held against."""
    share = show(abs(ratio - 1), "share")
    return "as dear" if abs(ratio - 1) < ALIKE else f"{share} {'cheaper' if ratio < 1 else 'dearer'}"


def instead(scenario: Scenario, overloaded: bool) -> dict[str, Any]:
    """The same load or batch with prompts between the steps, on as many replicas as keep up; nothing where none do.

    Nor where they are between the steps already, or a row of many has no verdict.
    """
    if not scenario.load.apart or overloaded or scenario.is_row or not scenario.rack.plan.fits:
        return {}
    given = scenario.question.given
    chosen = [name for name in LAYOUT if name in given and given[name].origin.startswith("assumed")]
    question = scenario.question.changed(dict.fromkeys(chosen), ORIGIN)
    try:
        other = at_point(question, {"disaggregated": False}, ORIGIN)
        batch, pace, served = step_pace(other)
        if served and not served.stable:
            enough = that_keep_up(other, served)
            other = at_point(question, {**on_devices(question, enough.devices), "disaggregated": False}, ORIGIN)
            batch, pace, served = step_pace(other)
    except InfercostError:
        return {}
    if not other.rack.plan.fits or (served and not served.stable):
        return {}
    results = step_results(other, batch, pace, served, bracketed=False)
    found = (other.copies * other.rack.devices, results["usd_per_million_tokens"], results["itl_s"])
    return dict(zip(INSTEAD, found, strict=True))
