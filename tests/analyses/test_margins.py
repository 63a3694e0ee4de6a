"""What is charged for a token so that a gross margin is left of it."""

import pytest

import infercost
from infercost.errors import InfercostError
from infercost.units import show
from tests.conftest import Run

ASKED = {"gpu": "h100:1", "model": "gpt-oss-120b", "price": 2.2}


def test_a_price_for_a_margin_by_hand() -> None:
    """Of what is charged 60% are left: the cost is the other 40%."""
    said = infercost.economies(**ASKED, margin="60%")
    floor = said["floor_usd_per_million_tokens"]
    assert said["charged_usd_per_million_tokens"] == pytest.approx(floor / 0.4)
    for end in ("_input", "_output"):
        assert said[f"charged_usd_per_million_tokens{end}"] == pytest.approx(said[f"usd_per_million_tokens{end}"] / 0.4)
    start = (
        f"A gross margin of 60.0% takes a price of ${floor / 0.4:.2f} a million output tokens all in at the floor, or $"
    )
    assert said.verdict.startswith(start)
    assert "charged_usd_per_million_tokens_at_users" not in said.values


def test_a_price_for_a_margin_at_some_users() -> None:
    """1,000 users on one part around the clock: 2.20 an hour over the tokens of an hour, and as much again for 50%."""
    said = infercost.economies(**ASKED, margin=0.5, users=1000)
    last = said.to_dict()["rows"][-1]
    assert last["users"] == 1000
    charged = said["charged_usd_per_million_tokens_at_users"]
    assert charged == pytest.approx(2 * 2.2 / 3600 / last["tokens_per_s"] * 1e6)
    assert f" a price of ${charged:.2f} a million output tokens all in at 1,000 users (" in said.verdict
    assert f". The cost is ${charged / 2:.3g} a million output tokens at 1,000 users, floor $" in said.verdict
    api = infercost.economies(**ASKED, margin=0, users=1000)  # at cost
    assert api["charged_usd_per_million_tokens_at_users"] == pytest.approx(charged / 2)


@pytest.mark.parametrize(("asked", "end"), [({"load": 0.4}, "_at_load"), ({"users": 1000}, "_at_users"), ({}, "")])
def test_both_kinds_of_tokens_are_charged_at_the_load_that_was_asked(asked: dict[str, float], end: str) -> None:
    """7,680 tokens in and 1,024 out bring in as much by both prices apart as by the one all in: 7.5 in for each out."""
    said = infercost.economies(**ASKED, **asked, margin="60%")
    charged, read, written = (said[f"charged_usd_per_million_tokens{kind}{end}"] for kind in ("", "_input", "_output"))
    assert 7.5 * read + written == pytest.approx(charged)
    assert f", or {show(read, 'USD')} in and {show(written, 'USD')} out" in said.verdict
    assert ("A lone user" in said.verdict) == ("load" not in asked)


def test_a_margin_is_asked_for_alone() -> None:
    assert not [key for key in infercost.economies(**ASKED).values if key.startswith("charged")]
    with pytest.raises(InfercostError, match="one accelerator"):
        infercost.economies(gpu=["h100", "h200"], model="llama-3.1-8b", margin=0.5)
    with pytest.raises(InfercostError, match="margin"):
        infercost.economies(**ASKED, margin=1)
    rows = infercost.economies(**ASKED, sweep="margin=20%,60%").to_dict()["rows"]
    assert rows[1]["charged_usd_per_million_tokens"] == pytest.approx(2 * rows[0]["charged_usd_per_million_tokens"])


