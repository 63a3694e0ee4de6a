"""The layout where nobody asked for one: replicas, tensor, pipeline and expert parallelism by what they serve."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from math import ceil, inf
from typing import NamedTuple, Protocol, TypeVar

from infercost import formulas
from infercost.errors import InfercostError
from infercost.parts.stack import is_nominal, law, splits_layers
from infercost.replica.layout import FREE, Layout
from infercost.replica.memory import Plan, Setup
from infercost.replica.serving import (
    Request,
    full_prefill_time,
    paid_rate,
    prefill_time,
    prompts_gap,
    serve_closed,
    serve_rate,
    texts_of_pass,
    tpot_met,
)
from infercost.replica.step import LARGEST_BATCH, Draft, Running, tpot_of
from infercost.report import Note
from infercost.scenario.options import DRAFT
from infercost.scenario.rack import (
    LOADS,
    MOST_DEVICES,
    engine_layouts,
    first_layout,
    fitting_plan,
    given_widths,
    holds_in_any,
    least_plan,
    plan_on,
    rack_of,
    read_setup,
)
from infercost.scenario.read import Given, Question, Reading, read_part
from infercost.scenario.running import read_draft, read_load, read_request, read_running, read_text
from infercost.scenario.scenario import AS_LEAST, CHEAPEST, CHOSEN, COMPARED, FOR_ONE, IN_TIME, Load, most_at_once
from infercost.scenario.usual import assume_request, devices_paid, usual_lengths
from infercost.units import many, show

#: What asks for another way to hold a model; with either there is no layout to choose.
_ASKED = ("host", "params")
#: What asks for a part of a layout: the rest of it is chosen.
_WIDTHS = ("tp", "pp", "ep", "dp")
#: What was measured: of one user where nobody says how many there were.
_CLAIMS = {"measured_tokens_per_s", "measured_mfu"}
#: Figures of layouts that are closer than this are alike: estimates do not tell them apart.
ALIKE = 0.1
#: What replicas that nobody asked for have where nobody says how many sequences there are.
EACH_ALONE = "a sequence on each"
#: How many times as good a layout in more stages must be to be named.
MUCH = 1.25
#: How many times as good it must be to be named beside the best for a load.
LITTLE = 1.01
#: How many times the least devices of a replica are tried.
TIMES = (1, 2, 4, 8)
#: Devices of one replica up to which every whole number of nodes is tried.
_WIDE = 64


class HasLayout(Protocol):
    """What is in a layout."""

    @property
    def layout(self) -> Layout:
        """The layout of one replica."""
        ...


T = TypeVar("T", bound=HasLayout)


class Choice(NamedTuple):
    """Replicas of one layout: tokens a second of all, and seconds of a request, or of a token where there is none.

    Of a model that decodes nothing they are texts, and seconds of a pass.

    ``is_late`` is whether requests pile up, or wait for others to end, or a lone user's token takes too long.
    """

    copies: int
    layout: Layout
    rate: float
    time: float
    is_late: bool = False

    @property
    def devices(self) -> int:
        """Devices of all replicas."""
        return self.copies * self.layout.devices

    @property
    def words(self) -> str:
        """The layout as a person says it: ``8 replicas of one device``, ``tp 4 pp 2``."""
        words = self.layout.words
        return words if self.copies == 1 else f"{self.copies:,} replicas of {words}"


class Asked(NamedTuple):
    """What a layout is chosen for: a model that steps, its load, the batch that was asked for, 0 where none was.

    ``wide`` is whether groups of ranks may attend for themselves, which takes a sequence for each. ``shares`` is
    whether replicas that read prompts apart are among the devices that were counted. ``kept`` are widths,
    and ``copies`` replicas, that somebody asked for, 0 where they are free; ``groupwise`` is whether the most sequences
    of the load are those of each data parallel group. ``job`` is how many requests are to end soonest, 0 where somebody
    waits for each, or said how many run at once; it ends within ``deadline`` seconds.
    """

    setup: Setup
    running: Running
    load: Load
    draft: Draft | None
    batch: int
    max_tpot: float = inf
    wide: bool = True
    kept: Layout = FREE
    copies: int = 0
    groupwise: bool = True
    shares: bool = False
    job: float = 0.0
    deadline: float = inf

    @property
    def is_full(self) -> bool:
        """Whether nobody said how many sequences there are, so that replicas are compared when they are full."""
        return not self.batch and not self.load.is_steady

    @property
    def at_once(self) -> int:
        """Sequences to hold where nobody counted devices: the batch, or all requests in flight that an engine runs."""
        load = self.load
        return self.setup.batch if load.concurrent is None else ceil(min(load.concurrent, load.most))

    def choices(self, copies: int, layouts: Iterable[Layout]) -> Iterator[Choice]:
        """What so many replicas serve in each layout that holds their share."""
        if self.copies not in (0, copies):
            return
        share = max(self.batch, 1) / copies
        linked = "link_bandwidth" in self.setup.part.facts
        for layout in layouts:
            if not self._keeps(layout) or (layout.devices > 1 and not (linked or splits_layers(self.setup.stack))):
                continue
            try:
                plan = self.setup._replace(batch=ceil(share)).plan(layout)
                if plan.fits:
                    yield self._choice(copies, plan, share)
            except InfercostError:  # no link, no network: such a layout has no time
                continue

    def _keeps(self, layout: Layout) -> bool:
        """Whether a layout has the widths that somebody asked for."""
        own = layout.widths
        return all(width in (0, own[name]) for name, width in self.kept.widths.items())

    def _choice(self, copies: int, plan: Plan, share: float) -> Choice:
        running, load = self.running.on(plan), self.load
        if load.request and (self.setup.model.prefill_only or load.reads):
            return self._read(running, copies, share, load.request)
        held = plan.max_sequences
        most = load.most * (plan.layout.dp if self.groupwise else 1)
        most = most if held is None else min(most, held)
        if self.job:
            return self._of_job(running, copies, max(int(min(most, ceil(self.job / copies))), 1))
        batch = self._full(running, most) if self.is_full else share
        if load.request is None or self.batch:
            time = tpot_of(running, batch, self.draft)
            return Choice(copies, plan.layout, copies * self._decoded(running, batch, time), time)
        request = load.request._replace(prefix_share=1.0, chunk_tokens=None) if load.apart else load.request
        if self.shares and load.rate:
            reading = ceil(load.rate * full_prefill_time(running.replica, load.request))
            if copies <= reading:
                return Choice(copies, plan.layout, 0.0, inf, is_late=True)
            copies -= reading
        if load.rate is None:
            concurrent = batch if self.is_full else (load.concurrent or 1.0) / copies
            served = serve_closed(running.replica, concurrent, request, most)
            served = served._replace(stable=concurrent <= most)
        else:
            served = serve_rate(running.replica, load.rate / copies, request, most)
        rate = copies * served.rate * request.output_tokens
        late = not served.stable or (self.max_tpot < inf and self._tpot(running, 1.0) > self.max_tpot)
        return Choice(copies, plan.layout, rate, served.request_time, late)

    def _read(self, running: Running, copies: int, share: float, request: Request) -> Choice:
        """What replicas read of texts that come together, or of prompts whose only token comes with them."""
        if self.setup.model.prefill_only:
            texts = share if self.batch else texts_of_pass(running.replica, request)
            time = prefill_time(running.replica, texts, request)
            return Choice(copies, running.rack.plan.layout, copies * texts / time, time)
        rate = copies * request.input_tokens / full_prefill_time(running.replica, request)
        return Choice(copies, running.rack.plan.layout, rate, prefill_time(running.replica, 1, request))

    def _of_job(self, running: Running, copies: int, batch: int) -> Choice:
        """What replicas do of a job, full batches of it until its end, and how long that takes."""
        rate, request = copies * self._decoded(running, batch, tpot_of(running, batch, self.draft)), self.load.request
        assert request is not None  # a job is of requests
        answered = formulas.cost.requests_answered(tokens_per_s=rate / copies, output_tokens=request.output_tokens)
        time = formulas.cost.job_time(
            job_requests=self.job, replicas=copies, requests_answered=answered, request_time=0.0
        )
        return Choice(copies, running.rack.plan.layout, rate, time)

    def _full(self, running: Running, most: float) -> float:
        """The largest batch that a replica holds within the limit on a token, one where none is."""
        if self.max_tpot == inf:
            return most
        batches = range(1, int(min(most, LARGEST_BATCH)) + 1)
        within = bisect_right(batches, self.max_tpot, key=lambda batch: self._tpot(running, batch))
        return batches[max(within, 1) - 1]

    def _decoded(self, running: Running, batch: float, tpot: float) -> float:
        """Tokens a second of a batch that stays full, its prompts paid where their length is known."""
        request = self.load.request
        if request is None:
            return batch / tpot
        return paid_rate(request, batch, tpot, prompts_gap(running.replica, batch, request))

    def _tpot(self, running: Running, batch: float) -> float:
        """Seconds between a user's tokens in a batch that stays full, prompts of the others riding along."""
        step, request = tpot_of(running, batch, self.draft), self.load.request
        return tpot_met(step, prompts_gap(running.replica, batch, request), batch) if request else step


