"""Collectives with measured kernels, by hand from round figures: rings, switches, hosts, networks, experts, stages."""

from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

import infercost
from infercost.parts import catalog
from infercost.replica.chip import OTHER, Chip, Links
from infercost.replica.kernels import Engine
from infercost.replica.layout import Layout

#: Round figures of an architecture: seconds, shares and B/s.
FIGURES = {
    "links_pcie_launch": 30e-6, "links_pcie_hop": 5e-6, "links_ranks_hop": 1e-6, "links_reduce_share": 0.8,
    "links_network_launch": 40e-6, "links_network_hop": 2e-6, "links_host_two": 40e9, "links_host_four": 60e9,
    "links_host_eight": 64e9,
}  # fmt: skip
ENGINE = Engine(
    launch_scale=1, collective_latency=6e-6, exchange_latency=20e-6, forwarding_latency=90e-6, step_overhead=0,
    sequence_overhead=0, eager_layer_time=0, captured_tokens=0, chunk_tokens=8192, token_overhead=0, row_traffic=1,
    reduce_limit=0.0, prompts="filled",
)  # fmt: skip
MESSAGE = 1e6


class Figures:
    """A chip of these figures on a part with links of 100 GB/s in nodes of eight, and a network of 10 GB/s."""

    def __init__(self, link: str = "switch", *, switch: float = 0.0, without: tuple[str, ...] = ()) -> None:
        self.figures = {**FIGURES, **({"links_switch_launch": switch} if switch else {})}
        h100 = catalog.load("accelerators", "h100-sxm")
        worth = {"link_bandwidth": 100e9, "network_bandwidth": 10e9, "link_domain": 8}
        facts = {name: h100.facts[name]._replace(value=worth[name]) for name in worth if name not in without}
        self.part = h100._replace(facts=facts, labels={**h100.labels, "link": link})

    def value(self, name: str) -> float:
        return self.figures[name]

    def has(self, name: str) -> bool:
        return name in self.figures


def links(layout: Layout, chip: Figures | None = None, experts: Any = (), **engine: Any) -> Links:
    return Links(chip or Figures(), ENGINE._replace(**engine), layout, experts)  # type: ignore[arg-type]


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_a_ring_inside_a_node(ranks: int) -> None:
    expected = 6e-6 + (ranks - 1) * 1e-6 + 2 * (ranks - 1) / ranks * MESSAGE / 80e9
    assert links(Layout(ranks)).reduce(MESSAGE) == pytest.approx(expected)


def test_a_switch_sums_large_messages_and_not_small_ones() -> None:
    chip = Figures(switch=15e-6)
    ring = 6e-6 + 7e-6 + 2 * 7 / 8 * MESSAGE / 80e9
    assert links(Layout(8), chip).reduce(MESSAGE) == pytest.approx(15e-6 + MESSAGE / 80e9)
    assert ring > 15e-6 + MESSAGE / 80e9
    assert links(Layout(8), chip).reduce(1000) == pytest.approx(6e-6 + 7e-6 + 2 * 7 / 8 * 1000 / 80e9)


def test_an_engine_may_stop_at_less_bandwidth_than_there_is() -> None:
    """The ring does, what the switch sums does not."""
    slow = 6e-6 + 7e-6 + 2 * 7 / 8 * MESSAGE / 20e9
    assert links(Layout(8), reduce_limit=20e9).reduce(MESSAGE) == pytest.approx(slow)
    fast = 6e-6 + 7e-6 + 2 * 7 / 8 * MESSAGE / 80e9
    assert links(Layout(8), reduce_limit=200e9).reduce(MESSAGE) == pytest.approx(fast)
    switched = links(Layout(8), Figures(switch=15e-6), reduce_limit=20e9)
    assert switched.reduce(MESSAGE) == pytest.approx(15e-6 + MESSAGE / 80e9)


def test_over_pcie_starts_and_hops_are_its_own() -> None:
    for link in ("pcie", "host"):
        assert (links(Layout(2), Figures(link)).start, links(Layout(2), Figures(link)).hop) == (30e-6, 5e-6)
    assert (links(Layout(2)).start, links(Layout(2)).hop) == (6e-6, 1e-6)


@pytest.mark.parametrize(("ranks", "of_all"), [(2, 40e9), (3, 60e9), (4, 60e9), (5, 64e9), (8, 64e9)])
def test_ranks_of_a_host_share_its_memory(ranks: int, of_all: float) -> None:
    each = of_all / ranks
    expected = 30e-6 + (ranks - 1) * 5e-6 + 2 * (ranks - 1) / ranks * MESSAGE / each
    assert links(Layout(ranks), Figures("host")).reduce(MESSAGE) == pytest.approx(expected)


def test_a_node_of_one_rank_has_no_bandwidth_to_share() -> None:
    assert links(Layout()).bandwidth == 0.0


