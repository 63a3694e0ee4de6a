"""Answers that other people worked out: the note, a book, papers, measurements."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import infercost
from infercost import formulas
from infercost.formulas.formula import FORMULAS
from infercost.report import Series
from tests.conftest import in_yaml, report_of

for module in iter_modules(formulas.__path__):  # a formula is known once its module is
    import_module(f"{formulas.__name__}.{module.name}")
CASES = in_yaml("tests/data/known_answers.yaml")


def number(value: Any) -> Any:
    """A number of YAML, which reads 1e9 as text; of a sum over kinds, several."""
    return [*map(float, value)] if isinstance(value, list) else float(value)


def predicted(case: dict[str, Any]) -> Any:
    """What infercost says to a case."""
    if "formula" in case:
        return FORMULAS[case["formula"]](**{key: number(value) for key, value in case["inputs"].items()})
    report = report_of(case["ask"], case["options"], case.get("words", ()))
    if "row" in case:
        return rows(report.series)[case["row"]][case["key"]]
    if case["key"].startswith("ratio:"):
        assert report.series is not None
        return report.series.ratios[case["key"].removeprefix("ratio:")]
    return report[case["key"]]


def rows(series: Series | None) -> Any:
    assert series is not None
    return series.rows


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_known_answer(case: dict[str, Any]) -> None:
    assert predicted(case) == pytest.approx(case["expect"], rel=case["within"])


def test_all_fifty_numbers_of_the_note_are_asked() -> None:
    assert len({case["id"] for case in CASES if case["id"].startswith("note.")}) == 50


def test_every_case_names_its_source() -> None:
    assert all(len(case["source"]) > 5 for case in CASES)


def test_the_python_answer_is_the_command_lines() -> None:
    report = infercost.utilization(gpu="h100-note", params=1.6e12, batch=100)
    assert report["utilization"] == pytest.approx(0.2)
    assert report["gpus"] == 20
