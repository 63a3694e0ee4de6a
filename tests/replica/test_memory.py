"""What an accelerator and a host hold, by hand from round figures."""

from types import SimpleNamespace
from typing import cast

import pytest

from infercost.models.find import find_model
from infercost.models.model import Model
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.parts.stack import complete
from infercost.replica.layout import Layout
from infercost.replica.memory import (
    KEPT,
    UNKNOWN,
    WHOLE,
    Blocks,
    Drafting,
    Plan,
    Rule,
    Start,
    _captured,
    plan,
    share_memory,
    shared_width,
    start_of,
)
from infercost.replica.work import USABLE, Host, Link, Load, Offload, Over, split

#: Bytes of Llama 3.1 8B's cache of one token: 32 layers of 8 KV heads of 128, keys and values of 2 bytes.
TOKEN = 32 * 2 * 8 * 128 * 2


def model(name: str = "llama-3.1-8b") -> Model:
    return find_model(name).model


def held(pool: float, context: float = 1000, batch: int = 1, layout: Layout = Layout(), name: str = "") -> Plan:  # noqa: B008
    """A plan with such a pool on a device of 80 GB."""
    return Plan(model(name or "llama-3.1-8b"), layout, 80e9, 0.9, 16e9, 2e9, 1e9, pool, context, batch)


@pytest.mark.parametrize(
    ("pool", "batch", "left", "fits", "barely"),
    [
        (5 * 1000 * TOKEN, 5, 0, True, True),
        (5 * 1000 * TOKEN - 1, 5, -1, False, False),
        (40_000 * TOKEN + 4e9, 40, 4e9, True, False),  # a twentieth of 80 GB is left, of 5.24 GB for as many again
        (40_000 * TOKEN + 4e9 - 1, 40, 4e9 - 1, True, True),
        (2000 * TOKEN, 1, 1000 * TOKEN, True, False),  # room for another
        (2000 * TOKEN - 1, 1, 1000 * TOKEN - 1, True, True),
    ],
)
def test_what_sequences_leave_of_a_pool(pool: float, batch: int, left: float, fits: bool, barely: bool) -> None:
    there = held(pool, batch=batch)
    assert (there.left, there.fits, there.barely) == (left, fits, barely)
    assert (there.cache, there.per_sequence) == (batch * 1000 * TOKEN, 1000 * TOKEN)


@pytest.mark.parametrize(
    ("pool", "sequences", "context"),
    [
        (3 * 1000 * TOKEN, 3, 1500),
        (3 * 1000 * TOKEN - 1, 2, 1499),
        (TOKEN, 0, 0),
        (2 * TOKEN, 0, 1),
        (0, 0, 0),
        (-1, 0, 0),
    ],
)
def test_sequences_and_positions_that_a_pool_holds(pool: float, sequences: int, context: int) -> None:
    """Two sequences: half of the positions that one would have."""
    there = held(pool, batch=2)
    assert (there.max_sequences, there.longest_context) == (sequences, context)


def test_groups_have_pools_of_their_own() -> None:
    """Eight groups of Mixtral: 57 sequences are eight on the fullest; each pool holds nine of 1,000 tokens."""
    there = held(9 * 1000 * TOKEN, batch=57, layout=Layout(1, 1, 8), name="mixtral-8x7b")
    assert (there.per_rank, there.cache, there.max_sequences) == (8, 8 * 1000 * TOKEN, 72)
    assert there.longest_context == 9 * 1000 // 8


def test_a_model_is_made_for_so_many_tokens() -> None:
    assert held(1e6 * TOKEN).longest_context == 1_000_000
    assert held(1e6 * TOKEN).usable_context == 131_072
    assert held(500 * TOKEN).usable_context == 500


def test_what_keeps_no_cache_on_the_cards_has_no_limit_there() -> None:
    parts = split(model(), Offload(cache=True))
    there = held(0)._replace(model=parts.near)
    assert (there.per_sequence, there.max_sequences, there.longest_context, there.fits) == (0, None, None, True)
    assert there._replace(pool=-1).max_sequences == 0


def hosted(offload: Offload, memory: float, pool: float = 1e12, batch: int = 1) -> Plan:
    """The same with a part in a host of so much memory."""
    preset = catalog.load("hosts", "desktop-ddr5")
    preset = preset.with_fact("memory", preset.fact("memory")._replace(value=memory))
    return held(pool, batch=batch)._replace(host=Host(preset), split=split(model(), offload))


