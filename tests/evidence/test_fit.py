"""A fit of several engines together finds constants again that made the numbers."""

from math import log, sqrt

import pytest

from infercost.evidence.fit import Free, Weighed, _softened, _weights, errors, fit_together, with_constants
from infercost.evidence.predict import Measured, prepare
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


def test_errors_beyond_the_usual_count_by_themselves_and_not_by_their_squares() -> None:
    """Soft L1 on the scale of 10%: half of its square is 0.01 (sqrt(1 + (e / 0.1)^2) - 1), where that root is whole."""
    assert _softened(0.0) == 0.0
    assert _softened(0.1 * sqrt(3)) == pytest.approx(0.1 * sqrt(2))
    assert _softened(-0.1 * sqrt(8)) == pytest.approx(-0.1 * sqrt(4))
    assert _softened(0.1 * sqrt(99)) == pytest.approx(0.1 * sqrt(18))
    assert _softened(1e-4) == pytest.approx(1e-4, rel=1e-5)


def test_rows_of_one_stack_weigh_the_root_of_their_number() -> None:
    """Sixteen rows weigh as four: each error counts a half, its square a quarter."""
    row = Measured("x", "me", "vllm", "llama-3.1-8b", "h100-sxm", "decode_ms_per_token", 1.0, batch=1, input_tokens=500)
    runs = [prepare(row)] * 16 + [prepare(row._replace(framework="sglang"))]
    assert _weights(runs) == pytest.approx([0.5] * 16 + [1.0])


TENTHS = [log(1 + each / 10) for each in range(11)]


@pytest.mark.parametrize(
    ("ratios", "middle", "p90"),
    [
        ([log(1.5), -log(1.5)], 0.5, 0.5),
        ([0, log(2), -log(3)], 1, 1 + 0.8 * 1),
        (TENTHS, 0.5, 0.9),
    ],
)
def test_errors_of_predictions(ratios: list[float], middle: float, p90: float) -> None:
    """However many times too long or too short; the 90th percentile lies between its two nearest rows."""
    found = errors(ratios)
    assert (found.rows, found.median, found.p90) == (len(ratios), pytest.approx(middle), pytest.approx(p90))


def test_of_two_runs_the_one_is_told_apart_from_the_half() -> None:
    assert errors([log(1.2), log(1.6)]).half == pytest.approx(0.2)
    assert errors([log(1.2), log(1.3), log(1.6), log(2)]).half == pytest.approx(0.45)
