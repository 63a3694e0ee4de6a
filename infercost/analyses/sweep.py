"""One question over ranges of its inputs: a row a point, each answered as if it had been asked alone."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from infercost.analyses.headline import Headline, columns_of, headline, values_of
from infercost.analyses.sweep_verdict import in_words, verdict
from infercost.derivation import not_recording
from infercost.errors import BadFile, BadValue, InfercostError, UnknownName
from infercost.keys import KEYS
from infercost.question import Asked
from infercost.readers.once import reading_once
from infercost.report import Input, Note, Report, Series
from infercost.sweeping import Axis, Point, at_point, key_of, plain, points_of, read_axes
from infercost.units import many

#: Bars of values further apart than this are drawn by their logarithm.
FAR = 50
#: So many points take long enough to be waited for.
LONG = 200
#: A head of so many letters takes the place of two.
WIDE = 11
#: What an answer's own figure is called where what was swept has its name: all devices beside those of a replica.
OWN = "answered_"
#: What of a sweep's point is said by its row.
_PLACED = ("points", "set")


class Outcome(NamedTuple):
    """One point and its answer, or why it has none."""

    point: Point
    report: Report | None
    values: dict[str, Any]
    why_not: InfercostError | None = None

    @property
    def fits(self) -> bool | None:
        """Whether the devices hold what is asked; None without an answer. A load too high is another thing."""
        return None if self.report is None else self.report.met or self.values.get("stable") is False


def answer(asked: Asked) -> Report:
    """A row a combination of the swept values, with every result of the command.

    Raises:
        InfercostError: a sweep that cannot be read, a name that does not exist, or no answer at any point.
    """
    axes = read_axes(asked)
    refuse_side_by_side(asked)
    with reading_once(), not_recording():
        outcomes = _outcomes(asked, points_of(axes))
    answered = [each.report for each in outcomes if each.report]
    if not answered:
        raise next(each.why_not for each in outcomes if each.why_not)
    rows = _rows(axes, outcomes)
    series = _series(asked, axes, headline(asked, axes), rows)
    return Report(
        command=asked.command.name,
        verdict=verdict(asked, axes, headline(asked, axes), rows),
        inputs=(*_swept(asked, axes), *_common(axes, answered)),
        series=series,
        notes=(
            *_left_out(asked, outcomes),
            *_notes(answered),
            *_nulls(outcomes, rows),
            *asked.notes,
            *_bar_notes(series),
        ),
        met=any(report.met for report in answered),
    )


def refuse_side_by_side(asked: Asked) -> None:
    """Refuse what has no place where a question is asked many times.

    Raises:
        BadValue: several parts side by side, or a count of rows.
    """
    if "points" in asked.given:
        raise BadValue("--points has no place here: each point is one row", "vary the users: --sweep users=1:1M:x10")
    if len(asked.get("gpu") or ()) > 1 and asked.command.named["gpu"].repeat:
        raise BadValue("several --gpu have no place here", "vary the part: --sweep gpu=h100,h200")


def ask_point(asked: Asked, point: Point, origin: str) -> tuple[Asked, Report]:
    """The question at a point, and its answer.

    Raises:
        InfercostError: the point cannot be answered.
    """
    one_row = {"points": 1} if "points" in asked.command.named else {}
    inner = at_point(asked, {**one_row, **point}, origin)
    report: Report = import_module(asked.command.module).answer(inner)
    return inner, report


def _outcomes(asked: Asked, points: list[Point]) -> list[Outcome]:
    tell = asked.progress("points", len(points)) if len(points) >= LONG else None
    found = []
    for point in points:
        found.append(_outcome(asked, point))
        if tell:
            tell(len(found))
    return found


def _outcome(asked: Asked, point: Point) -> Outcome:
    try:
        inner, report = ask_point(asked, point, "--sweep")
    except (BadFile, UnknownName):  # wrong at any point
        raise
    except InfercostError as error:
        return Outcome(point, None, {}, error)
    return Outcome(point, report, values_of(inner, report))


def _rows(axes: tuple[Axis, ...], outcomes: list[Outcome]) -> tuple[dict[str, Any], ...]:
    """The swept values, the inputs that follow from them, and every result; None where a point has none."""
    placed = [{key: plain(value) for key, value in each.point.items()} for each in outcomes]
    own = {key: f"{OWN}{key}" for key in placed[0] if _is_another(key, placed, outcomes)}
    found = [
        swept | {"fits": each.fits} | _following(each.report) | {own.get(key, key): v for key, v in each.values.items()}
        for each, swept in zip(outcomes, placed, strict=True)
    ]
    keys = dict.fromkeys(key for row in found for key in row)
    same = {key for key in _followed(outcomes) if len({str(row.get(key)) for row in found}) == 1}
    kept = [key for key in keys if key not in same or any(key in each.values for each in outcomes)]
    axis_keys = [axis.key for axis in axes]
    return tuple({key: row.get(key) for key in (*axis_keys, *(k for k in kept if k not in axis_keys))} for row in found)


def _is_another(key: str, placed: Iterable[Point], outcomes: Iterable[Outcome]) -> bool:
    """Whether the answer has a figure of the swept key's name which is not what was swept."""
    return any(each.values.get(key, swept[key]) != swept[key] for each, swept in zip(outcomes, placed, strict=True))


