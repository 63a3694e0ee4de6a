"""Questions to scenarios, one function a command: defaults filled in, each input noted once."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from math import ceil, inf
from typing import TYPE_CHECKING, Any

from infercost.errors import BadValue, InfercostError, Missing
from infercost.formulas.cost import usd_per_month
from infercost.models import counting
from infercost.models.model import arithmetic_format, bare_count
from infercost.numeric import floor, rounded_up
from infercost.parts import catalog
from infercost.parts.accelerator import common_memory, find_rate
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.parts.stack import is_nominal, law
from infercost.replica.memory import Rack
from infercost.replica.serving import Request, texts_of_pass
from infercost.replica.step import critical_batch, full_batch
from infercost.scenario.options import CHOOSING, OF_RUNS, SERVED, Step, flag
from infercost.scenario.options import Rack as RackOptions
from infercost.scenario.rack import (
    A_MODEL,
    in_formats,
    load_host,
    note_tower,
    read_accelerator,
    read_batch,
    read_checkpoint,
    read_count,
    read_rack,
    refuse_counts,
    refuse_own_memory,
    refuse_prefill_only,
    refuse_unsaid,
)
from infercost.scenario.read import (
    Given,
    Question,
    Reading,
    counted_name,
    figure_kind,
    names_no_model,
    read_part,
    read_stack,
)
from infercost.scenario.running import read_cached, read_draft, read_load, read_running, read_text
from infercost.scenario.scenario import (
    ALL_TAKEN,
    LOADS,
    USUAL_DECODING,
    USUAL_MINUTES,
    Goal,
    Habits,
    Load,
    Need,
    Scenario,
    copies_of,
    frozen,
    most_at_once,
    share_of_one,
)
from infercost.scenario.search import OF_A_JOB, offered, read_job
from infercost.scenario.usual import (
    ASSUMED,
    LENGTHS,
    USUAL_CONTEXT,
    is_of_api,
    note_bases,
    read_api_price,
    read_context,
    read_price,
    refuse_rent,
    stretched,
    with_one,
    with_rate_of_users,
    with_workload,
)
from infercost.units import many, parse_batches, show

if TYPE_CHECKING:
    from infercost.fleet.cost import Service


#: User counts of a table of economies, and full replicas at its end, where nobody says otherwise.
POINTS, REPLICAS = 16, 4
#: Limits on latency, each with the option that names it.
_LATENCIES = ("max_tpot", "max_ttft")
#: How many times the least price of a token a limit on latency that is advised may cost.
_FAIR = 2.0
#: Options of ``userbase`` that ask for a service rather than for the note's arithmetic.
_OF_A_SERVICE = (
    *(
        "workload",
        "traffic",
        "trace",
        "messages_per_day",
        "burstiness",
        "scale_down",
        "replicas",
        "budget",
        "margin",
        "seat_price",
        "max_cost",
        "max_tpot",
        "max_ttft",
    ),
    *("max_wait_probability", "input_tokens", "output_tokens", "prefix_share", "shared_prefix"),
    *("chunk_tokens", "max_sequences"),
    *("purchase_price", "years", "interest", "power_price", "pue", "api_price", "tokens_per_month", "request_rate"),
)
#: Share of the requests that wait for a slot at most where users are the answer and nobody says how many may.
USUAL_WAITING = 0.01
#: Options of ``fit`` that are of one model.
_OF_ONE_MODEL = (
    *("active_params", "rope_scaling", "tp", "pp", "ep", "dp", "draft", "draft_model", "draft_tokens"),
    "shared_prefix",
    *("sweep", "sensitivity"),
)
#: Those that need no hardware: slots for a load and its chances.
_OF_CHANCE = {"max_wait_probability", "burstiness"}
#: Commands that choose among replicas and layouts; those of users count replicas themselves.
_CHOSEN = ("fit", "utilization", "sweep-batch")
#: Options of ``compare`` that are of parts alone.
_OF_PARTS = ("dtype", "set", "gpu", "all", "trend")
#: Whose word stands for each row's own stack in ``validate``.
OWN_STACK = "stack"
#: What a bill follows from.
OF_A_BILL = (
    *("api_price", "margin", "seat_price", "users", "messages_per_day", "tokens_per_month", "workload", "model"),
    *("input_tokens", "output_tokens", "prefix_share", "shared_prefix"),
)
#: Who says how much people use a service by the clock, which an API does not bill.
_BY_TIME = ("minutes_per_day", "decoding_share", "concurrent")
#: What the memory of a model follows from.
OF_A_NEED = (
    *("model", "params", "active_params", "dtype", "kv_dtype", "context", "rope_scaling", "workload", "batch"),
    "sweep",
)


def resolve(question: Question) -> Scenario:
    """The scenario of a question.

    Raises:
        InfercostError: a name that does not exist, an option or a preset that cannot be used.
    """
    question = with_rate_of_users(with_workload(question))
    if question.command == "userbase" and "trace" in question.given:
        from infercost.scenario.deployments import with_traced_load

        question = with_traced_load(question)
    if question.command in _CHOSEN and {"gpu", "model"} <= {*question.given}:
        from infercost.scenario.layouts import with_layout

        question = with_layout(with_one(question))
    reading = Reading(question)
    refuse_rent(reading)
    reading.take("workload")
    return _RESOLVERS[question.command](reading)


def _fit(reading: Reading) -> Scenario:
    if names_no_model(reading.question):
        return _what_runs(reading)
    if stray := [name for name in CHOOSING if name in reading.given]:
        raise BadValue(
            f"{flag(stray[0])} chooses among models, and one is named", "leave it out, or leave the model out"
        )
    if is_of_memory(reading.question):
        return read_needs(reading)
    reading.take("dp")
    return frozen(reading, rack=read_rack(reading), copies=copies_of(reading))


def _what_runs(reading: Reading) -> Scenario:
    """The part that is to run whichever model fits: one of it where no count was given."""
    if "gpu" not in reading.given:
        hint = "--gpu h100 --model llama-3.1-70b says how many hold it, --gpu rtx-4090 alone which models fit"
        raise Missing("fit needs --gpu, and a model or none", hint)
    if stray := [flag(name) for name in _OF_ONE_MODEL if name in reading.given]:
        raise Missing(f"{stray[0]} is of one model, and none is named", "name it: --model llama-3.1-70b")
    part, devices = read_accelerator(reading)
    if (host := reading.get("host")) is not None:
        refuse_own_memory(part)
        _ = host if isinstance(host, Preset) else load_host(str(host))  # refused before any model
    count = int(reading.take("gpus", devices or 1, "one of it" if devices is None else "by --gpu NAME:N"))
    for name in ("dtype", "kv_dtype", "efficiency", "host", "offload", "family", "limit", "set"):
        reading.take(name)
    reading.take("context", USUAL_CONTEXT, "a usual request, or a model's own maximum below it")
    reading.take("batch", 1)
    goal = Goal(tokens_per_s=float(reading.take("min_tokens_per_s") or 0.0))
    return frozen(reading, parts=((part, count),), goal=goal)


def _utilization(reading: Reading) -> Scenario:
    reading.take("dp")
    rack = read_rack(reading)
    if rack.model.prefill_only:
        return _texts(reading, rack)
    load = read_load(reading, rack)
    batch = 1.0
    if not load.is_steady:
        batch = share_of_one(reading, "batch", int(reading.take("batch", *_usual_batch(reading, rack, load))))
    running = read_running(reading, rack)
    price = read_price(reading, rack.part)
    draft = None if load.is_steady else read_draft(reading, rack)
    fields: dict[str, Any] = {"rack": rack, "running": running, "load": load, "draft": draft, "price": price}
    fields["api_price"] = read_api_price(reading, load.request)
    return frozen(reading, batch=batch, **fields, **_shared(reading))


def _usual_batch(reading: Reading, rack: Rack, load: Load) -> tuple[int, str]:
    """Sequences where nobody says how many, and why: one on each replica or, of a job, as many as run at once."""
    copies = copies_of(reading)
    if "requests" not in reading.given or load.reads:
        return copies, ""
    held, layout = rack.plan.max_sequences, rack.plan.layout
    most = {
        f"what memory holds{f' in {layout.words}' if layout.devices > 1 else ''}": inf if held is None else held,
        "what the engine runs at once": most_at_once(reading, rack.setup, layout.dp),
        "all of the job": ceil(reading.get("requests") / copies),
    }
    why = min(most, key=lambda each: most[each])
    return copies * max(int(most[why]), 1), why


def _texts(reading: Reading, rack: Rack) -> Scenario:
    """Texts for a model that decodes nothing: as many together as one pass of the engine takes."""
    text = read_text(reading, rack)
    running = read_running(reading, rack)
    usual = texts_of_pass(running.replica, text)
    given = reading.take(
        "batch", usual * copies_of(reading), "as many texts as one pass of the engine takes" if usual > 1 else ""
    )
    batch = share_of_one(reading, "batch", int(given))
    price = read_price(reading, rack.part)
    fields = {"rack": rack, "running": running, "load": Load(text), "price": price}
    return frozen(reading, batch=batch, **fields, **_shared(reading))


def _shared(reading: Reading) -> dict[str, Any]:
    """The replicas, the requests of a job, and what was measured: tokens/s of one replica, or its MFU.

    Raises:
        BadValue: both.
        Missing: the longest time of no job.
    """
    for name in ("max_cost", "max_tpot"):
        reading.take(name)
    copies, measured, share = copies_of(reading), reading.take("measured_tokens_per_s"), reading.take("measured_mfu")
    if measured is not None and share is not None:
        raise BadValue("--measured-tokens-per-s and --measured-mfu both say what was measured", "give one of them")
    measured = None if measured is None else measured / copies
    requests, deadline = reading.take("requests"), reading.take("deadline")
    if deadline is not None and requests is None:
        raise Missing("--deadline is of a job", "give --requests 1M, with --isl and --osl")
    jobs = {"requests": requests, "deadline": deadline}
    return {"copies": copies, "measured": measured, "measured_mfu": share, **jobs}


def _sweep_batch(reading: Reading) -> Scenario:
    reading.take("dp")
    rack, copies = read_rack(reading), copies_of(reading)
    load = read_load(reading, rack)
    running = read_running(reading, rack)
    price = read_price(reading, rack.part)
    most = rack.plan.max_sequences
    last = max(2, 2 ** int(2 * critical_batch(running)).bit_length())
    usual = parse_batches(f"1:{max(1, last if most is None else min(last, most))}")
    given = reading.take("batch", tuple(copies * batch for batch in usual), "powers of two past the critical batch")
    batches = tuple(share_of_one(reading, "batch", batch) for batch in given)
    return frozen(reading, rack=rack, running=running, batches=batches, copies=copies, load=load, price=price)


def _userbase(reading: Reading) -> Scenario:
    from infercost.formulas.users import peakedness
    from infercost.scenario.deployments import for_users, on_replica

    if is_of_api(reading.question):
        return read_bill(reading)
    if "concurrent" in reading.given and "users" in reading.given:
        raise BadValue("--concurrent and --users are two ways to ask one question", "give one of them")
    asked = {name for name in _OF_A_SERVICE if name in reading.given} or _users_of_a_model(reading)
    question = reading.question
    reading, *others = for_users(reading) if asked else [on_replica(reading)]
    reading.question = question  # with its notes
    if asked and ("gpu" in reading.given or "max_wait_probability" not in asked or asked - _OF_CHANCE):
        return _service_of_users(reading, others)
    supply = _supply(reading)
    users = reading.take("users")
    if users is None and "concurrent" not in reading.given and not supply:
        raise Missing("userbase needs --concurrent, --users, or a --gpu to fill", "for example --concurrent 1000")
    concurrent = reading.take("concurrent", supply.get("batch"), "one full batch") if users is None else None
    habits = Habits(
        reading.take("minutes_per_day", *USUAL_MINUTES),
        reading.take("decoding_share", *USUAL_DECODING),
        reading.take("trough_to_mean", 1.0, "a flat day"),
        reading.take("peak_to_mean", 1.0, "a flat day"),
        reading.take("max_wait_probability") or 1.0,
        max(peakedness(burstiness=reading.take("burstiness") or 1.0), 1.0),
    )
    return frozen(reading, users=users, concurrent=concurrent, habits=habits, **supply)


def _users_of_a_model(reading: Reading) -> set[str]:
    """The users of a model that is named, who send usual requests; none where the note's arithmetic was asked for."""
    if any(name in reading.given for name in ("trough_to_mean", "peak_to_mean", "batch")):
        return set()
    if not {"gpu", "model", "users"} <= set(reading.given) or is_nominal(
        read_stack(Reading(reading.question), "realistic")
    ):
        return set()
    return {"users"}


