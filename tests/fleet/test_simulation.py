"""The simulated server against queues whose answers are known; no formula of infercost is used."""

from collections.abc import Callable
from itertools import islice
from math import exp, factorial
from random import Random
from statistics import fmean, pstdev, stdev

import pytest

from tests.fleet.simulation import Server, Simulated, Traffic, gaps, lengths, simulate

#: Steps of a service, short beside it: what is left of their grain is a thousandth of it.
GRAIN = 1000
SEEDS = range(8)
#: Standard errors of a mean over the seeds that it may be off by; Student's t of 7 degrees, two in a thousand.
SIGMAS = 4.8


def agrees(seen: list[Simulated], figure: str, expected: float, rounding: float = 0.002) -> None:
    """The mean over the seeds is as expected, within its own statistical error, which is small."""
    values = [getattr(one, figure) for one in seen]
    error = stdev(values) / len(values) ** 0.5
    assert error < 0.05 * expected
    assert fmean(values) == pytest.approx(expected, abs=SIGMAS * error + rounding * expected)


def hours(server: Server, traffic: Traffic, requests: float = 5_000) -> list[Simulated]:
    """As many requests for each seed, after a tenth of that time."""
    seconds = requests / traffic.rate
    return [simulate(server, traffic, seconds=seconds, warm_up=seconds / 10, seed=seed) for seed in SEEDS]


def steady(_: int) -> float:
    """A service of a second's mean, however many are served."""
    return 1 / GRAIN


def erlang_c(servers: int, load: float) -> float:
    """The chance to wait for one of so many servers (Erlang, 1917)."""
    top = load**servers / factorial(servers) * servers / (servers - load)
    return top / (sum(load**n / factorial(n) for n in range(servers)) + top)


def test_erlang_c_of_two_servers_is_a_third() -> None:
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("servers", "load"), [(2, 1.0), (8, 6.0)])
def test_exponential_services_wait_as_erlang_says(servers: int, load: float) -> None:
    seen = hours(Server(steady, servers), Traffic(load, GRAIN, lengths="geometric"), 20_000)
    agrees(seen, "queued_share", erlang_c(servers, load), 0.005)
    agrees(seen, "wait", erlang_c(servers, load) / (servers - load), 0.005)
    agrees(seen, "in_flight", load)


@pytest.mark.parametrize(("load", "kind"), [(0.5, "fixed"), (3.0, "fixed"), (3.0, "geometric")])
def test_plentiful_slots_hold_what_arrives_in_a_service(load: float, kind: str) -> None:
    seen = hours(Server(steady, 100), Traffic(load, GRAIN, lengths=kind))
    agrees(seen, "in_flight", load)
    agrees(seen, "busy_share", 1 - exp(-load))
    assert all(one.queued_share == 0 for one in seen)


@pytest.mark.parametrize("kind", ["fixed", "geometric"])
def test_steps_in_proportion_share_the_server(kind: str) -> None:
    load = 0.7
    seen = hours(Server(lambda n: n / GRAIN, 200), Traffic(load, GRAIN, lengths=kind))
    agrees(seen, "in_flight", load / (1 - load))
    agrees(seen, "tpot", 1 / (1 - load) / GRAIN, 0.005)


@pytest.mark.parametrize(("kind", "square"), [("fixed", 1.0), ("geometric", 2 - 1 / 50)])
def test_one_slot_waits_as_pollaczek_and_khinchine_say(kind: str, square: float) -> None:
    load = 0.8
    seen = hours(Server(lambda _: 1 / 50, 1), Traffic(load, 50, lengths=kind), 10_000)
    agrees(seen, "wait", load * square / 2 / (1 - load))
    agrees(seen, "waiting", load**2 * square / 2 / (1 - load))
    agrees(seen, "ttft", load * square / 2 / (1 - load) + 1 / 50)
    agrees(seen, "busy_share", load)


@pytest.mark.parametrize("slots", [1, 50])
def test_prompts_alone_keep_the_server_busy_for_their_time(slots: int) -> None:
    seen = hours(Server(lambda _: 0.0, slots, 0.6), Traffic(1.0, 1))
    agrees(seen, "busy_share", 0.6)
    if slots == 1:
        agrees(seen, "wait", 0.6 * 0.6 / 2 / 0.4)


