"""Speed per user against cost per token: of every layout and batch those that nothing beats in both."""

from collections.abc import Sequence
from math import isclose
from typing import Any

from infercost import formulas
from infercost.analyses.frontier.search import (
    MOST_BATCH,
    Found,
    Point,
    counts,
    none_found,
    notes_of_spaces,
    priced,
    replay,
    row_of,
    running_on,
    search,
    unbeaten,
)
from infercost.analyses.remarks import NULL_REASONS, kind
from infercost.analyses.step import Bracket
from infercost.formulas.formula import solved
from infercost.replica.step import reworked
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import Goal, Scenario
from infercost.units import many, show

Rows = Sequence[dict[str, Any]]
#: Rows of a table; JSON has all of them.
SHOWN = 16
_WORDS = {"cost": "The cheapest", "speed": "The fastest", "knee": "The knee"}


def answer(scenario: Scenario) -> Report:
    """The frontier of a model on parts, one of its points, or every configuration behind it.

    Raises:
        Missing: a limit on the first token of no request.
    """
    if scenario.goal.shard:
        from infercost.analyses.frontier.export import answer_all  # streams what the rest only looks at

        return answer_all(scenario)
    found = [search(one, scenario.goal) for one in scenario.each]
    if not any(each.points for each in found):
        return none_found(scenario, scenario.each, found)
    return _report(scenario, found)


def _report(scenario: Scenario, found: list[Found]) -> Report:
    goal, searched = scenario.goal, scenario.each
    points = [point for each in found for point in each.points]
    joint = unbeaten([point.speed for point in points], [point.cost for point in points])
    rows = [{**row_of(point, goal), "on_frontier": at in joint} for at, point in enumerate(points)]
    front, best = [rows[at] for at in joint], goal.best
    ends = {"speed": 0, "cost": len(front) - 1, "knee": knee([points[at] for at in joint])}
    shown = [ends[best]] if best else _thinned(len(front), ends["knee"])
    chosen = points[joint[ends[best or "knee"]]]
    return Report(
        command="frontier",
        verdict=_verdict(searched, front, ends, best),
        inputs=scenario.inputs,
        results=tuple(_results(searched, found, front, ends)),
        series=Series(
            _columns(searched, front),
            tuple([front[ends[best]]] if best else rows),
            marked=shown.index(ends["knee"]) if not best and len(front) > 1 else None,
            shown=tuple(front[at] for at in shown),
        ),
        advice=advice(front),
        replay=tuple((one.search.name if len(searched) > 1 else "", f"{replay(one)} ...") for one in searched),
        notes=(*notes_of(searched, found, front, None if best else len(shown)), *nulls(rows), *scenario.notes),
        work=lambda: _shown_work(chosen, goal),
    )


def _shown_work(point: Point, goal: Goal) -> None:
    """What a person works out of one row: its rack, its step, what its tokens cost."""
    _chosen(point.batch)
    reworked(running_on(point.scenario, point.plan, point.batch))
    priced(point, goal, Bracket(0.0, 0.0, 0.0))


@solved("batch", equation="the row of the frontier that was asked for", source="search over devices, layouts, batches")
def _chosen(batch: float) -> float:
    """The batch of the row whose work is shown."""
    return batch


def knee(points: Sequence[Point]) -> int:
    """The point of most preference: up to it one percent of speed costs less than four percent of money."""
    worth = [formulas.cost.preference(speed=point.speed, cost=point.cost) for point in points]
    return worth.index(max(worth))


def _verdict(searched: Sequence[Scenario], front: Rows, ends: dict[str, int], best: str | None) -> str:
    article = "at best" if kind(searched[0].running) == "bound" else "an estimate"
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


def _parts(searched: Sequence[Scenario], front: Rows) -> str:
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


def _results(searched: Sequence[Scenario], found: list[Found], front: Rows, ends: dict[str, int]) -> list[Row]:
    fastest, cheapest, middle = front[0], front[-1], front[ends["knee"]]
    priced = "prompts and empty slots paid too" if cheapest["usd_per_million_tokens"] is not None else "needs --price"
    return [
        *counts(searched, found),
        Row("fastest_tokens_per_s_per_user", fastest["tokens_per_s_per_user"], f"{fastest['bound']} binds"),
        Row("knee_tokens_per_s_per_user", middle["tokens_per_s_per_user"], "1% more speed would cost 4% more"),
        Row("knee_usd_per_million_tokens", middle["usd_per_million_tokens_all_in"], priced),
        Row("least_usd_per_million_tokens", cheapest["usd_per_million_tokens_all_in"], priced),
    ]


def _columns(searched: Sequence[Scenario], front: Rows) -> tuple[str, ...]:
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


#: What would move an end of the frontier, by what binds there.
_REMEDIES = {
    "memory": "faster memory or fewer bits",
    "compute": "more arithmetic for the money",
    "communication": "faster links",
    "latency": "fewer or faster kernel launches",
}


def advice(front: Rows) -> tuple[str, ...]:
    """What would move either end, and what prompts would ask for."""
    fast, cheap = front[0]["bound"], front[-1]["bound"]
    prompts = front[-1]["prefill_per_decode"] or 0.0
    shared = ("prompts cost more than answers where tokens are cheapest: share their start, --prefix-share",)
    if fast == cheap:
        moves: tuple[str, ...] = (f"{fast} binds at both ends, so {_REMEDIES[fast]} would move all of it",)
    else:
        moves = (f"{_REMEDIES[fast]} for faster users, {_REMEDIES[cheap]} for cheaper tokens",)
    return (*moves, *(shared if prompts > 1 else ()))


def notes_of(searched: Sequence[Scenario], found: list[Found], front: Rows, shown: int | None) -> list[Note]:
    """What a reader should know: how times are counted, what is in the cost, which rows are left out."""
    notes = notes_of_spaces(searched)
    if searched[0].load.request:
        text = "the second cost pays replicas for prompts too, of the same layout: prefill_per_decode for each"
        notes.append(Note("prompts", f"times are of decoding alone; {text}"))
    if (unheld := sum(each.unheld for each in found)) > 0:
        notes.append(Note("left-out", f"memory does not hold {many(unheld, 'pair')} of a layout and a batch asked for"))
    if front[-1]["batch"] == MOST_BATCH:
        notes.append(Note("batch-limit", f"memory ends no batch before {MOST_BATCH:,}, the largest that is tried"))
    if shown is not None and shown < len(front):
        notes.append(Note("thinned", f"the table shows {shown} of the {len(front)} choices; --json and --csv have all"))
    if len(searched) > 1:
        text = "rows that another one beats are the best of their own kind: on_frontier is false"
        notes.append(Note("on-frontier", text))
    return notes


def nulls(rows: list[dict[str, Any]]) -> list[Note]:
    """Why values of rows are missing."""
    keys = [key for key in rows[0] if any(row[key] is None for row in rows)]
    why = {
        **NULL_REASONS,
        "usd_per_million_tokens_all_in": NULL_REASONS["usd_per_million_tokens"],
        "prefill_per_decode": NULL_REASONS["ttft_s"],
    }
    return [Note("null", f"{key} is null: {why[key]}") for key in keys]
