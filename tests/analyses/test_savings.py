"""Savings in words: of formats and APIs, by hand, and why a smaller format may be dearer."""

from typing import Any

import pytest

import infercost
from infercost.analyses.prices import savings
from infercost.parts.formats import WEIGHTS
from infercost.quantities import Key
from infercost.scenario.read import Axis

NAMES = ("bf16", "fp8", "int4")
PAID, DECODE = "usd_per_million_tokens", "usd_per_million_tokens_decode"


def said(*prices: tuple[float, float], names: tuple[str, ...] = NAMES, key: str = "dtype") -> str:
    """The sentence on formats with prices of a million tokens and of decoding them."""
    axis = Axis(key, tuple(WEIGHTS[name] for name in names), Key(key, "", key))
    rows: list[dict[str, Any]] = [
        {key: name, PAID: paid, DECODE: decode} for name, (paid, decode) in zip(names, prices, strict=False)
    ]
    return savings(axis, ("tokens_per_s_per_user", PAID), rows)


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        (((4.0, 2.0), (3.0, 1.5)), " fp8 saves 25.0% of bf16's price."),
        (((4.0, 2.0), (3.0, 1.5), (2.0, 1.0)), " fp8 saves 25.0% of bf16's price, int4 saves 50.0%."),
        (
            ((4.0, 2.0), (3.0, 1.9), (5.0, 1.5)),
            " fp8 saves 25.0% of bf16's price, int4 costs 25.0% more; prompts cost $3.50 in int4, $1.10 in fp8.",
        ),
        (
            ((4.0, 2.0), (2.0, 1.0), (3.0, 1.8)),
            " fp8 saves 50.0% of bf16's price, int4 saves 25.0%; decoding costs $1.80 in int4, $1.00 in fp8.",
        ),
        (
            ((4.0, 2.0), (5.0, 2.6)),
            " fp8 costs 25.0% more than bf16; decoding costs $2.60 in fp8, $2.00 in bf16.",
        ),
        (((4.0, 2.0), (4.0, 2.0)), ""),
        (((4.0, 2.0),), ""),
    ],
)
def test_the_sentence_by_hand(prices: tuple[tuple[float, float], ...], words: str) -> None:
    assert said(*prices) == words


def test_a_larger_format_that_is_dearer_needs_no_why() -> None:
    assert said((3.0, 1.5), (4.0, 2.0), names=("fp8", "bf16")) == " bf16 costs 33.3% more than fp8."


def test_others_than_formats_and_apis_save_nothing() -> None:
    assert said((4.0, 2.0), (3.0, 1.5), key="model") == ""


def test_a_sweep_of_formats_ends_with_what_they_save() -> None:
    swept = infercost.utilization(gpu="h100:4", model="llama-3.1-70b", concurrency=64, sweep="dtype=bf16,fp8,int4")
    bf16, fp8, int4 = (row["usd_per_million_tokens"] for row in swept.series.rows)
    assert f"fp8 saves {1 - fp8 / bf16:.1%} of bf16's price, int4 costs {int4 / bf16 - 1:.1%} more; " in swept.verdict


def test_without_a_price_nothing_is_saved() -> None:
    swept = infercost.fit(gpu="h100:4", model="llama-3.1-70b", sweep="dtype=bf16,fp8")
    assert "saves" not in swept.verdict
