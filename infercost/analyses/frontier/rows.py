"""One configuration of a frontier as a row, with the options of ``utilization`` that give the same numbers."""

from shlex import quote
from typing import Any

from infercost.analyses.drafting import pace_with
from infercost.analyses.frontier.search import Demand, Point, all_in, prompts_beside
from infercost.analyses.frontier.space import Space
from infercost.analyses.request import request_results
from infercost.analyses.step import step_results
from infercost.derivation import not_recording
from infercost.engine import economics
from infercost.sharding import Layout

_SHORT = {"input_tokens": "isl", "output_tokens": "osl"}


def row_of(point: Point, demand: Demand) -> dict[str, Any]:
    """All that ``utilization`` says of a point, its layout, the replicas of the demand, and how to ask again."""
    space, layout, batch = point.space, point.plan.layout, point.batch
    at = space.on(point.plan, batch)
    case = at[0]
    pace = pace_with(*at, space.draft, batch)
    results = step_results(*at, batch, pace)
    results |= request_results(*at, space.requested, batch, pace.tpot, None)
    prompts = prompts_beside(space, at, batch, pace.tpot)
    cost, slots = results["usd_per_million_tokens"], point.decoding * batch
    paid = None if cost is None else all_in(demand, cost, prompts, slots)
    with not_recording():  # the same in another unit
        seconds = economics.device_seconds_per_token(devices=case.devices, tokens_per_s=results["tokens_per_s"])
        seconds_paid = all_in(demand, seconds, prompts, slots)
    return {
        "name": space.name,
        "gpu": space.asking.part.name,
        "model": space.asking.model.name,
        "dtype": space.asking.model.quantization.name,
        **layout._asdict(),
        "replicas": point.replicas,
        "total_gpus": point.replicas * layout.devices,
        **results,
        "prefill_per_decode": prompts if space.requested.request else None,
        "device_seconds_per_token": seconds,
        "usd_per_million_tokens_all_in": paid,
        "device_seconds_per_token_all_in": seconds_paid,
        "flags": _text(_own(layout, batch)),
        "replay": f"{replay(space)} {_text(_own(layout, batch))}",
    }


def replay(space: Space) -> str:
    """The command that, with the flags of a row, gives its numbers again."""
    return f"infercost utilization {_text(space.flags)}"


def _own(layout: Layout, batch: int) -> dict[str, str]:
    widths = {name: str(width) for name, width in layout._asdict().items() if width > 1 or name == "tp"}
    return {**widths, "batch": str(batch)}


def _text(flags: dict[str, str]) -> str:
    return " ".join(
        f"--{_SHORT.get(name, name).partition(' ')[0].replace('_', '-')} {quote(value)}"
        for name, value in flags.items()
    )
