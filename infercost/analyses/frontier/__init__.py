"""Speed per user against cost per token: the Pareto frontier of every layout and batch."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from math import ceil, inf, isclose
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.frontier import search
from infercost.analyses.frontier.search import MOST_BATCH, Frontier, Point, batches_of, candidates, flags_of
from infercost.analyses.prices import kinds_of_prices, weak_price, with_price
from infercost.analyses.remarks import NAMED, NULL_REASONS, bands_of, ends_in, null_notes, surest
from infercost.analyses.step import prefill_per_decode, token_seconds
from infercost.analyses.worth import USUAL_TPOT
from infercost.errors import InfercostError, Missing, extra
from infercost.formulas.formula import solved
from infercost.parts.preset import counted
from infercost.quantities import KEYS
from infercost.replica.layout import Layout, most_experts
from infercost.replica.step import pace_of, reworked
from infercost.report import Note, Report, Row, Series
from infercost.scenario.scenario import Goal, Scenario
from infercost.scenario.usual import LENGTHS
from infercost.units import digits, many, show

Rows = Sequence[Mapping[str, Any]]
Spaces = Sequence[Scenario]
#: Figures of a row by which parts are compared.
_COMPARED = (
    *("gpus", "total_gpus", "tokens_per_s_per_user", "itl_s", "tokens_per_s_per_gpu", "tokens_per_s_all_in"),
    *("usd_per_million_tokens_all_in", "device_seconds_per_token_all_in", "flags"),
)
#: Parts from which on a search shows how far it is.
MANY_PARTS = 4
#: Rows of a table; JSON has all of them.
SHOWN = 16
#: What stands between prompts, beside times that have them.
_SPEED = "tokens_per_s_per_user"
#: What a token costs with all that is paid.
_COST = "usd_per_million_tokens_all_in"
_BEST = {"cost": "The cheapest", "speed": "The fastest", "knee": "The knee"}
#: What would move an end of the frontier, by what binds there.
_REMEDIES = {
    "memory": "faster memory or fewer bits",
    "compute": "more arithmetic for the money",
    "communication": "faster links",
    "latency": "fewer or faster kernel launches",
}


class Apart(NamedTuple):
    """A layout whose prompts are read elsewhere: its largest batch in time, and what its tokens cost with these.

    ``whole`` are the seconds of a device for a token where the replicas that read prompts for one that decodes are
    whole ones, ``device_seconds`` where others share them; ``devices`` are those of both with whole ones.
    """

    candidate: Scenario
    batch: int
    tpot: float
    device_seconds: float
    whole: float
    devices: int


def answer(scenario: Scenario) -> Report:
    """The frontier of a model on accelerators, one of its points, or every configuration behind it.

    Raises:
        Missing: a limit on the first token of no request; every configuration without NumPy.
    """
    if scenario.goal.shard:
        return _every(scenario)
    done = scenario.question.progress("parts", len(scenario.each)) if len(scenario.each) > MANY_PARTS else None
    frontiers = []
    for space in scenario.each:
        frontiers.append(search.search(space))
        if done:
            done(len(frontiers))
    if not any(each.points for each in frontiers):
        return search.no_frontier(scenario, frontiers)
    if scenario.question.get("max_cost") is None or any(space.price is None for space in scenario.each):
        return _report(scenario, frontiers)
    return _limited(scenario, frontiers)


def _limited(scenario: Scenario, frontiers: list[Frontier]) -> Report:
    """The frontier within ``--max-cost``, or all of it where nothing is, behind a Yes or a No."""
    kept = [each.within(scenario.question.get("max_cost")) for each in frontiers]
    met = any(each.points for each in kept)
    report = _report(scenario, kept if met else frontiers)
    least = min((point for each in frontiers for point in each.points), key=lambda point: point.cost)
    said = _held_to(scenario, search.row_of(least))
    return report.replace(verdict=f"{'Yes' if met else 'No'}: {said}. {report.verdict}", met=met)


def _every(scenario: Scenario) -> Report:
    """All configurations, whose columns are arrays.

    Raises:
        Missing: NumPy.
    """
    try:
        from infercost.analyses.frontier.export import answer_all
    except ImportError:
        raise Missing("frontier --all needs NumPy", f"{extra('export')}, or leave --all out") from None
    return answer_all(scenario)


def _report(scenario: Scenario, frontiers: list[Frontier]) -> Report:
    """The frontier; up to its knee one percent of speed costs less than four percent of money."""
    best, points = scenario.goal.best, [point for each in frontiers for point in each.points]
    joint = search.pareto_indices([point.speed for point in points], [point.cost for point in points])
    rows = [{**_row(point), "on_frontier": at in joint} for at, point in enumerate(points)]
    front = [rows[at] for at in joint]
    ends = _ends([points[at] for at in joint])
    shown = [ends[best]] if best else _thinned(len(front), ends["knee"])
    asked, of_front = ends[_measure(scenario.goal)], _of_front(scenario, front)
    each = _best_of_each(scenario, frontiers)
    return Report(
        command="frontier",
        verdict=_verdict(scenario, front, ends, _beside(scenario, frontiers, each, front[asked]))
        + _prices(scenario, of_front, front),
        inputs=scenario.inputs,
        results=(*search.counts(scenario.each, frontiers), *_results(front, ends), *_of_each(each)),
        series=_series(
            _columns(scenario.each, front),
            [front[asked]] if best else rows,
            [front[at] for at in shown],
            shown.index(asked) if not best and len(front) > 1 else None,
        ),
        advice=(*apart_words(points[joint[asked]], front[asked], _measure(scenario.goal)), *_advice(front)),
        replay=_replays(of_front, named=len(scenario.each) > 1),
        notes=(
            *_notes(of_front, frontiers, front, len(front) if best else len(shown)),
            *null_notes(rows, NULL_REASONS.__getitem__),
            *_about(scenario, of_front),
        ),
        work=with_price(lambda: _shown_work(points[joint[asked]]), points[joint[asked]].candidate),
    )


def _held_to(scenario: Scenario, least: Mapping[str, Any]) -> str:
    """The least cost of a token beside ``--max-cost``, with the request that it is of, its batch and its devices."""
    limit = show(scenario.question.get("max_cost"), "USD")
    tokens, of = "tokens" if _has_no_prompts(least) else "output tokens", ""
    lengths = [item for item in scenario.inputs if item.key in LENGTHS]
    if len(lengths) == len(LENGTHS):
        prompt, answer = (digits(item.value) for item in lengths)
        assumed = " assumed" if any(item.assumed for item in lengths) else ""
        of = f", of {prompt} tokens in and {answer} out{assumed}"
    told = _measure(scenario.goal) == "cost"  # the configuration that comes next
    place = "" if told else f", at batch {least['batch']:,} on {_place(least)}"
    return f"{show(least[_COST], 'USD')} a million {tokens} (limit {limit}) is the least{of}{place}"


def _series(columns: tuple[str, ...], rows: Rows, shown: Rows, marked: int | None) -> Series:
    """All rows for scripts and some for people, whose speeds are between prompts where there are any."""
    keys = {} if _has_no_prompts(shown[0]) else {_SPEED: KEYS[_SPEED]._replace(head="between prompts")}
    return Series(columns, tuple(rows), keys=keys, marked=marked, shown=tuple(shown))


def _ends(points: Sequence[Point]) -> dict[str, int]:
    """Where on a frontier its fastest point, its cheapest and its knee stand."""
    worth = [formulas.cost.preference(speed=point.speed, cost=point.cost) for point in points]
    return {"speed": 0, "cost": len(points) - 1, "knee": worth.index(max(worth))}


def _measure(goal: Goal) -> str:
    """Which point a verdict is about first: that of ``--best``, of a job the cheapest, else the knee."""
    return goal.best or ("cost" if _job(goal) else "knee")


def _best_of_each(scenario: Scenario, frontiers: Sequence[Frontier]) -> dict[str, dict[str, Any] | None]:
    """Of several parts, models or formats the best row of each by the measure of the verdict; None where it has none.

    Its names are those of the rows.
    """
    if len(frontiers) == 1:
        return {}
    measure = _measure(scenario.goal)
    return {
        space.search.name: search.row_of(each.points[_ends(each.points)[measure]]) if each.points else None
        for space, each in zip(scenario.each, frontiers, strict=True)
    }


def _of_each(best: Mapping[str, dict[str, Any] | None]) -> Iterator[Row]:
    """The best of each for scripts, with the figures that a verdict names."""
    if best:
        rows = {name: row and {key: row[key] for key in _COMPARED} for name, row in best.items()}
        yield Row("best_of_each", rows, shown=False)


def _beside(
    scenario: Scenario,
    frontiers: Sequence[Frontier],
    best: Mapping[str, Mapping[str, Any] | None],
    won: Mapping[str, Any],
) -> str:
    """The best of each that was named beside the one that won, by the same measure, or why it has none."""
    if scenario.question.get("gpu") is None:
        return ""
    texts = []
    for space, each in zip(scenario.each, frontiers, strict=True):
        name = space.search.name
        if (row := best.get(name)) and name != won["name"]:
            devices = (
                f"{_times(scenario, row, won)}{show(_a_device(row))} tokens/s a device against {show(_a_device(won))}"
            )
            texts.append(f" {name}: {_worth(row)} on {many(row['total_gpus'], 'device')} ({devices}).")
        elif each.least is not None:
            texts.append(f" {name}: {show(each.least, 'USD')} at least.")
        elif not each.points:
            why, _ = search.why_none(scenario, [each], [space])
            texts.append(f" {name}: {why[0].lower()}{why[1:]}.")
    if len(texts) <= NAMED:
        return "".join(texts)
    return f" The best of {len(texts)} others is in --json: best_of_each."


def _times(scenario: Scenario, row: Mapping[str, Any], won: Mapping[str, Any]) -> str:
    """How many times what the cheapest model costs another one does; empty at unlike speeds, or without a price."""
    price, least = (each["usd_per_million_tokens_all_in"] for each in (row, won))
    several = len(scenario.question.get("model") or ()) > 1 and _measure(scenario.goal) == "cost"
    return f"{digits(price / least, 3)}x the price; " if several and price and least else ""


def _for_readers(goal: Goal, front: Rows) -> str:
    """The cheapest at a usual speed for readers, where the cheapest of all is slower and nobody limited that."""
    if _measure(goal) != "cost" or goal.max_tpot < inf or _speed(front[-1]) >= 1 / USUAL_TPOT:
        return ""
    asked = f" at {1 / USUAL_TPOT:.0f} tokens/s a user or more (--max-tpot {show(USUAL_TPOT, 's').replace(' ', '')})"
    fast = [row for row in front if _speed(row) >= 1 / USUAL_TPOT]
    return f" The cheapest{asked}: {_worth(fast[-1])}." if fast else f" Nothing is{asked}."


def _a_device(row: Mapping[str, Any]) -> float:
    """Tokens a second of a device, prompts worked on too where there are any."""
    return float((row["tokens_per_s_all_in"] or row["tokens_per_s"]) / row["gpus"])


def _in_all(goal: Goal, row: Mapping[str, Any]) -> str:
    """Tokens a second of all replicas, prompts worked on too where there are any, unless these were asked for."""
    if goal.tokens_per_s:
        return ""
    return f": {show((row['tokens_per_s_all_in'] or row['tokens_per_s']) * row['replicas'])} tokens/s in all"


def _replays(spaces: Spaces, *, named: bool) -> tuple[tuple[str, str], ...]:
    return tuple((space.search.name if named else "", f"{search.replay(space)} ...") for space in spaces)


def _of_front(scenario: Scenario, front: Rows) -> Spaces:
    """The spaces to speak of: all that were named; of those that nobody named, the ones on the frontier."""
    if scenario.question.get("gpu") is not None:
        return scenario.each
    return [space for space in scenario.each if any(row["name"] == space.search.name for row in front)]


def _prices(scenario: Scenario, spaces: Spaces, front: Rows) -> str:
    """The end of a verdict: the cheapest for readers, whether the price of the cheapest is weak, the kinds of all."""
    cheapest = [space.search.setup.part for space in spaces if space.search.name == front[-1]["name"]]
    weak = "" if scenario.goal.best == "speed" else weak_price(scenario.question, cheapest)
    return _for_readers(scenario.goal, front) + _asked_for(scenario.goal) + weak + kinds_of_prices(scenario)


def _asked_for(goal: Goal) -> str:
    """What the prices of a rate in all are of."""
    return (
        f" Prices are of all devices over the {show(goal.tokens_per_s)} tokens/s asked for." if goal.is_of_rate else ""
    )


def _about(scenario: Scenario, spaces: Spaces) -> Iterator[Note]:
    """The notes of a scenario, those on prices only of the spaces to speak of."""
    names = [space.search.setup.part.name for space in spaces]
    for note in scenario.notes:
        if note.code != "price" or any(f" {name} " in note.text for name in names):
            yield note


def _row(point: Point) -> dict[str, Any]:
    """A configuration with the intervals of its numbers, where its law has any."""
    row, rack = search.row_of(point), point.candidate.running.rack
    bands = bands_of(row, rack)
    return {**row, "bands": bands} if bands else row


def _shown_work(point: Point) -> None:
    running, goal = point.candidate.running, point.candidate.goal
    _chosen(point.batch)
    if goal.users:
        formulas.users.concurrent_users(**goal.users)
    # the work of the layout first, then what it is counted from
    again = point.candidate._replace(running=reworked(running.on(running.rack.plan)))
    search.priced(point._replace(candidate=again), bracketed=False)


@solved("batch", equation="the row of the frontier that was asked for", source="search over devices, layouts, batches")
def _chosen(batch: float) -> float:
    """The batch of the row whose work is shown."""
    return batch


def _thinned(count: int, knee: int) -> list[int]:
    """As many rows as a table has room for, evenly, both ends and the knee among them."""
    if count <= SHOWN:
        return list(range(count))
    return sorted({round(index * (count - 1) / (SHOWN - 1)) for index in range(SHOWN)} | {knee})


def _verdict(scenario: Scenario, front: Rows, ends: dict[str, int], beside: str) -> str:
    """The row that was asked for, ``beside`` it those of others; of a job the cheapest, else the ends and the knee."""
    spaces, best, job = scenario.each, scenario.goal.best, _job(scenario.goal)
    sure = surest(space.running for space in spaces)
    start = f"{many(len(front), 'configuration')} on the Pareto frontier"
    limit = scenario.question.get("max_cost")
    if limit is not None and (front[0][_COST] or inf) <= limit:
        start += f" within {show(limit, 'USD')}"
    if best:
        row = front[ends[best]]
        words = f"{_BEST[best]} of {start}, {sure}: {_configuration(row)}"
        return f"{words}, {show(_a_device(row))} tokens/s a device.{beside}"
    if job:
        words = f"The cheapest {job}, {sure}: {_configuration(front[-1])}{_in_all(scenario.goal, front[-1])}.{beside}"
        others = f" The fastest of {start}: {_configuration(front[0])}." if len(front) > 1 else ""
        return f"{words}{others}{_leaders(spaces, front)}"
    if len(front) == 1:
        return f"{start}, {sure}: {_configuration(front[0])}.{beside}{_leaders(spaces, front)}"
    span, knee = _span(front[-1], front[0]), front[ends["knee"]]
    words = "" if any(_beats(row, knee) for row in front) else f" The knee is {_configuration(knee)}."
    return f"{start}, {sure}: {span}.{words}{beside}{_leaders(spaces, front)}"


def _span(cheapest: Mapping[str, Any], fastest: Mapping[str, Any]) -> str:
    """The ends of a frontier: by the speed of its axis, between prompts, where with prompts the dearer is no faster."""
    if _speed(fastest) > _speed(cheapest):
        return f"from {_worth(cheapest)} to {_worth(fastest)}"
    low, high = (_worth({**row, "itl_s": 1 / row[_SPEED]}) for row in (cheapest, fastest))
    met = f"{show(_speed(cheapest))} and {show(_speed(fastest))} with prompts of others"
    return f"between prompts from {low} to {high} ({met})"


def _beats(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a row is faster and cheaper than another with the prompts of others between the tokens."""
    cost = "device_seconds_per_token_all_in"
    return _speed(row) > _speed(other) and row["gpu"] == other["gpu"] and row[cost] < other[cost]