#: Weights of one layer of Llama 3.1 8B in 16 bits.
LAYER = 2 * (4096 * 6144 + 4096 * 4096 + 3 * 4096 * 14336 + 2 * 4096)


def test_without_a_host_nothing_lies_there() -> None:
    there = held(1e9)
    assert (there.far_weights, there.far_cache, there.host_bytes, there.host_left) == (0, 0, 0, 0)


def test_layers_in_a_host() -> None:
    """Half of the layers: their weights, and half of each sequence's cache, in 0.85 of its memory."""
    there = hosted(Offload(layers=16), 64e9, batch=3)
    cache = 1000 * TOKEN / 2
    assert USABLE == 0.85
    assert (there.far_weights, there.far_cache) == (16 * LAYER, cache)
    assert there.host_bytes == 16 * LAYER + 3 * cache
    assert there.host_left == pytest.approx(0.85 * 64e9 - 16 * LAYER - 3 * cache)
    assert there.host_needed == pytest.approx((16 * LAYER + 3 * cache) / 0.85)
    assert there.per_sequence == cache


@pytest.mark.parametrize(
    ("more", "pool", "sequences", "context"),
    [
        (7, 1e12, 7, 7000),  # the host holds as many
        (7, 5 * 500 * TOKEN, 5, 5000),  # the cards do
        (0, 1e12, 0, 0),
        (-1, 1e12, 0, 0),
    ],
)
def test_both_memories_hold_a_sequence(more: float, pool: float, sequences: int, context: int) -> None:
    there = hosted(Offload(layers=16), (16 * LAYER + more * 500 * TOKEN + 1) / 0.85, pool)
    assert there.max_sequences == sequences
    assert there.longest_context == context
    assert there.fits == (sequences > 0)


def test_a_host_too_small_for_its_weights_holds_nothing() -> None:
    parts = find_model("mixtral-8x7b").model
    there = hosted(Offload(), 1e9)._replace(model=parts, split=split(parts, Offload(experts=32)))
    assert there.far_cache == 0
    assert (there.max_sequences, there.longest_context, there.fits) == (0, 0, False)
    enough = hosted(Offload(), 200e9, 4 * 1000 * TOKEN)._replace(model=parts, split=split(parts, Offload(experts=32)))
    assert (enough.max_sequences, enough.longest_context, enough.fits) == (4, 4000, True)


def test_a_cache_in_the_host_alone_is_limited_there_alone() -> None:
    there = hosted(Offload(cache=True), (3 * 1000 * TOKEN + 1) / 0.85, 0)
    assert (there.far_weights, there.max_sequences, there.longest_context) == (0, 3, 3000)
    assert hosted(Offload(cache=True), (500 * TOKEN) / 0.85, 0).max_sequences == 0


PROFILE = complete(catalog.load("efficiency", "vllm"))
#: What vLLM sets aside for Llama 3.1 8B: logits of 128,256 words at 16,106 bytes each, and a quarter of a GiB.
LOGITS, ENGINE = 128_256 * 16_106, 0.25 * 2**30


@pytest.mark.parametrize(
    ("memory", "usable", "unreserved"),
    [
        (LOGITS + ENGINE, 1.0, False),  # exactly
        (LOGITS + ENGINE - 1, 1.0, True),
        ((LOGITS + ENGINE) / 0.9 - 2, 0.9, True),
        ((LOGITS + ENGINE) / 0.9 + 2, 0.9, False),
        (80e9, 0.9, False),
    ],
)
def test_an_engine_sets_aside_no_more_than_there_is(memory: float, usable: float, unreserved: bool) -> None:
    there = plan(model(), Layout(), PROFILE, device_memory=memory, usable=usable, context=1, batch=1)
    weights = 2 * 8_030_261_248
    reserved = 0 if unreserved else LOGITS + ENGINE
    assert there.weights == weights
    assert (there.unreserved, there.activations + there.engine) == (unreserved, reserved)
    assert there.pool == pytest.approx(memory * usable - weights - reserved, abs=1)