def _supply(reading: Reading) -> dict[str, Any]:
    """What serves the users of the note's arithmetic: rack, running, the batch of a replica, the price; or nothing."""
    if "gpu" not in reading.given:
        hardware = {*RackOptions.__annotations__, *Step.__annotations__, "batch"}
        if stray := [name for name in reading.given if name in hardware]:
            raise Missing(f"userbase needs --gpu for {', '.join(map(flag, stray))}", _device_for(reading))
        return {}
    rack = read_rack(reading)
    running = read_running(reading, rack)
    batch, why = full_batch(running), "where the arithmetic is full"
    most = rack.plan.max_sequences
    if most is not None and (batch is None or most < batch):
        batch, why = max(1, most), "what memory holds"
    batch = reading.take("batch", batch, why)
    return {"rack": rack, "running": running, "batch": batch, "price": read_price(reading, rack.part)}


def _refuse_answers(reading: Reading) -> None:
    """Refuse what follows from a load over a day, the batch and how its hours differ, and replicas counted twice."""
    if "batch" in reading.given:
        raise BadValue("--batch is an answer here", "leave it out: it follows from the load and its limits")
    if ratios := [name for name in ("trough_to_mean", "peak_to_mean") if name in reading.given]:
        hint = "leave it out: --traffic has all hours of a day, of a preset or of a file of yours with 24 loads"
        raise BadValue(f"{flag(ratios[0])} is an answer here: replicas are counted hour by hour", hint)
    if reading.get("replicas") and reading.get("scale_down"):
        raise BadValue("--replicas and --scale-down both say how many run", "give one of them")


