"""A part that its owner has, or a few: what holds a model that they do not hold as asked, each way tried by asking."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.many import at_point
from infercost.analyses.remarks import is_one, kind, step_notes, with_bands
from infercost.errors import InfercostError
from infercost.models import counting
from infercost.models.model import Model
from infercost.parts import catalog
from infercost.parts.accelerator import COMPUTERS, is_owned
from infercost.parts.bands import decode_kind, is_local
from infercost.parts.catalog import other_sizes
from infercost.parts.formats import CACHES, WEIGHTS
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import eight_bit_cache, is_other_engine
from infercost.replica.memory import Rack
from infercost.replica.step import Running, pace_of
from infercost.replica.work import held_memory
from infercost.report import Report, Row
from infercost.scenario.options import CHOOSING, options_of
from infercost.scenario.rack import LOADS, read_rack
from infercost.scenario.read import Question, Reading
from infercost.scenario.running import read_running
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import OF_FILES, keeps
from infercost.units import many, show

ORIGIN = "what one holds"
#: Formats of files that people run where richer ones do not fit, the richest first, and those of other models.
SMALLER = ("iq4_xs", "q3_k_m", "iq3_m", "iq3_xs", "iq3_xxs", "q2_k", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs")
WITHOUT_FILE = ("fp8", "int4")
#: The host of a card, by where cards are sold.
HOSTS = {"laptop": "laptop-lpddr5x", "desktop": "desktop-ddr5", "workstation": "desktop-ddr5"}


class Alone(NamedTuple):
    """What holds it: an engine, a cache or a format on the parts, larger ones, a host beside with a format, more.

    ``both`` are a richer format than ``format`` and the cache that it takes. ``beside`` is empty where a host holds it
    as asked; ``parts`` is how many there are of ``part``. The speeds are tokens a second of one user in that
    format, under that engine, with that cache and with the host, 0 where several are asked about. ``noun`` is what one
    is called.
    """

    parts: int = 1
    part: str = ""
    engine: str = ""
    cache: str = ""
    both: tuple[str, str] = ("", "")
    format: str = ""
    larger: str = ""
    host: str = ""
    beside: str = ""
    devices: int | None = None
    speed: float = 0.0
    engine_speed: float = 0.0
    cache_speed: float = 0.0
    both_speed: float = 0.0
    hosted_speed: float = 0.0
    noun: str = "device"

    @property
    def words(self) -> str:
        """The same as the end of a verdict; empty where nothing holds it."""
        with_host = f"with part of it in a host's memory{_at(self.hosted_speed)} (--host {self.host})"
        ways = [f"under {self.engine}{_at(self.engine_speed)}"] if self.engine else []
        ways += [f"with its KV cache in {self.cache}{_at(self.cache_speed)}"] if self.cache else []
        ways += ["in {} with its KV cache in {}{}".format(*self.both, _at(self.both_speed))] if any(self.both) else []
        ways += [f"in {self.format}{_at(self.speed)}"] if self.format else []
        ways += [f"in {self.beside} {with_host}" if self.beside else with_host] if self.host else []
        they = f"One {self.noun} holds" if self.parts == 1 else "They hold"
        one = f" {they} it {', or '.join(ways)}." if ways else ""
        whole = [counted(self.parts, self.larger)] if self.larger else []
        if self.devices:
            whole += [counted(self.devices, self.part) if self.larger else many(self.devices, self.noun)]
        return f"{one} As asked it takes {' or '.join(whole)}." if whole else one

    @property
    def advice(self) -> tuple[str, ...]:
        """What to change for it, with the flags; the devices are for whoever knows how they were asked for."""
        there = f"part of it in a host's memory ({self.beside and f'--dtype {self.beside} '}--host {self.host})"
        of = f":{self.parts}" if self.parts > 1 else ""
        return (
            *([f"under {self.engine} it fits (--efficiency {self.engine})"] if self.engine else []),
            *([f"KV cache in {self.cache} (--kv-dtype {self.cache})"] if self.cache else []),
            *(["weights in {0} and KV cache in {1} (--dtype {0} --kv-dtype {1})".format(*self.both)] * any(self.both)),
            *([f"weights in {self.format} (--dtype {self.format})"] if self.format else []),
            *([f"the same with more memory (--gpu {self.larger}{of})"] if self.larger else []),
            *([there] if self.host else []),
        )


def _at(speed: float) -> str:
    return f" at {show(speed)} tokens/s" if speed else ""


def has_room(part: Preset) -> bool:
    """Whether there can be more of a part beside it: not in a laptop."""
    return part.labels.get("segment") != "laptop"


def _noun(rack: Rack) -> str:
    """What people call the one part that they have."""
    kind = rack.part.labels.get("kind")
    if rack.devices == 1 and kind in COMPUTERS:
        return "machine"
    return "card" if rack.devices == 1 and kind == "gpu" and has_room(rack.part) else "device"


def alone(scenario: Scenario, devices: int | None) -> Alone | None:
    """What holds a model that parts do not hold, so many of them too; None where they are not what their owner has."""
    rack = scenario.rack
    few = is_one(rack) or (rack.given and is_owned(rack.part) and rack.model.has_cache)
    if scenario.is_row or scenario.copies != 1 or not few:
        return None
    format = _richest(scenario, {})
    ways = _engine(scenario), _cache(scenario), _both(scenario, format), format, _larger(scenario)
    found = Alone(rack.devices, rack.part.name, *ways, devices=devices, noun=_noun(rack))
    if found.engine:
        found = found._replace(engine_speed=_speed(scenario, {"efficiency": found.engine}))
    if found.cache:
        found = found._replace(cache_speed=_speed(scenario, {"kv_dtype": CACHES[found.cache]}))
    if format:
        found = found._replace(speed=_speed(scenario, {"dtype": WEIGHTS[format]}))
    if any(found.both):
        changes = {"dtype": WEIGHTS[found.both[0]], "kv_dtype": CACHES[found.both[1]]}
        found = found._replace(both_speed=_speed(scenario, changes))
    hosted = "host" in options_of(scenario.question.command) and rack.part.labels.get("kind") not in COMPUTERS
    return _with_host(scenario, found) if hosted and not rack.plan.host else found


def with_speed(report: Report, scenario: Scenario) -> Report:
    """An answer that says how fast one user's tokens come too, where who asks has the part and one is asked about."""
    rack = scenario.rack
    if scenario.is_row or scenario.copies != 1 or not (is_owned(rack.part) and rack.model.has_cache and report.met):
        return report
    if (found := _decoding(scenario, {})) is None:
        return report
    running, speed = found
    regime = decode_kind(1, local=is_local(rack.setup.stack))
    notes = [note for note in step_notes(running, (regime,), 1) if note.code in ("estimate", "bound")]
    about = "About" if kind(running, 1) == "estimate" else "At most"
    drafted = ""
    if rack.plan.draft:
        drafted = " without the draft; infercost utilization --acceptance 0.8 has it with the draft"
    said = f" {about} {show(float(f'{speed:.2g}'))} tokens/s for one user{drafted}."
    row = Row("tokens_per_s_per_user", speed, "one user, no draft" if drafted else "one user", shown=False)
    report = report.replace(verdict=report.verdict + said, results=(*report.results, row))
    return with_bands(report.replace(notes=(*notes, *report.notes)), rack)


