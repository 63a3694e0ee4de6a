"""What the estimates say of a measured run: where it was, one replica of it as it served, and the error."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from math import log
from typing import TYPE_CHECKING, Any, NamedTuple

from infercost.errors import BadValue, Missing
from infercost.formulas.request import most_decoding, served_rate, verified_tokens
from infercost.models import counting
from infercost.models.find import find_model, with_format
from infercost.models.gguf import as_file_of, as_gguf, with_head
from infercost.models.model import TITLES, Model, shape_of
from infercost.parts import catalog
from infercost.parts.accelerator import memory_key, summing_in_16_bits
from infercost.parts.bands import decode_kind
from infercost.parts.bands import not_covered as why_not
from infercost.parts.catalog import on_part
from infercost.parts.formats import CACHES, GGUF, OF_ALL, TYPES, find_format
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, is_timed_by_release, law, part_under, release_of
from infercost.replica.chip import PER_REQUEST, Speeds, bounds_of, speeds_of
from infercost.replica.layout import FREE, Layout, check, layouts
from infercost.replica.memory import ENGINE_SHARE, Drafting, Plan, plan
from infercost.replica.serving import (
    LEAST_OUTPUT,
    RUN_OF_SLOT,
    USUAL_SEQUENCES,
    Request,
    Served,
    all_at_once,
    best_step,
    prefill_time,
    serve_batch,
    serve_closed,
    serve_rate,
    start_of,
)
from infercost.replica.step import Draft, Replica, decode_time, drafted_tpot
from infercost.replica.work import MatrixRates, matrix_rates, work_of
from infercost.units import show

if TYPE_CHECKING:
    from infercost.replica.chip import Chip


#: How the sequences of a run came together: one batch, requests that are each followed by another, arrivals at a rate,
#: all at once until throughput peaks, all at once with start and end counted, the decoding half of a server whose
#: prompts have replicas of their own, or as many as memory holds.
PROTOCOLS = ("batch", "closed", "rate", "peak", "burst", "pool", "full")

#: The last release of vLLM whose 4-bit experts are Marlin's on Hopper: vllm-project/vllm pull request 27523.
MARLIN = (0, 11, 0)

#: Words in the notes of runs with flags for speed: a benchmark that sets them, its lengths, and experts over DeepEP.
TUNED = ("InferenceX", "0.8 to 1", "DeepEP")


class Measured(NamedTuple):
    """A measured number and its run; None where the source does not say.

    ``batch`` counts sequences in the step or requests in flight, ``request_rate`` arrivals a second when only these are
    known. ``metric`` is the column's own name (``decode_ms_per_token``) or ``itl``, ``ttft``, ``e2e`` in seconds.
    ``value`` is in the unit of the metric. ``kind`` is the protocol where the source names one, ``requests`` those of
    the whole run, ``random`` whether they arrived at random, ``statistic`` whether the number is a mean or a median.
    ``head_dtype`` is the type of the output head, or of the table that is the head too, where a file's is another than
    its format's; ``weight_bits`` are those of a weight in the mean of a file that states its size and its parameters,
    which are ``weight_params``; ``device_layers`` those that llama.cpp was asked to keep on its GPU, the head the last.
    What a run set of its engine: ``chunk_tokens`` a pass, ``captured_tokens`` of the largest pass with prompts in a
    graph, ``experts_kernel``, steps between polls, tokens of a streamed message. What it met as a benchmark: how many
    of its first prompts an earlier run had left in the cache (``prompts_seen``), a server that was not warm.
    ``draft`` is the head that drafted (``mtp``, ``eagle3``) or a model, with tokens of a step and the share accepted.
    ``is_held_out`` marks rows that nothing was fitted to.
    """

    id: str
    source: str
    framework: str
    model: str
    accelerator: str
    metric: str
    value: float
    year: int | None = None
    devices: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    attention_dp: int | None = None
    expert_tp: int | None = None
    weight_dtype: str = ""
    weight_bits: float | None = None
    weight_params: float | None = None
    kv_dtype: str = ""
    head_dtype: str = ""
    batch: float | None = None
    request_rate: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    prefix_share: float = 0.0
    random: bool = False
    kind: str = ""
    requests: int | None = None
    statistic: str = ""
    most_sequences: int | None = None
    device_layers: int | None = None
    chunk_tokens: int | None = None
    captured_tokens: float | None = None
    experts_kernel: str = ""
    flags: str = ""
    prompts_seen: float = 0.0
    unwarmed: bool = False
    is_held_out: bool = False
    poll_steps: float | None = None
    stream_tokens: int | None = None
    draft: str = ""
    draft_tokens: int | None = None
    acceptance: float | None = None
    notes: str = ""

    @property
    def protocol(self) -> str:
        """How sequences came together, one of ``PROTOCOLS``."""
        if self.request_rate is not None:
            return "rate"
        if self.kind in PROTOCOLS:
            return self.kind
        if self.kind == "llama_bench":
            return "batch"
        if "closed-loop" in self.notes:
            return "closed"
        return "batch" if self.batch else "full"

    @property
    def settings(self) -> dict[str, Any]:
        """What the run set of its engine, or what its release did by itself."""
        kernel = self.experts_kernel or ("marlin" if self._is_vllm_of_marlin else None)
        given = {"captured_tokens": self.captured_tokens, "experts_kernel": kernel}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def is_tuned(self) -> bool:
        """Whether the engine ran with flags for speed: as the row says, or its source."""
        if self.flags:
            return self.flags == "tuned"
        return any(word in self.notes for word in TUNED) or self.id.startswith("aic-")

    @property
    def _is_vllm_of_marlin(self) -> bool:
        """Whether the run is of a vLLM whose 4-bit experts are Marlin's on Hopper."""
        name, _, release = self.framework.partition(" ")
        numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
        return name.lower() == "vllm" and numbers is not None and tuple(int(n or 0) for n in numbers.groups()) <= MARLIN


