"""Number formats of weights: bytes per value, and the arithmetic rates that serve them."""

from typing import NamedTuple

from infercost.errors import BadValue, closest


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
#: Formats of GGUF files that llama.cpp alone has, by the bits of a weight in the type of most of their tensors.
GGUF = {
    "q2_k": 2.625, "q3_k_s": 3.4375, "q3_k_m": 3.4375, "q3_k_l": 3.4375, "q4_0": 4.5, "q4_1": 5.0, "q4_k_s": 4.5,
    "q4_k_m": 4.5, "q5_0": 5.5, "q5_1": 6.0, "q5_k_s": 5.5, "q5_k_m": 5.5, "q6_k": 6.5625, "q8_0": 8.5,
    "iq2_xxs": 2.0625, "iq2_xs": 2.3125, "iq2_s": 2.3125, "iq2_m": 2.5625, "iq3_xxs": 3.0625, "iq3_xs": 3.4375,
    "iq3_s": 3.4375, "iq3_m": 3.4375, "iq4_xs": 4.25, "iq4_nl": 4.5,
}  # fmt: skip
FORMATS |= {name: Format(name, bits / 8, _SIXTEEN) for name, bits in GGUF.items()}
_ALIASES = {
    "float32": "fp32", "f32": "fp32", "32bit": "fp32", "bfloat16": "bf16", "16bit": "bf16", "float16": "fp16",
    "half": "fp16", "f16": "fp16", "8": "8bit", "w8": "8bit", "e4m3": "fp8", "fp8e4m3": "fp8", "float8": "fp8",
    "w8a8": "8bit", "4": "4bit", "w4": "4bit", "nvfp4": "fp4", "w4a16": "int4",
}  # fmt: skip


def parse_format(text: str, name: str = "dtype") -> Format:
    """The storage format of a name, in any case and punctuation; BadValue for no such format."""
    plain = "".join(letter for letter in text.lower() if letter.isalnum())
    by_plain = {each.replace("_", ""): each for each in FORMATS}
    if (format := FORMATS.get(by_plain.get(_ALIASES.get(plain, plain), ""))) is None:
        names = [each for each in FORMATS if each not in GGUF]
        hint = f"{closest(text, list(FORMATS))}formats are {', '.join(names)}, and GGUF's as q4_k_m"
        raise BadValue(f"{name}: no format {text!r}", hint)
    return format


def parse_formats(text: str, name: str = "dtype") -> tuple[Format, ...]:
    """Several formats, separated by commas; BadValue for no such format."""
    return tuple(dict.fromkeys(parse_format(part, name) for part in text.split(",")))
