"""What stands beside a decoder: towers for images and sound with their projectors, the encoder of a pair."""

import re
from collections.abc import Callable
from typing import Any

from infercost.models.families import attention, ffn
from infercost.models.families.config import Config
from infercost.models.model import Attention

#: A tower's own model type, or its wrapper's where it has none, without what newer files add to it.
_SUFFIX = re.compile(r"_(vision_encoder|audio_encoder|vision_model|vision|vit|audio|encoder)$")
#: Keys of a projector, which a wrapper may hold beside its tower.
_PROJECTOR = (
    *("projector_hidden_size", "projector_use_layernorm", "downsample_factor", "alignment_intermediate_size"),
    *("scale_factor", "video_temporal_patch_size", "query_num"),
)
#: Configs of towers for sound that no count here knows.
_UNKNOWN = ("encoder_config", "acoustic_tokenizer_encoder_config", "speech_config", "sound_config")

#: Keys of towers for images that no count here knows: Phi-3-Vision, the first Qwen-VL, Ovis, LLaVA's own files.
_UNSEEN = ("img_processor", "visual", "visual_tokenizer_config", "vit_config", "mm_vision_tower")
#: Keys of what embeds images and sounds in the text where they have no configs of their own.
_EMBEDDED = {"vision_config": "image_embd_layer", "audio_config": "audio_embd_layer"}


#: Keys whose values are words, switches, ratios and lists.
_OTHERS = (
    *("norm_type", "attention_bias", "qkv_bias", "use_qk_norm", "qk_normalization", "pixel_shuffle_ratio", "mlp_ratio"),
    *("deepstack_visual_indexes", "supported_aspect_ratios", "subsampling_conv_channels", "projector_use_layernorm"),
    *("mlp_layer_types", "global_attn_indexes", "downsample_channels", "patch_sizes", "hidden_sizes", "depths"),
    "use_fine_route",
)


class Tower:
    """A tower's part of a config, whose numbers are held to the bounds of all others; KeyError for one without."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __getitem__(self, key: str) -> Any:
        if (value := self.get(key)) is None:
            raise KeyError(key)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        """A whole number, or what a key of another kind holds; the default where there is none."""
        value = self.config.raw(key)
        if value is None or key in _OTHERS:
            return default if value is None else value
        return self.config.whole(value, key)

    def part(self, key: str) -> "Tower":
        """A tower inside this one, by its section, or of class sizes where there is none."""
        return Tower(Config(self.config.raw(key, {}), f"{self.config.where}: {key}"))

    def at_layer(self, key: str, i: int) -> int:
        """A whole number as layer i has it, by the ``per_layer_config`` of newer files."""
        return self.config.layer(i).number(key)

    def sides(self, key: str, default: int) -> tuple[int, int]:
        """Both sides of what may be written as one number."""
        value = self.config.raw(key, default)
        both = value if isinstance(value, list) and len(value) == 2 else (value, value)
        return self.config.whole(both[0], key), self.config.whole(both[1], key)


#: Sizes of SigLIP's classes, as Gemma 3 has them.
_SIGLIP = (("hidden_size", 1152), ("intermediate_size", 4304), ("patch_size", 14))


Counts = Callable[[Tower, int], int]


def vision_params(config: Config) -> int | None:
    """Parameters of the vision tower and its projector; none is 0, a tower that is not known is None."""
    if any(level.get(key) and not isinstance(level.get(key), bool) for level in config.levels for key in _UNSEEN):
        return None
    return _count(config, "vision_config", _TOWERS)


def audio_params(config: Config) -> int | None:
    """The same of the tower for sound."""
    if any(isinstance(level.get(key), dict) for level in config.levels for key in _UNKNOWN):
        return None
    return _count(config, "audio_config", SOUNDS)


def _count(config: Config, key: str, towers: "dict[str, Counts]") -> int | None:
    found = ((level, level[key]) for level in config.levels if isinstance(level.get(key), dict))
    outer, tower = next(found, (config.outer, _embedded(config, key)))
    if tower is None:
        return 0
    name = str(tower.get("model_type") or config.outer.get("model_type") or "")
    count = _minimax_m3 if "img_token_compression_config" in tower else towers.get(_SUFFIX.sub("", name))
    if key == "vision_config":
        count = _WRAPPED.get(str(outer.get("model_type")), count)
    if count is None:
        named = tower.get("mm_projector_type") or tower.get("model_name")
        count = {"patchmerger": _kimi, "deeplip_b_l": _two_encoders}.get(str(named))
    given = {part: outer[part] for part in _PROJECTOR if isinstance(outer.get(part), int)}
    checked = Tower(Config({**given, **tower}, f"{config.where}: {key}"))
    try:
        return count(checked, config.need("hidden")) if count else None
    except KeyError:  # a class's own size stands for none of a checkpoint
        return None


def _embedded(config: Config, key: str) -> dict[str, Any] | None:
    """Phi-4-multimodal's own file: layers that embed images, whose tower its code knows, and sounds."""
    layers, sounds = config.raw("embd_layer"), config.raw("audio_processor")
    if not isinstance(layers, dict) or not isinstance(layers.get(_EMBEDDED[key]), dict):
        return None
    return sounds["config"] if key == "audio_config" and isinstance(sounds, dict) else {}


def _patches(tower: Tower, width: int, usual: int) -> int:
    """A convolution with biases over patches of one frame."""
    return int((tower.get("num_channels", 3) * tower.get("patch_size", usual) ** 2 + 1) * width)


def _blocks(tower: Tower, width: int, inner: int, layers: int) -> int:
    return int(tower.get("num_hidden_layers", layers) * plain_block(width, inner))


