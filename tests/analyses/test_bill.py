"""What an API alone bills, by hand: of users, of tokens a month, of a prompt that its cache has in part."""

import pytest

import infercost
from tests.conftest import Run

#: Days of an average month.
DAYS = 365 / 12


def test_a_month_of_chat_by_hand() -> None:
    """5,000 users with 8 messages of 1,155 tokens, 37% of them cached, and answers of 211."""
    said = infercost.userbase(users=5000, workload="chat", api_price="3/15/0.30")
    request = (1155 * 0.63 * 3 + 1155 * 0.37 * 0.30 + 211 * 15) / 1e6
    plain = (1155 * 3 + 211 * 15) / 1e6
    assert said["requests_per_month"] == pytest.approx(5000 * 8 * DAYS)
    assert said["api_usd_per_request"] == pytest.approx(request)
    assert said["api_usd_per_month"] == pytest.approx(5000 * 8 * DAYS * request)
    assert said["api_usd_per_user_month"] == pytest.approx(8 * DAYS * request)
    assert said["api_usd_per_million_tokens"] == pytest.approx(request / 211 * 1e6)
    assert said["api_uncached_usd_per_month"] == pytest.approx(5000 * 8 * DAYS * plain)
    assert said["api_cache_saved_share"] == pytest.approx(1 - request / plain)
    assert said["tokens_per_month"] == pytest.approx(5000 * 8 * DAYS * 1366)
    assert said.verdict == (
        "$6,663 a month is the bill of an API at $3.00 a million tokens in, $0.30 cached, $15.00 out; $8,066 without "
        "its cache, which saves 17.4%. That is $1.33 for each of 5,000 daily users (by chat 8 messages a day), "
        "$0.00548 a request and $25.95 a million output tokens: 1,216,667 requests of 1,155 tokens in (37.0% cached) "
        "and 211 out."
    )


@pytest.mark.parametrize("price", ["3/15/0.30", "2/8", "10"])
@pytest.mark.parametrize("load", [{"users": 5000}, {"tokens_per_month": "2B"}])
def test_the_bill_is_that_beside_an_accelerator(price: str, load: dict[str, object]) -> None:
    asked = {**load, "workload": "chat", "api_price": price}
    alone, beside = infercost.userbase(**asked), infercost.userbase(**asked, gpu="h100", model="llama-3.1-8b")
    for key in ("api_usd_per_month", "api_usd_per_million_tokens", "tokens_per_month", "users"):
        assert alone[key] == pytest.approx(beside[key]), key


def test_tokens_of_a_month_need_nobody_who_sends_them() -> None:
    """100,000 requests of 8,000 in and 300 out at $2 and $8 are $1,600 and $240."""
    asked = {"tokens_per_month": 830e6, "input_tokens": 8000, "output_tokens": 300, "api_price": "2/8"}
    said = infercost.userbase(**asked, model="gpt-4.1")
    assert said["api_usd_per_month"] == pytest.approx(1840)
    assert said["users"] is None
    assert said.verdict.startswith("$1,840 a month is the bill of an API at $2.00 a million tokens in, $8.00 out. ")
    sent = infercost.userbase(**asked, messages_per_day=10)
    assert sent["users"] == pytest.approx(100_000 / 10 / DAYS)


def test_a_cache_that_is_not_priced_saves_nothing_and_is_noted() -> None:
    said = infercost.userbase(users=1, messages_per_day=40, workload="chat", api_price="3/15")
    assert said["api_cache_saved_share"] == 0
    assert "cache" not in said.verdict
    assert said["api_usd_per_month"] == pytest.approx(40 * DAYS * (1155 * 3 + 211 * 15) / 1e6)
    assert "api-price" in {note.code for note in said.notes}


