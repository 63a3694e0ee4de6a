"""What fits, against the start-up logs of a real engine, and laws of sharding."""

import re
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import infercost
from infercost.errors import BadValue
from infercost.models import counting
from infercost.models.find import find_model, with_format
from infercost.parts import catalog
from infercost.replica.layout import Layout, rank_growth_bytes, rank_weight_bytes, valid_widths
from infercost.replica.work import work_of
from tests.conftest import Run
from tools.memory_error import logs, other_logs, planned_by, pool_errors, relative_errors, verdicts

FITTED = [log for log in logs() if log["engine"] == "0.19.0"]


def test_the_logs_are_matched() -> None:
    """The table that the documents publish, held to what is asked of it."""
    found = relative_errors(FITTED)
    assert len(found["weights"]) >= 35
    assert median(found["weights"]) < 0.01
    assert median(found["pool"]) < 0.02
    rising = sorted(found["pool"])
    assert rising[int(0.95 * (len(rising) - 1))] < 0.10
    assert max(found["cache per token"]) < 0.0015, "the log's own rounding"


def test_no_start_is_called_a_refusal() -> None:
    said = verdicts(logs())
    assert len(said["yes"]) >= 55
    assert all(said["yes"])


OTHERS = other_logs()


@pytest.mark.parametrize("log", [log for log in OTHERS if log["share"]], ids=lambda log: log["row"])
def test_sglang_says_the_share_that_its_rule_gives(log: dict[str, str]) -> None:
    assert planned_by(log, log["engine"].replace(" ", "@")).usable == float(log["share"])


@pytest.mark.parametrize("log", [log for log in OTHERS if log["started"]], ids=lambda log: log["row"])
def test_starts_of_other_engines_fit_and_a_refusal_does_not(log: dict[str, str]) -> None:
    name = log["engine"].replace(" ", "@") if log["engine"].startswith("sglang") else "tensorrt-llm"
    assert planned_by(log, name).fits == (log["started"] == "yes")


def test_pools_of_other_engines_are_nearer_by_their_own_rules() -> None:
    """What an engine takes before was fitted on other rows."""
    found = pool_errors("sglang", "check")
    assert len(found["own"]) >= 6
    assert median(found["own"]) < 0.02 < median(found["vllm"])
    assert sum(found["own"]) < sum(found["vllm"])
    assert pool_errors("tensorrt-llm", "check")["own"][0] < 0.01


def test_what_sglang_takes_first_is_the_median_of_starts() -> None:
    taken: dict[bool, list[float]] = {False: [], True: []}
    for log in OTHERS:
        if log["use"] == "fit" and log["free_gib"] and log["engine"].startswith("sglang"):
            memory = catalog.load("accelerators", log["gpu"]).value("memory_engine") / 2**30
            taken[int(log["tp"]) > 1].append(memory - float(log["free_gib"]))
    profile = catalog.load("efficiency", "sglang")
    assert profile.value("engine_overhead") / 2**30 == pytest.approx(median(taken[False]), abs=0.05)
    assert profile.value("engine_overhead_parallel") / 2**30 == pytest.approx(median(taken[True]), abs=0.05)


def test_the_share_is_said_with_whose_rule_it_is(run: Run) -> None:
    question = "fit --gpu h100 --model llama-3.1-8b --efficiency"
    assert "by SGLang's own rule: 83.5%" in run(*question.split(), "sglang@0.5.9").err
    assert run(*question.split(), "sglang", "--usable", "80%", "--json").json["inputs"]["usable"] == 0.8
    assert "the rule is that of 0.5.3" in run(*question.split(), "sglang@0.4.9").err


def test_a_pass_that_would_take_all_memory_leaves_the_share_of_the_profile(run: Run) -> None:
    question = "utilization --gpu h100 --model qwen3-8b --efficiency sglang --batch 4 --chunk-tokens"
    assert run(*question.split(), "100000", "--json").json["inputs"]["usable"] == 0.9
    assert run(*question.split(), "16384", "--json").json["inputs"]["usable"] == pytest.approx(0.679)


DENSE = find_model("llama-3.1-70b").model
LATENT = find_model("deepseek-v3").model


@given(st.sampled_from([DENSE, LATENT]), st.sampled_from([1, 2, 4, 8, 16]))
def test_more_tensor_parallelism_never_raises_weights_per_device(model: Any, tp: int) -> None:
    assert rank_weight_bytes(model, Layout(2 * tp)) <= rank_weight_bytes(model, Layout(tp))


def test_kv_heads_are_copied_when_ranks_outnumber_them() -> None:
    assert rank_growth_bytes(DENSE, Layout(8)) == 327_680 / 8
    assert rank_growth_bytes(DENSE, Layout(16)) == 40_960
    assert rank_growth_bytes(LATENT, Layout(8)) == rank_growth_bytes(LATENT, Layout(1)) == 70_272


@given(st.floats(2, 16), st.floats(2, 16))
def test_bytes_fall_with_bits(one: float, other: float) -> None:
    low, high = sorted((one, other))
    sizes = [sum(counting.weight_bytes_by_part(with_format(DENSE, "x", bits)).values()) for bits in (low, high)]
    assert sizes[0] <= sizes[1]


@pytest.mark.parametrize(
    "name", ["llama-3.1-8b", "gemma-3-27b", "gpt-oss-120b", "mistral-7b-v0.1", "deepseek-v4-flash"]
)
def test_the_cache_grows_with_context_and_stops_at_the_window(name: str) -> None:
    model = find_model(name).model
    sizes = [counting.cache_bytes(model, context) for context in (0, 64, 128, 1024, 4096, 8192, 65536)]
    assert sizes == sorted(sizes)
    far = counting.cache_bytes(model, 1_000_000) - counting.cache_bytes(model, 999_999)
    assert far == pytest.approx(counting.growing_cache_bytes(model), abs=1e-3)


