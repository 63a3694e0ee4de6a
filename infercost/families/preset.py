"""A model preset: the architectural keys of a published config, its names, and where it was read."""

from typing import Any

from infercost.errors import BadFile, closest
from infercost.families import read_model
from infercost.model import Model
from infercost.readers.yamlfile import read_mapping

KEYS = ("name", "aliases", "source", "published", "note", "config", "hf_quant_config")


def read_preset(path: str, name: str) -> tuple[Model, dict[str, Any]]:
    """The model of a preset file, and what the file says beside its config.

    Raises:
        BadFile: a key we do not know, no source, or no config.
        Missing: a config that leaves out what its family needs.
    """
    data = read_mapping(path, "preset")
    if (stranger := next((key for key in data if key not in KEYS), None)) is not None:
        raise BadFile(
            f"preset {path}: unknown key {stranger!r}", f"{closest(stranger, list(KEYS))}keys: {', '.join(KEYS)}"
        )
    source = data.get("source")
    if not isinstance(source, dict) or not source.get("title") or not source.get("date"):
        raise BadFile(f"preset {path} has no source", "add source: {title: where the config was read, date: YYYY-MM}")
    if not isinstance(data.get("config"), dict):
        raise BadFile(f"preset {path} has no config", "add config: with the keys of the published config.json")
    sidecar = typed(data["hf_quant_config"]) if "hf_quant_config" in data else None
    return read_model(typed(data["config"]), name, f"preset {path}", sidecar), data


def typed(value: Any) -> Any:
    """The JSON value that a text scalar writes: numbers, true, false and null; other text stays text."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if value in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[value]
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
