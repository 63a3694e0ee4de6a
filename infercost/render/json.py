"""One JSON document for scripts: full precision in base units, stable keys."""

import json
from typing import Any

from infercost.report import Note, Report

SCHEMA_VERSION = 1


def render(report: Report, width: int, sources: bool) -> str:
    """The report as JSON, a missing value as null."""
    return json.dumps(document(report, sources), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def document(report: Report, sources: bool) -> dict[str, Any]:
    """What the JSON document holds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": report.command,
        "verdict": report.verdict,
        "met": report.met,
        "inputs": {item.key: item.value for item in report.inputs},
        "assumed": [item.key for item in report.inputs if item.assumed],
        "asked": dict(report.asked),
        "results": {row.key: row.value for row in report.results},
        **({"bands": {key: list(band) for key, band in report.bands.items()}} if report.bands else {}),
        "rows": [dict(row) for row in report.series.rows] if report.series else [],
        "advice": list(report.advice),
        "engine_command": report.follow or None,
        "notes": [note._asdict() for note in (*report.notes, *_nulls(report))],
        "steps": [step._asdict() for step in report.steps],
        "sources": [item._asdict() for item in report.sources] if sources else [],
    }


def _nulls(report: Report) -> list[Note]:
    """A note for each missing value, unless the report has one."""
    keys = {note.text.partition(" ")[0] for note in report.notes if note.code == "null"}
    missing = (row for row in report.results if row.value is None and row.key not in keys)
    return [Note("null", f"{row.key} is null: {row.remark}") for row in missing]
