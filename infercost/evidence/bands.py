"""Which band a measured number belongs to, and the tokens per second that two times of a run imply."""

from collections.abc import Iterable, Iterator
from math import log

from infercost.evidence.measured import Measured
from infercost.evidence.predict import Prepared, quantity, unit_of
from infercost.parts.bands import decode_kind


def kind_of_row(row: Measured) -> str:
    """The kind of a measured number, empty where none of today's engines' bands is for it."""
    protocol, what = row.protocol, quantity(row.metric)
    if protocol == "rate":
        return "served"
    if protocol in ("peak", "full"):
        return "peak" if protocol == "peak" else "full_memory"
    if what == "itl":
        return decode_kind(row.batch or 1)
    if protocol == "closed":
        return "first_token" if what == "ttft" else "tokens_per_s"
    return "first_token" if what in ("ttft", "prompts") else "tokens_per_s"


def pairs(runs: Iterable[tuple[Prepared, float]]) -> Iterator[tuple[tuple[Prepared, float], tuple[Prepared, float]]]:
    """Gap and first token of each closed loop that states both, each with a number of its own."""
    loops: dict[Measured, dict[str, tuple[Prepared, float]]] = {}
    for run, number in runs:
        row = run.measured
        if row.protocol == "closed" and row.output_tokens:
            loops.setdefault(row._replace(id="", metric="", value=0, statistic=""), {})[quantity(row.metric)] = (
                run,
                number,
            )
    return ((times["itl"], times["ttft"]) for times in loops.values() if "itl" in times and "ttft" in times)


def request_time(gap: Prepared, gap_time: float, first: Prepared, first_time: float) -> float:
    """Seconds of a request by its first token and its gaps, each in the unit of its metric."""
    decoded = (gap.measured.output_tokens or 0) - 1
    return first_time * unit_of(first.measured.metric) + decoded * gap_time * unit_of(gap.measured.metric)


def rates_of(runs: Iterable[tuple[Prepared, float]]) -> Iterator[tuple[Prepared, float]]:
    """Closed loops with the logarithm of measured over predicted time of a request, which sets their rate."""
    for (gap, gap_time), (first, first_time) in pairs(runs):
        measured = request_time(gap, gap.measured.value, first, first.measured.value)
        yield gap, log(measured / request_time(gap, gap_time, first, first_time))
