"""The step law ``erdil-2025``, of Erdil's later paper.

He splits every layer over all devices of a stage, in a line or as a square, tries a few pipeline depths, and takes
the fastest. Every device holds an even share of everything: KV heads are never copied, and widths need not be whole.
Whether the model fits is another question.

The law is a chain of formulas over quantities by name: each takes its inputs from them, and adds its value.
"""

from collections.abc import Callable, Mapping
from functools import cache
from inspect import signature
from math import ceil, inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.formulas import erdil_2025
from infercost.formulas.formula import solved
from infercost.models.model import Model, arithmetic_format
from infercost.numeric import minimum
from infercost.parts.accelerator import rate_for
from infercost.parts.preset import Preset
from infercost.parts.stack import PROTOCOLS
from infercost.replica.work import Parts

#: Pipeline depths that the notebook tries.
STAGES = (1, 2, 4, 6)
#: Bytes of one activation: the notebook's, for every model of the paper.
ACTIVATION_BYTES = 2
#: Times that a collective goes over its data: a sum that all ranks learn, or one stage's output for the next.
REDUCE, HAND_OVER = 2, 1
#: From the weights, activations and cache of one layer to the bytes that the whole machine moves for one step.
READS = (
    erdil_2025.attention_activations,
    erdil_2025.ffn_activations,
    formulas.layer.experts_hit,
    erdil_2025.ffn_traffic,
    erdil_2025.layer_traffic,
    erdil_2025.head_bytes,
    erdil_2025.cache_bytes,
    erdil_2025.later_bytes_read,
)
#: Quantities by name: numbers in base units, or an array with one a batch.
Values = Mapping[str, Any]


class Law2025(NamedTuple):
    """A model, an accelerator and a step in his quantities; tokens of a sequence in the step; devices of a node.

    ``protocols`` are the share of the bandwidth that each reaches, and its latencies.
    """

    values: Values
    tokens: int
    domain: float
    protocols: Mapping[str, tuple[float, Values]]


class Layout2025(NamedTuple):
    """How a stage of so many devices splits its layers, and the ranks and nodes of one of its collectives."""

    square: bool
    width: float
    ranks: float
    nodes: float
    stages: int

    @property
    def text(self) -> str:
        """The layout for people."""
        split = f"{self.width:.4g}-way tensor parallel" + (" in a square" if self.square else "")
        return split + (f", {self.stages} stages" if self.stages > 1 else "")


class Times2025(NamedTuple):
    """Seconds of the parts of one step, and its layout; None for an array of batches, whose layouts differ."""

    compute: float
    memory: float
    communication: float
    launch: float
    step: float
    layout: Layout2025 | None


def step_parts(
    model: Model, part: Preset, profile: Preset, devices: int, batch: float, context: float, tokens: int = 1
) -> Parts:
    """The parts of a step as other laws have them: all that the rest of the package asks of this one.

    Raises:
        Missing: a figure that the law needs is not in a preset.
        BadValue: a model that the law does not know, a bare count among them.
    """
    times = step_2025(model, part, profile, devices, batch, context, tokens)
    return Parts(times.compute, times.memory, 0.0, 0.0, 0.0, times.communication, times.launch)


def step_2025(
    model: Model, part: Preset, profile: Preset, devices: int, batch: float, context: float, tokens: int = 1
) -> Times2025:
    """The times of one step in the layout that is fastest by his law.

    More than one token of each sequence is in a step that verifies a draft.

    Raises:
        BadValue: a model that the law does not know.
        Missing: a figure that the law needs is not in a preset.
    """
    law = _law(model, part, profile, devices, batch, context, tokens)
    if not isinstance(batch, (int, float)):
        return _of_each(law, batch)
    layouts = {layout.text: layout for layout in _layouts(law, batch)}
    return _times(law, layouts[_fastest_layout(law, layouts)])


@solved("later_layout", equation="t is shortest", source=erdil_2025.LATER)
def _fastest_layout(law: Law2025, layouts: Mapping[str, Layout2025]) -> str:
    return min(layouts, key=lambda name: _times(law, layouts[name]).step)


def use(formula: Callable[..., Any], values: Values, **changed: Any) -> Any:
    """The value of a formula for inputs by name, some of them changed."""
    return formula(**{name: changed[name] if name in changed else values[name] for name in _inputs(formula)})


