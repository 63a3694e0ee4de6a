"""Laws of a timed model: what holds for every preset, layout and profile, and how much work an answer is."""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infercost import formulas
from infercost.models.find import find_model, with_format
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, law
from infercost.replica import step
from infercost.replica.chip import OTHER, PER_REQUEST, Chip, bounds_of, speeds_of
from infercost.replica.kernels import Timing, engine_of
from infercost.replica.layout import Layout
from infercost.replica.serving import Request, prefill_time, serve_closed, serve_rate
from infercost.replica.step import (
    Replica,
    critical_batch,
    decode_time,
    full_batch,
    pace_of,
    step_time,
    times_of,
)
from infercost.replica.work import matrix_rates, work_of
from infercost.scenario.read import ask
from infercost.scenario.resolve import resolve
from tests.conftest import calls_of, report_of


class Case(NamedTuple):
    """A model on a part under a layout."""

    model: str
    layout: Layout
    part: str = "h100"

    def __str__(self) -> str:
        return f"{self.model} {self.layout.flags} {self.part}"


CASES = (
    Case("llama-3.1-8b", Layout()),
    Case("llama-3.1-8b", Layout(2), "l40s"),
    Case("llama-3.1-70b", Layout(8)),
    Case("llama-3.1-70b", Layout(16)),
    Case("llama-3.1-70b", Layout(4, 2)),
    Case("mixtral-8x7b", Layout(2)),
    Case("mixtral-8x7b", Layout(8), "mi300x"),
    Case("deepseek-v3", Layout(8, 2)),
    Case("deepseek-v3", Layout(1, 1, 16)),
    Case("gemma-3-27b", Layout(2)),
    Case("gpt-oss-120b", Layout(1)),
    Case("gpt-oss-120b", Layout(4)),
)
ONE_STAGE = tuple(case for case in CASES if case.layout.pp == 1)
SPARSE = tuple(case for case in CASES if case.model in ("mixtral-8x7b", "deepseek-v3", "gpt-oss-120b"))
LAWS = {name: law(catalog.load("efficiency", name)) for name in catalog.names("efficiency")}
ROOFLINES, KERNELS = (tuple(name for name in LAWS if LAWS[name] == each) for each in ("roofline", "kernels"))
#: A hair for the last bits of floats.
HAIR = 1 + 1e-9

case = st.sampled_from(CASES)
one_stage = st.sampled_from(ONE_STAGE)
roofline = st.sampled_from(ROOFLINES)
profile = st.sampled_from((*ROOFLINES, *KERNELS))
batch = st.integers(1, 512)
context = st.integers(1, 100_000)


@cache
def replica(case: Case, profile: str = "vllm-2024") -> Replica:
    return replica_on(catalog.load("accelerators", case.part), case, profile)


def replica_on(part: Preset, case: Case, profile: str) -> Replica:
    constants, model = complete(catalog.load("efficiency", profile)), find_model(case.model).model
    of_request, peak = [constants.value(key) for key in PER_REQUEST], matrix_rates(model, part)
    if LAWS[profile] == "kernels":
        chip = Chip(
            part, *(catalog.load("architectures", name) for name in (part.labels.get("architecture", OTHER), OTHER))
        )
        timing = Timing(model, case.layout, chip, engine_of(part, constants))
        return Replica(work_of(model, case.layout), bounds_of(part, peak, 2.0), *of_request, timing)
    speeds = speeds_of(part, constants, peak, constants.labels["overlap"], 2.0)
    return Replica(work_of(model, case.layout), speeds, *of_request)


@cache
def bound(case: Case) -> Replica:
    part, model = catalog.load("accelerators", case.part), find_model(case.model).model
    return Replica(work_of(model, case.layout), bounds_of(part, matrix_rates(model, part), 2.0))


@given(case, profile, batch, context)
def test_no_step_beats_the_bound(case: Case, profile: str, batch: int, context: int) -> None:
    least = decode_time(bound(case), batch, context)
    assert 0 < least <= decode_time(replica(case, profile), batch, context) * HAIR


@given(case, profile, st.integers(1, 64), st.integers(1, 32_000), st.sampled_from([0.0, 0.5, 1.0]))
def test_no_prompt_beats_the_bound(case: Case, profile: str, prompts: int, tokens: int, cached: float) -> None:
    request = Request(tokens, 1, cached)
    least = prefill_time(bound(case), prompts, request)
    assert 0 < least <= prefill_time(replica(case, profile), prompts, request) * HAIR


RATES = ("flops_", "memory_bandwidth", "link_bandwidth", "network_bandwidth")


def faster(case: Case, profile: str, rate: str, factor: float) -> Replica:
    """The same on a part of which one rate, or all of its arithmetic, is so many times as high."""
    part = catalog.load("accelerators", case.part)
    for key, fact in part.facts.items():
        if key.startswith(rate):
            part = part.with_fact(key, fact._replace(value=fact.value * factor))
    return replica_on(part, case, profile)


