"""Bands of estimates: the multiples between which eight of ten measurements of a kind lie, from the shipped file."""

from functools import cache
from typing import NamedTuple

from infercost.parts import catalog
from infercost.parts.files import read_mapping
from infercost.parts.preset import Preset
from infercost.parts.stack import law

#: Kinds of numbers: gaps between tokens by requests in flight, first tokens, tokens per second of a server, times at a
#: rate, the highest throughput, and that of a full memory; of llama.cpp a user's gaps and a batch's.
KINDS = (
    *("decode_few", "decode_some", "decode_many", "first_token", "tokens_per_s", "served", "peak", "full_memory"),
    *("one_user", "batch"),
)
#: Requests in flight up to which gaps between tokens are of a kind, and the same of llama.cpp.
CLASSES = ((8, "decode_few"), (64, "decode_some"), (float("inf"), "decode_many"))
LOCAL = ((1, "one_user"), (float("inf"), "batch"))
#: What gaps between tokens of each kind were measured with.
REGIMES = {
    "decode_few": "up to 8 requests",
    "decode_some": "9 to 64 requests",
    "decode_many": "more than 64 requests",
    "served": "requests at a rate",
    "one_user": "one user",
    "batch": "a batch",
}
#: Profiles whose constants are fitted to their own engine's runs.
FITTED = ("vllm", "tensorrt-llm")
#: Sets of bands beside: of all such engines, of others, of engines without the flags of benchmarks, on AMD's parts, of
#: llama.cpp, and of steps that continue in the memory of a host.
SETS = (*FITTED, "own", "other", "untuned", "amd", "llama.cpp", "host")


#: Makers of the parts whose runs the bands of engines with measured kernels are from.
MEASURED_VENDORS = ("NVIDIA", "AMD")
#: Engines of which no run is known, by the starts of the formats that they alone read.
UNMEASURED = {"mlx": "MLX", "exl": "ExLlama"}


class Band(NamedTuple):
    """Measured over estimated time of eight in ten rows."""

    low: float
    high: float


def decode_kind(requests: float, *, local: bool = False) -> str:
    """The kind of a gap between tokens with so many requests in flight, ``local`` under llama.cpp."""
    return next(kind for most, kind in (LOCAL if local else CLASSES) if requests <= most)


def is_local(profile: Preset) -> bool:
    """Whether the bands of a profile are those of llama.cpp."""
    return law(profile) == "llama.cpp"


def not_covered(part: Preset, profile: Preset, *, recurrent: bool) -> str:
    """Why an engine's numbers on a part are no better than a bound, empty where its law was measured there.

    A part says it of engines of today, an engine of the parts of a vendor, of recurrent models, or of all it runs.
    """
    labels = profile.labels
    if law(profile) == "kernels":
        vendor = part.labels.get("vendor", "")
        seen = "architecture" in part.labels or vendor in MEASURED_VENDORS
        whose = f" of {vendor}" if vendor else ""
        return part.labels.get(
            "not_covered", "" if seen else f"no run of today's engines on such a part{whose} was measured"
        )
    there = labels.get("not_covered_on", "") in ("", part.labels.get("vendor"))
    such = recurrent or labels.get("not_covered_of", "") != "recurrent"
    return labels.get("not_covered", "") if there and such else ""


def unmeasured(format: str) -> str:
    """The engine that alone reads a format of weights, where no run of it is known; empty where one is."""
    return next((engine for start, engine in UNMEASURED.items() if format.startswith(start)), "")


def band_of(profile: Preset, part: Preset, kind: str, *, sparse: bool) -> Band | None:
    """The band of a kind of number under a profile on a part; None where its law has none."""
    model = "sparse" if sparse else "dense"
    return next((band for name in sets_of(profile, part) if (band := _bands().get((name, model, kind)))), None)


def sets_of(profile: Preset, part: Preset) -> tuple[str, ...]:
    """The sets of bands of a profile on a part, the nearest first; none where its law has none."""
    if is_local(profile):
        return ("llama.cpp",)
    if law(profile) != "kernels":
        return ()
    sets = (profile.name, "own") if profile.name in FITTED else ("other",)
    if part.labels.get("vendor") == "AMD":
        return "amd", *sets
    return ("untuned", *sets) if "tuned" in profile.labels else sets


def band_of_host(reported: bool) -> Band | None:
    """The band of a step with a part in a host; None for parts that no report has."""
    return _bands().get(("host", "sparse", "one_user")) if reported else None


@cache
def _bands() -> dict[tuple[str, str, str], Band]:
    path = catalog.shipped() / "bands.yaml"
    if not path.is_file():
        return {}
    data = read_mapping(str(path), "bands")
    return {
        (name, model, kind): Band(float(entry["low"]), float(entry["high"]))
        for name in SETS
        for model, kinds in data.get(name, {}).items()
        for kind, entry in kinds.items()
    }
