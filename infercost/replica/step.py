"""How long a step takes: operators by their arithmetic and reads, collectives, launches; plain, staged or drafted."""

from typing import TYPE_CHECKING, NamedTuple

from infercost import formulas
from infercost.models.counting import FLOPS_PER_PARAM
from infercost.models.model import Model
from infercost.numeric import ceiling, is_nothing, maximum
from infercost.parts.accelerator import Rate
from infercost.parts.formats import Format
from infercost.parts.stack import law
from infercost.quantities import CONSTANTS
from infercost.replica import chip
from infercost.replica.chip import Speeds, spread
from infercost.replica.layout import Layout
from infercost.replica.memory import Drafting, Plan, Rack, recounted
from infercost.replica.work import Load, Parts, PassTimes, Read, Times, Work, matrix_rates, read_of, work_of

if TYPE_CHECKING:  # the roofline has no kernels
    from infercost.replica import kernels, llama_cpp

    Timing = kernels.Timing | llama_cpp.Timing


def communication_time(work: Work, speeds: Speeds, tokens: float) -> float | None:
    """Seconds of all collectives: nothing on one device, None where layers, width or link are not known."""
    if work.layout.devices == 1:
        return 0.0
    if not (work.hidden_size and speeds.link_bandwidth):
        return None
    layout = work.layout
    message = formulas.step.activation_message(
        batch=_of_group(work, tokens), hidden_size=work.hidden_size, activation_bytes=speeds.activation_bytes
    )
    exchanging = work.sparse_layers if layout.dp > 1 else 0
    reduces: float = 0
    if layout.tp > 1:
        reduces = formulas.step.collectives(layers=work.layers, exchanging_layers=exchanging)
    return formulas.step.communication_time(
        collectives=reduces,
        all_reduce_time=_all_reduce(speeds, message, layout.tp) if reduces else 0.0,
        exchanges=formulas.step.exchanges(exchanging_layers=exchanging) if exchanging else 0,
        all_to_all_time=_exchange(work, speeds, message) if exchanging else 0.0,
        hand_over_time=_hand_over(work, speeds, message) if layout.pp > 1 else 0.0,
    )


def _of_group(work: Work, tokens: float) -> float:
    """Tokens of a pass that one data parallel group works on."""
    groups = work.layout.dp
    return tokens if groups == 1 else formulas.step.group_tokens(tokens=tokens, groups=groups)


def _all_reduce(speeds: Speeds, message: float, ranks: int) -> float:
    """Seconds of one all-reduce, inside nodes first, then across them on the part that each rank is left with."""
    inside, nodes = spread(ranks, speeds)
    near = _one_all_reduce(speeds, message, inside, speeds.link(inside), speeds.collective_latency)
    if nodes == 1:
        return near
    part = formulas.step.scattered_message(message_bytes=message, domain=inside)
    far = _one_all_reduce(speeds, part, nodes, speeds.network_bandwidth, speeds.network_latency)
    return formulas.step.two_level_all_reduce_time(all_reduce_time=near, network_all_reduce_time=far)


def _one_all_reduce(speeds: Speeds, message: float, ranks: int, bandwidth: float, latency: float) -> float:
    asked = {
        "message_bytes": message,
        "devices": ranks,
        "link_bandwidth": bandwidth,
        "link_share": speeds.link_share,
        "hop_latency": speeds.hop_latency,
    }
    return formulas.step.all_reduce_time(
        ring_all_reduce_time=formulas.step.ring_all_reduce_time(**asked),
        tree_all_reduce_time=formulas.step.tree_all_reduce_time(**asked),
        collective_latency=latency,
    )


#: All tokens of a pass need the output head.
FULL = 1.0
EXCHANGED = {name: CONSTANTS[name].value for name in ("dispatch_bits", "combine_bits", "wide_bits")}


