"""Output to standard output or to a file: whole or not at all."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def discard_output() -> None:
    """Point standard output at nothing, so that closing it at exit cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def write_file(path: str, content: str | bytes, flag: str = "--output") -> None:
    """Write a file whole, or leave the old one; ``flag`` is the option that names it for a BadFile."""
    with replacing(path, flag) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: str, flag: str = "--output") -> Iterator[BinaryIO]:
    """A file for bytes that replaces the old one when whole, or a device or pipe itself; BadFile if neither opens."""
    target = os.path.realpath(path)
    try:
        through = os.path.exists(target) and not os.path.isfile(target)
        with open(target, "wb") if through else _beside(target) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadFile(f"{flag} {path}: {reason(error)}", "give a file in a folder that you may write") from error


@contextmanager
def _beside(target: str) -> Iterator[BinaryIO]:
    """A file in the target's folder, renamed to it at the end, removed after an error."""
    beside = os.path.join(os.path.dirname(target), f".infercost-{os.urandom(8).hex()}")
    with open(beside, "xb") as file:
        try:
            yield file
            file.close()
            if os.path.exists(target):
                copymode(target, beside)
            os.replace(beside, target)
        except BaseException:
            os.unlink(beside)
            raise


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
