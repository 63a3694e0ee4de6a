"""Predicted against measured: the error of this version on every measurement that it can express."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from math import exp, log
from statistics import median
from typing import Any, NamedTuple

from infercost.errors import BadFile, InfercostError, Missing
from infercost.evidence.fit import errors, halves
from infercost.evidence.predict import (
    Measured,
    Prepared,
    beats_bound,
    engine_name,
    is_rate,
    kind_of_row,
    log_ratio,
    model_of_run,
    not_covered,
    pairs,
    part_of_run,
    prepare,
    quantity,
    request_time,
    stack_of,
    unit_of,
)
from infercost.evidence.readers.record import Results, read_table
from infercost.parts import catalog
from infercost.parts.bands import band_of
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import law
from infercost.quantities import KEYS
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import Scenario
from infercost.units import digits, many, show

#: The tables that are shipped: closed loops and decode pools, arrivals at a rate, a known batch, a full memory, and
#: what was found later, to which nothing of the laws of vLLM and TensorRT-LLM is fitted.
SHIPPED = ("closed", "served", "load", "steps", "filled", "mlperf", "later")
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
    ("batch", "user"): "per token, one user",
    ("batch", "itl"): "per token, a batch",
    ("batch", "ttft"): "first token, a batch",
    ("batch", "rate"): "tokens/s, a batch",
    ("batch", "prompts"): "prompts alone",
    ("batch", "e2e"): "request, a batch",
    ("full", "rate"): "tokens/s, full memory",
    ("mlperf", "rate"): "MLPerf, full memory",
    ("draft", "itl"): "per token, with a draft",
    ("draft", "ttft"): "first token, with a draft",
    ("draft", "e2e"): "request, with a draft",
    ("draft", "rate"): "tokens/s, with a draft",
    ("later", "itl"): "per token, later",
    ("later", "ttft"): "first token, later",
    ("later", "rate"): "tokens/s, later",
    ("burst", "rate"): "apart: bursts",
}
#: What ``--by`` makes lines of, by the group of a number; of a kind an engine or a source.
BY = {"kind": "", "part": "engine_part", "model": "model"}
#: How many requests are in flight: the classes of their bands.
CLASSES = ((8, "1 to 8"), (64, "9 to 64"), (float("inf"), "above 64"))
#: Measurements of files, of a model or of a part that are shown one by one, and those that a sentence tells; what
#: differs by less is the same.
MOST_SHOWN, MOST_TOLD, LEAST_OFF = 12, 3, 0.0005
#: What a number is of, at the start of a line and behind the number.
WORDS = {"itl": "time per token", "ttft": "first token", "e2e": "whole request", "prompts": "prompts"}
#: Rates of a user and of a server: of what goes out, what goes in, or both.
RATES = {
    "tok_s_single_user": "one user",
    **dict.fromkeys(("output_tok_s", "output_tok_s_total"), "tokens out"),
    "output_tok_s_per_gpu": "out a device",
    "output_tok_s_per_node": "out a node",
    "total_tok_s": "in and out",
    "input_tok_s_per_gpu": "prompts a device",
    "input_tok_s_per_node": "prompts a node",
}
PER = {"itl": " a token", "ttft": " to the first token", "e2e": " a request", "gpu": " a device", "node": " a node"}
AS_MEASURED = KEYS["label"]._replace(head="what")
#: MLPerf states neither batch nor lengths of single requests: an estimate is good within this factor.
NEAR_MLPERF = 1.5


class Score(NamedTuple):
    """How far off a prediction is: logarithm of predicted over measured time, under the profile and the row's own.

    ``is_rate`` is whether the number is larger where it is faster; ``inside`` whether the measurement lies inside the
    band of its estimate, None where there is no band.
    """

    kind: str
    source: str
    groups: tuple[tuple[str, str], ...]
    ratio: float
    own: float | None
    is_rate: bool
    beaten: bool
    inside: bool | None

    @property
    def is_apart(self) -> bool:
        """Whether it counts in no total: throughput whose start and end are in it."""
        return self.kind == KINDS["burst", "rate"]


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
    prepared, skipped = _read(scenario)
    if not prepared and not skipped:
        raise BadFile(f"{scenario.question.words[0]}: holds no row", "give a table with a row that can be predicted")
    if not prepared:
        what = f"no row can be predicted; {skipped[0][0]}: {skipped[0][1]}"
        raise Missing(what, "infercost validate --help shows what can be stated beside a file: --model, --tp, --batch")
    cases = _cases(scenario, prepared)
    scores, rates = [case.score for case in cases], list(_rates(cases))
    asked = scenario.question.get("by")
    whose = _whose(scenario)
    few = (scenario.files or whose) and not asked and len(cases) <= MOST_SHOWN
    return Report(
        command="validate",
        verdict=_told(cases, whose) if few and len(cases) <= MOST_TOLD else _verdict(scenario, scores),
        inputs=scenario.inputs,
        results=_results(scores, rates, skipped),
        series=_one_by_one(cases, bool(whose)) if few else _grouped_series(cases, scores + rates, asked),
        notes=(*_derived(rates), *skips(skipped), *_uncovered([case.row for case in cases]), *scenario.notes),
    )


def _grouped_series(cases: Sequence[Case], scores: Sequence[Score], asked: str | None) -> Series:
    """The errors by kind of number, or by what was asked for; the rows are every measurement."""
    by = asked or "kind"
    lines = _summary(scores, by)
    columns = _columns(by, both=cases[0].own is not None)
    return Series(columns, tuple(case.row for case in cases), shown=lines, sheet=_sheet(lines) if asked else ())


def _one_by_one(cases: Sequence[Case], published: bool) -> Series:
    """Measured beside predicted, a line a measurement; of published ones whose run it is stands at the end, to wrap."""
    lines = tuple(
        {
            "label": f"{_what(case)}: {_where(case)}" if published else _what(case),
            "measured": _amount(case, case.row["measured"]),
            "predicted": _amount(case, case.row["predicted"]),
            "ratio": case.row["ratio"],
        }
        for case in cases
    )
    rows = tuple(case.row for case in cases)
    numbers = ("measured", "predicted", "ratio")
    columns = (*numbers, "label") if published else ("label", *numbers)
    return Series(columns, rows, shown=lines, keys={"label": AS_MEASURED})


def _where(case: Case) -> str:
    """Whose run a published measurement is of: model and format, devices, engine and release."""
    row, site = case.run.measured, case.run.site
    devices = counted(row.devices, site.part.name) if row.devices else site.part.name
    return f"{site.work.model.name} ({row.weight_dtype}) on {devices}, {row.framework}".replace(" ()", "")


def _what(case: Case) -> str:
    """What a measurement is of: the quantity, with the load and the lengths that its run says."""
    row = case.run.measured
    words = RATES.get(row.metric) or WORDS.get(quantity(row.metric), row.metric)
    load = f"batch {row.batch:g}" if row.batch else f"{row.request_rate:.3g}/s" if row.request_rate else ""
    lengths = "/".join(f"{tokens:,.0f}" for tokens in (row.input_tokens, row.output_tokens) if tokens)
    return ", ".join(filter(None, (words, load, lengths)))


def _amount(case: Case, value: float) -> str:
    """A number of a measurement's metric in its unit."""
    metric = case.run.measured.metric
    return f"{digits(value)} tokens/s" if is_rate(metric) else show(value * unit_of(metric), "s")


