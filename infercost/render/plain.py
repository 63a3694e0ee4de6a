"""Aligned columns, no boxes, no colour: for pipes and for grep."""

import re
from textwrap import TextWrapper

from infercost.render.layout import LEAST_WIDTH, Block, Grid, Work, blocks
from infercost.report import Report

MARGIN = "  "


class Wrapper(TextWrapper):
    """Breaks lines at spaces and, in the long paths of sources, after slashes."""

    wordsep_re = re.compile(r"(\s+|[^\s/]*/+)")


def wrap(text: str, width: int) -> list[str]:
    """The lines of a text in a width."""
    return Wrapper(width).wrap(text) or [""]


def render(report: Report, width: int, sources: bool) -> str:
    """The report as plain text."""
    return "\n\n".join(_text(block, width) for block in blocks(report, sources)) + "\n"


def _text(block: Block, width: int) -> str:
    if isinstance(block, Grid):
        return grid(block, width)
    return "\n".join(block.within(width) if isinstance(block, Work) else wrap(block.text, width))


def grid(block: Grid, width: int) -> str:
    """Cells in aligned columns, the last one wrapped where it does not fit."""
    rows = [block.heads, *block.rows] if block.heads else list(block.rows)
    widths = block.widths
    gap = " " * block.gap(width - len(MARGIN))
    last = max(width - sum(widths[:-1]) - len(gap) * (len(widths) - 1) - len(MARGIN), LEAST_WIDTH)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(size) if column in block.right else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        if len(row[-1]) <= last:
            lines.append((MARGIN + gap.join(cells)).rstrip())
            continue
        before = MARGIN + gap.join(cells[:-1]) + gap
        for part in wrap(row[-1], last):
            lines.append((before + part).rstrip())
            before = " " * len(before)
    return "\n".join(lines)
