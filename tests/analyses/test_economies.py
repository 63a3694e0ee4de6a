"""Economies of scale: the note's numbers, laws that hold for any load, and what an answer refuses."""

import csv
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infercost
from infercost.errors import InfercostError
from infercost.report import Report
from infercost.units import show
from tests.conftest import ROOT, Run, calls_of, grid

NOTE = {"gpu": "h100-note", "params": "1.6e12"}
CHAT = {"gpu": "h100:4", "model": "llama-3.1-70b", "input_tokens": 1155, "output_tokens": 211, "messages_per_day": 8}


def rows_of(report: Report) -> list[dict]:
    assert report.series
    return [dict(row) for row in report.series.rows]


def test_the_note() -> None:
    """20 devices read 1.6 TB in 26.7 ms; 500 sequences fill the arithmetic; ten minutes a day are a 144th of it."""
    report = infercost.economies(**NOTE, price=2)
    assert report["lone_user_cost_ratio"] == pytest.approx(500)
    assert report["lone_user_reserved_cost_ratio"] == pytest.approx(500 * 144)
    assert report["users_per_replica"] == pytest.approx(72_000)
    assert report["users_within_2x"] == 36_000
    assert report["users_within_10_percent"] == pytest.approx(72_000 / 1.1, abs=1)
    assert report["floor_usd_per_million_tokens"] == pytest.approx(2 * 20 / 3600 * 0.0266667 / 500 * 1e6, rel=1e-4)


def test_the_lone_user_is_one() -> None:
    first = rows_of(infercost.economies(**NOTE, price=2))[0]
    assert (first["users"], first["batch"], first["replicas"]) == (1, pytest.approx(1), 1)
    assert first["busy_share"] == pytest.approx(1 / 144)
    assert first["concurrent_users"] == pytest.approx(1 / 144)
    assert first["utilization"] == pytest.approx(1 / 500 / 144)
    assert first["usd_per_million_tokens"] == pytest.approx(144 * first["usd_per_million_tokens_busy"])


@pytest.mark.parametrize("more", [{}, {"traffic": "work"}, {"max_wait_probability": 0.01, "traffic": "one-region"}])
@pytest.mark.parametrize("ask", [NOTE, CHAT], ids=["note", "chat"])
def test_within_a_replica_count_a_token_never_gets_dearer(ask: dict, more: dict) -> None:
    rows = rows_of(infercost.economies(**ask, **more, points=120, price=2))
    for before, after in pairwise(rows):
        assert 0 < after["utilization"] <= 1
        if before["replicas"] == after["replicas"]:
            assert after["device_seconds_per_token"] <= before["device_seconds_per_token"] * (1 + 1e-9)
    assert rows[-1]["device_seconds_per_token"] < rows[0]["device_seconds_per_token"] / 100


@pytest.mark.parametrize("traffic", ["chat-global", "work", "one-region", "coding-week"])
def test_a_flatter_day_is_never_dearer(traffic: str) -> None:
    flat, swinging = (infercost.economies(**CHAT, traffic=name)["floor_device_seconds"] for name in ("flat", traffic))
    assert flat < swinging


def test_replicas_that_follow_the_load_are_never_dearer() -> None:
    fixed, following = (
        infercost.economies(**CHAT, traffic="work", scale_down=each)["floor_device_seconds"] for each in (False, True)
    )
    assert following < fixed
    assert following == pytest.approx(infercost.economies(**CHAT)["floor_device_seconds"], rel=1e-3)


def test_the_floor_is_the_sum_of_its_parts() -> None:
    report = infercost.economies(**CHAT, traffic="chat-global", price=2)
    assert sum(value for _, value, _ in report.parts) == pytest.approx(report["floor_usd_per_million_tokens"])


def test_an_api_price_is_met_at_the_users_it_says() -> None:
    report = infercost.economies(**CHAT, api_price=10, price=2)
    users = report["users_at_api_price"]
    cost, before = (
        rows_of(infercost.economies(**CHAT, users=count, points=2, price=2))[-1]["usd_per_million_tokens"]
        for count in (users, users - 100)
    )
    assert cost <= 10 * (1 + 1e-9) < before * (1 + 1e-9)
    assert infercost.economies(**CHAT, api_price=0.01, price=2)["users_at_api_price"] is None


