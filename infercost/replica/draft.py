"""How a batch goes on: each step a token of each sequence, or tokens that a draft proposes and the model verifies."""

from typing import NamedTuple

from infercost import formulas
from infercost.models.model import Model
from infercost.numeric import maximum
from infercost.replica.layout import Layout, rank_weight_bytes, valid_widths
from infercost.replica.memory import Plan
from infercost.replica.rack import Running, Times, step_times
from infercost.replica.serving import Replica, decode_time
from infercost.replica.work import work_of


class Draft(NamedTuple):
    """A draft: how many tokens it proposes, how likely each is accepted, and its model or its share of a step."""

    tokens: int
    acceptance: float
    share: float = 0.0
    model: Model | None = None


class Pace(NamedTuple):
    """How a batch goes on: its passes, the seconds of a whole step, and those of one token of one sequence.

    ``tokens_per_s`` is what leaves a server, first tokens included; None where each step yields the batch's.
    """

    times: Times
    step: float
    tpot: float
    tokens_per_s: float | None = None


def share_memory(plan: Plan, draft: Draft | None) -> Plan:
    """The plan with what the draft's weights leave of the pool: each stage's ranks share one copy."""
    if draft is None or draft.model is None:
        return plan
    width = _width(draft.model, plan.layout.devices // plan.layout.pp)
    return plan._replace(pool=plan.pool - rank_weight_bytes(draft.model, Layout(width)))


def pace_of(running: Running, batch: float, draft: Draft | None = None) -> Pace:
    """How a batch, or each of an array of them, goes on: plainly, or with a draft whose tokens are verified."""
    if draft is None:
        times = step_times(running, batch)
        return Pace(times, times.step, times.step)
    verified = formulas.request.verified_tokens(draft_tokens=draft.tokens)
    times = step_times(running, maximum(batch, 1), int(verified))
    tokens = formulas.request.speculative_tokens(draft_tokens=draft.tokens, acceptance=draft.acceptance)
    tpot = formulas.request.speculative_tpot(
        draft_tokens=draft.tokens,
        draft_time=_draft_time(running, draft, batch),
        verification_time=times.step,
        speculative_tokens=tokens,
    )
    return Pace(times, formulas.request.speculative_step(tpot=tpot, speculative_tokens=tokens), tpot)


def _draft_time(running: Running, draft: Draft, batch: float) -> float:
    """Seconds of one token of the draft, whose model is split as widely as the target's ranks allow."""
    context = running.rack.plan.context
    if draft.model is None:
        step = decode_time(running.replica, batch, context)
        return formulas.request.shared_draft_time(draft_share=draft.share, step_time=step)
    work = work_of(draft.model, Layout(_width(draft.model, running.rack.width)))
    return decode_time(Replica(work, running.speeds), batch, context)


def _width(model: Model, ranks: int) -> int:
    """How many of the target's ranks share a draft: as many as split it evenly."""
    return max(tp for tp in valid_widths(model) if ranks % tp == 0 and tp <= ranks)
