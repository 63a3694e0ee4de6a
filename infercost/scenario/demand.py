"""What users ask of a service, as they say it: minutes or messages a day, the shape of the day, how few may wait."""

from math import fsum
from typing import NamedTuple

from infercost import formulas
from infercost.errors import BadValue, Missing
from infercost.fleet.day import Use
from infercost.fleet.traces import Trace, read_trace
from infercost.formulas.formula import about
from infercost.parts import catalog
from infercost.parts.traffic import DAY, Shape, shape_of
from infercost.replica.serving import LEAST_OUTPUT, Request
from infercost.report import Note
from infercost.scenario.read import Asked, Given, apply_sets
from infercost.scenario.scenario import Case
from infercost.units import many, show


class Demand(NamedTuple):
    """How much of a service one user is, when, and how tidily requests arrive."""

    use: Use
    shape: Shape
    burstiness: float
    minutes: float | None = None
    decoding_share: float | None = None
    decoded: float = 0.0


def read_demand(asked: Asked, case: Case, request: Request | None, traced: Shape | None) -> Demand:
    """The demand of one daily user.

    Raises:
        BadValue: minutes and messages, which both say how much.
        Missing: messages of no length.
    """
    shape = _shape(asked, traced)
    burstiness = _burstiness(asked, shape)
    if "messages_per_day" not in asked.given:
        if request is None and "output_tokens" in asked.given:
            raise BadValue("--output-tokens says nothing of minutes", "give --messages-per-day, or leave it out")
        minutes = float(asked.take("minutes_per_day", 10, "about what chat services see"))
        share = float(asked.take("decoding_share", 1.0, "all minutes decode, as in the note"))
        use = Use(decoding=formulas.users.concurrent_users(users=1.0, minutes_per_day=minutes, decoding_share=share))
        if use.decoding * shape.peak > 1 + 1e-9:
            raise BadValue(
                f"{minutes:g} minutes a day are more than all of the busiest hour, {shape.peak:.3g} times the mean",
                "give fewer --minutes-per-day, a --decoding-share, or a flatter --traffic",
            )
        return Demand(use, shape, burstiness, minutes, share)
    if stray := [name for name in ("minutes_per_day", "decoding_share") if name in asked.given]:
        raise BadValue(f"--{stray[0].replace('_', '-')} and --messages-per-day both say how much", "give one of them")
    decoded = _decoded(asked, case, request)
    with about("one user"):
        rate = formulas.users.request_rate(users=1.0, messages_per_day=float(asked.take("messages_per_day")))
    return Demand(Use(rate=rate), shape, burstiness, decoded=decoded)


def _decoded(asked: Asked, case: Case, request: Request | None) -> float:
    """Tokens of one message that are decoded, of a bare count whose prompts nobody counts."""
    if request and request.output_tokens < LEAST_OUTPUT:
        raise BadValue("messages whose answer is one token decode nothing", "give at least --output-tokens 2")
    if request:
        return request.output_tokens - 1
    if not case.model.is_bare:
        raise Missing("messages need lengths", "give --input-tokens and --output-tokens")
    return float(asked.need("output_tokens", "--output-tokens 250"))


def _shape(asked: Asked, traced: Shape | None) -> Shape:
    """The load of each hour over the day's mean, from a trace, a preset, or a file of one.

    Raises:
        BadValue: a trace and a preset, which both shape the day.
    """
    if traced and "traffic" in asked.given:
        raise BadValue("--trace and --traffic both shape the day", "give one of them")
    if traced:
        return traced
    preset = apply_sets(asked, catalog.load("traffic", asked.take("traffic", "flat", "a flat day")))
    source, date = (preset.labels.get(f"hours_{key}", "") for key in ("source", "date"))
    asked.inputs[-1] = asked.inputs[-1]._replace(source=source, date=date)
    return shape_of(preset)


def _burstiness(asked: Asked, shape: Shape) -> float:
    if "burstiness" in asked.given or shape.burstiness is None:
        return float(asked.take("burstiness", 1.0, f"{shape.name} gives none: arrivals at random"))
    return shape.burstiness


def read_traced(asked: Asked) -> Shape | None:
    """The shape of the trace that was named; its requests' lengths are taken as given where nobody gave them."""
    if "trace" not in asked.given:
        return None
    path = str(asked.take("trace"))
    trace = read_trace(path, asked.progress(path, 0))
    mean = fsum(trace.hours) / len(trace.hours)
    shape = Shape(path, tuple(load / mean for load in trace.hours), trace.gap_cv)
    found = []
    for name in _lengths(asked):
        value = getattr(trace, name)
        if value is not None and name not in asked.given:
            whole = value if name == "prefix_share" else max(1, round(value))
            asked.given[name] = Given(whole, f"trace {path}")
            found.append(f"prefix share {whole:,.3g}" if name == "prefix_share" else many(whole, name.rstrip("s")))
    lengths = f", {', '.join(found).replace('_', ' ')}" if found else ""
    bursts = "" if trace.gap_cv is None else f", gaps vary by {trace.gap_cv:.3g} of their mean"
    text = f"the trace holds {many(trace.requests, 'request')} over {_lasts(trace)}"
    text += f", peak/mean {shape.peak:.3g}, trough/mean {shape.trough:.3g}{lengths}{bursts}"
    asked.notes += [Note("trace", text), *_short(trace)]
    return shape


def _lasts(trace: Trace) -> str:
    """How long a trace lasts: its hours, or what there is of a single one."""
    if len(trace.hours) > 1:
        return many(len(trace.hours), "hour")
    return many(trace.seconds / 60, "minute") if trace.seconds >= 60 else show(trace.seconds, "s")


def _short(trace: Trace) -> list[Note]:
    """That less than a day stands for the whole of it."""
    if len(trace.hours) >= DAY:
        return []
    one, several = "its one rate is taken for every hour, a flat day", "they are taken for all of it, over and over"
    taken = one if len(trace.hours) == 1 else several
    return [Note("trace-short", f"the trace lasts {_lasts(trace)}, less than a day: {taken}")]


def _lengths(asked: Asked) -> tuple[str, ...]:
    """What a trace says of requests, as far as the question has any: a bare count has no prompts."""
    if "model" in asked.given:
        return ("input_tokens", "output_tokens", "prefix_share")
    return ("output_tokens",) if "messages_per_day" in asked.given else ()
