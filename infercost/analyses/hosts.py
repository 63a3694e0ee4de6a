"""What an answer says of a host: what lies in its memory, whether it or the card binds, what one more card changes."""

from collections.abc import Iterator, Mapping
from typing import Any

from infercost import formulas
from infercost.parts.bands import band_of_host
from infercost.replica.memory import Plan, Rack
from infercost.replica.step import Draft, Running, pace_of
from infercost.replica.work import Host, Link, Offload, Over, held_memory, sparse_layers
from infercost.report import Note, Row
from infercost.scenario.rack import first_layout
from infercost.units import many, show

#: Why a result has no value with a part of the model in a host.
UNKNOWN = {
    **dict.fromkeys(
        (
            *("prefill_time_s", "ttft_s", "request_time_s", "usd_per_request", "input_tokens_per_s"),
            *("wh_per_request", "joules_per_output_token"),
        ),
        "prompts were not measured with a part in a host",
    ),
    **dict.fromkeys(
        ("memory_bandwidth_utilization", "critical_batch", "arithmetic_intensity"), "a part of the bytes lies in a host"
    ),
}
#: Words of what an offload takes, and whether a run of it was ever reported.
_OF_LAYERS = "unmeasured: whole layers and caches are taken to be read as experts are"


def holds(rack: Rack) -> bool:
    """Whether anything lies in a host."""
    return bool(rack.plan.split and rack.plan.split.host_layers)


def unknown(key: str, rack: Rack) -> str:
    """Why a result has no value with a part in a host; empty where that is not the reason."""
    return UNKNOWN.get(key, "") if holds(rack) else ""


def known(results: dict[str, Any], rack: Rack) -> dict[str, Any]:
    """The results with no value where a part in a host makes them unknown."""
    if not holds(rack):
        return results
    return {key: None if key in UNKNOWN else value for key, value in results.items()}


def decoding_paid(results: dict[str, Any], rack: Rack) -> dict[str, Any]:
    """The results of a step priced without prompts where a part in a host leaves their time unknown."""
    if not holds(rack):
        return results
    return {**results, "usd_per_million_tokens": results["usd_per_million_tokens_decode"]}


def no_knee(rack: Rack) -> str:
    """Why no batch is known from which on the arithmetic is full; empty where that is not the reason."""
    return UNKNOWN["critical_batch"] if holds(rack) else ""


def host_notes_of_batches(rack: Rack) -> Iterator[Note]:
    """That more of a model may lie in a host than what all batches of a table share."""
    if holds(rack) and rack.plan.host and not rack.plan.host.offload:
        text = f"all batches have {what(rack.plan)} in the host; larger ones may fit with more there"
        yield Note("host-batches", f"{text}: --batch 1:64 asks for them")


def at_batch(rack: Rack, batch: int) -> Rack:
    """A rack with a host at another batch, the same in the host; one without a host as it is."""
    if rack.plan.host is None:
        return rack
    setup = rack.setup._replace(batch=batch)
    return rack._replace(
        setup=setup, plan=setup.plan(rack.plan.layout, offload=rack.plan.split and rack.plan.split.offload)
    )


def what(plan: Plan) -> str:
    """What lies in the host, in words."""
    if plan.split is None or not plan.split.host_layers:
        return "nothing"
    experts, layers, cache = plan.split.offload
    if cache:
        return "the cache"
    parts = [many(layers, "whole layer") if layers else ""]
    parts.append(f"the experts of {many(experts, 'layer')}" if experts else "")
    return " and ".join(filter(None, parts))


def offloaded(rack: Rack) -> str | None:
    """What lies in the host, as ``--offload`` asks for it; None where nothing does."""
    if rack.plan.split is None or not holds(rack):
        return None
    _, layers, cache = rack.plan.split.offload
    return "kv" if cache else "layers" if layers else "experts"