def with_layout(question: Question) -> Question:
    """The question with the layout that serves it best among those that keep the widths given, and why in one line.

    On a count of devices that was given it is the layout with most tokens a second at the batch or load that was asked
    about, at a rate that several keep up with the one with the shortest request. Where nobody says how many sequences
    there are, it is as many replicas as give most tokens a second when they are full.

    Raises:
        InfercostError: a question that cannot be read.
    """
    widths, copies = given_widths(Reading(question)), int(question.get("dp") or 0)
    free = {name: given for name, given in question.given.items() if name not in _WIDTHS}
    reading, kept = Reading(question._replace(given=free, notes=())), any(widths) or copies > 0
    is_held = any(given.origin.startswith("assumed") for name, given in question.given.items() if name in _WIDTHS)
    if is_held or not _is_open(reading):  # held over all points of a sweep
        return question
    setup, devices = read_setup(reading)
    single = devices is None or first_layout(setup, devices) is not None
    together = is_nominal(setup.stack) or question.command == "sweep-batch"
    if devices == 1 or law(setup.stack) == "erdil-2025" or (together and (single or kept)):
        return question
    if (asked := _asked(reading, setup)) is None:
        return question
    if kept:
        return _rest_of(question, asked._replace(kept=widths, copies=copies), devices)
    found, staged = ([], "") if together else _found(asked._replace(shares=_shares(asked, devices)), devices)
    if devices and not found and not together and (asked.batch or not single):
        held = holds_in_any(setup, devices)  # a part without a link has no time and may hold it
        found = [] if held else _nearest(asked, devices, single)
    if not _CLAIMS.isdisjoint(question.given):  # whoever measured so many devices had a part for each
        found = [one for one in found if one.devices == devices] or found
    return _answered(question, devices, found, asked, staged) if found else question


