"""The parts of a pass under a roofline, by hand for Llama 3.1 8B and Mixtral on H100."""

from collections.abc import Callable
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infercost.formulas.recorder import explain, recording
from infercost.models.find import find_model
from infercost.models.model import Model, Quantization
from infercost.parts import catalog
from infercost.replica import kernels, work
from infercost.replica.chip import COUNTS, SHARES, TIMES, Chip, Kernel, Speeds, Way, bounds_of
from infercost.replica.kernels import Timing
from infercost.replica.layout import Layout, rank_weight_bytes
from infercost.replica.memory import KEPT, Drafting, Plan, Start
from infercost.replica.serving import Request, prefill_time, serve_batch
from infercost.replica.step import (
    Draft,
    Replica,
    Running,
    _hottest,
    critical_batch,
    decode_time,
    full_batch,
    pace_of,
    pass_parts,
    slower_from,
    step_time,
    times_of,
    tpot_of,
)
from infercost.replica.work import (
    Host,
    Load,
    MatrixRates,
    Offload,
    Parts,
    PassTimes,
    Times,
    Work,
    _experts_alone,
    _multiplied,
    _without_experts,
    matrix_rates,
    work_of,
)
from infercost.scenario.read import ask
from infercost.scenario.resolve import resolve
from tests.replica.test_serving import replica

BANDWIDTH, FLOPS = 3.35e12, 989.5e12
#: Keys and values of 32 layers of 8 heads of 128, of 2 bytes.
TOKEN = 32 * 2 * 8 * 128 * 2


def speeds() -> Speeds:
    bare = bounds_of(catalog.load("accelerators", "h100-sxm"), MatrixRates(FLOPS, FLOPS, FLOPS), 2.0)
    return bare._replace(memory_bandwidth=BANDWIDTH, attention_flops=FLOPS)


def test_a_bound_reaches_everything_and_adds_nothing() -> None:
    bare = speeds()
    assert [getattr(bare, name) for name in SHARES] == [1.0] * 5
    assert [getattr(bare, name) for name in (*TIMES, *COUNTS)] == [0.0] * 11
    assert (bare.overlap, bare.part, bare.alike, bare.over) == ("full", None, False, None)
    given = Speeds(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 2.0, "full")
    assert given[10:15] == (1.0,) * 5
    assert given[15:26] == (0.0,) * 11


@pytest.mark.parametrize(
    ("load", "read"),
    [
        (Load(4, 1000), 4 * 1000),  # four sequences of 1,000 tokens
        (Load(0, 0, 1, 500, 1), 0),  # a prompt
        (Load(0, 0, 1, 500, 2, 300), 2 * 300),  # the ends of two prompts, 300 tokens of each cached
        (Load(4, 1000, 1, 500, 1, 300), 4 * 1000 + 300),
        (Load(4, 1000, 1, 500, 1), 4 * 1000),
    ],
)
def test_caches_that_a_pass_reads(load: Load, read: int) -> None:
    for tp in (1, 2):
        parts = pass_parts(work_of(find_model("llama-3.1-8b").model, Layout(tp)), speeds(), load)
        assert parts.attention_memory == pytest.approx(read * TOKEN / (tp * BANDWIDTH))


@pytest.mark.parametrize(
    ("load", "pairs"),
    [
        (Load(4, 1000), 4 * 1000),
        (Load(0, 0, 1, 500, 1), 500 * 500 / 2),
        (Load(0, 0, 1, 500, 2), 2 * 250 * 250 / 2),
        (Load(0, 0, 1, 500, 1, 300), 500 * 500 / 2 + 500 * 300),
        (Load(4, 1000, 1, 500, 1), 4 * 1000 + 500 * 500 / 2),
    ],
)
def test_pairs_that_a_pass_attends(load: Load, pairs: float) -> None:
    """Four operations for each pair of elements of 32 heads of 128, in 32 layers."""
    for tp in (1, 2):
        parts = pass_parts(work_of(find_model("llama-3.1-8b").model, Layout(tp)), speeds(), load)
        assert parts.attention_compute == pytest.approx(pairs * 4 * 32 * 128 * 32 / (tp * FLOPS))


