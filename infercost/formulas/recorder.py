"""The work of an answer: which formula ran on which numbers, each in symbols and in numbers for ``--steps``.

What is printed is a formula's own return expression, so the work shown cannot drift from the work done.
"""

import ast
import builtins
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from operator import add, mul, sub, truediv
from types import CodeType, FrameType
from typing import Any, NamedTuple

from infercost.formulas.formula import BY_CODE, SEARCHES, Equation, Formula, numbers_of
from infercost.quantities import TERMS
from infercost.units import exact, rounded


class Call(NamedTuple):
    """One formula or search that ran: what it is, its inputs and its value; of a search how many trials it took."""

    function: Formula[..., Any] | Equation
    inputs: dict[str, Any]
    value: Any
    rounds: int = 0


#: The flag of a generator's code: Pythons differ in how often they call one.
CO_GENERATOR = 0x20
#: What joins numbers in print.
_SIGNS = (" + ", " - ", " × ", " / ", "^", "(")


class Step(NamedTuple):
    """One formula that ran: its expression in symbols and in numbers, its result and its source."""

    name: str
    meaning: str
    symbols: str
    numbers: str
    value: Any
    unit: str
    source: str
    inputs: Mapping[str, Any]

    @property
    def renames(self) -> bool:
        """Whether it only gives another name to a number, or to nothing: a sum of one term, taken once."""
        if isinstance(self.value, list):
            return len(self.value) == 1
        if self.value == 0:  # what is not there; a difference that comes to nothing is a result
            return " - " not in self.numbers
        alone = self.numbers.removeprefix("1 × ").removesuffix(" / 1")
        single = not any(sign in alone for sign in _SIGNS)
        return single and (self.value in self.inputs.values() or _of_one(self))


def _of_one(step: Step) -> bool:
    return any(step.value in value for value in step.inputs.values() if isinstance(value, list))


class _Recorder:
    """A profile function that notes the inputs of each formula when it is called, and its value when it returns."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.before = sys.getprofile()
        self._inputs: dict[FrameType, dict[str, Any]] = {}
        self._search: FrameType | None = None
        self._tried: set[CodeType] = set()
        self._rounds = 0

    def __call__(self, frame: FrameType, event: str, value: Any) -> None:
        if event == "call":
            self._enter(frame)
        elif event == "return" and frame in self._inputs:
            self._leave(frame, value)

    def _enter(self, frame: FrameType) -> None:
        code = frame.f_code
        if self._search is not None:
            self._rounds += code in self._tried
        elif code in BY_CODE or code in SEARCHES:
            self._inputs[frame] = {name: frame.f_locals[name] for name in numbers_of(code)}
            if code in SEARCHES:
                self._search, self._rounds = frame, 0
                inside = {
                    each for each in code.co_consts if isinstance(each, CodeType) and not each.co_flags & CO_GENERATOR
                }
                given = {value.__code__ for value in frame.f_locals.values() if hasattr(value, "__code__")}
                self._tried = inside or given

    def _leave(self, frame: FrameType, value: Any) -> None:
        inputs, code = self._inputs.pop(frame), frame.f_code
        rounds = self._rounds if frame is self._search else 0
        if frame is self._search:
            self._search = None
        if value is not None:  # else it raised
            self.calls.append(Call(BY_CODE.get(code) or SEARCHES[code], inputs, value, rounds))


@contextmanager
def recording() -> Iterator[list[Call]]:
    """Collect every formula call made inside the block, in order."""
    recorder = _Recorder()
    sys.setprofile(recorder)
    try:
        yield recorder.calls
    finally:
        sys.setprofile(recorder.before)


def work_of(work: Callable[[], object] | Mapping[str, Callable[[], object]]) -> tuple[Step, ...]:
    """The work of one evaluation, or of several by name: the distinct formula calls of each in order, explained."""
    parts = work if isinstance(work, Mapping) else {"": work}
    return tuple(step for name, evaluate in parts.items() for step in _steps_of(name, evaluate))


def _steps_of(part: str, evaluate: Callable[[], object]) -> list[Step]:
    with recording() as calls:
        evaluate()
    distinct: dict[Any, Call] = {}
    for call in calls:
        known = call.inputs or {"": call.value}  # a search without any is known by what it found
        distinct.setdefault((call.function, *_frozen(known)), call)
    steps = [step for step in map(explain, distinct.values()) if not step.renames]
    return [step._replace(meaning=f"{part}: {step.meaning}") for step in steps] if part else steps


def _frozen(inputs: Mapping[str, Any]) -> Iterator[Any]:
    return (tuple(value) if isinstance(value, list) else value for value in inputs.values())


#: Signs and how tightly they bind, by the operator's name in a syntax tree.
_OPERATORS = {"Add": (" + ", 1), "Sub": (" - ", 1), "Mult": (" × ", 2), "Div": (" / ", 2), "Pow": ("^", 4)}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"Add": add, "Sub": sub, "Mult": mul, "Div": truediv, "Pow": pow}
_FUNCTIONS = {
    "max": "max",
    "maximum": "max",
    "minimum": "min",
    "ceiling": "ceil",
    "floor": "floor",
    "logarithm": "ln",
    "root": "sqrt",
    "log2": "log2",
}


@cache
def expression_of(function: Callable[..., Any]) -> ast.expr:
    """The single expression that a formula returns.

    Raises:
        TypeError: the function's body is not one return of one expression.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        raise TypeError(f"{function.__name__} is not one return of one expression")
    return body[0].value


