"""One page that needs nothing else: charts with values to point at, the numbers, inputs, work and sources."""

from dataclasses import replace
from html import escape

from infercost.render.layout import Block, Grid, Work, blocks
from infercost.render.plot.drawing import draw
from infercost.report import Report

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
  const values = [...svg.querySelectorAll(".value")], ring = svg.querySelector(".ring"), said = svg.nextElementSibling;
  const places = values.map(value => value.getBBox());
  svg.addEventListener("pointermove", event => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const far = places.map(box => Math.hypot(
      Math.max(box.x - at.x, at.x - box.x - box.width, 0), Math.max(box.y - at.y, at.y - box.y - box.height, 0)));
    const near = far.indexOf(Math.min(...far)), box = places[near];
    said.textContent = values[near].querySelector("title").textContent;
    ring.setAttribute("d", `M${box.x - 3} ${box.y - 3}h${box.width + 6}v${box.height + 6}h${-box.width - 6}z`);
  });
}
"""
#: A page that a mail carries may load nothing and send nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def render(report: Report, ending: str) -> bytes:
    """The page; its charts, tables and work are readable where no script runs."""
    bare = blocks(replace(report, steps=()), sources=False)[1:]
    worked = blocks(report, sources=False)[1:]
    sourced = blocks(report, sources=True)[1:]
    parts = [f'<p class="verdict">{escape(report.verdict)}</p>']
    parts += [f"{draw(picture)}\n<output></output>" for picture in report.charts]
    parts += [_block(block) for block in bare]
    if report.notes:
        notes = "".join(f"<li>{escape(note.text)}</li>\n" for note in report.notes)
        parts.append(f"<h2>To know</h2>\n<ul>\n{notes}</ul>")
    for head, found in (("The work", worked[len(bare) :]), ("Inputs and sources", sourced[len(worked) :])):
        if found:
            parts.append(f"<h2>{head}</h2>\n" + "\n".join(map(_block, found)))
    title = escape(report.charts[0].title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(parts)
        + f"\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    ).encode()


def _block(block: Block) -> str:
    if isinstance(block, Grid):
        return _table(block)
    if isinstance(block, Work):
        return f"<pre>{escape(chr(10).join(block.lines))}</pre>"
    return f"<p>{escape(block.text)}</p>"


def _table(block: Grid) -> str:
    heads = f"<tr>{_cells(block, block.heads, 'th')}</tr>\n" if block.heads else ""
    rows = []
    for number, row in enumerate(block.rows):
        start = '<tr class="marked">' if number == block.marked else "<tr>"
        rows.append(f"{start}{_cells(block, row, 'td')}</tr>\n")
    return f"<table>\n{heads}{''.join(rows)}</table>"


def _cells(block: Grid, row: tuple[str, ...], tag: str) -> str:
    starts = (f'<{tag} class="right">' if column in block.right else f"<{tag}>" for column in range(len(row)))
    return "".join(f"{start}{escape(cell)}</{tag}>" for start, cell in zip(starts, row, strict=True))
