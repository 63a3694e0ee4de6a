"""One model on several accelerators: the bound and the estimate of a step side by side."""

from typing import Any

from infercost.analyses import utilization
from infercost.errors import InfercostError
from infercost.preset import Preset
from infercost.question import Asked, Given, ask
from infercost.report import Note
from infercost.units import show

#: What a table shows where a price is given and where none is.
PRICED, UNPRICED = "usd_per_million_tokens", "joules_per_token"
COLUMNS = (
    "name",
    "gpus",
    "bound_step_time_s",
    "step_time_s",
    "tokens_per_s_per_user",
    "tokens_per_s_per_gpu",
)
#: What a row takes from the answer for one part.
_TAKEN = (*COLUMNS[1:], PRICED, UNPRICED, "bound", "utilization", "memory_bandwidth_utilization")
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
    asked.notes += [note for note in report.notes if note.code in ("bound", "estimate") and note not in asked.notes]
    known = {item.key for item in asked.inputs}
    asked.inputs += [item for item in inner.inputs if item.key in OPTIONS and item.key not in known]
    return {key: report[key] for key in _TAKEN} | {"fits": report.met}


def rows_on(asked: Asked, parts: list[Preset], counts: list[int | None]) -> list[dict[str, Any]]:
    """The same of every part, with a note and no values where one cannot run the model.

    Raises:
        InfercostError: none of them can.
    """
    rows, failed = [], None
    for part, count in zip(parts, counts, strict=True):
        try:
            rows.append(step_on(asked, part, count))
        except InfercostError as error:
            failed = error
            asked.notes.append(Note("left-out", f"{part.name}: {error.what}"))
            rows.append(dict.fromkeys((*_TAKEN, "fits")))
    if failed and all(row["fits"] is None for row in rows):
        raise failed
    return rows


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
