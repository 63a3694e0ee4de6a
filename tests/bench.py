"""Time the tool against its floor on this machine, in pairs: ``python tests/bench.py [ROUNDS]``.

Each round runs the floor and the command one after the other, so that a change of the machine's speed meets both.
Not part of the suite: a clock is no assertion.
"""

import compileall
import statistics
import subprocess
import sys
from time import perf_counter

PYTHON = sys.executable
TOOL = [PYTHON, "-c", "from infercost.cli.app import entry; entry()"]
UTILIZATION = [*TOOL, "utilization", "--gpu", "h100", "--params", "1.6e12"]
FLOOR = [PYTHON, "-c", "import typer, yaml"]
TABLE_FLOOR = [PYTHON, "-c", "import typer, yaml, rich.table, rich.console"]
PAIRS = {
    "utilization --json / import typer, yaml": ([*UTILIZATION, "--json"], FLOOR, 1.3),
    "utilization --format table / the same + rich": ([*UTILIZATION, "--format", "table"], TABLE_FLOOR, 1.2),
    "--help / import typer, yaml": ([*TOOL, "--help"], FLOOR, 1.1),
}


def seconds(command: list[str]) -> float:
    """Wall time of one whole process."""
    start = perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return perf_counter() - start


def main(rounds: int) -> None:
    """Print the median ratio of every pair, and what is asked of it."""
    compileall.compile_dir("infercost", quiet=1)  # a tree that was never run would compile itself every time
    for name, (command, floor, limit) in PAIRS.items():
        seconds(command), seconds(floor)
        pairs = [(seconds(command), seconds(floor)) for _ in range(rounds)]
        ratio = statistics.median(mine / least for mine, least in pairs)
        mine = statistics.median(pair[0] for pair in pairs)
        print(f"{name}: {ratio:.2f} (asked: {limit}), {mine * 1000:.0f} ms, {rounds} pairs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
