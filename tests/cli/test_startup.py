"""What a run loads: start-up stays at its floor because of what is not imported."""

import subprocess
import sys

import pytest
import typer

from tests.conftest import bare_env

HEAVY = ("rich", "numpy", "pydantic", "scipy", "pandas", "importlib.metadata")
TYPER_BEFORE_PYDANTIC = tuple(map(int, typer.__version__.split(".")[:2])) < (0, 29)


def loaded(*args: str) -> set[str]:
    """Modules that a run has loaded when it ends."""
    code = (
        "import sys\nfrom infercost.cli.app import main\n"
        f"main({list(args)!r})\nsys.stderr.write('\\n'.join(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, env=bare_env())
    assert said.returncode == 0, said.stderr
    return set(said.stderr.decode().split("\n"))


def floor() -> set[str]:
    """Modules that Typer and YAML load themselves."""
    code = "import sys, typer, yaml\nprint('\\n'.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, env=bare_env()).stdout.decode().split()
    )


@pytest.mark.parametrize("form", ["json", "plain", "csv", "markdown"])
def test_no_heavy_module_on_the_way_to_text(form: str) -> None:
    heavy = set(HEAVY) if TYPER_BEFORE_PYDANTIC else set(HEAVY) - {"pydantic", "importlib.metadata"}
    modules = loaded("utilization", "--gpu", "h100", "--params", "1.6e12", "--format", form)
    assert not modules & heavy
    assert not {"infercost.models.families", "infercost.models.find"} & modules, "a bare count reads no model"


def test_an_answer_in_numbers_loads_neither_pictures_nor_the_work_behind_it() -> None:
    modules = loaded("utilization", "--gpu", "h100", "--params", "1.6e12", "--json")
    assert not {"infercost.picture", "infercost.formulas.recorder", "ast", "dataclasses"} & modules - floor()


def test_a_table_loads_rich_and_no_numpy() -> None:
    modules = loaded("utilization", "--gpu", "h100", "--params", "1.6e12", "--format", "table")
    assert "rich.table" in modules
    assert "numpy" not in modules


def test_a_served_model_needs_no_numpy() -> None:
    asked = ("--gpu", "h100:8", "--model", "deepseek-v3", "--request-rate", "4", "--isl", "2048", "--osl", "256")
    assert "numpy" not in loaded("utilization", *asked, "--json")


def test_a_frontier_needs_no_numpy() -> None:
    asked = ("--model", "gpt-oss-120b", "--gpu", "h100", "--max-gpus", "8", "--max-tpot", "20ms", "--users", "10k")
    assert "numpy" not in loaded("frontier", *asked, "--json")
    assert "numpy" not in loaded("frontier", "--model", "llama-3.1-8b", *asked[2:6], "--efficiency", "erdil-2025")


def test_only_the_analysis_that_was_asked_for_is_loaded() -> None:
    modules = loaded("userbase", "--concurrent", "1000", "--json")
    analyses = {name for name in modules if name.startswith("infercost.analyses.")}
    assert not analyses & {f"infercost.analyses.{name}" for name in ("fit", "utilization", "economies", "frontier")}


def test_help_loads_no_analysis_and_reads_no_preset() -> None:
    modules = loaded("--help")
    assert not any(
        name.startswith(("infercost.analyses", "infercost.formulas", "infercost.parts.catalog")) for name in modules
    )
    assert "yaml" not in modules


def test_the_package_imports_neither_typer_nor_rich_nor_numpy() -> None:
    code = "import sys, infercost\nprint('\\n'.join(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, env=bare_env())
    assert not {"typer", "rich", "numpy"} & set(said.stdout.decode().split())


def test_one_accelerator_and_one_profile_are_read() -> None:
    code = (
        "import yaml\nparse, read = yaml.compose_all, []\n"
        "yaml.compose_all = lambda text, **more: (read.append(text), parse(text, **more))[1]\n"
        "from infercost.cli.app import main\n"
        "main(['utilization', '--gpu', 'h100', '--params', '1.6e12', '--json'])\n"
        "assert len(read) == 2, len(read)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, env=bare_env())
    assert said.returncode == 0, said.stderr
