"""What encoders have besides their layers: tables of positions and kinds of text, poolers and classifiers."""

from infercost.models.families.config import Config


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
