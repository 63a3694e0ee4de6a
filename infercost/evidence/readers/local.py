"""Results of engines of one user: llama.cpp's benches, timings of Ollama, llama.cpp and MLX, files of llmfit.

``llama-bench`` writes json, jsonl, csv, sql and Markdown; ``llama-batched-bench`` and ``llama-sweep-bench`` theirs.
"""

import csv
import re
from typing import Any

from infercost.errors import BadFile, Missing
from infercost.evidence.readers.record import FORMAT, Entry, Record, Results, joined, preset_of
from infercost.parts.formats import usual_format

#: Keys, or columns of a CSV, that tell a result.
TEST = {"n_prompt", "n_gen", "avg_ts"}
#: Keys that tell a result of ``llama-batched-bench``, or of ``llama-sweep-bench``, which has no ``pl``.
BATCHED = {"pp", "tg", "n_kv", "t_pp", "t_tg"}
#: ``llama 8B Q4_K - Medium``, ``llama4 17Bx16E (Scout) Q6_K``: the file's number format stands behind the size.
_SIZE = r"(?:\?|[AE]?\d[\d.x+]*)[KMBT](?:x\d+E|\+\d+x[\d.]+B|\.A\d+(?:\.\d+)?B)?(?:\s+\([^)]*\))?"
_FORMAT = re.compile(rf"(?:^|\s){_SIZE}\s+(?:mostly |all )?(.+)$")
_SIZES = {" - small": "_s", " - medium": "_m", " - large": "_l"}
#: No file has fewer bits a weight, or more.
_LEAST_BITS, _MOST_BITS = 0.5, 33.0
#: Columns of the Markdown table, and what they are called elsewhere; ``test`` is apart.
_COLUMNS = {
    "model": "model_type", "size": "model_size", "params": "model_n_params", "backend": "backends",
    "ngl": "n_gpu_layers", "dev": "devices", "ot": "tensor_buft_overrides", "nkvo": "no_kv_offload", "t/s": "avg_ts",
    "PP": "pp", "TG": "tg", "B": "pl", "N_KV": "n_kv", "T_PP s": "t_pp", "T_TG s": "t_tg",
}  # fmt: skip
#: What tells a table's header, of one tool and of the other.
_TELLING = ({"model", "test", "t/s"}, {"PP", "TG", "N_KV", "T_PP s", "T_TG s"})
#: What the line above a table of batches says of the run.
_SET = re.compile(r"\b(is_pp_shared|n_ubatch|n_gpu_layers) = (-?\d+)")
_INSERT = re.compile(r"INSERT INTO \w+ \(([^)]*)\)\s*VALUES\s*\((.*)\);")
#: ``pp512``, ``tg128``, ``pp512+tg128``, each ``@ d4096`` where the cache held so much.
_TEST = re.compile(r"(?:pp\s*(\d+))?\s*\+?\s*(?:tg\s*(\d+))?(?:\s*@\s*d\s*(\d+))?")
_AMOUNT = re.compile(r"([\d.]+)\s*(Ki|Mi|Gi|Ti|K|M|B|T)?B?")
_SCALES = {
    "": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12,
}  # fmt: skip
#: How llama.cpp names a device as it starts: under CUDA and ROCm, Vulkan, and Metal.
_DEVICE = re.compile(
    r"^\s*(?:Device \d+: (?P<cuda>[^,\n]+),|ggml_vulkan: \d+ = (?P<vulkan>[^(|\n]+)|.*GPU name:\s*(?P<metal>Apple .+))",
    re.MULTILINE,
)
_BUILD = re.compile(r"build:\s*(\w+)\s*\((\d+)\)")
_PLAIN = {"f16": "fp16", "f32": "fp32", "q2_k_m": "q2_k", "iq3_s mix": "iq3_m"}
#: What backends are called in a file, and the end of their profile's name where a part may have another; GPUs go first.
BACKENDS = {
    **dict.fromkeys(("cuda", "metal", "mtl"), ""),
    **dict.fromkeys(("rocm", "hip"), "-hip"),
    "vulkan": "-vulkan",
    **dict.fromkeys(("cpu", "none", "blas"), "-cpu"),
}
_WORD = re.compile("[a-z]+")


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


def weight_format(model_type: str) -> str:
    """The number format at the end of a model's description, as ``q4_k_m`` or ``fp16``; empty where it names none."""
    if not (match := _FORMAT.search(model_type)):
        return ""
    name = match[1].lower().removesuffix(" (guessed)").removesuffix(" moe")
    for words, letter in _SIZES.items():
        name = name.replace(words, letter)
    name = name.split(" - ")[0]  # IQ4_XS - 4.25 bpw
    return _PLAIN.get(name, name)


