"""What a checkpoint says of its number formats: effective bits, scales included, part by part."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infercost.errors import BadFile
from infercost.models.families.config import Config
from infercost.models.model import Layer, Quantization
from infercost.models.quantization.matrices import blocks, matrices
from infercost.models.quantization.rules import MATRICES, Rule, Rulebook, Settings
from infercost.models.quantization.schemes import scheme

#: What the tables are called.
TABLES = {"head": ("lm_head",), "embedding": ("model.embed_tokens",)}
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
    book = Rulebook((*(() if found.whole else kept), *found.rules))
    bits = {part: book.bits(part, names, base) for part, names in TABLES.items()}
    bits |= {part: _bits(config, part, book, made, base) for part in MATRICES}
    bits = {part: width for part, width in bits.items() if width != base}
    if not bits and settings.get("config_groups") and any(rule.bits for rule in found.rules):
        raise settings.refused("config_groups", "groups whose targets name modules of a language model")
    return Quantization(found.name, base, bits, _block(settings))


def _block(settings: Settings) -> int:
    """How many weights in a row share a scale, so that no cut may run through them; 0 where any cut will do."""
    return max(0, *(settings.get("weight_block_size") or (int(settings.get("group_size") or 0),)))


def _bits(config: Config, part: str, book: Rulebook, made: Sequence[Layer], base: float) -> float:
    """Mean bits of a part, matrix by matrix; where no layer has it, those of the rule for all."""
    if not any(rule.names for rule in book.rules) or not any(_held(part, layer) for layer in made):
        return book.bits(part, (), base)
    held = bits = 0.0
    for i, layer in enumerate(made):
        for size, modules in _modules(config, part, i, layer, book) if _held(part, layer) else ():
            held += size
            bits += size * book.bits(part, modules, base)
    return bits / held


def _modules(config: Config, part: str, i: int, layer: Layer, book: Rulebook) -> Iterator[tuple[float, list[str]]]:
    """The matrices of a part of layer i: their size, and every name that they may go by."""
    named = blocks(config)
    inside = [f"{named.layer}.{i}.{block}".removesuffix(".") for block in named.of(part, layer)]
    for every, size in matrices(config, part, layer):
        ends = book.telling(every, [end for end in every if end in named.own] or every[:1])
        if part != "experts":
            yield size, [f"{block}.{end}" for block in inside for end in ends]
            continue
        for expert, times in book.experts(i, layer.ffn.experts).items():
            names = [f"{block}.{number}{end}" for block in inside for number in (f"{expert}.", "") for end in ends]
            yield size * times / layer.ffn.experts, names


def _held(part: str, layer: Layer) -> int:
    """Parameters of a part in a layer."""
    attention, ffn = layer.attention, layer.ffn
    return {
        "attention": attention.split + attention.copied,
        "ffn": ffn.dense,
        "experts": ffn.experts * ffn.expert,
        "shared": ffn.shared,
    }[part]
