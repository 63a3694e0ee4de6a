"""Our own tables of measurements: one number a row, one load stage a row, or one MLPerf result a row."""

from collections.abc import Callable, Iterable

from infercost.errors import BadFile
from infercost.evidence.measured import Measured
from infercost.evidence.readers.record import Record, parse_sheet, read_whole
from infercost.evidence.readers.run import Results, Times, joined

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
#: Stages without a steady load, by ``kind``.
UNSTEADY = {
    "overloaded": "overloaded: requests timed out, and the latencies are those of the survivors",
    "subset": "subset: the first requests of a run, while the server was cold",
}
#: The checkpoints that MLPerf's rules name, by benchmark.
MODELS = {
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
        devices=row.whole("n_accelerators"),
        tp=row.whole("tp"),
        pp=row.whole("pp"),
        ep=row.whole("ep"),
        weight_dtype=row.text("weight_dtype"),
        kv_dtype=row.text("kv_dtype"),
        batch=row.above_zero("batch_or_concurrency"),
        input_tokens=row.number("input_tokens"),
        output_tokens=row.number("output_tokens"),
        notes=row.text("notes"),
    )
    return Results([measured], [])


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
    seconds = (each and each / 1000 for each in (ttft, e2e, itl))
    return Times(*seconds).rows(known, name)


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
        model=MODELS[benchmark],
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


#: For each kind of table the columns that tell it, all its columns, and what reads a row.
TABLES: tuple[tuple[set[str], tuple[str, ...], Callable[[Record], Results]], ...] = (
    ({"metric", "value"}, MEASUREMENTS, read_measurement),
    ({"row_id", "kind"}, SERVED_LOAD, read_stage),
    ({"scenario", "tokens_per_s"}, MLPERF, read_mlperf),
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
            each = [read(row) for row in rows]
            return Results(
                [one for some in each for one in some.measured], [one for some in each for one in some.skipped]
            )
    hint = f"name them {','.join(MEASUREMENTS)}"
    raise BadFile(f"results {path}, line 1: these are not the columns of our tables", hint)


def read_table(path: str) -> Results:
    """The measurements of one of our tables, itl, ttft and e2e in seconds, and the rows that cannot be used.

    Raises:
        BadFile: unreadable, other columns, or a cell that is missing, negative or no finite number.
    """
    return read_rows(*parse_sheet(read_whole(path), path), path)
