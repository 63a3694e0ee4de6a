"""What an answer calls itself, and what it says when the devices do not hold the model."""

import json
import re
from pathlib import Path

import pytest

import infercost
from infercost.units import show
from tests.conftest import Run

NOTE = ("--gpu", "h100-note", "--params", "1.6e12")


def kind(report: infercost.Report) -> str:
    return next(note.code for note in report.notes if note.code in ("bound", "estimate"))


def test_only_full_overlap_is_a_bound() -> None:
    case = {"gpu": "h100-note", "params": 1.6e12, "batch": 100}
    assert kind(infercost.utilization(**case)) == "bound"
    assert kind(infercost.utilization(**case, overlap="none")) == "estimate"
    assert kind(infercost.utilization(**case, overlap="operator")) == "estimate"
    assert kind(infercost.utilization(**case, set=["efficiency.memory_share=0.8"])) == "estimate"
    assert kind(infercost.utilization(**case, active_params=1e11)) == "bound"


BARE = ("--gpu", "h100:8", "--params", "100B", "--active-params", "10B")  # reads 3.35 TB/s a device, a byte a parameter
DRAFT_OF = ("--draft-tokens", "4", "--acceptance", "80%", "--draft-cost", "10%")


@pytest.mark.parametrize(
    ("asked", "seconds", "words"),
    [
        # a token reads its own experts and no others: 10 GB at 8 x 3.35 TB/s
        ((*BARE,), 10e9 / 26.8e12, "at best,"),
        # of 32 evenly routed tokens each expert is missed by 0.9 ** 32: a mean, which tokens that agree undercut
        ((*BARE, "--batch", "32"), 100e9 * (1 - 0.9**32) / 26.8e12, "at best with even routing,"),
        ((*BARE, *DRAFT_OF), None, "both at best with even routing: "),
        (("--gpu", "h100:8", "--params", "100B"), 100e9 / 26.8e12, "at best,"),
        (("--gpu", "h100:8", "--params", "100B", *DRAFT_OF), None, "without, both at best: "),
    ],
)
def test_a_bound_of_experts_says_of_which_routing(
    run: Run, asked: tuple[str, ...], seconds: float | None, words: str
) -> None:
    said = run("utilization", *asked, "--efficiency", "ideal", "--json").json
    assert words in said["verdict"]
    assert "estimate" not in said["verdict"]
    if seconds:
        assert said["results"]["step_time_s"] == pytest.approx(seconds)
    routed = "routing" in words
    assert any(note["text"].startswith("a bound with even routing") for note in said["notes"]) == routed
    assert any("fewer where tokens agree" in note["text"] for note in said["notes"]) == routed


@pytest.mark.parametrize(("model", "routed"), [("llama-3.1-8b", ""), ("gpt-oss-120b", " with even routing")])
def test_every_verdict_on_ideal_figures_says_that_they_are_bounds(run: Run, model: str, routed: str) -> None:
    """A ratio of two bounds is none, and a pool that engines round up holds so many at most."""
    lengths, ideal = ("--isl", "1000", "--osl", "200"), ("--efficiency", "ideal", "--gpu", "h100", "--model", model)
    for command, more, words in (
        ("userbase", ("--users", "100k", *lengths), f"need at best{routed} "),
        ("economies", (), f"a million tokens, at best{routed}. "),
        ("economies", ("--api-price", "0.001"), f"tokens/s, at best{routed}. "),
        ("frontier", ("--max-gpus", "8"), f", at best{routed}: "),
        ("sweep-batch", (), f"(bounds{routed})"),
    ):
        verdict = run(command, *ideal, *more, "--json").json["verdict"]
        assert words in verdict
        assert "estimate" not in verdict
    beside = run("compare", "h100", "b200", "--model", model, "--efficiency", "ideal", "--json").json["verdict"]
    assert " tokens/s at best, " in beside
    cheapest = run("compare", "h100", "b200", "--model", model, "--efficiency", "ideal", "--users", "1000", "--json")
    assert f"output tokens, at best{routed}, " in cheapest.json["verdict"]
    assert "no interval" not in cheapest.json["verdict"]


def test_a_frontier_of_several_is_called_what_the_least_sure_of_them_is(run: Run) -> None:
    asked = ("frontier", "--model", "llama-3.1-8b", "--context", "1k", "--efficiency", "ideal", "--max-gpus", "2")
    assert ", at best with even routing: " in run(*asked, "--gpu", "h100", "--model", "gpt-oss-20b").out.replace(
        "\n", " "
    )
    assert run("fit", "--gpu", "h100", "--efficiency", "ideal", "--limit", "1").out.count(", at best ") == 1
    rounded = run("fit", "--gpu", "h100", "--model", "gpt-oss-120b", "--efficiency", "ideal").err
    assert "at most: engines round up" in rounded


