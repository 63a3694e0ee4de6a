"""Summaries of ray-project's LLMPerf (``..._summary.json`` of ``token_benchmark_ray.py``)."""

from infercost.errors import Missing
from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell a summary, and one request of the file beside it.
SUMMARY = {"num_concurrent_requests", "results_ttft_s_mean"}
RESPONSE = {"number_output_tokens", "ttft_s", "end_to_end_latency_s"}


def read_summary(entry: Entry) -> Results:
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


def read_response(entry: Entry) -> Results:
    """Refuses single requests, which do not say how many were in flight."""
    what = f"{entry.record.where}: is one request of LLMPerf, without the load that it was under"
    raise Missing(what, "give the summary that stands beside it, ..._summary.json")
