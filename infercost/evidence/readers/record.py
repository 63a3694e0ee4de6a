"""What stands in a result file: its records, its runs, and figures read with their place in every error."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any, NamedTuple, NoReturn

from infercost.errors import BadFile, Missing, UnknownName
from infercost.evidence.predict import Measured
from infercost.parts import catalog, formats
from infercost.parts.files import read_text

#: Per-request arrays make large files; a larger one than this is something else.
LARGEST_FILE = 500_000_000
#: Far above every count and time of a benchmark, in whatever unit.
LARGEST = 1e18
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_AGAIN = "measure again, or take this result out"


class Record(NamedTuple):
    """A row of a CSV or a mapping of a JSON file: its place for messages, and its values by key.

    A value is None or empty where it is absent, null or blank. One that its method cannot take is a ``BadFile``.
    """

    where: str
    values: Mapping[str, Any]
    word: str = ""

    def at(self, key: str) -> str:
        """The place of a value, for messages."""
        return f"{self.where}, {self.word}{key}"

    def inside(self, *keys: str) -> "Record":
        """The mapping under some keys, empty where any of them is absent."""
        value: Any = self.values
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return Record(f"{self.where}, {', '.join(keys)}", value if isinstance(value, dict) else {})

    def text(self, key: str) -> str:
        """A text."""
        value = self.values.get(key)
        return "" if value is None else str(value).strip()

    def name(self, key: str) -> str:
        """A text that must be there."""
        return self.text(key) or self._lacks(key)

    def number(self, key: str) -> float | None:
        """A number from 0 to 1e18."""
        value = self.values.get(key)
        if value is None or (isinstance(value, str) and not (value := value.strip())):
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            what = f"{self.at(key)}: {repr(value)[:40]} where a number should stand"
            raise BadFile(what, "give the file as the tool wrote it")
        if value < 0:
            raise BadFile(f"{self.at(key)}: {str(value)[:20]} is below 0", _AGAIN)
        if not value <= LARGEST:
            raise BadFile(f"{self.at(key)}: {str(value)[:20]} is no measured number", _AGAIN)
        return float(value)

    def above_zero(self, key: str) -> float | None:
        """A number above 0."""
        if (value := self.number(key)) == 0:
            raise BadFile(f"{self.at(key)}: is 0", f"leave it empty where it is not known; else {_AGAIN}")
        return value

    def required(self, key: str) -> float:
        """A number above 0 that must be there."""
        return self.above_zero(key) or self._lacks(key)

    def whole(self, key: str) -> int | None:
        """A whole number of at least 1."""
        if (value := self.above_zero(key)) is None:
            return None
        if value != int(value):
            raise BadFile(f"{self.at(key)}: {value:g} is not whole", "give a whole number")
        return int(value)

    def seconds(self, key: str) -> float | None:
        """Seconds of a number of milliseconds."""
        return None if (value := self.number(key)) is None else value / 1000

    def _lacks(self, key: str) -> NoReturn:
        raise BadFile(f"{self.at(key)}: is empty", "fill it in, or take this result out")


#: Tokens of a request beyond which no run was measured.
LONGEST = 1e9


class Results(NamedTuple):
    """Measurements of a file, and ``(id, why)`` of every result that cannot be used."""

    measured: list[Measured]
    skipped: list[tuple[str, str]]


class Workload(NamedTuple):
    """Load and lengths of a run, for files that leave them out; figures of a file go first.

    ``batch`` counts sequences in a step or requests in flight, the others tokens of one request.
    """

    batch: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None


class Run(NamedTuple):
    """What the user says of a run: few files name the accelerator, fewer how the model is split."""

    path: str
    model: str
    accelerator: str
    devices: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    workload: Workload = Workload()


class Entry(NamedTuple):
    """One result of a file: its run, the start of its rows' ids, and the record."""

    run: Run
    id: str
    record: Record

    def row(self, metric: str, value: float, **more: Any) -> Measured:
        """A measurement of this entry: what the user says of the run, and ``more`` of the file; BadFile for none."""
        run = self.run
        if not value <= LARGEST:
            raise BadFile(f"{self.record.where}: {metric} of {value:.3g} is no measured number", "measure it again")
        row = Measured(f"{self.id}-{metric}", run.path, "", run.model, run.accelerator, metric, value)
        return row._replace(devices=run.devices, tp=run.tp, pp=run.pp, ep=run.ep, **more)

    def lacks_requests(self) -> Missing:
        """The error for a result without a completed request."""
        return Missing(f"{self.record.where}: no request completed", "see the tool's own errors, and measure again")