def test_a_vector_rate_that_stands_in_for_a_matrix_rate_is_no_bound(tmp_path: Path) -> None:
    part = tmp_path / "card.yaml"
    part.write_text(
        "name: Card\nvendor: me\nkind: gpu\nmemory: {value: 24 GB, source: ME}\n"
        "memory_bandwidth: {value: 1 TB/s, source: ME}\nflops_fp32: {value: 30 TFLOP/s, source: ME}\n"
        "sources:\n  ME: {title: my own card, date: 2026-11}\n"
    )
    report = infercost.utilization(gpu=str(part), params=8e9, batch=256)
    assert kind(report) == "estimate"
    # 8 GB in 8 ms; two operations a parameter at 30 TFLOP/s take 0.53 ms a sequence
    read = infercost.utilization(gpu=str(part), params=8e9)
    assert kind(read) == "bound"
    assert read.values["step_time_s"] == pytest.approx(0.008)
    assert "its fp32 vector rate stands in" in next(note.text for note in report.notes if note.code == "stands-in")


@pytest.mark.parametrize("part", ["epyc-turin", "xeon-6980p"])
def test_a_cpus_time_with_overhead_is_no_bound_and_its_read_of_the_weights_is(part: str) -> None:
    options = {"gpu": part, "model": "llama-3.1-8b", "dtype": "q4_k_m"}
    said = infercost.utilization(**options)
    assert kind(said) == "estimate"
    assert "an estimate" in said.verdict
    assert "at best" not in said.verdict
    assert said.values["overhead_time_s"] > 0
    ideal = infercost.utilization(**options, efficiency="ideal")
    assert kind(ideal) == "bound"
    assert "at best" in ideal.verdict
    assert ideal.values["step_time_s"] < said.values["bound_step_time_s"] < said.values["step_time_s"]


@pytest.mark.parametrize("batch", [1, 8, 16, 32, 256])
def test_a_sparse_bound_cannot_be_beaten(batch: int) -> None:
    """DeepSeek-V3 of 671.0B with 17.0B shared and 58 layers of 256 experts, 8 active, read at 8 bits."""
    shared, expert_layers, experts, active = 17.0e9, 58, 256, 8
    one_expert = (671.0e9 - shared) / (expert_layers * experts)
    hit = experts * (1 - (1 - active / experts) ** batch)
    really_read = shared + expert_layers * hit * one_expert
    report = infercost.utilization(gpu="h200:8", params=671e9, active_params=37.4375e9, batch=batch)
    assert report["bound_step_time_s"] <= really_read / (8 * 4.8e12) * 1.001
    assert report["memory_time_s"] >= really_read / (8 * 4.8e12) * 0.98


@pytest.mark.parametrize("command", ["fit", "utilization", "sweep-batch", "userbase"])
def test_what_does_not_fit_is_said_first(command: str, run: Run) -> None:
    result = run(command, *NOTE, "--gpus", "10")
    assert result.code == 3
    assert result.out.startswith("Does not fit: ")
    assert "the weights alone take 20" in result.out.replace("\n", " ")


def test_a_full_batch_is_whole(run: Run) -> None:
    assert run("userbase", "--gpu", "h100", "--params", "1.6e12", "--json").json["results"]["gpus"] == 20
    args = ("userbase", *NOTE, "--concurrent", "1000", "--set", "gpu.memory_bandwidth=3PB/s", "--json")
    assert run(*args).json["inputs"]["batch"] == 1


def test_what_userbase_cannot_use_is_refused(run: Run) -> None:
    assert "needs --gpu for --params" in run("userbase", "--concurrent", "1000", "--params", "70B").err


def test_utilization_never_exceeds_one() -> None:
    for batch in (1000, 1024, 3000, 7777):
        report = infercost.utilization(gpu="h100", params=70e9, batch=batch)
        assert report["utilization"] == 1
        assert infercost.utilization(gpu="h100", params=7e9, batch=1)["memory_bandwidth_utilization"] == 1


def test_quantities_are_exact_to_the_last_bit() -> None:
    assert infercost.accelerator("a100").value("memory_bandwidth") == 2.039e12


def test_memory_is_named_as_sold(run: Run) -> None:
    assert "counted as sold: 192 GiB" in run("fit", "--gpu", "mi300x", "--params", "70B", "--sources").err
    assert "counted as sold: 80 GB" in run("fit", "--gpu", "h100", "--params", "70B", "--sources").err


def test_the_notes_sixty_terabytes(run: Run) -> None:
    assert "60 TB/s in all" in run("utilization", *NOTE).out


