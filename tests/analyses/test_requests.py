"""A request, a load, a draft and the law of a paper, asked of utilization; expected values are worked out by hand.

Llama 3.1 8B: 32 layers, 32 heads of 128, 8,030,261,248 parameters, two tables of 525,336,576; H100: 989.4e12 FLOP/s.
"""

import math
import re
from typing import Any

import pytest

import infercost
from infercost.errors import InfercostError
from infercost.units import show
from tests.conftest import ROOT, Run

TABLE = 525_336_576
MATRICES = 8_030_261_248 - 2 * TABLE
PEAK = 989.4e12


def ask(**options: object) -> infercost.Report:
    return infercost.utilization(**{"gpu": "h100:1", "model": "llama-3.1-8b", **options})


def test_a_prompt_at_best_takes_its_arithmetic() -> None:
    report = ask(efficiency="ideal", input_tokens=4096, output_tokens=100)
    flops = 2 * MATRICES * 4096 + 2 * TABLE + 32 * 4 * 32 * 128 * 4096**2 / 2
    assert report["prefill_time_s"] == pytest.approx(flops / PEAK, rel=1e-3)
    assert report["ttft_s"] == report["prefill_time_s"]


def test_a_request_is_its_first_token_and_the_others() -> None:
    report = ask(input_tokens=1000, output_tokens=101, batch=4)
    assert report["request_time_s"] == pytest.approx(report["ttft_s"] + 100 * report["itl_s"])
    alone = ask(input_tokens=1000, output_tokens=101)
    assert alone["request_time_s"] == pytest.approx(alone["ttft_s"] + 100 * alone["step_time_s"])


def test_the_longest_pause_of_a_batch_is_a_chunk_of_anothers_prompt() -> None:
    """Of 32,000 tokens a chunk of 2,048 takes a fourth of the arithmetic of one of 8,192; each carries a step too."""
    asked = {"gpu": "h100:4", "model": "llama-3.3-70b", "dtype": "fp8", "input_tokens": 32_000, "output_tokens": 500}
    usual, short = (infercost.utilization(**asked, batch=16, **more) for more in ({}, {"chunk_tokens": 2048}))
    assert short["itl_s"] < short["prompt_itl_s"] < usual["prompt_itl_s"] / 2
    assert short["prompt_itl_s"] > short["step_time_s"]
    assert next(row.shown for row in usual.results if row.key == "prompt_itl_s")
    assert "prompt_itl_s" not in infercost.utilization(**asked, batch=1).values


def test_a_cached_prompt_computes_one_token_and_attends_to_the_rest() -> None:
    whole, cached = (
        ask(efficiency="ideal", input_tokens=8000, output_tokens=10, prefix_share=share) for share in ("0", "100%")
    )
    weights = (8_030_261_248 - TABLE) * 2
    cache = 7999 * 131_072
    assert cached["prefill_time_s"] == pytest.approx((weights + cache) / 3.35e12, rel=1e-3)
    assert whole["prefill_time_s"] > 20 * cached["prefill_time_s"]


def test_the_context_of_a_request_is_half_way_through_its_output() -> None:
    report = ask(input_tokens=1000, output_tokens=200)
    assert {item.key: item.value for item in report.inputs}["context"] == 1100


@pytest.mark.parametrize(("efficiency", "context"), [("ideal", 0), ("erdil-2025", 0), ("realistic", 8192)])
def test_a_note_has_no_context_and_a_plan_a_usual_one(efficiency: str, context: int) -> None:
    report = infercost.utilization(gpu="h100:4", model="llama-3.1-70b", efficiency=efficiency)
    assert {item.key: item.value for item in report.inputs}["context"] == context


def test_the_batch_of_a_rate_is_what_arrives_while_one_decodes() -> None:
    report = ask(request_rate="4", input_tokens=600, output_tokens=250, efficiency="vllm")
    assert report["batch"] == pytest.approx(4 * 249 * report["itl_s"], rel=1e-4)
    assert report["in_flight"] == pytest.approx(4 * report["request_time_s"])
    assert report["tokens_per_s"] == pytest.approx(4 * 250)
    assert report["stable"] is True


