"""How many accelerators hold a model, what is left beside its weights, and what would make it fit."""

from collections.abc import Collection, Iterable, Iterator
from math import ceil

from infercost import formulas
from infercost.analyses import needs
from infercost.analyses.hosts import host_rows, memory_words
from infercost.analyses.launch import engine_of, few_blocks, on_nodes, serve
from infercost.analyses.needs import (
    Alone,
    alone,
    cache_remark,
    has_room,
    stored_notes,
    weight_rows,
    with_speed,
)
from infercost.analyses.remarks import MOST_USABLE, count_flag, misfit, named, on_devices, rack_notes, room_rows
from infercost.analyses.step import of_all
from infercost.models import counting
from infercost.models.find import stored_in
from infercost.models.model import Model
from infercost.parts.accelerator import joins
from infercost.parts.bands import unmeasured
from infercost.parts.formats import CACHES
from infercost.parts.formats import WEIGHTS as STORED
from infercost.parts.stack import is_ideal, reads_gguf, release_of, splits_layers
from infercost.replica.layout import Layout, rank_growth_bytes
from infercost.replica.memory import (
    ENGINE_SHARE,
    UNKNOWN,
    WHOLE,
    Plan,
    Rack,
    Setup,
    recounted,
    without_tables,
    without_windows,
)
from infercost.replica.work import Host, held_memory
from infercost.report import Note, Report, Row
from infercost.scenario.rack import MOST_DEVICES, engine_layouts, least_of_all, least_plan
from infercost.scenario.scenario import CHOSEN, Scenario
from infercost.units import many, show