def test_a_scenario_may_set(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("gpu: h100-note\nparams: 1.6e12\nset: {gpu.memory_bandwidth: 30TB/s}\n")
    assert run("utilization", "--scenario", str(path), "--json").json["results"]["critical_batch"] == pytest.approx(50)


def test_a_report_is_a_mapping_of_its_results() -> None:
    report = infercost.fit(gpu="h100-note", params=1.6e12)
    assert "gpus" in report
    assert dict.fromkeys(report) == dict.fromkeys(report.values)
    assert str(report).startswith("20 accelerators")
    assert infercost.sweep_batch(gpu="h100", params=1e9, batch=range(1, 4)).series.rows[2]["batch"] == 3
    assert "h100-sxm" in infercost.accelerators()


def test_batches_on_devices_that_hold_nothing_have_no_lesson(run: Run) -> None:
    """The only row is a batch of one: no ratio of a lone user, and no advice on caches that are not there."""
    answer = run("sweep-batch", "--gpu", "h100:2", "--params", "1.6e12", "--json").json
    assert answer["verdict"].endswith("the weights alone take 20 devices.")
    assert answer["advice"] == ["ask for --gpu h100:20, or store the weights in fewer bytes (--dtype)"]


def test_slots_for_a_concurrency_and_its_chances_need_no_hardware(run: Run) -> None:
    """1,000 erlangs need 1,077 slots so that one in a hundred waits; 0.943% do, 1.03% with one slot less (Erlang)."""
    said = run("userbase", "--concurrent", "1000", "--max-wait-probability", "1%", "--json").json["results"]
    assert said["slots"] == 1077
    assert said["wait_probability"] == pytest.approx(0.00943, abs=1e-5)
    assert said["users"] == 144_000
    assert infercost.userbase(users=144_000, max_wait_probability=0.01, burstiness=7**0.5)["slots"] == 1156
    assert "needs --gpu" in run("userbase", "--concurrent", "1000", "--burstiness", "2").err


def test_a_flat_day_and_few_users_are_said_once(run: Run) -> None:
    """Rows that say again what a flat day says, and how 200 users could be a million, are for scripts alone."""
    said = run("userbase", "--users", "200")
    assert "emptiest hour" not in said.out + said.err
    assert "1M" not in said.out
    assert "1,000,000" not in said.err
    assert run("userbase", "--users", "200", "--json").json["results"]["users_at_trough"] == 200
    hourly = run("userbase", "--concurrent", "1000", "--trough-to-mean", "0.67", "--peak-to-mean", "1.35").out
    assert "decoding, emptiest hour" in hourly
    assert "decoding, busiest hour" in hourly


def test_a_verdict_names_no_model_where_none_was_named() -> None:
    assert "a step on 1 x h100-sxm" in infercost.utilization(gpu="h100", params="70B").verdict


@pytest.mark.parametrize(
    ("gpu", "rate", "flops"),
    [
        ("h100:1", "bf16", 989.4e12),
        ("mi300x:1", "bf16", 1307.4e12),
        ("b200:1", "fp8", 4.5e15),
        ("mi355x", "fp4", 10.066e15),
    ],
)
def test_mxfp4_weights_are_counted_at_the_rate_of_their_kernels(run: Run, gpu: str, rate: str, flops: float) -> None:
    """Hopper and CDNA 3 unpack them to 16 bits, data-centre Blackwell multiplies in 8, CDNA 4 in 4: rates of specs."""
    said = run("utilization", "--gpu", gpu, "--model", "gpt-oss-120b", "--efficiency", "vllm", "--json", "--steps").json
    results, part = said["results"], infercost.accelerator(gpu.partition(":")[0])
    (note,) = [each["text"] for each in said["notes"] if each["code"] == "arithmetic"]
    assert note == f"{part.name} computes with mxfp4 weights at its {rate} rate"
    peaks = {step["inputs"]["peak_flops"] for step in said["steps"] if "peak_flops" in step["inputs"]}
    assert peaks
    assert all(peak == pytest.approx(flops, rel=1e-3) for peak in peaks)
    assert results["flops_per_byte"] == pytest.approx(flops / part.value("memory_bandwidth"), rel=1e-3)
    share = results["flops_per_token"] / flops / results["step_time_s"]
    assert results["utilization"] == pytest.approx(share, rel=1e-3)
    # no kernel is faster than the rate that is named
    assert results["compute_time_s"] > results["flops_per_token"] / flops
    text = run(
        "utilization", "--gpu", gpu, "--model", "gpt-oss-120b", "--efficiency", "vllm", "--format", "markdown"
    ).out
    assert f"({rate}" in text


def test_a_bound_stays_that_of_the_fastest_arithmetic() -> None:
    """A kernel that multiplied in 8 bits would beat a bound of 16."""
    long = {"model": "gpt-oss-120b", "gpu": "h100:1", "batch": 20_000, "context": 1}
    vllm, ideal = (infercost.utilization(**long, efficiency=name) for name in ("vllm", "ideal"))
    assert vllm["bound_step_time_s"] == pytest.approx(ideal["bound_step_time_s"])


def test_what_a_lone_user_pays_agrees_with_the_prices_below_it(run: Run) -> None:
    """Prompts of 7,680 tokens do not get cheaper in a batch, so steps alone say too much: 15x, not 10x."""
    asked = ("sweep-batch", "--gpu", "h100:2", "--model", "qwen2.5-72b", "--dtype", "fp8", "--batch", "1,25")
    said = run(*asked, "--price", "2", "--json").json
    (alone, full), ratio = said["rows"], said["results"]["lone_user_cost_ratio"]
    assert ratio == pytest.approx(alone["usd_per_million_tokens"] / full["usd_per_million_tokens"])
    assert alone["cost_ratio"] == pytest.approx(ratio)
    assert ratio < alone["step_time_s"] / (full["step_time_s"] / 25) * 0.8
    later = run(*asked[:-1], "5,25", "--price", "2", "--json").json
    assert later["results"]["lone_user_cost_ratio"] == pytest.approx(ratio)
    assert ", prompts paid (estimate)" in " ".join(later["verdict"].split())


@pytest.mark.parametrize(
    "asked",
    [
        ("--gpu", "h100:1", "--model", "llama-3.1-8b"),
        ("--gpu", "rtx-4090", "--model", "llama-3.1-8b", "--dtype", "q4_k_m"),
        ("--gpu", "h100:2", "--dp", "2", "--model", "llama-3.1-8b"),
    ],
)
def test_batches_none_of_which_memory_holds_are_answered_as_the_smallest(asked: tuple[str, ...], run: Run) -> None:
    swept = run("sweep-batch", *asked, "--batch", "256,512", "--json")
    alone = run("utilization", *asked, "--batch", "256", "--json")
    assert swept.code == alone.code == 3
    assert swept.json["verdict"] == alone.json["verdict"]
    assert swept.json["advice"] == alone.json["advice"]
    assert swept.json["results"]["fits"] is False
    found = [(row["batch"], row["fits"], row["step_time_s"], row["utilization"]) for row in swept.json["rows"]]
    assert found == [(256, False, None, None), (512, False, None, None)]


@pytest.mark.parametrize(
    "asked",
    [
        ("--gpu", "h100:1", "--model", "llama-3.1-8b"),
        ("--gpu", "h100:4", "--model", "gpt-oss-120b"),
        ("--gpu", "h100:2", "--dp", "2", "--model", "llama-3.1-8b"),
    ],
)
def test_a_batch_that_memory_does_not_hold_is_a_row_without_values_as_in_a_sweep(
    asked: tuple[str, ...], run: Run
) -> None:
    cut = run("sweep-batch", *asked, "--batch", "2,8,4096", "--json")
    short = run("sweep-batch", *asked, "--batch", "2,8", "--json").json
    swept = run("utilization", *asked, "--sweep", "batch=2,8,4096", "--json").json
    assert cut.code == 0
    assert [(row["batch"], row["fits"]) for row in cut.json["rows"]] == [(2, True), (8, True), (4096, False)]
    assert cut.json["rows"][:2] == short["rows"]
    assert cut.json["results"] == short["results"]
    most = short["results"]["max_batch"] // short["inputs"].get("dp", 1)  # a verdict on several is of each
    assert cut.json["verdict"] == f"{short['verdict']} Memory ends the batch at {most}."
    row, other = cut.json["rows"][2], swept["rows"][2]
    shared = {*row} & {*other} - {"bands"}
    assert {"fits", "step_time_s", "ttft_s", "bound", "weight_bytes"} <= shared
    assert {key: row[key] for key in shared} == {key: other[key] for key in shared}
    assert "null" in {note["code"] for note in cut.json["notes"] if note["text"].startswith("step_time_s is null: mem")}


def test_a_batch_that_memory_does_not_hold_is_empty_in_csv_and_dashes_in_a_table(run: Run) -> None:
    asked = ("sweep-batch", "--gpu", "h100:1", "--model", "llama-3.1-8b", "--batch", "1,64")
    head, one, misfit = (line.split(",") for line in run(*asked, "--csv").out.splitlines())
    ends = [
        [dict(zip(head, row, strict=True))[key] for key in ("batch", "fits", "step_time_s")] for row in (one, misfit)
    ]
    assert ends[0][:2] == ["1", "true"]
    assert float(ends[0][2]) > 0
    assert ends[1] == ["64", "false", ""]
    (row,) = (line.split() for line in run(*asked).out.splitlines() if line.startswith("     64 "))
    assert {*row[1:]} == {"-"}


def test_a_range_of_batches_that_nobody_asked_for_ends_at_what_memory_holds() -> None:
    answer = infercost.sweep_batch(model="llama-3.1-8b", gpu="h100:1")
    assert {row["fits"] for row in answer["rows"]} == {True}
    assert answer["rows"][-1]["batch"] <= answer["max_batch"]


def test_a_sweep_of_batches_says_where_memory_ends_it_and_what_it_stands_on() -> None:
    asked = {"model": "llama-3.1-8b", "gpu": "h100:1"}
    most = infercost.sweep_batch(**asked)["max_batch"]
    cut = infercost.sweep_batch(**asked, batch=f"1,{most},{most + 1}")
    assert cut.verdict.endswith(f" Memory ends the batch at {most}.")
    assert cut["fits"]
    assert "Memory ends" not in infercost.sweep_batch(**asked, batch=f"1,{most}").verdict
    assert infercost.sweep_batch(**asked, batch=most).verdict.partition(" Utilization ")[2].startswith("is ")
    more = infercost.sweep_batch(model="llama-3.1-8b", gpu="h100", batch=most + 1)
    start = (
        "On 2 x h100-sxm (tp 2) no batch that fits fills the arithmetic at 8,192 tokens of context: caches are read too"
    )
    kernels = f"batch {more['critical_batch']:.4g} in measured kernels at 700 W, 295.4 at the chip's peak"
    assert more.verdict.startswith(f"{start} (weights alone: {kernels}). ")


def test_bars_of_what_overlaps_are_shares_of_the_step(run: Run) -> None:
    """16 GB in 16 ms, two operations a parameter at 1 PFLOP/s: 8.21 of 16 ms for 513 sequences, which overlap."""
    options = "--gpu h100 --params 8e9 --dtype bf16 --batch 513"
    options += " --set gpu.memory_bandwidth=1TB/s --set gpu.flops_bf16=1PFLOP/s"
    said = run("utilization", *options.split(), "--format", "plain").out
    compute, memory = (
        next(line.split() for line in said.splitlines() if line.startswith(f"  {name} ") and "█" in line)
        for name in ("compute", "memory")
    )
    assert compute[1:4] == ["8.208", "ms", "51.3%"]
    assert memory[1:4] == ["16", "ms", "100%"]


@pytest.mark.parametrize(
    ("part", "timed"), [("h100", True), ("gaudi3", False), ("mi250x", False), ("epyc-turin", False)]
)
def test_a_law_is_called_measured_only_where_it_was(part: str, timed: bool) -> None:
    report = infercost.utilization(gpu=part, model="llama-3.1-8b")
    remark = next(row.remark for row in report.results if row.key == "step_time_s")
    assert remark.endswith("one after another, as measured" if timed else "one after another")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            "utilization --gpu groq-lpu-v1:2 --model llama-3.2-1b --dtype int8",
            "no link bandwidth of groq-lpu-v1 is known",
        ),
        ("utilization --gpu human-brain --model llama-3.1-8b", "has no dense rate for bf16 (it has fp8, int8)"),
    ],
)
def test_a_figure_that_nobody_knows_is_named_in_words(asked: str, said: str, run: Run) -> None:
    result = run(*asked.split())
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_a_bound_needs_no_link_that_nobody_publishes(run: Run) -> None:
    """230 MB and 80 TB/s a chip, and no link between them: 16.06 GB in stages of 8 take 8/256 of all reads at once."""
    asked = "utilization --gpu groq-lpu-v1 --model llama-3.1-8b --efficiency ideal --format"
    results = json.loads(run(*asked.split(), "json").out)["results"]
    assert results["communication_time_s"] is None
    assert results["step_time_s"] == results["memory_time_s"] == pytest.approx(15.01e9 / (8 * 80e12), rel=1e-3)
    said = " ".join(run(*asked.split(), "plain").out.split())
    assert "communication left out." in said
    assert "no link of groq-lpu-v1 is known" in said


