"""What a quantization scheme comes to: rules that give modules their bits."""

from typing import NamedTuple

from infercost.families.settings import Names

#: Parts that a scheme quantizes unless it names exceptions; tables, gates and norms stay as they were.
MATRICES = ("attention", "ffn", "experts", "shared")
LINEAR = (*MATRICES, "head")


class Rule(NamedTuple):
    """Bits of the modules that ``names`` knows, or of whole parts; None are the bits of what nothing quantizes."""

    bits: float | None
    parts: tuple[str, ...] = MATRICES
    names: Names | None = None


class Scheme(NamedTuple):
    """What a scheme is called, and its rules, of which the first that fits a module holds."""

    name: str
    rules: tuple[Rule, ...]
