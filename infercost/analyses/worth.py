"""What to change first, each with its effect, and nothing that changes little."""

from collections.abc import Callable, Iterator
from math import ceil, inf
from typing import Any, NamedTuple

from infercost.analyses.hosts import holds
from infercost.analyses.many import LAYOUT, at_point
from infercost.analyses.remarks import MOST_USABLE, count_flag, on_devices
from infercost.analyses.step import (
    MOST,
    ends_late,
    prompts_share,
    step_pace,
    step_results,
    token_seconds,
    token_time,
    under_load,
)
from infercost.errors import InfercostError
from infercost.fleet.cost import Service, device_seconds, floor_of
from infercost.numeric import ceiling, floor, last_that
from infercost.parts.accelerator import has_endless_rate, is_owned, joins
from infercost.parts.formats import CACHES, WEIGHTS
from infercost.parts.preset import counted
from infercost.parts.stack import eight_bit_cache, reads_gguf, splits_layers
from infercost.replica.layout import Layout
from infercost.replica.memory import Setup
from infercost.replica.serving import Served, full_prefill_time, serve_closed, serve_rate
from infercost.replica.step import Running, full_batch, pace_of, tpot_of
from infercost.scenario.layouts import MUCH
from infercost.scenario.rack import engine_layouts, fitting_plan, least_plan
from infercost.scenario.read import Question
from infercost.scenario.scenario import IN_TIME, Scenario, running_sequences
from infercost.units import many, show

#: A change of less than this share of the answer is no advice.
LEAST = 0.05
#: Less of a step than this is not worth half the context, or a cache of fewer bits.
ENOUGH = 0.1
#: Tokens a second that people read at least: 238 words a minute (Brysbaert, Journal of Memory and Language 109, 2019)
#: at 0.75 words a token are 5.3; twice that, for those who skim, below which a limit on the time between tokens is
#: advised; and that limit in seconds.
READ = 5.0
SLOW, USUAL_TPOT = 2 * READ, 0.05
#: Memory that holds fewer sequences beside the weights holds few.
FEW_HELD = 8
#: Room for caches below this share of the weights beside them is little, whatever it holds.
LITTLE_ROOM = 0.1
ORIGIN = "what would be cheaper"
#: Counts of replicas that are tried from the least on, as more requests in flight take more room beside the caches.
_MORE_REPLICAS = 3
#: What prompts apart must save of a token to come before all other advice.
_MOST_OF_IT = 0.5
#: Where a host takes most of a step.
LESS_IN_HOST = "the host binds: keep more on the card (fewer bits, a shorter context, another card), or faster memory"


class Enough(NamedTuple):
    """Replicas of a layout that keep up with a load, and those beside them that read prompts where these are apart."""

    layout: Layout
    copies: int
    apart: int = 0

    @property
    def devices(self) -> int:
        """Devices of all replicas."""
        return self.layout.devices * (self.copies + self.apart)


def advice(scenario: Scenario, results: dict[str, Any]) -> tuple[str, ...]:
    """What to change first, by what takes the time."""
    running, bound, batch = scenario.running, results["bound"], results["batch"]
    if bound == "host":
        return (LESS_IN_HOST,)
    room = tuple(_in_time(scenario, results)) or tuple(_room_for_all(scenario))
    if room := room or tuple(_a_little_short(scenario, results)):
        return room
    if apart := tuple(_prompts_apart(scenario, batch)):
        return apart
    if (
        scenario.requests is None
        and prompts_share(results) > MOST
        and (fewer := tuple(_less_of_prompts(scenario, results)))
    ):
        return fewer
    if scenario.load.rate is not None and bound != "communication":
        return (*_at_rate(scenario, batch), *less_cache(scenario, batch))
    if bound == "memory":
        most = running.rack.plan.max_sequences
        if most is not None and batch >= most:
            return tuple(_more_room(scenario, batch))
        return (*_more_users(scenario, batch), *less_cache(scenario, batch))
    if bound == "compute":
        return tuple(_many_rows(scenario, batch))
    if bound == "communication":
        times = pace_of(running, batch).times
        sending = show(min((times.parts.communication or 0.0) / times.step, 1.0), "share")
        return (f"the links bind: they take {sending} of a step; use fewer devices a replica, or faster links",)
    return tuple(_more_a_launch(scenario, batch))