class Load(NamedTuple):
    """Requests in flight or arrivals a second, and mean tokens of one request."""

    batch: float | None
    request_rate: float | None
    input_tokens: float | None
    output_tokens: float | None


class Times(NamedTuple):
    """Seconds of a request, None where not measured; ``itl`` is the tool's own figure.

    They are means, unless ``statistic`` says that a file has medians alone.
    """

    ttft: float | None
    e2e: float | None
    itl: float | None
    statistic: str = ""

    def rows(self, known: Measured, id: str, why: str = "not measured") -> Results:
        """A row each of ITL, TTFT and end-to-end latency in seconds, with ``why`` others are left out.

        The ITL is (e2e - ttft) / (output - 1) where all are known, else the tool's own; a single token has none.
        Medians do not add up, so that of the gap is the tool's own wherever there is one.
        """
        output, itl = known.output_tokens, self.itl
        if output is not None and output <= 1:
            itl = None
        elif self.ttft and self.e2e and output and not (self.statistic and itl):
            itl = (self.e2e - self.ttft) / (output - 1)
        values = {"itl": itl, "ttft": self.ttft, "e2e": self.e2e}
        return Results(
            [known._replace(id=f"{id}-{key}", metric=key, value=value) for key, value in values.items() if value],
            [(f"{id}-{key}", why) for key, value in values.items() if not value],
        )


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


def read_whole(path: str) -> str:
    """The text of a result file, or of standard input for ``-``, without a byte order mark.

    Raises:
        BadFile: missing, a directory, unreadable, empty, too large, or no UTF-8.
    """
    try:
        content = read_text(path, "results", LARGEST_FILE).removeprefix("\ufeff")
    except BadFile as error:
        hint = "give a JSON, JSON lines or CSV file of results"
        if "binary" in error.what:
            hint = "save it as UTF-8 text (PowerShell's > writes UTF-16)"
        raise BadFile(error.what, hint) from error
    if not content.strip():
        raise BadFile(f"results {path}: is empty", "see whether the benchmark ended, and give its output")
    return content


def header_of(content: str, path: str) -> list[str]:
    """The cells of a text's first line, as those of a CSV; none where it is not one.

    Raises:
        BadFile: a column twice.
    """
    try:
        header = [name.strip() for name in next(csv.reader(StringIO(content, newline="")), [])]
    except csv.Error:
        return []
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadFile(f"results {path}, line 1: column {twice[0]!r} stands twice", "keep one of them")
    return header


def parse_sheet(content: str, path: str) -> tuple[list[str], list[Record]]:
    """Columns and rows of a CSV, blank lines left out.

    Raises:
        BadFile: a row with more or fewer cells than columns, or broken quoting.
    """
    reader = csv.reader(StringIO(content, newline=""), strict=True)
    rows: list[Record] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        for cells in reader:
            where = f"results {path}, line {reader.line_num}"
            if len(cells) != len(header) and cells:
                raise BadFile(f"{where}: {len(cells)} cells for {len(header)} columns", "quote a cell that holds ','")
            if any(cell.strip() for cell in cells):
                rows.append(Record(where, dict(zip(header, cells, strict=True)), "column "))
    except csv.Error as error:
        raise BadFile(f"results {path}, line {reader.line_num}: {error}", "mend the CSV") from error
    return header, rows


