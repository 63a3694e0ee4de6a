"""Laws of a server: first tokens, prices and loads, over layouts with stages and prompts of many chunks."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete, law
from infercost.replica import llama_cpp
from infercost.replica.chip import OTHER, PER_REQUEST, Chip, backend_of, bounds_of, speeds_of
from infercost.replica.kernels import Timing, engine_of
from infercost.replica.layout import Layout
from infercost.replica.serving import (
    Request,
    all_at_once,
    burst_ttft,
    chunk_of,
    decode_time,
    full_prefill_time,
    prefill_time,
    prompt_passes,
    prompts_gap,
    serve_batch,
    serve_closed,
    serve_rate,
)
from infercost.replica.step import Replica
from infercost.replica.work import matrix_rates, work_of

LAYOUTS = (
    ("llama-3.1-70b", Layout(4)),
    ("llama-3.1-70b", Layout(2, 3)),
    ("llama-3.1-8b", Layout(1, 7)),
    ("deepseek-v3", Layout(8, 4)),
    ("deepseek-v3", Layout(1, 1, 16)),
    ("gpt-oss-120b", Layout(2, 8)),
)
PROFILES = ("vllm", "sglang", "tensorrt-llm", "vllm-2024", "llama.cpp", "ideal")
#: Prompts of one chunk and of many, cached in part or not.
REQUESTS = st.builds(
    Request,
    st.integers(20, 20_000),
    st.integers(2, 1000),
    st.sampled_from([0.0, 0.6]),
    st.sampled_from([256, 512, 4096]),
    st.just(1.0),
)
HAIR = 1 + 1e-6
#: What the mean past of a prompt's parts may differ by from that of a whole one.
PARTS = 1 + 1e-3
layout, profile = st.sampled_from(LAYOUTS), st.sampled_from(PROFILES)


@cache
def replica(model: str, layout: Layout, profile: str) -> Replica:
    part = catalog.load("accelerators", "h100-sxm")
    stack = complete(catalog.on_part(catalog.load("efficiency", profile), part))
    read = find_model(model).model
    per_request = [stack.value(key) for key in PER_REQUEST]
    peak = matrix_rates(read, part)
    if law(stack) == "llama.cpp":
        local = llama_cpp.Timing(read, part, backend_of(stack))
        return Replica(work_of(read, Layout()), bounds_of(part, peak, 2.0), *per_request, local)
    if law(stack) == "kernels":
        chip = Chip(part, *(catalog.load("architectures", name) for name in ("hopper", OTHER)))
        timing = Timing(read, layout, chip, engine_of(part, stack))
        return Replica(work_of(read, layout), bounds_of(part, peak, 2.0), *per_request, timing)
    speeds = speeds_of(part, stack, peak, stack.labels["overlap"], 2.0)
    return Replica(work_of(read, layout), speeds, *per_request)


@given(layout, profile, REQUESTS, st.floats(1, 300))
def test_a_first_token_takes_the_passes_of_its_prompt(
    case: tuple[str, Layout], profile: str, request: Request, batch: float
) -> None:
    ready = replica(*case, profile)
    served = serve_batch(ready, batch, request)
    plain = decode_time(ready, 1, request.context)
    assert served.ttft * HAIR >= prompt_passes(ready, request) * plain
    assert served.itl * HAIR >= decode_time(ready, batch, request.context)


@settings(max_examples=60)
@given(layout, profile, REQUESTS)
def test_a_first_token_comes_later_the_higher_the_rate(
    case: tuple[str, Layout], profile: str, request: Request
) -> None:
    ready = replica(*case, profile)
    most = serve_rate(ready, 1e6, request, 256).rate
    served = [serve_rate(ready, most * load, request, 256) for load in (0.05, 0.2, 0.5, 0.8, 0.95, 0.99)]
    served = [each for each in served if each.stable]  # requests that pile up wait for ever
    assert all(less.ttft <= more.ttft * PARTS for less, more in pairwise(served))
    assert all(less.request_time <= more.request_time * PARTS for less, more in pairwise(served))


@settings(max_examples=60)
@given(layout, profile, REQUESTS)
def test_a_first_token_comes_later_the_more_are_in_flight(
    case: tuple[str, Layout], profile: str, request: Request
) -> None:
    ready = replica(*case, profile)
    served = [serve_closed(ready, slots, request) for slots in (1, 2, 7, 30, 120)]
    assert all(less.ttft <= more.ttft * PARTS for less, more in pairwise(served))


@given(layout, profile, REQUESTS, st.floats(1, 300))
def test_prompts_take_time(case: tuple[str, Layout], profile: str, request: Request, batch: float) -> None:
    assert prompts_gap(replica(*case, profile), batch, request) >= -1e-15


@settings(max_examples=60)
@given(layout, profile, REQUESTS, st.integers(1, 200))
def test_a_run_that_starts_at_once_lies_between_its_start_and_its_steady_state(
    case: tuple[str, Layout], profile: str, request: Request, slots: int
) -> None:
    ready = replica(*case, profile)
    served = serve_closed(ready, slots, request)
    mean, first = (all_at_once(ready, slots, request, served, run * slots) for run in (10, 1))
    assert first == pytest.approx(burst_ttft(ready, slots, request, served.itl))
    assert min(first, served.ttft) <= mean * HAIR
    assert mean <= max(first, served.ttft) * HAIR


@given(layout, profile, REQUESTS)
def test_a_lone_user_waits_for_nobody(case: tuple[str, Layout], profile: str, request: Request) -> None:
    ready = replica(*case, profile)
    served = serve_closed(ready, 1, request)
    assert served.itl == pytest.approx(decode_time(ready, 1, request.context))
    assert served.rate * served.request_time == pytest.approx(1)


@given(layout, profile, REQUESTS, st.integers(2, 200), st.floats(0.1, 1))
def test_slots_bound_what_runs_at_once(
    case: tuple[str, Layout], profile: str, request: Request, concurrent: int, share: float
) -> None:
    ready, most = replica(*case, profile), max(int(concurrent * share), 1)
    free, bound = (serve_closed(ready, concurrent, request, limit) for limit in (concurrent, most))
    assert bound.batch <= most * HAIR
    assert bound.ttft * HAIR >= free.ttft or bound.itl < free.itl
    assert bound.rate * bound.request_time == pytest.approx(concurrent, rel=1e-3)


@given(layout, REQUESTS, st.floats(0.05, 0.9))
def test_evenly_spaced_requests_wait_less(case: tuple[str, Layout], request: Request, load: float) -> None:
    ready = replica(*case, "vllm")
    rate = serve_rate(ready, 1e6, request, 256).rate * load
    random, even = (serve_rate(ready, rate, request._replace(burstiness=each), 256) for each in (1.0, 0.0))
    # prompts that come together share a pass, which those that come one by one never do
    assert even.ttft <= random.ttft * 1.1 or not random.stable


@pytest.mark.parametrize("chunk", [None, 512, 1024])
@pytest.mark.parametrize("profile", ["vllm-2024", "ideal"])
def test_where_nothing_else_runs_a_replica_of_one_group_is_full_of_one_prompt(profile: str, chunk: int | None) -> None:
    """Where no chunk is said, where one holds half of it, and where it holds one and no more."""
    lone, request = replica("llama-3.1-8b", Layout(1), profile), Request(1024, 2, chunk_tokens=chunk)
    assert full_prefill_time(lone, request) == pytest.approx(prefill_time(lone, 1, request), rel=PARTS - 1)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v3"])
@pytest.mark.parametrize("profile", ["llama.cpp", "vllm", "sglang", "tensorrt-llm"])
@pytest.mark.parametrize("prefix", [0.0, 0.9])
def test_prompts_without_a_gap_take_no_longer_than_one_after_another(model: str, profile: str, prefix: float) -> None:
    """The passes of a long prompt are the same beside others; short ones share a pass, and its reads of weights."""
    lone = replica(model, Layout(1), profile)
    for tokens in (9, 33, 200, 512, 513, 4096, 20_000, 100_000):
        request = Request(tokens, 1, prefix)
        full, alone = full_prefill_time(lone, request), prefill_time(lone, 1, request)
        assert full <= alone * HAIR
        assert full == pytest.approx(alone) or request.new < chunk_of(lone, request)
