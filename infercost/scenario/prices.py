"""What an hour of an accelerator costs: as given, rented at the preset's dated price, or owned."""

from infercost import formulas
from infercost.errors import BadValue
from infercost.parts.preset import Preset
from infercost.report import Note
from infercost.scenario.read import Asked
from infercost.units import show

#: What owning needs beside the price of the machine, where nobody says otherwise.
USUAL = {"years": (5.0, "a usual write-off"), "interest": (0.08, "a usual cost of capital")}
USUAL_POWER = {"power_price": (0.08, "an industrial tariff"), "pue": (1.3, "a usual data centre")}
OWNING = ("purchase_price", *USUAL, *USUAL_POWER)


def read_price(asked: Asked, part: Preset) -> float | None:
    """USD an hour of one accelerator; None where nobody gave a price and the preset has none.

    Raises:
        BadValue: a price to rent at and one to own at, or the terms of owning without its price.
    """
    owning = [name for name in OWNING if name in asked.given]
    if "price" in asked.given:
        if owning:
            raise BadValue(f"--price rents and {_flag(owning[0])} owns", "give one of them")
        return float(asked.take("price"))
    if owning:
        return _owned(asked, part, owning)
    if (rent := part.facts.get("rent")) is None:
        asked.notes.append(Note("price", f"no price of {part.name} is known: costs need --price"))
        return None
    asked.use(part, "rent")
    asked.notes.append(
        Note("price", f"{show(rent.value, 'USD')} a device-hour is the preset's rent of {rent.date}; yours: --price")
    )
    return rent.value


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _owned(asked: Asked, part: Preset, owning: list[str]) -> float:
    if "purchase_price" not in asked.given:
        raise BadValue(f"{_flag(owning[0])} needs what the machine costs", "give --purchase-price, a device's share")
    asked.use(part, "power")
    terms = {name: float(asked.take(name, *usual)) for name, usual in (USUAL | USUAL_POWER).items()}
    share = formulas.cost.annuity(interest=max(terms["interest"], 1e-9), years=terms["years"])
    return formulas.cost.owned_price(
        purchase_price=float(asked.take("purchase_price")),
        annuity=share,
        power=part.value("power"),
        pue=terms["pue"],
        power_price=terms["power_price"],
    )
