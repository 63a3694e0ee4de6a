"""How long one pass takes: each kind of operator by its arithmetic and its reads, then collectives and launches."""

from typing import Any, NamedTuple

from infercost import formulas
from infercost.models.counting import FLOPS_PER_PARAM
from infercost.numeric import is_nothing
from infercost.parts.accelerator import find_rate
from infercost.parts.formats import FORMATS
from infercost.parts.preset import Preset
from infercost.quantities import CONSTANTS
from infercost.replica.work import Work

#: Figures of a profile that a pass is timed with.
SHARES = ("compute_share", "attention_share", "memory_share", "cache_share", "link_share")
TIMES = ("collective_latency", "network_latency", "hop_latency", "kernel_time", "step_overhead", "sequence_overhead")
#: What a profile adds to each request rather than to a pass.
PER_REQUEST = ("request_overhead", "steps_waited")
COUNTS = ("kernels_per_layer", "kernels_per_sparse_layer", "activation_traffic", "expert_imbalance", "cache_rereads")


class Speeds(NamedTuple):
    """A part's rates and a profile's constants, in base units."""

    peak_flops: float
    attention_flops: float
    memory_bandwidth: float
    link_bandwidth: float
    network_bandwidth: float
    domain: int
    activation_bytes: float
    overlap: str
    compute_share: float = 1.0
    attention_share: float = 1.0
    memory_share: float = 1.0
    cache_share: float = 1.0
    link_share: float = 1.0
    collective_latency: float = 0.0
    network_latency: float = 0.0
    hop_latency: float = 0.0
    kernel_time: float = 0.0
    step_overhead: float = 0.0
    sequence_overhead: float = 0.0
    kernels_per_layer: float = 0.0
    kernels_per_sparse_layer: float = 0.0
    activation_traffic: float = 0.0
    expert_imbalance: float = 0.0
    cache_rereads: float = 0.0
    alike: bool = False


def speeds_of(part: Preset, profile: Preset, peak_flops: float, overlap: str, activation_bytes: float) -> Speeds:
    """The speeds of a part under a profile."""
    bare = bounds_of(part, peak_flops, activation_bytes)
    constants: dict[str, Any] = {key: profile.value(key) for key in (*SHARES, *TIMES, *COUNTS)}
    return bare._replace(**constants, overlap=overlap, alike=False)


def bounds_of(part: Preset, peak_flops: float, activation_bytes: float) -> Speeds:
    """The speeds that no stack can beat: all shares one, nothing added, everything overlaps, tokens share experts.

    ``peak_flops`` is the rate of the matrices, which may be stored in several formats; attention computes in 16 bits.
    """
    half = find_rate(part, FORMATS["bf16"])
    link = part.facts.get("link_bandwidth")
    network = part.facts.get("network_bandwidth")
    domain = part.facts.get("link_domain")
    return Speeds(
        peak_flops=peak_flops,
        attention_flops=min(peak_flops, half.fact.value) if half else peak_flops,
        memory_bandwidth=part.value("memory_bandwidth"),
        link_bandwidth=link.value if link else 0.0,
        network_bandwidth=network.value if network else 0.0,
        domain=int(domain.value) if domain else 0,
        activation_bytes=activation_bytes,
        overlap="full",
        alike=True,
    )


def spread(ranks: int, speeds: Speeds) -> tuple[int, int]:
    """Ranks inside a node that share a collective, and nodes; one flat ring where the network is not known."""
    if not speeds.domain or ranks <= speeds.domain or not speeds.network_bandwidth:
        return ranks, 1
    return speeds.domain, formulas.memory.nodes(devices=ranks, domain=speeds.domain)


def communication_time(work: Work, speeds: Speeds, tokens: float) -> float | None:
    """Seconds of all collectives: nothing on one device, None where layers or width are not known."""
    if work.layout.devices == 1:
        return 0.0
    if not work.hidden_size:
        return None
    layout = work.layout
    message = formulas.collectives.activation_message(
        batch=_of_group(work, tokens), hidden_size=work.hidden_size, activation_bytes=speeds.activation_bytes
    )
    exchanging = work.sparse_layers if layout.dp > 1 else 0
    reduces = _collectives(work.layers, exchanging) if layout.tp > 1 else 0
    return formulas.collectives.communication_time(
        collectives=reduces,
        all_reduce_time=_all_reduce(speeds, message, layout.tp) if reduces else 0.0,
        exchanges=formulas.collectives.exchanges(exchanging_layers=exchanging) if exchanging else 0,
        all_to_all_time=_exchange(work, speeds, message) if exchanging else 0.0,
        hand_over_time=_hand_over(work, speeds, message) if layout.pp > 1 else 0.0,
    )