def _siglip(tower: Tower, text_width: int) -> int:
    """SigLIP as in Gemma 3: one matrix and a norm to the text."""
    width = tower.get("hidden_size", 1152)
    return int(siglip_blocks(tower) + width * text_width + width)


def _paligemma(tower: Tower, text_width: int) -> int:
    """SigLIP as in PaliGemma: one matrix with biases to the text."""
    return int(siglip_blocks(tower) + (tower.get("hidden_size", 1152) + 1) * text_width)


def _cohere2_vision(tower: Tower, text_width: int) -> int:
    """SigLIP as in Command A Vision: joined patches, a matrix whose one half gates the other, and one to the text."""
    inner = tower.get("alignment_intermediate_size", 36864)
    aligned = (joined_width(tower, "downsample_factor", 2) + 1) * inner + (inner // 2 + 1) * text_width
    return int(siglip_blocks(tower) + aligned)


def _aya_vision(tower: Tower, text_width: int) -> int:
    """SigLIP as in Aya Vision: the same behind a norm."""
    joined, inner = joined_width(tower, "downsample_factor", 2), tower.get("alignment_intermediate_size", text_width)
    return int(siglip_blocks(tower) + 2 * joined + (joined + 1) * inner + (inner // 2 + 1) * text_width)


def _lfm2_vl(tower: Tower, text_width: int) -> int:
    """SigLIP 2 as in LFM2-VL: a norm of joined patches where the file has one, two matrices to the text."""
    joined, inner = joined_width(tower, "downsample_factor", 2), tower.get("projector_hidden_size", 2560)
    norm = 2 * joined * bool(tower.get("projector_use_layernorm", 1))
    return int(siglip_blocks(tower) + norm + two_matrices(joined, inner, text_width))


def _idefics3(tower: Tower, text_width: int) -> int:
    """SigLIP as in Idefics3 and SmolVLM: one matrix from joined patches to the text."""
    return int(siglip_blocks(tower) + joined_width(tower, "scale_factor", 2) * text_width)


def _paddleocr(tower: Tower, text_width: int) -> int:
    """SigLIP as in PaddleOCR-VL: a norm, and two matrices from joined patches to the text."""
    joined = joined_width(tower, "spatial_merge_size", 2)
    norm = 2 * tower.get("hidden_size", 1152)
    return int(siglip_blocks(tower) + norm + two_matrices(joined, joined, text_width))


def _qwen_vl(tower: Tower, text_width: int) -> int:
    """Qwen3-VL and 3.5: patches over two frames, learned positions, and a merger, one more for each deepstack level."""
    width, inner, out = tower["hidden_size"], tower["intermediate_size"], tower["out_hidden_size"]
    patch, joined = tower["patch_size"], tower["hidden_size"] * tower["spatial_merge_size"] ** 2
    conv = tower.get("in_channels", 3) * tower["temporal_patch_size"] * patch * patch * width + width
    merger = joined * joined + joined + joined * out + out
    deep = len(tower.get("deepstack_visual_indexes") or ()) * (merger + 2 * joined)
    blocks = tower["depth"] * plain_block(width, inner)
    return int(conv + tower["num_position_embeddings"] * width + blocks + merger + 2 * width + deep)


def _gemma4(tower: Tower, text_width: int) -> int:
    """Gemma 4: two position tables, gated blocks with four norms and head norms, one matrix to the text."""
    width, inner, head = tower["hidden_size"], tower["intermediate_size"], tower["head_dim"]
    block = 4 * width + 4 * width * width + 2 * head + 3 * width * inner
    tables = 3 * tower["patch_size"] ** 2 * width + 2 * tower["position_embedding_size"] * width
    return int(tables + tower["num_hidden_layers"] * block + width * text_width)


def _pixtral(tower: Tower, text_width: int) -> int:
    """Pixtral: gated blocks without biases, patches merged by four, two matrices to the text."""
    width, inner = tower["hidden_size"], tower["intermediate_size"]
    patches = 3 * tower["patch_size"] ** 2 * width + width
    blocks = tower["num_hidden_layers"] * (4 * width * width + 3 * width * inner + 2 * width)
    return int(patches + blocks + 4 * width * width + width + width * text_width + text_width * text_width)


def _clip(tower: Tower, text_width: int) -> int:
    """CLIP as in LLaVA-NeXT: a class token, learned positions, two norms; two matrices and a newline to the text."""
    width, inner, patch = tower["hidden_size"], tower["intermediate_size"], tower["patch_size"]
    positions = (tower["image_size"] // patch) ** 2 + 1
    blocks = tower["num_hidden_layers"] * plain_block(width, inner)
    projector = width * text_width + text_width * text_width + 2 * text_width + text_width
    return int(width + 3 * patch * patch * width + positions * width + blocks + 4 * width + projector)


def _mllama(tower: Tower, text_width: int) -> int:
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


def _qwen2_vl(tower: Tower, text_width: int) -> int:
    """Qwen2-VL: patches over two frames without positions, blocks with biases, and a merger to the text."""
    width, ratio = tower.get("embed_dim", 1280), tower.get("mlp_ratio", 4)
    blocks = tower.get("depth", 32) * plain_block(width, width * ratio)
    return int(frames(tower, width) + blocks + 2 * width + merger(tower, width, tower.get("hidden_size", text_width)))


def _qwen2_5_vl(tower: Tower, text_width: int) -> int:
    """Qwen2.5-VL: the same with gated blocks whose norms have no bias; heads of EXAONE 4.5 share keys and values."""
    width, inner = tower["hidden_size"], tower["intermediate_size"]
    heads = tower.get("num_heads", 1)
    keys = width * tower.get("num_key_value_heads", heads) // heads
    block = 2 * (width + keys) * (width + 1) + 3 * width * inner + 2 * inner + width + 2 * width
    out = tower.get("out_hidden_size", text_width)
    return int(frames(tower, width) + tower.get("depth", 32) * block + width + merger(tower, width, out))


def _kimi(tower: Tower, text_width: int) -> int:
    """Kimi K2.5: MoonViT with learned positions, and a merger of four patches; its own file has names with ``vt``."""
    width = tower.get("vt_hidden_size", tower.get("hidden_size", 1152))
    inner = tower.get("vt_intermediate_size", tower.get("intermediate_size", 4304))
    layers = tower.get("vt_num_hidden_layers", tower.get("num_hidden_layers", 27))
    rows, columns = (
        tower.get(f"init_pos_emb_{side}", tower.get(f"pos_emb_{side}", 64)) for side in ("height", "width")
    )
    high, wide = tower.sides("merge_kernel_size", 2)
    joined = width * high * wide
    patches = 3 * tower.get("patch_size", 14) ** 2 * width + width + rows * columns * width
    projector = 2 * width + joined * joined + joined + joined * text_width + text_width
    return int(patches + layers * plain_block(width, inner) + 2 * width + projector)


def _llama4(tower: Tower, text_width: int) -> int:
    """Llama 4: a class token, learned positions, two norms, an adapter of merged patches, one matrix to the text."""
    width, inner, patch = tower["hidden_size"], tower["intermediate_size"], tower.get("patch_size", 14)
    positions = (tower["image_size"] // patch) ** 2 + 1
    adapter = inner * tower["projector_input_dim"] + tower["projector_input_dim"] * tower["projector_output_dim"]
    blocks = tower["num_hidden_layers"] * plain_block(width, inner)
    tables = 3 * patch * patch * width + width + positions * width + 4 * width
    return int(tables + blocks + adapter + tower["vision_output_dim"] * text_width)


def _minimax_m3(tower: Tower, text_width: int) -> int:
    """MiniMax-M3: patches over two frames, one norm before the blocks, four matrices with biases to the text."""
    width, inner = tower.get("hidden_size", 1280), tower.get("intermediate_size", 5120)
    blocks = tower.get("num_hidden_layers", 32) * plain_block(width, inner)
    joined, between = (
        text_width * tower.get("spatial_merge_size", 2) ** 2,
        tower.get("projector_hidden_size", text_width),
    )
    projector = (width + 1 + joined + 1) * between + 2 * (between + 1) * text_width
    return int(frames(tower, width) + 2 * width + blocks + projector)


def _glm4v(tower: Tower, text_width: int) -> int:
    """GLM-4.1V and 4.5V: gated blocks as wide inside as the text, patches joined by a convolution, a gated merger."""
    width, inner, out = tower["hidden_size"], tower["intermediate_size"], tower.get("out_hidden_size", text_width)
    patch = tower.get("patch_size", 14)
    positions = (tower.get("image_size", 336) // patch) ** 2 * width
    biases = 4 * width * bool(tower.get("attention_bias"))
    blocks = tower.get("depth", 24) * (4 * width * width + biases + 3 * width * out + 2 * width)
    joined = tower.get("spatial_merge_size", 2) ** 2 * width * out + out
    merger = out * out + 2 * out + 3 * out * inner
    return int(frames(tower, width) + width + positions + blocks + joined + 2 * width + merger)


def _glm_ocr(tower: Tower, text_width: int) -> int:
    """GLM-OCR: as GLM-5.3-Flash, the merger three times as wide inside as outside."""
    return _glm5_next(tower, text_width, tower.get("in_channels", 3) * tower.get("out_hidden_size", text_width))


def _glm5_next(tower: Tower, text_width: int, wide: int = 0) -> int:
    """GLM-5.3-Flash: the same with biases, norms of queries and keys, and no positions; the merger as wide as a key."""
    width, inner, out = tower["hidden_size"], tower["intermediate_size"], tower.get("out_hidden_size", text_width)
    wide, biases = wide or tower.get("projection_intermediate_size", 10240), bool(tower.get("attention_bias", True))
    norms = 2 * width + 2 * width // tower.get("num_heads", 16)
    block = 4 * width * width + 3 * width * inner + (5 * width + 2 * inner) * biases + norms
    joined = tower.get("spatial_merge_size", 2) ** 2 * width * out + out
    merger = out * out + 2 * out + 3 * out * wide
    return int(frames(tower, width) + width + tower.get("depth", 24) * block + joined + width + merger)


def _internvl(tower: Tower, text_width: int) -> int:
    """InternViT: a class token, learned positions, scaled branches; a norm and two matrices to the text."""
    width, inner = tower["hidden_size"], tower["intermediate_size"]
    patch = tower.sides("patch_size", 14)[0]
    positions = (tower.sides("image_size", 448)[0] // patch) ** 2 + 1
    has_bias = tower.get("attention_bias", tower.get("qkv_bias", False))
    norms = 2 * width * bool(tower.get("use_qk_norm", tower.get("qk_normalization", False)))
    block = plain_block(width, inner) + 2 * width - (0 if has_bias else 3 * width) + norms
    if tower.get("norm_type") == "rms_norm":
        block -= 2 * width
    joined = 4 * width
    projector = 2 * joined + joined * text_width + text_width * text_width + 2 * text_width
    return int(
        width + positions * width + 3 * patch**2 * width + width + tower["num_hidden_layers"] * block + projector
    )


def _step3(tower: Tower, text_width: int) -> int:
    """Step-3.7: learned positions, scaled branches, two convolutions that halve each side, one matrix to the text."""
    width, patch = tower.get("hidden_size", tower.get("width", 1536)), tower.get("patch_size", 14)
    inner = tower.get("intermediate_size", int(width * tower.get("mlp_ratio", 8960 / 1536)))
    layers = tower.get("num_hidden_layers", tower.get("layers", 47))
    positions = (tower.get("image_size", 728) // patch) ** 2
    halved = 9 * width * 2 * width + 2 * width + 9 * 2 * width * 4 * width + 4 * width
    blocks = layers * (plain_block(width, inner) + 2 * width)
    return int(3 * patch**2 * width + positions * width + 2 * width + blocks + halved + 4 * width * text_width)


def _muse(tower: Tower, text_width: int) -> int:
    """Muse Glimmer: patches over two frames, learned positions, two norms; three matrices to the text."""
    width, inner = tower.get("hidden_size", 1536), tower.get("intermediate_size", 8960)
    patches = tower.get("patch_temporal", 2) * 3 * tower.get("patch_size", 14) ** 2 * width
    positions = tower.get("pos_emb_height", 32) * tower.get("pos_emb_width", 32) * width
    blocks = tower.get("num_hidden_layers", 50) * plain_block(width, inner)
    joined, out = width * tower.get("merge_size", 2) ** 2, tower.get("projector_hidden_size", 4096)
    return int(patches + positions + blocks + 4 * width + joined * out + out * out + out * text_width)


def _deepseek_v41(tower: Tower, text_width: int) -> int:
    """DeepSeek-V4.1: gated blocks whose attention has biases; two matrices from merged patches, three vectors."""
    width, inner, patch = tower["hidden_size"], tower["intermediate_size"], tower["patch_size"]
    block = 4 * width * width + 4 * width + 3 * width * inner + 2 * width
    joined = width * tower["downsample_ratio"] ** 2
    aligner = joined * text_width + text_width * text_width + 2 * text_width
    patches = 3 * patch * patch * width + width
    return int(patches + tower["num_hidden_layers"] * block + width + aligner + 3 * text_width)


def _minicpmv(tower: Tower, text_width: int) -> int:
    """MiniCPM-V 4.6: SigLIP whose patches merge by four within its blocks, and by four again on the way to the text."""
    width, inner, patch = tower["hidden_size"], tower["intermediate_size"], tower["patch_size"]
    patches = 3 * patch * patch * width + width + (tower["image_size"] // patch) ** 2 * width
    joined, wide = 4 * width, 4 * inner
    attends = 4 * width * width + 4 * width + 2 * width
    within = attends + 2 * joined + joined * wide + wide + wide * width + width
    merger = 2 * joined + joined * joined + joined + joined * text_width + text_width
    return int(patches + tower["num_hidden_layers"] * plain_block(width, inner) + 2 * width + within + merger)


def _phi4(tower: Tower, text_width: int) -> int:
    """Phi-4-multimodal: SigLIP with the head that pools it, which nothing uses; two matrices and two vectors."""
    width, inner, patch = (
        tower.get("hidden_size", 1152),
        tower.get("intermediate_size", 4304),
        tower.get("patch_size", 14),
    )
    patches = 3 * patch * patch * width + width + (tower.get("image_size", 448) // patch) ** 2 * width
    head = width + 4 * width * width + 4 * width + 2 * width + 2 * width * inner + inner + width
    blocks = tower.get("num_hidden_layers", 27) * plain_block(width, inner)
    projector = width * text_width + text_width * text_width + 2 * text_width + 2 * width
    return int(patches + blocks + 2 * width + head + projector)


def _gemma4_unified(tower: Tower, text_width: int) -> int:
    """Gemma 4 12B: no tower but one matrix from pooled patches, positions, three norms, and one matrix to the text."""
    width = tower.get("mm_embed_dim", 3840)
    patch = 3 * (tower.get("patch_size", 16) * tower.get("pooling_kernel_size", 3)) ** 2
    places = 2 * tower.get("mm_posemb_size", 1120) * width
    return int(2 * patch + patch * width + width + 4 * width + places + width * text_width)


def _hunyuan(tower: Tower, text_width: int) -> int:
    """Hunyuan-VL: positions of the largest image, two convolutions that join patches, marks, two norms."""
    width, inner = tower.get("hidden_size", 1152), tower.get("intermediate_size", 4304)
    positions = (tower.get("max_image_size", 2048) // tower.get("patch_size", 16)) ** 2 + 1
    joined = 2 * width * (4 * width + 1) + 4 * width * (2 * width + 1)
    marks = 4 * width + 3 * text_width
    out = (4 * width + 1) * text_width + width + text_width
    start = _patches(tower, width, 16) + positions * width
    return int(start + _blocks(tower, width, inner, 27) + joined + marks + out)


def _hunyuan_v4(tower: Tower, text_width: int) -> int:
    """Hunyuan 4 VL: the same with one convolution that joins patches, one mark and one norm."""
    width, inner = tower.get("hidden_size", 1536), tower.get("intermediate_size", 6144)
    out = tower.get("out_hidden_size", text_width)
    positions = (tower.get("max_image_size", 2048) // tower.get("patch_size", 16)) ** 2 + 1
    four = width * tower.get("spatial_merge_size", 2) ** 2
    joined = four * (four + 1) + out * (four + 1) + out + width
    return int(_patches(tower, width, 16) + positions * width + _blocks(tower, width, inner, 40) + joined)


def _ernie(tower: Tower, text_width: int) -> int:
    """ERNIE 4.5 VL: blocks as of Qwen2-VL; patches joined in space, then in time, a matrix to the text, two norms."""
    width, inner = tower.get("hidden_size", 1280), tower.get("intermediate_size", 4 * tower.get("hidden_size", 1280))
    joined = width * tower.get("spatial_merge_size", 2) ** 2
    frames_joined = joined * tower.get("temporal_merge_size", tower.get("temporal_patch_size", 2))
    space, time = (
        2 * joined * (joined + 1) + 2 * joined,
        joined * (frames_joined + 1) + joined * (joined + 1) + 2 * joined,
    )
    start = 3 * tower.get("patch_size", 14) ** 2 * width + 2 * width
    blocks = tower.get("depth", 32) * plain_block(width, inner)
    return int(start + blocks + space + time + (joined + 1) * text_width + text_width)


def _dots3(tower: Tower, text_width: int) -> int:
    """Dots 3: gated blocks with norms of heads, experts in the last ones, a norm of patches and a merger."""
    width, inner, out = tower["hidden_size"], tower["intermediate_size"], tower.get("adapter_out_dim", text_width)
    head, layers = width // tower["num_attention_heads"], tower["num_hidden_layers"]
    words, expert = tower.get("mlp_layer_types", ["dense"] * layers), 3 * width * tower.get("moe_intermediate_size", 0)
    fed = sum(
        tower.at_layer("num_local_experts", i) * (expert + width) if word == "sparse" else 3 * width * inner
        for i, word in enumerate(words)
    )
    blocks = layers * (4 * width * width + 2 * width + 2 * head) + fed
    joined = width * tower.get("adapter_merge_size", 2) ** 2
    return int(
        _patches(tower, width, 14) + width + blocks + width + 2 * width + joined * (joined + 1) + (joined + 1) * out
    )


def _radio(tower: Tower, text_width: int) -> int:
    """Nemotron Nano Omni: C-RADIO with class tokens and registers, patches of images and videos, two matrices."""
    width, patch = tower["hidden_size"], tower.get("patch_size", 16)
    inner = int(width * tower.get("mlp_ratio", 4))
    positions = (tower.get("max_img_size", 2048) // patch) ** 2
    tokens = tower.get("num_cls_tokens", 3) + tower.get("num_registers", 7)
    pixels = 3 * patch * patch * (1 + tower.get("video_temporal_patch_size", 2))
    blocks = tower["num_hidden_layers"] * (plain_block(width, inner) + 2 * width)
    joined, between = 4 * width, tower.get("projector_hidden_size", text_width)
    return int((positions + tokens + pixels) * width + blocks + joined + joined * between + between * text_width)


def _cosmos(tower: Tower, text_width: int) -> int:
    """Cosmos 3 Edge: SigLIP 2, a norm, and two matrices with biases from joined patches."""
    joined, inner = joined_width(tower, "spatial_merge_size", 2), tower.get("projector_hidden_size", 11520)
    norm = 2 * tower.get("hidden_size", 1152)
    return int(siglip_blocks(tower) + norm + two_matrices(joined, inner, text_width))


def _video_llama(tower: Tower, text_width: int) -> int:
    """VideoLLaMA 3: SigLIP without positions, two matrices with biases."""
    width, inner = tower.get("hidden_size", 768), tower.get("intermediate_size", 3072)
    projector = two_matrices(width, text_width, text_width)
    return int(_patches(tower, width, 16) + _blocks(tower, width, inner, 12) + 2 * width + projector)


def _resampler(tower: Tower, text_width: int) -> int:
    """MiniCPM-V: SigLIP; queries of the text's width attend to patches, then one matrix."""
    width, queries = tower.get("hidden_size", 1152), tower.get("query_num", 64)
    attends = width * text_width + 4 * text_width * (text_width + 1) + 6 * text_width
    return int(siglip_blocks(tower) + queries * text_width + attends + text_width * text_width)


def _llava_onevision(tower: Tower, text_width: int) -> int:
    """LLaVA-OneVision: SigLIP, two matrices with biases, a newline."""
    projector = two_matrices(tower.get("hidden_size", 1152), text_width, text_width)
    return int(siglip_blocks(tower) + projector + text_width)


def _aria(tower: Tower, text_width: int) -> int:
    """Aria: SigLIP; queries attend to patches by matrices of theirs and attention's own, then two to the text."""
    width, queries = tower.get("hidden_size", 1152), tower.get("queries", 256)
    attends = 3 * width * width + 3 * width * (width + 1) + 2 * width * (width + 1) + 6 * width
    return int(siglip_blocks(tower) + queries * width + attends + width * text_width + text_width * text_width)


def _granite_docling(tower: Tower, text_width: int) -> int:
    """Granite Docling: SigLIP, a coarse and a fine way to the text, each with a merger for each deepstack level."""
    width, out = tower.get("hidden_size", 768), tower.get("out_hidden_size", text_width)
    coarse = width * tower.get("scale_factor", 4) ** 2
    fine = coarse // 4 * bool(tower.get("use_fine_route", 1))
    levels = len(tower.get("deepstack_visual_indexes") or ())
    ways = sum(way * out + levels * (2 * way + (way + 1) * out + (out + 1) * out) for way in (coarse, fine) if way)
    return int(siglip_blocks(tower) + 2 * width + ways + 2 * out + out * out + 2 * out)


def _two_encoders(tower: Tower, text_width: int) -> int:
    """DeepSeek-OCR: SAM whose patches are joined by convolutions, CLIP over them, one matrix from both; two marks.

    Its own file says the names of the encoders alone, whose sizes are those of newer files.
    """
    sam, clip = tower.part("sam_config"), tower.part("encoder_config")
    width, layers = sam.get("hidden_size", 768), sam.get("num_hidden_layers", 12)
    patch, seen, out = sam.get("patch_size", 16), sam.get("global_attn_indexes", [2, 5, 8, 11]), 256
    side, head = sam.get("image_size", 1024) // patch, width // sam.get("num_attention_heads", 12)
    distances = 2 * head * (len(seen) * (2 * side - 1) + (layers - len(seen)) * (2 * sam.get("window_size", 14) - 1))
    first, last = sam.get("downsample_channels", (512, 1024))
    neck = width * out + 9 * out * out + 4 * out + 9 * out * first + 9 * first * last
    blocks = layers * plain_block(width, sam.get("mlp_dim", 4 * width)) + distances
    images = _patches(sam, width, 16) + side * side * width + blocks + neck
    own, inner = clip.get("hidden_size", 1024), clip.get("intermediate_size", 4096)
    positions = (clip.get("image_size", 224) // clip.get("patch_size", 14)) ** 2 + 1
    words = own + positions * own + 2 * own + _blocks(clip, own, inner, 24)
    return int(images + words + (last + own + 1) * text_width + 2 * text_width)


_TOWERS: dict[str, Counts] = {
    "hunyuan_vl": _hunyuan,
    "hy_v4_vl": _hunyuan_v4,
    **dict.fromkeys(("ernie4_5_vl_moe", "ernie4_5_vl", "ernie4_5_moe_vl"), _ernie),
    "dots3_note": _dots3,
    "radio": _radio,
    "cosmos3_edge": _cosmos,
    "video_llama_3": _video_llama,
    "granite_docling": _granite_docling,
    "unlimited_ocr": _two_encoders,
    **dict.fromkeys(("siglip", "gemma3", "gemma3_text"), _siglip),
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "qwen3_omni_moe", "qwen4_exp"), _qwen_vl),
    "qwen2_vl": _qwen2_vl,
    **dict.fromkeys(("qwen2_5_vl", "qwen2_5_omni", "exaone4_5"), _qwen2_5_vl),
    "gemma4": _gemma4,
    **dict.fromkeys(("pixtral", "mistral3"), _pixtral),
    "mllama": _mllama,
    **dict.fromkeys(("clip", "llava", "llava_next"), _clip),
    "llama4": _llama4,
    **dict.fromkeys(("kimi_k25", "kimi_vl", "moonvit"), _kimi),
    **dict.fromkeys(("minimax_m3_vl", "minimax_m3"), _minimax_m3),
    **dict.fromkeys(("glm4v", "glm4v_moe"), _glm4v),
    **dict.fromkeys(("internvl", "internvl_chat", "intern_vit_6b", "qianfan_ocr"), _internvl),
    **dict.fromkeys(("step3p5", "step3p7"), _step3),
    "glm5_next": _glm5_next,
    "glm_ocr": _glm_ocr,
    "deepseek_v41": _deepseek_v41,
    **dict.fromkeys(("minicpmv4_6", "minicpmv4_7", "minicpm_ocr"), _minicpmv),
    **dict.fromkeys(("phi4mm", "phi4_multimodal"), _phi4),
    **dict.fromkeys(("muse_glimmer", "muse_spark"), _muse),
    "gemma4_unified": _gemma4_unified,
    **dict.fromkeys(("idefics3", "smolvlm"), _idefics3),
    "paddleocr_vl": _paddleocr,
}
#: Models whose tower is another's, and what leads to the text their own.
_WRAPPED = {
    **dict.fromkeys(("minicpmv", "minicpmo"), _resampler),
    "llava_onevision": _llava_onevision,
    "aria": _aria,
    "ernie4_5_moe_vl": _ernie,
    "paligemma": _paligemma,
    "cohere2_vision": _cohere2_vision,
    "aya_vision": _aya_vision,
    "lfm2_vl": _lfm2_vl,
}


# What towers have in common: their part of a config, blocks, patches, mergers; the encoders of SigLIP and Whisper.


def plain_block(width: int, inner: int) -> int:
    """A transformer block with biases and two norms."""
    return 4 * width * width + 2 * width * inner + 4 * width + inner + width + 4 * width


def siglip_blocks(tower: Tower) -> int:
    """SigLIP without what leads to the text: convolved patches, learned positions, a last norm."""
    width, inner, patch = (tower.get(*each) for each in _SIGLIP)
    positions = tower.get("num_patches", 0) or (tower.get("image_size", 896) // patch) ** 2
    blocks = tower.get("num_hidden_layers", 27) * plain_block(width, inner)
    return int(3 * patch * patch * width + width + positions * width + blocks + 2 * width)


def joined_width(tower: Tower, factor: str, default: int) -> int:
    """The width of patches that are joined on both sides."""
    return int(tower.get("hidden_size", 1152) * tower.get(factor, default) ** 2)


def two_matrices(width: int, inner: int, out: int) -> int:
    """A projector of two matrices with biases."""
    return (width + 1) * inner + (inner + 1) * out


def whisper_blocks(tower: Tower, *, learned_positions: bool = True) -> int:
    """Whisper's encoder: two convolutions over bands, positions, blocks whose keys have no bias, a last norm."""
    width, bands = tower.get("d_model", 0) or tower["hidden_size"], tower.get("num_mel_bins", 128)
    inner = tower.get("encoder_ffn_dim", 0) or tower["intermediate_size"]
    layers = tower.get("encoder_layers", 0) or tower["num_hidden_layers"]
    positions = tower.get("max_source_positions", 1500) * width * learned_positions
    return int(
        3 * width * (bands + width) + 2 * width + positions + layers * (plain_block(width, inner) - width) + 2 * width
    )


def frames(tower: Tower, width: int) -> int:
    """Patches over two frames, without a bias."""
    channels = tower.get("in_channels", tower.get("in_chans", 3))
    return int(channels * tower.get("temporal_patch_size", 2) * tower.get("patch_size", 14) ** 2 * width)


def merger(tower: Tower, width: int, out: int) -> int:
    """Two matrices with biases from merged patches to the text."""
    joined = width * tower.get("spatial_merge_size", 2) ** 2
    return int(joined * joined + joined + joined * out + out)


# Towers for sound, each with the projector that leads to the text: their parameters.


def whisper_encoder(config: Config) -> int:
    """Parameters of Whisper's encoder, from the config of the whole model."""
    return whisper_blocks(Tower(config))


def _qwen2_audio(tower: Tower, text_width: int) -> int:
    """Whisper as in Qwen2-Audio: one matrix with biases to the text."""
    return int(whisper_blocks(tower) + (tower["d_model"] + 1) * text_width)


def _qwen2_5_omni_audio(tower: Tower, text_width: int) -> int:
    """Whisper as in Qwen2.5-Omni: computed positions, two vectors that frame a sound, one matrix to the text."""
    return int(
        whisper_blocks(tower, learned_positions=False) + (tower["d_model"] + 3) * tower.get("output_dim", text_width)
    )


def _voxtral(tower: Tower, text_width: int) -> int:
    """Whisper as in Voxtral: two matrices from joined frames to the text."""
    return int(whisper_blocks(tower) + tower["intermediate_size"] * text_width + text_width * text_width)


def _phi4_audio(tower: Tower, text_width: int) -> int:
    """Its conformer: convolutions that halve frames and bands, blocks with gates; matrices to the text twice over."""
    width, inner = (
        tower.get(name, tower.get(old, usual))
        for name, old, usual in (("hidden_size", "attention_dim", 1024), ("intermediate_size", "linear_units", 1536))
    )
    channels, kernel = tower.get("nemo_conv_channels", 1024), tower.get("kernel_size", 3)
    bands, halvings = tower.get("input_size", 80), tower.get("time_reduction", 8).bit_length() - 1
    start = 10 * channels + (halvings - 1) * (10 * channels + channels * channels + channels)
    start += channels * -(-bands >> halvings) * width + width + 2 * bands
    fed = 2 * width + 3 * width * inner + 2 * inner + width
    convolved = 2 * width + 2 * width * width + 4 * width + (kernel + 1) * width + 2 * (width * width + width)
    block = 2 * fed + 4 * width * width + 4 * width + convolved + 4 * width
    distances = 1000 * tower.get("num_attention_heads", tower.get("attention_heads", 16))
    projector = 2 * (width * text_width + text_width * text_width + 2 * text_width)
    return int(start + tower.get("num_blocks", 24) * block + distances + projector)


def _gemma4_audio(tower: Tower, text_width: int) -> int:
    """Gemma 4: two convolutions, blocks of attention between two halves of a feed-forward part and a convolution."""
    width, heads = tower.get("hidden_size", 1024), tower.get("num_attention_heads", 8)
    first, second = tower.get("subsampling_conv_channels", (128, 32))
    start = 9 * first + first + 9 * first * second + second + first // 4 * second * width
    attention, halves = 5 * width * width + width // heads, 2 * (8 * width * width + 2 * width)
    convolved = 3 * width * width + tower.get("conv_kernel_size", 5) * width + 2 * width
    blocks = tower.get("num_hidden_layers", 12) * (attention + halves + convolved + 3 * width)
    out = tower.get("output_proj_dims", 1536)
    return int(start + blocks + width * out + out + out * text_width)


def _gemma4_unified_audio(tower: Tower, text_width: int) -> int:
    """Gemma 4 12B: one matrix from frames to the text."""
    return int(tower.get("audio_embed_dim", 640) * text_width)


def _qwen3_audio(tower: Tower, text_width: int) -> int:
    """Qwen3-Omni, Qwen3-ASR: convolutions over frames and bands, Whisper's blocks with all biases, two matrices."""
    width, between = tower["d_model"], tower.get("downsample_hidden_size", 480)
    bands = tower.get("num_mel_bins", 128)
    for _ in range(3):
        bands = (bands + 1) // 2
    convolved = 9 * between + between + 2 * (9 * between * between + between) + between * bands * width
    blocks = tower["encoder_layers"] * plain_block(width, tower["encoder_ffn_dim"])
    out = tower.get("output_dim", text_width)
    return int(convolved + blocks + 2 * width + (width + 1) * width + (width + 1) * out)


def _voxtral_realtime(tower: Tower, text_width: int) -> int:
    """Voxtral Realtime: two convolutions, gated blocks whose keys have no bias, two matrices from joined frames."""
    width, inner, bands = tower["hidden_size"], tower["intermediate_size"], tower.get("num_mel_bins", 128)
    heads = tower.get("num_attention_heads", 32) * tower.get("head_dim", 64)
    block = 4 * width * heads + 2 * heads + width + 3 * width * inner + width + 2 * width
    joined = width * tower.get("downsample_factor", 4)
    projector = joined * text_width + text_width * text_width
    convolved = 3 * width * (bands + width) + 2 * width
    return int(convolved + width + tower["num_hidden_layers"] * block + projector)


def _flamingo(tower: Tower, text_width: int) -> int:
    """Audio Flamingo 3: Whisper, two matrices with biases to the text."""
    return int(whisper_blocks(tower) + two_matrices(tower["hidden_size"], text_width, text_width))


def _glm_audio(tower: Tower, text_width: int) -> int:
    """GLM-ASR: Whisper with computed positions; two matrices with biases, twice as wide inside as the text."""
    joined, between = tower["intermediate_size"], 2 * text_width
    return int(whisper_blocks(tower, learned_positions=False) + two_matrices(joined, between, text_width))


def _dots3_audio(tower: Tower, text_width: int) -> int:
    """Dots 3: three convolutions, gated blocks with biases but for keys, and two matrices behind a norm."""
    width, inner, between = tower["hidden_size"], tower["intermediate_size"], tower.get("downsample_hidden_size", 480)
    convolved = 9 * between + between + 2 * (9 * between * between + between) + tower["conv_output_size"] * width
    block = 4 * width * width + 3 * width + 2 * width + 3 * width * inner + 2 * inner + width
    out = tower.get("adapter_out_dim", text_width)
    return int(convolved + tower["num_hidden_layers"] * block + 3 * width + (width + 1) * out + (out + 1) * out)


def _muse_audio(tower: Tower, text_width: int) -> int:
    """Muse Spark: stages of ConvNeXt over joined frames, a norm, one matrix with biases, a norm."""
    out, kernel, total, before = tower.get("out_hidden_size", text_width), tower.get("conv_kernel_size", 7), 0, 1
    ratio = int(tower.get("mlp_ratio", 4))
    for patch, width, depth in zip(tower["patch_sizes"], tower["hidden_sizes"], tower["depths"], strict=True):
        convolved = width * (kernel + 1) + width + (ratio + ratio) * width * width + ratio * width + width
        total += (patch * before + 1) * width + width + depth * convolved
        before = width
    return int(total + before + (before + 1) * out + out)


#: What counts a tower by its model type.
SOUNDS: dict[str, Counts] = {
    **dict.fromkeys(("qwen3_omni_moe", "qwen3_asr"), _qwen3_audio),
    "voxtral_realtime": _voxtral_realtime,
    "audioflamingo3": _flamingo,
    "glmasr": _glm_audio,
    "dots3_note": _dots3_audio,
    "muse_spark": _muse_audio,
    "gemma4": _gemma4_audio,
    "gemma4_unified": _gemma4_unified_audio,
    **dict.fromkeys(("phi4mm", "phi4_multimodal"), _phi4_audio),
    **dict.fromkeys(("qwen2_audio", "qwen2"), _qwen2_audio),
    "qwen2_5_omni": _qwen2_5_omni_audio,
    "voxtral": _voxtral,
}


# Encoder-decoders: the decoder as layers that attend to the encoder too, the encoder as parameters beside them.
#
# A token of the prompt leaves keys and values of the encoder in each layer of the decoder, a token of the answer its
# own: a cache of so many tokens is that of a decoder alone. Whisper's encoder leaves as many as it has positions.


def decoder(config: Config) -> Config:
    """The config of the decoder, whose keys say which part they are of."""
    own = {
        "num_hidden_layers": config.number("decoder_layers"),
        "num_attention_heads": config.number("decoder_attention_heads"),
        "intermediate_size": config.number("decoder_ffn_dim"),
    }
    if config.raw("max_target_positions") is not None:
        own["max_position_embeddings"] = config.number("max_target_positions")
    return config.having(own)


def t5_decoder(config: Config) -> Config:
    """The config of T5's decoder: as many layers as the encoder has unless a key says otherwise."""
    layers = config.number("num_layers")
    own = {
        "num_hidden_layers": config.number("num_decoder_layers", layers),
        "num_attention_heads": config.number("num_heads"),
        "head_dim": config.number("d_kv"),
        "intermediate_size": config.number("d_ff"),
    }
    having = config.having(own)
    having.defaults = {**config.defaults, "gated": str(config.raw("feed_forward_proj", "relu")).startswith("gated")}
    return having


def crossed(config: Config, i: int) -> Attention:
    """Attention to earlier tokens, and matrices of the same sizes for what the encoder says."""
    base = attention.grouped(config, i)
    matrices = (("encoder_attn|EncDecAttention", base.split),)
    return base._replace(split=2 * base.split, small=2 * base.small, matrices=matrices)


def whisper(config: Config, i: int) -> Attention:
    """The same with keys that have no bias, and keys and values of every position of a sound."""
    base = crossed(config, i)
    keys = base.kv_heads * base.head_dim
    positions = config.number("max_source_positions", 1500)
    return base._replace(small=base.small - 2 * keys, conv=2 * keys * positions)


def whisper_sounds(config: Config) -> int:
    """The encoder of Whisper."""
    return whisper_encoder(config.having({"num_mel_bins": config.number("num_mel_bins", 80)}))


def _encoder_blocks(config: Config) -> int:
    """Blocks with biases and two norms, of BART and its kin."""
    hidden, inner = config.need("hidden"), config.number("encoder_ffn_dim")
    block = 4 * hidden * hidden + 2 * hidden * inner + 9 * hidden + inner
    return config.number("encoder_layers") * block


def _learned(config: Config) -> int:
    return (config.need("context") + 2) * config.need("hidden")


def bart_encoder(config: Config) -> int:
    """Blocks, learned positions, and a norm of the input; MBart has one at the end too."""
    norms = 2 * config.need("hidden") * (2 if config.family == "mbart" else 1)
    return _encoder_blocks(config) + _learned(config) + norms


def bart_positions(config: Config) -> int:
    """Learned positions of the decoder; MBart has a norm of its input beside the last one."""
    return _learned(config) + 2 * config.need("hidden") * (config.family == "mbart")


def m2m_encoder(config: Config) -> int:
    """Blocks and a last norm: positions are computed."""
    return _encoder_blocks(config) + 2 * config.need("hidden")


def t5(config: Config, i: int) -> Attention:
    """Without biases; UMT5 has a table of distances on every layer."""
    base = crossed(config, i)
    return base._replace(small=base.small + t5_distances(config) * (config.family == "umt5"))


def t5_distances(config: Config) -> int:
    """A bias for each bucket of distances and head."""
    return config.number("relative_attention_num_buckets", 32) * config.need("heads")


def t5_encoder(config: Config) -> int:
    """Layers like those of the decoder without what attends to an encoder; their tables of distances."""
    part, hidden, layers = attention.grouped(config, 0), config.need("hidden"), config.number("num_layers")
    tables = layers if config.family == "umt5" else 1
    return layers * (part.split + ffn.dense(config, 0).dense + 2 * hidden) + hidden + tables * t5_distances(config)


def t5_tables(config: Config) -> int:
    """The decoder's table of distances, where its layers have none of their own."""
    return t5_distances(config) * (config.family != "umt5")
