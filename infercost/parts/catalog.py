"""Find a preset by any of its names, read its file, and reject a figure without a source."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from infercost.errors import BadFile, UnknownName, closest, reason
from infercost.parts import accelerator as accelerator_figures
from infercost.parts import architecture, host, stack, traffic
from infercost.parts.cache import once
from infercost.parts.preset import Fact, Preset
from infercost.parts.yamlfile import read_mapping, read_text
from infercost.units import Kind, parse

#: Each family of presets: its figures with their kinds, and its labels.
FAMILIES: dict[str, tuple[dict[str, Kind], tuple[str, ...]]] = {
    "accelerators": (accelerator_figures.FIGURES, accelerator_figures.LABELS),
    "efficiency": (stack.KINDS, stack.LABELS),
    "traffic": (traffic.FIGURES, traffic.LABELS),
    "architectures": (architecture.FIGURES, architecture.LABELS),
    "hosts": (host.FIGURES, host.LABELS),
}
WHAT = {
    "accelerators": "accelerator",
    "architectures": "architecture",
    "efficiency": "efficiency profile",
    "hosts": "host",
    "traffic": "traffic",
    "models": "model",
}
#: Prices move: one without a date is an error.
DATED = ("rent", *(f"rent_{basis}" for basis in accelerator_figures.BASES), "purchase")
_FACT_TEXTS = ("as_of", "weak", "others")
_FACT_KEYS = ("value", "source", *_FACT_TEXTS, "until")
_DATE = re.compile(r"(19|20)\d\d(-\d\d){0,2}", re.ASCII)
#: All but letters, digits and a dot between two digits.
_NOISE = re.compile(r"[^\w.]|_|(?<!\d)\.|\.(?!\d)")
_ALIASES = re.compile(r"^aliases:\s*\[(.*?)\]", re.MULTILINE | re.DOTALL)


def shipped() -> Path:
    """The presets folder: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    return next((p for p in (package / "presets", package.parent / "presets") if p.is_dir()), package / "presets")


def folders() -> list[Path]:
    """The folders of presets, the user's own (``INFERCOST_PRESETS``) first; BadFile where that is no folder."""
    own = os.environ.get("INFERCOST_PRESETS")
    if not own:
        return [shipped()]
    if not os.path.isdir(own):
        raise BadFile(f"INFERCOST_PRESETS={own}: no such folder", "name a folder that holds accelerators/*.yaml")
    return [Path(own), shipped()]


def plain(name: str) -> str:
    """A name for comparison: letters and digits in lower case, and the dot of a number: 1.3b is not 13b."""
    return _NOISE.sub("", name.lower())


def _files(family: str) -> dict[str, str]:
    """Preset file by name; a user's file shadows a shipped one."""
    files: dict[str, str] = {}
    for folder in reversed(folders()):
        place = os.path.join(folder, family)
        if os.path.isdir(place):
            names = sorted(entry for entry in _entries(place) if entry.endswith((".yaml", ".yml")))
            files.update({entry.rpartition(".")[0]: os.path.join(place, entry) for entry in names})
    return files


def _entries(place: str) -> list[str]:
    try:
        return os.listdir(place)
    except OSError as error:
        raise BadFile(f"presets {place}: {reason(error)}", "name a folder that you may read") from error


def names(family: str) -> list[str]:
    """Names of all presets of a family, in alphabetical order."""
    return sorted(_files(family))


def aliases(family: str) -> dict[str, str]:
    """Every alias of every preset, as written, with the preset's name."""
    return {alias: name for name, path in _files(family).items() for alias in _aliases_in(path)}


@cache
def _aliases_in(path: str) -> tuple[str, ...]:
    """The aliases that a file writes on one line; none of a file that cannot be read, which is no other one's fault."""
    try:
        match = _ALIASES.search(read_text(path, "preset"))
    except BadFile:
        return ()
    return tuple(alias.strip().strip("\"'") for alias in match[1].split(",") if alias.strip()) if match else ()


def find(family: str, name: str) -> tuple[str, str]:
    """A preset's name and file, from any of its names; UnknownName, with the nearest name, for no such preset."""
    files = _files(family)
    if name in files:
        return name, files[name]
    text = plain(name)
    by_plain = {plain(own): own for own in files}
    if own := by_plain.get(text):
        return own, files[own]
    # files whose name holds the text come first: h100-sxm for h100
    for candidate in sorted(by_plain, key=lambda other: text not in other):
        own = by_plain[candidate]
        if text in map(plain, _aliases_in(files[own])):
            return own, files[own]
    hint = closest(name, [*files, *aliases(family)])
    raise UnknownName(f"no {WHAT[family]} preset is called {name!r}", f"{hint}infercost presets list shows all")


def looks_like_file(text: str) -> bool:
    """Whether a text is a file's path, not a preset's name."""
    return os.sep in text or text.endswith((".yaml", ".yml", ".json"))


@once
def load(family: str, name: str) -> Preset:
    """The preset of a name or of a file's path, a profile's of a release too: ``sglang@0.5.8``.

    Raises:
        UnknownName: no such preset.
        BadFile: see ``build``.
        BadValue: a release that is none, or of a profile that is the same for all.
    """
    if family == "efficiency" and not looks_like_file(name) and "@" in name:
        base, _, release = name.partition("@")
        return stack.at_release(load(family, base), release)
    own, path = (Path(name).stem, name) if looks_like_file(name) else find(family, name)
    preset = build(family, own, read_mapping(path, "preset"), path)
    return stack.like(preset, load(family, preset.labels["like"])) if "like" in preset.labels else preset


