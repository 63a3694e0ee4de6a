"""The pictures of an answer: curves are computed again at more points, all else is drawn as it was answered."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from math import exp, log
from typing import Any

from infercost import formulas
from infercost.analyses import compare, economies, sweep_batch
from infercost.analyses.many import Rows, Values, at_point
from infercost.analyses.sweep import WIDTHS, feasible_rows, headline, varying_figures
from infercost.errors import BadValue
from infercost.parts.preset import counted
from infercost.picture import Axis, Bar, Bars, Chart, Line, Picture
from infercost.quantities import KEYS
from infercost.report import Report
from infercost.scenario.read import Axis as Swept
from infercost.scenario.read import Question, in_words, plain, read_axes
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import kind_of_price
from infercost.units import many, show

ORIGIN = "picture"
#: Batches along a curve within each doubling, and user counts along one: enough to see each further replica.
PER_DOUBLING, USERS = 6, 160
#: How far a roofline goes beyond the balance of the device and the step.
BEYOND = 10.0
#: Lines that can be told apart, and bars of one picture.
LINES, BARS = 8, 20
#: Figures further apart than this have a logarithmic axis, and so have swept values whose steps grow by more.
FAR, GROWTH = 10, 1.5
#: The cost of a token, and its floor, where there is a price and where there is none.
_PRICED = "usd_per_million_tokens", "floor_usd_per_million_tokens"
_UNPRICED = "device_seconds_per_token", "floor_device_seconds"
_BOUND, _ESTIMATE = "a bound", "an estimate"


def _kind(report: Report) -> str:
    """Whether all of an answer is a bound: that of ``fit``, which has no times, where the profile is ideal."""
    codes = {note.code for note in report.notes} & {"bound", "estimate"}
    is_bound = _input(report, "efficiency") == "ideal" if report.command == "fit" else codes == {"bound"}
    return _BOUND if is_bound else _ESTIMATE


def _input(report: Report, key: str) -> Any:
    """An input of the answer, or None."""
    return next((item.value for item in report.inputs if item.key == key), None)


def _rows(report: Report) -> Rows:
    return report.series.rows if report.series else ()


def _line(rows: Rows, x: str, name: str, y: str) -> Line:
    return Line(name, tuple(float(row[x]) for row in rows), tuple(float(row[y]) for row in rows))


def _cost_axis(priced: bool) -> Axis:
    return Axis("USD per million tokens", "USD") if priced else Axis("device time per token", "s")


def memory_charts(_: Question, report: Report) -> tuple[Picture, ...]:
    """The memory of one device, part after part, up to its size or beyond."""
    starts = accumulate((value for _, value, _ in report.parts), initial=0.0)
    bars = tuple(Bar(name, value, start) for (name, value, _), start in zip(report.parts, starts, strict=False))
    axis = Axis("memory, part after part", "B", log=False)
    if "memory_per_gpu_bytes" not in report:
        what = _input(report, "model") or show(report["total_params"], "param")
        return (Bars(f"Memory of {what} before what an engine takes", axis, bars),)
    title = f"Memory of one {_input(report, 'gpu')} of {report['gpus']}: {_kind(report)}"
    limit = "memory of the device", float(report["memory_per_gpu_bytes"])
    return (Bars(title, axis, bars, limit),)


def compare_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """A bar an accelerator: of its data sheet, or of a model's speed on it with the bound as a mark."""
    rows = _rows(report)
    if question.get("trend"):
        return _trend_charts(at_point(question, {}, ORIGIN))
    if rows and "usd_per_hour" in rows[0]:
        return _job_charts(rows, report)
    if "step_time_s" not in rows[0]:
        balance = _bars(rows, "flops_per_byte", "Operations in the time to read a byte", "by data sheet")
        drain = _bars(rows, "drain_time_s", "Time to read the whole memory once", "by its size")
        return tuple(each for each in (balance, drain) if each.bars)
    rows = [{**row, "name": counted(row["gpus"], row["name"])} for row in rows if row["tokens_per_s_per_user"]]
    if not rows:
        return ()
    of = f"{_input(report, 'model')}, {_kind(report)}"
    user = _bars(rows, "tokens_per_s_per_user", "Tokens/s for one user", of)
    device = _bars(rows, "tokens_per_s_per_gpu", "Tokens/s of each device", of)
    if _kind(report) == _BOUND:
        return user, device
    bounds = [formulas.cost.tokens_per_s_per_user(step_time=row["bound_step_time_s"]) for row in rows]
    marked = tuple(bar._replace(mark=bound) for bar, bound in zip(user.bars, bounds, strict=True))
    return user._replace(bars=marked, marked="the bound"), device


