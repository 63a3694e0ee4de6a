"""The people of a service, and its replica where devices or layout are free: by the load asked about, or when full."""

from collections.abc import Iterator, Sequence
from math import fsum, inf
from types import MappingProxyType
from typing import NamedTuple

from infercost import formulas
from infercost.errors import BadValue
from infercost.fleet.cost import (
    Demand,
    Level,
    Service,
    batch_limits,
    device_seconds,
    messages_of,
    of_month,
    provision,
    queued,
    use_of,
    users_averaging,
)
from infercost.fleet.day import day_of
from infercost.fleet.traces import Trace, read_trace
from infercost.parts import catalog
from infercost.parts.preset import DAY, Shape, shape_of
from infercost.parts.stack import law
from infercost.replica.layout import Layout
from infercost.replica.serving import LEAST_OUTPUT, Request
from infercost.replica.step import Running
from infercost.report import Note
from infercost.scenario.layouts import TIMES, laid_out, layouts_of, with_replica
from infercost.scenario.options import flag
from infercost.scenario.rack import read_rack, read_setup
from infercost.scenario.read import Given, Question, Reading, apply_sets, read_part
from infercost.scenario.running import read_request, read_running
from infercost.scenario.scenario import (
    CHEAPEST,
    FOR_LOAD,
    LOADS,
    TRACED,
    USUAL_DECODING,
    USUAL_MINUTES,
    most_at_once,
)
from infercost.scenario.usual import LENGTHS, kind_of_price, note_idle, read_price
from infercost.units import many, show

#: Widths of a replica of a service.
_WIDTHS = ("tp", "pp", "ep")
#: Loads by which devices are compared.
_LOADS = ("users", "concurrent", "tokens_per_month")
#: Messages that a month's tokens make of each user, and what else says how much a user has.
BY_TOKENS, _OF_A_USER = "by --tokens-per-month", ("messages_per_day", "minutes_per_day", "decoding_share")
#: Costs, and speeds, that differ by a smaller share are the same.
SAME = 0.02


class Outlay(NamedTuple):
    """Seconds of a device that a load pays for a token, its replicas, a user's seconds a token and to the first.

    Users of minutes, and sequences at once, make more tokens on faster devices.
    """

    layout: Layout
    paid: float
    replicas: int
    tpot: float
    ttft: float


def on_replica(reading: Reading) -> Reading:
    """The reading with the devices of a replica where a token costs least; as it is without a part."""
    return with_replica(reading) if "gpu" in reading.given else reading


def for_users(least: Reading) -> list[Reading]:
    """The replica of the lowest floor or, where fewer devices in smaller ones do for the users, that; then the others.

    Of layouts that cost the same for this load it is the one in which a user gets most tokens a second. There are no
    others without a load or an API.
    """
    best, load = on_replica(least), next((name for name in _LOADS if name in least.given), None)
    if "gpu" not in least.given:
        return [best]
    if load is None:
        beside_api = least.question.command == "economies" and "api_price" in least.given
        return [best, *(_smaller(least, best) if beside_api else ())]
    tried = [best, *reversed(list(_smaller(least, best)))]
    outlays = [_outlay(each) for each in tried]
    smaller = len(tried)
    while (larger := _twice(least, outlays)) is not None:
        tried, outlays = [*tried, larger], [*outlays, _outlay(larger)]
        if min(one.paid for one in outlays) < inf:
            break
    first = tried[min(range(len(tried)), key=lambda at: _rank(outlays[at]))]
    if first in tried[:smaller]:
        _note_larger(first, best, flag(load))
    chosen = _fastest(least, first, outlays[tried.index(first)])
    return [chosen, *(one for one in tried if one is not chosen)]


def _rank(outlay: Outlay) -> tuple[float, int]:
    """Least cost first; of replicas that miss a limit the largest, which comes nearest to it."""
    return outlay.paid, -outlay.layout.devices if outlay.paid == inf else 0


def _note_larger(first: Reading, best: Reading, without: str) -> None:
    """Say that larger replicas than the first have a lower floor, and how they are asked about."""
    if first is not best:
        larger = many(int(best.given["gpus"].value), "device") if "gpus" in best.given else "others"
        takes = f"which takes more users: economies without {without}"
        first.note("larger", f"replicas of {larger} have a lower floor, {takes}")


def _smaller(least: Reading, best: Reading) -> Iterator[Reading]:
    """Replicas on fewer devices than were chosen for the best: the least that hold the model, twice as many and so on.

    Where the devices were given it is the least's layout on them, if that is another.
    """
    if best is least:
        return
    yield least
    if (given := best.given.get("gpus")) is None or given.origin != CHEAPEST:
        return
    count = read_service(least.again()).running.rack.devices
    for devices in (count * times for times in TIMES[1:] if count * times < given.value):
        yield _of_size(least, devices)