def build(family: str, name: str, data: dict[str, Any], path: str) -> Preset:
    """A preset from its file's data; BadFile or BadValue for a key, a figure, its source or date that cannot be."""
    kinds, labels = FAMILIES[family]
    data = architecture.flat(data, f"preset {path}") if family == "architectures" else data
    keys = [*kinds, *labels, "released", "sources"]
    if unknown := [key for key in data if key not in keys]:
        hint = f"{closest(unknown[0], keys)}keys: {', '.join(keys)}"
        raise BadFile(f"preset {path}: unknown key {unknown[0]!r}", hint)
    for key, words in stack.WORDS.items() if family == "efficiency" else ():
        word = data.get(key, stack.DEFAULTS.get(key))
        if word not in words and (key in data or stack.needs(data, key)):
            raise BadFile(f"preset {path}: {key} is {word!r}", f"write one of {', '.join(words)}")
    sources = data.get("sources", {})
    facts = {key: _fact(key, kind, data[key], sources, path) for key, kind in kinds.items() if key in data}
    texts = {key: _label(data[key]) for key in labels if key in data}
    if missing := [key for key in host.NEEDED if key not in facts and family == "hosts"]:
        raise BadFile(f"preset {path}: no {missing[0]}", f"a host has {', '.join(host.NEEDED)}")
    if "released" in data:
        texts.update(_released(data["released"], sources, path))
    if family == "traffic":
        texts.update(_hours(data.get("hours"), sources, path))
    return Preset(name=name, family=family, labels=texts, facts=facts, path=path)


def _label(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _released(entry: Any, sources: Any, path: str) -> dict[str, str]:
    where = f"preset {path}: released"
    if not isinstance(entry, dict) or not _DATE.fullmatch(str(entry.get("value"))):
        raise BadFile(f"{where} is no date", "write it as released: {value: 2025-03, source: KEY}")
    source = _source(entry.get("source"), sources, where)
    return {"released": entry["value"], "released_source": source["title"], "released_date": source["date"]}


def _hours(entry: Any, sources: Any, path: str) -> dict[str, str]:
    where = f"preset {path}: hours"
    loads = traffic.read_loads(entry, where)
    source = _source(entry["source"], sources, where)
    return {"hours": _label(list(loads)), "hours_source": source["title"], "hours_date": source["date"]}


def _source(key: Any, sources: Any, where: str) -> dict[str, str]:
    source = sources.get(key) if isinstance(sources, dict) and isinstance(key, str) else None
    if not isinstance(source, dict) or not all(isinstance(source.get(name), str) for name in ("title", "date")):
        hint = f"add under sources: {key}: {{title: ..., date: ...}}"
        raise BadFile(f"{where}: its source {key!r} has no title or no date", hint)
    return source


def _fact(key: str, kind: Kind, entry: Any, sources: Any, path: str) -> Fact:
    where = f"preset {path}: {key}"
    if not isinstance(entry, dict) or "value" not in entry or not entry.get("source"):
        form = "{value: " + kind.forms.split(",")[0] + ", source: KEY}"
        raise BadFile(f"{where} has no source", f"write it as {key}: {form}, and the key under sources:")
    if unknown := [name for name in entry if name not in _FACT_KEYS]:
        raise BadFile(f"{where}: unknown key {unknown[0]!r}", f"a figure has {', '.join(_FACT_KEYS)}")
    if odd := [name for name in _FACT_TEXTS if not isinstance(entry.get(name, ""), str)]:
        raise BadFile(f"{where}: {odd[0]} is no text", f"write it as {odd[0]}: a few words")
    source = _source(entry["source"], sources, where)
    if key in DATED and not entry.get("as_of"):
        raise BadFile(f"{where} has no date", "add as_of: YYYY-MM to the price")
    return Fact(
        value=parse(kind, str(entry["value"]), where),
        kind=kind,
        source=source["title"],
        date=entry.get("as_of") or source["date"],
        weak=entry.get("weak", ""),
        others=entry.get("others", ""),
        text=str(entry["value"]),
        until=_until(kind, entry.get("until", {}), where),
    )


def on_part(profile: Preset, part: Preset) -> Preset:
    """An efficiency profile as it is on a part, whose name or else vendor may decide the engine's backend.

    What a profile says itself, beyond the one that it is like, holds for every backend.
    """
    entries = [entry.split() for entry in profile.labels.get("backends", "").split(", ") if entry]
    names = () if profile.labels.get("kernels") else (part.name, part.labels.get("vendor", ""), "any")
    found = (backend for name in names for start, backend in entries if name.startswith(start))
    if (backend := next(found, None)) is None:
        return profile
    base, theirs = load("efficiency", profile.labels.get("like", profile.name)), load("efficiency", backend)
    own = {key: fact for key, fact in profile.facts.items() if base.facts.get(key) != fact}
    own = {key: fact for key, fact in own.items() if stack.is_stated(profile, key)}
    if "like" not in profile.labels:
        return theirs._replace(facts={**theirs.facts, **own})
    return profile._replace(labels={**theirs.labels, **profile.labels}, facts={**theirs.facts, **own})


def _until(kind: Kind, entry: Any, where: str) -> tuple[tuple[str, float], ...]:
    """Values of earlier releases, from the oldest on."""
    if not isinstance(entry, dict) or not all(stack.release_of(release) for release in entry):
        raise BadFile(f"{where}: until is no mapping of releases", "write it as until: {0.5.9: 3}")
    values = [(release, parse(kind, str(value), where)) for release, value in entry.items()]
    return tuple(sorted(values, key=lambda each: stack.release_of(each[0]) or ()))


def accelerators() -> list[str]:
    """Names of all accelerator presets."""
    return names("accelerators")


def accelerator(name: str) -> Preset:
    """The accelerator preset of a name or a file: ``accelerator("h100").value("memory_bandwidth")``."""
    return load("accelerators", name)