@pytest.mark.parametrize("batch", [1, 64])
def test_matrices_of_a_step(batch: int) -> None:
    """All but the table of inputs is read once, and multiplied for each token."""
    matrices = 32 * (4096 * 6144 + 4096 * 4096 + 3 * 4096 * 14336) + 4096 * 128_256
    norms = (2 * 32 + 1) * 4096
    parts = pass_parts(work_of(find_model("llama-3.1-8b").model, Layout()), speeds(), Load(batch, 1000))
    assert parts.matrix_memory == pytest.approx(2 * (matrices + norms) / BANDWIDTH, rel=1e-3)
    assert parts.matrix_compute == pytest.approx(2 * matrices * batch / FLOPS, rel=1e-3)


@pytest.mark.parametrize(("tokens", "hit"), [(1, 2), (2, 8 * (1 - 0.75**2)), (1000, 8)])
def test_experts_that_a_step_reads(tokens: int, hit: float) -> None:
    """Two of eight for each token of Mixtral: a mean of 8 (1 - (3/4)^n) of them."""
    model = find_model("mixtral-8x7b").model
    parts = pass_parts(work_of(model, Layout()), speeds(), Load(tokens, 10))
    rest = 32 * (4096 * 6144 + 4096 * 4096 + 4096 * 8) + 4096 * 32_000
    assert parts.matrix_memory == pytest.approx(2 * (rest + 32 * hit * 3 * 4096 * 14336) / BANDWIDTH, rel=1e-3)


@pytest.mark.parametrize(
    ("load", "tokens", "heads", "decoded"),
    [
        (Load(4, 1000), 4, 4, 4),
        (Load(4, 1000, 3), 12, 12, 12),  # each verifies three tokens
        (Load(0, 0, 1, 500, 1), 500, 1, 0),
        (Load(0, 0, 1, 500, 0.25), 500, 0.25, 0),  # a quarter of a prompt
        (Load(4, 1000, 1, 500, 2), 504, 6, 4),
        (Load(4, 1000, 3, 500, 2), 512, 14, 12),
    ],
)
def test_tokens_of_a_pass(load: Load, tokens: float, heads: float, decoded: float) -> None:
    assert (load.tokens, load.heads, load.decoded) == (tokens, heads, decoded)


def test_groups_without_a_prompt_wait_for_those_with_one() -> None:
    assert [Load(prompts=count).idle_groups(8) for count in (0.25, 1, 2, 8, 20)] == [8, 8, 4, 1, 1]
    assert Load(prompts=0.25).idle_groups(1) == 1
    assert [Load(prompts=count).idle_groups(2) for count in (1, 2)] == [2, 1]


def of(model: str, layout: Layout = Layout()) -> Work:  # noqa: B008
    return work_of(find_model(model).model, layout)


@pytest.mark.parametrize("layout", [Layout(), Layout(2), Layout(1, 1, 8), Layout(2, 1, 8), Layout(4, 2, 4)])
def test_caches_of_groups_are_read_by_their_own_ranks(layout: Layout) -> None:
    """Mixtral's are as large as Llama's: each sequence is read once, by the ranks of its group together."""
    assert of("mixtral-8x7b", layout).cache_read(64, 1000) == pytest.approx(64 * 1000 * TOKEN)


def test_the_fullest_group_is_waited_for() -> None:
    """Of 57 sequences on eight groups one has eight."""
    assert of("mixtral-8x7b", Layout(1, 1, 8)).cache_read(57, 1000) == pytest.approx(64 * 1000 * TOKEN)


def test_query_heads_that_share_a_kv_head_may_read_it_apart() -> None:
    """Four to each KV head of Llama, two where sixteen ranks hold each of them twice: half of the others read again."""
    assert of("llama-3.1-8b").cache_read(3, 1000, 0.5) == pytest.approx(3 * 1000 * TOKEN * (1 + 0.5 * 3))
    assert of("llama-3.1-8b", Layout(16)).cache_read(3, 1000, 0.5) == pytest.approx(3 * 1000 * 2 * TOKEN * (1 + 0.5))
    (latents,) = of("deepseek-v3").attending
    assert (latents.layers, latents.queries) == (61, 1)


