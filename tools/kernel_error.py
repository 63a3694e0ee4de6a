"""Kernels as others timed them, alone, against the shipped figures: ``python tools/kernel_error.py FILE``.

FILE has the columns of ``tests/data/kernels.csv``, or those of ``tests/data/kernels_amd.csv``: timings of ROCm/aiter,
which leave out the quantization of inputs, and routing and sorting around experts.
"""

import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from statistics import mean, median, quantiles

from infercost.formulas import kernels, layer
from infercost.models.counting import FLOPS_PER_PARAM
from infercost.parts import catalog
from infercost.replica.chip import OTHER, Chip, Kernel
from infercost.replica.kernels import PROMPT, ROW, TOKEN, WIDE

#: Bytes of a stored parameter, scales included.
BYTES = {"bf16": 2, "fp8": 1, "fp8_block": 1, "int8": 1, "nvfp4": 0.5625, "mxfp4": 0.53125, "int4": 0.5}
#: The same of AITER's integers, whose groups of 32 have a scale of 16 bits (FlyDSL's kernels have no other).
STORED = {**BYTES, "int4": 0.5625}
#: Formats of AITER's experts whose kernels are those of another; others have none.
SERVED = {"mxfp8": "fp8"}
#: The accelerators of AITER's timings by architecture and compute units; other parts of an architecture have no preset.
TIMED = {("cdna3", "304"): "mi300x", ("cdna4", "256"): "mi355x"}
#: Seconds of a launch that AITER does not time: half of the quantization of dense inputs, which is fused as often as
#: not; routing and sorting of experts, and two quantizations more where they are not of 16 bits.
QUANTIZATION, ROUTING = 2.2e-6, 9e-6
#: Scores and values of a pair of positions, each a multiply and an add; a prompt's pairs are half of a square.
PAIR = 4
#: The engine of AITER's timings.
AITER = "aiter"
Row = dict[str, str]


@cache
def chip_of(name: str, *, limited: bool = False) -> Chip:
    """The chip of an accelerator, by default one that no power limit slows."""
    part = catalog.load("accelerators", name)
    if not limited:
        part = part._replace(facts={key: fact for key, fact in part.facts.items() if key != "power"})
    own, other = (catalog.load("architectures", each) for each in (part.labels.get("architecture", OTHER), OTHER))
    return Chip(part, own, other)


def numbers(row: Row, *names: str) -> list[float]:
    """Some columns of a row."""
    return [float(row[name]) for name in names]


def products(row: Row, chip: Chip) -> float:
    """Seconds of a dense product."""
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
    walked = kernels.inner_time(inner_times=[kernel.inner], product_inputs=[depth])
    return walked + started(row, kernel) + kernels.products_time(product_flops_time=flops, product_bytes_time=moved)


def started(row: Row, kernel: Kernel) -> float:
    """Seconds to launch a dense product and to quantize its inputs, where a timing holds that."""
    if row["engine"] == AITER:
        return kernel.launch - (QUANTIZATION if kernel.quantize_bytes else 0)
    rows, depth = numbers(row, "m", "k")
    return kernel.launch + kernels.quantize_time(
        quantize_bytes=kernel.quantize_bytes,
        group_rows=rows,
        product_inputs=depth,
        kernel_bandwidth=kernel.bandwidth,
    )


def experts(row: Row, chip: Chip) -> float:
    """Seconds of the routed experts of a layer."""
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
        rank_expert_weights=params * (STORED if row["engine"] == AITER else BYTES)[row["format"]],
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
    return kernel.launch - unrouted(row, kernel) + flops + moved


def unrouted(row: Row, kernel: Kernel) -> float:
    """Seconds of the launch that a timing of experts leaves out."""
    if row["engine"] != AITER:
        return 0.0
    return ROUTING if kernel.row_bytes == WIDE else 2 * ROUTING


def decode(row: Row, chip: Chip) -> float:
    """Seconds of decoding attention."""
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
    """Seconds of the attention of prompts."""
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


WAYS: dict[str, Callable[[Row, Chip], float]] = {each.__name__: each for each in (products, experts, decode, prompt)}
#: The batch of a row by its operation.
SIZES = {"products": "m", "experts": "tokens", "decode": "batch", "prompt": "batch"}
#: The most rows of a step that decodes.
FEW = 256
#: Columns of both kinds of tables.
COLUMNS = {"op", "part", "format", "engine", "us"}
OF_AITER = {"arch", "part_cus", "kind", "format", "us"}


def of_aiter(row: Row) -> Row | None:
    """A timing of AITER in the columns of others, None where no shipped kernel is of its chip and format."""
    part = TIMED.get((row["arch"], row["part_cus"]))
    format = SERVED.get(row["format"], row["format"])
    if part is None or format not in BYTES:
        return None
    given = {"part": part, "format": format, "named": row["format"], "engine": AITER, "us": row["us"]}
    if row["kind"] == "gemm":
        return {**given, "op": "products", "m": row["M"], "n": row["N"], "k": row["K"]}
    alone = {"matrices": "3" if row["gated"] else "2", "tp": "1", "ep": "1", "balanced": ""}
    names = {"tokens": "tokens", "hidden": "model_dim", "inter": "expert_dim", "experts": "experts", "topk": "topk"}
    return {**given, **alone, "op": "experts", **{name: row[key] for name, key in names.items()}}


def read(path: str) -> Iterator[Row]:
    """The rows of a table that shipped kernels are for.

    Raises:
        SystemExit: a file that is no such table.
    """
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    header = set(rows[0]) if rows else set()
    if header >= OF_AITER:
        yield from filter(None, map(of_aiter, rows))
    elif header >= COLUMNS:
        yield from rows
    else:
        raise SystemExit(f"{path}: no table of kernels: it needs the columns {', '.join(sorted(OF_AITER))}")


def error(row: Row) -> float:
    """How far the shipped figures are off, as ``validate`` counts it."""
    theirs = float(row["us"])
    ours = 1e6 * WAYS[row["op"]](row, chip_of(row["part"], limited=row["engine"] == AITER))
    return max(ours / theirs, theirs / ours) - 1


def errors(rows: Iterable[Row]) -> dict[tuple[str, ...], list[float]]:
    """Errors by architecture, operation, format, and whether a step that decodes has so many rows, in order."""
    found: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        part, size = chip_of(row["part"]).architecture.name, float(row[SIZES[row["op"]]])
        group = part, row["op"], row.get("named") or row["format"], f"<= {FEW}" if size <= FEW else f"> {FEW}"
        found.setdefault(group, []).append(error(row))
    return dict(sorted(found.items()))


def main(words: list[str]) -> None:
    """Print a row a group: how many kernels, half and nine in ten of them within which error."""
    if len(words) != 1:
        raise SystemExit("give one file: python tools/kernel_error.py tests/data/kernels_amd.csv")
    try:
        found = errors(read(words[0]))
    except (OSError, UnicodeDecodeError) as fault:
        raise SystemExit(f"{words[0]}: {fault}") from fault
    print("| architecture | kernels | format | rows or tokens | n | median error | 90th percentile |")
    print("|---|---|---|---|--:|--:|--:|")
    for group, values in found.items():
        high = quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]
        print(f"| {' | '.join(group)} | {len(values)} | {median(values):.1%} | {high:.1%} |")
    few = [median(values) for (_, op, _, size), values in found.items() if op == "products" and size == f"<= {FEW}"]
    if few:
        print(f"\nproducts of at most {FEW} rows, mean of the medians of {len(few)} formats: {mean(few):.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
