"""Many rows, one way: the same question with some values changed, resolved again and answered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from infercost.errors import BadFile, BadValue, InfercostError, UnknownName
from infercost.models.counting import weight_bytes
from infercost.replica.serving import full_prefill_time, serve_rate
from infercost.report import Report
from infercost.scenario.layouts import Choice
from infercost.scenario.options import MANY, options_of
from infercost.scenario.read import Point, Question
from infercost.scenario.resolve import resolve
from infercost.scenario.scenario import Scenario

Answer = Callable[[Scenario], Report]
Values = Mapping[str, Any]
Rows = Sequence[Values]
T = TypeVar("T")
LAYOUT = ("gpus", "tp", "pp", "ep", "dp")
#: Limits, each of which decides what keeps it: a point has devices and a layout of its own.
_LIMITS = ("max_tpot", "max_ttft", "max_wait_probability")
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


def at_point(question: Question, point: Point, origin: str) -> Scenario:
    """The scenario of a question at one point.

    Raises:
        InfercostError: the point cannot be resolved.
    """
    one_row = {"points": 1} if "points" in options_of(question.command) else {}
    return resolve(question._replace(notes=()).changed({**dict.fromkeys(MANY), **one_row, **point}, origin))


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