def _twice(least: Reading, outlays: list[Outlay]) -> Reading | None:
    """A replica on twice the devices of the largest, where that costs least in several or none keeps the limits.

    Alike when they are full, replicas may differ by a whole one for a load; a first token that comes late on few
    devices may come in time on more, as far as a node goes. None where there is no such layout.
    """
    cheapest = min(outlays, key=lambda one: one.paid)
    size = 2 * max(one.layout.devices for one in outlays)
    given = any(name in least.given for name in ("gpus", "budget", *_WIDTHS)) or read_part(least, least.get("gpu"))[1]
    if given:
        return None
    if cheapest.paid == inf:  # layouts that are all late are no layouts to choose among
        return _of_size(least, size) if "model" in least.given and size <= read_setup(least.again())[0].domain else None
    if cheapest.replicas < 2 or 2 * cheapest.layout.devices != size or not layouts_of(least, size):
        return None
    return _of_size(least, size)


def _of_size(least: Reading, devices: int) -> Reading:
    """A replica on so many devices, in the layout in which its tokens cost least."""
    trial = least.again()
    trial.given["gpus"] = Given(devices, FOR_LOAD)
    chosen = on_replica(Reading(trial.question._replace(given=trial.given)))
    trial.given |= {name: chosen.given[name] for name in _WIDTHS if name in chosen.given}
    trial.notes += chosen.notes
    return trial


def _fastest(least: Reading, first: Reading, outlay: Outlay) -> Reading:
    """Of the layouts of a replica that cost the same for a load, the one whose users get most tokens a second."""
    held, every = outlay.layout, dict[Layout, Reading]()
    for layout in layouts_of(least, held.devices):
        if layout.widths != held.widths:
            every[layout] = _as(least, first, layout)
    found = {held: outlay, **{layout: _outlay(trial) for layout, trial in every.items()}}
    cheapest = min(each.paid for each in found.values())
    alike = {layout: each for layout, each in found.items() if each.paid <= (1 + SAME) * cheapest}
    shortest = min(each.tpot for each in alike.values())
    soon = {layout: each for layout, each in alike.items() if each.tpot <= (1 + SAME) * shortest}
    chosen = min(soon, key=lambda layout: soon[layout].ttft)
    if chosen == held:
        return first
    every[chosen].notes += [note for note in first.notes if note.code != "choice"]
    every[chosen].note("choice", _why(soon[chosen], outlay))
    return every[chosen]


def _why(mine: Outlay, other: Outlay) -> str:
    """Why a layout is chosen rather than the one that serves most when full."""
    speed, slower = (show(formulas.cost.tokens_per_s_per_user(step_time=each.tpot)) for each in (mine, other))
    text = f"{mine.layout.words} is chosen: with this load a user gets {speed} tokens/s in the slowest hour"
    if mine.paid < (1 - SAME) * other.paid:
        return f"{text}, a token costs {show(1 - mine.paid / other.paid, 'share')} less than in {other.layout.words}"
    return f"{text}; {other.layout.words}, best when full, {slower} at the same cost"


def _as(least: Reading, first: Reading, layout: Layout) -> Reading:
    """A replica in another layout of its devices; widths that were given are kept."""
    trial = least.again()
    trial.given |= {name: given for name, given in first.given.items() if name not in _WIDTHS}
    return laid_out(trial, layout)


def _again(reading: Reading) -> Reading:
    """The same to be read once more: reading notes what it takes."""
    trial = reading.again()
    trial.given |= {name: reading.given[name] for name in ("gpus", *_WIDTHS) if name in reading.given}
    return trial


def _outlay(reading: Reading) -> Outlay:
    """What the users, or the tokens, that were given are charged for: a small load may fill no larger replica."""
    users, concurrent = reading.get("users"), reading.get("concurrent")
    service = queued(read_service(_again(reading)), closed=concurrent is not None)
    if service.missed or not service.running.rack.plan.fits:
        return Outlay(service.running.rack.plan.layout, inf, 0, inf, inf)
    if concurrent is not None:
        users = users_averaging(service, float(concurrent))
    elif users is None:
        users, service = of_month(service, float(reading.get("tokens_per_month")))
    day, rack = day_of(service.fleet, float(users)), service.running.rack
    first, hour = service.fleet.curve.ttft(day.slowest.batch), day.slowest
    paid = device_seconds(service, day) if day.tokens_per_s else inf  # nobody has so few tokens
    return Outlay(rack.plan.layout, paid, day.replicas, hour.tpot, first)


# Who uses a service, how well they are to be served, and what an hour of its accelerators costs.


