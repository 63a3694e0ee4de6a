"""Reports of GuideLLM (``benchmarks.json``), as versions 0.2 to 0.8 write them."""

from typing import Any

from infercost.errors import Missing
from infercost.evidence.readers.record import Record
from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell one benchmark of a report.
BENCHMARK = {"metrics", "type_"}
METRICS = (
    "prompt_token_count", "output_token_count", "time_to_first_token_ms", "inter_token_latency_ms", "request_latency",
)  # fmt: skip


def is_report(values: dict[str, Any]) -> bool:
    """Whether a mapping is a report of GuideLLM."""
    benchmarks = values.get("benchmarks")
    return isinstance(benchmarks, list) and all(isinstance(one, dict) and "metrics" in one for one in benchmarks)


def arrivals(record: Record) -> tuple[float | None, float | None]:
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


def read_benchmark(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds of one benchmark of a report, over requests that succeeded."""
    record = entry.record
    new, old = record.inside("metrics", "request_totals"), record.inside("request_totals")
    totals = new if new.values else old
    if not totals.number("successful"):
        raise entry.lacks_requests()
    failed = totals.number("errored")
    prompt, output, ttft, itl, e2e = (record.inside("metrics", name, "successful") for name in METRICS)
    return served(
        entry,
        Load(*arrivals(record), prompt.number("mean") or None, output.number("mean") or None),
        Times(ttft.seconds("mean"), e2e.number("mean"), itl.seconds("mean")),
        notes=joined("guidellm", f"{failed:g} requests failed" if failed else ""),
    )
