"""Many rows, one way: the same question with some values changed, resolved again and answered."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from infercost.analyses.remarks import null_notes
from infercost.errors import BadFile, BadValue, InfercostError, UnknownName
from infercost.models.counting import weight_bytes
from infercost.replica.serving import full_prefill_time, serve_rate
from infercost.report import Input, Note, Report
from infercost.scenario.layouts import Choice
from infercost.scenario.options import MANY, options_of
from infercost.scenario.read import Axis, Point, Question, at_words, figure_kind, is_word
from infercost.scenario.resolve import resolve
from infercost.scenario.scenario import Scenario
from infercost.units import many, parse

Answer = Callable[[Scenario], Report]
Values = Mapping[str, Any]
Rows = Sequence[Values]
T = TypeVar("T")
LAYOUT = ("gpus", "tp", "pp", "ep", "dp")
#: Limits, each of which decides what keeps it: a point has devices and a layout of its own.
_LIMITS = ("max_tpot", "max_ttft", "max_wait_probability", "budget")
#: What replicas share in whole sequences.
_SHARED = ("batch", "concurrency")
#: What sets a load.
_OF_LOAD = (*_SHARED, "request_rate", "users", "concurrent", "tokens_per_month")
#: Origin of a layout that is held over all points.
HELD = "assumed: holds the largest point"
#: Each value of these has a layout of its own.
_OWN_LAYOUT = ("gpu", "model", "params")


class Alone(NamedTuple):
    """What a point is that is asked alone: its layout beside that which all points share, and its results."""

    own: str
    held: str
    values: Values


class Outcome(NamedTuple):
    """A point and its answer, or the error that left it without one; ``alone`` in a layout of its own."""

    point: Point
    report: Report | None = None
    values: Values = MappingProxyType({})
    error: InfercostError | None = None
    alone: Alone | None = None

    @property
    def fits(self) -> bool | None:
        """Whether the devices hold the point, under too high a load or not; None without an answer."""
        return None if self.report is None else self.report.met or self.values.get("stable") is False


#: What the name of a part has where a figure of it was set.
CHANGED = " as changed"


def at_point(question: Question, point: Point, origin: str) -> Scenario:
    """The scenario of a question at one point.

    Raises:
        InfercostError: the point cannot be resolved.
    """
    one_row = {"points": 1} if "points" in options_of(question.command) else {}
    return resolve(question._replace(notes=()).changed({**dict.fromkeys(MANY), **one_row, **point}, origin))


def met_at(answer: Answer, question: Question, point: Point) -> Values:
    """The results of a question at one point; none where it has no answer there, or one that is not met."""
    scenario = _attempt(at_point, question, point, HELD)
    report = _attempt(answer, scenario._replace(is_row=True)) if isinstance(scenario, Scenario) else scenario
    return values_of(report) if isinstance(report, Report) and report.met else {}


def refuse_side_by_side(question: Question) -> None:
    """Refuse options that would make several rows of each point.

    Raises:
        BadValue: a number of rows, or several accelerators.
    """
    if question.get("points"):
        raise BadValue("--points conflicts with one row a point", "vary the users: --sweep users=1:1M:x10")
    if isinstance(parts := question.get("gpu"), tuple) and len(parts) > 1:
        raise BadValue("several --gpu conflict with one row a point", "vary the part: --sweep gpu=h100,h200")


def outcomes_of(
    answer: Answer, question: Question, points: Iterable[Point], origin: str, done: Callable[[int], None] | None = None
) -> list[Outcome]:
    """The answer at each point, all in the layout of the largest point that fits; ``done`` takes how many are answered.

    Raises:
        BadFile: a file that cannot be read, wrong at any point.
        UnknownName: a name that does not exist, wrong at any point.
    """
    points = list(points)
    scenarios = [_attempt(at_point, question, point, origin) for point in points]
    outcomes, layouts = list[Outcome](), _layouts(question, points, scenarios)
    unlike = _unlike(points, scenarios, [layout for layout, _ in layouts])
    for point, own, (layout, apart) in zip(points, scenarios, layouts, strict=True):
        scenario = own
        if layout:
            scenario = _attempt(at_point, question.changed(layout, HELD)._replace(apart=apart), point, origin)
        result = _attempt(answer, scenario._replace(is_row=True)) if isinstance(scenario, Scenario) else scenario
        if isinstance(result, Report):
            alone = _alone(answer, own, scenario) if len(outcomes) in unlike else None
            outcomes.append(Outcome(point, result, values_of(result), alone=alone))
        else:
            outcomes.append(Outcome(point, error=result))
        if done:
            done(len(outcomes))
    return outcomes


def _unlike(
    points: list[Point], scenarios: list[Scenario | InfercostError], layouts: Sequence[Point]
) -> tuple[int, ...]:
    """The first and the last point of a load that has another layout when it is asked alone."""
    such = [
        number
        for number, (point, own, layout) in enumerate(zip(points, scenarios, layouts, strict=True))
        if layout and isinstance(own, Scenario) and any(key in point for key in _OF_LOAD)
    ]
    return (such[0], such[-1]) if such else ()


def _alone(answer: Answer, own: Scenario | InfercostError, held: Scenario | InfercostError) -> Alone | None:
    """A point in its own layout; None where it has no answer there."""
    if not (isinstance(own, Scenario) and isinstance(held, Scenario)):
        return None
    report = _attempt(answer, own._replace(is_row=True))
    here, there = (Choice(each.copies, each.rack.plan.layout, 0.0, 0.0).words for each in (own, held))
    return Alone(here, there, values_of(report)) if isinstance(report, Report) else None


def _attempt(work: Callable[..., T], *args: Any) -> T | InfercostError:
    """The result, or the error of this point; bad files and names are wrong at every point, and raised."""
    try:
        return work(*args)
    except (BadFile, UnknownName):
        raise
    except InfercostError as error:
        return error


def values_of(report: Report) -> dict[str, Any]:
    """Every result by its key, and the last row's where a number of users was given."""
    by_users = report.command == "economies" and any(item.key == "users" and not item.assumed for item in report.inputs)
    last = report.series.rows[-1] if report.series and by_users else {}
    values = report.values | {key: value for key, value in last.items() if key not in ("name", "bands")}
    bands = {**report.bands, **(last.get("bands") or {})}
    return values | ({"bands": bands} if bands else {})


