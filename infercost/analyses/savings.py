"""What a format, or an API, saves of the price of the first in a sweep, and why a smaller format saves nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infercost.parts.formats import Format
from infercost.quantities import KEYS
from infercost.scenario.axes import Axis, plain
from infercost.units import show

#: What is swept to save money by.
SAVING = ("dtype", "kv_dtype", "api_price")
#: A smaller share of a price is none to a reader.
LEAST = 0.001

Rows = Sequence[Mapping[str, Any]]
_PAID, _DECODE = "usd_per_million_tokens", "usd_per_million_tokens_decode"


def savings(axis: Axis, figures: Sequence[str], rows: Rows) -> str:
    """What each saves of the first one's price, as a sentence; empty without a price, or where nothing differs."""
    prices = [key for key in figures if KEYS[key].unit == "USD"]
    if axis.key not in SAVING or not prices:
        return ""
    known = [row for row in rows if row[prices[0]]]
    if len(known) < 2:
        return ""
    words = list(_of_each(axis, prices[0], known))
    why = _why_dearer(axis, known) if prices[0] == _PAID else ""
    return f" {', '.join(words)}{why}." if words else ""


def _of_each(axis: Axis, figure: str, rows: Rows) -> Iterator[str]:
    first, *others = rows
    name, what = axis.text(first), "bill" if figure.startswith("api") else "price"
    less, more = f" of {name}'s {what}", f" than {name}"
    for row in others:
        share = 1 - row[figure] / first[figure]
        if abs(share) < LEAST:
            continue
        of = less if share > 0 else more
        verb = f"saves {show(share, 'share')}" if share > 0 else f"costs {show(-share, 'share')} more"
        less = more = ""  # the first is named once
        yield f"{axis.text(row)} {verb}{of}"


def _why_dearer(axis: Axis, rows: Rows) -> str:
    """Of the smaller format that costs most beside a larger one, the part of the price that is the larger there."""
    sizes = {plain(each): each.stored_bits for each in axis.values if isinstance(each, Format)}
    pairs = [
        (small[_PAID] / large[_PAID], small, large)
        for small in rows
        for large in rows
        if sizes.get(small[axis.key], 0) < sizes.get(large[axis.key], 0) and _DECODE in small
    ]
    times, small, large = max(pairs, key=lambda pair: pair[0], default=(0.0, {}, {}))
    if times < 1 + LEAST:
        return ""
    parts = {"prompts are": [row[_PAID] - row[_DECODE] for row in (small, large)]}
    parts["decoding is"] = [row[_DECODE] for row in (small, large)]
    name, (mine, theirs) = max(parts.items(), key=lambda part: part[1][0] - part[1][1])
    names = axis.text(small), axis.text(large)
    return f"; {name} {show(mine, 'USD')} of {names[0]}'s price, {show(theirs, 'USD')} of {names[1]}'s"
