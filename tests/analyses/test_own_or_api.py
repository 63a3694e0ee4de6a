"""Own or API: bills by hand, break-evens that the service itself confirms, laws, and what is refused."""

import re
from itertools import pairwise
from math import inf
from typing import Any

import pytest

import infercost
from infercost.errors import BadValue
from infercost.units import ApiPrice, api_price_of, parse_api_price
from tests.conftest import Run, grid

CHAT: dict[str, Any] = {
    "gpu": "h100:4", "model": "llama-3.1-70b", "input_tokens": 1155, "output_tokens": 211, "messages_per_day": 8
}  # fmt: skip
FP8 = {"gpu": "h100:4", "model": "llama-3.1-70b", "dtype": "fp8", "input_tokens": 1000, "output_tokens": 300}
QUICK = {"points": 2}
#: 8 messages of 1,155 + 211 tokens on each of 365/12 days.
OF_A_USER = 8 * 1366 * 365 / 12
ARGS = ["--gpu", "h100:4", "--model", "llama-3.1-70b", "--isl", "1155", "--osl", "211", "--messages-per-day", "8"]


@pytest.mark.parametrize(
    ("text", "value", "price"),
    [
        ("0.60", 0.6, ApiPrice(0.6)),
        ("$2", 2.0, ApiPrice(2.0)),
        ("0.20/0.60", "0.2/0.6", ApiPrice(0.6, 0.2)),
        ("$0.2/$0.6/$0.02", "0.2/0.6/0.02", ApiPrice(0.6, 0.2, 0.02)),
        ("0/1/0", "0/1/0", ApiPrice(1.0, 0.0, 0.0)),
    ],
)
def test_prices_are_read(text: str, value: float | str, price: ApiPrice) -> None:
    assert parse_api_price(text) == value
    assert api_price_of(value) == price