#: Names of 16-bit weights in runs; engines load fp32 as one of these by default.
HALF = ("bf16", "fp16")
#: Bits of MLX's formats: 64 weights share a scale and a bias of 16 bits.
MLX = {f"{bits}bit": bits + 0.5 for bits in (3, 4, 5, 6, 8)}
#: Words of the note that do not say what ran, and a format that no engine has.
VAGUE, EIGHT_BITS = ("8bit", "4bit", "fp6"), 8
#: A file with so many times the parameters of a model, or so many times fewer, is of another one.
OTHER_MODEL = 1.5
#: Sequences that must fit before an offline run is thought to take more devices a copy.
USEFUL_BATCH = 32


class Times(NamedTuple):
    """Seconds between tokens, to the first one and of a whole request, and requests a second of one copy."""

    itl: float
    ttft: float
    request: float
    rate: float = 0.0


class Server:
    """A replica under a stack; rows of one run share its steady state."""

    def __init__(self, replica: Replica, cold_start: float = 0.0) -> None:
        self.replica, self.cold_start = replica, cold_start
        self._closed: dict[tuple[float, Request], Served] = {}

    def times(self, row: Measured, batch: float, copies: float, request: Request) -> Times:
        """The times of a run by its protocol; ``batch`` is of one copy."""
        match row.protocol:
            case "batch":
                return self._together(batch, request)
            case "pool":
                step = decode_time(self.replica, batch, request.context)
                return Times(step, 0.0, request.decoded * step)
            case "rate":
                most = row.most_sequences or USUAL_SEQUENCES
                return _of(serve_rate(self.replica, (row.request_rate or 0.0) / copies, request, most))
            case "peak" | "burst":
                return _of(serve_batch(self.replica, batch, request))
        served = self.closed(batch, request)
        if row.protocol == "full" or row.statistic == "median" or not self.replica.timing:
            return _of(served)
        requests = row.requests / copies if row.requests else RUN_OF_SLOT * batch
        cold = self.cold_start if row.unwarmed else 0.0
        first = all_at_once(self.replica, batch, request, served, requests, seen=row.prompts_seen / copies, cold=cold)
        return Times(served.itl, first, served.request_time - served.ttft + first, served.rate)

    def closed(self, concurrent: float, request: Request) -> Served:
        """The steady state of so many requests in flight."""
        key = concurrent, request
        if key not in self._closed:
            self._closed[key] = serve_closed(self.replica, concurrent, request)
        return self._closed[key]

    def prompts(self, batch: float, request: Request) -> float:
        """Seconds for all prompts of a batch."""
        return prefill_time(self.replica, batch, request)

    def _together(self, batch: float, request: Request) -> Times:
        """A batch that starts and ends together: all prompts, then all other tokens."""
        step = decode_time(self.replica, batch, request.context)
        first = start_of(self.replica, request) + self.prompts(batch, request)
        return Times(step, first, first + max(request.output_tokens - 1, 0) * step)


