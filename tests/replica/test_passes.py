"""A pass of measured kernels, part by part: launches, what waits for the host, graphs, fused kernels."""

from functools import cache
from math import hypot, log, sqrt
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

import infercost
from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.chip import OTHER, Chip, Kernel, peak_of
from infercost.replica.kernels import Rows, Timing, _sent, engine_of
from infercost.replica.layout import Layout
from infercost.replica.work import Link, Load, Over, Parts, PassTimes


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
    for groups in (2, 8):
        spread = timing("mixtral-8x7b", Layout(1, 1, groups), captured_tokens=512, captures_split=False)
        assert spread.captured == 0.0


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


@pytest.mark.parametrize(
    ("ranks", "load", "tokens", "measured"),
    [
        (32, Load(prompt_tokens=32 * 16384, prompts=32 * 4, whole_prompt=4096), 16384, 50302),
        (72, Load(sequences=72 * 256, context=2000), 256, 22282),
    ],
)
def test_wide_expert_parallelism_hides_some_of_its_collectives(
    ranks: int, load: Load, tokens: int, measured: float
) -> None:
    """SGLang, DeepSeek-V3 on H100, tokens/s of a node of 8: half of a batch computes while the other's tokens travel.

    lmsys.org/blog/2025-05-05-large-scale-ep: 4 nodes take prompts of 4,096, nine nodes decode 256 sequences a device.
    """
    engine = engine_of(chip().part, complete(catalog.on_part(catalog.load("efficiency", "sglang-tuned"), chip().part)))
    deep = Timing(find_model("deepseek-v3").model, Layout(1, 1, ranks), chip(), engine).pass_of(load)
    assert 8 * tokens / deep.step < measured < 8 * tokens / (deep.step - deep.spent[3])
    assert 8 * tokens / deep.step > measured / 1.5


def rows_of(passes: Timing, tokens: float) -> Any:
    from infercost.replica.kernels import rows_of as rows

    return rows(Load(tokens, 1000), passes.groups)


#: Keys and values of Llama 3.1 8B, or of Mixtral, of one token in 16 bits, and matrices of Llama's 32 layers.
TOKEN, MATRICES = 32 * 2 * 8 * 128 * 2, 32 * (4096 * 6144 + 4096 * 4096 + 3 * 4096 * 14336)


def test_the_wait_for_the_host_of_an_array_of_passes_is_that_of_each() -> None:
    """32 ms in the host where a graph of 512 tokens does not hold the pass, beside 10 and 40 ms of kernels."""
    passes = timing(cpu_launches=0.0, eager_layer_time=1e-3, captured_tokens=512)
    busy, tokens = np.array([10e-3, 10e-3, 40e-3]), np.array([512.0, 513.0, 513.0])
    waits = passes._wait(busy, tokens, 2e-3)  # type: ignore[arg-type]
    assert list(waits) == pytest.approx([0.0, 22e-3, 0.0])  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("load", "groups", "rows"),
    [
        (Load(64, 1000, 2, 500, 3), 1, Rows(628, 628, 131, 64, 128, 500, 3)),
        (Load(64, 1000), 8, Rows(64, 8, 8, 8, 8, 0, 0)),
        (Load(64, 1000), 2, Rows(64, 32, 32, 32, 32, 0, 0)),
        # two groups have a prompt each, and an eighth of the sequences
        (Load(64, 1000, 1, 500, 2), 8, Rows(564, 8 + 250, 8 + 1, 8, 8, 250, 1)),
        # a quarter of a prompt is one group's
        (Load(64, 1000, 1, 500, 0.25), 8, Rows(564, 8 + 500, 8 + 0.25, 8, 8, 500, 0.25)),
    ],
)
def test_rows_of_the_busiest_group(load: Load, groups: int, rows: Rows) -> None:
    from infercost.replica.kernels import rows_of as of

    assert of(load, groups) == rows


