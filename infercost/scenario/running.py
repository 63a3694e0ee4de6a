"""How a rack steps under its stack, and what it is asked to serve: a load, a request, a draft."""

from typing import TYPE_CHECKING

from infercost import formulas
from infercost.errors import BadValue, Misasked, Missing
from infercost.models.model import Model, gains, method
from infercost.parts import catalog
from infercost.parts.accelerator import has_endless_rate, rate_for
from infercost.parts.files import lately
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.parts.stack import FIGURES_OF_PASS, is_ideal, is_nominal, is_stated, law, sends_from_host
from infercost.replica.chip import COUNTS, PER_REQUEST, SHARES, TIMES, bounds_of, speeds_of
from infercost.replica.layout import Layout
from infercost.replica.memory import Rack
from infercost.replica.serving import LEAST_OUTPUT, RUN_OF_SLOT, USUAL_SEQUENCES, Request
from infercost.replica.step import Draft, Replica, Running
from infercost.replica.work import Over, Read, card_link_key, link_of, matrix_rates, read_of, work_of
from infercost.scenario.options import DRAFT, flag
from infercost.scenario.rack import A_MODEL, LOADS, check_shared
from infercost.scenario.read import Reading, apply_sets, written
from infercost.scenario.scenario import Load, copies_of, most_at_once, share_of_one
from infercost.scenario.usual import LENGTHS, LOADED, OF_PROMPTS, why_not_longer
from infercost.units import many

if TYPE_CHECKING:  # few profiles have measured kernels
    from infercost.replica import kernels, llama_cpp

_LOAD_WORDS = dict(zip(LOADS, ("rate", "requests in flight"), strict=True))


def _figures_of_step(stack: Preset) -> tuple[str, ...]:
    """Figures of a profile that its steps are timed with, those of a pass only where it states them."""
    of_pass = FIGURES_OF_PASS.get(law(stack))
    return tuple(key for key in of_pass if is_stated(stack, key)) if of_pass else (*SHARES, *TIMES, *COUNTS)


def read_running(reading: Reading, rack: Rack) -> Running:
    """A rack as it steps under its stack; Missing where a profile counts kernels of layers that are not known."""
    part, stack, model = rack.part, rack.setup.stack, rack.model
    served = _served(rack)
    rate = rate_for(part, served or rack.format)
    reading.use(part, *(() if has_endless_rate(part) else (rate.key,)), "memory_bandwidth")
    measured, in_turn = law(stack) in FIGURES_OF_PASS, law(stack) == "llama.cpp"
    reading.use(stack, *_figures_of_step(stack), *PER_REQUEST)
    missing = [flag(name) for name in ("layers", "hidden_size") if reading.take(name) is None]
    if len(missing) == 1:
        raise BadValue(f"communication needs {missing[0]} too", "give both --layers and --hidden-size, or neither")
    wire = FORMATS[model.activation_format or rate.name]
    if model.hidden_size and rack.devices > 1 and not in_turn:
        _use_link(reading, part, stack)
        wire = reading.take("activation_dtype", wire, "as engines send it")
    if (measured or stack.value("kernel_time")) and not model.hidden_size:
        what = f"profile {stack.name} counts kernels by layers, and a bare count has none"
        raise Missing(what, "give --layers and --hidden-size, or ask for --efficiency ideal")
    rates, layout, over = matrix_rates(model, part, served), rack.plan.layout, _over(reading, rack)
    best = max(rates, matrix_rates(model, part)) if served else rates
    # nobody knows the experts of a bare count: all its tokens may share them
    bounds = bounds_of(part, best, wire.bytes_per_value)._replace(alike=not model.family)
    if measured:
        speeds = bounds_of(part, rates, wire.bytes_per_value)._replace(alike=bounds.alike)
        timing = _timing_in_turn(reading, rack) if in_turn else _timing(reading, rack, over)
        layout = timing.sums.layout
    else:
        overlap = reading.take("overlap", stack.labels.get("overlap", "full"), f"by profile {stack.name}")
        speeds, timing = speeds_of(part, stack, rates, overlap, wire.bytes_per_value), None
    read = _read(rack, layout)
    replica = Replica(work_of(model, layout), speeds._replace(over=over or read), *_of_requests(stack), timing)
    return Running(rack, rate, replica, bounds._replace(over=read), served)


def _use_link(reading: Reading, part: Preset, stack: Preset) -> None:
    """The link between devices; a bound is one without it too, where nobody publishes it."""
    if "link_bandwidth" in part.facts:
        reading.use(part, "link_bandwidth")
    elif not is_ideal(stack):
        asked = "give --set gpu.link_bandwidth=100GB/s, as it is, or ask for a bound without it: --efficiency ideal"
        raise Missing(f"no link bandwidth of {part.name} is known", asked)