def test_the_verdict_holds_the_break_even_and_the_speed_at_the_floor() -> None:
    """Of the note's chip: 3 TB/s read 1.6 TB on 20 devices in 26.67 ms at batch 500, 37.5 tokens a second."""
    dear, cheap = (infercost.economies(**NOTE, price=2, api_price=each) for each in (1, 0.1))
    assert "at the floor a user gets 37.5 tokens/s" in dear.verdict
    good, first = dear["break_even_users_for_good"], dear["users_at_api_price"]
    assert f"$1.00 a million tokens out for good from {good:,} users, before that from {first:,} (" in dear.verdict
    # 20 devices at $2 an hour over 500 / 26.67 ms = 18,750 tokens a second: $0.593 a million
    assert cheap.verdict.startswith(
        "Your own service on 20 x h100-note never pays against an API at $0.10 a million tokens out: "
        "its floor is $0.593 a million tokens out, a gross margin of -493% at that price (below $0.338 a device-hour "
    )  # 0.10 / 0.5926 of $2
    assert cheap["break_even_usd_per_gpu_hour"] == pytest.approx(2 * 0.1 / (40 / 3600 / 18_750 * 1e6))
    assert infercost.economies(**NOTE, price=0.33, api_price=0.1)["break_even_users"]
    assert not infercost.economies(**NOTE, price=0.34, api_price=0.1)["break_even_users"]


@pytest.mark.parametrize("api", [0.1, 1])
def test_beside_an_api_a_verdict_has_four_sentences_and_a_lone_user_none(api: float) -> None:
    report = infercost.economies(gpu="h100:4", model="llama-3.3-70b", workload="chat", api_price=f"{api}/{4 * api}")
    assert "lone user" not in report.verdict
    assert report["lone_user_cost_ratio"] > 1
    assert len(report.verdict.split(". ")) <= 4


def test_a_margin_at_an_api_price_is_of_each_load() -> None:
    """A fifth of its tokens cost $16, which sold at $10 lose 60 cents of a dollar; userbase has that of its users."""
    report = infercost.economies(gpu="h100:4", model="llama-3.3-70b", dtype="fp8", api_price="1/2")
    remarks = {row.key: row.remark for row in report.results}
    bill = (7680 * 1 + 1024 * 2) / 1024
    for key in ("fifth", "four_fifths"):
        margin = 1 - report[f"usd_per_million_tokens_{key}"] / bill
        assert f"gross margin {100 * margin:#.3g}%".removesuffix("%") in remarks[f"usd_per_million_tokens_{key}"]
    asked = {"gpu": "h100:4", "model": "llama-3.3-70b", "workload": "chat", "replicas": 1, "api_price": "0.15/0.60"}
    some = infercost.userbase(**asked, users=60_000, price=0.5)
    margin = 1 - 4 * 0.5 * 730 / (60_000 * 8 * 365 / 12 * (1155 * 0.15 + 211 * 0.60) / 1e6)
    assert some["api_gross_margin"] == pytest.approx(margin)
    assert f" for the same ({100 * margin:.1f}% gross margin at that price); " in some.verdict
    loss = infercost.userbase(**asked, users=60_000, price=2)
    assert loss["api_gross_margin"] < 0
    assert "gross margin" not in loss.verdict


def test_owning_is_priced_by_hand() -> None:
    """30,000 over 5 years at 8% is 7,513.7 a year or 0.8577 an hour; 700 W x 1.3 at 8 cents is 0.0728."""
    report = infercost.economies(**NOTE, purchase_price=30_000, set=["gpu.power=700W"])
    rented = infercost.economies(**NOTE, price=0.8577 + 0.0728)
    assert report["floor_usd_per_million_tokens"] == pytest.approx(rented["floor_usd_per_million_tokens"], rel=1e-3)


def test_a_price_is_never_silent() -> None:
    report = infercost.economies(**CHAT)
    rent = next(item for item in report.inputs if item.key == "gpu.rent_neocloud")
    assert rent.date
    assert any(note.code == "price" and rent.date in note.text for note in report.notes)
    assert infercost.economies(**NOTE)["floor_usd_per_million_tokens"] is None


def test_the_note_reads_all_the_time_and_burns_all_the_time() -> None:
    """20 devices of 700 W and 37.5 tokens a second for one user: 373.3 J a token while served, 144 times in all."""
    rows = rows_of(infercost.economies(**NOTE, set=["gpu.power=700W"]))
    assert rows[0]["memory_bandwidth_utilization"] == pytest.approx(1 / 144)
    assert rows[-1]["memory_bandwidth_utilization"] == pytest.approx(1)
    assert rows[0]["joules_per_token"] == pytest.approx(20 * 700 / 37.5 * 144)


