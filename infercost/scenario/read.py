"""What was asked: options from flags, a scenario and Python, parsed alike, with where each came from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from infercost.errors import BadValue, Missing, UnknownName, closest
from infercost.parts import catalog
from infercost.parts.formats import Format
from infercost.parts.preset import Fact, Preset
from infercost.parts.stack import complete
from infercost.parts.yamlfile import read_mapping
from infercost.quantities import unit_of
from infercost.report import Input, Note
from infercost.scenario.options import COMMANDS, OPTIONS, SECOND_NAMES, Command
from infercost.units import WHOLE, Kind, parse


class Given(NamedTuple):
    """A parsed value and who gave it: ``--batch``, ``scenario case.yaml`` or ``Python``."""

    value: Any
    origin: str


class Asked:
    """One question's options. ``take`` reads one and notes in ``inputs`` how it was understood."""

    def __init__(self, command: Command, words: Sequence[str] = (), origin: str = "Python") -> None:
        self.command = command
        self.origin = origin
        self.words = tuple(words)
        self.given: dict[str, Given] = {}
        self.inputs: list[Input] = []
        self.notes: list[Note] = []
        self.progress: Callable[[str, int], Callable[[int], None] | None] = lambda *_: None

    def get(self, name: str) -> Any:
        """The value of an option, or None when nobody gave it."""
        given = self.given.get(name)
        return given.value if given else None

    def take(self, name: str, assume: Any = None, why: str = "") -> Any:
        """The value of an option or the one to assume, noted as an input of the answer."""
        given = self.given.get(name)
        value, origin = given or Given(assume, f"assumed{': ' if why else ''}{why}")
        if value is not None and all(item.key != name for item in self.inputs):
            said = value.name if isinstance(value, (Format, Preset)) else value
            self.inputs.append(Input(name, said, unit_of(name), origin))
        return value

    def need(self, name: str, example: str) -> Any:
        """The value of an option that has no default.

        Raises:
            Missing: nobody gave it.
        """
        if name not in self.given:
            said = f"--{name.replace('_', '-')}" if self.origin == "flag" else name
            raise Missing(f"{self.command.name} needs {said}", f"for example {example}")
        return self.take(name)

    def again(self, changed: Mapping[str, Given]) -> "Asked":
        """The same question with some options changed; one that is None or off is not given. Nothing is taken yet."""
        other = Asked(self.command, self.words, self.origin)
        given = {**self.given, **changed}
        other.given = {name: each for name, each in given.items() if each.value is not None and each.value is not False}
        return other

    def use(self, preset: Preset, *keys: str, scope: str = "") -> None:
        """Note figures of a preset as inputs of the answer, under ``gpu.``, ``efficiency.`` or a scope of one's own."""
        scope = scope or SCOPES[preset.family]
        for key in keys:
            fact = preset.fact(key)
            origin = fact.source if fact.source.startswith("--set") else f"preset {preset.name}"
            self.inputs.append(
                Input(f"{scope}.{key}", fact.value, fact.kind.unit, origin, fact.source, fact.date, fact.weak)
            )


SCOPES = {"accelerators": "gpu", "efficiency": "efficiency", "traffic": "traffic"}


def ask(command: str, options: Mapping[str, Any], words: Sequence[str] = (), origin: str = "Python") -> Asked:
    """A question from option values, as text or numbers, and the scenario that they may name.

    Raises:
        BadValue: a value that its parser refuses.
        UnknownName: an option that the command does not have, or a scenario key that does not exist.
        BadFile: a scenario that cannot be read.
    """
    spec = COMMANDS[command]
    parsers = spec.named
    asked = Asked(spec, words, origin)
    options = {SECOND_NAMES.get(name, name): value for name, value in options.items() if value is not None}
    if (scenario := options.pop("scenario", None)) is not None:
        _read_scenario(asked, str(scenario))
    for name, value in options.items():
        if name not in parsers:
            known = list(parsers)
            raise UnknownName(f"{command} has no option {name!r}", f"{closest(name, known)}options: {', '.join(known)}")
        label = f"--{name.replace('_', '-')}" if origin == "flag" else name
        asked.given[name] = Given(_parse(name, value, label, spec), label if origin == "flag" else origin)
    return asked


def _read_scenario(asked: Asked, path: str) -> None:
    """Fill in what a scenario file says; keys of other commands are passed over with a note."""
    known = {option.name for option in OPTIONS.values()}
    mine = asked.command.named
    where = "scenario standard input" if path == "-" else f"scenario {path}"
    unused = []
    for written, value in read_mapping(path, "scenario").items():
        name = written.replace("-", "_")
        name = SECOND_NAMES.get(name, name)
        if name not in known:
            hint = f"{closest(name, sorted(known))}keys are option names: {', '.join(sorted(known))}"
            raise UnknownName(f"{where}: no such key {written!r}", hint)
        if name in asked.given:
            raise BadValue(f"{where}: {written!r} is written twice", "keep one of - and _")
        if name in mine:
            asked.given[name] = Given(_parse(name, value, f"{where}: {written}", asked.command), where)
        else:
            unused.append(written)
    if unused:
        asked.notes.append(Note("unused-keys", f"{asked.command.name} does not use {', '.join(unused)} of {where}"))


