"""Figures of an accelerator preset and of its kernels; the choice of an arithmetic rate and of a memory size."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from infercost.errors import BadFile, Missing
from infercost.parts.formats import Format
from infercost.parts.preset import Fact, Preset
from infercost.units import BANDWIDTH, DURATION, FLOPS, HOURLY, MONEY, PER_WATT, POWER, SHARE, SIZE, WHOLE, Kind

#: What the rents ``rent_...`` pay for: a part on demand at a neocloud, on a three-year contract, or what it costs who
#: owns it. ``rent`` itself is the listed price of one shop.
BASES = {"neocloud": "neocloud rent", "rental": "three-year rent", "owner": "owner's cost"}
RATES = ("fp32", "tf32", "bf16", "fp16", "fp8", "int8", "fp6", "fp4", "int4")
_HALVES = ("bf16", "fp16")
#: Links and networks count one direction. Rates are dense and sum in 32 bits, except ``flops_fp16_accumulate``, given
#: where sums in 16 bits are faster. ``host_link_bandwidth`` goes to the host of a part whose other link does not.
FIGURES = {
    "memory": SIZE,
    "memory_reported": SIZE,
    "memory_engine": SIZE,
    "memory_bandwidth": BANDWIDTH,
    **{f"flops_{rate}": FLOPS for rate in RATES},
    "flops_fp16_accumulate": FLOPS,
    "link_bandwidth": BANDWIDTH,
    "link_domain": WHOLE,
    "host_link_bandwidth": BANDWIDTH,
    "network_bandwidth": BANDWIDTH,
    "power": POWER,
    "rented_devices": WHOLE,
    "rent": HOURLY,
    **{f"rent_{basis}": HOURLY for basis in BASES},
    "purchase": MONEY,
}
#: ``engine`` names the profile of the engine that people run on it today, where one was measured; ``architecture``
#: names the preset of its kernels; ``link`` is how accelerators reach each other: through a ``switch``
#: (where nothing is said), in a ``mesh`` with a link to each other one, over ``pcie``, or through the ``host``;
#: ``segment`` is where a card is sold to those who own it (``SEGMENTS``), data centres have none;
#: ``unserved`` says what vLLM needs that it lacks; ``not_covered`` what measured runs of engines of today were like
#: where no law fits them; ``variants`` are other sizes or numbers of cores, each with what differs; ``unchecked`` says
#: whose figures nobody checked by hand.
LABELS = (
    *(
        "name",
        "aliases",
        "vendor",
        "kind",
        "segment",
        "engine",
        "architecture",
        "link",
        "note",
        "note_8bit",
        "not_covered",
    ),
    *("unserved", "variants", "unchecked"),
)
#: Starts of figures that make another part of it where a question changes them.
_OF_SPEED = ("memory", "flops_")
#: How accelerators may reach each other.
LINKS = ("switch", "mesh", "pcie", "host")
SEGMENTS = ("desktop", "workstation", "laptop", "deskside")
#: Kinds of parts that are whole computers.
COMPUTERS = ("soc", "cpu")
#: Kinds of parts that llama.cpp has no backend for, and the vendors of such parts that it has one for (CANN).
_NOT_OF_LLAMA_CPP, _BY_CANN = ("accelerator", "tpu", "wafer"), ("Huawei",)
#: The basis of each memory figure, from the largest to what an engine can use.
MEMORY_BASES = {"memory": "as sold", "memory_reported": "as the driver reports", "memory_engine": "as engines see it"}


#: The source of a rate that stands in where none is published: so fast that memory alone sets the bound.
_UNPUBLISHED, _ENDLESS = "no dense rate is published", 1e21


class Rate(NamedTuple):
    """An arithmetic rate of a part; ``narrow`` where products of 16 bits are summed in 16 bits."""

    name: str
    fact: Fact
    narrow: bool = False

    @property
    def key(self) -> str:
        """The rate's key in the preset."""
        return "flops_fp16_accumulate" if self.narrow else f"flops_{self.name}"

    @property
    def words(self) -> str:
        """What is multiplied, and how it is summed where that is not in 32 bits."""
        return f"{self.name} with fp16 sums" if self.narrow else self.name


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
CHIP_FIGURES: dict[str, Kind] = {
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
CHIP_LABELS = ("name", "aliases", "timed", "note", "mxfp4", "untuned")


_ABOUT = ("source", "others", "weak")


def find_rate(part: Preset, format: Format) -> Rate | None:
    """The dense rate for weights of a format, None without a figure."""
    for equals in format.rates:
        rates = [Rate(name, part.facts[key]) for name in equals if (key := f"flops_{name}") in part.facts]
        if rates:
            found = max(rates, key=lambda rate: rate.fact.value)
            return Rate("fp16", found.fact, True) if _is_narrow(part, found) else found
    return None


def with_endless_rate(part: Preset) -> Preset:
    """The part, with a rate without end where none is known: what its memory alone allows."""
    if any(f"flops_{rate}" in part.facts for rate in RATES):
        return part
    return part.with_fact("flops_bf16", Fact(_ENDLESS, FLOPS, _UNPUBLISHED, ""))


def has_endless_rate(part: Preset) -> bool:
    """Whether no rate of a part is known, and one without end stands in."""
    rate = part.facts.get("flops_bf16")
    return rate is not None and rate.source == _UNPUBLISHED


def _is_narrow(part: Preset, rate: Rate) -> bool:
    """Whether the rate of sums in 16 bits stands under a key of 16 bits."""
    return rate.name in _HALVES and rate.fact is part.facts.get("flops_fp16_accumulate")


def rate_for(part: Preset, format: Format) -> Rate:
    """The dense rate for weights of a format.

    Raises:
        Missing: no figure serves the format.
    """
    if (rate := find_rate(part, format)) is not None:
        return rate
    names = [name for name in RATES if f"flops_{name}" in part.facts and not has_endless_rate(part)]
    others = f" (it has {', '.join(names)})" if names else ", nor for any other format"
    raise Missing(
        f"{part.name} has no dense rate for {format.name}{others}",
        f"give --set gpu.flops_{format.rates[0][0]}=...FLOP/s"
        + (f", or --dtype {names[0]}" if names else ": with 1e21, memory alone sets the bound"),
    )


def summing_in_16_bits(part: Preset) -> Preset:
    """The part with the rates of sums in 16 bits: GeForce cards multiply twice as fast."""
    faster = part.facts.get("flops_fp16_accumulate")
    return part.with_fact("flops_bf16", faster).with_fact("flops_fp16", faster) if faster else part


def memory_key(part: Preset, nominal: bool) -> str:
    """The key of the memory figure that counts: as sold, or else the nearest to what an engine sees."""
    keys = ("memory",) if nominal else ("memory_engine", "memory_reported", "memory")
    return next((key for key in keys if key in part.facts), "memory")


def common_memory(parts: Sequence[Preset]) -> tuple[str, list[str]]:
    """The basis on which the memories of parts compare, and the key of each part's figure.

    As engines see them or as drivers report them, where all are known so; else as sold. GiB on a data sheet are those
    that a driver reports.
    """
    known = [part.facts for part in parts if "memory" in part.facts]
    if known and all("memory_engine" in facts for facts in known):
        return MEMORY_BASES["memory_engine"], ["memory_engine"] * len(parts)
    counted = ("memory_reported", "memory_engine")
    if known and all(is_binary(facts["memory"].value) or any(key in facts for key in counted) for facts in known):
        keys = [next((key for key in counted if key in part.facts), "memory") for part in parts]
        return MEMORY_BASES["memory_reported"], keys
    return MEMORY_BASES["memory"], ["memory"] * len(parts)


def is_binary(size: float) -> bool:
    """Whether a size is whole MiB, as no round number of GB is."""
    return size % 2**20 == 0


def group_link(part: Preset, ranks: int) -> float:
    """B/s, one direction, that an accelerator has to a group of so many: of a mesh only the links to its members.

    Raises:
        Missing: the part has no link.
    """
    return part.value("link_bandwidth") * mesh_share(part, ranks)


def over_pcie(part: Preset) -> bool:
    """Whether accelerators have no link of their own to each other."""
    return part.labels.get("link") in ("host", "pcie")


def joins(part: Preset) -> bool:
    """Whether several of a part can hold one model: a whole computer without a link to the next stands alone."""
    return part.labels.get("kind") != "soc" or bool({"link_bandwidth", "network_bandwidth"} & {*part.facts})


def is_of_a_desktop(part: Preset) -> bool:
    """Whether a part is a card of desktops, workstations and laptops rather than of data centres."""
    return part.labels.get("segment") in SEGMENTS[:3]


def called(part: Preset) -> str:
    """The name of a part in sentences: where a question changes its memory, bandwidth or arithmetic, that it does."""
    is_changed = any(fact.source.startswith("--set") for key, fact in part.facts.items() if key.startswith(_OF_SPEED))
    return f"{part.name} as changed" if is_changed else part.name


def is_sold_to_owners(part: Preset) -> bool:
    """Whether who runs a part mostly bought it: a card of desktops, workstations and laptops, or a whole computer."""
    return is_of_a_desktop(part) or part.labels.get("kind") == "soc"


def is_owned(part: Preset) -> bool:
    """Whether who runs a part has one of it: a card of its own, a whole computer, or what people run llama.cpp on."""
    labels = part.labels
    return "segment" in labels or labels.get("kind") in COMPUTERS or labels.get("engine", "").startswith("llama.cpp")


def runs_llama_cpp(part: Preset) -> bool:
    """Whether llama.cpp has a backend for a part."""
    return part.labels.get("kind") not in _NOT_OF_LLAMA_CPP or part.labels.get("vendor") in _BY_CANN


def mesh_share(part: Preset, ranks: int) -> float:
    """Share of its links that an accelerator has to a group of so many: all but in a part of a mesh."""
    domain = part.facts.get("link_domain")
    if part.labels.get("link") != "mesh" or domain is None or not 1 < ranks < domain.value:
        return 1.0
    return (ranks - 1) / (domain.value - 1)


def beside(figures: Collection[str]) -> tuple[str, ...]:
    """What figures of memory need beside them: what drivers or engines see is of a part that is sold with so much."""
    return ("memory",) if {"memory_reported", "memory_engine"} & set(figures) else ()


# What kernels reach on the chips of an architecture: rows in sections, figures such as ``products_fp8_launch``.


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


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFile(f"{where} is no mapping", "write rows such as bf16: {launch: 4 us, compute: 0.8, source: KEY}")
    return value
