"""A model preset: the architectural keys of a published config, its names, and where it was read."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from infercost.errors import BadFile, UnknownName, closest
from infercost.models.families.config import parse_json
from infercost.models.families.read import read_model
from infercost.models.model import Model, Quantization
from infercost.parts import catalog
from infercost.parts.cache import once
from infercost.parts.yamlfile import read_mapping, read_text

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
INDEX = ".safetensors.index.json"
SIDECAR = "hf_quant_config.json"
#: One file of several, which says nothing of the whole.
_SHARD = re.compile(r"-\d+-of-\d+\.safetensors$")


class Kind(NamedTuple):
    """What a file of a checkpoint is, and the most bytes that one has."""

    name: str
    most: int


CONFIG = Kind("config.json", 10_000_000)
CHECKPOINT_INDEX = Kind("checkpoint index", 100_000_000)
SAFETENSORS = Kind("safetensors file", 100_000_000)


class Found(NamedTuple):
    """A model, what people call it, where it was read, and the bytes that its checkpoint holds when those are known.

    ``hub_id`` is what an engine loads it by, a hub's name or a folder; empty where no weights are published.
    """

    model: Model
    title: str
    source: str
    date: str
    published: dict[str, str]
    stored_bytes: float | None = None
    hub_id: str = ""
    note: str = ""


@once
def find_model(text: str) -> Found:
    """The model that a text names.

    Raises:
        UnknownName: no preset is called so, and it is no file.
        BadFile: a file that cannot be used.
        Missing: a family or a key that is not known.
    """
    if os.path.isdir(text):
        return _from_folder(Path(text))
    if os.path.exists(text) and not os.path.isfile(text):
        raise BadFile(f"model {text}: is neither a regular file nor a folder", "give a config.json, or its folder")
    if text.endswith((INDEX, ".safetensors")):
        return _from_folder(Path(text).parent, Path(text))
    if text.endswith(".json"):
        return _from_config(Path(text), Path(text).stem)
    if text.endswith((".yaml", ".yml")):
        return _from_preset(text, Path(text).stem)
    if text.endswith(".gguf"):
        return _from_gguf(text)
    if text.endswith((".bin", ".pt")):
        raise BadFile(f"model {text}: weights alone are not read yet", "give the folder that holds its config.json")
    try:
        name, path = catalog.find("models", text)
    except UnknownName as error:
        if not _HUB_ID.fullmatch(text):
            raise
        return _from_hub(text, error)
    return _from_preset(path, name)


def _from_preset(path: str, name: str) -> Found:
    model, data = read_preset(path, name)
    source = data["source"]
    aliases = data.get("aliases")
    published = data.get("published", {})
    served = aliases if isinstance(aliases, list) and published.get("weights") != "none" else ()
    hub_id = next((alias for alias in served if _HUB_ID.fullmatch(alias)), "")
    return Found(
        model,
        data.get("name", name),
        source["title"],
        source["date"],
        published,
        hub_id=hub_id,
        note=data.get("note", ""),
    )


def _from_gguf(path: str) -> Found:
    from infercost.models.gguf import read_gguf

    return Found(read_gguf(path, Path(path).stem), Path(path).stem, path, "", {}, float(os.path.getsize(path)))


def _from_hub(name: str, error: UnknownName) -> Found:
    """The config of a hub id that no preset has, through the optional ``huggingface_hub``."""
    from infercost.models.hub import fetch

    config = fetch(name, "config.json", error)
    assert config is not None
    sidecar = fetch(name, SIDECAR, None)
    told = _object(sidecar, CONFIG) if sidecar else None
    data = parse_json(_text(config, CONFIG), f"model {name}")
    own = name.partition("/")[2].lower()
    return Found(read_model(data, own, f"model {name}", told), name, f"{name} config.json", "", {}, hub_id=name)


def _from_folder(folder: Path, weights: Path | None = None) -> Found:
    """A checkpoint; ``weights`` is its index or its only file when that was named."""
    config = folder / "config.json"
    if not config.is_file():
        raise BadFile(f"model {folder}: holds no config.json", "put the checkpoint's config.json there, or give one")
    found = _from_config(config, folder.resolve().name)
    return found._replace(stored_bytes=_stored_bytes(folder, weights), hub_id=str(folder))


def _from_config(path: Path, name: str) -> Found:
    where = f"model {path}"
    data = parse_json(_text(str(path), CONFIG), where)
    sidecar = path.parent / SIDECAR
    told = _object(str(sidecar), CONFIG) if sidecar.is_file() else None
    own = path.parent.resolve().name if name == "config" else name
    return Found(read_model(data, own, where, told), own, str(path), "", {})


def _text(path: str, kind: Kind) -> str:
    """The text of a file of the checkpoint.

    Raises:
        BadFile: see ``read_text``.
    """
    if os.path.isfile(path) and os.path.getsize(path) > kind.most:
        raise BadFile(f"model {path}: larger than {kind.most // 1_000_000} MB, no {kind.name}", f"give a {kind.name}")
    return read_text(path, "model", most=kind.most)


def _object(path: str, kind: Kind) -> dict[str, Any]:
    return _parsed(_text(path, kind), path, kind)


def _parsed(text: str | bytes, path: str | Path, kind: Kind) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"model {path}: is no {kind.name}", f"give a {kind.name}") from error
    if not isinstance(data, dict):
        raise BadFile(f"model {path}: is no {kind.name}", f"give a {kind.name}")
    return data


def _stored_bytes(folder: Path, weights: Path | None) -> float | None:
    """Bytes of all tensors: what the index says, else what the headers of the files say; no weights are read."""
    if weights is not None and weights.suffix == ".safetensors" and not _SHARD.search(weights.name):
        return float(_file_bytes(weights))
    named = weights if weights is not None and weights.name.endswith(INDEX) else None
    index = named or next(filter(Path.is_file, sorted(folder.glob(f"*{INDEX}"))), None)
    if index is not None and (total := _indexed_bytes(index)) is not None:
        return total
    files = sorted(filter(Path.is_file, folder.glob("*.safetensors")))
    return float(sum(map(_file_bytes, files))) if files else None


def _indexed_bytes(index: Path) -> float | None:
    """The sum that an index tells, if it does."""
    metadata = _object(str(index), CHECKPOINT_INDEX).get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadFile(f"model {index}: metadata is {repr(metadata)[:40]}", "metadata must be an object")
    total = metadata.get("total_size")
    if total is None:
        return None
    if isinstance(total, bool) or not isinstance(total, (int, float)) or not 0 < total < math.inf:
        raise BadFile(f"model {index}: total_size is {repr(total)[:40]}", "total_size must be a number of bytes")
    return float(total)


def _file_bytes(path: Path) -> int:
    """Bytes of a safetensors file's tensors, from its header."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > SAFETENSORS.most:
                raise BadFile(f"model {path}: its header is {length} bytes", f"give a {SAFETENSORS.name}")
            header = _parsed(file.read(length), path, SAFETENSORS)
    except OSError as error:
        raise BadFile(f"model {path}: {(error.strerror or str(error)).lower()}", "give a readable file") from error
    return sum(_tensor_bytes(path, name, entry) for name, entry in header.items() if name != "__metadata__")


def _tensor_bytes(path: Path, name: str, entry: Any) -> int:
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    start, end = offsets if isinstance(offsets, list) and len(offsets) == 2 else (None, None)
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end:
        raise BadFile(f"model {path}: is no safetensors file: data_offsets of {name[:40]!r}", "give a safetensors file")
    return end - start


def with_format(model: Model, name: str, bits: float) -> Model:
    """The same model with its matrices stored in another format; tables, gates and norms stay in 16 bits below 16."""
    if bits >= 16:
        return model._replace(quantization=Quantization(name, bits, {}))
    kept = dict.fromkeys(("attention", "ffn", "experts", "shared"), bits)
    return model._replace(quantization=Quantization(name, 16, kept))


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
