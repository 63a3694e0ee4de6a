"""Fit the shipped efficiency profiles to the shipped measurements: ``python tools/fit_profiles.py [NAME ...]``.

Prints the constants of each profile and writes them into ``presets/efficiency``. Engines of 2022 to 2024 have a fit
each; constants that it leaves are those of ``START`` and of its recipe. Engines of today share theirs, which are fitted
together as ``today``: each is printed with its standard error beside what its file has, which stays within two of them.
"""

import re
import sys
from collections.abc import Callable, Mapping
from math import floor, log10
from pathlib import Path
from typing import NamedTuple

from infercost.errors import InfercostError
from infercost.evidence.fit import RANGES, Fit, Free, fit, with_constants
from infercost.evidence.predict import Measured, Prepared, prepare
from infercost.evidence.readers.record import read_table
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.parts.stack import KINDS, complete
from infercost.units import DURATION, parse
from tools import engines
from tools.engines import TENSORRT

MEASUREMENTS = catalog.shipped() / "measurements"
PROFILES = catalog.shipped() / "efficiency"
DATE = "2026-11"
#: The name of the fit of all engines of today.
TODAY = "today"
#: Where the fit of an engine of 2022 to 2024 starts. Shares and times of kernels and requests are the least squares on
#: all stacks of those years together (``steps.csv``); the others, which rows do not determine, are from papers, kernels
#: and NCCL's own model. The files name the source of each.
START = {
    "compute_share": 0.601,
    "memory_share": 0.862,
    "kernel_time": 21.4e-6,
    "request_overhead": 1540e-6,
    "attention_share": 0.5,
    "cache_share": 0.85,
    "link_share": 0.8,
    "kernels_per_layer": 5.0,
    "kernels_per_sparse_layer": 5.0,
    "activation_traffic": 1.0,
    "expert_imbalance": 1.0,
    "cache_rereads": 0.0,
    "collective_latency": 14e-6,
    "network_latency": 40e-6,
    "hop_latency": 0.35e-6,
    "step_overhead": 0.0,
    "sequence_overhead": 0.0,
    "steps_waited": 0.5,
}
#: Collectives before engines had kernels of their own: between those of LMDeploy's and FasterTransformer's rows.
OLDER = {"collective_latency": 35e-6}
#: Kernels of one thread block a query head: 2.5 to 3 times the time where 8 of them share a KV head; see the files.
APART = {"cache_rereads": 0.25}
#: Kernels of one sparse layer: router, sort, two grouped products and a sum beside those of a dense layer.
SPARSE = 9.0


class Recipe(NamedTuple):
    """The rows and the constants of a fit: few constants where rows are few or alike."""

    rows: Callable[[Measured], bool]
    free: tuple[str, ...]
    fixed: Mapping[str, float]


def _by(*starts: str) -> Callable[[Measured], bool]:
    return lambda row: row.framework.lower().startswith(starts) and row.request_rate is None


SPEED = ("memory_share", "compute_share", "kernel_time")
RECIPES = {
    "tensorrt-llm-2024": Recipe(
        lambda row: row.framework == "TensorRT-LLM" or row.framework.startswith("TensorRT-LLM ("),
        ("memory_share", "cache_share", "kernel_time", "collective_latency"),
        {"kernels_per_sparse_layer": SPARSE, "kernel_time": 7e-6},
    ),
    "tensorrt-llm-2023": Recipe(
        _by("tensorrt-llm 0.5", "tensorrt-llm 0.6"),
        ("compute_share", "kernel_time", "request_overhead"),
        {"kernels_per_sparse_layer": SPARSE, "memory_share": 0.85, **OLDER, **APART},
    ),
    "fastertransformer": Recipe(
        _by("fastertransformer"),
        (*SPEED, "collective_latency", "network_latency", "sequence_overhead"),
        {"kernels_per_sparse_layer": SPARSE},
    ),
    "lmdeploy": Recipe(
        _by("lmdeploy"),
        ("compute_share", "kernel_time", "collective_latency", "request_overhead"),
        {"kernels_per_sparse_layer": SPARSE, **APART},
    ),
    "autoawq": Recipe(_by("autoawq"), ("memory_share", "kernel_time"), {"kernel_time": 7e-6}),
    "vllm-2024": Recipe(lambda row: row.framework == "vLLM", SPEED, OLDER),
    "deepspeed": Recipe(_by("deepspeed"), ("memory_share", "collective_latency"), {"kernel_time": 7e-6}),
}