@pytest.mark.parametrize("text", ["", "/", "1/", "/1", "1/0", "a/1", "1/2/3/4", "-1/2", "0", "1/2/"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_api_price(text)


@pytest.mark.parametrize(
    ("price", "more", "bill"),
    [
        ("0.6", {}, 0.6),
        ("0.2/0.6", {}, (1000 * 0.2 + 300 * 0.6) / 300),
        ("0.2/0.6", {"prefix_share": 0.5}, (1000 * 0.2 + 300 * 0.6) / 300),
        ("0.2/0.6/0.02", {"prefix_share": 0.5}, (500 * 0.2 + 500 * 0.02 + 300 * 0.6) / 300),
        ("0.2/0.6/0.02", {}, (1000 * 0.2 + 300 * 0.6) / 300),
    ],
)
def test_the_bill_by_hand(price: str, more: dict[str, Any], bill: float) -> None:
    report = infercost.economies(**FP8, **more, **QUICK, messages_per_day=8, api_price=price)
    assert report["api_usd_per_million_tokens"] == pytest.approx(bill)


def test_an_api_that_bills_prompts_is_beaten_where_one_that_does_not_is_cheaper() -> None:
    """The floor lies between $0.60, the price of output, and $1.27, the bill with its prompts."""
    asked = {**FP8, **QUICK, "messages_per_day": 8}
    alone, whole = (infercost.economies(**asked, api_price=price) for price in ("0.60", "0.20/0.60"))
    assert 0.6 < alone["floor_usd_per_million_tokens"] < 1.2667
    assert alone["break_even_users"] is None
    assert "never pays" in alone.verdict
    assert whole["break_even_users"] > 1
    assert whole.verdict.startswith("Your own service on 4 x h100-sxm costs no more than an API at $0.20 a million")


@pytest.mark.parametrize("more", [{}, {"scale_down": True, "traffic": "work"}, {"traffic": "chat-global"}])
def test_at_the_break_even_an_own_service_costs_no_more_and_with_one_user_less_it_does(more: dict[str, Any]) -> None:
    asked, price = {**CHAT, **more}, "0.5/3"
    report = infercost.economies(**asked, **QUICK, api_price=price)
    users = report["break_even_users"]
    assert users > 1
    at, fewer = (infercost.userbase(**asked, users=count, api_price=price) for count in (users, users - 1))
    assert at["usd_per_month"] <= at["api_usd_per_month"] * (1 + 1e-9)
    assert fewer["usd_per_month"] > fewer["api_usd_per_month"]
    assert at["api_usd_per_month"] == pytest.approx(report["break_even_usd_per_month"])
    assert at["tokens_per_month"] == pytest.approx(report["break_even_tokens_per_month"])


def test_the_month_of_the_break_even_by_hand() -> None:
    report = infercost.economies(**CHAT, **QUICK, api_price="0.5/3")
    users = report["break_even_users"]
    assert report["break_even_tokens_per_month"] == pytest.approx(users * OF_A_USER)
    assert report["break_even_usd_per_month"] == pytest.approx(users * 8 * 365 / 12 * (1155 * 0.5 + 211 * 3) / 1e6)


@pytest.mark.parametrize("part", ["in", "out", "cached"])
def test_the_dearer_the_api_the_fewer_users_break_even(part: str) -> None:
    prices = {"in": "{}/3/0.1", "out": "0.5/{}/0.1", "cached": "0.5/3/{}"}
    asked = {**CHAT, **QUICK, "prefix_share": 0.5}
    found = [
        infercost.economies(**asked, api_price=prices[part].format(each))["break_even_users"] for each in (2, 4, 8)
    ]
    assert all(cheap > dear for cheap, dear in pairwise(found))


def test_free_prompts_are_the_price_of_output_alone() -> None:
    keys = ("break_even_users", "users_at_api_price", "break_even_tokens_per_month")
    free, alone = (infercost.economies(**CHAT, **QUICK, api_price=price) for price in ("0/6/0", "6"))
    assert [free[key] for key in keys] == [alone[key] for key in keys]
    assert "api-price" in {note.code for note in alone.notes}
    assert "api-price" not in {note.code for note in free.notes}


def test_no_break_even_is_null_with_a_note(run: Run) -> None:
    said = run("economies", *ARGS, "--api-price", "0.001/0.01", "--points", "2", "--json")
    assert said.code == 0
    empty = {"break_even_users", "break_even_tokens_per_month", "break_even_usd_per_month"}
    assert {said.json["results"][key] for key in empty} == {None}
    assert empty <= {note["text"].split()[0] for note in said.json["notes"] if note["code"] == "null"}
    assert said.json["verdict"].startswith("Your own service on 4 x h100-sxm never pays")


def test_without_a_price_nobody_knows() -> None:
    report = infercost.economies(gpu="tpu-v4", params="8B", api_price=2, points=2, price=None)
    priced = infercost.economies(gpu="tpu-v4", params="8B", api_price=2, points=2, price=1)
    assert priced["break_even_users"] is not None
    assert (report["break_even_users"] is None) == (report["floor_usd_per_million_tokens"] is None)


def test_userbase_sets_a_month_against_the_bill() -> None:
    report = infercost.userbase(**CHAT, users=10_000, api_price="0.5/3")
    assert report["tokens_per_month"] == pytest.approx(10_000 * OF_A_USER)
    assert report["api_usd_per_month"] == pytest.approx(10_000 * 8 * 365 / 12 * (1155 * 0.5 + 211 * 3) / 1e6)
    assert report.verdict.startswith("Your own service costs $10,191 a month, an API at $0.50 a million tokens in")
    even = infercost.economies(**CHAT, **QUICK, api_price="0.5/3")
    assert report["break_even_users"] == even["break_even_users"]
    fixed = infercost.userbase(**CHAT, users=10_000, replicas=3, api_price="0.5/3")
    assert fixed["break_even_users"] == even["break_even_users"]
    assert fixed["usd_per_month"] == pytest.approx(3 * report["usd_per_month"])


def test_tokens_a_month_are_answered_before_the_users_who_have_them() -> None:
    """Of a request of 1,155 in and 211 out a token of both costs 211 / 1,366 of one that comes out.

    Devices of $2 an hour for 730 hours, over 30,000 million tokens.
    """
    asked = {"model": "llama-3.1-8b", "gpu": "l40s:2", "price": 2, "input_tokens": 1155, "output_tokens": 211}
    report = infercost.userbase(**asked, messages_per_day=8, tokens_per_month="30B")
    month = report["gpus"] * 2 * 730
    found = re.match(
        rf"30B tokens a month need {report['replicas']} replicas of 2 x l40s \({report['gpus']} devices\): "
        r"\$([\d,]+) a month, \$([\d.]+) a "
        r"million tokens in and out \(\$([\d.]+) a million output tokens, at 1,155 in and 211 out a request\); .* "
        r"The tokens are those of ([\d,]+) daily users\.",
        report.verdict,
    )
    assert found
    said, both, out, users = (float(each.replace(",", "")) for each in found.groups())
    assert said == pytest.approx(month, rel=0.001)
    assert both == pytest.approx(month / 30_000, rel=0.005)
    assert out == pytest.approx(both * 1366 / 211, rel=0.01)
    assert users == pytest.approx(30e9 / (8 * 1366 * 365 / 12), abs=1)


def test_what_a_month_of_tokens_misses_is_said_of_the_tokens() -> None:
    asked = {"model": "llama-3.1-8b", "gpu": "l40s", "input_tokens": 1155, "output_tokens": 211, "messages_per_day": 8}
    late = infercost.userbase(**asked, tokens_per_month="900B", replicas=1)
    assert late.verdict.startswith("No: 900B tokens a month do not fit 1 replica of 1 x l40s: ")
    assert late.verdict.endswith(" daily users.")


def test_tokens_a_month_are_users_by_their_messages() -> None:
    report = infercost.userbase(**CHAT, tokens_per_month=1e9)
    assert report["users"] == pytest.approx(1e9 / OF_A_USER)
    assert report["tokens_per_month"] == pytest.approx(1e9)
    economies = infercost.economies(**CHAT, **QUICK, tokens_per_month="1B", api_price="0.5/3")
    assert economies.series
    assert economies.series.rows[-1]["users"] == int(1e9 / OF_A_USER)
    assert economies["usd_per_month"] == pytest.approx(4 * 3.49 * 730)
    bill = 1e9 / 1366 * (1155 * 0.5 + 211 * 3) / 1e6
    assert economies.verdict.startswith(
        "At 1B tokens a month, those of 3,008 users of 332.4K tokens each, your own "
        "service on 4 x h100-sxm costs $10,191, "
        f"an API at $0.50 a million tokens in, $3.00 out bills ${bill:.2f}. Yours costs no more from "
    )


def test_tokens_a_month_are_users_by_their_minutes() -> None:
    asked = {key: value for key, value in CHAT.items() if key != "messages_per_day"}
    report = infercost.userbase(**asked, tokens_per_month="1B")
    assert report["tokens_per_month"] == pytest.approx(1e9, rel=1e-6)


def test_a_bare_count_has_output_alone() -> None:
    """36,000 of the note's users pay twice the floor, 72,000 the floor itself."""
    report = infercost.economies(gpu="h100-note", params="1.6e12", price=2, **QUICK, api_price=0.7)
    assert report["break_even_users"] == report["users_at_api_price"]
    per_user = report["break_even_tokens_per_month"] / report["break_even_users"]
    assert per_user == pytest.approx(37.5 * 600 * 365 / 12)


def test_several_parts_are_set_against_the_same_api(run: Run) -> None:
    said = run("economies", *ARGS, "--gpu", "h200:4", "--api-price", "0.5/3", "--points", "2", "--json").json
    first = "Your own service costs no more than an API at $0.50 a million tokens in, $3.00 out with "
    assert said["verdict"].startswith(first)
    assert " users on h100-sxm and with " in said["verdict"]


def test_the_work_is_shown(run: Run) -> None:
    steps = run("economies", *ARGS, "--api-price", "0.5/3/0.1", "--points", "2", "--steps", "--json").json["steps"]
    assert {"api_usd_per_request", "api_usd_per_million_tokens", "tokens_per_month"} <= {step["name"] for step in steps}
    (bill,) = [step for step in steps if step["name"] == "api_usd_per_request"]
    assert bill["value"] == pytest.approx((1155 * 0.5 + 211 * 3) / 1e6)


def test_a_sweep_takes_an_api(run: Run) -> None:
    swept = run("economies", *ARGS, "--sweep", "api_price=2,4,8", "--json").json["rows"]
    assert [row["api_price"] for row in swept] == [2, 4, 8]
    assert swept[0]["break_even_users"] > swept[2]["break_even_users"]


@pytest.mark.slow
def test_a_sensitivity_takes_an_api(run: Run) -> None:
    assert run("economies", *ARGS, "--api-price", "0.5/3", "--sensitivity").code == 0


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("economies --gpu h100-note --params 1.6e12 --price 2 --api-price 0.2/0.6", "a bare count has none"),
        ("economies --gpu h100:4 --model llama-3.1-70b --users 9 --tokens-per-month 1B", "both say how large the load"),
        ("economies --gpu h100:4 --model llama-3.1-70b --tokens-per-month 9", "fewer than one daily user has"),
        ("economies --gpu h100:4 --gpu h200:4 --model llama-3.1-70b --tokens-per-month 1B", "on each part"),
        ("userbase --users 100 --api-price 0.2/0.6", "userbase needs --messages-per-day"),
        ("userbase --tokens-per-month 1B", "a service needs --gpu and a model"),
        ("economies --gpu h100:4 --model llama-3.1-70b --api-price 1/2/3/4", "more than three prices"),
    ],
)
def test_refuses(question: str, what: str, run: Run) -> None:
    said = run(*question.split())
    assert said.code == 2
    assert what in said.err


