"""What stands in the rack: models and parts read, a layout chosen."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING

from infercost import formulas
from infercost.errors import BadValue, Missing, UnknownName
from infercost.models import counting
from infercost.models.drafts import Shape, method, shape_of
from infercost.models.model import Model, Quantization, bare_count
from infercost.numeric import ceiling
from infercost.parts import catalog
from infercost.parts.accelerator import COMPUTERS, memory_key, over_pcie
from infercost.parts.formats import FORMATS, GGUF, MIXES, Format, find_format, is_of_llama_cpp, keys_of
from infercost.parts.preset import Preset
from infercost.parts.stack import is_nominal, is_other_engine, law, reads_gguf, sends_from_host, share_of, splits_layers
from infercost.replica.layout import FREE, Layout, check, every_layout, layouts, most_experts
from infercost.replica.memory import Drafting, Plan, Rack, Setup, Start, rule_of, share_by, start_of
from infercost.replica.work import Host, sparse_layers
from infercost.scenario.options import SERVED, flag, options_of
from infercost.scenario.read import Reading, apply_sets, read_part, read_stack, with_rate
from infercost.scenario.scenario import (
    AS_LEAST,
    CHEAPEST,
    CHOSEN,
    FOR_LOAD,
    IN_TIME,
    ONE,
    copies_of,
    devices_of_one,
    most_at_once,
    share_of_one,
)
from infercost.scenario.usual import assume_request, is_alone, read_context, refuse_unread, stretched, usual_engine
from infercost.units import SIZE, many, parse, show

if TYPE_CHECKING:
    from infercost.models.find import Checkpoint


MOST_DEVICES = 1024
#: Pipeline stages of a layout that nobody asked for: no run that was measured has more.
MOST_STAGES = 8
#: Devices of one host where nobody says how many.
OF_A_HOST = 8
#: Commands that find out how many sequences fit.
_FINDS_BATCH = ("sweep-batch", "userbase", "economies", "frontier")
#: What asks for a load that comes and goes.
LOADS = ("request_rate", "concurrency")
A_MODEL = "for example --model llama-3.1-70b"
#: Whose parts a backend of llama.cpp runs on.
_BACKENDS = {"metal": "Apple", "cuda": "NVIDIA", "hip": "AMD"}
#: Backends of llama.cpp whose memory is the host's own, as it is of parts that are computers.
_ON_A_HOST = ("cpu", "metal")
#: No host has less memory.
_LEAST = 1e9
#: What asks for first tokens, which nobody measured with a part of the model in a host.
_FIRST_TOKENS = ("request_rate", "concurrency", "disaggregated", "max_ttft", "requests")
#: A size beside a host's name, as people write it: ``128gb ddr5``, ``ddr5-128gb``; words that name no host, and what
#: a size alone is the memory of.
_SIZED = re.compile(r"(?<![a-z\d.])(\d+(?:\.\d+)?)\s*(gi?b)(?![a-z\d])", re.IGNORECASE)
_NAMELESS, _USUAL = ("ram", "memory", "of"), "desktop-ddr5"


def read_rack(reading: Reading) -> Rack:
    """The model on its devices; Missing without a model or a part, BadValue for a layout that cannot be."""
    if "model" not in reading.given:
        if "gpu" in reading.given and "params" not in reading.given:
            raise Missing(f"{reading.question.command} needs a model: --model NAME, or --params COUNT", A_MODEL)
        return _read_bare_rack(reading)
    refuse_counts(reading)
    setup, devices = read_setup(reading)
    widths = given_widths(reading)
    setup, plan = _holding_most(setup, devices, widths, _batches_to_hold(reading, setup, devices))
    _note_share(reading, plan)
    count = plan.layout.devices * copies_of(reading)
    reading.take("gpus", count, "given" if devices else _why_so_many(plan))
    for name in ("tp", "pp", "ep"):
        reading.take(name, getattr(plan.layout, name), "chosen")
    given = bool(devices) and reading.origin("gpus") not in (AS_LEAST, CHEAPEST, FOR_LOAD, IN_TIME, ONE)
    asked = {name: 0 if reading.origin(name) == CHOSEN else width for name, width in widths.widths.items()}
    rack = rack_of(setup, plan, given, Layout(**asked))
    rack = rack._replace(idle=reading.question.idle) if copies_of(reading) == 1 else rack
    note_host(reading, rack, given)
    return rack


def _batches_to_hold(reading: Reading, setup: Setup, devices: int | None) -> Sequence[int]:
    """The batches of which a replica is to hold the largest it can: of a sweep, or all requests that stay in flight."""
    if reading.question.command == "sweep-batch":
        return [ceil(share_of_one(reading, "batch", batch)) for batch in reading.get("batch") or (setup.batch,)]
    if devices or "concurrency" not in reading.given:
        return (setup.batch,)
    at_once = min(reading.get("concurrency") / copies_of(reading), most_at_once(reading, setup))
    return (setup.batch, ceil(at_once))


def refuse_counts(reading: Reading) -> None:
    """BadValue for a bare count beside a named model."""
    if stray := [name for name in ("params", "active_params", "layers", "hidden_size") if name in reading.given]:
        raise BadValue(f"--model says {', '.join(stray)} already", "give the model, or the bare count")


def _why_so_many(plan: Plan) -> str:
    return "least that fits" if plan.fits or plan.host is None else f"up to {OF_A_HOST} do not fit either"


def rack_of(setup: Setup, plan: Plan, given: bool = True, widths: Layout = FREE) -> Rack:
    """The rack of a named model under a plan that was made for it."""
    total = counting.weight_bytes(setup.model)
    least = formulas.memory.gpus_for_weights(weight_bytes=total, device_memory=plan.device_memory, usable=plan.usable)
    params, active = counting.total_params(setup.model), counting.active_params(setup.model)
    return Rack(setup, plan, params, active, total, least, given, widths)


def _read_bare_rack(reading: Reading) -> Rack:
    """A bare count of parameters, split evenly over all devices."""
    if stray := [name for name in reading.given if name in SERVED]:
        names, need = ", ".join(map(flag, stray)), "needs" if len(stray) == 1 else "need"
        raise Missing(f"{names} {need} --model: a bare count has no layers", A_MODEL)
    part, given = read_accelerator(reading)
    params, active, format = read_count(reading)
    stack, key, usable = _read_stack(reading, part, "ideal", "the note's arithmetic, for a bare count")
    model = bare_count(params, active, format, *(int(reading.get(name) or 0) for name in ("layers", "hidden_size")))
    _check_engine(stack, model.quantization)
    setup = Setup(None, model, part, stack, key, usable, 0, start=_read_start(reading, stack, part))
    usable = setup.plan(Layout()).usable
    total = formulas.memory.weight_bytes(params=params, bytes_per_param=format.bytes_per_value)
    least = formulas.memory.gpus_for_weights(weight_bytes=total, device_memory=part.value(key), usable=usable)
    why = f"by --gpu NAME:{given}" if given else "least that hold the weights"
    devices = int(reading.take("gpus", given or _least_for(setup.plan(Layout(tp=least)), least), why))
    plan = setup.plan(Layout(tp=devices))
    _note_share(reading, plan)
    return Rack(setup, plan, params, active, total, least, bool(given))


def read_count(reading: Reading) -> tuple[float, float, Format]:
    """A bare model: its parameters, those that one token uses, and the format that stores them."""
    params = reading.need("params", "--params 70B")
    active = reading.take("active_params") or params
    if active > params:
        what = f"--active-params {show(active, 'param')} is more than --params {show(params, 'param')}"
        raise BadValue(what, "give the parameters that one token uses")
    format = reading.take("dtype", FORMATS["8bit"], "8-bit weights")
    if format.name in GGUF:
        base, bits = MIXES[format.name].base, format.bytes_per_value * 8
        text = f"a bare count has no tensors: all have the {bits:g} bits of {base}, the most common in {format.name}"
        reading.note("dtype", text)
    return params, active, format


def _least_for(plan: Plan, least: int) -> int:
    """Devices that hold a bare count beside the engine's reserves, from the plan on those that hold the weights."""
    if plan.fits or (room := plan.pool + plan.weights) <= 0:
        return least
    return int(ceiling(plan.weights * least / room))


