"""What a row of the table of families holds."""

from collections.abc import Callable
from typing import Any, NamedTuple

from infercost.families import dense, tables
from infercost.families.config import Config
from infercost.families.pattern import Made


class Family(NamedTuple):
    """What a model type means beyond its keys; defaults are those of its configuration class in transformers 5.

    ``norms`` counts norm vectors of the hidden size in a layer; ``norm_bias`` doubles them and the last one.
    ``extra`` counts parameters beside layers and tables, ``lookup`` rows of tables beside the input's.
    """

    make: Callable[[Config, int], Made] = dense.uniform
    defaults: dict[str, Any] = {}  # noqa: RUF012 - a row of a table, never changed
    norms: int = 2
    norm_bias: bool = False
    tied: bool = False
    extra: Callable[[Config], int] = tables.nothing
    lookup: Callable[[Config], int] = tables.nothing


def moe(experts: int, active: int, **more: Any) -> dict[str, Any]:
    """Class defaults of a family with experts: how many there are, how many a token uses, and what else."""
    return {"experts": experts, "active": active, **more}
