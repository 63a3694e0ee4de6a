"""What kernels reach on a chip, how fast it works under a profile, and how chips reach each other."""

from collections.abc import Callable, Sequence
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from infercost import formulas
from infercost.errors import BadFile, Missing
from infercost.parts.accelerator import find_rate, group_link, mesh_share
from infercost.parts.formats import FORMATS
from infercost.parts.preset import Preset
from infercost.parts.stack import is_stated
from infercost.quantities import CONSTANTS
from infercost.replica.layout import Layout
from infercost.replica.work import Over, Read

if TYPE_CHECKING:
    from infercost.replica.work import MatrixRates


#: Bytes of a 16-bit value.
WIDE = CONSTANTS["wide_bytes"].value


class Kernel(NamedTuple):
    """Kernels of one kind in one format on a chip: seconds to launch one, FLOP/s and B/s that they reach.

    ``row_bytes`` store a value of their inputs, ``quantize_bytes`` are moved to make one from 16 bits,
    ``inner`` seconds pass for each 1,000 of the inner dimension of its products.
    """

    launch: float
    flops: float
    bandwidth: float
    row_bytes: float = WIDE
    quantize_bytes: float = 0.0
    inner: float = 0.0


class Arithmetic(NamedTuple):
    """Arithmetic of a format: the rates that it needs, bits of a value for its watts, bytes of an input and to make it.

    ``instead`` are the formats whose kernels serve it where a part has none of its own.
    """

    bits: int
    row_bytes: float
    quantize_bytes: float
    instead: tuple[str, ...]


#: Formats of weights that have kernels of their own. Where a part lacks the arithmetic of one, its weights are unpacked
#: and multiplied in 16 bits, so inputs stay so.
ARITHMETIC = {
    "bf16": Arithmetic(16, 2, 0, ()),
    "fp32": Arithmetic(16, 4, 0, ("bf16",)),
    "int4": Arithmetic(16, 2, 0, ("bf16",)),
    "fp8": Arithmetic(8, 1, 3, ("bf16",)),
    "int8": Arithmetic(8, 1, 3, ("fp8", "bf16")),
    "fp8_block": Arithmetic(8, 1, 3, ("fp8", "bf16")),
    "nvfp4": Arithmetic(4, 0.5625, 2.5625, ("int4", "bf16")),
    "mxfp4": Arithmetic(8, 1, 0, ("int4", "bf16")),
    "fp8_trtllm": Arithmetic(8, 1, 3, ("fp8", "bf16")),
    "mxfp4_marlin": Arithmetic(16, 2, 0, ("mxfp4", "int4", "bf16")),
    "int4_flashinfer": Arithmetic(16, 2, 0, ("int4", "bf16")),
    "bf16_triton": Arithmetic(16, 2, 0, ("bf16",)),
    "fp8_block_triton": Arithmetic(8, 1, 3, ("fp8_block", "fp8", "bf16")),
}
#: Where an architecture or a part has no figure.
OTHER = "other"


