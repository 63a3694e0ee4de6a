"""Results of benchmark tools: hand-computed values of every format, and files that nobody can use."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infercost.errors import BadFile, BadValue, Missing
from infercost.evidence.predict import Measured, model_of_run, prepare, stack_of, stored_as
from infercost.evidence.readers import Results, Run, Workload, local, read_file, serving
from infercost.evidence.readers.local import weight_format
from infercost.evidence.readers.record import LOAD, Entry, Record, read_table, stage
from infercost.evidence.readers.serving import remarks
from infercost.parts import catalog
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "results"
Write = Callable[[Any], Path]


def read(path: Path | str, workload: Workload | None = None) -> Results:
    return read_file(Run(str(path), "some/model", "h100-sxm", 2, 2, 1, None, workload or Workload()))


def values(rows: list[Measured]) -> dict[str, float]:
    return {row.id: row.value for row in rows}


def data(name: str) -> Any:
    return json.loads((DATA / name).read_text())


SERVE = data("vllm_serve.json")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(content: Any) -> Path:
        path = tmp_path / "run.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return to


# Hand-computed: the gap between tokens is (e2e - ttft) / (output - 1), all in seconds.
@pytest.mark.parametrize(
    ("name", "batch", "rate", "lengths", "times"),
    [
        # its own time per output token is 3.48 ms: half
        (
            "inference_perf.json", None, 1.0048047820203576, (200.6833333, 62.35),
            {"itl": 0.4499092744 / 61.35, "ttft": 0.0333189859, "e2e": 0.4832282034},
        ),
        # its own inter-token latency is 24 ms: the first token counts as a gap
        ("llmperf_summary.json", 8, None, (560, 151), {"itl": 3.0 / 150, "ttft": 0.2, "e2e": 3.2}),
        ("vllm_serve.json", 16, None, (1024, 128), {"itl": 2.540 / 127, "ttft": 0.12, "e2e": 2.66}),
        ("genai_perf.json", 8, None, (512, 96), {"itl": 1.9 / 95, "ttft": 0.1, "e2e": 2.0}),
        ("guidellm_0.8.json", 2, None, (14, 16), {"itl": 0.0123466916, "ttft": 0.0736059348, "e2e": 0.2588063081}),
        ("guidellm_0.3.json", 2, None, (79 / 6, 16), {"itl": 0.0104931143, "ttft": 0.0610477924, "e2e": 0.2184445063}),
        ("aiperf_concurrency.json", 2, None, (32, 55), {"itl": 0.15580729 / 54, "ttft": 0.03591574, "e2e": 0.19172303}),
        ("aiperf_rate.json", None, 4, (32, 55), {"itl": 0.15621404 / 54, "ttft": 0.0349304145, "e2e": 0.191144459}),
    ],
)  # fmt: skip
def test_a_serving_result(
    name: str, batch: float | None, rate: float | None, lengths: tuple[float, float], times: dict[str, float]
) -> None:
    results = read(DATA / name)
    stem = name.removesuffix(".json")
    assert values(results.measured) == pytest.approx({f"{stem}-1-{key}": time for key, time in times.items()})
    assert results.skipped == []
    for row in results.measured:
        assert (row.batch, row.request_rate) == (batch, rate)
        assert (row.input_tokens, row.output_tokens) == pytest.approx(lengths)
        assert (row.model, row.accelerator, row.devices, row.tp, row.pp, row.ep) == (
            "some/model", "h100-sxm", 2, 2, 1, None,
        )  # fmt: skip


def test_appended_results_of_vllm_without_end_to_end_latency() -> None:
    results = read(DATA / "vllm_serve.jsonl")
    assert values(results.measured) == pytest.approx(
        {"vllm_serve-1-itl": 0.0205, "vllm_serve-1-ttft": 0.12, "vllm_serve-3-itl": 0.0205, "vllm_serve-3-ttft": 0.12}
    )
    paced, _, closed, _ = results.measured
    assert (paced.request_rate, paced.batch, paced.framework) == (2.5, None, "vllm")
    assert (paced.input_tokens, paced.output_tokens) == (1024, 128)
    assert "10 of 200 requests failed" in paced.notes
    assert (closed.request_rate, closed.batch, closed.framework) == (None, 16, "")
    assert "speculative decoding, 2.4 tokens a step" in closed.notes
    assert [name for name, _ in results.skipped] == ["vllm_serve-1-e2e", "vllm_serve-2", "vllm_serve-3-e2e"]
    assert "batch is not known" in results.skipped[1][1]


def test_a_burst_has_the_batch_that_the_user_gives() -> None:
    results = read(DATA / "vllm_serve.jsonl", Workload(batch=48))
    assert {row.id: row.batch for row in results.measured if row.metric == "itl"} == {
        "vllm_serve-1-itl": None, "vllm_serve-2-itl": 48, "vllm_serve-3-itl": 16,
    }  # fmt: skip


def test_requests_that_follow_each_other_are_told_from_a_batch() -> None:
    for name, is_closed in (
        ("vllm_serve.json", True),
        ("guidellm_0.8.json", True),
        ("aiperf_concurrency.json", True),
        ("aiperf_rate.json", False),
        ("sglang_one_batch.jsonl", False),
        ("sglang_one_batch_server.jsonl", False),
    ):
        assert {"closed-loop" in row.notes for row in read(DATA / name).measured} == {is_closed}, name


def test_no_more_requests_are_in_flight_than_there_were(write: Write) -> None:
    assert {row.batch for row in read(write({**SERVE, "max_concurrency": 256})).measured} == {200}


def test_vllm_latency_needs_what_it_does_not_write() -> None:
    with pytest.raises(Missing, match="does not write batch, output_tokens") as caught:
        read(DATA / "vllm_latency.json", Workload(input_tokens=32))
    assert "--batch-size" in caught.value.hint
    (row,) = read(DATA / "vllm_latency.json", Workload(8, 32, 128)).measured
    assert (row.id, row.value, row.batch, row.input_tokens, row.output_tokens) == (
        "vllm_latency-1-e2e",
        2.5,
        8,
        32,
        128,
    )


def test_sglang_serving() -> None:
    closed, paced = (
        [row for row in read(DATA / "sglang_serving.jsonl").measured if row.id.startswith(f"sglang_serving-{number}-")]
        for number in (1, 2)
    )
    assert [row.value for row in closed] == pytest.approx([0.025, 0.3, 2.8])
    assert [row.value for row in paced] == pytest.approx([0.02, 0.2, 2.2])
    assert (closed[0].batch, closed[0].request_rate, closed[0].prefix_share) == (32, None, 0)
    assert (paced[0].batch, paced[0].request_rate, paced[0].prefix_share) == (None, 4, 0.25)
    assert (closed[0].framework, closed[0].input_tokens, closed[0].output_tokens) == ("sglang 0.5.6", 1000, 101)
    assert "at most 64 requests in flight" in paced[0].notes


def test_sglang_one_batch() -> None:
    results = read(DATA / "sglang_one_batch.jsonl")
    assert values(results.measured) == pytest.approx(
        {
            "sglang_one_batch-1-itl": 0.08 / 8,
            "sglang_one_batch-1-ttft": 0.25,
            "sglang_one_batch-1-e2e": 0.33,
            "sglang_one_batch-2-ttft": 0.25,
            "sglang_one_batch-2-e2e": 0.25,
        }
    )
    assert results.skipped == [("sglang_one_batch-2-itl", "one token a request has no gap")]
    served = read(DATA / "sglang_one_batch_server.jsonl").measured
    assert [row.value for row in served] == pytest.approx([4.0 / 200, 0.5, 4.5])
    assert (served[0].batch, served[0].prefix_share) == (4, 0.4)
    assert "2 answers ended early" in served[0].notes


def test_llama_bench() -> None:
    prompt, answer, both, deep = read(DATA / "llama_bench.json").measured
    assert (prompt.metric, prompt.value, prompt.input_tokens, prompt.output_tokens) == (
        "input_tok_s_total",
        5000,
        512,
        0,
    )
    assert (answer.metric, answer.value, answer.input_tokens, answer.output_tokens) == (
        "tok_s_single_user", 100, 4096, 128,
    )  # fmt: skip
    assert answer.chunk_tokens == 512
    assert (both.metric, both.value, both.input_tokens, both.output_tokens) == ("total_latency_ms", 1400, 512, 128)
    assert (deep.value, deep.input_tokens, deep.prefix_share, deep.chunk_tokens) == (4000, 2048, 0.75, 512)
    assert (answer.framework, answer.weight_dtype, answer.kv_dtype, answer.batch) == (
        "llama.cpp b7000", "q4_k_m", "fp16", 1,
    )  # fmt: skip
    (line,) = read(DATA / "llama_bench.jsonl").measured
    assert (line.weight_dtype, line.kv_dtype) == ("fp16", "q8_0/q4_0")
    sheet = read(DATA / "llama_bench.csv").measured
    assert [(row.metric, row.value, row.weight_dtype) for row in sheet] == [
        (row.metric, row.value, row.weight_dtype) for row in (prompt, answer)
    ]


@pytest.mark.parametrize(
    ("backends", "devices", "framework", "profile"),
    [
        ("CUDA", "auto", "llama.cpp b7000", "llama.cpp-hip"),  # the part decides
        ("ROCm", "auto", "llama.cpp-hip b7000", "llama.cpp-hip"),
        ("Vulkan", "auto", "llama.cpp-vulkan b7000", "llama.cpp-vulkan"),
        ("Vulkan", None, "llama.cpp-vulkan b7000", "llama.cpp-vulkan"),  # files of before devices
        ("CPU", "none", "llama.cpp-cpu b7000", "llama.cpp-cpu"),
        ("Vulkan", "none", "llama.cpp-cpu b7000", "llama.cpp-cpu"),
        ("BLAS", "auto", "llama.cpp-cpu b7000", "llama.cpp-cpu"),
        ("BLAS,Metal", "auto", "llama.cpp b7000", "llama.cpp-hip"),
        ("BLAS,Vulkan", "auto", "llama.cpp-vulkan b7000", "llama.cpp-vulkan"),
        ("ROCm,Vulkan", "auto", "llama.cpp-hip b7000", "llama.cpp-hip"),
        ("ROCm,Vulkan", "Vulkan0/Vulkan1", "llama.cpp-vulkan b7000", "llama.cpp-vulkan"),
        ("RPC,SYCL", "auto", "llama.cpp b7000", "llama.cpp-hip"),
    ],
)
def test_llama_bench_says_its_backend(
    write: Write, backends: str, devices: str | None, framework: str, profile: str
) -> None:
    """A run on a part of AMD, whose usual backend is HIP."""
    told = {"build_number": 7000, "n_prompt": 0, "n_gen": 128, "n_ubatch": 2048, "avg_ts": 50.0, "backends": backends}
    path = write([told | ({"devices": devices} if devices else {})])
    (row,) = read_file(Run(str(path), "gpt-oss-20b", "ryzen-ai-max-395")).measured
    assert (row.framework, row.chunk_tokens) == (framework, 2048)
    stack = stack_of(row, "AMD")
    assert catalog.on_part(stack, catalog.load("accelerators", "ryzen-ai-max-395")).name == profile
    assert prepare(row).under(stack) > 0


@pytest.mark.parametrize(
    ("described", "format"),
    [
        ("llama 7B mostly Q4_0", "q4_0"),
        ("qwen3moe 30B.A3B Q4_K - Medium", "q4_k_m"),
        ("llama 8x7B Q5_K - Small", "q5_k_s"),
        ("gemma3 1B BF16", "bf16"),
        ("gpt-oss 20B MXFP4 MoE", "mxfp4"),
        ("llama ?B all F32", "fp32"),
        ("llama 70B IQ4_XS - 4.25 bpw", "iq4_xs"),
        ("llama 8B Q8_0 (guessed)", "q8_0"),
        ("llama 8B Q2_K - Medium", "q2_k"),
        ("llama 8B IQ3_S mix - 3.66 bpw", "iq3_m"),
        ("llama4 17Bx16E (Scout) Q4_K - Medium", "q4_k_m"),
        ("hunyuan-moe A13B Q6_K", "q6_k"),
        ("arctic 10B+128x3.66B Q8_0", "q8_0"),
        ("unknown", ""),
    ],
)
def test_the_weight_format_of_a_description(described: str, format: str) -> None:
    assert weight_format(described) == format


def test_the_table_that_llama_bench_prints(write: Write) -> None:
    table = (DATA / "llama_bench.md").read_text()
    prompt, answer, deep, both = read(DATA / "llama_bench.md").measured
    assert (prompt.metric, prompt.value, prompt.input_tokens, prompt.chunk_tokens) == (
        "input_tok_s_total", 900.1, 512, 1024,
    )  # fmt: skip
    assert (answer.metric, answer.value, answer.input_tokens, answer.output_tokens) == (
        "tok_s_single_user", 26.6, 0, 128,
    )  # fmt: skip
    assert (deep.value, deep.input_tokens, deep.output_tokens) == (17.4, 32768, 32)
    assert (both.metric, both.value) == ("total_latency_ms", pytest.approx(1e3 * 640 / 128))
    assert (answer.framework, answer.weight_dtype, answer.kv_dtype) == ("llama.cpp-hip b7000", "q8_0", "q8_0")
    assert answer.weight_bits == pytest.approx(8 * 7.95 * 2**30 / 8.03e9)
    pasted = "\n".join(f"> {line}" for line in table.replace("±", "Â±").splitlines())
    for text in (f"On my box:\n\n```\n{table}```\nNice!\n", pasted, f"{table}\n{table.replace('7000', '7001')}"):
        rows = read(write(text)).measured
        assert [row.value for row in rows] == [row.value for row in (prompt, answer, deep, both)] * (len(rows) // 4)
    with pytest.raises(BadFile, match="column test: 'fast' is no test"):
        read(write(table.replace("tg128 ", "fast ")))


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        ("512", 512), ("1.5 KiB", 1536), ("3 MiB", 3 * 1024**2), ("4.58 GiB", 4.58 * 1024**3), ("2 TiB", 2 * 1024**4),
        ("20 K", 20e3), ("137.5 M", 137.5e6), ("8.03 B", 8.03e9), ("1.04 T", 1.04e12), ("many", None),
    ],
)  # fmt: skip
def test_amounts_of_the_table(amount: str, number: float | None) -> None:
    table = (
        f"| model | size | params | test | t/s |\n|---|---|---|---|---|\n| x | {amount} | {amount} | pp512 | 5 ± 0 |"
    )
    (row,) = local.parse_table(table, "x")
    assert (row.number("model_size"), row.number("model_n_params")) == (pytest.approx(number), pytest.approx(number))


def test_the_bits_of_a_file_are_by_its_size(write: Write) -> None:
    """12,101,070,356 bytes of 20,914,757,184 weights."""
    row = {**data("llama_bench.json")[1], "model_size": 12101070356, "model_n_params": 20914757184}
    (read_row,) = read(write(row)).measured
    assert read_row.weight_bits == pytest.approx(4.62872)
    (read_row,) = read(write({**row, "model_size": 12})).measured
    assert read_row.weight_bits is None


def test_medians_stand_where_a_file_has_no_means(write: Write) -> None:
    medians = {key.replace("mean_", "median_"): value for key, value in SERVE.items()}
    rows = read(write(medians)).measured
    assert {row.statistic for row in rows} == {"median"}
    assert [row.value for row in rows] == pytest.approx([SERVE["mean_tpot_ms"] / 1e3, 0.12, 2.66])
    (served, *_) = [json.loads(line) for line in (DATA / "sglang_serving.jsonl").read_text().splitlines()]
    (_, _, whole) = read(write({key.replace("mean_", "median_"): value for key, value in served.items()})).measured
    assert (whole.metric, whole.value, whole.statistic) == ("e2e", pytest.approx(2.8), "median")


def test_llmfit_names_models_and_parts_itself(write: Write) -> None:
    shared = data("llmfit.json")
    results = read_file(Run(str(DATA / "llmfit.json"), "", ""))
    first, _, second, *_, whole = results.measured
    assert (first.model, first.accelerator, first.metric, first.value) == (
        "llama-3.2-1b", "apple-m5-max", "tok_s_single_user", 250.8,
    )  # fmt: skip
    assert (second.model, second.weight_dtype, second.framework) == ("llama-3.1-8b", "q4_k_m", "llama.cpp (Ollama)")
    assert (whole.metric, whole.value, whole.output_tokens) == ("total_latency_ms", 469.44, 185.33)
    assert [why.split(";")[0] for _, why in results.skipped] == ["no preset is known by the name of its model"]
    asked = read_file(Run(str(DATA / "llmfit.json"), "meta-llama/Llama-3.1-8B", "h100-sxm"))
    assert {row.metric: row.value for row in asked.measured} == {"tok_s_single_user": 89.26, "ttft_ms": 69.14}
    assert {(row.model, row.accelerator) for row in asked.measured} == {("meta-llama/Llama-3.1-8B", "h100-sxm")}
    alone = {**shared, "results": [{**shared["results"][2], "avgTtftMs": None}]}
    assert [row.value for row in read(write(alone)).measured] == [76.59]
    summary = {"avg_tps": 90.0, "avg_ttft_ms": 50.0, "avg_total_ms": 1200.0, "avg_output_tokens": 100.0, "num_runs": 2}
    runs = [{"prompt_tokens": tokens} for tokens in (20, 40)]
    printed = {"benchmark": {"model": "x", "provider": "ollama", "runs": runs, "summary": summary}}
    own = read(write(printed)).measured
    assert [(row.value, row.input_tokens, row.output_tokens) for row in own] == [(90.0, 30, 100), (50.0, 30, 100)]


def test_files_of_llmfit_are_told_by_their_keys() -> None:
    """What a run prints has at least these three; what is shared has a machine and a list of results."""
    run = {"provider": "ollama", "summary": {}, "runs": []}
    for held, is_own in (
        (run, True),
        ({**run, "model": "x"}, True),
        ({"provider": "x", "runs": []}, False),
        ([], False),
    ):
        assert local.is_llmfit({"benchmark": held}) is is_own
    assert not local.is_llmfit(run)
    machine, result = {"hardware": {}}, {"avgTps": 1}
    assert local.is_llmfit_shared({**machine, "results": [result]})
    for results in ([result, {}], [1], {"avgTps": 1}, None):
        assert not local.is_llmfit_shared({**machine, "results": results})
    assert not local.is_llmfit_shared({"results": [result]})


@pytest.mark.parametrize(("given", "counted", "devices"), [(None, 2, 2), (4, 2, 4), (4, None, 4), (None, None, None)])
def test_devices_of_llmfit_are_the_users_or_else_the_files(
    given: int | None, counted: int | None, devices: int | None
) -> None:
    record = Record("x", {"model": "llama3.1:8b", "hardwareName": "h100", "gpuCount": counted})
    assert local._place(Entry(Run("x", "", "", given), "x", record))["devices"] == devices


def test_a_shared_file_says_which_result_and_whether_it_is_alone() -> None:
    shared = {"hardware": {"hardwareName": "x", "gpuCount": 2}, "results": [{"avgTps": 1}, {"avgTps": 2}]}
    first, second = local.llmfit_results(shared, "file")
    assert (first.where, second.where) == ("file, result 1", "file, result 2")
    assert second.values == {"hardwareName": "x", "gpuCount": 2, "alone": False, "avgTps": 2}
    (only,) = local.llmfit_results({**shared, "results": [{"avgTps": 1}]}, "file")
    assert only.values["alone"] is True


@pytest.mark.parametrize(
    ("unit", "seconds"), [("s", 40), ("sec", 40), ("seconds", 40), ("ms", 0.04), ("us", 4e-5), ("ns", 4e-8)]
)
def test_units_of_time_of_aiperf(unit: str, seconds: float) -> None:
    assert serving.duration(Record("x", {"avg": 40, "unit": unit})) == pytest.approx(seconds)
    assert serving.duration(Record("x", {"unit": unit})) is None


def test_an_export_says_what_went_wrong(write: Write) -> None:
    export = data("aiperf_rate.json")
    for more, noted in (
        ({}, []),
        ({"was_cancelled": True}, ["cancelled before its end"]),
        ({"was_cancelled": False, "error_request_count": {"avg": 3}}, ["3 requests failed"]),
        ({"error_request_count": {"avg": 0}}, []),
    ):
        (first, *_) = read(write({**export, "error_request_count": {}, **more})).measured
        said = [note for note in first.notes.split("; ") if "cancelled" in note or "failed" in note]
        assert said == noted, first.notes
        assert ("aiperf" in first.notes, "genai-perf" in first.notes) == (True, False)


@pytest.mark.parametrize(
    ("name", "provider", "format"),
    [
        ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "llamacpp", "q4_k_m"),
        ("llama3.1:8b", "ollama", "q4_k_m"),
        ("gpt-oss:20b", "ollama", ""),
        ("qwen3:8b-q8_0", "ollama", "q8_0"),
        ("mlx-community/Qwen3-8B-4bit", "mlx", "int4"),
        ("Qwen/Qwen3-8B", "vllm", ""),
    ],
)
def test_the_weight_format_of_llmfit(name: str, provider: str, format: str) -> None:
    assert local.llmfit_format(name, provider) == format


def test_older_forms_of_the_load(write: Write) -> None:
    export = data("genai_perf.json")
    for config, load in (
        ({"loadgen": {"concurrency": 4}}, (4, None)),
        ({"loadgen": {"concurrency": 4, "request_rate": 3.5}}, (None, 3.5)),
        ({"concurrency": 6, "request_rate": None}, (6, None)),
        ({"phases": [{"name": "warmup", "concurrency": 1}, {"name": "profiling", "concurrency": 5}]}, (5, None)),
    ):
        rows = read(write({**export, "input_config": config})).measured
        assert [(row.batch, row.request_rate) for row in rows] == [load] * 3


@pytest.mark.parametrize(
    ("strategy", "load"),
    [
        ({"type_": "synchronous"}, (1, None)),
        ({"type_": "constant", "rate": 2.5, "max_concurrency": 9}, (None, 2.5)),
        ({"type_": "poisson", "rate": 4}, (None, 4)),
        ({"type_": "throughput", "max_concurrency": 64}, (64, None)),
    ],
)
def test_strategies_of_guidellm(write: Write, strategy: Any, load: tuple[float | None, float | None]) -> None:
    report = data("guidellm_0.8.json")
    report["benchmarks"][0]["config"]["strategy"] = strategy
    rows = read(write(report)).measured
    assert [(row.batch, row.request_rate) for row in rows] == [load] * 3


def test_a_report_with_one_benchmark_that_failed(write: Write) -> None:
    report = data("guidellm_0.8.json")
    failed = json.loads(json.dumps(report["benchmarks"][0]))
    failed["metrics"]["request_totals"]["successful"] = 0
    results = read(write({**report, "benchmarks": [failed, report["benchmarks"][0]]}))
    assert {row.id for row in results.measured} == {"run-2-itl", "run-2-ttft", "run-2-e2e"}
    ((name, why),) = results.skipped
    assert name == "run-1"
    assert "benchmark 1: no request completed" in why


def test_an_answer_that_was_not_streamed_has_its_whole_latency_only(write: Write) -> None:
    results = read(write({**data("vllm_serve.json"), "mean_ttft_ms": 2660.0, "mean_tpot_ms": 0.0, "mean_itl_ms": 0.0}))
    assert values(results.measured) == {"run-1-e2e": 2.66}
    assert dict(results.skipped) == dict.fromkeys(["run-1-itl", "run-1-ttft"], "the answers were not streamed")


def test_a_nanosecond_is_a_unit_of_time(write: Write) -> None:
    export = data("genai_perf.json")
    export["request_latency"] = {"unit": "ns", "avg": 2e9}
    assert read(write(export)).measured[2].value == pytest.approx(2.0)


def test_a_table_of_measurements() -> None:
    rows, skipped = read_table(str(DATA / "measurements.csv"))
    assert skipped == []
    assert rows[0] == Measured(
        id="trt061-h100-001",
        source="NVIDIA/TensorRT-LLM:docs/source/performance.md",
        framework="TensorRT-LLM 0.6.1",
        model="EleutherAI/gpt-j-6b",
        accelerator="h100-sxm-80gb",
        metric="output_tok_s_per_gpu",
        value=26150,
        year=2023,
        devices=1,
        tp=1,
        pp=1,
        weight_dtype="fp8",
        kv_dtype="fp8",
        batch=1024,
        input_tokens=128,
        output_tokens=128,
        notes="tier=A static batch; TensorRT-LLM v0.6.1; unit per GPU as stated",
    )
    assert read(DATA / "measurements.csv").measured == rows


def test_a_table_of_load_stages() -> None:
    rows, skipped = read_table(str(DATA / "served_load.csv"))
    first, second = "blis-feb-20260217-155451-llama-2-7b-tp1-codegen-s0", "blis-trainval-17-s0"
    assert values(rows) == pytest.approx(
        {
            f"{first}-itl": 1.785285 / 246,
            f"{first}-ttft": 0.025037,
            f"{first}-e2e": 1.810322,
            f"{second}-itl": 4.402533 / 247,
            f"{second}-ttft": 0.0578,
            f"{second}-e2e": 4.460333,
        }
    )
    assert {(row.input_tokens, row.output_tokens, row.request_rate) for row in rows} == {
        (591.63, 247, 5),
        (547, 248, 2.5),
    }
    assert {(row.prefix_share, row.most_sequences, row.chunk_tokens, row.batch) for row in rows} == {
        (1, 128, 2048, None)
    }
    assert [why for _, why in skipped] == [
        "overloaded: requests timed out, and the latencies are those of the survivors"
    ]


@pytest.mark.parametrize(
    ("values", "noted"),
    [
        ({"max_concurrency": 16}, ""),  # that is the load, no cap on it
        ({"max_concurrency": 16, "request_rate": "inf"}, ""),
        ({"request_rate": 4}, ""),
        ({"request_rate": 4, "max_concurrency": 16}, "at most 16 requests in flight"),
        ({"num_prompts": 10, "completed": 10}, ""),
        ({"num_prompts": 10, "completed": 7}, "3 of 10 requests failed"),
        ({"completed": 7}, ""),
        ({"accept_length": 2.4}, "speculative decoding, 2.4 tokens a step"),
        ({"spec_decode_acceptance_length": 3, "accept_length": 2.4}, "speculative decoding, 3 tokens a step"),
    ],
)
def test_what_a_reader_of_serving_results_should_know(values: dict[str, Any], noted: str) -> None:
    assert remarks(Record("x", values)) == noted


@pytest.mark.parametrize(("copies", "noted"), [("", "steady"), ("1", "steady"), ("2", "2 replicas; steady")])
def test_replicas_of_a_load_stage_are_noted(copies: str, noted: str) -> None:
    names = ("row_id", "source_path", "model", "accelerator")
    row = {**dict.fromkeys(names, "x"), "concurrency": "8", "output_tokens_mean": "100", "dp": copies}
    assert stage(Record("x", {**row, "notes": "steady"})).notes == noted


def test_the_rule_for_recycled_prompts(write: Write) -> None:
    header, row, *_ = (DATA / "served_load.csv").read_text().splitlines()
    for old, new, share in (("blis-feb", "lss-feb", 1), ("recycled", "fresh", 1)):
        path = write(f"{header}\n{row.replace(old, new)}\n")
        assert {one.prefix_share for one in read_table(str(path))[0]} == {share}
    path = write(f"{header}\n{row.replace('blis-feb', 'lss-feb').replace('recycled', 'fresh')}\n")
    assert {one.prefix_share for one in read_table(str(path))[0]} == {0}


def test_a_table_of_mlperf_results() -> None:
    rows, skipped = read_table(str(DATA / "mlperf.csv"))
    assert [(row.model, row.value, row.input_tokens, row.output_tokens, row.batch, row.devices) for row in rows] == [
        ("meta-llama/Llama-2-70b-chat-hf", 32124.3, 221.3, 291.7, None, 8),
        ("meta-llama/Llama-3.1-405B-Instruct", 1650.43, 9400, 653.1, None, 8),
        ("meta-llama/Llama-3.1-8B-Instruct", 50776.8, 870, 128, None, 8),
    ]
    assert {row.metric for row in rows} == {"output_tok_s_total"}
    assert [why.split(":")[0] for _, why in skipped] == ["Server", "gptj", "mixtral-8x7b", "runs on CPUs"]
    assert len({row.id for row in rows} | {name for name, _ in skipped}) == 7


def test_a_byte_order_mark_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "\ufeff" + (DATA / "measurements.csv").read_text().replace("\n", "\r\n") + "\r\n,,,,,,,,,,,,,,,,,\r\n"
    )
    assert read(path).measured == read(DATA / "measurements.csv").measured


CELLS = "a,s,2025,vllm,m,h100-sxm,1,1,1,,fp8,,8,128,64,tok_s_single_user,50,n"
COLUMNS = (DATA / "measurements.csv").read_text().splitlines()[0]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (CELLS.replace(",50,", ",,"), "line 2, column value: is empty"),
        (CELLS.replace(",50,", ",-50,"), "line 2, column value: -50.0 is below 0"),
        (CELLS.replace(",50,", ",nan,"), "line 2, column value: 'nan' where a number should stand"),
        (CELLS.replace(",50,", ",1e999,"), "line 2, column value: inf is no measured number"),
        (CELLS.replace(",50,", ",0,"), "line 2, column value: is 0"),
        (CELLS.replace(",50,", ",fast,"), "line 2, column value: 'fast' where a number should stand"),
        (CELLS.replace(",8,", ",-8,"), "line 2, column batch_or_concurrency: -8.0 is below 0"),
        (CELLS.replace("sxm,1,", "sxm,1.5,"), "line 2, column n_accelerators: 1.5 is not whole"),
        (CELLS.removeprefix("a"), "line 2, column id: is empty"),
        (CELLS + ",more", "line 2: 19 cells for 18 columns"),
        (CELLS.replace(",n", ',"n'), "line 2: unexpected end of data"),
        (f"{CELLS}\n\n{CELLS.replace(',50,', ',,')}", "line 4, column value: is empty"),
        (CELLS.replace(",n", ',"two\nlines"') + "\n" + CELLS.replace(",50,", ",x,"), "line 4, column value: 'x'"),
    ],
)
def test_a_cell_that_cannot_be_used(write: Write, row: str, problem: str) -> None:
    path = write(f"{COLUMNS}\n{row}\n")
    with pytest.raises(BadFile) as caught:
        read_table(str(path))
    assert problem in caught.value.what
    assert str(path) in caught.value.what
    assert caught.value.hint


def test_a_stage_must_have_a_load(write: Write) -> None:
    header, row, *_ = (DATA / "served_load.csv").read_text().splitlines()
    with pytest.raises(BadFile, match="line 2, column request_rate_rps: is empty, and so is concurrency"):
        read_table(str(write(f"{header}\n{row.replace('vllm 0.15.1,5,', 'vllm 0.15.1,,')}\n")))
    rows, _ = read_table(str(write(f"{header}\n{row.replace('vllm 0.15.1,5,,', 'vllm 0.15.1,,12,')}\n")))
    assert {(one.batch, one.request_rate) for one in rows} == {(12, None)}
    with pytest.raises(BadFile, match="column e2e_mean_ms: is below ttft_mean_ms"):
        read_table(str(write(f"{header}\n{row.replace('1810.322', '18.1')}\n")))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("[]", "holds no result"),
        ('{"benchmarks": []}', "holds no result"),
        ("[1, 2]", "entry 1: is no JSON object"),
        ('{"a": 1}', "is no result of a benchmark known here"),
        ("some,columns\n1,2\n", "line 1: is no result of a benchmark known here"),
        ("a,a\n", "line 1: column 'a' stands twice"),
        ("id,metric,value\nx,itl,1\n", "line 1: no column source, year"),
        (COLUMNS + "\n", "holds no result"),
        ('{"a": ', "line 1: broken JSON"),
        (json.dumps(SERVE) + "\n" + json.dumps(SERVE)[:-40], "line 2: broken JSON"),
        ("[" * 100_000, "nested too deep"),
        ({**SERVE, "mean_ttft_ms": -1}, "mean_ttft_ms: -1 is below 0"),
        ({**SERVE, "mean_ttft_ms": float("nan")}, "mean_ttft_ms: nan is no measured number"),
        ({**SERVE, "mean_ttft_ms": "soon"}, "mean_ttft_ms: 'soon' where a number should stand"),
        ({**SERVE, "mean_ttft_ms": True}, "mean_ttft_ms: True where a number should stand"),
        ({**SERVE, "completed": 10**400}, "completed: 10000000000000000000 is no measured number"),
        ({**SERVE, "request_rate": "fast"}, "request_rate: 'fast' where a number should stand"),
        ({**SERVE, "max_concurrency": [1]}, "max_concurrency: [1] where a number should stand"),
        ({**data("genai_perf.json"), "request_latency": {"unit": "km", "avg": 1}}, "'km' is no unit of time"),
        ({**data("llama_bench.json")[0], "avg_ts": 0}, "avg_ts: is 0"),
        ({**data("llama_bench.json")[0], "n_prompt": 0}, "n_prompt and n_gen are both 0"),
        ({"elapsed_time": 1, "num_requests": 2, "tokens_per_second": 3}, "vllm bench throughput"),
        ("Metric,avg,min\nTime To First Token (ms),1,1\n", "which does not say the concurrency"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used(write: Write, content: Any, problem: str) -> None:
    path = write(content)
    with pytest.raises(BadFile) as caught:
        read(path)
    assert problem in caught.value.what
    assert str(path) in caught.value.what
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({**SERVE, "completed": 0}, "no request completed"),
        ({**SERVE, "max_concurrency": None}, "the batch is not known"),
        ({**SERVE, "ramp_up_strategy": "linear"}, "the request rate changed during the run"),
        ({key: value for key, value in SERVE.items() if not key.endswith("_ms")}, "neither a mean nor a median"),
        ({**data("genai_perf.json"), "input_config": {}}, "the batch is not known"),
        ({**data("inference_perf.json"), "load_summary": {"count": 9}}, "as in the summary over stages"),
        ({**data("inference_perf.json"), "successes": {"count": 0}}, "no request completed"),
        ({**data("llmperf_summary.json"), "results_num_completed_requests": 0}, "no request completed"),
        (
            [{"number_output_tokens": 150, "ttft_s": 0.2, "end_to_end_latency_s": 3.2, "error_code": None}],
            "one request of LLMPerf",
        ),
        ({**data("aiperf_rate.json"), "input_config": {"phases": 3}}, "the batch is not known"),
        ({**data("genai_perf.json"), "request_count": {"unit": "requests", "avg": 0}}, "no request completed"),
    ],
)
def test_a_result_that_lacks_a_figure(write: Write, content: Any, problem: str) -> None:
    with pytest.raises(Missing, match=problem):
        read(write(content))


def test_a_replayed_trace_holds_no_load(write: Write) -> None:
    report = data("guidellm_0.8.json")
    report["benchmarks"][0]["config"]["strategy"] = {"type_": "trace"}
    with pytest.raises(Missing, match="strategy 'trace' holds neither rate nor concurrency"):
        read(write(report))


def test_a_table_of_which_nothing_can_be_used(write: Write) -> None:
    header, _, server = [(DATA / "served_load.csv").read_text().splitlines()[i] for i in (0, 1, 2)]
    with pytest.raises(Missing, match=r"no row can be used.*overloaded"):
        read(write(f"{header}\n{server}\n"))


def test_no_text_and_no_file(tmp_path: Path) -> None:
    wide = tmp_path / "wide.json"
    wide.write_bytes(json.dumps(SERVE).encode("utf-16"))
    with pytest.raises(BadFile, match="is binary, not UTF-8") as caught:
        read(wide)
    assert "PowerShell" in caught.value.hint
    with pytest.raises(BadFile, match="is a directory"):
        read(tmp_path)
    with pytest.raises(BadFile, match="no such file"):
        read_table(str(tmp_path / "none.csv"))


LOADS = """\
source,model,weight_dtype,accelerator,n_accelerators,tp,input_tokens,output_tokens,\
offered_rps,output_tok_s,ttft_ms,tpot_ms,notes
lab,m/m,fp16,h100-variant-unclear,1,1,512,256,1,255,85,6.5,tier=A; vllm 0.19.0; Poisson
lab,m/m,fp16,h100-variant-unclear,1,1,512,256,50,6124,900,20,tier=B; vllm 0.19.0; Poisson; a 500-request burst
lab,m/m,fp16,h100-variant-unclear,1,1,512,256,200,6238,9000,22,tier=B; vllm 0.19.0; Poisson; a 500-request burst
lab,m/m,fp16,h100-variant-unclear,1,1,512,256,200,3074,9000,22,tier=C; sglang 0.5.10; Poisson; a 500-request burst
lab,m/m,fp16,a100-pcie-80gb,1,1,512,256,8,2048,40,,tier=A; vLLM 0.17.1; constant rate
"""


def test_a_table_of_offered_loads(tmp_path: Path) -> None:
    """Times where the load was met, and the highest throughput of each series; an id is the line and the column."""
    path = tmp_path / "load.csv"
    path.write_text(LOADS)
    rows, skipped = read_table(str(path))
    assert values(rows) == {
        "load-2-ttft_ms": 85,
        "load-2-tpot_ms": 6.5,
        "load-4-output_tok_s": 6238,
        "load-6-ttft_ms": 40,
    }
    first, _, peak, even = rows
    assert (first.protocol, first.request_rate, first.random, first.accelerator) == ("rate", 1, True, "h100-nvl")
    assert (peak.protocol, peak.requests, peak.most_sequences, peak.framework) == ("peak", 500, 1024, "vllm 0.19.0")
    assert (even.random, even.most_sequences) == (False, 256)
    assert dict(skipped)["load-2-output_tok_s"] == "arrivals, not speed, set its tokens per second"
    assert dict(skipped)["load-3-output_tok_s"] == "the load was not steady: not of tier A"
    assert len(rows) + len(skipped) == 14


def loads(tmp_path: Path, *rows: dict[str, object]) -> Results:
    """A table of offered loads, a row for each, what is alike left out."""
    alike = {"source": "x", "model": "some/model", "accelerator": "h100-sxm", "n_accelerators": 1, "tp": 1}
    path = tmp_path / "loads.csv"
    cells = [[str({**alike, **row}.get(name, "")) for name in LOAD] for row in rows]
    path.write_text("\n".join(",".join(line) for line in ([*LOAD], *cells)))
    return read_table(str(path))


def test_times_at_a_load_that_was_met_and_the_peak_of_each_server(tmp_path: Path) -> None:
    steady = {"offered_rps": 2, "output_tok_s": 400, "ttft_ms": 50, "tpot_ms": 10, "input_tokens": 100}
    burst = {"offered_rps": 50, "ttft_ms": 9000, "input_tokens": 100}
    results = loads(
        tmp_path,
        {**steady, "notes": "tier=A; vllm 0.5.4; Poisson"},
        {**burst, "output_tok_s": 900, "notes": "tier=B; vLLM 0.6.1; 500-request burst"},
        {**burst, "output_tok_s": 1000, "notes": "tier=B; vllm 0.6.1; 500-request burst"},
        {**burst, "output_tok_s": 1000, "notes": "tier=B; vllm 0.6.1; 400-request burst"},
        {**burst, "output_tok_s": 800, "notes": "tier=B; sglang 0.4.0; 300-request burst"},
        {**burst, "output_tok_s": 5000, "notes": "tier=C; vllm 0.6.1; 500-request burst"},
        {**burst, "output_tok_s": 700, "notes": "tier=B; 500-request burst"},
        {**steady, "input_tokens": "", "accelerator": "a100-sxm-80gb", "notes": "tier=A; vllm 0.5.4"},
    )
    met, peaks = results.measured[:2], results.measured[2:]
    assert [(row.id, row.metric, row.value, row.request_rate, row.random) for row in met] == [
        ("load-2-ttft_ms", "ttft_ms", 50, 2, True),
        ("load-2-tpot_ms", "tpot_ms", 10, 2, True),
    ]
    # the first of the two that are alike; the one without a name of an engine is a series of its own
    assert [(row.id, row.value, row.requests, row.framework) for row in peaks] == [
        ("load-4-output_tok_s", 1000, 500, "vllm 0.6.1"),
        ("load-6-output_tok_s", 800, 300, "sglang 0.4.0"),
        ("load-8-output_tok_s", 700, 500, ""),
    ]
    assert {(row.kind, row.request_rate, row.most_sequences) for row in peaks} == {("peak", None, 1024)}
    why = dict(results.skipped)
    assert why["load-2-output_tok_s"] == "arrivals, not speed, set its tokens per second"
    assert why["load-3-ttft_ms"] == "the load was not steady: not of tier A"
    assert why["load-9-ttft_ms"] == "the length of its prompts is not stated"


def test_how_many_sequences_a_server_runs_by_default(tmp_path: Path) -> None:
    """vLLM's EngineArgs.get_batch_defaults: 256 on an A100, 1,024 elsewhere."""
    asked = {"offered_rps": 2, "ttft_ms": 50, "input_tokens": 100, "notes": "tier=A; vllm 0.5.4"}
    results = loads(
        tmp_path, {**asked, "accelerator": "a100-sxm-80gb"}, {**asked, "accelerator": "h100-variant-unclear"}
    )
    assert [(row.accelerator, row.most_sequences) for row in results.measured] == [
        ("a100-sxm-80gb", 256),
        ("h100-nvl", 1024),
    ]


