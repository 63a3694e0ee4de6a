"""What to change first, each with its effect, and nothing that changes little."""

from collections.abc import Iterator
from math import ceil, inf

from infercost.analyses.hosts import holds
from infercost.analyses.step import token_seconds
from infercost.replica.step import Running, full_batch, step_times
from infercost.scenario.scenario import Scenario
from infercost.units import show

#: A change of less than this share of the answer is no advice.
LEAST = 0.05
#: Where a host takes most of a step.
LESS_IN_HOST = "the host binds: keep more on the card (fewer bits, a shorter context, another card), or faster memory"


def advice(scenario: Scenario, bound: str, batch: float) -> tuple[str, ...]:
    """What to change first, by what binds."""
    running = scenario.running
    if bound == "host":
        return (LESS_IN_HOST,)
    if bound == "memory":
        most = running.rack.plan.max_sequences
        if most is not None and batch >= most:
            return tuple(_more_room(scenario, batch))
        return (*_more_users(scenario, batch), *less_cache(running, batch))
    if bound == "compute":
        return tuple(_many_rows(scenario, batch))
    if bound == "communication":
        times = step_times(running, batch)
        sending = show(min((times.parts.communication or 0.0) / times.step, 1.0), "share")
        return (f"the links bind: they take {sending} of a step; use fewer devices a replica, or faster links",)
    return tuple(_more_a_launch(scenario, batch))


def less_cache(running: Running, batch: float) -> Iterator[str]:
    """What half the cache would save of a step, where that is enough to matter."""
    saved = cache_saving(running, batch)
    if saved >= LEAST:
        yield f"{_ways(running)}: half the cache would make a step {show(saved, 'share')} shorter"


def cache_saving(running: Running, batch: float) -> float:
    """The share of a step that half the cache would save."""
    context = running.rack.plan.context
    return 1 - step_at(running, batch, context / 2) / step_at(running, batch, context) if context else 0.0


def batch_saving(scenario: Scenario, batch: float, more: float) -> float:
    """The share of the price of a token, prompts paid, that a larger batch would save."""
    return 1 - token_seconds(scenario, more) / token_seconds(scenario, batch)


def price_saving(scenario: Scenario, batch: float) -> float:
    """The share of the price of a token that half the cache would save: of decoding alone, prompts stay as they are."""
    context = scenario.rack.plan.context
    decoding = step_at(scenario.running, batch, context) / batch / token_seconds(scenario, batch)
    return min(decoding, 1.0) * room_saving(scenario.running, batch, context)


def room_saving(running: Running, batch: float, context: float) -> float:
    """The share of a decoded token that half the cache would save, twice as many sequences in its room."""
    return 1 - step_at(running, 2 * batch, context / 2) / 2 / step_at(running, batch, context)


def step_at(running: Running, batch: float, context: float) -> float:
    """Seconds of a step of a batch, each sequence at another context."""
    rack = running.rack
    return step_times(running._replace(rack=rack._replace(plan=rack.plan._replace(context=context))), batch).step


def less_room(scenario: Scenario, batch: float) -> str:
    """What makes room for a larger batch, and what that saves of a token."""
    return f"{_ways(scenario.running)}: {_half(price_saving(scenario, batch))}"


def _half(saved: float) -> str:
    return f"with half the cache twice as many fit, and a token costs {show(saved, 'share')} less"


def _ways(running: Running) -> str:
    """What shortens the reading of a cache: fewer bits only where it has more than eight."""
    if running.rack.model.kv_bits <= 8:
        return "shorten the context"
    return "shorten the context, or store the cache in fewer bits (--kv-dtype)"


def _more_room(scenario: Scenario, batch: float) -> Iterator[str]:
    """What room for a larger batch brings while reads bind and memory is full."""
    if (saved := price_saving(scenario, batch)) >= LEAST:
        most = f"memory holds {scenario.rack.plan.max_sequences:,}: add devices"
        yield f"{most}; or {_ways(scenario.running)}: {_half(saved)}"


def _more(running: Running, batch: float) -> tuple[float, float]:
    """Twice the batch, or as much of that as memory holds; and what memory holds."""
    plan = running.rack.plan
    most = inf if plan.max_sequences is None else plan.max_sequences
    return max(min(2 * ceil(batch), most), batch), most


def _more_users(scenario: Scenario, batch: float) -> Iterator[str]:
    """What a larger batch brings while reads bind: sequences share the weights, each has a cache of its own."""
    running = scenario.running
    more, most = _more(running, batch)
    if (saved := batch_saving(scenario, batch, more)) >= LEAST:
        at = None if holds(running.rack) else full_batch(running)
        full = "the arithmetic is full" if running.overlap == "full" else "arithmetic takes as long as the reads"
        end = f"; memory holds {most:,}" if most < (at or inf) else ""
        end += f", and {full} at batch {at:,}" if at else ""
        shared = "each weight read serves all of them"
        yield f"batch more users: {shared}, at batch {more:,} a token costs {show(saved, 'share')} less{end}"


def _more_a_launch(scenario: Scenario, batch: float) -> Iterator[str]:
    """What a larger batch brings while launches bind: a step hardly grows with it."""
    more, _ = _more(scenario.running, batch)
    if (saved := batch_saving(scenario, batch, more)) >= LEAST:
        yield f"launches bind: batch more users, at batch {more:,} a token costs {show(saved, 'share')} less"


def _many_rows(scenario: Scenario, batch: float) -> Iterator[str]:
    """What a larger batch brings while arithmetic binds: under llama.cpp it costs as much from a few rows to a tile."""
    timing, (more, _) = scenario.running.replica.in_turn, _more(scenario.running, batch)
    if timing is None or not timing.counts_arithmetic:
        if (saved := batch_saving(scenario, batch, more)) >= LEAST:
            yield f"batch more users: at batch {more:,} a token costs {show(saved, 'share')} less"
        else:
            yield "past the critical batch twice the users make a token cheaper by less than 5%: add accelerators"
        return
    few, most = timing.engine.vector_rows, timing.engine.matrix_rows
    if batch < most:
        yield f"products of {few + 1:.0f} to {most:.0f} users take equally long: batch as many, as far as memory holds"
    else:
        yield "more users hardly make a token cheaper, and cards take turns: take a faster one, or more replicas"
