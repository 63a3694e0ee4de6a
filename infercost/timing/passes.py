"""How long one pass takes: each kind of operator by its arithmetic and its reads, then collectives and launches."""

from typing import NamedTuple

from infercost.derivation import about
from infercost.engine import roofline
from infercost.numeric import is_nothing
from infercost.timing.links import communication_time
from infercost.timing.speeds import Speeds
from infercost.timing.work import Work


class Load(NamedTuple):
    """What one pass moves: sequences that decode, each so many tokens at a context, and tokens of prompts.

    ``sequences`` may be an array: each part of the pass is then one too, or the same for all of them. ``prompts`` are
    the prompts that end in this pass, ``cached`` the tokens that lie before the new ones.
    """

    sequences: float = 0
    context: float = 0
    tokens_each: float = 1
    prompt_tokens: float = 0
    prompts: float = 0
    cached: float = 0

    @property
    def tokens(self) -> float:
        """Tokens that pass through the matrices."""
        return self.sequences * self.tokens_each + self.prompt_tokens

    def idle_groups(self, groups: int) -> float:
        """How many data parallel groups there are for each that the prompts of this pass give something to attend."""
        return groups / min(groups, max(self.prompts, 1))

    @property
    def heads(self) -> float:
        """Tokens that need the output head."""
        return self.sequences * self.tokens_each + self.prompts


class Parts(NamedTuple):
    """Seconds of one pass by what they are spent on; ``communication`` is None where layers are not known."""

    matrix_compute: float
    matrix_memory: float
    attention_compute: float
    attention_memory: float
    activations: float
    communication: float | None
    overhead: float

    @property
    def compute(self) -> float:
        """Arithmetic of matrices and attention."""
        return self.matrix_compute + self.attention_compute

    @property
    def memory(self) -> float:
        """Reads of weights and cache, and activations."""
        return self.matrix_memory + self.attention_memory + self.activations

    @property
    def by_operator(self) -> dict[str, float]:
        """Parts that add up to a step in which operators wait for each other."""
        matrix_reads, cache_reads = (
            self.matrix_memory > self.matrix_compute,
            self.attention_memory > self.attention_compute,
        )
        return {
            "weights": self.matrix_memory if matrix_reads else 0.0,
            "cache": self.attention_memory if cache_reads else 0.0,
            "arithmetic": (0.0 if matrix_reads else self.matrix_compute)
            + (0.0 if cache_reads else self.attention_compute),
            "activations": self.activations,
            "collectives": self.communication or 0.0,
            "launch": self.overhead,
        }


def pass_parts(work: Work, speeds: Speeds, load: Load) -> Parts:
    """Seconds of one pass of a load through all stages, by part."""
    tokens = load.tokens
    return Parts(
        matrix_compute=_matrices(work, speeds, load),
        matrix_memory=_reading(work, speeds, work.bytes_read(1 if speeds.alike else tokens), speeds.memory_share),
        attention_compute=_attention(work, speeds, load),
        attention_memory=_caches(work, speeds, load),
        activations=_activations(work, speeds, tokens),
        communication=communication_time(work, speeds, tokens),
        overhead=_overhead(work, speeds, load.heads),
    )


def step_time(parts: Parts, overlap: str) -> float:
    """Seconds of a pass under an overlap rule: ``full``, ``operator`` or ``none``."""
    sent = 0.0 if parts.communication is None else parts.communication
    if overlap == "operator":
        matrix = roofline.operator_time(compute_time=parts.matrix_compute, memory_time=parts.matrix_memory)
        with about("attention"):
            attention = roofline.operator_time(compute_time=parts.attention_compute, memory_time=parts.attention_memory)
        return roofline.operator_overlap_step(
            matrix_time=matrix + parts.activations,
            attention_time=attention,
            communication_time=sent,
            overhead_time=parts.overhead,
        )
    step = roofline.full_overlap_step if overlap == "full" else roofline.no_overlap_step
    return step(
        compute_time=parts.compute, memory_time=parts.memory, communication_time=sent, overhead_time=parts.overhead
    )


