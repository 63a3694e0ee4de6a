"""One replica in time: a step, a prompt, a request, and the load at which arrivals and departures balance."""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.formulas.formula import LITTLE, solved
from infercost.numeric import CLOSE, each_of, zero_of
from infercost.quantities import CONSTANTS
from infercost.replica.step import (
    Draft,
    Replica,
    decode_time,
    drafted_tpot,
    part_of,
    pass_parts,
    step_time,
    time_sent,
    uneven_stages,
)
from infercost.replica.work import Load, Times

#: The first token comes with the prompt: with one more something decodes.
LEAST_OUTPUT = 2
#: The emptiest replica that is looked at: one request decodes so much of the time.
LEAST = 1e-9
#: Sequences that an engine runs at once when nobody says how many, and requests of a slot in a run of a benchmark tool.
USUAL_SEQUENCES, RUN_OF_SLOT = 256, 10
#: The largest share of the time that prompts are counted for in a queue of them.
MOST_LOAD = CONSTANTS["most_load"].value


class Request(NamedTuple):
    """Tokens in and out; ``prefix_share`` of the prompt is cached, the rest comes in chunks where they are given.

    ``burstiness`` is how much the gaps between requests vary under a rate: 1 at random (Poisson), 0 evenly spaced.
    ``shared`` are tokens that all prompts begin with, which ``prefix_share`` counts already.
    """

    input_tokens: float
    output_tokens: float
    prefix_share: float = 0.0
    chunk_tokens: float | None = None
    burstiness: float = 1.0
    shared: float = 0.0

    @property
    def cached_share(self) -> float:
        """The share of the prompt that is cached, worked out where it is what all prompts begin with."""
        if self.shared and self.prefix_share == self.shared / self.input_tokens:
            return formulas.request.shared_share(shared_prefix=self.shared, input_tokens=self.input_tokens)
        return self.prefix_share

    @property
    def decoded(self) -> float:
        """Tokens that are decoded one by one: the first comes with the prompt."""
        return formulas.request.decoded_tokens(output_tokens=self.output_tokens)

    @property
    def cached(self) -> float:
        """Tokens of the prompt whose cache is there already; the last one is always computed."""
        if not self.prefix_share:
            return 0.0
        return formulas.request.cached_tokens(input_tokens=self.input_tokens, prefix_share=self.cached_share)

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
    if stages > 1 and not replica.timing and replica.speeds.overlap == "full":
        whole = _prompts(replica, prompts, request)
        return formulas.request.staged_prompts_time(passes_time=whole, stages=stages)
    parts = min(stages, prompts)
    share = formulas.request.prompts_of_pass(prompts=prompts, prompt_passes=parts) if parts > 1 else prompts
    one = _prompts(replica, share, request, parts)
    if stages == 1:
        return one
    busy = formulas.request.pipeline_utilization(microbatches=parts, stages=stages)
    return formulas.request.pipelined_time(part_time=one, microbatches=parts, stages=stages, pipeline_utilization=busy)


def full_prefill_time(replica: Replica, request: Request) -> float:
    """Seconds of a replica for each prompt where prompts alone keep all its groups and stages busy."""
    groups, stages, new = replica.work.layout.dp, replica.work.layout.pp, request.new
    chunk, prompts, passes = chunk_of(replica, request) / groups, float(groups), 1
    if new > chunk:
        passes = formulas.request.prompt_passes(tokens=new, chunk_tokens=chunk)
    elif chunk < inf:
        prompts = formulas.request.prompts_of_groups(groups=groups, chunk_tokens=chunk, new_tokens=new)
    if replica.timing:  # its law of a whole prompt counts what lies before each part
        part = formulas.request.prompts_of_pass(prompts=prompts, prompt_passes=passes) if passes > 1 else prompts
        one = _pass_with(replica, 0, request, part, stages)
    else:
        before, tokens = request.cached, formulas.request.prompt_tokens(new_tokens=new, prompts=prompts)
        share = formulas.request.tokens_of_pass(tokens=tokens, prompt_passes=passes)
        if passes > 1:
            before = formulas.request.cached_before_passes(cached=before, new_tokens=new, prompt_passes=passes)
        one = _pass_of_prompts(replica, Load(prompt_tokens=share, prompts=prompts, cached=before), stages)
    return formulas.request.full_prefill_time(pass_time=one, prompt_passes=passes, stages=stages, prompts=prompts)