def _service_of_users(reading: Reading, others: list[Reading]) -> Scenario:
    """A user base on a service: its level and the shape of its day; others are replicas that its load costs more on."""
    _refuse_answers(reading)
    if "gpu" not in reading.given:
        what = "" if {"model", "params"} & {*reading.given} else " and a model"
        raise Missing(f"a service needs --gpu{what}", _device_for(reading))
    from infercost.fleet.cost import queued
    from infercost.scenario.deployments import take_tokens

    service = _service(reading)
    service = queued(service, closed="concurrent" in reading.given)
    instead = _spend(reading, service)
    fixed = int(reading.take("replicas") or 0)
    if fixed and not any(name in reading.given for name in LOADS):
        service = _answering(reading, service, fixed)
        reading.given["users"] = Given(_filling(service, fixed), ALL_TAKEN)
    service = service._replace(fleet=service.fleet._replace(fixed=fixed))
    service = (loaded := take_tokens(reading, [service])) or service
    if "users" not in reading.given and "concurrent" not in reading.given:
        hint = "for example --users 100k, or --replicas 1 for what one takes"
        raise Missing("a service needs --users, --concurrent or --replicas", hint)
    users, *_ = [reading.take(name) for name in ("users", "margin", "seat_price", "request_rate", "max_cost")]
    concurrent = reading.take("concurrent") if users is None else None
    api_price = read_api_price(reading, service.request)
    fields: dict[str, Any] = {
        "api_price": api_price,
        "remedies": tuple(_remedies(reading, service)),
        "instead": instead,
    }
    if api_price:
        fields["others"] = _alike(loaded, others)
    return _serving(reading, service, users=users, concurrent=concurrent, **fields)


