"""A measured throughput against the hardware, the estimate and the bound; expected values are worked out by hand.

Llama 3.1 8B: 32 layers, 32 heads of 128, 8,030,261,248 parameters, two tables of 525,336,576; H100: 989.4e12 FLOP/s.
"""

from typing import Any

import pytest

import infercost
from infercost.errors import InfercostError
from tests.conftest import Run

TABLE = 525_336_576
MATRICES = 8_030_261_248 - 2 * TABLE
PEAK = 989.4e12
#: Operations of attention for each token that another one looks back at.
PAIR = 32 * 4 * 32 * 128
REQUEST = {"input_tokens": 1000, "output_tokens": 200}
SHARES = ("measured_utilization", "measured_memory_bandwidth_utilization")
RATIOS = ("measured_over_estimate", "measured_over_bound")
GROUP = {"gpu": "h100:8", "model": "llama-3.1-8b"}


def ask(measured: object, **options: object) -> infercost.Report:
    asked = {"gpu": "h100", "gpus": 1, "model": "llama-3.1-8b", **options}
    return infercost.utilization(**asked, measured_tokens_per_s=measured)


def values(report: infercost.Report) -> list[Any]:
    return [report[key] for key in (*SHARES, *RATIOS)]


def test_a_bare_count_is_worked_by_hand() -> None:
    """3.2 TFLOP a token of 20 x 3 PFLOP/s; 1.6 TB a step of 20 x 3 TB/s, so 37.5 steps a second at best."""
    report = infercost.utilization(gpu="h100-note", params=1.6e12, measured_tokens_per_s=18.75)
    assert values(report) == pytest.approx([18.75 * 3.2e12 / 60e15, 18.75 * 1.6e12 / 60e12, 0.5, 0.5])
    assert report["measured_bytes_per_s"] == pytest.approx(18.75 * 1.6e12)
    start = "18.75 tokens/s measured is 0.100% of the arithmetic (MFU) and 50.0% of the bandwidth (MBU, 30 TB/s), "
    assert report.verdict.startswith(f"{start}50.0% of the bound of 37.5 tokens/s: possible. ")


def test_prompts_that_ride_along_count_in_the_arithmetic() -> None:
    report = ask("2k", batch=16, **REQUEST)
    decoded = 199 / 200 * (2 * (MATRICES + TABLE) + PAIR * 1100)  # the first token comes with its prompt
    prompt = (2 * MATRICES * 1000 + 2 * TABLE + PAIR * 1000**2 / 2) / 200
    assert report["measured_utilization"] == pytest.approx(2000 * (decoded + prompt) / PEAK, rel=2e-3)
    assert report["measured_over_estimate"] == pytest.approx(2000 / report["tokens_per_s_all_in"])
    assert "of the arithmetic (MFU, prompts counted) and at least " in report.verdict


def test_the_steps_of_a_rate_with_prompts_between_are_the_least_that_is_read() -> None:
    """1,990 of 2,000 tokens/s are decoded, 16 a step: each reads the matrices, the head and 16 caches of 1,100."""
    read = 2 * (MATRICES + TABLE) + 16 * 1100 * 2 * 2 * 32 * 8 * 128
    for load in ({"batch": 16}, {"concurrency": 16}):
        report = ask("2k", **load, **REQUEST)
        assert report[SHARES[1]] == pytest.approx(1990 / 16 * read / 3.35e12)
        assert "and at least 64.3% of the bandwidth (MBU, decoding alone)" in report.verdict
    assert ask(500, request_rate=4, **REQUEST)[SHARES[1]] is None  # arrivals say nothing of how many decode at once


@pytest.mark.parametrize("load", [{"concurrency": 32}, {"request_rate": 4}], ids=str)
def test_under_a_load_shares_go_by_proportion(load: dict[str, Any]) -> None:
    report = ask(500, **load, **REQUEST)
    ratio = 500 / report["tokens_per_s"]
    assert report["measured_over_estimate"] == pytest.approx(ratio)
    assert report["measured_utilization"] == pytest.approx(report["utilization"] * ratio)


