"""Predicted against published sizes of GGUF files, as Markdown tables: ``python tools/gguf_sizes.py [FILE]``.

A file of columns ``model, format, published_size, unit`` (B, GB or GiB), and for a head of another type ``head_dtype``,
or a ``note`` that says it: "its tied table is in q8_0". Then bits of Llama 3.1 8B against llama.cpp's table.
"""

import csv
import re
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

from infercost.errors import BadValue, InfercostError
from infercost.models import counting
from infercost.models.find import find_model
from infercost.models.gguf import as_gguf, with_head
from infercost.parts.formats import MIXES

DATA = Path(__file__).parent.parent / "tests" / "data"
UNITS = {"B": 1, "GB": 10**9, "GiB": 2**30}
_HEAD = re.compile(r"(?:table|head) is in (\w+)")


class Check(NamedTuple):
    """A figure of one file: as predicted, as published, and the unit of both."""

    model: str
    format: str
    predicted: float
    published: float
    unit: str

    @property
    def error(self) -> float:
        """The relative error, below zero for a prediction that is too small."""
        return self.predicted / self.published - 1


def stored(name: str, format: str, head: str = "") -> tuple[float, float]:
    """Bytes of a model's tensors in a format, and mean bits of a weight.

    Raises:
        InfercostError: a model or a format that is not known.
    """
    if format not in MIXES:
        raise BadValue(f"no format {format} of GGUF files", f"formats are {', '.join(MIXES)}")
    model = as_gguf(find_model(name).model, format)
    model = with_head(model, head) if head else model
    size = counting.weight_bytes(model)
    return size, 8 * size / counting.total_params(model)


def sizes(path: Path) -> list[Check]:
    """The sizes of a table of published files; one of an unknown model or format is said and left out."""
    checks = []
    for row in csv.DictReader(path.read_text().splitlines()):
        said = _HEAD.search(row.get("note") or "")
        head = row.get("head_dtype") or (said[1] if said else "")
        try:
            size, _ = stored(row["model"], row["format"].lower(), head)
        except InfercostError as error:
            print(f"left out: {error}")
            continue
        unit, published = row["unit"], float(row["published_size"])
        checks.append(Check(row["model"], row["format"], size / UNITS[unit], published, unit))
    return checks


def bits() -> list[Check]:
    """The bits of a weight of Llama 3.1 8B in the formats that llama.cpp publishes."""
    rows = csv.DictReader((DATA / "gguf_bits.csv").read_text().splitlines())
    name = "llama-3.1-8b"
    return [
        Check(name, row["format"], stored(name, row["format"])[1], float(row["bits"]), "bits a weight") for row in rows
    ]


def report(checks: list[Check]) -> None:
    """Print a row a figure, then the median and the worst error."""
    print("| model | format | predicted | published | error |")
    print("|---|---|--:|--:|--:|")
    for check in checks:
        figures = f"{check.predicted:.6g} | {check.published:.6g} {check.unit}"
        print(f"| {check.model} | {check.format} | {figures} | {check.error:+.4%} |")
    errors = [abs(check.error) for check in checks]
    print(f"\n{len(checks)} figures: median {median(errors):.4%}, worst {max(errors):.4%}.\n")


def main() -> None:
    """Print both tables."""
    report(sizes(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "gguf_sizes.csv"))
    report(bits())


if __name__ == "__main__":
    main()
