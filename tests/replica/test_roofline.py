"""The parts of a pass under a roofline, by hand for Llama 3.1 8B and Mixtral on H100."""

import pytest

from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.replica.layout import Layout
from infercost.replica.speeds import COUNTS, SHARES, TIMES, Speeds, bounds_of
from infercost.replica.step import pass_parts
from infercost.replica.work import Load, MatrixRates, Work, _multiplied, work_of

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