def _told(cases: Sequence[Case], whose: str) -> str:
    """Each measurement of a few beside its prediction, in a sentence; published ones with what they are of."""
    told, by = list[str](), ""
    for case in cases:
        row, metric, off = case.row, case.row["metric"], case.row["ratio"] - 1
        measured, predicted = (_amount(case, row[key]) for key in ("measured", "predicted"))
        per = PER.get(metric.rpartition("_")[2] if is_rate(metric) else quantity(metric), "")
        far = f"{show(abs(off), 'share')} {'more' if off > 0 else 'less'} than" if abs(off) >= LEAST_OFF else "as"
        under = f" by {row['efficiency']}" if row["efficiency"] != by else ""
        beaten = ", and the measurement is faster than the bound" if case.score.beaten else ""
        told.append(f"{measured}{per}, predicted {predicted}{under}, {far} measured{beaten}")
        by = row["efficiency"]
    return f"Measured{f' of{whose}:' if whose else ''} {'; '.join(told)}."


def _cases(scenario: Scenario, prepared: list[Prepared]) -> list[Case]:
    both = scenario.question.get("efficiency") is None and scenario.stack is not None
    progress = scenario.question.progress("measurements", len(prepared)) or (lambda _: None)
    cases = []
    for number, run in enumerate(prepared, 1):
        cases.append(_case(run, scenario.stack, both=both))
        progress(number)
    return cases


