"""Predicted against measured: the error of this version on every measurement that it can express."""

from collections.abc import Iterable, Sequence
from functools import cache
from math import exp
from typing import Any, NamedTuple

from infercost.errors import BadFile, InfercostError, Missing
from infercost.evidence.fit import Errors, errors
from infercost.evidence.measured import Measured
from infercost.evidence.predict import Prepared, beats_bound, log_ratio, prepare
from infercost.evidence.readers.table import read_table
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.parts.stack import complete
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

#: The tables that are shipped: steps or requests at a known batch, at a request rate, at a load that fills memory.
SHIPPED = {
    "steps": "a known batch",
    "served": "a known request rate",
    "filled": "a full memory",
    "mlperf": "MLPerf, a full memory",
}


class Case(NamedTuple):
    """A measurement: its kind of table, its source, its row under the profile, by default one under its own stack."""

    group: str
    source: str
    row: dict[str, Any]
    own: dict[str, Any] | None


def answer(scenario: Scenario) -> Report:
    """Every measured row of the shipped tables or of files, predicted, with the errors by source and in all.

    Raises:
        InfercostError: a file that cannot be read, or one without a row that can be predicted.
    """
    question = scenario.question
    prepared, skipped = _read(question.words)
    if not prepared and not skipped:
        raise BadFile(f"{question.words[0]}: holds no row", "give a table with a row that can be predicted")
    if not prepared:
        raise Missing(f"no row can be predicted; {skipped[0][0]}: {skipped[0][1]}", "see the columns in docs/speed.md")
    both = question.get("efficiency") is None
    progress = question.progress("measurements", len(prepared)) or (lambda _: None)
    cases = []
    for number, (group, run) in enumerate(prepared, 1):
        own = _row(run, None) if both else None
        cases.append(Case(group, source_of(run.measured), _row(run, scenario.stack), own))
        progress(number)
    stack = ("stack_median_abs_error", "stack_p90_abs_error") if both else ()
    columns = ("label", "count", "median_abs_error", "p90_abs_error", *stack, "bias", "below_bound_count")
    return Report(
        command="validate",
        verdict=_verdict(cases),
        inputs=scenario.inputs,
        results=_results(cases, skipped),
        series=Series(columns, tuple(case.row for case in cases), shown=_summary(cases)),
        notes=(*skips(skipped), *scenario.notes),
    )


def _read(words: tuple[str, ...]) -> tuple[list[tuple[str, Prepared]], list[tuple[str, str]]]:
    """The rows of the given files, else of the shipped tables, each with its kind of table; skipped ids with why."""
    folder = catalog.shipped() / "measurements"
    tables = [("", word) for word in words] or [(kind, str(folder / f"{name}.csv")) for name, kind in SHIPPED.items()]
    prepared, skipped = [], []
    for group, path in tables:
        results = read_table(path)
        skipped += results.skipped
        for row in results.measured:
            try:
                prepared.append((group, prepare(row)))
            except InfercostError as error:
                skipped.append((row.id, error.what))
    return prepared, skipped


@cache
def stack_profile(framework: str, vendor: str) -> Preset:
    """The profile of a framework: the one whose ``frameworks`` label has the longest start of its name.

    One for a vendor's parts alone goes first there; ``realistic`` where no profile names the framework.
    """
    name, best, longest = framework.lower(), "realistic", (0, False)
    for profile in catalog.names("efficiency"):
        labels = catalog.load("efficiency", profile).labels
        starts, vendors = (labels.get(key, "").lower().split(", ") for key in ("frameworks", "vendors"))
        if any(vendors) and vendor.lower() not in vendors:
            continue
        length = max((len(start) for start in starts if start and name.startswith(start)), default=0)
        reach = length, bool(length) and any(vendors)
        if reach > longest:
            best, longest = profile, reach
    return complete(catalog.load("efficiency", best))


def source_of(row: Measured) -> str:
    """Who measured: the framework, or for MLPerf the accelerator, since a submission's stack is one of hundreds."""
    if row.id.startswith("mlperf"):
        return f"MLPerf {row.accelerator}"
    name = row.framework.partition(" (")[0]
    return f"{row.id.split('-')[0]} {name}".strip()[:28]


