"""Number formats of weights: bytes per value, and the arithmetic rates that serve them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from infercost.errors import BadValue, closest, nearest
from infercost.parts.gguf import MIXES, OF_ALL, TYPES


class Format(NamedTuple):
    """A storage format; the first tuple of ``rates`` of which a part has one counts, the fastest in it.

    ``bytes_per_value`` are those of a value as it travels and as a bare count has it, ``linear_bits`` those of a weight
    in the linear layers of a checkpoint, with the scales of its blocks, where they differ.
    """

    name: str
    bytes_per_value: float
    rates: tuple[tuple[str, ...], ...]
    linear_bits: float = 0

    @property
    def stored_bits(self) -> float:
        """Bits of a weight of a linear layer, scales included."""
        return self.linear_bits or 8 * self.bytes_per_value


_SIXTEEN = (("bf16", "fp16"), ("fp32",))
_FOUR = (("fp4",), *_SIXTEEN)
#: An 8-bit scale for 16 values (OCP's and NVIDIA's block formats have 32 and 16); AWQ and GPTQ store a 16-bit scale and
#: a 4-bit zero point for 128, bitsandbytes a 32-bit scale for 64.
NVFP4, MXFP4, GROUPED, NF4 = 4 + 8 / 16, 4 + 8 / 32, 4 + (16 + 4) / 128, 4 + 32 / 64
#: ``8bit`` is the note's word: whichever 8-bit arithmetic the part does fastest. Integers of four bits are
#: unpacked by every serving engine, so they compute at the 16-bit rate; fp4 does so where no fp4 unit is.
#: MXFP4 weights meet activations of 8 or 16 bits. Arithmetic of four bits is of values alone: ``fp4`` as the weights of
#: a model is NVFP4, ``int4`` and ``4bit`` are groups of 128.
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
        Format("4bit", 0.5, _FOUR, GROUPED),
        Format("fp4", 0.5, _FOUR, NVFP4),
        Format("nvfp4", NVFP4 / 8, _FOUR),
        Format("mxfp4", MXFP4 / 8, (("fp8",), *_SIXTEEN)),
        Format("int4", 0.5, _SIXTEEN, GROUPED),
        Format("awq", GROUPED / 8, _SIXTEEN),
        Format("gptq", GROUPED / 8, _SIXTEEN),
        Format("nf4", NF4 / 8, _SIXTEEN),
        Format("tf32", 4, (("tf32",), ("fp32",))),
    )
}


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


#: Formats of GGUF files that llama.cpp alone reads; a bare count takes the type of most tensors, a model its mix. What
#: has few bits is multiplied in 8 where a part has no rate of 16.
GGUF: dict[str, Format] = {
    name: Format(name, bits / 8, (("int8",), *_SIXTEEN) if bits > TYPES["q5_1"].bits else (*_SIXTEEN, ("int8",)))
    for name, mix in MIXES.items()
    if name not in OF_ALL
    for bits in [TYPES[mix.base].bits]
}
#: More formats of weights: OCP's blocks of 32 with a scale of 8 bits, GPTQ's of 8 bits, and those of MLX, groups of 64
#: with a scale and a bias of 16 bits, in which it stores the tables as well.
MLX = {f"mlx-{bits}bit": Format(f"mlx-{bits}bit", (bits + 32 / 64) / 8, _SIXTEEN) for bits in (3, 4, 5, 6, 8)}
MORE: dict[str, Format] = MLX | {
    "mxfp8": Format("mxfp8", (8 + 8 / 32) / 8, (("fp8",), *_SIXTEEN)),
    "mxfp6": Format("mxfp6", (6 + 8 / 32) / 8, (("fp6",), ("fp8",), *_SIXTEEN)),
    "gptq-int8": Format("gptq-int8", (8 + (16 + 8) / 128) / 8, _SIXTEEN),
}
#: Formats of weights, and of caches: llama.cpp keeps those in blocks of 32 values too.
WEIGHTS = FORMATS | MORE | GGUF
CACHE_TYPES = ("q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
#: What llama.cpp has keys or values in besides.
WIDE = ("fp32", "bf16", "fp16")
CACHES = {name: FORMATS[name] for name in ("fp32", "bf16", "fp16", "8bit", "fp8", "int8", "4bit", "fp4", "int4")}
CACHES |= {name: WEIGHTS[name] for name in ("nvfp4", "mxfp4", "mxfp8")} | {
    name: Format(name, TYPES[name].bits / 8, _SIXTEEN) for name in CACHE_TYPES
}


class Packed(NamedTuple):
    """A cache that packs the key and the value of a head: bits of an element of each, bytes beside both of them.

    ``wide_ends`` says that the first and the last two layers stay in 16 bits, in models that keep no states.
    """

    keys: int
    values: int
    beside: int
    wide_ends: bool = True


#: vLLM 0.33: quantization/turboquant/config.py (norms, scales and zero points of 16 bits), TritonAttentionBackend (a
#: scale of 32 bits a key and a value).
PACKED = {
    "turboquant_k8v4": Packed(8, 4, 4),
    "turboquant_4bit_nc": Packed(4, 4, 6),
    "turboquant_k3v4_nc": Packed(3, 4, 6),
    "turboquant_3bit_nc": Packed(3, 3, 6),
    "int8_per_token_head": Packed(8, 8, 8, wide_ends=False),
    "fp8_per_token_head": Packed(8, 8, 8, wide_ends=False),
    "int4_per_token_head": Packed(4, 4, 8, wide_ends=False),
}
#: Of heads of 128, where no model says otherwise.
CACHES |= {
    name: Format(name, ((each.keys + each.values) / 2 + each.beside * 8 / 256) / 8, _SIXTEEN)
    for name, each in PACKED.items()
}
_ALIASES = {
    "float32": "fp32", "f32": "fp32", "32bit": "fp32", "bfloat16": "bf16", "16bit": "bf16", "float16": "fp16",
    "half": "fp16", "f16": "fp16", "8": "8bit", "w8": "8bit", "e4m3": "fp8", "fp8e4m3": "fp8", "float8": "fp8",
    "fp8e5m2": "fp8", "e5m2": "fp8", "fp8dsmla": "fp8", "w8a8": "8bit", "w8a16": "int8", "4": "4bit", "w4": "4bit",
    "w4a16": "int4", "uint4": "int4", "bnb4bit": "nf4", "bnb": "nf4", "bitsandbytes": "nf4",
    "awqint4": "awq", "awq4bit": "awq", "gptqint4": "gptq", "gptq4bit": "gptq",
    **dict.fromkeys(("fp8dynamic", "fp8static", "fp8block", "fp8pertensor", "fbgemmfp8", "fp8w8a8", "w8a8fp8"), "fp8"),
    **dict.fromkeys(("fp8inc", "fp8perblock", "fp8perchannel"), "fp8"),
    **dict.fromkeys(("bnb8bit", "bnbint8", "llmint8", "int8w8a8", "w8a8int8"), "int8"),
    **dict.fromkeys(("awqmarlin", "int4awq", "autoawq"), "awq"), **dict.fromkeys(("gptqmarlin", "int4gptq"), "gptq"),
    "w4a8": "int4", "gptq8bit": "gptq-int8", "nvfp4a16": "nvfp4", "nvfp4dsmla": "nvfp4", "mxfp4moe": "mxfp4",
    **dict.fromkeys(("eetq", "int8wo", "int8weightonly", "smoothquant", "bitsandbytes8bit"), "int8"),
    "int8perchannelweightonly": "int8",
    **dict.fromkeys(("int4wo", "int4weightonly", "w4a8int8"), "int4"),
    **dict.fromkeys(("fp8e4m3fn", "fp8e4m3fnuz", "float8e4m3fn", "fp8kv", "ptpcfp8", "deepseekv4fp8"), "fp8"),
    **dict.fromkeys(("fp4e2m1", "nvfp4awq", "nvfp4w4a16", "nvfp4w4a4", "modeloptfp4", "nvfp4pertoken"), "nvfp4"),
    **dict.fromkeys(("mxfp4a16", "mxfp4a8", "mxfp4w4a16", "quarkmxfp4", "gptossmxfp4"), "mxfp4"),
    **dict.fromkeys(("bnbnf4", "bitsandbytes4bit"), "nf4"), "modeloptmxfp8": "mxfp8", "nvfp44over6": "nvfp4",
    "q3k": "q3_k_m", "q4k": "q4_k_m", "q5k": "q5_k_m", "q4": "q4_k_m", "q8": "q8_0",
}  # fmt: skip


_PLAIN = {_plain(name): format for name, format in WEIGHTS.items()}


def parse_format(text: str, name: str = "dtype") -> Format:
    """The format of values on a link, in any case and punctuation; BadValue for no such format."""
    return _among(text, name, FORMATS)


def parse_cache(text: str, name: str = "kv_dtype") -> Format:
    """The format of a KV cache, in any case and punctuation, or llama.cpp's two of keys and values: ``q8_0/q4_0``.

    Raises:
        BadValue: no such format, or two where no engine has them apart.
    """
    keys, slash, values = text.partition("/")
    if not slash:
        named = {_plain(cache): cache for cache in PACKED} | {"q4": "q4_0"}
        return _among(named.get(_plain(text), text), name, CACHES)
    kinds = parse_cache(keys, name), parse_cache(values, name)
    if kinds[0] == kinds[1]:
        return kinds[0]
    if not all(kind.name in (*CACHE_TYPES, *WIDE) for kind in kinds):
        types = ", ".join((*CACHE_TYPES, *WIDE))
        raise BadValue(f"{name}: no engine has keys and values as {text!r}", f"llama.cpp has each in one of {types}")
    mean = sum(kind.bytes_per_value for kind in kinds) / len(kinds)
    return Format("/".join(kind.name for kind in kinds), mean, _SIXTEEN)


def keys_of(cache: Format) -> Format:
    """The format of the keys alone."""
    return CACHES[cache.name.partition("/")[0]]


def is_of_llama_cpp(cache: Format) -> bool:
    """Whether llama.cpp alone has a cache of a format."""
    return "/" in cache.name or cache.name in CACHE_TYPES


def _among(text: str, name: str, formats: Mapping[str, Format]) -> Format:
    if text in formats:
        return formats[text]
    if (format := find_format(text)) is None or format.name not in formats:
        raise BadValue(f"{name}: no format {text!r}", f"{closest(text, list(formats))}formats are {', '.join(formats)}")
    return formats[format.name]


def parse_weights(text: str, name: str = "dtype") -> Format:
    """The format of weights, those of GGUF files too, in any case and punctuation; BadValue for no such format."""
    if (format := find_format(text)) is not None:
        return format
    usual = "bf16, fp8, int8, int4 (awq, gptq, w4a16), nvfp4, mxfp4, nf4, of GGUF files q4_k_m, q8_0 and others"
    hint = f"{closest(text, list(WEIGHTS))}formats are {usual}; like it are {nearest(text, list(WEIGHTS), 3)}"
    if near := near_dynamic(text):
        what = f"{name}: the types of {text} are chosen tensor by tensor for each model"
        raise BadValue(what, f"give the file (--model FILE.gguf), or ask for the plain format near it: {near}")
    if _plain(text) in OWN_BITS:
        what = f"{name}: {text} has bits of its own in each checkpoint"
        raise BadValue(what, "leave --dtype out and give its config.json, or the bits and group: int4-g32, int3, fp8")
    raise BadValue(f"{name}: no format {text!r}", hint)


#: Unsloth's dynamic files: UD-Q4_K_XL, UD-IQ2_M.
_DYNAMIC = re.compile(r"(?:ud)?(i?q\d(?:k|xxs|xs|s|m)?)xl|ud(i?q\d[a-z]*)")


def near_dynamic(text: str) -> str:
    """The plain format that a dynamic one is called after, ``q4_k_m`` of ``UD-Q4_K_XL``; empty for no dynamic one."""
    if (mix := _DYNAMIC.fullmatch(_plain(text))) is None:
        return ""
    stems = [f"{stem}{end}" for stem in (mix[1] or mix[2], (mix[1] or "")[:-1]) for end in ("m", "", "0")]
    return next((mixed for stem in stems for mixed in MIXES if _plain(mixed) == stem), "q4_k_m")


#: Methods whose bits a checkpoint says, and no name does.
OWN_BITS = ("aqlm", "vptq", "spqr", "higgs", "quip", "exl2", "exl3", "torchao", "quark", "modelopt", "inc", "quanto",
            "compressedtensors", "sinq", "gguf", "online", "humming", "expertsint8", "w4afp8", "bitnet")  # fmt: skip
#: Integers in groups that share a scale: int3, awq-g64, gptq-4bit-32g, w4a16-g32, hqq.
_IN_GROUPS = re.compile(
    r"(awq|gptq|autoround|hqq|rtn|uint|int|w)?(?:int)?([2-8])?(?:bits?|b)?(?:a16)?(?:g(\d+)|(\d+)g)?"
)
_NO_GROUP, _GROUPS = {"hqq": 64}, range(8, 4097)


def _in_groups(plain: str) -> Format | None:
    """The format that a name of bits and a group means: a 16-bit scale and a zero point for so many values.

    HQQ's zero point has 16 bits too, and its class a group of 64; others have one of 128.
    """
    found = _IN_GROUPS.fullmatch(plain)
    if found is None or plain.isdigit() or not (found[1] or found[2]):
        return None
    if found[1] in ("w", "int", "uint") and not found[2]:
        return None
    method, bits, group = found[1] or "", int(found[2] or 4), int(found[3] or found[4] or _NO_GROUP.get(found[1], 128))
    if group not in _GROUPS:
        return None
    zero = 16 if method == "hqq" else bits
    return Format(f"int{bits}-g{group}", (bits + (16 + zero) / group) / 8, _SIXTEEN)


def find_format(text: str) -> Format | None:
    """The format of weights that a text names; None for none."""
    plain = _plain(text)
    return _PLAIN.get(_plain(_ALIASES.get(plain, plain))) or _in_groups(plain)


def parse_formats(text: str, name: str = "dtype") -> tuple[Format, ...]:
    """Several formats of weights, separated by commas; BadValue for no such format."""
    return tuple(dict.fromkeys(parse_weights(part, name) for part in text.split(",")))