def test_parts_stand_side_by_side() -> None:
    report = infercost.economies(gpu=["h100-note", "b200"], params="1.6e12", points=5)
    assert {row["name"] for row in rows_of(report)} == {"h100-note", "b200-sxm"}


def test_each_part_has_its_break_even() -> None:
    """At $2 an hour the note's chip has a floor of $0.593 a million: above $0.50, below $1."""
    parts = {"params": "1.6e12", "price": 2, "points": 5, "gpu": ["h100-note", "b200"]}
    dear, cheap = (infercost.economies(**parts, api_price=each).verdict for each in (1, 0.5))
    alone = infercost.economies(**NOTE, price=2, api_price=1)["users_at_api_price"]
    each = "(10 minutes of decoding a day assumed)"
    assert f"an API at $1.00 a million tokens out with {alone:,} users {each} on h100-note and " in dear
    assert "Against it your own service on h100-note does not pay." in cheap


def test_a_further_user_count_is_read_off_a_curve() -> None:
    """A search of the layout and a new curve take 800,000 calls."""
    ask = {"gpu": "h100:8", "model": "llama-3.1-405b", "dtype": "fp8", "traffic": "chat-global"}
    request = {"input_tokens": 1000, "output_tokens": 200, "messages_per_day": 8}
    few, many = (calls_of(lambda: infercost.economies(**ask, **request, points=n)) for n in (20, 120))  # noqa: B023
    assert (many - few) / 100 < 10_000


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"messages_per_day": 8, "efficiency": "ideal"}, "needs output_tokens"),
        ({"minutes_per_day": 5, "messages_per_day": 8, "input_tokens": 9, "output_tokens": 9}, "both say how much"),
        ({"years": 3}, "needs what the machine costs"),
        ({"efficiency": "erdil-2025"}, "not a service"),
        ({"traffic": "chat-globl"}, "chat-global"),
        ({"minutes_per_day": 1000, "traffic": "work"}, "more than all of the busiest hour"),
        ({"messages_per_day": 8, "input_tokens": 9, "output_tokens": 1}, "decode nothing"),
    ],
)
def test_what_is_refused(more: dict, words: str) -> None:
    with pytest.raises(InfercostError) as caught:
        infercost.economies(**{"gpu": "h100:4", "model": "llama-3.1-70b"} | more)
    assert words in f"{caught.value.what} {caught.value.hint}"


@settings(max_examples=10)  # each takes three answers, and all of a traffic lie on one curve
@given(st.floats(10, 1e6), st.sampled_from(["flat", "chat-global", "work"]))
def test_both_ways_of_a_user_base_invert_each_other(users: float, traffic: str) -> None:
    there = infercost.userbase(**CHAT, users=users, traffic=traffic)
    back = infercost.userbase(**CHAT, concurrent=there["mean_concurrent"], traffic=traffic)
    again = infercost.userbase(**CHAT, users=back["users"], traffic=traffic)
    assert again["mean_concurrent"] == pytest.approx(there["mean_concurrent"], rel=1e-3)


def test_a_service_of_the_note() -> None:
    report = infercost.userbase(**NOTE, users=144_000, traffic="flat", price=2)
    assert report["mean_concurrent"] == pytest.approx(1000)
    assert (report["replicas"], report["gpus"], report["usd_per_month"]) == (2, 40, pytest.approx(2 * 40 * 730))


def test_the_hours_make_the_day() -> None:
    report = infercost.userbase(**CHAT, users=300_000, traffic="chat-global", scale_down=True)
    hours = rows_of(report)
    assert len(hours) == 24
    assert sum(hour["tokens_per_s"] for hour in hours) / 24 == pytest.approx(report["tokens_per_s"])
    assert sum(hour["requests_per_s"] for hour in hours) / 24 == pytest.approx(300_000 * 8 / 86_400, rel=1e-4)
    assert max(hour["replicas"] for hour in hours) == report["replicas"] > min(hour["replicas"] for hour in hours)
    assert infercost.userbase(**CHAT, users=300_000, traffic="flat").series is None


