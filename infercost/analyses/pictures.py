"""What a report looks like: curves are worked out again at more points, everything else is drawn as it was answered."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from math import exp, log
from typing import Any

from infercost import formulas
from infercost.analyses import economies, sweep_batch
from infercost.analyses.sweep import able_of, headline, in_words, told_of
from infercost.errors import BadValue
from infercost.quantities import KEYS
from infercost.report import Axis, Bar, Bars, Chart, Line, Picture, Report
from infercost.scenario.axes import Axis as Swept
from infercost.scenario.axes import key_of, plain, read_axes
from infercost.scenario.read import Question
from infercost.scenario.resolve import resolve
from infercost.scenario.scenario import Scenario
from infercost.units import many, show

Rows = Sequence[Mapping[str, Any]]


def _changed(question: Question, values: Mapping[str, Any]) -> Scenario:
    """The scenario of the same question with some options changed."""
    return resolve(question.changed(values, "picture"))


def kind_of(report: Report) -> str:
    """``bound`` where the report says so of all of it, else ``estimate``."""
    said = {note.code for note in report.notes} & {"bound", "estimate"}
    return "bound" if said == {"bound"} else "estimate"


def rows_of(report: Report) -> Rows:
    """The rows of a report that has some."""
    return report.series.rows if report.series else ()


def article(kind: str) -> str:
    """The word with its article."""
    return f"{'an' if kind == 'estimate' else 'a'} {kind}"


def value_of(report: Report, key: str) -> Any:
    """An input of the report as it was understood, or None."""
    return next((item.value for item in report.inputs if item.key == key), None)


def devices_of(report: Report) -> str:
    """How many of which device: ``4 x h100-sxm``."""
    return f"{report['gpus']:,} x {value_of(report, 'gpu')}"


def peak_of(report: Report) -> float:
    """The rate of one device that utilization is a share of."""
    return float(next(item.value for item in report.inputs if item.key.startswith("gpu.flops_")))


def cost_axis(priced: bool) -> Axis:
    """What a token costs: money where there is a price, else the time of a device."""
    return Axis("USD per million tokens", "USD") if priced else Axis("device time for each token", "s")


def line_over(rows: Rows, x: str, name: str, y: Callable[[Mapping[str, Any]], float]) -> Line:
    """A line over rows: a key across, a value of each row up."""
    return Line(name, tuple(float(row[x]) for row in rows), tuple(y(row) for row in rows))


def memory_charts(_: Question, report: Report) -> tuple[Picture, ...]:
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


def compare_charts(_: Question, report: Report) -> tuple[Picture, ...]:
    """A bar a device: of its data sheet, or of a model's speed on it with the bound as a mark."""
    rows = rows_of(report)
    if "step_time_s" not in rows[0]:
        balance = _bars(rows, "flops_per_byte", "Operations in the time that a byte is read", "by data sheet")
        drain = _bars(rows, "drain_time_s", "Time to read the whole memory once", "by data sheet")
        return tuple(each for each in (balance, drain) if each.bars)
    able = [{**row, "name": f"{row['gpus']} x {row['name']}"} for row in rows if row["step_time_s"]]
    rates = [formulas.cost.tokens_per_s_per_user(step_time=row["bound_step_time_s"]) for row in able]
    kind = kind_of(report)
    what = f"{value_of(report, 'model')}, {article(kind)}"
    user = _bars(able, "tokens_per_s_per_user", "Tokens/s for one user", what)
    marks = tuple(bar._replace(mark=rate) for bar, rate in zip(user.bars, rates, strict=True))
    device = _bars(able, "tokens_per_s_per_gpu", "Tokens/s of each device", what)
    return (user if kind == "bound" else user._replace(bars=marks, marked="the bound")), device


def _bars(rows: Rows, key: str, what: str, of: str) -> Bars:
    bars = tuple(Bar(row["name"], row[key]) for row in rows if row[key])
    return Bars(f"{what}: {of}", Axis(what, KEYS[key].unit, log=False), bars)


#: Batches along a curve, within each doubling.
PER_DOUBLING = 6
#: How far a roofline goes beyond what it shows.
BEYOND = 10.0
_USED = Axis("share of the arithmetic used", "share")


