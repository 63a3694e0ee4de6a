"""Our own tables of measurements: one number a row, one load stage a row, or one MLPerf result a row."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from infercost.errors import BadFile
from infercost.evidence.predict import Measured
from infercost.evidence.readers.record import Record, Results, Times, joined, parse_sheet, read_whole
from infercost.formulas.request import acceptance_of

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
