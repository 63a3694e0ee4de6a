"""Constants of an efficiency profile by robust least squares on the logarithm of predicted over measured time."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, copysign, exp, hypot, sqrt
from statistics import median
from typing import Any, NamedTuple

from infercost.errors import Missing, extra
from infercost.evidence.predict import Prepared, log_ratio
from infercost.parts.preset import Fact, Preset
from infercost.parts.stack import KINDS, law

#: Constants that may be fitted; of two that the measurements do not tell apart, the first is.
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
#: Range of each constant: beyond it no stack is known, and the fit would explain something else.
RANGES = {
    "memory_share": (0.3, 0.95),
    "cache_share": (0.2, 0.95),
    "compute_share": (0.1, 0.95),
    "attention_share": (0.05, 0.9),
    "kernel_time": (1e-6, 40e-6),
    "kernels_per_sparse_layer": (3.0, 20.0),
    "collective_latency": (1e-6, 60e-6),
    "network_latency": (1e-6, 200e-6),
    "step_overhead": (0.0, 10e-3),
    "sequence_overhead": (0.0, 60e-6),
    "request_overhead": (0.0, 60e-3),
    "steps_waited": (0.0, 4.0),
}
#: The same under the law of kernels: what the engine adds to kernels, and only then how fast those of the chip are.
OF_ENGINES = (
    "launch_scale",
    "request_overhead",
    "sequence_overhead",
    "collective_latency",
    "eager_layer_time",
    "steps_waited",
    "exchange_latency",
    "step_overhead",
    "bandwidth_scale",
    "compute_scale",
)
#: The same under the law of llama.cpp: what its kernels reach, and their launches.
OF_LLAMA_CPP = ("memory_share", "compute_share", "layer_launch", "vector_share", "attention_share")
LLAMA_CPP_RANGES = {
    "memory_share": (0.3, 1.0),
    "compute_share": (0.05, 0.95),
    "layer_launch": (5e-6, 300e-6),
    "vector_share": (0.05, 0.5),
    "attention_share": (0.05, 0.9),
    "host_share": (0.3, 1.0),
    "host_layer_time": (5e-6, 1e-3),
}
#: The same on a CPU, of which only reads and hand-overs are counted.
OF_CPU = ("host_share", "host_layer_time")
#: Ranges of what an engine adds to kernels: beyond them none of today is known.
ENGINE_RANGES = {
    "launch_scale": (0.5, 1.3),
    "collective_latency": (1e-6, 30e-6),
    "exchange_latency": (1e-6, 100e-6),
    "step_overhead": (0.0, 2e-3),
    "sequence_overhead": (0.0, 40e-6),
    "eager_layer_time": (100e-6, 1500e-6),
    "request_overhead": (0.0, 20e-3),
    "steps_waited": (0.0, 6.0),
    "streamed_steps": (0.0, 20.0),
}
#: The same for one stack alone, whose host may be slow, or its parts not what others measured.
OWN_RANGES = ENGINE_RANGES | {
    "step_overhead": (0.0, 10e-3),
    "request_overhead": (0.0, 60e-3),
    "steps_waited": (0.0, 20.0),
    "bandwidth_scale": (0.4, 1.1),
    "compute_scale": (0.2, 1.3),
}
#: How much a residual counts what was known before, beside the rows.
PRIOR_WEIGHT = 0.3
#: Errors beyond this are outliers, which pull with their sign only.
USUAL_ERROR = 0.1
#: A constant whose standard error is this share of its range, or more, is not determined by the data.
UNDETERMINED = 0.25
#: Fewer measurements say nothing of their own scatter: they count as scattered as usual at most.
SCATTERED = 4
SMALL = 1e-3
#: Largest logarithm of a ratio that counts: where requests pile up, predictions have no bound.
FARTHEST = 7.0
#: A constant whose whole range moves no prediction by more than this share does not matter.
LEAST_EFFECT = 0.02
#: A constant whose effect is that of others but for this share is not told apart from them.
LEAST_APART = 0.05


def candidates_of(profile: Preset) -> tuple[str, ...]:
    """Constants of a profile that its own law lets measurements choose, in the order in which they are tried."""
    if profile.labels.get("kernels") == "cpu":
        return OF_CPU
    return {"kernels": OF_ENGINES, "llama.cpp": OF_LLAMA_CPP}.get(law(profile), CANDIDATES)


def range_of(profile: Preset, key: str) -> tuple[float, float]:
    """The plausible range of a constant under a profile's law."""
    return {"kernels": OWN_RANGES, "llama.cpp": LLAMA_CPP_RANGES}.get(law(profile), RANGES)[key]


class Errors(NamedTuple):
    """Errors of predictions, max(p/m, m/p) - 1: median, 90th percentile, and what half are within, of two the one."""

    rows: int
    median: float
    p90: float
    half: float


