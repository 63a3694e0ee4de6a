"""What every form for people shows, in order: verdict, inputs, numbers, parts, rows, advice, work, sources."""

from collections.abc import Mapping
from math import log
from typing import Any, NamedTuple

from infercost.quantities import KEYS
from infercost.report import Report, Series
from infercost.units import common_scale, digits, show

BAR_WIDTH = 24
COMMAND_WIDTH = 75
#: A last column narrower than this is not worth wrapping.
LEAST_WIDTH = 20
MILLION = 1e6


class Text(NamedTuple):
    """A paragraph; ``strong`` is the verdict."""

    text: str
    strong: bool = False


class Work(NamedTuple):
    """Lines that are kept as they are, or where they are ``prose``, wrapped under their sign of equality."""

    lines: tuple[str, ...]
    prose: bool = False

    def within(self, width: int) -> list[str]:
        """The lines in a width."""
        return [part for line in self.lines for part in (self._wrapped(line, width) if self.prose else (line,))]

    @staticmethod
    def _wrapped(line: str, width: int) -> list[str]:
        """One line as several, broken at spaces."""
        from textwrap import wrap  # only --steps needs it

        under = " " * (line.find(" = ") + 3) if line.startswith(" ") else ""
        return wrap(line, width, subsequent_indent=under, break_long_words=False, break_on_hyphens=False)


