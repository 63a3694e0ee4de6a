"""What ``--set`` changes of an answer: each is said to be asked, and one that changes nothing that it does not."""

from collections.abc import Callable, Iterable

from infercost.errors import InfercostError
from infercost.report import Input, Note, Report
from infercost.scenario.read import Question, figure_kind, is_word
from infercost.units import parse

#: What the name of a part has where a figure of it was set.
CHANGED = " as changed"


def with_sets(report: Report, question: Question, again: Callable[[Question], Report]) -> Report:
    """The report with every ``--set`` among its inputs, and a note on those without which it is the same.

    A figure that was noted as read is; of the others the answer ``again`` without them tells. The report is then that
    one, whose part is not said to be changed. A table of its own is not made twice.
    """
    noted = {item.origin for item in report.inputs}
    silent = [text for text in question.get("set") or () if _origin(text) not in noted]
    unread, same = _unread(report, question, silent, again) if silent and not report.export else ([], report)
    notes = tuple(
        Note("unread", f"--set {text} changes nothing here: the answer is the same without it") for text in unread
    )
    inputs = tuple(_input(text) for text in dict.fromkeys(silent))
    return same.replace(inputs=(*same.inputs, *inputs), notes=(*same.notes, *notes)) if silent else report


def _unread(
    report: Report, question: Question, silent: list[str], again: Callable[[Question], Report]
) -> tuple[list[str], Report]:
    """Those without which the answer is the same, all of them or else each alone, and that answer."""

    def without(texts: Iterable[str]) -> Report | None:
        given = question.given["set"]
        kept = tuple(text for text in given.value if text not in texts)
        try:
            other = again(question.changed({"set": kept or None}, given.origin))
        except InfercostError:
            return None
        return other if _said(other, silent) == _said(report, silent) else None

    if (other := without(silent)) is not None:
        return silent, other
    unread = [text for text in silent if without((text,))] if len(silent) > 1 else []
    other = without(unread) if unread else None
    return (unread, other) if other is not None else ([], report)


def _said(report: Report, silent: list[str]) -> str:
    """All that an answer says in numbers and words, but for what was set and that it was."""
    rows = report.series.rows if report.series else ()
    said = repr((report.verdict, report.results, [dict(row) for row in rows], report.parts, report.met, report.file))
    for text in (*(f" --set {text}" for text in silent), CHANGED):
        said = said.replace(text, "")
    return said


def _key(text: str) -> str:
    scope, _, name = text.partition("=")[0].strip().partition(".")
    return f"{scope}.{name.strip().replace('-', '_')}"


def _origin(text: str) -> str:
    """Where an input comes from that was set."""
    return f"--set {_key(text)}={text.partition('=')[2]}"


def _input(text: str) -> Input:
    """What was set, as an input of the answer."""
    key, origin, value = _key(text), _origin(text), text.partition("=")[2]
    scope, _, name = key.partition(".")
    if is_word(scope, name):
        return Input(key, value.strip(), "", origin)
    kind = figure_kind(scope, name, "--set")
    return Input(key, parse(kind, value, origin), kind.unit, origin, origin)