def _prompts(replica: Replica, prompts: float, request: Request, parts: float = 1) -> float:
    """Seconds of the prompts' passes one after another: one pass, or as many as there are chunks.

    So many such ``parts`` follow each other through the stages.
    """
    new, cached, chunk = request.new, request.cached, chunk_of(replica, request)
    tokens = new if prompts == 1 else formulas.request.prompt_tokens(new_tokens=new, prompts=prompts)
    if tokens <= chunk:
        load = Load(prompt_tokens=tokens, prompts=prompts, cached=cached, whole_prompt=new)
        return _pass_of_prompts(replica, load, parts)
    passes = formulas.request.prompt_passes(tokens=tokens, chunk_tokens=chunk)
    if replica.timing:
        share = formulas.request.prompts_of_pass(prompts=prompts, prompt_passes=passes)
        one = _pass_with(replica, 0, request, share, parts)
        return formulas.request.passes_time(pass_time=one, prompt_passes=passes)
    load = Load(
        prompt_tokens=formulas.request.tokens_of_pass(tokens=tokens, prompt_passes=passes),
        prompts=formulas.request.prompts_of_pass(prompts=prompts, prompt_passes=passes),
        cached=formulas.request.cached_before_passes(cached=cached, new_tokens=new, prompt_passes=passes),
    )
    return formulas.request.passes_time(pass_time=_pass_of_prompts(replica, load, parts), prompt_passes=passes)


def _pass_of_prompts(replica: Replica, load: Load, parts: float) -> float:
    """Seconds of a pass with prompts where so many parts follow each other through the stages."""
    if replica.timing:
        return replica.timing.pass_of(load, uneven_stages(replica, parts)).step
    return step_time(pass_parts(replica.work, replica.speeds, load), replica.speeds.overlap)


def prompt_bound(replica: Replica, request: Request) -> str:
    """What binds the passes of one prompt, nothing else running: the part of their mean pass that takes longest."""
    passes, new, before = prompt_passes(replica, request), request.new, request.cached
    if passes > 1 and not replica.timing:
        before = formulas.request.cached_before_passes(cached=before, new_tokens=new, prompt_passes=passes)
    load = Load(
        prompt_tokens=formulas.request.tokens_of_pass(tokens=new, prompt_passes=passes),
        prompts=formulas.request.prompts_of_pass(prompts=1, prompt_passes=passes),
        cached=before,
        whole_prompt=new,
    )
    if replica.timing:
        return replica.timing.pass_of(load).times.bound
    parts = pass_parts(replica.work, replica.speeds, load)
    return Times(parts, step_time(parts, replica.speeds.overlap)).bound


def _with_prompts(replica: Replica, batch: float, request: Request, prompts: float) -> float:
    """Seconds of a step that so many prompts, or such a part of one, ride along with."""
    new, before = request.new, request.cached
    tokens = new if prompts == 1 else formulas.request.prompt_tokens(new_tokens=new, prompts=prompts)
    if prompts < 1:
        before = formulas.request.cached_before(cached=before, new_tokens=new, prompts=prompts)
    along = Load(part_of(replica, batch), request.context, 1, tokens, prompts, before)
    even = step_time(pass_parts(replica.work, replica.speeds, along), replica.speeds.overlap)
    if replica.work.layout.pp == 1:
        return even
    return formulas.request.uneven_part(even_part=even, uneven_stages=uneven_stages(replica, batch))