def _matrices(work: Work, speeds: Speeds, load: Load) -> float:
    per_token = work.flops_per_token(load.heads / load.tokens, _hottest(work, speeds, load.tokens))
    if load.prompt_tokens and work.layout.dp > 1:  # experts are everybody's, the rest of a prompt is its own group's
        per_token += work.flops * (load.idle_groups(work.layout.dp) - 1) * load.prompt_tokens / load.tokens
    return roofline.compute_time(
        flops_per_token=per_token,
        batch=load.tokens,
        devices=work.ranks,
        peak_flops=speeds.peak_flops,
        compute_share=speeds.compute_share,
    )


def _reading(work: Work, speeds: Speeds, bytes_read: float, share: float) -> float:
    return roofline.memory_time(
        bytes_read=bytes_read, devices=work.ranks, memory_bandwidth=speeds.memory_bandwidth, memory_share=share
    )


def _attention(work: Work, speeds: Speeds, load: Load) -> float:
    """Seconds of the scores and weighted values of decoding sequences and of prompts."""
    if not work.attending:
        return 0.0
    total = 0.0
    if not is_nothing(load.sequences):
        total += _scores(work, speeds, work.attention_flops(load.context), load.sequences * load.tokens_each)
    if load.prompt_tokens:
        count = max(load.prompts, 1)
        waits = load.idle_groups(work.layout.dp)
        total += _scores(work, speeds, work.prompt_flops(load.prompt_tokens / count, load.cached), count * waits)
    return total


def _scores(work: Work, speeds: Speeds, flops: float, times: float) -> float:
    with about("attention"):
        return roofline.compute_time(
            flops_per_token=flops,
            batch=times,
            devices=work.ranks,
            peak_flops=speeds.attention_flops,
            compute_share=speeds.attention_share,
        )


def _caches(work: Work, speeds: Speeds, load: Load) -> float:
    """Seconds of reading caches: of decoding sequences, and of prompts whose first tokens are there already."""
    if not work.attending:
        return 0.0
    read = 0.0 if is_nothing(load.sequences) else work.cache_read(load.sequences, load.context, speeds.cache_rereads)
    if load.prompt_tokens and load.cached:
        read += work.cache_read(max(load.prompts, 1), load.cached)
    if is_nothing(read):
        return 0.0
    with about("cache"):
        return _reading(work, speeds, read, speeds.cache_share)


def _activations(work: Work, speeds: Speeds, tokens: float) -> float:
    if not speeds.activation_traffic:
        return 0.0
    moved = work.activation_bytes * tokens / work.layout.dp * speeds.activation_traffic
    with about("activations"):
        return _reading(work, speeds, moved * work.ranks, speeds.memory_share)


def _hottest(work: Work, speeds: Speeds, tokens: float) -> float:
    """How many times the mean load the rank with the most popular experts has, under expert parallelism."""
    if work.layout.ep == 1 or not speeds.expert_imbalance or is_nothing(tokens):
        return 1.0
    return roofline.hottest_rank(
        tokens=tokens,
        active_experts=max(each.active for each in work.experts),
        ranks=work.layout.ep,
        expert_imbalance=speeds.expert_imbalance,
    )


def _overhead(work: Work, speeds: Speeds, heads: float) -> float:
    kernels = 0.0
    if speeds.kernel_time and work.layers:
        kernels = roofline.kernel_overhead(
            layers=work.layers,
            sparse_layers=work.sparse_layers,
            kernels_per_layer=speeds.kernels_per_layer,
            kernels_per_sparse_layer=speeds.kernels_per_sparse_layer,
            kernel_time=speeds.kernel_time,
        )
    if not (kernels or speeds.step_overhead or speeds.sequence_overhead):
        return 0.0
    return roofline.overhead_time(
        kernel_overhead=kernels,
        step_overhead=speeds.step_overhead,
        sequences=heads / work.layout.dp,
        sequence_overhead=speeds.sequence_overhead,
    )
