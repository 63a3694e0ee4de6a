"""What stands in the rack: a model on accelerators under a stack, how fast it steps, and where it is well used."""

from typing import TYPE_CHECKING, NamedTuple

from infercost import formulas
from infercost.models import counting
from infercost.models.model import Model, arithmetic_format, bare_count
from infercost.numeric import ceiling, name_of_largest
from infercost.parts.accelerator import Rate
from infercost.parts.formats import Format
from infercost.parts.preset import Preset
from infercost.parts.stack import law, part_under
from infercost.replica.layout import FREE, Layout
from infercost.replica.memory import Plan, plan
from infercost.replica.serving import Replica, step_parts
from infercost.replica.step import Parts, Speeds, step_time
from infercost.replica.work import Work, matrix_rate, work_of

if TYPE_CHECKING:  # a bare count is found nowhere
    from infercost.models.find import Found

#: Nodes are of eight where nothing is known of the part's scale-up domain; a lone card is a domain of one.
USUAL_DOMAIN = 8
#: No service decodes so many sequences in one step.
LARGEST_BATCH = 2**24


class Setup(NamedTuple):
    """A model on an accelerator under a stack: all that a plan needs but its layout.

    ``found`` is where a named model is from, None for a bare count; ``context`` and ``batch`` are what must fit.
    """

    found: "Found | None"
    model: Model
    part: Preset
    stack: Preset
    memory_key: str
    usable: float
    context: int
    batch: int = 1

    def plan(self, layout: Layout, model: Model | None = None, context: int | None = None) -> Plan:
        """What the fullest accelerator holds under a layout, with another model or context when asked.

        Raises:
            BadValue: a layout that no engine accepts.
        """
        return plan(
            model or self.model,
            layout,
            self.stack,
            device_memory=self.part.value(self.memory_key),
            usable=self.usable,
            context=self.context if context is None else context,
            batch=self.batch,
        )

    @property
    def domain(self) -> int:
        """Devices that tensor parallelism may span."""
        return int(self.part.facts["link_domain"].value) if "link_domain" in self.part.facts else USUAL_DOMAIN


class Rack(NamedTuple):
    """A setup in a layout, with the counts of its model; ``given`` is whether the count of devices was given.

    ``gpus_for_weights`` are the least devices that hold the weights alone, ``widths`` the parallel widths given.
    """

    setup: Setup
    plan: Plan
    params: float
    active_params: float
    weight_bytes: float
    gpus_for_weights: int
    given: bool = True
    widths: Layout = FREE

    @property
    def model(self) -> Model:
        """The model: named, or a bare count of parameters."""
        return self.plan.model

    @property
    def part(self) -> Preset:
        """The accelerator, as the stack uses it."""
        return part_under(self.setup.part, self.setup.stack)

    @property
    def format(self) -> Format:
        """The format in which most of the matrices compute."""
        return arithmetic_format(self.model.quantization)

    @property
    def devices(self) -> int:
        """Accelerators of one replica."""
        return self.plan.layout.devices

    @property
    def width(self) -> int:
        """Devices that work on a layer together."""
        return self.devices // self.plan.layout.pp


def recounted(rack: Rack) -> Rack:
    """The same rack, counted again from its model up: what ``--steps`` shows of it."""
    model, setup = rack.model, rack.setup
    if model.is_bare:
        bare_count(rack.params, rack.active_params, rack.format, model.depth, model.hidden_size)
    total = counting.weight_bytes(model)
    least = formulas.memory.gpus_for_weights(
        weight_bytes=total, device_memory=rack.plan.device_memory, usable=setup.usable
    )
    return rack._replace(plan=setup.plan(rack.plan.layout), weight_bytes=total, gpus_for_weights=least)


def reworked(running: "Running") -> "Running":
    """The same rack as it steps, its work summed again over the layers of its model: what ``--steps`` shows of it."""
    rack = recounted(running.rack)
    matrix_rate(rack.model, rack.part)
    work = work_of(rack.model, rack.plan.layout)
    return running._replace(rack=rack, replica=running.replica._replace(work=work))


class Running(NamedTuple):
    """A rack as it steps: the rate of its format, its replica under the stack, and the speeds that no stack beats."""

    rack: Rack
    rate: Rate
    replica: Replica
    bounds: Speeds

    @property
    def work(self) -> Work:
        """What one pass asks of the replica."""
        return self.replica.work

    @property
    def speeds(self) -> Speeds:
        """The accelerator's rates under the stack."""
        return self.replica.speeds

    def on(self, plan: Plan) -> "Running":
        """The same in another layout."""
        work = work_of(plan.model, plan.layout)
        return self._replace(rack=self.rack._replace(plan=plan), replica=self.replica._replace(work=work))


class Times(NamedTuple):
    """Seconds of one step and of its parts."""

    parts: Parts
    step: float

    @property
    def bound(self) -> str:
        """The part that takes longest."""
        sent = self.parts.communication
        return name_of_largest(
            {
                "memory": self.parts.memory,
                "compute": self.parts.compute,
                "communication": 0.0 if sent is None else sent,
                "latency": self.parts.overhead,
            }
        )


def step_times(running: Running, batch: float, tokens: int = 1, *, ideal: bool = False) -> Times:
    """The times of one step at a batch, so many tokens each, under the stack or, for the bound, under none."""
    rack = running.rack
    replica = running.replica._replace(speeds=running.bounds) if ideal else running.replica
    if not ideal and law(rack.setup.stack) != "roofline":
        from infercost.replica import erdil_2025

        stack, context = rack.setup.stack, rack.plan.context
        parts = erdil_2025.step_parts(rack.model, rack.part, stack, rack.devices, batch, context, tokens)
    else:
        parts = step_parts(replica, batch, rack.plan.context, tokens)
    return Times(parts, step_time(parts, replica.speeds.overlap))


def critical_batch(running: Running) -> float:
    """Batch at which the matrices' arithmetic takes as long as reading all of them, under the stack."""
    rack = running.rack
    return formulas.step.critical_batch(
        peak_flops=running.rate.fact.value,
        compute_share=rack.setup.stack.value("compute_share"),
        weight_bytes=rack.weight_bytes,
        memory_bandwidth=rack.part.value("memory_bandwidth"),
        memory_share=rack.setup.stack.value("memory_share"),
        flops_per_token=running.work.flops_per_token(),
    )


def full_batch(running: Running) -> int | None:
    """Least batch whose arithmetic takes as long as its reads, caches included; None if none does."""
    if not running.work.attending:
        return int(max(1, ceiling(critical_batch(running))))
    low, high = 0, 1
    while not _is_full(running, high):
        if high >= LARGEST_BATCH:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_full(running, middle) else (middle, high)
    return high


def _is_full(running: Running, batch: int) -> bool:
    parts = step_times(running, batch).parts
    return bool(parts.compute >= parts.memory)
