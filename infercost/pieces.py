"""A whole that is cut into pieces, one for each job of an array."""

import re
from typing import NamedTuple

from infercost.errors import BadValue

#: More pieces than any cluster has cores is a slip of the keyboard.
MOST = 10_000_000
_SHARD = re.compile(r"\s*(\d{1,12})\s*/\s*(\d{1,12})\s*", re.ASCII)


class Shard(NamedTuple):
    """One piece of a whole: its number, from 1, and how many there are."""

    number: int
    total: int

    def of(self, units: int) -> range:
        """This piece of so many units: in order, without a gap, no piece more than one unit longer than another."""
        return range(units * (self.number - 1) // self.total, units * self.number // self.total)


def parse_shard(text: str, name: str = "shard") -> Shard:
    """The piece that a text names: ``3/8``.

    Raises:
        BadValue: it is no two whole numbers, or there is no such piece.
    """
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
