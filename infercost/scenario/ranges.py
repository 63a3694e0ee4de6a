"""How options write quantities: alone, as lists and ranges (``1k:128k:x2``), and as pieces of a whole (``3/8``)."""

import re
from math import log
from typing import Any, NamedTuple

from infercost.errors import BadValue
from infercost.units import WHOLE, Kind, parse, parse_api_price

#: More points than anybody reads; a thousand are answered in about a second.
MOST_POINTS = 10_000
FORMS = "a list 1k,4k,16k, or 1k:128k that doubles, 1k:128k:x4 that multiplies, 10:100:10 that adds; ends included"
_DOUBLING = "x2"
#: What nobody means as values of a list: digits after a comma that start with a zero, as in 1,024.
_GROUP = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})*?,0\d{2}(?:,\d{3})*(?![\d.])", re.ASCII)
_FACTOR = Kind("a factor", "", {"": 1.0}, "x2, x1.5 or x10")


def parse_range(kind: Kind, text: str, name: str) -> tuple[float, ...]:
    """The quantities of a list of values and ranges, each once, in the order written; BadValue for a part of no use."""
    if grouped := _GROUP.search(text):
        meant, joined = grouped[0].strip(), grouped[0].strip().replace(",", "")
        raise BadValue(
            f"{name}: {meant!r} is a list of values here, not a number", f"write one number without commas: {joined}"
        )
    points: dict[float, None] = {}
    for part in text.split(","):
        points |= dict.fromkeys(_points(kind, part, name))
        if len(points) > MOST_POINTS:
            raise BadValue(f"{name}: more than {MOST_POINTS:,} points", f"at most {MOST_POINTS:,} are answered")
    return tuple(points)


def parse_batches(text: str, name: str = "batch") -> tuple[int, ...]:
    """Batch sizes in rising order: ``1,8,64``, or a range: ``1:4096`` for powers of two between the ends."""
    return tuple(sorted(map(int, parse_range(WHOLE, text, name))))


def _points(kind: Kind, part: str, name: str) -> list[float]:
    """One value, or the points of ``START:STOP``, ``START:STOP:xFACTOR`` or ``START:STOP:STEP``."""
    first, *rest = part.split(":")
    if len(rest) > 2:
        raise BadValue(f"{name}: {part!r} has more than two colons", f"write {FORMS}")
    start = parse(kind, first, name)
    if not rest:
        return [start]
    stop, by = parse(kind, rest[0], name), rest[1].strip() if rest[1:] else _DOUBLING
    if stop < start:
        raise BadValue(f"{name}: the range {part!r} falls", "write the smaller end first: 1:4096")
    if by.startswith("x"):
        factor = parse(_FACTOR, by[1:], f"{name}: the factor of {part!r}")
        if factor <= 1 or not start:
            why = "starts at 0, which stays 0" if factor > 1 else "does not grow"
            raise BadValue(f"{name}: the range {part!r} {why}", "multiply by more than 1, from above 0: 0,1k:128k:x2")
        steps = log(stop / start) / log(factor)
    else:
        step = parse(kind._replace(least=0.0, zero=False), by, f"{name}: the step of {part!r}")
        steps = (stop - start) / step
    if steps >= MOST_POINTS:
        raise BadValue(f"{name}: the range {part!r} has {steps:,.0f} points", f"at most {MOST_POINTS:,} are answered")
    grown = (start * factor**i if by.startswith("x") else start + i * step for i in range(1, int(steps + 1) + 1))
    return [start, *(value for each in grown if start < (value := _tidy(kind, each)) < stop), stop]


def _tidy(kind: Kind, value: float) -> float:
    """A value without rounding errors in a float's last bits, whole where its kind is."""
    value = round(value) if kind.whole else float(f"{value:.15g}")
    return int(value) if kind.unit == "" and float(value).is_integer() else value


#: More pieces than any cluster has cores is a typo.
MOST = 10_000_000
_SHARD = re.compile(r"\s*(\d{1,12})\s*/\s*(\d{1,12})\s*", re.ASCII)


class Shard(NamedTuple):
    """One piece of a whole: its number, from 1, and the count of all."""

    number: int
    total: int

    def of(self, units: int) -> range:
        """This piece of so many units, in order and without a gap; lengths differ by one unit at most."""
        return range(units * (self.number - 1) // self.total, units * self.number // self.total)


def parse_shard(text: str, name: str = "shard") -> Shard:
    """The piece of a text such as ``3/8``; BadValue for no two whole numbers, or no such piece."""
    shown = text if len(text) <= 40 else text[:37] + "..."
    match = _SHARD.fullmatch(text)
    if match is None:
        raise BadValue(f"{name}: {shown!r} is no piece of a whole", "write piece 1 of 8 as 1/8, the last one as 8/8")
    number, total = map(int, match.groups())
    if not 1 <= total <= MOST:
        raise BadValue(f"{name}: {shown!r} cuts into {total:,} pieces", f"cut into 1 to {MOST:,}")
    if not 1 <= number <= total:
        raise BadValue(f"{name}: {shown!r} is none of the pieces", f"they are 1/{total} to {total}/{total}")
    return Shard(number, total)


class Measure:
    """The parser of a kind of quantity."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def __call__(self, text: str, name: str) -> float:
        """The quantity that a text writes."""
        return parse(self.kind, text, name)


class PartPrices(Measure):
    """The parser of what an accelerator-hour costs: one number for all, else a text of parts with a price each."""

    def __call__(self, text: str, name: str) -> Any:
        """The price of all, or ``PART=USD,PART=USD``."""
        if "=" not in text:
            return super().__call__(text, name)
        pairs = [each.partition("=") for each in text.split(",")]
        if any(not part.strip() or not equals for part, equals, _ in pairs):
            raise BadValue(
                f"{name}: {text!r} is not a price a part", "write it as b300=6,h200=3, or one number for all"
            )
        return ",".join(f"{part.strip()}={super(PartPrices, self).__call__(usd, name):.10g}" for part, _, usd in pairs)


class TokenPrices(Measure):
    """The parser of what an API asks for a million tokens: of output alone a number, else a text of several."""

    def __call__(self, text: str, name: str) -> Any:
        """The price of output, or ``IN/OUT[/CACHED]``."""
        return parse_api_price(text, name)
