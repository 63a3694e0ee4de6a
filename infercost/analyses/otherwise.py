"""What would make a service pay against an API that it does not beat as asked: a layout, a size, fewer bits."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from infercost.analyses import own_or_api
from infercost.analyses.many import at_point
from infercost.analyses.own_or_api import BreakEven, break_even
from infercost.analyses.remarks import count_flag, on_devices
from infercost.analyses.worth import ORIGIN, option, smaller_weights
from infercost.errors import InfercostError
from infercost.parts.formats import CACHES, WEIGHTS
from infercost.parts.stack import eight_bit_cache
from infercost.replica.layout import asking, every_layout
from infercost.scenario.rack import has_few_stages, open_widths
from infercost.scenario.scenario import LOADS, Scenario
from infercost.units import many, show

#: Said of a layout in more stages than runs that were measured.
_UNMEASURED = ", of which no run was measured,"


class Way(NamedTuple):
    """A change of the question: its words in a sentence, the flags that ask for it, the values that differ."""

    words: str
    flags: str
    change: dict[str, Any]
    unmeasured: bool = False


def answered(scenario: Scenario) -> BreakEven | None:
    """The break-even with an API; where no users reach it, what would make the service pay, if anything does."""
    point = own_or_api.answered(scenario)
    if point is None or point.floor is None or point.users is not None or scenario.is_row:
        return point
    if not scenario.rack.plan.fits or scenario.service.missed:
        return point
    for ways in (_layouts(scenario), _sizes(scenario), _bits(scenario)):
        if said := _best(scenario, ways):
            return point._replace(way=said)
    return point


def _best(scenario: Scenario, ways: Iterable[Way]) -> str:
    """The way with the lowest floor of those that pay, measured ones first, as an end of a sentence; empty if none."""
    tried = [(way, even) for way in ways if (even := _even(scenario, way)) and even.users]
    if not tried:
        return ""
    way, even = min(tried, key=lambda each: (each[0].unmeasured, each[1].floor or 0.0))
    start = f"{way.words}{_UNMEASURED if way.unmeasured else ''} it is {show(even.floor, 'USD')}"
    return f"{start}, which pays from {many(even.users or 0, 'user')} on ({way.flags})"


def _even(scenario: Scenario, way: Way) -> BreakEven | None:
    """The break-even of the question with a change; None where that cannot be or be served."""
    loads = dict.fromkeys(LOADS) if scenario.question.command == "economies" else {}
    try:
        other = at_point(scenario.question, {**loads, **way.change}, ORIGIN)
        able = other.rack.plan.fits and not other.service.missed
        return break_even(other.service, scenario.api_price) if able else None
    except InfercostError:
        return None


def _layouts(scenario: Scenario) -> Iterator[Way]:
    """The other layouts of the same devices."""
    rack, question = scenario.rack, scenario.question
    devices = {} if rack.given else on_devices(question, rack.devices)
    for layout in every_layout(rack.model, rack.devices, open_widths(rack.setup)):
        if layout.devices == rack.devices and layout != rack.plan.layout:
            flags = " ".join(f"--{name} {width}" for name, width in asking(rack.model, layout).items())
            flags = flags if rack.given else f"{count_flag(question, rack.devices)} {flags}"
            yield Way(f"in {layout.words}", flags, {**devices, **layout.widths}, not has_few_stages(rack.setup, layout))


def _sizes(scenario: Scenario) -> Iterator[Way]:
    """Replicas of half the devices and so on; where nobody counted them of up to a node, or of twice as many."""
    rack, question = scenario.rack, scenario.question
    most = rack.devices if rack.given else max(rack.setup.domain, 2 * rack.devices)
    sizes = {2**power for power in range(most.bit_length())} | {each.running.rack.devices for each in scenario.others}
    sizes |= {rack.devices // 2**power for power in range(rack.devices.bit_length()) if rack.devices % 2**power == 0}
    for size in sorted(sizes - {rack.devices}):
        words = f"on replicas of {many(size, 'device')}"
        yield Way(words, count_flag(question, size), on_devices(question, size))


def _bits(scenario: Scenario) -> Iterator[Way]:
    """A cache in 8 bits, weights in 8 bits, and both."""
    rack = scenario.rack
    cache, (_, dtype) = CACHES[eight_bit_cache(rack.setup.stack)], smaller_weights(scenario)[0]
    narrow, light = {"kv_dtype": cache}, {"dtype": WEIGHTS[dtype]}
    flag = f"--dtype {dtype}"
    if fewer := rack.model.kv_bits > cache.bytes_per_value * 8:
        yield Way("with a cache in 8 bits", option(scenario), narrow)
    if "dtype" not in scenario.question.given:
        yield Way("with weights in 8 bits", flag, light)
        if fewer:
            yield Way("with weights and cache in 8 bits", f"{flag} {option(scenario)}", {**light, **narrow})