def test_a_fifth_of_the_load_is_said_with_its_price() -> None:
    """One device makes a fifth of a full one's tokens: five times its price, of 167 users by minutes, 719 by messages.

    Of 3,598 users by minutes few are served faster, and have more tokens each in their minutes.
    """
    minutes, messages = (infercost.economies(**ASKED, **more) for more in ({}, {"messages_per_day": 10}))
    for said, most in ((minutes, 0.1), (messages, 0.2)):
        full = said["users_per_replica"]
        day = infercost.userbase(**ASKED, users=full, replicas=1)["tokens_per_s"]
        if said is messages:
            day = infercost.userbase(**ASKED, users=full, replicas=1, messages_per_day=10)["tokens_per_s"]
        whole = 2.2 / 3600 / day * 1e6
        shares = {"fifth": 5, "two_fifths": 2.5, "four_fifths": 1.25}
        fifth, middle, rest = (said[f"usd_per_million_tokens_{share}"] for share in shares)
        assert [fifth, middle, rest] == pytest.approx([times * whole for times in shares.values()], rel=0.01)
        end = f"serves up to {full:,} users; at 20% load a million cost ${fifth:.2f}, at 40% ${middle:.2f}, at 80% $"
        assert end in said.verdict
        remark = next(row.remark for row in said.results if row.key == "usd_per_million_tokens_fifth")
        users = int(remark.split()[0].replace(",", ""))
        assert most - 0.06 < users / full <= most
    few = infercost.economies(**ASKED, max_sequences=1, minutes_per_day=200).verdict
    assert "One replica of 1 device serves up to " in few
    assert "at 20%" not in few


def test_a_load_that_is_asked_about_has_its_price_and_what_it_leaves_by_hand() -> None:
    """A third of a full device's tokens at three times their price: 2.20 an hour for 730 hours, against an API's bill.

    The API bills 7.5 tokens of prompt for each that comes out: 0.50 x 7.5 + 1.25 USD a million.
    """
    said = infercost.economies(**ASKED, messages_per_day=10, load="30%", api_price="0.50/1.25", max_sequences=8)
    day = infercost.userbase(
        **ASKED, users=said["users_per_replica"], replicas=1, messages_per_day=10, max_sequences=8
    )["tokens_per_s"]
    made = 0.3 * day * 730 * 3600 / 1e6
    assert said["usd_per_million_tokens_at_load"] == pytest.approx(2.2 * 730 / made, rel=0.01)
    assert said["load_usd_per_month"] == pytest.approx(1606)
    assert said["load_api_usd_per_month"] == pytest.approx(made * (0.5 * 7.5 + 1.25), rel=0.01)
    left = said["load_api_usd_per_month"] - 1606
    assert said["load_left_usd_per_month"] == pytest.approx(left)
    assert said["load_gross_margin"] == pytest.approx(left / said["load_api_usd_per_month"])
    assert said.verdict.startswith("At 30.0% load a million output tokens cost $")
    assert " a month at the API's price, costs $1,606 and leaves $" in said.verdict
    alike = infercost.economies(**ASKED, load=0.4)
    assert alike["usd_per_million_tokens_at_load"] == alike["usd_per_million_tokens_two_fifths"]
    assert "at 20% load" not in alike.verdict
    loss = infercost.economies(**ASKED, load=0.4, api_price="0.05/0.25").verdict
    assert " costs $1,606 and loses $" in loss
    few = infercost.economies(**ASKED, load=0.2, max_sequences=1, minutes_per_day=600).verdict
    assert few.startswith("At 20.0% load (1 user of 2: 50.0%) a million output tokens cost $")


def test_a_load_is_one_and_of_one_accelerator() -> None:
    with pytest.raises(InfercostError, match="both say how large the load is"):
        infercost.economies(**ASKED, load=0.3, users=100)
    with pytest.raises(InfercostError, match="one accelerator"):
        infercost.economies(gpu=["h100", "h200"], model="llama-3.1-8b", load=0.5)
    rows = infercost.economies(**ASKED, sweep="load=20%,40%").to_dict()["rows"]
    prices = [row["usd_per_million_tokens_at_load"] for row in rows]
    assert prices[0] == pytest.approx(2 * prices[1], rel=0.01)