def _shares(asked: Asked, devices: int | None) -> bool:
    """Whether replicas that read the prompts of a rate apart are among so many devices that were given."""
    return devices is not None and asked.load.apart and asked.load.rate is not None


def _rest_of(question: Question, asked: Asked, devices: int | None) -> Question:
    """The question with the rest of a layout of which a part was given; as it is where none of all devices holds it."""
    copies = max(asked.copies, 1)
    if devices is None:
        share = ceil(max(asked.batch, 1) / copies)
        devices = copies * plan_on(asked.setup._replace(batch=share), None, asked.kept).layout.devices
    found, staged = _on(asked, devices) if devices % copies == 0 else ([], "")
    is_all = any(one.devices == devices for one in found)
    return _answered(question, devices, found, asked, staged) if is_all else question


def with_replica(reading: Reading) -> Reading:
    """A reading of a service on the replica whose tokens cost least when it is full: its layout, and its devices too.

    A count of devices that was given is kept, and so are widths. Within ``--budget`` it is the replica of which as many
    as the money pays for have most tokens a second.

    Raises:
        InfercostError: a question that cannot be read.
    """
    if (known := _of_service(reading)) is None:
        return reading
    asked, devices, first = known
    widest = first.devices if any(asked.kept) else max(asked.setup.domain, first.devices)
    sizes = [devices] if devices else [first.devices * times for times in TIMES if first.devices * times <= widest]
    if devices is None and "budget" in reading.given:  # whose money may end between them
        sizes = list(range(first.devices, widest + 1))
    paid = devices_paid(reading, asked.setup.part, sizes)
    best, staged = _replicas_of(asked, paid or sizes, paid)
    is_first = not best or best[0].layout == first
    if is_first and not staged:
        return reading
    chosen = reading.again()
    if not is_first:
        chosen = laid_out(chosen, best[0].layout)
        if devices is None:
            chosen.given["gpus"] = Given(best[0].devices, CHEAPEST)
        many_paid = paid.get(best[0].devices, 0) if len(set(paid.values())) > 1 else 0
        whole = f"; {many(many_paid, 'device')} of such replicas are what --budget pays for" if many_paid else ""
        chosen.note("choice", _why(best, asked, devices is None, staged) + whole)
    if staged:
        chosen.note("stages", staged)
    return chosen