class Chip:
    """An accelerator with its architecture's kernels, each worked out when it is first asked for."""

    def __init__(self, part: Preset, architecture: Preset, other: Preset, *, keeps: bool = True) -> None:
        self.part, self.architecture, self.other, self.keeps = part, architecture, other, keeps
        self.compute_scale = self.bandwidth_scale = 1.0
        self.used: dict[str, None] = {}
        self.bandwidth = part.value("memory_bandwidth")
        self.multiprocessors = self.value("multiprocessors")
        self.head_time = self.value("attention_decode_per_head")
        self._kernels: dict[tuple[str, str], Kernel] = {}

    def again(self) -> "Chip":
        """The same, each kernel worked out anew whenever it is asked for."""
        return Chip(self.part, self.architecture, self.other, keeps=False).scaled(*self.scales)

    @property
    def scales(self) -> tuple[float, float]:
        """Factors on the FLOP/s and on the B/s that all kernels reach."""
        return self.compute_scale, self.bandwidth_scale

    def scaled(self, compute: float, bandwidth: float) -> "Chip":
        """The chip with other factors on what its kernels reach."""
        if (compute, bandwidth) == self.scales:
            return self
        chip = Chip(self.part, self.architecture, self.other, keeps=self.keeps)
        chip.used, chip.compute_scale, chip.bandwidth_scale = self.used, compute, bandwidth
        return chip

    @property
    def multiplies_mxfp4(self) -> str:
        """The format that kernels of MXFP4 weights compute in, empty where they unpack to 16 bits."""
        return self.architecture.labels.get("mxfp4", "")

    def multiplied(self, format: str) -> str:
        """The format whose arithmetic serves one: where MXFP4 computes in four bits, inputs too, that of NVFP4."""
        return "nvfp4" if format == "mxfp4" and self.multiplies_mxfp4 == "fp4" else format

    def value(self, key: str) -> float:
        """A figure of the architecture, that of other parts where it has none."""
        self.used[key] = None
        return (self.architecture if key in self.architecture.facts else self.other).value(key)

    def has(self, key: str) -> bool:
        """Whether the architecture has a figure of its own."""
        return key in self.architecture.facts

    def kernel(self, kind: str, format: str, chosen: str = "") -> Kernel:
        """The kernels of ``products`` or ``experts`` in a format, an engine's own where the chip has their figures."""
        name = f"{format}_{chosen}"
        return self._once(kind, name if chosen and self.has(f"{kind}_{name}_launch") else format, self._made)

    def _once(self, kind: str, format: str, made: Callable[[str, str], Kernel]) -> Kernel:
        if (kernel := self._kernels.get((kind, format))) is None:
            kernel = made(kind, format)
            if self.keeps:
                self._kernels[kind, format] = kernel
        return kernel

    def _made(self, kind: str, format: str) -> Kernel:
        name = self.row(kind, format)
        multiplied = self.multiplied(name)
        arithmetic, peak = ARITHMETIC[multiplied], peak_of(self.part, multiplied)
        bits, row_bytes, quantize = arithmetic.bits, arithmetic.row_bytes, arithmetic.quantize_bytes
        if name == "mxfp4" and not self.multiplies_mxfp4:
            bits, row_bytes, peak = 16, WIDE, peak_of(self.part, "bf16")
        if format == "int8" and name != format:  # products of integers, as near to their peak as others are to theirs
            peak = min(peak or 0.0, peak_of(self.part, format) or inf)
        if format == "fp32":  # as near to its peak as 16 bits are to theirs
            row_bytes, peak = ARITHMETIC[format].row_bytes, peak_of(self.part, format) or peak
        if not peak:
            raise self._without(multiplied, "bf16" if row_bytes == WIDE else "fp8")
        key = f"{kind}_{name}"
        return Kernel(
            launch=self.value(f"{key}_launch"),
            flops=self.flops(self.value(f"{key}_compute"), peak, bits),
            bandwidth=self.reach(self.value(f"{key}_memory")),
            row_bytes=row_bytes,
            quantize_bytes=quantize,
            inner=self.value(f"{key}_inner") if self.has(f"{key}_inner") else 0.0,
        )

    def _peak_of_attention(self) -> float:
        """The dense rate of 16 bits, in which attention computes; Missing without one."""
        if peak := peak_of(self.part, "bf16"):
            return peak
        raise self._without("bf16", "bf16")

    def _without(self, format: str, rate: str) -> Missing:
        what = f"{self.part.name} has no dense rate for {format}, in which this model multiplies too"
        return Missing(what, f"give --set gpu.flops_{rate}=...FLOP/s")

    def row(self, kind: str, format: str) -> str:
        """The format whose kernels serve one, in the chip's own architecture before others."""
        chain = [name for name in (format, *ARITHMETIC[format].instead) if self._computes(name)]
        for preset in (self.architecture, self.other):
            for name in chain:
                if f"{kind}_{name}_launch" in preset.facts:
                    return name
        return "bf16"

    def _computes(self, format: str) -> bool:
        return format == "mxfp4" or peak_of(self.part, format) is not None

    def flops(self, share: float, peak: float, bits: int | None) -> float:
        """FLOP/s that kernels reach: a share of the peak, at most what the watts sustain; attention has no such cap."""
        reached = formulas.kernels.short_run_flops(kernel_share=share, format_peak=peak)
        if bits is not None and "power" in self.part.facts:
            reached = self._sustained(reached, bits)
        if self.compute_scale == 1:
            return reached
        return formulas.kernels.scaled_flops(kernel_flops=reached, compute_scale=self.compute_scale)

    def held_by_watts(self, format: str) -> float | None:
        """FLOP/s at which the watts hold products in a format back, None where they reach their share of the peak."""
        name, reached = self.row("products", format), self.kernel("products", format).flops
        peak = peak_of(self.part, self.multiplied(name)) or 0.0
        return reached if reached < self.value(f"products_{name}_compute") * peak * self.compute_scale else None

    def _sustained(self, short: float, bits: int) -> float:
        sustained = formulas.kernels.sustained_flops(
            flops_per_watt=self.value(f"sustained_flops_per_watt_bits_{bits}"), power=self.part.value("power")
        )
        return formulas.kernels.kernel_flops(short_run_flops=short, sustained_flops=sustained)

    def reach(self, share: float) -> float:
        """B/s of memory that kernels reach."""
        reached = formulas.kernels.kernel_bandwidth(memory_bandwidth=self.bandwidth, bandwidth_share=share)
        if self.bandwidth_scale == 1:
            return reached
        return formulas.kernels.scaled_bandwidth(kernel_bandwidth=reached, bandwidth_scale=self.bandwidth_scale)

    def attention(self, kind: str) -> Kernel:
        """The kernels of attention: ``decode_16`` or ``decode_8`` by bits of the cache, ``prompt``, ``latent``."""
        return self._once("attention", kind, self._attending)

    def states(self) -> Kernel:
        """The kernels of linear attention, the launch of decoding ones."""
        peak = self._peak_of_attention()
        return Kernel(
            launch=self.value("layers_states_launch"),
            flops=self.flops(self.value("layers_states_compute"), peak, None),
            bandwidth=self.reach(self.value("layers_states_memory")),
        )

    def _attending(self, _: str, kind: str) -> Kernel:
        name, _, bits = kind.partition("_")
        key, peak = f"attention_{name}", self._peak_of_attention()
        return Kernel(
            launch=self.value(f"{key}_launch"),
            flops=self.flops(self.value(f"{key}_compute"), peak, None) if name != "decode" else 0.0,
            bandwidth=self.reach(self.value(f"{key}_memory{'_' + bits if bits else ''}")),
        )