def ways_of(question: Question, model: str) -> Alone | None:
    """What holds a model of those that a question without one is about; None where it cannot be asked by itself."""
    try:
        return alone(at_point(question, {**dict.fromkeys(CHOOSING), "model": model}, ORIGIN), None)
    except InfercostError:
        return None


def _with_host(scenario: Scenario, found: Alone) -> Alone:
    """The same with a host that holds a part of the model: as asked, or in a format richer than fits without one."""
    rack = scenario.rack
    host = HOSTS.get(rack.part.labels.get("segment", ""), "desktop-ddr5")
    room = catalog.load("hosts", host).value("memory")
    if _size(rack.model) <= _room(scenario) + room and _holds(scenario, {"host": host}):
        if not _lies_in_host(scenario, {"host": host}):
            return found
        return found._replace(host=host, hosted_speed=_speed(scenario, {"host": host}))
    beside = _richest(scenario, {"host": host}, room)
    if beside in ("", found.format) or not _lies_in_host(scenario, {"host": host, "dtype": WEIGHTS[beside]}):
        return found
    speed = _speed(scenario, {"host": host, "dtype": WEIGHTS[beside]})
    return found._replace(host=host, beside=beside, hosted_speed=speed)


def _engine(scenario: Scenario) -> str:
    """The profile of llama.cpp where it holds the same weights, which an engine of servers does not; else empty."""
    from infercost.models.gguf import has_file, is_same_in_file

    rack = scenario.rack
    model, stack = rack.model, rack.setup.stack
    if not is_other_engine(stack) or not keeps(scenario.question.get("kv_dtype")):
        return ""
    if not (has_file(model) and is_same_in_file(model)):
        return ""
    name = OF_FILES.get(rack.part.labels.get("vendor", ""), "llama.cpp")
    return name if _holds(scenario, {"efficiency": name}) else ""


