"""One configuration of a frontier as a row, with the options of ``utilization`` that give the same numbers."""

from collections.abc import Sequence
from functools import cache
from shlex import quote
from typing import Any, NamedTuple

import numpy as np

from infercost import formulas
from infercost.analyses.drafting import Draft, beside, pace_with
from infercost.analyses.request import Asking as Requested
from infercost.analyses.request import request_results
from infercost.analyses.step import Pace, step_results
from infercost.errors import BadValue, Missing
from infercost.formulas.formula import not_recording
from infercost.numeric import ceiling
from infercost.parts.stack import law
from infercost.replica.layout import Layout, every_layout
from infercost.replica.memory import Plan
from infercost.replica.serving import prefill_time
from infercost.replica.work import work_of
from infercost.scenario.read import Asked
from infercost.scenario.scenario import Asking, Case, StepInputs

#: Batches of a search in each doubling, and the most where memory sets no end.
STEPS, MOST_BATCH = 16, 65_536

At = tuple[Case, StepInputs]


class Space(NamedTuple):
    """One model in one format on one part, with a draft or without: what all its layouts have in common.

    ``most`` is the most devices of all replicas, ``reach`` that of one; ``devices`` and ``widths`` are those given.
    """

    name: str
    asking: Asking
    case: Case
    inputs: StepInputs
    requested: Requested
    draft: Draft | None
    most: int
    reach: int
    devices: int | None
    widths: Layout
    flags: dict[str, str]

    @property
    def by_law(self) -> bool:
        """Whether steps follow a paper's law, which knows devices and no layout."""
        return law(self.case.profile) != "roofline"

    def layouts(self) -> list[Layout]:
        """The layouts that an engine accepts, fewest devices first."""
        found = every_layout(self.asking.model, min(self.most, self.reach), self.widths)
        return [layout for layout in found if self.devices in (None, layout.devices)]

    def on(self, plan: Plan, batch: int = 1) -> At:
        """The case and the inputs of a step under a plan."""
        case = self.case._replace(plan=plan._replace(batch=batch), devices=plan.layout.devices)
        work = work_of(plan.model, plan.layout)
        return case, self.inputs._replace(replica=self.inputs.replica._replace(work=work))

    def pace(self, at: At, batches: Any) -> Pace:
        """How each of an array of batches goes on under a plan, as ``on`` reads it."""
        with not_recording():
            return pace_with(*at, self.draft, batches)

    def ttft(self, at: At) -> float | None:
        """Seconds to the first token of the request under a plan; None where there is none."""
        with not_recording():
            return request_results(*at, self.requested, 1, 0.0, None).get("ttft_s")

    def prefill_time(self, at: At) -> float:
        """Seconds that one prompt takes all of a replica under a plan; 0 where there is no request."""
        if self.requested.request is None:
            return 0.0
        with not_recording():
            return prefill_time(at[1].replica, 1, self.requested.request)


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


def plans(space: Space, layouts: list[Layout]) -> tuple[list[Held], int]:
    """The layouts that hold the model and a sequence, and how many do not.

    By the law of a paper one a count of devices is enough.
    """
    held: dict[Any, Held] = {}
    misfits = 0
    for layout in layouts:
        key = layout.devices if space.by_law else layout
        if key not in held:
            plan = beside(space.asking.plan(layout), space.draft)
            most = plan.max_sequences
            if most == 0:
                misfits += 1
            else:
                held[key] = Held(plan, min(most or MOST_BATCH, MOST_BATCH))
    return list(held.values()), misfits


#: Costs so near to each other differ by rounding alone.
HAIR = 1e-9


class Demand(NamedTuple):
    """What a service must reach: sequences decoding at once, tokens a second in all, and the latencies to keep."""

    concurrent: float = 0.0
    tokens_per_s: float = 0.0
    max_tpot: float = np.inf
    max_ttft: float = np.inf
    batches: tuple[int, ...] = ()


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

    space: Space
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


