"""Replicas that share devices, a batch and a load: each is a deployment of its own."""

import re
from typing import Any

import pytest

import infercost
from tests.conftest import Run, grid

EIGHT = ("--gpu", "h100:8", "--model", "llama-3.1-8b", "--dp", "8", "--json")
ONE = ("--gpu", "h100:1", "--model", "llama-3.1-8b", "--json")


def test_eight_replicas_are_eight_times_one(run: Run) -> None:
    """Devices, sequences, tokens a second and what fits are of all; times, prices and weights of each."""
    for command, more in (("fit", ()), ("utilization", ("--price", "2"))):
        eight = run(command, *EIGHT, "--batch", "64", *more).json["results"]
        one = run(command, *ONE, "--batch", "8", *more).json["results"]
        assert eight["gpus"] == 8
        for key in ("tokens_per_s", "max_sequences", "kv_pool_tokens", "batch"):
            assert eight.get(key, 0) == pytest.approx(8 * one.get(key, 0))
        for key in (
            "tpot_s",
            "usd_per_million_tokens",
            "weight_bytes_per_gpu",
            "longest_context",
            "tokens_per_s_per_gpu",
        ):
            assert eight.get(key) == one.get(key)


def test_a_load_is_shared(run: Run) -> None:
    request = ("--input-tokens", "1000", "--output-tokens", "200")
    for option, whole, share in (("--concurrency", "64", "8"), ("--request-rate", "16", "2")):
        eight = run("utilization", *EIGHT, *request, option, whole).json["results"]
        one = run("utilization", *ONE, *request, option, share).json["results"]
        assert eight["ttft_s"] == one["ttft_s"]
        assert eight["tokens_per_s"] == pytest.approx(8 * one["tokens_per_s"])
        assert eight["in_flight"] == pytest.approx(8 * one["in_flight"])
        # Little's law: requests of all replicas, each for its time
        rate = eight["tokens_per_s"] / 200
        assert eight["in_flight"] == pytest.approx(rate * eight["request_time_s"], rel=1e-4)


def test_what_does_not_divide_among_replicas_is_refused(run: Run) -> None:
    """No replica is idle; more than one each is shared as evenly as whole sequences are, at their mean."""
    said = run("fit", *EIGHT[:-1], "--batch", "7")
    assert (said.code, "at least --batch 8" in said.err) == (2, True)
    request = ("--input-tokens", "1000", "--output-tokens", "200")
    assert "--concurrency 8" in run("utilization", *EIGHT[:-1], *request, "--concurrency", "7").err
    rates = [
        run("utilization", *EIGHT, "--batch", str(batch)).json["results"]["tokens_per_s"] for batch in (16, 20, 24)
    ]
    assert rates[0] < rates[1] < rates[2]
    assert run("utilization", *EIGHT, "--batch", "20").json["results"]["batch"] == 20


def test_the_fullest_replica_holds_its_whole_sequences(run: Run) -> None:
    """54 sequences fit on one: 8 of them hold 432, and of 433 one would have 55."""
    assert [run("fit", *EIGHT, "--batch", batch).code for batch in ("432", "433")] == [0, 3]


def test_each_replica_has_a_sequence_where_nobody_says_how_many(run: Run) -> None:
    said = run("utilization", *EIGHT).json
    assert said["inputs"]["batch"] == said["results"]["batch"] == 8


def test_devices_that_do_not_divide_are_refused(run: Run) -> None:
    said = run("fit", "--gpu", "h100:8", "--model", "llama-3.1-8b", "--dp", "3")
    assert said.code == 2
    assert "--gpu h100:9" in said.err


def test_points_and_elasticities_of_replicas_are_asked_as_given(run: Run) -> None:
    """A sweep and a sensitivity ask again with what was given, which is shared once."""
    swept = run("utilization", *EIGHT, "--sweep", "batch=8,64").json["rows"]
    alone = [run("utilization", *ONE, "--batch", batch).json["results"]["step_time_s"] for batch in ("1", "8")]
    assert [row["step_time_s"] for row in swept] == alone
    moved = run("utilization", *EIGHT, "--batch", "400", "--sensitivity").json
    assert moved["rows"]