#: Figures of a profile that a pass is timed with.
SHARES = ("compute_share", "attention_share", "memory_share", "cache_share", "link_share")

TIMES = ("collective_latency", "network_latency", "hop_latency", "kernel_time", "step_overhead", "sequence_overhead")

#: What a profile adds to each request rather than to a pass.
PER_REQUEST = ("request_overhead", "steps_waited")

COUNTS = ("kernels_per_layer", "kernels_per_sparse_layer", "activation_traffic", "expert_imbalance", "cache_rereads")


class Speeds(NamedTuple):
    """A part's rates and a profile's constants, in base units."""

    peak_flops: float
    body_flops: float
    head_flops: float
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
    part: Preset | None = None
    over: Over | Read | None = None

    def link(self, ranks: int) -> float:
        """B/s, one direction, that a rank has to a group of so many."""
        return self.link_bandwidth * (mesh_share(self.part, ranks) if self.part else 1.0)


#: The backend that computes in a host.
CPU = "cpu"


class Backend(NamedTuple):
    """Constants of llama.cpp under one backend, in base units; factors are one where they do not apply.

    ``kernels`` names the backend, ``chunk_tokens`` is the ubatch. ``vector_rows`` and ``expert_rows`` are the most rows
    that vector kernels take. ``older_products`` is one only for builds whose quantized products are in 8 bits.
    """

    kernels: str
    layer_launch: float
    memory_share: float
    compute_share: float
    compute_share_16: float
    vector_share: float
    attention_share: float
    vector_rows: float
    matrix_rows: float
    expert_rows: float
    expert_tile: float
    sparse_launches: float
    chunk_tokens: float
    expert_launch: float = 0.0
    memory_scale_bf16: float = 1.0
    compute_scale_bf16: float = 1.0
    older_products: float = 1.0
    older_launches: float = 1.0
    older_cache: float = 1.0
    host_share: float = 1.0
    host_layer_time: float = 0.0
    prompts: str = "filled"
    token_overhead: float = 0.0