def _exchange(work: Work, speeds: Speeds, message: float) -> float:
    """Seconds of one all-to-all: a token goes once to each node and rank with its experts, the mean of out and back."""
    routing, ranks = max(work.experts, key=lambda one: one.active), work.layout.ep
    inside, nodes = spread(ranks, speeds)
    near = _all_to_all(
        work,
        speeds,
        message,
        chip.over_links(routing, ranks, inside),
        speeds.link(inside),
        speeds.collective_latency,
    )
    if nodes == 1:
        return near
    copies = chip.over_network(routing, nodes)
    far = _all_to_all(work, speeds, message, copies, speeds.network_bandwidth, speeds.network_latency)
    return formulas.step.forwarded_exchange_time(near_exchange_time=near, far_exchange_time=far)


def _all_to_all(work: Work, speeds: Speeds, message: float, copies: float, bandwidth: float, latency: float) -> float:
    sent = formulas.step.exchange_message(
        message_bytes=message, tensor_ranks=work.layout.tp, copies=copies, **EXCHANGED
    )
    return formulas.step.all_to_all_time(
        message_bytes=sent, link_bandwidth=bandwidth, link_share=speeds.link_share, collective_latency=latency
    )


def _hand_over(work: Work, speeds: Speeds, message: float) -> float:
    """Seconds that stages spend on sending to the next: each rank sends its share of the activations."""
    _, nodes = spread(work.layout.devices, speeds)
    if work.layout.tp > 1:
        message = formulas.step.hand_over_message(message_bytes=message, tensor_ranks=work.layout.tp)
    return formulas.step.hand_over_time(
        message_bytes=message,
        stages=work.layout.pp,
        link_bandwidth=speeds.network_bandwidth if nodes > 1 else speeds.link(2),
        link_share=speeds.link_share,
        collective_latency=speeds.network_latency if nodes > 1 else speeds.collective_latency,
    )


class Replica(NamedTuple):
    """The work of a model under a layout, the speeds of the part that does it, and what a request meets beside.

    A new request waits ``steps_waited`` steps: the one that runs, and those that the scheduler has lined up. ``timing``
    has the passes of engines whose kernels were measured, None under the roofline.
    """

    work: Work
    speeds: Speeds
    request_overhead: float = 0.0
    steps_waited: float = 0.0
    timing: "Timing | None" = None

    @property
    def kernels(self) -> "kernels.Timing | None":
        """The passes of an engine whose kernels were timed alone; None under other laws."""
        return self.timing if self.timing and self.timing.chip else None

    @property
    def in_turn(self) -> "llama_cpp.Timing | None":
        """The passes of llama.cpp, whose devices work in turn; None under other laws."""
        return self.timing if self.timing and self.timing.chip is None else None

    def of(self, model: Model, layout: Layout) -> "Replica":
        """The same with another model or layout."""
        timing, speeds = self.timing and self.timing.on(model, layout), self.speeds._replace(over=None)
        work = work_of(model, timing.sums.layout if timing else layout)
        return self._replace(work=work, speeds=speeds, timing=timing)


def pass_parts(work: Work, speeds: Speeds, load: Load) -> Parts:
    """Seconds of one pass of a load through all stages, by part; of what a host reads the cards do nothing."""
    tokens, heads = load.tokens, load.heads
    if isinstance(speeds.over, Read):
        work = speeds.over.near
    return Parts(
        matrix_compute=_matrices(work, speeds, load, tokens, heads),
        matrix_memory=formulas.step.memory_time(
            bytes_read=work.bytes_read(1 if speeds.alike else tokens),
            devices=work.ranks,
            memory_bandwidth=speeds.memory_bandwidth,
            memory_share=speeds.memory_share,
        ),
        attention_compute=_attention(work, speeds, load),
        attention_memory=_caches(work, speeds, load),
        activations=_activations(work, speeds, tokens),
        communication=communication_time(work, speeds, tokens),
        overhead=_overhead(work, speeds, heads),
        host=speeds.over.time(load) if speeds.over else 0.0,
    )


def time_sent(parts: Parts) -> float:
    """Seconds of a pass's collectives and of what a host sends."""
    sent = 0.0 if parts.communication is None else parts.communication
    if is_nothing(parts.host):
        return sent
    return formulas.memory.sent_time(collectives_time=sent, link_time=parts.host)


