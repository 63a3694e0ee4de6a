"""The passes of llama.cpp, by hand from its definitions: rates, rows, experts, windows, older builds, prompts."""

from functools import cache
from math import hypot
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

import infercost
from infercost.evidence.predict import Measured, not_covered, prepare
from infercost.formulas.recorder import recording
from infercost.models.find import find_model
from infercost.models.model import Model, Quantization
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.chip import Backend, backend_of, host_backend
from infercost.replica.layout import Layout
from infercost.replica.llama_cpp import ELEMENT, Experts, Halves, Timing, _matrices, _whole
from infercost.replica.work import Load, Offload, split
from tests.conftest import ROOT, Run

#: The columns of a table of measurements.
COLUMNS = (ROOT / "tests" / "data" / "results" / "measurements.csv").read_text().splitlines()[0]


@cache
def engine(profile: str, gpu: str) -> Backend:
    """The constants of a profile on a part."""
    part = catalog.load("accelerators", gpu)
    return backend_of(complete(catalog.on_part(catalog.load("efficiency", profile), part)))


def stored(name: str, format: str, bits: float) -> Model:
    """A model whose matrices all have so many bits."""
    return find_model(name).model._replace(quantization=Quantization(format, bits, {}))


def timing(model: Model, gpu: str, profile: str = "llama.cpp", **changes: Any) -> Timing:
    """The passes of a model on a part."""
    return Timing(model, catalog.load("accelerators", gpu), engine(profile, gpu)._replace(**changes))


@pytest.mark.parametrize(
    ("gpu", "profile", "format", "bits", "rate"),
    [
        ("dgx-spark-gb10", "llama.cpp", "q4_0", 4.5, 0.28 * 246e12),  # products in 8 bits
        ("dgx-spark-gb10", "llama.cpp", "fp16", 16, 0.55 * 123e12),  # sums of 16 bits
        ("dgx-spark-gb10", "llama.cpp", "bf16", 16, 0.55 * 62e12),
        ("rtx-4090", "llama.cpp-2024", "q4_0", 4.5, 0.8 * 0.55 * 330.3e12),  # cuBLAS, unpacked
        ("h100-pcie", "llama.cpp", "bf16", 16, 0.4 * 756.5e12),
        ("apple-m5-max", "llama.cpp", "q8_0", 8.5, 0.78 * 58e12),  # matrix units
        ("apple-m2-ultra", "llama.cpp", "fp16", 16, 0.78 * 27.2e12),
        ("ryzen-ai-max-395", "llama.cpp", "bf16", 16, 0.39 * 59.4e12),
        ("ryzen-ai-max-395", "llama.cpp-vulkan", "bf16", 16, 0.45 * 0.33 * 59.4e12),
        ("ryzen-ai-max-395", "llama.cpp-vulkan", "q8_0", 8.5, 0.33 * 59.4e12),
    ],
)
def test_the_rate_is_that_of_the_kernels(gpu: str, profile: str, format: str, bits: float, rate: float) -> None:
    assert timing(stored("llama-3.1-8b", format, bits), gpu, profile).rates(bits).flops == pytest.approx(rate)


@pytest.mark.parametrize(
    ("gpu", "profile", "format", "bits", "eight"),
    [
        ("dgx-spark-gb10", "llama.cpp", "q4_0", 4.5, True),
        ("dgx-spark-gb10", "llama.cpp", "bf16", 16, False),
        ("rtx-4090", "llama.cpp-2024", "q4_0", 4.5, False),  # unpacked
        ("ryzen-ai-max-395", "llama.cpp", "q4_0", 4.5, False),
        ("ryzen-ai-max-395", "llama.cpp-vulkan", "q4_0", 4.5, False),
        ("apple-m5-max", "llama.cpp", "q4_0", 4.5, False),
    ],
)
def test_products_in_8_bits_are_those_of_quantized_weights_under_cuda(
    gpu: str, profile: str, format: str, bits: float, eight: bool
) -> None:
    assert timing(stored("llama-3.1-8b", format, bits), gpu, profile).multiplies_in_8_bits is eight


def test_matrices_of_every_token_have_the_bytes_of_their_parts() -> None:
    """Mixtral in q8_0: 8.5 bits a weight, the router in 32; experts are apart."""
    (layer,) = find_model("mixtral-8x7b").model.layers
    attention, router = 4096 * 6144 + 4096 * 4096, 4096 * 8
    found = _matrices(stored("mixtral-8x7b", "q8_0", 8.5), layer)
    assert found == [(32, attention, 8.5 / 8), (32, router, 4)]
    model = find_model("deepseek-v3").model._replace(quantization=Quantization("x", 8, {"attention": 6, "ffn": 12}))
    dense, sparse = model.layers
    # queries through 1,536, keys and values through 512 and 64 that turn, 128 heads of 192 and 128
    split, copied = 128 * (1536 * 192 + 512 * 256 + 128 * 7168), 7168 * (1536 + 576)
    assert _matrices(model, dense) == [(3, split, 0.75), (3, copied, 0.75), (3, 3 * 7168 * 18432, 1.5)]
    assert _matrices(model, sparse)[2:] == [(58, 3 * 7168 * 2048, 1), (58, 7168 * 256, 4)]
    again = dense._replace(ffn=dense.ffn._replace(dense=0, reused=1000))  # of a block that stands in other layers too
    assert _matrices(model, again)[2:] == [(3, 1000, 1.5)]


