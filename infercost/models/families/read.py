"""A config.json of the Hugging Face form, read as a model: exactly, or not at all."""

from collections.abc import Callable
from typing import Any

from infercost.errors import BadFile, InfercostError, Missing, closest
from infercost.models.families.config import Config, check_lists
from infercost.models.families.table import ALIASES, FAMILIES, Family
from infercost.models.model import Layer, Model
from infercost.models.quantization import kv_bits, quantization

#: No model has more layers.
MOST_LAYERS = 10_000
#: Raised when a value of the wrong kind is read.
MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, StopIteration, TypeError, ValueError)


def read_model(data: dict[str, Any], name: str, where: str, sidecar: dict[str, Any] | None = None) -> Model:
    """The model of a config and its ``hf_quant_config.json``; Missing for a family or key, BadFile for a value."""
    try:
        return _read(Config(data, where), name, sidecar)
    except MALFORMED as error:
        if isinstance(error, InfercostError):
            raise
        # a list where a number goes, deep in a part that one family alone has
        what = f"has no {error}" if isinstance(error, KeyError) else f"holds a value that cannot be: {error}"
        raise BadFile(f"{where}: {what}", "give the config.json as it was published") from error


def _read(config: Config, name: str, sidecar: dict[str, Any] | None) -> Model:
    family = family_of(config)
    config.defaults = family.defaults
    layers = layers_of(config, family)
    kinds = list(dict.fromkeys(layers))
    vision = vision_params(config)
    hidden, vocab = config.need("hidden"), config.need("vocab")
    ties = (place.get("tie_word_embeddings") for place in (config.outer, config.inner))
    # engines keep a recurrent state in 32 bits unless the config says otherwise
    state_dtype = config.raw("mamba_ssm_dtype", config.raw("mamba_ssm_cache_dtype", "float32"))
    has_head_bias = config.flag("head_bias", "lm_head_bias")
    tied = next((bool(value) for value in ties if value is not None), family.tied)
    return Model(
        name=name,
        family=config.family,
        hidden_size=hidden,
        vocab_size=vocab,
        layers=tuple(layer._replace(times=layers.count(layer)) for layer in kinds),
        embedding=vocab * hidden,
        head=0 if tied else vocab * hidden,
        small=hidden * (2 if family.norm_bias else 1) + vocab * has_head_bias + family.extra(config),
        max_context=config.opt("context"),
        quantization=quantization(config, family.names, sidecar, layers),
        kv_bits=kv_bits(config, sidecar),
        state_bits=32 if "32" in str(state_dtype) else 16,
        vision_params=vision or 0,
        mtp_params=prediction_params(config, layers),
        vision_known=vision is not None,
        lookup=family.lookup(config),
        order=tuple(kinds.index(layer) for layer in layers),
    )


def family_of(config: Config) -> Family:
    """The row of the table for a config's model type; Missing where there is none."""
    name = config.family.removesuffix("_text")
    name = ALIASES.get(name, name)
    if name not in FAMILIES:
        what = f"the model family {config.family!r} is not known" if config.family else "has no model_type"
        hint = f"{closest(name, sorted(FAMILIES))}add a row to infercost/models/families/table.py"
        raise Missing(f"{config.where}: {what}", hint if config.family else "give the config.json as it was published")
    return FAMILIES[name]


def layers_of(config: Config, family: Family) -> list[Layer]:
    """Every layer, in order; BadFile for more or fewer than a model has."""
    blocks = config.raw("layers_block_type") or config.raw("block_configs")
    depth = len(blocks) if isinstance(blocks, list) else config.need("layers")
    if not 0 < depth <= MOST_LAYERS:
        raise BadFile(f"{config.where}: {depth:,} layers", f"a model has 1 to {MOST_LAYERS:,}")
    check_lists(config, depth)
    small = family.norms * config.need("hidden") * (2 if family.norm_bias else 1)
    return [Layer(1, family.attention(config, i), family.ffn(config, i), small) for i in range(depth)]


def prediction_params(config: Config, layers: list[Layer]) -> int:
    """Parameters of multi-token prediction: for each module one more layer, a joining matrix and three norms.

    ``num_mtp_modules`` of MiniMax is left alone: its published checkpoints hold no such modules.
    """
    modules = config.number("num_nextn_predict_layers", config.number("mtp_num_hidden_layers", 0))
    hidden, like = config.need("hidden"), layers[-1:]
    if words := config.raw("mtp_layers_block_type"):
        attends = next(layer for layer in layers if layer.attention.cache)
        chooses = next(layer for layer in layers if layer.ffn.experts)
        like = [attends if word == "attention" else chooses for word in words]
    return modules * (sum(map(_layer_params, like)) + 2 * hidden * hidden + 3 * hidden)


def _layer_params(layer: Layer) -> int:
    attention, ffn = layer.attention, layer.ffn
    experts = ffn.experts * (ffn.expert + ffn.expert_small)
    fed = ffn.dense + ffn.shared + experts + ffn.router + ffn.small
    return layer.small + attention.split + attention.copied + attention.small + fed