class Routing(Protocol):
    """Experts of a token: ``active`` of them, in ``token_groups`` of ``groups``, 0 where they lie in any."""

    @property
    def active(self) -> int:
        """Experts of a token."""

    @property
    def groups(self) -> int:
        """Groups of experts."""

    @property
    def token_groups(self) -> int:
        """Groups that a token's experts lie in."""


#: Bytes of a value sent to an expert and back, on average.
EXCHANGED = CONSTANTS["exchange_bytes"].value


class Engine(NamedTuple):
    """What an engine adds to the kernels, in base units.

    ``captured_tokens`` is the largest pass with prompts that a graph holds, ``chunk_tokens`` the most tokens of prompts
    a pass takes of each data parallel group. ``row_traffic`` counts how often more than alone a routed row travels
    through memory in a pass with prompts, ``reduce_limit`` is the bandwidth at which its all-reduces stop, 0 for none.
    ``prompts`` is how prompts join: parts of them that fill each pass (``filled``), ``whole`` ones, or ``alone``, while
    nothing decodes. ``experts_kernel`` and ``products_kernel`` name kernels that are not the usual ones;
    ``unfused_launch_scale`` multiplies launch times where an engine does not fuse its kernels: on the architecture
    ``fused_on`` it fuses those of latents without an indexer, and of ``fused_families`` from ``fused_ranks`` on;
    ``unfused_experts`` are its kernels of experts elsewhere.
    ``cpu_launches`` is how often longer the host takes for launches outside a graph, 0 where ``eager_layer_time`` says
    it; ``captures_split`` whether graphs hold prompts of several groups or stages too.
    ``untuned_factor`` is how often longer products take without tables of tuned shapes in passes with prompts,
    ``untuned_decode_factor`` in all passes.
    ``compute_scale`` and ``bandwidth_scale`` multiply what all kernels of the chip reach.
    """

    launch_scale: float
    collective_latency: float
    exchange_latency: float
    forwarding_latency: float
    step_overhead: float
    sequence_overhead: float
    eager_layer_time: float
    captured_tokens: float
    chunk_tokens: float
    token_overhead: float
    row_traffic: float
    reduce_limit: float
    prompts: str
    experts_kernel: str = ""
    products_kernel: str = ""
    unfused_launch_scale: float = 1.0
    cpu_launches: float = 0.0
    captured_tokens_latent: float = inf
    captures_split: bool = True
    untuned_factor: float = 1.0
    untuned_decode_factor: float = 1.0
    fused_ranks: float = 0.0
    fused_families: tuple[str, ...] = ()
    fused_on: str = ""
    unfused_experts: str = ""
    compute_scale: float = 1.0
    bandwidth_scale: float = 1.0


class Exchanging(Routing, Protocol):
    """Experts that tokens are sent to."""

    @property
    def input(self) -> float:
        """Width of what they take in."""


class Way(NamedTuple):
    """What a message meets on its way: seconds to start, and for each rank it passes, B/s and the share reached."""

    start: float
    bandwidth: float
    share: float = 1.0
    hop: float = 0.0


