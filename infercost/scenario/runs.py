"""Options of ``calibrate``: the user's word on benchmark files, and the profile where a fit starts."""

from pathlib import Path
from typing import Any

from infercost.errors import BadValue, Missing
from infercost.evidence.fit import CANDIDATES
from infercost.evidence.predict import model_of_run
from infercost.evidence.readers import Run, Workload
from infercost.parts import catalog
from infercost.parts.formats import Format
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, law
from infercost.scenario.options import flag
from infercost.scenario.read import Reading, read_part
from infercost.scenario.scenario import Calibration

#: Number formats of runs: their names say which arithmetic ran.
DTYPES = ("bf16", "fp16", "fp8", "int8", "fp4", "int4")
KV_DTYPES = ("bf16", "fp16", "fp8", "int8")
ENDINGS = (".yaml", ".yml")


def read_calibration(reading: Reading) -> Calibration:
    """The run of the files, formats that they may leave out, the profile to start from, and the path of the result.

    Raises:
        Missing: no file.
        BadValue: a name or a format that cannot be used.
    """
    path, base = _target(reading), _base(reading)
    if not reading.question.words:
        example = "for example infercost calibrate run.json --gpu h100 --model llama-3.1-8b"
        raise Missing("calibrate needs a result file", example)
    run = _run(reading)
    weights, cache = _format(reading, "dtype", DTYPES), _format(reading, "kv_dtype", KV_DTYPES)
    return Calibration(run, weights, cache, base, path)


def _run(reading: Reading) -> Run:
    """The user's word on the runs, without a file."""
    part, count = None, None
    if (gpu := reading.take("gpu")) is not None:
        part, count = read_part(reading, gpu)
    if (model := reading.take("model")) is not None:
        model_of_run(str(model))
    tp, pp, ep = (reading.take(name) for name in ("tp", "pp", "ep"))
    devices = count or max(tp or 1, ep or 1) * (pp or 1)
    workload = Workload(*(reading.take(name) for name in Workload._fields))
    return Run("", str(model or ""), part.path if part else "", devices, tp, pp, ep, workload)


def _format(reading: Reading, option: str, known: tuple[str, ...]) -> str:
    """A number format for files that leave it out, empty by default.

    Raises:
        BadValue: one that does not say which arithmetic ran, or that no engine keeps a cache in.
    """
    given: Any = reading.take(option)
    name = given.name if isinstance(given, Format) else str(given or "")
    if name and name not in known:
        raise BadValue(f"{flag(option)} {name} does not say what ran", f"a run has one of {', '.join(known)}")
    return name


def _target(reading: Reading) -> str:
    """The path of the fitted profile, empty by default.

    Raises:
        BadValue: a name that ``--efficiency`` would not take for a file.
    """
    path = str(reading.get("output") or "")
    if path and Path(path).suffix.lower() not in ENDINGS:
        raise BadValue(f"--output {path}: a profile is a YAML file", "end its name in .yaml: --output my-stack.yaml")
    return path


def _base(reading: Reading) -> Preset:
    """The profile whose constants stay where the data do not determine them.

    Raises:
        BadValue: a profile with another law for a step.
    """
    name = reading.take("efficiency", "realistic", "to start from")
    base = complete(name if isinstance(name, Preset) else catalog.load("efficiency", name))
    if law(base) != "roofline":
        raise BadValue(f"profile {base.name} has a law of its own, which is not fitted", "start from realistic")
    reading.use(base, *CANDIDATES)
    return base._replace(labels={**base.labels, "overlap": "operator", "memory": "engine"})
