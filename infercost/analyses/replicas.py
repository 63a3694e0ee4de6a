"""The answer of one replica as that of all that share a load."""

from infercost.report import Note, Report
from infercost.scenario.scenario import Scenario

#: What all replicas have together; what is not listed is of each.
OF_ALL = (
    "gpus",
    "batch",
    "tokens_per_s",
    "texts_per_s",
    "input_tokens_per_s",
    "max_sequences",
    "kv_pool_tokens",
    "shortfall_bytes",
)


def of_all(report: Report, scenario: Scenario) -> Report:
    """The report with what all replicas have together; unchanged for one."""
    copies = scenario.question.get("dp") or 1
    if copies == 1:
        return report
    results = tuple(
        row._replace(value=row.value * copies) if row.key in OF_ALL and row.value is not None else row
        for row in report.results
    )
    bands = {
        key: (low * copies, high * copies) if key in OF_ALL else (low, high)
        for key, (low, high) in (report.bands or {}).items()
    }
    text = f"{copies} replicas share devices, sequences and load; times, memory and the rest are of each"
    command = [Note("replicas", f"start the command on each of {copies}, behind a router")] if report.follow else []
    return report.replace(
        verdict=f"{copies} replicas, each: {report.verdict}",
        results=results,
        bands=bands,
        notes=(Note("replicas", text), *command, *report.notes),
    )
