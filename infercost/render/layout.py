"""What every form for people shows, in order: verdict, inputs, numbers, parts, rows, advice, work, sources."""

import re
from collections.abc import Mapping
from math import log
from textwrap import TextWrapper
from typing import Any, NamedTuple

from infercost.quantities import ABBREVIATIONS, KEYS
from infercost.report import Input, Report, Row, Series
from infercost.units import common_scale, digits, exact, lasting, planned, show

#: The time of a job, which people plan in days.
JOB = "job_time_s"
BAR_WIDTH = 24
BLOCKS = " ▏▎▍▌▋▊▉█"
#: Heads of tables that need none on a terminal.
RESULTS, PARTS = ("result", "value", "remark"), ("part", "value", "share", "")
COMMAND_WIDTH = 75
#: A last column narrower than this is not worth wrapping.
LEAST_WIDTH = 20
MILLION, BILLION = 1e6, 1e9
#: From here on three digits are whole numbers.
ROUGH = 999.5


class Wrapper(TextWrapper):
    """Breaks lines at spaces and, in the long paths of sources, after slashes: never in ``tokens/s``."""

    wordsep_re = re.compile(rf"(\s+|(?=\S{{{LEAST_WIDTH}}})[^\s/]*/+)")


class Text(NamedTuple):
    """A paragraph; ``strong`` is the verdict."""

    text: str
    strong: bool = False


class Points(NamedTuple):
    """A list under a head."""

    head: str
    items: tuple[str, ...]

    def within(self, width: int) -> list[str]:
        """The lines in a width."""
        return [self.head, *(line for item in self.items for line in wrapped(f"  - {item}", width, "    "))]


class Work(NamedTuple):
    """Lines as they are or, where they are ``prose``, wrapped under their sign of equality."""

    lines: tuple[str, ...]
    prose: bool = False

    def within(self, width: int) -> list[str]:
        """The lines in a width."""
        if not self.prose:
            return list(self.lines)
        indents = (" " * (line.find(" = ") + 3) if line.startswith(" ") else "" for line in self.lines)
        return [part for line, indent in zip(self.lines, indents, strict=True) for part in wrapped(line, width, indent)]


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Lines broken at spaces and, in the long paths of sources, after slashes; in a word only if it is too long."""
    return Wrapper(width, subsequent_indent=indent).wrap(text) or [""]


class Grid(NamedTuple):
    """Aligned cells; ``right`` are the columns of numbers, ``marked`` the row to point at.

    ``names`` are heads for a form that cannot do without.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int]
    marked: int | None = None
    names: tuple[str, ...] = ()

    @property
    def widths(self) -> list[int]:
        """The characters of each column."""
        rows = [self.heads, *self.rows] if self.heads else self.rows
        return [max(map(len, column)) for column in zip(*rows, strict=True)]

    def gap(self, width: int) -> int:
        """Spaces between columns: two, or one where two leave too little room in a width."""
        *others, last = self.widths
        return 2 if sum(others) + min(last, LEAST_WIDTH) + 2 * len(others) <= width else 1


Block = Text | Points | Work | Grid
#: Notes on where figures are from, for those who ask for sources; but what says what a mark means is for all.
PROVENANCE, MARK = ("memory-counted", "parameters", "weak-figure", "see-also"), "~"


def notes(report: Report, sources: bool) -> list[str]:
    """The remarks for people, each once: what is estimated, bounded or left out, and with ``sources`` all others."""
    shown = (note for note in report.notes if sources or note.code not in PROVENANCE or MARK in note.text)
    return list(dict.fromkeys(note.text for note in shown if note.code != "null"))


def blocks(report: Report, sources: bool) -> list[Block]:
    """The report as paragraphs, lists and grids, every number already text."""
    page: list[Block] = [Text(report.verdict, strong=True)]
    if inputs := inputs_of(report):
        page.append(Text(inputs))
    if rows := _results(report):
        columns = 3 if any(remark for _, _, remark in rows) else 2
        page.append(Grid((), tuple(cells[:columns] for cells in rows), frozenset({1}), names=RESULTS[:columns]))
    if report.parts:
        page.append(_parts(report))
    if report.series:
        page.append(_series(report.series))
    if len(report.advice) == 1:
        page.append(Text(f"What to change: {report.advice[0]}."))
    elif report.advice:
        page.append(Points("What to change:", report.advice))
    if report.follow:
        page.append(Work(("Serve it with:", *_command(report.follow))))
    if report.replay:
        commands = [line for name, each in report.replay for line in (name and f"  {name}:", *_command(each)) if line]
        whole = not any(each.endswith(" ...") for _, each in report.replay)
        head = "To ask the first row again:" if whole else "To reproduce a row, put its flags in place of ...:"
        page.append(Work((head, *commands)))
    page += dict.fromkeys(map(_work, report.steps))  # two that print alike are one
    if sources and report.sources:
        page.append(_sources(report))
    return page


