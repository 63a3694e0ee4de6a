"""The keys of a config.json by meaning, what each layer of a list is, the names of matrices in checkpoints."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from infercost.errors import BadFile, Missing
from infercost.models.model import Attention, Layer

#: The names of a dimension, most usual first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "hidden": ("hidden_size", "d_model", "n_embd", "n_embed", "dim"),
    "layers": ("num_hidden_layers", "n_layers", "n_layer", "num_layers"),
    "heads": ("num_attention_heads", "n_heads", "n_head", "num_heads"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "kv_n_heads", "n_head_kv", "num_attention_groups"),
    "head_dim": ("head_dim", "attention_head_dim", "kv_channels", "hidden_size_per_head"),
    "width": ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "ff_intermediate_size", "hidden_dim"),
    "vocab": ("vocab_size", "padded_vocab_size"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    "active": ("num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_topk", "moe_top_k", "top_k_experts"),
    "expert_groups": ("n_group",),
    "token_groups": ("topk_group",),
    "expert_width": ("moe_intermediate_size", "expert_intermediate_size", "expert_ffn_hidden_size"),
    "expert_input": ("moe_latent_size", "routed_expert_hidden_size", "moe_hidden_size"),  # where it is less than hidden
    "shared_experts": ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"),
    "ssm_state": ("mamba_d_state", "ssm_state_size", "state_size"),
    "ssm_expand": ("mamba_expand", "expand"),
    "ssm_kernel": ("mamba_d_conv", "conv_kernel"),
    "ssm_groups": ("n_groups", "mamba_n_groups", "mamba_ngroups"),
    "adapter_rank": ("adapter_rank", "lora_rank"),
    "ssm_rank": ("mamba_dt_rank", "time_step_rank"),
    "window": ("sliding_window", "sliding_window_size", "attention_chunk_size"),
    "context": ("model_max_length", "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"),
}
#: What nearly every config has: all that is missing of it is said at once.
_BASIC = ("hidden", "layers", "heads", "width", "vocab")
#: Where a composite model keeps its language model.
WRAPPERS = (
    "text_config", "llm_config", "language_config", "thinker_config", "text_model_config", "lm_config", "llm",
)  # fmt: skip
#: No dimension of a model is larger.
LARGEST_NUMBER = 1e9
#: Deeper than any config; the JSON parser's own recursion must not meet a thousand.
DEEPEST = 50


class Config:
    """One config: ``get``, ``need`` and ``opt`` read by meaning; ``raw``, ``number`` and ``count`` by the file's key.

    Keys of the inner language model come first, then those of the wrapper, then the family's class defaults.
    A key that is absent without a default raises ``Missing``, a value that cannot be ``BadFile``, by the key's name.
    """

    def __init__(self, data: Mapping[str, Any], where: str, defaults: Mapping[str, Any] | None = None) -> None:
        self.where = where
        self.outer = data
        self.inner: Mapping[str, Any] = data
        self.levels = [data]
        while inner := next((self.inner[key] for key in WRAPPERS if isinstance(self.inner.get(key), dict)), None):
            self.inner = inner
            self.levels.append(inner)
        self.defaults: Mapping[str, Any] = defaults or {}

    @property
    def family(self) -> str:
        """The model type of the language model."""
        return str(self.inner.get("model_type") or self.outer.get("model_type") or "")

    def raw(self, key: str, default: Any = None) -> Any:
        """The value of the file's own key; the class default replaces a missing key, not a null."""
        return self._first((key,), default)

    def get(self, meaning: str, default: Any = None) -> Any:
        """The value of a meaning under any of its names."""
        return self._first((*SYNONYMS[meaning], meaning), default)

    def _first(self, names: tuple[str, ...], default: Any) -> Any:
        is_null = False
        for name in names:
            for place in (self.inner, self.outer):
                if (value := place.get(name)) is not None:
                    return value
                is_null = is_null or name in place
        return default if is_null else next((self.defaults[name] for name in names if name in self.defaults), default)

    def flag(self, name: str, default: bool | str = False) -> bool:
        """Whether the family has an optional part; a string as the family's value is the config key that decides."""
        value = self.defaults.get(name, default)
        if value == name:  # a key of the same name, which is off where the file has none
            return any(place.get(name) for place in (self.inner, self.outer) if name in place)
        return bool(self.raw(value) if isinstance(value, str) else value)

    def has(self, meaning: str) -> bool:
        """Whether the file holds a meaning, or a key of its own, if only as a null."""
        return any(name in place for name in SYNONYMS.get(meaning, (meaning,)) for place in (self.inner, self.outer))

    def need(self, meaning: str, default: int | None = None) -> int:
        """A whole number above zero that the architecture cannot do without."""
        value = self.get(meaning, default)
        if value is None:
            raise self._missing(" or ".join(SYNONYMS[meaning][:2]))
        if not (number := self._whole(value, meaning)):
            raise BadFile(f"{self.where}: {self._name(meaning)} is 0", "it must be a whole number above 0")
        return number

    def count(self, key: str) -> int:
        """A whole number under the file's own key, where a null means none."""
        return self.number(key, 0 if self.has(key) else None)

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number under the file's own key."""
        value = self.raw(key, default)
        if value is None:
            raise self._missing(key)
        return self.whole(value, key)

    def _missing(self, key: str) -> Missing:
        first = (SYNONYMS[meaning][0] for meaning in _BASIC if self.get(meaning) is None)
        others = ", ".join(name for name in first if name not in key.split())
        more = f", and likely {others}" if others else ""
        return Missing(f"{self.where}: has no {key}", f"{self.family} documents no default: add the key{more}")

    def opt(self, meaning: str, default: int = 0) -> int:
        """A whole number, or the default where none is given or it is zero."""
        value = self.get(meaning)
        return default if value is None else self._whole(value, meaning) or default

    def entries(self, key: str) -> int:
        """How many entries a list has that may be missing."""
        value = self.raw(key) or []
        if not isinstance(value, list):
            raise BadFile(f"{self.where}: {key} is {str(value)[:40]}", "it must be a list")
        return len(value)

    def section(self, key: str) -> "Config":
        """A part of the file with keys of its own, which come before the others."""
        inside = self.raw(key, {})
        if not isinstance(inside, dict):
            raise BadFile(f"{self.where}: {key} is {str(inside)[:40]}", "it must be an object")
        return Config({**self.inner, **inside}, f"{self.where}: {key}", self.defaults)

    def layer(self, i: int) -> "Config":
        """The config as layer i has it, by the ``per_layer_config`` of newer files."""
        own = self.raw("per_layer_config")
        if not isinstance(own, dict) or not own:
            return self
        inside = next((value for key, value in own.items() if str(key).lstrip("0") == (str(i) if i else "")), None)
        if not isinstance(inside, dict):
            return self
        return self.having(inside)

    def having(self, own: Mapping[str, Any]) -> "Config":
        """The same with values of some keys in place of the file's."""
        flat = {key: value for key, value in {**self.outer, **self.inner}.items() if key not in WRAPPERS}
        return Config({**flat, **own}, self.where, self.defaults)

    def gated(self) -> "Config":
        """The same of a family whose feed-forward parts have a gate."""
        return Config(self.outer, self.where, {**self.defaults, "gated": True})

    def at(self, key: str, i: int) -> Any:
        """The entry of a list for layer i."""
        values = self.raw(key)
        if not isinstance(values, (list, str)) or i >= len(values):
            raise BadFile(f"{self.where}: {key} has no entry for layer {i}", "it must be a list with one entry a layer")
        return values[i]

    def _name(self, meaning: str) -> str:
        names = SYNONYMS[meaning]
        return next((name for name in names if self.raw(name) is not None), names[0])

    def whole(self, value: Any, key: str) -> int:
        """A value of a key as a whole number."""
        if not _is_whole(value):
            raise BadFile(f"{self.where}: {key} is {str(value)[:40]}", "it must be a whole number")
        return int(value)

    def _whole(self, value: Any, meaning: str) -> int:
        return int(value) if _is_whole(value) else self.whole(value, self._name(meaning))