class Exchange(NamedTuple):
    """An all-to-all between the experts' ranks: seconds to start, and each way's copies of a token and B/s."""

    start: float
    ways: tuple[tuple[float, float], ...]


class Links:
    """The collectives of a layout: inside a node over its links, across nodes over the network.

    ``experts`` are those that tokens are sent to.
    """

    def __init__(self, chip: Chip, engine: Engine, layout: Layout, experts: Sequence[Exchanging] = ()) -> None:
        self.chip, self.engine, self.layout, self.experts = chip, engine, layout, experts
        kind = chip.part.labels.get("link", "switch")
        self.shared, slow = kind == "host", kind in ("pcie", "host")
        self.start = chip.value("links_pcie_launch") if slow else engine.collective_latency
        self.hop = chip.value("links_pcie_hop" if slow else "links_ranks_hop")
        self.inside, self.nodes = self._spread(layout.tp)
        self.bandwidth = self._bandwidth(self.inside) if layout.tp > 1 else 0.0
        self.switch = chip.value("links_switch_launch") if chip.has("links_switch_launch") else 0.0
        self.limited = min(self.bandwidth, engine.reduce_limit or self.bandwidth)

    def _spread(self, ranks: int) -> tuple[int, int]:
        """Ranks inside a node, and nodes; one node where its size or the network is not known."""
        facts = self.chip.part.facts
        domain = int(facts["link_domain"].value) if "link_domain" in facts else 0
        if not domain or ranks <= domain or "network_bandwidth" not in facts:
            return ranks, 1
        return domain, formulas.memory.nodes(devices=ranks, domain=domain)

    def _bandwidth(self, ranks: int) -> float:
        """B/s that one of so many ranks sends inside a node."""
        chip = self.chip
        reached = formulas.step.link_reached(
            link_bandwidth=group_link(chip.part, self.layout.ranks), link_share=chip.value("links_reduce_share")
        )
        if not self.shared:
            return reached
        of_all = chip.value(f"links_host_{next((name for most, name in HOSTS if ranks <= most), 'eight')}")
        return min(reached, formulas.step.host_link(host_bandwidth=of_all, ranks=ranks))

    def reduce(self, message: float) -> float:
        """Seconds of one all-reduce: inside a node, or with NCCL over several, each NIC with its rank's part."""
        if self.nodes == 1:
            return self._inside(message)
        network = self._network
        return formulas.step.network_reduce_time(
            reduce_start=network.start,
            rank_time=network.hop,
            ranks=self.layout.tp,
            message_bytes=message,
            domain=self.inside,
            reduce_bandwidth=self.bandwidth,
            nodes=self.nodes,
            network_bandwidth=network.bandwidth,
        )

    @cached_property
    def _network(self) -> Way:
        chip = self.chip
        return Way(
            start=chip.value("links_network_launch"),
            bandwidth=chip.part.value("network_bandwidth"),
            hop=chip.value("links_network_hop"),
        )

    def _inside(self, message: float) -> float:
        ring = formulas.step.reduce_time(
            reduce_start=self.start,
            rank_time=self.hop,
            ranks=self.inside,
            message_bytes=message,
            reduce_bandwidth=self.limited,
        )
        if not self.switch:
            return ring
        switch = formulas.step.switch_reduce_time(
            switch_start=self.switch, message_bytes=message, reduce_bandwidth=self.bandwidth
        )
        return formulas.step.shortest_reduce_time(reduce_time=ring, switch_reduce_time=switch)

    def exchange(self, rows: float, prompts: bool = False) -> float:
        """Seconds of one phase of the all-to-all between the experts' ranks."""
        among = self._forwarded if prompts else self._direct
        times = [
            formulas.step.exchange_time(
                exchange_start=among.start,
                group_rows=rows,
                tensor_ranks=self.layout.tp,
                copies=copies,
                expert_input=max(each.input for each in self.experts),
                exchange_bytes=EXCHANGED,
                exchange_bandwidth=bandwidth,
            )
            for copies, bandwidth in among.ways
        ]
        if len(times) == 1:
            return times[0]
        return formulas.step.forwarded_exchange_time(near_exchange_time=times[0], far_exchange_time=times[1])

    @cached_property
    def _direct(self) -> Exchange:
        """As passes without prompts do: each expert gets a copy, which graphs can hold."""
        inside, nodes = self._spread(self.layout.ep * self.layout.expert_slices)
        copies = formulas.step.expert_copies(active_experts=self._routing.active, peers=nodes if nodes > 1 else inside)
        bandwidth = self.chip.part.value("network_bandwidth") if nodes > 1 else self._bandwidth(inside)
        return Exchange(self.engine.exchange_latency, ((copies, bandwidth),))

    @cached_property
    def _forwarded(self) -> Exchange:
        """As passes with prompts do over several nodes: each node gets a copy, and gives it to each rank."""
        ranks = self.layout.ep * self.layout.expert_slices
        inside, nodes = self._spread(ranks)
        if nodes == 1:
            return self._direct
        near = over_links(self._routing, ranks, inside), self._bandwidth(inside)
        far = over_network(self._routing, nodes), self.chip.part.value("network_bandwidth")
        return Exchange(self.engine.forwarding_latency, (near, far))

    @property
    def _routing(self) -> Exchanging:
        return max(self.experts, key=lambda each: each.active)

    def hand_over(self, message: float) -> float:
        """Seconds that stages spend on sending to the next: each rank sends its share of the activations."""
        layout, way = self.layout, self._to_next
        if layout.tp > 1:
            message = formulas.step.hand_over_message(message_bytes=message, tensor_ranks=layout.tp)
        return formulas.step.hand_over_time(
            message_bytes=message,
            stages=layout.pp,
            link_bandwidth=way.bandwidth,
            link_share=way.share,
            collective_latency=way.start,
        )

    @cached_property
    def _to_next(self) -> Way:
        """From a stage to the next: over the network where the replica spans nodes."""
        chip = self.chip
        _, nodes = self._spread(self.layout.devices)
        if nodes > 1:
            return Way(chip.value("links_network_launch"), chip.part.value("network_bandwidth"))
        return Way(self.start, group_link(chip.part, 2), chip.value("links_reduce_share"))


