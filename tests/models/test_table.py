"""The table of families: the documents' worked example is a row that works."""

import re
from typing import Any

import pytest

from infercost.models import counting
from infercost.models.families import table
from infercost.models.families.read import read_model
from infercost.models.families.table import ALIASES, FAMILIES
from tests.conftest import ROOT
from tests.models.test_config import LLAMA


def test_the_worked_example_is_a_row_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    row = re.search(r'^"smol3": (family.*),$', (ROOT / "docs/models.md").read_text(), re.MULTILINE)
    assert row
    namespace: dict[str, Any] = vars(table)
    monkeypatch.setitem(FAMILIES, "smol3", eval(row[1], dict(namespace)))
    model = read_model({**LLAMA, "model_type": "smol3"}, "smol3", "model smol3")
    llama = read_model(LLAMA, "llama", "model llama")
    assert counting.total_params(model) - counting.total_params(llama) == 32 * 2 * 128
    assert {(layer.attention.window, layer.times) for layer in model.layers} == {(4096, 24), (0, 8)}


def test_aliases_lead_to_rows() -> None:
    assert set(ALIASES.values()) <= set(FAMILIES)
    assert not set(ALIASES) & set(FAMILIES)
