"""Predicted against logged memory of vLLM, as a Markdown table: ``python tests/memory_error.py``."""

import csv
from pathlib import Path
from statistics import median

from infercost import catalog
from infercost.models import find_model, with_format
from infercost.plan import Plan, plan
from infercost.sharding import Layout, rank_cache_bytes

GIB = 2**30
LOGS = Path(__file__).parent / "data" / "memory_logs.csv"
#: The engine version that the profile's memory figures were fitted on.
FITTED = "0.19.0"


def logs() -> list[dict[str, str]]:
    """Every start-up log of a model that a preset knows."""
    rows = list(csv.DictReader(LOGS.read_text().splitlines()))
    known = {catalog.plain(name) for name in (*catalog.names("models"), *catalog.aliases("models"))}
    return [row for row in rows if catalog.plain(row["model"]) in known]


def planned(log: dict[str, str]) -> Plan:
    """What infercost says of a logged start."""
    model = find_model(log["model"]).model
    if log["weights"]:
        bits = {"fp32": 32, "fp8": 8}[log["weights"]]
        model = with_format(model, log["weights"], bits)._replace(kv_bits=32 if bits == 32 else 16)
    if log["kv_cache"]:
        model = model._replace(kv_bits=8)
    return plan(
        model,
        Layout(int(log["tp"]), int(log["pp"])),
        catalog.load("efficiency", "vllm"),
        device_memory=float(log["memory_gib"]) * GIB,
        usable=float(log["usable"].split()[0]),
        context=float(log["max_model_len"] or 1),
        batch=1,
    )


def errors(rows: list[dict[str, str]]) -> dict[str, list[float]]:
    """Relative errors of weights, pool and cache per token, all on one device."""
    found: dict[str, list[float]] = {"weights": [], "pool": [], "cache per token": []}
    for row in rows:
        said = planned(row)
        found["weights"].append(abs(said.weights / GIB / float(row["weights_gib"]) - 1))
        found["pool"].append(abs(said.pool / GIB / float(row["pool_gib"]) - 1))
        if row["kv_bytes_per_token"] and row["pp"] == "1":
            per_token, state = (rank_cache_bytes(said.model, said.layout, tokens) for tokens in (1, 0))
            found["cache per token"].append(abs((per_token - state) / float(row["kv_bytes_per_token"]) - 1))
    return found


def main() -> None:
    """Print one row a quantity, for the fitted engine version and for the others apart."""
    print("| engine | quantity | starts | median error | 95th percentile | worst |")
    print("|---|---|--:|--:|--:|--:|")
    for name, chosen in ((f"vLLM {FITTED}", True), ("other versions", False)):
        for what, values in errors([log for log in logs() if (log["engine"] == FITTED) is chosen]).items():
            rising = sorted(values)
            high = rising[int(0.95 * (len(rising) - 1))]
            print(f"| {name} | {what} | {len(rising)} | {median(rising):.2%} | {high:.2%} | {rising[-1]:.2%} |")


if __name__ == "__main__":
    main()
