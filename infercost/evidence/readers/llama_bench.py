"""Results of llama.cpp's ``llama-bench`` as json, jsonl and csv."""

import re
from typing import Any

from infercost.errors import BadFile
from infercost.evidence.readers.record import Record
from infercost.evidence.readers.run import Entry, Results, joined

#: Keys, or columns of a CSV, that tell a result.
TEST = {"n_prompt", "n_gen", "avg_ts"}
#: ``llama 8B Q4_K - Medium``: the file's number format stands behind the size.
_FORMAT = re.compile(r"(?:^|\s)(?:\?|\d+(?:x\d+)?(?:\.\d+)?)[KMBT](?:\.A\d+(?:\.\d+)?B)?\s+(?:mostly |all )?(.+)$")
_SIZES = {" - small": "_s", " - medium": "_m", " - large": "_l"}
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
        return {**lengths, **prefill, "metric": "total_latency_ms", "value": record.required("avg_ns") / 1e6}
    return {**lengths, **prefill, "metric": "input_tok_s_total", "value": record.required("avg_ts")}


def read_test(entry: Entry) -> Results:
    """Prompt speed, generation speed (tokens a second) or, for both at once, the latency in milliseconds.

    The context of a generation test is ``n_depth`` and on average half of ``n_gen``: prompt and answer of the row.
    """
    record = entry.record
    spread = record.number("stddev_ts")
    layers = record.text("n_gpu_layers") if record.values.get("n_gpu_layers") else ""
    row = entry.row(
        **figures(record),
        framework=framework(record),
        weight_dtype=weight_format(record.text("model_type")),
        kv_dtype=cache_format(record),
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
