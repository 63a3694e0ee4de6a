"""A limit on what a token costs: the answer of a gate, by exit codes."""

import re

import pytest

import infercost
from infercost.errors import InfercostError
from tests.conftest import Run

SERVED = ("--gpu", "h100:4", "--model", "llama-3.3-70b", "--price", "2.5")
ASKED = {
    "utilization": (*SERVED, "--batch", "8"),
    "userbase": (*SERVED, "--users", "5000"),
    "economies": SERVED,
    "frontier": ("--gpu", "h100", "--model", "llama-3.3-70b", "--price", "2.5", "--gpus", "4"),
}
KEYS = {
    "economies": "floor_usd_per_million_tokens",
    "frontier": "least_usd_per_million_tokens",
}


@pytest.mark.parametrize("command", [*ASKED])
def test_a_cost_above_its_limit_is_not_met(run: Run, command: str) -> None:
    plain = run(command, *ASKED[command], "--json").json
    cost = plain["results"][KEYS.get(command, "usd_per_million_tokens")]
    kept = run(command, *ASKED[command], "--json", "--max-cost", f"{cost * 1.01:.4f}")
    assert (kept.code, kept.json["met"]) == (0, True)
    if command != "frontier":  # whose rows are those within the limit
        assert re.match(r"Yes: \$[\d.]+ a million output tokens \(limit \$[\d.]+\)\. ", kept.json["verdict"])
        assert kept.json["verdict"].endswith(plain["verdict"])
    above = run(command, *ASKED[command], "--json", "--max-cost", f"{cost * 0.99:.4f}")
    assert (above.code, above.json["met"]) == (3, False)
    assert re.match(r"No: \$[\d.]+ a million output tokens \(limit \$[\d.]+\)(\.|,| is) ", above.json["verdict"])
    assert above.json["verdict"].endswith(plain["verdict"])
    assert above.json["results"] == plain["results"]


@pytest.mark.parametrize("best", ["speed", "knee", "cost", None])
def test_rows_of_a_frontier_are_chosen_among_those_within_the_limit(best: str | None) -> None:
    """The rows within it are those of the frontier without one; the verdict names the request that the price is of."""
    asked = {"gpu": ["h100", "h200"], "model": "llama-3.3-70b", "price": 2.5, "gpus": 4}
    rows = infercost.frontier(**asked).to_dict()["rows"]
    costs = sorted(row["usd_per_million_tokens_all_in"] for row in rows if row["on_frontier"])
    limit = costs[len(costs) // 3]
    said = infercost.frontier(**asked, max_cost=limit, **({"best": best} if best else {}))
    kept = [row["usd_per_million_tokens_all_in"] for row in said.to_dict()["rows"]]
    assert said.met
    assert max(kept) <= limit
    start = r"Yes: \$[\d.]+ a million output tokens \(limit \$[\d.]+\) is the least, of 7,680 tokens in and 1,024 out "
    place = r"assumed\. " if best == "cost" else r"assumed, at batch [\d,]+ on 4 x h[12]00-sxm"
    assert re.match(start + place, said.verdict)
    if best is None:
        assert kept == [each for row in rows if (each := row["usd_per_million_tokens_all_in"]) <= limit]
    none = infercost.frontier(**asked, max_cost=costs[0] / 2, **({"best": best} if best else {}))
    assert not none.met
    assert none.verdict.startswith("No: ")


def test_a_part_without_a_row_within_the_limit_says_its_least() -> None:
    asked = {"gpu": ["h100", "l40s"], "model": "llama-3.1-8b", "gpus": 1}
    least = [infercost.frontier(**{**asked, "gpu": name})["least_usd_per_million_tokens"] for name in asked["gpu"]]
    said = infercost.frontier(**asked, max_cost=sum(least) / 2).verdict
    assert f" l40s: ${least[1]:.2f} at least." in said


def test_a_limit_holds_at_the_load_that_was_asked_and_at_each_point() -> None:
    """At 25% of the load of one replica tokens cost four times as much: 3.5 times the floor is too little."""
    asked = {"gpu": "h100:4", "model": "llama-3.3-70b", "price": 2.5}
    floor = infercost.economies(**asked)["floor_usd_per_million_tokens"]
    assert infercost.economies(**asked, max_cost=3.5 * floor).met
    assert not infercost.economies(**asked, max_cost=3.5 * floor, load=0.25).met
    rows = infercost.utilization(**asked, sweep="batch=1,16", max_cost=20).to_dict()["rows"]
    assert [row["met"] for row in rows] == [row["usd_per_million_tokens"] <= 20 for row in rows] == [False, True]
    yes = infercost.userbase(**asked, users=5000, replicas=1)
    assert yes.verdict.startswith("Yes: ")
    no = infercost.userbase(**asked, users=5000, replicas=1, max_cost=1).verdict
    assert no.endswith(yes.verdict.removeprefix("Yes: "))
    assert re.match(r"No: \$[\d.]+ a million output tokens \(limit \$1\.00\)\. ", no)


def test_a_limit_needs_a_cost() -> None:
    with pytest.raises(InfercostError, match="no cost of a token is known here"):
        infercost.utilization(gpu="rx-7900-xtx", params="8B", dtype="q4_k_m", max_cost=1)


def test_so_many_in_flight_on_given_devices_are_in_time_or_not(run: Run) -> None:
    """The time of the answer without a limit is within a longer one, and not within a shorter one."""
    asked = ("utilization", *SERVED, "--concurrency", "64", "--json")
    plain = run(*asked).json
    time = 1000 * plain["results"]["itl_s"]
    kept, late = (run(*asked, "--max-tpot", f"{time * times:.3f}ms") for times in (1.01, 0.99))
    assert (kept.code, kept.json["met"]) == (0, True)
    assert kept.json["verdict"].startswith(f"Yes: {time:.4g} ms a token (limit ")
    assert kept.json["verdict"].endswith(plain["verdict"])
    assert (late.code, late.json["met"]) == (3, False)
    assert late.json["verdict"].startswith(f"No: {time:.4g} ms a token (limit ")
    both = run(*asked, "--max-tpot", "1ms", "--max-cost", "0.01").json["verdict"]
    assert " ms a token (limit 1 ms) and $" in both
    assert " a million output tokens (limit $0.01). " in both
