"""Reports of GuideLLM (``benchmarks.json``), as versions 0.2 to 0.8 write them."""

from infercost.errors import Missing
from infercost.evidence.measured import Measured
from infercost.evidence.readers.run import (
    Document,
    Entry,
    Load,
    Skipped,
    Times,
    inside,
    joined,
    number,
    optional,
    seconds,
    served,
)


def is_report(document: Document) -> bool:
    """Whether a document is a report of GuideLLM."""
    benchmarks = document.get("benchmarks")
    return isinstance(benchmarks, list) and all(isinstance(one, dict) and "metrics" in one for one in benchmarks)


def mean(benchmark: Document, metric: str, where: str) -> float | None:
    """The mean of a metric over the requests that succeeded, None where there is none."""
    spread = inside(benchmark, "metrics", metric, "successful")
    return optional(spread, "mean", f"{where}, {metric}")


def arrivals(benchmark: Document, where: str) -> tuple[float | None, float | None]:
    """Requests in flight and requests a second, one of them known.

    Raises:
        BadFile: a figure is no number.
        Missing: a strategy that holds neither still.
    """
    # Until 0.3 the strategy stands under args, since 0.4 under config.
    strategy = inside(benchmark, "config", "strategy") or inside(benchmark, "args", "strategy")
    kind = strategy.get("type_")
    if kind == "synchronous":
        return 1, None
    if kind in ("constant", "poisson"):
        return None, number(strategy.get("rate"), f"{where}, strategy rate")
    if kind == "concurrent":
        return number(strategy.get("streams"), f"{where}, strategy streams"), None
    if kind == "throughput":
        return optional(strategy, "max_concurrency", where), None
    raise Missing(f"{where}: strategy {kind!r} holds neither rate nor concurrency", "measure at one of them")


def requests(benchmark: Document) -> Document:
    """How many requests succeeded, failed and were cut off."""
    return inside(benchmark, "metrics", "request_totals") or inside(benchmark, "request_totals")


def read_benchmark(benchmark: Document, entry: Entry) -> tuple[list[Measured], list[Skipped]]:
    """ITL, TTFT and end-to-end latency in seconds of one benchmark of a report.

    Raises:
        BadFile: a figure is no number.
        Missing: no request succeeded, or the load is not known.
    """
    where, totals = entry.where, requests(benchmark)
    if not optional(totals, "successful", where):
        raise Missing(f"{where}: no request completed", "see the tool's own errors, and measure again")
    tokens = (mean(benchmark, f"{name}_token_count", where) for name in ("prompt", "output"))
    ttft, itl = (seconds(mean(benchmark, name, where)) for name in ("time_to_first_token_ms", "inter_token_latency_ms"))
    failed = optional(totals, "errored", where)
    known = entry.row("", 0)._replace(notes=joined("guidellm", f"{failed:g} requests failed" if failed else ""))
    load = Load(*arrivals(benchmark, where), *(count or None for count in tokens))
    return served(entry, load, Times(ttft, mean(benchmark, "request_latency", where), itl), known)
