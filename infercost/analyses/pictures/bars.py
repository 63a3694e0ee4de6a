"""Memory part after part, and accelerators side by side."""

from infercost.analyses.pictures.shared import Rows, article, kind_of, rows_of, value_of
from infercost.chart import Axis, Bar, Bars, Picture
from infercost.engine import economics
from infercost.keys import KEYS
from infercost.question import Asked
from infercost.report import Report


def memory_charts(_: Asked, report: Report) -> tuple[Picture, ...]:
    """What one device holds, part after part, up to its memory or beyond."""
    parts = report.parts or (("weights", report["weight_bytes_per_gpu"], "B"),)
    bars, start = [], 0.0
    for name, value, _unit in parts:
        if value:
            bars.append(Bar(name, value, start))
        start += value
    kind = "a bound" if value_of(report, "efficiency") == "ideal" else "an estimate"
    title = f"Memory of one {value_of(report, 'gpu')} of {report['gpus']}: {kind}"
    limit = "memory of the device", float(report["memory_per_gpu_bytes"])
    return (Bars(title, Axis("memory, part after part", "B", log=False), tuple(bars), limit),)


def compare_charts(_: Asked, report: Report) -> tuple[Picture, ...]:
    """A bar a device: of its data sheet, or of a model's speed on it with the bound as a mark."""
    rows = rows_of(report)
    if "step_time_s" not in rows[0]:
        balance = _bars(rows, "flops_per_byte", "Operations in the time that a byte is read", "by data sheet")
        drain = _bars(rows, "drain_time_s", "Time to read the whole memory once", "by data sheet")
        return tuple(each for each in (balance, drain) if each.bars)
    able = [{**row, "name": f"{row['gpus']} x {row['name']}"} for row in rows if row["step_time_s"]]
    rates = [economics.tokens_per_s_per_user(step_time=row["bound_step_time_s"]) for row in able]
    kind = kind_of(report)
    what = f"{value_of(report, 'model')}, {article(kind)}"
    user = _bars(able, "tokens_per_s_per_user", "Tokens/s for one user", what)
    marks = tuple(bar._replace(mark=rate) for bar, rate in zip(user.bars, rates, strict=True))
    device = _bars(able, "tokens_per_s_per_gpu", "Tokens/s of each device", what)
    return (user if kind == "bound" else user._replace(bars=marks, marked="the bound")), device


def _bars(rows: Rows, key: str, what: str, of: str) -> Bars:
    bars = tuple(Bar(row["name"], row[key]) for row in rows if row[key])
    return Bars(f"{what}: {of}", Axis(what, KEYS[key].unit, log=False), bars)
