"""Work that is done once: a question, and a sweep of a thousand points, is answered from one reading of each preset.

What infercost ships is read once in a process: nobody changes an installed file while it runs.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

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
    """Cache a few results of work on whole replicas, which are slow to compare: those of the layouts of one part."""
    return once(work, most=12)


@cache
def shipped() -> Path:
    """The presets folder: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    return next((p for p in (package / "presets", package.parent / "presets") if p.is_dir()), package / "presets")


@cache
def _start_of_shipped() -> str:
    return os.path.join(shipped(), "")


def read_once(read: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """Cache what is read of a shipped file, which may not be changed, by its path and the other arguments."""
    cached: Any = cache(read)

    @wraps(read)
    def run(path: str, /, *args: P.args, **more: P.kwargs) -> R:
        chosen = cached if path.startswith(_start_of_shipped()) else read
        return chosen(path, *args, **more)

    return run
