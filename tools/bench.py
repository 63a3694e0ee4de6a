"""Time the tool on this machine, its start against its floor in pairs: ``python tools/bench.py [ROUNDS]``.

Each round runs the floor and the command one after the other, so that a change of the machine's speed meets both.
Not part of the suite: a clock is no assertion.
"""

import compileall
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from timeit import repeat
from typing import Any

import infercost
from infercost.replica.serving import Request, serve_closed
from infercost.replica.step import Replica, decode_time
from infercost.scenario.read import ask
from infercost.scenario.resolve import resolve

PYTHON = sys.executable
TOOL = [PYTHON, "-c", "from infercost.__main__ import entry; entry()"]
UTILIZATION = [*TOOL, "utilization", "--gpu", "h100", "--params", "1.6e12"]
FLOOR = [PYTHON, "-c", "import typer, yaml"]
TABLE_FLOOR = [PYTHON, "-c", "import typer, yaml, rich.table, rich.console"]
PAIRS = {
    "utilization --json / import typer, yaml": ([*UTILIZATION, "--json"], FLOOR, 1.25),
    "utilization --format table / the same + rich": ([*UTILIZATION, "--format", "table"], TABLE_FLOOR, 1.25),
    "--help / import typer, yaml": ([*TOOL, "--help"], FLOOR, 0.9),
}

#: Timed inside one process: the profile realistic on H100, 64 sequences of 2,048 tokens.
LAYOUTS = {
    "llama-3.1-8b": {"gpu": "h100"},
    "llama-3.1-70b": {"gpu": "h100:8", "tp": 8},
    "deepseek-v3": {"gpu": "h200:8", "tp": 8},
}
STEP_LIMIT, CLOSED_LIMIT = 9e-6, 250e-6
#: The same under llama.cpp, whose passes are summed up by another law.
LOCAL = {name: {"gpu": "rtx-4090", "efficiency": "llama.cpp"} for name in ("llama-3.1-8b", "gpt-oss-20b")}
LOCAL_LIMIT = 10e-6


def replica(model: str, where: dict[str, Any]) -> Replica:
    """A model under the profile for everybody, or another one."""
    return resolve(ask("utilization", {"model": model, "efficiency": "realistic", **where})).running.replica


def step(ready: Replica) -> float:
    """Seconds of one decode step, best of many."""
    return min(repeat(lambda: decode_time(ready, 64, 2048), number=100, repeat=99)) / 100


def inside() -> dict[str, tuple[float, float]]:
    """Seconds of one decode step and of one closed loop, best of many, and their limits."""
    times = {}
    for model, where in LAYOUTS.items():
        ready, request = replica(model, where), Request(2048, 256)
        closed = min(repeat(lambda: serve_closed(ready, 64, request), number=5, repeat=99)) / 5  # noqa: B023
        times[f"a step of {model}"] = step(ready), STEP_LIMIT
        times[f"a closed loop of {model}"] = closed, CLOSED_LIMIT
    for model, where in LOCAL.items():
        times[f"a step of {model} under llama.cpp"] = step(replica(model, where)), LOCAL_LIMIT
    return times


def answers() -> dict[str, tuple[float, float]]:
    """Seconds of whole answers once their modules are loaded, best of three, and their limits."""
    request = {"input_tokens": 1000, "output_tokens": 200, "messages_per_day": 8, "traffic": "chat-global"}
    questions: dict[str, tuple[Callable[[], object], float]] = {
        "200 user counts of llama-3.1-405b": (
            lambda: infercost.economies(gpu="h100:8", model="llama-3.1-405b", dtype="fp8", points=200, **request),
            0.5,
        ),
        "a frontier of llama-3.1-405b": (lambda: infercost.frontier(model="llama-3.1-405b", gpu="h100"), 1.0),
        "a frontier of deepseek-v3": (lambda: infercost.frontier(model="deepseek-v3", gpu="h100"), 1.0),
    }
    return {name: (min(repeat(answer, number=1, repeat=3)), most) for name, (answer, most) in questions.items()}


def seconds(command: list[str]) -> float:
    """Wall time of one whole process."""
    start = perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return perf_counter() - start


def main(rounds: int) -> None:
    """Print times of evaluations and whole answers and the median ratio of every pair, each with its limit."""
    for name, (time, limit) in inside().items():
        print(f"{name}: {time * 1e6:.1f} us (at most {limit * 1e6:.0f} us)")
    for name, (time, limit) in answers().items():
        print(f"{name}: {time * 1e3:.0f} ms (at most {limit * 1e3:.0f} ms)")
    compileall.compile_dir("infercost", quiet=1)  # a tree that was never run would compile itself every time
    for name, (command, floor, limit) in PAIRS.items():
        seconds(command), seconds(floor)
        pairs = [(seconds(command), seconds(floor)) for _ in range(rounds)]
        ratio = statistics.median(mine / least for mine, least in pairs)
        mine = statistics.median(pair[0] for pair in pairs)
        print(f"{name}: {ratio:.2f} (at most {limit}), {mine * 1000:.0f} ms, {rounds} pairs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