def _of_requests(stack: Preset) -> tuple[float, float]:
    """What a profile adds to each request."""
    overhead, waited = (stack.value(key) for key in PER_REQUEST)
    return overhead, waited


def _served(rack: Rack) -> Format | None:
    """The format whose arithmetic serves weights in MXFP4 under measured kernels: 16 bits where these unpack them."""
    if rack.format.name != "mxfp4" or law(rack.setup.stack) != "kernels":
        return None
    from infercost.replica.chip import OTHER

    architecture = catalog.load("architectures", rack.part.labels.get("architecture", OTHER))
    return FORMATS[architecture.labels.get("mxfp4", "bf16")]


def _read(rack: Rack, layout: Layout) -> Read | None:
    """What a host reads in every pass at the least; None where nothing lies in one."""
    plan = rack.plan
    if plan.host is None or plan.split is None or not (plan.far_weights or plan.far_cache):
        return None
    return read_of(plan.split, layout, plan.host)


def _over(reading: Reading, rack: Rack) -> Over | None:
    """What an engine sends from a host over the link in every pass; None where nothing is, or the host reads it."""
    plan, part, stack = rack.plan, rack.part, rack.setup.stack
    if plan.host is None or not (plan.far_weights or plan.far_cache) or not sends_from_host(stack):
        return None
    noted, key = {item.key for item in reading.inputs}, card_link_key(part)
    reading.use(part, *(one for one in (key,) if one in part.facts and f"gpu.{one}" not in noted))
    return Over(plan.far_weights, plan.far_cache, link_of(plan.host, part, plan.layout.devices))


def _refuse_overlap(reading: Reading, stack: Preset) -> None:
    if "overlap" in reading.given:
        what = f"--overlap: profile {stack.name} knows from measured kernels what overlaps"
        raise BadValue(what, "leave it out, or ask for a roofline: --efficiency ideal")


def _timing_in_turn(reading: Reading, rack: Rack) -> "llama_cpp.Timing":
    """The passes of a rack under llama.cpp, whose devices take turns.

    Raises:
        BadValue: an overlap, which these passes know from their kernels.
    """
    from infercost.replica.chip import backend_of
    from infercost.replica.llama_cpp import Halves, Timing

    setup = rack.setup
    _refuse_overlap(reading, setup.stack)
    split, host = rack.plan.split, setup.host
    halves = Halves(split.near, split.far, host.preset) if split and host else None
    timing = Timing(rack.model, setup.part, backend_of(setup.stack), halves=halves).settle()
    noted = {item.key for item in reading.inputs}
    reading.use(setup.part, *(key for key in timing.used if f"gpu.{key}" not in noted))
    return timing


def _timing(reading: Reading, rack: Rack, over: Over | None) -> "kernels.Timing":
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
    request = read_request(reading, rack, LOADED)
    if request is None:
        return Load()
    _check_load(reading, request)
    most, rate, concurrent, run = float(USUAL_SEQUENCES), None, None, 0.0
    if "request_rate" in reading.given:
        rate = reading.take("request_rate") / copies_of(reading)
        request = request._replace(burstiness=float(reading.take("burstiness", 1.0, "arrivals at random")))
    elif "concurrency" in reading.given:
        name, given = "concurrency", int(reading.take("concurrency"))
        if (requests := reading.get("requests")) and requests < given:
            only = f"{many(requests, 'request')} {'is' if requests == 1 else 'are'} never {given:,} in flight"
            reading.note("in-flight", f"{only}: counted as {requests:,}")
            name, given = "requests", int(requests)
        concurrent = float(share_of_one(reading, name, given))
        run = reading.take("num_prompts", RUN_OF_SLOT * given, f"{RUN_OF_SLOT} a slot") / copies_of(reading)
    if rate is not None or concurrent is not None:
        most = most_at_once(reading, rack.setup, rack.plan.layout.dp)
        reading.take("max_sequences", int(most), f"what {rack.setup.stack.title} starts with")
    held = rack.plan.max_sequences
    if "prefix_share" in reading.given and held is not None and held < min(most, concurrent or 0):
        _note_own_prefix(reading, rack, request, held)
    most = most if held is None else min(most, held)
    return Load(request, rate, most, bool(reading.get("disaggregated")), concurrent, run)


def _note_own_prefix(reading: Reading, rack: Rack, request: Request, held: int) -> None:
    """Say that a cached share is taken to be each sequence's own, and how many would run if all began with it."""
    shared = int(min(request.cached, request.input_tokens - 1))
    if request.shared or not shared or law(rack.setup.stack) == "llama.cpp":
        return
    if (most := rack.plan._replace(shared=shared).max_sequences or 0) > held:
        own = f"the cached share is stored once for each sequence, as histories are: memory holds {held:,}"
        reading.note("prefix-share", f"{own}; of a prefix that all share, {most:,} (--shared-prefix {shared})")


