"""What is assumed of a named model: the engine that people run on a part, a usual request, and one price for both."""

from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.parts import catalog
from infercost.report import Report
from tests.analyses.test_economies import rows_of
from tests.conftest import Run
from tests.models.test_gguf import write

LLAMA = {"model": "llama-3.1-8b", "gpu": "h100"}


def taken(report: Report, name: str) -> Any:
    """An input of an answer."""
    return next(item.value for item in report.inputs if item.key == name)


@pytest.mark.parametrize(
    ("gpu", "engine"),
    [
        ("h100", "vllm"),
        ("t4", "vllm"),
        ("v100", "vllm"),
        ("rtx-5090", "vllm"),
        ("mi355x", "vllm"),
        ("arc-pro-b60", "vllm"),
        ("rubin-nvl72", "vllm"),
        ("apple-m4-max", "llama.cpp-metal"),
        ("dgx-spark", "llama.cpp"),
        ("ryzen-ai-max-395", "llama.cpp"),
        ("jetson-agx-orin", "llama.cpp"),
        ("tpu-v6e", "realistic"),
        ("gaudi3", "realistic"),
        ("trainium2", "realistic"),
    ],
)
def test_a_named_model_runs_on_the_engine_of_the_part(gpu: str, engine: str) -> None:
    report = infercost.utilization(model="llama-3.2-1b", gpu=gpu)
    assert taken(report, "efficiency") == engine
    said = [note.text for note in report.notes if note.code == "efficiency"]
    assert [f"no engine of {taken(report, 'gpu')} was measured" in text for text in said] == [True] * (
        engine == "realistic"
    )


def test_every_part_of_a_vendor_names_an_engine_that_there_is() -> None:
    parts = [catalog.load("accelerators", name) for name in catalog.names("accelerators")]
    engines = {part.labels["engine"] for part in parts if "engine" in part.labels}
    assert engines == {"vllm", "llama.cpp", "llama.cpp-metal"}
    without = {part.labels["vendor"] for part in parts if "engine" not in part.labels and "gpu" in part.labels["kind"]}
    assert without == set()


def test_a_format_that_the_engine_has_not_takes_another() -> None:
    report = infercost.utilization(gpu="dgx-spark", model="llama-3.1-8b", dtype="fp8")
    assert taken(report, "efficiency") == "vllm"
    assert "llama.cpp, which people run on dgx-spark-gb10, has no fp8: vllm is assumed" in {
        note.text for note in report.notes
    }
    assert (
        taken(infercost.utilization(gpu="dgx-spark", model="llama-3.1-8b", dtype="int4"), "efficiency") == "llama.cpp"
    )


@pytest.mark.parametrize(("gpu", "engine"), [("h100", "llama.cpp"), ("apple-m4-max", "llama.cpp-metal")])
def test_a_gguf_file_runs_on_llama_cpp(gpu: str, engine: str, tmp_path: Path, run: Run) -> None:
    path = write(tmp_path / "tiny.gguf")
    assert taken(infercost.utilization(gpu=gpu, model=path), "efficiency") == engine
    command = run("fit", "--gpu", gpu, "--model", path, "--context", "64", "--batch", "2", "--json").json[
        "engine_command"
    ]
    assert command == f"llama-server --model {path} --n-gpu-layers 999 --ctx-size 128 --parallel 2"


def test_llama_cpp_gives_each_device_whole_layers(run: Run) -> None:
    asked = ("fit", "--gpu", "4090:2", "--model", "llama-3.1-70b", "--dtype", "q3_k_m", "--context", "1k")
    said = run(*asked, "--efficiency", "llama.cpp", "--json").json
    assert (said["results"]["tp"], said["results"]["pp"]) == (1, 2)
    assert said["results"]["fits"]
    assert said["engine_command"] is None
    assert any("llama.cpp loads a GGUF file of" in note["text"] for note in said["notes"])


def test_a_part_without_an_engine_has_no_command(run: Run) -> None:
    said = run("fit", "--gpu", "tpu-v6e:8", "--model", "llama-3.1-8b", "--json").json
    assert said["engine_command"] is None
    assert run("fit", "--gpu", "h100", "--model", "llama-3.1-8b", "--json").json["engine_command"].startswith("vllm")


