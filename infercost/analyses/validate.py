"""Predicted against measured: the error of this version on every measurement that it can express."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import exp, log
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from infercost.errors import BadFile, InfercostError, Missing
from infercost.evidence.engines import engine_name, stack_of
from infercost.evidence.fit import errors
from infercost.evidence.measured import Measured
from infercost.evidence.predict import (
    Prepared,
    beats_bound,
    is_rate,
    kind_of_row,
    log_ratio,
    not_covered,
    pairs,
    prepare,
    quantity,
    request_time,
)
from infercost.evidence.readers.table import read_table
from infercost.parts import catalog
from infercost.parts.bands import band_of
from infercost.parts.preset import Preset
from infercost.parts.stack import law
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

if TYPE_CHECKING:
    from infercost.evidence.readers.run import Results

#: The tables that are shipped: closed loops and decode pools, arrivals at a rate, a known batch, a full memory.
SHIPPED = ("closed", "served", "load", "steps", "filled", "mlperf")
#: What the rows of a protocol measure, in the order of the table; the first token of a closed loop has two.
KINDS = {
    ("closed", "itl"): "per token, closed loop",
    ("closed", "ttft"): "first token, all at once",
    ("closed", "steady"): "first token, steady",
    ("closed", "e2e"): "request, closed loop",
    ("closed", "rate"): "tokens/s, closed loop",
    ("pool", "itl"): "per token, decode pool",
    ("rate", "itl"): "per token, arrivals",
    ("rate", "ttft"): "first token, arrivals",
    ("rate", "e2e"): "request, arrivals",
    ("rate", "rate"): "tokens/s, arrivals",
    ("random", "itl"): "per token, Poisson",
    ("random", "ttft"): "first token, Poisson",
    ("peak", "rate"): "tokens/s, peak of load",
    ("batch", ""): "a known batch",
    ("full", "rate"): "tokens/s, full memory",
    ("mlperf", "rate"): "MLPerf, full memory",
}
#: How many requests are in flight: the classes of their bands.
CLASSES = ((8, "1 to 8"), (64, "9 to 64"), (float("inf"), "above 64"))
#: MLPerf states neither batch nor lengths of single requests: an estimate is good within this factor.
NEAR_MLPERF = 1.5


class Score(NamedTuple):
    """How far off a prediction is: logarithm of predicted over measured time, under the profile and the row's own.

    ``inside`` is whether the measurement lies inside the band of its estimate, None where there is no band.
    """

    kind: str
    source: str
    groups: tuple[tuple[str, str], ...]
    ratio: float
    own: float | None
    beaten: bool
    inside: bool | None


class Case(NamedTuple):
    """A measurement, its row under a profile, by default also its prediction under its own stack, and its score."""

    run: Prepared
    profile: Preset
    row: dict[str, Any]
    own: float | None
    score: Score


def answer(scenario: Scenario) -> Report:
    """Every measured row of the shipped tables or of files, predicted, with the errors by kind of number and in all.

    Raises:
        InfercostError: a file that cannot be read, or one without a row that can be predicted.
    """
    prepared, skipped = _read(scenario.files)
    if not prepared and not skipped:
        raise BadFile(f"{scenario.question.words[0]}: holds no row", "give a table with a row that can be predicted")
    if not prepared:
        raise Missing(f"no row can be predicted; {skipped[0][0]}: {skipped[0][1]}", "see the columns in docs/speed.md")
    cases = _cases(scenario, prepared)
    scores, rates = [case.score for case in cases], list(_rates(cases))
    beside = ("stack_median_abs_error", "stack_p90_abs_error") if cases[0].own else ()
    columns = ("label", "count", "median_abs_error", "p90_abs_error", *beside, "median_ratio", "within_band")
    rows, lines = tuple(case.row for case in cases), _summary(scores + rates)
    return Report(
        command="validate",
        verdict=_verdict(scores),
        inputs=scenario.inputs,
        results=_results(scores, rates, skipped),
        series=Series((*columns, "below_bound_count"), rows, shown=lines),
        notes=(*skips(skipped), *_uncovered(rows), *scenario.notes),
    )


def _cases(scenario: Scenario, prepared: list[Prepared]) -> list[Case]:
    both = scenario.question.get("efficiency") is None
    progress = scenario.question.progress("measurements", len(prepared)) or (lambda _: None)
    cases = []
    for number, run in enumerate(prepared, 1):
        cases.append(_case(run, scenario.stack, both=both))
        progress(number)
    return cases


def _read(files: "tuple[Results, ...]") -> tuple[list[Prepared], list[tuple[str, str]]]:
    """The rows of the given files, else of the shipped tables; skipped ids with why."""
    folder = catalog.shipped() / "measurements"
    prepared, skipped = [], []
    for results in files or [read_table(str(folder / f"{name}.csv")) for name in SHIPPED]:
        skipped += results.skipped
        for row in results.measured:
            try:
                prepared.append(prepare(row))
            except InfercostError as error:
                skipped.append((row.id, error.what))
    return prepared, skipped


def _case(run: Prepared, profile: Preset | None, *, both: bool) -> Case:
    """A measurement with its prediction under a profile, by default that of its own stack, or under both."""
    row, own = run.measured, stack_of(run.measured, run.site.part.labels.get("vendor", ""))
    chosen = profile or own
    predicted, bound = run.under(chosen), run.at_best()
    low, high = _band(run, chosen, own, predicted)
    beside = run.under(own) if both else None
    shown = {
        "id": row.id,
        "source": row.source,
        "metric": row.metric,
        "predicted": predicted,
        "measured": row.value,
        "ratio": predicted / row.value,
        "bound": bound,
        "low": low,
        "high": high,
        "efficiency": chosen.name,
        "not_covered": not_covered(run, own) or None,
    }
    return Case(run, chosen, shown, beside, _score(run, shown, beside))


def _score(run: Prepared, shown: dict[str, Any], own: float | None) -> Score:
    row, low, high = run.measured, shown["low"], shown["high"]
    return Score(
        kind=_kind(row),
        source=_source(row),
        groups=_groups(run),
        ratio=log_ratio(row.metric, shown["predicted"], row.value),
        own=log_ratio(row.metric, own, row.value) if own else None,
        beaten=beats_bound(row.metric, row.value, shown["bound"]),
        inside=None if low is None else low <= row.value <= high,
    )


def _band(run: Prepared, profile: Preset, own: Preset, predicted: float) -> tuple[float | None, float | None]:
    """The numbers between which eight of ten measurements of this kind lie; none for engines of before 2025."""
    row, kind = run.measured, kind_of_row(run.measured)
    band = band_of(profile, kind, sparse=run.site.work.model.is_sparse) if law(own) == law(profile) else None
    if band is None or not_covered(run, own):
        return None, None
    if is_rate(row.metric):
        return predicted / band.high, predicted / band.low
    return predicted * band.low, predicted * band.high


def _kind(row: Measured) -> str:
    protocol, what = row.protocol, quantity(row.metric)
    if protocol == "batch":
        return KINDS["batch", ""]
    if protocol == "full" and row.id.startswith("mlperf"):
        protocol = "mlperf"
    if protocol == "rate" and row.random:
        protocol = "random"
    if protocol == "closed" and what == "ttft" and row.statistic == "median":
        what = "steady"
    return KINDS.get((protocol, what), f"{what}, {protocol}")


def _source(row: Measured) -> str:
    """Whose numbers a line of the table counts: an engine's, or at a known batch a source's; MLPerf's by part."""
    if row.id.startswith("mlperf"):
        return row.accelerator
    if row.protocol in ("batch", "full"):
        return f"{row.id.split('-')[0]} {row.framework.partition(' (')[0]}".strip()[:24]
    return engine_name(row.framework)