@pytest.mark.parametrize("rows", [1, 64])
def test_products_of_a_pass_of_llama(rows: int) -> None:
    """Weights, inputs and outputs of 2 bytes; arithmetic and traffic overlap as sides of a right angle."""
    passes = timing()
    kernel, done = chip().kernel("products", "bf16"), passes.pass_of(Load(rows, 1000))
    inputs, outputs = 32 * (3 * 4096 + 14336), 32 * (6144 + 4096 + 2 * 14336 + 4096)
    worked, moved = (
        2 * rows * MATRICES / kernel.flops,
        (2 * MATRICES + rows * 2 * (inputs + outputs)) / kernel.bandwidth,
    )
    head = 4096 * 128_256
    worked_head, moved_head = (
        2 * rows * head / kernel.flops,
        (2 * head + 2 * rows * (4096 + 128_256)) / kernel.bandwidth,
    )
    assert done.overlapping[0] == pytest.approx((worked, moved, hypot(worked, moved)))
    assert done.overlapping[1] == pytest.approx((worked_head, moved_head, hypot(worked_head, moved_head)))
    assert done.spent[0] == pytest.approx(hypot(worked, moved) + hypot(worked_head, moved_head))
    assert done.added == ([], [])


@pytest.mark.parametrize("tp", [1, 2])
def test_attention_of_a_step_of_llama(tp: int) -> None:
    """64 caches of 1,000 tokens beside a block's time of each of 256 KV heads on 132 multiprocessors."""
    passes = timing(layout=Layout(tp))
    reads, blocks = 64 * 1000 * TOKEN / tp / passes.decode.bandwidth, 3.4e-6 * 64 * 256 / tp / 132
    flops, moved = passes.pass_of(Load(64, 1000)).attention
    assert (flops, moved) == ([], [pytest.approx(hypot(reads, blocks))])


def test_attention_of_prompts_of_llama() -> None:
    """Half of a prompt of 1,000 tokens after 300 that are cached, beside 64 sequences that decode."""
    passes = timing()
    decoding = passes.pass_of(Load(64, 1000)).attention[1]
    pairs = 1000 * 1000 / 2 + 1000 * 300
    scores = 500 / 1000 * pairs * 4 * 32 * 128 * 32 / passes.prompt.flops
    before = 0.5 * 300 * TOKEN / passes.decode.bandwidth
    elements = 500 * 4 * 32 * 128 * (32 + 2 * 8) / passes.prompt.bandwidth
    flops, moved = passes.pass_of(Load(64, 1000, 1, 500, 0.5, 300, 1000)).attention
    assert flops == [pytest.approx(scores)]
    assert moved == [pytest.approx(each) for each in (*decoding, before, elements)]
    whole = passes.pass_of(Load(0, 0, 1, 1000, 2)).attention  # two prompts of 500
    assert whole[0] == [pytest.approx(2 * 500 * 500 / 2 * 4 * 32 * 128 * 32 / passes.prompt.flops)]
    assert whole[1] == [pytest.approx(2 * elements)]


@pytest.mark.parametrize("each", [1, 3])
def test_attention_over_latents_reads_once_and_computes_for_each_token(each: int) -> None:
    """DeepSeek V3: 61 layers of 576 elements of 2 bytes; 128 heads, on eight ranks, of 576 and 512."""
    passes = timing("deepseek-v3", Layout(8))
    flops, moved = passes.pass_of(Load(16, 1000, each)).attention
    assert moved == [pytest.approx(16 * 1000 * 61 * 576 * 2 / passes.decode.bandwidth)]
    assert flops == [pytest.approx(each * 16 * 1000 * 61 * 2 * (576 + 512) * 128 / 8 / passes.decode.flops)]


def test_states_are_read_and_written_in_32_bits() -> None:
    """Qwen3 Next: 36 layers of 32 heads of 128 x 128 on two ranks, beside the caches of 12 layers."""
    passes = timing("qwen3-next-80b-a3b", Layout(2))
    _, moved = passes.pass_of(Load(16, 1000)).attention
    assert len(moved) == 2
    assert moved[1] == pytest.approx(16 * 2 * 4 * 36 * 32 * 128 * 128 / 2 / passes.states.bandwidth)
    flops, _ = passes.pass_of(Load(0, 0, 1, 500, 1)).attention
    assert flops[1] == pytest.approx(6 * 500 * 36 * 32 * 128 * 128 / 2 / passes.states.flops)