def test_a_load_that_cannot_be_served_says_what_could(run: Run) -> None:
    args = ("utilization", "--model", "llama-3.1-70b", "--gpu", "h100:4", "--isl", "2000", "--osl", "500")
    found = run(*args, "--request-rate", "50", "--json")
    assert found.code == 3
    assert found.json["results"]["stable"] is False
    served = found.json["results"]["tokens_per_s"] / 500
    assert f"{-(-50 // served):.0f} replicas of 4 devices" in found.json["verdict"]
    assert found.json["results"]["gpus_needed"] == 4 * -(-50 // served)


@pytest.mark.parametrize(("rate", "gpus"), [(5, None), (50, None), (9, 2), (30, 8)])
def test_as_many_devices_as_are_needed_keep_up_and_one_less_does_not(rate: float, gpus: int | None) -> None:
    """A script reads the count of an overloaded service, and asks again with it."""
    load: dict[str, Any] = {"gpu": "h100", "model": "llama-3.1-8b", "request_rate": rate}
    short = infercost.utilization(**load, **({"gpus": gpus} if gpus else {}))
    needed = short["gpus_needed"]
    assert not short["stable"]
    assert needed > short["gpus"]
    assert f"{needed:,} x h100-sxm" in short.verdict
    enough, few = (infercost.utilization(**load, gpus=count, tp=1, dp=count) for count in (needed, needed - 1))
    assert (enough["stable"], enough["gpus_needed"]) == (True, None)
    assert (few["stable"], few["gpus_needed"]) == (False, needed)


def test_no_devices_are_needed_where_nothing_arrives_or_nothing_fits() -> None:
    assert "gpus_needed" not in ask(batch=4).values
    assert "gpus_needed" not in ask(concurrency=4, input_tokens=600, output_tokens=250, efficiency="vllm").values
    unfit = infercost.utilization(gpu="h100:1", model="llama-3.1-70b", request_rate=50)
    assert unfit.values.get("gpus_needed") is None


def test_a_draft_that_is_never_right_costs_its_time() -> None:
    plain, wrong = ask(batch=4), ask(batch=4, draft_tokens=4, acceptance="0", draft_cost="10%")
    assert wrong["tpot_s"] >= plain["tpot_s"] * 1.4
    assert wrong["step_time_s"] == pytest.approx(wrong["tpot_s"])


def test_a_draft_yields_the_tokens_of_the_series() -> None:
    """0.8 and four drafts: 1 + 0.8 + 0.64 + 0.512 + 0.4096 = 3.3616 tokens a step."""
    report = ask(batch=1, draft_tokens=4, acceptance="0.8", draft_cost="5%")
    assert report["step_time_s"] / report["tpot_s"] == pytest.approx(3.3616)


def test_prompts_apart_send_their_cache() -> None:
    """2,000 tokens of 131,072 B over 50 GB/s."""
    report = ask(input_tokens=5000, output_tokens=500, batch=16, disaggregated=True)
    assert report["cache_transfer_time_s"] == pytest.approx(5000 * 131_072 / 50e9)
    ratio = report["prefill_time_s"] * 16 / (report["tpot_s"] * 500)  # 8,192 tokens of a pass hold no second prompt
    assert report["prefill_per_decode"] == pytest.approx(ratio)
    rate = 16 / (report["tpot_s"] * 500)
    assert report["cache_transfer_bytes_per_s"] == pytest.approx(rate * 5000 * 131_072)


@pytest.mark.parametrize(("layout", "prompts"), [({"tp": 1, "ep": 8}, 8), ({"tp": 1, "pp": 8}, 1)])
def test_replicas_that_prefill_keep_all_their_groups_and_stages_busy(layout: dict[str, int], prompts: int) -> None:
    """36.6 G active parameters beside embedding and head, 2 FLOP each for 4,096 tokens, on eight of 1,979 TFLOP/s.

    With the scores of 61 layers, 128 heads and 320 values in 16 bits, half the square of 4,096 each way: 41.9 TFLOP.
    And 671 GB of weights are read at eight times 4.8 TB/s, once for the prompts of all groups, whose tokens go from 58
    layers to eight experts in 8 bits and back in 16, once to each of 8 (1 - (7/8)^8) ranks, seven of eight of these
    over a link of 450 GB/s.
    """
    asked = {"gpu": "h200:8", "model": "deepseek-v3", "efficiency": "ideal", "overlap": "none", **layout}
    report = infercost.utilization(**asked, input_tokens=4096, output_tokens=1000, batch=16, disaggregated=True)
    seconds = report["prefill_per_decode"] * report["tpot_s"] * 1000 / 16
    arithmetic = (2 * 36.6e9 * 4096 / 1.979e15 + 41.9e12 / 0.9895e15) / 8
    exchange = 58 * 4096 * 8 * (1 - (7 / 8) ** 8) * 7168 * (1 + 2) * 7 / 8 / 450e9 / 8 if prompts == 8 else 0
    assert seconds == pytest.approx(arithmetic + 671e9 / 4.8e12 / 8 / prompts + exchange, rel=0.02)
    assert seconds < 0.25 * report["prefill_time_s"]  # a prompt alone leaves the others idle
    assert f" take {show(8 * report['prefill_per_decode'], '')} devices more (1 replica of 8, " in report.verdict


def test_the_law_of_the_later_paper_is_asked_by_its_profile() -> None:
    """Its notebook prints 9.0027 ms for one user of Llama 3 70B on eight of its H100s."""
    report = infercost.utilization(
        gpu=f"{ROOT}/tests/data/erdil/h100.yaml:8", model="llama-3-70b", efficiency="erdil-2025"
    )
    assert report["step_time_s"] == pytest.approx(0.009002734519595958, rel=1e-6)


def test_where_the_time_goes_adds_up_to_the_step() -> None:
    report = infercost.utilization(gpu="h200:8", model="deepseek-v3", dtype="fp8", batch=64, tp=8)
    assert sum(seconds for _, seconds, _ in report.parts) == pytest.approx(report["step_time_s"])
    assert {name for name, _, _ in report.parts} >= {"weights", "collectives", "launch"}


def test_one_model_on_several_parts_shows_bound_and_estimate() -> None:
    report = infercost.compare(gpu=["h100:8", "h200"], model="llama-3.1-70b", batch=8)
    assert report.series is not None
    assert [row["gpus"] for row in report.series.rows] == [8, 2]
    assert all(row["step_time_s"] > row["bound_step_time_s"] > 0 for row in report.series.rows)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input_tokens": 100, "context": 200}, "both lengths"),
        ({"input_tokens": 9, "output_tokens": 9, "request_rate": 1, "batch": 2}, "follows from the rate"),
        ({"draft_tokens": 2, "acceptance": "1", "draft_cost": "0.1"}, "never|always"),
        ({"draft_tokens": 2, "acceptance": "0.5"}, "--draft-model"),
        ({"draft_tokens": 2, "draft_cost": "0.1"}, "acceptance"),
        ({"request_rate": "-1"}, "request_rate"),
        ({"input_tokens": 9, "output_tokens": 1, "request_rate": 1}, "--output-tokens 2"),
        ({"input_tokens": 131_022, "output_tokens": 100}, "longer than the model"),
        ({"input_tokens": 9, "output_tokens": 9, "context": 10}, "disagree"),
        ({"input_tokens": 9, "output_tokens": 9, "max_sequences": 3}, "--request-rate"),
        ({"concurrency": 8, "batch": 2}, "in flight"),
        ({"concurrency": 8, "request_rate": 2}, "two ways"),
        ({"concurrency": 8, "disaggregated": True}, "give --request-rate"),
        ({"concurrency": 8, "burstiness": 0}, "give --request-rate"),
        ({"request_rate": 8, "num_prompts": 80}, "give --concurrency"),
        ({"concurrency": 8, "draft_tokens": 2, "acceptance": "0.5", "draft_cost": "0.1"}, "not modelled"),
        ({"concurrency": 8, "input_tokens": 9, "output_tokens": 1}, "--output-tokens 2"),
        ({"input_tokens": 9, "output_tokens": 9, "efficiency": "erdil-2025"}, "not a request"),
        (
            {
                "input_tokens": 9,
                "output_tokens": 9,
                "request_rate": 1,
                "draft_tokens": 2,
                "acceptance": "0.5",
                "draft_cost": "0.1",
            },
            "not modelled",
        ),
        ({"gpu": "rtx-4090", "input_tokens": 9, "output_tokens": 9, "disaggregated": True}, "network_bandwidth"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(InfercostError) as caught:
        ask(**options)
    words = f"{caught.value.what} {caught.value.hint}"
    assert any(word in words for word in said.split("|"))


def test_a_bare_count_has_no_prompts_and_no_launches() -> None:
    for options in ({"input_tokens": 9, "output_tokens": 9}, {"efficiency": "realistic"}, {"efficiency": "erdil-2025"}):
        with pytest.raises(InfercostError, match=r"layers|--model"):
            infercost.utilization(gpu="h100", params=1.6e12, **options)


def test_where_no_request_fits_a_rate_says_so(run: Run) -> None:
    args = ("utilization", "--model", "llama-3.1-70b", "--gpu", "h100:1", "--isl", "1000", "--osl", "10")
    found = run(*args, "--request-rate", "0.5")
    assert found.code == 3
    assert found.out.startswith("Does not fit")


def test_chunks_are_not_taken_faster_than_steps_are_made(run: Run) -> None:
    """8 requests a second of 2,000 tokens are 16,000 tokens a second; 256 a step of 30 ms are half of that."""
    args = ("utilization", "--model", "llama-3.1-70b", "--gpu", "h100", "--tp", "8", "--isl", "2000", "--osl", "100")
    found = run(*args, "--request-rate", "8", "--chunk-tokens", "256", "--json")
    assert found.code == 3
    results = found.json["results"]
    assert results["tokens_per_s"] / 100 * 2000 <= 256 / results["itl_s"] * 1.01


@pytest.mark.parametrize("options", [{}, {"price": 2}])
def test_requests_that_pile_up_have_no_first_token_and_no_price(options: dict[str, float]) -> None:
    """The queue has no end: whoever comes waits longer than any number."""
    report = ask(**options, request_rate=1000, input_tokens=1000, output_tokens=300)
    nothing = ("ttft_s", "request_time_s", "in_flight", "usd_per_million_tokens", "usd_per_million_tokens_decode")
    assert [report[key] for key in nothing] == [None] * 5
    assert report["tokens_per_s"] > 0
    assert "to its first token" not in report.verdict
    assert {row.remark for row in report.results if row.key in nothing} == {"requests pile up: the queue has no end"}


def test_what_does_not_fit_has_no_price_and_no_speed() -> None:
    """500 x 8,192 tokens of 131,072 B are 537 GB beside 16 GB of weights on a device of 85 GB."""
    report = infercost.utilization(model="llama-3.1-8b", gpu="h100:1", batch=500, price=2)
    nothing = [key for key in report if report[key] is None]
    assert {"usd_per_million_tokens", "tokens_per_s", "tokens_per_s_per_user", "ttft_s", "request_time_s"} <= {*nothing}
    assert {"step_time_s", "bound_step_time_s", "memory_time_s", "tpot_s", "utilization"} <= {*nothing}
    assert report.parts == ()
    assert {row.remark for row in report.results if row.key in nothing} == {"the model does not fit"}
    assert report.verdict.startswith("Does not fit")
    assert "A request takes" not in report.verdict


def test_the_price_of_a_rate_says_that_idle_time_is_paid() -> None:
    """Accelerators that wait for a request a second are not always busy."""
    report = ask(request_rate=1, input_tokens=600, output_tokens=250, price=2)
    said = {row.key: row.remark for row in report.results}["usd_per_million_tokens"]
    assert said == "with their prompts, idle time at this load paid too"


@pytest.mark.parametrize("chunk", [{}, {"chunk_tokens": 512}, {"chunk_tokens": 64}])
@pytest.mark.parametrize("tokens", [(30_000, 2), (4000, 20)])
def test_no_load_uses_more_than_all_of_the_arithmetic(tokens: tuple[int, int], chunk: dict[str, int]) -> None:
    size = {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    for efficiency in ("ideal", "vllm"):
        report = ask(**size, **chunk, request_rate=1000, efficiency=efficiency)
        assert report["stable"] is False
        assert 0 < report["utilization"] <= 1


def test_prompts_apart_leave_the_steps_of_decoding_alone() -> None:
    load = {"gpu": "h100:8", "model": "llama-3.1-70b", "input_tokens": 2000, "output_tokens": 500, "request_rate": 5}
    together, apart = infercost.utilization(**load), infercost.utilization(**load, disaggregated=True)
    assert apart["itl_s"] < together["itl_s"]
    assert apart["itl_s"] == pytest.approx(apart["step_time_s"], rel=0.02)
    assert apart["ttft_s"] > apart["prefill_time_s"] + apart["cache_transfer_time_s"]


def test_a_part_that_cannot_run_the_model_leaves_the_others_their_rows() -> None:
    report = infercost.compare("h100", "groq-lpu-v1", model="llama-3.1-70b", price=2)
    assert report.series is not None
    assert [row["gpus"] for row in report.series.rows] == [2, None]
    assert "usd_per_million_tokens" in report.series.columns
    assert any(note.text.startswith("groq-lpu-v1") for note in report.notes)


def test_stages_take_their_share_of_the_prompts() -> None:
    """Eight stages of one device together do the arithmetic of prompts that eight devices do."""
    load = {"model": "llama-3.1-8b", "input_tokens": 4000, "output_tokens": 20, "request_rate": 1000}
    one = infercost.utilization(gpu="h100:1", efficiency="ideal", **load)
    staged = infercost.utilization(gpu="h100:8", tp=1, pp=8, efficiency="ideal", **load, max_sequences=2000)
    assert 4 * one["tokens_per_s"] < staged["tokens_per_s"] <= 8 * one["tokens_per_s"] * 1.1
    assert staged["utilization"] <= 1


def test_a_prompt_is_attended_by_its_own_group_alone() -> None:
    """61 layers of 187,107,328 attention parameters, 2 FLOP each for 7,680 tokens, on one device of 1,979 TFLOP/s."""
    report = infercost.utilization(
        model="deepseek-v3", gpu="h100:64", tp=1, ep=64, input_tokens=7680, output_tokens=16, efficiency="ideal"
    )
    assert report["prefill_time_s"] > 2 * 61 * 187_107_328 * 7680 / 1.979e15


def test_a_draft_that_leaves_no_room_does_not_fit() -> None:
    """Two devices hold 70B in 16 bits with under 2 GB to spare; the draft of 8B would take 8 GB of each."""
    options = {"model": "llama-3.1-70b", "gpu": "h100:2", "context": 1024}
    assert infercost.utilization(**options).met
    draft = {"draft_tokens": 4, "acceptance": 0.7, "draft_model": "llama-3.1-8b"}
    assert not infercost.utilization(**options, **draft).met
    assert infercost.utilization(**{**options, "gpu": "h100:4"}, **draft).met


def test_a_draft_beside_a_file_is_a_file_of_its_format() -> None:
    """Llama-3.2-1B-Instruct-Q4_K_M.gguf takes 807,694,464 B (huggingface.co/bartowski, 2024-10), bf16 2.47 GB."""
    beside = {"gpu": "rtx-4090", "model": "llama-3.1-8b", "draft_model": "llama-3.2-1b"}
    file = infercost.fit(**beside, dtype="q4_k_m")
    assert file["draft_bytes_per_gpu"] == pytest.approx(807.7e6, rel=0.02)
    assert "llama-3.2-1b drafts in q4_k_m" in [note.text for note in file.notes]
    published = infercost.fit(**{**beside, "gpu": "h100"})
    assert published["draft_bytes_per_gpu"] == 2 * 1_235_814_400


def test_a_bound_in_stages_says_so() -> None:
    """PaLM 540B took 29 ms on 64 TPU v4 without stages (Pope et al., arXiv 2211.05102): stages bound their own."""
    bound = infercost.utilization(
        model="palm-540b", gpu="tpu-v4:64", dtype="int8", batch=64, context=2048, efficiency="ideal"
    )
    assert bound["step_time_s"] > 0.029
    assert "at best in 4 stages" in bound.verdict


FIRST = " a user after the first token, "


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"model": "llama-3.1-70b", "gpu": "h100", "batch": 32},
            ("; memory binds (", FIRST, " in all, at $"),
        ),
        (
            {"model": "llama-3.1-8b", "gpu": "m4-max", "batch": 16},
            ("; compute binds, in kernels that stay far below the chip's peak", FIRST, " in all: "),
        ),
        ({"params": "8B", "gpu": "h100-note", "price": 2}, ("(MFU) at batch 1; memory binds.", " tokens/s, at $")),
        (
            {"model": "llama-3.1-8b", "gpu": "h100:2", "dp": 2, "batch": 32},
            (FIRST, " on 2 replicas, at $"),
        ),
    ],
)
def test_the_verdict_of_a_step_says_speed_and_price_then_utilization(
    options: dict[str, object], said: tuple[str, ...]
) -> None:
    report = infercost.utilization(**options)
    prompted = "itl_s" in report
    met = 1 / report["itl_s"] if prompted else report["tokens_per_s_per_user"]
    share, each = show(report["utilization"], "share"), show(met, "")
    bound = "params" in options
    use, speed = f"{share} of the arithmetic {'is used ' if bound else ''}(MFU)", [f"{each} tokens/s", *said[1:]]
    order = [use, *speed, " a step "] if bound else [*speed, use, " a step "]
    places = [report.verdict.index(words) for words in order]
    assert places == sorted(places)
    assert said[0] in report.verdict
    price = report["usd_per_million_tokens"]
    tokens = "output tokens" if prompted else "tokens"
    assert (f"{show(price, 'USD')} a million {tokens}" in report.verdict) == (price is not None)


