"""Change the code a little and see whether a test fails: ``python tools/mutants.py --sample 60 --only fleet``.

A mutant is a copy of the project with one operator, comparison, number, term or condition changed. The tests that cover
its lines run against it, the most relevant first: it is killed by the first that fails, or that takes ten times as long
as usual, and survives where none does within the limit. Which test runs which line ``coverage`` records once; it is
kept in ``.mutants``, and files of tests are recorded anew once they, their data or the code that they run has changed.
``mutants_equivalent.txt`` lists mutants that no test could tell from the original, each with the reason; they are
counted apart.
"""

import argparse
import ast
import hashlib
import importlib
import os
import pickle
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KEPT, EQUIVALENT = ROOT / ".mutants", Path(__file__).with_name("mutants_equivalent.txt")
GROUPS = {
    "formulas": ["infercost/formulas/*.py"],
    "replica": ["infercost/replica/*.py"],
    "fleet": ["infercost/fleet/[!t]*.py"],
    "units": ["infercost/units.py", "infercost/numeric.py", "infercost/parts/formats.py"],
    "readers": ["infercost/evidence/readers/*.py", "infercost/fleet/traces.py", "infercost/models/gguf.py"],
}
#: Tests that take long or start other processes are left out: what they alone kill survives.
LEFT_OUT = (
    *("test_validate", "test_frontier", "test_frontier_export", "test_sensitivity", "test_startup", "test_progress"),
    *("test_plot", "test_export", "test_contributing", "test_examples", "test_gallery", "test_package"),
    *("test_fuzz", "test_floors"),
)
#: What tests need of others, loaded once and not for each mutant.
LOADED = ("pytest", "hypothesis", "coverage", "typer", "rich.table", "yaml", "numpy", "scipy.optimize")
PYTEST = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", "--hypothesis-seed=0")
#: Tests of the first round, and from how many files; how often its usual seconds a test may take, and seconds more.
FIRST, FILES, SLOW, SPARE = 250, 4, 10, 20
#: Seconds of a test that leaves time for many others.
MOMENT = 0.05
#: Other mtimes than any file's, so that no compiled module is taken for that of another text.
MTIMES = count(10**9)
SWAPPED = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.Mult], ast.Pow: [ast.Mult], ast.BitOr: [ast.BitAnd], ast.BitAnd: [ast.BitOr],
    ast.LShift: [ast.RShift], ast.RShift: [ast.LShift], ast.And: [ast.Or], ast.Or: [ast.And],
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    """A change of one file: the lines of its statement up to it, its function, the text before and after, its line.

    ``inside`` has the bits of ``bodies`` where it is in a class or a signature, and none elsewhere.
    """

    path: str
    lines: range
    where: str
    before: str
    after: str
    code: str
    source: str
    inside: int = 0

    @property
    def key(self) -> str:
        """What the list of equivalents calls it: by the code of its line, not by the number, which moves."""
        return f"{self.path} {self.where or 'module'}: {self.before} -> {self.after} in {self.code}"


def changes(node: ast.AST) -> Iterator[ast.expr]:
    """What an expression may be changed to."""
    match node:
        case ast.BinOp(left, operator, right):
            yield from (ast.BinOp(left, other(), right) for other in SWAPPED.get(type(operator), []))
            yield from (left, right) if isinstance(operator, (ast.Add, ast.Mult)) else (left,)
        case ast.Compare(left, [first, *rest], right):
            yield from (ast.Compare(left, [other(), *rest], right) for other in SWAPPED[type(first)])
        case ast.BoolOp(operator, values):
            yield from (ast.BoolOp(other(), values) for other in SWAPPED[type(operator)])
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield operand
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield from map(ast.Constant, {value + 1, value * 2} - {value})
        case ast.Call(ast.Name(name), arguments, keywords) if name in NAMES:
            yield ast.Call(ast.Name(NAMES[name]), arguments, keywords)


def bodies(node: ast.AST) -> int:
    """The lines in a function, or in those of a class, a bit each; and the first bit, which is no line's."""
    spans = [(each.body[0].lineno, each.end_lineno) for each in ast.walk(node) if isinstance(each, ast.FunctionDef)]
    return sum(1 << line for line in {0, *(line for first, last in spans for line in range(first, (last or 0) + 1))})