def explain(call: Call) -> Step:
    """The work of one formula call, in symbols and in numbers; of a search its equation."""
    if isinstance(call.function, Equation):
        return _of_search(call, call.function)
    function, inputs = call.function, {name: _plain(value) for name, value in call.inputs.items()}
    term = TERMS[function.__name__]
    shown = _there(expression_of(function), inputs, function.__globals__)
    symbols = {name: TERMS[name].symbol for name in inputs}
    return Step(
        name=function.__name__,
        meaning=term.meaning,
        symbols=f"{term.symbol} = {_print(shown, symbols, function.__globals__)}",
        numbers=_print(shown, _numbers(function, call.value, inputs), function.__globals__),
        value=_plain(call.value),
        unit=term.unit,
        source=function.source,
        inputs=inputs,
    )


def _of_search(call: Call, solved: Equation) -> Step:
    """A search in print: its equation, what it was given, and how many trials it took."""
    term, inputs = TERMS[solved.quantity], {name: _plain(value) for name, value in call.inputs.items()}
    given = [f"{TERMS[name].symbol} = {exact(value, TERMS[name].unit)}" for name, value in inputs.items()]
    return Step(
        name=solved.quantity,
        meaning=term.meaning,
        symbols=f"{term.symbol} = where {solved.equation}",
        numbers=", ".join([*given, *([f"in {call.rounds} rounds"] if call.rounds > 1 else [])]),
        value=_plain(call.value),
        unit=term.unit,
        source=solved.source,
        inputs=inputs,
    )


def _plain(value: Any) -> Any:
    """A number without NumPy's type, a sequence as a list."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value


#: Significant digits of printed numbers: as many as it takes for the arithmetic to come out, at most all of a float.
DIGITS = range(4, 18)
#: A result that lies between two printed ones is no result by hand: the last bit would decide.
HAIR = 1e-9
#: Unless its inputs are short, so that no more digits of them would help.
SHORT = range(4, 9)


def _numbers(function: Formula[..., Any], value: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Each input with as many digits as it takes to redo the arithmetic: the result is the printed one."""
    unit = TERMS[function.__name__].unit
    result = exact(value, unit)

    def comes_out(most: int, hair: float) -> bool:
        again = function(**_each(inputs, lambda each, unit: rounded(each, unit, most)))
        return all(exact(again * (1 + each), unit) == result for each in (-hair, hair))

    ways = (*((most, HAIR) for most in DIGITS), *((most, 0.0) for most in SHORT))
    most = next((most for most, hair in ways if comes_out(most, hair)), DIGITS[-1])
    return _each(inputs, lambda each, unit: _number(each, unit, most))


