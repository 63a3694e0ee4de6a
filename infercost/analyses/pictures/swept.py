"""The figures that a sweep tells of, against what was swept."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from infercost.analyses.headline import headline
from infercost.analyses.pictures.shared import Rows, article, kind_of, rows_of, value_of
from infercost.analyses.sweep_verdict import able_of, in_words, told_of
from infercost.chart import Axis, Chart, Line, Picture
from infercost.errors import BadValue
from infercost.keys import KEYS
from infercost.question import Asked
from infercost.report import Report
from infercost.sweeping import Axis as Swept
from infercost.sweeping import key_of, plain, read_axes

#: Lines that can be told apart.
LINES = 8
#: Figures further apart than this are drawn by their logarithm.
FAR = 10
#: Steps that grow so much are those of a ratio.
GROWN = 1.5


def swept_charts(asked: Asked, report: Report) -> tuple[Picture, ...]:
    """A chart a figure: a line over the swept numbers, or one for each value of a second key; of points that fit.

    Raises:
        BadValue: no numbers are swept, too many keys, more lines than can be told apart, or no figure that moves.
    """
    axes = read_axes(asked)
    across = next((axis for axis in reversed(axes) if axis.is_numeric), None)
    if across is None or len(axes) > 2:
        raise BadValue("a picture of a sweep is over numbers, and at most one key beside", "leave --plot out")
    beside = next((axis for axis in axes if axis != across), None)
    if beside and len(beside.values) > LINES:
        raise BadValue(f"{len(beside.values)} lines cannot be told apart", f"sweep {beside.key} over {LINES} at most")
    rows = able_of(rows_of(report))
    keys = [key for key in told_of(axes, headline(asked, axes), rows) if key != "fits"]
    if not keys or len({row[across.key] for row in rows}) < 2:
        raise BadValue("nothing that can be answered moves: there is nothing to draw", "leave --plot out")
    return tuple(_chart(asked, report, (across, beside), key, rows) for key in keys)


def _chart(asked: Asked, report: Report, axes: tuple[Swept, Swept | None], key: str, rows: Rows) -> Chart:
    across, beside = axes
    named = key_of(asked, across.key)
    known = [row for row in rows if row[key] is not None]
    groups = [plain(value) for value in beside.values] if beside else [None]
    lines = []
    for value in groups:
        group = [row for row in known if beside is None or row[beside.key] == value]
        group.sort(key=lambda row: float(row[across.key]))
        if group:
            name = in_words(asked, {beside.key: value}) if beside else KEYS[key].label
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
