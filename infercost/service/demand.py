"""What users ask of a service, as they say it: minutes or messages a day, the shape of the day, how few may wait."""

from typing import NamedTuple

from infercost import catalog
from infercost.case import Case
from infercost.engine import serving
from infercost.errors import BadValue, Missing
from infercost.question import Asked, apply_sets
from infercost.service.fleet import Use
from infercost.timing.replica import Request
from infercost.traffic import Shape, shape_of


class Demand(NamedTuple):
    """How much of a service one user is, when, and how tidily requests arrive."""

    use: Use
    shape: Shape
    minutes: float | None = None
    decoding_share: float = 1.0
    messages: float | None = None
    decoded: float = 0.0


def read_demand(asked: Asked, case: Case, request: Request | None) -> Demand:
    """The demand of one daily user.

    Raises:
        BadValue: minutes and messages, which both say how much.
        Missing: messages of no length.
    """
    shape = read_shape(asked)
    if "messages_per_day" not in asked.given:
        minutes = float(asked.take("minutes_per_day", 10, "about what chat services see"))
        share = float(asked.take("decoding_share", 1.0, "all minutes decode, as in the note"))
        use = Use(decoding=serving.concurrent_users(users=1.0, minutes_per_day=minutes, decoding_share=share))
        return Demand(use, shape, minutes, share)
    if stray := [name for name in ("minutes_per_day", "decoding_share") if name in asked.given]:
        raise BadValue(f"--{stray[0].replace('_', '-')} and --messages-per-day both say how much", "give one of them")
    decoded = _decoded(asked, case, request)
    messages = float(asked.take("messages_per_day"))
    rate = serving.request_rate(users=1.0, messages_per_day=messages)
    return Demand(Use(rate=rate), shape, messages=messages, decoded=decoded)


def _decoded(asked: Asked, case: Case, request: Request | None) -> float:
    """Tokens of one message that are decoded, of a bare count whose prompts nobody counts."""
    if request:
        return max(request.output_tokens - 1, 1)
    if case.model:
        raise Missing("messages need lengths", "give --input-tokens and --output-tokens")
    return float(asked.need("output_tokens", "--output-tokens 250"))


def read_shape(asked: Asked) -> Shape:
    """The load of each hour over the day's mean, from a preset or a file of one."""
    preset = apply_sets(asked, catalog.load("traffic", asked.take("traffic", "flat", "a flat day")))
    shape = shape_of(preset)
    if "burstiness" in asked.given:
        return shape._replace(burstiness=float(asked.take("burstiness")))
    return shape
