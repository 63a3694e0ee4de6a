"""Which part for a job: on each the devices and the layout where its tokens cost least, and who wins."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import ceil, gcd, inf
from shlex import quote
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses import userbase
from infercost.analyses.many import Rows
from infercost.analyses.prices import Winner, by_basis, of_parts, unlike_prices, why_weak, with_price
from infercost.analyses.remarks import NAMED, bands_of, ends_in, few_names, leaders, step_notes, surest, with_habits
from infercost.analyses.step import step_pace, step_results, token_seconds
from infercost.analyses.worth import slow
from infercost.formulas.formula import solved
from infercost.numeric import floor
from infercost.parts.accelerator import BASES
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import SHARED
from infercost.replica.layout import Layout, asking
from infercost.replica.memory import Plan, Rack, Setup
from infercost.replica.serving import RUN_OF_SLOT, USUAL_SEQUENCES, serve_closed
from infercost.replica.step import Running, reworked, tpot_of
from infercost.report import Input, Note, Report, Series
from infercost.scenario.layouts import ALIKE, TIMES, of_few_stages
from infercost.scenario.options import OPTIONS, flag
from infercost.scenario.rack import MOST_DEVICES, engine_layouts, least_plan
from infercost.scenario.read import OF_A_PART, prices_of
from infercost.scenario.scenario import Job, Scenario
from infercost.scenario.search import counts
from infercost.scenario.usual import BY_RATE, USUAL_BASIS, binds_longer, is_given, kind_of_price, rent_key
from infercost.units import many, show

COLUMNS = (
    *("name", "gpus", "usd_per_hour", "tokens_per_s_per_user", "tokens_per_s_per_gpu", "usd_per_million_tokens"),
)
#: The figure that each order goes by, and whether more of it is better.
ORDERS = {
    "cost": ("usd_per_million_tokens", False),
    "price": ("usd_per_hour", False),
    "speed": ("tokens_per_s_per_user", True),
    "throughput": ("tokens_per_s_per_gpu", True),
    "devices": ("gpus", False),
}
#: What the first of each order is, in a verdict.
FIRST = {
    "cost": "is cheapest",
    "price": "takes the least an hour",
    "speed": "is fastest",
    "throughput": "has the highest throughput per device",
    "devices": "takes the fewest devices",
}
#: Orders of all devices, where each part has as few as do the job; elsewhere those on which its tokens cost least.
OF_ALL_DEVICES = ("price", "devices")
#: Orders of money, where a part without a price has no place.
OF_MONEY = ("cost", "price")
#: Results of a step that a row has.
_OF_STEP = (
    "tokens_per_s_per_user",
    "tokens_per_s_per_gpu",
    "tpot_s",
    "ttft_s",
    "utilization",
    "joules_per_token",
    "bound",
)
#: What stands beside a price without an interval, unless it is a bound.
UNKNOWN = " (no interval is known)"
#: What a row has of a part that is left out.
_NOTHING = (
    *("gpus", "replicas", "tp", "pp", "ep", "usd_per_hour", "usd_per_million_tokens", *_OF_STEP, "efficiency"),
    *("flags", "replay"),
)


class Times(NamedTuple):
    """Seconds between tokens, and to a first one: the mean at a load, or the least of several."""

    tpot: float = inf
    ttft: float = inf

    def least(self, other: "Times") -> "Times":
        """The less of each."""
        return Times(min(self.tpot, other.tpot), min(self.ttft, other.ttft))

    def keeps(self, job: Job) -> bool:
        """Whether both are within the limits of a job."""
        return self.tpot <= job.max_tpot and self.ttft <= job.max_ttft


class Missed(NamedTuple):
    """A part that does not do the job: why, and its least times where these are why."""

    why: str
    least: Times = Times()


class Placed(NamedTuple):
    """A part with its job: devices of a replica in a layout, and replicas with their mean share of the sequences.

    ``rate`` are tokens a second of each device, prompts worked on too: the more, the cheaper.
    """

    scenario: Scenario
    replicas: int
    share: float
    rate: float

    @property
    def layout(self) -> Layout:
        """The layout of each replica."""
        return self.scenario.rack.plan.layout

    @property
    def devices(self) -> int:
        """Devices of all replicas."""
        return self.replicas * self.scenario.rack.devices


#: Rows of a table.
SHOWN = 20
UNPRICED, UNJOINED = "no price is known", "_bandwidth is not known"
#: The start of why a part is too slow, and the end of why it is too dear.
AT_BEST, FIRST_AT_BEST, HOURLY = "at best ", "first token at best ", " an hour"
#: Codes of the notes on parts that are too slow, and too dear.
SLOW, DEAR = "too-slow", "too-dear"


def answer(scenario: Scenario, figures: Mapping[str, dict[str, Any]]) -> Report:
    """A row a part, the first of the order that was asked first, then those left out; ``figures`` are by name."""
    job = scenario.job
    assert job is not None
    placed = [] if job.is_of_day else [_placed(space, job) for space in scenario.each]
    rows = [_row(space, one, job) for space, one in zip(scenario.each, placed, strict=not job.is_of_day)]
    rows += [_row_of_day(space, job) for space in scenario.each] if job.is_of_day else []
    rows += [_left_out(part, _short(error.what, part)) for part, error in job.refused]
    rows = [row | _paid(scenario, row, figures.get(row["name"], {})) for row in rows]
    able = sorted(
        (row for row in rows if not row["why_not"]),
        key=lambda row: (job.sort == "cost" and _binds_longer(scenario, row), _place(row, job.sort)),
    )
    left = sorted((row for row in rows if row["why_not"]), key=_place_left)
    ranked = tuple(_with_figures(row, figures.get(row["name"], {})) for row in (*able, *left))
    beside = _without_price(scenario, left)
    name = next((row["name"] for row in able), None)
    won = next((one for one in placed if isinstance(one, Placed) and one.scenario.search.name == name), None)
    winner = won.scenario if won else next((each for each in scenario.each if each.search.name == name), None)
    inputs = (*scenario.inputs, *(_inputs_of(winner, scenario.inputs) if winner else ()))
    said = with_habits(_verdict(scenario, able, placed, winner), inputs) + _beside_words(scenario, able, beside)
    return Report(
        command="compare",
        verdict=said + _desktops(scenario, rows) + _on_bases(scenario, able),
        inputs=inputs,
        results=tuple(leaders(able)),
        series=_series(ranked, len(able), beside),
        replay=(("", able[0]["replay"]),) if able else (),
        notes=(*notes_of(scenario, ranked, len(able)), *_raised(placed), *_winners(scenario, able), *scenario.notes),
        met=bool(able),
        work=with_price(_work_of(winner, won, job), winner) if winner else None,
    )


def _binds_longer(scenario: Scenario, row: Mapping[str, Any]) -> bool:
    """Whether the price of a part is a rent for longer than was asked for: it comes after all others."""
    part = next(part for part, _ in scenario.parts if part.name == row["name"])
    basis = scenario.question.get("price_basis") or next(iter(BASES))
    return not kind_of_price(scenario.question.given) and binds_longer(part, basis)


def _placed(space: Scenario, job: Job) -> Placed | Missed:
    """A part with the devices on which the job's tokens cost least, within its limits, or why there are none.

    Where an hour of all devices is what orders parts, or none are within the budget, it has the least that do the job.
    """
    sizes, most = counts(space.search.setup, space.search.reach), space.search.most
    if space.rack is None:
        return Missed(_why_not_held(space.search.setup, sizes[-1]))
    within = int(floor(min(most, job.max_price / space.price))) if space.price else most
    best, least = _best(space, job, sizes, within, _fewest_first if job.sort in OF_ALL_DEVICES else _most_tokens)
    if best is None and within < most:
        best, least = _best(space, job, sizes, most, _fewest_first)
    return best or _missed(least, job, most)


def _missed(least: Times, job: Job, most: int) -> Missed:
    """Why a part with such least times does not do a job: what is too slow, or that it takes more than so many."""
    if least == Times():
        return Missed(_over(most))
    if least.tpot > job.max_tpot:
        return Missed(f"{AT_BEST}{show(least.tpot, 's')}", least)
    if least.ttft > job.max_ttft:
        return Missed(f"{FIRST_AT_BEST}{show(least.ttft, 's')}", least)
    return Missed("what keeps one of the limits does not keep the other", least)


def _most_tokens(one: Placed) -> tuple[float, float]:
    """The merit of devices whose tokens are to be cheap."""
    return one.rate, 0.0


def _fewest_first(one: Placed) -> tuple[float, float]:
    """The merit of devices that are to be few."""
    return -one.devices, one.rate


def _over(most: int) -> str:
    """Why a part does not do a job that takes more than so many devices."""
    return f"over {many(most, 'device')}{', all that one computer holds' if most < MOST_DEVICES else ''}"


def _why_not_held(setup: Setup, most: int) -> str:
    """Why no devices hold a model: they have too little memory, or nobody knows what joins as many as it takes."""
    least = least_plan(setup)
    if least is None or least.layout.devices <= most:
        return f"does not fit on {most:,}"
    joint = "network" if "link_bandwidth" in setup.part.facts else "link"
    return f"takes {least.layout.devices:,}, and its {joint}{UNJOINED}"


def _best(
    space: Scenario, job: Job, sizes: Sequence[int], most: int, merit: Callable[[Placed], tuple[float, float]]
) -> tuple[Placed | None, Times]:
    """The best of all layouts of up to a few times the least devices, of more only where none keeps the limit.

    Beside it the least times, where all are too slow.
    """
    least, domain, soonest = space.rack.devices, space.search.setup.domain, Times()
    near = max(min(least * TIMES[-1], domain), least * TIMES[1])
    for group in ([size for size in sizes if size <= near], *([size] for size in sizes if size > near)):
        fewest = _fewest(space, job, group, most, merit)
        best: Placed | None = None
        # a replica that is less full makes no token cheaper: what may not win when full does not win
        for one in sorted(sorted(fewest, key=lambda one: one.devices), key=merit, reverse=True):
            if best and merit(one) <= merit(best):
                break
            found, times = _in_time(one, job, most)
            soonest = soonest.least(times)
            best = max((each for each in (best, found and _served(found)) if each), key=merit, default=None)
        if best:
            return best, Times()
    return None, soonest


def _fewest(
    space: Scenario, job: Job, sizes: Iterable[int], most: int, merit: Callable[[Placed], tuple[float, float]]
) -> list[Placed]:
    """In each layout of such sizes that an engine runs the fewest replicas that may do: by steps without prompts.

    They hold the sequences; where even so many are late it is the most. Those in more stages than an engine chooses
    are left out where others of a size are about as good, by the rule of a load on a count of devices; where such a
    one wins all the same, those of the other sizes are tried too.
    """
    each = [list(_every(space, job, size, most)) for size in sizes]
    fewest = [one for every in each for one in _in_few_stages(every, space)]
    every = [one for found in each for one in found]
    staged = fewest and max(fewest, key=merit).layout.pp > min(one.layout.pp for one in every)
    return every if staged else fewest


def _in_few_stages(every: list[Placed], space: Scenario) -> list[Placed]:
    """Those of one size in few stages where they are about as good as the best, else all of them."""
    few = list(of_few_stages(every, space.search.setup.domain))
    near = (1 - ALIKE) * max((one.rate for one in every), default=0.0)
    stages = [one.layout.pp for one in few if one.rate >= near]
    return [one for one in few if one.layout.pp <= min(stages)] if stages else every


def _every(space: Scenario, job: Job, size: int, most: int) -> Iterator[Placed]:
    """The fewest replicas that may do in each layout of so many devices that holds the sequences."""
    for layout in engine_layouts(space.search.setup, size):
        plan = space.search.setup.plan(layout)
        step = rented_together(space) // gcd(rented_together(space), size)
        holding = ceil(max(job.concurrent / _held(plan, space), 1) / step) * step if plan.fits else 0
        if holding and holding * size <= most and (step == 1 or holding <= ceil(job.concurrent)):
            running = space.running.on(plan)
            counts = _counts(job, holding, most // size, step)
            yield _place_on(space, running, job, _timely(job, counts, partial(_unprompted, running)))


def _unprompted(running: Running, share: float) -> Times:
    """The least times of so many sequences: those without a prompt among them."""
    return Times(tpot_of(running, share), 0.0)


def _counts(job: Job, first: int, most: int, step: int) -> range:
    """Replicas from the first to the most, in whole machines of so many: none without a sequence."""
    return range(first, max(min(most, ceil(job.concurrent)), first) + 1, step)


def _timely(job: Job, counts: range, times: Callable[[float], Times]) -> int:
    """The fewest replicas on which tokens of their share come in time; the last where they never do."""
    if not _is_timed(job):
        return counts[0]
    return counts[bisect_left(counts[:-1], True, key=lambda count: times(_share(job, count)).keeps(job))]


def _is_timed(job: Job) -> bool:
    """Whether a job limits a time."""
    return min(job.max_tpot, job.max_ttft) < inf


def _held(plan: Plan, space: Scenario) -> float:
    """Sequences of one replica at most: those of memory, of the engine where nothing else ends them."""
    return plan.max_sequences or (USUAL_SEQUENCES if space.load.concurrent else inf)


def _place_on(space: Scenario, running: Running, job: Job, replicas: int) -> Placed:
    """The job on so many replicas, each with its mean share, at the rate of one whose share decodes all the time."""
    share, load = _mean(job, replicas), space.load
    if load.concurrent:
        most, run = _held(running.rack.plan, space), float(RUN_OF_SLOT * share)
        load = load._replace(concurrent=float(share), most=most, run=run)
    found = space._replace(rack=running.rack, running=running, load=load, batch=share)
    return Placed(found, replicas, share, 1 / token_seconds(found, share) / running.rack.devices)


def _served(one: Placed) -> Placed:
    """The same at its real rate: some of the sequences wait for their first token."""
    batch, pace, _ = step_pace(one.scenario)
    rate = pace.tokens_per_s or formulas.cost.tokens_per_s(batch=batch, step_time=pace.tpot)
    return one._replace(rate=rate / one.scenario.rack.devices)


def _in_time(fewest: Placed, job: Job, most: int) -> tuple[Placed | None, Times]:
    """The fewest replicas in the same layout that keep the limits; the times on the most where none do."""
    space, first = fewest.scenario, fewest.replicas
    devices, together = space.rack.devices, rented_together(space)
    counts, times = _counts(job, first, most // devices, together // gcd(together, devices)), partial(_times, space)
    if _is_timed(job) and not (least := times(_share(job, counts[-1]))).keeps(job):
        return None, least
    count = _timely(job, counts, times)
    return fewest if count == first else _place_on(space, space.running, job, count), Times()


def _whole(job: Job) -> int:
    return int(formulas.users.slots_for_peak(peak_concurrent=job.concurrent))


def _mean(job: Job, replicas: int) -> float:
    """Sequences of a replica, the mean where some have one more than others."""
    share = formulas.step.replica_share(shared=_whole(job), replicas=replicas) if replicas > 1 else _whole(job)
    return int(share) if share == int(share) else share


def _share(job: Job, replicas: int) -> int:
    """Sequences of the fullest replica."""
    return int(formulas.users.replica_sequences(concurrent_users=job.concurrent, replicas=replicas))


def _times(space: Scenario, share: float) -> Times:
    """The times of a replica's sequences, prompts of others between their tokens and before their first."""
    if space.load.request is None:
        return _unprompted(space.running, share)
    served = serve_closed(space.running.replica, share, space.load.request, space.load.most)
    return Times(served.itl, served.ttft)


