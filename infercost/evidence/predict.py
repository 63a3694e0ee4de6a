"""Predictions for measurements: the same passes as every other answer, arranged as the run was."""

from collections.abc import Callable
from functools import cache
from math import log
from typing import NamedTuple

from infercost.errors import BadValue, Missing
from infercost.evidence.measured import Measured
from infercost.models.find import find_model, with_format
from infercost.models.model import Model, Quantization
from infercost.parts import catalog
from infercost.parts.accelerator import memory_key, summing_in_16_bits
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, part_under
from infercost.replica.layout import FREE, Layout, check, layouts
from infercost.replica.memory import Plan, plan
from infercost.replica.serving import Request, prefill_time, serve_closed, serve_rate
from infercost.replica.speeds import PER_REQUEST, bounds_of, speeds_of
from infercost.replica.step import Replica, decode_time
from infercost.replica.work import Work, matrix_rate, work_of

#: Bits of a weight, scales included, in formats that quantize every table too: llama.cpp's quantize tool prints them.
GGUF_BITS = {"q4_0": 4.5, "q4_k_m": 4.85, "q4_k_s": 4.58, "q5_k_m": 5.69, "q6_k": 6.56, "q8_0": 8.5}
#: Bits of a weight with the scales of its groups, tables and head in 16 bits.
GROUPED_BITS = {
    **dict.fromkeys(("awq-int4", "gptq-int4", "int4", "uint4", "mxfp4"), 4.25),
    **dict.fromkeys(("fp4", "nvfp4"), 4.5),
}
#: Names of 16-bit weights in runs; engines load fp32 as one of these by default.
HALF = ("bf16", "fp16")
#: Share of memory that engines plan with by default.
ENGINE_SHARE = 0.9
#: Sequences that must fit before an offline run is thought to take more devices a copy.
USEFUL_BATCH = 32
#: Words in the notes of rows that measure something else, and why these are left out.
FAULTS = {
    "anomalous": "its source calls it anomalous",
    "memory-pressure": "its source says that memory was short",
    "batch 100 per GPU": "its batch is of one device, that of other rows of all",
}


@cache
def part_of_run(name: str) -> Preset:
    """The accelerator of a measurement, read once."""
    return catalog.load("accelerators", name)


@cache
def model_of_run(name: str) -> Model:
    """The model of a measurement, read once."""
    return find_model(name).model


@cache
def _stack(name: str) -> Preset:
    return complete(catalog.load("efficiency", name))


def same_prompts(row: Measured) -> bool:
    """Whether all sequences were one text, so that their tokens choose the same experts.

    argonne-lcf/LLM-Inference-Bench, TensorRT-LLM/H100/run_power.py, repeats one word for every prompt.
    """
    return row.source.startswith("argonne-lcf/LLM-Inference-Bench") and row.framework == "TensorRT-LLM"


