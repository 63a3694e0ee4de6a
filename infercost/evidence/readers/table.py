"""Our own tables of measurements: one number a row, one load stage a row, or one MLPerf result a row."""

from collections.abc import Callable, Iterable

from infercost.errors import BadFile
from infercost.evidence.measured import Measured
from infercost.evidence.readers import mlperf
from infercost.evidence.readers.run import Skipped, Times, inter_token_latency
from infercost.evidence.readers.sheet import Line, parse_sheet, read_whole, require

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
#: Stages that are no steady load, by ``kind``.
UNSTEADY = {
    "overloaded": "overloaded: requests timed out, and the latencies are those of the survivors",
    "subset": "subset: the first requests of a run, while the server was cold",
}
Found = tuple[list[Measured], list[Skipped]]
Reader = Callable[[Line], Found]


def read_measurement(line: Line) -> Found:
    """One row of a table with a metric and its value, in the unit of the metric."""
    row = Measured(
        id=line.name("id"),
        source=line.name("source"),
        framework=line.text("framework"),
        model=line.name("model"),
        accelerator=line.name("accelerator"),
        metric=line.name("metric"),
        value=line.required("value"),
        devices=line.whole("n_accelerators"),
        tp=line.whole("tp"),
        pp=line.whole("pp"),
        ep=line.whole("ep"),
        weight_dtype=line.text("weight_dtype"),
        kv_dtype=line.text("kv_dtype"),
        batch=line.above_zero("batch_or_concurrency"),
        input_tokens=line.number("input_tokens"),
        output_tokens=line.number("output_tokens"),
        notes=line.text("notes"),
    )
    return [row], []


def prefix_share(line: Line) -> float:
    """1 where nearly every prompt was in the prefix cache, else 0.

    The rule: the notes say ``recycled`` (a hundred prompts sent in turn, with prefix caching on), or the id starts
    with ``blis-`` (the same harness, whether or not the row says so).
    """
    recycled = "recycled" in line.text("notes").lower() or line.name("row_id").startswith("blis-")
    return 1.0 if recycled else 0.0


def stage(line: Line) -> Measured:
    """What the up to three rows of a load stage share."""
    copies = line.whole("dp") or 1
    batch, rate = line.above_zero("concurrency"), line.above_zero("request_rate_rps")
    if batch is None and rate is None:
        raise BadFile(
            f"{line.where}, column request_rate_rps: is empty, and so is concurrency",
            "fill in one of them, or take the row out",
        )
    return Measured(
        id=line.name("row_id"),
        source=line.name("source_path"),
        framework=line.text("framework_version"),
        model=line.name("model"),
        accelerator=line.name("accelerator"),
        metric="",
        value=0,
        devices=line.whole("n_accelerators"),
        tp=line.whole("tp"),
        weight_dtype=line.text("weight_dtype"),
        batch=batch if rate is None else None,
        request_rate=rate,
        input_tokens=line.number("input_tokens_mean") or line.number("input_tokens_requested"),
        output_tokens=line.required("output_tokens_mean"),
        prefix_share=prefix_share(line),
        most_sequences=line.whole("max_num_seqs"),
        chunk_tokens=line.whole("max_num_batched_tokens"),
        notes="; ".join(note for note in (f"{copies} replicas" if copies > 1 else "", line.text("notes")) if note),
    )


def read_stage(line: Line) -> Found:
    """ITL, TTFT and end-to-end latency in seconds of a stage with a steady load.

    Raises:
        BadFile: a figure is no number, or a request ends before its first token.
    """
    name, kind = line.name("row_id"), line.text("kind")
    if why := UNSTEADY.get(kind):
        return [], [(name, why)]
    shared = stage(line)
    ttft, e2e, own = (_seconds(line, f"{metric}_mean_ms") for metric in ("ttft", "e2e", "itl"))
    if ttft is not None and e2e is not None and e2e < ttft:
        raise BadFile(f"{line.where}, column e2e_mean_ms: is below ttft_mean_ms", "mend one of them")
    itl = inter_token_latency(Times(ttft, e2e, own), shared.output_tokens)
    values = {"itl": itl, "ttft": ttft, "e2e": e2e}
    rows = [shared._replace(id=f"{name}-{key}", metric=key, value=value) for key, value in values.items() if value]
    return rows, [(f"{name}-{key}", "not measured") for key, value in values.items() if not value]


def _seconds(line: Line, column: str) -> float | None:
    value = line.above_zero(column)
    return None if value is None else value / 1000


#: By the columns that tell a table: all its columns, and what reads a row.
TABLES: tuple[tuple[set[str], tuple[str, ...], Reader], ...] = (
    ({"metric", "value"}, MEASUREMENTS, read_measurement),
    ({"row_id", "kind"}, SERVED_LOAD, read_stage),
    ({"scenario", "tokens_per_s"}, mlperf.COLUMNS, mlperf.read_result),
)


def is_table(header: Iterable[str]) -> bool:
    """Whether the header of a CSV is one of ours."""
    return any(telling <= set(header) for telling, _, _ in TABLES)


def read_lines(header: list[str], lines: list[Line], path: str) -> Found:
    """The rows of a parsed table, and those that cannot be used.

    Raises:
        BadFile: see ``read_table``.
    """
    for telling, columns, reader in TABLES:
        if telling <= set(header):
            require(header, columns, path)
            found = [reader(line) for line in lines]
            return [row for rows, _ in found for row in rows], [one for _, skipped in found for one in skipped]
    raise BadFile(f"results {path}, line 1: these are not the columns of our tables", _COLUMNS)


_COLUMNS = f"name them {','.join(MEASUREMENTS)}"


def read_table(path: str) -> Found:
    """The rows of one of our tables, and ``(id, why)`` of those that cannot be used; itl, ttft and e2e in seconds.

    Raises:
        BadFile: unreadable, other columns, or a cell that is missing, negative or no finite number.
    """
    return read_lines(*parse_sheet(read_whole(path), path), path)
