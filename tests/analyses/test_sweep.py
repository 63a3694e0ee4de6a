"""A sweep is the same question many times: each row is what the point alone answers, to the last digit."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.analyses.sweep import trend_words
from infercost.api import asking
from infercost.errors import BadValue, InfercostError, UnknownName
from infercost.parts import catalog
from infercost.quantities import KEYS, Key
from infercost.scenario.read import Axis, ask, at_words
from infercost.units import show
from tests.conftest import Run

NOTE = ("--gpu", "h100-note", "--params", "1.6e12")
LLAMA = ("--model", "llama-3.1-70b", "--gpu", "h100:4")
SERVED = {"model": "llama-3.1-70b", "gpu": "h100:4"}
ALONE: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = [
    (("utilization", *NOTE, "--price", "2"), "batch", ("1", "2", "3", "5")),
    (("utilization", *LLAMA, "--batch", "8"), "context", ("0", "1k", "32k")),
    (("utilization", *LLAMA, "--batch", "8"), "dtype", ("bf16", "fp8")),
    (("utilization", *NOTE), "set gpu.memory_bandwidth", ("3TB/s", "30TB/s", "3PB/s")),
    (("utilization", *LLAMA), "set efficiency.memory_share", ("50%", "0.75")),
    (("utilization", "--model", "llama-3.1-8b"), "gpu", ("h100", "a100:2", "rtx-4090")),
    (("utilization", *LLAMA, "--input-tokens", "1k", "--osl", "200"), "request_rate", ("1", "2/s", "300/min")),
    (("fit", *NOTE), "gpus", ("8", "20", "32")),
    (("fit", *LLAMA), "batch", ("1", "16", "512")),
    (("fit", "--model", "llama-3.1-70b", "--gpu", "h100"), "efficiency", ("realistic", "ideal")),
    (("economies", *NOTE, "--price", "2"), "minutes_per_day", ("5", "1h/day")),
    (("economies", *LLAMA), "gpu", ("h100:4", "h200:4")),
]


@pytest.mark.parametrize(("command", "key", "values"), ALONE, ids=[f"{c[0]} {key}" for c, key, _ in ALONE])
def test_each_row_is_the_point_asked_alone(
    command: tuple[str, ...], key: str, values: tuple[str, ...], run: Run
) -> None:
    scope, _, name = key.rpartition(" ")
    given = [word for pair in zip(command[1::2], command[2::2], strict=True) if pair[0] != f"--{key}" for word in pair]
    asked = run(command[0], *given, "--sweep", f"{name}={','.join(values)}", "--json").json
    for row, value in zip(asked["rows"], values, strict=True):
        flags = ("--set", f"{name}={value}") if scope else (f"--{name.replace('_', '-')}", value)
        alone = run(command[0], *given, *flags, "--json").json["results"]
        assert {key: row[key] for key in alone if key != name} == {key: alone[key] for key in alone if key != name}


def test_users_are_the_row_of_economies(run: Run) -> None:
    command = ("economies", *LLAMA, "--input-tokens", "1k", "--output-tokens", "200", "--traffic", "work")
    rows = run(*command, "--sweep", "users=100:10k:x10", "--json").json["rows"]
    assert [row["users"] for row in rows] == [100, 1000, 10_000]
    for row in rows:
        alone = run(*command, "--users", str(row["users"]), "--json").json
        last = {key: value for key, value in alone["rows"][-1].items() if key not in ("name", "bands")}
        assert last.items() <= row.items()
        assert alone["rows"][-1].get("bands", {}).items() <= row.get("bands", {}).items()
        assert {key: value for key, value in alone["results"].items() if key not in last}.items() <= row.items()


def test_several_sweeps_cross_and_the_first_varies_slowest() -> None:
    rows = infercost.utilization(gpu="h100-note", params=1.6e12, sweep=["gpus=20,40", "batch=1:4"]).series.rows
    assert [(row["gpus"], row["batch"]) for row in rows] == [(20, 1), (20, 2), (20, 4), (40, 1), (40, 2), (40, 4)]
    # 1.6 TB over 20 and 40 devices of 3 TB/s
    assert [row["step_time_s"] for row in rows] == pytest.approx([0.08 / 3] * 3 + [0.04 / 3] * 3)


def test_python_and_scenarios_sweep_too(run: Run, tmp_path: Path) -> None:
    by_python = infercost.utilization(gpu="h100", params="70B", sweep={"batch": [1, 8], "price": "1:3:1"})
    path = tmp_path / "case.yaml"
    path.write_text("gpu: h100\nparams: 70B\nbatch: 64\nsweep: {price: '1:3:1'}\n")
    rows = run("utilization", "--scenario", str(path), "--json").json["rows"]
    assert [row["usd_per_million_tokens"] for row in rows] == pytest.approx(
        [row["usd_per_million_tokens"] / 64 for row in by_python.series.rows[:3]]
    )


def test_a_sweep_on_the_command_line_wins_over_a_scenarios_value(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("gpu: h100\nparams: 70B\nbatch: 64\nset: {gpu.memory_bandwidth: 1TB/s}\n")
    sweeps = ("--sweep", "batch=1,2", "--sweep", "gpu.memory_bandwidth=7TB/s")
    rows = run("utilization", "--scenario", str(path), *sweeps, "--json").json["rows"]
    assert [row["batch"] for row in rows] == [1, 2]
    assert rows[0]["memory_time_s"] == pytest.approx(0.01)  # 70 GB at 7 TB/s
    path.write_text("gpu: h100\nparams: 70B\nbatch: 64\nsweep: batch=1:4\n")
    assert "set the same value" in run("utilization", "--scenario", str(path)).err


def test_a_verdict_has_the_trend_of_the_main_figures(run: Run) -> None:
    """Price over bandwidth, the note's 26.67 ms: 20 devices x $2 / 3600 s x 26.67 ms x 1e6 = $296.30."""
    said = run("utilization", *NOTE, "--price", "2", "--sweep", "gpu.memory_bandwidth=3TB/s:30TB/s:x10").out
    assert " ".join(said.split()).startswith(
        "With memory bandwidth from 3 TB/s to 30 TB/s, tokens/s per user rises from 37.5 to 375 (10x) and the "
        "price of a million tokens falls from $296.30 to $29.63 (10x)."
    )


def test_a_turn_between_the_ends_is_in_the_verdict(run: Run) -> None:
    """70 GB on one H100 leave 2 GB at 90%, on two at 80% 2 x 64 - 70 over two: 29 GB, at 100% 10 GB."""
    said = run("fit", "--params", "70B", "--gpu", "h100", "--sweep", "usable=80%:100%:10%").out
    text = " ".join(said.split())
    assert "the number of devices falls from 2 to 1 (2x)" in text
    left = "what is left of a device falls from 29 GB on 2 devices to 2 GB on 1 device at usable 90.0%"
    assert f"{left}, then rises to 10 GB on 1 device." in text


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((1, 3, 3, 2), "rises from 1 s to 3 s at batch 2, then falls to 2 s"),
        ((2, 1, 2), "falls from 2 s to 1 s at batch 2, then rises to 2 s"),
        ((1, 3, 2, 4, 2), "rises from 1 s to 2 s (2x), highest 4 s at batch 4"),
        ((2, 3, 1, 2), "is 2 s at both ends, lowest 1 s at batch 3, highest 3 s at batch 2"),
        ((1, 1.00001, 1.00002), "is 1 s throughout"),
        ((9.998, 10), "rises from 9.998 s to 10 s"),
        ((4, 1), "falls from 4 s to 1 s (4x)"),
    ],
)
def test_a_trend_says_what_its_shown_figures_do(figures: tuple[float, ...], said: str) -> None:
    axis = Axis("batch", tuple(range(1, len(figures) + 1)), KEYS["batch"])
    rows = [{"batch": at, "step_time_s": figure} for at, figure in enumerate(figures, 1)]
    assert trend_words((axis,), "step_time_s", rows) == f"the step time {said}"


