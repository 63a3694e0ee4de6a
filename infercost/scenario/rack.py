"""What stands in the rack: models and parts read, a layout chosen, the request and the draft that were asked about."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from infercost import formulas
from infercost.errors import BadValue, Missing
from infercost.models import counting
from infercost.models.model import Model, Quantization, bare_count
from infercost.numeric import ceiling
from infercost.parts import catalog
from infercost.parts.accelerator import memory_key, rate_for
from infercost.parts.cache import lately
from infercost.parts.formats import FORMATS, GGUF, Format
from infercost.parts.gguf import MIXES
from infercost.parts.preset import Preset
from infercost.parts.stack import (
    FIGURES_OF_PASS,
    is_nominal,
    is_other_engine,
    is_stated,
    law,
    reads_gguf,
    splits_layers,
)
from infercost.replica.host import Over
from infercost.replica.layout import FREE, Layout, check, layouts, most_experts
from infercost.replica.memory import Plan
from infercost.replica.rack import Rack, Setup
from infercost.replica.serving import LEAST_OUTPUT, Request
from infercost.replica.speeds import COUNTS, PER_REQUEST, SHARES, TIMES, bounds_of, speeds_of
from infercost.replica.step import Draft, Replica, Running
from infercost.replica.work import matrix_rate, work_of
from infercost.scenario.contexts import stretched, why_not_longer
from infercost.scenario.hosts import note_host, read_host
from infercost.scenario.options import DRAFT, SERVED, flag, options_of
from infercost.scenario.read import Reading, apply_sets, read_part, read_stack
from infercost.scenario.scenario import USUAL_SEQUENCES, Load
from infercost.scenario.usual import LENGTHS, USUAL_CONTEXT, assume_request, usual_engine
from infercost.units import show

if TYPE_CHECKING:  # few profiles have measured kernels, and a bare count no file
    from infercost.models.find import Extended
    from infercost.replica import kernels, llama_cpp

MOST_DEVICES = 1024
#: Commands that find out how many sequences fit.
_FINDS_BATCH = ("sweep-batch", "userbase", "economies", "frontier")
_LOAD_WORDS = {"request_rate": "rate", "concurrency": "requests in flight"}
LOADS = tuple(_LOAD_WORDS)
_PROMPT = ("prefix_share", "chunk_tokens")
_LOADED = ("request_rate", "burstiness", "concurrency", "num_prompts", "max_sequences", "disaggregated")
#: Requests of a slot in a run, as benchmark tools start them.
RUN_OF_SLOT = 10
_A_MODEL = "for example --model llama-3.1-70b"


def read_rack(reading: Reading) -> Rack:
    """The model on its devices; Missing without a model or a part, BadValue for a layout that cannot be."""
    if "model" not in reading.given:
        if "gpu" in reading.given and "params" not in reading.given:
            raise Missing(f"{reading.question.command} needs a model: --model NAME, or --params COUNT", _A_MODEL)
        return _read_bare_rack(reading)
    if stray := [name for name in ("params", "active_params", "layers", "hidden_size") if name in reading.given]:
        raise BadValue(f"--model says {', '.join(stray)} already", "give the model, or the bare count")
    setup, devices = read_setup(reading)
    widths = given_widths(reading)
    batches = reading.get("batch") if reading.question.command == "sweep-batch" else None
    plan = _holding_most(setup, devices, widths, batches or (setup.batch,))
    reading.take("gpus", plan.layout.devices, "given" if devices else "least that fits")
    for name in ("tp", "pp", "ep"):
        reading.take(name, getattr(plan.layout, name), "chosen")
    rack = rack_of(setup, plan, bool(devices), widths)
    note_host(reading, rack)
    return rack


def rack_of(setup: Setup, plan: Plan, given: bool = True, widths: Layout = FREE) -> Rack:
    """The rack of a named model under a plan that was made for it."""
    total = counting.weight_bytes(setup.model)
    least = formulas.memory.gpus_for_weights(weight_bytes=total, device_memory=plan.device_memory, usable=setup.usable)
    params, active = counting.total_params(setup.model), counting.active_params(setup.model)
    return Rack(setup, plan, params, active, total, least, given, widths)


def _read_bare_rack(reading: Reading) -> Rack:
    """A bare count of parameters, split evenly over all devices."""
    if stray := [name for name in reading.given if name in SERVED]:
        raise Missing(f"{', '.join(stray)} needs --model: a bare count has no layers", _A_MODEL)
    part, given = _read_accelerator(reading)
    params, active, format = _read_count(reading)
    stack, key, usable = _read_stack(reading, part, "ideal", "the note's arithmetic, for a bare count")
    model = bare_count(params, active, format, *(int(reading.get(name) or 0) for name in ("layers", "hidden_size")))
    _check_engine(stack, model.quantization)
    setup = Setup(None, model, part, stack, key, usable, 0)
    total = formulas.memory.weight_bytes(params=params, bytes_per_param=format.bytes_per_value)
    least = formulas.memory.gpus_for_weights(weight_bytes=total, device_memory=part.value(key), usable=usable)
    why = f"by --gpu NAME:{given}" if given else "least that hold the weights"
    devices = int(reading.take("gpus", given or _least_for(setup.plan(Layout(tp=least)), least), why))
    return Rack(setup, setup.plan(Layout(tp=devices)), params, active, total, least, bool(given))


def _read_count(reading: Reading) -> tuple[float, float, Format]:
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


def _read_accelerator(reading: Reading) -> tuple[Preset, int | None]:
    """The accelerator that was named, and the count of devices that was given with it or apart, if any was."""
    part, counted = read_part(reading, reading.need("gpu", "--gpu h100"))
    reading.amend(value=part.name)
    given: int | None = reading.get("gpus")
    if counted is not None and given not in (None, counted):
        raise BadValue(f"--gpu NAME:{counted} and --gpus {given} disagree", "give the count once")
    return part, given or counted


def _read_stack(reading: Reading, part: Preset, assume: str, why: str) -> tuple[Preset, str, float]:
    """The efficiency profile, the memory figure that it counts, and the share of it to plan with."""
    stack = read_stack(reading, assume, why, part)
    _check_backend(stack, part)
    stack = _with_ubatch(reading, stack)
    key = memory_key(part, nominal=is_nominal(stack))
    reading.use(part, key)
    if assume != "ideal":
        reserves = ("activation_floor", "activation_per_vocab", "engine_overhead", "engine_overhead_parallel")
        reading.use(stack, *reserves)
    return stack, key, reading.take("usable", stack.value("usable"), f"by profile {stack.name}")


#: Whose parts a backend of llama.cpp runs on.
_BACKENDS = {"metal": "Apple", "cuda": "NVIDIA", "hip": "AMD"}


def _check_backend(stack: Preset, part: Preset) -> None:
    """Refuse a backend of llama.cpp on parts that it does not run on."""
    backend, vendor = stack.labels.get("kernels", ""), part.labels.get("vendor", "")
    if _BACKENDS.get(backend, vendor) != vendor:
        what = f"profile {stack.name} is for parts of {_BACKENDS[backend]}, and {part.name} is of {vendor}"
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


def read_setup(reading: Reading) -> tuple[Setup, int | None]:
    """A named model on a part, and the count of devices where one was given."""
    from infercost.models.find import find_model

    part, devices = _read_accelerator(reading)
    checkpoint = find_model(str(reading.need("model", "--model llama-3.1-70b")))
    if checkpoint.model.is_encoder and reading.question.command != "fit":
        what = f"{checkpoint.model.name} is an encoder: it reads whole texts, and decodes no tokens"
        raise BadValue(what, "infercost fit says what memory it takes")
    model = _in_formats(reading, checkpoint.model)
    reading.amend(source=checkpoint.source, date=checkpoint.date)
    engine = usual_engine(part, model)
    stack, key, usable = _read_stack(reading, part, engine.profile, engine.why)
    _refuse_split(reading, stack)
    if engine.remark and "efficiency" not in reading.given:
        reading.note("efficiency", engine.remark)
    model = _as_engine_stores(reading, stack, model)
    model = stretched(reading, checkpoint, model)
    if checkpoint.model.vision_params and not model.vision_params:
        reading.note("vision", "its vision tower is a file of its own for llama.cpp (--mmproj), which is not counted")
    assume_request(reading, stack, model)
    context = _read_context(reading, stack, model, checkpoint.extended)
    one = reading.question.command in _FINDS_BATCH or any(name in reading.given for name in LOADS)
    batch = (given if isinstance(given := reading.get("batch"), int) else 1) if one else int(reading.take("batch", 1))
    host = read_host(reading, stack, model) if "host" in options_of(reading.question.command) else None
    return Setup(checkpoint, model, part, stack, key, usable, context, batch, host), devices


def _read_context(reading: Reading, stack: Preset, model: Model, card: "Extended | None") -> int:
    """Tokens that each sequence holds: of a request half way, none where a paper has none, else of a usual one."""
    longest = model.max_context
    assumed, why = min(longest or USUAL_CONTEXT, USUAL_CONTEXT), "a usual request"
    if all(name in reading.given for name in LENGTHS):
        assumed = int(reading.get("input_tokens") + reading.get("output_tokens") / 2)
        why = "the prompt and half of the output"
    elif reading.question.command != "fit" and is_nominal(stack):
        assumed, why = 0, f"by profile {stack.name}"
    context = int(reading.take("context", assumed, why))
    if longest and context > longest:
        what = f"--context {context:,} is more than {model.name} was made for"
        whole = sum(reading.get(name) or 0 for name in LENGTHS)
        raise BadValue(what, why_not_longer(model, card, max(context, whole)))
    return context


def _in_formats(reading: Reading, model: Model) -> Model:
    """The model in the formats that were asked for, its own where none was."""
    from infercost.models.find import stored_in, with_format

    if (format := reading.take("dtype")) is not None:
        if format.name in GGUF and model.quantization.is_gguf:
            reading.note("dtype", f"its tensors have the types of the file, not those of {format.name}")
        elif format.name != model.quantization.name:
            model = stored_in(model, format)
        model = model._replace(kv_bits=32) if format.name == "fp32" else model
    elif model.quantization.name == "fp32":
        model = with_format(model, "bf16", 16)
        reading.note("fp32", "its checkpoint holds fp32, which engines load as bf16 unless --dtype fp32")
    if (cache := reading.take("kv_dtype")) is not None:
        model = model._replace(kv_bits=cache.bytes_per_value * 8)
    return model


def _as_engine_stores(reading: Reading, stack: Preset, model: Model) -> Model:
    """The model as a file of llama.cpp under that engine, unchanged under others.

    Raises:
        BadValue: a format of GGUF files under an engine that reads none.
    """
    from infercost.models.gguf_mix import as_gguf, stand_in

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
        raise BadValue(what, "leave --efficiency out, or ask for --efficiency llama.cpp")


def _holding_most(setup: Setup, devices: int | None, widths: Layout, batches: Iterable[int]) -> Plan:
    """The plan in the layout that holds the largest of some batches that any layout holds."""
    for batch in sorted(batches, reverse=True):
        plan = _best(setup._replace(batch=batch), devices, widths)
        if plan.fits:
            break
    return setup.plan(plan.layout)


def _best(setup: Setup, devices: int | None, widths: Layout) -> Plan:
    """The plan on so many devices, else on the least that the widths leave and that fit."""
    fewest = max(widths.tp, widths.ep, 1) * max(widths.pp, 1)
    if devices or widths.tp:
        return _on(setup, int(devices or fewest), widths)
    if any(widths):
        counts = range(fewest, MOST_DEVICES + 1, fewest)
        return _first_that_fits(setup, dict.fromkeys(counts, widths)) or _on(setup, fewest, widths)
    return least_plan(setup) or _on(setup, MOST_DEVICES)


def _on(setup: Setup, devices: int, widths: Layout = FREE) -> Plan:
    """The plan on so many devices with the widths that were given, the first that fits where there are several."""
    model, domain = setup.model, setup.domain
    plans = [setup.plan(layout) for layout in _layouts(setup, devices, widths)]
    if not plans:
        asked = asked_widths(model, widths)
        valid = layouts(model, devices, domain, open_widths(setup))
        if not splits_layers(setup.stack) and 1 < devices <= most_experts(model):
            valid += layouts(model, devices, domain, Layout(0, 0, devices))
        hint = "ask for a count whose tensor parallel width divides the heads: 1, 2, 4, 8 ..."
        if valid:
            hint = f"valid layouts of {devices}: {', '.join(layout.flags for layout in valid)}"
        raise BadValue(f"no layout of {devices} devices{asked} splits {model.name} evenly", hint)
    return next((each for each in plans if each.fits), plans[0])


def _layouts(setup: Setup, devices: int, widths: Layout) -> list[Layout]:
    """Layouts of so many devices, in the order to try them: engines of today spread experts before they cut layers."""
    model, domain, asked = setup.model, setup.domain, open_widths(setup, widths)
    found = layouts(model, devices, domain, asked)
    if any(asked) or law(setup.stack) != "kernels" or devices == 1 or most_experts(model) % devices:
        return found
    spread = layouts(model, devices, domain, Layout(0, 0, devices)) if most_experts(model) > 1 else []
    return sorted([*found, *spread], key=lambda layout: (layout.pp > 1, layout.ep))


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
    counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= setup.domain]
    counts += range(2 * setup.domain, MOST_DEVICES + 1, setup.domain)
    if splits_layers(setup.stack):
        counts = [*range(1, min(setup.model.depth, MOST_DEVICES) + 1)]
    return _first_that_fits(setup, {n: Layout(0, 0, n) if by_experts else FREE for n in counts})


def _first_that_fits(setup: Setup, widths: Mapping[int, Layout]) -> Plan | None:
    """The plan of the first count of devices that has a layout that fits, with the widths asked for on that count."""
    for devices, given in widths.items():
        for layout in _layouts(setup, devices, given):
            if (plan := setup.plan(layout)).fits:
                return plan
    return None


def _figures_of_step(stack: Preset) -> tuple[str, ...]:
    """Figures of a profile that its steps are timed with, those of a pass only where it states them."""
    of_pass = FIGURES_OF_PASS.get(law(stack))
    return tuple(key for key in of_pass if is_stated(stack, key)) if of_pass else (*SHARES, *TIMES, *COUNTS)


def read_running(reading: Reading, rack: Rack) -> Running:
    """A rack as it steps under its stack; Missing where a profile counts kernels of layers that are not known."""
    part, stack, model = rack.part, rack.setup.stack, rack.model
    rate = rate_for(part, rack.format)
    reading.use(part, rate.key, "memory_bandwidth")
    measured, in_turn = law(stack) in FIGURES_OF_PASS, law(stack) == "llama.cpp"
    reading.use(stack, *_figures_of_step(stack), *PER_REQUEST)
    missing = [flag(name) for name in ("layers", "hidden_size") if reading.take(name) is None]
    if len(missing) == 1:
        raise BadValue(f"communication needs {missing[0]} too", "give both --layers and --hidden-size, or neither")
    wire = FORMATS[model.activation_format or rate.name]
    if model.hidden_size and rack.devices > 1 and not in_turn:
        reading.use(part, "link_bandwidth")
        wire = reading.take("activation_dtype", wire, "as engines send it")
    if (measured or stack.value("kernel_time")) and not model.hidden_size:
        what = f"profile {stack.name} counts kernels by layers, and a bare count has none"
        raise Missing(what, "give --layers and --hidden-size, or ask for --efficiency ideal")
    peak, layout = matrix_rate(model, part), rack.plan.layout
    # nobody knows the experts of a bare count: all its tokens may share them
    bounds = bounds_of(part, peak, wire.bytes_per_value)._replace(alike=not model.family, over=_over(rack))
    speeds, timing = bounds, None
    if measured:
        timing = _timing_in_turn(reading, rack) if in_turn else _timing(reading, rack)
    else:
        overlap = reading.take("overlap", stack.labels.get("overlap", "full"), f"by profile {stack.name}")
        speeds = speeds_of(part, stack, peak, overlap, wire.bytes_per_value)._replace(over=bounds.over)
    requests, waited = (stack.value(key) for key in PER_REQUEST)
    replica = Replica(work_of(model, timing.sums.layout if timing else layout), speeds, requests, waited, timing)
    return Running(rack, rate, replica, bounds)


def _over(rack: Rack) -> Over | None:
    """What comes from a host over the link in every pass; None where nothing does: llama.cpp computes in the host."""
    plan = rack.plan
    if plan.host is None or law(rack.setup.stack) == "llama.cpp" or not (plan.far_weights or plan.far_cache):
        return None
    return Over(plan.far_weights, plan.far_cache, plan.layout.devices, plan.host.link)


def _refuse_overlap(reading: Reading, stack: Preset) -> None:
    if "overlap" in reading.given:
        what = f"--overlap: profile {stack.name} knows from measured kernels what overlaps"
        raise BadValue(what, "leave it out, or ask for a roofline: --efficiency ideal")


def _timing_in_turn(reading: Reading, rack: Rack) -> "llama_cpp.Timing":
    """The passes of a rack under llama.cpp, whose devices take turns.

    Raises:
        BadValue: an overlap, which these passes know from their kernels.
    """
    from infercost.replica.backend import engine_of
    from infercost.replica.llama_cpp import Halves, Timing

    setup = rack.setup
    _refuse_overlap(reading, setup.stack)
    split, host = rack.plan.split, setup.host
    halves = Halves(split.near, split.far, host.preset) if split and host else None
    timing = Timing(rack.model, setup.part, engine_of(setup.stack), halves=halves).settle()
    noted = {item.key for item in reading.inputs}
    reading.use(setup.part, *(key for key in timing.used if f"gpu.{key}" not in noted))
    return timing


def _timing(reading: Reading, rack: Rack) -> "kernels.Timing":
    """The passes of a rack whose kernels were measured.

    Raises:
        BadValue: an overlap, which these passes know from their kernels.
    """
    from infercost.replica.chip import OTHER

    _refuse_overlap(reading, rack.setup.stack)
    part = rack.part
    names = (part.labels.get("architecture", OTHER), OTHER)
    own, other = (apply_sets(reading, catalog.load("architectures", name)) for name in names)
    wide = reading.question.command == "frontier"
    timing, used = _timed(rack.model, rack.plan.layout, part, rack.setup.stack, (own, other), wide)
    for key in used:
        reading.use(own if key in own.facts else other, key)
    over = _over(rack)
    return timing.with_host(over) if over else timing


@lately
def _timed(
    model: Model, layout: Layout, part: Preset, stack: Preset, rows: tuple[Preset, Preset], wide: bool
) -> tuple["kernels.Timing", tuple[str, ...]]:
    """The passes of a model under a layout on a part with such kernels, and the figures that they take of these."""
    from infercost.replica.chip import Chip
    from infercost.replica.kernels import Timing, engine_of

    chip = Chip(part, *rows)
    timing = Timing(model, layout, chip, engine_of(part, stack))
    timing.settle(wide=wide)
    return timing, tuple(chip.used)


def read_load(reading: Reading, rack: Rack) -> Load:
    """A request, the load of such requests, and what goes with either.

    Raises:
        BadValue: two options that disagree.
    """
    request = read_request(reading, rack, _LOADED)
    if request is None:
        return Load()
    _check_load(reading, request)
    most, rate, concurrent, run = float(USUAL_SEQUENCES), None, None, 0.0
    if "request_rate" in reading.given:
        rate = reading.take("request_rate")
        request = request._replace(burstiness=float(reading.take("burstiness", 1.0, "arrivals at random")))
    elif "concurrency" in reading.given:
        concurrent = float(reading.take("concurrency"))
        run = float(reading.take("num_prompts", RUN_OF_SLOT * int(concurrent), f"{RUN_OF_SLOT} a slot"))
    if rate is not None or concurrent is not None:
        most = float(reading.take("max_sequences", USUAL_SEQUENCES, "what engines start with"))
    held = rack.plan.max_sequences
    most = most if held is None else min(most, held)
    return Load(request, rate, most, bool(reading.get("disaggregated")), concurrent, run)


def read_request(reading: Reading, rack: Rack, also: tuple[str, ...] = ()) -> Request | None:
    """The request that was asked about, None where no length was given; ``also`` are options that need one too."""
    given = [name for name in LENGTHS if name in reading.given]
    stray = [name for name in (*_PROMPT, *also) if name in reading.given]
    if not given and not stray:
        return None
    if rack.model.is_bare:  # a service of it may know how many tokens a message decodes
        decoded = ("output_tokens",) if reading.question.command in ("userbase", "economies") else ()
        if prompts := [flag(name) for name in (*given, *stray) if name not in decoded]:
            raise Missing(f"{prompts[0]} needs --model: a bare count has no layers", _A_MODEL)
        return None
    if len(given) < 2:
        raise Missing("a request needs both lengths", "give --input-tokens and --output-tokens")
    request = Request(
        float(reading.take("input_tokens")),
        float(reading.take("output_tokens")),
        reading.take("prefix_share") or 0.0,
        reading.take("chunk_tokens"),
    )
    _check_request(reading, rack, request)
    return request


def _check_request(reading: Reading, rack: Rack, request: Request) -> None:
    """Refuse a request that the model was not made for, that no law here answers, or that has another context."""
    longest, whole = rack.model.max_context, request.input_tokens + request.output_tokens
    if longest and whole > longest:
        tokens = f"{request.input_tokens:,.0f} + {request.output_tokens:,.0f} tokens"
        hint = why_not_longer(rack.model, checkpoint.extended if (checkpoint := rack.setup.checkpoint) else None, whole)
        raise BadValue(f"a request of {tokens} is longer than the model was made for", hint)
    stack = rack.setup.stack
    if (name := law(stack)) == "erdil-2025":
        raise BadValue(f"profile {stack.name} answers a step, not a request", f"the law {name} has no prompts")
    if "context" in reading.given:
        raise BadValue("--context and the lengths of a request disagree", "give one: the context follows from them")


#: What bounds or shapes a load, the options of which it needs one, and what to give instead.
_OF_LOADS = (
    ("max_sequences", ("request_rate", "concurrency"), "bounds what a load leads to", ", or the --batch itself"),
    ("burstiness", ("request_rate",), "is of arrivals at a rate", ", or leave it out"),
    ("num_prompts", ("concurrency",), "is of a run whose slots start at once", ", or leave it out"),
)


def _check_load(reading: Reading, request: Request) -> None:
    """Refuse options that conflict with --request-rate or --concurrency, or need one of them.

    Raises:
        BadValue: two options that disagree, or requests that decode nothing.
    """
    given = [name for name in LOADS if name in reading.given]
    for name, needed, what, instead in _OF_LOADS:
        if name in reading.given and not any(load in given for load in needed):
            raise BadValue(f"{flag(name)} {what}", f"give {' or '.join(map(flag, needed))}{instead}")
    if not given:
        return
    load = flag(given[0])
    if len(given) > 1:
        raise BadValue(f"{load} and {flag(given[1])} are two ways to load a replica", "give one of them")
    if "batch" in reading.given:
        raise BadValue(f"{load} and --batch disagree", f"give one: the batch follows from the {_LOAD_WORDS[given[0]]}")
    if "draft_tokens" in reading.given:
        raise BadValue(f"a draft under {load} is not modelled", "give the --batch instead of the load")
    if given == ["concurrency"] and reading.get("disaggregated"):
        what = "--concurrency and --disaggregated: requests in flight are on replicas of both kinds"
        raise BadValue(what, "give --request-rate, or the --batch of the replicas that decode")
    if request.output_tokens < LEAST_OUTPUT:
        raise BadValue(f"{load} of requests that decode nothing has no batch", "give at least --output-tokens 2")


def read_draft(reading: Reading) -> Draft | None:
    """The draft that was asked for, a model of its own or a share of the target's time; Missing for half of one."""
    given = [name for name in DRAFT if name in reading.given]
    if not given:
        return None
    tokens = int(reading.need("draft_tokens", "--draft-tokens 4"))
    acceptance = float(reading.need("acceptance", "--acceptance 0.8"))
    if acceptance >= 1:
        raise BadValue("--acceptance 1: no draft is always right", "give the share that is accepted, below 1")
    if "draft_model" in given and "draft_cost" in given:
        raise BadValue("--draft-model and --draft-cost are two ways to say one thing", "give one of them")
    if not {"draft_model", "draft_cost"} & {*given}:
        raise Missing("a draft needs a model or a cost", "give --draft-model NAME or --draft-cost 0.05")
    if "draft_cost" in given:
        return Draft(tokens, acceptance, float(reading.take("draft_cost")))
    from infercost.models.find import find_model

    model = find_model(str(reading.take("draft_model"))).model
    reading.note("draft", "the draft's weights are counted in what fits, its cache is not")
    return Draft(tokens, acceptance, model=model)
