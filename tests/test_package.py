"""The wheel, which is built from the sdist, finds its presets from any folder."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

from tests.conftest import ROOT, bare_env

PRESETS = sorted(path.stem for path in (ROOT / "presets" / "accelerators").glob("*.yaml"))


def run(*args: str | Path, cwd: Path) -> str:
    said = subprocess.run(list(map(str, args)), capture_output=True, cwd=cwd, env=bare_env(PYTHONPATH=""), text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What can be installed: the sdist, and the wheel made from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (sdist,), (wheel,) = (list(folder.glob(kind)) for kind in ("*.tar.gz", "*.whl"))
    return {"wheel": str(wheel), "sdist": str(sdist)}


def test_an_install_answers_from_any_folder(built: dict[str, str], tmp_path: Path) -> None:
    """A fresh environment; the dependencies are lent by the one that runs the tests, itself an editable install."""
    place = tmp_path / "venv"
    venv.create(place, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = place / "bin" / "python"
    options = ["install", "--quiet", "--no-compile", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "--python", python, *options, built["wheel"], cwd=tmp_path)
    origin = run(python, "-c", "import infercost; print(infercost.__file__)", cwd=tmp_path).strip()
    assert Path(origin).is_relative_to(place)
    said = run(place / "bin" / "infercost", "utilization", "--gpu", "h100", "--params", "1.6e12", cwd=tmp_path)
    assert "0.339%" in said
    listed = run(place / "bin" / "infercost", "presets", "list", "accelerators", "--csv", cwd=tmp_path)
    assert sorted(line.split(",")[0] for line in listed.splitlines()[1:]) == PRESETS


def test_the_wheel_holds_no_tests_and_says_it_is_typed(built: dict[str, str]) -> None:
    from zipfile import ZipFile

    names = ZipFile(built["wheel"]).namelist()
    assert "infercost/py.typed" in names
    assert "infercost/presets/efficiency/ideal.yaml" in names
    assert {name.split(os.sep)[0].split("-")[0] for name in names} == {"infercost"}


def test_the_page_of_an_index_has_links_that_work_from_there(built: dict[str, str]) -> None:
    from zipfile import ZipFile

    with ZipFile(built["wheel"]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = wheel.read(name).decode()
        assert {entry.date_time for entry in wheel.infolist()} == {(2020, 2, 2, 0, 0, 0)}, "the same bytes every time"
    links = re.findall(r"\]\(([^)]+)\)", metadata)
    assert any(link.endswith("/docs/index.md") for link in links)
    assert any(link.startswith("https://raw.") and link.endswith("/docs/pictures/users.svg") for link in links)
    assert [link for link in links if not link.startswith("https://")] == []
    for name in ("Homepage", "Documentation", "Source", "Issues", "Changelog"):
        assert f"Project-URL: {name}, https://" in metadata


def test_the_sdist_says_how_to_work_on_it(built: dict[str, str]) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "tests/conftest.py", "docs/speed.md", ".ci/run"} <= names
