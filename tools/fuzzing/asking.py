"""One command line in this process, with files and standard input of its own, and what no answer may be."""

import gc
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from infercost.cli import app
from infercost.render.writing import harmless

#: What a wrong question prints.
ERROR = re.compile(r'error: .+\nhint: .+\n|\{"error": \{"what": ".+", "hint": ".+"\}\}\n')
#: Seconds of a processor and bytes that no case may take, and all that the process may.
SLOW, LARGE, LIMIT = 20.0, 600_000_000, 6 << 30
#: The file of a case that is read from standard input, and the folder of presets of its own.
STDIN, OWN = "-", "own"


class Case(NamedTuple):
    """A command line, and the files that it finds: that of the name ``-`` is standard input."""

    kind: str
    argv: tuple[str, ...]
    files: Mapping[str, bytes] = MappingProxyType({})


class Said(NamedTuple):
    """What a case said and took: ``raised`` is an exception that no case should end in."""

    code: int
    out: str
    err: str
    raised: str
    seconds: float
    grown: int


class TooLong(BaseException):
    """A case that took more than its time."""


def ask(argv: Iterable[str], stdin: bytes = b"") -> Said:
    """One command line in this process."""
    kept, err = (sys.stdin, sys.stdout, sys.stderr, sys.excepthook), TextIOWrapper(BytesIO(), "utf-8")
    sys.stdin, sys.stdout = TextIOWrapper(BytesIO(stdin), "utf-8"), (out := TextIOWrapper(BytesIO(), "utf-8"))
    sys.stderr = err
    start, code, raised = time.process_time(), -1, ""
    signal.setitimer(signal.ITIMER_PROF, SLOW)
    try:
        code = app.main(list(argv))
    except TooLong:
        raised = f"took more than {SLOW:g} s"
    except BaseException as error:  # whatever it is, it is a failure
        raised = place_of(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdin, sys.stdout, sys.stderr, sys.excepthook = kept
    return Said(code, _text(out), _text(err), raised, time.process_time() - start, _growth())


def _text(stream: TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]


_most: list[int] = [0]


def _growth() -> int:
    """By how many bytes the most memory that this process ever had has grown since the last time."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    before, _most[0] = _most[0] or most, most
    return most - before


def place_of(error: BaseException) -> str:
    """An exception by its kind and the line that raised it."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(error).__name__} at {place}"


def stop(*_: object) -> None:
    """End a case that takes too long: a handler of SIGPROF."""
    raise TooLong


def try_case(case: Case) -> tuple[int, str]:
    """The exit code of a case and what was wrong with it."""
    names = [name for name in case.files if name != STDIN]
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.files[name])
    if own := any(name.startswith(f"{OWN}/") for name in names):
        os.environ["INFERCOST_PRESETS"] = OWN
    try:
        said = ask(case.argv, case.files.get(STDIN, b""))
    finally:
        os.environ.pop("INFERCOST_PRESETS", None)
    for name in names:
        Path(name).unlink()
    if own:
        shutil.rmtree(OWN)
    return said.code, wrong(case.argv, said)


# Judging

_asked_of_network: list[str] = []


def _listen(event: str, _: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
        _asked_of_network.append(event)


def wrong(argv: tuple[str, ...], said: Said) -> str:
    """What no answer may be, in a few words that are the same for the same fault; empty where all is well."""
    if said.raised:
        return said.raised
    if said.code not in (0, 2, 3):
        return f"exit code {said.code}"
    if said.grown > LARGE:
        return f"took {said.grown / 1e6:.0f} MB"
    if _asked_of_network:
        return f"{_asked_of_network.pop()} in a question"
    if harmless(said.out) != said.out or harmless(said.err) != said.err:
        return "sends controls to a terminal"
    if said.code == 2 and (said.out or not ERROR.fullmatch(said.err)):
        return "an error that is not two lines"
    elsewhere = ("--output", "-o", "--help", "--version", "--all")
    if said.code != 2 and argv[-1:] == ("--json",) and not any(word.startswith(elsewhere) for word in argv):
        return _no_json(said.out)
    return ""


def _no_json(text: str) -> str:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError as error:
        return f"no JSON: {str(error)[:30]}"
    return ""


# A process of many questions


def alone() -> None:
    """Make this process one for strangers' files: no network, no settings, no more memory than they may take."""
    for name in [name for name in os.environ if name.startswith(("INFERCOST_", "HF_", "FORCE_COLOR", "NO_COLOR"))]:
        del os.environ[name]
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": "/nowhere", "COLUMNS": "80"}
    with suppress(ImportError):  # asks the system for its fonts, once for all
        import matplotlib.font_manager  # noqa: F401
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    sys.addaudithook(_listen)
    gc.freeze = lambda: None  # a process of one question keeps all that it has loaded; this one asks thousands
