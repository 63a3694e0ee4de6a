"""Results of SGLang's ``bench_serving``, ``bench_one_batch`` and ``bench_one_batch_server``."""

from infercost.evidence.measured import Measured
from infercost.evidence.readers.run import (
    Document,
    Entry,
    Load,
    Skipped,
    Times,
    inside,
    joined,
    needed,
    optional,
    seconds,
    served,
    text,
)
from infercost.evidence.readers.vllm import engine, load, remarks


def is_serving(document: Document) -> bool:
    """Whether a document is a result of ``bench_serving``."""
    return {"completed", "mean_e2e_latency_ms"} <= document.keys()


def is_one_batch(document: Document) -> bool:
    """Whether a document is a result of ``bench_one_batch`` or ``bench_one_batch_server``."""
    return {"batch_size", "input_len", "output_len", "overall_throughput"} <= document.keys()


def read_serving(document: Document, entry: Entry) -> tuple[list[Measured], list[Skipped]]:
    """ITL, TTFT and end-to-end latency in seconds.

    Raises:
        BadFile: a figure is no number.
        Missing: no request completed, or the load is not known.
    """
    where = entry.where
    arriving = load(document, where)
    ttft, e2e, tpot, itl = (
        seconds(optional(document, f"mean_{name}_ms", where)) for name in ("ttft", "e2e_latency", "tpot", "itl")
    )
    hits = optional(inside(document, "cache_report"), "cache_hit_rate_pct", where)
    version = text(inside(document, "server_info"), "version")
    known = entry.row("", 0)._replace(
        framework=f"{engine(text(document, 'backend'))} {version}".strip(),
        prefix_share=(hits or 0) / 100,
        notes=joined("sglang bench_serving", text(document, "dataset_name"), remarks(document, where)),
    )
    return served(entry, arriving, Times(ttft, e2e, tpot or itl), known)


def read_one_batch(document: Document, entry: Entry) -> tuple[list[Measured], list[Skipped]]:
    """ITL, TTFT and end-to-end latency of a static batch in seconds.

    ``bench_one_batch`` times its steps itself, ``bench_one_batch_server`` the requests of a client.

    Raises:
        BadFile: a figure is no number or absent.
    """
    where = entry.where
    batch, output = needed(document, "batch_size", where), needed(document, "output_len", where)
    arriving = Load(batch, None, needed(document, "input_len", where), output)
    step = optional(document, "median_decode_latency", where)
    if "prefill_latency" in document:
        tool, names = "bench_one_batch", ("prefill_latency", "total_latency")
    else:
        tool, names = "bench_one_batch_server", ("last_ttft", "latency")
    ttft, e2e = (optional(document, name, where) for name in names)
    stopped = optional(document, "num_early_stopped", where)
    known = entry.row("", 0)._replace(
        framework="sglang",
        prefix_share=optional(document, "cache_hit_rate", where) or 0.0,
        notes=joined(
            f"sglang {tool}",
            text(document, "run_name"),
            f"{stopped:g} answers ended early" if stopped else "",
        ),
    )
    return served(entry, arriving, Times(ttft, e2e, step), known, batch=True)