def _refuse_unsized(reading: Reading, rack: Rack) -> None:
    """Missing for a job of requests, or of texts, whose length nobody gave."""
    names = LENGTHS[:1] if rack.model.prefill_only else LENGTHS
    if "requests" in reading.given and any(reading.question.get(each) is None for each in names):
        what = "a text" if rack.model.prefill_only else "a request"
        flags = " ".join(f"{flag(name)} {length}" for name, length in zip(names, (800, 100), strict=False))
        raise Misasked(f"--requests needs the length of {what}", f"for example {flags}")


def read_request(reading: Reading, rack: Rack, also: tuple[str, ...] = ()) -> Request | None:
    """The request that was asked about, None where no length was given; ``also`` are options that need one too."""
    given = [name for name in LENGTHS if name in reading.given]
    stray = [name for name in (*OF_PROMPTS, *also) if name in reading.given]
    if not given and not stray:
        return None
    if not rack.model.attends:  # what is decoded needs no layers, nor does a service of it
        answers = reading.question.command in ("utilization", "userbase", "economies")
        decoded = ("output_tokens",) if answers else ()
        if prompts := [flag(name) for name in (*given, *stray) if name not in decoded]:
            raise Misasked(f"{prompts[0]} needs --model: a bare count has no layers", A_MODEL)
        if reading.question.command == "utilization":
            reading.take("output_tokens")
        return None
    _refuse_unsized(reading, rack)
    if len(given) < 2:
        (other,) = set(LENGTHS) - {*given} if given else ("output_tokens",)
        hint = (
            "give --input-tokens and --output-tokens"
            if not given
            else f"{flag(given[0])} is given: give {flag(other)} too"
        )
        raise Misasked("a request needs both lengths", hint)
    prompt, answer = (float(reading.take(name)) for name in LENGTHS)
    request = read_cached(reading, Request(prompt, answer, chunk_tokens=reading.take("chunk_tokens")))
    _check_request(reading, rack, request)
    return request


def read_cached(reading: Reading, request: Request) -> Request:
    """The request with the share of its prompt that a cache has: as given, and at least what all prompts begin with.

    Raises:
        BadValue: a start of all prompts that is no shorter than they are.
    """
    share, shared = reading.take("prefix_share") or 0.0, reading.take("shared_prefix")
    if shared is None:
        return request._replace(prefix_share=share)
    check_shared(shared, request.input_tokens, "--input-tokens")
    start = formulas.request.shared_share(shared_prefix=shared, input_tokens=request.input_tokens)
    return request._replace(prefix_share=max(share, start), shared=float(shared))


def read_text(reading: Reading, rack: Rack) -> Request:
    """The text that a model which decodes nothing reads.

    Raises:
        BadValue: an option of tokens that are decoded.
        Missing: its length.
    """
    name = rack.model.name
    _refuse_unsized(reading, rack)
    for option in ("workload", "output_tokens", *OF_PROMPTS[:2], "api_price", *LOADED, *DRAFT):
        if option in reading.given and option not in ("requests", "request_rate"):
            what = f"{flag(option)} is of decoded tokens: {name} reads whole texts and decodes none"
            raise BadValue(what, "leave it out; --batch says how many texts come together, --request-rate how often")
    if reading.take("request_rate") is not None and "requests" in reading.given:
        raise Misasked("--request-rate and --requests are two ways to say how many texts come", "give one of them")
    text = Request(float(reading.need("input_tokens", "--input-tokens 512")), 0.0, 0.0, reading.take("chunk_tokens"))
    _check_request(reading, rack, text)
    return text


