"""A profile of one's own stack: the few constants that benchmark results determine, fitted to them."""

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from infercost.analyses.validate import skips
from infercost.errors import BadValue, InfercostError, Missing
from infercost.evidence.fit import SCATTERED, Fit, candidates_of, fit, obstacles, range_of
from infercost.evidence.predict import Measured, Prepared, beats_bound, is_rate, log_ratio, prepare
from infercost.parts import catalog
from infercost.parts.preset import Fact, Preset
from infercost.parts.stack import FIGURES, KINDS, LEFT_OUT, SHARED, complete, law
from infercost.report import File, Note, Report, Row, Series
from infercost.scenario.runs import AS_TIMED
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

#: The date of a source that has none: a fit is as old as its measurements, whose tools mostly do not say.
UNDATED = "undated"
#: A single measurement would be met by any constant.
ENOUGH = 2
#: Why a mean end-to-end latency is no third measurement of a run; medians do not add up.
FOLLOWS = "follows from the first token's time and the gap between tokens, which are there"
#: Constants that go first where another one went to the edge of its range, as it does when one of these differs.
RIVALS = {
    "roofline": ("kernel_time", "step_overhead"),
    "kernels": ("step_overhead", "bandwidth_scale"),
    "llama.cpp": ("layer_launch", "compute_share"),
}
#: A fit that leaves half of the measurements further off than this, or one of ten further than that, explains nothing.
WORST_MEDIAN, WORST_P90 = 0.5, 4.0
#: A fit as near as this needs no other constant, whatever edge it went to.
GOOD_MEDIAN = 0.1
#: Labels that a profile may have of its own.
LABELS = ("engine", "memory", "prompts", "experts_kernel", "products_kernel")
#: A constant this near to an end of its range is at its edge, as a share of the range.
EDGE = 0.01
#: Measurements for each constant of a fit: a single one would be met in any case.
EACH = 2
TOO_FEW, UNCERTAIN = "too few measurements", "too uncertain"
MORE = "measure at several batches (1, 8, 64) and prompt lengths, a file each: all can be given at once"
CHECK = "see whether --gpu, --model, --dtype, --tp and --batch are those of the run"


class Runs(NamedTuple):
    """Measurements ready for predictions, the count of skipped rows, notes on these, and the files in words."""

    ready: list[Prepared]
    skipped: int
    notes: list[Note]
    text: str


def answer(scenario: Scenario) -> Report:
    """The profile that comes nearest to measurements, with its error before and after.

    Raises:
        InfercostError: a file or name that cannot be used, measurements that are too few, faster than the hardware
            or not explained by the model, or SciPy is not installed.
    """
    base, path = scenario.calibration
    runs = read_runs(scenario)
    reasons, best = _best(runs, base)
    if best.after.half > WORST_MEDIAN or best.after.p90 > WORST_P90:
        far = max(best.after.half, best.after.median)
        raise BadValue(
            f"even fitted, half of {many(best.after.rows, 'measurement')} are off by more than "
            f"{show(far, 'share')}: this model does not explain them",
            f"{CHECK}, or {MORE}" if TOO_FEW in reasons.values() else CHECK,
        )
    table = tuple(_constant(key, reasons[key], base, best) for key in candidates_of(base))
    name, (rows, median, p90, _) = Path(path or "my-stack.yaml").stem, best.after
    near = f"half of {rows} measurements are within {median:.1%}, nine of ten within {p90:.1%}"
    return Report(
        command="calibrate",
        verdict=_verdict(best, _edges(table)),
        inputs=scenario.inputs,
        results=_results(best, reasons, runs),
        series=Series(("constant", "before", "after", "range", "remark"), table, shown=tuple(map(_shown, table))),
        notes=(*_notes(path, table, rows), *runs.notes, *scenario.notes),
        file=File(path, profile_text(best.profile, name, runs.text, near)),
    )


