"""The summary that ``vllm bench serve`` and SGLang's ``bench_serving`` print, under the keys of their files."""

import re

from infercost.evidence.readers.record import Record

#: What begins a summary.
TITLE = "Serving Benchmark Result"
#: Labels and keys; SGLang misspelled one for some releases.
_KEYS = {
    "backend": "backend",
    "successful requests": "completed",
    "failed requests": "failed",
    "maximum request concurrency": "max_concurrency",
    "max request concurrency": "max_concurrency",
    "max reqeuest concurrency": "max_concurrency",
    "request rate configured (rps)": "request_rate",
    "traffic request rate": "request_rate",
    "total input tokens": "total_input_tokens",
    "total generated tokens": "total_output_tokens",
    "request throughput (req/s)": "request_throughput",
    "accept length": "accept_length",
}
_LINE = re.compile(r"\s*([A-Za-z][^:]*):\s+(\S.*?)\s*")
_LATENCY = re.compile(r"(mean|median|p50) (ttft|tpot|itl|e2el|e2e latency) \(ms\)")
_END = re.compile(r"\s*=+\s*")
#: A load that was not set.
_NOT_SET = ("not set", "none")


def is_summary(content: str) -> bool:
    """Whether a text holds such a summary."""
    return TITLE in content


def parse_summaries(content: str, where: str) -> list[Record]:
    """Every summary of a text; older releases print the load on lines before it."""
    records: list[Record] = []
    values: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if TITLE in line:
            values = dict(values)
            records.append(Record(f"{where}, line {number}", values))
        elif _END.fullmatch(line):
            values = {}
        elif (match := _LINE.fullmatch(line)) and (key := _key_of(match[1].lower())):
            values[key] = "" if match[2].lower() in _NOT_SET else match[2]
    return [_with_prompts(record) for record in records]


def _key_of(label: str) -> str:
    if match := _LATENCY.fullmatch(label):
        return f"{match[1]}_{match[2].replace(' ', '_')}_ms"
    return _KEYS.get(label, "")


def _with_prompts(record: Record) -> Record:
    """A summary with the number of prompts, where it says how many failed."""
    completed, failed = (record.number(key) for key in ("completed", "failed"))
    prompts = {"num_prompts": completed + failed} if completed is not None and failed is not None else {}
    return record._replace(values={**record.values, **prompts})
