"""Predicted against measured: the shipped tables stay as near as they were, and a table of one's own is answered."""

import csv
from functools import cache
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import infercost
from infercost.evidence.fit import RANGES
from infercost.evidence.readers.table import MEASUREMENTS
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.report import Report
from tests.conftest import ROOT, Run
from tools import fit_profiles

TABLES = ROOT / "presets" / "measurements"


@cache
def validated(*tables: str, efficiency: str | None = None) -> Report:
    return infercost.validate(*(str(TABLES / f"{name}.csv") for name in tables), efficiency=efficiency)


def rows_of(table: str) -> list[dict[str, str]]:
    with (TABLES / f"{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def rows(report: Report) -> tuple[dict[str, Any], ...]:
    assert report.series
    return report.series.rows


def off(row: dict[str, Any]) -> float:
    """How far apart a prediction and its measurement are, whichever is larger."""
    return float(max(row["predicted"] / row["measured"], row["measured"] / row["predicted"]) - 1)


def near(found: list[float], middle: float, most: float) -> bool:
    """Whether half of the errors are at most the one, and nine of ten at most the other."""
    return median(found) <= middle and sorted(found)[ceil(0.9 * len(found)) - 1] <= most


def test_steps_and_requests_at_a_known_batch() -> None:
    assert near([off(row) for row in rows(validated("steps"))], 0.12, 0.45)


def test_with_the_profile_of_its_own_stack_they_are_nearer() -> None:
    both, steps = rows(validated("steps", "served", efficiency="stack")), {row["id"] for row in rows_of("steps")}
    assert near([off(row) for row in both], 0.08, 0.30)
    assert near([off(row) for row in both if row["id"] in steps], 0.08, 0.30)


@pytest.mark.parametrize("metric", ["itl", "e2e"])
def test_a_server_under_a_known_load(metric: str) -> None:
    found = [off(row) for row in rows(validated("served", efficiency="vllm")) if row["metric"] == metric]
    assert len(found) == 39
    assert near(found, 0.065, 0.18)


@pytest.mark.parametrize("table", ["steps", "served", "filled", "mlperf"])
def test_no_measurement_is_faster_than_the_bound(table: str) -> None:
    report = validated(table)
    faster = [
        row["id"]
        for row in rows(report)
        if (
            row["measured"] > row["bound"] * 1.001
            if "tok_s" in row["metric"]
            else row["measured"] * 1.001 < row["bound"]
        )
    ]
    assert faster == []
    assert report["below_bound_count"] == 0


def test_mlperf_on_hopper_and_on_amd_is_within_half_as_much_again() -> None:
    report, measured = validated("mlperf"), rows_of("mlperf")
    assert [row["measured"] for row in rows(report)] == [float(row["tokens_per_s"]) for row in measured]
    errors: dict[str, list[float]] = {"hopper": [], "amd": []}
    for row, of in zip(rows(report), measured, strict=True):
        if of["accelerator_class"].startswith(("H100", "H200", "GH200")):
            errors["hopper"].append(off(row))
        if of["accelerator_class"].startswith(("MI300X", "MI325X")):
            errors["amd"].append(off(row))
    both = errors["hopper"] + errors["amd"]
    assert len(errors["hopper"]) == 65
    assert len(errors["amd"]) == 19
    assert sum(error <= 0.5 for error in both) >= 0.8 * len(both)
    assert sum(error <= 0.5 for error in errors["hopper"]) >= 0.9 * len(errors["hopper"])


@pytest.mark.parametrize("table", ["steps", "filled", "mlperf"])
def test_no_row_is_lost(table: str) -> None:
    """Every row is predicted, or counted with a reason."""
    report = validated(table)
    given = rows_of(table)
    assert report["count"] + report["skipped_count"] == len(given)
    told = [note.text for note in report.notes if note.code == "skipped"]
    assert sum(int(text.split(" ")[0]) for text in told) == report["skipped_count"]
    assert all(len(text.partition(": ")[2]) > 10 for text in told)


def test_a_stage_of_a_server_has_three_rows() -> None:
    report = validated("served")
    assert report["count"] + report["skipped_count"] == 3 * len(rows_of("served"))


def test_the_lines_of_the_table_count_every_row() -> None:
    report = validated("steps", "served")
    assert report.series
    lines = report.series.shown or ()
    totals = [line["count"] for line in lines if line["label"].startswith("=")]
    assert sum(totals) == report["count"]
    assert sum(line["count"] for line in lines) == 2 * report["count"]


@pytest.mark.parametrize("name", ["deepspeed", "tensorrt-llm"])
def test_fitting_again_gives_the_constants_in_the_files(name: str) -> None:
    pytest.importorskip("scipy")
    found = fit_profiles.fitted(name, fit_profiles.measured())
    kept = complete(catalog.load("efficiency", name))
    assert found.determined
    for key in RANGES:
        assert found.profile.value(key) == pytest.approx(kept.value(key), rel=0.03, abs=1e-12), key


@pytest.mark.parametrize("path", sorted((ROOT / "presets" / "efficiency").glob("*.yaml")), ids=lambda path: path.stem)
def test_constants_said_to_be_those_of_realistic_are(path: Path) -> None:
    everybody, own = catalog.load("efficiency", "realistic"), catalog.load("efficiency", path.stem)
    for key, fact in own.facts.items():
        if "profile realistic" in fact.source:
            assert fact.value == everybody.value(key), key


def own_table(folder: Path, *lines: dict[str, Any]) -> str:
    """A table with our columns, blank where nothing is said."""
    path = folder / "own.csv"
    blank = dict.fromkeys(MEASUREMENTS, "")
    usual = {"source": "me", "model": "llama-3.1-8b", "accelerator": "h100", "metric": "decode_ms_per_token"}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, MEASUREMENTS)
        writer.writeheader()
        writer.writerows({**blank, **usual, "id": f"own-{n}", **line} for n, line in enumerate(lines, 1))
    return str(path)