def test_arrivals_set_the_rate_whatever_the_hardware_could() -> None:
    report = ask(500, request_rate=4, **REQUEST)
    assert report["measured_over_estimate"] == pytest.approx(500 / (4 * 200))
    assert report["measured_over_bound"] is None
    assert "0.625 times the 800 tokens/s that arrive. " in report.verdict


def test_without_prompts_between_steps_the_bytes_of_a_step_count() -> None:
    plain, apart = ask(800, batch=16, context=1100), ask(800, batch=16, disaggregated=True, **REQUEST)
    for report in (plain, apart):
        times = 16 / 800 / report["step_time_s"]  # 50 steps a second
        assert report["measured_utilization"] == pytest.approx(report["utilization"] / times)
        assert report[SHARES[1]] == pytest.approx(report["memory_bandwidth_utilization"] / times)
        assert report["measured_over_bound"] == pytest.approx(report["bound_step_time_s"] * 50)


def test_a_draft_s_bound_yields_its_tokens_a_step() -> None:
    """Of four drafted tokens 1 + 0.8 + 0.8^2 + 0.8^3 + 0.8^4 come out of a step at best."""
    report = ask(100, context=1000, draft_tokens=4, acceptance=0.8, draft_cost=0.05)
    tokens = sum(0.8**each for each in range(5))
    assert report["measured_over_bound"] == pytest.approx(100 * report["bound_step_time_s"] / tokens)


@pytest.mark.parametrize("load", ["batch", "concurrency"])
def test_no_schedule_of_prompts_beats_the_bound(load: str) -> None:
    """Prompts share the reads of the batch's steps: a few leave those to bind, many bind by all arithmetic."""
    few, short = ask(2000, batch=16, **REQUEST), {"input_tokens": 1000, "output_tokens": 20, load: 64}
    assert few["measured_over_bound"] == pytest.approx(2000 * few["bound_step_time_s"] / 16 * 199 / 200)
    many = ask(200, **short)
    assert many["measured_over_bound"] == pytest.approx(many["measured_utilization"], rel=2e-3)
    for chunk in (64, 256, 1000):
        ideal = infercost.utilization(gpu="h100", model="llama-3.1-8b", efficiency="ideal", chunk_tokens=chunk, **short)
        rate = ideal["tokens_per_s_all_in" if load == "batch" else "tokens_per_s"]
        assert 0.1 < rate * many["measured_over_bound"] / 200 < 1 + 1e-6


def test_short_prompts_share_a_pass() -> None:
    """Of many in one pass each has its own arithmetic alone, which an engine comes close to."""
    report = ask("30k", input_tokens=16, output_tokens=1)
    assert report["measured_over_bound"] == pytest.approx(report["measured_utilization"])
    assert report.met


def test_a_layout_that_is_given_in_part_leaves_the_bound_to_any() -> None:
    half, whole = (ask(2000, gpus=4, batch=64, tp=tp, **REQUEST) for tp in (2, 4))
    assert "of the bound in any layout" in half.verdict
    assert "in any layout" not in whole.verdict


def test_replicas_share_what_was_measured() -> None:
    four, one = ask(8000, gpus=4, dp=4, batch=64, context=1000), ask(2000, batch=16, context=1000)
    assert values(four) == pytest.approx(values(one))
    assert four["measured_bytes_per_s"] == pytest.approx(4 * one["measured_bytes_per_s"])
    assert four.verdict.startswith("8,000 tokens/s measured is ")
    assert f"times the estimate of {four['tokens_per_s']:,.0f} tokens/s" in four.verdict


def test_what_was_measured_as_estimated_is_said_to_be_so() -> None:
    estimate = ask(1, batch=16, context=1000)["tokens_per_s"]
    report = ask(f"{estimate:.4g}", batch=16, context=1000)
    assert f", as estimated ({estimate:,.0f} tokens/s) and " in report.verdict
    assert "times the estimate" not in report.verdict


