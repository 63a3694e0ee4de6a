"""Each command is a function that lists its options, and Python takes the same ones, typed."""

import inspect
from typing import Unpack, get_type_hints

import pytest

import infercost
from infercost.cli.app import COMMANDS
from infercost.scenario.options import NAMES, TAKES, options_of

#: How an answer is wanted, of every command.
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
    assert hints["return"] is infercost.Report
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