def _results(report: Report) -> list[tuple[str, str, str]]:
    """Label, value and remark of each result; values with their intervals where any has one, both in columns."""
    rows = [(row, _value(row)) for row in report.results if row.shown]
    if not any(row.key in report.bands for row, _ in rows):
        return [(_label(row), value, row.remark) for row, value in rows]
    wide = max(len(value) for _, value in rows)
    bands = [_band(row, report.bands.get(row.key)) for row, _ in rows]
    most = max(map(len, bands))
    return [
        (_label(row), f"{value:>{wide}} {band:<{most}}", row.remark)
        for (row, value), band in zip(rows, bands, strict=True)
    ]


def _value(row: Row) -> str:
    """A result as text, counts of billions with a suffix: as digits they would take the room of remarks."""
    if row.key == JOB and row.value is not None:
        return lasting(row.value)
    is_large = row.unit == "" and isinstance(row.value, (int, float)) and row.value >= BILLION
    return show(row.value, "param" if is_large else row.unit)


def _label(row: Row) -> str:
    """The name of a result, with what engineers call it."""
    return f"{row.label} ({ABBREVIATIONS[row.key]})" if row.key in ABBREVIATIONS else row.label


def _band(row: Row, band: tuple[float, float] | None) -> str:
    """An interval in the unit of its value: ``(7.0 to 9.2)``."""
    if band is None:
        return ""
    scale = planned(row.value)[1] if row.key == JOB else 1.0
    scale = common_scale([row.value], row.unit)[1] if scale == 1 else scale
    low, high = (_rough(end / scale) for end in band)
    return f"({low} to {high})"


def _rough(value: float) -> str:
    """A number of three digits, whole ones never cut short of their size."""
    return f"{value:#.3g}".rstrip(".") if value < ROUGH else f"{float(f'{value:.3g}'):,.0f}"


def _command(command: str) -> list[str]:
    """A command over lines that a shell reads as one after a paste."""
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
    under = f"  {' ' * len(symbol)} = "
    values = step.value if isinstance(step.value, list) else [step.value]
    result = ", ".join(exact(value, step.unit) for value in values)
    sums = (f"  {symbol} = {expression}", f"{under}{step.numbers}", f"{under}{result}")
    return Work((f"{step.meaning} [{step.source}]", *sums), prose=True)


def inputs_of(report: Report) -> str:
    """The inputs of the question, then the assumed ones; not one that another says with more behind it."""
    given = [each for each in report.inputs if not each.assumed and each.origin.startswith(("--", "scenario", "Py"))]
    assumed = [each for each in report.inputs if each.assumed]
    of_workload = [each for each in report.inputs if each.origin.startswith("workload ")]
    groups, said, page = (("Asked", given), ("Of the workload", of_workload), ("Assumed", assumed)), list[str](), []
    for head, inputs in groups:
        texts = [_input(item) for item in inputs]
        said += texts
        own = [text for text in texts if not any(other.startswith(f"{text} ") for other in said)]
        page += [f"{head}: {', '.join(own)}."] if own else []
    return " ".join(page)


def _input(item: Input) -> str:
    value, unit, name = item.value, "" if item.unit == "token" else item.unit, item.key.replace("_", " ")
    if value is True:
        return name
    values = value if isinstance(value, tuple) else (value,)
    texts = [exact(each, unit) for each in values]
    ranges = len(values) > 4 and isinstance(values[0], (int, float))
    text = f"{texts[0]} to {texts[-1]} ({len(texts)})" if ranges else ", ".join(texts)
    return f"{name} {text}"


def bar(share: float, width: int = BAR_WIDTH) -> str:
    """A share of one as a bar of block characters; the least share is still an eighth of a block."""
    eighths = round(min(share, 1.0) * width * 8)
    full, rest = divmod(max(eighths, 1 if share > 0 else 0), 8)
    return "█" * full + (BLOCKS[rest] if rest else "")


def _parts(report: Report) -> Grid:
    values = [value for _, value, _ in report.parts]
    total, longest = report.whole or sum(values), max(values)
    rows = tuple(
        (name, show(value, unit), show(value / total, "share"), bar(value / longest))
        for name, value, unit in report.parts
        if value
    )
    return Grid((), rows, frozenset({1, 2}), names=PARTS)


