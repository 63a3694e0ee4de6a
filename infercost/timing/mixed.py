"""The arithmetic rate of a model whose matrices are stored in several formats: each computes at its own."""

from infercost import counting
from infercost.formats import arithmetic_format, format_of_bits
from infercost.hardware import find_rate, rate_for
from infercost.model import Model
from infercost.preset import Preset


def matrix_rate(model: Model, part: Preset) -> float:
    """Operations per second of one token's matrices: the mean of their formats' rates, weighed by time.

    Raises:
        Missing: the part has no rate for the model's main format.
    """
    main = rate_for(part, arithmetic_format(model.quantization)).fact.value
    flops, seconds = 0.0, 0.0
    for name, count in _multiplied(model).items():
        rate = find_rate(part, format_of_bits(model.quantization, model.quantization.of(name)))
        flops += count
        seconds += count / (rate.fact.value if rate else main)
    return flops / seconds


def _multiplied(model: Model) -> dict[str, float]:
    """Parameters that one token multiplies with, by part of the weights."""
    whole = counting.params_by_part(model)
    counts: dict[str, float] = {name: whole[name] for name in ("attention", "ffn", "shared", "router")}
    counts["experts"] = sum(layer.times * layer.ffn.active * layer.ffn.expert for layer in model.layers)
    counts["head" if model.head else "embedding"] = model.head or model.embedding
    return {name: count for name, count in counts.items() if count}
