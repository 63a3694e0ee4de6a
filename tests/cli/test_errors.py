"""Every wrong question ends in two lines and exit code 2, with nothing on standard output."""

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from infercost.errors import extra, nearest
from tests.conftest import Run, bare_env

UTILIZATION = ("utilization", "--gpu", "h100", "--params", "70B")
WRONG = {
    "zero": ("utilization", "--gpu", "h100", "--params", "0"),
    "negative": ("utilization", "--gpu", "h100", "--params", "-5"),
    "nan": ("utilization", "--gpu", "h100", "--params", "nan"),
    "infinite": ("utilization", "--gpu", "h100", "--params", "inf"),
    "absurd": ("utilization", "--gpu", "h100", "--params", "1e400"),
    "empty": ("utilization", "--gpu", "h100", "--params", ""),
    "wrong unit": ("utilization", "--gpu", "h100", "--params", "80GB"),
    "arabic digits": ("utilization", "--gpu", "h100", "--params", "٧٠B"),
    "unknown preset": ("utilization", "--gpu", "h10o", "--params", "70B"),
    "empty preset": ("utilization", "--gpu", "", "--params", "70B"),
    "count of a preset": ("utilization", "--gpu", "h100:0", "--params", "70B"),
    "two counts": (*UTILIZATION[:2], "h100:2", *UTILIZATION[3:], "--gpus", "4"),
    "no gpu": ("utilization", "--params", "70B"),
    "no model": ("utilization", "--gpu", "h100"),
    "unknown option": (*UTILIZATION, "--betch", "8"),
    "unknown command": ("utilisation",),
    "option without value": ("utilization", "--gpu"),
    "stray word": (*UTILIZATION, "stray"),
    "fractional batch": (*UTILIZATION, "--batch", "1.5"),
    "list where a number goes": (*UTILIZATION, "--batch", "1,2"),
    "falling range": ("sweep-batch", *UTILIZATION[1:], "--batch", "8:1"),
    "share above one": (*UTILIZATION, "--usable", "90"),
    "unknown dtype": (*UTILIZATION, "--dtype", "fp9"),
    "unknown rule": (*UTILIZATION, "--overlap", "some"),
    "unknown form": (*UTILIZATION, "--format", "xml"),
    "two forms": (*UTILIZATION, "--csv", "--format", "plain"),
    "more active than all": (*UTILIZATION, "--active-params", "80B"),
    "layers without width": (*UTILIZATION, "--layers", "80"),
    "width without layers": (*UTILIZATION, "--hidden-size", "8192"),
    "set without value": (*UTILIZATION, "--set", "gpu.memory_bandwidth"),
    "set of no scope": (*UTILIZATION, "--set", "memory_bandwidth=3TB/s"),
    "set of another scope": (*UTILIZATION, "--set", "cpu.memory_bandwidth=3TB/s"),
    "set of no figure": (*UTILIZATION, "--set", "gpu.memory_bandwith=3TB/s"),
    "set of a wrong unit": (*UTILIZATION, "--set", "gpu.memory_bandwidth=3TB"),
    "no rate": ("utilization", "--gpu", "cerebras-wse3", "--params", "70B", "--dtype", "fp32"),
    "three words": ("presets", "show", "h100", "extra"),
    "a count of nothing": ("fit", "--gpu", "h100:", "--params", "70B"),
    "a billion devices": ("fit", "--gpu", "h100", "--params", "70B", "--gpus", "1e24"),
    "steps in csv": (*UTILIZATION, "--csv", "--steps"),
    "no rate for the format": ("utilization", "--gpu", "h100-note", "--params", "70B", "--dtype", "bf16"),
    "no link": ("utilization", "--gpu", "groq:16", "--model", "llama-3.2-1b"),
    "nothing to ask": ("userbase",),
    "both ways": ("userbase", "--concurrent", "1000", "--users", "1M"),
    "minutes beyond a day": ("userbase", "--concurrent", "1000", "--minutes-per-day", "1500"),
    "nothing to compare": ("compare",),
    "unknown part": ("compare", "h100", "h1000"),
    "unknown profile": (*UTILIZATION, "--efficiency", "idael"),
    "unknown word": ("presets", "lst"),
    "nothing to show": ("presets", "show"),
    "unknown name": ("presets", "show", "h100x"),
    "unknown family": ("presets", "list", "acelerators"),
    "missing scenario": ("fit", "--scenario", "nowhere.yaml"),
    "a folder as scenario": ("fit", "--scenario", "."),
    "a folder as gpu": ("fit", "--gpu", "./", "--params", "70B"),
    "an output nobody may write": (*UTILIZATION, "--output", "/nowhere/at/all.json"),
    "a folder as output": (*UTILIZATION, "--output", "."),
}