def read_runs(scenario: Scenario) -> Runs:
    """The usable measurements of the files.

    Raises:
        InfercostError: a file or name that cannot be used, too few measurements, or one that no hardware allows.
    """
    (rows, skipped), ready, failed = _read(scenario), [], []
    for row in rows:
        try:
            ready.append(_prepared(row))
        except InfercostError as error:
            failed.append((row.id, error))
    skipped += [(name, problem.what) for name, problem in failed]
    if failed and not ready:
        name, first = failed[0]
        raise Missing(f"no row can be used; {name}: {first.what}", first.hint)
    _refuse_impossible(ready)
    if len(ready) < ENOUGH:
        raise Missing(
            f"{many(len(ready), 'measurement')} {'is' if len(ready) == 1 else 'are'} too few to fit: "
            f"{ENOUGH} are the least",
            "measure at several batches (1, 8, 64) and prompt lengths, and give all files at once; what one says: "
            "infercost utilization --batch N --measured-tokens-per-s X",
        )
    words = scenario.question.words
    names = ", ".join(dict.fromkeys("standard input" if word == "-" else Path(word).name for word in words))
    return Runs(ready, len(skipped), skips(skipped), f"{many(len(ready), 'measurement')} of {names}")


def _read(scenario: Scenario) -> tuple[list[Measured], list[tuple[str, str]]]:
    """Rows of all files, and skipped ids with why."""
    rows: list[Measured] = []
    skipped: list[tuple[str, str]] = []
    for results in scenario.files:
        skipped += results.skipped
        known = {row.id for row in results.measured}
        for row in results.measured:
            if (
                row.metric == "e2e"
                and not row.statistic
                and known.issuperset(f"{row.id.removesuffix('e2e')}{part}" for part in ("itl", "ttft"))
            ):
                skipped.append((row.id, FOLLOWS))
            else:
                rows.append(row)
    return rows, skipped


def _prepared(row: Measured) -> Prepared:
    """A measurement ready for predictions.

    Raises:
        InfercostError: it cannot be expressed, or a profile cannot be fitted to it.
    """
    run = prepare(row)
    if row.draft or "speculative decoding" in row.notes:
        raise BadValue("speculative decoding, which a profile does not hold", "measure without it")
    return run


def _refuse_impossible(runs: list[Prepared]) -> None:
    """Refuse measurements that are faster than the hardware, naming the one furthest beyond."""
    beaten = []
    for run in runs:
        row, bound = run.measured, run.at_best()
        if beats_bound(row.metric, row.value, bound):
            beaten.append((log_ratio(row.metric, bound, row.value), bound, run))
    if not beaten:
        return
    _, bound, run = max(beaten, key=lambda each: each[0])
    row = run.measured
    least = f"{run.site.part.name} cannot be faster than {_shown_run(row.metric, bound)}"
    if not isfinite(bound):
        least = f"{run.site.part.name} cannot keep up with {row.request_rate:g} requests a second"
    others = f", and {many(len(beaten) - 1, 'more row')} too fast" if len(beaten) > 1 else ""
    raise BadValue(
        f"{row.id}: {row.metric} of {_shown_run(row.metric, row.value)} is faster than possible, {least}{others}",
        f"{CHECK}; a prefix cache or speculative decoding makes a run look too fast, too",
    )


def _shown_run(metric: str, value: float) -> str:
    """A measured number for people: rates are per second, those in ``ms`` are milliseconds."""
    if is_rate(metric):
        return f"{value:,.4g} tokens/s"
    return show(value / 1000 if "ms" in metric.split("_") else value, "s")


