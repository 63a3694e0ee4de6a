"""How many users a month's money serves: as many whole replicas as it pays for, every hour of an average month."""

import re

import pytest

import infercost
from infercost.errors import InfercostError
from infercost.parts import catalog
from tests.conftest import Run

ASKED = {"gpu": "h100:2", "model": "llama-3.1-8b", "price": 2}
#: What a hint names: devices, part, a month, and the flags that ask for it.
NAMED = re.compile(
    r"(\d+) x (\S+) holds? it(?: in \S+)? for \$([\d,]+) a month \(--gpu (\S+?)(?: --dtype (\S+))?\)",
)
#: Weights of 70.6 GB, which one device of 80 GB holds without room for a cache beside an engine.
FREE = {"gpu": "h100", "model": "llama-3.3-70b", "dtype": "fp8", "price": 3.49}


def _hint(asked: dict, budget: int) -> str:
    """What is said of a budget that pays for no replica; without a part, that one is needed."""
    try:
        return "; ".join(infercost.userbase(**asked, budget=budget).advice)
    except InfercostError as error:
        return error.hint


@pytest.mark.parametrize(("budget", "replicas"), [("2920", 1), ("5.9k", 2), ("$20k", 6)])
def test_a_budget_pays_for_whole_replicas(budget: str, replicas: int) -> None:
    """Two devices at $2 an hour are $2,920 a month of 730 hours."""
    said, same = infercost.userbase(**ASKED, budget=budget), infercost.userbase(**ASKED, replicas=replicas)
    assert said.values == same.values
    assert said.verdict.startswith(f"{same['users']:,.0f} daily users ")
    assert same.verdict.startswith(f"{same['peak_requests_per_s']:.4g} requests/s ")
    assert (said["replicas"], said["usd_per_month"]) == (replicas, replicas * 2920)
    assert said["users"] == same["users"]


def test_every_size_of_a_replica_within_a_budget_is_tried() -> None:
    """Three at $2 an hour are $4,380 a month: they hold 141 GB of 70B with room that two have not; four are $5,840."""
    asked = {"gpu": "h100", "model": "llama-3.1-70b", "price": 2}
    said = infercost.userbase(**asked, budget=5000)
    counted = infercost.userbase(**{**asked, "gpu": "h100:3"}, budget=5000)
    assert (said["gpus"], said["usd_per_month"]) == (3, 3 * 2 * 730)
    assert said["users"] == counted["users"] > 1000
    assert infercost.userbase(**asked, budget=6000)["gpus"] == 4


def test_advice_within_a_budget_is_what_it_pays_for() -> None:
    """70.6 GB of fp8 weights fill a card of $2,547.70 a month (730 x $3.49): two of them are above $5,000."""
    asked = {**FREE, "input_tokens": 1000, "output_tokens": 300, "budget": 5000}
    said = infercost.userbase(**asked)
    other = infercost.userbase(**{**asked, "dtype": "int4"})
    assert other["users"] > 50 * said["users"]
    weights, cache = said.advice
    room = f"room for {other['batch_limit']:.0f} sequences ({other['users']:,.0f} users at "
    assert weights.startswith(f"weights in 4 bits (--dtype int4) leave {room}")
    assert f" users at {1 / other['tpot_s']:.4g} tokens/s), and a full replica's token costs " in weights
    assert cache.startswith("a cache in 8 bits (--kv-dtype fp8) leaves room for ")
    two = infercost.userbase(**{**asked, "dtype": "bf16", "budget": 5200})  # 141 of 144 GB
    assert two.advice[0].startswith("weights in 8 bits (--dtype fp8) leave room for ")
    unpaid = {**FREE, "model": "llama-3.1-8b", "dtype": "bf16", "users": 100_000, "budget": 5000}
    (more,) = infercost.userbase(**unpaid).advice
    needed = infercost.userbase(**{**unpaid, "budget": None})["usd_per_month"]
    assert more.startswith(f"${needed:,.0f} a month (--budget) for all of them, or ")


def test_a_budget_is_refused_where_it_says_nothing() -> None:
    for options, words in (
        ({"budget": "20k", "replicas": 2}, "--budget and --replicas"),
        ({"budget": "20k", "scale_down": True}, "--budget and --scale-down"),
    ):
        with pytest.raises(InfercostError, match=words):
            infercost.userbase(**ASKED, **options)


@pytest.mark.parametrize(("budget", "devices"), [(5100, 2), (10_000, 3), (10_200, 4), (21_000, 4)])
def test_a_budget_chooses_among_the_replicas_that_it_pays_for(budget: int, devices: int) -> None:
    """At $3.49 an hour two H100s are $5,095.40 a month, three $7,643.10, four, whose tokens cost least, $10,190.80."""
    said = infercost.userbase(**FREE, budget=budget)
    assert said["gpus"] / said["replicas"] == devices
    assert said["usd_per_month"] == pytest.approx(said["gpus"] * 3.49 * 730)
    assert said["usd_per_month"] <= budget