def step_time(parts: Parts, overlap: str) -> float:
    """Seconds of a pass under an overlap rule: ``full``, ``operator`` or ``none``."""
    sent = time_sent(parts)
    if overlap == "operator":
        return formulas.step.operator_overlap_step(
            matrix_time=formulas.step.matrix_time(
                compute_time=parts.matrix_compute, memory_time=parts.matrix_memory, activation_time=parts.activations
            ),
            attention_time=formulas.step.attention_time(
                attention_compute_time=parts.attention_compute, cache_time=parts.attention_memory
            ),
            communication_time=sent,
            overhead_time=parts.overhead,
        )
    step = formulas.step.full_overlap_step if overlap == "full" else formulas.step.no_overlap_step
    return step(
        compute_time=parts.matrix_compute,
        attention_compute_time=parts.attention_compute,
        memory_time=parts.matrix_memory,
        cache_time=parts.attention_memory,
        activation_time=parts.activations,
        communication_time=sent,
        overhead_time=parts.overhead,
    )


def _matrices(work: Work, speeds: Speeds, load: Load, tokens: float, heads: float) -> float:
    share = formulas.step.head_share(pass_heads=heads, tokens=tokens) if load.prompt_tokens else FULL
    per_token = work.flops_per_token(share, _hottest(work, speeds, tokens))
    if load.prompt_tokens and work.layout.dp > 1:
        per_token = formulas.step.flops_of_own_group(
            flops_per_token=per_token,
            flops_per_param=FLOPS_PER_PARAM,
            matrix_params=work.matrices,
            idle_groups=load.idle_groups(work.layout.dp),
            prompt_tokens=load.prompt_tokens,
            tokens=tokens,
        )
    return formulas.step.compute_time(
        flops_per_token=per_token,
        batch=tokens,
        devices=work.ranks,
        peak_flops=_pass_rate(work, speeds, share),
        compute_share=speeds.compute_share,
    )


def _pass_rate(work: Work, speeds: Speeds, share: float) -> float:
    """Arithmetic rate of a pass's matrices, where so large a share of its tokens needs the output head."""
    if speeds.body_flops == speeds.head_flops or share is FULL:
        return speeds.peak_flops
    return formulas.step.pass_peak_flops(
        matrix_params=work.matrices,
        routed_params=work.routed,
        body_peak_flops=speeds.body_flops,
        head_params=work.head,
        head_share=share,
        head_peak_flops=speeds.head_flops,
    )


def _attention(work: Work, speeds: Speeds, load: Load) -> float:
    """Seconds of the scores and weighted values of decoding sequences and of prompts."""
    if not work.attending:
        return 0.0
    if not load.prompt_tokens:
        return 0.0 if is_nothing(load.sequences) else _decoding(work, speeds, load)
    prompts = _prompts(work, speeds, load)
    if is_nothing(load.sequences):
        return prompts
    return formulas.step.mixed_attention_time(
        attention_compute_time=_decoding(work, speeds, load), prompt_attention_time=prompts
    )


def _decoding(work: Work, speeds: Speeds, load: Load) -> float:
    return formulas.step.attention_compute_time(
        attention_flops_per_token=work.attention_flops(load.context),
        sequences=load.decoded,
        devices=work.ranks,
        attention_peak_flops=speeds.attention_flops,
        attention_share=speeds.attention_share,
    )


def _prompts(work: Work, speeds: Speeds, load: Load) -> float:
    """Seconds of the attention of prompts, or of the part of one; each is on the ranks of its group."""
    count, tokens = load.prompts, load.prompt_tokens
    if count <= 1:
        count = 1
    else:
        tokens = formulas.step.tokens_of_prompt(prompt_tokens=tokens, prompts=count)
    return formulas.step.prompt_attention_time(
        prompt_attention_flops=work.prompt_flops(tokens, load.cached),
        prompts=count,
        idle_groups=load.idle_groups(work.layout.dp),
        devices=work.ranks,
        attention_peak_flops=speeds.attention_flops,
        attention_share=speeds.attention_share,
    )


