"""What a step needs beyond its case: the work of a pass, how fast it goes at best and under the profile, the price."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from infercost import formulas
from infercost.errors import BadValue, Missing
from infercost.formulas.formula import is_recording, not_recording
from infercost.models.model import Model, arithmetic_format, bare_count
from infercost.numeric import ceiling
from infercost.parts.accelerator import MEMORY_BASES, Rate, memory_key, rate_for
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.parts.stack import part_under
from infercost.replica.layout import FREE, Layout, check, layouts, most_experts
from infercost.replica.memory import Plan, plan
from infercost.replica.serving import Replica
from infercost.replica.step import COUNTS, PER_REQUEST, SHARES, TIMES, Speeds, bounds_of, speeds_of
from infercost.replica.work import Work, matrix_rate, work_of
from infercost.report import Note
from infercost.scenario.options import SERVED
from infercost.scenario.read import Asked, read_part, read_profile
from infercost.units import show

if TYPE_CHECKING:  # a bare count is found nowhere
    from infercost.models.find import Found

#: Nodes are of eight where nothing is known of the part's scale-up domain; a lone card is a domain of one.
USUAL_DOMAIN = 8
MOST_DEVICES = 1024
#: What a request needs when nobody says how long it is.
USUAL_CONTEXT = 8192


class Asking(NamedTuple):
    """A model on a part under a profile: all that a plan needs but its layout."""

    found: "Found"
    model: Model
    part: Preset
    profile: Preset
    memory_key: str
    usable: float
    context: int
    batch: int

    def plan(self, layout: Layout, model: Model | None = None, context: int | None = None) -> Plan:
        """What the fullest accelerator holds under a layout, with another model or context when asked."""
        return plan(
            model or self.model,
            layout,
            self.profile,
            device_memory=self.part.value(self.memory_key),
            usable=self.usable,
            context=self.context if context is None else context,
            batch=self.batch,
        )

    @property
    def domain(self) -> int:
        """Devices that tensor parallelism may span."""
        return int(self.part.facts["link_domain"].value) if "link_domain" in self.part.facts else USUAL_DOMAIN


def read_asking(asked: Asked) -> tuple[Asking, int | None]:
    """The question's model and part, and the count of devices when one is given.

    Raises:
        InfercostError: see ``find_model``, ``read_part`` and ``read_profile``.
    """
    from infercost.models.find import find_model

    part, counted = read_part(asked, asked.need("gpu", "--gpu h100"))
    asked.inputs[-1] = asked.inputs[-1]._replace(value=part.name)
    found = find_model(str(asked.need("model", "--model llama-3.1-70b")))
    model = _as_asked(asked, found.model)
    asked.inputs[-1] = asked.inputs[-1]._replace(source=found.source, date=found.date)
    profile = read_profile(asked, "realistic", "for a named model")
    key = memory_key(part, nominal=profile.labels.get("memory") == "nominal")
    asked.use(part, key)
    asked.use(profile, "activation_floor", "activation_per_vocab", "engine_overhead", "engine_overhead_parallel")
    usable = asked.take("usable", profile.value("usable"), f"by profile {profile.name}")
    most = model.max_context or USUAL_CONTEXT
    context = _context(asked, profile, most)
    if model.max_context and context > model.max_context:
        raise BadValue(
            f"--context {context:,} is more than {model.name} was made for",
            f"its config says {model.max_context:,} positions",
        )
    return Asking(found, model, part, profile, key, usable, context, _batch(asked)), counted


def _context(asked: Asked, profile: Preset, most: int) -> int:
    """Tokens that each sequence holds: of a request half way, none where a paper has none, else of a usual one."""
    if sum(name in asked.given for name in ("input_tokens", "output_tokens")) == 2:
        half = int(asked.get("input_tokens") + asked.get("output_tokens") / 2)
        return int(asked.take("context", half, "the prompt and half of the output"))
    if asked.command.name != "fit" and profile.labels.get("memory") == "nominal":
        return int(asked.take("context", 0, f"by profile {profile.name}"))
    return int(asked.take("context", min(most, USUAL_CONTEXT), "a usual request"))


def _batch(asked: Asked) -> int:
    """Sequences that must fit: one where the command finds out how many do."""
    if asked.command.name in ("sweep-batch", "userbase", "economies", "frontier") or "request_rate" in asked.given:
        given = asked.get("batch")
        return given if isinstance(given, int) else 1
    return int(asked.take("batch", 1))


def _as_asked(asked: Asked, model: Model) -> Model:
    """The model in the formats that were asked for, its own where none was."""
    from infercost.models.find import with_format

    if (format := asked.take("dtype")) is not None:
        if format.name != model.quantization.name:
            model = with_format(model, format.name, format.bytes_per_value * 8)
        model = model._replace(kv_bits=32) if format.name == "fp32" else model
    elif model.quantization.name == "fp32":
        model = with_format(model, "bf16", 16)
        asked.notes.append(Note("fp32", "its checkpoint holds fp32, which engines load as bf16 unless --dtype fp32"))
    if (cache := asked.take("kv_dtype")) is not None:
        model = model._replace(kv_bits=cache.bytes_per_value * 8)
    return model


def choose(asked: Asked, asking: Asking, counted: int | None) -> Plan:
    """The plan of the layout that was given, or the one with the least devices that fits, whose work alone is shown."""
    given = asked.get("gpus")
    if counted is not None and given not in (None, counted):
        raise BadValue(f"--gpu NAME:{counted} and --gpus {given} disagree", "give the count once")
    devices = given or counted
    with not_recording():
        chosen = _best(asking, devices, asked_widths(asked))
    if is_recording():
        chosen = asking.plan(chosen.layout)
    why = "given" if devices else "least that fits"
    asked.take("gpus", chosen.layout.devices, why)
    for name in ("tp", "pp", "ep"):
        asked.take(name, getattr(chosen.layout, name), "chosen")
    return chosen


def _best(asking: Asking, devices: int | None, widths: Layout) -> Plan:
    """The plan on so many devices, else on the least that the widths leave and that fit."""
    fewest = max(widths.tp, widths.ep, 1) * max(widths.pp, 1)
    if devices or widths.tp:
        return _on(asking, int(devices or fewest), widths)
    if any(widths):
        counts = range(fewest, MOST_DEVICES + 1, fewest)
        return _first_that_fits(asking, counts, widths) or _on(asking, fewest, widths)
    return least(asking) or _on(asking, MOST_DEVICES)


def asked_widths(asked: Asked) -> Layout:
    """The widths that were given, 0 for those that are free."""
    return Layout(*(int(asked.get(name) or 0) for name in ("tp", "pp", "ep")))


def _on(asking: Asking, devices: int, widths: Layout = FREE) -> Plan:
    """The plan on so many devices with the widths that were given, the first that fits where there are several.

    Raises:
        BadValue: no layout of so many devices splits the model.
    """
    model, domain = asking.model, asking.domain
    plans = [asking.plan(layout) for layout in layouts(model, devices, domain, widths)]
    if not plans:
        check(model, Layout(*(max(width, 1) for width in widths)))
        valid = layouts(model, devices, domain)
        if 1 < devices <= most_experts(model):
            valid += layouts(model, devices, domain, Layout(0, 0, devices))
        said = f" with {widths.flags}" if any(widths) else ""
        raise BadValue(
            f"no layout of {devices} devices{said} splits {model.name} evenly",
            f"valid layouts of {devices}: {', '.join(layout.flags for layout in valid)}"
            if valid
            else "ask for a count whose tensor parallel width divides the heads: 1, 2, 4, 8 ...",
        )
    return next((each for each in plans if each.fits), plans[0])


def least(asking: Asking, by_experts: bool = False) -> Plan | None:
    """The plan with the least devices that fits, powers of two inside a node, then whole nodes.

    ``by_experts`` keeps to layouts that spread the experts over all devices.
    """
    counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= asking.domain]
    counts += range(2 * asking.domain, MOST_DEVICES + 1, asking.domain)
    return _first_that_fits(asking, dict.fromkeys(counts), FREE, by_experts)


def _first_that_fits(
    asking: Asking, counts: Iterable[int], widths: Layout = FREE, by_experts: bool = False
) -> Plan | None:
    """The plan of the first count of devices that has a layout that fits, with the widths that were given."""
    for devices in counts:
        asked = Layout(0, 0, devices) if by_experts else widths
        for layout in layouts(asking.model, devices, asking.domain, asked):
            if (found := asking.plan(layout)).fits:
                return found
    return None


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
    plan: Plan

    @property
    def model(self) -> Model:
        """The model: named, or a bare count of parameters."""
        return self.plan.model

    @property
    def context(self) -> float:
        """Tokens of context that each sequence holds; a bare count has none."""
        return self.plan.context

    @property
    def stages(self) -> int:
        """Pipeline stages, which take turns on parts of the batch."""
        return self.plan.layout.pp

    @property
    def width(self) -> int:
        """Devices that work on a layer together."""
        return self.devices // self.stages

    @property
    def active_share(self) -> float:
        """Share of the parameters that one token uses."""
        return self.active_params / self.params

    @property
    def fits(self) -> bool:
        """Whether the devices hold the weights, and the engine's reserves and every cache beside them."""
        return self.plan.fits


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
    total = formulas.memory.weight_bytes(params=params, bytes_per_param=format.bytes_per_value)
    least = formulas.memory.gpus_for_weights(weight_bytes=total, device_memory=part.value(key), usable=usable)
    model = bare_count(params, active, format, int(asked.get("layers") or 0), int(asked.get("hidden_size") or 0))
    memory = part.value(key), usable
    devices = _devices(asked, counted, _least_for(_on_all(model, profile, least, *memory), least))
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
        devices=devices,
        devices_given="gpus" in asked.given or counted is not None,
        plan=_on_all(model, profile, devices, *memory),
    )


