"""Number formats of weights: bytes per value, and the rates that serve them; the types and mixes of GGUF files."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from infercost.errors import BadValue, closest, nearest

#: What Ollama's library holds under a tag without a format: "The default is now q4_k_m" (ollama/ollama issue 1543,
#: 2024-12-29); qwen3.6:35b (issue 15834), gemma3 (issue 9682) and llama3.3:70b show it.
USUAL_FILE = "q4_k_m"
#: Models of before that change, which the library keeps as they were: "by default we use q4_0" (ollama/ollama issue
#: 643, 2023-09), llama2 (issue 2495), llama3 (issue 4626), all of the library in July 2024 (issue 5425).
OF_BEFORE = ("codellama", "falcon", "gemma", "gemma2", "llama2", "llama3", "mixtral", "phi", "phi3", "qwen", "qwen2")
#: Tags of another format: a server's log of llama3.2:1b says Q8_0 (ollama/ollama issue 12887, 2025-10); models of
#: OpenAI come as they were published.
OTHERS = {"llama3.2:1b": "q8_0"}
AS_PUBLISHED = "gpt-oss"
#: What stands before a name in addresses of Ollama's library.
_LIBRARY = re.compile(r"(https?://)?((www\.|registry\.)?ollama\.(com|ai)/)?library/|ollama/", re.IGNORECASE)
_LATEST = ":latest"
#: A format at the end of a name; Gemma's quantization-aware training (qat) is for q4_0.
_FORMAT = re.compile(
    r"(?P<name>.+?)[-_.:](?P<format>(ud-)?i?q\d\w*|f16|fp16|bf16|f32|fp32|mxfp4(?P<moe>_moe)?|qat)", re.IGNORECASE
)
_MEANS = {"qat": "q4_0", "f16": "fp16", "f32": "fp32", "mxfp4_moe": "mxfp4"}


class Named(NamedTuple):
    """A model's own name and the format written behind it, empty where there is none."""

    model: str
    format: str = ""


class Type(NamedTuple):
    """A type of tensor: its number in a file, bits of a weight with the scales of its blocks, weights of a block.

    ``fallback`` takes a tensor whose rows are no whole number of blocks.
    """

    number: int
    bits: float
    block: int = 256
    fallback: str = ""


# fmt: off
#: ggml-org/llama.cpp at 007dbbf3: ggml/src/ggml-common.h, and tensor_type_fallback of src/llama-quant.cpp.
TYPES = {
    "f32": Type(0, 32, 1), "f16": Type(1, 16, 1), "bf16": Type(30, 16, 1), "f64": Type(28, 64, 1),
    "i8": Type(24, 8, 1), "i16": Type(25, 16, 1), "i32": Type(26, 32, 1), "i64": Type(27, 64, 1),
    "q4_0": Type(2, 4.5, 32), "q4_1": Type(3, 5, 32), "q5_0": Type(6, 5.5, 32), "q5_1": Type(7, 6, 32),
    "q8_0": Type(8, 8.5, 32), "q8_1": Type(9, 10, 32), "iq4_nl": Type(20, 4.5, 32), "mxfp4": Type(39, 4.25, 32),
    "q2_k": Type(10, 2.625, fallback="q4_0"), "q3_k": Type(11, 3.4375, fallback="q4_0"),
    "q4_k": Type(12, 4.5, fallback="q5_0"), "q5_k": Type(13, 5.5, fallback="q5_1"),
    "q6_k": Type(14, 6.5625, fallback="q8_0"), "q8_k": Type(15, 9.125),
    "iq1_s": Type(19, 1.5625, fallback="iq4_nl"), "iq1_m": Type(29, 1.75, fallback="iq4_nl"),
    "iq2_xxs": Type(16, 2.0625, fallback="iq4_nl"), "iq2_xs": Type(17, 2.3125, fallback="iq4_nl"),
    "iq2_s": Type(22, 2.5625, fallback="iq4_nl"), "iq3_xxs": Type(18, 3.0625, fallback="iq4_nl"),
    "iq3_s": Type(21, 3.4375, fallback="iq4_nl"), "iq4_xs": Type(23, 4.25, fallback="iq4_nl"),
    "tq1_0": Type(34, 1.6875, fallback="q4_0"), "tq2_0": Type(35, 2.0625, fallback="q4_0"),
    "nvfp4": Type(40, 4.5, 64), "q1_0": Type(41, 1.125, 128),
}


