"""What stands in a result file: its records, runs and figures, with their place in errors; our own tables of them."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import StringIO
from typing import Any, NamedTuple, NoReturn

from infercost.errors import BadFile, Missing, UnknownName
from infercost.evidence.predict import Measured
from infercost.formulas.request import acceptance_of
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


# Our own tables of measurements: one number a row, one load stage a row, or one MLPerf result a row.


MEASUREMENTS = (
    "id", "source", "year", "framework", "model", "accelerator", "n_accelerators", "tp", "pp", "ep",
    "weight_dtype", "kv_dtype", "batch_or_concurrency", "input_tokens", "output_tokens", "metric", "value",
    "notes",
)  # fmt: skip
SERVED_LOAD = (
    "source_path", "model", "accelerator", "n_accelerators", "tp", "weight_dtype", "framework_version",
    "request_rate_rps", "concurrency", "input_tokens_mean", "output_tokens_mean", "ttft_mean_ms", "itl_mean_ms",
    "e2e_mean_ms", "notes", "row_id", "kind", "max_num_batched_tokens", "max_num_seqs", "dp",
    "input_tokens_requested",
)  # fmt: skip
MLPERF = (
    "round", "submitter", "system", "accelerator", "n_accelerators", "model", "scenario", "weight_dtype",
    "tokens_per_s", "source_path", "accelerator_class", "output_tokens_per_sample", "framework", "availability",
    "flags",
)  # fmt: skip
LOAD = (
    "source", "model", "weight_dtype", "accelerator", "n_accelerators", "tp", "input_tokens", "output_tokens",
    "offered_rps", "output_tok_s", "ttft_ms", "tpot_ms", "notes",
)  # fmt: skip
#: Protocols by the words of sources.
KINDS = {"closed_loop": "closed", "static_batch": "batch", "peak": "burst"}
#: Stages without a steady load, by ``kind``.
UNSTEADY = {
    "overloaded": "overloaded: requests timed out, and the latencies are those of the survivors",
    "subset": "subset: the first requests of a run, while the server was cold",
}
#: The checkpoints that MLPerf's rules name, by benchmark.
MLPERF_MODELS = {
    "llama2-70b": "meta-llama/Llama-2-70b-chat-hf",
    "llama3.1-405b": "meta-llama/Llama-3.1-405B-Instruct",
    "llama3.1-8b": "meta-llama/Llama-3.1-8B-Instruct",
}
#: MLPerf's mean prompt in tokens. MLCommons publishes none of them:
#: llama2-70b by mannysinghx/chipdesignsoftware, which tokenised the 24,576 prompts with MLPerf's template;
#: llama3.1-405b by the same, after MLCommons' post on round v5.0;
#: llama3.1-8b from the prefill log of Quanta's CPU submission to v6.0: 21.57 M tokens over about 24,700 sequences.
INPUT_TOKENS = {"llama2-70b": 221.3, "llama3.1-405b": 9400.0, "llama3.1-8b": 870.0}
#: The cache's format wherever an MLPerf submission's configuration states one (closed/NVIDIA/configs, AMD's scripts).
MLPERF_CACHE = "fp8"


def read_measurement(row: Record) -> Results:
    """One row of a table with a metric and its value, in the unit of the metric."""
    measured = Measured(
        id=row.name("id"),
        source=row.name("source"),
        framework=row.text("framework"),
        model=row.name("model"),
        accelerator=row.name("accelerator"),
        metric=row.name("metric"),
        value=row.required("value"),
        year=row.whole("year"),
        devices=row.whole("n_accelerators"),
        tp=row.whole("tp"),
        pp=row.whole("pp"),
        ep=row.whole("ep"),
        attention_dp=row.whole("attention_dp"),
        expert_tp=row.whole("moe_tp"),
        weight_dtype=row.text("weight_dtype"),
        kv_dtype=row.text("kv_dtype"),
        batch=row.above_zero("batch_or_concurrency"),
        input_tokens=row.number("input_tokens"),
        output_tokens=row.number("output_tokens"),
        notes=row.text("notes"),
        **_protocol(row),
    )
    return Results([measured], [])


def _protocol(row: Record) -> dict[str, Any]:
    """How a run was made, and what it set of its engine; nothing where a table leaves these columns out."""
    return {
        "kind": kind_of(row),
        "requests": row.whole("requests"),
        "statistic": row.text("statistic"),
        "most_sequences": row.whole("most_sequences"),
        "chunk_tokens": row.whole("chunk_tokens"),
        "captured_tokens": row.number("captured_tokens"),
        "experts_kernel": row.text("experts_kernel").lower(),
        "flags": row.text("flags"),
        "head_dtype": row.text("head_dtype").lower(),
        "poll_steps": row.number("poll_steps"),
        "prompts_seen": row.number("prompts_seen") or 0.0,
        "unwarmed": row.text("unwarmed") == "1",
        "is_held_out": row.text("held_out") == "1",
        "stream_tokens": row.whole("stream_tokens"),
        **_drafted(row),
    }


def _drafted(row: Record) -> dict[str, Any]:
    """The draft of a run: its tokens, and the share accepted, or the tokens that a step yielded on average.

    Raises:
        BadFile: a share or tokens of a step that no draft has.
    """
    tokens, share, length = row.whole("draft_tokens"), row.number("acceptance"), row.number("accept_length")
    if share is not None and share >= 1:
        raise BadFile(f"{row.at('acceptance')}: {share:g} is no share below 1", "write 0.8 for 80%")
    if share is None and length is not None and tokens:
        if not 1 <= length < tokens + 1:
            what = f"{row.at('accept_length')}: a step of {tokens} drafted tokens yields 1 to {tokens + 1}"
            raise BadFile(what, "give the mean of tokens a step, the model's own one too")
        share = acceptance_of(length, tokens)
    return {"draft": row.text("draft"), "draft_tokens": tokens, "acceptance": share}


def kind_of(row: Record) -> str:
    """The protocol of a run: of the decoding half of a server alone (``mode`` disagg), or by its ``kind``."""
    return "pool" if row.text("mode") == "disagg" else KINDS.get(row.text("kind"), row.text("kind"))


def prefix_share(row: Record) -> float:
    """1 where nearly every prompt was in the prefix cache, else 0.

    The rule: the notes say ``recycled`` (a hundred prompts sent in turn, with prefix caching on), or the id starts
    with ``blis-`` (the same harness, whether or not the row says so).
    """
    recycled = "recycled" in row.text("notes").lower() or row.name("row_id").startswith("blis-")
    return 1.0 if recycled else 0.0


def stage(row: Record) -> Measured:
    """The columns that all rows of a load stage share."""
    copies = row.whole("dp") or 1
    batch, rate = row.above_zero("concurrency"), row.above_zero("request_rate_rps")
    if batch is None and rate is None:
        raise BadFile(
            f"{row.at('request_rate_rps')}: is empty, and so is concurrency",
            "fill in one of them, or take the row out",
        )
    return Measured(
        id=row.name("row_id"),
        source=row.name("source_path"),
        framework=row.text("framework_version"),
        model=row.name("model"),
        accelerator=row.name("accelerator"),
        metric="",
        value=0,
        devices=row.whole("n_accelerators"),
        tp=row.whole("tp"),
        weight_dtype=row.text("weight_dtype"),
        batch=batch if rate is None else None,
        request_rate=rate,
        input_tokens=row.number("input_tokens_mean") or row.number("input_tokens_requested"),
        output_tokens=row.required("output_tokens_mean"),
        prefix_share=prefix_share(row),
        most_sequences=row.whole("max_num_seqs"),
        chunk_tokens=row.whole("max_num_batched_tokens"),
        notes=joined(f"{copies} replicas" if copies > 1 else "", row.text("notes")),
    )


def read_stage(row: Record) -> Results:
    """ITL, TTFT and end-to-end latency in seconds of a stage with a steady load.

    Raises:
        BadFile: a figure is no number, or a request ends before its first token.
    """
    name, kind = row.name("row_id"), row.text("kind")
    if why := UNSTEADY.get(kind):
        return Results([], [(name, why)])
    known = stage(row)
    ttft, e2e, itl = (row.above_zero(f"{metric}_mean_ms") for metric in ("ttft", "e2e", "itl"))
    if ttft is not None and e2e is not None and e2e < ttft:
        raise BadFile(f"{row.at('e2e_mean_ms')}: is below ttft_mean_ms", "mend one of them")
    first, whole, gap = (each and each / 1000 for each in (ttft, e2e, itl))
    return Times(first, whole, gap).rows(known, name)


def unusable(row: Record, benchmark: str) -> str:
    """Why a row of MLPerf cannot be used, empty where it can."""
    kind = row.name("accelerator_class")
    if (scenario := row.name("scenario")) != "Offline":
        return f"{scenario}: arrivals and latency limits, not speed alone, set its tokens per second"
    if kind.startswith("CPU"):
        return "runs on CPUs"
    if kind.startswith("mixed"):
        return "mixes accelerators"
    if benchmark.startswith("gptj"):
        return "gptj: beam search multiplies the work, and its tokens are a fixed 69 per sample"
    if benchmark not in INPUT_TOKENS:
        return f"{benchmark}: the mean length of its prompts is not known"
    return "" if row.text("output_tokens_per_sample") else "no output_tokens_per_sample"


def read_mlperf(row: Record) -> Results:
    """The output tokens per second of a whole system; the batch is None: as many sequences as memory holds.

    Raises:
        BadFile: a figure is no number or absent.
    """
    parts = (row.name(column) for column in ("round", "submitter", "system", "model", "scenario"))
    name = "-".join(("mlperf", *("_".join(part.split()) for part in parts), row.where.rsplit(" ", 1)[-1]))
    # The model without its accuracy target: llama2-70b of llama2-70b-99.9.
    benchmark = row.name("model").removesuffix("-99.9").removesuffix("-99")
    if why := unusable(row, benchmark):
        return Results([], [(name, why)])
    measured = Measured(
        id=name,
        source=row.name("source_path"),
        framework=row.text("framework"),
        model=MLPERF_MODELS[benchmark],
        accelerator=row.name("accelerator_class").removesuffix(" virtualized").removesuffix(" CTS"),
        metric="output_tok_s_total",
        value=row.required("tokens_per_s"),
        devices=row.whole("n_accelerators"),
        weight_dtype=row.text("weight_dtype"),
        kv_dtype=MLPERF_CACHE,
        input_tokens=INPUT_TOKENS[benchmark],
        output_tokens=row.required("output_tokens_per_sample"),
        notes=joined(f"MLPerf Inference {row.name('round')}", row.text("availability"), row.text("flags")),
    )
    return Results([measured], [])


#: Offered load that a benchmark of 500 requests ends before it is steady; only its peak counts.
_BURST = re.compile(r"(\d+)-request burst")
_ENGINE = re.compile(r"\b(vllm|sglang) [\d.]+\w*", re.IGNORECASE)
#: Parts under names of this table: by its watts, and its first tokens at 200 requests a second, the H100 is an NVL.
UNCLEAR_PARTS = {"h100-variant-unclear": "h100-nvl"}
#: Sequences that vLLM runs at once by default as a server, on A100 and elsewhere: EngineArgs.get_batch_defaults.
MOST_A100, MOST = 256, 1024


def read_load(rows: list[Record]) -> Results:
    """Times at an offered load that was met (tier A), and the highest throughput of each series that fills up.

    Raises:
        BadFile: a figure is no number or absent.
    """
    peaks: dict[tuple[str, ...], Record] = {}
    for row in rows:
        if row.text("output_tok_s") and _BURST.search(row.text("notes")) and "tier=C" not in row.text("notes"):
            series = _series(row)
            if series not in peaks or row.required("output_tok_s") > peaks[series].required("output_tok_s"):
                peaks[series] = row
    each = [_loaded(row, peaks.get(_series(row)) is row) for row in rows]
    return _together(each)


def _series(row: Record) -> tuple[str, ...]:
    """What the rows of one server at several loads share."""
    engine = _ENGINE.search(row.text("notes"))
    shared = ("source", "model", "weight_dtype", "accelerator", "n_accelerators", "tp", "input_tokens", "output_tokens")
    return (*map(row.text, shared), engine[0].lower() if engine else "")


def _loaded(row: Record, is_peak: bool) -> Results:
    """The numbers of one load, and why others are left out."""
    known, results = _offered(row), Results([], [])
    steady = row.text("notes").startswith("tier=A") and known.request_rate is not None
    burst = _BURST.search(row.text("notes"))
    for metric in ("output_tok_s", "ttft_ms", "tpot_ms"):
        if (value := row.above_zero(metric)) is None:
            continue
        one = known._replace(id=f"{known.id}-{metric}", metric=metric, value=value)
        if metric == "output_tok_s" and is_peak and burst:
            one = one._replace(request_rate=None, kind="peak", requests=int(burst[1]))
            results.measured.append(one)
        elif metric != "output_tok_s" and steady and known.input_tokens:
            results.measured.append(one)
        else:
            results.skipped.append((one.id, _why_not(metric, steady=steady)))
    return results


def _why_not(metric: str, *, steady: bool) -> str:
    if metric == "output_tok_s" and steady:
        return "arrivals, not speed, set its tokens per second"
    return "the load was not steady: not of tier A" if not steady else "the length of its prompts is not stated"


def _offered(row: Record) -> Measured:
    """The columns that all numbers of one load share."""
    notes, part = row.text("notes"), row.name("accelerator")
    engine = _ENGINE.search(notes)
    return Measured(
        id=f"load-{row.where.rsplit(' ', 1)[-1]}",
        source=row.name("source"),
        framework=engine[0] if engine else "",
        model=row.name("model"),
        accelerator=UNCLEAR_PARTS.get(part, part),
        metric="",
        value=0,
        devices=row.whole("n_accelerators"),
        tp=row.whole("tp"),
        weight_dtype=row.text("weight_dtype"),
        request_rate=row.above_zero("offered_rps"),
        input_tokens=row.number("input_tokens"),
        output_tokens=row.number("output_tokens"),
        random="Poisson" in notes,
        most_sequences=MOST_A100 if part.startswith("a100") else MOST,
        notes=notes,
    )


def _each(read: Callable[[Record], Results]) -> Callable[[list[Record]], Results]:
    """A reader of rows that do not depend on each other."""
    return lambda rows: _together([read(row) for row in rows])


def _together(each: list[Results]) -> Results:
    return Results([one for some in each for one in some.measured], [one for some in each for one in some.skipped])


#: For each kind of table the columns that tell it, all its columns, and what reads its rows.
TABLES: tuple[tuple[set[str], tuple[str, ...], Callable[[list[Record]], Results]], ...] = (
    ({"metric", "value"}, MEASUREMENTS, _each(read_measurement)),
    ({"row_id", "kind"}, SERVED_LOAD, _each(read_stage)),
    ({"scenario", "tokens_per_s"}, MLPERF, _each(read_mlperf)),
    ({"offered_rps", "tpot_ms"}, LOAD, read_load),
)


def is_table(header: Iterable[str]) -> bool:
    """Whether the header of a CSV is one of ours."""
    return any(telling <= set(header) for telling, _, _ in TABLES)


def read_rows(header: list[str], rows: list[Record], path: str) -> Results:
    """The measurements of a parsed table, and the rows that cannot be used.

    Raises:
        BadFile: see ``read_table``.
    """
    for telling, columns, read in TABLES:
        if telling <= set(header):
            if absent := ", ".join(column for column in columns if column not in header):
                raise BadFile(f"results {path}, line 1: no column {absent}", "add the columns; cells may be empty")
            return read(rows)
    hint = f"name them {','.join(MEASUREMENTS)}"
    raise BadFile(f"results {path}, line 1: these are not the columns of our tables", hint)


def read_table(path: str) -> Results:
    """The measurements of one of our tables, itl, ttft and e2e in seconds, and the rows that cannot be used.

    Raises:
        BadFile: unreadable, other columns, or a cell that is missing, negative or no finite number.
    """
    return read_rows(*parse_sheet(read_whole(path), path), path)
