"""The fuzzer asks the same of the same seed, finds faults that are planted, and makes them small."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infercost.analyses import fit
from infercost.cli.app import COMMANDS
from infercost.errors import BadFile
from infercost.models import gguf
from infercost.scenario.options import options_of
from tests.conftest import ROOT, bare_env
from tools import fuzz
from tools.fuzzing import asking, files, laws, questions
from tools.fuzzing.laws import LAWS, Bench, Broken


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


def test_every_option_has_a_sensible_value() -> None:
    rng = random.Random(7)
    for command in COMMANDS:
        for option in (each for name, each in options_of(command).items() if name not in questions.ELSEWHERE):
            assert questions.given(rng, option)[0] == f"--{option.name.replace('_', '-')}"


def test_every_width_is_swept_and_most_options() -> None:
    rng, swept = random.Random(5), dict[str, set[str]]()
    for _ in range(2_000):
        argv = questions.side_by_side(rng).argv
        swept.setdefault(argv[0], set()).add(argv[argv.index("--sweep") + 1].partition("=")[0])
    for command, names in swept.items():
        options = {name for name, option in options_of(command).items() if option.metavar} - {*questions.ELSEWHERE}
        assert {*questions.WIDTHS, "gpus"} & options <= names
        assert len(names) > len(options) / 2, command


def test_a_traceback_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of headers that takes every type of value for one that it knows."""
    plain = gguf._value

    def careless(file: object, kind: int) -> object:
        if kind > 12:
            raise RuntimeError
        return plain(file, kind)  # type: ignore[arg-type]

    monkeypatch.setattr(gguf, "_value", careless)
    monkeypatch.setattr(files, "SEEDS", (files._gguf,))
    run, report = fuzz.fuzz(3, 60, 200, ["files"])
    (failure,) = run.failures.values()
    assert failure.what.startswith("RuntimeError at test_fuzz.py:")
    assert len(failure.case.files["case.gguf"]) < 120  # a magic, three counts, a name and a type make 36
    assert f"FAILED, files: {failure.what}" in report


def test_an_error_of_three_lines_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def unlucky(*_: object) -> None:
        sys.stderr.write("by the way\n")
        raise BadFile("no", "try")

    monkeypatch.setattr(fit, "answer", unlucky)
    code, what = asking.try_case(asking.Case("questions", ("fit", "--gpu", "h100", "--params", "7B")))
    assert (code, what) == (2, "an error that is not two lines")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (asking.Said(1, "", "", "", 0, 0), "exit code 1"),
        (asking.Said(0, "", "", "KeyError at x.py:3", 0, 0), "KeyError at x.py:3"),
        (asking.Said(0, "\x1b[2J", "", "", 0, 0), "sends controls to a terminal"),
        (asking.Said(2, "out", "error: a\nhint: b\n", "", 0, 0), "an error that is not two lines"),
        (asking.Said(2, "", "error: a\nhint: b\n", "", 0, 0), ""),
        (asking.Said(3, "{}", "", "", 0, 0), ""),
        (asking.Said(0, '{"a": NaN}', "", "", 0, 0), "no JSON: NaN"),
        (asking.Said(0, "{}", "", "", 0, 10**9), "took 1000 MB"),
    ],
)
def test_what_an_answer_may_not_be(said: asking.Said, what: str) -> None:
    assert asking.wrong(("fit", "--json"), said) == what


def test_laws_are_broken_by_numbers_that_break_them() -> None:
    laws.at_most("rises", 1, 1)
    laws.at_most("rises", 1, None)
    laws.same("agrees", 1.0, 1.0 + 1e-12)
    with pytest.raises(Broken, match="rises"):
        laws.at_most("rises", 1.001, 1)
    with pytest.raises(Broken, match="agrees"):
        laws.same("agrees", 1.0, 1.001)
    with pytest.raises(Broken, match="utilization is at most 1"):
        laws.signs({"results": {"utilization": 1.1}, "rows": []})
    with pytest.raises(Broken, match="usd is not below 0"):
        laws.signs({"results": {}, "rows": [{"usd": -1}]})


ANSWER: dict[str, Any] = {"verdict": "All is well.", "results": {"fits": True}, "rows": [], "notes": []}


def test_what_every_answer_keeps() -> None:
    laws.general(ANSWER, 0)
    null = {"code": "null", "text": "ttft_s is null: needs --input-tokens"}
    laws.general(ANSWER | {"results": {"ttft_s": None}, "notes": [null]}, 0)
    for wrong, what in (
        ({"results": {"ttft_s": None}}, "ttft_s is null without a reason"),
        ({"results": {"fits": False}}, "ends in 3"),
        ({"rows": [{"bands": {"tpot_s": [2, 1]}}]}, "the band of tpot_s"),
        ({"bands": {"tpot_s": [2, 1]}}, "the band of tpot_s"),
        ({"verdict": "Costs nan a token."}, "a verdict without a number"),
    ):
        with pytest.raises(Broken, match=what):
            laws.general(ANSWER | wrong, 0)


def test_an_answer_of_another_shape_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "LAWS", (lambda _, bench: bench.ask("presets", "path")["results"]["no such"],))
    run, report = fuzz.fuzz(1, 60, 1, ["laws"])
    assert "FAILED, laws: an answer of another shape: KeyError" in report
    assert run.failures


def test_a_case_may_read_standard_input_and_presets_of_its_own() -> None:
    scenario = {"-": b"gpu: h100\nparams: 7B\n"}
    assert asking.try_case(asking.Case("files", ("fit", "--scenario", "-"), scenario)) == (0, "")
    part = (ROOT / "presets/accelerators/h100-sxm.yaml").read_bytes()
    theirs = asking.Case("files", ("presets", "show", "theirs"), {"own/accelerators/theirs.yaml": part})
    assert asking.try_case(theirs) == (0, "")
    assert asking.try_case(theirs._replace(files={})) == (2, "")
    assert os.listdir() == []


def test_each_kind_of_file_is_read_well_before_it_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A good file that nothing reads would find no fault of its reader."""
    monkeypatch.setattr(files, "broken", lambda _, content, __: content)
    for seed in dict.fromkeys(files.SEEDS):
        monkeypatch.setattr(files, "SEEDS", (seed,))
        assert any(asking.try_case(files.stranger(random.Random(number)))[0] == 0 for number in range(6)), seed


@pytest.mark.parametrize("law", dict.fromkeys(LAWS), ids=lambda law: str(law.__name__))
def test_each_law_is_tried_on_answers(law: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A law that no question reaches would never be broken."""
    most, asked = 0, 0

    class Counting(Bench):
        def ask(self, *argv: str) -> dict[str, object] | None:
            nonlocal asked
            answer = super().ask(*argv)
            asked += answer is not None
            return answer

    monkeypatch.setattr(laws, "lawful", lambda *_: ("--gpu", "h100", "--model", "llama-3.1-8b", *LENGTHS))
    enough = 1 if law is laws.other_laws else 2
    for seed in range(5):
        asked = 0
        law(random.Random(seed), Counting())  # type: ignore[operator]
        most = max(most, asked)
        if most >= enough:
            break
    assert most >= enough
    assert os.listdir() == []


LENGTHS = ("--input-tokens", "1000", "--output-tokens", "200")
