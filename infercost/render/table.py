"""Boxes and colour for a terminal, by Rich."""

from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as RichText

from infercost.render.layout import Grid, Text, blocks, wrapped
from infercost.render.writing import harmless
from infercost.report import Report


def render(report: Report, width: int, sources: bool, coloured: bool = False) -> str:
    """The report as tables, coloured for a terminal."""
    text = StringIO()
    console = Console(width=width, file=text, highlight=False, force_terminal=coloured)
    for block in blocks(report, sources):
        if isinstance(block, Grid):
            console.print(_table(block, width))
        elif isinstance(block, Text):
            console.print(RichText(harmless(block.text), style="bold" if block.strong else ""), end="\n\n")
        else:
            console.print(RichText(harmless("\n".join(block.within(width)))), end="\n\n")
    return text.getvalue()


def _table(block: Grid, width: int) -> Table:
    if block.heads:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, block.gap(width) - 1, 0, 0))
    else:
        table = Table(box=box.ROUNDED, show_header=False)
    last = len(block.rows[0]) - 1
    between = last * block.gap(width) if block.heads else last * 3 + 4
    room = max(width - sum(block.widths[:-1]) - between, 1)
    for column, head in enumerate(block.heads or [""] * len(block.rows[0])):
        is_last, is_number = column == last, column in block.right
        table.add_column(head, justify="right" if is_number else "left", no_wrap=not is_last, overflow="fold")
    for number, row in enumerate(block.rows):
        cells = (*row[:-1], _broken(row[-1], room))
        table.add_row(*(RichText(harmless(cell)) for cell in cells), style="bold" if number == block.marked else "")
    return table


def _broken(cell: str, room: int) -> str:
    """A cell whose words do not all fit, broken where they may be."""
    return cell if max(map(len, cell.split()), default=0) <= room else "\n".join(wrapped(cell, room))