@pytest.mark.parametrize(
    ("times", "place"),
    [
        (0.99, "slower than nine of ten measured runs of this kind"),
        (1.01, "within the range of eight in ten measured runs"),
    ],
)
def test_a_measurement_has_a_place_among_measured_runs(times: float, place: str) -> None:
    """Eight of ten lie inside an estimate's interval, so one of ten below it and one above."""
    load = {"gpu": "h100:4", "model": "llama-3.3-70b", "dtype": "fp8", "isl": 1000, "osl": 1000, "concurrency": 128}
    low, high = infercost.utilization(**load).bands["tokens_per_s"]
    said = infercost.utilization(**load, measured_tokens_per_s=times * low).verdict
    assert f"the estimate of 4,414 tokens/s, {place}, and " in said
    above = infercost.utilization(**load, measured_tokens_per_s=high * (2 - times)).verdict
    fast = "faster than nine of ten measured runs of this kind" if times < 1 else place
    assert f"the estimate of 4,414 tokens/s, {fast}, and " in above


def test_faster_than_the_bound_is_said() -> None:
    report = ask("100k", batch=16, context=1000)
    assert report["measured_over_bound"] > 1
    assert report.verdict.startswith("Not possible with these inputs: 100,000 tokens/s measured is ")
    assert f" and {report['measured_over_bound']:.3g}x the bound. " in report.verdict
    assert "Not possible" not in ask(10, batch=16, context=1000).verdict


def test_a_measurement_of_what_does_not_run_is_no_share() -> None:
    report = ask(100, request_rate=500, **REQUEST)
    assert values(report) == [None] * 4
    assert "measured" not in report.verdict


def test_a_claim_where_the_model_does_not_fit_is_held_against_the_bound_with_memory_enough() -> None:
    one = ask(3000, model="llama-3.1-70b")
    tokens = 3.35e12 / (141.1e9 - 2 * 8192 * 128256 + 8192 * 327680)  # embeddings are looked up, a cache is read
    assert one["measured_over_bound"] == pytest.approx(3000 / tokens, rel=1e-3)
    assert values(one)[:3] == [None] * 3
    assert one.verdict.startswith(
        "Not possible with these inputs: the model does not fit. Even if it did, 3,000 would be 127x the bound of "
        "23.64 tokens/s at the assumed batch 1 (give --batch or --concurrency). Does not fit: llama-3.1-70b (bf16"
    )
    slow = ask(20, model="llama-3.1-70b", batch=1)
    assert " If it did, 20 would be 84.6% of the bound of 23.64 tokens/s. Does not fit: " in slow.verdict
    arriving = ask(100, model="llama-3.1-70b", request_rate=4, **REQUEST)  # no step sets their rate
    assert arriving.verdict.startswith("Not possible with these inputs. Does not fit: ")
    many = ask("20k", model="llama-3.1-70b", concurrency=64, **REQUEST)
    assert many["measured_over_bound"] > 1
    assert not any(report.met for report in (one, slow, arriving, many))


def test_a_claim_that_does_not_fit_at_an_assumed_length_asks_for_it(run: Run) -> None:
    """64 caches of 8,192 tokens take 172 GB beside 141 of weights; 64 of 512 take 11."""
    asked = ("utilization", "--gpu", "a100:4", "--model", "llama-3.1-70b", "--batch", "64", "--measured-tokens-per-s")
    open_, never = (run(*asked, measured, "--json") for measured in ("2400", "24000"))
    start = "Possible only below the assumed 8,192 tokens of context; at 512 it is "
    assert open_.json["verdict"].startswith(start)
    assert "(--context 512). Give --isl and --osl, or --context. Does not fit: " in open_.json["verdict"]
    assert (open_.code, open_.json["results"]["fits"]) == (0, False)
    assert never.json["verdict"].startswith("Not possible at the assumed 8,192 tokens of context, nor at 512: ")
    given = run(*asked, "2400", "--context", "8192", "--json")
    assert given.json["verdict"].startswith("Not possible with these inputs: the model does not fit. ")
    assert (never.code, given.code) == (3, 3)


