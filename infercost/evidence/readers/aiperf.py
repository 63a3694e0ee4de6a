"""JSON exports of NVIDIA AIPerf and of genai-perf before it, which share their metrics' form."""

from infercost.errors import BadFile, Missing
from infercost.evidence.measured import Measured
from infercost.evidence.readers.run import Document, Entry, Load, Skipped, Times, inside, joined, optional, served

_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def is_export(document: Document) -> bool:
    """Whether a document is an export of AIPerf or genai-perf."""
    return "unit" in inside(document, "request_latency") and "input_config" in document


def duration(document: Document, metric: str, where: str) -> float | None:
    """The mean of a metric in seconds, None where it was not measured.

    Raises:
        BadFile: no number, or a unit that is no time.
    """
    spread = inside(document, metric)
    if (value := optional(spread, "avg", f"{where}, {metric}")) is None:
        return None
    if (scale := _SECONDS.get(str(spread.get("unit")))) is None:
        raise BadFile(f"{where}, {metric}: {spread.get('unit')!r} is no unit of time", "give the export as written")
    return value * scale


def stimulus(config: Document, where: str) -> tuple[float | None, float | None]:
    """Requests in flight and requests a second, as far as the export says.

    AIPerf writes phases since 0.7 or so and ``loadgen`` before; genai-perf ``stimulus``, and flat options at first.
    """
    phases = config.get("phases")
    ran = [phase for phase in phases if isinstance(phase, dict)] if isinstance(phases, list) else []
    kept = [phase for phase in ran if "warmup" not in (phase.get("name"), phase.get("kind"))]
    places = [*kept[-1:], inside(config, "loadgen"), inside(config, "perf_analyzer", "stimulus"), config]
    for place in places:
        if arriving := optional(place, "rate", where) or optional(place, "request_rate", where):
            return None, arriving
        if in_flight := optional(place, "concurrency", where):
            return in_flight, None
    return None, None


def read_export(document: Document, entry: Entry) -> tuple[list[Measured], list[Skipped]]:
    """ITL, TTFT and end-to-end latency in seconds.

    Raises:
        BadFile: a figure is no number.
        Missing: no request succeeded, or the load is not known.
    """
    where = entry.where
    if optional(inside(document, "request_count"), "avg", where) == 0:
        raise Missing(f"{where}: no request completed", "see the tool's own errors, and measure again")
    tokens = (
        optional(inside(document, f"{name}_sequence_length"), "avg", f"{where}, {name}_sequence_length")
        for name in ("input", "output")
    )
    load = Load(*stimulus(inside(document, "input_config"), where), *(count or None for count in tokens))
    names = ("time_to_first_token", "request_latency", "inter_token_latency")
    failed = optional(inside(document, "error_request_count"), "avg", where)
    known = entry.row("", 0)._replace(
        notes=joined(
            "aiperf" if "aiperf_version" in document else "genai-perf or aiperf",
            "cancelled before its end" if document.get("was_cancelled") is True else "",
            f"{failed:g} requests failed" if failed else "",
        )
    )
    return served(entry, load, Times(*(duration(document, name, where) for name in names)), known)
