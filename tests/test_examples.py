"""The examples say what their sources say."""

import runpy

import pytest

from tests.conftest import ROOT


def test_a_day_of_deepseek_closes() -> None:
    """Reported: 226.75 nodes, $87,072, an income of $562,027 and a margin of 545%."""
    found = runpy.run_path(str(ROOT / "examples" / "deepseek_day.py"))["closed"]()
    assert found["nodes in all"] == pytest.approx(226.86356641580522)
    assert found["nodes in all"] == pytest.approx(found["nodes reported"], rel=0.005)
    assert found["USD a day"] == pytest.approx(87_072)
    assert found["income a day"] == pytest.approx(562_027, rel=1e-3)
    assert found["margin"] == pytest.approx(5.45, rel=2e-3)