class Best(Server):
    """A server at the speeds that no stack beats, whose requests take no longer than any schedule of prompts allows."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.replica)
        self._closed = server._closed  # rows of one run share it

    def times(self, row: Measured, batch: float, copies: float, request: Request) -> Times:
        """The times of a run by its protocol; a batch that starts together mixes prompts and steps as well."""
        times = super().times(row, batch, copies, request)
        if batch <= 1 or row.protocol in ("pool", "rate") or request.output_tokens < LEAST_OUTPUT:
            return times
        inside, together = batch, row.protocol in ("batch", "peak", "burst")
        if not together:
            lengths = {"decoded_tokens": request.decoded, "output_tokens": request.output_tokens}
            inside = most_decoding(concurrent_requests=batch, **lengths)
        step = best_step(self.replica, inside, request)
        rate = served_rate(busy_share=1, batch=inside, decoded_tokens=request.decoded, shared_step=step)
        return times._replace(request=min(times.request, batch / rate), rate=max(times.rate, rate))


#: Servers of one site that are remembered: its rows ask for few, a fit for many.
REMEMBERED = 16


class Site:
    """A model as stored, in its layout, on its part: what the rows of one configuration share."""

    def __init__(self, model: Model, layout: Layout, part: Preset) -> None:
        self.work, self.part = work_of(model, layout), part
        self._peaks: dict[bool, MatrixRates] = {}
        self._servers: dict[tuple[Any, ...], Server] = {}

    def peak(self, part: Preset) -> MatrixRates:
        """The rates of the matrices on the part, or on what a stack makes of it."""
        if (same := part is self.part) not in self._peaks:
            self._peaks[same] = matrix_rates(self.work.model, part)
        return self._peaks[same]

    def server(self, speeds: Speeds, overhead: float = 0.0, waited: float = 0.0) -> Server:
        """The site under the roofline's law."""
        key = speeds._replace(part=None), overhead, waited
        return self._servers.get(key) or self._remember(key, Replica(self.work, speeds, overhead, waited))

    def kernels(self, part: Preset, profile: Preset, settings: dict[str, Any], waited: float) -> Server:
        """The site under the law of kernels; engines that are alike share a server."""
        from infercost.replica.kernels import Timing, engine_of

        engine, overhead = engine_of(part, profile)._replace(**settings), profile.value("request_overhead")
        cold = profile.value("cold_start") if "cold_start" in profile.facts else 0.0
        key = engine, overhead, waited, cold
        if known := self._servers.get(key):
            return known
        timing = Timing(self.work.model, self.work.layout, _chip(part.name), engine)
        speeds = bounds_of(part, self.peak(part), 2.0)
        return self._remember(key, Replica(self.work, speeds, overhead, waited, timing), cold)

    def in_turn(self, part: Preset, profile: Preset, ubatch: float | None) -> Server:
        """The site under the law of llama.cpp, with the ubatch of a run where it names one."""
        from infercost.replica.chip import backend_of
        from infercost.replica.llama_cpp import Timing

        engine = backend_of(profile)
        engine = engine._replace(chunk_tokens=ubatch) if ubatch else engine
        if known := self._servers.get((engine,)):
            return known
        timing = Timing(self.work.model, part, engine)
        work = work_of(self.work.model, timing.sums.layout)
        overhead, waited = (profile.value(key) for key in PER_REQUEST)
        speeds = bounds_of(part, self.peak(part), 2.0)
        return self._remember((engine,), Replica(work, speeds, overhead, waited, timing))

    def _remember(self, key: tuple[Any, ...], replica: Replica, cold: float = 0.0) -> Server:
        if len(self._servers) >= REMEMBERED:
            self._servers.clear()
        self._servers[key] = Server(replica, cold)
        return self._servers[key]


