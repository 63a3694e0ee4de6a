"""The measurements that a profile is fitted to: read, completed with what files leave out, refused if absurd."""

from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from infercost.analyses.validate import skips
from infercost.errors import BadValue, InfercostError, Missing
from infercost.formats import Format
from infercost.measured import Measured
from infercost.measurements.prediction import Prepared, beats_bound, is_rate, log_ratio, prepare
from infercost.measurements.setups import model_of_run
from infercost.question import Asked, read_part
from infercost.readers.results import Run, Workload, read_file
from infercost.report import Note
from infercost.units import many, show

#: Fewer say nothing of their own scatter.
ENOUGH = 3
#: Why an end-to-end latency is no third measurement of a run.
FOLLOWS = "follows from the first token's time and the gap between tokens, which are there"
#: Formats in which runs are, whose arithmetic and bits are plain.
DTYPES = ("bf16", "fp16", "fp8", "int8", "fp4", "int4")
KV_DTYPES = ("bf16", "fp16", "fp8", "int8")


class Runs(NamedTuple):
    """Measurements made ready, how many rows cannot be used, the notes on those, and in words what was measured."""

    ready: list[Prepared]
    skipped: int
    notes: list[Note]
    said: str


def read_runs(asked: Asked) -> Runs:
    """The usable measurements of the files that were given.

    Raises:
        InfercostError: a file or name that cannot be used, too few measurements, or one that no hardware allows.
    """
    if not asked.words:
        raise Missing(
            "calibrate needs a result file", "for example infercost calibrate run.json --gpu h100 --model llama-3.1-8b"
        )
    rows, skipped = _read(asked)
    ready, left = _prepared(rows)
    skipped += [(name, error.what) for name, error in left]
    if not ready and left:
        name, error = left[0]
        raise Missing(f"no row can be used; {name}: {error.what}", error.hint)
    _refuse_impossible(ready)
    if len(ready) < ENOUGH:
        raise Missing(
            f"{many(len(ready), 'measurement')} {'is' if len(ready) == 1 else 'are'} too few to fit: "
            f"{ENOUGH} are the least",
            "measure at several batches (1, 8, 64) and prompt lengths, and give all files at once",
        )
    names = ", ".join(dict.fromkeys("standard input" if word == "-" else Path(word).name for word in asked.words))
    return Runs(ready, len(skipped), skips(skipped), f"{many(len(ready), 'measurement')} of {names}")


def _read(asked: Asked) -> tuple[list[Measured], list[tuple[str, str]]]:
    """Rows of all files with what the user says of the run, and those that the readers leave out.

    Raises:
        Missing: no accelerator or model, and a file that does not name them.
    """
    run = _told(asked)
    weights, cache = _format(asked, "dtype", DTYPES), _format(asked, "kv_dtype", KV_DTYPES)
    rows: list[Measured] = []
    skipped: list[tuple[str, str]] = []
    for path in dict.fromkeys(asked.words):
        found = read_file(run._replace(path=str(path)))
        known = {row.id for row in found.measured}
        follows = [row for row in found.measured if row.metric == "e2e" and _parts(row) <= known]
        skipped += [*found.skipped, *((row.id, FOLLOWS) for row in follows)]
        rows += [
            row._replace(weight_dtype=row.weight_dtype or weights, kv_dtype=row.kv_dtype or cache)
            for row in found.measured
            if row not in follows
        ]
    if any(not row.accelerator for row in rows):
        asked.need("gpu", "--gpu h100:4, the part that ran it and how many")
    if any(not row.model for row in rows):
        asked.need("model", "--model llama-3.1-8b, the model that ran")
    if run.accelerator and all(row.accelerator != run.accelerator for row in rows):
        asked.notes.append(Note("unused-options", "the files name accelerator and model themselves"))
    return rows, skipped


def _parts(row: Measured) -> set[str]:
    """The ids of the two rows of the same run whose sum an end-to-end latency is."""
    return {f"{row.id.removesuffix('e2e')}{metric}" for metric in ("itl", "ttft")}


def _told(asked: Asked) -> Run:
    """What the user says of the runs, without a file."""
    part, count = (None, None)
    if (gpu := asked.take("gpu")) is not None:
        part, count = read_part(asked, gpu)
    if (model := asked.take("model")) is not None:
        model_of_run(str(model))
    tp, pp, ep = (asked.take(name) for name in ("tp", "pp", "ep"))
    devices = count or max(tp or 1, ep or 1) * (pp or 1)
    workload = Workload(*(asked.take(name) for name in Workload._fields))
    return Run("", str(model or ""), part.path if part else "", devices, tp, pp, ep, workload)


def _format(asked: Asked, option: str, known: tuple[str, ...]) -> str:
    """A format for the files that do not say, empty where nobody does.

    Raises:
        BadValue: one that does not say which arithmetic ran, or that no engine keeps a cache in.
    """
    given: Any = asked.take(option)
    name = given.name if isinstance(given, Format) else str(given or "")
    if name and name not in known:
        raise BadValue(
            f"--{option.replace('_', '-')} {name} does not say what ran", f"a run has one of {', '.join(known)}"
        )
    return name


def _prepared(rows: Iterable[Measured]) -> tuple[list[Prepared], list[tuple[str, InfercostError]]]:
    """Rows made ready, and those that cannot be expressed with the reason."""
    ready, left = [], []
    for row in rows:
        try:
            ready.append(_checked(prepare(row)))
        except InfercostError as error:
            left.append((row.id, error))
    return ready, left


def _checked(run: Prepared) -> Prepared:
    """The run, if a profile can be fitted to it.

    Raises:
        BadValue: speculative decoding.
    """
    if "speculative decoding" in run.measured.notes:
        raise BadValue("speculative decoding, which a profile does not hold", "measure without it")
    return run


def _refuse_impossible(runs: list[Prepared]) -> None:
    """Nothing, where no measurement is faster than the hardware.

    Raises:
        BadValue: some are; the one that is furthest beyond is named.
    """
    bounds = [(run, run.at_best()) for run in runs]
    beaten = [(run, bound) for run, bound in bounds if beats_bound(run.measured.metric, run.measured.value, bound)]
    if not beaten:
        return
    run, bound = max(beaten, key=lambda one: log_ratio(one[0].measured.metric, one[1], one[0].measured.value))
    row = run.measured
    least = f"{run.part.name} cannot be faster than {_shown(row.metric, bound)}"
    if not isfinite(bound):
        least = f"{run.part.name} cannot keep up with {row.request_rate:g} requests a second"
    others = f", and {many(len(beaten) - 1, 'more row')} too fast" if len(beaten) > 1 else ""
    raise BadValue(
        f"{row.id}: {row.metric} of {_shown(row.metric, row.value)} is faster than possible, {least}{others}",
        "see whether --gpu, --model, --dtype, --tp and --batch are those that ran; a prefix cache or speculative "
        "decoding makes a run look too fast, too",
    )


def _shown(metric: str, value: float) -> str:
    """A measured number in words: rates are per second, those in ``ms`` are milliseconds."""
    if is_rate(metric):
        return f"{value:,.4g} tokens/s"
    return show(value / 1000 if "ms" in metric.split("_") else value, "s")
