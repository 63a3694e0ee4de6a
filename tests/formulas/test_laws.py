"""Laws that hold whatever the numbers: what no known answer can show."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infercost import formulas
from infercost.models.model import bare_count
from infercost.parts.formats import FORMATS
from infercost.replica.layout import Layout
from infercost.replica.work import work_of

size = st.floats(1e6, 1e14)
rate = st.floats(1e9, 1e17)
share = st.floats(0.01, 1)
count = st.integers(1, 4096)
time = st.floats(1e-9, 1e3)
#: The parts of a step.
NOTHING = dict.fromkeys(
    (
        "compute_time",
        "attention_compute_time",
        "memory_time",
        "cache_time",
        "activation_time",
        "communication_time",
        "overhead_time",
    ),
    0.0,
)


@given(size, count, count, count)
def test_what_a_dense_model_reads_does_not_depend_on_the_batch(
    params: float, devices: int, batch: int, other: int
) -> None:
    work = work_of(bare_count(params, params, FORMATS["8bit"], 0, 0), Layout(tp=devices))
    assert work.bytes_read(batch) == work.bytes_read(other) == pytest.approx(params)


@given(time, time, time, time)
def test_full_overlap_is_the_least_and_no_overlap_at_most_three_times_it(
    compute: float, reading: float, sending: float, overhead: float
) -> None:
    parts = {
        **NOTHING,
        "compute_time": compute,
        "memory_time": reading,
        "communication_time": sending,
        "overhead_time": overhead,
    }
    full, none = (step(**parts) for step in (formulas.step.full_overlap_step, formulas.step.no_overlap_step))
    operator = formulas.step.operator_overlap_step(
        matrix_time=formulas.step.operator_time(compute_time=compute, memory_time=reading),
        attention_time=0,
        communication_time=sending,
        overhead_time=overhead,
    )
    assert full <= operator <= none * (1 + 1e-12)
    assert none <= (3 * max(compute, reading, sending) + overhead) * (1 + 1e-12)


@given(st.floats(1e6, 1e13), count, count, rate, rate)
def test_utilization_is_above_zero_and_at_most_one(
    params: float, batch: int, devices: int, flops: float, bandwidth: float
) -> None:
    per_token = 2 * params
    compute = formulas.step.compute_time(
        flops_per_token=per_token, batch=batch, devices=devices, peak_flops=flops, compute_share=1
    )
    reading = formulas.step.memory_time(bytes_read=params, devices=devices, memory_bandwidth=bandwidth, memory_share=1)
    step = formulas.step.full_overlap_step(**{**NOTHING, "compute_time": compute, "memory_time": reading})
    used = formulas.step.utilization(
        flops_per_token=per_token,
        attention_flops_per_token=0,
        batch=batch,
        devices=devices,
        peak_flops=flops,
        step_time=step,
    )
    assert 0 < used <= 1 + 1e-12


@given(size, rate, rate)
def test_halving_the_bytes_halves_memory_time_and_critical_batch(
    weights: float, flops: float, bandwidth: float
) -> None:
    def critical(held: float) -> float:
        return formulas.step.critical_batch(
            peak_flops=flops,
            compute_share=1,
            bytes_read=held,
            memory_bandwidth=bandwidth,
            memory_share=1,
            flops_per_token=2 * weights,
        )

    def reading(held: float) -> float:
        return formulas.step.memory_time(bytes_read=held, devices=1, memory_bandwidth=bandwidth, memory_share=1)

    assert critical(weights / 2) == pytest.approx(critical(weights) / 2)
    assert reading(weights / 2) == pytest.approx(reading(weights) / 2)


@given(
    st.floats(1e6, 1e13),
    rate,
    rate,
    st.integers(1, 2000),
    st.sampled_from(["full_overlap", "no_overlap"]),
)
def test_a_token_never_costs_more_in_a_larger_batch(
    params: float, flops: float, bandwidth: float, batch: int, overlap: str
) -> None:
    step = getattr(formulas.step, f"{overlap}_step")

    def cost(size: int) -> float:
        compute = formulas.step.compute_time(
            flops_per_token=2 * params, batch=size, devices=1, peak_flops=flops, compute_share=1
        )
        reading = formulas.step.memory_time(bytes_read=params, devices=1, memory_bandwidth=bandwidth, memory_share=1)
        return float(step(**{**NOTHING, "compute_time": compute, "memory_time": reading})) / size

    assert cost(batch + 1) <= cost(batch) * (1 + 1e-12)


@given(st.floats(1, 1e9), st.floats(0.1, 1440), share)
def test_userbase_and_its_inverse_are_inverse(concurrent: float, minutes: float, decoding: float) -> None:
    shape = {"minutes_per_day": minutes, "decoding_share": decoding}
    users = formulas.users.users(concurrent_users=concurrent, **shape)
    assert formulas.users.concurrent_users(users=users, **shape) == pytest.approx(concurrent)


@given(size, share, st.integers(1, 1000))
def test_a_sparse_model_reads_between_its_active_part_and_all(weights: float, active: float, batch: int) -> None:
    work = work_of(bare_count(weights, weights * active, FORMATS["8bit"], 0, 0), Layout())
    read, more = (work.bytes_read(tokens) for tokens in (batch, batch + 1))
    assert weights * active * (1 - 1e-9) <= read <= more * (1 + 1e-9)
    assert more <= weights * (1 + 1e-9)


@given(size, st.floats(1e9, 1e12), share)
def test_the_least_devices_hold_the_weights_and_one_less_does_not(
    weights: float, capacity: float, usable: float
) -> None:
    least = formulas.memory.gpus_for_weights(weight_bytes=weights, device_memory=capacity, usable=usable)
    assert least * capacity * usable >= weights * (1 - 1e-9)
    assert (least - 1) * capacity * usable < weights


def test_whole_quotients_are_not_rounded_up_by_float_noise() -> None:
    """1.44e12 / (80e9 * 0.9) is 20 on paper and 20.000000000000004 in floats."""
    assert formulas.memory.gpus_for_weights(weight_bytes=1.44e12, device_memory=80e9, usable=0.9) == 20


@given(st.floats(1, 1e9), st.integers(1, 1024), rate)
def test_a_ring_sends_at_most_twice_the_message(message: float, devices: int, link: float) -> None:
    time = formulas.step.ring_all_reduce_time(
        message_bytes=message, devices=devices, link_bandwidth=link, link_share=1, hop_latency=0
    )
    assert 0 <= time <= 2 * message / link


@given(st.floats(0.1, 100), count, st.floats(0.1, 1e6))
def test_cost_is_proportional_to_price(price: float, devices: int, tokens: float) -> None:
    def cost(hourly: float) -> float:
        return formulas.cost.usd_per_million_tokens(price=hourly, devices=devices, tokens_per_s=tokens)

    assert cost(2 * price) == pytest.approx(2 * cost(price))


def test_the_same_formula_serves_an_array() -> None:
    batch = np.array([1.0, 100.0, 1000.0])
    arguments: dict[str, Any] = {"flops_per_token": 3.2e12, "devices": 20, "peak_flops": 3e15, "compute_share": 1}
    compute = formulas.step.compute_time(batch=batch, **arguments)  # type: ignore[arg-type]
    step = formulas.step.full_overlap_step(**{**NOTHING, "compute_time": compute, "memory_time": 0.02666666666666667})
    np.testing.assert_allclose(step, [0.02666666666666667, 0.02666666666666667, 0.05333333333333333])
    least = formulas.memory.gpus_for_weights(weight_bytes=np.array([1.44e12, 1.6e12]), device_memory=80e9, usable=0.9)  # type: ignore[arg-type]
    np.testing.assert_array_equal(least, [20, 23])


@given(rate, rate, st.floats(1e-3, 1e6))
def test_a_roof_is_the_lower_of_its_two_limits(peak: float, bandwidth: float, intensity: float) -> None:
    roof = formulas.step.attainable_flops(peak_flops=peak, memory_bandwidth=bandwidth, arithmetic_intensity=intensity)
    assert roof <= peak
    assert roof <= bandwidth * intensity
    assert roof in (peak, bandwidth * intensity)


@given(rate, rate, share, share)
def test_an_intensity_is_the_arithmetic_done_over_the_bytes_read(
    peak: float, bandwidth: float, used: float, read: float
) -> None:
    intensity = formulas.step.arithmetic_intensity(
        flops_per_byte=formulas.step.flops_per_byte(peak_flops=peak, memory_bandwidth=bandwidth),
        utilization=used,
        memory_bandwidth_utilization=read,
    )
    assert intensity == pytest.approx(peak * used / (bandwidth * read))