def _groups(run: Prepared) -> tuple[tuple[str, str], ...]:
    row = run.measured
    groups = [("engine", engine_name(row.framework)), ("part", run.site.part.name), ("model", run.site.work.model.name)]
    if row.batch:
        groups.append(("concurrency", next(name for most, name in CLASSES if row.batch <= most)))
    return tuple(groups)


def _rates(cases: Sequence[Case]) -> Iterator[Score]:
    """Tokens per second of closed loops, derived where both times of a run are given."""
    by_run = {id(case.run): case for case in cases}
    for (gap, _), (first, _) in pairs((case.run, 0.0) for case in cases):
        yield _rate(by_run[id(gap)], by_run[id(first)])


def _rate(gap: Case, first: Case) -> Score:
    def request(of: Callable[[Case], float | None]) -> float:
        return request_time(gap.run, of(gap) or 0.0, first.run, of(first) or 0.0)

    measured = request(lambda case: case.run.measured.value)
    predicted = request(lambda case: case.row["predicted"])
    profile, inside = gap.profile, None
    if gap.row["low"] is not None:
        band = band_of(profile, "tokens_per_s", sparse=gap.run.site.work.model.is_sparse)
        inside = band.low <= measured / predicted <= band.high if band else None
    return gap.score._replace(
        kind=KINDS["closed", "rate"],
        ratio=log(predicted / measured),
        own=log(request(lambda case: case.own) / measured) if gap.own else None,
        beaten=False,
        inside=inside,
    )


def _errors(scores: Sequence[Score]) -> dict[str, Any]:
    """Errors of some scores, by the names of results; the share inside their bands is of those that have one."""
    found = errors([score.ratio for score in scores])
    inside = [score.inside for score in scores if score.inside is not None]
    return {
        "count": found.rows,
        "median_abs_error": found.median,
        "p90_abs_error": found.p90,
        "median_ratio": exp(median(score.ratio for score in scores)),
        "within_band": sum(inside) / len(inside) if inside else None,
        "below_bound_count": sum(score.beaten for score in scores),
    }