def test_how_an_engine_starts() -> None:
    """vLLM takes 1,024 sequences and 8,192 tokens on large parts, 256 and 2,048 below 70 GiB, or what it is asked."""
    large, small = (catalog.load("accelerators", name) for name in ("h100-sxm", "rtx-4090"))
    assert start_of(PROFILE, large, None, None)[:5] == (1024, 1024, 8192, 8192, 0)
    assert start_of(PROFILE, small, None, None)[:5] == (256, 1024, 2048, 8192, 0)
    assert start_of(PROFILE, small, 64, 4096)[:5] == (64, 1024, 4096, 8192, 64)
    assert (start_of(PROFILE, large).over_pcie, start_of(PROFILE, small).over_pcie) == (False, True)
    other = complete(catalog.load("efficiency", "ideal"))
    assert start_of(other, small, 64, 4096)[:5] == (0, 0, 0, 0, 64)


def test_what_an_engine_keeps_of_windows() -> None:
    part = catalog.load("accelerators", "h100-sxm")
    old = PROFILE._replace(name="vllm@0.8.5")
    assert [start_of(each, part).windows for each in (PROFILE, old)] == [KEPT, WHOLE]
    bare = part._replace(labels={key: value for key, value in part.labels.items() if key != "engine"})
    assert start_of(PROFILE, bare).windows == UNKNOWN


@pytest.mark.parametrize(("total", "of", "sequences"), [(100, 4, 25), (100, 1, 70), (10, 1, 7), (11, 1, 7), (3, 4, 0)])
def test_sequences_of_blocks_of_states(total: int, of: int, sequences: int) -> None:
    """Each takes so many blocks; later releases had left 0.7 of them."""
    assert Blocks(total, of).sequences == sequences
    assert (Blocks(10, 1).are_few(7), Blocks(10, 1).are_few(8)) == (False, True)


def test_a_pool_of_nothing_has_no_blocks() -> None:
    assert held(0, name="qwen3-next-80b-a3b").blocks is None
    assert held(-1, name="qwen3-next-80b-a3b").blocks is None
    assert held(1, name="qwen3-next-80b-a3b").blocks == Blocks(0, 4)
    assert held(1e9).blocks is None


@pytest.mark.parametrize(("ranks", "width"), [(1, 1), (2, 2), (3, 1), (8, 8), (12, 4), (24, 8), (64, 32)])
def test_as_many_ranks_share_a_draft_as_split_it_evenly(ranks: int, width: int) -> None:
    """Llama 3.2 1B: 32 query heads over 8 of KV."""
    assert shared_width(model("llama-3.2-1b"), ranks) == width


def test_a_draft_takes_its_weights_of_the_pool_and_a_cache_of_each_sequence() -> None:
    """Llama 3.2 1B on two ranks of a stage: 1,235,814,400 parameters, 16 layers of 8 KV heads of 64."""
    drafted = share_memory(held(20e9, layout=Layout(2, 2)), Drafting(model("llama-3.2-1b"), 4))
    token, own = 16 * 2 * 8 * 64 * 2 / 2, TOKEN / 2 / 2
    assert drafted.draft is not None
    assert drafted.draft.layout == Layout(2)
    norms = (2 * 16 + 1) * 2048
    weights = 2 * (1_235_814_400 - norms) / 2 + 2 * norms
    assert drafted.pool == pytest.approx(20e9 - weights)
    assert drafted.per_sequence == pytest.approx(1000 * (own + token))
    assert drafted.growth == pytest.approx(own + token)
    assert held(20e9, layout=Layout(2, 2)).growth == pytest.approx(own)
    assert share_memory(held(20e9), None) == held(20e9)


@pytest.mark.parametrize(
    ("card", "host", "memory", "bandwidth", "narrowest"),
    [
        (60e9, 30e9, 1e12, 60e9, "host"),
        (20e9, 30e9, 1e12, 40e9, "card"),
        (None, 30e9, 1e12, 60e9, "host"),
        (30e9, 30e9, 1e12, 60e9, "host"),
        (60e9, 30e9, 50e9, 50e9, "memory"),
        (60e9, 30e9, 60e9, 60e9, "host"),
    ],
)
def test_the_way_from_a_host(card: float | None, host: float, memory: float, bandwidth: float, narrowest: str) -> None:
    """Two cards, each over its own link, out of one memory."""
    way = Link(2, card, host, memory)
    assert (way.bandwidth, way.narrowest) == (bandwidth, narrowest)
    assert Over(30e9, 1e9, way).time(Load(5, 1000)) == pytest.approx(35e9 / bandwidth)


