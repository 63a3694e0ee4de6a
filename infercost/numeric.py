"""Extremes, ceiling, logarithms and roots of one number or an array; NumPy loads only when there is an array.

Typed for numbers, as formulas are: an array goes in where a number is declared, and an array comes out.
"""

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

#: Counts that are whole but for the last bits of a float are whole: 1.44e12 / (80e9 * 0.9) is 20.
ROUNDING = 1e-12
#: Halvings after which no float between the two ends is left that matters.
HALVINGS = 60
#: A zero is found when two guesses agree so far.
CLOSE = 1e-6
ROUNDS = 60
#: Types of one number, the usual one first: every pass asks for them many times.
PLAIN = (float, int)


def is_nothing(value: Any) -> bool:
    """Whether a value is the plain number zero: what can be left out. An array is counted, whatever it holds."""
    return isinstance(value, PLAIN) and value == 0


def _elementwise(plain: Callable[[float], float], ufunc: str) -> Callable[[float], float]:
    """A function of one number that is NumPy's of that name for arrays."""

    def function(value: float) -> float:
        if isinstance(value, PLAIN):
            return plain(value)
        import numpy

        return getattr(numpy, ufunc)(value)

    return function


def _extreme(values: tuple[float, ...], plain: Callable[..., float], ufunc: str) -> float:
    """The largest or the smallest of values, elementwise where one is an array."""
    if all(isinstance(value, PLAIN) for value in values):
        return plain(values)
    import numpy

    return reduce(getattr(numpy, ufunc), values)


# nearly all calls are of two numbers, and a long answer makes a million
def maximum(one: float, other: float = -math.inf, *more: float) -> float:
    """The largest of values, elementwise where one is an array."""
    if not more and isinstance(one, PLAIN) and isinstance(other, PLAIN):
        return other if other > one else one
    return _extreme((one, other, *more), max, "maximum")


def minimum(one: float, other: float = math.inf, *more: float) -> float:
    """The smallest of values, elementwise where one is an array."""
    if not more and isinstance(one, PLAIN) and isinstance(other, PLAIN):
        return other if other < one else one
    return _extreme((one, other, *more), min, "minimum")


log2 = _elementwise(math.log2, "log2")
logarithm = _elementwise(math.log, "log")
root = _elementwise(math.sqrt, "sqrt")


def where(condition: Any, one: Any, other: Any) -> Any:
    """The one where a condition holds, else the other; elementwise where the condition is of an array."""
    if isinstance(condition, bool):
        return one if condition else other
    import numpy

    return numpy.where(condition, one, other)


def each_of(work: Callable[[float], float], value: float) -> float:
    """What a function of one number gives for it, or for each of an array."""
    if isinstance(value, PLAIN):
        return work(value)
    import numpy

    return numpy.array([work(float(one)) for one in value])


def known_share(value: float) -> float | None:
    """A share where it is one, None above one; in an array NaN."""
    if isinstance(value, PLAIN):
        return None if value > 1 + ROUNDING else value
    import numpy

    return numpy.where(value > 1 + ROUNDING, numpy.nan, value)


def name_of_largest(values: Mapping[str, float]) -> str:
    """The name of the largest value, the first of equals; elementwise for arrays."""
    if all(isinstance(value, PLAIN) for value in values.values()):
        return max(values, key=lambda name: values[name])
    import numpy

    return numpy.array([*values])[numpy.argmax(numpy.stack(numpy.broadcast_arrays(*values.values())), axis=0)]


def ceiling(value: float) -> int:
    """The least whole number not below the value, forgiving float rounding of one part in 1e12."""
    if isinstance(value, PLAIN):
        return round(value) if abs(value - round(value)) <= ROUNDING * abs(value) else math.ceil(value)
    import numpy

    return numpy.ceil(value * (1 - ROUNDING))


def floor(value: float) -> int:
    """The largest whole number not above the value, forgiving float rounding of one part in 1e12."""
    return -ceiling(-value)


def rounded_up(value: float, digits: int) -> float:
    """The next number of so many digits: 1.586 is 2 of one digit, 1.6 of two."""
    unit = 10.0 ** (floor(math.log10(value)) - digits + 1)
    return round(ceiling(value / unit) * unit, 12)


def last_that(holds: Callable[[float], bool], low: float, high: float, *, whole: bool = False) -> float:
    """The last number for which a condition holds that holds at first, and no longer after.

    Where only the next ``whole`` number is asked for, any number before that.
    """
    if holds(high):
        return high
    for _ in range(HALVINGS):
        if whole and low > (least := math.floor(low)) and least == math.floor(high):
            return low
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def zero_of(excess: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling excess is zero, or the end nearest to it: false position.

    The side that stays is halved (Dowell and Jarratt, The Illinois algorithm, 1971), so both sides close in.
    """
    above, below = excess(low), excess(high)
    if above <= 0 or below >= 0:
        return low if above <= 0 else high
    guess, side = low, 0
    for _ in range(ROUNDS):
        before, guess = guess, (low * below - high * above) / (below - above)
        value = excess(guess)
        if not value or abs(guess - before) <= CLOSE * guess:
            break
        if value > 0:
            low, above, below, side = guess, value, below / 2 if side > 0 else below, 1
        else:
            high, below, above, side = guess, value, above / 2 if side < 0 else above, -1
    return guess
