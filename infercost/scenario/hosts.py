"""The host that was asked for, and what of a model is to lie in it."""

import re

from infercost.errors import BadValue, Missing, UnknownName
from infercost.models.model import Model
from infercost.parts import catalog
from infercost.parts.accelerator import COMPUTERS
from infercost.parts.preset import Preset
from infercost.parts.stack import law, sends_from_host
from infercost.replica.host import Host, sparse_layers
from infercost.replica.rack import Rack
from infercost.scenario.options import flag
from infercost.scenario.read import Reading, apply_sets
from infercost.units import SIZE, parse, show

#: Backends of llama.cpp whose memory is the host's own, as it is of parts that are computers.
_BACKENDS = ("cpu", "metal")
#: No host has less memory.
_LEAST = 1e9
#: What asks for first tokens, which nobody measured with a part of the model in a host.
_FIRST_TOKENS = ("request_rate", "concurrency", "disaggregated", "max_ttft")


#: A size beside a host's name, as people write it: ``128gb ddr5``, ``ddr5-128gb``; words that name no host, and what
#: a size alone is the memory of.
_SIZED = re.compile(r"(?<![a-z\d.])(\d+(?:\.\d+)?)\s*(gi?b)(?![a-z\d])", re.IGNORECASE)
_NAMELESS, _USUAL = ("ram", "memory", "of"), "desktop-ddr5"


def load_host(text: str) -> Preset:
    """The preset of a host, with the memory that stands beside its name; UnknownName for no such host."""
    try:
        return catalog.load("hosts", text)
    except UnknownName:
        if catalog.looks_like_file(text) or (size := _SIZED.search(text)) is None:
            raise
    words = re.split(r"[\s,_-]+", text[: size.start()] + " " + text[size.end() :])
    kept = [word for word in words if word and word.lower() not in _NAMELESS]
    turned = (own for own in catalog.names("hosts") if sorted(own.split("-")) == sorted(map(str.lower, kept)))
    preset = catalog.load("hosts", next(turned, "-".join(kept) or _USUAL))
    memory = preset.fact("memory")
    value = parse(SIZE, f"{size[1]}{size[2][0].upper()}{size[2][1:-1].lower()}B", "host")
    return preset.with_fact("memory", memory._replace(value=value, source=f"--host {text}", text=""))


def read_host(reading: Reading, stack: Preset, model: Model, part: Preset) -> Host | None:
    """The host, and what is to lie in it; None where nobody asked for one.

    Raises:
        Missing: what is to lie in a host without one.
        BadValue: a part without memory of its own, a model that has no such part, or a host without memory.
    """
    for name in ("offload", "offload_layers"):
        if name in reading.given and "host" not in reading.given:
            raise Missing(f"{flag(name)} needs --host", "for example --host desktop-ddr5; presets list hosts shows all")
    if "host" not in reading.given:
        return None
    _check(reading, stack, model, part)
    given = reading.take("host")
    preset = apply_sets(reading, given if isinstance(given, Preset) else load_host(str(given)))
    reading.amend(value=preset.asked)
    _check_memory(reading, preset)
    keys = ["memory", "memory_bandwidth", *(["link_bandwidth"] if sends_from_host(stack) else [])]
    reading.use(preset, *keys, *(key for key in ("memory_share",) if key in preset.facts))
    offload = reading.take("offload")
    layers = reading.take("offload_layers")
    if layers and not offload:
        offload = "experts" if sparse_layers(model) else "layers"
    return Host(preset, offload or "", int(layers or 0))


def _check_memory(reading: Reading, preset: Preset) -> None:
    """Refuse a host whose memory has lost its unit."""
    if (memory := preset.value("memory")) >= _LEAST:
        return
    hint = "a host has gigabytes, for example --set host.memory=128GB"
    for text in reading.get("set") or ():
        key, _, value = text.partition("=")
        if key.strip() == "host.memory" and value.strip().replace(".", "", 1).isdigit():
            hint = f"likely --set host.memory={value.strip()}GB is meant"
    raise BadValue(f"host.memory: {show(memory, 'B')} is no memory of a host", hint)


def refuse_own_memory(part: Preset) -> None:
    """Refuse a host for a part whose memory is the host's already."""
    if part.labels.get("kind") in COMPUTERS:
        raise BadValue(f"--host: the memory of {part.name} is the host's already", "leave --host out")


def _check(reading: Reading, stack: Preset, model: Model, part: Preset) -> None:
    refuse_own_memory(part)
    if stack.labels.get("kernels") in _BACKENDS:
        raise BadValue(f"--host: the memory of {part.name} is the host's already", "leave --host out")
    if law(stack) == "erdil-2025":
        raise BadValue(f"--host: profile {stack.name} knows no host", "name a profile without a law")
    offload = reading.get("offload")
    if offload == "experts" and not sparse_layers(model):
        raise BadValue(f"--offload experts: {model.name} has no experts", "ask for --offload layers, or kv")
    if offload == "kv" and "offload_layers" in reading.given:
        raise BadValue("--offload kv takes the cache of all layers", "leave --offload-layers out, or offload layers")
    if stray := [name for name in _FIRST_TOKENS if name in reading.given]:
        what = f"{flag(stray[0])} needs first tokens, which were not measured with a part of the model in a host"
        raise BadValue(what, "leave it out, or leave --host out")


def note_host(reading: Reading, rack: Rack, counted: bool) -> None:
    """Say what lies in the host where nobody said how much, and that it takes several cards where nobody said so."""
    split, plan = rack.plan.split, rack.plan
    if split is None or plan.host is None:
        return
    if not counted and rack.devices > 1:
        reading.note("host-cards", f"fewer than {rack.devices:,} cards and {plan.host.preset.name} do not hold it")
    experts, layers, cache = split.offload
    chosen = "kv" if cache else "layers" if layers else "experts" if experts else "nothing"
    reading.take("offload", chosen, "as much as is needed")
    if count := layers or experts:
        reading.take("offload_layers", count, "all of them" if "offload" in reading.given else "as many as are needed")
