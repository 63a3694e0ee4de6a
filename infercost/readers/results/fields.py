"""Figures out of a parsed file, checked, with where they stand for the message."""

import re
from typing import Any

from infercost.errors import BadFile

Document = dict[str, Any]
#: Far above every count and time of a benchmark, in whatever unit.
_LARGEST = 1e18
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def number(value: Any, where: str) -> float:
    """A number of at least 0.

    Raises:
        BadFile: no number, a negative one, or one that is not finite or above 1e18.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        shown = "nothing" if value in (None, "") else repr(value)[:40]
        raise BadFile(f"{where}: {shown} where a number should stand", "give the file as the tool wrote it")
    if value < 0:
        raise BadFile(f"{where}: {str(value)[:20]} is below 0", "measure again, or take this result out")
    if not value <= _LARGEST:
        raise BadFile(f"{where}: {str(value)[:20]} is no measured number", "measure again, or take this result out")
    return float(value)


def optional(document: Document, key: str, where: str) -> float | None:
    """A number of at least 0, None where the key is absent or null.

    Raises:
        BadFile: see ``number``.
    """
    value = document.get(key)
    return None if value is None or value == "" else number(value, f"{where}, {key}")


def needed(document: Document, key: str, where: str) -> float:
    """A number above 0 that the file must hold.

    Raises:
        BadFile: absent, zero, or see ``number``.
    """
    if (value := number(document.get(key), f"{where}, {key}")) == 0:
        raise BadFile(f"{where}, {key}: 0 is no measured number", "measure again, or take this result out")
    return value


def inside(document: Any, *keys: str) -> Document:
    """The mapping under some keys, empty where any of them is absent."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def text(document: Document, key: str) -> str:
    """A text, empty where absent or null."""
    value = document.get(key)
    return "" if value is None else str(value).strip()


def seconds(milliseconds: float | None) -> float | None:
    """Seconds of milliseconds, None of None."""
    return None if milliseconds is None else milliseconds / 1000


def rate(value: Any, where: str) -> float | None:
    """Requests a second as tools write them: None when all are sent at once (``inf``, Infinity or nothing).

    Raises:
        BadFile: see ``number``.
    """
    if value in (None, "", "inf", float("inf")):
        return None
    return number(value, where) or None


def joined(*notes: str) -> str:
    """Remarks in one line, empty ones left out."""
    return "; ".join(note for note in notes if note)