def _caches(work: Work, speeds: Speeds, load: Load) -> float:
    """Seconds of reading caches: of decoding sequences, and of prompts whose first tokens are there already."""
    if not work.attending:
        return 0.0
    read = 0.0 if is_nothing(load.sequences) else work.cache_read(load.sequences, load.context, speeds.cache_rereads)
    if load.prompt_tokens and load.cached:
        before = work.cache_read(max(load.prompts, 1), load.cached)
        both = formulas.memory.mixed_cache_read
        read = before if is_nothing(read) else both(cache_read=read, prompt_cache_read=before)
    if is_nothing(read):
        return 0.0
    return formulas.step.cache_time(
        cache_read=read,
        devices=work.ranks,
        memory_bandwidth=speeds.memory_bandwidth,
        cache_share=speeds.cache_share,
    )


def _activations(work: Work, speeds: Speeds, tokens: float) -> float:
    if not speeds.activation_traffic:
        return 0.0
    return formulas.step.activation_time(
        token_activations=work.activation_bytes,
        tokens=_of_group(work, tokens),
        traffic_share=speeds.activation_traffic,
        memory_bandwidth=speeds.memory_bandwidth,
        memory_share=speeds.memory_share,
    )


def _hottest(work: Work, speeds: Speeds, tokens: float) -> float:
    """How many times the mean load the rank with the most popular experts has, under expert parallelism."""
    if work.layout.ep == 1 or not speeds.expert_imbalance or is_nothing(tokens):
        return 1.0
    return formulas.step.hottest_rank(
        tokens=tokens,
        active_experts=max(each.active for each in work.experts),
        ranks=work.layout.ep,
        expert_imbalance=speeds.expert_imbalance,
    )


def _overhead(work: Work, speeds: Speeds, heads: float) -> float:
    kernels = 0.0
    if speeds.kernel_time:
        kernels = formulas.step.kernel_overhead(
            layers=work.layers,
            sparse_layers=work.sparse_layers,
            kernels_per_layer=speeds.kernels_per_layer,
            kernels_per_sparse_layer=speeds.kernels_per_sparse_layer,
            kernel_time=speeds.kernel_time,
        )
    if not (kernels or speeds.step_overhead or speeds.sequence_overhead):
        return 0.0
    return formulas.step.overhead_time(
        kernel_overhead=kernels,
        step_overhead=speeds.step_overhead,
        sequences=_of_group(work, heads),
        sequence_overhead=speeds.sequence_overhead,
    )


def times_of(replica: Replica, batch: float, context: float, tokens_each: float = 1) -> Times:
    """A decoding step by part: pipeline stages take turns on equal parts of the batch, at the pace of the fullest."""
    if replica.timing:
        return _measured_pass(replica, batch, context, tokens_each).times
    parts = pass_parts(replica.work, replica.speeds, Load(part_of(replica, batch), context, tokens_each))
    if replica.work.layout.pp > 1:
        parts = _slowed(parts, uneven_stages(replica, batch))
    return Times(parts, step_time(parts, replica.speeds.overlap))


def _measured_pass(replica: Replica, batch: float, context: float, tokens_each: float) -> PassTimes:
    assert replica.timing is not None
    load = Load(part_of(replica, batch), context, tokens_each)
    return replica.timing.pass_of(load, uneven_stages(replica, batch))


def uneven_stages(replica: Replica, batch: float) -> float:
    """How many times longer the parts of a batch take because the fullest stage has more layers than others."""
    work = replica.work
    if work.layout.pp == 1:
        return 1.0
    return formulas.request.uneven_stages(layers=work.layers, stages=work.layout.pp, microbatches=batch)


def _slowed(parts: Parts, waits: float) -> Parts:
    """The parts of a step of uneven stages."""
    slow = formulas.request.uneven_part
    host = 0.0 if is_nothing(parts.host) else slow(even_part=parts.host, uneven_stages=waits)
    known = {name: each for name, each in parts._asdict().items() if each is not None and name != "host"}
    slowed = {name: slow(even_part=each, uneven_stages=waits) for name, each in known.items()}
    return parts._replace(**slowed, host=host)


def part_of(replica: Replica, batch: float) -> float:
    """Sequences that a pipeline stage works on at a time."""
    stages = replica.work.layout.pp
    return formulas.request.stage_batch(batch=batch, stages=stages) if stages > 1 else batch


