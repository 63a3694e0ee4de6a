"""How prompts join the steps of a batch, by hand: passes of a prompt, and steps that carry one."""

from math import inf

import numpy as np
import pytest

from infercost.numeric import zero_of
from infercost.replica import serving
from infercost.replica.layout import Layout
from infercost.replica.serving import (
    Request,
    Served,
    all_at_once,
    burst_ttft,
    chunk_of,
    decode_time,
    first_token_met,
    fullest,
    gap_and_prompt,
    prefill_time,
    prompt_passes,
    prompt_steps,
    prompts_gap,
    serve_batch,
    serve_closed,
    serve_rate,
    start_of,
    wait_for_step,
)
from infercost.replica.step import Replica, bytes_of_step, pass_parts, step_time, uneven_stages
from infercost.replica.work import Load
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
    assert chunk_of(replica("mixtral-8x7b", Layout(1, 1, 2), "vllm"), CHUNKED) == 500
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


def test_a_prompt_that_fills_a_pass_shares_it_with_none() -> None:
    ready = replica(MODEL, Layout(), "vllm")
    assert prompt_steps(ready, 500, Request(1000, 200, 0.0, 1000)) == pytest.approx(1 / 199)
    assert prompt_steps(ready, 500, Request(1000, 200, 0.0, 1001)) is None


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
    assert zero_of(lambda x: 8 - x**3, low, high) == pytest.approx(zero, rel=1e-4)


def test_a_root_is_found_at_once_on_a_straight_line() -> None:
    tried: list[float] = []

    def excess(x: float) -> float:
        tried.append(x)
        return 6 - 2 * x

    assert zero_of(excess, 0.0, 10.0) == 3.0
    assert tried == [0.0, 10.0, 3.0]


@pytest.mark.parametrize(("low", "high", "zero"), [(3.0, 9.0, 3.0), (0.0, 3.0, 3.0), (4.0, 9.0, 4.0), (0.0, 2.0, 2.0)])
def test_a_root_at_an_end_is_found_there(low: float, high: float, zero: float) -> None:
    tried: list[float] = []

    def excess(x: float) -> float:
        tried.append(x)
        return 6 - 2 * x

    assert zero_of(excess, low, high) == zero
    assert tried == [low, high]


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


def pass_of(ready: Replica, load: Load, parts: float = 1) -> float:
    """Seconds of one pass."""
    assert ready.timing is not None
    return ready.timing.pass_of(load, uneven_stages(ready, parts)).step


#: A prompt of 3,000 tokens and an answer of 200, whose mean context is 3,100.
LONG = Request(3000, 200)


@pytest.mark.parametrize(
    ("profile", "together", "decoding", "turns"),
    [
        # parts of prompts fill a pass of 8,192: eight prompts take 4.5 x 3,000 / 8,192 and half a pass on average
        ("vllm", 8192 / 3000, (8 - 8192 / 3000) / 2, 4.5 * 3000 / 8192 + 0.5),
        # two whole prompts a pass, while nothing decodes, or while half of the other six do
        ("sglang", 2, 0, (8 / 2 + 1) / 2),
        ("tensorrt-llm", 2, 3, (8 / 2 + 1) / 2),
    ],
)
def test_passes_of_prompts_that_come_at_once(profile: str, together: float, decoding: float, turns: float) -> None:
    ready = replica(MODEL, Layout(), profile)
    asked = LONG._replace(chunk_tokens=8192)
    one = pass_of(ready, Load(decoding, 3100, 1, together * 3000, together, 0, 3000))
    assert burst_ttft(ready, 8, asked, 0.0) == pytest.approx(start_of(ready, asked) + turns * one)


def test_a_chunk_of_several_prompts_is_one_pass() -> None:
    """Two prompts of 3,000 tokens fit in 8,192: one pass, in which nothing else decodes."""
    ready = replica(MODEL, Layout(), "vllm")
    one = pass_of(ready, Load(0, 3100, 1, 6000, 2, 0, 3000))
    assert burst_ttft(ready, 2, LONG, 0.0) == pytest.approx(start_of(ready, LONG) + one)


