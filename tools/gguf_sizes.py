"""How far computed sizes of GGUF files are from published ones: ``python tools/gguf_sizes.py FILE``.

FILE is a CSV with the columns model, format, published_size and unit (GiB or GB); ``head`` names the type of a head of
its own, as ``note`` does with the words "in q8_0, not q6_k".
"""

import csv
import sys
from pathlib import Path
from statistics import median

from infercost.models import counting
from infercost.models.find import find_model
from infercost.models.gguf_mix import in_gguf

UNITS = {"GiB": 2**30, "GB": 1e9}


def error(row: dict[str, str]) -> float:
    """Computed over published size, less one."""
    head = row.get("head") or ("q8_0" if "in q8_0, not" in row.get("note", "") else "")
    model = in_gguf(find_model(row["model"]).model, row["format"], head)
    return counting.weight_bytes(model) / (float(row["published_size"]) * UNITS[row["unit"]]) - 1


def main(path: str) -> None:
    """Print the error of each file, and the median and the worst."""
    with Path(path).open() as file:
        errors = {f"{row['model']} {row['format']}": error(row) for row in csv.DictReader(file)}
    for name, off in errors.items():
        print(f"{name:60s} {off:+.3%}")
    sizes = [abs(off) for off in errors.values()]
    print(f"{len(sizes)} files: median {median(sizes):.3%}, worst {max(sizes):.3%}")


if __name__ == "__main__":
    main(sys.argv[1])