def _in_time(scenario: Scenario, results: dict[str, Any]) -> Iterator[str]:
    """The least devices on which a job that ends too late ends within its deadline, where replicas of a layout do."""
    if scenario.is_row or not ends_late(scenario, results):
        return
    question = _unlaid(scenario.question)
    try:
        other = at_point(question, {**on_devices(question, 1), "gpus": None}, ORIGIN)
    except InfercostError:
        return
    devices = other.copies * other.rack.devices
    if (count := other.question.given.get("gpus")) and count.origin == IN_TIME:
        yield f"{many(devices, 'device')} end it in time ({count_flag(scenario.question, devices)})"


def _a_little_short(scenario: Scenario, results: dict[str, Any]) -> Iterator[str]:
    """What a little more room gives where a much better layout just does not fit: fewer stages, or fewer devices."""
    rack, question = scenario.rack, scenario.question
    setup, layout = rack.setup, rack.plan.layout
    kept = scenario.is_row or scenario.requests is not None or setup.host or splits_layers(setup.stack)
    if kept or layout.devices == 1 or any(rack.widths):
        return
    changes: list[tuple[dict[str, Any], str, Setup]] = []
    if question.get("usable") is None and setup.usable < MOST_USABLE and not setup.start.rule:
        more = setup._replace(usable=MOST_USABLE)
        changes.append(({"usable": MOST_USABLE}, f"--usable {MOST_USABLE:g}", more))
    cache = CACHES[eight_bit_cache(setup.stack)]
    if rack.model.kv_bits > (bits := cache.bytes_per_value * 8):
        small = setup._replace(model=setup.model._replace(kv_bits=bits))
        changes.append(({"kv_dtype": cache}, option(scenario), small))
    for change, flag, room in changes:
        plan = fitting_plan(room, layout.devices) if rack.given else least_plan(room)
        better = plan and (plan.layout.devices, plan.layout.pp) < (layout.devices, layout.pp)
        if better and (said := _with_room(scenario, results, change)):
            yield f"{said} ({flag})"
            return


def _with_room(scenario: Scenario, results: dict[str, Any], change: dict[str, Any]) -> str:
    """The layout, the time of a token and its price with an option changed, where that is much better; else empty."""
    try:
        other = at_point(_unlaid(scenario.question), change, ORIGIN)
        batch, pace, served = step_pace(other)
    except InfercostError:
        return ""
    if (
        not other.rack.plan.fits
        or (served and not served.stable)
        or other.rack.plan.layout == scenario.rack.plan.layout
    ):
        return ""
    found, usd = step_results(other, batch, pace, served, bracketed=False), "usd_per_million_tokens"
    key = usd if results[usd] and found[usd] else "tpot_s"
    if found[key] > results[key] / MUCH:
        return ""
    price = f" at {show(found[usd], 'USD')} a million output tokens" if found[usd] else ""
    where = f"{other.rack.plan.layout.words} on {many(other.copies * other.rack.devices, 'device')}"
    return f"a little more room is enough for {where}: {show(token_time(other), 's')} a token{price}"


def _room_for_all(scenario: Scenario) -> Iterator[str]:
    """The devices whose memory holds all requests in flight, where some of them wait for others to end."""
    load, rack = scenario.load, scenario.rack
    held = rack.plan.max_sequences
    if load.concurrent is None or held is None or not 1 <= held < load.concurrent:
        return
    each, setup, total = rack.devices, rack.setup._replace(batch=1), scenario.copies * load.concurrent
    sizes = [each * 2**power for power in range(4) if power == 0 or each * 2**power <= setup.domain]
    plans = [(size, fitting_plan(setup, size)) for size in sizes]
    counts = {
        size * (ceiling(total / plan.max_sequences) + more)
        for size, plan in plans
        if plan and plan.max_sequences
        for more in range(_MORE_REPLICAS)
    }
    if devices := next((count for count in sorted(counts) if _all_run(scenario, count)), 0):
        yield f"{devices:,} devices hold all {total:,.0f} requests at once ({count_flag(scenario.question, devices)})"