def hyperexponential(variation: float, rate: float) -> Callable[[float], float]:
    """Laplace transform of gaps of two phases with balanced means."""
    often = (1 + ((variation**2 - 1) / (variation**2 + 1)) ** 0.5) / 2
    phases = [(share, 2 * share * rate) for share in (often, 1 - often)]
    return lambda s: sum(share * speed / (speed + s) for share, speed in phases)


def gamma(variation: float, rate: float) -> Callable[[float], float]:
    """Laplace transform of gamma gaps."""
    return lambda s: (1 + s * variation**2 / rate) ** (-1 / variation**2)


@pytest.mark.parametrize(("transform", "variation"), [(hyperexponential, 2.0), (gamma, 2.0)])
def test_bursts_wait_as_the_root_of_their_transform_says(
    transform: Callable[[float, float], Callable[[float], float]], variation: float
) -> None:
    load = 0.5
    busy = load
    for _ in range(200):  # share of arrivals that find the one server busy: Kendall, 1953
        busy = transform(variation, load)(1 - busy)
    traffic = Traffic(load, GRAIN, variation, transform.__name__, "geometric")
    seen = hours(Server(steady, 1), traffic, 10_000)
    agrees(seen, "queued_share", busy, 0.005)
    agrees(seen, "wait", busy / (1 - busy), 0.005)


@pytest.mark.parametrize(
    ("kind", "variation"), [("gamma", 0.0), ("gamma", 0.5), ("gamma", 1.0), ("gamma", 3.0), ("hyperexponential", 3.0)]
)
def test_gaps_vary_as_asked(kind: str, variation: float) -> None:
    drawn = list(islice(gaps(Traffic(4.0, 1, variation, kind), Random(1)), 200_000))
    assert fmean(drawn) == pytest.approx(0.25, rel=0.02)
    assert pstdev(drawn) == pytest.approx(variation / 4, rel=0.03)


@pytest.mark.parametrize("mean", [1.0, 1.5, 40.0])
def test_lengths_have_their_mean_and_are_at_least_one(mean: float) -> None:
    drawn = list(islice(lengths(Traffic(1.0, mean, lengths="geometric"), Random(1)), 100_000))
    assert min(drawn) == 1
    assert fmean(drawn) == pytest.approx(mean, rel=0.02)
    assert pstdev(drawn) == pytest.approx((mean * (mean - 1)) ** 0.5, rel=0.02)


def test_a_full_server_delivers_what_its_steps_and_prompts_leave() -> None:
    seen = simulate(Server(lambda n: 0.01 + 0.001 * n, 10, 0.05), Traffic(5.0, 100), warm_up=1000)
    step = 0.02 + 10 / 100 * 0.05  # of ten sequences, a tenth of a prompt in each step
    assert seen.tokens_per_second == pytest.approx(10 / step, rel=0.005)
    assert seen.in_flight == pytest.approx(10)
    assert seen.busy_share == pytest.approx(1)
    assert seen.queued_share == pytest.approx(1)


def test_a_lone_request_meets_its_prompt_and_its_steps() -> None:
    seen = simulate(Server(lambda n: 0.02 * n, 4, 0.1), Traffic(0.01, 101, 0.0))
    assert seen.wait == 0
    assert seen.ttft == pytest.approx(0.12)
    assert seen.tpot == pytest.approx(0.02)
    assert seen.in_flight == pytest.approx(0.01 * (0.12 + 100 * 0.02), rel=1e-6)


def test_one_seed_has_one_answer() -> None:
    server, traffic = Server(lambda n: 0.01 + 1e-4 * n, 8, 0.02), Traffic(3.0, 200, 2.0)
    assert simulate(server, traffic, seed=3) == simulate(server, traffic, seed=3)
    assert simulate(server, traffic, seed=3) != simulate(server, traffic, seed=4)


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(1, 10, 0.5, "hyperexponential"),
        Traffic(1, 10, 2.0, "weibull"),
        Traffic(1, 10.5),
        Traffic(1, 10, lengths=""),
    ],
)
def test_what_cannot_be_drawn_is_refused(traffic: Traffic) -> None:
    with pytest.raises(ValueError, match=r"no |cannot"):
        simulate(Server(steady, 1), traffic)
