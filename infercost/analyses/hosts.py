"""What an answer says of a host: what lies in its memory, whether it or the card binds, what one more card changes."""

from collections.abc import Iterator
from typing import Any

from infercost.parts.bands import band_of_host
from infercost.parts.stack import law
from infercost.replica.host import Host, Offload, held_memory, sparse_layers
from infercost.replica.memory import Plan
from infercost.replica.rack import Rack
from infercost.replica.step import Running, step_times
from infercost.report import Note, Row
from infercost.scenario.rack import first_layout
from infercost.units import many, show

#: Why a result has no value with a part of the model in a host.
UNKNOWN = {
    **dict.fromkeys(("prefill_time_s", "ttft_s", "request_time_s"), "prompts were not measured with a part in a host"),
    **dict.fromkeys(("memory_bandwidth_utilization", "critical_batch"), "a part of the bytes lies in a host"),
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
    results = {key: None if key in UNKNOWN else value for key, value in results.items()}
    if "usd_per_million_tokens_decode" in results:
        results["usd_per_million_tokens"] = results["usd_per_million_tokens_decode"]
    return results


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


def host_rows(rack: Rack) -> tuple[Row, ...]:
    """What lies in the host, and what that leaves of its memory; nothing without one."""
    plan = rack.plan
    if plan.host is None or plan.split is None:
        return ()
    room = held_memory(plan.host)
    return (
        Row("host_layers", plan.split.host_layers, f"{what(plan)}, of {many(plan.model.depth, 'layer')}"),
        Row("host_weight_bytes", plan.far_weights, f"in {plan.host.preset.name}"),
        Row("host_kv_bytes_per_sequence", plan.far_cache, shown=bool(plan.far_cache)),
        Row("host_memory_bytes", plan.host.memory, f"{show(room / plan.host.memory, 'share')} of it planned with"),
        Row("host_left_bytes", plan.host_left, "short" if plan.host_left < 0 else "not needed"),
    )


def memory_words(rack: Rack) -> str:
    """A sentence on both memories, which of them binds, and what one more card would change; empty without a host."""
    plan = rack.plan
    if plan.host is None:
        return ""
    held, name = plan.device_memory * plan.usable, plan.host.preset.name
    if not holds(rack):
        return f" Nothing has to lie in {name}."
    there = plan.far_weights + plan.batch * plan.far_cache
    tighter = plan.host_left / held_memory(plan.host) < plan.left / held
    binds = f"the memory of {name}" if tighter else "the card's memory"
    text = f" {show(plan.weights + plan.cache, 'B')} a card stay there, {show(there, 'B')} lie in {name}: {what(plan)}"
    return f"{text}; {binds} binds.{_more_memory(rack)}"


def _more_memory(rack: Rack) -> str:
    """What one more card would change of what lies in the host."""
    more = one_more(rack)
    if more is None or not more.fits:
        return ""
    less = rack.plan.far_weights - more.far_weights
    if not (more.split and more.split.host_layers):
        return " One more card would hold all of it."
    if less <= 0:
        return " One more card would change nothing."
    return f" With one more card {what(more)} would lie there, {show(less, 'B')} less."


def one_more(rack: Rack) -> Plan | None:
    """The plan with one more card, and as little in the host as is needed; None where no layout has so many."""
    plan, setup = rack.plan, rack.setup
    if plan.host is None:
        return None
    setup = setup._replace(host=Host(plan.host.preset))
    layout = first_layout(setup, rack.devices + 1)
    return setup.plan(layout) if layout else None


def host_time(running: Running, batch: float) -> float | None:
    """Seconds of a step that the host takes; None where nothing lies in one."""
    if not holds(running.rack):
        return None
    timing, context = running.replica.in_turn, running.rack.plan.context
    if running.bounds.over is not None:
        return running.bounds.over.time(batch)
    return timing.far_time(batch, context) if timing else None


def time_words(running: Running, batch: float, step: float) -> str:
    """The start of a verdict: whether the host or the card takes longer, and what one more card would change."""
    spent = host_time(running, batch)
    if spent is None:
        return ""
    plan = running.rack.plan
    assert plan.host is not None
    name = plan.host.preset.name
    binds = f"The host binds: {name} takes" if spent > step - spent else f"The card binds: {name} takes only"
    here = show(plan.weights, "B")
    there = f"{what(plan)}, {show(plan.far_weights + batch * plan.far_cache, 'B')}"
    text = f"{binds} {show(spent, 's')} of {show(step, 's')}, with {there}; {here} of weights stay on a card."
    return f"{text}{_more_speed(running, batch, step)} "


def _more_speed(running: Running, batch: float, step: float) -> str:
    """What one more card would change of a step under llama.cpp."""
    more, timing = one_more(running.rack), running.replica.in_turn
    if more is None or not more.fits or more.split is None or timing is None:
        return ""
    replica = running.replica._replace(timing=timing.with_halves(more.split.near, more.split.far))
    faster = step_times(running._replace(replica=replica), batch).step
    return f" One more card: {what(more)} in the host, {show(faster, 's')} a step." if faster < step else ""


def host_notes(running: Running) -> Iterator[Note]:
    """What is known of a step with a part in a host, and what is not."""
    rack = running.rack
    if not holds(rack) or rack.plan.split is None:
        return
    offload: Offload = rack.plan.split.offload
    if law(rack.setup.stack) != "llama.cpp":
        text = "what lies in the host is read over the link in every pass, at the link's full rate: a bound"
        yield Note("host-link", text)
    else:
        share, time = (rack.setup.stack.value(key) for key in ("host_share", "host_layer_time"))
        text = f"the CPU reads at {show(share, 'share')} of its nominal bandwidth and takes {show(time, 's')} a layer"
        yield Note("host", f"{text}, in turn with the card; of batches its arithmetic is left out: a bound")
        if band := band_of_host(rack.model.is_sparse and not (offload.layers or offload.cache)):
            yield Note("host-band", f"in eight of ten reports a token took {band.low:g} to {band.high:g} times it")
        if offload.layers or offload.cache or not sparse_layers(rack.model):
            yield Note("host-assumed", _OF_LAYERS)
    text = "first tokens with a part in a host were not measured and have no value; what prompts cost is a bound"
    yield Note("host-prompts", text)