def read_accelerator(reading: Reading) -> tuple[Preset, int | None]:
    """The accelerator that was named, and the count of devices that was given with it or apart, if any was."""
    part, counted = read_part(reading, reading.need("gpu", "--gpu h100"))
    reading.amend(value=part.asked)
    given: int | None = reading.get("gpus")
    chosen = reading.origin("gpus").startswith("assumed")
    if counted is not None and given not in (None, counted) and not chosen:
        raise BadValue(f"--gpu NAME:{counted} and --gpus {given} disagree", "give the count once")
    return with_rate(reading, part), devices_of_one(reading, given or counted)


def _read_stack(reading: Reading, part: Preset, assume: str, why: str) -> tuple[Preset, str, float]:
    """The efficiency profile, the memory figure that it counts, and the share of it to plan with."""
    stack = read_stack(reading, assume, why, part)
    _check_backend(stack, part)
    stack = _with_ubatch(reading, stack)
    key = memory_key(part, nominal=is_nominal(stack))
    reading.use(part, key)
    if assume != "ideal":
        activations = () if share_of(stack) == "start" else ("activation_floor", "activation_per_vocab")
        apart = ("engine_overhead_pcie",) if over_pcie(part) and "engine_overhead_pcie" in stack.facts else ()
        reading.use(stack, *activations, "engine_overhead", "engine_overhead_parallel", *apart)
    own = rule_of(stack, part, reading.get("chunk_tokens"))
    alone = share_by(own, bare_count(1, 1, FORMATS["8bit"], 0, 0), Layout(), stack) if own else 0.0
    share = alone or stack.value("usable")
    why = f"by {stack.labels.get('engine', stack.title).split()[0]}'s own rule" if alone else f"by profile {stack.name}"
    return stack, key, reading.take("usable", share, why)