@given(st.integers(1, 4096))
def test_a_mixture_reads_between_its_active_part_and_all(tokens: int) -> None:
    read = work_of(LATENT, Layout()).bytes_read(tokens)
    least = work_of(LATENT, Layout()).bytes_read(1)
    whole = sum(counting.weight_bytes_by_part(LATENT).values())
    assert least <= read <= whole


def test_valid_widths() -> None:
    assert valid_widths(DENSE, 16) == [1, 2, 4, 8, 16]
    assert 3 not in valid_widths(find_model("gpt-oss-120b").model)


def test_the_verdict_and_what_would_change_it(run: Run) -> None:
    fits = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100:4", "--context", "16k", "--batch", "8")
    assert fits.code == 0
    assert fits.out.startswith("Fits: llama-3.1-70b (bf16, 141.1 GB) on 4 x h100-sxm")
    assert "--tensor-parallel-size 4" in fits.out.replace("\n", " ")
    barely = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100:2")
    assert barely.out.startswith("Barely fits")
    short = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100:2", "--context", "131072", "--json")
    assert short.code == 3
    assert short.json["results"]["fits"] is False
    # 141.1 GB and 131,072 x 327.7 kB are 184 GB: 27 of 80 layers are 62 GB, 40 are 92; 90% of 85 GB are 76.5
    assert any("--gpu h100:3" in advice for advice in short.json["advice"])


def test_the_least_change_really_makes_it_fit(run: Run) -> None:
    args = ("fit", "--model", "llama-3.1-70b", "--gpu", "h100:1")
    assert run(*args).code == 3
    advice = " ".join(run(*args, "--json").json["advice"])
    assert "--gpu h100:2" in advice
    assert "--dtype int4" in advice
    assert run(*args, "--dtype", "int4").code == 0
    assert run("fit", "--model", "llama-3.1-70b", "--gpu", "h100", "--gpus", "2").code == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--tp", "3"), "valid widths: 1, 2, 4, 8"),
        (("--pp", "81"), "at most --pp 80"),
        (("--ep", "2"), "experts"),
        (("--context", "200k"), "131,072 positions"),
        (("--tp", "4", "--gpus", "6"), "valid layouts of 6: --tp 2 --pp 3, --pp 6"),
        (("--tp", "4", "--pp", "4", "--gpus", "8"), "valid layouts of 8: --tp 8, --tp 4 --pp 2, --tp 2 --pp 4, --pp 8"),
        (("--tp", "8", "--pp", "2", "--gpus", "8"), "takes 16 devices or a multiple of them, not 8"),
        (("--gpus", "97", "--ep", "1"), "no layout of 97 devices"),
    ],
)
def test_an_invalid_layout_is_refused_with_the_valid_ones(args: tuple[str, ...], said: str, run: Run) -> None:
    result = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100", *args)
    assert result.code == 2
    assert said in result.err


def test_the_keys_are_all_there(run: Run) -> None:
    found = run("fit", "--model", "gemma-3-27b", "--gpu", "h100", "--json").json["results"]
    assert found["total_params"] == 27_009_346_304
    assert found["vision_params"] == 423_060_336
    assert found["kv_bytes_per_token"] == 81_920
    assert found["kv_pool_tokens"] > 0
    assert found["max_sequences"] >= 1
    assert found["weight_bytes"] == pytest.approx(2 * (27_009_346_304 + 423_060_336))


def test_a_model_in_utilization_and_sweep(run: Run) -> None:
    args = ("--model", "deepseek-v3", "--gpu", "h200:8", "--context", "4096")
    one = run("utilization", *args, "--batch", "32", "--json")
    assert one.json["results"]["communication_time_s"] > 0
    sweep = run("sweep-batch", *args, "--batch", "1:4096", "--json").json
    held = [row for row in sweep["rows"] if row["fits"]]
    assert held[-1]["batch"] <= sweep["results"]["max_batch"] < sweep["rows"][len(held)]["batch"]
    shares = [row["experts_hit_share"] for row in held]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(8 / 256)
    assert any(note["code"] == "memory-limit" for note in sweep["notes"])
    assert run("utilization", *args, "--params", "70B").code == 2


def test_what_only_a_model_has_is_refused_for_a_count(run: Run) -> None:
    assert "needs --model" in run("fit", "--gpu", "h100", "--params", "70B", "--context", "8k").err


def test_presets_show_a_model(run: Run) -> None:
    said = run("presets", "show", "llama-3.1-70b")
    for figure in ("80", "full", "64/8 x 128", "327.7 kB", "139 GFLOP", "70.55B"):
        assert figure in said.out
    assert run("presets", "list", "models", "--json").json["rows"]


DEEPSEEK = ("fit", "--model", "deepseek-v3", "--context", "8k")


def test_expert_parallelism_divides_the_batch_and_copies_attention(run: Run) -> None:
    """DeepSeek-V3: 256 experts of 3 x 7168 x 2048 in 58 layers; every 128 x 128 block has a 32-bit scale."""
    expert = 3 * 7168 * 2048 * (1 + 4 / 128**2) * 58
    one, other = (rank_weight_bytes(LATENT, Layout(1, 1, ep)) for ep in (16, 24))
    assert one - other == pytest.approx((16 - 11) * expert)
    half = rank_weight_bytes(LATENT, Layout(2, 1, 16))
    assert 8e9 < one - half < 10e9, "attention, the dense layers and the tables are split in two"
    wide = run(*DEEPSEEK, "--gpu", "h200:32", "--tp", "8", "--ep", "32", "--batch", "512", "--json").json["results"]
    assert (wide["fits"], wide["dp"], wide["max_sequences"] % 4) == (True, 4, 0)
    pool = wide["kv_pool_bytes_per_gpu"]
    assert wide["max_sequences"] == 4 * int(pool / (70_272 * 8000))
    assert wide["kv_pool_tokens"] == 4 * int(pool / 70_272)