#: A context or a batch below this share of the one asked for is another question.
LEAST_SHARE = 1 / 8
#: Memory that hosts are sold with, in GB: two modules of a desktop, four of them, and up to those of a server.
SIZES_OF_HOSTS = (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
#: Memory that engines take outside the share they plan with.
GIB = 2**30
OUTSIDE = 4 * GIB
#: Results that need a cache or a checkpoint: a bare count has neither.
NEEDS_MODEL = (
    *("kv_bytes_per_token", "kv_bytes_per_sequence", "kv_bytes_of_batch", "kv_pool_tokens"),
    *("max_sequences", "longest_context"),
    *("vision_params", "mtp_params"),
)
#: How many times the sequences of the layout that was chosen another one holds that is named beside it.
MORE = 1.1
#: What the bars of memory show.
OF_BARS = ("weight_bytes_per_gpu", "activation_bytes_per_gpu", "engine_bytes_per_gpu", "kv_pool_bytes_per_gpu")


def answer(scenario: Scenario) -> Report:
    """Whether the weights, the engine's reserves and the cache fit, with the margin and what to change."""
    if scenario.need:
        return needs.answer(scenario)
    rack, checkpoint, command = scenario.rack, scenario.rack.setup.checkpoint, ""
    notes = rack_notes(rack)
    if checkpoint:
        notes += [*_engine_notes(rack), *stored_notes(checkpoint), *_context_notes(rack), *_layout_notes(rack)]
        command, why_not = serve(scenario, checkpoint) if rack.plan.fits else ("", "")
        notes += [Note("no-command", f"no command to paste: {why_not}")] if why_not else []
        notes += [Note("nodes", text)] if command and (text := on_nodes(rack)) else []
    fitting = _verdict(scenario), tuple(_room_advice(scenario))
    verdict, advice = fitting if rack.plan.fits else misfits(scenario)
    if not rack.plan.fits and _asked_batch(scenario) and (cache := _cache_words(scenario)):
        held = f" {held[0].upper()}{held[1:]}." if (held := _fewer_hold(scenario)) else ""
        verdict += f"{held} {cache[0].upper()}{cache[1:]}."
    report = Report(
        command="fit",
        verdict=verdict + memory_words(rack),
        inputs=scenario.inputs,
        results=_results(scenario),
        parts=_parts(rack.plan),
        advice=advice,
        follow=command,
        notes=(*notes, *scenario.notes),
        met=rack.plan.fits,
        work=lambda: _shown_work(scenario),
    )
    return of_all(with_speed(report, scenario), scenario)


def _shown_work(scenario: Scenario) -> None:
    rack = scenario.rack
    plan, model = recounted(rack).plan, rack.model
    _nodes(rack)
    if not model.has_cache:
        return
    _ = plan.needed
    held = counting.cache_bytes(model, plan.context)
    if (batch := _asked_batch(scenario)) and plan.draft is None and not plan.far_cache:
        _ = _batch_bytes(scenario) if plan.shared else formulas.memory.batch_cache(batch=batch, sequence_cache=held)
    counting.growing_cache_bytes(model)
    _ = plan.growth, plan.left, plan.max_sequences, plan.longest_context


def unfit(scenario: Scenario, results: Iterable[Row], keys: Collection[str]) -> Report:
    """The answer of another command on devices that cannot run: results without a value, some keys excepted."""
    rows = [row if row.key in keys else Row(row.key, None, "the model does not fit", shown=False) for row in results]
    verdict, advice = misfits(scenario)
    return Report(
        command=scenario.question.command,
        verdict=verdict,
        inputs=scenario.inputs,
        results=(*rows, *room_rows(scenario.rack)),
        advice=advice,
        notes=(*rack_notes(scenario.rack), *scenario.notes),
        met=False,
    )


def misfits(scenario: Scenario) -> tuple[str, tuple[str, ...]]:
    """The verdict on what does not fit, and the changes that make it fit, the least first.

    They are single ones, and fewer bits in two places where one is not enough.
    """
    rack = scenario.rack
    if not rack.model.has_cache:
        enough = count_flag(scenario.question, rack.gpus_for_weights)
        return misfit(rack).strip(), (f"ask for {enough}, or store the weights in fewer bytes (--dtype)",)
    more = _more(scenario) if has_room(rack.part) and joins(rack.part) else None
    devices = more[0].devices * more[1] if more and not more[2] else None
    one, verdict = alone(scenario, devices), misfit(rack, devices).strip()
    both = "fewer bits with more devices" if joins(rack.part) else "fewer bits with a shorter context"
    none = f"no single change makes it fit: combine {both}"
    whole = _that_hold(scenario, *more[:2], bare="weights alone" in verdict) if more and devices else ""
    layers, speed = needs.more_in_host(scenario)
    if layers:
        rate = f": {show(speed)} tokens/s" if speed else ""
        rest = (each for each in _changes(scenario, one, more) if "leave --offload" not in each)
        fits = f" --offload-layers {layers} fits{rate}."
        return verdict + fits, (f"{layers} layers in the host (--offload-layers {layers})", *rest)
    return verdict + (one.words if one else whole), tuple(_changes(scenario, one, more)) or (none,)


def _that_hold(scenario: Scenario, layout: Layout, copies: int, bare: bool) -> str:
    """How many devices hold it, for a verdict; on no more than were asked about, in which layout.

    The word for them is left out where it is ``bare``, behind another count.
    """
    devices, asked = copies * layout.devices, scenario.copies * scenario.rack.devices
    within = layout.words if copies == 1 else f"{copies:,} replicas of {layout.words}"
    if devices == asked:
        return f" The same {many(devices, 'device')} hold it in {within}."
    if devices < asked:
        return f" In {within} {many(devices, 'device')} {'holds' if devices == 1 else 'hold'} it."
    nodes = f", {nodes:,} in whole nodes" if (nodes := _whole_nodes(scenario, devices)) else ""
    if _usable_more(scenario.rack.setup, scenario):
        return f" With --usable {MOST_USABLE:g} they hold it, else {many(devices, 'device')}{nodes}."
    return f" {devices:,}{'' if bare else ' devices'} hold it{nodes}."


def _whole_nodes(scenario: Scenario, devices: int) -> int:
    """The devices of the least whole nodes that hold it where fewer do that are none; 0 where there is no other."""
    plan, domain = least_plan(scenario.rack.setup), scenario.rack.setup.domain
    if devices <= domain or devices % domain == 0 or plan is None or any(scenario.rack.widths):
        return 0
    return plan.layout.devices if plan.layout.devices > devices else 0


def _changes(scenario: Scenario, one: Alone | None, more: tuple[Layout, int, str] | None) -> Iterator[str]:
    setup, plan = scenario.rack.setup, scenario.rack.plan
    model = setup.model
    yield from _with_host(plan, setup)
    yield from one.advice if one else ()
    if _usable_more(setup, scenario):
        yield f"{show(MOST_USABLE, 'share')} of the memory planned with (--usable {MOST_USABLE:g})"
    if more is not None:
        yield f"{_devices(scenario, *more[:2])}{more[2]}"
        if nodes := _whole_nodes(scenario, more[0].devices * more[1]):
            yield f"{nodes:,} devices, whole nodes ({count_flag(scenario.question, nodes)})"
    told = one and (scenario.rack.devices == 1 or reads_gguf(setup.stack))
    for name in () if told else ("q8_0", "q4_k_m") if reads_gguf(setup.stack) else ("fp8", "int4"):
        smaller = stored_in(model, STORED[name])
        fewer = counting.weight_bytes_by_part(smaller) != counting.weight_bytes_by_part(model)
        if fewer and setup.plan(plan.layout, smaller).fits:
            yield f"weights in {name} (--dtype {name})"
            break
    cache = CACHES["q8_0" if reads_gguf(setup.stack) else "fp8"]
    bits = cache.bytes_per_value * 8
    if one is None and model.kv_bits > bits and setup.plan(plan.layout, model._replace(kv_bits=bits)).fits:
        yield f"KV cache in {cache.name} (--kv-dtype {cache.name})"
    elif one is None:
        yield from _fewer_bits(scenario)
    of_request = scenario.question.get("input_tokens") is not None  # its context follows from its lengths
    if not of_request and (longest := plan.longest_context) and LEAST_SHARE * plan.context <= longest < plan.context:
        yield f"a context of {longest:,} (--context {longest})"
    if (most := plan.max_sequences) and LEAST_SHARE * plan.batch <= most < plan.batch:
        held = most * scenario.copies
        yield f"a batch of {held:,} (--batch {held})"


def _usable_more(setup: Setup, scenario: Scenario) -> bool:
    """Whether the share of the memory that people let an engine plan with at most, more than asked, makes it fit."""
    is_free = scenario.question.get("usable") is None and setup.usable < MOST_USABLE and not setup.start.rule
    return is_free and setup._replace(usable=MOST_USABLE).plan(scenario.rack.plan.layout).fits


def _more(scenario: Scenario) -> tuple[Layout, int, str] | None:
    """The layout and the replicas that hold it, as many as it takes where nobody said, and what is left out for them.

    None where no count of devices holds it.
    """
    rack, copies, asked = scenario.rack, scenario.copies, scenario.question.given.get("dp")
    setup, plan = rack.setup, rack.plan
    free = (asked is None or asked.origin == CHOSEN) and not scenario.batches  # which stand on one replica
    more = (least_plan(setup, by_experts=True) if rack.widths.ep > 1 else None) or _least(setup)
    if free and plan.max_sequences and not (any(rack.widths) or plan.host):
        batch = scenario.question.get("batch") or plan.batch
        ways = [(plan.layout, ceil(batch / plan.max_sequences)), *_uncounted(scenario)]
        layout, replicas = min(ways, key=lambda way: way[0].devices * way[1])
        if more is None or copies > 1 or replicas * layout.devices < more.layout.devices:
            return layout, replicas, ""
    if more is not None:
        return more.layout, copies, ""
    without = least_plan(setup._replace(host=None)) if setup.host else None
    return (without.layout, copies, " without --host") if without else None


def _least(setup: Setup) -> Plan | None:
    """The plan on the least devices that hold it, in as usual a layout as any of them does; None where none do."""
    usual = least_plan(setup)
    return least_of_all(setup, usual.layout.devices - 1 if usual else MOST_DEVICES) or usual


def _uncounted(scenario: Scenario) -> Iterator[tuple[Layout, int]]:
    """The layout and the replicas that the same batch takes where nobody counts devices."""
    changes = {"gpu": scenario.rack.part, **dict.fromkeys(("gpus", "tp", "pp", "ep", "dp"))}
    if (held := needs.on(scenario, changes)) and scenario.question.get("batch"):
        yield held.rack.plan.layout, held.copies


def _fewer_bits(scenario: Scenario) -> Iterator[str]:
    """Weights and a cache in fewer bits together, where neither alone makes it fit with these weights."""
    setup, plan, model = scenario.rack.setup, scenario.rack.plan, scenario.rack.setup.model
    if model.kv_bits <= 8 or reads_gguf(setup.stack):
        return
    for name in ("fp8", "int4"):
        smaller = stored_in(model, STORED[name])
        if counting.weight_bytes_by_part(smaller) == counting.weight_bytes_by_part(model):
            continue
        if setup.plan(plan.layout, smaller).fits:
            return
        if setup.plan(plan.layout, smaller._replace(kv_bits=8)).fits:
            yield f"weights in {name} and KV cache in fp8 (--dtype {name} --kv-dtype fp8)"
            return


def _with_host(plan: Plan, setup: Setup) -> Iterator[str]:
    """What of a host would make it fit: more memory, or as much in it as is needed rather than what was asked."""
    if plan.host is None:
        return
    if size := _host_size(plan, setup):
        yield f"{size:,} GB of memory in {plan.host.preset.name} (--set host.memory={size}GB)"
    if plan.host.offload and setup._replace(host=Host(plan.host.preset)).plan(plan.layout).fits:
        yield "only as much in the host as is needed (leave --offload and --offload-layers out)"


def _host_size(plan: Plan, setup: Setup) -> int:
    """The least memory of a host, of the sizes that it is sold in, with which it fits; 0 where none does."""
    assert plan.host is not None
    memory = plan.host.preset.fact("memory")
    for size in (size for size in SIZES_OF_HOSTS if size * 1e9 > memory.value):
        larger = plan.host.preset.with_fact("memory", memory._replace(value=size * 1e9, text=""))
        if setup._replace(host=plan.host._replace(preset=larger)).plan(plan.layout).fits:
            return size
    return 0


def _devices(scenario: Scenario, layout: Layout, copies: int) -> str:
    """The devices and the layout that fit, as the flags that replace those that were given."""
    widths, devices = scenario.rack.widths, copies * layout.devices
    flags = [count_flag(scenario.question, devices)]
    if any(widths):
        flags += [f"--{key} {width}" for key, width in layout.widths.items() if getattr(widths, key) or width > 1]
    changes = {**on_devices(scenario.question, devices), **dict.fromkeys(("tp", "pp", "ep", "dp"))}
    own = reads_gguf(scenario.rack.setup.stack) and scenario.question.get("efficiency") is None
    if own and not any(widths) and needs.on(scenario, changes) is None:  # several are run by another engine
        flags.append(f"--efficiency {scenario.rack.setup.stack.name}")
    return f"{devices:,} devices ({' '.join(flags)})"


def _results(scenario: Scenario) -> tuple[Row, ...]:
    rack = scenario.rack
    rows = (*_device_rows(rack), *_weights(rack), *_memory_rows(rack.plan), *host_rows(rack), *_cache_rows(scenario))
    if rack.model.has_cache:
        return tuple(row._replace(shown=row.shown and _answers(row, rack)) for row in rows)
    reason = "it keeps no cache" if rack.model.prefill_only else "a bare parameter count does not say"
    missing = {*NEEDS_MODEL} - ({"longest_context"} if rack.model.prefill_only and rack.model.max_context else set())
    return tuple(Row(row.key, None, reason, shown=False) if row.key in missing else row for row in rows)


def _answers(row: Row, rack: Rack) -> bool:
    """Whether a row of what fits says more than the verdict and the bars of memory do; of what does not, all do."""
    plan = rack.plan
    if not plan.fits:
        return True
    special = {"nodes": (row.value or 0) > 1, "gpus_for_weights": row.value != rack.devices, "fits": plan.barely}
    special["active_params"] = rack.model.is_sparse
    if row.key == "weight_bytes_per_gpu":  # the bar, and why it is shorter than the weights are
        return _keeps_table(plan)
    return row.key not in OF_BARS and special.get(row.key, True)


def _device_rows(rack: Rack) -> tuple[Row, ...]:
    plan, layout, domain = rack.plan, rack.plan.layout, rack.part.facts.get("link_domain")
    experts = f", ep {layout.ep}, dp {layout.dp}" if layout.ep > 1 else ""
    return (
        Row("gpus_for_weights", rack.gpus_for_weights, _at_engine_share(rack)),
        Row("gpus", layout.devices, f"tp {layout.tp}, pp {layout.pp}{experts}"),
        *(Row(key, getattr(layout, key), shown=False) for key in ("tp", "pp", "ep", "dp")),
        Row("nodes", _nodes(rack), f"of {domain.value:g} in a scale-up domain")
        if domain
        else Row("nodes", None, "no domain known", shown=False),
        Row(
            "fits", plan.fits, "barely: under 5% of a device is left, no room for as many again" if plan.barely else ""
        ),
    )


def _nodes(rack: Rack) -> int | None:
    domain = rack.part.facts.get("link_domain")
    return formulas.memory.nodes(devices=rack.devices, domain=domain.value) if domain else None


def _at_engine_share(rack: Rack) -> str:
    if rack.plan.usable <= ENGINE_SHARE:
        return "split evenly, nothing else"
    least = formulas.memory.gpus_for_weights(
        weight_bytes=rack.weight_bytes, device_memory=rack.plan.device_memory, usable=ENGINE_SHARE
    )
    used = f"using {show(rack.plan.usable, 'share')} of each device"
    return "" if least == rack.gpus_for_weights else f"{used}; {least} using 90%, as servers do"


def _weights(rack: Rack) -> tuple[Row, ...]:
    counts, loads_head = (rack.params, rack.active_params, rack.weight_bytes), bool(rack.setup.drafting)
    return weight_rows(rack.model, rack.setup.checkpoint, counts, loads_head)


def _memory_rows(plan: Plan) -> tuple[Row, ...]:
    use = "left for KV cache"
    if plan.pool < 0:
        use = f"{show(-plan.pool, 'B')} short before any KV cache"
    elif not plan.fits:
        use = f"the KV cache asked for takes {show(plan.cache, 'B')}"
    return (
        Row("weight_bytes_per_gpu", plan.weights, f"fullest device, {_where(plan)}"),
        *_draft_rows(plan),
        Row("activation_bytes_per_gpu", plan.activations, "the engine sets aside", shown=bool(plan.activations)),
        Row("engine_bytes_per_gpu", plan.engine, "context, collectives, graphs", shown=bool(plan.engine)),
        Row("memory_needed_bytes", plan.needed, "weights, reserves, cache"),
        Row("memory_per_gpu_bytes", plan.device_memory, f"{show(plan.usable, 'share')} {_of(plan)}"),
        Row("kv_pool_bytes_per_gpu", max(plan.pool, 0.0), use),
    )


def _where(plan: Plan) -> str:
    """How the weights of a device come about: what of them is elsewhere."""
    return "the input table in the host's memory" if _keeps_table(plan) else "as really sharded"


def _keeps_table(plan: Plan) -> bool:
    """Whether a host keeps the table of inputs, which no device reads as a whole."""
    return plan.start.tables_in_host and without_tables(plan.model) != plan.model


def _of(plan: Plan) -> str:
    """What the usable share is a share of."""
    words = {"start": "of what is free planned with", "rest": "of the rest is for the cache"}
    return words.get(plan.share_of, "of it planned with")


def _draft_rows(plan: Plan) -> tuple[Row, ...]:
    if plan.draft is None:
        return ()
    draft = plan.draft
    return (
        Row("draft_active_params", draft.params, draft.model.name),
        Row("draft_bytes_per_gpu", draft.weights, draft.model.quantization.label),
    )


def _token_bytes(plan: Plan) -> float:
    """Bytes that a token adds to the cache, a draft's too, once windows are full."""
    models = [plan.cache_model, *([plan.draft.model] if plan.draft else ())]
    return sum(map(counting.growing_cache_bytes, models))


def _sequence_bytes(plan: Plan, context: float | None = None) -> float:
    """Bytes of one sequence's cache, at another context where one is given, a draft's too, no copies counted."""
    tokens = plan.context if context is None else context
    models = [plan.cache_model, *([plan.draft.model] if plan.draft else ())]
    return sum(counting.cache_bytes(model, tokens) for model in models)


def _asked_batch(scenario: Scenario) -> int:
    """Sequences on all replicas where several were asked for, else 0."""
    asked = int(scenario.question.get("batch") or 0)
    return asked if asked > 1 else 0


def _batch_bytes(scenario: Scenario) -> float:
    """Bytes of the cache of all sequences of all replicas, a host's part too, no copies counted."""
    plan = scenario.rack.plan
    every = _asked_batch(scenario) or scenario.copies * plan.batch
    each = _sequence_bytes(plan) + plan.far_cache
    if not plan.shared or plan.far_cache:
        return formulas.memory.batch_cache(batch=every, sequence_cache=each)
    return formulas.memory.shared_batch_cache(
        batch=every,
        sequence_cache=each,
        groups=scenario.copies * plan.layout.dp,
        prefix_held=_sequence_bytes(plan, plan.shared),
        held_after_prefix=_sequence_bytes(plan, plan.behind),
    )


def _cache_words(scenario: Scenario) -> str:
    """What a token takes of cache, and all sequences where a batch was asked for; empty for what keeps none."""
    batch, grows = _asked_batch(scenario), _token_bytes(scenario.rack.plan)
    held = show(_batch_bytes(scenario), "B") if batch else ""
    if not grows:
        return f"all {batch:,} sequences take {held} of cache" if batch else ""
    token = f"a token takes {show(grows, 'B')} of KV cache"
    return f"{token}, all {batch:,} sequences {held}" if batch else token


def _cache_rows(scenario: Scenario) -> tuple[Row, ...]:
    plan, model = scenario.rack.plan, scenario.rack.plan.cache_model
    draft, (growth, tokens) = plan.draft, _tokens_held(plan)
    longest, most = plan.longest_context, model.max_context
    beside, batch = ", the draft's too" if draft else "", _asked_batch(scenario)
    made_for = longest is None or bool(most and longest > most)
    own = "what YaRN stretches its positions to" if model.rope else "what the model was made for"
    limit = own if made_for and most else f"for a batch of {plan.batch:,}"
    return (
        Row("kv_bytes_per_token", _token_bytes(plan), cache_remark(model) + beside),
        Row("kv_bytes_per_sequence", _sequence_bytes(plan), f"at {many(plan.context, 'token')}{beside}"),
        Row("kv_bytes_of_batch", _batch_bytes(scenario), f"{batch:,} sequences", shown=batch > 0),
        Row("kv_pool_tokens", tokens, _token_words(model, growth)),
        Row("max_sequences", plan.max_sequences, f"of {many(plan.context, 'token')} each{_of_prefix(plan)}"),
        Row("longest_context", plan.usable_context, limit),
        _shortfall_row(plan),
    )


def _of_prefix(plan: Plan) -> str:
    """What of each sequence is stored once; empty where nothing is."""
    if not plan.shared or plan.far_cache:  # a host's part is counted whole
        return ""
    return f", {plan.shared:,} of them stored once{' a group' if plan.layout.dp > 1 else ''}"


def _tokens_held(plan: Plan) -> tuple[float, int | None]:
    """Bytes that a token takes on the fullest device, else in the host, and tokens that both memories hold."""
    held = [int(max(plan.pool, 0.0) / plan.growth) * plan.layout.dp] if plan.growth else []
    far = rank_growth_bytes(plan.split.far, Layout()) if plan.far_cache and plan.split else 0.0
    if far and plan.host:
        held.append(int(max(held_memory(plan.host) - plan.far_weights, 0.0) / far))
    return plan.growth or far, min(held, default=None)


def _shortfall_row(plan: Plan) -> Row:
    """What is missing on all devices, and in the host."""
    here, there = plan.left < 0, plan.host_left < 0
    name = f"in {plan.host.preset.name}" if plan.host else ""
    where = " and ".join(["on all devices"] * bool(here or not there) + [name] * bool(there))
    return Row("shortfall_bytes", plan.shortfall, where, shown=not plan.fits)


def _token_words(model: Model, growth: float) -> str:
    """What a token of the pool takes; sequences that are short have windows that are not full, and all their states."""
    if not growth:
        return "no cache grows"
    apart = ", states of sequences left out" if model.is_recurrent else ""
    apart += ", once windows are full" if any(layer.attention.window for layer in model.layers) else ""
    return f"{show(growth, 'B')} a token and device{apart}"


def _parts(plan: Plan) -> tuple[tuple[str, float, str], ...]:
    parts = {
        "weights": plan.weights,
        "draft": plan.draft.weights if plan.draft else 0.0,
        "activations, engine": plan.activations + plan.engine,
        "KV cache asked for": plan.cache,
        "KV cache left": max(plan.left, 0.0),
        "not planned with": plan.outside,
    }
    return tuple((name, size, "B") for name, size in parts.items() if size)


def _verdict(scenario: Scenario) -> str:
    rack = scenario.rack
    plan, left = rack.plan, show(rack.plan.left, "B")
    if not plan.cache:
        weights, single = show(rack.weight_bytes, "B"), rack.devices == 1
        devices = f"{many(rack.devices, 'accelerator')} ({rack.part.name}) {'holds' if single else 'hold'}"
        return f"{devices} {weights} of weights; {f'{left} a device is' if plan.left else 'nothing is'} left."
    load = f"{plan.batch:,} x {many(plan.context, 'token')}"
    where = f"{named(rack)} on {rack.place} with {load}"
    needed = f"{show(plan.needed, 'B')}{'' if rack.devices == 1 else ' a device'} needed, {left} to spare"
    groups = f" in {plan.layout.words}" if plan.layout.dp > 1 else ""  # each of its own: other layouts hold others
    room = "" if plan.max_sequences is None else f", room for {many(plan.max_sequences, 'such sequence')}{groups}"
    room += _in_all(scenario) if room else ""
    longest = plan.usable_context or 0
    by_model = "" if longest == plan.longest_context else " (the model's limit)"
    room += f", or one of {longest:,} tokens{by_model}" if room and plan.batch == 1 and longest > plan.context else ""
    cache = f"; {words}" if (words := _cache_words(scenario)) else ""
    return f"{'Barely fits' if plan.barely else 'Fits'}: {where}, {needed}{room}{cache}."


def _in_all(scenario: Scenario) -> str:
    """Sequences of all replicas, and of the layout of the same devices that holds clearly more; empty for neither."""
    held = scenario.copies * (scenario.rack.plan.max_sequences or 0)
    words = [f"{held:,} in all"] if scenario.copies > 1 else []
    most, copies, layout = _fullest(scenario)
    if layout and most >= MORE * held:
        flags = layout.flags if copies == 1 else f"--dp {copies} {layout.flags}"
        words.append(f"{most:,} as {'one replica' if copies == 1 else f'{copies:,} replicas'}: {flags}")
    if fewer := _fewer_devices(scenario):
        count, flag = fewer.layout.devices, count_flag(scenario.question, fewer.layout.devices)
        alone = "hold them as one replica" if scenario.copies > 1 else "hold it"
        nodes, odd = divmod(scenario.copies * scenario.rack.devices, scenario.rack.setup.domain)
        words += [f"{nodes:,} whole nodes"] if nodes > 1 and not odd else []
        words.append(f"{many(count, 'device')} {'barely ' if fewer.barely else ''}{alone}: {flag}")
    of_batch = "" if scenario.rack.given else _fewer_hold(scenario)
    words += [of_batch] if of_batch else []
    return f" ({'; '.join(words)})" if words else ""


def _fewer_devices(scenario: Scenario) -> Plan | None:
    """The plan on fewer devices that hold all as one replica, where more were chosen as engines count or for speed."""
    rack, devices = scenario.rack, scenario.copies * scenario.rack.devices
    if rack.given or devices == 1 or any(rack.widths) or scenario.is_row or not joins(rack.part):
        return None
    batch = scenario.question.get("batch") or scenario.copies * rack.plan.batch
    return least_of_all(rack.setup._replace(batch=batch), devices - 1)


def _fewer_hold(scenario: Scenario) -> str:
    """What devices that do not hold the batch asked for hold of it: those given, else one, else the most in a node."""
    rack, batch = scenario.rack, _asked_batch(scenario)
    if not batch or scenario.copies > 1 or scenario.is_row or any(rack.widths) or rack.plan.host:
        return ""
    least = least_of_all(rack.setup) if joins(rack.part) else None
    fewer = least.layout.devices if least and least.layout.devices <= rack.setup.domain else 0
    for counts in ((1 if rack.plan.fits else rack.devices,), range(1, fewer)):
        held = {count: _held_on(rack.setup, count) for count in counts if count < rack.devices or not rack.plan.fits}
        count = max(held, key=lambda each: held[each], default=0)
        if count and 0 < held[count] < batch:  # in more stages than runs have fewer devices may hold them all
            return f"{'one holds' if count == 1 else f'{count:,} hold'} {held[count]:,} of the {batch:,}"
    return ""


def _held_on(setup: Setup, devices: int) -> int:
    """The sequences that one replica on so many devices holds, in the layout that holds most."""
    return max((setup.plan(layout).max_sequences or 0 for layout in engine_layouts(setup, devices)), default=0)


def _fullest(scenario: Scenario) -> tuple[int, int, Layout | None]:
    """The sequences, the replicas and the layout that hold most on the same devices, where nobody asked for one.

    It has no more stages than the one that was chosen.
    """
    most: tuple[int, int, Layout | None] = 0, 0, None
    rack, copies = scenario.rack, scenario.copies
    setup, asked = rack.setup, scenario.question.given.get("dp")
    is_free = not any(rack.widths) and (asked is None or asked.origin == CHOSEN)
    if not is_free or scenario.is_row or setup.host or splits_layers(setup.stack) or not joins(rack.part):
        return most
    devices = copies * rack.devices
    for count in (each for each in range(1, devices + 1) if devices % each == 0):
        shared = setup._replace(batch=ceil(copies * setup.batch / count))
        for layout in engine_layouts(shared, devices // count):
            if layout.pp > rack.plan.layout.pp:
                continue
            held = count * (shared.plan(layout).max_sequences or 0)
            most = max(most, (held, count, layout), key=lambda each: each[0])
    return most


def _room_advice(scenario: Scenario) -> Iterator[str]:
    """What would leave room beside the weights, or for more sequences where there is barely any."""
    plan = scenario.rack.plan
    if not plan.cache:
        tight = plan.left < (1 - ENGINE_SHARE) * plan.device_memory
        if tight and plan.usable > ENGINE_SHARE:
            yield "KV cache and activations need room too: plan with --usable 90%"
    elif plan.barely:
        yield from more_room(scenario)


def more_room(scenario: Scenario) -> Iterator[str]:
    """For how many sequences twice the devices have room, where these barely hold what was asked."""
    rack, plan = scenario.rack, scenario.rack.plan
    if not joins(rack.part) or any(rack.widths) or plan.host:
        return
    devices = 2 * scenario.copies * rack.devices
    free = {**on_devices(scenario.question, devices), **dict.fromkeys(("tp", "pp", "ep", "dp"))}
    more = needs.on(scenario, free)
    if more and not more.rack.plan.barely and (held := more.copies * (more.rack.plan.max_sequences or 0)):
        flag = count_flag(scenario.question, devices)
        yield f"{devices:,} devices ({flag}) have room for {many(held, 'such sequence')}"


def _engine_notes(rack: Rack) -> Iterator[Note]:
    plan, model = rack.plan, rack.model
    yield from _reserve_notes(rack)
    captures = not splits_layers(rack.setup.stack)
    if captures and plan.fits and plan.outside < OUTSIDE and plan.share_of == "memory":
        text = "graphs and the sampler's trial run take 2 to 4 GiB outside the planned share"
        yield Note("headroom", f"the start may run out of memory: {text}; two of 37 logged starts at 95% did")
    if plan.unreserved:
        text = (
            "engines of accelerators set aside more than this one has: what its own takes is not known, and not counted"
        )
        yield Note("reserves", text)
    if engine := unmeasured(model.quantization.name):
        text = f"{engine} alone reads {model.quantization.name}: memory is counted as {rack.setup.stack.name} takes it"
        yield Note("stands-in", text)
    if blocks := few_blocks(rack):
        wanted = f"vLLM wants one for each of {plan.start.asked or plan.start.sequences:,.0f}, and may refuse to start"
        text = f"about {blocks.total:,} blocks of recurrent states, {blocks.of_sequence} for a sequence: {wanted}"
        yield Note("state-blocks", text)
    attentions = [layer.attention for layer in model.layers]
    if any(attention.window or attention.state or attention.compress > 1 for attention in attentions):
        sure = "at most" if is_ideal(rack.setup.stack) else "an estimate"
        yield Note("hybrid", f"{sure}: engines round up the pools of windowed and recurrent layers")
    yield from _window_notes(rack)
    if not model.vision_known:
        yield Note("vision", "a tower for images or sound is not known and not counted")
    if plan.layout.pp > 1 and len(model.layers) > 1:
        yield Note("stages", "stages are taken as alike, though the layers are not")


def _reserve_notes(rack: Rack) -> Iterator[Note]:
    """Whose reserves a plan has, and by which rule an engine works out its share of the memory."""
    stack, plan = rack.setup.stack, rack.plan
    if not (engine := stack.labels.get("engine")):
        return
    _, at, release = stack.name.partition("@")
    name, asked = engine.rpartition(" ")[0], release_of(release) or ()
    engine = f"{name} {release}" if at and asked < (release_of(engine) or ()) else engine
    if plan.share_of != "start":
        yield Note("engine", f"reserves are those of {engine}; other versions differ by gigabytes")
        return
    share, since = show(plan.usable, "share"), stack.labels.get("share_since", "")
    own = f"by {name}'s own rule: {share}" if plan.start.rule else share
    yield Note("engine", f"{own} of what is free at the start of {engine}; activations and graphs lie outside of it")
    if plan.start.rule and at and asked < (release_of(since) or ()):
        yield Note("engine-rule", f"the rule is that of {since}; earlier releases planned with about 88%")


def _window_notes(rack: Rack) -> Iterator[Note]:
    """What the pool holds where an allocator keeps all layers whole, and whether this engine's does."""
    plan = rack.plan
    whole = without_windows(plan.near)
    growth = rank_growth_bytes(whole, plan.layout)
    if whole == plan.near or not growth:
        return
    tokens = int(max(plan.pool, 0.0) / growth) * plan.layout.dp
    if not tokens and plan.start.windows != WHOLE:
        return
    most = plan._replace(start=plan.start._replace(windows=WHOLE)).max_sequences
    name, held = rack.setup.stack.name, f"{many(tokens, 'token')}, or {many(most or 0, 'such sequence')}"
    if plan.start.windows == WHOLE:
        text = f"{name} keeps all layers whole, those with a window too: later releases hold more"
    elif plan.start.windows == UNKNOWN:
        text = f"an allocator that keeps all layers whole holds {held}: which one runs here is not known"
    elif name.startswith("vllm"):
        text = f"vLLM holds what is said here; its log says {many(tokens, 'token')}, as if no layer had a window"
    else:
        return
    yield Note("windows", text)


def _context_notes(rack: Rack) -> Iterator[Note]:
    if rack.model.max_context:
        return
    if rack.plan.longest_context is None:
        yield Note("no-growth", "its cache does not grow: memory sets no longest context, and its config names none")
    else:
        yield Note("context-unknown", "its config names no longest context: memory may hold more than it was made for")


def _layout_notes(rack: Rack) -> Iterator[Note]:
    widths, layout = rack.widths, rack.plan.layout
    if widths.tp and not widths.pp and layout.pp > 1:
        text = f"the {layout.devices} devices were filled with {layout.pp} pipeline stages"
        yield Note("layout", f"{text}; replicas of fewer devices, each with the whole model, are another way")
    if rack.plan.fits and layout.devices > rack.setup.domain:
        name = engine_of(rack.setup.stack).name
        way = (
            "needs Ray, or its own flags for each node"
            if name == "vLLM"
            else "is started on each with flags of its own"
        )
        yield Note("several-nodes", f"on several nodes {name} {way}")