def laid_out(reading: Reading, layout: Layout) -> Reading:
    """The reading with the widths of a layout, those that were given kept."""
    reading.given |= {name: Given(width, CHOSEN) for name, width in layout.widths.items() if name not in reading.given}
    return reading


def layouts_of(reading: Reading, devices: int) -> list[Layout]:
    """Layouts of a replica of a service on so many devices that keep the widths given; none where none is chosen.

    Raises:
        InfercostError: a question that cannot be read.
    """
    if devices == 1 or (known := _of_service(reading)) is None:
        return []
    asked, *_ = known
    every = asked.choices(1, _layouts(asked, devices))
    return [one.layout for one in of_few_stages(every, asked.setup.domain) if not one.is_late]


def _of_service(reading: Reading) -> tuple[Asked, int | None, Layout] | None:
    """What a replica of a service is chosen for, the devices given, its first layout; None where none is chosen."""
    given = reading.given
    if "model" not in given or any(name in given for name in (*_ASKED, "batch")):
        return None
    trial = reading.again()
    setup, devices = read_setup(trial)
    if devices == 1 or is_nominal(setup.stack) or law(setup.stack) == "erdil-2025":
        return None
    kept = given_widths(reading)
    if (least := _least_of_service(setup, devices, kept)) is None or not least.fits:
        return None
    rack = rack_of(setup, least)
    load = Load(read_request(trial, rack), most=_most_of_service(reading, least, setup))
    asked = Asked(setup, read_running(trial, rack), load, None, 0, reading.get("max_tpot") or inf, kept=kept)
    return asked._replace(groupwise="max_sequences" not in given), devices, least.layout


def _replicas_of(asked: Asked, sizes: Iterable[int], paid: Mapping[int, int]) -> tuple[list[Choice], str]:
    """Replicas of a service, the one whose tokens cost least first; and what more stages would give beside it.

    ``paid`` are the devices in all that a month's money pays for, by those of a replica: there the most tokens win.
    """
    every = [list(asked.choices(1, _layouts(asked, size))) for size in sizes]
    found = [one for choices in every for one in of_few_stages(choices, asked.setup.domain)]
    found = [one for one in found if not one.is_late] or found

    def merit(one: Choice) -> float:
        return one.rate / one.devices * paid.get(one.devices, 1)

    found.sort(key=lambda one: (-merit(one), one.devices))
    best = _simplest_first(found, [merit(one) for one in found])
    return best, _in_stages(best[0], every) if best else ""


def _least_of_service(setup: Setup, devices: int | None, kept: Layout) -> Plan | None:
    """The first plan of a replica that fits, in the widths that were given."""
    if any(kept):
        return plan_on(setup, devices, kept)
    return fitting_plan(setup, devices) if devices else least_plan(setup)


def _most_of_service(reading: Reading, plan: Plan, setup: Setup) -> float:
    """Sequences that a replica of a service runs at once: what memory holds, unless somebody or nothing limits it."""
    if "max_sequences" in reading.given or plan.max_sequences is None:
        return most_at_once(reading, setup)
    return inf


def _is_open(reading: Reading) -> bool:
    """Whether there is a layout to choose: of a model to hold, to step or to compare by, on a count, for a load."""
    given = reading.given
    if any(name in given for name in _ASKED):
        return False
    command, compared = reading.question.command, reading.origin("gpu") == COMPARED
    loaded = any(name in given for name in ("batch", *LOADS))
    return compared or loaded or command in ("fit", "utilization") or _is_counted(reading)


def _is_counted(reading: Reading) -> bool:
    """Whether a count of devices was given."""
    return "gpus" in reading.given or read_part(reading, reading.get("gpu"))[1] is not None