class Grid(NamedTuple):
    """Aligned cells; ``right`` are the columns of numbers, ``marked`` the row to point at."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int]
    marked: int | None = None

    @property
    def widths(self) -> list[int]:
        """The characters of each column."""
        rows = [self.heads, *self.rows] if self.heads else self.rows
        return [max(map(len, column)) for column in zip(*rows, strict=True)]

    def gap(self, width: int) -> int:
        """The spaces between columns: two, or where these leave too little room in a width, one."""
        *others, last = self.widths
        return 2 if sum(others) + min(last, LEAST_WIDTH) + 2 * len(others) <= width else 1


Block = Text | Work | Grid


def blocks(report: Report, sources: bool) -> list[Block]:
    """The report as paragraphs and grids, every number already text."""
    found: list[Block] = [Text(report.verdict, strong=True)]
    if asked := _asked(report):
        found.append(Text(asked))
    if shown := [row for row in report.results if row.shown]:
        rows = [(row.label, show(row.value, row.unit), row.remark) for row in shown]
        remarked = any(row.remark for row in shown)
        found.append(Grid((), tuple(cells if remarked else cells[:2] for cells in rows), frozenset({1})))
    if report.parts:
        found.append(_parts(report))
    if report.series:
        found.append(_series(report.series))
    if report.advice:
        found.append(Text(f"What to change: {'; or '.join(report.advice)}."))
    if report.follow:
        found.append(Work(("Serve it so:", *_command(report.follow))))
    if report.replay:
        found.append(_replays(report.replay))
    found += dict.fromkeys(map(_work, report.steps))  # two that print alike are one
    if sources and report.inputs:
        found.append(_sources(report))
    return found


def _replays(commands: tuple[tuple[str, str], ...]) -> Work:
    """Commands that ask rows again, each below what its rows are of."""
    lines = [line for name, command in commands for line in (*([f"  {name}:"] if name else []), *_command(command))]
    return Work(("Ask for a row again, in place of ... its flags:", *lines))


def _command(command: str) -> list[str]:
    """A command over lines that a shell reads as one when they are pasted."""
    lines = [""]
    for word in command.split(" --"):
        word = word if lines == [""] else f"--{word}"
        if len(lines[-1]) + len(word) > COMMAND_WIDTH:
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}" if lines[-1] else f"  {word}"
    return lines


def _work(step: Any) -> Work:
    """A formula in symbols, in numbers and its result, the signs of equality in one column."""
    symbol, _, expression = step.symbols.partition(" = ")
    start = f"  {' ' * len(symbol)} = "
    return Work(
        (
            f"{step.meaning} [{step.source}]",
            f"  {symbol} = {expression}",
            f"{start}{step.numbers}",
            f"{start}{_result(step)}",
        ),
        prose=True,
    )


def _result(step: Any) -> str:
    """The value of a step; of several kinds each."""
    values = step.value if isinstance(step.value, list) else [step.value]
    return ", ".join(show(value, step.unit) for value in values)


def _asked(report: Report) -> str:
    said = [
        _input(item) for item in report.inputs if not item.assumed and item.origin.startswith(("--", "scenario", "Py"))
    ]
    assumed = [_input(item) for item in report.inputs if item.assumed]
    texts = [f"Asked: {', '.join(said)}." if said else "", f"Assumed: {', '.join(assumed)}." if assumed else ""]
    return " ".join(text for text in texts if text)


def _input(item: Any) -> str:
    value = item.value
    if value is True:
        return str(item.key)
    unit = "" if item.unit == "token" else item.unit
    if isinstance(value, tuple):
        texts = [show(each, unit) for each in value]
        ranges = len(value) > 4 and isinstance(value[0], (int, float))
        shown = f"{texts[0]} to {texts[-1]} ({len(value)})" if ranges else ", ".join(texts)
    else:
        shown = show(value, unit)
    return f"{item.key.replace('_', ' ')} {shown}"


def bar(share: float, width: int = BAR_WIDTH) -> str:
    """A share of one as a bar of block characters; a trace of something is never nothing."""
    eighths = round(min(share, 1.0) * width * 8)
    full, rest = divmod(max(eighths, 1 if share > 0 else 0), 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")


def _parts(report: Report) -> Grid:
    total = sum(value for _, value, _ in report.parts)
    longest = max(value for _, value, _ in report.parts)
    rows = tuple(
        (name, show(value, unit), show(value / total, "share"), bar(value / longest))
        for name, value, unit in report.parts
        if value
    )
    return Grid((), rows, frozenset({1, 2}))


def _series(series: Series) -> Grid:
    if series.shown:
        series = series._replace(rows=series.shown)
    if series.ratios:
        return _across(series)
    columns = [_column(series, key) for key in series.columns]
    heads = [column[0] for column in columns]
    rows = [list(cells) for cells in zip(*(column[1:] for column in columns), strict=True)]
    if series.marked is not None:
        rows[series.marked][0] = f"> {rows[series.marked][0]}"
    right = {index for index, key in enumerate(series.columns) if _is_number(series, key)}
    if series.bar:
        heads.append(series.key(series.bar).head)
        right.add(len(heads) - 1)
        heads.append("")
        for cells, row, drawn in zip(rows, series.rows, _bars(series), strict=True):
            cells += [_cell(row, series.bar, series.key(series.bar).unit), drawn]
    return Grid(tuple(heads), tuple(map(tuple, rows)), frozenset(right), series.marked)


def _bars(series: Series) -> list[str]:
    """The bars beside the rows: wide for shares, narrower where the rest of the table is."""
    values = [abs(row[series.bar] or 0.0) for row in series.rows]
    if series.scale == "share":
        return [bar(value, 9) for value in values]
    least, most = min(filter(None, values), default=1.0), max(values) or 1.0
    if series.scale == "size":
        return [bar(value / most, 7) for value in values]
    span = log(most / least) or 1.0
    return [bar(log(value / least) / span if value else 0.0, 5) for value in values]


def _column(series: Series, key: str) -> list[str]:
    """A head and its cells: in one unit that the head names where the column has ``head_unit``, else each its own."""
    named = series.key(key)
    unit, head = named.unit, named.head or named.label
    if not series.one_unit or unit not in ("s", "B", "B/s", "FLOP/J", "FLOP/B"):
        return [head, *(_cell(row, key, unit) for row in series.rows)]
    name, factor = common_scale([row[key] for row in series.rows if row[key]], unit)
    cells = ("-" if row[key] is None else digits(row[key] / factor) for row in series.rows)
    return [f"{head} {name}" if len(head) + len(name) < 10 and head != unit else name, *cells]


def _cell(row: Mapping[str, Any], key: str, unit: str) -> str:
    """A value of a row, large counts in millions, ``~`` where its figures are weak."""
    text = _short(row[key], unit)
    return f"{text} ~" if key in ("name", "shown") and row.get("weak") else text


def _short(value: Any, unit: str) -> str:
    if unit not in ("", "x", "USD") or not isinstance(value, (int, float)) or value < MILLION:
        return show(value, unit)
    return f"{'$' if unit == 'USD' else ''}{show(value, 'param')}{unit if unit == 'x' else ''}"


def _is_number(series: Series, key: str) -> bool:
    return any(isinstance(row[key], (int, float)) for row in series.rows)


def _across(series: Series) -> Grid:
    """Two rows as columns, with the ratio of the second to the first."""
    names = [str(row["name"]) for row in series.rows]
    rows = tuple(
        (KEYS[key].label, *(show(row[key], KEYS[key].unit) for row in series.rows), _ratio(series.ratios.get(key)))
        for key in series.columns
        if key != "name"
    )
    return Grid(("", *names, "ratio"), rows, frozenset({1, 2, 3}))


def _ratio(ratio: float | None) -> str:
    return show(ratio, "x") if ratio is None or ratio >= 1 else f"1/{show(1 / ratio, 'x')}"


def _sources(report: Report) -> Grid:
    rows = tuple(
        (
            item.key,
            show(item.value, item.unit),
            f"{item.source}, {item.date}" if item.source and item.date else item.source or item.origin,
        )
        for item in report.sources
    )
    return Grid(("input", "value", "where it is from"), rows, frozenset({1}))