def _row(space: Scenario, one: Placed | Missed, job: Job) -> dict[str, Any]:
    """A part with its numbers, or with why it is left out."""
    part = space.search.setup.part
    if isinstance(one, Missed):
        return _left_out(part, one.why) | {"fits": None if one.why.endswith(UNJOINED) else space.rack is not None}
    found = one.scenario
    layout, results = found.rack.plan.layout, _results(one)
    widths = asking(found.rack.model, layout)
    asked = f"--{'concurrency' if found.load.concurrent else 'batch'} {_whole(job)}"
    if _is_raised(one):
        asked += f" --max-sequences {ceil(one.share)}"
    widths |= {"dp": one.replicas} if one.replicas > 1 else {}
    flags = " ".join(
        (f"--gpu {quote(f'{part.asked}:{one.devices}')}", *(f"--{key} {width}" for key, width in widths.items()))
    )
    row = {
        **_left_out(part, ""),
        "fits": True,
        "gpus": one.devices,
        "replicas": one.replicas,
        **layout.widths,
        **results,
        "efficiency": found.rack.setup.stack.name,
        "flags": f"{flags} {asked}",
        "replay": f"infercost utilization {_asked(found)} {flags} {asked}",
    }
    if bands := bands_of({**row, "batch": one.share}, found.rack, "slots"):
        row["bands"] = bands
    return row | {"why_not": _too_dear(row["usd_per_hour"], job)}