def serve_batch(
    replica: Replica,
    batch: float,
    request: Request,
    busy: float = 1.0,
    concurrent: float = inf,
    ride: "Ride | None" = None,
) -> Served:
    """The steady state in which so many requests decode at once while any does, a share ``busy`` of the time.

    The rate is what keeps them so, by Little's law; the batch of the answer is the mean over all the time. Of so many
    ``concurrent`` requests that follow each other each sees the prompts of the others alone. ``ride`` is known or
    worked out.
    """
    itl, prompt = gap_and_prompt(replica, batch, request, concurrent, ride=ride)
    first = first_token(replica, request, prompt, itl)
    decoded = request.decoded
    rate = formulas.request.served_rate(busy_share=busy, batch=batch, decoded_tokens=decoded, shared_step=itl)
    whole = formulas.request.request_time(ttft=first, output_tokens=request.output_tokens, tpot=itl)
    inside = formulas.request.in_flight(request_rate=rate, time_in_system=whole)
    mean = batch if busy == 1 else formulas.request.mean_batch(busy_share=busy, batch=batch)
    return Served(mean, inside, rate, itl, first, whole, True)


def gap_and_prompt(
    replica: Replica,
    batch: float,
    request: Request,
    concurrent: float = inf,
    step: float | None = None,
    ride: "Ride | None" = None,
) -> tuple[float, float]:
    """Seconds between tokens of a batch with prompts riding along, and of the steps that one prompt rides along with.

    Some steps carry a prompt or its chunk, or all carry several. Pipeline stages take turns on parts of the batch, and
    each part carries its share of the prompts. ``step``, of the batch alone, and ``ride`` are known, or worked out.
    """
    passes, decoded = prompt_passes(replica, request), request.decoded
    each = formulas.request.prompts_per_step(batch=batch, decoded_tokens=decoded, stages=replica.work.layout.pp)
    met = each
    if concurrent < inf:
        met = formulas.request.prompts_of_others(prompts_per_step=each, concurrent_requests=concurrent)
    if replica.timing:
        ride = ride or ride_of(replica, batch, request, step)
        return formulas.request.shared_step(step_time=ride.step, prompts=met, prompt_time=ride.delay), ride.time
    if met and each * passes >= 1 - CLOSE:  # all steps are alike, whosever prompts they carry
        itl = _with_prompts(replica, batch, request, each)
        return itl, formulas.request.prompt_steps_time(riding_step=itl, prompt_passes=passes)
    step = decode_time(replica, batch, request.context) if step is None else step
    prompt = prompt_along(replica, batch, request)
    itl = formulas.request.shared_step(
        step_time=step,
        prompts=formulas.request.prompt_parts(prompts_per_step=met, prompt_passes=passes),
        prompt_time=formulas.request.prompt_extra(prompt_steps_time=prompt, prompt_passes=passes, step_time=step),
    )
    return itl, prompt


def prompt_itl(replica: Replica, batch: float, request: Request) -> float:
    """Seconds between two tokens of a batch with a prompt, or a full chunk of one, between them."""
    share, step = formulas.request.full_pass_share(chunk_tokens=chunk_of(replica, request), new_tokens=request.new), 0.0
    if not replica.timing:
        return formulas.request.prompt_itl(riding_step=_with_prompts(replica, batch, request, share), step_time=step)
    if replica.timing.engine.prompts == "alone":
        step = decode_time(replica, batch, request.context)
    return formulas.request.prompt_itl(riding_step=_riding(replica, batch, request, share), step_time=step)


def prompts_gap(replica: Replica, batch: float, request: Request, step: float | None = None) -> float:
    """Seconds that the prompts of a batch's requests add to the time between tokens, all of them riding along.

    One request at a time has its own prompt before its tokens: nothing decodes meanwhile.
    """
    if not isinstance(batch, (int, float)):
        return _gaps(replica, batch, request)
    if batch <= 1:
        return formulas.request.own_prompt_gap(ttft=lone_ttft(replica, request), decoded_tokens=request.decoded)
    step = decode_time(replica, batch, request.context) if step is None else step
    shared, _ = gap_and_prompt(replica, batch, request, step=step)
    return formulas.request.prompts_gap(shared_step=shared, step_time=step)


def tpot_met(step: float, gap: float, most: float, busy: float = 1.0) -> float:
    """Seconds between a user's tokens in a batch of up to ``most``, busy for a share of the time, with prompts' gap."""
    others = formulas.request.others_share(busy_share=busy, most_batch=most)
    return formulas.request.met_tpot(step_time=step, prompts_gap=gap, others_share=others)