def test_slots_follow_erlang() -> None:
    """100 erlangs need 125 slots so that one request in a hundred waits; bursts with a peakedness of 5 need 159.

    By the integral of Erlang's formula for N / 5 slots and 20 erlangs 0.998% wait at 159, and 1.11% at 158.
    """
    ask = {**NOTE, "minutes_per_day": 1440, "users": 100, "traffic": "flat"}
    assert infercost.userbase(**ask)["slots"] == 100
    assert infercost.userbase(**ask, max_wait_probability=0.01)["slots"] == 125
    assert infercost.userbase(**ask, max_wait_probability=0.01, burstiness=3)["slots"] == 159


def test_headroom_for_chance_is_said() -> None:
    """100 erlangs need 125 slots: a fifth of them stands free for chance."""
    ask = {**NOTE, "minutes_per_day": 1440, "users": 100, "max_wait_probability": 0.01}
    assert infercost.economies(**ask)["headroom_share"] == pytest.approx(0.2)
    assert "headroom_share" not in infercost.economies(**NOTE)


def test_a_load_that_is_too_much_says_what_would_do() -> None:
    report = infercost.userbase(**CHAT, users=1_000_000, replicas=3)
    assert not report.met
    needed = infercost.userbase(**CHAT, users=1_000_000)["replicas"]
    assert f"{needed} replicas would do" in report.verdict
    assert infercost.userbase(**CHAT, users=1_000_000, replicas=needed).met


@pytest.mark.parametrize("limit", ["30ms", "45ms", "80ms"])
def test_a_limit_on_latency_is_kept_in_every_hour(limit: str) -> None:
    report = infercost.userbase(**CHAT, users=300_000, max_tpot=limit, traffic="work")
    assert report["tpot_s"] <= float(limit[:-2]) / 1000 * (1 + 1e-6)
    assert "time between tokens" in report.verdict


def load_curves() -> list[dict[str, str]]:
    """Runs of vLLM below 60% of their peak: C. Patil, arXiv 2606.11690, pChitral/vllm-cost-meter at 3f308c0 (MIT)."""
    return list(csv.DictReader((ROOT / "tests" / "data" / "load_curves.csv").read_text().splitlines()))


@pytest.mark.parametrize("run", load_curves(), ids=lambda run: "-".join(list(run.values())[:8:2]))
def test_delivered_tokens_and_their_cost_against_measured_load(run: dict[str, str]) -> None:
    """Below the peak what is delivered is what is asked for, and a token costs what the hour costs over that."""
    report = infercost.utilization(
        model=run["model"],
        gpu=f"{run['accelerator']}:{run['devices']}",
        dtype="bf16" if run["dtype"] == "fp16" else run["dtype"],
        efficiency="vllm",
        input_tokens=run["input_tokens"],
        output_tokens=run["output_tokens"],
        request_rate=run["rate"],
        max_sequences=256,
        price=float(run["price"]) / int(run["devices"]),
    )
    assert report["stable"]
    assert report["tokens_per_s"] == pytest.approx(float(run["tokens_per_s"]), rel=0.05)
    assert report["usd_per_million_tokens"] == pytest.approx(float(run["usd_per_million"]), rel=0.05)


def test_a_trace_shapes_the_day() -> None:
    """Four hours of 30, 20, 0 and 10.5 requests: 1.98 of the mean at most, none at least."""
    path = ROOT / "tests" / "data" / "traces" / "hourly.csv"
    report = infercost.economies(**CHAT, trace=str(path))
    assert any(note.code == "trace" and "over 4 hours" in note.text for note in report.notes)
    flat = infercost.economies(**CHAT)
    assert report["floor_device_seconds"] > flat["floor_device_seconds"]
    with pytest.raises(InfercostError, match="both shape the day"):
        infercost.economies(**CHAT, trace=str(path), traffic="work")


def test_a_trace_of_requests_gives_their_lengths() -> None:
    path = ROOT / "tests" / "data" / "traces" / "mooncake.jsonl"
    report = infercost.userbase(gpu="h100:4", model="llama-3.1-70b", messages_per_day=8, users=1000, trace=str(path))
    given = {item.key: item.origin for item in report.inputs}
    assert given["input_tokens"] == given["output_tokens"] == f"trace {path}"


