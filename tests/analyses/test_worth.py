"""Advice with its effect, worked out by hand, and none where it would change little."""

import re
from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.units import show
from tests.conftest import Run

#: 131,072 B of cache a token; 15.01 GB of the weights are read in a step, the table of embeddings is not.
IDEAL: dict[str, Any] = {"gpu": "h100:1", "model": "llama-3.1-8b", "context": 8192, "efficiency": "ideal"}


def said(**options: Any) -> str:
    return " ".join(infercost.utilization(**options).advice)


def test_a_cache_that_is_a_small_part_of_a_step_is_left_alone() -> None:
    """1.07 GB beside 15 GB: half of it is 3.3% of the step, where a second user halves what a token takes of it."""
    advice = said(**IDEAL, batch=1)
    assert "shorten the context" not in advice
    # (15.01 + 2 x 1.074) / 2 over 15.01 + 1.074 is 0.5334
    assert "at batch 2 a token costs 46.7% less" in advice
    assert "shorten the context" not in said(gpu="h100", model="llama-3.1-8b")


def test_half_a_cache_that_matters_says_how_much() -> None:
    """32 x 1.0737 GB are 34.36 GB, half of them 34.8% of the 49.37 GB that are read."""
    assert "half of it would make a step 34.8% shorter" in said(**IDEAL, batch=32)


#: A question, the option that its advice names, and the words before what that saves.
ASKED: list[tuple[dict[str, Any], str]] = [
    ({"gpu": "gaudi3:8", "model": "llama-3.3-70b", "batch": 64}, "fp8"),
    ({"gpu": "h100:8", "model": "llama-3.3-70b", "batch": 128, "input_tokens": 6000, "output_tokens": 4000}, "fp8"),
    ({"gpu": "rtx-5090", "model": "qwen3-8b", "dtype": "q4_k_m", "context": "32k", "batch": 2}, "q8_0"),
    ({**IDEAL, "batch": 32}, "fp8"),
]


@pytest.mark.parametrize(("options", "cache"), ASKED)
def test_a_cache_in_eight_bits_saves_what_it_saves_when_it_is_asked_for(options: dict[str, Any], cache: str) -> None:
    """In the same layout: another may serve more with such a cache."""
    now = infercost.utilization(**options)
    held = {name: now.to_dict()["inputs"][name] for name in ("tp", "pp", "ep", "dp") if name in now.to_dict()["inputs"]}
    then = infercost.utilization(**options, **held, kv_dtype=cache)
    (found,) = re.findall(rf"--kv-dtype {cache}\): a step ([\d.]+)% shorter", " ".join(now.advice))
    assert float(found) / 100 == pytest.approx(1 - then["step_time_s"] / now["step_time_s"], abs=0.001)


def test_room_for_more_with_a_cache_in_eight_bits_costs_what_it_costs_when_it_is_asked_for() -> None:
    options = {"gpu": "h100:1", "model": "llama-3.1-8b", "input_tokens": 7680, "output_tokens": 1024, "price": 2}
    most = infercost.fit(gpu="h100:1", model="llama-3.1-8b", context=8192)["max_sequences"]
    now = infercost.utilization(**options, batch=most)
    (more, found), *_ = re.findall(r"fp8\): (\d+) fit, and a token costs ([\d.]+)% less", " ".join(now.advice))
    then, price = infercost.utilization(**options, kv_dtype="fp8", batch=int(more)), "usd_per_million_tokens"
    assert then.met
    assert float(found) / 100 == pytest.approx(1 - then[price] / now[price], abs=0.001)


def test_a_floor_falls_by_what_the_option_says() -> None:
    options = {"gpu": "h200:8", "model": "deepseek-v3"}
    now, then = infercost.economies(**options), infercost.economies(**options, kv_dtype="fp8")
    (found,) = re.findall(r"--kv-dtype fp8\) makes the floor ([\d.]+)% lower", " ".join(now.advice))
    saved = 1 - then["floor_device_seconds"] / now["floor_device_seconds"]
    assert float(found) / 100 == pytest.approx(saved, abs=0.001)


def test_a_cache_of_eight_bits_is_not_told_to_have_eight_bits() -> None:
    advice = said(**IDEAL, batch=64, kv_dtype="fp8")
    assert "shorten the context: half of it" in advice
    assert "--kv-dtype" not in advice