def best_step(replica: Replica, batch: float, request: Request, draft: Draft | None = None) -> float:
    """Seconds of a mean step of a full batch, prompts among it, that no schedule of them beats at these speeds.

    Prompts alone between steps, or in chunks of any size beside them, do the same arithmetic and read no less.
    """
    stages = replica.work.layout.pp
    part = max(batch / stages, min(batch, 1.0))  # parts of sequences as even as can be
    alone = pass_parts(replica.work, replica.speeds, Load(part, request.context))
    times = alone.compute, alone.memory, time_sent(alone)
    compute, memory, sent = (drafted_tpot(draft, 0.0, each)[1] for each in times) if draft else times
    each = formulas.request.prompts_per_step(batch=batch, decoded_tokens=request.decoded, stages=stages)
    step = formulas.request.best_shared_step(
        compute_time=compute,
        memory_time=memory,
        communication_time=sent,
        prompts=each,
        **_of_one_prompt(replica, request),
    )
    if stages == 1:
        return step
    return formulas.request.uneven_part(even_part=step, uneven_stages=uneven_stages(replica, batch))


def best_prompt_time(replica: Replica, request: Request) -> float:
    """Seconds of a replica for each prompt that no stack beats: of many in one pass, which share its weights."""
    asked, stages = _of_one_prompt(replica, request), replica.work.layout.pp
    return formulas.request.best_shared_step(
        compute_time=0.0, memory_time=0.0, communication_time=0.0, prompts=1 / stages, **asked
    )


def _of_one_prompt(replica: Replica, request: Request) -> dict[str, float]:
    """Seconds of one prompt's arithmetic, cache and messages, each data parallel group busy with prompts of its own."""
    groups = replica.work.layout.dp
    tokens = request.new if groups == 1 else formulas.request.prompt_tokens(new_tokens=request.new, prompts=groups)
    parts = pass_parts(replica.work, replica.speeds, Load(prompt_tokens=tokens, prompts=groups, cached=request.cached))
    sent = 0.0 if parts.communication is None else parts.communication
    times = parts.compute, parts.attention_memory, sent
    names = "prompt_compute_time", "prompt_read_time", "prompt_sent_time"
    return {name: time / groups for name, time in zip(names, times, strict=True)}


def paid_rate(request: Request, batch: float, tpot: float, gap: float) -> float:
    """Tokens a second that leave a replica whose batch is always full, where prompts add so much to each step."""
    return formulas.cost.paid_tokens_per_s(
        batch=batch,
        step_time=tpot,
        prompts_gap=gap,
        decoded_tokens=request.decoded,
        output_tokens=request.output_tokens,
    )


def prompt_steps(replica: Replica, batch: float, request: Request) -> float | None:
    """Steps with prompts for each token of a sequence, in batches up to one; None where prompts may share steps.

    None at all count where nothing decodes meanwhile.
    """
    passes, most = prompt_passes(replica, request), request.decoded * replica.work.layout.pp
    if batch * passes > most and (not replica.timing or chunk_of(replica, request) > request.new):
        return None
    return 0.0 if replica.timing and replica.timing.engine.prompts == "alone" else passes / most


def _gaps(replica: Replica, batches: Any, request: Request) -> Any:
    """The same of an array: at once for all batches in which each prompt has its passes for itself."""
    passes, most = prompt_passes(replica, request), request.decoded * replica.work.layout.pp
    apart, gaps, lone = batches * passes <= most, batches * 0.0, batches <= 1
    if apart.any():
        step = decode_time(replica, batches[apart], request.context)
        if replica.timing:
            delay = _ride(replica, batches[apart], request, step, 0.0).delay
        else:
            delay = prompt_along(replica, batches[apart], request) - passes * step
        gaps[apart] = batches[apart] / most * delay
    gaps[~apart] = each_of(lambda batch: prompts_gap(replica, batch, request), batches[~apart])
    if lone.any():
        gaps[lone] = prompts_gap(replica, 1, request)
    return gaps