def test_a_count_is_not_said_twice(run: Run) -> None:
    """140 GB take two devices of 80 GB and of 72; 78 GB take one of 80, two of 72."""
    for params, beside in (("70e9", False), ("39e9", True)):
        asked = f"fit --gpu h100-note --params {params} --dtype bf16 --usable 100% --format plain"
        assert ("using 90%" in run(*asked.split()).out) == beside, params


def test_a_note_on_another_preset_is_for_bare_counts(run: Run) -> None:
    """``h100-note`` holds the figures of the note's arithmetic, which has no named model."""
    codes = {
        words: {note["code"] for note in run("utilization", "--gpu", "h100", *words, "--json").json["notes"]}
        for words in (("--params", "8B"), ("--model", "qwen3-8b", "--dtype", "fp8"))
    }
    assert ["see-also" in each for each in codes.values()] == [True, False]


def test_a_part_without_a_rate_has_the_bound_of_its_memory(run: Run) -> None:
    """A wafer reads 21 PB/s: the 7.50e9 weights that a token multiplies are 15.0e9 B, and take 0.715 us."""
    asked = ("utilization", "--gpu", "cerebras-wse3", "--model", "llama-3.1-8b")
    answer = run(*asked, "--measured-tokens-per-s", "1800", "--json").json
    results = answer["results"]
    assert results["step_time_s"] == pytest.approx(2 * 7.505e9 / 21e15, rel=0.001)
    assert results["measured_bytes_per_s"] == pytest.approx(1800 * 2 * 7.505e9, rel=0.001)
    assert results["measured_memory_bandwidth_utilization"] == pytest.approx(1800 * 2 * 7.505e9 / 21e15, rel=0.001)
    for key in ("compute_time_s", "utilization", "measured_utilization", "critical_batch", "flops_per_byte"):
        assert results[key] is None
    assert "the bound of memory alone at batch 1, as no dense rate of cerebras-wse3 is known." in answer["verdict"]
    assert "At most 1,399,081 tokens/s: the bound" in answer["verdict"]
    assert all(item["key"] != "gpu.flops_bf16" for item in run(*asked, "--json", "--sources").json["sources"])
    assert "1e21 FLOP/s stand in" in run(*asked, "--steps").err


