"""What an accelerator preset may hold, and the two choices that its figures leave: which rate, which memory."""

from typing import NamedTuple

from infercost.errors import Missing
from infercost.parts.formats import Format
from infercost.parts.preset import Fact, Preset
from infercost.units import BANDWIDTH, FLOPS, HOURLY, MONEY, POWER, SIZE, WHOLE

RATES = ("fp32", "tf32", "bf16", "fp16", "fp8", "int8", "fp6", "fp4", "int4")
#: Figures of an accelerator preset; link and network are one direction, rates are dense and sum in 32 bits, but for
#: ``flops_fp16_accumulate``, given where summing in 16 bits is faster.
FIGURES = {
    "memory": SIZE,
    "memory_reported": SIZE,
    "memory_engine": SIZE,
    "memory_bandwidth": BANDWIDTH,
    **{f"flops_{rate}": FLOPS for rate in RATES},
    "flops_fp16_accumulate": FLOPS,
    "link_bandwidth": BANDWIDTH,
    "link_domain": WHOLE,
    "network_bandwidth": BANDWIDTH,
    "power": POWER,
    "rent": HOURLY,
    "purchase": MONEY,
}
LABELS = ("name", "aliases", "vendor", "kind", "note", "note_8bit")
#: What a memory figure is, from the plan of a note to that of an engine.
MEMORY_BASES = {"memory": "as sold", "memory_reported": "as the driver reports", "memory_engine": "as engines see it"}


class Rate(NamedTuple):
    """The arithmetic rate that serves a storage format on a part."""

    name: str
    fact: Fact

    @property
    def key(self) -> str:
        """The rate's key in the preset."""
        return f"flops_{self.name}"


def find_rate(part: Preset, format: Format) -> Rate | None:
    """The dense rate at which the part computes with weights of a format, or None where no figure is known."""
    for equals in format.rates:
        known = [Rate(name, part.facts[key]) for name in equals if (key := f"flops_{name}") in part.facts]
        if known:
            return max(known, key=lambda rate: rate.fact.value)
    return None


def rate_for(part: Preset, format: Format) -> Rate:
    """The dense rate at which the part computes with weights of a format.

    Raises:
        Missing: the part has no figure that serves the format.
    """
    if (rate := find_rate(part, format)) is not None:
        return rate
    has = [name for name in RATES if f"flops_{name}" in part.facts]
    wanted = format.rates[0][0]
    raise Missing(
        f"{part.name} has no dense rate for {format.name} (it has {', '.join(has) or 'none'})",
        f"give it: --set gpu.flops_{wanted}=...FLOP/s" + (f", or ask for --dtype {has[0]}" if has else ""),
    )


def summing_in_16_bits(part: Preset) -> Preset:
    """The part as it multiplies where products of 16 bits are summed in 16 bits: GeForce cards twice as fast."""
    faster = part.facts.get("flops_fp16_accumulate")
    return part.with_fact("flops_bf16", faster).with_fact("flops_fp16", faster) if faster else part


def memory_key(part: Preset, nominal: bool) -> str:
    """The key of the memory figure to count: as sold, or else the nearest to what an engine can plan with."""
    keys = ("memory",) if nominal else ("memory_engine", "memory_reported", "memory")
    return next((key for key in keys if key in part.facts), "memory")
