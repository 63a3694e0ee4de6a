"""Work that is done once: a question, and a sweep of a thousand points, is answered from one reading of each preset."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_cache: ContextVar[dict[Any, list[Any]] | None] = ContextVar("cache", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Cache inside the outermost block only: a file may change between two questions."""
    token = _cache.set({} if (outer := _cache.get()) is None else outer)
    try:
        yield
    finally:
        _cache.reset(token)


def once(work: Callable[P, R], most: int = 1000) -> Callable[P, R]:
    """Cache the last ``most`` results, none of which may be changed, by equal arguments: few of ours have a hash."""

    @wraps(work)
    def run(*args: P.args, **more: P.kwargs) -> R:
        if (cache := _cache.get()) is None:
            return work(*args, **more)
        entries: list[tuple[Any, R]] = cache.setdefault(work, [])
        for arguments, result in entries:
            if arguments == (args, more):
                return result
        entries.append(((args, more), work(*args, **more)))
        del entries[:-most]
        return entries[-1][1]

    return run


def lately(work: Callable[P, R]) -> Callable[P, R]:
    """Cache a few results of work on whole replicas, which are slow to compare."""
    return once(work, most=4)
