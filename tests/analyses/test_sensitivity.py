"""Elasticities against what the closed forms of the note's world say, by hand."""

from typing import Any

import pytest

import infercost
from infercost.analyses.sensitivity import Change, in_words, verdict
from infercost.errors import BadValue
from infercost.report import Input
from tests.conftest import Run, grid

NOTE: dict[str, Any] = {"gpu": "h100-note", "params": 1.6e12, "sensitivity": True}


def of(report: infercost.Report, figure: str) -> dict[str, float]:
    """The elasticity of one figure in each input."""
    assert report.series
    return {row["key"]: row[f"elasticity_{figure}"] for row in report.series.rows}


def test_reads_bind() -> None:
    """Step = params x 1 B / (gpus x bandwidth x share); a token costs gpus x price x step / batch, so gpus cancel.

    Batch 1 has no whole number below; from 1 to 2 the step stays and the cost halves.
    """
    report = infercost.utilization(**NOTE, price=2)
    step = {"params": 1, "gpus": -1, "gpu.memory_bandwidth": -1, "efficiency.memory_share": -1}
    cost = {"params": 1, "gpu.memory_bandwidth": -1, "efficiency.memory_share": -1, "price": 1, "batch": -1}
    used = {"gpu.memory_bandwidth": 1, "efficiency.memory_share": 1, "gpu.flops_fp8": -1, "batch": 1}
    for figure, known in (("step_time_s", step), ("usd_per_million_tokens", cost), ("utilization", used)):
        found = of(report, figure)
        # 20 devices change by one at least: the step from 19 to 21 is still a power law
        assert {key: value for key, value in found.items() if value} == pytest.approx(known, abs=1e-5)


def test_arithmetic_binds() -> None:
    """Ten times past the knee of 500 the step is 2 x params x batch / (gpus x FLOP/s x share), whatever the memory."""
    found = of(infercost.utilization(**NOTE, batch=5000), "step_time_s")
    known = {"params": 1, "batch": 1, "gpus": -1, "gpu.flops_fp8": -1, "efficiency.compute_share": -1}
    assert {key: value for key, value in found.items() if value} == pytest.approx(known, abs=1e-5)


def test_seconds_are_what_hardware_has_a_rate_of() -> None:
    """Dimensions: a step is in seconds; rates have 1/s, latencies s, so that their elasticities sum to -1 and 1.

    With t of all seconds scaled by s, rates fall and latencies rise by it: e(latencies) - e(rates) = 1.
    """
    asked = {"gpu": "h100:4", "model": "llama-3.1-70b", "batch": 48, "context": 8000, "efficiency": "fastertransformer"}
    report = infercost.utilization(**asked, sensitivity=True)
    found = of(report, "step_time_s")
    rates = ("gpu.memory_bandwidth", "gpu.flops_bf16", "gpu.link_bandwidth")
    latencies = ("kernel_time", "collective_latency", "hop_latency", "sequence_overhead")
    total = sum(found[f"efficiency.{key}"] for key in latencies) - sum(found[key] for key in rates)
    assert total == pytest.approx(1, abs=2e-4)


def test_a_papers_law_has_latencies_of_its_own() -> None:
    """The same dimensions: what is no read and no arithmetic of a step is one of the law's latencies."""
    report = infercost.utilization(
        gpu="h100:8", model="llama-3.1-70b", efficiency="erdil-2025", batch=4, sensitivity=True
    )
    found = of(report, "step_time_s")
    latencies = [key for key in found if key.endswith(("_latency", "kernel_launch"))]
    rates = [key for key in found if key.startswith("gpu.") and key.endswith(("_bandwidth", "flops_bf16"))]
    assert sum(found[key] for key in latencies) - sum(found[key] for key in rates) == pytest.approx(1, abs=2e-4)