def test_what_to_charge_a_user_a_month_by_hand() -> None:
    """Of what 5,000 users pay 60% is left above what they cost; of an API's bill likewise."""
    asked = {"gpu": "h100:4", "model": "llama-3.1-70b", "users": 5000}
    said = infercost.userbase(**asked, margin="60%", price=2)
    replicas = said["replicas"]
    charged = replicas * 4 * 2 * 730 / 5000 / 0.4
    assert said["charged_usd_per_user_month"] == pytest.approx(charged)
    assert said.verdict.startswith(
        f"${charged:.2f} a user a month leaves a gross margin of 60.0%: 5,000 daily users (10 minutes of decoding"
    )
    bill = infercost.userbase(users=5000, workload="chat", api_price="3/15", margin=0.6)
    each = bill["api_usd_per_user_month"] / 0.4
    assert bill["charged_usd_per_user_month"] == pytest.approx(each)
    assert bill.verdict.startswith(f"${each:.2f} a user a month leaves a gross margin of 60.0%: $")
    assert "charged_usd_per_user_month" not in infercost.userbase(**asked).values
    with pytest.raises(InfercostError, match="a user costs a month"):
        infercost.userbase(tokens_per_month=1e9, api_price="3/15", input_tokens=900, output_tokens=100, margin=0.6)
    full = infercost.userbase(**asked | {"users": 1e6}, replicas=1, margin=0.6)
    assert full["charged_usd_per_user_month"] is None


SEATS = {"gpu": "h100:2", "model": "qwen3-32b", "messages_per_day": 60, "input_tokens": 3000, "output_tokens": 400}


def test_the_margin_of_a_seat_by_hand() -> None:
    """Two devices at $3 an hour are $4,380 a month of 730 hours: 1,000 users pay $49,000, and 90 of them $4,410."""
    said = infercost.userbase(**SEATS, users=1000, price=3, seat_price="$49")
    assert (said["replicas"], said["usd_per_month"]) == (1, pytest.approx(4380))
    assert said["gross_margin"] == pytest.approx(1 - 4380 / 49_000)
    assert said["paying_users"] == 90  # 89.4
    assert said.verdict.startswith(
        "$49.00 a user a month leaves a gross margin of 91.1%, and pays from 90 users on: 1,000 daily users need 1 "
    )
    dear = infercost.userbase(**SEATS, users=1000, price=3, seat_price=4)
    assert dear["gross_margin"] == pytest.approx(-0.095)  # a user costs $4.38
    assert dear["paying_users"] == 1095
    assert dear.verdict.startswith("$4.00 a user a month loses $0.38 on each, a gross margin of -9.50%, and pays from ")


def test_a_months_tokens_are_shared_among_the_users_who_are_said(run: Run) -> None:
    """1,000 users with 1.5M tokens each: 1.5e9 / 8,704 requests a month, one H100 at $2 for 730 hours, $1.46 a user.

    Each of a month's 730 / 24 days sees 5.6658 messages of a user; an API bills the tokens at its two prices.
    """
    users, tokens = {"users": 1000, "seat_price": 20}, {"tokens_per_month": 1.5e9}
    said = infercost.userbase(**ASKED | {"price": 2}, **users, **tokens)
    assert said.to_dict()["inputs"]["messages_per_day"] == pytest.approx(1.5e9 / 8704 / 1000 / (730 / 24))
    assert said["gross_margin"] == pytest.approx(1 - 2 * 730 / 1000 / 20)
    assert "; --users says how many have them)" in infercost.userbase(**ASKED, seat_price=20, **tokens).verdict
    bill = infercost.userbase(api_price="0.6/2.4", **users, **tokens)
    assert bill["api_usd_per_user_month"] == pytest.approx(1.5e6 / 8704 * (7680 * 0.6e-6 + 1024 * 2.4e-6))
    steps = run(
        "userbase", "--gpu", "h100:1", "--model", "gpt-oss-120b", "--users", "9", "--tokens-per-month", "1B", "--steps"
    )
    assert "n_msg = T_m / (U_d × (T_in + O) × 730 / 24)" in steps.out


