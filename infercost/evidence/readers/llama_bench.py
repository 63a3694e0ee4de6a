"""Results of llama.cpp's ``llama-bench`` as json, jsonl, csv, sql, and the Markdown table that it prints by default.

Those of ``llama-batched-bench`` and ``llama-sweep-bench`` are read as well, their tables and their JSON lines.
"""

import csv
import re
from typing import Any

from infercost.errors import BadFile, Missing
from infercost.evidence.readers.record import Entry, Record, Results, joined

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