@pytest.mark.parametrize("more", ["--isl 1000", "--concurrency 8", "--efficiency vllm", "--dtype fp32"])
def test_prompts_and_estimates_need_a_rate(more: str, run: Run) -> None:
    refused = run("utilization", "--gpu", "cerebras-wse3", "--model", "llama-3.1-8b", *more.split())
    assert (refused.code, refused.out, "gpu.flops_" in refused.err) == (2, "", True)


@pytest.mark.parametrize("profile", ["ideal", "vllm"])
def test_the_intensity_of_a_batch_is_its_operations_over_its_bytes(profile: str, run: Run) -> None:
    """Llama 3 8B multiplies 7,504,924,672 weights of 2 B a token, and has 131,072 B of cache for each it looks back at.

    For each of those 32 layers have 32 heads of 128 values twice; an H100 does 989.4e12 operations and reads 3.35e12 B.
    """
    asked = ("utilization", "--gpu", "h100", "--model", "llama-3-8b", "--context", "4096", "--efficiency", profile)
    weights, pair = 7_504_924_672, 4 * 32 * 32 * 128
    done = 32 * (2 * weights + pair * 4096) / (2 * weights + 32 * 4096 * 131_072)  # 16.8
    batch = run(*asked, "--batch", "32", "--json").json
    assert batch["results"]["arithmetic_intensity"] == pytest.approx(done, rel=1e-3)
    cache = 32 * 4096 * 131_072 / (2 * weights + 32 * 4096 * 131_072)
    parts = f"{100 - 100 * cache:.1f}% of bytes weights, {100 * cache:.1f}% KV cache"
    assert f"memory binds ({parts}; {done:.4g} FLOP a byte, ridge at {989.4 / 3.35:.4g})" in batch["verdict"]
    assert "arithmetic intensity" in run(*asked, "--batch", "32").out
    assert "FLOP a byte" not in run(*asked).out
    assert "I_s = I × U / U_m" in run(*asked, "--batch", "32", "--steps").out