def test_a_sweep_with_a_draft_says_what_it_gains_against_none_and_where_it_is_past_whole_numbers(run: Run) -> None:
    """70 GB are read as fast for five tokens as for one, and four of the draft take 5% of that each: 1.2 steps.

    Tokens of a step are (1 - a^5) / (1 - a) for a share a that is accepted. From some batch on arithmetic binds.
    """
    asked = ("utilization", "--gpu", "h100:4", "--params", "70B", "--draft-tokens", "4", "--draft-cost", "0.05")
    shares = (0.5, 0.6, 0.7, 0.8, 0.9)
    gains = [(1 - a**5) / (1 - a) / 1.2 for a in shares]
    said = run(*asked, "--sweep", f"acceptance={','.join(map(str, shares))}")
    rows = run(*asked, "--sweep", f"acceptance={','.join(map(str, shares))}", "--json").json["rows"]
    assert [row["draft_speedup"] for row in rows] == pytest.approx(gains)
    rises = f"the gain against no draft rises from {gains[0]:.3f}x to {gains[-1]:.3f}x"
    words = " ".join(said.out.split())
    assert f"{rises}, above 2x from acceptance 70.0% on and 3x from 90.0% on. " in words
    assert "vs no draft" in said.out
    batches = run(*asked, "--acceptance", "0.8", "--sweep", "batch=1,10,100,1000", "--json").json
    assert f"falls from {gains[3]:.3f}x to " in batches["verdict"]
    assert batches["verdict"].endswith(", below 2x from batch 100 on and 1x from 1,000 on.")
    assert all((row["draft_speedup"] < 1) == (row["batch"] == 1000) for row in batches["rows"])
    plain = run("utilization", "--gpu", "h100:4", "--params", "70B", "--sweep", "batch=1,10").out
    assert "no draft" not in plain


@pytest.mark.parametrize(
    ("swept", "words"),
    [
        ("acceptance=0.6,0.8", " Gains are at best (published runs reached "),
        ("batch=1,8", "the gain against no draft falls from "),
        ("draft-tokens=1,4", "the gain against no draft rises from "),
        ("draft-model=llama-3.2-1b,llama-3.1-8b", "the gain against no draft is "),
    ],
)
def test_whatever_is_swept_the_gain_of_a_draft_is_told(swept: str, words: str, run: Run) -> None:
    given = {"acceptance": "0.7", "draft-tokens": "3", "draft-model": "llama-3.2-1b"}
    given.pop(swept.partition("=")[0], None)
    flags = [word for name, value in given.items() for word in (f"--{name}", value)]
    verdict = run("utilization", *LLAMA, *flags, "--sweep", swept, "--json").json["verdict"]
    assert words in verdict
    assert " between prompts." in verdict or not swept.startswith("batch")


def test_what_differs_in_digits_that_nobody_sees_stays(run: Run) -> None:
    """Two sequences of one token: their cache is a ten-thousandth of the weights."""
    asked = ("utilization", "--gpu", "h100:1", "--model", "llama-3.1-8b", "--context", "1", "--batch", "2")
    said = run(*asked, "--sweep", "kv-dtype=bf16,fp8", "--json").json
    assert len({row["usd_per_million_tokens"] for row in said["rows"]}) == 2
    assert re.search(r"the price of a million tokens is \S+ for each", said["verdict"])


def test_two_models_have_their_cache_compared(run: Run) -> None:
    """61 layers of 576 values against 126 of twice 8 heads of 128, 2 bytes each: 70,272 and 516,096 B."""
    asked = ("fit", "--gpu", "h200:8", "--sweep")
    said = " ".join(run(*asked, "model=deepseek-v3,llama-3.1-405b").out.split())
    assert said.startswith(
        "A token takes 70.27 kB of KV cache of deepseek-v3, 516.1 kB of llama-3.1-405b: 7.344x as much. The number of "
    )
    assert "KV/token" in said
    assert "A token takes" not in run(*asked, "model=deepseek-v3,llama-3.1-405b,llama-3.1-8b").out


def test_two_formats_have_their_cache_compared(run: Run) -> None:
    """64 layers of twice 8 heads of 128 at 32,000 tokens, 16 bits or q8_0's 8.5: 17 in 32 of 8.389 GB."""
    asked = ("--gpu", "rtx-4090", "--model", "qwen3-32b", "--dtype", "q4_k_m", "--context", "32k")
    said = " ".join(run("fit", *asked, "--sweep", "kv-dtype=bf16,q8_0").out.split())
    assert "A sequence takes 8.389 GB of KV cache in bf16, 4.456 GB in q8_0: 46.9% less. " in said
    assert "bf16 8.389 GB" in said


def test_a_constant_figure_and_a_single_point_have_a_verdict(run: Run) -> None:
    """1.6 TB on 32 devices of 80 GB leave 30 GB of each; fewer than 20 do not hold them."""
    fit = ("fit", "--params", "1.6T", "--gpu", "h100")
    alone = " ".join(run(*fit, "--sweep", "gpus=4:32").out.split())
    assert alone.startswith("3 of 4 points do not fit. On 32 devices, what is left of a device is 30 GB.")
    same = " ".join(run(*fit, "--sweep", "active_params=1T,1.6T").out.split())
    assert same.startswith("At each of 2 points it takes 20 devices; what is left of a device is 0 B.")


def test_devices_are_counted_in_plain_words(run: Run) -> None:
    """671B in fp8 take two nodes of H100, an 8B model one device; eight B200 are as many as are named."""
    asked = ("fit", "--json", "--sweep")
    two = run(*asked, "model=deepseek-v3,llama-3.1-8b", "--gpu", "h100").json["verdict"]
    words = "It takes 16 devices (deepseek-v3), 1 (llama-3.1-8b): deepseek-v3 takes 16x as many as llama-3.1-8b; the "
    assert words in two
    one = run(*asked, "gpu=h100:8,b200:8", "--model", "deepseek-v3").json["verdict"]
    assert "On b200:8, it takes 8 devices; the number of sequences that fit is " in one


def test_points_that_do_not_fit_or_have_no_answer_stay(run: Run) -> None:
    """Weights of 35.3 GB a device: 64 x 64,000 tokens of 41 kB are 168 GB; the model knows 131,072 positions."""
    result = run("utilization", *LLAMA, "--batch", "64", "--sweep", "context=1k,64k,256k", "--json")
    assert result.code == 0
    assert [row["fits"] for row in result.json["rows"]] == [True, False, None]
    assert {key for key, value in result.json["rows"][2].items() if value is not None} == {"context"}
    notes = [note["text"] for note in result.json["notes"] if note["code"] == "left-out"]
    assert notes == ["no answer at context 256,000: --context 256,000 is more than llama-3.1-70b was made for"]
    assert result.json["verdict"].startswith("1 of 3 points does not fit. 1 of 3 points has no answer. ")
    assert run("utilization", *LLAMA, "--batch", "64", "--sweep", "context=64k,100k").code == 3