def _job(goal: Goal) -> str:
    """The load and the limits that were asked for, as words after "the cheapest"; empty where there are none."""
    users, load = goal.users.get("users"), ""
    if users or goal.concurrent:
        load = f"for {many(users, 'user') if users else many(goal.concurrent, 'sequence') + ' at once'}"
    elif goal.tokens_per_s:
        load = f"for {show(goal.tokens_per_s)} tokens/s in all"
    limits = [f"{show(goal.max_tpot, 's')} a token"] if goal.max_tpot < inf else []
    limits += [f"{show(goal.max_ttft, 's')} to the first one"] if goal.max_ttft < inf else []
    return " ".join(filter(None, (load, f"within {' and '.join(limits)}" if limits else "")))


def _speed(row: Mapping[str, Any]) -> float:
    """Tokens a second of a user with the prompts that the price pays for riding along."""
    if row["itl_s"] is None:
        return float(row["tokens_per_s_per_user"])
    return formulas.cost.tokens_per_s_per_user(step_time=row["itl_s"])


def _speed_words(row: Mapping[str, Any], tabled: str = "") -> str:
    """A user's tokens a second, and that of the table where prompts of others are left out of it."""
    met = show(_speed(row))
    return f"{met} tokens/s a user{f' ({tabled} between prompts)' if tabled not in ('', met) else ''}"