#: Names of what all ranks of a host have together, by their number.
HOSTS = ((2, "two"), (4, "four"))


def peak_of(part: Preset, format: str) -> float | None:
    """The dense rate that a format's products need, in FLOP/s; None where the part has none."""

    def rate(name: str) -> float | None:
        return part.facts[f"flops_{name}"].value if f"flops_{name}" in part.facts else None

    if format == "fp32":
        return rate("fp32")
    if ARITHMETIC[format].row_bytes == WIDE:
        eight = rate("fp8") or rate("int8")  # arithmetic of half the width is twice as fast on every part with both
        # a part with a rate of 32 bits and none of 16 has no matrix units, whose sums of 8 bits would say more
        return rate("bf16") or rate("fp16") or rate("fp32") or (eight and eight / 2)
    if format == "nvfp4":  # the 13.5 to 15 PFLOP/s of data sheets are seen in no product
        four, eight = rate("fp4"), rate("fp8")
        return min(four, 2 * eight) if four and eight else four
    return rate("int8") if format == "int8" else rate("fp8")


# How fast a part works under a profile: rates of the part, shares and fixed times of the profile.


def speeds_of(part: Preset, profile: Preset, rates: "MatrixRates", overlap: str, activation_bytes: float) -> Speeds:
    """The speeds of a part under a profile."""
    bare = bounds_of(part, rates, activation_bytes)
    constants: dict[str, Any] = {key: profile.value(key) for key in (*SHARES, *TIMES, *COUNTS)}
    return bare._replace(**constants, overlap=overlap)