def test_where_memory_is_full_room_is_what_helps() -> None:
    """60 x 1.0737 GB and 15.01 GB for 60 tokens: 1.3239 GB each; 120 x 0.5369 GB and 15.01 GB for 120: 0.6620 GB."""
    most = infercost.fit(**{**IDEAL, "usable": 1})["max_sequences"]
    (advice,) = infercost.utilization(**{**IDEAL, "usable": 1}, batch=most).advice
    assert advice.startswith(f"memory holds {most}: add devices; or shorten the context")
    assert "twice as many fit, and a token costs 50.0% less" in advice


def test_a_batch_of_the_notes_model_halves_what_a_token_costs() -> None:
    """Reads bind up to batch 500: a step takes as long for two."""
    advice = said(gpu="h100-note", params=1.6e12)
    assert "at batch 2 a token costs 50.0% less, and the arithmetic is full at batch 500" in advice
    assert said(gpu="h100-note", params=1.6e12, batch=600).endswith("less than 5%: add accelerators")


def test_idle_hours_and_a_capped_batch_have_their_figures() -> None:
    """A flat day has no idle hours; without prompts half the cache of twice the sequences halves a token.

    What is left over of a cache holds one more of half the size.
    """
    report = infercost.economies(**IDEAL, price=2, users=1000)
    advice = " ".join(report.advice)
    assert "--scale-down" not in advice
    assert "(--kv-dtype fp8) makes the floor 50.1% lower; or take more devices" in advice


#: Eight hours at a quarter of the busiest load, eight at half of it, eight at all of it.
TERRACED = "hour,requests\n" + "".join(f"{hour},{(100, 200, 400)[hour // 8]}\n" for hour in range(24))


@pytest.mark.parametrize(
    ("replicas", "saved"),
    [
        (4, "41.7%"),  # 0.9 x 4 at the busiest load: 4 replicas, then 2, then 1: 1 - 8 (4 + 2 + 1) / (24 x 4)
        (2, "33.3%"),  # 0.9 x 2: 2 replicas, then 1, then 1: 1 - 8 (2 + 1 + 1) / (24 x 2)
        (1, None),  # the only one stays as long as anybody comes
    ],
)
@pytest.mark.parametrize(
    "use", [{"messages_per_day": 8, "input_tokens": 500, "output_tokens": 200}, {"minutes_per_day": 10}]
)
def test_replicas_go_in_quiet_hours_as_far_as_they_are_whole(
    tmp_path: Path, replicas: int, saved: str | None, use: dict[str, Any]
) -> None:
    (trace := tmp_path / "hours.csv").write_text(TERRACED)
    asked = {"gpu": "h100:1", "model": "llama-3.1-8b", "trace": str(trace), **use}
    users = int(0.9 * infercost.userbase(**asked, replicas=replicas, max_wait_probability=1)["users"])
    said = " ".join(infercost.userbase(**asked, users=users).advice)
    assert ("--scale-down" in said) == (saved is not None)
    if saved:
        assert f"--scale-down lets replicas go in quiet hours: {saved} less to pay" in said


