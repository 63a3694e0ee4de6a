"""Mutants change what they say, one thing at a time, and the table counts them."""

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.mutants import EQUIVALENT, GROUPS, Mutant, Ran, Trying, covering, digest, mutants, rounds, table

SOURCE = '''"""A module."""

LIMIT = 3


def clipped(value: float, *, whole: bool = False) -> float:
    """At most the limit."""
    if value >= LIMIT and not whole:
        return max(value, 0.5) + LIMIT
    return f"{value + 1}"
'''


def changed() -> list[Mutant]:
    return mutants(SOURCE, "infercost/a.py")


def test_each_operator_comparison_number_term_and_condition_is_changed() -> None:
    assert [(each.where, each.before, each.after) for each in changed()] == [
        ("", "3", "4"),
        ("", "3", "6"),
        ("clipped()", "False", "True"),
        ("clipped()", "value >= LIMIT and (not whole)", "not (value >= LIMIT and (not whole))"),
        ("clipped()", "value >= LIMIT and (not whole)", "value >= LIMIT or not whole"),
        ("clipped()", "value >= LIMIT", "value > LIMIT"),
        ("clipped()", "value >= LIMIT", "value < LIMIT"),
        ("clipped()", "not whole", "whole"),
        ("clipped()", "max(value, 0.5) + LIMIT", "max(value, 0.5) - LIMIT"),
        ("clipped()", "max(value, 0.5) + LIMIT", "max(value, 0.5)"),
        ("clipped()", "max(value, 0.5) + LIMIT", "LIMIT"),
        ("clipped()", "max(value, 0.5)", "min(value, 0.5)"),
        ("clipped()", "0.5", "1.5"),
        ("clipped()", "0.5", "1.0"),
    ]


def test_a_mutant_is_the_file_with_one_change() -> None:
    for each in changed():
        before, after = SOURCE.splitlines(), each.source.splitlines()
        (line,) = [number for number, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new]
        assert line == each.lines[-1]
        assert f"({each.after})" in after[line - 1]
        assert each.key.endswith(f"{each.before} -> {each.after} in {before[line - 1].strip()}")


def test_tests_of_its_lines_run_first_and_of_its_file_later(tmp_path: Path) -> None:
    (files := [tmp_path / "tests_a", tmp_path / "tests_b"])[0].write_text("infercost.a")
    files[1].write_text("nothing of it")
    one, two = map(str, files)
    inside = Ran("inside", two, 1.0, {"infercost/a.py": 1 << 9})
    beside = Ran("beside", two, 1.0, {"infercost/a.py": 1 << 20})
    others = Ran("others", one, 1.0, {"infercost/b.py": 1 << 9})
    tests = [others, beside, inside]
    summed = next(each for each in changed() if each.after == "LIMIT")
    assert [test.id for test in covering(summed, tests)] == ["inside", "beside"]
    loading = changed()[0]
    assert {test.id for test in covering(loading, tests)} == {"inside", "beside", "others"}


def test_of_a_signature_the_tests_that_run_its_function_and_those_of_files_that_name_it_run_first(
    tmp_path: Path,
) -> None:
    """Its own line runs while the module loads: under whichever test loads it first."""
    (named := tmp_path / "tests_a").write_text("from infercost.a import clipped")
    (other := tmp_path / "tests_b").write_text("import infercost.a")
    loads = Ran("loads", str(other), 1.0, {"infercost/a.py": 1 << 3 | 1 << 6})
    runs = Ran("runs", str(other), 1.0, {"infercost/a.py": 1 << 8})
    names = Ran("names", str(named), 1.0, {})
    whole = next(each for each in changed() if each.before == "False")
    assert [test.id for test in covering(whole, [loads, runs, names])] == ["names", "runs", "loads"]


def test_tests_of_moments_run_before_those_that_leave_no_time_for_others(tmp_path: Path) -> None:
    (file := tmp_path / "tests_a").write_text("infercost.a")
    lines = {"infercost/a.py": 1 << 9}
    tests = [Ran("slow", str(file), 1.0, lines), Ran("quick", str(file), 0.01, lines | {"infercost/b.py": 7})]
    summed = next(each for each in changed() if each.after == "LIMIT")
    assert [test.id for test in covering(summed, tests)] == ["quick", "slow"]


def test_of_a_class_the_lines_of_its_functions_count() -> None:
    source = "class Way:\n    hop: int = 3\n\n    def of(self):\n        return 5\n\nclass Bare:\n    hop: int = 3\n"
    inside = {each.where: each.inside for each in mutants(source, "a.py")}
    assert inside == {"Way": 1 << 5 | 1, "Way.of()": 0, "Bare": 1}


def test_tests_are_recorded_anew_when_their_code_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (test := Path("test_a.py")).write_text("import a")
    (code := Path("a.py")).write_text("LIMIT = 3")
    rows = [("test_it", "test_a.py", 1.0, {"a.py": 2})]
    before, apart = digest(test, rows), digest(test, [])
    code.write_text("\nLIMIT = 3")
    assert digest(test, rows) != before
    assert digest(test, []) == apart


def test_rounds_end_within_the_limit() -> None:
    tests = [Ran(str(number), "a", 2.0, {}) for number in range(20)]
    first, rest = rounds(tests, 30.0)
    assert [test.id for test in first] == ["0"]
    assert len(rest) == 14
    assert sum(test.seconds for test in rest) < 30


@pytest.mark.parametrize(("code", "by"), [(0, ""), (1, ""), (4, "conftest"), (5, "")])
def test_what_pytest_cannot_start_with_is_killed(
    code: int, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that does not load fails before any test is collected, where conftest.py loads it."""
    monkeypatch.setattr("os._exit", lambda _: None)
    (out := tmp_path / "out").write_text("")
    Trying([], out).ended(code)
    assert out.read_text() == by


def test_the_table_counts_what_was_tried() -> None:
    counts = {"units": Counter(killed=9, survived=3, equivalent=2), "fleet": Counter(killed=4)}
    assert table(counts).splitlines()[1:] == [
        "units            9      12    75.0%           2",
        "fleet            4       4   100.0%           0",
    ]


def test_equivalents_are_mutants_that_there_are() -> None:
    paths = [path for group in GROUPS.values() for pattern in group for path in ROOT.glob(pattern)]
    there = {each.key for path in paths for each in mutants(path.read_text(), str(path.relative_to(ROOT)))}
    for line in EQUIVALENT.read_text().splitlines():
        key, _, reason = line.partition("  # ")
        assert key in there
        assert reason