_SITES: dict[tuple[Any, ...], Site] = {}


#: The year of a run that states none.
LATEST = 9999
#: Names of engines as their makers write them, by how sources start them.
NAMES = {"vllm": "vLLM", "sglang": "SGLang", "tensorrt": "TensorRT-LLM", "trtllm": "TensorRT-LLM"}
_RELEASE = re.compile(r"[\s(,@].*")


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
        server = self.site.server(speeds)
        return self._replace(batch=self.most)._value(server if self.drafting else Best(server))

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


# Where a measured run was: its accelerator, its model as stored, its layout, and one replica of it as it served.


@cache
def part_of_run(name: str) -> Preset:
    """The accelerator of a measurement, read once."""
    return catalog.load("accelerators", name)


@cache
def model_of_run(name: str) -> Model:
    """The model of a measurement, read once."""
    return find_model(name).model


def same_prompts(row: Measured) -> bool:
    """Whether all sequences were one text, so that their tokens choose the same experts.

    argonne-lcf/LLM-Inference-Bench, TensorRT-LLM/H100/run_power.py, repeats one word for every prompt.
    """
    return row.source.startswith("argonne-lcf/LLM-Inference-Bench") and row.framework == "TensorRT-LLM"


def stored_as(model: Model, row: Measured) -> Model:
    """The model in the number formats of a run; a cache without a stated format has that of its engine's default.

    TensorRT-LLM's published runs of 8-bit and 4-bit weights keep the cache in 8 bits.

    Raises:
        BadValue: a format whose bits are not known, or the file of another model.
    """
    held, own = row.weight_params, counting.total_params(model)
    if held and not 1 / OTHER_MODEL < held / own < OTHER_MODEL:
        what = f"its file holds {show(held, 'param')} parameters, and {model.name} has {show(own, 'param')}"
        raise BadValue(what, "give the --model of the file")
    named = row.weight_dtype.lower()
    cache = row.kv_dtype.lower() or ("fp8" if named in ("fp8", "fp4") and "TensorRT" in row.framework else "")
    if row.weight_bits:
        model = as_file_of(model, row.weight_bits, named)
    else:
        model = _weights_of_run(model, named, is_file=row.framework.startswith("llama.cpp"))
    if row.head_dtype:
        model = _with_head_of_run(model, row.head_dtype.lower())
    return model._replace(kv_bits=_cache_bits(cache)) if cache else model


def _cache_bits(named: str) -> float:
    """Bits of a cached value, the mean of keys and values where they differ; 16 at most, and of one not known."""
    kinds = [find_format(name) for name in named.split("/")]
    bits = [CACHES[kind.name].bytes_per_value * 8 if kind and kind.name in CACHES else 16 for kind in kinds]
    return min(16.0, sum(bits) / len(bits))


def _weights_of_run(model: Model, named: str, *, is_file: bool) -> Model:
    """The model in the weights of a run; llama.cpp reads files, where formats have the tensors of such a file.

    Raises:
        BadValue: a format whose bits are not known.
    """
    own = model.quantization
    kind = {"fp16": "f16"}.get(named or own.name, named or own.name)
    if kind in GGUF or (is_file and kind in OF_ALL):
        return as_gguf(model, kind)
    if named in (own.name, "") and own.name != "fp32":
        return with_format(model, "bf16", 16) if named in HALF else model
    if named in MLX:
        return with_format(model, named, MLX[named])
    if named and named not in HALF:
        format = find_format(named)
        if format and format.stored_bits <= EIGHT_BITS and format.name not in VAGUE:
            return with_format(model, named, format.stored_bits)
        known = ", ".join((*HALF, "fp8", "int8", "int4", "awq", "gptq", "fp4", "nvfp4", "mxfp4"))
        what = f"how many bits a weight in {named} has is not known"
        raise BadValue(what, f"formats of measured runs are {known}, and those of GGUF files such as q4_k_m")
    return with_format(model, "bf16", 16)


