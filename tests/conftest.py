"""What every test may use: the command line inside this process, and the project's folder."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import infercost
from infercost.cli.app import main

ROOT = Path(__file__).resolve().parent.parent


class Result(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on standard output; NaN and Infinity are no JSON."""
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


Run = Callable[..., Result]


def report_of(command: str, options: Mapping[str, Any], words: Sequence[str] = ()) -> infercost.Report:
    """The report of a command that is named by a case, from Python."""
    return getattr(infercost, command.replace("-", "_"))(*words, **options)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INFERCOST_PRESETS", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.excepthook", lambda *_: None)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process."""

    def run_command(*args: str) -> Result:
        code = main(list(args))
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return run_command


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test runs in the project's folder."""
    monkeypatch.chdir(ROOT)
    return ROOT


def bare_env(**more: str) -> dict[str, str]:
    """The environment without what changes infercost's output."""
    names = ("INFERCOST_PRESETS", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    return {**{key: value for key, value in os.environ.items() if key not in names}, **more}