def test_long_prompts_that_come_at_once_take_several_passes_each() -> None:
    """Of 3,000 tokens in chunks of 1,000 each has three passes, one prompt at a time: 3 x (4 + 1) / 2."""
    ready, asked = replica(MODEL, Layout(), "sglang"), LONG._replace(chunk_tokens=1000)
    one = pass_of(ready, Load(0, 3100, 1, 1000, 1 / 3, 0, 3000))
    assert burst_ttft(ready, 4, asked, 0.0) == pytest.approx(start_of(ready, asked) + 7.5 * one)
    filled = replica(MODEL, Layout(), "vllm")
    part = pass_of(filled, Load((4 - 1) / 2, 3100, 1, 1000, 1 / 3, 0, 3000))
    assert burst_ttft(filled, 4, asked, 0.0) == pytest.approx(start_of(filled, asked) + (2.5 * 3 + 0.5) * part)


@pytest.mark.parametrize(("seen", "left", "turns"), [(0, 8, 2.5), (4, 4, 0.5 + 0.5 * 1.5), (7, 1, 7 / 8 + 1 / 8)])
def test_prompts_that_were_seen_need_one_turn(seen: int, left: int, turns: float) -> None:
    """Of eight so many are cached; the others come two a pass, as many as there are."""
    ready, asked = replica(MODEL, Layout(), "tensorrt-llm"), LONG._replace(chunk_tokens=8192)
    together = min(left, 2)
    one = pass_of(ready, Load((8 - together) / 2, 3100, 1, together * 3000, together, 0, 3000))
    assert burst_ttft(ready, 8, asked, 0.0, seen) == pytest.approx(start_of(ready, asked) + turns * one)


def test_prompts_that_were_all_seen_are_one_pass_of_their_last_tokens() -> None:
    ready, asked = replica(MODEL, Layout(), "tensorrt-llm"), LONG._replace(chunk_tokens=8192)
    one = pass_of(ready, Load(0, 3100, 1, 8, 8, 2999, 1))
    assert burst_ttft(ready, 8, asked, 0.0, 8) == pytest.approx(start_of(ready, asked) + one)


def test_prompts_that_come_at_once_share_the_stages() -> None:
    """2.5 turns of two stages: (2.5 + 1) / 2 passes through both; under a roofline 4.5 turns, (4.5 + 1) / 2."""
    ready, asked = replica(MODEL, Layout(1, 2), "sglang"), LONG._replace(chunk_tokens=8192)
    one = pass_of(ready, Load(0, 3100, 1, 6000, 2, 0, 3000), 2)
    assert burst_ttft(ready, 8, asked, 0.0) == pytest.approx(start_of(ready, asked) + 1.75 * one)
    plain = replica(MODEL, Layout(1, 2), "vllm-2024")
    first = start_of(plain, LONG) + wait_for_step(plain, 0.01) + 2.75 * prefill_time(plain, 1, LONG)
    assert burst_ttft(plain, 8, LONG, 0.01) == pytest.approx(first)
    assert wait_for_step(plain, 0.01) > 0


def test_a_run_of_a_few_requests_a_slot() -> None:
    """32 requests on eight slots: a quarter meets the start, three quarters the steady state; 10 s cold for a quarter.

    Where three slots run at once the other five wait 5 x 5 / 8 / 2 of the time between requests.
    """
    ready = replica(MODEL, Layout(), "vllm")
    served = serve_closed(ready, 8, LONG)
    first = burst_ttft(ready, 8, LONG, served.itl)
    assert all_at_once(ready, 8, LONG, served, 32) == pytest.approx(0.75 * served.ttft + first / 4)
    assert all_at_once(ready, 8, LONG, served, 32, cold=10) == pytest.approx(0.75 * served.ttft + first / 4 + 2.5)
    assert all_at_once(ready, 8, LONG, served, 5) == pytest.approx(burst_ttft(ready, 5, LONG, served.itl))
    three = burst_ttft(ready, 3, LONG, served.itl) + 25 / 8 / 2 / served.rate
    assert all_at_once(ready, 8, LONG, served, 32, 3) == pytest.approx(0.75 * served.ttft + three / 4)


@pytest.mark.parametrize(
    ("request_", "full"),
    [
        (CHUNKED, 250 / 1000 * 199),
        (Request(1000, 200, 0.5, 250), 250 / 500 * 199),
        (Request(1000, 200), inf),
        (Request(1000, 1, 0.0, 250), 0.25),
    ],
)
def test_the_batch_that_its_prompts_keep_full(request_: Request, full: float) -> None:
    """199 steps of a request, a quarter of its prompt in each: no more than 49.75 requests."""
    assert fullest(replica(MODEL, Layout(), "vllm-2024"), request_) == pytest.approx(full)
    assert fullest(replica(MODEL, Layout(1, 3), "vllm-2024"), request_) == pytest.approx(3 * full)


