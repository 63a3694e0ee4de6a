"""A formula's own return expression, printed with symbols and with numbers: the work that was done, shown."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from infercost.derivation import Call
from infercost.glossary import TERMS
from infercost.units import show

_OPERATORS: dict[type, tuple[str, int]] = {
    ast.Add: (" + ", 1),
    ast.Sub: (" - ", 1),
    ast.Mult: (" × ", 2),
    ast.Div: (" / ", 2),
    ast.Pow: ("^", 4),
}
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
def expression_of(function: Callable[..., Any]) -> ast.expr:
    """The single expression that a formula returns.

    Raises:
        TypeError: the function's body is not one return of one expression.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        raise TypeError(f"{function.__name__} is not one return of one expression")
    return body[0].value


def explain(call: Call) -> Step:
    """The work of one formula call, in symbols and in numbers."""
    function = inspect.unwrap(call.function)
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
        source=call.function.source,  # type: ignore[attr-defined]
    )


def _number(value: Any, unit: str) -> str:
    if unit == "share":
        return f"{value:.4g}"
    return show(value, unit) + (" param" if unit == "param" else "")


def _print(node: ast.expr, names: Mapping[str, str], constants: Mapping[str, Any], above: int = 0) -> str:
    """The node as text, with brackets only where the operator above binds tighter."""
    match node:
        case ast.BinOp(left, operator, right):
            sign, level = _OPERATORS[type(operator)]
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