class Ride(NamedTuple):
    """Prompts that join a batch: seconds of a step without them, of the passes of one, and what it adds to others."""

    step: float
    time: float
    delay: float


def _ride(replica: Replica, batch: float, request: Request, step: float, each: float) -> Ride:
    """Prompts that join a batch whose plain step takes so long, so many a step."""
    assert replica.timing is not None
    engine, passes = replica.timing.engine, prompt_passes(replica, request)
    together = formulas.request.prompts_together(
        prompt_passes=passes, prompts_per_step=each, chunk_tokens=chunk_of(replica, request), new_tokens=request.new
    )
    share = formulas.request.prompts_of_pass(prompts=together, prompt_passes=passes) if passes > 1 else together
    riding = _riding(replica, batch, request, share)
    time = formulas.request.prompt_steps_time(riding_step=riding, prompt_passes=passes)
    delay = formulas.request.prompt_delay(
        prompt_steps_time=time,
        prompt_passes=passes,
        step_time=0.0 if engine.prompts == "alone" else step,
        prompts_together=together,
    )
    return Ride(step, time, delay)


def _riding(replica: Replica, batch: float, request: Request, prompts: float) -> float:
    """Seconds of a step of a batch that so many prompts, or such a part of one, ride along with, or take alone."""
    assert replica.timing is not None
    alone = replica.timing.engine.prompts == "alone"
    riding = _pass_with(replica, 0.0 if alone else part_of(replica, batch), request, prompts, batch)
    if not replica.in_turn or alone:  # kernels of many rows of llama.cpp may beat those of few; others never do
        return riding
    own = _pass_with(replica, 0.0, request, prompts, batch)
    return formulas.request.riding_step(mixed_pass_time=riding, pass_time=own)


def _pass_with(replica: Replica, sequences: float, request: Request, prompts: float, parts: float) -> float:
    """Seconds of a pass of so many sequences that so many prompts, or such a part of one, ride along with.

    So many parts follow each other through the stages.
    """
    tokens = request.new if prompts == 1 else formulas.request.prompt_tokens(new_tokens=request.new, prompts=prompts)
    load = Load(sequences, request.context, 1, tokens, prompts, request.cached, request.new)
    return _pass_of_prompts(replica, load, parts)


def chunk_of(replica: Replica, request: Request) -> float:
    """Tokens of prompts that one pass takes at most: of the engine where the request names none, in each group."""
    if not replica.timing:
        return request.chunk_tokens or inf
    chunk, groups = request.chunk_tokens or replica.timing.engine.chunk_tokens, replica.timing.groups
    return formulas.request.group_chunks(chunk_tokens=chunk, groups=groups) if groups > 1 else chunk


def texts_of_pass(replica: Replica, text: Request) -> int:
    """Whole texts that one pass of a model which decodes nothing takes together, one where a pass has no limit."""
    whole = chunk_of(replica, text) / text.input_tokens
    return max(int(whole), 1) if whole < inf else 1


def prompt_along(replica: Replica, batch: float, request: Request) -> float:
    """Seconds of the steps of a batch that one prompt rides along with, where a roofline times them."""
    if (passes := prompt_passes(replica, request)) == 1:
        return _with_prompts(replica, batch, request, 1)
    step = _with_prompts(replica, batch, request, formulas.request.prompts_of_pass(prompts=1, prompt_passes=passes))
    return formulas.request.prompt_steps_time(riding_step=step, prompt_passes=passes)


def prompt_passes(replica: Replica, request: Request) -> int:
    """Passes that a prompt takes: one for each chunk, or one."""
    chunk = chunk_of(replica, request)
    if request.new <= chunk:
        return 1
    return formulas.request.prompt_passes(tokens=request.new, chunk_tokens=chunk)


def first_token(replica: Replica, request: Request, prompt: float, itl: float) -> float:
    """Seconds to a first token whose prompt takes so long while steps do."""
    return formulas.request.ttft(
        prefill_time=prompt,
        waiting_time=wait_for_step(replica, itl),
        request_overhead=start_of(replica, request),
    )


