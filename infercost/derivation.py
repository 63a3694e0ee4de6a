"""The ``@formula`` mark, and a recorder that notes which formula ran on which numbers.

A formula costs one look at a variable when nobody records. What ``--steps`` prints is the formula's own
return expression, so the work shown cannot drift from the work done.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: Every formula by name, for the tests that hold each of them to the rules.
FORMULAS: dict[str, Callable[..., Any]] = {}


class Call(NamedTuple):
    """One formula that ran: the function, its inputs, its value, and what it was about where there are several."""

    function: Callable[..., Any]
    inputs: dict[str, Any]
    value: Any
    about: str = ""


_recorder: ContextVar[list[Call] | None] = ContextVar("recorder", default=None)
_about: ContextVar[str] = ContextVar("about", default="")


def formula(*, source: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as a formula: keyword-only numbers in base units, one return of one expression."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **inputs: P.kwargs) -> R:
            value = function(*args, **inputs)
            if (calls := _recorder.get()) is not None:
                calls.append(Call(run, dict(inputs), value, _about.get()))
            return value

        run.source = source  # type: ignore[attr-defined]
        FORMULAS[function.__name__] = run
        return run

    return decorate


@contextmanager
def recording() -> Iterator[list[Call]]:
    """Collect every formula call made inside the block, in order."""
    calls: list[Call] = []
    token = _recorder.set(calls)
    try:
        yield calls
    finally:
        _recorder.reset(token)


def is_recording() -> bool:
    """Whether somebody collects formula calls: who only wants the result need not run the work twice."""
    return _recorder.get() is not None


def about(what: str) -> AbstractContextManager[None]:
    """Name what the formula calls inside the block are about; nothing where nobody records."""
    return _naming(what) if _recorder.get() is not None else _UNNAMED


_UNNAMED: AbstractContextManager[None] = nullcontext()


@contextmanager
def _naming(what: str) -> Iterator[None]:
    token = _about.set(what)
    try:
        yield
    finally:
        _about.reset(token)


@contextmanager
def not_recording() -> Iterator[None]:
    """Leave formula calls inside the block out of the record: repetitions that would bury the work."""
    token = _recorder.set(None)
    try:
        yield
    finally:
        _recorder.reset(token)