@pytest.mark.parametrize(
    ("model", "routed", "head"),
    [("llama-3.1-8b", 0, 4096 * 128_256), ("mixtral-8x7b", 32 * 2 * 3 * 4096 * 14336, 4096 * 32_000)],
)
def test_operations_of_a_token(model: str, routed: int, head: int) -> None:
    """Two a parameter; the head's for those that need it, experts' as often as the fullest rank has them."""
    work = of(model)
    assert (work.routed, work.head) == (routed, head)
    assert work.flops_per_token() == 2 * (work.matrices + routed + head)
    assert work.flops_per_token(0.25, 3) == 2 * (work.matrices + 3 * routed + head / 4)


@pytest.mark.parametrize("cached", [0, 300])
def test_operations_of_a_whole_prompt(cached: int) -> None:
    """All layers for each of 1,000 tokens, the head for the last one; four for a pair of 32 x 128 in 32 layers."""
    work, layers = of("llama-3.1-8b"), 32 * (4096 * 6144 + 4096 * 4096 + 3 * 4096 * 14336)
    norms, pairs = (2 * 32 + 1) * 4096, 1000 * 1000 / 2 + 1000 * cached
    expected = 1000 * 2 * (layers + norms) + 2 * 4096 * 128_256 + pairs * 4 * 32 * 128 * 32
    assert work.whole_prompt_flops(1000, cached) == pytest.approx(expected, rel=1e-9)


def test_biases_of_experts_are_no_matrices() -> None:
    """gpt-oss 120B: 36 layers, 4 of 128 experts of three matrices of 2,880 x 2,880 and biases of 3 x 2,880."""
    work, matrices, biases = of("gpt-oss-120b"), 3 * 2880 * 2880, 3 * 2880
    assert work.routed == 36 * 4 * (matrices + biases)
    multiplied = _multiplied(work.model)
    assert multiplied["experts"] == 36 * 4 * matrices
    assert multiplied == {
        "attention": 36 * (2880 * 64 * (64 + 2 * 8) + 64 * 64 * 2880),
        "router": 36 * 2880 * 128,
        "experts": 36 * 4 * matrices,
        "head": 2880 * 201_088,
    }
    (experts,) = work.experts
    assert (experts.experts, experts.active) == (128, 4)
    assert experts.bytes == pytest.approx(36 * (matrices * 4.25 / 8 + biases * 2))


@pytest.mark.parametrize("tp", [1, 2])
def test_activations_between_the_matrices(tp: int) -> None:
    """Two bytes of eight widths, and of queries, keys, values and the inside of three matrices on each rank's part."""
    heads, inside = 32 * 128 + 2 * 8 * 128, 3 * 14336
    assert of("llama-3.1-8b", Layout(tp)).activation_bytes == 32 * 2 * (8 * 4096 + (2 * heads + inside) / tp)
    experts = 2 * 3 * 14336
    assert of("mixtral-8x7b", Layout(tp)).activation_bytes == 32 * 2 * (8 * 4096 + (2 * heads + experts) / tp)


#: Formulas that a pass has only under some layouts, by what there are several of.
ONLY = {
    "devices": {"activation_message", "communication_time"},
    "ranks": {"collectives", "rank_cache_read", "head_outputs", "rank_matrices", "layer_kv_heads"},
    "stages": {"stage_batch", "uneven_stages", "uneven_part", "hand_over_time", "pipelined_time", "staged_turns"},
    "both": {"hand_over_message"},
    "groups": {
        *("group_tokens", "group_sequences", "idle_groups", "flops_of_own_group", "busiest_tokens", "group_share"),
        *("prompt_groups", "group_chunks", "exchanges"),
    },
    "experts": {"experts_hit"},
    "slices": {"rank_expert_params", "rank_expert_weights", "expert_width"},
    "ep": {"hottest_rank", "hottest_expert_rank"},
}
OF_ROOFLINE = {"group_tokens", "group_sequences", "idle_groups", "flops_of_own_group", "hottest_rank"}
OF_KERNELS = {
    *("head_outputs", "rank_matrices", "layer_kv_heads", "busiest_tokens", "group_share", "prompt_groups"),
    *("group_chunks", "hottest_expert_rank", "rank_expert_params", "rank_expert_weights", "expert_width"),
}


