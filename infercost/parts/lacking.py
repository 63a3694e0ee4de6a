"""All that a preset of one's own lacks, said at once, and the smallest file that has it."""

from collections.abc import Collection, Mapping
from typing import Any

from infercost.errors import BadFile, BadValue
from infercost.parts.accelerator import RATES
from infercost.units import Kind, parse

#: Figures of an accelerator without which most questions have no answer, and a dense rate beside them.
ESSENTIAL, RATE = ("memory", "memory_bandwidth"), "flops_bf16"
#: Labels of a profile that a whole file keeps.
_LABELS = ("like", "law", "overlap", "memory")
_SOURCES = "sources: {SHEET: {title: a data sheet, date: 2026-01}}"


def refuse_lacking(
    data: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    needed: Collection[str],
    dated: Collection[str],
    path: str,
    words: Mapping[str, str],
) -> None:
    """Refuse a preset that lacks several things; one alone is refused, or asked for, where it is read.

    ``words`` are labels that it has to say and does not, each with one that it may say.

    Raises:
        BadFile: all that it lacks, with the smallest whole file in the hint.
    """
    figures = {key: data[key] for key in kinds if key in data}
    plain = [key for key, entry in figures.items() if not (isinstance(entry, dict) and entry.get("source"))]
    sources = {str(entry["source"]): None for key, entry in figures.items() if key not in plain}
    untitled = [name for name in sources if not _is_titled(data.get("sources"), name)]
    undated = [key for key in dated if key in figures and not (isinstance(data[key], dict) and data[key].get("as_of"))]
    absent = [key for key in needed if key not in data]
    if RATE in kinds and not any(f"flops_{rate}" in data for rate in RATES):
        absent.append(RATE)
    told = len(plain) + len(untitled) + len(undated) + len(words)
    if told + len(absent) < 2 or (RATE in kinds and figures and not told):  # memory alone answers fit
        return
    lacks = [f"{_list(plain)} {'has' if len(plain) == 1 else 'have'} no source"] if plain else []
    lacks += [f"its source {name!r} has no title or no date" for name in untitled]
    lacks += [f"{_list(undated)} {'has' if len(undated) == 1 else 'have'} no date (as_of)"] if undated else []
    named = [f"dense rate ({key})" if key == RATE else key for key in absent]
    lacks += [f"there is no {', no '.join((*words, *named))}"] if words or absent else []
    own = {key: data[key] for key in _LABELS if key not in kinds and isinstance(data.get(key), str)}
    said = [f"{key}: {word}" for key, word in {**own, **words}.items()]
    entries = [_entry(key, data.get(key), kinds[key], as_of=key in dated) for key in (*figures, *absent)]
    raise BadFile(
        f"preset {path}: {'; '.join(lacks)}",
        f"a whole file, yours in place of examples: {{{', '.join((*said, *entries, _SOURCES))}}}",
    )


def _is_titled(sources: Any, name: str) -> bool:
    source = sources.get(name) if isinstance(sources, dict) else None
    return isinstance(source, dict) and all(isinstance(source.get(key), str) for key in ("title", "date"))


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _entry(key: str, given: Any, kind: Kind, *, as_of: bool) -> str:
    """A figure as a file has it: with the value that was given where it is one, else with an example."""
    value = str(given.get("value", "") if isinstance(given, dict) else given or "")
    try:
        parse(kind, value)
    except BadValue:
        value = kind.forms.split(",")[0].split(" or ")[0]
    return f"{key}: {{value: {value.replace(',', '')}, source: SHEET{', as_of: 2026-01' if as_of else ''}}}"
