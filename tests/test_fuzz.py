"""The fuzzer asks the same of the same seed, finds faults that are planted, and makes them small."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infercost.analyses import fit
from infercost.models import gguf
from tests.conftest import ROOT, bare_env
from tools import fuzz


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cases write files, and ask no hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return


def test_a_seed_asks_the_same_again_and_all_of_it_is_answered() -> None:
    """As the command line runs it, so that nothing in this process changes with it."""
    command = [sys.executable, str(ROOT / "tools/fuzz.py"), "--seed", "1", "--cases", "40", "--seconds", "120"]
    first, again = (subprocess.run(command, capture_output=True, env=bare_env(), text=True) for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("seed 1: 40 cases in ")
    assert first.stdout.endswith("0 failures\n")
    assert first.stdout.partition("(")[2] == again.stdout.partition("(")[2]


def test_a_traceback_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of headers that takes every type of value for one that it knows."""
    plain = gguf._value

    def careless(file: object, kind: int) -> object:
        if kind > 12:
            raise RuntimeError
        return plain(file, kind)  # type: ignore[arg-type]

    monkeypatch.setattr(gguf, "_value", careless)
    monkeypatch.setattr(fuzz, "SEEDS", (fuzz._gguf,))
    run, report = fuzz.fuzz(3, 60, 200, ["files"])
    (failure,) = run.failures.values()
    assert failure.what.startswith("RuntimeError at test_fuzz.py:")
    assert len(failure.case.files["case.gguf"]) < 120  # a magic, three counts, a name and a type make 36
    assert f"FAILED, files: {failure.what}" in report


def test_an_error_of_three_lines_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def unlucky(*_: object) -> None:
        sys.stderr.write("by the way\n")
        raise fuzz.catalog.BadFile("no", "try")

    monkeypatch.setattr(fit, "answer", unlucky)
    code, what = fuzz.try_case(fuzz.Case("questions", ("fit", "--gpu", "h100", "--params", "7B")))
    assert (code, what) == (2, "an error that is not two lines")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (fuzz.Said(1, "", "", "", 0, 0), "exit code 1"),
        (fuzz.Said(0, "", "", "KeyError at x.py:3", 0, 0), "KeyError at x.py:3"),
        (fuzz.Said(0, "\x1b[2J", "", "", 0, 0), "sends controls to a terminal"),
        (fuzz.Said(2, "out", "error: a\nhint: b\n", "", 0, 0), "an error that is not two lines"),
        (fuzz.Said(2, "", "error: a\nhint: b\n", "", 0, 0), ""),
        (fuzz.Said(3, "{}", "", "", 0, 0), ""),
        (fuzz.Said(0, '{"a": NaN}', "", "", 0, 0), "no JSON: NaN"),
        (fuzz.Said(0, "{}", "", "", 0, 10**9), "took 1000 MB"),
    ],
)
def test_what_an_answer_may_not_be(said: fuzz.Said, what: str) -> None:
    assert fuzz.wrong(("fit", "--json"), said) == what


def test_laws_are_broken_by_numbers_that_break_them() -> None:
    fuzz.at_most("rises", 1, 1)
    fuzz.at_most("rises", 1, None)
    fuzz.same("agrees", 1.0, 1.0 + 1e-12)
    with pytest.raises(fuzz.Broken, match="rises"):
        fuzz.at_most("rises", 1.001, 1)
    with pytest.raises(fuzz.Broken, match="agrees"):
        fuzz.same("agrees", 1.0, 1.001)
    with pytest.raises(fuzz.Broken, match="utilization is at most 1"):
        fuzz.signs({"results": {"utilization": 1.1}, "rows": []})
    with pytest.raises(fuzz.Broken, match="usd is not below 0"):
        fuzz.signs({"results": {}, "rows": [{"usd": -1}]})


@pytest.mark.parametrize("law", dict.fromkeys(fuzz.LAWS), ids=lambda law: str(law.__name__))
def test_each_law_is_tried_on_answers(law: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A law that no question reaches would never be broken."""
    asked = 0

    class Counting(fuzz.Bench):
        def ask(self, *argv: str) -> dict[str, object] | None:
            nonlocal asked
            answer = super().ask(*argv)
            asked += answer is not None
            return answer

    monkeypatch.setattr(fuzz, "lawful", lambda *_: ("--gpu", "h100", "--model", "llama-3.1-8b", *LENGTHS))
    law(fuzz.random.Random(1), Counting())  # type: ignore[operator]
    assert asked >= 2
    assert os.listdir() == []


LENGTHS = ("--input-tokens", "1000", "--output-tokens", "200")
