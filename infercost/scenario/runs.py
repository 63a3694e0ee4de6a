"""What the user says of benchmark files beside them, and the profile that a fit starts from."""

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

#: Formats in which runs are, whose arithmetic and bits are plain.
DTYPES = ("bf16", "fp16", "fp8", "int8", "fp4", "int4")
KV_DTYPES = ("bf16", "fp16", "fp8", "int8")
ENDINGS = (".yaml", ".yml")


def read_calibration(reading: Reading) -> Calibration:
    """What is known of the files, the formats they may leave out, where to start and where the profile goes.

    Raises:
        Missing: no file.
        BadValue: a name or a format that cannot be used.
    """
    path = _target(reading)
    base = _base(reading)
    if not reading.question.words:
        example = "for example infercost calibrate run.json --gpu h100 --model llama-3.1-8b"
        raise Missing("calibrate needs a result file", example)
    run = _run(reading)
    weights, cache = _format(reading, "dtype", DTYPES), _format(reading, "kv_dtype", KV_DTYPES)
    return Calibration(run, weights, cache, base, path)


def _run(reading: Reading) -> Run:
    """What the user says of the runs, without a file."""
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
    """A format for the files that do not say, empty where nobody does.

    Raises:
        BadValue: one that does not say which arithmetic ran, or that no engine keeps a cache in.
    """
    given: Any = reading.take(option)
    name = given.name if isinstance(given, Format) else str(given or "")
    if name and name not in known:
        raise BadValue(f"{flag(option)} {name} does not say what ran", f"a run has one of {', '.join(known)}")
    return name


def _target(reading: Reading) -> str:
    """Where the profile goes, empty where nobody said.

    Raises:
        BadValue: a name that ``--efficiency`` would not take for a file.
    """
    path = str(reading.get("output") or "")
    if path and Path(path).suffix.lower() not in ENDINGS:
        raise BadValue(f"--output {path}: a profile is a YAML file", "end its name in .yaml: --output my-stack.yaml")
    return path


def _base(reading: Reading) -> Preset:
    """The profile whose constants stand where the data do not tell.

    Raises:
        BadValue: one that counts the parts of a step by another law.
    """
    name = reading.take("efficiency", "realistic", "to start from")
    base = complete(name if isinstance(name, Preset) else catalog.load("efficiency", name))
    if law(base) != "roofline":
        raise BadValue(f"profile {base.name} has a law of its own, which is not fitted", "start from realistic")
    reading.use(base, *CANDIDATES)
    return base._replace(labels={**base.labels, "overlap": "operator", "memory": "engine"})
