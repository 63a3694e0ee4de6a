"""Which layer is of which kind, where layers are not all alike."""

from collections.abc import Callable

from infercost.families.config import Config
from infercost.model import Attention, Ffn

#: One layer: its attention and its feed-forward part.
Made = tuple[Attention, Ffn]
_WINDOW_WORDS = ("sliding_attention", "chunked_attention", "sliding_window", "swa", "local")
_RECURRENT_WORDS = ("linear_attention", "mamba", "recurrent")


def kind_of(config: Config, i: int, pattern: Callable[[int], bool]) -> str:
    """``full``, ``window`` or ``recurrent``: what ``layer_types`` says of layer i, else the family's pattern."""
    types = config.raw("layer_types")
    if isinstance(types, list) and i < len(types):
        word = str(types[i])
        return "window" if word in _WINDOW_WORDS else "recurrent" if word in _RECURRENT_WORDS else "full"
    return "window" if pattern(i) else "full"
