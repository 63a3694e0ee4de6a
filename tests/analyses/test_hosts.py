"""What answers say of a part of the model in a host: which link or memory binds, how sure the numbers are."""

from collections.abc import Mapping
from typing import Any

import pytest

import infercost
from infercost.errors import BadValue, UnknownName
from infercost.models.counting import active_params
from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.replica.layout import Layout
from infercost.replica.work import Host, Offload, read_of, split
from infercost.report import Report

LOCAL = {"gpu": "rtx-4090", "model": "gpt-oss-120b", "host": "desktop-ddr5", "efficiency": "llama.cpp"}
SERVED = {**LOCAL, "efficiency": "vllm"}
DENSE = {"gpu": "rtx-4090", "model": "llama-3.3-70b", "dtype": "q4_k_m", "host": "desktop-ddr5"}
BIG = {"gpu": "h100-pcie:8", "model": "llama-3.1-405b", "host": "desktop-ddr5", "set": "host.memory=512GB"}


def numbers(report: Report) -> Mapping[str, Any]:
    return report.values


def notes(report: Report, code: str) -> str:
    return " ".join(note.text for note in report.notes if note.code == code)


@pytest.mark.parametrize(
    ("options", "bandwidth", "words"),
    [
        # PCIe Gen4 of the card in a slot of Gen5; GB/s of the makers
        (SERVED, 31e9, "the link of rtx-4090 binds, the host's has 63 GB/s"),
        ({**SERVED, "host": "grace"}, 31e9, "the link of rtx-4090 binds, the host's has 450 GB/s"),
        # NVLink of the bridge is no way to the host; two channels of 8 bytes at 6,400 MT/s feed eight links
        (BIG, 102.4e9, "the host's memory binds, not 8 links of 63 GB/s"),
        (
            {**SERVED, "gpu": "rtx-5090", "host": "laptop-ddr5", "set": "host.memory=96GB"},
            31e9,
            "the host's link binds",
        ),
        (
            {**SERVED, "gpu": "h100", "model": "llama-3.1-70b", "host": "epyc-turin"},
            63e9,
            "that of h100-sxm to a host is not known",
        ),
    ],
)
def test_vllm_reads_as_fast_as_the_narrowest_of_links_and_memory(
    options: dict[str, str], bandwidth: float, words: str
) -> None:
    report = infercost.utilization(**options)
    held = numbers(infercost.fit(**options))
    far = held["host_weight_bytes"] + held["host_kv_bytes_per_sequence"]
    assert report.values["host_time_s"] == pytest.approx(far / bandwidth)
    assert words in notes(report, "host-link")


def test_what_comes_over_a_link_is_an_estimate_without_bands() -> None:
    """An engine that computes in the host is faster: llama.cpp reads the experts of a token alone."""
    report = infercost.utilization(**SERVED)
    assert not report.bands
    assert notes(report, "estimate").endswith("of which no run with a part in a host was measured")
    assert not notes(report, "bound")
    assert "an estimate" in report.verdict
    assert "at best" not in report.verdict
    assert report.values["step_time_s"] > infercost.utilization(**LOCAL).values["step_time_s"]


def test_the_bound_reads_the_experts_of_a_token_at_the_rate_of_the_hosts_memory() -> None:
    """GLM-4.5-Air: 49.88 GB of experts of 34 layers, 8 of 128 of them a token, two channels of DDR4-3200."""
    options = {"gpu": "rtx-4090", "model": "glm-4.5-air", "dtype": "q4_k_m", "host": "ddr4", "context": "12k"}
    ideal = infercost.utilization(**options, efficiency="ideal").values
    assert ideal["host_time_s"] == pytest.approx(49.88e9 * 8 / 128 / 51.2e9, rel=0.001)
    assert ideal["step_time_s"] == ideal["bound_step_time_s"] == ideal["host_time_s"]
    assert infercost.utilization(**options).values["bound_step_time_s"] == pytest.approx(ideal["step_time_s"])