def _read(scenario: Scenario) -> tuple[list[Prepared], list[tuple[str, str]]]:
    """The rows of the given files, else of the shipped tables, of the part and model that were named; skipped with why.

    Raises:
        Missing: nobody measured that model on that part, or what no row states.
    """
    folder = catalog.shipped() / "measurements"
    prepared, skipped, failed = [], [], []
    for results in scenario.files or _of_place(scenario, [read_table(str(folder / f"{name}.csv")) for name in SHIPPED]):
        skipped += results.skipped
        for row in results.measured:
            try:
                prepared.append(prepare(row))
            except InfercostError as error:
                failed.append((row.id, error))
    if failed and not prepared:
        name, first = failed[0]
        raise Missing(f"no row can be predicted; {name}: {first.what}", first.hint)
    return prepared, skipped + [(name, error.what) for name, error in failed]


def _of_place(scenario: Scenario, tables: list[Results]) -> list[Results]:
    """The tables with the rows of the part and the model that were named, of so many devices where they were counted.

    Raises:
        Missing: there is none, with where there are some.
    """
    model = scenario.question.get("model")
    if model is None and not scenario.parts:
        return tables
    name = model and model_of_run(str(model)).name
    ((part, count),) = scenario.parts or ((None, None),)
    of_model = [row for table in tables for row in table.measured if name in (None, _model_name(row))]
    found = [
        row
        for row in of_model
        if (part is None or _part_name(row) == part.name) and (count is None or row.devices == count)
    ]
    if not found:
        what = f"no measurement is of{_whose(scenario)}"
        raise Missing(what, _measured_beside(name, of_model, part))
    return [Results(found, [])]


def _measured_beside(name: str | None, of_model: list[Measured], part: Preset | None) -> str:
    """Where a model was measured, or what shows which were."""
    parts = sorted({_part_name(row) for row in of_model} - {"", part.name if part else ""})
    if name and parts:
        return f"{name} was measured on {', '.join(parts)}"
    return f"see which were: infercost validate --by {'part' if part and not name else 'model'}"


def _whose(scenario: Scenario) -> str:
    """Of which model on which part measurements are, in words; empty for all."""
    if scenario.files:
        return ""
    model = scenario.question.get("model")
    words = f" {model_of_run(str(model)).name}" if model else ""
    for part, count in scenario.parts:
        words += f"{' on' if words else ''}{f' {count} x' if count else ''} {part.name}"
    return words


@cache
def _name_or_nothing(find: Callable[[str], Any], name: str) -> str:
    try:
        return str(find(name).name)
    except InfercostError:  # a row that cannot be expressed
        return ""


def _model_name(row: Measured) -> str:
    return _name_or_nothing(model_of_run, row.model)


def _part_name(row: Measured) -> str:
    return _name_or_nothing(part_of_run, row.accelerator)


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
        source=_source(run),
        groups=_groups(run),
        ratio=log_ratio(row.metric, shown["predicted"], row.value),
        own=log_ratio(row.metric, own, row.value) if own else None,
        is_rate=is_rate(row.metric),
        beaten=beats_bound(row.metric, row.value, shown["bound"]),
        inside=None if low is None else low <= row.value <= high,
    )


def _band(run: Prepared, profile: Preset, own: Preset, predicted: float) -> tuple[float | None, float | None]:
    """The numbers between which eight of ten measurements of this kind lie; none for engines of before 2025."""
    row, kind = run.measured, kind_of_row(run.measured)
    alike = law(own) == law(profile)
    band = band_of(profile, run.site.part, kind, sparse=run.site.work.model.is_sparse) if alike else None
    if band is None or not_covered(run, own):
        return None, None
    if is_rate(row.metric):
        return predicted / band.high, predicted / band.low
    return predicted * band.low, predicted * band.high


def _kind(row: Measured) -> str:
    protocol, what = row.protocol, quantity(row.metric)
    if row.draft and what != "prompts":
        protocol = "draft"
    if protocol == "batch":
        what = what if row.kind else ""
        what = "user" if row.kind == "llama_bench" and what == "itl" else what
    if row.is_held_out and protocol == "closed":
        protocol = "later"
    if protocol == "full" and row.id.startswith("mlperf"):
        protocol = "mlperf"
    if protocol == "rate" and row.random:
        protocol = "random"
    if protocol == "closed" and what == "ttft" and row.statistic == "median":
        what = "steady"
    return KINDS.get((protocol, what), f"{what}, {protocol}")