def test_a_load_too_high_is_no_misfit(run: Run) -> None:
    request = ("--input-tokens", "1k", "--output-tokens", "200")
    result = run("utilization", *LLAMA, *request, "--sweep", "request_rate=1,1000", "--json")
    assert [(row["fits"], row["stable"]) for row in result.json["rows"]] == [(True, True), (True, False)]
    served = f"{result.json['rows'][1]['tokens_per_s'] / 200:.2f} requests/s are served. "
    assert result.json["verdict"].startswith(f"1 of 2 points does not keep up: {served}")


def test_every_weak_figure_of_a_part_is_said(run: Run) -> None:
    said = run("utilization", "--params", "70B", "--sweep", "gpu=h100-note,human-brain", "--sources").err
    said = " ".join(said.split())
    assert "at some points: h100-note flops_fp8 is uncertain" in said
    assert "at some points: human-brain memory is uncertain" in said
    assert "at some points: human-brain memory_bandwidth is uncertain" in said


def test_a_swept_column_holds_what_was_swept(run: Run) -> None:
    """Of economies ``gpus`` is asked for a replica and answered for all of them: 70 of 2 devices, 2 of 4."""
    asked = ("economies", "--gpu", "h100", "--model", "llama-3.1-70b", "--users", "10k", "--sweep", "gpus=2,4")
    document = run(*asked, "--json").json
    rows = document["rows"]
    assert [row["gpus"] for row in rows] == [row["gpus_per_replica"] for row in rows] == [2, 4]
    assert [row["answered_gpus"] for row in rows] == [row["replicas"] * row["gpus"] for row in rows] == [140, 8]
    assert document["verdict"].startswith("With gpus from 2 to 4, ")
    assert "gpus  devices  batch" in run(*asked).out
    same = run("utilization", *NOTE, "--sweep", "batch=1,8", "--json").json["rows"][0]
    assert not [key for key in same if key.startswith("answered_")], "the answer's own batch is the one swept"


def test_a_layout_that_changes_on_the_way_is_shown(run: Run) -> None:
    """Three devices cannot share 64 heads evenly, so they are three stages; six are three stages of two."""
    asked = ("utilization", "--gpu", "h100", "--model", "llama-3.1-70b")
    dented = run(*asked, "--sweep", "gpus=4,6").out.splitlines()
    assert [line.split()[:3] for line in dented if line.lstrip().startswith(("gpus ", "4 ", "6 "))] == [
        ["gpus", "tp", "pp"],
        ["4", "4", "1"],
        ["6", "2", "3"],
    ]
    assert "tp  pp" not in run(*asked, "--sweep", "gpus=2,4").out, "as wide as the devices are many"


@pytest.mark.parametrize(
    "sweeps", [("gpu=l4,l40s", "batch=1,16"), ("gpu=h100:2,h100:8", "batch=1,64"), ("gpus=1,2,8",)]
)
def test_replicas_are_a_number_wherever_a_layout_is(sweeps: tuple[str, ...], run: Run) -> None:
    """A point is its replicas, each of tp x pp devices, whether or not they were chosen."""
    words = [word for sweep in sweeps for word in ("--sweep", sweep)]
    part = () if sweeps[0].startswith("gpu=") else ("--gpu", "l40s")
    rows = run("utilization", *part, "--model", "llama-3.1-8b", "--context", "4k", *words, "--json").json["rows"]
    assert [row["gpus"] for row in rows if "dp" in row] == [row["dp"] * row["tp"] for row in rows if "dp" in row]


def test_several_in_one_word_are_told_apart(run: Run) -> None:
    parts = run("utilization", "--gpu", "l4,a10g, l40s", "--model", "llama-3.1-8b")
    assert (parts.code, parts.out) == (2, "")
    assert "--sweep gpu=l4,a10g,l40s" in parts.err
    assert "infercost compare l4 a10g l40s" in parts.err
    models = run("fit", "--gpu", "l4", "--model", "llama-3.1-8b, qwen3-8b")
    assert (models.code, models.out, "--sweep model=llama-3.1-8b,qwen3-8b" in models.err) == (2, "", True)


def test_common_inputs_stand_once_and_what_follows_from_a_point_in_its_row(run: Run) -> None:
    model = ("--model", "llama-3.1-70b", "--sweep", "context=1k,128k")
    held = run("utilization", *model, "--gpu", "h100", "--json").json
    assert held["inputs"]["context"] == [1000, 128_000]
    assert held["inputs"]["tp"] == 4, "the layout that holds the longest context, for all"
    assert "tp" not in held["rows"][0]
    found = run("fit", *model, "--gpu", "h100", "--json").json
    assert "tp" not in found["inputs"]
    assert [row["tp"] for row in found["rows"]] == [row["gpus"] for row in found["rows"]] == [2, 4]
    assert "tp" not in run("utilization", *LLAMA, "--sweep", "context=1k,2k", "--json").json["rows"][0]


@pytest.mark.parametrize(
    ("sweep", "error", "what"),
    [
        ("batch", BadValue, "is not KEY=RANGE"),
        ("=1,2", BadValue, "is not KEY=RANGE"),
        ("batch=", BadValue, "is empty"),
        ("batch=4:1", BadValue, "falls"),
        ("batch=1:1e6:1", BadValue, "999,999 points"),
        ("bach=1:4", UnknownName, "no option 'bach'"),
        ("sweep=1:4", UnknownName, "no option 'sweep'"),
        ("set=1:4", UnknownName, "no option 'set'"),
        ("gpu.bandwidth=1:4", UnknownName, "no figure 'bandwidth'"),
        ("cpu.cores=1:4", UnknownName, "no such scope 'cpu'"),
        ("dtype=fp8,", BadValue, "empty value"),
        ("dtype=fp7", BadValue, "fp7"),
        ("gpus=1:4", BadValue, "--gpus and --sweep gpus set"),
        ("gpu.power=1W,2W", BadValue, "--set gpu.power and --sweep gpu.power set"),
        (["batch=1:4", "batch=8"], BadValue, "twice"),
        (["batch=1:200:1", "price=1:100:1"], BadValue, "20,000 points"),
        ("gpu.memory=1GB,2TB/s", BadValue, "no unit of a size"),
        ("efficiency=ideal,no-such", UnknownName, "'no-such'"),
        ("context=1k,2k", InfercostError, "needs --model"),
    ],
)
def test_what_cannot_be_swept_is_refused(sweep: Any, error: type[InfercostError], what: str) -> None:
    with pytest.raises(error) as raised:
        infercost.utilization(gpu="h100", params="70B", gpus=1, set="gpu.power=1W", sweep=sweep)
    assert what in raised.value.what


def test_what_conflicts_with_a_sweep_is_refused(run: Run) -> None:
    sweep = ("--sweep", "price=1,2")
    assert "--steps shows the work of one" in run("utilization", *NOTE, *sweep, "--steps").err
    assert "two questions" in run("utilization", *NOTE, *sweep, "--sensitivity").err
    assert "--points conflicts" in run("economies", *NOTE, *sweep, "--points", "3").err
    assert "several --gpu" in run("economies", *NOTE, "--gpu", "h200", *sweep).err


def test_what_no_number_of_users_changes_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One replica's curve has 200 batches: a step each, and no further one however many users there are."""
    from infercost.fleet import day

    steps, count = day.decode_time, []
    monkeypatch.setattr(day, "decode_time", lambda *args: (count.append(args), steps(*args))[1])
    infercost.economies(**SERVED, sweep="users=10:1000:x10")
    assert len(count) == 200
    infercost.economies(**SERVED, sweep="context=1k,2k")
    assert len(count) == 600, "another context is another curve"