def _parse(name: str, value: Any, label: str, command: Command) -> Any:
    """A value as its option's parser reads it; presets and formats that are already read pass through."""
    option = command.named[name]
    if isinstance(value, dict) and name in ("set", "sweep"):
        value = [f"{key}={_listed(item)}" for key, item in value.items()]
    if option.repeat:
        values = value if isinstance(value, (list, tuple)) else [value]
        return tuple(item if isinstance(item, Preset) else str(item) for item in values)
    if isinstance(value, (Preset, Format)):
        return value
    value = _listed(value)
    if isinstance(value, (dict, bool)) and not (isinstance(value, bool) and not option.metavar):
        raise BadValue(f"{label}: {value!r} is no single value", f"write one value for {name}")
    if option.metavar == "TIME" and isinstance(value, (int, float)):
        value = f"{value}s"  # numbers of Python are in base units, like those of its answers
    return option.parse(str(value), label)


def _listed(value: Any) -> Any:
    """A list as the text that a flag would have."""
    return ",".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, (str, dict)) else value


def read_part(asked: Asked, text: Any) -> tuple[Preset, int | None]:
    """The accelerator that ``NAME[:N]`` or a file's path names, with what ``--set`` changes, and its count.

    Raises:
        UnknownName: no such preset.
        BadValue: a count that is no whole number, a ``--set`` that does not fit.
    """
    if isinstance(text, Preset):
        return apply_sets(asked, text), None
    name, colon, count = str(text).rpartition(":")
    if not colon or catalog.looks_like_file(count):
        name, colon, count = str(text), "", ""
    if not name.strip():
        raise BadValue("gpu: names no accelerator", "infercost presets list shows all")
    number = int(parse(WHOLE, count, "gpu NAME:N")) if colon else None
    return apply_sets(asked, catalog.load("accelerators", name)), number


def read_profile(asked: Asked, assume: str, why: str = "the note's arithmetic, for a bare count") -> Preset:
    """The efficiency profile that was asked for, with what ``--set`` changes."""
    name = asked.take("efficiency", assume, why)
    return apply_sets(asked, complete(name if isinstance(name, Preset) else catalog.load("efficiency", name)))


def apply_sets(asked: Asked, preset: Preset) -> Preset:
    """The preset with every ``--set`` of its scope applied.

    Raises:
        BadValue: a ``--set`` that is no KEY=VALUE, or of an unknown scope.
        UnknownName: a key that presets of this family do not have.
    """
    scope = SCOPES[preset.family]
    for text in asked.get("set") or ():
        key, equals, value = text.partition("=")
        prefix, dot, field_name = key.strip().partition(".")
        if not (equals and dot):
            raise BadValue(f"--set: {text!r} is no KEY=VALUE", "write it as --set gpu.memory_bandwidth=30TB/s")
        field_name = field_name.strip().replace("-", "_")
        kind = figure_kind(prefix, field_name, "--set")
        if prefix == scope:
            preset = _set(preset, field_name, kind, value)
    return preset


def figure_kind(scope: str, key: str, option: str) -> Kind:
    """The kind of a figure that a scope's presets may hold.

    Raises:
        UnknownName: no such scope, or no such figure in it.
    """
    families = {name: family for family, name in SCOPES.items()}
    if scope not in families:
        raise UnknownName(f"{option}: no such scope {scope!r}", f"scopes: {', '.join(families)}")
    kinds = catalog.FAMILIES[families[scope]][0]
    if key not in kinds:
        hint = f"{closest(key, list(kinds))}figures: {', '.join(kinds)}"
        raise UnknownName(f"{option}: {scope} has no figure {key!r}", hint)
    return kinds[key]


def _set(preset: Preset, key: str, kind: Kind, value: str) -> Preset:
    number = parse(kind, value, f"--set {SCOPES[preset.family]}.{key}")
    fact = Fact(number, kind, f"--set {SCOPES[preset.family]}.{key}={value}", "")
    if key == "memory":  # what is asked for replaces what a driver would see of the real part
        kept = {
            name: old
            for name, old in preset.facts.items()
            if not name.startswith("memory_re") and name != "memory_engine"
        }
        preset = Preset(preset.name, preset.family, preset.labels, kept, preset.path)
    if key in ("flops_bf16", "flops_fp16"):
        preset = preset._replace(facts={name: old for name, old in preset.facts.items() if "accumulate" not in name})
    return preset.with_fact(key, fact)