def read_service(reading: Reading) -> Service:
    """The service that was asked about; BadValue under a profile that has none."""
    traced = _read_traced(reading)
    rack = read_rack(reading)
    running = read_running(reading, rack)
    stack = rack.setup.stack
    if law(stack) == "erdil-2025":
        raise BadValue(f"profile {stack.name} answers a step, not a service", "name a profile without a law")
    request = read_request(reading, rack)
    demand = _read_demand(reading, request, traced)
    level = _read_level(reading, running, request)
    service = provision(running, request, demand, level, read_price(reading, rack.part))
    note_idle(reading)
    return service._replace(electric=kind_of_price(reading.given) == "electricity")


def take_tokens(reading: Reading, services: Sequence[Service]) -> Service | None:
    """Take tokens a month as the users who have them; the first service as they load it, None where none were given.

    Raises:
        BadValue: users too, fewer tokens than one of them has, or minutes on several parts, where tokens differ.
    """
    if "tokens_per_month" not in reading.given or not services:
        return None
    if reading.origin("messages_per_day") == BY_TOKENS:
        reading.take("tokens_per_month")
        return None
    if stray := [flag(name) for name in ("users", "concurrent") if name in reading.given]:
        what = f"--tokens-per-month and {stray[0]} both say how large the load is"
        raise BadValue(
            what, "give one of them; infercost userbase shares the tokens among --users where nothing else does"
        )
    if len(services) > 1 and services[0].demand.messages is None:
        raise BadValue("minutes have other tokens on each part", "give --messages-per-day beside --tokens-per-month")
    tokens = float(reading.take("tokens_per_month"))
    users, loaded = of_month(services[0], tokens)
    if users < 1:
        what = f"--tokens-per-month {show(tokens)} are fewer than one daily user has"
        raise BadValue(what, "give more, or fewer --messages-per-day or --minutes-per-day")
    reading.given["users"] = Given(users, BY_TOKENS)
    return loaded


def with_traced_load(question: Question) -> Question:
    """The question with the requests of its trace as users who send them, where nothing else says how many there are.

    Raises:
        BadValue: fewer requests a day than one user sends.
    """
    given = question.given
    if any(name in given for name in (*LOADS, "replicas", "budget", "minutes_per_day", "decoding_share")):
        return question
    path, usual = str(question.get("trace")), catalog.load("workloads", "chat").fact("messages_per_day")
    trace = read_trace(path, question.progress(path, 0))
    assumed = Given(usual.value, "assumed: what people who chat send", usual.source, usual.date, usual.weak)
    messages, requests = given.get("messages_per_day", assumed), fsum(trace.hours) / len(trace.hours) * DAY
    if (users := requests / messages.value) < 1:
        what = f"{path} has {requests:.3g} requests a day, fewer than the {messages.value:g} that one user sends"
        raise BadValue(what, "give --users, or fewer --messages-per-day")
    taken = {"messages_per_day": messages, "users": Given(users, f"{TRACED}{path}")}
    sent = f"those of {many(users, 'user')} who send {messages.value:g} messages each"
    note = Note("trace-load", f"{requests:,.0f} requests a day, as in the trace, are {sent}: --users asks for others")
    return question._replace(given=MappingProxyType({**given, **taken}), notes=(*question.notes, note))


def _read_level(reading: Reading, running: Running, request: Request | None) -> Level:
    """How well users are to be served; an engine's usual limit where nothing else ends the batch."""
    sequences = None
    if "max_sequences" in reading.given or not batch_limits(running, request, Level()):
        usual = int(most_at_once(reading, running.rack.setup, running.rack.plan.layout.dp))
        sequences = float(reading.take("max_sequences", usual, "what engines start with"))
    tpot, ttft, follows = reading.take("max_tpot"), reading.take("max_ttft"), bool(reading.take("scale_down"))
    return Level(tpot, ttft, reading.take("max_wait_probability") or 1.0, follows, sequences=sequences)


def _read_demand(reading: Reading, request: Request | None, traced: Shape | None) -> Demand:
    """The demand of one daily user; BadValue for more minutes than the busiest hour has."""
    shape = _read_shape(reading, traced)
    if request and reading.question.command == "userbase":
        _share_tokens(reading, request)
    burstiness = shape.burstiness
    if "burstiness" in reading.given or burstiness is None:
        burstiness = float(reading.take("burstiness", 1.0, f"{shape.name} gives none: arrivals at random"))
    if "messages_per_day" in reading.given:
        return _of_messages(reading, request, Demand(use_of(), shape, burstiness))
    if request is None and "output_tokens" in reading.given:
        raise BadValue("--output-tokens says nothing of minutes", "give --messages-per-day, or leave it out")
    minutes = float(reading.take("minutes_per_day", *USUAL_MINUTES))
    share = float(reading.take("decoding_share", *USUAL_DECODING))
    use = use_of(minutes=minutes, decoding_share=share)
    if use.decoding * shape.peak > 1 + 1e-9:
        raise BadValue(
            f"{minutes:g} minutes a day are more than all of the busiest hour, {shape.peak:.3g} times the mean",
            "give fewer --minutes-per-day, a --decoding-share, or a flatter --traffic",
        )
    return Demand(use, shape, burstiness, minutes, share)


