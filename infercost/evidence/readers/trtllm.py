"""Reports of ``trtllm-bench`` (``--report_json``)."""

from infercost.errors import Missing
from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell a report.
REPORT = {"engine", "world_info", "request_info", "performance"}


def read_report(entry: Entry) -> Results:
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