def test_passes_of_another_model_are_its_own() -> None:
    one, other = stored("llama-3.1-8b", "q4_0", 4.5), stored("llama-3.2-1b", "q4_0", 4.5)
    passes = timing(one, "rtx-4090")
    assert passes.on(one, Layout()) is passes
    drafts = passes.on(other, Layout())
    assert (drafts.whole, drafts.part, drafts.engine) == (other, passes.part, passes.engine)
    assert drafts.pass_of(Load(1, 1000)).step < passes.pass_of(Load(1, 1000)).step / 3


def test_vulkan_reads_bf16_weights_more_slowly_than_caches() -> None:
    passes = timing(stored("llama-3.1-8b", "bf16", 16), "ryzen-ai-max-395", "llama.cpp-vulkan")
    assert passes.layers.rates.bandwidth == pytest.approx(0.7 * 0.8 * 256e9)
    assert passes.bandwidth == pytest.approx(0.8 * 256e9)


def test_attention_of_prompts_does_not_use_the_matrix_units_of_the_m5() -> None:
    assert timing(stored("llama-3.1-8b", "q8_0", 8.5), "apple-m5-max").prompt_flops == pytest.approx(0.38 * 18e12)


def test_more_than_eight_rows_cost_as_much_as_ninety() -> None:
    passes = timing(stored("llama-3.1-8b", "q4_0", 4.5), "dgx-spark-gb10")
    layers = [passes.pass_of(Load(rows, 1)).overlapping[0] for rows in (1, 8, 9, 90, 180)]
    params = 32 * (41_943_040 + 176_160_768)
    tile = 2 * params * 90 / (0.28 * 246e12)
    rows = [2 * params / (0.2 * 31e12), min(2 * params * 8 / (0.2 * 31e12), tile), tile, tile, 2 * tile]
    assert [worked for worked, _, _ in layers] == pytest.approx(rows)
    read = params * 4.5 / 8 / (0.84 * 273e9)
    assert [time for _, _, time in layers] == pytest.approx([hypot(worked, read) for worked in rows])


@pytest.mark.parametrize(("gpu", "most"), [("apple-m2-ultra", 31), ("rtx-4090", 8)])
def test_few_tokens_read_their_own_experts_and_many_share_them(gpu: str, most: int) -> None:
    """128 experts of 4,718,592 in 48 layers, 8 a token, 8.5 bits each."""
    passes = timing(stored("qwen3-30b-a3b", "q8_0", 8.5), gpu)
    few, many = (passes.pass_of(Load(tokens, 1)).overlapping[2][1] for tokens in (most, most + 1))
    expert = 48 * 4_718_592 * 8.5 / 8 / passes.bandwidth
    assert few == pytest.approx(most * 8 * expert)
    assert many == pytest.approx(128 * (1 - (120 / 128) ** (most + 1)) * expert)


@pytest.mark.parametrize(
    ("counts", "tokens", "times"),
    [(True, 8, (3, 4, 5)), (True, 9, (5, 12, 13)), (False, 8, (0, 12, 12)), (False, 9, (0, 12, 12))],
)
def test_experts_in_a_host_are_read_by_all_tokens_together(
    counts: bool, tokens: int, times: tuple[float, float, float]
) -> None:
    """Up to eight tokens read their own, with 3 s of arithmetic and 4 s of reads; in groups it takes 5 and 12."""
    passes = SimpleNamespace(
        counts_arithmetic=counts,
        engine=SimpleNamespace(expert_rows=8),
        _alone=lambda *_: (3.0, 4.0),
        _grouped=lambda *_: (5.0, 12.0),
    )
    assert Timing._routed(cast(Timing, passes), cast(Experts, None), tokens) == pytest.approx(times)


