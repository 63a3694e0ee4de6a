"""One replica of a measured run as it served, with the steady states that it was asked for."""

from typing import NamedTuple

from infercost.evidence.measured import Measured
from infercost.replica.serving import (
    Request,
    Served,
    all_at_once,
    prefill_time,
    serve_batch,
    serve_closed,
    serve_rate,
    start_of,
)
from infercost.replica.step import Replica, decode_time

#: Requests of a slot in a run that does not say: InferenceX, all slots starting at once.
REQUESTS_A_SLOT = 10
#: Sequences that an engine runs at once by default.
USUAL_MOST = 256


class Times(NamedTuple):
    """Seconds between tokens, to the first one and of a whole request, and requests a second of one copy."""

    itl: float
    ttft: float
    request: float
    rate: float = 0.0


class Server:
    """A replica under a stack; rows of one run share its steady state."""

    def __init__(self, replica: Replica, cold_start: float = 0.0) -> None:
        self.replica, self.cold_start = replica, cold_start
        self._closed: dict[tuple[float, Request], Served] = {}

    def times(self, row: Measured, batch: float, copies: float, request: Request) -> Times:
        """The times of a run by its protocol; ``batch`` is of one copy."""
        match row.protocol:
            case "batch":
                return self._together(batch, request)
            case "pool":
                step = decode_time(self.replica, batch, request.context)
                return Times(step, 0.0, request.decoded * step)
            case "rate":
                most = row.most_sequences or USUAL_MOST
                return _of(serve_rate(self.replica, (row.request_rate or 0.0) / copies, request, most))
            case "peak" | "burst":
                return _of(serve_batch(self.replica, batch, request))
        served = self.closed(batch, request)
        if row.protocol == "full" or row.statistic == "median" or not self.replica.timing:
            return _of(served)
        requests = row.requests / copies if row.requests else REQUESTS_A_SLOT * batch
        cold = self.cold_start if row.unwarmed else 0.0
        first = all_at_once(self.replica, batch, request, served, requests, seen=row.prompts_seen / copies, cold=cold)
        return Times(served.itl, first, served.request_time - served.ttft + first, served.rate)

    def closed(self, concurrent: float, request: Request) -> Served:
        """The steady state of so many requests in flight."""
        key = concurrent, request
        if key not in self._closed:
            self._closed[key] = serve_closed(self.replica, concurrent, request)
        return self._closed[key]

    def prompts(self, batch: float, request: Request) -> float:
        """Seconds for all prompts of a batch."""
        return prefill_time(self.replica, batch, request)

    def _together(self, batch: float, request: Request) -> Times:
        """A batch that starts and ends together: all prompts, then all other tokens."""
        step = decode_time(self.replica, batch, request.context)
        first = start_of(self.replica, request) + self.prompts(batch, request)
        return Times(step, first, first + max(request.output_tokens - 1, 0) * step)


def _of(served: Served) -> Times:
    return Times(served.itl, served.ttft, served.request_time, served.rate)
