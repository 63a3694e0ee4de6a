"""Output to standard output or to a file: whole or not at all."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from infercost.errors import BadFile

#: What stands in where an output cannot show a character.
ASCII = str.maketrans(
    {
        "×": "x",
        "µ": "u",
        "█": "#",
        **dict.fromkeys("▏▎▍▌▋▊▉", "#"),
        "η": "eta",
        "α": "alpha",
        "β": "beta",
        "ρ": "rho",
        "π": "pi",
    }
    | dict.fromkeys("╭╮╰╯├┤┬┴┼╞╡╪", "+")
    | dict.fromkeys("─═", "-")
    | dict.fromkeys("│", "|")
)


def write_output(text: str) -> None:
    """Write to standard output, in ASCII where its encoding has no more.

    Raises:
        BadFile: it is closed, or full.
        BrokenPipeError: nobody reads it any more.
    """
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
        reason = (error.strerror or str(error)).lower()
        raise BadFile(f"standard output: {reason}", "make room, or write to a file with --output") from error


def discard_output() -> None:
    """Point standard output at nothing, so that closing it at exit cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def write_file(path: str, content: str | bytes, flag: str = "--output") -> None:
    """Write a file whole, or leave what was there; ``flag`` asked for it.

    Raises:
        BadFile: the place cannot be written.
    """
    with replacing(path, flag) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: str, flag: str = "--output") -> Iterator[BinaryIO]:
    """A file to write bytes into that takes the place of another at the end, or leaves what was there.

    A device or a pipe is written straight through.

    Raises:
        BadFile: the place cannot be written.
        BrokenPipeError: nobody reads the pipe any more.
    """
    target = os.path.realpath(path)
    try:
        through = os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode)
        with open(target, "wb") if through else _beside(target) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (os.strerror(error.errno) if error.errno else str(error)).lower()
        raise BadFile(f"{flag} {path}: {reason}", "give a file in a folder that you may write") from error


@contextmanager
def _beside(target: str) -> Iterator[BinaryIO]:
    """A file in the target's folder, renamed to it when all went well and removed when not."""
    from tempfile import NamedTemporaryFile

    folder = os.path.dirname(target)
    with NamedTemporaryFile("wb", dir=folder, prefix=".infercost-", delete=False) as file:
        try:
            yield cast(BinaryIO, file)
            file.close()
            os.chmod(file.name, _mode(target))
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


@contextmanager
def signals_wait() -> Iterator[Callable[[], None]]:
    """Ctrl-C, a scheduler's SIGTERM and a terminal that closes wait until what it gives is called, or the end.

    An exception at any point may be lost in a library's own code; the second signal comes at once all the same.

    Raises:
        KeyboardInterrupt, SystemExit: a signal came.
    """
    import signal
    from threading import current_thread, main_thread

    came: list[int] = []

    def raise_it() -> None:
        if came:
            raise KeyboardInterrupt if came[0] == signal.SIGINT else SystemExit(128 + came[0])

    def note(number: int, _: object) -> None:
        raise_it()
        came.append(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP") if current_thread() is main_thread() else ()
    before = {number: signal.getsignal(number) for name in names if (number := getattr(signal, name, None))}
    usual = (signal.SIG_DFL, signal.default_int_handler)
    taken = {number: handler for number, handler in before.items() if handler in usual}
    for number in taken:
        signal.signal(number, note)
    try:
        yield raise_it
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
    raise_it()


def _mode(target: str) -> int:
    """The mode of the file that is replaced, or what a new file gets."""
    if os.path.exists(target):
        return stat.S_IMODE(os.stat(target).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
