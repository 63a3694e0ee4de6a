"""Summaries of ModelScope's EvalScope (``benchmark_summary.json`` of ``evalscope perf``)."""

from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell a summary.
SUMMARY = {"Number of concurrency", "Average latency (s)", "Average output tokens per request"}
#: Names of the gap between tokens, by release.
_GAPS = ("Average time per output token (s)", "Average inter-token latency (s)")


def read_summary(entry: Entry) -> Results:
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
