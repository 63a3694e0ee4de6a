"""Predictions for measurements: the same passes as every other answer, arranged as the run was."""

from collections.abc import Callable, Iterable, Iterator
from math import log
from typing import NamedTuple

from infercost.errors import BadValue, Missing
from infercost.evidence.measured import Measured
from infercost.evidence.place import (
    Server,
    Site,
    Times,
    layout_of_run,
    model_of_run,
    part_of_run,
    same_prompts,
    sequences_held,
    settings_of,
    site_of,
    stored_as,
)
from infercost.formulas.request import verified_tokens
from infercost.models.eagle import shape_of
from infercost.models.model import Model
from infercost.parts.accelerator import summing_in_16_bits
from infercost.parts.bands import decode_kind
from infercost.parts.bands import not_covered as why_not
from infercost.parts.catalog import on_part
from infercost.parts.drafts import TITLES
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, law, part_under
from infercost.replica.chip import PER_REQUEST, bounds_of, speeds_of
from infercost.replica.memory import Drafting
from infercost.replica.serving import Request
from infercost.replica.step import Draft, decode_time, drafted_tpot

#: Words in the notes of rows that measure something else, and why these are left out.
FAULTS = {
    "anomalous": "its source calls it anomalous",
    "memory-pressure": "its source says that memory was short",
    "batch 100 per GPU": "its batch is of one device, that of other rows of all",
}


#: A measurement this far below the bound is faster than it, not a rounding of it.
ROUNDING = 1e-3


class Prepared(NamedTuple):
    """A measurement at the site of its run.

    ``batch`` is of one copy, ``most`` that of the bound: of the run or, for a full memory, as many as it could hold.
    """

    measured: Measured
    site: Site
    copies: float
    batch: float
    most: float
    drafting: Drafting | None = None

    def under(self, profile: Preset) -> float:
        """The prediction under a profile, in the unit of the metric."""
        return self._value(self.server(profile))

    def at_best(self) -> float:
        """The bound for any stack, in the unit of the metric; prompts that are all alike share their experts."""
        part = summing_in_16_bits(self.site.part)
        speeds = bounds_of(part, self.site.peak(part), 2.0)._replace(alike=same_prompts(self.measured))
        return self._replace(batch=self.most)._value(self.site.server(speeds))

    def server(self, profile: Preset) -> Server:
        """The site as it serves under a profile, with what the run set of its engine."""
        if law(profile) == "llama.cpp":
            backend = complete(on_part(profile, self.site.part))
            return self.site.in_turn(self.site.part, backend, self.measured.chunk_tokens)
        row, part = self.measured, part_under(self.site.part, profile)
        if law(profile) == "kernels":
            return self.site.kernels(part, profile, settings_of(row, profile), steps_waited(row, profile))
        overlap = profile.labels.get("overlap", "full")
        speeds = speeds_of(part, profile, self.site.peak(part), overlap, 2.0)._replace(alike=same_prompts(row))
        requests, waited = (profile.value(key) for key in PER_REQUEST)
        return self.site.server(speeds, requests, waited)

    def times(self, server: Server) -> Times:
        """Times of the run: with a draft, gaps that are as much shorter as a decoding step of its batch is."""
        times = server.times(self.measured, self.batch, self.copies, self.request)
        if self.drafting is None:
            return times
        replica, context, tokens = server.replica, self.request.context, self.drafting.tokens
        model = self.drafting.head(self.site.work.model)
        head = replica.of(model, self.drafting.layout(replica.work.layout, model))
        verified = int(verified_tokens(draft_tokens=tokens))
        passes = decode_time(head, self.batch, context), decode_time(replica, self.batch, context, verified)
        _, tpot = drafted_tpot(Draft(tokens, self.measured.acceptance or 0.0), *passes)
        itl = times.itl * tpot / decode_time(replica, self.batch, context)
        return times._replace(itl=itl, request=times.request - self.request.decoded * (times.itl - itl))

    def _value(self, server: Server) -> float:
        return METRICS[self.measured.metric](self, server)

    @property
    def devices(self) -> float:
        """Devices of all copies."""
        return self.copies * self.site.work.layout.devices

    @property
    def request(self) -> Request:
        """The tokens of one request; a benchmark of a step alone has none out."""
        row = self.measured
        lengths = row.input_tokens or 0, row.output_tokens or 0
        return Request(*lengths, row.prefix_share, row.chunk_tokens, row.random)