@pytest.mark.parametrize("ranks", [1, 2, 8])
def test_experts_of_a_step_of_mixtral(ranks: int) -> None:
    """64 tokens, two of eight experts each: nearly all are read; the fullest of eight ranks has 1.51 times its part."""
    passes, kernel = timing("mixtral-8x7b", Layout(1, 1, ranks)), chip().kernel("experts", "bf16")
    hottest = 1 + sqrt(2 * log(ranks) * ranks / 128)
    rows, hit, expert = 64 * 2 / ranks * hottest, 8 * (1 - 0.75**64), 3 * 4096 * 14336
    # a row's input once and in 16 bits twice, the inside of two matrices and twice more
    row = 4096 * (2 + 4) + 14336 * (4 * 2 + 2 * 2)
    moved = 32 * (2 * expert * hit / ranks + rows * row + 4 * 64 * 4096) / kernel.bandwidth
    flops, bytes = passes.pass_of(Load(64, 1000)).added
    assert flops == [pytest.approx(2 * 32 * rows * expert / kernel.flops)]
    assert bytes == [pytest.approx(moved)]


def test_routed_rows_of_prompts_travel_more_often() -> None:
    """Each input five times more, out and back, in a pass with prompts."""
    passes, kernel = timing("mixtral-8x7b", row_traffic=5), chip().kernel("experts", "bf16")
    plain, prompts = (passes.pass_of(load).added[1][0] for load in (Load(500, 1000), Load(0, 0, 1, 500, 1)))
    assert prompts - plain == pytest.approx(32 * 500 * 2 * 4096 * 2 * 5 / kernel.bandwidth)


def test_inputs_of_8_bits_are_made_first() -> None:
    """DeepSeek V3 in blocks of fp8 on eight ranks: three bytes for each value that a row brings, but not to experts."""
    passes, kernel = timing("deepseek-v3", Layout(8)), chip().kernel("products", "fp8_block")
    blocks = next(each for each in passes.sums.products if each.format == "fp8_block")
    quantized = passes.pass_of(Load(16, 1000)).added[1][0]
    assert quantized == pytest.approx(3 * 16 * blocks.inputs / kernel.bandwidth)


def test_work_between_products_of_llama() -> None:
    """Activations of each row at what elementwise kernels reach, two norms of 4,096 a layer at the whole bandwidth."""
    passes = timing()
    row = 32 * 2 * (8 * 4096 + 2 * (32 * 128 + 2 * 8 * 128) + 3 * 14336)
    expected = 64 * row / passes.elements + 2 * 32 * 2 * 4096 / 3.35e12
    assert passes.pass_of(Load(64, 1000)).spent[2] == pytest.approx(expected)


def test_a_pass_is_its_parts_its_host_and_its_wait() -> None:
    """On uneven stages all but the host's takes longer; a host's time is once a pass and once a sequence."""
    engine = {"step_overhead": 1e-3, "sequence_overhead": 1e-5, "eager_layer_time": 0.0}
    one, two = timing(**engine), timing(layout=Layout(1, 2), **engine)
    done = one.pass_of(Load(64, 1000))
    assert done.step == pytest.approx(sum(done.spent) + 1e-3 + 64e-5)
    assert done.host == pytest.approx(1e-3 + 64e-5)
    even, uneven = (two.pass_of(Load(64, 1000), times) for times in (1.0, 1.5))
    assert uneven.spent == pytest.approx([1.5 * each for each in even.spent])
    assert uneven.step == pytest.approx(1.5 * sum(even.spent) + 1e-3 + 64e-5)
    assert two.links is not None
    assert even.spent[3] == pytest.approx(two.links.hand_over(64 * 4096 * 2))


def test_a_pass_that_no_graph_holds_waits_for_its_launches() -> None:
    """600 tokens of a prompt where graphs hold 512: the host takes 32 ms for 32 layers."""
    passes = timing(eager_layer_time=1e-3, captured_tokens=512, step_overhead=1e-3, sequence_overhead=0.0)
    held, waited = (passes.pass_of(Load(0, 0, 1, tokens, 1)) for tokens in (512, 600))
    assert held.step == pytest.approx(sum(held.spent) + 1e-3)
    assert sum(waited.spent) < 32e-3
    assert waited.step == pytest.approx(32e-3 + 1e-3)
    assert passes.pass_of(Load(600, 1000)).host == pytest.approx(1e-3)  # what decodes is held by other graphs


