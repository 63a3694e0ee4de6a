"""Which part for a job: the model read on every part that may do it, and what the job asks of them."""

import shlex
from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from types import MappingProxyType

from infercost import formulas
from infercost.errors import BadFile, BadValue, InfercostError, Missing, UnknownName
from infercost.models.model import arithmetic_format
from infercost.parts.cache import reading_once
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import is_nominal, splits_layers
from infercost.replica.layout import FREE
from infercost.replica.rack import Setup
from infercost.scenario.options import flag, options_of
from infercost.scenario.prices import note_bases, note_idle, read_price
from infercost.scenario.rack import MOST_DEVICES, fitting_plan, rack_of, read_setup
from infercost.scenario.read import Given, Question, Reading, read_part
from infercost.scenario.running import read_load, read_running
from infercost.scenario.scenario import Job, Scenario, Search, frozen
from infercost.scenario.search import NARROWING, habits_of, most_of, offered, reach_of, refuse_habits
from infercost.scenario.usual import by_messages, with_workload

#: Sequences in flight where nobody says how many.
USUAL_CONCURRENCY = 64
#: What makes a question with names one about a job.
OF_A_JOB = (
    *("users", "minutes_per_day", "decoding_share", "messages_per_day", "concurrency", "max_tpot", "sort", "max_price"),
    *NARROWING,
)
#: Options of ``compare`` that the question about one part does not have.
_NOT_OF_ONE = (*(name for name in OF_A_JOB if name != "concurrency"), "gpu", "all")
#: Doublings of a node, after whole ones up to so many, and the most devices that layers alone are split over.
_NODES, _IN_TURN = 8, 8


def read_job(reading: Reading, named: Iterable[object], userbase: Callable[[Reading], Scenario]) -> Scenario:
    """A scenario for each part that may do a job, of those named or of all; the first error where none can be asked.

    Where users send messages over a day each is a question of ``userbase``, as that is read.

    Raises:
        InfercostError: no part can be asked about the model.
    """
    if "batch" in reading.given:
        raise BadValue("--batch is an answer here", "give --concurrency, the sequences of all replicas")
    job = _read_job(reading)
    on_part = partial(_of_day, reading, userbase) if job.is_of_day else partial(_on_part, reading)
    with reading_once():
        parts = _named(reading, named) or offered(reading)
        done = reading.question.progress("parts", len(parts))
        each, refused = [], []
        for at, part in enumerate(parts):
            try:
                each.append(on_part(part))
            except (BadFile, UnknownName):
                raise
            except InfercostError as error:
                refused.append((part, error))
            if done:
                done(at + 1)
    if refused and not each:
        raise refused[0][1]
    note_bases(reading, (one.search.setup.part for one in each if one.rack is not None))
    formats = [one.search.setup.model.quantization for one in each]
    return frozen(
        reading,
        each=tuple(each),
        parts=tuple((part, None) for part in parts),
        format=arithmetic_format(formats[0]),
        job=job._replace(refused=tuple(refused)),
    )


def _named(reading: Reading, named: Iterable[object]) -> list[Preset]:
    named = list(named)
    parts = [read_part(reading, name) for name in named]
    if parts and (stray := [flag(name) for name in NARROWING if name in reading.given]):
        raise BadValue(f"{stray[0]} and names are two ways to ask one question", "give one of them")
    several = [
        f"{name} is {counted(count, part.name)}" for name, (part, count) in zip(named, parts, strict=True) if count
    ]
    if several:
        alone, each = " ".join(dict.fromkeys(part.asked for part, _ in parts)), ",".join(map(str, named))
        sweep = f"infercost utilization --sweep gpu={shlex.quote(each)}"
        what = f"a job says how many accelerators it takes, and {', '.join(several)}"
        raise BadValue(what, f"name parts alone: compare {alone}; what so many do: {sweep}")
    return [part for part, _ in parts]


def _read_job(reading: Reading) -> Job:
    """What a job asks of a named model; Missing for a bare count, BadValue for two ways to say how much it is."""
    if "model" not in reading.given and "params" in reading.given:
        what = "a job needs --model: a bare count has no cache, which says how many sequences fit"
        raise Missing(what, "name parts and a batch: infercost compare h100 b200 --params 70B --batch 64")
    reading.need("model", "--model llama-3.1-70b")
    of_day, users = by_messages(reading.question), dict[str, float]()
    if "users" in reading.given and "concurrency" in reading.given:
        raise BadValue("--users and --concurrency are two ways to ask one question", "give one of them")
    if of_day:
        reading.take("messages_per_day")
        note_idle(reading)
        users, concurrent = {"users": float(reading.take("users"))}, 0.0
    elif "users" in reading.given:
        users = habits_of(reading)
        concurrent = formulas.users.concurrent_users(**users)
    else:
        refuse_habits(reading)
        concurrent = float(reading.take("concurrency", USUAL_CONCURRENCY, "nobody said how many"))
    tpot, price = reading.take("max_tpot") or inf, reading.take("max_price") or inf
    return Job(concurrent, users, tpot, price, reading.take("sort") or "cost", is_of_day=of_day)


def _of_day(reading: Reading, userbase: Callable[[Reading], Scenario], part: Preset) -> Scenario:
    """The question of ``userbase`` about a part alone, its workload read by that command."""
    taken = options_of("userbase")
    given = {name: each for name, each in reading.given.items() if name in taken and each.origin not in _own(reading)}
    given["gpu"] = Given(part, "compare")
    question = Question("userbase", MappingProxyType(given), origin=reading.question.origin)
    found = userbase(Reading(with_workload(question)))
    setup = found.rack.setup
    search = Search(part.name, setup, most_of(setup), reach_of(setup), None, FREE, {})
    return found._replace(search=search, price=found.service.price)


def _own(reading: Reading) -> set[str]:
    """The origins of what a workload says, not who named it."""
    return {each.origin for each in reading.given.values() if each.origin.startswith("workload ")}


def _on_part(reading: Reading, part: Preset) -> Scenario:
    """The question about a part alone, with its rack in the first layout that fits; without one where none does."""
    given = {name: each for name, each in reading.given.items() if name not in _NOT_OF_ONE}
    given |= {"gpu": Given(part, "compare"), "concurrency": Given(1, "compare")}
    inner = Reading(Question("utilization", MappingProxyType(given), origin=reading.question.origin))
    setup, _ = read_setup(inner)
    price = read_price(inner, part)
    reach = reach_of(setup)
    search = Search(part.name, setup, most_of(setup), reach, None, FREE, {})
    plan = next((made for count in counts(setup, reach) if (made := fitting_plan(setup, count))), None)
    if plan is None:
        return frozen(inner, price=price, search=search)
    rack = rack_of(setup, plan)
    if is_nominal(setup.stack) and "input_tokens" not in inner.given:
        del inner.given["concurrency"]  # no request is known: a batch stands for those in flight
    load, running = read_load(inner, rack), read_running(inner, rack)
    return frozen(inner, rack=rack, running=running, load=load, price=price, search=search)


def counts(setup: Setup, reach: int) -> list[int]:
    """Devices of one replica to try: powers of two in a node, then whole nodes; every count where layers split."""
    if splits_layers(setup.stack):
        return [*range(1, min(reach, setup.model.depth, _IN_TURN) + 1)]
    inside = [2**power for power in range(7) if 2**power <= setup.domain]
    nodes = [*range(1, _NODES + 1), *(2**power for power in range(4, 11))]
    found = {*inside, *(count * setup.domain for count in nodes)}
    return sorted(count for count in found if count <= min(reach, MOST_DEVICES))