@pytest.mark.parametrize(("completed", "noted"), [(200, ""), (190, "10 of 200 requests failed")])
def test_requests_that_failed_are_noted(write: Write, completed: int, noted: str) -> None:
    (first, *_) = read(write({**SERVE, "num_prompts": 200, "completed": completed})).measured
    assert [note for note in first.notes.split("; ") if "failed" in note] == ([noted] if noted else [])


SQL = """CREATE TABLE IF NOT EXISTS llama_bench (
  build_number INTEGER,
  avg_ts REAL
);

INSERT INTO llama_bench (build_number, backends, model_type, type_k, n_gpu_layers, n_prompt, n_gen, avg_ts) VALUES \
('7000', 'BLAS,Metal', 'llama 8B Q4_K - Medium', 'q4_0', '-1', '0', '128', '61.5');
"""


def test_the_sql_of_llama_bench(write: Write) -> None:
    """As its printer writes it: every value quoted, none escaped."""
    (row,) = read(write(SQL)).measured
    assert (row.metric, row.value, row.weight_dtype, row.kv_dtype) == ("tok_s_single_user", 61.5, "q4_k_m", "q4_0")
    assert (row.framework, row.device_layers) == ("llama.cpp b7000", None)


def test_a_table_of_llama_bench_that_lost_its_edges(write: Write) -> None:
    """A table copied from a page has tabs, one written by hand may have no bars at its edges."""
    lines = (DATA / "llama_bench.md").read_text().splitlines()
    bare = "\n".join(line.strip("| ") for line in lines)
    known = [row._replace(source="") for row in read(DATA / "llama_bench.md").measured]
    for text in (bare, bare.replace(" | ", "\t")):
        found = [row._replace(source="", id="") for row in read(write(text)).measured]
        assert found == [row._replace(id="") for row in known]