def _on_all(model: Model, profile: Preset, devices: int, device_memory: float, usable: float) -> Plan:
    """The plan of a bare count, split evenly over all devices."""
    return plan(model, Layout(tp=devices), profile, device_memory=device_memory, usable=usable, context=0, batch=1)


def _least_for(plan: Plan, least: int) -> int:
    """Devices that hold a bare count beside the engine's reserves, from the plan on those that hold the weights."""
    if plan.fits or (room := plan.pool + plan.weights) <= 0:
        return least
    return int(ceiling(plan.weights * least / room))


def _read_model_case(asked: Asked) -> Case:
    """A named model: counts from its architecture, devices and cache from its plan."""
    if stray := [name for name in ("params", "active_params", "layers", "hidden_size") if name in asked.given]:
        raise BadValue(f"--model says {', '.join(stray)} already", "give the model, or the bare count")
    asking, counted = read_asking(asked)
    return case_of(asking, choose(asked, asking, counted), "gpus" in asked.given or counted is not None)


def case_of(asking: "Asking", chosen: "Plan", devices_given: bool = True) -> Case:
    """The case of a model under a plan that was made for it."""
    from infercost.models import counting

    total = counting.weight_bytes(asking.model)
    least = formulas.memory.gpus_for_weights(
        weight_bytes=total, device_memory=chosen.device_memory, usable=asking.usable
    )
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
    if case.model.is_bare:
        held = f"{case.devices:,} x {case.part.name} cannot hold {show(case.weight_bytes, 'B')}"
        return f"Does not fit: {held}; the least is {case.gpus_for_weights:,}. "
    short = show(-case.plan.left, "B")
    return f"Does not fit: {case.plan.batch:,} x {case.context:,.0f} tokens are short by {short} a device. "


