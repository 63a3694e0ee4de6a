"""What an hour of an accelerator costs, by one rule for all commands: given, owned, or the preset's dated rent."""

from collections.abc import Mapping

from infercost import formulas
from infercost.errors import BadValue
from infercost.parts.preset import Preset
from infercost.scenario.options import flag
from infercost.scenario.read import Reading
from infercost.scenario.scenario import Scenario
from infercost.units import show

#: What owning needs beside the price of the machine, where nobody says otherwise.
_USUAL = {
    "years": (5.0, "a usual write-off"),
    "interest": (0.08, "a usual cost of capital"),
    "power_price": (0.08, "an industrial tariff"),
    "pue": (1.3, "a usual data centre"),
}


def read_price(reading: Reading, part: Preset) -> float | None:
    """USD an hour of one accelerator: given, owned, or the preset's dated rent, else None; BadValue to rent and own."""
    owning = [name for name in ("purchase_price", *_USUAL) if name in reading.given]
    if "price" in reading.given:
        if owning:
            raise BadValue(f"--price rents and {flag(owning[0])} owns", "give one of them")
        return float(reading.take("price"))
    if owning:
        return _read_owned(reading, part, owning[0])
    if (rent := part.facts.get("rent")) is None:
        reading.note("price", f"no price of {part.name} is known: costs need --price")
        return None
    reading.use(part, "rent")
    hourly = show(rent.value, "USD")
    reading.note("price", f"{hourly} a device-hour is the rent of {part.name} in {rent.date}; yours: --price")
    return rent.value


def _read_owned(reading: Reading, part: Preset, first: str) -> float:
    """USD an hour of an accelerator that is owned; BadValue for terms of owning without the price of the machine."""
    if "purchase_price" not in reading.given:
        raise BadValue(f"{flag(first)} needs what the machine costs", "give --purchase-price, a device's share")
    reading.use(part, "power")
    terms = {name: float(reading.take(name, *usual)) for name, usual in _USUAL.items()}
    return owned_price({**terms, "purchase_price": float(reading.take("purchase_price"))}, part)


def owned_price(terms: Mapping[str, float], part: Preset) -> float:
    """USD an hour of an accelerator that is owned on such terms."""
    return formulas.cost.owned_price(
        purchase_price=terms["purchase_price"],
        annuity=formulas.cost.annuity(interest=max(terms["interest"], 1e-9), years=terms["years"]),
        power=part.value("power"),
        pue=terms["pue"],
        power_price=terms["power_price"],
    )


def owned_again(scenario: Scenario) -> None:
    """The price of what is owned worked out once more from its inputs, where anything is."""
    terms = {item.key: item.value for item in scenario.inputs if item.key in ("purchase_price", *_USUAL)}
    if "purchase_price" in terms:
        owned_price(terms, scenario.rack.part)