def test_a_claim_of_a_batch_says_what_twice_as_many_would_give() -> None:
    lengths = {"model": "llama-3.1-8b", "input_tokens": 128, "output_tokens": 512}
    report, twice = ask("2k", batch=32, **lengths), infercost.utilization(gpu="h100", gpus=1, batch=64, **lengths)
    rate, times = twice["tokens_per_s_all_in"], report["measured_over_estimate"]
    (said,) = report.advice
    assert said.startswith(f"--batch 64 (leave the measurement out) is estimated at {rate:,.0f} tokens/s: ")
    assert f" times that, as here, are {times * rate:,.0f}. " in said
    assert not ask("2k", batch=32, **lengths, efficiency="ideal").advice


@pytest.mark.parametrize("measured", ["0", "-5", "none", "3 GB/s"])
def test_a_measurement_is_above_zero(measured: str) -> None:
    with pytest.raises(InfercostError, match="measured_tokens_per_s"):
        ask(measured)


@pytest.mark.parametrize(("share", "cached", "words"), [(0, 0, "prompts alone"), (0.5, 500, "50.0% of them cached")])
def test_prompts_alone_are_measured_by_what_is_read(share: float, cached: int, words: str) -> None:
    """20,000 tokens/s are 20 prompts: a new token has the matrices and what it looks back at, the last one the head."""
    lengths = {"input_tokens": 1000, "output_tokens": 1}
    report = ask("20k", **lengths, **({"prefix_share": share} if share else {}))
    flops = 2 * MATRICES * (1000 - cached) + 2 * TABLE + PAIR * (1000**2 - cached**2) / 2
    assert report["measured_utilization"] == pytest.approx(20 * flops / PEAK, rel=2e-3)
    assert report[SHARES[1]] is None
    assert 0 < report["measured_over_bound"] < report["measured_over_estimate"] < 1
    assert report.verdict.startswith("20,000 input tokens/s measured is ")
    assert f"of the arithmetic (MFU, {words}). That is " in report.verdict


def test_an_mfu_is_told_in_tokens_of_prompts(run: Run) -> None:
    """Llama 2 13B: 12,687,769,600 parameters in matrices, a table of 163,840,000, 40 layers of 40 heads of 128.

    A prompt of 2,000 takes 52.39 TFLOP, an A100 does 312 TFLOP/s: 60% of them are 7,146 tokens/s.
    """
    prompt = 2 * 12_687_769_600 * 2000 + 2 * 163_840_000 + 40 * 4 * 40 * 128 * 2000**2 / 2
    rate = 0.6 * 312e12 / (prompt / 2000)
    asked = ("utilization", "--gpu", "a100-80gb", "--model", "llama-2-13b", "--isl", "2k", "--osl", "1")
    said = run(*asked, "--measured-mfu", "60%", "--json").json
    assert said["results"]["measured_tokens_per_s"] == pytest.approx(rate, rel=1e-3)
    assert said["results"]["measured_utilization"] == pytest.approx(0.6)
    assert said["verdict"].startswith("7,146 input tokens/s is 60.0% of the arithmetic (MFU, prompts alone). That is ")
    same = run(*asked, "--measured-tokens-per-s", repr(said["results"]["measured_tokens_per_s"]), "--json").json
    assert {key: said["results"][key] for key in RATIOS} == {key: same["results"][key] for key in RATIOS}
    shown = run(*asked, "--measured-mfu", "60%", "--steps", "--format", "plain").out
    assert "PaLM (2022)" in " ".join(shown.split())
    assert "r_m = U_c × n × F / f_r" in shown