def measured() -> list[Prepared]:
    """Rows with a known batch or rate that can be expressed: those with an assumed batch only validate."""
    runs = []
    for name in ("steps", "served"):
        for row in read_table(str(MEASUREMENTS / f"{name}.csv"))[0]:
            try:
                runs.append(prepare(row))
            except InfercostError:
                continue
    return runs


def base_of(name: str) -> Preset:
    """The start of a fit: what all stacks of 2022 to 2024 give, but for known constants of this one."""
    return with_constants(complete(catalog.load("efficiency", name)), {**START, **RECIPES[name].fixed}, "", "")


def fitted(name: str, runs: list[Prepared]) -> Fit:
    """The fit of one profile, from the constants that are not its own."""
    recipe = RECIPES[name]
    return fit([run for run in runs if recipe.rows(run.measured)], base_of(name), recipe.free, "FIT", DATE)


def written(key: str, value: float) -> str:
    """A constant as a preset writes it: three digits, times in microseconds."""
    return f"{float(f'{value * 1e6:.3g}'):g}us" if key.endswith(("_time", "_latency", "_overhead")) else f"{value:.3g}"


def write(path: Path, best: Fit) -> None:
    """Put the constants into a profile's file, each in its place."""
    text = path.read_text()
    for key in (*RANGES, "kernels_per_sparse_layer", "cache_rereads"):
        if key not in ("attention_share", "steps_waited") or key in best.determined:
            line = rf"^({key}: \{{value: )[^,]+"
            text = re.sub(line, rf"\g<1>{written(key, best.profile.value(key))}", text, flags=re.MULTILINE)
    rows, median, p90 = best.after
    error = f'error: "half of {rows} measurements are within {median:.1%}, nine of ten within {p90:.1%}"'
    text = re.sub(r"^error: .*\n", "", text, flags=re.MULTILINE)
    path.write_text(text.replace("\nmemory: engine\n", f"\nmemory: engine\n{error}\n"))


def home_of(one: Free) -> Path:
    """The file that holds a constant of the engines of today: that of the engine alone, or what all have in common."""
    return PROFILES / f"{TENSORRT if one.profiles == (TENSORRT,) else 'realistic'}.yaml"


def uncertain(key: str, value: float, error: float) -> str:
    """A constant with its standard error to two digits, times in microseconds."""
    scale = 1e6 if KINDS[key] is DURATION else 1.0
    digits = 1 - floor(log10(error * scale))
    return " +- ".join(f"{round(each * scale, digits):.{max(digits, 0)}f}" for each in (value, error))


def settled(text: str, key: str, value: float, error: float) -> str:
    """A profile's text with what a fit says of a constant; its value changes where it is off by two errors."""
    line = re.search(rf"^{key}: \{{value: ([^,]+), .*$", text, flags=re.MULTILINE)
    if not line:
        return text
    new = re.sub(r"-?[\d.]+ \+- [\d.]+", uncertain(key, value, error), line[0])
    if abs(parse(KINDS[key], line[1], key) - value) > 2 * error:
        new = new.replace(line[1], written(key, float(f"{value:.2g}")), 1)
    return text.replace(line[0], new)


def fit_today() -> None:
    """Fit what engines of today share, and put it into their files."""
    best = engines.fitted(engines.weighed(engines.runs_of_today()))
    for one in engines.FREE:
        path, value, error = home_of(one), best.values[one.name], best.spreads[one.name]
        stands = catalog.load("efficiency", path.stem).value(one.keys[0])
        print(f"{one.name}: {uncertain(one.keys[0], value, error)}; {path.stem} has {written(one.keys[0], stands)}")
        text = path.read_text()
        for key in one.keys:
            text = settled(text, key, value, error)
        path.write_text(text)


def main(names: list[str]) -> None:
    """Fit the named profiles, or all."""
    runs = measured()
    for name in names or (TODAY, *RECIPES):
        if name == TODAY:
            fit_today()
            continue
        best = fitted(name, runs)
        write(PROFILES / f"{name}.yaml", best)
        constants = ", ".join(f"{key} {written(key, best.profile.value(key))}" for key in best.determined)
        left = f"; not determined: {', '.join(best.undetermined)}" if best.undetermined else ""
        rows, median, p90 = best.after
        print(f"{name}: {rows} rows, median {median:.1%}, 90% {p90:.1%}; {constants}{left}")


if __name__ == "__main__":
    main(sys.argv[1:])
