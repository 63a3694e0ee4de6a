"""Each command is a function that lists its options, and Python takes the same ones, typed."""

import inspect
import json
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Unpack, get_type_hints

import fastjsonschema
import pytest

import infercost
from infercost.cli.app import COMMANDS
from infercost.render.schema import RESULTS, ROWS
from infercost.scenario.options import NAMES, TAKES, options_of
from tests.conftest import ROOT, Run

#: How an answer is wanted, of every command.
DOCUMENT = (
    *("schema_version", "command", "verdict", "met", "inputs", "assumed", "asked", "results", "rows", "advice"),
    *("engine_command", "notes", "steps", "sources"),
)
OUTPUT = {"words", "scenario", "format", "json", "csv", "steps", "sources", "output", "plot"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_lists_the_options_that_it_takes(command: str) -> None:
    listed = set(inspect.signature(COMMANDS[command]).parameters)
    assert listed - OUTPUT == set(options_of(command)) - OUTPUT
    assert listed >= {"scenario", "format", "json", "csv", "steps", "sources", "output"}


def test_every_option_is_taken_by_some_command() -> None:
    assert {name for command in COMMANDS for name in options_of(command)} == NAMES


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"presets"}))
def test_a_function_of_python_is_typed_by_the_same_options(command: str) -> None:
    function = getattr(infercost, command.replace("-", "_"))
    hints = get_type_hints(function)
    assert hints["return"] is infercost.Answer
    taken = hints["options"].__args__[0]
    assert hints["options"] == Unpack[taken]
    assert set(taken.__annotations__) - {"output"} == set(TAKES[command].__annotations__) - {"output"}


def test_an_answer_cannot_be_changed_but_copied_with_a_change() -> None:
    report = infercost.userbase(concurrent=1000)
    with pytest.raises(AttributeError, match="verdict"):
        report.verdict = "another"  # type: ignore[misc]
    other = report.replace(verdict="another")
    assert (other.verdict, other.results) == ("another", report.results)
    assert report.verdict != "another"


def test_an_answer_prints_as_the_plain_table() -> None:
    report = infercost.fit(gpu="h100-note", params="1.6e12")
    assert str(report) == infercost.to_text(report)
    assert "\n  least devices for the weights" in str(report)


def test_a_notebook_shows_tables_and_escapes_what_others_wrote(tmp_path: Path) -> None:
    preset = tmp_path / "part.yaml"
    note = (ROOT / "presets/accelerators/h100-note.yaml").read_text()
    preset.write_text(note.replace('"NVIDIA H100, round numbers of the note"', '"<b>&mine"'))
    cell = infercost.compare(str(preset), "human-brain")._repr_html_()
    assert cell.startswith("<p><strong>")
    assert "<table>" in cell
    assert "&lt;b&gt;&amp;mine" in cell
    assert "<b>" not in cell


def test_an_answer_is_a_dictionary_like_its_json(run: Run) -> None:
    found = infercost.utilization(gpu="h100-note", params="1.6e12").to_dict()
    document = run("utilization", "--gpu", "h100-note", "--params", "1.6e12", "--json", "--sources").json
    assert found["results"] == document["results"]
    assert [source["key"] for source in found["sources"]] == [source["key"] for source in document["sources"]]


def test_an_answer_has_its_rows_and_its_verdict_by_key() -> None:
    found = infercost.sweep_batch(gpu="h100-note", params="1.6e12", batch="1,100")
    assert [row["batch"] for row in found["rows"]] == [1, 100]
    assert found["verdict"] == found.verdict
    with pytest.raises(KeyError, match=r"fit has no 'users': results are .*weight_bytes.*; beside them .*verdict"):
        infercost.fit(gpu="h100", params="70B")["users"]
    with pytest.raises(KeyError, match="did you mean weight_bytes"):
        infercost.fit(gpu="h100", params="70B")["weight_byte"]


