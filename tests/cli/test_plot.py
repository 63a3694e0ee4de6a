"""--plot: with a file, without, where nothing can show it, and what it may not be asked of."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_startup import loaded
from tests.conftest import Run

NOTE = ("--gpu", "h100-note", "--params", "1.6e12")
STEP = ("utilization", *NOTE)


@pytest.mark.parametrize("args", [("--plot",), ("--plot", "--batch", "1"), ("--plot=",), ("--batch", "1", "--plot")])
def test_without_a_file_the_picture_follows_the_answer(args: tuple[str, ...], run: Run) -> None:
    bare = run(*STEP, *(arg for arg in args if not arg.startswith("--plot"))).out
    drawn = run(*STEP, *args).out
    assert "One step on 20 x h100-note under the roofline: a bound" in drawn
    assert "batch 1: 0.200% used" in drawn
    assert drawn.splitlines()[0] == bare.splitlines()[0]
    assert max(map(len, drawn.splitlines())) <= 80


def test_a_picture_in_markdown_stands_in_a_block(run: Run) -> None:
    text = run(*STEP, "--format", "markdown", "--plot").out
    block = text.split("```text\n")[1]
    assert block.startswith("One step on")
    assert block.endswith("```\n")


@pytest.mark.parametrize("ending", [".png", ".svg", ".html", ".vl.json"])
def test_a_file_is_written_beside_the_answer(ending: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    result = run(*STEP, "--json", "--plot", str(path))
    assert result.json["steps"] == []
    assert result.out == run(*STEP, "--json").out
    first = path.read_bytes()
    assert os.listdir(tmp_path) == [path.name]
    run(*STEP, "--plot", str(path))
    assert path.read_bytes() == first


def test_the_page_shows_the_work_though_the_answer_does_not(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    assert "B* =" not in run(*STEP, "--plot", str(path)).out
    assert "B* =" in path.read_text()


def test_an_answer_that_does_not_fit_is_drawn(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.vl.json"
    assert run("fit", *NOTE, "--gpus", "2", "--plot", str(path)).code == 3
    assert "Memory of one h100-note of 2" in path.read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((*STEP, "--plot", "a.pdf"), ("a.pdf", ".png, .svg, .html, .vl.json")),
        ((*STEP, "--plot", "--json"), ("json has no place for a picture", "--plot out.svg")),
        ((*STEP, "--csv", "--plot"), ("csv has no place for a picture", "--plot out.svg")),
        ((*STEP, "--plot", "no/such/folder/a.vl.json"), ("--plot no/such/folder/a.vl.json", "folder")),
        (
            (*STEP, "--plot", "same.html", "--output", "./same.html", "--format", "plain"),
            ("same.html", "file of its own"),
        ),
        (("compare", "--plot", "h100", "mi300x"), ("--plot h100", "--plot last")),
        (("validate", "--plot"), ("--plot", "--help")),
        (("userbase", "--concurrent", "5", "--plot", "a.svg"), ("--plot", "--help")),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    args: tuple[str, ...], said: tuple[str, str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    assert (result.code, result.out) == (2, "")
    what, hint = result.err.partition("hint")[::2]
    assert said[0] in what
    assert said[1] in hint
    assert os.listdir(tmp_path) == []


def test_without_matplotlib_nothing_is_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run(*STEP, "--plot", str(tmp_path / "a.png"))
    assert (result.code, result.out) == (2, "")
    assert "[plot]" in result.err
    assert os.listdir(tmp_path) == []


def test_a_page_of_a_sweep_has_no_work_of_one_point(tmp_path: Path, run: Run) -> None:
    page = tmp_path / "sweep.html"
    result = run(*STEP, "--sweep", "price=1:4", "--plot", str(page))
    assert (result.code, page.read_text().count("<svg")) == (0, 1)


class Terminal:
    """A standard output that is a terminal, of an encoding."""

    def __init__(self, encoding: str) -> None:
        self.encoding, self.text = encoding, ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(
    ("encoding", "term", "plain"),
    [("utf-8", "xterm", False), ("ascii", "xterm", True), ("latin-1", "xterm", True), ("utf-8", "linux", True)],
)
def test_ascii_where_the_terminal_has_no_more(
    encoding: str, term: str, plain: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    place: Any = Terminal(encoding)
    monkeypatch.setattr(sys, "stdout", place)
    monkeypatch.setenv("TERM", term)
    run(*STEP, "--format", "plain", "--plot")
    picture = place.text.partition("One step on")[2]
    assert picture.isascii() is plain
    assert (" o " in picture) is plain


def test_nothing_of_pictures_is_loaded_where_none_is_asked_for() -> None:
    modules = loaded(*STEP, "--json")
    assert not {name for name in modules if ".plot" in name or "chart" in name or "pictures" in name}
    drawn = loaded(*STEP, "--plot")
    assert not {"matplotlib", "numpy", "rich"} & drawn
