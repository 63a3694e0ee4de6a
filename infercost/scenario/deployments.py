"""The replica of a service where its devices or its layout are free: by the load that was asked about, or when full."""

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from infercost import formulas
from infercost.fleet.cost import at_level, bill_of, device_seconds, of_month, users_at_bill, users_averaging
from infercost.fleet.day import day_of
from infercost.fleet.service import queued
from infercost.replica.layout import Layout
from infercost.scenario.layouts import TIMES, laid_out, layouts_of, with_replica
from infercost.scenario.options import flag
from infercost.scenario.people import read_service
from infercost.scenario.prices import read_api_price
from infercost.scenario.read import Given, Reading, read_part
from infercost.scenario.replicas import CHEAPEST, FOR_LOAD, PAYS_FIRST
from infercost.units import many, show

#: Widths of a replica of a service.
_WIDTHS = ("tp", "pp", "ep")
#: Loads by which devices are compared.
_LOADS = ("users", "concurrent", "tokens_per_month")
#: Costs, and speeds, that differ by a smaller share are the same.
SAME = 0.02


class Outlay(NamedTuple):
    """Seconds of a device that a load pays for a token, its replicas, a user's seconds a token and to the first.

    Users of minutes, and sequences at once, make more tokens on faster devices.
    """

    layout: Layout
    paid: float
    replicas: int
    tpot: float
    ttft: float


def on_replica(reading: Reading) -> Reading:
    """The reading with the devices of a replica where a token costs least; as it is without a part."""
    return with_replica(reading) if "gpu" in reading.given else reading


def for_users(least: Reading) -> list[Reading]:
    """The replica of the lowest floor or, where fewer devices in smaller ones do for the users, that; then the others.

    Of layouts that cost the same for this load it is the one in which a user gets most tokens a second. Where an API is
    asked about and no load, it is the replica that pays with the fewest users. There are no others without either.
    """
    best, load = on_replica(least), next((name for name in _LOADS if name in least.given), None)
    if "gpu" not in least.given:
        return [best]
    if load is None:
        return _first_to_pay(least, best)
    tried = [best, *reversed(list(_smaller(least, best, FOR_LOAD)))]
    outlays = [_outlay(each) for each in tried]
    if (larger := _twice(least, outlays)) is not None:
        tried, outlays = [*tried, larger], [*outlays, _outlay(larger)]
    first = tried[min(range(len(tried)), key=lambda at: outlays[at].paid)]
    if first is not larger:
        _note_larger(first, best, flag(load))
    chosen = _fastest(least, first, outlays[tried.index(first)])
    return [chosen, *(one for one in tried if one is not chosen)]


def _first_to_pay(least: Reading, best: Reading) -> list[Reading]:
    """The replica that costs no more than an API with the fewest users, where that is asked; then the others."""
    given, asked = best.given.get("gpus"), least.question.command == "economies" and "api_price" in least.given
    if not asked or given is None or given.origin != CHEAPEST:
        return [best]
    tried = [best, *reversed(list(_smaller(least, best, PAYS_FIRST)))]
    first = min(tried, key=_paying_users)
    _note_larger(first, best, flag("api_price"))
    return [first, *(one for one in tried if one is not first)]


def _paying_users(reading: Reading) -> float:
    """The least users with whom a service costs no more than an API; endless where it never does."""
    service = read_service(trial := _again(reading))
    price = read_api_price(trial, service.request)
    if price is None or not service.price or service.missed or not service.running.rack.plan.fits:
        return inf
    bill = bill_of(price, service.request)
    return users_at_bill(at_level(service), api_usd_per_million_tokens=bill) or inf


def _note_larger(first: Reading, best: Reading, without: str) -> None:
    """Say that larger replicas than the first have a lower floor, and how they are asked about."""
    if first is not best:
        larger = many(int(best.given["gpus"].value), "device") if "gpus" in best.given else "others"
        takes = f"which takes more users: economies without {without}"
        first.note("larger", f"replicas of {larger} have a lower floor, {takes}")


def _smaller(least: Reading, best: Reading, why: str) -> Iterator[Reading]:
    """Replicas on fewer devices than were chosen for the best: the least that hold the model, twice as many and so on.

    Where the devices were given it is the least's layout on them, if that is another.
    """
    if best is least:
        return
    yield least
    if (given := best.given.get("gpus")) is None or given.origin != CHEAPEST:
        return
    count = read_service(least.about(gpu=least.get("gpu"))).running.rack.devices
    for devices in (count * times for times in TIMES[1:] if count * times < given.value):
        yield _of_size(least, devices, why)


