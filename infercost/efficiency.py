"""What an efficiency profile holds: how close a real stack comes to the bound."""

from infercost.preset import Preset
from infercost.units import DURATION, RESERVE, SHARE, WHOLE

#: NCCL's ways to send data, each with its latencies and the share of the bandwidth that it reaches.
PROTOCOLS = ("ll", "ll128", "simple")
#: Figures that only the law ``erdil-2025`` needs; other profiles leave them out.
LAW_FIGURES = {
    "kernel_launch": DURATION,
    "serial_matmuls": WHOLE,
    **{f"{name}_{part}_latency": DURATION for name in PROTOCOLS for part in ("rank", "node", "base")},
    **{f"{name}_share": SHARE for name in PROTOCOLS},
    "grid_hop_latency": DURATION,
    "grid_base_latency": DURATION,
}
#: Figures of an efficiency profile.
FIGURES = {
    "memory_share": SHARE,
    "compute_share": SHARE,
    "link_share": SHARE,
    "hop_latency": DURATION,
    "step_overhead": DURATION,
    "usable": SHARE,
    "activation_floor": RESERVE,
    "activation_per_vocab": RESERVE,
    "engine_overhead": RESERVE,
    "engine_overhead_parallel": RESERVE,
    **LAW_FIGURES,
}
OVERLAPS = ("full", "operator", "none")
LAWS = ("roofline", "erdil-2025")
#: What three of its labels may say, and what one of them says where it is left out.
WORDS = {"overlap": OVERLAPS, "memory": ("nominal", "engine"), "law": LAWS}
UNSAID = {"law": "roofline"}
#: ``memory`` says which capacity is counted: ``nominal`` (as sold) or ``engine`` (what an engine sees); ``engine``
#: which version its memory figures were fitted on; ``law`` how a step's parts are counted.
LABELS = ("name", "aliases", "overlap", "memory", "law", "engine", "note")


def is_ideal(profile: Preset) -> bool:
    """Whether a profile leaves the bound as it is: all shares one, nothing added."""
    shares = ("memory_share", "compute_share", "link_share")
    return (
        law(profile) == "roofline"
        and all(profile.value(key) == 1 for key in shares)
        and not (profile.value("hop_latency") or profile.value("step_overhead"))
    )


def law(profile: Preset) -> str:
    """How the parts of a step are counted: by the roofline, or by the law of a paper."""
    return profile.labels.get("law", UNSAID["law"])
