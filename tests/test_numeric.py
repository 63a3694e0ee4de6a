"""The same of a number and of an array, each worked out by hand."""

import math
from collections.abc import Callable

import numpy
import pytest

from infercost import numeric


@pytest.mark.parametrize(
    ("value", "above", "below"),
    [(0.0, 0, 0), (1.2, 2, 1), (-1.2, -1, -2), (2.5, 3, 2), (7, 7, 7), (-7.0, -7, -7), (0.3, 1, 0)],
)
def test_whole_numbers_around_a_number(value: float, above: int, below: int) -> None:
    assert (numeric.ceiling(value), numeric.floor(value)) == (above, below)


@pytest.mark.parametrize("whole", [20, 3_000])
def test_a_part_in_a_trillion_is_forgiven_and_two_are_not(whole: int) -> None:
    assert numeric.ceiling(whole * (1 + 0.6e-12)) == whole
    assert numeric.ceiling(whole * (1 + 1.5e-12)) == whole + 1
    assert numeric.floor(whole * (1 - 0.6e-12)) == whole
    assert numeric.floor(whole * (1 - 1.5e-12)) == whole - 1


def test_whole_numbers_above_an_array() -> None:
    values = numpy.array([0.0, 1.2, 2.5, 7.0, 20 * (1 + 0.6e-12), 20 * (1 + 1.5e-12)])
    assert list(numeric.ceiling(values)) == [0, 2, 3, 7, 20, 21]  # type: ignore[arg-type, call-overload]


@pytest.mark.parametrize(
    ("function", "value", "result"),
    [(numeric.log2, 8.0, 3.0), (numeric.logarithm, math.e**2, 2.0), (numeric.root, 49.0, 7.0)],
)
def test_functions_of_one_number(function: Callable[..., float], value: float, result: float) -> None:
    assert function(value) == pytest.approx(result)
    assert function(numpy.array([value, 1.0])) == pytest.approx([result, function(1.0)])


def test_extremes() -> None:
    assert (numeric.maximum(3, 1.5, 2), numeric.minimum(3, 1.5, 2)) == (3, 1.5)
    pair = numpy.array([1.0, 5.0])
    for values in ((pair, 2.0), (2.0, pair)):
        assert list(numeric.maximum(*values)) == [2.0, 5.0]  # type: ignore[call-overload]
        assert list(numeric.minimum(*values)) == [1.0, 2.0]  # type: ignore[call-overload]
    assert list(numeric.maximum(numpy.array([1.0]), 2.0)) == [2.0]  # type: ignore[call-overload]


def test_the_name_of_the_largest() -> None:
    assert numeric.name_of_largest({"a": 1, "b": 3, "c": 3.0}) == "b"
    mixed = {"a": 2.0, "b": numpy.array([1.0, 3.0, 2.0])}
    assert list(numeric.name_of_largest(mixed)) == ["a", "b", "a"]


def test_one_or_the_other() -> None:
    assert (numeric.where(True, 1, 2), numeric.where(False, 1, 2)) == (1, 2)
    assert list(numeric.where(numpy.array([True, False]), 1, 2)) == [1, 2]


def test_a_function_of_one_number_over_an_array() -> None:
    assert numeric.each_of(lambda value: value**2, 3.0) == 9.0
    assert list(numeric.each_of(lambda value: value**2, numpy.array([3, 4]))) == [9.0, 16.0]  # type: ignore


def test_a_share_is_at_most_one() -> None:
    just, beyond = 1 + 0.5e-12, 1 + 1.5e-12
    assert (numeric.known_share(0.5), numeric.known_share(just), numeric.known_share(beyond)) == (0.5, just, None)
    shares = numeric.known_share(numpy.array([0.5, just, beyond]))  # type: ignore[arg-type]
    assert list(shares)[:2] == [0.5, just]  # type: ignore[arg-type]
    assert math.isnan(shares[2])  # type: ignore[index]


def test_what_can_be_left_out_is_the_plain_number_zero() -> None:
    assert numeric.is_nothing(0)
    assert numeric.is_nothing(0.0)
    assert not numeric.is_nothing(1e-300)
    assert not numeric.is_nothing(numpy.array([0.0]))


def test_the_last_number_for_which_a_condition_holds() -> None:
    assert numeric.last_that(lambda value: value**2 <= 2, 0.0, 2.0) == pytest.approx(math.sqrt(2), rel=1e-15)
    assert numeric.last_that(lambda value: value**2 <= 2, 0.0, 1.0) == 1.0
    # from 0 to 2^60 sixty halvings leave two neighbours: the condition holds at the lower one
    assert numeric.last_that(lambda value: value <= 12345, 0.0, 2.0**60) == 12345


@pytest.mark.parametrize(
    ("value", "digits", "above"), [(1.586, 1, 2), (1.586, 2, 1.6), (0.5561, 2, 0.56), (0.01061, 2, 0.011), (30, 1, 30)]
)
def test_the_next_number_of_so_many_digits(value: float, digits: int, above: float) -> None:
    assert numeric.rounded_up(value, digits) == above


@pytest.mark.parametrize(("last", "after"), [(0.3, 1), (7.5, 8), (999.999, 1000)])
def test_the_next_whole_number_takes_no_last_bits_before_it(last: float, after: int) -> None:
    asked: list[float] = []

    def holds(value: float) -> bool:
        asked.append(value)
        return value <= last

    assert math.ceil(numeric.last_that(holds, 0.0, 1000.0, whole=True)) == after
    assert len(asked) < 30
    asked.clear()
    assert numeric.last_that(holds, 0.0, 1000.0) == pytest.approx(last)
    assert len(asked) > 60
