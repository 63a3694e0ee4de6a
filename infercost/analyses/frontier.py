"""Speed per user against cost per token: of every layout and batch those that nothing beats in both."""

from collections.abc import Sequence
from typing import Any

from infercost.analyses.frontier_rows import COLUMNS, replay, row_of, shared_flags
from infercost.analyses.frontier_search import Found, Point, read_demand, search, unbeaten
from infercost.analyses.frontier_space import Space, spaces
from infercost.analyses.remarks import NULL_REASONS, kind, step_notes
from infercost.derivation import not_recording
from infercost.engine import later_paper
from infercost.question import Asked
from infercost.report import Note, Report, Row, Series
from infercost.served import MOST_DEVICES
from infercost.units import many, show

#: Rows of a table; JSON has all of them.
SHOWN = 16
_WORDS = {"cost": "The cheapest", "speed": "The fastest", "knee": "The knee"}
#: What would move an end of the frontier, by what binds there.
_REMEDIES = {
    "memory": "faster memory or fewer bits",
    "compute": "more arithmetic a dollar",
    "communication": "faster links",
    "latency": "fewer or faster kernel launches",
}


def answer(asked: Asked) -> Report:
    """The frontier of a model on parts, one of its points, or every configuration behind it.

    Raises:
        InfercostError: an option or a preset that cannot be used; see ``spaces``.
    """
    if "all" in asked.given or "shard" in asked.given:
        from infercost.analyses.frontier_export import answer_all  # streams what the rest only looks at

        return answer_all(asked)
    demand, searched = read_demand(asked), spaces(asked)
    found = [search(space, demand) for space in searched]
    points = [point for each in found for point in each.points]
    if not points:
        return _nothing(asked, searched, found)
    joint = [points[at] for at in unbeaten([point.speed for point in points], [point.cost for point in points])]
    best = asked.take("best")
    shared = shared_flags(searched)
    rows = [{**row_of(point, shared), "on_frontier": point in joint} for point in points]
    front = [row for row, point in zip(rows, points, strict=True) if point in joint]
    front.sort(key=lambda row: -row["tokens_per_s_per_user"])
    at = {"speed": 0, "cost": len(front) - 1, "knee": knee(joint)}
    shown = [front[at[best]]] if best else front
    return Report(
        command="frontier",
        verdict=_verdict(searched, front, at, best),
        inputs=tuple(asked.inputs),
        results=tuple(_results(searched, found, front, at)),
        series=Series(_columns(rows), tuple(shown if best else rows), shown=tuple(_thinned(shown, at["knee"]))),
        advice=_advice(front),
        replay=f"{replay(searched)} ...",
        notes=(*_notes(searched, len(front), best), *_nulls(rows), *asked.notes),
    )


def knee(points: Sequence[Point]) -> int:
    """The point of most preference: up to it one percent of speed costs less than four percent of money."""
    with not_recording():
        worth = [later_paper.preference(speed=point.speed, cost=point.cost) for point in points]
    return worth.index(max(worth))


def _verdict(searched: list[Space], front: list[dict[str, Any]], at: dict[str, int], best: str | None) -> str:
    space = searched[0]
    article = "at best" if kind(space.case, space.inputs) == "bound" else "an estimate"
    choices = many(len(front), "choice")
    if best:
        return f"{_WORDS[best]} of {choices} that nothing beats, {article}: {_said(front[at[best]])}."
    text = f"{choices} that nothing beats, {article}: from {_worth(front[-1])} to {_worth(front[0])}"
    return f"{text}. The knee is {_said(front[at['knee']])}.{_parts(searched, front)}"


def _worth(row: dict[str, Any]) -> str:
    cost = f"{show(row['usd_per_million_tokens'], 'USD')} a million tokens"
    if row["usd_per_million_tokens"] is None:
        cost = f"{show(row['device_seconds_per_token'], 's')} of a device a token"
    return f"{show(row['tokens_per_s_per_user'])} tokens/s a user at {cost}"


def _said(row: dict[str, Any]) -> str:
    layout = ", ".join(f"{name} {row[name]}" for name in ("tp", "pp", "ep") if row[name] > 1)
    where = f"{row['gpus']:,} x {row['name']}" + (f" ({layout})" if layout else "")
    times = f", {many(row['replicas'], 'replica')}" if row["replicas"] > 1 else ""
    return f"{_worth(row)}, on {where} at batch {row['batch']:,}{times}"


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