def shown(work: Callable[[], object]) -> set[str]:
    """Names of the formulas of some work."""
    with recording() as calls:
        work()
    return {explain(call).name for call in calls}


@pytest.mark.parametrize("profile", ["vllm-2024", "vllm"])
@pytest.mark.parametrize(
    ("model", "layout", "several"),
    [
        ("llama-3.1-8b", Layout(), ""),
        ("llama-3.1-8b", Layout(2), "devices ranks"),
        ("llama-3.1-8b", Layout(1, 2), "devices stages"),
        ("llama-3.1-8b", Layout(2, 2), "devices ranks stages both"),
        ("mixtral-8x7b", Layout(), "experts"),
        ("mixtral-8x7b", Layout(2), "devices ranks experts slices"),
        ("mixtral-8x7b", Layout(1, 1, 2), "devices groups experts ep"),
        ("mixtral-8x7b", Layout(1, 1, 8), "devices groups experts ep"),
        ("mixtral-8x7b", Layout(2, 1, 8), "devices ranks groups experts ep"),
    ],
)
def test_a_pass_shows_no_step_of_what_there_is_one_of(profile: str, model: str, layout: Layout, several: str) -> None:
    ready = replica.__wrapped__(model, layout, profile)
    ready = ready._replace(timing=ready.timing and ready.timing.again())
    request, absent = Request(1000, 200), OF_ROOFLINE if ready.timing else OF_KERNELS
    found = shown(lambda: (serve_batch(ready, 20, request), prefill_time(ready, 1, request)))
    expected = set(chain.from_iterable(ONLY[name] for name in several.split())) - absent - {"staged_turns"}
    assert found & set(chain.from_iterable(ONLY.values())) == expected


def test_steps_of_a_bound_on_one_device() -> None:
    """Matrices, caches and attention: what is longer; nothing for heads, launches, activations or links."""
    bound = replica.__wrapped__("llama-3.1-8b", Layout(), "ideal")
    expected = {
        *("flops_per_token", "compute_time", "memory_time", "full_overlap_step", "layer_attention_flops"),
        *("attention_flops_per_token", "attention_compute_time", "layer_cache_read", "sequence_cache_read"),
        *("cache_read", "cache_time"),
    }
    assert shown(lambda: decode_time(bound, 64, 1000)) == expected
    prompts = shown(lambda: prefill_time(bound, 1, Request(1000, 200, 0.0, 1000)))
    assert not prompts & {"staged_prompts_time", "prompts_of_pass", "prompt_passes", "prompt_tokens", "pipelined_time"}
    assert shown(lambda: decode_time(bound, 64, 1000, 3)) == {*expected, "pass_tokens", "pass_heads"}


def running(**asked: Any) -> Running:
    """A question's replica as it steps: Llama 3.1 8B on one H100, at the bound unless it says otherwise."""
    plain = {"gpu": "h100", "model": "llama-3.1-8b", "context": 1000, "efficiency": "ideal"}
    return resolve(ask("utilization", {**plain, **asked})).running


def test_larger_batches_take_longer_but_where_more_stages_may_share_them() -> None:
    assert slower_from(running()) == (1,)
    assert slower_from(running(efficiency="erdil-2025", gpu="h100:8")) == (1, 2, 4, 6)


def test_a_token_without_a_draft_is_a_step() -> None:
    for efficiency in ("ideal", "vllm", "erdil-2025"):
        there = running(efficiency=efficiency)
        pace = pace_of(there, 8)
        assert pace.step == pace.tpot == pace.times.step == pytest.approx(tpot_of(there, 8))
        assert (pace.tokens_per_s, pace.draft) == (None, None)


