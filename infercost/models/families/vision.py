"""What a checkpoint carries beside its language model: vision towers and layers that predict further tokens."""

from collections.abc import Callable
from typing import Any

from infercost.models.families.config import Config
from infercost.models.model import Layer


def prediction_params(config: Config, made: list[Layer]) -> int:
    """Parameters of multi-token prediction: for each module one more layer, a joining matrix and three norms.

    ``num_mtp_modules`` of MiniMax is left alone: its published checkpoints hold no such modules.
    """
    modules = config.number("num_nextn_predict_layers", config.number("mtp_num_hidden_layers", 0))
    hidden = config.need("hidden")
    return modules * (sum(map(_layer_params, _predictors(config, made))) + 2 * hidden * hidden + 3 * hidden)


def _predictors(config: Config, made: list[Layer]) -> list[Layer]:
    """The layers that a prediction module is made of: one like the last, or those that the config lists."""
    types = config.raw("mtp_layers_block_type")
    if not types:
        return made[-1:]
    attends = next(layer for layer in made if layer.attention.cache)
    chooses = next(layer for layer in made if layer.ffn.experts)
    return [attends if word == "attention" else chooses for word in types]


def _layer_params(layer: Layer) -> int:
    attention, ffn = layer.attention, layer.ffn
    experts = ffn.experts * (ffn.expert + ffn.expert_small)
    return (
        layer.small
        + attention.split
        + attention.copied
        + attention.small
        + ffn.dense
        + ffn.shared
        + experts
        + (ffn.router + ffn.small)
    )


def vision_params(config: Config) -> int | None:
    """Parameters of the vision tower and its projector; none is 0, a tower that is not known is None."""
    towers = [level["vision_config"] for level in config.levels if isinstance(level.get("vision_config"), dict)]
    if not towers:
        return 0
    tower = towers[0]
    count = _TOWERS.get(str(tower.get("model_type")))
    return count(tower, config.need("hidden")) if count else None


def _block(width: int, inner: int) -> int:
    """A transformer block with biases and two norms."""
    return 4 * width * width + 2 * width * inner + 4 * width + inner + width + 4 * width


def _siglip(tower: dict[str, Any], text_width: int) -> int:
    """SigLIP as in Gemma 3: convolved patches, learned positions, a last norm; one matrix and a norm to the text."""
    width, inner = tower.get("hidden_size", 1152), tower.get("intermediate_size", 4304)
    patch = tower.get("patch_size", 14)
    patches = (tower.get("image_size", 896) // patch) ** 2
    blocks = tower.get("num_hidden_layers", 27) * _block(width, inner)
    return int(3 * patch * patch * width + width + patches * width + blocks + 2 * width + width * text_width + width)


def _qwen_vl(tower: dict[str, Any], _: int) -> int:
    """Qwen3-VL and 3.5: patches over two frames, learned positions, and a merger, one more for each deepstack level."""
    width, inner, out = tower["hidden_size"], tower["intermediate_size"], tower["out_hidden_size"]
    patch, merged = tower["patch_size"], tower["hidden_size"] * tower["spatial_merge_size"] ** 2
    conv = tower.get("in_channels", 3) * tower["temporal_patch_size"] * patch * patch * width + width
    merger = merged * merged + merged + merged * out + out
    deep = len(tower.get("deepstack_visual_indexes") or ()) * (merger + 2 * merged)
    blocks = tower["depth"] * _block(width, inner)
    return int(conv + tower["num_position_embeddings"] * width + blocks + merger + 2 * width + deep)


def _gemma4(tower: dict[str, Any], text_width: int) -> int:
    """Gemma 4: two position tables, gated blocks with four norms and head norms, one matrix to the text."""
    width, inner, head = tower["hidden_size"], tower["intermediate_size"], tower["head_dim"]
    block = 4 * width + 4 * width * width + 2 * head + 3 * width * inner
    tables = 3 * tower["patch_size"] ** 2 * width + 2 * tower["position_embedding_size"] * width
    return int(tables + tower["num_hidden_layers"] * block + width * text_width)


def _pixtral(tower: dict[str, Any], text_width: int) -> int:
    """Pixtral: gated blocks without biases, patches merged by four, two matrices to the text."""
    width, inner = tower["hidden_size"], tower["intermediate_size"]
    patches = 3 * tower["patch_size"] ** 2 * width + width
    blocks = tower["num_hidden_layers"] * (4 * width * width + 3 * width * inner + 2 * width)
    return int(patches + blocks + 4 * width * width + width + width * text_width + text_width * text_width)


def _clip(tower: dict[str, Any], text_width: int) -> int:
    """CLIP as in LLaVA-NeXT: a class token, learned positions, two norms; two matrices and a newline to the text."""
    width, inner, patch = tower["hidden_size"], tower["intermediate_size"], tower["patch_size"]
    positions = (tower["image_size"] // patch) ** 2 + 1
    blocks = tower["num_hidden_layers"] * _block(width, inner)
    projector = width * text_width + text_width * text_width + 2 * text_width + text_width
    return int(width + 3 * patch * patch * width + positions * width + blocks + 4 * width + projector)


def _mllama(tower: dict[str, Any], text_width: int) -> int:
    """Llama 3.2 Vision: tables of positions and tiles for each shape of an image, local and gated global blocks."""
    width, inner = tower.get("hidden_size", 1280), tower.get("intermediate_size", 5120)
    patch, tiles = tower.get("patch_size", 14), tower.get("max_num_tiles", 4)
    patches = (tower.get("image_size", 448) // patch) ** 2 + 1
    shapes = len(tower.get("supported_aspect_ratios") or range(8)) + 1
    own, shared = tower.get("num_hidden_layers", 32), tower.get("num_global_layers", 8)
    block = 4 * width * width + 2 * width * inner + inner + width + 4 * width
    places = patches * width + shapes * tiles * patches * width + 2 * shapes * tiles * width + 3
    projector = (tower.get("vision_output_dim", 7680) + 1) * text_width
    blocks = (own + shared) * block + 2 * shared
    return int(3 * patch * patch * width + width + places + 4 * width + blocks + projector)


_TOWERS: dict[str, Callable[[dict[str, Any], int], int]] = {
    "siglip_vision_model": _siglip,
    "qwen3_vl": _qwen_vl,
    "qwen3_vl_moe": _qwen_vl,
    "qwen3_5": _qwen_vl,
    "qwen3_5_moe": _qwen_vl,
    "gemma4_vision": _gemma4,
    "pixtral": _pixtral,
    "mllama_vision_model": _mllama,
    "clip_vision_model": _clip,
}