def test_experts_are_held_whole() -> None:
    mixtral = find_model("mixtral-8x7b").model
    expert = 3 * 4096 * 14336 * 2 * 32
    assert rank_weight_bytes(mixtral, Layout(1, 1, 4)) == rank_weight_bytes(mixtral, Layout(1, 1, 6))
    assert rank_weight_bytes(mixtral, Layout()) - rank_weight_bytes(mixtral, Layout(1, 1, 6)) == 6 * expert


def test_the_command_runs_on_the_devices_that_were_planned(run: Run) -> None:
    said = run(*DEEPSEEK, "--gpu", "h200:16", "--tp", "1", "--ep", "16", "--batch", "64").out.replace(" \\\n   ", "")
    assert "--data-parallel-size 16 --enable-expert-parallel" in said
    said = run(*DEEPSEEK, "--gpu", "h200:16", "--tp", "8", "--ep", "16").out.replace(" \\\n   ", "")
    assert "--tensor-parallel-size 8 --data-parallel-size 2 --enable-expert-parallel" in said


def test_expert_ranks_are_whole_tensor_parallel_groups(run: Run) -> None:
    refused = run(*DEEPSEEK, "--gpu", "h200", "--tp", "4", "--ep", "6")
    assert refused.code == 2
    assert "--tp 4 with --ep 2, 4, 8, 12" in refused.err
    assert "--ep 6 with --tp 1, 2" in refused.err


@pytest.mark.parametrize(
    ("given", "tp", "pp"), [(("--pp", "2"), 4, 2), (("--tp", "4"), 4, 1), (("--tp", "2", "--pp", "4"), 2, 4)]
)
def test_a_layout_is_completed(given: tuple[str, ...], tp: int, pp: int, run: Run) -> None:
    found = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100:8", *given, "--json").json["results"]
    assert (found["tp"], found["pp"]) == (tp, pp)


@pytest.mark.parametrize(
    ("given", "devices"),
    [(("--pp", "2"), 16), (("--pp", "3"), 12), (("--ep", "8"), 16), (("--ep", "16"), 16), (("--tp", "8"), 8)],
)
def test_stages_or_expert_ranks_alone_take_the_least_multiple_that_fits(
    given: tuple[str, ...], devices: int, run: Run
) -> None:
    """DeepSeek-V3 in FP8 is 671 GB, so twelve of 72 GB planned with are the least; a tensor width alone is kept."""
    found = run("fit", "--model", "deepseek-v3", "--gpu", "h100", *given, "--json").json
    assert found["results"]["gpus"] == devices
    assert found["results"]["fits"] == (given[0] != "--tp")
    asked = f"h100:{devices - int(given[1])}" if devices > int(given[1]) else ""
    assert not asked or run("fit", "--model", "deepseek-v3", "--gpu", asked, *given).code


def test_no_width_cuts_a_block_of_scales(run: Run) -> None:
    """The experts of Qwen3-235B are 1536 wide: eight ranks hold 192, which is one and a half blocks of 128.

    Whole ones go on eight ranks all the same.
    """
    args = ("fit", "--model", "qwen3-235b-a22b-fp8", "--gpu", "h100:8")
    whole, sliced = (run(*args, *more, "--json").json["results"] for more in ((), ("--ep", "1")))
    assert (whole["tp"] * whole["dp"], whole["pp"], whole["ep"]) == (8, 1, 8)
    assert (sliced["tp"], sliced["pp"]) == (4, 2)
    refused = run(*args, "--tp", "8", "--ep", "1")
    assert refused.code == 2
    assert "valid widths: 1, 2, 4, or whole experts: --tp 8 --ep 8" in refused.err
    assert run(*args, "--tp", "8", "--json").json["results"]["ep"] == 8


def served(run: Run, *args: str) -> tuple[str, list[str]]:
    """The command to paste and the reasons why there is none."""
    result = run("fit", *args, "--json")
    assert result.code == 0
    why = [note["text"] for note in result.json["notes"] if note["code"] == "no-command"]
    shown = " ".join(run("fit", *args).out.replace(" \\\n", " ").split())
    return shown.partition("Serve it with: ")[2], why


