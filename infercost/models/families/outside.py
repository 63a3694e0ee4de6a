"""Parameters outside the layers of a model: positions, further tables, what joins residual streams, encoders' heads."""

from collections.abc import Callable

from infercost.models.families.config import Config


def vectors(count: int) -> Callable[[Config], int]:
    """So many vectors of the hidden size; below zero, so many less than other families have."""
    return lambda config: count * config.need("hidden")


def positions(config: Config) -> int:
    """A learned vector for each position."""
    return config.need("context") * config.need("hidden")


def opt_positions(config: Config) -> int:
    """OPT: two positions to spare; narrower tables and their projections, and no last norm, in the smallest models."""
    hidden = config.need("hidden")
    width = config.number("word_embed_proj_dim", hidden)
    narrower = (width - hidden) * config.need("vocab") + 2 * hidden * width * (width != hidden)
    last_norm = 0 if config.raw("do_layer_norm_before", True) else -2 * hidden
    return (config.need("context") + 2) * hidden + narrower + last_norm


def layer_inputs(config: Config) -> int:
    """Gemma 3n and 4: a projection of the common input to an input for each layer, and its norm."""
    width = config.count("hidden_size_per_layer_input")
    return config.need("hidden") * config.need("layers") * width + width


def layer_tables(config: Config) -> int:
    """Gemma 3n and 4: a second, narrow table with a row for each token and layer."""
    rows = config.number("vocab_size_per_layer_input") * config.need("layers")
    return rows * config.count("hidden_size_per_layer_input")


def altup_streams(config: Config) -> int:
    """Gemma 3n: layer inputs, and what splits the input into parallel streams and joins them at the end."""
    return layer_inputs(config) + 2 * (config.number("altup_num_inputs") - 1) * config.need("hidden") ** 2


def streams_head(config: Config) -> int:
    """DeepSeek-V4: what joins the residual streams before the last norm."""
    streams = config.number("hc_mult")
    return streams * streams * config.need("hidden") + streams + 1


def stream_mixer(config: Config) -> int:
    """Qwen4-Exp: what joins the residual streams before the last norm."""
    wide = config.number("hc_count") * config.need("hidden")
    return wide + 2 * wide * config.number("hc_lowrank")


def ngram_tables(config: Config) -> int:
    """Qwen4-Exp: on each layer of ``ple_layer_ids`` a table of hashed n-grams, a head's rows a prime above the base.

    The primes are counted as the base: they are a hundred rows in twenty million larger.
    """
    heads = (config.number("ngram_size") - 1) * config.number("heads_per_ngram")
    width = config.number("ple_embed_dim", config.need("hidden")) // max(heads, 1)
    return config.entries("ple_layer_ids") * heads * config.number("ngram_vocab_size_base") * width


def engram_tables(config: Config) -> int:
    """DeepSeek-V4.1: a table of hashed n-grams on each layer of ``engram_layer_ids``; vectors that frame an image."""
    rows = sum(config.raw("engram_num_embeddings") or ()) if config.entries("engram_layer_ids") else 0
    return int(rows * config.number("engram_head_dim"))


def more_words(config: Config) -> int:
    """Molmo 2: rows of the input table for words that are no text."""
    return config.number("additional_vocab_size") * config.need("hidden")


def half_rope(config: Config) -> int:
    """Mistral Large 4: a learned number for each pair of positions' dimensions."""
    return config.number("qk_rope_head_dim") // 2


def labels_of(config: Config) -> int:
    """Labels that a classifier chooses from."""
    return len(config.raw("id2label") or ()) or config.number("num_labels", 1)


def encoder_tables(config: Config) -> int:
    """BERT: a vector for each position and for each kind of text."""
    rows = config.need("context") if config.raw("position_embedding_type", "absolute") == "absolute" else 0
    return rows * config.need("hidden") + kinds_of_text(config)


def kinds_of_text(config: Config) -> int:
    """A vector for each kind of text."""
    return config.number("type_vocab_size", 0) * config.need("hidden")


def encoder_head(config: Config) -> int:
    """What a class of ``architectures`` puts on an encoder: a pooler, a classifier, or what predicts words."""
    hidden, classes = config.need("hidden"), config.raw("architectures")
    name = str(classes[0]) if isinstance(classes, list) and classes else ""
    square, labels = hidden * hidden + hidden, labels_of(config)
    if name.endswith("ForSequenceClassification"):
        return square + (hidden + 1) * labels
    if name.endswith(("ForMaskedLM", "ForPreTraining")):
        return square + 2 * hidden + config.need("vocab")
    if name.endswith("ForTokenClassification"):
        return (hidden + 1) * labels
    return square * config.flag("pooler", default=True)


def modernbert_head(config: Config) -> int:
    """ModernBERT: a norm after the table, and before a class's own head a matrix and a norm without biases."""
    hidden, names = config.need("hidden"), config.raw("architectures") or ("",)
    if "For" not in str(names[0]):
        return hidden
    labels = labels_of(config)
    words = str(names[0]).endswith("ForMaskedLM")
    return hidden + hidden * hidden + hidden + (config.need("vocab") if words else (hidden + 1) * labels)


def mpnet_head(config: Config) -> int:
    """MPNet: a bias for each head and bucket of distances besides."""
    return encoder_head(config) + config.number("relative_attention_num_buckets", 32) * config.need("heads")
