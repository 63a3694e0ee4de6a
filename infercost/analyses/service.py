"""What userbase and economies say alike: the parts of a bill, why a key has no value, how requests queue."""

from collections.abc import Iterable, Mapping
from typing import Any

from infercost.report import Note, Row

#: Where a service level counts on one queue.
ONE_QUEUE = Note(
    "queue", "one queue is taken for all replicas: where each has its own, more requests wait than is said here"
)
#: A bill in parts, and what is charged to each.
APART = {
    "input": "by the time that prompts take",
    "output": "by the time that decoding takes",
    "blended": "tokens in and out at one price",
}


def price_rows(row: dict[str, Any], of: str = "") -> tuple[Row, ...]:
    """The parts of a bill: for tokens in, for those out, for both alike; people see them where there are prompts."""
    shown = row["usd_per_million_tokens_input"] is not None
    return tuple(
        Row(f"usd_per_million_tokens_{part}", row[f"usd_per_million_tokens_{part}"], of + remark, shown=shown)
        for part, remark in APART.items()
    )


def nulls(results: Iterable[Row], rows: Iterable[Mapping[str, Any]] = ()) -> list[Note]:
    """A note for each key that has no value, with what would give it one."""
    empty = {row.key: None for row in results if row.value is None}
    empty |= {key: None for row in rows for key, value in row.items() if value is None}
    return [Note("null", f"{key} is null: {_reason(key)}") for key in empty]


def _reason(key: str) -> str:
    if key == "users_at_api_price":
        return "needs --price, or a price that is above the floor"
    if key.endswith(("_input", "_blended")):
        return "needs the lengths of requests, and a price"
    if "usd" in key:
        return "needs --price"
    if key == "joules_per_token":
        return "no power of the part is known"
    if key in ("users_within_2x", "users_within_10_percent", "users_at_trough"):
        return "no number of users does"
    if key in ("people_online", "minutes_per_day", "decoding_share"):
        return "--messages-per-day says how much a user asks for, not how long"
    return "streams of tokens have no requests: give --messages-per-day, --input-tokens and --output-tokens"
