"""The changes that CONTRIBUTING.md shows apply to this tree, and print what it shows."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT, bare_env


class Change(NamedTuple):
    """A section with a diff, a command and what it prints."""

    title: str
    diff: str
    command: str
    output: str


def changes() -> list[Change]:
    """Every section that shows a change."""
    sections = re.split(r"^## ", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    pattern = re.compile(r"```diff\n(.*?)^```$.*?^```console\n\$ (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    found = [(section.partition("\n")[0], pattern.search(section)) for section in sections]
    return [Change(title, *match.groups()) for title, match in found if match]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what a change touches."""
    for folder in ("infercost", "presets", "tests/data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def printed(tree: Path, command: str) -> str:
    script = (
        f'infercost() {{ "{sys.executable}" -m infercost "$@"; }}; python() {{ "{sys.executable}" "$@"; }}; {command}'
    )
    env = bare_env(COLUMNS="80", PYTHONPATH=str(tree))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tree, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_thing_that_people_add_is_shown() -> None:
    things = ("accelerator", "model preset", "family of models", "traffic shape", "form", "command", "formula")
    assert [change.title.partition(" ")[2] for change in changes()] == list(things)


@pytest.mark.skipif(shutil.which("git") is None, reason="git applies the diffs")
@pytest.mark.parametrize("change", changes(), ids=lambda change: change.title)
def test_a_change_applies_and_prints_what_is_shown(change: Change, tree: Path) -> None:
    subprocess.run(["git", "apply", "-"], input=change.diff, text=True, cwd=tree, check=True, capture_output=True)
    shown = [line.rstrip() for line in change.output.splitlines()]
    assert [line.rstrip() for line in printed(tree, change.command).splitlines()] == shown
