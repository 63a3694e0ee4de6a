"""Predicted against logged memory of vLLM, as a Markdown table: ``python tools/memory_error.py``."""

import csv
from pathlib import Path
from statistics import median

from infercost.models.find import find_model, with_format
from infercost.parts import catalog
from infercost.parts.accelerator import memory_key
from infercost.parts.stack import release_of
from infercost.replica.layout import Layout, rank_cache_bytes
from infercost.replica.memory import Plan, start_of
from infercost.replica.memory import plan as plan_memory

GIB = 2**30
LOGS = Path(__file__).parent.parent / "tests" / "data" / "memory_logs.csv"
#: The engine version that the profile's memory figures were fitted on.
FITTED = "0.19.0"


def logs() -> list[dict[str, str]]:
    """Every start-up log of a model with a preset."""
    rows = list(csv.DictReader(LOGS.read_text().splitlines()))
    known = {catalog.plain(name) for name in (*catalog.names("models"), *catalog.aliases("models"))}
    return [row for row in rows if catalog.plain(row["model"]) in known]


def device_memory(log: dict[str, str]) -> float:
    """Bytes visible to the engine: as logged, else those of its accelerator."""
    if log["memory_gib"]:
        return float(log["memory_gib"]) * GIB
    accelerator = catalog.load("accelerators", log["gpu"])
    return accelerator.value(memory_key(accelerator, nominal=False))


def planned(log: dict[str, str]) -> Plan:
    """The memory plan of a logged start."""
    model = find_model(log["model"]).model
    if log["weights"]:
        bits = {"fp32": 32, "fp8": 8}[log["weights"]]
        model = with_format(model, log["weights"], bits)._replace(kv_bits=32 if bits == 32 else 16)
    if log["kv_cache"]:
        model = model._replace(kv_bits=8)
    memory, release = device_memory(log), release_of(log["engine"])
    profile = catalog.load("efficiency", f"vllm@{'.'.join(map(str, release))}" if release else "vllm")
    part = catalog.load("accelerators", log["gpu"] or "h100-sxm")
    return plan_memory(
        model,
        Layout(int(log["tp"]), int(log["pp"])),
        profile,
        device_memory=memory,
        usable=float(log["usable"].split()[0]),
        context=float(log["max_model_len"] or model.max_context),
        batch=1,
        start=start_of(profile, part),
    )


def relative_errors(rows: list[dict[str, str]]) -> dict[str, list[float]]:
    """Relative errors of weights, pool and cache per token, all on one device."""
    errors: dict[str, list[float]] = {"weights": [], "pool": [], "cache per token": []}
    for row in rows:
        plan = planned(row)
        if row["weights_gib"]:
            errors["weights"].append(abs(plan.weights / GIB / float(row["weights_gib"]) - 1))
        if float(row["pool_gib"] or 0) > 0:
            errors["pool"].append(abs(plan.pool / GIB / float(row["pool_gib"]) - 1))
        if row["kv_bytes_per_token"] and row["pp"] == "1":
            per_token, state = (rank_cache_bytes(plan.model, plan.layout, tokens) for tokens in (1, 0))
            errors["cache per token"].append(abs((per_token - state) / float(row["kv_bytes_per_token"]) - 1))
    return errors


def verdicts(rows: list[dict[str, str]]) -> dict[str, list[bool]]:
    """Whether each verdict is right, for starts and refusals: one sequence of the whole length fits, or does not."""
    right: dict[str, list[bool]] = {"yes": [], "no": []}
    for row in rows:
        right[row["started"]].append(planned(row).fits == (row["started"] == "yes"))
    return right


def main() -> None:
    """Print a row a quantity, then one of verdicts, for the fitted engine version and for the others."""
    groups: dict[str, list[dict[str, str]]] = {f"vLLM {FITTED}": [], "other versions": []}
    for log in logs():
        groups[f"vLLM {FITTED}" if log["engine"] == FITTED else "other versions"].append(log)
    print("| engine | quantity | logs | median error | 95th percentile | worst |")
    print("|---|---|--:|--:|--:|--:|")
    for name, rows in groups.items():
        for what, values in relative_errors(rows).items():
            rising = sorted(values)
            high = rising[int(0.95 * (len(rising) - 1))]
            print(f"| {name} | {what} | {len(rising)} | {median(rising):.2%} | {high:.2%} | {rising[-1]:.2%} |")
    print("\n| verdict | started | predicted right | refused | predicted right |")
    print("|---|--:|--:|--:|--:|")
    for name, rows in groups.items():
        counts = [str(count) for right in verdicts(rows).values() for count in (len(right), sum(right))]
        print(f"| {name} | {' | '.join(counts)} |")


if __name__ == "__main__":
    main()
