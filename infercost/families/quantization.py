"""What a checkpoint says of its number formats: effective bits, scales included, part by part."""

from collections.abc import Mapping, Sequence
from typing import Any

from infercost.errors import BadFile
from infercost.families.config import Config
from infercost.families.rules import LINEAR, MATRICES, Rule
from infercost.families.schemes import scheme
from infercost.families.settings import Settings
from infercost.model import Layer, Quantization

#: Names that stand for the modules of a part, ``{i}`` the layer, in the forms that lists of modules use.
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
    "embedding": ("model.embed_tokens",),
}
#: Keys under which schemes list the modules that stay as they were.
EXCEPTIONS = (
    "ignore",
    "exclude",
    "exclude_modules",
    "modules_to_not_convert",
    "ignored_layers",
    "llm_int8_skip_modules",
    "skip_modules",
)


def weight_bits(config: Config) -> float:
    """Bits of the weights that nothing quantizes."""
    return 32 if "float32" in str(config.raw("torch_dtype", config.raw("dtype", "bfloat16"))) else 16


def settings_of(config: Config) -> Settings:
    """The quantization block, wherever the file keeps it.

    Raises:
        BadFile: something else stands there.
    """
    for key in ("quantization_config", "quantization"):
        if (found := config.raw(key)) is not None:
            if not isinstance(found, dict):
                raise BadFile(f"{config.where}: {key} is {repr(found)[:40]}", f"{key} must be an object")
            return Settings(found, f"{config.where}: {key}")
    return Settings({}, config.where)


def kv_bits(config: Config, sidecar: Mapping[str, Any] | None) -> float:
    """Bits of one element of the KV cache, as the checkpoint asks for it."""
    settings = settings_of(config)
    told = settings.get("kv_cache_scheme")
    if isinstance(told, dict):
        return settings.part("kv_cache_scheme").bits("num_bits", 8)
    algorithm = ((sidecar or {}).get("quantization") or {}).get("kv_cache_quant_algo")
    algorithm = algorithm or settings.get("kv_cache_quant_algo")
    return 8 if told or settings.get("kv_cache_quant_config") or "8" in str(algorithm) else 16


def quantization(config: Config, sidecar: Mapping[str, Any] | None, made: Sequence[Layer]) -> Quantization:
    """Effective bits of each part of the weights, over all layers.

    Raises:
        Missing: a scheme that is not known.
        BadFile: a scheme that cannot be.
    """
    base, settings = weight_bits(config), settings_of(config)
    if sidecar and isinstance(sidecar.get("quantization"), dict):
        settings = Settings({"quant_method": "modelopt", **settings.data, **sidecar["quantization"]}, settings.where)
    if not settings.data:
        return Quantization({16: "bf16", 32: "fp32"}[int(base)], base, {})
    settings = Settings({"expert_dtype": config.raw("expert_dtype"), **settings.data}, settings.where)
    found = scheme(settings)
    kept = [Rule(None, names=settings.names(key, text)) for key in EXCEPTIONS for text in settings.texts(key)]
    bits = {part: _bits(part, (*kept, *found.rules), made, base) for part in (*LINEAR, "embedding")}
    bits = {part: width for part, width in bits.items() if width != base}
    if not bits and settings.get("config_groups") and any(rule.bits for rule in found.rules):
        raise settings.refused("config_groups", "groups whose targets name modules of a language model")
    return Quantization(found.name, base, bits, _block(settings))


def _block(settings: Settings) -> int:
    """How many weights in a row share a scale, so that no cut may run through them; 0 where any cut will do."""
    return max(0, *(settings.get("weight_block_size") or (int(settings.get("group_size") or 0),)))


def _bits(part: str, rules: Sequence[Rule], made: Sequence[Layer], base: float) -> float:
    """Mean bits of a part, each layer by the first rule that fits it, weighed by how much of the part it holds."""
    if part not in MATRICES:
        return _at(part, 0, rules, base)
    weights = [_held(part, layer) for layer in made]
    weights = weights if any(weights) else [1] * len(made)
    if not any(rule.names for rule in rules):
        return _at(part, 0, rules, base)
    return sum(_at(part, i, rules, base) * weight for i, weight in enumerate(weights) if weight) / sum(weights)


def _at(part: str, i: int, rules: Sequence[Rule], base: float) -> float:
    """Bits of a part's modules in layer i."""
    modules = [name.format(i=i) for name in MODULES[part]]
    for rule in rules:
        if part in rule.parts if rule.names is None else any(map(rule.names, modules)):
            return base if rule.bits is None else rule.bits
    return base


def _held(part: str, layer: Layer) -> int:
    """Parameters of a part in a layer."""
    attention, ffn = layer.attention, layer.ffn
    return {
        "attention": attention.split + attention.copied,
        "ffn": ffn.dense,
        "experts": ffn.experts * ffn.expert,
        "shared": ffn.shared,
    }[part]
