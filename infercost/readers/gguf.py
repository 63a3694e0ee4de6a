"""The header of a GGUF file: its keys, and each tensor's shape and type; the weights are never read.

A reader of our own, because the ``gguf`` package brings NumPy, requests and tqdm for what is a page of code.
"""

import struct
from math import prod
from typing import Any, BinaryIO, NamedTuple

from infercost.errors import BadFile

#: Bits per weight of each tensor type, block scales included (ggml's block sizes).
TYPE_BITS = {
    0: 32.0, 1: 16.0, 2: 4.5, 3: 5.0, 6: 5.5, 7: 6.0, 8: 8.5, 9: 10.0, 10: 2.625, 11: 3.4375, 12: 4.5, 13: 5.5,
    14: 6.5625, 15: 9.125, 16: 2.0625, 17: 2.3125, 18: 3.0625, 19: 1.5625, 20: 4.5, 21: 3.4375, 22: 2.5625, 23: 4.25,
    24: 8.0, 25: 16.0, 26: 32.0, 27: 64.0, 28: 64.0, 29: 1.75, 30: 16.0, 34: 1.6875, 35: 2.0625, 39: 4.25, 40: 4.5,
    41: 1.125,
}  # fmt: skip
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
#: Counts beyond these are no header.
_MOST_KEYS, _MOST_TENSORS, _LONGEST = 100_000, 1_000_000, 100_000_000


class Tensor(NamedTuple):
    """One tensor of the file: its name, how many weights it holds, and the bits of one."""

    name: str
    shape: tuple[int, ...]
    bits: float

    @property
    def weights(self) -> int:
        """Weights that it holds."""
        return prod(self.shape)


class Header(NamedTuple):
    """What a GGUF file says of its model; long arrays are given by their length."""

    keys: dict[str, Any]
    tensors: tuple[Tensor, ...]


def read_header(path: str) -> Header:
    """The header of a GGUF file.

    Raises:
        BadFile: unreadable, no GGUF, cut short, or of a tensor type that is not known.
    """
    try:
        with open(path, "rb") as file:
            return _header(file, path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadFile(f"model {path}: {reason}", "give a readable GGUF file") from error
    except (struct.error, UnicodeDecodeError, MemoryError, OverflowError) as error:
        raise BadFile(f"model {path}: its header is cut short or broken", "download it again") from error


def _header(file: BinaryIO, path: str) -> Header:
    if file.read(4) != b"GGUF":
        raise BadFile(f"model {path}: is no GGUF file", "give a .gguf file")
    _, tensors, keys = struct.unpack("<IQQ", file.read(20))
    if keys > _MOST_KEYS or tensors > _MOST_TENSORS:
        raise BadFile(f"model {path}: its header is broken", "download it again")
    found = {}
    for _ in range(keys):
        name = _text(file)
        found[name] = _value(file, _number(file, "I"))
    return Header(found, tuple(_tensor(file, path) for _ in range(tensors)))


def _number(file: BinaryIO, form: str) -> Any:
    size = struct.calcsize(f"<{form}")
    return struct.unpack(f"<{form}", file.read(size))[0]


def _text(file: BinaryIO) -> str:
    length = _number(file, "Q")
    if length > _LONGEST:
        raise OverflowError
    return file.read(length).decode()


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind != _ARRAY:
        return _number(file, _SCALARS.get(kind, ""))
    item, length = _number(file, "I"), _number(file, "Q")
    if item == _TEXT:  # a vocabulary: its length is all that counts
        for _ in range(length):
            file.seek(_number(file, "Q"), 1)
        return length
    size = struct.calcsize(f"<{_SCALARS[item]}")
    if length > 4096:
        file.seek(size * length, 1)
        return length
    return [_number(file, _SCALARS[item]) for _ in range(length)]


def _tensor(file: BinaryIO, path: str) -> Tensor:
    name = _text(file)
    shape = tuple(_number(file, "Q") for _ in range(_number(file, "I")))
    kind = _number(file, "I")
    _number(file, "Q")
    if kind not in TYPE_BITS:
        raise BadFile(f"model {path}: tensor {name} is of type {kind}, which is not known", "update infercost")
    return Tensor(name, shape, TYPE_BITS[kind])
