"""Economies of scale on several parts side by side: their rows, the cheapest at either end, and who cannot serve."""

from typing import Any

from infercost.analyses.remarks import step_notes
from infercost.analyses.service.provision import Service, nulls
from infercost.case import misfit
from infercost.question import Asked
from infercost.report import Note, Report, Series


def side_by_side(asked: Asked, services: list[Service], rows: tuple[dict[str, Any], ...]) -> Report:
    """All rows of the parts that hold the model, told apart by name; none where no part does."""
    names = tuple(service.case.part.name for service in services)
    missed = [f"{service.case.part.name}: {said.strip()}" for service in services if (said := _kept_from(service))]
    key = "usd_per_million_tokens" if all(service.price for service in services) else "device_seconds_per_token"
    columns = ("name", "users", "gpus", "batch", "utilization", key)
    return Report(
        command="economies",
        verdict=" ".join([*missed, *_cheapest(services, rows, key)]),
        inputs=tuple(item._replace(value=names) if item.key == "gpu" else item for item in asked.inputs),
        series=Series(columns, rows, bar="cost_ratio", scale="log") if rows else None,
        advice=() if rows else ("infercost fit says for each part what would make it fit",),
        notes=(_kind(services), *asked.notes, *nulls((), rows)),
        met=not missed,
    )


def _kept_from(service: Service) -> str:
    """Why a part cannot serve, or not as well as was asked for; nothing where it can."""
    return misfit(service.case) or service.missed


def _cheapest(services: list[Service], rows: tuple[dict[str, Any], ...], key: str) -> list[str]:
    """The cheapest part for one user and for the last number of them, of those that serve as was asked if any does."""
    fitting = [service for service in services if service.case.fits]
    ends = {}
    for service in [service for service in fitting if not service.missed] or fitting:
        mine = [row for row in rows if row["name"] == service.case.part.name]
        ends[service.case.part.name] = mine[0], mine[-1]
    if not ends:
        return []
    few, most = (min(ends, key=lambda name: ends[name][end][key]) for end in (0, 1))
    users = rows[-1]["users"]
    same = f"{few} is cheapest for one user and for {users:,.0f}"
    return [f"{same}." if few == most else f"{few} is cheapest for one user, {most} for {users:,.0f}."]


def _kind(services: list[Service]) -> Note:
    """Whether the rows of all parts are a bound; where one is not, what it is."""
    notes = [note for service in services for note in step_notes(service.case, service.inputs)]
    return min((note for note in notes if note.code in ("bound", "estimate")), key=lambda note: note.code == "bound")