def _worth(row: Mapping[str, Any], tabled: str = "") -> str:
    """A user's speed, beside that of the table where it is given, and what a token costs at it."""
    tokens = "tokens" if _has_no_prompts(row) else "output tokens"
    cost = f"{show(row['usd_per_million_tokens_all_in'], 'USD')} a million {tokens}"
    if row["usd_per_million_tokens_all_in"] is None:
        cost = f"{show(row['device_seconds_per_token_all_in'], 's')} of a device a token"
    return f"{_speed_words(row, tabled)} at {cost}"


def _has_no_prompts(row: Mapping[str, Any]) -> bool:
    """Whether tokens have no prompts."""
    return row["itl_s"] is None


def _place(row: Mapping[str, Any]) -> str:
    """The devices of a replica and their layout."""
    layout = ", ".join(f"{name} {row[name]}" for name in ("tp", "pp", "ep") if row[name] > 1)
    return counted(row["gpus"], row["gpu"]) + (f" ({layout})" if layout else "")


def _configuration(row: Mapping[str, Any]) -> str:
    name = "" if row["name"] == row["gpu"] else f" ({row['name']})"
    replicas = f"; {many(row['replicas'], 'replica')}, {row['total_gpus']:,} devices" if row["replicas"] > 1 else ""
    return f"{_worth(row, show(row[_SPEED]))}, on {_place(row)} at batch {row['batch']:,}{name}{replicas}"