#: Layers that do not divide by the stages, a largest batch that fills no whole part of each, short prompts and long.
UNEVEN = (
    {"gpu": "l4", "model": "deepseek-v3", "kv_dtype": "int4"},
    {"gpu": "h100:16", "model": "deepseek-v3", "tp": 8, "pp": 2, "input_tokens": 28, "output_tokens": 278},
    {"gpu": "a100:32", "model": "kimi-k2", "tp": 8, "pp": 4, "input_tokens": 100, "output_tokens": 500},
    {"gpu": "h100:16", "model": "gpt-oss-120b", "tp": 2, "pp": 8, "input_tokens": 9000, "output_tokens": 20},
    {"gpu": "h100:7", "model": "llama-3.1-8b", "tp": 1, "pp": 7, "messages_per_day": 8, "max_sequences": 73},
)


@pytest.mark.parametrize("efficiency", ["vllm", "sglang", "vllm-2024", "ideal"])
@grid("asked", UNEVEN, ids=lambda asked: f"{asked['model']} {asked['gpu']}")
def test_no_row_lies_below_the_floor_and_no_price_below_zero(asked: dict, efficiency: str) -> None:
    asked = {"input_tokens": 2000, "output_tokens": 300} | asked
    report = infercost.economies(**asked, price=2, efficiency=efficiency)
    first = 1 - 1 / asked["output_tokens"]  # the first token takes no step of its own
    if not report.met:
        return
    for row in rows_of(report):
        assert row["usd_per_million_tokens"] >= report["floor_usd_per_million_tokens"] * (1 - 1e-9)
        assert row["usd_per_million_tokens"] >= row["usd_per_million_tokens_decode"] * first * (1 - 1e-9)
        assert min(value for key, value in row.items() if "usd" in key and value is not None) >= 0
        assert all(0 <= row[key] <= 1 for key in ("utilization", "memory_bandwidth_utilization", "busy_share"))


#: Prompts take the larger of these batches past what the engine captured, where a step leaps: off the peak too.
LEAPING = {"gpu": "tpu-v5p:16", "model": "gemma-4-31b", "input_tokens": 183, "output_tokens": 461, "usable": 0.42}


@pytest.mark.parametrize("waiting", [None, 9.27559e-06, 0.5])
def test_no_row_lies_below_the_floor_where_hours_off_the_peak_leap(waiting: float | None) -> None:
    asked = {**LEAPING, "price": 2, "traffic": "work", "max_wait_probability": waiting, "points": 40}
    report = infercost.economies(**asked, users=4821048)
    limit = next(row for row in report.results if row.key == "batch_limit")
    assert limit.value < 1095  # which memory holds
    assert limit.remark == "on a replica: a larger one makes a token dearer"
    floor = report["floor_usd_per_million_tokens"]
    assert min(row["usd_per_million_tokens"] for row in rows_of(report)) >= floor * (1 - 1e-9)
    for users in (1_000_000, 4_000_000):
        one = infercost.userbase(**asked | {"points": None}, users=users)
        assert one["usd_per_million_tokens"] >= floor * (1 - 1e-9)


@pytest.mark.parametrize("command", [infercost.utilization, infercost.sweep_batch])
def test_the_floor_is_the_price_of_a_full_replica_in_every_command(command: Any) -> None:
    """A day without quiet hours: endless users keep each replica at the cheapest batch."""
    asked = {"gpu": "h100:4", "model": "llama-3.1-70b", "price": 2, "input_tokens": 4000, "output_tokens": 500}
    economies = infercost.economies(**asked)
    batch = int(economies["batch_limit"])
    one = command(**asked, batch=batch)
    row = one if command is infercost.utilization else rows_of(one)[0]
    assert row["usd_per_million_tokens"] == pytest.approx(economies["floor_usd_per_million_tokens"], rel=1e-4)
    last = rows_of(economies)[-1]
    assert row["usd_per_million_tokens_decode"] == pytest.approx(last["usd_per_million_tokens_decode"], rel=1e-3)


@pytest.mark.parametrize(
    ("gpu", "model", "more"),
    [
        ("rtx-4090", "llama-3.1-8b", ("--dtype", "q4_k_m")),
        ("m2-ultra", "gpt-oss-120b", ("--efficiency", "llama.cpp")),
        ("b200", "llama-3.1-70b", ("--dtype", "fp8", "--efficiency", "sglang")),
    ],
)
def test_no_batch_is_cheaper_than_the_floor(gpu: str, model: str, more: tuple[str, ...], run: Run) -> None:
    """Kernels take turns, so a batch whose arithmetic takes longer than its reads still saves."""
    asked = ("--gpu", gpu, "--model", model, "--isl", "128", "--osl", "128", "--price", "1", *more, "--json")
    floor = run("economies", *asked).json["results"]["floor_usd_per_million_tokens"]
    rows = run("sweep-batch", *asked, "--batch", "1,2,4,8,16,32,64,128").json["rows"]
    assert min(row["usd_per_million_tokens"] for row in rows) >= 0.999 * floor