def cache_format(record: Record) -> str:
    """The number format of the KV cache, both kinds where keys and values differ."""
    kinds = dict.fromkeys(_PLAIN.get(name, name) for name in map(record.text, ("type_k", "type_v")))
    return "/".join(kind for kind in kinds if kind)


def weight_bits(record: Record) -> float | None:
    """Bits of a weight in the mean, by the size and the parameters that the file's own tensors add up to."""
    size, params = (record.number(key) for key in ("model_size", "model_n_params"))
    bits = 8 * size / params if size and params else 0.0
    return bits if _LEAST_BITS < bits < _MOST_BITS else None


def is_table(content: str) -> bool:
    """Whether a text holds a table, or the statements of the SQL output."""
    return bool(_INSERT.search(content)) or any(_is_header(_cells(line)) for line in content.splitlines())


def parse_table(content: str, where: str) -> list[Record]:
    """The rows of every such table or statement in a text, whatever stands around, with the keys of other outputs.

    Raises:
        BadFile: a row whose test or speed is none.
    """
    records, header = [], []
    builds = _BUILD.findall(content)
    build = {"build_commit": builds[0][0], "build_number": builds[0][1]} if len(set(builds)) == 1 else {}
    build |= dict(_SET.findall(content))
    devices = [str(found[found.lastgroup or 0]).strip() for found in _DEVICE.finditer(content)]
    build |= {"gpu_info": ", ".join(devices)} if devices else {}
    for number, line in enumerate(content.splitlines(), 1):
        cells, place = _cells(line), f"{where}, line {number}"
        if insert := _INSERT.search(line):
            names, values = next(csv.reader([insert[1]], skipinitialspace=True)), _quoted(insert[2])
            records.append(Record(place, dict(zip(names, values, strict=False)), "column "))
        elif _is_header(cells):
            header = cells
        elif header and (known := _aligned(header, cells)) and not all(re.fullmatch(r":?-+:?", c) for c in cells):
            records.append(Record(place, build | _row(known, place), "column "))
    return records


def _is_header(cells: list[str]) -> bool:
    return any(set(cells) >= telling for telling in _TELLING)


def _aligned(header: list[str], cells: list[str]) -> dict[str, str]:
    """The cells of a row by column; nothing for a line that is none.

    A fork prints a column of settings more than its header names: then what stands before them, and the last two.
    """
    if len(cells) == len(header):
        return dict(zip(header, cells, strict=True))
    if len(cells) != len(header) + 1 or header[-2:] != ["test", "t/s"] or "backend" not in header:
        return {}
    first = header.index("backend") + 1
    return {**dict(zip(header[:first], cells, strict=False)), **dict(zip(header[-2:], cells[-2:], strict=True))}


def _quoted(values: str) -> list[str]:
    """The values of an SQL statement."""
    return next(csv.reader([values], quotechar="'", skipinitialspace=True))


def _cells(line: str) -> list[str]:
    """The cells of a table's line, without a quote's ``>`` before it; of one copied from a page, tabs are between."""
    line = line.strip().lstrip("> ").strip()
    between = "|" if "|" in line else "\t"
    return [cell.strip().strip("*`") for cell in line.strip("|").split(between)] if between in line else []


def _row(cells: dict[str, str], where: str) -> dict[str, Any]:
    """A row of the table as the other outputs have it."""
    values: dict[str, Any] = {_COLUMNS.get(name, name): cell for name, cell in cells.items()}
    if "test" not in cells:
        return values
    if not cells["test"] or not (test := _TEST.fullmatch(cells["test"])):
        raise BadFile(f"{where}, column test: {cells['test'][:40]!r} is no test", "give the table as it was printed")
    values["n_prompt"], values["n_gen"], values["n_depth"] = (int(tokens or 0) for tokens in test.groups())
    # the sign between a mean and its spread may not have survived the clipboard
    mean, *spread = re.findall(r"[\d.]+", cells["t/s"]) or [cells["t/s"]]
    values |= {"avg_ts": mean, "stddev_ts": spread[0] if spread else None}
    for key in ("model_size", "model_n_params"):
        amount = _AMOUNT.fullmatch(str(values.get(key, "")))
        values[key] = float(amount[1]) * _SCALES[amount[2] or ""] if amount else None
    return values


def framework(record: Record) -> str:
    """The engine with its build, and with its backend where the part alone does not decide it.

    A build may have several backends: the devices that were asked for tell which one ran, else the first of a GPU.
    """
    asked, built = (_WORD.findall(record.text(name).lower()) for name in ("devices", "backends"))
    named = [word for words in (asked, built) for word in sorted(words, key=_on_cpu) if word in BACKENDS]
    backend = BACKENDS[named[0]] if named else ""
    build = record.text("build_number")
    return f"llama.cpp{backend} b{build}" if build else f"llama.cpp{backend}"


