"""The house stands: a folder imports only from below, no module goes in circles, and functions fit on a screen."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: What each folder or module of the top level imports from; what those import from is within reach too.
ARROWS = {
    "errors": set(),
    "numeric": set(),
    "units": {"errors", "numeric"},
    "quantities": {"units"},
    "formulas": {"quantities", "numeric"},
    "parts": {"quantities"},
    "models": {"formulas", "parts"},
    "replica": {"models"},
    "fleet": {"replica"},
    "evidence": {"replica"},
    "picture": {"units"},
    "report": {"formulas", "picture"},
    "scenario": {"fleet", "evidence", "report"},
    "analyses": {"scenario"},
    "render": {"report"},
    "api": {"analyses", "render"},
    "__init__": {"api"},
    "cli": {"__init__"},
    "__main__": {"cli"},
}
PACKAGE = ROOT / "infercost"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: A module longer than this holds more than one topic.
LONGEST = 1000


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def reach(name: str) -> set[str]:
    """A folder and all that it may import from."""
    return {name}.union(*(reach(below) for below in ARROWS[name]))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> set[str]:
    """The dotted modules of the package that a file imports, whenever it does."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "infercost":
            inside = [f"{node.module}.{name.name}" for name in node.names]
            found |= {name if name in DOTTED else node.module for name in inside}
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("infercost.")}
    return found


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


DOTTED = {dotted(path): path for path in MODULES}


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports of the package."""
    return {name: imported(path) for name, path in DOTTED.items()}


def top(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def test_a_module_reaches_only_down() -> None:
    below = {name: reach(name) for name in ARROWS}
    above = [(name, need) for name, needs in imports().items() for need in needs if top(need) not in below[top(name)]]
    assert [f"{name} reaches up to {need}" for name, need in above] == []


def test_every_module_has_its_place() -> None:
    assert {place(path) for path in MODULES} == set(ARROWS)


def test_nothing_goes_in_circles() -> None:
    order: set[str] = set()
    while ready := {name for name, needs in imports().items() if needs - {name} <= order} - order:
        order |= ready
    assert not set(imports()) - order


def test_a_module_holds_one_topic() -> None:
    lines = [(path, len(path.read_text().splitlines())) for path in MODULES if path.name != "quantities.py"]  # a table
    assert [f"{path.relative_to(PACKAGE)}: {count} lines" for path, count in lines if count > LONGEST] == []


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(PACKAGE)}:{node.name}", node


def length(node: ast.FunctionDef) -> int:
    """Lines of a body, its docstring left out."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return node.end_lineno - body[0].lineno + 1 if body and node.end_lineno else 0


def is_formula(node: ast.FunctionDef) -> bool:
    """Whether a function is an expression with a source, whose parameters are its symbols."""
    return any(isinstance(mark, ast.Call) and ast.unparse(mark.func) == "formula" for mark in node.decorator_list)


def test_a_function_fits_on_a_screen() -> None:
    assert [f"{name}: {length(node)} lines" for name, node in functions() if length(node) > 30] == []


def test_a_function_takes_at_most_eight_parameters() -> None:
    takes = [
        (name, len(node.args.args) + len(node.args.kwonlyargs)) for name, node in functions() if not is_formula(node)
    ]
    long = [f"{name}: {count} parameters" for name, count in takes if count > 8]
    assert [each for each in long if not each.startswith("cli/app.py:")] == [], "a command lists its options"


def test_rich_is_imported_by_what_a_terminal_shows_only() -> None:
    users = {path.name for path in MODULES if "import rich" in path.read_text() or "from rich" in path.read_text()}
    assert users == {"table.py", "run.py"}


@pytest.mark.parametrize("folder", ["formulas", "replica", "analyses", "render"])
def test_no_print_below_the_command_line(folder: str) -> None:
    for path in (PACKAGE / folder).glob("*.py"):
        calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
        assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls), path


def test_presets_hold_data_only() -> None:
    assert {path.suffix for path in (ROOT / "presets").rglob("*") if path.is_file()} == {".yaml", ".csv"}
