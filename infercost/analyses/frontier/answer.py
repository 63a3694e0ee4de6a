"""Speed per user against cost per token: of every layout and batch those that nothing beats in both."""

from collections.abc import Sequence
from math import isclose
from typing import Any

from infercost import formulas
from infercost.analyses.frontier.search import (
    Demand,
    Found,
    Point,
    Space,
    read_demand,
    replay,
    row_of,
    search,
    unbeaten,
)
from infercost.analyses.frontier.spaces import advice, counts, none_found, notes_of, nulls, spaces
from infercost.analyses.remarks import kind
from infercost.formulas.formula import not_recording
from infercost.report import Report, Row, Series
from infercost.scenario.read import Asked
from infercost.units import many, show

#: Rows of a table; JSON has all of them.
SHOWN = 16
_WORDS = {"cost": "The cheapest", "speed": "The fastest", "knee": "The knee"}


def answer(asked: Asked) -> Report:
    """The frontier of a model on parts, one of its points, or every configuration behind it.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``spaces``.
    """
    if "all" in asked.given or "shard" in asked.given:
        from infercost.analyses.frontier.export import answer_all  # streams what the rest only looks at

        return answer_all(asked)
    searched = spaces(asked)
    demand = read_demand(asked)
    found = [search(space, demand) for space in searched]
    if not any(each.points for each in found):
        return none_found(asked, searched, found)
    return _report(asked, searched, found, demand)


def _report(asked: Asked, searched: list[Space], found: list[Found], demand: Demand) -> Report:
    points = [point for each in found for point in each.points]
    joint = unbeaten([point.speed for point in points], [point.cost for point in points])
    with not_recording():
        rows = [{**row_of(point, demand), "on_frontier": at in joint} for at, point in enumerate(points)]
    front, best = [rows[at] for at in joint], asked.take("best")
    ends = {"speed": 0, "cost": len(front) - 1, "knee": knee([points[at] for at in joint])}
    row_of(points[joint[ends[best or "knee"]]], demand)  # once more, for who asks for the work of a row
    shown = [ends[best]] if best else _thinned(len(front), ends["knee"])
    return Report(
        command="frontier",
        verdict=_verdict(searched, front, ends, best),
        inputs=tuple(asked.inputs),
        results=tuple(_results(searched, found, front, ends)),
        series=Series(
            _columns(searched, front),
            tuple([front[ends[best]]] if best else rows),
            marked=shown.index(ends["knee"]) if not best and len(front) > 1 else None,
            shown=tuple(front[at] for at in shown),
        ),
        advice=advice(front),
        replay=tuple((space.name if len(searched) > 1 else "", f"{replay(space)} ...") for space in searched),
        notes=(*notes_of(searched, found, front, None if best else len(shown)), *nulls(rows), *asked.notes),
    )


def knee(points: Sequence[Point]) -> int:
    """The point of most preference: up to it one percent of speed costs less than four percent of money."""
    with not_recording():
        worth = [formulas.cost.preference(speed=point.speed, cost=point.cost) for point in points]
    return worth.index(max(worth))


def _verdict(searched: list[Space], front: list[dict[str, Any]], ends: dict[str, int], best: str | None) -> str:
    space = searched[0]
    article = "at best" if kind(space.case, space.inputs) == "bound" else "an estimate"
    choices = many(len(front), "choice")
    if best:
        return f"{_WORDS[best]} of {choices} that nothing beats, {article}: {_said(front[ends[best]])}."
    if len(front) == 1:
        return f"1 choice that nothing beats, {article}: {_said(front[0])}.{_parts(searched, front)}"
    text = f"{choices} that nothing beats, {article}: from {_worth(front[-1])} to {_worth(front[0])}"
    return f"{text}. The knee is {_said(front[ends['knee']])}.{_parts(searched, front)}"


def _worth(row: dict[str, Any]) -> str:
    cost = f"{show(row['usd_per_million_tokens_all_in'], 'USD')} a million tokens"
    if row["usd_per_million_tokens_all_in"] is None:
        cost = f"{show(row['device_seconds_per_token_all_in'], 's')} of a device a token"
    return f"{show(row['tokens_per_s_per_user'])} tokens/s a user at {cost}"


def _said(row: dict[str, Any]) -> str:
    layout = ", ".join(f"{name} {row[name]}" for name in ("tp", "pp", "ep") if row[name] > 1)
    where = f"{row['gpus']:,} x {row['gpu']}" + (f" ({layout})" if layout else "")
    named = "" if row["name"] == row["gpu"] else f" ({row['name']})"
    times = f"; {many(row['replicas'], 'replica')}, {row['total_gpus']:,} devices" if row["replicas"] > 1 else ""
    return f"{_worth(row)}, on {where} at batch {row['batch']:,}{named}{times}"


def _parts(searched: list[Space], front: list[dict[str, Any]]) -> str:
    """Which of several models, parts or formats leads from which speed on."""
    if len(searched) == 1:
        return ""
    leads: list[tuple[str, float]] = []
    for row in reversed(front):
        if not leads or leads[-1][0] != row["name"]:
            leads.append((row["name"], row["tokens_per_s_per_user"]))
    first, *others = leads
    text = f" {first[0]} is cheapest" + ("" if others else " at every speed")
    if len(others) > 3:
        return f"{text} for slow users, {others[-1][0]} for the fastest; between them they take turns."
    return text + "".join(f", {name} from {show(speed)} tokens/s a user on" for name, speed in others) + "."


def _results(searched: list[Space], found: list[Found], front: list[dict[str, Any]], ends: dict[str, int]) -> list[Row]:
    fastest, cheapest, middle = front[0], front[-1], front[ends["knee"]]
    priced = "prompts and empty slots paid too" if cheapest["usd_per_million_tokens"] is not None else "needs --price"
    return [
        *counts(searched, found),
        Row("fastest_tokens_per_s_per_user", fastest["tokens_per_s_per_user"], f"{fastest['bound']} binds"),
        Row("knee_tokens_per_s_per_user", middle["tokens_per_s_per_user"], "1% more speed would cost 4% more"),
        Row("knee_usd_per_million_tokens", middle["usd_per_million_tokens_all_in"], priced),
        Row("least_usd_per_million_tokens", cheapest["usd_per_million_tokens_all_in"], priced),
    ]


def _columns(searched: list[Space], front: list[dict[str, Any]]) -> tuple[str, ...]:
    """The columns of the table: what differs between rows, and what is known."""
    cost = "usd_per_million_tokens" if front[0]["usd_per_million_tokens"] is not None else "device_seconds_per_token"
    paid = () if all(isclose(row[cost], row[f"{cost}_all_in"]) for row in front) else (f"{cost}_all_in",)
    devices = ("total_gpus",) if any(row["replicas"] > 1 for row in front) else ()
    first = ("ttft_s",) if front[0]["ttft_s"] is not None else ()
    names = ("name",) if len(searched) > 1 else ()
    costs = paid if names and paid else (cost, *paid)  # room for names
    return (*names, "tokens_per_s_per_user", *costs, "utilization", *first, *devices, "flags")


def _thinned(count: int, middle: int) -> list[int]:
    """So many rows as a table has room for, evenly, both ends and the knee among them."""
    if count <= SHOWN:
        return list(range(count))
    return sorted({round(index * (count - 1) / (SHOWN - 1)) for index in range(SHOWN)} | {middle})
