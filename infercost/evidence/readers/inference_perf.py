"""Stage files of the Kubernetes inference-perf (``stage_N_lifecycle_metrics.json``)."""

from infercost.errors import Missing
from infercost.evidence.readers.record import Record
from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell a report.
REPORT = {"load_summary", "successes"}


def arrivals(entry: Entry) -> tuple[float | None, float | None]:
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


def read_report(entry: Entry) -> Results:
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
        Load(*arrivals(entry), *lengths),
        Times(ttft, e2e, tpot),
        notes=joined("inference-perf", f"{failed:g} requests failed" if failed else ""),
    )


def _length(done: Record, name: str) -> float | None:
    """Mean tokens of a prompt or an answer; newer reports tell text from images."""
    for place in (done.inside(name), done.inside(name, "text"), done.inside("text", name)):
        if length := place.number("mean"):
            return length
    return None
