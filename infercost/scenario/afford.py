"""What a month's money could hold a model on: the least replica in other formats, and on other parts."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from infercost.errors import BadFile, InfercostError, UnknownName
from infercost.formulas.cost import usd_per_month
from infercost.parts.accelerator import is_of_a_desktop
from infercost.parts.cache import reading_once
from infercost.parts.formats import WEIGHTS
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import splits_layers
from infercost.replica.memory import Plan
from infercost.replica.rack import Setup
from infercost.scenario.prices import kind_of_price, read_price
from infercost.scenario.rack import fitting_plan, read_setup
from infercost.scenario.read import Given, Reading, read_part
from infercost.scenario.search import SERVERS, can_be_rented, counts, offered, reach_of
from infercost.units import show

#: Formats of fewer bits that engines of data centres store weights in, the nearest to what a model is stored in first.
_FORMATS = ("fp8", "int4")
#: What says how many devices there are, and how they share a model.
_COUNTS = ("gpus", "tp", "pp", "ep", "budget")


class Held(NamedTuple):
    """The least replica of a part that holds a model in a format, as stored where none is named, and USD a month."""

    month: float
    devices: int
    part: Preset
    dtype: str = ""

    @property
    def words(self) -> str:
        """The devices and their month: ``4 x l40s hold it in fp8 for $2,336 a month (--gpu l40s --dtype fp8)``."""
        single, format = self.devices == 1, f" in {self.dtype}" if self.dtype else ""
        flags = f"--gpu {self.part.asked}{f' --dtype {self.dtype}' if self.dtype else ''}"
        whole = f"{counted(self.devices, self.part.name)} {'holds' if single else 'hold'} it{format}"
        return f"{whole} for {show(self.month, 'USD')} a month ({flags})"


def within(reading: Reading, budget: float) -> list[Held]:
    """What holds a model within a month's money: the part that was asked for in fewer bits, the cheapest part as it is.

    Else the cheapest part in fewer bits or, where none is within it, the cheapest of all.

    Raises:
        BadFile: a file that cannot be read.
        UnknownName: a name that does not exist.
    """
    with reading_once():
        own = [read_part(reading, reading.get("gpu"))[0]] if "gpu" in reading.given else []
        smaller = next((one for dtype in _FORMATS for one in _held(reading, own, dtype) if one.month <= budget), None)
        others = _others(reading)
        same = cheapest(_held(reading, others))
        found = [one for one in (smaller, same) if one and one.month <= budget]
        if found or not (own or others):
            return found
        last = cheapest(one for dtype in _FORMATS for one in _held(reading, [*own, *others], dtype)) or same
        return [last] if last else []


def cheapest(every: Iterable[Held]) -> Held | None:
    """The one whose month costs least, None of none."""
    return min(every, key=lambda one: one.month, default=None)


def _others(reading: Reading) -> list[Preset]:
    """Parts of data centres with a known rent; none where the price is of one's own part."""
    if kind_of_price(reading.given):
        return []
    parts = offered(Reading(reading.question._replace(given={}, notes=())))
    return [
        each
        for each in parts
        if each.labels.get("kind") in SERVERS and can_be_rented(each) and not is_of_a_desktop(each)
    ]


def _held(reading: Reading, parts: Iterable[Preset], dtype: str = "") -> Iterator[Held]:
    """The least replica on each part that can be asked and has a price; none where that format was given."""
    if dtype and dtype == getattr(reading.get("dtype"), "name", None):
        return
    for part in parts:
        trial = Reading(reading.question._replace(notes=()))
        trial.given = {name: given for name, given in reading.given.items() if name not in _COUNTS}
        trial.given["gpu"] = Given(part, "tried")
        if dtype:
            trial.given["dtype"] = Given(WEIGHTS[dtype], "tried")
        try:
            setup, _ = read_setup(trial)
            plan, price = _least(setup), read_price(trial, setup.part)
        except (BadFile, UnknownName):
            raise
        except InfercostError:
            continue
        if plan and price:
            month = usd_per_month(price=price, devices=plan.layout.devices)
            yield Held(month, plan.layout.devices, part, dtype)


def _least(setup: Setup) -> Plan | None:
    """The least replica of whole nodes or within one; none of an engine that serves one user with layers in turn."""
    if splits_layers(setup.stack):
        return None
    return next((made for count in counts(setup, reach_of(setup)) if (made := fitting_plan(setup, count))), None)
