"""The step law ``erdil-2025``, of Erdil's later paper.

He splits every layer over all devices of a stage, in a line or as a square, tries a few pipeline depths, and takes
the fastest. Every device holds an even share of everything: KV heads are never copied, and widths need not be whole.
Whether the model fits is another question.
"""

from collections.abc import Mapping, Sequence
from math import ceil, inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.errors import BadValue, Missing
from infercost.formulas import erdil_2025
from infercost.formulas.formula import about, is_recording, not_recording
from infercost.models.model import Attention, Ffn, Model, arithmetic_format
from infercost.numeric import minimum
from infercost.parts.accelerator import rate_for
from infercost.parts.preset import Preset
from infercost.parts.stack import PROTOCOLS
from infercost.replica.work import Parts
from infercost.units import show


class Sizes2025(NamedTuple):
    """A model in his quantities, and what he counts from them: no norms, no router, two tables whether tied or not.

    ``sparsity`` is the experts for each that a token uses, rounded down.
    """

    layers: int
    hidden_size: int
    vocab_size: int
    heads: int
    kv_heads: int
    head_dim: int
    attention_params: int
    ffn_params: int
    matrices: int
    ffn_width: int
    experts: int
    active_experts: int
    sparsity: int
    bytes_per_param: float
    cache_elements: int
    cache_element_bytes: float
    active_params: float

    @property
    def head_bytes(self) -> float:
        """Bytes of the output head."""
        return erdil_2025.head_bytes(
            vocab_size=self.vocab_size, hidden_size=self.hidden_size, bytes_per_param=self.bytes_per_param
        )

    def cache_bytes(self, context: float) -> float:
        """Bytes of one sequence's cache."""
        return erdil_2025.cache_bytes(
            layers=self.layers,
            cache_elements=self.cache_elements,
            cache_element_bytes=self.cache_element_bytes,
            context=context,
        )

    def reduced_widths(self, square: bool) -> tuple[int, ...]:
        """Values of one token in each all-reduce of a layer: of the two outputs, and in a square of what is inside."""
        outputs = self.hidden_size, self.active_experts * self.hidden_size
        inner = self.active_experts * (self.matrices - 1) * self.ffn_width
        return (self.head_dim * (self.heads + 2 * self.kv_heads), inner, *outputs) if square else outputs


class Protocol2025(NamedTuple):
    """A way to send data: its share of the bandwidth and its latencies."""

    name: str
    share: float
    rank_latency: float
    node_latency: float
    base_latency: float


class Machine2025(NamedTuple):
    """A part and a profile in his quantities."""

    peak_flops: float
    compute_share: float
    memory_bandwidth: float
    memory_share: float
    link_bandwidth: float
    network_bandwidth: float
    domain: float
    protocols: tuple[Protocol2025, ...]
    kernel_launch: float
    serial_matmuls: int
    step_overhead: float


class Load2025(NamedTuple):
    """What a step works on: more than one token of each sequence when it verifies a draft."""

    devices: int
    batch: float
    context: float
    tokens: int = 1


class Layout2025(NamedTuple):
    """How a stage of so many devices splits its layers, and the ranks and nodes of one of its collectives."""

    square: bool
    width: float
    ranks: float
    rank_nodes: float
    stages: int

    @property
    def text(self) -> str:
        """The layout for people."""
        split = f"{self.width:.4g}-way tensor parallel" + (" in a square" if self.square else "")
        return split + (f", {self.stages} stages" if self.stages > 1 else "")


def sizes_2025(model: Model) -> Sizes2025:
    """A model in his quantities; its one precision is the mean of the layers' matrices.

    Raises:
        BadValue: layers of several kinds, or of a kind that he does not know.
    """
    attention, ffn = _one_kind(model)
    experts, active = ffn.experts or 1, ffn.active or 1
    each, sparsity = ffn.expert or ffn.dense, experts // active
    return Sizes2025(
        layers=model.depth,
        hidden_size=model.hidden_size,
        vocab_size=model.vocab_size,
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        attention_params=attention.split,
        ffn_params=each,
        matrices=each // (model.hidden_size * ffn.width),
        ffn_width=ffn.width,
        experts=experts,
        active_experts=active,
        sparsity=sparsity,
        bytes_per_param=_mean_bits(model, attention.split, experts * each) / 8,
        cache_elements=attention.cache,
        cache_element_bytes=model.kv_bits / 8,
        active_params=erdil_2025.later_active_params(
            layers=model.depth,
            grouped_query_params=attention.split,
            experts=experts,
            sparsity=sparsity,
            ffn_params=each,
            vocab_size=model.vocab_size,
            hidden_size=model.hidden_size,
        ),
    )