def test_old_profiles_are_listed_when_asked_for(run: Run) -> None:
    few, all_of_them = (run("presets", "list", "efficiency", *more, "--json").json for more in ((), ("--all",)))
    shown, every = ({row["name"] for row in answer["rows"]} for answer in (few, all_of_them))
    assert {"vllm", "realistic", "ideal", "erdil-2025", "llama.cpp"} <= shown < every
    assert every - shown >= {"fastertransformer", "vllm-2024", "tensorrt-llm-2023"}
    assert any("--all" in note["text"] for note in few["notes"])
    assert infercost.utilization(**LLAMA, efficiency="fastertransformer")["step_time_s"] > 0


@pytest.mark.parametrize("command", ["utilization", "sweep-batch", "economies", "frontier"])
def test_a_usual_request_is_assumed_and_said(run: Run, command: str) -> None:
    said = run(command, "--gpu", "h100", "--model", "llama-3.1-8b", "--json").json
    assert (said["inputs"]["input_tokens"], said["inputs"]["output_tokens"]) == (7680, 1024)
    assert said["inputs"]["context"] == 8192
    assert {"input_tokens", "output_tokens"} <= set(said["assumed"])


@pytest.mark.parametrize(
    "asked",
    [
        {"gpu": "h100-note", "params": "70B"},
        {**LLAMA, "efficiency": "ideal"},
        {**LLAMA, "efficiency": "erdil-2025"},
        {**LLAMA, "context": 8192},
    ],
)
def test_no_request_is_assumed_of_a_step(asked: dict[str, Any]) -> None:
    report = infercost.utilization(**asked, price=2)
    assert report["ttft_s"] is None
    assert report["usd_per_million_tokens"] == report["usd_per_million_tokens_decode"]


def test_one_service_has_one_price() -> None:
    """Prompts ride along with the steps of a batch, whichever command asks."""
    asked: dict[str, Any] = {"model": "llama-3.1-70b", "input_tokens": 4000, "output_tokens": 500, "price": 2}
    one = infercost.utilization(gpu="h100:4", tp=4, batch=18, **asked)
    swept = infercost.sweep_batch(gpu="h100:4", tp=4, batch="18", **asked).series
    compared = infercost.compare("h100:4", batch=18, **asked).series
    frontier = infercost.frontier(gpu="h100", gpus=4, tp=4, pp=1, ep=1, batch="18", **asked).series
    assert swept
    assert compared
    assert frontier
    for key in ("usd_per_million_tokens", "usd_per_million_tokens_decode"):
        found = [series.rows[0][key] for series in (swept, compared, frontier)]
        assert found == pytest.approx([one[key]] * 3)
    assert frontier.rows[0]["usd_per_million_tokens_all_in"] == pytest.approx(one["usd_per_million_tokens"])
    closed = infercost.utilization(gpu="h100:4", tp=4, concurrency=18, **asked)
    assert closed["usd_per_million_tokens"] == pytest.approx(one["usd_per_million_tokens"], rel=0.02)
    assert one["usd_per_million_tokens_decode"] == pytest.approx(2 * 4 / 3600 / one["tokens_per_s"] * 1e6)


@pytest.mark.parametrize("load", [{"concurrency": 1}, {"request_rate": 0.01}, {"request_rate": 0.1}])
def test_decoding_costs_the_time_in_which_something_decodes(load: dict[str, Any]) -> None:
    """By hand: a step of one sequence takes 25.91 ms of a $1.09 hour, $7.84 a million, however long none decodes."""
    asked = {"gpu": "l40s", "model": "llama-3.1-8b", "input_tokens": 16000, "output_tokens": 100}
    report = infercost.utilization(**asked, **load)
    assert report["batch"] < 1
    assert report["step_time_s"] == pytest.approx(25.91e-3, rel=2e-4)
    assert report["usd_per_million_tokens_decode"] == pytest.approx(7.84, abs=0.005)


@pytest.mark.parametrize("load", [{"batch": 8}, {"concurrency": 1}, {"concurrency": 64}, {"request_rate": 0.1}, None])
@pytest.mark.parametrize(("input_tokens", "output_tokens"), [(16000, 100), (16, 2), (500, 500)])
def test_leaving_prompts_out_makes_nothing_dearer(
    load: dict[str, Any] | None, input_tokens: int, output_tokens: int
) -> None:
    asked: dict[str, Any] = {"gpu": "l40s", "model": "llama-3.1-8b"}
    asked |= {"input_tokens": input_tokens, "output_tokens": output_tokens}
    rows = [infercost.utilization(**asked, **load)] if load else rows_of(infercost.economies(**asked))
    for row in rows:
        assert row["usd_per_million_tokens_decode"] <= row["usd_per_million_tokens"]


