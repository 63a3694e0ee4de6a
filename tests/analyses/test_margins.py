"""What is charged for a token so that a gross margin is left of it."""

import pytest

import infercost
from infercost.errors import InfercostError

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
        fifth, rest = (said[f"usd_per_million_tokens_{share}"] for share in ("fifth", "four_fifths"))
        assert (fifth, rest) == (pytest.approx(5 * whole, rel=0.01), pytest.approx(1.25 * whole, rel=0.01))
        end = f"serves up to {full:,} users; at 20% of its full tokens/s a million cost ${fifth:.2f}, at 80% $"
        assert end in said.verdict
        remark = next(row.remark for row in said.results if row.key == "usd_per_million_tokens_fifth")
        users = int(remark.split()[0].replace(",", ""))
        assert most - 0.06 < users / full <= most
    few = infercost.economies(**ASKED, max_sequences=1, minutes_per_day=200).verdict
    assert "One replica of 1 device serves up to " in few
    assert "at 20%" not in few


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