def test_the_device_of_a_table_of_llama_bench_tells_its_backend(write: Write) -> None:
    """A build for both: columns of ggml-org/llama.cpp pull request 21344."""
    table = (
        "| model | backend | ngl | dev | test | t/s |\n|---|---|---|---|---|---|\n"
        "| llama 8B Q8_0 | ROCm,Vulkan | 99 | {} | tg128 | 26.14 ± 2.06 |"
    )
    told = {device: read(write(table.format(device))).measured[0].framework for device in ("ROCm0", "Vulkan0", "none")}
    assert told == {"ROCm0": "llama.cpp-hip", "Vulkan0": "llama.cpp-vulkan", "none": "llama.cpp-cpu"}


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"n_cpu_moe": 30}, "experts of 30 layers were in the host's memory"),
        ({"tensor_buft_overrides": "exps=CPU"}, "tensors were in the host's memory"),
        ({"no_kv_offload": True}, "the cache was in the host's memory"),
    ],
)
def test_a_run_with_parts_of_the_model_on_the_host_is_left_out(write: Write, host: dict[str, Any], said: str) -> None:
    row = data("llama_bench.json")[1]
    results = read(write([row, row | host]))
    assert (len(results.measured), len(results.skipped)) == (1, 1)
    assert said in results.skipped[0][1]