def _on_cpu(word: str) -> bool:
    return BACKENDS.get(word) == "-cpu"


def figures(record: Record) -> dict[str, Any]:
    """Metric, value, and what of the run differs between the three kinds of test.

    The prompt's tokens before ``n_depth`` are in the cache already, and its speed counts none of them.
    """
    prompt, answer, depth = (record.number(name) or 0.0 for name in ("n_prompt", "n_gen", "n_depth"))
    chunk = record.number("n_ubatch")
    lengths = {
        "input_tokens": depth + prompt,
        "output_tokens": answer,
        "chunk_tokens": int(chunk) if chunk else None,
    }
    if not prompt:
        if not answer:
            raise BadFile(f"{record.where}: n_prompt and n_gen are both 0", "give the file as llama-bench wrote it")
        return {**lengths, "metric": "tok_s_single_user", "value": record.required("avg_ts")}
    prefill = {"prefix_share": depth / (depth + prompt)}
    if answer:
        both = record.number("avg_ns") or 1e9 * (prompt + answer) / record.required("avg_ts")
        return {**lengths, **prefill, "metric": "total_latency_ms", "value": both / 1e6}
    return {**lengths, **prefill, "metric": "input_tok_s_total", "value": record.required("avg_ts")}


def device_layers(record: Record) -> int | None:
    """Layers that a GPU was asked to hold, None for all of them, or on a CPU.

    Raises:
        Missing: parts of layers, or the cache, stay in the host's memory, or a device was in another machine.
    """
    offloaded, hint = record.text("tensor_buft_overrides"), "give runs that keep the whole model on the device"
    if record.number("n_cpu_moe"):
        raise Missing(f"experts of {record.text('n_cpu_moe')} layers were in the host's memory", hint)
    if "=cpu" in offloaded.lower():
        raise Missing(f"tensors were in the host's memory ({offloaded[:40]})", hint)
    if record.text("no_kv_offload").lower() in ("1", "true"):
        raise Missing("the cache was in the host's memory", hint)
    if "rpc" in record.text("devices").lower():
        raise Missing("a device was another machine's, reached over a network", "give runs on one machine")
    layers = record.text("n_gpu_layers")
    return int(layers) if layers.isdecimal() and "-cpu" not in framework(record) else None


def read_test(entry: Entry) -> Results:
    """Prompt speed, generation speed (tokens a second) or, for both at once, the latency in milliseconds.

    The context of a generation test is ``n_depth`` and on average half of ``n_gen``: prompt and answer of the row.
    """
    record = entry.record
    spread = record.number("stddev_ts")
    layers = record.text("n_gpu_layers")
    row = entry.row(
        **figures(record),
        framework=framework(record),
        weight_dtype=weight_format(record.text("model_type")),
        weight_bits=weight_bits(record),
        weight_params=record.number("model_n_params") or None,
        kv_dtype=cache_format(record),
        device_layers=device_layers(record),
        batch=1,
        notes=joined(
            "llama-bench",
            record.text("model_filename"),
            record.text("gpu_info"),
            f"{layers} layers on the device" if layers else "",
            f"spread {spread:g} tokens a second" if spread else "",
        ),
    )
    return Results([row], [])


def read_batched(entry: Entry) -> Results:
    """Prompt speed of a batch in tokens a second, and milliseconds of a step of it.

    A prompt that all sequences share was computed once: its speed is that of one sequence. A sweep has one sequence,
    and ``n_kv`` tokens before both the prompt and the answer.
    """
    record = entry.record
    prompt, answer = (record.number(name) or 0.0 for name in ("pp", "tg"))
    sequences, depth = record.number("pl") or 1.0, 0.0 if record.number("pl") else record.number("n_kv") or 0.0
    chunk = record.number("n_ubatch")
    known = {
        "framework": "llama.cpp",
        "device_layers": device_layers(record),
        "chunk_tokens": int(chunk) if chunk else None,
        "notes": "llama-batched-bench" if record.number("pl") else "llama-sweep-bench",
    }
    rows = []
    if prompt and (time := record.above_zero("t_pp")):
        batch = 1 if record.number("is_pp_shared") else sequences
        lengths = {"input_tokens": depth + prompt, "prefix_share": depth / (depth + prompt), "output_tokens": 0}
        rows.append(entry.row("input_tok_s_total", batch * prompt / time, batch=batch, **lengths, **known))
    if answer and (time := record.above_zero("t_tg")):
        before = prompt if record.number("pl") else depth
        step, lengths = 1e3 * time / answer, {"input_tokens": before, "output_tokens": answer}
        rows.append(entry.row("decode_ms_per_token", step, batch=sequences, **lengths, **known))
    return Results(rows, [])


# What engines of one user say of a request: Ollama's answers, timings of llama.cpp and MLX, files of llmfit.


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