def test_what_does_not_fit_has_no_break_even(run: Run) -> None:
    said = run("economies", "--gpu", "l4:1", "--model", "llama-3.1-70b", "--api-price", "0.2/0.6", "--json")
    assert said.code == 3
    assert "break_even_users" not in said.json["results"] or said.json["results"]["break_even_users"] is None


def test_a_load_that_piles_up_has_no_bill(run: Run) -> None:
    """A replica holds some 100,000 users; what waits in its queue is billed by nobody."""
    said = run("userbase", *ARGS, "--users", "10M", "--replicas", "1", "--api-price", "0.5/3", "--json")
    assert said.code == 3
    results = said.json["results"]
    assert (results["tokens_per_month"], results["api_usd_per_month"]) == (None, None)
    assert said.json["verdict"].startswith("No: 10,000,000 daily users do not fit")
    assert results["break_even_users"] > 1


@grid(
    ("model", "price"),
    [("gpt-oss-120b", "0.15/0.6"), ("llama-3.1-70b", "2/6"), ("llama-3.1-8b", "0.02/0.05"), ("llama-3.1-8b", "2/6")],
)
def test_an_api_leaves_the_devices_as_they_are(model: str, price: str) -> None:
    """A replica whose full batch is cheapest is not the one that the first users pay for: every size by hand."""
    asked = {"model": model, "gpu": "h100", "workload": "chat", "points": 2}
    plain, report = infercost.economies(**asked), infercost.economies(**asked, api_price=price)
    same = ("gpus_per_replica", "floor_usd_per_million_tokens", "users_within_2x", "batch_limit")
    assert {key: report[key] for key in same} == {key: plain[key] for key in same}
    counted = []
    for gpus in (1, 2, 4, 8):
        if gpus <= report["gpus_per_replica"] and infercost.fit(model=model, gpu="h100", gpus=gpus)["fits"]:
            alone = infercost.economies(**asked, gpus=gpus, api_price=price)
            counted.append((alone["break_even_users"] or inf, gpus))
    least, gpus = min(counted)
    sooner = [note.text for note in report.notes if note.code == "sooner"]
    if least == inf or gpus == report["gpus_per_replica"]:
        assert not sooner
        return
    size = f"{gpus} device{'s' if gpus > 1 else ''}"
    assert sooner == [f"on replicas of {size} {least:,} users break even: --gpu h100:{gpus}"]
    assert f"on {report['gpus_per_replica']} x h100-sxm " in report.verdict