def _leaders(spaces: Spaces, front: Rows) -> str:
    """Which of several models, accelerators or formats leads from which speed on."""
    if len(spaces) == 1:
        return ""
    runs = groupby(reversed(front), key=lambda row: row["name"])
    (cheapest, _), *others = ((name, _speed_words(next(rows))) for name, rows in runs)
    names = [cheapest, *(name for name, _ in others)]
    if len(names) > 4 or len(names) > len(set(names)):  # one leads more than once
        fastest = others[-1][0]
        return f" {cheapest} is cheapest for slow users, {fastest} for the fastest; in between it depends on the speed."
    faster = "".join(f", {name} from {speed} on" for name, speed in others)
    return f" {cheapest} is cheapest{faster or ' at every speed'}."


def _results(front: Rows, ends: dict[str, int]) -> Iterator[Row]:
    fastest, cheapest, knee = front[0], front[-1], front[ends["knee"]]
    paid = "prompts and empty slots paid too" if cheapest["usd_per_million_tokens"] is not None else "needs --price"
    between = "" if _has_no_prompts(fastest) else "between prompts; "
    yield Row("fastest_tokens_per_s_per_user", fastest["tokens_per_s_per_user"], f"{between}{fastest['bound']} binds")
    yield Row("knee_tokens_per_s_per_user", knee["tokens_per_s_per_user"], "1% more speed would cost 4% more")
    yield Row("knee_usd_per_million_tokens", knee["usd_per_million_tokens_all_in"], paid)
    yield Row("least_usd_per_million_tokens", cheapest["usd_per_million_tokens_all_in"], paid)


