"""Output to standard output or to a file: whole or not at all, and nothing in it that a terminal obeys."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from shutil import copymode
from typing import BinaryIO

from infercost.errors import BadFile, reason

#: ASCII in place of what an output cannot show.
ASCII = str.maketrans(
    {"×": "x", "µ": "u", "η": "eta", "α": "alpha", "β": "beta", "ρ": "rho", "π": "pi"}
    | dict.fromkeys("█▏▎▍▌▋▊▉", "#")
    | dict.fromkeys("╭╮╰╯├┤┬┴┼╞╡╪", "+")
    | dict.fromkeys("─═", "-")
    | {"│": "|"}
)
#: What a terminal obeys instead of showing it: controls, marks that turn the direction of text, halves of a character.
_OBEYED = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: A file that is being written, beside the one that it will replace.
_BESIDE = re.compile(r"\.infercost-[0-9a-f]{16}")


def harmless(text: str) -> str:
    r"""A text in which nothing acts on a terminal or cannot be encoded: such a character stands as ``\u001b``.

    JSON and YAML read that as the same character; a line's end and a tab stay.
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_error(text: str) -> None:
    """Write to standard error if it is there and has room: what else an answer says does not depend on it."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(harmless(text))
        sys.stderr.flush()
    except (OSError, ValueError):
        discard_output(2)


def write_output(text: str) -> None:
    """Write to standard output, if need be in ASCII; BadFile if closed or full, BrokenPipeError if nobody reads."""
    if sys.stdout is None:
        raise BadFile("standard output is closed", "open it, or write to a file with --output")
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = text.translate(ASCII).encode("ascii", "replace").decode()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise BadFile(f"standard output: {reason(error)}", "make room, or write to a file with --output") from error


def discard_output(number: int = 1) -> None:
    """Point standard output, or another stream, at nothing, so that closing it at exit cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def write_file(path: str, content: str | bytes, flag: str = "--output") -> None:
    """Write a file whole, or leave the old one; ``flag`` is the option that names it for a BadFile."""
    with replacing(path, flag) as file:
        file.write(harmless(content).encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: str, flag: str = "--output") -> Iterator[BinaryIO]:
    """A file for bytes that replaces the old one when whole, or a device or pipe itself; BadFile if neither opens."""
    if "\0" in path:
        raise BadFile(f"{flag} {path}: holds a NUL", "give a path without it")
    try:
        target = os.path.realpath(path)
        through = os.path.exists(target) and not os.path.isfile(target)
        with open(target, "wb") if through else _beside(target) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadFile(f"{flag} {path}: {reason(error)}", "give a file in a folder that you may write") from error


@contextmanager
def _beside(target: str) -> Iterator[BinaryIO]:
    """A file in the target's folder, renamed to it at the end, removed after an error; those of killed runs go too."""
    folder = os.path.dirname(target)
    _sweep(folder)
    file, beside, held = _held(folder)
    with file:
        try:
            yield file
            file.close()
            if os.path.exists(target):
                copymode(target, beside)
            os.replace(beside, target)
        except BaseException:
            os.unlink(beside)
            raise
        finally:
            os.close(held)


def _held(folder: str) -> tuple[BinaryIO, str, int]:
    """A new file, its path, and what holds its lock until it has its name, so that no other run takes it for left."""
    while True:
        beside = os.path.join(folder, f".infercost-{os.urandom(8).hex()}")
        file = open(beside, "xb")  # noqa: SIM115
        held = os.dup(file.fileno())
        if _lock(held) and os.path.exists(beside):
            return file, beside, held
        os.close(held)  # another run swept it before it was locked
        file.close()


def _lock(number: int) -> bool:
    """Take a file's lock, which a process gives back however it ends; false where another has it."""
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        return True
    try:
        flock(number, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _sweep(folder: str) -> None:
    """Remove what runs left that were killed while they wrote: a file of our naming that nobody holds."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        for name in filter(_BESIDE.fullmatch, os.listdir(folder or ".")):
            _remove_left(os.path.join(folder, name))


def _remove_left(path: str) -> None:
    with suppress(OSError):
        number = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if _is_left(number):
                os.unlink(path)
        finally:
            os.close(number)


def _is_left(number: int) -> bool:
    """Whether nobody holds the lock of a file, on a file system that has locks."""
    from fcntl import LOCK_EX, LOCK_NB, flock

    with suppress(OSError):
        flock(number, LOCK_EX | LOCK_NB)
        return True
    return False


@contextmanager
def signals_wait() -> Iterator[Callable[[], None]]:
    """Ctrl-C, a scheduler's SIGTERM and a terminal that closes wait for a call of the function it gives, or the end.

    An exception at any point may be lost in a library's own code; the second signal comes at once all the same.

    Raises:
        KeyboardInterrupt, SystemExit: a signal came.
    """
    import signal
    from threading import current_thread, main_thread

    signals: list[int] = []

    def raise_first() -> None:
        if signals:
            raise KeyboardInterrupt if signals[0] == signal.SIGINT else SystemExit(128 + signals[0])

    def note(number: int, _: object) -> None:
        raise_first()
        signals.append(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP") if current_thread() is main_thread() else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    usual = (signal.SIG_DFL, signal.default_int_handler)
    handlers = {number: handler for number in numbers if (handler := signal.getsignal(number)) in usual}
    for number in handlers:
        signal.signal(number, note)
    try:
        yield raise_first
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    raise_first()