_WINDOW_WORDS = (
    *("sliding_attention", "chunked_attention", "sliding_window", "swa", "local", "window_attention"),
    *("local_attention", "sliding", "window", "chunked", "reference_sliding_attention", "hybrid_sliding"),
)
_RECURRENT_WORDS = (
    *("linear_attention", "mamba", "mamba2", "recurrent", "conv", "gated_delta_net", "kda", "lightning_attention"),
    *("linear", "ssm", "short_conv"),
)
_FULL_WORDS = (
    *("full_attention", "attention", "global", "indexed_attention", "hybrid", "moe", "mlp", "minimax_m3_sparse"),
    *("compressed_sparse_attention", "heavily_compressed_attention", "deepseek_sparse_attention"),
    *("qwen_sparse_attention", "sparse_attention", "latent_attention", "mla", "full", "global_attention", "dense"),
)
#: Lists with one entry a layer, and the words that they may hold.
_LISTS: dict[str, tuple[str | int, ...]] = {
    "layer_types": (*_WINDOW_WORDS, *_RECURRENT_WORDS, *_FULL_WORDS),
    "mlp_layer_types": ("dense", "sparse", "moe", "hash_moe"),
    "indexer_types": ("full", "shared"),
    "index_topk_pattern": ("F", "S", "full", "shared"),
    "hybrid_override_pattern": ("M", "*", "E", "-"),
    "hybrid_layer_pattern": (0, 1),
    "attn_type_list": (0, 1),
    "is_moe_layer": (False, True),
}
#: Those that may be a text of one letter a layer.
_LETTERS = ("hybrid_override_pattern", "index_topk_pattern")