def _share_tokens(reading: Reading, request: Request) -> None:
    """Take a month's tokens beside the daily users who have them as the messages that each of these sends."""
    if {"users", "tokens_per_month"} <= {*reading.given} and not any(name in reading.given for name in _OF_A_USER):
        messages = messages_of(request, float(reading.get("users")), float(reading.get("tokens_per_month")))
        reading.given["messages_per_day"] = Given(messages, BY_TOKENS)


def _of_messages(reading: Reading, request: Request | None, demand: Demand) -> Demand:
    """The demand of a user who sends messages; BadValue for minutes beside them, or messages that decode nothing."""
    if stray := [name for name in ("minutes_per_day", "decoding_share") if name in reading.given]:
        raise BadValue(f"{flag(stray[0])} and --messages-per-day both say how much", "give one of them")
    if request and request.output_tokens < LEAST_OUTPUT:
        raise BadValue("messages whose answer is one token decode nothing", "give at least --output-tokens 2")
    example = "--input-tokens 1000 --output-tokens 250"
    decoded = request.decoded if request else float(reading.need("output_tokens", example))
    messages = float(reading.take("messages_per_day"))
    return demand._replace(use=use_of(messages_per_day=messages), decoded=decoded, messages=messages)


def _read_shape(reading: Reading, traced: Shape | None) -> Shape:
    """The load of each hour over the day's mean, from a trace, or else from a preset or a file of one."""
    if traced and "traffic" in reading.given:
        raise BadValue("--trace and --traffic both shape the day", "give one of them")
    if traced:
        return traced
    preset = apply_sets(reading, catalog.load("traffic", reading.take("traffic", "flat", "a flat day")))
    reading.amend(**{key: preset.labels.get(f"hours_{key}", "") for key in ("source", "date")})
    return shape_of(preset)


def _read_traced(reading: Reading) -> Shape | None:
    """The shape of the trace that was named; its requests' lengths are taken as given where nobody gave them.

    Raises:
        BadValue: it has lengths, and so has the workload that was named.
    """
    if "trace" not in reading.given:
        return None
    path = str(reading.take("trace"))
    trace = read_trace(path, reading.question.progress(path, 0))
    mean = fsum(trace.hours) / len(trace.hours)
    shape = Shape(path, tuple(load / mean for load in trace.hours), trace.gap_cv)
    lengths, decoded = [], ("output_tokens",) if "messages_per_day" in reading.given else ()
    for name in (*LENGTHS, "prefix_share") if "model" in reading.given else decoded:  # a bare count has no prompts
        value = getattr(trace, name)
        if value is not None and name in reading.given and reading.given[name].origin.startswith("workload "):
            what = f"--workload and --trace both say how long a request is: {path} has {name.replace('_', ' ')}"
            raise BadValue(what, "leave --workload out, with --messages-per-day for how often users ask")
        if value is not None and name not in reading.given:
            whole = value if name == "prefix_share" else max(1, round(value))
            reading.given[name] = Given(whole, f"{TRACED}{path}")
            lengths.append(f"prefix share {whole:,.3g}" if name == "prefix_share" else many(whole, name.rstrip("s")))
    also = f", {', '.join(lengths)}".replace("_", " ") if lengths else ""
    bursts = "" if trace.gap_cv is None else f", gaps vary by {trace.gap_cv:.3g} of their mean"
    text = f"the trace holds {many(trace.requests, 'request')} over {_lasts(trace)}"
    reading.note("trace", f"{text}, peak/mean {shape.peak:.3g}, trough/mean {shape.trough:.3g}{also}{bursts}")
    if len(trace.hours) < DAY:
        one, several = "its one rate is taken for every hour, a flat day", "they are taken for all of it, over and over"
        taken = one if len(trace.hours) == 1 else several
        reading.note("trace-short", f"the trace lasts {_lasts(trace)}, less than a day: {taken}")
    return shape


def _lasts(trace: Trace) -> str:
    """How long a trace lasts: its hours, or what there is of a single one."""
    if len(trace.hours) > 1:
        return many(len(trace.hours), "hour")
    return many(trace.seconds / 60, "minute") if trace.seconds >= 60 else show(trace.seconds, "s")