@pytest.mark.parametrize("batch", [1, 8])
def test_a_draft_that_costs_a_share_of_a_step(batch: int) -> None:
    """Four tokens at a tenth of a step each, of which each is accepted at 0.7; five are verified at once."""
    there, draft = running(), Draft(4, 0.7, 0.1)
    yielded = 1 + 0.7 + 0.7**2 + 0.7**3 + 0.7**4
    step = 0.4 * decode_time(there.replica, batch, 1000) + decode_time(there.replica, batch, 1000, 5)
    pace = pace_of(there, batch, draft)
    assert pace.step == pytest.approx(step)
    assert pace.tpot == tpot_of(there, batch, draft) == pytest.approx(step / yielded)
    assert pace.draft is None
    assert pace.times.step == pytest.approx(decode_time(there.replica, batch, 1000, 5))


def test_a_draft_model_steps_beside() -> None:
    there, small = running(), find_model("llama-3.2-1b").model
    pace = pace_of(there, 8, Draft(4, 0.0, model=small))
    drafting = there.replica.of(small, Layout())
    assert pace.tpot == pytest.approx(4 * decode_time(drafting, 8, 1000) + decode_time(there.replica, 8, 1000, 5))
    assert pace.draft is not None
    assert pace.draft[1] == 4


def test_a_bare_count_fills_a_device_at_its_balance() -> None:
    """Without caches a batch of 2 x 989.4 / 2 / 3.35 is full: 296 of 16-bit weights, each read once and used twice."""
    bare = running(model=None, params="70B", dtype="bf16", context=None)
    assert critical_batch(bare) == pytest.approx(989.4 / 3.35)
    assert full_batch(bare) == 296
    before, there = (pace_of(bare, batch).times.parts for batch in (295, 296))
    assert before.compute < before.memory
    assert there.compute >= there.memory


def test_a_bare_count_with_a_draft_shows_no_head() -> None:
    bare = running(model=None, params="70B", dtype="bf16", context=None)
    found = shown(lambda: decode_time(bare.replica, 8, 1, 5))
    assert "head_share" not in found
    assert "compute_time" in found


@pytest.mark.parametrize(
    ("overlap", "step"),
    [("full", 3 + 4 + 1 + 0.5), ("operator", 5 + 1 + 4 + 3 + 0.5), ("none", 5 + 2 + 3 + 4 + 1 + 3 + 0.5)],
)
def test_rules_of_overlap(overlap: str, step: float) -> None:
    """Arithmetic of 5 and 2, reads of 3 and 4, activations of 1, collectives of 3, half of overhead; a host sends 1."""
    parts = Parts(5, 3, 2, 4, 1, 3, 0.5)
    assert step_time(parts, overlap) == step
    sent = {"full": 0, "operator": 1, "none": 1}[overlap]
    assert step_time(parts._replace(host=1), overlap) == step + sent
    assert step_time(parts._replace(communication=None), overlap) == step - (0 if overlap == "full" else 3)


@pytest.mark.parametrize(
    ("parts", "bound"),
    [
        (Parts(5, 3, 2, 4, 1, 3, 0.5), "memory"),
        (Parts(5, 3, 4, 4, 1, 3, 0.5), "compute"),
        (Parts(5, 3, 2, 4, 1, 9, 0.5), "communication"),
        (Parts(5, 3, 2, 4, 1, None, 9), "latency"),
        (Parts(5, 3, 2, 4, 1, 3, 0.5, 11), "host"),
        (Parts(5, 3, 2, 4, 1, 3, 0.5, 10), "memory"),  # half of a step of 20
    ],
)
def test_what_binds_is_what_takes_longest(parts: Parts, bound: str) -> None:
    assert Times(parts, 20.0).bound == bound