@pytest.mark.parametrize(("layers", "whole"), [(0, False), (32, False), (33, True), (99, True), (-1, True)])
def test_layers_on_the_host_are_no_measure_of_a_device(write: Write, layers: int, whole: bool) -> None:
    """Llama 3.1 8B has 32 layers, and llama.cpp counts the head as one more: ggml-org/llama.cpp pull request 2059."""
    row = data("llama_bench.json")[1] | {"n_gpu_layers": layers, "model_type": "llama 8B Q4_K - Medium"}
    (read_row,) = read_file(Run(str(write(row)), "llama-3.1-8b", "rtx-4090")).measured
    if whole:
        assert prepare(read_row).measured.value == row["avg_ts"]
    else:
        with pytest.raises(BadValue, match=rf"{layers} of 33 layers .* were on the device"):
            prepare(read_row)


#: ggml-org/llama.cpp tools/batched-bench/README.md, two rows of its table and one of its JSON lines.
BATCHED = """main: n_kv_max = 16384, is_pp_shared = 0, n_gpu_layers = 99

|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
|   128 |    128 |    1 |    256 |    0.108 |  1186.64 |    3.079 |    41.57 |    3.187 |    80.32 |
|   128 |    128 |    2 |    512 |    0.198 |  1295.19 |    5.029 |    50.90 |    5.227 |    97.95 |
"""
BATCHED_LINE = {
    "n_kv_max": 2048, "n_batch": 2048, "n_ubatch": 512, "is_pp_shared": 0, "n_gpu_layers": 99, "pp": 128, "tg": 128,
    "pl": 2, "n_kv": 512, "t_pp": 0.422602, "speed_pp": 605.770935, "t_tg": 11.106112, "speed_tg": 23.050371,
}  # fmt: skip


