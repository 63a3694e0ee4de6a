"""Results of the benchmarks that engines bring along (vLLM, SGLang, TensorRT-LLM), as files and as printed."""

import re

from infercost.errors import Missing
from infercost.evidence.readers.record import Entry, Load, Record, Results, Times, joined, served

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
