"""What every test may use: the command line in this process, on a terminal or in a child, and the project's folder."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import fastjsonschema
import pytest
import yaml
from hypothesis import settings

import infercost
from infercost.cli.app import main
from infercost.render.schema import schema

#: Laws are of numbers: how long an example takes on a busy machine is none of their business.
settings.register_profile("infercost", deadline=None)
settings.load_profile("infercost")
ROOT = Path(__file__).resolve().parent.parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def grid(names: str | tuple[str, ...], cases: Iterable[Any], **more: Any) -> pytest.MarkDecorator:
    """The cases of a law that holds for all of many: every other one in each run, the rest with ``-m slow``."""

    def kept(at: int, case: Any) -> Any:
        values = (case,) if isinstance(names, str) else case
        return pytest.param(*values, marks=pytest.mark.slow if at % 2 else ())

    return pytest.mark.parametrize(names, [kept(at, case) for at, case in enumerate(cases)], **more)


@cache
def in_yaml(file: str) -> Any:
    """What a YAML file of the project has, none of which may be changed."""
    return yaml.load((ROOT / file).read_text(), Loader=_LOADER)


@cache
def as_its_schema(command: str) -> Callable[[Any], Any]:
    """What raises where an answer of a command is not as ``infercost schema`` says."""
    return fastjsonschema.compile(schema(command))  # type: ignore[no-any-return]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Tests live until the end: a search for garbage among them costs their collection a fifth."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class Result(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on standard output, as its command's schema says; NaN and Infinity are no JSON."""
        document = json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
        if isinstance(document, dict) and "schema_version" in document:
            as_its_schema(document["command"])(document)
        return document


Run = Callable[..., Result]


def report_of(command: str, options: Mapping[str, Any], words: Sequence[str] = ()) -> infercost.Report:
    """The report of a command that is named by a case, from Python."""
    return getattr(infercost, command.replace("-", "_"))(*words, **options)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INFERCOST_PRESETS", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.excepthook", lambda *_: None)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process."""

    def run_command(*args: str) -> Result:
        code = main(list(args))
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return run_command


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test runs in the project's folder."""
    monkeypatch.chdir(ROOT)
    return ROOT


def bare_env(**more: str) -> dict[str, str]:
    """The environment without what changes infercost's output."""
    names = ("INFERCOST_PRESETS", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    return {**{key: value for key, value in os.environ.items() if key not in names}, **more}


@contextmanager
def heard(ours: int, theirs: int) -> Iterator[bytearray]:
    """What is written to one end of a terminal or a pipe, whole once the block has ended."""
    written = bytearray()

    def read() -> None:
        with suppress(OSError):  # a terminal's end, once nobody writes to it
            while block := os.read(ours, 1 << 16):
                written.extend(block)

    reader = Thread(target=read)
    reader.start()
    try:
        yield written
    finally:
        os.close(theirs)
        reader.join(timeout=30)
        os.close(ours)


def run_on(out: int, err: int, *args: str) -> int:
    """The command line in this process, on a terminal of 80 columns or whatever the two descriptors are."""
    with (
        pytest.MonkeyPatch.context() as patch,
        os.fdopen(os.dup(out), "w") as stdout,
        os.fdopen(os.dup(err), "w", buffering=1) as stderr,
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        patch.setenv("COLUMNS", "80")
        patch.setenv("TERM", "xterm-256color")
        return main(list(args))


def calls_of(work: Callable[[], object]) -> int:
    """How many functions a piece of work calls, Python's own included: its size, whatever else the machine does."""
    count = 0

    def see(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


#: Takes the default action of each signal and becomes the command: where a signal is ignored (``nohup``), so it would
#: be in every child.
_UNIGNORED = (
    "import os, signal, sys\n"
    "for each in signal.SIGINT, signal.SIGTERM, signal.SIGHUP: signal.signal(each, signal.SIG_DFL)\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


@contextmanager
def child(*args: str) -> Iterator[subprocess.Popen[bytes]]:
    """Python with these arguments in a process that heeds signals, and that does not outlive the block."""
    command = [sys.executable, "-IS", "-c", _UNIGNORED, *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=bare_env()) as process:
        try:
            yield process
        finally:
            process.kill()
