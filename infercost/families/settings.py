"""A quantization block, read key by key: what cannot be is refused by the key's name."""

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from math import inf
from typing import Any, NamedTuple

from infercost.errors import BadFile

#: How a composite model calls its language model, before the names that a plain one has.
_WRAPPED = re.compile(r"^(language_model\.|model\.language_model\.(?=(layers|embed_tokens)))")


class Pattern(NamedTuple):
    """What names modules: how to match one, or without that a name that stands whole in the module's."""

    text: str
    match: Callable[[str], bool] | None = None


class Settings:
    """Keys of a quantization block; a missing key and null are the same."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self.data = data
        self.where = where

    def get(self, key: str, default: Any = None) -> Any:
        """A value as it stands."""
        return default if self.data.get(key) is None else self.data[key]

    def refused(self, key: str, must: str) -> BadFile:
        """The refusal of a key's value, or of its absence."""
        value = self.get(key)
        what = f"has no {key}" if value is None else f"{key} is {repr(value)[:40]}"
        return BadFile(f"{self.where}: {what}", f"{key} must be {must}")

    def bits(self, key: str, default: float | None = None) -> float:
        """Bits of one value.

        Raises:
            BadFile: none, and no default; or no number from 1 to 32.
        """
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 32:
            raise self.refused(key, "a number of bits, 1 to 32")
        return float(value)

    def group(self, default: int | None = None, key: str = "group_size") -> float:
        """How many values share a scale; infinity where a row or the whole matrix does.

        Raises:
            BadFile: neither a whole number above zero nor -1.
        """
        value = self.get(key, default)
        if value is None or value == -1:
            return inf
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 1 or value % 1:
            raise self.refused(key, "a whole number of values that share a scale")
        return float(value)

    def block(self, key: str) -> float:
        """How many values are in a block of rows by columns; infinity where there are no blocks.

        Raises:
            BadFile: no two whole numbers above zero.
        """
        value = self.get(key)
        if value is None:
            return inf
        sizes = value if isinstance(value, list) else []
        if len(sizes) != 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise self.refused(key, "two whole numbers, as in [128, 128]")
        return float(sizes[0] * sizes[1])

    def part(self, key: str) -> "Settings":
        """A block inside this one.

        Raises:
            BadFile: there is none, or it is no object.
        """
        if not isinstance(self.get(key), dict):
            raise self.refused(key, "an object")
        return Settings(self.data[key], f"{self.where}: {key}")

    def parts(self, key: str) -> dict[str, "Settings"]:
        """The blocks by name inside a block that may be missing.

        Raises:
            BadFile: something else stands there.
        """
        if self.get(key) is None:
            return {}
        inside = self.part(key)
        return {name: inside.part(name) for name, value in inside.data.items() if value is not None}

    def texts(self, key: str) -> list[str]:
        """A list of names, which may be missing or a single name.

        Raises:
            BadFile: something else stands there.
        """
        value = self.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self.refused(key, "a list of names")
        return value

    def names(self, key: str, text: str) -> Pattern:
        """What names modules in a key's value: a regular expression, a glob, a name or a part of one.

        Raises:
            BadFile: a broken regular expression.
        """
        if text.startswith("re:"):
            try:
                compiled = re.compile(text.removeprefix("re:"))
            except (re.error, OverflowError, RecursionError) as error:
                what = f"{self.where}: {key} holds {text[:40]!r}, no regular expression"
                raise BadFile(what, f"mend {key}: {error}") from error
            return Pattern(text, lambda name: bool(compiled.match(name) or compiled.match(f"language_model.{name}")))
        plain = _WRAPPED.sub(lambda found: "" if found[0] == "language_model." else "model.", text)
        return Pattern(plain, _glob(plain) if "*" in plain else None)


def _glob(text: str) -> Callable[[str], bool]:
    """How to match a glob that may begin anywhere and takes in what is inside; the usual ones at the speed of text."""
    core = text.strip("*")
    if set(core) & set("*?["):
        compiled = re.compile(f"{translate(f'*{text}')}|{translate(f'*{text}.*')}")
        return lambda name: bool(compiled.match(name))
    return (
        (lambda name: core in name) if text.endswith("*") else (lambda name: name.endswith(core) or f"{core}." in name)
    )
