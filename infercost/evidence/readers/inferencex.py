"""Rows of InferenceX (InferenceMAX before): one run with its settings, times in seconds."""

from infercost.evidence.readers.run import Entry, Load, Results, Times, joined, served

#: Keys that tell a row; its metrics stand beside the settings, or under ``metrics``.
ROW = {"hw", "conc", "isl", "osl", "tput_per_gpu"}
EXPORTED = {"hardware", "conc", "isl", "osl", "metrics"}


def read_row(entry: Entry) -> Results:
    """ITL, TTFT and end-to-end latency in seconds, means or else medians."""
    record = entry.record
    figures = record.inside("metrics") if "metrics" in record.values else record
    word = "mean" if figures.number("mean_tpot") else "median"
    first, gap, whole = (figures.number(f"{word}_{name}") for name in ("ttft", "tpot", "e2el"))
    # a prompt and an answer are 0.8 to 1 of the nominal lengths, 0.9 in the mean
    lengths = (0.9 * record.required(name) for name in ("isl", "osl"))
    return served(
        entry,
        Load(record.above_zero("conc"), None, *lengths),
        Times(first, whole, gap, "" if word == "mean" else word),
        statistic="" if word == "mean" else word,
        framework=record.text("framework"),
        weight_dtype=record.text("precision"),
        notes=joined(
            "InferenceX",
            record.text("model"),
            f"speculative decoding, {kind}" if (kind := record.text("spec_decoding")) not in ("", "none") else "",
        ),
    )
