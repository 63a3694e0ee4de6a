"""A run on more devices than its layout needs is so many copies, each with its part of the batch."""

import pytest

from infercost.evidence.predict import Measured, prepare, stored_as
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


def predicted(**changes: object) -> float:
    """What a run would measure on two copies of four devices, 64 sequences in all."""
    row = RUN._replace(**{"devices": 8, "batch": 64.0, **changes})  # type: ignore[arg-type]
    return prepare(row).under(complete(catalog.load("efficiency", "vllm")))


def test_rates_without_a_length_are_of_decode_steps_alone() -> None:
    step = predicted(output_tokens=None) / 1e3
    assert predicted(metric="output_tok_s_total", output_tokens=None) == pytest.approx(64 / step)
    assert predicted(metric="tok_s_single_user", output_tokens=None) == pytest.approx(1 / step)


def test_rates_of_a_batch_are_its_tokens_over_its_time() -> None:
    whole, told = predicted(metric="total_latency_ms") / 1e3, {"kind": "batch"}
    assert predicted(metric="output_tok_s_total", **told) == pytest.approx(64 * 100 / whole)
    assert predicted(metric="output_tok_s", **told) == pytest.approx(64 * 100 / whole)
    assert predicted(metric="total_tok_s", **told) == pytest.approx(64 * 1100 / whole)
    assert predicted(metric="output_tok_s_per_gpu", **told) == pytest.approx(64 * 100 / whole / 8)
    assert predicted(metric="output_tok_s_per_node", devices=4, batch=32.0, **told) == pytest.approx(64 * 100 / whole)
    assert predicted(metric="e2e", **told) == pytest.approx(whole)


def test_what_arrives_at_a_rate_leaves_at_it() -> None:
    """Four requests a second, two at each copy: 100 tokens out and 1,000 in of each."""
    told = {"request_rate": 4.0, "batch": None}
    assert predicted(metric="output_tok_s_total", **told) == pytest.approx(400, rel=1e-4)
    assert predicted(metric="total_tok_s", **told) == pytest.approx(4400, rel=1e-4)
    alone = {"request_rate": 2.0, "batch": None, "devices": 4}
    assert predicted(metric="ttft", **told) == pytest.approx(predicted(metric="ttft", **alone))
    assert predicted(metric="ttft_ms", **told) == pytest.approx(1e3 * predicted(metric="ttft", **told))


def test_prompts_of_copies_add_up() -> None:
    both, one = predicted(metric="input_tok_s_total"), predicted(metric="input_tok_s_total", devices=4, batch=32.0)
    assert both == pytest.approx(2 * one)
    assert predicted(metric="input_tok_s_per_gpu") == pytest.approx(both / 8)
    assert predicted(metric="input_tok_s_per_node") == pytest.approx(both)
    # first tokens of a batch come after all prompts, and 4.5 ms and 1 us a token outside of them
    first = predicted(metric="ttft") - 4.5e-3 - 1e-6 * 1000
    assert both == pytest.approx(64 * 1000 / first)


@pytest.mark.parametrize(
    ("named", "bits"), [("fp8", 8), ("int8", 8), ("bf16", 16), ("fp16", 16), ("fp32", 16), ("", 4)]
)
def test_a_cache_of_a_run(named: str, bits: float) -> None:
    """Engines keep one in 16 bits or in 8; a run that says nothing has the model's."""
    model = find_model("llama-3.1-8b").model._replace(kv_bits=4)
    assert stored_as(model, RUN._replace(kv_dtype=named, weight_dtype="bf16")).kv_bits == bits