def host_rows(rack: Rack) -> tuple[Row, ...]:
    """What lies in the host, and what that leaves of its memory; nothing without one."""
    plan = rack.plan
    if plan.host is None or plan.split is None:
        return ()
    room, left = held_memory(plan.host), plan.host_left
    planned = f"{show(room / plan.host.memory, 'share')} of it planned with, an assumption"
    return (
        Row("host_layers", plan.split.host_layers, f"{what(plan)}, of {many(plan.model.depth, 'layer')}"),
        Row("host_bytes", plan.host_bytes, "weights, and caches of all sequences", shown=False),
        Row("host_weight_bytes", plan.far_weights, f"in {plan.host.preset.name}"),
        Row("host_kv_bytes_per_sequence", plan.far_cache, shown=bool(plan.far_cache)),
        Row("host_memory_bytes", plan.host.memory, planned),
        Row("host_left_bytes", max(left, 0.0), f"{show(-left, 'B')} short" if left < 0 else "free for other uses"),
    )


def short_with_host(plan: Plan) -> str:
    """How much is missing on the cards and in the host, in words."""
    assert plan.host is not None
    short = [f"{show(-plan.left, 'B')} a device"] if plan.left < 0 else []
    if plan.host_left < 0:
        holds, needs = show(held_memory(plan.host), "B"), show(plan.host_bytes, "B")
        short.append(f"{show(-plan.host_left, 'B')} in {plan.host.preset.name}, which holds {holds} of {needs}")
    return " and ".join(short)


def memory_words(rack: Rack) -> str:
    """A sentence on both memories, which of them binds, and what one more card would change; empty without a host."""
    plan = rack.plan
    if plan.host is None:
        return ""
    held, name = plan.device_memory - plan.outside, plan.host.preset.name
    if not holds(rack):
        return f" Nothing has to lie in {name}."
    tighter = plan.host_left / held_memory(plan.host) < plan.left / held
    binds = f"the memory of {name}" if tighter else "the card's memory"
    would = "" if plan.fits else "would "
    there = f"{show(plan.host_bytes, 'B')} {would}lie in {name}: {what(plan)}"
    text = f" {show(plan.weights + plan.cache, 'B')} {would}stay {_on_cards(rack)}, {there}"
    return f"{text}; {binds} binds.{_more_memory(rack)}"


def _on_cards(rack: Rack) -> str:
    return "on the card" if rack.devices == 1 else f"on each of {rack.devices:,} cards"


def _more_memory(rack: Rack) -> str:
    """What the same cards, or one more, would change of what lies in the host."""
    if (better := less_in_host(rack)) is None:
        return ""
    less, one = rack.plan.host_bytes - better.host_bytes, rack.devices == 1
    same = better.layout.devices == rack.devices
    if not (better.split and better.split.host_layers):
        who = "One more card" if not same else "The card alone" if one else "The same cards"
        return f" {who} would hold all of it."
    if same:
        who = "The card needs" if one else "The cards need"
        return f" {who} only {what(better)} there, {show(less, 'B')} less."
    if less <= 0:
        return " One more card would change nothing."
    return f" With one more card {what(better)} would lie there, {show(less, 'B')} less."


def less_in_host(rack: Rack) -> Plan | None:
    """The plan with as little in the host as is needed, on the same cards where they need less, else on one more.

    None without a host, and where no layout has so many cards, or none of these fits.
    """
    plan, setup = rack.plan, rack.setup
    if plan.host is None:
        return None
    setup = setup._replace(host=Host(plan.host.preset))
    same = setup.plan(plan.layout)
    if same.fits and same.host_bytes < plan.host_bytes:
        return same
    layout = first_layout(setup, rack.devices + 1)
    more = setup.plan(layout) if layout else None
    return more if more and more.fits else None


def host_remark(running: Running) -> str:
    """At which rate a host's part of a step is read, or comes to the cards; empty where nothing lies in one."""
    over, timing = running.speeds.over, running.replica.in_turn
    if isinstance(over, Over):
        links = f" over {over.link.devices:,} links" if over.link.devices > 1 else ""
        return f"at {show(over.link.bandwidth, 'B/s')}{links}: {_narrowest(running, over.link)}"
    if timing is None and over is not None:
        return f"at {show(over.bandwidth, 'B/s')}, the nominal rate of the host's memory"
    if timing is None or timing.far is None:
        return ""
    each = show(timing.far.engine.layer_launch, "s")
    return f"at {show(timing.far.bandwidth, 'B/s')} of the host's memory, {each} a layer beside"