def test_batches_of_llama_cpp(write: Write) -> None:
    prompt, step, prompts, both = read(write(BATCHED)).measured
    assert [row.value for row in (prompt, prompts)] == pytest.approx([1186.64, 1295.19], rel=5e-3)
    assert [1e3 * row.batch / row.value for row in (step, both) if row.batch] == pytest.approx([41.57, 50.90], rel=1e-3)
    assert (step.metric, both.batch, both.input_tokens, both.output_tokens) == ("decode_ms_per_token", 2, 128, 128)
    prompt, step = read(write(BATCHED_LINE)).measured
    assert (prompt.value, prompt.batch, prompt.chunk_tokens) == (pytest.approx(605.770935), 2, 512)
    shared = read(write(BATCHED_LINE | {"is_pp_shared": 1})).measured[0]
    assert (shared.value, shared.batch) == (pytest.approx(605.770935 / 2), 1)
    printed = read(write(BATCHED.replace("is_pp_shared = 0", "is_pp_shared = 1, n_ubatch = 256"))).measured[2]
    assert (printed.value, printed.batch, printed.chunk_tokens) == (pytest.approx(128 / 0.198), 1, 256)


#: As llama-sweep-bench of ik_llama.cpp prints it: both are measured behind N_KV tokens.
SWEEP = """main: n_kv_max = 16384, n_batch = 2048, n_ubatch = 512, flash_attn = 1, n_gpu_layers = 99, n_threads = 8

|    PP |     TG |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |
|-------|--------|--------|----------|----------|----------|----------|
|   512 |    128 |   1536 |    0.500 |  1024.00 |    2.560 |    50.00 |
"""