@pytest.mark.parametrize("limit", ["10ms", "20ms", "25ms", "50ms"])
def test_the_devices_that_are_chosen_keep_a_limit_and_are_about_the_cheapest(limit: str) -> None:
    """Of each count asked on its own, prompts riding along; estimates within a tenth are alike."""
    asked = {"model": "llama-3.1-70b", "gpu": "h100", "max_tpot": limit, "points": 2}
    chosen, each = infercost.economies(**asked), [infercost.economies(**asked, gpus=count) for count in (2, 4, 8)]
    least = min(report["floor_usd_per_million_tokens"] for report in each if report.met)
    assert chosen.met
    assert chosen["floor_usd_per_million_tokens"] <= least / 0.9


def test_a_price_comes_first() -> None:
    """By hand: $3.49 an hour over the tokens that 1,000 users get of one card, and over those of a full one."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b"}
    report = infercost.economies(**asked, users=1000)
    last, floor = rows_of(report)[-1], report["floor_usd_per_million_tokens"]
    usd = 3.49 * last["gpus"] / 3600 / last["tokens_per_s"] * 1e6
    assert report.verdict.startswith(
        f"${usd:.2f} a million output tokens all in at 1,000 users (10 minutes of decoding a day assumed), "
        f"floor ${floor:.3f}, or $"
    )
    assert f" within twice the floor, {report['users_within_10_percent']:,} within 10%; " in report.verdict
    assert report.verdict.index("within twice the floor") < report.verdict.index("A lone user pays")
    assert infercost.economies(**asked).verdict.startswith(
        f"The floor is ${floor:.3f} a million output tokens all in, or $"
    )


@pytest.mark.parametrize("command", ["economies", "userbase"])
def test_the_help_of_gpus_says_which_replica_is_taken(command: str, run: Run) -> None:
    """Two H100 hold the weights of 70B parameters in 16 bits; four have far more room for sequences."""
    said = " ".join(run(command, "--help").out.split())
    assert (
        "accelerators of one replica: cheapest in a node, or simpler within 10%, when absent (--params: the fewest)"
        in said
    )
    ask: dict[str, Any] = {"gpu": "h100", "model": "llama-3.1-70b", "users": 100_000}
    key = "usd_per_million_tokens" if command == "userbase" else "floor_usd_per_million_tokens"
    free, fewest = (getattr(infercost, command)(**ask, **more) for more in ({}, {"gpus": 2}))
    assert {item.key: item.value for item in free.inputs}["gpus"] == 4
    assert free[key] < fewest[key]
    bare = getattr(infercost, command)(gpu="h100", params="70B", dtype="bf16", users=100_000)
    assert {item.key: item.value for item in bare.inputs}["gpus"] == 2


def test_several_parts_are_told_the_floor_of_each() -> None:
    """A full batch of a bare count computes: 2 x 8e9 FLOP at 1,979 TFLOP/s of 8 bits, at $3.49 and $4.59 an hour."""
    second = 2 * 8e9 / 1979e12
    h100, h200 = (show(second * price / 3600 * 1e6, "USD") for price in (3.49, 4.59))
    several = infercost.economies(gpu=["h200", "h100"], params="8B")
    words = f"The floor is lowest on h100-sxm, {h100} a million tokens, at best; {h200} on h200-sxm. "
    assert several.verdict.startswith(words)
    asked = {"model": "llama-3.1-70b", "input_tokens": 1000, "output_tokens": 200}
    alone = [infercost.economies(gpu=gpu, **asked)["floor_usd_per_million_tokens"] for gpu in ("h100", "h200")]
    low, high = sorted(show(usd, "USD") for usd in alone)
    verdict = infercost.economies(gpu=["h100", "h200"], **asked).verdict
    assert re.match(
        rf"The floor is lowest on \S+, {re.escape(low)} a million output tokens; {re.escape(high)} on ", verdict
    )
    unpriced = infercost.economies(gpu=["h100", "rtx-4060-ti-16gb"], model="llama-3.1-8b").verdict
    assert " of a device a token; " in unpriced.partition(". ")[0]


def test_a_token_at_a_fifth_and_at_four_fifths_of_the_load_by_hand() -> None:
    """A replica of 20 devices at $2 makes 18,750 tokens/s with 72,000 users: $0.593 a million, 5 and 5/4 times that."""
    report = infercost.economies(**NOTE, price=2, points=2)
    full = 20 * 2 / 3600 / 18_750 * 1e6
    assert report["users_per_replica"] == 72_000
    assert report["usd_per_million_tokens_fifth"] == pytest.approx(full * 5, rel=1e-6)
    assert report["usd_per_million_tokens_four_fifths"] == pytest.approx(full * 5 / 4, rel=1e-6)
    remarks = {row.key: row.remark for row in report.results}
    assert remarks["usd_per_million_tokens_fifth"].startswith("14,400 users, 20.0%")
    assert remarks["usd_per_million_tokens_four_fifths"].startswith("57,600 users, 80.0%")


def test_prices_at_loads_are_those_of_their_users() -> None:
    report = infercost.economies(**CHAT, price=2, points=2)
    for key, share in (("fifth", 0.2), ("four_fifths", 0.8)):
        users = int(report["users_per_replica"] * share)
        alone = rows_of(infercost.economies(**CHAT, price=2, users=users, points=2))[-1]
        assert report[f"usd_per_million_tokens_{key}"] == pytest.approx(alone["usd_per_million_tokens"])


def test_twice_the_devices_are_advised_where_their_floor_is_much_lower(run: Run) -> None:
    """Beside 141 GB of weights two H200 hold few sequences; of 8B beside 16 GB one holds what four would share."""
    asked = ("economies", "--gpu", "h200", "--model", "llama-3.3-70b", "--price", "2.8")
    said, four = run(*asked, "--json").json, run(*asked, "--gpus", "4", "--json").json
    floors = [each["results"]["floor_usd_per_million_tokens"] for each in (said, four)]
    assert floors[1] < 0.95 * floors[0]
    assert f"a replica of 4 devices has a floor of ${floors[1]:.2f}: --gpu h200:4" in said["advice"]
    small = run("economies", "--gpu", "h100", "--model", "llama-3.1-8b", "--json").json
    assert not [text for text in small["advice"] if "has a floor of" in text]


def test_a_user_of_tokens_is_told_from_one_of_minutes() -> None:
    """500 million tokens over their users, of whom a full replica takes fewer where each has more."""
    asked = {"gpu": "h100:4", "model": "llama-3.3-70b", "points": 2}
    minutes, tokens = infercost.economies(**asked), infercost.economies(**asked, tokens_per_month="500M")
    users = next(item.value for item in tokens.inputs if item.key == "users")
    each = f"{500 / users:.4g}M tokens each"
    assert f"{users:,.0f} users (10 minutes of decoding a day assumed) of {each}, your own service" in tokens.verdict
    assert tokens.verdict.endswith(f" serves up to {tokens['users_per_replica']:,} such users.")
    assert f" serves up to {minutes['users_per_replica']:,} users; at 20% load" in minutes.verdict


def test_no_larger_replica_is_advised_beside_a_smaller_one_that_is_cheaper(run: Run) -> None:
    """The advice of one answer goes one way: of 32 H800 fewer, or more, and not both."""
    asked = ("economies", "--gpu", "h800:32", "--model", "deepseek-v3", "--price", "2", "--json")
    advice = run(*asked).json["advice"]
    assert [text for text in advice if text.startswith("a replica of 16 devices has a floor of ")]
    assert not [text for text in advice if "more devices a replica" in text]


def test_a_load_of_whole_users_goes_by_its_own_share() -> None:
    """With every hour paid a token costs its floor over the share of tokens made, whatever the share is called."""
    said = infercost.economies(gpu="h100:2", model="llama-3.3-70b", price=2.5, points=2)
    loads = re.findall(r"at ([0-9.]+)% (?:load a million cost )?\$([0-9]+\.[0-9]+)", said.verdict)
    assert len(loads) == 3
    for share, usd in loads:
        assert float(usd) == pytest.approx(said["floor_usd_per_million_tokens"] / float(share) * 100, rel=0.02)
        assert float(share) not in (20, 40, 80)
