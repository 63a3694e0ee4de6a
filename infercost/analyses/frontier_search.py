"""The search of a frontier: every layout at many batches, and of those the ones that nothing beats in both."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from infercost.analyses.frontier_space import Space, batches, plans
from infercost.derivation import not_recording
from infercost.engine import economics, serving
from infercost.numeric import ceiling
from infercost.plan import Plan
from infercost.question import Asked


class Demand(NamedTuple):
    """What a service must reach: sequences decoding at once, tokens a second in all, and the latencies to keep."""

    concurrent: float = 0.0
    tokens_per_s: float = 0.0
    max_tpot: float = np.inf
    max_ttft: float = np.inf
    batches: tuple[int, ...] = ()


class Point(NamedTuple):
    """One configuration: where it is, and what it is worth; ``cost`` is USD or device-seconds for a token."""

    space: Space
    plan: Plan
    batch: int
    replicas: int
    speed: float
    cost: float


class Found(NamedTuple):
    """The points of a space that nothing in it beats, fastest first, how much was tried, and what came nearest."""

    points: tuple[Point, ...]
    tried: int
    layouts: int
    misfits: int
    fastest: float
    soonest: float


class Columns(NamedTuple):
    """A layout at every batch: its replicas, tokens a second of one user, the cost of a token, whether it will do."""

    batch: Any
    replicas: Any
    speed: Any
    cost: Any
    meets: Any


def read_demand(asked: Asked) -> Demand:
    """The demand that was asked for."""
    concurrent = 0.0
    if "users" in asked.given:
        concurrent = serving.concurrent_users(
            users=float(asked.take("users")),
            minutes_per_day=float(asked.take("minutes_per_day", 10, "about what chat services see")),
            decoding_share=float(asked.take("decoding_share", 1.0, "all minutes decode, as in the note")),
        )
    return Demand(
        concurrent,
        float(asked.take("min_tokens_per_s") or 0.0),
        float(asked.take("max_tpot") or np.inf),
        float(asked.take("max_ttft") or np.inf),
        asked.take("batch") or (),
    )


def search(space: Space, demand: Demand) -> Found:
    """The frontier of a space."""
    layouts = space.layouts()
    held, misfits = plans(space, layouts)
    firsts = [0.0 if demand.max_ttft == np.inf else space.ttft(space.on(plan)) or 0.0 for plan, _ in held]
    found = [columns(space, demand, plan, most) for plan, most in held]
    meets = [each.meets & (first <= demand.max_ttft) for each, first in zip(found, firsts, strict=True)]
    return Found(
        _front(space, [plan for plan, _ in held], found, meets),
        sum(len(each.batch) for each in found),
        len(layouts),
        misfits,
        max((float(each.speed.max(initial=0.0)) for each in found), default=0.0),
        min(firsts, default=0.0),
    )


def columns(space: Space, demand: Demand, plan: Plan, most: int) -> Columns:
    """A layout at the batches to try, each on as many replicas as the demand takes."""
    batch: Any = np.array(batches_of(space, demand, plan, most), dtype=float)
    devices, price = plan.layout.devices, space.inputs.price
    with not_recording():
        tpot = space.pace(space.on(plan), batch).tpot
        rate = economics.tokens_per_s(batch=batch, step_time=tpot)
        speed = economics.tokens_per_s_per_user(step_time=tpot)
        if price is None:
            cost = economics.device_seconds_per_token(devices=devices, tokens_per_s=rate)
        else:
            cost = economics.usd_per_million_tokens(price=price, devices=devices, tokens_per_s=rate)
    replicas = np.maximum(ceiling(demand.concurrent / batch), ceiling(demand.tokens_per_s / rate)).clip(1)
    return Columns(batch, replicas, speed, cost, (tpot <= demand.max_tpot) & (replicas * devices <= space.most))


def batches_of(space: Space, demand: Demand, plan: Plan, most: int) -> Sequence[int]:
    """Batches of a layout: as asked, or some; those that replicas have who share the users of a service evenly."""
    unit = 1 if space.by_law else plan.layout.pp * plan.layout.dp
    tried = [each for each in demand.batches if each <= most] if demand.batches else batches(unit, most)
    if not demand.concurrent:
        return tried
    return sorted({int(ceiling(demand.concurrent / ceiling(demand.concurrent / each))) for each in tried})


def _front(space: Space, held: list[Plan], found: list[Columns], meets: list[Any]) -> tuple[Point, ...]:
    """The points of all layouts that no other one beats in speed and cost; of equals the one of fewest devices."""
    which = np.repeat(np.arange(len(held)), [int(each.sum()) for each in meets])
    batch, replicas, speed, cost = (
        np.concatenate([getattr(each, key)[ok] for each, ok in zip(found, meets, strict=True)] or [np.empty(0)])
        for key in ("batch", "replicas", "speed", "cost")
    )
    return tuple(
        Point(space, held[which[at]], int(batch[at]), int(replicas[at]), float(speed[at]), float(cost[at]))
        for at in unbeaten(speed, cost)
    )


def unbeaten(speed: Any, cost: Any) -> list[int]:
    """Indices of the points that no other one beats, fastest first; of equals the first."""
    order = np.lexsort((cost, -np.asarray(speed)))
    cheapest, kept = np.inf, []
    for at in order:
        if cost[at] < cheapest:
            cheapest = cost[at]
            kept.append(int(at))
    return kept