@pytest.mark.parametrize("also", [{}, {"offload": "layers", "offload_layers": "70"}])
@pytest.mark.parametrize("base", [LOCAL, {**DENSE, "dtype": "int4"}])
@pytest.mark.parametrize("engine", ["llama.cpp", "vllm", "sglang", "realistic", "vllm-2024"])
def test_no_estimate_beats_the_bound_with_a_part_in_a_host(
    base: dict[str, str], engine: str, also: dict[str, str]
) -> None:
    values = infercost.utilization(**{**base, **also, "set": "host.memory=256GB", "efficiency": engine}).values
    assert values["step_time_s"] > values["bound_step_time_s"] > 0


@pytest.mark.parametrize("offload", ["experts", "layers"])
def test_a_model_in_two_multiplies_as_often_as_the_whole(offload: str) -> None:
    whole = find_model("gpt-oss-120b").model
    parts = split(whole, Offload(**{offload: 20}))
    read = read_of(parts, Layout(), Host(catalog.load("hosts", "desktop-ddr5")))
    assert read.near.flops_per_token() + read.work.flops_per_token() == pytest.approx(2 * active_params(whole))


def test_without_a_link_of_a_host_the_bound_is_still_one() -> None:
    report = infercost.utilization(**{**DENSE, "efficiency": "ideal"})
    assert "at best" in report.verdict
    assert {name for name, _, _ in report.parts} >= {"host"}
    assert "the nominal rate of the host's memory" in next(
        row.remark for row in report.results if row.key == "host_time_s"
    )


@pytest.mark.parametrize("options", [SERVED, LOCAL])
def test_the_time_of_the_host_has_a_bar_of_its_own(options: dict[str, str]) -> None:
    report = infercost.utilization(**options)
    bars = {name: time for name, time, _ in report.parts}
    assert bars["host"] == pytest.approx(report.values["host_time_s"])
    assert "collectives" not in bars
    assert report.values["communication_time_s"] == 0


def test_the_bound_reads_the_bytes_of_the_host_at_its_nominal_bandwidth() -> None:
    said, held = numbers(infercost.utilization(**DENSE)), numbers(infercost.fit(**DENSE))
    far = held["host_weight_bytes"] + held["host_kv_bytes_per_sequence"]
    assert said["bound_step_time_s"] == pytest.approx(far / 102.4e9, rel=0.001)
    assert said["bound_step_time_s"] > 0.2


def test_the_words_of_a_row_divide_into_its_time() -> None:
    said, held = numbers(infercost.utilization(**DENSE)), numbers(infercost.fit(**DENSE))
    far = held["host_weight_bytes"] + held["host_kv_bytes_per_sequence"]
    near = held["weight_bytes_per_gpu"] + held["kv_bytes_per_sequence"] - held["host_kv_bytes_per_sequence"]
    # what the card reads, less the input table, at between 0.8 and 1 of its 1.008 TB/s
    assert 0.75 * near / 1.008e12 < said["memory_time_s"] < 1.25 * near / 1.008e12
    # 0.64 of two channels of DDR5-6400, and 375 us for each of 40 layers
    assert said["host_time_s"] == pytest.approx(far / (0.64 * 102.4e9) + 40 * 375e-6, rel=0.001)


def test_each_token_to_verify_reads_its_own_experts_in_the_host() -> None:
    """8 of 128 experts in each of 48 layers, 3 x 2048 x 768 values of 16 bits, at 102.4 GB/s: four tokens hit 29.1."""
    asked = {"gpu": "rtx-4090", "model": "qwen3-30b-a3b", "host": "desktop-ddr5", "offload": "experts"}
    draft = {"draft": "eagle3", "draft_tokens": 3, "acceptance": 0.7}
    expert = 3 * 2048 * 768 * 2
    one, four = 48 * 8 * expert, 48 * 128 * (1 - (1 - 8 / 128) ** 4) * expert
    plain, drafted = (numbers(infercost.utilization(**asked, **more, efficiency="ideal")) for more in ({}, draft))
    assert plain["host_time_s"] == pytest.approx(one / 102.4e9, rel=1e-3)
    assert drafted["host_time_s"] == pytest.approx(four / 102.4e9, rel=1e-3)
    # a step yields 1 + 0.7 + 0.7^2 + 0.7^3 = 2.533 tokens of 3.64 times the reads: a loss
    assert drafted["draft_speedup"] < 2.533 / (four / one) < 0.7
    local = infercost.utilization(**asked, **draft)
    assert "of batches and of a draft's tokens its arithmetic is left out: they take longer" in notes(local, "host")
    assert "none of them with a part of the model in a host" in notes(local, "draft-gain")