def _spend(reading: Reading, service: "Service") -> tuple[str, ...]:
    """Take a month's money as the whole replicas that it pays for, each every hour, or as one where it pays for none.

    What it would pay for then, in words; nothing where it pays for some. BadValue beside what decides their number too.
    """
    if (budget := reading.take("budget")) is None:
        return ()
    if other := next((name for name in ("replicas", "scale_down") if reading.get(name)), None):
        raise BadValue(f"--budget and {flag(other)} both say how many run", "give one of them")
    if service.price is None:
        raise Missing("--budget needs the price of a device-hour", "give --price 2.10")
    month = usd_per_month(price=service.price, devices=service.running.rack.devices)
    if budget >= month:
        reading.given["replicas"] = Given(int(floor(budget / month)), "assumed: all that --budget pays for")
        return ()
    reading.given["replicas"] = Given(1, "assumed: the least, more than --budget pays for")
    return (f"more money, or a lower --price: {_least_words(reading, service)}", *_instead(reading, budget))


def _least_words(reading: Reading, service: "Service") -> str:
    """The least replica that holds the model, and what it is a month."""
    rack, trial = service.running.rack, reading.about(gpu=counted_name(str(reading.get("gpu")))[0])
    for name in ("gpus", "tp", "pp", "ep"):
        trial.given.pop(name, None)
    if (least := read_rack(trial).devices) >= rack.devices:
        return "no smaller one holds the model"
    month = usd_per_month(price=service.price or 0.0, devices=least)
    return f"the smallest that holds the model, of {many(least, 'device')}, is {show(month, 'USD')}"


