"""The house stands: a module imports only from its own floor or a lower one, and no part of it is too large."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: Lowest first; a folder stands for all its modules.
FLOORS = [
    {"errors", "numeric", "units", "ranges", "glossary", "glossary_2025", "keys", "pieces", "writing"},
    {"derivation", "expression"},
    {"preset", "model", "measured", "formats", "hardware", "efficiency", "traffic", "catalog", "readers"},
    {"engine"},
    {"families", "counting", "sharding", "plan", "models", "timing", "law_2025"},
    {"report", "chart", "option", "options", "commands", "question"}
    | {"case", "served", "stepping", "sweeping", "measurements", "service"},
    {"analyses"},
    {"render"},
    {"api", "__init__"},
    {"cli", "__main__"},
]
PACKAGE = ROOT / "infercost"
MODULES = sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if name in names)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("infercost"):
            rest = node.module.removeprefix("infercost").lstrip(".")
            found |= {rest.split(".")[0]} if rest else {name.name for name in node.names}
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("infercost.")}
    return {"__init__" if name == "__version__" else name for name in found}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_reaches_only_down(path: Path) -> None:
    own = floor(place(path))
    above = {name for name in imported(path) if floor(name) > own}
    assert not above, f"{path.name} reaches up to {above}"


def test_every_module_has_its_floor() -> None:
    known = set().union(*FLOORS)
    assert {place(path) for path in MODULES} == known


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250


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
    assert count <= 8, f"{name} takes {count} parameters"


def test_rich_is_imported_by_what_a_terminal_shows_only() -> None:
    users = {path.name for path in MODULES if "import rich" in path.read_text() or "from rich" in path.read_text()}
    assert users == {"table_form.py", "progress.py"}


@pytest.mark.parametrize("folder", ["engine", "analyses", "render"])
def test_no_print_below_the_command_line(folder: str) -> None:
    for path in (PACKAGE / folder).glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls), path


def test_presets_hold_data_only() -> None:
    assert {path.suffix for path in (ROOT / "presets").rglob("*") if path.is_file()} == {".yaml", ".csv"}
