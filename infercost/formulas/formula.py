"""The ``@formula`` mark, a recorder that notes which formula ran on which numbers, and its work in print.

A formula costs one look at a variable when nobody records. What ``--steps`` prints is the formula's own
return expression, so the work shown cannot drift from the work done.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, Protocol, TypeVar, cast

from infercost.quantities import TERMS
from infercost.units import show

if TYPE_CHECKING:  # who shows no work does not load it
    import ast

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class Formula(Protocol[P, R]):
    """A function of numbers that knows where its expression comes from."""

    __name__: str
    source: str

    def __call__(self, *args: P.args, **inputs: P.kwargs) -> R:
        """The value for these numbers, in base units."""


#: Every formula by name, for the tests that hold each of them to the rules.
FORMULAS: dict[str, Formula[..., Any]] = {}


class Call(NamedTuple):
    """One formula that ran: the function, its inputs, its value, and what it was about where there are several."""

    function: Formula[..., Any]
    inputs: dict[str, Any]
    value: Any
    about: str = ""


_recorder: ContextVar[list[Call] | None] = ContextVar("recorder", default=None)
_about: ContextVar[str] = ContextVar("about", default="")


def formula(*, source: str) -> Callable[[Callable[P, R]], Formula[P, R]]:
    """Mark a function as a formula: keyword-only numbers in base units, one return of one expression."""

    def decorate(function: Callable[P, R]) -> Formula[P, R]:
        @wraps(function)
        def run(*args: P.args, **inputs: P.kwargs) -> R:
            value = function(*args, **inputs)
            if (calls := _recorder.get()) is not None:
                calls.append(Call(marked, dict(inputs), value, _about.get()))
            return value

        marked = cast("Formula[P, R]", run)
        marked.source = source
        FORMULAS[function.__name__] = marked
        return marked

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


#: Signs and how tightly they bind, by the operator's name in a syntax tree.
_OPERATORS = {"Add": (" + ", 1), "Sub": (" - ", 1), "Mult": (" × ", 2), "Div": (" / ", 2), "Pow": ("^", 4)}
_FUNCTIONS = {
    "maximum": "max",
    "minimum": "min",
    "ceiling": "ceil",
    "floor": "floor",
    "logarithm": "ln",
    "root": "sqrt",
    "log2": "log2",
}


class Step(NamedTuple):
    """One formula that ran: its expression in symbols and in numbers, its result and its source."""

    name: str
    meaning: str
    symbols: str
    numbers: str
    value: Any
    unit: str
    source: str


@cache
def expression_of(function: Callable[..., Any]) -> "ast.expr":
    """The single expression that a formula returns.

    Raises:
        TypeError: the function's body is not one return of one expression.
    """
    import ast
    import inspect
    import textwrap

    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        raise TypeError(f"{function.__name__} is not one return of one expression")
    return body[0].value


def explain(call: Call) -> Step:
    """The work of one formula call, in symbols and in numbers."""
    from inspect import unwrap

    function = unwrap(call.function)
    expression = expression_of(function)
    term = TERMS[function.__name__]
    symbols = {name: TERMS[name].symbol for name in call.inputs}
    numbers = {name: _number(value, TERMS[name].unit) for name, value in call.inputs.items()}
    return Step(
        name=function.__name__,
        meaning=f"{call.about}: {term.meaning}" if call.about else term.meaning,
        symbols=f"{term.symbol} = {_print(expression, symbols, function.__globals__)}",
        numbers=_print(expression, numbers, function.__globals__),
        value=call.value,
        unit=term.unit,
        source=call.function.source,
    )


def _number(value: Any, unit: str) -> str:
    if unit == "share":
        return f"{value:.4g}"
    return show(value, unit) + (" param" if unit == "param" else "")


def _print(node: "ast.expr", names: Mapping[str, str], constants: Mapping[str, Any], above: int = 0) -> str:
    """The node as text, with brackets only where the operator above binds tighter."""
    import ast

    match node:
        case ast.BinOp(left, operator, right):
            sign, level = _OPERATORS[type(operator).__name__]
            # - and / are not associative: their right side is bracketed at the same level
            tighter = level + isinstance(operator, (ast.Sub, ast.Div, ast.Pow))
            text = _print(left, names, constants, level) + sign + _print(right, names, constants, tighter)
            return f"({text})" if level < above else text
        case ast.Call(ast.Name(function), arguments):
            inside = ", ".join(_print(argument, names, constants) for argument in arguments)
            return f"{_FUNCTIONS[function]}({inside})"
        case ast.Name(name):
            text = names[name] if name in names else show(constants[name])
            return f"({text})" if above == 4 and " " in text else text
        case ast.Constant(value):
            return show(value)
    raise TypeError(f"a formula may not hold {ast.dump(node)}")


def work_of(evaluate: Callable[[], object]) -> tuple[Step, ...]:
    """The work of one evaluation: every formula that ran, each once, in order."""
    with recording() as calls:
        evaluate()
    distinct = {(call.about, call.function, tuple(call.inputs.items())): call for call in calls}
    printed = {(step.meaning, step.symbols, step.numbers): step for step in map(explain, distinct.values())}
    return tuple(printed.values())