def test_what_a_step_waits_for() -> None:
    """Of matrices and of attention what takes longer, then the rest."""
    waits = Times(Parts(5, 3, 2, 4, 1, 3, 0.5), 1.0).by_operator
    assert waits == {"weights": 0, "cache": 4, "arithmetic": 5, "activations": 1, "collectives": 3, "launch": 0.5}
    other = Times(Parts(3, 5, 4, 2, 1, None, 0.5, 2), 1.0).by_operator
    assert other == {
        "weights": 5, "cache": 0, "arithmetic": 4, "activations": 1, "collectives": 0, "launch": 0.5, "host": 2,
    }  # fmt: skip


def test_stages_wait_for_the_fullest() -> None:
    """Llama's 32 layers on three stages: eleven on one, so that three parts take 33 / 32 times as long."""
    staged = replica("llama-3.1-8b", Layout(1, 3), "vllm-2024")
    part = pass_parts(staged.work, staged.speeds, Load(10, 1000))
    slow = times_of(staged, 30, 1000).parts
    assert slow[:7] == pytest.approx([33 / 32 * (each or 0) for each in part[:7]])
    assert slow.host == 0


def formats(bits: dict[str, float], default: float = 16) -> Model:
    return find_model("mixtral-8x7b").model._replace(quantization=Quantization("fp8", default, bits))


def test_matrices_multiply_at_the_rates_of_their_formats() -> None:
    """Mixtral on H100: 12.75 billion multiply for a token; in 8 bits twice as fast."""
    part, half, eight = catalog.load("accelerators", "h100-sxm"), 989.4e12, 1978.9e12
    experts, head = 32 * 2 * 3 * 4096 * 14336, 4096 * 32_000
    rest = 32 * (4096 * 6144 + 4096**2 + 4096 * 8)
    assert matrix_rates(formats({}), part) == (half, half, half)
    assert matrix_rates(formats({}, 8), part) == pytest.approx((eight, eight, eight))
    mixed = matrix_rates(formats({"experts": 8}), part)
    assert mixed.all == pytest.approx((experts + head + rest) / (experts / eight + (head + rest) / half))
    assert mixed.body == pytest.approx((experts + rest) / (experts / eight + rest / half))
    assert mixed.head == half
    whole = matrix_rates(formats({"head": 16}, 8), part)
    assert whole.all == pytest.approx((experts + head + rest) / ((experts + rest) / eight + head / half))
    assert whole[1:] == (pytest.approx(eight), half)