def _trend_charts(scenario: Scenario) -> tuple[Picture, ...]:
    """How arithmetic, bandwidth and memory of servers grow, and FLOP per byte of every class, with the fitted lines."""
    classes = {name: parts for name, parts in compare.classes_of(scenario).items() if len(parts) >= compare.LEAST}
    if not classes:
        return ()
    main, parts = next(iter(classes.items()))
    names = {"flops": "FLOP/s", "memory_bandwidth": "bandwidth", "memory": "memory"}
    growth = [line for key, name in names.items() for line in _fitted(parts, key, name, parts[0].figures[key])]
    balance = [line for name, of in classes.items() for line in _fitted(of, "flops_per_byte", name)]
    year, times = Axis("year of release", "year", log=False), Axis("times the first part's", "x")
    return (
        Chart(f"Growth of {main}, with least squares", year, times, tuple(growth)),
        Chart(
            "FLOP per byte by class, with a line where there is a trend",
            year,
            Axis("balance", "FLOP/B"),
            tuple(balance),
        ),
    )


def _fitted(parts: Sequence[compare.Dated], key: str, name: str, unit: float = 1.0) -> Iterator[Line]:
    """The figures of parts as points and, where they have a trend, the line through them."""
    years, found = tuple(each.year for each in parts), compare.fit(parts, key)
    yield Line(name, years, tuple(each.figures[key] / unit for each in parts), points=True)
    if found.is_sure:
        ends = years[0], years[-1]
        yield Line(f"{name}, fitted", ends, tuple(found.at(year) / unit for year in ends))


def _job_charts(rows: Rows, report: Report) -> tuple[Picture, ...]:
    """What a million tokens cost on each part that does a job, and how fast they are; none where none does."""
    able = [{**row, "name": counted(row["gpus"], row["name"])} for row in rows if not row["why_not"]][:BARS]
    of = f"{_input(report, 'model')}, {_kind(report)}"
    money = _bars(able, "usd_per_million_tokens", "USD a million tokens", of)
    speed = _bars(able, "tokens_per_s_per_user", "Tokens/s for one user", of)
    return tuple(each for each in (money, speed) if each.bars)


def _bars(rows: Rows, key: str, what: str, of: str) -> Bars:
    bars = tuple(Bar(row["name"], row[key]) for row in rows if row[key])
    return Bars(f"{what}: {of}", Axis(what, KEYS[key].unit, log=False), bars)


def roofline_charts(_: Question, report: Report) -> tuple[Picture, ...]:
    """The step under the roofline of its device, at peak and by the shares of both that its profile reaches.

    A law that beats the bound is above that roof: no picture.
    """
    if "memory_bandwidth_utilization" not in report:  # of texts
        return ()
    if report["memory_bandwidth_utilization"] is None or report["utilization"] is None:
        return ()
    peak = float(next(item.value for item in report.inputs if item.key.startswith("gpu.flops_")))
    bandwidth = float(_input(report, "gpu.memory_bandwidth"))
    balance = report["flops_per_byte"]
    intensity = formulas.step.arithmetic_intensity(
        flops_per_byte=balance,
        utilization=report["utilization"],
        memory_bandwidth_utilization=report["memory_bandwidth_utilization"],
    )
    ends = min(intensity, balance) / BEYOND, max(intensity, balance) * BEYOND
    lines = [_roof("the device at peak (bound)", peak, bandwidth, ends)._replace(limit=True)]
    shares = [_input(report, f"efficiency.{key}_share") for key in ("compute", "memory")]
    if None not in shares and min(shares) < 1:
        name = f"the device with profile {_input(report, 'efficiency')}"
        lines.append(_roof(name, peak * shares[0], bandwidth * shares[1], ends))
    label = f"batch {show(report['batch'])}: {show(report['utilization'], 'share')} used"
    step = Line(f"this step ({_kind(report)})", (intensity,), (peak * report["utilization"],), (label,), points=True)
    x, y = Axis("arithmetic intensity", "FLOP/B"), Axis("arithmetic per device", "FLOP/s")
    return (Chart(f"One step on {_devices(report)} under the roofline: {_kind(report)}", x, y, (*lines, step)),)


