"""What ran in a measurement: the model as it was stored, how the devices shared it, and what they held."""

from functools import cache

from infercost import catalog
from infercost.efficiency import complete
from infercost.errors import BadValue, Missing
from infercost.hardware import memory_key
from infercost.measured import Measured
from infercost.model import Model, Quantization
from infercost.models import find_model, with_format
from infercost.plan import Plan, plan
from infercost.preset import Preset
from infercost.sharding import FREE, Layout, check, layouts

#: Bits of a weight in formats that quantize every table too, scales included: llama.cpp's quantize tool prints them.
GGUF_BITS = {"q4_0": 4.5, "q4_k_m": 4.85, "q4_k_s": 4.58, "q5_k_m": 5.69, "q6_k": 6.56, "q8_0": 8.5}
#: Bits of a weight with the scales of its groups, tables and head in 16 bits.
GROUPED_BITS = {
    **dict.fromkeys(("awq-int4", "gptq-int4", "int4", "uint4", "mxfp4"), 4.25),
    **dict.fromkeys(("fp4", "nvfp4"), 4.5),
}
#: What runs of 16-bit weights call them; engines load fp32 as one of these where nobody says otherwise.
HALF = ("bf16", "fp16")
#: Share of memory that engines plan with unless told otherwise.
ENGINE_SHARE = 0.9
#: Sequences that an offline run wants room for before it takes more devices a copy.
USEFUL_BATCH = 32
#: What a source's notes say of a row that measures something else.
FAULTS = {
    "anomalous": "its source calls it anomalous",
    "memory-pressure": "its source says that memory was short",
    "batch 100 per GPU": "its batch is of one device, that of other rows of all",
}


@cache
def part_of_run(name: str) -> Preset:
    """The part that a measurement names, read once."""
    return catalog.load("accelerators", name)


@cache
def model_of_run(name: str) -> Model:
    """The model that a measurement names, read once."""
    return find_model(name).model


@cache
def _engine() -> Preset:
    """The profile whose memory figures say what a run's devices hold."""
    return complete(catalog.load("efficiency", "vllm"))


@cache
def _bound() -> Preset:
    return complete(catalog.load("efficiency", "ideal"))


def same_prompts(row: Measured) -> bool:
    """Whether every sequence of the batch was the same text, so that all tokens choose the same experts.

    argonne-lcf/LLM-Inference-Bench, TensorRT-LLM/H100/run_power.py, repeats one word for every prompt.
    """
    return row.source.startswith("argonne-lcf/LLM-Inference-Bench") and row.framework == "TensorRT-LLM"


def stored_as(model: Model, row: Measured) -> Model:
    """The model in the formats that a run stored it in; where the cache's is not stated, that of its engine's default.

    TensorRT-LLM's published runs of 8-bit and 4-bit weights keep the cache in 8 bits.

    Raises:
        BadValue: a format whose bits are not known.
    """
    named = row.weight_dtype.lower()
    cache = row.kv_dtype.lower() or ("fp8" if named in ("fp8", "fp4") and "TensorRT" in row.framework else "")
    if named in GGUF_BITS:
        model = model._replace(quantization=Quantization("int4" if "4" in named else named, GGUF_BITS[named], {}))
    elif named in GROUPED_BITS:
        model = model if model.quantization.name == named else with_format(model, named, GROUPED_BITS[named])
    elif named in ("fp8", "int8"):
        model = model if model.quantization.name == named else with_format(model, named, 8)
    elif named and named not in HALF:
        known = ", ".join((*HALF, "fp8", "int8", *GROUPED_BITS, *GGUF_BITS))
        raise BadValue(f"how many bits a weight in {named} has is not known", f"formats of measured runs are {known}")
    elif named or model.quantization.name == "fp32":
        model = with_format(model, "bf16", 16)
    return model._replace(kv_bits=8) if "8" in cache else model._replace(kv_bits=16) if cache else model


def layout_of_run(row: Measured, model: Model, part: Preset) -> Layout:
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
    if devices % layout.devices:
        raise BadValue(
            f"{devices} devices are no whole number of copies of {layout.flags}",
            "give a multiple of the widths of tp, pp and ep",
        )
    if layout.tp == layout.ep > 1 and row.batch:
        held = _planned(row, model, layout, part).max_sequences
        layout = layout._replace(tp=1) if held is not None and held < row.batch else layout
    check(model, layout)
    return layout


def _least(row: Measured, model: Model, part: Preset, devices: int) -> Layout:
    """The layout with the least devices whose cache holds a useful batch, as offline runs choose it."""
    for count in (n for n in (1, 2, 4, 8, 16, 32, 64) if devices % n == 0):
        for layout in layouts(model, count, min(count, 8), FREE):
            if (_planned(row, model, layout, part).max_sequences or 0) >= USEFUL_BATCH:
                return layout
    raise Missing("no layout of its devices holds the model", "fill in tp and pp")


def _planned(row: Measured, model: Model, layout: Layout, part: Preset, *, most: bool = False) -> Plan:
    """What the run's devices hold as engines reserve memory; ``most`` is all that the memory sold could hold."""
    context = (row.input_tokens or 0) + (row.output_tokens or 0) / 2
    profile, key = (_bound() if most else _engine()), memory_key(part, nominal=most)
    usable = 1.0 if most else ENGINE_SHARE
    return plan(model, layout, profile, device_memory=part.value(key), usable=usable, context=max(context, 1), batch=1)


def sequences_held(row: Measured, model: Model, layout: Layout, part: Preset, *, most: bool = False) -> float:
    """Sequences in flight where only the load is known to be as high as it goes: what memory holds, or could.

    Raises:
        Missing: neither a batch nor a request rate, and no throughput that fills memory.
    """
    if row.request_rate is not None:
        return 0.0
    if not row.metric.startswith("output_tok_s") or not row.input_tokens or not row.output_tokens:
        raise Missing("the batch is not stated", "fill in batch_or_concurrency")
    held = _planned(row, model, layout, part, most=most).max_sequences
    if not held:
        raise BadValue("its memory holds no sequence of this length", "look at infercost fit")
    return float(held)