@pytest.mark.parametrize(
    "options",
    [
        {"batch": 16, "context": 1000},
        {"batch": 16, **REQUEST},
        {"concurrency": 16, **REQUEST},
        {"request_rate": 4, **REQUEST},
        {"gpus": 8, "dp": 4, "batch": 64, **REQUEST},
        {"batch": 4, "draft_tokens": 4, "draft_cost": 0.1, "acceptance": 0.8},
        {"model": "bge-m3", "input_tokens": 512},
        {"efficiency": "ideal", "batch": 16},
    ],
)
def test_the_tokens_of_an_mfu_have_that_mfu(options: dict[str, Any]) -> None:
    asked = {"gpu": "h100", "gpus": 1, "model": "llama-3.1-8b", **options}
    found = infercost.utilization(**asked, measured_mfu=0.02)
    back = infercost.utilization(**asked, measured_tokens_per_s=found["measured_tokens_per_s"])
    assert back["measured_utilization"] == pytest.approx(0.02)
    assert [back[key] for key in RATIOS] == pytest.approx([found[key] for key in RATIOS])
    assert " tokens/s is 2.00% of the arithmetic (MFU" in found.verdict


def test_an_mfu_of_a_bare_count_of_one_user_and_of_what_does_not_run(run: Run) -> None:
    """3.2 TFLOP a token of 20 x 3 PFLOP/s: 0.1% of them are 18.75 tokens/s."""
    report = infercost.utilization(gpu="h100-note", params=1.6e12, measured_mfu="0.1%")
    assert report["measured_tokens_per_s"] == pytest.approx(18.75)
    lone = run("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--measured-mfu", "60%", "--json").json
    assert " tokens/s is, at the assumed batch 1, 60.0% of the arithmetic (MFU) and " in lone["verdict"]
    assert ". How many sequences decoded at once? Give --batch or --concurrency. " in lone["verdict"]
    short = infercost.utilization(gpu="h100", gpus=1, model="llama-3.1-70b", measured_mfu=0.5)
    assert short["measured_tokens_per_s"] is None
    both = run("utilization", "--gpu", "h100", "--params", "8B", "--measured-mfu", "5%", "--measured-tokens-per-s", "5")
    assert "both say what was measured" in both.err
    assert both.code == 2
    unknown = run("utilization", "--gpu", "h100", "--params", "8B", "--measured-mfu", "101%")
    assert unknown.code == 2


