"""Long work shows how far it has come on a terminal's standard error, and nothing in a pipe."""

import os
import pty
from pathlib import Path

import pytest

from tests.conftest import ROOT, heard, run_on

TRACE = ROOT / "tests/data/traces/azure_2023.csv"
TABLE = ROOT / "presets/measurements/served.csv"
LONG = {
    "measurements": ("validate", str(TABLE)),
    TRACE.name: ("economies", "--gpu", "h100-note", "--params", "1.6e12", "--trace", str(TRACE)),
    "rows": ("frontier", "--gpu", "h100", "--model", "llama-3.1-8b", "--max-gpus", "2", "--all", "-o", "all.csv"),
    "points": ("utilization", "--gpu", "h100", "--params", "70B", "--sweep", "batch=1:200:1"),
}


def shown(words: tuple[str, ...], ours: int, theirs: int) -> str:
    """What a command writes to the standard error that is the end of a terminal or a pipe."""
    with heard(ours, theirs) as written, open(os.devnull, "w") as nothing:
        assert run_on(nothing.fileno(), theirs, *words) == 0
    return written.decode()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("what", LONG)
def test_a_bar_is_shown_on_a_terminal_and_taken_away(what: str) -> None:
    said = shown(LONG[what], *pty.openpty())
    assert f"{what} " in said
    assert "100%" in said
    assert said.index("100%") < said.rindex("\x1b[2K")  # the line is cleared once it is full


@pytest.mark.parametrize("what", LONG)
def test_no_bar_in_a_pipe(what: str) -> None:
    said = shown(LONG[what], *os.pipe())
    assert "\x1b" not in said
    assert "100%" not in said
