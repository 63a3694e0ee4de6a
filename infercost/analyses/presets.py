"""What is known, with its sources: the list of presets, one preset in full, and where the files are."""

import os
from math import ceil
from typing import Any

from infercost import catalog
from infercost.analyses.show_model import show_model
from infercost.errors import BadFile, BadValue, UnknownName, closest
from infercost.families.preset import KEYS
from infercost.models import find_model
from infercost.preset import Preset
from infercost.question import Asked
from infercost.readers.yamlfile import read_mapping
from infercost.report import Input, Note, Report, Series
from infercost.traffic import DAY, hours_of
from infercost.units import show

VERBS = ("list", "show", "path")
MODELS = "models"
#: Heights of a bar of one character, from nothing to the busiest hour.
HEIGHTS = " ▁▂▃▄▅▆▇█"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def answer(asked: Asked) -> Report:
    """The answer to ``presets list``, ``presets show NAME`` or ``presets path``.

    Raises:
        UnknownName: another word, or a preset that does not exist.
    """
    verb, *rest = asked.words or ("list",)
    if len(rest) > (verb != "path"):
        raise BadValue(f"presets {verb}: too many words: {' '.join(rest)}", "presets list [FAMILY], show NAME or path")
    if verb not in VERBS:
        raise UnknownName(
            f"presets: no such word {verb!r}",
            f"{closest(verb, list(VERBS))}presets list, presets show NAME or presets path",
        )
    if verb == "path":
        return _path()
    if verb == "list":
        return _list(rest[0] if rest else None)
    if not rest:
        raise UnknownName("presets show names no preset", "for example infercost presets show h100")
    return _report_of(rest[0])


def _path() -> Report:
    rows = tuple({"path": str(folder)} for folder in catalog.folders())
    return Report("presets", "Presets are read from these folders, the first wins.", (), series=Series(("path",), rows))


def _list(family: str | None) -> Report:
    families = [*catalog.FAMILIES, MODELS]
    if family is not None and family not in families:
        raise UnknownName(
            f"presets: no family {family!r}", f"{closest(family, families)}families: {', '.join(families)}"
        )
    chosen = [family] if family else families
    rows = tuple(_list_row(kind, name) for kind in chosen for name in catalog.names(kind))
    return Report("presets", f"{len(rows)} presets.", (), series=Series(("name", "released", "title"), rows))


def _list_row(family: str, name: str) -> dict[str, Any]:
    if family == MODELS:
        data = read_mapping(catalog.find(family, name)[1], "preset")
        released = data.get("published", {}).get("date")
        aliases = ", ".join(data.get("aliases", ()))
        return {"name": name, "family": family, "title": data.get("name"), "released": released, "aliases": aliases}
    preset = catalog.load(family, name)
    return {
        "name": preset.name,
        "family": family,
        "title": preset.title,
        "released": preset.labels.get("released"),
        "aliases": preset.labels.get("aliases", ""),
    }


def _report_of(name: str) -> Report:
    """The preset of a name in full, in whichever family has it; a file in the family that it looks like."""
    for family in [_family_of(name)] if catalog.looks_like_file(name) else catalog.FAMILIES:
        try:
            if family != MODELS:
                return _show(catalog.load(family, name))
        except UnknownName:
            continue
    try:
        return show_model(find_model(name))
    except UnknownName:
        pass
    families = (*catalog.FAMILIES, MODELS)
    known = [word for family in families for word in (*catalog.names(family), *catalog.aliases(family))]
    raise UnknownName(f"no preset is called {name!r}", f"{closest(name, known)}infercost presets list shows all")


def _family_of(path: str) -> str:
    """The family that knows most of a file's keys; that of models where none knows more, and where it is no preset.

    Raises:
        BadFile: a YAML file that cannot be read.
    """
    is_yaml = path.endswith((".yaml", ".yml"))
    try:
        keys = set(read_mapping(path, "preset")) if is_yaml or os.path.isfile(path) else set()
    except BadFile:
        if is_yaml:
            raise
        return MODELS
    known = {MODELS: KEYS} | {family: (*kinds, *labels) for family, (kinds, labels) in catalog.FAMILIES.items()}
    return max(known, key=lambda family: len(keys.intersection(known[family])))


def _row(key: str, shown: str, value: Any, source: str, date: str) -> dict[str, Any]:
    return {
        "key": key,
        "shown": shown,
        "value": value,
        "unit": "",
        "source": source,
        "date": date,
        "weak": "",
        "others": "",
    }


def _released_row(preset: Preset) -> tuple[dict[str, Any], ...]:
    if "released" not in preset.labels:
        return ()
    day, source, date = (preset.labels[key] for key in ("released", "released_source", "released_date"))
    return (_row("released", day, day, source, date),)


def _hours_rows(preset: Preset) -> tuple[dict[str, Any], ...]:
    """A traffic preset's days as bars of 24 hours, and the extremes that follow from them."""
    if "hours" not in preset.labels:
        return ()
    hours, source, date = hours_of(preset), preset.labels["hours_source"], preset.labels["hours_date"]
    peak, trough = max(hours), min(hours)
    days = [hours[start : start + DAY] for start in range(0, len(hours), DAY)]
    bars = ["".join(HEIGHTS[ceil(hour / peak * 8)] for hour in day) for day in days]
    keys = DAYS if len(days) > 1 else ("hours",)
    extremes = (("peak_to_mean", peak), ("trough_to_mean", trough))
    return (
        *(_row(key, bar, day, source, date) for key, bar, day in zip(keys, bars, days, strict=True)),
        *(_row(key, show(value, ""), value, "follows from the hours", date) for key, value in extremes),
    )


def _reasons(preset: Preset) -> list[str]:
    return list(dict.fromkeys(fact.weak for fact in preset.facts.values() if fact.weak))


def _show(preset: Preset) -> Report:
    facts = tuple(
        {
            "key": key,
            "shown": fact.text or show(fact.value, fact.kind.unit),
            "value": fact.value,
            "unit": fact.kind.unit,
            "source": fact.source,
            "date": fact.date,
            "weak": fact.weak,
            "others": fact.others,
        }
        for key, fact in preset.facts.items()
    )
    notes = [Note("note", preset.labels[key]) for key in ("note", "note_8bit") if key in preset.labels]
    notes += [Note("others", f"{key}: {fact.others}") for key, fact in preset.facts.items() if fact.others]
    weak = {reason: [key for key, fact in preset.facts.items() if fact.weak == reason] for reason in _reasons(preset)}
    notes += [Note("weak-figure", f"weak (~): {', '.join(keys)}: {reason}") for reason, keys in weak.items()]
    notes.append(Note("aliases", f"other names: {preset.labels.get('aliases', 'none')}"))
    return Report(
        command="presets",
        verdict=f"{preset.name}: {preset.title}.",
        inputs=(Input("name", preset.name, "", "given"),),
        series=Series(("key", "shown", "date", "source"), (*_released_row(preset), *_hours_rows(preset), *facts)),
        notes=tuple(notes),
    )