def _row(run: Prepared, profile: Preset | None) -> dict[str, Any]:
    """A measurement with its prediction under a profile, by default that of its own stack."""
    row = run.measured
    profile = profile or stack_profile(row.framework, run.part.labels.get("vendor", ""))
    predicted, bound = run.under(profile), run.at_best()
    return {
        "id": row.id,
        "source": row.source,
        "metric": row.metric,
        "predicted": predicted,
        "measured": row.value,
        "ratio": predicted / row.value,
        "bound": bound,
        "efficiency": profile.name,
    }


def _faster(cases: Sequence[Case]) -> int:
    """Measurements that are faster than the bound."""
    return sum(beats_bound(row["metric"], row["measured"], row["bound"]) for _, _, row, _ in cases)


def _ratios(rows: Iterable[dict[str, Any]]) -> list[float]:
    return [log_ratio(row["metric"], row["predicted"], row["measured"]) for row in rows]


def _errors(cases: Sequence[Case]) -> tuple[Errors, Errors | None]:
    """Errors under the profile and, where rows have one, under each row's own stack."""
    own = [case.own for case in cases if case.own]
    return errors(_ratios(case.row for case in cases)), errors(_ratios(own)) if own else None


def _results(cases: Sequence[Case], skipped: list[tuple[str, str]]) -> tuple[Row, ...]:
    error, own = _errors(cases)
    results = [
        Row("count", error.rows, "measurements predicted"),
        Row("median_abs_error", error.median, "of max(predicted / measured, measured / predicted) - 1"),
        Row("p90_abs_error", error.p90, "nine of ten are closer"),
        Row("below_bound_count", _faster(cases), "measurements faster than the ideal bound"),
        Row("skipped_count", len(skipped), "rows that cannot be expressed; the notes say why"),
    ]
    if own:
        results += [
            Row("stack_median_abs_error", own.median, "with the profile of each row's own stack"),
            Row("stack_p90_abs_error", own.p90, "nine of ten are closer"),
        ]
    return tuple(results)


def _summary(cases: Sequence[Case]) -> tuple[dict[str, Any], ...]:
    """A line a source, and one for each kind of table where there are several."""
    lines = []
    for group in dict.fromkeys(case.group for case in cases):
        inside = [case for case in cases if case.group == group]
        sources = sorted({case.source for case in inside})
        lines += [_line(source, [case for case in inside if case.source == source]) for source in sources]
        lines.append(_line(f"= {group or 'in all'}", inside))
    return tuple(lines)


def _line(label: str, cases: Sequence[Case]) -> dict[str, Any]:
    error, own = _errors(cases)
    ratios = sorted(_ratios(case.row for case in cases))
    line = {
        "label": label,
        "count": error.rows,
        "median_abs_error": error.median,
        "p90_abs_error": error.p90,
        "bias": exp(ratios[len(ratios) // 2]),
        "below_bound_count": _faster(cases),
    }
    return line | ({"stack_median_abs_error": own.median, "stack_p90_abs_error": own.p90} if own else {})


def _verdict(cases: Sequence[Case]) -> str:
    (error, own), faster = _errors(cases), _faster(cases)
    stack = f" ({show(own.median, 'share')} with the profile of its own stack)" if own else ""
    beaten = f"{faster} of {error.rows:,} measurements are faster than the bound" if faster else "none beats the bound"
    return (
        f"Half of {error.rows:,} measurements are within {show(error.median, 'share')} of the estimate{stack}, "
        f"nine of ten within {show(error.p90, 'share')}; {beaten}."
    )


def skips(skipped: list[tuple[str, str]]) -> list[Note]:
    """One note a reason, with the count of its rows and one of them."""
    why: dict[str, list[str]] = {}
    for name, reason in skipped:
        why.setdefault(reason, []).append(name)
    return [
        Note("skipped", f"{many(len(names), 'row')} left out: {reason} ({names[0]}{', ...' if len(names) > 1 else ''})")
        for reason, names in sorted(why.items(), key=lambda item: -len(item[1]))
    ]