@pytest.mark.parametrize(
    ("gpu", "context", "ubatch", "window"),
    [
        ("rtx-4090", 300, 512, 512),  # less than the window
        ("rtx-4090", 5000, 512, 1024 + 512),
        ("rtx-4090", 5000, 2048, 1024 + 2048),
        ("rtx-4090", 5000, 600, 1024 + 768),  # whole blocks of 256
        ("apple-m2-ultra", 5000, 2048, 1024),  # what is masked is skipped
    ],
)
def test_a_window_is_read_as_it_lies_in_the_cache(gpu: str, context: int, ubatch: int, window: int) -> None:
    """Gemma 3 4B: 29 layers of a window of 1,024, five of none, 2,048 elements of 2 bytes."""
    passes = timing(stored("gemma-3-4b", "q4_0", 4.5), gpu, chunk_tokens=ubatch)
    whole = -(-context // 256) * 256
    assert passes.reading(context)[0] == (29 * window + 5 * whole) * 2048 * 2


def test_older_builds_read_caches_more_often_and_launch_longer() -> None:
    now, then = (
        timing(stored("llama-3.1-8b", "q4_0", 4.5), "rtx-3090", name) for name in ("llama.cpp", "llama.cpp-2024")
    )
    assert then.reading(1000)[0] == pytest.approx(3.2 * now.reading(1000)[0])
    assert (now.launches, then.launches) == pytest.approx((32 * 30e-6, 32 * 60e-6))


def test_batches_of_an_array_take_what_each_takes_alone() -> None:
    for name in ("llama-3.1-8b", "qwen3-30b-a3b", "qwen3-next-80b-a3b"):
        passes = timing(find_model(name).model, "dgx-spark-gb10")
        batches = np.array([1.0, 8.0, 9.0, 64.0])
        alone = [passes.pass_of(Load(float(batch), 1000)).step for batch in batches]
        assert passes.pass_of(Load(batches, 1000)).step == pytest.approx(alone)


def test_what_a_pass_waits_for_adds_up_to_it() -> None:
    passes = timing(find_model("qwen3-next-80b-a3b").model, "apple-m3-ultra")
    for load in (Load(4, 1000), Load(40, 1000), Load(0, 0, 1, 512, 1, 0, 512), Load(4, 1000, 1, 256, 0.5, 0, 512)):
        whole = passes.pass_of(load)
        assert sum((whole.times.waits or {}).values()) == pytest.approx(whole.step)
        assert whole.times.parts.communication == 0


def test_several_cards_take_turns(run: Run) -> None:
    asked = ("--model", "llama-3.1-70b", "--dtype", "q4_k_m", "--efficiency", "llama.cpp", "--batch", "4", "--json")
    two, four = (
        run("utilization", "--gpu", "rtx-5090", "--pp", f"{count}", *asked).json["results"] for count in (2, 4)
    )
    assert two["step_time_s"] == four["step_time_s"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--gpu rtx-4090:2 --tp 2 --efficiency llama.cpp", "--efficiency vllm"),
        ("--gpu rtx-4090 --efficiency llama.cpp --overlap full", "--overlap"),
        ("--gpu h100 --ubatch 512", "law llama.cpp"),
        ("--gpu m2-ultra --ubatch 512 --chunk-tokens 512 --isl 100 --osl 10", "--ubatch and --chunk-tokens"),
    ],
)
def test_what_the_law_cannot_do_is_refused(run: Run, asked: str, said: str) -> None:
    result = run("utilization", "--model", "llama-3.1-8b", *asked.split())
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_a_prompt_beside_others_takes_no_less_than_alone(run: Run) -> None:
    """Metal sorts more than 32 tokens by experts: 25 with 8 beside them take less than 25 alone."""
    question = "--gpu apple-m5-max:2 --model llama-4-scout-fp8-dynamic --input-tokens 25 --output-tokens 227"
    said = run("utilization", *question.split(), "--request-rate", "0.2", "--json", "--steps").json
    results, steps = said["results"], {step["name"]: step for step in said["steps"]}
    inputs = steps["riding_step"]["inputs"]
    assert inputs["mixed_pass_time"] < inputs["pass_time"] == results["prefill_time_s"]
    # the prompt alone, half a step before it, and prompts before it
    assert results["ttft_s"] > results["prefill_time_s"] + results["itl_s"] / 2


def test_a_prompt_takes_a_pass_for_each_ubatch(run: Run) -> None:
    """Twice the passes read the weights twice as often; each has launches of its own."""
    asked = ["utilization", "--gpu", "m2-ultra", "--model", "llama-3.1-8b", "--isl", "2048", "--osl", "100", "--json"]
    times = [run(*asked, "--ubatch", str(size)).json["results"]["prefill_time_s"] for size in (2048, 512, 128)]
    assert times == sorted(times)
    assert times[1] - times[0] > 3 * 32 * 108e-6


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("utilization --gpu rtx-4090 --batch 16 --context 500", "products of 9 to 90 users take equally long"),
        ("utilization --gpu m2-ultra --batch 100 --context 500", "cards take turns: take a faster one"),
        ("utilization --gpu rtx-4090 --batch 1", "llama.cpp multiplies in 8 bits on rtx-4090"),
        (
            "economies --gpu rtx-4090 --context 8192",
            "memory caps the batch: a cache in 8 bits (--kv-dtype q8_0) makes the floor",
        ),
    ],
)
def test_advice_is_of_kernels_and_cards_that_take_turns(run: Run, asked: str, said: str) -> None:
    result = run(*asked.split(), "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--efficiency", "llama.cpp")
    assert said in " ".join(f"{result.out} {result.err}".split())


@pytest.mark.parametrize("command", ["utilization", "fit", "sweep-batch", "economies", "frontier", "userbase"])
def test_every_command_refuses_to_split_matrices(run: Run, command: str) -> None:
    asked = ("--gpu", "rtx-4090:2", "--model", "llama-3.1-8b", "--efficiency", "llama.cpp", "--tp", "2")
    result = run(command, *asked, *(("--users", "100") if command == "userbase" else ()))
    assert result.code == 2
    assert "--efficiency vllm" in " ".join(result.err.split())


