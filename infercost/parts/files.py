"""YAML and JSON files in which every scalar is text, so that our own parsers decide what it means; each read once.

YAML's own typing makes 92 of ``1:32``, a string of ``1e12`` and false of ``no``. Aliases and repeated keys are
refused: the first can grow a small file without bound, the second loses what was written first. A question, and a
sweep of a thousand points, is answered from one reading; what infercost ships is read once in a process.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Concatenate, ParamSpec, TypeVar

from infercost.errors import BadFile, reason

if TYPE_CHECKING:
    import yaml

#: Bytes: our files are a few kilobytes, and three deep; larger or deeper ones are something else.
LARGEST_FILE = 1_000_000
DEEPEST = 20
#: Bytes that tell a text from something else.
START = 4096
Mapping = dict[str, Any]


def read_text(path: str, what: str, most: int = LARGEST_FILE) -> str:
    """A small text file, or standard input for ``-``; BadFile if unreadable, over ``most`` bytes, or no UTF-8."""
    try:
        data = _read_bytes(path, most)
    except (OSError, ValueError) as error:  # a path may hold a NUL
        raise BadFile(f"{what} {path}: {reason(error)}", "give the path of a readable YAML or JSON file") from error
    if len(data) > most:
        raise BadFile(f"{what} {path}: larger than {most // 1000:,} kB", "give a YAML or JSON file of our form")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadFile(f"{what} {path}: is binary, not UTF-8 text", "give a YAML or JSON file")
    return text


def _read_bytes(path: str, most: int) -> bytes:
    if path != "-":
        with open(path, "rb") as file:
            return _read_text_bytes(file, most)
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return _read_text_bytes(sys.stdin.buffer, most)


def _read_text_bytes(file: BinaryIO, most: int) -> bytes:
    """The bytes of a file, one more than ``most`` of a larger one; of what begins as no text its start."""
    start = file.read(START)
    return start if b"\0" in start else start + file.read(max(most + 1 - len(start), 0))


def read_mapping(path: str, what: str) -> Mapping:
    """A YAML or JSON file as a mapping of text, lists and mappings; BadFile for anything else."""
    value, where = _read(path, what, "")
    if not isinstance(value, dict):
        raise BadFile(f"{where}: holds no mapping", "write 'key: value' lines")
    return value


def read_mappings(path: str, what: str) -> list[Mapping]:
    """The same of a file that may be a list of mappings; of one mapping a list of it."""
    value, where = _read(path, what, ", or write one list: '- key: value' starts each question")
    each = value if isinstance(value, list) else [value]
    if not (each and all(isinstance(one, dict) for one in each)):
        raise BadFile(f"{where}: holds no mapping", "write 'key: value' lines, or a list of such mappings")
    return each


def _read(path: str, what: str, several: str) -> tuple[Any, str]:
    """What a file holds, and its name in errors; ``several`` says what to do with more than one document."""
    where, text = f"{what} {'standard input' if path == '-' else path}", read_text(path, what)
    import yaml  # help reads no file

    try:
        documents = list(yaml.compose_all(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise BadFile(f"{where}{line}: {problem}", "mend the YAML; quote a text that holds ': ' or '#'") from error
    if not documents:
        raise BadFile(f"{where}: is empty", "write at least one 'key: value' line")
    if len(documents) > 1:
        raise BadFile(f"{where}: holds more than one document", f"keep one of them{several}")
    return _value(documents[0], where, set()), where


def _value(node: "yaml.Node", where: str, seen: "set[yaml.Node]", depth: int = 0) -> Any:
    """The text, list or mapping of a node; an alias is a node that was ``seen`` before."""
    import yaml

    if node in seen:
        raise _bad(node, where, "has a YAML alias", "write the value out")
    if depth > DEEPEST:
        raise _bad(node, where, f"is nested more than {DEEPEST} deep", "give a YAML or JSON file of our form")
    seen.add(node)
    if isinstance(node, yaml.ScalarNode):
        if "\0" in node.value:
            raise _bad(node, where, "holds a NUL", "leave it out")
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, where, seen, depth + 1) for item in node.value]
    mapping: Mapping = {}
    for key, item in node.value:
        name = _value(key, where, seen, depth + 1)
        if not isinstance(name, str):
            raise _bad(key, where, "a key that is no text", "write 'key: value' lines")
        if name in mapping:
            raise _bad(key, where, f"the key {name!r} stands twice", "keep one of them")
        mapping[name] = _value(item, where, seen, depth + 1)
    return mapping


def _bad(node: "yaml.Node", where: str, what: str, hint: str) -> BadFile:
    return BadFile(f"{where}, line {node.start_mark.line + 1}: {what}", hint)


P = ParamSpec("P")
R = TypeVar("R")

_cache: ContextVar[dict[Any, list[Any]] | None] = ContextVar("cache", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Cache inside the outermost block only: a file may change between two questions."""
    token = _cache.set({} if (outer := _cache.get()) is None else outer)
    try:
        yield
    finally:
        _cache.reset(token)


def once(work: Callable[P, R], most: int = 1000) -> Callable[P, R]:
    """Cache the last ``most`` results, none of which may be changed, by equal arguments: few of ours have a hash."""

    @wraps(work)
    def run(*args: P.args, **more: P.kwargs) -> R:
        if (cache := _cache.get()) is None:
            return work(*args, **more)
        entries: list[tuple[Any, R]] = cache.setdefault(work, [])
        for arguments, result in entries:
            if arguments == (args, more):
                return result
        entries.append(((args, more), work(*args, **more)))
        del entries[:-most]
        return entries[-1][1]

    return run


def lately(work: Callable[P, R]) -> Callable[P, R]:
    """Cache a few results of work on whole replicas, which are slow to compare: those of the layouts of one part."""
    return once(work, most=12)


@cache
def shipped() -> Path:
    """The presets folder: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    return next((p for p in (package / "presets", package.parent / "presets") if p.is_dir()), package / "presets")


@cache
def _start_of_shipped() -> str:
    return os.path.join(shipped(), "")


def read_once(read: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """Cache what is read of a shipped file, which may not be changed, by its path and the other arguments."""
    cached: Any = cache(read)

    @wraps(read)
    def run(path: str, /, *args: P.args, **more: P.kwargs) -> R:
        chosen = cached if path.startswith(_start_of_shipped()) else read
        return chosen(path, *args, **more)

    return run
