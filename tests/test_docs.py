"""What the documents show is what the tool prints."""

import inspect
import pty
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from infercost.cli.app import COMMANDS
from infercost.scenario.options import SECOND_NAMES
from tests.conftest import ROOT, Run, bare_env, heard, run_on

README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/"
#: Behind a command that is shown in part: its verdict, which is its first paragraph, or its first lines.
PART = re.compile(r"  # (?:the verdict|the first (\d+) lines)$")
FOR_USERS = ["size-a-deployment", "price-a-service", "check-a-claim", "script-it", "run-it-at-home"]


class Block(NamedTuple):
    """A command in a document and the output that stands below it."""

    document: str
    command: str
    output: str


def blocks() -> list[Block]:
    """Every command of every console block that shows output; a line ``# question`` above a command is no output."""
    found = []
    for path in DOCUMENTS:
        for body in re.findall(r"^```console\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
            for command, output in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE):
                found.append(Block(path.name, command, re.sub(r"(?:^(?:#.*)?\n)+\Z", "", output, flags=re.MULTILINE)))
    return [block for block in found if block.output]


def on_a_terminal(command: str) -> str:
    """What a command leaves on a terminal of 80 columns, or the part that it is shown in.

    Colour and bars that it has taken away are left out. In this process, unless a shell has something to do.
    """
    part, text = PART.search(command), whole_on_a_terminal(PART.sub("", command))
    if part is None:
        return text
    lines = int(part[1]) if part[1] else text.splitlines().index("")
    assert lines < len(text.splitlines()), "a whole answer is shown without a word of it"
    return "".join(text.splitlines(keepends=True)[:lines])


@cache
def whole_on_a_terminal(command: str) -> str:
    """All that a command leaves on a terminal of 80 columns."""
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


#: Commands whose answers begin with a verdict.
ANSWERS = ("fit", "utilization", "sweep-batch", "userbase", "economies", "frontier", "compare")


def test_no_verdict_shown_is_longer_than_six_lines() -> None:
    """A reader takes the figure from the first sentences; the rest is the table's and the notes'."""
    answers = [block for block in blocks() if block.command.removeprefix(INSTALL).split()[1] in ANSWERS]
    whole = [block for block in answers if "|" not in block.command and "  # the first" not in block.command]
    verdicts = {block.command: block.output.partition("\n\n")[0].splitlines() for block in whole}
    assert len(verdicts) > 30
    assert {command: lines for command, lines in verdicts.items() if len(lines) > 6} == {}


def test_the_readme_opens_with_a_sentence_a_command_and_its_answer() -> None:
    lines = README.read_text().splitlines()
    assert len(lines) <= 120
    assert lines[2].endswith(".")
    first = next(block for block in blocks() if block.document == "README.md")
    assert first.command == f"{INSTALL}infercost utilization --gpu h100 --params 1.6e12"
    screen = "\n".join(lines[:40])
    table = first.output.rpartition("\n╰")[0]
    assert f"$ {first.command}\n{table}" in screen


def test_the_readme_asks_four_questions_and_shows_a_picture() -> None:
    readme = README.read_text()
    assert len(re.findall(r"^# .*\?\n\$ infercost .*  # the verdict$", readme, re.MULTILINE)) == 4
    assert len(re.findall(r"^!\[.+\]\(docs/pictures/\w+\.svg\)$", readme, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", FOR_USERS)
def test_a_page_for_users_is_short_and_found(name: str) -> None:
    page = (ROOT / "docs" / f"{name}.md").read_text()
    assert len(page.splitlines()) < 150
    assert page.rstrip().splitlines()[-1].endswith(").")
    assert "\nReference: [" in page
    assert f"(docs/{name}.md)" in README.read_text()
    assert f"({name}.md)" in (ROOT / "docs" / "index.md").read_text()


def test_every_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    reached = "\n".join([index, *((ROOT / "docs" / f"{name}.md").read_text() for name in FOR_USERS)])
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md", "tests.md"}  # tests.md: CONTRIBUTING
    assert [page for page in sorted(pages) if f"({page}" not in reached] == []


@pytest.mark.parametrize(
    "path", [*DOCUMENTS, *ROOT.glob("C*.md"), *(ROOT / "examples").rglob("*.md")], ids=lambda path: path.name
)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text()):
        file, _, heading = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], link


def texts() -> list[str]:
    """The README, the index and the pages for users, without their blocks."""
    paths = [README, *(ROOT / "docs" / f"{name}.md" for name in [*FOR_USERS, "index"])]
    return [re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL) for path in paths]


def in_text() -> list[str]:
    """Every whole command that stands in a line of text."""
    found = [command for text in texts() for command in re.findall(r"`(infercost [^`]*)`", text)]
    return sorted({command for command in found if not re.search(r" [A-Z]+$|install-completion", command)})


def test_an_option_in_the_text_exists() -> None:
    """Of a command, or of llama.cpp where the text says so."""
    names = {name for command in COMMANDS.values() for name in inspect.signature(command).parameters} | {*SECOND_NAMES}
    ours = {f"--{name.replace('_', '-')}" for name in names} | {"--install-completion"}
    shown = {name for text in texts() for name in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    assert shown - ours == {"--help", "--n-cpu-moe"} - ours


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize("command", in_text())
def test_a_command_in_the_text_is_answered(command: str, run: Run) -> None:
    assert run(*shlex.split(command)[1:]).code in (0, 3)


@pytest.mark.parametrize(
    "path", [README, *(ROOT / "docs" / f"{name}.md" for name in [*FOR_USERS, "pictures"])], ids=lambda path: path.name
)
def test_the_python_shown_runs(path: Path) -> None:
    for code in re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL):
        exec(code, {})


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