def test_a_knee_is_noted() -> None:
    """At the knee less bandwidth slows the step and more does nothing: halfway between -1 and 0."""
    report = infercost.utilization(**NOTE, batch=500)
    assert of(report, "step_time_s")["gpu.memory_bandwidth"] == pytest.approx(-0.5, abs=0.01)
    turns = [note.text for note in report.notes if note.code == "turn"]
    assert "gpu.memory_bandwidth is at a knee: -1 below it, 0 above" in turns


def test_a_verdict_at_a_knee_has_both_sides() -> None:
    """Reads take 70 GB / 3.35 TB/s = 20.896 ms, 295 sequences 2 x 70e9 x 295 / 1.979e15 = 20.869 ms.

    With 1% more bandwidth the reads take 20.689 ms and the arithmetic binds: ln(20.869/20.896) / ln 1.01 = -0.127;
    at the preset's 1978.9 TFLOP/s it is -0.122. With 1% less the reads alone bind: -1.
    """
    report = infercost.utilization(gpu="h100", params="70B", batch=295, sensitivity=True)
    assert report.verdict.startswith(
        "Of the device, memory bandwidth counts most: 1% more lowers the step time by 0.122%, "
        "1% less raises it by 1.00%. "
    )
    knee = infercost.utilization(**NOTE, batch=500).verdict
    assert "fp8 arithmetic counts most: 1% more leaves the step time as it is, 1% less raises it by 1.00%" in knee


def test_what_can_only_go_down_is_named_and_never_called_more() -> None:
    """Reads bind: the share of the bandwidth that is reached counts as the bandwidth does, and 100% is its most."""
    report = infercost.utilization(**NOTE)
    notes = {note.code: note.text for note in report.notes}
    assert notes["only-less"] == "efficiency.memory_share is at its maximum: only the decrease was measured"
    assert notes["only-more"] == "batch is at its minimum: only the increase was measured"
    share = Input("efficiency.memory_share", 1.0, "share", "preset ideal")
    base, below = {"step_time_s": 0.99}, {"step_time_s": 1.0}
    text = verdict([Change(share, 0.01, 0.99, 1.0, base, below, base)], "step_time_s", met=True)
    assert text.endswith("Of the rest, memory share counts most: 1% less raises the step time by 1.00%.")


def test_two_rates_of_one_circuit_are_one_lever() -> None:
    """An H100 has one figure for bf16 and fp16: 8-bit weights compute in fp8, attention in bf16, the activations'."""
    report = infercost.utilization(
        gpu="h100", model="deepseek-v3", input_tokens=4000, output_tokens=20, sensitivity=True
    )
    assert {key for key in of(report, "ttft_s") if "flops" in key} == {"gpu.flops_fp8", "gpu.flops_bf16"}


def test_a_share_of_one_goes_down_only() -> None:
    report = infercost.utilization(**NOTE)
    assert report.series
    row = next(row for row in report.series.rows if row["key"] == "efficiency.memory_share")
    assert (row["low"], row["high"]) == (0.99, 1)


def test_what_is_left_beside_the_weights() -> None:
    """2 devices of 80 GB leave 80 - 35 = 45 GB: 1% of memory is 0.8 GB, 80/45 of 1%; of the weights -35/45."""
    report = infercost.fit(gpu="h100-note:2", params="70B", sensitivity=True)
    found = of(report, "kv_pool_bytes_per_gpu")
    assert found["gpu.memory"] == pytest.approx(80 / 45, abs=1e-3)
    assert found["params"] == pytest.approx(-35 / 45, abs=1e-3)
    assert report.verdict.startswith("Of the device, memory counts most: 1% more raises what is left of a device by")


def test_what_is_missing() -> None:
    """70 GB on one device of 24 GB are short by 46: 1% of the memory is 24/46 of 1%, of the weights 70/46."""
    report = infercost.fit(gpu="rtx-4090", params="70B", gpus=1, sensitivity=True)
    found = of(report, "shortfall_bytes")
    assert (found["gpu.memory"], found["params"]) == pytest.approx((-24 / 46, 70 / 46), abs=1e-3)
    assert not report.met
    assert report.verdict.startswith("It does not fit or misses its target. Of the device, memory counts most:")


