"""What LLM inference needs and costs, from sourced presets and formulas that show their work."""

from importlib import import_module

TYPE_CHECKING = False  # of typing, whose import would be the first that Ctrl-C can meet
if TYPE_CHECKING:
    from typing import Any

    from infercost.api import (
        Answer,
        calibrate,
        compare,
        economies,
        fit,
        frontier,
        sweep_batch,
        userbase,
        utilization,
        validate,
    )
    from infercost.errors import InfercostError
    from infercost.parts.catalog import accelerator, accelerators
    from infercost.render import to_text
    from infercost.report import Report

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "InfercostError",
    "Report",
    "accelerator",
    "accelerators",
    "calibrate",
    "compare",
    "economies",
    "fit",
    "frontier",
    "sweep_batch",
    "to_text",
    "userbase",
    "utilization",
    "validate",
]
_ELSEWHERE = {
    "InfercostError": "errors",
    "Report": "report",
    "accelerator": "parts.catalog",
    "accelerators": "parts.catalog",
    "to_text": "render",
}


def __getattr__(name: str) -> "Any":
    """Load a public name when it is first used: ``--help`` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module 'infercost' has no attribute {name!r}")
    value = getattr(import_module(f"infercost.{_ELSEWHERE.get(name, 'api')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
