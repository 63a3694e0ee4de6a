"""The parts that a question without names is about: all presets, or those of a vendor, or that can be rented."""

from infercost.errors import UnknownName, closest
from infercost.parts import catalog
from infercost.parts.accelerator import BASES
from infercost.parts.preset import Preset
from infercost.scenario.read import Reading, read_part

#: What narrows the parts down.
NARROWING = ("vendor", "rentable")
#: Kinds that are built to serve.
SERVERS = ("gpu", "tpu", "accelerator", "superchip")
#: Kinds that nobody buys: the brain, and a data sheet in round numbers.
_NO_PARTS = ("reference",)
_RENTS = ("rent", *(f"rent_{basis}" for basis in BASES))


def offered(reading: Reading) -> list[Preset]:
    """Every accelerator preset that people can have, those of a vendor or with a rent where only these are asked for.

    Raises:
        UnknownName: no preset is of the vendor.
    """
    parts = [read_part(reading, name)[0] for name in catalog.names("accelerators")]
    parts = [part for part in parts if part.labels.get("kind") not in _NO_PARTS]
    if (vendor := reading.take("vendor")) is not None:
        vendors = sorted({part.labels.get("vendor", "") for part in parts})
        of = {name.lower(): name for name in vendors}.get(vendor.lower())
        if of is None:
            raise UnknownName(f"no part is of {vendor!r}", f"{closest(vendor, vendors)}vendors: {', '.join(vendors)}")
        parts = [part for part in parts if part.labels.get("vendor") == of]
    if reading.take("rentable"):
        parts = [part for part in parts if can_be_rented(part)]
    return parts


def can_be_rented(part: Preset) -> bool:
    """Whether a rent of a part is known, on any basis."""
    return any(key in part.facts for key in _RENTS)
