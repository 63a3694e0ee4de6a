"""Cost of a token against users, and against speed."""

from collections.abc import Mapping
from typing import Any

from infercost.analyses.pictures.shared import (
    Rows,
    article,
    ask_again,
    cost_axis,
    kind_of,
    line_over,
    rows_of,
    value_of,
)
from infercost.chart import Axis, Chart, Line, Picture
from infercost.question import Asked
from infercost.report import Report
from infercost.units import many, show

#: User counts along a curve, enough for each further replica to be seen.
USERS = 300
#: A token's cost and its floor where there is a price, and where there is none.
_PAID = "usd_per_million_tokens", "floor_usd_per_million_tokens"
_SPENT = "device_seconds_per_token", "floor_device_seconds"


def economies_chart(asked: Asked, report: Report) -> tuple[Picture, ...]:
    """Cost of a token against users: every hour paid, only the busy ones, and the floor; or a line a device."""
    asked_for = asked.get("gpu") or ()
    parts = asked_for if isinstance(asked_for, tuple) else (asked_for,)
    users = rows_of(report)[-1]["users"]
    reports = {part: ask_again(asked, gpu=(part,), users=users, points=USERS) for part in parts}
    priced = all(each["floor_usd_per_million_tokens"] is not None for each in reports.values())
    curves = [_curves(each, priced, alone=len(parts) == 1) for each in reports.values()]
    kind = "bound" if {kind_of(each) for each in reports.values()} == {"bound"} else "estimate"
    where = "" if len(parts) > 1 else f" of {value_of(report, 'gpu')}, {report['gpus_per_replica']:,} a replica"
    title = f"Cost of a token against users{where}: {article(kind)}"
    return (Chart(title, Axis("daily users"), cost_axis(priced), tuple(line for lines in curves for line in lines)),)


def _curves(report: Report, priced: bool, alone: bool) -> list[Line]:
    """The curve of one device, named where there are others, else with what belongs to it."""
    rows = rows_of(report)
    key, least = _PAID if priced else _SPENT
    labels = tuple(f"{many(row['replicas'], 'replica')}, batch {show(row['batch'])}" for row in rows)
    name = "every hour paid" if alone else f"{rows[0]['gpus'] // rows[0]['replicas']} x {rows[0]['name']}"
    lines = [line_over(rows, "users", name, lambda row: row[key])._replace(labels=labels)]
    if alone and priced:
        lines.append(line_over(rows, "users", "only busy hours paid", lambda row: row[f"{key}_busy"]))
    if alone:
        ends = float(rows[0]["users"]), float(rows[-1]["users"])
        lines.append(Line("the floor, endless users", ends, (report[least],) * 2, limit=True))
    return lines


def frontier_charts(report: Report) -> tuple[Picture, ...]:
    """The frontier of a report's rows."""
    return (frontier_chart(rows_of(report), kind_of(report)),)


def frontier_chart(rows: Rows, kind: str = "estimate") -> Chart:
    """Speed for a user against the cost of a token: a line a name, of its rows ``on_frontier``, labelled by layout."""
    priced = all(row["usd_per_million_tokens"] is not None for row in rows)
    lines = []
    for name in dict.fromkeys(row["name"] for row in rows):
        best = [row for row in rows if row["name"] == name and row["on_frontier"]]
        best.sort(key=lambda row: row["tokens_per_s_per_user"])
        line = line_over(best, "tokens_per_s_per_user", name, lambda row: row[(_PAID if priced else _SPENT)[0]])
        lines.append(line._replace(labels=tuple(map(_layout, best)), written=tuple(sorted({0, len(best) - 1}))))
    title = f"Speed for a user against the cost of a token: {article(kind)}"
    return Chart(title, Axis("tokens/s for each user"), cost_axis(priced), tuple(lines))


def _layout(row: Mapping[str, Any]) -> str:
    widths = ", ".join(f"{key} {row[key]}" for key in ("tp", "pp", "ep") if row[key] not in (None, 1))
    return f"{many(row['gpus'], 'device')}{f' ({widths})' if widths else ''}, batch {show(row['batch'])}"