def _note_share(reading: Reading, plan: Plan) -> None:
    """Say the share that an engine's own rule plans with in a layout, where nobody gave one."""
    if plan.start.rule:
        noted = (item._replace(value=plan.usable) if item.key == "usable" else item for item in reading.inputs)
        reading.inputs = list(noted)


def _check_backend(stack: Preset, part: Preset) -> None:
    """Refuse a backend of llama.cpp on parts that it does not run on."""
    backend, vendor = stack.labels.get("kernels", ""), part.labels.get("vendor", "")
    if _BACKENDS.get(backend, vendor) != vendor:
        whose = f"is of {vendor}" if vendor else "names no vendor"
        what = f"profile {stack.name} is for parts of {_BACKENDS[backend]}, and {part.name} {whose}"
        raise BadValue(what, "ask for --efficiency llama.cpp, which takes the part's own")


def _with_ubatch(reading: Reading, stack: Preset) -> Preset:
    """The profile with the tokens of a pass that were asked for, whose logits take memory too; ``--chunk-tokens`` does.

    Raises:
        BadValue: a ubatch under another law than llama.cpp's, or two that disagree.
    """
    own = [name for name in ("ubatch", "chunk_tokens") if name in reading.given]
    if law(stack) != "llama.cpp":
        if "ubatch" in own:
            what = f"--ubatch is of the law llama.cpp, and profile {stack.name} has the law {law(stack)}"
            raise BadValue(what, "give --chunk-tokens, or ask for --efficiency llama.cpp")
        return stack
    if len(own) > 1:
        raise BadValue("--ubatch and --chunk-tokens are one number in llama.cpp", "give --ubatch alone")
    if not own:
        return stack
    tokens = float(reading.take(own[0]))
    usual, logits = stack.fact("chunk_tokens"), stack.fact("activation_per_vocab")
    scaled = logits._replace(value=logits.value * tokens / usual.value, text="")
    chosen = usual._replace(value=tokens, source=f"{flag(own[0])} {tokens:g}", text="")
    return stack.with_fact("chunk_tokens", chosen).with_fact("activation_per_vocab", scaled)


def _refuse_split(reading: Reading, stack: Preset) -> None:
    """Refuse to split a layer over devices where the engine gives each whole ones."""
    for name in ("tp", "ep"):
        if splits_layers(stack) and (reading.get(name) or 1) > 1:
            what = f"{flag(name)} {reading.get(name)}: llama.cpp gives each device whole layers, which take turns"
            raise BadValue(what, "leave it out, or ask for vLLM, which splits them: --efficiency vllm")


def given_widths(reading: Reading) -> Layout:
    """The parallel widths that were given, 0 for those that are free."""
    return Layout(*(int(reading.get(name) or 0) for name in ("tp", "pp", "ep")))


def open_widths(setup: Setup, widths: Layout = FREE) -> Layout:
    """The widths that were given or, where none was, those that the engine leaves: one may split by layers alone."""
    return Layout(1, widths.pp, 1) if splits_layers(setup.stack) else widths


def refuse_unsaid(reading: Reading, checkpoint: "Checkpoint") -> None:
    """Missing for a checkpoint that leaves open what its weights are stored in, where nobody says it."""
    if not checkpoint.unsaid or "dtype" in reading.given:
        return
    is_named = "names the quantization" in checkpoint.unsaid
    nearest = "give the format nearest to it: --dtype int4, int3-g64, fp8 ..."
    hint = nearest if is_named else "put hf_quant_config.json beside it, or give --dtype"
    raise Missing(f"model {checkpoint.title}: {checkpoint.unsaid}", hint)


def read_checkpoint(reading: Reading) -> "Checkpoint":
    """The checkpoint that was named, noted as an input with its source; BadValue where its speed is not known."""
    from infercost.models.find import find_model

    checkpoint = find_model(str(reading.need("model", "--model llama-3.1-70b")))
    if reading.question.command not in ("fit", "utilization"):
        refuse_prefill_only(checkpoint.model, reading.get("request_rate"))
    _refuse_encoder(reading, checkpoint.model)
    reading.amend(source=checkpoint.source, date=checkpoint.date)
    if checkpoint.remark:
        reading.note("file", checkpoint.remark)
    return checkpoint


