"""What makes tokens of a service cheaper than as asked: a layout, a size, fewer bits, prompts on replicas apart."""

from collections.abc import Iterable, Iterator
from math import inf
from shlex import quote
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses import own_or_api
from infercost.analyses.hosts import holds
from infercost.analyses.many import at_point
from infercost.analyses.own_or_api import BreakEven, Elsewhere, break_even
from infercost.analyses.remarks import count_flag, on_devices
from infercost.analyses.step import token_seconds
from infercost.analyses.worth import LEAST, ORIGIN, option, smaller_weights
from infercost.errors import InfercostError
from infercost.fleet.cost import floor_of, full_seconds
from infercost.parts.formats import CACHES, WEIGHTS
from infercost.parts.stack import eight_bit_cache
from infercost.replica.layout import Layout, asking, every_layout
from infercost.scenario.options import options_of
from infercost.scenario.rack import engine_layouts, has_few_stages, open_widths
from infercost.scenario.read import Question
from infercost.scenario.scenario import LOADS, Scenario
from infercost.units import many

#: The share of a full replica's time that prompts take, from which on replicas of their own are looked at.
MOST_PROMPTS = 0.2
#: Said of a layout in more stages than runs that were measured.
_UNMEASURED = ", of which no run was measured"


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
        if found := _best(scenario, ways):
            return point._replace(way=found)
    if (other := apart(scenario)) and (floor := other.share * point.floor) < point.bill:
        words = "with prompts on replicas of their own"
        return point._replace(way=Elsewhere(words, "utilization --disaggregated", floor))
    return point


def _best(scenario: Scenario, ways: Iterable[Way]) -> Elsewhere | None:
    """The way with the lowest floor of those that pay, measured ones first; None if none does."""
    tried = [(way, found) for way in ways if (found := _even(scenario, way))]
    return min(tried, key=lambda each: (each[0].unmeasured, each[1].floor))[1] if tried else None


def _even(scenario: Scenario, way: Way) -> Elsewhere | None:
    """How the question pays with a change; None where that cannot be, be served, or pay."""
    loads = dict.fromkeys(LOADS) if scenario.question.command == "economies" else {}
    try:
        other = at_point(scenario.question, {**loads, **way.change}, ORIGIN)
        able = other.rack.plan.fits and not other.service.missed
        even = break_even(other.service, scenario.api_price) if able else None
        if even is None or even.floor is None or even.users is None:
            return None
        speed = formulas.cost.tokens_per_s_per_user(step_time=floor_of(other.service).tpot)
    except InfercostError:
        return None
    words = f"{way.words}{_UNMEASURED if way.unmeasured else ''}"
    return Elsewhere(words, way.flags, even.floor, even, speed)


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


# Prompts on replicas of their own, of which utilization and frontier answer, and a service of users does not.


class Apart(NamedTuple):
    """A full replica whose prompts others read: what its tokens cost of those with prompts between, and the command."""

    share: float
    command: str


def apart(scenario: Scenario) -> Apart | None:
    """The cheapest layout of the same devices with prompts on replicas of their own; None where none is cheaper.

    Within a limit on latency, or in widths that were given, it is the replica as it stands.
    """
    service, rack = scenario.service, scenario.rack
    if scenario.is_row or service.request is None or not service.fleet.curve.prompted or holds(rack):
        return None
    if service.fleet.curve.prompt_share(service.fleet.slots) < MOST_PROMPTS:
        return None
    try:
        found = min(_decoding(scenario), key=lambda each: each[0], default=None)
    except InfercostError:
        return None
    full = full_seconds(service)
    if found is None or found[0] > (1 - LEAST) * full:
        return None
    seconds, layout, batch = found
    return Apart(seconds / full, _command(scenario, layout, batch))


def _decoding(scenario: Scenario) -> Iterator[tuple[float, Layout, int]]:
    """Seconds of a device for each token, prompts paid, of layouts that decode alone, with their batches."""
    service, rack, question = scenario.service, scenario.rack, scenario.question
    one = at_point(_of_a_step(question), {**_told(scenario, rack.plan.layout, 1), "disaggregated": True}, ORIGIN)
    limited = service.level.max_tpot is not None or service.level.max_ttft is not None
    kept = limited or any(
        name in question.given and not question.given[name].origin.startswith("assumed") for name in ("tp", "pp", "ep")
    )
    for layout in [rack.plan.layout] if kept else engine_layouts(rack.setup, rack.devices):
        plan = rack.setup.plan(layout)
        held = service.fleet.slots if kept else min(plan.max_sequences or 0, service.level.sequences or inf)
        if not plan.fits or not 1 <= held < inf:
            continue
        try:
            running = one.running.on(plan)
            seconds = token_seconds(one._replace(rack=running.rack, running=running), int(held)) * rack.devices
        except InfercostError:  # no link: such a layout has no time
            continue
        yield seconds, layout, int(held)


def _of_a_step(question: Question) -> Question:
    """The question as one of utilization, without what belongs to users, to devices or to an API."""
    own, out = options_of("utilization"), {"gpu", "gpus", "tp", "pp", "ep", "api_price", "workload", "max_sequences"}
    given = {name: each for name, each in question.given.items() if name in own and name not in out}
    return question._replace(command="utilization", given=given)


def _told(scenario: Scenario, layout: Layout, batch: int) -> dict[str, Any]:
    """What the step of a full replica is asked with beside what was given."""
    request, devices = scenario.service.request, on_devices(scenario.question, layout.devices)
    assert request is not None
    lengths = {"input_tokens": request.input_tokens, "output_tokens": request.output_tokens}
    cached = {"prefix_share": request.prefix_share} if request.prefix_share and not request.shared else {}
    return {**devices, **asking(scenario.rack.model, layout), **lengths, **cached, "batch": batch}


def _command(scenario: Scenario, layout: Layout, batch: int) -> str:
    """The command that answers of such a replica."""
    short, question = {"input_tokens": "isl", "output_tokens": "osl"}, _of_a_step(scenario.question)
    told = {"model": "", **{name: each.value for name, each in question.given.items()}}
    told |= {"gpu": f"{scenario.rack.part.asked}:{layout.devices}"}
    told |= {name: each for name, each in _told(scenario, layout, batch).items() if name not in ("gpu", "gpus")}
    words = [
        f"--{short.get(name, name).replace('_', '-')} {quote(_text_of(each))}"
        for name, value in told.items()
        for each in (value if isinstance(value, tuple) else (value,))
    ]
    return f"infercost utilization {' '.join(words)} --disaggregated"


def _text_of(value: Any) -> str:
    """A value as an option takes it."""
    return str(getattr(value, "name", None) or (f"{value:.10g}" if isinstance(value, float) else value))
