"""Accelerators: figures of a preset and its kernels, its arithmetic rate and memory size; cards, slices and machines.

Cards lie in one file, which is read where no preset has a name; nobody checked them by hand, and their arithmetic is by
their family's rule. A slice (MIG) is a share of a part, a machine a count of one.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple

from infercost.errors import BadFile, Missing, UnknownName
from infercost.parts.files import read_mapping
from infercost.parts.formats import Format
from infercost.parts.preset import Fact, Preset
from infercost.units import BANDWIDTH, DURATION, FLOPS, HOURLY, MONEY, PER_WATT, POWER, SHARE, SIZE, WHOLE, Kind, parse

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


#: Below so many GB people run ``small_engine`` of a family, where it names one.
SMALL = 16.0
#: Words that people leave out or put in, and the two of a card of laptops.
_WORDS = re.compile(
    r"\b(nvidia|amd|intel|geforce|radeon|instinct|tesla|quadro|data center|generation|blackwell|graphics|gpu|r|tm|ac"
    r"|oam|hbm[23]e?)\b"
)
#: The number of a socket, which presets leave out.
_SOCKET = re.compile(r"\bsxm[456]\b")
_LAPTOP = re.compile(r"\b(laptop|notebook)\b")
_SIZE = re.compile(r"(?<![\w.])(?:(\d+)\s?(?:gb|gib)|(4|6|8|1[0126]|20|24|32|40|48|64|72|80|9[46]|1\d\d)g(?!\.))\b")
#: What people call cards of one brand: ``RTX 6000 Pro`` and ``RTX 5000 Blackwell`` are the RTX PRO's.
_PRO = re.compile(r"(?<!pro )\b([2456][05]00) (?:pro|blackwell)\b")
_NOISE = re.compile(r"[^a-z0-9]")
#: Where a card is sold to those who own it, by a pattern in its name: the first that is found.
_SEGMENTS = {
    "laptop": re.compile(r"\b(Mobile|Max-Q)\b|\dM\b"),
    "desktop": re.compile(r"\b(GeForce|TITAN|Arc|RX|VII)\b"),
    "workstation": re.compile(r"\b(RTX|Quadro|Radeon(?! Instinct| P[rR][oO] V\d))\b"),
}
#: ``3g.40gb`` behind a part's name, with or without the word, as drivers, Kubernetes and people write it.
_WRITTEN = re.compile(r"(?P<part>.*?)[\s_-]*(?:\bmig)?[\s_-]*(?P<compute>[1-7])g\.(?P<memory>\d+)gb(?:\+[\w.]+)?", re.I)
#: Eighths of the memory that a profile of so many sevenths of the arithmetic has; of parts of four, quarters.
_EIGHTHS = {1: (1, 2), 2: (2,), 3: (4,), 4: (4,), 7: (8,)}
_QUARTERS = {1: (1,), 2: (2,), 4: (4,)}
#: Parts that are cut in four, and those that are cut at all, by how their names begin.
_OF_FOUR = ("a30", "rtx-pro-5000", "rtx-pro-6000")
_CUT = ("a100", "a800", "h100", "h800", "h200", "h20", "gh200", "b100", "b200", "b300", "gb200", "gb300", *_OF_FOUR)
#: The size in a profile's name is rounded, and of what a driver reports.
_ROUNDED = 0.12
_SCALES = {"B": (1e9, "G"), "B/s": (1e9, "G"), "FLOP/s": (1e12, "T")}
_MIG = {"title": "docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html", "date": "2026"}
#: Keys of a variant that are no figures.
_OF_SOURCES = ("name", "source", "like")
_WEAK = "a share of the whole part; the multiprocessors of a slice are a few more or fewer"


class CardName(NamedTuple):
    """What a name says: its letters and digits without maker, brand and size, and the size in GB where it has one."""

    core: str
    size: float | None


class Card(NamedTuple):
    """One row of the file, as text: memory in GB, bandwidth in GB/s, TFLOP/s of 32 bits, W; ``page`` is its source."""

    id: str
    name: str
    family: str
    released: str
    memory: str
    memory_type: str
    bandwidth: str
    fp32: str
    power: str
    bus: str
    page: str


class Book(NamedTuple):
    """The file: its head, its cards, and what the name of each says."""

    head: dict[str, Any]
    cards: tuple[Card, ...]
    keys: tuple[CardName, ...]


class Slice(NamedTuple):
    """A profile: the part as written, its share of the arithmetic in slices, and its memory in GB."""

    part: str
    compute: int
    memory: int

    @property
    def name(self) -> str:
        """As NVIDIA writes it: ``3g.40gb``."""
        return f"{self.compute}g.{self.memory}gb"


#: What consoles and SDKs put before a name, and the size of an instance in words.
_BEFORE = re.compile(r"^(ml\.|standard[_\s-]|nvidia\s|tpu[-_](?=v\d))")
_INSTANCE = re.compile(r"xlarge\b")
_BRACES = re.compile(r"\{([^}]*)\}")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


class Machine(NamedTuple):
    """A machine: its name, the accelerator in it, how many it has, and where that is written."""

    name: str
    part: str
    number: int
    source: str


@lru_cache(8192)
def key_of(name: str) -> CardName:
    """What a name says, however it is written: ``RTX 4070 Laptop GPU`` is ``rtx-4070-mobile``."""
    words = _PRO.sub(r"pro \1", _SOCKET.sub("sxm", re.sub(r"[\s_()-]+", " ", name.lower())))
    size = _SIZE.search(words)
    rest = _WORDS.sub("", _LAPTOP.sub("mobile", _SIZE.sub("", words, count=1)))
    return CardName(_NOISE.sub("", rest), float(size[1] or size[2]) if size else None)


@cache
def read_cards(path: str) -> Book:
    """The file of cards, read once."""
    head = read_mapping(path, "cards")
    rows = tuple(Card(*line.split(",")) for line in str(head.pop("cards")).splitlines()[1:])
    return Book(head, rows, tuple(key_of(card.name) for card in rows))


def find_card(book: Book, name: str, presets: Iterable[str] = ()) -> Card | None:
    """The card that a name means, None for none; ``presets`` are named beside cards of other sizes.

    Raises:
        UnknownName: a card that comes in several sizes, or not in the one that the name says.
    """
    if own := next((card for card in book.cards if card.id == name), None):
        return own
    key = key_of(name)
    alike = [(card, own) for card, own in zip(book.cards, book.keys, strict=True) if own.core == key.core]
    # a card whose own name has a size has siblings, smaller ones than are listed here among them
    fitting = [card for card, own in alike if key.size in (own.size, float(card.memory))]
    if fitting or not alike:
        return fitting[0] if fitting else None
    what = "comes in several sizes" if key.size is None else f"is not known with {key.size:g} GB"
    others = [*(card.id for card, _ in alike), *(preset for preset in presets if key_of(preset).core == key.core)]
    raise UnknownName(f"{name!r} {what}", f"name one: {', '.join(sorted(others))}")


def without_figures(book: Book, name: str) -> str:
    """Why a part that people name has no figures, empty where it is not such a part."""
    core = key_of(name).core
    return next((why for part, why in book.head["without_figures"].items() if key_of(part).core == core), "")


def data_of(book: Book, card: Card) -> dict[str, Any]:
    """A card as the data of a preset: a source for each figure, derived rates weak, and that nobody checked it."""
    family, source = book.head["families"][card.family], book.head["source"]
    engine, small = family.get("engine"), family.get("small_engine")
    labels = {key: family[key] for key in ("vendor", "kind", "architecture", "link", "unserved") if key in family}
    if segment := next((name for name, words in _SEGMENTS.items() if words.search(card.name)), ""):
        labels["segment"] = segment
    derived = "arithmetic derived by the rule of its family: " if family.get("rates") else ""
    data: dict[str, Any] = {
        "name": f"{family['vendor']} {card.name}",
        **labels,
        **({"engine": small if small and float(card.memory) < SMALL else engine} if engine else {}),
        "unchecked": f"figures of {source['title']}; {derived}{family['rule']}",
        "released": {"value": card.released, "source": "CARDS"},
        "memory": {"value": f"{card.memory} {family['unit']}", "source": "CARDS", "others": card.memory_type},
        **_reported(card, family, labels),
        "memory_bandwidth": {"value": f"{card.bandwidth} GB/s", "source": "CARDS"},
        **_rates(card, family.get("rates", {})),
        "sources": {
            "CARDS": {"title": f"{source['title']}: techpowerup.com/gpu-specs/{card.page}", "date": source["date"]},
            "RULE": {"title": family["rule"], "date": family["date"]},
            "BUS": book.head["bus_source"],
        },
    }
    if card.power:
        data["power"] = {"value": f"{card.power} W", "source": "CARDS"}
    if speed := book.head["buses"].get(card.bus):
        data["link_bandwidth"] = {"value": speed, "source": "BUS", "others": f"PCIe {card.bus}"}
    return data


def _reported(card: Card, family: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """What a driver reports of a card that its owner has: chips of GDDR hold binary gigabytes."""
    if family["unit"] != "GB" or "segment" not in labels or not card.memory_type.startswith("GDDR"):
        return {}
    weak = "derived: chips of GDDR hold binary gigabytes, no log was looked for"
    return {"memory_reported": {"value": f"{card.memory} GiB", "source": "CARDS", "weak": weak}}


def _rates(card: Card, rates: dict[str, str]) -> dict[str, Any]:
    """The rate of 32 bits, and those that are multiples of it."""
    facts = {}
    for name, times in rates.items():
        value = float(card.fp32) * float(times)
        weak = f"derived: {times} times the rate of 32 bits, not published"
        derived = {"source": "RULE", "weak": weak} if name != "fp32" else {"source": "CARDS"}
        facts[f"flops_{name}"] = {"value": f"{value:.5g} TFLOP/s", **derived}
    return facts


def slice_of(name: str) -> Slice | None:
    """The slice that a name means, None for a whole part; the part is empty where a name says none."""
    found = _WRITTEN.fullmatch(name.strip())
    return Slice(found["part"].strip(" -_"), int(found["compute"]), int(found["memory"])) if found else None


def cut_slice(data: dict[str, Any], part: str, asked: Slice, kinds: dict[str, Kind]) -> dict[str, Any]:
    """The data of a part's preset as a slice of it has them; links and prices are of the whole part.

    Raises:
        UnknownName: a part that is not cut, or not so.
    """
    if not part.startswith(_CUT):
        raise UnknownName(f"{part} is not cut into slices", "name the whole part")
    whole, shares = (4, _QUARTERS) if part.startswith(_OF_FOUR) else (8, _EIGHTHS)
    memory = parse(kinds["memory"], str(data["memory"]["value"]), "memory") / 1e9
    sizes = {(compute, eighths): memory * eighths / whole for compute in shares for eighths in shares[compute]}
    fitting = [
        eighths
        for (compute, eighths), size in sizes.items()
        if compute == asked.compute and abs(asked.memory / size - 1) <= _ROUNDED
    ]
    if not fitting:
        known = ", ".join(f"{compute}g.{size:.0f}gb" for (compute, _), size in sizes.items())
        raise UnknownName(f"{part} is not cut into {asked.name}", f"slices of it are about {known}")
    arithmetic, rest = asked.compute / (7 if whole == 8 else 4), fitting[0] / whole
    kept = {key: entry for key, entry in data.items() if key not in kinds and key not in ("variants", "aliases")}
    figures = {
        key: _share(entry, kinds[key], arithmetic if key.startswith("flops_") else rest)
        for key, entry in data.items()
        if key.startswith("flops_") or key in ("memory", "memory_reported", "memory_bandwidth", "power")
    }
    sources = {**data["sources"], "MIG": _MIG}
    return {**kept, **figures, "name": f"{data['name']}, MIG {asked.name}", "sources": sources}


def _share(entry: dict[str, Any], kind: Kind, share: float) -> dict[str, Any]:
    scale, letter = _SCALES.get(kind.unit, (1.0, ""))
    value = parse(kind, str(entry["value"]), "a figure") * share / scale
    return {"value": f"{value:.6g} {letter}{kind.unit}", "source": "MIG", "weak": _WEAK}


def variant_of(data: dict[str, Any], variant: str, path: str) -> dict[str, Any]:
    """A preset's data with the figures of a variant, which share its source; prices are of one configuration.

    Raises:
        BadFile: the variant has none, nor is it like one that has.
    """
    all_of_it = data.get("variants")
    all_of_it = all_of_it if isinstance(all_of_it, dict) else {}
    own = all_of_it.get(variant)
    like = all_of_it.get(own.get("like"), {}) if isinstance(own, dict) else None
    if not isinstance(own, dict) or not isinstance(like, dict) or "like" in like or ("like" in own and not like):
        hint = "write memory: 64 GB and source: KEY under it, or like: the name of one that has them"
        raise BadFile(f"preset {path}: variant {variant} has no figures", hint)
    base = _with_figures(data, own["like"], like) if like else data
    return _with_figures(base, variant, own)


def _with_figures(data: dict[str, Any], variant: str, own: dict[str, Any]) -> dict[str, Any]:
    """The data of a part with the figures of a variant of it, under a name that says which."""
    known = {key: entry for key, entry in data.items() if key not in ("variants", "purchase", "rent", "aliases")}
    if isinstance(own.get("memory"), str):
        known |= _as_counted(known, own["memory"])
    figures = {key: entry for key, entry in own.items() if key not in _OF_SOURCES}
    shared = {"source": own.get("source")}
    figures |= {key: {"value": text, **shared} for key, text in figures.items() if isinstance(text, str)}
    return {**known, "name": own.get("name", f"{data.get('name')}, {own.get('memory', variant)}"), **figures}


def _as_counted(data: dict[str, Any], memory: str) -> dict[str, Any]:
    """What a driver or an engine sees of another size: in binary units where the part counts so, else not known."""
    sold, counted = (data.pop(key, None) for key in ("memory", "memory_reported"))
    data.pop("memory_engine", None)
    if not (isinstance(sold, dict) and isinstance(counted, dict)):
        return {}
    binary = counted.get("value") == str(sold.get("value")).replace(" GB", " GiB")
    return {"memory_reported": {**counted, "value": memory.replace(" GB", " GiB")}} if binary else {}


# Machines that people name instead of the accelerators in them: cloud instances, and servers of one maker.


def find_machine(path: str, name: str) -> Machine | None:
    """The machine that a name means, None for no machine; ``path`` is the file of machines."""
    return machines_in(path).get(_machine_key(name))


@cache
def machines_in(path: str) -> dict[str, Machine]:
    """The file of machines, read once: each by what its name is for comparison."""
    data = read_mapping(path, "machines")
    known = {}
    for line in str(data["machines"]).splitlines():
        names, part, count, key = line.strip().rsplit(maxsplit=3)
        source = data["sources"][key]
        for name in _machine_names(names):
            known[_machine_key(name)] = Machine(name, part, int(count), f"{source['title']}, {source['date']}")
    return known


def _machine_names(names: str) -> list[str]:
    """The names that a line stands for: ``p5{e,en}.48xlarge`` for two."""
    choices = [part.split(",") if place % 2 else [part] for place, part in enumerate(_BRACES.split(names))]
    return ["".join(parts) for parts in product(*choices)]


def _machine_key(name: str) -> str:
    """A name for comparison: a dot and digits count, blanks and dashes do not."""
    return _BETWEEN_WORDS.sub("", _INSTANCE.sub("xl", _BEFORE.sub("", name.strip().lower())))
