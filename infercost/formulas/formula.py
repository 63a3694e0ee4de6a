"""The marks of formulas and of searches: each is the function itself, which costs nothing unless somebody records."""

from collections.abc import Callable, Iterable, Sequence
from math import expm1
from operator import mul, truediv
from types import CodeType
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

#: Sources of formulas in several modules.
NOTE = "Erdil, Memory bandwidth constraints imply economies of scale in AI inference"
LATER = "Erdil, Inference economics of language models, arXiv 2506.04645"
LITTLE = "Little's law: number in the system = arrival rate x time spent"


class Formula(Protocol[P, R]):
    """A function of numbers that knows where its expression comes from."""

    __name__: str
    __code__: CodeType
    __globals__: dict[str, Any]
    source: str

    def __hash__(self) -> int:
        """Of the function itself."""

    def __call__(self, *args: P.args, **inputs: P.kwargs) -> R:
        """The value for these numbers, in base units."""


#: Every formula by name, for the tests that hold each of them to the rules.
FORMULAS: dict[str, Formula[..., Any]] = {}
#: The same by its code, as the recorder meets it.
BY_CODE: dict[CodeType, Formula[..., Any]] = {}


class Equation(NamedTuple):
    """What a search solves: the quantity that it finds, the equation that holds there, whose it is, what is given."""

    quantity: str
    equation: str
    source: str
    inputs: tuple[str, ...]


#: What searches solve, by their code.
SEARCHES: dict[CodeType, Equation] = {}


def formula(*, source: str) -> Callable[[Callable[P, R]], Formula[P, R]]:
    """Mark a function as a formula: keyword-only numbers in base units, one return of one expression."""

    def mark(function: Callable[P, R]) -> Formula[P, R]:
        marked = cast("Formula[P, R]", function)
        marked.source = source
        FORMULAS[marked.__name__] = BY_CODE[marked.__code__] = marked
        return marked

    return mark


def solved(quantity: str, *, equation: str, source: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a search for what solves an equation: its step shows the equation and the result, nothing from inside.

    The search takes its numbers keyword-only; a round is a call of a function inside it, else of one it is given.
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        SEARCHES[function.__code__] = Equation(quantity, equation, source, numbers_of(function.__code__))
        return function

    return mark


def numbers_of(code: CodeType) -> tuple[str, ...]:
    """The keyword-only parameters of a function."""
    return code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]


def total(*factors: Sequence[float]) -> float:
    """The sum over kinds of their factors' products: ``total(times, each)`` prints as ``3 × a + 58 × b``."""
    if len(factors) == 1:
        return sum(factors[0])
    products: Iterable[float] = factors[0]
    for others in factors[1:]:
        products = map(mul, products, others)
    return sum(products)


def total_over(amounts: Sequence[float], rates: Sequence[float]) -> float:
    """The sum over kinds of an amount over its rate: prints as ``a / 2 + b / 4``."""
    return sum(map(truediv, amounts, rates))


def gone(value: float) -> float:
    """What is no longer left of one after an exponential decay: 1 - e^-x, exact near nothing."""
    return -expm1(-value)