def test_over_nodes_each_rank_reduces_its_part() -> None:
    """Sixteen ranks in two nodes of eight: NCCL's start and hops, the node's links, then an eighth over the network."""
    expected = 40e-6 + 15 * 2e-6 + 2 * 7 / 8 * MESSAGE / 80e9 + 2 * 1 / 2 * (MESSAGE / 8) / 10e9
    assert links(Layout(16)).reduce(MESSAGE) == pytest.approx(expected)
    assert (links(Layout(16)).inside, links(Layout(16)).nodes) == (8, 2)
    four = 40e-6 + 31 * 2e-6 + 2 * 7 / 8 * MESSAGE / 80e9 + 2 * 3 / 4 * (MESSAGE / 8) / 10e9
    assert links(Layout(32)).reduce(MESSAGE) == pytest.approx(four)


@pytest.mark.parametrize("without", ["link_domain", "network_bandwidth"])
def test_one_node_where_no_other_is_known(without: str) -> None:
    chip = Figures(without=(without,))
    assert (links(Layout(16), chip).inside, links(Layout(16), chip).nodes) == (16, 1)


def expert(active: int, input: float, groups: int = 0, token_groups: int = 0) -> Any:
    return SimpleNamespace(active=active, input=input, groups=groups, token_groups=token_groups)


def test_rows_go_to_experts_of_a_node_and_of_others() -> None:
    """128 rows of two tensor ranks, 8 experts of a row of 1,000 elements, sent in 8 bits and back in 16: 1.5 bytes."""
    sent = 128 / 2 * 8 * 1000 * 1.5
    near = links(Layout(2, 1, 8), experts=[expert(8, 1000)])
    assert near.exchange(128) == pytest.approx(20e-6 + sent * 7 / 8 / 80e9)
    assert near.exchange(128, prompts=True) == near.exchange(128)
    far = links(Layout(2, 1, 16), experts=[expert(8, 1000), expert(2, 500)])
    assert far.exchange(128) == pytest.approx(20e-6 + sent * 1 / 2 / 10e9)


def test_a_row_of_a_prompt_goes_once_to_each_node() -> None:
    """Eight experts lie on 4 (1 - (3/4)^8) of four nodes, a quarter of them its own, or of eight where 4 serve a row.

    Without a limit they lie on 8 (1 - (7/8)^8) of eight.
    """
    row, four = 1000 * 1.5, 4 * (1 - 0.75**8)
    grouped = expert(8, 1000, groups=8, token_groups=4)
    assert links(Layout(1, 1, 32), experts=[expert(8, 1000)]).exchange(128, prompts=True) == pytest.approx(
        90e-6 + 128 * row * four * 3 / 4 / 10e9
    )
    limited = links(Layout(1, 1, 64), experts=[grouped])
    assert limited.exchange(128, prompts=True) == pytest.approx(90e-6 + 128 * row * four * 7 / 8 / 10e9)
    free = links(Layout(1, 1, 64), experts=[expert(8, 1000)])
    assert free.exchange(128, prompts=True) == pytest.approx(90e-6 + 128 * row * 8 * (1 - 0.875**8) * 7 / 8 / 10e9)


def test_a_row_of_a_prompt_goes_once_to_each_rank_of_a_node() -> None:
    """Two nodes: 16 (1 - (15/16)^8) ranks over links no faster than the network, an eighth of them the one it is on."""
    chip = Figures()
    chip.part = chip.part.with_fact("link_bandwidth", chip.part.facts["network_bandwidth"])
    slow = links(Layout(1, 1, 16), chip, experts=[expert(8, 1000)])
    ranks = 16 * (1 - (15 / 16) ** 8)
    assert slow.exchange(128, prompts=True) == pytest.approx(90e-6 + 128 * 1500 * ranks * 7 / 8 / (0.8 * 10e9))


def published(gpu: str, ranks: int) -> Links:
    """DeepSeek-V3's experts in one group a rank of a part, with the start that profiles have."""
    part, stack = catalog.load("accelerators", gpu), catalog.load("efficiency", "realistic")
    chip = Chip(part, *(catalog.load("architectures", name) for name in ("hopper", OTHER)))
    latencies = {name: stack.value(name) for name in ("exchange_latency", "forwarding_latency")}
    return Links(chip, ENGINE._replace(**latencies), Layout(1, 1, ranks), [expert(8, 7168, groups=8, token_groups=4)])