def test_a_cpu_takes_what_experts_in_a_host_take() -> None:
    """The two constants stand in one profile; a figure of one's own goes before them."""
    passes = timing(stored("llama-3.1-8b", "q4_0", 4.5), "epyc-turin")
    assert (passes.bandwidth, passes.launches) == pytest.approx((0.64 * 614.4e9, 32 * 375e-6))
    asked: dict[str, Any] = {"gpu": "epyc-turin", "model": "llama-3.1-8b", "dtype": "q4_0", "context": 256}
    told = [infercost.utilization(**asked, set=[f"efficiency.{name}_share=0.32"]) for name in ("host", "memory")]
    usual = infercost.utilization(**asked)
    for half in told:  # reads take twice as long; arithmetic at the peak adds a little
        assert half["step_time_s"] - 0.012 == pytest.approx(2 * (usual["step_time_s"] - 0.012), rel=0.02)
    assert "efficiency.memory_share" not in usual.inputs


@pytest.mark.parametrize(
    ("model", "format", "rate"),
    [
        ("llama-3.2-3b", "q4_k_m", 5.55),  # geerlingguy/ai-benchmarks, issue 24, Ollama's eval rate
        ("tinyllama-1.1b", "q8_0", 9.0),  # "LLaMA Now Goes Faster on CPUs", llama.cpp and llamafile in whole tokens
    ],
)
def test_a_raspberry_pi_answers_about_as_fast_as_was_measured(model: str, format: str, rate: float) -> None:
    told = infercost.utilization(gpu="raspberry-pi-5", model=model, dtype=format, context=128)
    assert told["tokens_per_s"] == pytest.approx(rate, rel=0.15)


def measured(model: str, gpu: str, format: str, value: float, framework: str = "llama.cpp b9000") -> str:
    """A line of a table: tokens a second of one user with an answer of 128 after a prompt of 192."""
    return f"{model} {format},me,2026,{framework},{model},{gpu},1,,,,{format},,1,192,128,tok_s_single_user,{value:.6g},"


def test_runs_of_a_cpu_give_its_own_constants(tmp_path: Path) -> None:
    """Runs of a CPU that reaches 0.5 of its bandwidth and takes 200 us a layer."""
    lines, own = [COLUMNS], ["efficiency.host_share=0.5", "efficiency.host_layer_time=200us"]
    for model in ("llama-3.2-1b", "llama-3.2-3b", "llama-3.1-8b"):
        for format in ("q4_0", "q8_0"):
            told = infercost.utilization(gpu="epyc-turin", model=model, dtype=format, context=256, set=own)
            lines.append(measured(model, "epyc-turin", format, 1 / told["step_time_s"]))
    (tmp_path / "runs.csv").write_text("\n".join(lines) + "\n")
    series = infercost.calibrate(str(tmp_path / "runs.csv")).series
    assert series
    found = {row["constant"]: row["after"] for row in series.rows}
    assert found == pytest.approx({"host_share": 0.5, "host_layer_time": 200e-6}, rel=0.02)


#: MiB of compute buffers in logs of llama.cpp; 300.75 is of Qwen2.5 3B, as wide and with as many words.
BUFFERS = {"llama-3.1-8b": 258.5, "qwen3-30b-a3b": 300.75, "qwen3-8b": 304.75, "gpt-oss-20b": 398.4}


@pytest.mark.parametrize("model", BUFFERS)
def test_reserves_are_those_of_logs(run: Run, model: str) -> None:
    """Buffers within 3%; 456 MiB of a context on CUDA, nothing beside buffers on Metal."""
    asked = ("fit", "--model", model, "--dtype", "q4_0", "--efficiency", "llama.cpp", "--json")
    card, mac = (run(*asked, "--gpu", gpu).json["results"] for gpu in ("rtx-4090", "m2-ultra"))
    for told in (card, mac):
        assert told["activation_bytes_per_gpu"] == pytest.approx(BUFFERS[model] * 2**20, rel=0.03)
    assert card["engine_bytes_per_gpu"] == 456 * 2**20
    assert mac["engine_bytes_per_gpu"] == 0


def test_two_cards_hold_70b_beside_copies_of_their_inputs(run: Run) -> None:
    asked = ("--gpu", "rtx-4090:2", "--model", "llama-3.1-70b", "--dtype", "q4_k_m", "--context", "8192", "--json")
    told = run("fit", *asked).json["results"]
    assert told["fits"]
    assert told["engine_bytes_per_gpu"] == pytest.approx(0.91 * 2**30)