@pytest.mark.parametrize(
    ("options", "dtype", "assumed"),
    [
        ({"gpu": "h200", "model": "gpt-oss-120b"}, "mxfp4", False),  # its config's quantization_config
        ({"gpu": "h200", "model": "llama-3.1-8b"}, "bf16", False),  # its config's torch_dtype
        ({"gpu": "h200", "model": "llama-3.1-8b", "dtype": "fp8"}, "fp8", False),
        ({"gpu": "h200", "params": "8B"}, "8bit", True),
    ],
)
def test_the_format_of_the_weights_is_an_input(options: dict[str, object], dtype: str, assumed: bool) -> None:
    """Whether asked for, the model's own or assumed; an answer in words names what was asked and assumed."""
    (found,) = (item for item in infercost.utilization(**options).inputs if item.key == "dtype")
    assert (found.value, found.assumed) == (dtype, assumed)
    if not ("dtype" in options or assumed):
        assert found.origin.startswith("model ")


@pytest.mark.parametrize(("replicas", "whose"), [(1, "in all, at "), (2, "on 2 replicas, at $7.20 an hour, ")])
def test_a_price_stands_beside_the_speed_that_it_is_of(replicas: int, whose: str) -> None:
    """At $3.60 an hour a second costs a tenth of a cent: so many tokens in it at $1,000 over their number a million.

    Of four prompts that ride along with a batch of four, three are of others: a user waits for those alone.
    """
    step = {"gpu": f"h200:{replicas}", "model": "gpt-oss-120b", "price": 3.6, "dp": replicas, "batch": 4 * replicas}
    report = infercost.utilization(**step, input_tokens=6000, output_tokens=400)
    user = r"([\d.]+) tokens/s a user after the first token"
    words = rf"{user}, ([\d.,]+) {re.escape(whose)}\$([\d.]+) a "
    assert report["usd_per_hour"] == pytest.approx(3.6 * replicas)
    found = re.search(words, report.verdict)
    assert found
    each, whole, usd = (float(text.replace(",", "")) for text in found.groups())
    assert usd == pytest.approx(1000 * replicas / whole, rel=0.005)
    assert report["tokens_per_s_all_in"] == pytest.approx(whole, rel=0.001)
    between = report["tokens_per_s_per_user"]
    assert between == pytest.approx(1 / report["step_time_s"])
    # a slot decodes 399 of 400 tokens, all four prompts riding along: 4 x 400 / 399 tokens a step
    shared = 4 * 400 / 399 * replicas / whole
    assert 1 / each == pytest.approx(1 / between + 3 / 4 * (shared - 1 / between), rel=0.001)


@pytest.mark.parametrize("draft", [{}, {"draft": "eagle3"}])
def test_a_verdict_has_one_speed_which_its_times_agree_with(draft: dict[str, str]) -> None:
    """The pause of others' prompts is in all that the verdict says; rows between prompts say that they are."""
    report = infercost.utilization(
        gpu="h200:8", model="deepseek-v3.1", input_tokens=4000, output_tokens=1000, tp=8, ep=8, batch=8, **draft
    )
    first, gap = report["ttft_s"], report["itl_s"]
    assert f"{1 / gap:.4g} tokens/s a user after the first token, " in report.verdict
    assert f" A request takes {first + 999 * gap:.4g} s, " in report.verdict
    assert report.verdict.endswith(f", then {1000 * gap:.4g} ms a token.")
    assert report["request_time_s"] == pytest.approx(first + 999 * gap)
    remarks = {row.key: row.remark for row in report.results}
    assert (remarks["request_time_s"], remarks["tokens_per_s_per_user"]) == ("", "between prompts")


def test_a_lone_user_has_no_prompts_of_others() -> None:
    """One in flight decodes 999 of the time of its 1,000 tokens less the first one's: so much less come in all."""
    report = infercost.utilization(
        gpu="h200:8", model="deepseek-v3.1", input_tokens=4000, output_tokens=1000, concurrency=1
    )
    assert report["tokens_per_s"] == pytest.approx(1000 / report["request_time_s"])
    assert "tokens/s a user after the first token, " in report.verdict
    assert " A request takes " in report.verdict