def _asked(reading: Reading, setup: Setup) -> Asked | None:
    """What a layout is chosen for; None for a model that only has to be held on a part without a rate."""
    rack, command = rack_of(setup, setup.plan(Layout())), reading.question.command
    try:
        if setup.model.prefill_only:
            text = read_text(reading, rack) if command == "utilization" else Request(float(setup.context), 0.0)
            batch = int((command == "utilization" and reading.get("batch")) or 0)
            return Asked(setup, read_running(reading, rack), Load(text), None, batch)
        load = read_load(reading, rack) if command != "fit" else Load()
        running = read_running(reading, rack)
        draft = read_draft(reading, rack) if command == "utilization" and not load.is_steady else None
    except InfercostError:
        if command == "fit":
            return None
        raise
    # a sweep starts with one sequence, parts are compared by what one user gets, and the least devices are for one
    least = command == "utilization" and not _is_counted(reading)
    drafted = any(name in reading.given for name in DRAFT)
    lone = least or drafted or command == "sweep-batch" or reading.origin("gpu") == COMPARED
    lone = lone or (not load.reads and not _CLAIMS.isdisjoint(reading.given))
    is_job = "requests" in reading.given and not load.is_steady
    batch = int((command != "sweep-batch" and reading.get("batch")) or (lone and not is_job))
    batch, groupwise = 0 if load.is_steady else batch, "max_sequences" not in reading.given
    if load.is_steady or (is_job and not batch):
        load = load._replace(most=most_at_once(reading, setup))
    else:
        load = Load((load.request or _usual_request(reading, setup)) if batch or load.reads else None, apart=load.apart)
    wide = command == "fit" or is_job or load.reads
    job = 0.0 if batch or not is_job or load.reads or load.apart else float(reading.get("requests"))
    return Asked(setup, running, load, draft, batch, wide=wide, groupwise=groupwise, job=job)._replace(
        deadline=reading.get("deadline") or inf
    )


def _usual_request(reading: Reading, setup: Setup) -> Request | None:
    """The request that commands with a speed assume, where a batch is only to be held and no context was given."""
    if reading.question.command != "fit" or "context" in reading.given:
        return None
    return Request(*(float(length) for length in usual_lengths(setup.model)))


def _found(asked: Asked, devices: int | None) -> tuple[list[Choice], str]:
    """The layouts that hold what was asked, the best first, none where there is nothing to choose; and more stages."""
    if devices is not None:
        return _on(asked, devices)
    if asked.job:
        return _cheapest_job(asked)
    least = least_plan(asked.setup._replace(batch=asked.at_once)) or least_plan(asked.setup)
    if least and asked.load.concurrent and 1 < (fewest := _fewest(asked, least.layout.devices)) < least.layout.devices:
        return _on(asked, fewest)
    if least and (least.layout.devices <= asked.setup.domain or not asked.batch):
        return _on(asked, least.layout.devices) if least.layout.devices > 1 else ([], "")
    return [] if not asked.batch else _each(asked, least), ""


def _cheapest_job(asked: Asked) -> tuple[list[Choice], str]:
    """The replica on which a job takes least money; its layouts in as many stages as any has, as no user waits."""
    if (least := least_plan(asked.setup)) is None:
        return [], ""
    first, domain = least.layout.devices, asked.setup.domain
    sizes = [first * times for times in TIMES if times == 1 or first * times <= domain]
    found = [one for size in sizes for one in asked.choices(1, _layouts(asked, size))]
    if in_time := [late for one in found if (late := _within(asked, one))]:
        return sorted(in_time, key=lambda one: (one.devices, one.time)), ""
    found.sort(key=lambda one: one.time * one.devices)
    best = _simplest_first(found, [1 / (one.time * one.devices) for one in found], LITTLE - 1)
    return (best, _few_ran(best)) if best and best[0].devices > 1 else ([], "")


def _within(asked: Asked, one: Choice) -> Choice | None:
    """The least replicas of a layout that end a job within its deadline; None without one, and where none do."""
    if asked.deadline == inf:
        return None
    least = max(int(one.time / asked.deadline), 1)
    for copies in range(least, min(least + len(TIMES), MOST_DEVICES)):
        more = next(asked.choices(copies, [one.layout]), None)
        if more and more.time <= asked.deadline:
            return more
    return None


def _soonest(every: Iterable[Choice]) -> tuple[list[Choice], str]:
    """The layouts in which a job ends soonest first, in as many stages as any has; and that few runs had stages."""
    found = sorted(every, key=lambda one: one.time)
    best = _simplest_first(found, [1 / one.time for one in found], LITTLE - 1)
    return best, _few_ran(best)


def _few_ran(found: list[Choice]) -> str:
    """The next layout of a job in fewer stages where the best has some, which few runs had; empty where it has none."""
    if (other := next((one for one in found if one.layout.pp < found[0].layout.pp), None)) is None:
        return ""
    make = "makes" if other.copies == 1 else "make"
    return f"few measured runs have stages; {other.words} {make} {other.rate:,.0f} tokens/s: {other.layout.flags}"


