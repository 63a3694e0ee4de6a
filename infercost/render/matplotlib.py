"""PNG and SVG by matplotlib: figures of their own, no display, the same bytes for the same answer."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from infercost.errors import Missing, extra
from infercost.picture import Bars, Chart, Line
from infercost.render.drawing import COLOURS, FEW, TICKS, Scale, axis_text, bar_scale, labels, scales, style
from infercost.render.writing import harmless
from infercost.report import Report
from infercost.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches across, of a chart's height, and of a bar's; dots an inch of a PNG.
WIDTH, HEIGHT, BAR_HEIGHT, DOTS = 8.0, 4.6, 0.36, 150
#: Matplotlib's marks of the lines.
MARKERS = "os^DvPX"
#: Text stays text in an SVG, its ids do not change, and dollars are dollars.
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "infercost",
    "text.parse_math": False,
    "font.size": 10,
    "legend.frameon": False,
}


def render(report: Report, ending: str) -> bytes:
    """The pictures one below the other; Missing where matplotlib is not installed."""
    try:
        from matplotlib import rc_context, rcParamsDefault
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Missing(f"{ending} is drawn by matplotlib, which is not here", extra("plot")) from error
    defaults = {key: value for key, value in rcParamsDefault.items() if not key.startswith(("backend", "interactive"))}
    settings: Any = {**defaults, **SETTINGS}
    report = report.replace(charts=_shown(report.charts), verdict=harmless(report.verdict))
    heights = [HEIGHT if isinstance(each, Chart) else 1.3 + BAR_HEIGHT * len(each.bars) for each in report.charts]
    with rc_context(settings):
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        rows = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
        for picture, (axes,) in zip(report.charts, rows, strict=True):
            _chart(axes, picture) if isinstance(picture, Chart) else _bars(axes, picture)
        return _bytes(figure, report, ending)


def _shown(value: Any) -> Any:
    """Pictures, or a part of one, with every text harmless: matplotlib writes no half of a character."""
    if isinstance(value, str):
        return harmless(value)
    if not isinstance(value, tuple):
        return value
    parts = map(_shown, value)
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def _bytes(figure: Any, report: Report, ending: str) -> bytes:
    """The file's bytes, which name neither the day nor the library's version."""
    file = BytesIO()
    about: dict[str, Any] = {"Description": report.verdict}
    if ending == ".png":
        figure.savefig(file, format="png", dpi=DOTS, metadata={"Software": "infercost", **about})
    else:
        about |= {"Title": report.charts[0].title, "Creator": "infercost", "Date": None}
        figure.savefig(file, format="svg", metadata=about)
    return file.getvalue()


def _chart(axes: "Axes", chart: Chart) -> None:
    across, up = scales(chart)
    for number, line in enumerate(chart.lines):
        _line(axes, line, number)
    _frame(axes, chart.title)
    _axis(axes.xaxis, across)
    _axis(axes.yaxis, up)
    axes.set_xlim(across.low, across.high)
    axes.set_ylim(up.low, up.high)
    for label in labels(chart):
        ink = label.colour or "black"
        axes.text(label.left, label.bottom, label.text, transform=axes.transAxes, va="bottom", color=ink)
    if len(chart.lines) > 1:
        axes.legend(loc="best", handlelength=4)


def _line(axes: "Axes", line: Line, number: int) -> None:
    colour, dashes = style(line, number)
    mark = MARKERS[number % len(MARKERS)]
    if line.points:
        axes.plot(line.xs, line.ys, mark, color=colour, markersize=9, label=line.name, zorder=3)
        return
    every = None if len(line.xs) <= FEW else (0.03 + 0.04 * number, 0.16)
    marks: dict[str, Any] = {} if line.limit else {"marker": mark, "markevery": every}
    (stroke,) = axes.plot(line.xs, line.ys, linewidth=1.6, markersize=5, label=line.name, color=colour, **marks)
    stroke.set_linestyle((0, dashes) if dashes else "solid")


def _frame(axes: "Axes", title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)


def _axis(axis: Any, scale: Scale) -> None:
    """An axis with ticks of our own, and no others."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    ticks = scale.ticks(TICKS)
    axis.axes.set(**{f"{axis.axis_name}scale": "log" if scale.axis.log else "linear"})
    axis.set_major_locator(FixedLocator([value for value, _ in ticks]))
    axis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
    axis.set_minor_locator(NullLocator())
    axis.set_label_text(axis_text(scale.axis))


def _bars(axes: "Axes", bars: Bars) -> None:
    places, unit = range(len(bars.bars)), bars.axis.unit
    starts, values = [bar.start for bar in bars.bars], [bar.value for bar in bars.bars]
    axes.barh(places, values, left=starts, height=0.62, color=COLOURS[0])
    _frame(axes, f"{bars.title}\n{bars.legend}".rstrip())
    _axis(axes.xaxis, bar_scale(bars))
    axes.set_yticks(places, [f"{bar.name}  {show(bar.value, unit)}" for bar in bars.bars])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, bars.end * 1.02)
    if marks := [(bar.mark, place) for place, bar in zip(places, bars.bars, strict=True) if bar.mark is not None]:
        axes.plot(*zip(*marks, strict=True), "|", color="black", markersize=16, markeredgewidth=2)
    if bars.limit:
        axes.axvline(bars.limit[1], color="black", linewidth=1.2)
