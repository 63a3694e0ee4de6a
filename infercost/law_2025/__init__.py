"""The step law ``erdil-2025``, of Erdil's later paper.

He splits every layer over all devices of a stage, in a line or as a square, tries a few pipeline depths, and takes
the fastest. Every device holds an even share of everything: KV heads are never copied, and widths need not be whole.
Whether the model fits is another question.
"""

from collections.abc import Sequence
from math import ceil, inf
from typing import Any, NamedTuple

from infercost.derivation import is_recording, not_recording
from infercost.engine import communication, later_paper, roofline
from infercost.law_2025.sizes import Layout2025, Load2025, Machine2025, Sizes2025, machine_2025, sizes_2025
from infercost.law_2025.traffic import bytes_moved, communication_time
from infercost.model import Model
from infercost.preset import Preset

#: Pipeline depths that the notebook tries.
STAGES = (1, 2, 4, 6)
#: All-reduces of a layer in the short law of section 2.2.
SHORT_COLLECTIVES = 4


class Times2025(NamedTuple):
    """Seconds of the parts of one step, and the layout that is fastest."""

    compute: float
    memory: float
    communication: float
    launch: float
    step: float
    layout: str


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


def short_step_2025(model: Model, part: Preset, profile: Preset, devices: int, batch: float) -> float:
    """Seconds of a step by the short law of section 2.2, for which every expert works and no context is read.

    Raises:
        BadValue: a model that the law does not know.
        Missing: a figure that the law needs is not in a preset.
    """
    sizes, machine = sizes_2025(model), machine_2025(model, part, profile, devices)
    load = Load2025(devices, batch, 0)
    reduce = later_paper.grid_reduce_time(
        devices=devices,
        grid_hop_latency=profile.value("grid_hop_latency"),
        grid_base_latency=profile.value("grid_base_latency"),
    )
    compute = _compute_time(sizes, machine, load, sizes.total_params)
    memory = _memory_time(machine, load, sizes.total_params * sizes.bytes_per_param)
    sending = communication.communication_time(
        collectives=sizes.layers * SHORT_COLLECTIVES,
        all_reduce_time=reduce,
        exchanges=0,
        all_to_all_time=0,
        hand_over_time=0,
    )
    return _together(compute, memory, sending, 0)


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
    compute = _compute_time(sizes, machine, load, sizes.active_params)
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
    compute, overhead = _compute_time(sizes, machine, load, sizes.active_params), _overhead(sizes, machine)
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
    launch = later_paper.launch_time(
        layers=sizes.layers, serial_matmuls=machine.serial_matmuls, kernel_launch=machine.kernel_launch
    )
    return launch + machine.step_overhead


def _together(compute: float, memory: float, sending: float, overhead: float) -> float:
    """Arithmetic and reads overlap, all operators as one; collectives and launches wait."""
    return roofline.operator_overlap_step(
        matrix_time=roofline.operator_time(compute_time=compute, memory_time=memory),
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


def _compute_time(sizes: Sizes2025, machine: Machine2025, load: Load2025, params: float) -> float:
    flops = later_paper.later_flops_per_token(
        active_params=params,
        heads=sizes.heads,
        head_dim=sizes.head_dim,
        layers=sizes.layers,
        context=load.context,
    )
    return roofline.compute_time(
        flops_per_token=flops,
        batch=load.batch * load.tokens,
        devices=load.devices,
        peak_flops=machine.peak_flops,
        compute_share=machine.compute_share,
    )


def _memory_time(machine: Machine2025, load: Load2025, moved: float) -> float:
    return roofline.memory_time(
        bytes_read=moved,
        devices=load.devices,
        memory_bandwidth=machine.memory_bandwidth,
        memory_share=machine.memory_share,
    )
