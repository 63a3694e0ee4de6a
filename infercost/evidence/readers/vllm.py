"""Results of ``vllm bench serve`` (formerly ``benchmark_serving.py``) and ``vllm bench latency``."""

from infercost.errors import Missing
from infercost.evidence.measured import Measured
from infercost.evidence.readers.run import (
    Document,
    Entry,
    Load,
    Skipped,
    Times,
    joined,
    needed,
    optional,
    rate,
    seconds,
    served,
    text,
)


def is_serve(document: Document) -> bool:
    """Whether a document is a result of ``vllm bench serve``; SGLang's has other names for the whole request."""
    return {"completed", "total_input_tokens", "request_throughput"} <= document.keys()


def is_latency(document: Document) -> bool:
    """Whether a document is a result of ``vllm bench latency``."""
    return {"avg_latency", "latencies"} <= document.keys()


def completed(document: Document, where: str) -> float:
    """How many requests succeeded.

    Raises:
        BadFile: no number.
        Missing: none did, so there is nothing to read.
    """
    if not (done := optional(document, "completed", where)):
        raise Missing(f"{where}: no request completed", "see the tool's own errors, and measure again")
    return done


def load(document: Document, where: str) -> Load:
    """The load of a serving benchmark; requests in flight are known only when no rate holds them back.

    They are no more than there were requests.

    Raises:
        BadFile: a figure is no number.
        Missing: no request completed, or the rate changed during the run.
    """
    done = completed(document, where)
    if document.get("request_rate") == "trace" or document.get("ramp_up_strategy"):
        raise Missing(f"{where}: the request rate changed during the run", "measure at one rate or concurrency")
    arrivals = rate(document.get("request_rate"), f"{where}, request_rate")
    in_flight = optional(document, "max_concurrency", where) if arrivals is None else None
    tokens = (optional(document, key, where) for key in ("total_input_tokens", "total_output_tokens"))
    in_flight = min(in_flight, done) if in_flight else None
    return Load(in_flight, arrivals, *(total / done if total else None for total in tokens))


def remarks(document: Document, where: str) -> str:
    """What a reader of the rows should know: a cap on requests in flight, failures, speculation."""
    done, asked = completed(document, where), optional(document, "num_prompts", where)
    capped = rate(document.get("request_rate"), f"{where}, request_rate") is not None and document.get(
        "max_concurrency"
    )
    accepted = document.get("spec_decode_acceptance_length") or document.get("accept_length")
    return joined(
        f"at most {document['max_concurrency']} requests in flight" if capped else "",
        f"{asked - done:g} of {asked:g} requests failed" if asked and asked > done else "",
        f"speculative decoding, {accepted} tokens a step" if accepted else "",
    )


def engine(backend: str) -> str:
    """The engine that a backend's name tells of; ``openai`` and the like are protocols, not engines."""
    return "" if backend.startswith("openai") else backend


def read_serve(document: Document, entry: Entry) -> tuple[list[Measured], list[Skipped]]:
    """ITL, TTFT and end-to-end latency in seconds.

    Raises:
        BadFile: a figure is no number.
        Missing: no request completed, or the load is not known.
    """
    where = entry.where
    ttft, e2e, tpot, itl = (
        seconds(optional(document, f"mean_{name}_ms", where)) for name in ("ttft", "e2el", "tpot", "itl")
    )
    known = entry.row("", 0)._replace(
        framework=engine(text(document, "backend") or text(document, "endpoint_type")),
        notes=joined("vllm bench serve", text(document, "model_id"), remarks(document, where)),
    )
    return served(entry, load(document, where), Times(ttft, e2e, tpot or itl), known)


def read_latency(document: Document, entry: Entry) -> tuple[list[Measured], list[Skipped]]:
    """The end-to-end latency of a batch in seconds.

    Raises:
        BadFile: a figure is no number.
        Missing: batch or lengths, which the tool does not write, were not given.
    """
    told = entry.run.workload
    if None in told:
        absent = [name for name, value in told._asdict().items() if value is None]
        raise Missing(
            f"{entry.where}: vllm bench latency does not write {', '.join(absent)}",
            f"give {', '.join(absent)} of the run: its --batch-size, --input-len and --output-len",
        )
    row = entry.row("e2e", needed(document, "avg_latency", entry.where))
    return [row._replace(**told._asdict(), framework="vllm", notes="vllm bench latency")], []