def _row_of_day(space: Scenario, job: Job) -> dict[str, Any]:
    """A part with its numbers for users who send messages over a day, by ``userbase``, or with why it is left out."""
    part = space.search.setup.part
    numbers, why, _ = userbase.on_part(space)
    if why or numbers["gpus"] > space.search.most:
        return _left_out(part, why or _over(space.search.most)) | {"fits": space.rack.plan.fits}
    flags = f"--gpu {quote(part.asked)}"
    row = {
        **_left_out(part, ""),
        "fits": True,
        **space.rack.plan.layout.widths,
        **{key: numbers[key] for key in ("gpus", "replicas", "usd_per_hour", "usd_per_million_tokens", *_OF_STEP)},
        "efficiency": space.rack.setup.stack.name,
        "flags": flags,
        "replay": f"infercost userbase {_asked(space)} {flags}",
    }
    if bands := bands_of({**row, "batch": numbers["batch"]}, space.rack, "users"):
        row["bands"] = bands
    return row | {"why_not": _too_dear(row["usd_per_hour"], job)}


def _too_dear(hourly: float | None, job: Job) -> str | None:
    """Why a part that does a job is left out: it costs more than was asked for, or nobody knows; None where it is not.

    Without a price it keeps its place where no money is asked for.
    """
    if hourly is None:
        return UNPRICED if job.sort in OF_MONEY or job.max_price < inf else None
    return f"{show(hourly, 'USD')}{HOURLY}" if hourly > job.max_price else None