def test_a_rent_that_nobody_asked_for_is_not_varied() -> None:
    """Without --price the figures of a step are times and rates, which no rent moves."""
    step = infercost.utilization(gpu="h200:4", model="llama-3.1-70b", batch=64, sensitivity=True)
    assert "gpu.rent_neocloud" not in of(step, "step_time_s")
    assert not [note for note in step.notes if "rent" in note.text]


def test_the_layout_is_held() -> None:
    """20 devices are full to the last byte: 1% more parameters are still asked of 20."""
    report = infercost.fit(gpu="h100-note", params=1.6e12, sensitivity=True)
    assert of(report, "weight_bytes_per_gpu") == pytest.approx(
        {"params": 1, "gpus": -1, "gpu.memory": 0, "usable": 0}, abs=1e-5
    )


def test_the_floor_of_a_service() -> None:
    """At the knee of 500 a replica's arithmetic is full: a token takes 2 x params / (FLOP/s) of a device.

    Of 24 devices, since 20 hold the weights and not a byte more.
    """
    report = infercost.economies(**NOTE, gpus=24, price=2)
    found = of(report, "floor_usd_per_million_tokens")
    known = {"price": 1.0, "params": 1.0, "gpu.flops_fp8": -1.0, "efficiency.compute_share": -1.0}
    assert {key: found[key] for key in known} == pytest.approx(known, abs=0.01)
    assert found["minutes_per_day"] == 0
    within = of(report, "users_within_2x")
    assert within["minutes_per_day"] == pytest.approx(-1, abs=1e-3)  # twice the minutes, half the users


def test_users_move_the_cost_of_a_quiet_service() -> None:
    """With 1,000 users one replica is paid for whoever comes: twice the users, half the price.

    Their minutes are minutes of decoding: faster reads give more tokens in them.
    """
    found = of(infercost.economies(**NOTE, price=2, users=1000), "usd_per_million_tokens")
    assert (found["users"], found["minutes_per_day"]) == pytest.approx((-1, -1), abs=1e-4)
    assert found["gpu.memory_bandwidth"] == pytest.approx(-1, abs=1e-4)


