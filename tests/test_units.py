"""Text to base units and back, with the traps that general unit parsers fall into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infercost import units
from infercost.errors import BadValue
from infercost.units import exact, parse, show

READ = [
    (units.COUNT, "70B", 70e9),
    (units.COUNT, "70b", 70e9),
    (units.COUNT, "1.6T", 1.6e12),
    (units.COUNT, "1_600e9", 1.6e12),
    (units.COUNT, "1.6e12", 1.6e12),
    (units.COUNT, "1600000000000", 1.6e12),
    (units.COUNT, "128k", 128_000),
    (units.COUNT, "128Ki", 131_072),
    (units.TOKENS, "16ki", 16_384),
    (units.COUNT, " 500 M ", 500e6),
    (units.COUNT, ".5B", 5e8),
    (units.SIZE, "80GB", 80e9),
    (units.SIZE, "80GiB", 85_899_345_920),
    (units.SIZE, "81559 MiB", 85_520_809_984),
    (units.SIZE, "79.19 GiB", 85_029_615_042.56),
    (units.SIZE, "70B", 70),
    (units.BANDWIDTH, "3.35TB/s", 3.35e12),
    (units.BANDWIDTH, "400Gb/s", 50e9),
    (units.BANDWIDTH, "400Gbps", 50e9),
    (units.BANDWIDTH, "800 GiB/s", 858_993_459_200),
    (units.FLOPS, "989TFLOPS", 989e12),
    (units.FLOPS, "989.4 TFLOP/s", 989.4e12),
    (units.FLOPS, "1.979PFLOP/s", 1.979e15),
    (units.FLOPS, "624 TOPS", 624e12),
    (units.HOURLY, "$2.5/h", 2.5),
    (units.HOURLY, "2.10", 2.1),
    (units.HOURLY, "2.10 USD/h", 2.1),
    (units.MONEY, "$25k", 25_000),
    (units.KWH_PRICE, "$0.08/kWh", 0.08),
    (units.TOKEN_PRICE, "$0.60", 0.6),
    (units.LATENCY, "40ms", 0.04),
    (units.LATENCY, "0.04s", 0.04),
    (units.USERS, "1M", 1e6),
    (units.MINUTES, "10min/day", 10),
    (units.MINUTES, "1.5h/day", 90),
    (units.SHARE, "90%", 0.9),
    (units.SHARE, "0.9", 0.9),
    (units.POWER, "10.2 kW", 10_200),
    (units.DURATION, "5us", 5e-6),
    (units.DURATION, "0s", 0),
    (units.WHOLE, "4k", 4000),
    (units.RATE, "300/min", 5),
    (units.RATE, "7200/h", 2),
    (units.RATE, "5rps", 5),
    (units.RATE, "5/s", 5),
    (units.MINUTES, "90s", 1.5),
    (units.MINUTES, "90s/day", 1.5),
    (units.MINUTES, "2h", 120),
    (units.LATENCY, "1500us", 0.0015),
    (units.LATENCY, "1500µs", 0.0015),
    (units.DURATION, "250ns", 2.5e-7),
    (units.COUNT, "1,600", 1600),
    (units.USERS, "1,000,000", 1e6),
    (units.SIZE, "81,559 MiB", 85_520_809_984),
    (units.FLOPS, "1,979.5 TFLOP/s", 1.9795e15),
    (units.BANDWIDTH, "3e12", 3e12),
    (units.BANDWIDTH, "3350000000000", 3.35e12),
    (units.BANDWIDTH, "3B/s", 3),
]
#: A number whose unit was forgotten, and the hint.
WITHOUT_UNIT = [
    (units.BANDWIDTH, "3", "3 B/s: did you mean 3TB/s?"),
    (units.BANDWIDTH, "3.35", "3.35 B/s: did you mean 3.35TB/s?"),
    (units.BANDWIDTH, "450", "450 B/s: did you mean 450GB/s?"),
    (units.FLOPS, "989", "989 FLOP/s: did you mean 989TFLOP/s?"),
    (units.FLOPS, "1.979", "1.979 FLOP/s: did you mean 1.979PFLOP/s?"),
    (units.SIZE, "80", "80 B: did you mean 80GB?"),
    (units.SIZE, "81559", "81559 B: did you mean 81559MiB?"),
    (units.PARAMS, "70", "70 parameters: did you mean 70B?"),
    (units.PARAMS, "0.5", "0.5 parameters: did you mean 0.5B?"),
]
#: Each prefix by its power of a thousand, and of 1,024.
DECIMAL, BINARY = ("", "k", "M", "G", "T", "P", "E"), ("", "Ki", "Mi", "Gi", "Ti", "Pi")


@pytest.mark.parametrize(
    ("kind", "unit", "one"),
    [
        (units.SIZE, "B", 1),
        (units.BANDWIDTH, "B/s", 1),
        (units.BANDWIDTH, "b/s", 1 / 8),
        (units.BANDWIDTH, "bit/s", 1 / 8),
        (units.FLOPS, "FLOP/s", 1),
        (units.FLOPS, "OPS", 1),
    ],
)
def test_every_prefix_is_a_power_of_a_thousand_or_of_1024(kind: units.Kind, unit: str, one: float) -> None:
    for power, prefix in enumerate(DECIMAL):
        assert parse(kind, f"3{prefix}{unit}", "x") == pytest.approx(3 * one * 1000**power, rel=1e-15)
    if unit.startswith("B"):
        assert parse(kind, f"3K{unit}", "x") == 3000
        for power, prefix in enumerate(BINARY):
            assert parse(kind, f"3{prefix}{unit}", "x") == 3 * 1024**power


@pytest.mark.parametrize(
    ("kind", "units_of_it"),
    [
        (units.COUNT, {"": 1, "k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6, "b": 1e9, "B": 1e9, "t": 1e12, "T": 1e12}),
        (units.COUNT, {"Ki": 1024, "Mi": 1024**2, "ki": 1024, "mi": 1024**2}),
        (units.RATE, {"": 1, "/s": 1, "rps": 1, "/min": 1 / 60, "/h": 1 / 3600}),
        (units.DURATION, {"": 1, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}),
        (units.LATENCY, {"s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}),
        (
            units.MINUTES,
            {"": 1, "min": 1, "min/day": 1, "min/d": 1, "h": 60, "h/day": 60, "s": 1 / 60, "s/day": 1 / 60},
        ),
        (units.KWH_PRICE, {"": 1, "USD": 1, "/kWh": 1, "USD/kWh": 1}),
        (units.HOURLY, {"": 1, "/h": 1, "/hr": 1, "/hour": 1, "USD/h": 1, "$/h": 1, "USD/hour": 1}),
        (units.MONEY, {"": 1, "USD": 1, "k": 1e3, "M": 1e6}),
        (units.TOKEN_PRICE, {"": 1, "USD": 1}),
        (units.POWER, {"": 1, "W": 1, "kW": 1e3, "MW": 1e6}),
        (units.PER_WATT, {"FLOP/J": 1, "GFLOP/J": 1e9, "TFLOP/J": 1e12}),
        (units.FLOPS, {"TFLOPs": 1e12, "TFLOPs/s": 1e12, "TOP/s": 1e12, "TOPs": 1e12, "TFLOPS": 1e12}),
        (units.LIMIT, {"": 1, "GB/s": 1e9, "GiB/s": 1024**3}),
        (units.RESERVE, {"": 1, "kB": 1e3, "KB": 1e3, "GiB": 1024**3}),
        (units.PART, {"": 1, "%": 0.01}),
        (units.SHARE, {"": 1, "%": 0.01}),
        *((kind, {"": 1, "x": 1}) for kind in (units.MULTIPLE, units.FACTOR, units.ABOVE_ONE)),
        (units.YEARS, {"": 1}),
    ],
)
def test_what_each_unit_is_worth(kind: units.Kind, units_of_it: dict[str, float]) -> None:
    """Of one, which every kind may be."""
    for unit, worth in units_of_it.items():
        assert parse(kind, f"1{unit}") == pytest.approx(worth, rel=1e-15), unit


def test_only_prices_are_written_with_a_currency() -> None:
    for kind in (units.HOURLY, units.MONEY, units.TOKEN_PRICE, units.KWH_PRICE):
        assert parse(kind, "$2") == 2
    for kind in (units.COUNT, units.SHARE, units.DURATION, units.RATE, units.FACTOR, units.MINUTES, units.USERS):
        with pytest.raises(BadValue):
            parse(kind, "$1")


@pytest.mark.parametrize(("kind", "text", "hint"), WITHOUT_UNIT)
def test_a_number_whose_unit_was_forgotten_is_asked_back(kind: units.Kind, text: str, hint: str) -> None:
    with pytest.raises(BadValue) as error:
        parse(kind, text, "--set")
    assert error.value.what == f"--set: {text!r} has no unit"
    assert error.value.hint.startswith(hint)


REFUSED = [
    (units.COUNT, "80GB"),
    (units.COUNT, "1,60"),
    (units.COUNT, "1,6000"),
    (units.COUNT, "0,600"),
    (units.COUNT, "1,600,00"),
    (units.COUNT, "1600,000"),
    (units.BANDWIDTH, "3,35TB/s"),
    (units.COUNT, "١٢٨"),  # Arabic digits
    (units.COUNT, "１２８"),  # full-width digits
    (units.COUNT, ""),
    (units.COUNT, "   "),
    (units.COUNT, "0"),
    (units.COUNT, "-5"),
    (units.COUNT, "nan"),
    (units.COUNT, "inf"),
    (units.COUNT, "1e400"),
    (units.COUNT, "1e-400"),
    (units.COUNT, "1e99"),
    (units.COUNT, "0x10"),
    (units.COUNT, "1__6"),
    (units.COUNT, "70 B B"),
    (units.WHOLE, "2.5"),
    (units.WHOLE, "0.5"),
    (units.SIZE, "80gb"),  # bits or bytes?
    (units.SIZE, "80Gb"),
    (units.SIZE, "80"[:0]),
    (units.BANDWIDTH, "3.35TB"),
    (units.BANDWIDTH, "400gb/s"),
    (units.FLOPS, "989 TFLOP"),
    (units.SHARE, "90"),
    (units.SHARE, "110%"),
    (units.SHARE, "0"),
    (units.MINUTES, "1441"),
    (units.HOURLY, "2.5/day"),
    (units.HOURLY, "€2.5/h"),
    (units.ABOVE_ONE, "0.5"),
    (units.LATENCY, "40"),
    (units.LATENCY, "0ms"),
    (units.USERS, "0.5"),
    (units.USERS, "1e15"),
    (units.YEARS, "0.5"),
    (units.ROWS, "1"),
    (units.ROWS, "1M"),
]


@pytest.mark.parametrize(("kind", "text", "value"), READ)
def test_reads(kind: units.Kind, text: str, value: float) -> None:
    assert parse(kind, text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_refuses_and_says_how_to_write_it(kind: units.Kind, text: str) -> None:
    with pytest.raises(BadValue) as error:
        parse(kind, text, "--option")
    assert error.value.what.startswith("--option: ")
    assert kind.forms in error.value.hint


#: The least and the most of each kind whose range is narrower than any quantity's, and what lies just beyond them.
RANGES = [
    (units.PARAMS, ["1e0", "1e24"], ["9e-1", "1.1e24"]),
    (units.WHOLE, ["1", "1e9"], ["0", "1000000001"]),
    (units.TOKENS, ["0", "1e9"], ["1000000001"]),
    (units.PART, ["0", "1", "100%"], ["1.01", "101%"]),
    (units.SHARE, ["0.001", "1", "100%"], ["0", "1.01"]),
    (units.ABOVE_ONE, ["1", "1x"], ["0.99"]),
    (units.MINUTES, ["1440", "24h", "0.001"], ["1440.1", "25h", "0"]),
    (units.YEARS, ["1", "100"], ["0.99", "100.1"]),
    (units.USERS, ["1", "1e10"], ["0.99", "1.1e10"]),
    (units.ROWS, ["2", "10000"], ["1", "10001"]),
    (units.COUNT, ["1e24", "1e-24"], ["1.1e24", "0.9e-24"]),
    (units.RESERVE, ["0B", "0"], []),
    (units.LIMIT, ["0 B/s"], []),
    (units.MULTIPLE, ["0", "5x"], ["5y"]),
    (units.SIZE, ["1000000", "1e6"], ["999999", "0"]),
    (units.BANDWIDTH, ["1000000"], ["999999"]),
    (units.FLOPS, ["1000000"], ["999999"]),
]


@pytest.mark.parametrize(("kind", "inside", "outside"), RANGES)
def test_both_ends_of_a_range_are_in_it(kind: units.Kind, inside: list[str], outside: list[str]) -> None:
    for text in inside:
        parse(kind, text)
    for text in outside:
        with pytest.raises(BadValue):
            parse(kind, text)


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        (units.COUNT, "0", "'0' is not above zero"),
        (units.COUNT, "-0.5", "'-0.5' is below zero"),
        (units.COUNT, "1e30", "'1e30' is absurdly large"),
        (units.COUNT, "1e-30", "'1e-30' is absurdly small"),
        (units.COUNT, " ", "' ' is empty"),
        (units.COUNT, "four", "'four' is not a number"),
        (units.COUNT, "4GB", "'4GB' ends in 'GB', which is no unit of a count"),
        (units.LATENCY, "40", "'40' has no unit"),
        (units.SIZE, "0.5", "'0.5' has no unit"),
        (units.WHOLE, "2.5", "'2.5' is not whole"),
        (units.YEARS, "0.5", "'0.5' is out of range: a number of years is at least 1"),
        (units.ROWS, "20k", "'20k' is out of range: a number of rows is at most 10,000"),
        (units.COUNT, "x" * 40, f"'{'x' * 40}' is not a number"),
        (units.COUNT, "x" * 41, f"'{'x' * 37}...' is not a number"),
    ],
)
def test_why_a_text_is_refused(kind: units.Kind, text: str, why: str) -> None:
    with pytest.raises(BadValue) as error:
        parse(kind, text, "--option")
    assert error.value.what == f"--option: {why}"


def test_a_count_is_a_whole_number_where_it_is_whole() -> None:
    asked = ((units.COUNT, "4k"), (units.COUNT, "0.5"), (units.SIZE, "4GB"))
    assert [type(parse(kind, text)) for kind, text in asked] == [int, float, float]


def test_a_power_of_ten_is_exact() -> None:
    assert (parse(units.SIZE, "2.039 TB"), parse(units.DURATION, "0.3 ms")) == (2.039e12, 0.3e-3)
    assert parse(units.COUNT, "1e21k") == 1e24  # an exponent of its own
    assert parse(units.COUNT, "4.35e-7") == 4.35e-7


@given(st.text(max_size=20), st.sampled_from([kind for kind, *_ in READ]))
def test_any_text_is_a_finite_quantity_or_a_bad_value(text: str, kind: units.Kind) -> None:
    try:
        value = parse(kind, text)
    except BadValue:
        return
    assert 0 <= value <= units.LARGEST


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5.333e-5, "s", "53.33 us"),
        (0.026666667, "s", "26.67 ms"),
        (0.99999, "s", "1 s"),
        (0.0009999999, "s", "1 ms"),
        (0, "s", "0 s"),
        (1.6e12, "B", "1.6 TB"),
        (60e12, "B/s", "60 TB/s"),
        (3.2e12, "FLOP", "3.2 TFLOP"),
        (0.002, "share", "0.200%"),
        (0.2, "share", "20.0%"),
        (1 / 6, "share", "16.7%"),
        (1, "share", "100%"),
        (144000, "", "144,000"),
        (37.5, "", "37.5"),
        (500.00000000000006, "x", "500x"),
        (1250, "x", "1,250x"),
        (1.6e12, "param", "1.6T"),
        (70.55e9, "param", "70.55B"),
        (0.59259, "USD", "$0.593"),
        (0.1, "USD", "$0.10"),
        (0.25, "USD", "$0.25"),
        (0.9999, "USD", "$1.00"),
        (0, "USD", "$0"),
        (1.1e-85, "share", "0%"),
        (6.758e-86, "s", "0 s"),
        (296.296, "USD", "$296.30"),
        (87072, "USD", "$87,072"),
        (999.96, "", "1,000"),
        (None, "s", "-"),
        (True, "", "yes"),
        ("memory", "", "memory"),
        (3.97e-12, "share", "<0.01%"),
        (0.99e-4, "share", "<0.01%"),
        (1.2e-4, "share", "0.0120%"),
        (0.0, "share", "0%"),
        (4.102e-13, "s", "<1 ns"),
        (1.5e-9, "s", "1.5 ns"),
        (1.5e-15, "share", "<0.01%"),
        (0.9e-15, "share", "0%"),
        (1e-4, "share", "0.0100%"),
        (1e-9, "s", "1 ns"),
        (False, "", "no"),
        (500, "param", "500"),
        (1.3e6, "param", "1.3M"),
        (999.94, "param", "999.9"),
        (999.96, "param", "1K"),
        (1, "s", "1 s"),
        (90, "s", "90 s"),
        (999.94, "", "999.9"),
        (12345.6, "", "12,346"),
        (12345.6, "s", "12,346 s"),
        (700, "W", "700 W"),
        (2.5e12, "FLOP/J", "2.5 TFLOP/J"),
        (1234.5, "USD", "$1,234"),
        (999.4, "USD", "$999.40"),
        (0.031, "USD", "$0.031"),
        (0.00456, "USD", "$0.00456"),
        (2.5, "USD/h", "$2.50/h"),
        (2.0567, "USD/h", "$2.057/h"),
        (1234.5, "USD/h", "$1,234/h"),
        (999.5, "USD/h", "$999.50/h"),
        (1000.25, "USD/h", "$1,000/h"),
        (6.5, "x", "6.5x"),
        ("2026-11-29", "month", "2026-11"),
        ("2026-11-29", "", "2026-11-29"),
    ],
)
def test_show(value: object, unit: str, text: str) -> None:
    assert show(value, unit) == text


def test_steps_and_inputs_show_what_nobody_measures() -> None:
    assert (exact(3.97e-12, "share"), exact(4.102e-13, "s")) == ("3.97e-10%", "0.0004102 ns")


@pytest.mark.parametrize(
    ("value", "unit", "most", "text"),
    [
        (0.0266666667, "s", 6, "26.6667 ms"),
        (1234.5678, "", 6, "1,234.57"),
        (12345678.0, "", 6, "12,345,678"),
        (1234.5678, "x", 5, "1,234.6x"),
        (2.0567, "USD/h", 3, "$2.06/h"),
        (0.59259, "USD", 6, "$0.59259"),
        (0.25, "USD", 6, "$0.25"),
        (1250.0, "USD", 6, "$1,250"),
    ],
)
def test_as_many_digits_as_are_asked_for(value: float, unit: str, most: int, text: str) -> None:
    assert exact(value, unit, most) == text


@pytest.mark.parametrize(
    ("value", "unit", "most", "shown"),
    [
        (0.0266666667, "s", 4, 0.02667),
        (2.666666667, "s", 4, 2.667),
        (1.6543210e12, "B", 4, 1.654e12),
        (70.5543e9, "param", 4, 70.55e9),
        (0.123456, "share", 4, 0.1235),
        (1234.5678, "", 4, 1235.0),
        (1234.5678, "", 6, 1234.57),
        (0.59259, "USD", 4, 0.593),
        (0.59259, "USD", 5, 0.59259),
        (2.0567, "USD/h", 4, 2.057),
        (87072.4, "USD", 4, 87072.0),
    ],
)
def test_the_number_that_is_shown(value: float, unit: str, most: int, shown: float) -> None:
    assert units.rounded(value, unit, most) == pytest.approx(shown, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "unit", "scale"),
    [
        ([0.02, 0.03, 5.0], "s", ("ms", 1e-3)),
        ([2e-6, 3e-6], "s", ("us", 1e-6)),
        ([5e12, 1e9, 2e12], "B/s", ("TB/s", 1e12)),
        ([1e9, 2e9], "B", ("GB", 1e9)),
        ([1e12], "FLOP/J", ("TFLOP/J", 1e12)),
        ([3e15, 4e15], "FLOP/s", ("PFLOP/s", 1e15)),
        ([1e-12], "s", ("s", 1.0)),
        ([], "s", ("s", 1.0)),
        ([2e6], "USD", ("USD", 1.0)),
        ([2e6], "", ("", 1.0)),
    ],
)
def test_a_column_has_the_unit_of_its_middle_value(values: list[float], unit: str, scale: tuple[str, float]) -> None:
    assert units.common_scale(values, unit) == scale


def test_a_number_of_things() -> None:
    assert [units.many(count, "token") for count in (1, 2, 8192, 0)] == [
        "1 token", "2 tokens", "8,192 tokens", "0 tokens",
    ]  # fmt: skip


def test_one_of_the_words_in_any_case() -> None:
    parse_word = units.choice(["full", "none"])
    assert parse_word(" Full ") == "full"
    with pytest.raises(BadValue) as error:
        parse_word("half", "--overlap")
    assert (error.value.what, error.value.hint) == ("--overlap: 'half' is not one of its values", "choose full, none")


@given(st.floats(1e-9, 1e21), st.sampled_from(["B", "B/s", "FLOP/s", "s", "W"]))
def test_show_keeps_three_digits(value: float, unit: str) -> None:
    kinds = {"B": units.SIZE, "B/s": units.BANDWIDTH, "FLOP/s": units.FLOPS, "s": units.DURATION, "W": units.POWER}
    text = show(value, unit).replace(",", "")
    if unit != "s" and value < 1:
        return  # a fraction of a byte has no prefix
    assert parse(kinds[unit], text) == pytest.approx(value, rel=6e-4)


def test_a_share_of_many_times_the_whole_is_said_as_so_many_times() -> None:
    assert [show(share, "share") for share in (0.5, 9.99, 10.83, 1083)] == ["50.0%", "999%", "10.8x", "1,083x"]
