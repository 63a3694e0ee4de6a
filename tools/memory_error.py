"""Predicted against logged memory of vLLM, SGLang and TensorRT-LLM, as tables: ``python tools/memory_error.py``."""

import csv
from pathlib import Path
from statistics import median

from infercost.models.find import find_model, with_format
from infercost.parts import catalog
from infercost.parts.accelerator import memory_key
from infercost.parts.stack import release_of
from infercost.replica.layout import Layout, rank_cache_bytes, rank_growth_bytes
from infercost.replica.memory import Plan, rule_of, start_of
from infercost.replica.memory import plan as plan_memory

GIB = 2**30
DATA = Path(__file__).parent.parent / "tests" / "data"
LOGS, OTHER_LOGS = DATA / "memory_logs.csv", DATA / "engine_logs.csv"
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


def other_logs() -> list[dict[str, str]]:
    """Start-up logs of SGLang and of TensorRT-LLM.

    Without a ``usable`` share the engine found its own, of which ``share`` is what it said. ``free_gib`` is what was
    free before weights were loaded; ``use`` says whether what the engine takes before was fitted on the row.
    """
    return list(csv.DictReader(OTHER_LOGS.read_text().splitlines()))


def planned_by(log: dict[str, str], engine: str) -> Plan:
    """The memory plan of a start of SGLang or TensorRT-LLM, with the reserves of an engine's profile."""
    part, model = catalog.load("accelerators", log["gpu"]), find_model(log["model"]).model
    profile = catalog.load("efficiency", engine)
    rule = None if log["usable"] else rule_of(profile, part)
    return plan_memory(
        model,
        Layout(int(log["tp"]), 1, int(log["ep"])),
        profile,
        device_memory=device_memory(log),
        usable=float(log["usable"] or profile.value("usable")),
        context=float(log["context"] or 8192),
        batch=1,
        start=start_of(profile, part)._replace(rule=rule),
    )


def pool_error(log: dict[str, str], engine: str) -> float:
    """Relative error of the tokens that a pool holds, of its bytes where they alone were logged."""
    made = planned_by(log, engine)
    if not log["tokens"]:
        return made.pool / GIB / float(log["pool_gib"]) - 1
    return made.pool / rank_growth_bytes(made.model, made.layout) / float(log["tokens"]) - 1


def pool_errors(name: str, use: str) -> dict[str, list[float]]:
    """Absolute errors of an engine's pools, rising, with its own reserves and with vLLM's."""
    found: dict[str, list[float]] = {"own": [], "vllm": []}
    for log in other_logs():
        own, _, release = log["engine"].partition(" ")
        if own != name or log["use"] != use or not (log["tokens"] or log["pool_gib"]):
            continue
        at = f"{own}@{release}" if own == "sglang" else own
        found["own"].append(abs(pool_error(log, at)))
        found["vllm"].append(abs(pool_error(log, "vllm")))
    return {kind: sorted(errors) for kind, errors in found.items()}


def print_others() -> None:
    """Print the errors of the pools of the other engines, beside those that vLLM's reserves would have."""
    print("\n| engine | starts | pools | median error | 90th | with vLLM's: median | 90th |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for name, title in (("sglang", "SGLang"), ("tensorrt-llm", "TensorRT-LLM")):
        for use, word in (("fit", "fitted"), ("check", "others")):
            errors = pool_errors(name, use)
            cells = [
                f"{value:.2%}" for one in errors.values() for value in (median(one), one[round(0.9 * len(one)) - 1])
            ]
            print(f"| {title} | {word} | {len(errors['own'])} | {' | '.join(cells)} |")


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
    print_others()


if __name__ == "__main__":
    main()