def _all_run(scenario: Scenario, devices: int) -> bool:
    """Whether all requests in flight run at once on so many devices, in the layout that is chosen for them."""
    try:
        load = at_point(_unlaid(scenario.question), on_devices(scenario.question, devices), ORIGIN).load
    except InfercostError:
        return False
    return load.most >= (load.concurrent or 0.0)


def _prompts_apart(scenario: Scenario, batch: float) -> Iterator[str]:
    """What prompts on replicas of their own save where a step of all groups waits for a prompt in one of them."""
    load = scenario.load
    grouped = load.request is not None and scenario.rack.plan.layout.dp > 1
    if scenario.is_row or not grouped or load.apart or load.is_steady:
        return
    try:
        other = at_point(scenario.question, {"disaggregated": True}, ORIGIN)
    except InfercostError:
        return
    if other.rack.plan.fits and (saved := token_saving(scenario, other, batch, batch)) >= _MOST_OF_IT:
        waits = f"{scenario.rack.plan.layout.dp:,} groups wait while one of them reads a prompt"
        yield f"{waits}: on replicas of their own (--disaggregated) a token costs {show(saved, 'share')} less"


def _less_of_prompts(scenario: Scenario, results: dict[str, Any]) -> Iterator[str]:
    """What makes prompts take less of the time between tokens, where they are most of it: how long a token takes then.

    Chunks change the longest pause, and no mean.
    """
    load, gap, question = scenario.load, results["itl_s"], scenario.question
    if scenario.is_row or load.request is None or load.apart or question.command != "utilization":
        return
    more = 2 * scenario.copies * scenario.rack.devices
    tries: list[tuple[dict[str, Any], str]] = [
        ({"disaggregated": True}, "with them on devices of their own (--disaggregated)")
    ]
    if not load.request.prefix_share:
        tries.append(({"prefix_share": 0.5}, "with half of each cached (--prefix-share 50%)"))
    if joins(scenario.rack.part):
        tries.append((on_devices(question, more), f"on {more:,} devices ({count_flag(question, more)})"))
    ways = []
    for change, words in tries:
        time = _time_with(question, change)
        ways += [f"{show(time, 's')} {words}"] if time and time < (1 - LEAST) * gap else []
    if ways:
        pause = results.get("prompt_itl_s")
        chunks = f"; smaller chunks (--chunk-tokens) shorten its longest pause, {show(pause, 's')}" if pause else ""
        yield f"prompts take most of a token's {show(gap, 's')}: {', '.join(ways)}{chunks}"


def _time_with(question: Question, change: dict[str, Any]) -> float | None:
    """Seconds between a user's tokens with an option changed; None where that cannot be, fit, or keep up."""
    try:
        other = at_point(_unlaid(question), change, ORIGIN)
    except InfercostError:
        return None
    if not other.rack.plan.fits:
        return None
    served = under_load(other)
    return None if served and not served[2].stable else token_time(other)


def _at_rate(scenario: Scenario, batch: float) -> Iterator[str]:
    """That devices keep up with twice the rate or more, which sets the batch, and what names cheaper ones."""
    load, request, copies = scenario.load, scenario.load.decoding, scenario.copies
    if load.rate is None or request is None:
        return
    most = serve_closed(scenario.running.replica, load.most, request).rate
    if most < 2 * load.rate:
        return
    devices, part = copies * scenario.rack.devices, scenario.rack.part.name
    keep = f"{'keeps' if devices == 1 else 'keep'} up with {many(copies * most, 'request')} a second"
    keeps = f"{counted(devices, part)} {keep}"
    fewer = "fewer or cheaper devices" if devices > 1 else "a cheaper device"
    lengths = f"--isl {request.input_tokens:g} --osl {request.output_tokens:g}"
    job = f"--model {scenario.question.get('model')} --concurrency {ceil(copies * batch)} {lengths}"
    yield f"{keeps}: at {show(copies * load.rate)} {fewer} may do, infercost compare {job} ranks them"


