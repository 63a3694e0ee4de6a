"""What is known of a benchmark beside its file, and the rows that a serving benchmark gives."""

import re
from typing import Any, NamedTuple

from infercost.errors import BadFile, Missing
from infercost.evidence.measured import Measured

Document = dict[str, Any]
#: Far above every count and time of a benchmark, in whatever unit.
_LARGEST = 1e18
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def number(value: Any, where: str) -> float:
    """A number of at least 0.

    Raises:
        BadFile: no number, a negative one, or one that is not finite or above 1e18.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        shown = "nothing" if value in (None, "") else repr(value)[:40]
        raise BadFile(f"{where}: {shown} where a number should stand", "give the file as the tool wrote it")
    if value < 0:
        raise BadFile(f"{where}: {str(value)[:20]} is below 0", "measure again, or take this result out")
    if not value <= _LARGEST:
        raise BadFile(f"{where}: {str(value)[:20]} is no measured number", "measure again, or take this result out")
    return float(value)


def optional(document: Document, key: str, where: str) -> float | None:
    """A number of at least 0, None where the key is absent or null.

    Raises:
        BadFile: see ``number``.
    """
    value = document.get(key)
    return None if value is None or value == "" else number(value, f"{where}, {key}")


def needed(document: Document, key: str, where: str) -> float:
    """A number above 0 that the file must hold.

    Raises:
        BadFile: absent, zero, or see ``number``.
    """
    if (value := number(document.get(key), f"{where}, {key}")) == 0:
        raise BadFile(f"{where}, {key}: 0 is no measured number", "measure again, or take this result out")
    return value


def inside(document: Any, *keys: str) -> Document:
    """The mapping under some keys, empty where any of them is absent."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def text(document: Document, key: str) -> str:
    """A text, empty where absent or null."""
    value = document.get(key)
    return "" if value is None else str(value).strip()


def seconds(milliseconds: float | None) -> float | None:
    """Seconds of milliseconds, None of None."""
    return None if milliseconds is None else milliseconds / 1000


def rate(value: Any, where: str) -> float | None:
    """Requests a second as tools write them: None when all are sent at once (``inf``, Infinity or nothing).

    Raises:
        BadFile: see ``number``.
    """
    if value in (None, "", "inf", float("inf")):
        return None
    return number(value, where) or None


def joined(*notes: str) -> str:
    """Remarks in one line, empty ones left out."""
    return "; ".join(note for note in notes if note)


#: A row that was not read, and why: ``(id, why)``.
Skipped = tuple[str, str]


class Workload(NamedTuple):
    """What ran, for the files that do not say it; what a file says itself stands.

    ``batch`` counts sequences in a step or requests in flight, the others tokens of one request.
    """

    batch: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None


class Run(NamedTuple):
    """What the user says of a run: no benchmark's file names the accelerator or how the model is split."""

    path: str
    model: str
    accelerator: str
    devices: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    workload: Workload = Workload()


class Entry(NamedTuple):
    """One result of a file: ``where`` for messages, ``id`` the start of its rows' ids."""

    run: Run
    where: str
    id: str

    def row(self, metric: str, value: float) -> Measured:
        """A measurement of this entry with nothing but what the user said of the run."""
        run = self.run
        named = Measured(f"{self.id}-{metric}", run.path, "", run.model, run.accelerator, metric, value)
        return named._replace(devices=run.devices, tp=run.tp, pp=run.pp, ep=run.ep)


class Load(NamedTuple):
    """How requests arrived and how long they are: requests in flight or a second, and mean tokens of one."""

    batch: float | None
    request_rate: float | None
    input_tokens: float | None
    output_tokens: float | None


class Times(NamedTuple):
    """Mean seconds of a request, None where not measured; ``itl`` is the tool's own figure."""

    ttft: float | None
    e2e: float | None
    itl: float | None


def streamed(times: Times, output_tokens: float | None) -> bool:
    """Whether the first token came before the last: a tool that did not stream calls the whole request its TTFT."""
    if times.ttft is None or times.e2e is None or output_tokens is None or output_tokens <= 1:
        return True
    return times.e2e > times.ttft > 0


def inter_token_latency(times: Times, output_tokens: float | None) -> float | None:
    """Seconds between tokens: (e2e - ttft) / (output - 1) where known, else the tool's own; None for one token."""
    if output_tokens is not None and output_tokens <= 1:
        return None
    if times.ttft and times.e2e and output_tokens:
        return (times.e2e - times.ttft) / (output_tokens - 1)
    return times.itl


def filled(load: Load, entry: Entry) -> Load:
    """The load, with what the file does not say taken from the user.

    Raises:
        Missing: neither says how many requests were in flight or arrived a second.
    """
    told = entry.run.workload
    batch = told.batch if load.batch is None and load.request_rate is None else load.batch
    if batch is None and load.request_rate is None:
        raise Missing(
            f"{entry.where}: neither a concurrency nor a request rate, so the batch is not known",
            "give the batch that ran, or measure with a fixed concurrency",
        )
    tokens = (
        told.input_tokens if load.input_tokens is None else load.input_tokens,
        told.output_tokens if load.output_tokens is None else load.output_tokens,
    )
    return Load(batch, load.request_rate, *tokens)


def served(
    entry: Entry, load: Load, times: Times, known: Measured, *, batch: bool = False
) -> tuple[list[Measured], list[Skipped]]:
    """The rows itl, ttft and e2e in seconds, and those that were not measured.

    ``known`` carries what else the file says: framework, notes and the like. A steady number of requests in flight
    is noted as ``closed-loop``, unless they are one ``batch`` that starts and ends together.

    Raises:
        Missing: no load, or none of the three was measured.
    """
    load = filled(load, entry)
    if load.batch is not None and not batch:
        known = known._replace(notes=joined(known.notes, "closed-loop"))
    why = "not measured"
    if load.output_tokens is not None and load.output_tokens <= 1:
        why = "one token a request has no gap"
    if not streamed(times, load.output_tokens):
        times, why = Times(None, times.e2e, None), "the answers were not streamed"
    values = {"itl": inter_token_latency(times, load.output_tokens), "ttft": times.ttft, "e2e": times.e2e}
    if not any(values.values()):
        raise Missing(f"{entry.where}: has no mean latency of a request", "measure with a streaming endpoint")
    rows, skipped = [], []
    for metric, value in values.items():
        if value:
            rows.append(known._replace(**load._asdict(), id=f"{entry.id}-{metric}", metric=metric, value=value))
        else:
            skipped.append((f"{entry.id}-{metric}", why))
    return rows, skipped
