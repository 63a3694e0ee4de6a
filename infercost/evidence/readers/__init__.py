"""Result files of benchmark tools, as measurements; the content of a file tells the tool."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from infercost.errors import BadFile, Missing
from infercost.evidence.predict import Measured
from infercost.evidence.readers import local, serving
from infercost.evidence.readers.record import (
    MEASUREMENTS,
    Entry,
    Record,
    Results,
    Run,
    Said,
    Workload,
    header_of,
    is_table,
    parse_json,
    parse_sheet,
    read_rows,
    read_said,
    read_whole,
)

__all__ = ["Results", "Run", "Workload", "read_file"]

TOOLS = (
    "vllm bench, sglang bench_serving and bench_one_batch, guidellm, aiperf, genai-perf, inference-perf, llmperf, "
    "llama-bench, llama-batched-bench, llama-sweep-bench, llmfit, evalscope perf, trtllm-bench, InferenceX, timings of "
    "Ollama, llama.cpp and MLX"
)
OF_OURS = f"a CSV with the columns {','.join(MEASUREMENTS)}"
#: Raises BadFile where a figure is no number, Missing where no request was completed or the load is not known.
Reader = Callable[[Entry], Results]
#: Keys that tell a tool, and what reads a result. SGLang goes first: its serving results also have the keys of vLLM's.
READERS: tuple[tuple[set[str], Reader], ...] = (
    (serving.SERVING, serving.read_serving),
    (serving.MEDIANS, serving.read_serving),
    (serving.ONE_BATCH, serving.read_one_batch),
    (serving.SERVE, serving.read_serve),
    (serving.LATENCY, serving.read_latency),
    (serving.GUIDELLM, serving.read_guidellm),
    (serving.AIPERF, serving.read_aiperf),
    (serving.INFERENCE_PERF, serving.read_inference_perf),
    (serving.LLMPERF, serving.read_llmperf),
    (serving.LLMPERF_RESPONSE, serving.read_llmperf_response),
    (local.TEST, local.read_test),
    (local.BATCHED, local.read_batched),
    (local.SHARED, local.read_llmfit),
    (local.OWN, local.read_llmfit),
    (serving.EVALSCOPE, serving.read_evalscope),
    (serving.TRTLLM, serving.read_trtllm),
    (serving.INFERENCEX, serving.read_inferencex),
    (serving.INFERENCEX_EXPORTED, serving.read_inferencex),
    (local.OLLAMA, local.read_ollama),
    (local.SERVER, local.read_timings),
)
_WITH_TOKENS = "measure with vllm bench serve, guidellm or aiperf"
#: Keys of files that are known and hold too little, what they are, and what to give.
TOO_LITTLE = (
    (
        {"elapsed_time", "num_requests", "tokens_per_second"},
        "vllm bench throughput, which writes neither lengths nor a batch",
        "use vllm bench serve with --max-concurrency",
    ),
    (
        {"Metric", "avg"},
        "the CSV of aiperf or genai-perf, which does not say the concurrency",
        "give the JSON that stands beside it",
    ),
    ({"Request Count", "Average Response Time"}, "locust, which counts requests and no tokens", _WITH_TOKENS),
    ({"metrics", "root_group"}, "k6, which counts requests and no tokens", _WITH_TOKENS),
)
#: Words that tell a text that is known and holds too little, what it is, and what to give.
TEXTS = (
    (
        "MLPerf Results Summary",
        "the summary of MLPerf's loadgen, which has no lengths",
        "give MLCommons' table of results",
    ),
    ("Prefill. latency:", "what SGLang's bench_one_batch prints", "give the file that it writes, result.jsonl"),
    ("Throughput: ", "what vllm bench throughput prints", "use vllm bench serve with --max-concurrency"),
    ("time_per_output_token:", "a report of llm-d-benchmark", "give the file of its harness, which stands beside it"),
)


def read_file(run: Run) -> Results:
    """The measurements of a benchmark's result file, latencies in seconds, and what cannot be used of it.

    A table of ours names model and accelerator itself.

    Raises:
        BadFile: unreadable, broken, of an unknown tool, or a figure is no number.
        Missing: no result can be used, for want of a load, of lengths or of a finished request.
    """
    content, where = read_whole(run.path), f"results {run.path}"
    if serving.is_summary(content) and not content.lstrip().startswith("{"):
        results = _read_all(serving.parse_summaries(content, where), run)
    elif (entries := parse_json(content, where)) is not None:
        results = _read_all(_records(entries), run)
    elif local.is_table(content):
        results = _read_all(local.parse_table(content, where), run)
    elif local.is_printed(content):
        results = _read_all(local.parse_printed(content, where), run)
    else:
        if not is_table(header := header_of(content, run.path)):
            _refuse_text(content, where)
            _reader_of(header, f"{where}, line 1")
        header, rows = parse_sheet(content, run.path)
        results = read_rows(header, rows, run.path) if is_table(header) else _read_all(rows, run)
    if results.measured:
        return results
    if results.skipped:
        name, why = results.skipped[0]
        raise Missing(f"{where}: no row can be used; {name}: {why}", "give a file with a row that can")
    raise BadFile(f"{where}: holds no result", "see whether the benchmark ended, and give its output")


def _refuse_text(content: str, where: str) -> None:
    """BadFile for a text that is known and holds too little."""
    for words, what, hint in TEXTS:
        if words in content:
            raise BadFile(f"{where}: is {what}", hint)


def _records(entries: list[tuple[str, Any]]) -> list[Record]:
    """The results of some JSON values: a report of GuideLLM or a file of llmfit holds several, an answer its timings.

    Raises:
        BadFile: a value that is no mapping.
    """
    records = []
    for where, value in entries:
        if not isinstance(value, dict):
            raise BadFile(f"{where}: is no JSON object", f"give a result file of {TOOLS}")
        if serving.is_guidellm(value):
            records += [Record(f"{where}, benchmark {n}", one) for n, one in enumerate(value["benchmarks"], 1)]
        elif local.is_llmfit_shared(value):
            records += local.llmfit_results(value, where)
        elif local.is_llmfit(value):
            records.append(Record(where, value["benchmark"]))
        elif local.is_answer(value):
            records.append(Record(where, value["timings"]))
        else:
            records.append(Record(where, value))
    return records


def _read_all(records: list[Record], run: Run) -> Results:
    """Every result; one that lacks a figure is skipped with the reason, unless all do."""
    results, lacking = Results([], []), None
    stem = "stdin" if run.path == "-" else Path(run.path).stem
    for number, record in enumerate(records, 1):
        read = _reader_of(record.values, record.where)
        said = Said() if read is local.read_llmfit else read_said(record)  # which tells its several models apart
        entry = Entry(said.of(run), f"{stem}-{number}", record)
        try:
            measured, skipped = read(entry)
            measured = [_in_format(row, said.format) for row in measured]
        except Missing as error:
            lacking = lacking or error
            measured, skipped = [], [(entry.id, f"{error.what}; {error.hint}")]
        results.measured.extend(measured)
        results.skipped.extend(skipped)
    if lacking and not results.measured:
        raise lacking
    return results


def _in_format(row: Measured, format: str) -> Measured:
    """A measurement in the format that its checkpoint is called after, where the tool says none."""
    return row._replace(weight_dtype=format) if format and not row.weight_dtype else row


def _reader_of(keys: Iterable[str], where: str) -> Reader:
    """The reader for a result with these keys.

    Raises:
        BadFile: no tool known here writes them, or what it writes is too little.
    """
    keys = set(keys)
    for telling, read in READERS:
        if telling <= keys:
            return read
    for telling, what, hint in TOO_LITTLE:
        if telling <= keys:
            raise BadFile(f"{where}: is of {what}", hint)
    raise BadFile(f"{where}: is no result of a benchmark known here", f"give one of {TOOLS}, or {OF_OURS}")