def _one_kind(model: Model) -> tuple[Attention, Ffn]:
    kinds = {(layer.attention, layer.ffn) for layer in model.layers}
    attention, ffn = next(iter(kinds))
    if len(kinds) > 1 or not _is_plain(model, attention) or ffn.shared or bool(ffn.dense) == bool(ffn.experts):
        what = f"the law erdil-2025 knows layers all alike, of full attention; {model.name} has others"
        raise BadValue(what, "choose another profile: --efficiency realistic")
    return attention, ffn


def _is_plain(model: Model, attention: Attention) -> bool:
    """Whether attention is full and grouped-query, with the four matrices that he counts and no more."""
    if attention.kind != "full" or attention.copied or attention.index_cache:
        return False
    return attention.split == formulas.layer.grouped_query_params(
        hidden_size=model.hidden_size,
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        v_head_dim=attention.head_dim,
    )


def _mean_bits(model: Model, attention: int, ffn: int) -> float:
    bits = model.quantization.of
    part = "experts" if model.layers[0].ffn.experts else "ffn"
    return (attention * bits("attention") + ffn * bits(part)) / (attention + ffn)


def machine_2025(model: Model, part: Preset, profile: Preset, devices: int) -> Machine2025:
    """A part and a profile in his quantities; where a part's node or network is not known, all devices share one node.

    Raises:
        Missing: a figure that the law needs is not in a preset.
    """
    figure, share = profile.value, profile.value("link_share")
    link = part.value("link_bandwidth") * share if devices > 1 else 0.0  # one device sends nothing
    apart = {"network_bandwidth", "link_domain"} <= part.facts.keys()
    return Machine2025(
        peak_flops=rate_for(part, arithmetic_format(model.quantization)).fact.value,
        compute_share=figure("compute_share"),
        memory_bandwidth=part.value("memory_bandwidth"),
        memory_share=figure("memory_share"),
        link_bandwidth=link,
        network_bandwidth=part.value("network_bandwidth") * share if apart else link,
        domain=part.value("link_domain") if apart else devices,
        protocols=tuple(_protocol(profile, name) for name in PROTOCOLS),
        kernel_launch=figure("kernel_launch"),
        serial_matmuls=int(figure("serial_matmuls")),
        step_overhead=figure("step_overhead"),
    )


def _protocol(profile: Preset, name: str) -> Protocol2025:
    latencies = (profile.value(f"{name}_{which}_latency") for which in ("rank", "node", "base"))
    return Protocol2025(name, profile.value(f"{name}_share"), *latencies)


#: Bytes of one activation: the notebook's, for every model of the paper.
ACTIVATION_BYTES = 2
#: Times that a collective goes over its data: a sum that all ranks learn, or one stage's output for the next.
REDUCE, HAND_OVER = 2, 1


def bytes_moved(sizes: Sizes2025, load: Load2025, layout: Layout2025) -> float:
    """Bytes of weights, activations and cache that the whole machine moves for one step."""
    tokens = load.batch / layout.stages * load.tokens
    parts = {"row_parts": layout.ranks, "column_parts": layout.ranks if layout.square else 1.0}
    layer = erdil_2025.layer_traffic(
        grouped_query_params=sizes.attention_params,
        bytes_per_param=sizes.bytes_per_param,
        attention_activations=erdil_2025.attention_activations(
            tokens=tokens,
            hidden_size=sizes.hidden_size,
            heads=sizes.heads,
            kv_heads=sizes.kv_heads,
            head_dim=sizes.head_dim,
            activation_bytes=ACTIVATION_BYTES,
            **parts,
        ),
        ffn_traffic=_ffn_traffic(sizes, tokens, parts),
    )
    return erdil_2025.later_bytes_read(
        stages=layout.stages,
        layers=sizes.layers,
        layer_traffic=layer,
        head_bytes=sizes.head_bytes,
        cache_bytes=sizes.cache_bytes(load.context),
        batch=load.batch,
    )


def _ffn_traffic(sizes: Sizes2025, tokens: float, parts: Mapping[str, float]) -> float:
    activations = erdil_2025.ffn_activations(
        tokens=tokens,
        sparsity=sizes.sparsity,
        hidden_size=sizes.hidden_size,
        ffn_width=sizes.ffn_width,
        activation_bytes=ACTIVATION_BYTES,
        **parts,
    )
    return erdil_2025.ffn_traffic(
        experts_hit=formulas.layer.experts_hit(
            experts=sizes.experts, active_experts=sizes.experts / sizes.sparsity, tokens=tokens
        ),
        matrices=sizes.matrices,
        hidden_size=sizes.hidden_size,
        ffn_width=sizes.ffn_width,
        bytes_per_param=sizes.bytes_per_param,
        ffn_activations=activations,
    )


