"""A picture as SVG for a page: shapes that carry their values, so that they can be pointed at and read back."""

from html import escape

from infercost.chart import Bars, Chart, Line, Picture
from infercost.render.plot.labels import labels
from infercost.render.plot.scale import Scale, axis_text, bar_scale, scales
from infercost.render.plot.style import COLOURS, DASHES, LIMIT_COLOUR, LIMIT_DASHES
from infercost.units import show

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 92, 20, 30, 56
INSIDE = HEIGHT - BOTTOM - TOP - 12
LEGEND, BAR = 20, 30
#: Numbers along an axis at most.
TICKS = 10
#: Marks of a line, and values that are all marked.
MARKS, FEW = 7, 20
#: Shapes around nothing, in the order of the lines: circle, square, triangle, diamond, triangle down.
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
    "M-4-4h8v8h-8z",
    "M0-5l5 9h-10z",
    "M0-5l5 5l-5 5l-5-5z",
    "M0 5l5-9h-10z",
)


def draw(picture: Picture) -> str:
    """One ``svg`` element."""
    inside, height = _chart(picture) if isinstance(picture, Chart) else _bars(picture)
    title = escape(picture.title)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">\n'
        f'<text x="0" y="16" class="title">{title}</text>\n{inside}<path class="ring" d="M0 0"/>\n</svg>'
    )


def _chart(chart: Chart) -> tuple[str, int]:
    across, up = scales(chart)
    shapes = [_frame(across, up)]
    for number, line in enumerate(chart.lines):
        places = [(_x(across, x), _y(up, y)) for x, y, _ in line.values]
        shapes += [_stroke(line, places, number), _values(chart, line, places)]
    for label in labels(chart):
        left, bottom = LEFT + label.left * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - label.bottom * INSIDE
        shapes.append(f'<text x="{left:.1f}" y="{bottom - 4:.1f}">{escape(label.text)}</text>\n')
    shapes += [_legend(line, number) for number, line in enumerate(chart.lines)]
    return "".join(shapes), HEIGHT + LEGEND * len(chart.lines)


def _x(scale: Scale, value: float, left: float = LEFT) -> float:
    return left + scale.place(value) * (WIDTH - left - RIGHT)


def _y(scale: Scale, value: float) -> float:
    return HEIGHT - BOTTOM - scale.place(value) * INSIDE


def _frame(across: Scale, up: Scale) -> str:
    """Both axes with their ticks and what they measure."""
    floor = HEIGHT - BOTTOM
    ticks = [
        f'<path class="axis" d="M{LEFT - 5} {_y(up, value):.1f}h5"/>'
        f'<text x="{LEFT - 9}" y="{_y(up, value) + 4:.1f}" text-anchor="end">{escape(text)}</text>\n'
        for value, text in up.ticks(TICKS)
    ]
    return (
        f'<path class="axis" d="M{LEFT} {TOP + 12}V{floor}H{WIDTH - RIGHT}"/>\n{"".join(ticks)}'
        f'{_floor(across, LEFT, floor)}<text x="0" y="{TOP + 4}">{escape(axis_text(up.axis))}</text>\n'
    )


def _floor(scale: Scale, left: float, floor: float) -> str:
    ticks = [
        f'<path class="axis" d="M{_x(scale, value, left):.1f} {floor}v5"/>'
        f'<text x="{_x(scale, value, left):.1f}" y="{floor + 20}" text-anchor="middle">{escape(text)}</text>\n'
        for value, text in scale.ticks(TICKS)
    ]
    label = escape(axis_text(scale.axis))
    return f'{"".join(ticks)}<text x="{WIDTH - RIGHT}" y="{floor + 42}" text-anchor="end">{label}</text>\n'


def _stroke(line: Line, places: list[tuple[float, float]], number: int) -> str:
    """The line and its marks, or the points alone."""
    if line.points:
        return "".join(_mark(x, y, number, 1.5) for x, y in places)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    stroke = f'<polyline points="{path}" {_style(line, number)}/>\n'
    if line.limit:
        return stroke
    step = len(places) // MARKS if len(places) > FEW else 1
    return stroke + "".join(_mark(x, y, number) for x, y in places[number * 2 % step :: step])


def _style(line: Line, number: int) -> str:
    colour, dashes = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    if line.limit:
        colour, dashes = LIMIT_COLOUR, LIMIT_DASHES
    broken = f' stroke-dasharray="{" ".join(f"{2 * each:g}" for each in dashes)}"' if dashes else ""
    return f'class="line" stroke="{colour}"{broken}'


def _mark(x: float, y: float, number: int, size: float = 1.0) -> str:
    shape, colour = SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)]
    return f'<path transform="translate({x:.1f} {y:.1f}) scale({size:g})" d="{shape}" fill="{colour}"/>\n'


def _values(chart: Chart, line: Line, places: list[tuple[float, float]]) -> str:
    """A place to point at for each value, with the value in full."""
    found = []
    for (x, y, label), (left, top) in zip(line.values, places, strict=True):
        said = f"{line.name}: {show(y, chart.y.unit)} at {show(x, chart.x.unit)}{f', {label}' if label else ''}"
        found.append(
            f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" class="value" data-line="{escape(line.name)}" '
            f'data-x="{x!r}" data-y="{y!r}"><title>{escape(said)}</title></circle>\n'
        )
    return "".join(found)


def _legend(line: Line, number: int) -> str:
    top = HEIGHT + number * LEGEND - 2
    sign = "" if line.points else f'<path d="M{LEFT} {top}h44" {_style(line, number)}/>'
    mark = "" if line.limit else _mark(LEFT + 22, top, number)
    return f'{sign}{mark}<text x="{LEFT + 54}" y="{top + 4}">{escape(line.name)}</text>\n'


def _bars(bars: Bars) -> tuple[str, int]:
    scale, unit = bar_scale(bars), bars.axis.unit
    names = [f"{bar.name}  {show(bar.value, unit)}" for bar in bars.bars]
    left = max(map(len, names)) * 7.2 + 12
    floor = TOP + 16 + BAR * len(bars.bars)
    shapes = [f'<text x="0" y="{TOP + 4}">{escape(bars.line_said)}</text>\n']
    for number, (bar, name) in enumerate(zip(bars.bars, names, strict=True)):
        top, start, end = TOP + 18 + BAR * number, _x(scale, bar.start, left), _x(scale, bar.start + bar.value, left)
        shapes.append(
            f'<text x="{left - 8:.1f}" y="{top + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{start:.1f}" y="{top}" width="{max(end - start, 0.5):.1f}" height="{BAR - 8}" '
            f'fill="{COLOURS[0]}" class="value" data-line="{escape(bar.name)}" data-y="{bar.value!r}">'
            f"<title>{escape(name)}</title></rect>\n"
        )
        if bar.mark is not None:
            shapes.append(f'<path class="limit" d="M{_x(scale, bar.mark, left):.1f} {top - 2}v{BAR - 4}"/>\n')
    if bars.limit:
        shapes.append(f'<path class="limit" d="M{_x(scale, bars.limit[1], left):.1f} {TOP + 12}V{floor}"/>\n')
    shapes += [f'<path class="axis" d="M{left:.1f} {TOP + 12}V{floor}H{WIDTH - RIGHT}"/>\n', _floor(scale, left, floor)]
    return "".join(shapes), floor + BOTTOM