@cache
def _inputs(formula: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(signature(formula).parameters)


def sizes_2025(model: Model) -> dict[str, Any]:
    """A model in his quantities: no norms, no router, two tables whether tied or not, one mean precision of layers.

    Raises:
        BadValue: layers of several kinds, or of a kind that he does not know.
    """
    layer = model.layers[0]
    attention, ffn, bits = layer.attention, layer.ffn, model.quantization.of
    experts, active, each = ffn.experts or 1, ffn.active or 1, ffn.expert or ffn.dense
    sizes = {
        "layers": model.depth,
        "hidden_size": model.hidden_size,
        "vocab_size": model.vocab_size,
        "heads": attention.heads,
        "kv_heads": attention.kv_heads,
        "head_dim": attention.head_dim,
        "v_head_dim": attention.head_dim,
        "grouped_query_params": attention.split,
        "cache_elements": attention.cache,
        "cache_element_bytes": model.kv_bits / 8,
        "experts": experts,
        "active_experts": active,
        "sparsity": experts // active,
        "ffn_params": each,
        "ffn_width": ffn.width,
        "activation_bytes": ACTIVATION_BYTES,
    }
    _check_layers(model, sizes)
    whole = attention.split + experts * each
    weighted = attention.split * bits("attention") + experts * each * bits("experts" if ffn.experts else "ffn")
    sizes |= {"matrices": each // (model.hidden_size * ffn.width), "bytes_per_param": weighted / whole / 8}
    return sizes | {"later_active_params": use(erdil_2025.later_active_params, sizes)}


def _check_layers(model: Model, sizes: Values) -> None:
    """Refuse layers but those of full grouped-query attention, with the four matrices that he counts, all alike."""
    kinds = {(layer.attention, layer.ffn) for layer in model.layers}
    attention, ffn = next(iter(kinds))
    plain = len(kinds) == 1 and attention.kind == "full" and not attention.copied and not attention.index_cache
    plain = plain and attention.split == use(formulas.layer.grouped_query_params, sizes)
    if not plain or ffn.shared or bool(ffn.dense) == bool(ffn.experts):
        what = f"the law erdil-2025 knows layers all alike, of full attention: not {model.name}"
        raise BadValue(what, "choose another profile, --efficiency realistic, or a model, --model llama-3.1-70b")


def _law(
    model: Model, part: Preset, profile: Preset, devices: int, batch: float, context: float, tokens: int
) -> Law2025:
    """All quantities of a step but for its layout; without a known node or network all devices share one node."""
    figure, share = profile.value, profile.value("link_share")
    link = part.value("link_bandwidth") * share if devices > 1 else 0.0  # one device sends nothing
    apart = {"network_bandwidth", "link_domain"} <= part.facts.keys()
    protocols = {name: _protocol(profile, name) for name in PROTOCOLS}
    values = {
        "devices": devices,
        "batch": batch,
        "context": context,
        "peak_flops": rate_for(part, arithmetic_format(model.quantization)).fact.value,
        "memory_bandwidth": part.value("memory_bandwidth"),
        "link_bandwidth": link,
        "network_bandwidth": part.value("network_bandwidth") * share if apart else link,
        **{key: figure(key) for key in ("compute_share", "memory_share", "kernel_launch", "step_overhead")},
        "serial_matmuls": int(figure("serial_matmuls")),
    }
    values |= sizes_2025(model)
    flops = use(erdil_2025.later_flops_per_token, values)
    values["compute_time"] = use(formulas.step.compute_time, values, flops_per_token=flops, batch=batch * tokens)
    values["overhead_time"] = use(erdil_2025.launch_time, values) + values["step_overhead"]
    return Law2025(values, tokens, part.value("link_domain") if apart else devices, protocols)


def _protocol(profile: Preset, name: str) -> tuple[float, Values]:
    latencies = ("rank_latency", "node_latency", "base_latency")
    return profile.value(f"{name}_share"), {key: profile.value(f"{name}_{key}") for key in latencies}


def _layouts(law: Law2025, batch: float) -> list[Layout2025]:
    """The layouts that the notebook tries; one whose ranks are fewer than its nodes it refuses."""
    devices, layouts = law.values["devices"], []
    for stages in STAGES:
        if stages == 1 or stages <= min(devices, batch):
            width = devices / stages
            nodes = ceil(width / law.domain)
            layouts.append(Layout2025(False, width, width, nodes, stages))
            layouts.append(Layout2025(True, width, width**0.5, nodes**0.5, stages))
    return [layout for layout in layouts if layout.nodes <= max(1, layout.ranks)]


def _of_each(law: Law2025, batches: Any) -> Times2025:
    """The shortest step of each of an array of batches."""
    import numpy

    best: Any = (0.0, 0.0, numpy.full(batches.shape, inf))
    for layout in _layouts(law, batches.max()):
        times = _times(law, layout)
        faster = (times.step < best[-1]) & ((batches >= layout.stages) | (layout.stages == 1))
        new = times.memory, times.communication, times.step
        best = [numpy.where(faster, *each) for each in zip(new, best, strict=True)]
    return Times2025(law.values["compute_time"], best[0], best[1], law.values["overhead_time"], best[2], None)


def _times(law: Law2025, layout: Layout2025) -> Times2025:
    """The times of a step in one layout: arithmetic and reads overlap, all operators as one; the rest waits."""
    values = {
        **law.values,
        "stages": layout.stages,
        "tokens": law.values["batch"] / layout.stages * law.tokens,
        "row_parts": layout.ranks,
        "column_parts": layout.ranks if layout.square else 1.0,
    }
    moved = {**values, "active_experts": values["experts"] / values["sparsity"]}
    for formula in READS:
        moved[formula.__name__] = use(formula, moved)
    memory = use(formulas.step.memory_time, values, bytes_read=moved["later_bytes_read"])
    communication = _communication_time(law, values, layout)
    step = formulas.step.operator_overlap_step(
        matrix_time=use(formulas.step.operator_time, values, memory_time=memory),
        attention_time=0,
        communication_time=communication,
        overhead_time=values["overhead_time"],
    )
    return Times2025(values["compute_time"], memory, communication, values["overhead_time"], step, layout)


def _communication_time(law: Law2025, values: Values, layout: Layout2025) -> Any:
    """Seconds of all collectives of one step."""
    reduce = hand_over = 0.0
    hidden, active = values["hidden_size"], values["active_experts"]
    if layout.ranks > 1:
        # values of one token in each all-reduce of a layer: the two outputs, and in a square what is inside
        widths = [hidden, active * hidden]
        if layout.square:
            inner = active * (values["matrices"] - 1) * values["ffn_width"]
            widths = [values["head_dim"] * (values["heads"] + 2 * values["kv_heads"]), inner, *widths]
        messages = {width: _message(values, width, layout.width / layout.ranks) for width in dict.fromkeys(widths)}
        among = {"passes": REDUCE, "group": layout.ranks, "group_nodes": layout.nodes}
        times = {width: _collective_time(law, among, message) for width, message in messages.items()}
        reduce = sum(times[width] for width in widths)
    if layout.stages > 1:
        between = {"passes": HAND_OVER, "group": 2, "group_nodes": 2}
        hand_over = _collective_time(law, between, _message(values, hidden, layout.width))
    return use(erdil_2025.later_communication_time, values, layer_reduce_time=reduce, stage_hand_over_time=hand_over)


def _message(values: Values, width: float, beside: float) -> Any:
    return use(erdil_2025.reduced_message, values, reduced_width=width, parallel_reduces=beside)


def _collective_time(law: Law2025, spread: Values, message: Any) -> Any:
    """Seconds of one collective under the protocol that is fastest for it."""
    if not isinstance(message, (int, float)):
        return minimum(*(_protocol_time(law, spread, name, message) for name in law.protocols))
    return _protocol_time(law, spread, _fastest_protocol(law, spread, message_bytes=message), message)


@solved("protocol", equation="t_α + t_β is shortest", source=erdil_2025.LATER)
def _fastest_protocol(law: Law2025, spread: Values, *, message_bytes: float) -> str:
    return min(law.protocols, key=lambda name: _protocol_time(law, spread, name, message_bytes))


def _protocol_time(law: Law2025, spread: Values, name: str, message: Any) -> Any:
    share, latencies = law.protocols[name]
    return erdil_2025.protocol_latency(**spread, **latencies) + erdil_2025.collective_transfer_time(
        **spread,
        message_bytes=message,
        protocol_share=share,
        link_bandwidth=law.values["link_bandwidth"],
        network_bandwidth=law.values["network_bandwidth"],
    )
