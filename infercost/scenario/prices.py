"""What an hour of an accelerator costs, by one rule for all commands: given, of one's own, or a preset's dated rent."""

from collections.abc import Iterable, Mapping

from infercost import formulas
from infercost.errors import BadValue, Misasked, Missing
from infercost.numeric import floor
from infercost.parts.accelerator import BASES, called, is_owned
from infercost.parts.preset import Fact, Preset
from infercost.replica.serving import Request
from infercost.report import Input
from infercost.scenario.options import flag
from infercost.scenario.read import Given, Reading, prices_of
from infercost.units import ApiPrice, api_price_of, many, show

#: So many times the price of a device are a price of several, or of a whole machine.
MACHINE = 4
#: What a machine of one's own costs beside its purchase, where nobody says otherwise.
_USUAL = {
    "years": (5.0, "a usual write-off"),
    "interest": (0.08, "a usual cost of capital"),
    "power_price": (0.08, "an industrial tariff"),
    "pue": (1.3, "a usual data centre"),
}
#: The power at the wall over that of a part where people have it at home.
_AT_HOME = 1.0, "no cooling beside its own"
#: Options of a machine of one's own.
OWN = ("purchase_price", *_USUAL)
#: What sets a price that is not the presets' rent, in the order of what counts.
_KINDS = {"purchase_price": "owned", "power_price": "electricity", "price": "given"}
#: Commands about several parts, whose rows have one price.
_OF_PARTS = ("compare", "frontier")
#: The basis of rents where nobody says which, and why.
USUAL_BASIS = "neocloud", "what most parts have"
#: The code of the note on prices that are not of one basis, and how many parts it names.
MIXED, FEW = "price-bases", 4


def read_price(reading: Reading, part: Preset) -> float | None:
    """USD an hour of one accelerator: of one's own, given, or the preset's dated rent; None where none is known.

    Raises:
        BadValue: prices that exclude each other, or terms of owning without what they are of.
        Missing: the power of a part of one's own.
    """
    given = reading.given
    apart = isinstance(reading.get("price"), str)
    if {"price", "price_basis"} <= given.keys() and not apart:
        raise Misasked("--price and --price-basis are two ways to say one thing", "give one of them")
    if own := [name for name in (*OWN, "hours_per_day") if name in given]:
        return _read_own(reading, part, own)
    if "price" in given:
        price = reading.take("price")
        if not apart:
            return float(price)
        reading.amend(unit="")
    basis = reading.get("price_basis") or USUAL_BASIS[0]
    if (key := rent_key(part, basis)) is None:
        reading.note("price", f"no price of {part.name} is known: costs need --price")
        return None
    reading.use(part, key)
    if is_given(part.facts[key]):
        return part.facts[key].value
    reading.take("price_basis", *USUAL_BASIS)
    rent, other = part.facts[key], key not in (f"rent_{basis}", "rent" if basis == USUAL_BASIS[0] else "")
    missing = f" (no {BASES[basis]} of it is known)" if other else ""
    when = f"in {rent.date}" if rent.date else "as set"
    sold = " as it is sold, not as changed," if called(part) != part.name and rent.date else ""
    words = f"the {words_of(key)} of {part.name}{sold} {when}{missing}"
    reading.note("price", f"{show(rent.value, 'USD')} a device-hour is {words}; yours: --price")
    return rent.value


def devices_paid(reading: Reading, part: Preset, sizes: Iterable[int]) -> dict[int, int]:
    """Devices in whole replicas that ``--budget`` pays for all month, by those of one; the least where for none.

    Nothing where no budget, or no price, is known.

    Raises:
        BadValue: prices that exclude each other, or terms of owning without what they are of.
        Missing: the power of a part of one's own.
    """
    budget = reading.get("budget")
    price = read_price(reading.again(), part) if budget else None
    if not price:
        return {}
    paid = {size: size * int(floor(budget / formulas.cost.usd_per_month(price=price, devices=size))) for size in sizes}
    return {size: devices for size, devices in paid.items() if devices} or {min(paid): min(paid)}


def _read_own(reading: Reading, part: Preset, own: list[str]) -> float:
    """USD an hour of a machine of one's own, bought or its electricity alone; a rent is held beside what is bought."""
    given, bought = reading.given, "purchase_price" in reading.given
    if not bought:
        if of_purchase := [name for name in own if name in ("years", "interest")]:
            raise Misasked(
                f"{flag(of_purchase[0])} needs what the machine costs", "give --purchase-price, a device's share"
            )
        if "power_price" not in given:
            raise Misasked(f"{flag(own[0])} needs what a kWh costs", "give --power-price, or --purchase-price too")
        if rents := [flag(name) for name in ("price", "price_basis") if name in given]:
            what = f"{rents[0]} rents, --power-price is of a machine of your own"
            raise Misasked(what, "give one of them; to hold buying against renting: --purchase-price too")
    if "power" not in part.facts:
        hint = "give what an hour costs, --price, or its power: --set gpu.power=300W"
        raise Missing(f"no power of {part.name} is known, so nor is what its electricity costs", hint)
    usual = _USUAL | ({"pue": _AT_HOME} if is_owned(part) else {})
    reading.use(part, "power")
    terms = {name: float(reading.take(name, *usual[name])) for name in (usual if bought else ("power_price", "pue"))}
    if bought:
        terms["purchase_price"] = _read_purchase(reading, part)
        _note_machine(reading, part, terms["purchase_price"])
        _read_beside(reading, part)
    if reading.take("hours_per_day") is not None and bought:
        reading.note("hours", "a token has its price of a device that is always used; the month and the payback do not")
    price = own_price(terms, part)
    if not bought:
        words = f"the electricity alone of {part.name} at its rated {show(part.value('power'), 'W')}"
        reading.note("price", f"{show(price, 'USD')} a device-hour is {words}; with its purchase: --purchase-price")
    return price