def _roof(name: str, peak: float, bandwidth: float, ends: tuple[float, float]) -> Line:
    xs = (ends[0], peak / bandwidth, ends[1])
    roof = formulas.step.attainable_flops
    return Line(name, xs, tuple(roof(peak_flops=peak, memory_bandwidth=bandwidth, arithmetic_intensity=x) for x in xs))


def _devices(report: Report) -> str:
    return counted(report["gpus"], _input(report, "gpu"))


def sweep_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """Utilization and cost per token against batch; of an estimate the bound beside it.

    None where nothing fits or is decoded.
    """
    if not report.met or _rows(report)[0]["step_time_s"] is None:
        return ()
    given = [row["batch"] for row in _rows(report) if row["fits"]]
    growth = log(given[-1] / given[0])
    steps = max(int(growth / log(2) * PER_DOUBLING), 1)
    batches = {*given, *(round(given[0] * exp(growth * step / steps)) for step in range(steps + 1))}
    rows = _rows(sweep_batch.answer(at_point(question, {"batch": tuple(sorted(batches))}, ORIGIN)))
    is_bound = _kind(report) == _BOUND
    names = {"step_time_s": "bound"} if is_bound else {"step_time_s": "estimate", "bound_step_time_s": "bound"}
    priced = _input(report, "price") is not None
    curves = {name: [_used_and_cost(row, row[key], priced) for row in rows] for key, name in names.items()}
    used, cost = (tuple(_line(curve, "batch", name, y) for name, curve in curves.items()) for y in ("used", "cost"))
    x, where = Axis("batch, sequences decoded together"), f"against batch on {_devices(report)}"
    titles = f"Utilization {where}: {_kind(report)}", f"Cost per token {where}, always busy: {_kind(report)}"
    share, money = Axis("utilization", "share"), _cost_axis(priced)
    return Chart(titles[0], x, share, used), Chart(titles[1], x, money, cost)


def _used_and_cost(row: Values, step_time: float, priced: bool) -> Values:
    """A row of the curves over batch for one of its step times: of a longer step less is used, and tokens cost more."""
    longer = step_time / row["step_time_s"]
    cost = row["usd_per_million_tokens"] if priced else 1 / row["tokens_per_s_per_gpu"]
    return {"batch": row["batch"], "used": row["utilization"] / longer, "cost": cost * longer}