def _collectives(layers: int, exchanging: int) -> float:
    return formulas.collectives.collectives(layers=layers, exchanging_layers=exchanging)


def _of_group(work: Work, tokens: float) -> float:
    """Tokens of a pass that one data parallel group works on."""
    groups = work.layout.dp
    return tokens if groups == 1 else formulas.step.group_tokens(tokens=tokens, groups=groups)


def _all_reduce(speeds: Speeds, message: float, ranks: int) -> float:
    """Seconds of one all-reduce, inside nodes first, then across them on the part that each rank is left with."""
    inside, nodes = spread(ranks, speeds)
    near = _one_all_reduce(speeds, message, inside, speeds.link_bandwidth, speeds.collective_latency)
    if nodes == 1:
        return near
    part = formulas.collectives.scattered_message(message_bytes=message, domain=inside)
    far = _one_all_reduce(speeds, part, nodes, speeds.network_bandwidth, speeds.network_latency)
    return formulas.collectives.two_level_all_reduce_time(all_reduce_time=near, network_all_reduce_time=far)


def _one_all_reduce(speeds: Speeds, message: float, ranks: int, bandwidth: float, latency: float) -> float:
    asked = {
        "message_bytes": message,
        "devices": ranks,
        "link_bandwidth": bandwidth,
        "link_share": speeds.link_share,
        "hop_latency": speeds.hop_latency,
    }
    return formulas.collectives.all_reduce_time(
        ring_all_reduce_time=formulas.collectives.ring_all_reduce_time(**asked),
        tree_all_reduce_time=formulas.collectives.tree_all_reduce_time(**asked),
        collective_latency=latency,
    )


EXCHANGED = {name: CONSTANTS[name].value for name in ("dispatch_bits", "combine_bits", "wide_bits")}


def _exchange(work: Work, speeds: Speeds, message: float) -> float:
    """Seconds of one all-to-all: each rank's tokens go to all their experts, the mean of out and back."""
    inside, nodes = spread(work.layout.ep, speeds)
    sent = formulas.collectives.exchange_message(
        message_bytes=message,
        tensor_ranks=work.layout.tp,
        active_experts=max(each.active for each in work.experts),
        **EXCHANGED,
    )
    return formulas.collectives.all_to_all_time(
        message_bytes=sent,
        devices=nodes if nodes > 1 else inside,
        link_bandwidth=speeds.network_bandwidth if nodes > 1 else speeds.link_bandwidth,
        link_share=speeds.link_share,
        collective_latency=speeds.network_latency if nodes > 1 else speeds.collective_latency,
    )


def _hand_over(work: Work, speeds: Speeds, message: float) -> float:
    """Seconds that stages spend on sending to the next: each rank sends its share of the activations."""
    _, nodes = spread(work.layout.devices, speeds)
    if work.layout.tp > 1:
        message = formulas.collectives.hand_over_message(message_bytes=message, tensor_ranks=work.layout.tp)
    return formulas.collectives.hand_over_time(
        message_bytes=message,
        stages=work.layout.pp,
        link_bandwidth=speeds.network_bandwidth if nodes > 1 else speeds.link_bandwidth,
        link_share=speeds.link_share,
        collective_latency=speeds.network_latency if nodes > 1 else speeds.collective_latency,
    )


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
        if self.tokens_each == 1 and not self.prompt_tokens:
            return self.sequences
        return formulas.step.pass_tokens(
            sequences=self.sequences, tokens_each=self.tokens_each, prompt_tokens=self.prompt_tokens
        )

    @property
    def heads(self) -> float:
        """Tokens that need the output head."""
        if self.tokens_each == 1 and not self.prompts:
            return self.sequences
        return formulas.step.pass_heads(sequences=self.sequences, tokens_each=self.tokens_each, prompts=self.prompts)

    @property
    def decoded(self) -> float:
        """Tokens that are decoded."""
        if self.tokens_each == 1:
            return self.sequences
        return formulas.step.pass_tokens(sequences=self.sequences, tokens_each=self.tokens_each, prompt_tokens=0)

    def idle_groups(self, groups: int) -> float:
        """How many data parallel groups there are for each that the prompts of this pass give something to attend."""
        return 1 if groups == 1 else formulas.step.idle_groups(groups=groups, prompts=self.prompts)


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
    tokens, heads = load.tokens, load.heads
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
    )


def step_time(parts: Parts, overlap: str) -> float:
    """Seconds of a pass under an overlap rule: ``full``, ``operator`` or ``none``."""
    sent = 0.0 if parts.communication is None else parts.communication
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
    share = 1.0 if heads is tokens or not work.head else formulas.step.head_share(pass_heads=heads, tokens=tokens)
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
        peak_flops=speeds.peak_flops,
        compute_share=speeds.compute_share,
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