def test_an_error_says_what_and_what_to_do_on_a_line_each() -> None:
    with pytest.raises(infercost.InfercostError) as raised:
        infercost.fit(gpu="h100", params="x")
    error = raised.value
    assert str(error).splitlines() == ["params: 'x' is not a number", f"hint: {error.hint}"]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_answer_is_a_data_frame_where_pandas_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class DataFrame(list):  # type: ignore[type-arg]
        pass

    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=DataFrame))
    rows = infercost.sweep_batch(gpu="h100-note", params="1.6e12", batch="1,100").to_frame()
    assert [row["utilization"] for row in rows] == pytest.approx([0.002, 0.2])
    (row,) = infercost.utilization(gpu="h100", model="llama-3.1-8b").to_frame()
    assert row["step_time_s_low"] < row["step_time_s"] < row["step_time_s_high"]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(infercost.InfercostError, match="needs pandas"):
        infercost.fit(gpu="h100-note", params="1.6e12").to_frame()


@pytest.mark.parametrize("asked", [("-h",), ("help",), ("--help",), ()])
def test_help_says_the_exit_codes(asked: tuple[str, ...], run: Run) -> None:
    result = run(*asked)
    assert result.code == 0
    assert "Exit codes: 0 answered; 2 a wrong question" in " ".join(result.out.split())


@pytest.mark.parametrize("asked", [("fit", "-h"), ("help", "fit"), ("help", "fit", "--gpu")])
def test_help_of_a_command(asked: tuple[str, ...], run: Run) -> None:
    assert run(*asked) == run("fit", "--help")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (("fit", "--gpu", "h10", "--model", "llama-3.1-8b", "--json"), "did you mean h100?"),
        (("fit", "--format", "json", "--gpu", "h100", "--batch", "many", "--model", "llama-3.1-8b"), "--batch"),
        (("utilization", "--format=json", "--nonsense"), "infercost utilization --help"),
        (("--json",), "infercost --help"),
    ],
)
def test_an_error_is_json_where_json_is_asked_for(asked: tuple[str, ...], hint: str, run: Run) -> None:
    result = run(*asked)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    error = json.loads(result.err)["error"]
    assert set(error) == {"what", "hint"}
    assert hint in error["hint"] or hint in error["what"]


@pytest.mark.parametrize("name", ["out.xlsx", "out.v2", "out.jsonl", "out.html"])
def test_an_unknown_ending_is_refused(name: str, run: Run, tmp_path: Path) -> None:
    asked = ("fit", "--gpu", "h100-note", "--params", "1.6e12", "--output", str(tmp_path / name))
    result = run(*asked)
    assert result.code == 2
    assert "no form ends so" in result.err
    assert not list(tmp_path.iterdir())
    assert run(*asked, "--csv").code == 0, "its form is named"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_schema_of_a_command_is_one_and_refuses_other_answers(command: str, run: Run) -> None:
    printed = json.loads(run("schema", command).out)
    check = fastjsonschema.compile(printed)
    document = run("presets", "list", "traffic", "--json").json | {"command": command, "rows": []}
    check(document)
    for wrong in ({"schema_version": 2}, {"results": {"no_such_key": 1}}, {"verdict": None}, {"more": 1}):
        with pytest.raises(fastjsonschema.JsonSchemaValueException):
            check(document | wrong)
    assert set(DOCUMENT) == set(printed["required"])


def test_the_schema_knows_types_and_units(run: Run) -> None:
    results = json.loads(run("schema", "fit").out)["properties"]["results"]["properties"]
    assert results["fits"]["type"] == ["boolean", "null"]
    assert "memory holds" in results["fits"]["description"]
    assert results["weight_bytes"] == {"type": ["number", "null"], "description": "weights (B)"}
    unknown = run("schema", "fits")
    assert (unknown.code, unknown.out) == (2, "")
    assert "did you mean fit?" in unknown.err
    assert run("schema").err.startswith("error: schema needs a command\nhint: one of fit, utilization, ")


def test_every_command_has_a_schema() -> None:
    assert {*RESULTS} == {*ROWS} == {*COMMANDS}


def test_an_answer_says_what_it_is_and_has_defaults() -> None:
    answer = infercost.fit(gpu="h100", params="8B")
    assert repr(answer) == f"<Answer fit: {answer.verdict}>"
    assert answer.get("gpus") == answer["gpus"] == 1
    assert (answer.get("no_such_key"), answer.get("no_such_key", 7)) == (None, 7)
