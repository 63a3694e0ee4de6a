"""Traffic traces: load worked out by hand for every form, flat memory, and files that nobody can use."""

import gzip
import json
import random
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from infercost.errors import BadFile
from infercost.fleet.traces import Trace, read_trace
from tests.conftest import ROOT, bare_env

DATA = ROOT / "tests" / "data" / "traces"
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
MOONCAKE = '{"timestamp": 0, "input_length": 5, "output_length": 1, "hash_ids": [0]}\n'
PACKED = gzip.compress((DATA / "azure_2024.csv").read_bytes(), mtime=0)
Read = Callable[[str | bytes], Trace]


def data(name: str) -> Trace:
    return read_trace(str(DATA / name))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def of(content: str | bytes) -> Trace:
        path = tmp_path / "trace"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_trace(str(path))

    return of


def burst(times: list[float], tokens: str = "10,5") -> str:
    return BURST + "".join(f"{time},GPT-4,{tokens},15,API log\n" for time in times)


def minutes(first: int, last: int, step: int) -> list[float]:
    return [60.0 * minute for minute in range(first, last + 1, step)]


def test_azure_2023() -> None:
    """Gaps of 300, 600 and 600 s: mean 500, variance (200² + 100² + 100²) / 3, so CV² = 20000 / 250000 = 0.08."""
    trace = data("azure_2023.csv")
    assert trace.requests == 4
    assert trace.seconds == 1500
    assert trace.input_tokens == 250
    assert trace.output_tokens == 30
    assert trace.prefix_share is None
    assert trace.gap_cv == pytest.approx(0.08**0.5, abs=1e-9)
    # 4 requests, and a mean gap after the last of them: 4 in 2000 s
    assert trace.hours == pytest.approx((7.2,))


def test_azure_2024_with_zones_and_hours_covered_in_part() -> None:
    """Every ten minutes from 00:30 to 02:20, hence to 02:30: 3 in half an hour, 6, and 3 in half an hour."""
    trace = data("azure_2024.csv")
    assert trace.hours == pytest.approx((6, 6, 6))
    assert trace.requests == 12
    assert trace.seconds == 6600
    assert trace.input_tokens == 650
    assert trace.output_tokens == 5
    assert trace.gap_cv == pytest.approx(0, abs=1e-9)


def test_burstgpt_counts_a_failed_request_but_not_its_tokens() -> None:
    """Gaps of 40, 80 and 60 s: mean 60, variance 800 / 3."""
    trace = data("burstgpt_1.csv")
    assert trace.requests == 4
    assert trace.seconds == 180
    assert trace.hours == pytest.approx((4 * 3600 / 240,))
    assert trace.input_tokens == pytest.approx(2000 / 3)
    assert trace.output_tokens == 180
    assert trace.gap_cv == pytest.approx((800 / 3) ** 0.5 / 60)


def test_burstgpt_with_sessions() -> None:
    """From 19440000 s, the start of hour 5400, every half an hour: two in each of two hours."""
    trace = data("burstgpt_3.csv")
    assert trace.hours == (2, 2)
    assert trace.seconds == 5400
    assert trace.input_tokens == pytest.approx(1000 / 3)
    assert trace.output_tokens == 180


def test_mooncake() -> None:
    """Hits: 0 of 3, then 0 and 1 of 3, none of 2 (the first is new), and 4 of 4: 6 of 12."""
    trace = data("mooncake.jsonl")
    assert trace.prefix_share == 0.5
    assert trace.requests == 4
    assert trace.seconds == 4
    assert trace.input_tokens == 1400
    assert trace.output_tokens == 50
    assert trace.hours == pytest.approx((4 * 3600 / (16 / 3),))


def test_mooncake_without_block_ids(read: Read) -> None:
    line = '{"timestamp": %d, "input_length": 5, "output_length": 1}\n'
    assert read(line % 0 + "\n" + line % 1000).prefix_share is None


def test_hourly_counts() -> None:
    assert data("hourly.csv") == Trace((30, 20, 0, 10.5), 60, None, None, None, None, 4 * 3600)


@pytest.mark.parametrize(
    "content",
    [
        "requests\n1\n2\n3\n",
        "Hour,Count\n0,1\n1,2\n2,3\n",
        "count,hour\n1,23\n2,24\n3,1\n",
        "hour,requests\n2024-05-10 22:00,1\n2024-05-10T23:00:00,2\n2024-05-11 00:00:00+00:00,3\n",
        '\ufeff"hour","requests"\r\n"0","1"\r\n"1","2"\r\n\r\n"2","3"\r\n',
    ],
)
def test_hourly_counts_as_people_write_them(content: str, read: Read) -> None:
    assert read(content).hours == (1, 2, 3)


