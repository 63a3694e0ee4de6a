"""Number formats of weights: bytes per value, and the arithmetic rates that serve them."""

from typing import NamedTuple

from infercost.errors import BadValue, closest
from infercost.parts.gguf import MIXES, OF_ALL, TYPES


class Format(NamedTuple):
    """A storage format; the first tuple of ``rates`` of which a part has one counts, the fastest in it."""

    name: str
    bytes_per_value: float
    rates: tuple[tuple[str, ...], ...]


_SIXTEEN = (("bf16", "fp16"), ("fp32",))
#: ``8bit`` is the note's word: whichever 8-bit arithmetic the part does fastest. Integers of four bits are
#: unpacked by every serving engine, so they compute at the 16-bit rate; fp4 does so where no fp4 unit is.
#: MXFP4 weights meet activations of 8 or 16 bits.
FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format("fp32", 4, (("fp32",),)),
        Format("bf16", 2, (("bf16",), *_SIXTEEN)),
        Format("fp16", 2, (("fp16",), *_SIXTEEN)),
        Format("8bit", 1, (("fp8", "int8"), *_SIXTEEN)),
        Format("fp8", 1, (("fp8",), *_SIXTEEN)),
        Format("int8", 1, (("int8",), *_SIXTEEN)),
        Format("fp6", 0.75, (("fp6",), ("fp8",), *_SIXTEEN)),
        Format("4bit", 0.5, (("fp4",), *_SIXTEEN)),
        Format("fp4", 0.5, (("fp4",), *_SIXTEEN)),
        Format("mxfp4", 0.5, (("fp8",), *_SIXTEEN)),
        Format("int4", 0.5, _SIXTEEN),
        Format("tf32", 4, (("tf32",), ("fp32",))),
    )
}


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


#: Formats of GGUF files that llama.cpp alone reads; a bare count takes the type of most tensors, a model its mix.
GGUF: dict[str, Format] = {
    name: Format(name, bits / 8, (("int8",), *_SIXTEEN) if bits > TYPES["q5_1"].bits else _SIXTEEN)
    for name, mix in MIXES.items()
    if name not in OF_ALL
    for bits in [TYPES[mix.base].bits]
}
#: Formats of weights.
WEIGHTS = FORMATS | GGUF
_ALIASES = {
    "float32": "fp32", "f32": "fp32", "32bit": "fp32", "bfloat16": "bf16", "16bit": "bf16", "float16": "fp16",
    "half": "fp16", "f16": "fp16", "8": "8bit", "w8": "8bit", "e4m3": "fp8", "fp8e4m3": "fp8", "float8": "fp8",
    "w8a8": "8bit", "4": "4bit", "w4": "4bit", "nvfp4": "fp4", "w4a16": "int4",
    "awq": "int4", "gptq": "int4", "q3k": "q3_k_m", "q4k": "q4_k_m", "q5k": "q5_k_m",
}  # fmt: skip


_PLAIN = {_plain(name): format for name, format in WEIGHTS.items()}


def parse_format(text: str, name: str = "dtype") -> Format:
    """The format of values in memory or on a link, in any case and punctuation; BadValue for no such format."""
    format = _find(text)
    if format is None or format.name not in FORMATS:
        names = list(FORMATS)
        raise BadValue(f"{name}: no format {text!r}", f"{closest(text, names)}formats are {', '.join(names)}")
    return format


def parse_weights(text: str, name: str = "dtype") -> Format:
    """The format of weights, those of GGUF files too, in any case and punctuation; BadValue for no such format."""
    if (format := _find(text)) is None:
        near = closest(text, list(WEIGHTS))
        files = "and those of GGUF files: q2_k to q6_k, q4_0 to q8_0, iq2_xxs to iq4_nl"
        raise BadValue(f"{name}: no format {text!r}", f"{near}formats are {', '.join(FORMATS)}, {files}")
    return format


def _find(text: str) -> Format | None:
    plain = _plain(text)
    return _PLAIN.get(_plain(_ALIASES.get(plain, plain)))


def parse_formats(text: str, name: str = "dtype") -> tuple[Format, ...]:
    """Several formats of weights, separated by commas; BadValue for no such format."""
    return tuple(dict.fromkeys(parse_weights(part, name) for part in text.split(",")))
