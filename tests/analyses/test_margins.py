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
    assert f" a price of ${charged:.2f} a million output tokens all in at 1,000 users, $" in said.verdict
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


def test_a_fifth_of_the_users_is_said_with_its_price() -> None:
    """Of 3,598 users 719 cost less than five times a token: their minutes have more tokens each; messages have not."""
    minutes = infercost.economies(**ASKED)
    paid = minutes["usd_per_million_tokens_fifth"]
    assert minutes.verdict.endswith(f"takes 3,598, at 20% of them for ${paid:.2f}.")
    said = {row.key: row.remark for row in minutes.results}
    assert said["usd_per_million_tokens_fifth"].endswith("; fewer are served faster and decode more in their minutes")
    assert "minutes" not in said["usd_per_million_tokens_four_fifths"]
    messages = infercost.economies(**ASKED, messages_per_day=10)
    remark = next(row.remark for row in messages.results if row.key == "usd_per_million_tokens_fifth")
    assert "minutes" not in remark
    assert messages["usd_per_million_tokens_fifth"] == pytest.approx(
        4 * messages["usd_per_million_tokens_four_fifths"], rel=1e-3
    )