def test_prompts_that_take_most_of_the_time_are_said_to() -> None:
    """Of 46.7 ms a token 20.8 ms are a step: prompts take the rest, and what binds a step binds between them."""
    asked = {"gpu": "h100:2", "model": "qwen3-32b", "concurrency": 64, "input_tokens": 4000, "chunk_tokens": 512}
    busy, idle = infercost.utilization(**asked, output_tokens=256), infercost.utilization(**asked, output_tokens=4000)
    prompts = 1 - busy["step_time_s"] / busy["itl_s"]
    assert prompts > 0.5 > 1 - idle["step_time_s"] / idle["itl_s"]
    assert f". Prompts take {100 * prompts:.1f}% of the time; between them memory binds. " in busy.verdict
    assert "; memory binds" in idle.verdict


@pytest.mark.parametrize(("gpus", "sent"), [(1, False), (8, True)])
def test_an_estimate_says_the_bandwidth_that_is_used_and_what_its_links_take(gpus: int, sent: bool) -> None:
    report = infercost.utilization(gpu="h100", tp=gpus, model="llama-3.1-8b", dtype="fp8", batch=16)
    share, reads = show(report["utilization"], "share"), show(report["memory_bandwidth_utilization"], "share")
    assert (
        f"{share} of the arithmetic (MFU) and {reads} of the bandwidth (MBU) are used between prompts at batch 16"
        in (report.verdict)
    )
    links = 100 * report["communication_time_s"] / report["step_time_s"]
    assert (f", communication takes {links:.1f}% of a step." in report.verdict) == sent
    slow = infercost.utilization(gpu="l40s:8", tp=8, model="llama-3.1-8b", batch=256)
    links = 100 * slow["communication_time_s"] / slow["step_time_s"]
    assert f"communication binds, {links:.1f}% of a step." in slow.verdict
    assert "(MBU)" not in ask(efficiency="ideal").verdict


@pytest.mark.parametrize(("chunk", "passes"), [(4096, 1), (1024, 4)])
def test_between_two_tokens_lies_a_prompt_or_a_chunk_of_one(chunk: int, passes: int) -> None:
    """At best arithmetic binds a step with one: that of the prompt over its passes, all but the one who decodes."""
    asked = {"input_tokens": 4096, "output_tokens": 100, "request_rate": 0.01, "chunk_tokens": chunk}
    report = ask(efficiency="ideal", **asked)
    flops = 2 * MATRICES * 4096 + 2 * TABLE + 32 * 4 * 32 * 128 * 4096**2 / 2
    assert report["prompt_itl_s"] == pytest.approx(flops / PEAK / passes, rel=0.01)
    gap, all_of_it = (
        show(each["prompt_itl_s"], "s") for each in (report, ask(efficiency="ideal", **{**asked, "chunk_tokens": 4096}))
    )
    whole = f", {all_of_it} if all of it were" if passes > 1 else ""
    said = f": {gap} when a chunk of another's prompt is read in between{whole}."
    assert report.verdict.endswith(said)
    uneven = ask(efficiency="ideal", **{**asked, "chunk_tokens": 3072})  # three quarters of it, then a quarter
    assert uneven["prompt_itl_s"] == pytest.approx(flops / PEAK * 3 / 4, rel=0.02)
    assert "prompt is read in between" not in ask(**{**asked, "chunk_tokens": None}).verdict


def test_one_answer_token_is_answered_with_the_time_to_it() -> None:
    """Nothing decodes: no tokens a second are said, and a million tokens out are a million requests."""
    report = infercost.utilization(gpu="b200", model="llama-3.1-8b", input_tokens=100_000, output_tokens=1, price=3.6)
    assert report["ttft_s"] == report["request_time_s"]
    assert report.verdict.startswith(f"{report['ttft_s']:.4g} s to the first and only token of a prompt of 100,000, ")
    assert " tokens/s" not in report.verdict.replace(" input tokens/s", "")
    # a second costs a tenth of a cent, and a request its prompt's passes, at most the time to its first token
    assert 0.9 * report["ttft_s"] * 1000 < report["usd_per_million_tokens"] <= report["ttft_s"] * 1000
    for key in ("tokens_per_s", "tokens_per_s_all_in", "itl_s", "usd_per_million_tokens_decode", "joules_per_token"):
        assert report[key] is None
    assert report.bands["ttft_s"] == report.bands["request_time_s"]


#: Operations of a prompt of 32,000 of llama-3.1-8b: each token times two for each parameter of the layers and of the
#: last norm, the head once, and four for each pair of tokens, each value of a head and each head of each layer.
OF_LAYER = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336 + 2 * 4096
LONG_PROMPT = 2 * (32 * OF_LAYER + 4096) * 32_000 + 2 * 4096 * 128_256 + 4 * 32 * 32 * 128 * 32_000**2 / 2


def test_a_prompt_alone_has_the_use_and_the_bound_of_the_prompt_and_none_of_a_step() -> None:
    """The share of the arithmetic is the operations of a prompt times prompts a second over the peak."""
    report = infercost.utilization(gpu="h100", model="llama-3.1-8b", input_tokens=32_000, output_tokens=1)
    assert report["prefill_flops"] == pytest.approx(LONG_PROMPT)
    mfu = LONG_PROMPT * report["input_tokens_per_s"] / 32_000 / 989.4e12
    assert report["utilization"] == pytest.approx(mfu)
    assert report["bound"] == "compute"
    assert (
        f": compute binds, 715.1 TFLOP a prompt. Prompts without a gap are 27,499 input tokens/s, {mfu:.1%} of "
        in report.verdict
    )
    for key in ("step_time_s", "tpot_s", "compute_time_s", "memory_time_s", "memory_bandwidth_utilization"):
        assert report[key] is None
        assert next(row.remark for row in report.results if row.key == key) == "nothing is decoded"


@pytest.mark.parametrize("model", ["llama-3.1-8b", "mixtral-8x7b"])
def test_batches_of_prompts_alone_agree_with_each_asked_alone(model: str) -> None:
    """Where nothing is decoded, no row of a sweep over batches has a decoding step."""
    asked: dict[str, Any] = {"gpu": "h100:2", "model": model, "tp": 2, "input_tokens": 8000, "output_tokens": 1}
    swept = infercost.sweep_batch(**asked, batch=[1, 4, 16])
    assert swept.series is not None
    assert swept.verdict.startswith("Nothing is decoded, so that all batches are alike, all in tp 2. ")
    assert (swept["knee_batch"], swept["lone_user_cost_ratio"]) == (None, 1)
    for row in swept.series.rows:
        alone = infercost.utilization(**asked, batch=row["batch"])
        assert {key: row[key] for key in alone if key in row} == {key: alone[key] for key in alone if key in row}
        assert row["step_time_s"] is row["tokens_per_s"] is row.get("experts_hit_share") is None


def test_a_sweep_says_what_share_of_the_experts_its_batches_read(run: Run) -> None:
    """Of 8 experts a token takes 2, and 16 tokens miss one with a chance of 0.75 to the sixteenth."""
    said = run("sweep-batch", "--gpu", "h100:2", "--model", "mixtral-8x7b", "--batch", "1:16", "--json").json
    assert said["rows"][-1]["experts_hit_share"] == pytest.approx(1 - 0.75**16)
    assert ", the experts that a step reads from 25.0% to 99.0%" in said["verdict"]


