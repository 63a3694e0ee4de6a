"""Lists and ranges of quantities: both ends included, in the units of their option."""

import pytest

from infercost import units
from infercost.errors import BadValue
from infercost.units import MOST_POINTS, parse_batches, parse_range


@pytest.mark.parametrize(
    ("kind", "text", "points"),
    [
        (units.TOKENS, "1k,16k,4k,1k", (1000, 16_000, 4000)),
        (units.TOKENS, "0,1k:8k", (0, 1000, 2000, 4000, 8000)),
        (units.TOKENS, "4k:128k:x4", (4000, 16_000, 64_000, 128_000)),
        (units.WHOLE, "10:100:40", (10, 50, 90, 100)),
        (units.WHOLE, "10:30:+10", (10, 20, 30)),
        (units.WHOLE, "1:6:x1.5", (1, 2, 3, 5, 6)),  # 1.5, 2.25, 3.375 and 5.0625, whole
        (units.WHOLE, "5:5", (5,)),
        (units.WHOLE, "1,128,256", (1, 128, 256)),
        (units.SHARE, "0.001,0.025", (0.001, 0.025)),
        (units.SHARE, "10%:50%:10%", (0.1, 0.2, 0.3, 0.4, 0.5)),
        (units.BANDWIDTH, "1TB/s:10TB/s:x2", (1e12, 2e12, 4e12, 8e12, 10e12)),
        (units.BANDWIDTH, "1TiB/s:4TiB/s", (2.0**40, 2.0**41, 2.0**42)),
        (units.HOURLY, "$1/h:$3/h:$0.5/h", (1, 1.5, 2, 2.5, 3)),
        (units.RATE, "0.1:0.3:0.1", (0.1, 0.2, 0.3)),
    ],
)
def test_ranges(kind: units.Kind, text: str, points: tuple[float, ...]) -> None:
    assert parse_range(kind, text, "x") == points


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        ("1k:", "is empty"),
        ("8:1", "falls"),
        ("1:9:0", "not above zero"),
        ("1:9:-2", "below zero"),
        ("1:9:x1", "does not grow"),
        ("1:9:x0.5", "does not grow"),
        ("0:9", "starts at 0"),
        ("1:2:3:4", "more than two colons"),
        ("1:1e6:1", "has 999,999 points"),
        ("1:9:GB", "is not a number"),
        ("1,024", "'1,024' is a list of values here"),
        ("1k,10,000,20k", "'10,000' is a list of values here"),
        ("1,000,10,000", "'1,000' is a list of values here"),
    ],
)
def test_what_is_no_range_is_refused(text: str, what: str) -> None:
    with pytest.raises(BadValue) as error:
        parse_range(units.TOKENS, text, "--sweep context")
    assert error.value.what.startswith("--sweep context: ")
    assert what in error.value.what


def test_the_most_points() -> None:
    assert len(parse_range(units.WHOLE, f"1:{MOST_POINTS}:1", "x")) == MOST_POINTS


@pytest.mark.parametrize(
    ("text", "batches"),
    [
        ("1,8,64", (1, 8, 64)),
        ("64,1,8,8", (1, 8, 64)),
        ("1:16", (1, 2, 4, 8, 16)),
        ("1:10", (1, 2, 4, 8, 10)),
        ("3:20", (3, 6, 12, 20)),
        ("1:4,100", (1, 2, 4, 100)),
        ("7", (7,)),
        ("1,8:64:8", (1, 8, 16, 24, 32, 40, 48, 56, 64)),
    ],
)
def test_batches(text: str, batches: tuple[int, ...]) -> None:
    assert parse_batches(text) == batches


@pytest.mark.parametrize("text", ["", ",", "1:", ":8", "8:1", "1:2:3:4", "a", "0:4", "1.5", "1:1e99"])
def test_batches_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_batches(text)
