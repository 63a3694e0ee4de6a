"""A profile of one's own stack: the few constants that benchmark results determine, fitted to them."""

import json
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from infercost.analyses.validate import skips
from infercost.errors import BadValue, InfercostError, Missing
from infercost.evidence.fit import CANDIDATES, RANGES, Fit, fit, obstacles
from infercost.evidence.measured import Measured
from infercost.evidence.predict import Prepared, beats_bound, is_rate, log_ratio, prepare
from infercost.evidence.readers import read_file
from infercost.parts.preset import Fact, Preset
from infercost.parts.stack import FIGURES
from infercost.report import File, Note, Report, Row, Series
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

#: The date of a source that has none: a fit is as old as its measurements, whose tools mostly do not say.
UNDATED = "undated"


def profile_text(profile: Preset, name: str, said: str, error: str = "") -> str:
    """The file of a profile: labels, figures, sources; ``said`` is what it was fitted to, ``error`` how near."""
    facts = {key: profile.facts[key] for key in FIGURES if key in profile.facts}
    sources: dict[tuple[str, str], str] = {}
    for fact in facts.values():
        sources.setdefault((fact.source, fact.date), f"S{len(sources) + 1}")
    engine = profile.labels.get("engine")
    lines = [
        f"name: {quoted(name)}",
        *([f"engine: {quoted(engine)}"] if engine else []),
        "overlap: operator",
        "memory: engine",
        *([f"error: {quoted(error)}"] if error else []),
        f"note: {quoted(f'Fitted to {said}, from profile {profile.name}.')}",
        *(_figure(key, fact, sources[fact.source, fact.date]) for key, fact in facts.items()),
        "sources:",
        *(
            f"  {key}: {{title: {quoted(title)}, date: {quoted(date or UNDATED)}}}"
            for (title, date), key in sources.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A text as a YAML string on one line; what cannot be printed becomes a question mark."""
    return json.dumps("".join(letter if letter.isprintable() else "?" for letter in text), ensure_ascii=False)


def _figure(key: str, fact: Fact, source: str) -> str:
    remarks = "".join(
        f", {name}: {quoted(text)}" for name, text in (("weak", fact.weak), ("others", fact.others)) if text
    )
    return f"{key}: {{value: {_written(key, fact)}, source: {source}{remarks}}}"


def _written(key: str, fact: Fact) -> str:
    """A figure as its file had it, or a new one: times in microseconds."""
    if fact.text:
        return " ".join(fact.text.split())
    if key.endswith(("_time", "_latency", "_overhead")) and fact.kind.unit == "s":
        return f"{fact.value * 1e6:.6g}us"
    return f"{fact.value:.6g}"


#: Fewer say nothing of their own scatter.
ENOUGH = 3
#: Why an end-to-end latency is no third measurement of a run.
FOLLOWS = "follows from the first token's time and the gap between tokens, which are there"


class Runs(NamedTuple):
    """Measurements made ready, how many rows cannot be used, the notes on those, and in words what was measured."""

    ready: list[Prepared]
    skipped: int
    notes: list[Note]
    said: str


def read_runs(scenario: Scenario) -> Runs:
    """The usable measurements of the files that were given.

    Raises:
        InfercostError: a file or name that cannot be used, too few measurements, or one that no hardware allows.
    """
    rows, skipped = _read(scenario)
    ready, left = _prepared(rows)
    skipped += [(name, error.what) for name, error in left]
    if not ready and left:
        name, error = left[0]
        raise Missing(f"no row can be used; {name}: {error.what}", error.hint)
    _refuse_impossible(ready)
    if len(ready) < ENOUGH:
        raise Missing(
            f"{many(len(ready), 'measurement')} {'is' if len(ready) == 1 else 'are'} too few to fit: "
            f"{ENOUGH} are the least",
            "measure at several batches (1, 8, 64) and prompt lengths, and give all files at once",
        )
    words = scenario.question.words
    names = ", ".join(dict.fromkeys("standard input" if word == "-" else Path(word).name for word in words))
    notes = skips(skipped)
    if scenario.calibration.run.accelerator and all(
        row.accelerator != scenario.calibration.run.accelerator for row in rows
    ):
        notes.append(Note("unused-options", "the files name accelerator and model themselves"))
    return Runs(ready, len(skipped), notes, f"{many(len(ready), 'measurement')} of {names}")


def _read(scenario: Scenario) -> tuple[list[Measured], list[tuple[str, str]]]:
    """Rows of all files with what the user says of the run, and those that the readers leave out.

    Raises:
        Missing: no accelerator or model, and a file that does not name them.
    """
    run, weights, cache, *_ = scenario.calibration
    rows: list[Measured] = []
    skipped: list[tuple[str, str]] = []
    for path in dict.fromkeys(scenario.question.words):
        found = read_file(run._replace(path=str(path)))
        known = {row.id for row in found.measured}
        follows = [row for row in found.measured if row.metric == "e2e" and _parts(row) <= known]
        skipped += [*found.skipped, *((row.id, FOLLOWS) for row in follows)]
        rows += [
            row._replace(weight_dtype=row.weight_dtype or weights, kv_dtype=row.kv_dtype or cache)
            for row in found.measured
            if row not in follows
        ]
    if any(not row.accelerator for row in rows):
        scenario.question.need("gpu", "--gpu h100:4, the part that ran it and how many")
    if any(not row.model for row in rows):
        scenario.question.need("model", "--model llama-3.1-8b, the model that ran")
    return rows, skipped


def _parts(row: Measured) -> set[str]:
    """The ids of the two rows of the same run whose sum an end-to-end latency is."""
    return {f"{row.id.removesuffix('e2e')}{metric}" for metric in ("itl", "ttft")}


def _prepared(rows: Iterable[Measured]) -> tuple[list[Prepared], list[tuple[str, InfercostError]]]:
    """Rows made ready, and those that cannot be expressed with the reason."""
    ready, left = [], []
    for row in rows:
        try:
            ready.append(_checked(prepare(row)))
        except InfercostError as error:
            left.append((row.id, error))
    return ready, left


def _checked(run: Prepared) -> Prepared:
    """The run, if a profile can be fitted to it.

    Raises:
        BadValue: speculative decoding.
    """
    if "speculative decoding" in run.measured.notes:
        raise BadValue("speculative decoding, which a profile does not hold", "measure without it")
    return run


def _refuse_impossible(runs: list[Prepared]) -> None:
    """Nothing, where no measurement is faster than the hardware.

    Raises:
        BadValue: some are; the one that is furthest beyond is named.
    """
    bounds = [(run, run.at_best()) for run in runs]
    beaten = [(run, bound) for run, bound in bounds if beats_bound(run.measured.metric, run.measured.value, bound)]
    if not beaten:
        return
    run, bound = max(beaten, key=lambda one: log_ratio(one[0].measured.metric, one[1], one[0].measured.value))
    row = run.measured
    least = f"{run.part.name} cannot be faster than {_shown_run(row.metric, bound)}"
    if not isfinite(bound):
        least = f"{run.part.name} cannot keep up with {row.request_rate:g} requests a second"
    others = f", and {many(len(beaten) - 1, 'more row')} too fast" if len(beaten) > 1 else ""
    raise BadValue(
        f"{row.id}: {row.metric} of {_shown_run(row.metric, row.value)} is faster than possible, {least}{others}",
        "see whether --gpu, --model, --dtype, --tp and --batch are those that ran; a prefix cache or speculative "
        "decoding makes a run look too fast, too",
    )


def _shown_run(metric: str, value: float) -> str:
    """A measured number in words: rates are per second, those in ``ms`` are milliseconds."""
    if is_rate(metric):
        return f"{value:,.4g} tokens/s"
    return show(value / 1000 if "ms" in metric.split("_") else value, "s")


#: What is put first where a constant went to the edge of its range, as it does when another one is what differs.
RIVALS = ("kernel_time", "step_overhead")
#: A fit that leaves half of the measurements further off than this explains nothing.
WORST_MEDIAN = 0.5
#: A fit as near as this needs no other constant, whatever edge it went to.
GOOD_MEDIAN = 0.1
#: A constant this near to an end of its range is at its edge, as a share of the range.
EDGE = 0.01
#: Measurements for each constant that is fitted: one each would be met whatever they are.
EACH = 2
TOO_FEW = "too few measurements"
MORE = "measure at several batches (1, 8, 64) and prompt lengths, a file each: all can be given at once"


def answer(scenario: Scenario) -> Report:
    """The profile that comes nearest to measurements, with its error before and after.

    Raises:
        InfercostError: a file or name that cannot be used, measurements that are too few, faster than the hardware
            or not explained by the model, or SciPy is not installed.
    """
    path, base = scenario.calibration.path, scenario.calibration.base
    runs = read_runs(scenario)
    whys, found = _best(runs.ready, base, runs.said)
    if found.after.median > WORST_MEDIAN:
        raise BadValue(
            f"even fitted, half of {many(found.after.rows, 'measurement')} are off by more than "
            f"{show(found.after.median, 'share')}: this model does not explain them",
            "see whether --gpu, --model, --dtype, --tp and --batch are those that ran"
            + (f", or {MORE}" if TOO_FEW in whys.values() else ""),
        )
    table = tuple(_constant(key, whys, base, found) for key in CANDIDATES)
    return Report(
        command="calibrate",
        verdict=_verdict(found),
        inputs=scenario.inputs,
        results=_results(found, whys, runs),
        series=Series(("constant", "before", "after", "range", "remark"), table, shown=tuple(map(_shown, table))),
        notes=(*_notes(path, table), *runs.notes, *scenario.notes),
        file=File(path, profile_text(found.profile, Path(path or "my-stack.yaml").stem, runs.said, _near(found))),
    )


def _near(found: Fit) -> str:
    """How near the profile comes, in the words that answers under it repeat."""
    rows, median, p90 = found.after
    return f"half of {rows} measurements are within {median:.1%}, nine of ten within {p90:.1%}"


def _best(runs: Sequence[Prepared], base: Preset, said: str) -> tuple[dict[str, str], Fit]:
    """The fit of the constants that these runs tell apart, and why not of the others.

    Raises:
        Missing: they determine none.
    """
    tried: list[tuple[dict[str, str], Fit]] = []
    for first in (CANDIDATES[0], *RIVALS):
        whys = obstacles(runs, base, (first, *(key for key in CANDIDATES if key != first)))
        free = [key for key, why in whys.items() if not why]
        for key in free[len(runs) // EACH :]:
            whys[key] = TOO_FEW
        free = free[: len(runs) // EACH]
        found = fit(runs, base, free, f"infercost calibrate, on {said}", "")
        whys.update(dict.fromkeys(found.undetermined, "too uncertain"))
        tried.append((whys, found))
        edges = [key for key in found.determined if _at_edge(key, found.profile.value(key))]
        if found.determined and (not edges or found.after.median < GOOD_MEDIAN):
            break
    whys, found = min(tried, key=lambda one: (not one[1].determined, one[1].after.median))
    if not found.determined:
        raise Missing("the measurements determine no constant of a profile", MORE)
    return whys, found


def _at_edge(key: str, value: float) -> bool:
    """Whether a fitted constant wanted to leave its range; a fixed time of zero is no edge."""
    low, high = RANGES[key]
    share = (value - low) / (high - low)
    return share > 1 - EDGE or (share < EDGE and low > 0)


def _constant(key: str, whys: dict[str, str], base: Preset, found: Fit) -> dict[str, Any]:
    before, after = base.value(key), found.profile.value(key)
    remark = f"left: {whys[key]}" if whys[key] else "fitted"
    if not whys[key] and _at_edge(key, after):
        remark = "fitted; at the edge of what is plausible"
    return {
        "constant": key,
        "before": before,
        "after": after,
        "unit": FIGURES[key].unit,
        "range": list(RANGES[key]),
        "determined": not whys[key],
        "remark": remark,
    }


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its figures as people read them."""
    low, high = (f"{value:.0%}" if row["unit"] == "share" else show(value, row["unit"]) for value in row["range"])
    figures = {key: show(row[key], row["unit"]) for key in ("before", "after")}
    return {**row, **figures, "range": f"{low}..{high}"}


def _verdict(found: Fit) -> str:
    before, after = found.before, found.after
    return (
        f"Fitted {many(len(found.determined), 'constant')} to {many(after.rows, 'measurement')}: half are within "
        f"{show(after.median, 'share')} of the estimate, nine of ten within {show(after.p90, 'share')}; before, "
        f"{show(before.median, 'share')} and {show(before.p90, 'share')}."
    )


def _results(found: Fit, whys: dict[str, str], runs: Runs) -> tuple[Row, ...]:
    return (
        Row("count", found.after.rows, "measurements fitted to"),
        Row("median_abs_error_before", found.before.median, "half of the measurements are closer"),
        Row("median_abs_error", found.after.median, "with the fitted profile"),
        Row("p90_abs_error_before", found.before.p90, "nine of ten are closer"),
        Row("p90_abs_error", found.after.p90, "nine of ten are closer"),
        Row("determined_count", len(found.determined), "the measurements say them"),
        Row("undetermined_count", sum(map(bool, whys.values())), "as in the profile to start from"),
        Row("skipped_count", runs.skipped, "rows not used; the notes say why"),
    )


def _notes(path: str, table: Sequence[dict[str, Any]]) -> list[Note]:
    edges = [row["constant"] for row in table if "edge" in row["remark"]]
    notes = [
        Note("edge", f"{key} is at the edge of what is plausible: something else may be what the stack spends time on")
        for key in edges
    ]
    if path:
        return [*notes, Note("use", f"the profile is for --efficiency {path}")]
    return [*notes, Note("save", "nothing is saved: -o my-stack.yaml writes the profile, for --efficiency")]
