"""Collectives under a roofline, by hand: messages of round bytes over links and networks of round speeds."""

from functools import cache

import pytest

from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.replica.chip import Speeds, bounds_of, spread
from infercost.replica.layout import Layout
from infercost.replica.step import communication_time
from infercost.replica.work import Work, matrix_rates, work_of

#: 8 ranks a node; a link of 100 GB/s of which 80% is reached, a network of 10 GB/s; a start of 7 and of 20 us, no hops.
LINK, NETWORK, SHARE, START, FAR_START = 100e9, 10e9, 0.8, 7e-6, 20e-6


@cache
def speeds(domain: int = 8, network: float = NETWORK) -> Speeds:
    part = catalog.load("accelerators", "h100-sxm")
    bare = bounds_of(part, matrix_rates(find_model("mixtral-8x7b").model, part), 2.0)
    return bare._replace(
        link_bandwidth=LINK, network_bandwidth=network, domain=domain, link_share=SHARE, collective_latency=START,
        network_latency=FAR_START, hop_latency=0.0,
    )  # fmt: skip


@cache
def work(layout: Layout) -> Work:
    """Mixtral 8x7B: 32 layers of experts, two of eight for each token, 4,096 wide."""
    return work_of(find_model("mixtral-8x7b").model, layout)


TOKENS, WIDTH, LAYERS = 64, 4096, 32
MESSAGE = TOKENS * WIDTH * 2


def ring(message: float, ranks: int, bandwidth: float, start: float) -> float:
    """Without a time for hops the ring is as fast as the tree, or faster."""
    return 2 * (ranks - 1) / ranks * message / (bandwidth * SHARE) + start


def test_one_device_sends_nothing() -> None:
    assert communication_time(work(Layout()), speeds(), TOKENS) == 0.0


def test_tensor_parallelism_adds_up_twice_a_layer() -> None:
    expected = 2 * LAYERS * ring(MESSAGE, 8, LINK, START)
    assert communication_time(work(Layout(8)), speeds(), TOKENS) == pytest.approx(expected)


def test_over_nodes_each_rank_adds_up_its_part() -> None:
    """16 ranks in two nodes of 8: inside a node the whole message, across two nodes an eighth of it."""
    both = ring(MESSAGE, 8, LINK, START) + ring(MESSAGE / 8, 2, NETWORK, FAR_START)
    assert communication_time(work(Layout(16)), speeds(), TOKENS) == pytest.approx(2 * LAYERS * both)


@pytest.mark.parametrize(("domain", "network"), [(0, NETWORK), (16, NETWORK), (8, 0.0)])
def test_one_node_where_no_other_is_known(domain: int, network: float) -> None:
    assert spread(16, speeds(domain, network)) == (16, 1)
    expected = 2 * LAYERS * ring(MESSAGE, 16, LINK, START)
    assert communication_time(work(Layout(16)), speeds(domain, network), TOKENS) == pytest.approx(expected)


def met(places: int) -> float:
    """Of so many nodes or ranks those with one of two experts: all but (1 - 1/n)^2."""
    return places * (1 - (1 - 1 / places) ** 2)


def test_tokens_go_to_two_experts_in_8_bits_and_come_back_in_16() -> None:
    """Groups of 16 tokens on each of 4 ranks; of two all-to-alls a layer one is of half the bytes: on average 3/4."""
    sent = MESSAGE / 4 * met(4) * (8 + 16) / (2 * 16)
    exchange = 3 / 4 * sent / (LINK * SHARE) + START
    assert communication_time(work(Layout(1, 1, 4)), speeds(), TOKENS) == pytest.approx(2 * LAYERS * exchange)