@pytest.mark.parametrize(("prompt", "bound"), [(32_000, "compute"), (16, "memory")])
def test_a_prompt_that_is_followed_by_tokens_has_what_binds_it_beside_its_time(prompt: int, bound: str) -> None:
    """A bound by a roofline: few tokens read all weights, many do more arithmetic than these take to read."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "efficiency": "ideal", "output_tokens": 200}
    report = infercost.utilization(**asked, input_tokens=prompt)
    remark = next(row.remark for row in report.results if row.key == "prefill_time_s")
    assert remark.startswith(f"{bound} binds, ")
    if prompt == 32_000:
        assert remark == f"compute binds, {LONG_PROMPT / report['prefill_time_s'] / 989.4e12:.0%} of the arithmetic"
    assert report["bound"] == "memory"  # of a decoding step, as before


def test_a_prompt_alone_with_a_part_in_a_host_says_that_its_time_is_not_known(run: Run) -> None:
    words = ("--gpu", "rtx-3060", "--model", "llama-3.1-8b", "--dtype", "bf16", "--host", "desktop-ddr5")
    report = run("utilization", *words, "--isl", "8k", "--osl", "1", "--json").json
    assert report["verdict"].startswith("Prompts were not measured with a part in a host: no time of a prompt of 8,000")
    assert report["results"]["utilization"] is report["results"]["bound"] is report["results"]["ttft_s"] is None


@pytest.mark.parametrize(
    ("asked", "prompt"),
    [
        (("--gpu", "h100:8", "--model", "llama-3.1-70b"), 100_000),
        (("--gpu", "gb200:72", "--model", "deepseek-r1", "--dtype", "nvfp4", "--ep", "72"), 8_000),
        (("--gpu", "h200:8", "--model", "qwen3-235b-a22b", "--dtype", "fp8"), 32_000),
    ],
)
def test_requests_that_only_read_have_one_rate_one_price_and_one_layout(
    run: Run, asked: tuple[str, ...], prompt: int
) -> None:
    """A million requests are a million prompts at the rate that is said, every device paid meanwhile."""
    words = ("utilization", *asked, "--isl", str(prompt), "--osl", "1", "--price", "3.6", "--json")
    alone, job = run(*words).json, run(*words, "--requests", "1M").json
    devices, rate = alone["results"]["gpus"], alone["results"]["input_tokens_per_s"]
    usd = devices * 3.6 / 3600 * prompt / rate
    assert alone["results"]["usd_per_request"] == pytest.approx(usd)
    assert alone["results"]["usd_per_million_tokens"] == pytest.approx(1e6 * usd)
    same = ("input_tokens_per_s", "ttft_s", "usd_per_request", "wh_per_request")
    assert {key: job["results"][key] for key in same} == {key: alone["results"][key] for key in same}
    assert job["results"]["job_usd"] == pytest.approx(1e6 * usd)
    assert job["results"]["job_time_s"] == pytest.approx(1e6 * prompt / rate)
    layout = [{key: each["inputs"].get(key) for key in ("gpus", "tp", "pp", "ep", "dp")} for each in (alone, job)]
    assert layout[0] == layout[1]


def test_prompts_alone_are_read_in_the_layout_that_reads_most(run: Run) -> None:
    """Every split of eight devices by hand: none reads a tenth more than the one that is chosen."""
    words = ("utilization", "--gpu", "h200:8", "--model", "qwen3-235b-a22b", "--dtype", "fp8", "--isl", "32k")
    chosen = run(*words, "--osl", "1", "--json").json["results"]["input_tokens_per_s"]
    for tp, dp in ((2, 4), (4, 2), (8, 1)):
        other = run(*words, "--osl", "1", "--tp", str(tp), "--dp", str(dp), "--json").json["results"]
        assert chosen >= 0.9 * other["input_tokens_per_s"]


@pytest.mark.parametrize(("efficiency", "divides"), [("ideal", True), ("vllm", False)])
def test_a_peak_reads_as_a_divisor_only_where_it_is_one(efficiency: str, divides: bool) -> None:
    """Arithmetic of a token over 989.4 TFLOP/s, bytes over 3.35 TB/s: the bound takes as long, kernels longer."""
    report = infercost.utilization(gpu="h100", model="llama-3.1-8b", efficiency=efficiency, context=8192)
    remarks = {row.key: row.remark for row in report.results}
    start = "at " if divides else "in measured kernels; peak "
    assert remarks["compute_time_s"] == f"{start}989.4 TFLOP/s a device (bf16)"
    assert remarks["memory_time_s"] == f"{start}3.35 TB/s a device"
    least = report["flops_per_token"] / 989.4e12
    assert (report["compute_time_s"] == pytest.approx(least, rel=1e-3)) is divides
    assert report["compute_time_s"] >= least * 0.999


def test_a_replica_on_several_nodes_says_the_tokens_of_one() -> None:
    """Two nodes of eight make half of all each."""
    wide = infercost.utilization(gpu="h800:16", model="deepseek-v3", batch=64)
    assert f" ({show(wide['tokens_per_s_all_in'] / 2, '')} a node of 8), at $" in wide.verdict
    assert "a node" not in infercost.utilization(gpu="h200:8", model="deepseek-v3", batch=64).verdict


def test_times_of_requests_that_arrive_are_means_and_the_verdict_says_so_once(run: Run) -> None:
    asked = ("utilization", "--model", "llama-3.1-8b", "--gpu", "h100", "--isl", "1000", "--osl", "200", "--json")
    counts = [
        run(*asked, *load).json["verdict"].count("On average a request takes ")
        for load in ((), ("--request-rate", "10"))
    ]
    assert counts == [0, 1]


@pytest.mark.parametrize(
    ("lengths", "input_tokens", "output_tokens"),
    [
        ({"input_tokens": 4000}, 4000, 1024),
        ({"output_tokens": 200}, 7680, 200),
        ({"input_tokens": 40_900}, 40_900, 60),  # of the 40,960 that the model takes
    ],
)
def test_a_length_alone_has_the_usual_other(lengths: dict[str, int], input_tokens: int, output_tokens: int) -> None:
    report = infercost.utilization(gpu="h200", model="qwen3-32b", **lengths)
    taken = {each.key: each.value for each in report.inputs}
    assert (taken["input_tokens"], taken["output_tokens"]) == (input_tokens, output_tokens)


@pytest.mark.parametrize(("prompt", "said"), [(50, False), (8000, True)])
def test_a_speed_with_prompts_is_said_where_it_differs(prompt: int, said: bool) -> None:
    """50 tokens come in for 500 that go out: less than a hundredth of the time; 8,000 take more."""
    report = ask(input_tokens=prompt, output_tokens=500)
    assert (abs(report["tokens_per_s_all_in"] / report["tokens_per_s"] - 1) >= 0.01) is said
    assert (" over the whole request" in report.verdict) is said


WATTS = {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 500, "output_tokens": 500, "concurrency": 64}


def test_the_energy_of_a_request_by_hand() -> None:
    """700 W for the share of a second in which a request leaves, 1.3 times that at the wall of a data centre."""
    said = infercost.utilization(**WATTS)
    assert said["wh_per_request"] == pytest.approx(700 * 500 / said["tokens_per_s"] / 3600)
    assert f"A request takes 5.663 s, {said['wh_per_request']:.4g} Wh and $" in said.verdict
    paid = infercost.utilization(**WATTS, power_price=0.1)
    assert paid["wh_per_request"] == pytest.approx(1.3 * said["wh_per_request"])
    joules = paid["wh_per_request"] * 3600 / 500
    assert paid["joules_per_output_token"] == pytest.approx(joules)
    energy = f"{paid['wh_per_request']:.4g} Wh (PUE 1.3, {joules:.4g} J an output token)"
    assert f"A request takes 5.663 s, {energy} and $" in paid.verdict
    assert "joules_per_output_token" not in said.values


def test_the_power_of_all_devices_and_their_day_by_hand(run: Run) -> None:
    """8 x 700 W for 24 hours; a price of power brings a PUE of 1.3 in, and the remarks say so."""
    asked = ("utilization", "--gpu", "h100:8", "--model", "gpt-oss-120b", "--isl", "1k", "--osl", "500")
    plain = run(*asked, "--concurrency", "64", "--json").json["results"]
    assert (plain["rated_power_w"], plain["kwh_per_day"]) == (5600, pytest.approx(134.4))
    said = " ".join(run(*asked, "--concurrency", "64").out.split())
    assert "power of all devices (TDP) 5.6 kW 134.4 kWh a day always busy" in said
    priced = infercost.utilization(
        gpu="h100:8", model="gpt-oss-120b", input_tokens=1000, output_tokens=500, concurrency=64, power_price=0.1
    )
    assert priced["rated_power_w"] == pytest.approx(7280)
    assert priced["kwh_per_day"] == pytest.approx(174.72)
    remarks = {row.key: row.remark for row in priced.results}
    assert remarks["wh_per_request"] == "with its prompt, PUE 1.3, which comes with the price"
    given = infercost.utilization(**WATTS, power_price=0.1, pue=1.2)
    assert {row.key: row.remark for row in given.results}["wh_per_request"] == "with its prompt, PUE 1.2"


def test_the_energy_of_a_request_of_one_user_has_its_prompt() -> None:
    said = infercost.utilization(gpu="rtx-4090", model="qwen3-14b", dtype="q4_k_m", power_price=0.3)
    assert said["wh_per_request"] == pytest.approx(450 * 1024 / said["tokens_per_s_all_in"] / 3600)
    kwh = said["wh_per_request"] / 1000
    assert kwh * 0.3 / 1024 * 1e6 == pytest.approx(said["usd_per_million_tokens"])


def test_prompts_that_are_read_apart_take_energy_too() -> None:
    said = infercost.utilization(**{**WATTS, "concurrency": None}, batch=64, disaggregated=True)
    devices = 1 + said["prefill_per_decode"]
    assert said["wh_per_request"] == pytest.approx(700 * devices * 500 / said["tokens_per_s"] / 3600)


def test_an_hour_of_all_devices_counts_those_that_read_prompts_for_a_load() -> None:
    """Of a batch nobody says how many read its prompts, of a load it is whole replicas; beside an API a row has it."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 500, "output_tokens": 500, "price": 3}
    assert "usd_per_hour" not in infercost.utilization(**asked, batch=64, disaggregated=True).values
    served = infercost.utilization(**asked, request_rate=2, disaggregated=True)
    assert served["usd_per_hour"] == 3 * (1 + math.ceil(served["prefill_per_decode"]))
    rows = {row.key: row for row in infercost.utilization(**{**asked, "gpu": "h100:2"}, api_price="0.1/0.3").results}
    assert (rows["usd_per_hour"].value, rows["usd_per_hour"].shown) == (6, True)