class Mix(NamedTuple):
    """The type of each tensor in a format; an empty column has the type ``base``.

    A column is one type for all layers, or several, each with the layers (``WHERE``) or models that have it, of which
    the first counts; the rest have ``base``. ``gate`` is of gate and up projections, ``table`` of an input table
    that is not the head as well, ``stacked`` of the routed experts, whose matrices are one tensor a layer.
    """

    base: str
    values: str = ""
    keys: str = ""
    queries: str = ""
    output: str = ""
    down: str = ""
    gate: str = ""
    head: str = "q6_k"
    table: str = ""
    stacked: str = ""


#: The layers of a column that have a type, by their number i of n.
WHERE: dict[str, Callable[[int, int], bool]] = {
    "": lambda *_: True,
    "more": lambda i, n: i < n // 8 or i >= 7 * n // 8 or (i - n // 8) % 3 == 2,
    "first 2": lambda i, _: i < 2,
    "first 4": lambda i, _: i < 4,
    "first 1/8": lambda i, n: i < n // 8,
    "first 1/16": lambda i, n: i < n // 16,
    "middle": lambda i, n: n // 8 <= i < 7 * n // 8,
}
#: The models that have a type of a column: four query heads or more share a KV head, or there are as many experts.
IN_GROUPS, MANY = "grouped", "grouped or experts"

