"""Results of ``vllm bench serve`` (formerly ``benchmark_serving.py``) and ``vllm bench latency``."""

from infercost.errors import Missing
from infercost.evidence.readers.record import Record
from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell a result; SGLang's serving results have another name for the whole request.
SERVE = {"completed", "total_input_tokens", "request_throughput"}
LATENCY = {"avg_latency", "latencies"}


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
