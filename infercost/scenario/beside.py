"""What takes memory beside a model: a draft, and what an engine profiles its memory with."""

from infercost.errors import BadValue
from infercost.models.model import Model
from infercost.parts.preset import Preset
from infercost.replica.memory import Drafting, Start, start_of
from infercost.scenario.options import flag
from infercost.scenario.read import Reading


def read_drafting(reading: Reading, model: Model) -> Drafting | None:
    """The draft that takes memory beside a model, None where none was asked for.

    Raises:
        BadValue: two drafts, or the head of a model that carries none.
    """
    from infercost.models.find import find_model

    given = [name for name in ("draft", "draft_model", "draft_cost") if name in reading.given]
    if len(given) > 1:
        raise BadValue(f"{flag(given[0])} and {flag(given[1])} are two ways to say one thing", "give one of them")
    if given in ([], ["draft_cost"]):
        return None
    tokens = reading.get("draft_tokens")
    if reading.question.command == "fit":
        tokens = reading.take("draft_tokens", 1, "the least")
    own = None
    if given == ["draft_model"]:
        own = find_model(str(reading.take("draft_model"))).model
    else:
        reading.take("draft")
    drafting = Drafting(own, int(tokens or 1))
    drafting.head(model)
    return drafting


def read_start(reading: Reading, stack: Preset, part: Preset) -> Start:
    """What the engine profiles its memory with, which is as many sequences as it may run."""
    if reading.question.command == "fit":
        reading.take("max_sequences")
    start = start_of(stack, part, reading.get("max_sequences"), reading.get("chunk_tokens"))
    if start.sequences != start.usual_sequences or start.tokens != start.usual_tokens:
        keys = ("chunk_tokens", "chunk_tokens_small", "profiled_sequences", "profiled_sequences_small")
        reading.use(stack, *(key for key in keys if key in stack.facts))
    return start