@pytest.mark.parametrize(
    ("args", "flag"),
    [
        (("--model", "llama-3.1-8b", "--dtype", "fp8"), "--quantization fp8"),
        (("--model", "llama-3.1-8b", "--dtype", "fp16"), "--dtype float16"),
        (("--model", "llama-3.1-8b", "--kv-dtype", "fp8"), "--kv-cache-dtype fp8"),
        (("--model", "olmo-2-7b"), "--dtype bfloat16"),
        (("--model", "olmo-2-7b", "--dtype", "fp32"), "--dtype float32"),
        (("--model", "llama-3.1-8b", "--context", "1k", "--batch", "300"), "--max-num-seqs 300"),
    ],
)
def test_the_command_holds_what_was_computed(args: tuple[str, ...], flag: str, run: Run) -> None:
    command, why = served(run, *args, "--gpu", "h200:1")
    assert flag in command
    assert not why


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--model", "llama-3.1-8b", "--dtype", "int4"), "only from a checkpoint that is quantized so"),
        (("--model", "llama-3.1-8b", "--dtype", "int8"), "only from a checkpoint that is quantized so"),
        (("--model", "llama-3.1-8b", "--kv-dtype", "int4"), "no KV cache in int4"),
        (("--model", "gpt-3-175b"), "no hub id or folder"),
        (("--model", "opt-175b"), "no hub id or folder"),
        (("--model", "palm-540b"), "no hub id or folder"),
        (("--model", "nvidia/gpt-20b"), "no hub id or folder"),
        (("--model", "qwen2.5-coder-32b-fp8"), "no hub id or folder"),
        (("--model", "mixtral-8x7b", "--tp", "4", "--ep", "2"), "experts over all 4 ranks of a stage, not over 2"),
    ],
)
def test_a_command_that_would_not_run_so_is_left_out(args: tuple[str, ...], said: str, run: Run) -> None:
    command, why = served(run, *args, "--gpu", "h200")
    assert command == ""
    assert said in why[0]


def test_advice_can_be_followed(run: Run) -> None:
    args = ("fit", "--model", "llama-3.1-70b", "--context", "128k", "--batch", "16")
    short = run(*args, "--gpu", "h100:2", "--tp", "2")
    assert short.out.count("What to change:") == 1
    assert "--context 629" not in short.out
    assert "12 devices (--gpu h100:12 --tp 4 --pp 3)" in " ".join(short.out.split())
    assert run(*args, "--gpu", "h100:12", "--tp", "4", "--pp", "3").code == 0


def test_what_is_short_is_shown(run: Run) -> None:
    short = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100:1")
    assert short.code == 3
    assert "short before any KV cache" in short.out
    assert "KV cache asked for" in short.out
    assert "KV cache left" not in short.out


def test_one_is_no_plural(run: Run) -> None:
    said = run("fit", "--model", "llama-3.1-8b", "--gpu", "h100:1", "--context", "1").out
    assert "at 1 token\n" in said
    assert "1 tokens" not in said


@pytest.mark.parametrize(
    ("model", "code"), [("mamba-codestral-7b", "no-growth"), ("falcon-7b", "context-unknown"), ("olmo-2-7b", "fp32")]
)
def test_what_is_not_known_is_said(model: str, code: str, run: Run) -> None:
    found = run("fit", "--model", model, "--gpu", "h100", "--json").json
    assert code in {note["code"] for note in found["notes"]}
    assert (found["results"]["longest_context"] is None) == (code == "no-growth")


def test_a_checkpoint_in_fp32_is_planned_as_it_is_loaded(run: Run) -> None:
    """OLMo-2 7B: 7,298,617,344 parameters of two bytes."""
    found = run("fit", "--model", "olmo-2-7b", "--gpu", "h100", "--json").json["results"]
    assert found["weight_bytes"] == 2 * found["total_params"] == 2 * 7_298_617_344


def test_a_format_that_it_has_already_changes_nothing(run: Run) -> None:
    assert (
        run("fit", "--model", "qwen3-235b-a22b-fp8", "--gpu", "h100:8", "--tp", "8", "--ep", "1", "--dtype", "fp8").code
        == 2
    )


def test_stages_that_were_chosen_are_said(run: Run) -> None:
    args = ("fit", "--model", "llama-3.1-405b", "--gpu", "h100:16", "--tp", "8")
    assert "filled with 2 pipeline stages" in run(*args).err
    assert "pipeline stages" not in run(*args, "--pp", "2").err


def test_no_width_cuts_a_group_of_scales(run: Run) -> None:
    """Llama-2 7B is 11008 wide: eight ranks hold 1376, no multiple of the group of 128; two hold 43 groups each."""
    args = ("fit", "--model", "llama-2-7b-gptq", "--gpu", "h100:8")
    assert run(*args, "--tp", "8").code == 2
    assert run(*args, "--tp", "2").code == 0


def test_expert_parallelism_is_kept_in_the_advice(run: Run) -> None:
    short = run("fit", "--model", "deepseek-v3", "--gpu", "h100:8", "--ep", "8")
    assert "16 devices (--gpu h100:16 --ep 16)" in " ".join(short.out.split())


def test_a_batch_that_no_count_holds_does_not_fit(run: Run) -> None:
    """20,000 x 8,192 tokens of 131,072 bytes each are 21.5 TB: no error on a count that nobody asked for."""
    for command in ("fit", "utilization"):
        said = run(command, "--model", "llama-3.1-8b", "--gpu", "h100", "--batch", "20000", "--dp", "1")
        assert said.code == 3
        assert "Does not fit" in said.out
        assert "1024" not in said.out + said.err


def test_weights_and_cache_in_fewer_bits_are_offered_together_where_neither_is_enough(run: Run) -> None:
    """50 x 32,000 tokens of 96.26 kB are 154 GB beside 235 GB in 8 bits on four H200; in 16 bits either is too much."""
    args = ("fit", "--model", "qwen3-235b-a22b", "--gpu", "h200:4", "--batch", "50", "--context", "32k")
    both = "weights in fp8 and KV cache in fp8 (--dtype fp8 --kv-dtype fp8)"
    assert both in run(*args, "--json").json["advice"]
    assert run(*args, "--dtype", "fp8", "--kv-dtype", "fp8").code == 0
    assert [run(*args, *one.split()).code for one in ("--dtype fp8", "--kv-dtype fp8")] == [3, 3]
    single = run(*args, "--dtype", "fp8", "--json").json["advice"]
    assert "KV cache in fp8 (--kv-dtype fp8)" in single
    assert both not in single


