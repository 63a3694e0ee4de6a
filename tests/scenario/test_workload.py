"""Workloads: the same as their figures given one by one, each with its source, and what they leave to others."""

from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.errors import BadFile, InfercostError
from infercost.parts import catalog
from tests.conftest import ROOT, Run

TRACES = ROOT / "tests/data/traces"
NAMES = catalog.names("workloads")
ON = {"gpu": "h100:4", "model": "llama-3.1-70b"}
#: The figures of the conversation trace, as published, and those that others give.
CHAT: dict[str, Any] = {"input_tokens": 1155, "output_tokens": 211, "prefix_share": 0.37}
HABITS: dict[str, Any] = {"messages_per_day": 8, "traffic": "chat-global"}
ASKED: dict[str, dict[str, Any]] = {
    "utilization": ON,
    "sweep_batch": {**ON, "batch": "1,64"},
    "economies": {**ON, "points": 3},
    "userbase": {**ON, "users": 50_000},
    "frontier": {**ON, "gpu": "h100", "max_gpus": 4, "best": "cost"},
    "compare": {"gpu": ["h100", "h200"], "model": "llama-3.1-8b"},
}


def test_those_that_were_promised_ship() -> None:
    assert {"chat", "rag", "agentic-coding", "summarize", "reasoning", "batch"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_day_is_a_traffic_preset(name: str) -> None:
    labels = catalog.load("workloads", name).labels
    assert labels.get("traffic", "flat") in catalog.names("traffic")


@pytest.mark.parametrize("command", ASKED)
def test_is_the_same_as_its_figures_one_by_one(command: str) -> None:
    ask, figures = getattr(infercost, command), CHAT | (HABITS if command in ("economies", "userbase") else {})
    named, given = ask(**ASKED[command], workload="chat"), ask(**ASKED[command], **figures)
    assert named.values == given.values
    assert named.series == given.series
    said = {item.key: item for item in named.inputs}
    assert said["workload"].value == "chat"
    for key, value in figures.items():
        assert (said[key].value, said[key].origin) == (value, "workload chat")
        assert key == "traffic" or "workloads" not in said[key].source
    assert said["input_tokens"].source.startswith("Azure/AzurePublicDataset")
    assert said["input_tokens"].date == "2023-11"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["utilization", "userbase"])
def test_every_one_is_answered(name: str, command: str) -> None:
    report = getattr(infercost, command)(**ASKED[command], workload=name)
    assert report["usd_per_million_tokens"] > 0


def test_fit_holds_a_request_half_way_through_its_answer() -> None:
    """1,155 and half of 211 are 1,260.5: whole tokens of context."""
    report = infercost.fit(**ON, workload="chat")
    assert {item.key: item.value for item in report.inputs}["context"] == 1260
    report = infercost.fit(**ON, workload="chat", context=4096)
    assert {item.key: item.value for item in report.inputs}["context"] == 4096


def test_what_is_given_wins() -> None:
    inputs = {item.key: item for item in infercost.utilization(**ON, workload="chat", output_tokens=500).inputs}
    assert (inputs["output_tokens"].value, inputs["output_tokens"].origin) == (500, "Python")
    assert inputs["input_tokens"].value == 1155


def test_minutes_stand_for_messages() -> None:
    keys = {item.key for item in infercost.economies(**ON, workload="chat", points=2, minutes_per_day=5).inputs}
    assert "minutes_per_day" in keys
    assert "messages_per_day" not in keys


def test_a_bare_count_has_no_prompts(run: Run) -> None:
    bare = {"gpu": "h100-note", "params": "1.6e12", "points": 2, "price": 2}
    named = infercost.economies(**bare, workload="chat")
    assert named.values == infercost.economies(**bare, output_tokens=211, **HABITS).values
    said = run("utilization", "--gpu", "h100", "--params", "8B", "--workload", "chat")
    assert said.err.startswith("error: --workload needs --model: a bare count has no prompts\n")


def test_the_assumed_request_is_the_usual_workload() -> None:
    assumed = infercost.utilization(**ON)
    assert assumed.values == infercost.utilization(**ON, workload="usual").values
    inputs = {item.key: item for item in assumed.inputs}
    assert (inputs["input_tokens"].value, inputs["output_tokens"].value) == (7680, 1024)
    assert inputs["input_tokens"].source == catalog.load("workloads", "usual").fact("input_tokens").source
    assert inputs["input_tokens"].assumed


def test_a_shorter_model_takes_less_than_the_usual_workload() -> None:
    inputs = {item.key: item for item in infercost.utilization(gpu="h100", model="llama-2-7b").inputs}
    assert inputs["input_tokens"].value < 7680
    assert inputs["input_tokens"].source == "cut to what the model takes"


