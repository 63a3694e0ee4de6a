"""Parameters beside layers, tables and the last norm."""

from infercost.families.config import Config


def nothing(config: Config) -> int:
    """No parameters beside layers, tables and the last norm."""
    return 0


def head_bias(config: Config) -> int:
    """A bias on the output table."""
    return config.need("vocab")


def embedding_norm(config: Config) -> int:
    """Bloom: a norm with bias after the input table."""
    return 2 * config.need("hidden")


def positions(config: Config) -> int:
    """A learned vector for each position."""
    return config.need("context") * config.need("hidden")


def opt_positions(config: Config) -> int:
    """OPT: the same, with two rows to spare."""
    return (config.need("context") + 2) * config.need("hidden")