@pytest.mark.parametrize("more", [{}, {"traffic": "chat-global"}, {"max_wait_probability": 0.01}])
def test_what_all_users_that_it_takes_would_be_billed_by_hand(more: dict[str, Any]) -> None:
    """The break-even is a share of them; a message bills 1,155 tokens at $0.50 and 211 at $3 a million."""
    report = infercost.economies(**CHAT, **QUICK, **more, api_price="0.5/3")
    users, most, even = report["users_per_replica"], report["full_usd_per_month"], report["break_even_users"]
    bill = users * 8 * 365 / 12 * (1155 * 0.5 + 211 * 3) / 1e6
    assert even < users
    assert most == pytest.approx(4 * 3.49 * 730)
    assert report["full_api_usd_per_month"] == pytest.approx(bill)
    assert report["break_even_capacity_share"] == pytest.approx(even / users)
    assert report["break_even_token_share"] == pytest.approx(even / users, rel=2e-4)
    assert report["full_gross_margin"] == pytest.approx(1 - most / bill)
    margin = f"{100 * (1 - most / bill):.1f}%"
    words = f" Full, with {users:,} users, it costs $10,191 and the API bills ${bill:,.0f} (gross margin {margin}). "
    assert words in report.verdict


def test_users_of_minutes_break_even_at_a_larger_share_of_tokens_by_hand() -> None:
    """Ten minutes on fuller replicas make fewer tokens: 7,680 in at $0.15 and 1,024 out at $0.60 a million."""
    report = infercost.economies(gpu="h100", model="gpt-oss-120b", api_price="0.15/0.60", **QUICK)
    bill = report["break_even_tokens_per_month"] * (7680 * 0.15 + 1024 * 0.60) / (7680 + 1024) / 1e6
    share = bill / report["full_api_usd_per_month"]
    assert report["break_even_token_share"] == pytest.approx(share)
    assert share > 2 * report["break_even_capacity_share"]
    assert (
        f"users on (10 minutes a day each assumed, {report['break_even_tokens_per_month'] / 1e9:.2f}B" in report.verdict
    )