def note_tower(reading: Reading, checkpoint: "Checkpoint", model: Model) -> None:
    """Say that a file of llama.cpp leaves a vision tower out."""
    if checkpoint.published_model.vision_params and not model.vision_params:
        reading.note("vision", "its vision tower is a file of its own for llama.cpp (--mmproj), which is not counted")


def read_setup(reading: Reading) -> tuple[Setup, int | None]:
    """A named model on a part, and the count of devices where one was given."""
    part, devices = read_accelerator(reading)
    checkpoint = read_checkpoint(reading)
    model = in_formats(reading, checkpoint.published_model if "dtype" in reading.given else checkpoint.model)
    refuse_unsaid(reading, checkpoint)
    hosted = "host" in reading.given and "host" in options_of(reading.question.command)
    lone = is_alone(reading, part, checkpoint.model, model, devices)
    of_file = checkpoint.base is not None
    engine = usual_engine(part, model, reading.get("kv_dtype"), hosted=hosted, alone=lone, in_file=of_file)
    if "efficiency" not in reading.given:
        refuse_unread(part, engine, model)
    stack, key, usable = _read_stack(reading, part, engine.profile, engine.why)
    _refuse_split(reading, stack)
    if engine.remark and "efficiency" not in reading.given:
        reading.note("efficiency", engine.remark)
    _note_host_links(reading, part, stack)
    model = _as_engine_stores(reading, stack, model)
    reading.own("dtype", model.quantization.name, checkpoint.says_format)
    model = stretched(reading, checkpoint, model)
    note_tower(reading, checkpoint, model)
    assume_request(reading, stack, model)
    context = read_context(reading, stack, model, checkpoint.extended)
    batch = read_batch(reading, model)
    host = read_host(reading, stack, model, part) if "host" in options_of(reading.question.command) else None
    asked = (
        _read_start(reading, stack, part),
        _read_drafting(reading, model),
        _read_shared(reading, stack, model, context),
    )
    return Setup(checkpoint, model, part, stack, key, usable, context, batch, host, *asked), devices


def check_shared(shared: float, tokens: float, of: str) -> None:
    """Refuse a start that all sequences share and that is no shorter than they are."""
    if shared >= tokens:
        what = f"--shared-prefix {shared:,.0f} is not below {of} {tokens:,.0f}: it is the start of each prompt"
        raise BadValue(what, "give the tokens that all begin with, a system prompt's")


def _read_shared(reading: Reading, stack: Preset, model: Model, context: int) -> int:
    """Tokens of a start that all sequences share and that the engine stores once, 0 where each slot has its own."""
    if "shared_prefix" not in reading.given or "shared_prefix" not in options_of(reading.question.command):
        return 0
    if model.prefill_only:
        raise BadValue(f"--shared-prefix is of a cache: {model.name} keeps none", "leave it out")
    shared, prompt = int(reading.get("shared_prefix")), reading.get("input_tokens")
    if reading.question.command == "fit":
        reading.take("shared_prefix")
        check_shared(shared, context, "--context")
    elif prompt is not None:
        check_shared(shared, prompt, "--input-tokens")
    if law(stack) != "llama.cpp" or not shared:
        return shared
    text = "llama.cpp holds a shared prefix once for each slot, no memory is saved: a slot that is in use lends nothing"
    reading.note("shared-prefix", f"{text} (ggml-org/llama.cpp issue 27616)")
    return 0


def _note_host_links(reading: Reading, part: Preset, stack: Preset) -> None:
    """Say that a bandwidth of links that was asked for is not what cards without links of their own have."""
    keys = [text.partition("=")[0].strip() for text in reading.get("set") or ()]
    if part.labels.get("link") == "host" and law(stack) == "kernels" and "gpu.link_bandwidth" in keys:
        text = f"cards of {part.name} reach each other through their host, as fast as was measured; link_bandwidth"
        reading.note("links", f"{text} above that changes nothing: --set gpu.link=switch gives them links of their own")


def _refuse_encoder(reading: Reading, model: Model) -> None:
    """BadValue for the speed of an encoder-decoder: its memory alone is counted."""
    if model.has_encoder and reading.question.command != "fit":
        what = f"{model.name} reads with an encoder and writes with a decoder, whose speed is not known here"
        raise BadValue(what, "ask infercost fit, or infercost presets show: its memory is counted")


def refuse_prefill_only(model: Model, rate: float | None = None) -> None:
    """BadValue for a model that decodes nothing, where tokens are decoded; ``rate`` is of texts a second."""
    if model.prefill_only:
        what = f"{model.name} reads whole texts and decodes no tokens"
        load = f" --request-rate {rate:g}" if rate else ""
        raise BadValue(what, f"ask infercost fit, or infercost utilization --input-tokens 512{load}")