@pytest.mark.parametrize(
    ("batch", "context", "fewer"),
    [(8, 55_438, True), (24, 18_479, True), (25, 17_740, False), (27, 16_426, False), (28, 0, False)],
)
def test_shorter_contexts_and_smaller_batches_are_offered_down_to_an_eighth(
    batch: int, context: int, fewer: bool, run: Run
) -> None:
    """8B on an H100: 0.9 x 85.03 GB less 16.06 of weights and 2.33 of reserves hold 443,511 tokens of 131,072 bytes.

    They are three sequences of 131,072 tokens; 28 would have 15,839 each, less than an eighth of what is asked.
    """
    args = ("--model", "llama-3.1-8b", "--gpu", "h100", "--gpus", "1", "--context", "131072", "--batch", str(batch))
    advice = run("fit", *args, "--json").json["advice"]
    contexts, batches = ([line for line in advice if line.startswith(word)] for word in ("a context", "a batch"))
    assert contexts == ([f"a context of {context:,} (--context {context})"] if context else [])
    assert batches == (["a batch of 3 (--batch 3)"] if fewer else [])


def test_a_table_of_what_fits_holds_what_verdict_and_bars_do_not(run: Run) -> None:
    asked = ("fit", "--model", "llama-3.1-8b", "--gpu", "h100")
    said = run(*asked)
    rows = [line for line in said.out.split("\n\n")[2].splitlines() if line[2] != " "]
    assert len(rows) == 10  # the sum of what is needed is in no bar
    assert "weights per device" not in said.out
    assert run(*asked, "--json").json["results"]["weight_bytes_per_gpu"] == 16_060_522_496
    short = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100:1").out
    assert "weights per device" in short


def test_twice_the_devices_are_offered_where_it_barely_fits(run: Run) -> None:
    """70B on 4 x 85.03 GB: 0.9 of it less 35.28 GB of weights and 4.32 GB of reserves hold 55 x 671.1 MB."""
    said = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100").out
    assert "What to change: 4 devices (--gpu h100:4) have room for 55 such sequences." in said
    assert int((0.9 * 85.0296e9 - 35.279e9 - 4.321e9) / 671.1e6) == 55


def test_a_table_that_the_host_keeps_explains_the_bar_of_weights(run: Run) -> None:
    """151,936 x 5,120 values of 4.5 bits are 437.6 MB: 19.76 GB less these."""
    said = " ".join(run("fit", "--gpu", "rtx-4090", "--model", "qwen3-32b", "--dtype", "q4_k_m").out.split())
    assert "weights 19.76 GB q4_k_m weights per device 19.32 GB fullest device, the input table in the host's" in said
    assert round((19.76e9 - 151_936 * 5120 * 4.5 / 8) / 1e9, 2) == 19.32


def test_the_least_count_is_the_least_of_all_layouts() -> None:
    """11 stages have 6 of 61 layers at most, as 12 have; 10 devices hold it in no layout."""
    asked = {"model": "deepseek-v3", "dtype": "fp8", "batch": 64, "context": 8000}
    assert [count for count in range(8, 13) if infercost.fit(gpu="h100", gpus=count, **asked).met] == [11, 12]
    assert "11 devices barely hold it: --gpu h100:11" in infercost.fit(gpu="h100", **asked).verdict
    assert " 11 devices hold it, 16 in whole nodes. " in infercost.fit(gpu="h100", gpus=10, **asked).verdict


def test_a_windowed_model_says_which_layers_grow(run: Run) -> None:
    """Of 62 layers of Gemma 3 27B ten keep all tokens, 2 x 16 x 128 of 2 bytes each; 27 x 32,000 tokens fit."""
    said = run("fit", "--model", "gemma-3-27b", "--gpu", "h100:2", "--context", "32k")
    rows = " ".join(said.out.split())
    assert "KV cache per token 81.92 kB 10 of 62 layers, once windows are full: 16 KV heads of 128, 16 bits" in rows
    results = run("fit", "--model", "gemma-3-27b", "--gpu", "h100:2", "--context", "32k", "--json").json["results"]
    assert results["kv_bytes_per_token"] == 10 * 2 * 16 * 128 * 2
    whole = (10 * 32_000 + 52 * 1024) * 2 * 16 * 128 * 2
    assert results["kv_bytes_per_sequence"] == whole
    assert results["max_sequences"] == int(results["kv_pool_bytes_per_gpu"] * 2 / whole) == 27


