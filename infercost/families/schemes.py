"""Quantization methods by the name that a checkpoint gives: which modules they touch, in how many bits."""

import re
from collections.abc import Callable
from math import isinf

from infercost.errors import Missing
from infercost.families.nested import compressed_tensors, hqq, quark, torchao
from infercost.families.rules import LINEAR, MATRICES, Rule, Scheme
from infercost.families.settings import Settings

#: MXFP4 has an 8-bit scale per 32 values, NVFP4 one per 16.
MXFP4, NVFP4 = 4.25, 4.5


def scheme(settings: Settings) -> Scheme:
    """The scheme of a quantization block, exceptions apart.

    Raises:
        Missing: a method that is not known.
        BadFile: a key whose value cannot be.
    """
    method = str(settings.get("quant_method", "mlx" if {"bits", "group_size"} & {*settings.data} else ""))
    algorithm = str(settings.get("quant_algo", "")).upper()
    if algorithm == "MIXED_PRECISION":
        return _mixed(settings)
    if "NVFP4" in algorithm or "FP8" in algorithm:
        width = NVFP4 if "NVFP4" in algorithm else _fp8_bits(settings)
        return Scheme(algorithm.lower(), (Rule(width, LINEAR),))
    if method in METHODS:
        return METHODS[method](settings)
    if settings.get("config_groups") is not None:
        return compressed_tensors(settings)
    raise Missing(
        f"{settings.where}: the quantization {method or dict(settings.data)!r} is not known",
        "say it: --dtype fp8, int4 ...",
    )


def _mixed(settings: Settings) -> Scheme:
    """ModelOpt's map from modules to formats; what it leaves out stays, in FP8 where the checkpoint was FP8 before."""
    before = (Rule(_fp8_bits(settings)),) if settings.get("quant_method") == "fp8" else ()
    own = tuple(
        Rule(_modelopt_bits(each), names=settings.names("quantized_layers", name))
        for name, each in settings.parts("quantized_layers").items()
    )
    if not own:
        raise settings.refused("quantized_layers", "an object of modules, each with its quant_algo")
    return Scheme("mixed", (*own, *before), whole=True)


def _modelopt_bits(settings: Settings) -> float:
    """Four bits have a scale of 8 bits (floats) or 16 (integers) a group; FP8 has one a matrix, or a block of 128."""
    name = str(settings.get("quant_algo", "")).upper()
    if "FP4" in name:
        return 4 + 8 / settings.group(32 if name.startswith("MX") else 16)
    if "W4A" in name or "INT4" in name:
        return 4 + 16 / settings.group(128)
    if name.startswith(("FP8", "W8A", "INT8", "MXFP8")):
        block = 8 / 32 if name.startswith("MX") else 32 / 128**2 if "PB" in name else 0
        return 8 + block
    raise settings.refused("quant_algo", "one of FP8, NVFP4, MXFP8, W4A16_AWQ and their kin")


def _fp8_bits(settings: Settings) -> float:
    """Eight bits, and a 32-bit scale for each block where there are blocks."""
    return 8 + 32 / settings.block("weight_block_size")


def _fp8(settings: Settings) -> Scheme:
    rule = Rule(_fp8_bits(settings))
    experts = (Rule(MXFP4, ("experts",)),) if settings.get("expert_dtype") == "fp4" else ()
    return Scheme("fp8", (*experts, rule))


def _integers(settings: Settings) -> Scheme:
    """Integers in groups, each with a 16-bit scale and a zero point that is stored, symmetric or not."""
    method = str(settings.get("quant_method")).rpartition("/")[2]
    bits = settings.bits("bits")
    own = [Rule(_grouped(settings), MATRICES)]
    for key in ("dynamic", "extra_config"):  # of GPTQModel and AutoRound: other bits for some modules
        for pattern, more in settings.parts(key).items():
            kept = pattern.startswith("-:") or more.get("bits", bits) >= 16
            merged = Settings({**settings.data, **more.data}, more.where)
            regular = pattern if key == "extra_config" and not set(pattern) & set("*+?[(^$|\\") else f"re:{pattern}"
            names = settings.names(key, re.sub(r"^re:[-+]:", "re:", regular))
            own.insert(-1, Rule(None if kept else _grouped(merged), names=names))
    return Scheme(f"{method} {bits:g}-bit", tuple(own))


def _grouped(settings: Settings) -> float:
    bits = settings.bits("bits")
    if "fp" in str(settings.get("data_type", "")):
        return bits + 8 / settings.group(16 if "nv" in str(settings.get("data_type")) else 32)
    return bits + (16 + bits) / settings.group(128)


def _bitsandbytes(settings: Settings) -> Scheme:
    if settings.get("load_in_4bit", settings.get("_load_in_4bit")):
        double = 8 / 64 + 32 / (64 * 256)
        return Scheme("bitsandbytes nf4", (Rule(4 + (double if settings.get("bnb_4bit_use_double_quant") else 0.5)),))
    if settings.get("load_in_8bit", settings.get("_load_in_8bit")):
        return Scheme("bitsandbytes int8", (Rule(8.0),))
    raise settings.refused("load_in_4bit", "true, or load_in_8bit")


def _mlx(settings: Settings) -> Scheme:
    """Every table too; a scale and a bias of 16 bits a group, and other settings for single modules."""
    own: list[Rule] = []
    for name, value in settings.data.items():
        if isinstance(value, dict) or value is False:
            names = settings.names(name, name)
            merged = Settings({**settings.data, **(value or {})}, f"{settings.where}: {name}")
            own.append(Rule(_mlx_bits(merged) if value else None, names=names))
    every = Rule(_mlx_bits(settings), (*LINEAR, "embedding"))
    return Scheme(f"mlx {settings.bits('bits'):g}-bit", (*own, every))


def _mlx_bits(settings: Settings) -> float:
    if isinf(group := settings.group()):
        raise settings.refused("group_size", "a whole number of values that share a scale")
    scales = 8 if str(settings.get("mode", "affine")).startswith(("mx", "nv")) else 32
    return settings.bits("bits") + scales / group


def _exl2(settings: Settings) -> Scheme:
    bits = settings.bits("bits")
    return Scheme(f"exl2 {bits:g}", (Rule(bits), Rule(settings.bits("head_bits", 16), ("head",))))


METHODS: dict[str, Callable[[Settings], Scheme]] = {
    "fp8": _fp8,
    "fbgemm_fp8": lambda _: Scheme("fbgemm fp8", (Rule(8.0),)),
    "mxfp4": lambda _: Scheme("mxfp4", (Rule(MXFP4, ("experts",)),)),
    "experts_int8": lambda _: Scheme("experts int8", (Rule(8.0, ("experts",)),)),
    "gptq": _integers,
    "awq": _integers,
    "auto-round": _integers,
    "intel/auto-round": _integers,
    "bitsandbytes": _bitsandbytes,
    "mlx": _mlx,
    "exl2": _exl2,
    "hqq": hqq,
    "torchao": torchao,
    "quark": quark,
    "compressed-tensors": compressed_tensors,
}