def test_a_format_that_a_part_has_no_rate_for_multiplies_at_the_main_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The main one is fp8, whose rate stands for that of 16 bits too."""
    part, eight = catalog.load("accelerators", "h100-sxm"), 1978.9e12
    monkeypatch.setattr(work, "find_rate", lambda *_: None)
    assert matrix_rates(formats({"experts": 8}), part) == pytest.approx((eight, eight, eight))


def test_shares_are_those_of_the_largest_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """30 of 100 FLOP/s and 4 of 16 B/s; without products of layers those of the head."""
    monkeypatch.setattr(kernels, "peak_of", lambda *_: 100.0)
    chip = SimpleNamespace(row=lambda *_: "", multiplied=str, part=None, bandwidth=16.0)
    small, large, head = (
        (SimpleNamespace(params=params, format="bf16"), SimpleNamespace(flops=flops, bandwidth=bandwidth))
        for params, flops, bandwidth in ((5, 10.0, 2.0), (7, 30.0, 4.0), (9, 50.0, 8.0))
    )
    for products, shares in (([small, large], (0.3, 0.25)), ([large, small], (0.3, 0.25)), ([], (0.5, 0.5))):
        timing = cast(Timing, SimpleNamespace(products=products, head=head, chip=chip))
        assert Timing.shares.fget(timing) == shares


@pytest.mark.parametrize(("scale", "reached", "steps"), [(1, 50, 0), (2, 100, 1)])
def test_bandwidth_is_scaled_where_there_is_a_scale(scale: float, reached: float, steps: int) -> None:
    chip = cast(Chip, SimpleNamespace(bandwidth=100, bandwidth_scale=scale))
    with recording() as calls:
        assert Chip.reach(chip, 0.5) == reached
    assert len(calls) == 1 + steps


@pytest.mark.parametrize(("stages", "shown_"), [(1, False), (2, True)])
def test_weights_of_a_stage_are_shown_where_there_are_several(stages: int, shown_: bool) -> None:
    model = find_model("llama-3.1-8b").model
    assert ("stage_weights" in shown(lambda: rank_weight_bytes(model, Layout(1, stages)))) is shown_


def test_a_layer_whose_experts_are_elsewhere_keeps_its_router_and_shared_expert() -> None:
    _, layer = find_model("deepseek-v3").model.layers
    ffn = layer.ffn._replace(expert_small=3)
    kept = _without_experts(layer._replace(ffn=ffn))
    assert (kept.ffn.experts, kept.ffn.active, kept.ffn.expert, kept.ffn.expert_small) == (0, 0, 0, 0)
    assert (kept.ffn.router, kept.ffn.shared) == (7168 * 256, 3 * 7168 * 2048)
    assert kept.attention == layer.attention
    alone = _experts_alone(ffn._replace(dense=5, small=6, reused=7))
    assert (alone.dense, alone.shared, alone.router, alone.small, alone.reused) == (0, 0, 0, 0, 0)
    assert (alone.experts, alone.active, alone.expert, alone.expert_small) == (256, 8, 3 * 7168 * 2048, 3)


def test_matrices_of_two_parts() -> None:
    """Llama on H100, its feed-forward parts in 8 bits: body and head by what takes how long."""
    part, half, eight = catalog.load("accelerators", "h100-sxm"), 989.4e12, 1978.9e12
    llama = find_model("llama-3.1-8b").model._replace(quantization=Quantization("fp8", 16, {"ffn": 8}))
    attention, ffn = 32 * (4096 * 6144 + 4096**2), 32 * 3 * 4096 * 14336
    assert matrix_rates(llama, part).body == pytest.approx((attention + ffn) / (attention / half + ffn / eight))
    head = 4096 * 128_256
    whole = (attention + head + ffn) / ((attention + head) / half + ffn / eight)
    assert matrix_rates(llama, part).all == pytest.approx(whole)


@pytest.mark.parametrize("prompts", [1, 4])
def test_a_pass_of_prompts_multiplies_few_rows_with_the_head(prompts: int) -> None:
    """Body in 8 bits, head in 16: of 400 tokens so many need the head."""
    part, model = catalog.load("accelerators", "h100-sxm"), formats({"head": 16}, 8)
    bare = bounds_of(part, matrix_rates(model, part), 2.0)
    work = work_of(model, Layout())
    found = pass_parts(work, bare, Load(0, 0, 1, 400, prompts)).matrix_compute
    body = 400 * 2 * (work.matrices + work.routed) / 1978.9e12
    assert found == pytest.approx(body + prompts * 2 * 4096 * 32_000 / 989.4e12)


def test_a_prompt_of_one_group_is_multiplied_by_its_ranks_alone() -> None:
    """Mixtral on eight groups: experts are everybody's, the rest of one prompt's matrices one group's of eight."""
    work = of("mixtral-8x7b", Layout(1, 1, 8))
    one, eight = (pass_parts(work, speeds(), Load(0, 0, 1, 800, count)).matrix_compute for count in (1, 8))
    assert one - eight == pytest.approx((7 * 800 * 2 * work.matrices - 7 * 2 * work.head) / (8 * FLOPS))
    decoding = pass_parts(work, speeds(), Load(800, 10)).matrix_compute
    assert decoding == pytest.approx(800 * 2 * (work.matrices + work.routed + work.head) / (8 * FLOPS))


