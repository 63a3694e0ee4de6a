"""What an efficiency profile holds: how close a real stack comes to the bound."""

from infercost.parts.accelerator import summing_in_16_bits
from infercost.parts.preset import Fact, Preset
from infercost.units import DURATION, MULTIPLE, RESERVE, SHARE, WHOLE, Kind

#: Figures of an efficiency profile, whatever its law.
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
    "cache_rereads": MULTIPLE,
    "collective_latency": DURATION,
    "network_latency": DURATION,
    "hop_latency": DURATION,
    "step_overhead": DURATION,
    "sequence_overhead": DURATION,
    "request_overhead": DURATION,
    "steps_waited": MULTIPLE,
    "usable": SHARE,
    "activation_floor": RESERVE,
    "activation_per_vocab": RESERVE,
    "engine_overhead": RESERVE,
    "engine_overhead_parallel": RESERVE,
}
OVERLAPS = ("full", "operator", "none")
#: NCCL's ways to send data, each with its latencies and the share of the bandwidth that it reaches.
PROTOCOLS = ("ll", "ll128", "simple")
#: Ways to count the parts of a step, each with the figures that no other way needs.
LAWS: dict[str, dict[str, Kind]] = {
    "roofline": {},
    "erdil-2025": {
        "kernel_launch": DURATION,
        "serial_matmuls": WHOLE,
        **{f"{name}_{part}_latency": DURATION for name in PROTOCOLS for part in ("rank", "node", "base")},
        **{f"{name}_share": SHARE for name in PROTOCOLS},
    },
}
#: Every figure that a profile may hold.
KINDS = FIGURES | {key: kind for own in LAWS.values() for key, kind in own.items()}
#: What four of its labels may say, and what two of them say where they are left out.
WORDS = {"overlap": OVERLAPS, "memory": ("nominal", "engine"), "law": tuple(LAWS), "accumulates": ("fp32", "fp16")}
UNSAID = {"law": "roofline", "accumulates": "fp32"}
#: ``memory`` says which capacity is counted: ``nominal`` (as sold) or ``engine`` (what an engine sees); ``engine``
#: which version its memory figures were fitted on; ``law`` how a step's parts are counted; ``accumulates`` the format
#: that products of 16 bits are summed in; ``frameworks`` and ``vendors`` whose measurements it is for.
LABELS = (
    *("name", "aliases", "overlap", "memory", "law", "accumulates", "engine", "frameworks", "vendors"),
    *("error", "nearer", "note"),
)


#: Figures that leave the bound as it is when they are one, and those that do when they are zero.
_ONES = ("compute_share", "attention_share", "memory_share", "cache_share", "link_share")
_KERNELS = ("kernels_per_layer", "kernels_per_sparse_layer")
_RESERVES = ("activation_floor", "activation_per_vocab", "engine_overhead", "engine_overhead_parallel")
_ZEROS = (
    "kernel_time",
    "activation_traffic",
    "expert_imbalance",
    "cache_rereads",
    "collective_latency",
    "network_latency",
    "hop_latency",
    "step_overhead",
    "sequence_overhead",
)


def complete(profile: Preset) -> Preset:
    """The profile with every figure that it leaves out as the bound has it: shares one, times zero."""
    zeros = (*_ZEROS, *_KERNELS, *_RESERVES, "request_overhead", "steps_waited")
    bound = {**dict.fromkeys((*_ONES, "usable"), 1.0), **dict.fromkeys(zeros, 0.0)}
    absent = {key: value for key, value in bound.items() if key not in profile.facts}
    facts = {key: Fact(value, FIGURES[key], f"left out by profile {profile.name}", "") for key, value in absent.items()}
    return profile._replace(facts={**profile.facts, **facts})


def is_ideal(profile: Preset) -> bool:
    """Whether a profile leaves the bound as it is: all shares one, nothing added."""
    whole = complete(profile)
    shares = all(whole.value(key) == 1 for key in _ONES)
    return law(profile) == "roofline" and shares and not any(whole.value(key) for key in _ZEROS)


def law(profile: Preset) -> str:
    """How the parts of a step are counted: by the roofline, or by the law of a paper."""
    return profile.labels.get("law", UNSAID["law"])


def part_under(part: Preset, profile: Preset) -> Preset:
    """The part as a profile's stack uses it: some multiply faster where products of 16 bits are summed in 16 bits."""
    return summing_in_16_bits(part) if profile.labels.get("accumulates", UNSAID["accumulates"]) == "fp16" else part