#: Formats by name: llama_tensor_get_type_impl of src/llama-quant.cpp at 007dbbf3, with an importance matrix for iq1
#: and iq2 formats, q2_k_s, iq3_xxs and iq3_xs, which need one, and without for the others. The last five are what
#: publishers of files call by an L: the head and the table in q8_0.
MIXES = {
    "q2_k": Mix("q2_k", values="q4_k grouped, q3_k", output="q3_k", down="q3_k"),
    "q2_k_s": Mix("q2_k", values="q4_k grouped", down="q4_k first 1/8"),
    "q3_k_s": Mix("q3_k"),
    "q3_k_m": Mix("q3_k", values="q5_k first 2, q4_k", output="q4_k", down="q5_k first 1/16, q4_k"),
    "q3_k_l": Mix("q3_k", values="q5_k", output="q5_k", down="q5_k"),
    "q4_0": Mix("q4_0"),
    "q4_1": Mix("q4_1"),
    "q4_k_s": Mix("q4_k", values="q5_k first 4", down="q5_k first 1/8"),
    "q4_k_m": Mix("q4_k", values="q6_k more", down="q6_k more"),
    "q5_0": Mix("q5_0"),
    "q5_1": Mix("q5_1"),
    "q5_k_s": Mix("q5_k"),
    "q5_k_m": Mix("q5_k", values="q6_k more", down="q6_k more"),
    "q6_k": Mix("q6_k"),
    "q8_0": Mix("q8_0", head="q8_0"),
    "iq1_s": Mix(
        "iq1_s", values="q4_k grouped or experts, q2_k", output="iq2_xxs", down="q2_k first 1/8", head="q5_k",
        table="q2_k",
    ),
    "iq1_m": Mix(
        "iq1_m", values="q4_k grouped or experts, q2_k", output="iq2_xxs", down="q2_k first 1/8", head="q5_k",
        table="q2_k",
    ),
    "iq2_xxs": Mix("iq2_xxs", values="q4_k grouped or experts, q2_k", down="q2_k first 1/8", head="q5_k", table="q2_k"),
    "iq2_xs": Mix("iq2_xs", values="q4_k grouped or experts, q2_k", down="q2_k first 1/8", head="q5_k", table="q2_k"),
    "iq2_s": Mix(
        "iq2_xs", values="q4_k grouped or experts, iq3_s", output="iq3_s", down="iq3_s first 1/8", head="q5_k",
        table="iq3_s",
    ),
    "iq2_m": Mix(
        "iq2_s", values="q4_k grouped or experts, iq3_s", output="iq3_s", down="iq3_s first 1/8", head="q5_k",
        table="iq3_s",
    ),
    "iq3_xxs": Mix(
        "iq3_xxs", values="q4_k grouped", keys="iq2_s", queries="iq2_s", output="iq3_s", head="q5_k", table="iq3_s"
    ),
    "iq3_xs": Mix("iq3_s", values="q4_k grouped", keys="iq3_xxs", queries="iq3_xxs", gate="iq3_xxs middle"),
    "iq3_s": Mix("iq3_s", values="q4_k grouped"),
    "iq3_m": Mix("iq3_s", values="q4_k", output="q4_k", down="q4_k first 1/8"),
    "iq4_xs": Mix("iq4_xs", values="q5_k grouped", down="q5_k first 1/8"),
    "iq4_nl": Mix("iq4_nl", values="q5_k grouped", down="q5_k first 1/8"),
    "tq1_0": Mix("tq1_0", table="q4_k"),
    "tq2_0": Mix("tq2_0", table="q4_k"),
    "mxfp4": Mix("q8_0", head="q8_0", stacked="mxfp4"),
    "f16": Mix("f16", head="f16"),
    "bf16": Mix("bf16", head="bf16"),
    "q4_k_l": Mix("q4_k", values="q6_k more", down="q6_k more", head="q8_0", table="q8_0"),
    "q5_k_l": Mix("q5_k", values="q6_k more", down="q6_k more", head="q8_0", table="q8_0"),
    "q6_k_l": Mix("q6_k", head="q8_0", table="q8_0"),
    "q2_k_l": Mix("q2_k", values="q4_k grouped, q3_k", output="q3_k", down="q3_k", head="q8_0", table="q8_0"),
    "q3_k_xl": Mix("q3_k", values="q5_k", output="q5_k", down="q5_k", head="q8_0", table="q8_0"),
}
#: What differs in Falcon of 2023: its columns of down projections, and no output column but that of q3_k_l.
FALCON = {
    "q3_k_m": {"down": "q5_k first 1/16, q4_k more"},
    **{name: {"down": "q4_k", "output": "q4_k"} for name in ("q3_k_l", "q3_k_xl")},
    "q4_k_s": {"down": ""},
    **{name: {"down": "q6_k first 1/16, q5_k more"} for name in ("q4_k_m", "q4_k_l")},
}
#: The formats whose attention output is q5_k in a model of exactly 8 experts.
EIGHT_EXPERTS_OUTPUT = (
    "q2_k", "q2_k_l", "q2_k_s", "q3_k_s", "q3_k_m", "q4_k_s", "q4_k_m", "q4_k_l", "iq1_s", "iq1_m", "iq2_xxs", "iq2_xs",
    "iq2_s", "iq2_m", "iq3_xxs", "iq3_xs", "iq3_s", "iq3_m", "iq4_xs", "iq4_nl",
)
# fmt: on
#: Formats that other engines read too, so that they choose none.
OF_ALL = ("f16", "bf16", "mxfp4")


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
    if _TERNARY.search(text.lower()):
        raise BadValue(f"{name}: no format {text!r}", "weights of three values are tq1_0 or tq2_0 in GGUF files")
    raise BadValue(f"{name}: no format {text!r}", hint)


#: Weights of three values, log2(3) bits each, as BitNet's.
_TERNARY = re.compile(r"1[._]58|ternary|bitnet|trit")
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


# Names of weights for llama.cpp: the tags of Ollama's library and of files, with the number format that they say.


def name_and_format(name: str) -> Named:
    """The name of a tag or of a file, and the format that it ends in."""
    if (found := _FORMAT.fullmatch(name)) is None:
        return Named(name)
    format = found["format"].lower()
    before = name_and_format(found["name"])  # gemma3:27b-it-qat-q4_0
    return Named(before.model, _MEANS.get(format, format))


def read_tag(text: str) -> Named | None:
    """The model and the format of a tag of Ollama's library; None for a name of another kind."""
    name = _LIBRARY.sub("", text, count=1) if _LIBRARY.match(text) else text
    if "/" in name or (name == text and ":" not in name):
        return None
    named = name_and_format(name)
    return named._replace(model=named.model.removesuffix(_LATEST))


def usual_format(name: str) -> str:
    """What the library holds under a name without a format; empty for what comes as it was published."""
    family = name.partition(":")[0].lower()
    if family.startswith(AS_PUBLISHED):
        return ""
    return OTHERS.get(name.lower(), "q4_0" if family in OF_BEFORE else USUAL_FILE)