def that_keep_up(scenario: Scenario, served: Served) -> Enough:
    """The least devices that keep up with the rate of a load: replicas of this layout or, uncounted, of more devices.

    Replicas of two and four times the devices within their links are tried where nobody said how many there are.
    """
    running, load, rack = scenario.running, scenario.load, scenario.rack
    own = _enough(scenario, running, load.most, served.rate)
    return own if rack.given or scenario.is_row else min((own, *_larger(scenario)), key=lambda each: each.devices)


def _larger(scenario: Scenario) -> Iterator[Enough]:
    """Replicas of two and four times the devices that keep up, in each layout of as few stages as hold the model."""
    rack, request, own = scenario.rack, scenario.load.decoding, scenario.question.get("max_sequences")
    assert request is not None  # a rate is of requests
    setup, kept = rack.setup, rack.widths.widths
    for size in (rack.devices * times for times in (2, 4) if rack.devices * times <= setup.domain):
        every = (
            one
            for one in engine_layouts(setup, size)
            if all(kept[name] in (0, each) for name, each in one.widths.items())
        )
        plans = [plan for plan in map(setup.plan, every) if plan.fits]
        for plan in plans:
            held, usual = plan.max_sequences, own or running_sequences(setup) * plan.layout.dp
            most = usual if held is None else min(usual, held)
            if plan.layout.pp > min(each.layout.pp for each in plans) or most < 1:
                continue
            try:
                running = scenario.running.on(plan)
                asked = scenario.copies * (scenario.load.rate or 0.0)
                served = serve_rate(running.replica, asked, request, most)
            except InfercostError:  # no link: such a layout has no time
                continue
            yield _enough(scenario, running, most, asked if served.stable else served.rate)


def _enough(scenario: Scenario, running: Running, most: float, served: float) -> Enough:
    """The least replicas that keep up, each with its share of the load; one of them serves so many at most."""
    replica, load, request = running.replica, scenario.load, scenario.load.decoding
    assert request is not None
    rate = scenario.copies * (load.rate or 0.0)
    least = ceiling(rate / served)

    def too_few(copies: float) -> bool:
        return not serve_rate(replica, rate / floor(copies), request, most).stable

    copies = floor(last_that(too_few, least, 2 * least)) + 1 if too_few(least) else least
    apart = ceil(rate * full_prefill_time(replica, load.request)) if load.apart and load.request else 0
    return Enough(running.rack.plan.layout, int(copies), apart)


def flags_of(question: Question, enough: Enough) -> str:
    """The least flags that ask for just these replicas: a count, how many there are of them, their widths."""
    question = _unlaid(question)
    if enough.apart and _asks_for(question, on_devices(question, enough.devices), enough):
        return count_flag(question, enough.devices)
    devices, widths, dp = enough.copies * enough.layout.devices, enough.layout.widths, {"dp": enough.copies}
    flags = dict[str, int]()
    for flags in (*(() if enough.apart else ({},)), dp, {"tp": widths["tp"], **dp}, {**widths, **dp}):
        if _asks_for(question, {**on_devices(question, devices), **flags}, enough):
            break
    return " ".join([count_flag(question, devices), *(f"--{name} {number}" for name, number in flags.items())])


def _asks_for(question: Question, changes: dict[str, Any], enough: Enough) -> bool:
    """Whether a question with some options changed is answered with just these replicas."""
    try:
        found = at_point(question, changes, ORIGIN)
    except InfercostError:
        return False
    return (found.rack.plan.layout, found.copies) == (enough.layout, enough.copies)


def _unlaid(question: Question) -> Question:
    """The question without the layout that was chosen for it."""
    chosen = [name for name in LAYOUT if (given := question.given.get(name)) and given.origin.startswith("assumed")]
    return question.changed(dict.fromkeys(chosen), ORIGIN)


def slow(limit: float, speed: float | None) -> str:
    """The limit to ask for where none was given and what wins is slow for each user, as a sentence; else nothing."""
    if limit < inf or speed is None or speed >= SLOW:
        return ""
    asked = f"--max-tpot {show(USUAL_TPOT, 's').replace(' ', '')}"
    return f" Below {SLOW:.0f} is slow: {asked} asks for {1 / USUAL_TPOT:.0f} tokens/s a user or more."