def _series(series: Series) -> Grid:
    if series.shown:
        series = series._replace(rows=series.shown)
    if series.ratios:
        return _across(series)
    columns = [_column(series, key) for key in series.columns]
    right = {index for index, key in enumerate(series.columns) if _is_number(series, key)}
    if series.bar:
        key = series.key(series.bar)
        right.add(len(columns))
        columns.append([key.head, *(_cell(row, series.bar, key.unit) for row in series.rows)])
        columns.append(["", *_bars(series)])
    heads, *rows = zip(*columns, strict=True)
    if series.marked is not None:
        first, *others = rows[series.marked]
        rows[series.marked] = (f"> {first}", *others)
    return Grid(heads, tuple(rows), frozenset(right), series.marked)


def _bars(series: Series) -> list[str]:
    """The bars beside the rows: wide for shares, narrower beside many columns."""
    values = [abs(row[series.bar] or 0.0) for row in series.rows]
    if series.scale == "share":
        return [bar(value, 9) for value in values]
    least, most = min(filter(None, values), default=1.0), max(values, default=0.0) or 1.0
    if series.scale == "size":
        return [bar(value / most, 7) for value in values]
    span = log(most / least) or 1.0
    return [bar(log(value / least) / span if value else 0.0, 5) for value in values]


def _column(series: Series, key: str) -> list[str]:
    """A head and its cells, each in its own unit or, where the series has ``one_unit``, in one that the head names."""
    quantity = series.key(key)
    unit, head = quantity.unit, quantity.head or quantity.label
    if not series.one_unit or unit not in ("s", "B", "B/s", "FLOP/J", "FLOP/B"):
        texts = [_cell(row, key, unit) for row in series.rows]
        return [head, *(_once(series, texts) if key == "source" else texts)]
    name, factor = common_scale([row[key] for row in series.rows if row[key]], unit)
    cells = ("-" if row[key] is None else digits(row[key] / factor) for row in series.rows)
    return [f"{head} {name}" if len(head) + len(name) < 10 and head != unit else name, *cells]


def _once(series: Series, cells: list[str]) -> list[str]:
    """The sources of rows, a long one in full where it stands first and then by the row that has it."""
    first: dict[str, str] = {}
    for row, cell in zip(series.rows, cells, strict=True):
        first.setdefault(cell, str(row.get("key", "")))
    seen = [first[cell] if len(cell) > LEAST_WIDTH else "" for cell in cells]
    names = [str(row.get("key", "")) for row in series.rows]
    return [f"as {key}" if key and key != name else cell for key, name, cell in zip(seen, names, cells, strict=True)]


def _cell(row: Mapping[str, Any], key: str, unit: str) -> str:
    """A value of a row, counts and prices from a million with a suffix, ``~`` where its figures are weak."""
    value = row[key]
    text = lasting(value) if key == JOB and value is not None else show(value, unit)
    if unit in ("", "x", "USD") and isinstance(value, (int, float)) and value >= MILLION:
        text = f"{'$' if unit == 'USD' else ''}{show(value, 'param')}{unit if unit == 'x' else ''}"
    return f"{text} ~" if key in ("name", "shown") and row.get("weak") else text


def _is_number(series: Series, key: str) -> bool:
    return any(isinstance(row[key], (int, float)) for row in series.rows)


def _across(series: Series) -> Grid:
    """Two rows as columns, with the ratio of the second to the first."""
    rows = tuple(
        (KEYS[key].label, *(show(row[key], KEYS[key].unit) for row in series.rows), _ratio(series.ratios.get(key)))
        for key in series.columns
        if key != "name"
    )
    names = (*(str(row["name"]) for row in series.rows), "ratio")
    return Grid(("", *names), rows, frozenset({1, 2, 3}), names=("figure", *names))


def _ratio(ratio: float | None) -> str:
    return show(ratio, "x") if ratio is None or ratio >= 1 else f"1/{show(1 / ratio, 'x')}"


def _sources(report: Report) -> Points:
    """Each source once, after the inputs that are from it."""
    whose: dict[str, list[str]] = {}
    for item in report.sources:
        whose.setdefault(_source(item), []).append(f"{item.key} {exact(item.value, item.unit)}")
    return Points("Sources:", tuple(f"{', '.join(inputs)}: {source}" for source, inputs in whose.items()))


def _source(item: Input) -> str:
    return f"{item.source}, {item.date}" if item.source and item.date else item.source or item.origin