def lone_ttft(replica: Replica, request: Request) -> float:
    """Seconds to the first token of a request on an idle replica."""
    return formulas.request.ttft(
        prefill_time=prefill_time(replica, 1, request),
        waiting_time=0.0,
        request_overhead=start_of(replica, request),
    )


def start_of(replica: Replica, request: Request) -> float:
    """Seconds of a request outside all steps."""
    overhead = replica.request_overhead
    if not replica.timing:
        return overhead
    return formulas.request.request_start(
        request_overhead=overhead,
        token_overhead=replica.timing.engine.token_overhead,
        input_tokens=request.input_tokens,
    )


def wait_for_step(replica: Replica, itl: float) -> float:
    """Seconds that a new request waits for the steps before its first."""
    if not replica.steps_waited:
        return 0.0
    return formulas.request.waiting_time(steps_waited=replica.steps_waited, shared_step=itl)


def serve_rate(replica: Replica, rate: float, request: Request, most: float) -> Served:
    """The steady state of requests that arrive at a rate: the fixed point of Little's law.

    Where even ``most`` requests at once cannot keep up, the answer is the most that the replica serves, and not stable:
    the time to a first token is the least that those get who are served.
    """
    most_at_once = min(most, fullest(replica, request))

    def at(mean: float) -> Served:
        return _queued(replica, _met(replica, mean, request, most_at_once), request, rate)

    def rate_at(mean: float) -> float:
        return _met(replica, mean, request, most_at_once).served.rate

    served = at(_mean_decoding(rate_at, most_at_once, request_rate=rate))
    if served.rate >= rate * (1 - CLOSE) and served.in_flight <= most:
        return served
    closed = serve_closed(replica, most, request)
    return closed._replace(ttft=max(closed.ttft, at(most_at_once).ttft), stable=False)


def served_at(replica: Replica, mean: float, request: Request, most: float) -> Served:
    """The steady state of the rate at which so many requests decode on average."""
    return _met(replica, mean, request, min(most, fullest(replica, request))).served


class Met(NamedTuple):
    """A steady state before prompts wait for each other, and the batch that decodes for a share of the time in it."""

    served: Served
    batch: float
    busy: float
    ride: Ride | None = None


def _met(replica: Replica, mean: float, request: Request, most: float, ride: Ride | None = None) -> Met:
    """The steady state in which so many requests decode on average where arrivals know nothing of each other.

    Each meets all others, but never more than run at once.
    """
    if not replica.timing and request.burstiness:
        busy = busy_share(mean)
        batch = formulas.request.busy_batch(mean_decoding=mean, busy_share=busy)
        return Met(serve_batch(replica, batch, request, busy), batch, busy)
    itself = formulas.request.met_itself(burstiness=request.burstiness)
    batch = max(1.0, min(formulas.request.batch_met(mean_decoding=mean, met_itself=itself), most))
    busy = formulas.request.met_share(mean_decoding=mean, batch=batch)
    # while one decodes, as many prompts of others begin as decode on average
    others = batch / (batch - mean) if batch > mean else inf
    if replica.timing and ride is None:
        ride = ride_of(replica, batch, request)
    return Met(serve_batch(replica, batch, request, busy, concurrent=others, ride=ride), batch, busy, ride)


def _queued(replica: Replica, met: Met, request: Request, rate: float) -> Served:
    """The steady state with the queue of prompts that arrive at a rate, where kernels time it and arrivals are random.

    Prompts of a larger batch than one whose prompts keep a part in each step share passes, and wait no longer.
    """
    served, batch, busy, ride = met
    if ride is None or not request.burstiness:
        return served
    stages, full, delay = replica.work.layout.pp, _full_of_parts(replica, request), ride.delay
    if batch > full:
        fullest_ride = ride_of(replica, full, request)
        rate, delay = serve_batch(replica, full, request, busy, full, fullest_ride).rate, fullest_ride.delay
    load = formulas.request.prompt_load(request_rate=rate, prompt_delay=delay, stages=stages, most_load=MOST_LOAD)
    queue = formulas.request.prompt_queue(
        prompt_load=load, prompt_steps_time=ride.time, stages=stages, burstiness=request.burstiness
    )
    ttft = formulas.request.queued_ttft(ttft=served.ttft, prompt_queue=queue)
    whole = formulas.request.queued_request_time(request_time=served.request_time, prompt_queue=queue)
    inside = formulas.request.in_flight(request_rate=served.rate, time_in_system=whole)
    return served._replace(ttft=ttft, request_time=whole, in_flight=inside)


