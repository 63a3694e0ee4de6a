"""Number formats of GGUF files: types of tensors, and which tensors of a model llama-quantize stores in which type."""

from collections.abc import Callable
from typing import NamedTuple


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
GROUPED, MANY = "grouped", "grouped or experts"

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