def decode_time(replica: Replica, batch: float, context: float, tokens_each: float = 1) -> float:
    """Seconds of a decoding step of a batch, each sequence at a context."""
    if replica.timing:
        return _measured_pass(replica, batch, context, tokens_each).step
    return times_of(replica, batch, context, tokens_each).step


def bytes_of_step(replica: Replica, batch: float, context: float) -> float:
    """Bytes that a decoding step of a batch reads: each pipeline stage reads its weights again for every part."""
    part, work = part_of(replica, batch), replica.work
    read = formulas.memory.step_bytes(bytes_read=work.bytes_read(part), cache_read=work.cache_read(part, context))
    if work.layout.pp == 1:
        return read
    return formulas.memory.staged_step_bytes(step_bytes=read, batch=batch, stage_batch=part)


#: No service decodes so many sequences in one step.
LARGEST_BATCH = 2**24


class Running(NamedTuple):
    """A rack as it steps: the rate of its format, its replica under the stack, and the speeds that no stack beats.

    ``served`` is the format whose arithmetic serves its weights, where that is not their own.
    """

    rack: Rack
    rate: Rate
    replica: Replica
    bounds: Speeds
    served: Format | None = None

    @property
    def work(self) -> Work:
        """What one pass asks of the replica."""
        return self.replica.work

    @property
    def overlap(self) -> str:
        """What overlaps in a step: by a rule, or by the law of measured ``kernels`` or of ``llama.cpp``."""
        return law(self.rack.setup.stack) if self.replica.timing else self.speeds.overlap

    @property
    def speeds(self) -> Speeds:
        """The accelerator's rates under the stack."""
        return self.replica.speeds

    def on(self, plan: Plan) -> "Running":
        """The same in another layout."""
        return self._replace(rack=self.rack._replace(plan=plan), replica=self.replica.of(plan.model, plan.layout))


def reworked(running: Running) -> Running:
    """The same rack as it steps, its work summed again over the layers of its model: what ``--steps`` shows of it."""
    rack = recounted(running.rack)
    matrix_rates(rack.model, rack.part, running.served)
    timing = running.replica.timing and running.replica.timing.again()
    layout = timing.sums.layout if timing else rack.plan.layout
    speeds, plan = running.speeds, rack.plan
    if isinstance(speeds.over, Read) and plan.split and plan.host and timing is None:
        speeds = speeds._replace(over=read_of(plan.split, layout, plan.host))
    replica = running.replica._replace(work=work_of(rack.model, layout), speeds=speeds, timing=timing)
    return running._replace(rack=rack, replica=replica)


def bound_times(running: Running, batch: float) -> Times:
    """The times of one plain step at a batch that no stack beats."""
    replica = running.replica._replace(speeds=running.bounds, timing=None)
    return times_of(replica, batch, running.rack.plan.context)


class Draft(NamedTuple):
    """A draft: how many tokens it proposes, how likely each is accepted, and its model or its share of a step."""

    tokens: int
    acceptance: float
    share: float = 0.0
    model: Model | None = None


class Pace(NamedTuple):
    """How a batch goes on: its passes, the seconds of a whole step, and those of one token of one sequence.

    ``tokens_per_s`` is what leaves a server, first tokens included; None where each step yields the batch's.
    ``draft`` is what steps beside it, so many times.
    """

    times: Times
    step: float
    tpot: float
    tokens_per_s: float | None = None
    draft: tuple[Replica, int] | None = None


def pace_of(running: Running, batch: float, draft: Draft | None = None) -> Pace:
    """How a batch, or each of an array of them, goes on: plainly, or with a draft whose tokens are verified."""
    rack, verified, tokens = running.rack, batch, 1
    if draft:
        verified, tokens = maximum(batch, 1), int(formulas.request.verified_tokens(draft_tokens=draft.tokens))
    if law(rack.setup.stack) == "erdil-2025":
        times = _times_2025(running, verified, tokens)
    else:
        times = times_of(running.replica, verified, rack.plan.context, tokens)
    if draft is None:
        return Pace(times, times.step, times.step)
    yielded, tpot = drafted_tpot(draft, _draft_time(running, draft, batch), times.step)
    step = formulas.request.speculative_step(tpot=tpot, speculative_tokens=yielded)
    beside = (_drafting(running, draft.model), draft.tokens) if draft.model else None
    return Pace(times, step, tpot, draft=beside)


