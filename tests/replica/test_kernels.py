"""Kernels alone, as they were timed: what the formulas and the figures of a chip say of each, without its watts.

``kernels.csv`` is each third row, in the order of its shapes, of a sample of aiconfigurator-core 0.12.0 (NVIDIA,
Apache-2.0), ``systems/data/PART/OP/ENGINE/VERSION``: dense products with n of 1,024 and more and k of 1,024 to 16,384,
vLLM's routed experts and decoding attention, where the data did not lie in the chip's cache, and whole prompts.
"""

import csv
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import NamedTuple

import pytest

from infercost.formulas import kernels, layer
from infercost.models.counting import FLOPS_PER_PARAM
from infercost.parts import catalog
from infercost.replica.chip import OTHER, Chip
from infercost.replica.kernels import PROMPT, ROW, TOKEN, WIDE
from tests.conftest import ROOT

#: Bytes of a stored parameter, scales included.
BYTES = {"bf16": 2, "fp8": 1, "fp8_block": 1, "int8": 1, "nvfp4": 0.5625, "mxfp4": 0.53125, "int4": 0.5}
#: Scores and values of a pair of positions, each a multiply and an add; a prompt's pairs are half of a square.
PAIR = 4
Row = dict[str, str]


@cache
def chip_of(name: str) -> Chip:
    """A chip that no power limit slows."""
    part = catalog.load("accelerators", name)
    part = part._replace(facts={key: fact for key, fact in part.facts.items() if key != "power"})
    own, other = (catalog.load("architectures", each) for each in (part.labels.get("architecture", OTHER), OTHER))
    return Chip(part, own, other)


def numbers(row: Row, *names: str) -> list[float]:
    return [float(row[name]) for name in names]


def products(row: Row, chip: Chip) -> float:
    kernel = chip.kernel("products", row["format"])
    rows, columns, depth = numbers(row, "m", "n", "k")
    flops = kernels.product_flops_time(
        flops_per_param=FLOPS_PER_PARAM,
        group_rows=rows,
        product_params=columns * depth,
        kernel_flops=kernel.flops,
    )
    moved = kernels.product_bytes_time(
        product_weights=columns * depth * BYTES[row["format"]],
        group_rows=rows,
        row_bytes=kernel.row_bytes,
        product_inputs=depth,
        wide_bytes=WIDE,
        product_outputs=columns,
        kernel_bandwidth=kernel.bandwidth,
    )
    quantized = kernels.quantize_time(
        quantize_bytes=kernel.quantize_bytes,
        group_rows=rows,
        product_inputs=depth,
        kernel_bandwidth=kernel.bandwidth,
    )
    return kernel.launch + quantized + kernels.products_time(product_flops_time=flops, product_bytes_time=moved)


def experts(row: Row, chip: Chip) -> float:
    kernel = chip.kernel("experts", row["format"])
    tokens, width, inner, count, active = numbers(row, "tokens", "hidden", "inter", "experts", "topk")
    matrices, slices, ranks = numbers(row, "matrices", "tp", "ep")
    hottest = kernels.hottest_expert_rank(expert_ranks=ranks, tokens=tokens, active_experts=active)
    routed = kernels.expert_rows(tokens=tokens, active_experts=active, expert_ranks=ranks, hottest_expert_rank=hottest)
    hit = layer.experts_hit(experts=count, active_experts=active, tokens=tokens)
    if row["balanced"]:
        hit = min(count, tokens * active)
    params = matrices * width * inner / slices
    flops = kernels.expert_flops_time(
        flops_per_param=FLOPS_PER_PARAM,
        sparse_layers=1,
        expert_rows=routed,
        rank_expert_params=params,
        kernel_flops=kernel.flops,
    )
    moved = kernels.expert_bytes_time(
        sparse_layers=1,
        rank_expert_weights=params * BYTES[row["format"]],
        experts_read=kernels.experts_read(experts_hit=hit, active_experts=active, experts=count, expert_ranks=ranks),
        expert_rows=routed,
        expert_row_bytes=kernels.expert_row_bytes(
            expert_input=width,
            row_bytes=kernel.row_bytes,
            wide_rows=ROW,
            row_traffic=0,
            expert_width=inner / slices,
            matrices_of_expert=matrices,
        ),
        token_bytes=TOKEN,
        tokens=tokens,
        expert_input=width,
        kernel_bandwidth=kernel.bandwidth,
    )
    return kernel.launch + flops + moved


def decode(row: Row, chip: Chip) -> float:
    kernel = chip.attention(f"decode_{row['format']}")
    sequences, context, heads, width = numbers(row, "batch", "context", "kv_heads", "head_dim")
    return kernel.launch + kernels.decode_attention_time(
        group_sequences=sequences,
        rank_sequence_read=2 * heads * width * context * float(row["format"]) / 8,
        kernel_bandwidth=kernel.bandwidth,
        head_time=chip.head_time,
        rank_kv_heads=heads,
        multiprocessors=chip.multiprocessors,
    )


def prompt(row: Row, chip: Chip) -> float:
    kernel = chip.attention("prompt")
    prompts, tokens, heads, kv_heads, width = numbers(row, "batch", "tokens", "heads", "kv_heads", "head_dim")
    flops = kernels.prompt_flops_time(
        group_prompt_tokens=prompts * tokens,
        tokens_of_prompt=tokens,
        rank_prompt_flops=PAIR * heads * width * tokens**2 / 2,
        kernel_flops=kernel.flops,
    )
    moved = kernels.prompt_bytes_time(
        group_prompt_tokens=prompts * tokens,
        prompt_traffic=PROMPT,
        prompt_elements=width * (heads + 2 * kv_heads),
        kernel_bandwidth=kernel.bandwidth,
    )
    return kernel.launch + flops + moved


WAYS: dict[str, Callable[[Row, Chip], float]] = {each.__name__: each for each in (products, experts, decode, prompt)}


class Kind(NamedTuple):
    """Rows of an operation, the sizes of its batches, and the largest median error."""

    op: str
    size: str
    least: float
    most: float
    within: float


KINDS = (
    Kind("products", "m", 1, 256, 0.08),
    Kind("products", "m", 512, 1e9, 0.11),
    Kind("experts", "tokens", 1, 256, 0.12),
    Kind("experts", "tokens", 257, 1e9, 0.17),
    Kind("decode", "batch", 1, 1e9, 0.08),
    Kind("prompt", "batch", 1, 1e9, 0.22),
)


@cache
def timed() -> list[Row]:
    """The rows of the sample."""
    with open(ROOT / "tests/data/kernels.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.op} {kind.size} {kind.least:g} to {kind.most:g}")
def test_the_median_error_of_kernels_alone(kind: Kind) -> None:
    rows = [row for row in timed() if row["op"] == kind.op and kind.least <= float(row[kind.size]) <= kind.most]
    assert len(rows) > 50
    times = [(WAYS[row["op"]](row, chip_of(row["part"])) * 1e6, float(row["us"])) for row in rows]
    assert median(max(ours / theirs, theirs / ours) - 1 for ours, theirs in times) <= kind.within


def test_a_part_without_a_16_bit_rate_multiplies_at_half_of_its_8_bit_rate() -> None:
    """The note's H100 has 3 PFLOP/s in 8 bits alone; its bf16 kernels reach 0.76 of half of that."""
    assert chip_of("h100-note").kernel("products", "bf16").flops == pytest.approx(0.76 * 1.5e15)
