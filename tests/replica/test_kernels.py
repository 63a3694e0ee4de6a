"""Kernels alone, as they were timed: what the formulas and the figures of a chip say of each, without its watts.

``kernels.csv`` is each third row, in the order of its shapes, of a sample of aiconfigurator-core 0.12.0 (NVIDIA,
Apache-2.0), ``systems/data/PART/OP/ENGINE/VERSION``: dense products with n of 1,024 and more and k of 1,024 to 16,384,
vLLM's routed experts and decoding attention, where the data did not lie in the chip's cache, and whole prompts.
"""

import csv
from functools import cache
from statistics import median
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tools.kernel_error import WAYS, Row, chip_of, error, errors, main, of_aiter, read


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


def aiters() -> list[Row]:
    """Part of AITER's timings: each tenth shape of a format, each fourth where there are few."""
    return list(read(str(ROOT / "tests/data/kernels_amd.csv")))


def test_dense_products_of_amd() -> None:
    """Seven formats of AITER's tuned tables on steps that decode: half within 14% in the mean, 12.5% on all rows."""
    found = errors(row for row in aiters() if row["op"] == "products" and float(row["m"]) <= 256)
    assert len(found) == 7
    assert sum(map(median, found.values())) / len(found) < 0.14


def test_experts_of_amd() -> None:
    """Six formats of AITER's tuned tables on steps that decode: half of each within 9%; MXFP8 has no kernels here."""
    rows = [row for row in aiters() if row["op"] == "experts" and float(row["tokens"]) <= 256]
    found = errors(row for row in rows if row["named"] != "mxfp8")
    assert len(found) == 6
    assert max(map(median, found.values())) < 0.09


def test_a_product_as_aiter_times_it() -> None:
    """MXFP4 by hand, 1 x 512 x 4,096 on MI355X: 6.1 - 2.2 us, 4.096 x 0.95 us, 1,117,440 B at 7.2 TB/s: 7.946 us."""
    shape = {"arch": "cdna4", "part_cus": "256", "kind": "gemm", "format": "mxfp4", "M": "1", "N": "512", "K": "4096"}
    row = of_aiter({**shape, "us": "5"})
    assert row is not None
    assert error(row) == pytest.approx(7.946 / 5 - 1, rel=1e-3)


def test_parts_and_formats_without_shipped_kernels_are_left_out() -> None:
    assert of_aiter({"arch": "cdna3", "part_cus": "80", "kind": "gemm", "format": "bf16", "us": "5"}) is None
    assert of_aiter({"arch": "cdna4", "part_cus": "256", "kind": "moe", "format": "a8w4", "us": "5"}) is None


def test_a_table_of_something_else_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="no table of kernels"):
        main([str(ROOT / "tests/data/load_peaks.csv")])
    with pytest.raises(SystemExit, match="absent"):
        main(["absent.csv"])
    main([str(ROOT / "tests/data/kernels_amd.csv")])
    assert "mean of the medians of 7 formats" in capsys.readouterr().out
