"""Many rows, one way: the same question with some values changed, resolved again and answered."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from infercost.errors import BadFile, BadValue, InfercostError, UnknownName
from infercost.report import Report
from infercost.scenario.axes import Point
from infercost.scenario.options import MANY, options_of
from infercost.scenario.read import Question
from infercost.scenario.resolve import resolve
from infercost.scenario.scenario import Scenario

Answer = Callable[[Scenario], Report]
LAYOUT = ("gpus", "tp", "pp", "ep")
#: Where a layout comes from that is held over all points.
HELD = "assumed: holds the largest point"
#: What has a layout of its own at each of its values.
_OWN_LAYOUT = ("gpu", "model", "params")


class Outcome(NamedTuple):
    """One point and its answer, or why it has none."""

    point: Point
    report: Report | None
    values: Mapping[str, Any] = {}
    why_not: InfercostError | None = None

    @property
    def fits(self) -> bool | None:
        """Whether the devices hold what is asked; None without an answer. A load too high is another thing."""
        return None if self.report is None else self.report.met or self.values.get("stable") is False


def at_point(question: Question, point: Point, origin: str) -> Scenario:
    """The scenario of a question at a point, asked about alone.

    Raises:
        InfercostError: the point cannot be resolved.
    """
    one_row = {"points": 1} if "points" in options_of(question.command) else {}
    return resolve(question._replace(notes=()).changed({**dict.fromkeys(MANY), **one_row, **point}, origin))


def refuse_side_by_side(question: Question) -> None:
    """Refuse what has no place where a question is asked many times.

    Raises:
        BadValue: several parts side by side, or a count of rows.
    """
    if question.get("points"):
        raise BadValue("--points has no place here: each point is one row", "vary the users: --sweep users=1:1M:x10")
    if isinstance(parts := question.get("gpu"), tuple) and len(parts) > 1:
        raise BadValue("several --gpu have no place here", "vary the part: --sweep gpu=h100,h200")


def answers(
    answer: Answer, question: Question, points: Iterable[Point], origin: str, tell: Callable[[int], None] | None = None
) -> list[Outcome]:
    """The answer at each point, all in the layout that holds the largest that can be held.

    Raises:
        BadFile: a file that cannot be read, wrong at any point.
        UnknownName: a name that does not exist, wrong at any point.
    """
    points = list(points)
    scenarios = [_resolved(question, point, origin) for point in points]
    layouts = _layouts(question, points, scenarios)
    outcomes = []
    for point, scenario, layout in zip(points, scenarios, layouts, strict=True):
        if layout:
            scenario = _resolved(question.changed(layout, HELD), point, origin)
        outcomes.append(_outcome(answer, point, scenario))
        if tell:
            tell(len(outcomes))
    return outcomes


def _resolved(question: Question, point: Point, origin: str) -> Scenario | InfercostError:
    try:
        return at_point(question, point, origin)
    except (BadFile, UnknownName):  # wrong at any point
        raise
    except InfercostError as error:
        return error


def _outcome(answer: Answer, point: Point, scenario: Scenario | InfercostError) -> Outcome:
    if not isinstance(scenario, Scenario):
        return Outcome(point, None, {}, scenario)
    try:
        report = answer(scenario)
    except (BadFile, UnknownName):
        raise
    except InfercostError as error:
        return Outcome(point, None, {}, error)
    return Outcome(point, report, values_of(scenario.question, report))


def values_of(question: Question, report: Report) -> dict[str, Any]:
    """Every result by its key, and those of the number of users where one was asked for."""
    last = report.series.rows[-1] if report.series and question.get("users") is not None else {}
    return report.values | {key: value for key, value in last.items() if key != "name"}


def _layouts(
    question: Question, points: list[Point], scenarios: list[Scenario | InfercostError]
) -> list[Mapping[str, int]]:
    """The layout to hold at each point, nothing where its own is that already.

    ``fit`` asks for the layout, so that it holds none; each part and each model has one of its own.
    """
    if question.command == "fit" or any(key in point for point in points for key in LAYOUT):
        return [{}] * len(points)
    largest: dict[tuple[Any, ...], Scenario] = {}
    groups = [tuple(point.get(key) for key in _OWN_LAYOUT) for point in points]
    for group, scenario in zip(groups, scenarios, strict=True):
        if not isinstance(scenario, Scenario) or not scenario.rack or not scenario.rack.plan.fits:
            continue
        if group not in largest or _size(scenario) > _size(largest[group]):
            largest[group] = scenario
    pairs = zip(groups, scenarios, strict=True)
    return [_differing(scenario, largest[group]) if group in largest else {} for group, scenario in pairs]


def _size(scenario: Scenario) -> tuple[int, float]:
    """How much a scenario needs: devices, then tokens that they hold."""
    plan = scenario.rack.plan
    return plan.layout.devices, plan.batch * plan.context


def _differing(scenario: Scenario | InfercostError, largest: Scenario) -> Mapping[str, int]:
    """The layout of the largest point as options, where a point has another one or none that holds it."""
    layout = largest.rack.plan.layout
    if isinstance(scenario, Scenario) and (scenario.rack is None or scenario.rack.plan.layout == layout):
        return {}
    return {"gpus": layout.devices} | ({} if largest.rack.model.is_bare else layout._asdict())
