"""What an efficiency profile holds: how close a real stack comes to the bound."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from infercost.errors import BadFile, BadValue
from infercost.parts.accelerator import summing_in_16_bits
from infercost.parts.preset import Fact, Preset
from infercost.units import DURATION, FACTOR, LIMIT, MULTIPLE, PARAMS, RESERVE, SHARE, SIZE, TOKENS, WHOLE, Kind


class Constant(NamedTuple):
    """A figure of every profile: its kind, its value at the bound, and whether it keeps a step from the bound."""

    kind: Kind
    bound: float
    in_step: bool = True


#: The profile of what all engines of today have in common.
SHARED = "realistic"
CONSTANTS = {
    "compute_share": Constant(SHARE, 1.0),
    "attention_share": Constant(SHARE, 1.0),
    "memory_share": Constant(SHARE, 1.0),
    "cache_share": Constant(SHARE, 1.0),
    "link_share": Constant(SHARE, 1.0),
    "kernels_per_layer": Constant(MULTIPLE, 0.0, in_step=False),  # nothing without kernel_time
    "kernels_per_sparse_layer": Constant(MULTIPLE, 0.0, in_step=False),
    "kernel_time": Constant(DURATION, 0.0),
    "activation_traffic": Constant(MULTIPLE, 0.0),
    "expert_imbalance": Constant(MULTIPLE, 0.0),
    "cache_rereads": Constant(MULTIPLE, 0.0),
    "collective_latency": Constant(DURATION, 0.0),
    "network_latency": Constant(DURATION, 0.0),
    "hop_latency": Constant(DURATION, 0.0),
    "step_overhead": Constant(DURATION, 0.0),
    "sequence_overhead": Constant(DURATION, 0.0),
    "request_overhead": Constant(DURATION, 0.0, in_step=False),
    "steps_waited": Constant(MULTIPLE, 0.0, in_step=False),
    "usable": Constant(SHARE, 1.0, in_step=False),
    "activation_floor": Constant(RESERVE, 0.0, in_step=False),
    "activation_per_vocab": Constant(RESERVE, 0.0, in_step=False),
    "engine_overhead": Constant(RESERVE, 0.0, in_step=False),
    "engine_overhead_parallel": Constant(RESERVE, 0.0, in_step=False),
}
FIGURES = {name: constant.kind for name, constant in CONSTANTS.items()}
OVERLAPS = ("full", "operator", "none")
#: NCCL's ways to send data, each with its latencies and the share of the bandwidth that it reaches.
PROTOCOLS = ("ll", "ll128", "simple")
#: Ways to count the parts of a step, each with the figures that no other way needs.
LAWS: dict[str, dict[str, Kind]] = {
    "roofline": {},
    "kernels": {
        "launch_scale": MULTIPLE,
        "exchange_latency": DURATION,
        "forwarding_latency": DURATION,
        "eager_layer_time": DURATION,
        "cpu_launches": MULTIPLE,
        "unfused_launch_scale": MULTIPLE,
        "untuned_factor": MULTIPLE,
        "untuned_decode_factor": MULTIPLE,
        "fused_ranks": MULTIPLE,
        "captured_tokens": TOKENS,
        "captured_tokens_latent": TOKENS,
        "chunk_tokens": TOKENS,
        "chunk_tokens_small": TOKENS,
        "small_memory": SIZE,
        "token_overhead": DURATION,
        "streamed_steps": MULTIPLE,
        "cold_start": DURATION,
        "row_traffic": MULTIPLE,
        "reduce_limit": LIMIT,
        "compute_scale": FACTOR,
        "bandwidth_scale": FACTOR,
    },
    "llama.cpp": {
        "compute_share_16": SHARE,
        "vector_share": SHARE,
        "vector_rows": TOKENS,
        "matrix_rows": TOKENS,
        "expert_rows": TOKENS,
        "expert_tile": TOKENS,
        "expert_launch": DURATION,
        "layer_launch": DURATION,
        "sparse_launches": MULTIPLE,
        "memory_scale_bf16": FACTOR,
        "compute_scale_bf16": FACTOR,
        "older_products": FACTOR,
        "older_launches": FACTOR,
        "older_cache": FACTOR,
        "host_share": SHARE,
        "host_layer_time": DURATION,
        "chunk_tokens": TOKENS,
    },
    "erdil-2025": {
        "kernel_launch": DURATION,
        "serial_matmuls": WHOLE,
        **{f"{name}_{part}_latency": DURATION for name in PROTOCOLS for part in ("rank", "node", "base")},
        **{f"{name}_share": SHARE for name in PROTOCOLS},
    },
}
#: What an engine profiles its memory with, on parts of much memory and of little, what it runs at once where that is
#: more, and its own memory on parts that reach each other over PCIe.
MEMORY: dict[str, Kind] = {
    "profiled_sequences": WHOLE,
    "profiled_sequences_small": WHOLE,
    "running_sequences": WHOLE,
    "engine_overhead_pcie": RESERVE,
}
#: The share of memory that an engine works out for itself: what it sets aside for a token of a pass, a sequence of its
#: decode graphs, a rank, a captured size of prompts, and a data parallel group; what a vision tower takes of the share.
RULE: dict[str, Kind] = {
    "reserve_base": RESERVE,
    "reserve_per_token": RESERVE,
    "reserve_per_graph": RESERVE,
    "reserve_per_rank": RESERVE,
    "reserve_per_prompt_graph": RESERVE,
    "reserve_latent_graphs": RESERVE,
    "reserve_per_group": RESERVE,
    "reserve_per_group_wide": RESERVE,
    "reserve_floor": RESERVE,
    "vision_base": SHARE,
    "vision_slope": SHARE,
    "vision_least": SHARE,
    "vision_most": FACTOR,
    "vision_params_usual": PARAMS,
}
#: Parts by their memory, each row below its own, and what such an engine starts with there: tokens of a pass, sequences
#: of the largest decode graph, those where four ranks or more share a layer, and captured sizes of prompts.
TIERS = ("20gib", "35gib", "60gib", "90gib", "160gib", "more")
_TIER = {"memory": SIZE, "tokens": TOKENS, "graphs": WHOLE, "graphs_wide": WHOLE, "prompt_graphs": WHOLE}
STARTS = {f"start_{row}_{figure}": kind for row in TIERS for figure, kind in _TIER.items()}
#: Every figure that a profile may hold.
KINDS = FIGURES | MEMORY | RULE | STARTS | {key: kind for own in LAWS.values() for key, kind in own.items()}
#: The values that some labels may have, and the defaults of those that may be left out.
WORDS = {
    "overlap": OVERLAPS,
    "memory": ("nominal", "engine"),
    "law": tuple(LAWS),
    "accumulates": ("fp32", "fp16"),
    "prompts": ("filled", "whole", "alone"),
    "split": ("matrices", "layers"),
    "kernels": ("", "cuda", "metal", "hip", "vulkan", "cpu"),
    "captures_split": ("yes", "no"),
    "not_covered_of": ("", "recurrent"),
    "share_of": ("memory", "start", "rest"),
}
DEFAULTS = {
    "law": "roofline",
    "accumulates": "fp32",
    "prompts": "filled",
    "split": "matrices",
    "captures_split": "yes",
    "kernels": "",
    "not_covered_of": "",
    "share_of": "memory",
}
#: ``memory`` is the capacity that counts, ``nominal`` (as sold) or ``engine`` (what an engine sees); ``engine`` the
#: version that its memory figures were fitted on; ``law`` the way to count a step's parts; ``accumulates`` the format
#: that products of 16 bits are summed in; ``frameworks`` and ``vendors`` those whose measurements it fits; ``formats``
#: those of weights where the engine has not all; ``split`` what devices share; ``until`` the last year of its engine;
#: ``windows_since`` the release from which on caches of windowed layers hold their window alone;
#: ``kernels`` the backend of llama.cpp, and ``backends`` the profile of each: starts of parts' names, then vendors.
#: ``not_covered`` says what its runs were like where no law fits them: on parts of the vendor ``not_covered_on``, of
#: models that are ``not_covered_of`` (recurrent), or all. ``share_of`` is what the usable share is of: the memory, what
#: is free before weights are loaded (``start``), or what they and a pass leave of it (``rest``); ``share_since`` the
#: first release of the engine's own rule of it.
LABELS = (
    *("name", "aliases", "overlap", "memory", "law", "accumulates", "engine", "frameworks", "vendors"),
    *("error", "nearer", "note", "like", "prompts", "experts_kernel", "products_kernel", "until", "formats", "split"),
    *("tuned", "flags", "newest", "fused_families", "fused_on", "unfused_experts", "captures_on", "captures_split"),
    *("kernels", "backends", "windows_since", "share_of", "share_since"),
    *("not_covered", "not_covered_on", "not_covered_of"),
)
#: Words that a profile may be given beside its figures: kernels that an engine chose.
CHOICES = {"experts_kernel": ("marlin", "flashinfer", "triton"), "products_kernel": ("trtllm",)}
#: The start of the source of a constant that a profile leaves out.
LEFT_OUT = "left out by profile"
#: Figures of a profile that a pass of its law is timed with, where it is no roofline.
FIGURES_OF_PASS = {
    "kernels": (*LAWS["kernels"], "collective_latency", "step_overhead", "sequence_overhead"),
    "llama.cpp": (*LAWS["llama.cpp"], "memory_share", "compute_share", "attention_share"),
}


#: Labels that a profile takes over from the one that it is like.
INHERITED = (
    "law",
    "memory",
    "overlap",
    "accumulates",
    "prompts",
    "experts_kernel",
    "products_kernel",
    "engine",
    "split",
    "kernels",
    "backends",
    "newest",
    "fused_families",
    "fused_on",
    "unfused_experts",
    "captures_on",
    "captures_split",
    "share_of",
    "share_since",
)


def flat(data: dict[str, Any], where: str) -> dict[str, Any]:
    """A profile's data with each figure of its rows under ``starts`` by a key of its own, their source beside it.

    Raises:
        BadFile: rows that are no mappings, or one that no profile has.
    """
    starts = data.get("starts", {})
    form = "write rows such as 90gib: {tokens: 8192, source: KEY}"
    if not isinstance(starts, dict):
        raise BadFile(f"{where}: starts is no mapping", form)
    plain = {key: value for key, value in data.items() if key != "starts"}
    for row, entry in starts.items():
        if row not in TIERS or not isinstance(entry, dict):
            raise BadFile(f"{where}: starts has no row {row!r}", f"{form}; rows: {', '.join(TIERS)}")
        for key in sorted(map(str, entry.keys() - {"source"})):
            figure = entry[key] if isinstance(entry[key], dict) else {"value": entry[key]}
            plain[f"start_{row}_{key}"] = {**figure, "source": entry.get("source")}
    return plain


def like(profile: Preset, base: Preset) -> Preset:
    """A profile with what it leaves out from another one."""
    labels = {key: base.labels[key] for key in INHERITED if key in base.labels}
    return profile._replace(labels={**labels, **profile.labels}, facts={**base.facts, **profile.facts})


_RELEASE = re.compile(r"\d+\.\d+\.\d+")


def release_of(text: str) -> tuple[int, ...] | None:
    """The first release x.y.z in a text, as numbers; None where it names none."""
    found = _RELEASE.search(text)
    return tuple(map(int, found[0].split("."))) if found else None


def by_release(profile: Preset) -> bool:
    """Whether a profile has figures of its own for earlier releases."""
    return any(fact.until for fact in profile.facts.values())


def is_timed_by_release(profile: Preset) -> bool:
    """Whether figures of its passes, and not of its memory alone, differ between releases."""
    return any(fact.until for fact in profile.facts.values() if fact.kind is not RESERVE)


def at_release(profile: Preset, release: str) -> Preset:
    """A profile with the figures of a release of its engine.

    Raises:
        BadValue: a text without x.y.z or x.y, or a profile that knows one release.
    """
    if not by_release(profile):
        raise BadValue(f"{profile.name}@{release}: {profile.name} has no figures by release", "leave the release out")
    if (numbers := release_of(release) or release_of(f"{release}.0")) is None:
        raise BadValue(f"{profile.name}@{release}: no release", f"write its numbers, as in {profile.name}@0.5.8")
    facts = {key: _at(fact, numbers) for key, fact in profile.facts.items()}
    return profile._replace(name=f"{profile.name}@{'.'.join(map(str, numbers))}", facts=facts)


def newest_before(profile: Preset) -> str:
    """The newest release that was measured, where a profile was asked for at a later one; else nothing."""
    newest, asked = profile.labels.get("newest", ""), release_of(profile.name.partition("@")[2])
    return newest if asked and asked > (release_of(newest) or asked) else ""


def _at(fact: Fact, release: tuple[int, ...]) -> Fact:
    """A figure as it was in a release: that of the first later one which was its last."""
    value = next((value for last, value in fact.until if release <= (release_of(last) or ())), fact.value)
    return fact if value == fact.value else fact._replace(value=value, text="")


def needs(data: Mapping[str, object], label: str) -> bool:
    """Whether a profile must say something under a label: one that is like another need not."""
    return "like" not in data and not (label == "overlap" and data.get("law") in ("kernels", "llama.cpp"))


def unsaid(data: Mapping[str, object]) -> dict[str, str]:
    """The labels that a profile must have and does not, each with the first word that it may be."""
    return {key: words[0] for key, words in WORDS.items() if not {key} & {*data, *DEFAULTS} and needs(data, key)}


def complete(profile: Preset) -> Preset:
    """The profile with the bound's value of every constant that it leaves out: shares one, times zero."""
    source = f"{LEFT_OUT} {profile.name}"
    bounds = {name: Fact(constant.bound, constant.kind, source, "") for name, constant in CONSTANTS.items()}
    return profile._replace(facts={**bounds, **profile.facts})


