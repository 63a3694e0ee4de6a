"""Parameters beside layers, tables and the last norm."""

from infercost.families.config import Config


def nothing(config: Config) -> int:
    """No parameters beside layers, tables and the last norm."""
    return 0


def head_bias(config: Config) -> int:
    """A bias on the output table."""
    return config.need("vocab")


def stated_head_bias(config: Config) -> int:
    """A bias on the output table where ``lm_head_bias`` says so."""
    return config.need("vocab") * bool(config.raw("lm_head_bias"))


def embedding_norm(config: Config) -> int:
    """Bloom: a norm with bias after the input table."""
    return 2 * config.need("hidden")


def positions(config: Config) -> int:
    """A learned vector for each position."""
    return config.need("context") * config.need("hidden")


def opt_positions(config: Config) -> int:
    """OPT: the same, two rows to spare; narrower tables and their projections, and no last norm, in the smallest."""
    hidden = config.need("hidden")
    width = config.number("word_embed_proj_dim", hidden)
    narrower = (width - hidden) * config.need("vocab") + 2 * hidden * width * (width != hidden)
    last_norm = 0 if config.raw("do_layer_norm_before", True) else -2 * hidden
    return (config.need("context") + 2) * hidden + narrower + last_norm


def no_last_norm(config: Config) -> int:
    """OLMo: its norms have no parameters, the last one neither."""
    return -config.need("hidden")


def image_tokens(config: Config) -> int:
    """Llama 3.2 Vision: eight more rows of the input table than of the output's."""
    return 8 * config.need("hidden")