def first_token_met(replica: Replica, batch: float, request: Request, ride: Ride | None = None) -> float:
    """Seconds to a first token where so many decode as each of them meets it, prompts before its own waited for."""
    if not replica.timing:
        return serve_batch(replica, batch, request).ttft
    mean = max(batch - formulas.request.met_itself(burstiness=request.burstiness), LEAST)
    met = _met(replica, mean, request, inf, ride)
    return _queued(replica, met, request, met.served.rate).ttft


def ride_of(replica: Replica, batch: float, request: Request, step: float | None = None) -> Ride:
    """Prompts that join a batch as often as they must for it to stay what it is, where kernels time it."""
    step = decode_time(replica, batch, request.context) if step is None else step
    each = formulas.request.prompts_per_step(batch=batch, decoded_tokens=request.decoded, stages=replica.work.layout.pp)
    return _ride(replica, batch, request, step, each)


def _full_of_parts(replica: Replica, request: Request) -> float:
    """The batch, of one sequence at least, whose prompts keep a part of one in each step."""
    passes = prompt_passes(replica, request)
    part = request.new if passes == 1 else formulas.request.tokens_of_pass(tokens=request.new, prompt_passes=passes)
    full = formulas.request.fullest_batch(
        chunk_tokens=part, stages=replica.work.layout.pp, new_tokens=request.new, decoded_tokens=request.decoded
    )
    return max(full, 1.0)


def serve_closed(replica: Replica, concurrent: float, request: Request, most: float = inf) -> Served:
    """The steady state of so many requests that are each followed by another: the rate is what they achieve.

    Requests that no step has room for, or beyond the ``most`` that run at once, wait for their first token, by
    Little's law.
    """
    inside = min(concurrent, most)

    def at(batch: float) -> Served:
        return serve_batch(replica, max(batch, 1.0), request, min(batch, 1.0), concurrent=inside)

    fullest_batch = min(inside, fullest(replica, request))
    batch = _steady_batch(lambda batch: at(batch).in_flight, fullest_batch, concurrent_requests=inside)
    served = at(batch)
    waiting = formulas.request.queue_time(
        concurrent_requests=concurrent, request_rate=served.rate, request_time=served.request_time
    )
    first = formulas.request.ttft_in_turn(ttft=served.ttft, queue_time=waiting)
    return served._replace(ttft=first, request_time=served.request_time + waiting, in_flight=float(concurrent))


@solved("mean_decoding", equation="λ = b_t × B / (O_d × ITL(B)) and B = N_d / b_t", source=LITTLE)
def _mean_decoding(rate_at: Callable[[float], float], most: float, *, request_rate: float) -> float:
    """Sequences that decode on average where requests arrive at a rate."""
    return zero_of(lambda mean: request_rate - rate_at(mean), LEAST, most)


@solved("batch", equation="N_c = λ(B) × t_req(B)", source=LITTLE)
def _steady_batch(in_flight: Callable[[float], float], most: float, *, concurrent_requests: float) -> float:
    """Sequences that decode at once where so many requests are always there."""
    return zero_of(lambda batch: concurrent_requests - in_flight(batch), LEAST, most)


def busy_share(mean: float) -> float:
    """Share of the time that any of the requests runs of which so many do on average: arrivals know nothing of it."""
    return formulas.request.busy_share(mean_decoding=mean)


def fullest(replica: Replica, request: Request) -> float:
    """The largest batch that its prompts keep full: beyond it more of their tokens come in a step than its chunk."""
    chunk = chunk_of(replica, request)
    if chunk == inf:
        return inf
    full = formulas.request.fullest_batch(
        chunk_tokens=chunk,
        stages=replica.work.layout.pp,
        new_tokens=request.new,
        decoded_tokens=request.decoded,
    )
    return full if request.chunk_tokens else max(full, 1.0)


