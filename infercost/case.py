"""A model on accelerators under a profile: what every question about a step has in common."""

from typing import TYPE_CHECKING, NamedTuple

from infercost.commands import SERVED
from infercost.efficiency import part_under
from infercost.engine import memory
from infercost.errors import BadValue, Missing
from infercost.formats import FORMATS, Format, arithmetic_format
from infercost.hardware import MEMORY_BASES, memory_key
from infercost.preset import Preset
from infercost.question import Asked, read_part, read_profile
from infercost.report import Note
from infercost.units import show

if TYPE_CHECKING:  # a bare count needs neither
    from infercost.model import Model
    from infercost.plan import Plan
    from infercost.served import Asking

#: One multiply and one add for each parameter and token.
FLOPS_PER_PARAM = 2


class Case(NamedTuple):
    """Plain numbers in base units, read once from the options and the presets."""

    part: Preset
    profile: Preset
    format: Format
    params: float
    active_params: float
    weight_bytes: float
    memory_key: str
    device_memory: float
    usable: float
    gpus_for_weights: int
    devices: int
    devices_given: bool
    plan: "Plan | None" = None

    @property
    def model(self) -> "Model | None":
        """The named model, or None for a bare count."""
        return self.plan.model if self.plan else None

    @property
    def context(self) -> float:
        """Tokens of context that each sequence holds; a bare count has none."""
        return self.plan.context if self.plan else 0

    @property
    def stages(self) -> int:
        """Pipeline stages, which take turns on parts of the batch."""
        return self.plan.layout.pp if self.plan else 1

    @property
    def width(self) -> int:
        """Devices that work on a layer together."""
        return self.devices // self.stages

    @property
    def is_sparse(self) -> bool:
        """Whether a token chooses some parameters, so that what a step reads depends on the routing."""
        if self.model:
            return any(layer.ffn.experts for layer in self.model.layers)
        return self.active_params < self.params

    @property
    def active_share(self) -> float:
        """Share of the parameters that one token uses."""
        return self.active_params / self.params

    @property
    def fits(self) -> bool:
        """Whether the devices hold the weights, and a named model's reserves and cache beside them."""
        return self.plan.fits if self.plan else self.devices >= self.gpus_for_weights


def read_case(asked: Asked) -> Case:
    """The model and the devices of a question.

    Raises:
        Missing: no accelerator, no model, or a figure that the preset lacks.
        BadValue: more active parameters than parameters, two different counts of devices.
    """
    if "model" in asked.given:
        return _read_model_case(asked)
    refuse_served(asked)
    part, counted = read_part(asked, asked.need("gpu", "--gpu h100"))
    asked.inputs[-1] = asked.inputs[-1]._replace(value=part.name)
    params, active, format = _read_count(asked)
    profile = read_profile(asked, "ideal")
    key = memory_key(part, nominal=profile.labels.get("memory") == "nominal")
    asked.use(part, key)
    usable = asked.take("usable", profile.value("usable"), f"by profile {profile.name}")
    total = memory.weight_bytes(params=params, bytes_per_param=format.bytes_per_value)
    least = memory.gpus_for_weights(weight_bytes=total, device_memory=part.value(key), usable=usable)
    return Case(
        part=part_under(part, profile),
        profile=profile,
        format=format,
        params=params,
        active_params=active,
        weight_bytes=total,
        memory_key=key,
        device_memory=part.value(key),
        usable=usable,
        gpus_for_weights=least,
        devices=_devices(asked, counted, least),
        devices_given="gpus" in asked.given or counted is not None,
    )


def _read_model_case(asked: Asked) -> Case:
    """A named model: counts from its architecture, devices and cache from its plan."""
    from infercost.served import choose, read_asking

    if stray := [name for name in ("params", "active_params", "layers", "hidden_size") if name in asked.given]:
        raise BadValue(f"--model says {', '.join(stray)} already", "give the model, or the bare count")
    asking, counted = read_asking(asked)
    return case_of(asking, choose(asked, asking, counted), "gpus" in asked.given or counted is not None)


def case_of(asking: "Asking", chosen: "Plan", devices_given: bool = True) -> Case:
    """The case of a model under a plan that was made for it."""
    from infercost import counting

    total = counting.weight_bytes(asking.model)
    least = memory.gpus_for_weights(weight_bytes=total, device_memory=chosen.device_memory, usable=asking.usable)
    return Case(
        part=part_under(asking.part, asking.profile),
        profile=asking.profile,
        format=arithmetic_format(asking.model.quantization),
        params=counting.total_params(asking.model),
        active_params=counting.active_params(asking.model),
        weight_bytes=total,
        memory_key=asking.memory_key,
        device_memory=chosen.device_memory,
        usable=asking.usable,
        gpus_for_weights=least,
        devices=chosen.layout.devices,
        devices_given=devices_given,
        plan=chosen,
    )


def refuse_served(asked: Asked) -> None:
    """Refuse what only a named model has.

    Raises:
        Missing: a context, a cache format or a layout for a bare count.
    """
    if stray := [name for name in asked.given if name in SERVED]:
        raise Missing(
            f"{', '.join(stray)} needs --model: a bare count has no layers", "for example --model llama-3.1-70b"
        )


def _read_count(asked: Asked) -> tuple[float, float, Format]:
    """A bare model: its parameters, those that one token uses, and the format that stores them."""
    params = asked.need("params", "--params 70B")
    active = asked.take("active_params") or params
    if active > params:
        raise BadValue(
            f"--active-params {show(active, 'param')} is more than --params {show(params, 'param')}",
            "give the parameters that one token uses",
        )
    return params, active, asked.take("dtype", FORMATS["8bit"], "8-bit weights")


def _devices(asked: Asked, counted: int | None, least: int) -> int:
    given = asked.get("gpus")
    if counted is not None and given not in (None, counted):
        raise BadValue(f"--gpu NAME:{counted} and --gpus {given} disagree", "give the count once")
    return int(
        asked.take("gpus", counted or least, f"by --gpu NAME:{counted}" if counted else "least that hold the weights")
    )


def misfit(case: Case) -> str:
    """The start of a verdict on devices that do not hold the weights, else nothing."""
    if case.fits:
        return ""
    if case.plan:
        short = show(-case.plan.left, "B")
        return f"Does not fit: {case.plan.batch:,} x {case.context:,.0f} tokens are short by {short} a device. "
    weights = show(case.weight_bytes, "B")
    held = f"{case.devices:,} x {case.part.name} cannot hold {weights}"
    return f"Does not fit: {held}; the least is {case.gpus_for_weights:,}. "


def case_notes(case: Case) -> list[Note]:
    """What a reader should know of the case: which memory was counted, and figures not to lean on."""
    part, key = case.part, case.memory_key
    counted = part.facts[key].text or show(case.device_memory, "B")
    notes = [Note("memory-counted", f"memory is counted {MEMORY_BASES[key]}: {counted} a device")]
    if weak := part.facts[key].weak:
        notes.append(Note("weak-figure", f"{part.name} {key} is weak: {weak}"))
    return notes
