"""One replica in time: a step, a prompt, a request, and the load at which arrivals and departures balance."""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from infercost import formulas
from infercost.formulas.formula import solved
from infercost.formulas.request import LITTLE
from infercost.replica.step import Load, Replica, decode_time, part_of, pass_parts, step_time

#: The first token comes with the prompt: with one more something decodes.
LEAST_OUTPUT = 2
#: A fixed point is found when two guesses agree so far.
CLOSE = 1e-6
ROUNDS = 60
#: The emptiest replica that is looked at: one request decodes so much of the time.
LEAST = 1e-9


class Request(NamedTuple):
    """Tokens in and out; ``prefix_share`` of the prompt is cached, the rest comes in chunks where they are given."""

    input_tokens: float
    output_tokens: float
    prefix_share: float = 0.0
    chunk_tokens: float | None = None

    @property
    def decoded(self) -> float:
        """Tokens that are decoded one by one: the first comes with the prompt."""
        return formulas.request.decoded_tokens(output_tokens=self.output_tokens)

    @property
    def cached(self) -> float:
        """Tokens of the prompt whose cache is there already; the last one is always computed."""
        if not self.prefix_share:
            return 0.0
        return formulas.request.cached_tokens(input_tokens=self.input_tokens, prefix_share=self.prefix_share)

    @property
    def new(self) -> float:
        """Tokens of the prompt that are computed."""
        return formulas.request.new_tokens(input_tokens=self.input_tokens, cached=self.cached)

    @property
    def context(self) -> float:
        """Mean context while the output is decoded."""
        return formulas.request.mean_context(input_tokens=self.input_tokens, output_tokens=self.output_tokens)


class Served(NamedTuple):
    """A replica in steady state; ``batch`` decode at once, and ``stable`` is False where requests pile up."""

    batch: float
    in_flight: float
    rate: float
    itl: float
    ttft: float
    request_time: float
    stable: bool


def prefill_time(replica: Replica, prompts: float, request: Request) -> float:
    """Seconds for the prompts of so many requests that come together, nothing else running."""
    stages = replica.work.layout.pp
    if stages > 1 and replica.speeds.overlap == "full":
        whole = _prompts(replica, prompts, request)
        return formulas.request.staged_prompts_time(passes_time=whole, stages=stages)
    parts = min(stages, prompts)
    share = formulas.request.prompts_of_pass(prompts=prompts, prompt_passes=parts) if parts > 1 else prompts
    one = _prompts(replica, share, request)
    if stages == 1:
        return one
    busy = formulas.request.pipeline_utilization(microbatches=parts, stages=stages)
    return formulas.request.pipelined_time(part_time=one, microbatches=parts, stages=stages, pipeline_utilization=busy)


def _prompts(replica: Replica, prompts: float, request: Request) -> float:
    """Seconds of the prompts' passes one after another: one pass, or as many as there are chunks."""
    new, cached = request.new, request.cached
    tokens = new if prompts == 1 else formulas.request.prompt_tokens(new_tokens=new, prompts=prompts)
    if not request.chunk_tokens or tokens <= request.chunk_tokens:
        return _pass_of_prompts(replica, Load(prompt_tokens=tokens, prompts=prompts, cached=cached))
    passes = formulas.request.prompt_passes(tokens=tokens, chunk_tokens=request.chunk_tokens)
    load = Load(
        prompt_tokens=formulas.request.tokens_of_pass(tokens=tokens, prompt_passes=passes),
        prompts=formulas.request.prompts_of_pass(prompts=prompts, prompt_passes=passes),
        cached=formulas.request.cached_before_passes(cached=cached, new_tokens=new, prompt_passes=passes),
    )
    return formulas.request.passes_time(pass_time=_pass_of_prompts(replica, load), prompt_passes=passes)


def _pass_of_prompts(replica: Replica, load: Load) -> float:
    return step_time(pass_parts(replica.work, replica.speeds, load), replica.speeds.overlap)


def _with_prompts(replica: Replica, batch: float, request: Request, prompts: float) -> float:
    """Seconds of a step that so many prompts, or such a part of one, ride along with."""
    new, before = request.new, request.cached
    tokens = new if prompts == 1 else formulas.request.prompt_tokens(new_tokens=new, prompts=prompts)
    if prompts < 1:
        before = formulas.request.cached_before(cached=before, new_tokens=new, prompts=prompts)
    along = Load(part_of(replica, batch), request.context, 1, tokens, prompts, before)
    return step_time(pass_parts(replica.work, replica.speeds, along), replica.speeds.overlap)


def serve_batch(replica: Replica, batch: float, request: Request, busy: float = 1.0) -> Served:
    """The steady state in which so many requests decode at once while any does, a share ``busy`` of the time.

    The rate is what keeps them so, by Little's law; the batch of the answer is the mean over all the time.
    Prompts ride along: some steps carry one or its chunk, or all carry several. Pipeline stages take turns on parts of
    the batch, and each part carries its share of the prompts.
    """
    passes, decoded = prompt_passes(request), request.decoded
    each = formulas.request.prompts_per_step(batch=batch, decoded_tokens=decoded, stages=replica.work.layout.pp)
    if each * passes <= 1:
        step, prompt = decode_time(replica, batch, request.context), prompt_along(replica, batch, request)
        itl = formulas.request.shared_step(
            step_time=step,
            prompts=formulas.request.prompt_parts(prompts_per_step=each, prompt_passes=passes),
            prompt_time=formulas.request.prompt_extra(prompt_steps_time=prompt, prompt_passes=passes, step_time=step),
        )
    else:
        itl = prompt = _with_prompts(replica, batch, request, each)
    first = first_token(replica, prompt, itl)
    rate = formulas.request.served_rate(busy_share=busy, batch=batch, decoded_tokens=decoded, shared_step=itl)
    whole = formulas.request.request_time(ttft=first, output_tokens=request.output_tokens, tpot=itl)
    inside = formulas.request.in_flight(request_rate=rate, time_in_system=whole)
    mean = batch if busy == 1 else formulas.request.mean_batch(busy_share=busy, batch=batch)
    return Served(mean, inside, rate, itl, first, whole, True)