def _instead(reading: Reading, budget: float) -> list[str]:
    """What holds the model within a month's money in place of what was asked, or the cheapest where nothing does."""
    from infercost.scenario.search import within  # reads every part

    found = within(reading, budget)
    return [one.words if one.month <= budget else f"the cheapest of all: {one.words}" for one in found]


def _device_for(reading: Reading) -> str:
    """The hint at --gpu for a model that was named without one; UnknownName or BadFile for a model of no use."""
    model, users = reading.given.get("model"), reading.given.get("users")
    if model is None:
        return "for example --gpu h100" + ("" if "params" in reading.given else " --model llama-3.1-70b")
    from infercost.models.find import find_model

    find_model(str(model.value))
    ask = f"infercost compare --model {shlex.quote(str(model.value))}"
    if users is None and (budget := reading.get("budget")) and (found := _instead(reading, budget)):
        return f"{'; '.join(found)}; {ask} ranks parts by the price of a token"
    return "for example --gpu h100" if users is None else f"{ask} --users {users.value:.0f} finds one"


def _remedies(reading: Reading, service: "Service") -> Iterator[str]:
    """Flags with which a replica meets the limits on latency, each asked: more devices, then limits of a fair price."""
    if not service.missed or not service.running.rack.plan.fits:
        return
    given, count = reading.question.get("gpu"), service.running.rack.devices
    name = counted_name(str(given[0] if isinstance(given, tuple) else given))
    for devices in (2 * count, 4 * count):
        trial = reading.about(gpu=service.running.rack.part.asked)
        trial.given["gpus"] = Given(devices, "tried")
        if _served(trial):
            yield f"--gpus {devices}" if "gpus" in reading.question.given else f"--gpu {name[0]}:{devices}"
            break
    trial, free, flags = *(reading.again() for _ in range(2)), []
    least = (service.fleet.curve.gaps[0], service.fleet.curve.ttfts[0])
    missed = [name for name, time in zip(_LATENCIES, least, strict=True) if time > (reading.get(name) or inf)]
    free.given = {name: given for name, given in free.given.items() if name not in missed}
    if (other := _served(free)) is None:
        return
    for option, time in zip(_LATENCIES, other.fleet.curve.times_at_price(_FAIR), strict=True):
        if option in missed:
            longer = rounded_up(max(time, least[_LATENCIES.index(option)]), 1)
            trial.given[option] = Given(longer, "tried")
            flags.append(f"{flag(option)} {show(longer, 's').replace(' ', '')}")
    if _served(trial):
        yield " ".join(flags)


def _served(trial: Reading) -> "Service | None":
    """The service of another question that holds the model and meets its limits on latency; None where none does."""
    from infercost.scenario.deployments import on_replica

    try:
        service = _service(on_replica(Reading(trial.question._replace(given=trial.given))))
    except InfercostError:
        return None
    return service if service.running.rack.plan.fits and not service.missed else None


def _answering(reading: Reading, service: "Service", replicas: int) -> "Service":
    """The service where users are the answer: as many as rarely wait for a slot, unless a share was given that may.

    Replicas of so few slots that not even one user is served so are filled to the mean.
    """
    from infercost.fleet.day import enough

    rare = service._replace(fleet=service.fleet._replace(waiting=USUAL_WAITING))
    if "max_wait_probability" in reading.given or not enough(rare.fleet, 1.0, replicas, max(rare.fleet.hours)):
        return service
    reading.take("max_wait_probability", USUAL_WAITING, "users whose requests rarely wait for a slot")
    return rare


