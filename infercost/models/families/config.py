"""Which layer is of which kind, where layers are not all alike."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from infercost.errors import BadFile, Missing
from infercost.models.model import Attention, Ffn

#: What a thing is called, most usual name first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "hidden": ("hidden_size", "d_model", "n_embd", "n_embed"),
    "layers": ("num_hidden_layers", "n_layers", "n_layer", "num_layers"),
    "heads": ("num_attention_heads", "n_heads", "n_head"),
    "kv_heads": ("num_key_value_heads", "num_kv_heads", "kv_n_heads", "n_head_kv"),
    "head_dim": ("head_dim", "attention_head_dim"),
    "width": ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "ff_intermediate_size"),
    "vocab": ("vocab_size",),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    "active": (
        "num_experts_per_tok",
        "num_experts_per_token",
        "moe_k",
        "moe_topk",
        "moe_top_k",
        "top_k_experts",
    ),
    "expert_width": ("moe_intermediate_size", "expert_intermediate_size", "expert_ffn_hidden_size"),
    "shared_experts": ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"),
    "ssm_state": ("mamba_d_state", "state_size"),
    "ssm_expand": ("mamba_expand", "expand"),
    "ssm_kernel": ("mamba_d_conv", "conv_kernel"),
    "ssm_rank": ("mamba_dt_rank", "time_step_rank"),
    "window": ("sliding_window", "sliding_window_size", "attention_chunk_size"),
    "context": ("model_max_length", "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"),
}
#: Where a language model hides inside a composite one.
WRAPPERS = ("text_config", "llm_config", "language_config", "thinker_config")
#: A config.json is a few kilobytes; a list as long as the vocabulary makes some a megabyte.
LARGEST = 10_000_000
#: No dimension of a model is larger.
LARGEST_NUMBER = 1e9
#: Deeper than any config; the JSON parser's own recursion must not meet a thousand.
DEEPEST = 50


def parse_json(text: str, where: str) -> dict[str, Any]:
    """A JSON object; ``Infinity`` and ``NaN``, which some configs hold, are survived.

    Raises:
        BadFile: too large, too deep, broken, or no object.
    """
    if len(text) > LARGEST:
        raise BadFile(f"{where}: larger than {LARGEST // 1_000_000} MB", "give a config.json")
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{where}: is no JSON ({str(error)[:60]})", "give the config.json as it was published") from error
    if _deeper(data, DEEPEST):
        raise BadFile(f"{where}: nested deeper than {DEEPEST}", "give the config.json as it was published")
    if not isinstance(data, dict):
        raise BadFile(f"{where}: holds no JSON object", "give the config.json as it was published")
    return data


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie deeper in each other than so many levels."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(each, (dict, list)) and (not levels or _deeper(each, levels - 1)) for each in inside)


class Config:
    """One model's config: ``need`` and ``get`` by meaning, ``raw`` by the file's own key.

    Keys of the inner language model come first, then those of the wrapper, then the family's class defaults.
    """

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self.where = where
        self.outer = data
        self.inner: Mapping[str, Any] = data
        self.levels = [data]
        while inner := next((self.inner[key] for key in WRAPPERS if isinstance(self.inner.get(key), dict)), None):
            self.inner = inner
            self.levels.append(inner)
        self.defaults: Mapping[str, Any] = {}

    @property
    def family(self) -> str:
        """The model type of the language model."""
        return str(self.inner.get("model_type") or self.outer.get("model_type") or "")

    def raw(self, key: str, default: Any = None) -> Any:
        """The value of the file's own key; the class default is for keys that the file leaves out, not for a null."""
        return self._first((key,), default)

    def get(self, meaning: str, default: Any = None) -> Any:
        """The value of a meaning under any of its names."""
        return self._first((*SYNONYMS[meaning], meaning), default)

    def _first(self, names: tuple[str, ...], default: Any) -> Any:
        places = (self.inner, self.outer)
        if not any(name in place for name in names for place in places):
            return next((self.defaults[name] for name in names if name in self.defaults), default)
        told = (place[name] for name in names for place in places if place.get(name) is not None)
        return next(told, default)

    def flag(self, name: str, default: bool | str = False) -> bool:
        """What the family says of a part that a model may have; a word there names the key of the file that tells."""
        told = self.defaults.get(name, default)
        return bool(self.raw(told) if isinstance(told, str) else told)

    def has(self, meaning: str) -> bool:
        """Whether the file speaks of a meaning, or of its own key, if only by a null."""
        return any(name in place for name in SYNONYMS.get(meaning, (meaning,)) for place in (self.inner, self.outer))

    def need(self, meaning: str, default: int | None = None) -> int:
        """A whole number above zero that the architecture cannot do without.

        Raises:
            Missing: no name of it is in the file, and the family documents no default.
            BadFile: it is no such number.
        """
        value = self.get(meaning, default)
        if value is None:
            names = " or ".join(SYNONYMS[meaning][:2])
            raise Missing(f"{self.where}: has no {names}", f"{self.family} documents no default: add the key")
        if not (number := self.whole(value, self._name(meaning))):
            raise BadFile(f"{self.where}: {self._name(meaning)} is 0", "it must be a whole number above 0")
        return number

    def count(self, key: str) -> int:
        """A whole number under the file's own key, where a null means none; a key left out has the class default.

        Raises:
            Missing: the key is not there and has no default.
        """
        return self.number(key, 0 if self.has(key) else None)

    def number(self, key: str, default: int | None = None) -> int:
        """A whole number under the file's own key.

        Raises:
            Missing: the key is not there and has no default.
        """
        value = self.raw(key, default)
        if value is None:
            raise Missing(f"{self.where}: has no {key}", f"{self.family} documents no default: add the key")
        return self.whole(value, key)

    def opt(self, meaning: str, default: int = 0) -> int:
        """A whole number, or the default where none is given or it is zero."""
        value = self.get(meaning)
        return default if value is None else self.whole(value, self._name(meaning)) or default

    def section(self, key: str) -> "Config":
        """A part of the file with keys of its own, which come before the others.

        Raises:
            BadFile: it is no object.
        """
        inside = self.raw(key, {})
        if not isinstance(inside, dict):
            raise BadFile(f"{self.where}: {key} is {str(inside)[:40]}", "it must be an object")
        part = Config({**self.inner, **inside}, f"{self.where}: {key}")
        part.defaults = self.defaults
        return part

    def at(self, key: str, i: int) -> Any:
        """The entry of a list for layer i.

        Raises:
            BadFile: no list, or one too short.
        """
        values = self.raw(key)
        if not isinstance(values, (list, str)) or i >= len(values):
            raise BadFile(f"{self.where}: {key} has no entry for layer {i}", "it must be a list with one entry a layer")
        return values[i]

    def _name(self, meaning: str) -> str:
        """The name under which the file tells a meaning."""
        names = SYNONYMS[meaning]
        return next((name for name in names if self.raw(name) is not None), names[0])

    def whole(self, value: Any, key: str) -> int:
        """A value that must be a whole number, or a refusal that names its key.

        Raises:
            BadFile: it is something else.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LARGEST_NUMBER:
            raise BadFile(f"{self.where}: {key} is {str(value)[:40]}", "it must be a whole number")
        if value != int(value):
            raise BadFile(f"{self.where}: {key} is {value}", "it must be a whole number")
        return int(value)


#: One layer: its attention and its feed-forward part.
Made = tuple[Attention, Ffn]
_WINDOW_WORDS = ("sliding_attention", "chunked_attention", "sliding_window", "swa", "local")
_RECURRENT_WORDS = ("linear_attention", "mamba", "recurrent", "conv")
_FULL_WORDS = (
    *("full_attention", "attention", "global", "indexed_attention", "hybrid", "moe", "mlp", "minimax_m3_sparse"),
    *("compressed_sparse_attention", "heavily_compressed_attention"),
)
#: Lists with one entry a layer, and the words that they may hold.
_LISTS: dict[str, tuple[str | int, ...]] = {
    "layer_types": (*_WINDOW_WORDS, *_RECURRENT_WORDS, *_FULL_WORDS),
    "mlp_layer_types": ("dense", "sparse"),
    "indexer_types": ("full", "shared"),
    "index_topk_pattern": ("F", "S", "full", "shared"),
    "hybrid_override_pattern": ("M", "*", "E", "-"),
    "hybrid_layer_pattern": (0, 1),
    "attn_type_list": (0, 1),
    "is_moe_layer": (False, True),
}
_KINDS: dict[str, type | tuple[type, ...]] = {"hybrid_override_pattern": str, "index_topk_pattern": (str, list)}


def check_lists(config: Config, depth: int) -> None:
    """Refuse a list of layers that is not one entry a layer, or holds a word that says nothing.

    Raises:
        BadFile: such a list; layers that predict further tokens may be in it.
    """
    longest = depth + config.number("num_nextn_predict_layers", 0)
    for key, words in _LISTS.items():
        if (told := config.raw(key)) is None:
            continue
        kind = _KINDS.get(key, list)
        if not isinstance(told, (list, str)) or not isinstance(told, kind) or not depth <= len(told) <= longest:
            size = f"{len(told)} entries" if isinstance(told, (list, str)) else "no list"
            raise BadFile(f"{config.where}: {key} has {size} for {depth} layers", "it must have one entry a layer")
        if odd := [word for word in told if word not in words]:
            raise BadFile(
                f"{config.where}: {key} holds {str(odd[0])[:40]!r}", f"known are {', '.join(map(str, words))}"
            )


def kind_of(config: Config, i: int, pattern: Callable[[int], bool]) -> str:
    """``full``, ``window`` or ``recurrent``: what ``layer_types`` says of layer i, else the family's pattern."""
    if config.raw("layer_types") is None:
        return "window" if pattern(i) else "full"
    word = config.at("layer_types", i)
    return "window" if word in _WINDOW_WORDS else "recurrent" if word in _RECURRENT_WORDS else "full"


def window_of(config: Config, i: int, pattern: Callable[[int], bool]) -> int:
    """The window of layer i, zero where it sees all; one that reaches the whole context is none."""
    window = config.opt("window") if kind_of(config, i, pattern) == "window" else 0
    return window if window < config.opt("context", window + 1) else 0


def all_but_every(config: Config, i: int, every: int = 4) -> int:
    """The window of layer i where every so many-th sees all; ``sliding_window_pattern`` may be letters: ``LLLG``."""
    told = config.raw("sliding_window_pattern", config.raw("_sliding_window_pattern", every))
    step = len(told) if isinstance(told, str) else config.whole(told, "sliding_window_pattern")
    return window_of(config, i, lambda n: bool((n + 1) % max(step, 1)))