def sites(
    node: ast.AST, where: str = "", start: int = 1, inside: int = 0
) -> Iterator[tuple[ast.expr, ast.expr, str, int, int]]:
    """Each expression below a node, what it may be changed to, its function, where its statement starts, ``inside``."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        where = f"{where}.{node.name}".strip(".") + "()" * isinstance(node, ast.FunctionDef)
        inside = bodies(node)
    start = node.lineno if isinstance(node, ast.stmt) else start
    if isinstance(node, ast.expr):
        yield from ((node, each, where, start, inside) for each in changes(node))
    for test in node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]:
        if test is not None:
            yield test, ast.UnaryOp(ast.Not(), test), where, start, inside
    for name, field in ast.iter_fields(node):
        # decorators say nothing of values; ``strict`` guards what is as long by construction; of what f-strings hold
        # the places are not known before Python 3.12
        apart = isinstance(node, (ast.JoinedStr, ast.MatchValue)) or getattr(node, "arg", "") == "strict"
        if apart or name in ("annotation", "returns", "decorator_list"):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST):
                body = isinstance(node, ast.FunctionDef) and name == "body"
                yield from sites(child, where, start, 0 if body else inside)


def mutants(source: str, path: str) -> list[Mutant]:
    """Every mutant of a file."""
    raw, found, starts = source.encode(), [], [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, other, where, start, inside in sites(ast.parse(source)):
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        after = ast.unparse(ast.fix_missing_locations(other))
        text = (raw[:first] + f"({after})".encode() + raw[last:]).decode()
        lines, code = range(start, node.lineno + 1), source.splitlines()[node.lineno - 1].strip()
        found.append(Mutant(path, lines, where, ast.unparse(node), after, code, text, inside))
    return found


class Ran(NamedTuple):
    """A test as it ran: its name, file and seconds, and the lines of each module that it covers, a bit each."""

    id: str
    file: str
    seconds: float
    lines: dict[str, int]


class Recording:
    """A plugin that notes which lines each test of a file runs."""

    def __init__(self, out: Path) -> None:
        self.out, self.passed = out, dict[str, float]()
        self.cover = importlib.import_module("coverage").Coverage(data_file=None, include=["infercost/*"])
        self.cover.start()

    def pytest_runtest_protocol(self, item: Any) -> None:
        """A test begins; it ends with the next one, or with the session."""
        self.cover.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the seconds of each test that passes."""
        if report.when == "call" and report.passed:
            self.passed[report.nodeid] = report.duration

    def pytest_sessionfinish(self) -> None:
        """Write the tests down."""
        self.cover.stop()
        lines: dict[str, Counter[str]] = defaultdict(Counter)
        data = self.cover.get_data()
        for path in data.measured_files():
            for line, contexts in data.contexts_by_lineno(path).items():
                for each in contexts:
                    lines[each][str(Path(path).relative_to(Path.cwd()))] |= 1 << line
        rows = [Ran(each, each.partition("::")[0], seconds, dict(lines[each])) for each, seconds in self.passed.items()]
        self.out.write_bytes(pickle.dumps(list(map(tuple, rows))))

    def ended(self, code: int) -> None:
        """All is written by then."""