@pytest.mark.parametrize("rate", RATES)
@settings(max_examples=30)
@given(case, profile, batch, context, st.floats(1, 1000))
def test_a_faster_part_never_slows(
    rate: str, case: Case, profile: str, batch: int, context: int, factor: float
) -> None:
    slow, fast = replica(case, profile), faster(case, profile, rate, factor)
    assert decode_time(fast, batch, context) <= decode_time(slow, batch, context) * HAIR
    request = Request(context, 1)
    assert prefill_time(fast, 1, request) <= prefill_time(slow, 1, request) * HAIR


@pytest.mark.parametrize("profile", ["vllm", "vllm-2024"])
@pytest.mark.parametrize(
    ("case", "rate"),
    [
        (Case("llama-3.1-8b", Layout()), "memory_bandwidth"),
        (Case("llama-3.1-70b", Layout(8)), "link_bandwidth"),
        (Case("llama-3.1-70b", Layout(16)), "network_bandwidth"),
    ],
)
def test_each_rate_counts_where_it_is_used(case: Case, rate: str, profile: str) -> None:
    assert decode_time(faster(case, profile, rate, 2), 64, 2048) < decode_time(replica(case, profile), 64, 2048) * 0.999


@pytest.mark.parametrize("model", ["llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "deepseek-v3", "gemma-3-27b"])
@given(st.integers(1, 64), st.integers(1, 16_000))
def test_tensor_parallelism_lowers_the_ideal_step(model: str, batch: int, context: int) -> None:
    """While reads bind: a large batch sends more over the links with each device, and they may bind instead."""
    steps = [decode_time(bound(Case(model, Layout(width))), batch, context) for width in (1, 2, 4, 8)]
    assert all(wide <= narrow * HAIR for narrow, wide in pairwise(steps))
    assert steps[-1] < steps[0]


@given(case, profile, st.integers(1, 30_000), st.integers(1, 30_000))
def test_a_longer_prompt_takes_longer(case: Case, profile: str, tokens: int, more: int) -> None:
    short, long = (prefill_time(replica(case, profile), 1, Request(length, 1)) for length in (tokens, tokens + more))
    assert short <= long * HAIR
    if tokens > 4096:
        assert short < long


@given(case, roofline, st.integers(1, 30_000), st.floats(0, 1), st.floats(0, 1))
def test_what_is_cached_costs_at_most_its_read(case: Case, profile: str, tokens: int, one: float, other: float) -> None:
    """A prompt does not read back what it has just computed: under the weights' read, cached tokens can take longer."""
    ready = replica(case, profile)
    few, many = (Request(tokens, 1, share) for share in sorted((one, other)))
    less, more = (prefill_time(ready, 1, request) for request in (few, many))
    speeds, work = ready.speeds, ready.work
    read = work.cache_read(1, many.cached) - work.cache_read(1, few.cached)
    assert more <= (less + read / (work.ranks * speeds.memory_bandwidth * speeds.cache_share)) * HAIR


@pytest.mark.parametrize("profile", [*ROOFLINES, *KERNELS])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_more_of_a_long_prompt_cached_is_faster(case: Case, profile: str) -> None:
    times = [prefill_time(replica(case, profile), 1, Request(30_000, 1, share)) for share in (0, 0.3, 0.6, 0.9)]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 4


@given(case, profile, batch, context)
def test_the_waits_add_up_to_the_step(case: Case, profile: str, batch: int, context: int) -> None:
    ready = replica(case, profile)
    times = times_of(ready, batch, context)
    step = times.step if ready.timing else step_time(times.parts, "operator")
    assert sum(times.by_operator.values()) == pytest.approx(step, rel=1e-12)
    assert min(times.by_operator.values()) >= 0


@given(case, st.sampled_from(KERNELS), batch, context)
def test_a_step_is_at_most_the_sum_of_its_parts(case: Case, profile: str, batch: int, context: int) -> None:
    """Arithmetic and traffic of a product overlap: each alone is no longer than the step."""
    parts, step, _ = times_of(replica(case, profile), batch, context)
    sent = parts.communication or 0.0
    assert step <= (parts.compute + parts.memory + sent + parts.overhead) * HAIR
    assert max(parts.compute, parts.memory) + sent + parts.overhead <= step * HAIR


@given(case, roofline, batch, context)
def test_overlap_only_helps(case: Case, profile: str, batch: int, context: int) -> None:
    parts = times_of(replica(case, profile), batch, context).parts
    full, operator, none = (step_time(parts, rule) for rule in ("full", "operator", "none"))
    assert full <= operator * HAIR
    assert operator <= none * HAIR


@given(case, profile, batch, context, st.integers(1, 8))
def test_drafts_that_are_never_accepted_are_no_gain(
    case: Case, profile: str, batch: int, context: int, drafts: int
) -> None:
    draft, target = (replica(each, profile) for each in (Case("llama-3.1-8b", Layout()), case))
    per_token = formulas.request.speculative_tpot(
        draft_tokens=drafts,
        draft_time=decode_time(draft, batch, context),
        verification_time=decode_time(target, batch, context, drafts + 1),
        speculative_tokens=formulas.request.speculative_tokens(draft_tokens=drafts, acceptance=0.0),
    )
    assert per_token > decode_time(target, batch, context)


#: Prompts and outputs, prefixes cached or not, with and without chunks, evenly spaced or in bursts.
REQUESTS = st.builds(
    Request,
    st.integers(100, 4000),
    st.integers(2, 1000),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([None, 2048]),
    st.sampled_from([0.0, 1.0, 2.0]),
)


@given(one_stage, profile, REQUESTS, st.floats(0.01, 20))
def test_little_holds_in_a_steady_state(case: Case, profile: str, request: Request, rate: float) -> None:
    served = serve_rate(replica(case, profile), rate, request, 256)
    if served.stable:
        assert served.batch == pytest.approx(rate * (request.output_tokens - 1) * served.itl, rel=1e-4)
        assert served.in_flight == pytest.approx(rate * served.request_time)
        assert served.request_time == pytest.approx(served.ttft + (request.output_tokens - 1) * served.itl)


@given(one_stage, profile, REQUESTS, st.floats(0.01, 10), st.floats(1.001, 3))
def test_a_higher_rate_keeps_more_in_flight(
    case: Case, profile: str, request: Request, rate: float, factor: float
) -> None:
    lower, higher = (serve_rate(replica(case, profile), each, request, 256) for each in (rate, rate * factor))
    assert higher.batch > lower.batch or not higher.stable
    assert lower.stable or not higher.stable


@pytest.mark.parametrize("profile", ["vllm", "vllm-2024"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_light_load_is_stable_and_an_impossible_one_is_not(case: Case, profile: str) -> None:
    request = Request(1000, 200)
    assert serve_rate(replica(case, profile), 0.1, request, 256).stable
    assert not serve_rate(replica(case, profile), 1e4, request, 256).stable


@given(case, profile, REQUESTS, st.integers(1, 256))
def test_users_who_wait_for_their_answer_make_the_rate(
    case: Case, profile: str, request: Request, concurrent: int
) -> None:
    served = serve_closed(replica(case, profile), concurrent, request)
    assert served.rate * served.request_time == pytest.approx(concurrent, rel=1e-3)


def test_mixtral_reads_two_experts_for_one_token_and_eight_for_many() -> None:
    """46,702,792,704 parameters in 16 bits: 32 x 8 x 3 x 4096 x 14336 of experts, 32000 x 4096 that are looked up."""
    work = replica(Case("mixtral-8x7b", Layout(2))).work
    experts, table = 32 * 8 * 3 * 4096 * 14336, 32_000 * 4096
    copied = work.ranks * 32 * 4096 * 8  # routers and norms that each rank may hold
    everything = 46_702_792_704 - table
    assert work.bytes_read(1) == pytest.approx(2 * (everything - experts * 6 / 8), abs=2 * copied)
    assert work.bytes_read(1e6) == pytest.approx(2 * everything, abs=2 * copied)


@given(st.sampled_from(SPARSE), st.floats(1, 1e5), st.floats(1, 10))
def test_a_step_reads_between_the_active_experts_and_all(case: Case, tokens: float, factor: float) -> None:
    work = replica(case).work
    active = work.bytes + sum(each.active * each.bytes for each in work.experts)
    every = work.bytes + sum(each.experts * each.bytes for each in work.experts)
    less, more = work.bytes_read(tokens), work.bytes_read(tokens * factor)
    assert active / HAIR <= less <= more * HAIR
    assert more <= every * HAIR


@pytest.mark.parametrize("profile", ["realistic", "vllm-2024", "ideal"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_pass_takes_an_array_of_batches(case: Case, profile: str) -> None:
    many = np.array([1.0, 3.0, 64.0, 1000.0])
    steps = decode_time(replica(case, profile), many, 2048)  # type: ignore[arg-type]
    one_by_one = [decode_time(replica(case, profile), float(each), 2048) for each in many]
    np.testing.assert_allclose(steps, one_by_one, rtol=1e-12)


@pytest.mark.parametrize("profile", ["vllm", "vllm-2024"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_is_a_few_formulas_however_many_layers(case: Case, profile: str) -> None:
    """A layer at a time would take thousands; ``python tools/bench.py`` prints how long these take."""
    ready = replica(case, profile)
    decode_time(ready, 1, 2048)  # what is summed over layers is summed once
    assert calls_of(lambda: decode_time(ready, 64, 2048)) < 500
    assert calls_of(lambda: serve_rate(ready, 4.0, Request(2048, 256), 256)) < 12_000


@pytest.mark.parametrize(
    ("layout", "ratio"), [({"tp": 1, "ep": 8}, 1.449), ({"tp": 8, "ep": 1}, 1.0)], ids=["ep", "tp"]
)
def test_the_rank_with_the_most_popular_experts_is_waited_for(layout: dict[str, int], ratio: float) -> None:
    """Where experts are spread, 64 tokens x 2 experts on 8 ranks meet 1 + sqrt(2 ln 8 x 8 / 128) = 1.51 of the mean.

    Of Mixtral's 12.75 billion parameters that multiply, 11.27 are experts': 1 + 0.51 x 0.88 of the arithmetic.
    """
    asked = {
        "gpu": "h100:8",
        "model": "mixtral-8x7b",
        "batch": 64,
        "context": 1000,
        "efficiency": "vllm-2024",
        **layout,
    }
    even, uneven = (
        report_of("utilization", {**asked, "set": {"efficiency.expert_imbalance": each}})["compute_time_s"]
        for each in ("0", "1")
    )
    assert uneven / even == pytest.approx(ratio, rel=0.01)


def test_matrices_of_two_formats_multiply_each_at_its_rate() -> None:
    """Llama 3.2 1B, whose tied embeddings stay in 16 bits: 973 million parameters at 1,979, 263 at 989.5 TFLOP/s."""
    model = with_format(find_model("llama-3.2-1b").model, "fp8", 8)
    layers, table = 16 * (2 * 2048 * 2048 + 2 * 2048 * 512 + 3 * 2048 * 8192), 128_256 * 2048
    part = catalog.load("accelerators", "h100-sxm")
    by_time = (layers + table) / (layers / 1979e12 + table / 989.5e12)
    assert matrix_rates(model, part).all == pytest.approx(by_time, rel=1e-3)
    whole = find_model("llama-3.2-1b").model
    assert matrix_rates(whole, part).all == pytest.approx(989.5e12, rel=1e-3)


@pytest.mark.parametrize("first", [1, 2, 3, 7, 8, 1000])
def test_the_batch_from_which_on_all_are_full(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    running = resolve(ask("utilization", {"gpu": "h100", "model": "llama-3.1-8b"})).running
    monkeypatch.setattr(step, "_is_full", lambda _, batch: batch >= first)
    assert full_batch(running) == first


@pytest.mark.parametrize("context", [1, 100, 1000])
def test_a_full_batch_is_the_first_whose_arithmetic_takes_as_long_as_its_reads(context: int) -> None:
    """Without caches it is the balance of the device, 989.5 TFLOP/s over 3.35 TB/s.

    A token of Llama 3.1 8B takes 16 us of arithmetic on one H100; its cache takes 3.9 us to read at 100 tokens, so that
    a third more of them share the weights, and 39 us at 1,000, so that no batch is full.
    """
    asked = {"gpu": "h100:4", "tp": 4, "model": "llama-3.1-8b", "context": context, "efficiency": "ideal"}
    running = resolve(ask("utilization", asked)).running
    full = full_batch(running)
    if context == 1000:
        assert full is None
        return
    assert full is not None
    before, there = (pace_of(running, batch).times.parts for batch in (full - 1, full))
    assert before.compute < before.memory
    assert there.compute >= there.memory
    critical = critical_batch(running)
    assert critical == pytest.approx(989.5 / 3.35, rel=0.001)  # the table, 0.53 of 8.03 GB, is not read
    assert full == pytest.approx(critical * (1 if context == 1 else 16 / (16 - 3.9)), rel=0.1)


@pytest.mark.parametrize(
    ("model", "batch"),
    [
        ("llama-3.1-8b", 295.34),  # 989.4 / 3.35 FLOP/B, 2 FLOP and 2 B a weight; its table is left out of both
        ("llama-3.2-1b", 295.34),  # the table is the head too, and read as such
        ("mixtral-8x7b", 295.34 * 46.57 / 12.75),  # 2 of 8 experts: 46.70 less 0.13 GB of table, 12.88 less the same
    ],
)
def test_the_critical_batch_reads_what_is_multiplied(model: str, batch: float) -> None:
    asked = {"gpu": "h100:2", "tp": 2, "model": model, "efficiency": "ideal", "context": 1}
    running = resolve(ask("utilization", asked)).running
    assert critical_batch(running) == pytest.approx(batch, rel=0.002)
    if model != "mixtral-8x7b":
        assert full_batch(running) == pytest.approx(296.5, abs=1)  # a token of cache is read beside them