#: Each place where a name of a preset goes, at the end.
NAMES = {
    "accelerators": ("fit", "--model", "llama-3.1-8b", "--gpu"),
    "parts to compare": ("compare", "h100"),
    "models": ("fit", "--gpu", "h100", "--model"),
    "drafts": (
        *UTILIZATION[:3],
        "--model",
        "llama-3.1-70b",
        "--draft-tokens",
        "4",
        "--acceptance",
        "0.8",
        "--draft-model",
    ),
    "hosts": ("fit", "--gpu", "rtx-4090", "--model", "llama-3.1-70b", "--host"),
    "efficiency": (*UTILIZATION, "--efficiency"),
    "traffic": ("userbase", "--gpu", "h100", "--model", "llama-3.1-8b", "--users", "1k", "--traffic"),
    "workloads": ("userbase", "--gpu", "h100", "--model", "llama-3.1-8b", "--users", "1k", "--workload"),
    "all": ("presets", "show"),
}


@pytest.mark.parametrize("name", ["", " ", "-", "_", "*", "@1.0", ":2"])
@pytest.mark.parametrize("args", NAMES.values(), ids=NAMES.keys())
def test_a_name_without_a_letter_is_no_presets(args: tuple[str, ...], name: str, run: Run) -> None:
    """A variable of the shell that is not set names nothing: it must not be answered with the first of the list."""
    result = run(*args, name)
    assert (result.code, result.out) == (2, "")
    error, hint = result.err.splitlines()[:2]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert "presets list" in result.err


