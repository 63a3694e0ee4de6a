"""Worked answers about named models: parameters, cache, experts, prefill, steps."""

from typing import Any

import pytest

from infercost.models import counting
from infercost.models.find import find_model, with_format
from infercost.models.model import Model
from infercost.replica.layout import Layout, rank_growth_bytes
from infercost.replica.work import work_of
from tests.analyses.test_known_answers import predicted
from tests.conftest import in_yaml

CASES = in_yaml("tests/data/known_models.yaml")


def without_windows(model: Model) -> Model:
    layers = tuple(layer._replace(attention=layer.attention._replace(window=0)) for layer in model.layers)
    return model._replace(layers=layers)


def counted(model: Model, what: str) -> float:
    """What a known answer counts of a model, all cache in 16 bits."""
    what, _, number = what.partition("@")
    tokens = float(number or 0)
    model = model._replace(kv_bits=16)
    tables = model.embedding + model.head
    counts = {
        "total_params": lambda: counting.total_params(model),
        "active_params": lambda: counting.active_params(model),
        "active_with_tables": lambda: counting.active_params(model) + (model.embedding if model.head else 0),
        "active_without_tables": lambda: counting.active_params(model) - (model.head or model.embedding),
        "without_tables": lambda: counting.total_params(model) - tables,
        "growth": lambda: counting.growing_cache_bytes(model),
        "growth_tp16": lambda: rank_growth_bytes(model, Layout(16)),
        "all_full": lambda: (
            counting.cache_bytes(without_windows(model), tokens)
            if tokens
            else counting.growing_cache_bytes(without_windows(model))
        ),
        "cache": lambda: counting.cache_bytes(model, tokens),
        "read_8bit": lambda: work_of(uniform(model), Layout()).bytes_read(tokens),
        "prefill": lambda: counting.prefill_flops(model, tokens),
        "attention_intensity": lambda: intensity(model),
    }
    return float(counts[what]())


def uniform(model: Model) -> Model:
    """Every parameter in one byte, as the known answer counts."""
    return model._replace(quantization=model.quantization._replace(default=8, bits={}))


def intensity(model: Model) -> float:
    attention = model.layers[0].attention
    return attention.decode_flops / (attention.cache * 2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_known_answer(case: dict[str, Any]) -> None:
    named = "model" in case
    value = counted(find_model(case["model"]).model, case["count"]) if named else predicted(case)
    assert value == pytest.approx(case["expect"], rel=case["within"])


def test_dtype_overrides_what_a_checkpoint_says() -> None:
    model = with_format(find_model("llama-3.1-70b").model, "fp8", 8)
    by_part = counting.weight_bytes_by_part(model)
    assert by_part["ffn"] == 80 * 3 * 8192 * 28672
    assert by_part["head"] == 2 * 8192 * 128256
