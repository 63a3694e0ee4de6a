"""YAML and JSON files in which every scalar is text, so that our own parsers decide what it means.

YAML's own typing makes 92 of ``1:32``, a string of ``1e12`` and false of ``no``. Aliases and repeated keys are
refused: the first can grow a small file without bound, the second loses what was written first.
"""

import sys
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import yaml

from infercost.errors import BadFile

#: A file of ours is a few kilobytes; a larger one is something else.
LARGEST_FILE = 1_000_000
#: Our files are three deep; the parser's own recursion must not meet a thousand.
DEEPEST = 20
_FRAME = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

Mapping = dict[str, Any]


def read_text(path: str, what: str, most: int = LARGEST_FILE) -> str:
    """A small text file, or standard input for ``-``.

    Raises:
        BadFile: missing, a directory, unreadable, larger than ``most`` bytes, or no UTF-8.
    """
    try:
        data = _read_bytes(path, most)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadFile(f"{what} {path}: {reason}", "give the path of a readable YAML or JSON file") from error
    if len(data) > most:
        raise BadFile(f"{what} {path}: larger than {most // 1000:,} kB", "give a YAML or JSON file of our form")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadFile(f"{what} {path}: is binary, not UTF-8 text", "give a YAML or JSON file") from error
    if "\0" in text:
        raise BadFile(f"{what} {path}: is binary, not UTF-8 text", "give a YAML or JSON file")
    return text


def _read_bytes(path: str, most: int) -> bytes:
    if path != "-":
        with open(path, "rb") as file:
            return file.read(most + 1)
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return sys.stdin.buffer.read(most + 1)


def parse_mapping(text: str, where: str) -> Mapping:
    """A mapping of text, lists and mappings.

    Raises:
        BadFile: broken YAML, an alias, a repeated key, deep nesting, or something that is no mapping.
    """
    try:
        events = (event for event in yaml.parse(text, Loader=_LOADER) if not isinstance(event, _FRAME))
        first = next(events, None)
        if first is None:
            raise BadFile(f"{where}: is empty", "write at least one 'key: value' line")
        value = _value(first, events, where, depth=0)
        if next(events, None) is not None:
            raise BadFile(f"{where}: holds more than one document", "keep one of them")
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise BadFile(f"{where}{line}: {problem}", "mend the YAML; quote a text that holds ': ' or '#'") from error
    if not isinstance(value, dict):
        raise BadFile(f"{where}: holds no mapping", "write 'key: value' lines")
    return value


def _value(event: Any, events: Iterator[Any], where: str, depth: int) -> Any:
    """The value that starts with an event; the rest of its events are used up."""
    at = f"{where}, line {event.start_mark.line + 1}"
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    if isinstance(event, yaml.AliasEvent):
        raise BadFile(f"{at}: uses a YAML alias", "write the value out")
    if depth == DEEPEST:
        raise BadFile(f"{at}: is nested more than {DEEPEST} deep", "give a YAML or JSON file of our form")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(item, events, where, depth + 1) for item in _until(yaml.SequenceEndEvent, events)]
    mapping: Mapping = {}
    for key in _until(yaml.MappingEndEvent, events):
        at = f"{where}, line {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarEvent):
            raise BadFile(f"{at}: a key that is no text", "write 'key: value' lines")
        if key.value in mapping:
            raise BadFile(f"{at}: the key {key.value!r} stands twice", "keep one of them")
        mapping[key.value] = _value(next(events), events, where, depth + 1)
    return mapping


def _until(end: type, events: Iterator[Any]) -> Iterator[Any]:
    return takewhile(lambda event: not isinstance(event, end), events)


def read_mapping(path: str, what: str) -> Mapping:
    """A YAML or JSON file as a mapping whose scalars are text.

    Raises:
        BadFile: see ``read_text`` and ``parse_mapping``.
    """
    where = f"{what} {'standard input' if path == '-' else path}"
    return parse_mapping(read_text(path, what), where)
