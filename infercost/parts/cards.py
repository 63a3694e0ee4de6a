"""Parts without a preset of their own: cards of a database, slices of a GPU, and other sizes of a part.

Cards lie in one file, which is read where no preset has a name; nobody checked them by hand, and their arithmetic is by
the rule of a family. Slices (NVIDIA MIG) are shares of the memory and of the arithmetic of a whole part.
Other sizes, or numbers of cores, have their figures under ``variants`` in the file of a part.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple

from infercost.errors import BadFile, UnknownName
from infercost.parts.yamlfile import read_mapping
from infercost.units import Kind, parse

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
_ABOUT = ("name", "source", "like")
_WEAK = "a share of the whole part; the multiprocessors of a slice are a few more or fewer"


class Key(NamedTuple):
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
    keys: tuple[Key, ...]


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
def key_of(name: str) -> Key:
    """What a name says, however it is written: ``RTX 4070 Laptop GPU`` is ``rtx-4070-mobile``."""
    words = _PRO.sub(r"pro \1", _SOCKET.sub("sxm", re.sub(r"[\s_()-]+", " ", name.lower())))
    size = _SIZE.search(words)
    rest = _WORDS.sub("", _LAPTOP.sub("mobile", _SIZE.sub("", words, count=1)))
    return Key(_NOISE.sub("", rest), float(size[1] or size[2]) if size else None)


@cache
def read(path: str) -> Book:
    """The file of cards, read once."""
    head = read_mapping(path, "cards")
    rows = tuple(Card(*line.split(",")) for line in str(head.pop("cards")).splitlines()[1:])
    return Book(head, rows, tuple(key_of(card.name) for card in rows))


def find(book: Book, name: str, presets: Iterable[str] = ()) -> Card | None:
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


def cut(data: dict[str, Any], part: str, asked: Slice, kinds: dict[str, Kind]) -> dict[str, Any]:
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
    figures = {key: entry for key, entry in own.items() if key not in _ABOUT}
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
    return machines_in(path).get(_key(name))


@cache
def machines_in(path: str) -> dict[str, Machine]:
    """The file of machines, read once: each by what its name is for comparison."""
    data = read_mapping(path, "machines")
    known = {}
    for line in str(data["machines"]).splitlines():
        names, part, count, key = line.strip().rsplit(maxsplit=3)
        source = data["sources"][key]
        for name in _each(names):
            known[_key(name)] = Machine(name, part, int(count), f"{source['title']}, {source['date']}")
    return known


def _each(names: str) -> list[str]:
    """The names that a line stands for: ``p5{e,en}.48xlarge`` for two."""
    choices = [part.split(",") if place % 2 else [part] for place, part in enumerate(_BRACES.split(names))]
    return ["".join(parts) for parts in product(*choices)]


def _key(name: str) -> str:
    """A name for comparison: a dot and digits count, blanks and dashes do not."""
    return _BETWEEN_WORDS.sub("", _INSTANCE.sub("xl", _BEFORE.sub("", name.strip().lower())))