def test_a_price_below_the_cost_of_a_full_replica_never_pays() -> None:
    most = infercost.userbase(**SEATS, users=1000, price=3, replicas=1)["users_capacity"]
    never = infercost.userbase(**SEATS, users=1000, price=3, seat_price=4380 / most / 2)
    assert never["paying_users"] is None
    assert ", and pays with no number of users: 1,000 daily users" in never.verdict
    tight = infercost.userbase(**SEATS, users=1000, price=3, seat_price=4380 / most * 1.05)
    assert tight["paying_users"] == -(-most * 100 // 105)  # one more user takes a second replica: a loss again
    assert f" on ({int(_for_good(tight)):,} for good): " in tight.verdict


def _for_good(said: infercost.Answer) -> str:
    remark = next(row.remark for row in said.results if row.key == "paying_users")
    assert remark.endswith(" on for good, on replicas of 2 devices")
    return remark.removeprefix("the first; from ").partition(" ")[0].replace(",", "")


def test_a_seat_on_replicas_that_are_there_pays_for_all_of_them() -> None:
    """Two replicas of two devices are $8,760 a month whoever comes: 876 users at $10; at $0.80 there is no room."""
    said = infercost.userbase(**SEATS, price=3, replicas=2, users=500, seat_price=10)
    assert said["paying_users"] == 876
    assert said.verdict.startswith("Yes: 500 daily users need 1 of your 2 replicas ")
    assert said.verdict.endswith(
        "$10.00 a user a month loses $7.52 on each, a gross margin of -75.2%, and pays from 876 users on."
    )
    assert infercost.userbase(**SEATS, price=3, replicas=2, users=500, seat_price=0.8)["paying_users"] is None


def test_a_seat_on_an_api_has_a_margin_alone() -> None:
    bill = infercost.userbase(users=5000, workload="chat", api_price="3/15", seat_price=20)
    assert bill["gross_margin"] == pytest.approx(1 - bill["api_usd_per_user_month"] / 20)
    assert bill.verdict.startswith("$20.00 a user a month leaves a gross margin of 9")
    assert "paying_users" not in bill.values
    with pytest.raises(InfercostError, match="--seat-price is of what a user costs a month"):
        infercost.userbase(tokens_per_month=1e9, api_price="3/15", input_tokens=900, output_tokens=100, seat_price=5)


def test_a_seat_unasked_and_over_loads() -> None:
    full = infercost.userbase(**SEATS, users=1e6, replicas=1, price=3, seat_price=9)
    assert full["gross_margin"] is None
    assert not {"gross_margin", "paying_users"} & {*infercost.userbase(**SEATS, users=1000).values}
    rows = infercost.userbase(**SEATS, users=1000, price=3, sweep="seat-price=10,20")
    assert rows.verdict.startswith("With seat price from $10.00 to $20.00, the gross margin rises from 56.2% to 78.1%")


def test_what_a_request_costs_by_hand() -> None:
    """60 messages a day of 1,000 users are 1,825,000 a month of 730 hours, on two devices at $3 an hour."""
    said = infercost.userbase(**SEATS, users=1000, price=3)
    each = 4380 / 1_825_000
    assert said["usd_per_request"] == pytest.approx(each, rel=1e-3)
    assert f" a million output tokens, ${each:.4f} a request, $4,380 a month ($4.38 a user); " in said.verdict
    assumed = infercost.userbase(gpu="h100:2", model="qwen3-32b", users=1000)
    assert assumed["usd_per_request"] == pytest.approx(assumed["usd_per_million_tokens"] / 1e6 * 1024)
    assert " a request" not in assumed.verdict
    least = infercost.economies(**SEATS, price=3)
    assert least["usd_per_request"] == pytest.approx(least["floor_usd_per_million_tokens"] / 1e6 * 400)
    assert "usd_per_request" not in infercost.userbase(gpu="h100:2", params="8B", users=1000, price=3).values


def test_a_margin_at_a_load_is_of_the_cost_there(run: Run) -> None:
    """Of what is charged 60% are left above the cost at that load, not at the floor."""
    asked = ("economies", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--price", "2.5", "--load", "30%")
    said = run(*asked, "--margin", "60%", "--json").json
    cost, charged = (said["results"][f"{key}usd_per_million_tokens_at_load"] for key in ("", "charged_"))
    assert charged == pytest.approx(cost / 0.4)
    assert f"A gross margin of 60.0% takes a price of ${charged:.2f} a million output tokens" in said["verdict"]
