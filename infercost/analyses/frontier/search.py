"""The search of a frontier: every layout at every batch, and of all points those that nothing beats."""

from collections.abc import Mapping, Sequence
from functools import cache
from shlex import quote
from typing import Any, NamedTuple

import numpy as np

from infercost import formulas
from infercost.analyses.remarks import step_notes
from infercost.analyses.step import Bracket, bracket_of, request_results, step_results
from infercost.errors import Missing
from infercost.numeric import ceiling
from infercost.parts.stack import law
from infercost.replica.layout import Layout, every_layout
from infercost.replica.memory import Plan, share_memory
from infercost.replica.rack import recounted
from infercost.replica.serving import prefill_time
from infercost.replica.step import Running, pace_of
from infercost.report import Note, Report, Row
from infercost.scenario.rack import MOST_DEVICES
from infercost.scenario.scenario import Goal, Scenario
from infercost.units import many, show

#: Batches of a search in each doubling, and the most where memory sets no end.
STEPS, MOST_BATCH = 16, 65_536


def layouts_of(one: Scenario) -> list[Layout]:
    """The layouts that an engine accepts, fewest devices first."""
    search = one.search
    every = every_layout(search.setup.model, min(search.most, search.reach), search.widths)
    return [layout for layout in every if search.devices in (None, layout.devices)]


def running_on(one: Scenario, plan: Plan, batch: int = 1) -> Running:
    """The scenario's model as it steps under a plan."""
    return one.running.on(plan._replace(batch=batch))


def is_by_law(one: Scenario) -> bool:
    """Whether steps follow a paper's law, which knows devices and no layout."""
    return law(one.search.setup.stack) != "roofline"


class Held(NamedTuple):
    """A layout that holds the model, and the most sequences to try on it."""

    plan: Plan
    sequences: int


