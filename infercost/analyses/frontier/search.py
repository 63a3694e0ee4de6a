"""The search of a frontier: every layout at every batch, and of all points the Pareto frontier."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from shlex import quote
from typing import Any, NamedTuple

import numpy as np

from infercost import formulas
from infercost.analyses.remarks import step_notes
from infercost.analyses.step import request_results, step_results
from infercost.errors import Missing
from infercost.numeric import ceiling
from infercost.parts.stack import law
from infercost.replica.layout import every_layout
from infercost.replica.memory import share_memory
from infercost.replica.rack import recounted
from infercost.replica.serving import prefill_time
from infercost.replica.step import pace_of
from infercost.report import Note, Report, Row
from infercost.scenario.rack import MOST_DEVICES
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

#: Batches of a search in each doubling, and the most where memory sets no end.
STEPS, MOST_BATCH = 16, 65_536
#: Costs that differ by a smaller share differ by rounding alone.
ROUNDING = 1e-9


class Point(NamedTuple):
    """A candidate at a batch: replicas that decode and all, a user's tokens a second, the all-in cost of a token.

    While the search lasts it is a candidate at many batches, and each number an array.
    """

    candidate: Scenario
    batch: Any
    decoding: Any
    replicas: Any
    speed: Any
    cost: Any

    def at(self, which: Any) -> "Point":
        """One or some of the batches."""
        return Point(self.candidate, *(column[which] for column in self[1:]))

    @property
    def devices(self) -> Any:
        """Devices of all replicas."""
        return self.replicas * self.candidate.rack.devices


class Frontier(NamedTuple):
    """The Pareto frontier of a space, fastest first, how much was tried, and what came nearest to the goal.

    ``fewest`` devices carry the load within the latencies, ``unheld`` counts batches that were asked for in vain.
    """

    points: tuple[Point, ...] = ()
    tried: int = 0
    layouts: int = 0
    misfits: int = 0
    unheld: int = 0
    fastest: float = 0.0
    soonest: float = 0.0
    fewest: float = np.inf


def candidates(space: Scenario) -> tuple[list[Scenario], int, int]:
    """The space in each layout that holds a sequence, fewest devices first; how many were tried, and how many do not.

    Under the law of a paper, which knows devices and no layout, one layout a count of devices is enough.
    """
    options, setup, misfits = space.search, space.search.setup, 0
    every = every_layout(setup.model, min(options.most, options.reach), options.widths)
    layouts = [layout for layout in every if options.devices in (None, layout.devices)]
    held: dict[Any, Scenario] = {}
    for layout in layouts:
        key = layout.devices if _has_own_layouts(space) else layout
        if key not in held:
            plan = share_memory(setup.plan(layout), space.draft and space.draft.model)
            if plan.max_sequences == 0:
                misfits += 1
            else:
                running = space.running.on(plan)
                held[key] = space._replace(rack=running.rack, running=running)
    return list(held.values()), len(layouts), misfits


def most_batch(candidate: Scenario) -> int:
    """The largest batch to try."""
    return min(candidate.rack.plan.max_sequences or MOST_BATCH, MOST_BATCH)


def _has_own_layouts(space: Scenario) -> bool:
    return law(space.search.setup.stack) != "roofline"


def search(space: Scenario) -> Frontier:
    """The frontier of a space.

    Raises:
        Missing: a limit on the first token of no request.
    """
    goal = space.goal
    if goal.max_ttft < np.inf and space.load.request is None:
        raise Missing("--max-ttft needs a prompt", "give --input-tokens and --output-tokens")
    held, layouts, misfits = candidates(space)
    firsts = [0.0] * len(held)
    if goal.max_ttft < np.inf:
        firsts = [float(request_results(each.running, space.load, 1, 0.0)["ttft_s"]) for each in held]
    tried = [_points(each) for each in held]
    timely = [
        each.at((1 / each.speed <= goal.max_tpot) & (first <= goal.max_ttft))
        for each, first in zip(tried, firsts, strict=True)
    ]
    return Frontier(
        tuple(_pareto([each.at(each.devices <= space.search.most) for each in timely])),
        sum(len(each.batch) for each in tried),
        layouts,
        misfits,
        sum(batch > most for most in map(most_batch, held) for batch in goal.batches),
        max((float(each.speed.max(initial=0.0)) for each in tried), default=0.0),
        min(firsts, default=0.0),
        min((float(each.devices.min(initial=np.inf)) for each in timely), default=np.inf),
    )


def _points(candidate: Scenario) -> Point:
    """A layout at the batches to try, each on as many replicas as the demand takes.

    Among them are all between the last that keeps the limit on TPOT and the first that does not.
    """
    goal, points = candidate.goal, _at_batches(candidate, np.array(batches_of(candidate), dtype=float))
    late = 1 / points.speed > goal.max_tpot
    if goal.concurrent or goal.batches or not late.any() or late[0]:
        return points
    first = int(np.argmax(late))
    between = np.arange(points.batch[first - 1] + 1, points.batch[first])
    if not len(between):
        return points
    more = _at_batches(candidate, between)
    return Point(candidate, *(np.concatenate(pair) for pair in zip(points[1:], more[1:], strict=True)))


def batches_of(candidate: Scenario) -> Sequence[int]:
    """Batches of a layout: those asked for, or some; for a number of users those of replicas that share them evenly."""
    goal, layout, most = candidate.goal, candidate.rack.plan.layout, most_batch(candidate)
    if goal.batches:
        return [batch for batch in goal.batches if batch <= most]
    tried = _batches(1 if _has_own_layouts(candidate) else layout.pp * layout.dp, most)
    if not goal.concurrent:
        return tried
    counts = {
        *range(1, candidate.search.most // layout.devices + 1),
        *(int(ceiling(goal.concurrent / batch)) for batch in tried),
    }
    shared = {max(int(ceiling(goal.concurrent / count)), 1) for count in counts}
    return sorted(batch for batch in shared if batch <= most)


@cache
def _batches(unit: int, most: int) -> tuple[int, ...]:
    """Batches to try: 1, multiples of a layout's stages and groups up to the most, and the most itself."""
    batches, parts = {1, most, max(most // unit * unit, 1)}, 1
    while unit * parts <= most:
        batches.add(unit * parts)
        parts = max(parts + 1, round(parts * 2 ** (1 / STEPS)))
    return tuple(sorted(batches))


def _at_batches(candidate: Scenario, batch: Any) -> Point:
    goal, price, devices = candidate.goal, candidate.price, candidate.rack.devices
    tpot: Any = pace_of(candidate.running, batch, candidate.draft).tpot
    rate = formulas.cost.tokens_per_s(batch=batch, step_time=tpot)
    if price is None:
        cost = formulas.cost.device_seconds_per_token(devices=devices, tokens_per_s=rate)
    else:
        cost = formulas.cost.usd_per_million_tokens(price=price, devices=devices, tokens_per_s=rate)
    decoding = np.maximum(ceiling(goal.concurrent / batch), ceiling(goal.tokens_per_s / rate)).clip(1)
    prefill = prefill_per_decode(candidate, batch, tpot)
    replicas = ceiling(decoding * (1 + prefill)) if goal.concurrent or goal.tokens_per_s else decoding
    speed: Any = formulas.cost.tokens_per_s_per_user(step_time=tpot)
    return Point(candidate, batch, decoding, replicas, speed, all_in(candidate, cost, prefill, decoding * batch))


def prefill_per_decode(candidate: Scenario, batch: Any, tpot: Any) -> Any:
    """Replicas that prefill for each that decodes; none where there is no request."""
    if (request := candidate.load.request) is None:
        return 0.0
    prefill = prefill_time(candidate.running.replica, 1, request)
    return formulas.request.prefill_per_decode(
        prefill_time=prefill, batch=batch, step_time=tpot, output_tokens=request.output_tokens
    )


def all_in(candidate: Scenario, cost: Any, prefill: Any, slots: Any) -> Any:
    """The cost of a token when replicas that prefill and slots that the users leave empty are paid too."""
    users = candidate.goal.concurrent or slots
    return formulas.cost.served_cost(cost=cost, prefill_per_decode=prefill, slots=slots, concurrent_users=users)


def _pareto(layouts: list[Point]) -> Iterator[Point]:
    """The points of all layouts on the Pareto frontier; on ties, the layout with fewest devices."""
    places = [(each, index) for each in layouts for index in range(len(each.batch))]
    speed = np.concatenate([[], *(each.speed for each in layouts)])
    cost = np.concatenate([[], *(each.cost for each in layouts)])
    for layout, index in (places[at] for at in pareto_indices(speed, cost)):
        point = layout.at(index)
        yield Point(point.candidate, *map(int, point[1:4]), *map(float, point[4:]))


def pareto_indices(speed: Any, cost: Any) -> list[int]:
    """Indices of the points that no other one beats by more than a rounding, fastest first; on ties, the first."""
    order = np.lexsort((cost, -np.asarray(speed)))
    cheapest, indices = np.inf, []
    for at in order:
        if cost[at] < cheapest * (1 - ROUNDING):
            cheapest = cost[at]
            indices.append(int(at))
    return indices


def priced(point: Point, *, bracketed: bool = True) -> dict[str, Any]:
    """All that ``utilization`` says of a point, and the all-in cost of its tokens."""
    candidate, batch = point.candidate, point.batch
    pace = pace_of(candidate.running, batch, candidate.draft)
    results = step_results(candidate, batch, pace, bracketed=bracketed)
    prefill, cost = prefill_per_decode(candidate, batch, pace.tpot), results["usd_per_million_tokens"]
    paid = None if cost is None else all_in(candidate, cost, prefill, point.decoding * batch)
    return {**results, "prefill_per_decode": prefill, "usd_per_million_tokens_all_in": paid}


def row_of(point: Point) -> dict[str, Any]:
    """A point with its layout, the replicas of the goal, and how to ask again."""
    space, layout = point.candidate, point.candidate.rack.plan.layout
    setup = space.search.setup
    results = priced(point)
    prefill, paid = results.pop("prefill_per_decode"), results.pop("usd_per_million_tokens_all_in")
    seconds = formulas.cost.device_seconds_per_token(devices=layout.devices, tokens_per_s=results["tokens_per_s"])
    widths = {name: width for name, width in layout._asdict().items() if width > 1 or name == "tp"}
    flags = _text({**widths, "batch": point.batch})
    return {
        "name": space.search.name,
        "gpu": setup.part.name,
        "model": setup.model.name,
        "dtype": setup.model.quantization.name,
        **layout._asdict(),
        "replicas": point.replicas,
        "total_gpus": point.devices,
        **results,
        "prefill_per_decode": prefill if space.load.request else None,
        "device_seconds_per_token": seconds,
        "usd_per_million_tokens_all_in": paid,
        "device_seconds_per_token_all_in": all_in(space, seconds, prefill, point.decoding * point.batch),
        "flags": flags,
        "replay": f"{replay(space)} {flags}",
    }


def replay(space: Scenario) -> str:
    """The command that, with the flags of a row, gives its numbers again."""
    return f"infercost utilization {_text(space.search.flags)}"


def _text(flags: Mapping[str, Any]) -> str:
    short = {"input_tokens": "isl", "output_tokens": "osl"}
    keys = {name: short.get(name, name).partition(" ")[0].replace("_", "-") for name in flags}
    return " ".join(f"--{keys[name]} {quote(str(value))}" for name, value in flags.items())


def counts(spaces: Sequence[Scenario], frontiers: Sequence[Frontier]) -> tuple[Row, ...]:
    """How much was tried, and what memory left out."""
    context = f"{spaces[0].rack.plan.context:,.0f} tokens"
    return (
        Row("configurations", sum(each.tried for each in frontiers), "layouts x batches that were tried"),
        Row("layouts", sum(each.layouts for each in frontiers), "that an engine accepts"),
        Row("layouts_excluded", sum(each.misfits for each in frontiers), f"cannot hold the model and {context}"),
    )


def notes_of_spaces(spaces: Sequence[Scenario]) -> Iterable[Note]:
    """How the steps of all spaces are counted, and how far their replicas reach; each note once."""
    notes: list[Note] = []
    for space in spaces:
        notes += [note for note in step_notes(space.running) if note.code != "layout"]
        if (reach := space.search.reach) < MOST_DEVICES:
            text = f"no network of {space.search.setup.part.name} is known: replicas of at most {many(reach, 'device')}"
            notes.append(Note("reach", text))
    return dict.fromkeys(notes)


def no_frontier(scenario: Scenario, frontiers: Sequence[Frontier]) -> Report:
    """The answer where no configuration is left: what memory holds, or what comes nearest to the demand."""
    spaces = scenario.each
    if any(each.tried for each in frontiers):
        verdict, advice = f"Nothing meets this: {_nearest(scenario, frontiers)}.", "ask less of it"
    elif any(each.misfits < each.layouts for each in frontiers):
        verdict = f"Does not fit: memory holds fewer than {min(scenario.goal.batches):,} sequences in every layout."
        advice = "ask for smaller batches, or leave --batch out"
    else:
        most = many(max(min(space.search.most, space.search.reach) for space in spaces), "device")
        verdict = f"Does not fit: no layout of up to {most} holds the model and a sequence."
        advice = "see infercost fit for what would make it fit"
    return Report(
        command="frontier",
        verdict=verdict,
        inputs=scenario.inputs,
        results=counts(spaces, frontiers),
        advice=(advice,),
        notes=(*notes_of_spaces(spaces), *scenario.notes),
        met=False,
        work=lambda: recounted(spaces[0].rack),
    )


def _nearest(scenario: Scenario, frontiers: Sequence[Frontier]) -> str:
    """The limit that nothing keeps and what comes nearest to it, or the devices that would carry the load."""
    goal, most = scenario.goal, scenario.each[0].search.most
    tpot, ttft = 1 / max(each.fastest for each in frontiers), min(each.soonest for each in frontiers)
    fewest = min(each.fewest for each in frontiers)
    if tpot > goal.max_tpot:
        return f"the fastest takes {show(tpot, 's')} a token"
    if ttft > goal.max_ttft:
        return f"the soonest first token takes {show(ttft, 's')}"
    if most < fewest < np.inf:
        return f"it takes {many(fewest, 'device')}, and {many(most, 'device')} may be used (--max-gpus)"
    return "what keeps one of the limits does not keep the other"