def test_a_draft_is_verified_in_the_host_too() -> None:
    drafted = {**LOCAL, "draft_tokens": "4", "acceptance": "0.7", "draft_cost": "0.1"}
    report = infercost.utilization(**drafted)
    bars = {name: time for name, time, _ in report.parts}
    assert report.values["host_time_s"] == pytest.approx(bars["host"])
    assert report.values["bound"] == "host"
    assert "The host binds: desktop-ddr5 takes" in report.verdict


@pytest.mark.parametrize(
    "options",
    [{"gpu": "rtx-4090:4", "offload": "layers", "offload_layers": "5"}, {"gpu": "rtx-4090:4", "offload": "kv"}],
)
def test_cards_that_hold_all_of_it_need_no_other_card(options: dict[str, str]) -> None:
    held, stepped = infercost.fit(**{**LOCAL, **options}), infercost.utilization(**{**LOCAL, **options})
    assert "The same cards would hold all of it" in held.verdict
    assert "As much there as is needed: nothing in the host" in stepped.verdict
    assert "more card" not in held.verdict + stepped.verdict
    assert "stay on each of 4 cards" in held.verdict


def test_a_sweep_says_what_binds_and_that_all_batches_share_what_lies_in_the_host() -> None:
    report = infercost.sweep_batch(**LOCAL)
    assert report.series is not None
    assert {row["bound"] for row in report.series.rows} == {"host"}
    assert report.values["critical_batch"] is None
    assert report.values["knee_batch"] is None
    assert "knee is at" not in report.verdict
    assert report.advice[0].startswith("the host binds")
    assert "larger ones may fit with more there" in notes(report, "host-batches")
    assert not notes(infercost.sweep_batch(**LOCAL, offload_layers="30"), "host-batches")


def test_tuned_flags_promise_no_first_token_either() -> None:
    report = infercost.utilization(**{**SERVED, "efficiency": "sglang"})
    assert "a token" in notes(report, "tuned")
    assert "to the first one" not in notes(report, "tuned")


def test_prices_of_economies_all_pay_for_prompts() -> None:
    report = infercost.economies(**LOCAL, price="1", points="4")
    assert report.series is not None
    for row in report.series.rows:
        paid = row["usd_per_million_tokens"]
        assert paid == pytest.approx(row["usd_per_million_tokens_busy"] / row["busy_share"])
        assert paid == pytest.approx(row["cost_ratio"] * report.values["floor_usd_per_million_tokens"])
        assert not row["bands"]


SMALL = {"gpu": "rtx-4090", "model": "qwen3-30b-a3b", "dtype": "q8_0", "host": "laptop-ddr5", "offload": "experts"}


@pytest.mark.parametrize("gpu", ["rtx-4090", "rtx-4090:1"])
def test_a_host_that_is_too_small_says_what_it_holds_and_what_would_do(gpu: str) -> None:
    report = infercost.fit(**{**SMALL, "gpu": gpu})
    assert not report.met
    # 85% of 32 GiB; experts of 48 layers, 128 of three matrices of 2,048 x 768 in 8.5 bits
    room, experts = 0.85 * 32 * 2**30, 48 * 128 * 3 * 2048 * 768 * 8.5 / 8
    assert report.values["shortfall_bytes"] == pytest.approx(experts - room, rel=0.001)
    assert "which holds 29.21 GB of 30.8 GB" in report.verdict
    assert report.values["longest_context"] == 0
    assert report.values["host_left_bytes"] == 0
    assert report.advice[0] == "64 GB of memory in laptop-ddr5 (--set host.memory=64GB)"  # 30.8 GB are 85% of 36.24
    assert not any("a context of" in line for line in report.advice)
    assert report.values["gpus"] == 1
    assert infercost.fit(**{**SMALL, "gpu": gpu, "set": "host.memory=64GB"}).met
    assert any("leave --offload" in line for line in report.advice)


