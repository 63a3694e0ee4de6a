"""How prompts join the steps of a batch, by hand: passes of a prompt, and steps that carry one."""

from math import inf

import numpy as np
import pytest

from infercost.replica.layout import Layout
from infercost.replica.serving import (
    Request,
    burst_ttft,
    chunk_of,
    first_token_met,
    prefill_time,
    prompt_passes,
    prompt_steps,
    prompts_gap,
    root,
    serve_batch,
    start_of,
    wait_for_step,
)
from tests.replica.test_serving import replica

MODEL = "llama-3.1-8b"
#: Four passes of 250 tokens; 199 tokens are decoded one by one.
CHUNKED = Request(1000, 200, 0.0, 250)


@pytest.mark.parametrize(
    ("request_", "passes"),
    [(CHUNKED, 4), (Request(1001, 200, 0.0, 250), 5), (Request(250, 200, 0.0, 250), 1), (Request(1000, 200), 1)],
)
def test_a_prompt_takes_a_pass_for_each_chunk(request_: Request, passes: int) -> None:
    assert prompt_passes(replica(MODEL, Layout(), "vllm-2024"), request_) == passes


def test_an_engine_has_a_chunk_of_its_own_and_each_group_has_one() -> None:
    """vLLM takes 8,192 tokens a pass unless told otherwise; of 16 groups each takes as many."""
    assert chunk_of(replica(MODEL, Layout(), "vllm"), Request(1000, 200)) == 8192
    assert chunk_of(replica(MODEL, Layout(), "vllm"), CHUNKED) == 250
    assert chunk_of(replica("deepseek-v3", Layout(1, 1, 16), "vllm"), CHUNKED) == 16 * 250
    assert chunk_of(replica(MODEL, Layout(), "vllm-2024"), Request(1000, 200)) == inf


@pytest.mark.parametrize(
    ("layout", "batch", "steps"),
    [
        # of 199 steps of a request four carry a part of its own prompt: 49 such requests fill 196 steps
        (Layout(), 1, 4 / 199),
        (Layout(), 49, 4 / 199),
        (Layout(), 50, None),
        # three stages make three times as many passes
        (Layout(1, 3), 149, 4 / 597),
        (Layout(1, 3), 150, None),
    ],
)
def test_steps_that_carry_a_prompt(layout: Layout, batch: float, steps: float | None) -> None:
    assert prompt_steps(replica(MODEL, layout, "vllm-2024"), batch, CHUNKED) == pytest.approx(steps)


@pytest.mark.parametrize(
    ("profile", "steps"), [("vllm", 4 / 199), ("tensorrt-llm", 4 / 199), ("llama.cpp", 4 / 199), ("sglang", 0.0)]
)
def test_engines_that_decode_nothing_meanwhile_have_no_such_steps(profile: str, steps: float) -> None:
    """SGLang takes prompts alone; the others fill their passes with parts of prompts, however many there are."""
    for batch in (1, 500):
        assert prompt_steps(replica(MODEL, Layout(), profile), batch, CHUNKED) == pytest.approx(steps)


def test_prompts_that_share_a_pass_have_no_steps_of_their_own() -> None:
    """A prompt of 1,000 tokens leaves room for others in a pass of 8,192: a batch of 200 has more than 199 to carry."""
    ready = replica(MODEL, Layout(), "vllm")
    assert prompt_steps(ready, 199, Request(1000, 200)) == pytest.approx(1 / 199)
    assert prompt_steps(ready, 200, Request(1000, 200)) is None


@pytest.mark.parametrize(
    ("low", "high", "zero"), [(0.0, 10.0, 2.0), (0.0, 1.5, 1.5), (3.0, 9.0, 3.0), (1e-9, 1e3, 2.0)]
)
def test_where_a_falling_excess_is_nothing(low: float, high: float, zero: float) -> None:
    """Of 8 - x³; the end nearest to it where it is not between them."""
    assert root(lambda x: 8 - x**3, low, high) == pytest.approx(zero, rel=1e-4)


def test_a_root_is_found_at_once_on_a_straight_line() -> None:
    tried: list[float] = []

    def excess(x: float) -> float:
        tried.append(x)
        return 6 - 2 * x

    assert root(excess, 0.0, 10.0) == 3.0
    assert tried == [0.0, 10.0, 3.0]


def test_a_first_token_waits_for_prompts_before_its_own_where_kernels_are_known() -> None:
    for profile in ("vllm-2024", "ideal"):
        ready = replica(MODEL, Layout(), profile)
        assert first_token_met(ready, 40, CHUNKED) == serve_batch(ready, 40, CHUNKED).ttft
    for profile in ("vllm", "sglang", "tensorrt-llm"):
        ready = replica(MODEL, Layout(), profile)
        assert first_token_met(ready, 40, Request(4000, 200)) > 1.01 * serve_batch(ready, 40, Request(4000, 200)).ttft