def test_no_request_or_no_power_has_no_energy_of_one() -> None:
    assert "wh_per_request" not in infercost.utilization(gpu="h100", params="8B").values
    asked = {"gpu": "rtx-4090", "model": "qwen3-30b-a3b", "dtype": "q8_0", "host": "desktop-ddr5"}
    assert infercost.utilization(**asked)["wh_per_request"] is None


AGENT = {"gpu": "h200:8", "model": "qwen3-coder-480b", "dtype": "fp8", "input_tokens": 30_000, "output_tokens": 500}


def test_the_money_of_a_request_by_hand() -> None:
    """500 tokens of a million whose price pays for their prompts; an hour of 8 devices over its requests."""
    said = infercost.utilization(**AGENT, prefix_share="95%", concurrency=16, price=4)
    assert said["usd_per_request"] == pytest.approx(said["usd_per_million_tokens"] * 500 / 1e6)
    assert said["usd_per_request"] == pytest.approx(8 * 4 / 3600 / (said["tokens_per_s"] / 500))
    assert f" Wh and ${said['usd_per_request']:.3g}: " in said.verdict


def test_the_money_of_a_request_is_said_where_its_length_was_given() -> None:
    said = infercost.utilization(gpu="h100", model="llama-3.1-8b", batch=32)
    assert said["usd_per_request"] == pytest.approx(said["usd_per_million_tokens"] * 1024 / 1e6)
    assert not re.search(r"A request takes \S+ s(,| and)", said.verdict)
    named = infercost.utilization(gpu="h100", model="llama-3.1-8b", workload="rag", power_price=0.1)
    assert f" J an output token) and ${named['usd_per_request']:.7f}: " in named.verdict  # 47.3 millionths
    at_home = infercost.utilization(gpu="rtx-4090", model="qwen3-14b", dtype="q4_k_m", input_tokens=500)
    assert re.search(r"A request takes \S+ s and \S+ Wh: ", at_home.verdict)


@pytest.mark.parametrize(
    "asked",
    [
        {"gpu": "h100:16", "model": "llama-3.1-405b", "tp": 8, "pp": 2, "input_tokens": 32_000, "output_tokens": 100},
        {"gpu": "h100:8", "model": "llama-3.1-70b", "tp": 2, "pp": 4, "input_tokens": 8000, "output_tokens": 50},
        {"gpu": "rtx-4090", "model": "qwen3-8b", "dtype": "q8_0", "input_tokens": 4000, "output_tokens": 20},
        {"gpu": "rtx-4090", "model": "qwen3-32b", "dtype": "q4_k_m", "input_tokens": 15_000, "output_tokens": 20},
        {"gpu": "h100", "model": "llama-3.1-8b", "efficiency": "ideal", "input_tokens": 9000, "chunk_tokens": 512},
        {
            "gpu": "h100",
            "model": "llama-3.1-8b",
            "output_tokens": 2,
            "draft_cost": 0.05,
            "draft_tokens": 3,
            "acceptance": 0.7,
        },
        {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 9000, "prefix_share": 0.5},
    ],
)
def test_a_lone_users_speed_money_and_energy_are_those_of_the_time_of_his_request(asked: dict[str, Any]) -> None:
    """One at a time: its prompt once through all stages, then its tokens, nothing else in between."""
    said = infercost.utilization(**asked, batch=1, price=2)
    time, devices = said["request_time_s"], said["gpus"]
    tokens = said.to_dict()["inputs"]["output_tokens"]
    assert said["tokens_per_s_all_in"] == pytest.approx(tokens / time, rel=1e-9)
    assert said["usd_per_request"] == pytest.approx(time * devices * 2 / 3600, rel=1e-9)
    power = infercost.accelerator(asked["gpu"].partition(":")[0]).value("power")
    assert said["wh_per_request"] == pytest.approx(time * devices * power / 3600, rel=1e-9)
    if "draft_cost" in asked:
        return
    rows = infercost.sweep_batch(**asked, batch="1,2", price=2).to_dict()["rows"]
    assert rows[0]["tokens_per_s_all_in"] == pytest.approx(tokens / time, rel=1e-9)


def test_no_request_or_no_price_has_no_money_of_one() -> None:
    assert "usd_per_request" not in infercost.utilization(gpu="h100", params="8B").values
    asked = {"gpu": "rtx-4090", "model": "qwen3-30b-a3b", "dtype": "q8_0", "host": "desktop-ddr5"}
    assert infercost.utilization(**asked)["usd_per_request"] is None
    piled = infercost.utilization(gpu="h100", model="llama-3.1-8b", input_tokens=8000, request_rate=100)
    assert piled["usd_per_request"] is None


def test_a_row_of_a_table_has_the_money_of_its_request() -> None:
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 1000, "output_tokens": 200}
    row = infercost.sweep_batch(**asked, batch="4,8").to_dict()["rows"][1]
    assert row["usd_per_request"] == infercost.utilization(**asked, batch=8)["usd_per_request"]


def test_tokens_that_go_in_by_hand() -> None:
    """As many prompts go in as answers come out: DeepSeek's 14.8k tokens/s of 1,000 are 14.8 requests of 4,989."""
    asked = {"gpu": "h800:32", "model": "deepseek-v3", "ep": 32, "output_tokens": 1000, "concurrency": 4096}
    said = infercost.utilization(**asked, input_tokens=4989, prefix_share="56.3%")
    assert said["input_tokens_per_s"] == pytest.approx(said["tokens_per_s"] / 1000 * 4989)
    assert "input tokens/s" not in said.verdict
    (row,) = (row for row in said.results if row.key == "input_tokens_per_s")
    assert row.shown
    assert row.remark == "all of prompts, 56.3% of them cached"


def test_tokens_that_go_in_are_said_where_they_outweigh() -> None:
    said = infercost.utilization(**AGENT, prefix_share="95%", concurrency=16)
    read = said["tokens_per_s"] / 500 * 30_000
    assert f" output tokens, beside {read:,.0f} input tokens/s (95.0% cached): " in said.verdict
    batch = infercost.utilization(**AGENT, batch=16)
    assert batch["input_tokens_per_s"] == pytest.approx(batch["tokens_per_s_all_in"] / 500 * 30_000)
    assert " input tokens/s: " in batch.verdict
    twice = infercost.utilization(**{**AGENT, "gpu": "h200:16"}, batch=32, dp=2)
    assert twice["input_tokens_per_s"] == pytest.approx(2 * batch["input_tokens_per_s"])


def test_tokens_that_go_in_are_no_row_of_one_user() -> None:
    for asked in ({}, {"batch": 32}, {"input_tokens": 500}):
        said = infercost.utilization(gpu="h100", model="llama-3.1-8b", **asked)
        assert not next(row for row in said.results if row.key == "input_tokens_per_s").shown


