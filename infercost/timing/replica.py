"""One replica in time: a step, a prompt, a request, and the load at which arrivals and departures balance."""

from collections.abc import Callable
from math import inf, isfinite
from typing import NamedTuple

from infercost.derivation import not_recording
from infercost.engine import requests
from infercost.numeric import ceiling
from infercost.timing.passes import Load, Parts, pass_parts, step_time
from infercost.timing.speeds import Speeds
from infercost.timing.work import Work

#: A fixed point is found when two guesses agree so far.
CLOSE = 1e-6
ROUNDS = 60
#: Seconds after which a step that still has prompts to take counts as one that never ends.
NEVER = 1e4
#: How far a rate steps back from one at which prompts pile up.
BELOW = 0.999


class Replica(NamedTuple):
    """The work of a model under a layout, the speeds of the part that does it, and what a request meets beside.

    A new request waits ``steps_waited`` steps: the one that runs, and those that the scheduler has lined up.
    """

    work: Work
    speeds: Speeds
    request_overhead: float = 0.0
    steps_waited: float = 0.0


class Request(NamedTuple):
    """Tokens in and out; ``prefix_share`` of the prompt is cached, the rest comes in chunks where they are given."""

    input_tokens: float
    output_tokens: float
    prefix_share: float = 0.0
    chunk_tokens: float | None = None

    @property
    def cached(self) -> float:
        """Tokens of the prompt whose cache is there already; the last one is always computed."""
        return min(self.input_tokens * self.prefix_share, max(self.input_tokens - 1, 0))

    @property
    def new(self) -> float:
        """Tokens of the prompt that are computed."""
        return max(self.input_tokens - self.cached, 1)

    @property
    def context(self) -> float:
        """Mean context while the output is decoded."""
        return self.input_tokens + self.output_tokens / 2


class Served(NamedTuple):
    """A replica in steady state; ``batch`` decode at once, and ``stable`` is False where requests pile up."""

    batch: float
    in_flight: float
    rate: float
    itl: float
    ttft: float
    request_time: float
    stable: bool


def step_parts(replica: Replica, batch: float, context: float, tokens_each: float = 1) -> Parts:
    """Seconds of a decoding step by part: pipeline stages take turns on equal parts of the batch."""
    part = part_of(replica, batch)
    return pass_parts(replica.work, replica.speeds, Load(part, context, tokens_each))


def part_of(replica: Replica, batch: float) -> float:
    """Sequences that a pipeline stage works on at a time."""
    stages = replica.work.layout.pp
    return 1.0 * ceiling(batch / stages) if stages > 1 else batch


def decode_time(replica: Replica, batch: float, context: float, tokens_each: float = 1) -> float:
    """Seconds of a decoding step of a batch, each sequence at a context."""
    return step_time(step_parts(replica, batch, context, tokens_each), replica.speeds.overlap)


def prefill_time(replica: Replica, prompts: float, request: Request) -> float:
    """Seconds for the prompts of so many requests that come together, nothing else running."""
    stages = replica.work.layout.pp
    if stages > 1 and replica.speeds.overlap == "full":
        return _prompts(replica, prompts, request) / stages
    parts = min(stages, prompts)
    one = _prompts(replica, prompts / parts, request)
    if stages == 1:
        return one
    busy = requests.pipeline_utilization(microbatches=parts, stages=stages)
    return requests.pipelined_time(part_time=one, microbatches=parts, stages=stages, pipeline_utilization=busy)


def _prompts(replica: Replica, prompts: float, request: Request) -> float:
    """Seconds of the prompts' passes one after another: one pass, or as many as there are chunks."""
    tokens = prompts * request.new
    passes = 1
    if request.chunk_tokens and tokens > request.chunk_tokens:
        passes = requests.prompt_passes(tokens=tokens, chunk_tokens=request.chunk_tokens)
    before = request.cached + (request.new / 2 * (1 - 1 / passes) if passes > 1 else 0)
    load = Load(prompt_tokens=tokens / passes, prompts=prompts / passes, cached=before)
    return passes * step_time(pass_parts(replica.work, replica.speeds, load), replica.speeds.overlap)


class Riding(NamedTuple):
    """A mean step with the prompts that ride along, and the seconds of one prompt's steps; inf where they pile up."""

    itl: float
    prompt: float


