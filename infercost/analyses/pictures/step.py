"""One step under its roofline, and steps over batch sizes."""

from collections.abc import Mapping
from functools import partial
from math import exp, log
from typing import Any

from infercost.analyses import sweep_batch
from infercost.analyses.pictures.shared import (
    article,
    changed,
    cost_axis,
    devices_of,
    kind_of,
    line_over,
    peak_of,
    rows_of,
    value_of,
)
from infercost.chart import Axis, Chart, Line, Picture
from infercost.engine import economics, roofline
from infercost.question import Asked
from infercost.report import Report
from infercost.units import show

#: Batches along a curve, within each doubling.
PER_DOUBLING = 6
#: How far a roofline goes beyond what it shows.
BEYOND = 10.0
_USED = Axis("share of the arithmetic used", "share")


def roofline_charts(_: Asked, report: Report) -> tuple[Picture, ...]:
    """The step under the roofline of its device: at best, and by the profile's shares of both."""
    peak, bandwidth, kind = peak_of(report), float(value_of(report, "gpu.memory_bandwidth")), kind_of(report)
    here = roofline.arithmetic_intensity(
        flops_per_byte=report["flops_per_byte"],
        utilization=report["utilization"],
        memory_bandwidth_utilization=report["memory_bandwidth_utilization"],
    )
    balance = report["flops_per_byte"]
    ends = min(here, balance) / BEYOND, max(here, balance) * BEYOND
    lines = [_roof("the device at best (bound)", peak, bandwidth, ends)._replace(limit=True)]
    shares = [value_of(report, f"efficiency.{key}_share") for key in ("compute", "memory")]
    if None not in shares and min(shares) < 1:
        reached = _roof(
            f"what profile {value_of(report, 'efficiency')} reaches", peak * shares[0], bandwidth * shares[1], ends
        )
        lines.append(reached)
    said = f"batch {show(report['batch'])}: {show(report['utilization'], 'share')} used"
    point = Line(f"this step ({kind})", (here,), (peak * report["utilization"],), (said,), points=True)
    title = f"One step on {devices_of(report)} under the roofline: {article(kind)}"
    axes = Axis("operations for each byte that is read", "FLOP/B"), Axis("arithmetic done by each device", "FLOP/s")
    return (Chart(title, *axes, (*lines, point)),)


def _roof(name: str, peak: float, bandwidth: float, ends: tuple[float, float]) -> Line:
    xs = (ends[0], peak / bandwidth, ends[1])
    ys = [roofline.attainable_flops(peak_flops=peak, memory_bandwidth=bandwidth, arithmetic_intensity=x) for x in xs]
    return Line(name, xs, tuple(ys))


def sweep_charts(asked: Asked, report: Report) -> tuple[Picture, ...]:
    """Utilization and the cost of a token against batch; of an estimate the bound beside it."""
    asked_for = rows_of(report)
    first, last = asked_for[0]["batch"], asked_for[-1]["batch"]
    steps = max(int(log(last / first) / log(2) * PER_DOUBLING), 1)
    batches = {round(first * exp(log(last / first) * step / steps)) for step in range(steps + 1)}
    batches |= {row["batch"] for row in asked_for}
    rows = rows_of(sweep_batch.answer(changed(asked, batch=tuple(sorted(batches)))))
    peak, price = peak_of(report), value_of(report, "price")
    kind, where = kind_of(report), f"on {devices_of(report)}"
    names = {"step_time_s": kind} | ({"bound_step_time_s": "bound"} if kind == "estimate" else {})
    used, cost = [], []
    for key, name in names.items():
        used.append(line_over(rows, "batch", name, partial(_used, key=key, peak=peak)))
        cost.append(line_over(rows, "batch", name, partial(_cost, key=key, price=price)))
    batch = Axis("batch, sequences decoded together")
    unit = cost_axis(price is not None)
    return (
        Chart(f"Arithmetic used against batch {where}: {article(kind)}", batch, _USED, tuple(used)),
        Chart(f"Cost of a token against batch {where}, always busy: {article(kind)}", batch, unit, tuple(cost)),
    )


def _used(row: Mapping[str, Any], key: str, peak: float) -> float:
    return roofline.utilization(
        flops_per_token=row["flops_per_token"],
        batch=row["batch"],
        devices=row["gpus"],
        peak_flops=peak,
        step_time=row[key],
    )


def _cost(row: Mapping[str, Any], key: str, price: float | None) -> float:
    """USD for a million tokens, or the seconds of a device for one where there is no price."""
    rate = economics.tokens_per_s(batch=row["batch"], step_time=row[key])
    if price is None:
        return economics.device_seconds_per_token(devices=row["gpus"], tokens_per_s=rate)
    return economics.usd_per_million_tokens(price=price, devices=row["gpus"], tokens_per_s=rate)