@pytest.mark.parametrize("users", [None, 5000])
def test_a_floor_has_what_goes_in_and_out_priced_apart(users: int | None) -> None:
    report = infercost.economies(**CHAT, **QUICK, users=users)
    read, written = (report[f"usd_per_million_tokens_{way}"] for way in ("input", "output"))
    said = re.search(r"floor (?:is )?\$[\d.]+[^.]*, or \$([\d.]+) in and \$([\d.]+) out\.", report.verdict)
    assert said
    assert [float(each) for each in said.groups()] == pytest.approx([read, written], rel=0.005)
    assert " in and " not in infercost.economies(gpu="h100-note", params="1.6e12", price=2, **QUICK).verdict


CODER = {"gpu": "b200:8", "model": "qwen3-coder-480b", "workload": "agentic-coding", "price": 6}


def _if_billed_otherwise(answer: infercost.Report) -> str:
    return next((note.text for note in answer.notes if note.code == "api-price" and " it " in note.text), "")


def test_a_price_of_cached_tokens_that_was_left_out_and_decides_is_said() -> None:
    """121,906 tokens in, 95.7% of them cached, and 415 out: $119.10 a million out in full, $17.90 at a tenth."""
    full, tenth = (infercost.economies(**CODER, api_price=price) for price in ("0.4/1.6", "0.4/1.6/0.04"))
    assert full["api_usd_per_million_tokens"] == pytest.approx(0.4 * 121_906 / 415 + 1.6)
    cached = 0.4 * 121_906 / 415 * (0.043 + 0.0957) + 1.6
    assert tenth["api_usd_per_million_tokens"] == pytest.approx(cached, rel=0.01)
    assert cached < full["floor_usd_per_million_tokens"] < full["api_usd_per_million_tokens"]
    said = _if_billed_otherwise(full)
    assert said.startswith("your own cache has 95.7% of the input, which the API is taken to bill in full")
    assert said.endswith("(assumed, --api-price 0.4/1.6/0.04) it does not pay")
    clause = "; where the API bills cached tokens at a tenth, it does not pay. "
    base = infercost.userbase(**CODER, users=1000, api_price="0.4/1.6")
    assert clause in f"{full.verdict.partition('. The floor')[0]}. "
    assert clause in base.verdict
    assert _if_billed_otherwise(base) == said
    assert clause not in tenth.verdict
    assert full["break_even_users"]
    assert not tenth["break_even_users"]
    assert not _if_billed_otherwise(tenth)


def test_an_api_that_bills_answers_alone_is_compared_with_one_that_bills_prompts_too() -> None:
    flat, both = (infercost.economies(**CODER, api_price=price) for price in (0.9, "0.9/0.9"))
    users = both["break_even_users"]
    assert flat["break_even_users"] is None
    assert users
    assert f"at $0.90 for tokens in and out alike it pays from {users} users on" in _if_billed_otherwise(flat)


@pytest.mark.parametrize("workload", ["agentic-coding", "chat"])
def test_what_scale_down_would_save_is_what_asking_for_it_gives(workload: str) -> None:
    asked = {**CODER, "workload": workload}
    idle, tight = infercost.economies(**asked), infercost.economies(**asked, scale_down=True)
    saved = 1 - tight["floor_usd_per_million_tokens"] / idle["floor_usd_per_million_tokens"]
    assert any(f"--scale-down takes {100 * saved:.1f}% off the floor" in advice for advice in idle.advice)