def test_of_a_chunk_of_the_engines_own_a_batch_of_one_is_never_too_many() -> None:
    """vLLM's 8,192 tokens of prompts of 16,384, with one token decoded: half a request, but one runs all the same."""
    ready = replica(MODEL, Layout(), "vllm")
    assert fullest(ready, Request(16_384, 2)) == 1.0
    assert fullest(ready, Request(4096, 101)) == pytest.approx(200)


def test_steps_of_a_batch_with_prompts_by_hand() -> None:
    """Of 199 steps of 20 requests 20 x 4 carry a quarter of a prompt, after half of the rest on average."""
    ready = replica(MODEL, Layout(), "vllm-2024")
    plain = decode_time(ready, 20, 1100)
    riding = step_time(pass_parts(ready.work, ready.speeds, Load(20, 1100, 1, 250, 0.25, 375)), ready.speeds.overlap)
    itl, prompt = gap_and_prompt(ready, 20, CHUNKED)
    assert prompt == pytest.approx(4 * riding)
    assert itl == pytest.approx(plain + 20 / 199 * 4 * (riding - plain))
    assert prompts_gap(ready, 20, CHUNKED) == pytest.approx(itl - plain)
    others, _ = gap_and_prompt(ready, 20, CHUNKED, 4)  # of four users each meets the prompts of three
    assert others == pytest.approx(plain + 3 / 4 * 20 / 199 * 4 * (riding - plain))
    alone, _ = gap_and_prompt(ready, 1, CHUNKED, 1)
    assert alone == pytest.approx(decode_time(ready, 1, 1100))


def test_steps_of_a_batch_whose_prompts_share_them() -> None:
    """100 requests begin 100 / 199 prompts in each step, of 502.5 tokens after 248.7; a prompt has part in four."""
    ready = replica(MODEL, Layout(), "vllm-2024")
    each = 100 / 199
    load = Load(100, 1100, 1, 1000 * each, each, 500 * (1 - each))
    riding = step_time(pass_parts(ready.work, ready.speeds, load), ready.speeds.overlap)
    assert gap_and_prompt(ready, 100, CHUNKED) == pytest.approx((riding, 4 * riding))


@pytest.mark.parametrize(("profile", "alone"), [("vllm", False), ("sglang", True)])
def test_steps_of_measured_kernels_with_prompts(profile: str, alone: bool) -> None:
    """20 requests of prompts of 4,000 in chunks of 4,096: 20 / 199 begin in a step, one in a pass."""
    ready, asked = replica(MODEL, Layout(), profile), Request(4000, 200, 0.0, 4096)
    plain = decode_time(ready, 20, 4100)
    riding = pass_of(ready, Load(0 if alone else 20, 4100, 1, 4000, 1, 0, 4000), 20)
    delay = riding - (0 if alone else plain)
    assert gap_and_prompt(ready, 20, asked) == pytest.approx((plain + 20 / 199 * delay, riding))


def test_a_steady_state_by_littles_law() -> None:
    """Half of the time 20 decode: they leave at 20 / (199 steps) of that half."""
    ready = replica(MODEL, Layout(), "vllm-2024")
    itl, prompt = gap_and_prompt(ready, 20, CHUNKED)
    first = ready.request_overhead + ready.steps_waited * itl + prompt
    rate = 0.5 * 20 / (199 * itl)
    whole = first + 199 * itl
    assert serve_batch(ready, 20, CHUNKED, 0.5) == pytest.approx(
        Served(10, rate * whole, rate, itl, first, whole, True)
    )


def test_what_runs_out_of_slots_waits() -> None:
    """Of 40 users eight are served at once: the others wait, by Little's law, until one is done."""
    ready = replica(MODEL, Layout(), "vllm-2024")
    eight, forty = serve_closed(ready, 8, CHUNKED), serve_closed(ready, 40, CHUNKED, 8)
    assert forty.rate == pytest.approx(eight.rate, rel=1e-4)
    wait = 40 / forty.rate - eight.request_time
    assert forty.ttft == pytest.approx(eight.ttft + wait, rel=1e-4)
    assert forty.request_time == pytest.approx(40 / forty.rate)
    assert (forty.in_flight, eight.in_flight) == (40.0, 8.0)


@pytest.mark.parametrize("profile", ["vllm", "sglang"])
def test_a_load_of_next_to_nothing_is_served_as_one_user_is(profile: str) -> None:
    """A request in three days: the mean batch is the rate times the time that one decodes."""
    ready = replica(MODEL, Layout(), profile)
    served, lone = serve_rate(ready, 4e-6, CHUNKED, 256), serve_closed(ready, 1, CHUNKED)
    assert served.batch == pytest.approx(4e-6 * 199 * lone.itl, rel=1e-3)
    assert served.itl == pytest.approx(lone.itl, rel=1e-3)
    assert served.ttft == pytest.approx(lone.ttft, rel=1e-3)


