"""Text to numbers in base units, and back: the only place with prefixes.

Base units are B, B/s, FLOP/s, s, W, USD, min/day. Each kind of quantity has its own suffixes, because the same letter
means different things: ``B`` is a billion in a count and bytes in a size, ``b`` is a bit in a rate.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from math import log
from typing import Any, NamedTuple

from infercost.errors import BadValue

#: Beyond these a quantity is a slip of the keyboard, and products of a few of them would overflow.
LARGEST, SMALLEST = 1e24, 1e-24
#: A share or a time below this is a rounding error of zero.
NOTHING = 1e-15
#: Shares from here on are written as so many times.
MANYFOLD = 10
#: Shares and times below these are below what anyone measures.
LEAST = {"share": (1e-4, "0.01%"), "s": (1e-9, "1 ns")}

#: Whole numbers with commas between them.
_SEVERAL = re.compile(r"\d+(?:, *\d+)+")
_NUMBER = re.compile(
    r"\s*(?P<digits>[+-]?(?:(?:[1-9]\d{0,2}(?:,\d{3})+(?![\d,])|\d+(?:_\d+)*)(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+)"
    r"(?P<exponent>[eE][+-]?\d+)?)\s*(?P<suffix>.*?)\s*",
    re.ASCII | re.DOTALL,
)
_SI = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_EXPONENTS = {10.0**power: power for power in range(-9, 19)}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}


class Bare(NamedTuple):
    """What a number without a unit is read as, the least that can be meant, and from what on which unit is likely."""

    read_as: str
    least: float
    likely: tuple[tuple[float, str], ...]

    def meant(self, value: float) -> str:
        """The unit that was likely meant."""
        return next(unit for start, unit in reversed(self.likely) if value >= start)


class Kind(NamedTuple):
    """A kind of quantity: its name, base unit, suffixes, examples and range."""

    name: str
    unit: str
    suffixes: Mapping[str, float]
    forms: str
    least: float = 0.0
    most: float = LARGEST
    whole: bool = False
    zero: bool = False
    currency: bool = False
    bare: Bare | None = None


_LETTERS = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "B": 1e9, "b": 1e9, "T": 1e12, "t": 1e12}
_COUNT = {"": 1.0, **_LETTERS, "Ki": 2.0**10, "Mi": 2.0**20, "ki": 2.0**10, "mi": 2.0**20}
_PER_SECOND = {"": 1.0, "/s": 1.0, "rps": 1.0, "/min": 1 / 60, "/h": 1 / 3600}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DAILY = {"": 1.0, "min": 1.0, "min/day": 1.0, "min/d": 1.0, "h": 60.0, "h/day": 60.0, "s": 1 / 60, "s/day": 1 / 60}
_PER_KWH = {"": 1.0, "USD": 1.0, "/kWh": 1.0, "USD/kWh": 1.0}
_SIZE = Bare(" B", 1e6, ((0, "GB"), (2000, "MiB")))
_SPEED = Bare(" B/s", 1e6, ((0, "TB/s"), (30, "GB/s")))
_ARITHMETIC = Bare(" FLOP/s", 1e6, ((0, "PFLOP/s"), (20, "TFLOP/s")))
_HOURLY = dict.fromkeys(("/h", "/hr", "/hour", "USD/h", "$/h", "USD/hour"), 1.0)

COUNT = Kind("a count", "", _COUNT, "1.6e12, 1.6T, 70B, 500M or 128k")
PARAMS = COUNT._replace(least=1.0, bare=Bare(" parameters", 1e4, ((0, "B"),)))
WHOLE = Kind("a whole number", "", _COUNT, "8, 128 or 4k", least=1, most=1e9, whole=True)
TOKENS = Kind("a whole number", "", _COUNT, "0, 4096 or 128k", most=1e9, whole=True, zero=True)
TOKEN_RATE = Kind("tokens a second", "token/s", {**_COUNT, "/s": 1.0, "k/s": 1e3}, "14800, 14.8k or 14800/s")
RATE = Kind("requests a second", "1/s", _PER_SECOND, "5, 5/s or 300/min")
DURATION = Kind("a duration", "s", {"": 1.0, **_SECONDS}, "5us, 0.5ms or 0s", zero=True)
DEADLINE = Kind("a duration", "s", {**_SECONDS, "min": 60.0, "h": 3600.0, "d": 86400.0}, "24h, 90min or 3d")
LATENCY = Kind("a duration", "s", _SECONDS, "40ms or 0.04s")
PART = Kind("a share", "share", {"": 1.0, "%": 0.01}, "0, 0.5 or 50%", most=1, zero=True)
MARGIN = Kind("a gross margin", "share", {"": 1.0, "%": 0.01}, "0.6 or 60%", most=0.99, zero=True)
SHARE = Kind("a share", "share", {"": 1.0, "%": 0.01}, "0.9 or 90%", most=1)
MULTIPLE = Kind("a number", "", {"": 1.0, "x": 1.0}, "0, 1, 5 or 1.5", zero=True)
FACTOR = Kind("a factor", "", {"": 1.0, "x": 1.0}, "0.9, 1 or 1.1x")
ABOVE_ONE = Kind("a ratio", "x", {"": 1.0, "x": 1.0}, "1.35 or 1.35x", least=1)
DAILY_HOURS = Kind("hours a day", "h/day", {"": 1.0, "h": 1.0, "h/day": 1.0}, "8, 8h or 8h/day", most=24)
MINUTES = Kind("a time per day", "min/day", _DAILY, "10, 10min/day or 1.5h/day", most=1440)
HOURLY = Kind("a price per hour", "USD/h", {"": 1.0, **_HOURLY}, "2.10, $2.10/h or 2.10 USD/h", currency=True)
MONEY = Kind("a price", "USD", {"": 1.0, "USD": 1.0, "k": 1e3, "M": 1e6}, "25000, $25000 or $25k", currency=True)
TOKEN_PRICE = Kind(
    *("a price of a million tokens", "USD", {"": 1.0, "USD": 1.0}),
    "IN/OUT or IN/OUT/CACHED, 0.20/0.60 or 0.20/0.60/0.02, or OUT alone: the provider's page of prices has them",
    currency=True,
)
KWH_PRICE = Kind("a price of a kWh", "USD", _PER_KWH, "0.08 or $0.08/kWh", currency=True)
YEARS = Kind("a number of years", "", {"": 1.0}, "5 or 2.5", least=1, most=100)
USERS = Kind("a number of users", "", _COUNT, "1000, 100k or 1M", least=1, most=1e10)
JOB = Kind("a number of requests", "", _COUNT, "1000, 10M or 2B", least=1, most=1e12, whole=True)
ROWS = Kind("a number of rows", "", _COUNT, "2, 16 or 100", least=2, most=10_000, whole=True)


class ApiPrice(NamedTuple):
    """USD that an API asks for a million tokens: out, and where they are billed in, and in from its cache."""

    output: float
    input: float | None = None
    cached: float | None = None


_SMALL = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_PARAMS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
#: The unit of a price that is multiplied on: four digits, so that its products come out.
HOUR_PRICE = "USD/h"
#: Units with a prefix before them.
_PREFIXED = ("B", "B/s", "FLOP/s", "FLOP", "FLOP/J", "W")


#: More points than anybody reads; a thousand are answered in about a second.
MOST_POINTS = 10_000
FORMS = "a list 1k,4k,16k, or 1k:128k that doubles, 1k:128k:x4 that multiplies, 10:100:10 that adds; ends included"
_DOUBLING = "x2"
#: What nobody means as values of a list: digits after a comma that start with a zero, as in 1,024.
_GROUP = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})*?,0\d{2}(?:,\d{3})*(?![\d.])", re.ASCII)
_FACTOR = Kind("a factor", "", {"": 1.0}, "x2, x1.5 or x10")


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


def _suffixes(names: Iterable[str], prefixes: Mapping[str, float], scale: float = 1.0) -> dict[str, float]:
    return {prefix + name: factor * scale for name in names for prefix, factor in prefixes.items()}


_BYTES = _suffixes(["B"], {**_SI, "K": 1e3, **_BINARY})
_BYTE_RATE = _suffixes(["B/s"], {**_SI, "K": 1e3, **_BINARY})
_BIT_RATE = _suffixes(["b/s", "bit/s", "bps"], _SI, scale=1 / 8)
_FLOP_RATE = _suffixes(["FLOP/s", "FLOPS", "FLOPs", "FLOPs/s", "OP/s", "OPS", "OPs"], _SI)
SIZE = Kind("a size in bytes", "B", {"": 1.0, **_BYTES}, "80GB, 80GiB, 81559 MiB or 80e9", bare=_SIZE)
RESERVE = Kind("a size in bytes", "B", {"": 1.0, **_BYTES}, "2.1GiB, 16kB or 0B", zero=True)
BANDWIDTH = Kind(
    "a bandwidth", "B/s", {"": 1.0, **_BYTE_RATE, **_BIT_RATE}, "3.35TB/s, 450GB/s or 400Gb/s (bits)", bare=_SPEED
)
LIMIT = Kind("a bandwidth", "B/s", {"": 1.0, **_BYTE_RATE}, "300GB/s, or 0 B/s for none", zero=True)
FLOPS = Kind(
    *("an arithmetic rate", "FLOP/s", {"": 1.0, **_FLOP_RATE}, "989TFLOP/s, 3e15 or 1.979PFLOP/s, dense"),
    bare=_ARITHMETIC,
)
PER_WATT = Kind("an arithmetic rate a watt", "FLOP/J", _suffixes(["FLOP/J"], _SI), "1.2 TFLOP/J")
POWER = Kind("a power", "W", {"": 1.0, **_suffixes(["W"], _SI)}, "700W or 10.2kW")


def parse_api_price(text: str, name: str = "api_price") -> float | str:
    """The price of output alone, or those of ``IN/OUT`` and ``IN/OUT/CACHED`` as a text without dollars."""
    if "/" not in text:
        return parse(TOKEN_PRICE, text, name)
    parts = text.split("/")
    if len(parts) > 3:
        raise BadValue(f"{name}: {text[:40]!r} has more than three prices", "write IN/OUT or IN/OUT/CACHED: 0.20/0.60")
    free = TOKEN_PRICE._replace(zero=True)
    prices = [parse(TOKEN_PRICE if at == 1 else free, part, name) for at, part in enumerate(parts)]
    return "/".join(f"{price:.15g}" for price in prices)


def api_price_of(value: float | str) -> ApiPrice:
    """The prices that a parsed value holds."""
    if not isinstance(value, str):
        return ApiPrice(float(value))
    first, output, *cached = map(float, value.split("/"))
    return ApiPrice(output, first, *cached)


def parse(kind: Kind, text: str, name: str = "value") -> float:
    """The quantity of a text, in base units; BadValue for no ASCII digits, another unit, or out of range."""

    def error(why: str) -> BadValue:
        short = text if len(text) <= 40 else text[:37] + "..."
        several = ""
        if kind.whole and name.startswith("--") and _SEVERAL.fullmatch(text):
            each = f"--sweep {name.removeprefix('--')}={text.replace(' ', '')}"
            several = f"; several are asked with {each} (fit, utilization, economies)"
        return BadValue(f"{name}: {short!r} {why}", f"write {kind.name} as {kind.forms}{several}")

    if not text.strip():
        raise error("is empty")
    match = _NUMBER.fullmatch(text.strip().removeprefix("$") if kind.currency else text)
    if match is None:
        raise error("is not a number")
    if (suffix := match["suffix"]) not in kind.suffixes:
        raise error(f"ends in {suffix!r}, which is no unit of {kind.name}" if suffix else "has no unit")
    value = _scale(match["digits"].replace(",", ""), kind.suffixes[suffix])
    if kind.bare and not (suffix or match["exponent"]) and 0 < value < kind.bare.least:
        raise _without_unit(kind.bare, kind, text.strip(), name, value)
    if not 0 <= value <= LARGEST or (value == 0 and not kind.zero) or 0 < value < SMALLEST:
        raise error(_out_of_range(value))
    if value < kind.least or value > kind.most:
        limits = f"at least {kind.least:g}" if value < kind.least else f"at most {kind.most:,g}"
        raise error(f"is out of range: {kind.name} is {limits}")
    if kind.whole and not value.is_integer():
        raise error("is not whole")
    return int(value) if kind.unit == "" and value.is_integer() else value


def _without_unit(bare: Bare, kind: Kind, text: str, name: str, value: float) -> BadValue:
    """The error for a number whose unit was forgotten, with the one that was likely meant."""
    meant = f"{text}{bare.read_as}: did you mean {text}{bare.meant(value)}?"
    return BadValue(f"{name}: {text!r} has no unit", f"{meant} write {kind.name} as {kind.forms}")


def _scale(digits: str, factor: float) -> float:
    """Digits times a factor, exact for a power of ten: 2.039 TB is 2.039e12."""
    shortest = repr(float(digits))
    if factor in _EXPONENTS and "e" not in shortest and "n" not in shortest:
        return float(f"{shortest}e{_EXPONENTS[factor]}")
    return float(digits) * factor


def _out_of_range(value: float) -> str:
    if value <= 0:
        return "is not above zero" if value == 0 else "is below zero"
    return "is absurdly large" if value > LARGEST else "is absurdly small"


def choice(options: Iterable[str], instead: str = "") -> Callable[[str, str], str]:
    """A parser of one of the words, in any case; ``instead`` is what else a hint names."""
    words = tuple(options)

    def parse_choice(text: str, name: str = "value") -> str:
        if (word := text.strip().lower()) not in words:
            raise BadValue(f"{name}: {text!r} is not one of its values", f"choose {', '.join(words)}{instead}")
        return word

    return parse_choice


def digits(value: float, most: int = 4) -> str:
    """A bare number: four significant digits or more, thousands apart, whole numbers never cut."""
    if abs(value) < 1000 or (most > 4 and value != round(value)):
        return f"{float(f'{value:.{most}g}'):,.{most}g}"
    return f"{value:,.0f}"


def rounded(value: float, unit: str, most: int = 4) -> float:
    """The number that ``show`` writes of a value."""
    if unit.startswith("USD"):
        text = _money(value) if most == 4 and unit != HOUR_PRICE else digits(value, most)
    elif unit in (*_PREFIXED, "param") or (unit == "s" and value < 1):
        factor, _ = _prefix(value, _SI if unit in _PREFIXED else _PARAMS if unit == "param" else _SMALL)
        return float(f"{value / factor:.{most}g}") * factor
    elif unit == "share":
        text = f"{value:.{most}g}"
    else:
        text = digits(value, most)
    return float(text.replace(",", ""))


def _prefix(value: float, prefixes: Mapping[str, float]) -> tuple[float, str]:
    factors = sorted((factor, prefix) for prefix, factor in prefixes.items())
    return next((each for each in reversed(factors) if abs(value) >= each[0] * 0.99995), factors[0])


def _scaled(value: float, prefixes: Mapping[str, float], unit: str, most: int) -> str:
    factor, prefix = _prefix(value, prefixes)
    return f"{value / factor:.{most}g} {prefix}{unit}".rstrip()


def show(value: object, unit: str = "", most: int = 4) -> str:
    """A value for people: as ``exact`` writes it, unless it is below what anyone measures: ``<0.01%``."""
    if unit in LEAST and isinstance(value, (int, float)) and NOTHING < value < LEAST[unit][0]:
        return f"<{LEAST[unit][1]}"
    return exact(value, unit, most)


def exact(value: object, unit: str = "", most: int = 4) -> str:
    """A value for people, of four digits or more, scaled by its unit: ``26.67 ms``, ``1.6 TB``, ``0.200%``."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)[:7] if unit == "month" else str(value)
    if unit == "share":
        return _share(value)
    if unit == "s" and value < 1:
        return _scaled(value, _SMALL, unit, most) if value > NOTHING else "0 s"
    if unit in _PREFIXED:
        return _scaled(value, _SI, unit, most)
    if unit.startswith("USD"):
        if value < 0:  # a loss
            return f"-{exact(-value, unit, most)}"
        return f"${_money(value) if most == 4 and unit != HOUR_PRICE else _exact_money(value, most)}{unit[3:]}"
    if unit == "param":
        return _scaled(value, _PARAMS, "", most).replace(" ", "")
    return f"{digits(value, most)}x" if unit == "x" else f"{digits(value, most)} {unit}".rstrip()