def _read_drafting(reading: Reading, model: Model) -> Drafting | None:
    """The draft that takes memory beside a model, None where none was asked for.

    Raises:
        BadValue: two drafts, or the head of a model that carries none.
    """
    given = [name for name in ("draft", "draft_model", "draft_cost") if name in reading.given]
    if len(given) > 1:
        raise BadValue(f"{flag(given[0])} and {flag(given[1])} are two ways to say one thing", "give one of them")
    if given in ([], ["draft_cost"]):
        return None
    if given == ["draft_model"]:
        return Drafting(_read_drafter(reading, model), _draft_tokens(reading, 1, "the least"))
    refuse_prefill_only(model)
    which = str(reading.take("draft"))
    usual = method(which)
    shape = _read_shape(reading, model) if which == "eagle3" else None
    why = f"what guides to engines start {usual.preset.name} with"
    drafting = Drafting(None, _draft_tokens(reading, usual.tokens, why), shape)
    drafting.head(model)
    return drafting


def _read_drafter(reading: Reading, model: Model) -> Model:
    """The model that drafts, as published; beside a file of llama.cpp in its format, unless its name says one."""
    from infercost.models.find import find_model, stored_in

    checkpoint = find_model(str(reading.take("draft_model")))
    own, format = checkpoint.model, find_format(model.quantization.name)
    if format is not None and model.quantization.is_gguf and checkpoint.base is None and not own.quantization.is_gguf:
        own = stored_in(own, format)
    reading.note("draft", f"{own.name} drafts in {own.quantization.name}")
    return own


def _draft_tokens(reading: Reading, usual: int, why: str) -> int:
    """Tokens of a draft, which ``utilization`` and ``frontier`` need of a model that drafts."""
    if reading.question.command != "fit" and "draft_model" in reading.given:
        return int(reading.get("draft_tokens") or usual)
    return int(reading.take("draft_tokens", usual, why))


def _read_shape(reading: Reading, model: Model) -> Shape:
    """The dimensions of a head of a model, each with its source, and what of them is assumed."""
    shape, preset = shape_of(model), method("eagle3").shaped(model.name)
    reading.use(preset, *(key for key in shape._fields if key in preset.facts), scope="draft")
    if shape.assumed:
        reading.note("draft", f"the config of no EAGLE-3 head of {model.name} is known: {shape.assumed}, is assumed")
    return shape


def _read_start(reading: Reading, stack: Preset, part: Preset) -> Start:
    """What the engine profiles its memory with, which is as many sequences as it may run."""
    if reading.question.command == "fit":
        reading.take("max_sequences")
    if reading.question.command == "fit" and law(stack) != "llama.cpp":
        reading.take("chunk_tokens")
    start = start_of(stack, part, reading.get("max_sequences"), reading.get("chunk_tokens"))
    if "usable" not in reading.given and (rule := rule_of(stack, part, reading.get("chunk_tokens"))):
        return start._replace(rule=rule)
    if start.sequences != start.usual_sequences or start.tokens != start.usual_tokens:
        keys = ("chunk_tokens", "chunk_tokens_small", "profiled_sequences", "profiled_sequences_small")
        reading.use(stack, *(key for key in keys if key in stack.facts))
    return start


def read_batch(reading: Reading, model: Model) -> int:
    """Sequences that must fit on one replica: as given, one where they are an answer or take no memory."""
    finds = reading.question.command in _FINDS_BATCH or any(name in reading.given for name in (*LOADS, "requests"))
    finds = finds or (model.prefill_only and reading.question.command != "fit")
    given, copies = reading.get("batch"), copies_of(reading)
    batch = (given if isinstance(given, int) else copies) if finds else int(reading.take("batch", copies))
    return ceil(share_of_one(reading, "batch", batch))


def in_formats(reading: Reading, model: Model) -> Model:
    """The model in the formats that were asked for, its own where none was."""
    from infercost.models.find import in_cache, stored_in, with_format

    if (format := reading.take("dtype")) is not None:
        if format.name in GGUF and model.quantization.is_gguf:
            reading.note("dtype", f"its tensors have the types of the file, not those of {format.name}")
        elif format.name not in (model.quantization.name, model.quantization.name.partition(" ")[0]):
            model = stored_in(model, format)
        model = model._replace(kv_bits=32) if format.name == "fp32" else model
    elif model.quantization.name == "fp32":
        model = with_format(model, "bf16", 16)
        reading.note("fp32", "its checkpoint holds fp32, which engines load as bf16 unless --dtype fp32")
    if (cache := reading.take("kv_dtype")) is not None:
        # of latents llama.cpp keeps keys alone
        model = in_cache(model, keys_of(cache) if any(layer.attention.latent for layer in model.layers) else cache)
    return model


