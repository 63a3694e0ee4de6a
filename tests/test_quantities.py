"""The one table of quantities: whole, its symbols and JSON names each of one quantity, the names in JSON for good."""

import inspect
from collections import defaultdict
from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

import pytest

import infercost
import infercost.analyses.frontier
import infercost.fleet.cost
import infercost.formulas
import infercost.replica.erdil_2025
import infercost.replica.memory
from infercost.formulas.formula import FORMULAS, SEARCHES
from infercost.quantities import KEYS, QUANTITIES, TERMS, unit_of
from infercost.scenario.options import OPTIONS
from tests.conftest import ROOT

for module in iter_modules(infercost.formulas.__path__):
    import_module(f"infercost.formulas.{module.name}")
PARAMETERS = {name: set(inspect.signature(formula).parameters) for name, formula in FORMULAS.items()}
for search in SEARCHES.values():
    PARAMETERS.setdefault(search.quantity, set()).update(search.inputs)


def same(name: str) -> str:
    """The quantity that a name stands for: formulas may be several ways to one."""
    return TERMS[name].of or name


def shared(names: Iterable[str]) -> dict[str, set[str]]:
    """Symbols of several quantities."""
    by_symbol = defaultdict(set)
    for name in names:
        by_symbol[TERMS[name].symbol].add(same(name))
    return {symbol: of for symbol, of in by_symbol.items() if len(of) > 1}


def test_no_json_name_is_lost_or_renamed() -> None:
    assert set((ROOT / "tests/data/json_keys.txt").read_text().split()) - set(KEYS) == set()


def test_every_quantity_of_an_answer_has_a_json_name_of_its_own() -> None:
    assert sum(not key.startswith("elasticity_") for key in KEYS) == sum(bool(q.label) for q in QUANTITIES.values())


def test_formulas_and_their_parameters_are_in_the_table() -> None:
    assert {*FORMULAS}.union(*(PARAMETERS[name] for name in FORMULAS)) - set(TERMS) == set()


def test_every_term_is_of_some_formula() -> None:
    assert set(TERMS) - {*PARAMETERS}.union(*PARAMETERS.values()) == set()


def test_every_quantity_says_what_it_is() -> None:
    assert all(quantity.meaning for quantity in QUANTITIES.values())
    assert all(quantity.symbol or quantity.label for quantity in QUANTITIES.values())


def test_no_symbol_stands_for_two_quantities() -> None:
    assert shared(TERMS) == {}


def test_ways_to_one_quantity_have_its_symbol_and_its_unit() -> None:
    ways = {name: TERMS[term.of] for name, term in TERMS.items() if term.of}
    assert {name: TERMS[name][:2] for name in ways} == {name: one[:2] for name, one in ways.items()}


def test_a_count_of_tokens_has_a_unit_in_steps_and_none_in_tables() -> None:
    assert TERMS["tokens_per_s"].unit == "token/s"
    assert KEYS["tokens_per_s"].unit == ""


def test_seconds_end_in_s_in_json_alone() -> None:
    assert "step_time" in QUANTITIES
    assert KEYS["step_time_s"].label == "step time"


#: Kinds of options whose numbers have no dimension: a count, a share, a ratio.
NUMBERS = {"", "share", "x", "param", "token", "1/s"}


@pytest.mark.parametrize("key", [key for key, option in OPTIONS.items() if option.kind])
def test_an_option_is_parsed_into_the_unit_of_its_quantity(key: str) -> None:
    option = OPTIONS[key]
    assert option.kind
    assert option.unit == option.kind.unit or {option.unit, option.kind.unit} <= NUMBERS


def test_what_is_no_quantity_has_the_unit_of_its_kind() -> None:
    assert unit_of("points") == ""
    assert unit_of("no such thing", "share") == "share"
    assert OPTIONS["prefix_share"].unit == "share"
