"""One replica at every batch: what a user sees, worked out once and read off for any load."""

from bisect import bisect_left
from itertools import pairwise
from math import exp, log
from typing import NamedTuple

from infercost import formulas
from infercost.formulas.formula import LITTLE, solved
from infercost.numeric import last_that, zero_of
from infercost.parts.cache import lately
from infercost.replica.serving import Request, first_token_met, ride_of, serve_batch, tpot_met
from infercost.replica.step import Replica, decode_time

#: Batches that are worked out; between two of them, a few percent apart, times are nearly straight lines.
POINTS = 200
LEAST = 1e-12
#: Costs that differ by a smaller share differ by rounding alone.
ROUNDING = 1e-9
BETWEEN = "between batches of which each was worked out"


class Curve(NamedTuple):
    """Seconds at rising batches: of a step alone, between tokens with prompts riding along, to the first token.

    ``decoded`` is how many tokens of a request are decoded one by one, 0 where there are no requests but streams;
    ``prompted`` whether one token of each comes with its prompt.
    """

    batches: tuple[float, ...]
    steps: tuple[float, ...]
    itls: tuple[float, ...]
    ttfts: tuple[float, ...]
    decoded: float
    prompted: bool

    @property
    def most(self) -> float:
        """The largest batch."""
        return self.batches[-1]

    @solved("shared_step", equation=f"ITL(B), {BETWEEN}", source="linear interpolation")
    def itl(self, *, batch: float) -> float:
        """Seconds between the tokens of a slot at a batch, all prompts riding along."""
        return self._read(self.itls, batch)

    @solved("step_time", equation=f"t(B), {BETWEEN}", source="linear interpolation")
    def step(self, *, batch: float) -> float:
        """Seconds of a step without prompts at a batch."""
        return self._read(self.steps, batch)

    def ttft(self, batch: float) -> float:
        """Seconds to the first token at a batch, no queue before it."""
        return self._read(self.ttfts, batch)

    def prompt_share(self, batch: float) -> float:
        """Share of the time that prompts take at a batch."""
        return 1 - self.step(batch=batch) / self.itl(batch=batch)

    @property
    def gaps(self) -> tuple[float, ...]:
        """Seconds between a user's tokens at each batch that stays full, prompts of the others riding along."""
        each = zip(self.batches, self.steps, self.itls, strict=True)
        return tuple(tpot_met(step, itl - step, batch) for batch, step, itl in each)

    @property
    def tops(self) -> tuple[float, ...]:
        """Batches past which a larger one makes fewer tokens, those of the largest batch apart."""
        rates = [batch / itl for batch, itl in zip(self.batches, self.itls, strict=True)]
        rising = [after > rate * (1 - ROUNDING) for rate, after in pairwise(rates)]
        turns = zip(self.batches[1:], rising, rising[1:], strict=False)
        return tuple(batch for batch, before, after in turns if before and not after)

    def batch_within(self, times: tuple[float, ...], limit: float) -> float:
        """The largest batch at which rising times are within a limit; 0 where none is."""
        if times[0] > limit:
            return 0.0
        return last_that(lambda batch: self._read(times, batch) <= limit, 1.0, self.most)

    def cheapest(self) -> "Curve":
        """The same up to its cheapest batch: a larger one may cost more, where it fills no whole part of each stage."""
        least = min(itl / batch for itl, batch in zip(self.itls, self.batches, strict=True))
        last = max(at for at, batch in enumerate(self.batches) if self.itls[at] / batch <= least * (1 + ROUNDING))
        end = max(last, 1) + 1
        return self._replace(
            batches=self.batches[:end], steps=self.steps[:end], itls=self.itls[:end], ttfts=self.ttfts[:end]
        )

    def times_at_price(self, times: float) -> tuple[float, float]:
        """Seconds between tokens and to the first at the least batch whose tokens cost so many times the least."""
        costs = [itl / batch for itl, batch in zip(self.itls, self.batches, strict=True)]
        at = next(index for index, cost in enumerate(costs) if cost <= times * min(costs))
        return self.gaps[at], self.ttfts[at]

    def _read(self, times: tuple[float, ...], batch: float) -> float:
        right = bisect_left(self.batches, batch, 1, len(self.batches) - 1)
        low, high = self.batches[right - 1], self.batches[right]
        return times[right - 1] + (times[right] - times[right - 1]) * (batch - low) / (high - low)


@solved("mean_decoding", equation="N_d = λ × O_d × ITL(N_d / b_t)", source=LITTLE)
def mean_decoding(curve: Curve, *, request_rate: float) -> float:
    """Sequences that decode on average where so many requests arrive a second, by Little's law."""
    most, held = curve.most, request_rate * curve.decoded
    busy_share = formulas.users.full_busy_share

    def excess(mean: float) -> float:
        return held * curve.itl(batch=mean / busy_share(mean_decoding=mean, most_batch=most)) - mean

    return zero_of(excess, LEAST, most)


def _batches(most: float, stages: int) -> tuple[float, ...]:
    """Rising batches from one to the most, evenly in ratio; stages work on whole parts of a batch, all alike."""
    if most <= 1:
        return 1.0, 1.0 + LEAST
    even = [exp(log(most) * index / (POINTS - 1)) for index in range(POINTS - 1)]
    if stages > 1:
        few = map(float, range(1, min(stages, int(most)) + 1))
        whole = {batch // stages * stages for batch in (*even, most)} - {0.0}
        return tuple(sorted({*few, *whole, float(most)}))
    return (*even, float(most))


@lately
def curve_of(replica: Replica, most: float, request: Request | None, context: float, decoded: float) -> Curve:
    """The curve of a replica up to a batch, for requests or for streams of tokens at a context."""
    batches = _batches(most, replica.work.layout.pp)
    steps = tuple(decode_time(replica, batch, request.context if request else context) for batch in batches)
    if request is None:
        return Curve(batches, steps, steps, steps, decoded, prompted=False)
    itls, firsts = zip(*(_joined(replica, *each, request) for each in zip(batches, steps, strict=True)), strict=True)
    return Curve(batches, steps, itls, firsts, request.decoded, prompted=True)


def _joined(replica: Replica, batch: float, step: float, request: Request) -> tuple[float, float]:
    """Seconds between tokens and to a first one of a batch that prompts join, whose step takes so long without them."""
    ride = ride_of(replica, batch, request, step) if replica.timing else None
    return serve_batch(replica, batch, request, ride=ride).itl, first_token_met(replica, batch, request, ride)