def test_a_long_sweep_tells_how_many_points_are_done() -> None:
    def told(text: str) -> tuple[list[tuple[str, int]], list[int]]:
        begun: list[tuple[str, int]] = []
        done: list[int] = []
        question = ask("fit", {"gpu": "h100", "params": "70B", "sweep": text})
        asking(question._replace(progress=lambda *size: (begun.append(size), done.append)[1]))()
        return begun, done

    assert told("gpus=1:200:1") == ([("points", 200)], [*range(1, 201)])
    assert told("gpus=1:100:1") == ([], []), "nobody waits for so few"


def test_each_preset_is_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import yaml

    shutil.copytree(catalog.shipped(), tmp_path / "own")
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path / "own"))
    infercost.utilization(gpu="h100:4", model="llama-3.1-70b")  # what is shipped alone, as bands
    compose, read = yaml.compose_all, []
    monkeypatch.setattr(yaml, "compose_all", lambda text, **more: (read.append(text), compose(text, **more))[1])
    infercost.utilization(gpu="h100:4", model="llama-3.1-70b", sweep="batch=1:100:1")
    assert len(read) == 7
    infercost.utilization(gpu="h100:4", model="llama-3.1-70b", sweep="batch=1:2")
    assert len(read) == 14, "a file of one's own may change between two questions"
    monkeypatch.delenv("INFERCOST_PRESETS")
    for _ in range(2):
        already = len(read)
        infercost.utilization(gpu="h100:4", model="llama-3.1-70b")
    assert len(read) == already, "a shipped one does not"


@pytest.mark.parametrize("model", ["llama-3.1-70b", "gemma-3-27b", "deepseek-v3"])
def test_a_sweep_of_batches_is_that_of_sweep_batch_on_the_same_devices(model: str) -> None:
    swept = infercost.utilization(model=model, gpu="h100", sweep="batch=1:64")
    batches = infercost.sweep_batch(model=model, gpu="h100", batch="1:64")
    assert swept.series is not None
    assert batches.series is not None
    assert [row["batch"] for row in swept.series.rows] == [1, 2, 4, 8, 16, 32, 64]
    for one, other in zip(swept.series.rows, batches.series.rows, strict=True):
        assert {key: one["bands"][key] for key in other.get("bands", {}) if key in one["bands"]} == other.get(
            "bands", {}
        )
        same = [key for key in other if key in one and key != "bands"]
        assert {key: one[key] for key in same} == {key: other[key] for key in same}


def test_a_sweep_takes_the_devices_that_hold_its_largest_row_that_can_be_held(run: Run) -> None:
    rows = run(
        "utilization", "--model", "llama-3.1-70b", "--gpu", "h100", "--sweep", "batch=1,64,1000000", "--json"
    ).json["rows"]
    least = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100", "--batch", "64", "--json").json["results"]["gpus"]
    assert [row["fits"] for row in rows] == [True, True, False]
    assert {row["gpus"] for row in rows} == {least}