#: Half of the bandwidth for weights, a quarter for the cache, five kernels a layer of 10 us.
SIMPLE = """\
name: Simple
overlap: operator
memory: nominal
memory_share: {value: 0.5, source: ME}
cache_share: {value: 0.25, source: ME}
kernels_per_layer: {value: 5, source: ME}
kernel_time: {value: 10us, source: ME}
sources:
  ME: {title: "simple numbers", date: 2026-11}
"""


def test_a_table_of_ones_own_by_hand(run: Run, tmp_path: Path) -> None:
    """One H100, 3.35e12 B/s, Llama 3.1 8B in bf16: 8,030,261,248 parameters, 128,256 x 4,096 of them looked up.

    Weights 7,504,924,672 x 2 B at 1.675e12 B/s: 8.96110 ms. Cache 1,000 x 131,072 B at 0.8375e12 B/s: 0.15650 ms.
    Kernels 32 x 5 x 10 us: 1.6 ms. In all 10.71760 ms. The bound reads all at 3.35e12 B/s: 4.51967 ms.
    """
    profile = tmp_path / "simple.yaml"
    profile.write_text(SIMPLE)
    step = {"batch_or_concurrency": 1, "input_tokens": 1000, "weight_dtype": "bf16", "n_accelerators": 1}
    table = own_table(
        tmp_path,
        {**step, "value": 10.0},
        {**step, "value": 5.0, "n_accelerators": 2},
        {**step, "value": 5.0, "model": "no-such-model"},
    )
    said = run("validate", table, "--efficiency", str(profile), "--json")
    assert said.code == 0
    (row,) = said.json["rows"]
    assert row["predicted"] == pytest.approx(10.71760, rel=1e-5)
    assert row["bound"] == pytest.approx(4.51967, rel=1e-5)
    assert row["ratio"] == pytest.approx(1.071760, rel=1e-5)
    assert said.json["results"]["median_abs_error"] == pytest.approx(0.071760, rel=1e-4)
    assert said.json["results"]["skipped_count"] == 2
    why = " ".join(note["text"] for note in said.json["notes"])
    assert "the layout is not stated (own-2)" in why
    assert "no-such-model" in why


def test_a_constant_may_be_set(run: Run, tmp_path: Path) -> None:
    """Nothing but the weights, 15,009,849,344 B at half of 3.35e12 B/s."""
    table = own_table(tmp_path, {"value": 9, "batch_or_concurrency": 1, "input_tokens": 0, "weight_dtype": "bf16"})
    said = run("validate", table, "--efficiency", "ideal", "--set", "efficiency.memory_share=0.5", "--json")
    assert said.json["rows"][0]["predicted"] == pytest.approx(8.96110, rel=1e-5)


@pytest.mark.parametrize(
    ("value", "problem"),
    [("fast", "fast"), ("-3", "-3"), ("nan", "nan"), ("", "is empty")],
)
def test_a_bad_number_is_one_line(run: Run, tmp_path: Path, value: str, problem: str) -> None:
    said = run("validate", own_table(tmp_path, {"value": value, "batch_or_concurrency": 1}))
    assert said.code == 2
    assert said.out == ""
    error, hint = said.err.splitlines()
    assert error.startswith("error: ")
    assert "line 2, column value" in error
    assert problem in error
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("header", ["id,source,metric,value", "name,tokens_per_second", "id,id,metric,value"])
def test_a_bad_header_is_one_line(run: Run, tmp_path: Path, header: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"{header}\n{','.join('1' * len(header.split(',')))}\n")
    said = run("validate", str(path))
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 2
    assert "line 1" in said.err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--set", "gpu.memory_bandwidth=4TB/s"), "each row names its own part"),
        (("--efficiency", "stack", "--set", "efficiency.memory_share=0.5"), "each row has its own profile"),
        (("--efficiency", "erdil-2025"), "by the law of a paper"),
    ],
)
def test_what_would_not_be_heeded_is_refused(run: Run, options: tuple[str, ...], problem: str) -> None:
    said = run("validate", str(TABLES / "served.csv"), *options)
    assert said.code == 2
    assert problem in said.err
