"""What a result file says of its own run: the model and the accelerators, where presets are known by their names."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from infercost.errors import UnknownName
from infercost.evidence.readers.record import Record
from infercost.evidence.readers.run import Run
from infercost.parts import catalog, formats

#: Keys of tools for the model and for the accelerators, the surest first, and where they stand.
MODELS = ("model_id", "model", "model_name", "model_path", "model_filename")
PARTS = ("gpu_info", "gpu_name", "gpu_type", "gpu", "device_name", "hw", "hardware")
PLACES = ("server_info", "engine", "config", "args", "input_config")
#: Keys of the width of tensor parallelism.
WIDTHS = ("tp", "tp_size")
_TAIL = re.compile(r"[-_](instruct|it|chat|hf|gguf|mlx)(?=[-_]|$)", re.IGNORECASE)
#: A number format in a name.
FORMAT = re.compile(r"[-_.:](i?q\d\w*|mxfp4|nvfp4|bf16|fp16|f16|[48]bit)(?=[-_.]|$)", re.IGNORECASE)
_STORED = re.compile(r"(?P<name>.+)[-_.](?P<format>fp8|awq|gptq|nvfp4|int[48]|w4a16|w8a8)(-dynamic|-block)?", re.I)


class Said(NamedTuple):
    """The model, the accelerators and their number and width, and the format of a checkpoint; empty where not said."""

    model: str = ""
    accelerator: str = ""
    devices: int | None = None
    tp: int | None = None
    format: str = ""

    def of(self, run: Run) -> Run:
        """The user's word on a run with what it leaves out as the file says it."""
        run = run._replace(model=run.model or self.model)
        if run.accelerator or not self.accelerator:
            return run
        tp = self.tp if (run.tp, run.pp, run.ep) == (None, None, None) else run.tp
        given = max(run.devices or 1, tp or 1)
        return run._replace(accelerator=self.accelerator, devices=max(given, self.devices or 1), tp=tp)


def preset_of(family: str, name: str) -> str:
    """The preset that a tool's name for it means, empty where there is none."""
    name = name.rpartition("/")[2].removesuffix(".gguf")
    name = _TAIL.sub("", FORMAT.sub("", name)) if family == "models" else name
    maker, _, rest = name.partition("_")
    for text in (name, rest, name.partition(" ")[2], maker):
        try:
            return catalog.find(family, text)[0] if text.strip() else ""
        except UnknownName:
            continue
    return ""


def read_said(record: Record) -> Said:
    """What a result says of its model and accelerators; nothing of names that no preset has."""
    model, format = next(filter(lambda found: found[0], map(_model, _texts(record, MODELS))), ("", ""))
    parts = next((_parts(text) for text in _texts(record, PARTS)), [])
    part = preset_of("accelerators", parts[0]) if len(set(parts)) == 1 else ""
    number = 1 if record.text("split_mode") == "none" else len(parts)
    widths = [int(text) for text in _texts(record, WIDTHS, (*PLACES, "world_info")) if text.isdecimal()]
    return Said(model, part, number or None, next(iter(widths), None), format)


def _texts(record: Record, keys: tuple[str, ...], places: tuple[str, ...] = PLACES) -> Iterator[str]:
    """The values of some keys that are no mappings, wherever they stand."""
    for inside in (record, *map(record.inside, places)):
        for key in keys:
            if isinstance(inside.values.get(key), (str, int)) and inside.text(key):
                yield inside.text(key)


def _model(name: str) -> tuple[str, str]:
    """The model that a name means and the format of its checkpoint: a tag of Ollama as it is, else a preset."""
    if formats.read_tag(name) is not None:
        try:
            return (name if catalog.find("models", name) else "", "")
        except UnknownName:
            return "", ""
    stored = _STORED.fullmatch(name.rpartition("/")[2])
    for text, format in ((name, ""), (stored["name"], stored["format"].lower()) if stored else (name, "")):
        try:
            return catalog.find("models", text)[0], format
        except UnknownName:
            if own := preset_of("models", text):
                return own, format
    return "", ""


def _parts(text: str) -> list[str]:
    """The names of devices in one text, without what stands behind a name in brackets."""
    names = (re.sub(r"\s*\(.*", "", name).strip() for name in re.split(r",|\s\+\s", text))
    return [name for name in names if name]
