"""The contract that scripts rely on: keys, exit codes, forms, version, completion."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import infercost
from tests.conftest import ROOT, Run, bare_env, grid

NOTE = ("--gpu", "h100-note", "--params", "1.6e12")
KEYS = {
    "fit": "gpus_for_weights weight_bytes memory_per_gpu_bytes gpus nodes fits kv_bytes_per_token "
    "kv_bytes_per_sequence kv_pool_bytes_per_gpu kv_pool_tokens max_sequences weight_bytes_per_gpu "
    "total_params active_params vision_params mtp_params",
    "utilization": "gpus batch weight_bytes flops_per_token compute_time_s memory_time_s communication_time_s "
    "overhead_time_s step_time_s bound_step_time_s bound utilization memory_bandwidth_utilization critical_batch "
    "tokens_per_s tokens_per_s_per_user tokens_per_s_per_gpu usd_per_million_tokens joules_per_token prefill_time_s "
    "ttft_s request_time_s",
    "sweep-batch": "critical_batch knee_batch max_batch lone_user_cost_ratio",
    "userbase": "concurrent_users minutes_per_day users users_at_trough mean_concurrent peak_concurrent "
    "trough_concurrent slots gpus usd_per_month",
    "economies": "lone_user_cost_ratio lone_user_reserved_cost_ratio users_within_2x users_within_10_percent "
    "floor_usd_per_million_tokens",
    "userbase of a service": "concurrent_users minutes_per_day users users_at_trough mean_concurrent peak_concurrent "
    "trough_concurrent slots gpus usd_per_month",
    "calibrate": "count median_abs_error_before median_abs_error p90_abs_error_before p90_abs_error determined_count "
    "undetermined_count skipped_count",
}
ECONOMIES = (
    "users concurrent_users batch replicas gpus utilization busy_share tokens_per_s_per_user usd_per_million_tokens "
    "usd_per_million_tokens_busy"
)
MANY = {"--sweep", "--sensitivity", "--family"}
COMPARE = "name flops_per_byte drain_time_s critical_batch flops_per_joule memory_bytes memory_bandwidth_bytes_per_s"
RUNS = "name dtype weight_bytes max_context tokens_per_s_per_user bands flags"
ASKED: dict[str, tuple[str, ...]] = {
    "fit": ("fit", *NOTE),
    "fit of a part": ("fit", "--gpu", "rtx-4090", "--family", "llama"),
    "utilization": ("utilization", *NOTE),
    "sweep-batch": ("sweep-batch", *NOTE),
    "userbase": ("userbase", "--concurrent", "1000"),
    "calibrate": (
        "calibrate",
        str(ROOT / "tests" / "data" / "results" / "llama_bench.json"),
        *("--gpu", "rtx-4090", "--model", "llama-3.1-8b"),
    ),
    "economies": ("economies", *NOTE),
    "userbase of a service": ("userbase", *NOTE, "--users", "100k", "--traffic", "work"),
    "compare": ("compare", "h100-note", "human-brain"),
    "compare all": ("compare", "--all"),
    "frontier of several": ("frontier", "--gpu", "h100", "--gpu", "l4", "--model", "llama-3.1-8b", "--max-gpus", "2"),
    "a trend": ("compare", "--all", "--trend"),
    "compare for a job": ("compare", "--model", "llama-3.1-70b", "--max-tpot", "60ms", "--vendor", "amd"),
    "a sweep": ("utilization", *NOTE, "--sweep", "gpu.memory_bandwidth=3TB/s:3PB/s:x10", "--sweep", "batch=1,500"),
    "a sweep of fit": ("fit", "--model", "llama-3.1-8b", "--gpu", "h100", "--sweep", "context=1k:256k:x4"),
    "a sweep of economies": ("economies", *NOTE, "--sweep", "users=1:1M:x100"),
    "a sensitivity": ("utilization", *NOTE, "--price", "2", "--sensitivity"),
    "presets list": ("presets", "list", "efficiency"),
    "presets show": ("presets", "show", "h100"),
    "presets show two": ("presets", "show", "mi300x", "rubin"),
    "presets path": ("presets", "path"),
}


@pytest.mark.parametrize("command", KEYS)
def test_the_keys_of_the_interface(command: str, run: Run) -> None:
    document = run(*ASKED[command], "--json").json
    assert set(KEYS[command].split()) <= set(document["results"])
    assert document["schema_version"] == 1
    assert document["command"] == ASKED[command][0]
    assert {"inputs", "results", "rows", "notes", "steps", "sources"} <= set(document)


def test_rows_have_the_keys_of_the_interface(run: Run) -> None:
    for row in run(*ASKED["sweep-batch"], "--json").json["rows"]:
        assert set(KEYS["utilization"].split()) <= set(row)
    for row in run(*ASKED["economies"], "--json").json["rows"]:
        assert set(ECONOMIES.split()) <= set(row)
    for row in run(*ASKED["compare"], "--json").json["rows"]:
        assert set(COMPARE.split()) <= set(row)
    for row in run(*ASKED["fit of a part"], "--json").json["rows"]:
        assert set(RUNS.split()) <= set(row)


@pytest.mark.parametrize("args", ASKED.values(), ids=ASKED.keys())
def test_what_has_no_value_is_null_with_a_note(args: tuple[str, ...], run: Run) -> None:
    document = run(*args, "--json").json
    said = " ".join(note["text"] for note in document["notes"] if note["code"] == "null")
    missing = [key for key, value in document["results"].items() if value is None]
    if args[0] in ("sweep-batch", "compare", "economies", "userbase") or MANY & {*args}:
        missing += [key for row in document["rows"] for key, value in row.items() if value is None]
    assert all(key in said for key in missing), [key for key in missing if key not in said]


@pytest.mark.parametrize("args", ASKED.values(), ids=ASKED.keys())
def test_the_same_question_gives_the_same_bytes(args: tuple[str, ...], run: Run) -> None:
    args = (*args, "--json", "--sources", *(() if MANY & {*args} else ("--steps",)))
    assert run(*args).out == run(*args).out


#: An answer with its work and its sources.
WHOLE = ("--steps", "--sources")


@grid("args", ASKED.values(), ids=ASKED.keys())
@pytest.mark.parametrize(
    ("form", "more"),
    [("table", ()), ("plain", ()), ("csv", ()), *((form, WHOLE) for form in ("plain", "markdown", "csv", "json"))],
    ids=lambda given: given if isinstance(given, str) else "whole" if given else "bare",
)
def test_every_command_has_every_form(args: tuple[str, ...], form: str, more: tuple[str, ...], run: Run) -> None:
    more = tuple(flag for flag in more if flag != "--steps" or not MANY & {*args})
    result = run(*args, "--format", form, *more)
    if form == "csv" and more:
        assert (result.code, result.out) == (2, "")
        return
    assert result.code == 0
    assert result.out.endswith("\n")
    assert "\x1b" not in result.out
    assert "nan" not in result.out.lower().split()
    if form in ("table", "plain"):
        assert max(map(len, map(str.rstrip, result.out.splitlines()))) <= 80 or more, "80 columns are enough"
    if form == "plain":
        assert not set("╭│┃━") & set(result.out)


def test_a_list_of_all_presets_fits_a_terminal(run: Run) -> None:
    lines = run("presets", "list", "--format", "table").out.splitlines()
    assert len(lines) > 280
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_the_work_is_shown_on_request(run: Run) -> None:
    document = run("utilization", *NOTE, "--steps", "--json").json
    steps = {step["name"]: step for step in document["steps"]}
    assert steps["memory_time"]["symbols"] == "t_m = R / (n × W × η_m)"
    assert steps["memory_time"]["numbers"] == "1.6 TB / (20 × 3 TB/s × 1)"
    assert steps["memory_time"]["value"] == pytest.approx(80 / 3000)
    assert all(step["source"] for step in steps.values())


def test_every_input_tells_where_it_is_from(run: Run) -> None:
    sources = run("utilization", *NOTE, "--sources", "--json", "--set", "gpu.power=1kW").json["sources"]
    by_key = {item["key"]: item for item in sources}
    assert by_key["gpu"]["value"] == "h100-note"
    assert by_key["gpu.memory_bandwidth"]["source"].startswith("Ege Erdil")
    assert by_key["params"]["origin"] == "--params"
    assert by_key["batch"]["origin"].startswith("assumed")


def test_set_answers_what_if(run: Run) -> None:
    engineered = run("utilization", *NOTE, "--set", "gpu.memory_bandwidth=30TB/s", "--json").json["results"]
    assert engineered["critical_batch"] == pytest.approx(50)
    assert engineered["memory_time_s"] == pytest.approx(0.08 / 30)


def test_it_does_not_fit(run: Run) -> None:
    result = run("fit", *NOTE, "--gpus", "8", "--json")
    assert result.code == 3
    found = result.json["results"]
    assert (found["fits"], found["gpus_for_weights"], found["shortfall_bytes"]) == (False, 20, 960e9)
    assert run("utilization", *NOTE, "--gpus", "8").code == 3


def test_h100_is_not_the_notes_and_says_so(run: Run) -> None:
    result = run("utilization", "--gpu", "h100", "--params", "1.6e12")
    assert "0.339%" in result.out
    assert "h100-note" not in result.err
    assert "h100-note" in run("utilization", "--gpu", "h100", "--params", "1.6e12", "--sources").err
    assert (
        "h100-note" not in run("utilization", "--gpu", "h100", "--params", "1.6e12", "--dtype", "bf16", "--sources").err
    )


def test_a_table_says_what_engineers_call_its_rows(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--isl", "1k", "--osl", "200")
    said = run(*asked)
    for label in ("utilization (MFU) ", "bandwidth utilization (MBU) ", "time to first token (TTFT) "):
        assert f"\n  {label}" in said.out
    document = run(*asked, "--json").json
    assert "(MFU)" in document.pop("verdict")
    assert "MFU" not in str(document)


def test_notes_hold_a_width_and_say_once_what_matters(run: Run) -> None:
    asked = ("frontier", "--gpu", "h100", "--gpu", "h200", "--gpu", "mi300x", "--model", "llama-3.1-70b")
    lines = run(*asked).err.splitlines()
    assert lines
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(("note: ", "      ")) for line in lines)
    said = "\n".join(lines)
    assert "memory is counted" not in said
    assert "is uncertain" not in said
    codes = {note["code"] for note in run(*asked, "--json").json["notes"]}
    assert {"memory-counted", "weak-figure"} <= codes
    assert len(run(*asked, "--sources").err.splitlines()) > len(lines)


def test_the_notes_thousand_stands_beside_the_five_hundred(run: Run) -> None:
    for command in ("utilization", "sweep-batch"):
        said = run(command, *NOTE, "--sources")
        assert "500" in said.out
        assert "1,000 users and a thousandfold cost" in " ".join(said.err.split())


def test_weak_figures_are_marked(run: Run) -> None:
    assert "apple-m3-max memory_bandwidth" not in run("utilization", "--gpu", "m3-max", "--params", "8B").err
    assert (
        "flops_bf16 is uncertain: derived" in run("utilization", "--gpu", "m3-max", "--params", "8B", "--sources").err
    )
    assert "rubin-nvl72 ~" in run("compare", "--all").out
    assert "288 GB ~" in run("presets", "show", "rubin").out


def test_memory_is_counted_as_the_profile_says(run: Run, tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "name: Mine\noverlap: operator\nmemory: engine\n"
        + "".join(
            f"{key}: {{value: 0.8, source: LAB}}\n" for key in ("memory_share", "compute_share", "link_share", "usable")
        )
        + "hop_latency: {value: 5us, source: LAB}\nstep_overhead: {value: 1ms, source: LAB}\n"
        'sources:\n  LAB: {title: "our own lab", date: 2026-01}\n'
    )
    args = ("utilization", "--gpu", "h100:20", "--params", "1.6e12", "--efficiency", str(profile), "--json")
    found = run(*args)
    assert found.json["inputs"]["gpu.memory_engine"] == pytest.approx(79.19 * 2**30)
    results = found.json["results"]
    assert results["memory_time_s"] == pytest.approx(1.6e12 / (20 * 3.35e12 * 0.8))
    assert results["step_time_s"] == pytest.approx(results["memory_time_s"] + 1e-3)
    assert results["bound_step_time_s"] == pytest.approx(1.6e12 / (20 * 3.35e12))
    assert "counted as engines see it" in " ".join(note["text"] for note in found.json["notes"])


def test_communication_goes_through_nodes(run: Run) -> None:
    """20 H100s are three nodes of 8: a ring inside at 450 GB/s, then an eighth of the message at 50 GB/s."""
    args = (
        "utilization",
        "--gpu",
        "h100:24",
        "--params",
        "1.6e12",
        "--layers",
        "100",
        "--hidden-size",
        "16384",
        "--json",
    )
    message = 16384 * 1
    inside = 2 * 7 / 8 * message / 450e9
    across = 2 * 2 / 3 * message / 8 / 50e9
    assert run(*args).json["results"]["communication_time_s"] == pytest.approx(200 * (inside + across))
    one = run("utilization", "--gpu", "h100", "--params", "7B", "--json").json["results"]
    assert one["communication_time_s"] == 0


def test_userbase_from_the_hardware(run: Run) -> None:
    found = run("userbase", *NOTE, "--price", "2", "--json").json["results"]
    assert (found["concurrent_users"], found["users"], found["gpus"]) == (500, 72_000, 20)
    assert found["usd_per_month"] == 2 * 20 * 730
    found = run("userbase", *NOTE, "--users", "1M", "--peak-to-mean", "1.35", "--json").json["results"]
    assert found["slots"] == 9375
    assert found["gpus"] == 19 * 20


def test_userbase_names_what_it_counts(run: Run) -> None:
    found = run("userbase", "--concurrent", "1000", "--decoding-share", "18%", "--json")
    assert found.json["results"]["people_online"] == pytest.approx(1000 / 0.18)
    text = run("userbase", "--concurrent", "1000", "--trough-to-mean", "0.144")
    assert "1,000,000 to fill the emptiest hour" in text.out.replace("\n", " ")
    assert "people with the app open" in text.out
    assert "0.144" in text.out


def test_sweep_marks_the_knee(run: Run) -> None:
    found = run("sweep-batch", *NOTE, "--batch", "1:1024", "--json").json
    assert found["results"]["knee_batch"] == 512
    assert found["results"]["lone_user_cost_ratio"] == pytest.approx(500)
    assert "> 512" in run("sweep-batch", *NOTE, "--batch", "1:1024").out
    short = run("sweep-batch", *NOTE, "--batch", "1,8")
    assert "--batch 1:512" in short.out


def test_compare_shows_the_notes_contrast(run: Run) -> None:
    said = run("compare", "h100-note", "human-brain")
    for figure in ("1,250x the memory", "500x the bandwidth", "1/30.43 of the power", "full at batch 1;"):
        assert figure in said.out.replace("\n", " ")
    assert "35x" in said.err


def test_compare_all_is_sorted_by_date(run: Run) -> None:
    rows = run("compare", "--all", "--json").json["rows"]
    dates = [row["released"] for row in rows if row["released"]]
    assert dates == sorted(dates)
    assert len(rows) >= 40


def test_presets_show_prints_every_figure_with_source_and_date(run: Run) -> None:
    rows = run("presets", "show", "H100 SXM", "--json").json["rows"]
    assert {"memory", "memory_reported", "memory_engine", "memory_bandwidth", "flops_fp8"} <= {
        row["key"] for row in rows
    }
    assert all(row["source"] and row["date"] for row in rows)
    assert run("presets", "show", "ideal").code == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "h100",
            "h100-sxm: NVIDIA H100 SXM5 80GB, 80 GB of memory (85.03 GB as engines count it), 3.35 TB/s of bandwidth, "
            "989.4 TFLOP/s dense in bf16, "
            "700 W; $3.49/h by neocloud rent of 2026-09.",
        ),
        ("v100", "125 TFLOP/s dense in fp16, 300 W; $3.06/h by listed rent of 2025-10."),
        ("human-brain", "1.5 PB/s of bandwidth, 3 PFLOP/s dense in fp8, 23 W."),
        (
            "apple-m4",
            "32 GB of memory (34.36 GB as engines count it), 120 GB/s of bandwidth, 4.6 TFLOP/s dense in bf16.",
        ),
    ],
)
def test_the_verdict_on_a_part_has_its_main_figures(name: str, said: str, run: Run) -> None:
    """The figures of its file, what is not known left out."""
    assert run("presets", "show", name, "--json").json["verdict"].endswith(said)


def test_two_models_side_by_side_have_their_ratios(run: Run) -> None:
    """DeepSeek-V3 keeps 512 + 64 elements a layer in 61 layers, Llama 8 heads of 128 of keys and values in 126, 2 B."""
    cache = (61 * (512 + 64) * 2, 126 * 2 * 8 * 128 * 2)
    answer = run("presets", "show", "deepseek-v3", "llama-3.1-405b", "--json").json
    first, second = answer["rows"]
    assert (first["kv_bytes_per_token"], second["kv_bytes_per_token"]) == cache
    assert [row["kv_bytes_per_sequence"] for row in answer["rows"]] == [each * 131072 for each in cache]
    assert second["flops_per_token"] == pytest.approx(2 * 403.75e9, rel=1e-3)  # 405.85B less the table of 2.1B
    flops = second["flops_per_token"] / first["flops_per_token"]
    said = (
        f"0.6048x the parameters (405.9B against 671B), {flops:.2f}x the FLOP a token (807.5 GFLOP against 73.25 GFLOP)"
    )
    assert said in answer["verdict"]
    assert f"{cache[1] / cache[0]:.3f}x the KV cache a token (516.1 kB against 70.27 kB)" in answer["verdict"]
    assert "1/1.653x" in run("presets", "show", "deepseek-v3", "llama-3.1-405b").out


def test_two_accelerators_side_by_side_have_their_ratios(run: Run) -> None:
    """Data sheets: 989.4 TFLOP/s both, 4.8 to 3.35 TB/s, 141 to 80 GB."""
    verdict = run("presets", "show", "h100", "h200", "--json").json["verdict"]
    assert verdict == (
        "Beside h100-sxm, h200-sxm has 1x the dense FLOP/s (989.4 TFLOP/s against 989.4 TFLOP/s), "
        f"{4.8 / 3.35:.3f}x the bandwidth (4.8 TB/s against 3.35 TB/s) and "
        f"{141 / 80:.3f}x the memory (141 GB against 80 GB)."
    )


def test_a_preset_and_a_config_stand_side_by_side(run: Run, tmp_path: Path) -> None:
    """A token of DeepSeek LLM 67B keeps K and V of 8 heads of 128 in 95 layers, of V2 512 + 64 values in 60 layers."""
    config = {"model_type": "llama", "hidden_size": 8192, "intermediate_size": 22016, "num_attention_heads": 64}
    config |= {"num_hidden_layers": 95, "num_key_value_heads": 8, "vocab_size": 102400, "torch_dtype": "bfloat16"}
    file = tmp_path / "ds67.json"
    file.write_text(json.dumps(config))
    for name in (str(file), "deepseek-67b"):
        rows = run("presets", "show", "deepseek-v2", name, "--json").json["rows"]
        assert [row["kv_bytes_per_token"] for row in rows] == [2 * 60 * 576, 2 * 95 * 2 * 8 * 128]
    assert rows[1]["total_params"] == 95 * (3 * 8192 * 22016 + 2 * 8192**2 + 2 * 8192 * 1024 + 2 * 8192) + 8192 * (
        2 * 102400 + 1
    )


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("h100", "deepseek-v3"), "infercost fit --gpu h100-sxm --model deepseek-v3 asks about both"),
        (("chat", "rag"), "show one by itself"),
        (("h100", "h200", "b200"), "presets list --csv has figures of all"),
        (("deepseek-v3", "llama-3.1-405x"), "did you mean llama-3.1-405b"),
    ],
)
def test_what_does_not_stand_side_by_side_is_refused(names: tuple[str, ...], hint: str, run: Run) -> None:
    refused = run("presets", "show", *names)
    assert (refused.code, refused.out) == (2, "")
    assert hint in " ".join(refused.err.split())


def test_version(run: Run) -> None:
    assert run("--version").out == f"infercost {infercost.__version__}\n"
    said = subprocess.run([sys.executable, "-m", "infercost", "--version"], capture_output=True, env=bare_env())
    assert said.stdout.decode() == f"infercost {infercost.__version__}\n"


def test_help_is_plain(run: Run) -> None:
    assert "utilization" in run().out
    said = run("utilization", "--help").out
    assert "--gpu NAME[:N]" in said
    assert "-o" in said.replace(",", " ").split()
    assert "[FILE]..." in run("calibrate", "--help").out
    assert not set("╭│") & set(said)
    assert max(map(len, said.splitlines())) <= 80


def typed(*words: str) -> dict[str, str]:
    """What bash sets when somebody asks for the rest of the last word."""
    return {
        "_INFERCOST_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("infercost", *words)),
        "COMP_CWORD": str(len(words)),
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("util",), "utilization"),
        (("utilization", "--par"), "--params"),
        (("utilization", "--gpu", "h100-n"), "h100-note"),
        (("fit", "--gpu", "rtx-40"), "rtx-4090"),
        (("compare", "human"), "human-brain"),
        (("presets", "sh"), "show"),
        (("presets", "show", "mi3"), "mi300x"),
        (("utilization", "--dtype", "bf"), "bf16"),
        (("utilization", "--efficiency", "id"), "ideal"),
        (("utilization", "--format", "ma"), "markdown"),
        (("utilization", "--overlap", "fu"), "full"),
    ],
)
def test_completion(words: tuple[str, ...], expected: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in typed(*words).items():
        monkeypatch.setenv(name, value)
    assert expected in run().out.split()


def test_the_console_script_completes() -> None:
    command = [sys.executable, "-c", "from infercost.__main__ import entry; entry()"]
    said = subprocess.run(command, capture_output=True, env=bare_env(**typed("utilization", "--gpu", "h100-n")))
    assert "h100-note" in said.stdout.decode().split()


def test_colour_follows_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ("utilization", *NOTE)
    assert "\x1b" not in run(*args).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1m" in run(*args).out
    assert "╭" in run(*args).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(*args, "--format", "table").out
    assert "╭" not in run(*args).out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "0")
    assert "\x1b" not in run(*args).out


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_width_is_honoured(columns: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = run("utilization", *NOTE, "--format", "table").out.splitlines()
    assert max(map(len, lines)) <= int(columns)


def test_an_ascii_stream_gets_ascii() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "infercost", "sweep-batch", *NOTE, "--steps", "--format", "table"],
        capture_output=True,
        env=bare_env(PYTHONIOENCODING="ascii", PYTHONUTF8="0"),
    )
    assert said.returncode == 0
    text = said.stdout.decode("ascii")
    assert "#####" in text
    assert "x W x eta_m" in text


def test_from_python() -> None:
    report = infercost.fit(gpu="h100-note", params=1.6e12)
    assert report["gpus_for_weights"] == 20
    part: Any = infercost.accelerator("h100")
    assert infercost.utilization(gpu=part, params="70B")["gpus"] == 1
    assert infercost.sweep_batch(gpu="h100", params=70e9, batch=[1, 8])["gpus"] == 1
    assert infercost.userbase(concurrent=1000)["users"] == 144_000
    assert infercost.compare("h100", part).series.rows[0]["flops_per_byte"] == pytest.approx(590.7, rel=1e-4)
    assert infercost.to_text(report).startswith("20 accelerators")
    assert infercost.utilization(gpu="h100", params=1e9, steps=True).steps
    with pytest.raises(infercost.InfercostError):
        infercost.fit(gpu="h100", params=float("nan"))
    with pytest.raises(infercost.InfercostError):
        infercost.fit(gpu="h100", parms=1e9)
    with pytest.raises(AttributeError):
        report.met = False  # type: ignore[misc]
    with pytest.raises(KeyError):
        report["nothing"]


def test_long_remarks_beside_wide_intervals_hold_80_columns(run: Run) -> None:
    load = ("--concurrency", "64", "--isl", "4k", "--osl", "1k")
    said = run("utilization", "--model", "qwen3-235b", "--gpu", "8xH100", *load).out
    assert max(map(len, said.splitlines())) <= 80