def _as_engine_stores(reading: Reading, stack: Preset, model: Model) -> Model:
    """The model as a file of llama.cpp under that engine, unchanged under others.

    Raises:
        BadValue: a format of GGUF files under an engine that reads none.
    """
    from infercost.models.gguf import as_gguf, stand_in

    cache = reading.get("kv_dtype")
    if cache is not None and is_of_llama_cpp(cache) and is_other_engine(stack):
        what = f"profile {stack.name} has no cache in {cache.name}, which llama.cpp alone has"
        raise BadValue(what, "leave --efficiency out, or ask for --efficiency llama.cpp")
    own = model.quantization
    _check_engine(stack, own)
    if not own.is_gguf and reads_gguf(stack) and (name := stand_in(own)):
        file = as_gguf(model, name)
        if name in GGUF:
            bits = 8 * counting.weight_bytes(file) / counting.total_params(file)
            text = f"llama.cpp has no {own.name}: {name} stands for it, {bits:.2f} bits a weight"
            reading.note("stand-in", text)
        elif name == "mxfp4" and not model.is_sparse:
            reading.note("stand-in", "llama.cpp has mxfp4 for experts alone: a model without any is in q8_0")
        return file
    return model


def _check_engine(stack: Preset, quantization: Quantization) -> None:
    if quantization.name in GGUF and is_other_engine(stack):
        what = f"profile {stack.name} has no {quantization.name}, a format that llama.cpp alone reads"
        hint = "leave --efficiency out, or ask for --efficiency llama.cpp; --dtype bf16 is the checkpoint"
        raise BadValue(what, hint)


def _holding_most(setup: Setup, devices: int | None, widths: Layout, batches: Iterable[int]) -> tuple[Setup, Plan]:
    """The plan in the layout that holds the largest of some batches; of the smallest, with its setup, if none fits."""
    for batch in sorted(batches, reverse=True):
        plan = plan_on(setup._replace(batch=batch), devices, widths)
        if plan.fits:
            return setup, setup.plan(plan.layout, offload=plan.split and plan.split.offload)
    return setup._replace(batch=batch), plan


def plan_on(setup: Setup, devices: int | None, widths: Layout) -> Plan:
    """The plan on so many devices, else on the least that the widths leave and that fit."""
    fewest = max(widths.tp, widths.ep, 1) * max(widths.pp, 1)
    if devices or widths.tp:
        return _on(setup, int(devices or fewest), widths)
    if any(widths):
        counts = range(fewest, most_devices(setup) + 1, fewest)
        return _first_that_fits(setup, dict.fromkeys(counts, widths)) or _on(setup, fewest, widths)
    return least_plan(setup) or least_of_all(setup) or _widest(setup)


def _widest(setup: Setup) -> Plan:
    """The plan on the most devices of a node that split the model, where no count of them fits; one beside a host."""
    counts = (1,) if setup.host else range(setup.domain, 0, -1)
    return next(setup.plan(layout) for count in counts for layout in _layouts(setup, count, FREE))


def most_devices(setup: Setup) -> int:
    """The most devices to look for: one host has a node of them."""
    return OF_A_HOST if setup.host else MOST_DEVICES


def _on(setup: Setup, devices: int, widths: Layout = FREE) -> Plan:
    """The plan on so many devices with the widths that were given, the first that fits where there are several."""
    model, domain, taken = setup.model, setup.domain, max(widths.tp, widths.ep, 1) * max(widths.pp, 1)
    plans = [setup.plan(layout) for layout in _layouts(setup, devices, widths)]
    if not any(each.fits for each in plans):
        wider = [setup.plan(layout) for layout in _wider(setup, devices, widths)]
        plans = [each for each in wider if each.fits] + plans or wider
    if not plans:
        asked = asked_widths(model, widths)
        valid = layouts(model, devices, domain, open_widths(setup))
        if not splits_layers(setup.stack) and 1 < devices <= most_experts(model):
            valid += layouts(model, devices, domain, Layout(0, 0, devices))
        hint = _counts_near(model, devices)
        if valid:
            hint = f"valid layouts of {devices}: {', '.join(layout.flags for layout in valid)}"
        if widths.ep > devices:
            hint += f"; --dp counts replicas: without it --ep {widths.ep} alone spreads attention over {widths.ep}"
        what = f"no layout of {many(devices, 'device')}{asked} splits {model.name} evenly"
        if devices % taken:
            what = f"a replica{asked} takes {taken} devices or a multiple of them, not {devices}"
        raise BadValue(what, hint)
    return next((each for each in plans if each.fits), plans[0])


def _counts_near(model: Model, devices: int) -> str:
    """The nearest counts that one replica takes, for an error that a count is none of them."""
    counts = {layout.devices for layout in every_layout(model, MOST_DEVICES)}
    near = (
        max((count for count in counts if count < devices), default=1),
        min(filter(devices.__lt__, counts), default=0),
    )
    return f"ask for {' or '.join(f'{count:,}' for count in near if count)}, the nearest that split it evenly"


