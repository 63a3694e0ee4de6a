"""The load that a service was asked to serve: its users, tokens, slots and waits, each against a sum by hand."""

from math import ceil
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import infercost
from infercost.errors import InfercostError
from tests.conftest import ROOT, Run

OSS: dict[str, Any] = {
    "gpu": "h100",
    "model": "gpt-oss-20b",
    "messages_per_day": 20,
    "input_tokens": 3000,
    "output_tokens": 400,
}


@pytest.mark.parametrize(("users", "slots"), [(1200, 1), (5000, 2), (60_000, None)])
def test_slots_are_the_sequences_of_the_busiest_hour_rounded_up(users: int, slots: int | None) -> None:
    """1,200 users send 0.2778 requests/s that hold a slot for 1.43 s: 0.4 at once; 5,000 users 1.94."""
    report = infercost.userbase(**OSS, users=users)
    assert report["slots"] == ceil(report["peak_concurrent"])
    assert slots in (report["slots"], None)


@pytest.mark.parametrize("users", [1200, 60_000])
def test_requests_in_flight_by_littles_law(users: int) -> None:
    """Each of 20 messages a day is there until its first token, and 399 times a user's time between tokens more."""
    report = infercost.userbase(**OSS, users=users)
    there = report["ttft_s"] + 399 * report["tpot_s"]
    assert report["in_flight"] == pytest.approx(users * 20 / 86_400 * there, rel=1e-9)


@pytest.mark.parametrize(
    "more", [{}, {"api_price": "0.9/0.9"}, {"max_wait_probability": "1%"}, {"workload": "chat", "minutes_per_day": 10}]
)
def test_replicas_are_counted_whatever_else_is_asked(more: dict[str, Any]) -> None:
    report = infercost.userbase(gpu="h100:4", model="llama-3.1-70b", users=55_599, **more)
    assert report["gpus"] == 4 * report["replicas"]


def test_replicas_without_a_part_are_unknown() -> None:
    report = infercost.userbase(users=55_599)
    assert (report["replicas"], report["gpus"]) == (None, None)


def test_nobody_is_told_to_add_a_replica_to_one_that_stands_empty() -> None:
    """A replica takes some 65,000 such users: 1,200 leave it empty, 60,000 nearly fill it."""
    assert infercost.userbase(**OSS, users=1200).advice == ()
    assert infercost.userbase(**OSS, users=60_000).advice[0].startswith("one more replica of 1 device would take")


BIG: dict[str, Any] = {"gpu": "h100:8", "model": "llama-3.1-70b"}
#: Tokens that come out of 7,680 in and 1,024 out, over all.
PROMPTED = 1024 / (7680 + 1024)


@pytest.mark.parametrize("tokens", [30e9, 100e9, 600e9, 1e12, 3e12])
def test_the_tokens_that_were_asked_are_served(tokens: float) -> None:
    """At $0.90 a million in and out, 100 billion are billed at $90,000; 2,628,000 s a month make the rate."""
    report = infercost.userbase(**BIG, api_price="0.9/0.9", tokens_per_month=tokens)
    assert report.met
    assert report["tokens_per_month"] == pytest.approx(tokens, rel=1e-8)
    assert report["api_usd_per_month"] == pytest.approx(tokens * 0.9 / 1e6, rel=1e-8)
    assert report["tokens_per_s"] == pytest.approx(tokens * PROMPTED / 2_628_000, rel=1e-8)
    assert report["peak_concurrent"] <= report["replicas"] * report["batch_limit"]


def test_the_same_tokens_take_the_same_replicas_by_minutes_and_by_messages() -> None:
    """Two full replicas make 84 billion tokens a month, three 126: 100 billion take three, 24 x $3.49 x 730 hours."""
    minutes = infercost.userbase(**BIG, tokens_per_month=100e9, price=3.49)
    messages = infercost.userbase(**BIG, tokens_per_month=100e9, price=3.49, messages_per_day=10)
    assert minutes["replicas"] == messages["replicas"] == 3
    assert minutes["usd_per_month"] == messages["usd_per_month"] == pytest.approx(24 * 3.49 * 730)
    assert minutes["mean_concurrent"] == pytest.approx(messages["mean_concurrent"], rel=1e-6)


def test_the_users_of_tokens_are_the_fewest_whose_replicas_serve_them() -> None:
    users = int(infercost.userbase(**BIG, tokens_per_month=100e9)["users"])
    enough, few = (infercost.userbase(**BIG, users=count, api_price="0.9/0.9") for count in (users, users - 1))
    assert (enough["replicas"], few["replicas"]) == (3, 2)
    assert few["tokens_per_month"] < 100e9 <= enough["tokens_per_month"]


