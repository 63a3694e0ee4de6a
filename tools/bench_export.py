"""Rows a second of an export and of its writers on this machine: ``python tools/bench_export.py``.

Computed: every configuration of a 405B model, on one core. Written: half a million rows of 25 columns, 10 of them one
value a chunk, 10 random floats of all their digits, 5 whole numbers. Not part of the suite: a clock is no assertion.
"""

import os
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

import infercost
from infercost.render import export

CHUNKS, ROWS = 8, 65_536
WORDS = ("h100", "llama-3.1-70b", "bf16", None, "realistic", "memory", "tp8", 8, 2.5, True)


def chunks() -> Iterator[dict[str, Any]]:
    """Random chunks in the shape of an export's."""
    random = np.random.default_rng(0)
    for _ in range(CHUNKS):
        floats = {f"float_{n}": random.lognormal(size=ROWS) * 10**n for n in range(10)}
        counts = {f"count_{n}": random.integers(1, 5000, ROWS) for n in range(5)}
        yield {f"word_{n}": word for n, word in enumerate(WORDS)} | floats | counts


def main() -> None:
    """Print a line for the computation, and one a form."""
    table = infercost.frontier(model="llama-3.1-405b", gpu="h100", all=True).export
    assert table
    start = perf_counter()
    for _ in table.chunks():
        pass
    print(f"computed{table.rows / (perf_counter() - start):>12,.0f} rows/s (at least 1,000,000)")
    ready = list(chunks())
    with TemporaryDirectory() as folder:
        for form in ("csv", "jsonl", "parquet"):
            path = os.path.join(folder, f"a.{form}")
            export.write(ready[:1], path)
            start = perf_counter()
            rows = export.write(ready, path)
            time = perf_counter() - start
            print(f"{form:8}{rows / time:>12,.0f} rows/s {os.path.getsize(path) / rows:>6.0f} B a row")


if __name__ == "__main__":
    main()
