"""What to change first, each with its effect, and nothing that changes little."""

from collections.abc import Iterator
from math import ceil, inf

from infercost.analyses.hosts import holds
from infercost.replica.step import Running, full_batch, step_times
from infercost.units import show

#: A change of less than this share of the answer is no advice.
LEAST = 0.05
#: Where a host takes most of a step.
LESS_IN_HOST = "the host binds: keep more on the card (fewer bits, a shorter context, another card), or faster memory"
#: Where nothing fits.
SEE_FIT = "see infercost fit for what would make it fit"


def advice(running: Running, bound: str, batch: float) -> tuple[str, ...]:
    """What to change first, by what binds."""
    if not running.rack.plan.fits:
        return (SEE_FIT,)
    if bound == "host":
        return (LESS_IN_HOST,)
    if bound == "memory":
        most = running.rack.plan.max_sequences
        if most is not None and batch >= most:
            return tuple(_more_room(running, batch))
        return (*_more_users(running, batch), *less_cache(running, batch))
    if bound == "compute":
        return tuple(_many_rows(running, batch))
    if bound == "communication":
        times = step_times(running, batch)
        sending = show(min((times.parts.communication or 0.0) / times.step, 1.0), "share")
        return (f"the links bind: they take {sending} of a step; use fewer devices a replica, or faster links",)
    return tuple(_more_a_launch(running, batch))


def less_cache(running: Running, batch: float) -> Iterator[str]:
    """What half the cache would save of a step, where that is enough to matter."""
    saved = cache_saving(running, batch)
    if saved >= LEAST:
        yield f"{_ways(running)}: half the cache would make a step {show(saved, 'share')} shorter"


def cache_saving(running: Running, batch: float) -> float:
    """The share of a step that half the cache would save."""
    context = running.rack.plan.context
    return 1 - step_at(running, batch, context / 2) / step_at(running, batch, context) if context else 0.0


def batch_saving(running: Running, batch: float, more: float) -> float:
    """The share of the device time of a token that a larger batch would save."""
    context = running.rack.plan.context
    return 1 - step_at(running, more, context) / more / (step_at(running, batch, context) / batch)


def room_saving(running: Running, batch: float, context: float) -> float:
    """The share of the device time of a token that half the cache would save, twice as many sequences in its room."""
    return 1 - step_at(running, 2 * batch, context / 2) / 2 / step_at(running, batch, context)


def step_at(running: Running, batch: float, context: float) -> float:
    """Seconds of a step of a batch, each sequence at another context."""
    rack = running.rack
    return step_times(running._replace(rack=rack._replace(plan=rack.plan._replace(context=context))), batch).step


def less_room(running: Running, batch: float, context: float) -> str:
    """What makes room for a larger batch, and what that saves of a token."""
    return f"{_ways(running)}: {_half(room_saving(running, batch, context))}"


def _half(saved: float) -> str:
    return f"with half the cache twice as many fit, and a token costs {show(saved, 'share')} less"


def _ways(running: Running) -> str:
    """What shortens the reading of a cache: fewer bits only where it has more than eight."""
    if running.rack.model.kv_bits <= 8:
        return "shorten the context"
    return "shorten the context, or store the cache in fewer bits (--kv-dtype)"


def _more_room(running: Running, batch: float) -> Iterator[str]:
    """What room for a larger batch brings while reads bind and memory is full."""
    plan = running.rack.plan
    if (saved := room_saving(running, batch, plan.context)) >= LEAST:
        yield f"memory holds {plan.max_sequences:,}: add devices; or {_ways(running)}: {_half(saved)}"


def _more(running: Running, batch: float) -> tuple[float, float]:
    """Twice the batch, or as much of that as memory holds; and what memory holds."""
    plan = running.rack.plan
    most = inf if plan.max_sequences is None else plan.max_sequences
    return max(min(2 * ceil(batch), most), batch), most


def _more_users(running: Running, batch: float) -> Iterator[str]:
    """What a larger batch brings while reads bind: sequences share the weights, each has a cache of its own."""
    more, most = _more(running, batch)
    if (saved := batch_saving(running, batch, more)) >= LEAST:
        at = None if holds(running.rack) else full_batch(running)
        full = "the arithmetic is full" if running.overlap == "full" else "arithmetic takes as long as the reads"
        end = f"; memory holds {most:,}" if most < (at or inf) else ""
        end += f", and {full} at batch {at:,}" if at else ""
        shared = "each weight read serves all of them"
        yield f"batch more users: {shared}, at batch {more:,} a token costs {show(saved, 'share')} less{end}"


def _more_a_launch(running: Running, batch: float) -> Iterator[str]:
    """What a larger batch brings while launches bind: a step hardly grows with it."""
    more, _ = _more(running, batch)
    if (saved := batch_saving(running, batch, more)) >= LEAST:
        yield f"launches bind: batch more users, at batch {more:,} a token costs {show(saved, 'share')} less"


def _many_rows(running: Running, batch: float) -> Iterator[str]:
    """What a larger batch brings while arithmetic binds: under llama.cpp it costs as much from a few rows to a tile."""
    timing, (more, _) = running.replica.in_turn, _more(running, batch)
    if timing is None or not timing.counts_arithmetic:
        if (saved := batch_saving(running, batch, more)) >= LEAST:
            yield f"batch more users: at batch {more:,} a token costs {show(saved, 'share')} less"
        else:
            yield "past the critical batch twice the users make a token cheaper by less than 5%: add accelerators"
        return
    few, most = timing.engine.vector_rows, timing.engine.matrix_rows
    if batch < most:
        yield f"products of {few + 1:.0f} to {most:.0f} users take equally long: batch as many, as far as memory holds"
    else:
        yield "more users hardly make a token cheaper, and cards take turns: take a faster one, or more replicas"
