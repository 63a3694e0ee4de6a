"""Markdown: paragraphs and pipe tables, for a report or an issue."""

from infercost.render.layout import Grid, Work, blocks
from infercost.report import Report


def render(report: Report, width: int, sources: bool) -> str:
    """The report as Markdown, notes at the end."""
    texts = []
    for block in blocks(report, sources):
        if isinstance(block, Grid):
            texts.append(_table(block))
        elif isinstance(block, Work):
            texts.append("\n".join(("```text", *block.lines, "```")))
        else:
            texts.append(f"**{_escape(block.text)}**" if block.strong else _escape(block.text))
    texts += [f"- {_escape(note.text)}" for note in report.notes]
    return "\n\n".join(texts) + "\n"


def _table(block: Grid) -> str:
    heads = block.heads or ("",) * len(block.rows[0])
    rules = ["---:" if column in block.right else "---" for column in range(len(heads))]
    rows = [heads, tuple(rules), *block.rows]
    return "\n".join(f"| {' | '.join(_escape(cell) for cell in row)} |" for row in rows)


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
