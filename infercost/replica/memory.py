"""What one accelerator holds when a model serves from it: weights, activations, the engine, a pool for KV cache."""

from typing import NamedTuple

from infercost import formulas
from infercost.models.model import Model
from infercost.parts.preset import Preset
from infercost.replica.layout import Layout, check, rank_cache_bytes, rank_weight_bytes

#: Below this share of the device's memory a fit is called barely one.
BARELY = 0.05
LONGEST = 2**40


class Plan(NamedTuple):
    """Bytes on the fullest accelerator of a layout."""

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

    @property
    def cache(self) -> float:
        """Bytes of all the sequences' cache on the fullest accelerator."""
        return self.per_rank * self.per_sequence

    @property
    def per_rank(self) -> int:
        """Sequences of the batch that the fullest accelerator has a part in: its data parallel group's."""
        return -(-self.batch // self.layout.dp)

    @property
    def per_sequence(self) -> float:
        """Bytes of one sequence's cache on the fullest accelerator."""
        return rank_cache_bytes(self.model, self.layout, self.context)

    @property
    def left(self) -> float:
        """Bytes of the pool that the sequences leave; negative when they do not fit."""
        return self.pool - self.cache

    @property
    def fits(self) -> bool:
        """Whether weights, reserves and every sequence's cache fit."""
        return self.left >= 0

    @property
    def barely(self) -> bool:
        """Whether what is left is under a twentieth of the device."""
        return self.fits and self.left < BARELY * self.device_memory

    @property
    def max_sequences(self) -> int | None:
        """Sequences of this context that the pools of all groups hold; None where a sequence keeps no cache."""
        if self.pool < 0:
            return 0
        if not self.per_sequence:
            return None
        one = formulas.memory.sequences_that_fit(kv_pool=self.pool, cache_per_sequence=self.per_sequence)
        return one * self.layout.dp

    @property
    def longest_context(self) -> int | None:
        """The longest context at which the batch fits; None where it never grows out of the pool."""
        if not self._holds(0):
            return 0
        if self._holds(LONGEST):
            return None
        low, high = 0, LONGEST
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._holds(middle) else (low, middle)
        return low

    def _holds(self, context: int) -> bool:
        return self.per_rank * rank_cache_bytes(self.model, self.layout, context) <= self.pool


def plan(
    model: Model, layout: Layout, profile: Preset, *, device_memory: float, usable: float, context: float, batch: int
) -> Plan:
    """What the fullest accelerator of a layout holds.

    Raises:
        BadValue: a layout that no engine accepts.
    """
    check(model, layout)
    weights = rank_weight_bytes(model, layout)
    activations = formulas.memory.activation_reserve(
        activation_floor=profile.value("activation_floor"),
        activation_per_vocab=profile.value("activation_per_vocab"),
        vocab_size=model.vocab_size,
    )
    engine = profile.value("engine_overhead" if max(layout.tp, layout.ep) == 1 else "engine_overhead_parallel")
    pool = formulas.memory.kv_pool(
        device_memory=device_memory,
        usable=usable,
        weight_bytes_per_gpu=weights,
        activation_reserve=activations,
        engine_overhead=engine,
    )
    return Plan(model, layout, device_memory, usable, weights, activations, engine, pool, context, batch)