@pytest.mark.parametrize("users", ["1000", "1M"])
def test_an_own_service_that_never_pays_says_which_would(run: Run, users: str) -> None:
    """Few users fill no replica as large as the one whose tokens cost least, which others would break even on."""
    asked = ("--gpu", "h100", "--model", "llama-3.3-70b", "--workload", "chat", "--api-price", "0.6/0.8")
    curve = run("economies", *asked, "--points", "2", "--json").json["results"]
    base = run("userbase", *asked, "--users", users, "--json").json
    even, size = curve["break_even_users"], curve["gpus_per_replica"]
    if base["inputs"]["tp"] == size:
        assert base["results"]["break_even_users"] == even
        assert "never pays" not in base["verdict"]
    else:
        assert base["results"]["break_even_users"] is None
        way = rf"pays on replicas of {size} devices \(--gpu h100:{size}\) from {even:,} users on: its floor is "
        assert re.search(way, base["verdict"])


@pytest.mark.parametrize(
    "load", [{"tokens_per_month": 5e9}, {"tokens_per_month": 40e9}, {"users": 400}, {"users": 9000}]
)
def test_a_load_is_answered_on_the_devices_where_it_costs_least(load: dict[str, float]) -> None:
    """A card at $3.49 is $2,548 a month: what one serves, the two of the lowest floor would cost twice as much for."""
    asked = {"gpu": "h100", "model": "qwen3-32b", "dtype": "fp8", "api_price": "0.5/1.5", **load}
    curve, base = infercost.economies(**asked, points=2), infercost.userbase(**asked)
    counted = {gpus: infercost.userbase(**asked, gpus=gpus) for gpus in (1, 2)}
    cheapest = min(each["usd_per_month"] for each in counted.values())
    assert base["usd_per_month"] == cheapest
    assert base["gpus"] % curve["gpus_per_replica"] == 0
    assert curve["gpus_per_replica"] == counted[curve["gpus_per_replica"]]["gpus"] / base["replicas"]
    assert curve["break_even_users"] == base["break_even_users"]
    alone = counted[curve["gpus_per_replica"]]["break_even_tokens_per_month"]  # users of minutes have other tokens
    assert base["break_even_tokens_per_month"] == pytest.approx(alone, rel=0.01)
    if load == {"tokens_per_month": 5e9}:
        assert cheapest == pytest.approx(3.49 * 730)
        assert "your own service on 1 x h100-sxm costs $2,548" in curve.verdict


def test_a_replica_of_half_the_devices_or_less_is_advised_where_its_floor_is_lower(run: Run) -> None:
    """Prompts of 64 cards are slow; as replicas of 8 the same cards have the floor that is said, of 4 none holds it."""
    asked = ("economies", "--model", "deepseek-v3", "--points", "2")
    advice = " ".join(run(*asked, "--gpu", "h200:64").out.split())
    floors = {
        count: run(*asked, "--gpu", f"h200:{count}", "--json").json["results"]["floor_usd_per_million_tokens"]
        for count in (8, 16, 32, 64)
    }
    assert floors[8] == min(floors.values()) < 0.95 * floors[64]
    assert f"a replica of 8 devices has a floor of ${floors[8]:.2f}: --gpu h200:8" in advice
    counted = " ".join(run(*asked, "--gpu", "h200", "--gpus", "64").out.split())
    assert f"has a floor of ${floors[8]:.2f}: --gpus 8" in counted
    assert "has a floor of" not in run(*asked, "--gpu", "h200:8").out


@pytest.mark.parametrize("asked", [(), ("--users", "10k"), ("--tokens-per-month", "1B")])
def test_a_floor_that_never_pays_is_said_once(run: Run, asked: tuple[str, ...]) -> None:
    api = ("--dtype", "fp8", "--api-price", "0.01")
    said = run("economies", *ARGS, *api, "--points", "2", *asked, "--json").json["verdict"]
    assert said.lower().count("floor is $") == 1
    assert "floor $" not in said
    paid = run("economies", *ARGS, *api[:2], "--points", "2", *asked, "--json").json["verdict"]
    assert ("floor $" if "--users" in asked else "The floor is $") in paid


