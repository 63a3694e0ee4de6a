"""What infercost says to a measurement: the same passes as every other answer, arranged as the run was."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from infercost import catalog
from infercost.efficiency import complete
from infercost.errors import BadValue, Missing
from infercost.formats import arithmetic_format
from infercost.hardware import Rate, memory_key, rate_for
from infercost.measured import Measured
from infercost.model import Model, Quantization
from infercost.models import find_model, with_format
from infercost.plan import Plan, plan
from infercost.preset import Preset
from infercost.replica import Replica, Request, decode_time, prefill_time, serve_closed, serve_rate
from infercost.sharding import FREE, Layout, check, layouts
from infercost.speeds import Speeds, bounds_of, speeds_of
from infercost.work import Work, work_of

#: Bits of a weight in formats that quantize every table too, scales included: llama.cpp's quantize tool prints them.
GGUF_BITS = {"q4_0": 4.5, "q4_k_m": 4.85, "q4_k_s": 4.58, "q5_k_m": 5.69, "q6_k": 6.56, "q8_0": 8.5}
#: Bits of a weight with the scales of its groups, tables and head in 16 bits.
GROUPED_BITS = {"awq-int4": 4.25, "gptq-int4": 4.25, "int4": 4.25, "fp4": 4.5, "nvfp4": 4.5, "mxfp4": 4.25}
#: Sequences that an engine runs at once when nobody says how many.
USUAL_MOST = 256


class Run(NamedTuple):
    """A measurement made ready: the work of its model under its layout, and how its number follows from times."""

    measured: Measured
    work: Work
    part: Preset
    rate: Rate
    copies: float
    batch: float
    alike: bool

    def under(self, profile: Preset) -> float:
        """The number that a profile predicts, in the unit of the metric."""
        overlap = profile.labels.get("overlap", "full")
        return self._value(speeds_of(self.part, profile, self.rate, overlap, 2.0), profile.value("request_overhead"))

    def at_best(self) -> float:
        """The number that no stack can beat, in the unit of the metric."""
        return self._value(bounds_of(self.part, self.rate, 2.0), 0.0)

    def _value(self, speeds: Speeds, request_overhead: float) -> float:
        replica = Replica(self.work, speeds._replace(alike=speeds.alike or self.alike), request_overhead)
        return METRICS[self.measured.metric](self, replica)

    @property
    def request(self) -> Request:
        """The tokens of one request; a benchmark of a step alone has none out."""
        row = self.measured
        return Request(row.input_tokens or 0, row.output_tokens or 0, row.prefix_share, row.chunk_tokens)


def prepare(row: Measured) -> Run:
    """A measurement made ready to be predicted.

    Raises:
        InfercostError: what cannot be expressed, and why: an unknown model or part, a layout that is not stated, ...
    """
    if row.metric not in METRICS:
        raise BadValue(f"no such metric: {row.metric}", f"metrics are {', '.join(METRICS)}")
    if "anomalous" in row.notes:
        raise BadValue("its source calls it anomalous", "leave it out")
    part = _part(row.accelerator)
    model = stored_as(_model(row.model), row)
    layout = _layout(row, model, part)
    if layout.devices > 1:
        part.fact("link_bandwidth")
    copies = (row.devices or layout.devices) / layout.devices
    batch = row.batch / copies if row.batch else _filled(row, model, layout, part)
    return Run(
        measured=row,
        work=work_of(model, layout),
        part=part,
        rate=rate_for(part, arithmetic_format(model.quantization)),
        copies=copies,
        batch=batch,
        alike=same_prompts(row),
    )


@cache
def _part(name: str) -> Preset:
    return catalog.load("accelerators", name)


@cache
def _model(name: str) -> Model:
    return find_model(name).model


@cache
def _engine() -> Preset:
    """The profile whose memory figures say what a run's devices hold."""
    return complete(catalog.load("efficiency", "vllm"))


def same_prompts(row: Measured) -> bool:
    """Whether every sequence of the batch was the same text, so that all tokens choose the same experts.

    argonne-lcf/LLM-Inference-Bench, TensorRT-LLM/H100/run_power.py, repeats one word for every prompt.
    """
    return row.source.startswith("argonne-lcf/LLM-Inference-Bench") and row.framework == "TensorRT-LLM"


def stored_as(model: Model, row: Measured) -> Model:
    """The model in the formats that a run stored it in; where the cache's is not stated, that of its engine's default.

    TensorRT-LLM's published runs of 8-bit and 4-bit weights keep the cache in 8 bits.
    """
    named = row.weight_dtype.lower()
    cache = row.kv_dtype.lower() or ("fp8" if named in ("fp8", "fp4") and "TensorRT" in row.framework else "")
    if named in GGUF_BITS:
        model = model._replace(quantization=Quantization("int4" if "4" in named else named, GGUF_BITS[named], {}))
    elif named in GROUPED_BITS:
        model = model if model.quantization.name == named else with_format(model, named, GROUPED_BITS[named])
    elif named in ("fp8", "int8"):
        model = model if model.quantization.name == named else with_format(model, named, 8)
    elif named or model.quantization.name == "fp32":
        model = with_format(model, "bf16", 16)
    return model._replace(kv_bits=8) if "8" in cache else model._replace(kv_bits=16) if cache else model