def less_cache(scenario: Scenario, batch: float) -> Iterator[str]:
    """What half the context, or a cache of eight bits, would save of a step, where that is enough to matter."""
    running, ways = scenario.running, []
    if not running.rack.model.has_cache:
        return
    if (saved := cache_saving(running, batch)) >= ENOUGH:
        ways.append(f"shorten the context: half of it would make a step {show(saved, 'share')} shorter")
    if other := narrower(scenario):
        found = _saved(scenario, other, batch)
        ways += [f"store the cache in 8 bits ({option(scenario)}): {found}"] if found else []
    if ways:
        yield ", or ".join(ways)


def _saved(scenario: Scenario, other: Scenario, batch: float) -> str:
    """What the same question with another option saves of a step, or of a token where another layout is chosen."""
    same = (other.rack.plan.layout, other.copies) == (scenario.rack.plan.layout, scenario.copies)
    if same and scenario.load.is_steady:  # whose batch is an answer
        saved = 1 - step_pace(other)[1].times.step / step_pace(scenario)[1].times.step
        return f"a step {show(saved, 'share')} shorter" if saved >= ENOUGH else ""
    if same and (scenario.requests is None or other.batch == scenario.batch):
        saved = 1 - tpot_of(other.running, batch, other.draft) / tpot_of(scenario.running, batch, scenario.draft)
        return f"a step {show(saved, 'share')} shorter" if saved >= ENOUGH else ""
    more = other.batch if scenario.requests is not None else max(batch * scenario.copies / other.copies, 1)
    saved = token_saving(scenario, other, batch, more)
    return f"a token costs {show(saved, 'share')} less" if saved >= LEAST else ""


def token_saving(scenario: Scenario, other: Scenario, batch: float, more: float) -> float:
    """The share of the price of a token that the same question with another option saves, at a batch of its own."""
    seconds = [token_seconds(*each) * each[0].rack.devices for each in ((scenario, batch), (other, more))]
    return 1 - seconds[1] / seconds[0]


def narrower(scenario: Scenario) -> Scenario | None:
    """The same question asked with a cache of eight bits; None where it has no more, or that cannot be.

    Nor for one of many rows, whose advice nobody reads.
    """
    cache = CACHES[eight_bit_cache(scenario.rack.setup.stack)]
    if scenario.is_row or scenario.rack.model.kv_bits <= cache.bytes_per_value * 8:
        return None
    try:
        other = at_point(_unlaid(scenario.question), {"kv_dtype": cache}, ORIGIN)
    except InfercostError:
        return None
    return other if other.rack.plan.fits else None


def lighter(scenario: Scenario, dtype: str) -> Scenario | None:
    """The same question asked with weights of fewer bits; None where they have no more, or that cannot be.

    Nor for one of many rows, whose advice nobody reads.
    """
    if scenario.is_row:
        return None
    try:
        other = at_point(_unlaid(scenario.question), {"dtype": WEIGHTS[dtype]}, ORIGIN)
    except InfercostError:
        return None
    smaller = other.rack.weight_bytes < (1 - LEAST) * scenario.rack.weight_bytes
    return other if smaller and other.rack.plan.fits else None


def smaller_weights(scenario: Scenario) -> tuple[tuple[str, str], ...]:
    """The bits and the format of smaller weights that an engine runs, the larger first."""
    return (("8", "q8_0"), ("4", "q4_k_m")) if reads_gguf(scenario.rack.setup.stack) else (("8", "fp8"), ("4", "int4"))


def option(scenario: Scenario) -> str:
    """The option that stores a cache in eight bits."""
    return f"--kv-dtype {eight_bit_cache(scenario.rack.setup.stack)}"


def cache_saving(running: Running, batch: float) -> float:
    """The share of a step that half the context would save."""
    context = running.rack.plan.context
    return 1 - step_at(running, batch, context / 2) / step_at(running, batch, context) if context else 0.0