def burst_ttft(replica: Replica, concurrent: float, request: Request, itl: float, seen: float = 0) -> float:
    """Seconds to the first token, mean over so many requests that come at once to an idle replica.

    Of their prompts so many were ``seen`` by an earlier run, and are cached.
    """
    turns, one = _burst(replica, max(concurrent, 1.0), request, seen)
    stages, passes = replica.work.layout.pp, prompt_passes(replica, request)
    if stages > 1:  # passes of several prompts follow each other through the stages, those of one do not overlap
        turns = formulas.request.staged_turns(burst_passes=turns, stages=stages, prompt_passes=passes)
    return formulas.request.burst_ttft(
        request_start=start_of(replica, request),
        waiting_time=wait_for_step(replica, itl),
        burst_passes=turns,
        burst_pass=one,
    )


def _burst(replica: Replica, requests: float, request: Request, seen: float = 0) -> tuple[float, float]:
    """Passes until a mean prompt of so many that come at once is done, and the seconds of one of them.

    Engines fill each pass with parts of prompts, or take whole ones; some decode nothing meanwhile.
    """
    passes = prompt_passes(replica, request)
    if not replica.timing:
        one = formulas.request.tokens_of_pass(tokens=prefill_time(replica, 1, request), prompt_passes=passes)
        return formulas.request.burst_turns(requests=requests, prompts_together=1, prompt_passes=passes), one
    chunk, new, way = chunk_of(replica, request), request.new, replica.timing.engine.prompts
    if way == "filled":
        together = formulas.request.prompts_that_fill(chunk_tokens=chunk, new_tokens=new, requests=requests)
        tokens = formulas.request.filling_tokens(chunk_tokens=chunk, new_tokens=new, requests=requests)
        others = formulas.request.decoding_meanwhile(requests=requests, prompts_together=max(together, 1))
        load = Load(others, request.context, 1, tokens, together, request.cached, new)
        turns = 1.0
        if requests * new > chunk:
            turns = formulas.request.burst_passes(requests=requests, new_tokens=new, chunk_tokens=chunk)
        return turns, _pass_of_prompts(replica, load, replica.work.layout.pp)
    stages, left = replica.work.layout.pp, max(requests - seen, 1.0)
    if seen >= requests:
        return 1.0, _pass_with(replica, 0, request._replace(prefix_share=1.0), requests, stages)
    together = formulas.request.whole_prompts(chunk_tokens=chunk, new_tokens=new, requests=left)
    decoding = 0.0
    if way != "alone":
        decoding = formulas.request.decoding_meanwhile(requests=requests, prompts_together=together)
    turns = formulas.request.burst_turns(requests=left, prompts_together=together, prompt_passes=passes)
    if seen:
        turns = formulas.request.turns_with_seen(seen_share=seen / requests, prompt_passes=passes, burst_passes=turns)
    return turns, _pass_with(replica, decoding, request, together / passes, stages)


def all_at_once(
    replica: Replica,
    concurrent: float,
    request: Request,
    served: Served,
    requests: float,
    most: float = inf,
    *,
    seen: float = 0,
    cold: float = 0,
) -> float:
    """Seconds to the first token, mean over a run of so many requests that starts with all its slots at once.

    Of those the ``most`` that run at once are begun, the others wait until one of them is done. A benchmark may meet
    prompts that were ``seen`` before, and a server whose first passes take so long more while it is ``cold``.
    """
    concurrent = min(concurrent, requests)
    slots = formulas.request.requests_a_slot(run_requests=requests, concurrent_requests=concurrent)
    inside = min(concurrent, most)
    first = burst_ttft(replica, inside, request, served.itl, seen)
    if inside < concurrent:
        first += formulas.request.slot_wait(
            waiting_requests=concurrent - inside, concurrent_requests=concurrent, request_rate=served.rate
        )
    mean = formulas.request.ttft_all_at_once(ttft=served.ttft, burst_ttft=first, requests_a_slot=slots)
    if not cold:
        return mean
    return formulas.request.unwarmed_ttft(ttft_all_at_once=mean, cold_start=cold, requests_a_slot=slots)
