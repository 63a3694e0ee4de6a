"""Fit the shipped efficiency profiles to the shipped measurements: ``python tools/fit_profiles.py [NAME ...]``.

Prints the constants and errors of each profile, and writes them into ``presets/efficiency``. Constants that are not
fitted are those of ``KNOWN`` and of the recipe, each with its source in the files.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from infercost.analyses.validate import SHIPPED
from infercost.errors import InfercostError
from infercost.evidence.fit import RANGES, Fit, fit, with_constants
from infercost.evidence.measured import Measured
from infercost.evidence.predict import Prepared, prepare
from infercost.evidence.readers.table import read_table
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.parts.stack import complete

MEASUREMENTS = catalog.shipped() / "measurements"
PROFILES = catalog.shipped() / "efficiency"
DATE = "2026-11"
#: Constants that a stack's own data do not determine, from papers, kernels and NCCL's own model; see the files.
KNOWN = {
    "cache_share": 0.85,
    "collective_latency": 14e-6,
    "network_latency": 40e-6,
    "step_overhead": 0.0,
    "sequence_overhead": 0.0,
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


_llama_cpp = _by("llama.cpp")
#: Apple's parts, where llama.cpp runs on Metal.
APPLE = ("m1", "m2", "m3", "m4")
SPEED = ("memory_share", "compute_share", "kernel_time")
RECIPES = {
    "realistic": Recipe(
        _by(""),
        (*SPEED, "network_latency", "request_overhead", "sequence_overhead"),
        {"kernels_per_sparse_layer": 5.0, "collective_latency": 14e-6, "cache_share": 0.9},
    ),
    "vllm": Recipe(
        lambda row: row.request_rate is not None,
        (
            *("memory_share", "cache_share", "kernel_time", "kernels_per_sparse_layer"),
            *("step_overhead", "request_overhead", "steps_waited"),
        ),
        {"compute_share": 0.7, "kernel_time": 7e-6, "collective_latency": 10e-6},
    ),
    "tensorrt-llm": Recipe(
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
    "llama.cpp": Recipe(lambda row: _llama_cpp(row) and not row.accelerator.startswith(APPLE), SPEED, {}),
    "llama.cpp-metal": Recipe(lambda row: _llama_cpp(row) and row.accelerator.startswith(APPLE), SPEED, {}),
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
    for name in list(SHIPPED)[:2]:
        for row in read_table(str(MEASUREMENTS / f"{name}.csv"))[0]:
            try:
                runs.append(prepare(row))
            except InfercostError:
                continue
    return runs


def base_of(name: str) -> Preset:
    """The start of a fit: the figures of ``realistic``, but for known constants of the stack."""
    recipe = RECIPES[name]
    everybody = complete(catalog.load("efficiency", "realistic"))
    everybody = everybody._replace(labels=catalog.load("efficiency", name).labels)
    known = {key: value for key, value in KNOWN.items() if name != "realistic"}
    return with_constants(everybody, {**known, **recipe.fixed}, "", "")


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


def main(names: list[str]) -> None:
    """Fit the named profiles, or all: ``realistic`` first, since the others start from it."""
    runs = measured()
    for name in names or RECIPES:
        best = fitted(name, runs)
        write(PROFILES / f"{name}.yaml", best)
        constants = ", ".join(f"{key} {written(key, best.profile.value(key))}" for key in best.determined)
        left = f"; not determined: {', '.join(best.undetermined)}" if best.undetermined else ""
        rows, median, p90 = best.after
        print(f"{name}: {rows} rows, median {median:.1%}, 90% {p90:.1%}; {constants}{left}")


if __name__ == "__main__":
    main(sys.argv[1:])
