"""Every formula and nothing else, one physics a module, loaded when first used: ``formulas.step.memory_time``."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infercost.formulas import cost, kernels, layer, llama_cpp, memory, request, step, trend, users

__all__ = [
    "cost",
    "kernels",
    "layer",
    "llama_cpp",
    "memory",
    "request",
    "step",
    "trend",
    "users",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"no module of formulas is called {name!r}")
    return import_module(f"infercost.formulas.{name}")