def test_a_few_words_have_their_figures_one_by_one(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100:4", "--model", "llama-3.3-70b", "--batch", "16", "--json", "--sweep")
    few = run(*asked, "dtype=bf16,fp8,int4").json
    speeds = [f"{show(row['tokens_per_s_per_user_all_in'])} ({row['dtype']})" for row in few["rows"]]
    assert f"; tokens/s per user after the first token is {', '.join(speeds)}; " in few["verdict"]
    assert ": fp8 has 1.32x that of int4; tokens/s per user after the first token is " in few["verdict"]
    many = run(*asked, "dtype=bf16,fp8,int4,int8,nvfp4").json["verdict"]
    assert "Over 5 points, tokens/s in all ranges from " in many


@pytest.mark.parametrize(
    ("asked", "sweep"),
    [
        (("utilization", "--model", "llama-3.1-8b"), "gpu=h100,gaudi3"),
        (("utilization", "--model", "llama-3.1-8b"), "gpu=gaudi3,h100"),
        (("utilization", "--model", "llama-3.1-8b", "--gpu", "h100"), "efficiency=vllm,ideal"),
        (("economies", "--model", "llama-3.1-8b"), "gpu=h100,tpu-v6e"),
        (("economies", "--model", "llama-3.1-8b", "--users", "10,100"), "gpu=h100,tpu-v6e"),
        (("userbase", "--model", "llama-3.1-8b", "--users", "1000"), "gpu=h100,tpu-v6e"),
    ],
)
def test_rows_with_an_interval_stand_beside_those_without(asked: tuple[str, ...], sweep: str, run: Run) -> None:
    """A part whose engine nobody measured has no interval, and none of its figures is within the error of another."""
    said = run(*asked, "--sweep", sweep, "--json").json
    assert sorted(bool(row["bands"]) for row in said["rows"]) == [False, True]
    assert "within the error" not in said["verdict"]
    assert run(*asked, "--sweep", sweep).out
    assert run(*asked, "--sweep", sweep, "--csv").out


def test_a_load_of_many_is_compared_by_the_tokens_of_all(run: Run) -> None:
    """A part on which requests queue has fewer tokens a second, however fast the few are that run."""
    asked = ("utilization", "--model", "llama-3.1-405b", "--dtype", "fp8", "--concurrency", "64")
    said = run(*asked, "--sweep", "gpu=h100:8,mi300x:8", "--json").json
    alone = [run(*asked, "--gpu", part, "--json").json for part in ("h100:8", "mi300x:8")]
    first, second = (f"{each['results']['tokens_per_s']:.4g}" for each in alone)
    assert said["verdict"].startswith(f"Tokens/s in all is {first} (")
    assert f" {second} (" in said["verdict"]
    order = [said["verdict"].index(words) for words in ("s in all", "tokens/s per user", "price of a million tokens")]
    assert order == sorted(order)
    assert alone[0]["verdict"].startswith("39 of 64 requests run at once, the others wait. ")
    assert said["verdict"].endswith(". 39 of 64 requests run at once on h100:8.")
    assert [row["requests_at_once"] for row in said["rows"]] == [39, 64]
    heads = next(line for line in run(*asked, "--sweep", "gpu=h100:8,mi300x:8").out.splitlines() if " USD/M " in line)
    assert heads.split()[:7] == ["gpu", "at", "once", "tokens/s", "tok/s/user", "USD/M", "TTFT"]


def test_a_load_on_unlike_counts_is_compared_in_all_and_by_the_device(run: Run) -> None:
    asked = ("utilization", "--model", "llama-3.1-70b", "--concurrency", "64")
    said = run(*asked, "--sweep", "gpu=h100:4,h200:2", "--json").json
    each = [row["tokens_per_s"] / row["gpus"] for row in said["rows"]]
    assert said["verdict"].startswith("Tokens/s in all is ")
    assert f"; tokens/s per device is {each[0]:.4g} (h100:4), {each[1]:.4g} (h200:2); " in said["verdict"]


def test_layouts_and_replicas_under_a_load_have_their_queues() -> None:
    """Of two replicas the requests that run at once are those of both."""
    asked = {"gpu": "h100:8", "model": "llama-3.1-70b", "concurrency": 256}
    said = infercost.utilization(**asked, sweep="dp=1,2")
    whole, halves = (row["requests_at_once"] for row in said.series.rows)
    half = infercost.utilization(**(asked | {"gpu": "h100:4", "concurrency": 128}))["requests_at_once"]
    assert halves == 2 * half
    assert said.verdict.startswith("With dp from 1 to 2, tokens/s in all falls from ")
    assert said.verdict.endswith(f". {whole:.0f} of 256 requests run at once with dp 1, {halves:.0f} with dp 2.")


def test_without_a_load_of_many_a_sweep_is_as_it_was() -> None:
    """What arrives is what leaves wherever it can: the same tokens in all on every part that keeps up."""
    asked = {"gpu": "h100", "model": "llama-3.1-8b", "sweep": "dtype=bf16,fp8"}
    for more in ({}, {"batch": 1}, {"concurrency": 1}, {"request_rate": 1}):
        assert infercost.utilization(**asked, **more).verdict.startswith("Tokens/s per user is ")
    assert infercost.utilization(**asked, batch=16).verdict.startswith("Tokens/s in all is ")
    assert "s in all" not in infercost.utilization(**(asked | {"sweep": "context=1k,8k"}), batch=16).verdict


def test_a_list_under_a_load_has_the_tokens_of_a_device(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    each = "model: llama-3.1-70b, concurrency: 64"
    path.write_text(f"[{{gpu: h100:4, dtype: bf16, {each}}}, {{gpu: h200:1, dtype: fp8, {each}}}]")
    said = run("utilization", "--scenario", str(path), "--json").json["verdict"]
    assert said.startswith("Over 2 points, tokens/s in all ranges from ")
    assert "; tokens/s per device ranges from " in said


@pytest.mark.parametrize("formats", ["bf16,int4", "int4,bf16"])
def test_formats_share_the_layout_of_the_heaviest(run: Run, formats: str) -> None:
    """141 GB in bf16 leave two H100 no room for 32 sequences: replicas of two are int4's layout alone."""
    asked = ("utilization", "--gpu", "h100:4", "--model", "llama-3.3-70b", "--concurrency", "64")
    rows = run(*asked, "--sweep", f"dtype={formats}", "--json").json["rows"]
    alone = run(*asked, "--dtype", "bf16", "--json").json["results"]
    by_format = {row["dtype"]: row for row in rows}
    assert by_format["bf16"]["tokens_per_s_per_user"] == alone["tokens_per_s_per_user"]
    assert by_format["bf16"]["ttft_s"] == alone["ttft_s"]


def test_a_count_that_all_points_share_is_said(run: Run) -> None:
    """64 sequences of 128,000 tokens, 131,072 bytes each, are 1.07 TB: two nodes of 72 GB a device, for one too."""
    asked = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--context", "128k", "--sweep")
    said = " ".join(run(*asked, "batch=1,64").err.split())
    assert "all points are on the 16 devices that the largest takes: --gpus gives another count" in said
    for given in (("batch=1,64", "--gpus", "16"), ("batch=1,2",)):  # a count that was given, one that each point takes
        assert "all points are on" not in run(*asked, *given).err


def test_no_figure_is_said_of_points_that_cannot_run(run: Run) -> None:
    """141 GB of weights are on no card of 24 GB: the verdict says so and nothing else."""
    said = run("utilization", "--gpu", "rtx-4090:1", "--model", "llama-3.1-70b", "--sweep", "batch=1,2", "--json")
    assert said.code == 3
    assert said.json["verdict"] == "2 of 2 points do not fit."


def test_a_few_names_that_do_not_fit_are_said(run: Run) -> None:
    """32.76 billion parameters in 5.5 bits and more, with 4.2 GB of cache, are above 24 GB."""
    asked = ("utilization", "--gpu", "rtx-4090", "--model", "qwen3-32b", "--context", "16k")
    said = run(*asked, "--sweep", "dtype=q4_k_m,q5_k_m,q6_k", "--json").json
    less, more = (row["shortfall_bytes"] / 1e9 for row in said["rows"][1:])
    assert more - less == pytest.approx(32.76 * (6.5625 - 5.69) / 8, rel=0.05)  # bits a parameter of both
    start = f"q5_k_m and q6_k do not fit (short by {less:.4g} GB and {more:.4g} GB), q4_k_m does. "
    assert said["verdict"].startswith(start)
    both = run(
        "utilization", "--gpu", "rtx-4090:2", "--model", "qwen3-32b", "--sweep", "dtype=q8_0,bf16", "--json"
    ).json
    assert both["verdict"].startswith("bf16 does not fit (short by ")
    assert " GB a device), q8_0 does. " in both["verdict"]


def test_a_sweep_of_cached_prefixes_has_what_the_device_sustains(run: Run) -> None:
    """By Little's law as many as memory holds in flight, over the time of a request among so many."""
    asked = ("utilization", "--gpu", "l4", "--model", "llama-3.1-8b")
    said = run(*asked, "--sweep", "prefix-share=0,80%", "--json").json
    most = run("fit", *asked[1:], "--json").json["results"]["max_sequences"]
    assert most == 4
    rates = []
    for share in ("0", "80%"):
        one = run(*asked, "--prefix-share", share, "--concurrency", str(most), "--json").json["results"]
        rates.append(most / one["request_time_s"])
    assert [row["most_requests_per_s"] for row in said["rows"]] == pytest.approx(rates, rel=1e-3)
    assert f"the most requests/s it sustains rises from {rates[0]:.5f} to {rates[1]:.5f}" in said["verdict"]
    assert said["verdict"].startswith(
        "With prefix share from 0% to 80.0%, the time to the first token falls from 3.168 s to "
    )
    first, last = (f"${row['usd_per_million_tokens']:.2f}" for row in said["rows"])
    assert f" and the price of a million tokens falls from {first} to {last} (" in said["verdict"]
    assert "most_requests_per_s" not in run(*asked, "--json").json["results"]


def test_a_sweep_of_names_says_how_many_times_as_much() -> None:
    """A bound that memory sets: the matrices of a count at two bytes, at one and at a half."""
    asked = {"gpu": "h100", "params": "8B", "efficiency": "ideal"}
    for formats, words in (("bf16,fp8", "fp8 has 2x that of bf16"), ("bf16,fp8,int4", "int4 has 4x that of bf16")):
        said = infercost.utilization(**asked, sweep=f"dtype={formats}")
        assert f"({formats.split(',')[-1]}): {words};" in said.verdict
    same = infercost.utilization(**asked, sweep="dtype=bf16,fp16").verdict
    assert "x" not in same


def test_names_say_what_they_are_and_numbers_are_of_something() -> None:
    asked: dict[str, Any] = {"params": "8B", "efficiency": "ideal", "price": 1}
    by_part = infercost.utilization(**asked, sweep="gpu=h100,a100").verdict
    assert "(h100)" in by_part
    assert "h100 has " in by_part
    crossed = infercost.utilization(**asked, sweep=["gpu=h100,a100", "batch=1,8"]).verdict
    assert "(a100, batch 1)" in crossed
    assert "(h100, batch 8)" in crossed
    formats = {"gpu": "h100", "model": "llama-3.1-8b", "sweep": ["dtype=bf16,fp8", "kv_dtype=bf16,fp8"]}
    assert "(bf16, kv dtype bf16)" in infercost.utilization(**formats).verdict


def test_a_price_that_one_part_lacks_is_said_of_it() -> None:
    """Nobody lends a Mac Studio by the hour: what one price stays at was said of two parts."""
    asked = {"model": "qwen3-30b-a3b", "dtype": "q4_k_m", "sweep": "gpu=rtx-5090,m3-ultra"}
    said = infercost.utilization(**asked)
    assert [row["usd_per_million_tokens"] is None for row in said.series.rows] == [False, True]
    alone = infercost.utilization(**(asked | {"sweep": None}), gpu="rtx-5090")["usd_per_million_tokens"]
    assert said.verdict.endswith(f"million tokens is ${alone:.2f} (rtx-5090), none is known of m3-ultra.")
    crossed = infercost.utilization(**(asked | {"sweep": [asked["sweep"], "context=1k,8k"]})).verdict
    assert crossed.endswith(", none is known at 2 of 4 points.")


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"gpus": 4}, "on 4 devices"),
        ({"gpus": 1}, "on 1 device"),
        ({"gpu": "h100:8"}, "on h100:8"),
        ({"gpu": "h100:8", "batch": 16}, "on h100:8, batch 16"),
        ({"dtype": "fp8"}, "in fp8"),
        ({"model": "deepseek-v3", "kv_dtype": "fp8"}, "with deepseek-v3, kv dtype fp8"),
        ({"dp": 2}, "with dp 2"),
        ({"users": 1000}, "with 1,000 users"),
        ({"batch": 64}, "at batch 64"),
        ({"gpu": None, "batch": 64}, "at batch 64"),
        ({"batch": None}, "without these"),
    ],
)
def test_a_place_is_said_as_people_say_it(places: dict[str, Any], said: str) -> None:
    axes = [Axis(key, (value,), Key(key.replace("_", " "), "", key.replace("_", " "))) for key, value in places.items()]
    assert at_words(axes, places) == said


