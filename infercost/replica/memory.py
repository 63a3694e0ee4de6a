"""What one accelerator holds when a model serves from it: weights, activations, the engine, a pool for KV cache."""

from collections.abc import Callable
from typing import NamedTuple

from infercost import formulas
from infercost.formulas.formula import solved
from infercost.models.model import Model
from infercost.parts.preset import Preset
from infercost.parts.stack import splits_layers
from infercost.replica.host import Host, Split, held_memory
from infercost.replica.layout import Layout, check, rank_cache_bytes, rank_weight_bytes, valid_widths

#: Below this share of the device's memory a fit is called barely one.
BARELY = 0.05
LONGEST = 2**40


class Plan(NamedTuple):
    """Bytes on the fullest accelerator of a layout; ``split`` is what of it lies in the ``host``, None without one."""

    model: Model
    layout: Layout
    device_memory: float
    usable: float
    weights: float
    activations: float
    engine: float
    pool: float
    context: float
    batch: int
    host: Host | None = None
    split: Split | None = None

    @property
    def near(self) -> Model:
        """What of the model is on the accelerators."""
        return self.split.near if self.split else self.model

    @property
    def far_weights(self) -> float:
        """Bytes of weights in the host."""
        return self.split.far_weights if self.split else 0.0

    @property
    def far_cache(self) -> float:
        """Bytes of one sequence's cache in the host."""
        return self.split.far_cache(self.context) if self.split else 0.0

    @property
    def host_left(self) -> float:
        """Bytes that weights and caches leave of the host's room; negative when they do not fit, 0 without a host."""
        if self.host is None:
            return 0.0
        return formulas.host.host_left(
            host_room=held_memory(self.host), far_weights=self.far_weights, batch=self.batch, far_cache=self.far_cache
        )

    @property
    def cache(self) -> float:
        """Bytes of all the sequences' cache on the fullest accelerator."""
        return formulas.memory.rank_cache(sequences=self.per_rank, cache_per_sequence=self.per_sequence)

    @property
    def per_rank(self) -> int:
        """Sequences of the batch that the fullest accelerator has a part in: its data parallel group's."""
        if self.layout.dp == 1:
            return self.batch
        return int(formulas.memory.group_sequences(batch=self.batch, groups=self.layout.dp))

    @property
    def per_sequence(self) -> float:
        """Bytes of one sequence's cache on the fullest accelerator."""
        return rank_cache_bytes(self.near, self.layout, self.context)

    @property
    def left(self) -> float:
        """Bytes of the pool that the sequences leave; negative when they do not fit."""
        return formulas.memory.pool_left(kv_pool=self.pool, rank_cache=self.cache)

    @property
    def fits(self) -> bool:
        """Whether weights, reserves and every sequence's cache fit."""
        return self.left >= 0 and self.host_left >= 0

    @property
    def barely(self) -> bool:
        """Whether what is left is under a twentieth of the device."""
        return self.fits and self.left < BARELY * self.device_memory

    @property
    def max_sequences(self) -> int | None:
        """Sequences of this context that the pools of all groups hold; None where a sequence keeps no cache."""
        if self.pool < 0 or (self.host_left < 0 and not self.far_cache):
            return 0
        here = None
        if self.per_sequence:
            here = formulas.memory.sequences_that_fit(
                kv_pool=self.pool, cache_per_sequence=self.per_sequence, groups=self.layout.dp
            )
        return self._in_host(here) if self.far_cache else here

    def _in_host(self, here: int | None) -> int:
        """The sequences that the accelerators hold, or as many of them as the host does."""
        assert self.host is not None
        there = formulas.host.host_sequences(
            host_room=held_memory(self.host), far_weights=self.far_weights, far_cache=self.far_cache
        )
        if here is None:
            return max(there, 0)
        return max(int(formulas.host.sequences_in_both(sequences_that_fit=here, host_sequences=there)), 0)

    @property
    def longest_context(self) -> int | None:
        """The longest context at which the batch fits; None where it never grows out of the pool."""
        here = _longest_context(self._cache_at, sequences=self.per_rank, kv_pool=self.pool)
        if self.host is None or self.split is None or not self.far_cache:
            return here
        room = held_memory(self.host) - self.far_weights
        there = _longest_context(self.split.far_cache, sequences=self.batch, kv_pool=room)
        return min((one for one in (here, there) if one is not None), default=None)

    def _cache_at(self, context: int) -> float:
        return rank_cache_bytes(self.near, self.layout, context)


@solved("longest_context", equation="B_1 × K_S(S_max) = C_kv", source="the cache of all sequences fills the pool")
def _longest_context(cache_at: Callable[[int], float], *, sequences: int, kv_pool: float) -> int | None:
    """The last context that a pool holds, by halving: 0 where it holds none, None where every one."""

    def holds(context: int) -> bool:
        return sequences * cache_at(context) <= kv_pool

    if not holds(0):
        return 0
    if holds(LONGEST):
        return None
    low, high = 0, LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def plan(
    model: Model,
    layout: Layout,
    profile: Preset,
    *,
    device_memory: float,
    usable: float,
    context: float,
    batch: int,
    parts: Split | None = None,
) -> Plan:
    """What the fullest accelerator of a layout holds, of a model or of the part of it that is on the accelerators.

    Raises:
        BadValue: a layout that no engine accepts.
    """
    check(model, layout)
    weights = rank_weight_bytes(parts.near if parts else model, layout)
    activations = formulas.memory.activation_reserve(
        activation_floor=profile.value("activation_floor"),
        activation_per_vocab=profile.value("activation_per_vocab"),
        vocab_size=model.vocab_size,
    )
    alone = layout.devices == (1 if splits_layers(profile) else layout.pp)
    engine = profile.value("engine_overhead" if alone else "engine_overhead_parallel")
    pool = formulas.memory.kv_pool(
        device_memory=device_memory,
        usable=usable,
        weight_bytes_per_gpu=weights,
        activation_reserve=activations,
        engine_overhead=engine,
    )
    held = weights, activations, engine, pool
    return Plan(model, layout, device_memory, usable, *held, context, batch, split=parts)


def share_memory(plan: Plan, draft: Model | None) -> Plan:
    """The plan with what a draft's weights leave of the pool: each stage's ranks share one copy."""
    if draft is None:
        return plan
    width = shared_width(draft, plan.layout.devices // plan.layout.pp)
    return plan._replace(pool=plan.pool - rank_weight_bytes(draft, Layout(width)))


def shared_width(draft: Model, ranks: int) -> int:
    """How many of the target's ranks share a draft: as many as split it evenly."""
    return max(tp for tp in valid_widths(draft) if ranks % tp == 0 and tp <= ranks)