def case_notes(case: Case) -> list[Note]:
    """What a reader should know of the case: which memory was counted, and figures not to lean on."""
    part, key = case.part, case.memory_key
    counted = part.facts[key].text or show(case.device_memory, "B")
    notes = [Note("memory-counted", f"memory is counted {MEMORY_BASES[key]}: {counted} a device")]
    if weak := part.facts[key].weak:
        notes.append(Note("weak-figure", f"{part.name} {key} is weak: {weak}"))
    return notes


class StepInputs(NamedTuple):
    """What a step needs beyond the case: its rate and price, the work of a pass, and how fast it goes at best or so."""

    rate: Rate
    price: float | None
    replica: Replica
    bounds: Speeds

    @property
    def work(self) -> Work:
        """What one pass asks of a replica."""
        return self.replica.work

    @property
    def speeds(self) -> Speeds:
        """The part's rates under the case's profile."""
        return self.replica.speeds

    @property
    def overlap(self) -> str:
        """What overlaps in a step."""
        return self.replica.speeds.overlap


def read_step_inputs(asked: Asked, case: Case) -> StepInputs:
    """The inputs of a step on a case.

    Raises:
        Missing: the part has no rate for the format; layers without width, or width without layers.
    """
    part, profile = case.part, case.profile
    rate = rate_for(part, case.format)
    asked.use(part, rate.key, "memory_bandwidth")
    asked.use(profile, *SHARES, *TIMES, *COUNTS, *PER_REQUEST)
    work = _read_work(asked, case)
    sends = bool(work.hidden_size) and case.devices > 1
    wire = FORMATS[rate.name if case.model.is_bare else "bf16"]
    if sends:
        asked.use(part, "link_bandwidth")
        wire = asked.take("activation_dtype", wire, "as engines send it")
    overlap = asked.take("overlap", profile.labels.get("overlap", "full"), f"by profile {profile.name}")
    if profile.value("kernel_time") and not work.hidden_size:
        raise Missing(
            f"profile {profile.name} counts kernels by layers, and a bare count has none",
            "give --layers and --hidden-size, or ask for --efficiency ideal",
        )
    peak = matrix_rate(case.model, part)
    speeds = speeds_of(part, profile, peak, overlap, wire.bytes_per_value)
    return StepInputs(
        rate=rate,
        price=asked.take("price"),
        replica=Replica(work, speeds, *(profile.value(key) for key in PER_REQUEST)),
        bounds=bounds_of(part, peak, wire.bytes_per_value),
    )


def _read_work(asked: Asked, case: Case) -> Work:
    """The work of a pass: of a model's layers, or of a bare count with the layers that were given.

    Raises:
        BadValue: layers without width, or width without layers.
    """
    if not case.model.is_bare:
        return work_of(case.model, case.plan.layout)
    layers, hidden_size = asked.take("layers"), asked.take("hidden_size")
    if (layers is None) != (hidden_size is None):
        missing = "--hidden-size" if hidden_size is None else "--layers"
        raise BadValue(f"communication needs {missing} too", "give both --layers and --hidden-size, or neither")
    return work_of(case.model, case.plan.layout)