def test_a_sweep_over_workloads_takes_each_as_it_is() -> None:
    """1,155 + 105 tokens, and 2,944 + 141."""
    report = infercost.fit(**ON, sweep="workload=chat,rag")
    assert report.series
    alone = [infercost.fit(**ON, workload=name)["max_sequences"] for name in ("chat", "rag")]
    assert [row["max_sequences"] for row in report.series.rows] == alone


@pytest.mark.parametrize(
    ("question", "what", "hint"),
    [
        ("utilization --model llama-3.1-8b --gpu h100 --workload chats", "no workload preset is called 'chats'", NAMES),
        (
            f"economies --model llama-3.1-8b --gpu h100 --workload chat --trace {TRACES}/azure_2023.csv",
            "--workload and --trace both say how long a request is",
            ["azure_2023.csv has input tokens"],
        ),
        ("utilization --model llama-3.1-8b --gpu h100 --workload chat --context 9", "--workload and --context", []),
        ("compare h100 l4 --workload chat", "compare needs --model for --workload\n", []),
        ("utilization --model bge-m3 --gpu l4 --workload chat", "--workload is of decoded tokens", []),
        ("userbase --users 100 --workload chat", "a service needs --gpu and a model", []),
        (
            "utilization --model llama-2-7b --gpu h100 --workload agentic-coding",
            "more than llama-2-7b was made for",
            [],
        ),
    ],
)
def test_refuses(question: str, what: str, hint: list[str], run: Run) -> None:
    said = run(*question.split())
    assert said.code == 2
    assert what in said.err
    assert all(name in said.err for name in hint)


def test_hourly_counts_shape_the_day_of_a_workload() -> None:
    """Counts of 30, 20, 0 and 10.5: the day is theirs, 15.125 in the mean, and lengths and messages are the chat's."""
    trace = f"{TRACES}/hourly.csv"
    report = infercost.userbase(**ON, users=50_000, workload="chat", trace=trace)
    assert report.series
    assert [row["load"] for row in report.series.rows] == pytest.approx([30 / 15.125, 20 / 15.125, 0, 10.5 / 15.125])
    alone = infercost.userbase(**ON, users=50_000, **CHAT, messages_per_day=8, trace=trace)
    assert {row.key: row.value for row in report.results} == {row.key: row.value for row in alone.results}
    assert report["tokens_per_s"] == pytest.approx(50_000 * 8 * 211 / 86_400)


def test_lengths_of_a_trace_stand_beside_a_workload_where_both_are_given() -> None:
    """Who gives the lengths, and how much of a prompt is shared, leaves nothing to the two."""
    trace = f"{TRACES}/azure_2023.csv"
    report = infercost.userbase(**ON, users=50_000, workload="chat", trace=trace, input_tokens=100, output_tokens=50)
    assert report["tokens_per_s"] == pytest.approx(50_000 * 8 * 50 / 86_400)


FILE = """\
name: Ours
input_tokens: {value: 900, source: LOG}
output_tokens: {value: 90, source: LOG}
sources:
  LOG: {title: "our own log", date: 2026-01}
"""


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(FILE)
    inputs = {item.key: item for item in infercost.utilization(**ON, workload=str(path)).inputs}
    assert (inputs["workload"].value, inputs["input_tokens"].value) == ("ours", 900)
    assert inputs["input_tokens"].source == "our own log"
    path.write_text(FILE.replace("output_tokens: {value: 90, source: LOG}\n", ""))
    with pytest.raises(BadFile, match="no output_tokens"):
        infercost.utilization(**ON, workload=str(path))


def test_a_day_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(f"{FILE}traffic: nowhere\n")
    with pytest.raises(InfercostError, match="no traffic preset is called 'nowhere'"):
        infercost.userbase(**ON, users=100, workload=str(path))


def test_is_shown_said_and_completed(run: Run) -> None:
    assert run("presets", "show", "chat").out.startswith("chat: Chat")
    assert {row["name"] for row in run("presets", "list", "workloads", "--json").json["rows"]} == set(NAMES)
    out = run("utilization", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--workload", "chat", "--sources").out
    said = " ".join(out.split())
    assert "Of the workload: input tokens 1,155, output tokens 211, prefix share 37.0%." in said
    assert "input_tokens 1,155" in said
    assert "LLM inference 2023, conversation trace of one hour, 2023-11" in said
    from infercost.cli.options import COMPLETERS

    assert COMPLETERS["workload"]("re") == ["reasoning", "retrieval"]
