"""Text to standard output or to a file: whole or not at all."""

import os
import stat
import sys

from infercost.errors import BadFile

#: What stands in where an output cannot show a character.
ASCII = str.maketrans(
    {
        "×": "x",
        "µ": "u",
        "█": "#",
        **dict.fromkeys("▏▎▍▌▋▊▉", "#"),
        "η": "eta",
        "α": "alpha",
        "β": "beta",
        "ρ": "rho",
        "π": "pi",
    }
    | dict.fromkeys("╭╮╰╯├┤┬┴┼╞╡╪", "+")
    | dict.fromkeys("─═", "-")
    | dict.fromkeys("│", "|")
)


def write_output(text: str) -> None:
    """Write to standard output, in ASCII where its encoding has no more.

    Raises:
        BadFile: it is closed, or full.
        BrokenPipeError: nobody reads it any more.
    """
    if sys.stdout is None:
        raise BadFile("standard output is closed", "open it, or write to a file with --output")
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = text.translate(ASCII).encode("ascii", "replace").decode()
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        reason = (error.strerror or str(error)).lower()
        raise BadFile(f"standard output: {reason}", "make room, or write to a file with --output") from error


def discard_output() -> None:
    """Point standard output at nothing, so that closing it at exit cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def write_file(path: str, content: str | bytes, flag: str = "--output") -> None:
    """Write a file whole, or leave what was there; ``flag`` asked for it.

    Raises:
        BadFile: the place cannot be written.
    """
    target = os.path.realpath(path)
    content = content.encode() if isinstance(content, str) else content
    try:
        if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
            with open(target, "wb") as device:
                device.write(content)
            return
        _replace(target, content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadFile(f"{flag} {path}: {reason}", "give a file in a folder that you may write") from error


def _replace(target: str, content: bytes) -> None:
    from tempfile import NamedTemporaryFile

    folder = os.path.dirname(target)
    with NamedTemporaryFile("wb", dir=folder, prefix=".infercost-", delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.chmod(file.name, _mode(target))
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


def _mode(target: str) -> int:
    """The mode of the file that is replaced, or what a new file gets."""
    if os.path.exists(target):
        return stat.S_IMODE(os.stat(target).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