def test_a_smaller_cache_is_in_a_format_of_the_engine(run: Run) -> None:
    asked = ("fit", "--gpu", "rtx-4090:1", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--batch", "2")
    said = run(*asked, "--context", "80k")
    assert said.code == 3
    assert "KV cache in q8_0 (--kv-dtype q8_0)" in said.out
    assert "--kv-dtype fp8" not in said.out
    assert run(*asked, "--context", "80k", "--kv-dtype", "q8_0").code == 0


#: Weights on a card and beside it as llama.cpp logs them, in MiB: BAAI's Bge Small in fp16 (llama.cpp's own test log:
#: ``CUDA0 model buffer size = 40.73 MiB``, ``CPU_Mapped 23.11``), Qwen3.5-9B in Q4_K_M (``5060.88`` and ``545.62``).
@pytest.mark.parametrize(
    ("model", "dtype", "table_mib"),
    [("qwen3.5-9b", "q4_k_m", 545.62), ("llama-3.1-8b", "q8_0", 128256 * 4096 * 8.5 / 8 / 2**20)],
)
def test_the_input_table_stays_in_the_hosts_memory_under_llama_cpp(model: str, dtype: str, table_mib: float) -> None:
    card = infercost.fit(model=model, dtype=dtype, gpu="rtx-4090:1", context=4096, efficiency="llama.cpp")
    off = card["weight_bytes"] - card["weight_bytes_per_gpu"]
    assert off == pytest.approx(table_mib * 2**20, rel=0.001)
    # memory that a chip shares with its computer holds it all the same
    mac = infercost.fit(model=model, dtype=dtype, gpu="m4-max-128gb:1", context=4096)
    assert mac["weight_bytes_per_gpu"] == mac["weight_bytes"]


def test_a_table_that_is_the_head_too_is_on_the_card() -> None:
    tied = infercost.fit(model="qwen3-0.6b", dtype="q8_0", gpu="rtx-4090:1", context=4096, efficiency="llama.cpp")
    assert tied["weight_bytes_per_gpu"] == tied["weight_bytes"]


#: Bytes of caches whose keys and values have types of their own, in MiB of 4,096 tokens of Llama 3.2 3B, as llama.cpp
#: logs them (llama_kv_cache: size, build 8247): keys in the type, values in f16.
@pytest.mark.parametrize(
    ("kinds", "mib"), [("f16/f16", 448), ("q8_0/f16", 343), ("q4_0/f16", 287), ("q5_1/f16", 308), ("q8_0", 238)]
)
def test_keys_and_values_have_types_of_their_own(kinds: str, mib: float) -> None:
    held = infercost.fit(
        model="llama-3.2-3b", dtype="q4_0", kv_dtype=kinds, gpu="rtx-4090:1", context=4096, efficiency="llama.cpp"
    )
    assert held["kv_bytes_per_sequence"] == mib * 2**20


def test_two_types_are_llama_cpps_alone() -> None:
    inputs = infercost.fit(model="llama-3.2-3b", kv_dtype="q8_0/q4_0", gpu="h100:1").inputs
    assert {each.key: each.value for each in inputs}["efficiency"] == "llama.cpp"
    with pytest.raises(BadValue, match="no engine has keys and values as 'fp8/q4_0'"):
        infercost.fit(model="llama-3.2-3b", kv_dtype="fp8/q4_0", gpu="rtx-4090")


def test_prompt_tokens_of_a_pass_are_profiled_and_commanded() -> None:
    """An engine told to pass 8,192 tokens on a card where it passes 2,048 sets four times the activations aside."""
    asked: dict[str, Any] = {"model": "qwen3.8-27b-fp8", "gpu": "rtx-3090:2", "tp": 2, "max_sequences": 3}
    usual = infercost.fit(**asked, usable=0.92, efficiency="vllm")
    wide = infercost.fit(**asked, usable=0.92, efficiency="vllm", chunk_tokens=8192)
    assert wide["activation_bytes_per_gpu"] == 4 * usual["activation_bytes_per_gpu"]
    assert wide["kv_pool_tokens"] < usual["kv_pool_tokens"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("deepseek-v4-pro", "its own fp4 and fp8"),  # 1,547 of 1,573 billion in experts of 4.25 bits: 822 of 850 GB
        ("deepseek-v4-flash", "its own fp4 and fp8"),
        ("deepseek-v3", "fp8"),
        ("gpt-oss-120b", "mxfp4"),
    ],
)
def test_a_format_is_called_by_what_most_weights_are_in(model: str, words: str) -> None:
    report = infercost.fit(gpu="b300:16", model=model)
    assert f"{model} ({words}, {report['weight_bytes'] / 1e9:.4g} GB) on " in report.verdict
    assert next(row.remark for row in report.results if row.key == "weight_bytes") == words
    if model == "deepseek-v4-pro":
        assert report["weight_bytes"] == pytest.approx(850e9, rel=0.005)
        assert 1.547e12 * 4.25 / 8 / report["weight_bytes"] > 0.95


@pytest.mark.parametrize(
    ("model", "asked", "words"),
    [
        (
            "qwen3-8b",
            {"dtype": "q4_k_m"},
            "or one of 40,960 tokens (the model's limit)",
        ),  # as many as its config has positions
        ("gemma-3-27b", {"dtype": "q4_k_m"}, "or one of {longest_context:,} tokens"),
        ("llama-3.1-8b", {"dtype": "fp8", "batch": 4}, "such sequences"),
        ("qwen3-8b", {"dtype": "q4_k_m", "context": 40_960}, "such sequences"),
    ],
)
def test_the_verdict_has_the_longest_context_of_one_sequence(model: str, asked: dict[str, Any], words: str) -> None:
    report = infercost.fit(gpu="rtx-4090", model=model, **asked)
    token = report["kv_bytes_per_token"] / 1e3
    batch = f", all {asked['batch']} sequences {report['kv_bytes_of_batch'] / 1e9:.4g} GB" if "batch" in asked else ""
    end = f"{words.format(**report.values)}; a token takes {token:.4g} kB of KV cache{batch}."
    assert re.search(re.escape(end) + r"( About \d+ tokens/s for one user\.)?$", report.verdict)
    assert ("or one of" in report.verdict) == words.startswith("or one of")


def test_a_server_that_is_a_little_short_is_told_its_ways_out(run: Run) -> None:
    """Kimi K2 leaves 469 MB of the 90% that vLLM plans with for a sequence of 576 MB: 5% of 150 GB are 7.5 GB more."""
    said = run("fit", "--gpu", "h200:8", "--model", "kimi-k2")
    assert "With --usable 0.95 they hold it, else 9 devices, 16 in whole nodes." in " ".join(said.out.split())
    assert "change:\n  - 95.0% of the memory planned with (--usable 0.95)" in said.out
    assert run("fit", "--gpu", "h200:8", "--model", "kimi-k2", "--usable", "0.95").code == 0
    assert "--usable 0.95" not in run("fit", "--gpu", "h200:8", "--model", "kimi-k2", "--usable", "0.9").out