def test_prompts_apart_are_paid_on_their_own_replicas() -> None:
    asked: dict[str, Any] = {"gpu": "h100:4", "model": "llama-3.1-70b", "input_tokens": 4000, "output_tokens": 500}
    report = infercost.utilization(**asked, batch=32, price=2, disaggregated=True)
    both = report["usd_per_million_tokens_decode"] * (1 + report["prefill_per_decode"])
    assert report["usd_per_million_tokens"] == pytest.approx(both)


def test_so_many_are_always_in_flight() -> None:
    asked: dict[str, Any] = {"gpu": "h100:4", "model": "llama-3.1-70b", "input_tokens": 1000, "output_tokens": 500}
    report = infercost.utilization(**asked, concurrency=32)
    rate = report["tokens_per_s"] / 500
    assert rate * report["request_time_s"] == pytest.approx(32, rel=1e-3)
    assert report["in_flight"] == 32
    assert report["batch"] < 32
    assert report["ttft_all_at_once_s"] > report["ttft_s"]
    assert taken(report, "num_prompts") == 320
    longer = infercost.utilization(**asked, concurrency=32, num_prompts=3200)
    assert report["ttft_s"] < longer["ttft_all_at_once_s"] < report["ttft_all_at_once_s"]


def test_the_chunk_is_the_engines_and_has_two_names(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--request-rate", "0.5", "--json")
    plain, given, other = (
        run(*asked, *more).json["results"]
        for more in ((), ("--max-batched-tokens", "8192"), ("--chunk-tokens", "8192"))
    )
    assert plain == given == other
    batch = {"gpu": "h100:4", "model": "llama-3.1-70b", "batch": 64}
    assert infercost.utilization(**batch)["ttft_s"] == infercost.utilization(**batch, chunk_tokens=8192)["ttft_s"]
    assert run(*asked, "--max-batched-tokens", "1k").json["results"]["ttft_s"] > plain["ttft_s"]


def test_evenly_spaced_requests_meet_nobody_by_chance(run: Run) -> None:
    asked = {"gpu": "h100:4", "model": "llama-3.1-70b", "request_rate": 0.5}
    random, even = (infercost.utilization(**asked, burstiness=each) for each in (1, 0))
    assert even["ttft_s"] < random["ttft_s"]
    assert even["tpot_s"] < random["tpot_s"]
    assert infercost.utilization(**asked)["ttft_s"] == random["ttft_s"]
    assert "runs the other way" in " ".join(run("utilization", "--help").out.replace("│", " ").split())


def test_no_share_is_above_one() -> None:
    report = infercost.frontier(
        gpu="mi300x", model="bloom-7b1", max_gpus=16, efficiency="erdil-2025", context=435
    ).series
    assert report
    shares = [row["memory_bandwidth_utilization"] for row in report.rows]
    assert None in shares
    assert all(share is None or share <= 1 for share in shares)


def test_what_does_not_fit_says_by_how_much_in_every_answer() -> None:
    """By hand: 141.107 of weights, 0.516 and 0.268 of the engine and 2.684 of cache, less 90% of 24.153 GB."""
    asked: dict[str, Any] = {"gpu": "l4:1", "model": "llama-3.1-70b", "context": 8192}
    for command in (infercost.fit, infercost.utilization, infercost.sweep_batch):
        report = command(**asked)
        assert report["fits"] is False
        assert report["shortfall_bytes"] == pytest.approx(122.839e9, rel=1e-5)
    for command in (infercost.userbase, infercost.economies):
        report = command(gpu="l4:1", model="llama-3.1-70b", users=1000)
        assert report["fits"] is False
        assert report["shortfall_bytes"] > 100e9


def test_what_fits_is_short_of_nothing_in_every_answer() -> None:
    asked: dict[str, Any] = {"gpu": "h100:1", "model": "llama-3.1-8b"}
    reports = [command(**asked) for command in (infercost.fit, infercost.utilization, infercost.sweep_batch)]
    reports += [command(**asked, users=1000) for command in (infercost.userbase, infercost.economies)]
    reports.append(infercost.utilization(gpu="h100:1", model="bge-m3"))
    assert [(report["fits"], report["shortfall_bytes"]) for report in reports] == [(True, 0)] * 6
