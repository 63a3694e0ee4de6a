"""A profile of one's own for an engine of today: what it adds to kernels is found again from runs made otherwise."""

from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.parts.catalog import load
from infercost.parts.stack import complete
from infercost.report import Report
from tests.conftest import ROOT, Run

COLUMNS = (ROOT / "tests" / "data" / "results" / "measurements.csv").read_text().splitlines()[0]
LENGTHS = ((1000, 200), (4000, 500))
SAME = {"gpu": "h100", "model": "llama-3.1-8b", "dtype": "bf16"}


def profile(path: Path, **figures: str) -> str:
    """A profile like vLLM's but for some figures."""
    lines = [f"{key}: {{value: {value}, source: ME}}" for key, value in figures.items()]
    path.write_text("\n".join(["name: Truth", "like: vllm", *lines, "sources:", "  ME: {title: me, date: 2026}"]))
    return str(path)


def line(number: int, metric: str, value: float, batch: int, lengths: tuple[int, int], note: str = "") -> str:
    isl, osl = lengths
    return (
        f"run-{number}-{metric},lab,2026,vllm 0.19.0,llama-3.1-8b,h100-sxm,1,1,1,,bf16,bf16,{batch},{isl},{osl},"
        f"{metric},{1e3 * value:.9g},{note}"
    )


def closed_loops(path: Path, *, batches: tuple[int, ...] = (1, 8, 64), **options: Any) -> str:
    """A table of closed loops as ``utilization`` answers them: milliseconds a token and to the first one."""
    lines, number = [COLUMNS], 0
    for isl, osl in LENGTHS:
        for batch in batches:
            number += 1
            told = infercost.utilization(concurrency=batch, isl=isl, osl=osl, **{**SAME, **options})
            for metric, key in (("tpot_ms", "tpot_s"), ("ttft_ms", "ttft_all_at_once_s")):
                lines.append(line(number, metric, told[key], batch, (isl, osl), "closed-loop"))
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def constants(report: Report) -> dict[str, dict[str, Any]]:
    assert report.series
    return {row["constant"]: row for row in report.series.rows}


@pytest.mark.parametrize(
    "true",
    [
        {"launch_scale": "0.7", "request_overhead": "25 ms"},
        {"launch_scale": "1.15", "sequence_overhead": "25 us"},
        {"steps_waited": "6", "streamed_steps": "6"},
    ],
    ids=["kernels and requests", "kernels and sequences", "messages"],
)
def test_what_made_the_runs_is_found_again(true: dict[str, str], tmp_path: Path) -> None:
    path = closed_loops(tmp_path / "runs.csv", efficiency=profile(tmp_path / "truth.yaml", **true))
    report = infercost.calibrate(path)
    made, base = load("efficiency", str(tmp_path / "truth.yaml")), load("efficiency", "vllm")
    rows = constants(report)
    for key in (key for key in true if key != "streamed_steps"):
        assert rows[key]["determined"], key
        assert rows[key]["before"] == base.value(key)
        assert rows[key]["after"] == pytest.approx(made.value(key), rel=0.1), key
    assert report["median_abs_error"] < 0.01 < report["median_abs_error_before"]


def test_slower_memory_is_the_chips_not_the_engines(tmp_path: Path) -> None:
    """Runs of an H100 with 0.8 of the bandwidth, in formats and at batches that tell reads from launches."""
    part = (ROOT / "presets" / "accelerators" / "h100-sxm.yaml").read_text()
    slow = tmp_path / "slow.yaml"
    slow.write_text(part.replace("3.35 TB/s", "2.68 TB/s"))
    assert slow.read_text() != part
    rows = constants(infercost.calibrate(closed_loops(tmp_path / "runs.csv", efficiency="vllm", gpu=str(slow))))
    assert rows["bandwidth_scale"]["determined"]
    assert rows["bandwidth_scale"]["after"] == pytest.approx(0.8, rel=0.03)
    assert rows["compute_scale"]["after"] == pytest.approx(1, rel=0.05)
    assert rows["launch_scale"]["after"] == pytest.approx(0.95, rel=0.05)