def steps_waited(row: Measured, profile: Preset) -> float:
    """Steps that a request of a run waited, by how often its engine polled and streamed where the row says so."""
    if row.poll_steps is None and row.stream_tokens is None:
        return profile.value("streamed_steps")
    more = sum((each - 1) / 2 for each in (row.poll_steps, row.stream_tokens) if each)
    return profile.value("steps_waited") + more


def prepare(row: Measured) -> Prepared:
    """A measurement ready for predictions.

    Raises:
        InfercostError: it cannot be expressed: an unknown model or accelerator, a layout that is not stated, ...
    """
    if row.metric not in METRICS:
        raise BadValue(f"no such metric: {row.metric}", f"metrics are {', '.join(METRICS)}")
    if fault := next((why for word, why in FAULTS.items() if word in row.notes), None):
        raise BadValue(fault, "leave it out")
    part = part_of_run(row.accelerator)
    model = stored_as(model_of_run(row.model), row)
    if row.device_layers is not None and row.device_layers <= model.depth:
        what = f"{row.device_layers} of {model.depth + 1} layers (the head counts as one) were on the device"
        raise BadValue(what, "give runs that keep all of them there")
    layout = layout_of_run(row, model, part)
    if layout.devices > 1:
        part.fact("link_bandwidth")
    copies = (row.devices or layout.devices) / layout.devices
    held = row.protocol in ("full", "peak", "burst")
    batch, most = (
        sequences_held(row, model, layout, part, copies, most=most) if held else (row.batch or 0.0) / copies
        for most in (False, True)
    )
    if batch > 1 and row.input_tokens is None and not row.metric.startswith(("input_tok", "ttft")):
        raise Missing("the context is not stated", "fill in input_tokens")
    return Prepared(row, site_of(row, layout), copies, batch, most, _drafting_of(row, model))


def _drafting_of(row: Measured, model: Model) -> Drafting | None:
    """The draft of a run, None without one; BadValue or Missing where it cannot be expressed."""
    if not row.draft:
        return None
    if row.protocol not in ("batch", "closed", "pool"):
        raise BadValue("a draft under a load is not modelled", "give runs of a batch, or of requests in flight")
    if row.draft_tokens is None or row.acceptance is None:
        raise Missing("the draft's tokens or how many are accepted are not stated", "fill in draft_tokens, acceptance")
    own = None if row.draft in TITLES else model_of_run(row.draft)
    drafting = Drafting(own, row.draft_tokens, shape_of(model) if row.draft == "eagle3" else None)
    drafting.head(model)
    return drafting


def _decode(run: Prepared, server: Server) -> float:
    """Seconds of a decode step, with prefill chunks mixed in where requests came and went."""
    return run.times(server).itl


def _first(run: Prepared, server: Server) -> float:
    """Seconds to the first token."""
    return run.times(server).ttft


def _whole(run: Prepared, server: Server) -> float:
    """Seconds of a whole request, or of a whole batch."""
    return run.times(server).request


def _rate(run: Prepared, server: Server, tokens: float) -> float:
    """Tokens a second of all copies, so many a request; of decode steps alone where no length is stated."""
    row = run.measured
    if not row.output_tokens:
        return run.copies * run.batch / _decode(run, server)
    if row.protocol in ("rate", "peak", "burst"):
        return run.copies * tokens * run.times(server).rate
    return run.copies * run.batch * tokens / _whole(run, server)


def _prompt_rate(run: Prepared, server: Server) -> float:
    return run.copies * run.batch * run.request.new / server.prompts(run.batch, run.request)


#: Each metric from the times of a run; rates are per second, metrics with ``ms`` are milliseconds.
METRICS: dict[str, Callable[[Prepared, Server], float]] = {
    "decode_ms_per_token": lambda run, server: 1e3 * _decode(run, server),
    "ttft_ms": lambda run, server: 1e3 * _first(run, server),
    "total_latency_ms": lambda run, server: 1e3 * _whole(run, server),
    "tpot_ms": lambda run, server: 1e3 * _decode(run, server),
    "itl": _decode,
    "ttft": _first,
    "e2e": _whole,
    "tok_s_single_user": lambda run, server: 1 / _decode(run, server),
    "output_tok_s": lambda run, server: _rate(run, server, run.request.output_tokens),
    "output_tok_s_total": lambda run, server: _rate(run, server, run.request.output_tokens),
    "output_tok_s_per_gpu": lambda run, server: _rate(run, server, run.request.output_tokens) / run.devices,
    "output_tok_s_per_node": lambda run, server: 8 * _rate(run, server, run.request.output_tokens) / run.devices,
    "total_tok_s": lambda run, server: _rate(run, server, run.request.input_tokens + run.request.output_tokens),
    "input_tok_s_total": _prompt_rate,
    "input_tok_s_per_gpu": lambda run, server: _prompt_rate(run, server) / run.devices,
    "input_tok_s_per_node": lambda run, server: 8 * _prompt_rate(run, server) / run.devices,
}


