"""Predicted against measured load curves: ``python tools/load_error.py``.

Measured: C. Patil, arXiv 2606.11690, raw data in pChitral/vllm-cost-meter at 3f308c0 (MIT): vLLM 0.19.0, 512 tokens in,
256 out, peaks of runs at up to 200 requests a second, with the most sequences that vLLM starts with on such a part.
"""

import csv
from pathlib import Path
from statistics import median

import infercost

DATA = Path(__file__).parent.parent / "tests" / "data"
SWEEP = Path(__file__).parents[1] / "examples" / "load" / "patil-2026.csv"
IN, OUT = 512, 256
#: More requests a second than any of these replicas answers.
FLOOD = 500


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one table of measured runs."""
    return list(csv.DictReader((DATA / f"{name}.csv").read_text().splitlines()))


def served(run: dict[str, str], rate: float, limit: int) -> infercost.Report:
    """The answer for a run at a rate."""
    return infercost.utilization(
        model=run["model"],
        gpu=run["accelerator"],
        tp=run["devices"],
        dtype="bf16" if run["dtype"] == "fp16" else run["dtype"],
        efficiency="vllm",
        input_tokens=IN,
        output_tokens=OUT,
        request_rate=rate,
        max_sequences=limit,
        price=float(run.get("price") or 1) / int(run["devices"]),
    )


def off(predicted: float, measured: float) -> float:
    """The error of a prediction, as ``validate`` counts it."""
    return max(predicted / measured, measured / predicted) - 1


def delivered() -> tuple[list[float], list[float]]:
    """Errors of tokens a second and of their cost, below 60% of the peak."""
    tokens, costs = [], []
    for run in rows("load_curves"):
        report = served(run, float(run["rate"]), 256)
        tokens.append(off(report["tokens_per_s"], float(run["tokens_per_s"])))
        costs.append(off(report["usd_per_million_tokens"], float(run["usd_per_million"])))
    return tokens, costs


def peaks() -> list[float]:
    """Errors of the most tokens a second, and so of an idle replica's cost over a full one's."""
    return [
        off(served(run, FLOOD, int(run["limit"]))["tokens_per_s"], float(run["tokens_per_s"]))
        for run in rows("load_peaks")
    ]


def between_tokens() -> list[float]:
    """Errors of the time between tokens, below saturation."""
    report = infercost.validate(str(SWEEP), efficiency="vllm")
    assert report.series
    return [off(row["predicted"], row["measured"]) for row in report.series.rows if row["metric"] == "itl"]


def main() -> None:
    """Print a line a quantity."""
    tokens, costs = delivered()
    quantities = {
        "tokens delivered, below 60% of the peak": tokens,
        "cost of a token, below 60% of the peak": costs,
        "time between tokens, below saturation": between_tokens(),
        "tokens a second at the peak; idle cost over full cost": peaks(),
    }
    print("| against measured load, profile vllm | runs | median error | worst |")
    print("|---|--:|--:|--:|")
    for name, errors in quantities.items():
        print(f"| {name} | {len(errors)} | {median(errors):.1%} | {max(errors):.1%} |")


if __name__ == "__main__":
    main()