def stored_as(model: Model, row: Measured) -> Model:
    """The model in the number formats of a run; a cache without a stated format has that of its engine's default.

    TensorRT-LLM's published runs of 8-bit and 4-bit weights keep the cache in 8 bits.

    Raises:
        BadValue: a format whose bits are not known.
    """
    named, same = row.weight_dtype.lower(), model.quantization.name == row.weight_dtype.lower()
    cache = row.kv_dtype.lower() or ("fp8" if named in ("fp8", "fp4") and "TensorRT" in row.framework else "")
    if named in GGUF_BITS:
        model = model._replace(quantization=Quantization("int4" if "4" in named else named, GGUF_BITS[named], {}))
    elif named in GROUPED_BITS:
        model = model if same else with_format(model, named, GROUPED_BITS[named])
    elif named in ("fp8", "int8"):
        model = model if same else with_format(model, named, 8)
    elif named and named not in HALF:
        known = ", ".join((*HALF, "fp8", "int8", *GROUPED_BITS, *GGUF_BITS))
        raise BadValue(f"how many bits a weight in {named} has is not known", f"formats of measured runs are {known}")
    elif named or model.quantization.name == "fp32":
        model = with_format(model, "bf16", 16)
    return model._replace(kv_bits=8) if "8" in cache else model._replace(kv_bits=16) if cache else model


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
        raise Missing("the layout is not stated", "fill in tp, pp or ep")
    layout = Layout(row.tp or 1, row.pp or 1, row.ep or 1)
    if devices % layout.devices:
        raise BadValue(
            f"{devices} devices are no whole number of copies of {layout.flags}",
            "give a multiple of the widths of tp, pp and ep",
        )
    if layout.tp == layout.ep > 1 and row.batch:  # attention is data parallel where its batch would not fit otherwise
        most = _planned(row, model, layout, part).max_sequences
        layout = layout._replace(tp=1) if most is not None and most < row.batch else layout
    check(model, layout)
    return layout


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
        model,
        layout,
        _stack("ideal" if most else "vllm"),
        device_memory=part.value(memory_key(part, nominal=most)),
        usable=1.0 if most else ENGINE_SHARE,
        context=max(context, 1),
        batch=1,
    )


def sequences_held(row: Measured, model: Model, layout: Layout, part: Preset, *, most: bool = False) -> float:
    """Sequences in flight at the highest load: as many as memory holds, or could at most; 0 under a request rate.

    Raises:
        Missing: neither a batch nor a request rate, and no throughput that fills memory.
    """
    if row.request_rate is not None:
        return 0.0
    if not row.metric.startswith("output_tok_s") or not row.input_tokens or not row.output_tokens:
        raise Missing("the batch is not stated", "fill in batch_or_concurrency")
    sequences = _planned(row, model, layout, part, most=most).max_sequences
    if not sequences:
        raise BadValue("its memory holds no sequence of this length", "look at infercost fit")
    return float(sequences)


#: Sequences that an engine runs at once by default.
USUAL_MOST = 256
#: A measurement this far below the bound is faster than it, not a rounding of it.
ROUNDING = 1e-3


class Prepared(NamedTuple):
    """A measurement with the work of its model in its layout.

    ``most`` is the batch of the bound: that of the run or, for a full memory, as many sequences as it could hold.
    """

    measured: Measured
    work: Work
    part: Preset
    peak_flops: float
    copies: float
    batch: float
    most: float
    alike: bool

    def under(self, profile: Preset) -> float:
        """The prediction under a profile, in the unit of the metric."""
        overlap = profile.labels.get("overlap", "full")
        part = part_under(self.part, profile)
        speeds = speeds_of(part, profile, self._peak(part), overlap, 2.0)
        return self._value(Replica(self.work, speeds, *(profile.value(key) for key in PER_REQUEST)))

    def at_best(self) -> float:
        """The bound for any stack, in the unit of the metric."""
        part = summing_in_16_bits(self.part)
        return self._replace(batch=self.most)._value(Replica(self.work, bounds_of(part, self._peak(part), 2.0)))

    def _peak(self, part: Preset) -> float:
        return self.peak_flops if part is self.part else matrix_rate(self.work.model, part)

    def _value(self, replica: Replica) -> float:
        speeds = replica.speeds._replace(alike=replica.speeds.alike or self.alike)
        return METRICS[self.measured.metric](self, replica._replace(speeds=speeds))

    @property
    def devices(self) -> float:
        """Devices of all copies."""
        return self.copies * self.work.layout.devices

    @property
    def request(self) -> Request:
        """The tokens of one request; a benchmark of a step alone has none out."""
        row = self.measured
        return Request(row.input_tokens or 0, row.output_tokens or 0, row.prefix_share, row.chunk_tokens)


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
    layout = layout_of_run(row, model, part)
    if layout.devices > 1:
        part.fact("link_bandwidth")
    copies = (row.devices or layout.devices) / layout.devices
    batch = row.batch / copies if row.batch else sequences_held(row, model, layout, part)
    if batch > 1 and row.input_tokens is None and not row.metric.startswith(("input_tok", "ttft")):
        raise Missing("the context is not stated", "fill in input_tokens")
    most = batch if row.batch else sequences_held(row, model, layout, part, most=True)
    return Prepared(
        measured=row,
        work=work_of(model, layout),
        part=part,
        peak_flops=matrix_rate(model, part),
        copies=copies,
        batch=batch,
        most=most,
        alike=same_prompts(row),
    )