def batch_saving(scenario: Scenario, batch: float, more: float) -> tuple[float, str]:
    """The share of the price of a token, prompts paid, that a larger batch of each replica saves, and how it is asked.

    Asked about it may take another layout, whose price is promised then.
    """
    each = "" if scenario.copies == 1 else " on each"
    other = None if more <= batch else _batched(scenario, ceil(more * scenario.copies))
    if other is None:
        return 1 - token_seconds(scenario, more) / token_seconds(scenario, batch), f"at batch {more:,}{each}"
    whole = ceil(other.batch * other.copies)
    return token_saving(scenario, other, batch, other.batch), f"at batch {whole:,} (--batch {whole})"


def _batched(scenario: Scenario, batch: int) -> Scenario | None:
    """The same question asked at a batch of all replicas; None where that takes no other layout, or cannot be."""
    is_of_a_step = scenario.question.command == "utilization" and scenario.requests is None
    if scenario.is_row or scenario.load.is_steady or not is_of_a_step:
        return None
    try:
        other = at_point(_unlaid(scenario.question), {"batch": batch}, ORIGIN)
    except InfercostError:
        return None
    same = (other.rack.plan.layout, other.copies) == (scenario.rack.plan.layout, scenario.copies)
    return None if same or not other.rack.plan.fits else other


def price_saving(scenario: Scenario, batch: float) -> float:
    """The share of the price of a token that half the cache would save: of decoding alone, prompts stay as they are."""
    context = scenario.rack.plan.context
    decoding = step_at(scenario.running, batch, context) / batch / token_seconds(scenario, batch)
    return min(decoding, 1.0) * room_saving(scenario.running, batch, context)


def room_saving(running: Running, batch: float, context: float) -> float:
    """The share of a decoded token that half the cache would save, twice as many sequences in its room."""
    return 1 - step_at(running, 2 * batch, context / 2) / 2 / step_at(running, batch, context)


def step_at(running: Running, batch: float, context: float) -> float:
    """Seconds of a step of a batch, each sequence at another context."""
    rack = running.rack
    return tpot_of(running._replace(rack=rack._replace(plan=rack.plan._replace(context=context))), batch)


def less_room(scenario: Scenario, batch: float) -> str:
    """What makes room for a larger batch, and what that saves of a token; empty where nothing does."""
    ways = []
    if (saved := price_saving(scenario, batch)) >= LEAST:
        ways.append(
            f"shorten the context: half of it lets twice as many fit, and a token costs {show(saved, 'share')} less"
        )
    if (other := narrower(scenario)) and scenario.requests is not None:
        ways += (
            [f"store the cache in 8 bits ({option(scenario)}): {found}"]
            if (found := _saved(scenario, other, batch))
            else []
        )
    elif other:
        most = other.rack.plan.max_sequences or 0
        if most > batch and (saved := token_saving(scenario, other, batch, most)) >= LEAST:
            fits = f"{most:,} fit, and a token costs {show(saved, 'share')} less"
            ways.append(f"store the cache in 8 bits ({option(scenario)}): {fits}")
    return "; or ".join(ways)


def _more_room(scenario: Scenario, batch: float) -> Iterator[str]:
    """What room for a larger batch brings while reads bind and memory is full."""
    if _is_alone(scenario):  # no second sequence waits for room
        yield from less_cache(scenario, batch)
    elif more := less_room(scenario, batch):
        devices = "add devices; or " if joins(scenario.rack.part) else ""
        yield f"memory holds {scenario.rack.plan.max_sequences:,}: {devices}{more}"


def _more(running: Running, batch: float) -> tuple[float, float]:
    """Twice the batch, or as much of that as memory holds; and what memory holds."""
    plan = running.rack.plan
    most = inf if plan.max_sequences is None else plan.max_sequences
    return max(min(2 * ceil(batch), most), batch), most


