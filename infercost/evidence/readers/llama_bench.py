"""Results of llama.cpp's ``llama-bench`` as json, jsonl and csv."""

import re
from typing import Any

from infercost.errors import BadFile
from infercost.evidence.measured import Measured
from infercost.evidence.readers.run import Document, Entry, Skipped, joined, needed, optional, text

#: ``llama 8B Q4_K - Medium``: what stands behind the size is the file's number format.
_FORMAT = re.compile(r"(?:^|\s)(?:\?|\d+(?:x\d+)?(?:\.\d+)?)[KMBT](?:\.A\d+(?:\.\d+)?B)?\s+(?:mostly |all )?(.+)$")
_SIZES = {" - small": "_s", " - medium": "_m", " - large": "_l"}
_CACHE = {"f16": "fp16", "f32": "fp32"}


def is_test(document: Document) -> bool:
    """Whether a document, or the header of a CSV, is of ``llama-bench``."""
    return {"n_prompt", "n_gen", "avg_ts"} <= document.keys()


def weight_format(model_type: str) -> str:
    """The number format that a model's description ends in, as ``q4_k_m`` or ``fp16``; empty where it names none."""
    if not (found := _FORMAT.search(model_type)):
        return ""
    name = found[1].lower().removesuffix(" (guessed)").removesuffix(" moe")
    for words, letter in _SIZES.items():
        name = name.replace(words, letter)
    name = name.split(" - ")[0]  # IQ4_XS - 4.25 bpw
    return _CACHE.get(name, name)


def cache_format(document: Document) -> str:
    """The number format of the KV cache, both kinds where keys and values differ."""
    kinds = dict.fromkeys(_CACHE.get(name, name) for name in (text(document, "type_k"), text(document, "type_v")))
    return "/".join(kind for kind in kinds if kind)


def figures(document: Document, where: str) -> dict[str, Any]:
    """Metric, value, and what of the run differs between the three kinds of test.

    The prompt's tokens before ``n_depth`` are in the cache already, and its speed counts none of them.
    """
    prompt, answer, depth = (optional(document, name, where) or 0.0 for name in ("n_prompt", "n_gen", "n_depth"))
    if not prompt and not answer:
        raise BadFile(f"{where}: n_prompt and n_gen are both 0", "give the file as llama-bench wrote it")
    whole: dict[str, Any] = {"input_tokens": depth + prompt, "output_tokens": answer}
    if prompt:
        whole["prefix_share"] = depth / (depth + prompt)
    if not prompt:
        return {**whole, "metric": "tok_s_single_user", "value": needed(document, "avg_ts", where)}
    step = optional(document, "n_ubatch", where)
    whole["chunk_tokens"] = int(step) if step else None
    if not answer:
        return {**whole, "metric": "input_tok_s_total", "value": needed(document, "avg_ts", where)}
    return {**whole, "metric": "total_latency_ms", "value": needed(document, "avg_ns", where) / 1e6}


def read_test(document: Document, entry: Entry) -> tuple[list[Measured], list[Skipped]]:
    """Prompt speed, generation speed (tokens a second) or, for both at once, the latency in milliseconds.

    The context of a generation test is ``n_depth`` and on average half of ``n_gen``: prompt and answer of the row.

    Raises:
        BadFile: a figure is no number or absent.
    """
    found = figures(document, entry.where)
    build, spread = text(document, "build_number"), optional(document, "stddev_ts", entry.where)
    row = entry.row(found["metric"], found["value"])._replace(
        framework=f"llama.cpp b{build}" if build else "llama.cpp",
        weight_dtype=weight_format(text(document, "model_type")),
        kv_dtype=cache_format(document),
        batch=1,
        notes=joined(
            "llama-bench",
            text(document, "model_filename"),
            text(document, "gpu_info"),
            f"{text(document, 'n_gpu_layers')} layers on the device" if document.get("n_gpu_layers") else "",
            f"spread {spread:g} tokens a second" if spread else "",
        ),
    )
    return [row._replace(**found)], []