def test_a_mac_gives_three_quarters_of_binary_gigabytes(run: Run) -> None:
    """73,728 of 98,304 MB of an M2 Max, as llama.cpp logs it."""
    told = run("fit", "--gpu", "m2-max", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--json").json
    assert told["results"]["memory_per_gpu_bytes"] * told["inputs"]["usable"] == 73_728 * 2**20


def test_a_strix_halo_gives_what_linux_assigns() -> None:
    """Of 128 GB 108 can be the graphics' own: 96% of it less 42.5 GB of a 70B and its reserves, none of the others."""
    told = infercost.fit(gpu="strix-halo", model="llama-3.1-70b", dtype="q4_k_m")
    assert told["memory_per_gpu_bytes"] == 108e9
    assert told["kv_pool_bytes_per_gpu"] == pytest.approx(0.96 * 108e9 - 42.51e9, rel=0.02)


def test_a_knee_is_where_arithmetic_stays_full() -> None:
    """Seven rows take longer to multiply than to read on a 4090; from nine on other kernels share what they unpack."""
    asked = {"gpu": "rtx-4090", "model": "llama-3.1-8b", "dtype": "q4_k_m", "context": 64}
    report = infercost.sweep_batch(**asked, batch="7,64,128,192,256")
    assert report.series is not None
    full = [row["compute_time_s"] >= row["memory_time_s"] for row in report.series.rows]
    assert full == [True, False, False, False, True]
    assert report["knee_batch"] == 256


def test_a_run_of_mlx_is_predicted_and_marked(run: Run, tmp_path: Path) -> None:
    """Its numbers stand beside those of an engine with a law; 4 bits with scale and bias of 64 weights are 4.5."""
    rows = [("MLX 0.30", "m5-max", "4bit"), ("vllm-mlx", "m3-ultra", "bf16"), ("llama.cpp b9000", "m5-max", "q4_0")]
    lines = [measured("llama-3.1-8b", part, format, 60.0, framework) for framework, part, format in rows]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join([COLUMNS, *lines]) + "\n")
    told = run("validate", str(path), "--json").json
    assert [row["not_covered"] for row in told["rows"]] == ["MLX has no law here"] * 2 + [None]
    assert all(row["bound"] > row["predicted"] > 0 for row in told["rows"])
    assert told["rows"][0]["low"] is None
    assert "2 rows without an interval: MLX has no law here" in [n["text"] for n in told["notes"]]


@pytest.mark.parametrize(
    ("gpu", "dtype", "engine"),
    [("m5-max-128gb", "mlx-4bit", "MLX"), ("h100", "mlx-8bit", "MLX"), ("m5-max", "q4_0", "")],
)
def test_a_format_of_an_engine_without_runs_has_no_interval(gpu: str, dtype: str, engine: str, run: Run) -> None:
    """llama.cpp and vLLM read no MLX files, so what is known of them says nothing of the error of MLX's runs."""
    said = run("utilization", "--gpu", gpu, "--model", "llama-3.1-8b", "--dtype", dtype, "--json").json
    text = " ".join(note["text"] for note in said["notes"])
    assert bool(said.get("bands")) == ("measured error" not in text) == (not engine)
    assert (f"no run of {engine} is known here, and profile" in text) == bool(engine)
    assert ("half of 25 measurements" in text) == (not engine)
    assert ("one user, batches and prompts were measured" in text) == (not engine)
    bound = run(
        "utilization", "--gpu", gpu, "--model", "llama-3.1-8b", "--dtype", dtype, "--efficiency", "ideal", "--json"
    )
    assert "no run of" not in bound.out


def test_what_holds_a_model_says_whose_memory_stands_in(run: Run) -> None:
    said = run("fit", "--gpu", "m5-max", "--model", "qwen3-32b", "--dtype", "mlx-4bit", "--json").json
    texts = [note["text"] for note in said["notes"]]
    assert "MLX alone reads mlx-4bit: memory is counted as llama.cpp-metal takes it" in texts
    assert not any("FILE.gguf" in text for text in texts)


def test_what_no_run_tells_is_said(run: Run) -> None:
    row = Measured("a", "s", "llama.cpp-vulkan b9187", "qwen3-next-80b-a3b", "ryzen-ai-max-395", "itl", 0.02, batch=1)
    vulkan = catalog.load("efficiency", "llama.cpp-vulkan")
    assert "recurrent" in not_covered(prepare(row), vulkan)
    assert not_covered(prepare(row._replace(model="llama-3.1-8b")), vulkan) == ""
    assert "MLX" in not_covered(prepare(row._replace(framework="MLX 0.30")), vulkan)
    asked = ("--gpu", "ryzen-ai-max-395", "--model", "qwen3-next-80b-a3b", "--efficiency", "llama.cpp-vulkan")
    said = " ".join(note["text"] for note in run("utilization", *asked, "--json").json["notes"])
    start = "an estimate by profile llama.cpp-vulkan on ryzen-ai-max-395, without a measured error: its Vulkan kernels"
    assert start in said


@pytest.mark.parametrize(
    ("gpu", "efficiency", "problem"),
    [
        ("rtx-4090", "llama.cpp-metal", "profile llama.cpp-metal is for parts of Apple, and rtx-4090 is of NVIDIA"),
        ("m4-max", "llama.cpp-cuda", "is for parts of NVIDIA, and apple-m4-max is of Apple"),
    ],
)
def test_a_backend_runs_on_its_parts(gpu: str, efficiency: str, problem: str, run: Run) -> None:
    said = run("utilization", "--gpu", gpu, "--model", "llama-3.1-8b", "--efficiency", efficiency)
    assert (said.code, problem in said.err) == (2, True)