def test_a_sweep_of_depths(write: Write) -> None:
    prompt, step = read(write(SWEEP)).measured
    assert (prompt.value, prompt.input_tokens, prompt.prefix_share, prompt.chunk_tokens) == (1024, 2048, 0.75, 512)
    assert (step.value, step.batch, step.input_tokens, step.output_tokens) == (20, 1, 1536, 128)
    first, begun = read(write(SWEEP.replace("   1536 |", "      0 |"))).measured
    assert (first.input_tokens, first.prefix_share, begun.input_tokens) == (512, 0, 0)


def test_the_bits_of_a_cache_of_llama_cpp() -> None:
    """Blocks of 32 values in 34 and 18 bytes; keys and values may differ."""
    row = read(DATA / "llama_bench.json").measured[1]._replace(model="llama-3.1-8b")
    model = model_of_run("llama-3.1-8b")
    bits = {
        name: stored_as(model, row._replace(kv_dtype=name)).kv_bits for name in ("q4_0", "q8_0/q4_0", "fp16", "fp8")
    }
    assert bits == {"q4_0": 4.5, "q8_0/q4_0": 6.5, "fp16": 16, "fp8": 8}


#: As the tool prints it; the first lines of a run of vLLM before 0.10, labels of two releases of SGLang.
PRINTED_VLLM = """Traffic request rate: inf
Maximum request concurrency: 8
============ Serving Benchmark Result ============
Successful requests:                     100
Failed requests:                         2
Benchmark duration (s):                  27.00
Total input tokens:                      51200
Total generated tokens:                  12800
Request throughput (req/s):              3.70
---------------Time to First Token----------------
Mean TTFT (ms):                          45.20
Median TTFT (ms):                        44.80
-----Time per Output Token (excl. 1st token)------
Mean TPOT (ms):                          9.80
---------------Inter-token Latency----------------
Mean ITL (ms):                           9.70
==================================================
"""
PRINTED_SGLANG = """[2026-01-01 10:00:00] warm
============ Serving Benchmark Result ============
Backend:                                 sglang
Traffic request rate:                    4.0
Max reqeuest concurrency:                not set
Successful requests:                     100
Benchmark duration (s):                  27.00
Total input tokens:                      51200
Total generated tokens:                  12800
Total generated tokens (retokenized):    12790
Request throughput (req/s):              3.70
----------------End-to-End Latency----------------
Mean E2E Latency (ms):                   1315.20
---------------Time to First Token----------------
Mean TTFT (ms):                          45.20
---------------Inter-Token Latency----------------
Mean ITL (ms):                           9.70
==================================================
"""


def test_the_summary_that_a_serving_benchmark_prints(write: Write) -> None:
    """Of vLLM the printed gap after the first token, of SGLang (1315.2 - 45.2) / 127; a log may hold several."""
    gap, first = read(write(PRINTED_VLLM)).measured
    assert (gap.metric, gap.value, first.value) == ("itl", pytest.approx(9.8e-3), pytest.approx(45.2e-3))
    assert (gap.batch, gap.request_rate, gap.input_tokens, gap.output_tokens) == (8, None, 512, 128)
    assert "2 of 102 requests failed" in gap.notes
    gap, first, whole = read(write(PRINTED_SGLANG)).measured
    assert (gap.value, whole.value) == (pytest.approx(10e-3), pytest.approx(1.3152))
    assert (gap.batch, gap.request_rate, gap.framework) == (None, 4, "sglang")
    both = read(write(f"$ run\n{PRINTED_VLLM}\n$ again\n{PRINTED_SGLANG}")).measured
    assert [row.request_rate for row in both] == [None, None, 4, 4, 4]
    with pytest.raises(Missing, match="neither a concurrency nor a request rate"):
        read(write(PRINTED_VLLM.split("8\n", 1)[1]))


