"""What stands in the rack: models and parts read, a layout chosen, the request and the draft that were asked about."""

from collections.abc import Iterable, Mapping

from infercost import formulas
from infercost.errors import BadValue, Missing
from infercost.models import counting
from infercost.models.model import Model, bare_count
from infercost.numeric import ceiling
from infercost.parts.accelerator import memory_key, rate_for
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.parts.stack import law
from infercost.replica.layout import FREE, Layout, check, layouts, most_experts
from infercost.replica.memory import Plan
from infercost.replica.rack import Rack, Setup
from infercost.replica.serving import LEAST_OUTPUT, Request
from infercost.replica.speeds import COUNTS, PER_REQUEST, SHARES, TIMES, bounds_of, speeds_of
from infercost.replica.step import Draft, Replica, Running
from infercost.replica.work import matrix_rate, work_of
from infercost.scenario.options import DRAFT, SERVED, flag
from infercost.scenario.read import Reading, read_part, read_stack
from infercost.scenario.scenario import USUAL_SEQUENCES, Load
from infercost.units import show

MOST_DEVICES = 1024
#: What a request needs when nobody says how long it is.
USUAL_CONTEXT = 8192
#: Commands that find out how many sequences fit.
_FINDS_BATCH = ("sweep-batch", "userbase", "economies", "frontier")
LENGTHS = ("input_tokens", "output_tokens")
_PROMPT = ("prefix_share", "chunk_tokens")
_LOADED = ("request_rate", "max_sequences", "disaggregated")
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
    return rack_of(setup, plan, bool(devices), widths)


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
    return params, active, reading.take("dtype", FORMATS["8bit"], "8-bit weights")


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
    stack = read_stack(reading, assume, why)
    key = memory_key(part, nominal=is_nominal(stack))
    reading.use(part, key)
    if assume != "ideal":
        reserves = ("activation_floor", "activation_per_vocab", "engine_overhead", "engine_overhead_parallel")
        reading.use(stack, *reserves)
    return stack, key, reading.take("usable", stack.value("usable"), f"by profile {stack.name}")


def is_nominal(stack: Preset) -> bool:
    """Whether a profile counts memory as sold."""
    return stack.labels.get("memory") == "nominal"


def given_widths(reading: Reading) -> Layout:
    """The parallel widths that were given, 0 for those that are free."""
    return Layout(*(int(reading.get(name) or 0) for name in ("tp", "pp", "ep")))


def read_setup(reading: Reading) -> tuple[Setup, int | None]:
    """A named model on a part, and the count of devices where one was given."""
    from infercost.models.find import find_model

    part, devices = _read_accelerator(reading)
    checkpoint = find_model(str(reading.need("model", "--model llama-3.1-70b")))
    model = _in_formats(reading, checkpoint.model)
    reading.amend(source=checkpoint.source, date=checkpoint.date)
    stack, key, usable = _read_stack(reading, part, "realistic", "for a named model")
    context = _read_context(reading, stack, model)
    one = reading.question.command in _FINDS_BATCH or "request_rate" in reading.given
    batch = (given if isinstance(given := reading.get("batch"), int) else 1) if one else int(reading.take("batch", 1))
    return Setup(checkpoint, model, part, stack, key, usable, context, batch), devices


def _read_context(reading: Reading, stack: Preset, model: Model) -> int:
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
        raise BadValue(what, f"its config says {longest:,} positions")
    return context


def _in_formats(reading: Reading, model: Model) -> Model:
    """The model in the formats that were asked for, its own where none was."""
    from infercost.models.find import with_format

    if (format := reading.take("dtype")) is not None:
        if format.name != model.quantization.name:
            model = with_format(model, format.name, format.bytes_per_value * 8)
        model = model._replace(kv_bits=32) if format.name == "fp32" else model
    elif model.quantization.name == "fp32":
        model = with_format(model, "bf16", 16)
        reading.note("fp32", "its checkpoint holds fp32, which engines load as bf16 unless --dtype fp32")
    if (cache := reading.take("kv_dtype")) is not None:
        model = model._replace(kv_bits=cache.bytes_per_value * 8)
    return model


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
    plans = [setup.plan(layout) for layout in layouts(model, devices, domain, widths)]
    if not plans:
        asked = asked_widths(model, widths)
        valid = layouts(model, devices, domain)
        if 1 < devices <= most_experts(model):
            valid += layouts(model, devices, domain, Layout(0, 0, devices))
        hint = "ask for a count whose tensor parallel width divides the heads: 1, 2, 4, 8 ..."
        if valid:
            hint = f"valid layouts of {devices}: {', '.join(layout.flags for layout in valid)}"
        raise BadValue(f"no layout of {devices} devices{asked} splits {model.name} evenly", hint)
    return next((each for each in plans if each.fits), plans[0])


