"""Whose engine a measured run used, and the profile of that engine as it was then."""

import re
from functools import cache
from typing import Any

from infercost.evidence.measured import Measured
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, is_timed_by_release, release_of

#: The year of a run that states none.
LATEST = 9999
#: Names of engines as their makers write them, by how sources start them.
NAMES = {"vllm": "vLLM", "sglang": "SGLang", "tensorrt": "TensorRT-LLM", "trtllm": "TensorRT-LLM"}
_RELEASE = re.compile(r"[\s(,@].*")


def engine_name(framework: str) -> str:
    """The engine of a run without its release; what the source says where it is not one of the known."""
    start = framework.lower()
    known = next((name for word, name in NAMES.items() if start.startswith(word)), "")
    return known or _RELEASE.sub("", framework) or "not stated"


def stack_of(row: Measured, vendor: str) -> Preset:
    """The profile of a run's engine, by its release or, where the run names none, as it was in the year of the run."""
    profile = _stack(row.framework.lower(), vendor.lower(), row.year or LATEST)
    if row.is_tuned and "tuned" in profile.labels:
        profile = profile_of_run(profile.labels["tuned"])
    release = release_of(row.framework)
    return (
        profile_of_run(f"{profile.name}@{'.'.join(map(str, release))}")
        if release and is_timed_by_release(profile)
        else profile
    )


def settings_of(row: Measured, profile: Preset) -> dict[str, Any]:
    """What a run set of its engine: an engine that captures prompts since a release captured none where none is named.

    Prompts of several groups or stages count as captured like others.
    """
    known = row.settings
    if "captured_tokens" not in known and is_timed_by_release(profile) and release_of(row.framework) is None:
        known["captured_tokens"] = 0.0
    if "captured_tokens" in known:
        known["captured_tokens_latent"] = known["captured_tokens"]
    return {**known, "captures_split": True}


@cache
def profile_of_run(name: str) -> Preset:
    """An engine's profile, read once."""
    return complete(catalog.load("efficiency", name))


@cache
def _stack(framework: str, vendor: str, year: int) -> Preset:
    """The profile of a framework in a year, that of an older one where it has no newer, else ``realistic``."""
    if "mlx" in framework:  # what people run MLX on is given as much of its memory, and no run of it is known
        return profile_of_run("llama.cpp-metal")
    name = _nearest(framework, vendor, year) or _nearest(framework, vendor, 0) or "realistic"
    return profile_of_run(name)


def _nearest(framework: str, vendor: str, year: int) -> str:
    """The profile whose ``frameworks`` label has the longest start of a framework's name, empty without one.

    Of several one for a vendor's parts goes first there, then one for engines ``until`` a year, which a start that
    names a release does not ask for.
    """
    best, longest = "", (0, False, False)
    for profile in catalog.names("efficiency"):
        labels = profile_of_run(profile).labels
        starts, vendors = (labels.get(key, "").lower().split(", ") for key in ("frameworks", "vendors"))
        until = int(labels.get("until", LATEST))
        if any(vendors) and vendor not in vendors:
            continue
        fitting = (start for start in starts if start and framework.startswith(start))
        length = max((len(start) for start in fitting if year <= until or _names_release(start)), default=0)
        reach = length, bool(length) and any(vendors), bool(length) and until < LATEST
        if reach > longest:
            best, longest = profile, reach
    return best


def _names_release(start: str) -> bool:
    return start[-1] == "." or start[-1].isdigit()