def riding(replica: Replica, batch: float, rate: float, request: Request) -> Riding:
    """The mean step of a batch while prompts arrive at a rate: some steps carry one or its chunk, or all carry several.

    Where more tokens arrive in the time of a step than the chunk that one may carry, they pile up. Pipeline stages take
    turns on parts of the batch, and each part carries its share of the prompts.
    """
    passes = 1
    if request.chunk_tokens:
        passes = requests.prompt_passes(tokens=request.new, chunk_tokens=request.chunk_tokens)
    step = decode_time(replica, batch, request.context)
    added = _with_prompts(replica, batch, request, 1 / passes) - step
    each = rate / replica.work.layout.pp
    if each * passes * added < 1:
        itl = requests.shared_step(step_time=step, request_rate=each, prompt_time=passes * added)
        if each * passes * itl <= 1:
            return Riding(itl, passes * (step + added))
    with not_recording():
        itl = _crowded(replica, batch, each, request, step)
    if request.chunk_tokens and each * itl * request.new > request.chunk_tokens:
        return Riding(inf, inf)
    return Riding(itl, itl)


def _with_prompts(replica: Replica, batch: float, request: Request, prompts: float) -> float:
    """Seconds of a step that so many prompts, or such a part of one, ride along with."""
    before = request.cached + request.new / 2 * (1 - min(prompts, 1))
    along = Load(part_of(replica, batch), request.context, 1, prompts * request.new, prompts, before)
    return step_time(pass_parts(replica.work, replica.speeds, along), replica.speeds.overlap)


def _crowded(replica: Replica, batch: float, rate: float, request: Request, step: float) -> float:
    """Seconds of a step that all prompts which arrive meanwhile ride along with; inf where they take longer still."""

    def excess(itl: float) -> float:
        return _with_prompts(replica, batch, request, rate * itl) - itl

    longest = step
    while excess(longest) > 0:
        longest *= 2
        if longest > NEVER:
            return inf
    return root(excess, step, longest)


def serve_at(replica: Replica, batch: float, rate: float, request: Request) -> Served:
    """Times of a replica that decodes a batch while requests arrive at a rate."""
    itl, prompt = riding(replica, max(batch, 1), rate, request)
    if not isfinite(itl):
        return Served(batch, inf, rate, inf, inf, inf, False)
    first = requests.ttft(
        prefill_time=prompt,
        waiting_time=replica.steps_waited * itl,
        request_overhead=replica.request_overhead,
    )
    whole = requests.request_time(ttft=first, output_tokens=request.output_tokens, tpot=itl)
    inside = requests.in_flight(request_rate=rate, time_in_system=whole)
    return Served(batch, inside, rate, itl, first, whole, True)


def serve_rate(replica: Replica, rate: float, request: Request, most: float) -> Served:
    """The steady state of requests that arrive at a rate: the fixed point of Little's law.

    The batch is what arrives while one request decodes. Where even ``most`` requests at once cannot keep up, the
    answer is the most that the replica serves, whatever the queue, and not stable.
    """

    def excess(batch: float) -> float:
        served = serve_at(replica, batch, rate, request)
        return rate * (request.output_tokens - 1) * served.itl - batch

    with not_recording():
        batch = most if excess(most) > 0 else root(excess, 0.0, float(most))
    served = serve_at(replica, batch, rate, request)
    if batch < most and served.stable and served.in_flight <= most:
        return served
    return serve_closed(replica, most, request)._replace(stable=False)


def serve_closed(replica: Replica, concurrent: float, request: Request) -> Served:
    """The steady state of so many requests that are each followed by another: the rate is what they achieve.

    Requests that no step has room for wait for their first token, by Little's law.
    """
    with not_recording():
        least = request.output_tokens * decode_time(replica, concurrent, request.context)

        def excess(rate: float) -> float:
            return concurrent / serve_at(replica, concurrent, rate, request).request_time - rate

        rate = root(excess, 0.0, concurrent / least)
        while not serve_at(replica, concurrent, rate, request).stable:
            rate *= BELOW
    served = serve_at(replica, concurrent, rate, request)
    waiting = max(concurrent / served.rate - served.request_time, 0.0)
    return served._replace(
        ttft=served.ttft + waiting, request_time=served.request_time + waiting, in_flight=float(concurrent)
    )


def root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling excess is zero, between a point where it is above and one where it is below: false position.

    The side that stays is halved (Dowell and Jarratt, The Illinois algorithm, 1971), so both sides close in.
    """
    above, below = excess(low), excess(high)
    if above <= 0:
        return low
    guess, side = low, 0
    for _ in range(ROUNDS):
        finite = isfinite(below) and isfinite(above)
        between = (low * below - high * above) / (below - above) if finite else (low + high) / 2
        before, guess = guess, between
        value = excess(guess)
        if abs(guess - before) <= CLOSE * guess:
            break
        if value > 0:
            low, above, below, side = guess, value, below / 2 if side > 0 else below, 1
        else:
            high, below, above, side = guess, value, above / 2 if side < 0 else above, -1
    return guess
