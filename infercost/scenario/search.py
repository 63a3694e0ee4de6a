"""What is searched: parts that people can have, those of a job, a frontier's scenarios, what a service must reach."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

from infercost import formulas
from infercost.errors import OF_THE_QUESTION, BadValue, InfercostError, Missing, UnknownName, closest
from infercost.formulas.cost import usd_per_month
from infercost.models.model import arithmetic_format
from infercost.parts import catalog
from infercost.parts.accelerator import BASES, is_of_a_desktop
from infercost.parts.files import reading_once
from infercost.parts.formats import WEIGHTS
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import is_nominal, splits_layers
from infercost.replica.layout import FREE, Layout, every_layout
from infercost.replica.memory import Plan, Setup
from infercost.scenario.options import DRAFT, flag, options_of
from infercost.scenario.rack import (
    MOST_DEVICES,
    OF_A_HOST,
    asked_widths,
    fitting_plan,
    given_widths,
    open_widths,
    rack_of,
    read_setup,
)
from infercost.scenario.read import Given, Question, Reading, counted_name, read_part
from infercost.scenario.running import read_draft, read_load, read_running
from infercost.scenario.scenario import USUAL_DECODING, USUAL_MINUTES, Goal, Job, Scenario, Search, frozen
from infercost.scenario.usual import (
    USUAL_BASIS,
    binds_longer,
    by_messages,
    kind_of_price,
    note_bases,
    note_idle,
    read_price,
    with_rate_of_users,
    with_workload,
)
from infercost.units import Shard, many, show

#: Options of ``utilization`` that all rows of a search share.
_SHARED = (
    *("model", "gpu", "dtype", "kv_dtype", "efficiency", "engine_version", "overlap", "usable", "ubatch", "context"),
    "rope_scaling",
    *("input_tokens", "output_tokens", "prefix_share", "shared_prefix", *DRAFT),
)
#: Of no use to a file of all configurations, which is filtered later.
_FILTERS = ("max_tpot", "max_ttft", "min_tokens_per_s", "users", "minutes_per_day", "decoding_share", "best")
#: What narrows the parts down.
NARROWING = ("vendor", "rentable")
#: Kinds that are built to serve.
SERVERS = ("gpu", "tpu", "accelerator", "superchip")
#: Kinds that nobody buys: the brain, and a data sheet in round numbers.
_NO_PARTS = ("reference",)
_RENTS = ("rent", *(f"rent_{basis}" for basis in BASES))
#: Sequences in flight where nobody says how many.
USUAL_CONCURRENCY = 64
#: What makes a question with names one about a job.
OF_A_JOB = (
    *("users", "minutes_per_day", "decoding_share", "messages_per_day", "request_rate", "concurrency", "max_tpot"),
    *("max_ttft", "sort", "max_price"),
    *NARROWING,
)
#: Options of ``compare`` that the question about one part does not have.
_NOT_OF_ONE = (*(name for name in OF_A_JOB if name != "concurrency"), "gpu", "all")
#: Doublings of a node, after whole ones up to so many, and the most devices that layers alone are split over.
_NODES, _IN_TURN = 8, 8


#: Formats of fewer bits that engines of data centres store weights in, the nearest to what a model is stored in first.
_FORMATS = ("fp8", "int4")
#: What says how many devices there are, and how they share a model.
_COUNTS = ("gpus", "tp", "pp", "ep", "budget")


class Held(NamedTuple):
    """The least replica of a part that holds a model in a format, as stored where none is named, and USD a month."""

    month: float
    devices: int
    part: Preset
    dtype: str = ""

    @property
    def words(self) -> str:
        """The devices and their month: ``4 x l40s hold it in fp8 for $2,336 a month (--gpu l40s --dtype fp8)``."""
        single, format = self.devices == 1, f" in {self.dtype}" if self.dtype else ""
        flags = f"--gpu {self.part.asked}{f' --dtype {self.dtype}' if self.dtype else ''}"
        whole = f"{counted(self.devices, self.part.name)} {'holds' if single else 'hold'} it{format}"
        return f"{whole} for {show(self.month, 'USD')} a month ({flags})"


def read_frontier(reading: Reading) -> Scenario:
    """A scenario for each model, part and format, and with a draft a second one; Missing where some have no price."""
    _check_export(reading)
    models = reading.question.need("model", "--model llama-3.1-70b")
    named = _name_parts(reading)
    every = tuple(_spaces(reading, models, named))
    unknown = [one.search.setup.part.name for one in every if one.price is None]
    if 0 < len(unknown) < len(every):
        names = ", ".join(dict.fromkeys(unknown))
        raise Missing(f"no price of {names} is known, so costs cannot be compared", "give --price, the same for all")
    _name_all(reading, every)
    note_bases(reading, (one.search.setup.part for one in every))
    goal = _read_goal(reading)
    return frozen(reading, each=tuple(one._replace(goal=goal) for one in every), goal=goal)


def _name_parts(reading: Reading) -> bool:
    """Whether parts were named; where none were, take those of data centres with a rent, and say so."""
    if "gpu" in reading.given:
        if stray := [flag(name) for name in NARROWING if name in reading.given]:
            raise BadValue(f"{stray[0]} and --gpu are two ways to ask one question", "give one of them")
        return True
    with reading_once():
        parts = [part for part in offered(reading) if part.labels.get("kind") in SERVERS and can_be_rented(part)]
    basis = reading.get("price_basis") or USUAL_BASIS[0]
    longer = [part.name for part in parts if not kind_of_price(reading.given) and binds_longer(part, basis)]
    names = tuple(part.name for part in parts if not is_of_a_desktop(part) and part.name not in longer)
    if not names:
        raise Missing("no such part of a data centre has a known rent", "name parts: --gpu h100")
    reading.given["gpu"] = Given(names, "assumed: parts of data centres with a known rent")
    others = f", and {', '.join(longer)}, whose known rents are for longer," if longer else ""
    text = f"parts without a known rent, cards of desktops{others} are not tried: --gpu names them"
    reading.note("left-out", text if longer else text.replace("rent, cards", "rent, and cards"))
    return False


def _spaces(reading: Reading, models: Sequence[str], named: bool) -> Iterator[Scenario]:
    """A scenario for each model, part and format, and with a draft a second one; parts not named may be left out.

    Raises:
        InfercostError: a part that was named, or the last of the others, cannot be asked about the model.
    """
    drafts = (False, True) if any(name in reading.given for name in DRAFT) else (False,)
    seen, refused, parts = set[str](), dict[str, InfercostError](), reading.get("gpu")
    for model, part, format, drafting in product(models, parts, reading.get("dtype") or (None,), drafts):
        inner = reading.about(gpu=part, model=model, dtype=format)
        if not drafting:
            inner.given = {name: given for name, given in inner.given.items() if name not in DRAFT}
        try:
            one = _searched(reading, inner)
        except InfercostError as error:
            if named or isinstance(error, OF_THE_QUESTION):
                raise
            refused[str(part)] = error
            continue
        if one.search.name not in seen:
            seen.add(one.search.name)
            yield one
    if refused and not seen:
        raise next(iter(refused.values()))
    if refused:
        reading.note("left-out", f"left out: {'; '.join(dict.fromkeys(error.what for error in refused.values()))}")


def _searched(reading: Reading, inner: Reading) -> Scenario:
    """The question about one model on one part in one format, among those of all."""
    setup, devices = read_setup(inner)
    most = int(inner.take("max_gpus", MOST_DEVICES, "as many as are searched"))
    most = most if "max_gpus" in reading.given else min(most, most_of(setup))
    reach, widths = reach_of(setup), open_widths(setup, given_widths(inner))
    rack = rack_of(setup, setup.plan(_some_layout(setup, min(most, reach), devices, widths)))
    load, price = read_load(inner, rack), read_price(inner, setup.part)
    running, draft = read_running(inner, rack), read_draft(inner, rack)
    for name in ("gpus", *Layout._fields):
        inner.take(name)
    if len(reading.get("gpu")) > 1:  # figures of several parts go by their names
        own = f"{setup.part.id}."
        inner.inputs = [item._replace(key=item.key.replace("gpu.", own)) for item in inner.inputs]
    reading.merge(inner)
    name = _name(reading, setup) + (" with a draft" if draft else "")
    search = Search(name, setup, most, reach, devices, widths, _flags(inner, price))
    return frozen(inner, rack=rack, running=running, load=load, price=price, draft=draft, search=search)


def _some_layout(setup: Setup, most: int, devices: int | None, widths: Layout) -> Layout:
    """The layout of most devices; BadValue where a width does not split the model, or counts exclude each other."""
    every = [one for one in every_layout(setup.model, most, widths) if devices in (None, one.devices)]
    if every:
        return every[-1]
    asked = asked_widths(setup.model, widths)
    count = f"of {many(devices, 'device')}" if devices else f"of up to {many(most, 'device')}"
    where = f" on {setup.part.name}, where {many(most, 'device')} may share a model" if most < (devices or 0) else ""
    raise BadValue(f"there is no layout {count}{asked}{where}", "free a width, or allow more with --max-gpus")


def _name_all(reading: Reading, every: tuple[Scenario, ...]) -> None:
    """Put the names of all models, parts and formats where the first one's stand."""
    names = {
        "gpu": [one.search.setup.part.asked for one in every],
        "model": [one.search.setup.model.name for one in every],
        "dtype": [one.search.setup.model.quantization.name for one in every],
    }
    for index, item in enumerate(reading.inputs):
        if len(distinct := tuple(dict.fromkeys(names.get(item.key, ())))) > 1:
            reading.inputs[index] = item._replace(value=distinct)


