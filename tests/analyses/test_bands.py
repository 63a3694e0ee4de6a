"""Intervals of estimates: in every form, for every time, rate and cost, and none where a law has none."""

import csv
import json
from io import StringIO

import pytest

import infercost
from infercost.analyses.remarks import interval
from infercost.parts import catalog
from infercost.parts.bands import KINDS, Band, band_of, decode_kind, not_covered
from infercost.parts.stack import complete
from tests.conftest import Run

ASKED = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--batch", "32", "--efficiency", "vllm")
PROFILE, PART = catalog.load("efficiency", "vllm"), catalog.load("accelerators", "h100")


def test_a_measured_time_of_eight_in_ten_is_between(run: Run) -> None:
    """A step may take from low to high times its estimate, so the rate of its tokens falls as its time grows."""
    said = run(*ASKED, "--price", "2", "--json").json
    band, results = band_of(PROFILE, PART, "decode_some", sparse=False), said["results"]
    assert band
    step, rate, cost = (said["bands"][key] for key in ("step_time_s", "tokens_per_s", "usd_per_million_tokens"))
    assert step == pytest.approx([results["step_time_s"] * band.low, results["step_time_s"] * band.high])
    assert rate == pytest.approx([results["tokens_per_s"] / band.high, results["tokens_per_s"] / band.low])
    assert cost[0] < results["usd_per_million_tokens"] < cost[1]
    assert "bound_step_time_s" not in said["bands"]
    assert "utilization" not in said["bands"]


def test_what_arrivals_set_has_no_interval(run: Run) -> None:
    """Two requests a second yield so many tokens however fast they are served; what each of them meets has one."""
    rate = ("--request-rate", "2", "--input-tokens", "1000", "--output-tokens", "200")
    said = run(*ASKED[:5], *rate, "--efficiency", "vllm", "--price", "2", "--json").json
    of_the_rate = {"tokens_per_s", "usd_per_million_tokens", "usd_per_million_tokens_decode"}
    assert of_the_rate < said["results"].keys()
    assert of_the_rate.isdisjoint(said["bands"])
    band = band_of(PROFILE, PART, "served", sparse=False)
    assert band
    for key in ("itl_s", "request_time_s"):
        value = said["results"][key]
        assert said["bands"][key] == pytest.approx([value * band.low, value * band.high])


@pytest.mark.parametrize(
    ("more", "regime"),
    [
        (("--batch", "1"), "up to 8 requests"),
        (("--batch", "32"), "9 to 64 requests"),
        (("--batch", "200", "--context", "1k"), "more than 64 requests"),
        (("--request-rate", "0.5"), "requests at a rate"),
    ],
)
def test_an_estimate_names_the_regime_of_its_answer(more: tuple[str, ...], regime: str, run: Run) -> None:
    said = run("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", *more, "--json").json
    basis = next(note["text"] for note in said["notes"] if note["code"] == "estimate")
    assert basis.endswith(f" times as long a token ({regime})")
    swept = run("sweep-batch", "--gpu", "h100", "--model", "llama-3.1-8b", "--json").json
    assert any(regime in note["text"] for note in swept["notes"]) == (regime != "requests at a rate")


def test_more_requests_in_flight_have_a_band_of_their_own() -> None:
    assert [decode_kind(requests) for requests in (1, 8, 9, 64, 65, 5000)] == [
        *("decode_few", "decode_few", "decode_some", "decode_some", "decode_many", "decode_many")
    ]


def test_dense_and_sparse_models_differ() -> None:
    dense, sparse = (band_of(PROFILE, PART, "first_token", sparse=sparse) for sparse in (False, True))
    assert dense
    assert sparse
    assert dense != sparse


