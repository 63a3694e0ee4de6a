"""The parts of a pass under a roofline, by hand for Llama 3.1 8B and Mixtral on H100."""

import pytest

from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.replica.layout import Layout
from infercost.replica.speeds import COUNTS, SHARES, TIMES, Speeds, bounds_of
from infercost.replica.step import pass_parts
from infercost.replica.work import Load, MatrixRates, work_of

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
