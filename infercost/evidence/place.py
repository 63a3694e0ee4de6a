"""Where a measured run was: its accelerator, its model as stored, its layout, and one replica of it as it served."""

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from infercost.errors import BadValue, Missing
from infercost.evidence.measured import Measured
from infercost.models import counting
from infercost.models.find import find_model, with_format
from infercost.models.gguf import as_file_of, as_gguf, with_head
from infercost.models.model import Model
from infercost.parts import catalog
from infercost.parts.accelerator import memory_key
from infercost.parts.formats import CACHES, GGUF, OF_ALL, TYPES, find_format
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, is_timed_by_release, release_of
from infercost.replica.chip import PER_REQUEST, Speeds, bounds_of
from infercost.replica.layout import FREE, Layout, check, layouts
from infercost.replica.memory import ENGINE_SHARE, Plan, plan
from infercost.replica.serving import (
    RUN_OF_SLOT,
    USUAL_SEQUENCES,
    Request,
    Served,
    all_at_once,
    prefill_time,
    serve_batch,
    serve_closed,
    serve_rate,
    start_of,
)
from infercost.replica.step import Replica, decode_time
from infercost.replica.work import MatrixRates, matrix_rates, work_of
from infercost.units import show

if TYPE_CHECKING:
    from infercost.replica.chip import Chip


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
