"""What many questions share is done once: a sweep answers a thousand points from one reading of each preset."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: Answers of one kind of work that are kept.
LATELY = 4
_kept: ContextVar[dict[Any, Any] | None] = ContextVar("kept", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Inside the block what was read is kept, and forgotten at its end: a file may change between two questions."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def once(read: Callable[P, R]) -> Callable[P, R]:
    """Mark a reader of files, by hashable arguments, whose result is a value that nobody changes."""

    @wraps(read)
    def run(*args: P.args, **more: P.kwargs) -> R:
        if (kept := _kept.get()) is None:
            return read(*args, **more)
        key = (read, args, tuple(more.items()))
        if key not in kept:
            kept[key] = read(*args, **more)
        found: R = kept[key]
        return found

    return run


def lately(work: Callable[P, R]) -> Callable[P, R]:
    """Mark work on plain values, which need no hash: inside the block its last few results are kept."""

    @wraps(work)
    def run(*args: P.args, **more: P.kwargs) -> R:
        if (kept := _kept.get()) is None:
            return work(*args, **more)
        known: list[tuple[Any, R]] = kept.setdefault(work, [])
        for asked, found in known:
            if asked == (args, more):
                return found
        known.append(((args, more), work(*args, **more)))
        del known[:-LATELY]
        return known[-1][1]

    return run