def test_kernels_that_a_chip_has_no_figures_of() -> None:
    """fp32: as near to 66.9 TFLOP/s as 16 bits are to theirs, inputs of four bytes; INT8 by the kernels of fp8."""
    wide, narrow = chip().kernel("products", "fp32"), chip().kernel("products", "int8")
    half, eight = chip().kernel("products", "bf16"), chip().kernel("products", "fp8")
    assert wide == Kernel(half.launch, pytest.approx(0.8 * 66.9e12), half.bandwidth, 4, 0, 0)
    assert narrow == eight
    assert chip().kernel("experts", "fp32").flops == pytest.approx(0.76 * 66.9e12)


@pytest.mark.parametrize(
    ("facts", "format", "peak"),
    [
        ({"fp32": 10, "fp16": 40}, "fp32", 10),
        ({"fp16": 40}, "fp32", None),
        ({"bf16": 50, "fp16": 40}, "bf16", 50),
        ({"fp16": 40}, "bf16", 40),
        ({"fp8": 100}, "bf16", 50),  # half of what eight bits reach
        ({"int8": 120}, "int4", 60),
        ({"fp8": 100, "int8": 120}, "bf16", 50),
        ({"fp32": 10}, "bf16", 10),
        ({}, "bf16", None),
        ({"fp8": 100, "int8": 120}, "fp8", 100),
        ({"fp8": 100, "int8": 120}, "int8", 120),
        ({"fp8": 100}, "int8", None),
        ({"fp4": 250, "fp8": 100}, "nvfp4", 200),  # no product is seen at more than twice eight bits
        ({"fp4": 150, "fp8": 100}, "nvfp4", 150),
        ({"fp4": 250}, "nvfp4", 250),
        ({"fp8": 100}, "nvfp4", None),
        ({"fp8": 100}, "mxfp4", 100),
    ],
)
def test_the_rate_that_a_format_needs(facts: dict[str, float], format: str, peak: float | None) -> None:
    h100 = chip().part
    some = {f"flops_{name}": h100.facts["flops_bf16"]._replace(value=value) for name, value in facts.items()}
    assert peak_of(h100._replace(facts=some), format) == peak


def test_scaled_kernels() -> None:
    """Twice the arithmetic and half of the bandwidth of all, launches as they are."""
    there = chip().scaled(2.0, 0.5)
    for kind in ("products", "experts"):
        one, other = chip().kernel(kind, "bf16"), there.kernel(kind, "bf16")
        assert other == one._replace(flops=2 * one.flops, bandwidth=one.bandwidth / 2)
    assert there.attention("prompt").flops == 2 * chip().attention("prompt").flops
    assert there.again().scales == there.scales == (2.0, 0.5)
    assert chip().scaled(1.0, 1.0) is chip()
    assert chip().scaled(1.0, 2.0) is not chip()


def test_watts_cap_products_and_not_attention() -> None:
    """A TFLOP/s a watt in 16 bits, 1.78 in 8: of 350 W 350 and 623; prompts' attention reaches 0.63 of the peak."""
    part = chip().part
    weak = part.with_fact("power", part.fact("power")._replace(value=350.0))
    there = Chip(weak, *(catalog.load("architectures", name) for name in ("hopper", OTHER)))
    assert there.kernel("products", "bf16").flops == pytest.approx(350e12)
    assert there.kernel("products", "fp8").flops == pytest.approx(623e12)
    assert there.attention("prompt").flops == pytest.approx(0.63 * part.value("flops_bf16"))
    assert there.attention("latent").flops == pytest.approx(0.8 * part.value("flops_bf16"))
    assert there.attention("decode_16").bandwidth == pytest.approx(0.86 * 3.35e12)
    assert there.attention("decode_8").bandwidth == pytest.approx(0.66 * 3.35e12)


#: Bits for watts, bytes of an input and to make one: of kernels that an architecture has of its own.
OWN = {
    "bf16": (16, 2, 0), "fp32": (16, 4, 0), "int4": (16, 2, 0), "fp8": (8, 1, 3), "int8": (8, 1, 3),
    "fp8_block": (8, 1, 3), "nvfp4": (4, 9 / 16, 2 + 9 / 16), "fp8_trtllm": (8, 1, 3), "mxfp4_marlin": (16, 2, 0),
    "int4_flashinfer": (16, 2, 0), "bf16_triton": (16, 2, 0), "fp8_block_triton": (8, 1, 3),
}  # fmt: skip


