"""Is it being engineered away? How fast arithmetic, bandwidth and memory grow, and their ratios, by class of part."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from infercost import formulas
from infercost.formulas import trend as law
from infercost.parts.accelerator import find_rate, is_of_a_desktop, over_pcie
from infercost.parts.formats import FORMATS
from infercost.parts.preset import Preset
from infercost.report import Input, Note, Report, Row, Series
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

#: Figures of a part whose growth is fitted, by the start of their keys.
FIGURES = ("flops", "memory_bandwidth", "memory", "flops_per_byte", "drain_time")
#: Classes of parts by their kind; GPUs are of three.
_CLASSES = {"tpu": "TPUs", "accelerator": "other accelerators", "soc": "SoCs", "superchip": "data-centre GPUs"}
#: The class that the note asks about.
DATA_CENTRE = "data-centre GPUs"
#: Parts of the smallest fit, and how many standard errors a trend is away from none.
LEAST, SURE = 4, 2.0
#: A slope below this is none: its doubling time has no value.
FLAT = 1e-9


class Fit(NamedTuple):
    """The growth of a figure over a class: doublings a year and their error, and the time of one."""

    slope: float
    slope_error: float
    years: float | None
    years_error: float | None
    middle: float = 0.0
    level: float = 1.0

    def at(self, year: float) -> float:
        """The figure on the line in a year, from its level in the middle."""
        return float(self.level * 2 ** (self.slope * (year - self.middle)))

    @property
    def is_sure(self) -> bool:
        """Whether the slope is far enough from nothing."""
        return abs(self.slope) > SURE * self.slope_error


class Dated(NamedTuple):
    """A part with its year of release and its figures."""

    part: Preset
    year: float
    figures: Mapping[str, float]


def answer(scenario: Scenario) -> Report:
    """A row a class of parts, with the time in which each figure doubles, and what that says of the imbalance."""
    classes = classes_of(scenario)
    fitted = {name: {key: fit(parts, key) for key in FIGURES} for name, parts in classes.items() if len(parts) >= LEAST}
    main = DATA_CENTRE if DATA_CENTRE in fitted else next(iter(fitted), "")
    rows = tuple(_row(name, classes[name], fits) for name, fits in fitted.items())
    return Report(
        command="compare",
        verdict=_verdict(scenario, main, classes.get(main, []), fitted.get(main, {})),
        inputs=(*scenario.inputs, *(_inputs(classes[main]) if main else ())),
        results=tuple(_results(fitted.get(main, {}), main)),
        series=_series(rows),
        notes=(*_notes(classes, fitted), *scenario.notes),
        met=bool(fitted),
        work=(lambda: _shown_work(scenario, main)) if main else None,
    )


def _series(rows: tuple[dict[str, Any], ...]) -> Series | None:
    columns = ("name", "parts_fitted", *map(_key, FIGURES))
    return Series(columns, rows, shown=tuple(map(_shown, rows))) if rows else None


def _shown_work(scenario: Scenario, name: str) -> None:
    """The fits of a class's arithmetic, bandwidth and balance, once more from its figures."""
    of = tuple(each for each in scenario.parts if class_of(each[0]) == name)
    parts = classes_of(scenario._replace(parts=of))[name]
    for key in ("flops", "memory_bandwidth", "flops_per_byte"):
        fit(parts, key)


def classes_of(scenario: Scenario) -> dict[str, list[Dated]]:
    """The parts that have a date and all figures, by class, the oldest first."""
    classes: dict[str, list[Dated]] = {}
    for part, _ in scenario.parts:
        rate = find_rate(part, scenario.format)
        known = rate and rate.name != "fp32" and {"memory", "memory_bandwidth"} <= {*part.facts}
        if not known or rate is None or "released" not in part.labels or (name := class_of(part)) is None:
            continue
        flops, bandwidth, memory = rate.fact.value, part.value("memory_bandwidth"), part.value("memory")
        balance = formulas.step.flops_per_byte(peak_flops=flops, memory_bandwidth=bandwidth)
        drain = formulas.memory.drain_time(device_memory=memory, memory_bandwidth=bandwidth)
        values = dict(zip(FIGURES, (flops, bandwidth, memory, balance, drain), strict=True))
        classes.setdefault(name, []).append(Dated(part, year_of(part), values))
    return {
        name: sorted(parts, key=lambda each: (each.year, each.part.name))
        for name, parts in sorted(classes.items(), key=_first)
    }


def _first(item: tuple[str, list[Dated]]) -> tuple[bool, str]:
    return item[0] != DATA_CENTRE, item[0]


def class_of(part: Preset) -> str | None:
    """The class of a part; None for what is no accelerator."""
    kind = part.labels.get("kind", "")
    if kind != "gpu":
        return _CLASSES.get(kind)
    return "desktop cards" if is_of_a_desktop(part) else "inference cards" if over_pcie(part) else DATA_CENTRE


def year_of(part: Preset) -> float:
    """The date of a part's release as a year; the middle of what is not known of it."""
    year, *rest = map(int, part.labels["released"].split("-"))
    if not rest:
        return year + 0.5
    day = date(year, rest[0], rest[1] if len(rest) > 1 else 15)
    return year + (day - date(year, 1, 1)).days / (date(year + 1, 1, 1) - date(year, 1, 1)).days