@pytest.mark.parametrize(
    ("options", "weights", "cache", "what"),
    [  # 32 layers x 2 x 32 heads x 128 x 2 B = 524,288 B a token; all but the input table of 32,000 x 4,096 is read
        *(
            ({"model": "llama-2-7b", "batch": 1, "context": 2000, "efficiency": by}, 13.2147e9, 1.048576e9, "KV cache")
            for by in ("vllm", "erdil-2025", "ideal", "llama.cpp")
        ),
        # 48 layers of 2 x 4 KV heads x 128 x 2 B; 128 experts of 3 x 2,048 x 768, (1 - (120/128)^4) of them are hit
        (
            {"model": "qwen3-30b-a3b", "batch": 4, "context": 8000},
            2 * (30.532e9 - 151_936 * 2048 - 48 * 128 * (120 / 128) ** 4 * 3 * 2048 * 768),
            4 * 8000 * 48 * 2 * 4 * 128 * 2,
            "KV cache",
        ),
        # 27 layers of latents of 512 + 64 values
        ({"model": "deepseek-v2-lite", "batch": 1, "context": 4000}, None, 4000 * 27 * 576 * 2, "KV cache"),
        ({"model": "jamba-v0.1", "gpu": "h100:4", "batch": 1, "context": 8000}, None, None, "cache and states"),
        ({"model": "mamba-codestral-7b", "batch": 1, "context": 8000}, None, None, "states"),
    ],
)
def test_the_verdict_divides_the_bytes_of_a_step(
    options: dict[str, object], weights: float | None, cache: float | None, what: str
) -> None:
    """Weights are read once a step, the cache of each sequence too, under every law."""
    report = infercost.utilization(**{"gpu": "a100-80gb", **options})
    found = re.search(r"memory binds \((\S+) of bytes weights, (\S+) ([\w ]+)[;)]", report.verdict)
    assert found
    assert found[3] == what
    assert found[2] == show(report["cache_bytes_share"], "share")
    if weights and cache:
        assert report["cache_bytes_share"] == pytest.approx(cache / (cache + weights), rel=2e-3)
    elif cache:
        assert report["cache_bytes_share"] < cache / 2e9  # more than a billion weights of 2 B