def _columns(spaces: Spaces, front: Rows) -> tuple[str, ...]:
    cost = "usd_per_million_tokens" if front[0]["usd_per_million_tokens"] is not None else "device_seconds_per_token"
    paid = () if all(isclose(row[cost], row[f"{cost}_all_in"]) for row in front) else (f"{cost}_all_in",)
    devices = ("total_gpus",) if any(row["replicas"] > 1 for row in front) else ()
    names = ("name",) if len(spaces) > 1 else ()
    first = ("busy_ttft_s" if "busy_ttft_s" in front[0] else "ttft_s",) if front[0]["ttft_s"] and not names else ()
    costs = paid if paid and (names or spaces[0].goal.is_of_rate) else (cost, *paid)  # room for names
    met = () if _has_no_prompts(front[0]) else ("itl_s",)
    return (*names, "tokens_per_s_per_user", *met, *costs, "utilization", *first, *devices, "flags")


def _advice(front: Rows) -> Iterator[str]:
    fast, cheap = front[0]["bound"], front[-1]["bound"]
    if fast == cheap:
        yield f"{fast} binds at both ends, so {_REMEDIES[fast]} would move all of it"
    else:
        yield f"{_REMEDIES[fast]} for faster users, {_REMEDIES[cheap]} for cheaper tokens"
    if (front[-1]["prefill_per_decode"] or 0.0) > 1:
        yield "prompts cost more than answers where tokens are cheapest: cache what they share, --prefix-share"


