"""Towers of newer models for images and sound, each with the projector that leads to the text: their parameters."""

from collections.abc import Callable

from infercost.models.families.blocks import Tower, joined_width, plain_block, siglip_blocks, whisper_blocks


def _patches(tower: Tower, width: int, usual: int) -> int:
    """A convolution with biases over patches of one frame."""
    return int((tower.get("num_channels", 3) * tower.get("patch_size", usual) ** 2 + 1) * width)


def _blocks(tower: Tower, width: int, inner: int, layers: int) -> int:
    return int(tower.get("num_hidden_layers", layers) * plain_block(width, inner))


def hunyuan(tower: Tower, text_width: int) -> int:
    """Hunyuan-VL: positions of the largest image, two convolutions that join patches, marks, two norms."""
    width, inner = tower.get("hidden_size", 1152), tower.get("intermediate_size", 4304)
    positions = (tower.get("max_image_size", 2048) // tower.get("patch_size", 16)) ** 2 + 1
    joined = 2 * width * (4 * width + 1) + 4 * width * (2 * width + 1)
    marks = 4 * width + 3 * text_width
    out = (4 * width + 1) * text_width + width + text_width
    start = _patches(tower, width, 16) + positions * width
    return int(start + _blocks(tower, width, inner, 27) + joined + marks + out)


def hunyuan_v4(tower: Tower, text_width: int) -> int:
    """Hunyuan 4 VL: the same with one convolution that joins patches, one mark and one norm."""
    width, inner = tower.get("hidden_size", 1536), tower.get("intermediate_size", 6144)
    out = tower.get("out_hidden_size", text_width)
    positions = (tower.get("max_image_size", 2048) // tower.get("patch_size", 16)) ** 2 + 1
    four = width * tower.get("spatial_merge_size", 2) ** 2
    joined = four * (four + 1) + out * (four + 1) + out + width
    return int(_patches(tower, width, 16) + positions * width + _blocks(tower, width, inner, 40) + joined)


def ernie(tower: Tower, text_width: int) -> int:
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


def dots3(tower: Tower, text_width: int) -> int:
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


def radio(tower: Tower, text_width: int) -> int:
    """Nemotron Nano Omni: C-RADIO with class tokens and registers, patches of images and videos, two matrices."""
    width, patch = tower["hidden_size"], tower.get("patch_size", 16)
    inner = int(width * tower.get("mlp_ratio", 4))
    positions = (tower.get("max_img_size", 2048) // patch) ** 2
    tokens = tower.get("num_cls_tokens", 3) + tower.get("num_registers", 7)
    pixels = 3 * patch * patch * (1 + tower.get("video_temporal_patch_size", 2))
    blocks = tower["num_hidden_layers"] * (plain_block(width, inner) + 2 * width)
    joined, between = 4 * width, tower.get("projector_hidden_size", text_width)
    return int((positions + tokens + pixels) * width + blocks + joined + joined * between + between * text_width)


def cosmos(tower: Tower, text_width: int) -> int:
    """Cosmos 3 Edge: SigLIP 2, a norm, and two matrices with biases from joined patches."""
    joined, inner = joined_width(tower, "spatial_merge_size", 2), tower.get("projector_hidden_size", 11520)
    norm = 2 * tower.get("hidden_size", 1152)
    return int(siglip_blocks(tower) + norm + (joined + 1) * inner + (inner + 1) * text_width)


def video_llama(tower: Tower, text_width: int) -> int:
    """VideoLLaMA 3: SigLIP without positions, two matrices with biases."""
    width, inner = tower.get("hidden_size", 768), tower.get("intermediate_size", 3072)
    projector = (width + 1) * text_width + (text_width + 1) * text_width
    return int(_patches(tower, width, 16) + _blocks(tower, width, inner, 12) + 2 * width + projector)


def resampler(tower: Tower, text_width: int) -> int:
    """MiniCPM-V: SigLIP; queries of the text's width attend to patches, then one matrix."""
    width, queries = tower.get("hidden_size", 1152), tower.get("query_num", 64)
    attends = width * text_width + 4 * text_width * (text_width + 1) + 6 * text_width
    return int(siglip_blocks(tower) + queries * text_width + attends + text_width * text_width)


def llava_onevision(tower: Tower, text_width: int) -> int:
    """LLaVA-OneVision: SigLIP, two matrices with biases, a newline."""
    projector = (tower.get("hidden_size", 1152) + 1) * text_width + (text_width + 1) * text_width
    return int(siglip_blocks(tower) + projector + text_width)


def aria(tower: Tower, text_width: int) -> int:
    """Aria: SigLIP; queries attend to patches by matrices of theirs and attention's own, then two to the text."""
    width, queries = tower.get("hidden_size", 1152), tower.get("queries", 256)
    attends = 3 * width * width + 3 * width * (width + 1) + 2 * width * (width + 1) + 6 * width
    return int(siglip_blocks(tower) + queries * width + attends + width * text_width + text_width * text_width)


def granite_docling(tower: Tower, text_width: int) -> int:
    """Granite Docling: SigLIP, a coarse and a fine way to the text, each with a merger for each deepstack level."""
    width, out = tower.get("hidden_size", 768), tower.get("out_hidden_size", text_width)
    coarse = width * tower.get("scale_factor", 4) ** 2
    fine = coarse // 4 * bool(tower.get("use_fine_route", 1))
    levels = len(tower.get("deepstack_visual_indexes") or ())
    ways = sum(way * out + levels * (2 * way + (way + 1) * out + (out + 1) * out) for way in (coarse, fine) if way)
    return int(siglip_blocks(tower) + 2 * width + ways + 2 * out + out * out + 2 * out)


def two_encoders(tower: Tower, text_width: int) -> int:
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


def qwen3_audio(tower: Tower, text_width: int) -> int:
    """Qwen3-Omni, Qwen3-ASR: convolutions over frames and bands, Whisper's blocks with all biases, two matrices."""
    width, between = tower["d_model"], tower.get("downsample_hidden_size", 480)
    bands = tower.get("num_mel_bins", 128)
    for _ in range(3):
        bands = (bands + 1) // 2
    convolved = 9 * between + between + 2 * (9 * between * between + between) + between * bands * width
    blocks = tower["encoder_layers"] * plain_block(width, tower["encoder_ffn_dim"])
    out = tower.get("output_dim", text_width)
    return int(convolved + blocks + 2 * width + (width + 1) * width + (width + 1) * out)


def voxtral_realtime(tower: Tower, text_width: int) -> int:
    """Voxtral Realtime: two convolutions, gated blocks whose keys have no bias, two matrices from joined frames."""
    width, inner, bands = tower["hidden_size"], tower["intermediate_size"], tower.get("num_mel_bins", 128)
    heads = tower.get("num_attention_heads", 32) * tower.get("head_dim", 64)
    block = 4 * width * heads + 2 * heads + width + 3 * width * inner + width + 2 * width
    joined = width * tower.get("downsample_factor", 4)
    projector = joined * text_width + text_width * text_width
    convolved = 3 * width * (bands + width) + 2 * width
    return int(convolved + width + tower["num_hidden_layers"] * block + projector)


def flamingo(tower: Tower, text_width: int) -> int:
    """Audio Flamingo 3: Whisper, two matrices with biases to the text."""
    projector = (tower["hidden_size"] + 1) * text_width + (text_width + 1) * text_width
    return int(whisper_blocks(tower) + projector)


def glm_audio(tower: Tower, text_width: int) -> int:
    """GLM-ASR: Whisper with computed positions; two matrices with biases, twice as wide inside as the text."""
    joined, between = tower["intermediate_size"], 2 * text_width
    projector = (joined + 1) * between + (between + 1) * text_width
    return int(whisper_blocks(tower, learned_positions=False) + projector)


def dots3_audio(tower: Tower, text_width: int) -> int:
    """Dots 3: three convolutions, gated blocks with biases but for keys, and two matrices behind a norm."""
    width, inner, between = tower["hidden_size"], tower["intermediate_size"], tower.get("downsample_hidden_size", 480)
    convolved = 9 * between + between + 2 * (9 * between * between + between) + tower["conv_output_size"] * width
    block = 4 * width * width + 3 * width + 2 * width + 3 * width * inner + 2 * inner + width
    out = tower.get("adapter_out_dim", text_width)
    return int(convolved + tower["num_hidden_layers"] * block + 3 * width + (width + 1) * out + (out + 1) * out)


def muse_audio(tower: Tower, text_width: int) -> int:
    """Muse Spark: stages of ConvNeXt over joined frames, a norm, one matrix with biases, a norm."""
    out, kernel, total, before = tower.get("out_hidden_size", text_width), tower.get("conv_kernel_size", 7), 0, 1
    ratio = int(tower.get("mlp_ratio", 4))
    for patch, width, depth in zip(tower["patch_sizes"], tower["hidden_sizes"], tower["depths"], strict=True):
        convolved = width * (kernel + 1) + width + (ratio + ratio) * width * width + ratio * width + width
        total += (patch * before + 1) * width + width + depth * convolved
        before = width
    return int(total + before + (before + 1) * out + out)


IMAGES: dict[str, Callable[[Tower, int], int]] = {
    "hunyuan_vl": hunyuan,
    "hy_v4_vl": hunyuan_v4,
    **dict.fromkeys(("ernie4_5_vl_moe", "ernie4_5_vl", "ernie4_5_moe_vl"), ernie),
    "dots3_note": dots3,
    "radio": radio,
    "cosmos3_edge": cosmos,
    "video_llama_3": video_llama,
    "granite_docling": granite_docling,
    "unlimited_ocr": two_encoders,
}
SOUNDS: dict[str, Callable[[Tower, int], int]] = {
    **dict.fromkeys(("qwen3_omni_moe", "qwen3_asr"), qwen3_audio),
    "voxtral_realtime": voxtral_realtime,
    "audioflamingo3": flamingo,
    "glmasr": glm_audio,
    "dots3_note": dots3_audio,
    "muse_spark": muse_audio,
}
