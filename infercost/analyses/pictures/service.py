"""Cost of a token against users, and against speed."""

from collections.abc import Mapping
from typing import Any

from infercost.analyses import economies, frontier
from infercost.analyses.pictures.shared import (
    Rows,
    article,
    changed,
    cost_axis,
    kind_of,
    line_over,
    rows_of,
)
from infercost.chart import Axis, Chart, Line, Picture
from infercost.question import Asked
from infercost.report import Report
from infercost.units import many, show

#: User counts along a curve, enough for each further replica to be seen.
USERS = 160
#: A token's cost and its floor where there is a price, and where there is none.
_PAID = "usd_per_million_tokens", "floor_usd_per_million_tokens"
_SPENT = "device_seconds_per_token", "floor_device_seconds"


def economies_charts(asked: Asked, report: Report) -> tuple[Picture, ...]:
    """Cost of a token against users: every hour paid, only the busy ones, and the floor; or a line a device."""
    rows = economies.curve(changed(asked, users=rows_of(report)[-1]["users"], points=USERS))
    priced = all(row[_PAID[0]] is not None for row in rows)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(f"{row['gpus'] // row['replicas']} x {row['name']}", []).append(row)
    several = len(groups) > 1
    lines = [_paid(group, name, priced) for name, group in groups.items()] if several else _alone(report, rows, priced)
    where = "" if several else f" on replicas of {next(iter(groups))}"
    title = f"Cost of a token against users{where}: {article(kind_of(report))}"
    return (Chart(title, Axis("daily users"), cost_axis(priced), tuple(lines)),)


def _paid(rows: Rows, name: str, priced: bool) -> Line:
    """What a token costs where every hour is paid, and what serves so many users."""
    labels = tuple(f"{many(row['replicas'], 'replica')}, batch {show(row['batch'])}" for row in rows)
    return line_over(rows, "users", name, lambda row: row[(_PAID if priced else _SPENT)[0]])._replace(labels=labels)


def _alone(report: Report, rows: Rows, priced: bool) -> list[Line]:
    """The curve of one device, with what belongs to it."""
    key, least = _PAID if priced else _SPENT
    busy = [line_over(rows, "users", "only busy hours paid", lambda row: row[f"{key}_busy"])] if priced else []
    ends = float(rows[0]["users"]), float(rows[-1]["users"])
    floor = Line("the floor, endless users", ends, (report[least],) * 2, limit=True)
    return [_paid(rows, "every hour paid", priced), *busy, floor]


def frontier_charts(asked: Asked, report: Report) -> tuple[Picture, ...]:
    """The frontier of a report's rows; where one row was asked for, that one on the whole of it; none without rows."""
    rows = rows_of(report)
    if not rows:
        return ()
    if (best := asked.get("best")) is None:
        return (frontier_chart(rows, kind_of(report)),)
    whole = changed(asked)
    del whole.given["best"]
    chart = frontier_chart(rows_of(frontier.answer(whole)), kind_of(report))
    point = frontier_chart(rows).lines[0]._replace(name=f"best {best}", points=True)
    return (chart._replace(lines=(*(line._replace(written=()) for line in chart.lines), point)),)


def frontier_chart(rows: Rows, kind: str = "estimate") -> Chart:
    """Speed for a user against the cost of a token: a line a name, of its own frontier, labelled by layout."""
    priced = all(row["usd_per_million_tokens"] is not None for row in rows)
    cost = f"{(_PAID if priced else _SPENT)[0]}_all_in"
    lines = []
    for name in dict.fromkeys(row["name"] for row in rows):
        best = sorted((row for row in rows if row["name"] == name), key=lambda row: float(row["tokens_per_s_per_user"]))
        line = line_over(best, "tokens_per_s_per_user", name, lambda row: row[cost])
        lines.append(line._replace(labels=tuple(map(_layout, best)), written=tuple(sorted({0, len(best) - 1}))))
    title = f"Speed for a user against the cost of a token, prompts paid: {article(kind)}"
    return Chart(title, Axis("tokens/s for each user"), cost_axis(priced), tuple(lines))


def _layout(row: Mapping[str, Any]) -> str:
    """A layout in few words: ``tp 8, batch 64``; the devices too where its widths do not say them."""
    widths = [f"{key} {row[key]}" for key in ("tp", "pp", "ep") if row[key] not in (None, 1)]
    said = widths if row["tp"] * row["pp"] == row["gpus"] > 1 else [many(row["gpus"], "device"), *widths]
    return ", ".join((*said, f"batch {show(row['batch'])}"))