#: A matrix by the ends of its names, and its parameters.
Matrix = tuple[tuple[str, ...], float]
_FUSED = ("qkv_proj", "query_key_value", "Wqkv", "wqkv", "W_pack", "c_attn")
_QUERY, _KEY, _VALUE = ("q_proj", *_FUSED), ("k_proj", *_FUSED), ("v_proj", *_FUSED)
_OUT = ("o_proj", "out_proj", "dense", "c_proj", "wo")
_GATE = ("gate_proj", "gate_up_proj", "w1", "input_linear", "w1w3")
_UP = ("up_proj", "gate_up_proj", "w3", "input_linear", "fc1", "c_fc", "dense_h_to_4h", "fc_in")
_DOWN = ("down_proj", "w2", "output_linear", "fc2", "c_proj", "dense_4h_to_h", "fc_out")


class Names(NamedTuple):
    """How checkpoints of a family call a layer, the blocks inside it, and its matrices where Llama's differ.

    ``other`` are the blocks of layers that keep a state or see an image; ``own`` are the names that the family uses
    of those that a matrix may have.
    """

    layer: str = "model.layers"
    attention: tuple[str, ...] = ("self_attn",)
    ffn: tuple[str, ...] = ("mlp",)
    experts: tuple[str, ...] = ("mlp.experts",)
    shared: tuple[str, ...] = ("mlp.shared_experts", "mlp.shared_expert", "shared_mlp", "mlp.shared_mlp")
    own: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def blocks(self, part: str, i: int, layer: Layer) -> list[str]:
        """The full names of the blocks that may hold a part of layer i."""
        is_other = part == "attention" and self.other and layer.attention.kind in ("recurrent", "image")
        blocks = self.other if is_other else getattr(self, part)
        return [f"{self.layer}.{i}.{block}".removesuffix(".") for block in blocks]

    def matrices(self, config: Config, part: str, layer: Layer) -> list[Matrix]:
        """The matrices of a part of a layer: ``attention``, ``ffn``, ``experts`` (of all of them) or ``shared``."""
        attention, ffn = layer.attention, layer.ffn
        sizes = {"ffn": ffn.dense, "experts": ffn.experts * ffn.expert, "shared": ffn.shared}
        whole = sizes.get(part, attention.split + attention.copied)
        if not whole:
            return []
        if part == "attention":
            return matrices_of_attention(config.need("hidden"), attention)
        if ffn.kind == "linear":
            return [(("linear_mlp", "mlp"), whole)]
        projections = 2 * config.need("hidden") * config.opt("expert_input") if part == "shared" else 0
        ends = (_GATE, _UP, _DOWN) if config.defaults.get("gated", True) else (_UP, _DOWN)
        each: list[Matrix] = [(names, (whole - projections) / len(ends)) for names in ends]
        return [*each, (("fc1_latent_proj", "fc2_latent_proj"), projections)] if projections else each


