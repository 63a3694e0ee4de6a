"""One question over ranges of its inputs: a row a point, each answered as if it had been asked alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from infercost.analyses.many import Answer, Outcome, answers, refuse_side_by_side
from infercost.parts.cache import reading_once
from infercost.quantities import KEYS
from infercost.report import Input, Note, Report, Series
from infercost.scenario.axes import Axis, Point, key_of, plain, points_of, read_axes
from infercost.scenario.read import Question
from infercost.units import many, show

Rows = Sequence[Mapping[str, Any]]
#: The widths of a layout.
LAYOUT = ("tp", "pp", "ep")
#: Columns that a table shows where they vary, before the others.
VARYING = ("gpus", "gpus_per_replica", "fits", "stable")
#: What 80 columns hold beside a bar.
ROOM = 6


class Headline(NamedTuple):
    """Keys of an answer, the main one first: ``columns`` of a table, ``bars`` beside them, ``told`` in a verdict.

    Of each group that is told, and of ``mains``, it is the first with a value. ``answers`` move when an input does.
    """

    columns: tuple[str, ...]
    bars: tuple[str, ...]
    told: tuple[tuple[str, ...], ...]
    mains: tuple[str, ...]
    answers: tuple[str, ...]


_STEP = Headline(
    columns=(
        "tokens_per_s_per_user",
        "usd_per_million_tokens",
        "step_time_s",
        "ttft_s",
        "bound",
        "tokens_per_s_per_gpu",
    ),
    bars=("utilization",),
    told=(("tokens_per_s_per_user",), ("usd_per_million_tokens", "utilization"), ("ttft_s",)),
    mains=("usd_per_million_tokens", "step_time_s"),
    answers=("tokens_per_s_per_user", "utilization", "ttft_s", "step_time_s", "tokens_per_s_per_gpu"),
)
_FIT = Headline(
    columns=("max_sequences", "kv_pool_tokens", "weight_bytes_per_gpu", "gpus_for_weights"),
    bars=("kv_pool_bytes_per_gpu",),
    told=(("max_sequences",), ("gpus",), ("kv_pool_bytes_per_gpu",), ("shortfall_bytes",)),
    mains=("shortfall_bytes", "kv_pool_bytes_per_gpu", "weight_bytes_per_gpu"),
    answers=("kv_pool_tokens", "weight_bytes_per_gpu", "kv_bytes_per_sequence"),
)
_FLOOR = Headline(
    columns=("users_within_2x", "users_per_replica", "lone_user_cost_ratio", "batch_limit"),
    bars=("floor_usd_per_million_tokens", "floor_device_seconds"),
    told=(("floor_usd_per_million_tokens", "floor_device_seconds"), ("users_within_2x",)),
    mains=("floor_usd_per_million_tokens", "floor_device_seconds"),
    answers=("users_within_2x", "users_per_replica", "lone_user_cost_ratio", "floor_device_seconds"),
)
_USERS = Headline(
    columns=("gpus", "batch", "utilization", "tokens_per_s_per_user", "cost_ratio"),
    bars=("usd_per_million_tokens", "device_seconds_per_token"),
    told=(("usd_per_million_tokens", "device_seconds_per_token"), ("utilization",)),
    mains=("usd_per_million_tokens", "device_seconds_per_token"),
    answers=("tokens_per_s_per_user", "utilization", "device_seconds_per_token"),
)


def headline(question: Question, axes: Iterable[Axis] = ()) -> Headline:
    """The headline of a command's answer: economies at a number of users has one of its own.

    A step is headed by what its tokens cost where a price was given; the preset's rent only scales its time.
    """
    if question.command == "economies":
        by_users = question.get("users") is not None or any(axis.key == "users" for axis in axes)
        return _USERS if by_users else _FLOOR
    if question.command == "fit":
        return _FIT
    if question.get("price") is not None or any(axis.key == "price" for axis in axes):
        return _STEP
    return _STEP._replace(mains=_STEP.mains[1:], told=(*_STEP.told[:1], ("utilization",), *_STEP.told[2:]))


def columns_of(head: Headline, rows: Iterable[Mapping[str, Any]], taken: int) -> tuple[str, ...]:
    """What a table has room for beside so many columns: first what varies, then the headline's, none that is empty."""
    rows = tuple(rows)
    varying = [key for key in VARYING if _varies(rows, key)]
    layout = _layout(rows)
    full = [key for key in head.columns if any(row.get(key) is not None for row in rows) and key not in varying]
    room = ROOM - taken - len(varying) - len(layout) // 2  # two of a layout are as narrow as one other
    return (*varying, *layout, *full[: max(room, 1)])