def is_stated(preset: Preset, key: str) -> bool:
    """Whether a preset has a figure of its own, not the bound's."""
    return key in preset.facts and not preset.facts[key].source.startswith(LEFT_OUT)


def is_ideal(profile: Preset) -> bool:
    """Whether a profile leaves the bound as it is: all shares one, nothing added."""
    facts = profile.facts
    at_bound = (
        name not in facts or facts[name].value == each.bound for name, each in CONSTANTS.items() if each.in_step
    )
    return law(profile) == "roofline" and all(at_bound)


def sends_from_host(profile: Preset) -> bool:
    """Whether what lies in a host comes over its link in every pass: no engine but llama.cpp computes there."""
    return law(profile) != "llama.cpp" and not is_ideal(profile)


def law(profile: Preset) -> str:
    """Way to count the parts of a step: by the roofline, or by the law of a paper."""
    return profile.labels.get("law", DEFAULTS["law"])


def is_nominal(profile: Preset) -> bool:
    """Whether a profile counts memory as sold."""
    return profile.labels.get("memory") == "nominal"


def share_of(profile: Preset) -> str:
    """What the usable share of an engine is a share of: one of the words of ``share_of``."""
    return profile.labels.get("share_of", DEFAULTS["share_of"])


def splits_layers(profile: Preset) -> bool:
    """Whether an engine gives each device whole layers, rather than a part of every matrix."""
    return profile.labels.get("split", DEFAULTS["split"]) == "layers"


