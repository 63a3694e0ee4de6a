"""Running sums over the requests of a trace: what is kept does not grow with their number."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from infercost.errors import BadFile

#: Time in seconds, input tokens, output tokens.
Request = tuple[float, float, float]

HOUR = 3600
#: Ten years: a longer trace has a time that is off.
MOST_HOURS = 87_600
#: Finer than the clock of any trace, in seconds.
FINEST = 1e-7


class Trace(NamedTuple):
    """What a trace says of its load.

    ``hours`` are the requests of each clock hour from first to last (UTC where the file has dates, else from the
    file's own zero). A first or last hour that the trace covers in part is scaled to a whole one, and left out when
    less than half of it is covered. A trace that lasts less than an hour has one entry, its rate. Being a sample of
    arrivals, a trace lasts one mean gap longer than the ``seconds`` from its first to its last request.

    The token means leave out requests without output tokens, which BurstGPT marks failures by; ``requests`` and
    ``hours`` count them. ``prefix_share`` is the share of prompt blocks that a boundless cache would have held.
    ``gap_cv`` is the standard deviation of the gaps between arrivals over their mean, 1 for Poisson arrivals; None
    for hourly counts, for fewer than three requests, and where rows are out of time order. Coarse time stamps, which
    many requests share, raise it.
    """

    hours: tuple[float, ...]
    requests: int
    input_tokens: float | None
    output_tokens: float | None
    prefix_share: float | None
    gap_cv: float | None
    seconds: float


class _Sums:
    """Counts, sums and extremes of the requests so far, and the mean and squared deviations of the gaps (Welford)."""

    requests = answered = 0
    input = output = 0.0
    first = last = 0.0
    gap_mean = gap_squares = 0.0
    ordered = True

    def __init__(self) -> None:
        self.hours: defaultdict[float, int] = defaultdict(int)


def tally(requests: Iterable[Request], path: str) -> Trace:
    """The load of requests in whatever order, in one pass.

    Raises:
        BadFile: no request, all at one time, or more than ten years between them.
    """
    sums = _add(requests)
    seconds = sums.last - sums.first
    if not sums.requests:
        raise BadFile(f"trace {path}: holds no request", "see whether it was written to its end")
    if seconds < FINEST:
        raise BadFile(
            f"trace {path}: all its requests ({sums.requests:,}) came at one time, which gives no rate",
            "give a longer trace, or hourly counts",
        )
    if seconds > MOST_HOURS * HOUR:
        years = seconds / HOUR / 8760
        raise BadFile(f"trace {path}: {years:,.0f} years lie between its first and last time", "mend the times")
    return Trace(
        hours=hourly(sums.hours, sums.first, sums.last, sums.requests),
        requests=sums.requests,
        input_tokens=sums.input / sums.answered if sums.answered else None,
        output_tokens=sums.output / sums.answered if sums.answered else None,
        prefix_share=None,
        gap_cv=_gap_cv(sums),
        seconds=seconds,
    )


def _add(requests: Iterable[Request]) -> _Sums:
    """The sums of all requests, kept in local names: this loop is most of the time that a trace takes."""
    sums, count, answered, read, written, mean, squares = _Sums(), -1, 0, 0.0, 0.0, 0.0, 0.0
    first, last, before, hours = float("inf"), float("-inf"), 0.0, sums.hours
    for time, input, output in requests:
        count += 1
        hours[time // HOUR] += 1
        if count:
            gap = time - before
            off = gap - mean
            mean += off / count
            squares += off * (gap - mean)
            if gap < 0:
                sums.ordered = False
        before = time
        if time > last:
            last = time
        if time < first:
            first = time
        if output:
            answered += 1
            read += input
            written += output
    if count >= 0:
        sums.requests, sums.first, sums.last = count + 1, first, last
    sums.answered, sums.input, sums.output = answered, read, written
    sums.gap_mean, sums.gap_squares = mean, squares
    return sums


def _gap_cv(sums: _Sums) -> float | None:
    if not sums.ordered or sums.requests < 3:
        return None
    return sqrt(sums.gap_squares / (sums.requests - 1)) / sums.gap_mean


def hourly(counts: Mapping[float, int], first: float, last: float, requests: int) -> tuple[float, ...]:
    """Requests of each clock hour from the first to the last time, by the rules that ``Trace`` gives."""
    end = last + (last - first) / (requests - 1)
    rate = requests * HOUR / (end - first)
    if end - first < HOUR:
        return (rate,)
    found = []
    for hour in range(int(first // HOUR), int(last // HOUR) + 1):
        covered = (min(end, (hour + 1) * HOUR) - max(first, hour * HOUR)) / HOUR
        if covered >= 0.5:
            found.append(counts.get(hour, 0) / covered)
    return tuple(found) or (rate,)
