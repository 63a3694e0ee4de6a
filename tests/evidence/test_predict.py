"""A run on more devices than its layout needs is so many copies, each with its part of the batch."""

import pytest

from infercost.evidence.measured import Measured
from infercost.evidence.predict import prepare
from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.memory import shared_width

RUN = Measured(
    *("x", "me", "vllm 0.10.2", "llama-3.1-70b", "h100-sxm", "decode_ms_per_token", 20.0),
    weight_dtype="fp8",
    devices=4,
    tp=4,
    batch=32.0,
    input_tokens=1000.0,
    output_tokens=100.0,
)


def test_two_copies_share_a_batch() -> None:
    one, two = prepare(RUN), prepare(RUN._replace(devices=8, batch=64.0))
    assert (one.copies, one.batch, one.most, one.devices) == (1, 32, 32, 4)
    assert (two.copies, two.batch, two.most, two.devices) == (2, 32, 32, 8)
    profile = complete(catalog.load("efficiency", "vllm"))
    assert two.under(profile) == one.under(profile)
    assert two.at_best() == one.at_best()


def test_two_copies_decode_twice_the_tokens() -> None:
    rate = RUN._replace(metric="output_tok_s_total", kind="batch")
    profile = complete(catalog.load("efficiency", "vllm"))
    one, two = (prepare(run).under(profile) for run in (rate, rate._replace(devices=8, batch=64.0)))
    assert two == pytest.approx(2 * one)


@pytest.mark.parametrize(("ranks", "width"), [(1, 1), (2, 2), (6, 2), (8, 8), (12, 4)])
def test_a_draft_is_split_as_widely_as_its_heads_and_the_ranks_allow(ranks: int, width: int) -> None:
    """Llama 3.1 8B has 32 heads on 8 KV heads."""
    assert shared_width(find_model("llama-3.1-8b").model, ranks) == width