def _results(searched: list[Space], found: list[Found], front: list[dict[str, Any]], at: dict[str, int]) -> list[Row]:
    fastest, cheapest, middle = front[0], front[-1], front[at["knee"]]
    return [
        *_counts(searched, found),
        Row("fastest_tokens_per_s_per_user", fastest["tokens_per_s_per_user"], f"{fastest['bound']} binds"),
        Row("knee_tokens_per_s_per_user", middle["tokens_per_s_per_user"], f"{middle['bound']} binds"),
        Row("knee_usd_per_million_tokens", middle["usd_per_million_tokens"], _why(middle)),
        Row("least_usd_per_million_tokens", cheapest["usd_per_million_tokens"], _why(cheapest)),
    ]


def _counts(searched: list[Space], found: list[Found]) -> list[Row]:
    context = f"{searched[0].case.context:,.0f} tokens"
    return [
        Row("configurations", sum(each.tried for each in found), "layouts x batches that memory holds"),
        Row("layouts", sum(each.layouts for each in found), "that an engine accepts"),
        Row("layouts_excluded", sum(each.misfits for each in found), f"cannot hold the model and {context}"),
    ]


def _why(row: dict[str, Any]) -> str:
    return "accelerators always busy" if row["usd_per_million_tokens"] else "needs --price"


def _columns(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(key for key in COLUMNS if any(row[key] is not None for row in rows))


def _thinned(rows: list[dict[str, Any]], middle: int) -> list[dict[str, Any]]:
    """So many rows as a table has room for, evenly, both ends and the knee among them."""
    if len(rows) <= SHOWN:
        return rows
    kept = {round(index * (len(rows) - 1) / (SHOWN - 1)) for index in range(SHOWN)} | {middle}
    return [rows[index] for index in sorted(kept)]


def _advice(front: list[dict[str, Any]]) -> tuple[str, ...]:
    fast, cheap = front[0]["bound"], front[-1]["bound"]
    if fast == cheap:
        return (f"{fast} binds at both ends: {_REMEDIES[fast]} would move all of it",)
    return (f"{fast} binds the fastest: {_REMEDIES[fast]}", f"{cheap} binds the cheapest: {_REMEDIES[cheap]}")


def _notes(searched: list[Space], choices: int, best: str | None) -> list[Note]:
    notes = []
    for space in searched:
        alone = space.case._replace(devices=1)
        notes += [note for note in step_notes(alone, space.inputs) if note not in notes]
        if space.reach < MOST_DEVICES:
            text = f"no network of {space.asking.part.name} is known: replicas of at most {many(space.reach, 'device')}"
            notes.append(Note("reach", text))
    if choices > SHOWN and best is None:
        notes.append(Note("thinned", f"the table shows some of the {choices} rows; --json and --csv have all"))
    return notes


def _nulls(rows: list[dict[str, Any]]) -> list[Note]:
    keys = [key for key in rows[0] if any(row[key] is None for row in rows)]
    return [Note("null", f"{key} is null: {NULL_REASONS[key]}") for key in keys]


def _nothing(asked: Asked, searched: list[Space], found: list[Found]) -> Report:
    """The answer where no configuration is left: what memory holds, or what comes nearest to the demand."""
    tried, misfits = sum(each.tried for each in found), sum(each.misfits for each in found)
    layouts, most = sum(each.layouts for each in found), max(space.widest for space in searched)
    if tried:
        verdict = f"Nothing meets this on up to {many(searched[0].most, 'device')}: {_nearest(asked, found)}."
        advice = "ask less of it, or raise --max-gpus"
    elif misfits < layouts:
        verdict = f"Does not fit: memory holds fewer than {min(asked.get('batch'))} sequences in every layout."
        advice = "ask for smaller batches, or leave --batch out"
    else:
        verdict = f"Does not fit: no layout of up to {many(most, 'device')} holds the model and a sequence."
        advice = "see infercost fit for what would make it fit"
    return Report(
        command="frontier",
        verdict=verdict,
        inputs=tuple(asked.inputs),
        results=tuple(_counts(searched, found)),
        advice=(advice,),
        notes=tuple(asked.notes),
        met=False,
    )


def _nearest(asked: Asked, found: list[Found]) -> str:
    """What comes nearest to the limits that were asked for."""
    texts = []
    if "max_tpot" in asked.given:
        texts.append(f"the fastest takes {show(1 / max(each.fastest for each in found), 's')} a token")
    if "max_ttft" in asked.given:
        texts.append(f"the first token takes {show(min(each.soonest for each in found), 's')} at least")
    if "users" in asked.given or "min_tokens_per_s" in asked.given:
        texts.append("they cannot carry the load")
    return ", ".join(texts)