def _is_served(run: Prepared) -> bool:
    """Whether requests came and went, so that prefill chunks are mixed into decode steps."""
    return run.measured.request_rate is not None or "closed-loop" in run.measured.notes


def _decode(run: Prepared, replica: Replica) -> float:
    """Seconds of a decode step, with prefill chunks mixed in where requests came and went."""
    if _is_served(run):
        return _served(run, replica)[0]
    return decode_time(replica, run.batch, run.request.context)


def _first(run: Prepared, replica: Replica) -> float:
    """Seconds to the first token: after the prompts of the whole batch, or of one where requests came and went."""
    if _is_served(run):
        return _served(run, replica)[1]
    return replica.request_overhead + prefill_time(replica, run.batch, run.request)


def _whole(run: Prepared, replica: Replica) -> float:
    """Seconds of a whole batch: all prompts, then all other tokens."""
    if _is_served(run) or run.measured.batch is None:
        return _served(run, replica)[2]
    return _first(run, replica) + max(run.request.output_tokens - 1, 0) * _decode(run, replica)


def _served(run: Prepared, replica: Replica) -> tuple[float, float, float]:
    """ITL, TTFT and request time in seconds of a server in steady state."""
    row = run.measured
    if row.request_rate is not None:
        served = serve_rate(replica, row.request_rate / run.copies, run.request, row.most_sequences or USUAL_MOST)
    else:
        served = serve_closed(replica, run.batch, run.request)
    return served.itl, served.ttft, served.request_time


def _rate(run: Prepared, replica: Replica, tokens: float) -> float:
    """Tokens a second of all copies, so many a request; of decode steps alone where no length is stated."""
    if not run.measured.output_tokens:
        return run.copies * run.batch / _decode(run, replica)
    return run.copies * run.batch * tokens / _whole(run, replica)


def _prompt_rate(run: Prepared, replica: Replica) -> float:
    return run.copies * run.batch * run.request.new / prefill_time(replica, run.batch, run.request)


#: Each metric from the times of a run; rates are per second, metrics with ``ms`` are milliseconds.
METRICS: dict[str, Callable[[Prepared, Replica], float]] = {
    "decode_ms_per_token": lambda run, replica: 1e3 * _decode(run, replica),
    "ttft_ms": lambda run, replica: 1e3 * _first(run, replica),
    "total_latency_ms": lambda run, replica: 1e3 * _whole(run, replica),
    "itl": _decode,
    "ttft": _first,
    "e2e": _whole,
    "tok_s_single_user": lambda run, replica: 1 / _decode(run, replica),
    "output_tok_s_total": lambda run, replica: _rate(run, replica, run.request.output_tokens),
    "output_tok_s_per_gpu": lambda run, replica: _rate(run, replica, run.request.output_tokens) / run.devices,
    "output_tok_s_per_node": lambda run, replica: 8 * _rate(run, replica, run.request.output_tokens) / run.devices,
    "total_tok_s": lambda run, replica: _rate(run, replica, run.request.input_tokens + run.request.output_tokens),
    "input_tok_s_total": _prompt_rate,
    "input_tok_s_per_gpu": lambda run, replica: _prompt_rate(run, replica) / run.devices,
    "input_tok_s_per_node": lambda run, replica: 8 * _prompt_rate(run, replica) / run.devices,
}


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