def test_an_engine_without_constants_of_its_own_is_less_sure() -> None:
    """Of time per token, both of dense and of sparse models: wider than that of engines that constants are of."""
    other = catalog.load("efficiency", "realistic")
    for sparse in (False, True):
        widths = []
        for profile in (PROFILE, other):
            bands = [band_of(profile, PART, kind, sparse=sparse) for kind in KINDS if kind.startswith("decode")]
            widths.append(sum(band.high / band.low for band in bands if band))
        assert widths[1] > widths[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_band_that_holds_its_estimate_or_nearly(kind: str) -> None:
    profile = catalog.load("efficiency", "llama.cpp") if kind in ("one_user", "batch") else PROFILE
    for sparse in (False, True):
        band = band_of(complete(profile), PART, kind, sparse=sparse)
        assert band
        assert 0.3 < band.low < band.high < 4
        assert band.low < 1.1


# The least that runs which are not shipped allow, by kind: of engines as they start, of AMD's parts, of llama.cpp.
@pytest.mark.parametrize(
    ("engine", "gpu", "kind", "low", "high"),
    [
        ("sglang", "h100", "decode_some", 0.90, 1.20),
        ("sglang", "b200", "first_token", 0.70, 1.60),
        ("sglang@0.5.8", "h100", "decode_few", 0.90, 1.20),
        ("sglang", "mi300x", "decode_some", 0.80, 1.30),
        ("vllm", "mi355x", "first_token", 0.75, 1.90),
        ("llama.cpp", "m2-ultra", "one_user", 0.89, 1.11),
        ("llama.cpp", "dgx-spark", "batch", 0.75, 1.35),
        ("llama.cpp", "rtx-4090", "first_token", 0.95, 1.23),
    ],
)
def test_a_band_is_as_wide_as_runs_are_apart(engine: str, gpu: str, kind: str, low: float, high: float) -> None:
    profile, part = complete(catalog.load("efficiency", engine)), catalog.load("accelerators", gpu)
    for sparse in (False, True):
        band = band_of(profile, part, kind, sparse=sparse)
        assert band
        assert band.low <= low
        assert band.high >= high


def test_tuned_flags_and_a_load_of_llama_cpp_have_no_band_of_their_own(run: Run) -> None:
    """Flags of benchmarks are like another engine of today; requests that come and go under llama.cpp were not run."""
    tuned, other = (complete(catalog.load("efficiency", name)) for name in ("sglang-tuned", "realistic"))
    assert band_of(tuned, PART, "decode_few", sparse=False) == band_of(other, PART, "decode_few", sparse=False)
    asked = ("utilization", "--gpu", "rtx-4090", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--json")
    assert "tpot_s" in run(*asked).json["bands"]
    assert not run(*asked, "--concurrency", "4").json.get("bands")


def test_experts_in_a_host_have_the_band_of_reports(run: Run) -> None:
    asked = (
        "utilization",
        "--gpu",
        "rtx-4090",
        "--model",
        "qwen3-30b-a3b",
        "--dtype",
        "q4_k_m",
        "--host",
        "desktop-ddr5",
    )
    said = run(*asked, "--offload", "experts", "--json").json
    step = said["results"]["step_time_s"]
    assert said["bands"]["step_time_s"] == pytest.approx([0.65 * step, 1.55 * step])


def test_an_interval_of_a_time_and_of_a_rate() -> None:
    assert interval("step_time_s", 8.0, Band(0.5, 2.0)) == (4.0, 16.0)
    assert interval("tokens_per_s_per_gpu", 8.0, Band(0.5, 2.0)) == (4.0, 16.0)
    assert interval("tokens_per_s", 100.0, Band(0.8, 1.25)) == (80.0, 125.0)


def test_a_table_prints_the_interval_beside_its_value() -> None:
    from infercost.render.plain import render

    report = infercost.utilization(gpu="h100", model="llama-3.1-8b", batch=32, efficiency="vllm")
    low, high = report.bands["step_time_s"]
    step = report["step_time_s"]
    line = next(line for line in render(report, 100, False).splitlines() if line.strip().startswith("step time"))
    assert f"{step * 1e3:.4g} ms ({low * 1e3:.3g} to {high * 1e3:.3g})" in " ".join(line.split())


def test_csv_has_a_line_for_each_end(run: Run) -> None:
    lines = {row["key"]: row for row in csv.DictReader(StringIO(run(*ASKED, "--csv").out))}
    low, value, high = (float(lines[key]["value"]) for key in ("step_time_s_low", "step_time_s", "step_time_s_high"))
    assert low < value < high


def test_rows_of_a_sweep_have_them(run: Run) -> None:
    asked = ("sweep-batch", "--gpu", "h100", "--model", "llama-3.1-8b", "--batch", "1,64", "--efficiency", "vllm")
    for row in run(*asked, "--json").json["rows"]:
        low, high = row["bands"]["step_time_s"]
        assert low < row["step_time_s"] < high
    first, *_ = csv.DictReader(StringIO(run(*asked, "--csv").out))
    assert float(first["step_time_s_low"]) < float(first["step_time_s"]) < float(first["step_time_s_high"])
    assert "bands" not in first


def test_rows_of_a_sweep_over_options_have_them(run: Run) -> None:
    said = run(*ASKED[:-4], "--efficiency", "vllm", "--sweep", "batch=1,64", "--json").json
    assert all(row["bands"]["step_time_s"][0] < row["step_time_s"] for row in said["rows"])


def test_rows_of_a_frontier_have_them(run: Run) -> None:
    asked = ("frontier", "--gpu", "h100", "--model", "llama-3.1-8b", "--max-gpus", "2", "--efficiency", "vllm")
    for row in run(*asked, "--json").json["rows"]:
        low, high = row["bands"]["tokens_per_s_per_user"]
        assert low < row["tokens_per_s_per_user"] < high


def test_accelerators_side_by_side_have_them(run: Run) -> None:
    for row in run("compare", "h100", "h200", "--model", "llama-3.1-8b", "--efficiency", "vllm", "--json").json["rows"]:
        low, high = row["bands"]["step_time_s"]
        assert low < row["step_time_s"] < high


@pytest.mark.parametrize("efficiency", ["ideal", "erdil-2025", "lmdeploy"])
def test_laws_without_measured_kernels_have_none(run: Run, efficiency: str) -> None:
    said = run("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", efficiency, "--json")
    assert "bands" not in json.loads(said.out)


@pytest.mark.parametrize("part", ["gaudi3", "tpu-v6e", "ascend-910c", "trainium2", "groq-lpu-v1", "sn40l", "tpu-v5p"])
def test_no_band_is_claimed_on_parts_of_makers_that_no_run_of_it_is_from(part: str) -> None:
    """The rows of presets/bands.yaml are of NVIDIA's and AMD's parts, and of Apple's under llama.cpp."""
    preset = catalog.load("accelerators", part)
    assert not_covered(preset, catalog.load("efficiency", "realistic"), recurrent=False)
    assert not not_covered(
        catalog.load("accelerators", "rtx-4090"), catalog.load("efficiency", "vllm"), recurrent=False
    )


def test_a_job_has_the_interval_of_the_speed_it_comes_from(run: Run) -> None:
    """What takes 0.7 to 1.2 times as long costs 0.7 to 1.2 times as much; those that arrive set the time of theirs."""
    job = (*ASKED[:5], "--requests", "1M", "--input-tokens", "800", "--output-tokens", "100", "--price", "2")
    said = run(*job, "--batch", "100", "--json").json
    results, bands = said["results"], said["bands"]
    band = band_of(PROFILE, PART, "decode_many", sparse=False)
    assert band
    for key in ("job_time_s", "job_usd"):
        assert bands[key] == pytest.approx([results[key] * band.low, results[key] * band.high])
    hours = [f"{seconds / 3600:.3g}" for seconds in (results["job_time_s"], *bands["job_time_s"])]
    usd = [f"${money:.2f}" for money in (results["job_usd"], *bands["job_usd"])]
    ends = ("{} hours ({} to {} hours)".format(*hours), "{} ({} to {})".format(*usd))
    assert said["verdict"].startswith(f"1,000,000 requests take {ends[0]} and {ends[1]} on 1 x h100-sxm at batch 100")
    arriving = run(*job, "--request-rate", "5", "--json").json
    assert {"job_time_s", "job_usd"}.isdisjoint(arriving["bands"])
    assert arriving["verdict"].startswith("1,000,000 requests take 55.6 hours and $111.11 on 1 x h100-sxm at 5 a sec")
