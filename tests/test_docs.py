"""What the documents show is what the tool prints."""

import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT, bare_env, heard, run_on

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/"


class Block(NamedTuple):
    """A command in a document and the output that stands below it."""

    document: str
    command: str
    output: str


def blocks() -> list[Block]:
    """Every command of every console block that shows output."""
    found = []
    for path in DOCUMENTS:
        for body in re.findall(r"^```console\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
            for command, output in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE):
                found.append(Block(path.name, command, output))
    return [block for block in found if block.output]


def on_a_terminal(command: str) -> str:
    """What a command leaves on a terminal of 80 columns, colour and bars that it has taken away left out.

    In this process, unless a shell has something to do.
    """
    ours, theirs = pty.openpty()
    with heard(ours, theirs) as written, pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        if command.startswith("infercost ") and not set(command) & set("|<>;&$"):
            run_on(theirs, theirs, *shlex.split(command)[1:])
        else:
            script = f'infercost() {{ "{sys.executable}" -m infercost "$@"; }}; {command}'
            env = bare_env(COLUMNS="80", TERM="xterm-256color")
            subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env)
    text = re.sub(r"\x1b\[\?25l.*?\x1b\[\?25h.*?\x1b\[2K", "", written.decode(), flags=re.DOTALL)
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"{block.document}: {block.command[-60:]}")
def test_the_output_shown_is_the_output_printed(block: Block) -> None:
    command = block.command.removeprefix(INSTALL).replace("python ", f"{sys.executable} ", 1)
    assert command.startswith(("infercost", sys.executable)), "only the tool's own output is compared"
    shown = on_a_terminal(command)
    assert [line.rstrip() for line in shown.splitlines()] == [line.rstrip() for line in block.output.splitlines()]


def test_the_readme_opens_with_the_main_job() -> None:
    first = next(block for block in blocks() if block.document == "README.md")
    assert first.command == f"{INSTALL}infercost utilization --gpu h100 --params 1.6e12"


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_runs_as_it_says(path: Path) -> None:
    commands = re.findall(r"^#\s+(infercost .*?)(?:\s{2,}.*)?$", path.read_text(), re.MULTILINE)
    assert commands
    for command in commands:
        assert "error" not in on_a_terminal(command)


@pytest.mark.parametrize(
    ("command", "figures"),
    [
        ("fit --scenario examples/note.yaml", ["20 accelerators", "1.6 TB"]),
        ("utilization --scenario examples/note.yaml", ["3.2 TFLOP", "53.33 us", "26.67 ms", "0.200%"]),
        ("utilization --scenario examples/note-batch-100.yaml", ["20.0%"]),
        ("utilization --scenario examples/note-batch-100.yaml --overlap none", ["16.7%"]),
        ("sweep-batch --scenario examples/note.yaml --sources", ["500x", "thousandfold"]),
        ("userbase --scenario examples/note-userbase.yaml", ["144,000 daily users", "0.144"]),
        ("userbase --scenario examples/note-userbase.yaml --trough-to-mean 14.4%", ["1,000,000"]),
        ("compare h100-note human-brain", ["1,250x", "500x", "30.43x"]),
    ],
)
def test_the_note_to_the_digit(command: str, figures: list[str]) -> None:
    said = on_a_terminal(f"infercost {command}")
    assert [figure for figure in figures if figure not in said] == []


def test_the_table_of_fits_says_what_each_profile_says() -> None:
    """A profile's file says how far it was off when it was fitted; the table in the docs is those words."""
    table = (ROOT / "docs" / "speed.md").read_text()
    fitted = 0
    for path in (ROOT / "presets" / "efficiency").glob("*.yaml"):
        if said := re.search(
            r'^error: "half of (\d+) .* within (\S+), .* within (\S+)"', path.read_text(), re.MULTILINE
        ):
            fitted += 1
            row = re.search(rf"^\| `{re.escape(path.stem)}` \|.*$", table, re.MULTILINE)
            assert row
            assert [cell.strip() for cell in row[0].split("|")[3:6]] == list(said.groups())
    assert fitted == 13