def reach_of(setup: Setup) -> int:
    """Devices that a replica may span: one without a link, a node's without a network."""
    facts = setup.part.facts
    if "link_bandwidth" not in facts:
        return 1
    return MOST_DEVICES if "network_bandwidth" in facts else setup.domain


def most_of(setup: Setup) -> int:
    """Devices in all replicas that are searched: of what people own, and nobody rents out, those of one computer.

    A computer without a network that is known stands alone, of cards a host has a few.
    """
    part, segment = setup.part, setup.part.labels.get("segment")
    owned = segment is not None or part.labels.get("kind") == "soc"
    if not owned or can_be_rented(part) or "network_bandwidth" in part.facts:
        return MOST_DEVICES
    return OF_A_HOST if "link_bandwidth" in part.facts and segment != "laptop" else 1


def _name(reading: Reading, setup: Setup) -> str:
    """What tells a search from the others: its part, and whatever else there are several of."""
    words = [setup.part.name]
    if len(reading.get("model")) > 1:
        words.insert(0, f"{setup.model.name} on")
    if len(reading.get("dtype") or ()) > 1:
        words.append(setup.model.quantization.name)
    return " ".join(words)


def _flags(reading: Reading, price: float | None) -> dict[str, str]:
    """The options of ``utilization`` that all layouts share, by name, as text that reads back to the same value."""
    values = {name: reading.get(name) for name in _SHARED}
    values["gpu"] = counted_name(str(values["gpu"]))[0]
    values["price"] = price
    flags = {name: _as_text(value) for name, value in values.items() if value is not None}
    return flags | {f"set {number}": str(text) for number, text in enumerate(reading.get("set") or ())}


