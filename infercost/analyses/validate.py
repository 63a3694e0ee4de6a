"""Predicted against measured: the error of the version that you have, on every measurement it can express."""

from collections.abc import Callable, Iterable
from functools import cache
from math import exp
from typing import Any

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

#: What is shipped: a step or request at a known batch, a request rate, a load as high as memory lets it be.
SHIPPED = {
    "steps": "a known batch",
    "served": "a known request rate",
    "filled": "a full memory",
    "mlperf": "MLPerf, a full memory",
}
Rows = tuple[dict[str, Any], ...]


def answer(scenario: Scenario) -> Report:
    """Every measured row of the shipped tables or of files, predicted, with the errors by source and in all.

    Raises:
        InfercostError: a file that cannot be read, or one without a row that can be predicted.
    """
    question, stack = scenario.question, scenario.stack
    groups = [_group(name, *read_table(path)) for name, path in _tables(question.words)]
    prepared = [(group, run) for group, runs, _ in groups for run in runs]
    skipped = [each for _, _, some in groups for each in some]
    if not prepared and not skipped:
        raise BadFile(f"{question.words[0]}: holds no row", "give a table with a row that can be predicted")
    if not prepared:
        raise Missing(f"no row can be predicted; {skipped[0][0]}: {skipped[0][1]}", "see the columns in docs/speed.md")
    twice = question.get("efficiency") is None
    tell = question.progress("measurements", len(prepared) * (1 + twice))
    rows = _predicted(prepared, stack, tell)
    own = _predicted(prepared, None, tell, len(rows)) if twice else None
    labels = [(group, source_of(run.measured)) for group, run in prepared]
    return Report(
        command="validate",
        verdict=_verdict(rows, own),
        inputs=scenario.inputs,
        results=_results(rows, own, skipped),
        series=Series(_columns(own), rows, shown=_summary(labels, rows, own)),
        notes=(*skips(skipped), *scenario.notes),
    )


