"""Aligned columns, no boxes, no colour: for pipes and for grep."""

from infercost.render.layout import LEAST_WIDTH, Block, Grid, Text, Wrapper, blocks, inputs_of, notes, wrapped
from infercost.report import Report

MARGIN = "  "
NOTE = "note: "


def render(report: Report, width: int, sources: bool) -> str:
    """The report as plain text."""
    return "\n\n".join(_text(block, width) for block in blocks(report, sources)) + "\n"


def remarks(report: Report, width: int, sources: bool, inputs: bool = False) -> str:
    """The report's notes for standard error, within a width; its inputs first where its form has no place for them."""
    wrapper = Wrapper(width, initial_indent=NOTE, subsequent_indent=" " * len(NOTE), break_long_words=False)
    asked = [inputs_of(report)] if inputs else []
    texts = [*filter(None, asked), *notes(report, sources)]
    return "".join(f"{line}\n" for text in texts for line in wrapper.wrap(text))


def _text(block: Block, width: int) -> str:
    if isinstance(block, Grid):
        return _grid(block, width)
    return "\n".join(wrapped(block.text, width) if isinstance(block, Text) else block.within(width))


def _grid(block: Grid, width: int) -> str:
    """Cells in aligned columns, the last one wrapped where it does not fit, under its row where it has no room."""
    widths = block.widths
    gap = " " * block.gap(width - len(MARGIN))
    room = width - sum(widths[:-1]) - len(gap) * (len(widths) - 1) - len(MARGIN)
    words = [len(word) for row in block.rows for word in row[-1].split()]
    below = room < min(max(words, default=0), LEAST_WIDTH) and len(widths) - 1 not in block.right
    lines = []
    for row in [block.heads, *block.rows] if block.heads else block.rows:
        cells = [
            cell.rjust(size) if column in block.right else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        before = MARGIN + gap.join(cells[:-1]) + gap
        if len(row[-1]) <= room or len(widths) - 1 in block.right:
            lines.append((MARGIN + gap.join(cells)).rstrip())
        elif below:
            under = " " * len(MARGIN) * 3
            lines += [before.rstrip(), *(under + part for part in wrapped(row[-1], width - len(under)))]
        else:
            rest = " " * len(before)
            lines += [(rest if at else before) + part for at, part in enumerate(wrapped(row[-1], room))]
    return "\n".join(line.rstrip() for line in lines)
