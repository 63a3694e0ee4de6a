"""What stands in the rack: a model on accelerators under a stack, how fast it steps, and where it is well used."""

from typing import TYPE_CHECKING, NamedTuple

from infercost import formulas
from infercost.models import counting
from infercost.models.model import Model, arithmetic_format, bare_count
from infercost.parts.accelerator import called
from infercost.parts.bands import not_covered, unmeasured
from infercost.parts.formats import Format
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import part_under
from infercost.replica.layout import FREE, Layout
from infercost.replica.memory import AS_USUAL, Drafting, Plan, Start, plan, share_memory
from infercost.replica.work import Host, Offload, Split, split

if TYPE_CHECKING:  # a bare count has no checkpoint
    from infercost.models.find import Checkpoint

#: Nodes are of eight where nothing is known of the part's scale-up domain; a lone card is a domain of one.
USUAL_DOMAIN = 8


class Setup(NamedTuple):
    """A model on an accelerator under a stack: all that a plan needs but its layout.

    ``checkpoint`` is a named model's, None for a bare count; ``context`` and ``batch`` are what must fit, ``start`` is
    what the engine profiles its memory with.
    """

    checkpoint: "Checkpoint | None"
    model: Model
    part: Preset
    stack: Preset
    memory_key: str
    usable: float
    context: int
    batch: int = 1
    host: Host | None = None
    start: Start = AS_USUAL
    drafting: Drafting | None = None

    def plan(
        self, layout: Layout, model: Model | None = None, context: int | None = None, offload: Offload | None = None
    ) -> Plan:
        """What the fullest accelerator holds under a layout, with another model or context when asked.

        Of the ways to put a part into a host it is the one that is known, else the first after which the accelerators
        hold the rest, or the last: further ways only take more of the host.

        Raises:
            BadValue: a layout that no engine accepts.
        """
        chosen = model or self.model
        if self.host is None:
            return self._plan(layout, chosen, context)
        for way in (offload,) if offload else self.host.ways(chosen):
            made = self._plan(layout, chosen, context, split(chosen, way))._replace(host=self.host)
            if made.left >= 0:
                break
        return made

    def _plan(self, layout: Layout, model: Model, context: int | None, parts: Split | None = None) -> Plan:
        made = plan(
            parts.near if parts else model,
            layout,
            self.stack,
            device_memory=self.part.value(self.memory_key),
            usable=self.usable,
            context=self.context if context is None else context,
            batch=self.batch,
            # beside a part in the host the tables are counted with the accelerators', which is on the safe side
            start=self.start._replace(tables_in_host=self.start.tables_in_host and parts is None),
        )
        return share_memory(made._replace(model=model, split=parts), self.drafting)

    @property
    def domain(self) -> int:
        """Devices that tensor parallelism may span."""
        return int(self.part.facts["link_domain"].value) if "link_domain" in self.part.facts else USUAL_DOMAIN


class Rack(NamedTuple):
    """A setup in a layout, with the counts of its model; ``given`` is whether the count of devices was given.

    ``gpus_for_weights`` are the least devices that hold the weights alone, ``widths`` the parallel widths given,
    ``idle`` the devices given beside a lone replica that have no part in it.
    """

    setup: Setup
    plan: Plan
    params: float
    active_params: float
    weight_bytes: float
    gpus_for_weights: int
    given: bool = True
    widths: Layout = FREE
    idle: int = 0

    @property
    def place(self) -> str:
        """Its devices in a sentence: ``8 x h100-sxm``, of all that were given where some are idle."""
        of = f" of {self.devices + self.idle:,}" if self.idle else ""
        return counted(f"{self.devices:,}{of}", called(self.part))

    @property
    def model(self) -> Model:
        """The model: named, or a bare count of parameters."""
        return self.plan.model

    @property
    def part(self) -> Preset:
        """The accelerator, as the stack uses it."""
        return part_under(self.setup.part, self.setup.stack)

    @property
    def not_covered(self) -> str:
        """Why its numbers are no better than a bound; empty where the law of its stack was measured on such parts."""
        if engine := unmeasured(self.model.quantization.name):
            return f"no run of {engine} is known here"
        return not_covered(self.part, self.setup.stack, recurrent=self.model.is_recurrent)

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
    offload = rack.plan.split and rack.plan.split.offload
    if by_rule := setup.start.rule is not None:
        rack = rack._replace(plan=setup.plan(rack.plan.layout, offload=offload))
    least = formulas.memory.gpus_for_weights(
        weight_bytes=total, device_memory=rack.plan.device_memory, usable=rack.plan.usable
    )
    plan = rack.plan if by_rule else setup.plan(rack.plan.layout, offload=offload)
    return rack._replace(plan=plan, weight_bytes=total, gpus_for_weights=least)
