"""Results of SGLang's ``bench_serving``, ``bench_one_batch`` and ``bench_one_batch_server``."""

from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served
from infercost.evidence.readers.vllm import engine, load, remarks, times

#: Keys that tell a result, of ``bench_serving``, of one that kept medians alone, and of the two others.
MEDIANS = {"completed", "median_e2e_latency_ms"}
SERVING = {"completed", "mean_e2e_latency_ms"}
ONE_BATCH = {"batch_size", "input_len", "output_len", "overall_throughput"}


def read_serving(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds."""
    record = entry.record
    hits = record.inside("cache_report").number("cache_hit_rate_pct") or 0
    version = record.inside("server_info").text("version")
    return served(
        entry,
        load(entry),
        taken := times(record, "e2e_latency"),
        statistic=taken.statistic,
        framework=f"{engine(record.text('backend'))} {version}".strip(),
        prefix_share=hits / 100,
        notes=joined("sglang bench_serving", record.text("dataset_name"), remarks(record)),
    )


def read_one_batch(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency of a static batch in seconds.

    ``bench_one_batch`` times its steps itself, ``bench_one_batch_server`` the requests of a client.
    """
    record = entry.record
    tool, names = "bench_one_batch_server", ("last_ttft", "latency")
    if "prefill_latency" in record.values:
        tool, names = "bench_one_batch", ("prefill_latency", "total_latency")
    ttft, e2e, step = (record.number(name) for name in (*names, "median_decode_latency"))
    stopped = record.number("num_early_stopped")
    return served(
        entry,
        Load(record.required("batch_size"), None, record.required("input_len"), record.required("output_len")),
        Times(ttft, e2e, step),
        is_batch=True,
        framework="sglang",
        prefix_share=record.number("cache_hit_rate") or 0.0,
        notes=joined(f"sglang {tool}", record.text("run_name"), f"{stopped:g} answers ended early" if stopped else ""),
    )