def _layout(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The widths that differ from row to row, where the layout is not one of tensor parallel alone."""
    found = tuple(key for key in LAYOUT if _varies(rows, key))
    return () if found == LAYOUT[:1] else found


def _varies(rows: Iterable[Mapping[str, Any]], key: str) -> bool:
    return len({row[key] for row in rows if row.get(key) is not None}) > 1


#: How many figures are told.
TOLD = 2


def verdict(question: Question, axes: tuple[Axis, ...], head: Headline, rows: Rows) -> str:
    """How many points do not fit, keep up or have an answer, then how the main figures go over the others."""
    able = able_of(rows)
    moving = told_of(axes, head, able)
    start = _unable(rows)
    if not moving:
        known = _known(axes, head, able)
        stays = f"{_words(known[0])} stays at {_shown(known[0], able[0])}"
        alone = f"At {_place(question, axes, able[0])} {_words(known[0])} is {_shown(known[0], able[0])}"
        return f"{start}{alone if len(able) == 1 else f'Over {len(able):,} points {stays}'}."
    if len(axes) > 1 or not axes[0].is_numeric:
        spans = "; ".join(_spans(question, axes, key, able) for key in moving)
        return f"{start}Over {many(len(able), 'point')} {spans}."
    goes = " and ".join(_goes(question, axes[0], key, able) for key in moving)
    name, ends = axes[0].key, [_value(question, axes[0].key, row[axes[0].key]) for row in (able[0], able[-1])]
    return f"{start}With {key_of(question.command, name).head} from {ends[0]} to {ends[1]}, {goes}."


def able_of(rows: Rows) -> list[Mapping[str, Any]]:
    """The points that fit and keep up; where none does, those that have an answer."""
    able = [row for row in rows if row["fits"] and row.get("stable") is not False]
    return able or [row for row in rows if row["fits"] is not None]


def told_of(axes: tuple[Axis, ...], head: Headline, able: Rows) -> list[str]:
    """The main figures that differ from point to point."""
    return [key for key in _known(axes, head, able) if len({row[key] for row in able}) > 1][:TOLD]


def _known(axes: tuple[Axis, ...], head: Headline, able: Rows) -> list[str]:
    known = [next((key for key in keys if any(row.get(key) is not None for row in able)), "") for keys in head.told]
    return [key for key in known if key and key not in [axis.key for axis in axes]] or ["fits"]


def in_words(question: Question, point: Point) -> str:
    """A point in words: ``context 128,000, batch 64``."""
    return ", ".join(
        f"{key_of(question.command, key).head} {_value(question, key, value)}" for key, value in point.items()
    )


def _place(question: Question, axes: tuple[Axis, ...], row: Mapping[str, Any]) -> str:
    return in_words(question, {axis.key: row[axis.key] for axis in axes})


def _unable(rows: Rows) -> str:
    """How many points are no good, by what is wrong with them."""
    counts = (
        (sum(row["fits"] is False for row in rows), "does not fit", "do not fit"),
        (sum(row.get("stable") is False for row in rows), "does not keep up", "do not keep up"),
        (sum(row["fits"] is None for row in rows), "has no answer", "have no answer"),
    )
    return "".join(f"{n} of {many(len(rows), 'point')} {one if n == 1 else all}. " for n, one, all in counts if n)


def _goes(question: Question, axis: Axis, key: str, rows: Rows) -> str:
    """How a figure goes from the first point to the last, and where it lies beyond both."""
    known = [row for row in rows if row[key] is not None]
    first, last = known[0][key], known[-1][key]
    word = "rises" if last > first else "falls" if last < first else "comes back"
    low, high = sorted((first, last))
    times = f" ({show(high / low, 'x')})" if low > 0 and high > low else ""
    text = f"{_words(key)} {word} from {_shown(key, known[0])} to {_shown(key, known[-1])}{times}"
    least, most = _ends(key, known)
    for name, row in (("least", least), ("most", most)):
        if row[key] not in (first, last):
            text += f", {name} {_shown(key, row)} at {_place(question, (axis,), row)}"
    return text


def _spans(question: Question, axes: tuple[Axis, ...], key: str, rows: Rows) -> str:
    """Between which points a figure lies."""
    said = [
        f"{_shown(key, row)} ({_place(question, axes, row)})"
        for row in _ends(key, [row for row in rows if row[key] is not None])
    ]
    return f"{_words(key)} goes from {said[0]} to {said[1]}"


def _ends(key: str, rows: Rows) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The first row with the least of a figure, and the first with the most."""
    return min(rows, key=lambda row: row[key]), max(rows, key=lambda row: row[key])


def _words(key: str) -> str:
    return KEYS[key].phrase


def _shown(key: str, row: Mapping[str, Any]) -> str:
    return show(row[key], KEYS[key].unit)


def _value(question: Question, key: str, value: Any) -> str:
    return show(plain(value), key_of(question.command, key).unit)


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


def sweep(question: Question, answer: Answer) -> Report:
    """A row a combination of the swept values, with every result of the command.

    Raises:
        InfercostError: a sweep that cannot be read, a name that does not exist, or no answer at any point.
    """
    axes = read_axes(question)
    refuse_side_by_side(question)
    points = points_of(axes)
    tell = question.progress("points", len(points)) if len(points) >= LONG else None
    with reading_once():
        outcomes = answers(answer, question, points, "--sweep", tell)
    reports = [each.report for each in outcomes if each.report]
    if not reports:
        raise next(each.why_not for each in outcomes if each.why_not)
    head, rows = headline(question, axes), _rows(axes, outcomes)
    series = _series(question, axes, head, rows)
    return Report(
        command=question.command,
        verdict=verdict(question, axes, head, rows),
        inputs=(*_swept(question, axes), *_common(axes, reports)),
        series=series,
        notes=(
            *_left_out(question, outcomes),
            *_notes(reports),
            *_nulls(outcomes, rows),
            *question.notes,
            *_bar_notes(series),
        ),
        met=any(report.met for report in reports),
    )


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


def _swept(question: Question, axes: tuple[Axis, ...]) -> list[Input]:
    origin = question.given["sweep"].origin
    return [
        Input(axis.key, tuple(map(plain, axis.values)), key_of(question.command, axis.key).unit, origin)
        for axis in axes
    ]


def _common(axes: tuple[Axis, ...], reports: list[Report]) -> list[Input]:
    """Inputs that are the same at every point."""
    moved = {axis.key for axis in axes}.union(_PLACED)
    seen = [{item.key: item.value for item in report.inputs} for report in reports]
    return [
        item
        for item in reports[0].inputs
        if item.key not in moved and all(item.key in each and each[item.key] == item.value for each in seen)
    ]


def _series(question: Question, axes: tuple[Axis, ...], head: Headline, rows: tuple[dict[str, Any], ...]) -> Series:
    """The swept values as columns, what a table has room for of the answer, and a bar of its main figure."""
    named = {axis.key: key_of(question.command, axis.key) for axis in axes}
    taken = sum(1 + len(key.head) // WIDE for key in named.values())
    own = {key: f"{OWN}{key}" for key in named if f"{OWN}{key}" in rows[0]}
    said = {*named, "gpus_per_replica"} if "gpus" in named else {*named}
    columns = (*named, *(own.get(key, key) for key in columns_of(head, rows, taken) if key in own or key not in said))
    named |= {key: key_of(question.command, key) for key in rows[0] if key not in KEYS and key in question.command}
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


def _left_out(question: Question, outcomes: list[Outcome]) -> list[Note]:
    """Why points have no answer, those of one reason together."""
    reasons: dict[str, list[Point]] = {}
    for each in outcomes:
        if each.why_not:
            reasons.setdefault(each.why_not.what, []).append(each.point)
    notes = []
    for why, points in reasons.items():
        where = in_words(question, points[0]) + (f" and {many(len(points) - 1, 'point')} more" if points[1:] else "")
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
