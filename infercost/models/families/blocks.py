"""What towers have in common: their part of a config, blocks, patches, mergers; the encoders of SigLIP and Whisper."""

from collections.abc import Callable
from typing import Any

from infercost.models.families.config import Config

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


def plain_block(width: int, inner: int) -> int:
    """A transformer block with biases and two norms."""
    return 4 * width * width + 2 * width * inner + 4 * width + inner + width + 4 * width


def siglip_blocks(tower: Tower) -> int:
    """SigLIP without what leads to the text: convolved patches, learned positions, a last norm."""
    width, inner, patch = (tower.get(*each) for each in _SIGLIP)
    positions = tower.get("num_patches", 0) or (tower.get("image_size", 896) // patch) ** 2
    blocks = tower.get("num_hidden_layers", 27) * plain_block(width, inner)
    return int(3 * patch * patch * width + width + positions * width + blocks + 2 * width)


#: Sizes of SigLIP's classes, as Gemma 3 has them.
_SIGLIP = (("hidden_size", 1152), ("intermediate_size", 4304), ("patch_size", 14))


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


Counts = Callable[[Tower, int], int]