# (25.5892 - 0.2734) / 1023; (1.1 - 0.1) / 100; (28.179 - 0.31) / 899, answers being 0.9 of 1,000 in the mean
@pytest.mark.parametrize(
    ("name", "batch", "lengths", "times"),
    [
        ("evalscope.json", 1, (1062.5, 1024), {"itl": 25.3158 / 1023, "ttft": 0.2734, "e2e": 25.5892}),
        ("trtllm_bench.json", 63.5, (128, 101), {"itl": 0.01, "ttft": 0.1, "e2e": 1.1}),
        ("inferencex.json", 64, (900, 900), {"itl": 0.031, "ttft": 0.31, "e2e": 28.179}),
    ],
)
def test_more_serving_benchmarks(
    name: str, batch: float, lengths: tuple[float, float], times: dict[str, float]
) -> None:
    rows, skipped = read(DATA / name)
    assert not skipped
    assert {row.metric: row.value for row in rows} == pytest.approx(times, rel=1e-6)
    assert {(row.batch, row.input_tokens, row.output_tokens) for row in rows} == {(batch, *lengths)}


# ollama.json: 259 tokens in 4.23271 s; the log of llama.cpp: 45.69 and 122.50 tokens a second
@pytest.mark.parametrize(
    ("name", "speeds", "engine"),
    [
        ("ollama.json", {"tok_s_single_user": 61.19}, "llama.cpp (Ollama)"),
        ("llama_timings.txt", {"tok_s_single_user": 45.69, "input_tok_s_total": 122.50}, "llama.cpp"),
        ("mlx_timings.txt", {"tok_s_single_user": 52.11, "input_tok_s_total": 850.5}, "mlx"),
    ],
)
def test_timings_of_one_request(name: str, speeds: dict[str, float], engine: str) -> None:
    rows, _ = read(DATA / name)
    assert {row.metric: row.value for row in rows} == pytest.approx(speeds, rel=1e-3)
    assert {(row.batch, row.framework) for row in rows} == {(1, engine)}


def test_ollamas_printout_is_read_as_its_answer(write: Write) -> None:
    printed = """total duration:       4.5s
load duration:        15.2ms
prompt eval count:    126 token(s)
prompt eval duration: 130.079ms
prompt eval rate:     968.64 tokens/s
eval count:           290 token(s)
eval duration:        4.2s
eval rate:            69.05 tokens/s
"""
    rows, _ = read(write(printed))
    assert {row.metric: row.value for row in rows} == pytest.approx(
        {"tok_s_single_user": 69.05, "input_tok_s_total": 968.64}
    )


def test_requests_beyond_the_largest_batch_wait(write: Write) -> None:
    report = data("trtllm_bench.json")
    report["request_info"]["avg_num_concurrent_requests"] = 700.0
    rows, _ = read(write(report))
    assert [(row.metric, row.value, row.batch) for row in rows] == [("itl", 0.01, 512)]


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        ("Type,Name,Request Count,Average Response Time\nPOST,/v1,10,1200\n", "locust", "vllm bench serve"),
        ('{"metrics": {"http_req_duration": {"avg": 1}}, "root_group": {}}', "k6", "vllm bench serve"),
        ("Metric,avg,min\nRequest Latency (ms),322.2,302\n\nMetric,Value\nA,1\n", "genai-perf", "JSON"),
        ("MLPerf Results Summary\nScenario : Offline\nTokens per second: 3022\n", "MLPerf", "table"),
        ("Throughput: 23.5 requests/s, 9717.6 total tokens/s, 1 output tokens/s\n", "throughput", "bench serve"),
        ("Prefill. latency: 0.07 s, throughput: 3546 token/s\n", "bench_one_batch", "result.jsonl"),
        ("version: '0.1'\nmetrics:\n  time_per_output_token: {mean: 1, units: ms}\n", "llm-d", "harness"),
        ("a line, of a log\nand another\n", "no result of a benchmark", "vllm bench"),
    ],
)
def test_what_holds_too_little_is_named_with_the_way_out(content: str, what: str, hint: str, write: Write) -> None:
    with pytest.raises(BadFile) as error:
        read(write(content))
    assert what in error.value.what
    assert hint in error.value.hint


def test_a_column_that_the_header_of_a_fork_leaves_out(write: Write) -> None:
    """ikawrakow/ik_llama.cpp pull request 283: n_batch stands in the rows alone."""
    table = """\
| model | size | params | backend | ngl | n_ubatch | fa | mla | amb | fmoe | test | t/s |
| ----- | ---: | -----: | ------- | --: | -------: | -: | --: | --: | ---: | ---: | --: |
| deepseek2 671B Q8_0 | 307.20 GiB | 672.05 B | CUDA | 63 | 2048 | 2048 | 1 | 2 | 128 | 1 | pp512 | 238.52 ± 1.44 |
"""
    (row,), _ = read(write(table))
    assert (row.metric, row.value, row.input_tokens) == ("input_tok_s_total", 238.52, 512)
    assert row.weight_bits == pytest.approx(8 * 307.20 * 2**30 / 672.05e9)
    assert (row.device_layers, row.chunk_tokens) == (None, None)  # of the settings none is known to be where it stands


def test_a_run_over_two_machines_is_left_out(write: Write) -> None:
    table = """\
| model                   |      size |  params | backend  | ngl | dev        |  test |          t/s |
| ----------------------- | --------: | ------: | -------- | --: | ---------- | ----: | -----------: |
| llama 70B Q4_K - Medium | 39.59 GiB | 70.55 B | CUDA,RPC |  99 | CUDA0/RPC0 | tg128 | 11.10 ± 0.02 |
"""
    with pytest.raises(Missing, match="another machine's"):
        read(write(table))
    # a build that could, of which one card ran
    (row,), _ = read(write(table.replace("CUDA0/RPC0", "CUDA0     ")))
    assert row.framework == "llama.cpp"


def test_a_gap_of_evalscope_has_two_names_and_needs_no_first_token(write: Write) -> None:
    """Without a first token the tool's own gap stands, under the name of either release."""
    summary = {**data("evalscope.json"), "Average time to first token (s)": None}
    own = {"Average time per output token (s)": 0.0248, "Average inter-token latency (s)": 0.0251}
    for left, gap in (((), 0.0248), (("Average time per output token (s)",), 0.0251), (tuple(own), None)):
        rows, _ = read(write({key: value for key, value in (summary | own).items() if key not in left}))
        assert {row.metric: row.value for row in rows}.get("itl") == gap


def test_loads_and_failures_of_evalscope(write: Write) -> None:
    """Requests in flight go first: the rate is that at which they were sent."""
    summary = {**data("evalscope.json"), "Request rate (req/s)": 5, "Failed requests": 3}
    for concurrency, load in ((8, (8, None)), (None, (None, 5))):
        rows, _ = read(write({**summary, "Number of concurrency": concurrency}))
        assert {(row.batch, row.request_rate) for row in rows} == {load}
        assert all("3 requests failed" in row.notes for row in rows)
    assert all("failed" not in row.notes for row in read(DATA / "evalscope.json").measured)
    with pytest.raises(Missing, match="no request completed"):
        read(write({**summary, "Succeed requests": 0}))


def test_formats_and_loads_of_trtllm_bench(write: Write) -> None:
    (row, *_) = read(DATA / "trtllm_bench.json").measured
    assert (row.framework, row.weight_dtype, row.kv_dtype) == ("TensorRT-LLM 1.2.1", "fp8", "fp8")
    assert "more requests" not in row.notes
    report = data("trtllm_bench.json")
    report["engine"] |= {"quantization": "None", "kv_cache_dtype": "auto", "version": None}
    report["request_info"]["avg_num_concurrent_requests"] = 512.0  # as many as the largest batch: none waits
    rows, _ = read(write(report))
    assert {row.metric for row in rows} == {"itl", "ttft", "e2e"}
    assert {(row.framework, row.weight_dtype, row.kv_dtype, row.batch) for row in rows} == {
        ("TensorRT-LLM", "", "", 512)
    }
    del report["world_info"]["max_batch_size"]
    assert {row.batch for row in read(write(report)).measured} == {512}


def test_a_report_of_trtllm_bench_without_a_load(write: Write) -> None:
    report = data("trtllm_bench.json")
    del report["request_info"]["avg_num_concurrent_requests"]
    with pytest.raises(Missing, match="how many requests it sent at once"):
        read(write(report))
    assert {row.batch for row in read(write(report), Workload(batch=24)).measured} == {24}
    report["request_info"]["num_requests"] = 0
    with pytest.raises(Missing, match="no request completed"):
        read(write(report), Workload(batch=24))


