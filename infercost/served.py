"""A named model on accelerators: what was asked, and the layout that was given or chosen."""

from collections.abc import Iterable
from typing import NamedTuple

from infercost.derivation import is_recording, not_recording
from infercost.errors import BadValue
from infercost.hardware import memory_key
from infercost.model import Model
from infercost.models import Found, find_model, with_format
from infercost.plan import Plan, plan
from infercost.preset import Preset
from infercost.question import Asked, read_part, read_profile
from infercost.report import Note
from infercost.sharding import FREE, Layout, check, layouts, most_experts

#: Nodes are of eight where nothing is known of the part's scale-up domain; a lone card is a domain of one.
USUAL_DOMAIN = 8
MOST_DEVICES = 1024
#: What a request needs when nobody says how long it is.
USUAL_CONTEXT = 8192


class Asking(NamedTuple):
    """A model on a part under a profile: all that a plan needs but its layout."""

    found: Found
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