def _filling(service: "Service", replicas: int) -> float:
    """The most whole users that so many replicas take at their level, at least one; one of what does not fit."""
    from infercost.fleet.cost import most_users

    if not service.running.rack.plan.fits:
        return 1.0
    return float(max(int(floor(most_users(service.fleet, replicas))), 1))


def _economies(reading: Reading) -> Scenario:
    from infercost.fleet.cost import most_users, queued
    from infercost.scenario.deployments import for_users, take_tokens

    least = [reading.about(gpu=part) for part in reading.get("gpu") or (None,)]
    tried = [for_users(one) for one in least]
    asked = [first for first, *_ in tried]
    each = tuple(_serving(one, _service(one)) for one in asked)
    note_bases(reading, (one.rack.part for one in each))
    for one in asked:
        reading.merge(one)
    able = [one.service for one in each if one.rack.plan.fits]
    users, points = 1.0, POINTS
    if "load_share" in reading.given and (also := [name for name in LOADS if name in reading.given]):
        raise BadValue(f"--load and {flag(also[0])} both say how large the load is", "give one of them")
    loaded = take_tokens(reading, able)
    if able:
        most = max([2, *(int(most_users(queued(service).fleet, REPLICAS)) for service in able)])
        users = float(reading.take("users", most, f"{REPLICAS} full replicas"))
        points = int(reading.take("points", POINTS, "from one user to the last, evenly in ratio"))
    several = each if len(each) > 1 else ()
    for name in ("load_share", "margin", "max_cost"):
        if reading.take(name) is not None and several:
            hint = "name one --gpu, or --sweep gpu=h100,mi300x"
            raise BadValue(f"{flag(name)} is of the tokens of one accelerator", hint)
    service = loaded if loaded and not several else each[0].service
    remedies = () if several else tuple(_remedies(asked[0], service))
    fields: dict[str, Any] = {"api_price": read_api_price(reading, service.request), "remedies": remedies}
    if fields["api_price"] and not several:
        fields["others"] = _alike(loaded, tried[0][1:])
    return _serving(reading, service, users=users, points=points, each=several, **fields)


def _alike(loaded: "Service | None", others: Iterable[Reading]) -> tuple["Service", ...]:
    """Services of other replicas, for users who send the messages of one that a month of tokens loads."""
    from infercost.fleet.cost import of_messages

    messages = loaded and loaded.demand.messages
    return tuple(of_messages(each, messages) if messages else each for each in map(_service, others))


def _service(reading: Reading) -> "Service":
    from infercost.scenario.deployments import read_service

    return read_service(reading)


def _serving(reading: Reading, service: "Service", **fields: Any) -> Scenario:
    """What was read as the scenario of a service."""
    return frozen(reading, rack=service.running.rack, running=service.running, service=service, **fields)


def _compare(reading: Reading) -> Scenario:
    modelled = bool({"model", "params"} & {*reading.given})
    named = [*reading.question.words, *(reading.get("gpu") or ())]
    every, trend = reading.take("all"), reading.take("trend")
    if every and named:
        raise BadValue("--all and names are two ways to ask one question", "give one of them")
    if trend and modelled:
        raise BadValue("--trend is of parts alone", "leave the model out")
    if isinstance(model := reading.get("model"), str):
        from infercost.models.find import find_model

        refuse_prefill_only(find_model(model).model)
    if modelled and (not (named or every) or _is_of_a_job(reading)):
        return read_job(reading, named, _userbase)
    if not modelled and (stray := [name for name in reading.given if name not in _OF_PARTS]):
        raise Missing(f"compare needs --model for {', '.join(map(flag, stray))}", "for example --model llama-3.1-70b")
    usual = FORMATS["bf16" if trend else "8bit"], f"{16 if trend else 8}-bit weights"
    format = reading.take("dtype", *((None, "") if modelled else usual)) or _own_format(reading)
    if not (every or trend or named):
        raise Missing("compare needs accelerators", "for example infercost compare h100-note human-brain, or --all")
    parts = [read_part(reading, name) for name in named] or _all_parts(reading)
    if not modelled and any(count is not None for _, count in parts):
        alone = " ".join(dict.fromkeys(part.asked for part, _ in parts))
        raise BadValue("compare takes no counts: it compares one accelerator with another", f"name them alone: {alone}")
    if modelled:
        note_bases(reading, (part for part, _ in parts))
    else:
        reading.take("set")
    _use_figures(reading, [part for part, _ in parts], format)
    return frozen(reading, parts=tuple(parts), format=format)


