"""A model on accelerators under a profile: what every question about a step has in common."""

from typing import NamedTuple

from infercost.engine import memory
from infercost.errors import BadValue
from infercost.formats import FORMATS, Format
from infercost.hardware import MEMORY_BASES, Rate, memory_key, rate_for
from infercost.preset import Preset
from infercost.question import Asked, read_part, read_profile
from infercost.report import Note
from infercost.units import show

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

    @property
    def active_share(self) -> float:
        """Share of the parameters that one token uses."""
        return self.active_params / self.params

    @property
    def fits(self) -> bool:
        """Whether the devices hold the weights."""
        return self.devices >= self.gpus_for_weights


class StepInputs(NamedTuple):
    """What a step needs beyond the case: rate, overlap rule, and the layout of the collectives when known."""

    rate: Rate
    overlap: str
    price: float | None
    layers: float | None
    hidden_size: float | None
    activation_bytes: float


def read_case(asked: Asked) -> Case:
    """The model and the devices of a question.

    Raises:
        Missing: no accelerator, no model, or a figure that the preset lacks.
        BadValue: more active parameters than parameters, two different counts of devices.
    """
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
        part=part,
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


def read_step_inputs(asked: Asked, case: Case) -> StepInputs:
    """The inputs of a step on a case.

    Raises:
        Missing: the part has no rate for the format; layers without width, or width without layers.
    """
    part, profile = case.part, case.profile
    rate = rate_for(part, case.format)
    asked.use(part, rate.key, "memory_bandwidth")
    asked.use(profile, "compute_share", "memory_share", "link_share", "hop_latency", "step_overhead")
    layers, hidden_size = asked.take("layers"), asked.take("hidden_size")
    if (layers is None) != (hidden_size is None):
        missing = "--hidden-size" if hidden_size is None else "--layers"
        raise BadValue(f"communication needs {missing} too", "give both --layers and --hidden-size, or neither")
    sends = bool(layers) and case.devices > 1
    if sends:
        asked.use(part, "link_bandwidth")
        wire = asked.take("activation_dtype", FORMATS[rate.name], "as the arithmetic")
    return StepInputs(
        rate=rate,
        overlap=asked.take("overlap", profile.labels.get("overlap", "full"), f"by profile {profile.name}"),
        price=asked.take("price"),
        layers=layers,
        hidden_size=hidden_size,
        activation_bytes=wire.bytes_per_value if sends else 0.0,
    )


def misfit(case: Case) -> str:
    """The start of a verdict on devices that do not hold the weights, else nothing."""
    if case.fits:
        return ""
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
