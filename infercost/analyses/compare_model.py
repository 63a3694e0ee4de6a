"""One model on several accelerators: the bound and the estimate of a step side by side."""

from typing import Any

from infercost.analyses import utilization
from infercost.errors import InfercostError
from infercost.preset import Preset
from infercost.question import Asked, Given, ask
from infercost.report import Note
from infercost.units import show

COLUMNS = (
    "name",
    "gpus",
    "bound_step_time_s",
    "step_time_s",
    "tokens_per_s_per_user",
    "tokens_per_s_per_gpu",
    "joules_per_token",
)
#: What a row takes from the answer for one part.
_TAKEN = (*COLUMNS[1:], "bound", "utilization", "memory_bandwidth_utilization", "usd_per_million_tokens")
#: Options that are handed on to the question about each part.
OPTIONS = ("model", "batch", "context", "dtype", "kv_dtype", "efficiency", "usable", "price", "set")


def step_on(asked: Asked, part: Preset, count: int | None) -> dict[str, Any]:
    """The keys of one step of the model on so many of a part, or on the least that hold it; None where it cannot run.

    Raises:
        InfercostError: a question that is wrong whatever the part.
    """
    inner = ask("utilization", {})
    inner.given = {name: asked.given[name] for name in OPTIONS if name in asked.given}
    inner.given["gpu"] = Given(part, "compare")
    if count is not None:
        inner.given["gpus"] = Given(count, "compare")
    report = utilization.answer(inner)
    known = {item.key for item in asked.inputs}
    asked.inputs += [item for item in inner.inputs if item.key in OPTIONS and item.key not in known]
    return {key: report[key] for key in _TAKEN} | {"fits": report.met}


def row_on(asked: Asked, part: Preset, count: int | None) -> dict[str, Any]:
    """The same, with a note and no values where this part lacks what a step needs."""
    try:
        return step_on(asked, part, count)
    except InfercostError as error:
        if error.what.startswith((part.name, f"profile {part.name}")):
            asked.notes.append(Note("left-out", f"{error.what}; {error.hint}"))
            return dict.fromkeys((*_TAKEN, "fits"))
        raise


def verdict(rows: tuple[dict[str, Any], ...]) -> str:
    """Which part is fastest for one user, and which does most for each device."""
    able = [row for row in rows if row["fits"]]
    if not able:
        return "The model fits none of these."
    fast = max(able, key=lambda row: row["tokens_per_s_per_user"])
    dense = max(able, key=lambda row: row["tokens_per_s_per_gpu"])
    return (
        f"{fast['gpus']} x {fast['name']} is fastest for one user, {show(fast['tokens_per_s_per_user'])} tokens/s "
        f"(bound {show(1 / fast['bound_step_time_s'])}); {dense['name']} does most a device, "
        f"{show(dense['tokens_per_s_per_gpu'])} tokens/s."
    )