def _is_raised(one: Placed) -> bool:
    """Whether an engine starts with fewer sequences than a replica has."""
    return bool(one.scenario.load.concurrent) and one.share > USUAL_SEQUENCES


def _left_out(part: Preset, why: str) -> dict[str, Any]:
    return {"name": part.name, "fits": None, **dict.fromkeys(_NOTHING), "why_not": why or None}


def _results(one: Placed) -> dict[str, Any]:
    """The numbers of a part at its job: those of a step on one replica, and what all of them cost."""
    found = one.scenario
    results = step_results(found, *step_pace(found), bracketed=False)
    price, devices = found.price, found.rack.devices
    hourly = price and formulas.cost.usd_per_hour(price=price, replicas=one.replicas, devices=devices)
    kept = {key: results.get(key) for key in ("usd_per_million_tokens", *_OF_STEP)}
    return {"usd_per_hour": hourly or None, **kept}


def _asked(found: Scenario) -> str:
    """The options of a job that the question about one part has too, as a command line writes them."""
    skipped = ("gpu", "gpus", "concurrency", "tp", "pp", "ep", "num_prompts")
    given = found.question.given
    own = {name: each for name, each in given.items() if not each.origin.startswith(("workload ", "assumed", BY_RATE))}
    mine = {key: prices_of(found.question.get(key)).get(found.rack.part.name) for key in OF_A_PART}
    asked = [(name, each.value) for name, each in own.items() if name not in skipped]
    asked = [(name, mine[name] if name in mine and isinstance(value, str) else value) for name, value in asked]
    named = [(name, getattr(value, "name", _with_unit(name, value))) for name, value in asked]  # formats are tuples too
    words = [(name, value) for name, value in named if value is not None and not isinstance(value, tuple)]
    words += [("set", text) for text in found.question.get("set") or ()]
    return " ".join(f"{flag(name)} {quote(str(value))}" for name, value in words)


def _with_unit(name: str, value: Any) -> Any:
    """A value as an option reads it back: seconds with their unit."""
    return f"{value}s" if name in OPTIONS and OPTIONS[name].unit == "s" else value