def reads_gguf(profile: Preset) -> bool:
    """Whether a profile is of llama.cpp, or fitted to it: the engine that reads GGUF files and no others."""
    names = (profile.labels.get("frameworks", ""), law(profile))
    return any(name.startswith("llama.cpp") for name in names) or splits_layers(profile)


def eight_bit_cache(profile: Preset) -> str:
    """The format in which an engine stores a cache in eight bits, as ``--kv-dtype`` names it."""
    return "q8_0" if reads_gguf(profile) else "fp8"


def is_other_engine(profile: Preset) -> bool:
    """Whether a profile is of an engine that reads no GGUF files."""
    return not reads_gguf(profile) and ("frameworks" in profile.labels or law(profile) == "kernels")


def is_small(part: Preset, profile: Preset) -> bool:
    """Whether an engine starts with fewer sequences and tokens on a part: one of little memory, and A100 for vLLM."""
    if "small_memory" not in profile.facts:
        return False
    little = "memory" in part.facts and part.value("memory") < profile.value("small_memory")
    return little or part.id.startswith("a100")


def part_under(part: Preset, profile: Preset) -> Preset:
    """The accelerator under a stack: some multiply faster where products of 16 bits are summed in 16 bits."""
    return summing_in_16_bits(part) if profile.labels.get("accumulates", DEFAULTS["accumulates"]) == "fp16" else part
