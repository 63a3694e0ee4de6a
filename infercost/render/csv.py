"""Comma-separated values: the rows of a sweep or comparison, else a line a result."""

import csv
from io import StringIO
from typing import Any

from infercost.report import Report


def render(report: Report, width: int, sources: bool) -> str:
    """The report's numbers as CSV in base units under a header; a missing value is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if report.series:
        keys = list(report.series.rows[0])
        writer.writerow(keys)
        writer.writerows([_cell(row[key]) for key in keys] for row in report.series.rows)
    else:
        writer.writerow(("key", "value", "unit"))
        writer.writerows((row.key, _cell(row.value), row.unit) for row in report.results)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