@pytest.mark.parametrize("args", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_question(args: tuple[str, ...], run: Run) -> None:
    result = run(*args)
    assert result.code == 2
    assert result.out == ""
    lines = result.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")


@pytest.mark.parametrize(
    ("args", "suggestion"),
    [
        (("utilization", "--gpu", "h10o", "--params", "70B"), "did you mean h100"),
        (("utilization", "--gpu", "rtx-4091", "--params", "70B"), "did you mean rtx-4090"),
        (("presets", "lst"), "did you mean list"),
        ((*UTILIZATION, "--set", "gpu.memory_bandwith=3TB/s"), "did you mean memory_bandwidth"),
        ((*UTILIZATION, "--dtype", "bf61"), "did you mean bf16"),
    ],
)
def test_a_near_miss_suggests(args: tuple[str, ...], suggestion: str, run: Run) -> None:
    assert suggestion in run(*args).err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("utilization --prompt 1000", "did you mean --input-tokens? "),
        ("economies --utilization 30%", "how well hardware is used follows from its load: economies --load 30% has "),
        ("utilization --spot 60%", "a price is what you pay: --price 1.40 for a spot one, "),
        ("fit --credit 100k", "gives USD a month of devices that always run: a credit over it is the months that "),
        (
            "economies --sell-price 0.5",
            "a price of tokens, an API's or one that you sell at, is --api-price IN/OUT in ",
        ),
        ("economies --output-price 0.5", "a price of tokens, an API's or one that you sell at, is --api-price IN/OUT "),
        ("economies --sell 0.5", "a price of tokens, an API's or one that you sell at, is --api-price IN/OUT in USD "),
        ("economies --max-usd-per-million 1", "did you mean --max-cost? "),
        ("fit --cpu 9950x", "a processor is a part like others: --gpu ryzen-9-9950x; "),
        ("fit --cpu-offload-gb 9", "did you mean --offload? "),
        ("fit --vram 48", "a part has its memory: --gpu NAME, and --set gpu.memory=48GB for another size of it; "),
        ("userbase --chats-per-day 3", "did you mean --messages-per-day? "),
        ("utilization --server-price 30k", "did you mean --purchase-price? "),
        ("userbase --server-price 30k", "did you mean --purchase-price? "),
        ("userbase --revenue-per-user 20", "userbase --users N --seat-price 49 gives the gross margin at what "),
        ("fit --lora 20", "hint: adapters are not modelled: leave their bytes room, --usable 80% "),
        ("fit --max-loras 20", "adapters are not modelled"),
        ("utilization --p99-ttft 1s", "hint: times are means, percentiles are not modelled: userbase --max-wait-"),
        ("userbase --ttft-p95 1s", "times are means"),
        ("utilization --batch-wait 20ms", "no request waits for a batch to fill"),
        ("fit --load-time 10s", "weight_bytes of fit --json over the bytes a second of your disk"),
        ("fit --cold-start 10s", "starting is not modelled"),
        ("fit --quantization-error 1%", "not what a format does to answers"),
        ("fit --finetune yes", "inference alone is counted, no training"),
        ("fit --co2", "grams of CO2 are the Wh of an answer times the grams a Wh of your grid"),
        ("utilization --carbon-intensity 0.4", "wh_per_request"),
        ("fit --quiet", "hint: the verdict alone is jq -r .verdict behind --json"),
        ("userbase -q", "hint: the verdict alone is jq -r .verdict behind --json"),
        ("fit -m llama-3.1-8b", "hint: did you mean --model? infercost fit --help shows"),
        ("fit --gpu h100 -tp 2", "hint: did you mean --tp? "),
        ("utilization -prompt 5", "hint: did you mean --input-tokens? "),
        ("fit -u 5", "hint: --users is of userbase, economies, "),
        ("-V", "hint: did you mean --version? "),
        ("--json fit --gpu h100", '"hint": "options go behind the command: infercost fit --json --gpu h100"'),
        ("fit --output", "requires an argument\nhint: --output FILE: write there instead of standard output"),
        ("frontier --best", "requires an argument\nhint: --best WHICH: one row: cost, speed or knee, "),
        ("frontier --best --max-ttft 1s", "--best has no value before --max-ttft\nhint: --best WHICH: one row: cost, "),
        ("economies --gpu h100 --model qwen3-8b --api-price gpt-4o-mini", "as IN/OUT or IN/OUT/CACHED, 0.20/0.60 or "),
        ("userbase --gpu h100 --users 9 --model qwen3-8b --api-price a/b", "OUT alone: the provider's page of prices "),
        ("fit --no-color", "hint: NO_COLOR=1 before the command leaves colours out"),
        ("presets show jamba-1.5-large", "hint: of jamba there is jamba-v0.1; "),
        ("fit --gpu h100 --model jamba-1.5-large", "hint: of jamba there is jamba-v0.1; "),
        (
            "fit --gpu rock-5b --model qwen3-8b",
            "goes by a file with its memory, memory_bandwidth and flops_bf16 (--gpu FILE.yaml)",
        ),
        (
            "userbase --gpu l4 --model qwen3-8b --users 900 --messages-per-day 8 --isl 9 --osl 9 --trough-to-mean 0.2",
            "--trough-to-mean is an answer here: replicas are counted hour by hour\nhint: leave it out: --traffic has",
        ),
        ("utilization --gpu-memory-utilization 0.9", "did you mean --usable? "),
        ("utilization --ctx 4096", "did you mean --context? "),
        ("utilization --batch 1,8,64", "as 8, 128 or 4k; several are asked with --sweep batch=1,8,64"),
        ("utilization --contxt 4096", "did you mean --context? "),
        ("userbase --users-per-day 5", "did you mean --users? "),
        ("fit --model gemma-3-27b-it-q4_K_M --gpu h100", "the format goes apart: --model gemma-3-27b --dtype q4_k_m; "),
        ("fit --model kimi-k2-0905 --gpu h100", "did you mean kimi-k2? "),
        ("fit --model gpt-4o --gpu h100", "the size of gpt-4o is not published"),
        ("userbase --users 10000 --model gpt-5 --max-ttft 2s", "the size of gpt-5 is not published"),
        ("userbase --users 10000 --model gpt-5", "the size of gpt-5 is not published"),
        ("userbase --users 10000 --model qwen3-8b", "infercost compare --model qwen3-8b --users 10000 finds one"),
        (
            "userbase --users 1e4 --model qwen3-8b --max-ttft 2s",
            "a service needs --gpu\nhint: infercost compare --mo",
        ),
        ("userbase --concurrent 50 --model qwen3-8b --max-ttft 2s", "a service needs --gpu\nhint: for example --gpu"),
        ("userbase --users 10000 --api-price 1/3", "userbase needs --messages-per-day"),
        ("fit --model gpt-oss-120 --gpu h100", "did you mean gpt-oss-120b? "),
        ("fit --model deepseek-99b --gpu h100", "shows all, or its config.json: --model ./config.json"),
        ("fit --model llama-99 --gpu h100", "hint: did you mean llama-8b? "),
        ("fit --model gpt-oss-20b --gpu l4 --host ddr5-desktop", "did you mean desktop-ddr5? "),
        ("utilization --gpu h100 --model qwen3-32b --draft-model qwen3-0.6b", "needs --draft-tokens, --acceptance too"),
        ("utilization --gpu h100 --model qwen3-32b --model qwen3-8b", "here --sweep model=A,B"),
        (
            "compare h100 --model qwen3-32b --model=qwen3-8b",
            "compare answers for one --model\nhint: frontier --model takes several; economies --sweep model=A,B has",
        ),
        (
            "fit --gpu h100 --gpu l4 --model qwen3-8b",
            "fit answers for one --gpu\nhint: two kinds are not counted as one: economies, frontier and compare",
        ),
        ("userbase --gpu h100 --model qwen3-8b --max-tpot 40ms", "or --replicas 1 for what one takes"),
        ("utilization --gpu h100 --model qwen3-32b --draft-tokens 4", "needs --acceptance, --draft-model too"),
        (
            "utilization --gpu h100 --model qwen3-32b --isl 4 --context 9",
            "--input-tokens is given: give --output-tokens too",
        ),
    ],
)
def test_a_word_of_others_is_answered_with_that_of_here(asked: str, said: str, run: Run) -> None:
    """What people bring from engines and hubs, and all that is missing at once; Typer's own list is left out."""
    result = run(*asked.split())
    assert result.code == 2
    assert said in result.err
    assert "Possible options" not in result.err


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("utilization --gpu h200:8 --model llama-3.3-70b --dtype fp8 --max-ttft 2s --max-tpot 30ms", "frontier"),
        ("utilization --gpu h100 --model qwen3-8b --users 100 --json", "userbase"),
        ("utilization --gpu h100 --model qwen3-8b --max-ttft 2s --request-rate 3", ""),
        ("utilization --gpu h100 --model no-such-model --max-ttft 2s", ""),
        ("fit --gpu h100 --model qwen3-8b --trace -", ""),
        ("fit --gpu h100 --model qwen3-8b --max-ttft 2s --help", ""),
    ],
)
def test_an_option_of_another_command_is_answered_with_a_command(asked: str, taken: str, run: Run) -> None:
    """The same words under the first command that takes all of them, which answers; without one its own options."""
    result = run(*asked.split())
    hint = result.err
    assert (result.code, result.out) == (2, "")
    if not taken:
        assert "; infercost" in hint
        assert "--help shows its own" in hint
        return
    words = asked.split()[1:]
    assert f": infercost {taken} {' '.join(words)}" in hint
    assert run(taken, *words).code in (0, 3)


