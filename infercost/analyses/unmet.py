"""The answer of a service whose limit on latency not even one user meets, on however many replicas."""

from collections.abc import Callable, Collection, Iterable, Mapping

from infercost.analyses.bands import with_bands
from infercost.analyses.remarks import null_notes, service_null_reason, step_notes
from infercost.report import Report, Row
from infercost.scenario.scenario import Scenario

Shown = Callable[[], object] | Mapping[str, Callable[[], object]]
UNMET = "no number of replicas meets the limit"


def unmet(scenario: Scenario, results: Iterable[Row], keys: Collection[str], work: Shown) -> Report:
    """The least possible and what would do, with results of some keys alone: what depends on replicas has no value."""
    rows = tuple(row if row.key in keys else Row(row.key, None, UNMET, shown=False) for row in results)
    remedies, asked = scenario.remedies, {row.key for row in results if row.value is None and row.key in keys}
    limits = "the limit" if len((remedies or ("",))[-1].split()) < 3 else "the limits"
    report = Report(
        command=scenario.question.command,
        verdict=f"{scenario.service.missed}More replicas do not help.",
        inputs=scenario.inputs,
        results=rows,
        advice=(f"{', or '.join(remedies)} would meet {limits}",) if remedies else (),
        notes=(
            *step_notes(scenario.service.running),
            *null_notes(
                [{row.key: row.value for row in rows}],
                lambda key: service_null_reason(key) if key in asked else UNMET,
            ),
            *scenario.notes,
        ),
        met=False,
        work=work,
    )
    return with_bands(report, scenario.rack, "users")
