"""What an efficiency profile holds: how close a real stack comes to the bound."""

from infercost.preset import Preset
from infercost.units import DURATION, RESERVE, SHARE

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
}
OVERLAPS = ("full", "operator", "none")
#: What two of its labels may say.
WORDS = {"overlap": OVERLAPS, "memory": ("nominal", "engine")}
#: ``memory`` says which capacity is counted: ``nominal`` (as sold) or ``engine`` (what an engine sees); ``engine``
#: which version its memory figures were fitted on.
LABELS = ("name", "aliases", "overlap", "memory", "engine", "note")


def is_ideal(profile: Preset) -> bool:
    """Whether a profile leaves the bound as it is: all shares one, nothing added."""
    shares = ("memory_share", "compute_share", "link_share")
    return all(profile.value(key) == 1 for key in shares) and not (
        profile.value("hop_latency") or profile.value("step_overhead")
    )
