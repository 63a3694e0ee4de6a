"""The figures of a part in another size or with another number of cores, which its file has under ``variants``."""

from typing import Any

from infercost.errors import BadFile

#: Keys of a variant that are no figures.
_ABOUT = ("name", "source", "like")


def figures_of(data: dict[str, Any], variant: str, path: str) -> dict[str, Any]:
    """A preset's data with the figures of a variant, which share its source; prices are of one configuration.

    Raises:
        BadFile: the variant has none, nor is it like one that has.
    """
    all_of_it = data.get("variants")
    all_of_it = all_of_it if isinstance(all_of_it, dict) else {}
    own = all_of_it.get(variant)
    like = all_of_it.get(own.get("like"), {}) if isinstance(own, dict) else None
    if not isinstance(own, dict) or not isinstance(like, dict) or "like" in like or ("like" in own and not like):
        hint = "write memory: 64 GB and source: KEY under it, or like: the name of one that has them"
        raise BadFile(f"preset {path}: variant {variant} has no figures", hint)
    base = _with_figures(data, own["like"], like) if like else data
    return _with_figures(base, variant, own)


def _with_figures(data: dict[str, Any], variant: str, own: dict[str, Any]) -> dict[str, Any]:
    """The data of a part with the figures of a variant of it, under a name that says which."""
    known = {key: entry for key, entry in data.items() if key not in ("variants", "purchase", "rent", "aliases")}
    if isinstance(own.get("memory"), str):
        known |= _as_counted(known, own["memory"])
    figures = {key: entry for key, entry in own.items() if key not in _ABOUT}
    shared = {"source": own.get("source")}
    figures |= {key: {"value": text, **shared} for key, text in figures.items() if isinstance(text, str)}
    return {**known, "name": own.get("name", f"{data.get('name')}, {own.get('memory', variant)}"), **figures}


def _as_counted(data: dict[str, Any], memory: str) -> dict[str, Any]:
    """What a driver or an engine sees of another size: in binary units where the part counts so, else not known."""
    sold, counted = (data.pop(key, None) for key in ("memory", "memory_reported"))
    data.pop("memory_engine", None)
    if not (isinstance(sold, dict) and isinstance(counted, dict)):
        return {}
    binary = counted.get("value") == str(sold.get("value")).replace(" GB", " GiB")
    return {"memory_reported": {**counted, "value": memory.replace(" GB", " GiB")}} if binary else {}
