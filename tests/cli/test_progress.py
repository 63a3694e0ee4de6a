"""Long work shows how far it has come on a terminal's standard error, and nothing in a pipe."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import ROOT, bare_env

TRACE = ROOT / "tests/data/traces/azure_2023.csv"
LONG = {
    "measurements": ("validate",),
    TRACE.name: ("economies", "--gpu", "h100-note", "--params", "1.6e12", "--trace", str(TRACE)),
    "rows": ("frontier", "--gpu", "h100", "--model", "llama-3.1-8b", "--max-gpus", "8", "--all", "-o", "all.csv"),
    "points": ("utilization", "--gpu", "h100", "--params", "70B", "--sweep", "batch=1:1000:1"),
}


def shown(words: tuple[str, ...], where: Path, ours: int, theirs: int) -> str:
    """What a command writes to an end of a terminal or a pipe, read from the other one while it runs."""
    said = bytearray()

    def read() -> None:
        with suppress(OSError):  # a terminal's end, once nobody writes to it
            while block := os.read(ours, 1 << 16):
                said.extend(block)

    command = [sys.executable, "-m", "infercost", *words]
    env = bare_env(TERM="xterm-256color", COLUMNS="80", PYTHONPATH=str(ROOT))
    reader = Thread(target=read)
    reader.start()
    job = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, cwd=where, env=env)
    os.close(theirs)
    reader.join(timeout=30)
    os.close(ours)
    assert job.returncode == 0
    return said.decode()


@pytest.mark.parametrize("what", LONG)
def test_a_bar_is_shown_on_a_terminal_and_taken_away(what: str, tmp_path: Path) -> None:
    said = shown(LONG[what], tmp_path, *pty.openpty())
    assert f"{what} " in said
    assert "100%" in said
    assert said.index("100%") < said.rindex("\x1b[2K")  # the line is cleared once it is full


@pytest.mark.parametrize("what", LONG)
def test_no_bar_in_a_pipe(what: str, tmp_path: Path) -> None:
    said = shown(LONG[what], tmp_path, *os.pipe())
    assert "\x1b" not in said
    assert "100%" not in said