class Fit(NamedTuple):
    """A fitted profile, the constants that the data determine and do not, and the errors before and after."""

    profile: Preset
    determined: tuple[str, ...]
    undetermined: tuple[str, ...]
    before: Errors
    after: Errors


def errors(ratios: Sequence[float]) -> Errors:
    """Errors from logarithms of predicted over measured time; the percentile lies between its two nearest rows."""
    off = [exp(abs(ratio)) - 1 for ratio in ratios]
    middle, high = halves(off)
    return Errors(len(off), middle, high, sorted(off)[(len(off) - 1) // 2] if len(off) < SCATTERED else middle)


def halves(off: Iterable[float]) -> tuple[float, float]:
    """The median and the 90th percentile of some errors; the percentile lies between its two nearest rows."""
    rising = sorted(off)
    place = 0.9 * (len(rising) - 1)
    below, above = rising[int(place)], rising[ceil(place)]
    return median(rising), below + (place - int(place)) * (above - below)


def fit(runs: Sequence[Prepared], base: Preset, free: Sequence[str], source: str, date: str) -> Fit:
    """The base profile with its free constants fitted to measurements; those that the data do not determine stay.

    Raises:
        Missing: SciPy is not installed.
    """
    before, determined = _errors(runs, base), list(free)
    undetermined: list[str] = []
    while determined:
        profile, spreads = _solve(runs, base, determined, source, date)
        worst = max(determined, key=lambda key: spreads[key])
        if spreads[worst] < UNDETERMINED:
            return Fit(profile, tuple(determined), tuple(undetermined), before, _errors(runs, profile))
        determined.remove(worst)
        undetermined.append(worst)
    return Fit(base, (), tuple(undetermined), before, before)


def _errors(runs: Sequence[Prepared], profile: Preset) -> Errors:
    return errors([_off(run, profile) for run in runs])


def _off(run: Prepared, profile: Preset) -> float:
    off = log_ratio(run.measured.metric, run.under(profile), run.measured.value)
    return max(min(off, FARTHEST), -FARTHEST)


def obstacles(runs: Sequence[Prepared], base: Preset, candidates: Sequence[str]) -> dict[str, str]:
    """Why each constant cannot be fitted to these runs, empty where it can; of two with one effect the first can."""
    reasons: dict[str, str] = {}
    axes: dict[str, list[float]] = {}
    for key in candidates:
        rest = effect = _effect(runs, base, key)
        if max(map(abs, effect)) < LEAST_EFFECT:
            reasons[key] = "no effect here"
            continue
        for axis in axes.values():
            along = _dot(rest, axis)
            rest = [value - along * other for value, other in zip(rest, axis, strict=True)]
        if hypot(*rest) < LEAST_APART * hypot(*effect):
            nearest = max(axes, key=lambda other: abs(_dot(effect, axes[other])))
            reasons[key] = f"acts like {nearest}"
            continue
        reasons[key], axes[key] = "", [value / hypot(*rest) for value in rest]
    return reasons


def _effect(runs: Sequence[Prepared], base: Preset, key: str) -> list[float]:
    """How the logarithm of each prediction moves with a constant, over its range."""
    share = min(max(_share(base, key), SMALL), 1 - SMALL)
    low, high = (_with(base, {key: _inside(base, key, share + step)}, "", "") for step in (-SMALL / 2, SMALL / 2))
    return [(_off(run, high) - _off(run, low)) / SMALL for run in runs]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _solve(
    runs: Sequence[Prepared], base: Preset, free: Sequence[str], source: str, date: str
) -> tuple[Preset, dict[str, float]]:
    """The best constants inside their ranges, and the standard error of each as a share of its range."""
    least_squares, numpy = _scipy()

    def constants(shares: Sequence[float]) -> dict[str, float]:
        return {key: _inside(base, key, share) for key, share in zip(free, shares, strict=True)}

    weights = _weights(runs)

    def residuals(shares: Sequence[float]) -> list[float]:
        profile = _with(base, constants(shares), source, date)
        return [weight * _softened(_off(run, profile)) for weight, run in zip(weights, runs, strict=True)]

    start = [min(max(_share(base, key), 0.02), 0.98) for key in free]
    solution = least_squares(residuals, start, bounds=(0, 1), diff_step=SMALL)
    hessian = solution.jac.T @ solution.jac + 1e-9 * numpy.eye(len(free))
    freedom = max(len(runs) - len(free), 1)
    scatter = 2 * solution.cost / freedom
    if len(runs) < SCATTERED:
        scatter = min(scatter, (USUAL_ERROR * max(weights)) ** 2)
    spread = numpy.sqrt(numpy.diag(numpy.linalg.inv(hessian)) * scatter)
    if len(runs) < len(free):
        spread[:] = 1.0
    best = {key: float(f"{value:.3g}") for key, value in constants(solution.x).items()}  # no fit is worth more digits
    return _with(base, best, source, date), dict(zip(free, map(float, spread), strict=True))


def _with(base: Preset, values: dict[str, float], source: str, date: str) -> Preset:
    """A profile with some of its constants replaced; runs that do not state how often they stream wait as others."""
    if "steps_waited" in values and "streamed_steps" in base.facts:
        values = {**values, "streamed_steps": values["steps_waited"]}
    return with_constants(base, values, source, date)


class Free(NamedTuple):
    """A constant that profiles share and a fit may choose: its names in each, and what is known of it before."""

    name: str
    keys: tuple[str, ...]
    profiles: tuple[str, ...]
    mean: float
    spread: float


class Weighed(NamedTuple):
    """A measurement of one of several profiles that are fitted together, and how much it counts."""

    run: Prepared
    profile: str
    weight: float


class Together(NamedTuple):
    """Profiles that were fitted together, each free constant by its name, and its standard error."""

    profiles: dict[str, Preset]
    values: dict[str, float]
    spreads: dict[str, float]


def fit_together(
    runs: Sequence[Weighed], bases: Mapping[str, Preset], free: Sequence[Free], source: str = "", date: str = ""
) -> Together:
    """Profiles whose free constants come nearest to all runs and to what is known of them before.

    Raises:
        Missing: SciPy is not installed.
    """
    least_squares, numpy = _scipy()

    def profiles(shares: Sequence[float]) -> dict[str, Preset]:
        chosen = dict(zip(free, map(float, shares), strict=True))
        return {name: with_constants(base, _constants(chosen, name), source, date) for name, base in bases.items()}

    def residuals(shares: Sequence[float]) -> list[float]:
        current = profiles(shares)
        priors = [
            PRIOR_WEIGHT * (_engine_value(one, share) - one.mean) / one.spread
            for one, share in zip(free, shares, strict=True)
        ]
        return priors + [each.weight * _off(each.run, current[each.profile]) for each in runs]

    start = [min(max(_engine_share(one, _base_value(one, bases)), 0.02), 0.98) for one in free]
    robust = {"loss": "soft_l1", "f_scale": USUAL_ERROR}
    found = least_squares(residuals, start, bounds=(0, 1), diff_step=SMALL, xtol=SMALL, ftol=SMALL / 10, **robust)
    errors = numpy.sqrt(numpy.diag(numpy.linalg.inv(found.jac.T @ found.jac)) * 2 * found.cost / len(runs))
    widths = [ENGINE_RANGES[one.keys[0]][1] - ENGINE_RANGES[one.keys[0]][0] for one in free]
    return Together(
        profiles(found.x),
        {one.name: _engine_value(one, share) for one, share in zip(free, found.x, strict=True)},
        {one.name: float(error) * width for one, error, width in zip(free, errors, widths, strict=True)},
    )


def _constants(chosen: Mapping[Free, float], profile: str) -> dict[str, float]:
    return {
        key: _engine_value(one, share) for one, share in chosen.items() if profile in one.profiles for key in one.keys
    }


def _base_value(one: Free, bases: Mapping[str, Preset]) -> float:
    return bases[one.profiles[0]].value(one.keys[0])


def _engine_value(one: Free, share: float) -> float:
    low, high = ENGINE_RANGES[one.keys[0]]
    return float(low + share * (high - low))


def _engine_share(one: Free, value: float) -> float:
    low, high = ENGINE_RANGES[one.keys[0]]
    return (value - low) / (high - low)


def _scipy() -> tuple[Any, Any]:
    try:
        import numpy
        from scipy.optimize import least_squares
    except ImportError:
        raise Missing("fitting needs SciPy", extra("calibrate")) from None
    return least_squares, numpy


def _weights(runs: Sequence[Prepared]) -> list[float]:
    """Rows of one stack together weigh the root of their number: they share their faults."""
    rows = Counter(run.measured.framework for run in runs)
    return [float(rows[run.measured.framework] ** -0.25) for run in runs]


def _softened(off: float) -> float:
    """An error whose square grows as the error itself beyond the usual (soft L1, Charbonnier)."""
    return copysign(USUAL_ERROR * sqrt(2 * (sqrt(1 + (off / USUAL_ERROR) ** 2) - 1)), off)


def _inside(base: Preset, key: str, share: float) -> float:
    low, high = range_of(base, key)
    return float(low + share * (high - low))


def _share(base: Preset, key: str) -> float:
    low, high = range_of(base, key)
    return (base.value(key) - low) / (high - low)


def with_constants(base: Preset, values: dict[str, float], source: str, date: str) -> Preset:
    """A profile with some of its constants replaced."""
    facts = {key: Fact(value, KINDS[key], source, date) for key, value in values.items()}
    return base._replace(facts={**base.facts, **facts})