def _tables(words: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """The tables to read: the files that were given, else those that are shipped."""
    if words:
        return [("", word) for word in words]
    folder = catalog.shipped() / "measurements"
    return [(why, str(folder / f"{name}.csv")) for name, why in SHIPPED.items()]


def _group(name: str, found: list[Measured], skipped: list[tuple[str, str]]) -> tuple[str, list[Prepared], list[Any]]:
    """Rows made ready, and the ids of those that cannot be expressed with the reason."""
    ready, out = [], list(skipped)
    for row in found:
        try:
            ready.append(prepare(row))
        except InfercostError as error:
            out.append((row.id, error.what))
    return name, ready, out


@cache
def stack_profile(framework: str, vendor: str) -> Preset:
    """The profile of a framework: the one whose ``frameworks`` label has the longest start of its name.

    One for a vendor's parts alone goes first there; the profile for everybody where no stack's own data support one.
    """
    wanted, best, longest = framework.lower(), "realistic", (0, False)
    for name in catalog.names("efficiency"):
        labels = catalog.load("efficiency", name).labels
        starts, vendors = (labels.get(key, "").lower().split(", ") for key in ("frameworks", "vendors"))
        if any(vendors) and vendor.lower() not in vendors:
            continue
        length = max((len(start) for start in starts if start and wanted.startswith(start)), default=0)
        reach = length, bool(length) and any(vendors)
        if reach > longest:
            best, longest = name, reach
    return complete(catalog.load("efficiency", best))


def source_of(row: Measured) -> str:
    """Who measured: the framework, or for MLPerf the part, since a submission's stack is one of hundreds."""
    if row.id.startswith("mlperf"):
        return f"MLPerf {row.accelerator}"
    name = row.framework.partition(" (")[0]
    return f"{row.id.split('-')[0]} {name}".strip()[:28]


def _predicted(
    prepared: list[tuple[str, Prepared]],
    profile: Preset | None,
    tell: Callable[[int], None] | None,
    before: int = 0,
) -> Rows:
    """A row a measurement, by the profile or by that of its own stack; ``tell`` hears how many there are."""
    rows = []
    for number, (_, run) in enumerate(prepared, before + 1):
        rows.append(_row(run, profile))
        if tell:
            tell(number)
    return tuple(rows)


def _row(run: Prepared, profile: Preset | None) -> dict[str, Any]:
    row = run.measured
    used = profile or stack_profile(row.framework, run.part.labels.get("vendor", ""))
    predicted, bound = run.under(used), run.at_best()
    return {
        "id": row.id,
        "source": row.source,
        "metric": row.metric,
        "predicted": predicted,
        "measured": row.value,
        "ratio": predicted / row.value,
        "bound": bound,
        "efficiency": used.name,
    }


def _faster(rows: Iterable[dict[str, Any]]) -> int:
    """How many measurements are faster than the bound."""
    return sum(beats_bound(row["metric"], row["measured"], row["bound"]) for row in rows)


def _errors(rows: Iterable[dict[str, Any]]) -> Errors:
    return errors([log_ratio(row["metric"], row["predicted"], row["measured"]) for row in rows])


def _results(
    rows: tuple[dict[str, Any], ...], own: tuple[dict[str, Any], ...] | None, skipped: list[Any]
) -> tuple[Row, ...]:
    found = _errors(rows)
    results = [
        Row("count", found.rows, "measurements predicted"),
        Row("median_abs_error", found.median, "of max(predicted / measured, measured / predicted) - 1"),
        Row("p90_abs_error", found.p90, "nine of ten are closer"),
        Row("below_bound_count", _faster(rows), "measurements faster than the ideal bound"),
        Row("skipped_count", len(skipped), "rows that cannot be expressed; the notes say why"),
    ]
    if own is not None:
        stack = _errors(own)
        results += [
            Row("stack_median_abs_error", stack.median, "with the profile of each row's own stack"),
            Row("stack_p90_abs_error", stack.p90, "nine of ten are closer"),
        ]
    return tuple(results)


def _columns(own: Any) -> tuple[str, ...]:
    stack = ("stack_median_abs_error", "stack_p90_abs_error") if own is not None else ()
    return ("label", "count", "median_abs_error", "p90_abs_error", *stack, "bias", "below_bound_count")


def _summary(labels: list[tuple[str, str]], rows: Rows, own: Rows | None) -> tuple[dict[str, Any], ...]:
    """A line a source, and one for each kind of table where there are several."""
    lines = []
    for group in dict.fromkeys(group for group, _ in labels):
        inside = [index for index, (each, _) in enumerate(labels) if each == group]
        for source in sorted({labels[index][1] for index in inside}):
            mine = [index for index in inside if labels[index][1] == source]
            lines.append(_line(source, mine, rows, own))
        lines.append(_line(f"= {group or 'in all'}", inside, rows, own))
    return tuple(lines)


def _line(label: str, chosen: list[int], rows: Any, own: Any) -> dict[str, Any]:
    some = [rows[index] for index in chosen]
    found = _errors(some)
    ratios = sorted(log_ratio(row["metric"], row["predicted"], row["measured"]) for row in some)
    line = {
        "label": label,
        "count": found.rows,
        "median_abs_error": found.median,
        "p90_abs_error": found.p90,
        "bias": exp(ratios[len(ratios) // 2]),
        "below_bound_count": _faster(some),
    }
    if own is not None:
        stack = _errors([own[index] for index in chosen])
        line |= {"stack_median_abs_error": stack.median, "stack_p90_abs_error": stack.p90}
    return line


def _verdict(rows: Rows, own: Any) -> str:
    found, faster = _errors(rows), _faster(rows)
    stack = f" ({show(_errors(own).median, 'share')} with the profile of its own stack)" if own is not None else ""
    beaten = f"{faster} of {found.rows:,} measurements are faster than the bound" if faster else "none beats the bound"
    return (
        f"Half of {found.rows:,} measurements are within {show(found.median, 'share')} of the estimate{stack}, "
        f"nine of ten within {show(found.p90, 'share')}; {beaten}."
    )


def skips(skipped: list[tuple[str, str]]) -> list[Note]:
    """One note a reason, with how many rows it holds back and one of them."""
    why: dict[str, list[str]] = {}
    for name, reason in skipped:
        why.setdefault(reason, []).append(name)
    return [
        Note("skipped", f"{many(len(names), 'row')} left out: {reason} ({names[0]}{', ...' if len(names) > 1 else ''})")
        for reason, names in sorted(why.items(), key=lambda item: -len(item[1]))
    ]
