"""JSON exports of NVIDIA AIPerf and of genai-perf before it, which share their metrics' form."""

from infercost.errors import BadFile
from infercost.evidence.readers.record import Record
from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell an export.
EXPORT = {"request_latency", "input_config"}
_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


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


def read_export(entry: Entry) -> Results:
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
