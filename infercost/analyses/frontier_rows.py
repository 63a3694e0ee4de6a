"""One configuration of a frontier as a row, with the options of ``utilization`` that give the same numbers."""

from shlex import quote
from typing import Any

from infercost.analyses.drafting import pace_with
from infercost.analyses.frontier_search import Point
from infercost.analyses.frontier_space import Space
from infercost.analyses.request import request_results
from infercost.analyses.step import step_results
from infercost.derivation import not_recording
from infercost.engine import economics

COLUMNS = ("tokens_per_s_per_user", "usd_per_million_tokens", "utilization", "ttft_s", "flags")


def row_of(point: Point, shared: dict[str, str]) -> dict[str, Any]:
    """All that ``utilization`` says of a point, its layout, the replicas of the demand, and how to ask again."""
    space, layout, batch = point.space, point.plan.layout, point.batch
    case, inputs = space.on(point.plan, batch)
    with not_recording():
        pace = pace_with(case, inputs, space.draft, batch)
        results = step_results(case, inputs, batch, pace)
        results |= request_results(case, inputs, space.requested, batch, pace.tpot, None)
        seconds = economics.device_seconds_per_token(devices=case.devices, tokens_per_s=results["tokens_per_s"])
    flags = {**space.flags, **_own(point)}
    return {
        "name": space.name,
        **layout._asdict(),
        "replicas": point.replicas,
        "total_gpus": point.replicas * layout.devices,
        **results,
        "device_seconds_per_token": seconds,
        "flags": _text({name: value for name, value in flags.items() if shared.get(name) != value}),
        "replay": f"infercost utilization {_text(flags)}",
    }


def shared_flags(spaces: list[Space]) -> dict[str, str]:
    """The options that all spaces share."""
    first = spaces[0].flags
    return {name: value for name, value in first.items() if all(each.flags.get(name) == value for each in spaces)}


def replay(spaces: list[Space]) -> str:
    """The command that, with the options of a row, gives its numbers again."""
    return f"infercost utilization {_text(shared_flags(spaces))}"


def _own(point: Point) -> dict[str, str]:
    layout = point.plan.layout
    widths = {name: str(width) for name, width in layout._asdict().items() if width > 1 or name == "tp"}
    return {"gpus": str(layout.devices), **widths, "batch": str(point.batch)}


def _text(flags: dict[str, str]) -> str:
    short = {"input_tokens": "isl", "output_tokens": "osl"}
    return " ".join(
        f"--{short.get(name, name).partition(' ')[0].replace('_', '-')} {quote(value)}" for name, value in flags.items()
    )