def test_ways_to_put_a_part_into_a_host() -> None:
    """Mixtral: as few layers' experts as do, then whole layers; a count that was asked for, at most all 32."""
    preset, mixtral, llama = catalog.load("hosts", "grace"), model("mixtral-8x7b"), model()
    every = list(Host(preset).ways(mixtral))
    assert every[:33] == [Offload(experts=count) for count in range(33)]
    assert every[33:] == [Offload(experts=32, layers=count) for count in range(1, 33)]
    assert list(Host(preset).ways(llama))[:2] == [Offload(), Offload(layers=1)]
    for layers, experts in ((0, 32), (5, 5), (99, 32)):
        assert list(Host(preset, "experts", layers).ways(mixtral)) == [Offload(experts=experts)]
        assert list(Host(preset, "layers", layers).ways(llama)) == [Offload(layers=experts)]
    assert list(Host(preset, "kv").ways(llama)) == [Offload(cache=True)]


@pytest.mark.parametrize(
    ("start", "reserve"),
    [
        (Start(1024, 1024, 8192, 8192), LOGITS),
        (Start(512, 1024, 8192, 8192), LOGITS / 2),
        (Start(1024, 1024, 4 * 8192, 8192), 3.2 * 2**30),  # four times 0.8 GiB of tokens
        (Start(16, 1024, 8192, 8192), 0.8 * 2**30),
    ],
)
def test_activations_of_other_starts(start: Start, reserve: float) -> None:
    there = plan(model(), Layout(), PROFILE, device_memory=80e9, usable=0.9, context=1, batch=1, start=start)
    assert there.activations == pytest.approx(reserve)


@pytest.mark.parametrize(
    ("layout", "over_pcie", "engine"),
    [(Layout(), False, 0.25), (Layout(1, 2), False, 0.25), (Layout(2), False, 2.1), (Layout(2), True, 0.25)],
)
def test_buffers_of_an_engine(layout: Layout, over_pcie: bool, engine: float) -> None:
    start = Start(1024, 1024, 8192, 8192, over_pcie=over_pcie)
    there = plan(model(), layout, PROFILE, device_memory=80e9, usable=0.9, context=1, batch=1, start=start)
    assert there.engine == pytest.approx(engine * 2**30)


def test_a_prediction_head_shares_the_tables() -> None:
    """DeepSeek V3's, on the eight ranks of each of two stages: neither a head nor a table of its own."""
    there = share_memory(held(20e9, layout=Layout(8, 2), name="deepseek-v3"), Drafting(None))
    assert there.draft is not None
    assert (there.draft.layout, there.draft.tokens) == (Layout(8), 1)
    assert (there.draft.model.head, there.draft.model.embedding) == (0, 0)
    assert there.pool == 20e9 - there.draft.weights


@pytest.mark.parametrize(
    ("prompts", "vision", "latent", "left"),
    [
        (3, 0, (False, False), 6.0),
        (3, 0, (True, False), 50.0),  # one kind of layer with latents is enough
        (3, 0, (True, True), 50.0),
        (0, 0, (True, True), 0.0),
        (3, 9, (False, False), 0.0),
    ],
)
def test_what_is_left_to_graphs_of_prompts(prompts: int, vision: int, latent: tuple[bool, ...], left: float) -> None:
    """2 bytes for each graph, or 50 for all of them where caches hold latents."""
    layers = [SimpleNamespace(attention=SimpleNamespace(latent=each)) for each in latent]
    rule, model = SimpleNamespace(prompts=prompts), SimpleNamespace(vision_params=vision, layers=layers)
    profile = SimpleNamespace(value={"reserve_latent_graphs": 50.0, "reserve_per_prompt_graph": 2.0}.__getitem__)
    assert _captured(cast(Rule, rule), cast(Model, model), cast(Preset, profile)) == left


@pytest.mark.parametrize(("share_of", "outside"), [("memory", 8e9), ("start", 7.9e9), ("rest", 6.1e9)])
def test_bytes_outside_are_a_share_of_the_memory_of_what_is_free_or_of_what_is_left(
    share_of: str, outside: float
) -> None:
    """A tenth of 80 GB, of 79 that 1 GB of the engine leaves, and of 61 that weights and activations leave."""
    assert held(0)._replace(share_of=share_of).outside == pytest.approx(outside)