def test_rows_of_inferencex_are_means_or_medians_beside_or_below(write: Write) -> None:
    """(28.179 - 0.31) / 899 is the gap of means; medians do not add up, so theirs is the tool's own."""
    (row,) = data("inferencex.json")
    kept = {key: row[key] for key in ("conc", "isl", "osl", "model", "framework", "precision")}
    metrics = {key: value for key, value in row.items() if key.startswith("mean_")}
    below = {**kept, "hardware": "h200", "metrics": metrics}
    medians = {key.replace("mean_", "median_"): value for key, value in row.items()} | {"median_tpot": 0.03}
    for content, gap, statistic in ((row, 0.031, ""), (below, 0.031, ""), (medians, 0.03, "median")):
        gap_row, first, whole = read(write(content)).measured
        assert (gap_row.value, first.value, whole.value) == pytest.approx((gap, 0.31, 28.179))
        assert (gap_row.statistic, gap_row.framework, gap_row.weight_dtype) == (statistic, "sglang", "fp8")
    assert "speculative" not in read(write(row)).measured[0].notes
    assert "speculative decoding, mtp" in read(write({**row, "spec_decoding": "mtp"})).measured[0].notes


def test_a_prompt_partly_in_the_cache_counts_what_was_computed(write: Write) -> None:
    """300 tokens before 100 new ones in 0.25 s: 400 a second, three quarters of the prompt from the cache."""
    timings = {"cache_n": 300, "prompt_n": 100, "prompt_ms": 250.0, "predicted_n": 50, "predicted_ms": 1000.0}
    speed, prompt = read(write(timings)).measured
    assert (speed.metric, speed.value, speed.input_tokens, speed.output_tokens) == ("tok_s_single_user", 50, 400, 50)
    assert (prompt.metric, prompt.value, prompt.input_tokens, prompt.output_tokens) == (
        "input_tok_s_total",
        400,
        400,
        0,
    )
    assert (prompt.prefix_share, prompt.batch, prompt.framework) == (0.75, 1, "llama.cpp")


@pytest.mark.parametrize(
    ("more", "metrics"),
    [
        ({"prompt_n": 64}, ["tok_s_single_user", "input_tok_s_total"]),
        ({"prompt_n": 63}, ["tok_s_single_user"]),
        ({"prompt_ms": 0}, ["tok_s_single_user"]),
        ({"prompt_n": None}, ["tok_s_single_user"]),
    ],
)
def test_short_prompts_and_those_without_a_time_measure_none(write: Write, more: Any, metrics: list[str]) -> None:
    timings = {"prompt_n": 100, "prompt_ms": 250.0, "predicted_n": 50, "predicted_ms": 1000.0}
    assert [row.metric for row in read(write(timings | more)).measured] == metrics


def test_an_answer_of_llama_server_holds_its_timings(write: Write) -> None:
    """ggml-org/llama.cpp, tools/server/README.md: ``timings`` in the answer to /completion and to chat completions."""
    timings = {"cache_n": 0, "prompt_n": 100, "prompt_ms": 250.0, "predicted_n": 50, "predicted_ms": 1000.0}
    for answer in ({"content": "x"}, {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 100}}):
        rows = read(write({**answer, "timings": timings})).measured
        assert [(row.metric, row.value) for row in rows] == [("tok_s_single_user", 50), ("input_tok_s_total", 400)]


@pytest.mark.parametrize("more", [{"predicted_n": 0}, {"predicted_ms": 0}, {"predicted_n": None}])
def test_an_answer_without_tokens_or_time_measures_nothing(write: Write, more: Any) -> None:
    with pytest.raises(Missing, match="no token was generated"):
        read(write({"prompt_n": 100, "prompt_ms": 250.0, "predicted_n": 50, "predicted_ms": 1000.0} | more))


def test_requests_of_a_log_keep_their_own_prompts(write: Write) -> None:
    """Two of llama.cpp; where a prompt was in the cache and was not printed, none is taken for another's."""
    log = (DATA / "llama_timings.txt").read_text()
    again = log.replace("1730.57 ms /   212", "1000.00 ms /   500").replace("5624.75 ms /   257", "2000.00 ms /   100")
    rows, _ = read(write(log + again))
    assert [(row.input_tokens, row.output_tokens) for row in rows] == [(212, 257), (212, 0), (500, 100), (500, 0)]
    assert [row.value for row in rows[2:]] == pytest.approx([50, 500])
    silent = "\n".join(line for line in again.splitlines() if "prompt eval" not in line)
    assert [(row.metric, row.input_tokens) for row in read(write(log + silent)).measured] == [
        ("tok_s_single_user", 0), ("tok_s_single_user", 0),
    ]  # fmt: skip


def test_nanoseconds_of_ollama(write: Write) -> None:
    """1,000 tokens of prompt in 2 s, 300 of answer in 6 s; a prompt from the cache has no time."""
    answer = {"prompt_eval_count": 1000, "prompt_eval_duration": 2e9, "eval_count": 300, "eval_duration": 6e9}
    rows, _ = read(write(answer))
    assert [(row.metric, row.value, row.input_tokens) for row in rows] == [
        ("tok_s_single_user", 50, 1000), ("input_tok_s_total", 500, 1000),
    ]  # fmt: skip
    for cached in (0, None):  # its tokens stand before the answer all the same
        (row,) = read(write({**answer, "prompt_eval_duration": cached})).measured
        assert (row.metric, row.value, row.input_tokens) == ("tok_s_single_user", 50, 1000)
    with pytest.raises(Missing, match="no token was generated"):
        read(write({**answer, "eval_duration": 0}))


BENCH = """
| model                          |       size |     params | backend    | ngl |            test |                  t/s |
| ------------------------------ | ---------: | ---------: | ---------- | --: | --------------: | -------------------: |
| qwen3 8B Q4_K - Medium         |   4.68 GiB |     8.19 B | {backend}  |  99 |           tg128 |        140.00 ± 0.05 |
"""
CUDA = (
    "ggml_cuda_init: found {n} CUDA devices:\n"
    + "  Device 0: NVIDIA GeForce RTX 5090, compute capability 12.0, VMM: yes"
)


@pytest.mark.parametrize(
    ("content", "model", "part", "devices", "format"),
    [
        (SERVE | {"model_id": "Qwen/Qwen3-32B"}, "qwen3-32b", "", 1, ""),
        (SERVE | {"model_id": "google/gemma-3-27b-it-FP8"}, "gemma-3-27b", "", 1, "fp8"),
        (SERVE | {"model_id": "acme/unheard-of"}, "", "", 1, ""),
        (SERVE | {"model_id": "Qwen/Qwen3-32B", "gpu_name": "NVIDIA H100 80GB HBM3"}, "qwen3-32b", "h100-sxm", 1, ""),
        ({"model": "qwen3:8b", "eval_count": 90, "eval_duration": 1_000_000_000}, "qwen3:8b", "", 1, ""),
        (data("inferencex.json"), "deepseek-v3", "h200-sxm", 8, "fp8"),
        (data("llama_bench.json"), "llama-3-8b", "rtx-4090", 1, "q4_k_m"),
        (CUDA.format(n=1) + BENCH.format(backend="CUDA"), "", "rtx-5090", 1, "q4_k_m"),
        (
            CUDA.format(n=2) + CUDA.format(n=2)[33:].replace("0:", "1:") + BENCH.format(backend="CUDA"),
            "", "rtx-5090", 2, "q4_k_m",
        ),
        (
            "ggml_vulkan: 0 = AMD Radeon RX 7900 XTX (RADV NAVI31) (radv) | uma: 0" + BENCH.format(backend="Vulkan"),
            "", "rx-7900-xtx", 1, "q4_k_m",
        ),
        ("ggml_metal_init: GPU name:   Apple M4 Pro" + BENCH.format(backend="Metal"), "", "apple-m4-pro", 1, "q4_k_m"),
    ],
)  # fmt: skip
def test_a_file_says_what_ran_on_what(
    content: Any, model: str, part: str, devices: int, format: str, write: Write
) -> None:
    """Names as the tools write them, where a preset has them; what the user says wins."""
    path = str(write(content))
    results = read_file(Run(path, "", "", 1))
    for row in results.measured:
        assert (row.model, row.accelerator, row.devices, row.weight_dtype) == (model, part, devices, format)
    given = read_file(Run(path, "gemma-3-27b", "l4", 1))
    assert {(row.model, row.accelerator, row.devices) for row in given.measured} == {("gemma-3-27b", "l4", 1)}
