"""The pictures of docs/gallery.md, drawn again by its own commands: python tools/gallery.py."""

import os
import re
import shlex
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gallery.md"


class Picture(NamedTuple):
    """A command of the gallery without its file, and that file."""

    words: tuple[str, ...]
    path: str

    @property
    def values(self) -> str:
        """The path of the picture's values."""
        return self.path.replace(".svg", ".vl.json")


def pictures() -> list[Picture]:
    """Every command of the page."""
    commands = re.findall(r"^infercost (.*) --plot (\S+\.svg)$", PAGE.read_text(), re.MULTILINE)
    return [Picture(tuple(shlex.split(words)), path) for words, path in commands]


def main() -> None:
    """Write each picture and its values."""
    sys.path.insert(0, str(ROOT))
    from infercost.cli.app import main as run

    (ROOT / "docs" / "pictures").mkdir(exist_ok=True)
    for picture in pictures():
        for path in (picture.path, picture.values):
            with redirect_stderr(StringIO()) as errors:
                code = run([*picture.words, "--plot", str(ROOT / path), "--output", os.devnull])
            if code:
                sys.exit(errors.getvalue())


if __name__ == "__main__":
    main()