def test_what_a_card_holds_stays_there_where_its_host_is_too_small() -> None:
    report = infercost.fit(gpu="rtx-4090:1", model="qwen3-235b-a22b", dtype="q4_k_m", host="desktop-ddr5")
    held = numbers(report)
    missing = held["weight_bytes"] + held["kv_bytes_per_sequence"] - 0.85 * 64 * 2**30
    # the card plans with 96% of 23.64 GiB, less 751.6 MB of reserves; at most one layer's experts, 1.5 GB, stay away
    on_card = 0.96 * 23.64 * 2**30 - 751.6e6
    assert missing - on_card <= held["shortfall_bytes"] <= missing - on_card + 1.6e9
    assert "GB of memory in desktop-ddr5" in report.advice[0]


def test_cards_of_more_than_one_host_are_never_taken_silently() -> None:
    report = infercost.utilization(gpu="rtx-4090", model="deepseek-v3", dtype="q4_k_m", host="desktop-ddr5")
    assert not report.met
    assert report.values["gpus"] == 1
    several = infercost.fit(gpu="l4", model="qwen3-235b-a22b", dtype="q4_k_m", host="desktop-ddr5")
    assert several.met
    count = several.values["gpus"]
    assert count > 1
    assert notes(several, "host-cards") == f"fewer than {count} cards and desktop-ddr5 do not hold it"
    fewer = infercost.fit(gpu="l4", gpus=count - 1, model="qwen3-235b-a22b", dtype="q4_k_m", host="desktop-ddr5")
    assert not fewer.met


def test_tokens_that_the_cache_holds_are_those_of_the_layers_on_the_card() -> None:
    report = infercost.fit(**DENSE)
    held = numbers(report)
    assert held["host_layers"] == 40
    # half of 80 layers with keys and values of 8 heads of 128, of 2 bytes
    assert held["kv_pool_tokens"] == int(held["kv_pool_bytes_per_gpu"] / (40 * 2 * 8 * 128 * 2))
    assert held["kv_pool_tokens"] >= 8192 * held["max_sequences"]


def test_a_sweep_to_a_batch_puts_as_much_into_the_host_as_that_needs() -> None:
    report = infercost.sweep_batch(**LOCAL, batch="1:32")
    assert report.series is not None
    assert report.series.rows[-1]["batch"] == 32
    held = infercost.fit(**LOCAL, batch="32")
    assert held.values["host_layers"] == 30
    assert "the experts of 30 layers" in report.verdict
    assert "needs only" not in report.verdict
    assert held.verdict.endswith(report.verdict[-120:])


@pytest.mark.parametrize("part", ["ryzen-ai-max-395", "jetson-agx-orin", "dgx-spark", "m4-max", "epyc-turin"])
def test_parts_whose_memory_is_the_hosts_own_take_no_host(part: str) -> None:
    for engine in ({}, {"efficiency": "llama.cpp"}, {"efficiency": "vllm"}):
        with pytest.raises(BadValue, match="is the host's already"):
            infercost.fit(gpu=part, model="qwen3-30b-a3b", host="desktop-ddr5", **engine)


def test_a_host_memory_without_its_unit_or_its_host_is_refused() -> None:
    with pytest.raises(BadValue, match="'128' has no unit") as caught:
        infercost.fit(**{**DENSE, "set": "host.memory=128"})
    assert "128 B: did you mean 128GB?" in caught.value.hint
    with pytest.raises(BadValue, match="128 B is no memory of a host"):
        infercost.fit(**{**DENSE, "set": "host.memory=128B"})
    with pytest.raises(BadValue, match="no host was named"):
        infercost.fit(gpu="rtx-4090", model="llama-3.3-70b", set="host.memory=128GB")