def roofline_charts(_: Question, report: Report) -> tuple[Picture, ...]:
    """The step under the roofline of its device: at best, and by the profile's shares of both."""
    peak, bandwidth, kind = peak_of(report), float(value_of(report, "gpu.memory_bandwidth")), kind_of(report)
    here = formulas.step.arithmetic_intensity(
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
    ys = [
        formulas.step.attainable_flops(peak_flops=peak, memory_bandwidth=bandwidth, arithmetic_intensity=x) for x in xs
    ]
    return Line(name, xs, tuple(ys))


def sweep_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """Utilization and the cost of a token against batch; of an estimate the bound beside it."""
    asked_for = rows_of(report)
    first, last = asked_for[0]["batch"], asked_for[-1]["batch"]
    steps = max(int(log(last / first) / log(2) * PER_DOUBLING), 1)
    batches = {round(first * exp(log(last / first) * step / steps)) for step in range(steps + 1)}
    batches |= {row["batch"] for row in asked_for}
    rows = rows_of(sweep_batch.answer(_changed(question, {"batch": tuple(sorted(batches))})))
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
    return formulas.step.utilization(
        flops_per_token=row["flops_per_token"],
        attention_flops_per_token=0,
        batch=row["batch"],
        devices=row["gpus"],
        peak_flops=peak,
        step_time=row[key],
    )


def _cost(row: Mapping[str, Any], key: str, price: float | None) -> float:
    """USD for a million tokens, or the seconds of a device for one where there is no price."""
    rate = formulas.cost.tokens_per_s(batch=row["batch"], step_time=row[key])
    if price is None:
        return formulas.cost.device_seconds_per_token(devices=row["gpus"], tokens_per_s=rate)
    return formulas.cost.usd_per_million_tokens(price=price, devices=row["gpus"], tokens_per_s=rate)


#: User counts along a curve, enough for each further replica to be seen.
USERS = 160
#: A token's cost and its floor where there is a price, and where there is none.
_PAID = "usd_per_million_tokens", "floor_usd_per_million_tokens"
_SPENT = "device_seconds_per_token", "floor_device_seconds"


def economies_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """Cost of a token against users: every hour paid, only the busy ones, and the floor; or a line a device."""
    rows = economies.curve(_changed(question, {"users": rows_of(report)[-1]["users"], "points": USERS}))
    priced = all(row[_PAID[0]] is not None for row in rows)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(f"{row['gpus'] // row['replicas']} x {row['name']}", []).append(row)
    several = len(groups) > 1
    lines = [_paid(group, name, priced) for name, group in groups.items()] if several else _alone(report, rows, priced)
    where = "" if several else f" on replicas of {next(iter(groups))}"
    title = f"Cost of a token against users{where}: {article(kind_of(report))}"
    return (Chart(title, Axis("daily users"), cost_axis(priced), tuple(lines)),)


def _paid(rows: Rows, name: str, priced: bool) -> Line:
    """What a token costs where every hour is paid, and what serves so many users."""
    labels = tuple(f"{many(row['replicas'], 'replica')}, batch {show(row['batch'])}" for row in rows)
    return line_over(rows, "users", name, lambda row: row[(_PAID if priced else _SPENT)[0]])._replace(labels=labels)


def _alone(report: Report, rows: Rows, priced: bool) -> list[Line]:
    """The curve of one device, with what belongs to it."""
    key, least = _PAID if priced else _SPENT
    busy = [line_over(rows, "users", "only busy hours paid", lambda row: row[f"{key}_busy"])] if priced else []
    ends = float(rows[0]["users"]), float(rows[-1]["users"])
    floor = Line("the floor, endless users", ends, (report[least],) * 2, limit=True)
    return [_paid(rows, "every hour paid", priced), *busy, floor]


def frontier_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """The frontier of a report's rows; where one row was asked for, that one on the whole of it; none without rows."""
    rows = rows_of(report)
    if not rows:
        return ()
    if (best := question.get("best")) is None:
        return (frontier_chart(rows, kind_of(report)),)
    from infercost.analyses.frontier.answer import answer  # loads NumPy

    whole = answer(_changed(question, {"best": None}))
    chart = frontier_chart(rows_of(whole), kind_of(report))
    point = frontier_chart(rows).lines[0]._replace(name=f"best {best}", points=True)
    return (chart._replace(lines=(*(line._replace(written=()) for line in chart.lines), point)),)


def frontier_chart(rows: Rows, kind: str = "estimate") -> Chart:
    """Speed for a user against the cost of a token: a line a name, of its own frontier, labelled by layout."""
    priced = all(row["usd_per_million_tokens"] is not None for row in rows)
    cost = f"{(_PAID if priced else _SPENT)[0]}_all_in"
    lines = []
    for name in dict.fromkeys(row["name"] for row in rows):
        best = sorted((row for row in rows if row["name"] == name), key=lambda row: float(row["tokens_per_s_per_user"]))
        line = line_over(best, "tokens_per_s_per_user", name, lambda row: row[cost])
        lines.append(line._replace(labels=tuple(map(_layout, best)), written=tuple(sorted({0, len(best) - 1}))))
    title = f"Speed for a user against the cost of a token, prompts paid: {article(kind)}"
    return Chart(title, Axis("tokens/s for each user"), cost_axis(priced), tuple(lines))


def _layout(row: Mapping[str, Any]) -> str:
    """A layout in few words: ``tp 8, batch 64``; the devices too where its widths do not say them."""
    widths = [f"{key} {row[key]}" for key in ("tp", "pp", "ep") if row[key] not in (None, 1)]
    said = widths if row["tp"] * row["pp"] == row["gpus"] > 1 else [many(row["gpus"], "device"), *widths]
    return ", ".join((*said, f"batch {show(row['batch'])}"))


#: Lines that can be told apart.
LINES = 8
#: Figures further apart than this are drawn by their logarithm.
FAR = 10
#: Steps that grow so much are those of a ratio.
GROWN = 1.5


def swept_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """A chart a figure: a line over the swept numbers, or one for each value of a second key; of points that fit.

    Raises:
        BadValue: no numbers are swept, too many keys, more lines than can be told apart, or no figure that moves.
    """
    axes = read_axes(question)
    across = next((axis for axis in reversed(axes) if axis.is_numeric), None)
    if across is None or len(axes) > 2:
        raise BadValue("a picture of a sweep is over numbers, and at most one key beside", "leave --plot out")
    beside = next((axis for axis in axes if axis != across), None)
    if beside and len(beside.values) > LINES:
        raise BadValue(f"{len(beside.values)} lines cannot be told apart", f"sweep {beside.key} over {LINES} at most")
    rows = able_of(rows_of(report))
    keys = [key for key in told_of(axes, headline(question, axes), rows) if key != "fits"]
    if not keys or len({row[across.key] for row in rows}) < 2:
        raise BadValue("nothing that can be answered moves: there is nothing to draw", "leave --plot out")
    return tuple(_chart(question, report, (across, beside), key, rows) for key in keys)


def _chart(question: Question, report: Report, axes: tuple[Swept, Swept | None], key: str, rows: Rows) -> Chart:
    across, beside = axes
    named = key_of(question.command, across.key)
    known = [row for row in rows if row[key] is not None]
    groups = [plain(value) for value in beside.values] if beside else [None]
    lines = []
    for value in groups:
        group = [row for row in known if beside is None or row[beside.key] == value]
        group.sort(key=lambda row: float(row[across.key]))
        if group:
            name = in_words(question, {beside.key: value}) if beside else KEYS[key].label
            lines.append(Line(name, _numbers(group, across.key), _numbers(group, key)))
    ys = [y for line in lines for y in line.ys]
    up = Axis(KEYS[key].label, KEYS[key].unit, log=min(ys) > 0 and max(ys) > FAR * min(ys))
    title = f"{KEYS[key].label} against {named.head}{_where(report)}: {article(_kind(report))}"
    return Chart(title[0].upper() + title[1:], Axis(named.head, named.unit, _is_grown(across.values)), up, tuple(lines))


def _numbers(rows: Rows, key: str) -> tuple[float, ...]:
    return tuple(float(row[key]) for row in rows)


def _is_grown(values: Sequence[Any]) -> bool:
    """Whether numbers grow by a ratio rather than by a step."""
    values = sorted(values)
    steps = [right - left for left, right in pairwise(values)]
    return bool(values[0] > 0 and steps[-1] > GROWN * steps[0])


def _where(report: Report) -> str:
    """The model and the part, where they are the same at every point."""
    model, part = value_of(report, "model"), value_of(report, "gpu")
    said = (model if isinstance(model, str) else "", f"on {part}" if isinstance(part, str) else "")
    words = " ".join(text for text in said if text)
    return f", {words}" if words else ""


def _kind(report: Report) -> str:
    """Whether it is a bound; what is held has no time, so there the profile says so."""
    return "bound" if report.command == "fit" and value_of(report, "efficiency") == "ideal" else kind_of(report)


#: What draws the answer of each command.
DRAWN: dict[str, Callable[[Question, Report], tuple[Picture, ...]]] = {
    "fit": memory_charts,
    "utilization": roofline_charts,
    "sweep-batch": sweep_charts,
    "economies": economies_charts,
    "frontier": frontier_charts,
    "compare": compare_charts,
}


def charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """The pictures of an answer, from the question and the report.

    Raises:
        BadValue: a command whose answers have no picture.
    """
    if question.get("sweep"):
        return swept_charts(question, report)
    if report.command not in DRAWN:
        raise BadValue(f"answers of {report.command} have no picture", f"there are some of {', '.join(DRAWN)}")
    return DRAWN[report.command](question, report)
