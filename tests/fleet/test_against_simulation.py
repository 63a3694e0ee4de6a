"""The closed form of a served replica against half an hour of it simulated step by step, at loads from 5% to 95%."""

from functools import cache

import pytest

from infercost.fleet.day import Curve, Fleet, Use, curve_of, day_of, mean_decoding, wait
from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.chip import PER_REQUEST, speeds_of
from infercost.replica.layout import Layout
from infercost.replica.serving import Request, prompt_along
from infercost.replica.step import Replica, decode_time
from infercost.replica.work import matrix_rates, work_of
from tests.fleet.simulation import Server, Simulated, Traffic, simulate
from tests.fleet.simulation_fleet import simulate_fleet

REQUEST = Request(512, 256)
SLOTS = 64
LOADS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)


def replica() -> Replica:
    model, part = find_model("llama-3.1-8b").model, catalog.load("accelerators", "h100")
    profile = complete(catalog.load("efficiency", "vllm-2024"))
    speeds = speeds_of(part, profile, matrix_rates(model, part), "operator", 2.0)
    return Replica(work_of(model, Layout()), speeds, *(profile.value(key) for key in PER_REQUEST))


@cache
def served() -> Curve:
    return curve_of(replica(), SLOTS, REQUEST, 0, REQUEST.decoded)


@pytest.fixture
def curve() -> Curve:
    return served()


def most(curve: Curve) -> float:
    """The largest rate that all slots keep up with."""
    return SLOTS / (curve.decoded * curve.itl(batch=SLOTS))


def simulated_server(curve: Curve, rate: float) -> Server:
    server, mean = replica(), mean_decoding(curve, request_rate=rate)
    added = prompt_along(server, max(mean, 1), REQUEST) - decode_time(server, max(mean, 1), REQUEST.context)
    steps = [decode_time(server, max(n, 1), REQUEST.context) for n in range(SLOTS + 1)]
    return Server(lambda n: steps[n], SLOTS, added)


@cache
def simulated(rate: float, variation: float, gaps: str) -> Simulated:
    """Half an hour, which is up to 40,000 requests."""
    traffic = Traffic(rate=rate, output_tokens=256, variation=variation, gaps=gaps)
    return simulate(simulated_server(served(), rate), traffic, seconds=1800, warm_up=300, seed=7)


def fleet(curve: Curve, rate: float, replicas: int = 1) -> Fleet:
    return Fleet(curve, SLOTS, Use(rate=rate), (1.0,), fixed=replicas)


@pytest.mark.parametrize("load", LOADS)
def test_requests_that_come_at_random(curve: Curve, load: float) -> None:
    rate = load * most(curve)
    said, seen = day_of(fleet(curve, rate), 1).hours[0], simulated(rate, 1.0, "gamma")
    assert said.mean == pytest.approx(seen.in_flight, rel=0.05)
    assert said.tpot == pytest.approx(seen.tpot, rel=0.05)
    assert said.tokens_per_s == pytest.approx(seen.tokens_per_second, rel=0.05)
    assert said.busy == pytest.approx(seen.busy_share, abs=0.03)


@pytest.mark.parametrize("gaps", ["gamma", "hyperexponential"])
@pytest.mark.parametrize("load", LOADS)
def test_requests_that_come_in_bursts(curve: Curve, load: float, gaps: str) -> None:
    rate = load * most(curve)
    said, seen = day_of(fleet(curve, rate), 1).hours[0], simulated(rate, 3.0, gaps)
    assert said.mean == pytest.approx(seen.in_flight, rel=0.15)
    assert said.tpot == pytest.approx(seen.tpot, rel=0.15)


@pytest.mark.parametrize("load", [0.8, 0.9, 0.95])
def test_the_wait_for_a_slot_is_never_more_than_said(curve: Curve, load: float) -> None:
    """Conservative: a slot is taken to be held as long as on a full replica."""
    rate = load * most(curve)
    chance, waited = wait(fleet(curve, rate), 1, 1, 1.0)
    seen = simulated(rate, 1.0, "gamma")
    queued = seen.wait - curve.itl(batch=SLOTS) / 2  # a request also waits for the step that runs
    assert chance >= seen.queued_share * 0.95
    assert waited is not None
    assert waited >= queued


@pytest.mark.parametrize(
    ("replicas", "load", "erlang"), [(1, 0.9, 0.3107), (4, 0.9, 0.0624), (4, 0.95, 0.3129)], ids=["1", "4", "4 full"]
)
def test_the_wait_in_one_queue_for_all_replicas_is_never_more_than_said(
    curve: Curve, replicas: int, load: float, erlang: float
) -> None:
    """Erlang's formula by his recursion, 64 or 256 slots: four replicas behind one queue let a fifth as many wait."""
    rate = load * replicas * most(curve)
    all_of_them = fleet(curve, rate, replicas)
    (chance, waited), said = wait(all_of_them, 1, replicas, 1.0), day_of(all_of_them, 1).hours[0]
    server, traffic = simulated_server(curve, rate / replicas), Traffic(rate=rate, output_tokens=256)
    seen = simulate_fleet(server, replicas, traffic, seconds=900, warm_up=150, seed=7)
    assert said.mean == pytest.approx(seen.in_flight, rel=0.05)
    assert chance == pytest.approx(erlang, rel=0.001)
    assert seen.queued_share <= chance <= 2 * seen.queued_share
    assert waited is not None
    assert seen.wait <= waited <= 3 * seen.wait