def communication_time(sizes: Sizes2025, machine: Machine2025, load: Load2025, layout: Layout2025) -> float:
    """Seconds of all collectives of one step."""
    tokens = load.batch / layout.stages * load.tokens
    reduce = hand_over = 0.0
    if layout.ranks > 1:
        widths = sizes.reduced_widths(layout.square)
        messages = {width: _message(tokens, width, layout.width / layout.ranks) for width in dict.fromkeys(widths)}
        times = _collective_times(machine, REDUCE, (layout.ranks, layout.rank_nodes), messages)
        reduce = sum(times[width] for width in widths)
    if layout.stages > 1:
        message = {0: _message(tokens, sizes.hidden_size, layout.width)}
        hand_over = _collective_times(machine, HAND_OVER, (2, 2), message)[0]
    return erdil_2025.later_communication_time(
        layers=sizes.layers, layer_reduce_time=reduce, stages=layout.stages, stage_hand_over_time=hand_over
    )


def _message(tokens: float, width: float, beside: float) -> float:
    return erdil_2025.reduced_message(
        tokens=tokens, reduced_width=width, activation_bytes=ACTIVATION_BYTES, parallel_reduces=beside
    )


def _collective_times(
    machine: Machine2025, passes: int, spread: tuple[float, float], messages: Mapping[int, float]
) -> dict[int, float]:
    """Seconds of collectives over so many ranks on so many nodes, each under the protocol that is fastest for it."""
    if is_recording():
        return {width: _shown(machine, passes, spread, message) for width, message in messages.items()}
    latencies = [_latency(protocol, passes, spread) for protocol in machine.protocols]
    return {
        width: minimum(
            *(
                latency + _transfer_time(machine, protocol, passes, spread, message)
                for protocol, latency in zip(machine.protocols, latencies, strict=True)
            )
        )
        for width, message in messages.items()
    }


def _shown(machine: Machine2025, passes: int, spread: tuple[float, float], message: float) -> float:
    """The same of one collective, where only the work of the fastest protocol is recorded, under its name."""

    def time(protocol: Protocol2025) -> float:
        return _latency(protocol, passes, spread) + _transfer_time(machine, protocol, passes, spread, message)

    with not_recording():
        fastest = min(machine.protocols, key=time)
    what = "all-reduce" if passes == REDUCE else "hand-over"
    with about(f"{what} of {show(message, 'B')} by {fastest.name}"):
        return time(fastest)


def _latency(protocol: Protocol2025, passes: int, spread: tuple[float, float]) -> float:
    return erdil_2025.protocol_latency(
        passes=passes,
        group=spread[0],
        group_nodes=spread[1],
        rank_latency=protocol.rank_latency,
        node_latency=protocol.node_latency,
        base_latency=protocol.base_latency,
    )


def _transfer_time(
    machine: Machine2025, protocol: Protocol2025, passes: int, spread: tuple[float, float], message: float
) -> float:
    return erdil_2025.collective_transfer_time(
        passes=passes,
        message_bytes=message,
        group=spread[0],
        protocol_share=protocol.share,
        group_nodes=spread[1],
        link_bandwidth=machine.link_bandwidth,
        network_bandwidth=machine.network_bandwidth,
    )


#: Pipeline depths that the notebook tries.
STAGES = (1, 2, 4, 6)


class Times2025(NamedTuple):
    """Seconds of the parts of one step, and the layout that is fastest."""

    compute: float
    memory: float
    communication: float
    launch: float
    step: float
    layout: str


def step_parts(
    model: Model, part: Preset, profile: Preset, devices: int, batch: float, context: float, tokens: int = 1
) -> Parts:
    """The parts of a step as other laws have them: all that the rest of the package asks of this one.

    Raises:
        Missing: a bare count, which has no layers, or a figure that the law needs is not in a preset.
        BadValue: a model that the law does not know.
    """
    if model.is_bare:
        raise Missing(f"profile {profile.name} needs layers: a bare count has none", "--model llama-3.1-70b")
    times = step_2025(model, part, profile, devices, batch, context, tokens)
    return Parts(times.compute, times.memory, 0.0, 0.0, 0.0, times.communication, times.launch)


def step_2025(
    model: Model, part: Preset, profile: Preset, devices: int, batch: float, context: float, tokens: int = 1
) -> Times2025:
    """The times of one step of a model on so many devices, in the layout that is fastest by his law.

    Raises:
        BadValue: a model that the law does not know.
        Missing: a figure that the law needs is not in a preset.
    """
    machine = machine_2025(model, part, profile, devices)
    return fastest_2025(sizes_2025(model), machine, Load2025(devices, batch, context, tokens))


