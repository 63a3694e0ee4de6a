"""A profile of one's own under the roofline's law: constants found again, files of every tool, what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.analyses.calibrate import profile_text
from infercost.errors import Missing
from infercost.evidence.fit import obstacles
from infercost.evidence.predict import Measured, prepare
from infercost.parts.catalog import load
from infercost.parts.preset import Fact
from tests.conftest import ROOT, Run

DATA = ROOT / "tests" / "data" / "results"
LLAMA_BENCH = ("calibrate", str(DATA / "llama_bench.json"), "--gpu", "rtx-4090", "--model", "llama-3.1-8b")
COLUMNS = (DATA / "measurements.csv").read_text().splitlines()[0]
#: Llama 3.1 8B by hand: the matrices of its 32 layers, then the output head, in parameters.
MATRICES = 32 * (4096 * (4096 + 1024 + 1024 + 4096) + 3 * 4096 * 14336)
HEAD = 128256 * 4096
BANDWIDTH = 3.35e12
#: Constants that no fit here touches, as the profile to start from has them.
START = load("efficiency", "autoawq")
LEFT = {key: START.value(key) for key in ("cache_share", "sequence_overhead", "kernel_time", "memory_share")}
#: Bytes a parameter of the matrices; the head stays in two.
FORMATS = {"fp16": 2, "fp8": 1, "awq-int4": (4 + 20 / 128) / 8}


def step(size: float, context: float, share: float, kernel_time: float) -> float:
    """Seconds of a step at batch 1 by hand: weights, 128 KiB of cache a token, five kernels a layer, one sequence."""
    read = (MATRICES * size + HEAD * 2) / (share * BANDWIDTH) + context * 131072 / (LEFT["cache_share"] * BANDWIDTH)
    return read + 32 * 5 * kernel_time + LEFT["sequence_overhead"]


def table(path: Path, times: dict[tuple[str, int], float]) -> str:
    """A table of steps at batch 1, by format and context."""
    rows = [
        f"run-{name}-{context},lab,2026,AutoAWQ,llama-3.1-8b,h100-sxm,1,1,1,,{name},fp16,1,{context},0,"
        f"decode_ms_per_token,{1e3 * time:.9g},"
        for (name, context), time in times.items()
    ]
    path.write_text("\n".join((COLUMNS, *rows)) + "\n")
    return str(path)


@pytest.mark.parametrize(("share", "kernel_time"), [(0.7, 9e-6), (0.55, 25e-6), (0.9, 3e-6)])
@pytest.mark.parametrize("scatter", [0.0, 0.005])
def test_what_made_the_runs_is_found_again(
    share: float, kernel_time: float, scatter: float, tmp_path: Path, run: Run
) -> None:
    times = {}
    for number, (name, context) in enumerate((name, context) for context in (64, 2048) for name in FORMATS):
        times[name, context] = step(FORMATS[name], context, share, kernel_time) * (1 + scatter * (-1) ** number)
    found = run("calibrate", table(tmp_path / "runs.csv", times), "--json").json
    rows = {row["constant"]: row for row in found["rows"]}
    assert rows["memory_share"]["after"] == pytest.approx(share, rel=0.04)
    assert rows["kernel_time"]["after"] == pytest.approx(kernel_time, rel=0.12 if scatter else 0.04)
    assert {name for name, row in rows.items() if row["determined"]} == {"memory_share", "kernel_time"}
    results = found["results"]
    assert results["median_abs_error"] < 0.01
    assert results["median_abs_error_before"] > 0.05
    assert (results["count"], results["determined_count"], results["undetermined_count"]) == (6, 2, 6)


def test_one_format_does_not_tell_reads_from_kernels(tmp_path: Path, run: Run) -> None:
    times = {("fp16", context): step(2, context, 0.7, LEFT["kernel_time"]) for context in (1, 64, 512, 1024)}
    rows = {row["constant"]: row for row in run("calibrate", table(tmp_path / "a.csv", times), "--json").json["rows"]}
    assert rows["memory_share"]["after"] == pytest.approx(0.7, rel=0.02)
    assert rows["kernel_time"]["after"] == rows["kernel_time"]["before"] == LEFT["kernel_time"]
    assert rows["kernel_time"]["remark"] == "left: acts like memory_share"
    assert rows["collective_latency"]["remark"] == "left: no effect here"


def test_a_stack_that_waits_is_not_taken_for_slow_memory(tmp_path: Path, run: Run) -> None:
    """12 ms beside the reads: no share of the bandwidth in reason explains it, time beside each step does."""
    times = {
        ("awq-int4", context): step(FORMATS["awq-int4"], context, LEFT["memory_share"], LEFT["kernel_time"]) + 9e-3
        for context in (1, 64, 9)
    }
    result = run("calibrate", table(tmp_path / "a.csv", times), "--json")
    rows = {row["constant"]: row for row in result.json["rows"]}
    assert rows["step_overhead"]["after"] == pytest.approx(9e-3, rel=0.05)
    assert rows["memory_share"]["after"] == rows["memory_share"]["before"]


def test_a_constant_at_its_edge_is_said(tmp_path: Path, run: Run) -> None:
    times = {("fp16", context): step(2, context, 0.99, LEFT["kernel_time"]) for context in (1, 64, 512)}
    found = run("calibrate", table(tmp_path / "a.csv", times), "--json").json
    rows = {row["constant"]: row for row in found["rows"]}
    assert rows["memory_share"]["after"] == pytest.approx(0.95, abs=1e-3)
    assert [note["text"].split()[0] for note in found["notes"] if note["code"] == "edge"] == ["memory_share"]
    assert found["verdict"].startswith("Fitted ")


def test_a_fit_that_ends_at_an_edge_far_from_its_measurements_is_no_good_one(tmp_path: Path, run: Run) -> None:
    """A third of the speed of two H100: no share of the bandwidth in reason explains it."""
    read = json.loads((DATA / "vllm_serve.json").read_text())
    report = {key: value for key, value in read.items() if not key.endswith("_ms")}
    slow = {"mean_tpot_ms": 39.4, "mean_itl_ms": 39.4, "mean_ttft_ms": 820.1, "max_concurrency": 32, "completed": 320}
    lengths = {"model_id": "Qwen/Qwen3-32B", "total_input_tokens": 327_680, "total_output_tokens": 163_840}
    (tmp_path / "slow.json").write_text(json.dumps(report | slow | lengths))
    said = run("calibrate", str(tmp_path / "slow.json"), "--gpu", "h100:2", "--tp", "2", "--json")
    assert said.code == 0, said.err
    assert said.json["verdict"].startswith("No good fit: ")


#: Every file, how it was run, and the exit code with words of what is said. The runs behind most were no real ones.
FILES = {
    "aiperf_concurrency.json": (("h100", ""), 2, "faster than possible"),
    "aiperf_rate.json": (("h100", ""), 2, "faster than possible"),
    "evalscope.json": (("a100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "genai_perf.json": (("h100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "guidellm_0.3.json": (("h100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "guidellm_0.8.json": (("h100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "inference_perf.json": (("h100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "inferencex.json": (("a100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "llama_timings.txt": (("rtx-4090", ""), 2, "this model does not explain them"),
    "mlx_timings.txt": (("a100", ""), 2, "this model does not explain them"),
    "ollama.json": (("h100", ""), 2, "1 measurement is too few"),
    "trtllm_bench.json": (("h100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "llama_bench.csv": (("rtx-4090", ""), 0, "Fitted 1 constant to 2 measurements"),
    "llama_bench.md": (("ryzen-ai-max-395", ""), 0, "Fitted 2 constants to 4 measurements"),
    "llmfit.json": (("apple-m5-max", ""), 0, "Fitted 1 constant to 2 measurements"),
    "llmperf_summary.json": (("a100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "llama_bench.json": (("rtx-4090", ""), 0, "Fitted 2 constants to 4 measurements"),
    "llama_bench.jsonl": (("h100", ""), 2, "1 measurement is too few"),
    "sglang_one_batch.jsonl": (("h100", ""), 0, "Fitted"),
    "sglang_one_batch_server.jsonl": (("h100", ""), 2, "this model does not explain them"),
    "sglang_serving.jsonl": (("a100", ""), 0, "Fitted 1 constant to 4 measurements"),
    "vllm_latency.json": (("h100", "8"), 2, "1 measurement is too few"),
    "vllm_serve.json": (("h100", ""), 0, "Fitted 1 constant to 2 measurements"),
    "vllm_serve.jsonl": (("a100", "16"), 0, "Fitted 1 constant to 4 measurements"),
}


def test_every_file_is_tried() -> None:
    tables = {"measurements.csv", "mlperf.csv", "served_load.csv", "README.md"}
    assert {path.name for path in DATA.iterdir()} == {*FILES, *tables}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_tool(name: str, tmp_path: Path, run: Run) -> None:
    (gpu, batch), code, said = FILES[name]
    more = ("--batch", batch, "--input-tokens", "1024", "--output-tokens", "128") if batch else ()
    target = tmp_path / "mine.yaml"
    result = run("calibrate", str(DATA / name), "--gpu", gpu, "--model", "llama-3.1-8b", *more, "-o", str(target))
    assert result.code == code
    assert target.exists() == (code == 0)
    assert said in " ".join((result.err if code else result.out).split())
    if code:
        assert result.out == ""
        assert [line.split(":")[0] for line in result.err.splitlines()] == ["error", "hint"]


def test_the_profile_is_used_like_any_other(tmp_path: Path, run: Run) -> None:
    target = tmp_path / "my-stack.yaml"
    result = run(*LLAMA_BENCH, "--output", str(target), "--json")
    rows = {row["constant"]: row for row in result.json["rows"]}
    mine, base = load("efficiency", str(target)), load("efficiency", "llama.cpp-cuda")
    assert (mine.name, mine.title) == ("my-stack", "my-stack")
    assert (mine.labels["like"], mine.labels["law"]) == ("llama.cpp-cuda", "llama.cpp")
    assert (mine.labels["accumulates"], mine.labels["split"]) == ("fp16", "layers")
    assert "4 measurements of llama_bench.json" in mine.labels["note"]
    for key, fact in mine.facts.items():
        if key in ("memory_share", "compute_share"):
            assert fact.value == rows[key]["after"] != base.value(key)
            assert fact.source == "infercost calibrate, on 4 measurements of llama_bench.json"
        else:
            assert (fact.value, fact.source, fact.date) == (base.value(key), base.fact(key).source, base.fact(key).date)
    assert mine.facts.keys() == base.facts.keys()
    args = ("utilization", "--gpu", "rtx-4090", "--model", "llama-3.1-8b", "--dtype", "int4", "--json")
    times = {path: run(*args, "--efficiency", path).json["results"] for path in (str(target), "llama.cpp")}
    assert times[str(target)]["memory_time_s"] > 1.1 * times["llama.cpp"]["memory_time_s"]


def test_a_profile_may_be_the_base_of_another(tmp_path: Path, run: Run) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    assert run(*LLAMA_BENCH, "-o", str(first)).code == 0
    again = run(*LLAMA_BENCH, "--efficiency", str(first), "-o", str(second), "--json").json["results"]
    assert again["median_abs_error"] == pytest.approx(again["median_abs_error_before"], abs=0.01)
    assert load("efficiency", str(second)).value("memory_share") == pytest.approx(
        load("efficiency", str(first)).value("memory_share"), rel=0.02
    )


def test_a_bound_is_no_stack_but_may_be_the_base(tmp_path: Path, run: Run) -> None:
    target = tmp_path / "mine.yaml"
    assert run(*LLAMA_BENCH, "--efficiency", "ideal", "-o", str(target)).code == 0
    mine = load("efficiency", str(target))
    assert (mine.labels["overlap"], mine.labels["memory"]) == ("operator", "engine")
    assert mine.fact("steps_waited").source == "left out by profile ideal"


def test_the_same_files_give_the_same_bytes(tmp_path: Path, run: Run) -> None:
    said, written = [], []
    for _ in range(2):
        result = run(*LLAMA_BENCH, "-o", str(tmp_path / "mine.yaml"), "--json", "--sources", "--steps")
        said.append(result.out)
        written.append((tmp_path / "mine.yaml").read_bytes())
    assert said[0] == said[1]
    assert written[0] == written[1]


@pytest.mark.parametrize("form", ["table", "plain", "markdown", "csv", "json"])
def test_the_report_is_in_every_form(form: str, tmp_path: Path, run: Run) -> None:
    result = run(*LLAMA_BENCH, "-o", str(tmp_path / "mine.yaml"), "--format", form)
    assert result.code == 0
    assert "memory_share" in result.out
    assert "sources:" not in result.out


def test_without_a_place_nothing_is_written(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*LLAMA_BENCH)
    assert (result.code, list(tmp_path.iterdir())) == (0, [])
    assert "-o my-stack.yaml writes the profile" in result.err


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "another model": (
        (*LLAMA_BENCH[:-1], "llama-3.1-70b"),
        "llama_bench-1-input_tok_s_total: its file holds 8.03B parameters, and llama-3.1-70b has 70.55B",
    ),
    "no such file": (("calibrate", "none.json", *LLAMA_BENCH[2:]), "results none.json: no such file"),
    "no file": (("calibrate", *LLAMA_BENCH[2:]), "needs a result file"),
    "no gpu": (("calibrate", str(DATA / "vllm_serve.json"), "--model", "llama-3.1-8b"), "needs --gpu"),
    "no model": (("calibrate", str(DATA / "genai_perf.json"), "--gpu", "h100"), "needs --model"),
    "unknown gpu": ((*LLAMA_BENCH[:2], "--gpu", "rtx-4091", *LLAMA_BENCH[4:]), "rtx-4091"),
    "unknown model": ((*LLAMA_BENCH[:-1], "llama-9"), "llama-9"),
    "unknown profile": ((*LLAMA_BENCH, "--efficiency", "mine"), "mine"),
    "another law": ((*LLAMA_BENCH, "--efficiency", "erdil-2025"), "law of its own"),
    "no yaml": ((*LLAMA_BENCH, "--output", "mine.txt"), "a profile is a YAML file"),
    "no format of runs": ((*LLAMA_BENCH, "--dtype", "fp6"), "or a format of GGUF files such as q4_k_m"),
    "vague format": ((*LLAMA_BENCH, "--dtype", "8bit"), "--dtype 8bit does not say what ran"),
    "cache format": ((*LLAMA_BENCH, "--kv-dtype", "int4"), "--kv-dtype int4 does not say what ran"),
    "copies": (
        ("calibrate", str(DATA / "vllm_serve.json"), "--gpu", "h100:3", "--model", "llama-3.1-8b", "--tp", "2"),
        "3 devices are no whole number of copies",
    ),
    "layout": (
        ("calibrate", str(DATA / "vllm_serve.json"), "--gpu", "h100:2", "--model", "llama-3.1-8b"),
        "the layout is not stated",
    ),
}


@pytest.mark.parametrize(("args", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_question_writes_nothing(
    args: tuple[str, ...], said: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("old")
    result = run(*args, *(() if "--output" in args else ("-o", "mine.yaml")))
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert [line.split(":")[0] for line in result.err.splitlines()] == ["error", "hint"]
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("mine.yaml", "old")]


def fitted(run: Run, *args: str) -> dict[str, float]:
    """The profile that comes out, by constant."""
    return {row["constant"]: row["after"] for row in run("calibrate", *args, "--json").json["rows"]}


def test_a_file_s_own_size_goes_before_its_label(tmp_path: Path, run: Run) -> None:
    """100 tokens a second of a file of 4.9 GB take half of the bandwidth that they take of one of 8.5 GB."""
    rows = json.loads((DATA / "llama_bench.json").read_text())
    ask = ("--gpu", "rtx-4090", "--model", "llama-3.1-8b")
    path = tmp_path / "run.json"
    found = {}
    for label, size in (("Q4_K - Medium", 4.92e9), ("Q8_0", 4.92e9), ("F16", 4.92e9), ("Q8_0", 8.54e9)):
        sized = {"model_type": f"llama 8B {label}", "model_size": size, "model_n_params": 8030261248}
        path.write_text(json.dumps([{**row, **sized} for row in rows]))
        found[label, size] = fitted(run, str(path), *ask)["memory_share"]
    small, mislabelled, half, large = found.values()
    assert mislabelled == half == pytest.approx(small, rel=0.01)
    assert large > 1.3 * small
    # what was asked for goes before both
    given = run("calibrate", str(path), *ask, "--dtype", "q4_k_m", "--json").json
    assert {row["constant"]: row["after"] for row in given["rows"]}["memory_share"] == pytest.approx(small, rel=0.05)
    (note,) = [note["text"] for note in given["notes"] if note["code"] == "dtype"]
    assert note == "q4_k_m stands for what the files name: q8_0"


def test_few_measurements_are_fitted_with_a_word(run: Run) -> None:
    found = run("calibrate", str(DATA / "llama_bench.csv"), *LLAMA_BENCH[2:], "--json").json
    (note,) = [note["text"] for note in found["notes"] if note["code"] == "few"]
    assert note == "2 measurements: how far a fit to so few is off elsewhere is not known"
    one = run("calibrate", str(DATA / "llama_bench.jsonl"), "--gpu", "h100", "--model", "llama-3.1-8b")
    assert "1 measurement is too few to fit: 2 are the least" in one.err


def test_what_is_too_fast_is_named_with_its_bound(tmp_path: Path, run: Run) -> None:
    times = {("fp16", context): step(2, context, 0.8, 10e-6) for context in (1, 64, 128)}
    result = run("calibrate", table(tmp_path / "a.csv", {**times, ("fp16", 256): 4.0e-3}))
    assert result.code == 2
    assert "run-fp16-256: decode_ms_per_token of 4 ms is faster than possible" in result.err
    # 15.0 GB at 3.35 TB/s and 256 tokens of cache
    assert "h100-sxm cannot be faster than 4.491 ms" in result.err
    assert "--gpu" in result.err


def test_a_place_that_cannot_be_written(tmp_path: Path, run: Run) -> None:
    result = run(*LLAMA_BENCH, "-o", str(tmp_path / "none" / "mine.yaml"))
    assert (result.code, result.out) == (2, "")
    assert "no such file or directory" in result.err


def test_fitting_needs_scipy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    result = run(*LLAMA_BENCH)
    assert (result.code, result.out) == (2, "")
    assert "pip install 'infercost[calibrate]'" in result.err


def served(path: Path, changes: list[dict[str, Any]]) -> str:
    document = json.loads((DATA / "vllm_serve.json").read_text())
    path.write_text("\n".join(json.dumps({**document, **change}) for change in changes))
    return str(path)


def test_requests_that_pile_up_in_the_estimate_end_no_fit(tmp_path: Path, run: Run) -> None:
    """The profile to start from cannot keep up with 20 requests a second; the stack that was measured could."""
    path = served(tmp_path / "a.jsonl", [{"request_rate": rate} for rate in (1, 5, 20)])
    result = run("calibrate", path, "--gpu", "h100", "--model", "llama-3.1-8b", "--json")
    assert result.code == 2
    assert "even fitted, half of 6 measurements are off" in result.err
    impossible = run(
        "calibrate", served(tmp_path / "b.jsonl", [{"request_rate": 1e4}]), "--gpu", "h100", "--model", "llama-3.1-8b"
    )
    assert impossible.code == 2
    assert "faster than possible, h100-sxm cannot be faster than" in impossible.err


def test_requests_in_flight_are_a_closed_loop(tmp_path: Path, run: Run) -> None:
    """16 x 1,024 tokens of prompts take an H100 0.23 s at best, one of them 15 ms: 0.12 s is possible."""
    result = run(
        "calibrate", served(tmp_path / "a.jsonl", [{"max_concurrency": 16}]), "--gpu", "h100", "--model", "llama-3.1-8b"
    )
    assert "faster than possible" not in result.err


def test_speculative_decoding_is_left_out(tmp_path: Path, run: Run) -> None:
    path = served(tmp_path / "a.jsonl", [{"spec_decode_acceptance_length": 2.4}])
    result = run("calibrate", path, "--gpu", "h100", "--model", "llama-3.1-8b")
    assert "speculative decoding, which a profile does not hold" in result.err


def test_files_that_name_everything_need_no_options(tmp_path: Path, run: Run) -> None:
    times = {(name, 64): step(size, 64, 0.7, 9e-6) for name, size in FORMATS.items()}
    path = table(tmp_path / "a.csv", times)
    plain = run("calibrate", path, "--json").json
    assert plain["results"]["count"] == 3
    said = run("calibrate", path, "--json", "--gpu", "a100").json
    assert said["results"] == plain["results"]
    assert "the files name accelerator and model themselves" in [note["text"] for note in said["notes"]]


def test_a_format_that_nobody_knows_is_left_out() -> None:
    row = Measured("a", "s", "llama.cpp", "llama-3.1-8b", "h100-sxm", "itl", 0.02, batch=1, weight_dtype="ud-q4_k_xl")
    with pytest.raises(Exception, match="how many bits a weight in ud-q4_k_xl has is not known"):
        prepare(row)


def test_experts_need_a_model_that_has_some() -> None:
    base = load("efficiency", "lmdeploy")
    row = Measured("a", "s", "vllm", "mixtral-8x7b", "h100-sxm", "itl", 0.02, batch=1, devices=2, tp=2)
    sparse, dense = (prepare(row._replace(model=name)) for name in ("mixtral-8x7b", "llama-3.1-8b"))
    key = "kernels_per_sparse_layer"
    assert obstacles([sparse], base, [key]) == {key: ""}
    assert obstacles([dense], base, [key]) == {key: "no effect here"}
    assert obstacles([dense], base, ["collective_latency"]) == {"collective_latency": ""}


def test_a_name_with_anything_in_it_is_written_as_it_is(tmp_path: Path) -> None:
    base = load("efficiency", "realistic")
    odd = base.with_fact("usable", Fact(0.88, base.fact("usable").kind, 'a "b": {c}, # d\n\x7f é', "2026", weak="'"))
    path = tmp_path / "odd.yaml"
    path.write_text(profile_text(odd, "a: #\udcff b", "x\ty"), encoding="utf-8")
    found = load("efficiency", str(path))
    assert found.fact("usable").source == 'a "b": {c}, # d?? é'
    assert found.fact("usable").weak == "'"
    assert found.title == "a: #? b"


def test_a_missing_file_is_an_error_from_python_too() -> None:
    with pytest.raises(Missing, match="needs a result file"):
        infercost.calibrate()


def test_a_size_of_a_part_is_not_the_part_itself(tmp_path: Path, run: Run) -> None:
    """An RTX 3080 of 12 GB has 912.4 GB/s and one of 10 GB 760.3; a card has no file of its own."""
    rows = [json.loads((DATA / "llama_bench.json").read_text())[1] | {"avg_ts": speed} for speed in (90.0, 91.0)]
    (path := tmp_path / "run.json").write_text(json.dumps(rows))
    found = {
        part: fitted(run, str(path), "--gpu", part, "--model", "llama-3.1-8b")["memory_share"]
        for part in ("rtx-3080", "rtx-3080-12gb", "rtx-3080-ti")
    }
    assert found["rtx-3080-12gb"] / found["rtx-3080"] < 0.9
    assert found["rtx-3080-ti"] == pytest.approx(found["rtx-3080-12gb"], rel=0.03)  # of 912.4 GB/s as well