def test_batches_of_a_service_are_swept_where_no_replicas_share_devices(run: Run) -> None:
    """userbase has no --dp, which a sweep of batches holds at one elsewhere."""
    said = run("userbase", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--sweep", "batch=1:4", "--json").json
    assert [row["users"] for row in said["rows"]] == [144, 288, 576]  # 24 hours of 10 minutes for each slot


@pytest.mark.parametrize(("gpu", "said"), [("rtx-3090", False), ("h100", True)])
def test_a_lone_user_on_a_card_of_its_own_asks_for_speed_alone(gpu: str, said: bool) -> None:
    """How much of the arithmetic is used is asked of a server; times of two figures are rounded to three digits."""
    swept = infercost.utilization(gpu=gpu, model="qwen3-8b", sweep="context=2k,32k")
    assert ("utilization rises" in swept.verdict) is said
    fast, slow = (row["tokens_per_s_per_user"] for row in swept.series.rows)
    assert f" ({float(f'{fast / slow:.3g}'):g}x)" in swept.verdict


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("utilization", "--gpu", "rtx-3060", "--model", "llama-3.1-8b", "--sweep", "dtype=q4_k_m,q8_0"), False),
        (("utilization", "--gpu", "rtx-3060", "--model", "llama-3.1-8b", "--sweep", "dtype=q4_k_m,q5_k_m"), True),
        (("economies", *LLAMA, "--users", "10k", "--sweep", "dtype=bf16,fp8"), False),
    ],
)
def test_shares_of_different_rates_do_not_stand_side_by_side(asked: tuple[str, ...], said: bool, run: Run) -> None:
    """The first of two is held against the card's int8, the other against its fp16: neither is the fuller."""
    assert ("tilization is" in run(*asked, "--json").json["verdict"]) == said


@pytest.mark.parametrize("command", [("economies",), ("userbase", "--users", "30k")], ids=lambda words: words[0])
def test_a_limit_has_the_devices_that_keep_it(command: tuple[str, ...], run: Run) -> None:
    """A longest time between tokens decides the deployment, which is a column, as each is answered alone."""
    asked = (*command, "--gpu", "b200", "--model", "llama-3.3-70b")
    swept = run(*asked, "--sweep", "max-tpot=10ms,33ms", "--json").json
    assert all(note["code"] != "held" for note in swept["notes"])
    for row, limit in zip(swept["rows"], ("10ms", "33ms"), strict=True):
        alone = run(*asked, "--max-tpot", limit, "--json").json
        assert alone["results"].items() <= row.items()
        assert row["tp"] == alone["inputs"]["tp"]
    assert len({row["tp"] for row in swept["rows"]}) == 2


def test_points_that_do_not_keep_up_name_what_is_served_and_prices_are_compared_as_prices() -> None:
    """Tokens out over 500 a request are requests; by one rent a token costs what that is over the other."""
    base = {"gpu": "h100:4", "model": "llama-3.1-70b"}
    late = infercost.utilization(**base, input_tokens=8000, output_tokens=500, sweep=["request_rate=20,40"])
    rate = late["rows"][0]["tokens_per_s"] / 500
    assert late.verdict.startswith(f"2 of 2 points do not keep up: {rate:.3f} requests/s are served. ")
    rents = [infercost.accelerator("h100").value(f"rent_{basis}") for basis in ("neocloud", "rental")]
    said = infercost.utilization(**base, sweep=["price_basis=neocloud,rental"]).verdict
    (times,) = re.findall(r" \(rental\): neocloud costs ([\d.]+)x as much as rental\.$", said)
    assert float(times) == pytest.approx(rents[0] / rents[1], abs=0.0051)  # half a cent of 1.745 either way


PROMPTS = {"gpu": "h100:2", "model": "qwen3-32b", "dtype": "fp8"}


@pytest.mark.parametrize("output_tokens", [1, 200])
def test_a_sweep_of_prompts_leads_with_the_time_to_the_first_token(output_tokens: int) -> None:
    """Each of a few points has its own, as it has alone in the same layout; of many the first and the last."""
    said = infercost.utilization(**PROMPTS, output_tokens=output_tokens, sweep="input-tokens=2k,8k,32k")
    assert said.series is not None
    times = [f"{s:.4g} s" if (s := row["ttft_s"]) >= 1 else f"{s * 1000:.4g} ms" for row in said.series.rows]
    first, second, third = times
    assert said.verdict.startswith(
        f"With input tokens 2,000, 8,000 and 32,000, TTFT is {first}, {second} and {third} and "
    )
    assert "utilization" not in said.verdict
    many = infercost.utilization(**PROMPTS, output_tokens=output_tokens, sweep="input-tokens=2k:10k:2k")
    assert many.verdict.startswith("With input tokens from 2,000 to 10,000, the time to the first token rises from ")


def test_a_sweep_with_requests_has_the_money_and_the_time_of_the_job(run: Run) -> None:
    """Those of a single run, which are its seconds by the hour's price."""
    asked = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--osl", "200", "--requests", "30M")
    swept = (*asked, "--price", "3.6", "--sweep", "isl=1k,2k,3k")
    said = run(*swept, "--json").json
    for row in said["rows"]:
        assert row["job_usd"] == pytest.approx(row["job_time_s"] / 1000)
    low, high = (f"${said['rows'][at]['job_usd']:,.0f}" for at in (0, -1))
    days = [f"{said['rows'][at]['job_time_s'] / 86_400:.1f} days" for at in (0, -1)]
    assert f", the price of the job rises from {low} to {high} (" in said["verdict"]
    assert f"the time of the job rises from {days[0]} to {days[1]} (" in said["verdict"]
    assert "tokens/s per user" not in said["verdict"]
    table = run(*swept).out
    assert all(text in table.partition("Asked")[2] for text in (low, high, *days))
    assert "tok/s/user" not in table