def _as_text(value: Any) -> str:
    return str(getattr(value, "name", None) or (repr(value) if isinstance(value, float) else value))


def _check_export(reading: Reading) -> None:
    """Refuse what an export of every configuration has no use for, and a piece of no export."""
    if "all" not in reading.given and "shard" in reading.given:
        raise BadValue("--shard cuts an export into pieces", "give --all too")
    if "all" in reading.given and (stray := [name for name in _FILTERS if name in reading.given]):
        raise BadValue(f"{flag(stray[0])} and --all disagree", "filter the file, or leave --all out")


def _read_goal(reading: Reading) -> Goal:
    """What a service must reach; BadValue for batches beside users, who lead to them, and for minutes of nobody."""
    users, shard = dict[str, float](), Shard(1, 1) if "all" in reading.given else None
    if "shard" in reading.given:
        shard = reading.take("shard")
        reading.amend(value=f"{shard.number}/{shard.total}")
    if "users" in reading.given:
        if "batch" in reading.given:
            raise BadValue("--users and --batch disagree", "give one: the batch follows from the users")
        users = habits_of(reading)
    else:
        refuse_habits(reading)
    reading.take("max_cost")
    return Goal(
        formulas.users.concurrent_users(**users) if users else 0.0,
        users,
        max_tpot=reading.take("max_tpot") or inf,
        max_ttft=reading.take("max_ttft") or inf,
        tokens_per_s=reading.take("min_tokens_per_s") or 0.0,
        batches=reading.take("batch") or (),
        best=reading.take("best"),
        shard=shard,
    )