def test_economies_at_the_same_tokens() -> None:
    asked = {**BIG, "api_price": "0.9/0.9", "tokens_per_month": 100e9, "price": 3.49, "points": 2}
    report = infercost.economies(**asked)
    assert report["tokens_per_month"] == pytest.approx(100e9, rel=1e-8)
    assert report["usd_per_month"] == pytest.approx(24 * 3.49 * 730)
    assert f"those of {infercost.userbase(**BIG, tokens_per_month=100e9)['users']:,.0f} users" in report.verdict


def test_streams_without_prompts_have_their_tokens_too() -> None:
    """A replica of the note's makes 500 x 37.5 tokens a second, 49.3 billion a month: 500 billion take eleven."""
    report = infercost.userbase(gpu="h100-note", params="1.6e12", tokens_per_month=500e9)
    assert report["replicas"] == 11
    assert report["tokens_per_s"] == pytest.approx(500e9 / 2_628_000)
    hours = infercost.userbase(gpu="h100-note", params="1.6e12", tokens_per_month=500e9, traffic="work").series
    assert hours is not None
    assert {row["requests_per_s"] for row in hours.rows} == {0}


def test_a_wait_longer_than_the_busiest_hour_is_none() -> None:
    """46,656 users x 10 min / 1,440 are 324 streams, all slots of two replicas of 162: whoever waits waits for ever."""
    full = infercost.userbase(**BIG, users=46_656, replicas=2)
    assert not full.met
    assert (full["stable"], full["mean_wait_s"]) == (False, None)
    assert full["users_capacity"] < 46_656
    assert full.advice == ("--replicas 3, or leave --replicas out",)
    assert full["gpus_needed"] == 3 * full["gpus"] / 2
    most = infercost.userbase(**BIG, users=full["users_capacity"], replicas=2)
    assert most.met
    assert most["mean_wait_s"] <= 3600
    assert infercost.userbase(**BIG, users=46_656, max_ttft="60s")["replicas"] == 3


def test_a_wait_just_within_the_hour_by_hand() -> None:
    """One slot: offered a, the wait of those who wait is S / (1 - a), held S each; at an hour a is 1 - S / 3,600."""
    one = {**BIG, "input_tokens": 1000, "output_tokens": 1000, "max_sequences": 1, "messages_per_day": 10}
    report = infercost.userbase(**one, replicas=1, max_wait_probability=1)
    held = report["mean_concurrent"] / (report["users"] * 10 / 86_400)
    assert report["users"] == int((1 - held / 3600) / held * 8640)


def waiting(offered: float, slots: int) -> float:
    """Erlang's C by the recurrence of his B, as textbooks have it."""
    lost = 1.0
    for slot in range(1, slots + 1):
        lost = offered * lost / (slot + offered * lost)
    return lost / (1 - offered / slots * (1 - lost))


@pytest.mark.parametrize(("share", "said"), [(None, "1.00% waiting (assumed), at $"), (0.2, "20.0% waiting")])
def test_replicas_alone_say_how_many_users_rarely_wait(share: float | None, said: str) -> None:
    """A user of 10 minutes a day is 1/144 of a sequence: the most of whom a share finds all slots taken."""
    report = infercost.userbase(gpu="h100", model="llama-3.1-8b", replicas=1, max_wait_probability=share)
    slots, users = int(report["batch_limit"]), report["users"]
    assert users == report["users_capacity"]
    assert waiting(users / 144, slots) <= (share or 0.01) < waiting((users + 1) / 144, slots)
    assert report.met
    first = report.verdict.split(";")[0]
    assert " requests/s in the busiest hour fill 1 replica of 1 x h100-sxm, or " in first
    assert f" daily users (10 minutes of decoding a day assumed), up to {said}" in first


def test_users_of_a_named_model_have_the_price_of_usual_requests() -> None:
    """24 users on one H100 of $3.49 an hour: its price over the tokens that they get, as economies counts them."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "users": 24}
    report, curve = infercost.userbase(**asked), infercost.economies(**asked).series
    assert report["usd_per_million_tokens"] == pytest.approx(3.49 / 3600 / report["tokens_per_s"] * 1e6)
    assert curve
    assert curve.rows[-1]["usd_per_million_tokens"] == pytest.approx(report["usd_per_million_tokens"])
    inputs = {item.key: item.value for item in report.inputs}
    assert (inputs["input_tokens"], inputs["output_tokens"]) == (7680, 1024)
    assert infercost.userbase(**asked, peak_to_mean=1.35)["mean_concurrent"] == pytest.approx(24 / 144)


def test_a_trace_says_its_own_load(run: Run) -> None:
    """60.5 requests in four hours are 363 a day, of 211 tokens each, as 45.375 users of 8 messages have."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "output_tokens": 211, "input_tokens": 1155}
    trace = str(ROOT / "tests/data/traces/hourly.csv")
    report = infercost.userbase(**asked, trace=trace)
    assert report["users"] * 8 == pytest.approx(report["tokens_per_s"] / 211 * 86_400)
    assert report["users"] == pytest.approx(45.375)
    assert report.verdict.startswith("363 requests a day, as in the trace, need 1 replica")
    users = next(item for item in report.inputs if item.key == "users")
    assert users.origin == f"trace {trace}"
    twice = infercost.userbase(**asked, trace=trace, messages_per_day=16)
    assert twice["users"] == pytest.approx(report["users"] / 2)
    assert twice["tokens_per_s"] == pytest.approx(report["tokens_per_s"])
    assert infercost.userbase(**asked, trace=trace, users=10_000)["users"] == 10_000
    said = run("userbase", "--gpu", "h100", "--model", "llama-3.1-8b", "--trace", trace, "--messages-per-day", "500")
    assert (said.code, said.out) == (2, "")
    assert "fewer than the 500 that one user sends" in said.err


