"""Mooncake's traces: JSON lines with times in milliseconds and the ids of the blocks that a prompt is made of."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from infercost.errors import BadFile
from infercost.fleet.traces.source import number
from infercost.fleet.traces.tally import Request

KEYS = {"timestamp", "input_length", "output_length"}
#: Bailian's traces have the same keys and this one, and their times are in seconds.
BAILIAN = "chat_id"


class Blocks:
    """Prompt blocks (of 512 tokens in the published traces) found and missed by a cache that forgets nothing.

    The set of ids seen is all that grows with a trace.
    """

    def __init__(self) -> None:
        self.hits = self.total = 0
        self._seen: set[Any] = set()

    def add(self, ids: list[Any]) -> None:
        """One prompt: a block is a hit when it and all blocks before it have been seen in earlier prompts."""
        seen = self._seen
        hits = next((place for place, block in enumerate(ids) if block not in seen), len(ids))
        self.hits += hits
        self.total += len(ids)
        self._seen.update(ids)

    @property
    def share(self) -> float | None:
        """Hits among all blocks, None without any."""
        return self.hits / self.total if self.total else None


def is_mooncake(first: str) -> bool:
    """Whether the first line is a request in Mooncake's form."""
    try:
        entry = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and set(entry) >= KEYS and BAILIAN not in entry


def read_json_lines(lines: Iterable[str], path: str, blocks: Blocks) -> Iterator[Request]:
    """The requests of a trace, times in seconds; their blocks go to ``blocks``.

    Raises:
        BadFile: broken JSON, or a time or length that is missing or no number.
    """
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"trace {path}, line {line_number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadFile(f"{where}: broken JSON", "mend the line, or take it out") from error
        if not isinstance(entry, dict):
            raise BadFile(f"{where}: is no JSON object", "mend the line, or take it out")
        time, read, written = (
            number(entry.get(key), f"{where}, {key}") for key in ("timestamp", "input_length", "output_length")
        )
        _add_blocks(entry.get("hash_ids"), blocks, where)
        yield time / 1000, read, written


def _add_blocks(ids: object, blocks: Blocks, where: str) -> None:
    if ids is None:
        return
    try:
        if not isinstance(ids, list):
            raise TypeError
        blocks.add(ids)
    except TypeError as error:
        raise BadFile(f"{where}, hash_ids: is no list of ids", "mend the line, or take it out") from error
