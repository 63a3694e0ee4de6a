"""Every formula and nothing else, one physics a module: ``formulas.step.memory_time``."""

from infercost.formulas import collectives, cost, layer, memory, queueing, request, step, users

__all__ = ["collectives", "cost", "layer", "memory", "queueing", "request", "step", "users"]
