"""What engines of one user say of a request: Ollama's answers and ``--verbose``, timings of llama.cpp and MLX."""

import re
from typing import Any

from infercost.errors import Missing
from infercost.evidence.readers.record import Record
from infercost.evidence.readers.run import Entry, Results

#: Keys that tell an answer of Ollama, and timings of llama-server, whose names stand for those of printouts too.
OLLAMA = {"eval_count", "eval_duration"}
SERVER = {"predicted_n", "predicted_ms"}
#: Printouts by engine: tokens of the prompt and of the answer with milliseconds, or else with a rate.
_PRINTED = {
    "llama.cpp": (
        r"prompt eval time =\s*(?P<ms>[\d.]+) ms /\s*(?P<n>\d+) tokens",
        r"(?<!prompt )\beval time =\s*(?P<ms>[\d.]+) ms /\s*(?P<n>\d+) (?:runs|tokens)",
    ),
    "llama.cpp (Ollama)": (
        r"prompt eval count:\s*(?P<n>\d+) token(?:.*\n){1,3}?prompt eval rate:\s*(?P<rate>[\d.]+) tokens/s",
        r"(?m:^)eval count:\s*(?P<n>\d+) token(?:.*\n){1,3}?eval rate:\s*(?P<rate>[\d.]+) tokens/s",
    ),
    "mlx": (
        r"Prompt: (?P<n>\d+) tokens, (?P<rate>[\d.]+) tokens-per-sec",
        r"Generation: (?P<n>\d+) tokens, (?P<rate>[\d.]+) tokens-per-sec",
    ),
}
#: Shorter prompts measure the start of a request, not the speed of prompts.
SHORTEST_PROMPT = 64


def is_answer(values: dict[str, Any]) -> bool:
    """Whether a mapping is an answer of llama-server, to ``/completion`` or in OpenAI's form, with its timings."""
    inside = values.get("timings")
    return isinstance(inside, dict) and inside.keys() >= SERVER


def is_printed(content: str) -> bool:
    """Whether a text holds such timings."""
    return any(re.search(answer, content) for _, answer in _PRINTED.values())


def parse_printed(content: str, where: str) -> list[Record]:
    """Every request of a text, with the keys of llama-server's timings."""
    records = []
    for engine, forms in _PRINTED.items():
        prompts, answers = (list(re.finditer(form, content)) for form in forms)
        for number, answer in enumerate(answers):
            values: dict[str, Any] = {"engine": engine, **_timed("predicted", answer)}
            if len(prompts) == len(answers):
                values |= _timed("prompt", prompts[number])
            records.append(Record(f"{where}, request {number + 1}", values))
    return records


def _timed(what: str, found: re.Match[str]) -> dict[str, float]:
    tokens, groups = float(found["n"]), found.groupdict()
    return {f"{what}_n": tokens, f"{what}_ms": float(groups["ms"]) if "ms" in groups else 1e3 * tokens / _rate(groups)}


def _rate(groups: dict[str, Any]) -> float:
    return float(groups["rate"]) or float("inf")


def read_ollama(entry: Entry) -> Results:
    """Speeds of one answer, whose times are nanoseconds; a prompt that was in the cache has no time."""
    record = entry.record
    values: dict[str, Any] = {"engine": "llama.cpp (Ollama)"}
    for what, own in (("predicted", "eval"), ("prompt", "prompt_eval")):
        time = record.number(f"{own}_duration")
        values |= {f"{what}_n": record.number(f"{own}_count"), f"{what}_ms": time and time / 1e6}
    return read_timings(entry._replace(record=record._replace(values=values)))


def read_timings(entry: Entry) -> Results:
    """Generation speed of one user, and prompt speed where the prompt was no short one, in tokens a second.

    Raises:
        Missing: no token was generated.
    """
    record = entry.record
    prompt, before = record.number("prompt_n") or 0.0, record.number("cache_n") or 0.0
    answer, spent = record.number("predicted_n"), record.number("predicted_ms")
    if not answer or not spent:
        raise Missing(f"{record.where}: no token was generated", "give a request that was answered")
    known = {"framework": record.text("engine") or "llama.cpp", "batch": 1, "notes": "timings of one request"}
    held = {"input_tokens": before + prompt, "output_tokens": answer, **known}
    rows = [entry.row("tok_s_single_user", 1e3 * answer / spent, **held)]
    if prompt >= SHORTEST_PROMPT and (time := record.number("prompt_ms")):
        lengths = {"input_tokens": before + prompt, "output_tokens": 0, "prefix_share": before / (before + prompt)}
        rows.append(entry.row("input_tok_s_total", 1e3 * prompt / time, **lengths, **known))
    return Results(rows, [])