def _is_of_a_job(reading: Reading) -> bool:
    """Whether parts that were named are asked about a job: an order by speed alone is one of speeds for one user."""
    if {*OF_A_JOB} & {*reading.given} == {"sort"} and reading.get("sort") == "speed":
        reading.take("sort")
        return False
    return any(name in reading.given for name in OF_A_JOB)


def _own_format(reading: Reading) -> Format:
    """The format in which most of a model's matrices compute, 8 bits of a bare count."""
    from infercost.models.find import find_model

    model = reading.get("model")
    return arithmetic_format(find_model(model).model.quantization) if isinstance(model, str) else FORMATS["8bit"]


def _all_parts(reading: Reading) -> list[tuple[Preset, int | None]]:
    """All parts by their dates; those that people can have where they are to run a model."""
    modelled = bool({"model", "params"} & {*reading.given})
    parts = offered(reading) if modelled else [read_part(reading, name)[0] for name in catalog.names("accelerators")]
    return [(part, None) for part in sorted(parts, key=lambda part: (part.labels.get("released", "9999"), part.name))]


def _use_figures(reading: Reading, parts: list[Preset], format: Format) -> None:
    """Note the figures of a comparison as its inputs."""
    _, memories = common_memory(parts)
    for part, memory in zip(parts, memories, strict=True):
        rate = find_rate(part, format)
        used = (memory, "memory_bandwidth", "power", *([rate.key] if rate else []))
        reading.use(part, *(key for key in used if key in part.facts), scope=part.id)


def _validate(reading: Reading) -> Scenario:
    places = () if reading.question.words else [name for name in ("gpu", "model") if name in reading.given]
    if (reading.take("by") or "kind") == "kind" and not places and not reading.question.words:
        name = reading.take("efficiency", "realistic", "and each row's own stack beside it")
    else:
        name = reading.take("efficiency", OWN_STACK, "each row's own")
    for text in reading.get("set") or ():
        if text.strip().startswith("gpu."):
            raise BadValue(f"--set: {text!r}: each row names its own part", "copy the part's preset and name it there")
        if name == OWN_STACK:
            raise BadValue(f"--set: {text!r}: each row has its own profile", "name one profile: --efficiency vllm")
    stack = None if name == OWN_STACK else read_stack(reading, "realistic")
    if stack and law(stack) == "erdil-2025":
        what = f"--efficiency: {stack.name} counts a step by the law of a paper"
        raise BadValue(what, "name a profile without a law")
    if not reading.question.words:
        if stray := [flag(name) for name in OF_RUNS if name in reading.given and name not in places]:
            what = f"{stray[0]} is of a benchmark's files, and there are none"
            raise BadValue(
                what, "name the files, or ask how well each model is predicted: infercost validate --by model"
            )
        reading.take("model")
        gpu = reading.take("gpu")
        return frozen(reading, stack=stack, parts=() if gpu is None else (read_part(reading, gpu),))
    from infercost.scenario.runs import read_files

    return frozen(reading, stack=stack, files=read_files(reading))


def _calibrate(reading: Reading) -> Scenario:
    from infercost.scenario.runs import read_calibration

    return read_calibration(reading)


def _frontier(reading: Reading) -> Scenario:
    from infercost.scenario.search import read_frontier

    return read_frontier(reading)


_RESOLVERS: dict[str, Callable[[Reading], Scenario]] = {
    "fit": _fit,
    "utilization": _utilization,
    "sweep-batch": _sweep_batch,
    "userbase": _userbase,
    "economies": _economies,
    "frontier": _frontier,
    "compare": _compare,
    "validate": _validate,
    "calibrate": _calibrate,
    "presets": frozen,
}


# What an API bills for the messages of users, read where no accelerator of one's own is named.