@cache
def batches(unit: int, most: int) -> tuple[int, ...]:
    """Batches to try up to the most: one, whole shares of a layout's parts, the last of them too, and the most."""
    found, parts = {1, most, max(most // unit * unit, 1)}, 1
    while unit * parts <= most:
        found.add(unit * parts)
        parts = max(parts + 1, round(parts * 2 ** (1 / STEPS)))
    return tuple(sorted(found))


def plans(one: Scenario, layouts: list[Layout]) -> tuple[list[Held], int]:
    """The layouts that hold the model and a sequence, and how many do not.

    By the law of a paper one a count of devices is enough.
    """
    held: dict[Any, Held] = {}
    misfits = 0
    for layout in layouts:
        key = layout.devices if is_by_law(one) else layout
        if key not in held:
            plan = share_memory(one.search.setup.plan(layout), one.draft and one.draft.model)
            most = plan.max_sequences
            if most == 0:
                misfits += 1
            else:
                held[key] = Held(plan, min(most or MOST_BATCH, MOST_BATCH))
    return list(held.values()), misfits


#: Costs so near to each other differ by rounding alone.
HAIR = 1e-9


class Columns(NamedTuple):
    """A layout at every batch: decoding replicas and all, a user's tokens a second, the cost of a token, all paid."""

    batch: Any
    decoding: Any
    replicas: Any
    speed: Any
    cost: Any

    def at(self, which: Any) -> "Columns":
        """Some of the batches."""
        return Columns(*(column[which] for column in self))


class Point(NamedTuple):
    """One configuration: where it is, and what it is worth."""

    scenario: Scenario
    plan: Plan
    batch: int
    decoding: int
    replicas: int
    speed: float
    cost: float


class Found(NamedTuple):
    """The points of a space that nothing in it beats, fastest first, how much was tried, and what came nearest.

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


def search(one: Scenario, goal: Goal) -> Found:
    """The frontier of a space.

    Raises:
        Missing: a limit on the first token of no request.
    """
    if goal.max_ttft < np.inf and one.load.request is None:
        raise Missing("--max-ttft needs a prompt", "give --input-tokens and --output-tokens")
    layouts = layouts_of(one)
    held, misfits = plans(one, layouts)
    firsts = [0.0 if goal.max_ttft == np.inf else _ttft(one, each.plan) for each in held]
    found = [columns(one, goal, each) for each in held]
    timely = [
        each.at((1 / each.speed <= goal.max_tpot) & (first <= goal.max_ttft))
        for each, first in zip(found, firsts, strict=True)
    ]
    devices = [each.replicas * where.plan.layout.devices for each, where in zip(timely, held, strict=True)]
    kept = [each.at(count <= one.search.most) for each, count in zip(timely, devices, strict=True)]
    return Found(
        _front(one, [each.plan for each in held], kept),
        sum(len(each.batch) for each in found),
        len(layouts),
        misfits,
        sum(batch > each.sequences for each in held for batch in goal.batches),
        max((float(each.speed.max(initial=0.0)) for each in found), default=0.0),
        min(firsts, default=0.0),
        min((float(count.min(initial=np.inf)) for count in devices), default=np.inf),
    )


def columns(one: Scenario, goal: Goal, held: Held) -> Columns:
    """A layout at the batches to try, each on as many replicas as the demand takes."""
    running = running_on(one, held.plan)
    tried: Any = np.array(batches_of(one, goal, held), dtype=float)
    found = _at_batches(one, goal, running, tried)
    between = _between(found, goal)
    if not len(between):
        return found
    more = _at_batches(one, goal, running, between)
    return Columns(*(np.concatenate(pair) for pair in zip(found, more, strict=True)))


def _between(found: Columns, goal: Goal) -> Any:
    """The batches between the last that keeps the limit on a token's time and the first that does not."""
    late = 1 / found.speed > goal.max_tpot
    if goal.concurrent or goal.batches or not late.any() or late[0]:
        return np.empty(0)
    first = int(np.argmax(late))
    return np.arange(found.batch[first - 1] + 1, found.batch[first])


def _at_batches(one: Scenario, goal: Goal, running: Running, batch: Any) -> Columns:
    devices, price = running.rack.devices, one.price
    tpot: Any = pace_of(running, batch, one.draft).tpot
    rate = formulas.cost.tokens_per_s(batch=batch, step_time=tpot)
    if price is None:
        cost = formulas.cost.device_seconds_per_token(devices=devices, tokens_per_s=rate)
    else:
        cost = formulas.cost.usd_per_million_tokens(price=price, devices=devices, tokens_per_s=rate)
    decoding = np.maximum(ceiling(goal.concurrent / batch), ceiling(goal.tokens_per_s / rate)).clip(1)
    prompts = prompts_beside(one, running, batch, tpot)
    cost = all_in(goal, cost, prompts, decoding * batch)
    speed: Any = formulas.cost.tokens_per_s_per_user(step_time=tpot)
    wanted = goal.concurrent or goal.tokens_per_s
    return Columns(batch, decoding, ceiling(decoding * (1 + prompts)) if wanted else decoding, speed, cost)


def _ttft(one: Scenario, plan: Plan) -> float:
    """Seconds to the first token of the request under a plan."""
    return float(request_results(running_on(one, plan), one.load, 1, 0.0, None)["ttft_s"])


def prompts_beside(one: Scenario, running: Running, batch: Any, tpot: Any) -> Any:
    """Replicas that work on prompts for each that decodes; none where there is no request."""
    if one.load.request is None:
        return 0.0
    return formulas.request.prefill_per_decode(
        prefill_time=prefill_time(running.replica, 1, one.load.request),
        batch=batch,
        step_time=tpot,
        output_tokens=one.load.request.output_tokens,
    )


def all_in(goal: Goal, cost: Any, prompts: Any, slots: Any) -> Any:
    """The cost of a token when replicas for prompts and slots that the users leave empty are paid too."""
    return formulas.cost.served_cost(
        cost=cost, prefill_per_decode=prompts, slots=slots, concurrent_users=goal.concurrent or slots
    )


def batches_of(one: Scenario, goal: Goal, held: Held) -> Sequence[int]:
    """Batches of a layout: as asked, or some; those that replicas have who share the users of a service evenly."""
    layout, most = held.plan.layout, held.sequences
    if goal.batches:
        return [each for each in goal.batches if each <= most]
    tried = batches(1 if is_by_law(one) else layout.pp * layout.dp, most)
    if not goal.concurrent:
        return tried
    counts = {
        *range(1, one.search.most // layout.devices + 1),
        *(int(ceiling(goal.concurrent / each)) for each in tried),
    }
    shared = {max(int(ceiling(goal.concurrent / count)), 1) for count in counts}
    return sorted(each for each in shared if each <= most)


def _front(one: Scenario, held: list[Plan], kept: list[Columns]) -> tuple[Point, ...]:
    """The points of all layouts that no other one beats; of equals the one of fewest devices."""
    which = np.repeat(np.arange(len(held)), [len(each.batch) for each in kept])
    whole = Columns(*(np.concatenate(column) for column in zip(*kept, strict=True))) if kept else None
    if whole is None:
        return ()
    return tuple(
        Point(
            one,
            held[which[at]],
            int(whole.batch[at]),
            int(whole.decoding[at]),
            int(whole.replicas[at]),
            float(whole.speed[at]),
            float(whole.cost[at]),
        )
        for at in unbeaten(whole.speed, whole.cost)
    )


def unbeaten(speed: Any, cost: Any) -> list[int]:
    """Indices of the points that no other one beats by more than a rounding, fastest first; of equals the first."""
    order = np.lexsort((cost, -np.asarray(speed)))
    cheapest, kept = np.inf, []
    for at in order:
        if cost[at] < cheapest * (1 - HAIR):
            cheapest = cost[at]
            kept.append(int(at))
    return kept


_SHORT = {"input_tokens": "isl", "output_tokens": "osl"}


def priced(point: Point, goal: Goal, ends: Bracket | None = None) -> dict[str, Any]:
    """All that ``utilization`` says of a point, and what a token costs with prompts and empty slots paid."""
    one, batch = point.scenario, point.batch
    running = running_on(one, point.plan, batch)
    pace = pace_of(running, batch, one.draft)
    results = step_results(running, batch, pace, ends or bracket_of(running, batch, pace), one.price)
    results |= request_results(running, one.load, batch, pace.tpot, None)
    prompts, cost = prompts_beside(one, running, batch, pace.tpot), results["usd_per_million_tokens"]
    paid = None if cost is None else all_in(goal, cost, prompts, point.decoding * batch)
    return {**results, "prefill_per_decode": prompts, "usd_per_million_tokens_all_in": paid}


def row_of(point: Point, goal: Goal) -> dict[str, Any]:
    """A point with its layout, the replicas of the goal, and how to ask again."""
    one, layout, batch = point.scenario, point.plan.layout, point.batch
    results = priced(point, goal)
    prompts, paid = results.pop("prefill_per_decode"), results.pop("usd_per_million_tokens_all_in")
    seconds = formulas.cost.device_seconds_per_token(devices=layout.devices, tokens_per_s=results["tokens_per_s"])
    return {
        "name": one.search.name,
        "gpu": one.search.setup.part.name,
        "model": one.search.setup.model.name,
        "dtype": one.search.setup.model.quantization.name,
        **layout._asdict(),
        "replicas": point.replicas,
        "total_gpus": point.replicas * layout.devices,
        **results,
        "prefill_per_decode": prompts if one.load.request else None,
        "device_seconds_per_token": seconds,
        "usd_per_million_tokens_all_in": paid,
        "device_seconds_per_token_all_in": all_in(goal, seconds, prompts, point.decoding * batch),
        "flags": _text(_own(layout, batch)),
        "replay": f"{replay(one)} {_text(_own(layout, batch))}",
    }


def replay(one: Scenario) -> str:
    """The command that, with the flags of a row, gives its numbers again."""
    return f"infercost utilization {_text(one.search.flags)}"


def _own(layout: Layout, batch: int) -> dict[str, str]:
    widths = {name: str(width) for name, width in layout._asdict().items() if width > 1 or name == "tp"}
    return {**widths, "batch": str(batch)}


def _text(flags: Mapping[str, str]) -> str:
    return " ".join(
        f"--{_SHORT.get(name, name).partition(' ')[0].replace('_', '-')} {quote(value)}"
        for name, value in flags.items()
    )


def counts(searched: Sequence[Scenario], found: list[Found]) -> list[Row]:
    """How much was tried, and what memory left out."""
    context = f"{searched[0].rack.plan.context:,.0f} tokens"
    return [
        Row("configurations", sum(each.tried for each in found), "layouts x batches that were tried"),
        Row("layouts", sum(each.layouts for each in found), "that an engine accepts"),
        Row("layouts_excluded", sum(each.misfits for each in found), f"cannot hold the model and {context}"),
    ]


def notes_of_spaces(searched: Sequence[Scenario]) -> list[Note]:
    """How the steps of all spaces are counted, and how far their replicas reach."""
    notes: list[Note] = []
    for one in searched:
        notes += [note for note in step_notes(one.running) if note.code != "layout" and note not in notes]
        if one.search.reach < MOST_DEVICES:
            part, most = one.search.setup.part.name, many(one.search.reach, "device")
            text = f"no network of {part} is known: replicas of at most {most}"
            notes.append(Note("reach", text))
    return list(dict.fromkeys(notes))


def none_found(scenario: Scenario, searched: Sequence[Scenario], found: list[Found]) -> Report:
    """The answer where no configuration is left: what memory holds, or what comes nearest to the demand."""
    tried = sum(each.tried for each in found)
    if tried:
        verdict, advised = f"Nothing meets this: {_nearest(scenario, searched, found)}.", "ask less of it"
    elif any(each.misfits < each.layouts for each in found):
        verdict = f"Does not fit: memory holds fewer than {min(scenario.goal.batches):,} sequences in every layout."
        advised = "ask for smaller batches, or leave --batch out"
    else:
        most = max(min(one.search.most, one.search.reach) for one in searched)
        verdict = f"Does not fit: no layout of up to {many(most, 'device')} holds the model and a sequence."
        advised = "see infercost fit for what would make it fit"
    return Report(
        command="frontier",
        verdict=verdict,
        inputs=scenario.inputs,
        results=tuple(counts(searched, found)),
        advice=(advised,),
        notes=(*notes_of_spaces(searched), *scenario.notes),
        met=False,
        work=lambda: recounted(searched[0].rack),
    )


def _nearest(scenario: Scenario, searched: Sequence[Scenario], found: list[Found]) -> str:
    """The limit that nothing keeps and what comes nearest to it, or the devices that would carry the load."""
    fastest, soonest = max(each.fastest for each in found), min(each.soonest for each in found)
    fewest, most = min(each.fewest for each in found), searched[0].search.most
    if 1 / fastest > (scenario.goal.max_tpot):
        return f"the fastest takes {show(1 / fastest, 's')} a token"
    if soonest > (scenario.goal.max_ttft):
        return f"the soonest first token takes {show(soonest, 's')}"
    if fewest > most and fewest < float("inf"):
        return f"it takes {many(fewest, 'device')}, and {many(most, 'device')} may be used (--max-gpus)"
    return "what keeps one of the limits does not keep the other"
