"""A pass of measured kernels, part by part: launches, what waits for the host, graphs, fused kernels."""

from functools import cache
from typing import Any

import pytest

from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.chip import OTHER, Chip
from infercost.replica.kernels import Timing, _sent, engine_of
from infercost.replica.layout import Layout
from infercost.replica.work import Load


@cache
def chip() -> Chip:
    part = catalog.load("accelerators", "h100-sxm")
    return Chip(part, *(catalog.load("architectures", name) for name in ("hopper", OTHER)))


def timing(model: str = "llama-3.1-8b", layout: Layout = Layout(), **engine: Any) -> Timing:  # noqa: B008
    part = chip().part
    stack = complete(catalog.on_part(catalog.load("efficiency", "vllm"), part))
    return Timing(find_model(model).model, layout, chip(), engine_of(part, stack)._replace(**engine))


def test_kernels_that_start_in_a_step_of_llama() -> None:
    """32 layers of four products, one attention and elementwise work each, and the head."""
    passes = timing(launch_scale=0.5, unfused_launch_scale=1.0)
    products, head = chip().kernel("products", "bf16").launch, passes.head[1].launch
    shared = 128 * products + head + 32 * chip().value("layers_elements_launch")
    assert passes._launching(True, False) == pytest.approx(0.5 * (shared + 32 * passes.decode.launch))
    assert passes._launching(False, True) == pytest.approx(0.5 * (shared + 32 * passes.prompt.launch))
    both = shared + 32 * (passes.decode.launch + passes.prompt.launch)
    assert passes._launching(True, True) == pytest.approx(0.5 * both)
    unfused = timing(launch_scale=0.5, unfused_launch_scale=3.0)
    assert unfused._launching(True, False) == pytest.approx(1.5 * (shared + 32 * passes.decode.launch))


def test_kernels_of_states_and_indexers_start_too() -> None:
    """Qwen3 Next: 36 of 48 layers keep states; DeepSeek V3.2: all 61 have an indexer."""
    value = chip().value
    states, plain = timing("qwen3-next-80b-a3b", Layout(2), launch_scale=1.0), timing(launch_scale=1.0)
    differ = states._launching(False, True) - states._launching(True, False)
    expected = 36 * (value("layers_states_prompt_launch") - value("layers_states_launch"))
    assert differ == pytest.approx(expected + 12 * (states.prompt.launch - states.decode.launch))
    indexed = timing("deepseek-v3.2", Layout(8), launch_scale=1.0)
    differ = indexed._launching(False, True) - indexed._launching(True, False)
    expected = 61 * (value("layers_indexers_prompt_launch") - value("layers_indexers_launch"))
    assert differ == pytest.approx(expected + 61 * (indexed.prompt.launch - indexed.decode.launch))
    assert plain.unfused == plain.engine.unfused_launch_scale


@pytest.mark.parametrize(
    ("busy", "tokens", "wait"),
    [(10e-3, 512, 0.0), (10e-3, 513, 22e-3), (31e-3, 513, 1e-3), (40e-3, 513, 0.0), (0.0, 1, 0.0)],
)
def test_where_no_graph_holds_a_pass_the_host_is_waited_for(busy: float, tokens: float, wait: float) -> None:
    """32 layers of 1 ms in the host; a graph holds 512 tokens."""
    passes = timing(cpu_launches=0.0, eager_layer_time=1e-3, captured_tokens=512)
    assert passes._wait(busy, tokens, 2e-3) == pytest.approx(wait)
    times = timing(cpu_launches=16.0, captured_tokens=512)
    assert times._wait(busy, tokens, 2e-3) == pytest.approx(wait)


def test_what_a_graph_holds() -> None:
    assert timing(captured_tokens=512).captured == 512
    latent = timing("deepseek-v3", Layout(8), captured_tokens=512, captured_tokens_latent=64)
    assert latent.captured == 64
    assert timing("deepseek-v3", Layout(8), captured_tokens=512, captured_tokens_latent=9999).captured == 512
    assert timing(captured_tokens=512, captured_tokens_latent=64).captured == 512
    for layout, held in ((Layout(1, 2), 0.0), (Layout(8), 512)):
        assert timing(layout=layout, captured_tokens=512, captures_split=False).captured == held
    assert timing(layout=Layout(1, 2), captured_tokens=512, captures_split=True).captured == 512
    assert timing("mixtral-8x7b", Layout(1, 1, 8), captured_tokens=512, captures_split=False).captured == 0.0


@pytest.mark.parametrize(
    ("model", "layout", "fused_on", "families", "ranks", "scale"),
    [
        ("llama-3.1-8b", Layout(8), "hopper", ("llama",), 8, 1.0),
        ("llama-3.1-8b", Layout(4), "hopper", ("llama",), 8, 3.0),  # too few ranks
        ("llama-3.1-8b", Layout(8), "hopper", ("llama",), 0, 3.0),  # of no number of ranks
        ("llama-3.1-8b", Layout(8), "hopper", ("qwen3",), 8, 3.0),
        ("llama-3.1-8b", Layout(8), "ampere", ("llama",), 8, 3.0),
        ("deepseek-v3", Layout(8), "hopper", (), 0, 1.0),  # latents
        ("deepseek-v3.2", Layout(8), "hopper", (), 0, 3.0),  # with an indexer
        ("deepseek-v3", Layout(8), "ampere", (), 0, 3.0),
    ],
)
def test_an_engine_fuses_some_families_on_one_architecture(
    model: str, layout: Layout, fused_on: str, families: tuple[str, ...], ranks: float, scale: float
) -> None:
    on = chip().architecture.name if fused_on == "hopper" else "another"
    passes = timing(model, layout, fused_on=on, fused_families=families, fused_ranks=ranks, unfused_launch_scale=3.0)
    assert passes.unfused == scale


def test_what_a_host_sends_adds_to_collectives() -> None:
    assert _sent(2e-3, 0.0) == 2e-3
    assert _sent(2e-3, 3e-3) == pytest.approx(5e-3)


def test_collectives_of_a_pass_are_two_a_layer() -> None:
    """16 bits of 4,096 values a row; with experts on other groups one all-reduce and two exchanges a layer."""
    llama, mixtral = timing(layout=Layout(4)), timing("mixtral-8x7b", Layout(2, 1, 8))
    rows = llama.pass_of(Load(64, 1000))
    assert rows.step > 0
    assert (llama.reduces, llama.exchanges) == (64, 0)
    assert (mixtral.reduces, mixtral.exchanges) == (32, 64)
    assert llama.links is not None
    assert mixtral.links is not None
    assert llama.communication_time(rows_of(llama, 64)) == pytest.approx(64 * llama.links.reduce(64 * 4096 * 2))
    of_group = 16
    expected = 32 * mixtral.links.reduce(of_group * 4096 * 2) + 64 * mixtral.links.exchange(of_group)
    assert mixtral.communication_time(rows_of(mixtral, 64)) == pytest.approx(expected)
    staged = timing(layout=Layout(1, 4))
    assert staged.links is not None
    assert staged.communication_time(rows_of(staged, 64)) == pytest.approx(staged.links.hand_over(64 * 4096 * 2))


def rows_of(passes: Timing, tokens: float) -> Any:
    from infercost.replica.kernels import rows_of as rows

    return rows(Load(tokens, 1000), passes.groups)