def test_bytes_are_divided_where_a_batch_or_a_context_was_given_and_something_is_cached(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b")
    assert "of bytes" not in run(*asked).out
    assert "of bytes" not in run(*asked, "--context", "0").out
    assert "of bytes" not in run("utilization", "--gpu", "h100", "--params", "8B", "--batch", "4").out
    beside = " ".join(run(*asked, "--batch", "8").out.split())  # a request has sentences of its own
    assert re.search(r"memory binds \(\S+ of bytes weights, \S+ KV cache\)\. ", beside)
    assert "s_kv = R_kv / R_t" in run(*asked, "--batch", "8", "--steps").out
    assert run(*asked, "--osl", "1", "--isl", "100", "--json").json["results"]["cache_bytes_share"] is None


def test_faster_attention_gains_no_more_than_reads_at_the_peak_leave(run: Run) -> None:
    """The caches' reads are not Amdahl's share that can vanish: at the peak they take nearly as long."""
    asked = ("utilization", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--batch", "32", "--context", "32768")
    answer = run(*asked, "--json").json
    step, gain = answer["results"]["step_time_s"], answer["results"]["attention_gain_bound"]
    read = 32 * 32768 * 80 * 2 * 8 * 128 * 2 / (8 * 3.35e12)  # KV heads of 128 in 80 layers, 16 bits
    table = " ".join(run(*asked).out.split())
    share = float(re.search(r"gain of faster attention, at most [\d.]+x (\S+)% of a step is attention", table)[1]) / 100
    assert gain == pytest.approx(1 / (1 - share + read / step), rel=2e-3)
    assert 1 < gain < 1.2 < 1 / (1 - share)
    assert "gain of faster attention" not in run(*asked[:-2]).out
    assert (
        run(*asked, "--usable", "1", "--efficiency", "ideal", "--json").json["results"]["attention_gain_bound"] is None
    )
    assert "what faster attention gains at most" in run(*asked, "--flash-attention").err.replace("\n      ", " ")


def test_a_peak_that_the_watts_do_not_sustain_is_said(run: Run) -> None:
    """An H100 multiplies 16 bits at 1 TFLOP/s a watt over longer runs: a higher peak alone makes nothing faster."""
    asked = "utilization --gpu h100 --model llama-3.1-8b --batch 64 --context 512 --format json --set gpu.flops_bf16="
    one, more = (run(*f"{asked}{peak}".split()).json for peak in ("1.5PFLOPS", "3PFLOPS"))
    wide = run(*f"{asked}3PFLOPS --set gpu.power=1400W".split()).json
    assert one["results"]["compute_time_s"] == more["results"]["compute_time_s"]
    assert wide["results"]["compute_time_s"] == pytest.approx(one["results"]["compute_time_s"] / 2, rel=1e-6)
    assert "700 W sustain 700 TFLOP/s in bf16" in str(more["notes"])
    assert "sustain" not in str(run(*f"{asked}500TFLOPS".split()).json["notes"])


def test_a_sweep_of_one_says_what_holds_more() -> None:
    report = infercost.sweep_batch(gpu="h100", model="llama-3.1-70b", price=2)
    assert report.verdict.startswith("No batch above 1 fits: 2 x h100-sxm hold one sequence of 8,192 tokens at $")
    more = infercost.fit(gpu="h100:4", model="llama-3.1-70b")["max_sequences"]
    assert report.verdict.endswith(f"4 devices (--gpu h100:4) have room for {more} such sequences.")
    assert len(report.series.rows) == 1


def test_a_sweep_says_its_knee_first() -> None:
    """1,979 TFLOP/s over 3.35 TB/s are 590.7 operations a byte, two of them a parameter: full from batch 296 on."""
    said = infercost.sweep_batch(gpu="h100", params="70B").verdict
    assert said.startswith("The knee is at batch 296, where the arithmetic is full. A lone user pays 295.4x what ")


def test_a_knee_far_above_the_critical_batch_says_why() -> None:
    """312 TFLOP/s over 2.039 TB/s are 153 operations a byte, two for the two bytes of a parameter."""
    asked = {"gpu": "a100", "model": "llama-2-13b", "dtype": "fp16", "context": 1}
    critical = infercost.sweep_batch(**asked)["critical_batch"]
    why = f"(of the weights alone: batch {critical:.4g} in measured kernels, 153 at the chip's peak)"
    assert f"as long as the reads of all a step moves {why}. " in infercost.sweep_batch(**asked).verdict
    assert "weights alone" not in infercost.sweep_batch(**asked, efficiency="ideal").verdict
    assert "weights alone" not in infercost.sweep_batch(**{**asked, "context": 100}).verdict


def test_the_critical_batch_says_in_which_kernels_it_is_and_where_the_peak_has_it() -> None:
    """362.05 TFLOP/s over 864 GB/s are 419 operations a byte, two for the two bytes of a parameter: 419 at the peak."""
    asked = {"gpu": "l40s:1", "model": "llama-3.1-8b", "context": 1, "batch": "1,512"}
    said, ideal = infercost.sweep_batch(**asked), infercost.sweep_batch(**asked, efficiency="ideal")
    assert said["critical_batch"] < said["peak_critical_batch"] == pytest.approx(362.05e12 / 864e9)
    assert ideal["critical_batch"] == ideal["peak_critical_batch"] == said["peak_critical_batch"]
    row = next(row for row in infercost.utilization(**{**asked, "batch": 512}).results if row.key == "critical_batch")
    assert row.remark == "of the weights alone in measured kernels at 350 W; 419 at the chip's peak"
    local = infercost.sweep_batch(gpu="rtx-4090", model="llama-3.1-8b", dtype="q4_k_m").verdict
    assert " by profile llama.cpp-cuda, 100.8 at the chip's peak" in local


def test_rows_of_batches_have_their_devices_and_layout(run: Run) -> None:
    """256 sequences of 8,192 tokens at 131,072 B are 275 GB beside 16 GB of weights: of 4 x 72 GB stages waste least.

    Tensor parallel ranks each keep the buffers of all the batch, and hold 254.
    """
    asked = ("sweep-batch", "--gpu", "h100", "--model", "llama-3.1-8b", "--batch", "128,256")
    header, *rows = (line.split(",") for line in run(*asked, "--csv").out.splitlines())
    layout = [header.index(key) for key in ("gpus", "tp", "pp", "ep", "dp")]
    assert [[row[at] for at in layout] for row in rows] == [["4", "1", "4", "1", "1"]] * 2
    assert run(*asked, "--json").json["verdict"].startswith("On 4 x h100-sxm (pp 4) no batch that fits fills ")
    copies = run("sweep-batch", "--gpu", "h100:4", "--dp", "2", *asked[3:], "--json").json["rows"]
    assert [copies[0][key] for key in ("gpus", "tp", "pp", "dp")] == [4, 2, 1, 2]
    even = run("sweep-batch", "--gpu", "h100:5", "--params", "70B", "--batch", "1,2", "--json").json["rows"][0]
    assert [even[key] for key in ("gpus", "tp", "pp", "dp")] == [5, 5, 1, 1]


def test_the_knee_the_balance_of_weights_and_the_row_past_it_are_told_apart(run: Run) -> None:
    """151 by the weights alone, 167 with all of a step, 256 the first row of the table past it."""
    asked = ("sweep-batch", "--gpu", "a100", "--model", "llama-2-13b", "--context", "0", "--batch", "1:1024")
    said = run(*asked, "--json")
    knee = int(re.search(r"The knee is at batch (\d+),", said.json["verdict"])[1])  # type: ignore[index]
    critical, row = (said.json["results"][key] for key in ("critical_batch", "knee_batch"))
    assert critical < knee < row == 256
    table = " ".join(run(*asked).out.split())
    assert "of the weights alone in measured kernels; the knee counts all of a step" in table
    assert f"first batch at the knee 256 the first of these past {knee}, marked >" in table


def test_a_context_shows_what_a_step_does_for_each_byte(run: Run) -> None:
    """--context 0 asks about a bare step, as --batch 1 does: 16-bit weights are multiplied and added once, 1 a byte."""
    asked = ("utilization", "--gpu", "a100", "--model", "llama-3.1-8b")
    bare, batch = run(*asked, "--context", "0"), run(*asked, "--context", "0", "--batch", "1")
    for said in (bare, batch):
        assert "memory binds (1 FLOP a byte, ridge at 153)" in " ".join(said.out.split())
        assert "arithmetic intensity" in said.out
    assert "arithmetic intensity" not in run(*asked).out


def test_a_step_of_a_batch_says_how_many_experts_it_reads(run: Run) -> None:
    """With 8 of 256 for each of 64 tokens, 256 x (1 - (248/256)^64) = 222.4."""
    asked = ("utilization", "--gpu", "h200:8", "--model", "deepseek-v3", "--context", "4k", "--batch")
    assert "; about 222 of 256 experts are read)" in run(*asked, "64", "--json").json["verdict"]
    assert "experts" not in run(*asked, "1", "--json").json["verdict"]


def test_a_prompt_that_one_device_does_not_hold_says_so(run: Run) -> None:
    """A cache of 1M tokens x 131 kB is 131 GB, an A100 has 80."""
    asked = ("utilization", "--model", "llama-3.1-8b", "--isl", "1M", "--osl", "1", "--rope-scaling", "8")
    words = "2 x a100-sxm-80gb (one does not hold it)"
    assert words in run(*asked, "--gpu", "a100-80gb", "--json").json["verdict"]
    assert "one does not" not in run(*asked, "--gpu", "a100-80gb:2", "--json").json["verdict"]


def test_a_context_that_one_of_two_models_cannot_take_is_told_the_most_of_both(run: Run) -> None:
    """The config of Qwen3 235B A22B has 40,960 tokens, its card 131,072: the error and the table say both."""
    two = ("presets", "show", "qwen3-next-80b-a3b", "qwen3-235b-a22b")
    refused = " ".join(run(*two, "--context", "256k").err.split())
    assert "--context 256,000 is more than qwen3-235b-a22b was made for" in refused
    assert "its config has 40,960 tokens, 131,072 by YaRN, as its card says: --context 131072 is the most" in refused
    taken = run(*two, "--context", "131072")
    assert taken.code == 0
    assert "qwen3-235b-a22b takes 131,072 by YaRN, as its card says" in taken.err
    assert "longest context 40,960 131,072 by YaRN" in " ".join(run("presets", "show", two[3]).out.split())


def test_the_first_token_of_a_batch_is_of_an_idle_server(run: Run) -> None:
    """With 64 in flight it meets the steps of the others; nobody is beside one alone."""
    asked = ("utilization", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--isl", "500", "--osl", "400", "--json")
    idle = " to its first token on an idle server, then "
    assert idle in run(*asked, "--batch", "64").json["verdict"]
    for load in (("--concurrency", "64"), ("--batch", "1")):
        assert " to its first token, then " in run(*asked, *load).json["verdict"]