def test_overhead_of_kernels_and_sequences() -> None:
    """Three kernels a layer and five a sparse one of Mixtral, a start, and each sequence's of a group."""
    slow = speeds()._replace(
        kernels_per_layer=3, kernels_per_sparse_layer=5, kernel_time=1e-6, step_overhead=1e-3, sequence_overhead=1e-5
    )
    llama, mixtral = of("llama-3.1-8b"), of("mixtral-8x7b", Layout(1, 1, 8))
    assert pass_parts(llama, slow, Load(64, 1000)).overhead == pytest.approx(32 * 3e-6 + 1e-3 + 64e-5)
    assert pass_parts(mixtral, slow, Load(64, 1000)).overhead == pytest.approx(32 * 5e-6 + 1e-3 + 8e-5)
    for key, value in (("step_overhead", 1e-3), ("sequence_overhead", 64e-5)):
        alone = speeds()._replace(**{key: value if key == "step_overhead" else 1e-5})
        assert pass_parts(llama, alone, Load(64, 1000)).overhead == pytest.approx(value)


def test_activations_of_a_groups_tokens() -> None:
    """A quarter of the traffic at half of the bandwidth."""
    slow = speeds()._replace(activation_traffic=0.25, memory_share=0.5)
    for layout, groups in ((Layout(), 1), (Layout(1, 1, 8), 8)):
        work = of("mixtral-8x7b", layout)
        expected = work.activation_bytes * 64 / groups * 0.25 / (0.5 * BANDWIDTH)
        assert pass_parts(work, slow, Load(64, 1000)).activations == pytest.approx(expected)


def test_a_draft_of_llama_cpp_has_no_layout() -> None:
    local = replica("llama-3.1-8b", Layout(), "llama.cpp")
    small = find_model("llama-3.2-1b").model
    assert local.of(small, Layout(1, 2)).work.layout == Layout()
    for profile in ("vllm", "ideal"):
        assert replica("llama-3.1-8b", Layout(), profile).of(small, Layout(1, 2)).work.layout == Layout(1, 2)
    assert (local.kernels, local.in_turn) == (None, local.timing)
    measured = replica("llama-3.1-8b", Layout(), "vllm")
    assert (measured.kernels, measured.in_turn) == (measured.timing, None)
    bound = replica("llama-3.1-8b", Layout(), "ideal")
    assert (bound.kernels, bound.in_turn) == (None, None)


def test_what_is_not_said_is_not_there() -> None:
    """One rank, no sequences, nothing in a host, nothing scaled, one token each."""
    assert Layout() == (1, 1, 1, 0)
    assert Load() == (0, 0, 1, 0, 0, 0, 0)
    assert Start() == (0, 0, 0, 0, 0, False, KEPT, None, False, 0)
    assert Replica(of("llama-3.1-8b"), speeds())[2:] == (0.0, 0.0, None)
    assert Draft(4, 0.5)[2:] == (0.0, None)
    assert Parts(1, 1, 1, 1, 1, 1, 1).host == 0.0
    assert PassTimes(1, [], ([], []), ([], []), (), 0.0, 1.0).far == 0.0
    assert Host(catalog.load("hosts", "grace"))[1:] == ("", 0)
    assert Offload() == (0, 0, False)
    assert Drafting(None).tokens == 1
    assert Kernel(1, 2, 3)[3:] == (2, 0.0, 0.0)
    assert Way(1, 2)[2:] == (1.0, 0.0)
    assert running().rack.setup.batch == 1
    bare = Plan(find_model("llama-3.1-8b").model, Layout(), 1, 1, 1, 1, 1, 1, 1, 1)
    assert bare[10:] == (None, None, Start(), False, None, "memory", 0)
    for profile in ("vllm", "llama.cpp"):
        timing = replica("llama-3.1-8b", Layout(), profile).timing
        assert timing is not None
        assert timing.keeps
        assert timing.sums.keeps
        assert timing.chip is None or timing.chip.keeps


def test_layers_of_most_experts_a_token_load_ranks_most_evenly() -> None:
    """Of unlike sparse layers the one whose experts a token uses most of counts."""
    speeds = cast(Speeds, SimpleNamespace(expert_imbalance=1.0))
    unlike, alike = (
        cast(Work, SimpleNamespace(layout=Layout(1, 1, 8), experts=[SimpleNamespace(active=n) for n in active]))
        for active in ((2, 8), (8, 8))
    )
    assert _hottest(unlike, speeds, 64) == _hottest(alike, speeds, 64) > 1
    assert _hottest(unlike, speeds, 0) == 1
