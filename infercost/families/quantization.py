"""What a checkpoint says of its number formats: effective bits, scales included, part by part."""

import re
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

from infercost.errors import Missing
from infercost.families.config import Config
from infercost.model import Quantization

#: Parts that a scheme quantizes unless it names exceptions; tables, gates and norms stay as they were.
MATRICES = ("attention", "ffn", "experts", "shared")
#: Names that stand for the modules of a part, ``{i}`` the layer, in the forms that exception lists use.
MODULES = {
    "attention": (
        "model.layers.{i}.self_attn.q_proj",
        "model.layers.{i}.self_attn.q_b_proj",
        "model.layers.{i}.self_attn",
        "backbone.layers.{i}.mixer.in_proj",
        "backbone.layers.{i}.mixer.q_proj",
    ),
    "ffn": ("model.layers.{i}.mlp.gate_proj", "model.layers.{i}.mlp.up_proj", "backbone.layers.{i}.mixer.up_proj"),
    "experts": (
        "model.layers.{i}.mlp.experts.0.gate_proj",
        "model.layers.{i}.block_sparse_moe.experts.0.w1",
        "backbone.layers.{i}.mixer.experts.0.up_proj",
    ),
    "shared": ("model.layers.{i}.mlp.shared_experts.gate_proj", "model.layers.{i}.mlp.shared_expert.gate_proj"),
    "head": ("lm_head",),
}
#: MXFP4 has an 8-bit scale per 32 values, NVFP4 one per 16.
MXFP4, NVFP4 = 4.25, 4.5


def weight_bits(config: Config) -> float:
    """Bits of the weights that nothing quantizes."""
    return 32 if "float32" in str(config.raw("torch_dtype", config.raw("dtype", "bfloat16"))) else 16


def settings_of(config: Config) -> Mapping[str, Any]:
    """The quantization block, wherever the file keeps it."""
    for key in ("quantization_config", "quantization"):
        if isinstance(found := config.raw(key), dict):
            return found
    return {}


def kv_bits(config: Config, sidecar: Mapping[str, Any] | None) -> float:
    """Bits of one element of the KV cache, as the checkpoint asks for it."""
    scheme = settings_of(config).get("kv_cache_scheme")
    if isinstance(scheme, dict):
        return float(scheme.get("num_bits", 8))
    told = ((sidecar or {}).get("quantization") or {}).get("kv_cache_quant_algo")
    return 8 if scheme or (told and "8" in str(told)) else 16


def quantization(config: Config, sidecar: Mapping[str, Any] | None) -> Quantization:
    """Effective bits of each part of the weights.

    Raises:
        Missing: a scheme that is not known.
    """
    base, settings = weight_bits(config), settings_of(config)
    if sidecar and isinstance(sidecar.get("quantization"), dict):
        settings = {"quant_method": "modelopt", **settings, **sidecar["quantization"]}
    if not settings:
        return Quantization({16: "bf16", 32: "fp32"}[int(base)], base, {})
    name, bits = _scheme(config, settings)
    kept = {part: _kept_share(config, settings, part) for part in bits}
    bits = {part: base * kept[part] + width * (1 - kept[part]) for part, width in bits.items()}
    return Quantization(name, base, bits)


