"""What an hour of an accelerator costs, by one rule for all commands: given, owned, or the preset's dated rent."""

from collections.abc import Iterable, Mapping

from infercost import formulas
from infercost.errors import BadValue
from infercost.parts.accelerator import BASES
from infercost.parts.preset import Preset
from infercost.replica.serving import Request
from infercost.report import Input
from infercost.scenario.options import flag
from infercost.scenario.read import Reading
from infercost.scenario.scenario import Scenario
from infercost.units import ApiPrice, api_price_of, many, show

#: What owning needs beside the price of the machine, where nobody says otherwise.
_USUAL = {
    "years": (5.0, "a usual write-off"),
    "interest": (0.08, "a usual cost of capital"),
    "power_price": (0.08, "an industrial tariff"),
    "pue": (1.3, "a usual data centre"),
}
#: The basis of rents where nobody says which, and why.
USUAL_BASIS = "neocloud", "what most parts have"
#: The code of the note on prices that are not of one basis, and how many parts it names.
MIXED, FEW = "price-bases", 4


def read_price(reading: Reading, part: Preset) -> float | None:
    """USD an hour of one accelerator: given, owned, or the preset's dated rent, else None; BadValue to rent and own."""
    owning = [name for name in ("purchase_price", *_USUAL) if name in reading.given]
    if "price" in reading.given:
        if owning:
            raise BadValue(f"--price rents and {flag(owning[0])} owns", "give one of them")
        if "price_basis" in reading.given:
            raise BadValue("--price and --price-basis are two ways to say one thing", "give one of them")
        return float(reading.take("price"))
    if owning and "price_basis" in reading.given:
        raise BadValue(f"--price-basis rents and {flag(owning[0])} owns", "give one of them")
    if owning:
        return _read_owned(reading, part, owning[0])
    basis = reading.get("price_basis") or USUAL_BASIS[0]
    if (key := rent_key(part, basis)) is None:
        reading.note("price", f"no price of {part.name} is known: costs need --price")
        return None
    reading.take("price_basis", *USUAL_BASIS)
    reading.use(part, key)
    rent, other = part.facts[key], key not in (f"rent_{basis}", "rent" if basis == USUAL_BASIS[0] else "")
    missing = f" (no {BASES[basis]} of it is known)" if other else ""
    when = f"in {rent.date}" if rent.date else "as set"
    words = f"the {_words(key)} of {part.name} {when}{missing}"
    reading.note("price", f"{show(rent.value, 'USD')} a device-hour is {words}; yours: --price")
    return rent.value


def read_api_price(reading: Reading, request: Request | None) -> ApiPrice | None:
    """What an API asks for a million tokens, None where none was named; BadValue to bill prompts that nobody knows."""
    if "api_price" not in reading.given:
        return None
    price = api_price_of(reading.take("api_price"))
    if price.input is None:
        if request is not None:
            both = f"--api-price {price.output:g}/{price.output:g}"
            reading.note("api-price", f"the API bills output alone, prompts are free: one price for both is {both}")
        return price
    if request is None:
        raise BadValue("--api-price IN/OUT bills prompts, and a bare count has none", "give OUT alone, or a --model")
    reading.amend(unit="")
    asked = {"api_price_input": price.input, "api_price_cached": price.cached, "api_price_output": price.output}
    given = ((name, value) for name, value in asked.items() if value is not None)
    reading.inputs += [Input(name, value, "USD", "of --api-price") for name, value in given]
    return price


def rent_key(part: Preset, basis: str) -> str | None:
    """The rent of a part on a basis, else on the usual one, else its listed rent, else another; None without any."""
    keys = (f"rent_{basis}", f"rent_{USUAL_BASIS[0]}", "rent", *(f"rent_{other}" for other in BASES))
    return next((key for key in keys if key in part.facts), None)


def binds_longer(part: Preset, basis: str) -> bool:
    """Whether the rent of a part, for want of one on a basis, is for longer than that, and so asks less."""
    key = rent_key(part, basis)
    terms = ("neocloud", "rental", "owner")
    return key not in (None, "rent") and terms.index(str(key).removeprefix("rent_")) > terms.index(basis)


def _words(key: str) -> str:
    return "listed rent" if key == "rent" else BASES[key.removeprefix("rent_")]


def note_bases(reading: Reading, parts: Iterable[Preset]) -> None:
    """Note that the rents of several parts are not on one basis, where they are not; listed ones are each a shop's."""
    if any(name in reading.given for name in ("price", "purchase_price")):
        return
    basis, groups = reading.get("price_basis") or USUAL_BASIS[0], dict[tuple[str, ...], list[Preset]]()
    for part in {part.name: part for part in parts}.values():
        if key := rent_key(part, basis):
            shop = (part.facts[key].source, part.facts[key].date) if key == "rent" else ()
            groups.setdefault((key, *shop), []).append(part)
    if len(groups) < 2:
        return
    kinds: dict[str, list[Preset]] = {}
    for (key, *_), of in groups.items():
        kinds.setdefault(key, []).extend(of)
    words = "; ".join(_of_kind(key, of) for key, of in kinds.items())
    common = [one for one in BASES if all(f"rent_{one}" in part.facts for of in kinds.values() for part in of)]
    remedy = f"--price-basis {common[0]} is one for all" if common else "--price gives all the same"
    reading.note(MIXED, f"prices are not of one basis: {words}; {remedy}")


def _of_kind(key: str, parts: list[Preset]) -> str:
    """The rents of one kind in words: its months, and whose they are."""
    dates = sorted({part.facts[key].date or "now, as set" for part in parts})
    months = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    whose = many(len(parts), "part") if len(parts) > FEW else ", ".join(part.name for part in parts)
    shops = ", each a shop's own" if key == "rent" and len(parts) > 1 else ""
    return f"{_words(key)} of {months}{shops} ({whose})"


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