def test_a_count_that_some_layout_fits_is_not_said_to_be_too_few() -> None:
    """70B in 8 bits: of 80 layers 72 stages of 8 hold two, 70.4 GB x 2 / 80 / 8 = 220 MB and tables; nine of 64 fewer.

    In 16 bits 141 GB x 3 / 80 / 32 are 165 MB of 230; 700 is no width that 64 heads take times stages, 704 is 64 x 11.
    """
    asked = {"model": "llama-2-70b", "efficiency": "ideal"}
    wide = infercost.fit(gpu="groq-lpu:576", dtype="int8", context="4k", **asked)
    assert (wide["fits"], wide["tp"], wide["pp"]) == (True, 64, 9)
    least = infercost.fit(gpu="groq-lpu", dtype="fp16", **asked)
    assert (least["fits"], least["gpus"]) == (True, 864)
    short = infercost.fit(gpu="groq-lpu:704", dtype="fp16", **asked)
    assert short.verdict.endswith(" 864 devices hold it.")
    with pytest.raises(infercost.InfercostError, match="no layout of 700") as refused:
        infercost.fit(gpu="groq-lpu:700", dtype="fp16", **asked)
    assert refused.value.hint.startswith("ask for 688 or 704")


def test_fewer_devices_that_hold_it_are_said_beside_whole_nodes() -> None:
    """405.9 GB and 100 x 8,000 x 516.1 kB are 823 GB: a third of the layers on four is 69 GB, and tables and reserves.

    Eleven take a layer in 12 of 126 each, 78 GB of 76.5.
    """
    asked = {"model": "llama-3.1-405b", "dtype": "fp8", "context": "8k", "batch": 100}
    assert "(2 whole nodes; 12 devices barely hold it: --gpu h100:12)" in infercost.fit(gpu="h100", **asked).verdict
    assert infercost.fit(gpu="h100:12", **asked).verdict.startswith("Barely fits: ")
    short = infercost.fit(gpu="h100:11", **asked)
    assert " 12 devices hold it, 16 in whole nodes. " in short.verdict
    assert short.advice[:2] == ("12 devices (--gpu h100:12)", "16 devices, whole nodes (--gpu h100:16)")


def test_a_width_that_does_not_fit_is_told_the_layout_that_does_on_the_same_devices() -> None:
    """Two stages copy no logits and collectives' buffers: 141.1 / 2 and 6.55 / 2 GB are 73.8 of 76.5 a device."""
    said = infercost.fit(gpu="h100:2", model="llama-3.1-70b", tp=2, context="20k")
    assert said.verdict.endswith(" The same 2 devices hold it in pp 2.")
    assert infercost.fit(gpu="h100:2", model="llama-3.1-70b", pp=2, context="20k")["fits"]


@pytest.mark.parametrize(("usable", "warned"), [(0.97, True), (0.9, False)])
def test_a_start_that_may_run_out_of_memory_is_warned_of(usable: float, warned: bool) -> None:
    """3% of an H100's 85 GB are 2.6 GB, less than 4 GiB; a tenth is more."""
    notes = [note.text for note in infercost.fit(gpu="h100", model="llama-3.1-8b", usable=usable).notes]
    assert any(text.startswith("the start may run out of memory: ") for text in notes) == warned


def test_devices_that_the_weights_alone_take_are_said_where_all_takes_more() -> None:
    """141 GB of weights fill two of 85 GB, which hold a sequence too; 11 of them hold 405B's, 12 in tp 4 pp 3 all."""
    said = infercost.fit(gpu="h100", gpus=1, model="llama-3.1-70b").verdict
    assert said.endswith(" GB. 2 devices hold it.")
    more = infercost.fit(gpu="h100", gpus=8, model="llama-3.1-405b").verdict
    assert more.endswith("; the weights alone take 11 devices. 12 hold it, 16 in whole nodes.")