@pytest.mark.parametrize(
    ("part", "engine"),
    [("rtx-4090", "llama.cpp"), ("rtx-pro-6000", "llama.cpp"), ("h100", "vllm"), ("l40s", "vllm"), ("a40", "vllm")],
)
def test_the_engine_that_people_run_with_a_host_is_assumed(part: str, engine: str) -> None:
    report = infercost.fit(gpu=part, model="llama-3.3-70b", host="epyc-turin")
    assumed = next(item.value for item in report.inputs if item.key == "efficiency")
    assert assumed == engine
    assert bool(notes(report, "efficiency")) == (engine == "llama.cpp")


@pytest.mark.parametrize(
    ("text", "name", "memory"),
    [
        ("ddr5", "desktop-ddr5", 64 * 2**30),
        ("128gb ddr5", "desktop-ddr5", 128e9),
        ("ddr5-128gb", "desktop-ddr5", 128e9),
        ("DDR5 128 GB", "desktop-ddr5", 128e9),
        ("ddr5 desktop 96GB", "desktop-ddr5", 96e9),
        ("128GB", "desktop-ddr5", 128e9),
        ("64 GiB of ddr4 ram", "desktop-ddr4", 64 * 2**30),
        ("epyc-turin 768GB", "epyc-turin", 768e9),
    ],
)
def test_a_size_may_stand_beside_a_host(text: str, name: str, memory: float) -> None:
    asked = {"gpu": "rtx-4090", "model": "gpt-oss-120b"}
    report = infercost.fit(**asked, host=text)
    inputs = {item.key: item for item in report.inputs}
    assert (inputs["host"].value, inputs["host.memory"].value) == (name, memory)
    plain = infercost.fit(**asked, host=name, set=f"host.memory={memory:.0f}B")
    assert report.values == plain.values
    with pytest.raises(UnknownName, match="no host preset is called 'foo'"):
        infercost.fit(**asked, host="foo 128GB")


@pytest.mark.parametrize(
    ("model", "size"),
    [  # experts of 121.2 GB are 85% of 142.6; the weights of DeepSeek-V3 are about 400 GB, 85% of 475
        ("qwen3-235b-a22b", 192),
        ("deepseek-v3", 512),
    ],
)
def test_a_host_that_is_short_is_offered_the_next_size(model: str, size: int) -> None:
    asked = {"gpu": "rtx-4090", "model": model, "dtype": "q4_k_m", "host": "desktop-ddr5"}
    report = infercost.fit(**asked)
    assert report.advice[0] == f"{size} GB of memory in desktop-ddr5 (--set host.memory={size}GB)"
    assert infercost.fit(**asked, set=f"host.memory={size}GB").met


@pytest.mark.parametrize("model", ["deepseek-v4-flash", "deepseek-v3.2", "llama-3.1-8b"])
def test_a_cache_weighs_in_a_host_what_it_weighs_on_a_card(model: str) -> None:
    """8 bit entries of DeepSeek-V4 and V3.2 with their scales too: none of them is left on the cards."""
    options = {"gpu": "h200:8", "model": model, "context": "32k"}
    beside, alone = infercost.fit(**options, host="epyc-turin", offload="kv"), infercost.fit(**options)
    assert (beside["kv_bytes_per_sequence"], beside["host_bytes"]) == (0, alone["kv_bytes_per_sequence"])


def test_a_few_more_layers_in_a_host_are_named_with_their_speed() -> None:
    """Sixteen of Mixtral's layers do not suffice by 122.9 MB, and one more is 854 MB."""
    asked = {"gpu": "rtx-4060-ti-16gb", "model": "mixtral-8x7b", "dtype": "q4_k_m", "host": "desktop-ddr5"}
    short = infercost.utilization(**asked, offload_layers=16)
    more = infercost.utilization(**asked, offload_layers=17)
    assert (short.met, more.met) == (False, True)
    assert f" --offload-layers 17 fits: {more['tokens_per_s_per_user']:.4g} tokens/s." in short.verdict
    assert short.advice[0] == "17 layers in the host (--offload-layers 17)"