def test_a_message_that_nobody_described_is_the_usual_request_and_said_to_be() -> None:
    said = infercost.userbase(users=10, messages_per_day=2, api_price="1/2")
    assert said["api_usd_per_request"] == pytest.approx((7680 * 1 + 1024 * 2) / 1e6)
    assert {"input_tokens", "output_tokens"} <= {item.key for item in said.inputs if item.assumed}


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ("--users 9", "userbase needs --messages-per-day"),
        ("--workload chat", "needs --users or --tokens-per-month"),
        ("--users 9 --messages-per-day 4 --tokens-per-month 1B", "say twice how large the load is"),
        ("--users 9 --minutes-per-day 10", "an API bills tokens, not minutes"),
        ("--users 9 --workload chat --traffic work --replicas 2", "userbase needs --gpu for --traffic, --replicas"),
        ("--users 9 --workload chat --params 8B", "userbase needs --gpu for --params"),
    ],
)
def test_refuses(flags: str, what: str, run: Run) -> None:
    said = run("userbase", "--api-price", "1/2", *flags.split())
    assert said.code == 2
    assert what in said.err


def test_the_work_is_shown_with_and_without_the_cache(run: Run) -> None:
    flags = ("--users", "5", "--workload", "chat", "--api-price", "3/15/0.3")
    steps = run("userbase", *flags, "--steps", "--json").json["steps"]
    bills = [step["value"] for step in steps if step["name"] == "api_usd_of_requests"]
    assert len(bills) == 2
    assert bills[0] < bills[1]


def test_two_apis_are_billed_side_by_side() -> None:
    """100,000 requests of 8,000 in and 300 out: $1,600 and $240 of one, $240 and $75 of the other."""
    asked = {"tokens_per_month": 830e6, "input_tokens": 8000, "output_tokens": 300}
    swept = infercost.userbase(**asked, sweep="api-price=2/8,0.30/2.50")
    assert [row["api_usd_per_month"] for row in swept.series.rows] == pytest.approx([1840, 315])
    assert swept.verdict.startswith("The API's bill of a month is $1,840 (api price 2/8), $315.00 (api price 0.3/2.5)")
    assert swept.verdict.endswith(". 0.3/2.5 saves 82.9% of 2/8's bill.")  # 1 - 315 / 1,840


def test_two_apis_beside_a_service_of_ones_own() -> None:
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "workload": "chat", "users": 5000}
    swept = infercost.userbase(**asked, sweep="api-price=2/8,0.30/2.50")
    plain = 5000 * 8 * DAYS
    bills = [plain * (1155 * read + 211 * out) / 1e6 for read, out in ((2, 8), (0.3, 2.5))]
    assert [row["api_usd_per_month"] for row in swept.series.rows] == pytest.approx(bills)
    own = infercost.userbase(**asked)["usd_per_month"]
    assert swept.verdict.startswith(f"Your own service costs ${own:,.0f} a month. The API's bill of a month is $4,864 ")
    even = infercost.economies(**{**asked, "users": None}, sweep="api-price=2/8,0.30/2.50")
    assert even.verdict.startswith("The API's bill of a million output tokens is $18.95 (api price 2/8), $4.14 ")
    users = [row["break_even_users"] for row in swept.series.rows]
    assert [row["break_even_users"] for row in even.series.rows] == users


def test_users_are_swept_without_and_with_hardware() -> None:
    """A user with 8 messages of $0.00663 costs $1.61 a month; a service answers each point as alone."""
    bills = infercost.userbase(workload="chat", api_price="3/15", sweep="users=1k,10k").series.rows
    each = 8 * DAYS * (1155 * 3 + 211 * 15) / 1e6
    assert [row["api_usd_per_month"] for row in bills] == pytest.approx([1000 * each, 10_000 * each])
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "workload": "chat"}
    swept = infercost.userbase(**asked, sweep="users=1k,100k").series.rows
    for row, users in zip(swept, (1000, 100_000), strict=True):
        alone = infercost.userbase(**asked, users=users)
        assert {key: row[key] for key in alone.values} == alone.values


