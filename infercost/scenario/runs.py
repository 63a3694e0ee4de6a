"""Benchmark files and what the user says of their runs: how ``calibrate`` and ``validate`` read their questions."""

from collections.abc import Sequence
from pathlib import Path

from infercost.errors import BadValue, InfercostError, Missing
from infercost.evidence.fit import candidates_of
from infercost.evidence.predict import Measured, model_of_run, part_of_run, stack_of
from infercost.evidence.readers import Results, Run, Workload, read_file
from infercost.parts.formats import GGUF
from infercost.parts.preset import Fact, Preset
from infercost.parts.stack import KINDS, SHARED, law
from infercost.scenario.options import flag
from infercost.scenario.read import Reading, read_part, read_stack
from infercost.scenario.scenario import Calibration, Scenario, frozen
from infercost.scenario.usual import usual_engine

#: Number formats of runs: their names say which arithmetic ran.
DTYPES = ("bf16", "fp16", "fp8", "int8", "fp4", "nvfp4", "mxfp4", "int4", "awq", "gptq")
KV_DTYPES = ("bf16", "fp16", "fp8", "int8")
#: Endings that ``--efficiency`` takes for a file.
ENDINGS = (".yaml", ".yml")
#: Laws whose constants can be fitted, and factors on what kernels of a chip reach, which shipped profiles leave out.
FITTED = ("roofline", "kernels", "llama.cpp")
SCALES = ("bandwidth_scale", "compute_scale")
#: The source of a factor that a profile leaves out.
AS_TIMED = "1: kernels are as fast as timed alone"
EXAMPLE = "for example infercost calibrate run.json --gpu h100 --model llama-3.1-8b"


def read_calibration(reading: Reading) -> Scenario:
    """The benchmark files, and the profile to start from.

    Raises:
        InfercostError: a file or name that cannot be used, or an option that is missing.
    """
    path, question = str(reading.get("output") or ""), reading.question
    if path and Path(path).suffix.lower() not in ENDINGS:
        raise BadValue(f"--output {path}: a profile is a YAML file", "end its name in .yaml: --output my-stack.yaml")
    if not question.words:
        raise Missing("calibrate needs a result file", EXAMPLE)
    files = read_files(reading)
    rows = [row for file in files for row in file.measured]
    return frozen(reading, calibration=Calibration(_base(reading, rows), path), files=files)


def read_files(reading: Reading) -> tuple[Results, ...]:
    """The results of every file in the formats that were given, else in those that the files name.

    Raises:
        InfercostError: a file or name that cannot be used, or an option that is missing.
    """
    question, run = reading.question, _run(reading)
    weights, cache = _format_of_runs(reading, "dtype", DTYPES), _format_of_runs(reading, "kv_dtype", KV_DTYPES)
    files = [read_file(run._replace(path=str(word))) for word in dict.fromkeys(question.words)]
    rows = [row for file in files for row in file.measured]
    if any(not row.accelerator for row in rows):
        question.need("gpu", "--gpu h100:4, the accelerators of the run")
    if any(not row.model for row in rows):
        question.need("model", "--model llama-3.1-8b, the model of the run")
    _note_named(reading, files)
    if run.accelerator and all(row.accelerator != run.accelerator for row in rows):
        reading.note("unused-options", "the files name accelerator and model themselves")
    if weights and (named := sorted({row.weight_dtype for row in rows} - {"", weights})):
        reading.note("dtype", f"{weights} stands for what the files name: {', '.join(named)}")
    return tuple(Results([_stored(row, weights, cache) for row in file.measured], file.skipped) for file in files)


def _note_named(reading: Reading, files: Sequence[Results]) -> None:
    """Note the one model and the one accelerator that the files name and nobody gave."""
    rows, said = [row for file in files for row in file.measured], []
    counted = {f"{row.accelerator}:{row.devices}" if (row.devices or 1) > 1 else row.accelerator for row in rows}
    for option, values in (("gpu", counted), ("model", {row.model for row in rows})):
        if option not in reading.given and len(values) == 1 and (value := values.pop()):
            reading.own(option, value, "the file")
            said.append(f"{flag(option)} {value}")
    if said:
        reading.note("named", f"as the file{'s say' if len(files) > 1 else ' says'}: {', '.join(said)}")


def _stored(row: Measured, weights: str, cache: str) -> Measured:
    """A measurement in the formats that were given, its own where none was."""
    row = row._replace(weight_dtype=weights, weight_bits=None) if weights else row
    return row._replace(kv_dtype=cache or row.kv_dtype)


def _base(reading: Reading, rows: Sequence[Measured]) -> Preset:
    """The profile to start from, with every constant that may be fitted.

    Raises:
        InfercostError: no such profile, or one whose law is not fitted.
    """
    base = read_stack(reading, *_usual(rows), part=_part_of(rows))
    if law(base) not in FITTED:
        raise BadValue(f"profile {base.name} has a law of its own, which is not fitted", f"start from {SHARED}")
    if law(base) == "kernels":
        scales = {key: Fact(1.0, KINDS[key], AS_TIMED, "") for key in SCALES}
        base = base._replace(facts={**scales, **base.facts})
    elif law(base) == "roofline":
        base = base._replace(labels={**base.labels, "overlap": "operator", "memory": "engine"})
    reading.use(base, *candidates_of(base))
    return base


def _part_of(rows: Sequence[Measured]) -> Preset | None:
    """The accelerator of the runs, where it is known."""
    try:
        return part_of_run(rows[0].accelerator) if rows else None
    except InfercostError:
        return None


def _usual(rows: Sequence[Measured]) -> tuple[str, str]:
    """The profile of the engine that ran, or of the one that people run on that part, and why."""
    try:
        part = part_of_run(rows[0].accelerator)
        names = {stack_of(row, part.labels.get("vendor", "")).name for row in rows}
        if len(names) == 1 and names != {SHARED}:
            return names.pop(), "the engine of the runs"
        engine = usual_engine(part, model_of_run(rows[0].model))
    except InfercostError:
        return SHARED, "to start from"
    return engine.profile, engine.why


def _run(reading: Reading) -> Run:
    """The user's word on benchmark runs, without a file."""
    part, count = None, None
    if (gpu := reading.take("gpu")) is not None:
        part, count = read_part(reading, gpu)
    if (model := reading.take("model")) is not None:
        model_of_run(str(model))
    tp, pp, ep = (reading.take(name) for name in ("tp", "pp", "ep"))
    devices = count or max(tp or 1, ep or 1) * (pp or 1)
    workload = Workload(*(reading.take(name) for name in Workload._fields))
    return Run("", str(model or ""), part.asked if part else "", devices, tp, pp, ep, workload)


def _format_of_runs(reading: Reading, option: str, known: tuple[str, ...]) -> str:
    """A number format for whatever the files say, empty by default; BadValue for one that does not say what ran."""
    if (format := reading.take(option)) is None:
        return ""
    if format.name not in known and format.name not in GGUF:
        hint = f"a run has one of {', '.join(known)}"
        hint += ", or a format of GGUF files such as q4_k_m" if option == "dtype" else ""
        raise BadValue(f"{flag(option)} {format.name} does not say what ran", hint)
    return str(format.name)
