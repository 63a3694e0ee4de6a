"""Ask what nobody should and see that the answer is one: ``python tools/fuzz.py [--seconds 15] [--seed N]``.

Three kinds of cases, in one process: ``files`` by strangers, each a good one with something in it broken; odd
``questions`` on the command line; and ``laws`` that answers must keep, to a question and to a slightly changed one.

Each case must end in exit code 0, 2 or 3, a wrong question in two lines of error, or one of JSON, and nothing else,
JSON must be JSON, nothing that is printed may act on a terminal, nothing may be asked of the network, and no case may
take 20 s or 600 MB.
Prints the seed, how many cases were tried, and the smallest form of the first failure of each kind; exit code 1 if
there is any. The same seed asks the same questions: ``--seed N --cases M`` are those of a run of M cases again.
"""

import argparse
import math
import os
import random
import shlex
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.fuzzing.asking import Case, alone, place_of, stop, try_case
from tools.fuzzing.files import stranger
from tools.fuzzing.laws import LAWS, Bench, Broken
from tools.fuzzing.questions import odd

#: Seconds that one failure is made smaller for, and that a run takes where no number of cases is given.
SHRINKING, SECONDS = 5.0, 15.0


class Failure(NamedTuple):
    """What went wrong, and the smallest case of it."""

    what: str
    case: Case
    more: tuple[tuple[str, ...], ...] = ()


def smaller(case: Case, what: str) -> Case:
    """The case with as few words, and as few bytes of its files, as still fail alike within some seconds."""
    until = time.monotonic() + SHRINKING

    def fails(other: Case) -> bool:
        return time.monotonic() < until and try_case(other)[1] == what

    for size in (2, 1):
        at = 1
        while at + size <= len(case.argv):
            less = case._replace(argv=case.argv[:at] + case.argv[at + size :])
            case, at = (less, at) if fails(less) else (case, at + 1)
    for name in case.files:
        size = len(case.files[name]) // 2
        while size:
            at = 0
            while at < len(content := case.files[name]):
                less = case._replace(files={**case.files, name: content[:at] + content[at + size :]})
                case, at = (less, at) if fails(less) else (case, at + size)
            size //= 2
    return case


class Fuzz:
    """A run: its cases by kind and by exit code, and its failures by what went wrong."""

    def __init__(self, seed: int, kinds: Iterable[str]) -> None:
        self.rng, self.kinds = random.Random(seed), list(kinds)
        self.tried: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.failures: dict[str, Failure] = {}

    def one(self) -> None:
        """Try one case more."""
        kind = self.rng.choice(self.kinds)
        self.tried[kind] += 1
        if kind == "laws":
            self._law()
            return
        case = (stranger if kind == "files" else odd)(self.rng)
        code, what = try_case(case)
        self.codes[code] += 1
        if what and what not in self.failures:
            self.failures[what] = Failure(what, smaller(case, what))

    def _law(self) -> None:
        law, bench = self.rng.choice(LAWS), Bench()
        try:
            law(self.rng, bench)
        except Broken as error:
            what = str(error)
        except Exception as error:  # the answer has not the keys or kinds that it has elsewhere
            what = f"an answer of another shape: {place_of(error)} ({error})"
        else:
            return
        self.failures.setdefault(what, Failure(what, Case("laws", bench.asked[0]), tuple(bench.asked[1:])))

    def report(self, seed: int, seconds: float) -> str:
        """What was tried and what failed, for people."""
        total = self.tried.total()
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.tried.items()))
        codes = ", ".join(f"{code}: {count:,}" for code, count in sorted(self.codes.items()))
        lines = [f"seed {seed}: {total:,} cases in {seconds:.0f} s ({kinds}; exit codes {codes})"]
        for failure in self.failures.values():
            lines.append(f"FAILED, {failure.case.kind}: {failure.what}")
            lines += [f"  {shlex.join(('infercost', *argv))}" for argv in (failure.case.argv, *failure.more)]
            lines += [f"  {name}: {content!r}" for name, content in failure.case.files.items()]
        return "\n".join([*lines, f"{len(self.failures)} failures"])


KINDS = ("files", "questions", "laws")


def fuzz(seed: int, seconds: float, cases: float = math.inf, kinds: Iterable[str] = KINDS) -> tuple[Fuzz, str]:
    """Try cases for some seconds, or so many of them, in a folder of its own."""
    run, start, place = Fuzz(seed, kinds), time.monotonic(), os.getcwd()
    handler = signal.signal(signal.SIGPROF, stop)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            while time.monotonic() - start < seconds and run.tried.total() < cases:
                run.one()
        finally:
            os.chdir(place)
            signal.signal(signal.SIGPROF, handler)
    return run, run.report(seed, time.monotonic() - start)


def run() -> int:
    """Fuzz as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, help=f"{SECONDS:g} where no --cases are given")
    parser.add_argument("--cases", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--kinds", default=",".join(KINDS), help="files, questions, laws")
    asked = parser.parse_args()
    seconds = asked.seconds or (SECONDS if asked.cases == math.inf else math.inf)
    alone()
    done, report = fuzz(asked.seed, seconds, asked.cases, asked.kinds.split(","))
    print(report)
    return 1 if done.failures else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run())
