"""A profile as the text of a preset's file, every figure with its source."""

import json

from infercost.efficiency import FIGURES
from infercost.preset import Fact, Preset

#: The date of a source that has none: a fit is as old as its measurements, whose tools mostly do not say.
UNDATED = "undated"


def profile_text(profile: Preset, name: str, said: str, error: str = "") -> str:
    """The file of a profile: labels, figures, sources; ``said`` is what it was fitted to, ``error`` how near."""
    facts = {key: profile.facts[key] for key in FIGURES if key in profile.facts}
    sources: dict[tuple[str, str], str] = {}
    for fact in facts.values():
        sources.setdefault((fact.source, fact.date), f"S{len(sources) + 1}")
    engine = profile.labels.get("engine")
    lines = [
        f"name: {quoted(name)}",
        *([f"engine: {quoted(engine)}"] if engine else []),
        "overlap: operator",
        "memory: engine",
        *([f"error: {quoted(error)}"] if error else []),
        f"note: {quoted(f'Fitted to {said}, from profile {profile.name}.')}",
        *(_figure(key, fact, sources[fact.source, fact.date]) for key, fact in facts.items()),
        "sources:",
        *(
            f"  {key}: {{title: {quoted(title)}, date: {quoted(date or UNDATED)}}}"
            for (title, date), key in sources.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A text as a YAML string on one line; what cannot be printed becomes a question mark."""
    return json.dumps("".join(letter if letter.isprintable() else "?" for letter in text), ensure_ascii=False)


def _figure(key: str, fact: Fact, source: str) -> str:
    remarks = "".join(
        f", {name}: {quoted(text)}" for name, text in (("weak", fact.weak), ("others", fact.others)) if text
    )
    return f"{key}: {{value: {_written(key, fact)}, source: {source}{remarks}}}"


def _written(key: str, fact: Fact) -> str:
    """A figure as its file had it, or a new one: times in microseconds."""
    if fact.text:
        return " ".join(fact.text.split())
    if key.endswith(("_time", "_latency", "_overhead")) and fact.kind.unit == "s":
        return f"{fact.value * 1e6:.6g}us"
    return f"{fact.value:.6g}"
