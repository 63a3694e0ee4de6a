"""What one request takes of money and of energy, and how many of them devices sustain."""

from typing import Any

from infercost import formulas
from infercost.analyses.hosts import holds
from infercost.analyses.prices import says_price
from infercost.replica.serving import serve_closed
from infercost.report import Row
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import LENGTHS
from infercost.units import show


def of_request(scenario: Scenario, results: dict[str, Any]) -> dict[str, float | None]:
    """USD and Wh of a request with its prompt; nothing without a request."""
    if scenario.load.request is None:
        return {}
    paid, usd = results["usd_per_million_tokens"], None
    if paid is not None:
        usd = formulas.cost.usd_per_request(
            usd_per_million_tokens=paid, output_tokens=scenario.load.request.output_tokens
        )
    return {"usd_per_request": usd, "wh_per_request": _energy(scenario, results, scenario.load.request.output_tokens)}


def _energy(scenario: Scenario, results: dict[str, Any], output_tokens: float) -> float | None:
    """Wh at the wall for a request, those that read prompts apart too; None where no power is known."""
    rack, power = scenario.running.rack, scenario.running.rack.part.facts.get("power")
    if power is None:
        return None
    energy = formulas.cost.request_energy(
        power=power.value,
        pue=pue_of(scenario),
        devices=rack.devices,
        output_tokens=output_tokens,
        tokens_per_s=results.get("tokens_per_s_all_in", results["tokens_per_s"]),
    )
    if not scenario.load.apart:
        return energy
    ratio, batch = results["prefill_per_decode"], results["batch"]
    return formulas.cost.served_cost(cost=energy, prefill_per_decode=ratio, slots=batch, concurrent_users=batch)


def pue_of(scenario: Scenario) -> float:
    """Power at the wall over that of the chips, as a price of one's own has it; 1 where none is paid."""
    return next((float(item.value) for item in scenario.inputs if item.key == "pue"), 1.0)


def most_requests(scenario: Scenario) -> tuple[Row, ...]:
    """Requests a second of full devices, where it was asked what a cached prefix does for them."""
    load, request, rack = scenario.load, scenario.load.decoding, scenario.rack
    asked = scenario.question.get("prefix_share") is not None and not scenario.draft and not holds(rack)
    if request is None or not asked or not rack.plan.fits:
        return ()
    most = serve_closed(scenario.running.replica, load.most, request).rate
    return (Row("most_requests_per_s", most, f"{load.most * scenario.copies:,.0f} always in flight"),)


def request_remarks(scenario: Scenario) -> dict[str, str]:
    """What stands beside the money and the energy of a request."""
    wall = f", PUE {pue:g}" if (pue := pue_of(scenario)) != 1 else ""
    return {"usd_per_request": "with its prompt", "wh_per_request": f"with its prompt{wall}"}


def taken_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What a request takes of energy, where its price was asked about, and what it costs, where its length was."""
    energy, usd, words = results.get("wh_per_request"), results.get("usd_per_request"), ""
    if energy is not None and scenario.question.get("power_price") is not None:
        words = f" and {show(energy, 'Wh')}"
    asked = any(item.key in LENGTHS and not item.assumed for item in scenario.inputs)
    if usd is None or not asked or not says_price(scenario):
        return words
    return f"{words} and costs {show(usd, 'USD')}"