@pytest.mark.parametrize("format", OWN)
def test_kernels_of_an_architecture_of_its_own(format: str) -> None:
    """Of 50 W, 1, 2 and 4 TFLOP/s a watt sustain 50, 100 and 200: by the bits of a value, four, eight or sixteen.

    Inputs of 8 bits are read in 16 and written; NVFP4 has a scale of a byte for sixteen values.
    """
    bits, row, quantize = OWN[format]
    part, architecture = chip().part, chip().architecture
    part = part.with_fact("power", part.fact("power")._replace(value=50.0))
    part = part.with_fact("flops_fp4", part.fact("flops_fp8")._replace(value=4000e12))
    figures = {f"products_{format}_launch": 1e-6, f"products_{format}_compute": 1.0, f"products_{format}_memory": 0.5}
    watts = {"sustained_flops_per_watt_bits_16": 1e12, "sustained_flops_per_watt_bits_8": 2e12}
    for key, value in {**figures, **watts, "sustained_flops_per_watt_bits_4": 4e12}.items():
        architecture = architecture.with_fact(key, architecture.fact("products_bf16_compute")._replace(value=value))
    there = Chip(part, architecture, catalog.load("architectures", OTHER))
    assert there.row("products", format) == format
    sustained = {16: 50e12, 8: 100e12, 4: 200e12}[bits]
    assert there.kernel("products", format) == Kernel(1e-6, pytest.approx(sustained), 0.5 * 3.35e12, row, quantize)


def test_what_a_host_sends_waits_for_uneven_stages() -> None:
    """A link of 1 GB/s brings 3 MB in every pass: 3 ms, half as much again where a stage is half as long again."""
    way = Over(3e6, 0.0, Link(1, None, 1e9, 1e12))
    one, two = timing().with_host(way), timing(layout=Layout(1, 2)).with_host(way)
    load = Load(64, 1000)
    assert (one.pass_of(load, 1.5).far, two.pass_of(load, 1.5).far) == pytest.approx((3e-3, 4.5e-3))
    assert one.pass_of(load).step == pytest.approx(timing().pass_of(load).step + 3e-3)
    assert timing().pass_of(load).far == 0.0


def test_parts_of_a_pass_add_up_as_every_law_has_them() -> None:
    """Two that overlap share their time by their squares; what a host adds is overhead."""
    passes = PassTimes(
        20.0, [(3.0, 4.0, 5.0)], ([1.0], [2.0]), ([0.5], [0.25]), (8.0, 0.75, 1.5, 2.5, 3.5), 0.125, 2.0, 1.25
    )
    times = passes.times
    assert times.parts == Parts(2 * (1 + 3), 2 * (2 + 4), 2 * 0.5, 0.75 - 1, 1.5, 2.5, 3.5 + 0.125, 1.25)
    shared = 2 * 5 * 9 / 25
    assert times.waits == pytest.approx({
        "weights": 8 - shared - 2, "cache": 0.75 - 1, "arithmetic": shared + 2 + 1, "activations": 1.5,
        "collectives": 2.5, "launch": 3.625, "host": 1.25,
    })  # fmt: skip
    assert times.step == 20.0


def test_reach_of_the_largest_products() -> None:
    """Llama on H100: 0.8 of the peak are more than 700 W sustain, 0.87 of the bandwidth."""
    assert timing().shares == pytest.approx((700e12 / 989.4e12, 0.87))


def test_another_model_under_another_layout() -> None:
    passes = timing()
    other = passes.on(find_model("llama-3.2-1b").model, Layout(2))
    assert (other.sums.model.name, other.sums.layout, other.engine) == ("llama-3.2-1b", Layout(2), passes.engine)
    assert (passes.groups, passes.stages) == (1, 1)
    assert (timing("mixtral-8x7b", Layout(2, 3, 8)).groups, timing("mixtral-8x7b", Layout(2, 3, 8)).stages) == (4, 3)
    assert passes.again().keeps is False