def habits_of(reading: Reading) -> dict[str, float]:
    """The daily users that were given and their habits, which say how many sequences are decoded at once."""
    return {
        "users": float(reading.take("users")),
        "minutes_per_day": float(reading.take("minutes_per_day", *USUAL_MINUTES)),
        "decoding_share": float(reading.take("decoding_share", *USUAL_DECODING)),
    }


def refuse_habits(reading: Reading) -> None:
    """Refuse habits of users where there are none."""
    if stray := [name for name in ("minutes_per_day", "decoding_share", "messages_per_day") if name in reading.given]:
        raise BadValue(f"{flag(stray[0])} is of users, and there are none", "give --users")


def offered(reading: Reading) -> list[Preset]:
    """Every accelerator preset that people can have, those of a vendor or with a rent where only these are asked for.

    Raises:
        UnknownName: no preset is of the vendor.
    """
    parts = [read_part(reading, name)[0] for name in catalog.names("accelerators")]
    parts = [part for part in parts if part.labels.get("kind") not in _NO_PARTS]
    if (vendor := reading.take("vendor")) is not None:
        vendors = sorted({part.labels.get("vendor", "") for part in parts})
        of = {name.lower(): name for name in vendors}.get(vendor.lower())
        if of is None:
            raise UnknownName(f"no part is of {vendor!r}", f"{closest(vendor, vendors)}vendors: {', '.join(vendors)}")
        parts = [part for part in parts if part.labels.get("vendor") == of]
    if reading.take("rentable"):
        parts = [part for part in parts if can_be_rented(part)]
    return parts


def can_be_rented(part: Preset) -> bool:
    """Whether a rent of a part is known, on any basis."""
    return any(key in part.facts for key in _RENTS)


# Which part for a job: the model read on every part that may do it, and what the job asks of them.


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
            except OF_THE_QUESTION:
                raise
            except InfercostError as error:
                refused.append((part, error))
            if done:
                done(at + 1)
    if refused and not each:
        raise refused[0][1]
    if job.max_ttft < inf and not job.is_of_day and any(one.rack and one.load.request is None for one in each):
        raise Missing("--max-ttft needs a prompt", "give --input-tokens and --output-tokens")
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
    if "request_rate" in reading.given and "concurrency" in reading.given:
        raise BadValue("--request-rate and --concurrency both say how large the load is", "give one of them")
    if of_day:
        reading.take("messages_per_day")
        note_idle(reading)
        load = "request_rate" if "request_rate" in reading.given else "users"
        users, concurrent = {load: float(reading.take(load))}, 0.0
    elif "users" in reading.given:
        users = habits_of(reading)
        concurrent = formulas.users.concurrent_users(**users)
    else:
        refuse_habits(reading)
        concurrent = float(reading.take("concurrency", USUAL_CONCURRENCY, "nobody said how many"))
    tpot, price = reading.take("max_tpot") or inf, reading.take("max_price") or inf
    ttft, order = reading.take("max_ttft") or inf, reading.take("sort") or "cost"
    return Job(concurrent, users, tpot, price, order, ttft, is_of_day=of_day)


