"""One server simulated request by request: what the closed forms are held against. It knows nothing of infercost.

An event loop of its own, with the standard library alone: until a sequence comes or goes all steps take equally long,
so they are taken at once, and an hour costs two events a request rather than one a step.
"""

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import ceil, inf, log, sqrt
from random import Random
from typing import NamedTuple

#: Seconds of a step with so many sequences running.
StepTime = Callable[[int], float]


class Server(NamedTuple):
    """Steps of ``step(n)`` seconds for at most ``slots`` sequences, and ``prompt_time`` more for each one admitted.

    Whoever finds no slot waits in line. A prompt's step also yields the first token of its request.
    """

    step: StepTime
    slots: int
    prompt_time: float = 0.0


class Traffic(NamedTuple):
    """Requests a second, the coefficient of variation of the gaps between them, and what each asks for.

    ``gaps`` is "gamma" or "hyperexponential", which are both Poisson at a variation of one; ``lengths`` is "fixed"
    or "geometric", at least one token each.
    """

    rate: float
    output_tokens: float
    variation: float = 1.0
    gaps: str = "gamma"
    lengths: str = "fixed"


class Simulated(NamedTuple):
    """Means over the time watched, and over the requests admitted in it.

    A wait is for the end of the running step and for a slot; ``queued_share`` counts those who had to wait for a slot.
    """

    requests: int
    in_flight: float
    waiting: float
    busy_share: float
    tpot: float
    wait: float
    queued_share: float
    ttft: float
    tokens_per_second: float


def gaps(traffic: Traffic, random: Random) -> Iterator[float]:
    """Seconds from each request to the next."""
    square = traffic.variation**2
    if square == 1:
        while True:
            yield random.expovariate(traffic.rate)
    if traffic.gaps == "gamma":
        while square:
            yield random.gammavariate(1 / square, square / traffic.rate)
        while True:
            yield 1 / traffic.rate
    if traffic.gaps != "hyperexponential" or square < 1:
        raise ValueError(f"no gaps {traffic.gaps!r} with variation {traffic.variation}")
    # two phases with balanced means: half of the time passes in either
    often = (1 + sqrt((square - 1) / (square + 1))) / 2
    while True:
        share = often if random.random() < often else 1 - often
        yield random.expovariate(2 * share * traffic.rate)


def lengths(traffic: Traffic, random: Random) -> Iterator[int]:
    """Output tokens of one request after the other."""
    mean = traffic.output_tokens
    if traffic.lengths == "fixed":
        if mean != int(mean):
            raise ValueError(f"{mean} tokens cannot be fixed")
        while True:
            yield int(mean)
    if traffic.lengths != "geometric":
        raise ValueError(f"no lengths {traffic.lengths!r}")
    scale = 1 / log(1 - 1 / mean) if mean > 1 else 0.0
    while True:
        yield 1 + int(scale * log(1 - random.random()))


class _Watch:
    """What is seen from one moment to another."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end
        self.busy = self.running = self.queue = 0.0
        self.tokens = self.between = self.later_tokens = 0.0
        self.admitted = self.queued = 0
        self.waited = self.first = 0.0

    def steps(self, now: float, then: float, count: int, running: int, new: int, first: float) -> None:
        """So many steps from now to then; ``new`` sequences begin in the first of them, which lasts so long."""
        seen = min(then, self.end) - max(now, self.start)
        if seen <= 0:
            return
        share = seen / (then - now)
        self.busy += seen
        self.running += running * seen
        self.tokens += running * count * share
        self.between += (running * (then - now) - new * first) * share
        self.later_tokens += (running * count - new) * share

    def in_line(self, arrival: float, until: float) -> None:
        """A request that waited."""
        self.queue += max(min(until, self.end) - max(arrival, self.start), 0.0)

    def admission(self, arrival: float, now: float, seconds: float, before: float) -> None:
        """A request whose step starts now and lasts so long; at the start of the step before there was no slot."""
        self.in_line(arrival, now)
        if self.start <= now < self.end:
            self.admitted += 1
            self.queued += arrival <= before
            self.waited += now - arrival
            self.first += now + seconds - arrival

    def summary(self) -> Simulated:
        """The means."""
        seconds, count = self.end - self.start, max(self.admitted, 1)
        return Simulated(
            requests=self.admitted,
            in_flight=self.running / seconds,
            waiting=self.queue / seconds,
            busy_share=self.busy / seconds,
            tpot=self.between / self.later_tokens if self.later_tokens else 0.0,
            wait=self.waited / count,
            queued_share=self.queued / count,
            ttft=self.first / count,
            tokens_per_second=self.tokens / seconds,
        )


def simulate(
    server: Server, traffic: Traffic, *, seconds: float = 3600.0, warm_up: float = 600.0, seed: int = 0
) -> Simulated:
    """A server that starts empty, watched for some time after it has warmed up; one seed, one answer."""
    coming, asked = gaps(traffic, Random(f"gaps {seed}")), lengths(traffic, Random(f"lengths {seed}"))
    watch = _Watch(warm_up, warm_up + seconds)
    step_times = [0.0, *(server.step(n) for n in range(1, server.slots + 1))]
    line: deque[float] = deque()
    last_steps: list[int] = []  # of those who run, as a heap
    arrival, now, before, taken = next(coming), 0.0, -inf, 0
    while now < watch.end:
        if not line and not last_steps and arrival > now:
            now, before = arrival, -inf
        while arrival <= now:
            line.append(arrival)
            arrival += next(coming)
        new = min(len(line), server.slots - len(last_steps))
        for _ in range(new):
            heappush(last_steps, taken + next(asked))
        running = len(last_steps)
        one, count = step_times[running], last_steps[0] - taken
        first = one + new * server.prompt_time
        if running < server.slots and count > 1:
            count = min(count, 1 + max(ceil((arrival - now - first) / one), 0))
        then = now + first + (count - 1) * one
        for _ in range(new):
            watch.admission(line.popleft(), now, first, before)
        watch.steps(now, then, count, running, new, first)
        before, now, taken = then - one if count > 1 else now, then, taken + count
        while last_steps and last_steps[0] <= taken:
            heappop(last_steps)
    for arrived in line:
        watch.in_line(arrived, watch.end)
    return watch.summary()