def test_prompts_alone_say_what_they_bring_in() -> None:
    """No answer is decoded: what is measured of prompts is held against the same tokens a second."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 8000, "output_tokens": 1}
    said = infercost.utilization(**asked, measured_tokens_per_s=30_000)
    assert said["input_tokens_per_s"] * said["measured_over_estimate"] == pytest.approx(30_000)
    assert f" times the estimate of {said['input_tokens_per_s']:,.0f} input tokens/s, " in said.verdict
    with pytest.raises(InfercostError, match="read one after another") as refused:
        infercost.utilization(**asked, concurrency=8)
    assert "leave --concurrency out" in str(refused.value.hint)


@pytest.mark.parametrize("gpu", ["m2-max", "rtx-4090", "h100:4"])
@pytest.mark.parametrize("prompt", [4_000, 30_000])
def test_prompts_one_after_another_are_no_slower_than_one_alone(gpu: str, prompt: int) -> None:
    said = infercost.utilization(
        gpu=gpu,
        model="llama-3.1-8b",
        dtype="q4_k_m" if "h" not in gpu else "bf16",
        input_tokens=prompt,
        output_tokens=1,
    )
    assert said["input_tokens_per_s"] >= prompt / said["prefill_time_s"] * (1 - 1e-9)


JOB = ("utilization", "--model", "llama-3.1-8b", "--price", "1.5", "--requests", "10M")
EMAILS = ("--input-tokens", "800", "--output-tokens", "100")


@pytest.mark.parametrize(
    ("gpu", "load", "rate", "at"),
    [
        ("h100", (), "tokens_per_s_all_in", "at batch 521 (what memory holds)"),
        ("h100:2", (), "tokens_per_s_all_in", "at batch 521 on each (what memory holds)"),
        ("h100:2", ("--batch", "200"), "tokens_per_s_all_in", "at batch 100 on each"),
        ("h100:2", ("--concurrency", "200"), "tokens_per_s", "with 200 in flight"),
        ("h100", ("--request-rate", "10"), "tokens_per_s", "at 10 a second"),
        ("h100", ("--draft", "eagle3"), "tokens_per_s_all_in", "at batch"),
    ],
)
def test_a_job_takes_hours_and_money(run: Run, gpu: str, load: tuple[str, ...], rate: str, at: str) -> None:
    """Ten million answers of 100 tokens at the rate of all replicas, at 1.50 USD an hour for each device."""
    said = run(*JOB, "--gpu", gpu, *EMAILS, *load, "--json").json
    results = said["results"]
    seconds = 10e6 * 100 / results[rate]
    assert results["job_time_s"] == pytest.approx(seconds)
    assert results["job_usd"] == pytest.approx(results["gpus"] * 1.5 * seconds / 3600)
    assert results["job_usd"] == pytest.approx(10e6 * results["usd_per_request"])
    first = said["verdict"].split(". ")[0]
    assert first.startswith(
        f"10,000,000 requests take {seconds / 3600:.3g} hours" if seconds < 259200 else "10,000,000"
    )
    assert first.split(" on ", 1)[1].endswith(at) or at == "at batch"


def test_more_devices_make_a_job_shorter_and_hardly_cheaper(run: Run) -> None:
    one, two = (run(*JOB, "--gpu", f"h100:{count}", *EMAILS, "--json").json["results"] for count in (1, 2))
    assert two["job_time_s"] == pytest.approx(one["job_time_s"] / 2)
    assert two["job_usd"] == pytest.approx(one["job_usd"])


def test_a_job_of_a_few_runs_all_at_once(run: Run) -> None:
    said = run(*JOB[:-1], "7", "--gpu", "h100", *EMAILS, "--json").json
    assert said["results"]["batch"] == 7
    assert "at batch 7 (all of the job)" in said["verdict"]
    assert "(MFU)" not in said["verdict"]
    assert said["verdict"].count(". ") == 1  # the tokens/s of all and what binds them, the rest is in the table


def test_a_job_needs_a_request(run: Run) -> None:
    for args, what in (((), "the length of a request"), (("--context", "4k"), "the length of a request")):
        said = run(*JOB, "--gpu", "h100", *args)
        assert (said.code, what in said.err) == (2, True)
        assert "--input-tokens 800 --output-tokens 100" in said.err


def test_a_job_that_overloads_or_does_not_fit_has_no_end(run: Run) -> None:
    for gpu, more in (("h100", ("--request-rate", "1000")), ("t4:1", ())):
        said = run(*JOB, "--gpu", gpu, *EMAILS, *more, "--json")
        assert said.code == 3
        assert said.json["results"]["job_time_s"] is None


def test_a_job_ends_no_sooner_than_a_request(run: Run) -> None:
    """Two requests on eight devices take what one takes, and all eight are paid for it."""
    results = run(*JOB[:-1], "2", "--gpu", "h100:8", "--dp", "8", *EMAILS, "--json").json["results"]
    assert results["job_time_s"] == results["request_time_s"]
    assert results["job_usd"] == pytest.approx(8 * 1.5 * results["request_time_s"] / 3600)


def test_devices_that_prompts_apart_leave_too_few_are_told_no_first() -> None:
    """Prompts keep 9.05 devices busy: five replicas of two, beside four that decode; of four or eight 20 or 24."""
    asked = {"model": "llama-3.3-70b", "dtype": "fp8", "input_tokens": 8000, "output_tokens": 500, "request_rate": 6}
    said = infercost.utilization(gpu="h100:8", disaggregated=True, **asked)
    assert 4 < said["prefill_per_decode"] * 4 <= 5
    start = "No: 8 devices do not take 6 requests/s; apart it takes 18, 8 to decode and 10 for prompts. "
    assert said.verdict.startswith(start)
    assert not infercost.utilization(gpu="h100:16", **asked).verdict.startswith("No")
    assert (said["stable"], said["gpus_needed"], said.met) == (False, 18, False)
    assert said.verdict.count(". ") == 3


def test_devices_that_prompts_apart_share_are_divided_among_decoding_and_reading() -> None:
    """What eight that decode and eight that read do is done by sixteen; twenty a second take more of them."""
    asked = {"model": "deepseek-r1", "input_tokens": 4000, "output_tokens": 1000, "disaggregated": True}
    for count in ({"gpu": "h200:16"}, {"gpu": "h200", "gpus": 16}):
        said = infercost.utilization(**count, **asked, request_rate=6)
        assert (said["gpus"], said.met, said["stable"]) == (8, True, True)
        assert " (1 replica of 8, " in said.verdict
        assert "Without --disaggregated 16 x h200-sxm" in said.verdict
    late = infercost.utilization(gpu="h200:16", **asked, request_rate=20)
    assert late.verdict.startswith("No: 16 devices do not take 20 requests/s; apart it takes 32, 16 to decode and 16 ")
    assert not late.met


@pytest.mark.parametrize("count", [2, 4, 8])
def test_a_job_is_done_in_the_layout_that_ends_soonest(count: int, run: Run) -> None:
    """Nobody waits for a request of a job: stages, which engines take for latency last, may be among its layouts."""
    asked = ("utilization", "--gpu", f"h100:{count}", "--model", "llama-3.1-70b", "--isl", "500", "--osl", "500")
    asked += ("--requests", "1M", "--json")
    time, least = run(*asked).json["results"]["job_time_s"], math.inf
    for tp in (1, 2, 4, 8):
        for pp in (1, 2, 4, 8):
            for dp in (copies for copies in (1, 2, 4) if tp * pp * copies == count):
                other = run(*asked, "--tp", str(tp), "--pp", str(pp), *(("--dp", str(dp)) if dp > 1 else ()))
                if other.code == 0:
                    least = min(least, other.json["results"]["job_time_s"])
    assert time == pytest.approx(least, rel=0.01)


def test_a_job_without_a_count_takes_the_devices_of_least_money(run: Run) -> None:
    """Two H100 that just hold 70B have room for few sequences: four do the job for a sixth of the money."""
    asked = ("utilization", "--model", "llama-3.1-70b", "--isl", "500", "--osl", "500", "--requests", "1M", "--json")
    each = [run(*asked, "--gpu", f"h100:{count}").json["results"]["job_usd"] for count in (2, 4, 8)]
    free = run(*asked, "--gpu", "h100").json
    assert free["results"]["gpus"] == 4
    assert free["results"]["job_usd"] == pytest.approx(min(each))
    assert each[0] > 5 * each[1]


def test_a_deadline_takes_the_least_devices_that_end_a_job_in_time(run: Run) -> None:
    """A replica of four H100 takes 22.2 hours: one for 24, two for 12, and four given for 12 are too few."""
    asked = ("utilization", "--model", "llama-3.1-70b", "--isl", "500", "--osl", "500", "--requests", "1M", "--json")
    for hours, devices in ((24, 4), (12, 8), (6, 16)):
        said = run(*asked, "--gpu", "h100", "--deadline", f"{hours}h")
        assert said.code == 0
        assert said.json["results"]["job_time_s"] <= hours * 3600
        assert said.json["results"]["gpus"] == devices
        assert 22.2 / (devices / 4) == pytest.approx(said.json["results"]["job_time_s"] / 3600, rel=0.01)
    late = run(*asked, "--gpu", "h100:4", "--deadline", "12h")
    assert (late.code, late.json["met"]) == (3, False)
    assert late.json["verdict"].startswith("No, not within 12 hours: 1,000,000 requests take 22.2 hours ")
    assert late.json["advice"][0] == "8 devices end it in time (--gpu h100:8)"
    assert run(*asked, "--gpu", "h100:4", "--deadline", "1d").code == 0
    assert run(*asked[:-3], "--gpu", "h100", "--deadline", "1d").code == 2


def test_no_more_are_in_flight_than_there_are_requests() -> None:
    """Four requests are four in flight, however many might be; one takes, four take."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "input_tokens": 1000, "output_tokens": 500}
    more, all_of_them = (infercost.utilization(**asked, requests=4, concurrency=slots) for slots in (10, 4))
    assert more["job_time_s"] == all_of_them["job_time_s"]
    assert "4 requests take" in more.verdict
    assert "with 4 in flight" in more.verdict
    assert "4 requests are never 10 in flight: counted as 4" in [note.text for note in more.notes]
    assert infercost.utilization(**asked, requests=1).verdict.startswith("1 request takes")
    with pytest.raises(InfercostError, match="--requests 1: does not divide among the 2 replicas"):
        infercost.utilization(**{**asked, "gpu": "h100:2"}, dp=2, requests=1, concurrency=4)