# fmt: off
LLAMA = Names()
SPARSE_MOE = Names(
    ffn=("block_sparse_moe",), experts=("block_sparse_moe.experts", "block_sparse_moe"), own=("w1", "w3", "w2"),
)
GRANITE = SPARSE_MOE._replace(ffn=("shared_mlp",), shared=("shared_mlp",), own=("input_linear", "output_linear"))
GRANITE_HYBRID = GRANITE._replace(other=("mamba",))
FORWARD = Names(
    ffn=("feed_forward",), experts=("feed_forward.experts",), shared=("feed_forward.shared_expert",),
    other=("mamba", "conv"),
)
FALCON_H1 = FORWARD._replace(attention=("self_attn", "mamba"))
DELTA = Names(other=("linear_attn",))
MAMBA = Names(
    "backbone.layers", attention=("mixer",), ffn=("mixer",), experts=("mixer.experts",),
    shared=("mixer.shared_experts", "mixer"),
)
FALCON = Names(
    "transformer.h", ("self_attention", "attn"), own=("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"),
)
GPT2 = Names("transformer.h", ("attn",), own=("c_attn", "c_proj", "c_fc"))
ZAMBA2 = Names(
    attention=("mamba", "mamba_decoder.mamba"), ffn=("shared_transformer.feed_forward",),
)
BERT = Names("encoder.layer", ("attention.self", "attention.output", "attn"), ("intermediate", "output", "mlp"))
SEQ2SEQ = Names("model.decoder.layers", ffn=("",), own=("out_proj", "fc1", "fc2"))
T5 = Names("decoder.block", ("layer.0.SelfAttention", "layer.1"), ("layer.2.DenseReluDense",))
DEEPSEEK_V4 = Names(
    "layers", attention=("attn",), ffn=("ffn",), experts=("ffn.experts",), shared=("ffn.shared_experts",),
    own=("w1", "w3", "w2"),
)


def parse_json(text: str, where: str, kind: str = "config.json") -> dict[str, Any]:
    """The JSON object of a checkpoint's file, which may hold ``Infinity`` and ``NaN``; BadFile for anything else."""
    hint = f"give a {kind}"
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{where}: is no {kind}: not JSON ({str(error)[:60]})", hint) from error
    if _deeper(data, DEEPEST):
        raise BadFile(f"{where}: is no {kind}: nested deeper than {DEEPEST}", hint)
    if not isinstance(data, dict):
        raise BadFile(f"{where}: is no {kind}: not a JSON object", hint)
    return data


def _deeper(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(each, (dict, list)) and (not levels or _deeper(each, levels - 1)) for each in inside)


def _is_whole(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= LARGEST_NUMBER and value == int(value)


def check_lists(config: Config, depth: int) -> None:
    """BadFile for a list of another length than the model, predicting layers apart, or with an unknown word."""
    longest = depth + config.number("num_nextn_predict_layers", 0)
    for key, words in _LISTS.items():
        if (entries := config.raw(key)) is None:
            continue
        is_list = isinstance(entries, list) or (isinstance(entries, str) and key in _LETTERS)
        if not is_list or not depth <= len(entries) <= longest:
            size = f"{len(entries)} entries" if is_list else "no list"
            raise BadFile(f"{config.where}: {key} has {size} for {depth} layers", "it must have one entry a layer")
        if odd := [word for word in entries if word not in words]:
            known = ", ".join(map(str, words))
            raise BadFile(f"{config.where}: {key} holds {str(odd[0])[:40]!r}", f"known are {known}")


def kind_of(config: Config, i: int, usual: str) -> str:
    """``full``, ``window`` or ``recurrent``: what ``layer_types`` says of layer i, else the family's usual kind."""
    if config.raw("layer_types") is None:
        return usual
    word = config.at("layer_types", i)
    return "window" if word in _WINDOW_WORDS else "recurrent" if word in _RECURRENT_WORDS else "full"


def window_of(config: Config, i: int, *, usual: bool) -> int:
    """The window of layer i, 0 where it sees all; a window of the whole context is none.

    ``usual`` is whether the family has a window there when ``layer_types`` says nothing.
    """
    window = config.opt("window") if kind_of(config, i, "window" if usual else "full") == "window" else 0
    return window if window < config.opt("context", window + 1) else 0


# Parameters outside the layers of a model: positions, further tables, what joins residual streams, encoders' heads.


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


# The names of a layer's matrices in checkpoints, and the size of each.
#
# Lists of modules that a quantization skips name single matrices, so each is known by every name that checkpoints and
# engines use for it, its fused ones too.

def matrices_of_attention(hidden: int, attention: Attention) -> list[Matrix]:
    """The matrices that the layer names itself, and the rest as queries, keys, values and output.

    Queries hold their output gate too, and keys and values may be another layer's.
    """
    own: list[Matrix] = [(tuple(names.split("|")), size) for names, size in attention.matrices]
    left = attention.split + attention.copied - sum(size for _, size in own)
    if attention.latent or not left:
        return own
    query = hidden * attention.heads * attention.head_dim
    out = hidden * attention.heads * attention.v_head_dim
    left -= out
    key = min(hidden * attention.kv_heads * attention.head_dim, left - query)
    value = min(hidden * attention.kv_heads * attention.v_head_dim, left - query - key)
    return [(_QUERY, left - key - value), (_KEY, key), (_VALUE, value), (_OUT, out), *own]