def test_tokens_go_to_experts_of_other_nodes() -> None:
    """Eight ranks in four nodes of two: a token goes once to each node, over the network where that takes longer.

    Three quarters of its copies leave the node, and over links a half of those for each rank leave the rank.
    """
    sent = MESSAGE / 8 * (8 + 16) / (2 * 16)
    far = 3 / 4 * met(4) * sent / (NETWORK * SHARE) + FAR_START
    layout = work(Layout(1, 1, 8))
    assert communication_time(layout, speeds(domain=2), TOKENS) == pytest.approx(2 * LAYERS * far)
    near = 1 / 2 * met(8) * sent / (LINK * SHARE) + START
    fast = speeds(2, 1e15)._replace(network_latency=0.0)
    assert communication_time(layout, fast, TOKENS) == pytest.approx(2 * LAYERS * near)


def test_attention_adds_up_where_experts_exchange() -> None:
    """Two groups of two ranks, experts on all four: an all-reduce and two all-to-alls a layer of half the tokens."""
    layout = Layout(2, 1, 4)
    assert layout.dp == 2
    reduce = ring(MESSAGE / 2, 2, LINK, START)
    exchange = 3 / 4 * (MESSAGE / 2 / 2 * met(4) * 24 / 32) / (LINK * SHARE) + START
    expected = LAYERS * (reduce + 2 * exchange)
    assert communication_time(work(layout), speeds(), TOKENS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("layout", "bandwidth", "start", "ranks"),
    [(Layout(1, 4), LINK, START, 1), (Layout(1, 16), NETWORK, FAR_START, 1)],
)
def test_stages_hand_over_what_they_made(layout: Layout, bandwidth: float, start: float, ranks: int) -> None:
    """To three or fifteen further stages; over the network where the replica spans nodes."""
    expected = (layout.pp - 1) * (MESSAGE / ranks / (bandwidth * SHARE) + start)
    assert communication_time(work(layout), speeds(), TOKENS) == pytest.approx(expected)


def test_each_rank_hands_over_its_share() -> None:
    reduces = 2 * LAYERS * ring(MESSAGE, 4, LINK, START)
    expected = reduces + 1 * (MESSAGE / 4 / (LINK * SHARE) + START)
    assert communication_time(work(Layout(4, 2)), speeds(), TOKENS) == pytest.approx(expected)


def test_a_mesh_has_one_link_to_each_other_rank() -> None:
    """MI300X: seven links; four ranks use three of them, a stage sends to the next over one."""
    part = catalog.load("accelerators", "mi300x")
    bare = bounds_of(part, matrix_rates(find_model("mixtral-8x7b").model, part), 2.0)
    mesh = bare._replace(link_bandwidth=7e9, link_share=SHARE, collective_latency=START, hop_latency=0.0)
    assert communication_time(work(Layout(4)), mesh, TOKENS) == pytest.approx(2 * LAYERS * ring(MESSAGE, 4, 3e9, START))
    assert communication_time(work(Layout(1, 4)), mesh, TOKENS) == pytest.approx(3 * (MESSAGE / (1e9 * SHARE) + START))
    assert communication_time(work(Layout(8)), mesh, TOKENS) == pytest.approx(2 * LAYERS * ring(MESSAGE, 8, 7e9, START))


def test_hops_make_trees_of_many_ranks_faster_than_rings() -> None:
    """Eight ranks: fourteen hops around, six up and down; the tree sends all of a message twice."""
    hops = speeds()._replace(hop_latency=1e-5)
    tree = 2 * MESSAGE / (LINK * SHARE) + 6e-5 + START
    assert tree < ring(MESSAGE, 8, LINK, START) + 14e-5
    assert communication_time(work(Layout(8)), hops, TOKENS) == pytest.approx(2 * LAYERS * tree)


def test_two_devices_send_and_without_a_width_nobody_knows_what() -> None:
    assert communication_time(work(Layout(2)), speeds(), TOKENS) == pytest.approx(
        2 * LAYERS * ring(MESSAGE, 2, LINK, START)
    )
    bare = work(Layout(2))._replace(hidden_size=0)
    assert communication_time(bare, speeds(), TOKENS) is None