def _layout(row: Measured, model: Model, part: Preset) -> Layout:
    """The layout of a run: as stated, stages of one device where llama.cpp splits layers, experts' ranks apart.

    Raises:
        Missing: several devices and no word on how they share the model.
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
        raise Missing("the layout is not stated", "fill in tp, pp or ep")
    layout = Layout(row.tp or 1, row.pp or 1, row.ep or 1)
    if layout.tp == layout.ep > 1 and row.batch:
        held = _planned(row, model, layout, part).max_sequences
        layout = layout._replace(tp=1) if held is not None and held < row.batch else layout
    check(model, layout)
    return layout


def _least(row: Measured, model: Model, part: Preset, devices: int) -> Layout:
    """The layout with the least devices whose cache holds a useful batch, as offline runs choose it."""
    for count in (n for n in (1, 2, 4, 8, 16, 32, 64) if devices % n == 0):
        for layout in layouts(model, count, min(count, 8), FREE):
            if (_planned(row, model, layout, part).max_sequences or 0) >= 32:
                return layout
    raise Missing("no layout of its devices holds the model", "fill in tp and pp")


def _planned(row: Measured, model: Model, layout: Layout, part: Preset) -> Plan:
    context = (row.input_tokens or 0) + (row.output_tokens or 0) / 2
    memory = part.value(memory_key(part, nominal=False))
    return plan(model, layout, _engine(), device_memory=memory, usable=0.9, context=max(context, 1), batch=1)


def _filled(row: Measured, model: Model, layout: Layout, part: Preset) -> float:
    """Sequences in flight where only the load is known to be as high as it goes: what memory holds.

    Raises:
        Missing: neither a batch nor a request rate, and no throughput that fills memory.
    """
    if row.request_rate is not None:
        return 0.0
    if not row.metric.startswith("output_tok_s") or not row.input_tokens or not row.output_tokens:
        raise Missing("the batch is not stated", "fill in batch_or_concurrency")
    held = _planned(row, model, layout, part).max_sequences
    if not held:
        raise BadValue("its memory holds no sequence of this length", "look at infercost fit")
    return float(held)


def _decode(run: Run, replica: Replica) -> float:
    """Seconds of a decoding step: with prompts riding along where the run was served."""
    if run.measured.request_rate is not None or "closed-loop" in run.measured.notes:
        return _served(run, replica)[0]
    return decode_time(replica, run.batch, run.request.context)


def _first(run: Run, replica: Replica) -> float:
    """Seconds to the first token: of the whole batch's prompts, or of one where the run was served."""
    if run.measured.request_rate is not None or "closed-loop" in run.measured.notes:
        return _served(run, replica)[1]
    return replica.request_overhead + prefill_time(replica, run.batch, run.request)


def _whole(run: Run, replica: Replica) -> float:
    """Seconds of a whole batch: all prompts, then all other tokens."""
    if run.measured.request_rate is not None or run.measured.batch is None or "closed-loop" in run.measured.notes:
        return _served(run, replica)[2]
    return _first(run, replica) + max(run.request.output_tokens - 1, 0) * _decode(run, replica)


def _served(run: Run, replica: Replica) -> tuple[float, float, float]:
    """Inter-token latency, time to first token and request time of a server in steady state."""
    row = run.measured
    if row.request_rate is not None:
        served = serve_rate(replica, row.request_rate / run.copies, run.request, row.most_sequences or USUAL_MOST)
    else:
        served = serve_closed(replica, run.batch, run.request)
    return served.itl, served.ttft, served.request_time


def _rate(run: Run, replica: Replica, tokens: float) -> float:
    """Tokens a second of all copies, so many of each request; of steps alone where no length is stated."""
    if not run.measured.output_tokens:
        return run.copies * run.batch / _decode(run, replica)
    return run.copies * run.batch * tokens / _whole(run, replica)


def _prompt_rate(run: Run, replica: Replica) -> float:
    return run.copies * run.batch * run.request.new / prefill_time(replica, run.batch, run.request)


def _devices(run: Run) -> float:
    return run.copies * run.work.layout.devices


#: How each metric follows from the times of a run; those of rates are per second, those in ``ms`` are milliseconds.
METRICS: dict[str, Callable[[Run, Replica], float]] = {
    "decode_ms_per_token": lambda run, replica: 1e3 * _decode(run, replica),
    "ttft_ms": lambda run, replica: 1e3 * _first(run, replica),
    "total_latency_ms": lambda run, replica: 1e3 * _whole(run, replica),
    "itl": lambda run, replica: _decode(run, replica),
    "ttft": lambda run, replica: _first(run, replica),
    "e2e": lambda run, replica: _whole(run, replica),
    "tok_s_single_user": lambda run, replica: 1 / _decode(run, replica),
    "output_tok_s_total": lambda run, replica: _rate(run, replica, run.request.output_tokens),
    "output_tok_s_per_gpu": lambda run, replica: _rate(run, replica, run.request.output_tokens) / _devices(run),
    "output_tok_s_per_node": lambda run, replica: 8 * _rate(run, replica, run.request.output_tokens) / _devices(run),
    "total_tok_s": lambda run, replica: _rate(run, replica, run.request.input_tokens + run.request.output_tokens),
    "input_tok_s_total": lambda run, replica: _prompt_rate(run, replica),
    "input_tok_s_per_gpu": lambda run, replica: _prompt_rate(run, replica) / _devices(run),
    "input_tok_s_per_node": lambda run, replica: 8 * _prompt_rate(run, replica) / _devices(run),
}


def is_rate(metric: str) -> bool:
    """Whether a larger number of this metric is faster."""
    return "tok_s" in metric
