"""A list in a scenario file is several unlike questions: a row for each, as it is answered alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Result, Run

UNLIKE: dict[str, list[dict[str, Any]]] = {
    "utilization": [
        {"gpu": "h100", "model": "llama-3.1-70b", "batch": 8, "price": 2},
        {"gpu": "h200:4", "model": "llama-3.1-70b", "dtype": "fp8", "batch": 64, "price": 2},
        {"gpu": "rtx-4090", "params": "8B", "price": 2, "set": {"gpu.memory_bandwidth": "2TB/s"}},
    ],
    "fit": [
        {"gpu": "h100", "model": "llama-3.1-70b"},
        {"gpu": "h100:8", "model": "llama-3.1-70b", "batch": 512},
    ],
    "economies": [
        {"gpu": "h100:4", "model": "llama-3.1-70b"},
        {"gpu": "mi300x:2", "model": "llama-3.1-70b", "context": "16k"},
    ],
}


def asked(run: Run, path: Path, command: str, questions: Any, *args: str) -> Result:
    path.write_text(json.dumps(questions))
    return run(command, "--scenario", str(path), *args)


@pytest.mark.parametrize("command", UNLIKE)
def test_each_row_is_its_question_asked_alone(command: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    rows = asked(run, path, command, UNLIKE[command], "--json").json["rows"]
    assert len(rows) == len(UNLIKE[command])
    for row, question in zip(rows, UNLIKE[command], strict=True):
        alone = asked(run, path, command, question, "--json").json
        assert {key: row[key] for key in alone["results"]} == alone["results"]


def test_columns_are_what_differs_and_the_rest_is_said_once(run: Run, tmp_path: Path) -> None:
    found = asked(run, tmp_path / "case.yaml", "utilization", UNLIKE["utilization"], "--json").json
    assert found["inputs"]["price"] == 2
    assert [*found["rows"][0]][:6] == ["gpu", "model", "batch", "dtype", "params", "set"]
    assert found["inputs"]["model"] == ["llama-3.1-70b"]
    assert [row["batch"] for row in found["rows"]] == [8, 64, 1]  # 1 where nobody gave it
    assert [row["dtype"] for row in found["rows"]] == ["bf16", "fp8", "8bit"]


def test_flags_win_in_every_question(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    both = [{"gpu": "h100", "params": "8B", "batch": 1}, {"gpu": "h200", "params": "8B", "batch": 8}]
    found = asked(run, path, "utilization", both, "--batch", "4", "--json").json
    assert found["inputs"]["batch"] == 4
    assert [row["batch"] for row in found["rows"]] == [4, 4]
    same = asked(run, path, "utilization", both, "--batch", "4", "--gpu", "h100", "--json").json
    assert same["rows"] == []
    assert (
        same["results"]
        == run("utilization", "--gpu", "h100", "--params", "8B", "--batch", "4", "--json").json["results"]
    )


def test_a_question_without_an_answer_is_a_row_that_says_why(run: Run, tmp_path: Path) -> None:
    both = [{"gpu": "h100", "model": "llama-3.1-8b"}, {"gpu": "groq:16", "model": "llama-3.2-1b"}]
    found = asked(run, tmp_path / "case.yaml", "utilization", both, "--json")
    assert found.code == 0
    assert [row["fits"] for row in found.json["rows"]] == [True, None]
    assert found.json["rows"][1]["step_time_s"] is None
    said = "no answer on groq:16, llama-3.2-1b: no link bandwidth of groq-lpu-v1 is known"
    assert {"code": "left-out", "text": said} in found.json["notes"]


@pytest.mark.parametrize(
    ("command", "questions", "args", "said"),
    [
        ("utilization", [{"batch": 1}, {"batch": "x"}], (), "question 2: batch: 'x' is not a number"),
        ("utilization", [{"batch": 1}, {"batches": 2}], (), "question 2: no such key 'batches'"),
        ("utilization", [{"batch": 1}, {"gpu": "h1000"}], (), "no accelerator preset is called 'h1000'"),
        ("utilization", [{"batch": 1}, 2], (), "holds no mapping"),
        ("utilization", [], (), "holds no mapping"),
        ("utilization", [{"batch": 1}, {"batch": 2}], ("--sweep", "context=1k,2k"), "both make rows"),
        ("utilization", [{"batch": 1}, {"sweep": "context=1k,2k"}], (), "both make rows"),
        ("utilization", [{"batch": 1}, {"batch": 2}], ("--plot",), "has no picture"),
        ("utilization", [{"batch": 1}, {"batch": 2}], ("--steps",), "no one work to show"),
        ("utilization", [{"batch": each} for each in range(1, 10_002)], (), "10,001 questions are too many"),
        ("economies", [{"users": 1}, {"gpu": ["h100", "h200"]}], (), "several --gpu conflict with one row a point"),
        ("sweep-batch", [{"context": 1}, {"context": 2}], (), "sweep-batch takes one question, not a list"),
    ],
)
def test_what_a_list_cannot_hold(
    command: str, questions: Any, args: tuple[str, ...], said: str, run: Run, tmp_path: Path
) -> None:
    full = [{"gpu": "h100", "params": "8B"} | each if isinstance(each, dict) else each for each in questions]
    found = asked(run, tmp_path / "case.yaml", command, full, *args)
    assert found.code == 2
    assert said in found.err
    assert len(found.err.splitlines()) == 2


def test_a_list_of_models_is_no_row_of_a_list(run: Run, tmp_path: Path) -> None:
    both = [{"gpu": "h100"}, {"gpu": "h200", "model": "llama-3.1-8b"}]
    assert "a list of models is one question" in asked(run, tmp_path / "case.yaml", "fit", both).err
