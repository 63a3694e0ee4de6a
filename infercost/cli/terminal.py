"""Where standard output goes: a terminal or a pipe, its colours, its width."""

import os
import sys


def is_terminal() -> bool:
    """Whether somebody looks at standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def colour_is_forced() -> bool:
    """Whether the environment asks for colour wherever the output goes."""
    return os.environ.get("FORCE_COLOR", "") not in ("", "0") and not os.environ.get("NO_COLOR")


def is_coloured() -> bool:
    """Whether the output is to be coloured."""
    return (is_terminal() or colour_is_forced()) and not os.environ.get("NO_COLOR")


def width() -> int:
    """Columns of the terminal or of ``COLUMNS``, 80 in a pipe; below 60 no table can be read."""
    from shutil import get_terminal_size

    return max(get_terminal_size((80, 24)).columns, 60)