@pytest.mark.parametrize(("swept", "is_near"), [("vllm,tensorrt-llm", True), ("vllm,ideal", False)])
def test_a_sweep_says_where_two_estimates_are_within_their_error(swept: str, is_near: bool) -> None:
    """As ``compare`` judges two parts; a bound has no error."""
    asked = {"gpu": "h100:4", "model": "llama-3.1-70b", "dtype": "fp8", "concurrency": 64}
    said = infercost.utilization(**asked, sweep=f"efficiency={swept}")
    first, _, _ = said.verdict.partition(";")
    assert first.endswith("that of vllm, within the error of these estimates") is is_near


def test_a_width_that_is_best_in_all_is_said_to_be() -> None:
    asked = {"gpu": "h100:8", "model": "llama-3.1-70b", "dtype": "fp8", "concurrency": 64}
    said = infercost.utilization(**asked, sweep="tp=2,4,8")
    assert said.series is not None
    two, four, eight = (f"{row['tokens_per_s']:,.0f}" for row in said.series.rows)
    assert said.verdict.startswith(f"tp 4 is best: tokens/s in all is {four} ({two} with tp 2, {eight} with tp 8), ")
    least = [f"${row['usd_per_million_tokens']:.2f}" for row in said.series.rows]
    assert f" the price of a million tokens is {least[1]} ({least[0]}, {least[2]})." in said.verdict
    rising = infercost.utilization(**asked, sweep="tp=2,4").verdict
    assert "is best" not in rising


