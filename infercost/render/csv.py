"""Comma-separated values: the rows of a sweep or comparison, else a line a result."""

import csv
import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from infercost.report import Report

#: The ends of an interval, as columns are named.
ENDS = ("low", "high")
#: Digits that a rounding to 15 saves where the last bits of a float are all that is in its way.
HAIR = 3
#: What a spreadsheet takes for the start of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Flags of a command line, which call and assign nothing: they stay as they are, to be pasted.
FLAGS = re.compile(r"--[a-z][\w .:/,@%-]*", re.ASCII | re.IGNORECASE)


def flat_rows(report: Report) -> list[dict[str, Any]]:
    """The rows of a report, or its results as the one row, with a column for each end of an interval."""
    rows = report.series.sheet or report.series.rows if report.series else ({**report.values, "bands": report.bands},)
    return [_flat(row) for row in rows]


def render(report: Report, width: int, sources: bool) -> str:
    """The report's numbers as CSV in base units under a header; a missing value is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if report.series:
        rows = flat_rows(report)
        keys = list(dict.fromkeys(key for row in rows for key in row))
        writer.writerow(keys)
        writer.writerows([_cell(row.get(key)) for key in keys] for row in rows)
    else:
        writer.writerow(("key", "value", "unit"))
        for row in report.results:
            ends = zip(ENDS, report.bands.get(row.key, ()), strict=False)
            writer.writerow((row.key, _cell(row.value), row.unit))
            writer.writerows((f"{row.key}_{end}", value, row.unit) for end, value in ends)
    return text.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose intervals have a column for each end."""
    flat = {key: value for key, value in row.items() if key != "bands"}
    for key, band in (row.get("bands") or {}).items():
        flat |= {f"{key}_{end}": value for end, value in zip(ENDS, band, strict=True)}
    return flat


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    value = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
    if isinstance(value, float):
        short = float(f"{value:.15g}")
        return short if len(repr(short)) < len(repr(value)) - HAIR else value
    return as_text(value) if isinstance(value, str) else value


def as_text(text: str) -> str:
    """A text that a spreadsheet takes for one: what starts as a formula has an apostrophe before it, unless flags."""
    return f"'{text}" if text.startswith(FORMULA) and not FLAGS.fullmatch(text) else text
