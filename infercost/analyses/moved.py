"""Each input of an answer a little lower and a little higher, with the answer's values at both."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from infercost.analyses.headline import values_of
from infercost.analyses.sweep import ask_point
from infercost.efficiency import LAW_FIGURES
from infercost.errors import InfercostError
from infercost.hardware import RATES
from infercost.preset import Preset
from infercost.question import Asked, read_part, read_profile
from infercost.report import Input, Report
from infercost.sweeping import NO_INPUTS, kind_of
from infercost.units import Kind

#: The layout is kept while another input changes; a model's layout does not change by a percent.
DEVICES, LAYOUT = ("gpus",), ("tp", "pp", "ep")
#: Figures whose answers count whole things.
COUNTED = ("users",)
ORIGIN = "--sensitivity"
FLOPS = tuple(f"flops_{rate}" for rate in RATES)
LINKS = ("link_bandwidth", "network_bandwidth")


class Moved(NamedTuple):
    """An input at a lower and at a higher value, each with the answer's values; None where it has no answer."""

    item: Input
    low: float
    high: float
    below: Mapping[str, Any] | None
    above: Mapping[str, Any] | None


def numbers_of(asked: Asked, report: Report) -> list[Input]:
    """The inputs that are numbers and can change a little; how far a table of users goes is none."""
    model = (*DEVICES, *LAYOUT) if "model" in asked.given else ()
    ends = () if "users" in asked.given else ("users",)
    return [
        item
        for item in report.inputs
        if isinstance(item.value, (int, float)) and not isinstance(item.value, bool)
        if "." in item.key or item.key in asked.command.named
        if item.key not in (*NO_INPUTS, *model, *ends)
    ]


def _part(asked: Asked) -> Preset:
    named = asked.get("gpu")
    return read_part(asked, named[0] if isinstance(named, tuple) else named)[0]


def figures_beside(asked: Asked, report: Report) -> list[Input]:
    """Figures that no input says: rates of the part for a second format or the network, constants of a paper's law."""
    part, known = _part(asked), {item.key: item.value for item in report.inputs}
    profile = read_profile(asked.again({}), known["efficiency"])
    summed = ("flops_bf16", "flops_fp16") if "flops_fp16_accumulate" in part.facts else ()
    computing = {f"flops_{item.value}" for item in report.inputs if item.key.endswith("dtype")}
    flops = sorted((key for key in part.facts if key in FLOPS and key not in summed), key=computing.__contains__)
    circuits = {part.value(key): key for key in flops}  # of rates that are the same, the one that computes
    rates = [key for value, key in circuits.items() if value not in known.values()]
    rates += [key for key in LINKS if key in part.facts]
    laws = [key for key in profile.facts if key in LAW_FIGURES]
    found = [("gpu", part, key) for key in rates] + [("efficiency", profile, key) for key in laws]
    return [
        Input(f"{scope}.{key}", preset.value(key), preset.fact(key).kind.unit, f"preset {preset.name}")
        for scope, preset, key in found
        if f"{scope}.{key}" not in known
    ]


def _alike(asked: Asked, item: Input) -> list[str]:
    """The rates that the part has the same figure for: the same circuits."""
    if not item.key.startswith("gpu.flops_"):
        return []
    alike = [f"gpu.{key}" for key, fact in _part(asked).facts.items() if key in FLOPS and fact.value == item.value]
    return [key for key in alike if key != item.key]


def moves_of(asked: Asked, report: Report, items: Iterable[Input], share: float) -> list[Moved]:
    """Each of the inputs that is not zero, changed by a share on both sides while the layout is kept."""
    held = {item.key: item.value for item in report.inputs if item.key in (*DEVICES, *LAYOUT)}
    return [_move(asked, item, held, share) for item in items if item.value]


def _move(asked: Asked, item: Input, held: Mapping[str, Any], share: float) -> Moved:
    """An input a little changed, with those that move with it."""
    low, high = _around(item, kind_of(asked, item.key), share)
    keys = (item.key, *_alike(asked, item))

    def at(value: float) -> Mapping[str, Any] | None:
        try:
            return values_of(*ask_point(asked, {**held, **dict.fromkeys(keys, value)}, ORIGIN))
        except InfercostError:
            return None

    below, above = at(low), at(high)
    return Moved(item, item.value if below is None else low, item.value if above is None else high, below, above)


def _around(item: Input, kind: Kind | None, share: float) -> tuple[float, float]:
    """A value a little lower and a little higher: the next whole ones where it is whole, none out of its range."""
    value = item.value
    if (kind and kind.whole) or item.key in COUNTED:
        step = max(1, round(value * share))
        low, high = value - step, value + step
    else:
        low, high = value * (1 - share), value * (1 + share)
    if kind:
        low, high = max(low, kind.least), min(high, kind.most)
    return low if low > 0 else value, high
