"""Which part for a job: what it says is what utilization says of it, on the devices where a token costs least."""

import re
import shlex
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import yaml

import infercost
from infercost.errors import BadValue, Missing, UnknownName
from infercost.parts import catalog
from infercost.units import show
from tests.conftest import Run, grid

Row = dict[str, Any]
MODEL = "llama-3.1-70b"


@pytest.fixture
def leased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The MI355X and the GB300 as parts that are let for three years alone."""
    (tmp_path / "accelerators").mkdir()
    for name, rent in (("mi355x", "$2.10/h"), ("gb300-nvl72", "$3.96/h")):
        data = yaml.safe_load((catalog.shipped() / f"accelerators/{name}.yaml").read_text())
        part = {key: entry for key, entry in data.items() if key not in ("rent", "rent_neocloud")}
        part["rent_rental"]["value"] = rent
        (tmp_path / f"accelerators/{name}.yaml").write_text(yaml.safe_dump(part))
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))


def rows_of(*parts: str, **options: Any) -> list[Row]:
    report = infercost.compare(*parts, **{"model": MODEL, **options})
    assert report.series is not None
    return [dict(row) for row in report.series.rows]


def asked_again(row: Row, **options: Any) -> infercost.Report:
    """The utilization of one replica of a row, or of another load on it."""
    devices = row["gpus"] // row["replicas"]
    layout = {name: row[name] for name in ("tp", "pp", "ep") if row[name] > 1 or name == "tp"}
    return infercost.utilization(model=MODEL, gpu=f"{row['name']}:{devices}", **layout, **options)


@pytest.mark.parametrize("concurrency", [1, 37, 64, 500])
def test_a_row_is_what_utilization_says_of_all_replicas(concurrency: int) -> None:
    for row in rows_of("h200", "mi300x", "a100", "l40s", concurrency=concurrency):
        layout = {name: row[name] for name in ("tp", "pp", "ep") if row[name] > 1 or name == "tp"}
        if row["replicas"] > 1:
            layout["dp"] = row["replicas"]
        step = infercost.utilization(model=MODEL, gpu=f"{row['name']}:{row['gpus']}", concurrency=concurrency, **layout)
        for key in ("tokens_per_s_per_user", "tokens_per_s_per_gpu", "tpot_s", "ttft_s", "utilization"):
            assert row[key] == pytest.approx(step[key])
        assert row["usd_per_million_tokens"] == pytest.approx(step["usd_per_million_tokens"])
        # all devices are paid for the tokens of all
        rate = row["tokens_per_s_per_gpu"] * row["gpus"]
        assert row["usd_per_million_tokens"] == pytest.approx(row["usd_per_hour"] / 3600 / rate * 1e6)


@pytest.mark.parametrize(
    ("gpu", "model", "more"),
    [
        ("h200", MODEL, ("--max-tpot", "40ms")),
        ("b200", "deepseek-v3", ("--concurrency", "256", "--max-tpot", "50ms")),
        ("l40s", MODEL, ("--concurrency", "37", "--efficiency", "ideal")),
    ],
)
def test_the_replay_of_a_row_runs_and_says_the_same(run: Run, gpu: str, model: str, more: tuple[str, ...]) -> None:
    row = run("compare", "--model", model, gpu, *more, "--json").json["rows"][0]
    words = shlex.split(row["replay"])
    assert words[0] == "infercost"
    again = run(*words[1:], "--json").json["results"]
    for key in ("gpus", "tokens_per_s_per_user", "usd_per_million_tokens"):
        assert again[key] == pytest.approx(row[key])


def test_a_replay_is_a_command_that_a_shell_reads(run: Run) -> None:
    said = run("compare", "mi325x", "h100", "--model", "llama 3.1 8b", "--concurrency", "64", "--dtype", "fp8").out
    head, _, rest = said.partition("To ask the first row again:\n")
    assert "in place of" not in head
    words = shlex.split(rest.replace("\\\n", ""))
    assert {"llama 3.1 8b", "fp8", "mi325x:1"} <= set(words)
    assert run(*words[1:]).code == 0


def test_the_command_below_a_table_is_of_its_first_row() -> None:
    report = infercost.compare("mi325x", "h100", model=MODEL, concurrency=64, sort="speed")
    assert report.series is not None
    first, second = report.series.rows
    assert first["usd_per_million_tokens"] > second["usd_per_million_tokens"]
    assert [command for _, command in report.replay] == [first["replay"]]


@pytest.mark.parametrize("concurrency", [1, 200])
@grid(("gpu", "model"), [("h100", MODEL), ("h100", "llama-3.1-8b"), ("mi300x", MODEL), ("b200", "gpt-oss-120b")])
def test_no_count_of_devices_asked_on_its_own_is_cheaper(gpu: str, model: str, concurrency: int) -> None:
    """Of counts that ``utilization`` lays out itself, those that hold all sequences and whose tokens come in time."""
    holding = []
    for devices in (1, 2, 4, 8, 16, 24, 32, 64):
        try:
            asked = infercost.utilization(model=model, gpu=f"{gpu}:{devices}", concurrency=concurrency)
        except infercost.InfercostError:
            continue
        layout = {item.key: item.value for item in asked.inputs if item.key in ("tp", "pp", "ep", "dp")}
        room = infercost.fit(model=model, gpu=f"{gpu}:{asked['gpus']}", **layout).get("max_sequences", 0)
        if min(room, 256 * layout.get("dp", 1)) >= concurrency:
            holding.append(asked)
    for limit in (None, 0.06):
        (row,) = rows_of(gpu, model=model, concurrency=concurrency, **({"max_tpot": limit} if limit else {}))
        costs = [asked["usd_per_million_tokens"] for asked in holding if not limit or asked["tpot_s"] <= limit]
        assert costs
        assert row["usd_per_million_tokens"] <= min(costs) * (1 + 1e-9)


@pytest.mark.parametrize("limit", [None, 0.05, 0.1])
@pytest.mark.parametrize(("gpu", "users"), [("h100", 100_000), ("h200", 100_000), ("mi300x", 1e6), ("b200", 3000)])
def test_users_take_the_devices_that_userbase_counts(gpu: str, users: float, limit: float | None) -> None:
    """On the same layout: whole replicas, of as many sequences as memory or the time of a token allows."""
    level = {"max_tpot": limit} if limit else {}
    request = {"input_tokens": 1155, "output_tokens": 211}
    (row,) = rows_of(gpu, users=users, **request, **level)
    layout = {name: row[name] for name in ("tp", "pp", "ep") if row[name] > 1 or name == "tp"}
    replica = f"{gpu}:{row['gpus'] // row['replicas']}"
    service = infercost.userbase(model=MODEL, gpu=replica, **layout, users=users, **request, **level)
    assert service["gpus"] == pytest.approx(row["gpus"], rel=0.04)
    assert service["usd_per_million_tokens"] == pytest.approx(row["usd_per_million_tokens"], rel=0.05)


def test_few_devices_that_hold_little_are_not_the_cheapest() -> None:
    """Two H100 hold 70B in 16 bits and hardly a sequence: as many pairs as 64 of them take cost twice eight together.

    160 GB hold 141 GB of weights; a sequence of 8,192 tokens takes 2.7 GB of cache.
    """
    (row,) = rows_of("h100", concurrency=64)
    pairs = infercost.utilization(model=MODEL, gpu="h100:128", tp=2, dp=64, concurrency=64)
    together = infercost.utilization(model=MODEL, gpu="h100:8", tp=8, concurrency=64)
    assert pairs["usd_per_million_tokens"] > 2 * together["usd_per_million_tokens"]
    assert row["usd_per_million_tokens"] <= together["usd_per_million_tokens"]
    assert (row["gpus"], row["replicas"]) == (8, 1)


def test_a_budget_takes_the_cheapest_devices_within_it() -> None:
    (free,) = rows_of("h200", concurrency=64, max_tpot=0.05)
    (row,) = rows_of("h200", concurrency=64, max_tpot=0.1, max_price=free["usd_per_hour"] - 1)
    assert row["why_not"] is None
    assert row["usd_per_hour"] < free["usd_per_hour"]
    (dear,) = rows_of("h200", concurrency=64, max_price=4.59)
    assert dear["why_not"] == f"${dear['usd_per_hour']:.2f} an hour"
    assert dear["gpus"] == min(2 * ceil(64 / infercost.fit(model=MODEL, gpu="h200:2")["max_sequences"]), 4)


@pytest.mark.parametrize(("gpu", "limit"), [("h200", 0.04), ("h100", 0.03), ("b200", 0.03), ("mi300x", 0.1)])
def test_one_replica_less_holds_too_few_or_is_too_slow(gpu: str, limit: float) -> None:
    (row,) = rows_of(gpu, concurrency=200, max_tpot=limit)
    assert row["tpot_s"] <= limit
    assert row["replicas"] > 1
    share = ceil(200 / (row["replicas"] - 1))
    fewer = asked_again(row, concurrency=share)
    assert (
        fewer["itl_s"] > limit or fewer["max_sequences"] < share if "max_sequences" in fewer else fewer["itl_s"] > limit
    )


def test_an_hour_costs_the_rent_of_all_devices_and_a_job_pays_for_its_tokens() -> None:
    (row,) = rows_of("h100", concurrency=64)
    assert row["usd_per_gpu_hour"] == 3.49
    assert (row["price_basis"], row["price_date"]) == ("neocloud", "2026-09")
    assert row["usd_per_hour"] == pytest.approx(3.49 * row["gpus"])
    assert rows_of("h100", concurrency=64, price=6.98)[0]["usd_per_million_tokens"] == pytest.approx(
        2 * row["usd_per_million_tokens"]
    )


def test_users_become_sequences_by_the_rule_of_the_note() -> None:
    """144,000 users of ten minutes a day keep 1,000 sequences decoding."""
    assert rows_of("h200", users=144_000) == rows_of("h200", concurrency=1000)
    assert rows_of("h200", users=144_000, minutes_per_day=5) == rows_of("h200", concurrency=500)


@pytest.mark.usefixtures("leased")
def test_without_names_every_part_is_there_the_cheapest_first_and_the_left_out_say_why() -> None:
    rows = rows_of()
    able = [row for row in rows if row["why_not"] is None]
    assert {row["name"] for row in rows} == set(infercost.accelerators()) - {"h100-note", "human-brain"}
    assert rows[: len(able)] == able
    longer = [row["price_basis"] == "rental" for row in able]
    assert longer == sorted(longer), "a rent for longer comes after those on demand"
    for kind in (False, True):
        costs = [row["usd_per_million_tokens"] for row in able if (row["price_basis"] == "rental") == kind]
        assert len(costs) > 1
        assert costs == sorted(costs)
    why = {row["name"]: row["why_not"] for row in rows}
    assert why["t4"] == "takes 16, and its network_bandwidth is not known"
    assert why["h20"] == "no price is known"
    assert all(row["fits"] for row in able)


@pytest.mark.parametrize(
    ("sort", "key", "sign", "words"),
    [
        ("price", "usd_per_hour", 1, "takes the least an hour"),
        ("speed", "tokens_per_s_per_user", -1, "is fastest"),
        ("throughput", "tokens_per_s_per_gpu", -1, "has the highest throughput per device"),
        ("devices", "gpus", 1, "takes the fewest devices"),
    ],
)
def test_rows_and_verdict_are_in_the_order_asked_for(sort: str, key: str, sign: int, words: str) -> None:
    report = infercost.compare(model=MODEL, vendor="nvidia", sort=sort)
    assert report.series is not None
    rows = [row for row in report.series.rows if row["why_not"] is None]
    values = [sign * row[key] for row in rows]
    assert values == sorted(values)
    of_rack = " GPU" if rows[0]["name"].endswith("-nvl72") else ""
    first = f"{rows[0]['gpus']} x {rows[0]['name']}{of_rack}"
    own = "on the fewest devices that do it" if sort in ("price", "devices") else "where its tokens cost least"
    start = f"{first} {words} for 64 sequences at once, each part {own}: "
    assert report.verdict.startswith(start)


def test_an_order_by_the_hour_has_the_month_beside_it() -> None:
    """A month is 730 hours: $0.39 are $284.70, in each row by its own key too."""
    job = {"model": "llama-3.1-8b", "concurrency": 1, "price": "rtx-3090=0.39,a40=0.44"}
    said = infercost.compare("rtx-3090", "a40", **job, sort="price")
    assert ": $0.39 an hour ($284.70 a month), $" in said.verdict
    assert " at $0.44 an hour ($321.20 a month)" in said.verdict
    assert "a month" not in infercost.compare("rtx-3090", "a40", **job).verdict
    assert [row["usd_per_month"] for row in said.series.rows] == pytest.approx([0.39 * 730, 0.44 * 730])


@pytest.mark.parametrize("sort", ["price", "devices"])
def test_an_order_by_all_devices_has_each_part_on_the_fewest(sort: str) -> None:
    """Where its tokens cost least a part may have more devices, whose hour is dearer for the same job."""
    job = {"model": "llama-3.3-70b", "concurrency": 64, "max_tpot": "50ms", "vendor": "nvidia"}
    by_token, by_hour = (
        {row["name"]: row for row in infercost.compare(**job, sort=order).series.rows if row["why_not"] is None}
        for order in ("cost", sort)
    )
    both = by_token.keys() & by_hour.keys()
    fewer = [name for name in both if by_hour[name]["gpus"] < by_token[name]["gpus"]]
    assert fewer
    assert all(by_hour[name]["gpus"] <= by_token[name]["gpus"] for name in both)
    assert all(by_hour[name]["tpot_s"] <= 0.050 for name in both)


@pytest.mark.parametrize(("sort", "ranked"), [("speed", True), ("throughput", True), ("cost", False), ("price", False)])
def test_a_part_without_a_price_has_its_place_where_no_money_is_asked_for(sort: str, ranked: bool) -> None:
    """Nobody lets a Rubin yet (its preset has no rent); a budget is money too."""
    of_many = {"sort": sort, "concurrency": 64}
    rubin = next(row for row in rows_of("rubin", "h100", **of_many) if row["name"] == "rubin-nvl72")
    assert (rubin["why_not"] is None) == ranked
    assert (rubin["usd_per_million_tokens"], rubin["usd_per_hour"]) == (None, None)
    assert rubin["tokens_per_s_per_user"] > 0
    report = infercost.compare("rubin", "h100", model=MODEL, **of_many)
    assert report.verdict.startswith("2 x rubin-nvl72 GPU is fastest") == (sort == "speed")
    assert ("no price is known of rubin-nvl72: --price gives one") in " ".join(note.text for note in report.notes)
    (one,) = (row for row in rows_of("rubin", "h100", sort=sort, max_price=99) if row["name"] == "rubin-nvl72")
    assert one["why_not"] == "no price is known"


def test_a_named_part_without_a_price_has_a_row_and_its_speed_in_the_verdict(run: Run) -> None:
    """Money gives it no place: it stands below those with a price, its columns of money empty."""
    asked = ("compare", "h100", "rubin", "--model", "llama-3.1-8b", "--concurrency", "64", "--format", "plain")
    said, rows = run(*asked).out, infercost.compare("h100", "rubin", model="llama-3.1-8b", concurrency=64).series.rows
    priced, other = (next(row for row in rows if row["name"] == name) for name in ("h100-sxm", "rubin-nvl72"))
    times = other["tokens_per_s_per_gpu"] / priced["tokens_per_s_per_gpu"]
    rate = f"{show(other['tokens_per_s_per_gpu'])} a device ({show(times, 'x')}), no price is known (--price rubin"
    assert rate in " ".join(said.split())
    assert re.search(r"^  h100-sxm .*\n  rubin-nvl72 ~? +1 +- +[\d.,]+ +[\d.,]+ +-$", said, re.MULTILINE)
    assert "rubin-nvl72: 1" not in run(*asked[:1], *asked[3:], "--vendor", "nvidia").out


def test_users_of_a_workload_are_those_of_a_user_base() -> None:
    """30,000 users of 8 messages a day and 211 tokens each are 586.1 tokens/s; an hour's money over an hour's tokens.

    The replicas are those of the busiest hour, which userbase counts for each part alone.
    """
    rows = rows_of("mi300x", "mi355x", "h100", users=30_000, workload="chat")
    costs = [row["usd_per_million_tokens"] for row in rows]
    assert costs == sorted(costs)
    for row in rows:
        whole = row["tokens_per_s_per_gpu"] * row["gpus"]
        assert whole == pytest.approx(30_000 * 8 * 211 / 86_400)
        assert row["usd_per_million_tokens"] == pytest.approx(row["usd_per_hour"] / 3600 / whole * 1e6)
        alone = infercost.userbase(gpu=row["name"], model=MODEL, users=30_000, workload="chat")
        for key in ("gpus", "replicas", "usd_per_million_tokens", "tpot_s", "ttft_s", "utilization"):
            assert row[key] == pytest.approx(alone[key]), key
        assert row["bands"]["usd_per_million_tokens"] == alone.bands["usd_per_million_tokens"]
        assert "infercost userbase " in row["replay"]
        assert "--users 30000 " in row["replay"]
        assert row["replay"].endswith(f" --gpu {row['name']}")
    report = infercost.compare("mi300x", "h100", model=MODEL, users=30_000, workload="chat", steps=True)
    assert " is cheapest for 30,000 daily users (by chat 8 messages a day): $" in report.verdict
    assert not [note for note in report.notes if note.code == "flat-day"]


def test_messages_of_users_are_those_of_a_user_base(run: Run) -> None:
    """30,000 users of 12 messages a day and 100 tokens each are 416.7 tokens/s, by hand."""
    asked = {"users": 30_000, "messages_per_day": 12, "input_tokens": 500, "output_tokens": 100}
    for row in rows_of("mi300x", "h100", **asked):
        assert row["tokens_per_s_per_gpu"] * row["gpus"] == pytest.approx(416.7, abs=0.05)
        assert row["usd_per_million_tokens"] == pytest.approx(row["usd_per_hour"] / 3600 / 416.7 * 1e6, rel=1e-3)
        assert "--messages-per-day 12 " in row["replay"]
        again = run(*row["replay"].split()[1:], "--json").json["results"]
        assert again["usd_per_million_tokens"] == pytest.approx(row["usd_per_million_tokens"])
    more = infercost.compare("h100", model=MODEL, users=30_000, workload="chat", messages_per_day=16)
    usual = infercost.compare("h100", model=MODEL, users=15_000, workload="chat", messages_per_day=32)
    assert [item.key for item in more.inputs].count("messages_per_day") == 1
    assert more.series
    assert usual.series
    assert more.series.rows[0]["usd_per_hour"] == usual.series.rows[0]["usd_per_hour"]


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ("--users 30k --messages-per-day 8 --minutes-per-day 4", "--minutes-per-day and --messages-per-day both say"),
        ("--messages-per-day 8", "--messages-per-day is of users, and there are none"),
        ("--concurrency 8 --messages-per-day 8", "--messages-per-day is of users, and there are none"),
    ],
)
def test_messages_are_of_users_without_minutes(run: Run, asked: str, what: str) -> None:
    said = run("compare", "h100", "--model", MODEL, *asked.split())
    assert (said.code, said.out) == (2, "")
    assert what in said.err


def test_users_whom_no_part_serves_in_time_are_answered_with_why(run: Run) -> None:
    asked = ("compare", "h100", "l4", "--model", MODEL, "--users", "30k", "--workload", "chat", "--json")
    said = run(*asked, "--max-tpot", "5ms")
    assert said.code == 3
    assert said.json["verdict"] == "No part with a known price serves 30,000 daily users within 5 ms a token."
    assert all(row["why_not"].startswith("at best ") for row in said.json["rows"])
    assert run(*asked, "--minutes-per-day", "10").json["verdict"].count("sequences at once")


def test_a_budget_is_said_as_one() -> None:
    report = infercost.compare("h100", model=MODEL, max_price=30, max_tpot=0.1)
    assert " serve 64 sequences at once within 100 ms a token and $30.00 an hour: $" in report.verdict


def test_filters_leave_parts_out() -> None:
    vendors = {infercost.accelerator(row["name"]).labels["vendor"] for row in rows_of(vendor="amd")}
    assert vendors == {"AMD"}
    rentable = rows_of(vendor="nvidia", rentable=True)
    assert all(row["usd_per_gpu_hour"] for row in rentable)
    assert len(rentable) < len(rows_of(vendor="nvidia"))
    dear = [row for row in rows_of(vendor="nvidia", max_price=20) if row["usd_per_hour"]]
    assert {row["usd_per_hour"] > 20 for row in dear} == {True, False}
    assert all((row["why_not"] is None) == (row["usd_per_hour"] <= 20) for row in dear if row["usd_per_gpu_hour"])


def test_the_verdict_has_the_winner_its_price_and_band_and_the_second() -> None:
    report = infercost.compare("h200", "h100", "a100", model=MODEL, concurrency=64)
    assert report.series is not None
    first, second = report.series.rows[:2]
    low, high = first["bands"]["usd_per_million_tokens"]
    assert low < first["usd_per_million_tokens"] < high
    assert report.verdict.startswith(f"{first['gpus']} x {first['name']} is cheapest for 64 sequences at once: $")
    assert f"(${low:.2f} to ${high:.2f})" in report.verdict
    assert f"Second is {second['gpus']} x {second['name']} at $" in report.verdict


@pytest.mark.usefixtures("leased")
def test_a_rent_for_longer_never_wins_over_one_on_demand() -> None:
    report = infercost.compare("mi355x", "mi300x", model=MODEL, concurrency=64)
    assert report.series is not None
    first, last = report.series.rows
    assert (last["name"], last["price_basis"]) == ("mi355x", "rental")
    assert last["usd_per_million_tokens"] < first["usd_per_million_tokens"]
    assert "mi300x is cheapest" in report.verdict
    wins = f": by three-year rent {last['gpus']} x mi355x wins at ${last['usd_per_million_tokens']:.2f}."
    assert report.verdict.endswith(f" Prices mix kinds of rent (see the note){wins}")
    assert " tokens/s a user with llama-3.1-70b (bf16). " in report.verdict
    assert any("mi355x at $" in note.text for note in report.notes if note.code == "basis-winners")
    same = infercost.compare("mi355x", "mi300x", model=MODEL, concurrency=64, price_basis="rental")
    assert "mi355x is cheapest" in same.verdict
    assert "basis" not in same.verdict
    given = infercost.compare("mi355x", "mi300x", model=MODEL, concurrency=64, price=2)
    assert "mi355x is cheapest" in given.verdict


def test_what_nothing_meets_is_answered_with_the_nearest(run: Run) -> None:
    said = run("compare", "--model", MODEL, "--max-tpot", "1ms", "--vendor", "amd", "--json")
    assert said.code == 3
    assert (
        "No part with a known price serves 64 sequences at once within 1 ms a token: the fastest"
        in said.json["verdict"]
    )
    assert all(row["why_not"] for row in said.json["rows"])


def test_an_ideal_profile_has_no_request_and_answers_by_batch() -> None:
    (row,) = rows_of("h200", efficiency="ideal", concurrency=8)
    step = asked_again(row, efficiency="ideal", batch=8 // row["replicas"])
    assert row["tokens_per_s_per_user"] == pytest.approx(step["tokens_per_s_per_user"])


@pytest.mark.parametrize(
    ("options", "error", "what"),
    [
        ({"batch": 8}, BadValue, "--batch is an answer here"),
        ({"users": 10, "concurrency": 10}, BadValue, "two ways"),
        ({"minutes_per_day": 10}, BadValue, "of users"),
        ({"vendor": "nvidea"}, UnknownName, "no part is of 'nvidea'"),
        ({"model": "llama-9"}, UnknownName, "llama-9"),
        ({"context": 10**7}, BadValue, "10,000,000"),
        ({"efficiency": "ideal", "max_ttft": 1}, Missing, "needs a prompt"),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, Any], error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        rows_of(**options)


def test_counts_and_filters_go_without_names_and_jobs_without_counts() -> None:
    with pytest.raises(BadValue, match="how many accelerators"):
        rows_of("h100:8", concurrency=8)
    with pytest.raises(BadValue, match="two ways"):
        rows_of("h100", vendor="nvidia")
    with pytest.raises(Missing, match="needs --model"):
        infercost.compare(vendor="nvidia")


@pytest.mark.usefixtures("leased")
def test_a_frontier_without_names_takes_parts_of_data_centres_with_a_rent() -> None:
    report = infercost.frontier(model="llama-3.1-8b", vendor="amd", max_gpus=2)
    assert next(item.value for item in report.inputs if item.key == "gpu") == ("mi300x", "mi325x")
    notes = " ".join(note.text for note in report.notes)
    assert "mi355x, whose known rents are for longer" in notes
    named = infercost.frontier(model="llama-3.1-8b", gpu=["mi300x", "mi325x"], max_gpus=2)
    assert report.series is not None
    assert named.series is not None
    assert report.series.rows == named.series.rows
    with pytest.raises(BadValue, match="two ways"):
        infercost.frontier(model="llama-3.1-8b", gpu="mi300x", vendor="amd")


def test_a_part_whose_links_nobody_knows_is_not_said_to_be_too_small() -> None:
    """Trainium1 holds 65 GB of weights on four of 34 GB each, and no figure of what joins them is known."""
    assert infercost.fit(gpu="trainium1", model="gpt-oss-120b")["gpus"] == 4
    (row,) = infercost.compare("trainium1", model="gpt-oss-120b", concurrency=16).series.rows
    assert (row["why_not"], row["fits"]) == ("takes 4, and its link_bandwidth is not known", None)
    joined = infercost.compare("trainium1", model="gpt-oss-120b", concurrency=16, set=["gpu.link_bandwidth=100GB/s"])
    assert joined.series.rows[0]["gpus"] >= 4


@pytest.mark.usefixtures("leased")
def test_parts_left_out_for_a_figure_of_their_own_share_a_note() -> None:
    report = infercost.compare(model="llama-3.3-70b", max_price=27.4, users=10_000)
    dear = [row for row in report.series.rows if (row["usd_per_hour"] or 0) > 27.4 and row["usd_per_gpu_hour"]]
    (note,) = [note.text for note in report.notes if note.code == "too-dear"]
    assert note.startswith(f"above --max-price an hour: {dear[0]['name']} ${dear[0]['usd_per_hour']:.2f}, ")
    assert note.endswith(f" and {len(dear) - 6} others")
    left = [note.text for note in report.notes if note.code == "left-out"]
    assert "network_bandwidth is not known: a40 takes 4, t4 takes 16" in left
    assert not any(text.endswith(" an hour") for text in left)


@pytest.mark.parametrize("users", [5_000, 9_999])
def test_the_command_of_a_row_has_its_price_where_users_are_no_whole_sequences(users: int) -> None:
    """5,000 users of 10 minutes a day are 34.72 sequences: 35 slots decode, and all numbers of a row are of these."""
    answer = infercost.compare("h100", model="llama-3.1-8b", users=users, price=2.5)
    (row,) = answer.series.rows
    words = row["replay"].split()
    assert int(words[words.index("--concurrency") + 1]) == -(-users * 10 // (24 * 60))
    asked = dict(zip((word[2:] for word in words[2::2]), words[3::2], strict=True))
    again = infercost.utilization(
        **{key: value if key in ("gpu", "model") else float(value) for key, value in asked.items()}
    )
    assert again["usd_per_million_tokens"] == pytest.approx(row["usd_per_million_tokens"], rel=1e-12)


def test_a_winner_that_is_slow_is_said_to_be() -> None:
    """Where a limit was given nothing is advised; 50 ms a token are 20 tokens a second."""
    asked = {"model": "llama-3.3-70b", "dtype": "fp8", "gpu": ["mi355x", "h100"], "users": 100_000}
    slow, limited = infercost.compare(**asked), infercost.compare(**asked, max_tpot=0.05)
    for report, advised in ((slow, True), (limited, False)):
        assert report.series is not None
        speed = report.series.rows[0]["tokens_per_s_per_user"]
        assert (speed < 10) is advised
        said = f" {speed:.4g} tokens/s a user with llama-3.3-70b (fp8). Below 10 is slow: --max-tpot 50ms asks for 20 "
        assert (said in report.verdict) is advised
        assert ("is slow" in report.verdict) is advised


@pytest.mark.parametrize("price", [None, 2])
def test_parts_that_no_engine_of_gguf_files_runs_on_are_left_out_with_that_reason(price: float | None) -> None:
    asked = {"model": "llama-3.1-8b", "dtype": "q4_k_m", "concurrency": 1, "price": price}
    report = infercost.compare("rtx-3090", "trainium2", "tpu-v5e", **asked)
    assert [row["why_not"] for row in report["rows"]] == [
        None,
        *["does not run llama.cpp, the engine of GGUF files"] * 2,
    ]
    left = [note.text for note in report.notes if note.code == "left-out"]
    assert left == ["tpu-v5e, trainium2: does not run llama.cpp, the engine of GGUF files"]
    assert [row["usd_per_gpu_hour"] for row in report["rows"]] == ([2] * 3 if price else [0.39, 1.2, 2.235])


@pytest.mark.parametrize("part", ["trainium2", "tpu-v6e", "gaudi3", "cerebras"])
@pytest.mark.parametrize("asked", [{"dtype": "q4_k_m"}, {"kv_dtype": "q8_0"}, {"model": "qwen3:8b"}])
def test_such_a_part_is_told_so_alone(part: str, asked: dict[str, str]) -> None:
    with pytest.raises(BadValue, match=r"does not run llama\.cpp, the engine of") as raised:
        infercost.fit(**{"gpu": part, "model": "llama-3.1-8b", **asked})
    assert "--dtype bf16" in raised.value.hint


def test_a_bound_and_parts_that_llama_cpp_runs_on_keep_its_formats() -> None:
    """On Ascend it runs by CANN."""
    asked = {"model": "llama-3.1-8b", "dtype": "q4_0"}
    assert infercost.fit(gpu="trainium2", efficiency="ideal", **asked)["fits"]
    assert infercost.fit(gpu="ascend-910b", **asked)["fits"]


def test_desktop_cards_that_keep_the_limit_of_one_user_are_named() -> None:
    asked = {"model": "llama-3.1-8b", "dtype": "q4_k_m", "max_tpot": "20ms"}
    report = infercost.compare(concurrency=1, **asked)
    start = " Desktop cards with a preset of which one keeps it, by tokens/s: "
    said = report.verdict.partition(start)[2].partition(". ")[0]
    speeds = {row["name"]: row["tokens_per_s_per_user"] for row in report["rows"]}
    named = [each.split() for each in said.split(", ")]
    assert [speed for _, speed in named] == [f"{speeds[name]:.4g}" for name, _ in named]
    order = [float(speed) for _, speed in named]
    assert order == sorted(order)
    assert order[0] >= 50
    assert {"rtx-3090", "rtx-4090", "rtx-5090"} < {name for name, _ in named}
    assert speeds["rtx-3060-12gb"] is None
    assert "rtx-3060-12gb" not in said
    assert "Desktop cards" not in infercost.compare("rtx-3090", "rtx-4090", concurrency=1, **asked).verdict
    assert "Desktop cards" not in infercost.compare(concurrency=2, **asked).verdict


def test_scripts_get_the_names_of_the_leaders() -> None:
    """Of named parts by one user, and of a job: the least price and the most tokens/s among the rows that fit."""
    parts = ("h100", "h200", "b200", "rtx-4090")
    for report in (
        infercost.compare(*parts, model="llama-3.1-70b"),
        infercost.compare(*parts, model="llama-3.1-70b", concurrency=64),
    ):
        rows = [row for row in report["rows"] if row["usd_per_million_tokens"] is not None]
        assert report["cheapest"] == min(rows, key=lambda row: row["usd_per_million_tokens"])["name"]
        assert report["fastest"] == max(rows, key=lambda row: row["tokens_per_s_per_user"])["name"]
    assert "cheapest" not in infercost.compare("h100", "h200")


@pytest.mark.parametrize("more", [("--sort", "throughput"), ("--sort", "cost"), ("--max-tpot", "60ms")])
def test_a_load_that_nobody_gave_is_said_to_be_assumed(more: tuple[str, ...], run: Run) -> None:
    """With an order or a limit names are asked about a job, and no longer about one user."""
    asked = ("compare", "h100", "h200", "--model", "llama-3.1-8b", *more)
    said = run(*asked, "--json").json
    assert "concurrency" in said["assumed"]
    assert f" Nobody said how many: {said['inputs']['concurrency']} are assumed (--concurrency)." in said["verdict"]
    for load in (("--concurrency", "64"), ("--users", "10k")):
        assert "Nobody said" not in run(*asked, *load, "--json").json["verdict"]


def test_what_people_own_is_not_searched_beyond_one_computer(run: Run) -> None:
    """A Mac is one and a host has eight cards, where no rent is known; what is rented out is had in many machines."""
    said = run("compare", "--model", "llama-3.1-70b", "--sort", "speed", "--vendor", "Apple", "--json").json
    assert {row["gpus"] for row in said["rows"]} == {None}
    why = {row["name"]: row["why_not"] for row in said["rows"]}
    assert why["apple-m2-ultra"] == "over 1 device, all that one computer holds"
    assert why["apple-m3"] == "takes 9, and its link_bandwidth is not known"
    asked = ("--model", "llama-3.1-70b", "--concurrency", "64", "--json")
    rows = run("compare", "rx-7900-xtx", "rtx-3090", "dgx-station", "h100", *asked).json["rows"]
    counts = {row["name"]: row["gpus"] for row in rows}
    assert counts["rtx-3090"] > 8
    assert counts["h100-sxm"] == 8
    assert {row["why_not"] for row in rows if row["gpus"] is None} == {
        "over 8 devices, all that one computer holds",
        "over 1 device, all that one computer holds",
    }
    few = ("--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--concurrency", "4", "--json")
    assert all(row["fits"] for row in run("compare", "rx-7900-xtx", "m3-max", *few).json["rows"])


def test_a_day_is_not_served_beyond_one_computer(run: Run) -> None:
    day = ("--model", "llama-3.1-8b", "--messages-per-day", "10", "--sort", "speed", "--json")
    rows = run("compare", "m2-ultra", "--users", "10k", *day).json["rows"]
    assert [row["why_not"] for row in rows] == ["over 1 device, all that one computer holds"]
    assert [row["gpus"] for row in run("compare", "m2-ultra", "--users", "10", *day).json["rows"]] == [1]


@pytest.mark.parametrize("more", [(), ("--max-tpot", "25ms"), ("--concurrency", "3"), ("--max-tpot", "9ms")])
def test_what_is_rented_out_by_the_machine_is_counted_and_paid_by_it(more: tuple[str, ...], run: Run) -> None:
    """The neoclouds' rent of an MI355X is of machines of eight; a price of one's own and another basis are not."""
    load = more if "--concurrency" in more else (*more, "--concurrency", "64")
    asked = ("compare", "mi355x", "mi300x", "--model", "llama-3.1-70b", *load, "--json")
    said = run(*asked).json
    row = next(row for row in said["rows"] if row["name"] == "mi355x")
    assert row["gpus"] % 8 == 0
    assert row["gpus"] == row["replicas"] * row["tp"] * row["pp"]
    assert row["usd_per_hour"] == pytest.approx(row["gpus"] * 2.59)
    (note,) = [note["text"] for note in said["notes"] if note["code"] == "machines"]
    assert note.startswith("mi355x is rented out in machines of 8")
    for price in (("--price", "2.59"), ("--price-basis", "rental")):
        other = run(*asked, *price).json
        assert not [note for note in other["notes"] if note["code"] == "machines"]


def test_a_part_that_is_in_no_answer_has_no_note_of_its_machines(run: Run) -> None:
    few = run("compare", "--model", "mistral-7b", "--concurrency", "32", "--max-price", "1", "--json").json
    assert "mi355x" not in [row["name"] for row in few["rows"] if not row["why_not"]]
    assert "machines" not in [note["code"] for note in few["notes"]]


def test_single_parts_of_a_machine_do_not_win(run: Run) -> None:
    said = run("compare", "--model", "llama-3.1-70b", "--vendor", "AMD", "--json").json
    (row,) = (row for row in said["rows"] if row["name"] == "mi355x")
    assert row["gpus"] == 8
    assert "2 x mi355x" not in said["verdict"]


def test_the_second_has_its_tokens_a_device_over_those_of_the_first(run: Run) -> None:
    answer = run("compare", "h100", "b200", "--model", "llama-3.1-8b", "--concurrency", "64", "--json").json
    first, second = answer["rows"]
    times = second["tokens_per_s_per_gpu"] / first["tokens_per_s_per_gpu"]
    assert f", {times:.4g}x the tokens/s a device." in answer["verdict"]


def test_the_fastest_on_more_devices_than_sequences_is_cautioned(run: Run) -> None:
    """Eight times as many A100 as there are sequences are no faster for it than a tenth of the money would be."""
    asked = ("compare", "a100", "mi355x", "--model", "deepseek-r1", "--max-tpot", "15ms", "--json")
    said, cheapest = run(*asked, "--sort", "speed").json, run(*asked).json["rows"][0]
    each = said["rows"][0]["gpus"] / 64
    assert each > 1
    words = f" That is {each:g} devices for each sequence; {cheapest['gpus']} x {cheapest['name']} is cheapest, $"
    assert words in said["verdict"]
    assert (
        "for each sequence"
        not in run("compare", "h100", "a100", "--model", "llama-3.1-8b", "--sort", "speed", "--json").out
    )


@pytest.mark.parametrize("load", [("500", "3500", "500"), ("120", "1000", "1000")])
def test_no_count_of_replicas_serves_a_load_for_less_than_what_is_called_cheapest(
    run: Run, load: tuple[str, str, str]
) -> None:
    """Any number of them, not powers of two: from the fewest that run all at once on."""
    job = ("--model", "qwen2.5-72b", "--dtype", "fp8")
    job += tuple(word for pair in zip(("--concurrency", "--isl", "--osl"), load, strict=True) for word in pair)
    best = run("compare", "h100", *job, "--json").json["rows"][0]
    for tp, pp in ((2, 1), (4, 1), (2, 2), (8, 1), (2, 4)):
        for copies in range(1, 16 // tp // pp * 2 + 1):
            widths = ("--tp", str(tp), "--pp", str(pp), "--dp", str(copies))
            other = run("utilization", "--gpu", f"h100:{tp * pp * copies}", *job, *widths, "--json").json
            if "the others wait" not in other["verdict"]:
                assert other["results"]["usd_per_million_tokens"] >= best["usd_per_million_tokens"] * 0.999


def test_a_part_without_an_engine_of_its_own_is_said_in_the_verdict(run: Run) -> None:
    asked = ("--model", "llama-3.3-70b", "--dtype", "fp8", "--concurrency", "512", "--json")
    said = run("compare", "h100", "gaudi3", *asked).json
    assert said["verdict"].endswith(" No engine of gaudi3 was measured.")
    assert [note for note in said["notes"] if "of their own: gaudi3" in str(note)]
    assert "No engine" not in run("compare", "h100", "h200", *asked).json["verdict"]
    assert "No engine" not in run("compare", "h100", "gaudi3", "--efficiency", "vllm", *asked).json["verdict"]


def test_by_throughput_that_of_the_second_stands_once(run: Run) -> None:
    asked = ("compare", "b300", "gb200", "--model", "kimi-k2", "--concurrency", "64", "--sort", "throughput", "--json")
    second = run(*asked).json["verdict"].split("Second is ")[1]
    assert second.count(" tokens/s a device") == 1


def test_what_is_uncertain_of_a_winner_is_said_with_who_wins_without(run: Run) -> None:
    """An H800's rent is an assumption, which orders parts by money alone; of a GH200 only its power is uncertain."""
    asked = ("compare", "h800", "gh200-96gb", "h200", "--model", "qwen3-32b", "--concurrency", "8", "--json")
    cheap = run(*asked, "--price", "gh200-96gb=9").json
    assert cheap["results"]["cheapest"] == "h800-sxm"
    assert "The price of h800-sxm is uncertain: an assumption, not an offer. Of parts without" in cheap["verdict"]
    assert re.search(r"Of parts without uncertain figures \d+ x h200-sxm is first", cheap["verdict"])
    dear = run(*asked, "--price", "h200=0.9,gh200-96gb=9").json
    assert re.search(r"Second is \d+ x h800-sxm at .*, its price uncertain", dear["verdict"])
    assert "Of parts without" not in dear["verdict"]
    fast = run(*asked, "--sort", "speed").json
    assert "uncertain" not in fast["verdict"]
    weak = {row["name"]: row["weak"] for row in fast["rows"]}
    assert (weak["gh200-96gb"], weak["h800-sxm"]) == ([], ["rent"])
    paid = {row["name"]: row["weak"] for row in run(*asked, "--power-price", "0.1").json["rows"]}
    assert (paid["gh200-96gb"], paid["h800-sxm"]) == (["power"], [])