def _layouts(
    question: Question, points: list[Point], scenarios: list[Scenario | InfercostError]
) -> list[tuple[Point, int]]:
    """The layout to hold at each point as options, empty where the point has it already or its own is wanted.

    It is that of the largest point that is served; beside it are the devices that it leaves to prompts apart.

    ``fit`` answers with a layout, limits decide one and questions of a list stand alone, so none is held; each
    accelerator and each model has its own. Batches stand on one replica, as in a table of them, which the smallest
    keeps busy.
    """
    if (
        question.command == "fit"
        or question.cases
        or any(key in point for point in points for key in (*LAYOUT, *_LIMITS))
    ):
        return [({}, 0)] * len(points)
    largest: dict[tuple[Any, ...], tuple[Scenario, Point]] = {}
    groups = [tuple(point.get(key) for key in _OWN_LAYOUT) for point in points]
    for group, point, scenario in zip(groups, points, scenarios, strict=True):
        if isinstance(scenario, Scenario) and scenario.rack and scenario.rack.plan.fits:
            best = largest.get(group)
            if best is None or _size(scenario) > _size(best[0]):
                largest[group] = scenario, point
    held = {group: _on_one_replica(question, *best) for group, best in largest.items()}
    pairs = zip(groups, scenarios, strict=True)
    return [
        (_differing(scenario, held[group]), held[group].question.apart) if group in held else ({}, 0)
        for group, scenario in pairs
    ]