@pytest.mark.parametrize(
    ("asked", "again"),
    [
        (
            "utilization --gpu h100 --model qwen3-8b --requests 9k --isl 500 --osl 200 --max-time 1h",
            "--gpu h100 --model qwen3-8b --requests 9k --isl 500 --osl 200 --deadline 1h",
        ),
        (
            "compare b200 h100 --model qwen3-8b --users 100 --deadline=3h --rentable",
            "--gpu b200 --model qwen3-8b --deadline 3h --requests 1M --isl 1k --osl 300",
        ),
        (
            "userbase --requests 10 --time-limit 3h",
            "--requests 10 --deadline 3h --gpu h100 --model llama-3.1-70b --isl 1k --osl 300",
        ),
        (
            "fit --model no-such-model --max-time 3h",
            "--gpu h100 --model llama-3.1-70b --requests 1M --isl 1k --osl 300 --deadline 24h",
        ),
    ],
)
def test_a_longest_time_is_answered_with_the_whole_question_about_a_job(asked: str, again: str, run: Run) -> None:
    """What a job takes of the words is kept, what it needs beside them is an example, and the command answers."""
    result = run(*asked.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.endswith(f"hint: a job's longest time is --deadline: infercost utilization {again}\n")
    assert run("utilization", *again.split()).code == 0


def test_an_unknown_option_names_the_near_one(run: Run) -> None:
    assert "--batch" in run(*UTILIZATION, "--betch", "8").err


SCENARIOS = {
    "broken": "gpu: [h100",
    "a key that does not exist": "gpu: h100\nparamz: 70B",
    "a value of the wrong kind": "gpu: h100\nparams: 80GB",
    "a mapping where a value goes": "gpu: {name: h100}\nparams: 70B",
    "a key twice": "gpu: h100\ngpu: h200\nparams: 70B",
    "a key in both spellings": "minutes-per-day: 5\nminutes_per_day: 6\nconcurrent: 4",
    "a list": "- gpu\n- params",
    "empty": "",
    "an alias bomb": "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]",
    "tabs": "gpu:\th100\n\tparams: 3",
    "control characters": "gpu: h\x01100",
}


@pytest.mark.parametrize("text", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_a_wrong_scenario(text: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(text)
    result = run("userbase" if "minutes" in text else "fit", "--scenario", str(path))
    assert result.code == 2
    assert result.out == ""
    assert "case.yaml" in result.err
    assert len(result.err.splitlines()) == 2


def test_several_documents_in_a_scenario_are_told_to_be_one_list(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("params: 8B\n---\nparams: 70B\n")
    assert "write one list: '- key: value' starts each question" in run("fit", "--scenario", str(path)).err


def test_several_numbers_in_a_scenario_are_not_told_a_flag_of_its_name(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("batch: '1,8,64'\nparams: 8B\ngpu: h100\n")
    said = run("utilization", "--scenario", str(path))
    assert said.err.splitlines()[1] == "hint: write a whole number as 8, 128 or 4k"


def test_a_binary_scenario(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(bytes(range(256)))
    assert "binary" in run("fit", "--scenario", str(path)).err


def test_scalars_are_text_and_not_yamls_types(run: Run, tmp_path: Path) -> None:
    """YAML 1.1 reads 1:32 as 92 and 1e12 as a string; our parsers read a range and a trillion."""
    path = tmp_path / "case.yaml"
    path.write_text("gpu: h100\nparams: 1e12\nbatch: 1:32\n")
    rows = run("sweep-batch", "--scenario", str(path), "--json").json["rows"]
    assert [row["batch"] for row in rows] == [1, 2, 4, 8, 16, 32]
    path.write_text("gpu: h100\nparams: no\n")
    assert "'no' is not a number" in run("fit", "--scenario", str(path)).err


def test_flags_win_over_the_scenario_and_its_other_keys_are_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text('{"gpu": "h100", "params": "70B", "minutes-per-day": 5}')
    result = run("fit", "--scenario", str(path), "--params", "1.6e12")
    assert result.code == 0
    assert "1.6 TB" in result.out
    assert "does not use minutes-per-day" in result.err


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "infercost", *args]


def test_a_scenario_from_standard_input() -> None:
    said = subprocess.run(
        command("fit", "--scenario", "-"), input=b"gpu: h100\nparams: 70B\n", capture_output=True, env=bare_env()
    )
    assert said.returncode == 0
    assert b"70 GB of weights" in said.stdout


@pytest.mark.parametrize(
    ("closing", "said"), [("<&-", "standard input is closed"), (">&-", "standard output is closed")]
)
def test_a_closed_stream(closing: str, said: str) -> None:
    shell = f'exec "{sys.executable}" -m infercost fit --scenario - {closing}'
    given = b"" if closing == "<&-" else b"gpu: h100\nparams: 70B\n"
    result = subprocess.run(["sh", "-c", shell], input=given, capture_output=True, env=bare_env())
    assert result.returncode == 2
    assert said in result.stderr.decode()
    assert b"Traceback" not in result.stderr


def test_a_closed_pipe_ends_quietly() -> None:
    with subprocess.Popen(
        command("compare", "--all", "--steps"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=bare_env()
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_full_device_is_said() -> None:
    shell = f'exec "{sys.executable}" -m infercost fit --gpu h100 --params 70B > /dev/full'
    env = {key: value for key, value in bare_env().items() if key != "PYTHONUNBUFFERED"}
    result = subprocess.run(["sh", "-c", shell], capture_output=True, env=env)
    assert result.returncode == 2
    assert b"no space left" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_defect_says_how_to_report_it(tmp_path: Path) -> None:
    code = (
        "import infercost.analyses.fit as fit, infercost.__main__ as start, sys\n"
        "fit.answer = lambda asked: 1 / 0\n"
        "sys.argv = ['infercost', 'fit', '--gpu', 'h100', '--params', '1B']\n"
        "start.entry()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, env=bare_env(), cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == b""
    assert b"defect in infercost" in result.stderr
    assert b"infercost fit --gpu h100 --params 1B" in result.stderr


@pytest.mark.parametrize("more", [("--gpu", "b200"), ("--gpu=b200",)])
def test_several_accelerators_are_asked_about_where_they_are_compared(more: tuple[str, ...], run: Run) -> None:
    said = run("userbase", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--users", "1M", *more)
    assert (said.code, said.out) == (2, "")
    assert "one --gpu" in said.err
    assert "two kinds are not counted as one: economies, frontier and compare ask each apart" in said.err
    assert "split evenly, a pair does what two of the lesser do, --gpu NAME:2" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "--gpu", "h100", "--model", "qwen3-8b", "--sweep", "bath=1:64"),
        ("fit", "--gpu", "h100", "--model", "qwen3-8b", "--dtype", "mlx"),
        ("fit", "--gpu", "h100", "--params", "8B", "--set", "gpu.memry=3"),
        ("fit", "--gpu", "h100", "--params", "8B", "--scenario", "case.yaml"),
    ],
)
def test_a_hint_names_a_few_of_many(
    words: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "case.yaml").write_text("bath: 3\n")
    monkeypatch.chdir(tmp_path)
    said = run(*words)
    assert said.code == 2
    hint = said.err.partition("hint: ")[2]
    assert len(hint) < 250
    assert hint.count(",") <= 12
    assert "bath" not in said.err or hint.startswith("did you mean batch?")


def test_a_part_with_an_unknown_key_is_told_the_nearest_few(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: Mine\nflops: 3 TFLOP/s\nmemory: 8 GB\nmemory_bandwidth: 100 GB/s\n")
    hint = run("fit", "--gpu", str(tmp_path / "mine.yaml"), "--params", "1B").err.partition("keys: ")[2]
    assert hint.count(",") == 4
    assert hint.startswith("flops_bf16, ")


@pytest.mark.parametrize(
    "asked",
    [
        "fit --gpu h100:2 --model llama-3.1-70b --dtype fp8 --set gpu.memory=90GB",
        "utilization --gpu h100:8 --model deepseek-v3 --dtype int4 --workload chat --concurrency 32",
        "userbase --gpu h100:4 --model llama-3.1-70b --users 5k --max-tpot 40ms --workload chat --scale-down",
        "economies --gpu h100 --gpu h200 --model llama-3.1-8b --points 2",
        "sweep-batch --gpu h100 --params 8B --batch 1,8",
        "fit --gpu h100 --model llama-3.1-8b --sweep context=4k,8k",
    ],
)
def test_an_answer_as_a_scenario_is_asked_again(asked: str, run: Run, tmp_path: Path) -> None:
    """Byte for byte; a flag wins as over any scenario."""
    command, *_ = asked.split()
    first = run(*asked.split(), "--json").out
    (tmp_path / "answer.json").write_text(first)
    again = (command, "--scenario", str(tmp_path / "answer.json"))
    assert run(*again, "--json").out == first
    if command == "userbase":
        assert run(*again, "--users", "7k", "--json").json["inputs"]["users"] == 7000


def test_an_answer_without_its_question_is_no_scenario(run: Run, tmp_path: Path) -> None:
    """That of words is not in its options."""
    (tmp_path / "answer.json").write_text(run("compare", "h100", "l40s", "--json").out)
    said = run("compare", "--scenario", str(tmp_path / "answer.json"))
    assert said.code == 2
    assert "answer.json: this is an answer of infercost that does not hold its question\nhint: write its" in said.err


def test_the_nearest_names_come_first() -> None:
    names = [f"other{number}" for number in range(30)] + ["batch"]
    assert nearest("bath", names).startswith("batch, ")
    assert nearest("bath", names).count(",") == 9
    assert nearest("bath", ["a", "b"]) == "a, b"


def test_experts_over_more_devices_than_a_replica_has_are_explained(run: Run) -> None:
    asked = ("fit", "--model", "deepseek-v3", "--gpu", "h200:16", "--ep", "16")
    said = run(*asked, "--dp", "16")
    assert "--dp counts replicas: without it --ep 16 alone spreads attention over 16" in said.err
    assert run(*asked).code == 0


def test_a_model_to_validate_points_to_the_table_by_model(run: Run) -> None:
    assert "infercost validate --by model" in run("validate", "--tp", "8").err


@pytest.mark.parametrize(
    ("asked", "what", "hint"),
    [
        ("userbase --model llama-3.1-8b", "userbase needs --gpu for --model", "for example --gpu h100\n"),
        ("userbase --kv-dtype fp8", "userbase needs --gpu for --kv-dtype", "--gpu h100 --model llama-3.1-70b\n"),
        ("compare h100 --isl 1k", "compare needs --model for --input-tokens", "--model llama-3.1-70b\n"),
        (
            "utilization --gpu h100",
            "utilization needs a model: --model NAME, or --params COUNT",
            "--model llama-3.1-70b\n",
        ),
        ("fit --gpu h100 --params 8B --tp 2", "--tp needs --model: a bare count has no layers", "llama-3.1-70b\n"),
        (
            "fit --gpu h100 --params 8B --kv-dtype fp8 --tp 2",
            "--kv-dtype, --tp need --model: a bare count has no layers",
            "llama-3.1-70b\n",
        ),
        (
            "utilization --gpu h100 --params 8B --request-rate 3",
            "--request-rate needs --model: a bare count has no layers",
            "llama-3.1-70b\n",
        ),
        (
            "fit --gpu h100 --model llama-3.1-8b --draft llama-3.2-1b",
            "--draft: 'llama-3.2-1b' is not one of its values",
            "choose mtp, eagle3, or name a model: --draft-model NAME --draft-tokens 4",
        ),
        (
            "compare deepseek-v3 llama-3.1-405b",
            "no accelerator preset is called 'deepseek-v3'",
            "deepseek-v3 is a model: two side by side: infercost presets show deepseek-v3 llama-3.1-405b; its parts: "
            "infercost compare --model deepseek-v3\n",
        ),
        (
            "compare h100 qwen3-32b",
            "no accelerator preset is called 'qwen3-32b'",
            "a model: its parts: infercost compare h100 --model qwen3-32b",
        ),
        (
            "fit --gpu qwen3-32b",
            "no accelerator preset is called 'qwen3-32b'",
            "qwen3-32b is a model: --model qwen3-32b\n",
        ),
        ("fit --gpu cpu --params 8B", "no accelerator preset is called 'cpu'", "a cpu is epyc-genoa or epyc-turin"),
        (
            "sweep-batch --gpu h100 --params 8B --batch 1,024",
            "--batch: '1,024' is a list of values here, not a number",
            "without commas: 1024\n",
        ),
        ("fit --gpu h100 --params 70", "--params: '70' has no unit", "70 parameters: did you mean 70B?"),
        (
            "fit --gpu h100 --params 70B --set gpu.memory_bandwidth=3",
            "--set gpu.memory_bandwidth: '3' has no unit",
            "3 B/s: did you mean 3TB/s?",
        ),
    ],
)
def test_an_error_names_options_as_they_are_typed(run: Run, asked: str, what: str, hint: str) -> None:
    result = run(*asked.split())
    assert result.code == 2
    assert result.err.startswith(f"error: {what}\nhint: ")
    assert hint in result.err


def test_an_extra_is_of_the_package_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip takes what is installed as it is, and adds what the extra needs, from wherever it runs."""
    assert extra("plot") == "pip install 'infercost[plot]'"

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
    assert extra("plot") == "pip install '.[plot]'"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("economies --params 1.8T --active-params 280B --gpu h100:16 --dtype fp8", "ask for --gpu h100:23, or"),
        ("economies --params 1.8T --active-params 280B --gpu h100 --gpus 16 --dtype fp8", "ask for --gpus 23, or"),
        ("fit --params 1.8T --gpu 16xh100 --dtype fp8", "ask for --gpu h100:23, or"),
    ],
)
def test_a_count_is_asked_for_as_it_was_given(asked: str, hint: str, run: Run) -> None:
    """1.8 TB over 80 GB are 22.5 devices; a count that disagrees with the one before it is refused."""
    said = run(*asked.split())
    assert (said.code, hint in " ".join(said.out.split())) == (3, True)


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (
            "compare g6e.12xlarge h100 --model llama-3.3-70b --concurrency 16",
            ("and g6e.12xlarge is 4 x l40s", "compare l40s h100-sxm; ", "--sweep gpu=g6e.12xlarge,h100"),
        ),
        ("frontier --gpu h100,h200 --model llama-3.3-70b", ("hint: name each: --gpu h100 --gpu h200\n",)),
        ("sweep-batch --gpu h100,h200 --model qwen3-8b", ("hint: side by side: infercost compare h100 h200\n",)),
        ("fit --gpu h100,h200 --model qwen3-8b", ("hint: a row for each: --sweep gpu=h100,h200; ",)),
        ("fit --gpu h100 --model qwen3-8b --context max", ("infercost fit says the longest context that fits",)),
        ("utilization --gpu h100:3 --dp 2 --model qwen3-8b", ("ask for a multiple, as --gpu h100:4",)),
        ("utilization --gpu h100 --gpus 3 --dp 2 --model qwen3-8b", ("ask for a multiple, as --gpus 4",)),
    ],
)
def test_a_hint_can_be_pasted(asked: str, lines: tuple[str, ...], run: Run) -> None:
    said = run(*asked.split())
    assert said.code == 2
    assert all(line in said.err for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("compare", "--sweep", "users=1:1M"),
            "--sweep is of fit, utilization, userbase and economies: infercost userbase --sweep users=1:1M",
        ),
        (("fit", "--gpu", "h100", "--params", "7B", "--users", "5"), "economies"),
        (
            ("fit", "--gpu", "h100", "--model", "llama-3.1-8b", "--activation-dtype", "fp8"),
            ": infercost utilization --gpu",
        ),
        (("presets", "list", "--traffic", "chat"), "--traffic is of userbase and economies; infercost presets --help"),
        (("fit", "--batch"), "--batch N: sequences decoded together"),
        ((*UTILIZATION, "--betch", "8"), "infercost utilization --help shows what there is"),
    ],
)
def test_an_option_of_other_commands_says_of_which(words: tuple[str, ...], said: str, run: Run) -> None:
    result = run(*words)
    assert result.code == 2
    assert said in result.err.splitlines()[1]


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("fit llama-3.3-70b h100 --json", "infercost fit --model llama-3.3-70b --gpu h100 --json"),
        ("utilization 3090:2 --model qwen3-8b", "infercost utilization --gpu 3090:2 --model qwen3-8b"),
        ("fit --model glm-4.5-air --gpu 4090 --ram 64", "did you mean --host?"),
        ("utilization --gpu h100 --params 7B --tensor-paralel 8", "did you mean --tp?"),
        ("fit something", "infercost fit --help shows what there is"),
        ("presets h200", "infercost presets list h200 searches"),
    ],
)
def test_words_without_their_flag_are_given_it(asked: str, hint: str, run: Run) -> None:
    said = run(*asked.split())
    assert (said.code, said.out) == (2, "")
    assert hint in said.err


def test_presets_go_by_the_words_for_their_kinds(run: Run) -> None:
    for word, family in (("gpus", "accelerators"), ("engines", "efficiency"), ("model", "models")):
        assert (
            run("presets", "list", word, "--json").json["rows"] == run("presets", "list", family, "--json").json["rows"]
        )


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ("whisper-large-v3", "a speech model"),
        ("openai/whisper-large-v3", "a speech model"),
        ("parakeet-tdt-0.6b-v2", "a speech model"),
        ("kokoro-tts", "a speech model"),
        ("stable-diffusion-xl-base-1.0", "an image generator"),
        ("black-forest-labs/FLUX.1-dev", "an image generator"),
        ("wan2.1-t2v-14b", "a video generator"),
    ],
)
def test_a_model_that_answers_no_text_is_told_so(model: str, what: str, run: Run) -> None:
    said = run("fit", "--gpu", "h100", "--model", model)
    assert (said.code, said.out) == (2, "")
    assert f"{model} is {what}" in said.err
    assert ("models that write, embed or rank text" in said.err) != ("whisper" in model)
    assert ("its memory is counted, by its file: infercost fit --model" in said.err) == ("whisper" in model)
    assert "did you mean" not in said.err


@pytest.mark.parametrize("action", ["show", "list"])
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("whisper", "whisper is a speech model"),
        ("sdxl", "sdxl is an image generator"),
        ("dall-e", "dall-e is an image generator"),
        ("gpt-5", "the size of gpt-5 is not published"),
    ],
)
def test_presets_say_of_a_model_that_has_none_why(action: str, name: str, what: str, run: Run) -> None:
    said = run("presets", action, name)
    assert (said.code, said.out) == (2, "")
    assert what in said.err
    assert "did you mean" not in said.err


def test_a_model_of_another_name_is_not_suggested(run: Run) -> None:
    """A name that ends as another's is no misspelling of it; one letter less is."""
    assert "did you mean" not in run("fit", "--gpu", "h100", "--model", "nonsense-large-3").err
    assert "did you mean llama-3.1-8b?" in run("fit", "--gpu", "h100", "--model", "lama-3.1-8b").err


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_model_is_not_read_from_standard_input(name: str, run: Run) -> None:
    said = run("fit", "--gpu", "h100", "--model", name)
    assert (said.code, "not read from standard input" in said.err, "give a file" in said.err) == (2, True, True)


@pytest.mark.parametrize(
    "command",
    [
        "utilization --gpu h100 --model llama-3.1-8b --sweep batch=8,32,64 --max-ttft 2s",
        "utilization --gpu h100 --model llama-3.1-8b --sweep context=8k,16k --sweep batch=8 --max-ttft 2s",
        "sweep-batch --gpu h100 --model llama-3.1-8b --max-tpot 25ms",
        "sweep-batch --gpu h100 --params 8B --batch=8,32 --max-tpot 25ms",
    ],
)
def test_a_question_that_is_named_for_an_option_is_one_that_has_an_answer(run: Run, command: str) -> None:
    refused = run(*command.split())
    assert refused.code == 2
    _, found, asked = " ".join(refused.err.split()).partition(": infercost ")
    assert found
    assert run(*shlex.split(asked)).code == 0


def test_a_file_that_is_no_model_is_told_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    said = run("fit", "--model", f"{tmp_path}/notes.txt")
    assert said.code == 2
    assert f"model {tmp_path}/notes.txt: is no config.json, preset (.yaml), GGUF file, safetensors, or" in said.err
    assert "no such file or folder" in run("fit", "--model", f"{tmp_path}/none.txt").err
    assert "preset is called" in run("fit", "--model", "none").err


def test_a_family_that_is_not_known_has_a_way_out(run: Run, tmp_path: Path) -> None:
    """The way that the hint shows is there for who has no family to add."""
    (tmp_path / "config.json").write_text('{"model_type": "llavb", "hidden_size": 64}')
    said = run("fit", "--model", f"{tmp_path}")
    assert "hint: did you mean llava? count it by its parameters: --params 8B, with --active-params" in said.err
    assert "table.py" not in said.err
    assert run("fit", "--params", "8B", "--active-params", "1B").code == 0


@pytest.mark.parametrize("gpu", [(), ("--gpu", "h100")])
def test_the_shape_of_a_model_is_changed_in_a_copy_of_its_file(gpu: tuple[str, ...], run: Run) -> None:
    said = run("fit", *gpu, "--model", "llama-3.1-8b", "--set", "model.kv_heads=32")
    assert said.code == 2
    assert "error: --set: a model's shape is not set by an option" in said.err
    assert "hint: change a copy of its config.json and give that: --model config.json" in said.err


@pytest.mark.parametrize(
    "asked",
    [("fit", "--nvme", "5GB/s"), ("utilization", "--disk", "1"), ("fit", "--fp8"), ("presets", "list", "lora"),
     ("presets", "list", "broadcom"), ("utilization", "--template")],
)  # fmt: skip
def test_a_name_that_is_like_none_has_no_guess(run: Run, asked: tuple[str, ...]) -> None:
    assert "did you mean" not in run(*asked).err


@pytest.mark.parametrize(
    ("part", "dtype", "lacks", "way"),
    [
        ("p40", "fp8", "compute capability is 6.1, and vLLM needs 7.0", "q8_0"),
        ("tesla-p100-pcie-16gb", "nvfp4", "compute capability is 6.0, and vLLM needs 7.0", "q4_k_m"),
        ("instinct-mi100", "nvfp4", "chip is a gfx908, and vLLM begins with gfx90a", "q4_k_m"),
    ],
)
def test_a_format_that_no_engine_of_an_old_part_reads_is_refused_with_one(
    run: Run, part: str, dtype: str, lacks: str, way: str
) -> None:
    """By the requirements at docs.vllm.ai; who names vllm gets its arithmetic all the same."""
    asked = ("fit", "--gpu", part, "--model", "llama-3.1-8b", "--dtype")
    said = run(*asked, dtype).err
    assert f"reads {dtype}: its {lacks}" in said
    assert f"give a format of llama.cpp, --dtype {way}, or " in said
    assert "by profile llama.cpp" in run(*asked, way).err
    assert run(*asked, dtype, "--efficiency", "vllm").out.startswith("Fits")


def test_a_search_leaves_out_a_part_whose_engines_lack_the_format(run: Run) -> None:
    asked = ("--model", "llama-3.1-70b", "--dtype", "fp8", "--budget", "5000")
    assert "p40" not in run("userbase", *asked, "--gpu", "h100").err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("fit", "--gpu", "h100", "--model", "llama-3.1-8b", "--isl", "2000"), "did you mean --context?"),
        (("fit", "--gpu", "l4", "--model", "llama-3.1-8b", "--dtype", "1.58bit"), "are tq1_0 or tq2_0 in GGUF files"),
        (("presets", "show", "deepseek-llm-68b", "deepseek-v2"), "no preset is called 'deepseek-llm-68b'"),
        (("presets", "show", "deepseek-v2", "deepseek-llm-68b"), "no preset is called 'deepseek-llm-68b'"),
        (("fit", "--gpu", "l4", "--model", "whisper-large-v3"), "hours of audio have no price here"),
    ],
)
def test_an_unknown_word_is_met_with_what_is_meant(run: Run, asked: tuple[str, ...], said: str) -> None:
    answer = run(*asked)
    assert answer.code == 2
    assert said in answer.err


def test_a_first_token_of_a_cpu_is_at_least_as_late_as_its_peak_says(run: Run) -> None:
    """No run of a CPU's prompts was measured: their arithmetic is taken at the peak."""
    asked = ("--model", "mistral-7b", "--dtype", "q4_k_m")
    assert re.search(r": at least [\d.]+ s to\s+its\s+first", run("utilization", *asked, "--gpu", "ryzen-9-9950x").out)
    assert "at least" not in run("utilization", *asked, "--gpu", "rtx-4090").out.partition("Asked")[0]