def test_a_cache_in_four_bits_comes_before_two_bits_of_weights(run: Run) -> None:
    """128,000 tokens of 2 x 8 heads x 128 x 32 layers take 8.9 GB at 8.5 bits, 4.7 GB at 4.5: 7.2 GB are left."""
    long = ("fit", "--gpu", "rtx-3060", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--context", "128k")
    said = run(*long, "--kv-dtype", "q8_0")
    assert re.search(
        r"One card holds it with its KV cache in q4_0 at [\d.]+ tokens/s, or its weights in", " ".join(said.out.split())
    )
    assert run(*long, "--kv-dtype", "q4_0").code == 0


@pytest.mark.parametrize(("gpu", "model", "devices"), [("tpu-v4", "inkling", 128), ("tpu-v5e", "inkling", 256)])
def test_the_least_devices_of_a_pod_are_a_power_of_two(run: Run, gpu: str, model: str, devices: int) -> None:
    """947B parameters in 16 bits are 1.894 TB: 64 x 30.9 GB less the engine's 3.1 hold 1.78, 128 x 12.7 hold 1.63."""
    assert run("fit", "--gpu", gpu, "--model", model, "--json").json["inputs"]["gpus"] == devices


@pytest.mark.parametrize("asked", [{}, {"batch": 32}, {"draft": "eagle3"}, {"efficiency": "sglang"}], ids=str)
def test_what_a_device_needs_is_weights_reserves_and_the_cache_asked_for(asked: dict[str, Any]) -> None:
    """A sequence of 8,192 tokens takes 2 x 8 heads x 128 x 32 layers x 2 B each; weights are 8,030,261,248 x 2 B."""
    report = infercost.fit(gpu="h100", model="llama-3.1-8b", context=8192, **asked)
    held = 2 * 8_030_261_248 + report["activation_bytes_per_gpu"] + report["engine_bytes_per_gpu"]
    cache = asked.get("batch", 1) * report["kv_bytes_per_sequence"]
    assert report["memory_needed_bytes"] == pytest.approx(
        held + cache + (report.values.get("draft_bytes_per_gpu") or 0)
    )
    if not asked:
        assert cache == 8192 * 2 * 8 * 128 * 32 * 2


def test_what_is_needed_is_over_what_is_planned_with_by_what_is_short() -> None:
    """Of 90% of a device's memory: 70B in 16 bits on two cards, one sequence."""
    report = infercost.fit(gpu="l40s:2", model="llama-3.1-70b")
    over = report["memory_needed_bytes"] - 0.9 * report["memory_per_gpu_bytes"]
    assert report["shortfall_bytes"] == pytest.approx(2 * over)


def test_a_layout_of_the_same_devices_that_holds_clearly_more_is_named(run: Run) -> None:
    """Llama 4 Scout at a million tokens: two replicas of four hold 8 each, one of eight 22, as --tp 8 asked says."""
    asked = ("fit", "--gpu", "b200:8", "--model", "llama-4-scout", "--context", "1M")
    two, one = run(*asked, "--json").json, run(*asked, "--tp", "8", "--json").json
    held, most = two["results"]["max_sequences"], one["results"]["max_sequences"]
    assert (two["inputs"]["dp"], held, most) == (2, 16, 22)
    assert "room for 8 such sequences (16 in all; 22 as one replica: --tp 8)" in two["verdict"]
    assert "in all" not in one["verdict"]
    asked_for = run(*asked, "--dp", "2", "--json").json["verdict"]
    assert "room for 8 such sequences (16 in all)" in asked_for


@pytest.mark.parametrize(
    ("gpu", "model"),
    [("h200", "minimax-m2"), ("h200", "llama-3.1-70b"), ("h100", "minimax-m2"), ("h100", "deepseek-v3")],
)
@pytest.mark.parametrize("command", ["fit", "utilization"])
def test_a_node_too_few_names_no_more_devices_than_a_batch_takes_uncounted(command: str, gpu: str, model: str) -> None:
    """Fifty sequences of 64k on replicas of four H200: twelve devices, also where eight were given."""
    asked = {"model": model, "batch": 50, "context": "64k"}
    free = infercost.fit(gpu=gpu, **asked)
    said = (
        infercost.fit(gpu=f"{gpu}:8", **asked) if command == "fit" else infercost.utilization(gpu=f"{gpu}:8", **asked)
    )
    found = next(filter(None, (re.match(r"(\d+) devices \(--gpu (\S+)\)$", one) for one in said.advice)), None)
    assert found, said.advice
    assert int(found[1]) == free["gpus"] or re.search(rf"; {found[1]} devices (barely )?hold", free.verdict)
    assert infercost.fit(gpu=found[2], **asked)["fits"]


def test_replicas_that_hold_more_than_one_are_not_told_of_it(run: Run) -> None:
    """Of a 70B model on eight H100 the replica of all holds most: nothing is said."""
    assert " as " not in run("fit", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--json").json["verdict"]


@pytest.mark.parametrize(
    ("draft", "name"),
    [(("--draft-model", "qwen3-0.6b", "--draft-tokens", "4"), "qwen3-0.6b"), (("--draft", "eagle3"), "EAGLE-3")],
)
def test_a_draft_is_named_and_the_speed_said_to_be_without_it(draft: tuple[str, ...], name: str, run: Run) -> None:
    asked = ("fit", "--gpu", "rtx-4090", "--model", "llama-3.1-8b")
    plain, said = run(*asked, "--json").json, run(*asked, *draft, "--json").json
    assert name in said["verdict"].split(" on 1 x ")[0]
    speed = float(f"{said['results']['tokens_per_s_per_user']:.2g}")
    assert (
        f"About {speed:g} tokens/s for one user without the draft; infercost utilization --acceptance 0.8"
        in said["verdict"]
    )
    assert "draft" not in plain["verdict"]


def test_the_least_devices_say_how_much_of_each_they_use(run: Run) -> None:
    """1.6 TB are 20 x 80 GB, and with 72 GB of each 22.2, which are 23."""
    said = " ".join(run("fit", "--gpu", "h100-note", "--params", "1.6e12").out.split())
    assert "least devices for the weights 20 using 100% of each device; 23 using 90%, as servers do" in said


@pytest.mark.parametrize(
    ("part", "model", "count", "held"),
    [
        ("h100:1", "qwen2.5-32b", 1, "One holds"),
        ("h100", "mistral-nemo-12b", 1, "one holds"),
        ("h100", "llama-3.1-70b", 4, "4 hold"),
    ],
)
def test_a_batch_for_more_devices_is_told_what_fewer_hold(part: str, model: str, count: int, held: str) -> None:
    """One device as far as it holds any, else the most that fewer in a node hold: so many fit, and no more."""
    said = re.search(rf"{held} (\d+) of the 64", infercost.fit(gpu=part, model=model, batch=64).verdict)
    assert said
    most = int(said[1])
    fits = [infercost.fit(gpu=f"h100:{count}", model=model, batch=batch).met for batch in (most, most + 1)]
    assert fits == [True, False]
