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


def _is_plain(*values: Any) -> bool:
    for value in values:  # noqa: SIM110 - all() takes twice the time, and every step asks this many times
        if not isinstance(value, (int, float)):
            return False
    return True


def is_nothing(value: Any) -> bool:
    """Whether a value is the plain number zero: what can be left out. An array is counted, whatever it holds."""
    return isinstance(value, (int, float)) and value == 0


def _elementwise(plain: Callable[..., float], ufunc: str) -> Callable[..., float]:
    """A function of numbers that is NumPy's of that name for arrays; of two at a time where NumPy's takes two."""

    def function(*values: float) -> float:
        if _is_plain(*values):
            return plain(*values)
        import numpy

        each = getattr(numpy, ufunc)
        return reduce(each, values) if each.nin == 2 else each(*values)

    return function


maximum = _elementwise(max, "maximum")
minimum = _elementwise(min, "minimum")
log2 = _elementwise(math.log2, "log2")
logarithm = _elementwise(math.log, "log")
root = _elementwise(math.sqrt, "sqrt")


def name_of_largest(values: Mapping[str, float]) -> str:
    """The name of the largest value, the first of equals; elementwise for arrays."""
    if _is_plain(*values.values()):
        return max(values, key=lambda name: values[name])
    import numpy

    return numpy.array([*values])[numpy.argmax(numpy.stack(numpy.broadcast_arrays(*values.values())), axis=0)]


def ceiling(value: float) -> int:
    """The least whole number not below the value, forgiving float rounding of one part in 1e12."""
    if _is_plain(value):
        return round(value) if abs(value - round(value)) <= ROUNDING * abs(value) else math.ceil(value)
    import numpy

    return numpy.ceil(value * (1 - ROUNDING))


def floor(value: float) -> int:
    """The largest whole number not above the value, forgiving float rounding of one part in 1e12."""
    return -ceiling(-value)


def last_that(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The last number for which a condition holds that holds at first, and no longer after."""
    if holds(high):
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