def test_nobody_is_told_to_let_replicas_go_whose_count_was_asked_for() -> None:
    """Both options together are refused."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "messages_per_day": 8, "traffic": "work"}
    assert "--scale-down" not in " ".join(infercost.userbase(**asked, replicas=4).advice)
    assert "--scale-down" not in " ".join(infercost.userbase(**{**asked, "traffic": "flat"}, users=10**6).advice)


#: A prompt of 2,000 tokens for an answer of 300: prompts are a large part of what a token costs.
PROMPTS: dict[str, Any] = {
    "model": "llama-3.3-70b",
    "gpu": "h100:4",
    "price": 2,
    "input_tokens": 2000,
    "output_tokens": 300,
}


def at_batch(batch: float, load: str) -> infercost.Report:
    """The answer at the load that leads to a batch, found by halving."""
    low, high = 0.01, 250.0
    while high - low > 1e-3 * low:
        middle = (low + high) / 2
        report = infercost.utilization(**PROMPTS, **{load: round(middle)})
        low, high = (middle, high) if report["stable"] and report["batch"] < batch else (low, middle)
        if high - low < 1:
            break
    return report


@pytest.mark.parametrize(("load", "value", "close"), [("batch", 8, 1e-3), ("concurrency", 20, 0.05)])
def test_a_larger_batch_saves_what_it_takes_off_the_price_that_is_printed(load: str, value: int, close: float) -> None:
    now = infercost.utilization(**PROMPTS, **{load: value})
    (found,) = re.findall(r"at batch (\d+) a token costs ([\d.]+)% less", " ".join(now.advice))
    more, saved = int(found[0]), float(found[1]) / 100
    then = infercost.utilization(**PROMPTS, batch=more) if load == "batch" else at_batch(more, load)
    price = "usd_per_million_tokens"
    assert saved == pytest.approx(1 - then[price] / now[price], rel=close)
    assert saved < 1 - then[f"{price}_decode"] / now[f"{price}_decode"]


@pytest.mark.parametrize("replicas", [1, 2])
def test_advice_at_a_rate_can_be_taken_at_that_rate(replicas: int) -> None:
    """The batch follows from the rate: fewer or cheaper devices can be had, if these keep up with twice as many.

    They do keep up with what is said, and not with a tenth more.
    """
    asked = {**PROMPTS, "gpu": f"h100:{4 * replicas}", "dp": replicas}
    said = " ".join(infercost.utilization(**asked, request_rate=0.5 * replicas).advice)
    assert "batch more users" not in said
    found = re.search(rf"{4 * replicas} x h100-sxm keep up with ([\d.]+) requests a second: at [\d.]+ fewer or", said)
    assert found
    most = float(found[1])
    assert infercost.utilization(**asked, request_rate=0.99 * most).met
    assert not infercost.utilization(**asked, request_rate=1.1 * most).met
    busy = " ".join(infercost.utilization(**asked, request_rate=0.6 * most).advice)
    assert "keep up" not in busy
    assert "batch more users" not in busy


def test_half_the_cache_saves_nothing_of_the_prompts() -> None:
    """The same room is worth less of a price in which prompts have a part than of decoding alone."""
    full = {"model": "llama-3.1-8b", "gpu": "h100:1", "kv_dtype": "bf16"}
    most = infercost.fit(**full, context=8192)["max_sequences"]
    long = infercost.utilization(**full, batch=most, input_tokens=7680, output_tokens=1024)
    short = infercost.utilization(**full, batch=most, input_tokens=1, output_tokens=16382)
    saved = [re.findall(r"a token costs ([\d.]+)% less", " ".join(each.advice)) for each in (long, short)]
    assert all(float(one) < 0.8 * float(other) for one, other in zip(*saved, strict=True))


@pytest.mark.parametrize(("part", "model", "requests"), [("h100", "gpt-oss-120b", 200), ("h200", "minimax-m2", 32)])
def test_devices_that_hold_all_requests_are_advised_where_some_wait(part: str, model: str, requests: int) -> None:
    least = infercost.fit(gpu=part, model=model)["gpus"]
    (advice,) = infercost.utilization(gpu=f"{part}:{least}", model=model, concurrency=requests).advice
    (count,) = re.findall(rf"devices hold all {requests} requests at once \(--gpu {part}:(\d+)\)", advice)
    held = [infercost.fit(gpu=f"{part}:{each}", model=model)["max_sequences"] for each in (int(count), int(count) // 2)]
    assert held[0] >= requests > held[1]
    for enough in (f"{part}:{count}", part):  # as many are taken where nobody counted
        report = infercost.utilization(gpu=enough, model=model, concurrency=requests)
        assert "run at once" not in report.verdict
        assert report["gpus"] == int(count)


@pytest.mark.parametrize(
    ("gpu", "model"), [("rtx-4090", "qwen3-8b"), ("m4-max", "llama-3.1-8b"), ("rtx-4090:2", "qwen3-8b")]
)
def test_nobody_alone_on_a_card_is_told_to_batch_users(gpu: str, model: str) -> None:
    """Those who ask about two sequences, or about a load, are; and those who rent a server, and the note's counts."""
    alone = {"gpu": gpu, "model": model, "dtype": "q4_k_m"}
    told = [*(alone | more for more in ({"batch": 2}, {"concurrency": 1, "isl": 1000, "osl": 200}))]
    told += [{"gpu": "h100", "model": model}, {"gpu": gpu, "params": "8B", "efficiency": "ideal"}]
    assert not any("more users" in text for text in infercost.utilization(**alone).advice)
    assert all(any(" a token costs " in text for text in infercost.utilization(**each).advice) for each in told)


