"""Predicted against reported tokens a second with experts in host memory: ``python tools/offload_error.py FILE``.

A file has a row a report: ``model``, ``format``, ``gpu``, ``nominal_gb_s`` of the host's memory,
``sparse_layers_in_host``, ``context_tokens`` and ``tok_s_measured``.
"""

import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from infercost.models.find import find_model
from infercost.models.gguf import as_gguf, with_head
from infercost.models.model import Model, Quantization
from infercost.parts import catalog
from infercost.parts.accelerator import FIGURES
from infercost.parts.preset import Fact, Preset
from infercost.replica.chip import backend_of
from infercost.replica.llama_cpp import Halves, Timing
from infercost.replica.work import Load, Offload, split

#: B/s of memory and FLOP/s in 32 bits of cards that have no preset.
CARDS = {"rtx2080": (448e9, 10.1e12), "rtx4090d": (1008e9, 73.5e12), "rtx3090ti": (1008e9, 40e12)}
OF_CARD = ("memory_bandwidth", "flops_fp32")
SOURCE = "NVIDIA's specifications of the card, as the reports' readers took them"
#: Formats that a publisher makes: the nearest one of llama-quantize, and the type of the head where it differs.
NEAREST = {"q4_k_l": ("q4_k_m", "q8_0"), "ud-iq2_m": ("iq2_m", "")}
#: Bits of a file whose mix is none of llama-quantize's, worked out from its size.
BITS = {"iq4_nl": Quantization("iq4_nl", 5.5, {"experts": 4.5, "head": 6.5625, "embedding": 6.5625, "norms": 32})}


def part_of(name: str) -> Preset:
    """The card of a report: one of several that take turns."""
    plain = re.sub(r"^\d+ x ", "", name)
    if (figures := CARDS.get(catalog.plain(plain))) is None:
        return catalog.load("accelerators", plain)
    facts = {key: Fact(value, FIGURES[key], SOURCE, "") for key, value in zip(OF_CARD, figures, strict=True)}
    return Preset(catalog.plain(plain), "accelerators", {"vendor": "NVIDIA"}, facts, "")


def model_of(name: str, format: str) -> Model:
    """The model of a report in the format of its file."""
    model, format = find_model(name).model, format.lower()
    if format in BITS:
        return model._replace(quantization=BITS[format])
    kind, head = NEAREST.get(format, (format, ""))
    return with_head(as_gguf(model, kind), head) if head else as_gguf(model, kind)


def host_of(nominal: float) -> Preset:
    """A host whose memory has such a bandwidth."""
    fact = Fact(nominal, catalog.HOST["memory_bandwidth"], "the report", "")
    return Preset("reported", "hosts", {}, {"memory_bandwidth": fact}, "")


def predicted(row: dict[str, str]) -> float:
    """Tokens a second of a report."""
    part, model = part_of(row["gpu"]), model_of(row["model"], row["format"])
    parts = split(model, Offload(experts=int(row["sparse_layers_in_host"])))
    halves = Halves(parts.near, parts.far, host_of(1e9 * float(row["nominal_gb_s"])))
    engine = backend_of(catalog.on_part(catalog.load("efficiency", "llama.cpp"), part))
    return 1 / Timing(model, part, engine, halves=halves).pass_of(Load(1, float(row["context_tokens"]))).step


def errors(rows: Sequence[dict[str, str]]) -> list[float]:
    """Predicted over reported, of each row."""
    return [predicted(row) / float(row["tok_s_measured"]) for row in rows]


def read_reports(path: Path) -> list[dict[str, str]]:
    """The rows of a file of reports."""
    return list(csv.DictReader(path.read_text().splitlines()))


def main() -> None:
    """Print a row a report, then the median and the 90th percentile of the error."""
    rows = read_reports(Path(sys.argv[1]))
    ratios = errors(rows)
    print("| report | tokens/s | predicted | ratio |\n|---|--:|--:|--:|")
    for row, ratio in zip(rows, ratios, strict=True):
        print(f"| {row['id']} | {row['tok_s_measured']} | {ratio * float(row['tok_s_measured']):.2f} | {ratio:.2f} |")
    off = sorted(abs(ratio - 1) for ratio in ratios)
    half, most = median(off), quantiles(off, n=10, method="inclusive")[-1]
    print(f"\n|predicted/measured - 1| of {len(off)} reports: median {half:.1%}, 90% {most:.1%}")


if __name__ == "__main__":
    main()