def fastest_2025(sizes: Sizes2025, machine: Machine2025, load: Load2025) -> Times2025:
    """The times of one step in the layout that makes it shortest; where work is recorded, of that layout alone."""
    if not isinstance(load.batch, (int, float)):
        return _of_each(sizes, machine, load)
    layouts = _layouts(machine, load)
    if not is_recording():
        return _search(sizes, machine, load, layouts)[0]
    with not_recording():
        best = _search(sizes, machine, load, layouts)[1]
    return _search(sizes, machine, load, [best])[0]


def _search(
    sizes: Sizes2025, machine: Machine2025, load: Load2025, layouts: Sequence[Layout2025]
) -> tuple[Times2025, Layout2025]:
    """The shortest step of some layouts; collectives are not priced where the rest alone takes longer."""
    compute = _compute_time(sizes, machine, load)
    overhead, best, least = _overhead(sizes, machine), layouts[0], inf
    for layout in layouts:
        memory = _memory_time(machine, load, bytes_moved(sizes, load, layout))
        if max(compute, memory) + overhead < least:
            sending = communication_time(sizes, machine, load, layout)
            step = _together(compute, memory, sending, overhead)
            if step < least:
                least, best = step, layout
                times = Times2025(compute, memory, sending, overhead, step, layout.text)
    return times, best


def _of_each(sizes: Sizes2025, machine: Machine2025, load: Load2025) -> Times2025:
    """The shortest step of each of an array of batches; their layouts differ, and none is named."""
    import numpy

    batches: Any = load.batch
    compute, overhead = _compute_time(sizes, machine, load), _overhead(sizes, machine)
    moving: Any = inf
    sending: Any = inf
    least: Any = numpy.full(batches.shape, inf)
    for layout in _layouts(machine, load._replace(batch=batches.max())):
        memory = _memory_time(machine, load, bytes_moved(sizes, load, layout))
        sent = communication_time(sizes, machine, load, layout)
        step = _together(compute, memory, sent, overhead)
        faster = (step < least) & ((batches >= layout.stages) | (layout.stages == 1))
        chosen = ((memory, moving), (sent, sending), (step, least))
        moving, sending, least = (numpy.where(faster, new, old) for new, old in chosen)
    return Times2025(compute, moving, sending, overhead, least, "")


def _overhead(sizes: Sizes2025, machine: Machine2025) -> float:
    """Seconds that a step waits for its matrix multiplications to be launched, and once more."""
    launch = erdil_2025.launch_time(
        layers=sizes.layers, serial_matmuls=machine.serial_matmuls, kernel_launch=machine.kernel_launch
    )
    return launch + machine.step_overhead


def _together(compute: float, memory: float, sending: float, overhead: float) -> float:
    """Arithmetic and reads overlap, all operators as one; collectives and launches wait."""
    return formulas.step.operator_overlap_step(
        matrix_time=formulas.step.operator_time(compute_time=compute, memory_time=memory),
        attention_time=0,
        communication_time=sending,
        overhead_time=overhead,
    )


def _layouts(machine: Machine2025, load: Load2025) -> list[Layout2025]:
    """The layouts that the notebook tries; one whose ranks are fewer than its nodes it refuses."""
    made = []
    for stages in STAGES:
        if stages == 1 or stages <= min(load.devices, load.batch):
            width = load.devices / stages
            nodes = ceil(width / machine.domain)
            made.append(Layout2025(False, width, width, nodes, stages))
            made.append(Layout2025(True, width, width**0.5, nodes**0.5, stages))
    return [layout for layout in made if layout.rank_nodes <= max(1, layout.ranks)]


def _compute_time(sizes: Sizes2025, machine: Machine2025, load: Load2025) -> float:
    flops = erdil_2025.later_flops_per_token(
        later_active_params=sizes.active_params,
        heads=sizes.heads,
        head_dim=sizes.head_dim,
        layers=sizes.layers,
        context=load.context,
    )
    return formulas.step.compute_time(
        flops_per_token=flops,
        batch=load.batch * load.tokens,
        devices=load.devices,
        peak_flops=machine.peak_flops,
        compute_share=machine.compute_share,
    )


def _memory_time(machine: Machine2025, load: Load2025, moved: float) -> float:
    return formulas.step.memory_time(
        bytes_read=moved,
        devices=load.devices,
        memory_bandwidth=machine.memory_bandwidth,
        memory_share=machine.memory_share,
    )
