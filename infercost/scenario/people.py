"""Who uses a service, how well they are to be served, and what an hour of its accelerators costs."""

from collections.abc import Sequence
from math import fsum
from types import MappingProxyType

from infercost.errors import BadValue
from infercost.fleet.cost import of_month
from infercost.fleet.service import Demand, Level, Service, batch_limits, provision, use_of
from infercost.fleet.traces import Trace, read_trace
from infercost.parts import catalog
from infercost.parts.stack import law
from infercost.parts.traffic import DAY, Shape, shape_of
from infercost.replica.serving import LEAST_OUTPUT, Request
from infercost.replica.step import Running
from infercost.report import Note
from infercost.scenario.options import flag
from infercost.scenario.prices import kind_of_price, note_idle, read_price
from infercost.scenario.rack import read_rack
from infercost.scenario.read import Given, Question, Reading, apply_sets
from infercost.scenario.replicas import LOADS, TRACED, most_at_once
from infercost.scenario.running import read_request, read_running
from infercost.scenario.scenario import USUAL_DECODING, USUAL_MINUTES
from infercost.scenario.usual import LENGTHS
from infercost.units import many, show


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
    if stray := [flag(name) for name in ("users", "concurrent") if name in reading.given]:
        raise BadValue(f"--tokens-per-month and {stray[0]} both say how large the load is", "give one of them")
    if len(services) > 1 and services[0].demand.messages is None:
        raise BadValue("minutes have other tokens on each part", "give --messages-per-day beside --tokens-per-month")
    tokens = float(reading.take("tokens_per_month"))
    users, loaded = of_month(services[0], tokens)
    if users < 1:
        what = f"--tokens-per-month {show(tokens)} are fewer than one daily user has"
        raise BadValue(what, "give more, or fewer --messages-per-day or --minutes-per-day")
    reading.given["users"] = Given(users, "by --tokens-per-month")
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