#: What a metric is a number of, beside rates: gaps between tokens, first tokens or whole prompts, requests.
QUANTITIES = {
    **dict.fromkeys(("decode_ms_per_token", "tpot_ms", "itl", "tok_s_single_user"), "itl"),
    **dict.fromkeys(("ttft_ms", "ttft"), "ttft"),
    **dict.fromkeys(("total_latency_ms", "e2e"), "e2e"),
}


def quantity(metric: str) -> str:
    """What a metric is a number of: ``itl``, ``ttft``, ``e2e``, ``prompts`` or ``rate``."""
    return QUANTITIES.get(metric) or ("prompts" if metric.startswith("input") else "rate")


def unit_of(metric: str) -> float:
    """Seconds of one unit of a time."""
    return 1e-3 if "ms" in metric.split("_") else 1.0


def is_rate(metric: str) -> bool:
    """Whether a larger number of this metric is faster."""
    return "tok_s" in metric


def beats_bound(metric: str, measured: float, bound: float) -> bool:
    """Whether a measurement is faster than the bound."""
    return (measured / bound if is_rate(metric) else bound / measured) > 1 + ROUNDING


def log_ratio(metric: str, predicted: float, measured: float) -> float:
    """Logarithm of predicted over measured time: positive where the prediction is slower."""
    ratio = log(predicted / measured)
    return -ratio if is_rate(metric) else ratio


def kind_of_row(row: Measured) -> str:
    """The kind of a measured number, empty where none of today's engines' bands is for it."""
    protocol, what = row.protocol, quantity(row.metric)
    if protocol == "rate":
        return "served"
    if protocol == "burst":
        return ""
    if protocol in ("peak", "full"):
        return "peak" if protocol == "peak" else "full_memory"
    if what == "itl":
        return decode_kind(row.batch or 1, local=row.framework.startswith("llama.cpp"))
    if protocol == "closed":
        return "first_token" if what == "ttft" else "tokens_per_s"
    return "first_token" if what in ("ttft", "prompts") else "tokens_per_s"


def not_covered(run: Prepared, profile: Preset) -> str:
    """Why no law covers a run, whose prediction is then only a bound; empty where one does."""
    if "mlx" in run.measured.framework.lower():
        return "MLX has no law here"
    part = run.site.part
    return why_not(part, on_part(profile, part), recurrent=run.site.work.model.is_recurrent)


def pairs(runs: Iterable[tuple[Prepared, float]]) -> Iterator[tuple[tuple[Prepared, float], tuple[Prepared, float]]]:
    """Gap and first token of each closed loop that states both, each with a number of its own."""
    loops: dict[Measured, dict[str, tuple[Prepared, float]]] = {}
    for run, number in runs:
        row = run.measured
        if row.protocol == "closed" and row.output_tokens:
            loops.setdefault(row._replace(id="", metric="", value=0, statistic=""), {})[quantity(row.metric)] = (
                run,
                number,
            )
    return ((times["itl"], times["ttft"]) for times in loops.values() if "itl" in times and "ttft" in times)


def request_time(gap: Prepared, gap_time: float, first: Prepared, first_time: float) -> float:
    """Seconds of a request by its first token and its gaps, each in the unit of its metric."""
    decoded = (gap.measured.output_tokens or 0) - 1
    return first_time * unit_of(first.measured.metric) + decoded * gap_time * unit_of(gap.measured.metric)


def rates_of(runs: Iterable[tuple[Prepared, float]]) -> Iterator[tuple[Prepared, float]]:
    """Closed loops with the logarithm of measured over predicted time of a request, which sets their rate."""
    for (gap, gap_time), (first, first_time) in pairs(runs):
        measured = request_time(gap, gap.measured.value, first, first.measured.value)
        yield gap, log(measured / request_time(gap, gap_time, first, first_time))
