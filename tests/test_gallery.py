"""The pictures of the gallery are what its commands draw today, on any machine and with any matplotlib."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT, Run
from tools.gallery import PAGE, Picture, pictures

PICTURES = pictures()
NAMES = [Path(picture.path).stem for picture in PICTURES]
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"
TEXT = "{http://www.w3.org/2000/svg}text"


def same(one: Any, other: Any) -> bool:
    """Whether two documents agree, numbers but for the last bits, which differ between machines."""
    if isinstance(one, float) and isinstance(other, (int, float)):
        return one == pytest.approx(other, rel=1e-9)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def texts(path: Path) -> list[str]:
    return sorted("".join(element.itertext()) for element in ElementTree.parse(path).iter(TEXT))


def test_six_questions_each_have_a_command_a_picture_and_its_values() -> None:
    page = PAGE.read_text()
    assert len(PICTURES) == page.count("\n## ") == 6
    for picture in PICTURES:
        assert f"]({picture.path.removeprefix('docs/')})" in page
        assert f"[values]({picture.values.removeprefix('docs/')})" in page
    kept = {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    assert kept == {Path(path).name for picture in PICTURES for path in (picture.path, picture.values)}


@pytest.mark.parametrize("picture", PICTURES, ids=NAMES)
def test_the_values_are_those_of_today(picture: Picture, run: Run, tmp_path: Path, at_root: Path) -> None:
    drawn = tmp_path / "drawn.vl.json"
    assert run(*picture.words, "--plot", str(drawn)).code == 0
    kept = json.loads((at_root / picture.values).read_text())
    assert same(kept, json.loads(drawn.read_text())), "draw it again: python tools/gallery.py"


@pytest.mark.parametrize("picture", PICTURES, ids=NAMES)
def test_the_picture_is_of_those_values(picture: Picture, run: Run, tmp_path: Path, at_root: Path) -> None:
    drawn, kept = tmp_path / "drawn.svg", at_root / picture.path
    assert run(*picture.words, "--plot", str(drawn)).code == 0
    assert texts(kept) == texts(drawn)
    said = ElementTree.parse(kept).getroot().find(f".//{DESCRIPTION}")
    assert said is not None
    assert said.text == json.loads((at_root / picture.values).read_text())["description"]


def test_a_changed_value_is_noticed(at_root: Path) -> None:
    text = (at_root / PICTURES[0].values).read_text()
    changed = re.sub(r'"y": (\d)', lambda digit: f'"y": {9 - int(digit[1])}', text, count=1)
    assert not same(json.loads(text), json.loads(changed))
