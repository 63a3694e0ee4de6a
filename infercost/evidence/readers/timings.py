"""What engines of one user say of a request: Ollama's answers, timings of llama.cpp and MLX, files of llmfit."""

import re
from typing import Any

from infercost.errors import Missing
from infercost.evidence.readers.record import FORMAT, Entry, Record, Results, joined, preset_of
from infercost.parts.formats import usual_format

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


#: Keys that tell one result, of a file that was shared and of a run's own output.
SHARED, OWN = {"provider", "avgTps", "avgTotalMs"}, {"provider", "summary", "runs"}
#: Engines by provider. Ollama runs llama.cpp.
ENGINES = {"ollama": "llama.cpp (Ollama)", "llamacpp": "llama.cpp", "vllm": "vllm", "mlx": "mlx"}
#: Tokens of a prompt, where a file does not say: its four prompts in llmfit-core/src/bench.rs at 3f44fd3 have about
#: 11, 17, 25 and 50, by hand.
PROMPT_TOKENS = 26.0


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


# Benchmarks of llmfit: what ``llmfit bench`` shares, and the one model that it prints as JSON.


def is_llmfit_shared(values: dict[str, Any]) -> bool:
    """Whether a mapping is a file that was shared, with the results of one machine."""
    results = values.get("results")
    is_list = isinstance(results, list) and all(isinstance(one, dict) and "avgTps" in one for one in results)
    return is_list and isinstance(values.get("hardware"), dict)


def is_llmfit(values: dict[str, Any]) -> bool:
    """Whether a mapping is what a run prints of one model."""
    inside = values.get("benchmark")
    return isinstance(inside, dict) and set(inside) >= OWN


def llmfit_results(values: dict[str, Any], where: str) -> list[Record]:
    """Every result of a shared file, with what it says of the machine."""
    hardware = values["hardware"]
    machine = {key: hardware.get(key) for key in ("hardwareName", "gpuCount")} | {"alone": len(values["results"]) == 1}
    return [Record(f"{where}, result {n}", {**machine, **one}) for n, one in enumerate(values["results"], 1)]


def llmfit_format(name: str, provider: str) -> str:
    """The number format that a model's name ends in, Ollama's usual one where the name has none."""
    formats: list[str] = [format.lower() for format in FORMAT.findall(name.removesuffix(".gguf"))]
    plain = {"f16": "fp16", "4bit": "int4", "8bit": "int8", "fp16": "fp16"}
    if formats:
        return plain.get(formats[0], formats[0])
    return usual_format(name) if provider == "ollama" else ""


def _place(entry: Entry) -> dict[str, Any]:
    """Model and accelerator of a result: the user's word where it can be meant, else the file's.

    Raises:
        Missing: a result of another model than the one that was asked for, or of a model or a part without a preset.
    """
    run, record = entry.run, entry.record
    known = preset_of("models", record.text("model"))
    if run.model and not record.values.get("alone", True) and known != preset_of("models", run.model):
        raise Missing("of another model than --model", "give its own --model for it")
    if not (model := run.model or known):
        raise Missing("no preset is known by the name of its model", "give --model for it, in a file of its own")
    if not (part := run.accelerator or preset_of("accelerators", record.text("hardwareName"))):
        raise Missing(f"no accelerator preset is called {record.text('hardwareName')!r}", "give --gpu for it")
    return {"model": model, "accelerator": part, "devices": run.devices or record.whole("gpuCount")}


def read_llmfit(entry: Entry) -> Results:
    """The speed of a lone user; of providers that are timed by the wall clock the latency of a request.

    Ollama times its steps itself, and its total may hold the loading of the model. The others do not stream, so that
    their tokens a second are those of the whole request.
    """
    record = entry.record
    provider, runs = record.text("provider"), record.values.get("runs")
    figures = record.inside("summary") if isinstance(runs, list) else record
    keys = ("avg_tps", "avg_ttft_ms", "avg_total_ms", "avg_output_tokens", "num_runs")
    if not isinstance(runs, list):
        keys = ("avgTps", "avgTtftMs", "avgTotalMs", "avgOutputTokens", "numRuns")
    speed, first, whole, output, count = (figures.number(key) for key in keys)
    prompts = [Record(entry.record.where, one).number("prompt_tokens") for one in runs or () if isinstance(one, dict)]
    known = [tokens for tokens in prompts if tokens]
    given = entry.run.workload
    row = entry.row(
        "",
        0,
        framework="mlx" if "mlx" in record.text("model") else ENGINES.get(provider, provider),
        weight_dtype=llmfit_format(record.text("model"), provider),
        batch=1,
        input_tokens=given.input_tokens or (sum(known) / len(known) if known else PROMPT_TOKENS),
        output_tokens=output or given.output_tokens,
        notes=joined("llmfit", record.text("model"), provider, f"mean of {count:g} runs" if count else ""),
    )._replace(**_place(entry))
    values = {"tok_s_single_user": speed, "ttft_ms": first} if provider == "ollama" else {"total_latency_ms": whole}
    return Results(
        [row._replace(id=f"{entry.id}-{key}", metric=key, value=value) for key, value in values.items() if value],
        [(f"{entry.id}-{key}", "not measured") for key, value in values.items() if not value],
    )