def _read_purchase(reading: Reading, part: Preset) -> float:
    """What a part costs to own, of one price for all or of its own; Missing where others alone have one."""
    if not isinstance(price := reading.take("purchase_price"), str):
        return float(price)
    reading.amend(unit="")
    if (own := prices_of(price).get(part.name)) is None:
        raise Missing(
            f"no --purchase-price of {part.name} is given", f"add it: --purchase-price {price},{part.name}=USD"
        )
    return own


def times_usual(part: Preset, price: float) -> float | None:
    """How many times the price of one of a part another is, where it looks like that of a machine of several."""
    known = part.facts.get("purchase")
    return price / known.value if known and price > MACHINE * known.value else None


def _note_machine(reading: Reading, part: Preset, price: float) -> None:
    """Note a price that looks like that of a machine of several."""
    if times := times_usual(part, price):
        what = (
            f"{show(price, 'USD')} is {show(times, 'x')} the price of one {part.name} in {part.fact('purchase').date}"
        )
        reading.note("purchase", f"{what}: --purchase-price is a device's share of its machine")


def _read_beside(reading: Reading, part: Preset) -> None:
    """The rent that owning is held against: given, or the preset's on its basis."""
    if isinstance(reading.get("price"), float):
        reading.take("price")
        return
    if (key := rent_key(part, reading.take("price_basis") or USUAL_BASIS[0])) is not None:
        reading.use(part, key)


def refuse_rent(reading: Reading) -> None:
    """Refuse a rent beside what is owned in a comparison of parts, which has no place for both."""
    if reading.question.command not in _OF_PARTS or "purchase_price" not in reading.given:
        return
    if rents := [flag(name) for name in ("price", "price_basis") if name in reading.given]:
        hint = "give one of them; of one part userbase, economies and utilization hold them against each other"
        raise Misasked(f"{rents[0]} rents and --purchase-price owns", hint)


def kind_of_price(given: Mapping[str, Given]) -> str:
    """``owned``, ``electricity`` or ``given`` where who asks has a price of their own for all; empty elsewhere."""
    own = {name for name in given if name != "price" or not isinstance(given[name].value, str)}
    return next((kind for name, kind in _KINDS.items() if name in own), "")


def is_given(rent: Fact) -> bool:
    """Whether a rent is the price that a part was given alone."""
    return rent.source.startswith(flag("price"))


def note_idle(reading: Reading) -> None:
    """Note that electricity alone is paid while a machine of one's own works."""
    if kind_of_price(reading.given) == "electricity":
        reading.note("idle", "electricity is of the hours in which a replica works: what it draws idle is not known")


def own_price(terms: Mapping[str, float], part: Preset) -> float:
    """USD an hour of an accelerator of one's own on such terms: its electricity, and its purchase where it has one."""
    electricity = electricity_price(terms, part)
    if "purchase_price" not in terms:
        return electricity
    return formulas.cost.owned_price(
        purchase_price=terms["purchase_price"],
        annuity=formulas.cost.annuity(interest=max(terms["interest"], 1e-9), years=terms["years"]),
        electricity_price=electricity,
    )


def electricity_price(terms: Mapping[str, float], part: Preset) -> float:
    """USD an hour of an accelerator's electricity."""
    return formulas.cost.electricity_price(
        power=part.value("power"), pue=terms["pue"], power_price=terms["power_price"]
    )


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


def words_of(key: str) -> str:
    """The kind of a rent in words."""
    return "listed rent" if key == "rent" else BASES[key.removeprefix("rent_")]


def note_bases(reading: Reading, parts: Iterable[Preset]) -> None:
    """Note that the rents of several parts are not on one basis, where they are not; listed ones are each a shop's."""
    if kind_of_price(reading.given):
        return
    basis, groups = reading.get("price_basis") or USUAL_BASIS[0], dict[tuple[str, ...], list[Preset]]()
    for part in {part.name: part for part in parts}.values():
        if key := rent_key(part, basis):
            fact = part.facts[key]
            shop = () if key != "rent" else ("given",) if is_given(fact) else (fact.source, fact.date)
            groups.setdefault((key, *shop), []).append(part)
    if len(groups) < 2:
        return
    kinds: dict[str, list[Preset]] = {}
    for (key, *_), of in groups.items():
        kinds.setdefault(key, []).extend(of)
    words = "; ".join(_of_kind(key, of) for key, of in kinds.items())
    common = [one for one in BASES if all(f"rent_{one}" in part.facts for of in kinds.values() for part in of)]
    remedy = f"--price-basis {common[0]} is one for all" if common else "--price gives all the same"
    reading.note(MIXED, f"prices mix kinds of rent: {words}; {remedy}")


def _of_kind(key: str, parts: list[Preset]) -> str:
    """The rents of one kind in words: its months, and whose they are."""
    if own := [part.name for part in parts if is_given(part.facts[key])]:
        others = [part for part in parts if part.name not in own]
        return "; ".join([f"given ({', '.join(own)})", *([_of_kind(key, others)] if others else [])])
    dates = sorted({part.facts[key].date or "now, as set" for part in parts})
    months = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    whose = many(len(parts), "part") if len(parts) > FEW else ", ".join(part.name for part in parts)
    shops = ", each a shop's own" if key == "rent" and len(parts) > 1 else ""
    return f"{words_of(key)} of {months}{shops} ({whose})"