def test_more_than_a_replica_serves_piles_up() -> None:
    for profile in ("vllm", "vllm-2024"):
        ready = replica(MODEL, Layout(), profile)
        most = serve_closed(ready, 16, CHUNKED)
        over = serve_rate(ready, 100 * most.rate, CHUNKED, 16)
        assert not over.stable
        assert (over.rate, over.itl, over.in_flight) == (most.rate, most.itl, 16.0)
        assert over.ttft >= most.ttft


@pytest.mark.parametrize(
    ("rate", "in_flight", "stable"), [(1.0, 4.0, True), (1.0, 4.5, False), (0.9, 4.0, False), (0.9, 4.5, False)]
)
def test_a_load_is_stable_where_its_rate_is_met_by_no_more_than_may_run(
    rate: float, in_flight: float, stable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request a second arrives and four may run; else four are served in turn, of the later first token."""
    met, closed = Served(3, in_flight, rate, 1, 2, 5, True), Served(4, 4, 0.8, 1, 1.5, 5, True)
    monkeypatch.setattr(serving, "_queued", lambda *_: met)
    monkeypatch.setattr(serving, "serve_closed", lambda *_: closed)
    served = serve_rate(replica(MODEL, Layout(), "vllm-2024"), 1.0, CHUNKED, 4)
    assert served == (met if stable else Served(4, 4, 0.8, 1, 2, 5, False))


def test_bytes_of_a_step() -> None:
    """15.01 GB of weights, and 131,072 bytes a token; two stages read their weights for each half of 64 sequences."""
    weights = replica(MODEL, Layout(), "ideal").work.bytes
    assert weights == pytest.approx(2 * (8.03e9 - 128_256 * 4096), rel=1e-3)
    assert bytes_of_step(replica(MODEL, Layout(), "ideal"), 64, 1000) == weights + 64 * 1000 * 131_072
    staged = bytes_of_step(replica(MODEL, Layout(1, 2), "ideal"), 64, 1000)
    assert staged == pytest.approx(2 * (weights + 32 * 1000 * 131_072))


@pytest.mark.parametrize("profile", ["vllm", "vllm-2024"])
def test_prompts_follow_each_other_through_two_stages(profile: str) -> None:
    """One takes a pass through both; a second follows it at the distance of a stage: half a pass more, and so on."""
    ready = replica(MODEL, Layout(1, 2), profile)
    one = prefill_time(ready, 1, LONG)
    assert prefill_time(ready, 2, LONG) == pytest.approx(1.5 * one)
    if ready.timing:
        assert one == pytest.approx(pass_of(ready, Load(0, 0, 1, 3000, 1, 0, 3000), 1))


def test_prompts_in_chunks_have_half_of_themselves_before_a_mean_pass() -> None:
    """3,000 tokens in three passes of 1,000, after 1,000 on average; two of 1,500 share three passes as well."""
    ready = replica(MODEL, Layout(), "vllm-2024")
    for prompts, asked in ((1, Request(3000, 200, 0.0, 1000)), (2, Request(1500, 200, 0.0, 1000))):
        before = asked.new / 2 * (1 - 1 / 3)
        load = Load(prompt_tokens=1000, prompts=prompts / 3, cached=before)
        one = step_time(pass_parts(ready.work, ready.speeds, load), ready.speeds.overlap)
        assert prefill_time(ready, prompts, asked) == pytest.approx(3 * one)
    measured = replica(MODEL, Layout(), "vllm")
    one = pass_of(measured, Load(0, 3100, 1, 1000, 1 / 3, 0, 3000))
    assert prefill_time(measured, 1, LONG._replace(chunk_tokens=1000)) == pytest.approx(3 * one)


def test_a_request_in_tokens() -> None:
    """A tenth of 1,000 is cached, or all but the last; one decodes one by one even of a single token."""
    asked = Request(1000, 200, 0.1)
    assert (asked.decoded, asked.cached, asked.new, asked.context) == (199, 100, 900, 1100)
    whole = Request(1000, 1, 1.0)
    assert (whole.decoded, whole.cached, whole.new, whole.context) == (1, 999, 1, 1000.5)
    assert (Request(1000, 200).cached, Request(1000, 200).chunk_tokens, Request(1000, 200).burstiness) == (0, None, 1)
