"""Accelerators side by side, from presets alone: balance, time to drain memory, critical batch, energy."""

from math import log2
from typing import Any

from infercost.case import FLOPS_PER_PARAM
from infercost.catalog import load, names
from infercost.engine import memory, roofline
from infercost.errors import Missing
from infercost.formats import FORMATS, Format
from infercost.hardware import Rate, find_rate, memory_key
from infercost.preset import Preset
from infercost.question import Asked, apply_sets, read_part
from infercost.report import Note, Report, Series
from infercost.units import show

COLUMNS = (
    "flops_per_byte",
    "drain_time_s",
    "critical_batch",
    "flops_per_joule",
    "memory_bytes",
    "memory_bandwidth_bytes_per_s",
)
#: Kinds whose trend answers the note's question: parts that are built to serve.
SERVERS = ("gpu", "tpu", "accelerator", "superchip")


def answer(asked: Asked) -> Report:
    """A row an accelerator; ratios to the first where only a few are asked for.

    Raises:
        Missing: no accelerator is named.
        UnknownName: one that no preset has.
    """
    format = asked.take("dtype", FORMATS["8bit"], "8-bit weights")
    parts = _parts(asked)
    rows = tuple(_row(part, format) for part in parts)
    asked.take("set")
    whole = bool(asked.get("all"))
    columns = ("name", "released", *COLUMNS[:2], *COLUMNS[4:]) if whole else ("name", *COLUMNS)
    ratios = _ratios(rows) if len(rows) == 2 else {}
    return Report(
        command="compare",
        verdict=_trend_verdict(parts, rows, format) if whole else _verdict(rows, format),
        inputs=tuple(asked.inputs),
        series=Series((*columns, "peak_flops_per_s", "power_w") if ratios else columns, rows, ratios=ratios),
        notes=(*_notes(parts, rows), *asked.notes),
    )


def _parts(asked: Asked) -> list[Preset]:
    if asked.take("all"):
        every = [apply_sets(asked, load("accelerators", name)) for name in names("accelerators")]
        return sorted(every, key=lambda part: (part.labels.get("released", "9999"), part.name))
    wanted = [*asked.words, *([asked.get("gpu")] if "gpu" in asked.given else [])]
    if not wanted:
        raise Missing("compare needs accelerators", "for example infercost compare h100-note human-brain, or --all")
    return [read_part(asked, name)[0] for name in wanted]


def _row(part: Preset, format: Format) -> dict[str, Any]:
    rate = find_rate(part, format)
    bandwidth = part.value("memory_bandwidth")
    capacity = part.facts.get(memory_key(part, nominal=True))
    power = part.facts.get("power")
    peak = rate.fact.value if rate else None
    return {
        "name": part.name,
        "released": part.labels.get("released"),
        "rate": rate.name if rate else None,
        "peak_flops_per_s": peak,
        "flops_per_byte": peak and roofline.flops_per_byte(peak_flops=peak, memory_bandwidth=bandwidth),
        "drain_time_s": capacity and memory.drain_time(device_memory=capacity.value, memory_bandwidth=bandwidth),
        "critical_batch": peak and _critical_batch(peak, bandwidth, format),
        "flops_per_joule": peak and power and roofline.flops_per_joule(peak_flops=peak, power=power.value),
        "memory_bytes": capacity and capacity.value,
        "memory_bandwidth_bytes_per_s": bandwidth,
        "power_w": power and power.value,
        "weak": _weak(part, rate),
    }


def _weak(part: Preset, rate: Rate | None) -> list[str]:
    """Which of the figures that a row is made of are weak."""
    used = ("memory", "memory_bandwidth", "power", rate.key if rate else "")
    return [key for key in used if key in part.facts and part.facts[key].weak]