def _best(runs: Runs, base: Preset) -> tuple[dict[str, str], Fit]:
    """Why constants are left, empty for those that these runs tell apart, and the fit of the latter.

    Raises:
        Missing: they determine none.
    """
    tried: list[tuple[dict[str, str], Fit]] = []
    candidates = candidates_of(base)
    for first in (candidates[0], *(key for key in RIVALS[law(base)] if key in candidates)):
        reasons = obstacles(runs.ready, base, (first, *(key for key in candidates if key != first)))
        each = _fitted(runs, base, reasons)
        tried.append((reasons, each))
        edges = [key for key in each.determined if _at_edge(base, key, each.profile.value(key))]
        if each.determined and (not edges or each.after.median < GOOD_MEDIAN):
            break
    reasons, best = min(tried, key=lambda one: (not one[1].determined, one[1].after.median))
    if not best.determined:
        raise Missing("the measurements determine no constant of a profile", MORE)
    return reasons, best


def _fitted(runs: Runs, base: Preset, reasons: dict[str, str]) -> Fit:
    """The fit of as many constants as the runs are enough for; adds to the reasons why others are left."""
    free, most = [key for key, reason in reasons.items() if not reason], len(runs.ready) // EACH
    while True:
        best = fit(runs.ready, base, free[:most], f"infercost calibrate, on {runs.text}", "")
        reasons.update(dict.fromkeys(best.undetermined, UNCERTAIN))
        if len(free) <= most or not best.undetermined:
            reasons.update(dict.fromkeys(free[most:], TOO_FEW))
            return best
        free = [key for key in free if key not in best.undetermined]


def _at_edge(base: Preset, key: str, value: float) -> bool:
    """Whether a constant would have left its range; a fixed time of zero is no edge."""
    low, high = range_of(base, key)
    share = (value - low) / (high - low)
    return share > 1 - EDGE or (share < EDGE and low > 0)