def read_demand(asked: Asked) -> Demand:
    """The demand that was asked for.

    Raises:
        BadValue: batches beside users, who lead to them; minutes of nobody.
    """
    concurrent = 0.0
    if "users" in asked.given:
        if "batch" in asked.given:
            raise BadValue("--users and --batch disagree", "give one: the batch follows from the users")
        concurrent = formulas.users.concurrent_users(
            users=float(asked.take("users")),
            minutes_per_day=float(asked.take("minutes_per_day", 10, "about what chat services see")),
            decoding_share=float(asked.take("decoding_share", 1.0, "all minutes decode, as in the note")),
        )
    elif stray := [name for name in ("minutes_per_day", "decoding_share") if name in asked.given]:
        raise BadValue(f"--{stray[0].replace('_', '-')} is of users, and there are none", "give --users")
    limits: dict[str, Any] = {name: float(asked.take(name)) for name in ("max_tpot", "max_ttft") if name in asked.given}
    if "min_tokens_per_s" in asked.given:
        limits["tokens_per_s"] = float(asked.take("min_tokens_per_s"))
    wanted = asked.take("batch") if "batch" in asked.given else ()
    return Demand(concurrent, batches=wanted, **limits)


def search(space: Space, demand: Demand) -> Found:
    """The frontier of a space.

    Raises:
        Missing: a limit on the first token of no request.
    """
    if demand.max_ttft < np.inf and space.requested.request is None:
        raise Missing("--max-ttft needs a prompt", "give --input-tokens and --output-tokens")
    layouts = space.layouts()
    held, misfits = plans(space, layouts)
    firsts = [0.0 if demand.max_ttft == np.inf else space.ttft(space.on(each.plan)) or 0.0 for each in held]
    found = [columns(space, demand, each) for each in held]
    timely = [
        each.at((1 / each.speed <= demand.max_tpot) & (first <= demand.max_ttft))
        for each, first in zip(found, firsts, strict=True)
    ]
    devices = [each.replicas * one.plan.layout.devices for each, one in zip(timely, held, strict=True)]
    kept = [each.at(count <= space.most) for each, count in zip(timely, devices, strict=True)]
    return Found(
        _front(space, [each.plan for each in held], kept),
        sum(len(each.batch) for each in found),
        len(layouts),
        misfits,
        sum(batch > each.sequences for each in held for batch in demand.batches),
        max((float(each.speed.max(initial=0.0)) for each in found), default=0.0),
        min(firsts, default=0.0),
        min((float(count.min(initial=np.inf)) for count in devices), default=np.inf),
    )


def columns(space: Space, demand: Demand, held: Held) -> Columns:
    """A layout at the batches to try, each on as many replicas as the demand takes."""
    at = space.on(held.plan)
    tried: Any = np.array(batches_of(space, demand, held), dtype=float)
    found = _at_batches(space, demand, at, tried)
    between = _between(found, demand)
    if not len(between):
        return found
    more = _at_batches(space, demand, at, between)
    return Columns(*(np.concatenate(pair) for pair in zip(found, more, strict=True)))


def _between(found: Columns, demand: Demand) -> Any:
    """The batches between the last that keeps the limit on a token's time and the first that does not."""
    late = 1 / found.speed > demand.max_tpot
    if demand.concurrent or demand.batches or not late.any() or late[0]:
        return np.empty(0)
    first = int(np.argmax(late))
    return np.arange(found.batch[first - 1] + 1, found.batch[first])


def _at_batches(space: Space, demand: Demand, at: At, batch: Any) -> Columns:
    devices, price = at[0].devices, space.inputs.price
    tpot: Any = space.pace(at, batch).tpot
    with not_recording():
        rate = formulas.cost.tokens_per_s(batch=batch, step_time=tpot)
        if price is None:
            cost = formulas.cost.device_seconds_per_token(devices=devices, tokens_per_s=rate)
        else:
            cost = formulas.cost.usd_per_million_tokens(price=price, devices=devices, tokens_per_s=rate)
        decoding = np.maximum(ceiling(demand.concurrent / batch), ceiling(demand.tokens_per_s / rate)).clip(1)
        prompts = prompts_beside(space, at, batch, tpot)
        cost = all_in(demand, cost, prompts, decoding * batch)
        speed: Any = formulas.cost.tokens_per_s_per_user(step_time=tpot)
    wanted = demand.concurrent or demand.tokens_per_s
    return Columns(batch, decoding, ceiling(decoding * (1 + prompts)) if wanted else decoding, speed, cost)