def test_what_more_than_the_users_given_bring_is_said_as_that() -> None:
    """64 requests in flight were asked about, 32 on each of two replicas: nobody is told to batch what they fixed."""
    asked = {"model": "llama-3.1-70b", "input_tokens": 1000, "output_tokens": 400, "concurrency": 64, "tp": 4}
    two, one = (infercost.utilization(gpu=f"h100:{4 * dp}", dp=dp, **asked).advice[0] for dp in (2, 1))
    assert two.startswith(
        "what more than 64 users would bring: each weight read serves all of them, at batch 64 on each"
    )
    assert one.startswith("what more than 64 users would bring: ")
    assert " on each" not in one


def test_batches_with_their_caches_in_a_host_are_told_what_more_users_bring(run: Run) -> None:
    asked = ("--gpu", "b200-sxm:16", "--model", "palm-540b", "--host", "xeon-6980p", "--offload", "kv")
    said = run("sweep-batch", *asked, "--batch", "211", "--json")
    assert said.code == 0, said.err
    assert said.json["advice"] == run("utilization", *asked, "--batch", "211", "--json").json["advice"]


def test_one_user_at_home_is_not_told_of_many_sequences() -> None:
    """A card that holds one sequence of its owner: a shorter context makes a faster step, not room for others."""
    (advice,) = infercost.utilization(gpu="rtx-3090:1", model="qwen3-32b", dtype="q4_k_m", context=16_000).advice
    assert advice.startswith("shorten the context: half of it would make a step ")
    assert "add devices" not in advice
    assert "fit" not in advice


@pytest.mark.parametrize(
    "asked",
    [
        {"gpu": "h100:4", "model": "llama-3.3-70b", "input_tokens": 32_000, "output_tokens": 500, "batch": 16},
        {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 4000, "output_tokens": 100, "request_rate": 10},
    ],
)
def test_where_prompts_take_most_of_the_time_they_are_what_to_change(asked: dict[str, Any]) -> None:
    """Each way is what it takes when it is asked for, and nothing is said of the step between them."""
    said = infercost.utilization(**asked, dtype="fp8")
    assert said["itl_s"] > 2 * said["step_time_s"]
    (advice,) = said.to_dict()["advice"]
    assert advice.startswith(f"prompts take most of a token's {show(said['itl_s'], 's')}: ")
    assert advice.endswith(f"(--chunk-tokens) shorten its longest pause, {show(said['prompt_itl_s'], 's')}")
    apart = infercost.utilization(**asked, dtype="fp8", disaggregated=True)[
        "itl_s" if "batch" not in asked else "tpot_s"
    ]
    half = infercost.utilization(**asked, dtype="fp8", prefix_share=0.5)["itl_s"]
    (count,) = re.findall(r" (\S+ m?s) on \d+ devices \(--gpu h100:(\d)\)", advice)
    twice = infercost.utilization(**{**asked, "gpu": f"h100:{count[1]}"}, dtype="fp8")["itl_s"]
    assert f": {show(apart, 's')} with them on devices of their own (--disaggregated), " in advice
    assert f" {show(half, 's')} with half of each cached (--prefix-share 50%), " in advice
    assert count[0] == show(twice, "s")
    assert "shorten the context" not in advice


