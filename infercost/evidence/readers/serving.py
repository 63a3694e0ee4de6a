"""Results of serving engines and of benchmark clients: vLLM, SGLang, TensorRT-LLM; AIPerf, GuideLLM and their like."""

import re
from typing import Any

from infercost.errors import BadFile, Missing
from infercost.evidence.readers.record import Entry, Load, Record, Results, Times, joined, served

#: Keys that tell an export.
AIPERF = {"request_latency", "input_config"}
_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


#: Keys that tell a summary.
EVALSCOPE = {"Number of concurrency", "Average latency (s)", "Average output tokens per request"}
#: Names of the gap between tokens, by release.
_GAPS = ("Average time per output token (s)", "Average inter-token latency (s)")


#: Keys that tell one benchmark of a report.
GUIDELLM = {"metrics", "type_"}
_MEASURED = (
    "prompt_token_count", "output_token_count", "time_to_first_token_ms", "inter_token_latency_ms", "request_latency",
)  # fmt: skip


#: Keys that tell a report.
INFERENCE_PERF = {"load_summary", "successes"}


#: Keys that tell a row; its metrics stand beside the settings, or under ``metrics``.
INFERENCEX = {"hw", "conc", "isl", "osl", "tput_per_gpu"}
INFERENCEX_EXPORTED = {"hardware", "conc", "isl", "osl", "metrics"}


#: Keys that tell a summary, and one request of the file beside it.
LLMPERF = {"num_concurrent_requests", "results_ttft_s_mean"}
LLMPERF_RESPONSE = {"number_output_tokens", "ttft_s", "end_to_end_latency_s"}


#: Keys that tell a result; SGLang's serving results have another name for the whole request.
SERVE = {"completed", "total_input_tokens", "request_throughput"}
LATENCY = {"avg_latency", "latencies"}


#: Keys that tell a result, of ``bench_serving``, of one that kept medians alone, and of the two others.
MEDIANS = {"completed", "median_e2e_latency_ms"}
SERVING = {"completed", "mean_e2e_latency_ms"}
ONE_BATCH = {"batch_size", "input_len", "output_len", "overall_throughput"}


#: Keys that tell a report.
TRTLLM = {"engine", "world_info", "request_info", "performance"}


#: What begins a summary.
TITLE = "Serving Benchmark Result"
#: Labels and keys; SGLang misspelled one for some releases.
_KEYS = {
    "backend": "backend",
    "successful requests": "completed",
    "failed requests": "failed",
    "maximum request concurrency": "max_concurrency",
    "max request concurrency": "max_concurrency",
    "max reqeuest concurrency": "max_concurrency",
    "request rate configured (rps)": "request_rate",
    "traffic request rate": "request_rate",
    "total input tokens": "total_input_tokens",
    "total generated tokens": "total_output_tokens",
    "request throughput (req/s)": "request_throughput",
    "accept length": "accept_length",
}
_LINE = re.compile(r"\s*([A-Za-z][^:]*):\s+(\S.*?)\s*")
_LATENCY = re.compile(r"(mean|median|p50) (ttft|tpot|itl|e2el|e2e latency) \(ms\)")
_END = re.compile(r"\s*=+\s*")
#: A load that was not set.
_NOT_SET = ("not set", "none")


# JSON exports of NVIDIA AIPerf and of genai-perf before it, which share the form of their metrics.


def duration(metric: Record) -> float | None:
    """The mean of a metric in seconds, None where it was not measured."""
    if (value := metric.number("avg")) is None:
        return None
    if (scale := _SECONDS.get(unit := metric.text("unit"))) is None:
        raise BadFile(f"{metric.where}: {unit!r} is no unit of time", "give the export as written")
    return value * scale


