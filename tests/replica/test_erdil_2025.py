"""The step law of Erdil's later paper: his notebook's answers, and what holds whatever the numbers."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infercost.errors import BadFile, BadValue, Missing
from infercost.formulas.formula import FORMULAS
from infercost.formulas.recorder import explain, recording
from infercost.models.find import find_model, with_format
from infercost.models.model import Model, Quantization, bare_count
from infercost.parts import catalog
from infercost.parts.formats import FORMATS
from infercost.parts.preset import Fact, Preset
from infercost.parts.stack import is_ideal, law
from infercost.replica.erdil_2025 import (
    Law2025,
    Layout2025,
    Times2025,
    _layouts,
    sizes_2025,
    step_2025,
    step_parts,
    use,
)
from infercost.units import SHARE
from tests.conftest import ROOT, in_yaml

CASES = in_yaml("tests/data/erdil/known_answers.yaml")
H100 = catalog.load("accelerators", str(ROOT / "tests/data/erdil/h100.yaml"))
PROFILE = catalog.load("efficiency", "erdil-2025")


@cache
def model_of(name: str, dtype: str = "bf16") -> Model:
    """A preset, or a file below tests/data; the experts of the GPT-4 guess lose the matrix that they do not have."""
    model = find_model(str(ROOT / name) if name.endswith(".yaml") else name).model
    if name.endswith("gpt-4-guess.yaml"):
        (layer,) = model.layers
        two = 2 * model.hidden_size * layer.ffn.width
        model = model._replace(layers=(layer._replace(ffn=layer.ffn._replace(expert=two)),))
    return with_format(model, dtype, 8) if dtype != "bf16" else model


def predicted(case: dict[str, Any]) -> float:
    """What infercost says to a case."""
    if "formula" in case:
        return float(FORMULAS[case["formula"]](**{key: float(value) for key, value in case["inputs"].items()}))
    model = model_of(case["model"], case.get("dtype", "bf16"))
    if "count" in case:
        name = "later_active_params" if case["count"] == "active_params" else case["count"]
        return float(use(FORMULAS[name], sizes_2025(model), context=1))
    if "step" in case:
        return step_2025(model, H100, PROFILE, **case["step"]).step
    return min(step(model, devices).step for devices in range(1, 129))


def step(model: Model, devices: int = 8, batch: float = 1, context: float = 0, tokens: int = 1) -> Times2025:
    return step_2025(model, H100, PROFILE, devices, batch, context, tokens)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_known_answer(case: dict[str, Any]) -> None:
    assert predicted(case) == pytest.approx(case["expect"], rel=case["within"])


def test_known_steps_take_layouts_of_every_kind() -> None:
    chosen = {
        step_2025(model_of(case["model"], case.get("dtype", "bf16")), H100, PROFILE, **case["step"]).layout
        for case in CASES
        if "step" in case
    }
    kinds = {(layout.square, layout.stages) for layout in chosen if layout}
    assert kinds == {(square, stages) for square in (False, True) for stages in (1, 2, 4, 6)}


MODELS = st.sampled_from(["llama-3-8b", "llama-3-70b", "mixtral-8x7b", "tests/data/erdil/gpt-4-guess.yaml"])
DEVICES, BATCH = st.integers(1, 600), st.integers(1, 5000)
CONTEXT, TOKENS = st.integers(0, 100_000), st.integers(1, 8)


@given(MODELS, DEVICES, BATCH, CONTEXT, TOKENS)
def test_no_part_of_a_step_is_negative_and_arithmetic_overlaps_reads_alone(
    name: str, devices: int, batch: int, context: int, tokens: int
) -> None:
    times = step(model_of(name), devices, batch, context, tokens)
    assert min(times.compute, times.memory, times.launch) > 0
    assert times.communication >= 0
    assert (times.communication == 0) == (devices == 1)
    assert times.step == pytest.approx(max(times.compute, times.memory) + times.communication + times.launch)


@given(MODELS, st.integers(1, 300), st.integers(1, 300), CONTEXT)
def test_more_devices_never_raise_the_memory_time_of_a_kind_of_layout(
    name: str, devices: int, more: int, context: int
) -> None:
    few, many = (step(model_of(name), count, 1, context) for count in (devices, devices + more))
    assert few.layout
    assert many.layout
    assume(few.layout.square == many.layout.square)
    assert many.memory < few.memory


@given(MODELS, DEVICES, BATCH, CONTEXT, TOKENS, st.integers(1, 10_000))
def test_a_longer_context_never_shortens_a_step(
    name: str, devices: int, batch: int, context: int, tokens: int, more: int
) -> None:
    short, long = (step(model_of(name), devices, batch, length, tokens) for length in (context, context + more))
    assert long.step >= short.step * (1 - 1e-12)
    assert long.compute > short.compute


@given(MODELS, DEVICES, BATCH, st.sampled_from(["link_bandwidth", "network_bandwidth", "memory_bandwidth"]))
def test_a_faster_part_is_never_slower(name: str, devices: int, batch: int, figure: str) -> None:
    faster = H100.with_fact(figure, H100.fact(figure)._replace(value=2 * H100.value(figure)))
    model = model_of(name)
    assert step_2025(model, faster, PROFILE, devices, batch, 0).step <= step(model, devices, batch).step


def test_shares_and_overhead_of_the_profile_count() -> None:
    model = model_of("llama-3-70b")
    plain = step(model, 16, 4096)
    half = Fact(0.5, SHARE, "a test", "2026")
    changed = {key: step_2025(model, H100, PROFILE.with_fact(key, half), 16, 4096, 0) for key in SHARES}
    assert changed["compute_share"].compute == pytest.approx(2 * plain.compute)
    assert changed["memory_share"].memory == pytest.approx(2 * plain.memory)
    assert changed["link_share"].communication > 1.5 * plain.communication
    slow = PROFILE.with_fact("step_overhead", half)
    assert step_2025(model, H100, slow, 16, 4096, 0).step == pytest.approx(plain.step + 0.5)


SHARES = ("compute_share", "memory_share", "link_share")


def without(part: Preset, *keys: str) -> Preset:
    return part._replace(facts={key: fact for key, fact in part.facts.items() if key not in keys})


def test_a_part_with_no_known_network_is_one_node() -> None:
    model = model_of("llama-3-8b")
    single = H100.with_fact("link_domain", H100.fact("link_domain")._replace(value=32))
    alone = step_2025(model, without(H100, "network_bandwidth"), PROFILE, 32, 1, 0)
    assert alone.communication == step_2025(model, single, PROFILE, 32, 1, 0).communication
    assert alone.communication < step(model, 32).communication


def test_a_part_with_no_known_link_serves_alone() -> None:
    lone = without(H100, "link_bandwidth", "link_domain", "network_bandwidth")
    model = model_of("llama-3-8b")
    assert step_2025(model, lone, PROFILE, 1, 8, 1000) == step(model, 1, 8, 1000)
    with pytest.raises(Missing, match="no link bandwidth of NVIDIA H100, as Erdil's later paper takes it is known"):
        step_2025(model, lone, PROFILE, 2, 8, 1000)


def test_a_profile_without_the_laws_figures_says_which_is_missing() -> None:
    with pytest.raises(Missing, match="ideal has no ll_share"):
        step_2025(model_of("llama-3-8b"), H100, catalog.load("efficiency", "ideal"), 8, 1, 0)


@pytest.mark.parametrize(
    "name", ["deepseek-v3", "gemma-3-27b", "mistral-7b-v0.1", "qwen3-next-80b-a3b", "llama-4-scout"]
)
def test_layers_that_he_does_not_know_are_refused(name: str) -> None:
    with pytest.raises(BadValue, match="layers all alike") as error:
        step(model_of(name))
    assert find_model(name).model.name in error.value.what
    assert "--efficiency" in error.value.hint


def test_a_bare_count_has_no_attention_that_he_knows() -> None:
    with pytest.raises(BadValue, match=r"layers all alike.* not 70B parameters") as error:
        step(bare_count(70e9, 70e9, FORMATS["8bit"], layers=80, hidden_size=8192))
    assert "--model" in error.value.hint


def test_one_precision_is_the_mean_of_the_layers_matrices() -> None:
    model = model_of("mixtral-8x7b")
    sizes = sizes_2025(model._replace(quantization=Quantization("mxfp4", 16, {"experts": 4})))
    experts = 8 * 3 * 4096 * 14336
    attention = 4096 * (2 * 4096 + 2 * 1024)
    assert sizes["bytes_per_param"] == pytest.approx((4 * experts + 16 * attention) / (experts + attention) / 8)


def test_work_shown_is_that_of_the_layout_chosen() -> None:
    with recording() as calls:
        times = step(model_of("tests/data/erdil/gpt-4-guess.yaml"), 256, 1024)
    assert times == step(model_of("tests/data/erdil/gpt-4-guess.yaml"), 256, 1024)
    steps = [explain(call) for call in calls]
    (moved,) = [step for step in steps if step.name == "later_bytes_read"]
    assert moved.symbols == "R' = p × (L × R_1 + R_V)"
    assert moved.numbers.startswith("4 × (120 × ")
    (layout,) = [step for step in steps if step.name == "later_layout"]
    assert times.layout
    assert layout.value == times.layout.text
    assert layout.numbers == "in 8 rounds"
    protocols = [step for step in steps if step.name == "protocol"]
    assert protocols[0].value == "ll"
    assert protocols[0].numbers == "D = 1.204 MB, in 3 rounds"
    latency, *others = [step for step in steps if step.name == "protocol_latency"]
    assert [step.inputs["passes"] for step in others] == [2, 2, 2, 1]
    assert latency.symbols == "t_α = q_p × ((n_x / k_x - 1) × α_r + log2(k_x) × α_k) + α_b"
    assert steps[-1].value == times.step


def test_the_profile_is_no_bound_and_names_its_law() -> None:
    assert law(PROFILE) == "erdil-2025"
    assert not is_ideal(PROFILE)
    assert law(catalog.load("efficiency", "ideal")) == "roofline"
    assert catalog.find("efficiency", "erdil")[0] == "erdil-2025"


@pytest.mark.parametrize("room", ["replica", "formulas"])
def test_one_module_of_the_package_enters_the_room(room: str) -> None:
    named = re.compile(rf"from infercost\.{room}(\.erdil_2025 import|.* import .*\berdil_2025\b)")
    users = [path for path in (ROOT / "infercost").rglob("*.py") if named.search(path.read_text())]
    assert len(users) == 1, users


def test_a_profile_of_an_unknown_law_is_refused() -> None:
    data = {"name": "Mine", "overlap": "full", "memory": "nominal", "law": "murphy"}
    with pytest.raises(BadFile, match="law is 'murphy'") as error:
        catalog.build("efficiency", "mine", data, "mine.yaml")
    assert error.value.hint == "write one of roofline, kernels, llama.cpp, erdil-2025"


@pytest.mark.parametrize("devices", [1, 8, 11, 64])
@pytest.mark.parametrize("name", ["llama-3-70b", "mixtral-8x7b"])
def test_an_array_of_batches_takes_the_steps_of_each_alone(name: str, devices: int) -> None:
    batches = [0.5, 1.0, 2.0, 5.0, 64.0, 4096.0]  # fewer than one, where a service idles
    together = step_2025(model_of(name), H100, PROFILE, devices, np.array(batches), 1000)  # type: ignore[arg-type]
    for index, batch in enumerate(batches):
        alone = step(model_of(name), devices, batch, 1000)
        assert (together.step[index], together.memory[index]) == (alone.step, alone.memory)  # type: ignore[index]
        assert together.communication[index] == pytest.approx(alone.communication)  # type: ignore[index]
        assert together.launch == alone.launch
    assert list(together.compute) == pytest.approx(  # type: ignore[call-overload]
        [step(model_of(name), devices, batch, 1000).compute for batch in batches]
    )


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        (Layout2025(False, 8, 8, 1, 1), "8-way tensor parallel"),
        (Layout2025(True, 64, 8, 8**0.5, 1), "64-way tensor parallel in a square"),
        (Layout2025(False, 2.5, 2.5, 1, 4), "2.5-way tensor parallel, 4 stages"),
        (Layout2025(True, 4, 2, 1, 2), "4-way tensor parallel in a square, 2 stages"),
    ],
)
def test_a_layout_in_words(layout: Layout2025, text: str) -> None:
    assert layout.text == text


def test_a_step_is_of_one_token_unless_it_says_otherwise() -> None:
    model = model_of("llama-3-8b")
    one, two = (step_2025(model, H100, PROFILE, 8, 4, 1000, tokens) for tokens in (1, 2))
    assert step_2025(model, H100, PROFILE, 8, 4, 1000) == one
    parts = [step_parts(model, H100, PROFILE, 8, 4, 1000, *more) for more in ((), (1,), (2,))]
    assert parts[0] == parts[1] == (one.compute, one.memory, 0, 0, 0, one.communication, one.launch, 0)
    assert parts[2] == (two.compute, two.memory, 0, 0, 0, two.communication, two.launch, 0)
    assert two.compute == pytest.approx(2 * one.compute)


def test_sparsity_is_a_whole_number() -> None:
    """Seven experts of which a token uses two are three to one."""
    model = model_of("mixtral-8x7b")
    (layer,) = model.layers
    seven = layer._replace(ffn=layer.ffn._replace(experts=7, active=2))
    assert sizes_2025(model._replace(layers=(seven,)))["sparsity"] == 3
    assert sizes_2025(model)["sparsity"] == 4


def test_a_layout_has_no_more_nodes_than_ranks() -> None:
    """Three devices, each a node: a half of them would be 1.5 ranks on two nodes. Two devices have halves of one."""
    three, two = (_layouts(Law2025({"devices": devices}, 1, 1, {}), 3) for devices in (3, 2))
    assert three == [Layout2025(False, 3, 3, 3, 1), Layout2025(True, 3, 3**0.5, 3**0.5, 1)]
    assert two[2:] == [Layout2025(False, 1, 1, 1, 2), Layout2025(True, 1, 1, 1, 2)]