def test_one_verdict_speaks_of_one_deployment() -> None:
    """With 30,000 users two cards cost least: what breaks even is of them too, and not of one."""
    asked = {"gpu": "h100", "model": "gpt-oss-120b", "price": 2, "users": 30_000, "points": 2}
    plain, beside = infercost.economies(**asked), infercost.economies(**asked, api_price="0.15/0.60")
    assert plain["gpus_per_replica"] == beside["gpus_per_replica"] == 2
    assert plain["floor_usd_per_million_tokens"] == beside["floor_usd_per_million_tokens"]
    assert re.findall(r"(\d+) x h100", beside.verdict) == ["2"]
    assert beside["break_even_usd_per_month"] == pytest.approx(2 * 2 * 730, rel=0.002)  # the month of two cards


def test_yours_costs_no_more_for_good_from_some_users_on_and_in_spans_before() -> None:
    """Replicas are whole: from the break-even on until they are full, and again where each further one is filled."""
    asked = {"gpu": "h100:2", "model": "qwen3-32b", "input_tokens": 2000, "output_tokens": 800}
    many_spans = infercost.userbase(**asked, api_price="0.15/0.60", tokens_per_month="28B")
    # 11,664 are on one replica, four times as many on the fourth: two spans lie between
    assert "for good from 46,656 users, before that from 11,664 " in many_spans.verdict
    assert " to 15,112 (replicas full) and in 2 more spans" in many_spans.verdict
    asked |= {"api_price": "0.16/0.62"}
    answer = infercost.userbase(**asked, tokens_per_month="28B")
    words = r"for good from (\S+) users, before that from (\S+) .*? to (\S+) and (\S+) to (\S+) \(replicas full\)"
    found = re.search(words, answer.verdict)
    assert found
    assert int(found[1].replace(",", "")) == answer["break_even_users_for_good"]
    good, first, last, again, end = (int(each.replace(",", "")) * 28e9 / answer["users"] for each in found.groups())
    cases = ((0.99 * first, False), (first, True), (0.99 * last, True), (1.01 * last, False), (good, True))
    cases += ((0.99 * again, False), (1.001 * again, True), (0.99 * end, True), (1.01 * end, False))
    for tokens, pays in cases:
        load = infercost.userbase(**asked, tp=2, tokens_per_month=tokens)
        assert (load["usd_per_month"] <= 1.001 * load["api_usd_per_month"]) is pays, tokens


def test_a_users_floor_is_that_of_his_replicas(run: Run) -> None:
    """Of the same part ``economies`` without a load may take other replicas, whose floor is another."""
    asked = ("--gpu", "h200:8", "--model", "qwen3-235b-a22b", "--price", "2.6", "--api-price", "0.20/0.60", "--json")
    said = run("userbase", *asked, "--users", "25341").json["verdict"]
    assert "; as laid out here it does not: the floor of these replicas is $" in said


@pytest.mark.parametrize(
    ("asked", "here"),
    [
        (
            {"gpu": "h800:32", "model": "deepseek-v3", "price": 2, "api_price": "0.27/1.10"},
            "32 x h800-sxm in tp 8 ep 32",
        ),
        (
            {
                "gpu": "h800",
                "model": "deepseek-v3",
                "input_tokens": 5000,
                "output_tokens": 800,
                "api_price": "0.27/1.10",
            },
            "16 x h800-sxm in tp 4 ep 16",
        ),
        (
            {"gpu": "l4", "model": "llama-3.1-8b", "api_price": "0.15/0.60"},
            "2 x l4",
        ),
        (
            {"gpu": "h200:16", "model": "llama-3.3-70b", "tp": 16, "price": 3, "api_price": "0.40/0.40"},
            "16 x h200-sxm in tp 16",
        ),
    ],
)
def test_a_service_that_would_pay_otherwise_begins_with_how(asked: dict[str, Any], here: str) -> None:
    """The flags that are named, asked about, have the floor, the speed and the users that are named."""
    said = infercost.economies(**asked, **QUICK)
    assert said["break_even_users"] is None
    assert said.verdict.startswith("Your own service pays against an API at ")
    assert f" On {here} it does not: ${said['floor_usd_per_million_tokens']:.2f}. " in said.verdict
    when = r"((?:for good )?from ([0-9,]+) users.*?)"
    words = rf" \(--(.+?)\) {when}: its floor is \$([0-9.]+) .*? At that floor a user gets ([0-9.]+) t"
    found = re.search(words, said.verdict)
    assert found, said.verdict
    flags = (flag.split(" ") for flag in found[1].split(" --"))
    other = infercost.economies(**{**asked, **{name.replace("-", "_"): value for name, value in flags}}, **QUICK)
    assert other["floor_usd_per_million_tokens"] == pytest.approx(float(found[4]), rel=0.01)
    assert other["floor_tokens_per_s_per_user"] == pytest.approx(float(found[5]), rel=0.001)
    assert other["floor_usd_per_million_tokens"] < said["api_usd_per_million_tokens"]
    assert other["break_even_users_for_good"] == int(found[3].replace(",", ""))
    own, told = (re.sub(r" \([^)]*\)", "", text) for text in (other.verdict, found[2]))
    assert told in own  # to how many users, and from how many for good, too
    slow = other["floor_tokens_per_s_per_user"] < 5
    assert (", slower than anybody reads" in said.verdict) == (", slower than anybody reads" in other.verdict) == slow