def parse_json(content: str, where: str) -> list[tuple[str, Any]] | None:
    """Values of a JSON text and their places: one, the entries of a list, or one a line; None for another text.

    Raises:
        BadFile: begins as JSON and is broken.
    """
    if content.lstrip()[:1] not in ("{", "["):
        return None
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        first, *rest = content.strip().splitlines()
        if rest and _is_mapping(first):
            lines = enumerate(content.splitlines(), 1)
            return [
                (f"{where}, line {number}", _parse_line(line, where, number)) for number, line in lines if line.strip()
            ]
        raise _broken(error, where, getattr(error, "lineno", 1)) from error
    if isinstance(whole, list):
        return [(f"{where}, entry {number}", entry) for number, entry in enumerate(whole, 1)]
    return [(where, whole)]


def _is_mapping(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parse_line(line: str, where: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _broken(error, where, number) from error


def _broken(error: Exception, where: str, line: int) -> BadFile:
    if isinstance(error, RecursionError):
        return BadFile(f"{where}: is nested too deep", "give the file as the tool wrote it")
    problem = str(getattr(error, "msg", "cannot be read")).lower()
    return BadFile(f"{where}, line {line}: broken JSON, {problem}", "see whether the benchmark ended, or measure again")


# What the user and a file say of a run, and the rows that a serving benchmark gives.


def joined(*notes: str) -> str:
    """Notes in one line, empty ones left out."""
    return "; ".join(note for note in notes if note)


def served(entry: Entry, load: Load, times: Times, *, is_batch: bool = False, **known: Any) -> Results:
    """ITL, TTFT and end-to-end latency of one result, with all that is ``known`` of the run from its file.

    Requests in flight are noted as ``closed-loop``, unless they are one batch that starts and ends together.

    Raises:
        Missing: no load, or none of the three was measured.
    """
    load = _completed(load, entry)
    if load.batch is not None and not is_batch:
        known["notes"] = joined(known["notes"], "closed-loop")
    (ttft, e2e, *_), output, why = times, load.output_tokens, "not measured"
    if output is not None and output <= 1:
        why = "one token a request has no gap"
    elif output is not None and ttft is not None and e2e is not None and not e2e > ttft > 0:
        # a tool calls the whole request its TTFT where nothing was streamed
        times, why = Times(None, e2e, None, times.statistic), "the answers were not streamed"
    results = times.rows(entry.row("", 0, **load._asdict(), **known), entry.id, why)
    if not results.measured:
        what = f"{entry.record.where}: has neither a mean nor a median latency of a request"
        raise Missing(what, "measure with a streaming endpoint, and keep its means or medians")
    return results


def _completed(load: Load, entry: Entry) -> Load:
    """The load, gaps filled by the user.

    Raises:
        BadFile: more tokens a request than any model takes.
        Missing: neither the file nor the user says how many requests were in flight or arrived a second.
    """
    given = entry.run.workload
    if load.batch is None and load.request_rate is None:
        if given.batch is None:
            raise Missing(
                f"{entry.record.where}: neither a concurrency nor a request rate, so the batch is not known",
                "give the batch of the run, or measure with a fixed concurrency",
            )
        load = load._replace(batch=given.batch)
    if load.input_tokens is None:
        load = load._replace(input_tokens=given.input_tokens)
    if load.output_tokens is None:
        load = load._replace(output_tokens=given.output_tokens)
    for name in ("input_tokens", "output_tokens"):
        if (getattr(load, name) or 0) > LONGEST:
            what = f"{entry.record.where}: {getattr(load, name):.3g} {name.replace('_', ' ')} a request"
            raise BadFile(what, "give the file as the tool wrote it")
    return load


# What a result file says of its own run: the model and the accelerators, where presets are known by their names.


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
