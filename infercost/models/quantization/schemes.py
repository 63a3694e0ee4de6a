"""Quantization methods by the name that a checkpoint gives: which modules they touch, in how many bits."""

import re
from collections.abc import Callable
from math import isinf
from typing import Any

from infercost.errors import Missing
from infercost.models.quantization.rules import LINEAR, MATRICES, Rule, Scheme, Settings


def hqq(settings: Settings) -> Scheme:
    """A 16-bit scale and a 16-bit zero point a group."""
    config = settings.part("quant_config")
    if config.get("weight_quant_params") is not None:
        weights = config.part("weight_quant_params")
        return Scheme(f"hqq int{weights.bits('nbits'):g}", (Rule(_hqq_bits(weights)),))
    own = [  # settings by the end of a module's name
        Rule(_hqq_bits(each.part("weight_quant_params")), names=settings.names("quant_config", name))
        for name, each in settings.parts("quant_config").items()
    ]
    if not own:
        raise settings.refused("quant_config", "an object with weight_quant_params")
    return Scheme("hqq int, by module", tuple(own))


def _hqq_bits(weights: Settings) -> float:
    return weights.bits("nbits") + 32 / weights.group()


def torchao(settings: Settings) -> Scheme:
    """A configuration for all matrices, or one for each of some modules and a default."""
    told = settings.get("quant_type")
    kind: Settings = settings
    if isinstance(told, dict):
        kind = settings.part("quant_type").part("default")
    elif isinstance(told, str):
        kind = Settings({"_type": told, "_data": settings.get("quant_type_kwargs", {})}, settings.where)
    else:
        raise settings.refused("quant_type", "the name of a configuration, or an object")
    parts = (*LINEAR, "embedding") if settings.get("include_input_output_embeddings") else MATRICES
    inside = kind.part("_data")
    for key in ("module_fqn_to_config", "fqn_to_config"):
        if inside.get(key) is not None:
            each = inside.parts(key)
            whole = [Rule(_torchao_bits(each.pop("_default")), parts)] if "_default" in each else []
            own = [Rule(_torchao_bits(one), names=inside.names(key, name)) for name, one in each.items()]
            return Scheme("torchao int, by module", (*own, *whole))
    bits = _torchao_bits(kind)
    return Scheme(f"torchao {'fp' if 'loat' in str(kind.get('_type')) else 'int'}{int(bits)}", (Rule(bits, parts),))


def _torchao_bits(kind: Settings) -> float:
    """Four bits and less have a scale and a zero point of 16 bits a group; eight bits one scale a row."""
    name, inside = str(kind.get("_type")), kind.part("_data")
    dtype: Any = inside.get("weight_dtype", "")
    told = re.search(r"(\d+)_?weight", name, re.IGNORECASE) or re.search(r"int(\d+)", str(dtype))
    if told is None:
        raise Missing(f"{kind.where}: the quantization {name[:40]!r} is not known", "say it: --dtype fp8, int4 ...")
    bits = Settings({"bits": int(told[1])}, kind.where).bits("bits")
    granularity = inside.get("weight_granularity")
    grouped = Settings({**inside.data, **_data_of(granularity)}, inside.where)
    return bits + (32 / grouped.group(128) if bits < 8 else 0)


def _data_of(value: Any) -> dict[str, Any]:
    found = value.get("_data") if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def quark(settings: Settings) -> Scheme:
    """One configuration for all, others for modules by glob."""
    own = [
        Rule(_quark_bits(each), names=settings.names("layer_quant_config", pattern))
        for pattern, each in settings.parts("layer_quant_config").items()
    ]
    whole = settings.part("global_quant_config")
    widths = [rule.bits for rule in (*own, Rule(_quark_bits(whole))) if rule.bits]
    dtype = str(_quark_weight(whole).get("dtype", "")) if whole.get("weight") else ""
    name = "int" if "int" in dtype else "fp"
    return Scheme(f"quark {name}{int(min(widths, default=16))}", (*own, Rule(_quark_bits(whole), LINEAR)))


def _quark_weight(settings: Settings) -> Settings:
    """The weights' block, the last where they are quantized twice."""
    value = settings.get("weight")
    return (
        Settings({"weight": value[-1]}, settings.where).part("weight")
        if isinstance(value, list) and value
        else (settings.part("weight"))
    )


def _quark_bits(settings: Settings) -> float | None:
    if settings.get("weight") is None:
        return None
    weights = _quark_weight(settings)
    dtype = weights.get("dtype", "")
    told = re.search(r"\d+", str(weights.get("mx_element_dtype", "") if dtype == "mx" else dtype))
    if told is None:
        raise weights.refused("dtype", "a number format, as in fp8_e4m3 or int4")
    bits = Settings({"dtype": int(told[0])}, weights.where).bits("dtype")
    if weights.get("qscheme") != "per_group" and dtype != "mx":
        return bits
    shared = dtype == "mx" or weights.get("scale_format") == "e8m0"
    zero = bits if weights.get("symmetric") is False and "int" in str(dtype) else 0
    return bits + ((8 if shared else 16) + zero) / weights.group(32 if shared else 128)


def compressed_tensors(settings: Settings) -> Scheme:
    """Groups of modules by name, which come first, or by class."""
    named: list[Rule] = []
    whole: list[Rule] = []
    called = {}
    groups = settings.parts("config_groups")
    if not groups:
        raise settings.refused("config_groups", "an object of groups, each with weights and targets")
    for group in groups.values():
        if group.get("weights") is None:  # activations or caches alone
            continue
        weights = group.part("weights")
        bits = _compressed_bits(weights, str(group.get("format", settings.get("format", ""))))
        if bits is not None:
            called[bits] = f"{'fp' if weights.get('type') == 'float' else 'int'}{weights.bits('num_bits'):g}"
        for target in group.texts("targets") or ["Linear"]:
            if target in ("Linear", "Embedding"):
                whole.append(Rule(bits, LINEAR if target == "Linear" else ("embedding",)))
            else:
                named.append(Rule(bits, names=group.names("targets", target)))
    name = " + ".join(dict.fromkeys(called[bits] for bits in sorted(called)))
    return Scheme(f"compressed-tensors {name}".strip(), (*named, *whole))


def _compressed_bits(weights: Settings, form: str) -> float | None:
    """Bits with scales of 8 bits (4-bit floats and MX forms) or 16; None where the weights are stored as they were."""
    bits, group = weights.bits("num_bits"), weights.group()
    if form == "dense":
        return None
    if weights.get("strategy") == "block":
        return bits + 32 / weights.block("block_structure")
    small = form.startswith(("mx", "nv")) or (weights.get("type") == "float" and bits == 4)
    zero = bits if weights.get("symmetric") is False else 0
    return bits + ((8 if small else 16) + zero) / group


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