@pytest.mark.parametrize(
    "asked",
    [
        {"gpu": "h800", "model": "deepseek-v3", "price": 2},
        {"gpu": "h800:144", "ep": 144, "model": "deepseek-v3", "price": 2, "input_tokens": 4000, "prefix_share": 0.5},
    ],
)
def test_prompts_apart_are_said_with_the_command_that_answers_of_them(run: Run, asked: dict[str, Any]) -> None:
    """Around the clock the floor is a full replica: what the command says costs so much less than the floor."""
    said = infercost.economies(**asked, api_price="0.27/1.10", **QUICK)
    advice = next(each for each in said.advice if each.startswith("prompts on replicas of their own "))
    saved = float(re.search(r"token ([0-9.]+)% cheaper", advice)[1]) / 100  # type: ignore[index]
    command = advice.partition(": infercost ")[2]
    apart = run(*command.split(), "--json").json["results"]["usd_per_million_tokens"]
    assert apart == pytest.approx((1 - saved) * said["floor_usd_per_million_tokens"], rel=0.01)
    assert apart < said["api_usd_per_million_tokens"]
    way = f"with prompts on replicas of their own (utilization --disaggregated): its floor is ${apart:.2f} "
    assert (way in said.verdict) == (said["break_even_users"] is None)
    assert "never pays" not in said.verdict


def test_never_is_where_neither_layouts_nor_sizes_nor_bits_pay() -> None:
    asked = {"gpu": "a100:2", "model": "qwen2.5-32b", "price": 1.3, "api_price": 0.5, **QUICK}
    said = infercost.economies(**asked)
    assert said.verdict.startswith("Your own service on 2 x a100-sxm-80gb never pays against")
    margin = (0.5 - said["floor_usd_per_million_tokens"]) / 0.5  # of each half dollar taken in
    assert said["full_gross_margin"] == pytest.approx(margin)
    assert f" a million tokens out, a gross margin of {margin:.0%} at that price (below $" in said.verdict
    others: tuple[dict[str, Any], ...] = ({"pp": 2}, {"gpu": "a100:1"}, {"dtype": "fp8", "kv_dtype": "fp8"})
    for other in others:
        assert infercost.economies(**{**asked, **other})["break_even_users"] is None


def test_users_who_are_minutes_have_their_tokens_beside_both_bills() -> None:
    """An API that bills $0.90 for any token bills tokens x $0.90 / 1M: slower users of a full replica make fewer."""
    said = infercost.economies(gpu="h100:8", model="llama-3.1-70b", price=2.5, api_price="0.9/0.9", **QUICK)
    words = r"with ([0-9,]+) users of ([0-9.]+)M tokens each \(([0-9.]+)M at ([0-9,]+)\), it costs"
    found = re.search(words, said.verdict)
    assert found, said.verdict
    full, each, first, even = (float(text.replace(",", "")) for text in found.groups())
    assert full * each * 0.9 == pytest.approx(said["full_api_usd_per_month"], rel=0.001)
    assert even * first * 0.9 == pytest.approx(said["break_even_usd_per_month"], rel=0.001)
    fixed = {"messages_per_day": 10, "input_tokens": 1000, "output_tokens": 300}
    alike = infercost.economies(gpu="h100:8", model="llama-3.1-70b", price=2.5, api_price="0.9/0.9", **fixed, **QUICK)
    assert "tokens each" not in alike.verdict
