"""The house stands: a folder imports only from below, no module goes in circles, and functions fit on a screen."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: What each folder or module of the top level imports from; what those import from is within reach too.
ARROWS = {
    "errors": set(),
    "numeric": set(),
    "writing": {"errors"},
    "units": {"errors", "numeric"},
    "quantities": {"units"},
    "formulas": {"quantities", "numeric"},
    "parts": {"quantities"},
    "models": {"formulas", "parts"},
    "replica": {"models"},
    "fleet": {"replica"},
    "evidence": {"replica"},
    "report": {"quantities"},
    "scenario": {"fleet", "evidence", "report"},
    "analyses": {"scenario"},
    "render": {"report", "writing"},
    "api": {"analyses", "render"},
    "__init__": {"api"},
    "cli": {"__init__", "writing"},
    "__main__": {"cli"},
}
PACKAGE = ROOT / "infercost"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: A module longer than this holds more than one topic.
LONGEST = 600


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def reach(name: str) -> set[str]:
    """A folder and all that it may import from."""
    return {name}.union(*(reach(below) for below in ARROWS[name]))


def imported(path: Path) -> set[str]:
    """The dotted modules of the package that a file imports, whenever it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
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


def top(module: str) -> str:
    return [*module.split("."), "__init__"][1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_reaches_only_down(path: Path) -> None:
    above = {module for module in imported(path) if top(module) not in reach(place(path))}
    assert not above, f"{path.name} reaches up to {above}"


def test_every_module_has_its_place() -> None:
    assert {place(path) for path in MODULES} == set(ARROWS)


def test_nothing_goes_in_circles() -> None:
    below = {name: {module for module in imported(path) if module != name} for name, path in DOTTED.items()}
    order: list[str] = []
    while ready := [name for name, needs in below.items() if name not in order and needs <= set(order)]:
        order += ready
    assert not set(below) - set(order)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_holds_one_topic(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def functions() -> list[tuple[str, ast.FunctionDef]]:
    return [
        (f"{path.relative_to(PACKAGE)}:{node.name}", node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]


@pytest.mark.parametrize(("name", "node"), functions(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_function_fits_on_a_screen(name: str, node: ast.FunctionDef) -> None:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    lines = node.end_lineno - body[0].lineno + 1 if body and node.end_lineno else 0
    assert lines <= 30, f"{name} has a body of {lines} lines"
    count = len(node.args.args) + len(node.args.kwonlyargs)
    assert count <= 8 or name.startswith("cli/app.py:"), f"{name} takes {count} parameters"


def test_rich_is_imported_by_what_a_terminal_shows_only() -> None:
    users = {path.name for path in MODULES if "import rich" in path.read_text() or "from rich" in path.read_text()}
    assert users == {"table.py", "progress.py"}


@pytest.mark.parametrize("folder", ["formulas", "replica", "analyses", "render"])
def test_no_print_below_the_command_line(folder: str) -> None:
    for path in (PACKAGE / folder).glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls), path


def test_presets_hold_data_only() -> None:
    assert {path.suffix for path in (ROOT / "presets").rglob("*") if path.is_file()} == {".yaml", ".csv"}
