"""Economies of scale on several parts: their rows side by side, and which is cheapest at either end."""

from typing import Any

from infercost.analyses.provision import Service, nulls
from infercost.analyses.remarks import step_notes
from infercost.question import Asked
from infercost.report import Note, Report, Series


def side_by_side(asked: Asked, services: list[Service], rows: tuple[dict[str, Any], ...]) -> Report:
    """Several parts: all rows, told apart by name, and the cheapest at either end."""
    names = tuple(service.case.part.name for service in services)
    inputs = tuple(item._replace(value=names) if item.key == "gpu" else item for item in asked.inputs)
    ends = {}
    for service in [service for service in services if not service.missed] or services:
        mine = [row for row in rows if row["name"] == service.case.part.name]
        ends[service.case.part.name] = mine[0], mine[-1]
    key = "usd_per_million_tokens" if all(service.price for service in services) else "device_seconds_per_token"
    few, most = (min(ends, key=lambda name: ends[name][end][key]) for end in (0, 1))
    users = rows[-1]["users"]
    same = f"{few} is cheapest for one user and for {users:,.0f}"
    verdict = f"{same}." if few == most else f"{few} is cheapest for one user, {most} for {users:,.0f}."
    missed = "".join(f"{service.case.part.name}: {service.missed}" for service in services if service.missed)
    columns = ("name", "users", "gpus", "batch", "utilization", key)
    return Report(
        command="economies",
        verdict=missed + verdict,
        inputs=inputs,
        series=Series(columns, rows, bar="cost_ratio", scale="log"),
        notes=(_kind(services), *asked.notes, *nulls((), rows)),
        met=all(service.case.fits and not service.missed for service in services),
    )


def _kind(services: list[Service]) -> Note:
    """Whether the rows of all parts are a bound; where one is not, what it is."""
    notes = [note for service in services for note in step_notes(service.case, service.inputs)]
    return min((note for note in notes if note.code in ("bound", "estimate")), key=lambda note: note.code == "bound")