def _wider(setup: Setup, devices: int, widths: Layout) -> list[Layout]:
    """Layouts of so many devices that are legal and not tried first: tensor parallelism beyond a node, among others."""
    if setup.host:
        return []
    asked = open_widths(setup, widths)
    tried = _layouts(setup, devices, widths)
    every = (one for one in _legal(setup, devices, asked) if one.devices == devices)
    return [one for one in every if one not in tried]


def _legal(setup: Setup, most: int, asked: Layout) -> list[Layout]:
    """Layouts of up to so many devices, the least first, inside a node before beyond it; ranks share experts or all."""
    every = every_layout(setup.model, most, asked)
    made = [one for one in every if asked.ep or one.ep in (1, one.ranks)]
    return sorted(made, key=lambda one: (one.devices, one.tp > setup.domain, one.pp, one.ep))


def least_of_all(setup: Setup, most: int = MOST_DEVICES) -> Plan | None:
    """The plan on the least devices up to so many that fits in any layout that splits the model; None for none.

    Of as many devices more stages than runs have come last. ``least_plan`` has powers of two and whole nodes, as people
    take them.
    """
    if setup.host:
        return None
    fewest = rack_of(setup, setup.plan(Layout())).gpus_for_weights
    legal = [one for one in _legal(setup, most, open_widths(setup)) if one.devices >= fewest]
    ordered = sorted(legal, key=lambda one: (one.devices, not has_few_stages(setup, one)))
    return next((plan for layout in ordered if (plan := setup.plan(layout)).fits), None)


def _layouts(setup: Setup, devices: int, widths: Layout) -> list[Layout]:
    """Layouts of so many devices, in the order to try them: engines of today spread experts before they cut layers."""
    model, domain, asked = setup.model, setup.domain, open_widths(setup, widths)
    found = layouts(model, devices, domain, asked)
    if any(asked) or law(setup.stack) != "kernels" or devices == 1 or most_experts(model) % devices:
        return found
    spread = layouts(model, devices, domain, Layout(0, 0, devices)) if most_experts(model) > 1 else []
    return sorted([*found, *spread], key=lambda layout: (layout.pp > 1, layout.ep))


def engine_layouts(setup: Setup, devices: int) -> list[Layout]:
    """All layouts of one replica on so many devices that its engine runs: experts whole on one rank each, or sliced.

    Tensor parallelism goes beyond a node only over a network that is known.
    """
    widest = devices if "network_bandwidth" in setup.part.facts else setup.domain
    every = every_layout(setup.model, devices, open_widths(setup))
    made = [one for one in every if one.devices == devices and one.tp <= widest and one.ep in (1, one.ranks)]
    return [one for one in made if has_few_stages(setup, one)] or made


def has_few_stages(setup: Setup, layout: Layout) -> bool:
    """Whether a layout that nobody asked for has no more stages than runs that were measured."""
    return law(setup.stack) != "kernels" or layout.pp <= MOST_STAGES


def first_layout(setup: Setup, devices: int) -> Layout | None:
    """The layout of so many devices that an engine would choose first; None where none splits the model."""
    return next(iter(_layouts(setup, devices, FREE)), None)


def asked_widths(model: Model, widths: Layout) -> str:
    """The widths that were given, for an error that no layout has them; BadValue where one does not split the model."""
    check(model, Layout(*(max(width, 1) for width in widths.widths.values())))
    return f" with {widths.flags}" if any(widths) else ""


def least_plan(setup: Setup, by_experts: bool = False) -> Plan | None:
    """The plan with the least devices that fits: powers of two inside a node, then whole nodes; any where layers split.

    ``by_experts`` keeps to layouts that spread the experts over all devices.
    """
    most = most_devices(setup)
    counts = [2**k for k in range(setup.domain.bit_length()) if 2**k <= most]
    counts += range(setup.domain, most + 1, setup.domain)
    if splits_layers(setup.stack):
        counts = [*range(1, min(setup.model.depth, most) + 1)]
    return _first_that_fits(setup, {n: Layout(0, 0, n) if by_experts else FREE for n in counts})


def fitting_plan(setup: Setup, devices: int) -> Plan | None:
    """The plan in the first layout of so many devices that fits, as on a count that is given; None where none does."""
    return _first_that_fits(setup, {devices: FREE})


def holds_in_any(setup: Setup, devices: int) -> bool:
    """Whether any layout of so many devices that splits the model holds it."""
    wider = (setup.plan(layout) for layout in _wider(setup, devices, FREE))
    return fitting_plan(setup, devices) is not None or any(plan.fits for plan in wider)


def _first_that_fits(setup: Setup, widths: Mapping[int, Layout]) -> Plan | None:
    """The plan of the first count of devices that has a layout that fits, with the widths asked for on that count."""
    for devices, given in widths.items():
        for layout in _layouts(setup, devices, given):
            if (plan := setup.plan(layout)).fits:
                return plan
    return None