def test_one_user_may_be_all_that_a_slot_takes() -> None:
    """Half of the day on one slot: whoever comes beside would wait every other time, one alone is served."""
    one = {"gpu": "h100", "model": "llama-3.1-8b", "max_sequences": 1, "minutes_per_day": 720, "replicas": 1}
    report = infercost.userbase(**one)
    assert report["users"] == 1
    assert report.met


def test_replicas_alone_may_be_filled_to_the_mean() -> None:
    """Three replicas of so many slots take slots x 1,440 / 10 users, less the few whose wait would have no end."""
    asked = {"gpu": "h100:4", "model": "llama-3.1-70b"}
    report = infercost.userbase(**asked, replicas=3, max_wait_probability=1)
    slots = 3 * report["batch_limit"]
    assert report["users"] == report["users_capacity"]
    assert 0.999 * slots * 144 < report["users"] <= slots * 144
    assert report["replicas"] == 3
    assert report.met
    more = infercost.userbase(**asked, users=report["users"] + 1, max_ttft="60s")
    assert more["replicas"] == 4


@pytest.mark.parametrize("more", [{"traffic": "chat-global"}, {"messages_per_day": 8}, {"scale_down": True}])
def test_a_first_token_is_in_time_with_its_wait(more: dict[str, Any]) -> None:
    asked = {"gpu": "a100:8", "model": "llama-3.1-70b", "users": 30_000, "max_ttft": "1s", **more}
    report = infercost.userbase(**asked)
    assert report.met
    assert report["ttft_s"] + report["mean_wait_s"] <= 1.01
    fewer = infercost.userbase(**{**asked, "scale_down": False}, replicas=report["replicas"] - 1)
    assert not fewer.met
    assert f" on average, its wait included (limit 1 s). {report['replicas']} replicas would keep it" in fewer.verdict


def test_what_would_meet_a_limit_is_named_and_does() -> None:
    asked = {"gpu": "a100:4", "model": "llama-3.1-70b", "users": 30_000, "max_ttft": "1s"}
    report = infercost.userbase(**asked)
    assert not report.met
    assert report.advice[0] == "--gpu a100:8, or --max-ttft 2s would meet the limit"
    assert infercost.userbase(**{**asked, "gpu": "a100:8"}).met
    assert infercost.userbase(**{**asked, "max_ttft": "2s"}).met