def test_figures_of_links_are_used_where_layouts_may_be_wide() -> None:
    """An H100's node of eight has links, and a network to the next."""
    alone, wide = timing(), timing()
    for passes in (alone, wide):
        passes.chip = Chip(chip().part, *(catalog.load("architectures", name) for name in ("hopper", OTHER)))
    assert not any(key.startswith("links_") for key in alone.settle().chip.used)
    host = timing()
    part = chip().part._replace(labels={**chip().part.labels, "link": "host"})
    host.chip = Chip(part, *(catalog.load("architectures", name) for name in ("hopper", OTHER)))
    assert {"links_host_two", "links_pcie_hop"} <= set(host.settle(wide=True).chip.used)
    used = set(wide.settle(wide=True).chip.used)
    assert {"links_reduce_share", "links_ranks_hop", "links_network_launch", "links_network_hop"} <= used
    assert {"products_bf16_launch", "attention_decode_memory_16", "attention_prompt_compute"} <= used


@pytest.mark.parametrize(
    ("engine", "kernel"),
    [
        ({"unfused_launch_scale": 1.0}, "mxfp4"),
        ({"unfused_launch_scale": 3.0}, "mxfp4_marlin"),
        ({"unfused_launch_scale": 2.0}, "mxfp4_marlin"),
        ({"unfused_launch_scale": 3.0, "fused_families": ("gpt_oss",), "fused_ranks": 8}, "mxfp4"),
        ({"unfused_launch_scale": 3.0, "fused_families": ("gpt_oss",), "fused_ranks": 0}, "mxfp4_marlin"),
        ({"unfused_launch_scale": 3.0, "fused_families": ("llama",), "fused_ranks": 8}, "mxfp4_marlin"),
        ({"unfused_launch_scale": 1.0, "experts_kernel": "marlin"}, "mxfp4_marlin"),
    ],
)
def test_kernels_of_experts_that_an_engine_does_not_fuse(engine: dict[str, Any], kernel: str) -> None:
    """gpt-oss on H100: Marlin's reach 0.21 of the peak, the usual ones 0.79."""
    passes = timing("gpt-oss-120b", unfused_experts="marlin", **engine)
    ((_, found),) = passes.experts
    assert found == chip().kernel("experts", kernel)
    assert found.flops == pytest.approx(0.21 * 989.4e12 if kernel == "mxfp4_marlin" else 700e12)


def test_experts_of_latents_have_the_usual_kernels() -> None:
    passes = timing("deepseek-v3", Layout(8), unfused_launch_scale=3.0, unfused_experts="block_triton")
    ((_, found),) = passes.experts
    assert found == chip().kernel("experts", "fp8_block")


@pytest.mark.parametrize(("format", "factor", "slower"), [("fp8", 3.0, 3.0), ("fp8", 1.0, 1.0), ("bf16", 3.0, 1.0)])
def test_a_kernel_without_tuned_shapes_is_slower_and_launched_as_fast(
    format: str, factor: float, slower: float
) -> None:
    """What its inner dimension takes grows as well, where it takes anything."""
    of_fp8 = cast(Timing, SimpleNamespace(untuned="fp8"))
    for inner in (0.0, 1.4e-6):
        kernel = Kernel(launch=5e-6, flops=900e12, bandwidth=3e12, inner=inner)
        built = Timing._built(of_fp8, kernel, format, factor)
        assert built.launch == 5e-6
        assert (900e12 / built.flops, 3e12 / built.bandwidth) == pytest.approx((slower, slower))
        assert built.inner == pytest.approx(slower * inner)


def test_a_part_without_matrix_units_multiplies_at_its_rate_of_32_bits() -> None:
    """The P40's 47 TOPS are four products of 8 bits an instruction of its 11.76 TFLOP/s: 16 bits are no faster."""
    assert peak_of(catalog.load("accelerators", "p40"), "bf16") == pytest.approx(11.76e12)
    asked = {"gpu": "p40", "model": "llama-3.1-8b-fp8-dynamic", "batch": 300, "input_tokens": 134, "output_tokens": 292}
    report = infercost.utilization(**asked, efficiency="vllm")
    assert report["step_time_s"] > report["bound_step_time_s"]