def prompt_along(replica: Replica, batch: float, request: Request) -> float:
    """Seconds of the steps of a batch that one prompt rides along with."""
    if (passes := prompt_passes(request)) == 1:
        return _with_prompts(replica, batch, request, 1)
    part = formulas.request.prompts_of_pass(prompts=1, prompt_passes=passes)
    step = _with_prompts(replica, batch, request, part)
    return formulas.request.prompt_steps_time(riding_step=step, prompt_passes=passes)


def prompt_passes(request: Request) -> int:
    """Passes that a prompt takes: one for each chunk, or one."""
    if not request.chunk_tokens:
        return 1
    return formulas.request.prompt_passes(tokens=request.new, chunk_tokens=request.chunk_tokens)


def first_token(replica: Replica, prompt: float, itl: float) -> float:
    """Seconds to a first token whose prompt takes so long while steps do."""
    return formulas.request.ttft(
        prefill_time=prompt, waiting_time=wait_for_step(replica, itl), request_overhead=replica.request_overhead
    )


def wait_for_step(replica: Replica, itl: float) -> float:
    """Seconds that a new request waits for the steps before its first."""
    if not replica.steps_waited:
        return 0.0
    return formulas.request.waiting_time(steps_waited=replica.steps_waited, shared_step=itl)


def serve_rate(replica: Replica, rate: float, request: Request, most: float) -> Served:
    """The steady state of requests that arrive at a rate: the fixed point of Little's law.

    Where even ``most`` requests at once cannot keep up, the answer is the most that the replica serves, whatever the
    queue, and not stable.
    """

    def at(mean: float) -> Served:
        busy = busy_share(mean)
        batch = formulas.request.busy_batch(mean_decoding=mean, busy_share=busy)
        return serve_batch(replica, batch, request, busy)

    most_at_once = min(most, fullest(replica, request))
    served = at(_mean_decoding(lambda mean: at(mean).rate, most_at_once, request_rate=rate))
    if served.rate >= rate * (1 - CLOSE) and served.in_flight <= most:
        return served
    return serve_closed(replica, most, request)._replace(stable=False)


def serve_closed(replica: Replica, concurrent: float, request: Request) -> Served:
    """The steady state of so many requests that are each followed by another: the rate is what they achieve.

    Requests that no step has room for wait for their first token, by Little's law.
    """

    def in_flight(batch: float) -> float:
        return serve_batch(replica, batch, request).in_flight

    most = min(concurrent, fullest(replica, request))
    served = serve_batch(replica, _steady_batch(in_flight, most, concurrent_requests=concurrent), request)
    waiting = formulas.request.queue_time(
        concurrent_requests=concurrent, request_rate=served.rate, request_time=served.request_time
    )
    return served._replace(
        ttft=served.ttft + waiting, request_time=served.request_time + waiting, in_flight=float(concurrent)
    )


@solved("mean_decoding", equation="λ = b_t × B / (O_d × ITL(B)) and B = N_d / b_t", source=LITTLE)
def _mean_decoding(rate_at: Callable[[float], float], most: float, *, request_rate: float) -> float:
    """Sequences that decode on average where requests arrive at a rate."""
    return root(lambda mean: request_rate - rate_at(mean), LEAST, most)


@solved("batch", equation="N_c = λ(B) × t_req(B)", source=LITTLE)
def _steady_batch(in_flight: Callable[[float], float], most: float, *, concurrent_requests: float) -> float:
    """Sequences that decode at once where so many requests are always there."""
    return root(lambda batch: concurrent_requests - in_flight(batch), LEAST, most)


def busy_share(mean: float) -> float:
    """Share of the time that any of the requests runs of which so many do on average: arrivals know nothing of it."""
    return formulas.request.busy_share(mean_decoding=mean)


def fullest(replica: Replica, request: Request) -> float:
    """The largest batch that its prompts keep full: beyond it more of their tokens come in a step than its chunk."""
    if not request.chunk_tokens:
        return inf
    return formulas.request.fullest_batch(
        chunk_tokens=request.chunk_tokens,
        stages=replica.work.layout.pp,
        new_tokens=request.new,
        decoded_tokens=request.decoded,
    )


def bytes_of_step(replica: Replica, batch: float, context: float) -> float:
    """Bytes that a decoding step of a batch reads: each pipeline stage reads its weights again for every part."""
    part, work = part_of(replica, batch), replica.work
    read = formulas.memory.step_bytes(bytes_read=work.bytes_read(part), cache_read=work.cache_read(part, context))
    if work.layout.pp == 1:
        return read
    return formulas.memory.staged_step_bytes(step_bytes=read, batch=batch, stage_batch=part)


def root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling excess is zero, or the end nearest to it: false position.

    The side that stays is halved (Dowell and Jarratt, The Illinois algorithm, 1971), so both sides close in.
    """
    above, below = excess(low), excess(high)
    if above <= 0 or below >= 0:
        return low if above <= 0 else high
    guess, side = low, 0
    for _ in range(ROUNDS):
        before, guess = guess, (low * below - high * above) / (below - above)
        value = excess(guess)
        if not value or abs(guess - before) <= CLOSE * guess:
            break
        if value > 0:
            low, above, below, side = guess, value, below / 2 if side > 0 else below, 1
        else:
            high, below, above, side = guess, value, above / 2 if side < 0 else above, -1
    return guess
