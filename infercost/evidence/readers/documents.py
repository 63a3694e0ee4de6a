"""The results that stand in a file, whichever tool wrote it and whether as JSON, JSON lines or CSV."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from infercost.errors import BadFile
from infercost.evidence.measured import Measured
from infercost.evidence.readers import aiperf, guidellm, llama_bench, sglang, vllm
from infercost.evidence.readers.run import Document, Entry, Skipped

TOOLS = "vllm bench, sglang bench_serving and bench_one_batch, guidellm, aiperf, genai-perf, llama-bench"
Reader = Callable[[Document, Entry], tuple[list[Measured], list[Skipped]]]


class Tool(NamedTuple):
    """A benchmark's name, what tells its results, and what reads one of them."""

    name: str
    tells: Callable[[Document], bool]
    read: Reader


#: In this order, because SGLang's serving results also have the keys that tell vLLM's.
KNOWN = (
    Tool("sglang bench_serving", sglang.is_serving, sglang.read_serving),
    Tool("sglang bench_one_batch", sglang.is_one_batch, sglang.read_one_batch),
    Tool("vllm bench serve", vllm.is_serve, vllm.read_serve),
    Tool("vllm bench latency", vllm.is_latency, vllm.read_latency),
    Tool("guidellm", lambda document: "metrics" in document and "type_" in document, guidellm.read_benchmark),
    Tool("aiperf", aiperf.is_export, aiperf.read_export),
    Tool("llama-bench", llama_bench.is_test, llama_bench.read_test),
)
#: Keys of files that are known and hold too little, and why.
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
)


def parse(content: str, where: str) -> list[tuple[str, Any]] | None:
    """The JSON values of a text and where each stands: one, the entries of a list, or one a line; None for no JSON.

    Raises:
        BadFile: begins as JSON and is broken.
    """
    if content.lstrip()[:1] not in ("{", "["):
        return None
    try:
        whole = json.loads(content)
    except RecursionError as error:
        raise BadFile(f"{where}: is nested too deep", "give the file as the tool wrote it") from error
    except ValueError as error:
        first, *rest = content.strip().splitlines()
        if rest and _is_json(first):
            return _by_line(content, where)
        raise _broken(error, where, getattr(error, "lineno", 1)) from error
    if isinstance(whole, list):
        return [(f"{where}, entry {number}", entry) for number, entry in enumerate(whole, 1)]
    return [(where, whole)]


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _by_line(content: str, where: str) -> list[tuple[str, Any]]:
    entries = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                entries.append((f"{where}, line {number}", json.loads(line)))
            except (ValueError, RecursionError) as error:
                raise _broken(error, where, number) from error
    return entries


def _broken(error: Exception, where: str, line: int) -> BadFile:
    problem = str(getattr(error, "msg", "cannot be read")).lower()
    return BadFile(f"{where}, line {line}: broken JSON, {problem}", "see whether the benchmark ended, or measure again")


def opened(entries: list[tuple[str, Any]]) -> list[tuple[str, Document]]:
    """The results of some JSON values: a report of GuideLLM holds several.

    Raises:
        BadFile: a value that is no mapping, or no result at all.
    """
    results: list[tuple[str, Document]] = []
    for where, value in entries:
        if not isinstance(value, dict):
            raise BadFile(f"{where}: is no JSON object", f"give a result file of {TOOLS}")
        if guidellm.is_report(value):
            results += [(f"{where}, benchmark {number}", one) for number, one in enumerate(value["benchmarks"], 1)]
        else:
            results.append((where, value))
    return results


def tool_of(document: Document, where: str) -> Tool:
    """The tool that wrote a result.

    Raises:
        BadFile: none that is known.
    """
    for tool in KNOWN:
        if tool.tells(document):
            return tool
    for keys, what, hint in TOO_LITTLE:
        if keys <= document.keys():
            raise BadFile(f"{where}: is of {what}", hint)
    raise BadFile(f"{where}: is no result of a benchmark known here", f"give one of {TOOLS}, or a table of ours")
