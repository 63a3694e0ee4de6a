"""What an efficiency profile holds: how close a real stack comes to the bound."""

from infercost.preset import Fact, Preset
from infercost.units import DURATION, MULTIPLE, RESERVE, SHARE

#: Figures of an efficiency profile.
FIGURES = {
    "compute_share": SHARE,
    "attention_share": SHARE,
    "memory_share": SHARE,
    "cache_share": SHARE,
    "link_share": SHARE,
    "kernels_per_layer": MULTIPLE,
    "kernels_per_sparse_layer": MULTIPLE,
    "kernel_time": DURATION,
    "activation_traffic": MULTIPLE,
    "expert_imbalance": MULTIPLE,
    "collective_latency": DURATION,
    "hop_latency": DURATION,
    "step_overhead": DURATION,
    "sequence_overhead": DURATION,
    "request_overhead": DURATION,
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


#: Figures that leave the bound as it is when they are one, and those that do when they are zero.
_ONES = ("compute_share", "attention_share", "memory_share", "cache_share", "link_share")
_KERNELS = ("kernels_per_layer", "kernels_per_sparse_layer")
_RESERVES = ("activation_floor", "activation_per_vocab", "engine_overhead", "engine_overhead_parallel")
_ZEROS = (
    "kernel_time",
    "activation_traffic",
    "expert_imbalance",
    "collective_latency",
    "hop_latency",
    "step_overhead",
    "sequence_overhead",
)


def complete(profile: Preset) -> Preset:
    """The profile with every figure that it leaves out as the bound has it: shares one, times zero."""
    zeros = (*_ZEROS, *_KERNELS, *_RESERVES, "request_overhead")
    bound = {**dict.fromkeys((*_ONES, "usable"), 1.0), **dict.fromkeys(zeros, 0.0)}
    absent = {key: value for key, value in bound.items() if key not in profile.facts}
    facts = {key: Fact(value, FIGURES[key], f"left out by profile {profile.name}", "") for key, value in absent.items()}
    return profile._replace(facts={**profile.facts, **facts})


def is_ideal(profile: Preset) -> bool:
    """Whether a profile leaves the bound as it is: all shares one, nothing added."""
    return all(profile.value(key) == 1 for key in _ONES) and not any(profile.value(key) for key in _ZEROS)