def fit(parts: Sequence[Dated], key: str) -> Fit:
    """The straight line of a figure's doublings over the years of its parts, by least squares."""
    first, count = parts[0], float(len(parts))
    years = [law.years_since(release_year=each.year, first_year=first.year) for each in parts]
    logs = [law.doublings(part_figure=each.figures[key], first_figure=first.figures[key]) for each in parts]
    middle = law.mean_years(years_of_parts=years, parts_fitted=count)
    mean = law.mean_doublings(doublings_of_parts=logs, parts_fitted=count)
    spread = law.years_spread(years_of_parts=years, parts_fitted=count, mean_years=middle)
    scatter = law.doublings_spread(doublings_of_parts=logs, parts_fitted=count, mean_doublings=mean)
    joint = law.joint_spread(
        years_of_parts=years, doublings_of_parts=logs, parts_fitted=count, mean_years=middle, mean_doublings=mean
    )
    slope = law.doublings_a_year(joint_spread=joint, years_spread=spread)
    error = law.doublings_a_year_error(
        doublings_spread=scatter, doublings_a_year=slope, joint_spread=joint, years_spread=spread, parts_fitted=count
    )
    through = first.year + middle, first.figures[key] * 2**mean
    if abs(slope) < FLAT:
        return Fit(slope, error, None, None, *through)
    doubled = law.doubling_years(doublings_a_year=slope)
    doubled_error = law.doubling_years_error(doublings_a_year=slope, doublings_a_year_error=error)
    return Fit(slope, error, doubled, doubled_error, *through)


def _key(figure: str) -> str:
    return f"{figure}_doubling_years"


def _row(name: str, parts: Sequence[Dated], fits: Mapping[str, Fit]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "parts_fitted": len(parts)}
    for figure, found in fits.items():
        row |= {_key(figure): found.years, f"{_key(figure)}_error": found.years_error}
    return row


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for people: each time with its error."""
    cells = {_key(figure): _with_error(row[_key(figure)], row[f"{_key(figure)}_error"]) for figure in FIGURES}
    return {**row, **cells}


def _with_error(years: float | None, error: float | None) -> str:
    if years is None or error is None:
        return "-"
    if abs(years) < SURE * error:
        return "no trend"
    return f"{years:.2g} ± {error:.1g}"


def _results(fits: Mapping[str, Fit], main: str) -> Iterator[Row]:
    for figure, found in fits.items():
        words = f"± {show(found.years_error, most=2)}" if found.years_error is not None else "does not grow"
        sure = main if found.is_sure else f"{main}: no trend beyond its error"
        yield Row(_key(figure), found.years, f"{words}, {sure}")
        yield Row(f"{_key(figure)}_error", found.years_error, shown=False)


def _verdict(scenario: Scenario, main: str, parts: Sequence[Dated], fits: Mapping[str, Fit]) -> str:
    if not fits:
        return f"No class has {LEAST} parts with a release date and all figures: no trend can be fitted."
    span = f"{many(len(parts), 'part')} of {parts[0].year:.0f} to {parts[-1].year:.0f}"
    ratio, flops, bandwidth = (fits[key] for key in ("flops_per_byte", "flops", "memory_bandwidth"))
    text = (
        f"FLOP per byte {_change(ratio)} in {main} ({span}): FLOP/s in {scenario.format.name} double every "
        f"{_years(flops)}, memory bandwidth every {_years(bandwidth)}, so {_so(ratio)}."
    )
    if scenario.question.get("dtype") is not None:
        return text
    eight = classes_of(scenario._replace(format=FORMATS["8bit"])).get(main, [])
    return f"{text} In 8 bits FLOP per byte {_change(fit(eight, 'flops_per_byte'))}." if len(eight) >= LEAST else text


def _change(found: Fit) -> str:
    """How a ratio changed a year, with one standard error of it."""
    growth, error = 2**found.slope - 1, 2**found.slope_error - 1
    return f"{'grew' if growth >= 0 else 'fell'} {abs(growth):.0%} a year (± {error:.0%})"


def _so(ratio: Fit) -> str:
    """Whether the imbalance is being engineered away, as far as its growth and the error of that tell."""
    if ratio.is_sure:
        grows = ratio.slope > 0
        return f"the imbalance {'grows: it is not' if grows else 'shrinks: it is'} being engineered away"
    ends = (2 ** (ratio.slope + side * SURE * ratio.slope_error) - 1 for side in (-1, 1))
    low, high = (f"{end:+.0%}".replace("-0%", "0%") for end in ends)
    return f"nothing shows that the imbalance is being engineered away: two standard errors span {low} to {high}"


def _years(found: Fit) -> str:
    if found.years is None or found.years_error is None:
        return "endless years"
    return f"{abs(found.years):.2g} years (± {found.years_error:.1g})"


def _inputs(parts: Sequence[Dated]) -> Iterator[Input]:
    """The dates of the class that the verdict is about."""
    yield Input("parts_fitted", len(parts), "", "presets with a release date and all figures")
    for part, year, _ in parts:
        source = part.labels["released_source"], part.labels["released_date"]
        yield Input(f"{part.name}.released", year, "", f"preset {part.name}", *source)


def _notes(classes: Mapping[str, Sequence[Dated]], fitted: Mapping[str, Mapping[str, Fit]]) -> Iterator[Note]:
    yield Note(
        "trend", "least squares of the logarithm over release dates, one standard error; every part counts alike"
    )
    if few := ", ".join(f"{name} ({len(parts)})" for name, parts in classes.items() if name not in fitted):
        yield Note("left-out", f"fewer than {LEAST} parts: {few}")
    empty = [_key(key) for fits in fitted.values() for key, found in fits.items() if found.years is None]
    if empty:
        yield Note("null", f"{', '.join(dict.fromkeys(empty))}, and its error, is null where a figure does not grow")
