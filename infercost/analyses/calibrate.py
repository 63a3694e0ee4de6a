"""A profile of one's own stack: the few constants that benchmark results determine, fitted to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infercost import catalog
from infercost.analyses.calibrate_file import profile_text
from infercost.analyses.calibrate_runs import Runs, read_runs
from infercost.derivation import not_recording
from infercost.efficiency import FIGURES, complete, law
from infercost.errors import BadValue, Missing
from infercost.measurements.fitting import RANGES, Fit, fit, obstacles
from infercost.measurements.prediction import Prepared
from infercost.preset import Preset
from infercost.question import Asked
from infercost.report import File, Note, Report, Row, Series
from infercost.units import many, show

#: What may be fitted; of two that these measurements do not tell apart, the first is.
CANDIDATES = (
    "memory_share",
    "compute_share",
    "kernel_time",
    "collective_latency",
    "request_overhead",
    "steps_waited",
    "step_overhead",
    "kernels_per_sparse_layer",
)
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
ENDINGS = (".yaml", ".yml")
MORE = "measure at several batches (1, 8, 64) and prompt lengths, a file each: all can be given at once"


def answer(asked: Asked) -> Report:
    """The profile that comes nearest to measurements, with its error before and after.

    Raises:
        InfercostError: a file or name that cannot be used, measurements that are too few, faster than the hardware
            or not explained by the model, or SciPy is not installed.
    """
    with not_recording():
        return _answer(asked)


def _answer(asked: Asked) -> Report:
    path = _target(asked)
    base = _base(asked)
    runs = read_runs(asked)
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
        inputs=tuple(asked.inputs),
        results=_results(found, whys, runs),
        series=Series(("constant", "before", "after", "range", "remark"), table, shown=tuple(map(_shown, table))),
        notes=(*_notes(path, table), *runs.notes, *asked.notes),
        file=File(path, profile_text(found.profile, Path(path or "my-stack.yaml").stem, runs.said, _near(found))),
    )


def _near(found: Fit) -> str:
    """How near the profile comes, in the words that answers under it repeat."""
    rows, median, p90 = found.after
    return f"half of {rows} measurements are within {median:.1%}, nine of ten within {p90:.1%}"


def _target(asked: Asked) -> str:
    """Where the profile goes, empty where nobody said.

    Raises:
        BadValue: a name that ``--efficiency`` would not take for a file.
    """
    path = str(asked.get("output") or "")
    if path and Path(path).suffix.lower() not in ENDINGS:
        raise BadValue(f"--output {path}: a profile is a YAML file", "end its name in .yaml: --output my-stack.yaml")
    return path


def _base(asked: Asked) -> Preset:
    """The profile whose constants stand where the data do not tell.

    Raises:
        BadValue: one that counts the parts of a step by another law.
    """
    name = asked.take("efficiency", "realistic", "to start from")
    base = complete(name if isinstance(name, Preset) else catalog.load("efficiency", name))
    if law(base) != "roofline":
        raise BadValue(f"profile {base.name} has a law of its own, which is not fitted", "start from realistic")
    asked.use(base, *CANDIDATES)
    return base._replace(labels={**base.labels, "overlap": "operator", "memory": "engine"})


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