def test_a_sweep_of_claims_tells_each_of_them(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100-note", "--params", "1.6e12", "--sweep")
    said = run(*asked, "measured-mfu=0.05%,0.1%", "--json").json
    assert [row["measured_tokens_per_s"] for row in said["rows"]] == pytest.approx([9.375, 18.75])
    assert "measured tokens/s rises from 9.375 to 18.75 (2x)" in said["verdict"]
    rates = run(*asked, "measured-tokens-per-s=9.375,18.75", "--json").json["verdict"]
    assert "measured utilization rises from 0.0500% to 0.100% (2x)" in rates


def test_a_claim_of_input_tokens_of_deepseek() -> None:
    """73.7k input tokens/s a node of 8 H800, 342 of 608 billion cached (DeepSeek, Day 6, 2025-03), on four nodes."""
    asked = {"gpu": "h800:32", "gpus": None, "model": "deepseek-v3", "ep": 32, "input_tokens": 5000, "output_tokens": 1}
    report = ask("294.8k", **asked, prefix_share=342 / 608)
    assert report["measured_over_estimate"] == pytest.approx(1, abs=0.3)
    new = 5000 * (1 - 342 / 608)
    assert report["measured_utilization"] > 294.8e3 / 5000 * new * 2 * 36.5e9 / (32 * 1979e12)  # matrices alone


def test_a_model_that_decodes_nothing_is_measured_by_what_it_reads() -> None:
    report = ask("100k", model="bge-m3", input_tokens=512)
    assert report["measured_over_estimate"] == pytest.approx(100e3 / report["input_tokens_per_s"])
    assert report["measured_utilization"] == pytest.approx(report["prefill_flops"] * 100e3 / 512 / PEAK)
    assert report[SHARES[1]] is None


def test_other_commands_take_no_measurement(run: Run) -> None:
    assert run("fit", "--gpu", "h100", "--params", "8B", "--measured-tokens-per-s", "5").code == 2
    assert "measured_over_bound" not in infercost.utilization(gpu="h100", params="8B")


def test_a_claim_is_swept_and_its_work_is_shown(run: Run) -> None:
    asked = ["utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--context", "1k"]
    asked += ["--measured-tokens-per-s", "500"]
    rows = run(*asked, "--sweep", "batch=8,16", "--json").json["rows"]
    assert all(row["measured_over_bound"] > 0 for row in rows)
    shown = run(*asked, "--batch", "8", "--steps", "--format", "plain").out
    assert "x_b = r_m / r_b" in shown
    assert "U_r = U × r_m / r" in shown


def test_a_lone_users_speed_is_that_between_tokens() -> None:
    """llama-bench and Ollama print the rate of decoding, whatever the prompt took: at least 4.92 GB at 1,008 GB/s."""
    report = infercost.utilization(
        gpu="rtx-4090",
        model="llama-3.1-8b",
        dtype="q4_k_m",
        measured_tokens_per_s=150,
        input_tokens=512,
        output_tokens=64,
    )
    assert report["measured_over_estimate"] == pytest.approx(150 / report["tokens_per_s"])
    assert report["measured_memory_bandwidth_utilization"] is not None
    assert 150 / (1008e9 / 4.6e9) < report["measured_over_bound"] < 150 / (1008e9 / 5.4e9)


@pytest.mark.parametrize("load", [{"batch": 32}, {"concurrency": 32}])
def test_no_prompts_are_counted_that_nobody_mentioned(load: dict[str, Any]) -> None:
    """2,500 tokens/s of 16 GFLOP are 4.1% of the peak, and the attention to 8,192 tokens more, at any batch."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "measured_tokens_per_s": 2500}
    decoded = 2 * (MATRICES + TABLE) + PAIR * 8192
    said = infercost.utilization(**asked, **load)
    for report in (said, infercost.utilization(**asked)):
        assert report["measured_utilization"] == pytest.approx(2500 * decoded / PEAK, rel=2e-3)
    assert "prompts counted" not in said.verdict
    read = 2 * (MATRICES + TABLE) + 32 * 8192 * 2 * 2 * 32 * 8 * 128
    assert said["measured_over_bound"] == pytest.approx(2500 / 32 * read / 3.35e12, rel=2e-3)
    flag = "--batch 32 --context 512" if "concurrency" in load else "--context 512"
    assert f"Possible only below the assumed 8,192 tokens of context; at 512 it is 40.0% of the bound ({flag}): " in (
        said.verdict
    )
    given = infercost.utilization(**asked, **load, input_tokens=1000, output_tokens=500)
    assert "(MFU, prompts counted)" in given.verdict
    arrive = infercost.utilization(**{**asked, "gpu": "h100:4"}, request_rate=1)
    assert "prompts counted, 7,680 tokens in and 1,024 tokens out assumed)" in arrive.verdict


def test_prompts_of_one_user_count_as_those_of_two() -> None:
    """40 tokens/s are 0.4 requests a second, each a prompt of 8,000 and 99 steps, on eight parts."""
    options = {"gpu": "h100", "gpus": 8, "model": "llama-3.1-70b", "input_tokens": 8000, "output_tokens": 100}
    one = infercost.utilization(**options, batch=1, measured_tokens_per_s=40)
    two = infercost.utilization(**options, batch=2, measured_tokens_per_s=40)
    for report in (one, two):
        assert report["measured_over_estimate"] == pytest.approx(40 / report["tokens_per_s_all_in"])
        assert " of the arithmetic (MFU, prompts counted) and at least " in report.verdict
        assert report["measured_utilization"] > 0.4 * 8000 * 2 * 69.5e9 / (8 * PEAK)  # matrices of prompts alone
    assert one["measured_utilization"] == pytest.approx(two["measured_utilization"], rel=1e-3)


def test_llama_cpp_prints_the_speed_between_the_tokens_of_one() -> None:
    home = {"gpu": "rtx-4090", "model": "qwen3-14b", "dtype": "q4_k_m", "measured_tokens_per_s": 40}
    said = infercost.utilization(**home, input_tokens=8000, output_tokens=100)
    assert said["measured_over_estimate"] == pytest.approx(40 * said["tpot_s"])
    assert " of the arithmetic (MFU, between tokens) and " in said.verdict
    assert "between tokens" not in infercost.utilization(**home).verdict
    nobody = infercost.utilization(gpu="h100", model="llama-3.1-8b", measured_tokens_per_s=40)  # who gave no request
    assert nobody["measured_over_estimate"] == pytest.approx(40 * nobody["tpot_s"])


def test_what_is_impossible_at_an_assumed_context_is_asked_at_a_short_one(run: Run) -> None:
    """A log of llama-bench gives no context: 8,192 tokens of cache are read at the assumed one, 512 at a short."""
    asked = ("utilization", "--gpu", "m4-max", "--model", "llama-3.1-8b", "--dtype", "q4_k_m")
    measured = (*asked, "--measured-tokens-per-s", "100")
    short = run(*measured, "--context", "512", "--json").json["results"]["measured_over_bound"]
    assert short < 1
    said = " ".join(run(*measured).out.split())
    start = f"Possible only below the assumed 8,192 tokens of context; at 512 it is {short:.1%} of the bound"
    assert said.startswith(f"{start} (--context 512): 100 tokens/s measured is ")
    never = " ".join(run(*asked, "--measured-tokens-per-s", "200").out.split())
    assert never.startswith("Not possible at the assumed 8,192 tokens of context, nor at 512: ")
    given = " ".join(run(*measured, "--context", "8192").out.split())
    assert given.startswith("Not possible with these inputs: ")


@pytest.mark.parametrize(
    ("measured", "code"),
    [
        (("100", "--batch", "1"), 3),
        (("100",), 0),
        (("20",), 0),
        (("3000",), 0),
        (("3000", "--batch", "1"), 3),
        (("15000",), 3),
    ],
)
def test_an_impossible_claim_is_not_met_and_no_claim_has_advice(run: Run, measured: tuple[str, ...], code: int) -> None:
    """Two parts read 141 GB at 6.7 TB/s 47 times a second; 3,000 may be of many sequences, nobody said how many.

    15,000 of 141 GFLOP are 2.12 PFLOP/s, more than the 1.98 of both, at any batch.
    """
    asked = ("utilization", "--gpu", "h100", "--model", "llama-3-70b", "--dtype", "fp16", "--json")
    said = run(*asked, "--measured-tokens-per-s", *measured)
    assert (said.code, said.json["met"]) == (code, code == 0)
    assert said.json["verdict"].startswith("Not possible") == (code == 3)
    assert said.json["advice"] == []


def test_a_claim_is_placed_by_what_it_would_take() -> None:
    """Each of 2,100 tokens a second reads 139 GB, 141.1 less the table: 291.9 TB/s are those of 87.1 devices."""
    asked = {"gpu": "h100", "model": "llama-3.1-70b", "efficiency": "ideal", "batch": 1}
    report = infercost.utilization(**asked, measured_tokens_per_s=2100)
    assert "(MBU, 291.9 TB/s, that of 88 x h100-sxm), " in report.verdict
    near = infercost.utilization(**asked, measured_tokens_per_s=45)  # of 48.2
    assert "93.4% of the bound of 48.2 tokens/s in any layout: possible, but close to it. " in near.verdict
    far = infercost.utilization(**asked, measured_tokens_per_s=30)
    assert "62.2% of the bound of 48.2 tokens/s in any layout: possible. " in far.verdict
    above = infercost.utilization(gpu="h100", model="llama-3.1-8b", batch=1, measured_tokens_per_s=170)
    assert "1.13 times the estimate" in above.verdict
    assert "81.6% of the bound: possible. " in above.verdict


def test_a_batch_that_nobody_gave_is_asked_for_first(run: Run) -> None:
    """A rate of 72 devices under load is no lone user's; arithmetic that no batch has stays impossible."""
    asked = ("utilization", "--gpu", "h100:72", "--model", "llama-3.1-70b", "--measured-tokens-per-s")
    said = run(*asked, "200700", "--json").json["verdict"]
    assert said.startswith(
        "How many sequences decoded at once? Give --batch or --concurrency: 200,700 tokens/s measured"
    )
    assert "at the assumed batch 1, " in said
    assert "Not possible" not in said
    for more in (("2000k",), ("200700", "--batch", "9")):
        assert run(*asked, *more, "--json").json["verdict"].startswith("Not possible")


def test_a_claim_in_no_layout_that_was_given_is_held_against_all_devices() -> None:
    """PaLM's int8 takes 29 ms a token on 64 TPU v4: over 540 GB at 76.8 TB/s are 7.03 ms, whatever the layout.

    Pope and others, 2211.05102, table 3, measured it; an engine's own widths, which do not divide 48 heads by 64, read
    from 16 devices at a time.
    """
    asked = {"gpu": "tpu-v4:64", "model": "palm-540b", "dtype": "int8"}
    report = infercost.utilization(**asked, measured_tokens_per_s=34.5)
    assert report["measured_over_bound"] == pytest.approx(540.4e9 / (64 * 1.2e12) * 34.5, rel=0.02)
    assert "24.5% of the bound in any layout: possible. " in report.verdict
    given = infercost.utilization(**asked, tp=16, pp=4, measured_tokens_per_s=34.5)
    assert given["measured_over_bound"] > 1
    assert " in any layout" not in given.verdict
    batch = infercost.utilization(**asked, batch=64, context=2048, measured_tokens_per_s=2207)
    assert batch["measured_over_bound"] < 0.3
    assert batch["measured_memory_bandwidth_utilization"] < 0.3


def test_a_claim_without_a_batch_is_of_one_user_on_all_devices() -> None:
    """Eight H100 that decode for one read an 8B model together, not a copy each for eight users; prompts alone do."""
    asked = {"gpus": 8}
    claim, lone = ask(300, **asked), ask(300, **asked, batch=1)
    assert claim["tokens_per_s"] == lone["tokens_per_s"] == infercost.utilization(**GROUP, batch=1)["tokens_per_s"]
    assert claim["gpus"] == 8
    spare = infercost.utilization(gpu="tpu-v4:64", model="palm-540b", dtype="int8", batch=1, measured_tokens_per_s=30)
    assert spare["gpus"] == 64
    prompts = {"gpus": 8, "input_tokens": 500, "output_tokens": 1}
    estimate = infercost.utilization(gpu="h100", model="llama-3.1-8b", **prompts)["input_tokens_per_s"]
    claimed = ask(1000, **prompts)["measured_over_estimate"]
    assert claimed == pytest.approx(1000 / estimate)


def test_a_claim_with_a_price_has_its_own_price_of_a_token() -> None:
    """DeepSeek's 14,800 tokens/s a node of eight at $2.00 are $16 for 53.28 million tokens, $0.30 a million."""
    asked = {"gpu": "h800:144", "model": "deepseek-v3", "ep": 144, "batch": 12_700, "context": 4989, "price": 2}
    report = infercost.utilization(**asked, measured_tokens_per_s=18 * 14_800)
    assert report["measured_usd_per_million_tokens"] == pytest.approx(16 / (14_800 * 3600 / 1e6))
    estimated = f"${report['usd_per_million_tokens']:.3f}"
    assert f" A million tokens cost $0.30 as measured, {estimated} by the estimate. " in report.verdict
    api = infercost.utilization(**asked, measured_tokens_per_s=18 * 14_800, api_price=2.19)
    assert api.verdict.startswith(f"$0.30 a million tokens as measured ({estimated} estimated); an API at $2.19 ")
    assert api["own_over_api_cost"] == pytest.approx(16 / 53.28 / 2.19)
    assert "A million tokens cost" not in api.verdict
    far = infercost.utilization(**asked, measured_tokens_per_s=2e6)
    assert far["measured_usd_per_million_tokens"] is None
    assert "as measured" not in far.verdict
    rent = infercost.utilization(**{**asked, "price": None}, measured_tokens_per_s=18 * 14_800)
    assert "as measured" not in rent.verdict
