"""At 80 columns no line of an answer, a note or, on a terminal, an error is wider: but for what cannot be broken."""

import os
import pty
import re

import pytest

from tests.cli.test_errors import WRONG
from tests.cli.test_interface import ASKED
from tests.conftest import Run, heard, run_on
from tests.test_docs import blocks

COLUMNS = 80
#: What runs for a second and is shown in the docs too, and what prints documents.
LONG = ("compare for a job", "calibrate", "fit of a part", "presets list", "compare all")
#: A line that a shell takes, or a document.
AS_IS = re.compile(r"^ *(\$ |infercost |[{}\[\]\"]|vllm |llama-server |https?://)")
SERVICE = ("userbase", "--gpu", "h100", "--model", "llama-3.1-8b", "--users", "100k")
QUESTIONS = {
    **{name: words for name, words in ASKED.items() if name not in LONG},
    "own or API": (*SERVICE, "--api-price", "0.20/0.60"),
    "one price": (*SERVICE, "--traffic", "chat", "--api-price", "0.88"),
    "one card": ("fit", "--gpu", "rtx-4090", "--model", "llama-3.3-70b"),
    "all notes": ("utilization", "--gpu", "rtx-pro-6000", "--model", "qwen3-32b", "--sources"),
    "two models": ("fit", "--gpu", "h200:8", "--sweep", "model=deepseek-v3,llama-3.1-405b"),
    "long names": (
        *("fit", "--sweep", "model=llama-3.1-nemotron-70b-fp8-dynamic,llama-3.1-8b"),
        *("--sweep", "gpu=h200:8,rtx-pro-6000-server", "--sweep", "dtype=int4,fp8"),
    ),
    "a model": ("presets", "show", "llama-3.1-70b"),
}


def wide(text: str) -> list[str]:
    """The lines that are too wide and could be narrower."""
    lines = [line for line in text.splitlines() if len(line) > COLUMNS and not AS_IS.match(line)]
    return [line for line in lines if len(line.split()) > 1]


@pytest.mark.parametrize("words", QUESTIONS.values(), ids=QUESTIONS.keys())
@pytest.mark.parametrize("form", ["plain", "table"])
def test_no_line_is_wider_than_80_columns(
    form: str, words: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    said = run(*words, "--format", form)
    assert said.code in (0, 3), said.err
    assert wide(said.out) == []
    assert wide(said.err) == []


def test_no_line_that_the_docs_show_is_wider() -> None:
    """Those are whole answers, of every command; the tests of the docs hold them to what is printed."""
    shown = [
        block for block in blocks() if not re.search(r"--(json|csv)|format (json|csv|markdown)|schema", block.command)
    ]
    assert len(shown) > 50
    assert {block.command: lines for block in shown if (lines := wide(block.output))} == {}


def test_a_wide_line_is_noticed() -> None:
    assert wide("word " * 20) == ["word " * 20]
    assert wide("w" * 90) == []


@pytest.mark.parametrize("name", ["unknown preset", "set of no figure", "no rate", "unknown option", "no model"])
def test_an_error_is_wrapped_on_a_terminal_alone(name: str, run: Run) -> None:
    """Two lines in a pipe, for scripts; on a terminal each goes on under its first word, and no word is lost."""
    piped = run(*WRONG[name]).err
    with heard(*(pair := pty.openpty())) as written, open(os.devnull, "w") as nothing:
        assert run_on(nothing.fileno(), pair[1], *WRONG[name]) == 2
    said = written.decode().replace("\r\n", "\n")
    assert len(piped.splitlines()) == 2
    assert said.split() == piped.split()
    assert max(map(len, said.splitlines())) <= COLUMNS
    starts = [line[:6] for line in said.splitlines()]
    assert starts[0] == "error:"
    assert all(start in ("hint: ", "      ") for start in starts[1:])