def _of_day(reading: Reading, userbase: Callable[[Reading], Scenario], part: Preset) -> Scenario:
    """The question of ``userbase`` about a part alone, its workload read by that command."""
    taken = options_of("userbase")
    given = {name: each for name, each in reading.given.items() if name in taken and each.origin not in _own(reading)}
    given["gpu"] = Given(part, "compare")
    question = Question("userbase", MappingProxyType(given), origin=reading.question.origin)
    found = userbase(Reading(with_rate_of_users(with_workload(question))))
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


# What a month's money could hold a model on: the least replica in other formats, and on other parts.


def within(reading: Reading, budget: float) -> list[Held]:
    """What holds a model within a month's money: the part that was asked for in fewer bits, the cheapest part as it is.

    Else the cheapest part in fewer bits or, where none is within it, the cheapest of all.

    Raises:
        BadFile: a file that cannot be read.
        UnknownName: a name that does not exist.
    """
    with reading_once():
        own = [read_part(reading, reading.get("gpu"))[0]] if "gpu" in reading.given else []
        smaller = next((one for dtype in _FORMATS for one in _held(reading, own, dtype) if one.month <= budget), None)
        others = _others(reading)
        same = cheapest(_held(reading, others))
        found = [one for one in (smaller, same) if one and one.month <= budget]
        if found or not (own or others):
            return found
        last = cheapest(one for dtype in _FORMATS for one in _held(reading, [*own, *others], dtype)) or same
        return [last] if last else []


def cheapest(every: Iterable[Held]) -> Held | None:
    """The one whose month costs least, None of none."""
    return min(every, key=lambda one: one.month, default=None)


def _others(reading: Reading) -> list[Preset]:
    """Parts of data centres with a known rent; none where the price is of one's own part."""
    if kind_of_price(reading.given):
        return []
    parts = offered(Reading(reading.question._replace(given={}, notes=())))
    return [
        each
        for each in parts
        if each.labels.get("kind") in SERVERS and can_be_rented(each) and not is_of_a_desktop(each)
    ]


def _held(reading: Reading, parts: Iterable[Preset], dtype: str = "") -> Iterator[Held]:
    """The least replica on each part that can be asked and has a price; none where that format was given."""
    if dtype and dtype == getattr(reading.get("dtype"), "name", None):
        return
    for part in parts:
        trial = Reading(reading.question._replace(notes=()))
        trial.given = {name: given for name, given in reading.given.items() if name not in _COUNTS}
        trial.given["gpu"] = Given(part, "tried")
        if dtype:
            trial.given["dtype"] = Given(WEIGHTS[dtype], "tried")
        try:
            setup, _ = read_setup(trial)
            plan, price = _least(setup), read_price(trial, setup.part)
        except OF_THE_QUESTION:
            raise
        except InfercostError:
            continue
        if plan and price:
            month = usd_per_month(price=price, devices=plan.layout.devices)
            yield Held(month, plan.layout.devices, part, dtype)


def _least(setup: Setup) -> Plan | None:
    """The least replica of whole nodes or within one; none of an engine that serves one user with layers in turn."""
    if splits_layers(setup.stack):
        return None
    return next((made for count in counts(setup, reach_of(setup)) if (made := fitting_plan(setup, count))), None)