def test_the_largest_is_first_and_what_does_not_matter_is_one_line(run: Run) -> None:
    result = run("utilization", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--batch", "16", "--sensitivity")
    document = run(
        *("utilization", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--batch", "16", "--sensitivity", "--json")
    ).json
    sizes = [abs(row["elasticity_step_time_s"]) for row in document["rows"]]
    assert sizes == pytest.approx(sorted(sizes, reverse=True), abs=1e-3)
    assert "efficiency.steps_waited" not in result.out
    hardly = next(note["text"] for note in document["notes"] if note["code"] == "hardly-matters")
    small = [
        row for row in document["rows"] if all(abs(row[f"elasticity_{key}"]) < 0.005 for key in document["results"])
    ]
    assert "efficiency.steps_waited" in [row["key"] for row in small]
    assert hardly == f"{len(small)} inputs with an elasticity below 0.005 stand in the rows of --json and --csv alone"
    assert set(document["results"]) == {
        key.removeprefix("elasticity_") for key in document["rows"][0] if key.startswith("elasticity_")
    }


def test_a_batch_changes_by_one_sequence_of_each_stage() -> None:
    """A step of 16 sequences on each of eight stages reads 139.0 GB of weights and 2.684 GB of cache for each of them.

    From 15 to 17: ln((139.0 + 17 x 2.684) / (139.0 + 15 x 2.684)) / ln(17 / 15) is 0.2358; of one sequence more or
    less in all it would be that of no stage or of a whole one.
    """
    step = {"gpu": "h100:8", "pp": 8, "model": "llama-3.1-70b", "efficiency": "ideal", "context": 8192}
    report = infercost.utilization(**step, batch=128, sensitivity=True)
    assert of(report, "step_time_s")["batch"] == pytest.approx(0.2358, abs=1e-3)
    assert not [note for note in report.notes if note.code == "turn"]


def test_a_context_that_follows_from_a_request_is_not_varied() -> None:
    report = infercost.utilization(
        gpu="h100:4", model="llama-3.1-70b", input_tokens=1000, output_tokens=200, sensitivity=True
    )
    assert "context" not in of(report, "step_time_s")
    assert of(report, "ttft_s")["input_tokens"] > 0.5
    notes = [note.text for note in report.notes if note.code == "follows"]
    assert notes == ["not varied, set by the lengths of a request: context"]
    kept = [note.text for note in report.notes if note.code == "not-varied"]
    assert "context" not in " ".join(kept)


def test_the_same_rate_under_two_names_is_one_circuit() -> None:
    """The note's part computes fp8 and int8 at 3 PFLOP/s: 8-bit weights take the faster, so both must fall."""
    assert of(infercost.utilization(**NOTE, batch=5000), "step_time_s")["gpu.flops_fp8"] == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("more", [{"steps": True}, {"sweep": "price=1,2"}])
def test_two_questions_at_once_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        infercost.utilization(**NOTE, **more)


def test_a_switch_that_is_off_asks_nothing() -> None:
    assert infercost.utilization(**{**NOTE, "sensitivity": False})["step_time_s"] == pytest.approx(0.08 / 3)


def test_a_side_that_does_not_fit_has_no_price_and_is_not_measured(run: Run) -> None:
    """20 devices of 80 GB hold 1,600 GB and not 1% more; a step is parameters over bandwidth, and so is its price."""
    args = ("utilization", "--gpu", "h100-note", "--params", "1.6e12", "--price", "2", "--sensitivity", "--json")
    answer = run(*args).json
    assert answer["verdict"].endswith("Of the rest, params counts most: 1% less lowers it by 1.00%.")
    only = [note["text"] for note in answer["notes"] if note["code"] == "only-less"]
    assert "params: only the decrease was measured, the other way has no value" in only


@grid(
    ("args", "said"),
    [
        ("utilization --gpu h100-note --params 1.6e12", "from 1.00% less to 1.00% more, whole numbers by 1 at least"),
        # 5 of a batch of 54 are 9.26%
        ("economies --model llama-3.1-8b --gpu h100", "from 9.26% less to 9.26% more (less would not move the largest"),
    ],
)
def test_one_note_says_by_how_much_inputs_are_changed(args: str, said: str, run: Run) -> None:
    """A rent that nobody gave moves the cost of users, one to one."""
    answer = run(*args.split(), "--sensitivity", "--json").json
    notes = answer["notes"]
    floor = "elasticity_floor_usd_per_million_tokens"
    rents = [row[floor] for row in answer["rows"] if row["key"] == "gpu.rent_neocloud"]
    assert rents == ([1] if args.startswith("economies") else [])
    assert [said in note["text"] for note in notes if "more of an input" in note["text"]] == [True]
    assert not any(note["text"].startswith("inputs are changed") for note in notes)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("chip.products_bf16_memory", "the share of the bandwidth in bf16 matrix products"),
        ("chip.products_fp8_block_compute", "the share of the peak in fp8 block matrix products"),
        ("chip.experts_mxfp4_launch", "the launch time of mxfp4 experts"),
        ("chip.attention_decode_memory_16", "the share of the bandwidth in attention in decoding"),
        ("gpu.flops_bf16", "bf16 arithmetic"),
        ("gpu.memory_engine", "memory"),
        ("usable", "the share of memory to plan with"),
        ("efficiency.launch_scale", "launch scale"),
    ],
)
def test_inputs_have_plain_words(key: str, words: str) -> None:
    assert in_words(key) == words