def test_an_hour_without_requests_is_zero(read: Read) -> None:
    """At minutes 0, 10 to 50, and 120 to 170; the mean gap of 17 minutes covers the rest of the last hour."""
    assert read(burst(minutes(0, 50, 10) + minutes(120, 170, 10))).hours == (6, 0, 6)


def test_an_end_covered_less_than_half_is_left_out_of_the_hours(read: Read) -> None:
    """Every ten minutes from 0:40 to 2:10, so to 2:20: the ends are covered for 20 minutes each."""
    trace = read(burst(minutes(40, 130, 10)))
    assert trace.hours == (6,)
    assert trace.requests == 10


def test_an_end_covered_by_half_is_scaled_to_a_whole_hour(read: Read) -> None:
    """Every ten minutes from 0:30 to 2:00: three requests in half of the first hour, ten minutes of the third."""
    assert read(burst(minutes(30, 120, 10))).hours == (6, 6)


def test_three_requests_have_a_gap_cv(read: Read) -> None:
    """Gaps of 60 and 120 s: a deviation of 30 about a mean of 90."""
    assert read(burst([0, 60, 180])).gap_cv == pytest.approx(1 / 3)


def test_requests_of_one_moment_are_in_order(read: Read) -> None:
    """Gaps of 0, 3 and 0 s: a mean of 1, a variance of (1 + 4 + 1) / 3."""
    assert read(burst([0, 0, 3, 3])).gap_cv == pytest.approx(2**0.5)


def test_ten_years_are_the_longest_trace(read: Read) -> None:
    years = 87_600 * 3600
    assert read(burst([0, years])).seconds == years
    with pytest.raises(BadFile, match="10 years lie between"):
        read(burst([0, years + 1]))


def test_rows_out_of_order_count_in_their_hour_and_give_no_gap_cv(read: Read) -> None:
    times = minutes(0, 170, 10)
    ordered = read(burst(times))
    shuffled = read(burst(times[6:] + times[:6]))
    assert ordered.hours == (6, 6, 6)
    assert ordered.gap_cv == pytest.approx(0, abs=1e-9)
    assert shuffled == ordered._replace(gap_cv=None)


def test_two_requests_have_no_gap_cv(read: Read) -> None:
    assert read(burst([0, 60])).gap_cv is None


def test_all_requests_failed(read: Read) -> None:
    trace = read(burst([0, 60], tokens="10,0"))
    assert trace.requests == 2
    assert trace.input_tokens is None
    assert trace.output_tokens is None


def test_figures_agree_with_the_statistics_module(read: Read) -> None:
    chance = random.Random(1)
    gaps = [chance.paretovariate(1.5) for _ in range(2000)]
    tokens = [chance.randrange(1, 9000) for _ in gaps]
    time, rows = 1e6, []
    for gap, count in zip(gaps, tokens, strict=True):
        time += gap
        rows.append(f"{time!r},GPT-4,{count},7,0,API log\n")
    trace = read(BURST + "".join(rows))
    assert trace.gap_cv == pytest.approx(statistics.pstdev(gaps[1:]) / statistics.fmean(gaps[1:]))
    assert trace.input_tokens == pytest.approx(statistics.fmean(tokens))
    assert trace.seconds == pytest.approx(sum(gaps[1:]))


def test_columns_are_found_by_name_and_numbers_may_be_written_as_floats(read: Read) -> None:
    more = "NumImages,GeneratedTokens,ContextTokens,TIMESTAMP\n"
    trace = read(more + "1,7.0,30,2024-10-15 12:00:00\n\n0,9,50.0, 2024-10-15 12:00:10\n")
    assert (trace.input_tokens, trace.output_tokens, trace.seconds) == (40, 8, 10)


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,input_tokens,output_tokens",
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        "Timestamp,Request tokens,Response tokens",
    ],
)
@pytest.mark.parametrize(
    "times", [("0.577", "4.577", "10.577"), ("2024-10-15 12:00:00", "2024-10-15 12:00:04", "2024-10-15 12:00:10")]
)
def test_times_are_seconds_or_dates_under_every_header(read: Read, header: str, times: tuple[str, str, str]) -> None:
    """Gaps of 4 s and 6 s: their deviation of 1 s is a fifth of their mean."""
    trace = read(f"{header}\n\n" + "".join(f"{time},{30 + 10 * at},7\n" for at, time in enumerate(times)))
    assert (trace.input_tokens, trace.output_tokens, trace.requests) == (40, 7, 3)
    assert trace.seconds == pytest.approx(10)
    assert trace.gap_cv == pytest.approx(0.2)