def stimulus(config: Record) -> tuple[float | None, float | None]:
    """Requests in flight and requests a second, as far as the export says.

    AIPerf writes phases since 0.7 or so and ``loadgen`` before; genai-perf ``stimulus``, and flat options at first.
    """
    phases = config.values.get("phases")
    phases = [phase for phase in phases if isinstance(phase, dict)] if isinstance(phases, list) else []
    measured = [phase for phase in phases if "warmup" not in (phase.get("name"), phase.get("kind"))]
    last = [Record(config.where, phase) for phase in measured[-1:]]
    for place in (*last, config.inside("loadgen"), config.inside("perf_analyzer", "stimulus"), config):
        if rate := place.number("rate") or place.number("request_rate"):
            return None, rate
        if in_flight := place.number("concurrency"):
            return in_flight, None
    return None, None


def read_aiperf(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds."""
    record = entry.record
    if record.inside("request_count").number("avg") == 0:
        raise entry.lacks_requests()
    failed = record.inside("error_request_count").number("avg")
    tokens = (record.inside(f"{name}_sequence_length").number("avg") or None for name in ("input", "output"))
    names = ("time_to_first_token", "request_latency", "inter_token_latency")
    first, whole, gap = (duration(record.inside(name)) for name in names)
    return served(
        entry,
        Load(*stimulus(record.inside("input_config")), *tokens),
        Times(first, whole, gap),
        notes=joined(
            "aiperf" if "aiperf_version" in record.values else "genai-perf or aiperf",
            "cancelled before its end" if record.values.get("was_cancelled") is True else "",
            f"{failed:g} requests failed" if failed else "",
        ),
    )


# Summaries of ModelScope's EvalScope (``benchmark_summary.json`` of ``evalscope perf``).


def read_evalscope(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds."""
    record = entry.record
    if record.number("Succeed requests") == 0:
        raise entry.lacks_requests()
    failed = record.number("Failed requests")
    rate = record.number("Request rate (req/s)") if record.number("Number of concurrency") is None else None
    in_flight = record.number("Number of concurrency") or None
    lengths = (record.number(f"Average {name} tokens per request") or None for name in ("input", "output"))
    gap = next(filter(None, (record.number(name) for name in _GAPS)), None)
    return served(
        entry,
        Load(in_flight, rate, *lengths),
        Times(record.number("Average time to first token (s)"), record.number("Average latency (s)"), gap),
        notes=joined("evalscope perf", f"{failed:g} requests failed" if failed else ""),
    )


# Reports of GuideLLM (``benchmarks.json``), as versions 0.2 to 0.8 write them.


def is_guidellm(values: dict[str, Any]) -> bool:
    """Whether a mapping is a report of GuideLLM."""
    benchmarks = values.get("benchmarks")
    return isinstance(benchmarks, list) and all(isinstance(one, dict) and "metrics" in one for one in benchmarks)


def strategy(record: Record) -> tuple[float | None, float | None]:
    """Requests in flight and requests a second, one of them known."""
    # Until 0.3 the strategy stands under args, since 0.4 under config.
    new, old = (record.inside(place, "strategy") for place in ("config", "args"))
    strategy = new if new.values else old
    kind = strategy.values.get("type_")
    if kind == "synchronous":
        return 1, None
    if kind in ("constant", "poisson"):
        return None, strategy.required("rate")
    if kind == "concurrent":
        return strategy.required("streams"), None
    if kind == "throughput":
        return strategy.number("max_concurrency"), None
    raise Missing(f"{record.where}: strategy {kind!r} holds neither rate nor concurrency", "measure at one of them")


def read_guidellm(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds of one benchmark of a report, over requests that succeeded."""
    record = entry.record
    new, old = record.inside("metrics", "request_totals"), record.inside("request_totals")
    totals = new if new.values else old
    if not totals.number("successful"):
        raise entry.lacks_requests()
    failed = totals.number("errored")
    prompt, output, ttft, itl, e2e = (record.inside("metrics", name, "successful") for name in _MEASURED)
    return served(
        entry,
        Load(*strategy(record), prompt.number("mean") or None, output.number("mean") or None),
        Times(ttft.seconds("mean"), e2e.number("mean"), itl.seconds("mean")),
        notes=joined("guidellm", f"{failed:g} requests failed" if failed else ""),
    )


# Stage files of the Kubernetes inference-perf (``stage_N_lifecycle_metrics.json``).


def stage_load(entry: Entry) -> tuple[float | None, float | None]:
    """Requests in flight and requests a second: the rate at which they left, which may lag behind the one asked for.

    Raises:
        Missing: neither, as in a summary over stages, and no batch that the user gives.
    """
    record = entry.record
    summary = record.inside("load_summary")
    if in_flight := summary.number("concurrency"):
        return in_flight, None
    if rate := summary.number("achieved_rate") or summary.number("requested_rate"):
        return None, rate
    if entry.run.workload.batch is not None:
        return None, None
    what = f"{record.where}: has no rate, as in the summary over stages of different load"
    raise Missing(what, "give the files of the stages, stage_0_lifecycle_metrics.json and so on")


def read_inference_perf(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds of one stage, over requests that succeeded.

    Its own ``time_per_output_token`` is not used where first token and request are known: there are releases that halve
    it, by counting each token twice.
    """
    record = entry.record
    done = record.inside("successes")
    if not done.number("count"):
        raise entry.lacks_requests()
    failed = record.inside("failures").number("count")
    ttft, e2e, tpot = (
        done.inside("latency", name).number("mean")
        for name in ("time_to_first_token", "request_latency", "time_per_output_token")
    )
    lengths = (_length(done, name) for name in ("prompt_len", "output_len"))
    return served(
        entry,
        Load(*stage_load(entry), *lengths),
        Times(ttft, e2e, tpot),
        notes=joined("inference-perf", f"{failed:g} requests failed" if failed else ""),
    )


def _length(done: Record, name: str) -> float | None:
    """Mean tokens of a prompt or an answer; newer reports tell text from images."""
    for place in (done.inside(name), done.inside(name, "text"), done.inside("text", name)):
        if length := place.number("mean"):
            return length
    return None


# Rows of InferenceX (InferenceMAX before): one run with its settings, times in seconds.


def read_inferencex(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds, means or else medians."""
    record = entry.record
    figures = record.inside("metrics") if "metrics" in record.values else record
    word = "mean" if figures.number("mean_tpot") else "median"
    first, gap, whole = (figures.number(f"{word}_{name}") for name in ("ttft", "tpot", "e2el"))
    # a prompt and an answer are 0.8 to 1 of the nominal lengths, 0.9 in the mean
    lengths = (0.9 * record.required(name) for name in ("isl", "osl"))
    return served(
        entry,
        Load(record.above_zero("conc"), None, *lengths),
        Times(first, whole, gap, "" if word == "mean" else word),
        statistic="" if word == "mean" else word,
        framework=record.text("framework"),
        weight_dtype=record.text("precision"),
        notes=joined(
            "InferenceX",
            record.text("model"),
            f"speculative decoding, {kind}" if (kind := record.text("spec_decoding")) not in ("", "none") else "",
        ),
    )


# Summaries of ray-project's LLMPerf (``..._summary.json`` of ``token_benchmark_ray.py``).


def read_llmperf(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds.

    Its own inter-token latency counts the first token as a gap, so that it is used only where there is nothing else.
    """
    record = entry.record
    if record.number("results_num_completed_requests") == 0:
        raise entry.lacks_requests()
    failed = record.number("results_number_errors")
    ttft, e2e, itl = (
        record.number(f"results_{name}_mean") for name in ("ttft_s", "end_to_end_latency_s", "inter_token_latency_s")
    )
    lengths = (
        record.number(f"results_number_{name}_tokens_mean") or record.number(f"mean_{name}_tokens")
        for name in ("input", "output")
    )
    return served(
        entry,
        Load(record.above_zero("num_concurrent_requests"), None, *lengths),
        Times(ttft, e2e, itl),
        notes=joined("llmperf", record.text("model"), f"{failed:g} requests failed" if failed else ""),
    )


def read_llmperf_response(entry: Entry) -> Results:
    """Refuses single requests, which do not say how many were in flight."""
    what = f"{entry.record.where}: is one request of LLMPerf, without the load that it was under"
    raise Missing(what, "give the summary that stands beside it, ..._summary.json")


# Results of the benchmarks that engines bring along (vLLM, SGLang, TensorRT-LLM), as files and as printed.

# Results of ``vllm bench serve`` (formerly ``benchmark_serving.py``) and ``vllm bench latency``.


def arrivals(record: Record) -> float | None:
    """Requests a second, None when all are sent at once (``inf``, Infinity or nothing)."""
    return None if record.text("request_rate") == "inf" else record.number("request_rate") or None


def load(entry: Entry) -> Load:
    """The load of a serving benchmark; requests in flight are known only where no rate holds them back.

    They are no more than there were requests.
    """
    record = entry.record
    if not (completed := record.number("completed")):
        raise entry.lacks_requests()
    if record.values.get("request_rate") == "trace" or record.values.get("ramp_up_strategy"):
        raise Missing(f"{record.where}: the request rate changed during the run", "measure at one rate or concurrency")
    in_flight = record.number("max_concurrency") if (rate := arrivals(record)) is None else None
    tokens = (record.number(key) for key in ("total_input_tokens", "total_output_tokens"))
    in_flight = min(in_flight, completed) if in_flight else None
    return Load(in_flight, rate, *(total / completed if total else None for total in tokens))


def times(record: Record, e2e: str) -> Times:
    """Mean latencies, the whole request under a name of the tool's own; TPOT is the gap between tokens where given.

    A file that kept percentiles alone has medians.
    """
    for word, statistic in (("mean", ""), ("median", "median"), ("p50", "median")):
        ttft, whole, tpot, itl = (record.seconds(f"{word}_{name}_ms") for name in ("ttft", e2e, "tpot", "itl"))
        if ttft or whole or tpot or itl:
            return Times(ttft, whole, tpot or itl, statistic)
    return Times(None, None, None)


def remarks(record: Record) -> str:
    """What a reader of the rows should know: a cap on requests in flight, failures, speculation."""
    most, prompts = record.values.get("max_concurrency"), record.number("num_prompts") or 0
    failed = prompts - (record.number("completed") or 0)
    tokens = record.values.get("spec_decode_acceptance_length") or record.values.get("accept_length")
    return joined(
        f"at most {most} requests in flight" if most and arrivals(record) is not None else "",
        f"{failed:g} of {prompts:g} requests failed" if failed > 0 else "",
        f"speculative decoding, {tokens} tokens a step" if tokens else "",
    )


def engine(backend: str) -> str:
    """The engine that a backend names; ``openai`` and the like are protocols."""
    return "" if backend.startswith("openai") else backend


def read_serve(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds."""
    record = entry.record
    return served(
        entry,
        load(entry),
        taken := times(record, "e2el"),
        statistic=taken.statistic,
        framework=engine(record.text("backend") or record.text("endpoint_type")),
        notes=joined("vllm bench serve", record.text("model_id"), remarks(record)),
    )


def read_latency(entry: Entry) -> Results:
    """The end-to-end latency of a batch in seconds."""
    given = entry.run.workload._asdict()
    if absent := ", ".join(name for name, value in given.items() if value is None):
        raise Missing(
            f"{entry.record.where}: vllm bench latency does not write {absent}",
            f"give {absent} of the run: its --batch-size, --input-len and --output-len",
        )
    latency = entry.record.required("avg_latency")
    return Results([entry.row("e2e", latency, **given, framework="vllm", notes="vllm bench latency")], [])


# Results of SGLang's ``bench_serving``, ``bench_one_batch`` and ``bench_one_batch_server``.


def read_serving(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds."""
    record = entry.record
    hits = record.inside("cache_report").number("cache_hit_rate_pct") or 0
    version = record.inside("server_info").text("version")
    return served(
        entry,
        load(entry),
        taken := times(record, "e2e_latency"),
        statistic=taken.statistic,
        framework=f"{engine(record.text('backend'))} {version}".strip(),
        prefix_share=hits / 100,
        notes=joined("sglang bench_serving", record.text("dataset_name"), remarks(record)),
    )


def read_one_batch(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency of a static batch in seconds.

    ``bench_one_batch`` times its steps itself, ``bench_one_batch_server`` the requests of a client.
    """
    record = entry.record
    tool, names = "bench_one_batch_server", ("last_ttft", "latency")
    if "prefill_latency" in record.values:
        tool, names = "bench_one_batch", ("prefill_latency", "total_latency")
    ttft, e2e, step = (record.number(name) for name in (*names, "median_decode_latency"))
    stopped = record.number("num_early_stopped")
    return served(
        entry,
        Load(record.required("batch_size"), None, record.required("input_len"), record.required("output_len")),
        Times(ttft, e2e, step),
        is_batch=True,
        framework="sglang",
        prefix_share=record.number("cache_hit_rate") or 0.0,
        notes=joined(f"sglang {tool}", record.text("run_name"), f"{stopped:g} answers ended early" if stopped else ""),
    )


# Reports of ``trtllm-bench`` (``--report_json``).


def read_trtllm(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds.

    Requests in flight are the mean that it reports, those that wait beyond the largest batch left out: then the time
    to a first token is that of the queue.

    Raises:
        Missing: a report of releases that do not say how many requests were in flight.
    """
    record = entry.record
    asked, world, done = (record.inside(name) for name in ("request_info", "world_info", "performance"))
    if asked.number("num_requests") == 0:
        raise entry.lacks_requests()
    in_flight, most = asked.number("avg_num_concurrent_requests"), world.number("max_batch_size")
    if not in_flight and entry.run.workload.batch is None:
        raise Missing(
            f"{record.where}: trtllm-bench of this release does not write how many requests it sent at once",
            "give the batch of the run, its --concurrency",
        )
    waits = bool(in_flight and most and in_flight > most)
    streamed = record.inside("streaming_metrics")
    lengths = (asked.number(f"avg_{name}_length") or None for name in ("input", "output"))
    first, whole = streamed.seconds("avg_ttft_ms"), done.seconds("avg_request_latency_ms")
    engine = record.inside("engine")
    return served(
        entry,
        Load(min(in_flight, most) if in_flight and most else in_flight or None, None, *lengths),
        Times(None, None, streamed.seconds("avg_tpot_ms")) if waits else Times(first, whole, None),
        framework=f"TensorRT-LLM {engine.text('version')}".strip(),
        weight_dtype=_format(engine.text("quantization")),
        kv_dtype=_format(engine.text("kv_cache_dtype")),
        notes=joined("trtllm-bench", engine.text("model"), "more requests than the largest batch" if waits else ""),
    )


def _format(name: str) -> str:
    """The number format of a name; empty for none, which is the checkpoint's own."""
    return "" if name.lower() in ("none", "auto", "mixed_precision") else name.lower()


# The summary that ``vllm bench serve`` and SGLang's ``bench_serving`` print, under the keys of their files.


def is_summary(content: str) -> bool:
    """Whether a text holds such a summary."""
    return TITLE in content


def parse_summaries(content: str, where: str) -> list[Record]:
    """Every summary of a text; older releases print the load on lines before it."""
    records: list[Record] = []
    values: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if TITLE in line:
            values = dict(values)
            records.append(Record(f"{where}, line {number}", values))
        elif _END.fullmatch(line):
            values = {}
        elif (match := _LINE.fullmatch(line)) and (key := _key_of(match[1].lower())):
            values[key] = "" if match[2].lower() in _NOT_SET else match[2]
    return [_with_prompts(record) for record in records]


def _key_of(label: str) -> str:
    if match := _LATENCY.fullmatch(label):
        return f"{match[1]}_{match[2].replace(' ', '_')}_ms"
    return _KEYS.get(label, "")


def _with_prompts(record: Record) -> Record:
    """A summary with the number of prompts, where it says how many failed."""
    completed, failed = (record.number(key) for key in ("completed", "failed"))
    prompts = {"num_prompts": completed + failed} if completed is not None and failed is not None else {}
    return record._replace(values={**record.values, **prompts})