def bounds_of(part: Preset, rates: "MatrixRates", activation_bytes: float) -> Speeds:
    """The speeds that no stack can beat: all shares one, nothing added, everything overlaps.

    ``rates`` are those of the matrices, which may be stored in several formats; attention computes in 16 bits.
    """
    half = find_rate(part, FORMATS["bf16"])
    link = part.facts.get("link_bandwidth")
    network = part.facts.get("network_bandwidth")
    domain = part.facts.get("link_domain")
    return Speeds(
        peak_flops=rates.all,
        body_flops=rates.body,
        head_flops=rates.head,
        attention_flops=min(rates.all, half.fact.value) if half else rates.all,
        memory_bandwidth=part.value("memory_bandwidth"),
        link_bandwidth=link.value if link else 0.0,
        network_bandwidth=network.value if network else 0.0,
        domain=int(domain.value) if domain else 0,
        activation_bytes=activation_bytes,
        overlap="full",
        part=part if part.labels.get("link") == "mesh" else None,
    )


def spread(ranks: int, speeds: Speeds) -> tuple[int, int]:
    """Ranks inside a node that share a collective, and nodes; one flat ring where the network is not known."""
    if not speeds.domain or ranks <= speeds.domain or not speeds.network_bandwidth:
        return ranks, 1
    return speeds.domain, formulas.memory.nodes(devices=ranks, domain=speeds.domain)


# Constants of llama.cpp under one backend, and of its computing in a host.


def backend_of(profile: Preset) -> Backend:
    """The constants of a profile that knows its backend; BadFile for one that does not."""
    labels = profile.labels
    if not labels.get("kernels"):
        raise BadFile(f"preset {profile.path}: no kernels", "write like: llama.cpp, or kernels: cuda, metal, hip, ...")
    figures = {name: profile.value(name) for name in Backend._fields if name in profile.facts}
    figures.setdefault("compute_share_16", figures["compute_share"])
    figures.setdefault("layer_launch", figures.get("host_layer_time", 0.0))
    engine = Backend(**figures, kernels=labels["kernels"], prompts=labels.get("prompts", "filled"))
    return host_backend(engine, profile) if engine.kernels == CPU else engine


def host_backend(engine: Backend, own: Preset) -> Backend:
    """The constants of llama.cpp on a CPU: those of any, where neither its host nor its profile states its own.

    Its arithmetic was not measured and is taken at the peak, each row for itself: a bound.
    """
    return engine._replace(
        kernels=CPU,
        compute_share=1.0,
        compute_share_16=1.0,
        vector_share=1.0,
        attention_share=1.0,
        matrix_rows=1.0,
        expert_tile=1.0,
        vector_rows=0.0,
        expert_rows=0.0,
        memory_share=_stated(own, "memory_share", engine.host_share),
        layer_launch=_stated(own, "layer_launch", engine.host_layer_time),
        sparse_launches=0.0,
        older_launches=1.0,
    )


def _stated(preset: Preset, key: str, other: float) -> float:
    """A figure that a preset states itself, else another one."""
    return preset.value(key) if is_stated(preset, key) else other


# How accelerators reach each other, and what their collectives take with measured kernels.

# How often a token is sent to its experts on other ranks.


def over_network(routing: Routing, nodes: int) -> float:
    """Copies of a token that leave its node: one for each other node with its experts."""
    places: float = nodes
    if routing.groups:
        places = formulas.step.limited_places(
            nodes=nodes, expert_groups=routing.groups, token_groups=routing.token_groups
        )
    return _forwarded(routing, places, nodes)


def over_links(routing: Routing, ranks: int, inside: int) -> float:
    """Copies of a token that go from one rank of a node to another: one for each rank with its experts."""
    return _forwarded(routing, ranks, inside)


def _forwarded(routing: Routing, places: float, peers: int) -> float:
    met = formulas.step.places_met(places=places, active_experts=routing.active)
    return formulas.step.forwarded_copies(places_met=met, peers=peers)
