"""Tokens that a sequence holds: as asked, of a request, or usual ones, and positions stretched beyond a config."""

from typing import TYPE_CHECKING

from infercost.errors import BadValue
from infercost.models.model import Model, Rope
from infercost.numeric import ceiling
from infercost.parts.preset import Preset
from infercost.parts.stack import is_nominal
from infercost.scenario.read import Reading
from infercost.scenario.usual import LENGTHS, USUAL_CONTEXT

if TYPE_CHECKING:  # a bare count has no file
    from infercost.models.find import Checkpoint, Extended


def read_context(reading: Reading, stack: Preset | None, model: Model, card: "Extended | None") -> int:
    """Tokens that each sequence holds: of a request half way, none where a paper has none, else of a usual one."""
    longest = model.max_context
    assumed, why = min(longest or USUAL_CONTEXT, USUAL_CONTEXT), "a usual request"
    if model.prefill_only and "input_tokens" in reading.given:
        assumed, why = int(reading.get("input_tokens")), "the text"
    elif all(name in reading.given for name in LENGTHS):
        assumed = int(reading.get("input_tokens") + reading.get("output_tokens") / 2)
        why = "the prompt and half of the output"
    elif stack and reading.question.command != "fit" and is_nominal(stack):
        assumed, why = 0, f"by profile {stack.name}"
    context = int(reading.take("context", assumed, why))
    if longest and context > longest:
        if model.is_encoder:
            raise BadValue(f"{model.name} reads texts of at most {longest:,} tokens", "shorten the text")
        what = f"--context {context:,} is more than {model.name} was made for"
        whole = sum(reading.get(name) or 0 for name in LENGTHS)
        raise BadValue(what, why_not_longer(model, card, max(context, whole)))
    return context


def stretched(reading: Reading, checkpoint: "Checkpoint", model: Model) -> Model:
    """The model with its positions stretched: as asked, or where a context needs it as its card documents.

    Raises:
        BadValue: a factor for a model that names no longest context.
    """
    card, longest = checkpoint.extended, model.max_context
    asked = max(reading.get("context") or 0, sum(reading.get(name) or 0 for name in LENGTHS))
    if (factor := reading.take("rope_scaling")) is not None:
        if not longest:
            raise BadValue("--rope-scaling: the config names no longest context to stretch", "leave it out")
        rope = Rope(factor, card.rope.original if card else longest)
        return model._replace(max_context=max(longest, rope.context), rope=rope)
    if card is None or not longest < asked <= card.context:
        return model
    reading.take("rope_scaling", card.rope.factor, f"its card documents {card.context:,} tokens by YaRN")
    reading.amend(source=card.source, date=card.date)
    text = f"beyond the {longest:,} positions of its config by YaRN, which costs short texts some quality"
    reading.note("rope-scaling", text)
    return model._replace(max_context=card.context, rope=card.rope)


def why_not_longer(model: Model, card: "Extended | None", tokens: float) -> str:
    """What to give for a context beyond a model's own."""
    original = card.rope.original if card else model.max_context
    said = f"its config says {model.max_context:,} positions"
    if model.rope:
        said = f"they reach {model.max_context:,} tokens, stretched {model.rope.factor:g} times"
    elif card:
        said += f", its card {card.context:,} tokens by YaRN"
    return f"{said}; --rope-scaling {ceiling(tokens / original):.0f} stretches them further"