def _times_2025(running: Running, batch: float, tokens: int) -> Times:
    from infercost.replica import erdil_2025

    rack, stack, context = running.rack, running.rack.setup.stack, running.rack.plan.context
    parts = erdil_2025.step_parts(rack.model, rack.part, stack, rack.devices, batch, context, tokens)
    return Times(parts, step_time(parts, running.replica.speeds.overlap))


def drafted_tpot(draft: Draft, draft_time: float, verification_time: float) -> tuple[float, float]:
    """Tokens that a step of a draft yields, and the seconds of each, by those of a draft token and of the pass."""
    tokens = formulas.request.speculative_tokens(draft_tokens=draft.tokens, acceptance=draft.acceptance)
    tpot = formulas.request.speculative_tpot(
        draft_tokens=draft.tokens,
        draft_time=draft_time,
        verification_time=verification_time,
        speculative_tokens=tokens,
    )
    return tokens, tpot


def tpot_of(running: Running, batch: float, draft: Draft | None = None) -> float:
    """Seconds of a token as ``pace_of`` has them, without the parts of the step."""
    replica, context = running.replica, running.rack.plan.context
    if draft or law(running.rack.setup.stack) == "erdil-2025":
        return pace_of(running, batch, draft).tpot
    return decode_time(replica, batch, context)


def slower_from(running: Running) -> tuple[int, ...]:
    """The batches from each of which on, up to the next, larger ones take longer.

    Under the law of a paper more stages may share a larger batch, which then may be faster.
    """
    if law(running.rack.setup.stack) != "erdil-2025":
        return (1,)
    from infercost.replica import erdil_2025

    return erdil_2025.STAGES


def _draft_time(running: Running, draft: Draft, batch: float) -> float:
    """Seconds of one token of the draft, whose model is split as widely as the target's ranks allow."""
    context = running.rack.plan.context
    if draft.model is None:
        step = decode_time(running.replica, batch, context)
        return formulas.request.shared_draft_time(draft_share=draft.share, step_time=step)
    return decode_time(_drafting(running, draft.model), batch, context)


def _drafting(running: Running, model: Model) -> Replica:
    """A draft as it steps on the ranks of its target."""
    rack = running.rack
    drafting = rack.setup.drafting or Drafting(model)
    return running.replica.of(model, drafting.layout(rack.plan.layout, model))


def critical_batch(running: Running, *, at_peak: bool = False) -> float:
    """Batch at which the matrices' arithmetic takes as long as reading all of them, under the stack or at the peak."""
    rack, stack, timing = running.rack, running.rack.setup.stack, running.replica.timing
    compute, memory = timing.shares if timing else (stack.value("compute_share"), stack.value("memory_share"))
    compute, memory = (1.0, 1.0) if at_peak else (compute, memory)
    return formulas.step.critical_batch(
        peak_flops=running.rate.fact.value,
        compute_share=compute,
        bytes_read=running.work.all_bytes_read(),
        memory_bandwidth=rack.part.value("memory_bandwidth"),
        memory_share=memory,
        flops_per_token=running.work.flops_per_token(),
    )


def full_batch(running: Running) -> int | None:
    """Least batch from which on arithmetic takes as long as the reads, caches included; None if there is none.

    An engine may take other kernels for more rows, that read less: a batch below may be full too.
    """
    if not running.work.attending:
        return int(max(1, ceiling(critical_batch(running))))
    high = LARGEST_BATCH
    if not _is_full(running, high):
        return None
    while high > 1 and _is_full(running, high // 2):
        high //= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_full(running, middle) else (middle, high)
    return high


def _is_full(running: Running, batch: int) -> bool:
    parts = pace_of(running, batch).times.parts
    return bool(parts.compute >= parts.memory)