def _source(run: Prepared) -> str:
    """Whose numbers a line of the table counts: an engine's, or at a known batch a source's; MLPerf's by part."""
    row = run.measured
    if row.id.startswith("mlperf"):
        return row.accelerator
    if row.protocol in ("batch", "full") and not row.kind:
        return f"{row.id.split('-')[0]} {row.framework.partition(' (')[0]}".strip()[:24]
    engine, vendor = engine_name(row.framework), run.site.part.labels.get("vendor", "")
    return f"{engine} on AMD" if vendor == "AMD" and "llama.cpp" not in engine else engine


def _groups(run: Prepared) -> tuple[tuple[str, str], ...]:
    row, part = run.measured, run.site.part.name
    engine = engine_name(row.framework)
    groups = [("engine", engine), ("part", part), ("model", run.site.work.model.name)]
    groups.append(("engine_part", f"{engine} on {part}"))
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
    row, profile, inside = gap.run.measured, gap.profile, None
    if gap.row["low"] is not None:
        band = band_of(profile, gap.run.site.part, "tokens_per_s", sparse=gap.run.site.work.model.is_sparse)
        inside = band.low <= measured / predicted <= band.high if band else None
    return gap.score._replace(
        kind=KINDS["draft" if row.draft else "later" if row.is_held_out else "closed", "rate"],
        ratio=log(predicted / measured),
        own=log(request(lambda case: case.own) / measured) if gap.own else None,
        beaten=False,
        inside=inside,
    )


def _errors(scores: Sequence[Score]) -> dict[str, Any]:
    """Errors of some scores, by the names of results; the share inside their bands is of those that have one."""
    inside = [score.inside for score in scores if score.inside is not None]
    return {
        "count": len(scores),
        **_spread(scores, [score.ratio for score in scores]),
        "median_ratio": exp(median(score.ratio for score in scores)),
        "within_band": sum(inside) / len(inside) if inside else None,
        "below_bound_count": sum(score.beaten for score in scores),
    }


def _own_errors(scores: Sequence[Score]) -> dict[str, float]:
    """Errors under each row's own stack, nothing where only one profile was asked for."""
    own = [score.own for score in scores if score.own is not None]
    return {f"stack_{key}": value for key, value in _spread(scores, own).items()} if own else {}


def _spread(scores: Sequence[Score], ratios: Sequence[float]) -> dict[str, float]:
    """How far off half and nine of ten are: the larger of two times over the smaller, and predicted over measured."""
    signs = [-1 if score.is_rate else 1 for score in scores]
    found = errors(ratios)
    middle, most = halves([abs(exp(sign * ratio) - 1) for sign, ratio in zip(signs, ratios, strict=True)])
    return {
        "median_abs_error": found.median,
        "p90_abs_error": found.p90,
        "median_relative_error": middle,
        "p90_relative_error": most,
    }


def _results(scores: list[Score], rates: list[Score], skipped: list[tuple[str, str]]) -> tuple[Row, ...]:
    counted, apart = _in_totals(scores)
    all_of_them, own = _errors(counted), _own_errors(counted)
    remarks = {
        "count": "measurements predicted",
        "median_abs_error": "of max(predicted / measured, measured / predicted) - 1",
        "p90_abs_error": "nine of ten are closer",
        "median_relative_error": "of |predicted / measured - 1|",
        "p90_relative_error": "nine of ten are closer",
        "median_ratio": "time, half of the estimates are longer",
        "within_band": "of eight in ten that should be",
        "below_bound_count": "measurements faster than the ideal bound",
    }
    results = [
        Row(key, value, remarks[key], value is not None and "relative" not in key) for key, value in all_of_them.items()
    ]
    results.append(Row("skipped_count", len(skipped), "rows that cannot be expressed; the notes say why"))
    if apart:
        results.append(Row("apart_count", apart, "throughput of bursts, start and end included: in no total"))
    whose = dict.fromkeys(own, "nine of ten are closer") | {"stack_median_abs_error": "with each row's own profile"}
    results += [Row(key, value, whose[key], shown="relative" not in key) for key, value in own.items()]
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
            label = f"{score.kind}: {name}" if by == "engine_part" else name
            members.setdefault(by, {}).setdefault(label, []).append(score)
    return {
        by: {name: _errors(inside) | _own_errors(inside) for name, inside in sorted(groups.items())}
        for by, groups in members.items()
    }