def test_points_that_miss_a_limit_are_none_of_those_that_do_it(run: Run) -> None:
    asked = ("userbase", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--users", "50k")
    swept = run(*asked, "--sweep", "max-tpot=2ms,50ms", "--json")
    rows = [(row["fits"], row["met"]) for row in swept.json["rows"]]
    assert (swept.code, swept.json["met"], rows) == (0, True, [(True, False), (True, True)])
    assert swept.json["verdict"].startswith("1 of 2 points misses the limit. At max tpot 50 ms, ")


@pytest.mark.parametrize("more", [("--replicas", "1"), ("--max-tpot", "2ms")])
def test_met_says_yes_or_no_where_memory_is_enough(more: tuple[str, ...], run: Run) -> None:
    asked = ("userbase", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--users", "5M")
    missed = run(*asked, *more, "--json")
    assert (missed.code, missed.json["met"], missed.json["results"]["fits"]) == (3, False, True)


def test_prices_of_models_have_how_many_times_the_cheapest_they_are(run: Run) -> None:
    said = run("economies", "--gpu", "h100", "--sweep", "model=qwen3-32b,qwen3-8b,llama-3.1-70b", "--json").json
    dear, cheap, dearest = (row["floor_usd_per_million_tokens"] for row in said["rows"])
    assert said["verdict"].startswith(
        f"The floor of a million tokens is ${dear:.2f} (qwen3-32b, {dear / cheap:.3g}x), ${cheap:.3f} (qwen3-8b), "
        f"${dearest:.2f} (llama-3.1-70b, {dearest / cheap:.3g}x); "
    )


R1 = ("utilization", "--gpu", "h200:16", "--model", "deepseek-r1", "--isl", "4k", "--osl", "1k")


@pytest.mark.parametrize("rates", ["2,6,8", "2,8,30"])
def test_a_sweep_over_a_rate_holds_the_layout_that_serves_the_largest_that_can_be(run: Run, rates: str) -> None:
    """As many requests are served as alone; where a small load alone is in a faster layout, the verdict says so."""
    alone = {rate: run(*R1, "--request-rate", str(rate), "--json").json for rate in map(int, rates.split(","))}
    said = run(*R1, "--sweep", f"request-rate={rates}", "--json").json
    for row in said["rows"]:
        assert row["stable"] == alone[row["request_rate"]]["results"]["stable"]
    largest = max(rate for rate, answer in alone.items() if answer["results"]["stable"])
    served = next(row for row in said["rows"] if row["request_rate"] == largest)
    for key in ("tokens_per_s_per_user", "usd_per_million_tokens", "ttft_s"):
        assert served[key] == alone[largest]["results"][key]
    speed = alone[2]["results"]["tokens_per_s_per_user"]
    assert f"; request rate 2 alone takes 2 replicas of tp 8: {speed:.4g} tokens/s a user." in said["verdict"]


def test_a_sweep_over_sequences_says_what_replicas_would_do_with_the_most(run: Run) -> None:
    """All points are on one replica, which one sequence keeps busy; 512 alone are on eight."""
    asked = ("utilization", "--gpu", "h100:8", "--model", "llama-3.1-8b", "--isl", "2k", "--osl", "500")
    alone = run(*asked, "--concurrency", "512", "--json").json["results"]
    words = f"{alone['tokens_per_s_per_user']:.4g} tokens/s a user at ${alone['usd_per_million_tokens']:.3g}."
    said = run(*asked, "--sweep", "concurrency=1,64,512", "--json").json["verdict"]
    assert said.endswith(f" All are in tp 8; concurrency 512 alone takes 8 replicas of one device: {words}")
    assert " alone takes " not in run(*asked, "--tp", "8", "--sweep", "concurrency=1,64,512", "--json").json["verdict"]


def test_rows_of_prompts_apart_count_their_devices_among_those_given(run: Run) -> None:
    """A point is no where it is no alone: 16 devices decode and read."""
    said = run(*R1, "--disaggregated", "--sweep", "request-rate=2,10,14", "--json").json["rows"]
    for row in said:
        alone = run(*R1, "--disaggregated", "--request-rate", str(row["request_rate"]), "--json")
        assert (alone.code == 0) is row["stable"]
    assert [row["stable"] for row in said] == [True, True, False]


@pytest.mark.parametrize("swept", ["tp=8,16", "batch=16,32", "gpu=h100:16,h200:8"])
def test_a_sweep_has_the_figures_of_the_verdict_alone(run: Run, swept: str) -> None:
    """Prompts are in the speeds as they are in the price: what a user meets, and what all get."""
    asked = ("utilization", "--model", "llama-3.1-405b", "--dtype", "bf16")
    asked += () if swept.startswith("gpu") else ("--gpu", "h100:16")
    asked += ("--tp", "8") if swept.startswith("batch") else ("--batch", "32")
    said = run(*asked, "--sweep", swept, "--json").json
    option, values = swept.split("=")
    for value, row in zip(values.split(","), said["rows"], strict=True):
        alone = run(*asked, f"--{option}", value, "--json").json["verdict"]
        each, everybody = (show(row[f"tokens_per_s{end}_all_in"]) for end in ("_per_user", ""))
        assert alone.startswith(f"{each} tokens/s a user after the first token, {everybody} in all")
        assert (each in said["verdict"]) or (everybody in said["verdict"])
        assert show(row["tokens_per_s_per_user"]) not in said["verdict"]
        assert row["tokens_per_s_per_gpu_all_in"] == pytest.approx(row["tokens_per_s_all_in"] / row["gpus"])


def test_a_sweep_over_users_says_what_few_of_them_would_cost_alone(run: Run) -> None:
    """Replicas of four, which a million users take, are twice as dear for a hundred as one of two."""
    asked = ("userbase", "--gpu", "h100", "--model", "llama-3.1-70b", "--workload", "chat", "--json")
    alone = run(*asked, "--users", "100").json["results"]
    said = run(*asked, "--sweep", "users=100,10k,1M").json
    assert said["rows"][0]["usd_per_month"] == pytest.approx(2 * alone["usd_per_month"])
    words = f"users 100 alone takes tp 2: ${alone['usd_per_month']:,.0f} a month."
    assert said["verdict"].endswith(f" All are in tp 4; {words}")


@pytest.mark.parametrize("load", ["request_rate=4,40", "users=1k,100k", "concurrent=10,100,1000"])
def test_a_service_of_more_load_says_its_devices_first(load: str) -> None:
    more = {} if load.startswith("concurrent") else {"input_tokens": 1000, "output_tokens": 250}
    said = infercost.userbase(gpu="l40s", model="qwen3-14b", dtype="fp8", **more, sweep=load)
    few, most = (said.to_dict()["rows"][index]["gpus"] for index in (0, -1))
    assert few < most
    assert f", the number of devices rises from {few} to {most} ({most}x) and the price of a month " in said.verdict


def test_a_sweep_of_lengths_says_where_requests_wait(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100:1", "--model", "qwen3-32b", "--dtype", "fp8", "--concurrency", "32")
    said = run(*asked, "--sweep", "osl=200,2000", "--json").json["verdict"]
    assert said.endswith(" 19 of 32 requests run at once at output tokens 200, 17 at output tokens 2,000.")
    out = " ".join(run(*asked, "--osl", "2000", "--format", "markdown").out.split())
    assert "each of those in flight is answered; 15 wait" in out


@pytest.mark.parametrize(
    ("varied", "words"),
    [
        ({"sweep": ["dtype=bf16,q4_k_m"], "gpu": "rtx-4090"}, "x that of bf16, llama.cpp against vLLM; "),
        ({"sweep": ["gpu=rtx-4090,rx-7900-xtx"]}, "x that of rx-7900-xtx, vLLM against llama.cpp"),
        ({"sweep": ["gpu=h100,tpu-v6e,l4"]}, " Engines differ: vLLM (h100, l4), profile realistic (tpu-v6e)."),
        ({"sweep": ["dtype=bf16,q4_k_m", "batch=1,2"], "gpu": "rtx-4090"}, " Engines differ: vLLM, llama.cpp."),
        ({"sweep": ["dtype=bf16,fp8"], "gpu": "rtx-4090"}, ""),
        ({"sweep": ["efficiency=vllm,llama.cpp"], "gpu": "rtx-4090"}, ""),
    ],
)
def test_points_of_several_engines_are_said_to_be(varied: dict[str, Any], words: str) -> None:
    said = infercost.utilization(model="llama-3.1-8b", **varied).verdict
    assert words in said
    assert bool(words) == ("vLLM" in said)


def test_a_narrower_width_on_as_many_devices_is_said_to_be_paid_in_stages(run: Run) -> None:
    """Four of eight ranks leave two stages: the price of a token is that of eight devices, not of four."""
    asked = ("utilization", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--batch", "1", "--json")
    said = run(*asked, "--sweep", "tp=4,8").json
    assert said["verdict"].endswith(" All 8 devices are paid at each: tp 4 in 2 stages.")
    assert "are paid at each" not in run(*asked, "--sweep", "context=1k,2k").json["verdict"]


def test_widths_of_a_service_are_set_beside_each_other_as_replicas() -> None:
    """Eight devices make twice the tokens of a replica of four at its price, or those of one of eight, in 50 ms."""
    asked: dict[str, Any] = {"model": "llama-3.1-70b", "dtype": "fp8", "max_tpot": "50ms"}
    said = infercost.economies(gpu="h100:8", **asked, sweep=["tp=4,8"]).verdict
    four, eight = (infercost.economies(gpu=f"h100:{count}", **asked) for count in (4, 8))
    rates = 2 * four["floor_tokens_per_s"], eight["floor_tokens_per_s"]
    assert rates[0] == pytest.approx(8 / four["floor_device_seconds"])
    usd = [f"${each['floor_usd_per_million_tokens']:.2f}" for each in (four, eight)]
    start = f"Within 50 ms a token 2 replicas of tp 4 give {rates[0]:,.0f} tokens/s in all at {usd[0]} a million and "
    assert said.startswith(f"{start}one of tp 8 {rates[1]:,.0f} at {usd[1]} ({rates[0] / rates[1]:.2f}x). With tp ")
    assert said.endswith(" All 8 devices are paid at each: tp 4 in 2 stages.")


def test_what_is_short_is_of_a_device_and_a_batch_alone_has_the_rate_of_the_others() -> None:
    """256 x 1,000 tokens of 327,680 B beside 141.1 GB on two: what each of four lacks; a draft's layouts apart."""
    said = infercost.utilization(
        gpu="h100:4", model="llama-3.1-70b", context="1k", batch=512, sweep=["dtype=bf16,int4"]
    )
    alone = infercost.utilization(gpu="h100:4", model="llama-3.1-70b", context="1k", batch=512, tp=2, dp=2)
    short = alone["shortfall_bytes"] / 4e9
    assert said.verdict.startswith(f"bf16 does not fit (short by {short:.2f} GB a device), int4 does. ")
    assert f", short by {short:.2f} GB a device. " in alone.verdict
    draft: dict[str, Any] = {"draft_model": "llama-3.1-8b", "draft_tokens": 5, "acceptance": 0.7}
    asked = {"gpu": "h100:8", "model": "llama-3.1-70b", **draft}
    both, own = infercost.utilization(**asked, sweep=["batch=1,64"]).verdict, infercost.utilization(**asked, batch=64)
    rate, gain = own["tokens_per_s_per_user_all_in"], own["draft_speedup"]
    assert gain > 1
    assert "x, below 1x from batch 64 on in tp 8. " in both
    end = f"tp 4: {rate:.4g} tokens/s a user after the first token at ${own['usd_per_million_tokens']:.2f}, {gain:.4g}x"
    assert both.endswith(f"{end} of no draft.")


def test_a_cache_that_changes_the_engine_says_that_it_does() -> None:
    """llama.cpp keeps a cache in q8_0, and its weights and reserves are others."""
    said = infercost.fit(gpu="rtx-4090", model="qwen3-8b", context="16k", sweep=["kv-dtype=bf16,q8_0"]).verdict
    assert "3x as many as bf16, and another engine, llama.cpp against vLLM; " in said


def test_critical_batches_of_models_stand_side_by_side() -> None:
    """Matrices of 16 bits are full at one batch for all dense models; a sparse one reads more than it multiplies."""
    asked: dict[str, Any] = {"gpu": "h100:8", "efficiency": "ideal", "sweep": "model=llama-3.1-70b,mixtral-8x7b"}
    said = infercost.utilization(**asked).to_dict()
    dense, sparse = (row["critical_batch"] for row in said["rows"])
    assert dense == pytest.approx(989.4e12 / 3.35e12, rel=1e-3)  # 2 FLOP and 2 bytes a parameter; norms are read
    both = f" The critical batch is {dense:.4g} (llama-3.1-70b) and {show(sparse, '')} (mixtral-8x7b), "
    assert both in said["verdict"]
    assert both not in infercost.utilization(**asked, batch=8).verdict


def test_replicas_that_are_there_have_first_how_many_users_they_take() -> None:
    """Four fifths of a prompt found in the cache leave room for more users; the price of a month stays."""
    asked: dict[str, Any] = {"gpu": "h100:4", "model": "llama-3.1-70b", "isl": 6000, "osl": 500, "messages_per_day": 8}
    said = infercost.userbase(**asked, replicas=1, sweep="shared-prefix=0,4800").to_dict()
    few, many_users = (row["users"] for row in said["rows"])
    words = (
        f"the number of daily users rises from {few:,.0f} to {many_users:,.0f} ({many_users / few:.3g}x) and the price"
    )
    assert words in said["verdict"]
    assert "the number of daily users rises" in infercost.userbase(**asked, sweep="budget=11k,21k").verdict