def _cache(scenario: Scenario) -> str:
    """The format of eight bits, or of llama.cpp four, in which a cache makes it fit; empty where none does."""
    eight = eight_bit_cache(scenario.rack.setup.stack)
    names = (eight, "q4_0") if eight == "q8_0" else (eight,)
    fewer = (name for name in names if scenario.rack.model.kv_bits > CACHES[name].bytes_per_value * 8)
    return next((name for name in fewer if _holds(scenario, {"kv_dtype": CACHES[name]})), "")


def _both(scenario: Scenario, alone: str) -> tuple[str, str]:
    """A format that fits with a cache in eight bits and is richer than what fits ``alone``, and that cache's format."""
    formats = _formats(scenario)
    name = "q8_0" if SMALLER[0] in formats else eight_bit_cache(scenario.rack.setup.stack)
    if scenario.rack.model.kv_bits <= CACHES[name].bytes_per_value * 8:
        return "", ""
    found = _richest(scenario, {"kv_dtype": CACHES[name]})
    richer = found and (not alone or formats.index(found) < formats.index(alone))
    return (found, name) if richer else ("", "")


def _larger(scenario: Scenario) -> str:
    """The smallest of the larger sizes that a part is sold with that holds it as asked; empty where none does."""
    part = scenario.rack.part
    own = part.facts["memory"]
    sizes = {} if own.source.startswith("--set") else other_sizes(part)
    larger = (name for name, fact in sizes.items() if fact.value > own.value)
    count = {"gpus": scenario.rack.devices}
    return next((name for name in larger if _holds(scenario, {"gpu": name, **count})), "")


def _richest(scenario: Scenario, changes: Mapping[str, Any], more: float = 0.0) -> str:
    """The richest format smaller than the model's own that fits, with so many bytes of a host; empty where none does.

    What is larger than all memory is not asked about.
    """
    from infercost.models.find import stored_in

    model, room = scenario.rack.model, _room(scenario) + more
    names = _formats(scenario)
    if not names or _size(stored_in(model, WEIGHTS[names[-1]])) > room:
        return ""
    for name in names:
        smaller = _size(stored_in(model, WEIGHTS[name])) < min(_size(model), room)
        if smaller and _holds(scenario, {**changes, "dtype": WEIGHTS[name]}):
            return name
    return ""


def _speed(scenario: Scenario, changes: Mapping[str, Any]) -> float:
    """Tokens a second of one user with some options changed; 0 where several are asked about, or none is known."""
    found = _decoding(scenario, changes)
    return found[1] if found else 0.0


def _decoding(scenario: Scenario, changes: Mapping[str, Any]) -> tuple[Running, float] | None:
    """What decodes for one user with some options changed, and its tokens a second; None where ``_speed`` is 0."""
    question = scenario.question
    if scenario.rack.plan.batch > 1 or any(question.get(name) for name in LOADS):
        return None
    reading = Reading(question._replace(notes=()).changed(changes, ORIGIN))
    try:
        rack = read_rack(reading)
        running = read_running(reading, rack)
        step = pace_of(running, rack.plan.batch).tpot
    except InfercostError:
        return None
    return running, formulas.cost.tokens_per_s_per_user(step_time=step)


def _formats(scenario: Scenario) -> tuple[str, ...]:
    """Formats to try: files, but where several are served, or an engine was named, those of an engine of servers."""
    from infercost.models.gguf import FILES, has_file

    question, rack = scenario.question, scenario.rack
    served = rack.plan.batch > 1 or any(question.get(name) for name in LOADS)
    kept = is_other_engine(rack.setup.stack) and (served or question.get("efficiency"))
    has_files = has_file(rack.model) and not kept
    own = min(rack.model.quantization.of(part) for part in ("attention", "ffn", "experts"))
    without = tuple(name for name in WITHOUT_FILE if int(WEIGHTS[name].stored_bits) < int(own))
    return (*FILES, *SMALLER) if has_files else without


def _size(model: Model) -> float:
    return sum(counting.weight_bytes_by_part(model).values())


def _room(scenario: Scenario) -> float:
    """Bytes of memory of all devices, and of the host that was asked for."""
    plan = scenario.rack.plan
    return plan.device_memory * scenario.rack.devices + (held_memory(plan.host) if plan.host else 0.0)


def _lies_in_host(scenario: Scenario, changes: Mapping[str, Any]) -> bool:
    """Whether a host that was asked for holds anything of what fits."""
    plan = at_point(scenario.question, changes, ORIGIN).rack.plan
    return bool(plan.far_weights or plan.far_cache)


def _holds(scenario: Scenario, changes: Mapping[str, Any]) -> bool:
    """Whether one part holds the model with some options changed: the same question, asked again."""
    try:
        return at_point(scenario.question, changes, ORIGIN).rack.plan.fits
    except InfercostError:
        return False