def test_times_of_two_kinds_are_refused(read: Read) -> None:
    with pytest.raises(BadFile, match="line 3, column timestamp: '2024-10-15 12:00:00' is no time") as caught:
        read("timestamp,input_tokens,output_tokens\n0.5,1,1\n2024-10-15 12:00:00,1,1\n")
    assert caught.value.hint == "write it as seconds such as 118.0, as all others"


def test_gzip_is_told_by_its_content(read: Read) -> None:
    assert read(gzip.compress((DATA / "azure_2023.csv").read_bytes())) == data("azure_2023.csv")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """140,000 requests, five a second: 18,000 an hour, and three reports of progress."""
    return written(tmp_path_factory.mktemp("traces") / "long.csv", 140_000)


def written(path: Path, count: int) -> Path:
    """A trace of five requests a second."""
    with path.open("w") as file:
        file.write(AZURE)
        for fifth in range(count):
            hour, rest = divmod(fifth, 18_000)
            minute, second = divmod(rest, 300)
            file.write(f"2024-05-10 {hour:02}:{minute:02}:{second // 5:02}.{second % 5 * 2}00000+00:00,1000,200\n")
    return path


def peak(path: Path) -> int:
    """Bytes that reading a trace takes at most."""
    tracemalloc.start()
    try:
        read_trace(str(path))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_trace(tmp_path: Path) -> None:
    """A number kept of each of 40,000 further requests would take more than 1 MB."""
    short, long = (peak(written(tmp_path / f"{count}.csv", count)) for count in (10_000, 50_000))
    assert long < short + 100_000
    assert long < 2e6


def test_a_long_trace_is_read_to_its_end(long: Path) -> None:
    """7 hours and most of another."""
    trace = read_trace(str(long))
    assert trace.requests == 140_000
    assert trace.hours == pytest.approx((18_000,) * 8)


@pytest.mark.parametrize("packed", [False, True])
def test_progress_is_told_in_bytes_of_the_file(packed: bool, long: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(gzip.compress(long.read_bytes(), 1) if packed else long.read_bytes())
    told: list[int] = []
    read_trace(str(path), told.append)
    assert len(told) == 3  # twice after 65,536 lines, and at the end
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] == path.stat().st_size