def lasting(seconds: float, like: float | None = None) -> str:
    """A long time in the unit that people plan with, or plan another one with."""
    unit, size = planned(seconds if like is None else like)
    return f"{show(float(f'{seconds / size:.3g}'), '')} {unit}" if unit else show(seconds, "s")


def planned(seconds: float) -> tuple[str, float]:
    """The unit that people plan a time with and its seconds: minutes from two on, hours from two on, days from three.

    Empty for a shorter one.
    """
    longer = (("days", 86400.0, 3), ("hours", 3600.0, 2), ("minutes", 60.0, 2))
    return next(((unit, size) for unit, size, least in longer if seconds >= least * size), ("", 1.0))


def _share(value: float) -> str:
    """A share in percent, a multiple where it is many of the whole; less than none where it is a loss."""
    if abs(value) >= MANYFOLD:
        return f"{digits(value, 3)}x"
    return f"{value * 100:#.3g}%".replace(".%", "%") if abs(value) > NOTHING else "0%"


def common_scale(values: Iterable[float], unit: str) -> tuple[str, float]:
    """The prefixed unit of a column of comparable values and its factor: those of their median."""
    rising = sorted(values)
    prefixes = _SMALL if unit == "s" else _SI
    if not rising or unit not in ("s", "B", "B/s", "FLOP/s", "FLOP/J"):
        return unit, 1.0
    middle = rising[len(rising) // 2]
    factor, prefix = max(((size, name) for name, size in prefixes.items() if size <= middle), default=(1.0, ""))
    return prefix + unit, factor


def _money(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    if 1e-9 <= abs(value) < 1e-4:  # never 4.7e-05 dollars
        return f"{float(text):.12f}".rstrip("0")
    return f"{value:.2f}" if float(text) >= 1 or 0 < float(text) == round(float(text), 2) else text


def _exact_money(value: float, most: int) -> str:
    """A price with so many digits, whole cents where it has no more."""
    return f"{value:.2f}" if value < 1000 and round(value, 2) == value else digits(value, most)


def many(count: float, what: str) -> str:
    """A count of things: ``1 token``, ``8,192 tokens``."""
    text = digits(count)
    return f"{text} {what}{'' if text == '1' else 's'}"


# How options write quantities: alone, as lists and ranges (``1k:128k:x2``), and as pieces of a whole (``3/8``).


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