# The host that was asked for, and what of a model is to lie in it.


def load_host(text: str) -> Preset:
    """The preset of a host, with the memory that stands beside its name; UnknownName for no such host."""
    try:
        return catalog.load("hosts", text)
    except UnknownName:
        if catalog.looks_like_file(text) or (size := _SIZED.search(text)) is None:
            raise
    words = re.split(r"[\s,_-]+", text[: size.start()] + " " + text[size.end() :])
    kept = [word for word in words if word and word.lower() not in _NAMELESS]
    turned = (own for own in catalog.names("hosts") if sorted(own.split("-")) == sorted(map(str.lower, kept)))
    preset = catalog.load("hosts", next(turned, "-".join(kept) or _USUAL))
    memory = preset.fact("memory")
    value = parse(SIZE, f"{size[1]}{size[2][0].upper()}{size[2][1:-1].lower()}B", "host")
    return preset.with_fact("memory", memory._replace(value=value, source=f"--host {text}", text=""))


def read_host(reading: Reading, stack: Preset, model: Model, part: Preset) -> Host | None:
    """The host, and what is to lie in it; None where nobody asked for one.

    Raises:
        Missing: what is to lie in a host without one.
        BadValue: a part without memory of its own, a model that has no such part, or a host without memory.
    """
    for name in ("offload", "offload_layers"):
        if name in reading.given and "host" not in reading.given:
            raise Missing(f"{flag(name)} needs --host", "for example --host desktop-ddr5; presets list hosts shows all")
    if "host" not in reading.given:
        return None
    _check(reading, stack, model, part)
    given = reading.take("host")
    preset = apply_sets(reading, given if isinstance(given, Preset) else load_host(str(given)))
    reading.amend(value=preset.asked)
    _check_memory(reading, preset)
    keys = ["memory", "memory_bandwidth", *(["link_bandwidth"] if sends_from_host(stack) else [])]
    reading.use(preset, *keys, *(key for key in ("memory_share",) if key in preset.facts))
    offload = reading.take("offload")
    layers = reading.take("offload_layers")
    if layers and not offload:
        offload = "experts" if sparse_layers(model) else "layers"
    return Host(preset, offload or "", int(layers or 0))


def _check_memory(reading: Reading, preset: Preset) -> None:
    """Refuse a host whose memory has lost its unit."""
    if (memory := preset.value("memory")) >= _LEAST:
        return
    hint = "a host has gigabytes, for example --set host.memory=128GB"
    for text in reading.get("set") or ():
        key, _, value = text.partition("=")
        if key.strip() == "host.memory" and value.strip().replace(".", "", 1).isdigit():
            hint = f"likely --set host.memory={value.strip()}GB is meant"
    raise BadValue(f"host.memory: {show(memory, 'B')} is no memory of a host", hint)


def refuse_own_memory(part: Preset) -> None:
    """Refuse a host for a part whose memory is the host's already."""
    if part.labels.get("kind") in COMPUTERS:
        raise BadValue(f"--host: the memory of {part.name} is the host's already", "leave --host out")


def _check(reading: Reading, stack: Preset, model: Model, part: Preset) -> None:
    refuse_own_memory(part)
    if stack.labels.get("kernels") in _ON_A_HOST:
        raise BadValue(f"--host: the memory of {part.name} is the host's already", "leave --host out")
    if law(stack) == "erdil-2025":
        raise BadValue(f"--host: profile {stack.name} knows no host", "name a profile without a law")
    offload = reading.get("offload")
    if offload == "experts" and not sparse_layers(model):
        raise BadValue(f"--offload experts: {model.name} has no experts", "ask for --offload layers, or kv")
    if offload == "kv" and "offload_layers" in reading.given:
        raise BadValue("--offload kv takes the cache of all layers", "leave --offload-layers out, or offload layers")
    if stray := [name for name in _FIRST_TOKENS if name in reading.given]:
        what = f"{flag(stray[0])} needs first tokens, which were not measured with a part of the model in a host"
        raise BadValue(what, "leave it out, or leave --host out")


def note_host(reading: Reading, rack: Rack, counted: bool) -> None:
    """Say what lies in the host where nobody said how much, and that it takes several cards where nobody said so."""
    split, plan = rack.plan.split, rack.plan
    if split is None or plan.host is None:
        return
    if not counted and rack.devices > 1:
        reading.note("host-cards", f"fewer than {rack.devices:,} cards and {plan.host.preset.name} do not hold it")
    experts, layers, cache = split.offload
    chosen = "kv" if cache else "layers" if layers else "experts" if experts else "nothing"
    reading.take("offload", chosen, "as much as is needed")
    if count := layers or experts:
        reading.take("offload_layers", count, "all of them" if "offload" in reading.given else "as many as are needed")