def _with_figures(row: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """A row beside the figures of its part, of which the weak ones are those that its own numbers follow from."""
    return {**figures, **row}


def _paid(scenario: Scenario, row: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """What is paid for a part, by which price, and the uncertain figures that its place follows from."""
    assert scenario.job is not None
    prices = {**_month_of(row, scenario.job), **_price_of(scenario, row["name"])}
    return prices | _weak_of(scenario, row, figures)


def _month_of(row: Mapping[str, Any], job: Job) -> dict[str, float | None]:
    """What a month of all devices of a row costs, every hour paid, and an hour of each sequence that is in flight."""
    hourly, each = row["usd_per_hour"], None
    if hourly and not job.is_of_day:
        each = formulas.cost.usd_per_sequence_hour(usd_per_hour=hourly, concurrent_requests=_whole(job))
    month = hourly and formulas.cost.usd_per_month(price=hourly, devices=1)
    return {"usd_per_month": month, "usd_per_sequence_hour": each}


def _price_of(scenario: Scenario, name: str) -> dict[str, Any]:
    """What an hour of a part costs, what kind of price of which month that is, and whether it is weak."""
    nothing = dict.fromkeys(("usd_per_gpu_hour", "price_basis", "price_date"))
    if kind := kind_of_price(scenario.question.given):
        own = (space.price for space in scenario.each if space.search.name == name)
        price = next(own, scenario.question.get("price"))
        return nothing if price is None else {**nothing, "usd_per_gpu_hour": price, "price_basis": kind}
    asked = (space.search.setup.part for space in scenario.each)
    part = next(part for part in (*asked, *(part for part, _ in scenario.parts)) if part.name == name)
    key = rent_key(part, scenario.question.get("price_basis") or next(iter(BASES)))
    if key is None:
        return nothing
    kind, fact = key.removeprefix("rent_") if key != "rent" else "listed", part.facts[key]
    kind = "given" if is_given(fact) else kind
    return {"usd_per_gpu_hour": fact.value, "price_basis": kind, "price_date": fact.date}


def _weak_of(scenario: Scenario, row: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, list[str]]:
    """The weak figures that the place of a part follows from: its power where energy is what is paid, its price."""
    kind, basis = kind_of_price(scenario.question.given), scenario.question.get("price_basis") or USUAL_BASIS[0]
    part = next((part for part, _ in scenario.parts if part.name == row["name"]), None)
    rent = None if kind or part is None else rent_key(part, basis)
    paid = {"power"} if kind in ("owned", "electricity") else set()
    weak = [key for key in figures.get("weak", ()) if key != "power" or key in paid]
    return {"weak": [*weak, *([rent] if part and rent and part.facts[rent].weak else [])]}


def _short(what: str, part: Preset) -> str:
    """An error about a part as a word beside its name."""
    return what.removeprefix(f"{part.name} ").partition(" (")[0]


def _place(row: Mapping[str, Any], sort: str) -> tuple[float, float, str]:
    key, more = ORDERS[sort]
    value = row[key] if row[key] is not None else inf
    return (-value if more else value), row["usd_per_million_tokens"] or inf, row["name"]


def _without_price(scenario: Scenario, left: Rows) -> Rows:
    """Parts that were named and do the job, of which no price is known: money gives them no place, a table a row."""
    named = scenario.question.words or scenario.question.get("gpu")
    return [row for row in left if row["why_not"] == UNPRICED] if named else []


def _beside_words(scenario: Scenario, able: Rows, beside: Rows) -> str:
    """The speeds of named parts without a price beside the first that has one, and whose engines were not measured."""
    assert scenario.job is not None
    texts = []
    for row in beside[:NAMED]:
        rate = row["tokens_per_s_per_gpu"]
        times = f" ({show(rate / able[0]['tokens_per_s_per_gpu'], 'x')})" if able else ""
        speeds = f"{show(row['tokens_per_s_per_user'])} tokens/s a user"
        if not scenario.job.is_of_day:  # whose devices stand idle for part of it
            speeds += f", {show(rate)} a device{times}"
        texts.append(f" {_worth(row)}: {speeds}, no price is known (--price {row['name']}=USD).")
    return "".join(texts) + _unmeasured(scenario, (*able[:2], *beside[:NAMED]))


def _unmeasured(scenario: Scenario, rows: Rows) -> str:
    """That parts whose speeds stand in a verdict have those of the engines of others, none of their own measured."""
    known = {part.name for part, _ in scenario.parts if "engine" in part.labels}
    names = [row["name"] for row in rows if row["efficiency"] == SHARED and row["name"] not in known]
    asked = scenario.question.get("efficiency") is not None
    return f" No engine of {few_names(names)} was measured." if names and not asked else ""


def _place_left(row: Mapping[str, Any]) -> tuple[bool, tuple[float, float, str]]:
    """The place of a part that is left out: those without a price come last."""
    return row["why_not"] == UNPRICED, _place(row, "cost")


def _series(rows: Rows, able: int, beside: Rows = ()) -> Series:
    """All rows for scripts; for people the first that do it, with the kind of price where there are several."""
    names = {row["name"] for row in beside}
    shown = [*rows[: min(able, SHOWN)], *(row for row in rows[able:] if row["name"] in names)]
    several = len({row["price_basis"] for row in shown} - {None}) > 1
    columns = (*COLUMNS, "price_basis") if several else COLUMNS
    return Series(columns, tuple(rows), shown=tuple(shown)) if able else Series(("name", "why_not"), tuple(rows))


def _raised(placed: Iterable[Placed | Missed]) -> Iterator[Note]:
    raised = (one.scenario for one in placed if isinstance(one, Placed) and one.scenario.price and _is_raised(one))
    if names := [each.search.name for each in raised]:
        text = f"replicas have more than the {USUAL_SEQUENCES} sequences that engines start with (--max-sequences)"
        yield Note("max-sequences", f"{text}: {few_names(names)}")


def _verdict(scenario: Scenario, best: Rows, placed: Iterable[Placed | Missed], winner: Scenario | None) -> str:
    job = scenario.job
    assert job is not None
    limits = [f"{show(job.max_ttft, 's')} to a first token"] if job.max_ttft < inf else []
    limits += [f"{show(job.max_tpot, 's')} a token"] if job.max_tpot < inf else []
    limits += [f"{show(job.max_price, 'USD')} an hour"] if job.max_price < inf else []
    load = f"{many(ceil(job.concurrent), 'sequence')} at once"
    load += f" of {many(job.users['users'], 'daily user')}" if "users" in job.users else ""
    load = _day_words(job) if job.is_of_day else load
    what = f"{load}{' within ' if limits else ''}{' and '.join(limits)}"
    if not best:
        nearest = _nearest(job, [one.least for one in placed if isinstance(one, Missed)])
        return f"No part{' with a known price' if job.sort in OF_MONEY else ''} serves {what}{nearest}."
    first, *others = best
    said = [*_said(first, job.sort)]
    if _is_timed(job) and not job.users and (each := first["usd_per_sequence_hour"]):  # callers who are all there
        said = [f"{one} ({show(each, 'USD')} a sequence)" if one.endswith(HOURLY) else one for one in said]
    text = f"{_worth(first)} {_does(scenario, first, what)}: {', '.join(dict.fromkeys(said))}"
    text += f" with {_model(winner.rack)}." if winner and winner.rack else "."
    text += slow(job.max_tpot, first["tokens_per_s_per_user"])
    if others:
        words = ", within the error of these estimates" if _is_near(first, others[0], job.sort) else ""
        if not job.is_of_day:  # whose devices stand idle for part of it
            own_rate, other = (row["tokens_per_s_per_gpu"] for row in (first, others[0]))
            much = "as many" if job.sort == "throughput" else "the tokens/s a device"
            words += f", {show(other / own_rate, 'x')} {much}"
        beside = f", its {ends} uncertain" if (ends := _weak_words(_weak_figures(others[0], job))) else ""
        text += f" Second is {_worth(others[0])} at {_said(others[0], job.sort)[0]}{beside}{words}."
    text += _uncertain(scenario, best) + _many_each(job, best)
    certain = surest(each.running for each in scenario.each if each.running)
    return text if certain == "an estimate" else text.replace(UNKNOWN, f", {certain}")


def _nearest(job: Job, missed: Sequence[Times]) -> str:
    """The least times of parts none of which keeps the limits, of those that none keeps; empty where each is kept."""
    tpot, ttft = min((one.tpot for one in missed), default=inf), min((one.ttft for one in missed), default=inf)
    near = [f"the fastest takes {show(tpot, 's')} a token"] if job.max_tpot < tpot < inf else []
    near += [f"the soonest first token takes {show(ttft, 's')}"] if job.max_ttft < ttft < inf else []
    return f": {' and '.join(near)}" if near else ""


def _weak_figures(row: Mapping[str, Any], job: Job) -> list[str]:
    """The keys of the uncertain rates and prices that order parts; memory says what fits, and a stand-in is words."""
    keys = [key for key in row["weak"] if key.startswith(("flops", "memory_bandwidth", "power"))]
    return keys + [key for key in row["weak"] if key.startswith("rent") and job.sort in OF_MONEY]


def _weak_words(keys: Sequence[str]) -> str:
    """What is uncertain of a part, by name: a price, one figure, or several."""
    price = ["price"] * any(key.startswith("rent") for key in keys)
    figures = [key.replace("_", " ") for key in keys if not key.startswith("rent")]
    return " and ".join([*price, *(figures if len(figures) < 2 else ["figures"])])


def _uncertain(scenario: Scenario, best: Rows) -> str:
    """What is uncertain of the part that wins, and who does among those of which nothing is; empty where nothing is."""
    job, first = scenario.job, best[0]
    assert job is not None
    if not (keys := _weak_figures(first, job)):
        return ""
    (part,) = (part for part, _ in scenario.parts if part.name == first["name"])
    whys = "; ".join(dict.fromkeys(why_weak(part.facts[key]) for key in keys))
    figures = _weak_words(keys)
    verb = "are" if figures.endswith("figures") or " and " in figures else "is"
    text = f" The {figures} of {part.name} {verb} uncertain: {whys}."
    if sure := next((row for row in best if not _weak_figures(row, job)), None):
        at = "" if sure is best[1] else f" at {_said(sure, job.sort)[0].partition(' (')[0]}"
        text += f" Of parts without uncertain figures {_worth(sure)} is first{at}."
    return text


def _does(scenario: Scenario, first: Mapping[str, Any], what: str) -> str:
    """What the first part does for a job and its limits: it is first of others, or serves it where there are none."""
    job = scenario.job
    assert job is not None
    if len(scenario.parts) == 1:
        return f"{'serves' if first['gpus'] == 1 else 'serve'} {what}"
    own = "" if job.sort == "cost" else f", each part {_own_devices(job)}"
    return f"{FIRST[job.sort]} for {what}{own}"


def _many_each(job: Job, best: Rows) -> str:
    """A caution on the fastest on more devices than it has sequences, with what is cheapest."""
    sequences, first = ceil(job.concurrent), best[0]
    if job.sort != "speed" or job.is_of_day or not 1 < sequences < first["gpus"]:
        return ""
    least = min((row for row in best if row["usd_per_million_tokens"]), key=_usd, default=first)
    cost = f"; {_worth(least)} is cheapest, {', '.join(_said(least, 'cost')[::2])}" if least is not first else ""
    return f" That is {show(first['gpus'] / sequences)} devices for each sequence{cost}."


def _model(rack: Rack) -> str:
    """The model of a verdict with the format of its weights."""
    return rack.model.called(rack.model.quantization.words)


def _day_words(job: Job) -> str:
    """The load of a job of users over a day: how many they are, or what they send in the busiest hour."""
    rate = job.users.get("request_rate")
    return many(job.users["users"], "daily user") if rate is None else f"{show(rate)} requests/s in the busiest hour"


def _own_devices(job: Job) -> str:
    """On which of its devices each part stands in a verdict."""
    fewest = job.sort in OF_ALL_DEVICES and not job.is_of_day
    return "on the fewest devices that do it" if fewest else "where its tokens cost least"


def _desktops(scenario: Scenario, rows: Rows) -> str:
    """The desktop cards one of which keeps a limit on tokens for one user, with their speed, of all parts."""
    job, of = scenario.job, {part.name: part.labels.get("segment") for part, _ in scenario.parts}
    named = scenario.question.words or scenario.question.get("gpu")
    if named or job is None or job.max_tpot == inf or job.is_of_day or ceil(job.concurrent) > 1:
        return ""
    able = [
        row for row in rows if of[row["name"]] == "desktop" and row["gpus"] == 1 and row["why_not"] in (None, UNPRICED)
    ]
    speeds = sorted((row["tokens_per_s_per_user"], row["name"]) for row in able)
    cards = few_names((f"{name} {show(speed)}" for speed, name in speeds), SHOWN)
    return f" Desktop cards with a preset of which one keeps it, by tokens/s: {cards}." if speeds else ""


def _said(row: Mapping[str, Any], sort: str) -> tuple[str, ...]:
    """What a verdict says of a part: the figure of its order first; nothing of money where no price is known."""
    priced = row["usd_per_hour"] is not None
    month = f" ({show(row['usd_per_month'], 'USD')} a month)" if priced and sort == "price" else ""
    words = {
        "cost": _cost(row) if priced else "no price is known",
        "price": f"{show(row['usd_per_hour'], 'USD')} an hour{month}" if priced else "",
        "speed": f"{show(row['tokens_per_s_per_user'])} tokens/s a user",
    }
    asked = {
        "throughput": f"{show(row['tokens_per_s_per_gpu'])} tokens/s a device",
        "devices": many(row["gpus"], "device"),
    }
    return tuple(filter(None, (words.get(sort) or asked[sort], *words.values())))


def _is_near(first: Mapping[str, Any], second: Mapping[str, Any], sort: str) -> bool:
    """Whether the intervals of two parts meet in the figure of their order; counts and rents have none."""
    key, more = ORDERS[sort]
    ends = [ends_in(row, key) or (row[key], row[key]) for row in (first, second)]
    return bool(ends[0][0] <= ends[1][1] if more else ends[0][1] >= ends[1][0]) and sort not in ("price", "devices")


def _on_bases(scenario: Scenario, best: Rows) -> str:
    """The end of a verdict: a load that is assumed, and prices that are not of one basis where money orders parts."""
    assert scenario.job is not None
    words = unlike_prices(scenario.notes) if best and scenario.job.sort in OF_MONEY else ""
    if other := next((each for each in _by_each(scenario, best) if each.name != best[0]["name"]), None):
        row = next(row for row in best if row["name"] == other.name)
        kind = f"by {other.kind}" if other.parts else f"by its own {other.kind} alone"
        words = f" Prices mix kinds of rent (see the note): {kind} {_worth(row)} wins at {show(other.usd, 'USD')}."
    return assumed(scenario) + words + of_parts(scenario.question)


def _winners(scenario: Scenario, best: Rows) -> Iterator[Note]:
    """Who wins by each basis, where prices are not of one."""
    if winners := _by_each(scenario, best):
        first = winners[0]
        each = [f"by {one.kind} ({one.parts}{' parts' * (one is first)}) is {_at(one)}" for one in winners if one.parts]
        alone = [
            f"{counted(row['gpus'], _at(one))} by its {one.kind} alone"
            for one in winners
            if not one.parts
            for row in best
            if row["name"] == one.name
        ]
        yield Note("basis-winners", f"cheapest {', '.join([*each, *alone])}")


def _at(winner: Winner) -> str:
    return f"{winner.name} at {show(winner.usd, 'USD')}"


def _by_each(scenario: Scenario, best: Rows) -> list[Winner]:
    """Who is cheapest by each basis, and what would be by a rent for longer, alone with it."""
    assert scenario.job is not None
    if not best or scenario.job.sort != "cost" or not unlike_prices(scenario.notes):
        return []
    binding = [row for row in best if _binds_longer(scenario, row) and _usd(row) < _usd(best[0])][:1]
    less = [Winner(BASES[row["price_basis"]], 0, row["name"], _usd(row)) for row in binding]
    return [*by_basis({part.name: part for part, _ in scenario.parts}, best), *less]


def _usd(row: Mapping[str, Any]) -> float:
    return float(row["usd_per_million_tokens"])


def _worth(row: Mapping[str, Any]) -> str:
    return counted(row["gpus"], row["name"])


def _cost(row: Mapping[str, Any]) -> str:
    """The price of a million tokens that come out, with its interval."""
    text = f"{show(row['usd_per_million_tokens'], 'USD')} a million output tokens"
    if (band := ends_in(row, "usd_per_million_tokens")) is None:
        return f"{text}{UNKNOWN}"
    return f"{text} ({show(band[0], 'USD')} to {show(band[1], 'USD')})"


def _inputs_of(won: Scenario, asked: Iterable[Input]) -> Iterator[Input]:
    """The inputs of the part that wins that were not asked of all, under its name."""
    name, own = f"{won.search.name}.", {"gpu", "gpus", "concurrency", "num_prompts", "max_sequences", "workload"}
    for item in won.inputs:
        if item.key not in own | {each.key for each in asked}:
            yield item._replace(key=item.key.replace("gpu.", name))


def _work_of(winner: Scenario, won: Placed | None, job: Job) -> Callable[[], None]:
    """What ``--steps`` shows of the part that wins."""
    return userbase.on_part(winner)[2] if won is None else partial(_shown_work, won, job)


def _shown_work(won: Placed, job: Job) -> None:
    if job.users:
        formulas.users.concurrent_users(**job.users)
    _mean(job, int(_replicas(won.replicas)))
    again = won.scenario._replace(running=reworked(won.scenario.running))
    _results(won._replace(scenario=again))


@solved("replicas", equation="the least that hold all sequences and keep the limit", source="search over all layouts")
def _replicas(replicas: float) -> float:
    """Replicas of the part that wins."""
    return replicas


# What an answer about a job says beside its rows: what was assumed, how they are counted, which parts have none.


def assumed(scenario: Scenario) -> str:
    """How many sequences are in flight where nobody said it, as an end of a verdict; else nothing."""
    job = scenario.job
    if job is None or job.users or scenario.question.get("concurrency"):
        return ""
    return f" Nobody said how many: {ceil(job.concurrent):,} are assumed (--concurrency)."


def rented_together(space: Scenario) -> int:
    """Devices of a part that its rent is for, where single ones are not rented out at it; else one."""
    part, given = space.search.setup.part, space.question.given
    basis = space.question.get("price_basis") or USUAL_BASIS[0]
    if "rented_devices" not in part.facts or kind_of_price(given) or rent_key(part, basis) != "rent_neocloud":
        return 1
    return int(part.value("rented_devices"))


def _row_words(job: Job | None) -> str:
    """On which of its devices each row of a job stands."""
    if job and job.sort in OF_ALL_DEVICES and not job.is_of_day:
        return "each row has the fewest devices that do it"
    return f"each row is where a token is cheapest on up to {TIMES[-1]} times the least devices that hold the model"


def notes_of(scenario: Scenario, rows: Rows, able: int) -> Iterator[Note]:
    """How the rows of a job are counted, and which parts are left out; the first ``able`` rows do the job."""
    yield Note("prompts", f"prompts ride along with decoding, and are paid; {_row_words(scenario.job)}")
    yield from _machines(scenario, {row["name"] for row in rows[:able]})
    if scenario.job and scenario.job.is_of_day:
        yield Note(
            "day", "each part has the replicas of the busiest hour, as userbase counts them; speeds are its mean"
        )
    kinds = (note for space in scenario.each if space.running for note in step_notes(space.running))
    if any(note.code == "estimate" for note in kinds):
        yield Note("estimate", "estimates, each by the engine that people run on the part; --json has the intervals")
    judged = [*rows[:able], *_without_price(scenario, rows[able:])]
    shared = [row["name"] for row in judged if row["efficiency"] == SHARED]
    if shared and scenario.question.get("efficiency") is None:
        yield Note(
            "efficiency", f"{SHARED} has what engines of today share, for want of their own: {few_names(shared)}"
        )
    unmeasured = [row["name"] for row in judged if not row.get("bands")]
    if unmeasured:
        yield Note("bound", f"no measured run says how far off these are: {few_names(unmeasured)}")
    if able > SHOWN:
        yield Note("thinned", f"the table shows {SHOWN} of {able} parts that do it; --json and --csv have all")
    if able:
        yield from _left_out_notes([row for row in rows[able:] if row["usd_per_gpu_hour"]])
    yield from _unpriced(rows[able:])
    if without := [row["name"] for row in rows[:able] if not row["usd_per_gpu_hour"]]:
        yield Note("no-price", f"no price is known of {few_names(without)}: --price gives one")
    if any(row.get("weak") for row in rows[: min(able, SHOWN)]):
        yield Note("weak-figure", "~ marks a part with an uncertain figure: presets show NAME says which")
    if empty := ", ".join(dict.fromkeys(key for row in rows for key, value in row.items() if value is None)):
        yield Note("null", f"null where a part is left out, where none is, or where no figure is known: {empty}")


def _machines(scenario: Scenario, able: Collection[str]) -> Iterator[Note]:
    """Which of the parts that do it are rented out in whole machines alone at the price that they have."""
    if scenario.job is None or scenario.job.is_of_day:
        return
    for space in scenario.each:
        if space.search.name in able and (count := rented_together(space)) > 1:
            text = f"{space.search.name} is rented out in machines of {count} at its price, and counted by them"
            yield Note("machines", text)


def _left_out_notes(rows: Rows) -> Iterator[Note]:
    """The parts with a price that do not do it, by why; figures of their own stand behind their names."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        *kind, own = _gathered(row["why_not"])
        kinds.setdefault((kind[0], kind[1]), []).append(f"{row['name']} {own}".rstrip())
    for (code, why), names in sorted(kinds.items(), key=lambda kind: kind[0][0] != SLOW):
        if code:
            yield Note(code, f"{why}: {few_names(names) if code == DEAR else ', '.join(names)}")
        else:
            yield Note("left-out", f"{', '.join(names)}: {why}")


def _gathered(why: str) -> tuple[str, str, str]:
    """The code of a note on all parts with such a figure, how it starts, and the figure; no code without a figure."""
    if why.startswith(FIRST_AT_BEST):
        return SLOW, "too slow, a first token takes at best", why.removeprefix(FIRST_AT_BEST)
    if why.startswith(AT_BEST):
        return SLOW, "too slow, a token takes at best", why.removeprefix(AT_BEST)
    if why.endswith(HOURLY):
        return DEAR, "above --max-price an hour", why.removesuffix(HOURLY)
    if why.endswith(UNJOINED):
        takes, _, key = why.partition(", and its ")
        return "left-out", key, takes
    return "", why, ""


def _unpriced(rows: Rows) -> Iterator[Note]:
    """Parts without a price: those that hold the model, and those that would not do it at any price."""
    rows = [row for row in rows if not row["usd_per_gpu_hour"]]
    if able := [row["name"] for row in rows if row["why_not"] == UNPRICED]:
        yield Note("left-out", f"no price is known of {few_names(able)}: --price gives one")
    if others := [row["name"] for row in rows if row["why_not"] != UNPRICED]:
        yield Note("left-out", f"without a price and no part for it: {few_names(others)}; --json says why")