def _narrowest(running: Running, link: Link) -> str:
    """What limits the way from a host to the cards, in words."""
    name, board = running.rack.part.name, show(link.host, "B/s")
    if link.narrowest == "memory":
        each = show(min(link.card or link.host, link.host), "B/s")
        links = f"the link of {each}" if link.devices == 1 else f"{link.devices:,} links of {each}"
        return f"the host's memory binds, not {links}"
    if link.card is None:
        return f"the host's link, as that of {name} to a host is not known"
    if link.narrowest == "card":
        return f"the link of {name} binds, the host's has {board}"
    return f"the host's link binds, that of {name} has {show(link.card, 'B/s')}"


def time_words(running: Running, results: Mapping[str, Any], draft: Draft | None) -> str:
    """The start of a verdict: whether the host or the card takes longer, and what one more card would change."""
    spent, step, batch = results.get("host_time_s"), results["step_time_s"], results["batch"]
    plan = running.rack.plan
    if spent is None or plan.host is None:
        return ""
    name = plan.host.preset.name
    binds = f"The host binds: {name} takes" if results["bound"] == "host" else f"The card binds: {name} takes only"
    there = f"{what(plan)}, {show(plan.far_weights + batch * plan.far_cache, 'B')}"
    here = f"{show(plan.weights, 'B')} of weights stay {_on_cards(running.rack)}"
    text = f"{binds} {show(spent, 's')} of {show(step, 's')}, with {there}; {here}."
    return f"{text}{_more_speed(running, batch, step, draft)} "


def _more_speed(running: Running, batch: float, step: float, draft: Draft | None) -> str:
    """What the same cards, or one more, would change of a step under llama.cpp."""
    better, timing = less_in_host(running.rack), running.replica.in_turn
    if better is None or better.split is None or timing is None:
        return ""
    replica = running.replica._replace(timing=timing.with_halves(better.split.near, better.split.far))
    pace = pace_of(running._replace(replica=replica), batch, draft)
    if pace.step >= step:
        return ""
    who = "As much there as is needed" if better.layout.devices == running.rack.devices else "One more card"
    speed = show(formulas.cost.tokens_per_s_per_user(step_time=pace.tpot), "")
    return f" {who}: {what(better)} in the host, {speed} tokens/s, {show(step / pace.step, 'x')} as fast."


def _reached(running: Running) -> str:
    """The share of its bandwidth at which a CPU reads, and its time for a layer, in words."""
    timing = running.replica.in_turn
    assert timing is not None
    assert timing.far is not None
    engine = timing.far.engine
    share, each = show(engine.memory_share, "share"), show(engine.layer_launch, "s")
    return f"{share} of its nominal bandwidth and takes {each} a layer"


def host_notes(running: Running) -> Iterator[Note]:
    """What is known of a step with a part in a host, and what is not."""
    rack = running.rack
    if not holds(rack) or rack.plan.split is None:
        return
    offload: Offload = rack.plan.split.offload
    if isinstance(running.speeds.over, Over):
        text = "what lies in the host comes over the link in every pass, at its full rate"
        yield Note("host-link", f"{text}; {host_remark(running)}; an engine that computes in the host sends less")
    elif not running.replica.in_turn:
        text = "what a token needs of the host is read once, while the cards read theirs"
        yield Note("host", f"{text}: no engine does less, whether it computes there or sends")
    else:
        text = f"the CPU reads at {_reached(running)}, in turn with the card"
        many_rows = "of batches and of a draft's tokens" if rack.setup.drafting else "of batches"
        yield Note("host", f"{text}; {many_rows} its arithmetic is left out: they take longer")
        if band := band_of_host(rack.model.is_sparse and not (offload.layers or offload.cache)):
            yield Note("host-band", f"eight of ten reports took {band.low:g} to {band.high:g} times as long a token")
        if offload.layers or offload.cache or not sparse_layers(rack.model):
            yield Note("host-assumed", _OF_LAYERS)
    text = (
        "first tokens with a part in a host were not measured and have no value; what prompts cost is counted too low"
    )
    yield Note("host-prompts", text)