def test_what_fits_as_several_replicas_is_said_in_one_sentence(run: Run) -> None:
    said = run("fit", "--gpu", "h100:4", "--dp", "2", "--model", "llama-3.1-8b", "--json").json["verdict"]
    assert said.startswith("Fits as 2 replicas, each: llama-3.1-8b (bf16, 16.06 GB) on 2 x h100-sxm with")


@pytest.mark.parametrize("given", [("h100:2",), ("h100:8", "--tp", "2", "--pp", "1"), ("h100:8", "--dp", "4")])
def test_an_overload_is_that_of_all_replicas_and_the_count_said_is_the_least(run: Run, given: tuple[str, ...]) -> None:
    """The most served is that of all; so many replicas as are said keep up, one fewer do not."""
    gpu, *widths = given
    job = ("--model", "llama-3.3-70b", "--dtype", "fp8", "--request-rate", "30", "--isl", "2000", "--osl", "300")
    said = run("utilization", "--gpu", gpu, *widths, *job, "--json")
    served = said.json["results"]["tokens_per_s"] / 300
    needed = -(-30 // (served / (int(gpu[-1]) / 2)))  # replicas of two devices
    assert said.code == 3
    assert said.json["verdict"].startswith(
        f"Overloaded: 30 requests a second arrive and at most {served:.3g} are served, "
        f"{said.json['results']['batch']:,.0f} at once; {needed:.0f} replicas of 2 devices "
        f"({2 * needed:.0f} x h100-sxm) would keep up."
    )
    layout = ("--gpu", "h100", *job, "--tp", "2", "--pp", "1")
    enough, fewer = (run("utilization", *layout, "--gpus", f"{2 * each:.0f}").code for each in (needed, needed - 1))
    assert (enough, fewer) == (0, 3)
    assert f"add replicas (--gpu h100:{2 * needed:.0f}" in " ".join(
        run("utilization", "--gpu", gpu, *widths, *job).out.split()
    )


def test_replicas_that_serve_as_much_but_run_no_more_at_once_are_not_enough(run: Run) -> None:
    """Two serve 5.5 a second where all slots are full, but 5 in bursts of three times the chance pile up."""
    job = ("--gpu", "h100", "--model", "qwen3-32b", "--tp", "1", "--pp", "1", "--burstiness", "3")
    job += ("--isl", "2000", "--osl", "100")

    def asked(rate: str, devices: int) -> Any:
        return run("utilization", *job, "--request-rate", rate, "--gpus", str(devices), "--json")

    one = asked("5", 1).json
    assert 1 < 5 / (one["results"]["tokens_per_s"] / 100) < 2
    assert "; 3 replicas of 1 device (3 x h100-sxm) would keep up" in one["verdict"]
    two, three = asked("5", 2), asked("5", 3)
    assert (two.code, three.code) == (3, 0)
    said = two.json["verdict"]
    most = f"{two.json['results']['tokens_per_s'] / 100:.3g}"
    assert said.startswith(
        f"Overloaded: 5 requests a second arrive and at most {most} are served: that close, more than"
    )


@pytest.mark.parametrize("given", [("--gpu", "gb200-nvl72:72"), ("--gpu", "gb200-nvl72", "--gpus", "72")])
@pytest.mark.parametrize("command", ["fit", "utilization"])
def test_devices_without_a_part_are_said_where_those_in_use_are(run: Run, command: str, given: tuple[str, ...]) -> None:
    """256 experts divide among 64 ranks and not among 72: 8 stand by, and no price is paid for them."""
    job = ("--model", "deepseek-r1", "--dtype", "nvfp4", "--batch", "4096", "--context", "2048")
    said = run(command, *given, *job)
    words = " ".join(said.out.split())
    assert "on 64 of 72 x gb200-nvl72" in words
    report = infercost.utilization(gpu="gb200-nvl72:72", model="deepseek-r1", dtype="nvfp4", batch=4096, context=2048)
    remarks = {row.key: row.remark for row in report.results}
    assert report["gpus"] == 64
    assert remarks["gpus"] == "of the 72 given; 8 have no part in it"
    assert remarks["usd_per_million_tokens"].endswith("; of the 64 in use")
    paid = 64 * 10.50 / 3600 / report["tokens_per_s"] * 1e6  # the listed rent of its preset
    assert report["usd_per_million_tokens"] == pytest.approx(paid)


def test_replicas_say_how_many_of_the_devices_they_take(run: Run) -> None:
    """17 devices are no replica of 405B in few stages, but two of eight, and one device is left."""
    job = ("--gpu", "h100:17", "--model", "llama-3.1-405b", "--dtype", "fp8", "--isl", "2000", "--osl", "300")
    said = run("utilization", *job, "--json").json
    assert " on 2 replicas (16 of 17 devices), at $" in said["verdict"]
    assert "of the 17 given; 1 has no part in it" in " ".join(run("utilization", *job).out.split())


LOAD = ("--model", "llama-3.3-70b", "--isl", "4000", "--osl", "400")


@pytest.mark.parametrize("load", [("--concurrency", "64"), ("--request-rate", "3"), ("--batch", "64"), ()])
def test_tokens_of_all_replicas_stand_in_the_verdict(run: Run, load: tuple[str, ...]) -> None:
    """Two replicas have twice the tokens of one on half the load."""
    half = {"64": "32", "3": "1.5"}
    one = run("utilization", "--gpu", "h100:4", "--tp", "4", *LOAD, *(half.get(word, word) for word in load), "--json")
    two = run("utilization", "--gpu", "h100:8", "--tp", "4", "--dp", "2", *LOAD, *load, "--json").json["verdict"]
    of_one = {"tokens_per_s_all_in": None} | one.json["results"]
    tokens = 2 * (of_one["tokens_per_s_all_in"] or of_one["tokens_per_s"])
    said = f"{tokens:,.0f}" if tokens >= 1000 else f"{tokens:.4g}"
    assert " tokens/s a user after the first token" in two
    assert f", {said} on 2 replicas, at $" in two
    assert " on each; " in two or " on each. Prompts take " in two


def test_prompts_apart_take_what_their_rate_takes(run: Run) -> None:
    """A prompt takes so long of a replica full of them, whoever decodes: 5 a second five times that, 10 ten times."""
    asked = ("utilization", "--gpu", "h100:4", *LOAD, "--disaggregated")
    batch = run(*asked, "--batch", "64", "--json").json["results"]
    full = batch["prefill_per_decode"] * batch["tpot_s"] * 400 / 64
    five = run(*asked, "--request-rate", "5", "--json").json
    assert five["results"]["prefill_per_decode"] == pytest.approx(5 * full)
    assert 1 < 5 * full < 2 < 10 * full < 3
    said = f" Prompts take 8 devices more (2 replicas of 4, {250 * full:.1f}% used), which "
    assert said in five["verdict"]
    out = " ".join(run(*asked, "--request-rate", "5").out.split())
    assert f"full of prompts, {1000 * full:.4g} ms each; 2 paid" in out


def test_a_load_pays_whole_replicas_that_read_its_prompts(run: Run) -> None:
    """Thirty prompts of 135 ms keep 4.06 replicas busy: five of four beside three that decode are 32 H100.

    At $3.49 an hour for 15,000 tokens a second these cost $2.068 a million and draw 22.4 kW, 0.2074 Wh for each of 30
    requests; a device has 468.75 tokens/s. At a batch that stays full the price counts parts.
    """
    asked = ("utilization", "--model", "llama-3.1-70b", "--disaggregated", "--isl", "2000", "--osl", "500", "--json")
    said = run(*asked, "--gpu", "h100:12", "--dp", "3", "--request-rate", "30", "--price", "3.49").json
    results = said["results"]
    assert 4 < 3 * results["prefill_per_decode"] < 5
    assert results["usd_per_million_tokens"] == pytest.approx(32 * 3.49 / 3600 / 15_000 * 1e6)
    assert results["usd_per_request"] == pytest.approx(32 * 3.49 / 3600 / 30)
    assert results["wh_per_request"] == pytest.approx(32 * 700 / 3600 / 30)
    assert results["tokens_per_s_per_gpu"] == pytest.approx(468.75)
    assert " Prompts take 20 devices more (5 replicas of 4, 81.1% used), which the price counts in" in said["verdict"]
    swept = run(*asked, "--gpu", "h100:12", "--dp", "3", "--price", "3.49", "--sweep", "request-rate=15,30").json
    assert swept["rows"][1]["usd_per_million_tokens"] == results["usd_per_million_tokens"]
    full = run(*asked, "--gpu", "h100:4", "--batch", "64", "--price", "3.49").json["results"]
    parts = 4 * (1 + full["prefill_per_decode"]) * 3.49 / 3600 / full["tokens_per_s"] * 1e6
    assert full["usd_per_million_tokens"] == pytest.approx(parts)


def test_a_job_pays_whole_replicas_that_read_its_prompts(run: Run) -> None:
    """Every accelerator is paid until its end: with a part of a replica for prompts those of two."""
    asked = ("utilization", "--model", "llama-3.1-70b", "--disaggregated", "--isl", "2000", "--osl", "500", "--json")
    job = run(*asked, "--gpu", "h100:4", "--batch", "64", "--price", "3.49", "--requests", "100000").json["results"]
    assert 0 < job["prefill_per_decode"] < 1
    assert job["job_usd"] == pytest.approx(8 * 3.49 * job["job_time_s"] / 3600)


def test_caches_are_sent_at_the_rate_that_is_asked(run: Run) -> None:
    """80 layers of 8 heads of 128 keys and values in 16 bits are 327,680 B a token: 2,000 of 30 requests 19.66 GB/s."""
    asked = ("utilization", "--model", "llama-3.1-70b", "--disaggregated", "--isl", "2000", "--osl", "500")
    asked += ("--request-rate", "30")
    few, enough = (run(*asked, *more, "--json") for more in (("--gpu", "h100:4"), ("--gpu", "h100:12", "--dp", "3")))
    for said in (few.json, enough.json):
        assert said["results"]["cache_transfer_bytes_per_s"] == pytest.approx(30 * 2000 * 327_680)
        assert "19.66 GB/s of caches" in said["verdict"]
    served = few.json["results"]["tokens_per_s"] / 500
    table = " ".join(run(*asked, "--gpu", "h100:4", "--format", "markdown").out.split())
    part = served * 2000 * 327_680 / 1e9
    assert f"of all that arrive; {part:.4g} GB/s of the {served:.3g} served" in table


def test_the_least_pair_of_a_rate_is_one_however_many_devices_were_given(run: Run) -> None:
    """Ten prompts of 135 ms are 1.35 replicas of four that read: two, and the one that decodes ten answers a second."""
    asked = ("utilization", "--model", "llama-3.1-70b", "--disaggregated", "--isl", "2000", "--osl", "500", "--json")
    asked += ("--request-rate", "10")
    free, few, more, all_of_them, wide = (
        run(*asked, "--gpu", *gpu).json
        for gpu in (["h100"], ["h100:4"], ["h100:8"], ["h100:12"], ["h100:8", "--dp", "2"])
    )
    assert 1 < all_of_them["results"]["prefill_per_decode"] < 2
    assert "; 12 x h100-sxm as replicas of 4 (8 read prompts, 4 decode, " in free["verdict"]
    assert "(--gpu h100:12)" in free["advice"][0]
    for said in (few, more):
        assert " apart it takes 12, 4 to decode and 8 for prompts. " in said["verdict"]
    assert " Prompts take 8 of the 12 devices (2 replicas of 4, " in all_of_them["verdict"]
    assert " Prompts take 8 devices more (2 replicas of 4, " in wide["verdict"]
    between = f" 12 x h100-sxm cost $2.33, {1000 * all_of_them['results']['mixed_itl_s']:.4g} ms a token: "
    assert between in few["verdict"]
    assert between in more["verdict"]
    assert between in wide["verdict"]


def test_prompts_apart_are_held_against_prompts_between_the_steps(run: Run) -> None:
    """1,024 tokens/s take two replicas of four H100s with prompts between, and one that decodes beside one that reads.

    Eight at $3.49 an hour for 3.6864 million tokens are $7.57 either way.
    """
    asked = ("utilization", "--model", "llama-3.1-70b", "--request-rate", "1", "--price", "3.49", "--json")
    apart, mixed = (run(*asked, *more).json for more in (("--gpu", "h100:4", "--disaggregated"), ("--gpu", "h100:8")))
    results, between = 8 * 3.49 / 3.6864, mixed["results"]["itl_s"]
    assert apart["results"]["mixed_gpus"] == 8
    assert apart["results"]["mixed_usd_per_million_tokens"] == pytest.approx(results, rel=1e-4)
    assert apart["results"]["mixed_itl_s"] == pytest.approx(between)
    said = f"8 x h100-sxm cost $7.57, {1000 * between:.4g} ms a token: apart costs as much"
    assert f" Without --disaggregated {said}." in apart["verdict"]
    assert "mixed_gpus" not in mixed["results"]


def test_at_a_batch_prompts_between_are_those_of_as_many_sequences(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100:4", "--tp", "4", *LOAD, "--batch", "64", "--json")
    apart, mixed = (run(*asked, *more).json["results"] for more in (("--disaggregated",), ()))
    assert apart["mixed_usd_per_million_tokens"] == pytest.approx(mixed["usd_per_million_tokens"])
    assert apart["mixed_itl_s"] == pytest.approx(mixed["itl_s"])


@pytest.mark.parametrize("rate", ["10", "8"])
def test_an_overload_of_replicas_that_decode_names_those_that_read_prompts_too(run: Run, rate: str) -> None:
    """Three replicas of four read ten prompts a second, or eight; of those that decode two keep up and one does not."""
    asked = ("utilization", "--model", "llama-3.3-70b", "--isl", "4000", "--osl", "400", "--disaggregated")
    one, two = (
        run(*asked, "--gpu", gpu, "--tp", "4", "--request-rate", rate, "--json") for gpu in ("h100:4", "h100:8")
    )
    assert (one.code, two.code) == (3, 0)
    said = one.json["verdict"]
    assert f"Overloaded: {rate} requests a second arrive and at most 8.03 are served" in said
    assert "; 20 x h100-sxm as replicas of 4 (12 read prompts, 8 decode, " in said
    assert "beside" not in said
    assert " devices more (3 replicas of 4, " in two.json["verdict"]


@grid(
    ("gpu", "model", "rate", "more"),
    [
        ("h100", "llama-3.3-70b", "10", ("--disaggregated",)),
        ("h100", "llama-3.3-70b", "10", ()),
        ("h200", "qwen3-235b-a22b", "30", ()),
        ("rtx-4090", "llama-3.1-8b", "30", ()),
    ],
)
def test_an_overload_nobody_counted_devices_for_names_the_replicas_of_fewest(
    gpu: str, model: str, rate: str, more: tuple[str, ...], run: Run
) -> None:
    """Two cards that just hold 70B have room for 2 sequences, four for 106: the flags give just what is said of them.

    Counts of the least replicas, of twice and of four times as many devices take no fewer.
    """
    job = ("utilization", "--model", model, "--isl", "4000", "--osl", "400", "--request-rate", rate, *more)
    said = run(*job, "--gpu", gpu, "--json")
    assert said.code == 3
    each, whole = _replicas_said(said.json["verdict"])
    advice = re.search(r"take [\d,]+ replicas? of \d+ devices \((.*?)\)", " ".join(run(*job, "--gpu", gpu).out.split()))
    assert advice
    pasted = run(*job, *advice[1].split(), "--json")
    layout, results = pasted.json["inputs"], pasted.json["results"]
    assert pasted.code == 0
    assert results["gpus"] / layout["dp"] == each
    if more:
        count = int((whole - results["gpus"]) / each)
        assert f" of the {whole} devices ({count} replicas of {each:.0f}, " in pasted.json["verdict"]
    else:
        assert results["gpus"] == whole
    least = said.json["results"]["gpus"]
    for times in (1, 2, 4):
        counted = run(*job, "--gpu", f"{gpu}:{least * times}", "--tp", f"{least * times}", "--json")
        if counted.code == 3 and counted.json["verdict"].startswith("Overloaded"):
            assert _replicas_said(counted.json["verdict"])[1] >= whole


def _replicas_said(verdict: str) -> tuple[int, int]:
    """Devices of a replica, and of all, that a verdict says would keep up."""
    if alone := re.search(r"replicas of (\d+) devices? \(([\d,]+) x ", verdict):
        return int(alone[1]), int(alone[2].replace(",", ""))
    apart = re.search(r"([\d,]+) x \S+ as replicas of (\d+) \(", verdict)
    assert apart
    return int(apart[2]), int(apart[1].replace(",", ""))


def test_flags_of_an_overload_ask_for_its_very_layout(run: Run) -> None:
    """114 cards alone would be replicas of eight: those of two, which were asked about, need their number said."""
    job = ("utilization", *LOAD, "--request-rate", "10")
    one = run(*job, "--gpu", "h100:2", "--disaggregated")
    advice = re.search(r"add replicas \((.*?)\)", " ".join(one.out.split()))
    assert advice
    assert "--dp 57" in advice[1]
    beside = re.search(r"\) beside ([\d,]+) devices for prompts, or", " ".join(one.out.split()))
    all_of_them, reading = re.search(r"; ([\d,]+) x .*?\(([\d,]+) read prompts", " ".join(one.out.split())).groups()
    assert beside
    assert beside[1] == reading
    assert int(all_of_them) == int(reading) + 114
    whole = run(*job, "--disaggregated", *advice[1].split(), "--json").json
    assert (whole["inputs"]["tp"], whole["inputs"]["dp"], whole["results"]["gpus"]) == (2, 57, 114)
    assert run(*job, "--disaggregated", "--gpu", "h100:114", "--json").json["inputs"]["tp"] == 8


def test_texts_of_all_replicas_are_counted(run: Run) -> None:
    one, two = (run("utilization", "--gpu", f"h100:{n}", "--model", "bge-m3", "--dp", n, "--json").json for n in "12")
    twice = f"{2 * one['results']['texts_per_s']:,.0f}"
    assert two["verdict"].startswith(f"bge-m3 on 2 replicas of 1 x h100-sxm reads {twice} texts of 512 tokens a second")


def test_groups_that_wait_for_a_prompt_are_told_to_read_prompts_apart(run: Run) -> None:
    """A step of 144 groups ends one request of 1,000 tokens at batch 1,024, so nearly each waits for a new prompt."""
    asked = ("utilization", "--model", "deepseek-v3", "--gpu", "h800:144", "--tp", "1", "--ep", "144")
    asked = (*asked, "--isl", "4k", "--osl", "1k", "--batch", "1024")
    (mixed, said), (apart, other) = (
        (answer["results"]["usd_per_million_tokens"], " ".join(answer["advice"]))
        for answer in (run(*asked, *more, "--json").json for more in ((), ("--disaggregated",)))
    )
    saved = re.search(r"\(--disaggregated\) a token costs ([\d.]+)% less", said)
    assert saved is not None
    assert float(saved[1]) / 100 == pytest.approx(1 - apart / mixed, abs=0.001)
    assert "--disaggregated" not in other
    assert "--disaggregated" not in " ".join(run(*asked[:4], "h200:8", *asked[9:], "--json").json["advice"])


def test_requests_that_run_at_once_are_those_of_all_replicas() -> None:
    """Each of two replicas has half of the requests, and a verdict speaks of all that were asked about."""
    said = infercost.utilization(gpu="h100:8", model="llama-3.1-70b", concurrency=256, dp=2)
    held = infercost.fit(gpu="h100:4", model="llama-3.1-70b", tp=4, context=8192)["max_sequences"]
    assert said.verdict.startswith(f"{2 * held} of 256 requests run at once")


def test_one_replica_and_one_request_are_said_as_one(run: Run) -> None:
    job = ("utilization", "--gpu", "h100", "--model", "llama-3.3-70b", "--isl", "2000", "--osl", "500")
    said = " ".join(run(*job, "--request-rate", "1").out.split())
    assert said.startswith("Overloaded: 1 request a second arrives and at most ")
    assert "; 1 replica of 4 devices (4 x h100-sxm) would keep up." in said
    assert "take 1 replica of 4 devices (--gpu h100:4), or shorten" in said


def test_prompts_alone_are_read_on_all_devices(run: Run) -> None:
    """A rate of two replicas that stands behind ``each`` says that it is of both."""
    asked = ("utilization", "--model", "llama-3.1-70b", "--input-tokens", "8000", "--output-tokens", "1", "--json")
    two, one = (run(*asked, *on).json for on in (("--gpu", "h100:8", "--dp", "2"), ("--gpu", "h100:4", "--dp", "1")))
    assert two["results"]["input_tokens_per_s"] == pytest.approx(2 * one["results"]["input_tokens_per_s"])
    rate = two["results"]["input_tokens_per_s"]
    assert f"Prompts without a gap are {rate:,.0f} input tokens/s on 2 replicas, 52.7% of " in two["verdict"]
    each = two["results"]["ttft_s"]
    assert two["verdict"].startswith(f"2 replicas, each reads a prompt of 8,000 in {1000 * each:.4g} ms, ")
    assert "replicas" not in one["verdict"]