def asked_widths(model: Model, widths: Layout) -> str:
    """The widths that were given, for an error that no layout has them; BadValue where one does not split the model."""
    check(model, Layout(*(max(width, 1) for width in widths)))
    return f" with {widths.flags}" if any(widths) else ""


def least_plan(setup: Setup, by_experts: bool = False) -> Plan | None:
    """The plan with the least devices that fits, powers of two inside a node, then whole nodes.

    ``by_experts`` keeps to layouts that spread the experts over all devices.
    """
    counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= setup.domain]
    counts += range(2 * setup.domain, MOST_DEVICES + 1, setup.domain)
    return _first_that_fits(setup, {n: Layout(0, 0, n) if by_experts else FREE for n in counts})


def _first_that_fits(setup: Setup, widths: Mapping[int, Layout]) -> Plan | None:
    """The plan of the first count of devices that has a layout that fits, with the widths asked for on that count."""
    for devices, asked in widths.items():
        for layout in layouts(setup.model, devices, setup.domain, asked):
            if (plan := setup.plan(layout)).fits:
                return plan
    return None


def read_running(reading: Reading, rack: Rack) -> Running:
    """A rack as it steps under its stack; Missing where a profile counts kernels of layers that are not known."""
    part, stack, model = rack.part, rack.setup.stack, rack.model
    rate = rate_for(part, rack.format)
    reading.use(part, rate.key, "memory_bandwidth")
    reading.use(stack, *SHARES, *TIMES, *COUNTS, *PER_REQUEST)
    missing = [flag(name) for name in ("layers", "hidden_size") if reading.take(name) is None]
    if len(missing) == 1:
        raise BadValue(f"communication needs {missing[0]} too", "give both --layers and --hidden-size, or neither")
    wire = FORMATS[model.activation_format or rate.name]
    if model.hidden_size and rack.devices > 1:
        reading.use(part, "link_bandwidth")
        wire = reading.take("activation_dtype", wire, "as engines send it")
    overlap = reading.take("overlap", stack.labels.get("overlap", "full"), f"by profile {stack.name}")
    if stack.value("kernel_time") and not model.hidden_size:
        what = f"profile {stack.name} counts kernels by layers, and a bare count has none"
        raise Missing(what, "give --layers and --hidden-size, or ask for --efficiency ideal")
    peak = matrix_rate(model, part)
    speeds = speeds_of(part, stack, peak, overlap, wire.bytes_per_value)
    replica = Replica(work_of(model, rack.plan.layout), speeds, *(stack.value(key) for key in PER_REQUEST))
    return Running(rack, rate, replica, bounds_of(part, peak, wire.bytes_per_value))


def read_load(reading: Reading, rack: Rack) -> Load:
    """A request, the rate at which such requests come, and what goes with either; BadValue where options disagree."""
    request = read_request(reading, rack, _LOADED)
    if request is None:
        return Load()
    _check_rate(reading, request)
    most = float(USUAL_SEQUENCES)
    if (rate := reading.take("request_rate")) is not None:
        most = float(reading.take("max_sequences", USUAL_SEQUENCES, "what engines start with"))
    held = rack.plan.max_sequences
    return Load(request, rate, most if held is None else min(most, held), bool(reading.get("disaggregated")))


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
    longest = rack.model.max_context
    if longest and request.input_tokens + request.output_tokens > longest:
        tokens = f"{request.input_tokens:,.0f} + {request.output_tokens:,.0f} tokens"
        raise BadValue(f"a request of {tokens} is longer than the model was made for", f"its config says {longest:,}")
    stack = rack.setup.stack
    if (name := law(stack)) != "roofline":
        raise BadValue(f"profile {stack.name} answers a step, not a request", f"the law {name} has no prompts")
    if "context" in reading.given:
        raise BadValue("--context and the lengths of a request disagree", "give one: the context follows from them")


def _check_rate(reading: Reading, request: Request) -> None:
    """Refuse options that conflict with --request-rate or need it, and requests that decode nothing."""
    if "request_rate" not in reading.given:
        if "max_sequences" in reading.given:
            raise BadValue("--max-sequences bounds what a rate leads to", "give --request-rate, or the --batch itself")
        return
    if "batch" in reading.given:
        raise BadValue("--request-rate and --batch disagree", "give one: the batch follows from the rate")
    if "draft_tokens" in reading.given:
        raise BadValue("a draft under a request rate is not modelled", "give the --batch instead of the rate")
    if request.output_tokens < LEAST_OUTPUT:
        raise BadValue("a rate of requests that decode nothing has no batch", "give at least --output-tokens 2")


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
