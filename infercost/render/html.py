"""One page that needs nothing else: SVG charts with values to point at, the numbers, inputs, work and sources."""

from collections.abc import Iterable
from html import escape

from infercost.picture import Bars, Chart, Line, Picture
from infercost.render.drawing import COLOURS, FEW, TICKS, Scale, axis_text, bar_scale, labels, scales, style
from infercost.render.layout import Block, Grid, Points, Text, Work, blocks, notes
from infercost.render.writing import harmless
from infercost.report import Report
from infercost.units import show

STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #111; }
.verdict { font-size: 1.15rem; font-weight: 600; }
svg.chart { width: 100%; height: auto; margin-top: 1.5rem; font: 13px system-ui, sans-serif; overflow: visible; }
.title { font-size: 15px; font-weight: 600; }
.axis { stroke: #333; fill: none; }
.line { fill: none; stroke-width: 2; }
.limit { stroke: #111; stroke-width: 2; }
.ring { fill: none; stroke: #111; stroke-width: 2; }
circle.value { fill: transparent; }
output { display: block; min-height: 1.5em; color: #333; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; }
td, th { padding: 0.15rem 0.8rem 0.15rem 0; text-align: left; vertical-align: top; }
th { border-bottom: 1px solid #333; }
td.right, th.right { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.marked { font-weight: 600; }
pre { white-space: pre-wrap; font-size: 0.85rem; }
@media print { output { display: none; } }
"""
SCRIPT = """
for (const svg of document.querySelectorAll("svg.chart")) {
  const values = [...svg.querySelectorAll(".value")], ring = svg.querySelector(".ring"), text = svg.nextElementSibling;
  const places = values.map(value => value.getBBox());
  svg.addEventListener("pointermove", event => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const far = places.map(box => Math.hypot(
      Math.max(box.x - at.x, at.x - box.x - box.width, 0), Math.max(box.y - at.y, at.y - box.y - box.height, 0)));
    const near = far.indexOf(Math.min(...far)), box = places[near];
    text.textContent = values[near].querySelector("title").textContent;
    ring.setAttribute("d", `M${box.x - 3} ${box.y - 3}h${box.width + 6}v${box.height + 6}h${-box.width - 6}z`);
  });
}
"""
#: A page that a mail carries may load nothing and send nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

#: Pixels of a chart: its size, its margins, the height of its inside, of a line of the legend and of a bar.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 92, 20, 30, 56
INSIDE = HEIGHT - BOTTOM - TOP - 12
LEGEND, BAR = 20, 30
#: Marks of a line with more than a few values.
MARKS = 7
#: Shapes around zero, in the order of the lines: circle, square, triangle, diamond, triangle down.
SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
    "M-4-4h8v8h-8z",
    "M0-5l5 9h-10z",
    "M0-5l5 5l-5 5l-5-5z",
    "M0 5l5-9h-10z",
)


def render(report: Report, ending: str) -> bytes:
    """The page; its charts, tables and work are readable without the script."""
    bare = blocks(report.replace(steps=()), sources=False)[1:]
    worked = blocks(report, sources=False)[1:]
    sourced = blocks(report, sources=True)[1:]
    parts = [f'<p class="verdict">{escape(report.verdict)}</p>']
    parts += [f"{_draw(picture)}\n<output></output>" for picture in report.charts]
    parts += map(_block, bare)
    if report.notes:
        parts.append(f"<h2>To know</h2>\n{_list(note.text for note in report.notes)}")
    for head, below in (("The work", worked[len(bare) :]), ("Inputs and sources", sourced[len(worked) :])):
        if below:
            parts.append(f"<h2>{head}</h2>\n" + "\n".join(map(_block, below)))
    return harmless(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(report.charts[0].title)}</title>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(parts)
        + f"\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    ).encode()


def cell(report: Report) -> str:
    """The answer alone as a notebook shows it: verdict, tables and notes, every text escaped."""
    verdict, *others = blocks(report, sources=False)
    told = _list(notes(report, sources=False))
    shown = [
        f"<p><strong>{escape(verdict.text)}</strong></p>" if isinstance(verdict, Text) else "",
        *map(_block, others),
    ]
    return harmless("\n".join([*shown, told]))


def _block(block: Block) -> str:
    if isinstance(block, Grid):
        return _table(block)
    if isinstance(block, Points):
        return f"<p>{escape(block.head)}</p>\n{_list(block.items)}"
    if isinstance(block, Work):
        return f"<pre>{escape(chr(10).join(block.lines))}</pre>"
    return f"<p>{escape(block.text)}</p>"


def _list(items: Iterable[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{escape(item)}</li>\n" for item in items) + "</ul>"


def _table(block: Grid) -> str:
    rows = [_row(block, row, "td", number == block.marked) for number, row in enumerate(block.rows)]
    return f"<table>\n{_row(block, block.heads, 'th') if block.heads else ''}{''.join(rows)}</table>"


def _row(block: Grid, row: tuple[str, ...], tag: str, marked: bool = False) -> str:
    starts = (f'<{tag} class="right">' if column in block.right else f"<{tag}>" for column in range(len(row)))
    cells = "".join(f"{start}{escape(cell)}</{tag}>" for start, cell in zip(starts, row, strict=True))
    mark = ' class="marked"' if marked else ""
    return f"<tr{mark}>{cells}</tr>\n"


def _draw(picture: Picture) -> str:
    """One ``svg`` element, whose shapes carry their values: to be pointed at and read back."""
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
        ink = f' fill="{label.colour}"' if label.colour else ""
        shapes.append(f'<text x="{left:.1f}" y="{bottom - 4:.1f}"{ink}>{escape(label.text)}</text>\n')
    shapes += [_legend(line, number) for number, line in enumerate(chart.lines)]
    return "".join(shapes), HEIGHT + LEGEND * len(chart.lines)


def _x(scale: Scale, value: float, left: float = LEFT) -> float:
    return left + scale.place(value) * (WIDTH - left - RIGHT)


def _y(scale: Scale, value: float) -> float:
    return HEIGHT - BOTTOM - scale.place(value) * INSIDE


def _frame(across: Scale, up: Scale) -> str:
    """Both axes with their ticks and labels."""
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
    colour, dashes = style(line, number)
    broken = f' stroke-dasharray="{" ".join(f"{2 * each:g}" for each in dashes)}"' if dashes else ""
    return f'class="line" stroke="{colour}"{broken}'


def _mark(x: float, y: float, number: int, size: float = 1.0) -> str:
    shape, colour = SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)]
    return f'<path transform="translate({x:.1f} {y:.1f}) scale({size:g})" d="{shape}" fill="{colour}"/>\n'


def _values(chart: Chart, line: Line, places: list[tuple[float, float]]) -> str:
    """A place to point at for each value, with the value in full."""
    circles = []
    for (x, y, label), (left, top) in zip(line.values, places, strict=True):
        text = f"{line.name}: {show(y, chart.y.unit)} at {show(x, chart.x.unit)}{f', {label}' if label else ''}"
        circles.append(
            f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" class="value" data-line="{escape(line.name)}" '
            f'data-x="{x!r}" data-y="{y!r}"><title>{escape(text)}</title></circle>\n'
        )
    return "".join(circles)


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
    shapes = [f'<text x="0" y="{TOP + 4}">{escape(bars.legend)}</text>\n']
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