def _with_head_of_run(model: Model, kind: str) -> Model:
    """The model with its head, or the table that is the head too, in the type that a run names for it."""
    if kind not in TYPES:
        raise BadValue(f"head_dtype {kind} is no type of tensor", f"types of GGUF files are {', '.join(TYPES)}")
    return with_head(model, kind)


def layout_of_run(row: Measured, model: Model, part: Preset) -> Layout:
    """The layout of a run, as stated; llama.cpp splits layers, a device a stage.

    Raises:
        Missing: several devices, and no tp, pp or ep.
        BadValue: a layout that no engine accepts.
    """
    devices = row.devices or (row.tp or 1) * (row.pp or 1)
    if devices == 1:
        return Layout()
    if row.framework.startswith("llama.cpp"):
        return Layout(1, devices)
    if row.tp is None and not row.ep:
        if row.batch is None and row.request_rate is None:
            return _least(row, model, part, devices)
        raise Missing("the layout is not stated", "give --tp, --pp or --ep, or fill in the column of a table")
    slices = row.expert_tp if row.expert_tp and (row.attention_dp or 1) > 1 else 0
    layout = Layout(row.tp or 1, row.pp or 1, row.ep or 1, slices or 0)
    if devices % layout.devices:
        raise BadValue(
            f"{devices} devices are no whole number of copies of {layout.flags}",
            "give a multiple of the widths of tp, pp and ep",
        )
    unblocked = without_blocks(model)
    if layout.tp == layout.ep > 1 and row.batch and row.attention_dp is None:
        # attention is data parallel where its batch would not fit otherwise
        most = _planned(row, unblocked, layout, part).max_sequences
        layout = layout._replace(tp=1) if most is not None and most < row.batch else layout
    check(unblocked, layout)
    return layout


def without_blocks(model: Model) -> Model:
    """The model without blocks of scales: a run that cut them shows that its engine pads what is left of one."""
    return model._replace(quantization=model.quantization._replace(block=0))


def _least(row: Measured, model: Model, part: Preset, devices: int) -> Layout:
    """The layout with the fewest devices whose cache holds a useful batch, as offline runs choose it."""
    for count in (n for n in (1, 2, 4, 8, 16, 32, 64) if devices % n == 0):
        for layout in layouts(model, count, min(count, 8), FREE):
            if (_planned(row, model, layout, part).max_sequences or 0) >= USEFUL_BATCH:
                return layout
    raise Missing("no layout of its devices holds the model", "fill in tp and pp")


def _planned(row: Measured, model: Model, layout: Layout, part: Preset, *, most: bool = False) -> Plan:
    """The memory plan of a run's devices with an engine's reserves; ``most``: with all memory as sold."""
    context = (row.input_tokens or 0) + (row.output_tokens or 0) / 2
    return plan(
        without_blocks(model),
        layout,
        profile_of_run("ideal" if most else "vllm"),
        device_memory=part.value(memory_key(part, nominal=most)),
        usable=1.0 if most else ENGINE_SHARE,
        context=max(context, 1),
        batch=1,
    )


def sequences_held(
    row: Measured, model: Model, layout: Layout, part: Preset, copies: float, *, most: bool = False
) -> float:
    """Sequences of one copy at the highest load: as many as memory holds, or could at most, and the run had.

    Raises:
        Missing: neither a batch nor a request rate, and no throughput that fills memory.
    """
    if not row.metric.startswith("output_tok_s") or not row.input_tokens or not row.output_tokens:
        raise Missing("the batch is not stated", "fill in batch_or_concurrency")
    sequences = _planned(row, model, layout, part, most=most).max_sequences
    if not sequences:
        raise BadValue("its memory holds no sequence of this length", "look at infercost fit")
    limits = (row.requests, row.batch) if row.protocol in ("peak", "burst") else ()
    return min(
        [
            float(sequences),
            *(each / copies for each in limits if each),
            *([row.most_sequences] if row.most_sequences else []),
        ]
    )