def vision_params(config: Config) -> int | None:
    """Parameters of the vision tower and its projector; none is 0, a tower that is not known is None."""
    towers = (level["vision_config"] for level in config.levels if isinstance(level.get("vision_config"), dict))
    if (tower := next(towers, None)) is None:
        return 0
    count = _TOWERS.get(str(tower.get("model_type")))
    return count(Config(tower, f"{config.where}: vision_config"), config.need("hidden")) if count else None


def _block(width: int, inner: int) -> int:
    """A transformer block with biases and two norms."""
    return 4 * width * width + 2 * width * inner + 4 * width + inner + width + 4 * width


def _siglip(tower: Config, text_width: int) -> int:
    """SigLIP as in Gemma 3: convolved patches, learned positions, a last norm; one matrix and a norm to the text."""
    width, inner = tower.number("hidden_size", 1152), tower.number("intermediate_size", 4304)
    patch = tower.number("patch_size", 14)
    patches = (tower.number("image_size", 896) // patch) ** 2
    blocks = tower.number("num_hidden_layers", 27) * _block(width, inner)
    return int(3 * patch * patch * width + width + patches * width + blocks + 2 * width + width * text_width + width)


def _qwen_vl(tower: Config, text_width: int) -> int:
    """Qwen3-VL and 3.5: patches over two frames, learned positions, and a merger, one more for each deepstack level."""
    width, inner, out = tower.number("hidden_size"), tower.number("intermediate_size"), tower.number("out_hidden_size")
    patch, joined = tower.number("patch_size"), tower.number("hidden_size") * tower.number("spatial_merge_size") ** 2
    conv = tower.number("in_channels", 3) * tower.number("temporal_patch_size") * patch * patch * width + width
    merger = joined * joined + joined + joined * out + out
    deep = tower.entries("deepstack_visual_indexes") * (merger + 2 * joined)
    blocks = tower.number("depth") * _block(width, inner)
    return int(conv + tower.number("num_position_embeddings") * width + blocks + merger + 2 * width + deep)


def _gemma4(tower: Config, text_width: int) -> int:
    """Gemma 4: two position tables, gated blocks with four norms and head norms, one matrix to the text."""
    width, inner, head = tower.number("hidden_size"), tower.number("intermediate_size"), tower.number("head_dim")
    block = 4 * width + 4 * width * width + 2 * head + 3 * width * inner
    tables = 3 * tower.number("patch_size") ** 2 * width + 2 * tower.number("position_embedding_size") * width
    return int(tables + tower.number("num_hidden_layers") * block + width * text_width)


def _pixtral(tower: Config, text_width: int) -> int:
    """Pixtral: gated blocks without biases, patches merged by four, two matrices to the text."""
    width, inner = tower.number("hidden_size"), tower.number("intermediate_size")
    patches = 3 * tower.number("patch_size") ** 2 * width + width
    blocks = tower.number("num_hidden_layers") * (4 * width * width + 3 * width * inner + 2 * width)
    return int(patches + blocks + 4 * width * width + width + width * text_width + text_width * text_width)


def _clip(tower: Config, text_width: int) -> int:
    """CLIP as in LLaVA-NeXT: a class token, learned positions, two norms; two matrices and a newline to the text."""
    width, inner, patch = tower.number("hidden_size"), tower.number("intermediate_size"), tower.number("patch_size")
    positions = (tower.number("image_size") // patch) ** 2 + 1
    blocks = tower.number("num_hidden_layers") * _block(width, inner)
    projector = width * text_width + text_width * text_width + 2 * text_width + text_width
    return int(width + 3 * patch * patch * width + positions * width + blocks + 4 * width + projector)


def _mllama(tower: Config, text_width: int) -> int:
    """Llama 3.2 Vision: tables of positions and tiles for each shape of an image, local and gated global blocks."""
    width, inner = tower.number("hidden_size", 1280), tower.number("intermediate_size", 5120)
    patch, tiles = tower.number("patch_size", 14), tower.number("max_num_tiles", 4)
    patches = (tower.number("image_size", 448) // patch) ** 2 + 1
    shapes = (tower.entries("supported_aspect_ratios") or 8) + 1
    own, shared = tower.number("num_hidden_layers", 32), tower.number("num_global_layers", 8)
    block = 4 * width * width + 2 * width * inner + inner + width + 4 * width
    places = patches * width + shapes * tiles * patches * width + 2 * shapes * tiles * width + 3
    projector = (tower.number("vision_output_dim", 7680) + 1) * text_width
    blocks = (own + shared) * block + 2 * shared
    return int(3 * patch * patch * width + width + places + 4 * width + blocks + projector)


_TOWERS: dict[str, Callable[[Config, int], int]] = {
    "siglip_vision_model": _siglip,
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe"), _qwen_vl),
    "gemma4_vision": _gemma4,
    "pixtral": _pixtral,
    "mllama_vision_model": _mllama,
    "clip_vision_model": _clip,
}