def _own_errors(scores: Sequence[Score]) -> dict[str, float]:
    """Errors under each row's own stack, nothing where only one profile was asked for."""
    own = [score.own for score in scores if score.own is not None]
    if not own:
        return {}
    found = errors(own)
    return {"stack_median_abs_error": found.median, "stack_p90_abs_error": found.p90}


def _results(scores: list[Score], rates: list[Score], skipped: list[tuple[str, str]]) -> tuple[Row, ...]:
    all_of_them, own = _errors(scores), _own_errors(scores)
    remarks = {
        "count": "measurements predicted",
        "median_abs_error": "of max(predicted / measured, measured / predicted) - 1",
        "p90_abs_error": "nine of ten are closer",
        "median_ratio": "time, half of the estimates are longer",
        "within_band": "of eight in ten that should be",
        "below_bound_count": "measurements faster than the ideal bound",
    }
    results = [
        Row(key, value, remarks[key] if value is not None else "no estimate has a band here", value is not None)
        for key, value in all_of_them.items()
    ]
    results.append(Row("skipped_count", len(skipped), "rows that cannot be expressed; the notes say why"))
    if own:
        results += [
            Row("stack_median_abs_error", own["stack_median_abs_error"], "with the profile of each row's own stack"),
            Row("stack_p90_abs_error", own["stack_p90_abs_error"], "nine of ten are closer"),
        ]
    mlperf = [score for score in scores if score.kind == KINDS["mlperf", "rate"]]
    if mlperf:
        near = sum(abs(score.ratio if score.own is None else score.own) < log(NEAR_MLPERF) for score in mlperf)
        results.append(Row("mlperf_near_share", near / len(mlperf), "an estimate without a known batch"))
    return (*results, Row("groups", _grouped(scores, rates), shown=False))


def _grouped(scores: list[Score], rates: list[Score]) -> dict[str, dict[str, Any]]:
    """Errors by kind of number, each line of the table, engine, part, model and requests in flight."""
    members: dict[str, dict[str, list[Score]]] = {"kind": {}, "line": {}}
    for score in scores + rates:
        members["kind"].setdefault(score.kind, []).append(score)
        members["line"].setdefault(f"{score.kind}: {score.source}", []).append(score)
    for score in scores:
        for by, name in score.groups:
            members.setdefault(by, {}).setdefault(name, []).append(score)
    return {
        by: {name: _errors(inside) | _own_errors(inside) for name, inside in sorted(groups.items())}
        for by, groups in members.items()
    }


def _summary(scores: Sequence[Score]) -> tuple[dict[str, Any], ...]:
    """A line a kind of number; before it one for each engine or source where there are several."""
    lines = []
    order = list(KINDS.values())
    for kind in sorted({score.kind for score in scores}, key=lambda kind: order.index(kind) if kind in order else 99):
        inside = [score for score in scores if score.kind == kind]
        sources = sorted({score.source for score in inside}, key=str.lower)
        if len(sources) > 1:
            lines += [_line(source, [score for score in inside if score.source == source]) for source in sources]
        lines.append(_line(f"= {kind}", inside))
    return tuple(lines)


def _line(label: str, scores: Sequence[Score]) -> dict[str, Any]:
    return {"label": label, **_errors(scores), **_own_errors(scores)}


def _verdict(scores: Sequence[Score]) -> str:
    error, own = _errors(scores), _own_errors(scores)
    faster, rows = error["below_bound_count"], error["count"]
    stack = f" ({show(own['stack_median_abs_error'], 'share')} with the profile of its own stack)" if own else ""
    beaten = f"{faster} of {rows:,} measurements are faster than the bound" if faster else "none beats the bound"
    return (
        f"Half of {rows:,} measurements are within {show(error['median_abs_error'], 'share')} of the estimate{stack}, "
        f"nine of ten within {show(error['p90_abs_error'], 'share')}; {beaten}."
    )


def _uncovered(rows: Sequence[Mapping[str, Any]]) -> Iterator[Note]:
    """How many rows no law covers, one note a reason."""
    for reason, count in Counter(row["not_covered"] for row in rows if row["not_covered"]).items():
        yield Note("not-covered", f"{many(count, 'row')} outside all bands, which no law covers: {reason}")


def skips(skipped: list[tuple[str, str]]) -> list[Note]:
    """One note a reason, with the count of its rows and one of them."""
    why: dict[str, list[str]] = {}
    for name, reason in skipped:
        why.setdefault(reason, []).append(name)
    return [
        Note("skipped", f"{many(len(names), 'row')} left out: {reason} ({names[0]}{', ...' if len(names) > 1 else ''})")
        for reason, names in sorted(why.items(), key=lambda item: -len(item[1]))
    ]