def read_bill(reading: Reading) -> Scenario:
    """The messages that an API bills: of users, or of so many tokens a month.

    Raises:
        BadValue: two ways to say how many, or use by the clock.
        Missing: what needs an accelerator, or nobody who sends messages.
    """
    _refuse_others(reading.question)
    reading.take("model")  # a name for the reader: a bill follows from its tokens
    request = _read_request(reading)
    users, tokens = reading.take("users"), reading.take("tokens_per_month")
    if None not in (users, tokens) and "messages_per_day" in reading.given:
        what = "--tokens-per-month, --users and --messages-per-day say twice how large the load is"
        raise BadValue(what, "give two of them")
    if users is None and tokens is None:
        raise Missing("an API's bill needs --users or --tokens-per-month", "for example --users 100k")
    if tokens is None:
        reading.need("messages_per_day", "--messages-per-day 8, --tokens-per-month 1.5B, or --workload chat")
    else:
        reading.take("messages_per_day")
    for name in ("margin", "seat_price"):
        if reading.take(name) is not None and users is None and "messages_per_day" not in reading.given:
            raise Missing(f"{flag(name)} is of what a user costs a month", "give --users, or --messages-per-day")
    price = read_api_price(reading, request)
    if price and price.input is not None and price.cached is None and request.prefix_share:
        all_in = "the API is taken to bill cached tokens like others"
        reading.note("api-price", f"{all_in}: --api-price IN/OUT/CACHED has a price of theirs")
    return frozen(reading, users=users, load=Load(request), api_price=price)


def _refuse_others(question: Question) -> None:
    """Refuse what a bill does not follow from; not what a workload says of other questions."""
    given = [name for name, each in question.given.items() if not each.origin.startswith("workload ")]
    if by_time := [flag(name) for name in _BY_TIME if name in given]:
        raise BadValue(f"{by_time[0]}: an API bills tokens, not minutes", "give --users and --messages-per-day")
    if stray := [flag(name) for name in given if name not in OF_A_BILL]:
        raise Missing(f"userbase needs --gpu for {', '.join(stray)}", "leave it out for what an API alone bills")


def _read_request(reading: Reading) -> Request:
    """The tokens of a message, those of a usual request where nobody says how long it is."""
    usual = catalog.load("workloads", ASSUMED)
    prompt, answer = (float(reading.take(name, usual.value(name), "a usual request")) for name in LENGTHS)
    return read_cached(reading, Request(prompt, answer))


# What a model takes of memory, read where no accelerator is named.


def is_of_memory(question: Question) -> bool:
    """Whether ``fit`` is asked what a model needs, whatever holds it."""
    return question.command == "fit" and "gpu" not in question.given


def read_needs(reading: Reading) -> Scenario:
    """A model and its sequences, or a bare count.

    Raises:
        Missing: what needs an accelerator, or a cache of a bare count.
    """
    if stray := [flag(name) for name in reading.given if name not in OF_A_NEED]:
        for text in reading.get("set") or ():
            if (scope := text.partition(".")[0].strip()) == "model":
                figure_kind(scope, "", "--set")
        raise Missing(f"fit needs --gpu for {', '.join(stray)}", "for example --gpu h100, or leave it out")
    return frozen(reading, need=_of_model(reading) if "model" in reading.given else _of_count(reading))


def _of_count(reading: Reading) -> Need:
    if stray := [flag(name) for name in reading.given if name in (*SERVED, "batch")]:
        need = "needs" if len(stray) == 1 else "need"
        raise Missing(f"{', '.join(stray)} {need} --model: a bare count has no layers", A_MODEL)
    params, active, format = read_count(reading)
    return Need(None, bare_count(params, active, format, 0, 0), params, active)


def _of_model(reading: Reading) -> Need:
    refuse_counts(reading)
    checkpoint = read_checkpoint(reading)
    model = in_formats(reading, checkpoint.published_model if "dtype" in reading.given else checkpoint.model)
    refuse_unsaid(reading, checkpoint)
    reading.own("dtype", model.quantization.name, checkpoint.says_format)
    model = stretched(reading, checkpoint, model)
    note_tower(reading, checkpoint, model)
    context, batch = read_context(reading, None, model, checkpoint.extended), read_batch(reading, model)
    return Need(checkpoint, model, counting.total_params(model), counting.active_params(model), context, batch)