def _scheme(config: Config, settings: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
    """What a scheme is called, and its bits by part before exceptions."""
    method = str(settings.get("quant_method") or ("mlx" if "group_size" in settings else ""))
    algorithm = str(settings.get("quant_algo") or "").upper()
    if algorithm == "MIXED_PRECISION":
        experts = NVFP4 if "NVFP4" in str(settings.get("moe_quant_algo") or settings.get("quantized_layers")) else 8.0
        return "mixed", {**dict.fromkeys(MATRICES, _fp8(settings)), "experts": experts}
    if "NVFP4" in algorithm or "FP8" in algorithm:
        width = NVFP4 if "NVFP4" in algorithm else _fp8(settings)
        return algorithm.lower(), dict.fromkeys((*MATRICES, "head"), width)
    if method == "fp8":
        bits = dict.fromkeys(MATRICES, _fp8(settings))
        if config.raw("expert_dtype") == "fp4":
            bits["experts"] = MXFP4
        return "fp8", bits
    if method == "mxfp4":
        return "mxfp4", {"experts": MXFP4}
    if (grouped := _grouped(method, settings)) is not None:
        return grouped
    raise Missing(
        f"{config.where}: the quantization {method or settings!r} is not known", "say it: --dtype fp8, int4 ..."
    )


def _fp8(settings: Mapping[str, Any]) -> float:
    """Eight bits, and a 32-bit scale for each block where there are blocks."""
    block = settings.get("weight_block_size")
    return 8 + 32 / (block[0] * block[1]) if block else 8.0


def _grouped(method: str, settings: Mapping[str, Any]) -> tuple[str, dict[str, float]] | None:
    """Schemes of integers in groups that share a scale."""
    if method in ("gptq", "awq"):
        bits, group = float(settings["bits"]), float(settings.get("group_size") or 128)
        scaled = bits + ((16 + bits) / group if group > 0 else 0)  # stored with zero points, symmetric or not
        return f"{method} {bits:g}-bit", dict.fromkeys(MATRICES, scaled)
    if method == "bitsandbytes":
        if not settings.get("load_in_4bit"):
            return "bitsandbytes int8", dict.fromkeys(MATRICES, 8.0)
        scale = 8 / 64 + 32 / (64 * 256) if settings.get("bnb_4bit_use_double_quant") else 32 / 64
        return "bitsandbytes nf4", dict.fromkeys(MATRICES, 4 + scale)
    if method == "mlx":
        bits, group = float(settings["bits"]), float(settings["group_size"])
        return f"mlx {bits:g}-bit", dict.fromkeys((*MATRICES, "embedding", "head"), bits + 32 / group)
    if method == "exl2":
        head = float(settings.get("head_bits") or 16)
        return f"exl2 {settings['bits']}", {**dict.fromkeys(MATRICES, float(settings["bits"])), "head": head}
    if method == "compressed-tensors":
        return _compressed_tensors(settings)
    return None


def _compressed_tensors(settings: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
    weights = next(iter(settings["config_groups"].values()))["weights"]
    bits, group = float(weights["num_bits"]), weights.get("group_size")
    scale_bits = 8 if weights.get("type") == "float" and bits == 4 else 16
    kind = "fp" if weights.get("type") == "float" else "int"
    scaled = bits + (scale_bits / float(group) if group and group > 0 else 0)
    return f"compressed-tensors {kind}{bits:g}", dict.fromkeys((*MATRICES, "head"), scaled)


def _kept_share(config: Config, settings: Mapping[str, Any], part: str) -> float:
    """Share of the layers in which a part stays as it was, by the scheme's list of exceptions."""
    exceptions = [
        str(pattern)
        for key in ("ignore", "exclude_modules", "modules_to_not_convert", "ignored_layers", "llm_int8_skip_modules")
        for pattern in settings.get(key) or ()
    ]
    if not exceptions or part not in MODULES:
        return 0.0
    depth = len(config.raw("layers_block_type") or ()) or config.need("layers")
    kept = sum(
        any(_matches(pattern, name.format(i=i)) for name in MODULES[part] for pattern in exceptions)
        for i in range(depth)
    )
    return kept / depth


def _matches(pattern: str, module: str) -> bool:
    """Whether an exception (a regular expression, a glob, a name or its end) names a module."""
    if pattern.startswith("re:"):
        return re.match(pattern.removeprefix("re:"), module) is not None
    pattern = pattern.removeprefix("language_model.")
    if "*" in pattern:
        return fnmatch(module, pattern) or fnmatch(module, f"*{pattern}")
    return module == pattern or module.startswith(f"{pattern}.") or f".{pattern}." in f".{module}."