def test_an_error_of_the_progress_report_is_not_one_of_the_file(long: Path) -> None:
    def fail(_: int) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        read_trace(str(long), fail)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (AZURE, "holds no request"),
        (BURST + "\n\n", "holds no request"),
        (burst([0, 1e9 * 3600]), "trace .*: 114,155 years lie between"),
        (f"requests\n{'1' * (1 << 20)}\n", "a line is longer than 1024 KiB"),
        ("requests\n", "holds no hour"),
        ("requests\n0\n0\n", "every hour has 0"),
        ("minute,requests\n0,5\n", "line 1: 'minute,requests' is the first line of no trace"),
        ("requests,count\n1,1\n", "is the first line of no trace"),
        ("\n", "is the first line of no trace"),
        ("[1, 2]\n", "is the first line of no trace"),
        ("{'timestamp': 27482}\n", "is the first line of no trace"),
        ('{"model": "x"}\n', "is the first line of no trace"),
        ('{"chat_id": 1, "timestamp": 6.1, "input_length": 5, "output_length": 1}\n', "is the first line of no trace"),
        ("requests,requests\n1,1\n", "column 'requests' stands twice"),
        ("requests\n5\nmany\n", "line 3, column requests: 'many' where a number"),
        ("requests\n5\n-1\n", "line 3, column requests: -1 is out of range"),
        ("requests\nnan\n", "line 2, column requests: nan is out of range"),
        ("requests\ninf\n", "line 2, column requests: inf is out of range"),
        ("hour,requests\n0,\n", "line 2, column requests: nothing where"),
        ("hour,requests\n0,1\n2,1\n", "line 3, column hour: 2 does not follow"),
        ("hour,requests\n0,1\n0,1\n", "line 3, column hour: 0 does not follow"),
        ("hour,requests\nnoon,1\n", "line 2, column hour: 'noon' is no hour"),
        ("hour,requests\n0,1,2\n", "line 2: 3 cells for 2 columns"),
        ("requests\n" + "1\n" * 87_601, "more than ten years"),
        (AZURE + "2023-11-16 18:17:03,5,x\n", "line 2, column generatedtokens: 'x' where a number"),
        (AZURE + "2023-11-16 18:17:03,-5,1\n", "line 2, column contexttokens: -5 is out of range"),
        (AZURE + f"2023-11-16 18:17:03,{'9' * 400},1\n", "line 2, column contexttokens"),
        (AZURE + f"2023-11-16 18:17:03,{'9' * 5000},1\n", "line 2, column contexttokens"),
        (AZURE + "2023-11-31 18:17:03,5,1\n", "line 2, column timestamp: '2023-11-31 18:17:03' is no time"),
        (AZURE + "0001-01-01 00:00:00+05:00,5,1\n2023-11-16 18:17:03,5,1\n", "2,0"),
        (AZURE + "2023-11-16 18:17:03,5\n", "line 2: 2 cells for 3 columns"),
        (AZURE + "2023-11-16 18:17:03,5,1,2\n", "line 2: 4 cells for 3 columns"),
        (AZURE + '"2023-11-16 18:17:03"x,5,1\n', "line 2: "),
        (AZURE + "2023-11-16 18:17:03,5,1\n", r"its requests \(1\) came at one time"),
        (burst([0, 1e-320]), r"its requests \(2\) came at one time"),
        (AZURE + "2003-11-16 18:17:03,5,1\n2023-11-16 18:17:03,5,1\n", "20 years lie between"),
        (AZURE.encode() + b"\xff\xfe,5,1\n", "line 2, column timestamp"),
        (burst([0, 1]) + "soon,GPT-4,1,1,2,API log\n", "line 4, column timestamp: 'soon' is no time"),
        (burst([0, 1]) + "nan,GPT-4,1,1,2,API log\n", "line 4, column timestamp: 'nan' is no time"),
        (MOONCAKE + "{\n", "line 2: broken JSON"),
        (MOONCAKE + "[" * 100_000 + "\n", "line 2: broken JSON"),
        (MOONCAKE + "[]\n", "line 2: is no JSON object"),
        (MOONCAKE + '{"timestamp": 1, "input_length": 5}\n', "line 2, output_length: nothing where a number"),
        (MOONCAKE.replace("0,", "NaN,"), "line 1, timestamp: nan is out of range"),
        (MOONCAKE.replace("[0]", "{}"), "line 1, hash_ids: is no list"),
        (MOONCAKE.replace("[0]", "[[0]]"), "line 1, hash_ids: is no list"),
        (b"PK\x03\x04\x00\x00", "is binary"),
        (AZURE.encode("utf-16"), "is binary"),
        (PACKED[:-20], "trace: .* ended before"),
        (PACKED[:5], "trace: .* ended before"),
        (PACKED[:-8] + b"12345678", "trace: crc check failed"),
        (PACKED[:60] + b"\xff" * 60, "trace: error -3"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "bytes",
)
def test_a_file_that_nobody_can_use(content: str | bytes, said: str, read: Read) -> None:
    with pytest.raises(BadFile, match=said) as error:
        read(content)
    assert "trace " in error.value.what
    assert len(error.value.what) < 300
    assert error.value.hint


def test_an_unknown_form_names_those_that_are_known(read: Read) -> None:
    with pytest.raises(BadFile) as error:
        read("a,b\n1,2\n")
    assert all(word in error.value.hint for word in ("ContextTokens", "Response tokens", "input_length", "requests"))


@pytest.mark.parametrize(("path", "said"), [("none.csv", "no such file"), (".", "is a directory"), ("a\0b", "null")])
def test_no_file(path: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=said):
        read_trace(str(tmp_path / path))


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_a_trace_too(packed: bool) -> None:
    """Questions ask for a trace several times, and a pipe gives it once."""
    file = DATA / "azure_2023.csv"
    content = gzip.compress(file.read_bytes()) if packed else file.read_bytes()
    service = ("userbase", "--gpu", "h100", "--model", "llama-3.1-8b", "--json", "--trace")
    asked = (sys.executable, "-m", "infercost", *service)
    piped, named = (
        subprocess.run([*asked, trace], input=content, capture_output=True, check=True, env=bare_env()).stdout
        for trace in ("-", str(file))
    )
    assert json.loads(piped) == json.loads(named.replace(str(file).encode(), b"-"))
