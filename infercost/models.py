"""Find a model by what a user writes: a preset's name, a config.json, a folder, a checkpoint index, or a hub id."""

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from infercost import catalog
from infercost.errors import BadFile, UnknownName
from infercost.families import parse_json, read_model
from infercost.families.preset import read_preset
from infercost.model import Model, Quantization
from infercost.readers.yamlfile import read_text

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
INDEX = ".safetensors.index.json"
SIDECAR = "hf_quant_config.json"


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


def find_model(text: str) -> Found:
    """The model that a text names.

    Raises:
        UnknownName: no preset is called so, and it is no file.
        BadFile: a file that cannot be used.
        Missing: a family or a key that is not known.
    """
    if os.path.isdir(text):
        return _from_folder(Path(text))
    if text.endswith(INDEX):
        return _from_folder(Path(text).parent, Path(text))
    if text.endswith(".json"):
        return _from_config(Path(text), Path(text).stem)
    if text.endswith((".yaml", ".yml")):
        return _from_preset(text, Path(text).stem)
    if text.endswith(".gguf"):
        return _from_gguf(text)
    if text.endswith((".safetensors", ".bin", ".pt")):
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
    return Found(model, data.get("name", name), source["title"], source["date"], published, hub_id=hub_id)


def _from_gguf(path: str) -> Found:
    from infercost.families.gguf import read_gguf

    return Found(read_gguf(path, Path(path).stem), Path(path).stem, path, "", {}, float(os.path.getsize(path)))


def _from_hub(name: str, error: UnknownName) -> Found:
    """The config of a hub id that no preset has, through the optional ``huggingface_hub``."""
    from infercost.readers.hub import fetch

    config = fetch(name, "config.json", error)
    assert config is not None
    sidecar = fetch(name, SIDECAR, None)
    told = parse_json(read_text(sidecar, "model"), f"model {name}") if sidecar else None
    data = parse_json(read_text(config, "model", most=10_000_000), f"model {name}")
    own = name.partition("/")[2].lower()
    return Found(read_model(data, own, f"model {name}", told), name, f"{name} config.json", "", {}, hub_id=name)


def _from_folder(folder: Path, index: Path | None = None) -> Found:
    config = folder / "config.json"
    if not config.is_file():
        raise BadFile(f"model {folder}: holds no config.json", "give the folder of a checkpoint, or its config.json")
    index = index or next(iter(sorted(folder.glob(f"*{INDEX}"))), None)
    found = _from_config(config, folder.resolve().name)
    return found._replace(stored_bytes=_stored_bytes(folder, index), hub_id=str(folder))


def _from_config(path: Path, name: str) -> Found:
    where = f"model {path}"
    data = parse_json(read_text(str(path), "model", most=10_000_000), where)
    sidecar = path.parent / SIDECAR
    told = parse_json(read_text(str(sidecar), "model"), f"model {sidecar}") if sidecar.is_file() else None
    own = path.parent.resolve().name if name == "config" else name
    return Found(read_model(data, own, where, told), own, str(path), "", {})


def _stored_bytes(folder: Path, index: Path | None) -> float | None:
    """Bytes of all tensors: what the index says, else what the headers of the shards say; no weights are read."""
    if index is not None:
        total = parse_json(read_text(str(index), "model", most=50_000_000), f"model {index}").get("metadata", {})
        return float(total["total_size"]) if "total_size" in total else None
    shards = sorted(folder.glob("*.safetensors"))
    return float(sum(map(_shard_bytes, shards))) if shards else None


def _shard_bytes(path: Path) -> int:
    """Bytes of a safetensors file's tensors, from its header."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > 100_000_000:
            raise BadFile(f"model {path}: its header is {length} bytes", "give a safetensors file")
        try:
            header: dict[str, Any] = json.loads(file.read(length))
            return sum(
                entry["data_offsets"][1] - entry["data_offsets"][0]
                for name, entry in header.items()
                if name != "__metadata__"
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadFile(f"model {path}: is no safetensors file", "give a safetensors file") from error


def with_format(model: Model, name: str, bits: float) -> Model:
    """The same model with its matrices stored in another format; tables, gates and norms stay in 16 bits below 16."""
    if bits >= 16:
        return model._replace(quantization=Quantization(name, bits, {}))
    kept = dict.fromkeys(("attention", "ffn", "experts", "shared"), bits)
    return model._replace(quantization=Quantization(name, 16, kept))