def _critical_batch(peak: float, bandwidth: float, format: Format) -> float:
    """The critical batch of any dense model: per parameter, so that the model cancels."""
    return roofline.critical_batch(
        peak_flops=peak,
        compute_share=1,
        weight_bytes=format.bytes_per_value,
        memory_bandwidth=bandwidth,
        memory_share=1,
        flops_per_token=FLOPS_PER_PARAM,
    )


def _verdict(rows: tuple[dict[str, Any], ...], format: Format) -> str:
    first = rows[0]
    balance = f"{first['name']} does {show(first['flops_per_byte'])} FLOP in the time it reads a byte ({format.name})"
    if len(rows) != 2:
        return f"{balance}."
    second = rows[1]
    words = {"memory_bytes": "memory", "memory_bandwidth_bytes_per_s": "bandwidth", "power_w": "power"}
    said = [_ratio_words(ratio, words[key]) for key, ratio in _ratios(rows).items() if key in words]
    return (
        f"{balance}, {second['name']} {show(second['flops_per_byte'])}: its arithmetic is full at batch "
        f"{show(second['critical_batch'])}. {second['name']} has {', '.join(said)}."
    )


def _ratio_words(ratio: float, word: str) -> str:
    return f"{show(ratio, 'x')} the {word}" if ratio >= 1 else f"{show(1 / ratio, 'x')} less {word}"


def _ratios(rows: tuple[dict[str, Any], ...]) -> dict[str, float]:
    """What the second of two accelerators has of each figure, over the first."""
    first, second = rows
    keys = (*COLUMNS, "peak_flops_per_s", "power_w")
    return {key: second[key] / first[key] for key in keys if first[key] and second[key]}


def _trend_verdict(parts: list[Preset], rows: tuple[dict[str, Any], ...], format: Format) -> str:
    same = _yearly_growth([(part, row["flops_per_byte"]) for part, row in zip(parts, rows, strict=True)])
    best = _yearly_growth([(part, _best_balance(part)) for part in parts])
    drain = _yearly_growth([(part, row["drain_time_s"]) for part, row in zip(parts, rows, strict=True)])
    answer = "is not" if best >= 0 else "is"
    return (
        f"The imbalance {answer} being engineered away: FLOP per byte changes by {same:+.0%} a year at {format.name} "
        f"and by {best:+.0%} at each part's fastest format; time to drain memory by {drain:+.0%}."
    )


def _best_balance(part: Preset) -> float | None:
    rates = [fact.value for key, fact in part.facts.items() if key.startswith("flops_")]
    return max(rates) / part.value("memory_bandwidth") if rates else None


def _yearly_growth(values: list[tuple[Preset, float | None]]) -> float:
    """Growth per year of a figure over serving parts: the slope of its logarithm against the release date."""
    points = [(_year(part), log2(value)) for part, value in values if value and _is_server(part)]
    if len({year for year, _ in points}) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return float(2**slope - 1)


def _is_server(part: Preset) -> bool:
    return part.labels.get("kind") in SERVERS and "released" in part.labels


def _year(part: Preset) -> float:
    year, _, month = part.labels["released"].partition("-")
    return int(year) + (int(month[:2]) - 1) / 12 if month else int(year) + 0.5


def _notes(parts: list[Preset], rows: tuple[dict[str, Any], ...]) -> list[Note]:
    notes = []
    if any(row["weak"] for row in rows):
        notes.append(Note("weak-figure", "~ marks parts with a weak figure among these: presets show NAME says which"))
    if missing := [row["name"] for row in rows if row["rate"] is None]:
        notes.append(
            Note(
                "null",
                f"rates are null: no dense figure is known for {', '.join(missing)}",
            )
        )
    if any(part.name == "human-brain" for part in parts):
        notes.append(
            Note(
                "brain",
                "the brain's bandwidth is derived, not measured: one pass over 100 TB at 2 FLOP a synapse for 3e15 "
                "FLOP/s; its 23 W is the note's 700 W / 30, with the usual 20 W an H100 draws 35x",
            )
        )
    return notes