def test_a_first_token_is_held_against_the_mean_of_all_in_flight() -> None:
    """The parts that keep it answer so on their own, one replica less is late, and those left out have their least."""
    asked = {"concurrency": 200, "input_tokens": 1000, "output_tokens": 300, "max_ttft": "200ms", "max_tpot": "30ms"}
    answer = infercost.compare("h100", "h200", "l40s", "a100", model=MODEL, **asked)
    assert "for 200 sequences at once within 200 ms to a first token and 30 ms a token: " in answer.verdict
    rows = {row["name"]: row for row in rows_of("h100", "h200", "l40s", "a100", **asked)}
    first = rows[answer["cheapest"]]
    assert first["usd_per_sequence_hour"] == pytest.approx(first["usd_per_hour"] / 200)
    assert f" an hour (${first['usd_per_sequence_hour']:.3f} a sequence)" in answer.verdict
    lengths = {"input_tokens": 1000, "output_tokens": 300}
    for name in ("h100-sxm", "h200-sxm"):
        row = rows[name]
        assert row["ttft_s"] <= 0.2
        again = asked_again(row, concurrency=ceil(200 / row["replicas"]), **lengths)
        assert again["ttft_s"] == pytest.approx(row["ttft_s"], rel=0.05)
        fuller = asked_again(row, concurrency=ceil(200 / (row["replicas"] - 1)), **lengths)
        assert fuller["ttft_s"] > 0.2 or fuller["tpot_s"] > 0.03
    assert rows["l40s"]["why_not"].startswith("at best ")
    late = infercost.compare("h100", "l40s", model=MODEL, **{**asked, "max_ttft": "5ms", "max_tpot": None})
    assert late.met is False
    why = {row["name"]: row["why_not"] for row in late.series.rows if late.series}
    assert all(each.startswith("first token at best ") for each in why.values())
    least = why["h100-sxm"].removeprefix("first token at best ")
    assert late.verdict.endswith(f"within 5 ms to a first token: the soonest first token takes {least}.")


def test_messages_over_a_day_keep_a_limit_on_the_first_token_as_userbase_does() -> None:
    """Each part has the devices that ``userbase`` counts within it; one that misses it says its soonest first token."""
    asked: dict[str, Any] = {"model": "llama-3.1-70b", "isl": 8000, "osl": 300, "messages_per_day": 20, "users": 1000}
    rows = infercost.compare(["h100", "l40s"], **asked, max_ttft="500ms").to_dict()["rows"]
    h100, l40s = ({row["name"]: row for row in rows}[name] for name in ("h100-sxm", "l40s"))
    assert h100["gpus"] == infercost.userbase(gpu="h100", **asked, max_ttft="500ms")["gpus"]
    assert h100["why_not"] is None
    assert l40s["why_not"].startswith("first token at best ")
    assert not infercost.compare(["h100", "l40s"], **asked, max_ttft="100ms").met
