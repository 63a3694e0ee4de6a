"""What one request takes of money and of energy, how many of them devices sustain, and what these read."""

from typing import Any

from infercost import formulas
from infercost.analyses.hosts import holds
from infercost.analyses.prices import says_price
from infercost.replica.serving import LEAST_OUTPUT, Request, full_prefill_time, serve_closed
from infercost.report import Row
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import LENGTHS
from infercost.units import show

#: Tokens of prompts for each that comes out above which a verdict has both.
OUTWEIGH = 10


def of_request(scenario: Scenario, results: dict[str, Any]) -> dict[str, float | None]:
    """USD and Wh of a request with its prompt, and what all of them read; nothing without a request."""
    if scenario.load.request is None:
        return {}
    paid, usd = results["usd_per_million_tokens"], None
    if paid is not None:
        usd = formulas.cost.usd_per_request(
            usd_per_million_tokens=paid, output_tokens=scenario.load.request.output_tokens
        )
    energy = _energy(scenario, results, scenario.load.request.output_tokens)
    read = _read(scenario, results, scenario.load.request)
    return {"input_tokens_per_s": read, "usd_per_request": usd, "wh_per_request": energy}


def _read(scenario: Scenario, results: dict[str, Any], request: Request) -> float:
    """Tokens a second of prompts, cached ones too, by the tokens that come out; of prompts alone without a gap."""
    if reads_alone(scenario) and not scenario.load.apart:
        full = full_prefill_time(scenario.running.replica, request)
        rate = formulas.cost.texts_per_s(batch=1, prefill_time=full)
    else:
        out = results.get("tokens_per_s_all_in", results["tokens_per_s"])
        rate = formulas.cost.requests_answered(tokens_per_s=out, output_tokens=request.output_tokens)
    return formulas.cost.input_tokens_per_s(texts_per_s=rate, input_tokens=request.input_tokens)


def reads_alone(scenario: Scenario) -> bool:
    """Whether nothing is decoded, and the tokens that are measured are those that are read."""
    request = scenario.load.request
    return request is not None and request.output_tokens < LEAST_OUTPUT


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


def at_once(scenario: Scenario) -> tuple[Row, ...]:
    """Requests that run at once of those that are always in flight; the others wait."""
    load = scenario.load
    if load.concurrent is None:
        return ()
    if not scenario.rack.plan.fits:
        return (Row("requests_at_once", None, "the model does not fit", False),)
    return (Row("requests_at_once", min(load.most, load.concurrent), shown=False),)


def request_remarks(scenario: Scenario) -> dict[str, str]:
    """What stands beside the money and the energy of a request."""
    wall = f", PUE {pue:g}" if (pue := pue_of(scenario)) != 1 else ""
    return {
        "usd_per_request": "with its prompt",
        "wh_per_request": f"with its prompt{wall}",
        "input_tokens_per_s": _read_remark(scenario),
    }


def _read_remark(scenario: Scenario) -> str:
    """What input tokens are counted: how many of them a cache has."""
    request = scenario.load.request
    cached = request and request.cached / request.input_tokens
    return f"all of prompts, {show(cached, 'share')} of them cached" if cached else "of prompts, none cached"


def read_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What prompts bring in, where there are many times as many tokens of them as come out; else nothing."""
    read, request = results.get("input_tokens_per_s"), scenario.load.request
    if not (read and request and shows_read(scenario)) or request.input_tokens <= OUTWEIGH * request.output_tokens:
        return ""
    cached = f" ({show(request.prefix_share, 'share')} cached)" if request.prefix_share else ""
    return f", beside {show(scenario.copies * read, '')} input tokens/s{cached}"


def shows_read(scenario: Scenario) -> bool:
    """Whether anybody asks what prompts bring in: requests under a load, a batch of given lengths, prompts alone."""
    load, many_at_once = scenario.load, scenario.batch > 1 or scenario.copies > 1
    return load.is_steady or reads_alone(scenario) or (many_at_once and gives_length(scenario))


def gives_length(scenario: Scenario) -> bool:
    """Whether anybody said how long a request is."""
    return any(item.key in LENGTHS and not item.assumed for item in scenario.inputs)


def taken_words(scenario: Scenario, results: dict[str, Any]) -> str:
    """What a request takes beside its time: energy and money where its length was given, energy where it was priced."""
    energy, usd, asked = results.get("wh_per_request"), results.get("usd_per_request"), gives_length(scenario)
    taken = []
    if energy is not None and (asked or scenario.question.get("power_price") is not None):
        taken.append(f"{show(energy, 'Wh')}{f' (PUE {pue:g})' if (pue := pue_of(scenario)) != 1 else ''}")
    if usd is not None and asked and says_price(scenario):
        taken.append(show(usd, "USD"))
    return f", {' and '.join(taken)}" if len(taken) > 1 else "".join(f" and {each}" for each in taken)
