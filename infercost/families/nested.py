"""Quantization methods that set down blocks inside their block: hqq, torchao, quark and compressed-tensors."""

import re
from typing import Any

from infercost.errors import Missing
from infercost.families.rules import LINEAR, MATRICES, Rule, Scheme
from infercost.families.settings import Settings


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