def economies_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """Cost per token against users: every hour paid, only the busy ones, and the floor; or a line a device.

    None where nothing fits.
    """
    if not (answered := _rows(report)):
        return ()
    rows = economies.curve(at_point(question, {"users": answered[-1]["users"], "points": USERS}, ORIGIN))
    cost, floor = _PRICED if all(row[_PRICED[0]] is not None for row in rows) else _UNPRICED
    groups: dict[str, dict[float, Values]] = {}  # a part that is given twice is one line
    for row in rows:
        groups.setdefault(counted(row["gpus"] // row["replicas"], row["name"]), {})[row["users"]] = row
    if len(groups) > 1 or floor not in report:
        where, lines = "", [_paid((*group.values(),), name, cost) for name, group in groups.items()]
    else:
        electric = kind_of_price(question.given) == "electricity"
        paid = "busy hours paid" if electric else "every hour paid"
        where, lines = f" on replicas of {next(iter(groups))}", [_paid(rows, paid, cost)]
        if cost == _PRICED[0] and not electric:
            lines.append(_line(rows, "users", "only busy hours paid", f"{cost}_busy"))
        ends = float(rows[0]["users"]), float(rows[-1]["users"])
        lines.append(Line("floor, endless users", ends, (report[floor],) * 2, limit=True))
    title = f"Cost per token against users{where}: {_kind(report)}"
    return (Chart(title, Axis("daily users"), _cost_axis(cost == _PRICED[0]), tuple(lines)),)


def _paid(rows: Rows, name: str, cost: str) -> Line:
    """Cost per token where every hour is paid, labelled by the replicas and their batch."""
    labels = tuple(f"{many(row['replicas'], 'replica')}, batch {show(row['batch'])}" for row in rows)
    return _line(rows, "users", name, cost)._replace(labels=labels)


def frontier_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """The frontier of a report's rows; the one row of ``--best`` on the whole of it; none without rows."""
    rows = _rows(report)
    if not rows:
        return ()
    if (best := question.get("best")) is None:
        return (frontier_chart(rows, report),)
    from infercost.analyses.frontier import answer  # loads NumPy

    chart = frontier_chart(_rows(answer(at_point(question, {"best": None}, ORIGIN))), report)
    point = frontier_chart(rows, report).lines[0]._replace(name=f"best {best}", points=True)
    return (chart._replace(lines=(*(line._replace(written=()) for line in chart.lines), point)),)


def frontier_chart(rows: Rows, report: Report) -> Chart:
    """Speed per user against cost per token: a line a name, of its own frontier, labelled by layout."""
    priced = all(row["usd_per_million_tokens"] is not None for row in rows)
    cost = f"{(_PRICED if priced else _UNPRICED)[0]}_all_in"
    lines = []
    for name in dict.fromkeys(row["name"] for row in rows):
        best = sorted((row for row in rows if row["name"] == name), key=lambda row: float(row["tokens_per_s_per_user"]))
        line = _line(best, "tokens_per_s_per_user", name, cost)
        lines.append(line._replace(labels=tuple(map(_layout, best)), written=tuple(sorted({0, len(best) - 1}))))
    title = f"Speed per user against cost per token, prefill included: {_kind(report)}"
    between = ", between prompts" if any(row.get("itl_s") for row in rows) else ""
    return Chart(title, Axis(f"tokens/s per user{between}"), _cost_axis(priced), tuple(lines))


def _layout(row: Values) -> str:
    """A layout in few words: ``tp 8, batch 64``; the devices too where its widths do not say them."""
    words = [f"{key} {row[key]}" for key in WIDTHS if row.get(key) not in (None, 1)]
    if not row["tp"] * row["pp"] == row["gpus"] > 1:
        words = [many(row["gpus"], "device"), *words]
    return ", ".join((*words, f"batch {show(row['batch'])}"))


def swept_charts(question: Question, report: Report) -> tuple[Picture, ...]:
    """A chart a figure: a line over the swept numbers, or one for each value of a second key; of points that fit.

    Raises:
        BadValue: no numbers are swept, too many keys, more lines than can be told apart, or no figure that varies.
    """
    axes = read_axes(question)
    across = next((axis for axis in reversed(axes) if axis.is_numeric), None)
    if across is None or len(axes) > 2:
        raise BadValue("a sweep is drawn over one key of numbers and at most one other", "leave --plot out")
    beside = next((axis for axis in axes if axis != across), None)
    if beside and len(beside.values) > LINES:
        raise BadValue(f"{len(beside.values)} lines are too many for a picture", f"sweep at most {LINES} {beside.key}")
    rows = feasible_rows(_rows(report))
    figures = varying_figures(axes, headline(question, axes, rows), rows)
    if not figures or len({row[across.key] for row in rows}) < 2:
        raise BadValue("no figure varies over the points that fit: nothing to draw", "leave --plot out")
    return tuple(_swept_chart(report, (across, beside), figure, rows) for figure in figures)


def _swept_chart(report: Report, axes: tuple[Swept, Swept | None], figure: str, rows: Rows) -> Chart:
    (across, beside), key = axes, KEYS[figure]
    rows = sorted((row for row in rows if row[figure] is not None), key=lambda row: float(row[across.key]))
    groups = [(key.label, rows)]
    if beside:
        groups = [
            (in_words((beside,), {beside.key: value}), [row for row in rows if row[beside.key] == plain(value)])
            for value in beside.values
        ]
    lines = tuple(_line(group, across.key, name, figure) for name, group in groups if group)
    ys = [y for line in lines for y in line.ys]
    title = f"{key.label} against {across.column.head}{_where(report)}: {_kind(report)}"
    x = Axis(across.column.head, across.column.unit, _is_geometric(across))
    y = Axis(key.label, key.unit, log=min(ys) > 0 and max(ys) > FAR * min(ys))
    return Chart(title[0].upper() + title[1:], x, y, lines)


def _is_geometric(axis: Swept) -> bool:
    """Whether numbers grow by a ratio rather than by a step."""
    values = sorted(axis.values)
    steps = [right - left for left, right in pairwise(values)]
    return bool(values[0] > 0 and steps[-1] > GROWTH * steps[0])


def _where(report: Report) -> str:
    """The model and the accelerator, where they are the same at every point."""
    names = ("", _input(report, "model")), ("on ", _input(report, "gpu"))
    words = " ".join(f"{word}{name}" for word, name in names if isinstance(name, str))
    return f", {words}" if words else ""


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
        raise BadValue(f"{report.command} has no picture", f"there is one of {', '.join(DRAWN)}")
    return DRAWN[report.command](question, report)