@pytest.mark.parametrize(
    ("more", "devices", "hint"),
    [
        ({}, 2, "no smaller one holds the model"),
        ({"gpus": 4}, 4, r"the smallest that holds the model, of 2 devices, is \$5,095"),
        ({"tp": 4}, 4, r"of 2 devices, is \$5,095"),
    ],
)
def test_a_budget_that_pays_for_no_replica_names_the_least(more: dict, devices: int, hint: str) -> None:
    """The answer is a No with what one replica is a month: its devices at $3.49 an hour, 730 hours."""
    said = infercost.userbase(**FREE, budget=5000, **more)
    assert not said.met
    assert said["usd_per_month"] == pytest.approx(devices * 3.49 * 730)
    month = rf"\${devices * 3.49 * 730:,.0f} a month"
    assert re.match(rf"No: a replica of {devices} devices is {month} \(limit \$5,000\)\. \d", said.verdict)
    assert re.search(hint, said.advice[0])


def test_a_budget_below_a_replica_is_a_limit_like_others(run: Run) -> None:
    """Exit code 3; beside what a token costs, and where a load does not fit; each point of a sweep has its replica."""
    asked = ("userbase", "--gpu", "h100:2", "--model", "llama-3.1-8b", "--price", "2", "--json")
    said = run(*asked, "--users", "9", "--budget", "2919", "--max-cost", "0.01")
    assert (said.code, said.json["met"]) == (3, False)
    verdict = said.json["verdict"]
    assert verdict.startswith("No: a replica of 2 devices is $2,920 a month (limit $2,919) and $")
    assert verdict.count("No: ") == 1
    many = run(*asked, "--users", "1M", "--budget", "2919").json
    assert "(limit $2,919). 1,000,000 daily users (" in many["verdict"]
    assert any(each.endswith(" a month (--budget) for all of them") for each in many["advice"])
    rows = infercost.userbase(**FREE, sweep="budget=5000,5100,10k").to_dict()["rows"]
    assert [(row["met"], row["gpus"]) for row in rows] == [(False, 2), (True, 2), (True, 3)]


@pytest.mark.parametrize(
    ("asked", "budget"),
    [
        ({"model": "llama-3.1-70b", "gpu": "b200"}, 3000),
        ({"model": "llama-3.1-405b", "gpu": "h100"}, 10_000),
        ({"model": "llama-3.1-405b", "gpu": "b200"}, 12_000),
        ({"model": "llama-3.1-70b"}, 20_000),
        (FREE, 5000),
    ],
)
def test_a_budget_that_is_too_small_names_what_it_pays_for(asked: dict[str, str], budget: int) -> None:
    """Each that is named is asked again: it costs its devices' rent of 730 hours, and serves within the budget."""
    named = NAMED.findall(_hint(asked, budget))
    assert named
    for count, name, month, gpu, dtype in named:
        rent = asked.get("price") or catalog.load("accelerators", name).value("rent_neocloud")
        assert int(month.replace(",", "")) == round(int(count) * rent * 730) <= budget
        other = {**asked, "gpu": gpu, **({"dtype": dtype} if dtype else {})}
        assert infercost.userbase(**other, budget=budget)["usd_per_month"] <= budget


def test_a_budget_below_the_cheapest_part_is_told_what_that_costs() -> None:
    for asked in ({"gpu": "h100"}, {}):
        words = _hint({"model": "deepseek-v3", **asked}, 100)
        assert re.search(r"the cheapest of all: \d+ x \S+ holds? it in int4 for \$[\d,]+ a month", words)
    own = _hint({"model": "deepseek-v3", "gpu": "h100", "price": 2}, 100)  # a price of one's own is of no other part
    assert set(re.findall(r"--gpu (\S+)", own)) == {"h100-sxm"}


def test_a_budget_takes_the_replicas_of_which_it_pays_for_most_tokens() -> None:
    """$5,000 pay for three of one H100 at $2.20 an hour ($1,606 a month), or one of two, whose tokens cost less."""
    asked = {"gpu": "h100", "model": "qwen3-32b", "dtype": "fp8", "price": 2.2}
    said = infercost.userbase(**asked, budget=5000)
    assert (said["gpus"], said["replicas"]) == (3, 3)
    assert said["users"] > infercost.userbase(**asked, gpus=2, budget=5000)["users"]
    more = infercost.userbase(**asked, budget=7000)
    assert (more["gpus"], more["replicas"]) == (4, 2)


def test_a_budget_says_how_many_tokens_a_month_come_out() -> None:
    """Tokens a second over 730 hours."""
    said = infercost.userbase(**ASKED, budget=5000)
    month = said["tokens_per_s"] * 730 * 3600
    assert f"$2,920 a month for {month / 1e9:.4g}B of them (" in said.verdict
    assert said["tokens_per_month"] == pytest.approx(month * (1 + 7680 / 1024))
