"""A fit of several engines together finds constants again that made the numbers."""

import pytest

from infercost.evidence.fit import Free, Weighed, fit_together, with_constants
from infercost.evidence.measured import Measured
from infercost.evidence.predict import prepare
from infercost.parts import catalog
from infercost.parts.stack import complete

TRUE = {"vllm": {"launch_scale": 0.8, "sequence_overhead": 15e-6}, "tensorrt-llm": {"launch_scale": 0.8}}


def test_constants_that_engines_share_and_one_of_its_own() -> None:
    """Times of both engines made with other constants, so small priors that the rows decide."""
    pytest.importorskip("scipy")
    bases = {name: complete(catalog.load("efficiency", name)) for name in TRUE}
    made = {name: with_constants(bases[name], values, "", "") for name, values in TRUE.items()}
    rows = []
    for name in TRUE:
        for batch in (1, 8, 64, 256):
            row = Measured("x", "me", name, "llama-3.1-8b", "h100-sxm", "decode_ms_per_token", 1.0)
            run = prepare(row._replace(batch=batch, input_tokens=500, output_tokens=200, kind="closed"))
            measured = row._replace(**{**run.measured._asdict(), "value": run.under(made[name])})
            rows.append(Weighed(prepare(measured), name, 10.0))
    free = (
        Free("launch_scale", ("launch_scale",), tuple(TRUE), 1.0, 1.0),
        Free("sequence_overhead", ("sequence_overhead",), ("vllm",), 8e-6, 1e-4),
    )
    found = fit_together(rows, bases, free)
    assert found.values == pytest.approx({"launch_scale": 0.8, "sequence_overhead": 15e-6}, rel=0.02)
    assert found.profiles["tensorrt-llm"].value("launch_scale") == found.values["launch_scale"]
    assert found.profiles["tensorrt-llm"].value("sequence_overhead") == 0


def test_one_run_that_took_three_times_as_long_moves_little() -> None:
    """Of nine runs one is wrong: the least squares of their logarithms would be a ninth of log 3 off, 12%."""
    pytest.importorskip("scipy")
    base = complete(catalog.load("efficiency", "vllm"))
    made = with_constants(base, {"launch_scale": 0.8}, "", "")
    rows = []
    for number, batch in enumerate((1, 1, 1, 2, 2, 2, 4, 4, 4)):
        row = Measured("x", "me", "vllm", "llama-3.1-8b", "h100-sxm", "decode_ms_per_token", 1.0)
        row = row._replace(batch=batch, input_tokens=500, output_tokens=200, kind="closed")
        value = prepare(row).under(made) * (3 if number == 4 else 1)
        rows.append(Weighed(prepare(row._replace(value=value)), "vllm", 10.0))
    found = fit_together(rows, {"vllm": base}, (Free("launch_scale", ("launch_scale",), ("vllm",), 1.0, 1.0),))
    assert found.values["launch_scale"] == pytest.approx(0.8, rel=0.05)