@pytest.mark.parametrize(("count", "more"), [("h100", {}), ("h100:2", {}), ("h100:2", {"usable": 0.9})])
def test_a_layout_that_is_a_little_short_is_told_what_brings_it_back(count: str, more: dict[str, float]) -> None:
    """70.56 GB, 3.33 GB of a cache of 10,150 and reserves of 2.65 GB are 12 MB more than 90% of 85 GB: two stages."""
    asked = {"gpu": count, "model": "llama-3.1-70b", "input_tokens": 10_000, "output_tokens": 300, **more}
    said = infercost.utilization(**asked)
    change = {"kv_dtype": "fp8"} if more else {"usable": 0.95}
    back = infercost.utilization(**{**asked, **change})
    assert said["usd_per_million_tokens"] > 1.5 * back["usd_per_million_tokens"]
    price = f"{show(back['tpot_s'], 's')} a token at ${back['usd_per_million_tokens']:.2f} a million output tokens"
    flag = "--kv-dtype fp8" if more else "--usable 0.95"
    assert said.advice[0] == f"a little more room is enough for tp 2 on 2 devices: {price} ({flag})"
    assert not [text for text in back.advice if "a little more room" in text]


def _pasted(advice: str) -> dict[str, str]:
    """The options of an advice's last brackets with flags."""
    flags = re.findall(r"\((--[^()]+)\)", advice)[-1].split()
    return {flag[2:].replace("-", "_"): value for flag, value in zip(flags[::2], flags[1::2], strict=True)}


@pytest.mark.parametrize(
    ("options", "saving"),
    [
        (
            {
                "gpu": "h100:16",
                "model": "gemma-3-27b",
                "input_tokens": 4000,
                "output_tokens": 500,
                "requests": 10000,
            },
            "costs",
        ),
        ({"gpu": "l4", "model": "mistral-nemo-12b", "batch": 64}, "costs"),
        (
            {"gpu": "mi300x:8", "model": "qwen3-32b", "input_tokens": 2000, "output_tokens": 2000, "request_rate": 5},
            "a step",
        ),
    ],
)
def test_a_narrower_cache_saves_what_was_advised(options: dict[str, Any], saving: str) -> None:
    """A job takes the batch that memory holds, a rate another one, and nobody's count of devices other devices."""
    report = infercost.utilization(**options)
    said = next(each for each in report.advice if "--kv-dtype" in each)
    found = re.search(rf"{saving} ([\d.]+)% (less|shorter)", said.partition("--kv-dtype")[2])
    again = infercost.utilization(**{**options, **_pasted(said)})
    key = "step_time_s" if saving == "a step" else "usd_per_million_tokens"
    saved = 1 - again[key] / report[key]
    assert found
    assert float(found[1]) == pytest.approx(100 * saved, abs=0.6)


def test_devices_that_are_said_to_hold_all_requests_do() -> None:
    """Room for 79 beside a batch of one is room for 78 beside as many."""
    for part, model in (("mi300x:8", "llama-3.1-8b"), ("l4:4", "mistral-nemo-12b")):
        asked = {"model": model, "input_tokens": 16000, "output_tokens": 500, "concurrency": 3000}
        said = infercost.utilization(gpu=part, **asked).advice[0]
        assert "hold all 3,000 requests at once" in said
        assert "the others wait" not in infercost.utilization(**{**asked, **_pasted(said)}).verdict


def test_devices_that_are_advised_hold_as_much_as_is_said() -> None:
    """Twice the devices may be two replicas; several cards are run by another engine than one, that needs more."""
    asked = {"model": "gemma-3-27b", "batch": 32, "context": "4k"}
    (said,) = infercost.fit(gpu="l4", **asked).advice
    assert f"room for {infercost.fit(**{**asked, **_pasted(said)})['max_sequences']} such" in said
    said = infercost.fit(gpu="rtx-4090", model="gpt-oss-120b").advice[-1]
    assert infercost.fit(model="gpt-oss-120b", **_pasted(said)).met


@pytest.mark.parametrize(("gpu", "model"), [("h100:8", "llama-3.1-8b"), ("h100:16", "deepseek-v3")])
def test_a_larger_batch_costs_what_its_own_question_says(gpu: str, model: str) -> None:
    """It takes another layout, which the advice has flags for: pasted back, the price is as promised."""
    said = infercost.utilization(gpu=gpu, model=model)
    batch, saved = re.findall(r"\(--batch (\d+)\) a token costs ([\d.]+)% less", " ".join(said.advice))[0]
    asked = infercost.utilization(gpu=gpu, model=model, batch=int(batch))
    both = (asked["usd_per_million_tokens"], said["usd_per_million_tokens"])
    assert 1 - both[0] / both[1] == pytest.approx(float(saved) / 100, abs=6e-4)