@pytest.mark.parametrize(
    ("gpu", "ranks", "tokens", "dispatch", "combine"),
    [
        ("h800-sxm", 16, 4096, 43e9, 43e9),
        ("h800-sxm", 32, 4096, 58e9, 57e9),
        ("h800-sxm", 64, 4096, 51e9, 50e9),
        ("h100-sxm", 16, 8192, 90e9, 81e9),
        ("h100-sxm", 32, 8192, 61e9, 61e9),
    ],
)
def test_prompts_go_to_experts_as_fast_as_deepep_says(
    gpu: str, ranks: int, tokens: int, dispatch: float, combine: float
) -> None:
    """DeepEP's normal kernels: 7,168 values in 8 bits and back in 16, 8 experts, 4 groups, over 50 GB/s a device.

    Its bandwidths count a copy for each node, the token's own among them: of min(nodes, 4) even nodes 8 experts meet
    all but (1 - 1/nodes)^8. H800 by docs/legacy.md (V1), Hopper by README.md (V2), deepseek-ai/DeepEP dd758caf.
    """
    nodes = min(ranks // 8, 4)
    copies = tokens * nodes * (1 - (1 - 1 / nodes) ** 8)
    measured = (copies * 7168 / dispatch + copies * 7168 * 2 / combine) / 2
    assert published(gpu, ranks).exchange(tokens, prompts=True) == pytest.approx(measured, rel=0.12)


@pytest.mark.parametrize(
    ("ranks", "dispatch", "combine"),
    [(16, 118, 195), (32, 155, 273), (64, 173, 314), (128, 192, 369), (256, 194, 360)],
)
def test_decoding_goes_to_experts_about_as_fast_as_deepep_says(ranks: int, dispatch: float, combine: float) -> None:
    """DeepEP's low-latency kernels, docs/legacy.md: 128 tokens a device, us, on H800 that reach 39 to 48 GB/s of 50."""
    measured = (dispatch + combine) / 2 * 1e-6
    assert published("h800-sxm", ranks).exchange(128) == pytest.approx(measured, rel=0.18)


@pytest.mark.parametrize(
    ("ranks", "tokens", "dispatch", "combine"),
    [(16, 16, 30.1, 45.93), (32, 16, 40.2, 56.67), (64, 16, 45.73, 59.57), (64, 256, 301.13, 579.53)],
)
def test_few_tokens_wait_as_long_as_was_measured(ranks: int, tokens: int, dispatch: float, combine: float) -> None:
    """The same kernels, us, on nodes of H100: aiconfigurator-core 0.12.0, wideep_deepep_ll_perf of SGLang 0.5.6."""
    measured = (dispatch + combine) / 2 * 1e-6
    assert published("h100-sxm", ranks).exchange(tokens) == pytest.approx(measured, rel=0.1)


def test_rows_go_to_all_ranks_that_share_experts() -> None:
    """Four expert ranks of two slices each: seven eighths of the bytes leave a rank."""
    sliced = links(Layout(1, 1, 4, 2), experts=[expert(8, 1000)])
    assert sliced.exchange(128) == pytest.approx(20e-6 + 128 * 8 * 1000 * 1.5 * 7 / 8 / 80e9)


def test_stages_hand_over_inside_a_node_and_over_the_network() -> None:
    assert links(Layout(1, 4)).hand_over(MESSAGE) == pytest.approx(3 * (MESSAGE / 80e9 + 6e-6))
    assert links(Layout(2, 4)).hand_over(MESSAGE) == pytest.approx(3 * (MESSAGE / 2 / 80e9 + 6e-6))
    assert links(Layout(4, 4)).hand_over(MESSAGE) == pytest.approx(3 * (MESSAGE / 4 / 10e9 + 40e-6))
    mesh = links(Layout(1, 4), Figures("mesh"))  # one of seven links leads to the next
    assert mesh.hand_over(MESSAGE) == pytest.approx(3 * (MESSAGE / (80e9 / 7) + 6e-6))


def test_what_an_engine_adds_where_it_does_not_say() -> None:
    """Kernels of its own, factors and families: none; graphs hold all passes that they are large enough for."""
    bare = Engine(*[0.5] * 12, "filled")
    assert bare[13:16] == ("", "", 1.0)
    assert (bare.cpu_launches, bare.captured_tokens_latent, bare.captures_split) == (0.0, inf, True)
    assert (bare.untuned_factor, bare.untuned_decode_factor, bare.fused_ranks) == (1.0, 1.0, 0.0)
    assert bare[-5:] == ((), "", "", 1.0, 1.0)


def test_links_of_their_own_for_cards_that_share_a_host() -> None:
    """Four L40S send through their host however fast their links are said to be; with a switch the links count."""
    asked = {"gpu": "l40s:4", "model": "llama-3.3-70b", "dtype": "fp8", "tp": 4, "batch": 32, "context": 2000}
    host = infercost.utilization(**asked)
    faster = infercost.utilization(**asked, set=["gpu.link_bandwidth=450GB/s"])
    switch = infercost.utilization(**asked, set=["gpu.link_bandwidth=450GB/s", "gpu.link=switch"])
    assert faster["communication_time_s"] == host["communication_time_s"]
    assert [note.text for note in faster.notes if note.code == "links"] == [
        "cards of l40s reach each other through their host, as fast as was measured; link_bandwidth above that "
        "changes nothing: --set gpu.link=switch gives them links of their own"
    ]
    messages = 2 * 80 * 32 * 8192 * 2  # two all-reduces a layer of 32 rows of 8,192 values in 2 bytes
    assert switch["communication_time_s"] > messages * 2 * 3 / 4 / 450e9  # a ring of four sends three halves of each
    assert switch["communication_time_s"] < host["communication_time_s"] / 2
    assert not [note for note in switch.notes if note.code == "links"]
    with pytest.raises(infercost.InfercostError, match="'nvlink' is not one of its values"):
        infercost.utilization(**asked, set=["gpu.link=nvlink"])
