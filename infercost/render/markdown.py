"""Markdown: paragraphs, lists and pipe tables, for a report or an issue."""

from collections.abc import Iterable

from infercost.render.layout import BLOCKS, Block, Grid, Points, Work, blocks, notes
from infercost.report import Report


def render(report: Report, width: int, sources: bool) -> str:
    """The report as Markdown, notes at the end."""
    texts = [_text(block) for block in blocks(report, sources)]
    if remarks := notes(report, sources):
        texts.append(_list(remarks))
    return "\n\n".join(texts) + "\n"


def _text(block: Block) -> str:
    if isinstance(block, Grid):
        return _table(block)
    if isinstance(block, Points):
        return f"{_escape(block.head)}\n\n{_list(block.items)}"
    if isinstance(block, Work):
        return "\n".join(("```text", *block.lines, "```"))
    return f"**{_escape(block.text)}**" if block.strong else _escape(block.text)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {_escape(item)}" for item in items)


def _table(block: Grid) -> str:
    """A table with a head, without the bars that a terminal draws."""
    heads = block.names or block.heads
    kept = [index for index in range(len(heads)) if heads[index] or any(_is_text(row[index]) for row in block.rows)]
    rules = tuple("---:" if column in block.right else "---" for column in range(len(heads)))
    rows = [tuple(row[index] for index in kept) for row in (heads, rules, *block.rows)]
    return "\n".join(f"| {' | '.join(_escape(cell) for cell in row)} |" for row in rows)


def _is_text(cell: str) -> bool:
    """Whether a cell is more than a bar."""
    return bool(set(cell) - set(BLOCKS))


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
