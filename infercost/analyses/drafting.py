"""A draft that proposes tokens for the model to verify, and how a batch goes on with it."""

from typing import TYPE_CHECKING, NamedTuple

from infercost import formulas
from infercost.analyses.step import Pace, plain_pace, step_times
from infercost.errors import BadValue, Missing
from infercost.formulas.formula import not_recording
from infercost.models.model import Model
from infercost.numeric import maximum
from infercost.replica.layout import Layout, rank_weight_bytes, valid_widths
from infercost.replica.serving import Replica, decode_time
from infercost.replica.work import work_of
from infercost.report import Note
from infercost.scenario.read import Asked
from infercost.scenario.scenario import Case, StepInputs

if TYPE_CHECKING:  # a bare count has none
    from infercost.replica.memory import Plan


class Draft(NamedTuple):
    """A draft: how many tokens it proposes, how likely each is accepted, and its model or its share of a step."""

    tokens: int
    acceptance: float
    share: float = 0.0
    model: Model | None = None


def read_draft(asked: Asked) -> Draft | None:
    """The draft that was asked for, a model of its own or a share of the target's time.

    Raises:
        Missing: draft tokens without acceptance or cost.
        BadValue: an acceptance of one, which no draft has.
    """
    names = ("draft_tokens", "acceptance", "draft_model", "draft_cost")
    given = [name for name in names if name in asked.given]
    if not given:
        return None
    tokens = int(asked.need("draft_tokens", "--draft-tokens 4"))
    acceptance = float(asked.need("acceptance", "--acceptance 0.8"))
    if acceptance >= 1:
        raise BadValue("--acceptance 1: no draft is always right", "give the share that is accepted, below 1")
    if "draft_model" in given and "draft_cost" in given:
        raise BadValue("--draft-model and --draft-cost are two ways to say one thing", "give one of them")
    if not {"draft_model", "draft_cost"} & {*given}:
        raise Missing("a draft needs a model or a cost", "give --draft-model NAME or --draft-cost 0.05")
    if "draft_cost" in given:
        return Draft(tokens, acceptance, float(asked.take("draft_cost")))
    from infercost.models.find import find_model  # the families that read a model are wanted here alone

    model = find_model(str(asked.take("draft_model"))).model
    asked.notes.append(Note("draft", "the draft's weights are counted in what fits, its cache is not"))
    return Draft(tokens, acceptance, model=model)


def beside(plan: "Plan", draft: Draft | None) -> "Plan":
    """The plan with what the draft's weights leave of the pool: each stage's ranks share one copy."""
    if draft is None or draft.model is None:
        return plan
    width = _width(draft.model, plan.layout.devices // plan.layout.pp)
    return plan._replace(pool=plan.pool - rank_weight_bytes(draft.model, Layout(width)))


def pace_with(case: Case, inputs: StepInputs, draft: Draft | None, batch: float) -> Pace:
    """How a batch, or each of an array of them, goes on: plainly, or with a draft whose tokens are verified."""
    if draft is None:
        return plain_pace(case, inputs, batch)
    times = step_times(case, inputs, maximum(batch, 1), draft.tokens + 1)
    tokens = formulas.request.speculative_tokens(draft_tokens=draft.tokens, acceptance=draft.acceptance)
    tpot = formulas.request.speculative_tpot(
        draft_tokens=draft.tokens,
        draft_time=_draft_time(case, inputs, draft, batch),
        verification_time=times.step,
        speculative_tokens=tokens,
    )
    return Pace(times, tpot * tokens, tpot)


def _draft_time(case: Case, inputs: StepInputs, draft: Draft, batch: float) -> float:
    """Seconds of one token of the draft, whose model is split as widely as the target's ranks allow."""
    with not_recording():
        if draft.model is None:
            return draft.share * decode_time(inputs.replica, batch, case.context)
        drafting = Replica(work_of(draft.model, Layout(_width(draft.model, case.width))), inputs.speeds)
        return decode_time(drafting, batch, case.context)


def _width(model: Model, ranks: int) -> int:
    """How many of the target's ranks share a draft: as many as split it evenly."""
    return max(tp for tp in valid_widths(model) if ranks % tp == 0 and tp <= ranks)