def _constant(key: str, reason: str, base: Preset, best: Fit) -> dict[str, Any]:
    after = best.profile.value(key)
    edge = "; at the edge of what is plausible" if _at_edge(base, key, after) else ""
    return {
        "constant": key,
        "before": base.value(key),
        "after": after,
        "unit": KINDS[key].unit,
        "range": list(range_of(base, key)),
        "determined": not reason,
        "remark": f"left: {reason}" if reason else f"fitted{edge}",
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its figures for people."""
    low, high = (f"{value:.0%}" if row["unit"] == "share" else show(value, row["unit"]) for value in row["range"])
    figures = {key: show(row[key], row["unit"]) for key in ("before", "after")}
    return {**row, **figures, "range": f"{low}..{high}"}


def _verdict(best: Fit, edges: Sequence[str]) -> str:
    before, after = best.before, best.after
    poor = f"No good fit: {', '.join(edges)} at the edge of what is plausible. "
    start = poor if edges and after.median >= GOOD_MEDIAN else "No gain. " if after.median >= before.median else ""
    return start + (
        f"Fitted {many(len(best.determined), 'constant')} to {many(after.rows, 'measurement')}: half are within "
        f"{show(after.median, 'share')} of the estimate, nine of ten within {show(after.p90, 'share')}; before, "
        f"{show(before.median, 'share')} and {show(before.p90, 'share')}."
    )


def _edges(table: Sequence[dict[str, Any]]) -> list[str]:
    return [row["constant"] for row in table if "edge" in row["remark"]]


def _results(best: Fit, reasons: dict[str, str], runs: Runs) -> tuple[Row, ...]:
    return (
        Row("count", best.after.rows, "measurements fitted to"),
        Row("median_abs_error_before", best.before.median, "half of the measurements are closer"),
        Row("median_abs_error", best.after.median, "with the fitted profile"),
        Row("p90_abs_error_before", best.before.p90, "nine of ten are closer"),
        Row("p90_abs_error", best.after.p90, "nine of ten are closer"),
        Row("determined_count", len(best.determined), "the measurements say them"),
        Row("undetermined_count", sum(map(bool, reasons.values())), "as in the profile to start from"),
        Row("skipped_count", runs.skipped, "rows not used; the notes say why"),
    )


def _notes(path: str, table: Sequence[dict[str, Any]], rows: int) -> list[Note]:
    edge = "is at the edge of what is plausible: something else may be what the stack spends time on"
    notes = [Note("edge", f"{key} {edge}") for key in _edges(table)]
    if rows < SCATTERED:
        text = f"{many(rows, 'measurement')}: how far a fit to so few is off elsewhere is not known"
        notes.append(Note("few", text))
    if path:
        return [*notes, Note("use", f"the profile is for --efficiency {path}")]
    return [*notes, Note("save", "nothing is saved: -o my-stack.yaml writes the profile, for --efficiency")]


def profile_text(profile: Preset, name: str, basis: str, error: str = "") -> str:
    """The YAML of a profile: labels, figures, sources; ``basis`` names its measurements, ``error`` how near it is."""
    labels, facts = _whole(profile) if law(profile) == "roofline" else _own(profile)
    titles = dict.fromkeys((fact.source, fact.date) for fact in facts.values())
    sources = {title: f"S{number}" for number, title in enumerate(titles, 1)}
    lines = [
        f"name: {quoted(name)}",
        *(f"{key}: {word if word.isalpha() else quoted(word)}" for key, word in labels.items()),
        *([f"error: {quoted(error)}"] if error else []),
        f"note: {quoted(f'Fitted to {basis}, from profile {profile.name}.')}",
        *(_figure(key, fact, sources[fact.source, fact.date]) for key, fact in facts.items()),
        "sources:",
        *(
            f"  {key}: {{title: {quoted(title)}, date: {quoted(date or UNDATED)}}}"
            for (title, date), key in sources.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _whole(profile: Preset) -> tuple[dict[str, str], dict[str, Fact]]:
    """Labels and figures of a profile of the roofline's law, all of them."""
    labels = {key: profile.labels[key] for key in ("engine", "accumulates", "split") if key in profile.labels}
    facts = {key: profile.facts[key] for key in FIGURES if key in profile.facts}
    return {**labels, "overlap": "operator", "memory": "engine"}, facts


def _own(profile: Preset) -> tuple[dict[str, str], dict[str, Fact]]:
    """Labels and figures of a profile that the shipped one which it is like has not."""
    name = _shipped(profile)
    root = complete(catalog.load("efficiency", name))
    labels = {key: profile.labels[key] for key in LABELS if profile.labels.get(key, "") != root.labels.get(key, "")}
    own = (key for key in KINDS if key in profile.facts and _differs(root, key, profile.facts[key]))
    return {"like": name, **labels}, {key: profile.facts[key] for key in own}


def _shipped(profile: Preset) -> str:
    """The shipped profile that one is, or is like; what all share where it is neither."""
    names = {str(catalog.shipped() / "efficiency" / f"{name}.yaml"): name for name in catalog.names("efficiency")}
    if profile.path in names:
        return names[profile.path]
    like = profile.labels.get("like", SHARED)
    return like if like in names.values() else SHARED


def _differs(root: Preset, key: str, fact: Fact) -> bool:
    """Whether a figure is not that of another profile, nor one that no profile states."""
    same = key in root.facts and (fact.value, fact.source) == (root.value(key), root.fact(key).source)
    return not same and not fact.source.startswith((LEFT_OUT, AS_TIMED))


def quoted(text: str) -> str:
    """A text as a YAML string on one line; letters that cannot be printed become question marks."""
    return json.dumps("".join(letter if letter.isprintable() else "?" for letter in text), ensure_ascii=False)


def _figure(key: str, fact: Fact, source: str) -> str:
    """A line of a profile: a figure as its file had it, or a new one, times in microseconds."""
    value = " ".join(fact.text.split()) if fact.text else f"{fact.value:.6g}"
    if not fact.text and fact.kind.unit == "s" and key.endswith(("_time", "_latency", "_overhead", "_launch")):
        value = f"{fact.value * 1e6:.6g}us"
    labels = {"weak": fact.weak, "others": fact.others}
    remarks = "".join(f", {name}: {quoted(text)}" for name, text in labels.items() if text)
    return f"{key}: {{value: {value}, source: {source}{remarks}}}"
