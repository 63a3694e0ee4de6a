"""What of a command's answer stands in one row where the question is asked many times: columns, bar and words."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from infercost.question import Asked
from infercost.report import Report
from infercost.sweeping import Axis

Rows = Iterable[Mapping[str, Any]]
#: Columns that a table shows where they vary, before the others.
VARYING = ("gpus", "gpus_per_replica", "fits", "stable")
#: How a model lies on its devices.
LAYOUT = ("tp", "pp", "ep")
#: What 80 columns hold beside a bar.
ROOM = 6
#: What a sentence calls a figure whose label is made for a table.
WORDS = {
    "usd_per_million_tokens": "the price of a million tokens",
    "device_seconds_per_token": "the device time of a token",
    "floor_usd_per_million_tokens": "the floor of a million tokens",
    "floor_device_seconds": "the device time of a token with endless users",
    "users_within_2x": "the number of users within 2x of it",
    "max_sequences": "the number of sequences that fit",
    "gpus": "the number of devices",
    "ttft_s": "the time to the first token",
    "step_time_s": "the step time",
    "weight_bytes_per_gpu": "what the weights take of a device",
    "shortfall_bytes": "what is missing",
    "kv_pool_bytes_per_gpu": "what is left of a device",
}


class Headline(NamedTuple):
    """Keys of an answer, the main one first: ``columns`` of a table, ``bars`` beside them, ``told`` in a verdict.

    Of each group that is told, and of ``mains``, it is the first with a value. ``answers`` move when an input does.
    """

    columns: tuple[str, ...]
    bars: tuple[str, ...]
    told: tuple[tuple[str, ...], ...]
    mains: tuple[str, ...]
    answers: tuple[str, ...]


_STEP = Headline(
    columns=(
        "tokens_per_s_per_user",
        "usd_per_million_tokens",
        "step_time_s",
        "ttft_s",
        "bound",
        "tokens_per_s_per_gpu",
    ),
    bars=("utilization",),
    told=(("tokens_per_s_per_user",), ("usd_per_million_tokens", "utilization"), ("ttft_s",)),
    mains=("usd_per_million_tokens", "step_time_s"),
    answers=("tokens_per_s_per_user", "utilization", "ttft_s", "step_time_s", "tokens_per_s_per_gpu"),
)
_FIT = Headline(
    columns=("max_sequences", "kv_pool_tokens", "weight_bytes_per_gpu", "gpus_for_weights"),
    bars=("kv_pool_bytes_per_gpu",),
    told=(("max_sequences",), ("gpus",), ("kv_pool_bytes_per_gpu",), ("shortfall_bytes",)),
    mains=("shortfall_bytes", "kv_pool_bytes_per_gpu", "weight_bytes_per_gpu"),
    answers=("kv_pool_tokens", "weight_bytes_per_gpu", "kv_bytes_per_sequence"),
)
_FLOOR = Headline(
    columns=("users_within_2x", "users_per_replica", "lone_user_cost_ratio", "batch_limit"),
    bars=("floor_usd_per_million_tokens", "floor_device_seconds"),
    told=(("floor_usd_per_million_tokens", "floor_device_seconds"), ("users_within_2x",)),
    mains=("floor_usd_per_million_tokens", "floor_device_seconds"),
    answers=("users_within_2x", "users_per_replica", "lone_user_cost_ratio", "floor_device_seconds"),
)
_USERS = Headline(
    columns=("gpus", "batch", "utilization", "tokens_per_s_per_user", "cost_ratio"),
    bars=("usd_per_million_tokens", "device_seconds_per_token"),
    told=(("usd_per_million_tokens", "device_seconds_per_token"), ("utilization",)),
    mains=("usd_per_million_tokens", "device_seconds_per_token"),
    answers=("tokens_per_s_per_user", "utilization", "device_seconds_per_token"),
)


def headline(asked: Asked, axes: Iterable[Axis] = ()) -> Headline:
    """The headline of a command's answer: economies at a number of users has one of its own."""
    if asked.command.name == "economies":
        return _USERS if "users" in asked.given or any(axis.key == "users" for axis in axes) else _FLOOR
    return _FIT if asked.command.name == "fit" else _STEP


def values_of(asked: Asked, report: Report) -> dict[str, Any]:
    """Every result by its key, and those of the number of users where one was asked for."""
    last = report.series.rows[-1] if report.series and "users" in asked.given else {}
    return report.values | {key: value for key, value in last.items() if key != "name"}


def columns_of(head: Headline, rows: Rows, taken: int) -> tuple[str, ...]:
    """What a table has room for beside so many columns: first what varies, then the headline's, none that is empty."""
    rows = tuple(rows)
    varying = [key for key in VARYING if _varies(rows, key)]
    layout = _layout(rows)
    full = [key for key in head.columns if any(row.get(key) is not None for row in rows) and key not in varying]
    room = ROOM - taken - len(varying) - len(layout) // 2  # two of a layout are as narrow as one other
    return (*varying, *layout, *full[: max(room, 1)])


def _layout(rows: Rows) -> tuple[str, ...]:
    """The widths that differ from row to row, where the layout is not one of tensor parallel alone."""
    found = tuple(key for key in LAYOUT if _varies(rows, key))
    return () if found == LAYOUT[:1] else found


def _varies(rows: Rows, key: str) -> bool:
    return len({row[key] for row in rows if row.get(key) is not None}) > 1