def _following(report: Report | None) -> dict[str, Any]:
    """Inputs that nobody gave, which may differ from point to point: a layout, a context."""
    inputs = report.inputs if report else ()
    return {item.key: item.value for item in inputs if item.assumed and item.key not in _PLACED}


def _followed(outcomes: list[Outcome]) -> set[str]:
    return {key for each in outcomes for key in _following(each.report)}


def _swept(asked: Asked, axes: tuple[Axis, ...]) -> list[Input]:
    origin = asked.given["sweep"].origin
    return [Input(axis.key, tuple(map(plain, axis.values)), key_of(asked, axis.key).unit, origin) for axis in axes]


def _common(axes: tuple[Axis, ...], reports: list[Report]) -> list[Input]:
    """Inputs that are the same at every point."""
    moved = {axis.key for axis in axes}.union(_PLACED)
    seen = [{item.key: item.value for item in report.inputs} for report in reports]
    return [
        item
        for item in reports[0].inputs
        if item.key not in moved and all(item.key in each and each[item.key] == item.value for each in seen)
    ]


def _series(asked: Asked, axes: tuple[Axis, ...], head: Headline, rows: tuple[dict[str, Any], ...]) -> Series:
    """The swept values as columns, what a table has room for of the answer, and a bar of its main figure."""
    named = {axis.key: key_of(asked, axis.key) for axis in axes}
    taken = sum(1 + len(key.head) // WIDE for key in named.values())
    own = {key: f"{OWN}{key}" for key in named if f"{OWN}{key}" in rows[0]}
    said = {*named, "gpus_per_replica"} if "gpus" in named else {*named}
    columns = (*named, *(own.get(key, key) for key in columns_of(head, rows, taken) if key in own or key not in said))
    named |= {key: key_of(asked, key) for key in rows[0] if key not in KEYS and key in asked.command.named}
    named |= {name: KEYS[key] for key, name in own.items()}
    bar = next((key for key in head.bars if any(row.get(key) is not None for row in rows)), head.bars[-1])
    if KEYS[bar].unit == "share":
        return Series(columns, rows, bar=bar, keys=named)
    return Series(columns, rows, bar=bar, scale="log" if _are_far(rows, bar) else "size", keys=named)


def _are_far(rows: Iterable[Mapping[str, Any]], bar: str) -> bool:
    """Whether figures are so far apart that only their logarithms can be drawn."""
    known = [row[bar] for row in rows if row[bar]]
    return bool(known) and max(known) > FAR * min(known)


def _bar_notes(series: Series) -> list[Note]:
    if series.scale != "log":
        return []
    return [Note("bars", "the bars are drawn by logarithms: the figures are far apart")]


def _left_out(asked: Asked, outcomes: list[Outcome]) -> list[Note]:
    """Why points have no answer, those of one reason together."""
    reasons: dict[str, list[Point]] = {}
    for each in outcomes:
        if each.why_not:
            reasons.setdefault(each.why_not.what, []).append(each.point)
    notes = []
    for why, points in reasons.items():
        where = in_words(asked, points[0]) + (f" and {many(len(points) - 1, 'point')} more" if points[1:] else "")
        notes.append(Note("left-out", f"no answer at {where}: {why}"))
    return notes


def _notes(reports: list[Report]) -> list[Note]:
    """What is to be known at every point, then what holds at some: all weak figures, the first of each other kind."""
    counts: dict[Note, int] = {}
    for report in reports:
        for note in dict.fromkeys(report.notes):
            counts[note] = counts.get(note, 0) + 1
    at_some: dict[str, list[Note]] = {}
    for note, count in counts.items():
        if note.code != "null" and count < len(reports):
            at_some.setdefault(note.code, []).append(note)
    notes = [note for note, count in counts.items() if note.code != "null" and count == len(reports)]
    for code, found in at_some.items():
        told = found if code == "weak-figure" else found[:1]
        alike = f" (and {many(len(found) - 1, 'note')} alike)" if len(found) > len(told) else ""
        notes += [Note(code, f"at some points: {note.text}{alike}") for note in told]
    return notes


def _nulls(outcomes: list[Outcome], rows: Iterable[Mapping[str, Any]]) -> list[Note]:
    """A note for each key that has no value at some point."""
    empty = dict.fromkeys(key for row in rows for key, value in row.items() if value is None)
    remarks = {
        row.key: row.remark for each in outcomes if each.report for row in each.report.results if row.value is None
    }
    said = {note.text for each in outcomes if each.report for note in each.report.notes if note.code == "null"}
    told = {key: next((text for text in sorted(said) if text.startswith(f"{key} is null")), "") for key in empty}
    return [
        Note(
            "null", told[key] or f"{key} is null: {remarks.get(key) or 'some points have no answer, or no such thing'}"
        )
        for key in empty
    ]