def _twice(least: Reading, outlays: list[Outlay]) -> Reading | None:
    """A replica on twice the devices of the largest, which costs least in several; None where there is no such layout.

    Alike when they are full, replicas may differ by a whole one for a load.
    """
    cheapest = min(outlays, key=lambda one: one.paid)
    size = 2 * max(one.layout.devices for one in outlays)
    given = any(name in least.given for name in ("gpus", "budget", *_WIDTHS)) or read_part(least, least.get("gpu"))[1]
    if given or cheapest.replicas < 2 or 2 * cheapest.layout.devices != size or not layouts_of(least, size):
        return None
    return _of_size(least, size, FOR_LOAD)


def _of_size(least: Reading, devices: int, why: str) -> Reading:
    """A replica on so many devices, in the layout in which its tokens cost least."""
    trial = least.about(gpu=least.get("gpu"))
    trial.given["gpus"] = Given(devices, why)
    chosen = on_replica(Reading(trial.question._replace(given=trial.given)))
    trial.given |= {name: chosen.given[name] for name in _WIDTHS if name in chosen.given}
    trial.notes += chosen.notes
    return trial


def _fastest(least: Reading, first: Reading, outlay: Outlay) -> Reading:
    """Of the layouts of a replica that cost the same for a load, the one whose users get most tokens a second."""
    held, every = outlay.layout, dict[Layout, Reading]()
    for layout in layouts_of(least, held.devices):
        if layout.widths != held.widths:
            every[layout] = _as(least, first, layout)
    found = {held: outlay, **{layout: _outlay(trial) for layout, trial in every.items()}}
    cheapest = min(each.paid for each in found.values())
    alike = {layout: each for layout, each in found.items() if each.paid <= (1 + SAME) * cheapest}
    shortest = min(each.tpot for each in alike.values())
    soon = {layout: each for layout, each in alike.items() if each.tpot <= (1 + SAME) * shortest}
    chosen = min(soon, key=lambda layout: soon[layout].ttft)
    if chosen == held:
        return first
    every[chosen].notes += [note for note in first.notes if note.code != "choice"]
    every[chosen].note("choice", _why(soon[chosen], outlay))
    return every[chosen]


def _why(mine: Outlay, other: Outlay) -> str:
    """Why a layout is chosen rather than the one that serves most when full."""
    speed, slower = (show(formulas.cost.tokens_per_s_per_user(step_time=each.tpot)) for each in (mine, other))
    text = f"{mine.layout.words} is chosen: with this load a user gets {speed} tokens/s in the slowest hour"
    if mine.paid < (1 - SAME) * other.paid:
        return f"{text}, a token costs {show(1 - mine.paid / other.paid, 'share')} less than in {other.layout.words}"
    return f"{text}; {other.layout.words}, best when full, {slower} at the same cost"


def _as(least: Reading, first: Reading, layout: Layout) -> Reading:
    """A replica in another layout of its devices; widths that were given are kept."""
    trial = least.about(gpu=least.get("gpu"))
    trial.given |= {name: given for name, given in first.given.items() if name not in _WIDTHS}
    return laid_out(trial, layout)


def _again(reading: Reading) -> Reading:
    """The same to be read once more: reading notes what it takes."""
    trial = reading.about(gpu=reading.get("gpu"))
    trial.given |= {name: reading.given[name] for name in ("gpus", *_WIDTHS) if name in reading.given}
    return trial


def _outlay(reading: Reading) -> Outlay:
    """What the users, or the tokens, that were given are charged for: a small load may fill no larger replica."""
    users, concurrent = reading.get("users"), reading.get("concurrent")
    service = queued(read_service(_again(reading)), closed=concurrent is not None)
    if service.missed or not service.running.rack.plan.fits:
        return Outlay(service.running.rack.plan.layout, inf, 0, inf, inf)
    if concurrent is not None:
        users = users_averaging(service, float(concurrent))
    elif users is None:
        users, service = of_month(service, float(reading.get("tokens_per_month")))
    day, rack = day_of(service.fleet, float(users)), service.running.rack
    first, hour = service.fleet.curve.ttft(day.slowest.batch), day.slowest
    paid = device_seconds(service, day) if day.tokens_per_s else inf  # nobody has so few tokens
    return Outlay(rack.plan.layout, paid, day.replicas, hour.tpot, first)