def test_any_count_of_cards_takes_turns(run: Run) -> None:
    """70B in q4_k_m with 32,768 tokens: 42.5 GB of weights and 10.7 of cache fit on three cards, not on two."""
    asked = ("fit", "--gpu", "rtx-4090", "--model", "llama-3.3-70b", "--dtype", "q4_k_m", "--context", "32768")
    assert "3 devices (--gpu rtx-4090:3)" in run(*asked, "--json").json["advice"]
    assert [run(*asked, "--gpus", str(count)).code for count in (1, 2, 3)] == [3, 3, 0]
    both = run("fit", "--gpu", "rtx-4090:2", "--pp", "1", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--json")
    assert both.json["inputs"]["dp"] == 2  # neither has a stage of the other's layers
    refused = run("fit", "--gpu", "rtx-4090:2", "--pp", "1", "--dp", "1", *asked[3:7])
    assert "valid layouts of 2: --pp 2" in refused.err


def test_a_checkpoint_in_fp8_is_stored_in_q8_0_where_people_run_llama_cpp(run: Run) -> None:
    said = run("utilization", "--gpu", "ryzen-ai-max-395", "--model", "llama-3.1-8b", "--dtype", "fp8", "--json").json
    assert said["inputs"]["efficiency"] == "llama.cpp"
    assert any("q8_0 stands for it" in note["text"] for note in said["notes"])


def test_constants_that_a_backend_does_not_state() -> None:
    """Nothing is scaled, launched for each expert, or added to a token; a pass is filled with parts of prompts."""
    bare = Backend("cuda", *[0.5] * 12)
    assert bare[13:] == (0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, "filled", 0.0)


def test_a_cpu_computes_each_row_at_its_peak() -> None:
    """Reads at what any host reaches, a hand-over a layer; of the backend only its chunk is left."""
    cuda = engine("llama.cpp", "rtx-4090")
    host = host_backend(cuda._replace(host_share=0.6, host_layer_time=1e-4), catalog.load("hosts", "grace"))
    assert host.kernels == "cpu"
    assert [host.compute_share, host.compute_share_16, host.vector_share, host.attention_share] == [1.0] * 4
    assert [host.matrix_rows, host.expert_tile, host.older_launches] == [1.0] * 3
    assert [host.vector_rows, host.expert_rows, host.sparse_launches] == [0.0] * 3
    assert (host.memory_share, host.layer_launch, host.chunk_tokens) == (0.6, 1e-4, cuda.chunk_tokens)
    assert engine("llama.cpp", "epyc-turin").kernels == "cpu"


def test_attention_of_prompts_is_over_all_positions() -> None:
    """DeepSeek V3.2's indexer chooses 2,048 of them; llama.cpp has none: 61 layers of 128 heads of 192 and 128."""
    passes = timing(find_model("deepseek-v3.2").model, "rtx-4090")
    pairs = 5000 * 5000 / 2 + 5000 * 1000
    assert passes.prompting(5000, 1000) == 61 * pairs * 2 * (192 + 128) * 128
    (layer,) = {layer.attention for layer in passes.model.layers}
    bare = _whole(layer)
    assert (bare.state, bare.index_flops, bare.attended) == (0, 0, 0)
    assert passes.prompting(5000, 1000) is passes.prompting(5000, 1000)


def test_attention_of_windows_in_prompts() -> None:
    """Gemma 3 4B: 29 of 34 layers see 1,024 positions, half of them on average before the window is full."""
    passes = timing(find_model("gemma-3-4b").model, "rtx-4090")
    full, window = 5000 * 5000 / 2, 5000 * 1024 - 1024 * 1024 / 2
    assert passes.prompting(5000, 0) == (5 * full + 29 * window) * 4 * 8 * 256


@pytest.mark.parametrize(
    ("load", "whole", "part"),
    [
        (Load(0, 0, 1, 512, 1), 512, 1),
        (Load(0, 0, 1, 512, 2), 256, 2),  # two prompts of 256
        (Load(0, 0, 1, 512, 0.25, 0, 2048), 2048, 0.25),
        (Load(0, 0, 1, 512, 0.25), 512, 1),  # of a prompt of no known length
    ],
)
def test_attention_of_a_pass_of_prompts(load: Load, whole: float, part: float) -> None:
    """Llama: four operations for each of the pairs of 32 x 128 in 32 layers."""
    passes = timing(stored("llama-3.1-8b", "q4_0", 4.5), "rtx-4090")
    flops, moved = passes.pass_of(load).attention
    assert flops == [pytest.approx(part * whole * whole / 2 * 4 * 32 * 128 * 32 / passes.prompt_flops)]
    assert moved == []


def test_attention_of_a_step_reads_and_computes_whole_blocks() -> None:
    """Llama, 1,000 positions are 1,024 cells; three tokens of each of four sequences read them once."""
    passes = timing(stored("llama-3.1-8b", "q4_0", 4.5), "rtx-4090")
    for each in (1, 3):
        flops, moved = passes.pass_of(Load(4, 1000, each)).attention
        assert moved == [pytest.approx(4 * 1024 * 131_072 / passes.bandwidth)]
        assert flops == [pytest.approx(each * 4 * 4 * 32 * 1024 * 32 * 128 / passes.vector)]


def test_latents_are_queried_as_wide_as_they_are() -> None:
    """DeepSeek V3: 61 layers of 576 elements, 128 heads."""
    passes = timing(stored("deepseek-v3", "q4_0", 4.5), "rtx-4090")
    assert passes.reading(1024) == (61 * 1024 * 576 * 2, 4 * 61 * 1024 * 128 * 576)


def test_states_of_a_step_are_read_and_written() -> None:
    """Qwen3 Next: 36 layers of 32 heads of 128 x 128, eight bytes of traffic; twelve layers have caches."""
    passes = timing(stored("qwen3-next-80b-a3b", "q4_0", 4.5), "rtx-4090")
    assert passes.states == 36 * 32 * 128 * 128
    assert passes.reading(1000)[0] == 12 * 1024 * 2 * 2 * 256 * 2
    _, moved = passes.pass_of(Load(5, 1000)).attention
    assert moved[1] == pytest.approx(5 * 8 * 36 * 32 * 128 * 128 / passes.bandwidth)


def test_the_head_of_a_pass_is_for_the_last_tokens_of_prompts() -> None:
    """Eight bits beside layers of 4.5: one row of each prompt, and of each part of one, beside those that decode."""
    llama = find_model("llama-3.1-8b").model._replace(quantization=Quantization("q4_0", 4.5, {"head": 8.5}))
    passes, params = timing(llama, "dgx-spark-gb10"), 4096 * 128_256
    read = params * 8.5 / 8 / (0.84 * 273e9)
    for load, rows in ((Load(0, 0, 1, 512, 0.25), 1), (Load(0, 0, 1, 512, 3), 3), (Load(2, 9, 1, 512, 3), 5)):
        worked, moved, _ = passes.pass_of(load).overlapping[1]
        assert moved == pytest.approx(read)
        assert worked == pytest.approx(2 * params * rows / (0.2 * 31e12))
    tied = timing(stored("llama-3.2-1b", "q4_0", 4.5), "dgx-spark-gb10")
    assert tied.head[:2] == (2048 * 128_256, 2048 * 128_256 * 4.5 / 8)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3"])
def test_elementwise_work_counts_all_parts_as_gated(name: str) -> None:
    """Twenty widths and five insides a layer; three widths and five insides for each expert of a token."""
    values = {
        "llama-3.1-8b": 32 * (20 * 4096 + 5 * 14336),
        "mixtral-8x7b": 32 * (20 * 4096 + 2 * (3 * 4096 + 5 * 14336)),
        "deepseek-v3": 61 * 20 * 7168 + 3 * 5 * 18432 + 58 * (5 * 2048 + 8 * (3 * 7168 + 5 * 2048)),
    }
    passes = timing(stored(name, "q4_0", 4.5), "rtx-4090")
    assert passes.elements == pytest.approx(values[name])
    spent = passes.pass_of(Load(7, 100)).spent
    assert spent[2] == pytest.approx(7 * ELEMENT * values[name] / passes.layers.rates.bandwidth)


def test_experts_of_many_tokens_are_half_a_tile_too_many() -> None:
    """Mixtral: 100 tokens meet all eight of its experts; in 16 bits each of three matrices is started alone."""
    expert = 3 * 4096 * 14336
    for bits, launch in ((4.5, 0.0), (16, 1e-4)):
        passes = timing(
            stored("mixtral-8x7b", "q4_0" if bits < 16 else "bf16", bits), "rtx-4090", expert_tile=64.0,
            expert_launch=1e-4,
        )  # fmt: skip
        worked, moved, both = passes.pass_of(Load(100, 10)).overlapping[2]
        hit = 8 * (1 - 0.75**100)
        plain = 2 * 32 * (100 * 2 + hit * 64 / 2) * expert / passes.experts[0].rates.flops
        assert worked == pytest.approx(plain + 32 * 3 * hit * launch)
        assert moved == pytest.approx(32 * hit * expert * bits / 8 / passes.bandwidth)
        assert both == pytest.approx(hypot(worked, moved))
        assert (passes.sparse, passes.experts[0].layers) == (32, 32)


def test_few_tokens_multiply_with_their_own_experts() -> None:
    passes, expert = timing(stored("mixtral-8x7b", "q4_0", 4.5), "rtx-4090", expert_rows=8.0), 3 * 4096 * 14336
    worked, moved, _ = passes.pass_of(Load(5, 10)).overlapping[2]
    assert worked == pytest.approx(2 * 32 * 5 * 2 * expert / passes.vector)
    assert moved == pytest.approx(32 * 5 * 2 * expert * 4.5 / 8 / passes.bandwidth)


def test_sparse_layers_start_more_kernels() -> None:
    passes = timing(stored("mixtral-8x7b", "q4_0", 4.5), "rtx-4090", layer_launch=1e-5, sparse_launches=0.5)
    assert passes.launches == pytest.approx(1e-5 * (32 + 16))
    older = timing(
        stored("mixtral-8x7b", "q4_0", 4.5), "rtx-4090", layer_launch=1e-5, sparse_launches=0.5, older_launches=3.0
    )
    assert older.launches == pytest.approx(3e-5 * (32 + 16))


def test_a_pass_is_its_operators_one_after_another() -> None:
    passes = timing(stored("llama-3.1-8b", "q4_0", 4.5), "rtx-4090")
    done = passes.pass_of(Load(4, 1000))
    products = sum(time for *_, time in done.overlapping)
    assert done.spent[0] == pytest.approx(products)
    assert done.spent[1] == pytest.approx(sum(map(sum, done.attention)))
    assert (done.spent[3], done.spent[4], done.host, done.uneven) == (0.0, passes.launches, 0.0, 1.0)
    assert done.step == pytest.approx(sum(done.spent))


def test_a_pass_continues_in_the_host() -> None:
    """Eight of 32 layers in Grace: its reads at 0.64 of 500 GB/s, and a hand-over a layer."""
    whole = stored("llama-3.1-8b", "q4_0", 4.5)
    parts, grace = split(whole, Offload(layers=8)), catalog.load("hosts", "grace")
    card, constants = catalog.load("accelerators", "rtx-4090"), engine("llama.cpp", "rtx-4090")
    passes = Timing(whole, card, constants, halves=Halves(parts.near, parts.far, grace))
    done, load = passes.pass_of(Load(1, 1000)), Load(1, 1000)
    reads = 8 * (41_943_040 + 176_160_768) * 4.5 / 8 + 8 * 1024 * 2 * 1024 * 2
    bandwidth = constants.host_share * grace.value("memory_bandwidth")
    assert done.far == pytest.approx(reads / bandwidth + 8 * constants.host_layer_time)
    assert passes.far_time(1, 1000) == done.far
    alone = Timing(parts.near, card, constants).pass_of(load).step
    assert done.step == pytest.approx(alone + done.far)
    assert timing(whole, "rtx-4090").far_time(1, 1000) == 0.0


def test_a_host_without_rates_counts_reads_and_hand_overs_alone() -> None:
    whole, grace = stored("mixtral-8x7b", "q4_0", 4.5), catalog.load("hosts", "grace")
    passes = Timing(whole, grace, host_backend(engine("llama.cpp", "rtx-4090"), grace))
    assert not passes.counts_arithmetic
    done = passes.pass_of(Load(3, 1000))
    assert all(worked == 0 and moved == both for worked, moved, both in done.overlapping)
    assert done.overlapping[2][1] == pytest.approx(
        32 * 8 * (1 - 0.75**3) * 3 * 4096 * 14336 * 4.5 / 8 / passes.bandwidth
    )
    assert done.spent[2] == 0.0
    assert done.attention[0] == []
    assert timing(whole, "rtx-4090").counts_arithmetic


@pytest.mark.parametrize("rate", ["flops_bf16", "flops_fp16", "flops_fp32"])
def test_one_rate_of_a_part_is_enough(rate: str) -> None:
    card = catalog.load("accelerators", "rtx-4090")
    facts = {key: fact for key, fact in card.facts.items() if not key.startswith("flops_")}
    some = card._replace(facts={**facts, rate: card.fact("flops_fp32")._replace(value=80e12)})
    passes = Timing(stored("llama-3.1-8b", "bf16", 16), some, engine("llama.cpp", "rtx-4090"))
    assert passes.counts_arithmetic
    assert (passes.half, passes.shader) == (80e12, 80e12)
    assert set(passes.settle().used) == {rate, "memory_bandwidth"}


@pytest.mark.parametrize(("own", "borrowed"), [(2048, 0), (0, 2048), (1024, 1024)])
def test_a_cache_that_an_earlier_layer_wrote_is_read_too(own: int, borrowed: int) -> None:
    """32 layers of 2,048 elements in 16 bits, for the 1,024 positions that 1,000 are rounded up to."""
    model = stored("llama-3.1-8b", "q8_0", 8.5)
    (layer,) = model.layers
    shared = layer._replace(attention=layer.attention._replace(cache=own, borrowed=borrowed))
    read, _ = timing(model._replace(layers=(shared,)), "rtx-4090").reading(1000)
    assert read == 32 * 1024 * 2048 * 2


@pytest.mark.parametrize(("scale", "steps"), [(1.0, 0), (2.0, 1)])
def test_products_are_scaled_where_there_is_a_scale(scale: float, steps: int) -> None:
    passes = timing(stored("llama-3.1-8b", "q8_0", 8.5), "apple-m2-ultra", older_products=scale)
    with recording() as calls:
        assert passes.rates(8.5).flops == pytest.approx(scale * 0.78 * 27.2e12)
    assert [getattr(call.function, "__name__", "") for call in calls].count("scaled_flops") == steps