def _columns(by: str, *, both: bool) -> tuple[str, ...]:
    """The columns of the table: by kind of both profiles where both are asked."""
    if by != "kind":
        return "label", "count", "median_relative_error", "p90_relative_error", "median_ratio", "within_band"
    beside = ("stack_median_abs_error", "stack_p90_abs_error") if both else ()
    ends = ("median_ratio", "within_band", "below_bound_count")
    return "label", "count", "median_abs_error", "p90_abs_error", *beside, *ends


def _summary(scores: Sequence[Score], by: str) -> tuple[dict[str, Any], ...]:
    """A line a kind of number; before it one for each engine, source or what is asked for, where there are several."""
    if name := BY[by]:
        scores = [score._replace(source=dict(score.groups)[name]) for score in scores]
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


def _in_totals(scores: Sequence[Score]) -> tuple[list[Score], int]:
    """The scores that totals count, and how many are apart; all where nothing else is there."""
    counted = [score for score in scores if not score.is_apart] or list(scores)
    return counted, len(scores) - len(counted)


def _sheet(lines: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The lines as rows of a CSV: each with its kind, and a name of its own, or ``all``."""
    rows, pending = list[dict[str, Any]](), list[Mapping[str, Any]]()
    for line in lines:
        pending.append(line)
        if line["label"].startswith("= "):
            kind = line["label"].removeprefix("= ")
            rows += [{"kind": kind, **each, "label": "all" if each is line else each["label"]} for each in pending]
            pending = []
    return tuple(rows)


def _derived(rates: Sequence[Score]) -> Iterator[Note]:
    """That the rates of closed loops are no measurements of their own."""
    if rates:
        text = f"tokens/s of {many(len(rates), 'closed loop')} follow from their two times, and are not counted again"
        yield Note("derived", text)


def _verdict(scenario: Scenario, scores: Sequence[Score]) -> str:
    (scores, _), whose = _in_totals(scores), _whose(scenario)
    error, own = _errors(scores), _own_errors(scores)
    faster, rows = error["below_bound_count"], error["count"]
    stack = f" ({show(own['stack_median_abs_error'], 'share')} with the profile of its own stack)" if own else ""
    stack = " by the profile of its own stack" if scenario.stack is None else stack
    what = many(rows, "measurement") + (whose and f" of{whose}")
    beaten = (
        f"{faster} of {rows:,} measurements {'is' if faster == 1 else 'are'} faster than the bound"
        if faster
        else "none beats the bound"
    )
    return (
        f"Half of {what} are within {show(error['median_abs_error'], 'share')} of the estimate{stack}, "
        f"nine of ten within {show(error['p90_abs_error'], 'share')}; {beaten}.{_both_times(scores)}"
    )


def _both_times(scores: Sequence[Score]) -> str:
    """How far off the times of a token and of the first one are, and on which side, where both were measured."""
    each = {time: [score for score in scores if score.kind.startswith(time)] for time in ("per token", "first token")}
    if not all(each.values()):
        return ""
    (off, ratio), (first_off, first_ratio) = (
        (show(error["median_abs_error"], "share"), show(error["median_ratio"], "x"))
        for error in map(_errors, each.values())
    )
    one = f"A token's estimated time is {ratio} the measured one in the median (off by {off})"
    return f" {one}, the first token's {first_ratio} ({first_off})."


def _uncovered(rows: Sequence[Mapping[str, Any]]) -> Iterator[Note]:
    """How many rows have no interval, one note a reason."""
    for reason, count in Counter(row["not_covered"] for row in rows if row["not_covered"]).items():
        yield Note("not-covered", f"{many(count, 'row')} without an interval: {reason}")


def skips(skipped: list[tuple[str, str]]) -> list[Note]:
    """One note a reason, with the count of its rows and one of them."""
    why: dict[str, list[str]] = {}
    for name, reason in skipped:
        why.setdefault(reason, []).append(name)
    return [
        Note("skipped", f"{many(len(names), 'row')} left out: {reason} ({names[0]}{', ...' if len(names) > 1 else ''})")
        for reason, names in sorted(why.items(), key=lambda item: -len(item[1]))
    ]
