"""The rules that every formula keeps: keyword-only, documented, sourced, one expression."""

import inspect
import sys
import typing
from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType

import pytest

import infercost.formulas
from infercost import formulas
from infercost.formulas.formula import FORMULAS, Equation, solved
from infercost.formulas.recorder import Call, explain, expression_of, recording, work_of
from infercost.models.find import find_model
from infercost.quantities import TERMS
from tests.conftest import in_yaml

for module in iter_modules(infercost.formulas.__path__):
    import_module(f"infercost.formulas.{module.name}")
NAMES = sorted(FORMULAS)
#: So that no difference is nothing, whose terms are not printed.
LARGE = {"experts": 50.0, "window": 100.0, "prompts": 0.5, "base_latency": 90.0}
KNOWN = [case for name in ("known_answers", "known_models") for case in in_yaml(f"tests/data/{name}.yaml")]


def test_formulas_are_keyword_only_and_plain() -> None:
    for name in NAMES:
        parameters = inspect.signature(FORMULAS[name]).parameters.values()
        assert parameters, name
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters), name
        assert all(parameter.default is parameter.empty for parameter in parameters), name
        assert {*typing.get_type_hints(FORMULAS[name]).values()} <= {float, int, Sequence[float]}, name


def test_formulas_are_documented_and_sourced() -> None:
    for name in NAMES:
        sentence = (FORMULAS[name].__doc__ or "").split("\n")[0]
        assert sentence.endswith("."), name
        assert len(FORMULAS[name].source) > 10, name


def test_formulas_are_one_expression_each_that_can_be_shown() -> None:
    for name in NAMES:
        types = typing.get_type_hints(FORMULAS[name])
        inputs = {
            parameter: [2.0, 3.0] if types[parameter] == Sequence[float] else LARGE.get(parameter, 2.0 + number)
            for number, parameter in enumerate(inspect.signature(FORMULAS[name]).parameters)
        }
        step = explain(Call(FORMULAS[name], inputs, FORMULAS[name](**inputs)))
        assert step.symbols.startswith(f"{TERMS[name].symbol} = "), name
        assert all(TERMS[parameter].symbol in step.symbols for parameter in inputs), name


def names_of(calls: list[Call]) -> set[str]:
    return {call.function.__name__ for call in calls if not isinstance(call.function, Equation)}


def test_every_formula_runs_in_some_known_answer() -> None:
    """A formula nobody else's answer checks is one that nobody checked."""
    from tests.analyses.test_known_answers import predicted
    from tests.analyses.test_known_models import counted
    from tests.replica.test_erdil_2025 import CASES as LAW_CASES
    from tests.replica.test_erdil_2025 import predicted as predicted_by_law

    ran = {case["formula"] for case in KNOWN if "formula" in case}
    with recording() as calls:
        for case in LAW_CASES:
            predicted_by_law(case) if "step" in case else None
    ran |= names_of(calls)
    for case in KNOWN:
        if "ask" in case or "model" in case:
            with recording() as calls:
                counted(find_model(case["model"]).model, case["count"]) if "model" in case else predicted(case)
            ran |= names_of(calls)
    assert set(NAMES) - ran == set()


def test_nothing_is_recorded_when_nobody_asks() -> None:
    formulas.memory.drain_time(device_memory=80e9, memory_bandwidth=3e12)
    with recording() as calls:
        pass
    assert calls == []


def test_a_formula_is_the_function_itself() -> None:
    assert all(isinstance(each, FunctionType) for each in FORMULAS.values())


def test_a_recorder_gives_back_the_profile_function_it_met() -> None:
    def mine(*_: object) -> None:
        return None

    sys.setprofile(mine)
    try:
        with recording() as calls:
            formulas.memory.drain_time(device_memory=80e9, memory_bandwidth=2e12)
        assert sys.getprofile() is mine
    finally:
        sys.setprofile(None)
    assert [call.value for call in calls] == [0.04]


def test_a_search_is_one_step_with_its_equation_and_its_rounds() -> None:
    (step,) = work_of(lambda: steady(lambda batch: batch * batch, concurrent_requests=9.0))
    assert step.symbols == "B = where N_c = B^2"
    assert step.numbers == "N_c = 9, in 2 rounds"
    assert step.value == 3


@solved("batch", equation="N_c = B^2", source="a test of searches")
def steady(square: Callable[[float], float], *, concurrent_requests: float) -> float:
    formulas.memory.drain_time(device_memory=80e9, memory_bandwidth=2e12)
    return next(batch for batch in (2.0, 3.0) if square(batch) == concurrent_requests)


def test_terms_that_are_nothing_are_not_printed() -> None:
    dense = {"matrix_params": 8e9, "routed_params": 0, "head_params": 0, "hottest_rank": 1, "head_share": 1}
    (step,) = work_of(lambda: formulas.step.flops_per_token(flops_per_param=2, **dense))
    assert step.symbols == "f = c × N_m"
    assert step.inputs["routed_params"] == 0


def test_a_sum_over_kinds_prints_each_product() -> None:
    (step,) = work_of(lambda: formulas.memory.all_layer_weights(layers_of_kind=[3, 58], layer_weights=[1e9, 2e9]))
    assert step.symbols == "M_L = sum(L_i × M_i)"
    assert step.numbers == "3 × 1 GB + 58 × 2 GB"
    assert step.value == 119e9


def test_the_work_shown_is_the_expression_that_ran() -> None:
    with recording() as calls:
        formulas.step.critical_batch(
            peak_flops=3e15,
            compute_share=1,
            bytes_read=1.6e12,
            memory_bandwidth=3e12,
            memory_share=1,
            flops_per_token=3.2e12,
        )
    (step,) = map(explain, calls)
    assert step.symbols == "B* = F × η_c × R / (W × η_m × f)"
    assert step.numbers == "3 PFLOP/s × 1 × 1.6 TB / (3 TB/s × 1 × 3.2 TFLOP)"
    assert step.value == 500


def test_brackets_are_kept_where_they_matter() -> None:
    with recording() as calls:
        formulas.layer.experts_hit(experts=8, active_experts=4, tokens=2)
    (step,) = map(explain, calls)
    assert step.symbols == "E_hit = E × (1 - (1 - k / E)^T)"
    assert step.value == 6


def test_a_function_with_a_statement_is_no_formula() -> None:
    def two_lines() -> int:
        assert True
        return 1

    with pytest.raises(TypeError):
        expression_of(two_lines)


@pytest.mark.parametrize(
    ("hours", "numbers"),
    [
        ([2], "2 × 3 s × 7 token/s × 5 / (2 × 7 token/s × 5)"),
        (
            [2, 4],
            "(2 × 3 s × 7 token/s × 5 + 4 × 3 s × 7 token/s × 5) / (2 × 7 token/s × 5 + 4 × 7 token/s × 5)",
        ),
    ],
)
def test_a_sum_is_bracketed_where_the_arithmetic_needs_it(hours: list[float], numbers: str) -> None:
    count = len(hours)
    inputs = {"hours_alike": hours, "hour_tpots": [3] * count, "hour_steps": [7] * count}
    inputs["replicas_of_hour"] = [5] * count
    assert explain(Call(FORMULAS["day_itl"], inputs, FORMULAS["day_itl"](**inputs))).numbers == numbers