def _check_request(reading: Reading, rack: Rack, request: Request) -> None:
    """Refuse a request that the model was not made for, that no law here answers, or that has another context."""
    longest, whole = rack.model.max_context, request.input_tokens + request.output_tokens
    if longest and whole > longest:
        decoded = f" + {request.output_tokens:,.0f}" if request.output_tokens else ""
        tokens = f"{request.input_tokens:,.0f}{decoded} tokens"
        card = checkpoint.extended if (checkpoint := rack.setup.checkpoint) else None
        what = f"a request of {tokens} is longer than the model was made for"
        raise Misasked(what, why_not_longer(rack.model, card, whole))
    stack = rack.setup.stack
    if (name := law(stack)) == "erdil-2025":
        raise BadValue(f"profile {stack.name} answers a step, not a request", f"the law {name} has no prompts")
    if "context" in reading.given and not all(reading.origin(name).startswith("assumed") for name in LENGTHS):
        raise Misasked("--context and the lengths of a request disagree", "give one: the context follows from them")


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
            raise Misasked(f"{flag(name)} {what}", f"give {' or '.join(map(flag, needed))}{instead}")
    if not given:
        return
    load = flag(given[0])
    if len(given) > 1:
        raise Misasked(f"{load} and {flag(given[1])} are two ways to load a replica", "give one of them")
    if "batch" in reading.given:
        raise Misasked(f"{load} and --batch disagree", f"give one: the batch follows from the {_LOAD_WORDS[given[0]]}")
    if "draft_tokens" in reading.given or "draft" in reading.given:
        raise Misasked(f"a draft under {load} is not modelled", "give the --batch instead of the load")
    if given == ["concurrency"] and reading.get("disaggregated"):
        what = "--concurrency and --disaggregated: requests in flight are on replicas of both kinds"
        raise Misasked(what, "give --request-rate, or the --batch of the replicas that decode")
    if request.output_tokens < LEAST_OUTPUT:
        what = f"{load} of requests that decode nothing: prompts are read one after another and share no step"
        raise Misasked(what, f"leave {load} out for what prompts take and bring in, or give --output-tokens 2")


def read_draft(reading: Reading, rack: Rack) -> Draft | None:
    """The draft that was asked for, a model of its own or a share of the target's time; Missing for half of one."""
    given, drafting, model = [name for name in DRAFT if name in reading.given], rack.setup.drafting, rack.model
    if not given:
        return None
    head = reading.get("draft") if drafting else None
    if not head:
        _refuse_half(reading, given)
    tokens = drafting.tokens if drafting and head else int(reading.need("draft_tokens", "--draft-tokens 4"))
    acceptance = _read_acceptance(reading, str(head), model.name, tokens) if head else None
    if acceptance is None:
        acceptance = float(reading.need("acceptance", "--acceptance 0.8"))
    if acceptance >= 1:
        raise Misasked("--acceptance 1: no draft is always right", "give the share that is accepted, below 1")
    if "draft_cost" in given:
        return Draft(tokens, acceptance, float(reading.take("draft_cost")))
    assert drafting is not None  # a head, a model or a cost was given
    if not is_nominal(rack.setup.stack):
        _note_gain(reading, rack)
    return Draft(tokens, acceptance, model=drafting.head(model))


def _note_gain(reading: Reading, rack: Rack) -> None:
    """Say how much of the gain of a draft was seen in runs with and without one."""
    known, is_split = gains(), bool(rack.plan.split and rack.plan.split.host_layers)
    text = f"{known.of} gained {known.low:g} to {known.high:g} of what arithmetic says"
    text += ", none of them with a part of the model in a host" if is_split else ""
    text += ", and intervals are wider by as much: what an engine does between passes of a draft is not modelled"
    reading.note("draft-gain", text)


def _refuse_half(reading: Reading, given: list[str]) -> None:
    """Refuse a draft without its tokens, the share of them that is accepted, or what drafts.

    No published run of a model that drafts for another is shipped, so nothing can be assumed of a pair.

    Raises:
        Missing: all that is not there.
    """
    needed = {"draft_tokens": "--draft-tokens 4", "acceptance": "--acceptance 0.8"}
    missing = [example for name, example in needed.items() if name not in given]
    if not any(name in given for name in ("draft_model", "draft_cost")):
        missing.append("--draft-model NAME (or --draft mtp, --draft eagle3, --draft-cost 0.05)")
    if missing:
        names = ", ".join(example.split()[0] for example in missing)
        flags, asked = " ".join(missing), written(reading.question)
        whole = asked and ("draft_model" in given or "draft_cost" in given)
        raise Misasked(f"a draft needs {names} too", f"for example {f'{asked} {flags}' if whole else flags}")


def _read_acceptance(reading: Reading, head: str, model: str, tokens: int) -> float | None:
    """The share of a head's tokens that are accepted as a published run had it, said; None where it was given."""
    if "acceptance" in reading.given:
        return None
    run = method(head).run(model, tokens)
    share = formulas.request.acceptance_of(run.accept_length, run.tokens)
    texts = f"{method(head).preset.name} of {run.model}, {run.tokens} drafted, {run.of}"
    of = f"{texts}: {run.accept_length:g} tokens a step"
    if all(item.key != "acceptance" for item in reading.inputs):
        reading.take("acceptance", share, of)
        reading.amend(source=run.source, date=run.date)
        reading.note("draft", f"{share:.1%} accepted is assumed ({of}; {run.source}): --acceptance has yours")
    return share