def _notes(spaces: Spaces, frontiers: list[Frontier], front: Rows, shown: int) -> Iterator[Note]:
    yield from search.notes_of_spaces(spaces)
    if spaces[0].load.request:
        text = "costs pay for prompts too, which ride along with the steps of a batch that stays full"
        limits = " and --max-tpot" if spaces[0].goal.max_tpot < inf else ""
        alone = f"tokens/s of the table are between prompts, ITL (itl_s){limits} with those of others;"
        yield Note("prompts", f"{alone} {text}")
    if (unheld := sum(each.unheld for each in frontiers)) > 0:
        yield Note("left-out", f"memory does not hold {many(unheld, 'pair')} of a layout and a batch asked for")
    if front[-1]["batch"] == MOST_BATCH:
        yield Note("batch-limit", f"memory ends no batch before {MOST_BATCH:,}, the largest that is tried")
    if shown < len(front):
        yield Note("thinned", f"the table shows {shown} of {len(front)} configurations; --json and --csv have all")
    if len(spaces) > 1:
        text = "rows that another one beats are the best of their own kind: on_frontier is false"
        yield Note("on-frontier", text)


# What prompts on devices of their own would make of a point of the frontier, where they ride along with its steps.


def apart_words(point: Point, row: Mapping[str, Any], measure: str) -> Iterator[str]:
    """The cheapest such layout at the speed of a row or a higher one, where it costs less by more than the row's error.

    It does with whole replicas for prompts, within ``--max-gpus``. None for a load, whose devices are counted.
    """
    goal, request = point.candidate.goal, point.candidate.load.request
    least = (ends_in(row, "device_seconds_per_token") or (None,))[0]
    if request is None or goal.concurrent or goal.is_of_rate or goal.max_ttft < inf or row["itl_s"] is None:
        return
    each = (one for one in _in_time(point.candidate, row["itl_s"]) if one.devices <= point.candidate.search.most)
    found = min(each, key=lambda one: one.whole, default=None)
    if found is None or found.whole >= (least or row["device_seconds_per_token"]):
        return
    speed = show(formulas.cost.tokens_per_s_per_user(step_time=found.tpot))
    cost, price = f"{show(found.device_seconds, 's')} of a device a token", point.candidate.price
    if price:
        usd = formulas.cost.usd_per_million_tokens(price=price, devices=1, tokens_per_s=1 / found.device_seconds)
        cost = f"{show(usd, 'USD')} a million output tokens"
    flags = f"utilization --disaggregated {flags_of(found.candidate, found.batch)}"
    name = point.candidate.search.setup.part.name
    which = f"{_BEST[measure][0].lower()}{_BEST[measure][1:]}"
    words = f"{cost} at {speed} tokens/s a user, {many(found.devices, 'device')} in all"
    yield f"prompts on {name} of their own would make {which} {words} ({flags})"


def _in_time(space: Scenario, tpot: float) -> Iterator[Apart]:
    """Each layout at its largest batch whose tokens come in time, its prompts on replicas in the same layout."""
    for candidate in (*candidates(space)[0], *_spread(space)):
        one = candidate._replace(load=candidate.load._replace(apart=True))
        try:
            batches = batches_of(one)
            at = bisect_right(batches, tpot, key=partial(_tpot, one))
        except InfercostError:  # no network: such a layout has no time
            continue
        if at:
            yield _apart(one, batches[at - 1])


def _spread(space: Scenario) -> Iterator[Scenario]:
    """The layout that spreads experts over all of a given count, unevenly where that does not divide them."""
    setup, devices = space.search.setup, space.search.devices
    if devices is None or any(space.search.widths) or not 1 < devices <= most_experts(setup.model):
        return
    plan = setup.plan(Layout(1, 1, devices))
    if plan.max_sequences:
        running = space.running.on(plan)
        yield space._replace(rack=running.rack, running=running)


def _apart(one: Scenario, batch: int) -> Apart:
    assert one.load.request is not None
    tpot, seconds = _tpot(one, batch), token_seconds(one, batch) * one.rack.devices
    ratio = prefill_per_decode(one.running, one.load.request, batch, tpot)
    replicas = 1 + ceil(ratio)
    return Apart(one, batch, tpot, seconds, seconds * replicas / (1 + ratio), replicas * one.rack.devices)


def _tpot(candidate: Scenario, batch: int) -> float:
    return pace_of(candidate.running, batch, candidate.draft).tpot
