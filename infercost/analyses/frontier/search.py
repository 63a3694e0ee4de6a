"""The search of a frontier: every layout at every batch that may be on it, and of their points the Pareto frontier."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from math import inf
from shlex import quote
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.remarks import step_notes
from infercost.analyses.step import prefill_per_decode, step_results
from infercost.errors import Missing
from infercost.numeric import ceiling, rounded_up
from infercost.parts.stack import law
from infercost.replica.layout import Layout, asking, every_layout
from infercost.replica.memory import recounted
from infercost.replica.serving import first_token_met, lone_ttft, paid_rate, prompt_steps, prompts_gap, tpot_met
from infercost.replica.step import pace_of, slower_from, tpot_of
from infercost.report import Note, Report, Row
from infercost.scenario.rack import MOST_DEVICES, has_few_stages
from infercost.scenario.scenario import Goal, Scenario
from infercost.units import many, show

#: Batches of a search in each doubling, and the most where memory sets no end.
STEPS, MOST_BATCH = 16, 65_536
#: Costs that differ by a smaller share differ by rounding alone.
ROUNDING = 1e-9
#: Numbers that should be alike differ by less: the last bits of floats.
LAST_BITS = 1e-12


class Point(NamedTuple):
    """A candidate at a batch: its replicas, a user's tokens a second between prompts, the all-in cost of a token.

    ``tpot`` are the seconds of a user's token with the prompts of others riding along, ``rate`` the tokens a second
    that leave one replica, prompts worked on too.
    """

    candidate: Scenario
    batch: int
    replicas: int
    speed: float
    tpot: float
    rate: float
    cost: float

    @property
    def devices(self) -> int:
        """Devices of all replicas."""
        return self.replicas * self.candidate.rack.devices


class Frontier(NamedTuple):
    """The Pareto frontier of a space, fastest first, how much was tried, and what came nearest to the goal.

    ``fewest`` devices carry the load within the latencies, ``unheld`` counts batches that were asked for in vain,
    ``nearest`` is the time of a token and of the first one where both together come nearest to their limits, ``least``
    the least cost where every point is above ``--max-cost``.
    """

    points: tuple[Point, ...] = ()
    tried: int = 0
    layouts: int = 0
    misfits: int = 0
    unheld: int = 0
    tpot: float = inf
    soonest: float = 0.0
    fewest: float = inf
    nearest: tuple[float, float] | None = None
    least: float | None = None

    def within(self, limit: float) -> "Frontier":
        """The points whose tokens cost no more."""
        kept = tuple(point for point in self.points if point.cost <= limit)
        return self._replace(points=kept, least=None if kept or not self.points else self.points[-1].cost)


def candidates(space: Scenario) -> tuple[list[Scenario], int, int]:
    """The space in each layout that holds a sequence, fewest devices first; how many were tried, and how many do not.

    Under the law of a paper, which knows devices and no layout, one layout a count of devices is enough.
    """
    options, setup, misfits = space.search, space.search.setup, 0
    every = every_layout(setup.model, min(options.most, options.reach), options.widths)
    layouts = [layout for layout in every if _is_sought(space, layout)]
    held: dict[Any, Scenario] = {}
    for layout in layouts:
        key = layout.devices if _has_own_layouts(space) else layout
        if key not in held:
            plan = setup.plan(layout)
            if plan.max_sequences == 0:
                misfits += 1
            else:
                running = space.running.on(plan)
                held[key] = space._replace(rack=running.rack, running=running)
    return list(held.values()), len(layouts), misfits


def _is_sought(space: Scenario, layout: Layout) -> bool:
    """Whether a layout is of the count that was given or, where neither it nor stages were, of whole nodes beyond one.

    Where nobody says how many stages there are, it has few. The law of a paper knows no nodes.
    """
    options, setup = space.search, space.search.setup
    if options.devices is not None:
        return layout.devices == options.devices
    whole = layout.devices <= setup.domain or layout.devices % setup.domain == 0
    return bool(options.widths.pp) or _has_own_layouts(space) or (whole and has_few_stages(setup, layout))


def most_batch(candidate: Scenario) -> int:
    """The largest batch to try."""
    return min(candidate.rack.plan.max_sequences or MOST_BATCH, MOST_BATCH)


def _has_own_layouts(space: Scenario) -> bool:
    return law(space.search.setup.stack) == "erdil-2025"


def _unit(candidate: Scenario) -> int:
    """Slots of a batch that fill every stage and group once; under the law of a paper none are told apart."""
    layout = candidate.rack.plan.layout
    return 1 if _has_own_layouts(candidate) else layout.pp * layout.dp


class Trial:
    """A layout on trial: what no batch changes is worked out once, and each batch when it is first looked at."""

    def __init__(self, candidate: Scenario) -> None:
        self.candidate, load = candidate, candidate.load
        # the first token of a request comes with its prompt
        self.first = load.request.output_tokens / load.request.decoded if load.request else 1.0
        # a step without prompts takes as long as a token
        self.plain = not candidate.draft and (not load.request or load.request.context == candidate.rack.plan.context)
        self.seen: dict[int, Point] = {}

    def at(self, batch: int) -> Point:
        """The layout at a batch, on as many replicas as the demand takes."""
        if batch not in self.seen:
            self.seen[batch] = self._at(batch)
        return self.seen[batch]

    def _at(self, batch: int) -> Point:
        candidate, goal, request = self.candidate, self.candidate.goal, self.candidate.load.request
        tpot = tpot_of(candidate.running, batch, candidate.draft)
        met, paid = tpot, formulas.cost.tokens_per_s(batch=batch, step_time=tpot)
        if request:
            gap = prompts_gap(candidate.running.replica, batch, request, tpot if self.plain else None)
            met, paid = tpot_met(tpot, gap, batch), paid_rate(request, batch, tpot, gap)
        replicas = replicas_of(goal, batch, paid)
        speed = formulas.cost.tokens_per_s_per_user(step_time=tpot)
        cost = all_in(goal, self._cost(paid), replicas, batch, paid)
        return Point(candidate, batch, replicas, speed, met, paid, cost)

    def _cost(self, rate: float) -> float:
        """The cost of a token where so many leave a replica in a second."""
        devices, price = self.candidate.rack.devices, self.candidate.price
        if price is None:
            return formulas.cost.device_seconds_per_token(devices=devices, tokens_per_s=rate)
        return formulas.cost.usd_per_million_tokens(price=price, devices=devices, tokens_per_s=rate)

    def least(self, small: int, large: int) -> float:
        """A cost that no batch between two undercuts: of a rate in all that of the fewest whole replicas."""
        full, goal = self._least_full(small, large), self.candidate.goal
        rate = self._cost(1.0) / full
        return all_in(goal, full, replicas_of(goal, small, rate), small, rate) if goal.is_of_rate else full

    def _least_full(self, small: int, large: int) -> float:
        """A cost that no replica with a batch between two undercuts, all of its tokens asked for.

        No slot is empty, and of a token's share of the steps each part is the least: of steps without prompts that of
        the larger batch, of steps with prompts, or where prompts share them of all, that of the smaller.
        """
        if small == 1 < large and self.candidate.load.request:  # its prompt lies before its tokens, beside none
            return min(self._cost(self.at(1).rate), self._least_full(2, large))
        one, other, unit = self.at(small), self.at(large), _unit(self.candidate)
        second = self._cost(self.first)  # of all devices, for each token of a step
        decode = 1 / other.speed / (ceiling(large / unit) * unit)
        paid = self._cost(one.rate) / second
        prompts = paid - 1 / one.speed / small
        if (steps := self._prompt_steps(large)) is None:
            return second * max(decode, paid * small / large)
        return second * (decode + max(prompts - steps * (1 / other.speed - 1 / one.speed), 0.0))

    def _prompt_steps(self, batch: int) -> float | None:
        candidate, request = self.candidate, self.candidate.load.request
        if request is None:
            return 0.0
        return prompt_steps(candidate.running.replica, batch, request) if self.plain else None

    def groups(self) -> Iterator[Sequence[int]]:
        """Batches to try, in groups in which a token takes longer the larger the batch."""
        every = batches_of(self.candidate)
        ends = [*(bisect_left(every, first) for first in slower_from(self.candidate.running)), len(every)]
        yield from (self._refined(every[start:end]) for start, end in pairwise(ends) if start < end)

    def _refined(self, batches: Sequence[int]) -> Sequence[int]:
        """Batches with all between the last in time and the first that is late, unless some were asked for."""
        goal, on_time = self.candidate.goal, self.on_time(batches)
        if goal.concurrent or goal.batches or not 0 < on_time < len(batches):
            return batches
        return *batches[: on_time - 1], *range(batches[on_time - 1], batches[on_time]), *batches[on_time:]

    def on_time(self, batches: Sequence[int]) -> int:
        """How many batches of a group keep the limits on the time of a token and of the first one."""
        goal = self.candidate.goal
        if goal.max_tpot == goal.max_ttft == inf:
            return len(batches)
        return bisect_left(batches, True, key=self._is_late)

    def _is_late(self, batch: int) -> bool:
        goal = self.candidate.goal
        return busy_ttft(self.candidate, batch) > goal.max_ttft or self.at(batch).tpot > goal.max_tpot

    def between(self, small: int, large: int) -> Iterator[int]:
        """Between two batches the smallest of each number of replicas that may be had, most replicas first."""
        most, fewest = self.candidate.search.most // self.candidate.rack.devices, self.at(large).replicas
        replicas = min(self.at(small).replicas - 1, most)
        while large - small > 1 and replicas >= fewest:
            every = range(small + 1, large + 1)
            small = every[bisect_left(every, -replicas, key=lambda batch: -self.at(batch).replicas)]
            yield small
            replicas = self.at(small).replicas - 1


def busy_ttft(candidate: Scenario, batch: int) -> float:
    """Seconds to the first token beside the others of a batch that stays full, no slot waited for; 0 without a limit.

    One request at a time meets an idle server.
    """
    replica, request = candidate.running.replica, candidate.load.request
    if request is None or candidate.goal.max_ttft == inf:
        return 0.0
    return lone_ttft(replica, request) if batch == 1 else first_token_met(replica, batch, request)


class Front:
    """Speeds that fall and costs that fall with them: of some points those that no other one beats."""

    def __init__(self) -> None:
        self._slow, self._costs = list[float](), list[float]()

    def add(self, speed: float, cost: float) -> None:
        """Take in a point unless another one beats it, and drop those that it beats."""
        at = bisect_right(self._slow, -speed)
        if at and self._costs[at - 1] <= cost:
            return
        end = at
        while end < len(self._costs) and self._costs[end] >= cost:
            end += 1
        self._slow[at:end], self._costs[at:end] = [-speed], [cost]

    def beats(self, speed: float, cost: float) -> bool:
        """Whether one of the points is faster than so much and costs no more than so much."""
        at = bisect_left(self._slow, -speed * (1 + LAST_BITS))
        return at > 0 and self._costs[at - 1] <= cost * (1 + LAST_BITS)


def search(space: Scenario) -> Frontier:
    """The frontier of a space.

    Raises:
        Missing: a limit on the first token of no request.
    """
    goal = space.goal
    if goal.max_ttft < inf and space.load.request is None:
        raise Missing("--max-ttft needs a prompt", "give --input-tokens and --output-tokens")
    held, layouts, misfits = candidates(space)
    trials = [Trial(each) for each in held]
    groups = [(trial, batches) for trial in trials for batches in trial.groups()]
    timely = [(each, batches[: each.on_time(batches)]) for each, batches in groups]
    timely = [(each, batches) for each, batches in timely if batches]
    points = tuple(pareto(looked_at(timely)))
    return Frontier(
        points=points,
        tried=sum(len(batches) for _, batches in groups),
        layouts=layouts,
        misfits=misfits,
        unheld=sum(batch > most for most in map(most_batch, held) for batch in goal.batches),
        tpot=min((each.at(batches[0]).tpot for each, batches in groups), default=inf),
        soonest=min((busy_ttft(each.candidate, batches[0]) for each, batches in groups), default=0.0),
        fewest=0 if points else min((each.at(batch).devices for each, some in timely for batch in some), default=inf),
        nearest=None if points else _nearest_of(groups, goal, space.search.most),
    )


def _nearest_of(groups: Iterable[tuple[Trial, Sequence[int]]], goal: Goal, most: int) -> tuple[float, float] | None:
    """The times that come nearest to both limits of what so many devices carry; None where they carry nothing."""
    found = []
    for each, batches in groups:
        batch = next((batch for batch in batches if each.at(batch).devices <= most), None)
        found += [(each.at(batch).tpot, busy_ttft(each.candidate, batch))] if batch else []
    return min(found, key=lambda times: max(times[0] / goal.max_tpot, times[1] / goal.max_ttft), default=None)


def looked_at(groups: Sequence[tuple[Trial, Sequence[int]]]) -> list[Point]:
    """Of all batches of some layouts those that may be on the frontier, on as many devices as there may be.

    Between two batches of a group no token comes faster than at the smaller, and none is cheaper than their least cost.
    Where a point beats both at once nothing between them is on the frontier; else the middle is looked at, and then
    what lies between it and the two.
    """
    front = Front()
    for trial, batches in groups:
        _look(front, trial, batches[0], batches[-1])
    for trial, batches in groups:
        spans = [batches]
        while spans:
            span = spans.pop()
            small, large, middle = span[0], span[-1], len(span) // 2
            if len(span) > 2 and not front.beats(trial.at(small).speed, trial.least(small, large)):
                _look(front, trial, span[middle])
                spans += [span[: middle + 1], span[middle:]]
    seen = [trial.seen[batch] for trial, batches in groups for batch in batches if batch in trial.seen]
    return [point for point in (*seen, *_of_rate(front, groups)) if _is_affordable(point)]


def _of_rate(front: Front, groups: Sequence[tuple[Trial, Sequence[int]]]) -> Iterator[Point]:
    """For a rate in all, between batches that are tried those with which whole replicas just carry it."""
    for trial, batches in groups:
        if trial.candidate.goal.is_of_rate and not trial.candidate.goal.batches:
            for small, large in pairwise(batch for batch in batches if batch in trial.seen):
                if not front.beats(trial.at(small).speed, trial.at(large).cost):
                    found = [*trial.between(small, large)]
                    _look(front, trial, *found)
                    yield from map(trial.at, found)


def _look(front: Front, trial: Trial, *batches: int) -> None:
    for point in map(trial.at, batches):
        if _is_affordable(point):
            front.add(point.speed, point.cost)


def _is_affordable(point: Point) -> bool:
    return point.devices <= point.candidate.search.most


def batches_of(candidate: Scenario) -> Sequence[int]:
    """Batches of a layout: those asked for, or some; for a number of users those of replicas that share them evenly."""
    goal, layout, most = candidate.goal, candidate.rack.plan.layout, most_batch(candidate)
    if goal.batches:
        return [batch for batch in goal.batches if batch <= most]
    tried = _batches(_unit(candidate), most)
    if not goal.concurrent:
        return tried
    counts = {
        *range(1, candidate.search.most // layout.devices + 1),
        *(int(ceiling(goal.concurrent / batch)) for batch in tried),
    }
    shared = {max(int(ceiling(goal.concurrent / count)), 1) for count in counts}
    return sorted(batch for batch in shared if batch <= most)


@cache
def _batches(unit: int, most: int) -> tuple[int, ...]:
    """Batches to try: 1, multiples of a layout's stages and groups up to the most, and the most itself."""
    batches, parts = {1, most, max(most // unit * unit, 1)}, 1
    while unit * parts <= most:
        batches.add(unit * parts)
        parts = max(parts + 1, round(parts * 2 ** (1 / STEPS)))
    return tuple(sorted(batches))


def replicas_of(goal: Goal, batch: int, rate: float) -> int:
    """Replicas of a batch, each at a rate with its prompts paid, that serve all users and decode all that is asked."""
    needed = [1]
    if goal.concurrent:
        needed.append(formulas.users.replicas(slots=goal.concurrent, batch=batch))
    if goal.tokens_per_s:
        needed.append(formulas.cost.replicas_of_rate(least_tokens_per_s=goal.tokens_per_s, tokens_per_s=rate))
    return max(needed)


def all_in(goal: Goal, cost: float, replicas: int, batch: int, rate: float) -> float:
    """The cost of a token that is asked for: slots that users leave empty, and tokens that nobody wants, are paid too.

    ``cost`` is that of a full replica, from which tokens leave at a rate.
    """
    if goal.is_of_rate:
        given = formulas.cost.total_tokens_per_s(replicas=replicas, tokens_per_s=rate)
        return formulas.cost.asked_cost(cost=cost, total_tokens_per_s=given, least_tokens_per_s=goal.tokens_per_s)
    slots = batch if replicas == 1 else formulas.users.slots_of_replicas(replicas=replicas, most_batch=batch)
    users = goal.concurrent or slots
    return formulas.cost.served_cost(cost=cost, prefill_paid=0, slots=slots, concurrent_users=users)


def pareto(points: Sequence[Point]) -> Iterator[Point]:
    """The points on the Pareto frontier; on ties, the layout with fewest devices."""
    yield from (points[at] for at in pareto_indices([each.speed for each in points], [each.cost for each in points]))


def pareto_indices(speed: Sequence[float], cost: Sequence[float]) -> list[int]:
    """Indices of the points that no other one beats by more than a rounding, fastest first; on ties, the first."""
    cheapest, indices = inf, list[int]()
    for at in sorted(range(len(speed)), key=lambda at: (-speed[at], cost[at])):
        if cost[at] < cheapest * (1 - ROUNDING):
            cheapest = cost[at]
            indices.append(at)
    return indices


def priced(point: Point, *, bracketed: bool = True) -> dict[str, Any]:
    """All that ``utilization`` says of a point, and the all-in cost of its tokens."""
    candidate, batch, request = point.candidate, point.batch, point.candidate.load.request
    pace = pace_of(candidate.running, batch, candidate.draft)
    results = step_results(candidate, batch, pace, bracketed=bracketed)
    rate, prefill = results.get("tokens_per_s_all_in", results["tokens_per_s"]), None
    if request:
        prefill = prefill_per_decode(candidate.running, request, batch, pace.tpot)
    cost = results["usd_per_million_tokens"]
    replicas = replicas_of(candidate.goal, batch, rate)
    paid = None if cost is None else all_in(candidate.goal, cost, replicas, batch, rate)
    return {
        "itl_s": None,
        "tokens_per_s_all_in": None,
        **results,
        "prefill_per_decode": prefill,
        "usd_per_million_tokens_all_in": paid,
        **({"busy_ttft_s": busy_ttft(candidate, batch)} if candidate.goal.max_ttft < inf else {}),
    }


def row_of(point: Point) -> dict[str, Any]:
    """A point with its layout, the replicas of the goal, and how to ask again."""
    space, layout = point.candidate, point.candidate.rack.plan.layout
    setup = space.search.setup
    seconds = formulas.cost.device_seconds_per_token(devices=layout.devices, tokens_per_s=point.rate)
    flags = flags_of(point.candidate, point.batch)
    return {
        "name": space.search.name,
        "gpu": setup.part.name,
        "model": setup.model.name,
        "dtype": setup.model.quantization.name,
        **layout.widths,
        "replicas": point.replicas,
        "total_gpus": point.devices,
        **priced(point),
        "device_seconds_per_token": seconds,
        "device_seconds_per_token_all_in": all_in(space.goal, seconds, point.replicas, point.batch, point.rate),
        "flags": flags,
        "replay": f"{replay(space)} {flags}",
    }


def flags_of(candidate: Scenario, batch: int) -> str:
    """The flags of a layout and a batch, as ``utilization`` takes them."""
    return _text({**asking(candidate.search.setup.model, candidate.rack.plan.layout), "batch": batch})


def replay(space: Scenario) -> str:
    """The command that, with the flags of a row, gives its numbers again."""
    return f"infercost utilization {_text(space.search.flags)}"


def _text(flags: Mapping[str, Any]) -> str:
    short = {"input_tokens": "isl", "output_tokens": "osl"}
    keys = {name: short.get(name, name).partition(" ")[0].replace("_", "-") for name in flags}
    return " ".join(f"--{keys[name]} {quote(str(value))}" for name, value in flags.items())


def counts(spaces: Sequence[Scenario], frontiers: Sequence[Frontier]) -> tuple[Row, ...]:
    """How much was tried, and what memory left out."""
    context = many(spaces[0].rack.plan.context, "token")
    return (
        Row("configurations", sum(each.tried for each in frontiers), "layouts x batches that were tried"),
        Row("layouts", sum(each.layouts for each in frontiers), "that an engine accepts"),
        Row("layouts_excluded", sum(each.misfits for each in frontiers), f"cannot hold the model and {context}"),
    )


def notes_of_spaces(spaces: Sequence[Scenario]) -> Iterable[Note]:
    """How the steps of all spaces are counted, and how far their replicas reach; each note once."""
    notes: list[Note] = []
    for space in spaces:
        notes += [note for note in step_notes(space.running) if note.code != "layout"]
        if (reach := space.search.reach) < MOST_DEVICES:
            text = f"no network of {space.search.setup.part.name} is known: replicas of at most {many(reach, 'device')}"
            if space.question.get("max_gpus") is None and (most := space.search.most) < MOST_DEVICES:
                text += f", {most} in all, what one computer holds (--max-gpus)"
            notes.append(Note("reach", text))
        own, domain = space.search.devices, space.search.setup.domain
        if own is None and min(space.search.most, reach) > domain and not _is_sought(space, Layout(pp=domain + 1)):
            text = f"replicas beyond a node of {domain} are of whole nodes: --gpus or --pp asks for others"
            notes.append(Note("nodes", text))
    return dict.fromkeys(notes)


def no_frontier(scenario: Scenario, frontiers: Sequence[Frontier]) -> Report:
    """The answer where no configuration is left: what memory holds, or what comes nearest to the demand."""
    why, advice = why_none(scenario, frontiers, scenario.each)
    return Report(
        command="frontier",
        verdict=f"{why}.",
        inputs=scenario.inputs,
        results=counts(scenario.each, frontiers),
        advice=(advice,),
        notes=(*notes_of_spaces(scenario.each), *scenario.notes),
        met=False,
        work=lambda: recounted(scenario.each[0].rack),
    )


def why_none(scenario: Scenario, frontiers: Sequence[Frontier], spaces: Sequence[Scenario]) -> tuple[str, str]:
    """Why some spaces have no configuration, and what would give them one."""
    if any(each.tried for each in frontiers):
        return f"Nothing meets this: {_broken(scenario, frontiers)}", _reachable(scenario, frontiers)
    if any(each.misfits < each.layouts for each in frontiers):
        why = f"Does not fit: memory holds fewer than {many(min(scenario.goal.batches), 'sequence')} in every layout"
        return why, "ask for smaller batches, or leave --batch out"
    most = many(max(min(space.search.most, space.search.reach) for space in spaces), "device")
    asked = scenario.question.get("gpus")
    of = many(asked, "device") if asked else f"up to {most}"
    why = f"Does not fit: no layout of {of} holds the model and a sequence"
    return why, "see infercost fit for what would make it fit"


def _broken(scenario: Scenario, frontiers: Sequence[Frontier]) -> str:
    """Every limit that nothing keeps and what comes nearest to it, or the devices that would carry the load."""
    goal, most = scenario.goal, scenario.each[0].search.most
    tpot, ttft = min(each.tpot for each in frontiers), min(each.soonest for each in frontiers)
    fewest, broken = min(each.fewest for each in frontiers), []
    if tpot > goal.max_tpot:
        broken.append(f"the fastest takes {show(tpot, 's')} a token")
    if ttft > goal.max_ttft:
        broken.append(f"the soonest first token takes {show(ttft, 's')}")
    if broken:
        return " and ".join(broken)
    if most < fewest < inf:
        return f"it takes {many(fewest, 'device')}, and {many(most, 'device')} may be used (--max-gpus)"
    return "what keeps one of the limits does not keep the other"


def _reachable(scenario: Scenario, frontiers: Sequence[Frontier]) -> str:
    """Limits that can be met, both at once and each little above what comes nearest, or the devices that it takes."""
    goal, fewest = scenario.goal, min(each.fewest for each in frontiers)
    if scenario.each[0].search.most < fewest < inf:
        return f"--max-gpus {fewest:,.0f}".replace(",", "")
    limits = {"--max-tpot": goal.max_tpot, "--max-ttft": goal.max_ttft}
    known = [each.nearest for each in frontiers if each.nearest]
    if not known:
        return "a smaller load, or a larger --max-gpus"
    tpot, ttft = min(known, key=lambda times: max(times[0] / goal.max_tpot, times[1] / goal.max_ttft))
    flags = [
        f"{name} {show(rounded_up(time, 2), 's').replace(' ', '')}"
        for (name, limit), time in zip(limits.items(), (tpot, ttft), strict=True)
        if time > limit
    ]
    return f"{' '.join(flags)} can be met"
