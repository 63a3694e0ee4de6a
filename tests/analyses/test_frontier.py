"""The frontier: his paper's best speeds, rows that can be asked again, and that nothing beats them."""

import json
import math
import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.analyses.frontier.search import Point, Trial, busy_ttft, candidates, most_batch, pareto_indices, search
from infercost.errors import InfercostError
from infercost.models.find import find_model
from infercost.replica.layout import Layout, every_layout
from infercost.report import Report
from infercost.scenario.read import ask
from infercost.scenario.resolve import resolve
from infercost.scenario.scenario import Scenario
from infercost.units import many, show
from tests.conftest import ROOT, Run, calls_of, grid

HIS = str(ROOT / "tests/data/erdil/h100.yaml")
SMALL = {"model": "llama-3.1-8b", "gpu": "h100", "max_gpus": 4}


def rows_of(report: Report) -> list[dict[str, Any]]:
    assert report.series
    return [dict(row) for row in report.series.rows]


def spaces_of(options: str) -> tuple[Scenario, ...]:
    words = options.split()
    given = {name[2:].replace("-", "_"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    return resolve(ask("frontier", given)).each


def groups_of(space: Scenario) -> Iterator[tuple[Trial, Sequence[int]]]:
    for candidate in candidates(space)[0]:
        trial = Trial(candidate)
        yield from ((trial, batches) for batches in trial.groups())


def named(point: Point) -> tuple[Any, ...]:
    return point.candidate.rack.plan.layout, *point[1:]


def best(which: str, **options: Any) -> dict[str, Any]:
    return rows_of(infercost.frontier(**options, best=which))[0]


def test_a_job_says_the_tokens_of_all_at_its_point() -> None:
    """A million tokens at $13.96 an hour (4 x $3.49) cost $13.96 / 3600 s / (tokens/s), prompts paid."""
    said = infercost.frontier(gpu="h100", gpus=4, model="llama-3.3-70b", dtype="fp8", max_tpot=0.03)
    usd, rate = re.search(
        r"at \$([0-9.]+) a million.*? at batch 28: ([0-9.]+) tokens/s in all\. ", said.verdict
    ).groups()
    assert float(rate) == pytest.approx(4 * 3.49 / 3600 / float(usd) * 1e6, rel=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "dtype", "speed", "devices", "usd"),
    [
        ("llama-3-8b", "bf16", 485.806, 8, 9.606),
        ("llama-3-70b", "bf16", 125.265, 16, 74.5087),
        ("llama-3-70b", "fp8", 156.984, 8, 29.7271),
        (str(ROOT / "tests/data/erdil/llama-3-405b.yaml"), "bf16", 57.403, 64, 650.3696),
        ("mixtral-8x22b", "bf16", 191.517, 16, 48.7336),
    ],
)
def test_best_speeds_of_the_later_paper(model: str, dtype: str, speed: float, devices: int, usd: float) -> None:
    """Figures of Erdil's notebook (ege-erdil/inference-economics at 589a102), over whole numbers of devices."""
    row = best("speed", model=model, dtype=dtype, gpu=HIS, efficiency="erdil-2025", max_gpus=128)
    assert row["tokens_per_s_per_user"] == pytest.approx(speed, rel=0.03)
    assert row["usd_per_million_tokens"] == pytest.approx(usd, rel=0.03)
    assert (row["gpus"], row["batch"]) == (devices, 1)


@pytest.mark.slow
def test_the_knee_is_where_his_notebook_prefers_to_be() -> None:
    """He prints 39.55 tokens/s a user at $9.31 for 405B on real numbers of devices, 89.24 at $0.605 for 70B."""
    his = {"gpu": HIS, "efficiency": "erdil-2025", "max_gpus": 256}
    row = best("knee", model=str(ROOT / "tests/data/erdil/llama-3-405b.yaml"), **his)
    assert (row["tokens_per_s_per_user"], row["usd_per_million_tokens"]) == pytest.approx((39.553, 9.3063), rel=0.03)
    row = best("knee", model="llama-3-70b", **his)
    assert (row["tokens_per_s_per_user"], row["usd_per_million_tokens"]) == pytest.approx((89.2409, 0.60469), rel=0.04)


@grid(
    "options",
    [
        "--model llama-3.1-405b --gpu h100",
        "--model deepseek-v3 --gpu h200 --max-gpus 64 --context 4k --price $2.10/h",
        "--model llama-3-70b --gpu h100 --efficiency erdil-2025 --max-gpus 16",
        "--model mixtral-8x7b --gpu mi300x --efficiency ideal --overlap none",
        "--model gpt-oss-120b --gpu h100 --gpu b200 --users 1M --max-gpus 16",
        "--model llama-3.1-70b --gpu h100 --dtype bf16,fp8 --kv-dtype fp8 --prefix-share 50%",
        "--model llama-3.1-70b --gpu h100 --draft-tokens 4 --acceptance 80% --draft-model llama-3.1-8b",
        "--model llama-3.1-8b --gpu h100 --isl 1k --osl 256 --set gpu.memory_bandwidth=5TB/s --usable 80%",
    ],
)
def test_every_row_can_be_asked_again_to_the_last_digit(run: Run, options: str) -> None:
    rows = run("frontier", *options.split(), "--json").json["rows"]
    for row in rows[:: max(len(rows) // 4, 1)]:
        command = shlex.split(row["replay"])
        assert command[:2] == ["infercost", "utilization"]
        again = run(*command[1:], "--json")
        assert again.code == 0, again.err
        results = again.json["results"]
        assert {key: row[key] for key in results if key in row} == {key: results[key] for key in results if key in row}
        # whatever is on a frontier fits
        own = {
            "tuned_step_time_s",
            "tuned_ttft_s",
            "fits",
            "shortfall_bytes",
            "most_requests_per_s",
            "experts_hit_share",
            "cache_bytes_share",
            "attention_gain_bound",
            "tokens_per_s_per_user_all_in",
            "tokens_per_s_per_gpu_all_in",
            "usd_per_hour",
            "rated_power_w",
            "kwh_per_day",
            "prompt_itl_s",
        }
        assert {*results} - {*row} <= {*own, "usd_per_request", "wh_per_request", "input_tokens_per_s"}
        assert (results["fits"], results["shortfall_bytes"]) == (True, 0)


def test_the_flags_of_a_row_complete_the_command_below_the_table(run: Run) -> None:
    said = run("frontier", "--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "8", "--format", "plain").out
    shared = " ".join(said[said.index("  infercost utilization") :].replace("\\\n", "").split())
    row = run("frontier", "--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "8", "--json").json["rows"][0]
    assert row["flags"] in said
    assert sorted(shlex.split(shared.replace("...", row["flags"]))) == sorted(shlex.split(row["replay"]))


def alone(tp: int, pp: int, batch: int) -> tuple[float, float]:
    report = infercost.utilization(
        model="llama-3.1-8b", gpu=f"h100:{tp * pp}", tp=tp, pp=pp, batch=batch, context=4096, price=2
    )
    return report["tokens_per_s_per_user"], report["usd_per_million_tokens"]


def test_nothing_beats_a_row_and_what_is_left_out_is_beaten() -> None:
    """Every layout on up to four devices, by hand: 1, 2 and 4 divide the 32 heads, any depth the 32 layers."""
    batches = (1, 6, 24, 96)
    layouts = [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (4, 1)]
    known = {key: alone(*key) for key in ((*layout, batch) for layout, batch in product(layouts, batches))}
    rows = rows_of(infercost.frontier(**SMALL, context=4096, price=2, batch=batches))
    found = {(row["tp"], row["pp"], row["batch"]) for row in rows}
    for key, (speed, cost) in known.items():
        beaten = any(
            (other[0] >= speed and other[1] < cost) or (other[0] > speed and other[1] <= cost)
            for other in known.values()
        )
        assert (key in found) == (not beaten), key


def test_rows_go_from_fast_and_dear_to_slow_and_cheap() -> None:
    rows = rows_of(infercost.frontier(**SMALL))
    speeds = [row["tokens_per_s_per_user"] for row in rows]
    costs = [row["usd_per_million_tokens_all_in"] for row in rows]
    assert speeds == sorted(speeds, reverse=True) == sorted(set(speeds), reverse=True)
    assert costs == sorted(set(costs), reverse=True)


def test_pareto_indices_points_of_a_handful() -> None:
    """Of five points, (3, 3) is slower and dearer than (4, 2), and of two alike the first is kept."""
    assert pareto_indices([1, 4, 3, 5, 4], [1, 2, 3, 9, 2]) == [3, 1, 0]


@pytest.mark.parametrize(
    ("model", "count"), [("llama-3.1-405b", 624), ("deepseek-v3", 1459)], ids=["405B", "DeepSeek-V3"]
)
def test_layouts_of_up_to_1024_devices(model: str, count: int) -> None:
    """405B has 128 heads and 126 layers: seven powers of two for tp, and as many stages as there is room for."""
    found = every_layout(find_model(model).model, 1024)
    assert len(found) == len(set(found)) == count
    assert all(one.devices <= 1024 for one in found)
    if model == "llama-3.1-405b":
        assert count == sum(min(126, 1024 // 2**power) for power in range(8))
    assert every_layout(find_model(model).model, 64, Layout(8, 0, 1)) == [Layout(8, stages) for stages in range(1, 9)]


def test_what_memory_excludes_is_counted() -> None:
    """80 GB hold 70B parameters in 16 bits on two devices at best: one device alone is too small."""
    report = infercost.frontier(model="llama-3.1-70b", gpu="h100", gpus=1)
    assert (report.met, report["layouts"], report["layouts_excluded"]) == (False, 1, 1)
    assert report.verdict.startswith("Does not fit")
    report = infercost.frontier(model="llama-3.1-70b", gpu="h100", max_gpus=4)
    assert report.met
    assert 0 < report["layouts_excluded"] < report["layouts"]


def test_filters_take_from_the_rows_and_change_none() -> None:
    whole = rows_of(infercost.frontier(**SMALL))
    swift = rows_of(infercost.frontier(**SMALL, max_tpot=0.012))
    assert [row for row in swift if row in whole] == [row for row in whole if row["itl_s"] <= 0.012]
    assert max(row["itl_s"] for row in swift) <= 0.012
    limit = sorted(row["ttft_s"] for row in whole)[len(whole) // 2]
    quick = rows_of(infercost.frontier(**SMALL, max_ttft=limit))
    assert quick
    assert all(row["ttft_s"] <= row["busy_ttft_s"] <= limit for row in quick)


def test_a_first_token_beside_a_full_batch_is_the_service_s() -> None:
    """As ``userbase`` has it of a replica that is full, and no sooner than where as many follow each other in a loop.

    One request at a time meets an idle server. A limit between two batches is kept by the first of them alone.
    """
    asked = {"model": "llama-3.1-70b", "gpu": "h100:8"}
    rows = rows_of(infercost.frontier(**asked, tp=8, max_ttft=60))
    assert (rows[0]["batch"], rows[0]["busy_ttft_s"]) == (1, pytest.approx(rows[0]["ttft_s"]))
    row = rows[-1]
    loop = infercost.utilization(**asked, tp=8, concurrency=row["batch"])
    assert row["busy_ttft_s"] > loop["ttft_s"] > 1.3 * row["ttft_s"]
    full = infercost.userbase(**asked, tp=8, max_sequences=row["batch"], users=10**6)
    assert full["batch"] == pytest.approx(row["batch"], rel=0.01)
    assert row["busy_ttft_s"] == pytest.approx(full["ttft_s"], rel=0.01)
    limit = (rows[-2]["busy_ttft_s"] + row["busy_ttft_s"]) / 2
    kept = rows_of(infercost.frontier(**asked, tp=8, max_ttft=limit))
    assert rows[-2]["batch"] <= kept[-1]["batch"] < row["batch"]


def test_users_share_replicas_evenly() -> None:
    """144,000 users of 10 minutes keep 1,000 sequences decoding: on 8 replicas 125, on 9 at most 112."""
    options = {"model": "llama-3.1-8b", "gpu": "h100", "gpus": 1, "users": 144_000, "context": 1024}
    rows = {row["replicas"]: row for row in rows_of(infercost.frontier(**options))}
    assert (rows[8]["batch"], rows[8]["total_gpus"], rows[9]["batch"]) == (125, 8, 112)
    for key, seats in ((8, 8 * 125), (9, 9 * 112)):
        paid = rows[key]["usd_per_million_tokens_all_in"] / rows[key]["usd_per_million_tokens"]
        assert paid == pytest.approx(seats / 1000)
    assert max(row["total_gpus"] for row in rows_of(infercost.frontier(**options, max_gpus=8))) == 8
    refused = infercost.frontier(**options, max_gpus=1)
    assert not refused.met
    assert f"it takes {min(rows)} devices" in refused.verdict


def test_prompts_are_paid_for() -> None:
    """Of each second of decoding, batch requests of so many tokens end, and each brought a prompt of its time.

    A prompt among the steps of a batch adds less than it takes alone: weights are read once for both.
    """
    row = best("cost", **SMALL, input_tokens=5000, output_tokens=100)
    ended = row["batch"] / (row["tpot_s"] * 100)
    assert row["prefill_per_decode"] == pytest.approx(ended * row["prefill_time_s"] / row["pp"])
    decode, paid = row["usd_per_million_tokens_decode"], row["usd_per_million_tokens"]
    assert row["usd_per_million_tokens_all_in"] == paid
    assert decode < paid < decode * (1 + row["prefill_per_decode"])


def test_a_limit_between_two_batches_of_the_search_is_met_to_the_last_sequence(tmp_path: Path) -> None:
    options = {"model": "llama-3.1-70b", "gpu": "h100", "max_gpus": 8, "context": 1024}
    infercost.frontier(**options, all=True, output=tmp_path / "all.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    for limit in (0.02, 0.0266, 0.035):
        known = min(row["usd_per_million_tokens"] for row in rows if row["tpot_s"] <= limit)
        assert best("cost", **options, max_tpot=limit)["usd_per_million_tokens"] == pytest.approx(known, rel=1e-9)


def test_equal_costs_do_not_hide_the_faster() -> None:
    """Under full overlap every batch past the knee costs the same: the first of them is the cheapest and fastest."""
    row = best("cost", model="llama-3.1-70b", gpu="h100", gpus=8, tp=8, efficiency="ideal", price=2)
    assert row["bound"] == "compute"
    slower = infercost.utilization(
        model="llama-3.1-70b", gpu="h100:8", tp=8, efficiency="ideal", batch=row["batch"] - 9
    )
    assert slower["bound"] == "memory"


def test_a_draft_that_does_not_fit_is_left_out() -> None:
    draft = {"draft_tokens": 4, "acceptance": 0.7, "draft_model": "llama-3.1-8b"}
    rows = rows_of(infercost.frontier(model="llama-3.1-70b", gpu="h100", gpus=2, context=1024, **draft))
    assert {row["name"] for row in rows} == {"h100-sxm"}


def test_all_that_was_asked_is_said() -> None:
    report = infercost.frontier(
        model=["llama-3.1-8b", "qwen3-8b"], gpu=["h100", "b200"], dtype="bf16,fp8", users=1e5, max_tpot=0.05, tp=1,
        max_gpus=64,
    )  # fmt: skip
    inputs = {item.key: item.value for item in report.inputs}
    assert inputs["gpu"] == ("h100-sxm", "b200-sxm")
    assert inputs["model"] == ("llama-3.1-8b", "qwen3-8b")
    assert inputs["dtype"] == ("bf16", "fp8")
    assert (inputs["users"], inputs["max_tpot"], inputs["minutes_per_day"], inputs["tp"]) == (1e5, 0.05, 10, 1)
    assert {"h100-sxm.memory_bandwidth", "b200-sxm.memory_bandwidth"} <= set(inputs)


def test_a_rate_in_all_takes_replicas() -> None:
    rows = rows_of(infercost.frontier(**SMALL, context=4096, min_tokens_per_s=3_000))
    assert rows
    for row in rows:
        assert row["replicas"] * row["tokens_per_s"] >= 3_000
        assert (row["replicas"] - 1) * row["tokens_per_s"] < 3_000
        assert row["total_gpus"] == row["replicas"] * row["gpus"] <= 4


def test_a_rate_in_all_pays_for_every_device_and_takes_the_fewest() -> None:
    """10,000 tokens/s on 40 devices at $3.49 an hour: 40 x 3.49 / 3600 / 10,000 = $3.88 a million, whoever else idles.

    Of every layout, each replica at any batch, no fewer devices carry it, and of a count the fastest batch is found.
    """
    asked = {"model": "llama-3.1-70b", "gpu": "h100", "price": 3.49, "min_tokens_per_s": 10_000}
    report = infercost.frontier(**asked)
    for row in rows_of(report):
        paid = row["total_gpus"] * 3.49 / 3600 / 10_000 * 1e6
        assert row["usd_per_million_tokens_all_in"] == pytest.approx(paid)
        assert row["replicas"] == math.ceil(10_000 / row["tokens_per_s_all_in"])
        if row["batch"] > 1 and row["pp"] == 1:  # a smaller batch takes a replica more
            layout = {
                "gpu": "h100",
                "model": asked["model"],
                "tp": row["tp"],
                "input_tokens": 7680,
                "output_tokens": 1024,
            }
            fewer = infercost.utilization(**layout, batch=row["batch"] - 1)["tokens_per_s_all_in"]
            assert fewer * row["replicas"] < 10_000
    cheapest = rows_of(report)[-1]
    every = rows_of(infercost.frontier(model="llama-3.1-70b", gpu="h100"))
    fewest = min(row["gpus"] * math.ceil(10_000 / row["tokens_per_s_all_in"]) for row in every)
    assert cheapest["total_gpus"] <= fewest == 40
    assert report.verdict.endswith(" Prices are of all devices over the 10,000 tokens/s asked for.")


def test_less_than_a_replica_gives_pays_for_the_replica() -> None:
    """One token a second of two H100 at $3.60 an hour: 2 x 3.60 / 3600 s are $2,000 a million."""
    report = infercost.frontier(model="llama-3.1-70b", gpu="h100", gpus=2, price=3.6, min_tokens_per_s=1, dtype="fp8")
    assert [row["usd_per_million_tokens_all_in"] for row in rows_of(report)] == [pytest.approx(2000)]
    users = infercost.frontier(model="llama-3.1-70b", gpu="h100", price=3.6, min_tokens_per_s=1, users=10_000)
    assert "asked for" not in users.verdict
    assert [row["total_gpus"] for row in rows_of(users)] == [
        row["total_gpus"] for row in rows_of(infercost.frontier(model="llama-3.1-70b", gpu="h100", users=10_000))
    ]


def test_several_parts_are_on_one_frontier() -> None:
    rows = rows_of(infercost.frontier(model="llama-3.1-70b", gpu=["h100", "b200"], max_gpus=16))
    apart = {
        part: rows_of(infercost.frontier(model="llama-3.1-70b", gpu=part, max_gpus=16)) for part in ("h100", "b200")
    }
    assert len(rows) == sum(map(len, apart.values()))
    assert {row["name"] for row in rows} == {"h100-sxm", "b200-sxm"}
    front = [row for row in rows if row["on_frontier"]]
    for row in rows:
        beaten = any(
            other["tokens_per_s_per_user"] > row["tokens_per_s_per_user"]
            and other["usd_per_million_tokens_all_in"] <= row["usd_per_million_tokens_all_in"]
            for other in front
        )
        assert beaten != row["on_frontier"]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"gpu": "h100"}, "needs model"),
        ({**SMALL, "shard": "1/2"}, "--shard"),
        ({**SMALL, "all": True, "max_tpot": 0.02}, "disagree"),
        ({**SMALL, "tp": 3}, "--tp 3"),
        ({**SMALL, "tp": 8}, "no layout of up to 4 devices with --tp 8"),
        ({**SMALL, "gpu": ["h100", "apple-m1"]}, "no price of apple-m1"),
        ({**SMALL, "efficiency": "ideal", "max_ttft": 1.0}, "--max-ttft needs a prompt"),
        ({**SMALL, "users": 1e5, "batch": [8]}, "disagree"),
        ({**SMALL, "minutes_per_day": 20}, "there are none"),
        ({**SMALL, "tp": 4, "gpus": 3}, "no layout of 3 devices"),
        ({**SMALL, "gpus": 8}, "no layout of 8 devices"),
        ({**SMALL, "best": "fast"}, "best"),
    ],
)
def test_what_it_refuses(options: dict[str, Any], what: str) -> None:
    with pytest.raises(InfercostError) as error:
        infercost.frontier(**options)
    assert what in error.value.what


def test_limits_that_nothing_meets(run: Run) -> None:
    said = run("frontier", "--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "2", "--max-tpot", "1us", "--json")
    assert said.code == 3
    assert said.json["verdict"].startswith("Nothing meets this")
    assert said.json["rows"] == []


def test_every_limit_that_nothing_meets_is_named_with_limits_that_can_be_met(run: Run) -> None:
    """Each limit asked alone is missed by as much; what is named as reachable is met when it is asked for."""
    asked = ("frontier", "--gpu", "h200", "--model", "glm-4.7", "--isl", "16k", "--osl", "1k", "--max-gpus", "16")
    limits = (("--max-tpot", "5ms"), ("--max-ttft", "300ms"))
    both = run(*asked, *limits[0], *limits[1], "--json")
    alone = [run(*asked, *limit, "--json") for limit in limits]
    assert [said.code for said in (both, *alone)] == [3, 3, 3]
    slow, late = (said.json["verdict"].removeprefix("Nothing meets this: ").rstrip(".") for said in alone)
    assert both.json["verdict"] == f"Nothing meets this: {slow} and {late}."
    flags = both.json["advice"][0].removesuffix(" can be met").split()
    assert flags[::2] == ["--max-tpot", "--max-ttft"]
    assert run(*asked, *flags, "--json").code == 0


@pytest.mark.parametrize(
    ("limits", "flags"),
    [
        (("--max-ttft", "1us"), ["--max-ttft"]),
        (("--max-tpot", "1us", "--users", "5000"), ["--max-tpot"]),
    ],
)
def test_a_limit_that_can_be_met_is_named(run: Run, limits: tuple[str, ...], flags: list[str]) -> None:
    asked = ("frontier", "--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "2")
    asked += ("--input-tokens", "1000", "--output-tokens", "200")
    advised = run(*asked, *limits, "--json").json["advice"][0].removesuffix(" can be met").split()
    assert advised[::2] == flags
    assert run(*asked, *limits, *advised).code == 0


def test_a_part_without_a_network_stays_in_its_node() -> None:
    report = infercost.frontier(model="llama-3.1-8b", gpu="rtx-4090", price=0.5)
    assert max(row["gpus"] for row in rows_of(report)) <= 8
    assert any(note.code == "reach" for note in report.notes)


@grid(
    "options",
    [
        "--model llama-3.1-70b --gpu h100 --max-gpus 16",
        "--model llama-3.1-70b --gpu h100 --max-gpus 8 --batch 1,2,3,5,8,13,21,34,55,89,144",
        "--model deepseek-v3 --gpu h200 --max-gpus 32 --users 20k",
        "--model mixtral-8x7b --gpu mi300x --max-gpus 16 --max-tpot 15ms --max-ttft 300ms --min-tokens-per-s 20000",
        "--model gpt-oss-120b --gpu b200 --max-gpus 8 --efficiency ideal --context 8k",
        "--model qwen3-235b-a22b --gpu h100 --max-gpus 32 --efficiency vllm-2024",
        "--model llama-3.1-70b --gpu h100 --max-gpus 8 --draft-tokens 4 --acceptance 80% --draft-model llama-3.1-8b",
        "--model llama-3-70b --gpu h100 --max-gpus 8 --efficiency erdil-2025",
    ],
)
def test_the_frontier_is_that_of_every_point(options: str) -> None:
    for space in spaces_of(options):
        every = [(trial, batch) for trial, batches in groups_of(space) for batch in batches]
        points = [trial.at(batch) for trial, batch in every]
        goal = space.goal
        kept = [
            point
            for (trial, _), point in zip(every, points, strict=True)
            if busy_ttft(trial.candidate, point.batch) <= goal.max_ttft
            and point.tpot <= goal.max_tpot
            and point.devices <= space.search.most
        ]
        front = pareto_indices([point.speed for point in kept], [point.cost for point in kept])
        found = search(space)
        assert [named(point) for point in found.points] == [named(kept[at]) for at in front]
        assert (found.tried, found.tpot) == (len(every), min(point.tpot for point in points))


@pytest.mark.parametrize("model", ["llama-3.1-8b", "deepseek-v3", "qwen3-next-80b-a3b"])
@grid(
    "more",
    [
        "",
        "--users 3k",
        "--isl 300 --osl 20 --efficiency sglang",
        "--isl 20k --osl 100",
        "--efficiency ideal",
        "--efficiency vllm-2024",
    ],
)
def test_a_larger_batch_is_slower_and_no_least_cost_is_undercut(model: str, more: str) -> None:
    """What lets a search leave batches out: stages that take turns, groups, and experts among the layouts."""
    (space,) = spaces_of(f"--model {model} --gpu h200 --max-gpus 48 {more}")
    seen = 0
    for trial, _ in list(groups_of(space))[::7]:
        batches = [batch for batch in (*range(1, 40), 64, 100, 333) if batch <= most_batch(trial.candidate)]
        for smaller, larger in pairwise(batches):
            assert trial.at(larger).speed <= trial.at(smaller).speed * (1 + 1e-12)
        for first, last in combinations(range(0, len(batches), 3), 2):
            least = trial.least(batches[first], batches[last])
            assert all(trial.at(batch).cost >= least * (1 - 1e-12) for batch in batches[first : last + 1])
            seen += 1
    assert seen > 300


def test_a_search_looks_at_few_of_its_points() -> None:
    """A point is two passes of 100 calls each, and a row many: 2,547 points half a million calls."""
    asked = {"model": "llama-3.1-405b", "gpu": "h100"}
    report = infercost.frontier(**asked)
    calls = calls_of(lambda: infercost.frontier(**asked))
    assert calls < 280 * report["configurations"]


def test_no_layout_that_nobody_asked_for_has_more_stages_than_runs_have() -> None:
    """Measured runs have up to eight; a stage for each of 61 layers is an answer where somebody asks for it."""
    asked = {"model": "deepseek-v3.2", "gpu": "gb200", "input_tokens": 8000, "output_tokens": 1000, "best": "cost"}
    assert infercost.frontier(**asked, max_gpus=72).series.rows[0]["pp"] <= 8
    assert infercost.frontier(**asked, gpus=61, pp=61).series.rows[0]["pp"] == 61


def test_the_work_shown_is_that_of_the_knee_or_of_the_best() -> None:
    for which in ("knee", "speed"):
        row = best(which, **SMALL)
        steps = {step.meaning: step.value for step in infercost.frontier(**SMALL, best=which, steps=True).steps}
        assert steps["cost of a token when all replicas of a service are paid"] == row["usd_per_million_tokens_all_in"]
        assert steps["replicas that prefill for each that decodes"] == row["prefill_per_decode"]
    middle = infercost.frontier(**SMALL, steps=True)
    assert middle["knee_usd_per_million_tokens"] in {step.value for step in middle.steps}


def test_the_verdict_says_how_long_a_token_takes_with_prompts() -> None:
    """Of a batch of 182 in flight, as utilization has it, but for its requests that are read and not yet decoded."""
    best = infercost.frontier(model="gpt-oss-120b", gpu="b200", max_tpot=0.01, best="cost")
    assert best.series is not None
    row = best.series.rows[0]
    layout = {"gpu": f"b200:{row['gpus']}", "tp": row["tp"], "ep": row["ep"]}
    request = {"input_tokens": 7680, "output_tokens": 1024}
    there = infercost.utilization(model="gpt-oss-120b", **layout, **request, concurrency=row["batch"])
    said = 1 / float(best.verdict.partition("an estimate: ")[2].partition(" tokens/s a user (")[0])
    assert said == pytest.approx(there["itl_s"], rel=0.05)
    assert said == pytest.approx(row["itl_s"], rel=1e-3)
    assert said <= 0.01


def test_the_verdict_has_the_cost_of_a_token_at_the_speed_of_one() -> None:
    """A user's token every 9.98 ms from a batch of 53 on four devices at $4.59 an hour: $0.961 a million.

    4 x 4.59 / 3600 x 9.98e-3 / 53 x 1e6; its own prompt, which the user does not wait for, lifts it by under 1%.
    """
    asked = {"model": "gpt-oss-120b", "gpu": "h200", "price": 4.59, "input_tokens": 2048, "output_tokens": 512}
    best = infercost.frontier(**asked, max_tpot=0.01, best="cost")
    found = re.search(
        r"([\d.]+) tokens/s a user \(([\d.]+) between prompts\) at \$([\d.]+) a million output tokens, "
        r"on (\d+) x h200-sxm .*at batch (\d+)",
        best.verdict,
    )
    assert found
    speed, between, usd, devices, batch = map(float, found.groups())
    assert usd == pytest.approx(devices * 4.59 / 3600 / (speed * batch) * 1e6, rel=0.01)
    assert between > 1.2 * speed


@pytest.mark.parametrize("more", [{}, {"max_ttft": 1}, {"users": 20_000}])
def test_what_a_job_costs_at_least_comes_first(more: dict[str, Any]) -> None:
    """The least of all rows within the limits is the first that is said, with the devices of all that it takes."""
    asked = {"model": "gpt-oss-120b", "gpu": "h200", "price": 4.59, "input_tokens": 2048, "output_tokens": 512}
    job = {"max_tpot": 0.02, **more}
    report = infercost.frontier(**asked, **job)
    rows = rows_of(report)
    cheapest = min(rows, key=lambda row: row["usd_per_million_tokens_all_in"])
    assert all(row["itl_s"] <= 0.02 * (1 + 1e-9) for row in rows)
    first = report.verdict.partition(" The fastest of ")[0]
    words = "for 20,000 users " if "users" in job else ""
    limits = "20 ms a token" + (" and 1 s to the first one" if "max_ttft" in job else "")
    assert first.startswith(f"The cheapest {words}within {limits}, an estimate: {1 / cheapest['itl_s']:.4g} tokens/s")
    assert f"at ${cheapest['usd_per_million_tokens_all_in']:.3g} a million" in first
    assert f"on {cheapest['gpus']} x h200-sxm" in first
    assert f"at batch {cheapest['batch']}" in first
    if cheapest["replicas"] > 1:
        assert first.endswith(f"; {cheapest['replicas']} replicas, {cheapest['total_gpus']} devices.")


def test_a_column_of_speeds_between_prompts_is_headed_so(run: Run) -> None:
    """Beside the time between tokens with prompts; of streams, which have none, it is what a user gets."""
    asked = ("frontier", "--gpu", "h200:8", "--model", "gpt-oss-120b")
    heads = {
        profile: next(line for line in run(*asked, "--efficiency", profile).out.splitlines() if "flags" in line)
        for profile in ("vllm", "ideal")
    }
    assert "between prompts" in heads["vllm"]
    assert "tok/s/user" in heads["ideal"]


ONE = {"model": "llama-3.1-70b", "gpu": "h100:4", "tp": 4, "input_tokens": 1155, "output_tokens": 211}


def test_the_devices_of_users_are_those_of_a_user_base() -> None:
    """100,000 users of ten minutes a day are 694.4 sequences at once, prompts of others riding along or not."""
    rows = rows_of(infercost.frontier(**{**ONE, "gpu": "h100"}, users=100_000, gpus=4))
    assert len(rows) > 20
    for row in rows[::6]:
        service = infercost.userbase(**ONE, users=100_000, max_sequences=row["batch"])
        assert row["total_gpus"] == service["gpus"] == 4 * -(-6944 // (10 * row["batch"]))
        assert row["usd_per_million_tokens_all_in"] == pytest.approx(service["usd_per_million_tokens"], rel=0.02)
        assert row["itl_s"] == pytest.approx(service["tpot_s"], rel=0.02)


@pytest.mark.parametrize("limit", [0.02, 0.03, 0.05, 0.1])
def test_a_limit_on_a_token_allows_the_batch_that_it_allows_a_service(limit: float) -> None:
    (row,) = rows_of(infercost.frontier(**{**ONE, "gpu": "h100"}, gpus=4, max_tpot=limit, best="cost"))
    service = infercost.userbase(**ONE, users=1e6, max_tpot=limit)
    assert row["batch"] == service["batch_limit"]
    (job,) = rows_of(
        infercost.compare("h100", model=ONE["model"], concurrency=row["batch"], input_tokens=1155, output_tokens=211)
    )
    alone = infercost.utilization(**ONE, concurrency=row["batch"])
    assert alone["tpot_s"] <= limit
    assert alone["tpot_s"] == pytest.approx(row["itl_s"], rel=0.02)
    assert job["usd_per_million_tokens"] <= alone["usd_per_million_tokens"]


def test_a_rate_in_all_is_of_tokens(run: Run) -> None:
    asked = ("frontier", "--gpu", "h100", "--model", "qwen3-32b", "--isl", "1k", "--osl", "1k", "--best", "cost")
    short, long = (run(*asked, "--min-tokens-per-s", rate, "--json").json for rate in ("20k", "20000"))
    assert short["rows"] == long["rows"]
    wrong = run(*asked, "--min-tokens-per-s", "20x").err
    assert "which is no unit of tokens a second" in wrong


def test_a_rate_in_all_is_that_with_prompts() -> None:
    (row,) = rows_of(infercost.frontier(**{**ONE, "gpu": "h100"}, gpus=4, min_tokens_per_s=20_000, best="cost"))
    served = infercost.utilization(**ONE, concurrency=10 * row["batch"], max_sequences=row["batch"])
    assert row["replicas"] == -(-20_000 // served["tokens_per_s"])


def test_replicas_beyond_a_node_are_whole_nodes_unless_asked() -> None:
    """Nodes of 8: no 42 devices, of 61 layers in 21 stages, though their tokens would cost less."""
    asked = {"model": "deepseek-r1", "gpu": "h200", "users": 1_000_000}
    answer = infercost.frontier(**asked, best="cost")
    (row,) = answer.series.rows
    assert row["gpus"] <= 8 or row["gpus"] % 8 == 0
    assert "replicas beyond a node of 8 are of whole nodes" in " ".join(note.text for note in answer.notes)
    odd = infercost.frontier(**asked, best="cost", tp=2, pp=21, ep=2)
    assert odd.series.rows[0]["gpus"] == infercost.frontier(**asked, best="cost", gpus=42).series.rows[0]["gpus"] == 42
    assert "whole nodes" not in " ".join(note.text for note in odd.notes)


@pytest.mark.parametrize("more", [("--gpu", "h100"), ("--gpu", "h100", "--gpu", "b200")])
@pytest.mark.parametrize("limits", [(), ("--max-tpot", "50ms")])
def test_each_speed_of_the_verdict_stands_in_the_table(
    run: Run, more: tuple[str, ...], limits: tuple[str, ...]
) -> None:
    """The speed that a verdict is about has that between prompts beside it, which is the first column of numbers.

    The ends have their time between tokens there; those of the parts that did not win are in JSON alone.
    """
    out = run("frontier", "--model", "llama-3.1-70b", "--max-gpus", "8", *more, *limits).out
    verdict, _, page = out.partition("\n\n")
    verdict = re.sub(r" [\w-]+: [^:]+ tokens/s a device against [\d.]+\)\.", "", " ".join(verdict.split()))
    said = re.findall(r"([\d.]+) tokens/s a user(?: \(([\d.]+) between prompts\))?", verdict)
    table = page.partition("between prompts  ")[2].split()
    assert len(said) >= 2
    times = [float(each) / (1000 if unit == "ms" else 1) for each, unit in pairwise(table) if unit in ("ms", "s")]
    for speed, between in said:
        assert between in table if between else any(1 / time == pytest.approx(float(speed), rel=1e-3) for time in times)


PARTS = ("--gpu", "h100", "--gpu", "mi300x", "--model", "llama-3.1-8b", "--max-gpus", "8")


@grid(
    ("more", "measure"),
    [
        (("--min-tokens-per-s", "10000"), "cost"),
        (("--max-tpot", "20ms"), "cost"),
        (("--best", "speed"), "speed"),
        (("--best", "cost"), "cost"),
        (("--best", "knee"), "knee"),
        ((), "knee"),
    ],
)
def test_each_part_that_was_named_has_its_best_point_in_the_verdict(
    more: tuple[str, ...], measure: str, run: Run
) -> None:
    """It is the point that the part has alone, by the measure that the first sentence goes by."""
    said = run("frontier", *PARTS, *more, "--json").json
    best = said["results"]["best_of_each"]
    assert {*best} == {"h100-sxm", "mi300x"}
    sentences = {}
    for name, row in best.items():
        alone = run("frontier", "--gpu", name, *PARTS[4:], *more, "--best", measure, "--json").json["rows"][0]
        assert row == {key: alone[key] for key in row}
        usd, count = show(row["usd_per_million_tokens_all_in"], "USD"), many(row["total_gpus"], "device")
        device = show(row["tokens_per_s_all_in"] / row["gpus"])
        sentences[name] = f"{usd} a million output tokens on {count} ({device} tokens/s a device against "
    (other,) = (name for name in best if f". {name}: " in said["verdict"])
    assert sentences[other] in said["verdict"].partition(f" {other}: ")[2]


def test_a_named_part_without_a_point_says_why(run: Run) -> None:
    """A token of 16 GB at 300 GB/s takes at least 53 ms on one L4, and 8 of them share no fast link."""
    said = run("frontier", *PARTS[:2], "--gpu", "l4", *PARTS[4:], "--max-tpot", "6ms", "--json").json
    assert said["results"]["best_of_each"]["l4"] is None
    assert re.search(r" l4: nothing meets this: the fastest takes [\d.]+ ms a token\.", said["verdict"])
    small = ("--model", "llama-3.1-70b", "--max-gpus", "4")
    said = run("frontier", "--gpu", "h100", "--gpu", "l4", *small, "--json").json
    assert " l4: does not fit: no layout of up to 4 devices holds the model and a sequence." in said["verdict"]
    assert "best_of_each" not in run("frontier", "--gpu", "h100", *small, "--json").json["results"]


def test_what_people_own_is_searched_in_one_computer_unless_more_are_asked_for(run: Run) -> None:
    asked = ("frontier", "--gpu", "m2-ultra", "--model", "llama-3.1-8b", "--users", "100k")
    alone = run(*asked, "--json")
    assert alone.code == 3
    assert re.search(r"it takes (\d+) devices, and 1 device may be used \(--max-gpus\)", alone.json["verdict"])
    assert "1 in all, what one computer holds" in " ".join(note["text"] for note in alone.json["notes"])
    assert run(*asked, "--max-gpus", "64", "--json").code == 0


def test_the_cheapest_without_a_limit_has_that_of_readers_beside_it(run: Run) -> None:
    """A token in 50 ms is 20 a second: the cheapest row that keeps it with the prompts of others riding along."""
    asked = ("frontier", "--gpu", "h100", "--model", "llama-3.1-70b", "--max-gpus", "8", "--best", "cost", "--json")
    said = run(*asked).json["verdict"]
    found = re.search(
        r" The cheapest at 20 tokens/s a user or more \(--max-tpot 50ms\): ([\d.]+) tokens/s a user", said
    )
    assert found
    assert float(found[1]) >= 20
    limited = run(*asked, "--max-tpot", "50ms").json
    assert "or more" not in limited["verdict"]
    usd = re.search(r"\$([\d.]+) a million", said[found.start() :])
    assert usd
    assert float(usd[1]) == pytest.approx(limited["rows"][0]["usd_per_million_tokens_all_in"], rel=0.05)
    assert "or more" not in run(*asked[:-2], "speed", "--json").json["verdict"]


def test_the_best_says_its_tokens_of_a_device(run: Run) -> None:
    """With prompts worked on too, as its price: $3.6 an hour is 0.1 cents a second, for so many tokens a device."""
    asked = ("frontier", "--gpu", "h100:8", "--model", "llama-3.3-70b", "--batch", "64", "--price", "3.6")
    said = run(*asked, "--best", "cost", "--json").json
    rate = 1000 / said["rows"][0]["usd_per_million_tokens_all_in"]
    assert f", {rate:.4g} tokens/s a device." in said["verdict"]


@pytest.mark.parametrize(
    ("asked", "cheaper"),
    [
        ({"gpu": "gb200:72", "model": "deepseek-r1", "max_tpot": "20ms"}, 0.7),
        ({"gpu": "h100:16", "model": "llama-3.1-405b"}, 0.5),
    ],
)
def test_prompts_apart_are_named_where_they_cost_less_at_the_same_speed(asked: dict[str, Any], cheaper: float) -> None:
    """Where prompts ride along, users wait for them; the command that is named has its speed and its price."""
    report = infercost.frontier(**asked)
    words = (
        r"would make the (?:knee|cheapest) \$([\d.]+) .* at ([\d.]+) tokens/s a user, (\d+) devices in all "
        r"\(utilization --disaggregated ([^)]+)\)"
    )
    found = re.search(words, report.advice[0])
    assert found
    flags = found[4].removeprefix("--").split(" --")
    given = {key: int(value) for key, value in (flag.split() for flag in flags)}
    load = {"model": asked["model"], "input_tokens": 7680, "output_tokens": 1024}
    apart = infercost.utilization(gpu=asked["gpu"].partition(":")[0], disaggregated=True, **load, **given)
    assert float(found[2]) == pytest.approx(apart["tokens_per_s_per_user"], rel=1e-3)
    assert float(found[1]) == pytest.approx(apart["usd_per_million_tokens"], rel=1e-3)
    assert int(found[3]) == apart["gpus"] * (1 + math.ceil(apart["prefill_per_decode"]))
    rows = [row for row in rows_of(report) if row["on_frontier"] and 1 / row["itl_s"] >= apart["tokens_per_s_per_user"]]
    assert apart["usd_per_million_tokens"] < (1 - cheaper) * min(row["usd_per_million_tokens_all_in"] for row in rows)


@pytest.mark.parametrize("most", [16, 72])
def test_prompts_apart_have_their_devices_within_the_most(most: int) -> None:
    """64 devices that decode with 64 that read prompts are more than 72."""
    asked = {"model": "deepseek-r1", "dtype": "fp4", "input_tokens": 1000, "output_tokens": 1000}
    said = infercost.frontier(gpu="gb200", max_gpus=most, max_tpot="20ms", best="cost", **asked).advice[0]
    if found := re.search(r"\(utilization --disaggregated ([^)]+)\)", said):
        given = {key: int(value) for key, value in (flag.split() for flag in found[1].removeprefix("--").split(" --"))}
        apart = infercost.utilization(gpu="gb200", disaggregated=True, **asked, **given)
        devices = given["tp"] * given.get("pp", 1) * given.get("ep", 1)
        assert devices * (1 + math.ceil(apart["prefill_per_decode"])) <= most


def test_prompts_apart_are_not_named_where_they_cost_about_as_much_or_for_a_load() -> None:
    assert "of their own" not in infercost.frontier(gpu="gb200:72", model="deepseek-r1").advice[0]
    assert "of their own" not in infercost.frontier(gpu="h100:16", model="llama-3.1-405b", users=10_000).advice[0]


def test_a_dearer_model_has_how_many_times_the_price_it_is(run: Run) -> None:
    asked = ("frontier", "--gpu", "h100", "--max-gpus", "2", "--model", "llama-3.1-8b", "--model", "qwen3-32b")
    said = run(*asked, "--best", "cost", "--json").json
    cheap, dear = (each["usd_per_million_tokens_all_in"] for each in said["results"]["best_of_each"].values())
    assert f" devices ({dear / cheap:.3g}x the price; " in said["verdict"]
    assert "x the price" not in run(*asked, "--best", "speed", "--json").json["verdict"]


def test_the_ends_of_a_frontier_rise_in_the_speed_that_they_are_told_in() -> None:
    """On eight H200 at batch 128 the dearest layout is faster between prompts and, with these, slower: 1 / ITL."""
    report = infercost.frontier(model="deepseek-v3", gpu="h200", gpus=8, batch=128)
    rows = report["rows"]
    fast, cheap = rows[0], rows[-1]
    assert fast["itl_s"] > cheap["itl_s"]
    assert fast["tokens_per_s_per_user"] > cheap["tokens_per_s_per_user"]
    low, high = (f"{row['tokens_per_s_per_user']:.4g} tokens/s a user at $" for row in (cheap, fast))
    said = report.verdict
    assert said.index(f"between prompts from {low}") < said.index(f" to {high}")
    assert f"({1 / cheap['itl_s']:.4g} and {1 / fast['itl_s']:.4g} with prompts of others)" in said.replace(
        "12.40", "12.4"
    )
    usual = infercost.frontier(model="llama-3.1-8b", gpu="h100", max_gpus=2).verdict
    assert "between prompts from" not in usual
