"""Encoder-decoders: the decoder as layers that attend to the encoder too, the encoder as parameters beside them.

A token of the prompt leaves keys and values of the encoder in each layer of the decoder, a token of the answer its own:
a cache of so many tokens is that of a decoder alone. Whisper's encoder leaves as many as it has positions.
"""

from infercost.models.families import attention, ffn
from infercost.models.families.config import Config
from infercost.models.families.towers import whisper_encoder
from infercost.models.model import Attention


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