def _each(inputs: Mapping[str, Any], convert: Callable[[Any, str], Any]) -> dict[str, Any]:
    """Each input converted with its unit, the members of sequences one by one."""
    return {
        name: [convert(each, TERMS[name].unit) for each in value]
        if isinstance(value, list)
        else convert(value, TERMS[name].unit)
        for name, value in inputs.items()
    }


def _number(value: Any, unit: str, digits: int) -> str:
    if unit == "share":
        return f"{value:.{digits}g}"
    if unit == "x":
        return exact(value, "", digits)
    return exact(value, unit, digits) + (" param" if unit == "param" else "")


def _there(node: ast.expr, inputs: Mapping[str, Any], constants: Mapping[str, Any]) -> ast.expr:
    """The expression without terms of sums that are nothing: a model has no experts, a layout no second rank."""
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub() as operator, right):
            left, right = (_there(each, inputs, constants) for each in (left, right))
            if _value(right, inputs, constants) == 0:
                return left
            if isinstance(operator, ast.Add) and _value(left, inputs, constants) == 0:
                return right
            return ast.BinOp(left, operator, right)
        case ast.BinOp(left, operator, right):
            return ast.BinOp(_there(left, inputs, constants), operator, _there(right, inputs, constants))
        case ast.Call(name, arguments, keywords):
            return ast.Call(name, [_there(each, inputs, constants) for each in arguments], keywords)
    return node


def _value(node: ast.expr, inputs: Mapping[str, Any], constants: Mapping[str, Any]) -> Any:
    """What a part of an expression comes to."""
    match node:
        case ast.BinOp(left, operator, right):
            sides = (_value(each, inputs, constants) for each in (left, right))
            return _ARITHMETIC[type(operator).__name__](*sides)
        case ast.Call(ast.Name(function), arguments):
            called = constants.get(function) or getattr(builtins, function)
            return called(*(_value(each, inputs, constants) for each in arguments))
        case ast.Name(name):
            return inputs[name] if name in inputs else constants[name]
        case ast.Constant(value):
            return value
    raise TypeError(f"a formula may not hold {ast.dump(node)}")


def _print(node: ast.expr, names: Mapping[str, Any], constants: Mapping[str, Any], above: int = 0) -> str:
    """The node as text, with brackets only where the operator above binds tighter."""
    match node:
        case ast.BinOp(left, operator, right):
            sign, level = _OPERATORS[type(operator).__name__]
            # - and / are not associative: their right side is bracketed at the same level
            tighter = level + isinstance(operator, (ast.Sub, ast.Div, ast.Pow))
            text = _print(left, names, constants, level) + sign + _print(right, names, constants, tighter)
            return f"({text})" if level < above else text
        case ast.Call(ast.Name("total" | "total_over" as function), arguments):
            sign = " × " if function == "total" else " / "
            return _print_total([names[each.id] for each in arguments if isinstance(each, ast.Name)], sign, above)
        case ast.Call(ast.Name("gone"), [argument]):
            text = f"1 - exp(-{_print(argument, names, constants, 4)})"
            return f"({text})" if above > 1 else text
        case ast.Call(ast.Name(function), arguments):
            inside = ", ".join(_print(argument, names, constants) for argument in arguments)
            return f"{_FUNCTIONS[function]}({inside})"
        case ast.Name(name):
            text = names[name] if name in names else exact(constants[name])
            return f"({text})" if above == 4 and " " in text else text
        case ast.Constant(value):
            return exact(value)
    raise TypeError(f"a formula may not hold {ast.dump(node)}")


def _print_total(factors: list[Any], sign: str, above: int) -> str:
    """A sum over kinds: in symbols ``sum(n × a)``, in numbers each product."""
    if isinstance(factors[0], str):
        return f"sum({sign.join(factors)})"
    products = [sign.join(each) for each in zip(*factors, strict=True)]
    text = " + ".join(products)
    level = 1 if len(products) > 1 else 2 if sign in text else 3
    return f"({text})" if level < above else text