@pytest.mark.parametrize("tokens", [1, 8, 25, 32, 33, 200])
@pytest.mark.parametrize("batch", [1, 7.5, 40])
@pytest.mark.parametrize("profile", ["llama.cpp", "vllm", "sglang", "vllm-2024", "ideal"])
def test_no_first_token_comes_before_its_own_prompt_could(profile: str, batch: float, tokens: float) -> None:
    for layout in (Layout(), Layout(1, 2)):
        ready = replica("qwen3-30b-a3b", layout, profile)
        request = Request(tokens, 200)
        assert serve_batch(ready, batch, request).ttft >= prefill_time(ready, 1, request) * (1 - 1e-12)


@pytest.mark.parametrize("profile", ["vllm", "sglang", "tensorrt-llm", "llama.cpp", "vllm-2024"])
def test_of_prompts_that_come_at_once_each_more_takes_longer(profile: str) -> None:
    """Prompts of 3,000 tokens are bound by arithmetic: a mean of two takes the time of one and a half, or of both."""
    ready, request = replica(MODEL, Layout(), profile), Request(3000, 200)
    one, two, four, eight = (burst_ttft(ready, count, request, 0.0) for count in (1, 2, 4, 8))
    assert 1.3 * one < two < 2.1 * one
    assert 1.3 * two < four < 2.1 * two
    assert 1.3 * four < eight < 2.1 * four


@pytest.mark.parametrize("profile", ["vllm", "sglang", "vllm-2024", "ideal"])
@pytest.mark.parametrize("layout", [Layout(), Layout(1, 3)], ids=["one", "stages"])
def test_gaps_of_an_array_of_batches_are_those_of_each(profile: str, layout: Layout) -> None:
    """On both sides of 49, from where prompts share steps; where several passes take a prompt, and where one does."""
    ready, batches = replica(MODEL, layout, profile), [1, 12, 48, 51, 150, 600]
    for request in (CHUNKED, Request(1000, 200)):
        together = prompts_gap(ready, np.array(batches, dtype=float), request)  # type: ignore[arg-type]
        alone = [prompts_gap(ready, float(batch), request) for batch in batches]
        assert list(together) == pytest.approx(alone, rel=1e-6)  # type: ignore[call-overload]


def test_prompts_that_fill_all_stages_take_each_its_part_of_the_work() -> None:
    """At the bound 64 prompts on four stages take a quarter of the time of one device: arithmetic binds."""
    one, four = replica(MODEL, Layout(), "ideal"), replica(MODEL, Layout(1, 4), "ideal")
    request = Request(2000, 200)
    assert prefill_time(four, 64, request) == pytest.approx(prefill_time(one, 64, request) / 4, rel=1e-3)


def test_a_prompt_alone_goes_through_one_stage_after_another() -> None:
    """Of three prompts on three stages each is a part: the first and the last step have one stage busy, 5 of 9."""
    ready, request = replica(MODEL, Layout(1, 3), "vllm-2024"), Request(2000, 200)
    one = prefill_time(ready, 1, request)
    assert one == pytest.approx(prefill_time(replica(MODEL, Layout(), "vllm-2024"), 1, request), rel=0.1)
    assert prefill_time(ready, 3, request) == pytest.approx(one / 3 * 5, rel=0.02)


@pytest.mark.parametrize("profile", ["vllm-2024", "ideal"])
@pytest.mark.parametrize("request_", [CHUNKED, Request(1000, 200), Request(5000, 200, 0.5, 512)])
def test_one_request_at_an_idle_replica_waits_for_its_own_prompt_alone(profile: str, request_: Request) -> None:
    ready = replica(MODEL, Layout(), profile)
    expected = prefill_time(ready, 1, request_) + start_of(ready, request_) + wait_for_step(ready, 0.0)
    assert burst_ttft(ready, 1, request_, 0.0) == pytest.approx(expected)


def test_prompts_that_were_seen_take_next_to_nothing() -> None:
    """Of eight at once half were seen before: a first token comes sooner than of eight, and not before that of four."""
    ready, request = replica(MODEL, Layout(), "tensorrt-llm"), Request(3000, 200)
    none, half, every = (burst_ttft(ready, 8, request, 0.0, seen) for seen in (0, 4, 8))
    four = burst_ttft(ready, 4, request, 0.0)
    assert every < half < none
    assert half < four
    assert every < 0.1 * none