def test_a_host_that_waits_is_not_taken_for_slow_kernels(tmp_path: Path) -> None:
    """3 ms beside each step: no launch in reason takes so long, time beside the steps does."""
    lines = [COLUMNS]
    for number, batch in enumerate((1, 4, 16)):
        step = infercost.utilization(batch=batch, context=1100, efficiency="vllm", **SAME)["step_time_s"]
        lines.append(line(number, "decode_ms_per_token", step + 3e-3, batch, (1000, 200)))
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(lines) + "\n")
    rows = constants(infercost.calibrate(str(path)))
    assert rows["step_overhead"]["after"] == pytest.approx(3e-3 + 100e-6, rel=0.03)
    assert rows["launch_scale"]["after"] == rows["launch_scale"]["before"]


def test_the_profile_says_only_what_was_fitted(tmp_path: Path, run: Run) -> None:
    truth = profile(tmp_path / "truth.yaml", launch_scale="0.7", request_overhead="25 ms")
    runs, target = closed_loops(tmp_path / "runs.csv", efficiency=truth), tmp_path / "my-stack.yaml"
    found = run("calibrate", runs, "-o", str(target), "--json").json
    fitted = {row["constant"] for row in found["rows"] if row["determined"]}
    keys = [text.split(":")[0] for text in target.read_text().splitlines() if not text.startswith(" ")]
    more = ["streamed_steps"] if "steps_waited" in fitted else []
    assert sorted(keys) == sorted(["name", "like", "error", "note", "sources", *fitted, *more])
    mine, base = complete(load("efficiency", str(target))), complete(load("efficiency", "vllm"))
    for key in base.facts.keys() - fitted - {*more}:
        assert mine.value(key) == base.value(key), key
    assert mine.labels["law"] == "kernels"
    assert {mine.fact(key).source for key in fitted} == {"infercost calibrate, on 12 measurements of runs.csv"}


def test_the_base_of_a_second_fit_stays_in_the_profile(tmp_path: Path, run: Run) -> None:
    truth = profile(tmp_path / "truth.yaml", launch_scale="0.7", chunk_tokens="4096")
    runs, target = closed_loops(tmp_path / "runs.csv", efficiency=truth), tmp_path / "my-stack.yaml"
    errors = run("calibrate", runs, "-o", str(target), "--efficiency", truth, "--json").json["results"]
    assert errors["median_abs_error"] == pytest.approx(errors["median_abs_error_before"], abs=0.01)
    text, mine = target.read_text(), load("efficiency", str(target))
    assert "like: vllm" in text
    assert (mine.value("chunk_tokens"), mine.fact("chunk_tokens").source) == (4096, "me")
    assert mine.value("launch_scale") == pytest.approx(0.7, rel=0.02)


@pytest.mark.parametrize(
    "command",
    [
        ("utilization", "--concurrency", "8", "--isl", "1000", "--osl", "200", "--steps"),
        ("utilization", "--sweep", "batch=1,8"),
        ("fit", "--context", "8k"),
        ("economies",),
        ("userbase", "--users", "10k"),
        ("utilization", "--sensitivity"),
        ("frontier",),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_every_command_takes_the_profile(command: tuple[str, ...], tmp_path: Path, run: Run) -> None:
    name = profile(tmp_path / "my-stack.yaml", launch_scale="0.7", bandwidth_scale="0.9", compute_scale="0.8")
    result = run(*command, "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", name)
    assert result.code == 0, result.err
    assert "my-stack" in result.out


def test_the_engine_of_the_runs_is_the_one_to_start_from(tmp_path: Path) -> None:
    """SGLang's runs start from SGLang's profile; an engine nobody knows from the one that people run on the part."""
    path = closed_loops(tmp_path / "runs.csv", efficiency="vllm")
    text = Path(path).read_text()
    engines = {"sglang 0.5.9": "sglang@0.5.9", "an engine of ours": "vllm", "TensorRT-LLM 1.1": "tensorrt-llm"}
    for framework, base in engines.items():
        Path(path).write_text(text.replace("vllm 0.19.0", framework))
        report = infercost.calibrate(path)
        assert {item.key: item.value for item in report.inputs}["efficiency"] == base


def test_a_profile_like_an_engines_has_its_kernels(tmp_path: Path, run: Run) -> None:
    runs, target = Path(closed_loops(tmp_path / "runs.csv", efficiency="tensorrt-llm")), tmp_path / "my-stack.yaml"
    runs.write_text(runs.read_text().replace("vllm 0.19.0", "TensorRT-LLM 1.2"))
    assert run("calibrate", str(runs), "-o", str(target)).code == 0
    mine, base = load("efficiency", str(target)), load("efficiency", "tensorrt-llm")
    for label in ("law", "prompts", "products_kernel", "engine", "memory"):
        assert mine.labels[label] == base.labels[label]