def _more_users(scenario: Scenario, batch: float) -> Iterator[str]:
    """What a larger batch brings while reads bind: sequences share the weights, each has a cache of its own."""
    if _is_alone(scenario):
        return
    running = scenario.running
    more, most = _more(running, batch)
    saved, asked = batch_saving(scenario, batch, more)
    if saved >= LEAST:
        at = None if holds(running.rack) or has_endless_rate(running.rack.part) else full_batch(running)
        full = "the arithmetic is full" if running.overlap == "full" else "arithmetic takes as long as the reads"
        end = f"; memory holds {most:,}" if most < (at or inf) else ""
        end += f", and {full} at batch {at:,}" if at else ""
        shared = "each weight read serves all of them"
        yield f"{_users(scenario)}: {shared}, {asked} a token costs {show(saved, 'share')} less{end}"


def _is_alone(scenario: Scenario) -> bool:
    """Whether one person asks about a card or a computer of their own, and nobody about more than one sequence."""
    rack, most = scenario.rack, max(scenario.batches, default=0) or scenario.question.get("batch") or 1
    return not scenario.load.is_steady and most <= 1 and is_owned(rack.part) and rack.model.attends


def _users(scenario: Scenario) -> str:
    """That more users would help: to batch them, or what more than those who were asked about would bring."""
    if (concurrent := scenario.load.concurrent) is None:
        return "batch more users"
    return f"what more than {many(scenario.copies * concurrent, 'user')} would bring"


def _more_a_launch(scenario: Scenario, batch: float) -> Iterator[str]:
    """What a larger batch brings while launches bind: a step hardly grows with it."""
    more, _ = _more(scenario.running, batch)
    saved, asked = (0.0, "") if _is_alone(scenario) else batch_saving(scenario, batch, more)
    if saved >= LEAST:
        yield f"launches bind; {_users(scenario)}: {asked} a token costs {show(saved, 'share')} less"


def _many_rows(scenario: Scenario, batch: float) -> Iterator[str]:
    """What a larger batch brings while arithmetic binds: under llama.cpp it costs as much from a few rows to a tile."""
    timing, (more, _) = scenario.running.replica.in_turn, _more(scenario.running, batch)
    if _is_alone(scenario):
        return
    if timing is None or not timing.counts_arithmetic:
        saved, asked = batch_saving(scenario, batch, more)
        if saved >= LEAST:
            yield f"{_users(scenario)}: {asked} a token costs {show(saved, 'share')} less"
        else:
            yield "past the critical batch twice the users make a token cheaper by less than 5%: add accelerators"
        return
    few, most = timing.engine.vector_rows, timing.engine.matrix_rows
    if batch < most:
        yield f"products of {few + 1:.0f} to {most:.0f} users take equally long: batch as many, as far as memory holds"
    else:
        yield "more users hardly make a token cheaper, and cards take turns: take a faster one, or more replicas"


def holds_few(service: Service) -> bool:
    """Whether memory holds so few sequences beside the weights that hardly any share a read of these."""
    return service.binds == "memory" and service.fleet.slots < FEW_HELD


def fewer_bits(scenario: Scenario, taking: Callable[[Scenario], str] = lambda _: "") -> Iterator[str]:
    """Weights, of 8 bits or else of 4, and a cache of 8 where memory holds few sequences: how many then, at what price.

    ``taking`` says whom the replicas take then.
    """
    service, plan = scenario.service, scenario.rack.plan
    full_of_weights = service.binds == "memory" and plan.pool < LITTLE_ROOM * plan.weights
    if not (holds_few(service) or full_of_weights):
        return
    weights = (
        (f"weights in {bits} bits (--dtype {dtype}) leave", lighter(scenario, dtype))
        for bits, dtype in smaller_weights(scenario)
    )
    found = next((each for each in weights if each[1]), ("", None))
    for what, other in (found, (f"a cache in 8 bits ({option(scenario)}) leaves", narrower(scenario))):
        if other is None or other.service.missed or other.service.fleet.slots <= service.fleet.slots:
            continue
        floors = [device_seconds(each, floor_of(each)) for each in (service, other.service)]
        if (saved := 1 - floors[1] / floors[0]) >= LEAST:
            devices = other.rack.devices
            on = "" if devices == scenario.rack.devices else f" on {many(devices, 'device')}"
            held = many(other.service.fleet.slots, "sequence") + on + taking(other)
            yield f"{what} room for {held}, and a full replica's token costs {show(saved, 'share')} less"
