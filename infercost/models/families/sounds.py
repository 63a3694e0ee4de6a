"""Towers for sound, each with the projector that leads to the text: their parameters."""

from infercost.models.families.blocks import Counts, Tower, plain_block, two_matrices, whisper_blocks
from infercost.models.families.config import Config


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