def test_reasons_are_said_once(run: Any) -> None:
    said = run("userbase", "--gpu", "a100:4", "--model", "llama-3.1-70b", "--users", "30k", "--max-ttft", "2s").out
    assert " ".join(said.split()).count("the time to the first token allows no more") == 1
    said = run("userbase", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--replicas", "3", "--users", "69k")
    assert " ".join((said.out + said.err).split()).count("--max-wait-probability 1%") == 1


def test_a_batch_that_is_no_whole_number_has_waits_with_an_end() -> None:
    """Chunks of 64 carry 11.6 sequences on average: what the capacity takes keeps up, and has a mean wait."""
    chunked = {"gpu": "h100:4", "model": "llama-3.1-70b", "messages_per_day": 8, "chunk_tokens": 64}
    lengths = {"input_tokens": 1155, "output_tokens": 211}
    report = infercost.userbase(**chunked, **lengths, replicas=1)
    assert report.met
    assert 0 < report["mean_wait_s"] <= 3600


@settings(max_examples=12, deadline=None)
@given(count=st.integers(1, 300), copies=st.integers(1, 3), messages=st.sampled_from([None, 8]))
@example(count=50, copies=1, messages=None)
@example(count=100, copies=1, messages=8)
def test_sequences_that_just_fill_replicas_take_no_more(count: int, copies: int, messages: int | None) -> None:
    """So many sequences on replicas of so many slots, whoever has them: 144 users have one by 10 minutes a day."""
    asked = {
        "gpu": "h100:2",
        "model": "llama-3.1-8b",
        "concurrent": count * copies,
        "max_sequences": count,
        "messages_per_day": messages,
    }
    report = infercost.userbase(**asked)
    assume(report["batch_limit"] == count)  # a batch past one that an engine captured is dearer, and not taken
    assert report["replicas"] == copies
    assert report["mean_concurrent"] == pytest.approx(count * copies, rel=1e-5)
    assert report.met
    if messages is None:
        assert report["users"] == pytest.approx(count * copies * 144, rel=1e-15)
        assert report["users_capacity"] == count * copies * 144


@pytest.mark.parametrize(("concurrent", "replicas"), [(99, 1), (99.999, 1), (100, 1), (100.001, 2), (101, 2)])
def test_sequences_in_a_latency_take_as_many_devices_as_compare_says(concurrent: float, replicas: int) -> None:
    """Four H100s decode 100 sequences within 20 ms a token, as utilization and compare have it."""
    asked = {"gpu": "h100:4", "model": "gpt-oss-120b", "max_tpot": "20ms", "concurrent": concurrent}
    assert infercost.userbase(**asked)["replicas"] == replicas


RATE = {"model": "llama-3.1-8b", "input_tokens": 3000, "output_tokens": 150, "request_rate": 40}


@pytest.mark.parametrize("traffic", ["flat", "chat-global"])
def test_requests_a_second_are_those_of_the_busiest_hour(traffic: str) -> None:
    """Eight messages of each user a day: 40 a second are 432,000 users of a flat day, fewer where an hour is busier."""
    report = infercost.userbase(**RATE, gpu="l40s:2", traffic=traffic, max_ttft="1s")
    peak = max(row["load"] for row in report.series.rows) if report.series else 1.0
    assert report["peak_requests_per_s"] == pytest.approx(40)
    assert report["users"] == pytest.approx(40 * 86_400 / 8 / peak)
    count = report["replicas"]
    start = f"40 requests/s in the busiest hour need {count} replicas of 2 x l40s ({2 * count} devices) at $"
    assert report.verdict.startswith(start)
    users = infercost.userbase(
        **{**RATE, "request_rate": None},
        gpu="l40s:2",
        traffic=traffic,
        max_ttft="1s",
        users=report["users"],
        messages_per_day=8,
    )
    assert users["replicas"] == count
    assert "daily user" not in report.verdict


def test_how_often_users_ask_changes_nothing_of_a_rate() -> None:
    few, often = (infercost.userbase(**RATE, gpu="l40s:2", messages_per_day=each) for each in (2, 40))
    assert few["users"] == pytest.approx(20 * often["users"])
    assert few["replicas"] == often["replicas"]
    held = infercost.userbase(**RATE, gpu="l40s:2", replicas=60, max_ttft="1s").verdict
    assert held.startswith(
        "Yes: 60 replicas keep a first token within 1 s for 40 requests/s in the busiest hour (they "
    )


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"users": 9}, "--request-rate and --users both say how large the load is"),
        ({"tokens_per_month": "1B"}, "--request-rate and --tokens-per-month both say how large the load is"),
        ({"output_tokens": None}, "--request-rate needs how long a request is"),
        ({"messages_per_day": 1e9}, "--request-rate 40 is less than one daily user sends"),
    ],
)
def test_a_rate_beside_another_load_or_without_lengths_is_refused(more: dict[str, Any], what: str) -> None:
    with pytest.raises(InfercostError) as refused:
        infercost.userbase(**{**RATE, **more}, gpu="l40s:2")
    assert refused.value.what == what


def test_parts_are_compared_by_a_rate_as_userbase_counts_them(run: Run) -> None:
    asked = ("--model", "llama-3.1-8b", "--isl", "3000", "--osl", "150", "--request-rate", "40", "--max-tpot", "50ms")
    said = run("compare", "l40s", "h100", *asked, "--json").json
    assert " for 40 requests/s in the busiest hour within 50 ms a token: $" in said["verdict"]
    for row in said["rows"]:
        alone = run(*row["replay"].split()[1:], "--json").json["results"]
        assert alone["peak_requests_per_s"] == pytest.approx(40)
        assert (alone["gpus"], alone["usd_per_million_tokens"]) == (row["gpus"], row["usd_per_million_tokens"])
    refused = run("compare", "l40s", *asked, "--concurrency", "4")
    assert refused.code == 2


def test_so_many_at_once_come_first_and_their_daily_users_last() -> None:
    """200 at once for 10 minutes of a day of 1,440 are 28,800 users."""
    asked = {"model": "llama-3.1-70b", "gpu": "h100", "dtype": "fp8", "input_tokens": 4000, "output_tokens": 500}
    said = infercost.userbase(**asked, concurrent=200, max_tpot=0.0333).verdict
    assert said.startswith("200 sequences at once need ")
    assert said.endswith(" They are those of 28,800 daily users (10 minutes of decoding a day assumed).")