def _of(served: Served) -> Times:
    return Times(served.itl, served.ttft, served.request_time, served.rate)


@cache
def _chip(name: str) -> "Chip":
    from infercost.replica.chip import OTHER, Chip

    part = part_of_run(name)
    names = part.labels.get("architecture", OTHER), OTHER
    return Chip(part, *(catalog.load("architectures", name) for name in names))


def site_of(row: Measured, layout: Layout) -> Site:
    """The site of a run; runs of one configuration have one."""
    engine = next((name for name in ("TensorRT", "llama.cpp") if name in row.framework), "")
    stored = row.weight_dtype, row.weight_bits, row.kv_dtype, row.head_dtype
    key = row.model, row.accelerator, stored, engine, layout
    if key not in _SITES:
        _SITES[key] = Site(stored_as(model_of_run(row.model), row), layout, part_of_run(row.accelerator))
    return _SITES[key]


# Whose engine a measured run used, and the profile of that engine as it was then.


def engine_name(framework: str) -> str:
    """The engine of a run without its release; what the source says where it is not one of the known."""
    start = framework.lower()
    known = next((name for word, name in NAMES.items() if start.startswith(word)), "")
    return known or _RELEASE.sub("", framework) or "not stated"


def stack_of(row: Measured, vendor: str) -> Preset:
    """The profile of a run's engine, by its release or, where the run names none, as it was in the year of the run."""
    profile = _stack(row.framework.lower(), vendor.lower(), row.year or LATEST)
    if row.is_tuned and "tuned" in profile.labels:
        profile = profile_of_run(profile.labels["tuned"])
    release = release_of(row.framework)
    return (
        profile_of_run(f"{profile.name}@{'.'.join(map(str, release))}")
        if release and is_timed_by_release(profile)
        else profile
    )


def settings_of(row: Measured, profile: Preset) -> dict[str, Any]:
    """What a run set of its engine: an engine that captures prompts since a release captured none where none is named.

    Prompts of several groups or stages count as captured like others.
    """
    known = row.settings
    if "captured_tokens" not in known and is_timed_by_release(profile) and release_of(row.framework) is None:
        known["captured_tokens"] = 0.0
    if "captured_tokens" in known:
        known["captured_tokens_latent"] = known["captured_tokens"]
    return {**known, "captures_split": True}


@cache
def profile_of_run(name: str) -> Preset:
    """An engine's profile, read once."""
    return complete(catalog.load("efficiency", name))


@cache
def _stack(framework: str, vendor: str, year: int) -> Preset:
    """The profile of a framework in a year, that of an older one where it has no newer, else ``realistic``."""
    if "mlx" in framework:  # what people run MLX on is given as much of its memory, and no run of it is known
        return profile_of_run("llama.cpp-metal")
    name = _nearest(framework, vendor, year) or _nearest(framework, vendor, 0) or "realistic"
    return profile_of_run(name)


def _nearest(framework: str, vendor: str, year: int) -> str:
    """The profile whose ``frameworks`` label has the longest start of a framework's name, empty without one.

    Of several one for a vendor's parts goes first there, then one for engines ``until`` a year, which a start that
    names a release does not ask for.
    """
    best, longest = "", (0, False, False)
    for profile in catalog.names("efficiency"):
        labels = profile_of_run(profile).labels
        starts, vendors = (labels.get(key, "").lower().split(", ") for key in ("frameworks", "vendors"))
        until = int(labels.get("until", LATEST))
        if any(vendors) and vendor not in vendors:
            continue
        fitting = (start for start in starts if start and framework.startswith(start))
        length = max((len(start) for start in fitting if year <= until or _names_release(start)), default=0)
        reach = length, bool(length) and any(vendors), bool(length) and until < LATEST
        if reach > longest:
            best, longest = profile, reach
    return best


def _names_release(start: str) -> bool:
    return start[-1] == "." or start[-1].isdigit()
