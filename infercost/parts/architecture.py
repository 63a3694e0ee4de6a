"""What kernels reach on the chips of an architecture: rows in sections, figures such as ``products_fp8_launch``."""

from typing import Any

from infercost.errors import BadFile
from infercost.units import BANDWIDTH, DURATION, PER_WATT, SHARE, WHOLE, Kind

FORMATS = ("bf16", "fp8", "fp8_block", "int8", "int4", "nvfp4", "mxfp4")
_REACHED = {"launch": DURATION, "compute": SHARE, "memory": SHARE}
_PRODUCTS = {**_REACHED, "inner": DURATION}
_DECODE = {"launch": DURATION, "memory_16": SHARE, "memory_8": SHARE, "per_head": DURATION}
_HOST = dict.fromkeys(("two", "four", "eight"), BANDWIDTH)
#: Each section's rows, and the kinds of their figures; ``inner`` is the time for 1,000 of a product's inner dimension.
SECTIONS: dict[str, dict[str, dict[str, Kind]]] = {
    "products": dict.fromkeys((*FORMATS, "fp8_trtllm"), _PRODUCTS),
    "experts": dict.fromkeys(
        (*FORMATS, "mxfp4_marlin", "int4_flashinfer", "bf16_triton", "fp8_block_triton"), _REACHED
    ),
    "attention": {"decode": _DECODE, "prompt": _REACHED, "latent": _REACHED},
    "layers": {
        "elements": {"launch": DURATION, "memory": SHARE},
        "states": {"launch": DURATION, "prompt_launch": DURATION, "memory": SHARE, "compute": SHARE},
        "streams": {"launch": DURATION, "memory": SHARE},
        "indexers": {"launch": DURATION, "prompt_launch": DURATION},
    },
    "links": {
        "reduce": {"share": SHARE},
        "ranks": {"hop": DURATION},
        "switch": {"launch": DURATION},
        "pcie": {"launch": DURATION, "hop": DURATION},
        "host": _HOST,
        "network": {"launch": DURATION, "hop": DURATION},
    },
    "sustained": {"flops_per_watt": dict.fromkeys(("bits_16", "bits_8", "bits_4"), PER_WATT)},
}
FIGURES: dict[str, Kind] = {
    "multiprocessors": WHOLE,
    **{
        f"{section}_{row}_{figure}": kind
        for section, rows in SECTIONS.items()
        for row, figures in rows.items()
        for figure, kind in figures.items()
    },
}
#: ``timed``: accelerators whose kernels were timed; ``mxfp4``: what multiplies MXFP4 weights if not 16 bits;
#: ``untuned``: the format whose products are slow in builds that lack tables of tuned shapes.
LABELS = ("name", "aliases", "timed", "note", "mxfp4", "untuned")


def flat(data: dict[str, Any], where: str) -> dict[str, Any]:
    """A file's data with each figure of a row of a section under a key of its own, source and remarks beside it.

    Raises:
        BadFile: a section or a row that is no mapping, or one that no architecture has.
    """
    plain = {key: value for key, value in data.items() if key not in SECTIONS}
    for section, rows in SECTIONS.items():
        given = data.get(section, {})
        for row, entry in _mapping(given, f"{where}: {section}").items():
            if row not in rows:
                raise BadFile(f"{where}: {section} has no row {row!r}", f"rows: {', '.join(rows)}")
            figures = _mapping(entry, f"{where}: {section} {row}")
            about = {key: value for key, value in figures.items() if key in _ABOUT}
            for key in figures.keys() - about.keys():
                plain[f"{section}_{row}_{key}"] = {"value": figures[key], **about}
    return plain


_ABOUT = ("source", "others", "weak")


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFile(f"{where} is no mapping", "write rows such as bf16: {launch: 4 us, compute: 0.8, source: KEY}")
    return value