#: A request of 7,680 and 1,024 tokens at $0.05 and $0.08 a million, for each token that comes out.
SMALL = (7680 * 0.05 + 1024 * 0.08) / 1024


def test_electricity_at_home_beside_an_api() -> None:
    """A card of 450 W at $0.30 a kWh costs 13.5 cents an hour for the tokens that it makes in it, prompts paid."""
    asked = {"gpu": "rtx-4090", "model": "llama-3.1-8b", "dtype": "q4_k_m", "power_price": 0.30}
    said = infercost.utilization(**asked, api_price="0.05/0.08")
    own = 0.450 * 0.30 / 3600 / said["tokens_per_s_all_in"] * 1e6
    assert said["usd_per_million_tokens"] == pytest.approx(own)
    assert said["api_usd_per_million_tokens"] == pytest.approx(SMALL)
    assert said["own_over_api_cost"] == pytest.approx(own / SMALL)
    assert said.verdict.startswith(
        f"${own:.3f} a million output tokens here, prompts paid; an API at $0.05 a million tokens in, $0.08 out bills "
        f"${SMALL:.3f} for them: yours is {1 - own / SMALL:.1%} cheaper. "
    )
    plain = infercost.utilization(**asked)
    assert said.verdict.endswith(plain.verdict.replace(f", at ${own:.3f} a million output tokens", ""))
    assert {key: said[key] for key in plain.values} == plain.values


def test_a_rent_beside_an_api_that_is_cheaper() -> None:
    said = infercost.utilization(gpu="h100", model="llama-3.1-8b", price=3, api_price="0.05/0.08")
    own = 3 / 3600 / said["tokens_per_s_all_in"] * 1e6
    assert f": the API is {1 - SMALL / own:.1%} cheaper. " in said.verdict


def test_a_bare_count_has_no_prompts_to_bill(run: Run) -> None:
    said = infercost.utilization(gpu="h100", params="8B", price=3, api_price=0.5)
    assert said["own_over_api_cost"] == pytest.approx(said["usd_per_million_tokens"] / 0.5)
    refused = run("utilization", "--gpu", "h100", "--params", "8B", "--api-price", "0.1/0.5")
    assert "a bare count has none" in refused.err
    assert "bge-m3 reads whole texts" in run("utilization", "--gpu", "l4", "--model", "bge-m3", "--api-price", "1").err


def test_prompts_beside_a_host_are_not_held_against_an_api() -> None:
    asked = {"gpu": "rtx-4090", "model": "qwen3-30b-a3b", "dtype": "q8_0", "host": "desktop-ddr5"}
    said = infercost.utilization(**asked, api_price="0.05/0.08")
    assert said["own_over_api_cost"] is None
    assert "prompts left out; an API at $0.05" in said.verdict
    assert "cheaper" not in said.verdict


def test_apis_are_swept_beside_a_step(run: Run) -> None:
    flags = ("--gpu", "h100", "--model", "llama-3.1-8b", "--price", "3")
    said = run("utilization", *flags, "--sweep", "api-price=0.05/0.08,1/4", "--json").json
    assert [row["api_usd_per_million_tokens"] for row in said["rows"]] == pytest.approx([SMALL, 11.5])
    assert said["verdict"].startswith("The API's bill of a million output tokens is $0.455 (api price 0.05/0.08)")
    steps = run("utilization", *flags, "--api-price", "1/4", "--steps", "--json").json["steps"]
    assert "api_usd_per_request" in {step["name"] for step in steps}


def test_a_load_that_is_not_served_has_no_cost_to_hold_against_an_api() -> None:
    said = infercost.utilization(gpu="h100", model="llama-3.1-8b", request_rate=500, api_price="0.05/0.08")
    assert said["own_over_api_cost"] is None
    assert said["api_usd_per_million_tokens"] == pytest.approx(SMALL)
    (why,) = [row.remark for row in said.results if row.key == "own_over_api_cost"]
    assert why == "the devices do not serve this"