def _fewest(asked: Asked, devices: int) -> int:
    """The least devices up to so many whose replicas, in few stages, hold all that is in flight at once."""
    setup = asked.setup._replace(batch=1)
    for size in (2**power for power in range(min(setup.domain, devices).bit_length())):
        plans = of_few_stages(
            (plan for plan in map(setup.plan, engine_layouts(setup, size)) if plan.fits), setup.domain
        )
        if held := max((plan.max_sequences or 0 for plan in plans), default=0):
            devices = min(devices, ceil(asked.at_once / held) * size)
    return devices


def _on(asked: Asked, devices: int) -> tuple[list[Choice], str]:
    """Replicas and layouts on so many devices, the best first; and what more stages would give beside the best."""
    every = [list(choices) for choices in _every(asked, devices)]
    if asked.job:
        return _soonest(one for choices in every for one in choices)
    few = [one for choices in every for one in of_few_stages(choices, asked.setup.domain)]
    if asked.kept.tp and not asked.kept.pp:  # a width leaves the rest to replicas before it leaves it to stages
        stages = min((one.layout.pp for one in few if not one.is_late), default=MOST_DEVICES)
        few = [one for one in few if one.layout.pp <= stages]
    if asked.load.rate is not None and (timely := [one for one in few if not one.is_late]):
        timely.sort(key=lambda one: one.time)
        return _simplest_first(timely, [1 / one.time for one in timely]), ""
    if asked.shares:  # too few: the answer says how many it takes
        pair = _least_shared(asked, devices)
        return ([pair], "") if pair else _on(asked._replace(shares=False), devices)
    found = few if asked.is_full or asked.load.reads else _for_load(few, [one for choices in every for one in choices])
    found.sort(key=lambda one: (-one.rate, one.devices))
    if asked.load.concurrent is not None and found:  # alike in tokens, one where nobody waits is better, in few stages
        alike = [one for one in found if not one.is_late and one.rate >= (1 - ALIKE) * found[0].rate]
        alike.sort(key=lambda one: one.layout.pp)
        found = alike + [one for one in found if one not in alike]
    best = _simplest_first(found, [one.rate for one in found]) if asked.is_full or asked.load.reads else found
    least = MUCH if asked.is_full else LITTLE  # of a load others are taken where they make much more
    return best, _in_stages(best[0], every, least) if best else ""


