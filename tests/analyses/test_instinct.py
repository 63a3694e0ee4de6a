"""Answers for AMD Instinct: the switch of a tuned build, and what no law covers."""

from pathlib import Path

import pytest

import infercost

SERVER = {"gpu": "mi300x:8", "model": "deepseek-v3", "input_tokens": 1000, "output_tokens": 1000, "concurrency": 32}
HEADER = "id,source,year,framework,model,accelerator,n_accelerators,tp,pp,ep,weight_dtype,kv_dtype,batch_or_concurrency"


def note(code: str, **options: object) -> str:
    notes = infercost.utilization(**options).notes
    return " | ".join(each.text for each in notes if each.code == code)


def test_both_builds_of_sglang_are_said() -> None:
    """MI300X with fp8 blocks: the default build's numbers, those with tuned kernels, and the switch between them."""
    said = note("untuned", efficiency="sglang", **SERVER)
    assert "--set efficiency.untuned_factor=1" in said
    assert "fp8_block" in said
    default, tuned = (
        infercost.utilization(efficiency="sglang", set=switch, **SERVER)
        for switch in ([], ["efficiency.untuned_factor=1"])
    )
    assert default["ttft_s"] > tuned["ttft_s"]
    assert default["tpot_s"] > tuned["tpot_s"]
    for report in (default, tuned):
        assert f"{1e3 * report['tpot_s']:.4g} ms a token and {1e3 * report['ttft_s']:.4g} ms to the first one" in said


def test_a_release_without_tuned_kernels_names_both_switches() -> None:
    said = note("untuned", efficiency="sglang@0.5.9", **SERVER)
    assert "--set efficiency.untuned_factor=1 --set efficiency.untuned_decode_factor=1" in said
    assert "in all passes" in said


@pytest.mark.parametrize(
    "options",
    [
        {"efficiency": "vllm"},
        {"efficiency": "sglang", "set": ["efficiency.untuned_factor=1"]},
        {"efficiency": "sglang", "gpu": "mi355x:8"},
        {"efficiency": "sglang", "gpu": "h200:8"},
    ],
)
def test_tuned_builds_say_nothing(options: dict[str, object]) -> None:
    assert note("untuned", **{**SERVER, **options}) == ""


@pytest.mark.parametrize("part", ["mi250", "mi250x"])
def test_what_no_law_covers_is_an_estimate_of_unknown_error(part: str) -> None:
    report = infercost.utilization(gpu=part, model="llama-3.1-8b")
    assert "took 2 to 3 times as long" in note("estimate", gpu=part, model="llama-3.1-8b")
    assert "at best" not in report.verdict
    assert report.values["bound_step_time_s"] < report.values["step_time_s"]
    assert not report.bands


def test_an_older_engine_says_what_it_was_fitted_to() -> None:
    """vLLM of 2024 keeps its profile; on NVIDIA parts nothing is added."""
    said = note("estimate", gpu="mi300x", model="llama-3.1-8b", efficiency="vllm-2024")
    assert "2 to 3 times slower" in said
    assert "no law" not in note("estimate", gpu="h100", model="llama-3.1-8b", efficiency="vllm-2024")


def test_rows_that_no_law_covers_are_predicted_and_marked(tmp_path: Path) -> None:
    rows = [
        "mi250-new,s,2026,vLLM 0.11.0,llama-3.1-8b,mi250,1,1,1,1,bf16,,8,1024,1024,decode_ms_per_token,20,",
        "mi300x-old,s,2024,vLLM,llama-3.1-8b,mi300x,1,1,1,1,bf16,,8,1024,1024,decode_ms_per_token,20,",
        "mi300x-new,s,2026,vLLM 0.11.0,llama-3.1-8b,mi300x,1,1,1,1,bf16,,8,1024,1024,decode_ms_per_token,20,",
    ]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join([f"{HEADER},input_tokens,output_tokens,metric,value,notes", *rows]))
    found = {row["id"]: row for row in infercost.validate(str(table), efficiency="stack").series.rows}
    marked = {name: row["not_covered"] is not None for name, row in found.items()}
    assert marked == {"mi250-new": True, "mi300x-old": True, "mi300x-new": False}
    assert [row["low"] is None for row in found.values()] == [True, True, False]
    assert all(row["predicted"] > 0 for row in found.values())