class Trying:
    """A plugin that runs chosen tests in their order and ends the process at the first that fails or hangs."""

    def __init__(self, chosen: list[Ran], out: Path) -> None:
        self.seconds, self.out = {test.id: test.seconds for test in chosen}, out

    def killed(self, by: str) -> None:
        """Say so, and nothing after it."""
        self.out.write_text(by)
        os._exit(0)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep the chosen, in their order."""
        order = {test: index for index, test in enumerate(self.seconds)}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])

    def pytest_collectreport(self, report: Any) -> None:
        """What cannot even be collected has failed."""
        if report.failed:
            self.killed(report.nodeid)

    def ended(self, code: int) -> None:
        """What pytest cannot even start with has failed: modules that ``conftest.py`` loads."""
        if code in (3, 4):  # of its own, and of how it was called
            self.killed("conftest")

    def pytest_runtest_protocol(self, item: Any) -> None:
        """Wait for a test no longer than it can take."""
        signal.signal(signal.SIGALRM, lambda *_: self.killed(f"{item.nodeid} (hangs)"))
        signal.alarm(int(SLOW * self.seconds[item.nodeid] + SPARE))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """The first that fails ends it."""
        if report.failed:
            self.killed(report.nodeid)


def run_tests(files: list[str], plugin: Callable[[], Any], limit: float) -> None:
    """Run test files of the copy, which is the working folder, in a silent child that ends after so many seconds."""
    if (child := os.fork()) == 0:
        os.setsid()
        for stream in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        sys.path[0], sys.argv[1:] = os.getcwd(), []
        with suppress(BaseException):
            watch = plugin()
            watch.ended(importlib.import_module("pytest").main([*PYTEST, *files], plugins=[watch]))
        os._exit(0)
    ends = time.monotonic() + limit
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > ends:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.02)


def digest(file: Path, rows: list[Any]) -> str:
    """What says whether a test file is the one recorded: its text, the data that it names and the code that it runs."""
    text = file.read_text()
    named = [path for path in sorted(Path("tests/data").rglob("*.*")) if path.name in text and path.is_file()]
    code = filter(Path.exists, map(Path, sorted({path for *_, lines in rows for path in lines})))
    return hashlib.sha256(b"".join(path.read_bytes() for path in [file, *named, *code])).hexdigest()


def record(out: Path) -> list[Ran]:
    """Which test runs which lines."""
    known = pickle.loads(KEPT.read_bytes()) if KEPT.exists() else {}
    kept = {}
    for file in sorted(path for path in Path("tests").rglob("test_*.py") if path.stem not in LEFT_OUT):
        name = str(file)
        mark, rows = known.get(name, ("", []))
        if mark != digest(file, rows):
            out.unlink(missing_ok=True)
            run_tests([name], lambda: Recording(out), 900)
            rows = pickle.loads(out.read_bytes()) if out.exists() else []
            known[name] = digest(file, rows), rows
            say(f"recorded {name}: {len(rows)} tests")
            KEPT.write_bytes(pickle.dumps(known))
        kept[name] = known[name]
    KEPT.write_bytes(pickle.dumps(kept))
    return [Ran(*row) for _, rows in kept.values() for row in rows]


def say(line: str) -> None:
    """Tell how far it is, apart from the result."""
    print(line, file=sys.stderr, flush=True)


@cache
def text_of(file: str) -> str:
    """The text of a test file."""
    return Path(file).read_text()


def names(mutant: Mutant, test: Ran) -> bool:
    """Whether the file of a test names the class or the function whose signature or values are changed."""
    name = mutant.where.partition(".")[0].rstrip("()")
    return bool(mutant.inside and re.search(rf"\b{name}\b", text_of(test.file)))


def covering(mutant: Mutant, tests: list[Ran]) -> list[Ran]:
    """The tests that run a mutant's lines, those of moments first; then the rest of their files.

    A few of each file take turns, the most relevant first. Of classes and signatures: the tests that run any of their
    functions, and those of files that name them, the shortest first. Of other lines that run while modules load or
    tests are collected: the tests that run any of the module, or import it.
    """
    mask, path = mutant.inside or sum(1 << line for line in mutant.lines), Path(mutant.path)
    module = [
        test for test in tests if mutant.path in test.lines or mutant.path[:-3].replace("/", ".") in text_of(test.file)
    ]
    runs = {test.id for test in module if mutant.where and test.lines.get(mutant.path, 0) & mask}
    direct = runs | {test.id for test in module if names(mutant, test)}
    files = {test.file for test in module if test.id in direct or not direct}

    def relevance(test: Ran) -> tuple[bool, float, float]:
        if mutant.inside:
            return test.id not in direct, -names(mutant, test), test.seconds
        named = path.stem in test.file or path.parts[1] in test.file
        share = test.lines.get(mutant.path, 0).bit_count() / sum((1, *map(int.bit_count, test.lines.values())))
        return test.id not in direct, -named - share, test.seconds

    of_file = Counter[str]()
    ranked = []
    for test in sorted((test for test in module if test.file in files), key=relevance):
        apart = path.stem not in test.file and not mutant.inside
        ranked.append((test.id not in direct, test.seconds > MOMENT, apart and of_file[test.file] // 8, test))
        of_file[test.file] += 1
    return [test for *_, test in sorted(ranked, key=lambda each: each[:3])]


def rounds(tests: list[Ran], limit: float) -> Iterator[list[Ran]]:
    """The first tests of a few files, then as many of the others as end within a limit."""
    files = list(dict.fromkeys(test.file for test in tests))[:FILES]
    first, rest, short = [], [], limit / 10
    for test in tests:
        if test.file in files and test.seconds < short and len(first) < FIRST:
            first.append(test)
            short -= test.seconds
        elif test.seconds < limit:
            rest.append(test)
            limit -= test.seconds
    yield from (each for each in (first, rest) if each)


def try_mutant(mutant: Mutant, tests: list[Ran], limit: float, out: Path) -> str:
    """The test that kills a mutant, or nothing."""
    path = Path(mutant.path)
    before = path.read_text()
    path.write_text(mutant.source)
    os.utime(path, (next(MTIMES),) * 2)
    out.unlink(missing_ok=True)
    for chosen in rounds(covering(mutant, tests), limit):
        run_tests(sorted({test.file for test in chosen}), lambda: Trying(chosen, out), 3 * limit)  # noqa: B023
        if out.exists():
            break
    path.write_text(before)
    return out.read_text() if out.exists() else ""


def chosen_of(group: str, arguments: argparse.Namespace) -> list[Mutant]:
    """The sampled mutants of a group, or all of a file or of a line of it."""
    name, _, line = group.partition(":")
    paths = sorted(path for pattern in GROUPS.get(name, [name]) for path in Path().glob(pattern))
    found = [each for path in paths for each in mutants(path.read_text(), str(path))]
    if name not in GROUPS:
        return [each for each in found if line in ("", str(each.lines[-1]))]
    return random.Random(f"{arguments.seed} {group}").sample(found, min(arguments.sample or len(found), len(found)))


def try_group(group: str, tests: list[Ran], arguments: argparse.Namespace, out: Path) -> Counter[str]:
    """How many mutants of a group were killed, survived, or are equivalent."""
    equivalent = {line.partition("  # ")[0] for line in EQUIVALENT.read_text().splitlines()}
    ends, chosen = Counter[str](), chosen_of(group, arguments)
    for number, mutant in enumerate(chosen, 1):
        by = "" if mutant.key in equivalent else try_mutant(mutant, tests, arguments.limit, out)
        end = "killed" if by else "equivalent" if mutant.key in equivalent else "survived"
        ends[end] += 1
        if end != "killed" or arguments.verbose:
            say(f"{group} {number}/{len(chosen)} {end}, line {mutant.lines[-1]}, {mutant.key}{by and f'  by {by}'}")
    return ends


def table(counts: dict[str, Counter[str]]) -> str:
    """Killed of tried by group."""
    lines = [f"{'group':10}{'killed':>8}{'tried':>8}{'percent':>9}{'equivalent':>12}"]
    for group, ends in counts.items():
        tried = ends["killed"] + ends["survived"]
        percent = f"{100 * ends['killed'] / tried:.1f}%" if tried else "-"
        lines.append(f"{group:10}{ends['killed']:8}{tried:8}{percent:>9}{ends['equivalent']:12}")
    return "\n".join(lines)


def main() -> None:
    """Copy the project, try mutants in the copy, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=GROUPS, help="one group of modules")
    parser.add_argument("--sample", type=int, default=60, help="mutants of each group, 0 for all")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="which of them")
    parser.add_argument("--limit", type=float, default=60, help="seconds of tests for each, as they were recorded")
    parser.add_argument("--at", metavar="FILE[:LINE]", nargs="*", help="all mutants of these places, no sample")
    parser.add_argument("--verbose", action="store_true", help="name the killed and their tests too")
    arguments, sys.dont_write_bytecode = parser.parse_args(), False  # in the copy
    for name in LOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT, f"{folder}/project", ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist"))
        os.chdir(f"{folder}/project")
        out = Path(folder) / "out"
        tests = record(out)
        groups = arguments.at or ([arguments.only] if arguments.only else GROUPS)
        counts = {group: try_group(group, tests, arguments, out) for group in groups}
    print(f"seed {arguments.seed}, a sample of {arguments.sample} a group, {date.today()}")
    print(table(counts))


if __name__ == "__main__":
    main()
