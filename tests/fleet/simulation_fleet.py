"""Several servers behind one queue, simulated step by step: it knows nothing of infercost.

Each server takes its steps on a clock of its own. A request that finds a free slot begins with the next step.
"""

from collections import deque
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import NamedTuple

from tests.fleet.simulation import Server, Traffic, gaps


class Seen(NamedTuple):
    """Means over the time watched: those running on a server, requests that found no slot, seconds waited for one."""

    in_flight: float
    queued_share: float
    wait: float


class Replica:
    """One server: the last steps of those who run, how many begin with its next step, and when the running one ends."""

    def __init__(self, server: Server, tokens: int) -> None:
        self.server, self.tokens = server, tokens
        self.last_steps: list[int] = []
        self.taken = self.new = 0
        self.ends = inf

    @property
    def held(self) -> int:
        """Slots that are taken."""
        return len(self.last_steps) + self.new

    def leave(self) -> None:
        """The step is over: those whose last one it was are done."""
        while self.last_steps and self.last_steps[0] <= self.taken:
            heappop(self.last_steps)

    def begin(self, now: float) -> None:
        """The next step, with all who have a slot, if anybody has."""
        for _ in range(self.new):
            heappush(self.last_steps, self.taken + self.tokens)
        running, added = len(self.last_steps), self.new * self.server.prompt_time
        self.ends = now + self.server.step(running) + added if running else inf
        self.taken, self.new = self.taken + 1, 0


def simulate_fleet(
    server: Server, replicas: int, traffic: Traffic, *, seconds: float, warm_up: float, seed: int
) -> Seen:
    """Servers that start empty; a request goes to the emptiest that has a slot, or waits in line for the first one."""
    coming, line, tokens = gaps(traffic, Random(f"gaps {seed}")), deque[float](), int(traffic.output_tokens)
    fleet = [Replica(server, tokens) for _ in range(replicas)]
    arrival, came, queued, waited, ran = next(coming), 0, 0, 0.0, 0.0
    while True:
        next_done = min(fleet, key=lambda each: each.ends)
        now = min(arrival, next_done.ends)
        if now >= warm_up + seconds:
            return Seen(ran / seconds / replicas, queued / came, waited / came)
        watched = now >= warm_up
        if arrival <= next_done.ends:
            chosen = min(fleet, key=lambda each: each.held)
            arrival, came = arrival + next(coming), came + watched
            if chosen.held >= server.slots:
                line.append(now)
                queued += watched
                continue
            chosen.new += 1
            if chosen.ends < inf:
                continue
        else:
            chosen = next_done
            chosen.leave()
            while line and chosen.held < server.slots:
                waited += (now - line.popleft()) * watched
                chosen.new += 1
        chosen.begin(now)
        ran += len(chosen.last_steps) * (chosen.ends - now) * watched if chosen.last_steps else 0.0