def _least_shared(asked: Asked, devices: int) -> Choice | None:
    """The replicas that decode of the least devices, more than so many, of which the others read a rate's prompts.

    None where those that decode are more than the devices.
    """
    found = list[tuple[int, Choice]]()
    for size in (2**power for power in range(asked.setup.domain.bit_length())):
        alone = asked._replace(shares=False).choices(1, _layouts(asked, size))
        for layout in [one.layout for one in of_few_stages(alone, asked.setup.domain)]:
            for copies in range(devices // size + 1, devices // size + 1 + _WIDE):
                one = next(asked.choices(copies, [layout]), None)
                if one and not one.is_late:
                    found.append((copies * size, one))
                if one is None or not one.is_late:
                    break
    found = [each for each in found if each[1].devices <= devices]
    return min(found, key=lambda each: (each[0], each[1].time), default=(0, None))[1]


def _for_load(few: list[Choice], every: list[Choice]) -> list[Choice]:
    """Those in few stages where they serve a load about as well as the best, else all of them."""
    most = max((one.rate for one in every if not one.is_late), default=0.0)
    return few if any(one.rate >= (1 - ALIKE) * most for one in few) else every


def _every(asked: Asked, devices: int) -> Iterator[Iterator[Choice]]:
    """What replicas of each size serve in every layout, as many of them as so many devices make."""
    most = asked.batch or asked.load.concurrent or devices
    for size in [devices // asked.copies] if asked.copies else _sizes(asked.setup, devices):
        yield asked.choices(int(min(devices // size, max(most, 1))), _layouts(asked, size))


def _in_stages(best: Choice, every: Iterable[Iterable[Choice]], least: float = MUCH) -> str:
    """What more stages would give where it is so much more than the best: engines do not choose them themselves."""
    alike = (one for choices in every for one in choices if not one.is_late and one.devices == best.devices)
    most = max(alike, key=lambda one: one.rate, default=best)
    times, few = most.rate / best.rate if best.rate else 0.0, "few measured runs have stages"
    flags = f"--tp {most.layout.tp} --pp {most.layout.pp}{f' --ep {most.layout.ep}' if most.layout.ep > 1 else ''}"
    if times < least or most.layout.pp <= best.layout.pp:
        return ""
    if times < MUCH:
        near = f"within {ALIKE:.0%} of it" if (1 - ALIKE) * times <= 1 else f"{show(times - 1, 'share')} more"
        return f"{most.words} makes {most.rate:,.0f} and is not chosen: {near}, and {few} ({flags})"
    return f"{most.words} makes {show(times, 'x')} the tokens of {best.words}, but {few}: {flags}"


def of_few_stages(choices: Iterable[T], domain: int) -> Iterator[T]:
    """Those with as few stages as the first that splits matrices over linked devices alone, by stages.

    Engines cut layers where nothing else holds a model, and between nodes rather than matrices.
    """
    most = inf
    for one in choices:
        if one.layout.pp > most:
            return
        if one.layout.tp <= domain:
            most = one.layout.pp
        yield one


def _simplest_first(found: list[Choice], merits: list[float], near: float = ALIKE) -> list[Choice]:
    """Layouts with the simplest of those first that are about as good as the best: fewest stages, devices, experts."""
    least = (1 - near) * max(merits, default=0.0)
    alike = [one for one, merit in zip(found, merits, strict=True) if merit >= least]
    first = min(alike, key=lambda one: (one.layout.pp, one.layout.devices, one.layout.ep), default=None)
    return [one for one in found if one is first] + [one for one in found if one is not first]


def _each(asked: Asked, least: Plan | None) -> list[Choice]:
    """Replicas that hold a batch on as many devices as it takes, the most tokens a second and device first."""
    setup, found = asked.setup._replace(batch=1), list[Choice]()
    alone = least_plan(setup)
    if alone is None:
        return []
    nodes = alone.layout.devices
    sizes = [2**power for power in range(setup.domain.bit_length()) if nodes <= 2**power <= setup.domain]
    for size in sizes or [nodes, 2 * nodes]:
        for layout in engine_layouts(setup, size):
            held = setup.plan(layout).max_sequences
            if held:
                found += asked.choices(ceil(asked.batch / held), [layout])
    found += asked.choices(1, [least.layout]) if least else []
    found.sort(key=lambda one: (-one.rate / one.devices, one.devices))
    return _simplest_first(found, [one.rate / one.devices for one in found])


def _nearest(asked: Asked, devices: int, single: bool) -> list[Choice]:
    """The layout that comes nearest where none holds what was asked, for an answer that says so: it holds most of it.

    Where none holds any of it, as many of the devices as may be used; none where a ``single`` replica takes them all.
    """
    most, made = asked.batch or devices, list[tuple[int, Choice]]()
    for size in _sizes(asked.setup, devices):
        copies = min(devices // size, most)
        for layout in engine_layouts(asked.setup, size):
            held = copies * (asked.setup.plan(layout).max_sequences or 0)
            if held or not single:
                made.append((held, Choice(copies, layout, 0.0, 0.0)))

    def merit(each: tuple[int, Choice]) -> tuple[bool, int, int, int, int, int]:
        held, choice = each
        stages = choice.layout.pp
        return not held, stages if held else 0, -held, -choice.devices, choice.copies, stages

    return [choice for _, choice in sorted(made, key=merit)[:1]]


def _sizes(setup: Setup, devices: int) -> list[int]:
    """Devices of one replica to try: equal parts of all, powers of two, whole nodes."""
    few = range(1, min(devices, max(_WIDE, 2 * setup.domain)) + 1)
    parts = {size for size in few if devices // (devices // size) == size}
    powers = {size for size in few if size & (size - 1) == 0}
    nodes = {size for size in few if size % setup.domain == 0}
    return sorted(parts | powers | nodes | {size for size in (devices,) if size <= MOST_DEVICES})


def _layouts(asked: Asked, size: int) -> list[Layout]:
    """Layouts of one replica that its engine runs; those with one group of ranks where there is a sequence for one."""
    every = engine_layouts(asked.setup, size)
    return every if asked.wide or not asked.is_full else [layout for layout in every if layout.dp == 1]


def _answered(question: Question, devices: int | None, found: list[Choice], asked: Asked, staged: str) -> Question:
    """The question with the best layout filled in, and the notes that say why, and what more stages would give."""
    best, used, given = found[0], found[0].devices, devices
    values: dict[str, Given] = {name: Given(width, CHOSEN) for name, width in best.layout.widths.items()}
    if best.copies > 1:
        values["dp"] = Given(best.copies, CHOSEN)
    if used != given:
        values["gpus"] = Given(used, CHOSEN if given else _why_counted(asked))
    lone = f", {EACH_ALONE}: --batch 1 asks for the fastest for one alone"
    is_lone = question.command == "utilization" and asked.is_full and asked.load.request is None
    lone = lone if best.copies > 1 and is_lone else ""
    notes = [Note("choice", _why(found, asked, given is None, staged) + lone)] if best.rate else []
    apart = given - used if given and _shares(asked, given) else 0
    if given and used < given and not apart:
        left = given - used
        notes.append(Note("idle", f"{left:,} of the {given:,} devices {'has' if left == 1 else 'have'} no part in it"))
    asked_for = {name: each for name, each in question.given.items() if name in _WIDTHS}
    if asked_for and len(found) == 1:  # what was given leaves nothing to choose
        notes = notes[1:]
    if staged:
        notes.append(Note("stages", staged))
    lone_differs = asked.is_full and best.copies == 1 and not (asked.load.reads or asked.job)
    if question.command == "utilization" and lone_differs and best.rate:
        notes += _for_one(question, asked, best)
    every, notes = {**question.given, **values, **asked_for}, [*question.notes, *notes]
    return question._replace(given=every, notes=tuple(notes), idle=given - used - apart if given else 0, apart=apart)


def _why_counted(asked: Asked) -> str:
    """The origin of a count of devices that nobody gave."""
    if not asked.job:
        return AS_LEAST
    return CHEAPEST if asked.deadline == inf else IN_TIME


def _for_one(question: Question, asked: Asked, full: Choice) -> Iterator[Note]:
    """What one user alone gets in a layout that is faster for one than the one that serves most when full."""
    given = {name: each for name, each in question.given.items() if name not in _WIDTHS}
    reading = Reading(question._replace(given={**given, "batch": Given(1, CHOSEN)}, notes=()))
    assume_request(reading, asked.setup.stack, asked.setup.model)
    if (lone := _asked(reading, asked.setup)) is None:
        return
    lone = lone._replace(kept=asked.kept, copies=asked.copies)
    found, _ = _on(lone, full.devices)
    same = next(iter(lone.choices(1, [full.layout])), None)
    if found and same and found[0].time * (1 + ALIKE) < same.time:
        here, tokens = (show(1 / each.time, "") for each in (same, found[0]))
        text = f"{here} tokens/s for one user in {full.words}, which serves most when full"
        yield Note(FOR_ONE, f"{text}; {tokens} in {found[0].words} (--batch 1).")


def _why(found: list[Choice], asked: Asked, per_device: bool, staged: str) -> str:
    """Why the best layout is the best: its figure against that of the next one, beside those that are ``staged``."""
    best, *others = found
    by_time, when = asked.load.rate is not None and not best.is_late, " when full" if asked.is_full else ""
    what = "texts/s" if asked.setup.model.prefill_only else "tokens/s"
    if asked.load.reads:
        what, when = "input tokens/s", ""
    when += " with prompts" if asked.is_full and asked.load.request and what == "tokens/s" else ""

    def figure(one: Choice) -> str:
        if by_time:
            return f"{show(one.time, 's')} a request"
        return f"{one.rate / one.devices:,.0f} {what} a device" if per_device else f"{one.rate:,.0f} {what}"

    text = f"{best.words} {'is' if best.copies == 1 else 'are'} chosen: {figure(best)}{when}"
    if not others:
        if asked.shares:
            return f"{text}; no other layout takes this rate on as few devices"
        other = "no smaller replica" if asked.is_full else "no other layout of as few stages"
        return f"{text}; {other} on {many(best.devices, 'device')} holds this"
    second, scale = others[0], best.devices / others[0].devices if per_device else 1.0
    if second.time < best.time if by_time else second.rate * scale > best.rate:
        merit = "runs all at once" if second.is_late and not best.is_late and not by_time else "simpler"
        return f"{text}, within {ALIKE:.0%} of the best ({second.words}, {figure(second)}) and {merit}"
    return (
        f"{text}; next best{' in as few stages' if staged and not asked.job else ''} {second.words}, {figure(second)}"
    )