def test_the_output_of_a_bare_count_needs_no_layers(run: Run) -> None:
    """400 GB over 5 x 3.35 TB/s are 23.88 ms for 32 tokens on 5 x 700 W: 2.612 J a token, 500 of them 0.3627 Wh."""
    asked = ("utilization", "--gpu", "h100", "--params", "400B", "--active-params", "100B", "--batch", "32")
    plain, said = run(*asked, "--json").json, run(*asked, "--osl", "500", "--json").json
    step = 400e9 / (5 * 3.35e12)  # with nearly all of the experts
    results = said["results"]
    assert results["wh_per_request"] == pytest.approx(500 * step / 32 * 5 * 700 / 3600, rel=1e-3)
    assert results["usd_per_request"] == pytest.approx(500 * results["usd_per_million_tokens"] / 1e6)
    assert said["verdict"] == plain["verdict"] + " 500 output tokens take 0.3627 Wh and $0.00181."
    assert {key: results[key] for key in plain["results"]} == plain["results"]
    refused = run(*asked, "--osl", "500", "--isl", "100")
    assert (refused.code, "--input-tokens needs --model" in refused.err) == (2, True)


def test_the_experts_that_a_step_reads_have_a_row(run: Run) -> None:
    """Each of 32 tokens takes 8 of 256: 1 - (1 - 8/256)^32 are read by one of them, 163 of a layer."""
    asked = ("utilization", "--gpu", "h200:8", "--model", "deepseek-v3", "--batch")
    assert run(*asked, "32", "--json").json["results"]["experts_hit_share"] == pytest.approx(1 - (1 - 8 / 256) ** 32)
    said = " ".join(run(*asked, "32").out.split())
    assert "experts read 63.8% about 163 of 256 a" in said
    drafted = run(*asked, "8", "--draft", "mtp", "--draft-tokens", "1", "--json").json["results"]
    assert drafted["experts_hit_share"] == pytest.approx(1 - (1 - 8 / 256) ** 16)
    dense = run("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--json").json["results"]
    assert "experts_hit_share" not in dense
    short = run("utilization", "--gpu", "h200:1", "--model", "deepseek-v3", "--json").json["results"]
    assert short["experts_hit_share"] is None


def test_a_sweep_of_a_job_has_the_speed_of_one_user(run: Run) -> None:
    """A token every 20 ms is 50 tokens a second."""
    said = run(*JOB, "--gpu", "h100", *EMAILS, "--sweep", "batch=8,32", "--json").json
    first, last = (row["itl_s"] for row in said["rows"])
    ends = [f"{1e3 * itl:#.4g} ms or {1 / itl:#.4g} tokens/s a user" for itl in (first, last)]
    assert f"inter-token latency rises from {ends[0]} to {ends[1]} " in said["verdict"]


def test_a_price_beside_an_apis_is_said_once() -> None:
    asked = {"gpu": "h100", "model": "qwen3-30b-a3b", "price": 2, "api_price": "0.10/0.40"}
    job = {"requests": 1000, "input_tokens": 1000, "output_tokens": 200}
    alone, crowd, work = (infercost.utilization(**asked, **more) for more in ({}, {"batch": 8}, job))
    for said in (alone, crowd, work):
        assert said.verdict.count(show(said["usd_per_million_tokens"], "USD")) == 1


def test_a_long_prompt_has_its_own_price_and_a_short_one_that_of_a_million() -> None:
    asked = {"gpu": "h100:8", "model": "llama-3.1-70b", "output_tokens": 1}
    long, short = (infercost.utilization(**asked, input_tokens=tokens) for tokens in (100_000, 1000))
    assert long.verdict.endswith(f" Such a request costs ${long['usd_per_request']:.4f}.")
    assert short.verdict.endswith(f" A million such requests cost ${1e6 * short['usd_per_request']:.2f}.")


def test_of_one_user_the_first_token_stands_before_the_use_of_the_hardware() -> None:
    """Who asks about a request wants its time; of a load, and of a claim, the use comes first."""
    asked = {"gpu": "rtx-4090", "model": "qwen3-8b", "dtype": "q4_k_m"}
    said = infercost.utilization(**asked).verdict
    assert said.index(" to its first token") < said.index("(MFU)") < said.index("an estimate")
    served = infercost.utilization(gpu="h100", model="qwen3-8b", request_rate=1).verdict
    assert served.index("(MFU)") < served.index(" to its first token")


def test_advice_gains_a_tenth_and_is_of_what_can_be() -> None:
    """Half the context of an M2 Max saves 10.4% of a step and a cache in 8 bits 6.2%; a claim has none."""
    (said,) = infercost.utilization(gpu="m2-max", model="llama-3.1-8b", dtype="q4_k_m").advice
    assert said.startswith("shorten the context: half of it would make a step 10.4% shorter")
    assert "8 bits" not in said
    claim = {"gpu": "h100:8", "model": "llama-3.1-70b"}
    for measured in (50, 500):
        assert infercost.utilization(**claim, measured_tokens_per_s=measured).advice == ()


def test_power_of_a_batch_is_a_row_and_a_token_s_energy_is_said_where_power_is_priced() -> None:
    """Four A100 of 400 W, 1.6 kW, divided by their tokens a second; 1.3 times as much at the wall."""
    asked = {"gpu": "a100-80gb:4", "model": "llama-3.1-70b", "batch": 8, "context": 512}
    plain = infercost.utilization(**asked)
    assert plain["rated_power_w"] == 1600
    assert "power of all devices (TDP)" in str(plain)
    assert " J " not in plain.verdict
    priced = infercost.utilization(**asked, power_price=0.1)
    assert f" A token takes {1600 / priced['tokens_per_s']:.4g} J at rated power, " in priced.verdict
    assert priced["rated_power_w"] == pytest.approx(1.3 * 1600)


def test_devices_that_do_not_take_a_rate_are_told_how_many_would() -> None:
    asked = {"model": "llama-3.1-70b", "input_tokens": 8000, "output_tokens": 200, "request_rate": 10}
    few = infercost.utilization(**asked, gpu="h100:16", disaggregated=True)
    needed = few["gpus_needed"]
    assert few.advice == (f"take {needed} devices (--gpu h100:{needed})",)
    assert infercost.utilization(**asked, gpu=f"h100:{needed}", disaggregated=True).met


def test_a_job_has_no_advice_on_the_time_between_tokens() -> None:
    asked = {"model": "llama-3.1-8b", "gpu": "a100-80gb:3", "input_tokens": 3000, "output_tokens": 200}
    assert "a token's" in " ".join(infercost.utilization(**asked, batch=438).advice)
    job = infercost.utilization(**asked, requests=2_000_000)
    assert "on 3 replicas of 1 x a100-sxm-80gb at batch 146 on each (what memory holds). " in job.verdict
    assert "a token's" not in " ".join(job.advice)


def test_a_batch_that_took_several_devices_names_what_one_holds() -> None:
    """24 GB at 90% less 16.06 GB of weights leave room for 4 caches of 8,192 x 131,072 bytes and activations."""
    said = infercost.utilization(model="llama-3.1-8b", gpu="l4", batch=32).verdict
    assert " on 2 x l4 each (4 devices; one holds batch 4), an estimate" in said
    assert "one holds" not in infercost.utilization(model="llama-3.1-8b", gpu="l4:4", batch=32).verdict


def test_a_lone_request_of_assumed_lengths_names_them() -> None:
    asked = {"model": "llama-3.3-70b", "gpu": "m3-max-128gb", "dtype": "q4_k_m"}
    assert " A request of 7,680 tokens in and 1,024 out takes " in infercost.utilization(**asked).verdict
    assert " A request takes " in infercost.utilization(**asked, input_tokens=100, output_tokens=100).verdict