def prompts_beside(space: Space, at: At, batch: Any, tpot: Any) -> Any:
    """Replicas that work on prompts for each that decodes; none where there is no request."""
    if space.requested.request is None:
        return 0.0
    return formulas.request.prefill_per_decode(
        prefill_time=space.prefill_time(at),
        batch=batch,
        step_time=tpot,
        output_tokens=space.requested.request.output_tokens,
    )


def all_in(demand: Demand, cost: Any, prompts: Any, slots: Any) -> Any:
    """The cost of a token when replicas for prompts and slots that the users leave empty are paid too."""
    return formulas.cost.served_cost(
        cost=cost, prefill_per_decode=prompts, slots=slots, concurrent_users=demand.concurrent or slots
    )


def batches_of(space: Space, demand: Demand, held: Held) -> Sequence[int]:
    """Batches of a layout: as asked, or some; those that replicas have who share the users of a service evenly."""
    layout, most = held.plan.layout, held.sequences
    if demand.batches:
        return [each for each in demand.batches if each <= most]
    tried = batches(1 if space.by_law else layout.pp * layout.dp, most)
    if not demand.concurrent:
        return tried
    counts = {*range(1, space.most // layout.devices + 1), *(int(ceiling(demand.concurrent / each)) for each in tried)}
    shared = {max(int(ceiling(demand.concurrent / count)), 1) for count in counts}
    return sorted(each for each in shared if each <= most)


def _front(space: Space, held: list[Plan], kept: list[Columns]) -> tuple[Point, ...]:
    """The points of all layouts that no other one beats; of equals the one of fewest devices."""
    which = np.repeat(np.arange(len(held)), [len(each.batch) for each in kept])
    whole = Columns(*(np.concatenate(column) for column in zip(*kept, strict=True))) if kept else None
    if whole is None:
        return ()
    return tuple(
        Point(
            space,
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


def row_of(point: Point, demand: Demand) -> dict[str, Any]:
    """All that ``utilization`` says of a point, its layout, the replicas of the demand, and how to ask again."""
    space, layout, batch = point.space, point.plan.layout, point.batch
    at = space.on(point.plan, batch)
    case = at[0]
    pace = pace_with(*at, space.draft, batch)
    results = step_results(*at, batch, pace)
    results |= request_results(*at, space.requested, batch, pace.tpot, None)
    prompts = prompts_beside(space, at, batch, pace.tpot)
    cost, slots = results["usd_per_million_tokens"], point.decoding * batch
    paid = None if cost is None else all_in(demand, cost, prompts, slots)
    with not_recording():  # the same in another unit
        seconds = formulas.cost.device_seconds_per_token(devices=case.devices, tokens_per_s=results["tokens_per_s"])
        seconds_paid = all_in(demand, seconds, prompts, slots)
    return {
        "name": space.name,
        "gpu": space.asking.part.name,
        "model": space.asking.model.name,
        "dtype": space.asking.model.quantization.name,
        **layout._asdict(),
        "replicas": point.replicas,
        "total_gpus": point.replicas * layout.devices,
        **results,
        "prefill_per_decode": prompts if space.requested.request else None,
        "device_seconds_per_token": seconds,
        "usd_per_million_tokens_all_in": paid,
        "device_seconds_per_token_all_in": seconds_paid,
        "flags": _text(_own(layout, batch)),
        "replay": f"{replay(space)} {_text(_own(layout, batch))}",
    }


def replay(space: Space) -> str:
    """The command that, with the flags of a row, gives its numbers again."""
    return f"infercost utilization {_text(space.flags)}"


def _own(layout: Layout, batch: int) -> dict[str, str]:
    widths = {name: str(width) for name, width in layout._asdict().items() if width > 1 or name == "tp"}
    return {**widths, "batch": str(batch)}


def _text(flags: dict[str, str]) -> str:
    return " ".join(
        f"--{_SHORT.get(name, name).partition(' ')[0].replace('_', '-')} {quote(value)}"
        for name, value in flags.items()
    )
