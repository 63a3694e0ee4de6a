"""Which layer is of which kind, where layers are not all alike."""

from collections.abc import Callable

from infercost.errors import BadFile
from infercost.families.config import Config
from infercost.model import Attention, Ffn

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