def _on_one_replica(question: Question, scenario: Scenario, point: Point) -> Scenario:
    """The scenario of the largest point, on one replica where sequences vary from point to point."""
    if "dp" not in options_of(question.command) or question.get("dp") or not any(name in point for name in _SHARED):
        return scenario
    alone = _attempt(at_point, question.changed({"dp": 1}, HELD), point, HELD)
    return alone if isinstance(alone, Scenario) else scenario


def _size(scenario: Scenario) -> tuple[float, ...]:
    """Whether it is served; most devices, then the heaviest weights, the largest load, most tokens of context."""
    rack, load, copies = scenario.rack, scenario.load, scenario.copies
    tokens = copies * rack.plan.batch * rack.plan.context
    return is_served(scenario), copies * rack.devices, weight_bytes(rack.model), copies * (load.rate or 0.0), tokens


def is_served(scenario: Scenario) -> bool:
    """Whether requests that arrive at a rate leave as fast, on the devices that were given."""
    load, request, copies, rack = scenario.load, scenario.load.decoding, scenario.copies, scenario.rack
    if load.rate is None or request is None or load.request is None:
        return True
    replica = scenario.running.replica
    if load.most < 1 or not serve_rate(replica, load.rate, request, load.most).stable:
        return False
    reading = ceil(copies * load.rate * full_prefill_time(replica, load.request)) if load.apart else 0
    return not rack.given or reading * rack.devices <= scenario.question.apart


def _differing(scenario: Scenario | InfercostError, largest: Scenario) -> Point:
    """The largest point's layout as options, where a scenario has another or failed for want of one."""
    layout = largest.rack.plan.layout
    if isinstance(scenario, Scenario) and (
        scenario.rack is None or (scenario.rack.plan.layout, scenario.copies) == (layout, largest.copies)
    ):
        return {}
    return {item.key: item.value for item in largest.inputs if item.key in LAYOUT}


# What is said beside many answers


def left_out(axes: tuple[Axis, ...], outcomes: list[Outcome]) -> Iterator[Note]:
    """Why points have no answer, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for each in outcomes:
        if each.error:
            reasons.setdefault(each.error.what, []).append(at_words(axes, each.point))
    for reason, (first, *others) in reasons.items():
        more = f" and {many(len(others), 'point')} more" if others else ""
        yield Note("left-out", f"no answer {first}{more}: {reason}")


def notes_of(reports: list[Report]) -> Iterator[Note]:
    """The notes of every point, then those of some: all weak figures, and the first of each other code.

    Why a point alone would have its layout is no reason for one that all points share.
    """
    own = ("null", "choice")
    counts = Counter(note for report in reports for note in dict.fromkeys(report.notes) if note.code not in own)
    at_some: dict[str, list[str]] = {}
    for note, count in counts.items():
        if count == len(reports):
            yield note
        else:
            at_some.setdefault(note.code, []).append(note.text)
    for code, texts in at_some.items():
        visible = texts if code == "weak-figure" else texts[:1]
        more = f" (and {many(len(texts) - 1, 'similar note')})" if len(texts) > len(visible) else ""
        yield from (Note(code, f"at some points: {text}{more}") for text in visible)


def nulls_of(reports: list[Report], rows: Rows) -> list[Note]:
    """A note for each key that has no value at some point, in the words of a point's own note where there is one."""
    reasons = {row.key: row.remark for report in reports for row in report.results if row.value is None}
    texts = sorted({note.text for report in reports for note in report.notes if note.code == "null"}, reverse=True)
    reasons |= {key: reason for key, _, reason in (text.partition(" is null: ") for text in texts)}
    return null_notes(rows, lambda key: reasons.get(key) or "no value at some points")


# What ``--set`` changes of an answer: each is said to be asked, and one that changes nothing that it does not.


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
